//! Arithmetic on sorted, disjoint, half-open spans of minutes.

use crate::time::Minute;

/// A half-open span of minutes.
pub type Span = (Minute, Minute);

/// Minutes in spans.
#[inline]
#[must_use]
pub fn total(spans: &[Span]) -> i64 {
    spans.iter().map(|s| s.1 - s.0).sum()
}

/// Minutes that two lists share.
#[must_use]
pub fn shared(a: &[Span], b: &[Span]) -> i64 {
    let (mut i, mut j, mut sum) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let lo = a[i].0.max(b[j].0);
        let hi = a[i].1.min(b[j].1);
        if hi > lo {
            sum += hi - lo;
        }
        if a[i].1 <= b[j].1 {
            i += 1;
        } else {
            j += 1;
        }
    }
    sum
}

/// Do two lists share a minute? Looks each span of `a` up in `b`.
#[must_use]
pub fn meet(a: &[Span], b: &[Span]) -> bool {
    a.iter().any(|s| {
        let at = b.partition_point(|t| t.1 <= s.0);
        b.get(at).is_some_and(|t| t.0 < s.1)
    })
}

/// Appends `span` without the minutes of `cuts`, which need not be sorted.
pub fn cut(span: Span, cuts: &mut [Span], out: &mut Vec<Span>) {
    cuts.sort_unstable();
    let mut at = span.0;
    for c in cuts.iter() {
        if c.1 <= at || c.0 >= span.1 || c.1 <= c.0 {
            continue;
        }
        if c.0 > at {
            out.push((at, c.0));
        }
        at = at.max(c.1);
    }
    if at < span.1 {
        out.push((at, span.1));
    }
}

/// Appends `span` without the minutes of `cuts`, which are sorted and disjoint.
pub fn cut_sorted(span: Span, cuts: &[Span], out: &mut Vec<Span>) {
    let mut at = span.0;
    let from = cuts.partition_point(|c| c.1 <= span.0);
    for c in cuts[from..].iter().take_while(|c| c.0 < span.1) {
        if c.0 > at {
            out.push((at, c.0));
        }
        at = c.1;
    }
    if at < span.1 {
        out.push((at, span.1));
    }
}

/// Adds a span to a sorted and disjoint list; touching spans become one.
pub fn add(spans: &mut Vec<Span>, span: Span) {
    if span.1 <= span.0 {
        return;
    }
    let from = spans.partition_point(|s| s.1 < span.0);
    let to = spans.partition_point(|s| s.0 <= span.1);
    if from == to {
        spans.insert(from, span);
    } else {
        spans[from] = (spans[from].0.min(span.0), spans[to - 1].1.max(span.1));
        spans.drain(from + 1..to);
    }
}

/// Sorts and merges the spans from `from` on; touching spans become one.
pub fn merge(spans: &mut Vec<Span>, from: usize) {
    if spans.len() == from {
        return;
    }
    spans[from..].sort_unstable();
    let mut kept = from;
    for i in from..spans.len() {
        let s = spans[i];
        if s.1 <= s.0 {
            continue;
        }
        if kept > from && spans[kept - 1].1 >= s.0 {
            spans[kept - 1].1 = spans[kept - 1].1.max(s.1);
        } else {
            spans[kept] = s;
            kept += 1;
        }
    }
    spans.truncate(kept);
}

/// The minute at position `n` (from 0) of the spans; the last one if there are fewer.
#[must_use]
pub fn nth(spans: &[Span], n: i64) -> Minute {
    let mut left = n;
    for s in spans {
        if left < s.1 - s.0 {
            return s.0 + left;
        }
        left -= s.1 - s.0;
    }
    spans.last().map_or(0, |s| s.1 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_and_merges() {
        let mut out = Vec::new();
        cut((0, 60), &mut [(30, 40), (10, 20), (15, 18), (70, 80), (50, 90)], &mut out);
        assert_eq!(out, [(0, 10), (20, 30), (40, 50)]);
        let mut spans = vec![(40, 50), (0, 10), (10, 20), (15, 18), (7, 7)];
        merge(&mut spans, 0);
        assert_eq!(spans, [(0, 20), (40, 50)]);
        assert_eq!(shared(&spans, &[(5, 45)]), 20);
        assert_eq!(nth(&spans, 19), 19);
        assert_eq!(nth(&spans, 20), 40);
        assert_eq!(nth(&spans, 99), 49);
        assert!(meet(&[(20, 41)], &spans) && !meet(&[(20, 40), (50, 51)], &spans));
    }

    #[test]
    fn sorted_lists_cut_alike() {
        let mut cuts = vec![(30, 40), (10, 20), (15, 18), (70, 80), (50, 90), (40, 45)];
        let mut union = Vec::new();
        for c in &cuts {
            add(&mut union, *c);
        }
        assert_eq!(union, [(10, 20), (30, 45), (50, 90)]);
        for span in [(0, 60), (12, 35), (45, 50), (20, 30), (10, 20), (80, 100), (41, 44)] {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            cut(span, &mut cuts, &mut a);
            cut_sorted(span, &union, &mut b);
            assert_eq!(a, b, "{span:?}");
        }
    }
}
