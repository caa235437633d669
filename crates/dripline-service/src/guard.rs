//! What stands before every route: who may ask, how much and how long, and what every answer carries.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{error, info};

use crate::access;
use crate::problem::{Kind, Problem};
use crate::state::AppState;

/// The id of a request: the caller's own, or one that is made; every answer names it.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The page's own files and nothing else; no script or style stands inside a page.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What every answer carries, unless its route says otherwise.
const HEADERS: [(HeaderName, HeaderValue); 8] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    ),
    // An answer holds a chart: it is kept nowhere.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Puts the guard before every route of a router.
pub(crate) fn guarded(router: Router, state: AppState) -> Router {
    router
        .layer(from_fn_with_state(state.clone(), access::enter))
        .layer(from_fn_with_state(state.clone(), admit))
        .layer(CatchPanicLayer::custom(|_| Problem::failed().into_response()))
        .layer(from_fn_with_state(state, observe))
}

/// Names, times, counts and logs the request, and finishes its answer.
async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let _under_way = state.metrics.under_way();
    let id = request_id(request.headers());
    let method = method_name(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        state.metrics.refused(problem.kind().slug());
        let kept = std::mem::take(response.headers_mut());
        response = problem.answer(&id);
        if let Some(allow) = kept.get(header::ALLOW) {
            response.headers_mut().insert(header::ALLOW, allow.clone());
        }
    }
    let headers = response.headers_mut();
    for (name, value) in &HEADERS {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    let (time, status) = (began.elapsed(), response.status());
    let route = matched.as_ref().map_or("none", MatchedPath::as_str);
    state.metrics.answered(route, method, status.as_u16(), time);
    let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    if status.is_server_error() && status != Kind::Busy.status() {
        error!(id, method, route, status = status.as_u16(), microseconds, "not answered");
    } else {
        info!(id, method, route, status = status.as_u16(), microseconds, "answered");
    }
    response
}

/// Lets a request in, if it comes from where the service may be asked and there is a place for it, and not for ever.
async fn admit(State(state): State<AppState>, request: Request, next: Next) -> Result<Response, Problem> {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let runs = matches!(route, "/health" | "/ready");
    // Whoever watches the service is let in when it is busy too.
    let watches = runs || route == "/metrics";
    state.access.reach().admits(request.uri(), request.headers(), runs)?;
    let place = state.requests.try_acquire();
    if place.is_err() && !watches {
        return Err(busy());
    }
    match tokio::time::timeout(state.limits.time, next.run(request)).await {
        Ok(response) => Ok(response),
        Err(_) => Err(too_slow(state.limits.time)),
    }
}

pub(crate) fn busy() -> Problem {
    Problem::new(Kind::Busy, "as many requests as are taken at a time are under way", "try again in a second")
}

fn too_slow(time: Duration) -> Problem {
    let detail = format!("the request was not read and answered within {} s", time.as_secs_f64());
    Problem::new(Kind::TooSlow, detail, "send less at a time, or many cases as a stream")
}

/// An id that nothing else has; it is no secret.
pub(crate) fn new_id() -> String {
    static RANDOM: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one("dripline"));
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:016x}-{:x}", *RANDOM, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The caller's id, if it is one that can stand in a log, or a new one.
fn request_id(headers: &HeaderMap) -> String {
    let plain = |id: &str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    match headers.get(REQUEST_ID).and_then(|v| v.to_str().ok()).filter(|id| plain(id)) {
        Some(id) => id.to_owned(),
        None => new_id(),
    }
}

/// A method as a name of ours: a caller may write anything.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::guarded;
    use crate::state::AppState;

    #[tokio::test]
    async fn a_defect_is_a_problem_that_tells_nothing() {
        async fn breaks() {
            panic!("cannot place Zofran");
        }
        let state = AppState::default();
        let router = guarded(Router::new().route("/breaks", get(breaks)), state.clone());
        let request = Request::get("/breaks").header("host", "localhost").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 500);
        let text = String::from_utf8(to_bytes(response.into_body(), 10_000).await.unwrap().to_vec()).unwrap();
        assert!(text.contains("/problems/failed") && !text.contains("Zofran"), "{text}");
        assert_eq!(state.requests.available_permits(), state.limits.requests, "its place is free again");
    }
}
