//! The real extracts beside the project, where present: imported, timed and looked up in.

#[path = "../examples/crosswalk/check.rs"]
mod crosswalk;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dripline_reference::Coder;
use dripline_reference::tables::{Biller, Indicator, Mai, Quarter, Store, dosage, import};
use jiff::civil::date;
use rust_decimal::Decimal;

/// The folder of the extracts, or a word that the test is skipped.
fn shared() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: no shared data beside the project");
    None
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "csv" || e == "gz"))
        .map(|p| (p.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&p).unwrap()))
        .collect();
    files.sort();
    files
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("dripline-shared-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        Folder(dir)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Each folder of extracts with the quarter that its README gives, where neither file nor name does.
const EXTRACTS: [(&str, Option<&str>); 6] = [
    ("ncci-2024q3", Some("2024Q3")),
    ("hcpcs-level2-2024q3", Some("2024Q3")),
    ("asp-2026q1", None),
    ("mpfs-2025q4", None),
    ("opps-addendum-b-2025oct", None),
    ("hospital-cdm-2018", Some("2018Q4")),
];

/// Imports all extracts; prints what was understood and how long it took.
fn all(shared: &Path, dir: &Path) -> (Store, Duration) {
    let mut store = Store::open(dir).unwrap();
    let mut took = Duration::ZERO;
    for (folder, quarter) in EXTRACTS {
        let files = files(&shared.join(folder));
        let named: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
        let quarter = quarter.map(|q| q.parse().unwrap());
        let start = Instant::now();
        let lines = import(&named, quarter, &mut store, date(2026, 1, 20)).unwrap_or_else(|e| panic!("{folder}: {e}"));
        took += start.elapsed();
        assert_eq!(lines.len(), files.len(), "each file is understood: {lines:?}");
        lines.iter().for_each(|line| println!("{line}"));
    }
    println!("all extracts imported in {took:?}");
    (store, took)
}

fn quarter(text: &str) -> Quarter {
    text.parse().unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn all_extracts_are_imported_and_looked_up() {
    let Some(shared) = shared() else { return };
    let dir = Folder::new("all");
    all(&shared, &dir.0);
    // What is looked up was written and is read again.
    let store = Store::open(&dir.0).unwrap();
    let rows: Vec<String> = store.list().map(|s| format!("{} {} {}", s.kind, s.quarter, s.rows)).collect();
    assert_eq!(
        rows,
        [
            "ptp-practitioner 2024Q3 107734",
            "ptp-hospital 2024Q3 77687",
            "mue-practitioner 2024Q3 14677",
            "mue-hospital 2024Q3 14628",
            "add-on 2024Q3 7465",
            "hcpcs 2024Q3 8033",
            "asp 2026Q1 877",
            "ndc 2026Q1 7124",
            "rvu 2025Q4 6229",
            "addendum-b 2025Q4 7501",
            "charges 2018Q4 414",
        ]
    );

    let q3 = quarter("2024Q3");
    let day = date(2024, 8, 1);
    let practitioner = store.ptp(Biller::Practitioner, q3).unwrap().unwrap();
    let hospital = store.ptp(Biller::Hospital, q3).unwrap().unwrap();
    assert_eq!(practitioner.find("96365", "96360", day).unwrap().indicator, Indicator::Modifier);
    assert_eq!(practitioner.find("96416", "96521", day).unwrap().indicator, Indicator::Never);
    assert!(practitioner.find("96360", "96365", day).is_none());
    assert_eq!(practitioner.find("99213", "36591", day).unwrap().indicator, Indicator::Never);
    assert!(hospital.find("99213", "36591", day).is_none());

    // The published values that the rules quote: practitioner and hospital.
    for (code, one, other, mai) in [
        ("96361", 8, 24, Mai::DateClinical),
        ("96366", 8, 24, Mai::DateClinical),
        ("96372", 4, 5, Mai::DateClinical),
        ("96376", 0, 10, Mai::DateClinical),
        ("96368", 1, 1, Mai::DatePolicy),
    ] {
        for (biller, units) in [(Biller::Practitioner, one), (Biller::Hospital, other)] {
            let mue = store.mue(biller, q3).unwrap().unwrap().find(code).unwrap();
            assert_eq!((mue.units, mue.indicator), (units, mai), "{code} {biller:?}");
        }
    }

    let add_on = store.add_on(q3).unwrap().unwrap();
    let parents = |code| {
        let primaries = add_on.parents(code).iter().map(|p| p.primary.unwrap().to_string());
        primaries.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(parents("96367"), "96360 96365 96374 96409 96413");
    assert_eq!(parents("96417"), "96413");
    assert_eq!(parents("96365"), "");

    let hcpcs = store.hcpcs(q3).unwrap().unwrap();
    let abatacept = hcpcs.find("J0129").unwrap();
    assert_eq!((abatacept.added, abatacept.dosage_text.as_deref()), (Some(date(2007, 1, 1)), Some("10 mg")));
    assert!(abatacept.valid(day) && !abatacept.not_classified);
    assert!(hcpcs.find("J3490").unwrap().not_classified);

    let q1 = quarter("2026Q1");
    let asp = store.asp(q1).unwrap().unwrap();
    assert_eq!(asp.find("J0129").unwrap().limit, Some(decimal("44.769")));
    assert_eq!(asp.find("A9606").unwrap().limit, None);
    assert_eq!(asp.find("J0558").unwrap().dosage().unwrap().to_string(), "100000 units");
    let saline = store.ndc(q1).unwrap().unwrap().find("00338-0049-02");
    assert_eq!(saline.iter().map(|r| r.code.to_string()).collect::<Vec<_>>(), ["J7030", "J7040", "J7050"]);

    let q4 = quarter("2025Q4");
    let rvu = store.rvu(q4).unwrap().unwrap();
    let flush = rvu.find("36591", "").unwrap();
    assert_eq!((flush.status.as_str(), flush.total_nonfacility, flush.facility_na), ("T", decimal("0.83"), true));
    assert_eq!(flush.conversion_factor, decimal("32.3465"));
    let addendum = store.addendum_b(q4).unwrap().unwrap();
    assert_eq!(addendum.find("96365").unwrap().status, "S");
    assert_eq!(addendum.find("96368").unwrap().status, "N");
    assert!(addendum.find("96365").unwrap().rate.is_some());

    let charges = store.charges(quarter("2018Q4")).unwrap().unwrap();
    let infusion: Vec<_> = charges.find("96365").iter().map(|c| (c.revenue.as_deref(), c.price)).collect();
    assert_eq!(infusion, [(Some("0260"), decimal("0")), (Some("0260"), decimal("877.87"))]);

    // Two sources of a code's billing unit: the end of its description and ASP's column.
    let both: Vec<_> = hcpcs
        .rows()
        .iter()
        .filter_map(|h| Some((h.code, h.dosage_text.as_deref()?, asp.find(&h.code.to_string())?.dosage().ok()?)))
        .map(|(code, text, asp)| (code, dosage::read(text).unwrap(), asp))
        .collect();
    let differ: Vec<_> = both.iter().filter(|(_, h, a)| (h.amount, h.unit) != (a.amount, a.unit)).collect();
    println!("{} billing units from descriptions, {} written otherwise by ASP: {differ:?}", both.len(), differ.len());
    assert!(both.len() > 500 && differ.len() * 20 < both.len());
}

/// The crosswalk's own sums, and the drug line of a chart for each of its packages; the example `crosswalk` runs the same
/// on any file.
#[test]
fn the_crosswalk_is_reproduced() {
    let Some(shared) = shared() else { return };
    let dir = Folder::new("crosswalk");
    let mut store = Store::open(&dir.0).unwrap();
    let files = files(&shared.join("asp-2026q1"));
    let named: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
    import(&named, None, &mut store, date(2026, 1, 20)).unwrap();
    let coder = Coder { store: Some(Arc::new(store)), ..Coder::default() };
    let (_, file) = named.iter().find(|(name, _)| name.contains("crosswalk")).unwrap();
    let rows = crosswalk::rows(&crosswalk::text(file).unwrap()).unwrap();
    let report = crosswalk::check(&rows, quarter("2026Q1"), &coder);
    println!("{report}");
    assert_eq!((report.rows, report.no_numbers), (7125, 0));
    assert_eq!((&report.wrong, &report.lines_wrong), (&vec![], &vec![]));
    assert!(report.excluded() <= Decimal::TEN, "a shortfall: {} % excluded", report.excluded());
    let asked = report.lines + report.no_line.values().sum::<usize>() + report.tables_differ.len();
    assert_eq!(asked, report.asked - report.other_numbers, "every row with an NDC was asked of a chart");
    assert!(report.lines * 100 >= asked * 99, "{:?}", report.no_line);
    // What the sums cannot pass by construction.
    assert!(report.sizes > 400 && report.sizes_wrong.len() * 100 <= report.sizes, "{:?}", report.sizes_wrong);
    // A vaccine's code counts doses, whatever its volume is; the other billing units are CMS's.
    let doses = |line: &&String| !line.ends_with(", 1 dose in the table of drugs");
    assert_eq!(report.codes_wrong.iter().filter(doses).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(report.codes > 700);
}

/// Timing for people: `cargo test --release -p dripline-reference --test shared_tables -- --ignored --nocapture`.
#[test]
#[ignore = "timing; run in release"]
fn importing_all_extracts_takes_less_than_ten_seconds() {
    let Some(shared) = shared() else { return };
    let dir = Folder::new("timing");
    let (_, took) = all(&shared, &dir.0);
    assert!(took < Duration::from_secs(10), "{took:?}");
    let store = Store::open(&dir.0).unwrap();
    let (q3, day) = (quarter("2024Q3"), date(2024, 8, 1));
    let start = Instant::now();
    let table = store.ptp(Biller::Practitioner, q3).unwrap().unwrap();
    println!("practitioner's pairs opened in {:?}", start.elapsed());
    let codes = ["96360", "96365", "96374", "96372", "96413", "96409", "36591", "96523", "99213"];
    let start = Instant::now();
    let mut found = 0;
    for _ in 0..1000 {
        for a in codes {
            found += codes.iter().filter(|b| table.find(a, b, day).is_some()).count();
        }
    }
    println!("{} pairs looked up, {} edits found: {:?}", codes.len().pow(2), found / 1000, start.elapsed() / 1000);
}
