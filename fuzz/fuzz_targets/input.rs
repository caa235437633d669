//! The door for all input: every case of any bytes is read or refused, and reading ends.
#![no_main]

use dripline_formats::input::Cases;
use dripline_formats::json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut cases = Cases::new("fuzz", bytes, 0);
    let mut count = 0;
    while let Some(case) = cases.next() {
        count += 1;
        // A case takes at least one byte, and one message more may stand for what follows.
        assert!(count <= bytes.len() + 1, "more cases than bytes");
        assert_eq!(cases.position(), count);
        match case {
            Ok(case) => {
                assert_eq!(case.position, count);
                for path in ["", "administrations[1].stop", "setting", "policy.overlap_rule", "accesses.port.kind", "a..[", "["] {
                    let error = cases.error_at(&case, path, "wrong", "mend it");
                    assert!(error.place.is_some());
                    let _ = error.to_string();
                }
            }
            Err(error) => {
                assert!(!error.message.is_empty(), "{error:?}");
                let _ = (error.to_string(), json::line(&error));
            }
        }
    }
    assert!(count >= 1, "not a word on an input without cases");
});
