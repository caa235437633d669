//! The whole answer to a chart.

use dripline::chart::{Chart, SwitchValue};
use dripline::coding::{Assumption, Coding};

use crate::formulary::Formulary;
use crate::profile::Profiles;
use crate::resolve::ChartError;

/// How charts are to be coded.
#[derive(Clone, Debug)]
pub struct Options {
    /// Named policy that wins over the case's own `profile`.
    pub profile: Option<String>,
    /// Switches that win over the case's own `policy`.
    pub set: Vec<(String, SwitchValue)>,
    /// Run the other documented readings.
    pub alternatives: bool,
    /// Work out drug lines.
    pub drug_lines: bool,
    /// A rule switched off, to prove that its page's cases depend on it.
    #[cfg(feature = "rule-off")]
    pub off: Option<dripline::rule::RuleId>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            profile: None,
            set: Vec::new(),
            alternatives: true,
            drug_lines: true,
            #[cfg(feature = "rule-off")]
            off: None,
        }
    }
}

/// Codes charts.
#[derive(Clone, Debug)]
pub struct Coder {
    /// Table of drugs.
    pub formulary: Formulary,
    /// Named policies.
    pub profiles: Profiles,
}

/// Why a code is or is not earned.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WhyNot {
    /// The case.
    pub case: String,
    /// The code asked about.
    pub code: String,
    /// Whether the case earns it.
    pub earned: bool,
    /// What stands in the way, nearest first; for an earned code the lines that earn it.
    pub obstacles: Vec<Obstacle>,
}

/// One thing that stands in the way of a code.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Obstacle {
    /// Ids of the administrations.
    pub administrations: Vec<String>,
    /// Ids of the rules.
    pub rules: Vec<String>,
    /// What the chart shows.
    pub why: String,
    /// What the rule needs.
    pub needs: String,
}

impl Default for Coder {
    fn default() -> Self {
        Coder { formulary: Formulary::built_in(), profiles: Profiles::built_in() }
    }
}

impl Coder {
    /// Codes a chart. `position` is its 1-based place in the input; `read` what its reader took for granted.
    ///
    /// # Errors
    /// What the chart contradicts or leaves out, by key path.
    pub fn code(
        &self,
        chart: &Chart,
        position: usize,
        read: &[Assumption],
        options: &Options,
    ) -> Result<Coding, ChartError> {
        let _ = (chart, position, read, options);
        Err(ChartError { path: String::new(), message: String::new(), help: String::new() })
    }

    /// Why a chart does or does not earn a code.
    ///
    /// # Errors
    /// As [`Coder::code`]; also a text that is no code at all, with the path `code`.
    pub fn why_not(&self, chart: &Chart, position: usize, code: &str, options: &Options) -> Result<WhyNot, ChartError> {
        let _ = (chart, position, code, options);
        Err(ChartError { path: String::new(), message: String::new(), help: String::new() })
    }
}
