//! What holds for every case, tried on cases made from seeds.

#![allow(missing_docs)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Rng;
use dripline::case::{Case, NONE, Route, Row};
use dripline::chart::Setting;
use dripline::code::Code;
use dripline::policy::{ConcurrentLimit, MidnightInitial, Policy};
use dripline::proof::prove;
use dripline::record::{Codes, Proof, Rules};
use dripline::{LineUnits, Workspace, code};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Every run tries the same cases.
const SEED: u64 = 2026;

/// Half of the mix, half of anything.
fn some_case(rng: &mut Rng) -> Case {
    if rng.percent(50) { common::visit(rng) } else { common::odd(rng) }
}

fn lines(case: &Case, policy: &Policy) -> Vec<LineUnits> {
    let mut ws = Workspace::default();
    code(case, policy, &mut ws, &mut Codes);
    ws.lines
}

fn units(lines: &[LineUnits], codes: &[Code]) -> u32 {
    lines.iter().filter(|l| codes.contains(&l.code)).map(|l| l.units).sum()
}

/// The same rows in another order, with the references that go with them.
fn permuted(case: &Case, rng: &mut Rng) -> Case {
    let n = case.rows.len();
    let mut order: Vec<usize> = (0..n).collect();
    for k in (1..n).rev() {
        order.swap(k, rng.below(k as u64 + 1) as usize);
    }
    let mut place = vec![0; n];
    for (to, &from) in order.iter().enumerate() {
        place[from] = to as u32;
    }
    let mut other = case.clone();
    other.rows = order.iter().map(|&from| case.rows[from]).collect();
    for row in &mut other.rows {
        if row.same_dose_as != NONE {
            row.same_dose_as = place[row.same_dose_as as usize];
        }
    }
    other.primary_reason = case.primary_reason.map(|r| place[r as usize]);
    other
}

/// Takes out what only input order can decide: rows that start in one minute or have no time, bag mates that chart
/// different things, parts of one dose that differ in more than their minute, and different pumps of one run.
fn without_ties(mut case: Case) -> Case {
    let clock = case.clock.clone();
    let pump = case.rows.iter().find_map(|r| r.pump);
    for (n, row) in case.rows.iter_mut().enumerate() {
        let start = row.start.unwrap_or(i64::from(row.day.0) * 1440) * 16 + n as i64;
        let ran = row.stop.zip(row.start).map(|(stop, start)| stop - start);
        row.start = Some(start / 16);
        row.stop = ran.map(|m| start / 16 + m);
        row.day = clock.day(start / 16);
        row.bag = NONE;
        row.pump = row.pump.and(pump);
    }
    for i in 0..case.rows.len() {
        let of = case.rows[i].same_dose_as as usize;
        if of < i {
            case.rows[i] = Row { same_dose_as: of as u32, ..case.rows[of] };
        }
    }
    let mut starts = BTreeSet::new();
    for row in &mut case.rows {
        let mut start = row.start.expect("every row was given one");
        while !starts.insert(start) {
            start += 1;
        }
        row.stop = row.stop.map(|s| s + start - row.start.expect("as above"));
        row.start = Some(start);
        row.day = clock.day(start);
    }
    case
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_500,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(SEED),
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_administration_stands_in_a_line_or_is_unreported(seed: u64) {
        let mut rng = Rng::new(seed);
        let (case, policy) = (some_case(&mut rng), common::policy(&mut rng));
        let (mut ws, mut proof) = (Workspace::default(), Proof::default());
        code(&case, &policy, &mut ws, &mut proof);
        let proved = prove(&case, &policy, &ws, &proof);
        let in_lines: BTreeSet<u32> = proved.lines.iter().flat_map(|l| l.rows.iter().copied()).collect();
        let mut unreported = BTreeSet::new();
        for u in &proved.unreported {
            prop_assert!(unreported.insert(u.row), "row {} is unreported twice", u.row);
        }
        prop_assert!(in_lines.is_disjoint(&unreported), "{in_lines:?} and {unreported:?}");
        prop_assert_eq!(in_lines.len() + unreported.len(), case.rows.len());
        prop_assert_eq!(proved.lines.iter().map(|l| l.line).collect::<Vec<_>>(), ws.lines);
        prop_assert!(proved.lines.iter().all(|l| !l.rows.is_empty() && !l.rules.is_empty()));
    }

    #[test]
    fn the_levels_give_equal_lines(seed: u64) {
        let mut rng = Rng::new(seed);
        let (case, policy) = (some_case(&mut rng), common::policy(&mut rng));
        let mut ws = Workspace::default();
        code(&case, &policy, &mut ws, &mut Codes);
        let (bare, services) = (ws.lines.clone(), ws.services.clone());
        code(&case, &policy, &mut ws, &mut Rules::default());
        prop_assert_eq!(&bare, &ws.lines);
        prop_assert_eq!(&services, &ws.services);
        code(&case, &policy, &mut ws, &mut Proof::default());
        prop_assert_eq!(&bare, &ws.lines);
        prop_assert_eq!(&services, &ws.services);
    }

    #[test]
    fn a_used_workspace_codes_like_a_new_one(seed: u64) {
        let mut rng = Rng::new(seed);
        let policy = common::policy(&mut rng);
        let cases: Vec<Case> = (0..4).map(|_| some_case(&mut rng)).collect();
        let (mut ws, mut proof) = (Workspace::default(), Proof::default());
        for case in cases.iter().chain(cases.iter().rev()) {
            proof.clear();
            code(case, &policy, &mut ws, &mut proof);
            let (mut new_ws, mut new_proof) = (Workspace::default(), Proof::default());
            code(case, &policy, &mut new_ws, &mut new_proof);
            prop_assert_eq!(&ws.lines, &new_ws.lines);
            prop_assert_eq!(&proof.cited, &new_proof.cited);
            prop_assert_eq!(&proof.blocked, &new_proof.blocked);
            prop_assert_eq!(&proof.queries, &new_proof.queries);
            prop_assert_eq!(&proof.assumed, &new_proof.assumed);
            prop_assert_eq!(proof.consulted, new_proof.consulted);
            prop_assert_eq!(prove(case, &policy, &ws, &proof), prove(case, &policy, &new_ws, &new_proof));
        }
    }

    #[test]
    fn the_order_of_the_rows_changes_nothing(seed: u64) {
        let mut rng = Rng::new(seed);
        let case = without_ties(some_case(&mut rng));
        let policy = common::policy(&mut rng);
        let other = permuted(&case, &mut rng);
        prop_assert_eq!(lines(&case, &policy), lines(&other, &policy));
    }

    #[test]
    fn what_is_reported_once_a_visit_is_reported_once(seed: u64) {
        let mut rng = Rng::new(seed);
        let case = some_case(&mut rng);
        let policy = Policy { concurrent_limit: ConcurrentLimit::Encounter, ..common::policy(&mut rng) };
        let visits = case.rows.iter().map(|r| r.visit).collect::<BTreeSet<_>>().len() as u32;
        let lines = lines(&case, &policy);
        for once in [Code::N96368, Code::N96369, Code::N96371] {
            prop_assert!(units(&lines, &[once]) <= visits, "{once} in {lines:?}");
        }
    }

    #[test]
    fn an_office_reports_no_hospital_code(seed: u64) {
        let mut rng = Rng::new(seed);
        let case = Case { setting: Setting::Office, ..some_case(&mut rng) };
        let lines = lines(&case, &common::policy(&mut rng));
        prop_assert_eq!(units(&lines, &[Code::N96376, Code::C8957]), 0, "{:?}", lines);
    }

    #[test]
    fn each_site_of_a_visit_has_one_initial_service(seed: u64) {
        let mut rng = Rng::new(seed);
        let case = some_case(&mut rng);
        let policy = Policy { midnight_initial: MidnightInitial::CmsOne, ..common::policy(&mut rng) };
        // Sites as charted: each needed access, and one for all the others.
        let mut sites: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for row in case.rows.iter().filter(|r| r.route == Route::Vein) {
            let of_visit = sites.entry(row.visit).or_default();
            match case.accesses.get(row.access as usize) {
                Some(access) if access.needed => of_visit.insert(row.access),
                Some(_) => of_visit.insert(NONE),
                None => continue,
            };
        }
        let most: usize = sites.values().map(|s| s.len().max(1)).sum();
        let lines = lines(&case, &policy);
        let initial = units(&lines, &[Code::N96360, Code::N96365, Code::N96374, Code::N96409, Code::N96413]);
        prop_assert!(initial as usize <= most, "{initial} initial services at {most} sites: {lines:?}");
    }

    #[test]
    fn a_code_stands_once_with_one_date_and_modifiers(seed: u64) {
        let mut rng = Rng::new(seed);
        let (case, policy) = (some_case(&mut rng), common::policy(&mut rng));
        let lines = lines(&case, &policy);
        for (n, line) in lines.iter().enumerate() {
            prop_assert!(line.units > 0);
            prop_assert!(lines[..n].iter().all(|l| !l.same_key(line)), "{lines:?}");
        }
    }
}

/// The benches measure the mix that they name.
#[test]
fn the_mix_is_the_mix() {
    let cases = common::visits(5, 20_000);
    let share =
        |what: &dyn Fn(&Case) -> bool| cases.iter().filter(|c| what(c)).count() as f64 * 100.0 / cases.len() as f64;
    let runs = |c: &Case| -> Vec<(i64, i64)> {
        c.rows.iter().filter_map(|r| r.start.zip(r.stop)).filter(|(a, b)| b - a > 15).collect()
    };
    let overlap = |c: &Case| {
        let runs = runs(c);
        runs.iter().enumerate().any(|(n, a)| runs[..n].iter().any(|b| a.0 < b.1 && b.0 < a.1))
    };
    let missing =
        |c: &Case| c.rows.iter().any(|r| r.method == Some(dripline::chart::Method::Infusion) && r.stop.is_none());
    let chemo = |c: &Case| {
        c.rows.iter().any(|r| matches!(r.class, dripline::chart::Class::Chemo | dripline::chart::Class::Complex))
    };
    let two = |c: &Case| c.accesses.len() > 1 || c.rows.iter().any(|r| r.visit > 0);
    let rows = cases.iter().map(|c| c.rows.len()).sum::<usize>() as f64 / cases.len() as f64;
    assert!(cases.iter().all(|c| (2..=10).contains(&c.rows.len())));
    assert!((4.0..=6.0).contains(&rows), "{rows} rows a case");
    for (name, got, want) in [
        ("overlap", share(&overlap), 30.0),
        ("missing stop", share(&missing), 10.0),
        ("chemotherapy", share(&chemo), 5.0),
        ("two visits or accesses", share(&two), 10.0),
        ("office", share(&|c| c.setting == Setting::Office), 30.0),
    ] {
        assert!((got - want).abs() < 3.0, "{name}: {got} in a hundred, not {want}");
    }
}

#[test]
fn dates_are_written_as_the_calendar_has_them() {
    use dripline::chart::ChartTime;
    use dripline::coding::ChartDate;
    use jiff::civil::Date;
    for days in (-4_371_587_i32..2_932_896).step_by(997).chain([-719_528, -719_529, -1, 0, 20_458]) {
        let date: Date = dripline::time::Day(days).date();
        assert_eq!(ChartDate(date).to_string(), date.to_string());
        let (hour, minute) = (days.rem_euclid(24) as i8, days.rem_euclid(60) as i8);
        for offset in
            [None, Some(0), Some(-330), Some(1080), Some(i16::try_from(days.rem_euclid(2160)).unwrap() - 1080)]
        {
            let time = ChartTime { civil: date.at(hour, minute, 0, 0), offset };
            let written = match offset {
                None => String::new(),
                Some(0) => "Z".to_owned(),
                Some(o) => format!("{}{:02}:{:02}", if o < 0 { '-' } else { '+' }, o.abs() / 60, o.abs() % 60),
            };
            assert_eq!(time.to_string(), format!("{date}T{hour:02}:{minute:02}{written}"));
        }
    }
}
