//! One line for each code, date and modifier set, in the contract's order.

use crate::code::{Code, Family};
use crate::time::Day;
use crate::work::{Ctx, LineUnits, Modifier, Workspace};

/// Place of a line: initial, its hours, other chemotherapy, drug, push, hydration, stand-alone.
fn place(code: Code, initial: bool) -> u8 {
    let hours = matches!(code, Code::N96415 | Code::N96366 | Code::N96361);
    let of_family = match code.family() {
        Family::Chemo => 2,
        Family::Drug => 4,
        Family::Push => 5,
        Family::Hydration => 6,
        Family::ChemoAlone | Family::Alone => 7,
    };
    if initial { u8::from(hours) } else { of_family }
}

/// Code, date and modifiers as one number, in the order of lines.
fn line_key(code: Code, day: Day, other: Modifier, distinct: Modifier) -> u64 {
    let day = u64::from(day.0.cast_unsigned() ^ 0x8000_0000);
    (code as u64) << 48 | day << 16 | (other as u64) << 8 | distinct as u64
}

/// The order of two lines.
fn key(l: &LineUnits) -> u64 {
    u64::from(place(l.code, l.initial)) << 56 | line_key(l.code, l.day, l.other, l.distinct)
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
