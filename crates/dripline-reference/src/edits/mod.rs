//! What the payers' edit tables say of a coded claim: findings and suggestions, never a change.
//!
//! Pair edits, unit edits and add-on parents come from the [store](crate::tables::Store)'s tables of the quarter. Where
//! the quarter's table is not stored, a finding says once that it was not checked; add-on parents then come from a
//! small [built-in](built_in) set with its date. The rest needs no table: codes of another setting, codes that stand
//! only alone, visits, drugs without an administration.
//!
//! A pair is in force when the quarter's table holds it and it is neither later nor deleted on the date of service.
//! Practitioners and hospitals have tables of their own. A modifier that would open a pair is suggested only with the
//! fact in the chart that supports it.

mod add_on;
mod built_in;
mod fact;
mod pairs;
mod setting;
mod units;

use std::collections::{BTreeMap, BTreeSet};

use dripline::case::{Ix, ServiceKind};
use dripline::chart::{Chart, Setting};
use dripline::coding::{Assumption, DrugLine, Edit, EditKind, ServiceLine, ServiceVerdict, ShortLine};
use dripline::policy::Policy;
use dripline::proof::Proved;
use dripline::rule::RuleId as R;
use dripline::{SmolStr, format_smolstr};
use jiff::civil::Date;

pub use built_in::{BuiltIn, built_in};

use crate::resolve::Resolved;
use crate::tables::{Biller, Code, Kind, Quarter};

/// A coded claim.
#[derive(Clone, Copy)]
pub struct Claim<'c> {
    /// As charted.
    pub chart: &'c Chart,
    /// Resolved; holds the tables in force.
    pub resolved: &'c Resolved,
    /// By which switches it was coded.
    pub policy: &'c Policy,
    /// Administration lines.
    pub lines: &'c [ShortLine],
    /// Their proof, in the same order.
    pub proved: &'c Proved,
    /// Other services with their verdicts.
    pub services: &'c [ServiceLine],
    /// Drug lines.
    pub drug_lines: &'c [DrugLine],
}

/// A modifier that a fact in the chart supports, on a line that a pair edit would deny.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Code of the line.
    pub code: SmolStr,
    /// Its date.
    pub date: Date,
    /// The modifier.
    pub modifier: &'static str,
}

impl Addition {
    /// Puts the modifier on the line, where it is the line meant and carries none of its kind.
    pub fn apply(&self, code: &str, date: Date, modifiers: &mut Vec<SmolStr>) {
        if self.code != code || self.date != date || modifiers.iter().any(|m| opens(m)) {
            return;
        }
        // PO and PN stand last.
        let at = modifiers.iter().position(|m| m == "PO" || m == "PN").unwrap_or(modifiers.len());
        modifiers.insert(at, SmolStr::new_static(self.modifier));
    }
}

/// What the edits found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// By kind, date and code.
    pub edits: Vec<Edit>,
    /// Modifiers that the policy may add.
    pub additions: Vec<Addition>,
    /// Which tables of which quarter were looked into.
    pub used: BTreeSet<(Kind, Quarter)>,
    /// What was taken for granted.
    pub assumptions: Vec<Assumption>,
}

/// Runs every edit over a claim.
#[must_use]
pub fn check(claim: &Claim) -> Findings {
    let mut found = Findings::default();
    if claim.resolved.case.inpatient {
        return found;
    }
    let ctx = Ctx::new(claim);
    let mut missing = Missing::default();
    for (date, items) in ctx.dates() {
        pairs::check(&ctx, date, items, &mut found, &mut missing);
    }
    for (date, items) in ctx.dates() {
        units::check(&ctx, date, items, &mut found, &mut missing);
    }
    for (date, items) in ctx.dates() {
        add_on::check(&ctx, date, items, &mut found);
    }
    for (date, items) in ctx.dates() {
        setting::check(&ctx, date, items, &mut found);
    }
    missing.tell(&ctx, &mut found);
    found
}

/// Where a code of the claim comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Line(usize),
    Service(usize),
    Drug(usize),
}

/// One code of the claim.
#[derive(Clone, Copy, Debug)]
struct Item<'c> {
    code: Code,
    text: &'c str,
    units: u64,
    date: Date,
    from: From,
    /// It carries a modifier that opens pair edits.
    open: bool,
    /// A visit whose modifier is a matter of the visit rules.
    visit: bool,
}

struct Ctx<'c> {
    claim: &'c Claim<'c>,
    biller: Biller,
    /// By date, and within it lines, services, drugs.
    items: Vec<Item<'c>>,
}

/// Modifiers that NCCI takes as naming a distinct service. 22, 76 and 77 do not.
const OPENING: [&str; 37] = [
    "24", "25", "27", "57", "58", "59", "78", "79", "91", "E1", "E2", "E3", "E4", "F1", "F2", "F3", "F4", "F5", "F6",
    "F7", "F8", "F9", "FA", "LC", "LD", "LM", "LT", "RC", "RI", "RT", "TA", "XE", "XP", "XS", "XU", "T1", "T2",
];

/// The other toes.
const TOES: [&str; 7] = ["T3", "T4", "T5", "T6", "T7", "T8", "T9"];

fn opens(modifier: &str) -> bool {
    OPENING.iter().chain(&TOES).any(|m| m.eq_ignore_ascii_case(modifier))
}

impl<'c> Ctx<'c> {
    fn new(claim: &'c Claim<'c>) -> Self {
        let case = &claim.resolved.case;
        let mut items = Vec::with_capacity(claim.lines.len() + claim.services.len() + claim.drug_lines.len());
        for (i, l) in claim.lines.iter().enumerate() {
            let Some(code) = Code::parse(&l.code) else { continue };
            let open = l.modifiers.iter().any(|m| opens(m));
            items.push(Item {
                code,
                text: &l.code,
                units: l.units,
                date: l.date.0,
                from: From::Line(i),
                open,
                visit: false,
            });
        }
        for (i, s) in claim.services.iter().enumerate() {
            if s.verdict == ServiceVerdict::Included {
                continue;
            }
            let Some(code) = Code::parse(&s.code) else { continue };
            let charted = &claim.chart.services[i];
            let kind = case.services[i].kind;
            items.push(Item {
                code,
                text: &s.code,
                units: u64::from(charted.units.unwrap_or(1)),
                date: case.services[i].day.date(),
                from: From::Service(i),
                open: charted.modifiers.iter().any(|m| opens(m)),
                visit: matches!(kind, ServiceKind::Visit | ServiceKind::NurseVisit),
            });
        }
        for (i, d) in claim.drug_lines.iter().enumerate() {
            let Some(code) = Code::parse(&d.hcpcs) else { continue };
            let open = d.modifiers.iter().any(|m| opens(m));
            items.push(Item {
                code,
                text: &d.hcpcs,
                units: d.units,
                date: d.date.0,
                from: From::Drug(i),
                open,
                visit: false,
            });
        }
        // Stable: within a date the order of the claim stays.
        items.sort_by_key(|i| i.date);
        let biller = match case.setting {
            Setting::Office => Biller::Practitioner,
            Setting::Facility => Biller::Hospital,
        };
        Ctx { claim, biller, items }
    }

    fn on(&self, rule: R) -> bool {
        #[cfg(feature = "rule-off")]
        return self.claim.resolved.off != Some(rule);
        #[cfg(not(feature = "rule-off"))]
        {
            let _ = rule;
            true
        }
    }

    fn dates(&self) -> impl Iterator<Item = (Date, &[Item<'c>])> {
        self.items.chunk_by(|a, b| a.date == b.date).map(|items| (items[0].date, items))
    }

    /// Administrations that stand in a code of the claim.
    fn rows(&self, from: From) -> &[Ix] {
        match from {
            From::Line(i) => &self.claim.proved.lines[i].rows,
            From::Service(_) | From::Drug(_) => &[],
        }
    }

    fn id(&self, row: Ix) -> &str {
        &self.claim.resolved.ids[row as usize]
    }
}

/// A finding without its details.
fn edit(kind: EditKind, code: &str, rule: R, why: String) -> Edit {
    Edit {
        kind,
        code: code.into(),
        with: None,
        indicator: None,
        table: None,
        suggest: None,
        rules: vec![SmolStr::new_static(rule.as_str())],
        why,
    }
}

/// How a table is named in a finding.
fn table(kind: Kind, quarter: Quarter) -> SmolStr {
    format_smolstr!("{kind} {quarter}")
}

/// Tables that would have been looked into.
#[derive(Default)]
struct Missing<'c> {
    tables: BTreeMap<Kind, (R, BTreeSet<Quarter>, Vec<&'c str>)>,
}

impl<'c> Missing<'c> {
    fn add(&mut self, kind: Kind, rule: R, quarter: Quarter, codes: impl Iterator<Item = &'c str>) {
        let entry = self.tables.entry(kind).or_insert_with(|| (rule, BTreeSet::new(), Vec::new()));
        entry.1.insert(quarter);
        for code in codes {
            if !entry.2.contains(&code) {
                entry.2.push(code);
            }
        }
    }

    /// One finding a table.
    fn tell(self, ctx: &Ctx, found: &mut Findings) {
        for (kind, (rule, quarters, codes)) in self.tables {
            let Some((first, others)) = codes.split_first() else { continue };
            let list = |quarters: &[Quarter]| quarters.iter().map(Quarter::to_string).collect::<Vec<_>>().join(", ");
            let wanted = list(&quarters.into_iter().collect::<Vec<_>>());
            let stored = match ctx.claim.resolved.tables.quarters(kind).as_slice() {
                [] => String::new(),
                stored => format!(" (stored: {})", list(stored)),
            };
            let what = match kind {
                Kind::Mue(_) => "the units were not held against it",
                _ => "the pairs of codes were not held against it",
            };
            found.edits.push(Edit {
                with: (!others.is_empty()).then(|| others.join(", ").into()),
                table: Some(format_smolstr!("{kind} {wanted}")),
                ..edit(
                    EditKind::NotChecked,
                    first,
                    rule,
                    format!("The table of {wanted}, {}, is not loaded{stored}: {what}.", kind.label()),
                )
            });
        }
    }
}
