//! Published cases, one JSON object a line: what a source says of a question and how well that can be defended.

use std::collections::BTreeMap;
use std::fmt;

use dripline::SmolStr;
use dripline::coding::{Coding, ServiceVerdict};
use dripline_reference::{Coder, Options};
use serde::Deserialize;
use serde_json::Value;

use super::CaseProblem;
use crate::json;

/// A published case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Where it was published.
    pub source_url: String,
    /// What it tests.
    pub title: String,
    /// How well its answer can be defended.
    pub tier: Tier,
    /// The case itself.
    pub case: Value,
    /// What the answer must hold.
    pub expect: Expect,
    /// Rules that it bears on.
    pub rules: Vec<SmolStr>,
    /// Why the answer is what it is, where that needs saying.
    pub note: String,
}

/// How well an answer can be defended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Before an auditor.
    Gold,
    /// Sources differ or the facts are thin.
    Silver,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tier::Gold => "gold",
            Tier::Silver => "silver",
        })
    }
}

/// What an answer must hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Units of each code, added over all lines; null: no codes are looked at.
    pub lines: Option<Vec<CodeUnits>>,
    /// Whether other codes are ruled out; null: no codes are looked at.
    pub complete: Option<bool>,
    /// Modifiers that must stand on some line of their code.
    #[serde(default)]
    pub modifiers: Vec<CodeModifier>,
    /// Ids of administrations that stand in no line.
    #[serde(default)]
    pub unreported: Vec<SmolStr>,
    /// Verdicts on listed services.
    #[serde(default)]
    pub services: Vec<CodeVerdict>,
    /// All drug lines; null: not looked at.
    pub drug_lines: Option<Vec<DrugUnits>>,
}

/// A code and its units.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeUnits {
    /// Code.
    pub code: SmolStr,
    /// Units.
    pub units: u64,
}

/// A code and a modifier.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeModifier {
    /// Code.
    pub code: SmolStr,
    /// Modifier.
    pub modifier: SmolStr,
}

/// A listed service and its verdict.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeVerdict {
    /// Code.
    pub code: SmolStr,
    /// Verdict.
    pub verdict: ServiceVerdict,
}

/// A drug line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrugUnits {
    /// HCPCS code.
    pub hcpcs: String,
    /// Units.
    pub units: u64,
    /// Modifiers, in any order.
    #[serde(default)]
    pub modifiers: Vec<SmolStr>,
}

/// The rows of a file, each with its line or why it cannot be read.
#[must_use]
pub fn read(text: &str) -> Vec<(usize, Result<Row, CaseProblem>)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(i, line)| {
            let row = serde_json::from_str(line).map_err(|e| CaseProblem {
                line: i + 1,
                message: e.to_string(),
                help: "a row has id, source_url, title, tier, case, expect, rules and note".to_owned(),
            });
            (i + 1, row)
        })
        .collect()
}

/// Where an answer and a row part, in words; nothing if it holds.
#[must_use]
pub fn differences(expect: &Expect, coding: &Coding) -> Vec<String> {
    let mut found = Vec::new();
    if let (Some(complete), Some(lines)) = (expect.complete, &expect.lines) {
        let mut wanted: BTreeMap<&str, u64> = BTreeMap::new();
        for line in lines {
            *wanted.entry(&line.code).or_default() += line.units;
        }
        let mut got: BTreeMap<&str, u64> = BTreeMap::new();
        for line in &coding.lines {
            *got.entry(&line.code).or_default() += u64::from(line.units);
        }
        for (code, units) in &wanted {
            match got.get(code) {
                Some(n) if n == units => {}
                Some(n) => found.push(format!("{code} x{units} expected, x{n} got")),
                None => found.push(format!("{code} x{units} expected, none got")),
            }
        }
        if complete {
            for (code, units) in got.iter().filter(|(code, _)| !wanted.contains_key(*code)) {
                found.push(format!("{code} x{units} not expected"));
            }
        }
    }
    for want in &expect.modifiers {
        if !coding.lines.iter().any(|l| l.code == want.code && l.modifiers.contains(&want.modifier)) {
            found.push(format!("modifier {} expected on a line of {}", want.modifier, want.code));
        }
    }
    for id in &expect.unreported {
        if !coding.unreported.iter().any(|u| u.administration == *id) {
            found.push(format!("{id} expected to be unreported"));
        }
    }
    for want in &expect.services {
        if !coding.services.iter().any(|s| s.code == want.code && s.verdict == want.verdict) {
            found.push(format!("service {} expected to be {}", want.code, want.verdict));
        }
    }
    if let Some(want) = &expect.drug_lines {
        let line = |hcpcs: &str, modifiers: &[SmolStr], units: u64| {
            let mut modifiers = modifiers.to_vec();
            modifiers.sort();
            let code = [vec![hcpcs.into()], modifiers].concat().join("-");
            format!("{code} x{units}")
        };
        let mut got: Vec<_> = coding.drug_lines.iter().map(|l| line(&l.hcpcs, &l.modifiers, l.units)).collect();
        for want in want.iter().map(|l| line(&l.hcpcs, &l.modifiers, l.units)) {
            match got.iter().position(|l| *l == want) {
                Some(i) => drop(got.remove(i)),
                None => found.push(format!("drug line {want} expected")),
            }
        }
        found.extend(got.iter().map(|l| format!("drug line {l} not expected")));
    }
    found
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowOutcome {
    /// Line in the file, from 1.
    pub line: usize,
    /// Id, or nothing where the row cannot be read.
    pub id: String,
    /// What it tests.
    pub title: String,
    /// Tier; none where the row cannot be read.
    pub tier: Option<Tier>,
    /// Where answer and expectation part; nothing if the row holds.
    pub differences: Vec<String>,
}

/// The outcomes of a file of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowReport {
    /// The file's name as given.
    pub file: String,
    /// One for each row, in order.
    pub outcomes: Vec<RowOutcome>,
}

impl RowReport {
    /// Whether every row can be read.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.outcomes.iter().all(|o| o.tier.is_some())
    }

    /// Whether all rows hold.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.outcomes.iter().all(|o| o.differences.is_empty())
    }

    /// For each tier how many rows hold and how many there are.
    #[must_use]
    pub fn tiers(&self) -> BTreeMap<Tier, (usize, usize)> {
        let mut tiers = BTreeMap::new();
        for outcome in &self.outcomes {
            let Some(tier) = outcome.tier else { continue };
            let (held, all) = tiers.entry(tier).or_insert((0, 0));
            *held += usize::from(outcome.differences.is_empty());
            *all += 1;
        }
        tiers
    }
}

/// The failures, each with its place, and a summary of each tier.
impl fmt::Display for RowReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outcome in self.outcomes.iter().filter(|o| !o.differences.is_empty()) {
            let tier = outcome.tier.map_or_else(String::new, |t| format!(" ({t})"));
            writeln!(f, "{}:{}: {}{tier}: {}", self.file, outcome.line, outcome.id, outcome.title)?;
            for difference in &outcome.differences {
                writeln!(f, "  {difference}")?;
            }
        }
        for (tier, (held, all)) in self.tiers() {
            writeln!(f, "{}: {tier}: {held} of {all}", self.file)?;
        }
        Ok(())
    }
}

/// Runs all rows of a file.
#[must_use]
pub fn run(name: &str, text: &str, coder: &Coder, options: &Options) -> RowReport {
    let outcomes = read(text).into_iter().enumerate().map(|(i, (line, row))| match row {
        Err(problem) => RowOutcome {
            line,
            id: String::new(),
            title: "not a row".to_owned(),
            tier: None,
            differences: vec![problem.message],
        },
        Ok(row) => RowOutcome {
            line,
            differences: match code(&row, i + 1, coder, options) {
                Ok(coding) => differences(&row.expect, &coding),
                Err(message) => vec![format!("refused: {message}")],
            },
            id: row.id,
            title: row.title,
            tier: Some(row.tier),
        },
    });
    RowReport { file: name.to_owned(), outcomes: outcomes.collect() }
}

/// Codes a row's case.
///
/// # Errors
/// Why it was refused.
pub fn code(row: &Row, position: usize, coder: &Coder, options: &Options) -> Result<Coding, String> {
    let chart = json::chart_from_str("", &row.case.to_string()).map_err(|e| format!("{}: {}", e.path, e.message))?;
    coder.code(&chart, position, &[], options).map_err(|e| e.to_string())
}
