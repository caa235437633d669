//! First step: may a row be coded at all, and by which road?

use crate::case::{Ix, NONE, OrderState, Route, Row, ServiceKind};
use crate::chart::{Class, Method, PumpEvent, Purpose};
use crate::code::Code;
use crate::policy::{ElectrolyteReplacementClass, Switch, TransfusionPremed};
use crate::record::{Fact, Field, Recorder};
use crate::rule::RuleId as R;
use crate::work::{Ctx, Kind, Standing, Workspace};

/// Class of a row after its purpose was read.
pub(crate) fn class<T: Recorder>(ctx: &Ctx, rec: &mut T, row: &Row) -> Class {
    if row.purpose == Purpose::Replacement && matches!(row.class, Class::Drug | Class::Hydration) {
        rec.consult(Switch::ElectrolyteReplacementClass);
        if ctx.on(R::HydrationDefinition) {
            return match ctx.policy.electrolyte_replacement_class {
                ElectrolyteReplacementClass::Drug => Class::Drug,
                ElectrolyteReplacementClass::Hydration => Class::Hydration,
            };
        }
    }
    if is_chemo(row.class) && !ctx.on(R::ComplexClassNotByDiagnosis) {
        return Class::Drug;
    }
    row.class
}

pub(crate) fn is_chemo(class: Class) -> bool {
    matches!(class, Class::Chemo | Class::Complex | Class::Hormonal)
}

/// Reads every row.
pub(crate) fn screen<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    for i in 0..ctx.case.rows.len() as u32 {
        ws.standing.push(Standing::Out);
        let standing = row(ctx, ws, rec, i);
        if let Standing::Live(kind) = standing {
            ws.holds.kinds |= kind.bit();
        }
        ws.standing[i as usize] = standing;
    }
}

fn row<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, i: Ix) -> Standing {
    let case = ctx.case;
    let row = &case.rows[i as usize];
    let out = |ws: &mut Workspace, rec: &mut T, rule: R| {
        ws.out(rec, i, rule, Fact::None);
        Standing::Out
    };
    if case.inpatient && ctx.on(R::InpatientExcluded) {
        return out(ws, rec, R::InpatientExcluded);
    }
    if !row.given && ctx.on(R::NotGiven) {
        return out(ws, rec, R::NotGiven);
    }
    if row.order == OrderState::Absent && ctx.on(R::OrderRequired) {
        return out(ws, rec, R::OrderRequired);
    }
    let class = class(ctx, rec, row);
    if row.purpose == Purpose::Replacement && matches!(row.class, Class::Drug | Class::Hydration) {
        rec.cite(i, R::HydrationDefinition, Fact::None);
    }
    if class == Class::Contrast && ctx.on(R::ContrastAndStressAgents) {
        return out(ws, rec, R::ContrastAndStressAgents);
    }
    match row.purpose {
        Purpose::Kvo | Purpose::Diluent | Purpose::Carrier if ctx.on(R::HydrationExclusions) => {
            return out(ws, rec, R::HydrationExclusions);
        }
        Purpose::Procedural if ctx.on(R::SurgeryAndAnaesthesia) => return out(ws, rec, R::SurgeryAndAnaesthesia),
        Purpose::Sedation if ctx.on(R::ModerateSedation) => return out(ws, rec, R::ModerateSedation),
        Purpose::SelfAdministered if ctx.on(R::SelfInjectionTeaching) => return out(ws, rec, R::SelfInjectionTeaching),
        Purpose::Routine if ctx.on(R::HydrationMedicalNeed) => return out(ws, rec, R::HydrationMedicalNeed),
        Purpose::Flush => return Standing::Live(Kind::Flush),
        Purpose::Declot if ctx.on(R::Declot) => return Standing::Live(Kind::Declot),
        Purpose::Transfusion if class != Class::Blood && ctx.on(R::Transfusion) => {
            rec.consult(Switch::TransfusionPremed);
            rec.cite(i, R::Transfusion, Fact::None);
            if class == Class::Hydration || ctx.policy.transfusion_premed == TransfusionPremed::Include {
                return out(ws, rec, R::Transfusion);
            }
        }
        _ => {}
    }
    if let Some(p) = row.pump {
        let spine = matches!(row.route, Route::Intrathecal | Route::Ventricle);
        match p.event {
            // A pump that feeds the spine is not systemic: refilling it has codes outside our list.
            Some(PumpEvent::Refill) if spine && ctx.on(R::RouteOutOfScope) => {
                return out(ws, rec, R::RouteOutOfScope);
            }
            Some(PumpEvent::Refill) => return Standing::Live(Kind::PumpRefill),
            Some(PumpEvent::Disconnect) => return Standing::Live(Kind::PumpDisconnect),
            _ => {}
        }
    }
    match class {
        Class::Blood => return Standing::Live(Kind::Blood),
        Class::Vaccine => return Standing::Live(Kind::Vaccine),
        Class::RsvAntibody => return Standing::Live(Kind::Rsv),
        _ => {}
    }
    let scope = |ws: &mut Workspace, rec: &mut T| {
        if ctx.on(R::RouteOutOfScope) { out(ws, rec, R::RouteOutOfScope) } else { Standing::Live(Kind::Injection) }
    };
    let kind = match row.route {
        _ if row.method == Some(Method::OnBody) => Kind::OnBody,
        Route::Vein | Route::UnderSkin | Route::Muscle if row.own_code.is_some() && ctx.on(R::CovidAntibodyMcodes) => {
            Kind::Own(row.own_code.unwrap_or(Code::M0224))
        }
        Route::Vein => Kind::Vein,
        Route::Muscle => Kind::Injection,
        Route::UnderSkin => Kind::UnderSkin,
        Route::Artery if is_chemo(class) => Kind::ArteryChemo,
        Route::Artery if class == Class::Drug => Kind::Artery,
        Route::Intrathecal if is_chemo(class) => Kind::Cavity(Code::N96450),
        Route::Ventricle if is_chemo(class) => Kind::Cavity(Code::N96542),
        Route::Peritoneum if is_chemo(class) => Kind::Cavity(Code::N96446),
        Route::Pleura if is_chemo(class) => Kind::Cavity(Code::N96440),
        Route::Lesion if is_chemo(class) => Kind::Lesion,
        // No code covers chemotherapy into the skin.
        Route::Skin if is_chemo(class) && ctx.on(R::Unlisted) => Kind::NoCode,
        Route::Infiltration => {
            let beside = row.same_dose_as != NONE || ws.parts(i).next().is_some();
            if beside && ctx.on(R::ScimSplitDose) {
                return out(ws, rec, R::ScimSplitDose);
            }
            return scope(ws, rec);
        }
        Route::Unknown => {
            rec.query(i, Field::Route, R::RouteOutOfScope);
            return scope(ws, rec);
        }
        _ => return scope(ws, rec),
    };
    if !row.purpose_stated && ctx.on(R::InsideProcedureWindow) {
        let inside = |s: &crate::case::ServiceState| {
            let Some((from, to)) = s.times else { return false };
            if !matches!(s.kind, ServiceKind::Procedure | ServiceKind::Transfusion) {
                return false;
            }
            row.start.is_some_and(|at| at >= from && at < to && row.stop.is_none_or(|stop| stop <= to))
        };
        if row.adjunct_only || case.services.iter().any(inside) {
            rec.query(i, Field::Purpose, R::InsideProcedureWindow);
            return out(ws, rec, R::InsideProcedureWindow);
        }
    }
    Standing::Live(kind)
}
