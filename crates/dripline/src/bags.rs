//! Rows that share a bag or a syringe lend each other what only one of them charts, and become one infusate.

use crate::case::{Ix, NONE, OrderState};
use crate::chart::{Class, Method, Purpose, StopSource};
use crate::policy::{DrugIdentity, LastSeenStop, Switch};
use crate::record::{Fact, Field, Recorder};
use crate::rule::RuleId as R;
use crate::screen::{class, is_chemo};
use crate::work::{Ctx, Kind, Lent, Standing, Timing, VeinClass, Workspace};

fn vein_class(class: Class) -> VeinClass {
    match class {
        Class::Hydration => VeinClass::Hydration,
        c if is_chemo(c) => VeinClass::Chemo,
        _ => VeinClass::Drug,
    }
}

/// Does the charted stop count?
pub(crate) fn stop_counts<T: Recorder>(ctx: &Ctx, rec: &mut T, source: StopSource) -> bool {
    match source {
        StopSource::Expected => !ctx.on(R::OrderedVsActual),
        StopSource::LastSeen => {
            rec.consult(Switch::LastSeenStop);
            ctx.policy.last_seen_stop == LastSeenStop::Accept || !ctx.on(R::LastSeenStop)
        }
        _ => true,
    }
}

/// Fills `lent` for every row, then reads the bags.
pub(crate) fn bags<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let rows = &ctx.case.rows;
    if rows.len() > 1 {
        rec.consult(Switch::DrugIdentity);
    }
    for (i, row) in rows.iter().enumerate() {
        let identity = if !ctx.on(R::DifferentStrengthSameDrug) {
            row.local
        } else {
            match ctx.policy.drug_identity {
                DrugIdentity::Ingredient => row.ingredient,
                DrugIdentity::Hcpcs => row.hcpcs,
                DrugIdentity::Local => row.local,
            }
        };
        let counted = match row.stop_source {
            StopSource::Expected | StopSource::LastSeen => row.stop.filter(|_| stop_counts(ctx, rec, row.stop_source)),
            _ => row.stop,
        };
        ws.lent.push(Lent {
            method: row.method,
            start: row.start,
            stop: counted,
            stop_source: row.stop_source,
            volume: row.volume,
            rate: row.rate,
            attended: row.attended,
            planned: row.planned,
            pump: row.pump,
            class: vein_class(class(ctx, rec, row)),
            identity,
            bag: (0, 0),
            mixed: false,
            site: 0,
            timing: Timing::Nothing,
        });
        let lane = matches!(
            ws.standing[i],
            Standing::Live(Kind::Vein | Kind::UnderSkin | Kind::ArteryChemo | Kind::Injection | Kind::Artery)
        );
        if row.bag != NONE && lane {
            ws.bag_rows.push((row.visit, row.bag, i as Ix));
        }
    }
    ws.bag_rows.sort_unstable();
    let mut lo = 0;
    while lo < ws.bag_rows.len() {
        let key = (ws.bag_rows[lo].0, ws.bag_rows[lo].1);
        let mut hi = lo + 1;
        while hi < ws.bag_rows.len() && (ws.bag_rows[hi].0, ws.bag_rows[hi].1) == key {
            hi += 1;
        }
        if hi - lo > 1 && ctx.on(R::SequentialOncePerInfusate) {
            bag(ctx, ws, rec, lo, hi);
        }
        lo = hi;
    }
}

fn bag<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, lo: usize, hi: usize) {
    let rows = &ctx.case.rows;
    let members = lo..hi;
    let ix = |ws: &Workspace, m: usize| ws.bag_rows[m].2 as usize;
    let mut class = VeinClass::Hydration;
    let mut fluid = None;
    for m in members.clone() {
        let i = ix(ws, m);
        if ws.lent[i].class == VeinClass::Hydration && fluid.is_none() {
            fluid = Some(i);
        }
    }
    let mut salted = false;
    for m in members.clone() {
        let i = ix(ws, m);
        let row = &rows[i];
        let mut of_row = ws.lent[i].class;
        if let (Some(f), Some(_)) = (fluid, row.electrolyte)
            && of_row == VeinClass::Drug
            && row.purpose != Purpose::Replacement
            && ctx.on(R::HydrationWithElectrolytes)
        {
            let own_order = matches!(row.order, OrderState::Id(_)) && row.order != rows[f].order;
            let own_time = row.start.is_some() && row.start != rows[f].start;
            if !(own_order && own_time) {
                of_row = VeinClass::Hydration;
                salted = true;
                rec.query(i as Ix, Field::LowValue, R::HydrationWithElectrolytes);
            }
        }
        ws.lent[i].class = of_row;
        class = class.min(of_row);
    }
    // Fluid in a drug's bag is its vehicle and no part of what was given.
    let vehicle = |ws: &Workspace, i: usize| class != VeinClass::Hydration && ws.lent[i].class == VeinClass::Hydration;
    // What the bag as a whole charts.
    let mut all = Lent {
        class,
        bag: (lo as u32, hi as u32),
        start: None,
        stop: None,
        method: None,
        volume: None,
        rate: None,
        attended: None,
        planned: None,
        pump: None,
        ..ws.lent[ix(ws, lo)]
    };
    let first = members.clone().map(|m| ix(ws, m)).find(|&i| !vehicle(ws, i)).unwrap_or(ix(ws, lo));
    all.identity = ws.lent[first].identity;
    all.mixed = false;
    for m in members.clone() {
        let l = ws.lent[ix(ws, m)];
        all.mixed |= l.identity != all.identity && !vehicle(ws, ix(ws, m));
        if let Some(s) = l.start {
            all.start = Some(all.start.map_or(s, |a| a.min(s)));
        }
        if let Some(s) = l.stop {
            all.stop = Some(all.stop.map_or(s, |a| a.max(s)));
        }
        all.method = match (all.method, l.method) {
            (Some(Method::Infusion | Method::Pump), _) => all.method,
            (_, Some(Method::Infusion | Method::Pump)) => l.method,
            (a, b) => a.or(b),
        };
        all.volume = all.volume.or(l.volume);
        all.rate = all.rate.or(l.rate);
        all.attended = all.attended.or(l.attended);
        all.planned = all.planned.or(l.planned);
        all.pump = all.pump.or(l.pump);
    }
    if all.mixed {
        all.identity = set_identity(ws, lo, hi, class);
    }
    for m in members {
        let i = ix(ws, m);
        let l = &mut ws.lent[i];
        l.class = all.class;
        l.identity = all.identity;
        l.mixed = all.mixed;
        l.bag = all.bag;
        l.method = all.method;
        l.volume = l.volume.or(all.volume);
        l.rate = l.rate.or(all.rate);
        l.attended = l.attended.or(all.attended);
        l.planned = l.planned.or(all.planned);
        l.pump = l.pump.or(all.pump);
        let own_start = l.start.is_some();
        l.start = l.start.or(all.start);
        // A push needs no stop, and that of another push from the syringe is not its own.
        if l.stop.is_none() && !(own_start && all.method == Some(Method::Push)) {
            l.stop = all.stop.filter(|s| l.start.is_none_or(|a| *s >= a));
        }
        rec.cite(i as Ix, R::SequentialOncePerInfusate, Fact::None);
        if all.mixed && all.class != VeinClass::Hydration {
            rec.cite(i as Ix, R::ConcurrentNotOneBag, Fact::None);
        }
        if salted && all.class == VeinClass::Hydration {
            rec.cite(i as Ix, R::HydrationWithElectrolytes, Fact::None);
        }
    }
}

/// One number for the set of identities of a bag of some class, equal for equal sets.
fn set_identity(ws: &mut Workspace, lo: usize, hi: usize, class: VeinClass) -> u32 {
    let from = ws.set_pool.len();
    for m in lo..hi {
        let l = ws.lent[ws.bag_rows[m].2 as usize];
        if class == VeinClass::Hydration || l.class != VeinClass::Hydration {
            ws.set_pool.push(l.identity);
        }
    }
    ws.set_pool[from..].sort_unstable();
    let mut end = from;
    for k in from..ws.set_pool.len() {
        let v = ws.set_pool[k];
        if end == from || ws.set_pool[end - 1] != v {
            ws.set_pool[end] = v;
            end += 1;
        }
    }
    ws.set_pool.truncate(end);
    for (k, &(a, b)) in ws.bag_sets.iter().enumerate() {
        if ws.set_pool[a as usize..b as usize] == ws.set_pool[from..end] {
            ws.set_pool.truncate(from);
            return 0x8000_0000 | k as u32;
        }
    }
    ws.bag_sets.push((from as u32, end as u32));
    0x8000_0000 | (ws.bag_sets.len() as u32 - 1)
}
