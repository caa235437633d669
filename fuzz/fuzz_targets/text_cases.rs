//! Files of text cases: read, run, and completed so that completing again changes nothing. Rows of published cases.
#![no_main]

use std::cell::LazyCell;

use dripline_formats::cases::{Answer, answer, complete, rows, run};
use dripline_reference::{Coder, Options};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static CODER: LazyCell<Coder> = LazyCell::new(Coder::default);
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let options = Options { alternatives: false, ..Options::default() };
    let name = match kind % 3 {
        0 => "fuzz.case",
        1 => "fuzz.md",
        _ => "fuzz.jsonl",
    };
    CODER.with(|coder| {
        if name == "fuzz.jsonl" {
            let _ = rows::run(name, text, coder, &options).to_string();
            return;
        }
        let _ = run(name, text, coder, &options).to_string();
        // An answer that costs nothing: completing is about the text around it.
        let cheap = |case: &_, position| match answer(case, position, coder, &options) {
            Answer::Coded(coding) => Answer::Coded(coding),
            Answer::Refused(message) => Answer::Refused(message),
        };
        let once = complete(name, text, cheap);
        let twice = complete(name, &once, cheap);
        assert_eq!(once, twice);
    });
});
