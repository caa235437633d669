//! The whole answer to a chart: lines, proof, what is missing, and which other reading would change it.

pub(crate) mod ask;
mod documentation;
mod obstacles;
mod prose;
mod whatif;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dripline::case::{Case, Ix};
use dripline::chart::{Chart, OffCampus, Setting, SwitchValue};
use dripline::coding::{
    Addressee, Alternative, Assumption, Certainty, ChartDate, Coding, Confidence, Line, MinuteSpan, Minutes, Outcome,
    Query, RuleSet, ServiceLine, ServiceVerdict, ShortLine, ShortService, Unreported,
};
use dripline::policy::{NEWEST_RULE_SET, Policy, PtpModifier, Switch};
use dripline::proof::{By, Proved};
use dripline::record::{Assumed, Proof, Recorder};
use dripline::rule::Grade;
#[cfg(feature = "rule-off")]
use dripline::rule::RuleId;
use dripline::{SmolStr, Workspace};
use jiff::civil::Date;

use crate::edits::{self, Addition, Claim};
use crate::formulary::Formulary;
use crate::lines::{DrugLines, drug_lines};
use crate::profile::{Profiles, hash};
use crate::resolve::{ChartError, Question, Resolved, as_of, check_case_id, resolve_with};
use crate::stock::Stock;
use crate::tables::{InForce, Kind, Store};

pub use obstacles::{Obstacle, WhyNot};

/// Above this many administrations the other readings and the outcomes of answers are not run.
pub const MOST_FOR_ALTERNATIVES: usize = 500;

/// How charts are to be coded.
#[derive(Clone, Debug)]
pub struct Options {
    /// Named policy that wins over the case's own `profile`.
    pub profile: Option<String>,
    /// Switches that win over the case's own `policy`.
    pub set: Vec<(String, SwitchValue)>,
    /// Run the other documented readings.
    pub alternatives: bool,
    /// Work out drug lines.
    pub drug_lines: bool,
    /// A rule switched off, to prove that its page's cases depend on it.
    #[cfg(feature = "rule-off")]
    pub off: Option<RuleId>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            profile: None,
            set: Vec::new(),
            alternatives: true,
            drug_lines: true,
            #[cfg(feature = "rule-off")]
            off: None,
        }
    }
}

/// Codes charts.
#[derive(Clone, Debug, Default)]
pub struct Coder {
    /// Table of drugs.
    pub formulary: Formulary,
    /// Named policies.
    pub profiles: Profiles,
    /// Reference tables, where a store is opened. Without one, edits that need a table say that they were not run.
    pub store: Option<Arc<Store>>,
    /// What is stocked: fills in the containers that a chart does not name.
    pub stock: Option<Arc<Stock>>,
}

/// A coding, and what was known on the way that its shape does not hold.
#[derive(Clone, Debug)]
pub struct Coded {
    /// The coding.
    pub coding: Coding,
    /// The chart with nothing left to look up; it holds the tables in force.
    pub resolved: Resolved,
}

impl Coded {
    /// Whether every table that was asked for up to now could be read.
    ///
    /// # Errors
    /// The first table that could not.
    pub fn check_tables(&self) -> Result<(), ChartError> {
        tables_read(&self.resolved)
    }
}

fn tables_read(resolved: &Resolved) -> Result<(), ChartError> {
    match resolved.tables.failed() {
        None => Ok(()),
        Some(error) => Err(ChartError {
            path: "reference".to_owned(),
            message: format!("a reference table cannot be read: {error}"),
            help: "import the table again, or name another folder of reference tables".to_owned(),
        }),
    }
}

/// A chart with its policy, resolved.
struct Ready<'a> {
    chart: &'a Chart,
    name: String,
    profile: String,
    base: &'a Policy,
    base_hash: &'a str,
    policy: Policy,
    on: Date,
    resolved: Resolved,
    assumptions: Vec<Assumption>,
}

impl Ready<'_> {
    /// The hash of the policy; that of a named one is known.
    fn hash(&self) -> String {
        if self.policy == *self.base { self.base_hash.to_owned() } else { hash(&self.policy) }
    }
}

/// Runs the engine, without a rule where a test switches it off.
#[derive(Clone, Copy)]
pub(crate) struct Engine {
    #[cfg(feature = "rule-off")]
    off: Option<RuleId>,
}

impl Engine {
    fn new(options: &Options) -> Self {
        let _ = options;
        Engine {
            #[cfg(feature = "rule-off")]
            off: options.off,
        }
    }

    pub(crate) fn run<R: Recorder>(self, case: &Case, policy: &Policy, ws: &mut Workspace, rec: &mut R) {
        #[cfg(feature = "rule-off")]
        dripline::code_without(case, policy, self.off, ws, rec);
        #[cfg(not(feature = "rule-off"))]
        dripline::code(case, policy, ws, rec);
    }
}

impl Coder {
    /// Codes a chart. `position` is its 1-based place in the input; `read` what its reader took for granted.
    ///
    /// # Errors
    /// What the chart contradicts or leaves out, by key path.
    pub fn code(
        &self,
        chart: &Chart,
        position: usize,
        read: &[Assumption],
        options: &Options,
    ) -> Result<Coding, ChartError> {
        self.code_with(chart, position, read, options).map(|coded| coded.coding)
    }

    /// Codes a chart and keeps what it was resolved to.
    ///
    /// # Errors
    /// As [`Coder::code`].
    pub fn code_with(
        &self,
        chart: &Chart,
        position: usize,
        read: &[Assumption],
        options: &Options,
    ) -> Result<Coded, ChartError> {
        let filled = self.stock.as_ref().map(|stock| stock.fill(chart, &self.formulary));
        let (chart, stocked) = match &filled {
            Some((chart, stocked)) => (chart, stocked.as_slice()),
            None => (chart, &[][..]),
        };
        let ready = self.ready(chart, position, options)?;
        let engine = Engine::new(options);
        let (mut ws, mut rec) = (Workspace::default(), Proof::default());
        let resolved = &ready.resolved;
        engine.run(&resolved.case, &ready.policy, &mut ws, &mut rec);
        let proved = dripline::proof::prove(&resolved.case, &ready.policy, &ws, &rec);
        let drugs = match options.drug_lines {
            true => drug_lines(chart, resolved, &ready.policy, &self.formulary),
            false => DrugLines::default(),
        };
        let mut short = lines_of(chart, &ws);
        let services = services(chart, resolved, &ws);
        let mut edits = edits::check(&Claim {
            chart,
            resolved,
            policy: &ready.policy,
            lines: &short,
            proved: &proved,
            services: &services,
            drug_lines: &drugs.lines,
        });
        let plain = short.clone();
        let added = match ready.policy.ptp_modifier {
            PtpModifier::Suggest => Vec::new(),
            PtpModifier::Add => std::mem::take(&mut edits.additions),
        };
        add_modifiers(&added, &mut short);
        let mut assumptions = ready.assumptions.clone();
        assumptions.extend_from_slice(read);
        assumptions.extend_from_slice(stocked);
        assumptions.extend(resolved.assumptions.iter().cloned());
        assumptions.extend(engine_assumptions(&ready, &rec, &proved));
        assumptions.extend(drugs.assumptions.iter().cloned());
        assumptions.append(&mut edits.assumptions);
        let few = resolved.case.rows.len() <= MOST_FOR_ALTERNATIVES;
        if !few {
            assumptions.push(Assumption::new(
                "administrations",
                "other readings and the outcomes of answers were not run",
                format!("the case holds more than {MOST_FOR_ALTERNATIVES} administrations"),
            ));
        }
        let mut what =
            whatif::WhatIf::new(&ready, engine, ws, &self.formulary, &drugs, &short, &services, &added, options);
        let mut alternatives = if few && options.alternatives { what.alternatives(&rec) } else { Vec::new() };
        if few && options.alternatives {
            alternatives.extend(modifier_alternative(&short, &plain, &edits.additions));
        }
        let queries = self.queries(&ready, &rec, &drugs, &mut what, few, options);
        let checked = few && options.alternatives;
        let lines = lines(&ready, &proved, &rec, &short, &alternatives, checked);
        let mut seen = BTreeSet::new();
        let is_new: Vec<bool> = assumptions.iter().map(|a| seen.insert((&a.path, &a.took, &a.why))).collect();
        let mut is_new = is_new.into_iter();
        assumptions.retain(|_| is_new.next() == Some(true));
        tables_read(resolved)?;
        let crosswalk = resolved.drugs.iter().zip(&resolved.case.rows).filter_map(|(drug, row)| {
            let on = row.day.date();
            let listed = !resolved.tables.ndc(on)?.find(drug.ndc.as_deref()?).is_empty();
            listed.then(|| (Kind::Ndc, resolved.tables.quarter(on)))
        });
        let tables: BTreeSet<_> = drugs.tables.iter().copied().chain(edits.used).chain(crosswalk).collect();
        let mut reference: BTreeMap<String, String> = BTreeMap::new();
        for (kind, quarter) in tables {
            let quarter = quarter.to_string();
            reference
                .entry(kind.to_string())
                .and_modify(|q| {
                    if !q.contains(&quarter) {
                        *q = format!("{q}, {quarter}");
                    }
                })
                .or_insert_with(|| quarter.clone());
        }
        let coding = Coding {
            case: ready.name.clone(),
            setting: resolved.case.setting,
            profile: ready.profile.clone(),
            rule_set: RuleSet {
                version: dripline::VERSION.to_owned(),
                as_of: ChartDate(ready.on),
                policy: overrides(ready.base, &ready.policy),
                policy_hash: ready.hash(),
                reference,
            },
            lines,
            unreported: unreported(&ready, &proved, &drugs),
            minutes: minutes(resolved, &proved),
            documentation: documentation::check(chart, resolved),
            drug_lines: drugs.lines,
            services,
            queries,
            alternatives,
            edits: edits.edits,
            assumptions,
        };
        Ok(Coded { coding, resolved: ready.resolved })
    }

    /// Why a chart does or does not earn a code.
    ///
    /// # Errors
    /// As [`Coder::code`]; also a text that is no code at all, with the path `code`.
    pub fn why_not(&self, chart: &Chart, position: usize, code: &str, options: &Options) -> Result<WhyNot, ChartError> {
        let ready = self.ready(chart, position, options)?;
        obstacles::why_not(self, &ready, code, options)
    }

    fn ready<'a>(&'a self, chart: &'a Chart, position: usize, options: &Options) -> Result<Ready<'a>, ChartError> {
        chart.case.as_deref().map_or(Ok(()), check_case_id)?;
        let on = as_of(chart)?;
        let mut assumptions = vec![Assumption::new("rule_set", "rules not reviewed", dripline::NOTICE)];
        if on > NEWEST_RULE_SET {
            assumptions.push(Assumption::new(
                "as_of",
                format!("the rule set in force on {NEWEST_RULE_SET}"),
                format!("no rule set for {on} is known yet"),
            ));
        }
        let profile = match (&options.profile, &chart.profile) {
            (Some(asked), own) => {
                if own.as_ref().is_some_and(|o| o != asked) {
                    assumptions.push(Assumption::new(
                        "profile",
                        asked.clone(),
                        "the call names a profile, which wins over the case's",
                    ));
                }
                asked.clone()
            }
            (None, Some(own)) => own.clone(),
            (None, None) => {
                assumptions.push(Assumption::new("profile", "cpt", "the case names no profile"));
                "cpt".to_owned()
            }
        };
        let (base, base_hash) = self.profiles.policy_with_hash(&profile, on).map_err(|e| ChartError {
            path: "profile".to_owned(),
            message: e.message,
            help: e.help,
        })?;
        let mut policy = base.clone();
        for (name, value) in &chart.policy {
            set(&mut policy, name, value, &format!("policy.{name}"))?;
        }
        for (name, value) in &options.set {
            set(&mut policy, name, value, &format!("policy.{name}"))?;
            if chart.policy.get(name).is_some_and(|own| own != value) {
                let took = format!("{value}");
                assumptions.push(Assumption::new(
                    format!("policy.{name}"),
                    took,
                    "the call sets this switch, which wins over the case's policy",
                ));
            }
        }
        let tables = InForce::new(self.store.clone(), chart.as_of);
        #[cfg_attr(not(feature = "rule-off"), allow(unused_mut))]
        let mut resolved = resolve_with(chart, &policy, &self.formulary, tables, on)?;
        #[cfg(feature = "rule-off")]
        {
            resolved.off = options.off;
        }
        if chart.inpatient_order.is_some() && resolved.case.setting == Setting::Facility {
            assumptions.push(Assumption::new(
                "inpatient_order",
                "an outpatient claim of its own",
                "outpatient services of the same hospital before an inpatient order may belong on the inpatient claim",
            ));
        }
        let name = match &chart.case {
            Some(own) => own.clone(),
            None => position.to_string(),
        };
        Ok(Ready { chart, name, profile, base, base_hash, policy, on, resolved, assumptions })
    }

    /// What is missing: the engine's questions and those of the drug lines, where some answer changes a line.
    fn queries(
        &self,
        ready: &Ready,
        rec: &Proof,
        drugs: &DrugLines,
        what: &mut whatif::WhatIf,
        few: bool,
        options: &Options,
    ) -> Vec<Query> {
        let mut found = if few { what.queries(rec) } else { what.unanswered(rec) };
        let ids = |rows: &[Ix]| rows.iter().map(|&r| ready.resolved.ids[r as usize].clone()).collect::<Vec<_>>();
        let mut add = |q: &Question, outcomes: Vec<Outcome>| {
            let (administrations, field) = (ids(&q.rows), SmolStr::new_static(q.field));
            found.push(Query { administrations, field, to: q.to, ask: q.ask.clone(), outcomes });
        };
        for q in &ready.resolved.questions {
            if !few {
                add(q, Vec::new());
                continue;
            }
            let mut chart = ready.chart.clone();
            let a = &mut chart.administrations[q.rows[0] as usize];
            (a.hcpcs, a.ndc, a.rxnorm) = (None, None, None);
            // A name that cannot be coded in the identifier's place is no answer.
            if let Ok(named) = self.ready(&chart, 1, options) {
                let outcomes = what.identity_outcomes(&named);
                if !outcomes.is_empty() {
                    add(q, outcomes);
                }
            }
        }
        for q in &drugs.questions {
            add(q, what.drug_outcomes(q));
        }
        let places: BTreeMap<&str, usize> =
            ready.resolved.ids.iter().enumerate().map(|(i, id)| (id.as_str(), i)).collect();
        let place = |q: &Query| q.administrations.first().and_then(|a| places.get(a.as_str()).copied());
        found.sort_by_cached_key(|q| (q.to, place(q), q.field.clone()));
        found
    }
}

/// Puts modifiers that the policy adds on the lines meant.
fn add_modifiers(added: &[Addition], lines: &mut [ShortLine]) {
    for addition in added {
        for line in lines.iter_mut() {
            addition.apply(&line.code, line.date.0, &mut line.modifiers);
        }
    }
}

/// What the other value of `ptp_modifier` would change.
fn modifier_alternative(lines: &[ShortLine], plain: &[ShortLine], open: &[Addition]) -> Option<Alternative> {
    let mut other = plain.to_vec();
    add_modifiers(open, &mut other);
    let value = if open.is_empty() { "suggest" } else { "add" };
    (other != lines).then(|| Alternative {
        switch: Switch::PtpModifier.name().into(),
        value: SwitchValue::Word(value.to_owned()),
        lines: other,
        drug_lines: None,
        services: None,
    })
}

fn set(policy: &mut Policy, name: &str, value: &SwitchValue, path: &str) -> Result<(), ChartError> {
    let wrong =
        |e: crate::profile::ProfileError| ChartError { path: path.to_owned(), message: e.message, help: e.help };
    crate::profile::set_switch(policy, name, value).map(|_| ()).map_err(wrong)
}

/// Switches in which a policy differs from its profile.
fn overrides(base: &Policy, policy: &Policy) -> BTreeMap<String, SwitchValue> {
    if base == policy {
        return BTreeMap::new();
    }
    Switch::ALL
        .iter()
        .filter(|s| base.get(**s) != policy.get(**s))
        .map(|s| (s.name().to_owned(), policy.get(*s)))
        .collect()
}

/// The lines as they stand on the claim.
fn lines_of(chart: &Chart, ws: &Workspace) -> Vec<ShortLine> {
    ws.lines
        .iter()
        .map(|l| {
            let mut modifiers: Vec<SmolStr> =
                [l.other, l.distinct].iter().map(|m| m.as_str()).filter(|m| !m.is_empty()).map(SmolStr::from).collect();
            match chart.off_campus {
                Some(OffCampus::Excepted) => modifiers.push("PO".into()),
                Some(OffCampus::NonExcepted) => modifiers.push("PN".into()),
                None => {}
            }
            ShortLine {
                code: l.code.as_str().into(),
                units: u64::from(l.units),
                modifiers,
                date: ChartDate(l.day.date()),
            }
        })
        .collect()
}

fn lines(
    ready: &Ready,
    proved: &Proved,
    rec: &Proof,
    short: &[ShortLine],
    alternatives: &[Alternative],
    checked: bool,
) -> Vec<Line> {
    proved
        .lines
        .iter()
        .zip(short)
        .map(|(p, s)| {
            let hangs: Vec<SmolStr> = {
                let mut found: Vec<SmolStr> = Vec::new();
                for a in alternatives {
                    if !a.lines.contains(s) && !found.contains(&a.switch) {
                        found.push(a.switch.clone());
                    }
                }
                found
            };
            Line {
                code: s.code.clone(),
                units: p.line.units,
                modifiers: s.modifiers.clone(),
                date: s.date,
                administrations: p.rows.iter().map(|&r| ready.resolved.ids[r as usize].clone()).collect(),
                rules: p.rules.iter().map(|r| r.as_str().into()).collect(),
                confidence: confidence(p.confidence()),
                certainty: match (checked, hangs.is_empty()) {
                    (false, _) => Certainty::NotChecked,
                    (true, true) => Certainty::AllReadings,
                    (true, false) => Certainty::Switches(hangs),
                },
                why: prose::line(ready, p, rec),
            }
        })
        .collect()
}

fn confidence(grade: Grade) -> Confidence {
    match grade {
        Grade::A => Confidence::A,
        Grade::B => Confidence::B,
        Grade::C => Confidence::C,
        Grade::K => Confidence::K,
    }
}

fn unreported(ready: &Ready, proved: &Proved, drugs: &DrugLines) -> Vec<Unreported> {
    let of_drug = |row: Ix| drugs.noted.iter().filter(move |n| n.0 == row).map(|n| n.1);
    // The first drug line of each administration.
    let mut stands = BTreeMap::new();
    for line in &drugs.lines {
        for id in &line.administrations {
            stands.entry(id.as_str()).or_insert(line);
        }
    }
    proved
        .unreported
        .iter()
        .map(|u| Unreported {
            administration: ready.resolved.ids[u.row as usize].clone(),
            rules: u.rules.iter().copied().chain(of_drug(u.row)).map(|r| r.as_str().into()).collect(),
            why: {
                let id = ready.resolved.ids[u.row as usize].as_str();
                prose::unreported(ready, u, stands.get(id).copied())
            },
        })
        .collect()
}

fn minutes(resolved: &Resolved, proved: &Proved) -> Vec<Minutes> {
    let clock = &resolved.case.clock;
    proved
        .minutes
        .iter()
        .map(|m| Minutes {
            administration: resolved.ids[m.row as usize].clone(),
            spans: m
                .spans
                .iter()
                .map(|&(start, stop, by)| MinuteSpan {
                    start: clock.show(start),
                    stop: clock.show(stop),
                    fate: by.fate(),
                    by: match by {
                        By::Code(code) => Some(code.as_str().into()),
                        By::Row(row) => Some(resolved.ids[row as usize].clone()),
                        By::Rule(rule) => Some(rule.as_str().into()),
                        By::Pause => None,
                    },
                })
                .collect(),
        })
        .collect()
}

fn services(chart: &Chart, resolved: &Resolved, ws: &Workspace) -> Vec<ServiceLine> {
    use dripline::VerdictKind;
    chart
        .services
        .iter()
        .zip(&resolved.service_ids)
        .zip(&ws.services)
        .map(|((s, id), v)| {
            let (verdict, modifier) = match v.kind {
                VerdictKind::Kept => (ServiceVerdict::Kept, None),
                VerdictKind::Included => (ServiceVerdict::Included, None),
                VerdictKind::Needs25 => (ServiceVerdict::NeedsModifier, Some("25".into())),
            };
            ServiceLine {
                id: id.clone(),
                code: s.code.clone(),
                verdict,
                modifier,
                rules: v.rule.iter().map(|r| r.as_str().into()).collect(),
                why: match v.rule {
                    Some(rule) => rule.page().why.to_owned(),
                    None => "No rule of drug administration touches it.".to_owned(),
                },
            }
        })
        .collect()
}

fn engine_assumptions(ready: &Ready, rec: &Proof, proved: &Proved) -> Vec<Assumption> {
    let resolved = &ready.resolved;
    let of = |row: Ix, key: &str| format!("administrations[{row}].{key}");
    rec.assumed
        .iter()
        .map(|&(row, what)| {
            let id = resolved.ids.get(row as usize).map_or("", SmolStr::as_str);
            match what {
                Assumed::InitialByRank => Assumption::new(
                    "primary_reason",
                    format!("administration {id}, by rank"),
                    "no main reason of the visit that decides is charted",
                ),
                Assumed::OneAfterTheOther => Assumption::new(
                    of(row, "start"),
                    "given one after the other",
                    "another drug is charted as pushed in the same minute",
                ),
                Assumed::UnknownSite => {
                    Assumption::new(of(row, "access"), "an access that the visit already has", "no access is charted")
                }
                Assumed::Supervised => {
                    Assumption::new("supervised", "true", "the case does not say whether a physician was on site")
                }
                Assumed::ComputedStop => {
                    let stop = proved
                        .minutes
                        .iter()
                        .find(|m| m.row == row)
                        .and_then(|m| m.spans.last())
                        .map(|s| resolved.case.clock.show(s.1).to_string());
                    Assumption::new(
                        of(row, "stop"),
                        stop.unwrap_or_default(),
                        "no stop is charted; it follows from the charted volume and rate",
                    )
                }
                Assumed::NotKeptOpen => Assumption::new(
                    of(row, "rate"),
                    "faster than what keeps a vein open",
                    "neither rate nor volume is charted",
                ),
                Assumed::HydrationInitial => Assumption::new(
                    "primary_reason",
                    format!("administration {id}, hydration"),
                    "the payer accepts hydration as the parent of the services that ride on it",
                ),
                Assumed::InpatientOrder => Assumption::new(
                    "inpatient_order",
                    "an outpatient claim of its own",
                    "earlier outpatient services of the same hospital may belong on the inpatient claim",
                ),
            }
        })
        .collect()
}

/// To whom a question about a field goes.
fn addressee(field: dripline::record::Field) -> Addressee {
    use dripline::record::Field as F;
    match field {
        F::Indication | F::Purpose | F::LowValue | F::Counselling | F::Lesions | F::Unlisted => Addressee::Provider,
        F::Components | F::VaccineKind => Addressee::Pharmacy,
        F::Age | F::PumpOwner => Addressee::Biller,
        F::Stop
        | F::Start
        | F::Method
        | F::Rate
        | F::Volume
        | F::Attended
        | F::Route
        | F::PumpKind
        | F::PlannedMinutes
        | F::AccessKind
        | F::StopAfterDeparture
        | F::LongRun
        | F::Impossible => Addressee::Nurse,
    }
}

/// A service's verdict without its proof.
fn short_services(services: &[ServiceLine]) -> Vec<ShortService> {
    services.iter().map(ServiceLine::short).collect()
}
