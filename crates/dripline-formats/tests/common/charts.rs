//! A chart made from bytes: every key of the contract, few drugs and few times, so that rules meet each other.
//!
//! Bytes that are not there read as zero, and zero is always the plainest choice, so that a shorter text of bytes is a
//! simpler chart.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use dripline::chart::{
    Access, AccessKind, Administration, Billed, Biller, Chart, ChartTime, Class, Container, ContainerKind,
    Interruption, Method, OffCampus, Order, Pump, PumpEvent, PumpKind, PumpOwner, Purpose, Service, Setting, Status,
    StopSource, Supplier, SwitchValue,
};
use dripline::policy::{Kind, Part, Switch};
use jiff::civil::{Date, DateTime, date};

/// Reads choices from bytes.
pub struct Bytes<'a> {
    left: &'a [u8],
}

impl<'a> Bytes<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Bytes { left: bytes }
    }

    fn byte(&mut self) -> u8 {
        match self.left.split_first() {
            Some((first, rest)) => {
                self.left = rest;
                *first
            }
            None => 0,
        }
    }

    /// A number below `n`, which is at most 256.
    pub fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n.max(1)
    }

    /// True about `n` times in 256.
    fn often(&mut self, n: u8) -> bool {
        // High bytes, so that zero is false.
        self.byte() >= (255 - n).saturating_add(1).max(1)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn some<T>(&mut self, n: u8, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.often(n) { Some(make(self)) } else { None }
    }

    fn word<T: Copy>(&mut self, n: u8, all: &[(&str, T)]) -> Option<T> {
        self.some(n, |b| b.pick(all).1)
    }

    fn text(&mut self, n: u8, from: &[&str]) -> Option<String> {
        self.some(n, |b| b.pick(from).to_owned())
    }
}

/// Names of one ingredient stand in one list.
pub const DRUGS: &[&[&str]] = &[
    &["Zofran", "ondansetron", "Zofran 4 mg/2 mL"],
    &["ceftriaxone", "Rocephin"],
    &["normal saline", "NS"],
    &["morphine"],
    &["vancomycin"],
    &["oxaliplatin"],
    &["doxorubicin"],
    &["leucovorin"],
    &["potassium chloride", "KCl"],
    &["lactated ringers", "LR"],
    &["ketorolac", "Toradol"],
    &["leuprolide", "Lupron Depot"],
    &["fluorouracil"],
    &["methotrexate"],
    &["infliximab", "Remicade"],
    &["heparin lock flush"],
    &["influenza vaccine"],
    &["nirsevimab"],
    &["pegfilgrastim", "Neulasta Onpro"],
    &["propofol"],
    &["Omnipaque"],
    &["alteplase"],
    &["packed red blood cells"],
    &["immune globulin"],
    &["Fictitin"],
];

/// The list of names in which a drug stands.
pub fn ingredient(name: &str) -> Option<usize> {
    DRUGS.iter().position(|names| names.contains(&name))
}

/// Lengths on both sides of every threshold.
const LENGTHS: &[i64] =
    &[60, 30, 31, 15, 16, 90, 91, 120, 10, 5, 1, 45, 20, 150, 151, 210, 29, 61, 75, 240, 480, 481, 500, 0, -5, 1500];

const DAYS: &[Date] = &[
    date(2026, 1, 5),
    date(2026, 3, 8),
    date(2025, 11, 2),
    date(2024, 12, 31),
    date(2023, 7, 1),
    date(2016, 1, 1),
    date(2013, 1, 1),
    date(2026, 12, 31),
    date(2027, 1, 1),
];

const VOLUMES: &[&str] = &["1000 mL", "1 L", "250 mL", "500 mL", "50 mL", "0 mL"];
const RATES: &[&str] = &["125 mL/h", "500 mL/h", "30 mL/h", "20 mL/h", "63 mL/h", "10 mg/h", "2 mL/min"];
const DOSES: &[&str] =
    &["4 mg", "1 g", "1000 mL", "100 mg", "8 mg", "1 mg", "40 mEq", "5000 units", "1 dose", "0.5 mL"];
const ROUTES: &[&str] = &[
    "IV",
    "IM",
    "SC",
    "iv",
    "IA",
    "IT",
    "IP",
    "intrapleural",
    "intralesional",
    "intravesical",
    "intraventricular",
    "infiltration",
    "intranasal",
    "PO",
    "ID",
];
const CODES: &[&str] = &[
    "99213", "99211", "96523", "36591", "36592", "36430", "12001", "71275", "G0463", "36415", "36000", "99151", "90471",
];

/// How the chart is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wants {
    /// Every administration has an id and a start of its own, so that nothing ends in input order.
    pub no_ties: bool,
    /// Most administrations.
    pub rows: usize,
}

struct Day {
    base: Date,
    offset: Option<i16>,
}

impl Day {
    fn at(&self, minutes: i64) -> ChartTime {
        let midnight = self.base.at(0, 0, 0, 0);
        let civil: DateTime = midnight.checked_add(jiff::Span::new().minutes(minutes)).expect("a date near the base");
        ChartTime { civil, offset: self.offset }
    }
}

/// The chart that the bytes describe.
pub fn chart(bytes: &mut Bytes<'_>, wants: Wants) -> Chart {
    let b = bytes;
    let mut chart = Chart::default();
    match b.below(16) {
        0..=6 => chart.setting = Some(Setting::Facility),
        7..=11 => chart.setting = Some(Setting::Office),
        12 => chart.place_of_service = Some("11".to_owned()),
        13 => {
            chart.place_of_service = Some("22".to_owned());
            chart.billed_by = Some(Biller::Practitioner);
        }
        14 => chart.bill_type = Some(b.pick(&["131", "0131", "721", "111"]).to_owned()),
        _ => chart.billed_by = b.word(255, Biller::ALL),
    }
    let day = Day {
        base: if b.often(60) { b.pick(DAYS) } else { DAYS[0] },
        offset: b.some(20, |b| b.pick(&[-300, -240, 0, 330, 1080, -1139])),
    };
    if b.often(24) {
        chart.time_zone = Some(b.pick(&["America/New_York", "America/Phoenix", "UTC", "Nowhere/Atall"]).to_owned());
    }
    chart.case = b.text(40, &["c-1", "ED-17"]);
    chart.profile = b.text(40, &["medicare", "cpt", "conservative", "commercial-select-health", "medicare-palmetto"]);
    let switches: Vec<Switch> = Switch::ALL.iter().copied().filter(|s| s.part() != Part::Number).collect();
    for _ in 0..b.below(256) / 64 {
        let switch = b.pick(&switches);
        let value = match switch.kind() {
            Kind::List => {
                SwitchValue::List(vec![b.pick(&["fluids", "22", "J2405", "infliximab", "as ordered"]).to_owned()])
            }
            _ => b.pick(&switch.documented()),
        };
        chart.policy.insert(switch.name().to_owned(), value);
    }
    chart.as_of = b.some(16, |b| b.pick(DAYS));
    for name in ["port", "left hand", "picc"] {
        if b.often(70) {
            let access = Access {
                kind: b.word(200, AccessKind::ALL),
                needed_because: b.text(110, &["incompatible drugs", "no", "", "protocol asks for two lines"]),
            };
            chart.accesses.insert(name.to_owned(), access);
        }
    }
    let rows = 1 + b.below(wants.rows.max(1));
    for i in 0..rows {
        let made = administration(b, &day, i, rows, wants);
        chart.administrations.push(made);
    }
    chart.primary_reason = b.some(60, |b| id_of(&chart.administrations, b.below(rows)));
    if b.often(20) {
        chart.arrival = Some(day.at(b.below(200) as i64 * 5));
    }
    if b.often(20) {
        chart.departure = Some(day.at(600 + b.below(250) as i64 * 5));
    }
    chart.inpatient_order = b.some(12, |b| day.at(600 + b.below(250) as i64 * 5));
    for _ in 0..b.below(256) / 90 {
        let start = b.some(60, |b| day.at(600 + b.below(60) as i64 * 5));
        let service = Service {
            id: None,
            code: b.pick(CODES).into(),
            date: b.some(128, |_| day.base),
            start,
            stop: start.and_then(|s| b.some(200, |b| later(s, 10 + b.below(60) as i64))),
            modifiers: b.text(40, &["25", "59"]).into_iter().map(Into::into).collect(),
            units: b.some(30, |b| b.below(4) as u32),
            reason: b.text(20, &["laceration"]),
        };
        chart.services.push(service);
    }
    chart.diagnoses = b.text(40, &["E86.0", "N18.6", "C50.911", "Z2911"]).into_iter().collect();
    chart.age_years = b.some(80, |b| b.pick(&[40, 18, 19, 1, 0, 90]));
    chart.supervised = b.some(80, |b| b.often(128));
    chart.off_campus = if chart.setting == Some(Setting::Facility) { b.word(20, OffCampus::ALL) } else { None };
    chart.billed = b
        .some(10, |b| Billed { code: b.pick(CODES).into(), units: 1, modifiers: Vec::new(), date: None })
        .into_iter()
        .collect();
    chart
}

fn id_of(rows: &[Administration], i: usize) -> String {
    rows.get(i).and_then(|a| a.id.clone()).unwrap_or_else(|| (i + 1).to_string())
}

fn later(time: ChartTime, minutes: i64) -> ChartTime {
    let civil = time.civil.checked_add(jiff::Span::new().minutes(minutes)).expect("a date near the base");
    ChartTime { civil, ..time }
}

fn administration(b: &mut Bytes<'_>, day: &Day, i: usize, rows: usize, wants: Wants) -> Administration {
    let names = DRUGS[if b.often(180) { b.below(DRUGS.len()) } else { b.below(5) }];
    let name = b.pick(names);
    let mut a = Administration {
        drug: Some(name.to_owned()),
        dose: b.some(200, |b| b.pick(DOSES).to_owned()),
        ..Administration::default()
    };
    if wants.no_ties || b.often(40) {
        a.id = Some(format!("a{}", i + 1));
    }
    a.visit = b.text(24, &["1", "2", "back"]);
    a.route = Some(if b.often(70) { b.pick(ROUTES) } else { "IV" }.to_owned());
    a.method = b.word(180, Method::ALL);
    // Most starts lie on few minutes of one day, some in the next night.
    let mut start = match b.below(8) {
        0..=5 => 600 + b.below(64) as i64 * 5,
        6 => 1320 + b.below(60) as i64 * 5,
        _ => 60 + b.below(256) as i64,
    };
    if wants.no_ties {
        // Sixteen rows at most, each with its own remainder.
        start = start / 16 * 16 + i as i64 % 16;
    }
    let length = b.pick(LENGTHS);
    let from = day.at(start);
    let no_start = !wants.no_ties && b.often(24);
    a.start = if no_start { None } else { Some(from) };
    let infused = !matches!(a.method, Some(Method::Push | Method::Injection | Method::OnBody));
    a.stop = b.some(if infused { 215 } else { 60 }, |_| day.at(start + length));
    a.date = if no_start || b.often(10) { Some(from.civil.date()) } else { None };
    if no_start && b.often(20) {
        a.date = None;
    }
    a.stop_source = b.word(40, StopSource::ALL);
    for _ in 0..b.below(256) / 100 {
        let at = start + b.below(60) as i64;
        a.interruptions.push(Interruption { start: day.at(at), stop: day.at(at + 1 + b.below(30) as i64) });
    }
    a.planned_minutes = b.some(24, |b| b.pick(&[60, 480, 481, 2760, 20, 0]));
    a.volume = b.text(60, VOLUMES);
    a.rate = b.text(60, RATES);
    a.attended = b.some(40, |b| b.often(128));
    a.access = b.text(90, &["port", "left hand", "picc", "right arm"]);
    a.bag = b.text(40, &["b1", "b2"]);
    a.order = b.some(60, |b| b.pick(&[Order::Id("o1".to_owned()), Order::Id("o2".to_owned()), Order::Flag(false)]));
    a.indication = b.text(130, &["dehydration", "vomiting", "nausea", "IVF", "per protocol", "none"]);
    if b.often(24) {
        let other = b.below(rows);
        if other != i {
            // Rows without an id of their own have their position; the id follows from the same rule.
            a.same_dose_as = Some(if wants.no_ties { format!("a{}", other + 1) } else { (other + 1).to_string() });
        }
    }
    a.class = b.word(24, Class::ALL);
    a.purpose = b.word(40, Purpose::ALL);
    a.lesions = b.some(24, |b| b.pick(&[3, 7, 8, 1]));
    a.components = b.some(16, |b| b.pick(&[1, 3, 5]));
    a.counselling = b.some(40, |b| b.often(128));
    a.pump = b.some(20, |b| Pump {
        kind: b.word(200, PumpKind::ALL),
        event: b.word(200, PumpEvent::ALL),
        owner: b.word(150, PumpOwner::ALL),
    });
    a.containers = b.some(50, |b| {
        vec![Container {
            kind: b.pick(ContainerKind::ALL).1,
            amount: b.pick(DOSES).to_owned(),
            count: b.pick(&[1, 2, 3].map(|n| NonZeroU32::new(n).expect("one or more"))),
        }]
    });
    a.wasted = b.text(40, &["0 mg", "2 mg", "1 mg", "50 mg"]);
    a.supplied_by = b.word(20, Supplier::ALL);
    a.purchased_340b = b.some(20, |b| b.often(128));
    a.status = b.word(12, Status::ALL);
    a.hcpcs = b.text(16, &["J2405", "J0696", "J9263", "J9999"]);
    a.given_by = b.text(16, &["RN 4"]);
    a.monitored = b.some(16, |b| b.often(128));
    a.ordered_dose = b.text(16, DOSES);
    a
}

/// The administrations in another order, named by the bytes.
pub fn shuffled(chart: &Chart, b: &mut Bytes<'_>) -> Chart {
    let mut other = chart.clone();
    for i in (1..other.administrations.len()).rev() {
        let j = b.below(i + 1);
        other.administrations.swap(i, j);
    }
    other
}

/// Switches and values that a case may set.
pub fn readings() -> BTreeMap<&'static str, Vec<SwitchValue>> {
    Switch::ALL
        .iter()
        .filter(|s| s.part() != Part::Number && !matches!(s.kind(), Kind::List))
        .map(|s| (s.name(), s.documented()))
        .collect()
}
