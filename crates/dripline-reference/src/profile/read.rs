//! Reading one policy file: everything wrong with it at once, each with its place.

use std::fmt;
use std::ops::Range;

use dripline::chart::SwitchValue;
use dripline::policy::{Policy, Switch, SwitchError};
use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{did_you_mean, takes};

/// Something wrong with a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyProblem {
    /// Line and column in characters, each from 1, if one place is to blame.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
    /// What would mend it.
    pub help: String,
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.message)?;
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyProblem {}

/// A policy file as written.
#[derive(Clone, Debug)]
pub(super) struct PolicyFile {
    pub(super) name: String,
    pub(super) name_place: (usize, usize),
    pub(super) title: String,
    /// The parent's name and where it stands.
    pub(super) inherits: Option<(String, (usize, usize))>,
    pub(super) values: Vec<Dated>,
}

/// A switch's value between two dates, both included.
#[derive(Clone, Debug)]
pub(super) struct Dated {
    pub(super) switch: Switch,
    pub(super) value: SwitchValue,
    pub(super) since: Date,
    pub(super) until: Option<Date>,
    pub(super) source: String,
    line: usize,
}

impl Dated {
    pub(super) fn holds(&self, on: Date) -> bool {
        self.since <= on && self.until.is_none_or(|until| on <= until)
    }
}

/// A refused value without a place.
pub(super) fn unplaced(error: &SwitchError) -> PolicyProblem {
    PolicyProblem { place: None, message: error.message.clone(), help: String::new() }
}

struct Reader<'a> {
    text: &'a str,
    problems: Vec<PolicyProblem>,
}

pub(super) fn read(text: &str) -> Result<PolicyFile, Vec<PolicyProblem>> {
    let mut reader = Reader { text, problems: Vec::new() };
    let file = reader.file();
    if reader.problems.is_empty()
        && let Some(file) = file
    {
        return Ok(file);
    }
    reader.problems.sort_by_key(|p| p.place);
    Err(reader.problems)
}

impl Reader<'_> {
    fn place(&self, span: &Range<usize>) -> (usize, usize) {
        let before = &self.text[..span.start.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        (line, before[start..].chars().count() + 1)
    }

    fn problem(&mut self, span: &Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let place = Some(self.place(span));
        self.problems.push(PolicyProblem { place, message: message.into(), help: help.into() });
    }

    fn file(&mut self) -> Option<PolicyFile> {
        let table = match DeTable::parse(self.text) {
            Ok(table) => table,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                self.problem(&span, error.message().trim_end(), "the file must be TOML");
                return None;
            }
        };
        let whole = table.span();
        let table = table.get_ref();
        self.known_keys(table, &["name", "title", "inherits", "value"]);
        let name = self.text_of(table, "name", &whole);
        let title = self.text_of(table, "title", &whole);
        let inherits = if table.contains_key("inherits") { self.text_of(table, "inherits", &whole) } else { None };
        let mut values: Vec<Dated> = Vec::new();
        if let Some(list) = table.get("value") {
            match list.get_ref().as_array() {
                None => self.problem(&list.span(), "`value` must be tables", "write [[value]] before each"),
                Some(list) => {
                    for entry in list.iter() {
                        if let Some(dated) = self.dated(entry) {
                            self.overlap(&values, &dated, &entry.span());
                            values.push(dated);
                        }
                    }
                }
            }
        }
        let (name, name_place) = name?;
        Some(PolicyFile { name, name_place, title: title?.0, inherits, values })
    }

    fn known_keys(&mut self, table: &DeTable<'_>, known: &[&str]) {
        for key in table.keys() {
            let word: &str = key.get_ref();
            if !known.contains(&word) {
                let near = did_you_mean(word, known.iter().copied());
                self.problem(
                    &key.span(),
                    format!("there is no key `{word}` here"),
                    format!("{near}the keys are {}", known.join(", ")),
                );
            }
        }
    }

    /// A text that must be there and not blank.
    fn text_of(&mut self, table: &DeTable<'_>, key: &str, whole: &Range<usize>) -> Option<(String, (usize, usize))> {
        let Some(value) = table.get(key) else {
            self.problem(whole, format!("`{key}` is missing"), format!("add {key} = \"…\""));
            return None;
        };
        match value.get_ref().as_str().map(str::trim) {
            Some(text) if !text.is_empty() => Some((text.to_owned(), self.place(&value.span()))),
            Some(_) => {
                self.problem(&value.span(), format!("`{key}` is empty"), "say it, or drop the entry");
                None
            }
            None => {
                self.problem(&value.span(), format!("`{key}` must be text"), "put it in quotes");
                None
            }
        }
    }

    fn date_of(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Date> {
        // TOML's own dates are taken as well as dates in quotes.
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(date) => date.to_string(),
            _ => String::new(),
        };
        let date = (text.len() == 10).then(|| text.parse().ok()).flatten();
        if date.is_none() {
            self.problem(&value.span(), format!("`{text}` is not a date"), "write it as \"2026-01-05\"");
        }
        date
    }

    fn dated(&mut self, entry: &Spanned<DeValue<'_>>) -> Option<Dated> {
        let whole = entry.span();
        let Some(table) = entry.get_ref().as_table() else {
            self.problem(&whole, "`value` must be tables", "write [[value]] before each");
            return None;
        };
        self.known_keys(table, &["switch", "value", "since", "until", "source"]);
        let switch = self.switch(table, &whole);
        let value = match table.get("value") {
            Some(value) => switch.and_then(|switch| self.value(switch, value)),
            None => {
                self.problem(&whole, "`value` is missing", "add value = …");
                None
            }
        };
        let since = match table.get("since") {
            Some(since) => self.date_of(since),
            None => {
                self.problem(&whole, "`since` is missing", "add the first date, as since = \"2013-01-01\"");
                None
            }
        };
        let until = table.get("until").map(|until| (self.date_of(until), until.span()));
        let source = self.text_of(table, "source", &whole);
        let until = match until {
            None => None,
            Some((date, span)) => {
                let date = date?;
                if since.is_some_and(|since| date < since) {
                    self.problem(&span, format!("`until` {date} lies before `since`"), "exchange the two dates");
                    return None;
                }
                Some(date)
            }
        };
        Some(Dated {
            switch: switch?,
            value: value?,
            since: since?,
            until,
            source: source?.0,
            line: self.place(&whole).0,
        })
    }

    fn switch(&mut self, table: &DeTable<'_>, whole: &Range<usize>) -> Option<Switch> {
        let (name, _) = self.text_of(table, "switch", whole)?;
        let switch = Switch::from_name(&name);
        if switch.is_none() {
            let near = did_you_mean(&name, Switch::ALL.iter().map(|s| s.name()));
            let span = table.get("switch").map_or(whole.clone(), Spanned::span);
            self.problem(
                &span,
                format!("there is no switch `{name}`"),
                format!("{near}`dripline policy show cpt` lists them all"),
            );
        }
        switch
    }

    /// The value in the switch's own spelling.
    fn value(&mut self, switch: Switch, written: &Spanned<DeValue<'_>>) -> Option<SwitchValue> {
        let value = match written.get_ref() {
            DeValue::String(text) => Some(SwitchValue::Word(text.to_string())),
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).ok().map(SwitchValue::Integer)
            }
            DeValue::Array(list) => list
                .iter()
                .map(|word| word.get_ref().as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
                .map(SwitchValue::List),
            _ => None,
        };
        let Some(value) = value else {
            self.problem(
                &written.span(),
                format!("`{}` cannot take this", switch.name()),
                "write a word in quotes, a whole number or a list of words in quotes",
            );
            return None;
        };
        let mut policy = Policy::default();
        match policy.set(switch, &value) {
            Ok(()) => Some(policy.get(switch)),
            Err(error) => {
                self.problem(&written.span(), error.message, takes(switch, &value));
                None
            }
        }
    }

    /// No switch may have two values on one date.
    fn overlap(&mut self, earlier: &[Dated], dated: &Dated, span: &Range<usize>) {
        let clash = earlier.iter().find(|other| {
            other.switch == dated.switch
                && other.until.is_none_or(|until| dated.since <= until)
                && dated.until.is_none_or(|until| other.since <= until)
        });
        if let Some(other) = clash {
            self.problem(
                span,
                format!(
                    "`{}` has two values on {}: here and on line {}",
                    dated.switch.name(),
                    dated.since.max(other.since),
                    other.line
                ),
                "end the earlier one with `until`, the day before the later one's `since`",
            );
        }
    }
}
