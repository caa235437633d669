use dripline::chart::{Chart, PumpOwner, StopSource};
use jiff::Timestamp;
use serde_json::json;

use dripline_formats::diff::Answer as Claim;
use dripline_reference::{Coder, Options};

use super::{Asked, Entry, EntryKind, TriedAnswer, applied};
use crate::answer::{Form, case};

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
fn each_administration_is_told_by_itself() {
    let each = json!({ "each": {
        "a": { "set": { "stop": "2026-01-05T10:40" } }, "2": { "set": { "stop": "2026-01-05T11:00", "method": "infusion" } },
    } });
    let changed =
        applied(&chart(), &[], &answer("stop", &["a", "2"], each), EntryKind::Late).unwrap_or_else(|e| panic!("{e:?}"));
    let stops: Vec<_> = changed.chart.administrations.iter().map(|a| a.stop.unwrap().to_string()).collect();
    assert_eq!(stops, ["2026-01-05T10:40", "2026-01-05T11:00"]);
    assert!(changed.chart.administrations.iter().all(|a| a.stop_source == Some(StopSource::LateEntry)));
    assert_eq!(
        changed.after.keys().collect::<Vec<_>>(),
        ["administrations[0].stop", "administrations[1].method", "administrations[1].stop",]
    );
    let untold = json!({ "each": { "a": "as_charted", "2": "cannot_be_determined" } });
    let changed = applied(&chart(), &[], &answer("stop", &["a", "2"], untold), EntryKind::Late)
        .unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!((changed.chart, changed.after.len()), (chart(), 0));
    let stop = json!({ "set": { "stop": "2026-01-05T10:40" } });
    let device = |kind: &str| json!({ "set": { "access": "p", "accesses.p.kind": kind } });
    for (field, each, says, path) in [
        ("stop", json!({ "3": stop }), "not about `3`", "says.each"),
        ("stop", json!({}), "no administration is named", "says.each"),
        ("stop", json!({ "a": { "set": {} } }), "nothing is set", "says.each.a.set"),
        ("stop", json!({ "a": { "set": { "dose": "8 mg" } } }), "does not set `dose`", "says.each.a.set.dose"),
        (
            "stop",
            json!({ "a": { "set": { "departure": "2026-01-05T12:00" } } }),
            "stands in the case",
            "says.each.a.set.departure",
        ),
        (
            "accesses.x.kind",
            json!({ "a": { "set": { "accesses.x.kind": "port" } } }),
            "stands in the case",
            "says.each.a.set.accesses.x.kind",
        ),
        (
            "access",
            json!({ "2": device("port"), "a": device("picc") }),
            "said twice",
            "says.each.a.set.accesses.p.kind",
        ),
    ] {
        let tried = answer(field, &["a", "2"], json!({ "each": each }));
        let problem = applied(&chart(), &[], &tried, EntryKind::Original).err().expect("refused");
        assert!(problem.detail().contains(says) && problem.path() == path, "{each}: {problem:?}");
    }
    let named = answer("access", &["a", "2"], json!({ "each": { "2": device("port"), "a": device("port") } }));
    let changed = applied(&chart(), &[], &named, EntryKind::Original).unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(changed.chart.accesses["p"].kind.unwrap().as_str(), "port");
    let mut both = answer("stop", &["a", "2"], json!({ "each": { "a": stop } }));
    both.only = Some(vec!["a".to_owned()]);
    assert_eq!(applied(&chart(), &[], &both, EntryKind::Original).err().expect("refused").path(), "only");
    let nobody = TriedAnswer { only: Some(Vec::new()), ..answer("stop", &["a", "2"], stop) };
    assert_eq!(applied(&chart(), &[], &nobody, EntryKind::Original).err().expect("refused").path(), "only");
}

#[test]
fn an_answer_settles_what_it_says_of_those_of_which_it_says_it() {
    let query = |of: &[&str]| Asked {
        field: "stop".to_owned(),
        administrations: of.iter().map(|id| (*id).to_owned()).collect(),
    };
    let all = query(&["a", "2", "b"]);
    let stop = json!({ "set": { "stop": "2026-01-05T10:40" } });
    let other = json!({ "set": { "start": "2026-01-05T10:40" } });
    for (says, only, settles, left) in [
        (stop.clone(), None, Some(all.clone()), None),
        (other.clone(), None, None, None),
        (json!("as_charted"), None, Some(all.clone()), None),
        (json!("as_charted"), Some("2"), Some(query(&["2"])), Some(query(&["2"]))),
        (stop.clone(), Some("b"), Some(query(&["b"])), None),
        (
            json!({ "each": { "a": stop, "b": "cannot_be_determined", "2": other } }),
            None,
            Some(query(&["a", "b"])),
            Some(query(&["b"])),
        ),
        (json!({ "each": { "2": other } }), None, None, None),
    ] {
        let mut tried = answer("stop", &["a", "2", "b"], says.clone());
        tried.only = only.map(|id| vec![id.to_owned()]);
        let says = tried.named().says;
        assert_eq!((says.settles(&all), says.left(&all)), (settles, left), "{says:?}");
    }
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

/// A chart, the key that is asked for, what an entry sets, and the outcome that was told for it.
const ANSWERED: &[(&str, &str, &str, &str)] = &[
    ("facility 1/5/26\nRocephin 1 g IVPB 10:00-?", "stop", r#"{"stop":"2026-01-05T10:40"}"#, "16 to 90"),
    ("facility 1/5/26\nRocephin 1 g IVPB 10:00-?", "stop", r#"{"stop":"2026-01-05T10:10"}"#, "1 to 15"),
    (
        "facility 1/5/26\nNS 1 L hydration 10:00-? for dehydration",
        "stop",
        r#"{"stop":"2026-01-05T11:31"}"#,
        "91 to 150",
    ),
    (
        "facility 1/5/26\nRocephin 1 g IVPB 10:00 stop=2026-01-05T10:50 stop_source=expected",
        "stop",
        r#"{"stop":"2026-01-05T12:00"}"#,
        "91 to 150",
    ),
    (
        "facility 1/5/26\nRocephin 1 g IVPB stop=2026-01-05T10:40",
        "start",
        r#"{"start":"2026-01-05T10:00"}"#,
        "16 to 90",
    ),
    (
        "facility 1/5/26\nRocephin 1 g IV date=2026-01-05",
        "start",
        r#"{"method":"infusion","start":"2026-01-05T10:00","stop":"2026-01-05T12:00"}"#,
        "91 to 150",
    ),
    (
        "facility 1/5/26\nRocephin 1 g IV date=2026-01-05",
        "start",
        r#"{"method":"push","start":"2026-01-05T10:00"}"#,
        "by hand",
    ),
    ("facility 1/5/26\nZofran 4 mg IV 10:00", "method", r#"{"method":"push"}"#, "by hand"),
    (
        "facility 1/5/26\nZofran 4 mg IV 10:00",
        "method",
        r#"{"method":"infusion","stop":"2026-01-05T10:30"}"#,
        "16 to 90",
    ),
    ("facility 1/5/26\nNS 1 L hydration 10:00-11:30", "indication", r#"{"indication":"dehydration"}"#, "is charted"),
    ("facility 1/5/26\nZofran 4 mg IV push 10:00-10:25", "attended", r#"{"attended":true}"#, "by hand"),
    ("facility 1/5/26\nZofran 4 mg IV push 10:00-10:25", "attended", r#"{"attended":false}"#, "as an infusion"),
    ("facility 1/5/26\nZofran 4 mg 10:00", "route", r#"{"route":"IM"}"#, "into muscle"),
    (
        "office 1/5/26 age_years=7\nFluzone 0.5 mL IM 10:00 class=vaccine",
        "counselling",
        r#"{"counselling":true}"#,
        "a clinician counselled",
    ),
    (
        "office 1/5/26 age_years=7\nFluzone 0.5 mL IM 10:00 class=vaccine",
        "counselling",
        r#"{"counselling":false}"#,
        "no clinician",
    ),
    (
        "office 1/5/26\nPediarix 0.5 mL IM 10:00 class=vaccine",
        "age_years",
        r#"{"age_years":7,"counselling":true}"#,
        "and a clinician counselled",
    ),
    ("office 1/5/26\nPediarix 0.5 mL IM 10:00 class=vaccine", "age_years", r#"{"age_years":40}"#, "older than"),
    ("office 1/5/26\nbleomycin 5 units intralesional 10:00 class=chemo", "lesions", r#"{"lesions":8}"#, "8 or more"),
    (
        "office 1/5/26\nheparin 500 units IV push 10:00 purpose=flush access=x\naccess x",
        "accesses.x.kind",
        r#"{"accesses.x.kind":"port"}"#,
        "a port",
    ),
    (
        "office 1/5/26\nheparin 500 units IV push 10:00 purpose=flush",
        "access",
        r#"{"access":"p","accesses.p.kind":"port"}"#,
        "a port",
    ),
    ("office 1/5/26\ninfliximab 150 mg IVPB 10:00-12:10 vial=2x100mg", "wasted", r#"{"wasted":"50 mg"}"#, "all of it"),
    ("office 1/5/26\ninfliximab 150 mg IVPB 10:00-12:10 vial=2x100mg", "wasted", r#"{"wasted":"0 mg"}"#, "none of it"),
    (
        "office 1/5/26\nToradol 30 mg IM 10:00",
        "containers",
        r#"{"containers":[{"kind":"single_dose","amount":"30 mg"}]}"#,
        "nothing thrown away",
    ),
    ("office 1/5/26\nToradol IM 10:00", "dose", r#"{"dose":"15 mg"}"#, "one unit"),
    ("office 1/5/26\nZofran 4 mg IV push 10:00 hcpcs=J0696", "hcpcs", r#"{"hcpcs":null}"#, "the named drug"),
    (
        "facility 1/5/26 departure=2026-01-05T11:00\nRocephin 1 g IVPB 10:00-12:30",
        "stop",
        r#"{"departure":"2026-01-05T12:30"}"#,
        "the patient left",
    ),
    (
        "facility 1/5/26\nRocephin 1 g IVPB start=2026-01-05T10:00 stop=2026-01-05T09:30",
        "stop",
        r#"{"stop":"2026-01-05T11:00"}"#,
        "16 to 90",
    ),
    (
        "facility 1/5/26\nZofran 4 mg IV push 10:00\nZofran 4 mg IV push date=2026-01-05",
        "start",
        r#"{"start":"2026-01-05T10:31"}"#,
        "10:31",
    ),
];

#[test]
fn an_answer_gives_what_its_question_said_it_would() {
    let (coder, options) = (Coder::default(), Options::default());
    for (text, field, set, outcome) in ANSWERED {
        let what = format!("{text}\n{field} {set}");
        let (was, coding) =
            case(&coder, text.as_bytes(), Form::Text, &options).unwrap_or_else(|e| panic!("{what}: {e:?}"));
        let query = coding.queries.iter().find(|q| q.field == *field).unwrap_or_else(|| panic!("{what}: not asked"));
        let said = query.outcomes.iter().find(|o| o.answer.contains(outcome));
        let said = said.unwrap_or_else(|| panic!("{what}: no {outcome}"));
        let set: serde_json::Value = serde_json::from_str(set).unwrap();
        let tried = json!({ "query": Asked::of(query), "says": { "set": set } });
        let tried: TriedAnswer = serde_json::from_value(tried).unwrap();
        for kind in [EntryKind::Original, EntryKind::Late] {
            let changed =
                applied(&was.chart, &was.assumptions, &tried, kind).unwrap_or_else(|e| panic!("{what}: {e:?}"));
            let now = coder
                .code(&changed.chart, 1, &changed.assumptions, &options)
                .unwrap_or_else(|e| panic!("{what}: {e:?}"));
            assert_eq!(Claim::of(&now), Claim::of(&coding).after(said), "{what}");
            // Where the same words are still asked, the entry has settled them.
            let asked_again = now.queries.iter().any(|q| q.field == *field && q.ask == query.ask);
            assert!(!asked_again || tried.says.settles(&tried.query).is_some(), "{what}: it is asked again");
        }
    }
}
