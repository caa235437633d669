//! What is one thing: bag mates, parts of a dose, bags in a row, rate changes.

use crate::case::{Ix, NONE};
use crate::chart::{Method, PumpEvent};
use crate::minutes::{Span, cut, merge, total};
use crate::policy::{AbortedInfusion, MidnightInitial, Switch};
use crate::record::{Fact, Recorder};
use crate::rule::RuleId as R;
use crate::work::{Ctx, Item, Kind, Lent, Placing, Standing, Timing, VeinClass, Workspace, keep, orders_differ};

fn lane(kind: Kind) -> u8 {
    match kind {
        Kind::Vein => 0,
        Kind::UnderSkin => 1,
        Kind::ArteryChemo => 2,
        Kind::Injection => 3,
        Kind::Artery => 4,
        _ => 9,
    }
}

/// Kinds whose rows may stand together.
fn joined() -> u32 {
    infused() | Kind::Injection.bit() | Kind::Artery.bit()
}

/// Kinds whose rows are items.
fn infused() -> u32 {
    Kind::Vein.bit() | Kind::UnderSkin.bit() | Kind::ArteryChemo.bit()
}

fn kind(ws: &Workspace, i: Ix) -> Option<Kind> {
    match ws.standing[i as usize] {
        Standing::Live(k) => Some(k),
        Standing::Out => None,
    }
}

/// Joins rows to items.
pub(crate) fn join<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let case = ctx.case;
    let Workspace { sorted, standing, lent, .. } = ws;
    keep(sorted, 0..case.rows.len() as u32, |i| {
        (standing[i as usize].bit() & joined() != 0) & !matches!(lent[i as usize].timing, Timing::Nothing)
    });
    if !ws.bag_rows.is_empty() {
        join_bags(ctx, ws);
    }
    if !ws.doses.0.is_empty() {
        join_doses(ctx, ws, rec);
    }
    join_runs(ctx, ws, rec);
    make_items(ctx, ws, rec);
}

/// Parts of one ordered dose.
fn join_doses<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let case = ctx.case;
    for k in 0..ws.sorted.len() {
        let i = ws.sorted[k];
        let other = case.rows[i as usize].same_dose_as;
        if other == NONE || !ctx.on(R::DoseSplitOfOneOrder) {
            continue;
        }
        let (Some(a), Some(b)) = (kind(ws, i), kind(ws, other)) else { continue };
        let injected = |k: Kind| matches!(k, Kind::Injection | Kind::UnderSkin);
        let same = lane(a) == lane(b) || (injected(a) && injected(b));
        if same
            && lane(a) < 9
            && !injected(a)
            && case.rows[i as usize].visit == case.rows[other as usize].visit
            && ws.lent[other as usize].timing != Timing::Nothing
        {
            ws.union(i, other);
            rec.cite(i, R::DoseSplitOfOneOrder, Fact::Other(other));
            rec.cite(other, R::DoseSplitOfOneOrder, Fact::Other(i));
        }
    }
}

fn join_bags(ctx: &Ctx, ws: &mut Workspace) {
    for k in 0..ws.sorted.len() {
        let i = ws.sorted[k];
        let (lo, hi) = ws.lent[i as usize].bag;
        // What went into a vein and what went into a muscle are two services, whatever is charted as their syringe.
        let way = kind(ws, i).map(lane);
        // A row that already stands with an earlier one has all its mates.
        let hi = if ws.root[i as usize] == i { hi } else { lo };
        for m in lo..hi {
            let j = ws.bag_rows[m as usize].2;
            // Bag mates that were infused stay apart only where the test of one rule switches this one off.
            let apart = ws.lent[i as usize].mixed
                && matches!(ws.lent[i as usize].timing, Timing::Run(..))
                && ws.lent[i as usize].class != VeinClass::Hydration
                && !ctx.on(R::ConcurrentNotOneBag);
            if j != i && !apart && kind(ws, j).map(lane) == way && ws.lent[j as usize].timing != Timing::Nothing {
                ws.union(i, j);
            }
        }
        if ws.lent[i as usize].mixed && !ctx.on(R::ConcurrentNotOneBag) {
            ws.lent[i as usize].identity = ctx.case.rows[i as usize].ingredient;
        }
    }
}

/// When a row ran. The code of a drug into an artery takes no minutes, and its infusion is one all the same.
fn ran(standing: Standing, lent: &Lent) -> Option<Span> {
    let infused = matches!(lent.method, Some(Method::Infusion | Method::Pump));
    match lent.timing {
        Timing::Run(start, stop) => Some((start, stop)),
        Timing::Push(start, Some(stop)) if standing == Standing::Live(Kind::Artery) && infused && start < stop => {
            Some((start, stop))
        }
        _ => None,
    }
}

/// Runs of one drug that overlap or follow without a gap.
fn join_runs<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let case = ctx.case;
    let key = |ws: &Workspace, i: Ix| {
        let l = &ws.lent[i as usize];
        let (start, stop) = ran(ws.standing[i as usize], l)?;
        // A pump that the patient leaves with is a service of its own beside what is given on the spot.
        let leaves = crate::times::long_pump(ctx, ws, i, l);
        let of = (kind(ws, i).map_or(9, lane), case.rows[i as usize].visit, l.site, l.identity, leaves);
        Some((of, start, stop, i))
    };
    let mut order = std::mem::take(&mut ws.order);
    keep(&mut order, ws.sorted.iter().copied(), |i| {
        let lent = &ws.lent[i as usize];
        ran(ws.standing[i as usize], lent).is_some()
            & (ws.standing[i as usize].bit() & (infused() | Kind::Artery.bit()) != 0)
            & (lent.class != VeinClass::Hydration)
    });
    // Mostly no two runs are of one drug: a bit for each sees it without sorting.
    let (mut bits, mut twice) = (0u64, false);
    for &i in &order {
        let bit = 1 << (ws.lent[i as usize].identity % 64);
        twice |= bits & bit != 0;
        bits |= bit;
    }
    if !twice {
        order.clear();
    }
    order.sort_unstable_by_key(|&i| key(ws, i));
    let mut last: Option<(Ix, i64)> = None;
    for w in 0..order.len() {
        let i = order[w];
        let (Some(k), prev) = (key(ws, i), last) else { continue };
        let same = w > 0 && key(ws, order[w - 1]).is_some_and(|p| p.0 == k.0);
        if let (true, Some((p, ends))) = (same, prev)
            && k.1 < ends
            && ctx.on(R::ConcurrentSameDrug)
            && ws.union(p, i)
        {
            rec.cite(p, R::ConcurrentSameDrug, Fact::Other(i));
            rec.cite(i, R::ConcurrentSameDrug, Fact::Other(p));
        }
        last = match last {
            Some((p, ends)) if same && ends >= k.2 => Some((p, ends)),
            _ => Some((i, k.2)),
        };
    }
    if follows(ws, &order) {
        join_following(ctx, ws, rec, &order, key);
    }
    ws.order = order;
}

/// May one of the rows begin when another ends? Of many rows it is not asked.
fn follows(ws: &Workspace, rows: &[Ix]) -> bool {
    let span = |i: Ix| ran(ws.standing[i as usize], &ws.lent[i as usize]);
    rows.len() > 16
        || rows
            .iter()
            .filter_map(|&i| span(i))
            .any(|(start, _)| rows.iter().any(|&p| span(p).is_some_and(|s| s.1 == start)))
}

/// Runs of one drug that follow without a gap.
fn join_following<T: Recorder, K: Ord>(
    ctx: &Ctx,
    ws: &mut Workspace,
    rec: &mut T,
    order: &[Ix],
    key: impl Fn(&Workspace, Ix) -> Option<(K, i64, i64, Ix)>,
) {
    let case = ctx.case;
    // Those that ended when this one began: of several, one whose order is not another.
    let mut ended = std::mem::take(&mut ws.seq);
    ended.clear();
    ended.extend_from_slice(order);
    let end = |ws: &Workspace, i: Ix| key(ws, i).map(|k| (k.0, k.2));
    ended.sort_unstable_by_key(|&i| (end(ws, i), i));
    for &i in order {
        let began = key(ws, i).map(|k| (k.0, k.1));
        let from = ended.partition_point(|&p| end(ws, p) < began);
        let to = ended.partition_point(|&p| end(ws, p) <= began);
        let order_of = |row: Ix| case.rows[row as usize].order;
        let before = ended[from..to].iter().copied().find(|&p| !orders_differ(order_of(p), order_of(i)));
        let Some(p) = before else { continue };
        let (a, b) = (&case.rows[p as usize], &case.rows[i as usize]);
        let rates = a.rate.is_some() && b.rate.is_some() && a.rate != b.rate;
        let rule = if rates { R::TitrationRateChange } else { R::BagChangeContinuous };
        if ctx.on(rule) && ws.union(p, i) {
            rec.cite(p, rule, Fact::Other(i));
            rec.cite(i, rule, Fact::Other(p));
        }
    }
    ws.seq = ended;
}

fn make_items<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T) {
    let case = ctx.case;
    // Chains in input order; the lead has the least index.
    if ws.holds.joined {
        ws.seq.clear();
        ws.seq.resize(case.rows.len(), NONE);
        for k in 0..ws.sorted.len() {
            let i = ws.sorted[k];
            let root = ws.find(i);
            let tail = ws.seq[root as usize];
            if tail != NONE {
                ws.next[tail as usize] = i;
            }
            ws.seq[root as usize] = i;
        }
    }
    for k in 0..ws.sorted.len() {
        let i = ws.sorted[k];
        if ws.root[i as usize] == i && ws.standing[i as usize].bit() & infused() != 0 {
            item(ctx, ws, rec, i);
        }
    }
}

/// Appends the minutes of a row without its pauses; says whether there were any.
fn piece(ctx: &Ctx, ws: &mut Workspace, row: Ix, (start, stop): Span) -> bool {
    let bag = ws.lent[row as usize].bag;
    let pauses = ctx.case.rows[row as usize].pauses;
    if bag.0 == bag.1 && pauses.0 == pauses.1 {
        if start < stop {
            ws.pieces.push((start, stop));
        }
        return false;
    }
    crate::times::pauses(ctx, ws, row);
    cut((start, stop), &mut ws.scratch, &mut ws.pieces);
    ws.scratch.iter().any(|p| p.1 > start && p.0 < stop)
}

fn item<T: Recorder>(ctx: &Ctx, ws: &mut Workspace, rec: &mut T, head: Ix) {
    let case = ctx.case;
    let Lent { class: head_class, identity, site, .. } = ws.lent[head as usize];
    let mut run = false;
    let (mut start, mut stop) = (i64::MAX, i64::MIN);
    let mut untimed = true;
    let mut class = head_class;
    let mut planned = None;
    let mut pump_start = false;
    let mut aborted_by_hand = false;
    let from = ws.pieces.len();
    let mut row = head;
    let mut has_run = false;
    while row != NONE {
        has_run |= matches!(ws.lent[row as usize].timing, Timing::Run(..));
        row = ws.next[row as usize];
    }
    row = head;
    let (mut last, mut paused) = (None, false);
    while row != NONE {
        let l = &ws.lent[row as usize];
        let bag = l.bag;
        class = class.min(l.class);
        planned = planned.max(l.planned);
        pump_start |= case.rows[row as usize].pump.is_some_and(|p| p.event.is_none_or(|e| e == PumpEvent::Start))
            || l.method == Some(Method::Pump);
        match l.timing {
            Timing::Run(a, b) => {
                run = true;
                untimed = false;
                start = start.min(a);
                stop = stop.max(b);
                // Bag mates have their pauses in common; those with the same times add no minutes either.
                if bag.0 == bag.1 || last != Some((bag, a, b)) {
                    paused = piece(ctx, ws, row, (a, b));
                    last = Some((bag, a, b));
                }
                if paused {
                    rec.cite(row, R::PauseAndRestart, Fact::None);
                }
            }
            Timing::Push(a, b) if !has_run => {
                untimed = false;
                start = start.min(a);
                stop = stop.max(b.unwrap_or(a));
            }
            _ => {}
        }
        row = ws.next[row as usize];
    }
    merge(&mut ws.pieces, from);
    let minutes = total(&ws.pieces[from..]);
    let net = (from as u32, ws.pieces.len() as u32);
    let day = if untimed { case.rows[head as usize].day } else { case.clock.day(start) };
    if untimed {
        start = case.clock.midnight(day);
        stop = start;
    }
    let mut made = Item {
        run,
        lane: kind(ws, head).unwrap_or(Kind::Vein),
        class,
        identity,
        visit: case.rows[head as usize].visit,
        site,
        group: 0,
        start,
        stop,
        untimed,
        day,
        minutes,
        net,
        left: net,
        left_minutes: minutes,
        first_row: head,
        placing: Placing::Unplaced,
        position: 0,
        aborted: false,
        long_pump: false,
        done: false,
    };
    let ix = ws.items.len() as u32;
    if made.lane == Kind::Vein {
        let drug = class != VeinClass::Hydration;
        ws.holds.fluids |= !drug;
        ws.holds.runs |= drug && run;
    }
    if run && minutes == 0 {
        ws.items.push(made);
        ws.item_out(rec, ix, R::PauseAndRestart, Fact::None);
        return;
    }
    let pump_minutes = planned.map_or(if run { minutes } else { 0 }, i64::from);
    if pump_start && class != VeinClass::Hydration && pump_minutes > ctx.policy.prolonged_pump_minutes {
        made.long_pump = true;
        ws.holds.long_pumps = true;
    }
    if run && class != VeinClass::Hydration && minutes <= ctx.policy.push_max_minutes && !made.long_pump {
        let stopped_early =
            planned.is_some_and(|p| i64::from(p) > minutes && i64::from(p) > ctx.policy.push_max_minutes);
        if stopped_early {
            rec.consult(Switch::AbortedInfusion);
            aborted_by_hand = ctx.policy.aborted_infusion != AbortedInfusion::Elapsed && ctx.on(R::AbortedInfusion);
        }
        if aborted_by_hand {
            made.aborted = true;
        } else if ctx.on(R::ShortInfusionIsPush) {
            made.run = false;
        }
        ws.items.push(made);
        if stopped_early {
            ws.item_cite(rec, ix, R::AbortedInfusion, Fact::Minutes(minutes));
        }
        if !made.run {
            ws.item_cite(rec, ix, R::ShortInfusionIsPush, Fact::Minutes(minutes));
            if T::PROOF {
                rec.block(
                    head,
                    if class == VeinClass::Chemo { crate::code::Code::N96413 } else { crate::code::Code::N96365 },
                    R::ShortInfusionIsPush,
                    Fact::Minutes(minutes),
                );
            }
        }
    } else {
        ws.items.push(made);
    }
    ws.holds.pushes |= !ws.items[ix as usize].run;
    rec.consult(Switch::MidnightInitial);
    let anew = match ctx.policy.midnight_initial {
        MidnightInitial::Cpt2012 => ctx.on(R::MidnightCptHistory),
        MidnightInitial::CmsOne => !ctx.on(R::MidnightCms) || (ctx.facility() && !ctx.on(R::ObsIsOneEncounter)),
    };
    if anew {
        ws.items[ix as usize].group = day.0;
    }
}
