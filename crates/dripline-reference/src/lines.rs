//! Drug lines: doses added per day and code, rounded up to billing units.

use dripline::chart::Chart;
use dripline::coding::{Assumption, DrugLine};
use dripline::policy::Policy;

use crate::formulary::Formulary;
use crate::resolve::{Question, Resolved};

/// The drug lines of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrugLines {
    /// By HCPCS, date, NDC, modifiers.
    pub lines: Vec<DrugLine>,
    /// What was taken for granted.
    pub assumptions: Vec<Assumption>,
    /// What is missing.
    pub questions: Vec<Question>,
}

/// Works out the drug lines.
///
/// Purpose, order, status, date and setting are read from the resolved case and not from the chart, so that an answer
/// can be tried out on the case.
#[must_use]
pub fn drug_lines(chart: &Chart, resolved: &Resolved, policy: &Policy, formulary: &Formulary) -> DrugLines {
    let _ = (chart, resolved, policy, formulary);
    DrugLines::default()
}
