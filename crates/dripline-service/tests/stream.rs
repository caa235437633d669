//! Many cases as one stream.

// The readers' error is as large as what it tells.
#![allow(clippy::result_large_err)]

mod common;

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, StatusCode, header};
use common::{CASE, JSON, LINES, Service, TEXT, WORKSHEET, post, trickle};
use dripline_formats::input::Cases;
use dripline_formats::json;
use dripline_reference::{Coder, Options};
use dripline_service::Limits;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);

/// What the command writes for a text.
fn command(text: &str) -> String {
    let (coder, mut cases, mut lines) = (Coder::default(), Cases::new("-", text.as_bytes(), 0), String::new());
    while let Some(case) = cases.next() {
        let coded = case.and_then(|c| {
            let coded = coder.code(&c.chart, c.position, &c.assumptions, &Options::default());
            coded.map_err(|e| cases.error_at(&c, &e.path, &e.message, &e.help))
        });
        lines += &coded.map_or_else(|e| json::line(&e), |c| json::line(&c));
        lines.push('\n');
    }
    lines
}

fn accepting_lines(content_type: &str, body: String) -> Request<axum::body::Body> {
    let mut request = post("/v1/code", content_type, body);
    request.headers_mut().insert(header::ACCEPT, "text/html;q=0.1, application/x-ndjson".parse().unwrap());
    request
}

#[tokio::test]
async fn each_case_gives_its_line_in_order_and_errors_stand_in_place() {
    let service = Service::new().await;
    let unnamed = CASE.replace(r#""case":"A-1","#, "");
    let text = format!(
        "{CASE}\n\n{unnamed}\n{{\"case\":\"bad\",\"setting\":\"ofice\"}}\nnonsense\n{{\"setting\":\"office\"}}\n{unnamed}"
    );
    let answer = service.ask(post("/v1/code", LINES, text.clone())).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, LINES));
    assert_eq!(answer.text.lines().count(), 6);
    assert_eq!(answer.text, command(&text));
    for other in ["application/jsonl", "application/ndjson; charset=utf-8"] {
        assert_eq!(service.ask(post("/v1/code", other, text.clone())).await.text, answer.text);
    }
}

#[tokio::test]
async fn lists_and_worksheets_are_answered_as_lines_where_that_is_asked_for() {
    let service = Service::new().await;
    for (content_type, text) in [
        (JSON, format!("[{CASE},\n{{\"setting\":\"x\"}},{CASE}]")),
        (JSON, CASE.to_owned()),
        (TEXT, format!("{WORKSHEET}\n{WORKSHEET}\noffice 2026-01-05\nZofran 4 mg x2 q30\n")),
    ] {
        let answer = service.ask(accepting_lines(content_type, text.clone())).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, LINES));
        assert_eq!(answer.text, command(&text));
    }
    assert_eq!(
        service.ask(accepting_lines(JSON, "nonsense".to_owned())).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn a_line_is_answered_before_the_next_is_sent() {
    let service = Service::new().await;
    let (sender, body) = trickle();
    let mut answer = service.begin(post("/v1/code", LINES, body)).await.into_body();
    for n in 0..5 {
        let case = CASE.replace("A-1", &format!("N-{n}"));
        // The end of a line may come later than its case.
        let (head, tail) = case.split_at(case.len() / 2);
        sender.send(Bytes::from(head.to_owned())).await.unwrap();
        sender.send(Bytes::from(format!("{tail}\n"))).await.unwrap();
        let line = timeout(SOON, answer.frame()).await.expect("a line soon").unwrap().unwrap().into_data().unwrap();
        let coding: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(coding["case"], format!("N-{n}"));
    }
    drop(sender);
    assert!(timeout(SOON, answer.frame()).await.unwrap().is_none());
}

#[tokio::test]
async fn no_more_is_taken_than_the_client_takes_back() {
    let service = Service::new().await;
    let (sender, body) = trickle();
    let answer = service.begin(post("/v1/code", LINES, body)).await.into_body();
    let mut sent = 0;
    while timeout(Duration::from_millis(500), sender.send(Bytes::from(format!("{CASE}\n")))).await.is_ok() {
        sent += 1;
        assert!(sent < 1000, "the service takes all there is");
    }
    assert!(sent >= 64, "{sent}");
    drop(sender);
    let lines = timeout(SOON, answer.collect()).await.unwrap().unwrap().to_bytes();
    assert_eq!(lines.iter().filter(|b| **b == b'\n').count(), sent);
}

#[tokio::test]
async fn a_stream_that_stalls_ends_with_an_error() {
    let service = Service::with(Limits { idle: Duration::from_millis(80), ..Limits::default() }).await;
    let (sender, body) = trickle();
    sender.send(Bytes::from(format!("{CASE}\n{{\"setting\":"))).await.unwrap();
    let answer = timeout(SOON, service.ask(post("/v1/code", LINES, body))).await.unwrap();
    let lines: Vec<serde_json::Value> = answer.text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{}", answer.text);
    assert!(lines[1]["error"]["message"].as_str().unwrap().contains("nothing came"), "{}", lines[1]);
    drop(sender);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_given_up() {
    let service = Service::with(Limits { idle: Duration::from_millis(80), streams: 1, ..Limits::default() }).await;
    let answer = service.begin(post("/v1/code", LINES, format!("{CASE}\n").repeat(200))).await;
    let next = service.ask(post("/v1/code", LINES, CASE)).await;
    assert_eq!((next.status, next.problem().0.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    let free = async {
        while service.begin(post("/v1/code", LINES, CASE)).await.status() != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, free).await.expect("the place is free again");
    // Whoever reads on after all sees that lines are missing.
    assert!(timeout(SOON, answer.into_body().collect()).await.unwrap().is_err());
}
