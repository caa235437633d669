//! Expectation against answer.

use dripline::SmolStr;
use dripline::coding::{Coding, ShortLine};

use super::expect::{Expectation, Expected, Wanted};
use super::{Answer, Outcome, TextCase, Verdict};

/// A place where expectation and answer part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Expected, and not so.
    Missing {
        /// Line of the expectation in its file.
        line: usize,
        /// As written.
        text: String,
    },
    /// Not expected, and so.
    Surplus {
        /// As an expectation line.
        text: String,
    },
}

/// Whether the expectation of a case holds for its answer.
#[must_use]
pub fn check(case: &TextCase, answer: &Answer) -> Outcome {
    let verdict = match &case.expectation {
        Err(problem) => Verdict::Malformed(problem.clone()),
        Ok(expectation) => {
            let differences = differences(expectation, answer);
            if differences.is_empty() {
                Verdict::Pass
            } else {
                Verdict::Fail { differences, got: written(answer, Extent::ALL, &[]) }
            }
        }
    };
    Outcome { line: case.line, title: case.title.clone(), verdict }
}

fn differences(expectation: &Expectation, answer: &Answer) -> Vec<Difference> {
    let missing = |e: &Expected| Difference::Missing { line: e.line, text: e.text.clone() };
    match (expectation, answer) {
        (Expectation::Error { text, .. }, Answer::Refused(message)) if message.contains(text.as_str()) => Vec::new(),
        (Expectation::Error { line, text }, answer) => {
            let mut found = vec![Difference::Missing { line: *line, text: format!("error: {text}") }];
            if let Answer::Refused(message) = answer {
                found.push(Difference::Surplus { text: format!("error: {message}") });
            }
            found
        }
        (Expectation::Coded { expected, .. }, Answer::Refused(message)) => {
            let mut found: Vec<_> = expected.iter().map(missing).collect();
            found.push(Difference::Surplus { text: format!("error: {message}") });
            found
        }
        (Expectation::Coded { expected, partial }, Answer::Coded(coding)) => {
            let mut found = Vec::new();
            lines(expected, false, *partial, coding, &mut found);
            if expected.iter().any(|e| matches!(e.wanted, Wanted::Line { drug: true, .. })) {
                lines(expected, true, *partial, coding, &mut found);
            }
            // Two services of one code are two expectations.
            let mut services: Vec<_> = coding.services.iter().map(|s| (s.code.as_str(), s.verdict)).collect();
            for e in expected {
                let holds = match &e.wanted {
                    Wanted::Line { .. } | Wanted::Nothing | Wanted::More => true,
                    Wanted::Unreported { id, rule } => coding.unreported.iter().any(|u| {
                        u.administration == *id && rule.is_none_or(|r| u.rules.iter().any(|x| x == r.as_str()))
                    }),
                    Wanted::Service { code, verdict } => {
                        let at = services.iter().position(|s| *s == (code.as_str(), *verdict));
                        at.map(|i| services.remove(i)).is_some()
                    }
                    Wanted::Query { id, field } => {
                        coding.queries.iter().any(|q| q.field == *field && q.administrations.contains(id))
                    }
                    Wanted::Edit { kind, code } => coding.edits.iter().any(|x| x.kind == *kind && x.code == *code),
                };
                if !holds {
                    found.push(missing(e));
                }
            }
            found
        }
    }
}

/// The lines of one sort: each expectation takes one line of the answer; dated ones choose first.
fn lines(expected: &[Expected], drugs: bool, partial: bool, coding: &Coding, found: &mut Vec<Difference>) {
    let mut left: Vec<ShortLine> = if drugs {
        coding.drug_lines.iter().map(|l| l.short()).collect()
    } else {
        coding.lines.iter().map(|l| l.short()).collect()
    };
    let dated = left.windows(2).any(|w| w[0].date != w[1].date);
    let mut unmet = Vec::new();
    for with_date in [true, false] {
        for e in expected {
            let Wanted::Line { drug, code, modifiers, units, date } = &e.wanted else { continue };
            if *drug != drugs || date.is_some() != with_date {
                continue;
            }
            let at = left.iter().position(|l| {
                l.code == *code
                    && l.modifiers == *modifiers
                    && l.units == *units
                    && date.is_none_or(|date| l.date.0 == date)
            });
            match at {
                Some(i) => drop(left.remove(i)),
                None => unmet.push(e),
            }
        }
    }
    unmet.sort_by_key(|e| e.line);
    found.extend(unmet.iter().map(|e| Difference::Missing { line: e.line, text: e.text.clone() }));
    if !partial {
        found.extend(left.iter().map(|l| Difference::Surplus { text: line(l, dated) }));
    }
}

/// How much of an answer is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub dates: bool,
    pub drug_lines: bool,
    pub queries: bool,
    pub edits: bool,
}

impl Extent {
    pub const ALL: Extent = Extent { dates: false, drug_lines: true, queries: true, edits: true };
}

fn line(l: &ShortLine, dated: bool) -> String {
    let code: String =
        [l.code.as_str()].into_iter().chain(l.modifiers.iter().map(SmolStr::as_str)).collect::<Vec<_>>().join("-");
    let date = if dated { format!(" on {}", l.date) } else { String::new() };
    format!("{code} x{}{date}", l.units)
}

fn quoted(id: &str) -> String {
    if id.contains([' ', '\t', ':']) { format!("\"{id}\"") } else { id.to_owned() }
}

/// An answer as expectation lines. Dates stand where there is more than one. Rules that were named before are named
/// again where they still hold.
pub(super) fn written(answer: &Answer, extent: Extent, before: &[Expected]) -> Vec<String> {
    let coding = match answer {
        Answer::Refused(message) => return vec![format!("error: {}", message.lines().next().unwrap_or("").trim())],
        Answer::Coded(coding) => coding,
    };
    let mut out = Vec::new();
    let mut put = |lines: Vec<ShortLine>| {
        let dated = extent.dates || lines.windows(2).any(|w| w[0].date != w[1].date);
        out.extend(lines.iter().map(|l| line(l, dated)));
    };
    put(coding.lines.iter().map(|l| l.short()).collect());
    if extent.drug_lines {
        put(coding.drug_lines.iter().map(|l| l.short()).collect());
    }
    if coding.lines.is_empty() {
        out.insert(0, "nothing".to_owned());
    }
    for u in &coding.unreported {
        let named = before.iter().find_map(|e| match &e.wanted {
            Wanted::Unreported { id, rule: Some(rule) } if *id == u.administration => Some(rule.as_str()),
            _ => None,
        });
        let rule = named.filter(|r| u.rules.iter().any(|x| x == r)).or(u.rules.last().map(SmolStr::as_str));
        out.push(match rule {
            Some(rule) => format!("unreported {}: {rule}", quoted(&u.administration)),
            None => format!("unreported {}", quoted(&u.administration)),
        });
    }
    out.extend(coding.services.iter().map(|s| format!("service {} {}", s.code, s.verdict)));
    if extent.queries {
        for q in &coding.queries {
            out.extend(q.administrations.first().map(|id| format!("query {} {}", quoted(id), q.field)));
        }
    }
    if extent.edits {
        out.extend(coding.edits.iter().map(|e| format!("edit {} {}", e.kind, e.code)));
    }
    out
}
