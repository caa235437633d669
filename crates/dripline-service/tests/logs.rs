//! Nothing of a chart is logged, whatever is sent, and requests are. Alone in its file: there is one log in a process.

mod common;

use axum::body::Body;
use axum::http::{Method, header};
use common::caught::Caught;
use common::{JSON, LINES, Service, TEXT, get, post, request};
use dripline_service::store::Store;
use serde_json::json;

const NAME: &str = "Zorvexamab";

#[tokio::test]
async fn nothing_of_a_chart_is_logged_at_any_level() {
    let caught = Caught::all();
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
    // The queue, with what is kept and what is refused.
    let store = Store::open(&common::stores::file()).await.unwrap();
    let queue = Service::keeping(store.clone()).await;
    let new = |key: &str, body: String| {
        let mut request = post("/v1/cases", JSON, body);
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        request
    };
    let change = |path: &str, revision: u8, body: serde_json::Value| {
        let mut request = post(path, JSON, body.to_string());
        request.headers_mut().insert("if-match", format!("\"{revision}\"").parse().unwrap());
        request
    };
    let answer = json!({
        "query": { "field": NAME, "administrations": [NAME] },
        "says": { "set": { (NAME): NAME } },
        "entry": { "author": NAME, "written_at": "2026-01-05T10:00", "kind": "late", "where": NAME },
    });
    let mut corrected = case.clone();
    corrected["administrations"][0]["indication"] = json!(NAME);
    let correction = json!({ "chart": corrected, "entries": [{ "entry": answer["entry"] }], "reason": NAME });
    let of_queue = [
        new("k", case.to_string()),
        new("k", format!("{case} ")),
        new(NAME, format!("{{\"{NAME}\":1}}")),
        get("/v1/cases/1"),
        get("/v1/cases/1/history"),
        get(&format!("/v1/cases?case={NAME}&field={NAME}")),
        get(&format!("/v1/cases/{NAME}")),
        get("/v1/queue.csv"),
        change("/v1/cases/1/answers", 1, answer),
        change("/v1/cases/1/hold", 1, json!({ "reason": NAME })),
        change("/v1/cases/1/hold", 9, json!({ "reason": NAME })),
        change("/v1/cases/1/records-request", 2, json!({ "asked_by": NAME, "received_on": "2026-01-06" })),
        change("/v1/cases/1/correction", 3, correction.clone()),
        change("/v1/cases/1/correction", 3, json!({ "chart": { (NAME): NAME }, "entries": [], "reason": NAME })),
        change("/v1/cases/1/recode", 4, json!({ "reason": NAME })),
        get(&format!("/v1/queue.ndjson?case={NAME}")),
        get(&format!("/v1/cases?addressee={NAME}&outdated={NAME}")),
        post("/queue/1/correction", "application/x-www-form-urlencoded", format!("chart=office+{NAME}&reason={NAME}")),
        get("/queue/1"),
        post("/queue", "application/x-www-form-urlencoded", format!("text={NAME}&key={NAME}")),
    ];
    let many = many + of_queue.len();
    let kept_before = caught.text().len();
    for request in of_queue {
        let _ = queue.begin(request).await;
    }
    assert!(caught.text().len() > kept_before);
    // A store that fails: what the database says quotes what is stored.
    store.close().await;
    assert_eq!(queue.begin(new("l", case.to_string())).await.status(), 503);
    service.tool("code_chart", json!({ "chart": sheet })).await;
    service.tool("code_chart", json!({ "chart": case, NAME: NAME })).await;
    service.mcp(NAME, json!({ NAME: NAME })).await;
    service.mcp("tools/call", json!({ "name": NAME })).await;
    // A defect of the program that would quote what it worked on.
    let broke = tokio::task::spawn_blocking(|| panic!("cannot place {NAME}")).await;
    assert!(broke.is_err());

    let metrics = service.ask(get("/metrics")).await.text;
    let logged = caught.text();
    assert!(!logged.to_lowercase().contains(&NAME.to_lowercase()), "{logged}");
    assert!(!metrics.to_lowercase().contains(&NAME.to_lowercase()), "{metrics}");
    assert!(logged.lines().filter(|l| l.contains("answered")).count() >= many, "{logged}");
    assert!(logged.contains(r#"route="/v1/code" status=200"#) && logged.contains("tests/logs.rs"), "{logged}");
    for line in logged.lines() {
        assert!(line.contains(" INFO ") || line.contains(" ERROR "), "only lines of ours: {line}");
    }
}
