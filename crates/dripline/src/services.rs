//! Listed services and flushes: what stands beside the administration codes, and what is inside them.

use crate::assign::{Unit, earn};
use crate::case::ServiceKind;
use crate::chart::AccessKind;
use crate::code::{Code, Family};
use crate::record::{Fact, Field, Recorder};
use crate::rule::RuleId as R;
use crate::time::Day;
use crate::work::{Ctx, Kind, Modifier, Standing, Timing, Workspace};

/// What becomes of a listed service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What.
    pub kind: VerdictKind,
    /// By which rule; none where nothing touched it.
    pub rule: Option<R>,
}

/// Kept, included, or kept with a modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictKind {
    /// Kept as listed.
    Kept,
    /// Inside another service.
    Included,
    /// Needs 25.
    Needs25,
}

fn line_on(ws: &Workspace, day: Day) -> bool {
    ws.earned.iter().any(|e| e.day == day && e.units > 0)
}

fn other_service(ctx: &Ctx, day: Day, except: Option<usize>) -> bool {
    ctx.case
        .services
        .iter()
        .enumerate()
        .any(|(n, s)| Some(n) != except && s.day == day && s.kind != ServiceKind::Laboratory)
}

/// Flushes earn their code only where nothing else was done on the date.
pub(crate) fn flushes<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    if ws.holds.kinds & (Kind::Flush.bit() | Kind::PumpDisconnect.bit()) == 0 {
        return;
    }
    for i in 0..ctx.case.rows.len() as u32 {
        let Standing::Live(kind @ (Kind::Flush | Kind::PumpDisconnect)) = ws.standing[i as usize] else { continue };
        let row = &ctx.case.rows[i as usize];
        let day = match ws.lent[i as usize].timing {
            Timing::Push(a, _) | Timing::Run(a, _) => ctx.case.clock.day(a),
            _ => row.day,
        };
        let device = if row.access == crate::case::NONE { None } else { ctx.case.accesses[row.access as usize].kind };
        let central = kind == Kind::PumpDisconnect
            || matches!(device, Some(AccessKind::Port | AccessKind::Picc | AccessKind::Central));
        // Flushes of one date stand in one line, whichever of them was charted first.
        let other_line = ws.earned.iter().any(|e| e.day == day && e.units > 0 && e.code != Code::N96523);
        let alone = !other_line && !other_service(ctx, day, None);
        let rule = if kind == Kind::PumpDisconnect { R::PumpDisconnect } else { R::PortFlush };
        if central && (alone || !ctx.on(R::PortFlush)) {
            let earned = ws.earned.iter().any(|e| e.day == day && e.code == Code::N96523);
            let units = u32::from(!earned || !ctx.on(R::PortFlush));
            let (distinct, other) = (Modifier::None, Modifier::None);
            rec.cite(i, rule, Fact::None);
            earn(ctx, ws, rec, i, rule, Unit { code: Code::N96523, distinct, other, day, units, initial: false });
            continue;
        }
        if alone && device.is_none() {
            rec.query(i, Field::AccessKind, R::PortFlush);
        }
        rec.block(i, Code::N96523, rule, Fact::None);
        let rule = if central { rule } else { R::IncludedServices };
        ws.out(rec, i, if device.is_none() && kind == Kind::Flush && alone { R::PortFlush } else { rule }, Fact::None);
    }
}

fn administration(code: Code) -> bool {
    !matches!(code.family(), Family::Alone)
        || matches!(
            code,
            Code::N96369
                | Code::N96370
                | Code::N96371
                | Code::N96372
                | Code::N96373
                | Code::N96377
                | Code::N96379
                | Code::N96521
                | Code::N96522
                | Code::C8957
        )
}

/// Gives every listed service its verdict.
pub(crate) fn services<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let _ = rec;
    for n in 0..ctx.case.services.len() {
        let s = ctx.case.services[n];
        let lines = line_on(ws, s.day);
        let drug_line = ws.earned.iter().any(|e| e.day == s.day && e.units > 0 && administration(e.code));
        let included = |rule| Verdict { kind: VerdictKind::Included, rule: Some(rule) };
        let kept = Verdict { kind: VerdictKind::Kept, rule: None };
        let verdict = match s.kind {
            _ if s.facility_reports && from_facility(ctx) => included(R::PhysicianNotInFacility),
            ServiceKind::Draw if ctx.on(R::PortDraw) => {
                if lines || other_service(ctx, s.day, Some(n)) {
                    included(R::PortDraw)
                } else {
                    Verdict { rule: Some(R::PortDraw), ..kept }
                }
            }
            ServiceKind::Flush if ctx.on(R::PortFlush) => {
                if lines || other_service(ctx, s.day, Some(n)) {
                    included(R::PortFlush)
                } else {
                    Verdict { rule: Some(R::PortFlush), ..kept }
                }
            }
            ServiceKind::NurseVisit if drug_line && ctx.on(R::No99211) => included(R::No99211),
            ServiceKind::NurseVisit | ServiceKind::Visit if lines => {
                let rule = if ctx.facility() { R::FacilityEm } else { R::Em25 };
                if s.has_25 || !ctx.on(rule) {
                    Verdict { rule: Some(rule), ..kept }
                } else {
                    Verdict { kind: VerdictKind::Needs25, rule: Some(rule) }
                }
            }
            ServiceKind::Included if drug_line && ctx.on(R::IncludedServices) => included(R::IncludedServices),
            _ => kept,
        };
        ws.services.push(verdict);
    }
}

/// Is it a practitioner's claim from a facility?
fn from_facility(ctx: &Ctx) -> bool {
    ctx.case.billed_by == Some(crate::chart::Biller::Practitioner)
        && ctx.case.facility_place
        && ctx.on(R::PosList)
        && ctx.on(R::PhysicianNotInFacility)
}

/// A practitioner's claim in a facility keeps only the codes that may stand on it.
pub(crate) fn practitioner<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    if !from_facility(ctx) {
        return;
    }
    let mut earned = std::mem::take(&mut ws.earned);
    for e in &earned {
        if !e.code.professional_in_facility() {
            for row in ws.chain(e.head) {
                rec.cite(row, R::PosList, Fact::None);
                rec.out(row, R::PhysicianNotInFacility, Fact::None);
                rec.block(row, e.code, R::PhysicianNotInFacility, Fact::None);
            }
        }
    }
    earned.retain(|e| e.code.professional_in_facility());
    ws.earned = earned;
}
