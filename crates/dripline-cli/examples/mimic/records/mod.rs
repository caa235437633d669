//! Real records, coded as if outpatient and counted.

mod charts;
mod count;
mod table;

use std::path::Path;

use dripline::chart::Chart;
use dripline_formats::json;
use dripline_reference::{Coder, Options};

pub use count::Counts;

/// One reading of the records.
pub struct Run {
    /// The cases, as JSON Lines.
    pub cases: String,
    /// What became of them, as JSON Lines.
    pub codings: String,
    /// The numbers.
    pub counts: Counts,
    /// The case that took longest, with its milliseconds.
    pub slowest: (String, u128),
}

/// Reads, maps, codes every case, or each so many, and counts. Nothing that it returns but `slowest` depends on a clock.
pub fn run(folder: &Path, codes: Option<&Path>, options: &Options, each: usize) -> Result<Run, String> {
    let tables = table::read(folder, codes)?;
    let coder = Coder::default();
    let charts = charts::charts(&tables, &coder.formulary);
    let mut run =
        Run { cases: String::new(), codings: String::new(), counts: Counts::of(&tables), slowest: (String::new(), 0) };
    for (i, chart) in charts.iter().enumerate().step_by(each) {
        let begun = std::time::Instant::now();
        run.code(&coder, chart, i + 1, options);
        let took = begun.elapsed().as_millis();
        if took > run.slowest.1 {
            run.slowest = (chart.case.clone().unwrap_or_default(), took);
        }
    }
    Ok(run)
}

impl Run {
    fn code(&mut self, coder: &Coder, chart: &Chart, position: usize, options: &Options) {
        self.cases += &json::line(chart);
        self.cases.push('\n');
        match coder.code(chart, position, &[], options) {
            Ok(coding) => {
                self.counts.add(chart, &coding);
                self.codings += &json::line(&coding);
                self.codings.push('\n');
            }
            Err(error) => self.counts.fail(chart, &error.to_string()),
        }
    }
}
