//! JSON: the reader of cases and the one writer of everything.

mod place;
mod read;
mod say;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use read::{JsonCases, MOST_BYTES, chart_from_str};

/// One compact line, without its end.
///
/// The same value gives the same bytes wherever it is written: keys stand in the order of the contract or sorted.
#[must_use]
pub fn line(value: &impl Serialize) -> String {
    // Most answers fit, and the others grow from here.
    let mut line = Vec::with_capacity(8 << 10);
    serde_json::to_writer(&mut line, value).expect("our types have text keys and no failing writers");
    String::from_utf8(line).expect("JSON is UTF-8")
}

/// Indented for reading, without a line end.
#[must_use]
pub fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("our types have text keys and no failing writers")
}
