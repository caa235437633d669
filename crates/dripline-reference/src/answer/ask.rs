//! The questions as a clinician reads them: chart facts and neutral choices, nothing of codes or money.

use dripline::case::Ix;
use dripline::chart::Administration;
use dripline::record::Field;
use dripline::rule::RuleId;

use super::Ready;

const REST: &str = "it cannot be determined; other: ____";

/// The contract's key that the answer fills.
pub(super) fn key(ready: &Ready, field: Field, row: Ix) -> String {
    let access = || match &ready.chart.administrations[row as usize].access {
        Some(id) => format!("accesses.{id}.kind"),
        None => "access".to_owned(),
    };
    match field {
        Field::Stop | Field::StopAfterDeparture | Field::LongRun | Field::Impossible => "stop".to_owned(),
        Field::Start => "start".to_owned(),
        Field::Method | Field::Unlisted => "method".to_owned(),
        Field::Indication => "indication".to_owned(),
        Field::Rate => "rate".to_owned(),
        Field::Volume => "volume".to_owned(),
        Field::Attended => "attended".to_owned(),
        Field::Route => "route".to_owned(),
        Field::Purpose | Field::LowValue => "purpose".to_owned(),
        Field::Counselling => "counselling".to_owned(),
        Field::Age => "age_years".to_owned(),
        Field::Lesions => "lesions".to_owned(),
        Field::Components => "components".to_owned(),
        Field::VaccineKind => "drug".to_owned(),
        Field::PumpOwner => "pump.owner".to_owned(),
        Field::PumpKind => "pump.kind".to_owned(),
        Field::PlannedMinutes => "planned_minutes".to_owned(),
        Field::AccessKind => access(),
    }
}

/// The question about some administrations.
pub(super) fn ask(ready: &Ready, field: Field, rule: RuleId, rows: &[Ix]) -> String {
    let what =
        list(rows.iter().map(|&r| describe(&ready.chart.administrations[r as usize], &ready.resolved.ids[r as usize])));
    let first = &ready.chart.administrations[rows[0] as usize];
    let charted =
        |key: &str, value: Option<String>| value.map_or(String::new(), |v| format!(" The charted {key} is {v}."));
    match field {
        Field::Stop => {
            let seen = match first.stop_source {
                Some(dripline::chart::StopSource::Expected) => charted("expected stop", first.stop.map(clock)),
                Some(dripline::chart::StopSource::LastSeen) => charted("time it was last seen running", first.stop.map(clock)),
                _ => String::new(),
            };
            format!("{what}: the chart holds no stop.{seen} When did it stop? Choices: it stopped at ____; {REST}")
        }
        Field::Start if rule == RuleId::MissingBoth => format!(
            "{what}: the chart holds neither start nor stop. How was it given, and when did it start and stop? Choices: by hand at ____; as an infusion from ____ to ____; {REST}"
        ),
        Field::Start => format!("{what}: the chart holds no start. When was it started or given? Choices: at ____; {REST}"),
        Field::Method => format!(
            "{what}: the chart does not say how it was given. How was it given? Choices: by hand at ____; as an infusion from ____ to ____; {REST}"
        ),
        Field::Unlisted => format!(
            "{what}: please describe how and where it was given. Choices: as charted, namely ____; by another route, namely ____; {REST}"
        ),
        Field::Indication => {
            let given = list(rows.iter().filter_map(|&r| ready.chart.administrations[r as usize].indication.clone()).map(|i| format!("“{i}”")));
            let given = match given.is_empty() {
                true => "the chart gives no reason".to_owned(),
                false => format!("the chart gives {given} as the reason"),
            };
            format!(
                "{what}: {given}. What was it given for? Choices: it was given for ____; for no reason beyond what is charted; {REST}"
            )
        }
        Field::Rate => match &first.rate {
            Some(rate) => format!(
                "{what}: the charted rate is {rate}. At what rate did it run? Choices: at the charted rate; at ____; {REST}"
            ),
            None => format!(
                "{what}: the chart holds no rate.{} At what rate did it run? Choices: at ____; {REST}",
                charted("volume", first.volume.clone())
            ),
        },
        Field::Volume => format!(
            "{what}: the chart does not hold both volume and rate. What volume ran, and at what rate? Choices: ____ at ____; {REST}"
        ),
        Field::Attended => format!(
            "{what}: charted as a push{}. How was it given? Choices: by hand, with the clinician present throughout; as an infusion; {REST}",
            match (first.start, first.stop) {
                (Some(a), Some(b)) => format!(" from {} to {}", clock(a), clock(b)),
                _ => String::new(),
            }
        ),
        Field::Route => format!("{what}: the chart holds no route. By which route was it given? Choices: by ____; {REST}"),
        Field::Purpose => format!(
            "{what}: the chart does not say what it was given for. What was it given for? Choices: as part of a procedure, namely ____; for another reason, namely ____; {REST}"
        ),
        Field::LowValue => format!(
            "{what}: it was added to a fluid. What was it given for? Choices: for a laboratory value, namely ____; as part of the fluid; {REST}"
        ),
        Field::Counselling => format!(
            "{what}: the chart does not say whether a clinician counselled the patient or family that day. Did one? Choices: yes, namely ____; no; {REST}"
        ),
        Field::Age => "The record does not state the patient's age on the date of service. What was it? Choices: ____ years; it cannot be determined; other: ____".to_owned(),
        Field::Lesions => format!("{what}: the chart does not hold the number of lesions. How many were injected? Choices: ____; {REST}"),
        Field::Components => {
            format!("{what}: the number of components of this vaccine is not known here. How many has it? Choices: ____; {REST}")
        }
        Field::VaccineKind => format!("{what}: it is not known here what this vaccine is against. What is it? Choices: against ____; {REST}"),
        Field::PumpOwner => format!(
            "{what}: whose pump was used? Choices: the clinic's; the hospital's; a supplier's; {REST}"
        ),
        Field::PumpKind => format!(
            "{what}: which kind of pump was used? Choices: a portable one; an implanted one; one standing beside the patient; none; {REST}"
        ),
        Field::PlannedMinutes => format!("{what}: the chart does not hold the planned run time of the pump. For how long was it planned to run? Choices: for ____; {REST}"),
        Field::AccessKind => format!(
            "{what}: which device was flushed? Choices: a peripheral line; a port; a central line placed through the arm; another central line; {REST}"
        ),
        Field::StopAfterDeparture => format!(
            "{what}:{}{} When did it stop, and when did the patient leave? Choices: it stopped at ____ and the patient left at ____; {REST}",
            charted("stop", first.stop.map(clock)),
            charted("departure", ready.chart.departure.map(clock)),
        ),
        Field::LongRun | Field::Impossible => format!(
            "{what}:{}{} When did it start and stop? Choices: as charted; from ____ to ____; {REST}",
            charted("start", first.start.map(clock)),
            charted("stop", first.stop.map(clock)),
        ),
    }
}

fn clock(t: dripline::chart::ChartTime) -> String {
    let t = dripline::chart::ChartTime { offset: None, ..t }.to_string();
    let (date, clock) = t.split_once('T').unwrap_or((&t, ""));
    [clock, " on ", date].concat()
}

/// One administration in words of the chart.
pub(crate) fn describe(a: &Administration, id: &str) -> String {
    let mut text = match &a.drug {
        Some(drug) => drug.clone(),
        None => format!("The drug given as entry {id}"),
    };
    if let Some(dose) = &a.dose {
        text.push(' ');
        text.push_str(dose);
    }
    if let Some(start) = a.start {
        text.push_str(", started ");
        text.push_str(&clock(start));
    } else if let Some(date) = a.date {
        text.push_str(&format!(", given on {date}"));
    }
    text
}

fn list(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<_> = items.collect();
    items.dedup();
    match items.len() {
        0 => String::new(),
        1 => items.remove(0),
        _ => {
            let last = items.pop().unwrap_or_default();
            format!("{} and {last}", items.join("; "))
        }
    }
}
