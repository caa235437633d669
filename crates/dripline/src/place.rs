//! Which minutes belong to whom: runs are placed one by one, and no minute supports two timed codes.

use crate::case::{Ix, NONE};
use crate::chart::Setting;
use crate::code::Code;
use crate::minutes::{add, cut, cut_sorted, shared, total};
use crate::policy::{ChemoConcurrent, ConcurrentLimit, MajorityOf, OfficeInitial, OverlapMinutes, OverlapRule, Switch};
use crate::record::{Fact, Recorder};
use crate::rule::RuleId as R;
use crate::work::{Ctx, Item, Kind, Placing, VeinClass, Workspace, keep};

/// Items of one site, in `ws.order[lo..hi]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub lo: usize,
    pub hi: usize,
}

fn key(item: &Item) -> (u32, i32, u32) {
    (item.visit, item.group, item.site)
}

/// Sorts the vein's items by visit, group and site and places the runs of each site.
pub(crate) fn place<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let mut order = std::mem::take(&mut ws.order);
    keep(&mut order, 0..ws.items.len() as u32, |i| {
        let item = &ws.items[i as usize];
        (item.lane == Kind::Vein) & !item.done & !item.long_pump
    });
    order.sort_unstable_by_key(|&i| (key(&ws.items[i as usize]), ws.items[i as usize].first_row));
    ws.order = order;
    ws.reason = reason_head(ctx, ws);
    let mut lo = 0;
    while let Some(g) = next_group(ws, lo) {
        place_site(ctx, ws, rec, g);
        lo = g.hi;
    }
    report_concurrent(ctx, ws, rec);
}

/// The group of items that starts at `lo`.
pub(crate) fn next_group(ws: &Workspace, lo: usize) -> Option<Group> {
    let first = key(&ws.items[*ws.order.get(lo)? as usize]);
    let mut hi = lo + 1;
    while hi < ws.order.len() && key(&ws.items[ws.order[hi] as usize]) == first {
        hi += 1;
    }
    Some(Group { lo, hi })
}

/// First of the rows that stand together with the office visit's main reason; a payer that ranks asks for no reason.
fn reason_head(ctx: &Ctx, ws: &mut Workspace) -> Ix {
    let asked = ctx.case.setting == Setting::Office && ctx.policy.office_initial == OfficeInitial::Reason;
    match ctx.case.primary_reason {
        Some(reason) if asked && (reason as usize) < ctx.case.rows.len() => ws.find(reason),
        _ => NONE,
    }
}

/// Does the office visit's main reason belong to this item?
pub(crate) fn reason_item(ws: &Workspace, item: u32) -> bool {
    ws.items[item as usize].first_row == ws.reason
}

fn place_site<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, g: Group) {
    let mut seq = std::mem::take(&mut ws.seq);
    keep(&mut seq, ws.order[g.lo..g.hi].iter().copied(), |i| {
        let item = &ws.items[i as usize];
        item.run & (item.class != VeinClass::Hydration)
    });
    seq.sort_unstable_by_key(|&i| {
        let item = &ws.items[i as usize];
        let longest = if ctx.on(R::TieBreakSameRank) { -item.minutes } else { 0 };
        (item.class, !(ctx.on(R::OfficeInitialIsReason) && reason_item(ws, i)), longest, item.start, item.first_row)
    });
    ws.placed.clear();
    ws.timed.clear();
    for (n, &i) in seq.iter().enumerate() {
        ws.items[i as usize].position = n as u32;
        place_run(ctx, ws, rec, i);
        let item = &ws.items[i as usize];
        ws.placed.push((item.start, item.stop, i));
        if item.placing == Placing::Timed {
            for k in item.net.0..item.net.1 {
                add(&mut ws.timed, ws.pieces[k as usize]);
            }
        }
    }
    ws.seq = seq;
}

fn place_run<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, i: u32) {
    let new = ws.items[i as usize];
    let (mut most, mut with) = (0, NONE);
    for &(start, stop, p) in &ws.placed {
        if stop.min(new.stop) - start.max(new.start) <= most {
            continue;
        }
        let o = shared(ws.span(new.net), ws.span(ws.items[p as usize].net));
        if o > most {
            most = o;
            with = p;
            if most == new.minutes {
                break;
            }
        }
    }
    if with == NONE {
        ws.items[i as usize].placing = Placing::Timed;
        return;
    }
    let other = ws.items[with as usize];
    rec.consult(Switch::OverlapRule);
    rec.consult(Switch::MajorityOf);
    rec.consult(Switch::OverlapMinutes);
    let fact = Fact::Shared { minutes: most, of: new.minutes, other: other.first_row };
    ws.item_cite(rec, i, R::ConcurrentMinimumOverlap, fact);
    // Without the rules of concurrency, which only tests switch off, a run keeps its own minutes.
    let beside_chemo = other.class == VeinClass::Chemo && new.class != VeinClass::Chemo;
    if !ctx.on(R::ConcurrentDefinition) || (beside_chemo && !ctx.on(R::ConcurrentChemoWithDrug)) {
        ws.items[i as usize].placing = Placing::Timed;
        return;
    }
    let concurrent = together(ctx, &new, &other, most);
    let deducts = ctx.policy.overlap_minutes == OverlapMinutes::Deduct && ctx.on(R::NoDoubleMinutes);
    let left = if deducts { leave(ws, &new) } else { new.net };
    let left_minutes = total(ws.span(left));
    if !concurrent && (left_minutes > ctx.policy.push_max_minutes || left_minutes == new.minutes) {
        let item = &mut ws.items[i as usize];
        item.placing = Placing::Timed;
        item.left = left;
        item.left_minutes = left_minutes;
        if left_minutes != new.minutes {
            ws.item_cite(rec, i, R::NoDoubleMinutes, Fact::Minutes(left_minutes));
        }
        rec.block(new.first_row, Code::N96368, R::ConcurrentMinimumOverlap, fact);
        return;
    }
    ws.holds.concurrent = true;
    ws.item_cite(rec, i, R::ConcurrentDefinition, fact);
    if new.class != VeinClass::Chemo || !ctx.on(R::ConcurrentChemoWithChemo) {
        ws.items[i as usize].placing = Placing::Concurrent;
        ws.items[i as usize].left = (0, 0);
        if beside_chemo {
            ws.item_cite(rec, i, R::ConcurrentChemoWithDrug, Fact::None);
        }
        for c in [Code::N96365, Code::N96367] {
            rec.block(new.first_row, c, R::ConcurrentDefinition, fact);
        }
        return;
    }
    rec.consult(Switch::ChemoConcurrent);
    ws.item_cite(rec, i, R::ConcurrentChemoWithChemo, fact);
    if ctx.policy.chemo_concurrent == ChemoConcurrent::Sequential {
        let floor = ctx.policy.push_max_minutes + 1;
        let kept = if left_minutes >= floor.min(new.minutes) { left } else { first_minutes(ws, &new, left, floor) };
        let minutes = total(ws.span(kept));
        let item = &mut ws.items[i as usize];
        item.placing = Placing::Timed;
        item.left = kept;
        item.left_minutes = minutes;
    } else {
        ws.items[i as usize].placing = Placing::Concurrent;
        ws.items[i as usize].left = (0, 0);
        rec.block(new.first_row, Code::N96417, R::ConcurrentChemoWithChemo, fact);
    }
}

/// Did two runs go together?
fn together(ctx: &Ctx, new: &Item, other: &Item, o: i64) -> bool {
    if !ctx.on(R::ConcurrentMinimumOverlap) {
        return o >= 1;
    }
    match ctx.policy.overlap_rule {
        OverlapRule::Any => o >= 1,
        OverlapRule::Gt15 => o > 15,
        OverlapRule::Majority => {
            let later = if (new.start, new.first_row) > (other.start, other.first_row) { new } else { other };
            let d = match ctx.policy.majority_of {
                MajorityOf::Longer => new.minutes.max(other.minutes),
                MajorityOf::Shorter => new.minutes.min(other.minutes),
                MajorityOf::LaterStart => later.minutes,
            };
            2 * o > d
        }
        OverlapRule::NearIdentical => {
            let near = ctx.policy.near_identical_minutes;
            (new.start - other.start).abs() <= near && (new.stop - other.stop).abs() <= near
        }
    }
}

/// The run's minutes without those of the timed runs of the site.
fn leave(ws: &mut Workspace, new: &Item) -> (u32, u32) {
    let from = ws.pieces.len();
    for k in new.net.0..new.net.1 {
        let span = ws.pieces[k as usize];
        cut_sorted(span, &ws.timed, &mut ws.pieces);
    }
    (from as u32, ws.pieces.len() as u32)
}

/// What is left, filled from the run's own first minutes to `floor`.
fn first_minutes(ws: &mut Workspace, new: &Item, left: (u32, u32), floor: i64) -> (u32, u32) {
    let mut need = floor - total(ws.span(left));
    ws.scratch.clear();
    for k in left.0..left.1 {
        ws.scratch.push(ws.pieces[k as usize]);
    }
    let mut scratch = std::mem::take(&mut ws.scratch);
    let from = ws.pieces.len();
    for k in new.net.0..new.net.1 {
        let span = ws.pieces[k as usize];
        ws.scratch2.clear();
        cut(span, &mut scratch, &mut ws.scratch2);
        for n in 0..ws.scratch2.len() {
            let s = ws.scratch2[n];
            let take = need.min(s.1 - s.0);
            if take > 0 {
                ws.pieces.push((s.0, s.0 + take));
                need -= take;
            }
        }
    }
    ws.pieces.extend_from_slice(&scratch);
    ws.scratch = scratch;
    crate::minutes::merge(&mut ws.pieces, from);
    (from as u32, ws.pieces.len() as u32)
}

/// Concurrent drug runs are reported once a visit over all its sites.
fn report_concurrent<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    if !ws.holds.concurrent {
        return;
    }
    ws.seq.clear();
    for i in 0..ws.items.len() as u32 {
        let item = &ws.items[i as usize];
        if item.placing == Placing::Concurrent
            && !(item.class == VeinClass::Chemo && ctx.on(R::ConcurrentChemoWithChemo))
        {
            ws.seq.push(i);
        }
    }
    if ws.seq.is_empty() {
        return;
    }
    let mut seq = std::mem::take(&mut ws.seq);
    seq.sort_unstable_by_key(|&i| {
        let item = &ws.items[i as usize];
        (item.visit, item.start, item.first_row)
    });
    if seq.len() > 1 {
        rec.consult(Switch::ConcurrentLimit);
    }
    let by_date = ctx.policy.concurrent_limit == ConcurrentLimit::Date;
    // Those of the visit that are reported: one, or one a date.
    let mut reported = std::mem::take(&mut ws.run_items);
    for (k, &i) in seq.iter().enumerate() {
        let item = ws.items[i as usize];
        if k > 0 && ws.items[seq[k - 1] as usize].visit != item.visit {
            reported.clear();
        }
        let earlier = reported.iter().find(|&&j| !by_date || ws.items[j as usize].day == item.day);
        match earlier {
            Some(&j) if ctx.on(R::ConcurrentOnce) => {
                let other = ws.items[j as usize].first_row;
                rec.block(item.first_row, Code::N96368, R::ConcurrentOnce, Fact::Other(other));
                ws.item_out(rec, i, R::ConcurrentOnce, Fact::Other(other));
            }
            _ => {
                ws.items[i as usize].placing = Placing::ConcurrentReported;
                reported.push(i);
            }
        }
    }
    reported.clear();
    ws.run_items = reported;
    ws.seq = seq;
}
