//! Two results of one case side by side: under another policy, setting or date, or beside what was billed.

use std::fmt;
use std::str::FromStr;

use dripline::chart::{Billed, Chart, Setting};
use dripline::coding::{ChartDate, Coding, ServiceVerdict, ShortLine, Unreported};
use dripline_reference::{ChartError, Coder, Options};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use crate::diff::{Answer, Difference, differences};
use crate::input::Case;
use crate::near::nearest;

/// What a case is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum With {
    /// Itself under another named policy.
    Profile(String),
    /// Itself in the other setting.
    Setting(Setting),
    /// Itself under the rules of another date.
    AsOf(Date),
    /// What was billed.
    Billed,
}

/// A comparison that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithError {
    /// What is wrong.
    pub message: String,
    /// What would mend it.
    pub help: String,
}

impl fmt::Display for WithError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message, self.help)
    }
}

impl std::error::Error for WithError {}

impl fmt::Display for With {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            With::Profile(name) => write!(f, "profile={name}"),
            With::Setting(setting) => write!(f, "setting={setting}"),
            With::AsOf(date) => write!(f, "as_of={date}"),
            With::Billed => f.write_str("billed"),
        }
    }
}

impl FromStr for With {
    type Err = WithError;

    fn from_str(text: &str) -> Result<Self, WithError> {
        let fail = |message: String, help: &str| WithError { message, help: help.to_owned() };
        let Some((key, value)) = text.split_once('=') else {
            return match text {
                "billed" => Ok(With::Billed),
                _ => Err(fail(
                    format!("`{text}` is nothing to compare with"),
                    "write profile=NAME, setting=office, setting=facility, as_of=2026-01-05 or billed",
                )),
            };
        };
        match key {
            "profile" if !value.is_empty() => Ok(With::Profile(value.to_owned())),
            "setting" => Setting::from_word(value)
                .map(With::Setting)
                .ok_or_else(|| fail(format!("`{value}` is not a setting"), "write setting=office or setting=facility")),
            "as_of" => dripline::time::strict_date(value)
                .map(With::AsOf)
                .ok_or_else(|| fail(format!("`{value}` is not a date"), "write it as as_of=2026-01-05")),
            _ => {
                let help = match nearest(key, ["profile", "setting", "as_of", "billed"]) {
                    Some(word) => format!("did you mean {word}?"),
                    None => {
                        "write profile=NAME, setting=office, setting=facility, as_of=2026-01-05 or billed".to_owned()
                    }
                };
                Err(WithError { message: format!("`{text}` is nothing to compare with"), help })
            }
        }
    }
}

impl With {
    /// The chart of the other side; the policy of [`With::Profile`] belongs into the options of the coder.
    #[must_use]
    pub fn chart(&self, chart: &Chart) -> Chart {
        let mut other = chart.clone();
        match self {
            With::Setting(setting) => {
                other.setting = Some(*setting);
                // These decide the setting too, and would contradict it.
                (other.place_of_service, other.bill_type, other.billed_by) = (None, None, None);
                if *setting == Setting::Office {
                    other.off_campus = None;
                }
            }
            With::AsOf(date) => other.as_of = Some(*date),
            With::Profile(_) | With::Billed => {}
        }
        other
    }
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Side {
    /// What it is.
    pub name: String,
    /// Its result.
    #[serde(flatten)]
    pub answer: Answer,
    /// Administrations that earn no administration code, with the reason.
    pub unreported: Vec<Unreported>,
}

/// Two results of one case side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The case.
    pub case: String,
    /// What it is compared with.
    pub with: String,
    /// The case as it is.
    pub left: Side,
    /// The other result.
    pub right: Side,
    /// What differs, in the order of the left side.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// A coding beside another coding of the same case.
    #[must_use]
    pub fn of(with: &With, left: &Coding, right: &Coding) -> Self {
        let name = |c: &Coding| match with {
            With::Profile(_) => c.profile.clone(),
            With::AsOf(_) => c.rule_set.as_of.to_string(),
            With::Setting(_) | With::Billed => c.setting.to_string(),
        };
        Comparison::new(left.case.clone(), with, side(name(left), left), side(name(right), right))
    }

    /// A coding beside what was billed. Dates are compared only where every billed line has one.
    #[must_use]
    pub fn with_billed(coding: &Coding, chart: &Chart) -> Self {
        let mut left = side("coded".to_owned(), coding);
        // Services stand on the claim too, with the modifiers that they have and need.
        for (service, listed) in coding.services.iter().zip(&chart.services) {
            if service.verdict == ServiceVerdict::Included {
                continue;
            }
            let mut modifiers = listed.modifiers.clone();
            modifiers.extend(service.modifier.iter().filter(|m| !listed.modifiers.contains(m)).cloned());
            let date = listed.date.map_or(coding.rule_set.as_of, ChartDate);
            let units = u64::from(listed.units.unwrap_or(1));
            left.answer.lines.push(ShortLine { code: service.code.clone(), units, modifiers, date });
        }
        left.answer.services.clear();
        let is_drug = |code: &str| {
            coding.drug_lines.iter().any(|d| d.hcpcs == code)
                || (code.starts_with(['J', 'Q', 'P']) && !coding.lines.iter().any(|l| l.code == code))
        };
        let mut right = Answer::default();
        let dated = chart.billed.iter().all(|b| b.date.is_some());
        for Billed { code, units, modifiers, date } in &chart.billed {
            let date = date.map_or(coding.rule_set.as_of, ChartDate);
            let line = ShortLine { code: code.clone(), units: u64::from(*units), modifiers: modifiers.clone(), date };
            if is_drug(code) { right.drug_lines.push(line) } else { right.lines.push(line) }
        }
        if !dated {
            let all = [&mut left.answer.lines, &mut left.answer.drug_lines, &mut right.lines, &mut right.drug_lines];
            for line in all.into_iter().flatten() {
                line.date = coding.rule_set.as_of;
            }
        }
        for line in left.answer.lines.iter_mut().chain(&mut left.answer.drug_lines) {
            line.modifiers.sort();
        }
        for line in right.lines.iter_mut().chain(&mut right.drug_lines) {
            line.modifiers.sort();
        }
        let right = Side { name: "billed".to_owned(), answer: right, unreported: Vec::new() };
        Comparison::new(coding.case.clone(), &With::Billed, left, right)
    }

    fn new(case: String, with: &With, left: Side, right: Side) -> Self {
        let differences = differences(&left.answer, &right.answer);
        Comparison { case, with: with.to_string(), left, right, differences }
    }
}

/// Codes a case twice and lays the results side by side. Other readings are not run on either side.
///
/// # Errors
/// What the case contradicts or leaves out, on either side; also a case that does not say what was billed.
pub fn compare(coder: &Coder, options: &Options, with: &With, case: &Case) -> Result<Comparison, ChartError> {
    let mut options = Options { alternatives: false, ..options.clone() };
    let left = coder.code(&case.chart, case.position, &case.assumptions, &options)?;
    let chart = match with {
        With::Billed if case.chart.billed.is_empty() => {
            return Err(ChartError {
                path: "billed".to_owned(),
                message: "the case does not say what was billed".to_owned(),
                help: "add \"billed\": [{\"code\": …, \"units\": …}]; on a worksheet, a line for each: billed 96374 units=1".to_owned(),
            });
        }
        With::Billed => return Ok(Comparison::with_billed(&left, &case.chart)),
        With::Profile(name) => {
            options.profile = Some(name.clone());
            case.chart.clone()
        }
        With::Setting(_) | With::AsOf(_) => with.chart(&case.chart),
    };
    let right = coder
        .code(&chart, case.position, &case.assumptions, &options)
        .map_err(|e| ChartError { message: format!("with {with}: {}", e.message), ..e })?;
    Ok(Comparison::of(with, &left, &right))
}

fn side(name: String, coding: &Coding) -> Side {
    Side { name, answer: Answer::of(coding), unreported: coding.unreported.clone() }
}
