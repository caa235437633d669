//! The answers, as bytes: the same over HTTP and MCP, and the same as the command's.

use std::cell::RefCell;

use dripline::coding::Coding;
use dripline_formats::compare::{With, compare as compared};
use dripline_formats::input::{Case, Cases};
use dripline_formats::json;
use dripline_reference::{ChartError, Coder, Options};

use crate::problem::{Kind, Problem};

/// The name of a body in messages, as that of standard input.
pub(crate) const BODY: &str = "-";

/// How a text holds its cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// Worksheet text, or JSON: the first character tells.
    Text,
}

/// The coding of the one case of a text: the line that `dripline code --format jsonl` writes.
///
/// # Errors
/// What is wrong with the text or the case.
pub fn code(coder: &Coder, text: &[u8], form: Form, options: &Options) -> Result<String, Problem> {
    one(text, form, |case, blame| coder.code(&case.chart, case.position, &case.assumptions, options).map_err(blame))
}

/// Why the one case of a text does or does not earn a code.
///
/// # Errors
/// What is wrong with the text, the case or the code.
pub fn why_not(coder: &Coder, text: &[u8], form: Form, code: &str, options: &Options) -> Result<String, Problem> {
    one(text, form, |case, blame| {
        coder.why_not(&case.chart, case.position, code, options).map_err(|e| match e.path.as_str() {
            "code" => Problem::parameter("code", e.message, e.help),
            _ => blame(e),
        })
    })
}

/// The one case of a text beside itself or what was billed.
///
/// # Errors
/// What is wrong with the text or the case, on either side.
pub fn compare(coder: &Coder, text: &[u8], form: Form, with: &With, options: &Options) -> Result<String, Problem> {
    one(text, form, |case, blame| compared(coder, options, with, case).map_err(blame))
}

/// The one case of a text with its coding.
pub(crate) fn case(coder: &Coder, text: &[u8], form: Form, options: &Options) -> Result<(Case, Coding), Problem> {
    only(text, form, |case, blame| {
        let coding = coder.code(&case.chart, case.position, &case.assumptions, options).map_err(blame)?;
        Ok((case.clone(), coding))
    })
}

fn one<T: serde::Serialize>(
    text: &[u8],
    form: Form,
    answer: impl FnOnce(&Case, &dyn Fn(ChartError) -> Problem) -> Result<T, Problem>,
) -> Result<String, Problem> {
    only(text, form, answer).map(|answer| line(&answer))
}

fn only<T>(
    text: &[u8],
    form: Form,
    answer: impl FnOnce(&Case, &dyn Fn(ChartError) -> Problem) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let cases = RefCell::new(cases(text, form)?);
    let Some(case) = cases.borrow_mut().next() else { return Err(none()) };
    let case = case?;
    let blame = |e: ChartError| cases.borrow().error_at(&case, &e.path, &e.message, &e.help).into();
    let answer = answer(&case, &blame)?;
    match cases.borrow_mut().next() {
        None => Ok(answer),
        Some(Err(error)) => Err(error.into()),
        Some(Ok(_)) => Err(Problem::new(
            Kind::ManyCases,
            "a second case follows the first",
            "send one case; /v1/code codes many with the header Accept: application/x-ndjson",
        )),
    }
}

/// The cases of a text, in its form.
pub(crate) fn cases(text: &[u8], form: Form) -> Result<Cases<&[u8]>, Problem> {
    let begins = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start().first();
    match (begins, form) {
        (None, _) => Err(none()),
        (Some(b'{' | b'['), _) | (_, Form::Text) => Ok(Cases::new(BODY, text, 0)),
        (_, Form::Json) => Err(Problem::new(
            Kind::Case,
            "the body does not begin as JSON",
            "a case is an object { … }; worksheet text is sent as text/plain",
        )),
    }
}

fn none() -> Problem {
    Problem::new(Kind::Case, "there is no case here", "send a case as JSON, or worksheet text as text/plain")
}

/// A value as one line, with its end.
pub(crate) fn line(value: &impl serde::Serialize) -> String {
    let mut line = json::line(value);
    line.push('\n');
    line
}

/// The lines of many cases, good and bad, one after another.
pub(crate) fn each<R: std::io::BufRead>(
    coder: &Coder,
    mut cases: Cases<R>,
    options: &Options,
    mut take: impl FnMut(String, bool) -> bool,
) {
    while let Some(case) = cases.next() {
        let coded = case.and_then(|case| {
            coder
                .code(&case.chart, case.position, &case.assumptions, options)
                .map_err(|e| cases.error_at(&case, &e.path, &e.message, &e.help))
        });
        let (line, good) = match &coded {
            Ok(coding) => (line(coding), true),
            Err(error) => (line(error), false),
        };
        if !take(line, good) {
            return;
        }
    }
}
