//! Reads cases from JSON: one object, a list, or one object a line.

use std::io::{self, BufRead};

use dripline::chart::Chart;
use serde_json::error::Category;

use super::place::{Found, Part, Shape, case_id, find};
use super::say;
use crate::error::{Excerpt, Place, ReadError, shortened};

/// Most bytes of one case. A chart of a thousand administrations has less than a tenth of this.
pub const MOST_BYTES: usize = 16 << 20;

/// The cases of a JSON text, one after another. Memory stays that of the largest case.
///
/// A case that cannot be read is an error in its place; the rest goes on.
pub struct JsonCases<R> {
    source: Source<R>,
    file: String,
    layout: Layout,
    /// The bytes of the case at hand.
    bytes: Vec<u8>,
    /// Where they begin.
    start: Place,
}

/// How the cases lie in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Unknown,
    /// One object on each line.
    Lines,
    /// In one list, before the first and after others.
    List {
        first: bool,
    },
    /// Behind the only object.
    Behind,
    Done,
}

/// What is wrong, before it is known in which file.
struct Wrong {
    at: usize,
    length: usize,
    path: String,
    message: String,
    help: String,
}

impl<R: BufRead> JsonCases<R> {
    /// Cases of a text; `file` is its name in messages.
    pub fn new(file: &str, input: R) -> Self {
        JsonCases {
            source: Source { input, line: 1, column: 1 },
            file: file.to_owned(),
            layout: Layout::Unknown,
            bytes: Vec::new(),
            start: Place { line: 1, column: 1 },
        }
    }

    /// The first byte that is not blank; nothing else is passed.
    pub(crate) fn begins(&mut self) -> io::Result<Option<u8>> {
        self.source.skip_mark()?;
        self.source.blank()
    }

    /// The input behind what was passed, and where it stands.
    pub(crate) fn into_rest(self) -> (R, Place) {
        let place = self.source.place();
        (self.source.input, place)
    }

    /// The error of a key of the case read last, with the place where that key stands.
    pub fn error_at(&self, case: Option<String>, path: &str, message: &str, help: &str) -> ReadError {
        let text = std::str::from_utf8(&self.bytes).unwrap_or("");
        let found = find(text, path, 0);
        // A key that is not there: only the opening bracket of what should hold it.
        let length = if found.whole && !path.is_empty() { found.value.len() } else { 1 };
        let wrong = Wrong {
            at: found.value.start,
            length,
            path: path.to_owned(),
            message: message.to_owned(),
            help: help.to_owned(),
        };
        ReadError { case, ..self.error(wrong) }
    }

    fn error(&self, wrong: Wrong) -> ReadError {
        let text = String::from_utf8_lossy(&self.bytes);
        // Lossy text differs from the bytes only behind the first bad byte, which is where such an error points.
        let at = (0..=wrong.at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        let before = &text.as_bytes()[..at];
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let lines = before.iter().filter(|b| **b == b'\n').count();
        let characters = before[line_start..].iter().filter(|b| **b & 0xc0 != 0x80).count();
        let column = if lines == 0 { self.start.column + characters } else { 1 + characters };
        let elided = lines == 0 && self.start.column > 1;
        let line_end = text[at..].find('\n').map_or(text.len(), |i| at + i);
        let line = text.get(line_start..line_end).unwrap_or("").trim_end_matches('\r');
        ReadError {
            case: case_id(&text),
            file: self.file.clone(),
            place: Some(Place { line: self.start.line + lines, column }),
            path: wrong.path,
            message: shortened(wrong.message),
            help: wrong.help,
            excerpt: (!line.is_empty()).then(|| Excerpt::of(line, at - line_start, wrong.length, elided)),
        }
    }

    /// An error at the place where the reader stands, of the text between the cases.
    fn between(&mut self, message: &str, help: &str) -> ReadError {
        ReadError {
            case: None,
            file: self.file.clone(),
            place: Some(self.source.place()),
            path: String::new(),
            message: message.to_owned(),
            help: help.to_owned(),
            excerpt: None,
        }
    }

    fn too_long(&mut self) -> ReadError {
        let start = self.start;
        let help = "split it; one case is one patient and one claim";
        let mut error = self.between(&format!("a case is longer than {} MB", MOST_BYTES >> 20), help);
        error.case = case_id(&String::from_utf8_lossy(&self.bytes[..self.bytes.len().min(4096)]));
        error.place = Some(start);
        self.bytes.clear();
        error
    }

    fn parse(&self) -> Result<Chart, ReadError> {
        parse(&self.bytes).map_err(|wrong| self.error(wrong))
    }

    /// The next case, `None` at the end.
    fn advance(&mut self) -> io::Result<Option<Result<Chart, ReadError>>> {
        loop {
            match self.layout {
                Layout::Done => return Ok(None),
                Layout::Unknown => return self.first(),
                Layout::Lines => {
                    let Some(fits) = self.line()? else {
                        self.layout = Layout::Done;
                        return Ok(None);
                    };
                    if !fits {
                        return Ok(Some(Err(self.too_long())));
                    }
                    if !self.bytes.trim_ascii().is_empty() {
                        return Ok(Some(self.parse()));
                    }
                }
                Layout::List { first } => return self.item(first),
                Layout::Behind => {
                    self.layout = Layout::Done;
                    if self.source.blank()?.is_some() {
                        let (message, help) = say::syntax("trailing characters");
                        return Ok(Some(Err(self.between(&message, &help))));
                    }
                }
            }
        }
    }

    /// Tells how the cases lie, and reads the first.
    fn first(&mut self) -> io::Result<Option<Result<Chart, ReadError>>> {
        self.source.skip_mark()?;
        match self.source.blank()? {
            None => {
                self.layout = Layout::Done;
                let help = "give one case { … }, a list [ … ], or one case a line";
                return Ok(Some(Err(self.between("there is no case here", help))));
            }
            Some(b'[') => {
                self.source.bump()?;
                self.layout = Layout::List { first: true };
                return self.advance();
            }
            Some(_) => {}
        }
        if self.line()? == Some(false) {
            self.layout = Layout::Done;
            return Ok(Some(Err(self.too_long())));
        }
        let mut shape = Shape::default();
        if self.bytes.iter().any(|b| shape.next(*b) != Part::Inside) {
            self.layout = Layout::Lines;
            return Ok(Some(self.parse()));
        }
        self.layout = Layout::Behind;
        match self.source.value(&mut self.bytes, shape)? {
            true => Ok(Some(self.parse())),
            false => Ok(Some(Err(self.too_long()))),
        }
    }

    fn item(&mut self, first: bool) -> io::Result<Option<Result<Chart, ReadError>>> {
        let mut next = self.source.blank()?;
        if !first {
            match next {
                Some(b',') => {
                    self.source.bump()?;
                    next = self.source.blank()?;
                    if next == Some(b']') {
                        self.layout = Layout::Done;
                        let (message, help) = say::syntax("trailing comma");
                        return Ok(Some(Err(self.between(&message, &help))));
                    }
                }
                Some(b']') | None => {}
                Some(b'{') => {
                    self.layout = Layout::List { first: true };
                    let help = "put a comma between } and {";
                    return Ok(Some(Err(self.between("a comma is missing between two cases", help))));
                }
                Some(_) => {
                    self.layout = Layout::Done;
                    let (message, help) = say::syntax("expected `,` or `]`");
                    return Ok(Some(Err(self.between(&message, &help))));
                }
            }
        }
        match next {
            None => {
                self.layout = Layout::Done;
                Ok(Some(Err(self.between("the list of cases does not end", "close it with ]"))))
            }
            Some(b']') => {
                self.source.bump()?;
                self.layout = Layout::Behind;
                if first && self.bytes.is_empty() {
                    let help = "write the cases between [ and ]";
                    return Ok(Some(Err(self.between("the list holds no case", help))));
                }
                self.advance()
            }
            Some(_) => {
                self.layout = Layout::List { first: false };
                self.bytes.clear();
                self.start = self.source.place();
                if !self.source.value(&mut self.bytes, Shape::default())? {
                    return Ok(Some(Err(self.too_long())));
                }
                if self.bytes.is_empty() {
                    self.layout = Layout::Done;
                    let (message, help) = say::syntax("expected value");
                    return Ok(Some(Err(self.between(&message, &help))));
                }
                let read = self.parse();
                if read.is_err() && self.source.peek()?.is_none() {
                    // A bracket that does not close swallows the rest; one message for it is enough.
                    self.layout = Layout::Done;
                }
                Ok(Some(read))
            }
        }
    }

    /// Reads a line; false if it is too long to be a case, `None` at the end of the text.
    fn line(&mut self) -> io::Result<Option<bool>> {
        self.bytes.clear();
        self.start = self.source.place();
        self.source.line(&mut self.bytes)
    }
}

impl<R: BufRead> Iterator for JsonCases<R> {
    type Item = Result<Chart, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.advance() {
            Ok(next) => next,
            Err(e) => {
                self.layout = Layout::Done;
                Some(Err(self.between(&format!("the text cannot be read further: {e}"), "")))
            }
        }
    }
}

/// Reads one case from the text of one object.
///
/// # Errors
/// What is wrong and where; `file` is the text's name in it.
pub fn chart_from_str(file: &str, text: &str) -> Result<Chart, ReadError> {
    let mut cases = JsonCases::new(file, text.as_bytes());
    cases.bytes.extend_from_slice(text.as_bytes());
    cases.parse()
}

fn parse(bytes: &[u8]) -> Result<Chart, Wrong> {
    let text = std::str::from_utf8(bytes).map_err(|e| Wrong {
        at: e.valid_up_to(),
        length: 1,
        path: String::new(),
        message: format!("byte {:#04x} is not UTF-8", bytes.get(e.valid_up_to()).copied().unwrap_or(0)),
        help: "save the file as UTF-8".to_owned(),
    })?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(not_an_object(text));
    }
    // Keeping track of the path costs time, so it is done only for a text that is known to fail.
    serde_json::from_str(text).map_err(|_| explain(text))
}

/// Anything but an object is refused here: a derived reader would take a list as the fields in order.
fn not_an_object(text: &str) -> Wrong {
    let at = text.len() - text.trim_ascii_start().len();
    let message = "a case must be an object { … }".to_owned();
    Wrong {
        at,
        length: 1,
        path: String::new(),
        message,
        help: "write {\"setting\": …, \"administrations\": […]}".to_owned(),
    }
}

fn explain(text: &str) -> Wrong {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read: Result<Chart, _> = serde_path_to_error::deserialize(&mut reader);
    let (path, error) = match read {
        Err(e) => {
            let path = e.path().to_string();
            (path.trim_end_matches('?').trim_end_matches('.').to_owned(), e.into_inner())
        }
        Ok(_) => match reader.end() {
            Err(e) => (String::new(), e),
            Ok(()) => {
                return Wrong { at: 0, length: 1, path: String::new(), message: String::new(), help: String::new() };
            }
        },
    };
    let raw = error.to_string();
    let raw = raw.rsplit_once(" at line ").map_or(raw.as_str(), |(before, _)| before);
    if error.classify() != Category::Data {
        let (message, help) = say::syntax(raw);
        // Where the text ends is known without counting.
        let at = if error.is_eof() { text.len() } else { offset(text, error.line(), error.column()) };
        return Wrong { at, length: 1, path, message, help };
    }
    let mut said = say::data(raw, &path);
    let path = match &said.key {
        // A key given twice is noticed by the object that holds it, an unknown one at the key itself.
        Some(key) if said.second && path.is_empty() => key.clone(),
        Some(key) if said.second => format!("{path}.{key}"),
        _ => path,
    };
    let Found { key, value, whole } = find(text, &path, usize::from(said.second));
    let place = match key {
        Some(key) if said.key.is_some() && whole => key,
        _ if whole && said.message.ends_with("is missing") => value.start..value.start + 1,
        _ if whole => value,
        _ => value.start..value.start + 1,
    };
    Wrong { at: place.start, length: place.len(), path, message: std::mem::take(&mut said.message), help: said.help }
}

/// The byte at a line and a column in bytes, both from 1, as the JSON library counts them.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start = match line {
        0 | 1 => 0,
        _ => text.bytes().enumerate().filter(|(_, b)| *b == b'\n').nth(line - 2).map_or(text.len(), |(i, _)| i + 1),
    };
    (start + column.saturating_sub(1)).min(text.len())
}

/// Bytes with the place at which they stand.
struct Source<R> {
    input: R,
    line: usize,
    column: usize,
}

impl<R: BufRead> Source<R> {
    fn place(&self) -> Place {
        Place { line: self.line, column: self.column }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn passed(&mut self, byte: u8) {
        if byte == b'\n' {
            self.line += 1;
            self.column = 1;
        } else if byte & 0xc0 != 0x80 {
            self.column += 1;
        }
    }

    fn bump(&mut self) -> io::Result<()> {
        if let Some(byte) = self.peek()? {
            self.passed(byte);
            self.input.consume(1);
        }
        Ok(())
    }

    /// Passes blanks and tells the byte behind them.
    fn blank(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(byte) if byte.is_ascii_whitespace() => self.bump()?,
                next => return Ok(next),
            }
        }
    }

    /// Passes the byte order mark that some programs put first.
    fn skip_mark(&mut self) -> io::Result<()> {
        if self.peek()? == Some(0xef) && self.input.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            self.input.consume(3);
        }
        Ok(())
    }

    /// Adds a line with its end; false if it does not fit, `None` at the end of the text.
    fn line(&mut self, into: &mut Vec<u8>) -> io::Result<Option<bool>> {
        let mut fits = true;
        let mut any = false;
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Ok(any.then_some(fits));
            }
            any = true;
            let end = chunk.iter().position(|b| *b == b'\n');
            let used = end.map_or(chunk.len(), |i| i + 1);
            fits = fits && into.len() + used <= MOST_BYTES;
            if fits {
                into.extend_from_slice(&chunk[..used]);
            }
            if end.is_some() {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += chunk.iter().filter(|b| **b & 0xc0 != 0x80).count();
            }
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(fits));
            }
        }
    }

    /// Adds the rest of a value; false if it does not fit.
    fn value(&mut self, into: &mut Vec<u8>, mut shape: Shape) -> io::Result<bool> {
        let mut fits = true;
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Ok(fits);
            }
            let mut used = 0;
            let mut ended = false;
            for byte in chunk {
                let part = shape.next(*byte);
                used += usize::from(part != Part::Before);
                if part != Part::Inside {
                    ended = true;
                    break;
                }
            }
            fits = fits && into.len() + used <= MOST_BYTES;
            if fits {
                into.extend_from_slice(&chunk[..used]);
            }
            let (mut line, mut column) = (self.line, self.column);
            for byte in &chunk[..used] {
                if *byte == b'\n' {
                    line += 1;
                    column = 1;
                } else if *byte & 0xc0 != 0x80 {
                    column += 1;
                }
            }
            (self.line, self.column) = (line, column);
            self.input.consume(used);
            if ended {
                return Ok(fits);
            }
        }
    }
}
