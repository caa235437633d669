//! What ran, and when: charted, computed, clipped to the stay, or not provable.

use crate::case::Ix;
use crate::chart::{Method, PumpEvent, StopSource};
use crate::code::Code;
use crate::outside::own_pump_code;
use crate::policy::{InfusionDocumentation, LongHandPush, MissingStart, MissingStop, Switch, UnstatedMethod};
use crate::record::{Assumed, Codes, Fact, Field, Recorder};
use crate::rule::RuleId as R;
use crate::time::Minute;
use crate::work::{Ctx, Kind, Lent, Standing, Timing, VeinClass, Workspace};

/// Reads the times of every live row.
pub(crate) fn times<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    for i in 0..ctx.case.rows.len() as u32 {
        let Standing::Live(kind) = ws.standing[i as usize] else { continue };
        let lent = ws.lent[i as usize];
        let timing = match kind {
            Kind::Vein | Kind::ArteryChemo => read(ctx, ws, rec, i, &lent),
            Kind::UnderSkin => {
                // Under the skin a stop or the word infusion makes it an infusion; otherwise it is an injection.
                let infused = matches!(lent.method, Some(Method::Infusion | Method::Pump))
                    || (lent.method.is_none()
                        && lent.stop.is_some_and(|s| lent.start.is_some_and(|a| s - a > ctx.policy.push_max_minutes)));
                if infused { read(ctx, ws, rec, i, &lent) } else { plain(ctx, ws, rec, i, &lent) }
            }
            _ => plain(ctx, ws, rec, i, &lent),
        };
        if matches!(ws.standing[i as usize], Standing::Out) {
            continue;
        }
        let timing = clip(ctx, ws, rec, i, timing);
        ws.lent[i as usize].timing = timing;
    }
}

/// A row whose code takes no minutes: only its place in the stay and a stop before its start matter.
fn plain<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, i: Ix, lent: &Lent) -> Timing {
    match (lent.start, lent.stop) {
        (Some(start), Some(stop)) if stop < start && ctx.on(R::ImpossibleTimes) => impossible(ws, rec, i),
        (Some(start), stop) => Timing::Push(start, stop.filter(|s| *s >= start)),
        (None, Some(stop)) => Timing::Push(stop, None),
        (None, None) => Timing::Untimed,
    }
}

fn impossible<T: Recorder>(ws: &mut Workspace, rec: &mut T, i: Ix) -> Timing {
    rec.query(i, Field::Impossible, R::ImpossibleTimes);
    ws.out(rec, i, R::ImpossibleTimes, Fact::None);
    Timing::Nothing
}

fn held<T: Recorder>(ws: &mut Workspace, rec: &mut T, i: Ix, field: Field, rule: R) -> Timing {
    rec.query(i, field, rule);
    ws.out(rec, i, rule, Fact::None);
    Timing::Nothing
}

fn missing_stop_rule(class: VeinClass) -> R {
    match class {
        VeinClass::Chemo => R::MissingStopChemo,
        VeinClass::Drug => R::MissingStopDrugInfusion,
        VeinClass::Hydration => R::HydrationMissingStop,
    }
}

fn read<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, i: Ix, lent: &Lent) -> Timing {
    let policy = ctx.policy;
    let fluid = lent.class == VeinClass::Hydration;
    let charted_push = matches!(lent.method, Some(Method::Push | Method::Injection));
    let expected = lent.stop_source == StopSource::Expected && ctx.case.rows[i as usize].stop.is_some();
    if charted_push && !fluid {
        return push(ctx, ws, rec, i, lent);
    }
    if expected {
        rec.cite(i, R::OrderedVsActual, Fact::None);
    }
    let stop_as_push = matches!(policy.missing_stop, MissingStop::Push | MissingStop::ComputeThenPush);
    let Some(start) = lent.start else {
        rec.consult(Switch::MissingStart);
        rec.consult(Switch::MissingStop);
        rec.consult(Switch::UnstatedMethod);
        let start_as_push = policy.missing_start == MissingStart::Push && !fluid;
        let (rule, as_push) = match lent.stop {
            Some(_) => (R::MissingStart, start_as_push),
            None if lent.method.is_none() => {
                (R::MissingBoth, start_as_push && policy.unstated_method == UnstatedMethod::Push)
            }
            None => (R::MissingBoth, start_as_push && stop_as_push),
        };
        if as_push || !ctx.on(rule) {
            rec.cite(i, rule, Fact::None);
            return match infusion_undocumented(ctx, rec, lent) {
                Some(field) => undocumented(ws, rec, i, lent, field),
                None => Timing::Untimed,
            };
        }
        block_timed(rec, i, lent.class, rule);
        return held(ws, rec, i, Field::Start, rule);
    };
    let stop = match lent.stop {
        Some(stop) if stop <= start && ctx.on(R::ImpossibleTimes) => return impossible(ws, rec, i),
        Some(stop) => {
            if lent.stop_source == StopSource::LastSeen {
                rec.cite(i, R::LastSeenStop, Fact::None);
            }
            stop
        }
        // Its code stands for the start alone, and the patient leaves with the pump.
        None if long_pump(ctx, ws, i, lent) => return Timing::Push(start, None),
        None => {
            rec.consult(Switch::MissingStop);
            let computes = matches!(policy.missing_stop, MissingStop::ComputeThenQuery | MissingStop::ComputeThenPush);
            let computed = computed_minutes(ctx, lent).filter(|m| *m > 0 && computes);
            let rule = missing_stop_rule(lent.class);
            if let Some(minutes) = computed {
                rec.cite(i, R::TimeWholeMinutes, Fact::Minutes(minutes));
                rec.cite(i, rule, Fact::Minutes(minutes));
                rec.assume(i, Assumed::ComputedStop);
                start.saturating_add(minutes)
            } else if lent.method.is_none() && !fluid {
                rec.consult(Switch::UnstatedMethod);
                if policy.unstated_method == UnstatedMethod::Push || !ctx.on(R::UnstatedMethod) {
                    rec.cite(i, R::UnstatedMethod, Fact::None);
                    return Timing::Push(start, None);
                }
                block_timed(rec, i, lent.class, R::UnstatedMethod);
                return held(ws, rec, i, Field::Method, R::UnstatedMethod);
            } else if (stop_as_push && !fluid) || !ctx.on(rule) {
                rec.cite(i, rule, Fact::None);
                return match infusion_undocumented(ctx, rec, lent) {
                    Some(field) => undocumented(ws, rec, i, lent, field),
                    None => Timing::Push(start, None),
                };
            } else {
                if lent.stop_source == StopSource::LastSeen && ctx.case.rows[i as usize].stop.is_some() {
                    rec.cite(i, R::LastSeenStop, Fact::None);
                }
                block_timed(rec, i, lent.class, rule);
                ask_of_pump(ctx, rec, ws, i, lent);
                return held(ws, rec, i, Field::Stop, rule);
            }
        }
    };
    if !long_pump(ctx, ws, i, lent)
        && let Some(field) = lacks(ctx, rec, lent)
    {
        return undocumented(ws, rec, i, lent, field);
    }
    if stop - start > policy.long_run_minutes
        && lent.method != Some(Method::Pump)
        && ctx.case.rows[i as usize].pump.is_none()
    {
        rec.query(i, Field::LongRun, R::ImpossibleTimes);
    }
    Timing::Run(start, stop)
}

/// Is this the start of a long infusion by a pump that has a code of its own?
pub(crate) fn long_pump(ctx: &Ctx, ws: &Workspace, i: Ix, lent: &Lent) -> bool {
    let Standing::Live(lane @ (Kind::Vein | Kind::ArteryChemo)) = ws.standing[i as usize] else { return false };
    let long = match (lent.planned, lent.start, lent.stop) {
        (Some(planned), _, _) => i64::from(planned) > ctx.policy.prolonged_pump_minutes,
        (None, Some(start), Some(stop)) => stop - start > ctx.policy.prolonged_pump_minutes,
        _ => false,
    };
    if !long || lent.class == VeinClass::Hydration {
        return false;
    }
    let pump = lent.pump;
    let start = lent.method == Some(Method::Pump)
        || pump.is_some_and(|p| p.event.is_none_or(|event| event == PumpEvent::Start));
    start && own_pump_code(ctx, &mut Codes, i, pump, lent.class, lane).is_some()
}

/// What is not charted of a pump that was started, and of which no stop is known: its plan or its kind decides whether
/// the start has a code of its own.
fn ask_of_pump<T: Recorder>(ctx: &Ctx, rec: &mut T, ws: &Workspace, i: Ix, lent: &Lent) {
    let Standing::Live(lane @ (Kind::Vein | Kind::ArteryChemo)) = ws.standing[i as usize] else { return };
    let started = lent.pump.is_some_and(|p| p.event == Some(PumpEvent::Start));
    let kind = lent.pump.and_then(|p| p.kind);
    match lent.planned {
        None if started && lent.class != VeinClass::Hydration => {
            if let Some((_, rule)) = own_pump_code(ctx, &mut Codes, i, lent.pump, lent.class, lane) {
                rec.query(i, Field::PlannedMinutes, rule);
            }
        }
        Some(planned)
            if lent.class == VeinClass::Chemo
                && kind.is_none()
                && (started || lent.method == Some(Method::Pump))
                && i64::from(planned) > ctx.policy.prolonged_pump_minutes =>
        {
            rec.query(i, Field::PumpKind, R::ChemoPumpStart);
        }
        _ => {}
    }
}

/// What a payer that demands volume and rate of an infusion misses.
fn lacks<T: Recorder>(ctx: &Ctx, rec: &mut T, lent: &Lent) -> Option<Field> {
    rec.consult(Switch::InfusionDocumentation);
    let demanded = ctx.policy.infusion_documentation == InfusionDocumentation::TimesVolumeRate && ctx.on(R::DocSet);
    match (lent.volume, lent.rate) {
        (None, _) if demanded => Some(Field::Volume),
        (_, None) if demanded => Some(Field::Rate),
        _ => None,
    }
}

/// The same of what is charted as an infusion and counts as a push only for want of a time.
fn infusion_undocumented<T: Recorder>(ctx: &Ctx, rec: &mut T, lent: &Lent) -> Option<Field> {
    let infusion = matches!(lent.method, Some(Method::Infusion | Method::Pump));
    if infusion { lacks(ctx, rec, lent) } else { None }
}

fn undocumented<T: Recorder>(ws: &mut Workspace, rec: &mut T, i: Ix, lent: &Lent, field: Field) -> Timing {
    block_timed(rec, i, lent.class, R::DocSet);
    held(ws, rec, i, field, R::DocSet)
}

/// The first-hour codes that a row without provable minutes did not reach.
fn block_timed<T: Recorder>(rec: &mut T, i: Ix, class: VeinClass, rule: R) {
    let codes: &[Code] = match class {
        VeinClass::Chemo => &[Code::N96413, Code::N96417, Code::N96409, Code::N96411],
        VeinClass::Drug => &[Code::N96365, Code::N96367, Code::N96374, Code::N96375],
        VeinClass::Hydration => &[Code::N96360, Code::N96361],
    };
    for c in codes {
        rec.block(i, *c, rule, Fact::None);
    }
}

/// Whole minutes from volume and rate, never rounded up.
pub(crate) fn computed_minutes(ctx: &Ctx, lent: &Lent) -> Option<i64> {
    let (volume, rate) = (lent.volume?, lent.rate?);
    if rate <= 0 {
        return None;
    }
    let exact = volume.checked_mul(60)?;
    Some(if ctx.on(R::TimeWholeMinutes) { exact / rate } else { (exact + rate - 1) / rate })
}

fn push<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, i: Ix, lent: &Lent) -> Timing {
    let Some(start) = lent.start else {
        rec.consult(Switch::MissingStart);
        if ctx.policy.missing_start == MissingStart::Query && ctx.on(R::MissingStart) {
            block_timed(rec, i, lent.class, R::MissingStart);
            return held(ws, rec, i, Field::Start, R::MissingStart);
        }
        rec.cite(i, if lent.stop.is_none() { R::MissingBoth } else { R::MissingStart }, Fact::None);
        return Timing::Untimed;
    };
    let Some(stop) = lent.stop else {
        if !ctx.on(R::PushWithoutDuration) {
            return held(ws, rec, i, Field::Stop, R::MissingStopDrugInfusion);
        }
        rec.cite(i, R::PushWithoutDuration, Fact::None);
        return Timing::Push(start, None);
    };
    if stop < start {
        return if ctx.on(R::ImpossibleTimes) { impossible(ws, rec, i) } else { Timing::Push(start, None) };
    }
    if ran(ctx, ws, i, start, stop) <= ctx.policy.push_max_minutes {
        rec.cite(i, R::PushDefinition, Fact::Minutes(stop - start));
        return Timing::Push(start, Some(stop));
    }
    let by_hand = match lent.attended {
        Some(true) => {
            rec.consult(Switch::LongHandPush);
            ctx.policy.long_hand_push == LongHandPush::Push && ctx.on(R::PushDefinition)
        }
        Some(false) => false,
        None => {
            rec.query(i, Field::Attended, R::PushDefinition);
            false
        }
    };
    rec.cite(i, R::PushDefinition, Fact::Minutes(stop - start));
    if by_hand {
        return Timing::Push(start, Some(stop));
    }
    if let Some(field) = lacks(ctx, rec, lent) {
        return undocumented(ws, rec, i, lent, field);
    }
    Timing::Run(start, stop)
}

/// Minutes between start and stop without the pauses.
fn ran(ctx: &Ctx, ws: &mut Workspace, i: Ix, start: Minute, stop: Minute) -> i64 {
    let row = &ctx.case.rows[i as usize];
    ws.scratch.clear();
    ws.scratch.extend_from_slice(&ctx.case.pauses[row.pauses.0 as usize..row.pauses.1 as usize]);
    ws.scratch2.clear();
    crate::minutes::cut((start, stop), &mut ws.scratch, &mut ws.scratch2);
    crate::minutes::total(&ws.scratch2)
}

/// Keeps what lies between arrival and the earlier of departure and the inpatient order.
fn clip<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, i: Ix, timing: Timing) -> Timing {
    let case = ctx.case;
    let from = case.arrival.filter(|_| ctx.on(R::InfusionInProgressOnArrival)).unwrap_or(Minute::MIN);
    let left = case.departure.filter(|_| ctx.on(R::TimeIsActualRunTime)).unwrap_or(Minute::MAX);
    let admitted = case.inpatient_order.filter(|_| ctx.on(R::InpatientExcluded)).unwrap_or(Minute::MAX);
    if from == Minute::MIN && left == Minute::MAX && admitted == Minute::MAX {
        return timing;
    }
    let to = left.min(admitted);
    let end_rule = if admitted <= left { R::InpatientExcluded } else { R::TimeIsActualRunTime };
    match timing {
        Timing::Run(start, stop) => {
            if stop > left {
                rec.query(i, Field::StopAfterDeparture, R::TimeIsActualRunTime);
            }
            if stop > to {
                rec.cite(i, end_rule, Fact::At(to));
            }
            if start < from {
                rec.cite(i, R::InfusionInProgressOnArrival, Fact::At(from));
            }
            let (a, b) = (start.max(from), stop.min(to));
            if a < b {
                return Timing::Run(a, b);
            }
            ws.out(rec, i, if stop <= from { R::InfusionInProgressOnArrival } else { end_rule }, Fact::None);
            Timing::Nothing
        }
        Timing::Push(at, stop) => {
            // What was still being given on arrival counts from then on.
            let at = match stop {
                Some(stop) if at < from && stop > from => {
                    rec.cite(i, R::InfusionInProgressOnArrival, Fact::At(from));
                    from
                }
                _ => at,
            };
            if at < from {
                ws.out(rec, i, R::InfusionInProgressOnArrival, Fact::None);
                return Timing::Nothing;
            }
            // What was given in the minute of leaving was given before leaving; an admitted patient is one at once.
            if at > left || at >= admitted {
                ws.out(rec, i, if at >= admitted { R::InpatientExcluded } else { R::TimeIsActualRunTime }, Fact::None);
                return Timing::Nothing;
            }
            Timing::Push(at, stop.map(|s| s.min(to)))
        }
        Timing::Untimed => {
            let day = case.rows[i as usize].day;
            let (first, last) =
                (case.clock.midnight(day), case.clock.midnight(crate::time::Day(day.0.saturating_add(1))));
            if first >= admitted && admitted != Minute::MAX || last <= from && from != Minute::MIN {
                ws.out(
                    rec,
                    i,
                    if first >= admitted { R::InpatientExcluded } else { R::InfusionInProgressOnArrival },
                    Fact::None,
                );
                return Timing::Nothing;
            }
            timing
        }
        Timing::Nothing => timing,
    }
}

/// The pauses that hold for a row: its own and its bag mates'.
pub(crate) fn pauses(ctx: &Ctx, ws: &mut Workspace, i: Ix) {
    ws.scratch.clear();
    if ctx.case.pauses.is_empty() || !ctx.on(R::PauseAndRestart) {
        return;
    }
    let (lo, hi) = ws.lent[i as usize].bag;
    let mut add = |row: Ix| {
        let (a, b) = ctx.case.rows[row as usize].pauses;
        ws.scratch.extend_from_slice(&ctx.case.pauses[a as usize..b as usize]);
    };
    if lo == hi {
        add(i);
    } else {
        for m in lo..hi {
            add(ws.bag_rows[m as usize].2);
        }
    }
}
