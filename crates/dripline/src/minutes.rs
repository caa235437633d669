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

/// Sorts and merges the spans from `from` on; touching spans become one.
pub fn merge(spans: &mut Vec<Span>, from: usize) {
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
    }
}
