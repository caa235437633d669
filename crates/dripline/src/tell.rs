//! Rules that decide nothing by themselves but explain a result: told once everything is placed, and only to
//! recorders that keep rules.

use crate::case::Ix;
use crate::minutes::shared;
use crate::policy::{DrugIdentity, MidnightInitial};
use crate::record::{Fact, Field, Recorder};
use crate::rule::RuleId as R;
use crate::screen::is_chemo;
use crate::work::{Ctx, Kind, Standing, VeinClass, Workspace};

/// What no code fits is unreported, and a person is asked.
pub(crate) fn unlisted<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    if ws.holds.kinds & Kind::NoCode.bit() == 0 {
        return;
    }
    for i in 0..ctx.case.rows.len() as u32 {
        if ws.standing[i as usize] == Standing::Live(Kind::NoCode) {
            rec.query(i, Field::Unlisted, R::Unlisted);
            ws.out(rec, i, R::Unlisted, Fact::None);
        }
    }
}

/// Tells the rules that explain dates, sites and identities.
pub(crate) fn tell<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    if !T::RULES {
        return;
    }
    classes(ctx, ws, rec);
    dates(ctx, ws, rec);
    later_dates(ws, rec);
    across_sites(ws, rec);
    if ctx.policy.drug_identity == DrugIdentity::Ingredient {
        identities(ctx, ws, rec);
    }
}

fn classes<T: Recorder>(ctx: &Ctx, ws: &Workspace, rec: &mut T) {
    for (i, row) in ctx.case.rows.iter().enumerate() {
        if is_chemo(row.class) && matches!(ws.standing[i], Standing::Live(_)) {
            rec.cite(i as Ix, R::ComplexClassNotByDiagnosis, Fact::None);
        }
    }
}

/// A visit of several dates is one encounter, and what crosses midnight is dated by unit.
fn dates<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let mut firsts = std::mem::take(&mut ws.days);
    firsts.clear();
    firsts.extend(ws.items.iter().map(|i| (i.visit, i.day)));
    firsts.sort_unstable();
    firsts.dedup_by_key(|f| f.0);
    for (n, item) in ws.items.iter().enumerate() {
        if item.lane != Kind::Vein {
            continue;
        }
        let first = firsts.binary_search_by_key(&item.visit, |f| f.0).map_or(item.day, |k| firsts[k].1);
        if item.day > first {
            match ctx.policy.midnight_initial {
                MidnightInitial::CmsOne => {
                    ws.item_cite(rec, n as u32, R::MidnightCms, Fact::None);
                    if ctx.facility() {
                        ws.item_cite(rec, n as u32, R::ObsIsOneEncounter, Fact::None);
                    }
                }
                MidnightInitial::Cpt2012 => ws.item_cite(rec, n as u32, R::MidnightCptHistory, Fact::None),
            }
        }
        if item.run && item.stop > item.start && ctx.case.clock.day(item.stop - 1) != item.day {
            ws.item_cite(rec, n as u32, R::MidnightUnitDating, Fact::None);
        }
    }
    ws.days = firsts;
}

/// A secondary line may stand on another date than its initial service.
fn later_dates<T: Recorder>(ws: &mut Workspace, rec: &mut T) {
    let at = |ws: &Workspace, head: Ix| {
        // Items are made in the order of their first rows.
        let n = ws.items.binary_search_by_key(&head, |i| i.first_row).ok()?;
        let item = &ws.items[n];
        (item.lane == Kind::Vein).then_some((item.visit, item.group, item.site))
    };
    let mut initials = std::mem::take(&mut ws.initials);
    initials.clear();
    initials.extend(ws.earned.iter().filter(|e| e.initial).filter_map(|e| Some((at(ws, e.head)?, e.day))));
    initials.sort_unstable();
    initials.dedup_by_key(|i| i.0);
    for e in ws.earned.iter().filter(|e| !e.initial && e.units > 0) {
        let Some(key) = at(ws, e.head) else { continue };
        if initials.binary_search_by_key(&key, |i| i.0).is_ok_and(|k| initials[k].1 != e.day) {
            for row in ws.chain(e.head) {
                rec.cite(row, R::AddOnDates, Fact::None);
            }
        }
    }
    ws.initials = initials;
}

/// Drugs that run together at two needed sites.
fn across_sites<T: Recorder>(ws: &mut Workspace, rec: &mut T) {
    if ws.lent.iter().all(|l| l.site == ws.lent[0].site) {
        return;
    }
    let mut runs = std::mem::take(&mut ws.seq);
    runs.clear();
    runs.extend((0..ws.items.len() as u32).filter(|&i| {
        let item = &ws.items[i as usize];
        item.lane == Kind::Vein && item.run && item.class != VeinClass::Hydration
    }));
    runs.sort_unstable_by_key(|&i| (ws.items[i as usize].visit, ws.items[i as usize].start, i));
    for (n, &a) in runs.iter().enumerate() {
        let first = &ws.items[a as usize];
        for &b in &runs[n + 1..] {
            let second = &ws.items[b as usize];
            if second.visit != first.visit || second.start >= first.stop {
                break;
            }
            if second.site != first.site
                && second.identity != first.identity
                && shared(ws.span(first.net), ws.span(second.net)) > 0
            {
                ws.item_cite(rec, a, R::OverlapDifferentSites, Fact::Other(second.first_row));
                ws.item_cite(rec, b, R::OverlapDifferentSites, Fact::Other(first.first_row));
            }
        }
    }
    ws.seq = runs;
}

/// Two names or strengths of one ingredient are one drug.
fn identities<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let rows = &ctx.case.rows;
    let mut seen = std::mem::take(&mut ws.seen);
    seen.clear();
    seen.extend(
        (0..rows.len() as u32)
            .filter(|&i| {
                ws.standing[i as usize] == Standing::Live(Kind::Vein) || ws.next[i as usize] != crate::case::NONE
            })
            .map(|i| (rows[i as usize].visit, ws.lent[i as usize].identity, i)),
    );
    seen.sort_unstable();
    for group in seen.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let first = group[0].2;
        for &(_, _, i) in &group[1..] {
            let (a, b) = (&rows[first as usize], &rows[i as usize]);
            if a.ingredient == b.ingredient && (a.local != b.local || a.hcpcs != b.hcpcs) {
                rec.cite(i, R::DifferentStrengthSameDrug, Fact::Other(first));
            }
        }
    }
    ws.seen = seen;
}
