//! What another reading or another answer would earn, by really running it.

use std::collections::BTreeSet;

use dripline::case::{AccessState, Case, Ix, NONE, OrderState, PumpUse, Reason, Route, VaccineKind};
use dripline::chart::{AccessKind, Method, PumpKind, PumpOwner, Purpose, StopSource};
use dripline::coding::{Alternative, DrugLine, Outcome, Query, ServiceLine, ShortLine, ShortService};
use dripline::policy::{Part, Policy, Switch};
use dripline::record::{Codes, Field, Proof};
use dripline::rule::RuleId;
use dripline::time::{Day, Minute};
use dripline::{LineUnits, SmolStr, Verdict, Workspace};

use super::{Engine, Options, Ready, add_modifiers, addressee, ask, lines_of, services, short_services};
use crate::edits::Addition;
use crate::formulary::Formulary;
use crate::lines::{DrugLines, short_drug_lines};
use crate::resolve::Question;

/// The longest run that the outcomes of a missing time consider.
const LONGEST: i64 = 480;

/// Runs variants of one case.
pub(super) struct WhatIf<'a> {
    ready: &'a Ready<'a>,
    engine: Engine,
    formulary: &'a Formulary,
    with_drugs: bool,
    ws: Workspace,
    base: Vec<LineUnits>,
    base_services: Vec<Verdict>,
    base_lines: &'a [ShortLine],
    base_drugs: Vec<ShortLine>,
    /// Switches that had a part in the drug lines.
    drugs_consulted: &'a BTreeSet<Switch>,
    base_short_services: Vec<ShortService>,
    /// Modifiers that the policy adds to the case as charted; they stand in its variants too.
    added: &'a [Addition],
}

/// One thing that an answer says.
#[derive(Clone, Copy, Debug)]
enum Change {
    Method(Method),
    Reason(Reason),
    Rate(i64),
    VolumeAndRate(i64, i64),
    Volume(i64),
    Attended(bool),
    Route(Route),
    Treatment,
    Purpose(Purpose),
    Counselling(bool),
    Age(u16),
    Lesions(u32),
    Components(u32),
    Vaccine(VaccineKind),
    Owner(PumpOwner),
    Pump(PumpKind),
    /// The pump was planned to run for so many minutes.
    Planned(u32),
    Device(AccessKind),
    LeftAtStop,
    /// Stopped so many minutes after its start.
    StopAfter(i64),
    /// Started so many minutes before its stop.
    StartBefore(i64),
    /// Ran so many minutes apart from everything else of the day.
    Apart(i64),
    /// Given at this minute.
    At(Minute),
}

/// What an answer of so many minutes says, after what holds for all of them.
type ByMinutes = (Vec<Change>, fn(i64) -> Change);

/// The answers that are tried.
struct Answers {
    choices: Vec<(String, Vec<Change>)>,
    minutes: Option<ByMinutes>,
    clock: bool,
}

/// One result and the answers that give it.
struct Band {
    labels: Vec<String>,
    lines: Vec<LineUnits>,
    services: Vec<Verdict>,
    drugs: Option<Vec<ShortLine>>,
}

/// A question before it is written.
struct Open {
    rows: Vec<Ix>,
    field: Field,
    rule: RuleId,
}

impl<'a> WhatIf<'a> {
    /// `coded` holds the case as charted.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        ready: &'a Ready<'a>,
        engine: Engine,
        coded: Workspace,
        formulary: &'a Formulary,
        drugs: &'a DrugLines,
        base_lines: &'a [ShortLine],
        service_lines: &[ServiceLine],
        added: &'a [Addition],
        options: &Options,
    ) -> Self {
        WhatIf {
            ready,
            engine,
            formulary,
            with_drugs: options.drug_lines,
            base: coded.lines.clone(),
            base_services: coded.services.clone(),
            ws: coded,
            base_lines,
            drugs_consulted: &drugs.consulted,
            base_drugs: drugs.lines.iter().map(DrugLine::short).collect(),
            base_short_services: short_services(service_lines),
            added,
        }
    }

    /// Leaves the lines of a variant in the workspace; does it differ from the case as charted?
    fn differs(&mut self, case: &Case, policy: &Policy) -> bool {
        self.engine.run(case, policy, &mut self.ws, &mut Codes);
        self.ws.services != self.base_services || !same_lines(&self.ws.lines, &self.base)
    }

    /// The lines in the workspace as they stand on a claim, and the services where they differ.
    fn short(&self) -> (Vec<ShortLine>, Option<Vec<ShortService>>) {
        let mut lines = lines_of(self.ready.chart, &self.ws);
        add_modifiers(self.added, &mut lines);
        let services = short_services(&services(self.ready.chart, &self.ready.resolved, &self.ws));
        (lines, (services != self.base_short_services).then_some(services))
    }

    /// The documented readings that change the result. Only switches that the case consulted are run.
    pub fn alternatives(&mut self, rec: &Proof) -> Vec<Alternative> {
        let consulted = Switch::ALL.iter().copied().filter(|s| s.part() == Part::Codes && rec.has_consulted(*s));
        let mut found = self.try_switches(consulted);
        if self.with_drugs && !self.base_drugs.is_empty() {
            found.extend(self.line_alternatives());
        }
        found
    }

    pub(super) fn try_switches(&mut self, switches: impl Iterator<Item = Switch>) -> Vec<Alternative> {
        let ready = self.ready;
        let mut policy = ready.policy.clone();
        let mut found = Vec::new();
        for switch in switches {
            let own = policy.get(switch);
            for value in switch.documented() {
                if value == own || policy.set(switch, &value).is_err() {
                    continue;
                }
                if self.differs(&ready.resolved.case, &policy) {
                    let (lines, services) = self.short();
                    found.push(Alternative { switch: switch.name().into(), value, lines, drug_lines: None, services });
                }
            }
            // The switch's own value came out of this policy.
            let _ = policy.set(switch, &own);
        }
        found
    }

    fn line_alternatives(&self) -> Vec<Alternative> {
        let ready = self.ready;
        let mut policy = ready.policy.clone();
        let mut found = Vec::new();
        for switch in self.drugs_consulted.iter().copied() {
            let own = policy.get(switch);
            for value in switch.documented() {
                if value == own || policy.set(switch, &value).is_err() {
                    continue;
                }
                let drugs = short_drug_lines(ready.chart, &ready.resolved, &policy, self.formulary);
                if drugs != self.base_drugs {
                    found.push(Alternative {
                        switch: switch.name().into(),
                        value,
                        lines: self.base_lines.to_vec(),
                        drug_lines: Some(drugs),
                        services: None,
                    });
                }
            }
            let _ = policy.set(switch, &own);
        }
        found
    }

    /// The engine's questions with their outcomes; those that no answer would change are left out.
    pub fn queries(&mut self, rec: &Proof) -> Vec<Query> {
        let base = self.ready.resolved.case.clone();
        let open = self.group(&rec.queries);
        let mut found = Vec::new();
        for o in &open {
            self.follow(o, &base, &rec.queries, 0, &mut found);
        }
        found
    }

    /// The engine's questions without outcomes.
    pub fn unanswered(&self, rec: &Proof) -> Vec<Query> {
        self.group(&rec.queries).iter().map(|o| self.write(o, Vec::new())).collect()
    }

    /// What the answers to a question about the drug would give.
    pub fn drug_outcomes(&self, q: &Question) -> Vec<Outcome> {
        q.outcomes
            .iter()
            .map(|(answer, drugs)| Outcome {
                answer: answer.clone(),
                lines: self.base_lines.to_vec(),
                drug_lines: (*drugs != self.base_drugs).then(|| drugs.clone()),
                services: None,
            })
            .collect()
    }

    /// What each answer to a question about an identifier and a name that mean different drugs would give; nothing
    /// where the answer changes nothing. `named` is the case by its name.
    pub fn identity_outcomes(&mut self, named: &Ready) -> Vec<Outcome> {
        self.engine.run(&named.resolved.case, &named.policy, &mut self.ws, &mut Codes);
        let drugs = match self.with_drugs {
            true => short_drug_lines(named.chart, &named.resolved, &named.policy, self.formulary),
            false => Vec::new(),
        };
        if same_lines(&self.ws.lines, &self.base) && self.ws.services == self.base_services && drugs == self.base_drugs
        {
            return Vec::new();
        }
        let (lines, services) = self.short();
        let drug_lines = (drugs != self.base_drugs).then_some(drugs);
        vec![
            Outcome {
                answer: SmolStr::new_static("the drug of the identifier"),
                lines: self.base_lines.to_vec(),
                drug_lines: None,
                services: None,
            },
            Outcome { answer: SmolStr::new_static("the named drug"), lines, drug_lines, services },
        ]
    }

    /// Outcomes of a question; where no answer alone changes anything, with what would be asked next answered too.
    fn follow(&mut self, open: &Open, case: &Case, known: &[(Ix, Field, RuleId)], depth: u8, found: &mut Vec<Query>) {
        let answers = self.answers(open, case);
        let bands = self.bands(open, case, &answers);
        if bands.iter().any(|b| self.changes(b)) {
            let outcomes = self.outcomes(bands);
            found.push(self.write(open, outcomes));
            return;
        }
        if depth == 2 {
            return;
        }
        let mut next = case.clone();
        representative(&mut next, &open.rows, &answers);
        let mut proof = Proof::default();
        self.engine.run(&next, &self.ready.policy, &mut self.ws, &mut proof);
        let asked: Vec<_> =
            proof.queries.iter().filter(|q| open.rows.contains(&q.0) && !known.contains(q)).copied().collect();
        let further = self.group(&asked);
        if further.is_empty() {
            return;
        }
        let mut completed = case.clone();
        for f in &further {
            let answers = self.answers(f, &next);
            representative(&mut completed, &f.rows, &answers);
        }
        let bands = self.bands(open, &completed, &answers);
        if bands.iter().any(|b| self.changes(b)) {
            let outcomes = self.outcomes(bands);
            found.push(self.write(open, outcomes));
            let known: Vec<_> = known.iter().copied().chain(asked).collect();
            for f in &further {
                self.follow(f, &next, &known, depth + 1, found);
            }
        }
    }

    fn changes(&self, band: &Band) -> bool {
        band.services != self.base_services
            || !same_lines(&band.lines, &self.base)
            || band.drugs.as_ref().is_some_and(|d| *d != self.base_drugs)
    }

    fn write(&self, open: &Open, outcomes: Vec<Outcome>) -> Query {
        Query {
            administrations: open.rows.iter().map(|&r| self.ready.resolved.ids[r as usize].clone()).collect(),
            field: ask::key(self.ready, open.field, open.rows[0]).into(),
            to: addressee(open.field),
            ask: ask::ask(self.ready, open.field, open.rule, &open.rows),
            outcomes,
        }
    }

    /// Questions that one answer would settle are one: bag mates, what one order of a drug is for, and all fluids
    /// without a reason.
    fn group(&self, asked: &[(Ix, Field, RuleId)]) -> Vec<Open> {
        let rows = &self.ready.resolved.case.rows;
        let mut groups: Vec<Open> = Vec::new();
        for &(row, field, rule) in asked {
            let joint = matches!(field, Field::Indication | Field::Counselling | Field::Age);
            let same = |o: &Open| {
                let (a, b) = (&rows[o.rows[0] as usize], &rows[row as usize]);
                let mates = a.bag != NONE && a.bag == b.bag;
                let of_order = matches!(field, Field::Purpose | Field::LowValue)
                    && matches!(a.order, OrderState::Id(_))
                    && a.order == b.order
                    && a.ingredient == b.ingredient;
                o.field == field && (joint || ((mates || of_order) && a.visit == b.visit))
            };
            match groups.iter_mut().find(|o| same(o)) {
                Some(o) if !o.rows.contains(&row) => o.rows.push(row),
                Some(_) => {}
                None => groups.push(Open { rows: vec![row], field, rule }),
            }
        }
        groups
    }

    fn answers(&self, open: &Open, case: &Case) -> Answers {
        let row = &case.rows[open.rows[0] as usize];
        let choices = |list: &[(&str, Change)]| Answers {
            choices: list.iter().map(|(l, c)| ((*l).to_owned(), vec![*c])).collect(),
            minutes: None,
            clock: false,
        };
        let ran = |first: Vec<Change>, each: fn(i64) -> Change| Answers {
            choices: Vec::new(),
            minutes: Some((first, each)),
            clock: false,
        };
        match open.field {
            Field::Stop => ran(Vec::new(), Change::StopAfter),
            Field::Impossible => ran(Vec::new(), Change::StopAfter),
            Field::LongRun => {
                let mut answers = ran(Vec::new(), Change::StopAfter);
                answers.choices.push(("it ran as charted".to_owned(), Vec::new()));
                answers
            }
            Field::Start if matches!(open.rule, RuleId::SamePushAgainFacility | RuleId::InfusionThenSameDrugPush) => {
                Answers { choices: Vec::new(), minutes: None, clock: true }
            }
            Field::Start if row.stop.is_some() => ran(Vec::new(), Change::StartBefore),
            Field::Start => {
                let mut answers = ran(vec![Change::Method(Method::Infusion)], Change::Apart);
                let by_hand = vec![Change::Apart(0), Change::Method(Method::Push)];
                answers.choices.push(("it was pushed by hand, apart from all else".to_owned(), by_hand));
                answers
            }
            Field::Method => {
                let mut answers = ran(vec![Change::Method(Method::Infusion)], Change::StopAfter);
                answers.choices.push(("it was pushed by hand".to_owned(), vec![Change::Method(Method::Push)]));
                answers
            }
            Field::Indication => choices(&[
                ("a reason for the fluid is charted", Change::Reason(Reason::Given)),
                ("there was no reason beyond what is charted", Change::Reason(Reason::Absent)),
            ]),
            Field::Rate if open.rule == RuleId::DocSet => choices(&[("a rate is charted", Change::Rate(125_000))]),
            Field::Rate => choices(&[("it ran faster than the limits of the policy", Change::Rate(1_000_000))]),
            Field::Volume if open.rule == RuleId::DocSet => {
                choices(&[("volume and rate are charted", Change::VolumeAndRate(1_000_000, 125_000))])
            }
            Field::Volume => choices(&[
                ("more ran than the least volume of the policy", Change::Volume(10_000_000)),
                ("less ran", Change::Volume(1)),
            ]),
            Field::Attended => choices(&[
                ("the clinician stayed and gave it by hand", Change::Attended(true)),
                ("it ran as an infusion", Change::Attended(false)),
            ]),
            Field::Route | Field::Unlisted => choices(&[
                ("by vein", Change::Route(Route::Vein)),
                ("into muscle", Change::Route(Route::Muscle)),
                ("under the skin", Change::Route(Route::UnderSkin)),
            ]),
            Field::Purpose => choices(&[
                ("it was given as treatment and not for the procedure", Change::Treatment),
                ("it was part of the procedure", Change::Purpose(Purpose::Procedural)),
            ]),
            Field::LowValue => choices(&[
                ("it was given for a low value", Change::Purpose(Purpose::Replacement)),
                ("it was part of the fluid", Change::Treatment),
            ]),
            Field::Counselling => choices(&[
                ("a clinician counselled that day", Change::Counselling(true)),
                ("no clinician counselled that day", Change::Counselling(false)),
            ]),
            Field::Age => {
                let limit = u16::try_from(self.ready.policy.paediatric_vaccine_age).unwrap_or(u16::MAX - 1);
                let mut answers = choices(&[]);
                let young = format!("{limit} years or younger, and a clinician counselled");
                answers.choices.push((young, vec![Change::Age(limit), Change::Counselling(true)]));
                let young = format!("{limit} years or younger, and no clinician counselled");
                answers.choices.push((young, vec![Change::Age(limit), Change::Counselling(false)]));
                answers.choices.push((format!("older than {limit} years"), vec![Change::Age(limit + 1)]));
                answers
            }
            Field::Lesions => Answers {
                choices: (1..=self.ready.policy.few_lesions + 1)
                    .map(|n| {
                        let more = if n > self.ready.policy.few_lesions { " or more" } else { "" };
                        (format!("{n}{more} lesions here"), vec![Change::Lesions(u32::try_from(n).unwrap_or(1))])
                    })
                    .collect(),
                minutes: None,
                clock: false,
            },
            Field::Components => Answers {
                choices: (1..=5).map(|n| (format!("{n} components"), vec![Change::Components(n)])).collect(),
                minutes: None,
                clock: false,
            },
            Field::VaccineKind => choices(&[
                ("influenza", Change::Vaccine(VaccineKind::Influenza)),
                ("pneumococcal", Change::Vaccine(VaccineKind::Pneumococcal)),
                ("hepatitis B", Change::Vaccine(VaccineKind::HepatitisB)),
                ("COVID-19", Change::Vaccine(VaccineKind::Covid19)),
                ("another one", Change::Vaccine(VaccineKind::Other)),
            ]),
            Field::PumpOwner => choices(&[
                ("the clinic's pump", Change::Owner(PumpOwner::Clinic)),
                ("the hospital's pump", Change::Owner(PumpOwner::Hospital)),
                ("a supplier's pump", Change::Owner(PumpOwner::Supplier)),
            ]),
            Field::PumpKind => choices(&[
                ("a portable pump", Change::Pump(PumpKind::Portable)),
                ("an implanted pump", Change::Pump(PumpKind::Implanted)),
                ("a pump beside the patient", Change::Pump(PumpKind::External)),
            ]),
            Field::PlannedMinutes => {
                let limit = u32::try_from(self.ready.policy.prolonged_pump_minutes).unwrap_or(u32::MAX - 1);
                let mut answers = choices(&[]);
                answers
                    .choices
                    .push((format!("it was planned for {limit} minutes or less"), vec![Change::Planned(limit)]));
                answers
                    .choices
                    .push((format!("it was planned for more than {limit} minutes"), vec![Change::Planned(limit + 1)]));
                answers
            }
            Field::AccessKind => choices(&[
                ("a peripheral line", Change::Device(AccessKind::Peripheral)),
                ("a port", Change::Device(AccessKind::Port)),
                ("a central line placed through the arm", Change::Device(AccessKind::Picc)),
                ("another central line", Change::Device(AccessKind::Central)),
            ]),
            Field::StopAfterDeparture => choices(&[("the patient left when it stopped", Change::LeftAtStop)]),
        }
    }

    /// Runs every answer and merges equal results.
    fn bands(&mut self, open: &Open, case: &Case, answers: &Answers) -> Vec<Band> {
        let mut bands: Vec<Band> = Vec::new();
        let mut trial = case.clone();
        let restore = |trial: &mut Case| {
            trial.rows.copy_from_slice(&case.rows);
            trial.departure = case.departure;
            trial.age_years = case.age_years;
            trial.accesses.clone_from(&case.accesses);
        };
        for (label, changes) in &answers.choices {
            restore(&mut trial);
            for c in changes {
                apply(&mut trial, &open.rows, *c);
            }
            self.engine.run(&trial, &self.ready.policy, &mut self.ws, &mut Codes);
            let drugs = self.drugs(open, &trial);
            self.keep(&mut bands, label.clone(), drugs);
        }
        if let Some((first, each)) = &answers.minutes {
            let mut runs: Vec<(i64, i64)> = Vec::new();
            let mut results: Vec<Band> = Vec::new();
            for m in 1..=LONGEST {
                restore(&mut trial);
                for c in first {
                    apply(&mut trial, &open.rows, *c);
                }
                apply(&mut trial, &open.rows, each(m));
                self.engine.run(&trial, &self.ready.policy, &mut self.ws, &mut Codes);
                match (runs.last_mut(), results.last()) {
                    (Some(run), Some(last)) if last.services == self.ws.services && last.lines == self.ws.lines => {
                        run.1 = m;
                    }
                    _ => {
                        runs.push((m, m));
                        let drugs = self.drugs(open, &trial);
                        results.push(self.band(String::new(), drugs));
                    }
                }
            }
            for ((from, to), mut band) in runs.into_iter().zip(results) {
                let label = match (from == to, to == LONGEST) {
                    (true, _) => format!("it ran {from} minutes"),
                    (_, true) => format!("it ran {from} minutes or more, up to {} hours", LONGEST / 60),
                    _ => format!("it ran {from} to {to} minutes"),
                };
                band.labels = vec![label];
                merge(&mut bands, band);
            }
        }
        if answers.clock {
            let day = case.rows[open.rows[0] as usize].day;
            let (from, to) = (case.clock.midnight(day), case.clock.midnight(Day(day.0 + 1)));
            let mut since = from;
            let mut last: Option<Band> = None;
            let show = |at: Minute| {
                let t = case.clock.show(at).civil;
                format!("{:02}:{:02}", t.hour(), t.minute())
            };
            for at in from..to {
                restore(&mut trial);
                apply(&mut trial, &open.rows, Change::At(at));
                self.engine.run(&trial, &self.ready.policy, &mut self.ws, &mut Codes);
                if last.as_ref().is_some_and(|l| l.services == self.ws.services && l.lines == self.ws.lines) {
                    continue;
                }
                if let Some(mut band) = last.take() {
                    band.labels = vec![format!("given from {} to {}", show(since), show(at - 1))];
                    merge(&mut bands, band);
                }
                since = at;
                last = Some(self.band(String::new(), None));
            }
            if let Some(mut band) = last {
                band.labels = vec![format!("given from {} to {}", show(since), show(to - 1))];
                merge(&mut bands, band);
            }
        }
        bands
    }

    /// Drug lines of a variant, where the answer may change them.
    fn drugs(&self, open: &Open, trial: &Case) -> Option<Vec<ShortLine>> {
        let may = matches!(open.field, Field::Purpose | Field::Start | Field::Route | Field::LowValue);
        if !may || !self.with_drugs {
            return None;
        }
        let mut resolved = self.ready.resolved.clone();
        resolved.case = trial.clone();
        let drugs = short_drug_lines(self.ready.chart, &resolved, &self.ready.policy, self.formulary);
        (drugs != self.base_drugs).then_some(drugs)
    }

    fn band(&self, label: String, drugs: Option<Vec<ShortLine>>) -> Band {
        Band { labels: vec![label], lines: self.ws.lines.clone(), services: self.ws.services.clone(), drugs }
    }

    fn keep(&self, bands: &mut Vec<Band>, label: String, drugs: Option<Vec<ShortLine>>) {
        let band = self.band(label, drugs);
        merge(bands, band);
    }

    fn outcomes(&mut self, bands: Vec<Band>) -> Vec<Outcome> {
        bands
            .into_iter()
            .map(|b| {
                self.ws.lines = b.lines;
                self.ws.services = b.services;
                let (lines, services) = self.short();
                Outcome { answer: b.labels.join("; or ").into(), lines, drug_lines: b.drugs, services }
            })
            .collect()
    }
}

fn merge(bands: &mut Vec<Band>, band: Band) {
    let same = |b: &Band| same_lines(&b.lines, &band.lines) && b.services == band.services && b.drugs == band.drugs;
    match bands.iter_mut().find(|b| same(b)) {
        Some(b) => b.labels.extend(band.labels),
        None => bands.push(band),
    }
}

/// Equal but for the order, which follows from which of them is initial.
fn same_lines(a: &[LineUnits], b: &[LineUnits]) -> bool {
    a.len() == b.len() && a.iter().all(|x| b.iter().any(|y| x.same_key(y) && x.units == y.units))
}

/// Applies an answer of the kind that leads furthest.
fn representative(case: &mut Case, rows: &[Ix], answers: &Answers) {
    if let Some((first, each)) = &answers.minutes {
        for c in first {
            apply(case, rows, *c);
        }
        apply(case, rows, each(120));
    } else if let Some((_, changes)) = answers.choices.first() {
        for c in changes {
            apply(case, rows, *c);
        }
    }
}

/// A pump of which nothing is charted but that there was one.
const UNKNOWN_PUMP: PumpUse = PumpUse { kind: None, event: None, owner: None };

fn apply(case: &mut Case, rows: &[Ix], change: Change) {
    let first_start = rows.iter().find_map(|&r| case.rows[r as usize].start);
    let last_stop = rows.iter().filter_map(|&r| case.rows[r as usize].stop).max();
    match change {
        Change::Age(years) => case.age_years = Some(years),
        Change::LeftAtStop => case.departure = last_stop.or(case.departure),
        _ => {}
    }
    let apart = match change {
        Change::Apart(_) => apart(case, rows),
        _ => 0,
    };
    for &r in rows {
        let device = match change {
            Change::Device(kind) => {
                case.accesses.push(AccessState { kind: Some(kind), needed: false });
                Some(case.accesses.len() as u32 - 1)
            }
            _ => None,
        };
        let row = &mut case.rows[r as usize];
        match change {
            Change::Method(m) => row.method = Some(m),
            Change::Reason(reason) => row.reason = reason,
            Change::Rate(rate) => row.rate = Some(rate),
            Change::Volume(volume) => row.volume = Some(volume),
            Change::VolumeAndRate(volume, rate) => {
                row.volume = row.volume.or(Some(volume));
                row.rate = row.rate.or(Some(rate));
            }
            Change::Attended(yes) => row.attended = Some(yes),
            Change::Route(route) => row.route = route,
            Change::Treatment => row.purpose_stated = true,
            Change::Purpose(purpose) => {
                row.purpose = purpose;
                row.purpose_stated = true;
            }
            Change::Counselling(yes) => row.counselling = Some(yes),
            Change::Lesions(n) => row.lesions = Some(n),
            Change::Components(n) => row.components = Some(n),
            Change::Vaccine(kind) => row.vaccine = Some(kind),
            Change::Owner(owner) => row.pump = Some(PumpUse { owner: Some(owner), ..row.pump.unwrap_or(UNKNOWN_PUMP) }),
            Change::Pump(kind) => row.pump = Some(PumpUse { kind: Some(kind), ..row.pump.unwrap_or(UNKNOWN_PUMP) }),
            Change::Planned(minutes) => row.planned = Some(minutes),
            Change::Device(_) => row.access = device.unwrap_or(row.access),
            Change::StopAfter(m) => {
                row.stop = row.start.or(first_start).map(|s| s + m);
                row.stop_source = StopSource::Charted;
            }
            Change::StartBefore(m) => row.start = row.stop.or(last_stop).map(|s| s - m),
            Change::Apart(m) => {
                row.start = Some(apart);
                row.stop = (m > 0).then_some(apart + m);
                row.stop_source = StopSource::Charted;
            }
            Change::At(at) => row.start = Some(at),
            Change::Age(_) | Change::LeftAtStop => {}
        }
    }
}

/// A minute of the day after all that is charted on it.
fn apart(case: &Case, rows: &[Ix]) -> Minute {
    let day = case.rows[rows[0] as usize].day;
    let last = case
        .rows
        .iter()
        .filter(|r| r.day == day)
        .flat_map(|r| [r.start, r.stop])
        .flatten()
        .max()
        .unwrap_or_else(|| case.clock.midnight(day));
    last + 60
}
