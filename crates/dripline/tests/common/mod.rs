//! Cases made from a seed, for the benches and the property tests. The same seed makes the same cases everywhere.
//!
//! [`visit`] makes what a department sees: pushes, infusions, fluids and injections in the published mix. [`odd`]
//! makes anything that the types allow, in few minutes and of few drugs, so that rules meet each other. [`big`] makes
//! one case of many rows.

#![allow(dead_code)]

use dripline::case::{
    AccessState, Case, Electrolyte, NONE, OrderState, PumpUse, Reason, Route, Row, ServiceKind, ServiceState,
    VaccineKind,
};
use dripline::chart::{
    AccessKind, Biller, Class, Method, PumpEvent, PumpKind, PumpOwner, Purpose, Setting, StopSource,
};
use dripline::code::Code;
use dripline::policy::{Policy, Switch};
use dripline::time::{Clock, Day, Minute};

/// SplitMix64: small, well mixed, and the same on every machine.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// A number from `lo` to `hi`, both included.
    pub fn range(&mut self, lo: i64, hi: i64) -> i64 {
        lo + self.below((hi - lo + 1) as u64) as i64
    }

    /// True `n` times in a hundred.
    pub fn percent(&mut self, n: u64) -> bool {
        self.below(100) < n
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// The place of one of these weights.
    pub fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut at = self.below(weights.iter().sum());
        for (n, w) in weights.iter().enumerate() {
            if at < *w {
                return n;
            }
            at -= w;
        }
        unreachable!("a number below the sum falls on a weight")
    }

    fn some<T>(&mut self, percent: u64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.percent(percent) { Some(make(self)) } else { None }
    }
}

/// Drugs are numbered; the classes lie apart, so that one number is one ingredient.
const DRUGS: u64 = 24;
const FLUID: u32 = 100;
const CHEMO: u32 = 200;

/// What a case of the mix has beyond its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    pub overlap: bool,
    pub missing_stop: bool,
    pub chemo: bool,
    pub two_visits: bool,
    pub two_accesses: bool,
}

impl Traits {
    /// 30 in a hundred with overlapping infusions, 10 with a missing stop, 5 with chemotherapy, 10 with two visits or
    /// two accesses.
    fn of(rng: &mut Rng) -> Self {
        let two = rng.below(20);
        Traits {
            overlap: rng.percent(30),
            missing_stop: rng.percent(10),
            chemo: rng.percent(5),
            two_visits: two == 0,
            two_accesses: two == 1,
        }
    }
}

/// A case of the mix.
pub fn visit(rng: &mut Rng) -> Case {
    let traits = Traits::of(rng);
    // 2 to 10 rows, 5 on average.
    let rows = 2 + rng.weighted(&[10, 15, 20, 18, 14, 9, 6, 4, 4]);
    visit_of(rng, traits, rows)
}

/// A case of the mix with these traits and so many rows.
pub fn visit_of(rng: &mut Rng, traits: Traits, rows: usize) -> Case {
    let office = rng.percent(30);
    let mut case = Case::new(if office { Setting::Office } else { Setting::Facility });
    let day = Day(rng.range(20_089, 20_453) as i32);
    case.supervised = rng.some(60, |_| true).filter(|_| office);
    if traits.two_accesses {
        case.accesses.push(AccessState { kind: Some(AccessKind::Peripheral), needed: false });
        case.accesses.push(AccessState { kind: Some(AccessKind::Port), needed: true });
    } else if rng.percent(50) {
        case.accesses.push(AccessState { kind: Some(AccessKind::Peripheral), needed: false });
    }
    let mut at = i64::from(day.0) * 1440 + rng.range(420, 1080);
    let mut runs_until = at;
    for n in 0..rows {
        let visit = u32::from(traits.two_visits && n >= rows / 2);
        if traits.two_visits && n == rows / 2 {
            at = at.max(runs_until) + 180;
        }
        let chemo = traits.chemo && n + 1 == rows.div_ceil(2);
        let kind = rng.weighted(&[40, 30, 13, 15, 2]);
        let mut row = Row::blank(rng.below(DRUGS) as u32, Class::Drug, day);
        row.visit = visit;
        row.order = OrderState::Id(n as u32);
        if !case.accesses.is_empty() && rng.percent(95) {
            row.access = rng.below(case.accesses.len() as u64) as u32;
        }
        // Runs beside runs only where the case has the trait; a push is given when there is time.
        let forced = traits.overlap && n < 2;
        let beside = forced || (traits.overlap && rng.percent(60));
        at = if beside { at } else { at.max(runs_until) } + rng.range(2, if forced { 15 } else { 25 });
        row.start = Some(at);
        row.day = case.clock.day(at);
        let kind = if chemo || forced || (traits.missing_stop && n + 1 == rows) { 1 } else { kind };
        match kind {
            0 => {
                row.method = Some(Method::Push);
                row.stop = rng.some(30, |r| at + r.range(1, 5));
            }
            1 => {
                row.method = Some(Method::Infusion);
                let minutes = if rng.percent(10) && !forced { rng.range(5, 15) } else { rng.range(16, 150) };
                row.stop = Some(at + minutes);
                row.volume = rng.some(60, |r| r.pick(&[50_000, 100_000, 250_000]));
                row.rate = row.volume.map(|v| v * 60 / minutes);
                if chemo {
                    row.class = rng.pick(&[Class::Chemo, Class::Complex]);
                    row.ingredient = CHEMO + rng.below(6) as u32;
                }
                if traits.missing_stop && n + 1 == rows {
                    row.stop = None;
                }
            }
            2 => {
                row.class = Class::Hydration;
                row.ingredient = FLUID + rng.below(3) as u32;
                row.method = Some(Method::Infusion);
                row.stop = Some(at + rng.range(20, 240));
                row.reason = if rng.percent(85) { Reason::Given } else { Reason::Absent };
                row.volume = rng.some(70, |r| r.pick(&[500_000, 1_000_000]));
            }
            3 => {
                row.route = rng.pick(&[Route::Muscle, Route::Muscle, Route::UnderSkin]);
                row.method = Some(Method::Injection);
            }
            _ => {
                row.purpose = Purpose::Flush;
                row.method = Some(Method::Push);
            }
        }
        row.hcpcs = row.ingredient;
        row.local = row.ingredient;
        runs_until = runs_until.max(row.stop.unwrap_or(at));
        case.rows.push(row);
    }
    if office && rng.percent(70) {
        case.primary_reason = Some(rng.below(rows as u64) as u32);
    }
    if rng.percent(20) {
        let kind = rng.pick(&[ServiceKind::Visit, ServiceKind::Laboratory, ServiceKind::Draw, ServiceKind::NurseVisit]);
        case.services.push(ServiceState {
            kind,
            is_36430: false,
            facility_reports: false,
            day,
            times: None,
            has_25: false,
        });
    }
    case
}

/// `n` cases of the mix.
pub fn visits(seed: u64, n: usize) -> Vec<Case> {
    let mut rng = Rng::new(seed);
    (0..n).map(|_| visit(&mut rng)).collect()
}

/// Anything that the types allow.
pub fn odd(rng: &mut Rng) -> Case {
    let n = 1 + rng.below(12) as usize;
    odd_of(rng, n)
}

/// Anything that the types allow, with so many rows.
pub fn odd_of(rng: &mut Rng, n: usize) -> Case {
    let mut case = Case::new(rng.pick(&[Setting::Facility, Setting::Facility, Setting::Office]));
    // At the edge of a day, some days before a code came into force, or where a clock is put forward.
    let day = Day(rng.pick(&[20_454, 20_454, 20_454, 15_800, 18_600]));
    let midnight = i64::from(day.0) * 1440;
    let base = midnight + rng.pick(&[480, 1200]);
    let width = rng.pick(&[200, 600, 1700]);
    if rng.percent(5) {
        case.billed_by = Some(rng.pick(&[Biller::Facility, Biller::Practitioner]));
        case.facility_place = rng.percent(70);
    }
    case.inpatient = rng.percent(1);
    if rng.percent(15) {
        case.clock = Clock::new(vec![(midnight - 10_000, -300), (base + width / 2, -240)], rng.percent(50));
    }
    case.arrival = rng.some(8, |r| base + r.range(0, 60));
    case.departure = rng.some(8, |r| base + width - r.range(0, 60));
    case.inpatient_order = rng.some(5, |r| base + r.range(60, width));
    case.age_years = rng.some(60, |r| r.pick(&[4, 18, 19, 70]));
    case.supervised = rng.some(50, |r| r.percent(60));
    case.primary_reason = rng.some(40, |r| r.below(n as u64) as u32);
    for _ in 0..rng.weighted(&[50, 20, 20, 10]) {
        let kind = rng.some(70, |r| r.pick(AccessKind::ALL).1);
        case.accesses.push(AccessState { kind, needed: rng.percent(50) });
    }
    let visits = 1 + rng.weighted(&[75, 20, 5]) as u64;
    for i in 0..n {
        let row = odd_row(rng, &mut case, i, (day, base, width), visits);
        case.rows.push(row);
    }
    for _ in 0..rng.weighted(&[60, 25, 10, 5]) {
        let kind = rng.pick(&[
            ServiceKind::NurseVisit,
            ServiceKind::Visit,
            ServiceKind::Draw,
            ServiceKind::Flush,
            ServiceKind::Transfusion,
            ServiceKind::Laboratory,
            ServiceKind::Included,
            ServiceKind::VaccineAdministration,
            ServiceKind::Procedure,
            ServiceKind::Other,
        ]);
        let from = base + rng.range(0, width);
        case.services.push(ServiceState {
            kind,
            is_36430: kind == ServiceKind::Transfusion && rng.percent(60),
            facility_reports: false,
            day: Day(day.0 + rng.weighted(&[80, 20]) as i32),
            times: rng.some(50, |r| (from, from + r.range(5, 120))),
            has_25: rng.percent(30),
        });
    }
    case
}

fn odd_row(rng: &mut Rng, case: &mut Case, i: usize, (day, base, width): (Day, Minute, i64), visits: u64) -> Row {
    let class = rng.pick(&[
        Class::Drug,
        Class::Drug,
        Class::Drug,
        Class::Drug,
        Class::Drug,
        Class::Hydration,
        Class::Hydration,
        Class::Chemo,
        Class::Complex,
        Class::Hormonal,
        Class::Vaccine,
        Class::RsvAntibody,
        Class::Blood,
        Class::Contrast,
    ]);
    let span = if class == Class::Hydration { 100 } else { 0 };
    let mut row = Row::blank(span + rng.below(4) as u32, class, day);
    row.hcpcs = row.ingredient * 2 + rng.below(2) as u32;
    row.local = row.hcpcs * 2 + rng.below(2) as u32;
    row.visit = rng.below(visits) as u32;
    if !case.accesses.is_empty() && rng.percent(75) {
        row.access = rng.below(case.accesses.len() as u64) as u32;
    }
    row.route = match rng.weighted(&[70, 5, 8, 4, 13]) {
        0 => Route::Vein,
        1 => Route::Muscle,
        2 => Route::UnderSkin,
        3 => Route::Artery,
        _ => rng.pick(&[
            Route::Intrathecal,
            Route::Peritoneum,
            Route::Pleura,
            Route::Lesion,
            Route::Lesion,
            Route::Ventricle,
            Route::Infiltration,
            Route::Nose,
            Route::Mouth,
            Route::Other,
            Route::Unknown,
            Route::Skin,
        ]),
    };
    row.method = match rng.weighted(&[28, 42, 10, 10, 2, 8]) {
        0 => Some(Method::Push),
        1 => Some(Method::Infusion),
        2 => Some(Method::Injection),
        3 => Some(Method::Pump),
        4 => Some(Method::OnBody),
        _ => None,
    };
    if rng.percent(20) {
        row.purpose = rng.pick(Purpose::ALL).1;
    }
    row.purpose_stated = rng.percent(70);
    row.adjunct_only = rng.percent(5);
    // Clock times of many charts are round, so that rows meet in one minute.
    let round = rng.pick(&[1, 5, 15]);
    row.start = rng.some(92, |r| base + r.range(0, width) / round * round);
    row.stop = match (row.start, row.method) {
        (Some(s), Some(Method::Push)) => rng.some(40, |r| s + r.range(0, 18)),
        (Some(s), Some(Method::Pump)) => rng.some(80, |r| s + r.range(10, 700)),
        (Some(s), _) => rng.some(85, |r| s + r.pick(&[-3, 0, 10, 15, 16, 30, 31, 45, 60, 90, 91, 151, 300])),
        (None, _) => rng.some(20, |r| base + r.range(0, width)),
    };
    row.day = row.start.map_or(day, |s| case.clock.day(s));
    if rng.percent(15) {
        row.stop_source = rng.pick(StopSource::ALL).1;
    }
    if let (Some(a), Some(b), true) = (row.start, row.stop, rng.percent(12)) {
        let from = case.pauses.len() as u32;
        for _ in 0..1 + rng.below(3) {
            let p = a + rng.range(-5, (b - a).max(1));
            case.pauses.push((p, p + rng.range(1, 20)));
        }
        row.pauses = (from, case.pauses.len() as u32);
    }
    let pump = row.method == Some(Method::Pump);
    row.planned = rng.some(if pump { 50 } else { 8 }, |r| r.pick(&[30, 60, 481, 900]));
    row.volume = rng.some(35, |r| r.pick(&[50_000, 250_000, 1_000_000]));
    row.rate = rng.some(35, |r| r.pick(&[20_000, 30_000, 125_000, 250_000]));
    row.attended = rng.some(30, |r| r.percent(50));
    if rng.percent(15) {
        row.bag = rng.below(3) as u32;
    }
    row.order = match rng.weighted(&[50, 2, 48]) {
        0 => OrderState::NotStated,
        1 => OrderState::Absent,
        _ => OrderState::Id(rng.below(4) as u32),
    };
    row.reason = rng.pick(&[Reason::Given, Reason::Given, Reason::Weak, Reason::NotAReason, Reason::Absent]);
    // Part of an earlier row's dose: references never run in a ring.
    if i > 0 && rng.percent(10) {
        row.same_dose_as = rng.below(i as u64) as u32;
    }
    row.lesions = rng.some(80, |r| r.range(1, 9) as u32);
    row.components = rng.some(70, |r| r.range(1, 3) as u32);
    row.counselling = rng.some(70, |r| r.percent(60));
    row.pump = rng.some(if pump { 70 } else { 4 }, |r| PumpUse {
        kind: r.some(70, |r| r.pick(PumpKind::ALL).1),
        event: r.some(70, |r| r.pick(PumpEvent::ALL).1),
        owner: r.some(70, |r| r.pick(PumpOwner::ALL).1),
    });
    row.given = rng.percent(98);
    row.vaccine = rng.some(80, |r| {
        r.pick(&[
            VaccineKind::Influenza,
            VaccineKind::Pneumococcal,
            VaccineKind::HepatitisB,
            VaccineKind::Covid19,
            VaccineKind::Other,
        ])
    });
    row.electrolyte = rng.some(20, |r| r.pick(&[Electrolyte::Potassium, Electrolyte::Sodium]));
    row.own_code = rng.some(3, |_| Code::M0224);
    row.listed_complex = rng.percent(20);
    row
}

/// A policy with some switches on another documented value.
pub fn policy(rng: &mut Rng) -> Policy {
    let mut policy = Policy::default();
    if rng.percent(25) {
        return policy;
    }
    let share = rng.pick(&[10, 50]);
    for &switch in Switch::ALL {
        let values = switch.documented();
        if !values.is_empty() && rng.percent(share) {
            let value = &values[rng.below(values.len() as u64) as usize];
            policy.set(switch, value).expect("a documented value");
        }
    }
    policy
}

/// What one case of many rows is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Big {
    /// The mix, many visits long.
    Mix,
    /// Anything that the types allow.
    Odd,
    /// Pushes of many drugs.
    Pushes,
    /// Pushes of one drug beside its runs.
    OneDrug,
    /// Runs of as many drugs, each of which overlaps with a hundred others.
    Overlapping,
    /// Runs of as many drugs in the same hours.
    AtOnce,
    /// Fluids and drugs that cut them.
    Fluids,
    /// A push and a run in each of many visits.
    Visits,
    /// Rows with and without a charted access.
    Accesses,
    /// Injections, parts of one dose.
    OneDose,
    /// One bag.
    OneBag,
    /// Many bags.
    Bags,
    /// Vaccines, blood, lesions, cavities, refills and flushes.
    Alone,
    /// Under the skin and into an artery.
    Pumps,
}

impl Big {
    pub const ALL: [Big; 14] = [
        Big::Mix,
        Big::Odd,
        Big::Pushes,
        Big::OneDrug,
        Big::Overlapping,
        Big::AtOnce,
        Big::Fluids,
        Big::Visits,
        Big::Accesses,
        Big::OneDose,
        Big::OneBag,
        Big::Bags,
        Big::Alone,
        Big::Pumps,
    ];
}

/// One case of `n` rows.
pub fn big(rng: &mut Rng, what: Big, n: usize) -> Case {
    match what {
        Big::Mix => return joined(rng, n),
        Big::Odd => return odd_of(rng, n),
        _ => {}
    }
    let day = Day(20_454);
    let base = i64::from(day.0) * 1440;
    let mut case = Case::new(Setting::Facility);
    for i in 0..n as i64 {
        let mut row = Row::blank(i as u32, Class::Drug, day);
        let half = i % 2 == 0;
        let (start, minutes) = match what {
            Big::Pushes => (i * 7, 0),
            Big::OneDrug => {
                row.ingredient = 1;
                (i * 40, if half { 20 } else { 0 })
            }
            Big::Overlapping => (i, 100),
            Big::AtOnce => (i % 60, 240 - i % 7),
            Big::Fluids => {
                if half {
                    row.class = Class::Hydration;
                    row.ingredient = 9;
                    row.reason = Reason::Given;
                }
                (i * 30, if half { 80 } else { 20 })
            }
            Big::Visits => {
                row.visit = (i / 2) as u32;
                (i * 200, if half { 45 } else { 0 })
            }
            Big::Accesses => {
                row.ingredient = (i % 700) as u32;
                row.visit = (i % 50) as u32;
                row.access = if half { (i % 40) as u32 } else { NONE };
                (i * 13, if i % 3 == 0 { 30 } else { 0 })
            }
            Big::OneDose => {
                row.route = Route::Muscle;
                row.same_dose_as = if i == 0 { NONE } else { i as u32 - 1 };
                (i, 0)
            }
            Big::OneBag => {
                row.bag = 0;
                row.pauses = (i as u32, i as u32 + 1);
                case.pauses.push((base + 10 + i * 2, base + 11 + i * 2));
                (0, 4 * n as i64)
            }
            Big::Bags => {
                row.bag = (i / 2) as u32;
                (i / 2 * 50, 40)
            }
            Big::Alone => {
                row.visit = (i % 100) as u32;
                row.access = (i % 40) as u32;
                row.class = Class::Chemo;
                match i % 8 {
                    0 => row.class = Class::Vaccine,
                    1 => row.class = Class::Blood,
                    2 => row.route = Route::Lesion,
                    3 => row.route = Route::Intrathecal,
                    4 => {
                        row.pump = Some(PumpUse {
                            kind: Some(PumpKind::Portable),
                            event: Some(PumpEvent::Refill),
                            owner: None,
                        })
                    }
                    5 => row.purpose = Purpose::Flush,
                    6 => row.purpose = Purpose::Declot,
                    _ => row.route = Route::Infiltration,
                }
                row.lesions = Some(1);
                row.counselling = Some(i % 16 == 0);
                row.components = Some(2);
                (i * 11, 0)
            }
            _ => {
                row.visit = (i % 300) as u32;
                row.route = if half { Route::UnderSkin } else { Route::Artery };
                row.class = if half { Class::Drug } else { Class::Chemo };
                row.pump = Some(PumpUse { kind: Some(PumpKind::Portable), event: None, owner: None });
                (i * 17, if i % 4 < 2 { 40 } else { 600 })
            }
        };
        row.hcpcs = row.ingredient;
        row.local = row.ingredient;
        row.method = Some(if minutes > 0 { Method::Infusion } else { Method::Push });
        row.start = Some(base + start);
        row.stop = (minutes > 0).then_some(base + start + minutes);
        row.day = case.clock.day(base + start);
        case.rows.push(row);
    }
    if matches!(what, Big::Accesses | Big::Alone) {
        for k in 0..40 {
            case.accesses.push(AccessState { kind: Some(AccessKind::Port), needed: k % 2 == 0 });
        }
    }
    case
}

/// Cases of the mix one after another, each a visit of one long case.
fn joined(rng: &mut Rng, n: usize) -> Case {
    let mut all = Case::new(Setting::Facility);
    let traits = Traits { overlap: false, missing_stop: false, chemo: false, two_visits: false, two_accesses: true };
    let mut visit = 0;
    while all.rows.len() < n {
        let overlap = rng.percent(30);
        let chemo = rng.percent(5);
        let rows = (2 + rng.below(9) as usize).min(n - all.rows.len());
        let one = visit_of(rng, Traits { overlap, chemo, ..traits }, rows);
        all.accesses.clone_from(&one.accesses);
        for mut row in one.rows {
            row.visit = visit;
            all.rows.push(row);
        }
        visit += 1;
    }
    all
}
