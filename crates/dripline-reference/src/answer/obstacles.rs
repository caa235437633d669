//! Why a case does not earn a code. There is no second set of rules: what is told here was recorded by the run.

use dripline::case::Ix;
use dripline::chart::Setting;
use dripline::code::Code;
use dripline::policy::{Part, Switch};
use dripline::record::{Codes, Fact, Proof};
use dripline::rule::RuleId;
use dripline::{SmolStr, Workspace};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Coder, Engine, Options, Ready, prose};
use crate::lines::drug_lines;
use crate::resolve::ChartError;

/// Why a code is or is not earned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhyNot {
    /// The case.
    pub case: String,
    /// The code asked about.
    pub code: String,
    /// Whether the case earns it.
    pub earned: bool,
    /// What stands in the way, nearest first; for an earned code the lines that earn it.
    pub obstacles: Vec<Obstacle>,
}

/// One thing that stands in the way of a code, or one line that earns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Obstacle {
    /// Ids of the administrations.
    pub administrations: Vec<SmolStr>,
    /// Ids of the rules.
    pub rules: Vec<SmolStr>,
    /// What the chart shows.
    pub why: String,
    /// What the rule needs; empty for an earned code.
    pub needs: String,
}

/// Five characters as CPT and HCPCS write them.
fn well_formed(code: &str) -> bool {
    let b = code.as_bytes();
    b.len() == 5
        && (b[0].is_ascii_digit() || b[0].is_ascii_uppercase())
        && b[1..4].iter().all(u8::is_ascii_digit)
        && (b[4].is_ascii_digit() || b[4].is_ascii_uppercase())
}

pub(super) fn why_not(coder: &Coder, ready: &Ready, code: &str, options: &Options) -> Result<WhyNot, ChartError> {
    let code = code.trim().to_ascii_uppercase();
    if !well_formed(&code) {
        return Err(ChartError {
            path: "code".to_owned(),
            message: format!("`{}` is not a code", code.chars().take(40).collect::<String>()),
            help: "a CPT or HCPCS code has five characters, as 96375 or J2405".to_owned(),
        });
    }
    let engine = Engine::new(options);
    let (mut ws, mut rec) = (Workspace::default(), Proof::default());
    let case = &ready.resolved.case;
    engine.run(case, &ready.policy, &mut ws, &mut rec);
    let answer = |earned, obstacles| Ok(WhyNot { case: ready.name.clone(), code: code.clone(), earned, obstacles });
    let ids = |rows: &[Ix]| rows.iter().map(|&r| ready.resolved.ids[r as usize].clone()).collect::<Vec<_>>();
    if let Some(wanted) = Code::from_name(&code) {
        let proved = dripline::proof::prove(case, &ready.policy, &ws, &rec);
        let earned: Vec<_> = proved
            .lines
            .iter()
            .filter(|l| l.line.code == wanted)
            .map(|l| Obstacle {
                administrations: ids(&l.rows),
                rules: l.rules.iter().map(|r| r.as_str().into()).collect(),
                why: format!("{code} x{} on {}. {}", l.line.units, l.line.day, prose::line(ready, l, &rec)),
                needs: String::new(),
            })
            .collect();
        if !earned.is_empty() {
            return answer(true, earned);
        }
        return answer(false, obstacles(ready, engine, wanted, &rec, &mut ws));
    }
    if let Some(s) = ready.chart.services.iter().position(|s| s.code == code) {
        let verdict = ws.services[s];
        let kept = verdict.kind != dripline::VerdictKind::Included;
        let rules: Vec<_> = verdict.rule.iter().map(|r| r.as_str().into()).collect();
        let why = verdict.rule.map_or("It is listed, and no rule of drug administration touches it.", |r| r.page().why);
        let needs = if kept { "" } else { verdict.rule.map_or("", |r| r.page().needs) };
        let one = Obstacle { administrations: Vec::new(), rules, why: why.to_owned(), needs: needs.to_owned() };
        return answer(kept, vec![one]);
    }
    let drugs = drug_lines(ready.chart, &ready.resolved, &ready.policy, &coder.formulary);
    let earned: Vec<_> = drugs
        .lines
        .iter()
        .filter(|d| d.hcpcs == code)
        .map(|d| Obstacle {
            administrations: d.administrations.clone(),
            rules: d.rules.clone(),
            why: format!("{code} x{} on {}. {}", d.units, d.date, d.why),
            needs: String::new(),
        })
        .collect();
    if !earned.is_empty() {
        return answer(true, earned);
    }
    answer(
        false,
        vec![Obstacle {
            administrations: Vec::new(),
            rules: Vec::new(),
            why: format!(
                "{code} is neither a code that these rules decide nor the code of a drug on this case's drug lines."
            ),
            needs: "a drug whose code it is, with a dose, or a service that is listed in the case".to_owned(),
        }],
    )
}

fn obstacles(ready: &Ready, engine: Engine, wanted: Code, rec: &Proof, ws: &mut Workspace) -> Vec<Obstacle> {
    let id = |row: Ix| ready.resolved.ids[row as usize].clone();
    let mut found: Vec<Obstacle> = Vec::new();
    let mut seen: Vec<(Ix, RuleId)> = Vec::new();
    // What was held against a number of minutes came nearest; else the later a step recorded the obstacle, the further
    // the administration had come.
    let mut blocked: Vec<_> = rec.blocked.iter().rev().filter(|b| b.1 == wanted).collect();
    blocked.sort_by_key(|b| !measured(b.3));
    for &(row, _, rule, fact) in blocked {
        if seen.contains(&(row, rule)) {
            continue;
        }
        seen.push((row, rule));
        found.push(Obstacle {
            administrations: vec![id(row)],
            rules: vec![rule.as_str().into()],
            why: shows(ready, rule, fact),
            needs: needs(wanted, rule).to_owned(),
        });
    }
    let setting = match wanted {
        Code::N96376 | Code::C8957 if ready.resolved.case.setting == Setting::Office => Some(RuleId::FacilityOnly),
        _ => None,
    };
    if let Some(rule) = setting
        && !found.iter().any(|o| o.rules.iter().any(|r| r == rule.as_str()))
    {
        found.push(Obstacle {
            administrations: Vec::new(),
            rules: vec![rule.as_str().into()],
            why: rule.page().why.to_owned(),
            needs: rule.page().needs.to_owned(),
        });
    }
    found.extend(readings(ready, engine, wanted, rec, ws));
    if found.is_empty() {
        found.push(Obstacle {
            administrations: Vec::new(),
            rules: Vec::new(),
            why: "Nothing in the chart came near this code.".to_owned(),
            needs: wanted.needs().to_owned(),
        });
    }
    found
}

/// Had the administration minutes towards the code?
fn measured(fact: Fact) -> bool {
    matches!(fact, Fact::Minutes(1..) | Fact::Shared { minutes: 1.., .. } | Fact::Gap { .. } | Fact::At(_))
}

/// Readings under which the case would earn the code.
fn readings(ready: &Ready, engine: Engine, wanted: Code, rec: &Proof, ws: &mut Workspace) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let mut policy = ready.policy.clone();
    for switch in Switch::ALL.iter().copied().filter(|s| s.part() == Part::Codes && rec.has_consulted(*s)) {
        let own = policy.get(switch);
        for value in switch.documented() {
            if value == own || policy.set(switch, &value).is_err() {
                continue;
            }
            engine.run(&ready.resolved.case, &policy, ws, &mut Codes);
            if ws.lines.iter().any(|l| l.code == wanted) {
                let rules = RuleId::ALL.iter().filter(|r| r.page().switches.contains(&switch.name()));
                found.push(Obstacle {
                    administrations: Vec::new(),
                    rules: rules.map(|r| r.as_str().into()).collect(),
                    why: format!("The policy in use reads `{}` as `{own}`.", switch.name()),
                    needs: format!("a policy that reads `{}` as `{value}`", switch.name()),
                });
            }
        }
        let _ = policy.set(switch, &own);
    }
    found
}

/// What would earn the code. A repeat's own rule tells what a repeat needs, and that of a concurrent run what makes it
/// concurrent, which is not what a new drug's code needs.
fn needs(wanted: Code, rule: RuleId) -> &'static str {
    let new_drug = matches!(wanted, Code::N96375 | Code::N96411);
    let repeat = matches!(
        rule,
        RuleId::SamePushAgainFacility
            | RuleId::SamePushAgainOffice
            | RuleId::SameChemoPushAgain
            | RuleId::InfusionThenSameDrugPush
            | RuleId::PushThenSameDrugInfusion
    );
    let timed =
        wanted != Code::N96368 && matches!(rule, RuleId::ConcurrentDefinition | RuleId::ConcurrentChemoWithChemo);
    if timed || (new_drug && repeat) { wanted.needs() } else { rule.page().needs }
}

fn shows(ready: &Ready, rule: RuleId, fact: Fact) -> String {
    let measured = prose::fact(ready, None, fact);
    match measured.is_empty() {
        true => rule.page().why.to_owned(),
        false => format!("{} {measured}", rule.page().why),
    }
}
