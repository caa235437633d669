//! What differs between two results of one case.

use dripline::SmolStr;
use dripline::coding::{ChartDate, Coding, Outcome, ShortLine, ShortService};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The whole result of a case without its proof.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Administration codes.
    pub lines: Vec<ShortLine>,
    /// Drug codes.
    pub drug_lines: Vec<ShortLine>,
    /// Services.
    pub services: Vec<ShortService>,
}

impl Answer {
    /// The result of a coding.
    #[must_use]
    pub fn of(coding: &Coding) -> Self {
        Answer {
            lines: coding.lines.iter().map(|l| l.short()).collect(),
            drug_lines: coding.drug_lines.iter().map(|l| l.short()).collect(),
            services: coding.services.iter().map(|s| s.short()).collect(),
        }
    }

    /// The result under another answer or policy: what is not given there is as it is here.
    #[must_use]
    pub fn with(
        &self,
        lines: &[ShortLine],
        drug_lines: Option<&[ShortLine]>,
        services: Option<&[ShortService]>,
    ) -> Self {
        Answer {
            lines: lines.to_vec(),
            drug_lines: drug_lines.map_or_else(|| self.drug_lines.clone(), <[_]>::to_vec),
            services: services.map_or_else(|| self.services.clone(), <[_]>::to_vec),
        }
    }

    /// The result that an answer to a question would give.
    #[must_use]
    pub fn after(&self, outcome: &Outcome) -> Self {
        self.with(&outcome.lines, outcome.drug_lines.as_deref(), outcome.services.as_deref())
    }
}

/// What a difference is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An administration code.
    Line,
    /// A drug code.
    DrugLine,
    /// Another service.
    Service,
}

/// One code whose units, or one service whose verdict, are not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// What it is about.
    pub kind: Kind,
    /// Code.
    pub code: SmolStr,
    /// Modifiers.
    pub modifiers: Vec<SmolStr>,
    /// Date; none for a service, or where a side has no dates.
    pub date: Option<ChartDate>,
    /// Left: units, or a service's verdict; none where it is not there.
    pub left: Option<String>,
    /// Right.
    pub right: Option<String>,
}

/// Every difference, in the order of the left side, then of the right.
#[must_use]
pub fn differences(left: &Answer, right: &Answer) -> Vec<Difference> {
    let mut found = pairs(left, right);
    found.retain(|pair| pair.left != pair.right);
    found
}

/// Every code and service with what it is on each side, the same or not, in the order of the left side, then of the
/// right.
#[must_use]
pub fn pairs(left: &Answer, right: &Answer) -> Vec<Difference> {
    let mut found = lines(Kind::Line, &left.lines, &right.lines);
    found.extend(lines(Kind::DrugLine, &left.drug_lines, &right.drug_lines));
    let services = keys(left.services.iter().chain(&right.services).map(|s| (&s.id, &s.code)));
    found.extend(services.into_iter().map(|(id, code)| {
        let verdict = |side: &[ShortService]| {
            side.iter().find(|s| s.id == *id && s.code == *code).map(|s| match &s.modifier {
                Some(modifier) => format!("{} {modifier}", s.verdict),
                None => s.verdict.to_string(),
            })
        };
        let (left, right) = (verdict(&left.services), verdict(&right.services));
        Difference { kind: Kind::Service, code: code.clone(), modifiers: Vec::new(), date: None, left, right }
    }));
    found
}

fn lines(kind: Kind, left: &[ShortLine], right: &[ShortLine]) -> Vec<Difference> {
    let pair = |key: (&SmolStr, &Vec<SmolStr>, ChartDate)| {
        let units = |side: &[ShortLine]| {
            let units: u64 = side.iter().filter(|l| (&l.code, &l.modifiers, l.date) == key).map(|l| l.units).sum();
            (units > 0).then(|| units.to_string())
        };
        let (left, right) = (units(left), units(right));
        Difference { kind, code: key.0.clone(), modifiers: key.1.clone(), date: Some(key.2), left, right }
    };
    keys(left.iter().chain(right).map(|l| (&l.code, &l.modifiers, l.date))).into_iter().map(pair).collect()
}

fn keys<K: PartialEq>(all: impl Iterator<Item = K>) -> Vec<K> {
    let mut keys = Vec::new();
    for key in all {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// The differences as one phrase: what the right side has instead of, beside or without the left's.
#[must_use]
pub fn phrase(differences: &[Difference], dates: bool) -> String {
    let name = |d: &Difference, units: &str| {
        let mut text = d.code.to_string();
        for modifier in &d.modifiers {
            text.push('-');
            text.push_str(modifier);
        }
        match d.kind {
            Kind::Service => text.push_str(&format!(" {}", units.replace('_', " "))),
            _ => text.push_str(&format!(" ×{units}")),
        }
        match d.date {
            Some(date) if dates => format!("{text} on {date}"),
            _ => text,
        }
    };
    let (mut adds, mut drops, mut changes) = (Vec::new(), Vec::new(), Vec::new());
    for d in differences {
        match (&d.left, &d.right) {
            (None, Some(right)) => adds.push(name(d, right)),
            (Some(left), None) => drops.push(name(d, left)),
            (Some(left), Some(right)) if d.kind == Kind::Service => {
                changes.push(format!("{}, not {}", name(d, right), left.replace('_', " ")));
            }
            (Some(left), Some(right)) => changes.push(format!("{}, not ×{left}", name(d, right))),
            (None, None) => {}
        }
    }
    let listed = |items: &[String]| match items.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => items.concat(),
    };
    let mut parts = Vec::new();
    match (adds.is_empty(), drops.is_empty()) {
        (false, false) => parts.push(format!("{} instead of {}", listed(&adds), listed(&drops))),
        (false, true) => parts.push(format!("adds {}", listed(&adds))),
        (true, false) => parts.push(format!("drops {}", listed(&drops))),
        (true, true) => {}
    }
    parts.extend(changes);
    if parts.is_empty() { "the same".to_owned() } else { parts.join("; ") }
}
