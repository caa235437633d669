//! What is counted, and the check that nothing was lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use dripline::SmolStr;
use dripline::chart::Chart;
use dripline::coding::Coding;

use super::table::{Refused, Tables};

type Tally = BTreeMap<String, u64>;

/// The numbers of one run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows of the table.
    pub rows: usize,
    /// Rows dropped because they were rewritten.
    pub rewritten: usize,
    /// Rows that no case is made of.
    pub refused: Vec<Refused>,
    /// Administrations.
    pub administrations: usize,
    /// Cases.
    pub cases: usize,
    /// What breaks the rule that every administration stands in a line or once among the unreported.
    pub lost: Vec<String>,
    seconds_cut: usize,
    admissions: BTreeSet<String>,
    in_lines: usize,
    unreported: usize,
    codes: BTreeMap<String, (u64, u64)>,
    rules: Tally,
    queries: BTreeMap<(String, String), u64>,
    drug_lines: usize,
    drugs: BTreeMap<String, (u64, u64)>,
    unmapped: Tally,
}

impl Counts {
    /// What is known before anything is coded.
    pub fn of(tables: &Tables) -> Self {
        Counts {
            rows: tables.read,
            rewritten: tables.rewritten,
            refused: tables.refused.clone(),
            seconds_cut: tables.seconds_cut,
            admissions: tables.rows.iter().map(|r| r.admission.clone()).collect(),
            ..Counts::default()
        }
    }

    /// Counts a case and checks it.
    pub fn add(&mut self, chart: &Chart, coding: &Coding) {
        self.cases += 1;
        self.administrations += chart.administrations.len();
        let lined: BTreeSet<&str> =
            coding.lines.iter().flat_map(|l| l.administrations.iter().map(SmolStr::as_str)).collect();
        let mut left: Tally = Tally::new();
        for u in &coding.unreported {
            *left.entry(u.administration.to_string()).or_default() += 1;
            let rule = u.rules.first().map_or("none", SmolStr::as_str);
            *self.rules.entry(rule.to_owned()).or_default() += 1;
        }
        self.in_lines += lined.len();
        self.unreported += coding.unreported.len();
        let mut charted = BTreeSet::new();
        for a in &chart.administrations {
            let id = a.id.as_deref().unwrap_or("");
            let left = left.remove(id).unwrap_or(0);
            if !charted.insert(id) || u64::from(lined.contains(id)) + left != 1 {
                self.lost.push(format!(
                    "case {}, row {id}: {}, {left} times unreported",
                    coding.case,
                    if lined.contains(id) { "in a line" } else { "in no line" }
                ));
            }
        }
        let strange = lined.into_iter().filter(|id| !charted.contains(id)).chain(left.keys().map(String::as_str));
        self.lost.extend(strange.map(|id| format!("case {}: {id} is no administration of it", coding.case)));
        for line in &coding.lines {
            let count = self.codes.entry(line.code.to_string()).or_default();
            *count = (count.0 + 1, count.1 + u64::from(line.units));
        }
        for query in &coding.queries {
            *self.queries.entry((query.field.to_string(), query.to.to_string())).or_default() += 1;
        }
        self.drug_lines += coding.drug_lines.len();
        for line in &coding.drug_lines {
            let count = self.drugs.entry(line.hcpcs.to_string()).or_default();
            *count = (count.0 + 1, count.1 + line.units);
        }
        for a in &coding.assumptions {
            let at = |key: &str| a.path.strip_prefix("administrations[")?.strip_suffix(key)?.parse::<usize>().ok();
            if let Some(i) = at("].hcpcs").filter(|_| a.took == "no drug line") {
                let drug = chart.administrations.get(i).and_then(|a| a.drug.clone());
                *self.unmapped.entry(drug.unwrap_or_default()).or_default() += 1;
            }
        }
    }

    /// Counts a case that could not be coded: all of it is lost.
    pub fn fail(&mut self, chart: &Chart, error: &str) {
        self.cases += 1;
        self.administrations += chart.administrations.len();
        self.lost.push(format!("case {} was not coded: {error}", chart.case.as_deref().unwrap_or("")));
    }
}

/// The greatest first, then by name.
fn ranked<K: Clone + Ord, V: Copy + Ord>(tally: &BTreeMap<K, V>) -> Vec<(K, V)> {
    let mut list: Vec<_> = tally.iter().map(|(k, v)| (k.clone(), *v)).collect();
    list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    list
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        let line = |out: &mut String, what: &str, n: u64| writeln!(out, "{n:>8}  {what}");
        writeln!(out, "Rows")?;
        line(&mut out, "read", self.rows as u64)?;
        line(&mut out, "refused", self.refused.len() as u64)?;
        line(&mut out, "rewritten, dropped", self.rewritten as u64)?;
        line(&mut out, "administrations", self.administrations as u64)?;
        line(&mut out, "of them with seconds, cut to whole minutes", self.seconds_cut as u64)?;
        writeln!(out, "\nRefused rows")?;
        for r in &self.refused {
            writeln!(out, "  row {} {} ({}) {}: {}", r.row, r.item, r.status, r.reason, r.says)?;
        }
        writeln!(out, "\nCases")?;
        line(&mut out, "admissions", self.admissions.len() as u64)?;
        line(&mut out, "cases, one for each admission and day", self.cases as u64)?;
        line(&mut out, "administrations in lines", self.in_lines as u64)?;
        line(&mut out, "administrations unreported", self.unreported as u64)?;
        writeln!(out, "\nAdministration codes: lines, units")?;
        for (code, (lines, units)) in &self.codes {
            writeln!(out, "{lines:>8} {units:>8}  {code}")?;
        }
        writeln!(out, "\nUnreported administrations, by the rule that decided")?;
        for (rule, n) in ranked(&self.rules) {
            line(&mut out, &rule, n)?;
        }
        writeln!(out, "\nQueries: what is asked, of whom")?;
        for ((field, to), n) in ranked(&self.queries) {
            line(&mut out, &format!("{field}, {to}"), n)?;
        }
        writeln!(out, "\nDrug lines: {} of {} codes", self.drug_lines, self.drugs.len())?;
        for (code, (lines, units)) in &self.drugs {
            writeln!(out, "{lines:>8} {units:>8}  {code}")?;
        }
        writeln!(out, "\nDrugs without a code, by administrations; the 20 most frequent of {}", self.unmapped.len())?;
        for (drug, n) in ranked(&self.unmapped).into_iter().take(20) {
            line(&mut out, &drug, n)?;
        }
        f.write_str(&out)
    }
}
