//! What the steps tell: events as data, kept or dropped by the recorder.

use crate::case::{Ix, NONE};
use crate::code::Code;
use crate::policy::Switch;
use crate::rule::RuleId;
use crate::time::Minute;

/// A measured fact beside a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Nothing beyond the rule itself.
    None,
    /// Minutes that ran.
    Minutes(i64),
    /// Minutes between this row and another.
    Gap {
        /// Minutes.
        minutes: i64,
        /// The other row.
        other: Ix,
    },
    /// Minutes shared with another row, of so many.
    Shared {
        /// Minutes shared.
        minutes: i64,
        /// Minutes of this row.
        of: i64,
        /// The other row.
        other: Ix,
    },
    /// Another row.
    Other(Ix),
    /// A time.
    At(Minute),
    /// A count.
    Count(i64),
}

/// What a question is about; the contract's key that the answer would fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// When it stopped.
    Stop,
    /// When it started.
    Start,
    /// Push or infusion.
    Method,
    /// Why a fluid was given.
    Indication,
    /// How fast it ran.
    Rate,
    /// How much ran.
    Volume,
    /// Someone stayed and gave it by hand.
    Attended,
    /// By which route.
    Route,
    /// For what it was given beside a procedure.
    Purpose,
    /// Whether an electrolyte was for a low value.
    LowValue,
    /// Whether someone counselled.
    Counselling,
    /// How old the patient is.
    Age,
    /// How many lesions.
    Lesions,
    /// How many vaccine components.
    Components,
    /// Which kind of vaccine.
    VaccineKind,
    /// Whose pump.
    PumpOwner,
    /// Which kind of pump.
    PumpKind,
    /// How long a pump was planned to run.
    PlannedMinutes,
    /// What device was flushed.
    AccessKind,
    /// A stop charted after the patient left.
    StopAfterDeparture,
    /// A run of more than a day.
    LongRun,
    /// Times that cannot be.
    Impossible,
    /// What exactly was done, where no code fits.
    Unlisted,
}

/// An assumption of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Assumed {
    /// Office: the initial service was taken by rank.
    InitialByRank,
    /// Two drugs charted in the same minute were given one after the other.
    OneAfterTheOther,
    /// A row without a charted access belongs to this site.
    UnknownSite,
    /// Office injections were supervised.
    Supervised,
    /// The stop was computed from volume and rate.
    ComputedStop,
    /// A fluid without charted rate and volume ran faster than what keeps a vein open.
    NotKeptOpen,
    /// The main reason is hydration and other services follow.
    HydrationInitial,
    /// The same hospital's outpatient services may belong on the inpatient claim.
    InpatientOrder,
}

/// Receives what the steps tell. All levels run the same code; what a level drops costs nothing.
pub trait Recorder {
    /// Rules and facts are kept.
    const RULES: bool;
    /// Everything is kept.
    const PROOF: bool;

    /// A rule had a part in what became of a row.
    fn cite(&mut self, row: Ix, rule: RuleId, fact: Fact) {
        let _ = (row, rule, fact);
    }
    /// A rule decided that a row earns nothing.
    fn out(&mut self, row: Ix, rule: RuleId, fact: Fact) {
        self.cite(row, rule, fact);
    }
    /// A rule kept a row from earning a code.
    fn block(&mut self, row: Ix, code: Code, rule: RuleId, fact: Fact) {
        let _ = (row, code, rule, fact);
    }
    /// Something is missing.
    fn query(&mut self, row: Ix, field: Field, rule: RuleId) {
        let _ = (row, field, rule);
    }
    /// Something was taken for granted.
    fn assume(&mut self, row: Ix, what: Assumed) {
        let _ = (row, what);
    }
    /// A switch could have mattered.
    fn consult(&mut self, switch: Switch) {
        let _ = switch;
    }
}

/// Keeps nothing: lines only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Codes;

impl Recorder for Codes {
    const RULES: bool = false;
    const PROOF: bool = false;
}

/// Keeps the rules of each row.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Row and rule, in the order in which they were told.
    pub cited: Vec<(Ix, RuleId)>,
}

impl Recorder for Rules {
    const RULES: bool = true;
    const PROOF: bool = false;

    fn cite(&mut self, row: Ix, rule: RuleId, _: Fact) {
        self.cited.push((row, rule));
    }
}

/// For each row its last entry, and for each entry the one before it of the same row: a row's own entries are few,
/// those of a long case are many.
#[derive(Clone, Debug, Default)]
struct ByRow {
    last: Vec<u32>,
    before: Vec<u32>,
}

impl ByRow {
    fn clear(&mut self) {
        self.last.clear();
        self.before.clear();
    }

    /// Adds an entry unless the row has the same one.
    fn add<T: PartialEq>(&mut self, row: Ix, entry: T, entries: &mut Vec<T>) {
        let row = row as usize;
        if self.last.len() <= row {
            self.last.resize(row + 1, NONE);
        }
        let mut at = self.last[row];
        while at != NONE {
            if entries[at as usize] == entry {
                return;
            }
            at = self.before[at as usize];
        }
        self.before.push(self.last[row]);
        self.last[row] = entries.len() as u32;
        entries.push(entry);
    }
}

/// Keeps everything.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// Row, rule and fact, in the order in which they were told.
    pub cited: Vec<(Ix, RuleId, Fact)>,
    /// Row, rule and fact of what decided that a row earns nothing; the last one of a row holds.
    pub outs: Vec<(Ix, RuleId, Fact)>,
    /// Row, code, rule and fact of what was kept from a row.
    pub blocked: Vec<(Ix, Code, RuleId, Fact)>,
    /// Row, field and rule of what is missing.
    pub queries: Vec<(Ix, Field, RuleId)>,
    /// What was taken for granted.
    pub assumed: Vec<(Ix, Assumed)>,
    /// Bit set of the switches that could have mattered.
    pub consulted: u64,
    cited_by: ByRow,
    queries_by: ByRow,
    assumed_by: ByRow,
}

impl Proof {
    /// Empties it for the next case.
    pub fn clear(&mut self) {
        self.cited.clear();
        self.outs.clear();
        self.blocked.clear();
        self.queries.clear();
        self.assumed.clear();
        self.consulted = 0;
        self.cited_by.clear();
        self.queries_by.clear();
        self.assumed_by.clear();
    }

    /// Could this switch have mattered?
    #[must_use]
    pub fn has_consulted(&self, switch: Switch) -> bool {
        self.consulted & (1 << switch as u64) != 0
    }
}

impl Recorder for Proof {
    const RULES: bool = true;
    const PROOF: bool = true;

    fn cite(&mut self, row: Ix, rule: RuleId, fact: Fact) {
        self.cited_by.add(row, (row, rule, fact), &mut self.cited);
    }

    fn out(&mut self, row: Ix, rule: RuleId, fact: Fact) {
        self.cite(row, rule, fact);
        self.outs.push((row, rule, fact));
    }

    fn block(&mut self, row: Ix, code: Code, rule: RuleId, fact: Fact) {
        self.blocked.push((row, code, rule, fact));
    }

    fn query(&mut self, row: Ix, field: Field, rule: RuleId) {
        self.queries_by.add(row, (row, field, rule), &mut self.queries);
    }

    fn assume(&mut self, row: Ix, what: Assumed) {
        self.assumed_by.add(row, (row, what), &mut self.assumed);
    }

    fn consult(&mut self, switch: Switch) {
        self.consulted |= 1 << switch as u64;
    }
}
