//! What a chart may say, what it may not, and what is taken for granted.

use dripline::case::{NONE, OrderState, Reason, Route, ServiceKind, VaccineKind};
use dripline::chart::{Biller, Chart, Class, Purpose, Setting};
use dripline::code::Code;
use dripline::policy::{Policy, Switch};
use dripline::time::Day;
use dripline_reference::ChartError;
use dripline_reference::formulary::Formulary;
use dripline_reference::resolve::{Resolved, as_of, ndc_11, reason, resolve, route, service_kind};
use jiff::civil::date;
use serde_json::{Value, json};

fn read(chart: Value) -> Result<Resolved, ChartError> {
    let chart: Chart = serde_json::from_value(chart).unwrap();
    let mut policy = Policy::default();
    for (name, value) in &chart.policy {
        policy.set(Switch::from_name(name).unwrap(), value).unwrap();
    }
    resolve(&chart, &policy, &Formulary::built_in(), as_of(&chart)?)
}

/// A chart of one push with more keys for the case and for the administration.
fn chart(case: Value, administration: Value) -> Value {
    let mut row =
        json!({"drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-05T10:00"});
    let mut all = json!({"setting": "facility"});
    let put = |into: &mut Value, from: &Value| {
        for (k, v) in from.as_object().unwrap() {
            into[k] = v.clone();
        }
    };
    put(&mut row, &administration);
    all["administrations"] = json!([row]);
    put(&mut all, &case);
    all
}

fn row(administration: Value) -> Result<Resolved, ChartError> {
    read(chart(json!({}), administration))
}

fn case(keys: Value) -> Result<Resolved, ChartError> {
    read(chart(keys, json!({})))
}

fn refused(result: Result<Resolved, ChartError>) -> String {
    match result {
        Err(e) => {
            assert!(!e.message.is_empty() && !e.help.is_empty(), "{e:?}");
            e.path
        }
        Ok(r) => panic!("not refused: {:?}", r.case),
    }
}

fn assumed<'r>(resolved: &'r Resolved, path: &str) -> Option<&'r str> {
    resolved.assumptions.iter().find(|a| a.path == path).map(|a| &*a.took)
}

#[test]
fn who_bills() {
    let billing = |keys: Value| {
        let mut all = json!({"setting": null});
        for (k, v) in keys.as_object().unwrap() {
            all[k] = v.clone();
        }
        let case = case(all).unwrap().case;
        (case.setting, case.billed_by, case.facility_place, case.inpatient)
    };
    use Setting::{Facility, Office};
    let practitioner = Some(Biller::Practitioner);
    assert_eq!(billing(json!({"setting": "facility"})), (Facility, None, false, false));
    assert_eq!(billing(json!({"setting": "office"})), (Office, None, false, false));
    assert_eq!(billing(json!({"place_of_service": "11"})), (Office, None, false, false));
    assert_eq!(billing(json!({"place_of_service": "22"})), (Office, practitioner, true, false));
    assert_eq!(billing(json!({"bill_type": "131"})), (Facility, None, false, false));
    assert_eq!(billing(json!({"bill_type": "0851"})), (Facility, None, false, false));
    assert_eq!(billing(json!({"bill_type": "111"})), (Facility, None, false, true));
    assert_eq!(billing(json!({"bill_type": "121"})), (Facility, None, false, false));
    assert_eq!(billing(json!({"billed_by": "facility"})), (Facility, Some(Biller::Facility), false, false));
    assert_eq!(billing(json!({"billed_by": "practitioner"})), (Office, practitioner, false, false));
    assert_eq!(
        billing(json!({"billed_by": "practitioner", "place_of_service": "24", "setting": "office"})),
        (Office, practitioner, true, false)
    );
    assert_eq!(
        billing(json!({"billed_by": "facility", "place_of_service": "22"})),
        (Facility, Some(Biller::Facility), true, false)
    );
    // The payer's list decides which place is a facility.
    assert_eq!(
        billing(json!({"place_of_service": "31", "policy": {"facility_pos_set": ["31"]}})),
        (Office, practitioner, true, false)
    );
    assert_eq!(
        billing(json!({"place_of_service": "22", "policy": {"facility_pos_set": ["31"]}})),
        (Office, None, false, false)
    );
    let alone = case(json!({"setting": null, "place_of_service": "22"})).unwrap();
    assert_eq!(assumed(&alone, "billed_by"), Some("practitioner"));
}

#[test]
fn who_bills_may_not_contradict_itself() {
    for (keys, path) in [
        (json!({"setting": null}), "setting"),
        (json!({"setting": "office", "bill_type": "131"}), "bill_type"),
        (json!({"setting": null, "billed_by": "practitioner", "bill_type": "131"}), "bill_type"),
        (json!({"setting": "office", "place_of_service": "22"}), "place_of_service"),
        (json!({"setting": "facility", "billed_by": "practitioner"}), "billed_by"),
        (json!({"setting": "facility", "billed_by": "practitioner", "place_of_service": "22"}), "billed_by"),
        (json!({"setting": "office", "billed_by": "facility"}), "billed_by"),
        (json!({"setting": "facility", "place_of_service": "11"}), "place_of_service"),
        (json!({"place_of_service": "1"}), "place_of_service"),
        (json!({"place_of_service": "ER"}), "place_of_service"),
        (json!({"bill_type": "13"}), "bill_type"),
        (json!({"bill_type": "1311"}), "bill_type"),
        (json!({"setting": "office", "off_campus": "excepted"}), "off_campus"),
    ] {
        assert_eq!(refused(case(keys.clone())), path, "{keys}");
    }
    assert!(case(json!({"off_campus": "excepted"})).is_ok());
}

#[test]
fn ids() {
    let two = |a: Value, b: Value| {
        let zofran = |id: Value| json!({"id": id, "drug": "Zofran", "route": "IV", "method": "push", "start": "2026-01-05T10:00"});
        read(json!({"setting": "office", "administrations": [zofran(a), zofran(b)]}))
    };
    assert_eq!(two(json!(null), json!(null)).unwrap().ids, ["1", "2"]);
    assert_eq!(two(json!("b"), json!(null)).unwrap().ids, ["b", "2"]);
    assert_eq!(refused(two(json!("a"), json!("a"))), "administrations[1].id");
    assert_eq!(refused(two(json!("2"), json!(null))), "administrations[1].id");
    assert_eq!(refused(two(json!(""), json!(null))), "administrations[0].id");
    assert_eq!(refused(two(json!("123-45-6789"), json!(null))), "administrations[0].id");
    assert_eq!(refused(two(json!("Mary Jones"), json!(null))), "administrations[0].id");
    let clash = json!({"services": [{"id": "s2", "code": "99213"}, {"code": "80053"}]});
    assert_eq!(refused(case(clash)), "services[1].id");
    let services = case(json!({"services": [{"code": "99213"}, {"id": "lab", "code": "80053"}]})).unwrap();
    assert_eq!(services.service_ids, ["s1", "lab"]);
    for identity in ["John Smith", "Smith, John", "123-45-6789", "DOB 1961-03-04"] {
        let error = case(json!({"case": identity})).unwrap_err();
        assert_eq!(error.path, "case");
        assert!(!error.message.contains(identity), "the identity is repeated: {}", error.message);
    }
    assert!(case(json!({"case": "ED-2026-01-05-0017"})).is_ok());
}

#[test]
fn references() {
    assert_eq!(refused(row(json!({"same_dose_as": "9"}))), "administrations[0].same_dose_as");
    assert_eq!(refused(row(json!({"same_dose_as": "1"}))), "administrations[0].same_dose_as");
    assert_eq!(refused(case(json!({"primary_reason": "x"}))), "primary_reason");
    assert_eq!(case(json!({"primary_reason": "1"})).unwrap().case.primary_reason, Some(0));
    assert_eq!(refused(case(json!({"accesses": {"123-45-6789": {}}}))), "accesses");
    // An access of which nothing more is charted has neither kind nor need.
    let hand = row(json!({"access": "hand"})).unwrap();
    assert_eq!((hand.access_ids.as_slice(), hand.case.rows[0].access), (&["hand".to_owned()][..], 0));
    assert_eq!((hand.case.accesses[0].kind, hand.case.accesses[0].needed), (None, false));
    assert_eq!(row(json!({})).unwrap().case.rows[0].access, NONE);
    let need = |text: Value| {
        let keys = json!({"accesses": {"port": {"kind": "port", "needed_because": text}}});
        case(keys).unwrap().case.accesses[0].needed
    };
    assert!(need(json!("incompatible drugs")));
    for none in [json!(null), json!(""), json!("  "), json!("none"), json!("N/A")] {
        assert!(!need(none.clone()), "{none}");
    }
}

#[test]
fn times() {
    let bare = row(json!({"stop": "2026-01-05T10:05"})).unwrap().case;
    assert_eq!(bare.rows[0].stop.unwrap() - bare.rows[0].start.unwrap(), 5);
    assert_eq!(bare.clock.day(bare.rows[0].start.unwrap()), Day::of(date(2026, 1, 5)));
    assert_eq!(refused(row(json!({"stop": "2026-01-05T10:05-05:00"}))), "administrations[0].start");
    assert_eq!(
        refused(read(chart(json!({"arrival": "2026-01-05T09:00-05:00"}), json!({})))),
        "administrations[0].start"
    );
    // One night, two offsets: an hour more ran than the clock shows.
    let offsets =
        row(json!({"start": "2026-11-01T00:30-04:00", "stop": "2026-11-01T02:00-05:00", "method": "infusion"}))
            .unwrap()
            .case;
    assert_eq!(offsets.rows[0].stop.unwrap() - offsets.rows[0].start.unwrap(), 150);
    assert_eq!(offsets.clock.show(offsets.rows[0].stop.unwrap()).to_string(), "2026-11-01T02:00-05:00");
    assert_eq!(
        refused(row(json!({"interruptions": [{"start": "2026-01-05T11:00", "stop": "2026-01-05T11:00"}]}))),
        "administrations[0].interruptions[0].stop"
    );
    let overlap = row(json!({"method": "infusion", "stop": "2026-01-05T13:00", "interruptions": [
        {"start": "2026-01-05T11:10", "stop": "2026-01-05T11:30"},
        {"start": "2026-01-05T11:00", "stop": "2026-01-05T11:20"},
    ]}))
    .unwrap();
    assert_eq!(overlap.case.pauses.iter().map(|p| p.1 - p.0).collect::<Vec<_>>(), [30]);
    assert!(assumed(&overlap, "administrations[0].interruptions").is_some());
    assert_eq!(refused(case(json!({"arrival": "2026-01-05T12:00", "departure": "2026-01-05T09:00"}))), "departure");
}

#[test]
fn clock_changes() {
    let night = |start: &str, stop: &str| {
        read(chart(
            json!({"time_zone": "America/New_York"}),
            json!({"start": start, "stop": stop, "method": "infusion"}),
        ))
    };
    let minutes = |start: &str, stop: &str| {
        let case = night(start, stop).unwrap().case;
        assert_eq!(case.clock.show(case.rows[0].stop.unwrap()).to_string(), stop);
        case.rows[0].stop.unwrap() - case.rows[0].start.unwrap()
    };
    assert_eq!(minutes("2026-11-01T00:30", "2026-11-01T02:30"), 180);
    assert_eq!(minutes("2026-03-08T01:30", "2026-03-08T03:30"), 60);
    assert_eq!(minutes("2026-01-05T10:00", "2026-01-05T11:00"), 60);
    assert_eq!(refused(night("2026-03-08T02:30", "2026-03-08T03:30")), "administrations[0].start");
    let twice = night("2026-11-01T00:30", "2026-11-01T01:30").unwrap_err();
    assert_eq!(twice.path, "administrations[0].stop");
    assert!(twice.help.contains("2026-11-01T01:30-04:00 or 2026-11-01T01:30-05:00"), "{}", twice.help);
    assert_eq!(refused(case(json!({"time_zone": "Eastern"}))), "time_zone");
    let both = |start: &str| read(chart(json!({"time_zone": "America/New_York"}), json!({"start": start})));
    assert!(both("2026-11-01T01:30-04:00").is_ok());
    assert!(both("2026-11-01T01:30-05:00").is_ok());
    assert_eq!(refused(both("2026-11-01T01:30-06:00")), "administrations[0].start");
    assert_eq!(refused(both("2026-03-08T02:30-05:00")), "administrations[0].start");
}

#[test]
fn dates() {
    let on = |administrations: Value, more: Value| {
        let mut all = json!({"setting": "office", "administrations": administrations});
        for (k, v) in more.as_object().unwrap() {
            all[k] = v.clone();
        }
        read(all)
    };
    let push = |more: Value| {
        let mut row = json!({"drug": "Zofran", "route": "IV", "method": "push"});
        for (k, v) in more.as_object().unwrap() {
            row[k] = v.clone();
        }
        row
    };
    let day = |r: &Resolved, i: usize| r.case.rows[i].day.date();
    // The case's only date, and `as_of` where there is none.
    let only = on(json!([push(json!({"start": "2026-01-05T10:00"})), push(json!({}))]), json!({})).unwrap();
    assert_eq!(day(&only, 1), date(2026, 1, 5));
    assert_eq!(assumed(&only, "administrations[1].date"), Some("2026-01-05"));
    assert_eq!(day(&on(json!([push(json!({}))]), json!({"as_of": "2026-02-01"})).unwrap(), 0), date(2026, 2, 1));
    assert_eq!(day(&on(json!([push(json!({"date": "2026-01-07"}))]), json!({})).unwrap(), 0), date(2026, 1, 7));
    assert_eq!(refused(on(json!([push(json!({}))]), json!({}))), "administrations[0].date");
    let several = json!([push(json!({"date": "2026-01-05"})), push(json!({"date": "2026-01-06"})), push(json!({}))]);
    assert_eq!(refused(on(several.clone(), json!({}))), "administrations[2].date");
    let not_given = json!([
        push(json!({"date": "2026-01-05"})),
        push(json!({"date": "2026-01-06"})),
        push(json!({"status": "not_given"}))
    ]);
    assert!(on(not_given, json!({})).is_ok());
    assert_eq!(refused(row(json!({"date": "2026-01-06"}))), "administrations[0].date");
    assert!(row(json!({"date": "2026-01-05"})).is_ok());
    // The bounds of the rule sets.
    assert!(row(json!({"start": "2013-01-01T00:00"})).is_ok());
    assert_eq!(refused(row(json!({"start": "2012-12-31T23:59"}))), "administrations[0].start");
    assert_eq!(refused(row(json!({"start": "0000-01-01T00:00"}))), "administrations[0].start");
    assert_eq!(refused(row(json!({"start": "9999-12-31T23:59"}))), "administrations[0].start");
    assert_eq!(refused(case(json!({"as_of": "2012-12-31"}))), "as_of");
    assert_eq!(refused(case(json!({"services": [{"code": "99213", "date": "2012-01-01"}]}))), "services[0].date");
    assert_eq!(refused(read(json!({"setting": "office"}))), "as_of");
    // A service without a date has the case's first.
    let service = case(json!({"services": [{"code": "99213"}]})).unwrap();
    assert_eq!(service.case.services[0].day, Day::of(date(2026, 1, 5)));
    assert!(assumed(&service, "services[0].date").is_some());
}

#[test]
fn class_by_the_table_and_by_route() {
    let class = |keys: Value| row(keys).unwrap().case.rows[0].class;
    assert_eq!(class(json!({})), Class::Drug);
    assert_eq!(class(json!({"drug": "carboplatin"})), Class::Chemo);
    assert_eq!(class(json!({"drug": "Actemra", "route": "IV"})), Class::Complex);
    assert_eq!(class(json!({"drug": "Actemra", "route": "SC"})), Class::Drug);
    assert_eq!(class(json!({"drug": "Stelara", "route": "iv"})), Class::Complex);
    assert_eq!(class(json!({"drug": "Stelara", "route": "Subcut"})), Class::Drug);
    for vein in ["Skyrizi IV", "Cosentyx IV", "Entyvio", "Simponi Aria"] {
        assert_eq!(class(json!({"drug": vein, "route": "IV"})), Class::Complex, "{vein}");
        assert_eq!(class(json!({"drug": vein, "route": "SC"})), Class::Drug, "{vein}");
    }
    assert_eq!(class(json!({"drug": "normal saline"})), Class::Hydration);
    assert_eq!(class(json!({"drug": "NS 0.9% bolus"})), Class::Hydration);
    assert_eq!(class(json!({"drug": "IV fluids"})), Class::Hydration);
    let salt = row(json!({"drug": "Bleomycin Sulfate 15 units/vial"})).unwrap();
    assert_eq!(salt.case.rows[0].class, Class::Chemo);
    assert_eq!(assumed(&salt, "administrations[0].drug"), Some("bleomycin"));
    assert_eq!(assumed(&row(json!({"drug": "bleomycin"})).unwrap(), "administrations[0].drug"), None);
    assert_eq!(class(json!({"drug": "Zofran", "class": "chemo"})), Class::Chemo);
    let unknown = row(json!({"drug": "Zofrann"})).unwrap();
    assert_eq!(unknown.case.rows[0].class, Class::Drug);
    let why = &unknown.assumptions.iter().find(|a| a.path == "administrations[0].class").unwrap().why;
    assert!(why.contains("Zofran,") || why.ends_with("Zofran"), "{why}");
    // Products of one name that differ in class: the lesser work, and an assumption.
    let lupron = row(json!({"drug": "leuprolide", "route": "IM", "dose": "30 mg"})).unwrap();
    assert_eq!(lupron.case.rows[0].class, Class::Drug);
    assert_eq!(assumed(&lupron, "administrations[0].class"), Some("drug"));
    assert_eq!(class(json!({"drug": "leuprolide", "route": "IM", "dose": "45 mg"})), Class::Hormonal);
    assert_eq!(class(json!({"drug": "leuprolide", "route": "IM", "hcpcs": "J1950"})), Class::Drug);
    // The brand for grown-ups comes in 30 mg under one code only, that for children under the other.
    assert_eq!(class(json!({"drug": "Lupron Depot", "route": "IM", "dose": "30 mg"})), Class::Hormonal);
    assert_eq!(class(json!({"drug": "Lupron Depot", "route": "IM", "dose": "11.25 mg"})), Class::Drug);
    assert_eq!(class(json!({"drug": "Lupron Depot-Ped", "route": "IM", "dose": "30 mg"})), Class::Drug);
}

#[test]
fn a_product_of_one_use_has_its_purpose() {
    let purpose = |keys: Value| {
        let found = row(keys).unwrap();
        let taken = assumed(&found, "administrations[0].purpose").map(str::to_owned);
        (found.case.rows[0].purpose, taken)
    };
    let taken = |word: &str| Some(word.to_owned());
    assert_eq!(purpose(json!({"drug": "saline flush"})), (Purpose::Flush, taken("flush")));
    assert_eq!(purpose(json!({"drug": "Cathflo 2 mg"})), (Purpose::Declot, taken("declot")));
    assert_eq!(purpose(json!({"drug": "Cathflo", "purpose": "treatment"})), (Purpose::Treatment, None));
    for other in ["alteplase", "Activase", "tPA"] {
        assert_eq!(purpose(json!({"drug": other})), (Purpose::Treatment, None), "{other}");
    }
    // A charted code names the drug and not the product.
    assert_eq!(purpose(json!({"drug": null, "hcpcs": "J2997"})), (Purpose::Treatment, None));
}

#[test]
fn a_payers_list_decides_the_complex_class() {
    let class = |drug: &str, list: Value| {
        let resolved = read(chart(json!({"policy": {"complex_drug_list": list}}), json!({"drug": drug}))).unwrap();
        (resolved.case.rows[0].class, resolved.case.rows[0].listed_complex)
    };
    assert_eq!(class("infliximab", json!([])), (Class::Complex, false));
    assert_eq!(class("infliximab", json!(["Remicade"])), (Class::Complex, true));
    assert_eq!(class("infliximab", json!(["J1745"])), (Class::Complex, true));
    assert_eq!(class("infliximab", json!(["tocilizumab"])), (Class::Drug, false));
    assert_eq!(class("Zofran", json!(["ondansetron"])), (Class::Complex, true));
    assert_eq!(class("carboplatin", json!(["tocilizumab"])), (Class::Chemo, false));
}

#[test]
fn names_and_identifiers_of_one_drug_are_one() {
    let both = |a: Value, b: Value| {
        let with = |keys: Value| chart(json!({}), keys)["administrations"][0].clone();
        let rows = read(json!({"setting": "office", "administrations": [with(a), with(b)]})).unwrap().case.rows;
        (rows[0].ingredient == rows[1].ingredient, rows[0].hcpcs == rows[1].hcpcs, rows[0].local == rows[1].local)
    };
    assert_eq!(both(json!({"drug": "Zofran"}), json!({"drug": "ondansetron"})), (true, true, false));
    assert_eq!(both(json!({"drug": "Zofran"}), json!({"drug": " ZOFRAN"})), (true, true, true));
    assert_eq!(both(json!({"drug": "Rituxan"}), json!({"drug": "Truxima"})), (true, false, false));
    assert_eq!(both(json!({"drug": "Zofran"}), json!({"drug": null, "hcpcs": "j2405"})), (true, true, false));
    assert_eq!(both(json!({"drug": "mystery"}), json!({"drug": "Mystery "})), (true, false, true));
    assert_eq!(both(json!({"drug": "mystery"}), json!({"drug": "enigma"})), (false, false, false));
}

#[test]
fn an_identifier_wins_over_the_name_and_the_pharmacy_is_asked() {
    let apart = row(json!({"drug": "Toradol", "hcpcs": "J2405"})).unwrap();
    let ondansetron = row(json!({})).unwrap().case.rows[0].ingredient;
    assert_eq!(apart.case.rows[0].ingredient, ondansetron);
    let question = &apart.questions[0];
    assert_eq!((question.field, question.rows.as_slice()), ("hcpcs", &[0][..]));
    // What each answer earns is worked out with the whole answer.
    let dosed = chart(json!({}), json!({"drug": "Toradol", "hcpcs": "J2405", "dose": "30 mg"}));
    let dosed = serde_json::from_value(dosed).unwrap();
    let coding = dripline_reference::Coder::default().code(&dosed, 1, &[], &Default::default()).unwrap();
    let asked = coding.queries.iter().find(|q| q.field == "hcpcs").expect("the pharmacy is asked");
    let codes = |o: &dripline::coding::Outcome| match &o.drug_lines {
        Some(lines) => lines.iter().map(|l| l.code.clone()).collect::<Vec<_>>(),
        None => coding.drug_lines.iter().map(|l| l.hcpcs.clone()).collect(),
    };
    assert_eq!(asked.outcomes.iter().map(codes).collect::<Vec<_>>(), [["J2405"], ["J1885"]]);
    assert!(!question.ask.contains("J2405"));
    for agreeing in [json!({"hcpcs": "J2405"}), json!({"drug": "mystery", "hcpcs": "J2405"}), json!({"hcpcs": "J9999"})]
    {
        assert!(row(agreeing.clone()).unwrap().questions.is_empty(), "{agreeing}");
    }
}

#[test]
fn identifiers_are_checked() {
    assert_eq!(refused(row(json!({"hcpcs": "ondansetron"}))), "administrations[0].hcpcs");
    assert_eq!(refused(row(json!({"ndc": "0409-4755"}))), "administrations[0].ndc");
    assert_eq!(refused(row(json!({"rxnorm": "C123"}))), "administrations[0].rxnorm");
    assert_eq!(refused(row(json!({"drug": " "}))), "administrations[0].drug");
    assert!(row(json!({"drug": null, "purpose": "flush"})).is_ok());
    for (text, eleven) in [
        ("0409-4755-03", Some("00409-4755-03")),
        ("50242-051-21", Some("50242-0051-21")),
        ("12345-6789-1", Some("12345-6789-01")),
        ("12345-6789-01", Some("12345-6789-01")),
        ("12345678901", Some("12345-6789-01")),
        ("1234567890", None),
        ("123-4567-890", None),
        ("12345-6789-0X", None),
    ] {
        assert_eq!(ndc_11(text).as_deref(), eleven, "{text}");
    }
}

#[test]
fn purpose_and_use() {
    let plain = row(json!({})).unwrap();
    assert_eq!((plain.case.rows[0].purpose, plain.case.rows[0].purpose_stated), (Purpose::Treatment, false));
    assert_eq!(assumed(&plain, "administrations[*].purpose"), Some("treatment"));
    let stated = row(json!({"purpose": "treatment"})).unwrap();
    assert_eq!(assumed(&stated, "administrations[*].purpose"), None);
    let flush = row(json!({"drug": "heparin lock flush"})).unwrap();
    assert_eq!((flush.case.rows[0].purpose, flush.case.rows[0].purpose_stated), (Purpose::Flush, false));
    assert_eq!(assumed(&flush, "administrations[0].purpose"), Some("flush"));
    let adjunct = |drug: &str| row(json!({"drug": drug})).unwrap().case.rows[0].adjunct_only;
    assert!(adjunct("propofol") && adjunct("neostigmine") && adjunct("gadobutrol"));
    assert!(!adjunct("midazolam") && !adjunct("fentanyl") && !adjunct("heparin lock flush"));
    let vaccine = row(json!({"drug": "Fluzone High-Dose", "route": "IM"})).unwrap().case.rows[0];
    assert_eq!((vaccine.vaccine, vaccine.components), (Some(VaccineKind::Influenza), Some(1)));
    assert_eq!(row(json!({"drug": "Pemgarda"})).unwrap().case.rows[0].own_code, Some(Code::M0224));
    assert!(row(json!({"drug": "KCl"})).unwrap().case.rows[0].electrolyte.is_some());
}

#[test]
fn reasons() {
    let list = Policy::default().not_a_reason;
    let of = |text: &str| reason(Some(text), &list);
    assert_eq!(reason(None, &list), Reason::Absent);
    for none in ["", "  ", "None", "N/A", "not documented"] {
        assert_eq!(of(none), Reason::Absent, "{none}");
    }
    for words in [
        "IVF",
        "fluids",
        "fluid bolus",
        "Hydration per order",
        "NPO",
        "IV fluids as ordered",
        "maintenance, per protocol",
    ] {
        assert_eq!(of(words), Reason::NotAReason, "{words}");
    }
    for weak in ["nausea", "Nausea", "fluids for nausea"] {
        assert_eq!(of(weak), Reason::Weak, "{weak}");
    }
    for good in ["dehydration", "nausea and vomiting", "volume loss", "hydration for AKI", "hypotension"] {
        assert_eq!(of(good), Reason::Given, "{good}");
    }
    assert_eq!(reason(Some("dehydration"), &["dehydration".to_owned()]), Reason::NotAReason);
    assert_eq!(reason(Some("fluids"), &[]), Reason::Given);
}

#[test]
fn how_it_was_given() {
    for (text, expected) in [
        ("IV", Route::Vein),
        ("iv", Route::Vein),
        ("Intravenous route", Route::Vein),
        ("SubQ", Route::UnderSkin),
        ("IT", Route::Intrathecal),
        ("PO", Route::Mouth),
        ("intravitreal", Route::Other),
        ("by ear", Route::Other),
        ("", Route::Unknown),
    ] {
        assert_eq!(route(Some(text)).0, expected, "{text}");
    }
    assert_eq!(route(None).0, Route::Unknown);
    let fluid = row(json!({"volume": "1 L", "rate": "125 mL/h"})).unwrap().case.rows[0];
    assert_eq!((fluid.volume, fluid.rate), (Some(1_000_000), Some(125_000)));
    assert_eq!(refused(row(json!({"volume": "a bag"}))), "administrations[0].volume");
    assert_eq!(refused(row(json!({"volume": "5 mg"}))), "administrations[0].volume");
    assert_eq!(refused(row(json!({"rate": "wide open"}))), "administrations[0].rate");
    let weight = row(json!({"rate": "5 mcg/kg/min"})).unwrap();
    assert_eq!(weight.case.rows[0].rate, None);
    assert!(assumed(&weight, "administrations[0].rate").is_some());
    let order = |o: Value| row(json!({"order": o})).map(|r| r.case.rows[0].order);
    assert_eq!(order(json!(null)).unwrap(), OrderState::NotStated);
    assert_eq!(order(json!(false)).unwrap(), OrderState::Absent);
    assert_eq!(order(json!("A1")).unwrap(), OrderState::Id(0));
    assert_eq!(refused(row(json!({"lesions": 0}))), "administrations[0].lesions");
    // A dose that cannot be read is no error of the case.
    assert!(row(json!({"dose": "two puffs"})).is_ok());
}

#[test]
fn services() {
    for (code, kind) in [
        ("99211", ServiceKind::NurseVisit),
        ("99213", ServiceKind::Visit),
        ("99285", ServiceKind::Visit),
        ("G0463", ServiceKind::Visit),
        ("99396", ServiceKind::Visit),
        ("36591", ServiceKind::Draw),
        ("36592", ServiceKind::Draw),
        ("96523", ServiceKind::Flush),
        ("36430", ServiceKind::Transfusion),
        ("36415", ServiceKind::Laboratory),
        ("80053", ServiceKind::Laboratory),
        ("0240U", ServiceKind::Laboratory),
        ("36000", ServiceKind::Included),
        ("36410", ServiceKind::Included),
        ("A4222", ServiceKind::Included),
        ("90471", ServiceKind::VaccineAdministration),
        ("G0008", ServiceKind::VaccineAdministration),
        ("90480", ServiceKind::VaccineAdministration),
        ("45378", ServiceKind::Procedure),
        ("70553", ServiceKind::Procedure),
        ("99152", ServiceKind::Procedure),
        ("00731", ServiceKind::Procedure),
        ("93458", ServiceKind::Procedure),
        ("78452", ServiceKind::Procedure),
        ("G0121", ServiceKind::Procedure),
        ("93000", ServiceKind::Other),
        ("94640", ServiceKind::Other),
        ("G0378", ServiceKind::Other),
        ("0708T", ServiceKind::Other),
    ] {
        assert_eq!(service_kind(code), kind, "{code}");
    }
    let service = |keys: Value| case(json!({"services": [keys]}));
    assert_eq!(refused(service(json!({"code": "9921"}))), "services[0].code");
    assert_eq!(refused(service(json!({"code": "99213", "modifiers": ["25", "X"]}))), "services[0].modifiers[1]");
    assert_eq!(refused(service(json!({"code": "99213", "units": 0}))), "services[0].units");
    assert_eq!(
        refused(service(json!({"code": "45378", "start": "2026-01-05T10:00", "stop": "2026-01-05T10:00"}))),
        "services[0].stop"
    );
    assert!(service(json!({"code": "99213", "modifiers": ["25"]})).unwrap().case.services[0].has_25);
    assert_eq!(refused(case(json!({"diagnoses": ["E86.0", "dehydration"]}))), "diagnoses[1]");
    assert!(case(json!({"diagnoses": ["E860", "Z51.11", "S72.001A"]})).is_ok());
    assert_eq!(refused(case(json!({"billed": [{"code": "963", "units": 1}]}))), "billed[0].code");
    assert_eq!(refused(case(json!({"age_years": 131}))), "age_years");
}
