//! Long charts: bags that pause, orders that change their rate, runs of more than a day, dates far ahead.

mod common;

use common::{chart, plain};
use dripline::coding::{Coding, ShortLine};
use dripline_reference::{ChartError, Coder};
use serde_json::{Value, json};

fn try_code(administrations: Value) -> Result<Coding, ChartError> {
    let value = json!({"setting": "facility", "administrations": administrations});
    Coder::default().code(&chart(&value), 1, &[], &plain())
}

fn code(administrations: Value) -> Coding {
    try_code(administrations).unwrap_or_else(|e| panic!("{e}"))
}

fn infusion(id: &str, drug: &str, start: &str, stop: &str) -> Value {
    json!({"id": id, "drug": drug, "route": "IV", "method": "infusion", "start": start, "stop": stop})
}

fn with(mut row: Value, keys: Value) -> Value {
    for (key, value) in keys.as_object().expect("keys") {
        row[key] = value.clone();
    }
    row
}

fn units(lines: &[ShortLine]) -> Vec<String> {
    lines.iter().map(|l| format!("{} x{}", l.code, l.units)).collect()
}

#[test]
fn between_two_stretches_of_one_bag_nothing_ran() {
    let bag = json!({"bag": "b"});
    let coding = code(json!([
        with(infusion("h1", "heparin", "2026-01-05T10:00", "2026-01-05T11:00"), bag.clone()),
        with(infusion("h2", "heparin", "2026-01-05T12:00", "2026-01-05T13:00"), bag),
        infusion("v", "vancomycin", "2026-01-05T11:10", "2026-01-05T11:50"),
    ]));
    let spans = |id: &str| -> Vec<String> {
        let found = coding.minutes.iter().find(|m| m.administration == id).expect("it has minutes");
        let clock = |t: &dripline::chart::ChartTime| t.to_string()[11..].to_owned();
        found.spans.iter().map(|s| format!("{} {} {}", clock(&s.start), clock(&s.stop), s.fate)).collect()
    };
    let bag = ["10:00 11:00 counted", "11:00 12:00 paused", "12:00 13:00 counted"];
    assert_eq!((spans("h1"), spans("h2")), (bag.map(str::to_owned).to_vec(), bag.map(str::to_owned).to_vec()));
    assert_eq!(spans("v"), ["11:10 11:50 counted"]);
    let initial = coding.lines.iter().find(|l| l.code == "96365").expect("an initial infusion");
    assert!(
        initial.why.contains("Minutes counted: 120."),
        "mates carry the same minutes, which ran once: {}",
        initial.why
    );
}

#[test]
fn what_one_order_is_for_is_asked_once() {
    let (first, second) = (json!({"bag": "1", "order": "o"}), json!({"bag": "2", "order": "o"}));
    let coding = code(json!([
        with(infusion("f1", "dextrose 5%", "2026-01-05T10:00", "2026-01-05T10:08"), first.clone()),
        with(infusion("k1", "potassium chloride", "2026-01-05T10:00", "2026-01-05T10:08"), first),
        with(infusion("f2", "dextrose 5%", "2026-01-05T10:08", "2026-01-05T14:00"), second.clone()),
        with(infusion("k2", "potassium chloride", "2026-01-05T10:08", "2026-01-05T14:00"), second),
    ]));
    let asked: Vec<_> = coding.queries.iter().filter(|q| q.field == "purpose").collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].administrations, ["k1", "k2"]);
    let low = asked[0].outcomes.iter().find(|o| o.answer.contains("low value")).expect("an outcome");
    assert_eq!(
        units(&low.lines),
        ["96365 x1", "96366 x3"],
        "one infusion of four hours, and no push of its first minutes"
    );
}

#[test]
fn a_run_of_more_than_a_day_may_have_run_as_charted() {
    let coding = code(json!([infusion("m", "morphine", "2026-01-05T10:00", "2026-01-06T12:00")]));
    let query = coding.queries.iter().find(|q| q.field == "stop").expect("a question");
    let charted = query.outcomes.iter().find(|o| o.answer == "it ran as charted").expect("an outcome");
    assert_eq!(charted.lines, coding.lines.iter().map(dripline::coding::Line::short).collect::<Vec<_>>());
}

#[test]
fn de_identified_dates_are_coded_by_the_newest_rules() {
    let coding = code(json!([infusion("v", "vancomycin", "2199-02-06T10:00", "2199-02-06T11:00")]));
    assert_eq!(coding.lines.iter().map(|l| (l.code.as_str(), l.units)).collect::<Vec<_>>(), [("96365", 1)]);
    assert!(coding.assumptions.iter().any(|a| a.path == "as_of" && a.why.contains("2199-02-06")));
    let slip = try_code(json!([infusion("v", "vancomycin", "3026-01-05T10:00", "3026-01-05T11:00")])).unwrap_err();
    assert_eq!(slip.path, "administrations[0].start");
}
