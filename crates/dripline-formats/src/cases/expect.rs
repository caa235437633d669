//! Expectation lines.

use dripline::SmolStr;
use dripline::code::Code;
use dripline::coding::{EditKind, ServiceVerdict};
use dripline::rule::RuleId;
use jiff::civil::Date;

use super::CaseProblem;

/// What a case expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// To be refused with a message that holds the text.
    Error {
        /// Line in the file.
        line: usize,
        /// The text.
        text: String,
    },
    /// To be coded.
    Coded {
        /// Each expectation with its line in the file.
        expected: Vec<Expected>,
        /// Whether further lines are allowed.
        partial: bool,
    },
}

/// One expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Line in the file.
    pub line: usize,
    /// As written.
    pub text: String,
    /// What is wanted.
    pub wanted: Wanted,
}

/// What an expectation line wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// An administration line, or a drug line where `drug`.
    Line {
        /// Whether it is a drug line.
        drug: bool,
        /// Code.
        code: SmolStr,
        /// Modifiers in order.
        modifiers: Vec<SmolStr>,
        /// Units.
        units: u64,
        /// Date, if written.
        date: Option<Date>,
    },
    /// An administration that stands in no line.
    Unreported {
        /// Its id.
        id: SmolStr,
        /// A rule that says so, if written.
        rule: Option<RuleId>,
    },
    /// The verdict on a listed service.
    Service {
        /// Code.
        code: SmolStr,
        /// Verdict.
        verdict: ServiceVerdict,
    },
    /// A question.
    Query {
        /// Id of an administration that it is about.
        id: SmolStr,
        /// The contract's key that the answer fills.
        field: String,
    },
    /// A finding of an edit table.
    Edit {
        /// Kind.
        kind: EditKind,
        /// Code.
        code: SmolStr,
    },
    /// No administration line.
    Nothing,
    /// Further lines are allowed.
    More,
}

const FORMS: &str = "expectation lines are `CODE[-MOD] xN [on DATE]`, `unreported ID[: rule]`, `service CODE verdict`, \
                     `query ID field`, `edit KIND CODE`, `error: text`, `nothing` and `…`";

pub(super) const VERDICTS: [ServiceVerdict; 3] =
    [ServiceVerdict::Kept, ServiceVerdict::Included, ServiceVerdict::NeedsModifier];

const EDITS: [EditKind; 7] = [
    EditKind::Ptp,
    EditKind::Mue,
    EditKind::AddOn,
    EditKind::Setting,
    EditKind::AloneOnly,
    EditKind::Visit,
    EditKind::NotChecked,
];

/// Reads the expectation part: numbered lines; `case` is the line where the case begins.
pub(super) fn read<'a>(lines: impl Iterator<Item = (usize, &'a str)>, case: usize) -> Result<Expectation, CaseProblem> {
    let mut expected: Vec<Expected> = Vec::new();
    let mut error: Option<(usize, String)> = None;
    for (line, text) in lines {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let problem = |(message, help): (String, String)| CaseProblem { line, message, help };
        if text.len() >= 4 && text.chars().all(|c| c == '-') {
            return Err(problem((
                "a second `----` in one case".to_owned(),
                "divide cases by `====` in a .case file, or by a fence each in Markdown".to_owned(),
            )));
        }
        if let Some(message) = text.strip_prefix("error:") {
            if message.trim().is_empty() {
                return Err(problem(("`error:` names no text".to_owned(), "write part of the message".to_owned())));
            }
            error = Some((line, message.trim().to_owned()));
        } else {
            expected.push(Expected { line, text: text.to_owned(), wanted: wanted(text).map_err(problem)? });
        }
        if let (Some((line, _)), false) = (&error, expected.is_empty()) {
            return Err(CaseProblem {
                line: *line,
                message: "a refused case has no other result".to_owned(),
                help: "keep either `error:` or the other lines".to_owned(),
            });
        }
    }
    if let Some((line, text)) = error {
        return Ok(Expectation::Error { line, text });
    }
    let Some(first) = expected.first() else {
        return Err(CaseProblem {
            line: case,
            message: "the case expects nothing".to_owned(),
            help: "write `nothing` if no administration is to be reported, or let --complete write the answer"
                .to_owned(),
        });
    };
    let first = first.line;
    let lists = |drug: bool| expected.iter().any(|e| matches!(e.wanted, Wanted::Line { drug: d, .. } if d == drug));
    let partial = expected.iter().any(|e| e.wanted == Wanted::More);
    if let Some(nothing) = expected.iter().find(|e| e.wanted == Wanted::Nothing)
        && (lists(false) || partial)
    {
        return Err(CaseProblem {
            line: nothing.line,
            message: "`nothing` beside an administration line or `…`".to_owned(),
            help: "keep one of the two".to_owned(),
        });
    }
    expected.retain(|e| !matches!(e.wanted, Wanted::More));
    if expected.is_empty() {
        return Err(CaseProblem {
            line: first,
            message: "`…` alone tests nothing".to_owned(),
            help: "write at least one line that must hold".to_owned(),
        });
    }
    Ok(Expectation::Coded { expected, partial })
}

type Bad = (String, String);

fn wanted(text: &str) -> Result<Wanted, Bad> {
    if matches!(text, "…" | "...") {
        return Ok(Wanted::More);
    }
    let (first, rest) = match text.split_once(char::is_whitespace) {
        Some((first, rest)) => (first, rest.trim()),
        None => (text, ""),
    };
    match first {
        "nothing" if rest.is_empty() => Ok(Wanted::Nothing),
        "unreported" => unreported(rest),
        "service" => {
            let (code, verdict) = two(rest, "service CODE verdict")?;
            let verdict = named(verdict, &VERDICTS, ServiceVerdict::as_str, "a verdict")?;
            Ok(Wanted::Service { code: self::code(code)?.into(), verdict })
        }
        "query" => {
            let (id, field) = id(rest).ok_or_else(|| shape("query ID field"))?;
            if field.is_empty() || field.contains(char::is_whitespace) {
                return Err(shape("query ID field"));
            }
            Ok(Wanted::Query { id: id.into(), field: field.to_owned() })
        }
        "edit" => {
            let (kind, code) = two(rest, "edit KIND CODE")?;
            let kind = named(kind, &EDITS, EditKind::as_str, "a kind of edit")?;
            Ok(Wanted::Edit { kind, code: self::code(code)?.into() })
        }
        _ => line(first, rest),
    }
}

fn shape(form: &str) -> Bad {
    (format!("this does not read as `{form}`"), FORMS.to_owned())
}

fn two<'a>(rest: &'a str, form: &str) -> Result<(&'a str, &'a str), Bad> {
    let mut words = rest.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(a), Some(b), None) => Ok((a, b)),
        _ => Err(shape(form)),
    }
}

fn named<T: Copy>(word: &str, all: &[T], name: fn(T) -> &'static str, what: &str) -> Result<T, Bad> {
    all.iter().copied().find(|t| name(*t) == word).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|t| name(*t)).collect();
        (format!("`{word}` is not {what}"), format!("take one of {}", names.join(", ")))
    })
}

fn code(text: &str) -> Result<String, Bad> {
    let good = text.len() == 5 && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if good && text.chars().any(|c| c.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err((format!("`{text}` is not a code"), format!("a code has five digits or capitals; {FORMS}")))
    }
}

/// An id at the front, plain or in quotes, and what follows it.
fn id(text: &str) -> Option<(String, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (id, rest) = quoted.split_once('"')?;
        return Some((id.to_owned(), rest.trim_start()));
    }
    let end = text.find([' ', '\t', ':']).unwrap_or(text.len());
    (end > 0).then(|| (text[..end].to_owned(), text[end..].trim_start()))
}

fn unreported(rest: &str) -> Result<Wanted, Bad> {
    let (id, rest) = id(rest).ok_or_else(|| shape("unreported ID[: rule]"))?;
    if rest.is_empty() {
        return Ok(Wanted::Unreported { id: id.into(), rule: None });
    }
    let name = rest.strip_prefix(':').ok_or_else(|| shape("unreported ID[: rule]"))?.trim();
    match RuleId::from_name(name) {
        Some(rule) => Ok(Wanted::Unreported { id: id.into(), rule: Some(rule) }),
        None => Err((format!("there is no rule `{name}`"), "`dripline rule` lists them all".to_owned())),
    }
}

fn line(first: &str, rest: &str) -> Result<Wanted, Bad> {
    let form = "CODE[-MOD] xN [on DATE]";
    let mut parts = first.split('-');
    let code = code(parts.next().unwrap_or(""))?;
    let modifiers: Vec<SmolStr> = parts.map(SmolStr::from).collect();
    for modifier in &modifiers {
        if modifier.len() != 2 || !modifier.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()) {
            return Err((
                format!("`{modifier}` is not a modifier"),
                "a modifier has two digits or capitals".to_owned(),
            ));
        }
    }
    let words: Vec<_> = rest.split_whitespace().collect();
    let (units, date) = match words.as_slice() {
        [units] => (*units, None),
        [units, "on", date] => (*units, Some(*date)),
        _ => return Err(shape(form)),
    };
    let units = units
        .strip_prefix('x')
        .and_then(|n| n.parse::<u64>().ok())
        .filter(|n| *n > 0)
        .ok_or_else(|| (format!("`{units}` is not a number of units"), "write it as x1".to_owned()))?;
    let date = date
        .map(|date| {
            dripline::time::strict_date(date)
                .ok_or_else(|| (format!("`{date}` is not a date"), "write it as 2026-01-05".to_owned()))
        })
        .transpose()?;
    Ok(Wanted::Line { drug: Code::from_name(&code).is_none(), code: code.into(), modifiers, units, date })
}
