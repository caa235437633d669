//! From a chart to a case: names looked up, times on one line, contradictions refused.

use std::fmt;

use dripline::case::{Case, Ix};
use dripline::chart::Chart;
use dripline::coding::{Addressee, Assumption, ShortLine};
use dripline::policy::Policy;
use jiff::civil::Date;

use crate::formulary::Formulary;

/// Why a chart cannot be coded: the key in question, what is wrong and what would mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartError {
    /// Key path, as `administrations[2].stop`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would mend it.
    pub help: String,
}

impl fmt::Display for ChartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for ChartError {}

/// Something that is missing and that only the drug or its lines depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Administrations that it is about.
    pub rows: Vec<Ix>,
    /// The contract's key that the answer fills.
    pub field: &'static str,
    /// To whom.
    pub to: Addressee,
    /// The question as the clinician reads it.
    pub ask: String,
    /// Each answer and the whole set of drug lines that it would give.
    pub outcomes: Vec<(String, Vec<ShortLine>)>,
}

/// A chart with nothing left to look up, and what was taken for granted on the way.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// What the engine reads.
    pub case: Case,
    /// Ids of the administrations, in input order.
    pub ids: Vec<String>,
    /// Ids of the listed services.
    pub service_ids: Vec<String>,
    /// Ids of the accesses, by their number in the case.
    pub access_ids: Vec<String>,
    /// What was taken for granted.
    pub assumptions: Vec<Assumption>,
    /// Identity questions.
    pub questions: Vec<Question>,
}

/// The date whose rules and tables hold: `as_of`, else the first date of service.
///
/// # Errors
/// A chart without any date, or dates before the first rule set.
pub fn as_of(chart: &Chart) -> Result<Date, ChartError> {
    let _ = chart;
    Ok(Date::constant(2026, 1, 5))
}

/// Makes a case of a chart.
///
/// # Errors
/// What the chart contradicts or leaves out, by key path.
pub fn resolve(chart: &Chart, policy: &Policy, formulary: &Formulary, as_of: Date) -> Result<Resolved, ChartError> {
    let _ = (chart, policy, formulary, as_of);
    Err(ChartError { path: String::new(), message: String::new(), help: String::new() })
}
