use dripline::chart::{Chart, PumpOwner, StopSource};
use jiff::Timestamp;
use serde_json::json;

use super::{Entry, EntryKind, TriedAnswer, applied};

fn chart() -> Chart {
    let chart = json!({
        "setting": "office",
        "administrations": [
            { "id": "a", "drug": "Rocephin", "start": "2026-01-05T10:00", "stop_source": "expected", "stop": "2026-01-05T10:30" },
            { "drug": "Zofran", "start": "2026-01-05T10:00" },
        ],
    });
    serde_json::from_value(chart).unwrap()
}

fn answer(field: &str, of: &[&str], says: serde_json::Value) -> TriedAnswer {
    let query = json!({ "field": field, "administrations": of });
    serde_json::from_value(json!({ "query": query, "says": says })).unwrap()
}

#[test]
fn an_entry_is_put_into_each_administration_asked_about() {
    let tried = answer("stop", &["a", "2"], json!({ "set": { "stop": "2026-01-05T10:40" } }));
    let changed = applied(&chart(), &[], &tried, EntryKind::Late).unwrap_or_else(|e| panic!("{e:?}"));
    for a in &changed.chart.administrations {
        assert_eq!(a.stop.unwrap().to_string(), "2026-01-05T10:40");
        // An expected stop never counts; one that is charted does.
        assert_eq!(a.stop_source, Some(StopSource::LateEntry));
    }
    assert_eq!(changed.before["administrations[0].stop"], "2026-01-05T10:30");
    assert_eq!(changed.after["administrations[1].stop"], "2026-01-05T10:40");
    let one = TriedAnswer { only: Some(vec!["2".to_owned()]), ..tried };
    let changed = applied(&chart(), &[], &one, EntryKind::Original).unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(changed.chart.administrations[0], chart().administrations[0]);
    let expected = TriedAnswer { only: Some(vec!["a".to_owned()]), ..one };
    let changed = applied(&chart(), &[], &expected, EntryKind::Original).unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(changed.chart.administrations[0].stop_source, None);
}

#[test]
fn keys_of_the_case_of_a_pump_and_of_an_access_find_their_place() {
    let chart = chart();
    let set = |field: &str, of: &[&str], set: serde_json::Value| {
        let tried = answer(field, of, json!({ "set": set }));
        applied(&chart, &[], &tried, EntryKind::Original).unwrap_or_else(|e| panic!("{field}: {e:?}")).chart
    };
    assert_eq!(set("age_years", &["a"], json!({ "age_years": 7 })).age_years, Some(7));
    let owner = set("pump.owner", &["a"], json!({ "pump.owner": "clinic" })).administrations[0].pump.clone();
    assert_eq!(owner.unwrap().owner, Some(PumpOwner::Clinic));
    let accesses = set("accesses.x.y[0].kind", &["a"], json!({ "accesses.x.y[0].kind": "port" })).accesses;
    assert_eq!(accesses["x.y[0]"].kind.unwrap().as_str(), "port");
    let departed = set("stop", &["a"], json!({ "departure": "2026-01-05T12:00" })).departure;
    assert_eq!(departed.unwrap().to_string(), "2026-01-05T12:00");
    assert_eq!(set("hcpcs", &["a"], json!({ "hcpcs": null })), chart);
}

#[test]
fn what_the_question_does_not_ask_is_refused() {
    let refused = |field: &str, says: serde_json::Value, only: Option<&str>| {
        let mut tried = answer(field, &["a"], says);
        tried.only = only.map(|id| vec![id.to_owned()]);
        applied(&chart(), &[], &tried, EntryKind::Original).err().expect("refused")
    };
    for (field, set, says) in [
        ("stop", json!({ "dose": "8 mg" }), "does not set `dose`"),
        ("stop", json!({ "stopp": "2026-01-05T10:40" }), "does not set `stopp`"),
        ("stop", json!({}), "nothing is set"),
        ("stop", json!({ "stop": "ten past" }), "not a time"),
        ("indication", json!({ "indication": 7 }), "7"),
        ("accesses.x.kind", json!({ "accesses.y.kind": "port" }), "does not set"),
        ("accesses.x.kind", json!({ "accesses.x.kind": "prot" }), "prot"),
        ("nothing", json!({ "stop": "2026-01-05T10:40" }), "does not set"),
    ] {
        let problem = serde_json::to_string(&refused(field, json!({ "set": set }), None)).unwrap();
        assert!(problem.contains(says) && problem.contains("/problems/body"), "{problem}");
    }
    let problem = serde_json::to_string(&refused("stop", json!({ "set": { "stop": null } }), Some("2"))).unwrap();
    assert!(problem.contains("not about"), "{problem}");
}

#[test]
fn an_entry_is_flagged_unless_it_surely_came_before() {
    let entry = |at: &str| Entry {
        author: "A. Nurse".to_owned(),
        written_at: at.parse().unwrap(),
        kind: EntryKind::Original,
        place: "MAR".to_owned(),
    };
    let released: Timestamp = "2026-01-05T12:00:00Z".parse().unwrap();
    for (at, after) in [
        ("2026-01-05T11:58Z", false),
        ("2026-01-05T12:00Z", true),
        ("2026-01-05T05:58-06:00", false),
        ("2026-01-05T06:00-06:00", true),
        // Without an offset the clock may be twelve hours behind.
        ("2026-01-04T23:58", false),
        ("2026-01-05T00:30", true),
        ("2026-01-09T00:30", true),
    ] {
        assert_eq!(entry(at).may_be_after(released), after, "{at}");
    }
    // Fourteen hours ahead at most: later than that it is still to come.
    assert!(entry("2026-01-06T01:59").check(released).is_ok());
    assert!(entry("2026-01-06T02:01").check(released).is_err());
    assert!(entry("2026-01-05T12:01Z").check(released).is_err());
    for text in ["", "  ", "a\u{202e}b", "a\u{7}b", &"x".repeat(1001)] {
        let nobody = Entry { author: text.to_owned(), ..entry("2026-01-05T11:00Z") };
        assert!(nobody.check(released).is_err(), "{text:?}");
        let nowhere = Entry { place: text.to_owned(), ..entry("2026-01-05T11:00Z") };
        assert!(nowhere.check(released).is_err(), "{text:?}");
    }
}
