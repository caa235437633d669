//! Codes and units of what was given by vein.

use crate::case::NONE;
use crate::code::Code;
use crate::initial::{Initial, Site};
use crate::minutes::{meet, nth, total};
use crate::policy::{
    AbortedInfusion, ChemoConcurrent, HydrationModifier, PalmettoSecondDrug, SameDrugInfusions, SameDrugSumScope,
    SecondSiteModifier, SecondVisitModifier, Switch, UnitDateRule,
};
use crate::record::{Fact, Recorder};
use crate::rule::RuleId as R;
use crate::time::{Day, Minute};
use crate::work::{Ctx, Earned, Holds, Item, Kind, Modifier, Placing, Standing, VeinClass, Workspace, keep};

/// What a unit is earned with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    pub code: Code,
    pub distinct: Modifier,
    pub other: Modifier,
    pub day: Day,
    pub units: u32,
    pub initial: bool,
}

/// What makes a line of its own.
type LineKey = (Code, Modifier, Modifier, Day);

impl Unit {
    fn line(&self) -> LineKey {
        (self.code, self.distinct, self.other, self.day)
    }
}

/// Earns units for a chain of rows, unless the code is not yet in force.
///
/// Called from many places: one copy keeps the steps together in the processor's memory for instructions.
#[inline(never)]
pub(crate) fn earn<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, head: u32, rule: R, unit: Unit) {
    if unit.day < unit.code.since_day() && ctx.on(R::CodeNotInForce) {
        rec.block(head, unit.code, R::CodeNotInForce, Fact::None);
        let mut row = head;
        while row != NONE {
            rec.out(row, R::CodeNotInForce, Fact::None);
            row = ws.next[row as usize];
        }
        return;
    }
    ws.earned.push(Earned {
        code: unit.code,
        distinct: unit.distinct,
        other: unit.other,
        day: unit.day,
        units: unit.units,
        head,
        rule,
        initial: unit.initial,
    });
}

fn first_code(class: VeinClass) -> Code {
    if class == VeinClass::Chemo { Code::N96413 } else { Code::N96365 }
}

fn next_code(class: VeinClass) -> Code {
    if class == VeinClass::Chemo { Code::N96417 } else { Code::N96367 }
}

fn hours_code(class: VeinClass) -> Code {
    if class == VeinClass::Chemo { Code::N96415 } else { Code::N96366 }
}

/// A push or run of a drug by vein, by visit, site and start.
/// Visit, kind, site and drug of runs whose units are counted together.
pub(crate) type RunOf = (u32, u8, u32, u32);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside {
    visit: u32,
    site: u32,
    start: Minute,
    pub item: u32,
    /// The run that ends last among those of the site up to here: its drug and its stop.
    longest: (u32, Minute),
    /// Stop of the run of any other drug that ends last among them.
    other: Minute,
}

/// Sorts the drugs by vein by site and start.
fn find_beside(ws: &mut Workspace) {
    let mut drugs = std::mem::take(&mut ws.seq);
    keep(&mut drugs, 0..ws.items.len() as u32, |i| {
        let item = &ws.items[i as usize];
        (item.lane == Kind::Vein) & (item.class != VeinClass::Hydration) & !item.untimed
    });
    ws.beside.clear();
    ws.beside.extend(drugs.iter().map(|&i| {
        let Item { visit, site, start, .. } = ws.items[i as usize];
        Beside { visit, site, start, item: i, longest: (0, Minute::MIN), other: Minute::MIN }
    }));
    ws.seq = drugs;
    ws.beside.sort_unstable_by_key(|b| (b.visit, b.site, b.start, b.item));
    for n in 0..ws.beside.len() {
        let (mut longest, mut other) = match n.checked_sub(1).map(|p| &ws.beside[p]) {
            Some(p) if (p.visit, p.site) == (ws.beside[n].visit, ws.beside[n].site) => (p.longest, p.other),
            _ => ((0, Minute::MIN), Minute::MIN),
        };
        let item = &ws.items[ws.beside[n].item as usize];
        if item.run {
            if item.identity == longest.0 {
                longest.1 = longest.1.max(item.stop);
            } else if item.stop > longest.1 {
                other = longest.1;
                longest = (item.identity, item.stop);
            } else {
                other = other.max(item.stop);
            }
        }
        ws.beside[n].longest = longest;
        ws.beside[n].other = other;
    }
}

/// The drugs by vein of a site, as a range of `ws.beside`.
pub(crate) fn beside(ws: &Workspace, visit: u32, site: u32) -> (usize, usize) {
    let lo = ws.beside.partition_point(|b| (b.visit, b.site) < (visit, site));
    let hi = ws.beside.partition_point(|b| (b.visit, b.site) <= (visit, site));
    (lo, hi)
}

/// Does another drug run at this site in the minute in which the item starts?
fn runs_beside(ws: &Workspace, item: &Item) -> bool {
    let key = (item.visit, item.site, item.start);
    let Some(last) = ws.beside.partition_point(|b| (b.visit, b.site, b.start) <= key).checked_sub(1) else {
        return false;
    };
    let b = &ws.beside[last];
    let ends = if b.longest.0 == item.identity { b.other } else { b.longest.1 };
    (b.visit, b.site) == (item.visit, item.site) && ends > item.start
}

/// Sites of all visits: each gets its initial service, then the modifiers that tell them apart, then its codes.
pub(crate) fn vein<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    // Only fluids and pushes look at what ran beside them; a long infusion by pump may have become a push.
    let Holds { runs, pushes, fluids, long_pumps, .. } = ws.holds;
    if fluids || (runs && (pushes || long_pumps)) {
        find_beside(ws);
    }
    find_dates(ctx, ws, rec);
    let mut lo = 0;
    while let Some(g) = crate::place::next_group(ws, lo) {
        lo = g.hi;
        let lead = ws.items[ws.order[g.lo] as usize];
        let (runs, pushes) = crate::again::again(ctx, ws, rec, g);
        let fluid = crate::hydration::hydration(ctx, ws, rec, g);
        let mut site = Site {
            visit: lead.visit,
            group: lead.group,
            runs,
            pushes,
            fluid,
            initial: Initial::None,
            by_reason: false,
            rank: (0, false, 0, 0, 0, 0),
            modifier: Modifier::None,
            first: Minute::MAX,
            first_day: lead.day,
            has_reason: false,
        };
        for k in g.lo..g.hi {
            let item = &ws.items[ws.order[k] as usize];
            if item.day_end(ctx) < site.first {
                site.first = item.day_end(ctx);
                site.first_day = item.day;
            }
            site.has_reason |= crate::place::reason_item(ws, ws.order[k]);
        }
        crate::initial::initial(ctx, ws, rec, &mut site);
        crate::initial::rank_site(ctx, ws, &mut site);
        ws.sites.push(site);
    }
    never_without(ctx, ws, rec);
    modifiers(ctx, ws, rec);
    for s in 0..ws.sites.len() {
        site(ctx, ws, rec, s);
    }
    concurrent(ctx, ws, rec);
}

/// A drug that ran beside another before has no first hour of its own, but where nothing else of the visit could be the
/// initial service, the run placed first is: hours alone would stand on nothing.
fn never_without<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let mut from = 0;
    // The sites stand in the order of the visits.
    while from < ws.sites.len() {
        let visit = ws.sites[from].visit;
        let to = from + ws.sites[from..].iter().take_while(|s| s.visit == visit).count();
        let sites = &ws.sites[from..to];
        if sites.iter().all(|s| s.initial == Initial::None) {
            let runs = sites.iter().enumerate().flat_map(|(n, s)| (s.runs.0..s.runs.1).map(move |k| (from + n, k)));
            let first = runs.min_by_key(|(n, k)| {
                let g = &ws.runs[*k as usize];
                (g.class != VeinClass::Chemo, g.position, *n)
            });
            if let Some((n, k)) = first {
                ws.runs[k as usize].entitled = true;
                let mut site = Site { initial: Initial::Run(k), ..ws.sites[n] };
                crate::initial::rank_site(ctx, ws, &mut site);
                rec.cite(crate::initial::initial_head(ws, &site), R::OneInitialPerSitePerEncounter, Fact::None);
                ws.sites[n] = site;
            }
        }
        from = to;
    }
}

/// The first site of a visit keeps its initial bare; a later visit of a date that has one does not.
fn modifiers<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    if ws.sites.len() < 2 {
        return;
    }
    ws.firsts.clear();
    // The sites stand in the order of the visits.
    for s in &ws.sites {
        match ws.firsts.last_mut() {
            Some(f) if f.0 == s.visit => f.1 = f.1.min(s.first),
            _ => ws.firsts.push((s.visit, s.first)),
        }
    }
    let firsts = std::mem::take(&mut ws.firsts);
    let mut sites = std::mem::take(&mut ws.sites);
    let visit_start = |v: u32| firsts.binary_search_by_key(&v, |f| f.0).map_or(0, |n| firsts[n].1);
    // Only sites without an initial service can have one rank; they keep their order by what they hold.
    sites.sort_unstable_by_key(|s| (visit_start(s.visit), s.visit, s.group, s.rank, s.runs.0, s.pushes.0));
    ws.days.clear();
    let mut n = 0;
    while n < sites.len() {
        let (visit, group) = (sites[n].visit, sites[n].group);
        let mut first = true;
        while n < sites.len() && (sites[n].visit, sites[n].group) == (visit, group) {
            let s = &mut sites[n];
            n += 1;
            if s.initial == Initial::None {
                continue;
            }
            let head = crate::initial::initial_head(ws, s);
            let day = initial_day(ctx, ws, s);
            if !first {
                rec.consult(Switch::SecondSiteModifier);
                rec.cite(head, R::SecondSiteSecondInitial, Fact::None);
                s.modifier = match ctx.policy.second_site_modifier {
                    SecondSiteModifier::N59 => Modifier::M59,
                    SecondSiteModifier::XS => Modifier::XS,
                    SecondSiteModifier::XU => Modifier::XU,
                };
            } else if ws.days.iter().any(|d| d.0 != visit && d.1 == day) && ctx.on(R::SeparateEncounterSameDay) {
                rec.consult(Switch::SecondVisitModifier);
                rec.cite(head, R::SeparateEncounterSameDay, Fact::None);
                s.modifier = match ctx.policy.second_visit_modifier {
                    SecondVisitModifier::N59 => Modifier::M59,
                    SecondVisitModifier::XE => Modifier::XE,
                };
            }
            first = false;
            ws.days.push((visit, day));
        }
    }
    ws.sites = sites;
    ws.firsts = firsts;
}

fn initial_day(ctx: &Ctx, ws: &mut Workspace, s: &Site) -> Day {
    match s.initial {
        Initial::Run(k) => {
            let g = ws.runs[k as usize];
            let n = segment(ctx, ws, g.items.0, g.items.1);
            gather(ws, g.items.0, n);
            let spans = std::mem::take(&mut ws.scratch);
            let m = total(&spans);
            let lead = &ws.items[ws.run_items[g.items.0 as usize] as usize];
            let day = unit_day(ctx, ws, lead, &spans, ctx.policy.push_max_minutes.min(m - 1), 0);
            ws.scratch = spans;
            day
        }
        Initial::Push(k) => {
            let item = ws.items[ws.pushes[k as usize].item as usize];
            push_day(ctx, ws, s.visit, item.day)
        }
        Initial::Hydration => match s.fluid {
            Some(f) => {
                let fluid = ws.fluids[f as usize];
                let lead = &ws.items[ws.fluid_items[fluid.items.0 as usize] as usize];
                unit_day(ctx, ws, lead, ws.span(fluid.pieces), ctx.policy.hydration_floor_minutes - 1, 0)
            }
            None => s.first_day,
        },
        Initial::None => s.first_day,
    }
}

/// What the rarer rules of dating look up: the first date of each visit, the runs that are counted together by start.
fn find_dates<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    if T::PROOF && several_dates(ctx, ws) {
        rec.consult(Switch::UnitDateRule);
    }
    match ctx.policy.unit_date_rule {
        UnitDateRule::EncounterStart => {
            let rows = ctx.case.rows.iter().zip(&ws.lent);
            let timed = rows.filter(|(_, l)| l.timing != crate::work::Timing::Nothing);
            ws.visit_days.extend(timed.map(|(row, _)| (row.visit, row.day)));
            ws.visit_days.sort_unstable();
            ws.visit_days.dedup_by_key(|d| d.0);
        }
        UnitDateRule::RunBegan => {
            ws.run_starts.extend(ws.items.iter().filter(|i| i.run).map(|i| (run_of(i), i.start, i.stop)));
            ws.run_starts.sort_unstable();
            for n in 1..ws.run_starts.len() {
                if ws.run_starts[n].0 == ws.run_starts[n - 1].0 {
                    ws.run_starts[n].2 = ws.run_starts[n].2.max(ws.run_starts[n - 1].2);
                }
            }
        }
        UnitDateRule::ThresholdReached | UnitDateRule::UnitBegan => {}
    }
}

/// Does anything that may earn a unit lie on more than one date?
fn several_dates(ctx: &Ctx, ws: &Workspace) -> bool {
    use crate::work::Timing;
    let clock = &ctx.case.clock;
    let mut first = None;
    ctx.case.rows.iter().zip(&ws.lent).any(|(row, lent)| {
        let (from, to) = match lent.timing {
            Timing::Nothing => return false,
            Timing::Untimed => (row.day, row.day),
            Timing::Push(at, _) => (clock.day(at), row.day),
            Timing::Run(start, stop) => (clock.day(start), clock.day(stop - 1)),
        };
        let day = *first.get_or_insert(row.day);
        day != row.day || day != from || day != to
    })
}

/// First date of a visit.
fn visit_day(ws: &Workspace, visit: u32) -> Day {
    ws.visit_days.binary_search_by_key(&visit, |d| d.0).map_or(Day(i32::MAX), |n| ws.visit_days[n].1)
}

/// The date of a unit whose threshold and beginning lie at these positions of the minutes of a run, of which `lead` is
/// the first part.
pub(crate) fn unit_day(
    ctx: &Ctx,
    ws: &Workspace,
    lead: &Item,
    spans: &[crate::minutes::Span],
    threshold: i64,
    began: i64,
) -> Day {
    let clock = &ctx.case.clock;
    if !ctx.on(R::MidnightUnitDating) {
        return clock.day(spans.first().map_or(0, |s| s.0));
    }
    match ctx.policy.unit_date_rule {
        UnitDateRule::ThresholdReached => clock.day(nth(spans, threshold)),
        UnitDateRule::UnitBegan => clock.day(nth(spans, began)),
        UnitDateRule::RunBegan => {
            let at = nth(spans, threshold);
            clock.day(run_start(ws, run_of(lead), at))
        }
        UnitDateRule::EncounterStart => visit_day(ws, lead.visit),
    }
}

/// What a run's units are counted with: its visit, site and drug; all fluids of a site, all under the skin of a visit.
fn run_of(item: &Item) -> RunOf {
    match (item.lane, item.class) {
        (Kind::UnderSkin, _) => (item.visit, 1, 0, 0),
        (Kind::ArteryChemo, _) => (item.visit, 2, 0, item.identity),
        (_, VeinClass::Hydration) => (item.visit, 3, item.site, 0),
        _ => (item.visit, 4, item.site, item.identity),
    }
}

/// Start of the run in which a minute lies.
fn run_start(ws: &Workspace, of: RunOf, at: Minute) -> Minute {
    // The stops are the latest so far, so that the first one after the minute is that of the earliest run.
    let first = ws.run_starts.partition_point(|r| r.0 < of || (r.0 == of && r.2 <= at));
    ws.run_starts.get(first).filter(|r| r.0 == of).map_or(at, |r| r.1.min(at))
}

fn push_day(ctx: &Ctx, ws: &Workspace, visit: u32, day: Day) -> Day {
    if ctx.policy.unit_date_rule == UnitDateRule::EncounterStart && ctx.on(R::MidnightUnitDating) {
        visit_day(ws, visit)
    } else {
        day
    }
}

/// One past the last run that is summed with the one at `from`.
fn segment(ctx: &Ctx, ws: &Workspace, from: u32, end: u32) -> u32 {
    let day = ws.items[ws.run_items[from as usize] as usize].day;
    let mut to = from + 1;
    match ctx.policy.same_drug_infusions {
        SameDrugInfusions::Sum => {
            while to < end
                && (ctx.policy.same_drug_sum_scope == SameDrugSumScope::Encounter
                    || ws.items[ws.run_items[to as usize] as usize].day == day)
            {
                to += 1;
            }
            to
        }
        _ => to,
    }
}

/// The counted minutes of runs, in `ws.scratch`.
fn gather(ws: &mut Workspace, from: u32, to: u32) {
    ws.scratch.clear();
    for k in from..to {
        let left = ws.items[ws.run_items[k as usize] as usize].left;
        for p in left.0..left.1 {
            ws.scratch.push(ws.pieces[p as usize]);
        }
    }
    ws.scratch.sort_unstable();
}

fn later_hours(m: i64) -> i64 {
    (m + 29) / 60
}

fn more_hours(ctx: &Ctx, m: i64) -> i64 {
    let past = ctx.policy.more_hours_past_minutes + 1;
    if ctx.on(R::UnitTherapeuticInfusion) { (m - past).div_euclid(60).max(0) } else { (m - 1).div_euclid(60).max(0) }
}

fn site<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, s: usize) {
    let site = ws.sites[s];
    let outside = outside_initial(ctx, ws, &site);
    let initial_minutes = match site.initial {
        Initial::Run(k) => {
            let g = ws.runs[k as usize];
            let to = segment(ctx, ws, g.items.0, g.items.1);
            (g.items.0..to).map(|n| ws.items[ws.run_items[n as usize] as usize].left_minutes).sum()
        }
        _ => 0,
    };
    let initial_class = match site.initial {
        Initial::Run(k) => Some(ws.runs[k as usize].class),
        Initial::Push(k) => Some(ws.items[ws.pushes[k as usize].item as usize].class),
        _ => None,
    };
    let first_date = if ctx.on(R::AddOnDates) { None } else { Some(initial_day(ctx, ws, &site)) };
    for k in site.runs.0..site.runs.1 {
        let is_initial = site.initial == Initial::Run(k);
        run(ctx, ws, rec, &site, k, is_initial && !outside, initial_minutes, initial_class, first_date);
    }
    for k in site.pushes.0..site.pushes.1 {
        let is_initial = site.initial == Initial::Push(k);
        push(ctx, ws, rec, &site, k, is_initial && !outside, initial_class, first_date);
    }
    if let Some(f) = site.fluid {
        fluid(ctx, ws, rec, &site, f, site.initial == Initial::Hydration && !outside, first_date);
    }
}

/// Only the tests of these rules let something outside the hierarchy take the initial service.
fn outside_initial(ctx: &Ctx, ws: &Workspace, site: &Site) -> bool {
    let _ = site;
    #[cfg(feature = "rule-off")]
    {
        let has = |f: &dyn Fn(&Standing, usize) -> bool| ws.standing.iter().enumerate().any(|(i, s)| f(s, i));
        let chemo = |i: usize| crate::screen::is_chemo(ctx.case.rows[i].class);
        if !ctx.on(R::ScimOutsideHierarchy)
            && has(&|s, i| matches!(s, Standing::Live(Kind::Injection | Kind::UnderSkin)) && !chemo(i))
        {
            return true;
        }
        if !ctx.on(R::InitialCodeSet)
            && (has(&|s, i| {
                matches!(s, Standing::Live(Kind::Injection | Kind::UnderSkin | Kind::ArteryChemo)) && chemo(i)
            }) || ws.items.iter().any(|i| i.long_pump))
        {
            return true;
        }
        if !ctx.on(R::PushWithPumpStart) && ws.items.iter().any(|i| i.long_pump) {
            return true;
        }
    }
    let _ = (ctx, ws, Standing::Out, Kind::Vein);
    false
}

/// The code of a service that is not the initial one.
fn secondary(ctx: &Ctx, initial: Option<VeinClass>, class: VeinClass, first: Code, next: Code) -> Code {
    let cross = initial != Some(class);
    if !ctx.on(R::OneInitialPerSitePerEncounter)
        || (!ctx.on(R::SubsequentEvenIfFirstOfGroup) && next != Code::N96417)
        || (cross && !ctx.on(R::CrossFamilySecondary))
    {
        first
    } else {
        next
    }
}

#[allow(clippy::too_many_arguments)]
fn run<T: Recorder>(
    ctx: &Ctx,
    ws: &mut Workspace,
    rec: &mut T,
    site: &Site,
    k: u32,
    is_initial: bool,
    initial_minutes: i64,
    initial_class: Option<VeinClass>,
    first_date: Option<Day>,
) {
    let g = ws.runs[k as usize];
    let class = g.class;
    let mode = ctx.policy.same_drug_infusions;
    let (mut from, end) = g.items;
    let mut first = true;
    while from < end {
        let to = segment(ctx, ws, from, end);
        let lead = ws.items[ws.run_items[from as usize] as usize];
        gather(ws, from, to);
        let spans = std::mem::take(&mut ws.scratch);
        let m = total(&spans);
        let day = |ws: &Workspace, threshold: i64, began: i64| {
            first_date.unwrap_or_else(|| unit_day(ctx, ws, &lead, &spans, threshold, began))
        };
        for n in from..to {
            let i = ws.run_items[n as usize];
            ws.item_cite(rec, i, R::UnitTherapeuticInfusion, Fact::Minutes(m));
            if end - g.items.0 > 1 || !g.entitled {
                ws.item_cite(rec, i, R::SameDrugInfusions, Fact::Minutes(m));
            }
        }
        let mut earned = false;
        let mut last = None;
        if first && g.entitled {
            let palmetto = !is_initial
                && class == VeinClass::Drug
                && ctx.on(R::SequentialNewDrug)
                && matches!(site.initial, Initial::Run(_));
            if palmetto {
                rec.consult(Switch::PalmettoSecondDrug);
            }
            let denied =
                palmetto && ctx.policy.palmetto_second_drug == PalmettoSecondDrug::On && m + initial_minutes <= 60;
            let too_short = !ctx.on(R::GeneralMidpointRuleDoesNotReplace) && m <= 30 && !lead.aborted;
            if !denied && !too_short && (is_initial || ctx.on(R::SequentialNewDrug)) {
                let code = if is_initial {
                    first_code(class)
                } else {
                    secondary(ctx, initial_class, class, first_code(class), next_code(class))
                };
                let rule = if is_initial { site.rule(ctx) } else { R::SequentialNewDrug };
                if !is_initial {
                    rec.block(lead.first_row, first_code(class), R::OneInitialPerSitePerEncounter, Fact::None);
                    cite_secondary(
                        ctx,
                        ws,
                        rec,
                        ws.run_items[from as usize],
                        initial_class,
                        class,
                        R::SequentialNewDrug,
                    );
                }
                let threshold = ctx.policy.push_max_minutes.min(m - 1);
                let stopped_early =
                    ws.run_items[from as usize..to as usize].iter().all(|&i| ws.items[i as usize].aborted);
                let other =
                    if stopped_early && !ctx.facility() && ctx.policy.aborted_infusion == AbortedInfusion::Intended53 {
                        Modifier::M53
                    } else {
                        Modifier::None
                    };
                let unit = Unit {
                    code,
                    distinct: if is_initial { site.modifier } else { Modifier::None },
                    other,
                    day: day(ws, threshold, 0),
                    units: 1,
                    initial: is_initial,
                };
                earn_all(ctx, ws, rec, (from, to), rule, unit, &mut last);
                earned = true;
                if m <= 30 {
                    ws.item_cite(
                        rec,
                        ws.run_items[from as usize],
                        R::GeneralMidpointRuleDoesNotReplace,
                        Fact::Minutes(m),
                    );
                }
                for h in 1..=more_hours(ctx, m) {
                    let unit = Unit {
                        code: hours_code(class),
                        distinct: Modifier::None,
                        other: Modifier::None,
                        day: day(ws, 60 * h + 30, 60 * h),
                        units: 1,
                        initial: is_initial,
                    };
                    earn_all(ctx, ws, rec, (from, to), R::UnitTherapeuticInfusion, unit, &mut last);
                }
                if m < 91 {
                    rec.block(lead.first_row, hours_code(class), R::UnitTherapeuticInfusion, Fact::Minutes(m));
                }
            }
        } else if mode == SameDrugInfusions::As96376 {
            if class == VeinClass::Drug && (ctx.facility() || !ctx.on(R::FacilityOnly)) {
                let unit = Unit {
                    code: Code::N96376,
                    distinct: Modifier::None,
                    other: Modifier::None,
                    day: first_date.unwrap_or_else(|| push_day(ctx, ws, site.visit, lead.day)),
                    units: 1,
                    initial: false,
                };
                earn_all(ctx, ws, rec, (from, to), R::SameDrugInfusions, unit, &mut last);
                earned = true;
            }
        } else {
            let (hours, first_threshold) = match mode {
                SameDrugInfusions::EachGe16 => (later_hours(m).max(1), ctx.policy.push_max_minutes),
                _ => (later_hours(m), 30),
            };
            for h in 0..hours {
                let threshold = if h == 0 { first_threshold } else { 60 * h + 30 };
                let unit = Unit {
                    code: hours_code(class),
                    distinct: Modifier::None,
                    other: Modifier::None,
                    day: day(ws, threshold, 60 * h),
                    units: 1,
                    initial: is_initial,
                };
                earn_all(ctx, ws, rec, (from, to), R::SameDrugInfusions, unit, &mut last);
                earned = true;
            }
            rec.block(lead.first_row, next_code(class), R::SameDrugInfusions, Fact::Minutes(m));
        }
        ws.scratch = spans;
        if !earned {
            let rule = if first && g.entitled { R::SequentialNewDrug } else { R::SameDrugInfusions };
            rec.block(lead.first_row, hours_code(class), rule, Fact::Minutes(m));
            for n in from..to {
                let i = ws.run_items[n as usize];
                ws.item_out(rec, i, rule, Fact::Minutes(m));
            }
        }
        first = false;
        from = to;
    }
}

/// Units for the first run; the runs summed with it stand in the line, for which once is enough.
fn earn_all<T: Recorder>(
    ctx: &Ctx,
    ws: &mut Workspace,
    rec: &mut T,
    (from, to): (u32, u32),
    rule: R,
    unit: Unit,
    last: &mut Option<LineKey>,
) {
    let to = if *last == Some(unit.line()) { from + 1 } else { to };
    *last = Some(unit.line());
    for n in from..to {
        let head = ws.items[ws.run_items[n as usize] as usize].first_row;
        earn(ctx, ws, rec, head, rule, Unit { units: if n == from { unit.units } else { 0 }, ..unit });
    }
}

fn cite_secondary<T: Recorder>(
    ctx: &Ctx,
    ws: &Workspace,
    rec: &mut T,
    item: u32,
    initial: Option<VeinClass>,
    class: VeinClass,
    rule: R,
) {
    if !T::RULES {
        return;
    }
    ws.item_cite(rec, item, rule, Fact::None);
    if initial != Some(class) {
        ws.item_cite(rec, item, R::CrossFamilySecondary, Fact::None);
    }
    let _ = ctx;
}

#[allow(clippy::too_many_arguments)]
fn push<T: Recorder>(
    ctx: &Ctx,
    ws: &mut Workspace,
    rec: &mut T,
    site: &Site,
    k: u32,
    is_initial: bool,
    initial_class: Option<VeinClass>,
    first_date: Option<Day>,
) {
    let p = ws.pushes[k as usize];
    let item = ws.items[p.item as usize];
    let class = item.class;
    let day = first_date.unwrap_or_else(|| push_day(ctx, ws, site.visit, item.day));
    let unit = |code| Unit { code, distinct: Modifier::None, other: Modifier::None, day, units: 1, initial: false };
    if !item.untimed && runs_beside(ws, &item) {
        if !ctx.on(R::ConcurrentNoPush) {
            ws.item_out(rec, p.item, R::ConcurrentDefinition, Fact::None);
            return;
        }
        ws.item_cite(rec, p.item, R::ConcurrentNoPush, Fact::None);
        rec.block(item.first_row, Code::N96368, R::ConcurrentNoPush, Fact::None);
    }
    let infused_rule = || {
        let later = ws
            .items
            .iter()
            .filter(|o| o.run && o.identity == item.identity && o.visit == item.visit && o.site == item.site)
            .all(|o| o.start >= item.start);
        if later { R::PushThenSameDrugInfusion } else { R::InfusionThenSameDrugPush }
    };
    if p.again {
        let rule = if p.infused { infused_rule() } else { crate::again::repeat_rule(ctx, &item) };
        if ctx.on(rule) || !p.infused {
            if class == VeinClass::Drug
                && (ctx.facility() || !ctx.on(R::SamePushAgainOffice) || !ctx.on(R::FacilityOnly))
            {
                ws.item_cite(rec, p.item, rule, Fact::None);
                earn(ctx, ws, rec, item.first_row, rule, unit(Code::N96376));
            } else if class == VeinClass::Chemo && !ctx.on(R::SameChemoPushAgain) {
                earn(ctx, ws, rec, item.first_row, R::SequentialNewDrug, unit(Code::N96411));
            } else {
                let rule = if class == VeinClass::Chemo { R::SameChemoPushAgain } else { rule };
                if class == VeinClass::Drug {
                    rec.block(item.first_row, Code::N96376, R::FacilityOnly, Fact::None);
                    ws.item_cite(rec, p.item, R::FacilityOnly, Fact::None);
                }
                rec.block(
                    item.first_row,
                    if class == VeinClass::Chemo { Code::N96411 } else { Code::N96375 },
                    rule,
                    Fact::None,
                );
                ws.item_out(rec, p.item, rule, Fact::None);
            }
            return;
        }
    }
    let (first, next) =
        if class == VeinClass::Chemo { (Code::N96409, Code::N96411) } else { (Code::N96374, Code::N96375) };
    ws.item_cite(rec, p.item, R::PushDefinition, Fact::None);
    if is_initial {
        let rule = site.rule(ctx);
        earn(ctx, ws, rec, item.first_row, rule, Unit { distinct: site.modifier, initial: true, ..unit(first) });
    } else {
        if matches!(site.initial, Initial::Run(_) | Initial::Hydration) {
            ws.item_cite(rec, p.item, R::SubsequentEvenIfFirstOfGroup, Fact::None);
        }
        cite_secondary(ctx, ws, rec, p.item, initial_class, class, R::SequentialNewDrug);
        if !ctx.on(R::SequentialNewDrug) {
            ws.item_out(rec, p.item, R::SequentialNewDrug, Fact::None);
            return;
        }
        let code = secondary(ctx, initial_class, class, first, next);
        rec.block(item.first_row, first, R::OneInitialPerSitePerEncounter, Fact::None);
        earn(ctx, ws, rec, item.first_row, R::SequentialNewDrug, unit(code));
    }
}

fn fluid<T: Recorder>(
    ctx: &Ctx,
    ws: &mut Workspace,
    rec: &mut T,
    site: &Site,
    f: u32,
    is_initial: bool,
    first_date: Option<Day>,
) {
    let fluid = ws.fluids[f as usize];
    let lead = ws.items[ws.fluid_items[fluid.items.0 as usize] as usize];
    ws.scratch.clear();
    for p in fluid.pieces.0..fluid.pieces.1 {
        let s = ws.pieces[p as usize];
        ws.scratch.push(s);
    }
    let spans = std::mem::take(&mut ws.scratch);
    rec.consult(Switch::HydrationModifier);
    let secondary = match ctx.policy.hydration_modifier {
        _ if !ctx.on(R::HydrationModifier) => Modifier::None,
        HydrationModifier::None => Modifier::None,
        HydrationModifier::N59 => Modifier::M59,
        HydrationModifier::XU => Modifier::XU,
    };
    let floor = ctx.policy.hydration_floor_minutes;
    let mut hour = 0;
    // Hours counted in each interval keep to its own minutes; otherwise all minutes are one row.
    let parts: &mut dyn Iterator<Item = &[crate::minutes::Span]> =
        if fluid.per_interval { &mut spans.chunks(1) } else { &mut std::iter::once(&spans[..]) };
    let mut units = 0;
    for part in parts {
        let m = total(part);
        let mut last = None;
        for h in 0..((m + 29) / 60).max(1) {
            if units == fluid.hours {
                break;
            }
            units += 1;
            let threshold = if h == 0 { floor - 1 } else { 60 * h + 30 };
            let day = first_date.unwrap_or_else(|| unit_day(ctx, ws, &lead, part, threshold.min(m - 1), 60 * h));
            let first = hour == 0 && (is_initial || !ctx.on(R::HydrationSecondaryIs96361));
            let unit = Unit {
                code: if first { Code::N96360 } else { Code::N96361 },
                distinct: if first { site.modifier } else { secondary },
                other: Modifier::None,
                day,
                units: 1,
                initial: is_initial,
            };
            // To stand in a line once is enough, and the reasons are those of the first and of the further hours.
            let end = if last == Some(unit.line()) { fluid.items.0 + 1 } else { fluid.items.1 };
            last = Some(unit.line());
            for n in fluid.items.0..end {
                let i = ws.fluid_items[n as usize];
                let head = ws.items[i as usize].first_row;
                if !is_initial && hour < 2 {
                    ws.item_cite(rec, i, R::HydrationSecondaryIs96361, Fact::None);
                    rec.block(head, Code::N96360, R::HydrationSecondaryIs96361, Fact::None);
                    if ctx.facility() {
                        ws.item_cite(rec, i, R::PalmettoHydrationAlwaysSecondary, Fact::None);
                    }
                }
                if !first && secondary != Modifier::None && hour < 2 {
                    ws.item_cite(rec, i, R::HydrationModifier, Fact::None);
                }
                let stands = !fluid.per_interval || meet(ws.span(ws.items[i as usize].net), part);
                if stands || n == fluid.items.0 {
                    earn(ctx, ws, rec, head, R::UnitHydration, Unit { units: u32::from(n == fluid.items.0), ..unit });
                }
            }
            hour += 1;
        }
    }
    ws.scratch = spans;
}

/// Concurrent runs, and chemotherapy that ran beside chemotherapy.
fn concurrent<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    if !ws.holds.concurrent {
        return;
    }
    for i in 0..ws.items.len() as u32 {
        let item = ws.items[i as usize];
        if item.done {
            continue;
        }
        match item.placing {
            Placing::ConcurrentReported => {
                let day = push_day(ctx, ws, item.visit, item.day);
                let unit = Unit {
                    code: Code::N96368,
                    distinct: Modifier::None,
                    other: Modifier::None,
                    day,
                    units: 1,
                    initial: false,
                };
                earn(ctx, ws, rec, item.first_row, R::ConcurrentDefinition, unit);
            }
            Placing::Concurrent => {
                if ctx.policy.chemo_concurrent == ChemoConcurrent::N96549 {
                    let day = push_day(ctx, ws, item.visit, item.day);
                    let unit = Unit {
                        code: Code::N96549,
                        distinct: Modifier::None,
                        other: Modifier::None,
                        day,
                        units: 1,
                        initial: false,
                    };
                    earn(ctx, ws, rec, item.first_row, R::ConcurrentChemoWithChemo, unit);
                } else {
                    ws.item_out(rec, i, R::ConcurrentChemoWithChemo, Fact::None);
                }
            }
            _ => {}
        }
    }
}
