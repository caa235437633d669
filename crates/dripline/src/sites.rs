//! Accesses become sites: one without a documented need, one for each access that was needed.

use crate::case::{Ix, NONE};
use crate::policy::{SameDrugAcrossSites, Switch};
use crate::record::{Assumed, Fact, Recorder};
use crate::rule::RuleId as R;
use crate::time::{Day, Minute};
use crate::work::{Ctx, Kind, Timing, VeinClass, Workspace, keep};

const UNCHARTED: u32 = u32::MAX - 1;

fn first_minute(ctx: &Ctx, ws: &Workspace, i: Ix) -> Option<Minute> {
    match ws.lent[i as usize].timing {
        Timing::Nothing => None,
        Timing::Push(a, _) | Timing::Run(a, _) => Some(a),
        // Of which only the date is known comes last on it.
        Timing::Untimed => Some(ctx.case.clock.midnight(Day(ctx.case.rows[i as usize].day.0.saturating_add(1))) - 1),
    }
}

/// Gives every row by vein its site.
pub(crate) fn sites<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let case = ctx.case;
    if case.accesses.is_empty() || !ctx.on(R::OverlapDifferentSites) {
        return;
    }
    // Where no access was needed all is one site; the rest of the step only tells why.
    let one = ctx.on(R::NotASecondSite) && ctx.on(R::UnknownSite) && !case.accesses.iter().any(|a| a.needed);
    if one && !T::RULES {
        return;
    }
    let vein = Kind::Vein.bit();
    let Workspace { sorted, standing, lent, .. } = ws;
    keep(sorted, 0..case.rows.len() as u32, |i| {
        (standing[i as usize].bit() == vein) & !matches!(lent[i as usize].timing, Timing::Nothing)
    });
    let mut several = false;
    for k in 0..ws.sorted.len() {
        let i = ws.sorted[k];
        let access = case.rows[i as usize].access;
        let site = if access == NONE {
            UNCHARTED
        } else if case.accesses[access as usize].needed {
            if ctx.on(R::SecondSiteSecondInitial) { access + 1 } else { 0 }
        } else if ctx.on(R::NotASecondSite) {
            0
        } else {
            access + 1
        };
        ws.lent[i as usize].site = site;
        several |= site != ws.lent[ws.sorted[0] as usize].site;
    }
    if !several && ws.sorted.first().is_some_and(|i| ws.lent[*i as usize].site != UNCHARTED) {
        cite_accesses(ctx, ws, rec);
        return;
    }
    // Uncharted rows join the site without need, else the needed one whose first administration is earliest.
    let mut charted = std::mem::take(&mut ws.order);
    charted.clear();
    charted.extend(ws.sorted.iter().copied().filter(|&i| case.rows[i as usize].access != NONE));
    charted.sort_unstable_by_key(|&i| {
        let needed = ws.lent[i as usize].site != 0;
        (case.rows[i as usize].visit, needed, first_minute(ctx, ws, i), i)
    });
    for k in 0..ws.sorted.len() {
        let i = ws.sorted[k];
        if ws.lent[i as usize].site != UNCHARTED {
            continue;
        }
        let visit = case.rows[i as usize].visit;
        let first = charted.get(charted.partition_point(|&j| case.rows[j as usize].visit < visit));
        let first = first.filter(|&&j| case.rows[j as usize].visit == visit);
        let site = if !ctx.on(R::UnknownSite) { UNCHARTED - 1 } else { first.map_or(0, |&j| ws.lent[j as usize].site) };
        ws.lent[i as usize].site = site;
        rec.cite(i, R::UnknownSite, Fact::None);
        rec.assume(i, Assumed::UnknownSite);
    }
    ws.order = charted;
    cite_accesses(ctx, ws, rec);
    rec.consult(Switch::SameDrugAcrossSites);
    if ctx.policy.same_drug_across_sites == SameDrugAcrossSites::Encounter && ctx.on(R::SameDrugAcrossSites) {
        same_drug_across(ctx, ws, rec);
    }
}

/// A drug stays at the site where the visit had it first.
fn same_drug_across<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let rows = &ctx.case.rows;
    let mut drugs = std::mem::take(&mut ws.order);
    let mut firsts = std::mem::take(&mut ws.seq);
    drugs.clear();
    drugs.extend(ws.sorted.iter().copied().filter(|&i| {
        let lent = &ws.lent[i as usize];
        // A pump with a code of its own has left for the codes outside the hierarchy.
        lent.class != VeinClass::Hydration && !lent.mixed && !crate::times::long_pump(ctx, ws, i, lent)
    }));
    drugs
        .sort_unstable_by_key(|&i| (rows[i as usize].visit, ws.lent[i as usize].identity, first_minute(ctx, ws, i), i));
    firsts.clear();
    firsts.resize(rows.len(), NONE);
    let drug = |i: Ix| (rows[i as usize].visit, ws.lent[i as usize].identity);
    for group in drugs.chunk_by(|&a, &b| drug(a) == drug(b)) {
        for &i in group {
            firsts[i as usize] = group[0];
        }
    }
    for k in 0..ws.sorted.len() {
        let i = ws.sorted[k] as usize;
        if firsts[i] == NONE {
            continue;
        }
        let site = ws.lent[firsts[i] as usize].site;
        if site != ws.lent[i].site {
            // The first row never moves, so reading sites while writing them is safe.
            ws.lent[i].site = site;
            rec.cite(i as Ix, R::SameDrugAcrossSites, Fact::Other(firsts[i]));
        }
    }
    ws.order = drugs;
    ws.seq = firsts;
}

/// Two charted accesses without a need between them are one site.
fn cite_accesses<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    if !T::RULES {
        return;
    }
    let rows = &ctx.case.rows;
    let mut common = std::mem::take(&mut ws.order);
    common.clear();
    let at_common = |i: Ix| rows[i as usize].access != NONE && ws.lent[i as usize].site == 0;
    common.extend(ws.sorted.iter().copied().filter(|&i| at_common(i)));
    let key = |i: Ix| (rows[i as usize].visit, rows[i as usize].access);
    common.sort_unstable_by_key(|&i| key(i));
    for &i in &ws.sorted {
        let (visit, access) = key(i);
        if at_common(i) && !ctx.case.accesses[access as usize].needed {
            let from = common.partition_point(|&j| key(j).0 < visit);
            let to = common.partition_point(|&j| key(j).0 <= visit);
            if key(common[from]) != key(common[to - 1]) {
                rec.cite(i, R::NotASecondSite, Fact::None);
            }
        }
    }
    ws.order = common;
}
