//! How long the whole answer to one chart of six administrations takes, on one core: looked up, coded, proved, with
//! drug lines, questions, their outcomes, and the other readings of the rules. Reading and writing are not part of it.

#![allow(missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use common::{Rng, chart, generated};
use criterion::{Criterion, criterion_group, criterion_main};
use dripline::chart::Chart;
use dripline_reference::{Coder, Options};

fn answers(c: &mut Criterion) {
    let coder = Coder::default();
    let mut rng = Rng::new(6);
    let charts: Vec<Chart> = std::iter::repeat_with(|| chart(&generated(&mut rng, "2026-01-05", "2026-01-06")))
        .filter(|chart| chart.administrations.len() == 6)
        .take(500)
        .collect();
    let mut group = c.benchmark_group("answer to six administrations");
    for (name, alternatives) in [("with alternatives and outcomes", true), ("without alternatives", false)] {
        let options = Options { alternatives, ..Options::default() };
        let mut n = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                n = (n + 1) % charts.len();
                coder.code(black_box(&charts[n]), 1, &[], &options).expect("a chart of the generator")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, answers);
criterion_main!(benches);
