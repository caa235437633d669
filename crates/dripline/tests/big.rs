//! One case of 10,000 administrations is coded alike with and without its proof, whatever it is made of. How long it
//! takes is printed here and measured by the bench `big`.

#![allow(missing_docs)]

mod common;

use std::time::Instant;

use common::{Big, Rng};
use dripline::policy::Policy;
use dripline::record::{Codes, Proof};
use dripline::{Workspace, code};

#[test]
fn ten_thousand_administrations_are_coded_alike_at_every_level() {
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
        assert!(!bare.is_empty(), "{what:?} earns nothing");
        assert_eq!(bare, ws.lines, "{what:?}");
    }
}
