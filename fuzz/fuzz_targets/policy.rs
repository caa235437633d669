//! Policy files: a policy that is taken can be asked for at any date; one that is not says why.
#![no_main]

use std::cell::LazyCell;

use dripline_reference::profile::{Profiles, parse_switch};
use jiff::civil::date;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static PROFILES: LazyCell<Profiles> = LazyCell::new(Profiles::built_in);
}

fuzz_target!(|text: &str| {
    if let Some((name, value)) = text.split_once('=') {
        match parse_switch(name, value) {
            Ok((switch, _)) => assert_eq!(switch.name(), name),
            Err(e) => assert!(!e.message.is_empty() && !e.help.is_empty(), "{e:?}"),
        }
    }
    PROFILES.with(|profiles| match profiles.with_file(text) {
        Ok((added, name)) => {
            assert!(profiles.check(text).is_empty());
            for on in [date(2013, 1, 1), date(2024, 6, 30), date(2026, 1, 5), date(9999, 12, 31)] {
                let policy = added.policy(&name, on).expect("a policy that was taken");
                let _ = format!("{policy:?}");
                let _ = added.show(&name, on).expect("a policy that was taken");
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            for p in problems {
                assert!(!p.message.is_empty(), "{p:?}");
            }
        }
    });
});
