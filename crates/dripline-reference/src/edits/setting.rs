//! What needs no table: codes of another setting, codes that stand only alone, visits.

use dripline::chart::{Biller, Setting};
use dripline::code::Code as Earned;
use dripline::coding::{Edit, EditKind, ServiceVerdict};
use dripline::rule::RuleId as R;
use jiff::civil::Date;

use super::{Ctx, Findings, Item, edit};

pub(super) fn check(ctx: &Ctx, date: Date, items: &[Item], found: &mut Findings) {
    let case = &ctx.claim.resolved.case;
    let in_facility = case.billed_by == Some(Biller::Practitioner) && case.facility_place;
    for item in items {
        let Some(code) = Earned::from_name(item.text) else { continue };
        let hospital_only = matches!(code, Earned::N96376 | Earned::C8957);
        let rule = if case.setting == Setting::Office && hospital_only && ctx.on(R::FacilityOnly) {
            R::FacilityOnly
        } else if in_facility && !code.professional_in_facility() && ctx.on(R::PhysicianNotInFacility) {
            R::PhysicianNotInFacility
        } else {
            continue;
        };
        let why = match rule {
            R::FacilityOnly => format!("{code} may stand only on a hospital's claim."),
            _ => format!("{code} is not for a practitioner's claim where the place of service is a facility."),
        };
        found.edits.push(edit(EditKind::Setting, item.text, rule, why));
    }
    for (n, service) in ctx.claim.services.iter().enumerate() {
        if case.services[n].day.date() != date {
            continue;
        }
        let named = |rule: R| service.rules.iter().any(|r| r == rule.as_str());
        let beside = || {
            let mut codes: Vec<&str> = items.iter().map(|i| i.text).filter(|c| *c != service.code).collect();
            codes.dedup();
            (!codes.is_empty()).then(|| codes.join(", ").into())
        };
        let alone = [R::PortDraw, R::PortFlush].into_iter().find(|r| named(*r));
        let visit = [R::Em25, R::FacilityEm, R::No99211].into_iter().find(|r| named(*r));
        match (service.verdict, alone, visit) {
            (ServiceVerdict::Included, Some(rule), _) => found.edits.push(Edit {
                with: beside(),
                ..edit(EditKind::AloneOnly, &service.code, rule, rule.page().why.to_owned())
            }),
            (ServiceVerdict::Included, _, Some(rule)) => found.edits.push(Edit {
                with: beside(),
                ..edit(EditKind::Visit, &service.code, rule, rule.page().why.to_owned())
            }),
            (ServiceVerdict::NeedsModifier, _, Some(rule)) => {
                let modifier = service.modifier.as_deref().unwrap_or("25");
                let reason = ctx.claim.chart.services[n].reason.as_deref();
                let code = &service.code;
                found.edits.push(Edit {
                    with: beside(),
                    suggest: reason
                        .map(|r| format!("{modifier} on {code}: supported, as the chart gives “{r}” as its reason.")),
                    ..edit(
                        EditKind::Visit,
                        code,
                        rule,
                        match reason {
                            Some(_) => rule.page().why.to_owned(),
                            None => format!("{} The chart gives no reason of its own for it.", rule.page().why),
                        },
                    )
                });
            }
            _ => {}
        }
    }
}
