//! Drug lines: units, waste, modifiers, codes by date, products coded by size.

use dripline::SmolStr;
use dripline::chart::Chart;
use dripline::coding::ShortLine;
use dripline::policy::{Policy, Switch};
use dripline_reference::dose::Amount;
use dripline_reference::formulary::Formulary;
use dripline_reference::lines::{DrugLines, drug_lines};
use dripline_reference::resolve::{as_of, resolve};
use proptest::prelude::*;
use serde_json::{Value, json};

fn lines_of(chart: Value) -> DrugLines {
    let chart: Chart = serde_json::from_value(chart).unwrap();
    let mut policy = Policy::default();
    for (name, value) in &chart.policy {
        policy.set(Switch::from_name(name).unwrap(), value).unwrap();
    }
    let formulary = Formulary::built_in();
    let resolved = resolve(&chart, &policy, &formulary, as_of(&chart).unwrap()).unwrap();
    drug_lines(&chart, &resolved, &policy, &formulary)
}

/// Administrations with more keys for the case.
fn case(keys: Value, rows: Vec<Value>) -> DrugLines {
    let rows: Vec<Value> = rows
        .into_iter()
        .map(|r| {
            let mut row =
                json!({"route": "IV", "method": "infusion", "start": "2026-01-05T10:00", "stop": "2026-01-05T11:00"});
            for (k, v) in r.as_object().unwrap() {
                row[k] = v.clone();
            }
            row
        })
        .collect();
    let mut all = json!({"setting": "office", "administrations": rows});
    for (k, v) in keys.as_object().unwrap() {
        all[k] = v.clone();
    }
    lines_of(all)
}

/// Lines as `CODE-MOD xN`.
fn shown(lines: &DrugLines) -> Vec<String> {
    let one = |l: &dripline::coding::DrugLine| {
        let modifiers: String = l.modifiers.iter().map(|m| format!("-{m}")).collect();
        format!("{}{modifiers} x{}", l.hcpcs, l.units)
    };
    lines.lines.iter().map(one).collect()
}

fn rows(rows: Vec<Value>) -> Vec<String> {
    shown(&case(json!({}), rows))
}

fn drug(name: &str, dose: &str) -> Value {
    json!({"drug": name, "dose": dose})
}

fn vials(dose: &str, vial: &str, count: u32, wasted: Value) -> Value {
    json!({"drug": "infliximab", "dose": dose, "wasted": wasted,
        "containers": [{"kind": "single_dose", "amount": vial, "count": count}]})
}

fn fields(lines: &DrugLines) -> Vec<&str> {
    lines.questions.iter().map(|q| q.field).collect()
}

#[test]
fn units_round_up_once() {
    assert_eq!(rows(vec![drug("Toradol", "15 mg")]), ["J1885 x1"]);
    assert_eq!(rows(vec![drug("Toradol", "15.1 mg")]), ["J1885 x2"]);
    assert_eq!(rows(vec![drug("Toradol", "0.1 mg")]), ["J1885 x1"]);
    assert_eq!(rows(vec![drug("Toradol", "20 mg"), drug("ketorolac", "20 mg")]), ["J1885 x3"]);
    assert_eq!(rows(vec![drug("Privigen", "100 g")]), ["J1459 x200"]);
    assert_eq!(rows(vec![drug("penicillin G benzathine", "2.4 million units")]), ["J0561 x24"]);
    let by_dose = |rows| shown(&case(json!({"policy": {"unit_rounding": "dose"}}), rows));
    assert_eq!(by_dose(vec![drug("Toradol", "20 mg"), drug("Toradol", "20 mg")]), ["J1885 x4"]);
    // Two parts of one dose are one dose.
    let mut part = drug("Toradol", "20 mg");
    part["same_dose_as"] = json!("1");
    assert_eq!(by_dose(vec![drug("Toradol", "20 mg"), part]), ["J1885 x3"]);
    // Two dates are two lines.
    let mut next = drug("Toradol", "20 mg");
    next["start"] = json!("2026-01-06T10:00");
    next["stop"] = json!(null);
    assert_eq!(rows(vec![drug("Toradol", "20 mg"), next]), ["J1885 x2", "J1885 x2"]);
}

#[test]
fn a_code_whose_words_name_a_route_is_for_that_route() {
    let by = |drug: &str, route: &str| {
        let given = json!({"drug": drug, "dose": "150 mg", "route": route, "method": "injection", "stop": null});
        let found = case(json!({}), vec![given]);
        let why = found.assumptions.iter().find(|a| a.path == "administrations[0].hcpcs").map(|a| a.why.to_string());
        (shown(&found), why.unwrap_or_default())
    };
    for (drug, code) in
        [("Skyrizi IV", "J2327"), ("Cosentyx IV", "J3247"), ("Entyvio", "J3380"), ("Simponi Aria", "J1602")]
    {
        assert_eq!(by(drug, "IV").0, [format!("{code} x150")]);
        let (lines, why) = by(drug, "SC");
        assert!(lines.is_empty() && why == format!("the words of {code} name another route: iv"), "{lines:?} {why}");
    }
    // The route tells two products of a name apart, and one that is not known excludes none.
    assert_eq!(by("Stelara", "SC").0, ["J3357 x150"]);
    assert_eq!(by("Stelara", "IV").0, ["J3358 x150"]);
    assert_eq!(by("Entyvio", "port").0, ["J3380 x150"]);
    assert_eq!(by("morphine preservative-free", "IT").0, ["J2274 x15"]);
    assert!(by("morphine preservative-free", "IV").0.is_empty());
}

#[test]
fn a_product_of_two_components_is_counted_by_one() {
    let given = |drug: &str, dose: &str| case(json!({}), vec![drug_by(drug, dose)]);
    fn drug_by(name: &str, dose: &str) -> Value {
        json!({"drug": name, "dose": dose, "method": "injection", "route": "IM", "stop": null})
    }
    for (name, dose, line) in [
        // Both amounts, in either order.
        ("Cabenuva", "600 mg/900 mg", "J0741 x300"),
        ("Cabenuva", "400/600 mg", "J0741 x200"),
        ("Cabenuva", "900 mg and 600 mg", "J0741 x300"),
        ("Bactrim", "800 mg/160 mg", "J2865 x160"),
        ("Bactrim", "160-800 mg", "J2865 x160"),
        // One amount that is a dose in one reading: the counted component, the other, both together.
        ("Cabenuva", "400 mg", "J0741 x200"),
        ("Cabenuva", "900 mg", "J0741 x300"),
        ("Cabenuva", "1500 mg", "J0741 x300"),
        ("Akynzeo", "0.25 mg", "J1454 x1"),
        ("Akynzeo", "235 mg", "J1454 x1"),
        ("Opdualag", "480 mg", "J9298 x160"),
        ("Opdualag", "160 mg", "J9298 x160"),
        ("Opdualag", "640 mg", "J9298 x160"),
    ] {
        let found = given(name, dose);
        assert_eq!(shown(&found), [line], "{name} {dose}");
        assert!(!fields(&found).contains(&"dose"));
    }
    let taken = |dose| given("Opdualag", dose).assumptions.iter().any(|a| a.path == "administrations[0].dose");
    assert!(!taken("480 mg") && taken("160 mg") && taken("640 mg"));
    // 600 mg is a dose of either component; 320 mg may be anything; amounts that do not belong together are none.
    for (name, dose) in [
        ("Cabenuva", "600 mg"),
        ("Cabenuva", "600 mg/600 mg"),
        ("Bactrim", "320 mg"),
        ("Opdualag", "240 mg"),
        ("Vyxeos", "100 mg"),
    ] {
        let found = given(name, dose);
        assert!(shown(&found).is_empty(), "{name} {dose}: {:?}", shown(&found));
        assert_eq!(fields(&found), ["dose"]);
        assert!(found.questions[0].ask.contains("two components") || dose.contains('/'), "{}", found.questions[0].ask);
    }
}

#[test]
fn a_whole_container_that_nobody_accounts_for_is_asked_about() {
    let asked = |given: &str, count, wasted: &str| {
        let found = case(json!({}), vec![vials(given, "100 mg", count, json!(wasted))]);
        (shown(&found), fields(&found).iter().map(|f| (*f).to_owned()).collect::<Vec<_>>())
    };
    // Four vials, 250 mg given and 50 mg thrown away: one vial too many.
    assert_eq!(asked("250 mg", 4, "50 mg"), (vec!["J1745 x25".into(), "J1745-JW x5".into()], vec!["wasted".into()]));
    assert_eq!(asked("250 mg", 4, "51 mg"), (vec!["J1745 x25".into(), "J1745-JW x5".into()], vec![]));
    assert_eq!(asked("250 mg", 3, "50 mg"), (vec!["J1745 x25".into(), "J1745-JW x5".into()], vec![]));
}

#[test]
fn what_an_inpatient_is_given_has_no_drug_line() {
    let given = |start: &str| {
        let mut row = drug("Zofran", "4 mg");
        row["start"] = json!(start);
        row["stop"] = json!(null);
        shown(&case(json!({"setting": "facility", "inpatient_order": "2026-01-05T10:30"}), vec![row]))
    };
    assert_eq!(given("2026-01-05T10:29"), ["J2405 x4"]);
    assert_eq!(given("2026-01-05T10:30"), Vec::<String>::new());
}

#[test]
fn what_ran_on_arrival_is_dated_from_then() {
    let on = |start: &str, stop: Option<&str>| {
        let mut row = drug("lactated Ringers", "1000 mL");
        row["start"] = json!(start);
        row["stop"] = json!(stop);
        let found = case(json!({"arrival": "2026-01-06T00:05"}), vec![row]);
        found.lines.iter().map(|l| l.date.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(on("2026-01-05T23:45", Some("2026-01-06T01:00")), ["2026-01-06"]);
    assert_eq!(on("2026-01-05T23:45", Some("2026-01-06T00:05")), ["2026-01-05"]);
    assert_eq!(on("2026-01-06T00:05", Some("2026-01-06T01:00")), ["2026-01-06"]);
}

#[test]
fn what_has_no_drug_line() {
    for keys in [
        json!({"status": "not_given"}),
        json!({"status": "entered_in_error"}),
        json!({"order": false}),
        json!({"purpose": "self_administered"}),
        json!({"purpose": "kvo"}),
        json!({"purpose": "flush"}),
        json!({"purpose": "diluent"}),
        json!({"purpose": "carrier"}),
        json!({"supplied_by": "patient"}),
        json!({"supplied_by": "pharmacy"}),
        json!({"supplied_by": "manufacturer"}),
        json!({"pump": {"event": "disconnect"}}),
        json!({"route": "PO"}),
    ] {
        let mut row = drug("Zofran", "4 mg");
        for (k, v) in keys.as_object().unwrap() {
            row[k] = v.clone();
        }
        assert!(rows(vec![row]).is_empty(), "{keys}");
    }
    for purpose in ["procedural", "sedation", "transfusion", "routine", "declot", "replacement"] {
        let mut row = drug("Zofran", "4 mg");
        row["purpose"] = json!(purpose);
        assert_eq!(rows(vec![row]), ["J2405 x4"], "{purpose}");
    }
    let setting = |keys: Value| shown(&case(keys, vec![drug("Zofran", "4 mg")]));
    assert!(setting(json!({"setting": "facility", "bill_type": "111"})).is_empty());
    assert_eq!(setting(json!({"setting": "facility", "bill_type": "131"})), ["J2405 x4"]);
    assert!(setting(json!({"setting": null, "place_of_service": "22"})).is_empty());
    assert_eq!(setting(json!({"setting": null, "place_of_service": "11"})), ["J2405 x4"]);
}

#[test]
fn what_is_missing_is_asked_and_no_error() {
    for dose in [json!(null), json!("some"), json!("4 mg/kg"), json!("2 mL"), json!("0 mg")] {
        let mut row = json!({"drug": "Zofran"});
        row["dose"] = dose.clone();
        let found = case(json!({}), vec![row]);
        assert!(found.lines.is_empty(), "{dose}");
        assert_eq!(fields(&found), ["dose"], "{dose}");
    }
    let unknown = case(json!({}), vec![drug("Zofrann", "4 mg")]);
    assert!(unknown.lines.is_empty() && unknown.questions.is_empty());
    let why = &unknown.assumptions.iter().find(|a| a.path == "administrations[0].hcpcs").unwrap().why;
    assert!(why.contains("Zofran"), "{why}");
    // A vaccine code outside the table counts doses; an identifier that no table knows gives no line.
    let flu = |dose: Value| {
        let row = json!({"drug": "flu shot", "hcpcs": "90686", "dose": dose, "route": "IM", "method": "injection"});
        let found = case(json!({}), vec![row]);
        (shown(&found), fields(&found).join(","))
    };
    assert_eq!(flu(json!("0.5 mL")), (vec!["90686 x1".to_owned()], String::new()));
    assert_eq!(flu(json!(null)), (vec![], "dose".to_owned()));
    let by_number = case(json!({}), vec![json!({"rxnorm": "26225", "dose": "4 mg"})]);
    assert!(by_number.lines.is_empty());
    assert!(by_number.assumptions.iter().any(|a| a.took == "no drug line"));
    // Products of one name that differ in code: the pharmacy is asked which it was.
    let maker = case(json!({}), vec![drug("bendamustine", "100 mg"), drug("bendamustine", "50 mg")]);
    assert!(maker.lines.is_empty());
    assert_eq!(fields(&maker), ["ndc"]);
    assert_eq!(maker.questions[0].rows, [0, 1]);
    let outcome = maker.questions[0].outcomes.iter().find(|o| o.1.first().is_some_and(|l| l.code == "J9034")).unwrap();
    assert_eq!(outcome.1[0].units, 150);
}

#[test]
fn waste() {
    assert_eq!(rows(vec![vials("200 mg", "100 mg", 2, json!(null))]), ["J1745-JZ x20"]);
    assert_eq!(rows(vec![vials("200 mg", "100 mg", 2, json!("0 mg"))]), ["J1745-JZ x20"]);
    assert_eq!(rows(vec![vials("184 mg", "100 mg", 2, json!("16 mg"))]), ["J1745 x19", "J1745-JW x1"]);
    assert_eq!(rows(vec![vials("305 mg", "100 mg", 4, json!("95 mg"))]), ["J1745 x31", "J1745-JW x9"]);
    // A unit is left, or a little less.
    assert_eq!(rows(vec![vials("190 mg", "100 mg", 2, json!("10 mg"))]), ["J1745 x19", "J1745-JW x1"]);
    assert_eq!(rows(vec![vials("190.1 mg", "100 mg", 2, json!("9.9 mg"))]), ["J1745-JZ x20"]);
    // Never more than the label, and never more than was charted.
    assert_eq!(rows(vec![vials("150 mg", "100 mg", 2, json!("80 mg"))]), ["J1745 x15", "J1745-JW x5"]);
    assert_eq!(rows(vec![vials("150 mg", "100 mg", 2, json!("20 mg"))]), ["J1745 x15", "J1745-JW x2"]);
    // What became of the rest is not charted.
    let rest = case(json!({}), vec![vials("150 mg", "100 mg", 2, json!(null))]);
    assert_eq!(shown(&rest), ["J1745 x15"]);
    assert_eq!(fields(&rest), ["wasted"]);
    // The containers hold less than was given.
    let less = case(json!({}), vec![vials("250 mg", "100 mg", 2, json!(null))]);
    assert_eq!((shown(&less), fields(&less)), (vec!["J1745 x25".to_owned()], vec!["containers"]));
    // One vial for two doses: the second opened none.
    let mut second = vials("90 mg", "100 mg", 0, json!(null));
    second["containers"] = json!([]);
    assert_eq!(rows(vec![vials("100 mg", "200 mg", 1, json!("10 mg")), second]), ["J1745 x19", "J1745-JW x1"]);
    let policy = |p: Value, row| shown(&case(json!({"policy": p}), vec![row]));
    assert_eq!(policy(json!({"waste_lines": "one"}), vials("184 mg", "100 mg", 2, json!("16 mg"))), ["J1745 x20"]);
    let small = || vials("195 mg", "100 mg", 2, json!("5 mg"));
    assert_eq!(policy(json!({"sub_unit_waste_modifier": "JZ"}), small()), ["J1745-JZ x20"]);
    assert_eq!(policy(json!({"sub_unit_waste_modifier": "none"}), small()), ["J1745 x20"]);
}

#[test]
fn an_answer_tells_what_charting_it_would_earn() {
    // Two doses below a unit, each out of a container with a unit more than the dose, and that unit thrown away.
    let dose = |more: Value| {
        let mut row =
            json!({"drug": "morphine", "dose": "2 mg", "route": "IV", "method": "push", "start": "2026-01-05T11:00"});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let asked = case(json!({}), vec![dose(json!({})), dose(json!({"start": "2026-01-05T11:20"}))]);
    let thrown = json!({"containers": [{"kind": "single_dose", "amount": "12 mg", "count": 1}], "wasted": "10 mg"});
    let mut later = thrown.clone();
    later["start"] = json!("2026-01-05T11:20");
    let charted = case(json!({}), vec![dose(thrown), dose(later)]);
    let told = asked.questions[0].outcomes.iter().find(|o| o.0.contains("a unit of each thrown away")).unwrap();
    assert_eq!(told.1, charted.lines.iter().map(|l| l.short()).collect::<Vec<_>>());
    assert_eq!(shown(&charted), ["J2270 x1", "J2270-JW x1"]);
}

#[test]
fn more_taken_out_than_the_label_says() {
    let of = |dose: &str, wasted: &str| case(json!({}), vec![vials(dose, "100 mg", 1, json!(wasted))]);
    // A tenth may be overfill; beyond it another container was opened.
    let overfill = of("80 mg", "30 mg");
    assert_eq!((shown(&overfill), fields(&overfill).len()), (vec!["J1745 x8".to_owned(), "J1745-JW x2".to_owned()], 0));
    let beyond = of("80 mg", "30.1 mg");
    assert_eq!(shown(&beyond), ["J1745 x8", "J1745-JW x2"]);
    assert_eq!(fields(&beyond), ["containers"]);
    let outcomes = |lines: &DrugLines| {
        let of = |o: &(SmolStr, Vec<ShortLine>)| {
            o.1.iter()
                .map(|l| format!("{}{} x{}", l.code, l.modifiers.join("-"), l.units))
                .collect::<Vec<_>>()
                .join(" ")
        };
        lines.questions[0].outcomes.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(&beyond), ["J1745 x8 J1745JW x3", "J1745 x8 J1745JW x2"]);
    // All of it was given, and something was thrown away.
    let all = of("100 mg", "75 mg");
    assert_eq!((shown(&all), fields(&all)), (vec!["J1745-JZ x10".to_owned()], vec!["containers"]));
    assert_eq!(outcomes(&all), ["J1745 x10 J1745JW x7", "J1745JZ x10"]);
    // No answer would change a line.
    let small = of("109 mg", "1 mg");
    assert_eq!(fields(&small), ["containers"], "less than was given");
    let unit = case(
        json!({"as_of": "2016-12-31"}),
        vec![{
            let mut row = vials("100 mg", "100 mg", 1, json!("75 mg"));
            row["start"] = json!("2016-12-31T10:00");
            row["stop"] = json!(null);
            row
        }],
    );
    assert_eq!(fields(&unit), Vec::<&str>::new(), "before anybody asked for waste");
}

#[test]
fn a_field_of_ones_own_is_a_reading_among_others() {
    let small = |units: u32, dose: &str| case(json!({"policy": {"units_per_line": units}}), vec![drug("Zofran", dose)]);
    let over = small(10, "12 mg");
    assert_eq!(shown(&over), ["J2405 x10", "J2405 x2"]);
    assert!(over.consulted.contains(&Switch::UnitsPerLine));
    assert!(!small(12, "12 mg").consulted.contains(&Switch::UnitsPerLine));
}

#[test]
fn waste_by_date_and_container() {
    let on = |start: &str, row: &Value| {
        let mut row = row.clone();
        row["start"] = json!(start);
        row["stop"] = json!(null);
        rows(vec![row])
    };
    let (full, part) = (vials("200 mg", "100 mg", 2, json!(null)), vials("184 mg", "100 mg", 2, json!("16 mg")));
    assert_eq!(on("2023-06-30T10:00", &full), ["J1745 x20"]);
    assert_eq!(on("2023-07-01T10:00", &full), ["J1745-JZ x20"]);
    assert_eq!(on("2016-12-31T10:00", &part), ["J1745 x19"]);
    assert_eq!(on("2017-01-01T10:00", &part), ["J1745 x19", "J1745-JW x1"]);
    let mut multi = part.clone();
    multi["containers"][0]["kind"] = json!("multi_dose");
    let multi = case(json!({}), vec![multi]);
    assert_eq!((shown(&multi), fields(&multi)), (vec!["J1745 x19".to_owned()], vec![]));
    let vaccine = json!({"drug": "Fluzone High-Dose", "dose": "0.7 mL", "route": "IM", "method": "injection",
        "containers": [{"kind": "single_dose", "amount": "0.7 mL"}]});
    assert_eq!(rows(vec![vaccine]), ["90662 x1"]);
    // Containers of one row are charted, those of the other are not: together no more than the day's sum.
    let mixed = case(json!({}), vec![vials("105 mg", "105 mg", 1, json!(null)), drug("infliximab", "104 mg")]);
    assert_eq!(shown(&mixed), ["J1745 x10", "J1745-JZ x11"]);
    assert_eq!(fields(&mixed), ["containers"]);
}

#[test]
fn one_question_for_all_containers() {
    let two = case(json!({}), vec![drug("Zofran", "4 mg"), drug("Toradol", "30 mg"), drug("Toradol", "30 mg")]);
    assert_eq!(shown(&two), ["J1885 x4", "J2405 x4"]);
    assert_eq!(fields(&two), ["containers"]);
    assert_eq!(two.questions[0].rows, [0, 1, 2]);
    let discarded = &two.questions[0].outcomes[1];
    let lines: Vec<_> = discarded.1.iter().map(|l| (l.code.as_str(), l.units, l.modifiers.join("-"))).collect();
    assert_eq!(
        lines,
        [
            ("J1885", 4, String::new()),
            ("J1885", 2, "JW".into()),
            ("J2405", 4, String::new()),
            ("J2405", 1, "JW".into())
        ]
    );
    // No answer would change a line before the rules of waste.
    let mut old = drug("Zofran", "4 mg");
    old["start"] = json!("2016-05-05T10:00");
    old["stop"] = json!(null);
    assert!(case(json!({}), vec![old]).questions.is_empty());
}

#[test]
fn modifiers() {
    let with = |keys: Value, more: Value| {
        let mut row = vials("200 mg", "100 mg", 2, json!(null));
        for (k, v) in more.as_object().unwrap() {
            row[k] = v.clone();
        }
        shown(&case(keys, vec![row]))
    };
    let listed = json!({"policy": {"ja_jb_list": ["j1745"]}});
    assert_eq!(with(listed.clone(), json!({})), ["J1745-JA-JZ x20"]);
    assert_eq!(with(listed.clone(), json!({"route": "SC"})), ["J1745-JB-JZ x20"]);
    assert_eq!(with(listed, json!({"route": "IM"})), ["J1745-JZ x20"]);
    let bought = json!({"purchased_340b": true});
    assert_eq!(with(json!({}), bought.clone()), ["J1745-JZ-TB x20"]);
    assert_eq!(with(json!({}), json!({"purchased_340b": false})), ["J1745-JZ x20"]);
    assert_eq!(with(json!({"policy": {"modifier_340b": "JG_TB"}}), bought.clone()), ["J1745-JZ-JG x20"]);
    let before = json!({"purchased_340b": true, "start": "2024-12-31T10:00", "stop": null});
    assert_eq!(with(json!({}), before.clone()), ["J1745-JZ-JG x20"]);
    assert_eq!(with(json!({"policy": {"modifier_340b": "TB"}}), before), ["J1745-JZ-TB x20"]);
    assert_eq!(with(json!({"setting": "facility", "off_campus": "excepted"}), json!({})), ["J1745-JZ-PO x20"]);
    assert_eq!(with(json!({"setting": "facility", "off_campus": "non_excepted"}), json!({})), ["J1745-JZ-PN x20"]);
}

#[test]
fn codes_by_date() {
    let on = |name: &str, dose: &str, start: &str| {
        let mut row = drug(name, dose);
        row["start"] = json!(start);
        row["stop"] = json!(null);
        case(json!({}), vec![row])
    };
    assert_eq!(shown(&on("cyclophosphamide", "300 mg", "2024-03-31T10:00")), ["J9070 x3"]);
    assert_eq!(shown(&on("cyclophosphamide", "300 mg", "2024-04-01T10:00")), ["J9075 x60"]);
    assert_eq!(shown(&on("vancomycin", "1 g", "2026-01-05T10:00")), ["J3373 x100"]);
    assert_eq!(shown(&on("vancomycin", "1 g", "2024-01-05T10:00")), ["J3370 x2"]);
    // Between the two the day of the change is not known.
    let between = on("vancomycin", "1 g", "2025-03-01T10:00");
    assert_eq!(shown(&between), ["J3373 x100"]);
    assert!(between.assumptions.iter().any(|a| a.path == "administrations[0].hcpcs"));
    // A charted code that is not in force gives way to the one that followed.
    let mut retired = drug("Cytoxan", "300 mg");
    retired["hcpcs"] = json!("J9070");
    let retired = case(json!({}), vec![retired]);
    assert_eq!(shown(&retired), ["J9075 x60"]);
    assert!(retired.assumptions.iter().any(|a| a.took == "J9075"));
    assert_eq!(shown(&on("Rituxan", "700 mg", "2018-12-31T10:00")), ["J9310 x7"]);
    assert_eq!(shown(&on("Rituxan", "700 mg", "2019-01-01T10:00")), ["J9312 x70"]);
    assert_eq!(shown(&on("Neulasta", "6 mg", "2021-12-31T10:00")), ["J2505 x1"]);
    assert_eq!(shown(&on("Neulasta", "6 mg", "2022-01-01T10:00")), ["J2506 x12"]);
    assert_eq!(shown(&on("Solu-Medrol", "125 mg", "2024-03-31T10:00")), ["J2930 x1"]);
    assert_eq!(shown(&on("Solu-Medrol", "40 mg", "2024-03-31T10:00")), ["J2920 x1"]);
    assert_eq!(fields(&on("Solu-Medrol", "60 mg", "2024-03-31T10:00")), ["ndc"]);
    assert_eq!(shown(&on("Solu-Medrol", "125 mg", "2024-04-01T10:00")), ["J2919 x25"]);
    // A code of hospitals only.
    let pantoprazole = |setting: &str| {
        let mut row = drug("Protonix", "80 mg");
        row["start"] = json!("2024-06-30T10:00");
        row["stop"] = json!(null);
        shown(&case(json!({"setting": setting}), vec![row]))
    };
    assert_eq!(pantoprazole("facility"), ["C9113 x2"]);
    assert!(pantoprazole("office").is_empty());
    // A salt is another product: the one's code never stands for the other.
    assert_eq!(shown(&on("Depo-Medrol", "40 mg", "2024-03-31T10:00")), ["J1030 x1"]);
    // No code of the table was in force.
    let early = on("pemivibart", "4500 mg", "2020-01-05T10:00");
    assert!(early.lines.is_empty());
    assert!(early.assumptions.iter().any(|a| a.why.contains("in force")));
}

#[test]
fn products_coded_by_size() {
    let saline = |more: Value| {
        let mut row = json!({"drug": "normal saline", "indication": "dehydration"});
        for (k, v) in more.as_object().unwrap() {
            row[k] = v.clone();
        }
        case(json!({}), vec![row])
    };
    let bags = |list: Value| json!({"dose": "800 mL", "containers": list});
    let bag = |size: &str, n: u32| json!({"kind": "single_dose", "amount": size, "count": n});
    assert_eq!(shown(&saline(json!({"dose": "1 L"}))), ["J7030 x1"]);
    assert_eq!(shown(&saline(json!({"dose": "500 mL"}))), ["J7040 x1"]);
    assert_eq!(shown(&saline(bags(json!([bag("1000 mL", 1)])))), ["J7030-JZ x1"]);
    assert_eq!(shown(&saline(bags(json!([bag("500 mL", 1), bag("250 mL", 2)])))), ["J7040-JZ x1", "J7050-JZ x2"]);
    assert_eq!(shown(&saline(json!({"dose": "800 mL", "hcpcs": "J7040"}))), ["J7040 x2"]);
    // What was hung or ran is charted beside the dose and does not stand in for it.
    for odd in [json!({"dose": "800 mL"}), json!({}), json!({"volume": "250 mL"}), bags(json!([bag("100 mL", 8)]))] {
        let found = saline(odd.clone());
        assert!(found.lines.is_empty(), "{odd}");
        assert_eq!(fields(&found), ["containers"], "{odd}");
    }
    assert_eq!(rows(vec![drug("albumin 5%", "12.5 g")]), ["P9045 x1"]);
    assert!(rows(vec![drug("albumin", "12.5 g")]).is_empty());
    assert_eq!(rows(vec![drug("Beyfortus", "50 mg")]), ["90380 x1"]);
    assert_eq!(rows(vec![drug("Sublocade", "300 mg")]), ["Q9992 x1"]);
    assert_eq!(rows(vec![drug("Sublocade", "100 mg")]), ["Q9991 x1"]);
    // The size of a bag is no dose.
    let bag_only = json!({"drug": "vancomycin", "containers": [{"kind": "single_dose", "amount": "1 g"}]});
    let found = case(json!({}), vec![bag_only]);
    assert_eq!((shown(&found), fields(&found)), (vec![], vec!["dose"]));
}

#[test]
fn dialysis_decides_between_two_codes() {
    let epo = |keys: Value| shown(&case(keys, vec![drug("Procrit", "10000 units")]));
    assert_eq!(epo(json!({})), ["J0885 x10"]);
    assert_eq!(epo(json!({"diagnoses": ["N18.6"]})), ["Q4081 x100"]);
    assert_eq!(epo(json!({"diagnoses": ["Z99.2"]})), ["Q4081 x100"]);
    assert_eq!(epo(json!({"diagnoses": ["D63.0"]})), ["J0885 x10"]);
    assert_eq!(epo(json!({"setting": "facility", "bill_type": "721"})), ["Q4081 x100"]);
}

#[test]
fn an_ndc_stands_on_its_line() {
    let mut a = json!({"drug": "Ofirmev", "dose": "100 mL", "ndc": "43825-102-01"});
    a["containers"] = json!([{"kind": "single_dose", "amount": "100 mL"}]);
    let found = case(json!({}), vec![a]);
    let line = &found.lines[0];
    assert_eq!(line.ndc.as_deref(), Some("43825-0102-01"));
    assert_eq!((line.ndc_quantity.as_deref(), line.ndc_unit.as_deref()), (Some("100"), Some("ML")));
    // Two NDCs of one code: two lines, no more than the day's sum.
    let with = |dose: &str, ndc: &str| json!({"drug": "Toradol", "dose": dose, "ndc": ndc});
    let two = case(json!({}), vec![with("20 mg", "11111-1111-11"), with("20 mg", "22222-2222-22")]);
    assert_eq!(two.lines.iter().map(|l| l.units).sum::<u64>(), 3);
    assert_eq!(
        two.lines.iter().map(|l| l.ndc.as_deref()).collect::<Vec<_>>(),
        [Some("11111-1111-11"), Some("22222-2222-22")]
    );
}

fn units(lines: &DrugLines) -> u64 {
    lines.lines.iter().map(|l| l.units).sum()
}

fn mg(thousandths: u32) -> String {
    format!("{}.{:03} mg", thousandths / 1000, thousandths % 1000)
}

/// So many random cases, times `DRIPLINE_PROPERTIES`.
fn cases(n: u32) -> ProptestConfig {
    let times = std::env::var("DRIPLINE_PROPERTIES").ok().and_then(|t| t.parse().ok()).unwrap_or(1);
    ProptestConfig::with_cases(n * times)
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn units_never_fall_when_the_dose_rises(a in 1_u32..400_000, more in 0_u32..50_000, name in prop::sample::select(vec!["Toradol", "infliximab", "Zofran", "Herceptin"])) {
        let dose = |n| units(&case(json!({}), vec![drug(name, &mg(n))]));
        prop_assert!(dose(a) <= dose(a + more));
        prop_assert!(dose(a) >= 1);
    }

    #[test]
    fn parts_of_a_dose_add_up_to_the_dose(parts in prop::collection::vec(1_u32..40_000, 1..6), charted in prop::collection::vec(any::<bool>(), 6), rounding in prop::sample::select(vec!["day", "dose"])) {
        let rows: Vec<Value> = parts.iter().enumerate().map(|(i, n)| {
            let mut row = drug("Toradol", &mg(*n));
            if i > 0 {
                row["same_dose_as"] = json!("1");
            }
            // Parts of which the containers are charted stand on lines of their own.
            if charted[i] {
                row["containers"] = json!([{"kind": "single_dose", "amount": mg(*n)}]);
            }
            row
        }).collect();
        let policy = json!({"policy": {"unit_rounding": rounding}});
        let whole = case(policy.clone(), vec![drug("Toradol", &mg(parts.iter().sum()))]);
        prop_assert_eq!(units(&case(policy, rows)), units(&whole));
    }

    #[test]
    fn given_and_thrown_away_never_exceed_the_label(dose in 1_u32..400_000, vial in 1_u32..200_000, count in 1_u32..5, wasted in 0_u32..200_000, rounding in prop::sample::select(vec!["day", "dose"]), lines in prop::sample::select(vec!["one", "two"])) {
        let policy = json!({"policy": {"unit_rounding": rounding, "waste_lines": lines}});
        let found = case(policy, vec![vials(&mg(dose), &mg(vial), count, json!(mg(wasted)))]);
        let alone = ceil(&mg(dose));
        if units(&found) > alone {
            // More than the dose is billed only up to the whole units of the label.
            prop_assert!(units(&found) <= floor(&mg(vial * count)));
            prop_assert!(units(&found) - alone <= floor(&mg(wasted)));
        }
        prop_assert!(units(&found) >= alone);
    }

    #[test]
    fn the_order_of_administrations_changes_nothing(mut list in prop::collection::vec((1_u32..40_000, 0_usize..4, any::<bool>()), 1..6)) {
        let names = ["Toradol", "Zofran", "infliximab", "normal saline"];
        let rows = |list: &[(u32, usize, bool)]| list.iter().map(|(n, name, vial)| {
            let mut row = drug(names[*name], &mg(*n));
            if *vial {
                row["containers"] = json!([{"kind": "single_dose", "amount": mg(*n)}]);
            }
            row
        }).collect::<Vec<_>>();
        let before = shown(&case(json!({}), rows(&list)));
        list.reverse();
        prop_assert_eq!(before, shown(&case(json!({}), rows(&list))));
    }
}

/// Units of 10 mg.
fn exact(text: &str) -> dripline_reference::dose::Ratio {
    text.parse::<Amount>().unwrap().units_of(&"10 mg".parse().unwrap(), None).unwrap()
}

fn ceil(text: &str) -> u64 {
    exact(text).ceil()
}

fn floor(text: &str) -> u64 {
    exact(text).floor()
}

proptest! {
    #![proptest_config(cases(64))]

    /// Whatever stands in the texts of a chart, it is coded or refused.
    #[test]
    fn no_text_breaks_it(texts in prop::collection::vec("\\PC{0,14}|[0-9.,]{0,20} ?(mg|mL|units|g|µg|)|[0-9-]{0,13}", 16)) {
        let t = |n: usize| texts[n].as_str();
        let chart = json!({
            "case": t(0), "setting": "facility", "place_of_service": null, "diagnoses": [], "accesses": {t(1): {"needed_because": t(2)}},
            "administrations": [{
                "id": t(3), "drug": t(4), "dose": t(5), "route": t(6), "date": "2026-01-05", "access": t(7), "bag": t(8),
                "indication": t(9), "wasted": t(10), "containers": [{"kind": "single_dose", "amount": t(11), "count": 4_000_000_000_u32}],
            }, {
                "drug": "Zofran", "dose": t(5), "date": "2026-01-05", "containers": [{"kind": "single_dose", "amount": t(11)}], "wasted": t(10),
            }, {
                "drug": "Beyfortus", "dose": t(12), "hcpcs": null, "date": "2026-01-05", "volume": t(13), "rate": t(14), "ndc": t(15),
            }]
        });
        let strict: Chart = serde_json::from_value(chart).unwrap();
        let mut lenient = strict.clone();
        lenient.case = None;
        lenient.accesses.clear();
        let first = &mut lenient.administrations[0];
        (first.id, first.access, first.bag) = (None, None, None);
        let last = &mut lenient.administrations[2];
        (last.volume, last.rate, last.ndc) = (None, None, None);
        for chart in [strict, lenient] {
            let formulary = Formulary::built_in();
            if let Ok(resolved) = resolve(&chart, &Policy::default(), &formulary, as_of(&chart).unwrap()) {
                let lines = drug_lines(&chart, &resolved, &Policy::default(), &formulary);
                prop_assert!(lines.lines.iter().all(|l| l.units > 0));
            }
        }
    }
}
