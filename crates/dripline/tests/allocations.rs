//! A warm engine asks for no memory: the workspace and the recorders keep their room from chart to chart.

#![allow(missing_docs)]

mod common;

use allocation_counter::measure;
use dripline::policy::Policy;
use dripline::record::{Codes, Proof, Rules};
use dripline::{Workspace, code};

/// Codes every case twice, and counts what the second round allocates.
fn second_round(mut round: impl FnMut()) -> u64 {
    let first = measure(&mut round);
    assert!(first.count_total > 0, "the counter sees the first round make room");
    measure(&mut round).count_total
}

#[test]
fn no_chart_allocates_once_the_workspace_is_warm() {
    let mut rng = common::Rng::new(11);
    let mut cases = common::visits(11, 3_000);
    // Sorts of long lists are where a buffer would be asked for.
    cases.extend((0..300).map(|_| common::odd_of(&mut rng, 60)));
    cases.extend(common::Big::ALL.map(|what| common::big(&mut rng, what, 400)));
    let mut policies = vec![Policy::default()];
    policies.extend((0..5).map(|_| common::policy(&mut rng)));
    for policy in &policies {
        let mut ws = Workspace::default();
        let codes = second_round(|| {
            for case in &cases {
                code(case, policy, &mut ws, &mut Codes);
            }
        });
        assert_eq!(codes, 0, "lines only, {policy:?}");
        let (mut ws, mut rules) = (Workspace::default(), Rules::default());
        let ruled = second_round(|| {
            for case in &cases {
                rules.cited.clear();
                code(case, policy, &mut ws, &mut rules);
            }
        });
        assert_eq!(ruled, 0, "with rules, {policy:?}");
        let (mut ws, mut proof) = (Workspace::default(), Proof::default());
        let proved = second_round(|| {
            for case in &cases {
                proof.clear();
                code(case, policy, &mut ws, &mut proof);
            }
        });
        assert_eq!(proved, 0, "with proof, {policy:?}");
    }
}
