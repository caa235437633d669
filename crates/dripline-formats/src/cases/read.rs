//! Finding the cases of a file and dividing each into input and expectation.

use std::ops::Range;

use dripline::chart::Chart;
use dripline::coding::Assumption;

use super::CaseProblem;
use super::expect::{self, Expectation};
use crate::{json, worksheet};

/// How cases stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In fences tagged `case`.
    Markdown,
    /// Divided by lines of `====`.
    Blocks,
}

impl Kind {
    /// By the file's name: `.md` is Markdown, anything else holds blocks.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        if ["md", "markdown"].iter().any(|e| ending.eq_ignore_ascii_case(e)) { Kind::Markdown } else { Kind::Blocks }
    }
}

/// A case as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextCase {
    /// Line of its first line in the file, from 1.
    pub line: usize,
    /// Its first comment, or nothing.
    pub title: String,
    /// In Markdown, the nearest heading above it.
    pub heading: String,
    /// The input part; comments before it are blank lines.
    pub input: String,
    /// What is expected, or why that cannot be read.
    pub expectation: Result<Expectation, CaseProblem>,
    pub(super) part: Part,
}

/// Where the expectation stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// From after the divider to the end of the case.
    pub bytes: Range<usize>,
    /// Whether there is a divider.
    pub divided: bool,
    /// What stands before each line of the fence.
    pub indent: String,
    /// Whether the end of the case was found; without it nothing can be written.
    pub closed: bool,
}

impl TextCase {
    /// The input as a chart, with what its reader took for granted.
    ///
    /// # Errors
    /// Why it cannot be read, on one line.
    pub fn chart(&self) -> Result<(Chart, Vec<Assumption>), String> {
        if self.input.trim_start().starts_with(['{', '[']) {
            // No text of JSON runs over several lines, so a line that begins with `#` is never part of it.
            let text: String = self
                .input
                .lines()
                .map(|line| if line.trim_start().starts_with('#') { "\n".to_owned() } else { format!("{line}\n") })
                .collect();
            return json::chart_from_str("", &text).map(|chart| (chart, Vec::new())).map_err(|e| {
                let at = if e.path.is_empty() { String::new() } else { format!("{}: ", e.path) };
                format!("{at}{}", e.message)
            });
        }
        match worksheet::parse_one(&self.input) {
            Ok(parsed) => Ok((parsed.chart, parsed.assumptions)),
            // Counted from the case's first line: written as an expectation, it must hold wherever the case then stands.
            Err(problem) => Err(format!("line {} of the case: {}", problem.line, problem.message)),
        }
    }
}

/// A line of the file without its end, and where it stands.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    start: usize,
    text: &'a str,
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n')
        .enumerate()
        .map(|(i, raw)| {
            let line = Line { number: i + 1, start, text: raw.trim_end_matches(['\n', '\r']) };
            start += raw.len();
            line
        })
        .collect()
}

/// The cases of a file, in order.
#[must_use]
pub fn read(kind: Kind, text: &str) -> Vec<TextCase> {
    match kind {
        Kind::Markdown => markdown(text),
        Kind::Blocks => blocks(text),
    }
}

/// An open fence: its character, its length, whether it is a case, its indentation and its first line within.
struct Fence {
    mark: char,
    length: usize,
    case: bool,
    indent: usize,
    first: usize,
}

fn markdown(text: &str) -> Vec<TextCase> {
    let lines = lines(text);
    let mut cases = Vec::new();
    let mut heading = String::new();
    let mut open: Option<Fence> = None;
    for (i, line) in lines.iter().enumerate() {
        let bare = line.text.trim_start_matches(' ');
        let indent = line.text.len() - bare.len();
        let mark = bare.chars().next().filter(|c| matches!(c, '`' | '~'));
        let length = mark.map_or(0, |m| bare.chars().take_while(|c| *c == m).count());
        let fence_line = indent <= 3 && length >= 3;
        match &open {
            None if fence_line => {
                let info = bare[length..].trim();
                let mark = mark.unwrap_or('`');
                if mark == '`' && info.contains('`') {
                    continue;
                }
                let case = info.split_whitespace().next() == Some("case");
                open = Some(Fence { mark, length, case, indent, first: i + 1 });
            }
            None => {
                if let Some(title) = bare.strip_prefix('#').filter(|_| indent <= 3) {
                    let title = title.trim_start_matches('#');
                    if title.starts_with(' ') {
                        title.trim().trim_end_matches('#').trim_end().clone_into(&mut heading);
                    }
                }
            }
            Some(fence) => {
                let closes = fence_line
                    && mark == Some(fence.mark)
                    && length >= fence.length
                    && bare[length..].trim().is_empty();
                if closes {
                    if fence.case {
                        cases.push(case(&lines[fence.first..i], line.start, fence.indent, true, &heading));
                    }
                    open = None;
                }
            }
        }
    }
    if let Some(fence) = open.filter(|f| f.case) {
        let mut unclosed = case(&lines[fence.first..], text.len(), fence.indent, false, &heading);
        unclosed.line = fence.first;
        unclosed.expectation = Err(CaseProblem {
            line: fence.first,
            message: "this fence does not end".to_owned(),
            help: "close it with a line of as many marks".to_owned(),
        });
        cases.push(unclosed);
    }
    cases
}

fn rule_of(line: &str, mark: char) -> bool {
    let line = line.trim();
    line.len() >= 4 && line.chars().all(|c| c == mark)
}

fn blocks(text: &str) -> Vec<TextCase> {
    let lines = lines(text);
    let mut cases = Vec::new();
    let mut first = 0;
    for i in 0..=lines.len() {
        let (ends, end) = match lines.get(i) {
            Some(line) => (rule_of(line.text, '='), line.start),
            None => (true, text.len()),
        };
        if ends {
            let block = &lines[first..i];
            if block.iter().any(|l| !l.text.trim().is_empty() && !comment(l.text)) {
                let blank = block.iter().take_while(|l| l.text.trim().is_empty()).count();
                cases.push(case(&block[blank..], end, 0, true, ""));
            }
            first = i + 1;
        }
    }
    cases
}

fn comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// A case out of its lines. `end` is the byte after its last line.
fn case(lines: &[Line<'_>], end: usize, indent: usize, closed: bool, heading: &str) -> TextCase {
    let inner = |text: &str| {
        let strip = text.len() - text.trim_start_matches(' ').len();
        text[strip.min(indent)..].to_owned()
    };
    let divider = lines.iter().position(|l| rule_of(l.text, '-'));
    let (input, expected) = match divider {
        Some(i) => (&lines[..i], &lines[i + 1..]),
        None => (lines, &lines[lines.len()..]),
    };
    let title = input
        .iter()
        .find(|l| comment(l.text))
        .map_or_else(String::new, |l| l.text.trim().trim_start_matches('#').trim().to_owned());
    let mut before = true;
    let text: String = input
        .iter()
        .map(|l| {
            before &= comment(l.text) || l.text.trim().is_empty();
            if before { "\n".to_owned() } else { inner(l.text) + "\n" }
        })
        .collect();
    let line = lines.first().map_or(1, |l| l.number);
    let expectation = if divider.is_some() {
        expect::read(expected.iter().map(|l| (l.number, l.text)), line)
    } else {
        Err(CaseProblem {
            line,
            message: "the case has no line `----`".to_owned(),
            help: "write `----` after the input and below it what is expected, or let --complete write it".to_owned(),
        })
    };
    let start = expected.first().map_or(end, |l| l.start);
    TextCase {
        line,
        title,
        heading: heading.to_owned(),
        input: text,
        expectation,
        part: Part { bytes: start..end, divided: divider.is_some(), indent: " ".repeat(indent), closed },
    }
}
