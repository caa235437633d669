//! Writing answers into a file.

use super::check::{Extent, check, written};
use super::expect::{Expectation, Expected, Wanted};
use super::read::{Kind, TextCase, read};
use super::{Answer, Verdict};

/// The file with the answer written in place of every expectation that does not hold, cannot be read or is not there.
///
/// What holds stays as it is written, and so do comments and everything outside the expectations; completing a second
/// time changes nothing. Drug lines, questions and edits are written where the case had written one of their sort.
pub fn complete(name: &str, text: &str, mut answer: impl FnMut(&TextCase, usize) -> Answer) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    for (i, case) in read(Kind::of(name), text).iter().enumerate() {
        if !case.part.closed {
            continue;
        }
        let answer = answer(case, i + 1);
        if check(case, &answer).verdict == Verdict::Pass {
            continue;
        }
        let part = &text[case.part.bytes.clone()];
        let body_end = part.trim_end().len();
        let (body, trailing) = part.split_at(body_end);
        let before = &text[copied..case.part.bytes.start];
        let mut put = |line: &str| {
            out.push_str(line);
            out.push_str(newline);
        };
        if case.part.divided {
            put(before.trim_end_matches(['\n', '\r']));
        } else {
            put(before.trim_end());
            put(&format!("{}----", case.part.indent));
        }
        for line in body.lines().filter(|l| l.trim_start().starts_with('#')) {
            put(line);
        }
        let expected: &[Expected] = match &case.expectation {
            Ok(Expectation::Coded { expected, .. }) => expected,
            _ => &[],
        };
        for line in written(&answer, extent(expected), expected) {
            put(&format!("{}{line}", case.part.indent));
        }
        let blank = if case.part.divided { trailing } else { &before[before.trim_end().len()..] };
        // The first line end belongs to the last line written, unless there was none after the divider.
        out.push_str(if case.part.divided && body.is_empty() { blank } else { after_line_end(blank) });
        copied = case.part.bytes.end;
    }
    out.push_str(&text[copied..]);
    out
}

fn after_line_end(text: &str) -> &str {
    let text = text.strip_prefix('\r').unwrap_or(text);
    text.strip_prefix('\n').unwrap_or(text)
}

fn extent(expected: &[Expected]) -> Extent {
    let any = |test: fn(&Wanted) -> bool| expected.iter().any(|e| test(&e.wanted));
    Extent {
        dates: any(|w| matches!(w, Wanted::Line { date: Some(_), .. })),
        drug_lines: any(|w| matches!(w, Wanted::Line { drug: true, .. })),
        queries: any(|w| matches!(w, Wanted::Query { .. })),
        edits: any(|w| matches!(w, Wanted::Edit { .. })),
    }
}
