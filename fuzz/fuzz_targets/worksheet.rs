//! Worksheet text: each case is read and what is written of it reads back equal, or it is refused at a place.
#![no_main]

use dripline_formats::worksheet::{parse, parse_one, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = parse_one(text);
    for case in parse(text) {
        match case {
            Ok(parsed) => {
                let written = write(&parsed.chart);
                match parse_one(&written) {
                    Ok(back) => assert_eq!(back.chart, parsed.chart, "{written}"),
                    Err(problem) => panic!("{problem}\n{written}"),
                }
            }
            Err(problem) => {
                assert!(problem.line >= 1 && problem.column >= 1 && problem.length >= 1, "{problem:?}");
                assert!(!problem.message.is_empty() && !problem.help.is_empty(), "{problem:?}");
                let _ = problem.to_string();
            }
        }
    }
});
