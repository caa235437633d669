//! Why, in words: the rule's own sentence and what was measured.

use dripline::case::Ix;
use dripline::coding::DrugLine;
use dripline::proof::{ProvedLine, ProvedRow};
use dripline::record::{Assumed, Fact, Proof};
use dripline::rule::RuleId;

use super::Ready;

/// Why a further new drug earns nothing under `palmetto_second_drug`.
const WITHIN_THE_HOUR: &str = "By the policy in force a further new drug earns no code while its minutes and those of \
                               the initial infusion together stay within an hour.";

/// What an office's initial service rests on where the chart does not say why the patient came.
const BY_RANK: &str = "No reason that decides is charted, so that the highest-ranked one was taken.";

/// Why a line stands.
pub(super) fn line(ready: &Ready, proved: &ProvedLine, rec: &Proof) -> String {
    let mut text = String::new();
    if let Some(first) = proved.rules.first() {
        add(&mut text, first.page().why);
        let by_rank = |a: &(Ix, Assumed)| a.1 == Assumed::InitialByRank && proved.rows.contains(&a.0);
        if *first == RuleId::OfficeInitialIsReason && rec.assumed.iter().any(by_rank) {
            add(&mut text, BY_RANK);
        }
    }
    // A modifier that names a distinct service has a reason of its own.
    for rule in [RuleId::SecondSiteSecondInitial, RuleId::SeparateEncounterSameDay] {
        if proved.rules.iter().skip(1).any(|r| *r == rule) {
            add(&mut text, rule.page().why);
        }
    }
    if let Some(minutes) = proved.minutes {
        add(&mut text, &format!("Minutes counted: {minutes}."));
    }
    let mut told: Vec<RuleId> = proved.rules.first().copied().into_iter().collect();
    for &(row, rule, fact) in &proved.facts {
        if !matches!(fact, Fact::Gap { .. } | Fact::Shared { .. } | Fact::At(_)) {
            continue;
        }
        if !told.contains(&rule) {
            told.push(rule);
            add(&mut text, rule.page().why);
        }
        let sentence = self::fact(ready, Some(row), fact);
        if !text.contains(&sentence) {
            add(&mut text, &sentence);
        }
    }
    text
}

/// Why an administration stands in no line.
pub(super) fn unreported(ready: &Ready, proved: &ProvedRow, drug: Option<&DrugLine>) -> String {
    let mut text = String::new();
    if let Some(&first) = proved.rules.first() {
        // The rule gives a new drug its code; a policy that withholds it is why the administration stands here.
        let withheld = first == RuleId::SequentialNewDrug;
        add(&mut text, if withheld { WITHIN_THE_HOUR } else { first.page().why });
    }
    add(&mut text, &fact(ready, None, proved.fact));
    if let Some(line) = drug {
        let doses = match line.administrations.len() {
            1 => "Its dose is".to_owned(),
            2 => "Both doses are".to_owned(),
            n => format!("All {n} doses are"),
        };
        add(&mut text, &format!("{doses} on the drug line ({} x{}).", line.hcpcs, line.units));
    }
    text
}

/// What was measured, as a sentence; empty where the rule's own sentence says it all.
pub(super) fn fact(ready: &Ready, row: Option<Ix>, fact: Fact) -> String {
    let id = |i: Ix| &ready.resolved.ids[i as usize];
    let who = match row {
        Some(row) => format!("Administration {} ", id(row)),
        None => "It ".to_owned(),
    };
    match fact {
        Fact::None | Fact::Count(_) => String::new(),
        Fact::Minutes(m) => format!("Minutes: {m}."),
        Fact::Gap { minutes, other } if minutes < 0 => {
            format!("{who}was given while administration {} ran.", id(other))
        }
        Fact::Gap { minutes, other } => format!("Minutes since administration {}: {minutes}.", id(other)),
        Fact::Shared { minutes, of, other } => {
            format!("{who}shared {minutes} of its {of} minutes with administration {}.", id(other))
        }
        Fact::Other(other) => format!("See administration {}.", id(other)),
        Fact::At(minute) => format!("The limit is {}.", ready.resolved.case.clock.show(minute)),
    }
}

fn add(text: &mut String, sentence: &str) {
    if sentence.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(sentence);
}
