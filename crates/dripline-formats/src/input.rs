//! One door for all input: JSON or worksheet text, told apart by the first byte.

use std::io::{self, BufRead, Read as _};

use dripline::chart::Chart;
use dripline::coding::Assumption;

use crate::error::{Excerpt, Place, ReadError, shortened};
use crate::json::JsonCases;
use crate::worksheet::{self as sheet, Parsed, Problem};

/// Most bytes of a worksheet text: it is typed by hand.
const MOST_TEXT: u64 = 64 << 20;

/// A case that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The chart as written.
    pub chart: Chart,
    /// 1-based place in the input: the id of a case that has none.
    pub position: usize,
    /// What the reader took that was not written out.
    pub assumptions: Vec<Assumption>,
}

impl Case {
    /// Its own id, or its position.
    #[must_use]
    pub fn id(&self) -> String {
        self.chart.case.clone().unwrap_or_else(|| self.position.to_string())
    }
}

/// The cases of one input, one after another.
pub struct Cases<R> {
    file: String,
    kind: Kind<R>,
    position: usize,
}

enum Kind<R> {
    Json(JsonCases<R>),
    Worksheet { cases: std::vec::IntoIter<Result<Parsed, Problem>>, line: usize },
    Failed(Option<ReadError>),
}

impl<R: BufRead> Cases<R> {
    /// The cases of `input`; `file` is its name in messages, and `before` cases were read ahead of it.
    pub fn new(file: &str, input: R, before: usize) -> Self {
        let mut json = JsonCases::new(file, input);
        let kind = match json.begins() {
            Ok(Some(b'{' | b'[') | None) => Kind::Json(json),
            Ok(Some(_)) => {
                let (input, place) = json.into_rest();
                worksheet(file, input, place).unwrap_or_else(|e| Kind::Failed(Some(e)))
            }
            Err(e) => Kind::Failed(Some(unreadable(file, &e))),
        };
        Cases { file: file.to_owned(), kind, position: before }
    }

    /// How many cases were read, good or bad, with those ahead of this input.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// The error of a key of the case read last, with its place.
    #[must_use]
    pub fn error_at(&self, case: &Case, path: &str, message: &str, help: &str) -> ReadError {
        // An id that looks like a patient's identity is not repeated.
        let own = case.chart.case.as_deref().is_none_or(|id| dripline_reference::resolve::check_case_id(id).is_ok());
        let id = own.then(|| case.id());
        match &self.kind {
            Kind::Json(json) => json.error_at(id, path, message, help),
            Kind::Worksheet { line, .. } => ReadError {
                case: id,
                file: self.file.clone(),
                place: Some(Place { line: *line, column: 1 }),
                path: path.to_owned(),
                message: shortened(message.to_owned()),
                help: help.to_owned(),
                excerpt: None,
            },
            Kind::Failed(_) => ReadError {
                case: id,
                file: self.file.clone(),
                place: None,
                path: path.to_owned(),
                message: shortened(message.to_owned()),
                help: help.to_owned(),
                excerpt: None,
            },
        }
    }
}

impl<R: BufRead> Iterator for Cases<R> {
    type Item = Result<Case, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match &mut self.kind {
            Kind::Json(json) => json.next()?.map(|chart| (chart, Vec::new())),
            Kind::Worksheet { cases, line } => match cases.next()? {
                Ok(parsed) => {
                    *line = parsed.first_line;
                    Ok((parsed.chart, parsed.assumptions))
                }
                Err(problem) => Err(misread(&self.file, problem)),
            },
            Kind::Failed(error) => Err(error.take()?),
        };
        self.position += 1;
        Some(next.map(|(chart, assumptions)| Case { chart, position: self.position, assumptions }))
    }
}

fn unreadable(file: &str, error: &io::Error) -> ReadError {
    let (message, help) = (format!("it cannot be read: {error}"), String::new());
    ReadError { case: None, file: file.to_owned(), place: None, path: String::new(), message, help, excerpt: None }
}

fn misread(file: &str, problem: Problem) -> ReadError {
    let line = problem.source_line.as_str();
    let byte = |characters: usize| line.char_indices().nth(characters).map_or(line.len(), |(i, _)| i);
    let at = byte(problem.column.saturating_sub(1));
    let end = byte(problem.column.saturating_sub(1) + problem.length);
    ReadError {
        case: problem.case.filter(|id| dripline_reference::resolve::check_case_id(id).is_ok()),
        file: file.to_owned(),
        place: Some(Place { line: problem.line, column: problem.column }),
        path: String::new(),
        excerpt: (!line.is_empty()).then(|| Excerpt::of(line, at, end - at, false)),
        message: shortened(problem.message),
        help: problem.help,
    }
}

/// Reads the whole text; `place` is where its first character that is not blank stands.
fn worksheet<R: BufRead>(file: &str, input: R, place: Place) -> Result<Kind<R>, ReadError> {
    // What was passed is put back as blanks, so that lines and columns are those of the file.
    let mut bytes = vec![b'\n'; place.line - 1];
    bytes.resize(place.line - 1 + place.column - 1, b' ');
    let fail = |place: Place, message: String, help: &str| ReadError {
        case: None,
        file: file.to_owned(),
        place: Some(place),
        path: String::new(),
        message,
        help: help.to_owned(),
        excerpt: None,
    };
    let blanks = bytes.len();
    input.take(MOST_TEXT + 1).read_to_end(&mut bytes).map_err(|e| unreadable(file, &e))?;
    if (bytes.len() - blanks) as u64 > MOST_TEXT {
        let message = format!("the text is longer than {} MB", MOST_TEXT >> 20);
        return Err(fail(place, message, "split it, or write the cases as JSON Lines"));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let good = e.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&e.as_bytes()[..good]).into_owned();
        let line = before.rsplit('\n').next().unwrap_or("");
        let place = Place { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 };
        fail(place, format!("byte {:#04x} is not UTF-8", e.as_bytes()[good]), "save the file as UTF-8")
    })?;
    let cases = sheet::parse(&text);
    if cases.is_empty() {
        let help = "begin with who bills and the date, as office 1/5/26, and write one administration a line";
        return Err(fail(place, "there is no case here, only comments".to_owned(), help));
    }
    Ok(Kind::Worksheet { cases: cases.into_iter(), line: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_without_cases_says_so() {
        for text in ["", " \n\t\n", "\u{feff}", "# Only a comment.\n\n  # And one more.", "[]", "[ ]\n"] {
            let mut cases = Cases::new("chart.txt", text.as_bytes(), 0);
            let error = cases.next().expect("one message").expect_err(text);
            assert!(error.message.contains("no case") && !error.help.is_empty(), "{text:?}: {error}");
            assert!(cases.next().is_none(), "{text:?}");
        }
    }
}
