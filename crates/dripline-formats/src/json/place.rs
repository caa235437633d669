//! Where a key path stands in JSON text. Only used to say where an error is, so it forgives broken text.

use std::ops::Range;

/// What was found of a key path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The last key on the path, with its quotes.
    pub key: Option<Range<usize>>,
    /// The value, or the innermost object or list on the path that is there.
    pub value: Range<usize>,
    /// The whole path is there.
    pub whole: bool,
}

/// Follows a key path such as `administrations[2].stop`. Keys may hold any character, so at each object the longest
/// key that fits is taken; of a key given twice, the `nth` counted from 0.
pub(crate) fn find(text: &str, path: &str, nth: usize) -> Found {
    let mut cursor = Cursor { text: text.as_bytes(), at: 0 };
    cursor.blank();
    let start = cursor.at;
    let mut found = Found { key: None, value: cursor.value(), whole: path.is_empty() };
    let (mut rest, mut at) = (path, start);
    while !rest.is_empty() {
        let Some((key, value, left)) = step(text, at, rest, nth) else { break };
        at = value.start;
        rest = left;
        found = Found { key, value, whole: rest.is_empty() };
    }
    found
}

/// The text of the key `case`, if it is there and a text.
pub(crate) fn case_id(text: &str) -> Option<String> {
    let found = find(text, "case", 0);
    if !found.whole {
        return None;
    }
    let id = serde_json::from_str::<String>(text.get(found.value)?).ok()?;
    dripline_reference::resolve::check_case_id(&id).is_ok().then_some(id)
}

type Step<'p> = (Option<Range<usize>>, Range<usize>, &'p str);

fn step<'p>(text: &str, at: usize, path: &'p str, nth: usize) -> Option<Step<'p>> {
    let bytes = text.as_bytes();
    let mut cursor = Cursor { text: bytes, at: at + 1 };
    if bytes.get(at) == Some(&b'[') {
        let (number, left) = path.strip_prefix('[')?.split_once(']')?;
        let left = left.strip_prefix('.').unwrap_or(left);
        for _ in 0..number.parse::<usize>().ok()? {
            cursor.value();
            cursor.blank();
            cursor.take(b',').then_some(())?;
        }
        cursor.blank();
        return Some((None, cursor.value(), left));
    }
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    let mut best: Option<(usize, usize, Step<'p>)> = None;
    loop {
        cursor.blank();
        if bytes.get(cursor.at) != Some(&b'"') {
            break;
        }
        let key = cursor.value();
        cursor.blank();
        if !cursor.take(b':') {
            break;
        }
        cursor.blank();
        let value = cursor.value();
        if let Some(name) = text.get(key.clone()).and_then(|k| serde_json::from_str::<String>(k).ok())
            && let Some(left) = path.strip_prefix(name.as_str())
            && (left.is_empty() || left.starts_with('.') || left.starts_with('['))
        {
            let left = left.strip_prefix('.').unwrap_or(left);
            best = match best {
                Some((length, seen, _)) if length == name.len() && seen < nth => {
                    Some((length, seen + 1, (Some(key), value, left)))
                }
                Some((length, ..)) if length >= name.len() => best,
                _ => Some((name.len(), 0, (Some(key), value, left))),
            };
        }
        cursor.blank();
        if !cursor.take(b',') {
            break;
        }
    }
    best.map(|(_, _, step)| step)
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn blank(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(there);
        there
    }

    /// Passes one value, however deep, and says where it stood.
    fn value(&mut self) -> Range<usize> {
        self.blank();
        let start = self.at;
        let mut shape = Shape::default();
        while let Some(byte) = self.text.get(self.at) {
            match shape.next(*byte) {
                Part::Inside => self.at += 1,
                Part::Last => {
                    self.at += 1;
                    break;
                }
                Part::Before => break,
            }
        }
        start..self.at
    }
}

/// What a byte is to the value that is being passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Part of it.
    Inside,
    /// Its last byte.
    Last,
    /// Not part of it: it ended before.
    Before,
}

/// Finds the end of one value by its brackets and quotes alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    depth: usize,
    quoted: bool,
    escaped: bool,
    bare: bool,
}

impl Shape {
    pub(crate) fn next(&mut self, byte: u8) -> Part {
        if self.quoted {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.quoted = false;
                    return if self.depth == 0 { Part::Last } else { Part::Inside };
                }
                _ => {}
            }
            return Part::Inside;
        }
        match byte {
            b'"' if self.bare => return Part::Before,
            b'"' => self.quoted = true,
            b'{' | b'[' if self.bare && self.depth == 0 => return Part::Before,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth == 0 => return Part::Before,
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth == 0 {
                    return Part::Last;
                }
            }
            b',' | b':' if self.depth == 0 => return Part::Before,
            _ if self.depth == 0 && byte.is_ascii_whitespace() => return Part::Before,
            _ if self.depth == 0 => self.bare = true,
            _ => {}
        }
        Part::Inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, path: &str) -> String {
        let found = find(text, path, 0);
        format!("{}{}", if found.whole { "" } else { "in " }, &text[found.value])
    }

    #[test]
    fn paths_lead_to_their_values() {
        let text =
            r#" {"case" : "a", "accesses": {"left.hand": {"kind":"port"}, "left": 1}, "a":[1, {"b":[true,"}"]}]}"#;
        assert_eq!(at(text, "case"), "\"a\"");
        assert_eq!(at(text, "accesses.left.hand.kind"), "\"port\"");
        assert_eq!(at(text, "accesses.left"), "1");
        assert_eq!(at(text, "a[0]"), "1");
        assert_eq!(at(text, "a[1].b[1]"), "\"}\"");
        assert_eq!(at(text, "a[1].c"), r#"in {"b":[true,"}"]}"#);
        assert_eq!(at(text, "a[7].c"), r#"in [1, {"b":[true,"}"]}]"#);
    }

    #[test]
    fn the_second_of_two_equal_keys_can_be_asked_for() {
        let text = r#"{"a":1,"b":2,"a":3}"#;
        assert_eq!(&text[find(text, "a", 1).value], "3");
        assert_eq!(&text[find(text, "a", 0).value], "1");
    }

    #[test]
    fn the_id_is_found_in_broken_text() {
        assert_eq!(case_id(r#"{"administrations":[{"id":}],"case":"x\u0041"}"#).as_deref(), Some("xA"));
        assert_eq!(case_id(r#"{"case":7}"#), None);
        assert_eq!(case_id("nonsense"), None);
    }
}
