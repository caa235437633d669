//! One case of 10,000 administrations is coded in well under a second, whatever it is made of.

#![allow(missing_docs)]

mod common;

use std::time::{Duration, Instant};

use common::{Big, Rng};
use dripline::policy::Policy;
use dripline::record::{Codes, Proof};
use dripline::{Workspace, code};

#[test]
fn ten_thousand_administrations_take_less_than_a_second() {
    // Without optimisation the engine is some ten times slower.
    let limit = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });
    let policy = Policy::default();
    let mut ws = Workspace::default();
    for what in Big::ALL {
        let case = common::big(&mut Rng::new(1), what, 10_000);
        let begin = Instant::now();
        code(&case, &policy, &mut ws, &mut Codes);
        let codes = begin.elapsed();
        let bare = ws.lines.clone();
        let begin = Instant::now();
        code(&case, &policy, &mut ws, &mut Proof::default());
        let proof = begin.elapsed();
        println!("{what:?}: codes {codes:?}, proof {proof:?}");
        assert_eq!(bare, ws.lines, "{what:?}");
        assert!(codes < limit && proof < limit, "{what:?}: codes {codes:?}, proof {proof:?}");
    }
}
