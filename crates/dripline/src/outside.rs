//! Codes outside the hierarchy: injections, other routes, pumps, vaccines, blood.

use std::cmp::Ordering;

use crate::assign::{Unit, earn, unit_day};
use crate::case::{Ix, NONE, PumpUse, Row, VaccineKind};
use crate::chart::{Class, PumpEvent, PumpKind, PumpOwner, Setting};
use crate::code::Code;
use crate::minutes::{merge, total};
use crate::policy::{HomePumpCode, PumpDisconnect, SplitDoseInjections, Switch, UnsupervisedInjection, VaccineCodes};
use crate::record::{Assumed, Fact, Field, Recorder};
use crate::rule::RuleId as R;
use crate::screen::is_chemo;
use crate::time::{Day, Minute};
use crate::work::{Ctx, Item, Kind, Modifier, Standing, Timing, VeinClass, Workspace};

fn unit(code: Code, day: Day, units: u32) -> Unit {
    Unit { code, distinct: Modifier::None, other: Modifier::None, day, units, initial: false }
}

fn live(ws: &Workspace, i: Ix) -> Option<Kind> {
    match ws.standing[i as usize] {
        Standing::Live(k) if ws.lent[i as usize].timing != Timing::Nothing => Some(k),
        _ => None,
    }
}

fn day(ctx: &Ctx, ws: &Workspace, i: Ix) -> Day {
    match ws.lent[i as usize].timing {
        Timing::Push(a, _) | Timing::Run(a, _) => ctx.case.clock.day(a),
        _ => ctx.case.rows[i as usize].day,
    }
}

/// Where a row stands in time order: a row of which only the date is known comes last on it, and ties end in input
/// order.
fn place(ctx: &Ctx, ws: &Workspace, i: Ix) -> (Minute, Ix) {
    let at = match ws.lent[i as usize].timing {
        Timing::Push(a, _) | Timing::Run(a, _) => a,
        _ => ctx.case.clock.midnight(Day(ctx.case.rows[i as usize].day.0.saturating_add(1))),
    };
    (at, i)
}

fn item_of(ws: &Workspace, i: Ix) -> Option<usize> {
    // Items are made in the order of their first rows.
    ws.items.binary_search_by_key(&i, |item| item.first_row).ok()
}

/// Codes everything that stands outside the hierarchy, except flushes, which wait for all lines.
pub(crate) fn outside<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let any = |kinds: &[Kind]| kinds.iter().any(|k| ws.holds.kinds & k.bit() != 0);
    let injected = any(&[Kind::Injection, Kind::UnderSkin, Kind::Rsv]);
    let arterial = any(&[Kind::ArteryChemo, Kind::Artery]);
    let placed = any(&[Kind::Lesion, Kind::Cavity(Code::N96450), Kind::OnBody, Kind::Own(Code::M0224)]);
    let vaccinated = any(&[Kind::Vaccine]);
    let bled = any(&[Kind::Blood, Kind::Declot]);
    let refilled = any(&[Kind::PumpRefill, Kind::PumpDisconnect]);
    if ws.holds.long_pumps {
        pumps(ctx, ws, rec);
    }
    if injected {
        injections(ctx, ws, rec);
        under_skin(ctx, ws, rec);
    }
    if arterial {
        artery(ctx, ws, rec);
    }
    if placed {
        places(ctx, ws, rec);
    }
    if vaccinated {
        vaccines(ctx, ws, rec);
    }
    if bled {
        blood(ctx, ws, rec);
    }
    if refilled {
        refills(ctx, ws, rec);
    }
}

fn injected(ws: &Workspace, i: Ix) -> bool {
    match live(ws, i) {
        Some(Kind::Injection | Kind::Rsv) => true,
        Some(Kind::UnderSkin) => match item_of(ws, ws.root[i as usize]) {
            Some(k) => !ws.items[k].run,
            None => false,
        },
        _ => false,
    }
}

fn injection_code<T: Recorder>(ctx: &Ctx, rec: &mut T, i: Ix, row: &Row) -> (Code, R) {
    if row.class == Class::RsvAntibody {
        if row.counselling.is_none() {
            rec.query(i, Field::Counselling, R::RsvAntibody);
        }
        if !ctx.on(R::RsvAntibody) {
            return (Code::N96372, R::ScimInjection);
        }
        return (if row.counselling == Some(true) { Code::N96380 } else { Code::N96381 }, R::RsvAntibody);
    }
    match row.class {
        Class::Chemo | Class::Complex if ctx.on(R::ChemoScimSplit) => (Code::N96401, R::ChemoScimSplit),
        Class::Hormonal if ctx.on(R::ChemoScimSplit) => (Code::N96402, R::ChemoScimSplit),
        _ => (Code::N96372, R::ScimInjection),
    }
}

fn injections<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let rows = &ctx.case.rows;
    let beside_vein = ws.items.iter().any(|it| it.lane == Kind::Vein);
    for i in 0..rows.len() as u32 {
        if !injected(ws, i) {
            continue;
        }
        let row = &rows[i as usize];
        // One syringe is one injection, and its first row leads.
        if ws.find(i) != i {
            continue;
        }
        let on_day = day(ctx, ws, i);
        let (code, rule) = injection_code(ctx, rec, i, row);
        if rule == R::ScimInjection && !ctx.on(rule) {
            out_chain(ws, rec, i, R::RouteOutOfScope);
            continue;
        }
        for r in ws.chain(i) {
            rec.cite(r, rule, Fact::None);
        }
        if ctx.case.setting == Setting::Office && code != Code::N96380 && code != Code::N96381 {
            rec.consult(Switch::UnsupervisedInjection);
            match ctx.case.supervised {
                Some(false) if ctx.on(R::ScimSupervisionOffice) => {
                    if ctx.policy.unsupervised_injection == UnsupervisedInjection::N99211 {
                        let repeated = ws.earned.iter().any(|e| e.code == Code::N99211 && e.day == on_day);
                        earn(
                            ctx,
                            ws,
                            rec,
                            i,
                            R::ScimSupervisionOffice,
                            unit(Code::N99211, on_day, u32::from(!repeated)),
                        );
                        cite_chain(ws, rec, i, R::ScimSupervisionOffice);
                    } else {
                        rec.block(i, code, R::ScimSupervisionOffice, Fact::None);
                        out_chain(ws, rec, i, R::ScimSupervisionOffice);
                    }
                    continue;
                }
                None => rec.assume(i, Assumed::Supervised),
                _ => {}
            }
        }
        // Parts of one ordered dose.
        let mut distinct = Modifier::None;
        if let Some(first) = dose_lead(ctx, ws, i) {
            rec.consult(Switch::SplitDoseInjections);
            if ctx.on(R::ScimSplitDose) {
                rec.cite(i, R::ScimSplitDose, Fact::Other(first));
                if ctx.policy.split_dose_injections == SplitDoseInjections::One {
                    rec.block(i, code, R::ScimSplitDose, Fact::Other(first));
                    let first_day = day(ctx, ws, first);
                    let lead_code = injection_code(ctx, rec, first, &rows[first as usize]).0;
                    earn(ctx, ws, rec, i, R::ScimSplitDose, unit(lead_code, first_day, 0));
                    continue;
                }
                distinct = Modifier::M59;
            }
        }
        if T::RULES && ws.parts(i).any(|j| injected(ws, j)) {
            rec.cite(i, R::ScimSplitDose, Fact::None);
        }
        if beside_vein {
            rec.cite(i, if is_chemo(row.class) { R::InitialCodeSet } else { R::ScimOutsideHierarchy }, Fact::None);
        }
        earn(ctx, ws, rec, i, rule, Unit { distinct, ..unit(code, on_day, 1) });
    }
}

/// The injected row of which this is a further part, if any.
fn dose_lead(ctx: &Ctx, ws: &mut Workspace, i: Ix) -> Option<Ix> {
    let dose = ws.first_of_dose(i);
    if dose == NONE {
        return None;
    }
    // One syringe leads with its first row, and the injection that asks is such a row.
    let leads = |ws: &Workspace, j: Ix| injected(ws, j) && ws.root[j as usize] == j;
    // The lead is looked for again only when it earns nothing after all.
    let mut first = ws.dose_leads[dose as usize];
    if first == NONE || !leads(ws, first) {
        first = ws.dose(i).filter(|&j| leads(ws, j)).min_by_key(|&j| place(ctx, ws, j))?;
        ws.dose_leads[dose as usize] = first;
    }
    (first != i).then_some(first)
}

fn out_chain<T: Recorder>(ws: &mut Workspace, rec: &mut T, head: Ix, rule: R) {
    let mut row = head;
    while row != NONE {
        ws.out(rec, row, rule, Fact::None);
        row = ws.next[row as usize];
    }
}

fn cite_chain<T: Recorder>(ws: &Workspace, rec: &mut T, head: Ix, rule: R) {
    for r in ws.chain(head) {
        rec.cite(r, rule, Fact::None);
    }
}

/// Those that compare equal, of a list sorted by what is compared.
fn equal(sorted: &[u32], order: impl Fn(u32) -> Ordering) -> &[u32] {
    let from = sorted.partition_point(|&k| order(k) == Ordering::Less);
    let to = sorted.partition_point(|&k| order(k) != Ordering::Greater);
    &sorted[from..to]
}

/// Infusions under the skin.
fn under_skin<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let mut runs = std::mem::take(&mut ws.seq);
    runs.clear();
    runs.extend((0..ws.items.len() as u32).filter(|&n| {
        let item = &ws.items[n as usize];
        item.lane == Kind::UnderSkin && item.run && !item.done
    }));
    let visit = |ws: &Workspace, n: u32| ws.items[n as usize].visit;
    runs.sort_unstable_by_key(|&n| (visit(ws, n), ws.items[n as usize].start, n));
    let mut left = &runs[..];
    while let Some(&first) = left.first() {
        let lead = ws.items[first as usize];
        let (of_visit, rest) = left.split_at(left.partition_point(|&k| visit(ws, k) == lead.visit));
        left = rest;
        ws.scratch.clear();
        let heads = lead.first_row;
        let (mut access, mut second): (_, Option<(Ix, Day)>) = (None, None);
        for &k in of_visit {
            let o = ws.items[k as usize];
            for p in o.net.0..o.net.1 {
                ws.scratch.push(ws.pieces[p as usize]);
            }
            for r in ws.chain(o.first_row) {
                let a = ctx.case.rows[r as usize].access;
                if a == NONE {
                    continue;
                }
                match access {
                    None => access = Some(a),
                    Some(x)
                        if x != a && (ctx.case.accesses[a as usize].needed || ctx.case.accesses[x as usize].needed) =>
                    {
                        // Rows of one drug are one run; the second place was set up when its own row began.
                        let set_up = match ws.lent[r as usize].timing {
                            Timing::Run(start, _) => ctx.case.clock.day(start),
                            _ => o.day,
                        };
                        second = second.or(Some((o.first_row, set_up)));
                    }
                    _ => {}
                }
            }
        }
        merge(&mut ws.scratch, 0);
        let spans = std::mem::take(&mut ws.scratch);
        let m = total(&spans);
        let at = |ws: &Workspace, threshold: i64, began: i64| unit_day(ctx, ws, &lead, &spans, threshold, began);
        if ctx.on(R::UnitScPump) {
            for &k in of_visit {
                let row = ws.items[k as usize].first_row;
                if row != heads {
                    let day = at(ws, 15, 0);
                    earn(ctx, ws, rec, row, R::UnitScPump, unit(Code::N96369, day, 0));
                }
            }
            let day = at(ws, 15, 0);
            earn(ctx, ws, rec, heads, R::UnitScPump, unit(Code::N96369, day, 1));
            for h in 1..=(m - 31).div_euclid(60).max(0) {
                let day = at(ws, 60 * h + 30, 60 * h);
                for &k in of_visit {
                    let row = ws.items[k as usize].first_row;
                    earn(ctx, ws, rec, row, R::UnitScPump, unit(Code::N96370, day, u32::from(row == heads)));
                }
            }
            if let Some((row, set_up)) = second {
                earn(ctx, ws, rec, row, R::UnitScPump, unit(Code::N96371, set_up, 1));
            }
            for &k in of_visit {
                ws.item_cite(rec, k, R::UnitScPump, Fact::Minutes(m));
            }
        } else {
            let day = at(ws, 0, 0);
            earn(ctx, ws, rec, heads, R::ScimInjection, unit(Code::N96372, day, 1));
        }
        ws.scratch = spans;
    }
    ws.seq = runs;
}

/// Into an artery.
fn artery<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    for i in 0..ctx.case.rows.len() as u32 {
        if live(ws, i) == Some(Kind::Artery) && ws.find(i) == i {
            let on_day = day(ctx, ws, i);
            if ctx.on(R::ArterialNonchemo) {
                cite_chain(ws, rec, i, R::ArterialNonchemo);
                earn(ctx, ws, rec, i, R::ArterialNonchemo, unit(Code::N96373, on_day, 1));
            } else {
                out_chain(ws, rec, i, R::RouteOutOfScope);
            }
        }
    }
    // Later runs of the same drug that visit add their minutes to the first.
    let drug = |ws: &Workspace, n: u32| (ws.items[n as usize].visit, ws.items[n as usize].identity);
    let mut runs = std::mem::take(&mut ws.seq);
    runs.clear();
    runs.extend((0..ws.items.len() as u32).filter(|&n| {
        let item = &ws.items[n as usize];
        item.lane == Kind::ArteryChemo && item.run && !item.done && !item.long_pump
    }));
    runs.sort_unstable_by_key(|&n| (drug(ws, n), n));
    for n in 0..ws.items.len() {
        let item = ws.items[n];
        if item.lane != Kind::ArteryChemo || item.done || item.long_pump {
            continue;
        }
        ws.item_cite(rec, n as u32, R::UnitChemoIa, Fact::Minutes(item.minutes));
        if !item.run || !ctx.on(R::UnitChemoIa) {
            earn(ctx, ws, rec, item.first_row, R::UnitChemoIa, unit(Code::N96420, item.day, 1));
            continue;
        }
        let same = equal(&runs, |k| drug(ws, k).cmp(&(item.visit, item.identity)));
        if same[0] != n as u32 {
            continue;
        }
        ws.scratch.clear();
        for &k in same {
            let net = ws.items[k as usize].net;
            for p in net.0..net.1 {
                ws.scratch.push(ws.pieces[p as usize]);
            }
        }
        merge(&mut ws.scratch, 0);
        let spans = std::mem::take(&mut ws.scratch);
        let m = total(&spans);
        let at = |ws: &Workspace, threshold: i64, began: i64| unit_day(ctx, ws, &item, &spans, threshold, began);
        let day = at(ws, 15, 0);
        earn(ctx, ws, rec, item.first_row, R::UnitChemoIa, unit(Code::N96422, day, 1));
        for h in 1..=(m - 31).div_euclid(60).max(0) {
            let day = at(ws, 60 * h + 30, 60 * h);
            for &k in same {
                let row = ws.items[k as usize].first_row;
                earn(ctx, ws, rec, row, R::UnitChemoIa, unit(Code::N96423, day, u32::from(k == n as u32)));
            }
        }
        for &k in &same[1..] {
            earn(ctx, ws, rec, ws.items[k as usize].first_row, R::UnitChemoIa, unit(Code::N96422, day, 0));
        }
        ws.scratch = spans;
    }
    ws.seq = runs;
}

/// Cavities, lesions, on-body injectors and products with codes of their own.
fn places<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let rows = &ctx.case.rows;
    // Rows that one unit covers: by kind, visit, date and, in a cavity, access. The first of them has the unit.
    let key = |ws: &Workspace, i: Ix| {
        let row = &rows[i as usize];
        let what = match live(ws, i) {
            Some(Kind::Lesion) => (0, None, NONE),
            Some(Kind::Cavity(code)) => (1, Some(code), row.access),
            Some(Kind::Own(code)) => (2, Some(code), NONE),
            _ => (3, None, NONE),
        };
        (what, row.visit, day(ctx, ws, i))
    };
    let mut covered = std::mem::take(&mut ws.seq);
    covered.clear();
    covered.extend(
        (0..rows.len() as u32).filter(|&i| matches!(live(ws, i), Some(Kind::Lesion | Kind::Cavity(_) | Kind::Own(_)))),
    );
    covered.sort_unstable_by_key(|&i| (key(ws, i), i));
    let mut firsts = std::mem::take(&mut ws.order);
    firsts.clear();
    firsts.resize(rows.len(), NONE);
    let mut from = 0;
    for same in covered.chunk_by(|&a, &b| key(ws, a) == key(ws, b)) {
        firsts[same[0] as usize] = from;
        from += same.len() as u32;
    }
    for i in 0..rows.len() as u32 {
        let Some(kind) = live(ws, i) else { continue };
        let on_day = day(ctx, ws, i);
        let first = firsts[i as usize];
        match kind {
            Kind::Cavity(code) => {
                if !ctx.on(R::ChemoBodyCavity) {
                    ws.out(rec, i, R::RouteOutOfScope, Fact::None);
                    continue;
                }
                rec.cite(i, R::ChemoBodyCavity, Fact::None);
                earn(ctx, ws, rec, i, R::ChemoBodyCavity, unit(code, on_day, u32::from(first != NONE)));
            }
            Kind::Lesion => {
                rec.cite(i, R::ChemoLesion, Fact::None);
                if first != NONE {
                    let same = &covered[first as usize..];
                    let end = same.partition_point(|&j| key(ws, j) == key(ws, i));
                    lesions(ctx, ws, rec, &same[..end], on_day);
                }
            }
            Kind::OnBody => {
                if ctx.on(R::OnBodyInjector) {
                    rec.cite(i, R::OnBodyInjector, Fact::None);
                    earn(ctx, ws, rec, i, R::OnBodyInjector, unit(Code::N96377, on_day, 1));
                } else {
                    earn(ctx, ws, rec, i, R::ScimInjection, unit(Code::N96372, on_day, 1));
                }
            }
            Kind::Own(code) => {
                rec.cite(i, R::CovidAntibodyMcodes, Fact::None);
                earn(ctx, ws, rec, i, R::CovidAntibodyMcodes, unit(code, on_day, u32::from(first != NONE)));
            }
            _ => {}
        }
    }
    ws.seq = covered;
    ws.order = firsts;
}

/// The lesions of one visit and date.
fn lesions<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, same: &[Ix], on_day: Day) {
    let mut sum: i64 = 0;
    let mut unknown = false;
    for &i in same {
        match ctx.case.rows[i as usize].lesions {
            Some(n) => sum += i64::from(n),
            None => {
                unknown = true;
                rec.query(i, Field::Lesions, R::ChemoLesion);
            }
        }
    }
    // More than the limit is proved whatever the rest; fewer is not while a count is missing.
    let many = sum > ctx.policy.few_lesions && ctx.on(R::ChemoLesion);
    let code = if many { Code::N96406 } else { Code::N96405 };
    let proved = sum > 0 && (!unknown || many);
    for (n, &i) in same.iter().enumerate() {
        if !proved {
            rec.block(i, code, R::ChemoLesion, Fact::Count(sum));
            ws.out(rec, i, R::ChemoLesion, Fact::Count(sum));
        } else {
            earn(ctx, ws, rec, i, R::ChemoLesion, unit(code, on_day, u32::from(n == 0)));
        }
    }
}

fn vaccines<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let rows = &ctx.case.rows;
    ws.seq.clear();
    for i in 0..rows.len() as u32 {
        if live(ws, i) == Some(Kind::Vaccine) {
            let earned = ws.earned.len();
            vaccine(ctx, ws, rec, i);
            if live(ws, i) == Some(Kind::Vaccine) && ws.earned.len() == earned {
                ws.seq.push(i);
            }
        }
    }
    // First and further ones of each visit and date; an injected one comes first.
    let seq = std::mem::take(&mut ws.seq);
    let mut sorted = std::mem::take(&mut ws.order);
    let by_mouth = |i: Ix| matches!(rows[i as usize].route, crate::case::Route::Nose | crate::case::Route::Mouth);
    let given = |ws: &Workspace, i: Ix| (rows[i as usize].visit, day(ctx, ws, i));
    sorted.clear();
    sorted.extend_from_slice(&seq);
    sorted.sort_unstable_by_key(|&i| (given(ws, i), by_mouth(i), place(ctx, ws, i)));
    // The leads, in order.
    sorted.dedup_by_key(|i| given(ws, *i));
    for &i in &seq {
        let on_day = day(ctx, ws, i);
        let lead = sorted.binary_search_by_key(&given(ws, i), |&j| given(ws, j)).is_ok_and(|n| sorted[n] == i);
        let code = match (by_mouth(i), lead) {
            (false, true) => Code::N90471,
            (false, false) => Code::N90472,
            (true, true) => Code::N90473,
            (true, false) => Code::N90474,
        };
        earn(ctx, ws, rec, i, R::Vaccines, unit(code, on_day, 1));
    }
    ws.seq = seq;
    ws.order = sorted;
}

/// A vaccine whose code does not depend on the others of the visit.
fn vaccine<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, i: Ix) {
    let row = &ctx.case.rows[i as usize];
    let medicare = ctx.policy.vaccine_codes == VaccineCodes::Medicare;
    rec.consult(Switch::VaccineCodes);
    rec.cite(i, R::Vaccines, Fact::None);
    let on_day = day(ctx, ws, i);
    if !ctx.on(R::Vaccines) {
        earn(ctx, ws, rec, i, R::ScimInjection, unit(Code::N96372, on_day, 1));
        return;
    }
    match row.vaccine {
        Some(VaccineKind::Covid19) => {
            earn(ctx, ws, rec, i, R::Vaccines, unit(Code::N90480, on_day, 1));
            return;
        }
        Some(kind) if medicare => {
            let code = match kind {
                VaccineKind::Influenza => Some(Code::G0008),
                VaccineKind::Pneumococcal => Some(Code::G0009),
                VaccineKind::HepatitisB => Some(Code::G0010),
                _ => None,
            };
            if let Some(code) = code {
                earn(ctx, ws, rec, i, R::Vaccines, unit(code, on_day, 1));
                return;
            }
        }
        None if medicare => {
            rec.query(i, Field::VaccineKind, R::Vaccines);
            ws.out(rec, i, R::Vaccines, Fact::None);
            return;
        }
        _ => {}
    }
    let young = ctx.case.age_years.map(|a| i64::from(a) <= ctx.policy.paediatric_vaccine_age);
    let counselled = match (young, row.counselling) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    };
    match counselled {
        Some(true) => {
            let Some(components) = row.components else {
                rec.query(i, Field::Components, R::Vaccines);
                ws.out(rec, i, R::Vaccines, Fact::None);
                return;
            };
            earn(ctx, ws, rec, i, R::Vaccines, unit(Code::N90460, on_day, 1));
            if components > 1 {
                earn(ctx, ws, rec, i, R::Vaccines, unit(Code::N90461, on_day, components - 1));
            }
        }
        Some(false) => {}
        None => {
            rec.query(i, if young.is_none() { Field::Age } else { Field::Counselling }, R::Vaccines);
            ws.out(rec, i, R::Vaccines, Fact::None);
        }
    }
}

fn blood<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let rows = &ctx.case.rows;
    let mut seq = std::mem::take(&mut ws.seq);
    seq.clear();
    seq.extend((0..rows.len() as u32).filter(|&i| matches!(live(ws, i), Some(Kind::Blood | Kind::Declot))));
    seq.sort_unstable_by_key(|&i| place(ctx, ws, i));
    for &i in &seq {
        let on_day = day(ctx, ws, i);
        match live(ws, i) {
            Some(Kind::Blood) => {
                if ctx.case.services.iter().any(|s| s.is_36430 && s.day == on_day) && ctx.on(R::BloodOnceADay) {
                    rec.block(i, Code::N36430, R::BloodOnceADay, Fact::None);
                    ws.out(rec, i, R::BloodOnceADay, Fact::None);
                    continue;
                }
                let again = ws.earned.iter().find(|e| e.code == Code::N36430 && e.day == on_day).map(|e| e.head);
                match again {
                    Some(first) if ctx.on(R::BloodOnceADay) => {
                        rec.block(i, Code::N36430, R::BloodOnceADay, Fact::Other(first));
                        ws.out(rec, i, R::BloodOnceADay, Fact::Other(first));
                    }
                    _ => {
                        rec.cite(i, R::BloodOnceADay, Fact::None);
                        earn(ctx, ws, rec, i, R::BloodOnceADay, unit(Code::N36430, on_day, 1));
                    }
                }
            }
            Some(Kind::Declot) => {
                let access = rows[i as usize].access;
                let again = ws
                    .earned
                    .iter()
                    .find(|e| e.code == Code::N36593 && e.day == on_day && rows[e.head as usize].access == access)
                    .map(|e| e.head);
                match again {
                    Some(first) => {
                        rec.block(i, Code::N36593, R::Declot, Fact::Other(first));
                        ws.out(rec, i, R::Declot, Fact::Other(first));
                    }
                    None => {
                        rec.cite(i, R::Declot, Fact::None);
                        earn(ctx, ws, rec, i, R::Declot, unit(Code::N36593, on_day, 1));
                    }
                }
            }
            _ => {}
        }
    }
    ws.seq = seq;
}

/// Long infusions by pump.
fn pumps<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let beside_vein = ws.items.iter().any(|o| o.lane == Kind::Vein && !o.long_pump);
    for n in 0..ws.items.len() {
        let item = ws.items[n];
        if !item.long_pump || item.done {
            continue;
        }
        let Some((code, rule)) = pump_code(ctx, ws, rec, &item) else { continue };
        ws.item_cite(rec, n as u32, rule, Fact::None);
        if beside_vein {
            ws.item_cite(rec, n as u32, R::PushWithPumpStart, Fact::None);
        }
        earn(ctx, ws, rec, item.first_row, rule, unit(code, item.day, 1));
    }
}

/// The pump's own code, if this is such a pump.
fn pump_code<T: Recorder>(ctx: &Ctx, ws: &Workspace, rec: &mut T, item: &Item) -> Option<(Code, R)> {
    let head = item.first_row;
    let pump = ws.chain(head).find_map(|r| ctx.case.rows[r as usize].pump);
    own_pump_code(ctx, rec, head, pump, item.class, item.lane)
}

/// The code for starting a long infusion by this pump, if there is one.
pub(crate) fn own_pump_code<T: Recorder>(
    ctx: &Ctx,
    rec: &mut T,
    head: Ix,
    pump: Option<PumpUse>,
    class: VeinClass,
    lane: Kind,
) -> Option<(Code, R)> {
    let kind = pump.and_then(|p| p.kind);
    if class == VeinClass::Drug {
        return (ctx.on(R::NonchemoOver8hPump) && (ctx.facility() || !ctx.on(R::FacilityOnly)) && lane == Kind::Vein)
            .then_some((Code::C8957, R::NonchemoOver8hPump));
    }
    if !matches!(kind, Some(PumpKind::Portable | PumpKind::Implanted)) || !ctx.on(R::ChemoPumpStart) {
        return None;
    }
    if lane == Kind::ArteryChemo {
        return Some((Code::N96425, R::ChemoPumpStart));
    }
    rec.consult(Switch::HomePumpCode);
    if ctx.policy.home_pump_code == HomePumpCode::G0498 && kind == Some(PumpKind::Portable) && ctx.on(R::MedicareG0498)
    {
        match pump.and_then(|p| p.owner) {
            Some(PumpOwner::Clinic | PumpOwner::Hospital) => return Some((Code::G0498, R::MedicareG0498)),
            Some(PumpOwner::Supplier) => {}
            None => rec.query(head, Field::PumpOwner, R::MedicareG0498),
        }
    }
    Some((Code::N96416, R::ChemoPumpStart))
}

/// A long infusion by a pump that has no code of its own goes back to the timed codes.
pub(crate) fn release_pumps<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    if !ws.holds.long_pumps {
        return;
    }
    for n in 0..ws.items.len() {
        let item = ws.items[n];
        if !item.long_pump {
            continue;
        }
        if item.lane == Kind::UnderSkin || pump_code(ctx, ws, rec, &item).is_none() {
            ws.items[n].long_pump = false;
            if item.class == VeinClass::Drug && !ctx.facility() {
                ws.item_cite(rec, n as u32, R::FacilityOnly, Fact::None);
                rec.block(item.first_row, Code::C8957, R::FacilityOnly, Fact::None);
            }
            if item.class == VeinClass::Chemo
                && ws
                    .chain(item.first_row)
                    .find_map(|r| ctx.case.rows[r as usize].pump)
                    .is_none_or(|p| p.kind.is_none())
            {
                rec.query(item.first_row, Field::PumpKind, R::ChemoPumpStart);
            }
            if item.run && item.minutes <= ctx.policy.push_max_minutes && item.lane == Kind::Vein {
                ws.items[n].run = false;
            }
        }
    }
}

/// Codes for starting a long infusion by pump.
const STARTS: [Code; 4] = [Code::N96416, Code::N96425, Code::G0498, Code::C8957];

fn refills<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let rows = &ctx.case.rows;
    // The dates on which a pump that can be refilled was started.
    let starts = |r: &Row| {
        let refillable = |p: PumpUse| p.event == Some(PumpEvent::Start) && p.kind != Some(PumpKind::External);
        r.given && r.pump.is_some_and(refillable)
    };
    let mut started = std::mem::take(&mut ws.days);
    started.clear();
    started.extend((0..rows.len() as u32).filter(|&j| starts(&rows[j as usize])).map(|j| (0, day(ctx, ws, j))));
    // A long infusion by pump was started on the date of its own code, whether or not the chart calls it a start.
    let external = |row: Ix| rows[row as usize].pump.is_some_and(|p| p.kind == Some(PumpKind::External));
    started.extend(ws.earned.iter().filter(|e| STARTS.contains(&e.code) && !external(e.head)).map(|e| (0, e.day)));
    started.sort_unstable();
    for i in 0..rows.len() as u32 {
        let on_day = day(ctx, ws, i);
        match live(ws, i) {
            Some(Kind::PumpRefill) => {
                rec.cite(i, R::PumpRefill, Fact::None);
                let started = started.binary_search(&(0, on_day)).is_ok();
                let kind = rows[i as usize].pump.and_then(|p| p.kind);
                let code = match kind {
                    Some(PumpKind::Portable) => Code::N96521,
                    Some(PumpKind::Implanted) => Code::N96522,
                    _ => {
                        if kind.is_none() {
                            rec.query(i, Field::PumpKind, R::PumpRefill);
                        }
                        ws.out(rec, i, R::PumpRefill, Fact::None);
                        continue;
                    }
                };
                if started && ctx.on(R::PumpRefill) {
                    rec.block(i, code, R::PumpRefill, Fact::None);
                    ws.out(rec, i, R::PumpRefill, Fact::None);
                } else {
                    earn(ctx, ws, rec, i, R::PumpRefill, unit(code, on_day, 1));
                }
            }
            Some(Kind::PumpDisconnect) => {
                rec.consult(Switch::PumpDisconnect);
                if ctx.policy.pump_disconnect == PumpDisconnect::Included && ctx.on(R::PumpDisconnect) {
                    rec.block(i, Code::N96523, R::PumpDisconnect, Fact::None);
                    ws.out(rec, i, R::PumpDisconnect, Fact::None);
                }
            }
            _ => {}
        }
    }
    ws.days = started;
}
