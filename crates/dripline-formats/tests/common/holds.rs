//! What holds of every answer, whatever the chart. Each function returns what does not hold, in words.

use std::collections::{BTreeMap, BTreeSet};

use dripline::SmolStr;
use dripline::chart::{Chart, Setting, SwitchValue};
use dripline::code::Code;
use dripline::coding::{Certainty, Coding, Fate, Line, MinuteSpan, Outcome, ShortLine};
use dripline::policy::{Part, Switch};
use dripline_formats::text::{self, Style};
use dripline_formats::{csv, json, worksheet};
use dripline_reference::{ChartError, Coder, Options};

use super::charts::ingredient;

/// What does not hold.
pub type Broken = Vec<String>;

/// Options that run no other readings.
pub fn plain() -> Options {
    Options { alternatives: false, ..Options::default() }
}

/// A refusal says where, what, and how to mend it.
pub fn refusal(error: &ChartError) -> Broken {
    let parts = [("path", &error.path), ("message", &error.message), ("help", &error.help)];
    parts
        .iter()
        .filter(|(_, text)| text.is_empty())
        .map(|(part, _)| format!("a refusal without {part}: {error:?}"))
        .collect()
}

fn ids(chart: &Chart) -> Vec<String> {
    chart.administrations.iter().enumerate().map(|(i, a)| a.id_at(i)).collect()
}

fn short(lines: &[Line]) -> Vec<ShortLine> {
    lines.iter().map(Line::short).collect()
}

/// Lines in an order of their own, so that two results can be compared.
fn sorted(lines: &[ShortLine]) -> Vec<String> {
    let mut out: Vec<String> = lines.iter().map(json::line).collect();
    out.sort();
    out
}

/// What needs only the chart and its answer.
pub fn shape(chart: &Chart, coding: &Coding) -> Broken {
    let mut broken = Vec::new();
    conservation(chart, coding, &mut broken);
    minutes(chart, coding, &mut broken);
    counted_once(chart, coding, &mut broken);
    caps(chart, coding, &mut broken);
    questions(coding, &mut broken);
    broken
}

/// Every administration stands in a line or exactly once in what is unreported.
fn conservation(chart: &Chart, coding: &Coding, broken: &mut Broken) {
    let known: BTreeSet<SmolStr> = ids(chart).into_iter().map(SmolStr::from).collect();
    let in_lines: BTreeSet<&SmolStr> = coding.lines.iter().flat_map(|l| &l.administrations).collect();
    for id in &known {
        let out = coding.unreported.iter().filter(|u| u.administration == *id).count();
        if (usize::from(in_lines.contains(id)) + out) != 1 {
            broken.push(format!(
                "{id} stands in {} lines and {out} times unreported",
                usize::from(in_lines.contains(id))
            ));
        }
    }
    let named = in_lines.into_iter().chain(coding.unreported.iter().map(|u| &u.administration));
    for id in named.chain(coding.minutes.iter().map(|m| &m.administration)) {
        if !known.contains(id) {
            broken.push(format!("{id} is nobody's id"));
        }
    }
    let mut keys = BTreeSet::new();
    for l in &coding.lines {
        if l.units == 0 || l.administrations.is_empty() || l.rules.is_empty() || l.why.is_empty() {
            broken.push(format!("a line without units, administrations, rules or reason: {l:?}"));
        }
        if !keys.insert((&l.code, l.date, &l.modifiers)) {
            broken.push(format!("two lines of {} on {} with {:?}", l.code, l.date, l.modifiers));
        }
        let unique: BTreeSet<_> = l.administrations.iter().collect();
        if unique.len() != l.administrations.len() {
            broken.push(format!("{} names an administration twice", l.code));
        }
    }
    for u in &coding.unreported {
        if u.rules.is_empty() || u.why.is_empty() {
            broken.push(format!("{} is unreported without a rule or a reason", u.administration));
        }
    }
}

fn civil(span: &MinuteSpan) -> (i64, i64) {
    let minute = |t: dripline::chart::ChartTime| t.civil_minutes() - i64::from(t.offset.unwrap_or(0));
    (minute(span.start), minute(span.stop))
}

/// Spans follow each other without gaps, none is empty, and each has one fate.
fn minutes(chart: &Chart, coding: &Coding, broken: &mut Broken) {
    let known = ids(chart);
    let mut last = None;
    for m in &coding.minutes {
        let at = known.iter().position(|id| *id == m.administration);
        if at <= last && last.is_some() {
            broken.push(format!("minutes of {} are out of order or told twice", m.administration));
        }
        last = at;
        if m.spans.is_empty() {
            broken.push(format!("{} has no minutes and is told to have some", m.administration));
        }
        // Shown in wall-clock time, an hour that the clocks change is not there or there twice.
        if chart.time_zone.is_none() {
            for (a, b) in m.spans.iter().map(|s| (civil(s), s)).map(|((a, b), _)| (a, b)) {
                if a >= b {
                    broken.push(format!("{}: an empty span {a}..{b}", m.administration));
                }
            }
            for pair in m.spans.windows(2) {
                if civil(&pair[0]).1 != civil(&pair[1]).0 {
                    broken.push(format!("{}: a gap or an overlap at {}", m.administration, pair[0].stop));
                }
            }
        }
        for pair in m.spans.windows(2) {
            if (pair[0].fate, &pair[0].by) == (pair[1].fate, &pair[1].by) {
                broken.push(format!("{}: one fate in two spans at {}", m.administration, pair[0].stop));
            }
        }
        for s in &m.spans {
            let by = s.by.as_deref().unwrap_or("");
            let good = match s.fate {
                Fate::Counted => {
                    coding.lines.iter().any(|l| l.code == by && l.administrations.contains(&m.administration))
                }
                Fate::Overlapped => by != m.administration && known.iter().any(|id| id == by),
                Fate::Paused => s.by.is_none(),
                Fate::Excluded => dripline::rule::RuleId::from_name(by).is_some(),
            };
            if !good {
                broken.push(format!("{}: minutes {} by `{by}`", m.administration, s.fate));
            }
        }
    }
}

/// Codes that are earned by the clock, by vein.
const TIMED: &[&str] = &["96360", "96361", "96365", "96366", "96367", "96413", "96415", "96417"];

fn value<'c>(coding: &'c Coding, switch: &str) -> Option<&'c SwitchValue> {
    coding.rule_set.policy.get(switch)
}

fn is(coding: &Coding, switch: &str, word: &str) -> bool {
    value(coding, switch) == Some(&SwitchValue::Word(word.to_owned()))
}

fn visit(chart: &Chart, i: usize) -> &str {
    chart.administrations[i].visit.as_deref().unwrap_or("1")
}

/// May rows of this case stand at more than one site of a visit?
fn sites(chart: &Chart) -> usize {
    let needed = |id: &str| {
        chart.accesses.get(id).is_some_and(|a| a.needed_because.as_deref().is_some_and(|n| !matches!(n, "" | "no")))
    };
    let used: BTreeSet<&str> =
        chart.administrations.iter().filter_map(|a| a.access.as_deref()).filter(|id| needed(id)).collect();
    1 + used.len()
}

/// At one site no minute supports the timed codes of two drugs.
fn counted_once(chart: &Chart, coding: &Coding, broken: &mut Broken) {
    // A payer that keeps overlapping minutes, or that gives chemotherapy a floor, counts minutes twice by its reading.
    let profile = ["medicare-palmetto"].contains(&coding.profile.as_str());
    if sites(chart) > 1
        || profile
        || is(coding, "overlap_minutes", "keep")
        || is(coding, "chemo_concurrent", "sequential")
        || is(coding, "midnight_initial", "cpt2012")
    {
        return;
    }
    let known = ids(chart);
    let mut spans: Vec<(i64, i64, usize)> = Vec::new();
    for m in &coding.minutes {
        let Some(i) = known.iter().position(|id| *id == m.administration) else { continue };
        for s in &m.spans {
            if s.fate == Fate::Counted && s.by.as_deref().is_some_and(|by| TIMED.contains(&by)) {
                let (a, b) = civil(s);
                spans.push((a, b, i));
            }
        }
    }
    let of = |i: usize| &chart.administrations[i];
    for (n, a) in spans.iter().enumerate() {
        for b in &spans[n + 1..] {
            let meet = a.0.max(b.0) < a.1.min(b.1) && visit(chart, a.2) == visit(chart, b.2) && a.2 != b.2;
            let mates = of(a.2).bag.is_some() && of(a.2).bag == of(b.2).bag;
            let tied = of(a.2).same_dose_as.is_some() || of(b.2).same_dose_as.is_some();
            let name = |i: usize| of(i).drug.as_deref().and_then(ingredient);
            if meet && !mates && !tied && name(a.2) != name(b.2) {
                broken.push(format!("{} and {} both count minutes from {}", known[a.2], known[b.2], a.0.max(b.0)));
            }
        }
    }
}

fn units(coding: &Coding, codes: &[&str]) -> u32 {
    coding.lines.iter().filter(|l| codes.contains(&l.code.as_str())).map(|l| l.units).sum()
}

/// One initial service for each access and visit; codes that are reported once; codes of a hospital alone.
fn caps(chart: &Chart, coding: &Coding, broken: &mut Broken) {
    let visits: BTreeSet<&str> = (0..chart.administrations.len()).map(|i| visit(chart, i)).collect();
    let most = u32::try_from(visits.len()).unwrap_or(u32::MAX);
    let initial = units(coding, &["96360", "96365", "96374", "96409", "96413"]);
    let places = most * u32::try_from(sites(chart)).unwrap_or(1);
    if !is(coding, "midnight_initial", "cpt2012") && initial > places {
        broken.push(format!("{initial} initial services in {places} visits and sites"));
    }
    let by_date = is(coding, "concurrent_limit", "date");
    if !by_date && units(coding, &["96368"]) > most {
        broken.push(format!("96368 x{} in {most} visits", units(coding, &["96368"])));
    }
    for code in ["96369", "96371"] {
        if units(coding, &[code]) > most {
            broken.push(format!("{code} x{} in {most} visits", units(coding, &[code])));
        }
    }
    if coding.setting == Setting::Office && units(coding, &["96376", "C8957"]) > 0 {
        broken.push("a hospital's code in an office".to_owned());
    }
    // What only adds to an hour has the hour.
    let pairs: &[(&[&str], &[&str])] = &[
        (&["96415"], &["96413", "96417"]),
        (&["96370", "96371"], &["96369"]),
        (&["96423"], &["96422"]),
        (&["90461"], &["90460"]),
        (&["90472"], &["90471", "90473"]),
    ];
    for (added, parents) in pairs {
        if units(coding, added) > 0 && units(coding, parents) == 0 {
            broken.push(format!("{added:?} without {parents:?}"));
        }
    }
}

fn differs(coding: &Coding, outcome: &Outcome) -> bool {
    let lines = sorted(&outcome.lines) != sorted(&short(&coding.lines));
    let drugs: Vec<ShortLine> = coding.drug_lines.iter().map(dripline::coding::DrugLine::short).collect();
    lines || outcome.services.is_some() || outcome.drug_lines.as_ref().is_some_and(|d| *d != drugs)
}

/// A question has answers of which some change the result, and is neutral.
fn questions(coding: &Coding, broken: &mut Broken) {
    for q in &coding.queries {
        if !q.outcomes.iter().any(|o| differs(coding, o)) {
            broken.push(format!(
                "no answer to the question of {:?} about {} changes anything",
                q.administrations, q.field
            ));
        }
        let words = q.ask.split(|c: char| !c.is_ascii_alphanumeric());
        for word in words {
            let b = word.as_bytes();
            let hcpcs = b.len() == 5 && b[0].is_ascii_uppercase() && b[1..].iter().all(u8::is_ascii_digit);
            if Code::from_name(word).is_some() || hcpcs {
                broken.push(format!("a question with the code {word}: {}", q.ask));
            }
        }
        for money in ["$", "paid", "bill", "unit", "threshold", "code"] {
            // What the chart itself says may stand in a question, as `5000 units`.
            if q.ask.to_lowercase().replace("5000 units", "").contains(money) {
                broken.push(format!("a question with `{money}`: {}", q.ask));
            }
        }
    }
}

/// What is written reads back, and every interface says the same.
pub fn interfaces(coder: &Coder, chart: &Chart, coding: &Coding) -> Broken {
    let mut broken = Vec::new();
    let line = json::line(coding);
    match serde_json::from_str::<Coding>(&line) {
        Ok(back) if back == *coding => {}
        Ok(_) => broken.push("the answer reads back as another one".to_owned()),
        Err(e) => broken.push(format!("the answer does not read back: {e}")),
    }
    if !matches!(serde_json::from_str::<Coding>(&json::pretty(coding)), Ok(back) if back == *coding) {
        broken.push("the answer on several lines reads back as another one".to_owned());
    }
    match json::chart_from_str("chart", &json::line(chart)) {
        Ok(back) if back == *chart => {}
        other => broken.push(format!("the chart does not read back: {other:?}")),
    }
    let sheet = worksheet::write(chart);
    match worksheet::parse_one(&sheet) {
        Err(problem) => broken.push(format!("the worksheet does not read back:\n{problem}")),
        Ok(parsed) if parsed.chart != *chart => {
            broken.push(format!("the worksheet reads back as another chart:\n{sheet}"))
        }
        Ok(parsed) => match coder.code(&parsed.chart, 1, &parsed.assumptions, &plain()) {
            Ok(again) => {
                let first = coder.code(chart, 1, &[], &plain()).map(|c| json::line(&c));
                if first.as_ref().ok() != Some(&json::line(&again)) {
                    broken.push(format!("the worksheet is coded otherwise:\n{sheet}"));
                }
            }
            Err(e) => broken.push(format!("the worksheet is refused: {e}")),
        },
    }
    let _ = text::coding(coding, Some(chart), Style::default());
    let rows = csv::rows(coding);
    let wanted = coding.lines.len() + coding.drug_lines.len();
    if rows.lines().count() < wanted {
        broken.push(format!("{} rows of CSV for {wanted} lines", rows.lines().count()));
    }
    broken
}

/// The lines do not depend on what else is worked out beside them.
pub fn alone(coder: &Coder, chart: &Chart, coding: &Coding) -> Broken {
    let mut broken = Vec::new();
    let bare = |lines: &[Line]| -> Vec<Line> {
        lines.iter().cloned().map(|l| Line { certainty: Certainty::NotChecked, ..l }).collect()
    };
    for (what, options) in
        [("--no-alternatives", plain()), ("--no-drug-lines", Options { drug_lines: false, ..Options::default() })]
    {
        match coder.code(chart, 1, &[], &options) {
            Ok(other) => {
                if bare(&other.lines) != bare(&coding.lines) || other.minutes != coding.minutes {
                    broken.push(format!("{what} changes the lines or the minutes"));
                }
                if options.drug_lines && other.drug_lines != coding.drug_lines {
                    broken.push(format!("{what} changes the drug lines"));
                }
                if !options.drug_lines && !other.drug_lines.is_empty() {
                    broken.push(format!("{what} leaves drug lines"));
                }
            }
            Err(e) => broken.push(format!("{what}: refused: {e}")),
        }
    }
    broken
}

/// Every documented reading is run; those that change something are the alternatives, and they say what it earns.
pub fn readings(coder: &Coder, chart: &Chart, coding: &Coding) -> Broken {
    let mut broken = Vec::new();
    let base = coder.code(chart, 1, &[], &plain()).expect("coded before");
    let (lines, drugs) = (sorted(&short(&base.lines)), base.drug_lines.iter().map(|d| json::line(&d.short())));
    let drugs: Vec<String> = drugs.collect();
    let services: Vec<String> = base.services.iter().map(|s| json::line(&s.short())).collect();
    let mut wanted: BTreeMap<(String, String), bool> = BTreeMap::new();
    for switch in Switch::ALL.iter().filter(|s| matches!(s.part(), Part::Codes | Part::Lines | Part::Edits)) {
        for value in switch.documented() {
            let set = vec![(switch.name().to_owned(), value.clone())];
            let options = Options { set, ..plain() };
            let other = match coder.code(chart, 1, &[], &options) {
                Ok(other) => other,
                Err(e) => {
                    broken.push(format!("{}={value}: refused: {e}", switch.name()));
                    continue;
                }
            };
            let other_drugs: Vec<String> = other.drug_lines.iter().map(|d| json::line(&d.short())).collect();
            let other_services: Vec<String> = other.services.iter().map(|s| json::line(&s.short())).collect();
            let changes = sorted(&short(&other.lines)) != lines || other_drugs != drugs || other_services != services;
            let told = coding.alternatives.iter().find(|a| a.switch == switch.name() && a.value == value);
            wanted.insert((switch.name().to_owned(), value.to_string()), changes);
            match (changes, told) {
                (false, None) => {}
                (true, None) => {
                    broken.push(format!("{}={value} changes the case and is no alternative", switch.name()))
                }
                (false, Some(_)) => {
                    broken.push(format!("{}={value} is an alternative and changes nothing", switch.name()));
                }
                (true, Some(told)) => {
                    if told.lines != short(&other.lines) {
                        broken.push(format!(
                            "{}={value}: told {:?}, coded {:?}",
                            switch.name(),
                            told.lines,
                            short(&other.lines)
                        ));
                    }
                    let told_drugs = told.drug_lines.as_ref().map(|d| d.iter().map(json::line).collect::<Vec<_>>());
                    if told_drugs.as_ref().unwrap_or(&drugs) != &other_drugs {
                        broken.push(format!("{}={value}: other drug lines than told", switch.name()));
                    }
                    let told_services = told.services.as_ref().map(|s| s.iter().map(json::line).collect::<Vec<_>>());
                    if told_services.as_ref().unwrap_or(&services) != &other_services {
                        broken.push(format!("{}={value}: other services than told", switch.name()));
                    }
                }
            }
        }
    }
    for l in &coding.lines {
        let hangs: BTreeSet<SmolStr> =
            coding.alternatives.iter().filter(|a| !a.lines.contains(&l.short())).map(|a| a.switch.clone()).collect();
        let told = match &l.certainty {
            Certainty::AllReadings => BTreeSet::new(),
            Certainty::Switches(list) => list.iter().cloned().collect(),
            Certainty::NotChecked => {
                broken.push(format!("{} was not checked", l.code));
                continue;
            }
        };
        if told != hangs {
            broken.push(format!("{}: certainty {told:?}, alternatives say {hangs:?}", l.code));
        }
    }
    broken
}

/// `why-not` says of a code that it is earned exactly where a line earns it.
pub fn why_not(coder: &Coder, chart: &Chart, coding: &Coding, codes: &[&str]) -> Broken {
    let mut broken = Vec::new();
    for code in codes {
        match coder.why_not(chart, 1, code, &Options::default()) {
            Ok(answer) => {
                let earned = coding.lines.iter().any(|l| l.code == **code)
                    || coding.drug_lines.iter().any(|l| l.hcpcs == **code);
                let listed = chart.services.iter().any(|s| s.code == **code);
                if answer.earned != earned && !listed {
                    broken.push(format!("why-not {code}: earned {} and the lines say {earned}", answer.earned));
                }
                if answer.obstacles.is_empty() || answer.obstacles.iter().any(|o| o.why.is_empty()) {
                    broken.push(format!("why-not {code} gives no reason"));
                }
                if !answer.earned && answer.obstacles.iter().any(|o| o.needs.is_empty()) && !listed {
                    broken.push(format!("why-not {code} does not say what the rule needs"));
                }
                let _ = text::why_not(&answer, chart, Style::default());
            }
            Err(e) => broken.push(format!("why-not {code}: refused: {e}")),
        }
    }
    broken
}

/// The answers to one chart with its administrations in two orders are one answer.
pub fn same_but_for_order(a: &Coding, b: &Coding) -> Broken {
    let mut broken = Vec::new();
    let lines = |c: &Coding| -> Vec<(String, Vec<SmolStr>)> {
        let of = |l: &Line| {
            let mut rows = l.administrations.clone();
            rows.sort();
            (json::line(&l.short()), rows)
        };
        c.lines.iter().map(of).collect()
    };
    if lines(a) != lines(b) {
        broken.push(format!("lines: {:?}\n  and: {:?}", lines(a), lines(b)));
    }
    let unreported = |c: &Coding| -> BTreeMap<SmolStr, SmolStr> {
        c.unreported.iter().map(|u| (u.administration.clone(), u.rules[0].clone())).collect()
    };
    if unreported(a) != unreported(b) {
        broken.push(format!("unreported: {:?}\n  and: {:?}", unreported(a), unreported(b)));
    }
    let drugs = |c: &Coding| c.drug_lines.iter().map(|d| json::line(&d.short())).collect::<Vec<_>>();
    if drugs(a) != drugs(b) {
        broken.push(format!("drug lines: {:?}\n  and: {:?}", drugs(a), drugs(b)));
    }
    let services = |c: &Coding| c.services.iter().map(|d| json::line(&d.short())).collect::<Vec<_>>();
    if services(a) != services(b) {
        broken.push(format!("services: {:?}\n  and: {:?}", services(a), services(b)));
    }
    // Which of the mates of a bag another's minutes were overlapped by is a tie: all of them carry the bag's minutes.
    let minutes = |c: &Coding| -> BTreeMap<SmolStr, String> {
        let alike = |by: &SmolStr| {
            let of = |id: &SmolStr| c.minutes.iter().find(|m| m.administration == *id).map(|m| json::line(&m.spans));
            let spans = of(by);
            let mates = c.minutes.iter().filter(|m| spans.is_some() && Some(json::line(&m.spans)) == spans);
            mates.map(|m| m.administration.clone()).min().unwrap_or_else(|| by.clone())
        };
        let settled = |m: &dripline::coding::Minutes| {
            let mut spans = m.spans.clone();
            for span in spans.iter_mut().filter(|s| s.fate == Fate::Overlapped) {
                span.by = span.by.as_ref().map(alike);
            }
            (m.administration.clone(), json::line(&spans))
        };
        c.minutes.iter().map(settled).collect()
    };
    if minutes(a) != minutes(b) {
        broken.push(format!("minutes: {:?}\n  and: {:?}", minutes(a), minutes(b)));
    }
    let alternatives = |c: &Coding| -> Vec<String> { c.alternatives.iter().map(json::line).collect() };
    if alternatives(a) != alternatives(b) {
        broken.push("the alternatives".to_owned());
    }
    let questions = |c: &Coding| -> BTreeSet<String> {
        let of = |q: &dripline::coding::Query| {
            let mut rows = q.administrations.clone();
            rows.sort();
            format!("{rows:?} {}", q.field)
        };
        c.queries.iter().map(of).collect()
    };
    if questions(a) != questions(b) {
        broken.push(format!("questions: {:?}\n  and: {:?}", questions(a), questions(b)));
    }
    broken
}
