//! What the edits find: with hand-made tables, without tables, and over the shared tables where they are present.

mod common;

use common::{Folder, Rng, add_on, chart, coder_with, mue, plain, ptp};
use dripline::SmolStr;
use dripline::coding::{Coding, Edit, EditKind};
use dripline_reference::tables::{Biller, Indicator, Mai, Quarter};
use dripline_reference::{Coder, Options};
use serde_json::{Value, json};

fn code(coder: &Coder, value: &Value) -> Coding {
    coder.code(&chart(value), 1, &[], &plain()).unwrap_or_else(|e| panic!("{e}"))
}

fn of(coding: &Coding, kind: EditKind) -> Vec<&Edit> {
    coding.edits.iter().filter(|e| e.kind == kind).collect()
}

fn pairs(coding: &Coding) -> Vec<(String, String, String)> {
    let text = |t: &Option<SmolStr>| t.as_deref().unwrap_or_default().to_owned();
    of(coding, EditKind::Ptp).iter().map(|e| (text(&e.with), e.code.to_string(), text(&e.indicator))).collect()
}

/// A push and an injection into muscle of another drug.
fn push_and_injection(setting: &str) -> Value {
    json!({"setting": setting, "administrations": [
        {"drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-05T10:00"},
        {"drug": "Toradol", "dose": "30 mg", "route": "IM", "method": "injection", "start": "2026-01-05T10:05"},
    ]})
}

const OPEN: (&str, &str, &str, &str, &str) = ("96374", "96372", "20200101", "*", "1");

#[test]
fn without_tables_each_table_that_matters_is_named_once() {
    let coding = code(&Coder::default(), &push_and_injection("facility"));
    let unchecked: Vec<_> = of(&coding, EditKind::NotChecked).iter().map(|e| e.table.clone().unwrap()).collect();
    assert_eq!(unchecked, ["ptp-hospital 2026Q1", "mue-hospital 2026Q1"]);
    assert_eq!(coding.edits.len(), 2);
    assert!(coding.rule_set.reference.is_empty());

    // One line of one unit and nothing else: no table would have said anything.
    let alone = json!({"setting": "office", "administrations": [
        {"drug": "Benadryl", "dose": "50 mg", "route": "IV", "method": "push", "start": "2026-01-05T10:00"}]});
    assert_eq!(code(&Coder::default(), &alone).edits, []);
}

#[test]
fn a_table_of_another_quarter_was_not_checked_either() {
    let folder = Folder::new("edits-quarter");
    let coder = coder_with(
        &folder,
        "2025Q4",
        &[("ccioph.txt", &ptp(true, &[OPEN])), ("m.csv", &mue(true, &[("96372", 0, 3)]))],
    );
    let coding = code(&coder, &push_and_injection("facility"));
    assert_eq!(pairs(&coding), []);
    let unchecked = of(&coding, EditKind::NotChecked);
    assert_eq!(unchecked.len(), 2);
    assert!(unchecked[0].why.contains("(stored: 2025Q4)"), "{}", unchecked[0].why);
    // `as_of` chooses the quarter.
    let mut then = push_and_injection("facility");
    then["as_of"] = json!("2025-12-01");
    let coding = code(&coder, &then);
    assert_eq!(pairs(&coding).len(), 1);
    assert_eq!(of(&coding, EditKind::Mue).len(), 1);
    assert_eq!(of(&coding, EditKind::NotChecked).len(), 0);
    assert_eq!(coding.rule_set.reference["ptp-hospital"], "2025Q4");
}

#[test]
fn a_pair_is_in_force_by_table_and_date() {
    for (row, found) in [
        (("96374", "96372", "20200101", "*", "1"), true),
        (("96374", "96372", "20200101", "20260105", "1"), true),
        (("96374", "96372", "20200101", "20260104", "1"), false),
        (("96374", "96372", "20260106", "*", "1"), false),
        (("96374", "96372", "20200101", "20200101", "9"), false),
        (("96372", "96365", "20200101", "*", "1"), false),
    ] {
        let folder = Folder::new("edits-in-force");
        let coder = coder_with(&folder, "2026Q1", &[("ccioph.txt", &ptp(true, &[row]))]);
        assert_eq!(pairs(&code(&coder, &push_and_injection("facility"))).len(), usize::from(found), "{row:?}");
    }
}

#[test]
fn practitioners_and_hospitals_have_tables_of_their_own() {
    let folder = Folder::new("edits-biller");
    let hospital = ptp(true, &[("96374", "96372", "20200101", "*", "0")]);
    let coder = coder_with(&folder, "2026Q1", &[("ccioph.txt", &hospital), ("ccipra.txt", &ptp(false, &[OPEN]))]);
    let indicator = |setting| pairs(&code(&coder, &push_and_injection(setting)))[0].2.clone();
    assert_eq!((indicator("facility"), indicator("office")), ("0".to_owned(), "1".to_owned()));
}

#[test]
fn a_modifier_is_suggested_only_with_its_fact_and_never_added() {
    let folder = Folder::new("edits-suggest");
    let coder =
        coder_with(&folder, "2026Q1", &[("ccioph.txt", &ptp(true, &[OPEN, ("43239", "96374", "20200101", "*", "1")]))]);
    let found = code(&coder, &push_and_injection("facility"));
    let suggest = of(&found, EditKind::Ptp)[0].suggest.clone().unwrap();
    assert_eq!(
        suggest,
        "59 on 96372: supported, as administration 2 (Toradol 30 mg) was given into muscle and not by vein, and is another \
         drug than administration 1 (Zofran 4 mg)."
    );
    assert!(found.lines.iter().all(|l| l.modifiers.is_empty()));

    // The payer's own modifier.
    let mut xs = push_and_injection("facility");
    xs["policy"] = json!({"second_site_modifier": "XS"});
    assert!(of(&code(&coder, &xs), EditKind::Ptp)[0].suggest.as_ref().unwrap().starts_with("XS on 96372"));

    // One drug in two ways is no fact that makes two services.
    let mut same = push_and_injection("facility");
    same["administrations"][1]["drug"] = json!("Zofran");
    let coding = code(&coder, &same);
    assert_eq!(of(&coding, EditKind::Ptp)[0].suggest, None);
    assert!(of(&coding, EditKind::Ptp)[0].why.ends_with("The chart holds no fact that would support one."));

    // Beside a procedure: a reason of its own, outside the charted times.
    let beside = |start: &str, indication: Value| {
        let coding = code(
            &coder,
            &json!({"setting": "facility",
                "services": [{"code": "43239", "start": "2026-01-05T11:00", "stop": "2026-01-05T11:30"}],
                "administrations": [{"drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "purpose": "treatment",
                                     "start": start, "indication": indication}]}),
        );
        of(&coding, EditKind::Ptp).first().map(|e| e.suggest.clone())
    };
    let outside = beside("2026-01-05T09:00", json!("vomiting")).unwrap().unwrap();
    assert!(outside.contains("given for “vomiting”, outside the charted times of 43239"), "{outside}");
    assert_eq!(beside("2026-01-05T09:00", Value::Null), Some(None));
}

#[test]
fn a_modifier_on_either_line_opens_a_pair_and_76_does_not() {
    let folder = Folder::new("edits-open");
    let coder =
        coder_with(&folder, "2026Q1", &[("ccioph.txt", &ptp(true, &[("90471", "96372", "20200101", "*", "1")]))]);
    let with = |modifiers: Value| {
        let mut value = push_and_injection("facility");
        value["services"] = json!([{"code": "90471", "date": "2026-01-05", "modifiers": modifiers}]);
        pairs(&code(&coder, &value)).len()
    };
    assert_eq!((with(json!([])), with(json!(["59"])), with(json!(["XU"])), with(json!(["76"]))), (1, 0, 0, 1));
}

#[test]
fn the_policy_may_add_a_supported_modifier_and_says_so() {
    let folder = Folder::new("edits-add");
    let coder = coder_with(&folder, "2026Q1", &[("ccioph.txt", &ptp(true, &[OPEN]))]);
    let lines =
        |coding: &Coding| coding.lines.iter().map(|l| (l.code.to_string(), l.modifiers.join(" "))).collect::<Vec<_>>();
    let line = |code: &str, modifiers: &str| (code.to_owned(), modifiers.to_owned());

    let mut add = push_and_injection("facility");
    add["policy"] = json!({"ptp_modifier": "add"});
    add["off_campus"] = json!("excepted");
    let coding = coder.code(&chart(&add), 1, &[], &Options::default()).unwrap();
    assert_eq!(lines(&coding), [line("96374", "PO"), line("96372", "59 PO")]);
    assert!(of(&coding, EditKind::Ptp)[0].suggest.as_ref().unwrap().contains("added by the policy"));
    // Every other reading stands on the same claim, and the switch itself is one of them.
    for a in &coding.alternatives {
        let injection = a.lines.iter().find(|l| l.code == "96372").unwrap();
        assert_eq!(injection.modifiers.contains(&"59".into()), a.switch != "ptp_modifier", "{a:?}");
    }
    assert!(coding.alternatives.iter().any(|a| a.switch == "ptp_modifier"));

    // Nothing supports it: nothing is added.
    add["administrations"][1]["drug"] = json!("Zofran");
    let coding = code(&coder, &add);
    assert_eq!(lines(&coding), [line("96374", "PO"), line("96372", "PO")]);
}

#[test]
fn a_pair_that_no_modifier_opens_bars_adding_one() {
    let folder = Folder::new("edits-bar");
    let rows = [OPEN, ("43239", "96372", "20200101", "*", "0")];
    let coder = coder_with(&folder, "2026Q1", &[("ccioph.txt", &ptp(true, &rows))]);
    let mut add = push_and_injection("facility");
    add["policy"] = json!({"ptp_modifier": "add"});
    add["services"] = json!([{"code": "43239", "date": "2026-01-05"}]);
    let coding = code(&coder, &add);
    assert_eq!(pairs(&coding).len(), 2);
    assert!(coding.lines.iter().all(|l| l.modifiers.is_empty()), "{:?}", coding.lines);
}

#[test]
fn units_are_counted_as_the_indicator_says() {
    let pushes = json!({"setting": "facility", "administrations": [
        {"drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-05T10:00"},
        {"drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-05T11:00"},
        {"drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-05T12:00"},
        {"drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-06T12:00"},
    ]});
    for (limit, indicator, found) in [(2, 3, 0), (1, 3, 1), (1, 2, 1), (1, 1, 1), (2, 1, 0), (0, 3, 2)] {
        let folder = Folder::new("edits-mue");
        let coder = coder_with(&folder, "2026Q1", &[("m.csv", &mue(true, &[("96376", limit, indicator)]))]);
        let coding = code(&coder, &pushes);
        let edits = of(&coding, EditKind::Mue);
        assert_eq!(edits.len(), found, "{limit} {indicator}");
        if let Some(first) = edits.first() {
            assert!(first.why.starts_with("2 units of 96376"), "{}", first.why);
            assert_eq!(first.indicator.as_deref(), Some(indicator.to_string().as_str()));
        }
    }
    // Two lines of one code: a line edit looks at each, a date edit at both.
    let mut twice = pushes.clone();
    for (i, visit) in [(0, "1"), (1, "1"), (2, "2"), (3, "2")] {
        twice["administrations"][i]["visit"] = json!(visit);
        twice["administrations"][i]["start"] = json!(format!("2026-01-05T1{i}:00"));
    }
    for (indicator, found) in [(1, 0), (3, 1)] {
        let folder = Folder::new("edits-mue-lines");
        let coder = coder_with(&folder, "2026Q1", &[("m.csv", &mue(true, &[("96374", 1, indicator)]))]);
        let coding = code(&coder, &twice);
        assert_eq!(coding.lines.iter().filter(|l| l.code == "96374").count(), 2);
        assert_eq!(of(&coding, EditKind::Mue).len(), found, "{indicator}");
    }
}

#[test]
fn add_on_codes_need_a_parent_on_their_date() {
    let two_days = |date: &str, next: &str| {
        json!({"setting": "facility", "administrations": [
            {"drug": "Rocephin", "dose": "1 g", "route": "IV", "method": "infusion", "start": format!("{date}T20:00"), "stop": format!("{date}T21:00")},
            {"drug": "Levaquin", "dose": "500 mg", "route": "IV", "method": "infusion", "start": format!("{next}T09:00"), "stop": format!("{next}T10:00")},
        ]})
    };
    let coding = code(&Coder::default(), &two_days("2026-01-05", "2026-01-06"));
    let edits = of(&coding, EditKind::AddOn);
    assert_eq!(
        (edits.len(), edits[0].code.as_str(), edits[0].table.as_deref()),
        (1, "96367", Some("built-in, 2024-06-03"))
    );
    assert!(edits[0].why.contains("96365 of 2026-01-05 is one"), "{}", edits[0].why);
    let newer = |c: &Coding| c.assumptions.iter().any(|a| a.took == "the built-in add-on parents of 2024-06-03");
    assert!(newer(&coding));
    // A case of the file's own time says nothing of its age.
    assert!(!newer(&code(&Coder::default(), &two_days("2024-05-05", "2024-05-06"))));

    // The table of the quarter decides: a deleted row does not hold, another code may be a parent.
    let office = json!({"setting": "office", "administrations": [
        {"drug": "Rocephin", "dose": "1 g", "route": "IV", "method": "infusion", "start": "2026-01-05T10:00", "stop": "2026-01-05T11:00"},
        {"drug": "Levaquin", "dose": "500 mg", "route": "IV", "method": "infusion", "start": "2026-01-05T12:00", "stop": "2026-01-05T13:00"},
    ]});
    assert_eq!(of(&code(&Coder::default(), &office), EditKind::AddOn), Vec::<&Edit>::new());
    for (rows, found) in [
        (vec![(1, "96367", "96365", "")], 0),
        (vec![(1, "96367", "96365", "2025365"), (1, "96367", "96413", "")], 1),
        (vec![(2, "96367", "CCCCC", "")], 1),
        (vec![(1, "96361", "96360", "")], 0),
    ] {
        let folder = Folder::new("edits-add-on");
        let coder = coder_with(&folder, "2026Q1", &[("aoc.txt", &add_on(&rows))]);
        let coding = code(&coder, &office);
        let edits = of(&coding, EditKind::AddOn);
        assert_eq!(edits.len(), found, "{rows:?}");
        assert!(edits.iter().all(|e| e.table.as_deref() == Some("add-on 2026Q1")));
        assert!(!newer(&coding));
    }
}

#[test]
fn what_needs_no_table() {
    let with = |setting: &str, services: Value, extra: Value| {
        let mut value = push_and_injection(setting);
        value["services"] = services;
        if let (Some(to), Some(from)) = (value.as_object_mut(), extra.as_object()) {
            to.extend(from.clone());
        }
        let coding = code(&Coder::default(), &value);
        let found = coding.edits.iter().filter(|e| e.kind != EditKind::NotChecked);
        found.map(|e| format!("{} {} {}", e.kind, e.code, e.rules.join(" "))).collect::<Vec<_>>()
    };
    let none = json!({});
    assert_eq!(with("office", json!([{"code": "96376"}]), none.clone()), ["setting 96376 facility-only"]);
    assert_eq!(with("facility", json!([{"code": "96376"}]), none.clone()), Vec::<String>::new());
    assert_eq!(with("office", json!([{"code": "36591"}]), none.clone()), ["alone_only 36591 port-draw"]);
    assert_eq!(with("office", json!([{"code": "96523"}]), none.clone()), ["alone_only 96523 port-flush"]);
    assert_eq!(with("office", json!([{"code": "99213"}]), none.clone()), ["visit 99213 em-25"]);
    assert_eq!(with("office", json!([{"code": "99213", "modifiers": ["25"]}]), none.clone()), Vec::<String>::new());
    assert_eq!(with("office", json!([{"code": "99211", "modifiers": ["25"]}]), none.clone()), ["visit 99211 no-99211"]);
    assert_eq!(with("facility", json!([{"code": "99284"}]), none), ["visit 99284 facility-em"]);

    // 25 is suggested only where the chart gives the visit a reason.
    let mut value = push_and_injection("office");
    value["services"] = json!([{"code": "99213", "reason": "new rash"}]);
    let coding = code(&Coder::default(), &value);
    let visit = of(&coding, EditKind::Visit)[0];
    assert_eq!(visit.suggest.as_deref(), Some("25 on 99213: supported, as the chart gives “new rash” as its reason."));
    assert_eq!(visit.with.as_deref().map(|w| w.contains("96374")), Some(true));
}

#[test]
fn a_drug_alone_is_told() {
    let infusion = |stop: Value| {
        json!({"setting": "office", "administrations": [
            {"drug": "Rocephin", "dose": "1 g", "route": "IV", "method": "infusion", "start": "2026-01-05T10:00", "stop": stop}]})
    };
    let coding = code(&Coder::default(), &infusion(Value::Null));
    let found = of(&coding, EditKind::AddOn);
    assert_eq!((found.len(), found[0].code.as_str()), (1, "J0696"));
    assert_eq!(of(&code(&Coder::default(), &infusion(json!("2026-01-05T10:30"))), EditKind::AddOn).len(), 0);
    let mut beside = infusion(Value::Null);
    beside["services"] = json!([{"code": "43239"}]);
    assert_eq!(of(&code(&Coder::default(), &beside), EditKind::AddOn).len(), 0);
}

#[test]
fn a_damaged_table_is_an_error_and_not_an_empty_one() {
    let folder = Folder::new("edits-damaged");
    let coder = coder_with(&folder, "2026Q1", &[("ccioph.txt", &ptp(true, &[OPEN]))]);
    for file in std::fs::read_dir(&folder.0).unwrap().map(|f| f.unwrap().path()) {
        if file.extension().is_some_and(|e| e == "table") {
            std::fs::write(&file, b"cut").unwrap();
        }
    }
    let error = coder.code(&chart(&push_and_injection("facility")), 1, &[], &plain()).unwrap_err();
    assert!(error.message.contains("not a whole table"), "{error}");
}

/// The add-on file of 2024-06-03 as the rules quote it.
const PARENTS: [(&str, &[&str]); 12] = [
    ("96361", &["96360", "96365", "96374", "96409", "96413"]),
    ("96366", &["96360", "96365", "96367", "96413"]),
    ("96367", &["96360", "96365", "96374", "96409", "96413"]),
    ("96368", &["96360", "96365", "96366", "96413", "96415", "96416", "C8957"]),
    ("96370", &["96369"]),
    ("96371", &["96369"]),
    ("96375", &["96360", "96365", "96374", "96409", "96413"]),
    ("96376", &["96365", "96374", "96409", "96413"]),
    ("96411", &["96409", "96413"]),
    ("96415", &["96413"]),
    ("96417", &["96413"]),
    ("96423", &["96422"]),
];

/// No coded claim holds an add-on without its parent, a pair that is never paid, or units over an absolute limit,
/// without a finding; and the engine itself makes no pair that is never paid.
#[test]
fn no_claim_passes_over_what_a_table_says() {
    let folder = Folder::new("edits-generated");
    let coder = match common::shared() {
        Some(shared) => common::coder_with_shared(&folder, &shared, &[("ncci-2024q3", Some("2024Q3"))]),
        None => return,
    };
    let store = coder.store.clone().unwrap();
    let quarter: Quarter = "2024Q3".parse().unwrap();
    let mut rng = Rng::new(7);
    let (mut add_ons, mut nevers, mut absolutes, mut opened) = (0, 0, 0, 0);
    for n in 0..4_000 {
        let value = common::generated(&mut rng, "2024-08-05", "2024-08-06");
        let coding = code(&coder, &value);
        let biller = if value["setting"] == "office" { Biller::Practitioner } else { Biller::Hospital };
        let mue = store.mue(biller, quarter).unwrap().unwrap();
        let pairs = store.ptp(biller, quarter).unwrap().unwrap();
        for line in &coding.lines {
            let beside = || coding.lines.iter().filter(|l| l.date == line.date);
            let told = |kind: EditKind| coding.edits.iter().any(|e| e.kind == kind && e.code == line.code);
            if let Some((_, parents)) = PARENTS.iter().find(|p| p.0 == line.code)
                && !beside().any(|l| parents.contains(&l.code.as_str()))
            {
                add_ons += 1;
                assert!(told(EditKind::AddOn), "{n}: {} without its parent\n{value}", line.code);
            }
            let units: u32 = beside().filter(|l| l.code == line.code).map(|l| l.units).sum();
            if mue.find(&line.code).is_some_and(|m| m.indicator == Mai::DatePolicy && m.units < units) {
                absolutes += 1;
                assert!(told(EditKind::Mue), "{n}: {units} units of {}\n{value}", line.code);
            }
            for other in beside().filter(|l| l.code != line.code) {
                match pairs.find(&other.code, &line.code, line.date.0) {
                    Some(pair) if pair.indicator == Indicator::Never => {
                        nevers += 1;
                        println!("{n}: {}/{} is never paid", other.code, line.code);
                        assert!(told(EditKind::Ptp), "{n}: {}/{}\n{value}", other.code, line.code);
                    }
                    Some(_) if line.modifiers.is_empty() && other.modifiers.is_empty() => {
                        opened += 1;
                        assert!(told(EditKind::Ptp), "{n}: {}/{}\n{value}", other.code, line.code);
                    }
                    _ => {}
                }
            }
        }
    }
    println!("add-ons {add_ons}, never {nevers}, absolute {absolutes}, open to a modifier {opened}");
    assert!(add_ons > 50 && opened > 50, "the charts meet the edits");
}
