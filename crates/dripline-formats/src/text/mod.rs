//! Text that a person reads: the claim first, then what earned nothing, what to ask, and the proof.

mod compare;
mod money;
pub mod names;
pub(crate) mod page;
mod policy;
mod rules;
pub(crate) mod time_line;
mod why_not;

use std::collections::BTreeMap;

use dripline::SmolStr;
use dripline::chart::{Chart, SwitchValue};
use dripline::code::Code;
use dripline::coding::{
    Certainty, ChartDate, Coding, Confidence, DocumentationState, EditKind, Line, Query, ServiceVerdict,
};
use dripline::rule::{Grade, RuleId};

pub use compare::comparison;
pub use money::money;
pub use page::Style;
pub use policy::policy;
pub use rules::{rule_list, rule_page};
pub use why_not::why_not;

use crate::diff::{Answer, differences, phrase};
use names::Names;
use page::{GLUE, Ink, Page};

/// A coding with its proof. With the chart, administrations have names and there is a time line.
#[must_use]
pub fn coding(coding: &Coding, chart: Option<&Chart>, style: Style) -> String {
    let names = Names::new(chart);
    let mut page = Page::new(style);
    let view = View { coding, names: &names, dates: dates(coding).0 != dates(coding).1 };
    view.heading(&mut page);
    view.claim(&mut page);
    view.unreported(&mut page);
    view.queries(&mut page);
    if let Some(chart) = chart {
        time_line::draw(&mut page, coding, chart, &names);
    }
    view.why(&mut page);
    view.alternatives(&mut page);
    view.edits(&mut page);
    view.assumptions(&mut page);
    view.documentation(&mut page);
    page.done()
}

/// The line that ends every output.
#[must_use]
pub fn notice(style: Style) -> String {
    let mut page = Page::new(style);
    page.words(&[], 0, Ink::Faint, dripline::NOTICE);
    page.done()
}

/// The rule between two cases.
#[must_use]
pub fn between(style: Style) -> String {
    let mut page = Page::new(style);
    let rule = if style.ascii { "-" } else { "─" }.repeat(style.width);
    page.line(&[]);
    page.line(&[(Ink::Faint, &rule)]);
    page.line(&[]);
    page.done()
}

struct View<'a> {
    coding: &'a Coding,
    names: &'a Names<'a>,
    /// Lines stand on more than one date.
    dates: bool,
}

impl View<'_> {
    fn heading(&self, page: &mut Page) {
        let c = self.coding;
        let mut about = vec![c.setting.to_string(), format!("policy {}", c.profile)];
        let (first, last) = dates(c);
        match first.zip(last) {
            Some((first, last)) if first == last => about.push(first.to_string()),
            Some((first, last)) => about.push(format!("{first} to {last}")),
            None => {}
        }
        if first != Some(c.rule_set.as_of) {
            about.push(format!("rules of {}", c.rule_set.as_of));
        }
        page.words(
            &[(Ink::Heading, &format!("Case {}", c.case))],
            c.case.chars().count() + 8,
            Ink::Plain,
            &about.join(" · "),
        );
        for (switch, value) in &c.rule_set.policy {
            page.line(&[(Ink::Plain, "  with "), (Ink::Plain, &format!("{switch} = {value}"))]);
        }
        page.blank();
    }

    /// Without the year, which the heading shows, where it is the same for all.
    fn short_date(&self, date: ChartDate) -> String {
        let full = date.to_string();
        let (first, last) = dates(self.coding);
        match first.zip(last).is_some_and(|(a, b)| a.0.year() == b.0.year()) {
            true => full[full.len() - 5..].to_owned(),
            false => full,
        }
    }

    fn claim(&self, page: &mut Page) {
        let c = self.coding;
        let date = |date: &ChartDate| if self.dates { self.short_date(*date) } else { String::new() };
        let plain = |text: String| (Ink::Plain, text);
        let mut rows = Vec::new();
        for l in &c.lines {
            let label = Code::from_name(&l.code).map_or("", Code::label);
            rows.push(vec![
                (Ink::Code, l.code.to_string()),
                plain(l.units.to_string()),
                plain(l.modifiers.join(" ")),
                plain(date(&l.date)),
                plain(label.to_owned()),
                (if hangs(l) { Ink::Alert } else { Ink::Faint }, proof(l)),
                plain(self.names.list(&l.administrations)),
            ]);
        }
        for l in &c.drug_lines {
            rows.push(vec![
                (Ink::Code, l.hcpcs.to_string()),
                plain(l.units.to_string()),
                plain(l.modifiers.join(" ")),
                plain(date(&l.date)),
                plain("drug".to_owned()),
                plain(String::new()),
                plain(self.names.list(&l.administrations)),
            ]);
        }
        for s in &c.services {
            let (ink, says) = match s.verdict {
                ServiceVerdict::Kept => (Ink::Plain, "service, as listed".to_owned()),
                ServiceVerdict::Included => (Ink::Alert, "service, not billed: included".to_owned()),
                ServiceVerdict::NeedsModifier => (Ink::Alert, "service, only with the modifier".to_owned()),
            };
            let listed = self.names.service(&s.id);
            let mut modifiers = listed.map(|l| l.modifiers.clone()).unwrap_or_default();
            modifiers.extend(s.modifier.clone());
            rows.push(vec![
                (Ink::Code, s.code.to_string()),
                plain(listed.and_then(|l| l.units).map_or(String::new(), |n| n.to_string())),
                (ink, modifiers.join(" ")),
                plain(String::new()),
                (ink, says),
                plain(String::new()),
                plain(s.id.to_string()),
            ]);
        }
        if c.lines.is_empty() {
            page.line(&[(Ink::Alert, "  No administration code is earned.")]);
            if !rows.is_empty() {
                page.blank();
            }
        }
        page.table(Some(&["Code", "Units", "Mod", "Date", "What", "Proof", "From"]), &rows);
        self.marks(page);
    }

    /// The marks used in the column of proof, explained.
    fn marks(&self, page: &mut Page) {
        let lines = &self.coding.lines;
        let mut says: Vec<String> = Vec::new();
        let grades: BTreeMap<&str, &str> =
            lines.iter().map(|l| (confidence_letter(l.confidence), grade_words(l.confidence))).collect();
        says.extend(grades.iter().map(|(letter, words)| format!("{letter} = {words}")));
        if lines.iter().any(hangs) {
            says.push("* = hangs on a policy, see other readings".to_owned());
        }
        if lines.iter().any(|l| l.certainty == Certainty::NotChecked) {
            says.push("? = other readings were not tried".to_owned());
        }
        if !says.is_empty() {
            page.words(
                &[(Ink::Plain, "  ")],
                2,
                Ink::Faint,
                &format!("Proof by the weakest rule: {}.", says.join("; ")),
            );
        }
    }

    fn unreported(&self, page: &mut Page) {
        let c = self.coding;
        if c.unreported.is_empty() {
            return;
        }
        page.heading("Earns no administration code");
        let mut groups: Vec<(Vec<&str>, &str, &[SmolStr])> = Vec::new();
        for u in &c.unreported {
            let why = u.why.as_str();
            let same = groups.iter().position(|(ids, w, r)| {
                *w == why && *r == u.rules && self.names.drug(ids[0]) == self.names.drug(&u.administration)
            });
            match same {
                Some(at) => groups[at].0.push(&u.administration),
                None => groups.push((vec![&u.administration], why, &u.rules)),
            }
        }
        for (ids, why, rules) in groups {
            for id in &ids {
                page.words(
                    &[(Ink::Plain, "  "), (Ink::Alert, id)],
                    4 + id.chars().count(),
                    Ink::Plain,
                    &self.names.what(id),
                );
            }
            page.words(&[], 6, Ink::Plain, &format!("{}{why}", self.given_and_billed(ids[0])));
            self.rules(page, 6, rules);
        }
    }

    /// `Given twice. `, where the drug was given more often than it earns a code.
    fn given_and_billed(&self, id: &str) -> String {
        let Some(drug) = self.names.drug(id) else { return String::new() };
        let held = |i: &str| {
            !self.coding.unreported.iter().any(|u| {
                u.administration == i && u.rules.iter().any(|r| matches!(r.as_str(), "not-given" | "order-required"))
            })
        };
        let given: Vec<&str> =
            self.names.rows().map(|(i, _)| i).filter(|i| self.names.drug(i) == Some(drug) && held(i)).collect();
        let earns = |i: &&&str| self.coding.lines.iter().any(|l| l.administrations.iter().any(|a| a == **i));
        let billed = given.iter().filter(earns).count();
        if given.len() < 2 || billed == 0 || billed == given.len() || !given.contains(&id) {
            return String::new();
        }
        let times = if given.len() == 2 { "twice".to_owned() } else { format!("{} times", given.len()) };
        match billed {
            1 => format!("Given {times}. "),
            n => format!("Given {times}, of which {n} earn a code. "),
        }
    }

    fn rules(&self, page: &mut Page, indent: usize, rules: &[SmolStr]) {
        let weak = |id: &SmolStr| match RuleId::from_name(id).map(|r| r.page().grade) {
            Some(grade) if grade >= Grade::C => format!("{id}{GLUE}(grade{GLUE}{})", grade.as_str()),
            _ => id.to_string(),
        };
        if !rules.is_empty() {
            let list: Vec<String> = rules.iter().map(weak).collect();
            page.words(&[], indent, Ink::Faint, &format!("Rules: {}", list.join(", ")));
        }
    }

    fn why(&self, page: &mut Page) {
        let c = self.coding;
        if c.lines.is_empty() && c.drug_lines.is_empty() && c.services.is_empty() {
            return;
        }
        page.heading("Why");
        let name = |code: &str, modifiers: &[SmolStr], units: u64, date: ChartDate| {
            let code = std::iter::once(code).chain(modifiers.iter().map(SmolStr::as_str)).collect::<Vec<_>>().join("-");
            let date = if self.dates { format!(" {}", self.short_date(date)) } else { String::new() };
            format!("{code} ×{units}{date}")
        };
        let mut entries: Vec<(String, String, &[SmolStr])> = Vec::new();
        for l in &c.lines {
            entries.push((name(&l.code, &l.modifiers, u64::from(l.units), l.date), l.why.clone(), &l.rules));
        }
        for l in &c.drug_lines {
            let mut why = l.why.clone();
            if let (Some(ndc), Some(quantity), Some(unit)) = (&l.ndc, &l.ndc_quantity, &l.ndc_unit) {
                why = format!("{why} NDC {ndc}, {unit}{quantity}.");
            }
            entries.push((name(&l.hcpcs, &l.modifiers, l.units, l.date), why, &l.rules));
        }
        for s in &c.services {
            entries.push((s.code.to_string(), s.why.clone(), &s.rules));
        }
        let indent = entries.iter().map(|(lead, ..)| lead.chars().count()).max().unwrap_or(0).min(20) + 4;
        for (lead, why, rules) in entries {
            page.words(&[(Ink::Plain, "  "), (Ink::Code, &lead)], indent, Ink::Plain, &why);
            self.rules(page, indent, rules);
        }
    }

    fn queries(&self, page: &mut Page) {
        let queries = &self.coding.queries;
        if queries.is_empty() {
            return;
        }
        page.heading("To ask");
        let mut number = 0;
        for group in queries.chunk_by(|a, b| a.to == b.to) {
            page.line(&[(Ink::Ask, &format!("  To the {}", group[0].to))]);
            // The same question about several administrations is asked once.
            for same in group.chunk_by(|a, b| question(&a.ask).1 == question(&b.ask).1) {
                for query in same {
                    number += 1;
                    let (subject, _) = question(&query.ask);
                    let lead = format!("  {number:>2}. ");
                    let text = if same.len() == 1 { &query.ask } else { subject };
                    page.words(&[(Ink::Plain, &lead)], 6, Ink::Plain, text);
                }
                if let ([first, _, ..], (_, asked)) = (same, question(&same[0].ask)) {
                    let of = if first.administrations.is_empty() { "" } else { "For each: " };
                    page.words(&[], 6, Ink::Plain, &format!("{of}{asked}"));
                }
            }
        }
        if queries.iter().all(|q| q.outcomes.is_empty()) {
            return;
        }
        page.blank();
        let only = "For coder and auditor only, never in a message: what each answer would earn";
        page.words(&[(Ink::Plain, "  ")], 2, Ink::Heading, only);
        let now = Answer::of(self.coding);
        for (i, query) in queries.iter().enumerate() {
            self.outcomes(page, i + 1, query, &now);
        }
    }

    fn outcomes(&self, page: &mut Page, number: usize, query: &Query, now: &Answer) {
        for (i, outcome) in query.outcomes.iter().enumerate() {
            let lead = if i == 0 { format!("  {number:>2}. ") } else { String::new() };
            let found = differences(now, &now.after(outcome));
            let what = match found.is_empty() {
                true => "no change".to_owned(),
                false => phrase(&found, self.dates),
            };
            page.words(&[(Ink::Plain, &lead)], 6, Ink::Plain, &format!("{}: {what}", outcome.answer));
        }
    }

    fn alternatives(&self, page: &mut Page) {
        let c = self.coding;
        if c.alternatives.is_empty() {
            return;
        }
        page.heading("Other readings: what another policy would change");
        let now = Answer::of(c);
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for a in &c.alternatives {
            let then = now.with(&a.lines, a.drug_lines.as_deref(), a.services.as_deref());
            let what = match then.lines.is_empty() && !now.lines.is_empty() {
                true => "no administration code is earned".to_owned(),
                false => phrase(&differences(&now, &then), self.dates),
            };
            let setting = format!("{} = {}", a.switch, shown_value(&a.value));
            match groups.iter_mut().find(|(w, _)| *w == what) {
                Some((_, settings)) => settings.push(setting),
                None => groups.push((what, vec![setting])),
            }
        }
        for (what, settings) in groups {
            page.words(&[(Ink::Plain, "  ")], 2, Ink::Plain, &settings.join(", or "));
            page.words(&[], 6, Ink::Plain, &what);
        }
    }

    fn edits(&self, page: &mut Page) {
        let (open, found): (Vec<_>, Vec<_>) = self.coding.edits.iter().partition(|e| e.kind == EditKind::NotChecked);
        if !found.is_empty() {
            page.heading("Findings of the edit tables");
        }
        for e in found {
            let kind = match e.kind {
                EditKind::Ptp => "pair of codes",
                EditKind::Mue => "more units than usual",
                EditKind::AddOn => "add-on without its parent",
                EditKind::Setting => "code for another setting",
                EditKind::AloneOnly => "reported only alone",
                EditKind::Visit => "visit beside an administration",
                EditKind::NotChecked => "not checked",
            };
            let mut text = format!("{kind}: {}", e.why);
            if let Some(suggest) = &e.suggest {
                text = format!("{text} {suggest}");
            }
            if let Some(table) = &e.table {
                text = format!("{text} ({table})");
            }
            page.words(&[(Ink::Plain, "  "), (Ink::Code, &e.code)], 14, Ink::Plain, &text);
        }
        let mut reasons: Vec<&str> = open.iter().map(|e| e.why.as_str()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        if !reasons.is_empty() {
            page.heading("Not checked");
        }
        for why in reasons {
            page.words(&[(Ink::Plain, "  - ")], 4, Ink::Plain, why);
        }
    }

    fn assumptions(&self, page: &mut Page) {
        // The notice ends every text anyway.
        let said: Vec<_> = self.coding.assumptions.iter().filter(|a| a.why != dripline::NOTICE).collect();
        if said.is_empty() {
            return;
        }
        page.heading("Taken for granted");
        let mut groups: Vec<(String, Vec<String>, &str, &str)> = Vec::new();
        for a in said {
            let (key, id) = self.readable(&a.path);
            match groups.iter_mut().find(|g| g.0 == key && g.2 == a.took && g.3 == a.why && !g.1.is_empty()) {
                Some(g) => g.1.extend(id),
                None => groups.push((key, id.into_iter().collect(), &a.took, &a.why)),
            }
        }
        let mut said: Vec<(String, Vec<String>, String, &str)> = Vec::new();
        for (key, ids, took, why) in groups {
            match said.iter_mut().find(|s| s.1 == ids && s.3 == why && !ids.is_empty()) {
                Some(same) => {
                    same.0 = format!("{} and {key}", same.0);
                    same.2 = format!("{} and {took}", same.2);
                }
                None => said.push((key, ids, took.to_owned(), why)),
            }
        }
        for (key, ids, took, why) in said {
            let of = if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) };
            page.words(
                &[(Ink::Plain, "  - ")],
                4,
                Ink::Plain,
                &format!("{key}{of}: {took}, because {}", sentence(why)),
            );
        }
    }

    /// `administrations[2].stop` as the key and the id of the administration.
    fn readable(&self, path: &str) -> (String, Option<String>) {
        let Some((index, key)) = path.strip_prefix("administrations[").and_then(|rest| rest.split_once(']')) else {
            return (path.replace('_', " "), None);
        };
        let key = key.trim_start_matches('.').replace('_', " ");
        let key = if key.is_empty() { "administration".to_owned() } else { key };
        let index = if index == "*" { "all" } else { index };
        let id = index.parse().ok().and_then(|i| self.names.at(i)).unwrap_or(index);
        (key, Some(id.to_owned()))
    }

    fn documentation(&self, page: &mut Page) {
        let all: Vec<&str> = {
            let mut ids: Vec<&str> = self.coding.documentation.iter().map(|d| d.administration.as_str()).collect();
            ids.dedup();
            ids
        };
        let mut rows: Vec<(Ink, String, String)> = Vec::new();
        for (state, ink, says) in [
            (DocumentationState::Absent, Ink::Alert, "charted as missing"),
            (DocumentationState::NotStated, Ink::Plain, "not stated"),
        ] {
            let mut items: Vec<(&str, Vec<&str>)> = Vec::new();
            for d in self.coding.documentation.iter().filter(|d| d.state == state) {
                match items.iter_mut().find(|(item, _)| *item == d.item) {
                    Some((_, ids)) => ids.push(&d.administration),
                    None => items.push((&d.item, vec![&d.administration])),
                }
            }
            let mut groups: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
            for (item, ids) in items {
                match groups.iter_mut().find(|(i, _)| *i == ids) {
                    Some((_, items)) => items.push(item),
                    None => groups.push((ids, vec![item])),
                }
            }
            for (ids, items) in groups {
                let of = match (ids == all, all.len()) {
                    (true, 1) => String::new(),
                    (true, _) => " for all".to_owned(),
                    (false, _) => format!(" for {}", ids.join(", ")),
                };
                rows.push((ink, format!("{says}{of}"), items.join(", ")));
            }
        }
        if rows.is_empty() {
            return;
        }
        page.heading("Documentation");
        for (ink, of, items) in rows {
            page.words(&[(Ink::Plain, "  - ")], 4, ink, &format!("{of}: {items}"));
        }
    }
}

/// What a question is about, and the question.
fn question(ask: &str) -> (&str, &str) {
    ask.split_once(": ").unwrap_or(("", ask))
}

/// The first and the last date of a line.
fn dates(coding: &Coding) -> (Option<ChartDate>, Option<ChartDate>) {
    let dates = || coding.lines.iter().map(|l| l.date).chain(coding.drug_lines.iter().map(|l| l.date));
    (dates().min(), dates().max())
}

fn hangs(line: &Line) -> bool {
    matches!(line.certainty, Certainty::Switches(_))
}

fn proof(line: &Line) -> String {
    let mark = match line.certainty {
        Certainty::AllReadings => "",
        Certainty::Switches(_) => "*",
        Certainty::NotChecked => "?",
    };
    format!("{}{mark}", confidence_letter(line.confidence))
}

fn confidence_letter(confidence: Confidence) -> &'static str {
    confidence.as_str()
}

fn grade_words(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::A => "the authority's own page",
        Confidence::B => "several sources agree",
        Confidence::C => "one source, or sources disagree",
        Confidence::K => "general knowledge, no page seen",
    }
}

fn shown_value(value: &SwitchValue) -> String {
    match value {
        SwitchValue::List(list) if list.is_empty() => "(nothing)".to_owned(),
        other => other.to_string(),
    }
}

/// A reason inside a sentence, with one full stop at its end.
fn sentence(why: &str) -> String {
    format!("{}.", why.trim_end_matches('.'))
}
