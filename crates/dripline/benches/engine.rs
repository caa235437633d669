//! How fast the engine codes, on one core. Times are of resolved cases in memory; reading charts is not part of it.
//!
//! `codes` counts administrations a second at the level that keeps lines only, `rules` and `proof` those at the other
//! levels. `chart` is one chart of six administrations with its lines, reasons and the fate of every minute. `big` is one case of 10,000 administrations.

#![allow(missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use common::{Big, Rng, Traits};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dripline::policy::Policy;
use dripline::proof::prove;
use dripline::record::{Codes, Proof, Rules};
use dripline::{Workspace, code};

const SEED: u64 = 1;

fn levels(c: &mut Criterion) {
    let cases = common::visits(SEED, 2_000);
    let rows: usize = cases.iter().map(|case| case.rows.len()).sum();
    let policy = Policy::default();
    let mut ws = Workspace::default();
    let mut group = c.benchmark_group("administrations");
    group.throughput(Throughput::Elements(rows as u64));
    group.bench_function("codes", |b| {
        b.iter(|| {
            for case in &cases {
                code(black_box(case), &policy, &mut ws, &mut Codes);
                black_box(&ws.lines);
            }
        });
    });
    group.bench_function("rules", |b| {
        let mut rules = Rules::default();
        b.iter(|| {
            for case in &cases {
                rules.cited.clear();
                code(black_box(case), &policy, &mut ws, &mut rules);
                black_box((&ws.lines, &rules));
            }
        });
    });
    group.bench_function("proof", |b| {
        let mut proof = Proof::default();
        b.iter(|| {
            for case in &cases {
                proof.clear();
                code(black_box(case), &policy, &mut ws, &mut proof);
                black_box((&ws.lines, &proof));
            }
        });
    });
    group.finish();
}

fn chart(c: &mut Criterion) {
    let mut rng = Rng::new(SEED);
    let plain = Traits { overlap: false, missing_stop: false, chemo: false, two_visits: false, two_accesses: false };
    let charts: Vec<_> =
        (0..500).map(|n| common::visit_of(&mut rng, Traits { overlap: n % 2 == 0, ..plain }, 6)).collect();
    let policy = Policy::default();
    let (mut ws, mut proof) = (Workspace::default(), Proof::default());
    let mut n = 0;
    c.bench_function("chart/6 administrations, proved", |b| {
        b.iter(|| {
            n = (n + 1) % charts.len();
            proof.clear();
            code(black_box(&charts[n]), &policy, &mut ws, &mut proof);
            black_box(prove(&charts[n], &policy, &ws, &proof))
        });
    });
}

fn big(c: &mut Criterion) {
    let policy = Policy::default();
    let (mut ws, mut proof) = (Workspace::default(), Proof::default());
    let mut group = c.benchmark_group("big");
    group.sample_size(10);
    for what in Big::ALL {
        let case = common::big(&mut Rng::new(SEED), what, 10_000);
        group.bench_function(format!("{what:?}/codes"), |b| {
            b.iter(|| code(black_box(&case), &policy, &mut ws, &mut Codes));
        });
        group.bench_function(format!("{what:?}/proof"), |b| {
            b.iter(|| {
                proof.clear();
                code(black_box(&case), &policy, &mut ws, &mut proof);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, levels, chart, big);
criterion_main!(benches);
