//! Who may ask, how much and how long, and what every answer carries.

mod common;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode, header};
use common::{CASE, JSON, LINES, Service, TEXT, WORKSHEET, get, post, request, trickle};
use dripline_service::{Limits, guard};

fn from(host: &str, origin: Option<&str>) -> Request<Body> {
    let mut request = Request::post("/v1/code").header(header::HOST, host).header(header::CONTENT_TYPE, TEXT);
    if let Some(origin) = origin {
        request = request.header(header::ORIGIN, origin);
    }
    request.body(Body::from(WORKSHEET)).unwrap()
}

#[tokio::test]
async fn only_this_machine_may_ask() {
    let service = Service::new().await;
    for host in ["localhost", "localhost:8080", "127.0.0.1:9", "[::1]:8080"] {
        for origin in [None, Some("http://localhost:8080"), Some("http://127.0.0.1"), Some("https://[::1]:1")] {
            assert_eq!(service.ask(from(host, origin)).await.status, StatusCode::OK, "{host} {origin:?}");
        }
    }
    for host in ["evil.test", "evil.test:8080", "127.0.0.1.evil.test", "10.0.0.7", "", "localhost@evil.test"] {
        let answer = service.ask(from(host, None)).await;
        assert_eq!((answer.status, answer.problem().0.as_str()), (StatusCode::FORBIDDEN, "foreign"), "{host}");
    }
    for origin in
        ["http://evil.test", "null", "", "http://localhost.evil.test", "file://", "http://evil.test#localhost"]
    {
        let answer = service.ask(from("localhost", Some(origin))).await;
        assert_eq!(answer.problem().0, "foreign", "{origin}");
    }
    // No Host at all, two of them, and an address that names another than the header.
    let bare = Request::get("/health").body(Body::empty()).unwrap();
    assert_eq!(service.ask(bare).await.problem().0, "foreign");
    let two = request(Method::GET, "/health").header(header::HOST, "localhost").body(Body::empty()).unwrap();
    assert_eq!(service.ask(two).await.problem().0, "foreign");
    let other = request(Method::GET, "http://evil.test/health").body(Body::empty()).unwrap();
    assert_eq!(service.ask(other).await.problem().0, "foreign");
    // Every route is guarded, also those that are not there.
    for path in ["/", "/health", "/metrics", "/openapi.json", "/mcp", "/nothing"] {
        let request = Request::get(path).header(header::HOST, "evil.test").body(Body::empty()).unwrap();
        assert_eq!(service.ask(request).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_what_browsers_must_know() {
    let service = Service::new().await;
    let mcp = post("/mcp", JSON, "{}");
    let requests = [
        get("/health"),
        get("/nothing"),
        get("/v1/code"),
        post("/v1/code", JSON, "{}"),
        post("/v1/code", JSON, CASE),
        mcp,
    ];
    for request in requests {
        let path = request.uri().clone();
        let answer = service.begin(request).await;
        let header = |name: &str| answer.headers().get(name).map_or("", |v| v.to_str().unwrap()).to_owned();
        let policy = header("content-security-policy");
        assert_eq!(policy, guard::CONTENT_SECURITY_POLICY, "{path}");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("http"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(header("cache-control"), "no-store");
        assert!(!header("x-request-id").is_empty());
        // No other site's page may read an answer.
        assert_eq!(header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn the_caller_s_request_id_is_given_back() {
    let service = Service::new().await;
    let with = |id: &str| request(Method::GET, "/nothing").header("x-request-id", id).body(Body::empty()).unwrap();
    let answer = service.ask(with("visit.7-b_2")).await;
    assert_eq!(answer.header("x-request-id"), "visit.7-b_2");
    assert_eq!(answer.problem().1["request_id"], "visit.7-b_2");
    for bad in ["", "two words", &"x".repeat(65), "a=b"] {
        assert_ne!(service.ask(with(bad)).await.header("x-request-id"), bad);
    }
    let (a, b) = (service.ask(get("/health")).await, service.ask(get("/health")).await);
    assert_ne!(a.header("x-request-id"), b.header("x-request-id"));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let service = Service::with(Limits { body: 1000, ..Limits::default() }).await;
    let large = format!("{CASE}{}", " ".repeat(1000 - CASE.len()));
    assert_eq!(service.ask(post("/v1/code", JSON, large.clone())).await.status, StatusCode::OK);
    let answer = service.ask(post("/v1/code", JSON, large.clone() + " ")).await;
    assert_eq!((answer.status, answer.problem().0.as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
    // One whose length is not told ahead, and a worksheet of many cases.
    let (sender, body) = trickle();
    tokio::spawn(async move {
        for part in [large, " ".to_owned()] {
            let _ = sender.send(Bytes::from(part)).await;
        }
    });
    assert_eq!(service.ask(post("/v1/code", JSON, body)).await.problem().0, "too-large");
    let mut many = post("/v1/code", TEXT, WORKSHEET.repeat(30));
    many.headers_mut().insert(header::ACCEPT, LINES.parse().unwrap());
    assert_eq!(service.ask(many).await.problem().0, "too-large");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let service = Service::with(Limits { time: Duration::from_millis(60), ..Limits::default() }).await;
    let (sender, body) = trickle();
    sender.send(Bytes::from_static(b"{")).await.unwrap();
    let answer = service.ask(post("/v1/code", JSON, body)).await;
    assert_eq!((answer.status, answer.problem().0.as_str()), (StatusCode::REQUEST_TIMEOUT, "too-slow"));
}

#[tokio::test]
async fn too_many_at_a_time_are_sent_away_and_watchers_are_not() {
    let service = Service::with(Limits { requests: 1, ..Limits::default() }).await;
    let (sender, body) = trickle();
    let slow = service.begin(post("/v1/code", JSON, body));
    let others = async {
        tokio::task::yield_now().await;
        let answer = service.ask(post("/v1/code", JSON, CASE)).await;
        assert_eq!((answer.status, answer.problem().0.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
        assert_eq!(answer.header("retry-after"), "1");
        for path in ["/health", "/ready", "/metrics"] {
            assert_eq!(service.ask(get(path)).await.status, StatusCode::OK, "{path}");
        }
        sender.send(Bytes::from_static(CASE.as_bytes())).await.unwrap();
        drop(sender);
    };
    let (slow, ()) = tokio::join!(slow, others);
    assert_eq!(slow.status(), StatusCode::OK);
    assert_eq!(service.ask(post("/v1/code", JSON, CASE)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn long_work_gives_the_same_and_does_not_hold_up_others() {
    let aside = Service::with(Limits { at_once: 0, ..Limits::default() }).await;
    let at_once = Service::new().await;
    for (path, body) in [("/v1/code", CASE), ("/v1/why-not?code=96375", CASE), ("/v1/code", "{}")] {
        let (a, b) = (aside.ask(post(path, JSON, body)).await, at_once.ask(post(path, JSON, body)).await);
        assert_eq!(a.status, b.status);
        if a.status.is_success() {
            assert_eq!(a.text, b.text);
        }
    }
}
