//! One line for each code, date and modifier set, in the contract's order.

use crate::code::{Code, Family};
use crate::work::{Ctx, LineUnits, Modifier, Workspace};

/// Place of a line: initial, its hours, other chemotherapy, drug, push, hydration, stand-alone.
fn place(code: Code, initial: bool) -> u8 {
    let hours = matches!(code, Code::N96415 | Code::N96366 | Code::N96361);
    match (initial, hours, code.family()) {
        (true, false, _) => 0,
        (true, true, _) => 1,
        (_, _, Family::Chemo) => 2,
        (_, _, Family::Drug) => 4,
        (_, _, Family::Push) => 5,
        (_, _, Family::Hydration) => 6,
        (_, _, Family::ChemoAlone | Family::Alone) => 7,
    }
}

/// The order of two lines.
fn key(l: &LineUnits) -> (u8, Code, crate::time::Day, Modifier, Modifier) {
    (place(l.code, l.initial), l.code, l.day, l.other, l.distinct)
}

/// Adds up the units.
pub(crate) fn finish(ctx: &Ctx, ws: &mut Workspace) {
    let _ = ctx;
    // One line often earns several times in a row.
    let mut last = 0;
    for e in &ws.earned {
        let line = LineUnits {
            code: e.code,
            distinct: e.distinct,
            other: e.other,
            day: e.day,
            units: e.units,
            initial: e.initial,
        };
        if !ws.lines.get(last).is_some_and(|l| l.same_key(&line)) {
            last = ws.lines.iter().position(|l| l.same_key(&line)).unwrap_or(ws.lines.len());
        }
        match ws.lines.get_mut(last) {
            Some(l) => {
                l.units += e.units;
                l.initial |= e.initial;
            }
            None => ws.lines.push(line),
        }
    }
    // Rows that only stand in a line never make one.
    ws.lines.retain(|l| l.units > 0);
    ws.lines.sort_unstable_by_key(key);
}
