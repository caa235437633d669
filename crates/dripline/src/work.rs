//! The reused workspace: everything the steps hand on, in vectors that keep their room from case to case.

use crate::case::{Case, Ix, NONE, OrderState, PumpUse};
use crate::chart::{Method, Setting, StopSource};
use crate::code::Code;
use crate::minutes::Span;
use crate::policy::Policy;
use crate::record::{Fact, Recorder};
use crate::rule::RuleId;
use crate::time::{Day, Minute};

/// A modifier that the engine sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Modifier {
    /// None.
    None,
    /// Reduced: stopped early.
    M53,
    /// Distinct service.
    M59,
    /// Separate encounter.
    XE,
    /// Separate structure.
    XS,
    /// Unusual non-overlapping service.
    XU,
}

impl Modifier {
    /// As written on the line; empty for none.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Modifier::None => "",
            Modifier::M53 => "53",
            Modifier::M59 => "59",
            Modifier::XE => "XE",
            Modifier::XS => "XS",
            Modifier::XU => "XU",
        }
    }
}

/// What a case is read with.
#[derive(Clone, Copy, Debug)]
pub struct Ctx<'a> {
    /// The case.
    pub case: &'a Case,
    /// The policy.
    pub policy: &'a Policy,
    /// A rule switched off, to prove that its page's cases depend on it.
    #[cfg(feature = "rule-off")]
    pub off: Option<RuleId>,
}

impl Ctx<'_> {
    /// Is the rule in force? Always, outside the test that switches rules off.
    #[inline(always)]
    pub(crate) fn on(&self, rule: RuleId) -> bool {
        #[cfg(feature = "rule-off")]
        {
            self.off != Some(rule)
        }
        #[cfg(not(feature = "rule-off"))]
        {
            let _ = rule;
            true
        }
    }

    #[inline]
    pub(crate) fn facility(&self) -> bool {
        self.case.setting == Setting::Facility
    }
}

/// How a row is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Vein,
    Injection,
    UnderSkin,
    Artery,
    ArteryChemo,
    Cavity(Code),
    Lesion,
    Vaccine,
    Rsv,
    Blood,
    Own(Code),
    Declot,
    Flush,
    PumpRefill,
    PumpDisconnect,
    OnBody,
    /// A service in scope that no code fits.
    NoCode,
}

impl Kind {
    /// The kind's bit in [`Holds::kinds`].
    pub(crate) fn bit(self) -> u32 {
        1 << match self {
            Kind::Vein => 0,
            Kind::Injection => 1,
            Kind::UnderSkin => 2,
            Kind::Artery => 3,
            Kind::ArteryChemo => 4,
            Kind::Cavity(_) => 5,
            Kind::Lesion => 6,
            Kind::Vaccine => 7,
            Kind::Rsv => 8,
            Kind::Blood => 9,
            Kind::Own(_) => 10,
            Kind::Declot => 11,
            Kind::Flush => 12,
            Kind::PumpRefill => 13,
            Kind::PumpDisconnect => 14,
            Kind::OnBody => 15,
            Kind::NoCode => 16,
        }
    }
}

/// What a case may hold: a step without work is left out. Each is only ever set, so that it may be set for something
/// that a later step took out again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Holds {
    /// Bits of the kinds of rows.
    pub kinds: u32,
    /// Rows that stand together.
    pub joined: bool,
    /// Long infusions by pump.
    pub long_pumps: bool,
    /// Runs of drugs by vein.
    pub runs: bool,
    /// Pushes of drugs by vein.
    pub pushes: bool,
    /// Fluids by vein.
    pub fluids: bool,
    /// Concurrent runs.
    pub concurrent: bool,
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Live(Kind),
    Out,
}

impl Standing {
    /// The kind's bit; none for a row that is out.
    pub(crate) fn bit(self) -> u32 {
        match self {
            Standing::Live(kind) => kind.bit(),
            Standing::Out => 0,
        }
    }
}

/// Class by vein, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum VeinClass {
    Chemo,
    Drug,
    Hydration,
}

/// A row after its bag mates lent it what it did not chart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lent {
    pub method: Option<Method>,
    pub start: Option<Minute>,
    pub stop: Option<Minute>,
    pub stop_source: StopSource,
    pub volume: Option<i64>,
    pub rate: Option<i64>,
    pub attended: Option<bool>,
    pub planned: Option<u32>,
    pub pump: Option<PumpUse>,
    pub class: VeinClass,
    pub identity: u32,
    /// Range of the bag's members in `bag_rows`; empty without a bag.
    pub bag: (u32, u32),
    /// The bag holds drugs of more than one identity.
    pub mixed: bool,
    pub site: u32,
    pub timing: Timing,
}

/// What ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timing {
    /// Nothing provable.
    Nothing,
    /// A push, with its charted stop if there is one.
    Push(Minute, Option<Minute>),
    /// A push of which only the date is known.
    Untimed,
    /// A run.
    Run(Minute, Minute),
}

/// What became of a run when it was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placing {
    Unplaced,
    Timed,
    Concurrent,
    /// Concurrent, and the code that is reported once a visit is its own.
    ConcurrentReported,
}

/// One push or one run: rows joined.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub run: bool,
    pub lane: Kind,
    pub class: VeinClass,
    pub identity: u32,
    pub visit: u32,
    pub site: u32,
    /// Zero, or the start day where a new date may have its own initial service.
    pub group: i32,
    /// First minute; the day's first where only the date is known.
    pub start: Minute,
    /// One past the last minute.
    pub stop: Minute,
    pub untimed: bool,
    pub day: Day,
    pub minutes: i64,
    /// Net minutes in `pieces`.
    pub net: (u32, u32),
    /// Minutes left to this run after overlap, in `pieces`.
    pub left: (u32, u32),
    pub left_minutes: i64,
    pub first_row: Ix,
    pub placing: Placing,
    pub position: u32,
    pub aborted: bool,
    pub long_pump: bool,
    pub done: bool,
}

/// Units earned by an item or by a row alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earned {
    /// The code.
    pub code: Code,
    /// Distinct-service modifier.
    pub distinct: Modifier,
    /// Other modifier.
    pub other: Modifier,
    /// Date.
    pub day: Day,
    /// Units; zero where the minutes only stand in the line.
    pub units: u32,
    /// First row of the chain that stands in the line.
    pub(crate) head: Ix,
    pub(crate) rule: RuleId,
    pub(crate) initial: bool,
}

/// A line: one per code, date and modifier set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineUnits {
    /// Code.
    pub code: Code,
    /// Distinct-service modifier.
    pub distinct: Modifier,
    /// Other modifier.
    pub other: Modifier,
    /// Date.
    pub day: Day,
    /// Units, at least one.
    pub units: u32,
    pub(crate) initial: bool,
}

impl LineUnits {
    /// Same code, date and modifiers?
    #[must_use]
    pub fn same_key(&self, other: &LineUnits) -> bool {
        self.code == other.code && self.day == other.day && self.distinct == other.distinct && self.other == other.other
    }
}

/// Hydration at one site: its minutes after all exclusions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fluid {
    pub pieces: (u32, u32),
    pub hours: i64,
    /// Range in `fluid_items`.
    pub items: (u32, u32),
    pub per_interval: bool,
}

/// What surrounds a fluid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceFlags {
    pub chemo_or_transfusion: bool,
}

/// Everything the steps hand on.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    pub(crate) holds: Holds,
    pub(crate) standing: Vec<Standing>,
    pub(crate) lent: Vec<Lent>,
    pub(crate) bag_rows: Vec<(u32, u32, Ix)>,
    pub(crate) bag_sets: Vec<(u32, u32)>,
    pub(crate) set_pool: Vec<u32>,
    pub(crate) root: Vec<u32>,
    pub(crate) next: Vec<u32>,
    pub(crate) sorted: Vec<Ix>,
    pub(crate) items: Vec<Item>,
    pub(crate) order: Vec<u32>,
    pub(crate) seq: Vec<u32>,
    pub(crate) pieces: Vec<Span>,
    pub(crate) scratch: Vec<Span>,
    pub(crate) scratch2: Vec<Span>,
    /// Runs of one site in the order of placing, each with its first minute and one past its last.
    pub(crate) placed: Vec<(Minute, Minute, u32)>,
    /// Minutes of the timed runs among them.
    pub(crate) timed: Vec<Span>,
    /// First of the rows that stand together with an office visit's main reason, or [`NONE`].
    pub(crate) reason: Ix,
    pub(crate) sites: Vec<crate::initial::Site>,
    pub(crate) fluids: Vec<Fluid>,
    pub(crate) fluid_items: Vec<u32>,
    pub(crate) run_items: Vec<u32>,
    pub(crate) runs: Vec<crate::again::RunGroup>,
    pub(crate) pushes: Vec<crate::again::PushState>,
    pub(crate) days: Vec<(u32, Day)>,
    pub(crate) firsts: Vec<(u32, Minute)>,
    pub(crate) beside: Vec<crate::assign::Beside>,
    pub(crate) visit_days: Vec<(u32, Day)>,
    pub(crate) run_starts: Vec<(crate::assign::RunOf, Minute, Minute)>,
    pub(crate) initials: Vec<((u32, i32, u32), Day)>,
    pub(crate) seen: Vec<(u32, u32, Ix)>,
    /// For each row the first of the rows that name it as their dose, and for each of those the next.
    pub(crate) parts: (Vec<u32>, Vec<u32>),
    /// For each row the first of all parts of its dose, and for each part the next.
    pub(crate) doses: (Vec<u32>, Vec<u32>),
    /// For the first row of each dose the injection that leads it, or [`NONE`] before it is looked for.
    pub(crate) dose_leads: Vec<Ix>,
    /// Units earned, in the order of the steps.
    pub(crate) earned: Vec<Earned>,
    /// The lines, in the contract's order.
    pub lines: Vec<LineUnits>,
    /// What became of each listed service.
    pub services: Vec<crate::services::Verdict>,
}

impl Workspace {
    /// Empties everything and keeps the room.
    pub(crate) fn reset(&mut self, case: &Case) {
        let n = case.rows.len();
        self.holds = Holds::default();
        self.standing.clear();
        self.lent.clear();
        self.bag_rows.clear();
        self.bag_sets.clear();
        self.set_pool.clear();
        self.root.clear();
        self.root.extend(0..n as u32);
        self.next.clear();
        self.next.resize(n, NONE);
        self.sorted.clear();
        self.items.clear();
        self.order.clear();
        self.seq.clear();
        self.pieces.clear();
        self.scratch.clear();
        self.scratch2.clear();
        self.placed.clear();
        self.timed.clear();
        self.reason = NONE;
        self.sites.clear();
        self.fluids.clear();
        self.fluid_items.clear();
        self.run_items.clear();
        self.runs.clear();
        self.pushes.clear();
        self.days.clear();
        self.firsts.clear();
        self.beside.clear();
        self.visit_days.clear();
        self.run_starts.clear();
        self.parts.0.clear();
        self.doses.0.clear();
        if case.rows.iter().any(|r| r.same_dose_as != NONE) {
            self.read_doses(case);
        }
        self.earned.clear();
        self.lines.clear();
        self.services.clear();
    }

    /// Lists the parts of split doses, in input order.
    fn read_doses(&mut self, case: &Case) {
        let n = case.rows.len();
        for list in [&mut self.parts.0, &mut self.parts.1, &mut self.doses.1, &mut self.dose_leads] {
            list.clear();
            list.resize(n, NONE);
        }
        self.doses.0.extend(0..n as u32);
        for i in (0..n).rev() {
            let of = case.rows[i].same_dose_as as usize;
            if of < n {
                self.parts.1[i] = self.parts.0[of];
                self.parts.0[of] = i as u32;
                let (a, b) = (find(&mut self.doses.0, i as u32), find(&mut self.doses.0, of as u32));
                self.doses.0[a.max(b) as usize] = a.min(b);
            }
        }
        for i in (0..n as u32).rev() {
            let first = find(&mut self.doses.0, i);
            if first != i {
                self.doses.1[i as usize] = self.doses.1[first as usize];
                self.doses.1[first as usize] = i;
            }
        }
    }

    /// The rows that name this one as their dose.
    pub(crate) fn parts(&self, row: Ix) -> Chain<'_> {
        Chain { next: &self.parts.1, at: self.parts.0.get(row as usize).copied().unwrap_or(NONE) }
    }

    /// All parts of the row's dose, itself among them; none where the case splits no dose.
    pub(crate) fn dose(&self, row: Ix) -> Chain<'_> {
        Chain { next: &self.doses.1, at: self.first_of_dose(row) }
    }

    /// The first row of the row's dose; [`NONE`] where the case splits no dose.
    pub(crate) fn first_of_dose(&self, row: Ix) -> Ix {
        let mut at = self.doses.0.get(row as usize).copied().unwrap_or(NONE);
        while at != NONE && self.doses.0[at as usize] != at {
            at = self.doses.0[at as usize];
        }
        at
    }

    /// A row earns nothing, by this rule.
    #[inline]
    pub(crate) fn out<R: Recorder>(&mut self, rec: &mut R, row: Ix, rule: RuleId, fact: Fact) {
        self.standing[row as usize] = Standing::Out;
        rec.out(row, rule, fact);
    }

    /// All rows of an item earn nothing, by this rule.
    #[inline(never)]
    pub(crate) fn item_out<R: Recorder>(&mut self, rec: &mut R, item: u32, rule: RuleId, fact: Fact) {
        self.items[item as usize].done = true;
        let mut row = self.items[item as usize].first_row;
        while row != NONE {
            self.out(rec, row, rule, fact);
            row = self.next[row as usize];
        }
    }

    /// A rule had a part in what became of an item.
    #[inline]
    pub(crate) fn item_cite<R: Recorder>(&self, rec: &mut R, item: u32, rule: RuleId, fact: Fact) {
        if !R::RULES {
            return;
        }
        let mut row = self.items[item as usize].first_row;
        while row != NONE {
            rec.cite(row, rule, fact);
            row = self.next[row as usize];
        }
    }

    /// The group in the union of rows.
    pub(crate) fn find(&mut self, row: Ix) -> Ix {
        find(&mut self.root, row)
    }

    /// Joins two rows; the earlier in input order leads.
    pub(crate) fn union(&mut self, a: Ix, b: Ix) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return false;
        }
        let (lead, other) = if a < b { (a, b) } else { (b, a) };
        self.root[other as usize] = lead;
        self.holds.joined = true;
        true
    }

    #[inline]
    pub(crate) fn span(&self, range: (u32, u32)) -> &[Span] {
        &self.pieces[range.0 as usize..range.1 as usize]
    }

    /// The rows that stand together, starting at `head`.
    pub(crate) fn chain(&self, head: Ix) -> Chain<'_> {
        Chain { next: &self.next, at: head }
    }
}

/// Keeps those that pass. Which ones do is hard for a processor to foresee, so there is no branch on it.
#[inline]
pub(crate) fn keep(kept: &mut Vec<u32>, from: impl ExactSizeIterator<Item = u32>, pass: impl Fn(u32) -> bool) {
    kept.clear();
    kept.resize(from.len(), 0);
    let mut n = 0;
    for i in from {
        kept[n] = i;
        n += usize::from(pass(i));
    }
    kept.truncate(n);
}

/// The first of the rows that are joined with this one.
fn find(root: &mut [u32], mut row: Ix) -> Ix {
    while root[row as usize] != row {
        let up = root[root[row as usize] as usize];
        root[row as usize] = up;
        row = up;
    }
    row
}

/// Rows that stand together.
pub(crate) struct Chain<'a> {
    next: &'a [u32],
    at: u32,
}

impl Iterator for Chain<'_> {
    type Item = Ix;

    fn next(&mut self) -> Option<Ix> {
        if self.at == NONE {
            return None;
        }
        let row = self.at;
        self.at = self.next[row as usize];
        Some(row)
    }
}

/// Both orders are stated and differ.
pub(crate) fn orders_differ(a: OrderState, b: OrderState) -> bool {
    matches!((a, b), (OrderState::Id(x), OrderState::Id(y)) if x != y)
}
