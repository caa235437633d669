//! Accesses become sites: one without a documented need, one for each access that was needed.

use crate::case::{Ix, NONE};
use crate::policy::{SameDrugAcrossSites, Switch};
use crate::record::{Assumed, Fact, Recorder};
use crate::rule::RuleId as R;
use crate::time::Minute;
use crate::work::{Ctx, Kind, Standing, Timing, VeinClass, Workspace};

const UNCHARTED: u32 = u32::MAX - 1;

fn first_minute(ctx: &Ctx, ws: &Workspace, i: Ix) -> Option<Minute> {
    match ws.lent[i as usize].timing {
        Timing::Nothing => None,
        Timing::Push(a, _) | Timing::Run(a, _) => Some(a),
        Timing::Untimed => Some(ctx.case.clock.midnight(ctx.case.rows[i as usize].day)),
    }
}

/// Gives every row by vein its site.
pub(crate) fn sites<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let case = ctx.case;
    if case.accesses.is_empty() || !ctx.on(R::OverlapDifferentSites) {
        return;
    }
    ws.sorted.clear();
    for i in 0..case.rows.len() as u32 {
        if ws.standing[i as usize] == Standing::Live(Kind::Vein) && ws.lent[i as usize].timing != Timing::Nothing {
            ws.sorted.push(i);
        }
    }
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
    for k in 0..ws.sorted.len() {
        let i = ws.sorted[k];
        if ws.lent[i as usize].site != UNCHARTED {
            continue;
        }
        let visit = case.rows[i as usize].visit;
        let mut chosen: Option<(Minute, Ix, u32)> = None;
        let mut common = false;
        for &j in &ws.sorted {
            let site = ws.lent[j as usize].site;
            if case.rows[j as usize].visit != visit || case.rows[j as usize].access == NONE {
                continue;
            }
            common |= site == 0;
            let at = first_minute(ctx, ws, j).unwrap_or(Minute::MAX);
            if chosen.is_none_or(|(a, x, _)| (at, j) < (a, x)) {
                chosen = Some((at, j, site));
            }
        }
        let site = if !ctx.on(R::UnknownSite) {
            UNCHARTED - 1
        } else if common {
            0
        } else {
            chosen.map_or(0, |c| c.2)
        };
        ws.lent[i as usize].site = site;
        rec.cite(i, R::UnknownSite, Fact::None);
        rec.assume(i, Assumed::UnknownSite);
    }
    cite_accesses(ctx, ws, rec);
    rec.consult(Switch::SameDrugAcrossSites);
    if ctx.policy.same_drug_across_sites == SameDrugAcrossSites::Encounter && ctx.on(R::SameDrugAcrossSites) {
        for k in 0..ws.sorted.len() {
            let i = ws.sorted[k];
            let lent = ws.lent[i as usize];
            if lent.class == VeinClass::Hydration || lent.mixed {
                continue;
            }
            let mut first = (first_minute(ctx, ws, i).unwrap_or(Minute::MAX), i);
            for &j in &ws.sorted {
                let other = &ws.lent[j as usize];
                if other.identity == lent.identity
                    && case.rows[j as usize].visit == case.rows[i as usize].visit
                    && !other.mixed
                    && other.class != VeinClass::Hydration
                {
                    first = first.min((first_minute(ctx, ws, j).unwrap_or(Minute::MAX), j));
                }
            }
            let site = ws.lent[first.1 as usize].site;
            if site != lent.site {
                // The first row never moves, so reading sites while writing them is safe.
                ws.lent[i as usize].site = site;
                rec.cite(i, R::SameDrugAcrossSites, Fact::Other(first.1));
            }
        }
    }
}

/// Two charted accesses without a need between them are one site.
fn cite_accesses<T: Recorder>(ctx: &Ctx, ws: &Workspace, rec: &mut T) {
    if !T::RULES {
        return;
    }
    for &i in &ws.sorted {
        let row = &ctx.case.rows[i as usize];
        let other = |j: &&u32| {
            let r = &ctx.case.rows[**j as usize];
            r.visit == row.visit && r.access != NONE && r.access != row.access && ws.lent[**j as usize].site == 0
        };
        if row.access != NONE
            && ws.lent[i as usize].site == 0
            && !ctx.case.accesses[row.access as usize].needed
            && ws.sorted.iter().any(|j| other(&j))
        {
            rec.cite(i, R::NotASecondSite, Fact::None);
        }
    }
}
