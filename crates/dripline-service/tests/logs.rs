//! Nothing of a chart is logged, whatever is sent, and requests are. Alone in its file: there is one log in a process.

mod common;

use std::io;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Method, header};
use common::{JSON, LINES, Service, TEXT, get, post, request};
use dripline_service::log;
use serde_json::json;
use tracing::level_filters::LevelFilter;

const NAME: &str = "Zorvexamab";

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_of_a_chart_is_logged_at_any_level() {
    let kept = Kept::default();
    let writer = kept.clone();
    tracing::subscriber::set_global_default(log::subscriber(LevelFilter::TRACE, move || writer.clone())).unwrap();
    log::quiet_panics();
    let service = Service::new().await;
    let sheet = format!("office 2026-01-05\n{NAME} 4 mg IV push 10:00\n");
    let case = json!({ "case": NAME, "setting": "office", "administrations": [{ "drug": NAME, "start": "2026-01-05T10:00" }] });
    let requests = [
        post("/v1/code", TEXT, sheet.clone()),
        post("/v1/code", JSON, case.to_string()),
        post("/v1/code", LINES, format!("{case}\n{NAME}\n{{\"{NAME}\":1}}\n{case}\n")),
        post("/v1/code", JSON, format!("{{\"{NAME}\":1}}")),
        post("/v1/code", JSON, format!("{{\"setting\":\"{NAME}\"}}")),
        post("/v1/code", JSON, NAME),
        post("/v1/code", NAME, NAME),
        post(&format!("/v1/code?{NAME}=1"), JSON, case.to_string()),
        post(&format!("/v1/why-not?code={NAME}"), TEXT, sheet.clone()),
        post(&format!("/v1/compare?with={NAME}"), TEXT, sheet.clone()),
        get(&format!("/v1/rules/{NAME}")),
        get(&format!("/{NAME}")),
        request(Method::from_bytes(NAME.as_bytes()).unwrap(), "/v1/code").body(Body::empty()).unwrap(),
        request(Method::GET, "/health").header(header::ORIGIN, format!("http://{NAME}")).body(Body::empty()).unwrap(),
        request(Method::GET, "/health").header("x-request-id", format!("of {NAME}")).body(Body::empty()).unwrap(),
        post("/mcp", JSON, format!("{{\"{NAME}\":1}}")),
    ];
    let many = requests.len();
    for request in requests {
        let _ = service.begin(request).await;
    }
    service.tool("code_chart", json!({ "chart": sheet })).await;
    service.tool("code_chart", json!({ "chart": case, NAME: NAME })).await;
    service.mcp(NAME, json!({ NAME: NAME })).await;
    service.mcp("tools/call", json!({ "name": NAME })).await;
    // A defect of the program that would quote what it worked on.
    let broke = tokio::task::spawn_blocking(|| panic!("cannot place {NAME}")).await;
    assert!(broke.is_err());

    let metrics = service.ask(get("/metrics")).await.text;
    let logged = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert!(!logged.to_lowercase().contains(&NAME.to_lowercase()), "{logged}");
    assert!(!metrics.to_lowercase().contains(&NAME.to_lowercase()), "{metrics}");
    assert!(logged.lines().filter(|l| l.contains("answered")).count() >= many, "{logged}");
    assert!(logged.contains(r#"route="/v1/code" status=200"#) && logged.contains("tests/logs.rs"), "{logged}");
    for line in logged.lines() {
        assert!(line.contains(" INFO ") || line.contains(" ERROR "), "only lines of ours: {line}");
    }
}
