//! The same drug again: runs of one drug are one service, and pushes of one drug count only at their distance.

use crate::code::Code;
use crate::policy::{
    BolusBeforeInfusion, PushAfterInfusionGap, SamePushAnchor, SamePushGap, SimultaneousPushes, Switch,
};
use crate::record::{Assumed, Fact, Field, Recorder};
use crate::rule::RuleId as R;
use crate::time::{Day, Minute};
use crate::work::{Ctx, Item, Placing, VeinClass, Workspace, keep};

/// Timed runs of one drug at one site, in `ws.run_items`, by start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunGroup {
    pub class: VeinClass,
    pub items: (u32, u32),
    /// Entitled to a first-hour code.
    pub entitled: bool,
    /// Place of the first of its runs in the order of placing.
    pub position: u32,
}

/// A push that still stands after the tests of this step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PushState {
    pub item: u32,
    /// Not the first of its drug.
    pub again: bool,
    /// The drug was infused as well.
    pub infused: bool,
}

/// Reads the runs and pushes of one site; returns their ranges in `ws.runs` and `ws.pushes`.
pub(crate) fn again<T: Recorder>(
    ctx: &Ctx,
    ws: &mut Workspace,
    rec: &mut T,
    g: crate::place::Group,
) -> ((u32, u32), (u32, u32)) {
    let runs_from = ws.runs.len();
    let pushes_from = ws.pushes.len();
    let mut seq = std::mem::take(&mut ws.seq);
    keep(&mut seq, ws.order[g.lo..g.hi].iter().copied(), |i| {
        let item = &ws.items[i as usize];
        // A concurrent run beyond the limit earns nothing, but the drug was infused all the same.
        let infused = item.run & (item.minutes > 0);
        (item.class != VeinClass::Hydration) & (!item.done | infused)
    });
    seq.sort_unstable_by_key(|&i| {
        let item = &ws.items[i as usize];
        (item.identity, !item.run, item.day_end(ctx), item.first_row)
    });
    let mut lo = 0;
    while lo < seq.len() {
        let identity = ws.items[seq[lo] as usize].identity;
        let mut hi = lo + 1;
        while hi < seq.len() && ws.items[seq[hi] as usize].identity == identity {
            hi += 1;
        }
        drug(ctx, ws, rec, &seq[lo..hi]);
        lo = hi;
    }
    ws.seq = seq;
    simultaneous(ctx, ws, rec, pushes_from);
    ((runs_from as u32, ws.runs.len() as u32), (pushes_from as u32, ws.pushes.len() as u32))
}

impl Item {
    /// Where it stands in time order; an administration of which only the date is known comes in its last minute.
    pub(crate) fn day_end(&self, ctx: &Ctx) -> Minute {
        if self.untimed { ctx.case.clock.midnight(Day(self.day.0.saturating_add(1))) - 1 } else { self.start }
    }

    /// Latest minute at which it may have ended.
    fn latest_end(&self, ctx: &Ctx) -> Minute {
        if self.untimed { self.day_end(ctx) } else { self.stop }
    }
}

/// One drug at one site: `items` holds its runs by start, then its pushes by time.
fn drug<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, items: &[u32]) {
    let runs = items.iter().take_while(|&&i| ws.items[i as usize].run).count();
    let (runs, pushes) = items.split_at(runs);
    if !runs.is_empty() {
        run_group(ctx, ws, rec, runs);
    }
    if !(runs.is_empty() || pushes.is_empty()) {
        // Starts ascend, and so do the latest stops so far: both can be searched.
        ws.scratch.clear();
        let mut latest = Minute::MIN;
        for &r in runs {
            let run = &ws.items[r as usize];
            latest = latest.max(run.stop);
            ws.scratch.push((run.start, latest));
        }
    }
    let mut kept: Option<Item> = None;
    let mut any: Option<Item> = None;
    for &i in pushes {
        let item = ws.items[i as usize];
        if ws.items[i as usize].done || absorbed(ctx, ws, rec, i, runs) || too_near_infusion(ctx, ws, rec, i, runs) {
            any = Some(item);
            continue;
        }
        let anchor = match ctx.policy.same_push_anchor {
            SamePushAnchor::AnyPush => any,
            _ => kept,
        };
        if let (Some(first), Some(last)) = (kept, anchor) {
            rec.consult(Switch::SamePushGap);
            rec.consult(Switch::SamePushAnchor);
            let from = match ctx.policy.same_push_anchor {
                SamePushAnchor::LastReportedStop => last.latest_end(ctx),
                _ if last.untimed => last.latest_end(ctx),
                _ => last.start,
            };
            // Of an untimed push only the day's first minute is certain.
            let gap = item.start - from;
            let limit = ctx.policy.repeat_push_minutes;
            let far = match ctx.policy.same_push_gap {
                SamePushGap::Gt30 => gap > limit,
                SamePushGap::Ge30 => gap >= limit,
            };
            let fact = Fact::Gap { minutes: gap, other: last.first_row };
            if !far && ctx.on(R::SamePushAgainFacility) {
                any = Some(item);
                if item.untimed || last.untimed {
                    rec.query(item.first_row, Field::Start, R::SamePushAgainFacility);
                }
                let rule = repeat_rule(ctx, &item);
                rec.block(
                    item.first_row,
                    Code::N96376,
                    if ctx.facility() && item.class == VeinClass::Drug { R::SamePushAgainFacility } else { rule },
                    fact,
                );
                rec.block(item.first_row, Code::N96375, rule, Fact::Other(first.first_row));
                ws.item_out(rec, i, rule, fact);
                continue;
            }
            ws.item_cite(rec, i, repeat_rule(ctx, &item), fact);
        }
        ws.pushes.push(PushState { item: i, again: kept.is_some() || !runs.is_empty(), infused: !runs.is_empty() });
        kept = Some(item);
        any = Some(item);
    }
}

/// The rule for a later push of one drug.
pub(crate) fn repeat_rule(ctx: &Ctx, item: &Item) -> R {
    if item.class == VeinClass::Chemo {
        R::SameChemoPushAgain
    } else if ctx.facility() {
        R::SamePushAgainFacility
    } else {
        R::SamePushAgainOffice
    }
}

fn run_group<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, runs: &[u32]) {
    let from = ws.run_items.len();
    let mut position = u32::MAX;
    let mut concurrent: Option<(Minute, u32)> = None;
    for &i in runs {
        let item = ws.items[i as usize];
        match item.placing {
            Placing::Timed => {
                ws.run_items.push(i);
                position = position.min(item.position);
            }
            Placing::ConcurrentReported => {
                let at = (item.start, item.first_row);
                concurrent = Some(concurrent.map_or(at, |c| c.min(at)));
            }
            _ => {}
        }
    }
    let Some(&first) = ws.run_items.get(from) else { return };
    let lead = ws.items[first as usize];
    let entitled = concurrent.is_none_or(|c| c > (lead.start, lead.first_row)) || !ctx.on(R::SameDrugInfusions);
    if ws.run_items.len() - from > 1 || !entitled {
        rec.consult(Switch::SameDrugInfusions);
        rec.consult(Switch::SameDrugSumScope);
    }
    if !ctx.on(R::SameDrugInfusions) {
        for k in from..ws.run_items.len() {
            let item = ws.items[ws.run_items[k] as usize];
            ws.runs.push(RunGroup {
                class: item.class,
                items: (k as u32, k as u32 + 1),
                entitled: true,
                position: item.position,
            });
        }
        return;
    }
    ws.runs.push(RunGroup { class: lead.class, items: (from as u32, ws.run_items.len() as u32), entitled, position });
}

/// A push right before its own infusion is part of it.
fn absorbed<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, i: u32, runs: &[u32]) -> bool {
    let item = ws.items[i as usize];
    if item.untimed || runs.is_empty() {
        return false;
    }
    // The next run is the nearest.
    let Some(&r) = runs.get(ws.scratch.partition_point(|s| s.0 < item.stop)) else { return false };
    let run = &ws.items[r as usize];
    let gap = run.start - item.stop;
    rec.consult(Switch::BolusBeforeInfusion);
    rec.consult(Switch::BolusGap);
    let limit = match ctx.policy.bolus_before_infusion {
        BolusBeforeInfusion::AbsorbIfImmediate => ctx.policy.bolus_gap,
        BolusBeforeInfusion::AbsorbIfLe30 => 30,
        BolusBeforeInfusion::Separate => -1,
    };
    if gap > limit || !ctx.on(R::PushThenSameDrugInfusion) {
        return false;
    }
    let fact = Fact::Gap { minutes: gap, other: run.first_row };
    rec.block(item.first_row, Code::N96376, R::PushThenSameDrugInfusion, fact);
    ws.item_out(rec, i, R::PushThenSameDrugInfusion, fact);
    true
}

/// A push while its own drug runs, or soon after, is not reported.
fn too_near_infusion<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, i: u32, runs: &[u32]) -> bool {
    if runs.is_empty() {
        return false;
    }
    let item = ws.items[i as usize];
    let (earliest, latest) = (item.start, item.latest_end(ctx));
    // A push that ended in the minute in which the infusion began was over by then.
    let over = item.stop > item.start;
    let started = ws.scratch.partition_point(|s| if over { s.0 < latest } else { s.0 <= latest });
    if started == 0 {
        return false;
    }
    rec.consult(Switch::PushAfterInfusionGap);
    // The first run that ends after the push began, or so little before that it is near.
    let near = match ctx.policy.push_after_infusion_gap {
        PushAfterInfusionGap::Gt30 => (earliest - ctx.policy.repeat_push_minutes).min(earliest + 1),
        PushAfterInfusionGap::None => earliest + 1,
    };
    let first = ws.scratch.partition_point(|s| s.1 < near);
    if first >= started || !ctx.on(R::InfusionThenSameDrugPush) {
        return false;
    }
    let run = &ws.items[runs[first] as usize];
    if item.untimed {
        rec.query(item.first_row, Field::Start, R::InfusionThenSameDrugPush);
    }
    let fact = Fact::Gap { minutes: earliest - run.stop, other: run.first_row };
    rec.block(item.first_row, Code::N96376, R::InfusionThenSameDrugPush, fact);
    ws.item_out(rec, i, R::InfusionThenSameDrugPush, fact);
    true
}

/// Different drugs pushed in the same minute.
fn simultaneous<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, from: usize) {
    if ws.pushes.len() - from < 2 {
        return;
    }
    let mut pushes = std::mem::take(&mut ws.pushes);
    pushes[from..].sort_unstable_by_key(|p| {
        let item = &ws.items[p.item as usize];
        (item.day_end(ctx), item.class, item.first_row)
    });
    let mut k = from;
    let mut kept = from;
    while k < pushes.len() {
        let lead = ws.items[pushes[k].item as usize];
        let mut end = k + 1;
        while end < pushes.len() && !lead.untimed {
            let item = &ws.items[pushes[end].item as usize];
            if item.untimed || item.start != lead.start {
                break;
            }
            end += 1;
        }
        // The one that is coded; what earns nothing anyway takes nobody's place.
        let mut one: Option<Item> = None;
        while k < end {
            let mut push = pushes[k];
            let item = ws.items[push.item as usize];
            k += 1;
            // Where the first push of a drug gave way to another drug's, its next one is the first that is coded.
            let coded = |p: &PushState| ws.items[p.item as usize].identity == item.identity;
            if push.again && !push.infused && !pushes[from..kept].iter().any(coded) {
                push.again = false;
            }
            let earns = !push.again || (ctx.facility() && item.class == VeinClass::Drug);
            match one {
                Some(lead) if earns && item.identity != lead.identity => {
                    rec.consult(Switch::SimultaneousPushes);
                    let fact = Fact::Other(lead.first_row);
                    if ctx.policy.simultaneous_pushes == SimultaneousPushes::One && ctx.on(R::SimultaneousPushes) {
                        ws.item_out(rec, push.item, R::SimultaneousPushes, fact);
                        continue;
                    }
                    ws.item_cite(rec, push.item, R::SimultaneousPushes, fact);
                    rec.assume(item.first_row, Assumed::OneAfterTheOther);
                }
                None if earns => one = Some(item),
                _ => {}
            }
            pushes[kept] = push;
            kept += 1;
        }
    }
    pushes.truncate(kept);
    ws.pushes = pushes;
}
