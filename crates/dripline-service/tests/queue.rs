//! The queue, over HTTP, on SQLite and PostgreSQL.

mod common;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use common::stores::{copied, each_open};
use common::{Answer, JSON, Service, TEXT, get, post, request};
use dripline_service::{AppState, Limits};
use serde_json::{Value, json};
use sqlx::Executor as _;

/// An infusion without a stop: one question holds its claim.
fn infusion(case: &str) -> Value {
    json!({
        "case": case,
        "setting": "office",
        "administrations": [{
            "id": "a", "drug": "Rocephin", "dose": "1 g", "route": "IV", "method": "infusion",
            "start": "2026-01-05T10:00", "supplied_by": "patient",
        }],
    })
}

/// Nothing is missing.
fn push(case: &str) -> Value {
    json!({
        "case": case,
        "setting": "facility",
        "administrations": [{
            "drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-02-03T10:00",
            "supplied_by": "patient",
        }],
    })
}

fn new(key: &str, case: &Value) -> Request<Body> {
    let mut request = post("/v1/cases", JSON, case.to_string());
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

fn change(path: &str, revision: i64, body: &Value) -> Request<Body> {
    let mut request = post(path, JSON, body.to_string());
    request.headers_mut().insert("if-match", format!("\"{revision}\"").parse().unwrap());
    request
}

fn stop_at(at: &str, kind: &str, written_at: &str) -> Value {
    json!({
        "query": { "field": "stop", "administrations": ["a"] },
        "says": { "set": { "stop": at } },
        "entry": { "author": "A. Nurse, RN", "written_at": written_at, "kind": kind, "where": "MAR, page 2" },
    })
}

fn undetermined() -> Value {
    let mut answer = stop_at("", "original", "2026-01-05T12:00");
    answer["says"] = json!("cannot_be_determined");
    answer
}

fn problem(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.problem().0)
}

/// Everything that is kept of a case, and what was done to it.
async fn whole(service: &Service, id: i64) -> (Value, Value) {
    let case = service.ask(get(&format!("/v1/cases/{id}"))).await;
    let history = service.ask(get(&format!("/v1/cases/{id}/history"))).await;
    assert_eq!(case.header("etag"), format!("\"{}\"", case.json()["revision"]));
    (case.json(), history.json()["history"].clone())
}

#[tokio::test]
async fn a_case_is_kept_once_however_often_it_is_sent() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        let first = service.ask(new("visit-1", &infusion("A"))).await;
        assert_eq!(first.status, StatusCode::CREATED);
        assert_eq!(first.header("location"), "/v1/cases/1");
        let again = service.ask(new("visit-1", &infusion("A"))).await;
        assert_eq!((again.status, &again.text), (StatusCode::OK, &first.text));
        assert_eq!(problem(&service.ask(new("visit-1", &infusion("B"))).await), (422, "key-reused".into()));
        // The same case under another key is another case; the same bytes of another type are another body.
        assert_eq!(service.ask(new("visit-2", &infusion("A"))).await.json()["id"], 2);
        let mut text = post("/v1/cases", TEXT, infusion("A").to_string());
        text.headers_mut().insert("idempotency-key", "visit-1".parse().unwrap());
        assert_eq!(problem(&service.ask(text).await), (422, "key-reused".into()));
        let bare = post("/v1/cases", JSON, infusion("A").to_string());
        assert_eq!(problem(&service.ask(bare).await), (428, "precondition".into()));
        for key in ["", "two words", &"x".repeat(129), "'; DROP TABLE cases; --"] {
            assert_eq!(problem(&service.ask(new(key, &infusion("A"))).await), (400, "request".into()), "{key}");
        }
        assert_eq!(problem(&service.ask(new("bad", &json!({ "setting": "ofice" }))).await), (422, "case".into()));
        assert_eq!(service.ask(get("/v1/cases")).await.json()["cases"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn sent_twice_at_the_same_time_it_is_kept_once() {
    each_open(|store| async move {
        let service = &Service::keeping(store).await;
        let case = infusion("A");
        let asks = (0..8).map(|_| service.ask(new("same", &case)));
        let mut ids = Vec::new();
        let mut made = 0;
        for answer in futures_join(asks).await {
            made += usize::from(answer.status == StatusCode::CREATED);
            ids.push(answer.json()["id"].as_i64().unwrap());
        }
        assert_eq!((made, ids), (1, vec![1; 8]));
    })
    .await;
}

/// Waits for all of them at the same time.
async fn futures_join<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|cx| {
        let mut ready = true;
        for (future, done) in &mut futures {
            if done.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(value) => *done = Some(value),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    futures.into_iter().map(|(_, done)| done.unwrap()).collect()
}

#[tokio::test]
async fn a_case_goes_from_its_question_to_its_claim() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        let received = service.ask(new("k", &infusion("ED-17"))).await.json();
        assert_eq!((&received["status"], &received["waiting"]), (&json!("needs_answer"), &json!(1)));
        // What cannot be used changes nothing.
        let mut nobody = stop_at("2026-01-05T10:40", "original", "2026-01-05T12:00");
        nobody["entry"]["author"] = json!(" ");
        assert_eq!(problem(&service.ask(change("/v1/cases/1/answers", 1, &nobody)).await), (422, "body".into()));
        let mut without = nobody.clone();
        without.as_object_mut().unwrap().remove("entry");
        let refused = service.ask(change("/v1/cases/1/answers", 1, &without)).await;
        assert_eq!(problem(&refused), (422, "body".into()));
        assert!(refused.text.contains("entry"), "{}", refused.text);
        let mut other = stop_at("2026-01-05T10:40", "original", "2026-01-05T12:00");
        other["query"]["field"] = json!("start");
        assert_eq!(problem(&service.ask(change("/v1/cases/1/answers", 1, &other)).await), (422, "body".into()));
        let before = stop_at("ten to eleven", "original", "2026-01-05T12:00");
        assert_eq!(problem(&service.ask(change("/v1/cases/1/answers", 1, &before)).await), (422, "body".into()));
        let future = stop_at("2026-01-05T10:40", "original", "2999-01-05T12:00");
        assert_eq!(problem(&service.ask(change("/v1/cases/1/answers", 1, &future)).await), (422, "body".into()));
        assert_eq!(problem(&service.ask(change("/v1/cases/1/release", 1, &json!({}))).await), (409, "not-now".into()));
        // Tried out, it is marked, and nothing is kept.
        let mut tried = stop_at("2026-01-05T10:40", "original", "2026-01-05T12:00");
        assert_eq!(problem(&service.ask(post("/v1/cases/1/what-if", JSON, tried.to_string())).await).0, 422);
        tried.as_object_mut().unwrap().remove("entry");
        let what_if = service.ask(post("/v1/cases/1/what-if", JSON, tried.to_string())).await.json();
        assert_eq!((&what_if["what_if"], &what_if["version"]), (&json!(true), &json!(1)));
        assert_eq!(what_if["coding"]["lines"][0]["code"], "96365");
        let (case, history) = whole(&service, 1).await;
        assert_eq!((&case["version"], &case["revision"]), (&json!(1), &json!(1)));
        assert_eq!(history.as_array().unwrap().len(), 1);
        assert_ne!(case["coding"]["lines"], what_if["coding"]["lines"]);
        // With its entry it makes a version.
        let answer = stop_at("2026-01-05T10:40", "late", "2026-01-06T08:00");
        let answered = service.ask(change("/v1/cases/1/answers", 1, &answer)).await;
        assert_eq!(answered.status, StatusCode::OK, "{}", answered.text);
        assert_eq!((&answered.json()["status"], &answered.json()["version"]), (&json!("ready"), &json!(2)));
        let (case, _) = whole(&service, 1).await;
        assert_eq!(case["coding"]["lines"], what_if["coding"]["lines"]);
        assert_eq!(case["chart"]["administrations"][0]["stop_source"], "late_entry");
        let entry = &case["answers"][0];
        assert_eq!((&entry["author"], &entry["kind"]), (&json!("A. Nurse, RN"), &json!("late")));
        assert_eq!((&entry["after_release"], &entry["after_records_request"]), (&json!(false), &json!(false)));
        // Whoever saw less is told so; whoever says nothing too.
        assert_eq!(problem(&service.ask(change("/v1/cases/1/release", 1, &json!({}))).await), (412, "stale".into()));
        let bare = request(Method::POST, "/v1/cases/1/release").body(Body::empty()).unwrap();
        assert_eq!(problem(&service.ask(bare).await), (428, "precondition".into()));
        let released = service.ask(change("/v1/cases/1/release", 2, &json!({}))).await.json();
        assert_eq!(released["status"], "released");
        let (case, history) = whole(&service, 1).await;
        assert_eq!(case["claims"][0]["claim"]["lines"][0]["code"], "96365");
        assert_eq!(case["claims"][0]["rule_set"], case["coding"]["rule_set"]);
        assert_eq!(case["pending"], Value::Null);
        for (step, body) in [
            ("release", json!({})),
            ("hold", json!({ "reason": "x" })),
            ("reject", json!({ "reason": "x" })),
            ("reopen", json!({ "reason": "x" })),
        ] {
            let refused = service.ask(change(&format!("/v1/cases/1/{step}"), 3, &body)).await;
            assert_eq!(problem(&refused), (409, "not-now".into()), "{step}");
        }
        let actions: Vec<&Value> = history.as_array().unwrap().iter().map(|e| &e["action"]).collect();
        assert_eq!(actions, ["received", "answered", "released"]);
        let answered = &history[1];
        assert_eq!(answered["actor"], "this machine");
        assert_eq!(answered["before"]["chart"]["administrations[0].stop"], Value::Null);
        assert_eq!(answered["after"]["chart"]["administrations[0].stop"], "2026-01-05T10:40");
        assert_eq!(
            (&answered["before"]["status"], &answered["after"]["status"]),
            (&json!("needs_answer"), &json!("ready"))
        );
        assert!(answered["why"].as_str().unwrap().contains("A. Nurse, RN"));
        // The first version is as it was made.
        let first = service.ask(get("/v1/cases/1/versions/1")).await.json();
        assert_eq!((&first["chart"], &first["why"]), (&infusion("ED-17"), &json!("received")));
        assert_eq!(problem(&service.ask(get("/v1/cases/1/versions/3")).await), (404, "not-found".into()));
    })
    .await;
}

#[tokio::test]
async fn an_entry_is_written_when_it_can_have_been() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        service.ask(new("k", &infusion("A"))).await;
        let (before, _) = whole(&service, 1).await;
        let stop = "2026-01-05T10:40";
        let mut untold = stop_at("", "original", "2026-01-05T09:59");
        untold["says"] = json!("cannot_be_determined");
        for (answer, path, mends) in [
            (stop_at(stop, "original", "2026-01-05T09:00"), "entry.written_at", "correct when"),
            (stop_at(stop, "late", "2026-01-05T10:39"), "entry.written_at", "correct when"),
            (untold, "entry.written_at", "correct when"),
            (stop_at(stop, "original", "2026-01-07T00:00"), "entry.kind", "call it a late entry"),
            (stop_at(stop, "original", "2026-11-20T10:00"), "entry.kind", "call it a late entry"),
        ] {
            let refused = service.ask(change("/v1/cases/1/answers", 1, &answer)).await.problem();
            assert_eq!((refused.0.as_str(), &refused.1["path"]), ("body", &json!(path)), "{answer}: {}", refused.1);
            assert!(refused.1["help"].as_str().unwrap().contains(mends), "{}", refused.1);
        }
        let mut chart = infusion("A");
        chart["administrations"][0]["stop"] = json!(stop);
        for (kind, at, path) in [
            ("late", "2026-01-05T10:39", "entries[0].entry.written_at"),
            ("original", "2026-01-07T00:00", "entries[0].entry.kind"),
        ] {
            let refused =
                service.ask(change("/v1/cases/1/correction", 1, &correction(&chart, kind, at))).await.problem();
            assert_eq!((refused.0.as_str(), &refused.1["path"]), ("body", &json!(path)), "{}", refused.1);
        }
        assert_eq!(whole(&service, 1).await.0, before);
        let late = service.ask(change("/v1/cases/1/answers", 1, &stop_at(stop, "late", "2026-11-20T10:00"))).await;
        assert_eq!(late.json()["status"], "ready", "{}", late.text);
        // What was charted when it stopped, and by whoever left on the next morning, is original.
        chart["administrations"][0]["stop"] = json!("2026-01-05T11:00");
        for (revision, at) in [(2, "2026-01-05T11:00"), (3, "2026-01-06T23:59")] {
            let kept =
                service.ask(change("/v1/cases/1/correction", revision, &correction(&chart, "original", at))).await;
            assert_eq!(kept.json()["version"], revision + 1, "{}", kept.text);
            chart["administrations"][0]["stop"] = json!("2026-01-05T11:01");
        }
    })
    .await;
}

#[tokio::test]
async fn an_entry_after_release_is_marked_and_makes_a_credit_and_a_rebill() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        service.ask(new("k", &infusion("A"))).await;
        let settled = service.ask(change("/v1/cases/1/answers", 1, &undetermined())).await.json();
        assert_eq!((&settled["status"], &settled["version"]), (&json!("ready"), &json!(2)));
        let (before, _) = whole(&service, 1).await;
        assert_eq!(before["queries"], json!([{ "field": "stop", "administrations": ["a"], "settled": true }]));
        assert_eq!(service.ask(change("/v1/cases/1/release", 2, &json!({}))).await.json()["status"], "released");
        let asked = json!({ "asked_by": "Payer, by letter", "received_on": "2026-03-02" });
        assert_eq!(service.ask(change("/v1/cases/1/records-request", 3, &asked)).await.json()["status"], "released");
        let (frozen, _) = whole(&service, 1).await;
        // An entry that changes no line leaves what was sent as it is.
        let again = service.ask(change("/v1/cases/1/answers", 4, &undetermined())).await.json();
        assert_eq!((&again["status"], &again["version"]), (&json!("released"), &json!(3)));
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%MZ").to_string();
        let late = stop_at("2026-01-05T12:00", "late", &now);
        let answered = service.ask(change("/v1/cases/1/answers", 5, &late)).await.json();
        assert_eq!((&answered["status"], &answered["version"]), (&json!("ready"), &json!(4)), "{answered}");
        let (case, _) = whole(&service, 1).await;
        let marks: Vec<_> = case["answers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| (&a["after_release"], &a["after_records_request"]))
            .collect();
        let (no, yes) = (&json!(false), &json!(true));
        assert_eq!(marks, [(no, no), (no, no), (yes, yes)]);
        assert_eq!(case["claims"], frozen["claims"]);
        assert_eq!(case["pending"]["credit"], 1);
        assert_eq!(case["pending"]["rebill"]["lines"][0]["code"], "96365");
        service.ask(change("/v1/cases/1/release", 6, &json!({}))).await;
        let (case, _) = whole(&service, 1).await;
        let claims = case["claims"].as_array().unwrap();
        let kinds: Vec<_> = claims.iter().map(|c| (c["kind"].as_str().unwrap(), &c["version"], &c["of"])).collect();
        assert_eq!(
            kinds,
            [("original", &json!(2), &Value::Null), ("credit", &json!(2), &json!(1)), ("rebill", &json!(4), &json!(1))]
        );
        assert_eq!(claims[0], frozen["claims"][0]);
        assert_eq!(claims[1]["claim"], claims[0]["claim"]);
        assert_eq!((&case["status"], &case["pending"]), (&json!("released"), &Value::Null));
    })
    .await;
}

/// A correction that rests on one entry.
fn correction(chart: &Value, kind: &str, written_at: &str) -> Value {
    json!({
        "chart": chart,
        "entries": [{ "entry": { "author": "A. Nurse, RN", "written_at": written_at, "kind": kind, "where": "MAR, page 2" } }],
        "reason": "two charts were mixed up",
    })
}

#[tokio::test]
async fn a_chart_is_corrected_by_the_entries_on_which_it_rests() {
    each_open(|store| async move {
        let service = Service::keeping(store.clone()).await;
        service.ask(new("k", &infusion("A"))).await;
        let (before, _) = whole(&service, 1).await;
        let at = "/v1/cases/1/correction";
        let mut chart = infusion("A");
        chart["administrations"][0]["stop"] = json!("2026-01-05T10:40");
        chart["administrations"].as_array_mut().unwrap().push(push("")["administrations"][0].clone());
        chart["administrations"][1]["start"] = json!("2026-01-05T10:50");
        let good = correction(&chart, "late", "2026-01-06T08:00");
        // What cannot be used is told where it stands, and changes nothing.
        for (pointer, value, path) in [
            ("/chart", infusion("A"), "chart"),
            ("/chart/case", json!("B"), "chart.case"),
            ("/chart/case", Value::Null, "chart.case"),
            ("/chart/administrations/0/dose", json!(4), "chart.administrations[0].dose"),
            ("/chart/profile", json!("none of ours"), "chart.profile"),
            ("/entries", json!([]), "entries"),
            ("/entries/0/changes", json!(["administrations[0].stop"]), "entries"),
            ("/entries/0/changes", json!(["administrations[0].sto"]), "entries[0].changes[0]"),
            (
                "/entries/0/changes",
                json!(["administrations[0]", "administrations[1]", "setting"]),
                "entries[0].changes[2]",
            ),
            ("/entries/0/entry/author", json!(" "), "entries[0].entry.author"),
            ("/entries/0/entry/written_at", json!("2999-01-05T12:00"), "entries[0].entry.written_at"),
            ("/entries/0/entry/where", json!("a\u{202e}b"), "entries[0].entry.where"),
            ("/reason", json!(""), "reason"),
        ] {
            let mut bad = good.clone();
            let (above, key) = pointer.rsplit_once('/').unwrap();
            bad.pointer_mut(above).unwrap()[key] = value;
            let refused = service.ask(change(at, 1, &bad)).await;
            let (kind, whole) = refused.problem();
            assert_eq!((kind.as_str(), &whole["path"]), ("body", &json!(path)), "{pointer}: {whole}");
        }
        let twice = good.to_string().replacen("\"dose\":", "\"dose\":\"9 g\",\"dose\":", 1);
        let mut twice = post(at, JSON, twice);
        twice.headers_mut().insert("if-match", "\"1\"".parse().unwrap());
        assert_eq!(problem(&service.ask(twice).await), (422, "body".into()));
        let mut bare = good.clone();
        bare.as_object_mut().unwrap().remove("entries");
        assert_eq!(problem(&service.ask(change(at, 1, &bare)).await), (422, "body".into()));
        assert_eq!(problem(&service.ask(change(at, 2, &good)).await), (412, "stale".into()));
        assert_eq!(problem(&service.ask(post(at, JSON, good.to_string())).await), (428, "precondition".into()));
        assert_eq!(problem(&service.ask(change("/v1/cases/9/correction", 1, &good)).await), (404, "not-found".into()));
        assert_eq!(whole(&service, 1).await.0, before);
        // Two entries, and each change on one of them.
        let mut two = good.clone();
        let mut original = two["entries"][0].clone();
        original["entry"]["kind"] = json!("original");
        two["entries"][0]["changes"] = json!(["administrations[0].stop"]);
        original["changes"] = json!(["administrations[1]"]);
        two["entries"].as_array_mut().unwrap().push(original);
        let corrected = service.ask(change(at, 1, &two)).await;
        assert_eq!(corrected.status, StatusCode::OK, "{}", corrected.text);
        let corrected = corrected.json();
        assert_eq!(
            (&corrected["status"], &corrected["version"], &corrected["revision"]),
            (&json!("ready"), &json!(2), &json!(2))
        );
        let (case, history) = whole(&service, 1).await;
        // The stop is charted by a late entry, as an answer of one would be.
        chart["administrations"][0]["stop_source"] = json!("late_entry");
        assert_eq!(case["chart"], chart);
        assert_eq!(case["coding"]["lines"][0]["code"], "96365");
        let told = &case["corrections"][0];
        assert_eq!((&told["version"], &told["reason"]), (&json!(2), &json!("two charts were mixed up")));
        assert_eq!(told["entries"][0]["changes"], json!(["administrations[0].stop"]));
        assert_eq!(
            (&told["entries"][1]["kind"], &told["entries"][1]["where"]),
            (&json!("original"), &json!("MAR, page 2"))
        );
        assert_eq!(told["entries"][1]["changes"], json!(["administrations[1]"]));
        let event = &history[1];
        assert_eq!((&event["action"], &event["why"]), (&json!("corrected"), &json!("two charts were mixed up")));
        assert_eq!(
            event["before"]["chart"],
            json!({
                "administrations[0].stop": null, "administrations[0].stop_source": null, "administrations[1]": null,
            })
        );
        assert_eq!(event["after"]["chart"]["administrations[0].stop"], "2026-01-05T10:40");
        assert_eq!(event["after"]["chart"]["administrations[1]"]["drug"], "Zofran");
        assert_eq!((&event["before"]["status"], &event["after"]["status"]), (&json!("needs_answer"), &json!("ready")));
        assert_eq!(service.ask(get("/v1/cases/1/versions/1")).await.json()["chart"], infusion("A"));
        assert_eq!(service.ask(get("/v1/cases/1/versions/2")).await.json()["why"], "corrected");
        // A case that is rejected is opened first; one that is held stays so.
        service.ask(change("/v1/cases/1/hold", 2, &json!({ "reason": "x" }))).await;
        let back = correction(&infusion("A"), "original", "2026-01-05T12:00");
        let held = service.ask(change(at, 3, &back)).await.json();
        assert_eq!((&held["status"], &held["waiting"]), (&json!("held"), &json!(1)), "{held}");
        service.ask(change("/v1/cases/1/reject", 4, &json!({ "reason": "x" }))).await;
        assert_eq!(problem(&service.ask(change(at, 5, &good)).await), (409, "not-now".into()));
        let place = store.place().clone();
        let found = dripline_service::queue::check::check(&place).await.unwrap();
        assert_eq!((found.faults, found.versions), (vec![], 3));
    })
    .await;
}

#[tokio::test]
async fn a_correction_after_release_is_marked_and_makes_a_credit_and_a_rebill() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        let at = "/v1/cases/1/correction";
        let mut chart = infusion("A");
        chart["administrations"][0]["stop"] = json!("2026-01-05T10:40");
        service.ask(new("k", &chart)).await;
        service.ask(change("/v1/cases/1/release", 1, &json!({}))).await;
        let asked = json!({ "asked_by": "Payer", "received_on": "2026-03-02" });
        service.ask(change("/v1/cases/1/records-request", 2, &asked)).await;
        let (frozen, _) = whole(&service, 1).await;
        // One that leaves the claim as it is leaves what was sent as it is.
        chart["administrations"][0]["stop"] = json!("2026-01-05T10:41");
        let early = service.ask(change(at, 3, &correction(&chart, "original", "2026-01-05T12:00"))).await.json();
        assert_eq!((&early["status"], &early["version"]), (&json!("released"), &json!(2)), "{early}");
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%MZ").to_string();
        chart["administrations"][0]["stop"] = json!("2026-01-05T12:00");
        let late = service.ask(change(at, 4, &correction(&chart, "late", &now))).await.json();
        assert_eq!((&late["status"], &late["version"]), (&json!("ready"), &json!(3)), "{late}");
        let (case, _) = whole(&service, 1).await;
        let marks = |n: usize| {
            let entry = &case["corrections"][n]["entries"][0];
            (entry["after_release"].as_bool().unwrap(), entry["after_records_request"].as_bool().unwrap())
        };
        assert_eq!((marks(0), marks(1)), ((false, false), (true, true)));
        assert_eq!((&case["claims"], &case["pending"]["credit"]), (&frozen["claims"], &json!(1)));
        service.ask(change("/v1/cases/1/release", 5, &json!({}))).await;
        let (case, _) = whole(&service, 1).await;
        let claims = case["claims"].as_array().unwrap();
        let kinds: Vec<_> = claims.iter().map(|c| (c["kind"].as_str().unwrap(), &c["version"])).collect();
        assert_eq!(kinds, [("original", &json!(1)), ("credit", &json!(1)), ("rebill", &json!(3))]);
        assert_eq!((&claims[0], &claims[1]["claim"]), (&frozen["claims"][0], &claims[0]["claim"]));
    })
    .await;
}

#[tokio::test]
async fn an_answer_still_holds_after_a_correction_that_leaves_its_question_as_it_was() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        service.ask(new("k", &infusion("A"))).await;
        service.ask(change("/v1/cases/1/answers", 1, &undetermined())).await;
        let mut chart = infusion("A");
        chart["administrations"][0]["indication"] = json!("pneumonia");
        let same = correction(&chart, "original", "2026-01-05T12:00");
        assert_eq!(service.ask(change("/v1/cases/1/correction", 2, &same)).await.json()["status"], "ready");
        // Asked otherwise it is another question.
        chart["administrations"][0]["start"] = json!("2026-01-05T10:05");
        let other = correction(&chart, "original", "2026-01-05T12:00");
        assert_eq!(service.ask(change("/v1/cases/1/correction", 3, &other)).await.json()["status"], "needs_answer");
    })
    .await;
}

/// A service whose coder has a table of this quarter that counts a code otherwise.
async fn with_dosage(store: dripline_service::store::Store) -> Service {
    use dripline_reference::tables::{Store, import};
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("recode-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    let mut tables = Store::open(&folder).unwrap();
    let asp = "HCPCS Code,HCPCS Code Dosage,Payment Limit\nJ1885,15 MG,0.305\nJ2405,2 MG,\"0.123\"\nJ1200,50 MG,N/A\n";
    let files: [(&str, &[u8]); 1] = [("asp.csv", asp.as_bytes())];
    let on = jiff::civil::date(2026, 1, 20);
    import(&files, Some("2026Q1".parse().unwrap()), &mut tables, on).unwrap_or_else(|e| panic!("{e}"));
    let coder = dripline_reference::Coder { store: Some(std::sync::Arc::new(tables)), ..Default::default() };
    Service::of(AppState::new(coder, Limits::default()).with_store(store)).await
}

#[tokio::test]
async fn a_sum_says_which_of_its_amounts_are_unknown() {
    each_open(|store| async move {
        let service = with_dosage(store).await;
        let mut bought = push("A");
        let given = bought["administrations"][0].as_object_mut().unwrap();
        given.remove("supplied_by");
        given.insert("containers".to_owned(), json!([{ "kind": "single_dose", "amount": "4 mg", "count": 1 }]));
        bought["setting"] = json!("office");
        service.ask(new("a", &bought)).await;
        service.ask(post("/v1/settings", JSON, json!({ "money": true, "reason": "x" }).to_string())).await;
        let money = whole(&service, 1).await.0["money"].clone();
        let amounts: Vec<_> = money["lines"].as_array().unwrap().iter().map(|l| &l["amount"]).collect();
        assert_eq!((amounts, &money["total"]), (vec![&Value::Null, &json!("0.49")], &json!("0.49")));
        let page = service.look(get("/queue/1")).await.text;
        assert!(page.contains("<dd>0.49 without 1 line of no known amount</dd>"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn a_case_is_coded_again_when_other_tables_run() {
    each_open(|store| async move {
        let before = Service::keeping(store.clone()).await;
        let mut bought = push("A");
        let given = bought["administrations"][0].as_object_mut().unwrap();
        given.remove("supplied_by");
        given.insert("hcpcs".to_owned(), json!("J2405"));
        given.insert("containers".to_owned(), json!([{ "kind": "single_dose", "amount": "4 mg", "count": 1 }]));
        before.ask(new("a", &bought)).await;
        before.ask(new("b", &push("B"))).await;
        let mut later = push("C");
        later["administrations"][0]["start"] = json!("2026-04-03T10:00");
        before.ask(new("c", &later)).await;
        before.ask(change("/v1/cases/1/release", 1, &json!({}))).await;
        assert_eq!(whole(&before, 1).await.0["outdated"], json!([]));
        let nothing = before.ask(get("/v1/cases?outdated=true")).await.json();
        assert_eq!(nothing["cases"], json!([]));

        let service = with_dosage(store.clone()).await;
        let ids = async |query: &str| -> Vec<i64> {
            let page = service.ask(get(&format!("/v1/cases?{query}"))).await.json();
            page["cases"].as_array().unwrap().iter().map(|c| c["id"].as_i64().unwrap()).collect()
        };
        // The tables of another quarter concern no case of this one.
        assert_eq!((ids("outdated=true").await, ids("outdated=false").await), (vec![1, 2], vec![3]));
        assert_eq!(ids("outdated=true&status=ready").await, [2]);
        let csv = service.ask(get("/v1/queue.csv?outdated=true")).await.text;
        assert_eq!(csv.lines().count(), 3);
        let refused = service.ask(get("/v1/cases?outdated=yes")).await;
        assert_eq!(problem(&refused), (400, "parameter".into()));
        let (frozen, _) = whole(&service, 1).await;
        assert!(frozen["outdated"][0].as_str().unwrap().contains("2026Q1"), "{}", frozen["outdated"]);
        let recode = |id: i64, revision: i64| {
            change(&format!("/v1/cases/{id}/recode"), revision, &json!({ "reason": "the quarter's table came" }))
        };
        assert_eq!(problem(&service.ask(recode(1, 1)).await), (412, "stale".into()));
        let unsaid = change("/v1/cases/1/recode", 2, &json!({ "reason": "" }));
        assert_eq!(problem(&service.ask(unsaid).await), (422, "body".into()));
        // The drug's units differ: a version, and a pair when it is released.
        let recoded = service.ask(recode(1, 2)).await.json();
        assert_eq!(
            (&recoded["new_version"], &recoded["status"], &recoded["version"]),
            (&json!(true), &json!("ready"), &json!(2)),
            "{recoded}"
        );
        assert_eq!(recoded["differences"][0]["code"], "J2405");
        let (case, history) = whole(&service, 1).await;
        assert_eq!((&case["claims"], &case["pending"]["credit"]), (&frozen["claims"], &json!(1)));
        assert_eq!((&case["chart"], &case["outdated"]), (&frozen["chart"], &json!([])));
        let event = &history[2];
        assert_eq!((&event["action"], &event["why"]), (&json!("recoded"), &json!("the quarter's table came")));
        assert_eq!(event["before"]["rule_set"], frozen["coding"]["rule_set"]);
        assert_eq!(event["after"]["rule_set"], case["coding"]["rule_set"]);
        assert_ne!(event["after"]["rule_set"], event["before"]["rule_set"]);
        service.ask(change("/v1/cases/1/release", 3, &json!({}))).await;
        let (case, _) = whole(&service, 1).await;
        let claims = case["claims"].as_array().unwrap();
        let kinds: Vec<_> = claims.iter().map(|c| (c["kind"].as_str().unwrap(), &c["version"])).collect();
        assert_eq!(kinds, [("original", &json!(1)), ("credit", &json!(1)), ("rebill", &json!(2))]);
        assert_eq!(claims[2]["rule_set"]["reference"], case["coding"]["rule_set"]["reference"]);
        // The page tells it, and what coding again came to.
        let page = service.look(get("/queue/2")).await.text;
        assert!(page.contains("Other rules or tables run now") && page.contains("/queue/2/recode"), "{page}");
        // Nothing of the other's coding changes: no version, and it is no longer outdated.
        let (before, _) = whole(&service, 2).await;
        let same = service.ask(recode(2, 1)).await.json();
        assert_eq!((&same["new_version"], &same["version"], &same["revision"]), (&json!(false), &json!(1), &json!(2)));
        let (case, history) = whole(&service, 2).await;
        assert_eq!((&case["coding"], &case["outdated"]), (&before["coding"], &json!([])));
        assert_eq!((&history[1]["action"], &history[1]["after"]["version"]), (&json!("recoded"), &json!(1)));
        assert_eq!(ids("outdated=true").await, [0; 0]);
        assert!(!service.look(get("/queue/2")).await.text.contains("Other rules or tables run now"));
        let again = service.look(sent("/queue/2/recode", "revision=2&reason=once+more")).await;
        assert!(again.status == StatusCode::OK && again.text.contains("run now: nothing changes."), "{}", again.text);
        service.ask(change("/v1/cases/3/reject", 1, &json!({ "reason": "x" }))).await;
        assert_eq!(problem(&service.ask(recode(3, 2)).await), (409, "not-now".into()));
        let place = store.place().clone();
        let found = dripline_service::queue::check::check(&place).await.unwrap();
        assert_eq!((found.faults, found.versions), (vec![], 4));
    })
    .await;
}

/// A form as a page of this service sends it.
fn sent(path: &str, fields: &str) -> Request<Body> {
    let mut form = post(path, "application/x-www-form-urlencoded", fields.to_owned());
    form.headers_mut().insert("origin", "http://127.0.0.1:8080".parse().unwrap());
    form
}

#[tokio::test]
async fn a_claim_is_supported_by_what_it_was_coded_from() {
    each_open(|store| async move {
        let before = Service::keeping(store.clone()).await;
        let mut case = infusion("A");
        let given = case["administrations"][0].as_object_mut().unwrap();
        given.remove("supplied_by");
        given.insert("stop".to_owned(), json!("2026-01-05T10:40"));
        given.insert("containers".to_owned(), json!([{ "kind": "single_dose", "amount": "4 mg", "count": 1 }]));
        for (key, value) in [("drug", "Zofran"), ("dose", "4 mg"), ("hcpcs", "J2405")] {
            given.insert(key.to_owned(), json!(value));
        }
        before.ask(new("a", &case)).await;
        before.ask(change("/v1/cases/1/release", 1, &json!({}))).await;
        let sheet = async |service: &Service, path: &str| {
            let page = service.look(get(path)).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            printed(
                page.text.split("<main").nth(1).unwrap().split_once('>').unwrap().1.split("</main>").next().unwrap(),
            )
        };
        let (claim, force) = ("/queue/1/claims/1/support", "/queue/1/support");
        let left = sheet(&before, claim).await;
        assert!(left.contains("Claim 1 as it was released") && left.contains("version 1."), "{left}");
        assert!(left.contains("96365") && left.contains("10:40") && left.contains("Support for case A"), "{left}");
        assert!(left.contains("one unit is 1 mg: 4 units"), "{left}");
        // Other tables run, the chart is corrected: what left is supported as it left.
        let service = with_dosage(store).await;
        case["administrations"][0]["stop"] = json!("2026-01-05T12:00");
        let corrected = correction(&case, "late", "2026-01-06T08:00");
        assert_eq!(service.ask(change("/v1/cases/1/correction", 2, &corrected)).await.json()["version"], 2);
        assert_eq!(sheet(&service, claim).await, left);
        let now = sheet(&service, force).await;
        assert!(
            now.contains("Version 2, in force: ready.") && now.contains("96366") && !left.contains("96366"),
            "{now}"
        );
        service.ask(change("/v1/cases/1/release", 3, &json!({}))).await;
        assert_eq!(sheet(&service, claim).await, left);
        let rebill = sheet(&service, "/queue/1/claims/3/support").await;
        assert!(rebill.contains("Claim 3 as it was released") && rebill.contains("96366"), "{rebill}");
        let page = service.look(get("/queue/1")).await.text;
        for (path, linked) in [(force, true), (claim, true), ("/queue/1/claims/3/support", true), ("/claims/2/", false)]
        {
            assert_eq!(page.contains(path), linked, "{path}");
        }
        // A credit has no sheet, nor has a claim that never left.
        for path in
            ["/queue/1/claims/2/support", "/queue/1/claims/4/support", "/queue/9/support", "/queue/1/claims/x/support"]
        {
            assert_eq!(service.look(get(path)).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        // For an appeal, and signed; nothing is kept of it.
        let office = service.look(get(claim)).await.text;
        assert!(office.contains("class=\"watermark\"") && office.contains("Weakest rule"), "{office}");
        let signed = service.look(sent(claim, "appeal=yes&signed_by=B.+Coder&signed_on=2026-01-09")).await.text;
        assert!(
            signed.contains("Signed off by B. Coder on 2026-01-09") && !signed.contains("class=\"watermark\""),
            "{signed}"
        );
        assert!(
            !signed.contains("Weakest rule") && signed.contains("name=\"appeal\" value=\"yes\" checked"),
            "{signed}"
        );
        for (fields, says) in [
            ("signed_by=B&signed_on=2026-01-04", "before the service"),
            ("signed_by=B&signed_on=2999-01-09", "still to come"),
            ("signed_by=B&signed_on=9.1.26", "as 2026-01-05"),
            ("signed_on=2026-01-09", "who signs"),
        ] {
            let page = service.look(sent(claim, fields)).await.text;
            assert!(page.contains(says) && page.contains("class=\"watermark\""), "{fields}: {page}");
        }
        assert_eq!(whole(&service, 1).await.1.as_array().unwrap().len(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_support_sheet_holds_no_question() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        service.ask(new("k", &infusion("A"))).await;
        let page = service.look(get("/queue/1/support")).await.text;
        assert!(
            page.contains("Version 1, in force: needs an answer.") && !page.contains("When did it stop?"),
            "{page}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_was_answered_is_not_asked_again_and_what_was_not_is() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        let mut case = infusion("A");
        let a = &mut case["administrations"][0];
        (a["drug"], a["dose"], a["stop"]) = (json!("infliximab"), json!("150 mg"), json!("2026-01-05T12:10"));
        a["containers"] = json!([{ "kind": "single_dose", "amount": "100 mg", "count": 2 }]);
        a.as_object_mut().unwrap().remove("supplied_by");
        assert_eq!(service.ask(new("k", &case)).await.json()["waiting"], 1);
        let mut answer = stop_at("", "original", "2026-01-05T13:00");
        answer["query"]["field"] = json!("wasted");
        // It says something, but not what became of the rest.
        answer["says"] = json!({ "set": { "containers": [{ "kind": "single_dose", "amount": "200 mg" }] } });
        let open = service.ask(change("/v1/cases/1/answers", 1, &answer)).await.json();
        assert_eq!((&open["status"], &open["waiting"]), (&json!("needs_answer"), &json!(1)), "{open}");
        answer["says"] = json!({ "set": { "wasted": "0 mg" } });
        let ready = service.ask(change("/v1/cases/1/answers", 2, &answer)).await.json();
        assert_eq!((&ready["status"], &ready["waiting"]), (&json!("ready"), &json!(0)), "{ready}");
        let (case, _) = whole(&service, 1).await;
        assert_eq!(case["coding"]["drug_lines"][0]["modifiers"], json!(["JZ"]));
    })
    .await;
}

/// Three drugs that were bought, of whose containers the chart says nothing.
fn bought(case: &str) -> Value {
    let row = |drug: &str, dose: &str, start: &str| json!({ "drug": drug, "dose": dose, "route": "IV", "method": "push", "start": format!("2026-01-05T{start}") });
    let rows = [row("Zofran", "4 mg", "10:00"), row("Toradol", "30 mg", "10:10"), row("Benadryl", "25 mg", "10:20")];
    json!({ "case": case, "setting": "office", "administrations": rows })
}

#[tokio::test]
async fn one_entry_tells_each_of_several_drugs_by_itself() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        assert_eq!(service.ask(new("k", &bought("A"))).await.json()["waiting"], 1);
        let vial = |amount: &str| json!([{ "kind": "single_dose", "amount": amount, "count": 1 }]);
        let mut answer = stop_at("", "original", "2026-01-05T11:00");
        answer["query"] = json!({ "field": "containers", "administrations": ["1", "2", "3"] });
        answer["says"] = json!({ "each": {
            "1": { "set": { "containers": vial("4 mg") } },
            "3": { "set": { "containers": vial("50 mg"), "wasted": "25 mg" } },
        } });
        let tried = json!({ "query": answer["query"], "says": answer["says"] });
        let what_if = service.ask(post("/v1/cases/1/what-if", JSON, tried.to_string())).await.json();
        // One that is not told is still asked.
        let open = service.ask(change("/v1/cases/1/answers", 1, &answer)).await.json();
        assert_eq!((&open["status"], &open["version"]), (&json!("needs_answer"), &json!(2)), "{open}");
        let (case, history) = whole(&service, 1).await;
        assert_eq!(case["coding"]["drug_lines"], what_if["coding"]["drug_lines"]);
        assert_eq!(case["queries"], json!([{ "field": "containers", "administrations": ["2"], "settled": false }]));
        let rows = &case["chart"]["administrations"];
        assert_eq!((&rows[0]["containers"], &rows[1]["containers"]), (&vial("4 mg"), &Value::Null));
        assert_eq!((&rows[2]["containers"], &rows[2]["wasted"]), (&vial("50 mg"), &json!("25 mg")));
        assert_eq!(case["answers"][0]["says"], answer["says"]);
        assert_eq!(history[1]["after"]["chart"]["administrations[2].wasted"], "25 mg");
        // A second case: of one drug nobody can tell, and that settles what is asked again of it alone; and of no other.
        service.ask(new("l", &bought("B"))).await;
        answer["says"] =
            json!({ "each": { "1": { "set": { "containers": vial("4 mg") } }, "2": "cannot_be_determined" } });
        let open = service.ask(change("/v1/cases/2/answers", 1, &answer)).await.json();
        assert_eq!(open["waiting"], 1, "{open}");
        let query = json!({ "field": "containers", "administrations": ["2", "3"] });
        assert_eq!(
            whole(&service, 2).await.0["queries"],
            json!([{ "field": "containers", "administrations": ["2", "3"], "settled": false }])
        );
        (answer["query"], answer["says"]) = (
            query,
            json!({ "each": { "2": "cannot_be_determined", "3": { "set": { "containers": vial("25 mg") } } } }),
        );
        let ready = service.ask(change("/v1/cases/2/answers", 2, &answer)).await.json();
        assert_eq!((&ready["status"], &ready["waiting"]), (&json!("ready"), &json!(0)), "{ready}");
        let settled = json!([{ "field": "containers", "administrations": ["2"], "settled": true }]);
        assert_eq!(whole(&service, 2).await.0["queries"], settled);
        // It holds for the versions to come.
        let mut chart = whole(&service, 2).await.0["chart"].clone();
        chart["administrations"][0]["indication"] = json!("nausea");
        let same = correction(&chart, "original", "2026-01-05T12:00");
        assert_eq!(service.ask(change("/v1/cases/2/correction", 3, &same)).await.json()["status"], "ready");
        // What is said of one alone settles nothing of the others.
        service.ask(new("m", &bought("C"))).await;
        answer["query"] = json!({ "field": "containers", "administrations": ["1", "2", "3"] });
        (answer["says"], answer["only"]) = (json!("cannot_be_determined"), json!(["2"]));
        let open = service.ask(change("/v1/cases/3/answers", 1, &answer)).await.json();
        assert_eq!((&open["status"], &open["waiting"]), (&json!("needs_answer"), &json!(1)), "{open}");
        assert_eq!(
            whole(&service, 3).await.0["answers"][0]["says"],
            json!({ "each": { "2": "cannot_be_determined" } })
        );
    })
    .await;
}

#[tokio::test]
async fn the_page_asks_of_each_drug_by_its_name_in_one_form() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        service.ask(new("k", &bought("A"))).await;
        let page = service.look(get("/queue/1")).await.text;
        for drug in ["1 Zofran 4 mg, push 10:00", "2 Toradol 30 mg, push 10:10", "3 Benadryl 25 mg, push 10:20"] {
            assert!(page.contains(&format!("<legend>{drug}</legend>")), "{page}");
        }
        let head = "revision=1&question=1&field=containers&administrations=%5B%221%22,%222%22,%223%22%5D";
        let entry = "author=A.+Nurse&written_at=2026-01-05T11:00&kind=original&where=MAR";
        let one = "each.0.containers.kind=single_dose&each.0.containers.amount=4+mg&each.0.containers.count=1";
        let three = "each.2.containers.kind=single_dose&each.2.containers.amount=50+mg&each.2.wasted=25+mg";
        let all = "set.containers.kind=single_dose&set.containers.amount=50+mg";
        let send = async |says: &str| service.look(sent("/queue/1/answers", &format!("{head}&{says}&{entry}"))).await;
        for (says, told) in [
            (String::new(), "the answer is not chosen"),
            ("says=set".to_owned(), "its fields are empty"),
            ("says=each".to_owned(), "its fields are empty"),
            (format!("says=as_charted&{one}"), "the answer chosen is another"),
            (format!("says=set&{one}"), "the answer chosen is another"),
            (format!("{all}&{one}"), "for all of them and for each by itself"),
            (format!("{one}&each.0.says=as_charted"), "of 1 fields are filled in, and another answer is chosen"),
            (format!("{one}&each.1.containers.count=two"), "2: containers.count: this is not a whole number"),
        ] {
            let page = send(&says).await;
            assert!(
                page.status == StatusCode::UNPROCESSABLE_ENTITY && page.text.contains(told),
                "{says}: {}",
                page.text
            );
            // What was typed stays.
            let typed = "name=\"each.0.containers.amount\" type=\"text\" value=\"4 mg\"";
            assert_eq!(page.text.contains(typed), says.contains(one), "{says}: {}", page.text);
        }
        // Filled in, it is chosen.
        let done = send(&format!("{one}&{three}&each.1.says=cannot_be_determined")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
        let (case, _) = whole(&service, 1).await;
        assert_eq!((&case["status"], &case["version"]), (&json!("ready"), &json!(2)));
        assert_eq!(case["answers"][0]["says"]["each"]["3"]["set"]["wasted"], "25 mg");
        let page = service.look(get("/queue/1")).await.text;
        assert!(page.contains("2: it cannot be determined; 3: containers"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn a_person_holds_rejects_and_reopens_with_a_reason() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        service.ask(new("k", &push("A"))).await;
        let step = async |step: &str, revision: i64, reason: &str| {
            service.ask(change(&format!("/v1/cases/1/{step}"), revision, &json!({ "reason": reason }))).await
        };
        assert_eq!(problem(&step("hold", 1, " ").await), (422, "body".into()));
        let held = step("hold", 1, "waits for the pharmacy").await.json();
        assert_eq!((&held["status"], &held["reason"]), (&json!("held"), &json!("waits for the pharmacy")));
        assert_eq!(problem(&step("release", 2, "x").await), (409, "not-now".into()));
        let open = step("reopen", 2, "it came").await.json();
        assert_eq!((&open["status"], &open["reason"]), (&json!("ready"), &Value::Null));
        assert_eq!(step("reject", 3, "not ours").await.json()["status"], "rejected");
        assert_eq!(problem(&step("hold", 4, "x").await), (409, "not-now".into()));
        assert_eq!(step("reopen", 4, "ours").await.json()["status"], "ready");
        let (_, history) = whole(&service, 1).await;
        let done: Vec<_> =
            history.as_array().unwrap().iter().map(|e| (e["action"].as_str().unwrap(), e["why"].as_str())).collect();
        assert_eq!(
            done,
            [
                ("received", None),
                ("held", Some("waits for the pharmacy")),
                ("reopened", Some("it came")),
                ("rejected", Some("not ours")),
                ("reopened", Some("ours"))
            ]
        );
        // Of two who saw the same, one is told that it changed.
        let both = [step("hold", 5, "one"), step("hold", 5, "two")];
        let mut statuses: Vec<u16> = futures_join(both.into_iter()).await.iter().map(|a| a.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
    })
    .await;
}

#[tokio::test]
async fn the_queue_is_oldest_first_and_filtered() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        for (n, case) in [infusion("A"), push("B"), infusion("C"), push("D"), push("B")].iter().enumerate() {
            assert_eq!(service.ask(new(&format!("k{n}"), case)).await.status, StatusCode::CREATED);
        }
        service.ask(change("/v1/cases/4/hold", 1, &json!({ "reason": "x" }))).await;
        service.ask(change("/v1/cases/5/release", 1, &json!({}))).await;
        let ids = async |query: &str| -> (Vec<i64>, Value) {
            let page = service.ask(get(&format!("/v1/cases{query}"))).await;
            assert_eq!(page.status, StatusCode::OK, "{query}: {}", page.text);
            let page = page.json();
            (
                page["cases"].as_array().unwrap().iter().map(|c| c["id"].as_i64().unwrap()).collect(),
                page["next"].clone(),
            )
        };
        for (query, found) in [
            ("", &[1, 2, 3, 4, 5][..]),
            ("?status=", &[1, 2, 3, 4, 5]),
            ("?status=needs_answer", &[1, 3]),
            ("?status=ready", &[2]),
            ("?status=held&status=released", &[4, 5]),
            ("?status=rejected", &[]),
            ("?setting=office", &[1, 3]),
            ("?from=2026-01-06", &[2, 4, 5]),
            ("?to=2026-01-05", &[1, 3]),
            ("?from=2026-01-05&to=2026-01-05&status=ready", &[]),
            ("?field=stop", &[1, 3]),
            ("?field=start", &[]),
            ("?addressee=nurse", &[1, 3]),
            ("?addressee=nurse&field=stop", &[1, 3]),
            ("?addressee=pharmacy", &[]),
            ("?addressee=pharmacy&field=stop", &[]),
            ("?case=B", &[2, 5]),
            ("?case=B'%20OR%201=1%20--", &[]),
            ("?after=3", &[4, 5]),
        ] {
            assert_eq!(ids(query).await.0, found, "{query}");
        }
        let (mut after, mut all) = (json!(0), Vec::new());
        while !after.is_null() {
            let (part, next) = ids(&format!("?limit=2&after={after}")).await;
            assert!(part.len() <= 2);
            all.extend(part);
            after = next;
        }
        assert_eq!(all, [1, 2, 3, 4, 5]);
        for query in [
            "?status=open",
            "?setting=home",
            "?from=5.1.26",
            "?limit=501",
            "?after=-1",
            "?addressee=patient",
            "?money=asc",
            "?case=%00",
        ] {
            let refused = service.ask(get(&format!("/v1/cases{query}"))).await;
            assert_eq!(problem(&refused), (400, "parameter".into()), "{query}");
        }
        for id in ["0", "9", "x", "-1", "1%27", "99999999999999999999"] {
            assert_eq!(problem(&service.ask(get(&format!("/v1/cases/{id}"))).await), (404, "not-found".into()), "{id}");
        }
    })
    .await;
}

#[tokio::test]
async fn questions_leave_as_neutral_text() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        service.ask(new("k", &infusion("ED-17"))).await;
        let (case, _) = whole(&service, 1).await;
        let text = service.ask(get("/v1/cases/1/queries.txt")).await.text;
        assert!(
            text.contains("When did it stop?") && text.contains("to the nurse") && text.contains("ED-17"),
            "{text}"
        );
        for outcome in case["coding"]["queries"][0]["outcomes"].as_array().unwrap() {
            assert!(!text.contains(outcome["if"].as_str().unwrap()), "{text}");
            for line in outcome["lines"].as_array().unwrap() {
                assert!(!text.contains(line["code"].as_str().unwrap()), "{text}");
            }
        }
        service.ask(change("/v1/cases/1/answers", 1, &undetermined())).await;
        let text = service.ask(get("/v1/cases/1/queries.txt")).await.text;
        assert!(text.contains("No question is open") && !text.contains("stop?"), "{text}");
    })
    .await;
}

/// The text of a page as it is printed: without the parts that stay on the screen.
fn printed(page: &str) -> String {
    let (mut text, mut depth, mut hidden) = (String::new(), 0, None);
    for part in page.split('<').skip(1) {
        let (tag, after) = part.split_once('>').unwrap();
        let name = tag.split([' ', '\n']).next().unwrap();
        let void = tag.starts_with('!')
            || ["input", "br", "link", "meta", "path", "rect"].contains(&name)
            || tag.ends_with('/');
        if name.starts_with('/') {
            depth -= 1;
            hidden = hidden.filter(|&at| at < depth);
        } else if !void {
            if tag.contains("no-print") && hidden.is_none() {
                hidden = Some(depth);
            }
            depth += 1;
        }
        if hidden.is_none() {
            text.push_str(after);
        }
    }
    assert_eq!(depth, 0, "the page is not well formed");
    text.replace("&#39;", "'").replace("&quot;", "\"").replace("&#38;", "&")
}

#[tokio::test]
async fn a_page_that_asks_prints_its_questions_and_nothing_else() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        let mut case = infusion("ED-17");
        case["administrations"].as_array_mut().unwrap().push(push("")["administrations"][0].clone());
        case["administrations"][1]["start"] = json!("2026-01-05T10:05");
        service.ask(new("k", &case)).await;
        service.ask(post("/v1/settings", JSON, json!({ "money": true, "reason": "x" }).to_string())).await;
        let asks = service.ask(get("/v1/cases/1/queries.txt")).await.text;
        let main = |page: &str| {
            printed(page.split("<main").nth(1).unwrap().split("</main>").next().unwrap().split_once('>').unwrap().1)
        };
        let form = "question=1&field=stop&administrations=%5B%22a%22%5D&says=set&set.stop=2026-01-05T10:40";
        let tried = service.look(sent("/queue/1/what-if", form)).await.text;
        for page in [service.look(get("/queue/1")).await.text, tried] {
            assert!(page.contains("what each answer would earn") && page.contains(">Money<"), "{page}");
            assert_eq!(main(&page).trim(), asks.trim());
        }
        // With none open the claim is printed, without what was asked.
        service.ask(change("/v1/cases/1/answers", 1, &undetermined())).await;
        let page = service.look(get("/queue/1")).await.text;
        let text = main(&page);
        assert!(page.contains("Settled by an entry") && text.contains("96374"), "{text}");
        assert!(!text.contains("When did it stop?") && !text.contains("what each answer would earn"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn money_is_off_until_an_administrator_turns_it_on_and_orders_nothing() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        service.ask(new("k", &push("A"))).await;
        service.ask(new("l", &infusion("B"))).await;
        let queue = service.ask(get("/v1/cases")).await.text;
        assert_eq!(service.ask(get("/v1/settings")).await.json(), json!({ "money": false }));
        assert_eq!(whole(&service, 1).await.0.get("money"), None);
        let on = |on: bool| post("/v1/settings", JSON, json!({ "money": on, "reason": "the audit asks" }).to_string());
        assert_eq!(service.ask(on(true)).await.json(), json!({ "money": true }));
        let money = whole(&service, 1).await.0["money"].clone();
        assert_eq!(money["currency"], "USD");
        // No table is loaded: what is unknown is not zero.
        assert_eq!((&money["lines"][0]["amount"], &money["total"]), (&Value::Null, &Value::Null));
        let page = service.look(get("/queue/1")).await.text;
        assert!(page.contains("<dt>Together</dt><dd>no amount</dd>") && !page.contains("0.00"), "{page}");
        assert_eq!(service.ask(get("/v1/cases")).await.text, queue);
        assert!(!service.ask(get("/v1/queue.csv")).await.text.contains("USD"));
        assert_eq!(service.ask(on(false)).await.json(), json!({ "money": false }));
        assert_eq!(whole(&service, 1).await.0.get("money"), None);
    })
    .await;
}

/// Texts that would do harm where they were put together with others.
const HARM: &[&str] = &[
    "'; DROP TABLE cases; --",
    "\" OR \"1\"=\"1",
    "<script>alert(1)</script>",
    "{{7*7}}${7*7}",
    "=cmd|' /C calc'!A0",
    "$1 $2 %s %n",
    "../../../../etc/passwd",
    "é\u{1F489}\u{0301} ‘’",
    "a\nb\tc",
    "\\x00\\u0000\\'",
];

#[tokio::test]
async fn what_is_written_into_any_field_stays_text() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        for (n, harm) in HARM.iter().enumerate() {
            let id = i64::try_from(n).unwrap() + 1;
            let mut case = infusion("A");
            case["administrations"][0]["indication"] = json!(harm);
            case["administrations"][0]["source"] = json!(harm);
            case["administrations"][0]["order"] = json!(harm);
            let received = service.ask(new(&format!("k{n}"), &case)).await;
            assert_eq!(received.status, StatusCode::CREATED, "{}", received.text);
            let mut answer = stop_at("2026-01-05T10:40", "original", "2026-01-05T12:00");
            answer["entry"]["author"] = json!(harm);
            answer["entry"]["where"] = json!(harm);
            let path = format!("/v1/cases/{id}/answers");
            let answered = service.ask(change(&path, 1, &answer)).await;
            assert_eq!(answered.status, StatusCode::OK, "{harm}: {}", answered.text);
            service.ask(change(&format!("/v1/cases/{id}/hold"), 2, &json!({ "reason": harm }))).await;
            let asked = json!({ "asked_by": harm, "received_on": "2026-03-02" });
            service.ask(change(&format!("/v1/cases/{id}/records-request"), 3, &asked)).await;
            let before = service.ask(get(&format!("/v1/cases/{id}"))).await.json();
            let mut other = correction(&before["chart"], "late", "2026-01-05T12:00");
            other["chart"]["administrations"][0]["credentials"] = json!(harm);
            other["chart"]["accesses"] = json!({ (*harm): { "kind": "port" } });
            (other["reason"], other["entries"][0]["entry"]["where"]) = (json!(harm), json!(harm));
            let corrected = service.ask(change(&format!("/v1/cases/{id}/correction"), 4, &other)).await;
            assert_eq!(corrected.status, StatusCode::OK, "{harm}: {}", corrected.text);
            let (kept, history) = whole(&service, id).await;
            let told = &kept["corrections"][0];
            assert_eq!((&told["reason"], &told["entries"][0]["where"]), (&json!(harm), &json!(harm)));
            assert!(told["entries"][0]["changes"].as_array().unwrap().contains(&json!("accesses")), "{told}");
            assert_eq!(kept["chart"]["administrations"][0]["indication"], *harm);
            assert_eq!(kept["chart"]["administrations"][0]["order"], *harm);
            assert_eq!((&kept["answers"][0]["author"], &kept["answers"][0]["where"]), (&json!(harm), &json!(harm)));
            assert_eq!(kept["reason"], *harm);
            assert_eq!(kept["records_requests"][0]["asked_by"], *harm);
            assert_eq!(history[2]["why"], *harm);
            for (path, body) in [
                ("answers", json!({ "query": { "field": harm, "administrations": [harm] }, "says": { "set": { (*harm): harm } }, "entry": answer["entry"] })),
                ("reopen", json!({ (*harm): harm })),
                ("correction", json!({ "chart": { (*harm): harm }, "entries": [], "reason": harm })),
                ("correction", json!({ "chart": other["chart"], "entries": [{ "changes": [harm], "entry": answer["entry"] }], "reason": harm })),
            ] {
                let refused = service.ask(change(&format!("/v1/cases/{id}/{path}"), 5, &body)).await;
                assert_eq!(problem(&refused), (422, "body".into()));
            }
        }
        assert_eq!(service.ask(get("/v1/cases")).await.json()["cases"].as_array().unwrap().len(), HARM.len());
        // No cell of the export is a formula.
        let csv = service.ask(get("/v1/queue.csv")).await.text;
        assert!(csv.contains("'=cmd") && !csv.contains(",=cmd"), "{csv}");
        for unseen in ["a\u{0}b", "a\u{202e}b", "a\u{7}"] {
            let held = service.ask(change("/v1/cases/1/reopen", 5, &json!({ "reason": unseen }))).await;
            assert_eq!(problem(&held), (422, "body".into()));
            let mut case = infusion(unseen);
            case["administrations"][0]["source"] = json!(unseen);
            let received = service.ask(new("unseen", &case)).await;
            assert!(received.status.is_client_error() || received.status.is_success(), "{}", received.text);
        }
    })
    .await;
}

#[tokio::test]
async fn an_export_holds_the_whole_queue() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        for n in 0..205 {
            let case = if n % 2 == 0 { push("A,\"x\"") } else { infusion("B") };
            service.ask(new(&format!("k{n}"), &case)).await;
        }
        let lines = service.ask(get("/v1/queue.ndjson")).await.text;
        let lines: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let ids: Vec<i64> = lines.iter().map(|l| l["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, (1..=205).collect::<Vec<_>>());
        assert_eq!(lines[0]["lines"]["lines"][0]["code"], "96374");
        let csv = service.ask(get("/v1/queue.csv?status=ready")).await.text;
        assert_eq!(csv.lines().count(), 1 + 103);
        assert!(csv.lines().nth(1).unwrap().starts_with("1,\"A,\"\"x\"\"\",ready,facility,2026-02-03,"), "{csv}");
        assert!(csv.contains("96374 x1 on 2026-02-03"));
        // Whatever part of either is passed on says that nobody has reviewed the rules yet; each line is still one case.
        let notice = dripline::NOTICE;
        assert!(notice.contains("not yet reviewed") && lines.iter().all(|l| l["notice"] == notice));
        assert!(csv.starts_with("id,case,") && csv.lines().next().unwrap().ends_with(",lines,drug_lines,notice"));
        assert!(csv.lines().skip(1).all(|row| row.ends_with(&format!(",\"{notice}\""))), "{csv}");
    })
    .await;
}

#[tokio::test]
async fn an_export_is_sent_as_it_is_read_and_holds_each_case_once() {
    use http_body_util::BodyExt as _;
    const MANY: i64 = 3000;
    each_open(|store| async move {
        let service = Service::keeping(store.clone()).await;
        service.ask(new("k", &push("A"))).await;
        copied(&store, 2, MANY).await;
        let response = service.begin(get("/v1/queue.ndjson")).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut body = response.into_body();
        let mut parts: Vec<String> = Vec::new();
        while let Some(frame) = body.frame().await {
            parts.push(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap());
            if parts.len() == 1 {
                // Whatever is far behind was not read yet; what is near was, and what comes now is no part of it.
                for id in [1, MANY - 1] {
                    let held = change(&format!("/v1/cases/{id}/hold"), 1, &json!({ "reason": "meanwhile" }));
                    assert_eq!(service.ask(held).await.status, StatusCode::OK);
                }
                assert_eq!(service.ask(new("new", &push("B"))).await.json()["id"], MANY + 1);
            }
        }
        assert_eq!(parts.len(), 15);
        assert!(parts.iter().all(|part| part.lines().count() == 200 && part.ends_with('\n')));
        let lines: Vec<Value> = parts.concat().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let ids: Vec<i64> = lines.iter().map(|line| line["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, (1..=MANY).collect::<Vec<_>>());
        let status = |id: i64| &lines[usize::try_from(id - 1).unwrap()]["status"];
        assert_eq!((status(1), status(MANY - 1), status(MANY)), (&json!("ready"), &json!("held"), &json!("ready")));
        // A filter finds its cases when the export begins: one that leaves it meanwhile is there, and says where it is.
        let mut body = service.begin(get("/v1/queue.ndjson?status=ready")).await.into_body();
        let mut found = body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec();
        let left = change(&format!("/v1/cases/{}/hold", MANY - 2), 1, &json!({ "reason": "meanwhile" }));
        assert_eq!(service.ask(left).await.status, StatusCode::OK);
        while let Some(frame) = body.frame().await {
            found.extend(frame.unwrap().into_data().unwrap());
        }
        let lines: Vec<Value> =
            String::from_utf8(found).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let ids: Vec<i64> = lines.iter().map(|line| line["id"].as_i64().unwrap()).collect();
        // The two that were held before are not.
        assert_eq!(ids, (2..=MANY + 1).filter(|id| *id != MANY - 1).collect::<Vec<_>>());
        assert_eq!(lines[lines.len() - 3]["status"], "held");
        // What is not there at the end is seen: the answer is broken off, not ended.
        let mut body = service.begin(get("/v1/queue.csv")).await.into_body();
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(first.starts_with(b"id,case,") && first.ends_with(b"\n"));
        store.close().await;
        let mut whole = first.to_vec();
        let broken = loop {
            match body.frame().await.expect("it must not end as if it were whole") {
                Ok(frame) => whole.extend(frame.into_data().unwrap()),
                Err(error) => break error,
            }
        };
        assert!(broken.to_string().contains("broke off"), "{broken}");
        assert!(String::from_utf8(whole).unwrap().lines().count() < 1000);
        assert_eq!(problem(&service.ask(get("/v1/queue.csv")).await), (503, "store".into()));
    })
    .await;
}

#[tokio::test]
async fn whoever_does_not_take_an_export_is_not_waited_for_and_gets_no_whole_one() {
    use http_body_util::BodyExt as _;
    each_open(|store| async move {
        let limits = Limits { idle: std::time::Duration::from_millis(100), streams: 1, ..Limits::default() };
        let state = AppState::new(dripline_reference::Coder::default(), limits).with_store(store.clone());
        let service = Service::of(state).await;
        service.ask(new("k", &push("A"))).await;
        copied(&store, 2, 1000).await;
        let waits = service.begin(get("/v1/queue.csv")).await;
        assert_eq!(problem(&service.ask(get("/v1/queue.csv")).await), (503, "busy".into()));
        let mut tries = 0;
        while service.begin(get("/v1/queue.csv?case=none")).await.status() != StatusCode::OK {
            tries += 1;
            assert!(tries < 100, "its place is not given back");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(waits.into_body().collect().await.is_err());
        // One that holds no case is whole, with its header.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let none = service.ask(get("/v1/queue.csv?case=none")).await.text;
        assert_eq!(none.lines().count(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_what_is_frozen() {
    each_open(|store| async move {
        let service = Service::keeping(store.clone()).await;
        service.ask(new("k", &infusion("A"))).await;
        service.ask(change("/v1/cases/1/answers", 1, &undetermined())).await;
        let asked = json!({ "asked_by": "Payer", "received_on": "2026-03-02" });
        service.ask(change("/v1/cases/1/records-request", 2, &asked)).await;
        let mut chart = infusion("A");
        chart["administrations"][0]["stop"] = json!("2026-01-05T10:40");
        let corrected = correction(&chart, "original", "2026-01-05T12:00");
        service.ask(change("/v1/cases/1/correction", 3, &corrected)).await;
        service.ask(change("/v1/cases/1/release", 4, &json!({}))).await;
        let before = whole(&service, 1).await;
        assert_eq!(before.0["status"], "released");
        for table in [
            "versions",
            "queries",
            "answers",
            "claims",
            "record_requests",
            "history",
            "corrections",
            "correction_entries",
        ] {
            for change in [format!("UPDATE {table} SET case_id = case_id"), format!("DELETE FROM {table}")] {
                let mut write = store.write().await.unwrap();
                let sql = sqlx::AssertSqlSafe(change.clone());
                assert!(write.execute(sqlx::raw_sql(sql)).await.is_err(), "{change}");
            }
        }
        for change in ["DELETE FROM cases", "UPDATE cases SET body = ''", "UPDATE cases SET idempotency_key = 'x'"] {
            let mut write = store.write().await.unwrap();
            assert!(write.execute(change).await.is_err(), "{change}");
        }
        assert_eq!(whole(&service, 1).await, before);
    })
    .await;
}

#[tokio::test]
async fn without_a_store_nothing_is_kept_and_the_service_says_so() {
    let service = Service::new().await;
    assert_eq!(problem(&service.ask(new("k", &infusion("A"))).await), (501, "no-store".into()));
    for path in ["/v1/cases", "/v1/cases/1", "/v1/queue.csv", "/v1/settings", "/v1/cases/1/history"] {
        assert_eq!(problem(&service.ask(get(path)).await), (501, "no-store".into()), "{path}");
    }
}

#[tokio::test]
async fn a_service_whose_store_is_gone_is_not_ready() {
    each_open(|store| async move {
        let service = Service::keeping(store.clone()).await;
        assert_eq!(service.ask(get("/ready")).await.json()["status"], "ready");
        store.close().await;
        let answer = service.ask(get("/ready")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (503, &json!("store")));
        assert_eq!(service.ask(get("/health")).await.status, StatusCode::OK);
        let refused = service.ask(new("k", &infusion("A"))).await;
        assert_eq!((problem(&refused), refused.header("retry-after")), ((503, "store".into()), "1"));
    })
    .await;
}

#[tokio::test]
async fn a_worksheet_keeps_what_its_reader_took_for_granted() {
    each_open(|store| async move {
        let service = Service::keeping(store).await;
        let sheet = "office 1/5/26\nRocephin 1 g IVPB 23:50-0020 supplied_by=patient\n";
        let mut request = post("/v1/cases?profile=medicare&set=hydration_sum=per_interval", TEXT, sheet);
        request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
        let received = service.ask(request).await;
        assert_eq!(received.status, StatusCode::CREATED, "{}", received.text);
        let path = "/v1/code?profile=medicare&set=hydration_sum=per_interval";
        let coded = service.ask(post(path, TEXT, sheet)).await.json();
        assert_eq!(whole(&service, 1).await.0["coding"], coded);
    })
    .await;
}
