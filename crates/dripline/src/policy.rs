//! The policy: one value for each switch, typed.
//!
//! The switches and their values are read from `policies/switches.toml` when the crate is built; the dated policy
//! files are shipped as text in [`BUILTIN`] and read by `dripline-formats`.

use std::fmt;

use crate::chart::SwitchValue;

include!(concat!(env!("OUT_DIR"), "/policy.rs"));

/// The last date for which the code set was looked through; later dates use the same rules, with an assumption.
pub const NEWEST_RULE_SET: jiff::civil::Date = jiff::civil::Date::constant(2026, 12, 31);

/// What a switch takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of these words.
    Words(&'static [&'static str]),
    /// A whole number; `allowed` empty means any from `min` to `max`.
    Integer {
        /// The only values allowed, if any are named.
        allowed: &'static [i64],
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
        /// Documented values that alternatives try.
        tried: &'static [i64],
    },
    /// A list of words.
    List,
}

/// What a switch decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Administration codes.
    Codes,
    /// How the chart is resolved.
    Identity,
    /// Drug lines.
    Lines,
    /// Edit findings.
    Edits,
    /// A number of the code set, which only a dated policy file may state.
    Number,
}

struct SwitchInfo {
    name: &'static str,
    kind: Kind,
    part: Part,
}

impl Switch {
    /// The switch's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        SWITCHES[self as usize].name
    }

    /// What it takes.
    #[must_use]
    pub fn kind(self) -> Kind {
        SWITCHES[self as usize].kind
    }

    /// What it decides.
    #[must_use]
    pub fn part(self) -> Part {
        SWITCHES[self as usize].part
    }

    /// The switch of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Switch> {
        Switch::ALL.iter().copied().find(|s| s.name() == name)
    }

    /// The documented values, for alternatives; empty for a list, whose values are the user's own.
    #[must_use]
    pub fn documented(self) -> Vec<SwitchValue> {
        match self.kind() {
            Kind::Words(words) => words.iter().map(|w| SwitchValue::Word((*w).to_owned())).collect(),
            Kind::Integer { tried, .. } => tried.iter().map(|n| SwitchValue::Integer(*n)).collect(),
            Kind::List => Vec::new(),
        }
    }
}

/// A value that a switch does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchError {
    /// The switch.
    pub switch: Switch,
    /// What it takes.
    pub message: String,
}

impl fmt::Display for SwitchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SwitchError {}

impl fmt::Display for SwitchValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SwitchValue::Integer(n) => write!(f, "{n}"),
            SwitchValue::Word(w) => f.write_str(w),
            SwitchValue::List(l) => f.write_str(&l.join(",")),
        }
    }
}

fn refused(switch: Switch, value: &SwitchValue) -> SwitchError {
    let takes = match switch.kind() {
        Kind::Words(words) => format!("one of {}", words.join(", ")),
        Kind::Integer { allowed: [], min, max, .. } => format!("a whole number from {min} to {max}"),
        Kind::Integer { allowed, .. } => {
            format!("one of {}", allowed.iter().map(i64::to_string).collect::<Vec<_>>().join(", "))
        }
        Kind::List => "a list of words".to_owned(),
    };
    SwitchError { switch, message: format!("`{}` takes {takes}, not `{value}`", switch.name()) }
}

/// Words that look like numbers (`59`, `96416`) may be written as either.
fn word(value: &SwitchValue) -> Option<String> {
    match value {
        SwitchValue::Word(w) => Some(w.clone()),
        SwitchValue::Integer(n) => Some(n.to_string()),
        SwitchValue::List(_) => None,
    }
}

fn integer(switch: Switch, value: &SwitchValue) -> Result<i64, SwitchError> {
    let Kind::Integer { allowed, min, max, .. } = switch.kind() else { return Err(refused(switch, value)) };
    let SwitchValue::Integer(n) = value else { return Err(refused(switch, value)) };
    if (min..=max).contains(n) && (allowed.is_empty() || allowed.contains(n)) {
        Ok(*n)
    } else {
        Err(refused(switch, value))
    }
}

fn list(switch: Switch, value: &SwitchValue) -> Result<Vec<String>, SwitchError> {
    match value {
        SwitchValue::List(l) => Ok(l.clone()),
        _ => Err(refused(switch, value)),
    }
}

/// The policies shipped: name and the text of the dated file.
pub const BUILTIN: &[(&str, &str)] = &[
    ("cpt", include_str!("../policies/cpt.toml")),
    ("medicare", include_str!("../policies/medicare.toml")),
    ("medicare-palmetto", include_str!("../policies/medicare-palmetto.toml")),
    ("medicare-noridian", include_str!("../policies/medicare-noridian.toml")),
    ("hospital-push-fallback", include_str!("../policies/hospital-push-fallback.toml")),
    ("commercial-select-health", include_str!("../policies/commercial-select-health.toml")),
    ("conservative", include_str!("../policies/conservative.toml")),
];
