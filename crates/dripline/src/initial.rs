//! One service comes first at each access: by rank in a hospital, by the reason for the visit in an office.

use crate::chart::Setting;
use crate::policy::{OfficeHydrationInitialConflict, OfficeInitial, Switch};
use crate::record::{Assumed, Fact, Recorder};
use crate::rule::RuleId as R;
use crate::time::{Day, Minute};
use crate::work::{Ctx, Modifier, VeinClass, Workspace};

/// The first service of a site; ranks in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Initial {
    /// Nothing at the site earns an initial code.
    None,
    /// A drug's runs, by place in `ws.runs`.
    Run(u32),
    /// A push, by place in `ws.pushes`.
    Push(u32),
    /// Fluids.
    Hydration,
}

/// One site of a visit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub visit: u32,
    pub group: i32,
    pub runs: (u32, u32),
    pub pushes: (u32, u32),
    pub fluid: Option<u32>,
    pub initial: Initial,
    /// The office's main reason decided.
    pub by_reason: bool,
    /// Rank of the initial service, then its place: what orders the sites of a visit.
    pub rank: (u8, bool, u32, i64, Minute, u32),
    pub modifier: Modifier,
    /// First minute of the site.
    pub first: Minute,
    pub first_day: Day,
    pub has_reason: bool,
}

impl Site {
    /// The rule that chose the initial service.
    pub(crate) fn rule(&self, ctx: &Ctx) -> R {
        let by_rank = ctx.facility() || ctx.policy.office_initial == OfficeInitial::Rank;
        if by_rank && !self.by_reason { R::FacilityHierarchy } else { R::OfficeInitialIsReason }
    }
}

/// Candidate for the initial service, in order of preference.
type Candidate = ((u8, u32, Minute, u32), Initial);

/// Chooses the initial service of a site.
pub(crate) fn initial<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, site: &mut Site) {
    let mut best: Option<Candidate> = None;
    let mut count = 0;
    let mut best_reason: Option<Candidate> = None;
    let mut chemo_runs = false;
    let mut chemo_pushes = false;
    let mut reason_class = None;
    let mut consider = |c: Candidate, reason: bool, class: VeinClass| {
        count += 1;
        if best.is_none_or(|b| c.0 < b.0) {
            best = Some(c);
        }
        if reason {
            reason_class = Some((class, matches!(c.1, Initial::Run(_))));
            if best_reason.is_none_or(|b| c.0 < b.0) {
                best_reason = Some(c);
            }
        }
        if class == VeinClass::Chemo {
            match c.1 {
                Initial::Run(_) => chemo_runs = true,
                _ => chemo_pushes = true,
            }
        }
    };
    let ranked = ctx.on(R::FacilityHierarchy);
    for k in site.runs.0..site.runs.1 {
        let g = ws.runs[k as usize];
        if !g.entitled {
            continue;
        }
        let lead = ws.items[ws.run_items[g.items.0 as usize] as usize];
        let reason = (g.items.0..g.items.1).any(|n| crate::place::reason_item(ws, ws.run_items[n as usize]));
        let rank = if g.class == VeinClass::Chemo { 0 } else { 2 };
        let key = if ranked { (rank, g.position, 0, 0) } else { (0, 0, lead.start, lead.first_row) };
        consider((key, Initial::Run(k)), reason, g.class);
    }
    for k in site.pushes.0..site.pushes.1 {
        let p = ws.pushes[k as usize];
        if p.again {
            continue;
        }
        let item = ws.items[p.item as usize];
        let reason = crate::place::reason_item(ws, p.item);
        let rank = if item.class == VeinClass::Chemo { 1 } else { 3 };
        let at = item.day_end(ctx);
        let key = if ranked { (rank, 0, at, item.first_row) } else { (0, 0, at, item.first_row) };
        consider((key, Initial::Push(k)), reason, item.class);
    }
    if let Some(f) = site.fluid {
        let fluid = ws.fluids[f as usize];
        let reason = (fluid.items.0..fluid.items.1).any(|n| crate::place::reason_item(ws, ws.fluid_items[n as usize]));
        let lead = ws.items[ws.fluid_items[fluid.items.0 as usize] as usize];
        // In a hospital hydration comes last; only the test of that rule lets it come first.
        let rank = if ctx.facility() && !ctx.on(R::PalmettoHydrationAlwaysSecondary) { 0 } else { 4 };
        let key = if ranked { (rank, 0, lead.start, lead.first_row) } else { (0, 0, lead.start, lead.first_row) };
        consider((key, Initial::Hydration), reason, VeinClass::Hydration);
    }
    let Some(by_rank) = best else { return };
    site.initial = by_rank.1;
    if ctx.case.setting == Setting::Office {
        rec.consult(Switch::OfficeInitial);
        if ctx.policy.office_initial == OfficeInitial::Reason && ctx.on(R::OfficeInitialIsReason) {
            office(ctx, ws, rec, site, best_reason, reason_class, (chemo_runs, chemo_pushes), count);
        }
    }
    let head = initial_head(ws, site);
    if count > 1 {
        rec.cite(head, site.rule(ctx), Fact::Count(count));
        if let Initial::Run(k) = site.initial
            && !site.by_reason
            && (site.runs.0..site.runs.1).any(|n| n != k && ws.runs[n as usize].class == ws.runs[k as usize].class)
        {
            rec.cite(head, R::TieBreakSameRank, Fact::None);
        }
    }
    rec.cite(head, R::OneInitialPerSitePerEncounter, Fact::None);
}

#[allow(clippy::too_many_arguments)]
fn office<T: Recorder>(
    ctx: &Ctx,
    ws: &Workspace,
    rec: &mut T,
    site: &mut Site,
    best_reason: Option<Candidate>,
    reason_class: Option<(VeinClass, bool)>,
    chemo: (bool, bool),
    count: i64,
) {
    let by_rank = |rec: &mut T, site: &Site| {
        if count > 1 {
            rec.assume(initial_head(ws, site), Assumed::InitialByRank);
        }
    };
    let Some(reason) = best_reason else {
        by_rank(rec, site);
        return;
    };
    // Where chemotherapy is given the reason decides only among its runs, or among its pushes if there is no run.
    let decides = match (chemo, reason_class) {
        ((true, _), Some((class, run))) => class == VeinClass::Chemo && run,
        ((false, true), Some((class, _))) => class == VeinClass::Chemo,
        _ => true,
    };
    if !decides {
        by_rank(rec, site);
        return;
    }
    if reason.1 == Initial::Hydration && count > 1 {
        rec.consult(Switch::OfficeHydrationInitialConflict);
        let head = initial_head(ws, &Site { initial: Initial::Hydration, ..*site });
        rec.cite(head, R::OfficeParentGap, Fact::None);
        if ctx.policy.office_hydration_initial_conflict == OfficeHydrationInitialConflict::UseRank
            && ctx.on(R::OfficeParentGap)
        {
            by_rank(rec, site);
            return;
        }
        rec.assume(head, Assumed::HydrationInitial);
    }
    site.initial = reason.1;
    site.by_reason = true;
}

/// First row of the initial service.
pub(crate) fn initial_head(ws: &Workspace, site: &Site) -> u32 {
    let item = match site.initial {
        Initial::Run(k) => ws.run_items[ws.runs[k as usize].items.0 as usize],
        Initial::Push(k) => ws.pushes[k as usize].item,
        Initial::Hydration => site.fluid.map_or(0, |f| ws.fluid_items[ws.fluids[f as usize].items.0 as usize]),
        Initial::None => return 0,
    };
    ws.items[item as usize].first_row
}

/// What orders the sites of a visit: the rank of their initial services.
pub(crate) fn rank_site(ctx: &Ctx, ws: &Workspace, site: &mut Site) {
    let office_reason = site.has_reason && ctx.case.setting == Setting::Office;
    let (rank, minutes, start, row) = match site.initial {
        Initial::Run(k) => {
            let g = ws.runs[k as usize];
            let lead = ws.items[ws.run_items[g.items.0 as usize] as usize];
            let longest =
                (g.items.0..g.items.1).map(|n| ws.items[ws.run_items[n as usize] as usize].minutes).max().unwrap_or(0);
            (if g.class == VeinClass::Chemo { 0 } else { 2 }, -longest, lead.start, lead.first_row)
        }
        Initial::Push(k) => {
            let item = ws.items[ws.pushes[k as usize].item as usize];
            (if item.class == VeinClass::Chemo { 1 } else { 3 }, 0, item.day_end(ctx), item.first_row)
        }
        Initial::Hydration => {
            let head = initial_head(ws, site);
            (4, 0, site.first, head)
        }
        Initial::None => (9, 0, site.first, 0),
    };
    site.rank = (if office_reason { 0 } else { 1 }, false, rank, minutes, start, row);
}
