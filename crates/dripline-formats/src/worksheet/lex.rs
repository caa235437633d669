//! One line as words: quotes, escapes and `key=value`.

use std::ops::Range;

use super::Problem;

/// Bytes of a line.
pub(super) type Span = Range<usize>;

/// A line of the text and its number.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub number: usize,
    pub text: &'a str,
}

/// A word of a line: what stands between blanks, where blanks inside quotes do not count.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub span: Span,
    /// Byte of the first `=` outside quotes, when a key stands before it.
    pub equals: Option<usize>,
    /// Whether a quote opens it.
    pub quoted: bool,
}

/// The value of a `key=value`, or a quoted word.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub text: String,
    /// Written with quotes: taken word for word.
    pub quoted: bool,
    pub span: Span,
}

fn closes(open: char, c: char) -> bool {
    if open == '"' { c == '"' } else { c == '”' || c == '“' }
}

fn opens(c: char) -> bool {
    matches!(c, '"' | '“' | '”')
}

impl<'a> Line<'a> {
    pub fn problem(&self, span: Span, message: impl Into<String>, help: impl Into<String>) -> Problem {
        let chars = |to: usize| self.text.get(..to).map_or(0, |s| s.chars().count());
        let column = chars(span.start);
        Problem {
            case: None,
            line: self.number,
            column: column + 1,
            length: chars(span.end).saturating_sub(column).max(1),
            source_line: self.text.to_owned(),
            message: message.into(),
            help: help.into(),
        }
    }

    pub fn get(&self, span: &Span) -> &'a str {
        self.text.get(span.clone()).unwrap_or("")
    }

    /// The words from a byte on. An `@` in front of a word is a word of its own.
    pub fn tokens(&self, from: usize) -> Result<Vec<Token>, Problem> {
        let mut tokens = Vec::new();
        let mut current: Option<Token> = None;
        let mut open: Option<(char, usize)> = None;
        let mut escaped = false;
        for (at, c) in self.text.get(from..).unwrap_or("").char_indices().map(|(i, c)| (i + from, c)) {
            if let Some((quote, _)) = open {
                if escaped {
                    escaped = false;
                } else if c == '\\' {
                    escaped = true;
                } else if closes(quote, c) {
                    open = None;
                }
                continue;
            }
            if c.is_whitespace() {
                if let Some(mut token) = current.take() {
                    token.span.end = at;
                    tokens.push(token);
                }
                continue;
            }
            let token = current.get_or_insert(Token { span: at..at, equals: None, quoted: opens(c) });
            if opens(c) {
                open = Some((c, at));
            } else if c == '=' && token.equals.is_none() && at > token.span.start {
                token.equals = Some(at);
            } else if c == '@' && at == token.span.start {
                tokens.push(Token { span: at..at + 1, equals: None, quoted: false });
                current = None;
            }
        }
        if let Some((_, at)) = open {
            let help = "close it with \", and write \\\" for a quote inside a text";
            return Err(self.problem(at..self.text.len(), "this quote is not closed", help));
        }
        if let Some(mut token) = current {
            token.span.end = self.text.len();
            tokens.push(token);
        }
        Ok(tokens)
    }

    /// Takes the quotes off.
    pub fn value(&self, span: Span) -> Result<Value, Problem> {
        let mut text = String::new();
        let mut quoted = false;
        let mut open: Option<char> = None;
        let mut chars = self.get(&span).char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            let Some(quote) = open else {
                if opens(c) {
                    open = Some(c);
                    quoted = true;
                } else {
                    text.push(c);
                }
                continue;
            };
            if closes(quote, c) {
                open = None;
            } else if c != '\\' {
                text.push(c);
            } else {
                let bad = |end: usize| {
                    let here = span.start + i..(span.start + end).min(span.end);
                    self.problem(
                        here,
                        "this escape is not known",
                        "inside quotes write \\\" \\\\ \\n \\r \\t or \\u{e9}",
                    )
                };
                match chars.next() {
                    Some((_, e)) if opens(e) || e == '\\' => text.push(e),
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, 't')) => text.push('\t'),
                    Some((at, 'u')) => {
                        let rest = &self.get(&span)[at + 1..];
                        let digits = rest
                            .strip_prefix('{')
                            .and_then(|r| r.split_once('}'))
                            .map(|(d, _)| d)
                            .ok_or_else(|| bad(at + 1))?;
                        let code = if digits.len() <= 6 {
                            u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
                        } else {
                            None
                        };
                        text.push(code.ok_or_else(|| bad(at + digits.len() + 3))?);
                        for _ in 0..digits.chars().count() + 2 {
                            chars.next();
                        }
                    }
                    Some((at, e)) => return Err(bad(at + e.len_utf8())),
                    None => return Err(bad(i + 1)),
                }
            }
        }
        Ok(Value { text, quoted, span })
    }

    /// Splits at the commas outside quotes. `[]` is the empty list; one comma may stand at the end.
    pub fn list(&self, span: Span) -> Result<Vec<Value>, Problem> {
        let raw = self.get(&span);
        if raw == "[]" {
            return Ok(Vec::new());
        }
        let mut pieces = Vec::new();
        let (mut from, mut open, mut escaped) = (span.start, None, false);
        for (i, c) in raw.char_indices() {
            match open {
                Some(_) if escaped => escaped = false,
                Some(_) if c == '\\' => escaped = true,
                Some(quote) if closes(quote, c) => open = None,
                Some(_) => {}
                None if opens(c) => open = Some(c),
                None if c == ',' => {
                    pieces.push(from..span.start + i);
                    from = span.start + i + 1;
                }
                None => {}
            }
        }
        if from < span.end || pieces.is_empty() {
            pieces.push(from..span.end);
        }
        pieces
            .into_iter()
            .map(|piece| {
                if piece.is_empty() {
                    let here = piece.start..piece.start + 1;
                    return Err(self.problem(
                        here,
                        "an item of this list is empty",
                        "leave the comma out, or write \"\" for an empty text",
                    ));
                }
                self.value(piece)
            })
            .collect()
    }
}

/// Puts a text in quotes.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
