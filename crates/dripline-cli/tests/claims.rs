//! Whole claims against CMS's edits, looked up by nothing of ours: this test reads the rows of the shared extracts
//! itself and looks at what was coded.
//!
//! No claim holds an add-on code without a primary code, or two codes of our own choosing that CMS pairs with indicator
//! 0; units over a limit, pairs without a modifier and add-ons on another date than their primary code are all told.
//!
//! Real records and 100,000 generated charts: `cargo test --release -p dripline-cli --test claims -- --nocapture`.
//! Without `--release` a sample of both.

#[path = "../../dripline-formats/tests/common/mod.rs"]
mod common;
#[path = "../examples/mimic/records/mod.rs"]
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::charts::{self, Bytes, Wants};
use common::holds;
use dripline::SmolStr;
use dripline::chart::{Chart, ChartTime, Setting};
use dripline::coding::{Coding, EditKind, ServiceVerdict};
use dripline_formats::input::Cases;
use dripline_reference::Coder;
use dripline_reference::tables::{Store, import};
use jiff::civil::{Date, date};

/// Charts that are generated, and of the real cases each so many.
const GENERATED: usize = if cfg!(debug_assertions) { 500 } else { 100_000 };
const EACH: usize = if cfg!(debug_assertions) { 61 } else { 1 };

/// Every case is held against the tables of this date's quarter.
const AS_OF: Date = date(2024, 8, 5);

/// Modifiers that open a pair with indicator 1.
const OPENS: [&str; 32] = [
    "24", "25", "27", "57", "58", "59", "78", "79", "91", "E1", "E2", "E3", "E4", "F1", "F2", "F3", "FA", "LC", "LD",
    "LM", "LT", "RC", "RI", "RT", "T1", "T2", "T3", "TA", "XE", "XP", "XS", "XU",
];

/// Pairs with indicator 0 of which the procedure gives each code by itself, for two drugs: a drug by pump over eight
/// hours, and the further hours of a chemotherapy infusion on its date. Both stand, and a finding says what is not paid.
const EACH_BY_ITSELF: [(&str, &str); 1] = [("C8957", "96415")];

/// A concurrent drug beside a drug's first hour that is not the initial service: CMS names no parent for it there. The
/// procedure gives the code, and a finding says that it stands on none.
const CONCURRENT: (&str, &str) = ("96368", "96367");

fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !folder.join("ncci-2024q3").is_dir() {
        eprintln!("skipped: there is no {}", folder.join("ncci-2024q3").display());
        return None;
    }
    Some(folder)
}

fn records_of(file: &Path) -> Vec<csv::StringRecord> {
    let bytes = std::fs::read(file).unwrap();
    let mut text = String::new();
    match file.extension().and_then(|e| e.to_str()) {
        Some("gz") => _ = flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap(),
        _ => text = String::from_utf8(bytes).unwrap(),
    }
    csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect()
}

/// What one side's tables say, by rows as they stand in the extracts.
struct Side {
    /// Column one and two, indicator, last day.
    pairs: BTreeMap<(String, String), Vec<(String, Date)>>,
    /// Units and adjudication indicator.
    limits: BTreeMap<String, (u64, u8)>,
}

struct Raw {
    practitioner: Side,
    hospital: Side,
    /// Primary codes; an add-on code whose primary codes the contractor defines has none here.
    parents: BTreeMap<String, BTreeSet<String>>,
}

impl Raw {
    fn read(folder: &Path) -> Self {
        let side = |pairs: &str, limits: &str| {
            let mut side = Side { pairs: BTreeMap::new(), limits: BTreeMap::new() };
            for r in records_of(&folder.join(pairs)) {
                let until: Date = r[2].parse().unwrap();
                side.pairs.entry((r[0].to_owned(), r[1].to_owned())).or_default().push((r[3].to_owned(), until));
            }
            for r in records_of(&folder.join(limits)) {
                side.limits.insert(r[0].to_owned(), (r[1].parse().unwrap(), r[2].parse().unwrap()));
            }
            side
        };
        let mut parents: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut open = BTreeSet::new();
        for r in records_of(&folder.join("aoc_edits.csv")) {
            match &r[0] {
                "CCCCC" => _ = open.insert(r[1].to_owned()),
                primary => _ = parents.entry(r[1].to_owned()).or_default().insert(primary.to_owned()),
            }
        }
        parents.retain(|code, _| !open.contains(code));
        Raw {
            practitioner: side("ptp_practitioner_drugadmin.csv.gz", "mue_practitioner.csv"),
            hospital: side("ptp_outpatient_hospital_drugadmin.csv.gz", "mue_outpatient_hospital.csv"),
            parents,
        }
    }
}

/// A code of a claim.
struct Item {
    code: String,
    /// Of a listed service only where the chart names it.
    date: Option<Date>,
    units: u64,
    /// Chosen from the chart, not listed by the user.
    ours: bool,
    /// It carries a modifier that opens a pair.
    open: bool,
}

#[derive(Default)]
struct Counts {
    claims: usize,
    codes: usize,
    add_ons: usize,
    add_on_elsewhere: usize,
    concurrent_alone: usize,
    pairs_never: usize,
    pairs_by_themselves: usize,
    pairs_open: usize,
    over_line: usize,
    over_policy: usize,
    over_clinical: usize,
    /// What must not be.
    broken: Vec<String>,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} claims with {} codes", self.claims, self.codes)?;
        writeln!(
            f,
            "  {} add-on codes; {} have their primary code on another date of the claim, and a finding says so",
            self.add_ons, self.add_on_elsewhere
        )?;
        writeln!(
            f,
            "  {} times {} beside {} alone, which CMS does not name as its primary code, each with its finding",
            self.concurrent_alone, CONCURRENT.0, CONCURRENT.1
        )?;
        writeln!(
            f,
            "  {} pairs with indicator 0 of two drugs' own codes ({EACH_BY_ITSELF:?}), each with its finding",
            self.pairs_by_themselves
        )?;
        writeln!(
            f,
            "  {} pairs with indicator 0 with a code that the user listed, and {} pairs with indicator 1 and no modifier, \
             each with its finding",
            self.pairs_never, self.pairs_open
        )?;
        writeln!(
            f,
            "  {} times over a limit of a line, {} of policy, {} of clinical data, each with its finding",
            self.over_line, self.over_policy, self.over_clinical
        )?;
        write!(f, "  {} claims or codes that must not be", self.broken.len())
    }
}

fn items(chart: &Chart, coding: &Coding) -> Vec<Item> {
    let open = |modifiers: &[SmolStr]| modifiers.iter().any(|m| OPENS.contains(&m.as_str()));
    let lines = coding.lines.iter().map(|l| l.short()).chain(coding.drug_lines.iter().map(|l| l.short()));
    let mut items: Vec<Item> = lines
        .map(|l| Item {
            date: Some(l.date.0),
            units: l.units,
            ours: true,
            open: open(&l.modifiers),
            code: l.code.to_string(),
        })
        .collect();
    for (listed, s) in chart.services.iter().zip(&coding.services) {
        if s.verdict != ServiceVerdict::Included {
            items.push(Item {
                code: s.code.to_string(),
                date: listed.date.or(listed.start.map(|t: ChartTime| t.civil.date())),
                units: u64::from(listed.units.unwrap_or(1)),
                ours: false,
                open: open(&listed.modifiers),
            });
        }
    }
    items
}

impl Counts {
    fn claim(&mut self, raw: &Raw, chart: &Chart, coding: &Coding) {
        // CMS's edits are those of practitioners and outpatients.
        if chart.bill_type.as_deref().is_some_and(|t| t.trim_start_matches('0').starts_with("11")) {
            return;
        }
        let side = if coding.setting == Setting::Office { &raw.practitioner } else { &raw.hospital };
        let items = items(chart, coding);
        self.claims += 1;
        self.codes += items.len();
        let told = |kind: EditKind, code: &str, with: Option<&str>| {
            let with =
                |e: &dripline::coding::Edit| with.is_none_or(|w| e.with.as_deref().is_some_and(|x| x.contains(w)));
            coding.edits.iter().any(|e| e.kind == kind && e.code == code && with(e))
        };
        let mut broken = Vec::new();
        for item in items.iter().filter(|i| i.ours) {
            let Some(parents) = raw.parents.get(&item.code) else { continue };
            self.add_ons += 1;
            let mut primaries = items.iter().filter(|i| parents.contains(&i.code)).peekable();
            let beside = |code: &str| items.iter().any(|i| i.code == code);
            if primaries.peek().is_none() && item.code == CONCURRENT.0 && beside(CONCURRENT.1) {
                self.concurrent_alone += 1;
                if !told(EditKind::AddOn, &item.code, None) {
                    broken.push(format!("{} without a primary code, and no finding", item.code));
                }
            } else if primaries.peek().is_none() {
                broken.push(format!("{} without a primary code", item.code));
            } else if !primaries.any(|i| i.date == item.date || i.date.is_none()) {
                self.add_on_elsewhere += 1;
                if !told(EditKind::AddOn, &item.code, None) {
                    broken.push(format!("{} with its primary code on another date, and no finding", item.code));
                }
            }
        }
        for (a, b) in items.iter().flat_map(|a| items.iter().map(move |b| (a, b))) {
            let (Some(on), true) = (a.date, a.code != b.code && a.date == b.date) else { continue };
            let Some(rows) = side.pairs.get(&(a.code.clone(), b.code.clone())) else { continue };
            // Of a pair's rows the one that ends first holds on the date.
            let Some((indicator, _)) = rows.iter().filter(|(i, to)| i != "9" && on <= *to).min_by_key(|r| r.1) else {
                continue;
            };
            let found = told(EditKind::Ptp, &b.code, Some(&a.code));
            match (indicator.as_str(), a.ours && b.ours) {
                ("0", true) if EACH_BY_ITSELF.contains(&(&a.code, &b.code)) => {
                    self.pairs_by_themselves += 1;
                    if !found {
                        broken.push(format!("{}/{}, indicator 0, and no finding", a.code, b.code));
                    }
                }
                ("0", true) => broken.push(format!("{}/{}, indicator 0, both our own", a.code, b.code)),
                ("0", false) => {
                    self.pairs_never += 1;
                    if !found {
                        broken.push(format!("{}/{}, indicator 0, and no finding", a.code, b.code));
                    }
                }
                // With a listed visit the rules of visits speak.
                ("1", true) if !a.open && !b.open => {
                    self.pairs_open += 1;
                    if !found {
                        broken.push(format!("{}/{}, indicator 1, no modifier and no finding", a.code, b.code));
                    }
                }
                _ => {}
            }
        }
        let keys: BTreeSet<(&str, Date)> = items.iter().filter_map(|i| Some((i.code.as_str(), i.date?))).collect();
        for (code, on) in keys {
            let Some((most, indicator)) = side.limits.get(code) else { continue };
            let units = || items.iter().filter(|i| i.code == code && i.date == Some(on)).map(|i| i.units);
            let over = if *indicator == 1 { units().max() > Some(*most) } else { units().sum::<u64>() > *most };
            if !over {
                continue;
            }
            match indicator {
                1 => self.over_line += 1,
                2 => self.over_policy += 1,
                _ => self.over_clinical += 1,
            }
            if !told(EditKind::Mue, code, None) {
                broken.push(format!("{code} on {on} over its limit of {most} (indicator {indicator}), and no finding"));
            }
        }
        if !broken.is_empty() {
            let chart = dripline_formats::json::line(chart);
            self.broken.extend(broken.into_iter().map(|b| format!("{b}: {chart}")));
        }
    }

    /// Nothing is broken, and enough was met for that to mean something.
    fn hold(&self, what: &str) {
        println!("{what}: {self}");
        let mut kinds: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for b in &self.broken {
            kinds.entry(b.split(": {").next().unwrap_or(b)).or_insert((0, b)).0 += 1;
        }
        kinds.values().for_each(|(count, first)| println!("  {count} x {first}"));
        assert!(self.broken.is_empty(), "{} of {what}: {}", self.broken.len(), self.broken[0]);
        assert!(self.claims > 0 && self.add_ons > 0, "{what} tests nothing");
    }
}

/// A coder with the extracts' tables, imported.
fn coder(folder: &Path, name: &str) -> (Coder, PathBuf) {
    let dir = std::env::temp_dir().join(format!("dripline-claims-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let mut store = Store::open(&dir).unwrap();
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "csv" || e == "gz"))
        .map(|p| (p.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&p).unwrap()))
        .collect();
    files.sort();
    let named: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
    import(&named, Some("2024Q3".parse().unwrap()), &mut store, AS_OF).unwrap();
    (Coder { store: Some(Arc::new(store)), ..Coder::default() }, dir)
}

#[test]
fn claims_of_real_records() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("mimic3-demo");
    if !folder.is_dir() {
        eprintln!("skipped: there is no {}", folder.display());
        return;
    }
    let raw = Raw::read(&shared.join("ncci-2024q3"));
    let (coder, dir) = coder(&shared.join("ncci-2024q3"), "real");
    let run = records::run(&folder, None, &holds::plain(), EACH).unwrap_or_else(|e| panic!("{e}"));
    for setting in [Setting::Facility, Setting::Office] {
        let mut counts = Counts::default();
        for case in Cases::new("cases", run.cases.as_bytes(), 0) {
            let mut chart = case.unwrap_or_else(|e| panic!("{e}")).chart;
            chart.setting = Some(setting);
            chart.as_of = Some(AS_OF);
            let coding = coder.code(&chart, 1, &[], &holds::plain()).unwrap_or_else(|e| panic!("{e}"));
            counts.claim(&raw, &chart, &coding);
        }
        counts.hold(&format!("real records as {setting:?}"));
    }
    let _ = std::fs::remove_dir_all(&dir);
}

#[test]
fn claims_of_generated_charts() {
    let Some(shared) = shared() else { return };
    let raw = Raw::read(&shared.join("ncci-2024q3"));
    let (coder, dir) = coder(&shared.join("ncci-2024q3"), "generated");
    let mut counts = Counts::default();
    let (mut refused, mut seed) = (0, 20_240_805_u64);
    for n in 0..GENERATED {
        let bytes: Vec<u8> = (0..60 + n % 340)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 56) as u8
            })
            .collect();
        let mut chart = charts::chart(&mut Bytes::new(&bytes), Wants { no_ties: false, rows: 10 });
        chart.as_of = Some(AS_OF);
        match coder.code(&chart, 1, &[], &holds::plain()) {
            Ok(coding) => counts.claim(&raw, &chart, &coding),
            Err(_) => refused += 1,
        }
    }
    println!("{GENERATED} charts generated, {refused} refused");
    counts.hold("generated charts");
    assert!(refused * 2 < GENERATED);
    assert!(counts.add_on_elsewhere > 0 && counts.pairs_open > 0, "{counts}");
    assert!(counts.over_policy > 0 && counts.over_clinical > 0, "{counts}");
    let _ = std::fs::remove_dir_all(&dir);
}
