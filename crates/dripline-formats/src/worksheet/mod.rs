//! Worksheet text: what a person types, read into a [`Chart`] and written back.
//!
//! The grammar stands in `docs/worksheet.md`. Two promises hold for every input: a line that cannot be read one way only
//! is a [`Problem`] that points at the words in question, never a guess; and every chart can be written, and what is
//! written reads back equal.
//!
//! The reader knows shapes, not drugs: names, codes and switches are looked up later, the same way as for JSON.

mod keys;
mod lex;
mod read;
mod say;
mod time;
mod words;
mod write;

#[cfg(test)]
mod tests;

use std::fmt;

use dripline::chart::Chart;
use dripline::coding::Assumption;

pub use keys::{ACCESS, BILLED, CASE, ROW, SERVICE};
pub use read::{parse, parse_one};
pub use write::write;

/// Why a case cannot be read: one place in the text and what would mend it.
///
/// Its `Display` is a picture of the line with carets under the words in question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The case's own id, where its header could be read.
    pub case: Option<String>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters are in question, at least 1.
    pub length: usize,
    /// The line as written.
    pub source_line: String,
    /// What is wrong.
    pub message: String,
    /// What would mend it; may hold several lines.
    pub help: String,
}

/// A case that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The chart.
    pub chart: Chart,
    /// What the reader took that was not written out.
    pub assumptions: Vec<Assumption>,
    /// Line of the case's header, from 1.
    pub first_line: usize,
}

/// Characters of a long line that the picture shows on either side of the place.
const WINDOW: usize = 60;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chars: Vec<char> = self
            .source_line
            .chars()
            .map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c })
            .collect();
        let at = self.column.saturating_sub(1).min(chars.len());
        let from = if at > WINDOW * 2 { at - WINDOW } else { 0 };
        let to = chars.len().min(at.saturating_add(self.length).saturating_add(WINDOW).min(from + WINDOW * 4));
        let (before, after) = (if from > 0 { "…" } else { "" }, if to < chars.len() { "…" } else { "" });
        let shown: String = chars[from..to].iter().collect();
        let indent: String = chars[from..at].iter().map(|c| if *c == '\t' { '\t' } else { ' ' }).collect();
        let carets = "^".repeat(self.length.clamp(1, to.saturating_sub(at).max(1)));
        let number = self.line.to_string();
        let gap = " ".repeat(number.len());
        writeln!(f, "line {}, column {}: {}", self.line, self.column, self.message)?;
        writeln!(f, "{gap} |")?;
        writeln!(f, "{number} | {before}{shown}{after}")?;
        write!(f, "{gap} | {}{indent}{carets}", if from > 0 { " " } else { "" })?;
        if !self.help.is_empty() {
            write!(f, "\n{gap} = help: {}", self.help.replace('\n', &format!("\n{gap}         ")))?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
