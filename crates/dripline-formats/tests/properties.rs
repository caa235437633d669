//! What holds of the whole answer to any chart.

mod common;

use std::cell::Cell;

use common::charts::{self, Bytes, Wants};
use common::holds;
use dripline::chart::Chart;
use dripline::code::Code;
use dripline::coding::Coding;
use dripline_reference::{Coder, Options};
use proptest::collection::vec;
use proptest::prelude::*;

/// Bytes that a failure does not print: the chart that they make is printed instead.
struct Hidden(Vec<u8>);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// Runs a property over charts; those that are refused must be refused with a reason, and most must not be.
fn over(cases: u32, wants: Wants, mut property: impl FnMut(&Coder, &Chart, &Coding, &mut Bytes<'_>) -> holds::Broken) {
    let coder = Coder::default();
    let (all, coded) = (Cell::new(0u32), Cell::new(0u32));
    let property = std::cell::RefCell::new(&mut property);
    let config = ProptestConfig {
        cases: cases * std::env::var("DRIPLINE_PROPERTIES").ok().and_then(|n| n.parse().ok()).unwrap_or(1),
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    };
    proptest!(config, |(bytes in vec(any::<u8>(), 0..400).prop_map(Hidden))| {
        let mut bytes = Bytes::new(&bytes.0);
        let chart = charts::chart(&mut bytes, wants);
        all.set(all.get() + 1);
        match coder.code(&chart, 1, &[], &Options::default()) {
            Err(e) => {
                let broken = holds::refusal(&e);
                prop_assert!(broken.is_empty(), "{}", broken.join("\n"));
            }
            Ok(coding) => {
                coded.set(coded.get() + 1);
                let broken = (property.borrow_mut())(&coder, &chart, &coding, &mut bytes);
                prop_assert!(
                    broken.is_empty(),
                    "{}\n{}\n{:?}",
                    broken.join("\n"),
                    dripline_formats::json::line(&chart),
                    coding.lines.iter().map(|l| (&l.code, l.units, &l.administrations)).collect::<Vec<_>>()
                );
            }
        }
    });
    assert!(coded.get() * 2 > all.get(), "only {} of {} charts were coded", coded.get(), all.get());
}

#[test]
fn the_answer_holds_together() {
    over(120, Wants { rows: 8, ..Wants::default() }, |_, chart, coding, _| holds::shape(chart, coding));
}

#[test]
fn every_interface_says_the_same() {
    over(60, Wants { rows: 6, ..Wants::default() }, |coder, chart, coding, _| {
        let mut broken = holds::interfaces(coder, chart, coding);
        broken.extend(holds::alone(coder, chart, coding));
        broken
    });
}

#[test]
fn alternatives_are_all_readings_that_change_the_case() {
    over(40, Wants { rows: 6, ..Wants::default() }, |coder, chart, coding, _| holds::readings(coder, chart, coding));
}

#[test]
fn why_not_never_contradicts_the_lines() {
    over(40, Wants { rows: 6, ..Wants::default() }, |coder, chart, coding, bytes| {
        let mut codes: Vec<&str> = coding.lines.iter().map(|l| l.code.as_str()).collect();
        codes.extend(coding.drug_lines.iter().map(|l| l.hcpcs.as_str()));
        codes.extend((0..4).map(|_| Code::ALL[bytes.below(Code::ALL.len())].as_str()));
        holds::why_not(coder, chart, coding, &codes)
    });
}

#[test]
fn the_order_of_administrations_only_breaks_ties() {
    over(60, Wants { rows: 8, no_ties: true }, |coder, chart, coding, bytes| {
        let other = charts::shuffled(chart, bytes);
        match coder.code(&other, 1, &[], &Options::default()) {
            Ok(other) => holds::same_but_for_order(coding, &other),
            Err(e) => vec![format!("refused in another order: {e}")],
        }
    });
}
