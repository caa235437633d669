//! One case of JSON: it is read and written back equal, or refused with a place and a reason.
#![no_main]

use dripline_formats::json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match json::chart_from_str("fuzz", text) {
        Ok(chart) => {
            for written in [json::line(&chart), json::pretty(&chart)] {
                let back = json::chart_from_str("fuzz", &written).expect("what we wrote is read");
                assert_eq!(back, chart);
            }
        }
        Err(error) => {
            assert!(!error.message.is_empty(), "{error:?}");
            let place = error.place.expect("a place");
            assert!(place.line >= 1 && place.line <= text.lines().count() + 1, "{error:?}");
            let _ = error.to_string();
            let told: serde_json::Value = serde_json::from_str(&json::line(&error)).expect("an error of JSON Lines");
            assert!(told["error"]["message"].is_string());
        }
    }
});
