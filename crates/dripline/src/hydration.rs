//! Hydration: fluid with a charted need, in minutes that no drug ran.

use crate::case::Reason;
use crate::code::Code;
use crate::minutes::{cut_sorted, meet, merge, total};
use crate::policy::{HydrationIndication, HydrationSum, SubtractPushFromHydration, Switch};
use crate::record::{Assumed, Fact, Field, Recorder};
use crate::rule::RuleId as R;
use crate::work::{Ctx, Fluid, Item, Kind, ServiceFlags, VeinClass, Workspace, keep, orders_differ};

/// Reads the fluids of one site; returns their place in `ws.fluids` if they earn hours.
pub(crate) fn hydration<T: Recorder>(
    ctx: &Ctx,
    ws: &mut Workspace,
    rec: &mut T,
    g: crate::place::Group,
) -> Option<u32> {
    if !ws.holds.fluids {
        return None;
    }
    let from = ws.fluid_items.len();
    candidates(ctx, ws, rec, g);
    let items = (from as u32, ws.fluid_items.len() as u32);
    if items.0 == items.1 {
        return None;
    }
    let lead = ws.items[ws.fluid_items[from] as usize];
    let own = gross(ws, items);
    let gross_minutes = total(ws.span(own));
    let pieces = subtract(ctx, ws, rec, &lead, own, items);
    rec.consult(Switch::HydrationSum);
    rec.consult(Switch::HydrationFloorMinutes);
    rec.consult(Switch::HydrationMinVolumeMl);
    let floor = if ctx.on(R::UnitHydration) { ctx.policy.hydration_floor_minutes } else { 1 };
    let hours_of = |m: i64| ((m + 29) / 60).max(1);
    let per_interval = (ctx.policy.hydration_sum == HydrationSum::PerInterval) == ctx.on(R::HydrationSumming);
    let minutes = total(ws.span(pieces));
    let mut kept = pieces;
    let hours: i64 = if per_interval {
        let from = ws.pieces.len();
        let mut sum = 0;
        for k in pieces.0..pieces.1 {
            let s = ws.pieces[k as usize];
            if s.1 - s.0 >= floor {
                sum += hours_of(s.1 - s.0);
                ws.pieces.push(s);
            }
        }
        kept = (from as u32, ws.pieces.len() as u32);
        sum
    } else if minutes >= floor {
        hours_of(minutes)
    } else {
        0
    };
    for k in items.0..items.1 {
        let i = ws.fluid_items[k as usize];
        ws.item_cite(rec, i, R::UnitHydration, Fact::Minutes(minutes));
        if pieces.1 - pieces.0 > 1 {
            ws.item_cite(rec, i, R::HydrationSumming, Fact::Minutes(minutes));
        }
    }
    let rule = if hours == 0 {
        if per_interval && minutes >= floor {
            Some(R::HydrationSumming)
        } else if gross_minutes >= floor && minutes < gross_minutes {
            Some(R::HydrationNoOverlap)
        } else {
            Some(R::UnitHydration)
        }
    } else {
        volume(ctx, ws, rec, items)
    };
    if let Some(rule) = rule {
        for k in items.0..items.1 {
            let i = ws.fluid_items[k as usize];
            let head = ws.items[i as usize].first_row;
            for c in [Code::N96360, Code::N96361] {
                rec.block(head, c, rule, Fact::Minutes(minutes));
            }
            ws.item_out(rec, i, rule, Fact::Minutes(minutes));
        }
        return None;
    }
    // A fluid of which no minute is left, or whose minutes an earlier one has, adds nothing, unless it is of one run
    // with a bag that does.
    ws.seq.clear();
    ws.scratch.clear();
    for k in items.0 as usize..items.1 as usize {
        let item = ws.items[ws.fluid_items[k] as usize];
        ws.scratch2.clear();
        for n in item.net.0..item.net.1 {
            cut_sorted(ws.pieces[n as usize], &ws.scratch, &mut ws.scratch2);
        }
        if meet(&ws.scratch2, ws.span(kept)) {
            ws.seq.push(item.position);
            ws.scratch.extend_from_slice(&ws.scratch2);
            merge(&mut ws.scratch, 0);
        }
    }
    ws.seq.sort_unstable();
    let mut last = from;
    for k in items.0 as usize..items.1 as usize {
        let i = ws.fluid_items[k];
        if ws.seq.binary_search(&ws.items[i as usize].position).is_ok() {
            ws.fluid_items[last] = i;
            last += 1;
        } else {
            let rule = if per_interval { R::HydrationSumming } else { R::HydrationNoOverlap };
            ws.item_out(rec, i, rule, Fact::None);
        }
    }
    ws.fluid_items.truncate(last);
    let flags = around(ctx, ws, g);
    for k in from..last {
        let i = ws.fluid_items[k];
        if flags.chemo_or_transfusion {
            if !ctx.on(R::HydrationBeforeAfterTransfusionChemo) {
                ws.item_out(rec, i, R::HydrationNoOverlap, Fact::None);
                continue;
            }
            ws.item_cite(rec, i, R::HydrationBeforeAfterTransfusionChemo, Fact::None);
        }
    }
    if flags.chemo_or_transfusion && !ctx.on(R::HydrationBeforeAfterTransfusionChemo) {
        return None;
    }
    ws.fluids.push(Fluid { pieces: kept, hours, items: (from as u32, last as u32), per_interval });
    Some(ws.fluids.len() as u32 - 1)
}

fn around(ctx: &Ctx, ws: &Workspace, g: crate::place::Group) -> ServiceFlags {
    let chemo = (g.lo..g.hi).any(|k| ws.items[ws.order[k] as usize].class == VeinClass::Chemo);
    let transfused =
        ctx.case.services.iter().any(|s| s.is_36430) || ws.standing.contains(&crate::work::Standing::Live(Kind::Blood));
    ServiceFlags { chemo_or_transfusion: chemo || transfused }
}

fn rank(reason: Reason) -> u8 {
    match reason {
        Reason::Absent => 0,
        Reason::NotAReason => 1,
        Reason::Weak => 2,
        Reason::Given => 3,
    }
}

/// Puts the fluids that qualify into `ws.fluid_items`, by start. Bags of one fluid that overlap or follow without a
/// gap are one run, so a reason charted for one of them holds for all.
fn candidates<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, g: crate::place::Group) {
    let from = ws.fluid_items.len();
    let mut seq = std::mem::take(&mut ws.seq);
    keep(&mut seq, ws.order[g.lo..g.hi].iter().copied(), |i| {
        let item = &ws.items[i as usize];
        (item.class == VeinClass::Hydration) & !item.done
    });
    seq.sort_unstable_by_key(|&i| {
        let item = &ws.items[i as usize];
        (item.identity, item.start, item.first_row)
    });
    let mut lo = 0;
    while lo < seq.len() {
        let first = ws.items[seq[lo] as usize];
        let (mut stop, mut last) = (first.stop, first.first_row);
        let mut reason = Reason::Absent;
        let mut of_run: Speed = None;
        let mut hi = lo;
        while hi < seq.len() {
            let item = ws.items[seq[hi] as usize];
            let orders = (ctx.case.rows[last as usize].order, ctx.case.rows[item.first_row as usize].order);
            let goes_on = item.start < stop || (item.start == stop && !orders_differ(orders.0, orders.1));
            if hi > lo && !(item.identity == first.identity && goes_on) {
                break;
            }
            for row in ws.chain(item.first_row) {
                let charted = ctx.case.rows[row as usize].reason;
                if rank(charted) > rank(reason) {
                    reason = charted;
                }
            }
            // A bag without rate and volume ran as the run that it is part of; of several rates the fastest.
            if let Some((amount, minutes)) = speed(ctx, ws, seq[hi]) {
                let faster =
                    |(a, m): (i64, i64)| i128::from(amount) * i128::from(m) > i128::from(a) * i128::from(minutes);
                if of_run.is_none_or(faster) {
                    of_run = Some((amount, minutes));
                }
            }
            if item.stop >= stop {
                (stop, last) = (item.stop, item.first_row);
            }
            hi += 1;
        }
        for &i in &seq[lo..hi] {
            if passes(ctx, ws, rec, i, reason, of_run) {
                ws.items[i as usize].position = seq[lo];
                ws.fluid_items.push(i);
            }
        }
        lo = hi;
    }
    ws.seq = seq;
    let mut items = std::mem::take(&mut ws.fluid_items);
    items[from..].sort_unstable_by_key(|&i| (ws.items[i as usize].start, ws.items[i as usize].first_row));
    ws.fluid_items = items;
}

/// A rate as a fraction, to stay exact: thousandths of a millilitre over minutes.
type Speed = Option<(i64, i64)>;

/// The charted rate of a bag, else its volume over the time that it is charted to have run.
fn speed(ctx: &Ctx, ws: &Workspace, i: u32) -> Speed {
    let head = ws.items[i as usize].first_row;
    let (mut rate, mut volume) = (None, None);
    for row in ws.chain(head) {
        let r = &ctx.case.rows[row as usize];
        rate = rate.or(r.rate);
        volume = volume.or(r.volume);
    }
    let lent = &ws.lent[head as usize];
    let minutes = match (lent.start, lent.stop) {
        (Some(start), Some(stop)) if stop > start => {
            let (a, b) = ctx.case.rows[head as usize].pauses;
            let paused = ctx.case.pauses[a as usize..b as usize].iter().map(|p| p.1.min(stop) - p.0.max(start));
            stop - start - paused.filter(|m| *m > 0).sum::<i64>()
        }
        _ => ws.items[i as usize].minutes,
    };
    rate.map(|r| (r, 60)).or(volume.map(|v| (v, minutes)))
}

/// Does a fluid qualify: a reason, and more than keeping the vein open?
fn passes<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, i: u32, reason: Reason, of_run: Speed) -> bool {
    let head = ws.items[i as usize].first_row;
    ws.item_cite(rec, i, R::HydrationDefinition, Fact::None);
    rec.consult(Switch::HydrationIndication);
    let needs = ctx.policy.hydration_indication == HydrationIndication::Required;
    let lacking = match reason {
        Reason::Absent if ctx.on(R::HydrationMedicalNeed) => Some(R::HydrationMedicalNeed),
        Reason::NotAReason if ctx.on(R::NotAReason) => Some(R::NotAReason),
        Reason::Weak => {
            rec.query(head, Field::Indication, R::HydrationMedicalNeed);
            None
        }
        _ => None,
    };
    if let Some(rule) = lacking.filter(|_| needs) {
        rec.query(head, Field::Indication, rule);
        blocked(rec, head, rule);
        ws.item_out(rec, i, rule, Fact::None);
        return false;
    }
    if reason == Reason::Given || reason == Reason::Weak {
        ws.item_cite(rec, i, R::HydrationMedicalNeed, Fact::None);
    }
    let speed = speed(ctx, ws, i).or(of_run);
    rec.consult(Switch::KvoMaxRateMlH);
    rec.consult(Switch::HydrationMinRateMlH);
    let (kvo, least) = (ctx.policy.kvo_max_rate_ml_h, ctx.policy.hydration_min_rate_ml_h);
    let above = |limit: i64, equal: bool| {
        speed.map(|(amount, minutes)| {
            let (a, b) = (i128::from(amount) * 60, i128::from(limit) * 1000 * i128::from(minutes));
            if equal { a >= b } else { a > b }
        })
    };
    let slow = (kvo > 0 && above(kvo, false) == Some(false)) || (least > 0 && above(least, true) != Some(true));
    if slow && ctx.on(R::HydrationExclusions) {
        rec.query(head, Field::Rate, R::HydrationExclusions);
        blocked(rec, head, R::HydrationExclusions);
        ws.item_out(rec, i, R::HydrationExclusions, Fact::None);
        return false;
    }
    if speed.is_none() && kvo > 0 && ctx.on(R::HydrationExclusions) {
        rec.assume(head, Assumed::NotKeptOpen);
    }
    true
}

fn blocked<T: Recorder>(rec: &mut T, head: u32, rule: R) {
    for c in [Code::N96360, Code::N96361] {
        rec.block(head, c, rule, Fact::None);
    }
}

/// All minutes of the fluids, each minute once.
fn gross(ws: &mut Workspace, items: (u32, u32)) -> (u32, u32) {
    let from = ws.pieces.len();
    for k in items.0..items.1 {
        let net = ws.items[ws.fluid_items[k as usize] as usize].net;
        for p in net.0..net.1 {
            let s = ws.pieces[p as usize];
            ws.pieces.push(s);
        }
    }
    merge(&mut ws.pieces, from);
    (from as u32, ws.pieces.len() as u32)
}

/// Takes the minutes of drug runs away, and those of pushes if policy says so.
fn subtract<T: Recorder>(
    ctx: &Ctx,
    ws: &mut Workspace,
    rec: &mut T,
    lead: &Item,
    own: (u32, u32),
    items: (u32, u32),
) -> (u32, u32) {
    ws.scratch.clear();
    let mut pushes = false;
    let no_overlap = ctx.on(R::HydrationNoOverlap) && ctx.on(R::ConcurrentNoHydration);
    let (lo, hi) = crate::assign::beside(ws, lead.visit, lead.site);
    for n in lo..hi {
        let item = &ws.items[ws.beside[n].item as usize];
        let long = item.net.1 > item.net.0 && item.minutes > ctx.policy.push_max_minutes;
        if item.long_pump && no_overlap {
            // Where its stop is not charted it runs as long as was planned: that is what makes it a long one.
            let planned = ws.chain(item.first_row).filter_map(|row| ws.lent[row as usize].planned).max();
            let stop = if item.run { item.stop } else { item.start + planned.map_or(0, i64::from) };
            ws.scratch.push((item.start, stop.max(item.start)));
        } else if item.run && long && no_overlap {
            for p in item.net.0..item.net.1 {
                ws.scratch.push(ws.pieces[p as usize]);
            }
        } else if !long && item.stop > item.start {
            rec.consult(Switch::SubtractPushFromHydration);
            if ctx.policy.subtract_push_from_hydration == SubtractPushFromHydration::Yes
                && ctx.on(R::HydrationMinusPushes)
            {
                // In the pauses of a short infusion nothing was pushed.
                match item.net {
                    (from, to) if from < to => ws.scratch.extend((from..to).map(|p| ws.pieces[p as usize])),
                    _ => ws.scratch.push((item.start, item.stop)),
                }
                pushes = true;
            }
        }
    }
    merge(&mut ws.scratch, 0);
    let from = ws.pieces.len();
    for p in own.0..own.1 {
        let span = ws.pieces[p as usize];
        cut_sorted(span, &ws.scratch, &mut ws.pieces);
    }
    let left = (from as u32, ws.pieces.len() as u32);
    let lost = total(ws.span(own)) - total(ws.span(left));
    if lost > 0 {
        for k in items.0..items.1 {
            let i = ws.fluid_items[k as usize];
            ws.item_cite(rec, i, R::HydrationNoOverlap, Fact::Minutes(lost));
            ws.item_cite(rec, i, R::ConcurrentNoHydration, Fact::None);
            if pushes {
                ws.item_cite(rec, i, R::HydrationMinusPushes, Fact::None);
            }
        }
    }
    left
}

/// A payer's least volume.
fn volume<T: Recorder>(ctx: &Ctx, ws: &Workspace, rec: &mut T, items: (u32, u32)) -> Option<R> {
    let least = ctx.policy.hydration_min_volume_ml;
    if least == 0 || !ctx.on(R::HydrationMinVolume) {
        return None;
    }
    let mut sum: i128 = 0;
    for k in items.0..items.1 {
        let item = ws.items[ws.fluid_items[k as usize] as usize];
        let head = item.first_row;
        let volume = ws.chain(head).find_map(|r| ctx.case.rows[r as usize].volume);
        // What ran at a charted rate is as good as charted.
        let ran = || ws.chain(head).find_map(|r| ctx.case.rows[r as usize].rate).map(|r| r * item.minutes / 60);
        match volume.or_else(ran) {
            Some(v) => sum += i128::from(v),
            None => rec.query(head, Field::Volume, R::HydrationMinVolume),
        }
    }
    (sum <= i128::from(least) * 1000).then_some(R::HydrationMinVolume)
}
