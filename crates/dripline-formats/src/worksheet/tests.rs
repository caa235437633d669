//! Tests of the worksheet: every word, every form of a time, every error, and that all charts survive being written.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use dripline::chart::{
    Access, AccessKind, Administration, Billed, Biller, Chart, ChartTime, Class, Container, ContainerKind,
    Interruption, Method, OffCampus, Order, Pump, PumpEvent, PumpKind, PumpOwner, Purpose, Service, Setting, Status,
    StopSource, Supplier, SwitchValue,
};
use dripline::coding::Assumption;
use dripline::time::strict_date;
use jiff::civil::Date;

use super::words::{WORDS, Word};
use super::{Parsed, Problem, parse, parse_one, write};

mod errors;
mod survive;

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn at(text: &str) -> Option<ChartTime> {
    Some(text.parse().unwrap())
}

fn date(text: &str) -> Option<Date> {
    Some(strict_date(text).unwrap())
}

fn read(text: &str) -> Parsed {
    parse_one(text).unwrap_or_else(|problem| panic!("{text}\n{problem}"))
}

/// The only row of a sheet of 2026-01-05.
fn row(line: &str) -> Administration {
    let parsed = read(&format!("office 2026-01-05\n{line}\n"));
    assert_eq!(parsed.chart.administrations.len(), 1, "{line}");
    parsed.chart.administrations.into_iter().next().unwrap()
}

/// What was assumed while a row was read.
fn assumed(line: &str) -> Vec<(String, String, String)> {
    let read = read(&format!("office 2026-01-05\n{line}\n")).assumptions.into_iter();
    read.map(|a| (a.path.into_owned(), a.took.into_owned(), a.why.into_owned())).collect()
}

fn header(line: &str) -> Chart {
    read(line).chart
}

#[test]
fn the_sample_of_the_contract_reads_to_its_chart() {
    let text = r#"office 1/5/26 pos=11
* Zofran 4 mg IV push 10:00
Zofran 4mg IVP @1035 for nausea
NS 1 L hydration 1005-1210 for dehydration pause=10:30-10:40
Rocephin 1 g IVPB 12:15-12:50 via left hand
Toradol 30 mg IM 1p wasted=0 vial=30mg
access port kind=port need="incompatible drugs"
+99213 modifiers=25
"#;
    let given = |drug: &str, dose: &str, route: &str| Administration {
        drug: some(drug),
        dose: some(dose),
        route: some(route),
        ..Administration::default()
    };
    let chart = Chart {
        setting: Some(Setting::Office),
        place_of_service: some("11"),
        primary_reason: some("1"),
        accesses: [(
            "port".to_owned(),
            Access { kind: Some(AccessKind::Port), needed_because: some("incompatible drugs") },
        )]
        .into(),
        services: vec![Service {
            code: "99213".into(),
            date: date("2026-01-05"),
            modifiers: vec!["25".into()],
            ..Service::default()
        }],
        administrations: vec![
            Administration {
                method: Some(Method::Push),
                start: at("2026-01-05T10:00"),
                ..given("Zofran", "4 mg", "IV")
            },
            Administration {
                method: Some(Method::Push),
                start: at("2026-01-05T10:35"),
                indication: some("nausea"),
                ..given("Zofran", "4 mg", "IV")
            },
            Administration {
                class: Some(Class::Hydration),
                method: Some(Method::Infusion),
                volume: some("1000 mL"),
                start: at("2026-01-05T10:05"),
                stop: at("2026-01-05T12:10"),
                interruptions: vec![Interruption {
                    start: at("2026-01-05T10:30").unwrap(),
                    stop: at("2026-01-05T10:40").unwrap(),
                }],
                indication: some("dehydration"),
                ..given("NS", "1 L", "IV")
            },
            Administration {
                method: Some(Method::Infusion),
                start: at("2026-01-05T12:15"),
                stop: at("2026-01-05T12:50"),
                access: some("left hand"),
                ..given("Rocephin", "1 g", "IV")
            },
            Administration {
                start: at("2026-01-05T13:00"),
                containers: Some(vec![Container {
                    kind: ContainerKind::SingleDose,
                    amount: "30 mg".to_owned(),
                    count: NonZeroU32::MIN,
                }]),
                wasted: some("0 mg"),
                ..given("Toradol", "30 mg", "IM")
            },
        ],
        ..Chart::default()
    };
    let parsed = read(text);
    assert_eq!(parsed.chart, chart);
    assert_eq!(parsed.assumptions, []);
    assert_eq!(parsed.first_line, 1);
    assert_eq!(
        write(&chart),
        r#"office 2026-01-05 pos=11
access port kind=port need="incompatible drugs"
* Zofran 4 mg IV push 10:00
Zofran 4 mg IV push 10:35 for nausea
NS 1 L IV infusion hydration 10:05-12:10 pause=10:30-10:40 for dehydration
Rocephin 1 g IV infusion 12:15-12:50 via left hand
Toradol 30 mg IM 13:00 vial="30 mg" wasted="0 mg"
+99213 modifiers=25
"#
    );
}

#[test]
fn every_word_says_what_the_table_says() {
    let method = |word: &str| row(&format!("Zofran 4 mg {word} 10:00")).method;
    for (spelling, says) in WORDS {
        for spelling in [(*spelling).to_owned(), spelling.to_uppercase()] {
            let read = row(&format!("NS 500 mL {spelling} 10:00"));
            let said = (read.route.as_deref(), read.method, read.purpose, read.class);
            let expected = match *says {
                Word::Route(route) => (Some(route), None, None, None),
                Word::RouteMethod(route, method) => (Some(route), Some(method), None, None),
                Word::Method(method) => (None, Some(method), None, None),
                Word::Purpose(Purpose::Kvo) => (Some("IV"), Some(Method::Infusion), Some(Purpose::Kvo), None),
                Word::Purpose(purpose) => (None, None, Some(purpose), None),
                Word::Hydration => (Some("IV"), Some(Method::Infusion), None, Some(Class::Hydration)),
                Word::Bolus => (Some("IV"), Some(Method::Infusion), None, None),
            };
            assert_eq!(said, expected, "{spelling}");
        }
    }
    assert_eq!(method("IVP"), Some(Method::Push));
    assert_eq!(method("IVPB"), Some(Method::Infusion));
    assert_eq!(method("gtt"), Some(Method::Infusion));
    assert_eq!(method("drip"), Some(Method::Infusion));
    assert_eq!(method("IM"), None);
    for word in ["SC", "SQ", "subcut", "Subcut", "sub-q"] {
        assert_eq!(row(&format!("Xolair 150 mg {word} 10:00")).route, some("SC"), "{word}");
    }
}

#[test]
fn words_come_in_any_order() {
    let expected = row("Zofran 4 mg IV push 10:00-10:02 via left hand for nausea");
    assert_eq!(expected.access, some("left hand"));
    assert_eq!(expected.indication, some("nausea"));
    for line in [
        "Zofran 4mg for nausea IVP via left hand 10:00 - 10:02",
        "Zofran 4 MG 1000 to 1002 @left hand push IV for nausea",
        "Zofran 4 mg @ 10:00-10:02 for nausea @ left hand IV push",
        "Zofran 4 mg IV push via \"left hand\" for \"nausea\" at 10:00 over 2 min",
        "Zofran 4 mg access=\"left hand\" IV push started 10:00 stopped 10:02 indication=nausea",
        "drug=Zofran dose=4mg route=IV method=push start=10:00 stop=10:02 access=\"left hand\" indication=nausea",
        "\tZofran\u{a0}4 mg IV push 10:00-10:02 via left  hand for nausea  ",
    ] {
        assert_eq!(row(line), expected, "{line}");
    }
}

#[test]
fn implied_words_give_way_to_written_ones() {
    let fluid = row("NS 1 L SC hydration 10:00-12:00");
    assert_eq!((fluid.route, fluid.method), (some("SC"), Some(Method::Infusion)));
    let fluid = row("NS 1 L hydration route=null 10:00-12:00");
    assert_eq!((fluid.route, fluid.class), (None, Some(Class::Hydration)));
    // The key names the class and nothing else; only the word speaks of a vein.
    let fluid = row("NS 1 L class=hydration 10:00-12:00");
    assert_eq!((fluid.route, fluid.method), (None, None));
}

#[test]
fn a_bolus_is_a_push_of_a_drug_and_an_infusion_of_a_fluid() {
    let drug = row("heparin 5000 units bolus IV 10:00");
    assert_eq!((drug.method, drug.volume), (Some(Method::Push), None));
    assert_eq!(row("heparin 5000 units bolus 10:00").route, None);
    let fluid = row("Normal saline 500 mL bolus 10:00-10:45");
    assert_eq!((fluid.method, fluid.route, fluid.volume), (Some(Method::Infusion), some("IV"), some("500 mL")));
    assert_eq!(row("Magnesium sulfate 2 g IVPB bolus 10:00-10:45").method, Some(Method::Infusion));
    let why = "`bolus` is a push of a drug and an infusion of a fluid".to_owned();
    assert_eq!(
        assumed("heparin 5000 units bolus IV 10:00"),
        [("administrations[0].method".to_owned(), "push".to_owned(), why)]
    );
    assert_eq!(assumed("heparin 5000 units IV push bolus 10:00"), []);
}

#[test]
fn names_end_at_the_first_amount_with_a_unit() {
    let named = |line: &str| {
        let row = row(line);
        (row.drug.unwrap_or_default(), row.dose.unwrap_or_default())
    };
    for (line, drug, dose) in [
        ("Vitamin B 12 1000 mcg IM 10:00", "Vitamin B 12", "1000 mcg"),
        ("0.9 % NaCl 1000cc IV drip 10:00-11:00", "0.9 % NaCl", "1000 mL"),
        ("D5 1/2 NS + 20 KCl 1000 mL IV drip 10:00-11:00", "D5 1/2 NS + 20 KCl", "1000 mL"),
        ("Bicillin L-A 2.4 million units IM 10:00", "Bicillin L-A", "2400000 units"),
        ("penicillin G 1.2 million units IM 10:00", "penicillin G", "1200000 units"),
        ("B12 1,000 mcg IM 10:00", "B12", "1000 mcg"),
        ("Decadron .5mg IVP 10:00", "Decadron", "0.5 mg"),
        ("5FU 700 mg IVP 10:00", "5FU", "700 mg"),
        ("PRBC 1 unit IV 10:00-12:00", "PRBC", "1 units"),
        ("\"Factor X 500 units\" 500 IU IVP 10:00", "Factor X 500 units", "500 IU"),
        ("heparin lock flush 50 units IV push 11:00 purpose=flush", "heparin lock flush", "50 units"),
        ("heparin lock flush 50 units IV push flush 11:00", "heparin lock flush", "50 units"),
        ("hepatitis B immune globulin IM 1 mL IM 11:00", "hepatitis B immune globulin IM", "1 mL"),
        ("\"Pepcid IV\" 20 mg 11:00", "Pepcid IV", "20 mg"),
        ("Vancomycin IVPB 10:00-11:00", "Vancomycin", ""),
        ("Vancomycin 10:00-11:00 IVPB", "Vancomycin", ""),
        ("\"Vitamin B 12\" IM 10:00", "Vitamin B 12", ""),
        ("D5 with KCl hydration 10:00-11:00", "D5 with KCl", ""),
    ] {
        assert_eq!(named(line), (drug.to_owned(), dose.to_owned()), "{line}");
    }
    assert_eq!(row("hcpcs=J2405 10:00").drug, None);
    assert_eq!(row("drug=null 10:00").drug, None);
    assert_eq!(row("drug=\"null\" 10:00").drug, some("null"));
}

#[test]
fn the_amount_of_a_fluid_is_dose_and_volume() {
    let both = |line: &str| {
        let row = row(line);
        (row.dose.unwrap_or_default(), row.volume.unwrap_or_default())
    };
    for (line, dose, volume) in [
        ("NS 1 L hydration 10:00-11:00", "1 L", "1000 mL"),
        ("LR 0.25 L IV drip 10:00-11:00", "0.25 L", "250 mL"),
        ("NS 500 cc KVO 10:00-11:00", "500 mL", "500 mL"),
        ("D5 with KCl 1000 mL hydration 10:00-11:00", "1000 mL", "1000 mL"),
        ("NS 1 L volume=null hydration 10:00-11:00", "1 L", ""),
        ("NS 1 L hydration 10:00-11:00 volume=900mL", "1 L", "900 mL"),
        ("Gadavist 7 mL IV push 10:00", "7 mL", ""),
        ("NS dose=1L IV drip 10:00-11:00", "1 L", ""),
    ] {
        assert_eq!(both(line), (dose.to_owned(), volume.to_owned()), "{line}");
    }
    let rated = row("NS 125 mL/hr hydration 10:00-11:00");
    assert_eq!((rated.dose, rated.rate), (None, some("125 mL/h")));
    assert_eq!(row("NS 1 L IV drip at 125 mL/hour 10:00").rate, some("125 mL/h"));
    assert_eq!(row("NS 1 L IV drip @125 mL/h @10:00 @ port").access, some("port"));
}

#[test]
fn signs_behind_a_word_and_dots_in_a_route_say_nothing() {
    let plain = row("Zofran 4 mg IV push 10:00 via left hand for nausea, vomiting");
    for line in [
        "Zofran, 4 mg, IV push, 10:00, via left hand, for nausea, vomiting",
        "Zofran 4mg; IVP; 10:00; via left hand; for nausea, vomiting.",
        "Zofran 4 mg. I.V. push 10:00 via left hand for nausea, vomiting",
        "Zofran 4 mg iv-push 10:00 @ left hand, for nausea, vomiting",
    ] {
        assert_eq!(row(line), plain, "{line}");
    }
}

#[test]
fn every_form_of_a_time_is_read() {
    let times = |line: &str| {
        let row = row(&format!("Zofran 4 mg IV {line}"));
        let show = |t: Option<ChartTime>| t.map_or("none".to_owned(), |t| t.to_string());
        (show(row.start), show(row.stop))
    };
    for (line, start, stop) in [
        ("10:00", "2026-01-05T10:00", "none"),
        ("9:05", "2026-01-05T09:05", "none"),
        ("1000", "2026-01-05T10:00", "none"),
        ("@1000", "2026-01-05T10:00", "none"),
        ("@ 10:00", "2026-01-05T10:00", "none"),
        ("at 10:05a", "2026-01-05T10:05", "none"),
        ("at 10:05 am", "2026-01-05T10:05", "none"),
        ("1p", "2026-01-05T13:00", "none"),
        ("1 PM", "2026-01-05T13:00", "none"),
        ("1 p.m.", "2026-01-05T13:00", "none"),
        ("105p", "2026-01-05T13:05", "none"),
        ("12a", "2026-01-05T00:00", "none"),
        ("12:30p", "2026-01-05T12:30", "none"),
        ("24:00", "2026-01-06T00:00", "none"),
        ("2026-01-07T10:00", "2026-01-07T10:00", "none"),
        ("2026-01-07T10:00:00-05:00", "2026-01-07T10:00-05:00", "none"),
        ("1005-1120", "2026-01-05T10:05", "2026-01-05T11:20"),
        ("10:05–11:20", "2026-01-05T10:05", "2026-01-05T11:20"),
        ("10:05 - 11:20", "2026-01-05T10:05", "2026-01-05T11:20"),
        ("10:05 to 11:20", "2026-01-05T10:05", "2026-01-05T11:20"),
        ("10:05a-1:10p", "2026-01-05T10:05", "2026-01-05T13:10"),
        ("13:05-2:10p", "2026-01-05T13:05", "2026-01-05T14:10"),
        ("10:00-10:00", "2026-01-05T10:00", "2026-01-05T10:00"),
        ("10:00-?", "2026-01-05T10:00", "none"),
        ("10:00 - ?", "2026-01-05T10:00", "none"),
        ("?-11:20", "none", "2026-01-05T11:20"),
        ("started 10:05 stopped 11:20", "2026-01-05T10:05", "2026-01-05T11:20"),
        ("start at 10:05a stop @ 11:20 am", "2026-01-05T10:05", "2026-01-05T11:20"),
        ("stopped 11:20", "none", "2026-01-05T11:20"),
        ("started 10:05 stopped ?", "2026-01-05T10:05", "none"),
        ("from 1005 to 1120", "2026-01-05T10:05", "2026-01-05T11:20"),
        ("10:05 until 11:20", "2026-01-05T10:05", "2026-01-05T11:20"),
        ("began 10:05, ended at 11:20.", "2026-01-05T10:05", "2026-01-05T11:20"),
        ("start: 10:05 stop: 11:20", "2026-01-05T10:05", "2026-01-05T11:20"),
        ("1005h-1120h", "2026-01-05T10:05", "2026-01-05T11:20"),
        ("1005 hrs", "2026-01-05T10:05", "none"),
        ("10:00 over 1 h 30 min,", "2026-01-05T10:00", "2026-01-05T11:30"),
        ("10:00 over 2 min", "2026-01-05T10:00", "2026-01-05T10:02"),
        ("over 90min 10:00", "2026-01-05T10:00", "2026-01-05T11:30"),
        ("10:00 over 1.5 hours", "2026-01-05T10:00", "2026-01-05T11:30"),
        ("23:59 over 2 min", "2026-01-05T23:59", "2026-01-06T00:01"),
        ("23:00-02:00", "2026-01-05T23:00", "2026-01-06T02:00"),
        ("10:00-11:00 date=1/6/2026", "2026-01-06T10:00", "2026-01-06T11:00"),
        ("start=10:00 stop=?", "2026-01-05T10:00", "none"),
        ("start=2026-01-05T10:00 stop=2026-01-05T09:30", "2026-01-05T10:00", "2026-01-05T09:30"),
        ("start=2026-01-06T23:00 stop=01:00", "2026-01-06T23:00", "2026-01-07T01:00"),
        ("2026-01-06T10:00/2026-01-06T11:00", "2026-01-06T10:00", "2026-01-06T11:00"),
        ("10:00 start=10:00", "2026-01-05T10:00", "none"),
    ] {
        assert_eq!(times(line), (start.to_owned(), stop.to_owned()), "{line}");
    }
}

#[test]
fn a_date_is_kept_only_where_no_clock_time_says_it() {
    let day = |line: &str| row(&format!("Zofran 4 mg IV push {line}")).date;
    assert_eq!(day(""), date("2026-01-05"));
    assert_eq!(day("date=2026-01-06"), date("2026-01-06"));
    assert_eq!(day("date=null"), None);
    assert_eq!(day("10:00"), None);
    assert_eq!(day("10:00 date=2026-01-06"), None);
    assert_eq!(day("?-10:00 date=2026-01-06"), None);
    assert_eq!(day("start=2026-01-06T10:00 date=2026-01-06"), date("2026-01-06"));
    let chart = header("office\n+99213\n+36430 start=2026-01-05T10:00\n");
    assert_eq!((chart.services[0].date, chart.services[1].date), (None, None));
}

#[test]
fn pauses_lie_behind_the_start() {
    let pauses = |line: &str| {
        let show = |p: &Interruption| format!("{} {}", p.start, p.stop);
        row(&format!("NS 1 L hydration {line}")).interruptions.iter().map(show).collect::<Vec<_>>()
    };
    assert_eq!(
        pauses("10:00-12:00 pause=10:30-10:40,1105-1110"),
        ["2026-01-05T10:30 2026-01-05T10:40", "2026-01-05T11:05 2026-01-05T11:10"]
    );
    let night = "23:00-02:00 interruptions=23:50-00:10,01:00-01:05";
    assert_eq!(pauses(night), ["2026-01-05T23:50 2026-01-06T00:10", "2026-01-06T01:00 2026-01-06T01:05"]);
    assert_eq!(
        assumed(&format!("NS 1 L hydration {night}")),
        [
            ("administrations[0].stop", "2026-01-06T02:00", "it stands before the start: taken as the next day"),
            (
                "administrations[0].interruptions[0].stop",
                "2026-01-06T00:10",
                "it stands before the start: taken as the next day"
            ),
            (
                "administrations[0].interruptions[1].start",
                "2026-01-06T01:00",
                "it stands before the start: taken as the next day"
            ),
        ]
        .map(|(path, took, why)| (path.to_owned(), took.to_owned(), why.to_owned()))
    );
    assert_eq!(
        pauses("10:00-12:00 interruptions.1.start=10:30 interruptions.1.stop=10:40"),
        ["2026-01-05T10:30 2026-01-05T10:40"]
    );
    assert_eq!(pauses("10:00-12:00 pause=2026-01-05T09:30/2026-01-05T09:20"), ["2026-01-05T09:30 2026-01-05T09:20"]);
    assert_eq!(pauses("10:00-11:00 date=2026-01-06 pause=10:10-10:20"), ["2026-01-06T10:10 2026-01-06T10:20"]);
}

#[test]
fn what_was_taken_is_told() {
    let told = |line: &str| {
        assumed(line).into_iter().map(|(path, took, why)| format!("{path} = {took}: {why}")).collect::<Vec<_>>()
    };
    assert_eq!(
        told("Rocephin 1 g IVPB 23:50-00:20"),
        ["administrations[0].stop = 2026-01-06T00:20: it stands before the start: taken as the next day"]
    );
    assert_eq!(
        told("Zofran 4 mg IVP 10:00 over 2 min"),
        ["administrations[0].stop = 2026-01-05T10:02: the start and the minutes behind `over`"]
    );
    assert_eq!(
        told("+36430 23:00-01:00"),
        ["services[0].stop = 2026-01-06T01:00: it stands before the start: taken as the next day"]
    );
    assert_eq!(told("Rocephin 1 g IVPB 10:00-10:20"), [""; 0]);
    assert_eq!(
        read("facility 1/5/26 arrival=22:00 departure=03:00").assumptions,
        [Assumption::new("departure", "2026-01-06T03:00", "it stands before the arrival: taken as the next day")]
    );
}

#[test]
fn the_header_takes_every_key_of_a_case() {
    let chart = header(
        r#"FACILITY 01/05/2026 case="a b" bill_type=131 billed_by=practitioner place_of_service=22 profile=medicare
"#,
    );
    assert_eq!(
        chart,
        Chart {
            case: some("a b"),
            setting: Some(Setting::Facility),
            place_of_service: some("22"),
            bill_type: some("131"),
            billed_by: Some(Biller::Practitioner),
            profile: some("medicare"),
            ..Chart::default()
        }
    );
    let chart = header(
        "as_of=2026-02-01 time_zone=America/Chicago arrival=2026-01-05T09:00 departure=2026-01-05T15:00 \
         inpatient_order=null primary_reason=2 diagnoses=E86.0,R11.2 age_years=70 supervised=false off_campus=excepted",
    );
    assert_eq!(
        chart,
        Chart {
            as_of: date("2026-02-01"),
            time_zone: some("America/Chicago"),
            arrival: at("2026-01-05T09:00"),
            departure: at("2026-01-05T15:00"),
            primary_reason: some("2"),
            diagnoses: vec!["E86.0".to_owned(), "R11.2".to_owned()],
            age_years: Some(70),
            supervised: Some(false),
            off_campus: Some(OffCampus::Excepted),
            ..Chart::default()
        }
    );
    let chart = header(
        r#"office policy.a=16 policy.b="16" policy.c=gt15 policy.d=19,21 policy.e=x, policy.f=[] policy."g =.h"=007"#,
    );
    let list = |items: &[&str]| SwitchValue::List(items.iter().map(|i| (*i).to_owned()).collect());
    assert_eq!(
        chart.policy.into_iter().collect::<Vec<_>>(),
        [
            ("a".to_owned(), SwitchValue::Integer(16)),
            ("b".to_owned(), SwitchValue::Word("16".to_owned())),
            ("c".to_owned(), SwitchValue::Word("gt15".to_owned())),
            ("d".to_owned(), list(&["19", "21"])),
            ("e".to_owned(), list(&["x"])),
            ("f".to_owned(), list(&[])),
            ("g =.h".to_owned(), SwitchValue::Word("007".to_owned())),
        ]
    );
}

#[test]
fn a_row_takes_every_key_of_an_administration() {
    let read = row(concat!(
        r#"drug="A \"b\"\u{e9}\n" id=x visit=2 hcpcs=J2405 ndc=0000-1 rxnorm=7 class=chemo purpose=replacement "#,
        r#"dose="4mg" route=IA method=on_body stop_source=pump_log planned_minutes=30 volume=100mL rate=5mL/hr attended=no "#,
        r#"access=port bag=b order=o1 indication="low K" same_dose_as=1 lesions=7 components=5 counselling=true "#,
        r#"pump.kind=portable pump.event=start pump.owner=clinic vial=2x30mg,"10 mg" mdv=5mL wasted=2mg "#,
        r#"supplied_by=patient purchased_340b=true status=not_given given_by=AB credentials=RN ordered_route=IV "#,
        r#"ordered_dose="4 mg" monitored=true source="MAR p. 2" start=2026-01-05T10:00 stop=2026-01-05T10:01"#,
    ));
    let container = |kind, amount: &str, count| {
        let count = NonZeroU32::new(count).expect("one or more");
        Container { kind, amount: amount.to_owned(), count }
    };
    assert_eq!(
        read,
        Administration {
            id: some("x"),
            visit: some("2"),
            drug: some("A \"b\"é\n"),
            hcpcs: some("J2405"),
            ndc: some("0000-1"),
            rxnorm: some("7"),
            class: Some(Class::Chemo),
            purpose: Some(Purpose::Replacement),
            dose: some("4mg"),
            route: some("IA"),
            method: Some(Method::OnBody),
            start: at("2026-01-05T10:00"),
            stop: at("2026-01-05T10:01"),
            date: None,
            stop_source: Some(StopSource::PumpLog),
            interruptions: Vec::new(),
            planned_minutes: Some(30),
            volume: some("100 mL"),
            rate: some("5 mL/h"),
            attended: Some(false),
            access: some("port"),
            bag: some("b"),
            order: Some(Order::Id("o1".to_owned())),
            indication: some("low K"),
            same_dose_as: some("1"),
            lesions: Some(7),
            components: Some(5),
            counselling: Some(true),
            pump: Some(Pump {
                kind: Some(PumpKind::Portable),
                event: Some(PumpEvent::Start),
                owner: Some(PumpOwner::Clinic),
            }),
            containers: Some(vec![
                container(ContainerKind::SingleDose, "30 mg", 2),
                container(ContainerKind::SingleDose, "10 mg", 1),
                container(ContainerKind::MultiDose, "5 mL", 1),
            ]),
            wasted: some("2 mg"),
            supplied_by: Some(Supplier::Patient),
            purchased_340b: Some(true),
            status: Some(Status::NotGiven),
            given_by: some("AB"),
            credentials: some("RN"),
            ordered_route: some("IV"),
            ordered_dose: some("4 mg"),
            monitored: Some(true),
            source: some("MAR p. 2"),
        }
    );
    assert_eq!(row("Zofran 4 mg order=false").order, Some(Order::Flag(false)));
    assert_eq!(row("Zofran 4 mg order=null").order, None);
    assert_eq!(row("Zofran 4 mg pump={}").pump, Some(Pump::default()));
    assert_eq!(row("Zofran 4 mg containers=[]").containers, Some(Vec::new()));
    assert_eq!(row("Zofran 4 mg containers=null").containers, None);
    assert_eq!(
        row("Zofran 4 mg containers.1.kind=multi_dose containers.1.amount=20mg containers.1.count=3").containers,
        Some(vec![container(ContainerKind::MultiDose, "20 mg", 3)])
    );
}

#[test]
fn accesses_services_and_billed_lines_are_read() {
    let chart = header(concat!(
        "office 1/5/26\n",
        "access left hand kind=peripheral\n",
        "access \"a=b\"\n",
        "access port kind=port needed_because=\"no vein\"\n",
        "+36430 10:00-12:00 id=t units=2 for anemia\n",
        "+G0463 date=1/6/26 reason=\"a b\"\n",
        "billed 96374\n",
        "billed 96375 units=2 modifiers=59,XU date=1/5/26\n",
    ));
    let access = |kind, need: Option<&str>| Access { kind, needed_because: need.map(str::to_owned) };
    assert_eq!(
        chart.accesses.into_iter().collect::<Vec<_>>(),
        [
            ("a=b".to_owned(), access(None, None)),
            ("left hand".to_owned(), access(Some(AccessKind::Peripheral), None)),
            ("port".to_owned(), access(Some(AccessKind::Port), Some("no vein"))),
        ]
    );
    assert_eq!(
        chart.services,
        [
            Service {
                id: some("t"),
                code: "36430".into(),
                start: at("2026-01-05T10:00"),
                stop: at("2026-01-05T12:00"),
                units: Some(2),
                reason: some("anemia"),
                ..Service::default()
            },
            Service { code: "G0463".into(), date: date("2026-01-06"), reason: some("a b"), ..Service::default() },
        ]
    );
    let billed = |code: &str, units, modifiers: &[&str], date| Billed {
        code: code.into(),
        units,
        modifiers: modifiers.iter().map(|m| (*m).into()).collect(),
        date,
    };
    assert_eq!(chart.billed, [billed("96374", 1, &[], None), billed("96375", 2, &["59", "XU"], date("2026-01-05"))]);
}

#[test]
fn the_star_names_the_reason_for_the_visit() {
    let reason = |rows: &str| header(&format!("office 1/5/26\n{rows}\n")).primary_reason;
    assert_eq!(reason("Zofran 4 mg IVP 10:00"), None);
    assert_eq!(reason("Zofran 4 mg IVP 10:00\n*Toradol 30 mg IM 10:05"), some("2"));
    assert_eq!(reason("* Zofran 4 mg IVP 10:00 id=z"), some("z"));
}

#[test]
fn a_blank_line_and_a_header_begin_another_case() {
    let text = concat!(
        "\u{feff}# A sheet of two cases.\r\n\r\n",
        "office 1/5/26 case=a\r\n",
        "Zofran 4 mg IVP 10:00\r\n",
        "\r\n",
        "# A blank line alone does not end the case.\r\n",
        "Toradol 30 mg IM 10:05\r\n",
        "\r\n  \r\n",
        "# The next case.\r\n",
        "facility 1/6/26 case=b\r\n",
        "Zofran 4 mg IVP 10:00 oops\r\n",
        "\r\n",
        "setting=office case=c",
    );
    let cases = parse(text);
    assert_eq!(cases.len(), 3);
    let first = cases[0].as_ref().unwrap();
    assert_eq!((first.first_line, first.chart.administrations.len()), (3, 2));
    let second = cases[1].as_ref().unwrap_err();
    assert_eq!((second.line, second.column, second.length), (12, 23, 4));
    assert_eq!(second.source_line, "Zofran 4 mg IVP 10:00 oops");
    let third = cases[2].as_ref().unwrap();
    assert_eq!((third.first_line, third.chart.case.as_deref()), (14, Some("c")));
    assert_eq!(parse(""), []);
    assert_eq!(parse("# nothing\n\n"), []);
}

fn markdown(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            markdown(&path, into);
        } else if path.extension().is_some_and(|e| e == "md") {
            into.push(path);
        }
    }
    into.sort();
}

/// The fences of a page with one tag.
fn fences(page: &str, tag: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in page.lines() {
        match &mut open {
            Some(_) if line.trim_end() == "```" => found.extend(open.take()),
            Some(text) => {
                text.push_str(line);
                text.push('\n');
            }
            None if line.trim_end() == format!("```{tag}") => open = Some(String::new()),
            None => {}
        }
    }
    found
}

fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[test]
fn every_case_of_the_rule_book_is_read_and_survives() {
    let mut pages = Vec::new();
    markdown(&workspace("crates/dripline/rulebook"), &mut pages);
    let mut read = 0;
    for page in pages {
        for fence in fences(&fs::read_to_string(&page).unwrap(), "case") {
            let input = fence.split("\n----").next().unwrap();
            let content: String = input.lines().filter(|l| !l.starts_with('#')).collect::<Vec<_>>().join("\n");
            if content.trim_start().starts_with('{') {
                continue;
            }
            let parsed = parse_one(input).unwrap_or_else(|p| panic!("{}\n{p}", page.display()));
            let rows = content.lines().skip(1).filter(|l| !l.trim().is_empty()).count();
            let chart = &parsed.chart;
            assert_eq!(rows, chart.administrations.len() + chart.services.len() + chart.accesses.len(), "{input}");
            assert!(chart.setting.is_some(), "{input}");
            for row in &chart.administrations {
                // Every row of the book names its drug and how it was given.
                assert!(row.drug.is_some() && (row.route.is_some() || row.method.is_some()), "{input}");
                assert!(row.start.is_some() || row.stop.is_some() || row.date.is_some(), "{input}");
            }
            assert_eq!(read_back(chart), *chart, "{input}");
            // What a person wrote in words is not written back in keys alone.
            let in_keys = |line: &str| line.trim_start_matches("* ").starts_with("drug=");
            assert!(!write(chart).lines().any(in_keys), "{}", write(chart));
            read += 1;
        }
    }
    assert!(read > 600, "{read} cases");
}

fn read_back(chart: &Chart) -> Chart {
    let text = write(chart);
    let parsed = parse_one(&text).unwrap_or_else(|problem| panic!("{text}\n{problem}"));
    assert_eq!(parsed.assumptions, [], "{text}");
    parsed.chart
}

#[test]
fn the_grammar_page_is_true() {
    let page = fs::read_to_string(workspace("docs/worksheet.md")).unwrap();
    let read = fences(&page, "worksheet");
    assert!(read.len() >= 8);
    for text in read {
        for case in parse(&text) {
            let chart = case.unwrap_or_else(|problem| panic!("{problem}")).chart;
            assert_eq!(read_back(&chart), chart, "{text}");
        }
    }
    let refused = fences(&page, "refused");
    assert!(refused.len() >= 4);
    for text in refused {
        let (input, shown) = text.split_once("----\n").unwrap();
        let problem = parse_one(input).unwrap_err();
        assert_eq!(problem.to_string(), shown.trim_end(), "{input}");
    }
    for (word, _) in WORDS {
        assert!(page.to_lowercase().contains(&format!("`{word}`")), "the page does not explain `{word}`");
    }
    let keys = super::keys::CASE.iter().chain(super::keys::ROW).chain(super::keys::SERVICE).chain(super::keys::ACCESS);
    for key in keys {
        assert!(page.contains(&format!("`{key}`")), "the page does not name the key `{key}`");
    }
}

#[test]
fn long_lines_are_shown_around_the_place() {
    let long = format!("office 1/5/26\nZofran 4 mg IVP 10:00 for \"{}\" oops {}", "a".repeat(300), "b=1 ".repeat(100));
    let problem: Problem = parse_one(&long).unwrap_err();
    let shown = problem.to_string();
    let lines: Vec<&str> = shown.lines().collect();
    let column = |line: &str, what: &str| line.split(what).next().unwrap().chars().count();
    assert_eq!(column(lines[2], "oops"), column(lines[3], "^^^^"));
    assert!(lines[2].chars().count() < 300);
}

#[test]
fn a_marked_row_is_no_header() {
    let parsed = parse_one("facility 2026-01-05\n+\"facility 2026-01-05 x\" units=1\n").expect("a service");
    assert_eq!(parsed.chart.services[0].code, "facility 2026-01-05 x");
}
