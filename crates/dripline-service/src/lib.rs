//! dripline over HTTP: one process, no account, nothing stored.
//!
//! [`app`] is the whole service as a router, without a socket.

pub mod state;

use axum::Router;

pub use state::AppState;

/// Every route.
pub fn app(state: AppState) -> Router {
    Router::new().with_state(state)
}
