//! From a chart to its answer: conservation, one fate for each minute, one initial service, and what is written reads
//! back. The charts and what holds of every answer are those of the property tests.
#![no_main]

#[path = "../../crates/dripline-formats/tests/common/mod.rs"]
mod common;

use std::cell::LazyCell;

use common::charts::{self, Bytes, Wants};
use common::holds;
use dripline_reference::{Coder, Options};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static CODER: LazyCell<Coder> = LazyCell::new(Coder::default);
}

fuzz_target!(|data: &[u8]| {
    let Some((how, data)) = data.split_first() else { return };
    let mut bytes = Bytes::new(data);
    let chart = charts::chart(&mut bytes, Wants { rows: 8, no_ties: how & 1 == 1 });
    // The other readings cost most and find least, so only some inputs run them.
    let options = Options { alternatives: how & 14 == 14, ..Options::default() };
    CODER.with(|coder| {
        let broken = match coder.code(&chart, 1, &[], &options) {
            Err(error) => holds::refusal(&error),
            Ok(coding) => {
                let mut broken = holds::shape(&chart, &coding);
                broken.extend(holds::interfaces(coder, &chart, &coding));
                if how & 1 == 1 {
                    let other = charts::shuffled(&chart, &mut bytes);
                    match coder.code(&other, 1, &[], &options) {
                        Ok(other) => broken.extend(holds::same_but_for_order(&coding, &other)),
                        Err(error) => broken.push(format!("refused in another order: {error}")),
                    }
                }
                broken
            }
        };
        assert!(broken.is_empty(), "{}\n{}", broken.join("\n"), dripline_formats::json::line(&chart));
    });
});
