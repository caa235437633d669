//! The proof of a coded case: which administrations stand in each line and by which rules, what earned nothing, and
//! the fate of every minute. Read from what the steps left behind; nothing is decided here.

use std::collections::BinaryHeap;

use crate::case::{Case, Ix, NONE};
use crate::code::Code;
use crate::coding::Fate;
use crate::minutes::{Span, cut, merge};
use crate::policy::{Policy, SubtractPushFromHydration};
use crate::record::{Fact, Proof};
use crate::rule::{Grade, RuleId};
use crate::time::Minute;
use crate::work::{Item, Kind, LineUnits, Placing, Timing, VeinClass, Workspace};

/// A line and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedLine {
    /// The line.
    pub line: LineUnits,
    /// Administrations that stand in it, in input order.
    pub rows: Vec<Ix>,
    /// The rule that earned it first, then the others that had a part.
    pub rules: Vec<RuleId>,
    /// What was measured: administration, rule and fact.
    pub facts: Vec<(Ix, RuleId, Fact)>,
    /// Minutes counted for it, if they decide about its code.
    pub minutes: Option<i64>,
    /// It is the initial service of its site.
    pub initial: bool,
}

impl ProvedLine {
    /// Grade of the weakest rule.
    #[must_use]
    pub fn confidence(&self) -> Grade {
        self.rules.iter().map(|r| r.page().grade).max().unwrap_or(Grade::K)
    }
}

/// An administration that stands in no line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedRow {
    /// The administration.
    pub row: Ix,
    /// The rule that decided, then the others that had a part.
    pub rules: Vec<RuleId>,
    /// What was measured by the deciding rule.
    pub fact: Fact,
}

/// Why minutes have the fate that they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The code that they count for.
    Code(Code),
    /// The administration that has them.
    Row(Ix),
    /// The rule that excludes them.
    Rule(RuleId),
    /// A pause.
    Pause,
}

impl By {
    /// The fate that goes with it.
    #[must_use]
    pub fn fate(self) -> Fate {
        match self {
            By::Code(_) => Fate::Counted,
            By::Row(_) => Fate::Overlapped,
            By::Rule(_) => Fate::Excluded,
            By::Pause => Fate::Paused,
        }
    }
}

/// The fate of the minutes of one administration: half-open spans without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedMinutes {
    /// The administration.
    pub row: Ix,
    /// Spans from its start to the stop used.
    pub spans: Vec<(Minute, Minute, By)>,
}

/// The proof of a coded case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proved {
    /// In the order of the lines.
    pub lines: Vec<ProvedLine>,
    /// In input order.
    pub unreported: Vec<ProvedRow>,
    /// In input order.
    pub minutes: Vec<ProvedMinutes>,
}

/// Reads the proof out of the workspace and the recorder of the same run.
#[must_use]
pub fn prove(case: &Case, policy: &Policy, ws: &Workspace, rec: &Proof) -> Proved {
    let told = Told::new(case, ws, rec);
    let minutes: Vec<_> = Fates::new(case, policy, ws, &told).all();
    let lines = lines(ws, rec, &told, &minutes);
    let unreported = (0..case.rows.len() as u32)
        .filter(|&i| told.code[i as usize].is_none())
        .map(|row| {
            let (first, fact) = told.out[row as usize].unwrap_or((RuleId::Unlisted, Fact::None));
            let mut rules = vec![first];
            push_rules(&mut rules, told.cited(rec, row));
            ProvedRow { row, rules, fact }
        })
        .collect();
    Proved { lines, unreported, minutes }
}

/// What was told, by row.
struct Told {
    /// First code that a row stands in.
    code: Vec<Option<Code>>,
    /// What decided that it earns nothing.
    out: Vec<Option<(RuleId, Fact)>>,
    /// Positions in `rec.cited`, sorted by row.
    by_row: Vec<(Ix, u32)>,
}

impl Told {
    fn new(case: &Case, ws: &Workspace, rec: &Proof) -> Self {
        let mut code = vec![None; case.rows.len()];
        for e in &ws.earned {
            for row in ws.chain(e.head) {
                code[row as usize].get_or_insert(e.code);
            }
        }
        let mut out = vec![None; case.rows.len()];
        for &(row, rule, fact) in &rec.outs {
            out[row as usize] = Some((rule, fact));
        }
        let mut by_row: Vec<_> = rec.cited.iter().enumerate().map(|(n, c)| (c.0, n as u32)).collect();
        by_row.sort_unstable();
        // A row may lose its line after the steps: the last rule told of it decided.
        for told in by_row.chunk_by(|a, b| a.0 == b.0) {
            let (row, last) = told[told.len() - 1];
            if code[row as usize].is_none() {
                let c = rec.cited[last as usize];
                out[row as usize].get_or_insert((c.1, c.2));
            }
        }
        Told { code, out, by_row }
    }

    fn cited<'a>(&'a self, rec: &'a Proof, row: Ix) -> impl Iterator<Item = (Ix, RuleId, Fact)> + 'a {
        let from = self.by_row.partition_point(|b| b.0 < row);
        self.by_row[from..].iter().take_while(move |b| b.0 == row).map(|b| rec.cited[b.1 as usize])
    }
}

fn push_rules(rules: &mut Vec<RuleId>, told: impl Iterator<Item = (Ix, RuleId, Fact)>) {
    for (_, rule, _) in told {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
}

fn lines(ws: &Workspace, rec: &Proof, told: &Told, minutes: &[ProvedMinutes]) -> Vec<ProvedLine> {
    let key = |l: &LineUnits| (l.code, l.day, l.distinct, l.other);
    let mut places: Vec<_> = ws.lines.iter().enumerate().map(|(n, l)| (key(l), n)).collect();
    places.sort_unstable();
    let mut proved: Vec<_> = ws
        .lines
        .iter()
        .map(|l| ProvedLine {
            line: *l,
            rows: Vec::new(),
            rules: Vec::new(),
            facts: Vec::new(),
            minutes: None,
            initial: l.initial,
        })
        .collect();
    for e in &ws.earned {
        let wanted = (e.code, e.day, e.distinct, e.other);
        // Rows that only stand in a line which nothing made stand nowhere.
        let Ok(at) = places.binary_search_by(|p| p.0.cmp(&wanted)) else { continue };
        let line = &mut proved[places[at].1];
        if !line.rules.contains(&e.rule) {
            line.rules.push(e.rule);
        }
        line.rows.extend(ws.chain(e.head));
    }
    for line in &mut proved {
        line.rows.sort_unstable();
        line.rows.dedup();
        for &row in &line.rows {
            push_rules(&mut line.rules, told.cited(rec, row));
            line.facts.extend(told.cited(rec, row).filter(|c| c.2 != Fact::None));
        }
        let counted = |row: Ix| minutes.binary_search_by_key(&row, |m| m.row).ok().map(|k| &minutes[k]);
        // Bag mates carry the same minutes, which ran once.
        let mut bags: Vec<(u32, &[Layer])> = Vec::new();
        let mut sum = 0;
        for &row in &line.rows {
            let Some(spans) = counted(row).map(|m| m.spans.as_slice()) else { continue };
            let bag = ws.lent[row as usize].bag;
            if bag.0 < bag.1 {
                if bags.contains(&(bag.0, spans)) {
                    continue;
                }
                bags.push((bag.0, spans));
            }
            sum += spans.iter().filter(|s| matches!(s.2, By::Code(_))).map(|s| s.1 - s.0).sum::<i64>();
        }
        line.minutes = (sum > 0 && line.line.code.by_minutes()).then_some(sum);
    }
    proved
}

/// Paints the minutes of each row.
struct Fates<'a> {
    case: &'a Case,
    policy: &'a Policy,
    ws: &'a Workspace,
    told: &'a Told,
    /// Item of each row.
    item: Vec<u32>,
    /// Items of the vein by visit and site, runs in the order of placing.
    by_site: Vec<(u32, u32, u32, u32)>,
    /// Kept hydration minutes of each item.
    fluid: Vec<u32>,
    /// Of each item of several rows that ran, the minutes of each row; see [`shares`].
    shares: Vec<(Minute, Minute, Ix)>,
    /// Range in `shares` of each item; empty where one row ran alone.
    share: Vec<(u32, u32)>,
}

/// A layer of paint: later layers cover earlier ones.
type Layer = (Minute, Minute, By);

impl<'a> Fates<'a> {
    fn new(case: &'a Case, policy: &'a Policy, ws: &'a Workspace, told: &'a Told) -> Self {
        let mut item = vec![NONE; case.rows.len()];
        let mut by_site = Vec::new();
        for (n, i) in ws.items.iter().enumerate() {
            for row in ws.chain(i.first_row) {
                item[row as usize] = n as u32;
            }
            if i.lane == Kind::Vein {
                by_site.push((i.visit, i.site, i.position, n as u32));
            }
        }
        by_site.sort_unstable();
        let (mut shares, mut share) = (Vec::new(), vec![(0, 0); ws.items.len()]);
        for (n, i) in ws.items.iter().enumerate() {
            if i.run && ws.chain(i.first_row).nth(1).is_some() {
                let from = shares.len() as u32;
                share_out(case, ws, i, &mut shares);
                share[n] = (from, shares.len() as u32);
            }
        }
        let mut fluid = vec![NONE; ws.items.len()];
        for (k, f) in ws.fluids.iter().enumerate() {
            for n in f.items.0..f.items.1 {
                fluid[ws.fluid_items[n as usize] as usize] = k as u32;
            }
        }
        Fates { case, policy, ws, told, item, by_site, fluid, shares, share }
    }

    fn all(&self) -> Vec<ProvedMinutes> {
        let mut layers = Vec::new();
        let mut found = Vec::new();
        for row in 0..self.case.rows.len() as u32 {
            let Some((start, stop)) = self.span(row) else { continue };
            layers.clear();
            self.paint(row, (start, stop), &mut layers);
            found.push(ProvedMinutes { row, spans: flatten(start, stop, &layers) });
        }
        found
    }

    /// From the charted start to the stop used; the bag's where the row shares one.
    fn span(&self, row: Ix) -> Option<Span> {
        let lent = self.ws.lent.get(row as usize)?;
        let mut found = self.own(row);
        let item = self.item[row as usize];
        for m in lent.bag.0..lent.bag.1 {
            let mate = self.ws.bag_rows[m as usize].2;
            if item != NONE && self.item[mate as usize] == item {
                found = match (found, self.own(mate)) {
                    (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
                    (a, b) => a.or(b),
                };
            }
        }
        found
    }

    /// From the row's own start to the stop used.
    fn own(&self, row: Ix) -> Option<Span> {
        let l = &self.ws.lent[row as usize];
        let (start, stop) = match l.timing {
            Timing::Run(a, b) => (l.start.unwrap_or(a).min(a), l.stop.unwrap_or(b).max(b)),
            _ => (l.start?, l.stop?),
        };
        (stop > start).then_some((start, stop))
    }

    /// Lays the paint of one row, weakest first.
    fn paint(&self, row: Ix, span: Span, layers: &mut Vec<Layer>) {
        let item = self.item[row as usize];
        let base = match self.told.code[row as usize] {
            Some(_) if item != NONE && self.ws.items[item as usize].class == VeinClass::Hydration => {
                By::Rule(self.hydration_rest(item))
            }
            Some(_) if item != NONE && self.is_concurrent(item) => By::Rule(RuleId::ConcurrentDefinition),
            // Between the bags of one infusate nothing ran.
            Some(_) if item != NONE && self.is_timed(item) => By::Rule(RuleId::TimeIsActualRunTime),
            Some(code) => By::Code(code),
            None => By::Rule(self.told.out[row as usize].map_or(RuleId::Unlisted, |o| o.0)),
        };
        layers.push((span.0, span.1, base));
        if item != NONE {
            self.paint_item(row, item, span, layers);
        }
        self.paint_pauses(row, layers);
        self.paint_stay(span, layers);
    }

    fn is_concurrent(&self, item: u32) -> bool {
        matches!(self.ws.items[item as usize].placing, Placing::Concurrent | Placing::ConcurrentReported)
    }

    /// Do its own minutes, and no others, count for its code?
    fn is_timed(&self, item: u32) -> bool {
        let item = &self.ws.items[item as usize];
        item.run && !item.long_pump && (item.lane != Kind::Vein || item.placing == Placing::Timed)
    }

    /// Why the minutes of a reported fluid that no line counts are not counted.
    fn hydration_rest(&self, item: u32) -> RuleId {
        match self.fluid[item as usize] {
            NONE => RuleId::UnitHydration,
            f if self.ws.fluids[f as usize].per_interval => RuleId::HydrationSumming,
            _ => RuleId::HydrationNoOverlap,
        }
    }

    fn paint_item(&self, row: Ix, n: u32, span: Span, layers: &mut Vec<Layer>) {
        let ws = self.ws;
        let item = &ws.items[n as usize];
        match item.lane {
            Kind::Vein if item.class == VeinClass::Hydration => self.paint_fluid(row, n, span, layers),
            Kind::Vein if item.run && item.placing != Placing::Unplaced => {
                // Of several that hold a minute the one placed first has it.
                for other in self.site(item).rev() {
                    let o = &ws.items[other as usize];
                    let before = o.run && o.placing == Placing::Timed && o.position < item.position;
                    if !before || o.start >= span.1 || o.stop <= span.0 {
                        continue;
                    }
                    self.paint_run(other, layers);
                }
                if let (Some(code), Placing::Timed) = (self.told.code[row as usize], item.placing) {
                    for &(a, b) in ws.span(item.left) {
                        layers.push((a, b, By::Code(code)));
                    }
                    self.paint_mates(row, n, ws.span(item.left), layers);
                }
            }
            Kind::UnderSkin | Kind::ArteryChemo if item.run => {
                if let (Some(code), true) = (self.told.code[row as usize], self.is_timed(n)) {
                    layers.extend(ws.span(item.net).iter().map(|&(a, b)| (a, b, By::Code(code))));
                    self.paint_mates(row, n, ws.span(item.net), layers);
                }
                for (k, o) in ws.items.iter().enumerate() {
                    let same = o.lane == item.lane
                        && o.run
                        && !o.done
                        && o.visit == item.visit
                        && (item.lane == Kind::UnderSkin || o.identity == item.identity);
                    if same && (o.start, k) < (item.start, n as usize) {
                        self.paint_run(k as u32, layers);
                    }
                }
            }
            _ => {}
        }
    }

    /// The minutes of a run, each for the row that has it.
    fn paint_run(&self, n: u32, layers: &mut Vec<Layer>) {
        let run = &self.ws.items[n as usize];
        let (from, to) = self.share[n as usize];
        if from == to {
            layers.extend(self.ws.span(run.net).iter().map(|&(a, b)| (a, b, By::Row(run.first_row))));
        }
        layers.extend(self.shares[from as usize..to as usize].iter().map(|&(a, b, row)| (a, b, By::Row(row))));
    }

    /// Of the minutes that count for an item those that another of its rows has; bag mates have theirs in common.
    fn paint_mates(&self, row: Ix, n: u32, counted: &[Span], layers: &mut Vec<Layer>) {
        let (from, to) = self.share[n as usize];
        let shares = &self.shares[from as usize..to as usize];
        let bag = self.ws.lent[row as usize].bag;
        let others = |mate: Ix| mate != row && (bag.0 == bag.1 || self.ws.lent[mate as usize].bag != bag);
        let mut at = 0;
        for span in counted {
            at += shares[at..].partition_point(|s| s.1 <= span.0);
            let within = shares[at..].iter().take_while(|s| s.0 < span.1).filter(|s| others(s.2));
            layers.extend(within.map(|&(a, b, mate)| (a.max(span.0), b.min(span.1), By::Row(mate))));
        }
    }

    fn paint_fluid(&self, row: Ix, n: u32, span: Span, layers: &mut Vec<Layer>) {
        let ws = self.ws;
        let item = &ws.items[n as usize];
        if let (Some(code), false, f) = (self.told.code[row as usize], item.done, self.fluid[n as usize])
            && f != NONE
        {
            let fluid = ws.fluids[f as usize];
            for &(a, b) in ws.span(fluid.pieces) {
                layers.push((a, b, By::Code(code)));
            }
            for k in fluid.items.0..fluid.items.1 {
                let other = ws.fluid_items[k as usize];
                if other == n {
                    break;
                }
                self.paint_run(other, layers);
            }
        }
        let pushes = self.policy.subtract_push_from_hydration == SubtractPushFromHydration::Yes;
        for other in self.site(item).rev() {
            let o = &ws.items[other as usize];
            if o.class == VeinClass::Hydration || o.untimed || o.start >= span.1 || o.stop <= span.0 {
                continue;
            }
            let timed = o.run && o.minutes > self.policy.push_max_minutes;
            if o.long_pump || (!timed && pushes) {
                layers.push((o.start, o.stop, By::Row(o.first_row)));
            } else if timed {
                self.paint_run(other, layers);
            }
        }
    }

    /// Items of the vein at the site of an item, in the order of placing.
    fn site(&self, item: &Item) -> impl DoubleEndedIterator<Item = u32> + '_ {
        let key = (item.visit, item.site);
        let from = self.by_site.partition_point(|s| (s.0, s.1) < key);
        let to = self.by_site.partition_point(|s| (s.0, s.1) <= key);
        self.by_site[from..to].iter().map(|s| s.3)
    }

    fn paint_pauses(&self, row: Ix, layers: &mut Vec<Layer>) {
        let mut pauses = Vec::new();
        pauses_of(self.case, self.ws, row, &mut pauses);
        layers.extend(pauses.iter().map(|p| (p.0, p.1, By::Pause)));
        let (lo, hi) = self.ws.lent[row as usize].bag;
        let mates = (lo..hi).map(|m| self.ws.bag_rows[m as usize].2);
        let mut ran: Vec<Span> =
            mates.filter(|&m| self.item[m as usize] == self.item[row as usize]).filter_map(|m| self.own(m)).collect();
        // Between two stretches of one bag nothing ran.
        merge(&mut ran, 0);
        layers.extend(ran.windows(2).map(|pair| (pair[0].1, pair[1].0, By::Pause)));
    }

    /// What lies outside the stay.
    fn paint_stay(&self, span: Span, layers: &mut Vec<Layer>) {
        if let Some(left) = self.case.departure {
            layers.push((left, span.1, By::Rule(RuleId::TimeIsActualRunTime)));
        }
        if let Some(admitted) = self.case.inpatient_order {
            layers.push((admitted, span.1, By::Rule(RuleId::InpatientExcluded)));
        }
        if let Some(came) = self.case.arrival {
            layers.push((span.0, came, By::Rule(RuleId::InfusionInProgressOnArrival)));
        }
    }
}

/// Gives each minute in which a run of several rows ran to one of them: to the row that then runs longest, until it
/// stops. So the parts are few, and the order of the rows only breaks ties.
fn share_out(case: &Case, ws: &Workspace, run: &Item, shares: &mut Vec<(Minute, Minute, Ix)>) {
    let mut pieces: Vec<(Minute, Ix, Minute)> = Vec::new();
    let (mut pauses, mut left) = (Vec::new(), Vec::new());
    for row in ws.chain(run.first_row) {
        let Timing::Run(start, stop) = ws.lent[row as usize].timing else { continue };
        pauses.clear();
        pauses_of(case, ws, row, &mut pauses);
        left.clear();
        cut((start, stop), &mut pauses, &mut left);
        pieces.extend(left.iter().map(|&(from, to)| (from, row, to)));
    }
    pieces.sort_unstable();
    let (mut at, mut next) = (Minute::MIN, 0);
    let mut longest: Option<(Minute, Ix, Minute)> = None;
    loop {
        while let Some(&piece) = pieces.get(next).filter(|p| p.0 <= at) {
            longest = longest.filter(|l| l.2 >= piece.2).or(Some(piece));
            next += 1;
        }
        match longest.filter(|l| l.2 > at) {
            Some((_, row, stop)) => {
                shares.push((at, stop, row));
                at = stop;
            }
            None => match pieces.get(next) {
                Some(piece) => at = piece.0,
                None => return,
            },
        }
    }
}

/// The pauses of a row: its own, or those of its bag.
fn pauses_of(case: &Case, ws: &Workspace, row: Ix, pauses: &mut Vec<Span>) {
    let mut add = |i: Ix| {
        let (a, b) = case.rows[i as usize].pauses;
        pauses.extend_from_slice(&case.pauses[a as usize..b as usize]);
    };
    let (lo, hi) = ws.lent[row as usize].bag;
    if lo == hi {
        add(row);
    }
    for m in lo..hi {
        add(ws.bag_rows[m as usize].2);
    }
}

/// The topmost paint of each minute between `start` and `stop`, without gaps.
fn flatten(start: Minute, stop: Minute, layers: &[Layer]) -> Vec<Layer> {
    let mut edges: Vec<Minute> =
        layers.iter().flat_map(|l| [l.0, l.1]).filter(|e| (start..=stop).contains(e)).chain([start, stop]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut begins: Vec<(Minute, usize)> = layers.iter().enumerate().map(|(n, l)| (l.0, n)).collect();
    begins.sort_unstable();
    let mut begins = begins.into_iter().peekable();
    let mut lies: BinaryHeap<usize> = BinaryHeap::new();
    let mut spans: Vec<Layer> = Vec::new();
    for pair in edges.windows(2) {
        while let Some((_, n)) = begins.next_if(|b| b.0 <= pair[0]) {
            lies.push(n);
        }
        while lies.peek().is_some_and(|&n| layers[n].1 <= pair[0]) {
            lies.pop();
        }
        let Some(&top) = lies.peek() else { continue };
        match spans.last_mut() {
            Some(last) if last.2 == layers[top].2 => last.1 = pair[1],
            _ => spans.push((pair[0], pair[1], layers[top].2)),
        }
    }
    spans
}
