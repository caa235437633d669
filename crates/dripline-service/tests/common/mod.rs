//! The service without a socket. Every answer is held against the description that the service gives of itself.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod caught;
pub mod certificates;
pub mod stores;

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use dripline_reference::Coder;
use dripline_service::store::Store;
use dripline_service::{AppState, Limits, app};
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::ServiceExt as _;

pub const WORKSHEET: &str = "office 2026-01-05\nZofran 4 mg IV push 10:00\nZofran 4 mg IV push 10:35\n";
pub const CASE: &str = r#"{"case":"A-1","setting":"facility","administrations":[{"drug":"Zofran","dose":"4 mg","route":"IV","method":"push","start":"2026-01-05T10:00"},{"drug":"Rocephin","dose":"1 g","route":"IV","method":"infusion","start":"2026-01-05T10:10","stop":"2026-01-05T10:45"}]}"#;
pub const JSON: &str = "application/json";
pub const TEXT: &str = "text/plain";
pub const LINES: &str = "application/x-ndjson";

pub struct Service {
    router: Router,
    pub document: Value,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// The problem that the answer is: its kind and the whole.
    pub fn problem(&self) -> (String, Value) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        (problem["type"].as_str().unwrap().trim_start_matches("/problems/").to_owned(), problem)
    }
}

/// A request as a program on this machine sends it.
pub fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:8080")
}

pub fn get(path: &str) -> Request<Body> {
    request(Method::GET, path).body(Body::empty()).unwrap()
}

pub fn post(path: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    request(Method::POST, path).header(header::CONTENT_TYPE, content_type).body(body.into()).unwrap()
}

impl Service {
    pub async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        Self::of(AppState::new(Coder::default(), limits)).await
    }

    pub async fn keeping(store: Store) -> Self {
        Self::of(AppState::default().with_store(store)).await
    }

    pub async fn of(state: AppState) -> Self {
        let router = app(state);
        // A service that keeps nothing describes itself to whoever asks on its machine.
        let response = app(AppState::default()).oneshot(get("/openapi.json")).await.unwrap();
        let document = serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
        Service { router, document }
    }

    /// Answers without reading the body.
    pub async fn begin(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.begin(request).await;
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let answer = Answer { status: parts.status, headers: parts.headers, text };
        self.is_as_described(&method, &path, &answer);
        answer
    }

    /// Answers what no description covers: a page.
    pub async fn look(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.begin(request).await.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Asserts that an answer of a described route is one of those described.
    fn is_as_described(&self, method: &Method, path: &str, answer: &Answer) {
        let fits = |template: &str| {
            let (t, p): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
            t.len() == p.len() && t.iter().zip(&p).all(|(t, p)| t.starts_with('{') || t == p)
        };
        let Some((_, route)) = self.document["paths"].as_object().unwrap().iter().find(|(t, _)| fits(t)) else {
            let kinds = match answer.status.as_u16() {
                401 => "unauthenticated",
                403 => "foreign",
                _ => "not-found",
            };
            assert_eq!(answer.problem().0, kinds);
            return;
        };
        let Some(operation) = route.get(method.as_str().to_ascii_lowercase()) else {
            let refused = matches!(answer.status.as_u16(), 401 | 405) || answer.problem().0 == "foreign";
            assert!(refused, "{method} {path}: {}", answer.status);
            return;
        };
        let described = &operation["responses"][answer.status.as_str()];
        assert!(described.is_object(), "{method} {path}: {} is not described: {}", answer.status, answer.text);
        let described = match described["$ref"].as_str() {
            Some(reference) => self.document.pointer(&reference[1..]).unwrap(),
            None => described,
        };
        let content_type = answer.header("content-type");
        if described["content"].as_object().is_some_and(|c| c.is_empty()) && answer.text.is_empty() {
            return;
        }
        let Some(content) = described["content"].get(content_type.trim_end_matches("; charset=utf-8")) else {
            assert!(described["content"].get(content_type).is_some(), "{method} {path}: {content_type}");
            return;
        };
        for line in answer.text.lines().filter(|_| content_type.contains("json")) {
            self.is_valid(&content["schema"], &serde_json::from_str(line).unwrap());
        }
    }

    pub fn is_valid(&self, schema: &Value, value: &Value) {
        let mut schema = schema.clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<_> = validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
    }

    /// Calls a tool over HTTP: its text, and whether it is an error.
    pub async fn tool(&self, name: &str, arguments: Value) -> (String, bool) {
        let params = json!({ "name": name, "arguments": arguments });
        let answer = self.mcp("tools/call", params).await;
        let result = &answer["result"];
        (
            result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned(),
            result["isError"] == true,
        )
    }

    pub async fn mcp(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }).to_string();
        let mut request = post("/mcp", JSON, body);
        request.headers_mut().insert(header::ACCEPT, "application/json, text/event-stream".parse().unwrap());
        request.headers_mut().insert("mcp-protocol-version", "2025-06-18".parse().unwrap());
        self.ask(request).await.json()
    }
}

/// A body that comes when it is sent.
pub struct Trickle(mpsc::Receiver<Bytes>);

pub fn trickle() -> (mpsc::Sender<Bytes>, Body) {
    let (sender, receiver) = mpsc::channel(1);
    (sender, Body::new(Trickle(receiver)))
}

impl HttpBody for Trickle {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(cx).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}
