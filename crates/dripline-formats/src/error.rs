//! One kind of error for everything that is read: what is wrong, where, and what would mend it.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// The part of a line that an error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, or the part of a long one around the place.
    pub text: String,
    /// Characters before the place.
    pub at: usize,
    /// Characters in question.
    pub length: usize,
}

/// Why a case cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The case's id, where it can be read.
    pub case: Option<String>,
    /// The file's name as it was given; `-` is standard input.
    pub file: String,
    /// Where in the file.
    pub place: Option<Place>,
    /// Key path, as `administrations[2].stop`; empty where there is none.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would mend it.
    pub help: String,
    /// The line in question.
    pub excerpt: Option<Excerpt>,
}

/// As a line of JSON Lines: `{"case":…,"error":{…}}`.
impl Serialize for ReadError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = Inner {
            file: &self.file,
            line: self.place.map(|p| p.line),
            column: self.place.map(|p| p.column),
            path: &self.path,
            message: &self.message,
            help: &self.help,
        };
        Outer { case: self.case.as_deref(), error }.serialize(serializer)
    }
}

/// What stands in the place of a case that cannot be used.
#[derive(Serialize, JsonSchema)]
struct Outer<'a> {
    /// The case's id, where it can be read.
    case: Option<&'a str>,
    /// What is wrong.
    error: Inner<'a>,
}

/// What is wrong with a case, where, and what would mend it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CaseError")]
struct Inner<'a> {
    /// The file's name as it was given; `-` is standard input or the body of a request.
    file: &'a str,
    /// Line, from 1.
    line: Option<usize>,
    /// Column in characters, from 1.
    column: Option<usize>,
    /// Key path; empty where there is none.
    path: &'a str,
    /// What is wrong.
    message: &'a str,
    /// What would mend it.
    help: &'a str,
}

impl JsonSchema for ReadError {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Refused".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Outer::json_schema(generator)
    }
}

/// Most characters of a value that a message repeats.
const MOST_OF_A_VALUE: usize = 40;

/// A message whose quoted values are cut: it tells which value is meant without repeating a chart.
#[must_use]
pub fn shortened(message: String) -> String {
    if message.len() <= MOST_OF_A_VALUE {
        return message;
    }
    let mut short = String::with_capacity(message.len());
    let mut rest = message.as_str();
    while let Some(open) = rest.find(['`', '"']) {
        let quote = &rest[open..=open];
        let inside = &rest[open + 1..];
        // A quote that stands in the value itself ends it early; what follows the last one is text of ours.
        let Some(length) = inside.find(quote) else { break };
        short.push_str(&rest[..=open]);
        match inside[..length].char_indices().nth(MOST_OF_A_VALUE) {
            Some((cut, _)) => short.extend([&inside[..cut], "…", quote]),
            None => short.push_str(&inside[..=length]),
        }
        rest = &inside[length + 1..];
    }
    short.push_str(rest);
    short
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.file))?;
        if let Some(place) = self.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        f.write_str(": ")?;
        if let Some(case) = &self.case {
            write!(f, "case {}: ", shown(case))?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", shown(&self.path))?;
        }
        f.write_str(&shown(&self.message))?;
        let number = self.place.map_or(0, |p| p.line).to_string();
        let gap = " ".repeat(number.len());
        if let Some(Excerpt { text, at, length }) = &self.excerpt {
            let indent: String = text.chars().take(*at).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            write!(f, "\n{gap} |\n{number} | {}\n{gap} | {indent}{}", shown(text), "^".repeat((*length).max(1)))?;
        }
        for (i, line) in self.help.lines().enumerate() {
            write!(f, "\n{gap} {} {}", if i == 0 { "= help:" } else { "       " }, shown(line))?;
        }
        Ok(())
    }
}

impl std::error::Error for ReadError {}

/// Text from a file as it may stand in a terminal: nothing in it can steer the terminal.
pub(crate) fn shown(text: &str) -> std::borrow::Cow<'_, str> {
    let steers =
        |c: char| (c.is_control() && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.contains(steers) {
        text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect::<String>().into()
    } else {
        text.into()
    }
}

/// Characters of a long line that are shown on either side of the place.
const WINDOW: usize = 48;

impl Excerpt {
    /// The excerpt of a line around byte `at`, with `length` bytes in question. `elided`: the line began earlier.
    pub(crate) fn of(line: &str, at: usize, length: usize, elided: bool) -> Excerpt {
        let floor = |i: usize| (0..=i.min(line.len())).rev().find(|i| line.is_char_boundary(*i)).unwrap_or(0);
        let (at, end) = (floor(at), floor(at.saturating_add(length)));
        let before: Vec<char> = line[..at].chars().rev().take(WINDOW + 1).collect();
        let cut = before.len() > WINDOW;
        let from_start = !cut && !elided;
        let before: String = before.into_iter().take(WINDOW).rev().collect();
        let inside = line[at..end.max(at)].chars().count();
        let rest: String = line[at..].chars().take(inside.min(WINDOW) + WINDOW).collect();
        let more = line[at..].chars().count() > rest.chars().count();
        let length = inside.clamp(1, WINDOW);
        let before = if from_start { before } else { format!("…{before}") };
        Excerpt { at: before.chars().count(), length, text: format!("{before}{rest}{}", if more { "…" } else { "" }) }
    }
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn a_long_value_is_cut_and_the_words_around_it_stay() {
        let long = "é".repeat(300);
        assert_eq!(shortened(format!("`{long}` is not a value of this key")), {
            format!("`{}…` is not a value of this key", "é".repeat(40))
        });
        assert_eq!(
            shortened(format!("expected a text, found the text \"{long}\" here")),
            format!("expected a text, found the text \"{}…\" here", "é".repeat(40))
        );
        let short = "`hydration_sum` takes one of all, per_interval, not `both`".to_owned();
        assert_eq!(shortened(short.clone()), short);
        let open = format!("one `quote and then {}", "x".repeat(50));
        assert_eq!(shortened(open.clone()), open);
    }
}
