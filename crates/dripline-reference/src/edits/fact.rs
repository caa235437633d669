//! The facts in a chart that make one service distinct from another.

use dripline::case::{Ix, NONE, Reason, Route, Row, ServiceKind};
use dripline::policy::{SecondSiteModifier, SecondVisitModifier};

use super::{Ctx, From, Item};

/// The modifier that a fact in the chart supports on the second of two codes, and the fact.
pub(super) fn distinct(ctx: &Ctx, a: &Item, b: &Item) -> Option<(&'static str, String)> {
    match (a.from, b.from) {
        (From::Line(_), From::Line(_)) => of_lines(ctx, ctx.rows(a.from), ctx.rows(b.from)),
        (From::Service(s), From::Line(_)) => beside_service(ctx, s, ctx.rows(b.from)),
        (From::Line(_), From::Service(s)) => beside_service(ctx, s, ctx.rows(a.from)),
        _ => None,
    }
}

fn of_lines(ctx: &Ctx, first: &[Ix], second: &[Ix]) -> Option<(&'static str, String)> {
    let case = &ctx.claim.resolved.case;
    let row = |i: &Ix| &case.rows[*i as usize];
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let apart = |key: &dyn Fn(&Row) -> u32| first.iter().all(|a| second.iter().all(|b| key(row(a)) != key(row(b))));
    let site = match ctx.claim.policy.second_site_modifier {
        SecondSiteModifier::N59 => "59",
        SecondSiteModifier::XS => "XS",
        SecondSiteModifier::XU => "XU",
    };
    if apart(&|r| r.visit) {
        let modifier = match ctx.claim.policy.second_visit_modifier {
            SecondVisitModifier::N59 => "59",
            SecondVisitModifier::XE => "XE",
        };
        return Some((
            modifier,
            format!("{} was given in another visit than {}", names(ctx, second), names(ctx, first)),
        ));
    }
    let known = |rows: &[Ix]| rows.iter().all(|i| row(i).access != NONE && row(i).route == Route::Vein);
    let needed =
        |rows: &[Ix]| rows.iter().all(|i| row(i).access != NONE && case.accesses[row(i).access as usize].needed);
    if known(first) && known(second) && apart(&|r| r.access) && (needed(first) || needed(second)) {
        return Some((
            site,
            format!(
                "{} was given through another access than {}, with a charted need",
                names(ctx, second),
                names(ctx, first)
            ),
        ));
    }
    if !apart(&|r| r.ingredient) {
        return None;
    }
    let vein = |rows: &[Ix]| rows.iter().all(|i| row(i).route == Route::Vein);
    let elsewhere = |rows: &[Ix]| rows.iter().all(|i| !matches!(row(i).route, Route::Vein | Route::Unknown));
    if (vein(first) && elsewhere(second)) || (elsewhere(first) && vein(second)) {
        let (outside, inside) = if vein(first) { (second, first) } else { (first, second) };
        return Some((
            site,
            format!(
                "{} was given {} and not by vein, and is another drug than {}",
                names(ctx, outside),
                route(ctx, outside),
                names(ctx, inside)
            ),
        ));
    }
    if elsewhere(first) && elsewhere(second) {
        return Some((
            site,
            format!("{} is another drug, given on its own, than {}", names(ctx, second), names(ctx, first)),
        ));
    }
    let span = |rows: &[Ix]| {
        let start = rows.iter().map(|i| row(i).start).min()??;
        let stop = rows.iter().map(|i| row(i).stop.or(row(i).start)).max()??;
        rows.iter().all(|i| row(i).start.is_some()).then_some((start, stop))
    };
    let ((a0, a1), (b0, b1)) = (span(first)?, span(second)?);
    (a1 <= b0 || b1 <= a0).then(|| {
        ("59", format!("{} is another drug than {} and ran at another time", names(ctx, second), names(ctx, first)))
    })
}

/// A line and a listed service.
fn beside_service(ctx: &Ctx, service: usize, rows: &[Ix]) -> Option<(&'static str, String)> {
    let case = &ctx.claim.resolved.case;
    let s = &case.services[service];
    let code = &ctx.claim.services[service].code;
    if rows.is_empty() {
        return None;
    }
    match s.kind {
        ServiceKind::VaccineAdministration => {
            let vaccine = |i: &Ix| case.rows[*i as usize].class == dripline::chart::Class::Vaccine;
            (!rows.iter().any(vaccine))
                .then(|| ("59", format!("{code} is the giving of a vaccine and {} is none", names(ctx, rows))))
        }
        ServiceKind::Procedure => {
            let (from, to) = s.times?;
            let outside = |i: &Ix| {
                let row = &case.rows[*i as usize];
                let (Some(start), stop) = (row.start, row.stop.or(row.start)) else { return false };
                row.reason == Reason::Given && (stop.is_some_and(|stop| stop <= from) || start >= to)
            };
            let reasons =
                rows.iter().filter_map(|i| ctx.claim.chart.administrations[*i as usize].indication.as_deref());
            let reasons: Vec<String> = reasons.map(|r| format!("“{r}”")).collect();
            rows.iter().all(outside).then(|| {
                (
                    "59",
                    format!(
                        "{} was given for {}, outside the charted times of {code}",
                        names(ctx, rows),
                        reasons.join(" and ")
                    ),
                )
            })
        }
        _ => None,
    }
}

/// Administrations as a reader of the chart finds them.
fn names(ctx: &Ctx, rows: &[Ix]) -> String {
    let one = |i: &Ix| {
        let a = &ctx.claim.chart.administrations[*i as usize];
        match (&a.drug, &a.dose) {
            (Some(drug), Some(dose)) => format!("administration {} ({drug} {dose})", ctx.id(*i)),
            (Some(drug), None) => format!("administration {} ({drug})", ctx.id(*i)),
            _ => format!("administration {}", ctx.id(*i)),
        }
    };
    match rows {
        [only] => one(only),
        [first, rest @ ..] => format!("{} and {} more", one(first), rest.len()),
        [] => String::new(),
    }
}

fn route(ctx: &Ctx, rows: &[Ix]) -> &'static str {
    let route = |i: &Ix| ctx.claim.resolved.case.rows[*i as usize].route;
    match rows.first().map(route) {
        Some(r) if rows.iter().any(|i| route(i) != r) => "by other routes",
        Some(Route::Muscle) => "into muscle",
        Some(Route::UnderSkin) => "under the skin",
        Some(Route::Artery) => "into an artery",
        Some(Route::Skin) => "into the skin",
        Some(Route::Lesion) => "into a lesion",
        _ => "by another route",
    }
}
