//! How long the edits of one chart take, on one core, with every table loaded. Coding the chart is not part of it.
//!
//! With the shared NCCI tables beside the project these are used, else made-up ones of the same kind but smaller.

#![allow(missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use common::{Folder, Rng, add_on, chart, coder_with, coder_with_shared, generated, mue, plain, ptp};
use criterion::{Criterion, criterion_group, criterion_main};
use dripline::Workspace;
use dripline::chart::Chart;
use dripline::coding::{Coding, ShortLine};
use dripline::policy::Policy;
use dripline::proof::{Proved, prove};
use dripline::record::Proof;
use dripline_reference::Coder;
use dripline_reference::edits::{Claim, check};
use dripline_reference::resolve::Resolved;

struct Coded {
    chart: Chart,
    coding: Coding,
    resolved: Resolved,
    lines: Vec<ShortLine>,
    proved: Proved,
}

fn coder(folder: &Folder) -> Coder {
    match common::shared() {
        Some(shared) => coder_with_shared(folder, &shared, &[("ncci-2024q3", Some("2024Q3"))]),
        None => {
            let pairs = [("96374", "96372", "20200101", "*", "1"), ("96365", "96372", "20200101", "*", "1")];
            coder_with(
                folder,
                "2024Q3",
                &[
                    ("hospital.txt", &ptp(true, &pairs)),
                    ("practitioner.txt", &ptp(false, &pairs)),
                    ("mue_hospital.csv", &mue(true, &[("96366", 2, 3)])),
                    ("mue_practitioner.csv", &mue(false, &[("96366", 2, 3)])),
                    ("aoc.txt", &add_on(&[(1, "96366", "96365", ""), (1, "96367", "96365", "")])),
                ],
            )
        }
    }
}

fn edits(c: &mut Criterion) {
    let folder = Folder::new("bench-edits");
    let coder = coder(&folder);
    let policy = Policy::default();
    let mut rng = Rng::new(3);
    let (mut ws, mut rec) = (Workspace::default(), Proof::default());
    let cases: Vec<Coded> = (0..500)
        .map(|_| {
            let chart = chart(&generated(&mut rng, "2024-08-05", "2024-08-06"));
            let coded = coder.code_with(&chart, 1, &[], &plain()).expect("a chart of the generator");
            rec.clear();
            dripline::code(&coded.resolved.case, &policy, &mut ws, &mut rec);
            let proved = prove(&coded.resolved.case, &policy, &ws, &rec);
            let lines = coded.coding.lines.iter().map(|l| l.short()).collect();
            Coded { chart, coding: coded.coding, resolved: coded.resolved, lines, proved }
        })
        .collect();
    let mut n = 0;
    c.bench_function("edits of one chart", |b| {
        b.iter(|| {
            n = (n + 1) % cases.len();
            let case = &cases[n];
            let found = check(black_box(&Claim {
                chart: &case.chart,
                resolved: &case.resolved,
                policy: &policy,
                lines: &case.lines,
                proved: &case.proved,
                services: &case.coding.services,
                drug_lines: &case.coding.drug_lines,
            }));
            black_box(found)
        });
    });
}

criterion_group!(benches, edits);
criterion_main!(benches);
