//! Real records, where they are: nothing is lost, a second run is the same to the byte, and what holds of every
//! answer holds of these.

#[path = "../../dripline-formats/tests/common/mod.rs"]
mod common;
#[path = "../examples/mimic/records/mod.rs"]
mod records;

use std::path::Path;

use common::holds;
use dripline_formats::input::Cases;
use dripline_reference::Coder;

/// The tables beside the project; says so where they are missing.
fn folder() -> Option<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/mimic3-demo");
    if !folder.is_dir() {
        eprintln!("skipped: there is no {}", folder.display());
        return None;
    }
    Some(folder)
}

/// All cases in a release build; without optimisation they would take minutes, and each so many stands for all.
const EACH: usize = if cfg!(debug_assertions) { 31 } else { 1 };

fn run(folder: &Path) -> records::Run {
    // The example itself also runs the other readings.
    records::run(folder, None, &holds::plain(), EACH).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn every_administration_is_conserved_twice_alike() {
    let Some(folder) = folder() else { return };
    let (first, second) = (run(&folder), run(&folder));
    let counts = &first.counts;
    assert_eq!(counts.lost, Vec::<String>::new());
    assert!(counts.cases >= 372 / EACH && counts.cases == first.codings.lines().count());
    if EACH == 1 {
        assert_eq!(counts.rows, counts.refused.len() + counts.rewritten + counts.administrations);
    }
    let backwards: Vec<_> = counts.refused.iter().filter(|r| r.reason == "ends before it starts").collect();
    assert!(!backwards.is_empty() && backwards.iter().all(|r| !r.row.is_empty() && !r.says.is_empty()));
    assert!(first.cases == second.cases && first.codings == second.codings && first.counts == second.counts);
}

#[test]
fn what_holds_of_every_answer_holds_of_real_ones() {
    let Some(folder) = folder() else { return };
    let run = run(&folder);
    let coder = Coder::default();
    for case in Cases::new("cases", run.cases.as_bytes(), 0) {
        let chart = case.unwrap_or_else(|e| panic!("{e}")).chart;
        let coding = coder.code(&chart, 1, &[], &holds::plain()).unwrap_or_else(|e| panic!("{e}"));
        let mut broken = holds::shape(&chart, &coding);
        // Heparin and insulin are charted in units: that word is a fact of these charts and no unit of a code.
        broken.retain(|b| !b.starts_with("a question with `unit`"));
        assert_eq!(broken, holds::Broken::new(), "{}", coding.case);
    }
}
