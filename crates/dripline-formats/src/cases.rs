//! Text cases: rules as anyone can read and test them.
//!
//! A case is an input (worksheet text or JSON), a line `----` and what is expected. In Markdown it stands in a fence
//! tagged `case`; in a `.case` file cases are divided by lines of `====`; a `.jsonl` file holds a published case a line
//! ([`rows`]). Expectation lines, one thing each:
//!
//! | line | holds when |
//! |---|---|
//! | `96372-59 x1 on 2026-01-05` | an administration line has this code, these modifiers in this order, these units and, if written, this date |
//! | `J2405 x8` | the same of a drug line: any code that the engine itself cannot earn |
//! | `unreported 2: same-push-again-office` | administration 2 stands in no line and, if written, that rule says so |
//! | `service 99213 kept` | the listed service has this verdict |
//! | `query 1 stop` | a question about administration 1 asks for this key |
//! | `edit ptp 96372` | a finding of this kind stands on this code |
//! | `error: text` | the case is refused with a message that holds the text |
//! | `nothing` | there is no administration line |
//! | `…` | further administration and drug lines are allowed |
//!
//! Administration lines are exact and complete, each written line standing for one. Drug lines are complete if any is
//! written. What else is written must hold; what is not is not looked at. Lines that begin with `#` are comments.

mod check;
mod complete;
mod expect;
mod read;
pub mod rows;

#[cfg(test)]
mod tests;

use std::fmt;

use dripline::coding::Coding;
use dripline_reference::{Coder, Options};

pub use check::{Difference, check};
pub use complete::complete;
pub use expect::{Expectation, Expected, Wanted};
pub use read::{Kind, TextCase, read};

/// Something wrong with how a case is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseProblem {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What would mend it.
    pub help: String,
}

impl fmt::Display for CaseProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)?;
        if self.help.is_empty() { Ok(()) } else { write!(f, "\n  help: {}", self.help) }
    }
}

impl std::error::Error for CaseProblem {}

/// What became of a case's input.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It was coded.
    Coded(Box<Coding>),
    /// It was refused, with this message.
    Refused(String),
}

/// What became of a text case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Line of the case in its file, from 1.
    pub line: usize,
    /// What it shows, from its first comment.
    pub title: String,
    /// Whether the expectation holds.
    pub verdict: Verdict,
}

/// Whether an expectation holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Pass,
    /// It does not.
    Fail {
        /// Where expectation and answer part.
        differences: Vec<Difference>,
        /// The answer, as expectation lines.
        got: Vec<String>,
    },
    /// It cannot be read.
    Malformed(CaseProblem),
}

/// The outcomes of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file's name as given.
    pub file: String,
    /// One for each case, in the file's order.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// How many cases hold.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.outcomes.iter().filter(|o| o.verdict == Verdict::Pass).count()
    }

    /// Whether every case can be read.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        !self.outcomes.iter().any(|o| matches!(o.verdict, Verdict::Malformed(_)))
    }

    /// Whether all do.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.passed() == self.outcomes.len()
    }
}

/// The failures, each with its place; nothing for a clean report.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outcome in self.outcomes.iter().filter(|o| o.verdict != Verdict::Pass) {
            let title = if outcome.title.is_empty() { "a case" } else { &outcome.title };
            writeln!(f, "{}:{}: {title}", self.file, outcome.line)?;
            match &outcome.verdict {
                Verdict::Pass => {}
                Verdict::Malformed(problem) => {
                    writeln!(f, "  {}:{}: {}", self.file, problem.line, problem.message)?;
                    if !problem.help.is_empty() {
                        writeln!(f, "  help: {}", problem.help)?;
                    }
                }
                Verdict::Fail { differences, got } => {
                    for difference in differences {
                        match difference {
                            Difference::Missing { line, text } => {
                                writeln!(f, "  - {text}    ({}:{line}, expected)", self.file)?;
                            }
                            Difference::Surplus { text } => writeln!(f, "  + {text}    (not expected)")?,
                        }
                    }
                    writeln!(f, "  the answer:")?;
                    for line in got {
                        writeln!(f, "    {line}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Codes the input of a case. `position` is its place in the file, from 1.
#[must_use]
pub fn answer(case: &TextCase, position: usize, coder: &Coder, options: &Options) -> Answer {
    let (chart, read) = match case.chart() {
        Ok(read) => read,
        Err(message) => return Answer::Refused(message),
    };
    match coder.code(&chart, position, &read, options) {
        Ok(coding) => Answer::Coded(Box::new(coding)),
        Err(error) => Answer::Refused(error.to_string()),
    }
}

/// Runs all cases of a file; its name decides how it is read.
#[must_use]
pub fn run(name: &str, text: &str, coder: &Coder, options: &Options) -> Report {
    let outcomes = read(Kind::of(name), text)
        .iter()
        .enumerate()
        .map(|(i, case)| check(case, &answer(case, i + 1, coder, options)))
        .collect();
    Report { file: name.to_owned(), outcomes }
}
