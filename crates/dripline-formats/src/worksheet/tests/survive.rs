//! Whatever a chart holds, it is written and read back equal; whatever a text holds, reading it does not panic.

use std::num::NonZeroU32;

use dripline::chart::ContainerKind;
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Pieces that mean something on a worksheet.
const PIECES: &[&str] = &[
    "IV",
    "IVP",
    "ivpb",
    "push",
    "hydration",
    "KVO",
    "flush",
    "bolus",
    "x2",
    "2x",
    "x",
    "q30",
    "q",
    "every",
    "10:00",
    "1005-1120",
    "1000",
    "10:00-?",
    "-",
    "to",
    "?",
    "1p",
    "am",
    "a",
    "4",
    "4mg",
    "mg",
    "1 L",
    "125 mL/h",
    "million",
    "for",
    "via",
    "at",
    "over",
    "started",
    "stop",
    "min",
    "@",
    "#",
    "*",
    "+99213",
    "access",
    "billed",
    "office",
    "facility",
    "1/5/26",
    "2026-01-05",
    "2026-01-05T10:00",
    "25:99",
    "null",
    "[]",
    "{}",
    "true",
    "false",
    "=",
    ",",
    "\"",
    "“",
    "”",
    "\\",
    "\\n",
    "date=2026-01-06",
    "drug=x",
    "policy.a=1",
    "pause=10:00-10:05",
    "vial=2x30mg",
    "Zofran",
    "NS",
    "é",
    "\n",
    "\r\n",
    "\t",
    "\u{2028}",
    "\u{feff}",
    "\u{0}",
    "start=",
    "id=\"",
    "case=",
    "-5",
    "wasted=0",
    "+",
    ".",
    "½",
    "pump={}",
    "containers.1.kind=vial",
    "interruptions.2.start=10:00",
    "it",
    "IT",
    "Factor X 500",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z][a-z]{0,6}",
        2 => "[ -~]{0,8}",
        2 => ".{0,6}",
        4 => (vec(select(PIECES), 0..6), select(&["", " ", "  ", "\n"][..])).prop_map(|(p, with)| p.join(with)),
    ]
}

fn amount() -> impl Strategy<Value = String> {
    let usual = (0u32..5000, select(&["mg", "g", "mcg", "L", "mL", "units", "dose", "mL/h", "mg/min"][..]));
    prop_oneof![4 => usual.prop_map(|(n, unit)| format!("{n} {unit}")), 1 => text()]
}

fn day() -> impl Strategy<Value = Date> {
    prop_oneof![
        4 => (1i8..=2).prop_map(|d| Date::new(2026, 1, 4 + d).unwrap()),
        1 => (0i16..=9998, 1i8..=12, 1i8..=28).prop_map(|(y, m, d)| Date::new(y, m, d).unwrap()),
    ]
}

fn time() -> impl Strategy<Value = ChartTime> {
    let offset = prop_oneof![4 => Just(None), 1 => (-1139i16..=1139).prop_map(Some)];
    (day(), 0i8..24, 0i8..60, offset)
        .prop_map(|(day, hour, minute, offset)| ChartTime { civil: day.at(hour, minute, 0, 0), offset })
}

/// Any of a contract's list of words.
fn any_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [(&'static str, T)]) -> impl Strategy<Value = T> {
    select(all).prop_map(|(_, value)| value)
}

fn switch() -> impl Strategy<Value = SwitchValue> {
    prop_oneof![
        any::<i64>().prop_map(SwitchValue::Integer),
        any::<i8>().prop_map(|n| SwitchValue::Word(n.to_string())),
        text().prop_map(SwitchValue::Word),
        vec(text(), 0..4).prop_map(SwitchValue::List),
    ]
}

fn access() -> impl Strategy<Value = Access> {
    (of(any_of(AccessKind::ALL)), of(text())).prop_map(|(kind, needed_because)| Access { kind, needed_because })
}

fn code() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[0-9A-Z][0-9]{3}[0-9A-Z]", 1 => text()]
}

fn service() -> impl Strategy<Value = Service> {
    (of(text()), code(), of(day()), of(time()), of(time()), vec(text(), 0..3), of(any::<u32>()), of(text())).prop_map(
        |(id, code, date, start, stop, modifiers, units, reason)| Service {
            id,
            code: code.into(),
            date,
            start,
            stop,
            modifiers: modifiers.into_iter().map(Into::into).collect(),
            units,
            reason,
        },
    )
}

fn billed() -> impl Strategy<Value = Billed> {
    (code(), prop_oneof![Just(1), any::<u32>()], vec(text(), 0..3), of(day())).prop_map(
        |(code, units, modifiers, date)| Billed {
            code: code.into(),
            units,
            modifiers: modifiers.into_iter().map(Into::into).collect(),
            date,
        },
    )
}

fn pump() -> impl Strategy<Value = Pump> {
    (of(any_of(PumpKind::ALL)), of(any_of(PumpEvent::ALL)), of(any_of(PumpOwner::ALL)))
        .prop_map(|(kind, event, owner)| Pump { kind, event, owner })
}

fn container() -> impl Strategy<Value = Container> {
    (any_of(ContainerKind::ALL), amount(), prop_oneof![Just(NonZeroU32::MIN), any::<NonZeroU32>()])
        .prop_map(|(kind, amount, count)| Container { kind, amount, count })
}

fn order() -> impl Strategy<Value = Order> {
    let word = select(&["true", "false", "null"][..]).prop_map(|w| Order::Id(w.to_owned()));
    prop_oneof![Just(Order::Flag(false)), word, text().prop_map(Order::Id)]
}

fn drug() -> impl Strategy<Value = String> {
    let usual =
        select(&["NS", "Zofran", "heparin lock flush", "Pepcid IV", "Vitamin B 12", "D5 1/2 NS", "normal saline"][..]);
    prop_oneof![2 => usual.prop_map(str::to_owned), 1 => text()]
}

fn route() -> impl Strategy<Value = String> {
    prop_oneof![3 => select(&["IV", "IM", "SC", "PO", "iv", "intrapleural"][..]).prop_map(str::to_owned), 1 => text()]
}

fn administration() -> impl Strategy<Value = Administration> {
    let often = |s: BoxedStrategy<String>| proptest::option::weighted(0.9, s);
    let rare = || proptest::option::weighted(0.15, text());
    let pause = (time(), time()).prop_map(|(start, stop)| Interruption { start, stop });
    let what = (
        often(drug().boxed()),
        often(amount().boxed()),
        of(amount()),
        of(amount()),
        of(route()),
        of(any_of(Method::ALL)),
        of(any_of(Class::ALL)),
        of(any_of(Purpose::ALL)),
    );
    let times = (
        of(time()),
        of(time()),
        proptest::option::weighted(0.2, day()),
        of(any_of(StopSource::ALL)),
        prop_oneof![2 => Just(Vec::new()), 1 => vec(pause, 0..3)],
        of(any::<u32>()),
    );
    let names = (rare(), rare(), rare(), rare(), rare(), rare(), rare(), rare(), rare());
    let more = (rare(), rare(), rare(), rare(), of(amount()), of(order()), of(pump()), of(vec(container(), 0..3)));
    let flags = (
        of(any::<bool>()),
        of(any::<bool>()),
        of(any::<bool>()),
        of(any::<bool>()),
        of(any::<u32>()),
        of(any::<u32>()),
        of(any_of(Supplier::ALL)),
        of(any_of(Status::ALL)),
    );
    (what, times, names, more, flags).prop_map(|(what, times, names, more, flags)| Administration {
        drug: what.0,
        dose: what.1,
        volume: what.2,
        rate: what.3,
        route: what.4,
        method: what.5,
        class: what.6,
        purpose: what.7,
        start: times.0,
        stop: times.1,
        date: times.2,
        stop_source: times.3,
        interruptions: times.4,
        planned_minutes: times.5,
        id: names.0,
        visit: names.1,
        hcpcs: names.2,
        ndc: names.3,
        rxnorm: names.4,
        access: names.5,
        bag: names.6,
        indication: names.7,
        same_dose_as: names.8,
        given_by: more.0,
        credentials: more.1,
        ordered_route: more.2,
        source: more.3,
        wasted: more.4.clone(),
        ordered_dose: more.4,
        order: more.5,
        pump: more.6,
        containers: more.7,
        attended: flags.0,
        counselling: flags.1,
        purchased_340b: flags.2,
        monitored: flags.3,
        lesions: flags.4,
        components: flags.5,
        supplied_by: flags.6,
        status: flags.7,
    })
}

prop_compose! {
    fn chart()(
        names in (of(text()), of(text()), of(text()), of(text()), of(text())),
        setting in of(any_of(Setting::ALL)),
        billed_by in of(any_of(Biller::ALL)),
        policy in btree_map(text(), switch(), 0..3),
        dates in (of(day()), of(time()), of(time()), of(time())),
        primary_reason in of(prop_oneof![Just("1".to_owned()), Just("2".to_owned()), text()]),
        accesses in btree_map(text(), access(), 0..3),
        services in vec(service(), 0..3),
        diagnoses in vec(text(), 0..3),
        rest in (of(any::<u16>()), of(any::<bool>()), of(any_of(OffCampus::ALL))),
        administrations in vec(administration(), 0..4),
        billed in vec(billed(), 0..3),
    ) -> Chart {
        Chart {
            case: names.0,
            place_of_service: names.1,
            bill_type: names.2,
            profile: names.3,
            time_zone: names.4,
            setting,
            billed_by,
            policy,
            as_of: dates.0,
            arrival: dates.1,
            departure: dates.2,
            inpatient_order: dates.3,
            primary_reason,
            accesses,
            services,
            diagnoses,
            age_years: rest.0,
            supervised: rest.1,
            off_campus: rest.2,
            administrations,
            billed,
        }
    }
}

fn sheet() -> impl Strategy<Value = String> {
    let line = (vec(select(PIECES), 0..10), select(&[" ", ""][..])).prop_map(|(pieces, with)| pieces.join(with));
    let whole = vec(prop_oneof![3 => line, 1 => Just("office 1/5/26".to_owned()), 1 => ".{0,20}".boxed()], 0..6);
    whole.prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_chart_is_read_back_as_it_was(chart in chart()) {
        prop_assert_eq!(read_back(&chart), chart);
    }

    #[test]
    fn several_charts_are_read_back_from_one_text(charts in vec(chart(), 0..3)) {
        let text = charts.iter().map(write).collect::<Vec<_>>().join("\n");
        let read: Vec<Chart> = parse(&text).into_iter().map(|case| case.unwrap().chart).collect();
        prop_assert_eq!(read, charts);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in prop_oneof![sheet(), any::<String>()]) {
        for case in parse(&text) {
            match case {
                Ok(parsed) => prop_assert_eq!(read_back(&parsed.chart), parsed.chart),
                Err(problem) => {
                    let line = text.strip_prefix('\u{feff}').unwrap_or(&text).lines().nth(problem.line - 1);
                    prop_assert_eq!(line, Some(problem.source_line.as_str()));
                    prop_assert!(problem.column >= 1 && problem.length >= 1);
                    prop_assert!(problem.column <= problem.source_line.chars().count() + 1);
                    prop_assert!(!problem.message.is_empty() && !problem.help.is_empty());
                    prop_assert!(problem.to_string().contains('^'));
                }
            }
        }
        let _ = parse_one(&text);
    }
}
