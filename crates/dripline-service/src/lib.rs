//! dripline over HTTP and MCP: one process, and a [`store`] for the queue of cases.
//!
//! [`app`] is the whole service as a router, without a socket; [`serve`](serve::serve) gives it one.
//!
//! ```
//! use axum::body::Body;
//! use axum::http::{Request, StatusCode};
//! use dripline_service::{AppState, app};
//! use tower::ServiceExt as _;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let worksheet = "office 2026-01-05\nZofran 4 mg IV push 10:00";
//! let request = Request::post("/v1/code?alternatives=false")
//!     .header("host", "localhost")
//!     .header("content-type", "text/plain")
//!     .body(Body::from(worksheet))
//!     .unwrap();
//! let response = app(AppState::default()).oneshot(request).await.unwrap();
//! assert_eq!(response.status(), StatusCode::OK);
//! # });
//! ```
//!
//! Without accounts the service answers this machine alone: [`guard`] refuses every `Host` and `Origin` that is not
//! loopback, and [`serve`] every other address. With them, [`access`] decides who may what. Nothing of a chart stands
//! in a log, a metric or the text of an error, but for key paths and the value in question, shortened, in the answer
//! to the caller.

// A problem is as large as what it tells, and there are few of them.
#![allow(clippy::result_large_err)]

pub mod access;
pub mod actor;
pub mod answer;
mod api;
mod asked;
pub mod guard;
pub mod log;
pub mod mcp;
mod metrics;
mod openapi;
pub mod page;
pub mod problem;
pub mod queue;
mod rules;
pub mod serve;
pub mod state;
pub mod store;
mod stream;

use axum::Router;
use axum::http::{Method, Uri};

pub use state::{AppState, Limits};

use problem::{Kind, Problem};

/// Every route.
pub fn app(state: AppState) -> Router {
    app_with(state, Router::new())
}

/// Every route, and others of the program's own behind the same guard.
pub fn app_with(state: AppState, others: Router<AppState>) -> Router {
    let router = api::routes(&state)
        .merge(others)
        .merge(mcp::routes(&state))
        .merge(page::routes())
        .merge(access::page::routes())
        .fallback(nothing_here)
        .method_not_allowed_fallback(other_method)
        .with_state(state.clone());
    guard::guarded(router, state)
}

async fn nothing_here() -> Problem {
    Problem::new(Kind::NotFound, "there is nothing at this address", "GET /openapi.json lists the routes")
}

async fn other_method(method: Method, uri: Uri) -> Problem {
    let _ = (method, uri);
    Problem::new(Kind::Method, "the route does not know this method", "GET /openapi.json lists the routes")
}
