//! The support sheet of a claim: each line with its chart entries, its clock arithmetic, its rules and who says so,
//! for whoever has to defend it.
//!
//! It holds no other reading, no outcome of a question and no money. The print for an [`Appeal`](Print::Appeal) names
//! sources of the grades A and B alone; a rule that rests on less says that it is a house convention. Until a person
//! signs it, it says that it is a draft, on every page of a print.

use std::fmt::Write as _;

use dripline::NOTICE;
use dripline::SmolStr;
use dripline::chart::Chart;
use dripline::code::Code;
use dripline::coding::{
    Certainty, ChartDate, Coding, Confidence, DocumentationItem, DocumentationState, Fate, MinuteSpan, ServiceVerdict,
};
use dripline::rule::{Grade, RuleId};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde_json::Value;

use crate::html::Esc;
use crate::svg;
use crate::text::Style;
use crate::text::names::{Names, clock};
use crate::text::page::{Ink, Page};
use crate::text::time_line::line as minute;
use crate::worksheet;

/// The style sheet of the page.
pub const STYLE: &str = include_str!("support.css");

/// What a rule says of itself in an appeal where no authority was seen.
pub const CONVENTION: &str = "house convention, no published authority found";

const DRAFT: &str = "DRAFT: not signed off";

/// For whom a sheet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Print {
    /// For the office: every source with its grade, what is still open, what was taken for granted.
    Office,
    /// For a payer: sources of the grades A and B alone, and nothing that is not about this claim.
    Appeal,
}

/// Who stands behind a sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOff {
    /// Name, as written.
    pub by: String,
    /// When.
    pub on: ChartDate,
}

impl SignOff {
    /// What is wrong with the date, if anything is: a claim is signed after the service and not ahead of time.
    #[must_use]
    pub fn untimely(&self, coding: &Coding, today: Date) -> Option<&'static str> {
        let billed = coding.lines.iter().map(|l| l.date).chain(coding.drug_lines.iter().map(|l| l.date));
        let served = billed.max().unwrap_or(coding.rule_set.as_of);
        if self.on < served {
            return Some("it is signed before the service");
        }
        (self.on.0 > today).then_some("the date is still to come")
    }
}

/// The latest date that is today anywhere on earth at a moment.
#[must_use]
pub fn latest_today(now: Timestamp) -> Date {
    Offset::from_hours(14).map_or(Date::MAX, |east| east.to_datetime(now).date())
}

/// A sheet.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a> {
    /// The claim.
    pub coding: &'a Coding,
    /// What it was coded from.
    pub chart: &'a Chart,
    /// For whom.
    pub print: Print,
    /// Who signed it; nobody yet where it is none.
    pub signed: Option<&'a SignOff>,
}

/// One line of the claim with all that supports it.
struct Entry {
    code: SmolStr,
    units: u64,
    modifiers: String,
    date: Option<String>,
    label: String,
    grade: Option<String>,
    from: Vec<From>,
    why: String,
    rules: Vec<Cited>,
    open: Option<String>,
}

/// An administration that a line rests on.
struct From {
    id: SmolStr,
    what: String,
    clock: Option<Clock>,
}

enum Clock {
    /// Here for the first time.
    Steps(Run),
    /// Under an earlier line: its code, and the minutes counted.
    Under(SmolStr, i64),
}

/// An administration as it stands in the chart.
struct Given {
    id: SmolStr,
    what: String,
    facts: Vec<(String, String)>,
}

/// The minutes of one administration.
struct Run {
    steps: Vec<Step>,
    counted: i64,
    other: i64,
}

struct Step {
    from: String,
    to: String,
    minutes: i64,
    counts: bool,
    says: String,
}

/// A rule by its number in the list of rules.
struct Cited {
    number: usize,
    label: &'static str,
}

struct Ruled {
    id: &'static str,
    label: &'static str,
    says: &'static str,
    authority: String,
    sources: &'static [(&'static str, &'static str)],
}

/// What was given and not billed.
struct Without {
    from: From,
    why: String,
    rules: Vec<Cited>,
}

/// A sheet as a person reads it, before it is laid out.
struct Content<'a> {
    title: String,
    about: Vec<(&'static str, String)>,
    lines: Vec<Entry>,
    without: Vec<Without>,
    rules: Vec<Ruled>,
    given: Vec<Given>,
    documented: Vec<(&'a str, Vec<&'a DocumentationItem>)>,
    questions: Vec<String>,
    assumed: Vec<String>,
    signed: Option<String>,
}

/// The rules of a sheet in the order in which they are first cited.
struct Citations {
    print: Print,
    rules: Vec<Ruled>,
}

impl Citations {
    fn of(&mut self, ids: &[SmolStr]) -> Vec<Cited> {
        let pages = ids.iter().filter_map(|id| RuleId::from_name(id)).map(RuleId::page);
        pages
            .map(|page| {
                let number = self.rules.iter().position(|r| r.id == page.id).unwrap_or_else(|| {
                    self.rules.push(self.ruled(page));
                    self.rules.len() - 1
                });
                Cited { number: number + 1, label: page.label }
            })
            .collect()
    }

    fn ruled(&self, page: &'static dripline::rule::Page) -> Ruled {
        let shown = self.print == Print::Office || page.grade <= Grade::B;
        let authority = match (shown, self.print) {
            (false, _) => CONVENTION.to_owned(),
            (true, Print::Appeal) => page.authority.to_owned(),
            (true, Print::Office) => format!("{}; {}", page.authority, grade(page.grade)),
        };
        let sources = if shown { page.sources } else { &[] };
        Ruled { id: page.id, label: page.label, says: page.why, authority, sources }
    }
}

impl<'a> Sheet<'a> {
    fn content(&self) -> Content<'a> {
        let (c, names) = (self.coding, Names::new(Some(self.chart)));
        let dates = || c.lines.iter().map(|l| l.date).chain(c.drug_lines.iter().map(|l| l.date));
        let service = match dates().min().zip(dates().max()) {
            Some((first, last)) if first == last => first.to_string(),
            Some((first, last)) => format!("{first} to {last}"),
            None => "none billed".to_owned(),
        };
        let setting = match c.setting {
            dripline::chart::Setting::Office => "physician office",
            dripline::chart::Setting::Facility => "hospital outpatient department",
        };
        let mut about = vec![("Dates of service", service), ("Setting", setting.to_owned())];
        about.push(("Policy", c.profile.clone()));
        for (switch, value) in &c.rule_set.policy {
            about.push(("Policy switch", format!("{switch} = {value}")));
        }
        about.push(("Rules of", c.rule_set.as_of.to_string()));
        let rule_set = format!("dripline {}, policy {}", c.rule_set.version, c.rule_set.policy_hash);
        about.push(("Rule set", rule_set));
        for (table, quarter) in &c.rule_set.reference {
            about.push(("Table", format!("{table} {quarter}")));
        }
        let mut cited = Citations { print: self.print, rules: Vec::new() };
        let lines = self.lines(&names, &mut cited);
        let without = c
            .unreported
            .iter()
            .map(|u| Without {
                from: From {
                    id: u.administration.clone(),
                    what: names.what(&u.administration),
                    clock: self.run(&names, &u.administration).map(Clock::Steps),
                },
                why: u.why.clone(),
                rules: cited.of(&u.rules),
            })
            .collect();
        let given = names.rows().map(|(id, a)| {
            let facts = serde_json::to_value(a).map_or_else(|_| Vec::new(), |v| facts(&v));
            Given { id: id.into(), what: names.what(id), facts }
        });
        let office = self.print == Print::Office;
        let questions = c.queries.iter().map(|q| format!("To the {}: {}", q.to, q.ask));
        let assumed = c.assumptions.iter().filter(|a| a.why != NOTICE);
        Content {
            title: format!("Support for case {}", c.case),
            about,
            lines,
            without,
            rules: cited.rules,
            given: given.collect(),
            documented: self.documentation(),
            questions: if office { questions.collect() } else { Vec::new() },
            assumed: assumed.map(|a| format!("{}: {} ({})", a.path, a.took, a.why)).collect(),
            signed: self.signed.map(|s| format!("Signed off by {} on {}", s.by, s.on)),
        }
    }

    fn lines(&self, names: &Names, cited: &mut Citations) -> Vec<Entry> {
        let c = self.coding;
        let mut told: Vec<(&str, &str)> = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        for l in &c.lines {
            let open = match &l.certainty {
                Certainty::Switches(list) => Some(format!("depends on the policy's reading of {}", list.join(", "))),
                Certainty::NotChecked => Some("other readings were not tried".to_owned()),
                Certainty::AllReadings => None,
            };
            entries.push(Entry {
                code: l.code.clone(),
                units: u64::from(l.units),
                modifiers: l.modifiers.join(" "),
                date: Some(l.date.to_string()),
                label: Code::from_name(&l.code).map_or("", Code::label).to_owned(),
                grade: Some(grade(match l.confidence {
                    Confidence::A => Grade::A,
                    Confidence::B => Grade::B,
                    Confidence::C => Grade::C,
                    Confidence::K => Grade::K,
                })),
                from: self.from(names, &l.administrations, Some((&l.code, &mut told))),
                why: l.why.clone(),
                rules: cited.of(&l.rules),
                open,
            });
        }
        for l in &c.drug_lines {
            let mut label = "drug".to_owned();
            if let (Some(ndc), Some(quantity), Some(unit)) = (&l.ndc, &l.ndc_quantity, &l.ndc_unit) {
                label = format!("drug, NDC {ndc}, {unit}{quantity}");
            }
            entries.push(Entry {
                code: l.hcpcs.clone(),
                units: l.units,
                modifiers: l.modifiers.join(" "),
                date: Some(l.date.to_string()),
                label,
                grade: None,
                from: self.from(names, &l.administrations, None),
                why: l.why.clone(),
                rules: cited.of(&l.rules),
                open: None,
            });
        }
        for (s, listed) in c.services.iter().zip(&self.chart.services) {
            if s.verdict == ServiceVerdict::Included {
                continue;
            }
            let mut modifiers = listed.modifiers.clone();
            modifiers.extend(s.modifier.iter().filter(|m| !listed.modifiers.contains(m)).cloned());
            entries.push(Entry {
                code: s.code.clone(),
                units: u64::from(listed.units.unwrap_or(1)),
                modifiers: modifiers.join(" "),
                date: listed.date.map(|d| d.to_string()),
                label: "listed service".to_owned(),
                grade: None,
                from: Vec::new(),
                why: s.why.clone(),
                rules: cited.of(&s.rules),
                open: None,
            });
        }
        if self.print == Print::Appeal {
            for entry in &mut entries {
                (entry.open, entry.grade) = (None, None);
            }
        }
        entries
    }

    /// What a line rests on; with `told`, its clock, which is written out under the first line that needs it.
    fn from(
        &'a self,
        names: &Names,
        ids: &'a [SmolStr],
        mut line: Option<(&'a str, &mut Vec<(&'a str, &'a str)>)>,
    ) -> Vec<From> {
        let mut clock = |id: &'a str| {
            let (code, told) = line.as_mut()?;
            let run = self.run(names, id)?;
            match told.iter().find(|(i, _)| *i == id) {
                Some((_, under)) => Some(Clock::Under((*under).into(), run.counted)),
                None => {
                    told.push((id, code));
                    Some(Clock::Steps(run))
                }
            }
        };
        ids.iter().map(|id| From { id: id.clone(), what: names.what(id), clock: clock(id) }).collect()
    }

    /// What became of the minutes of an administration; nothing where it has none.
    fn run(&self, names: &Names, id: &str) -> Option<Run> {
        let spans: Vec<&MinuteSpan> =
            self.coding.minutes.iter().filter(|m| m.administration == id).flat_map(|m| &m.spans).collect();
        if spans.is_empty() {
            return None;
        }
        let days = spans.first()?.start.civil.date() != spans.last()?.stop.civil.date();
        let at = |t| if days { t_with_day(t) } else { clock(t) };
        let steps: Vec<Step> = spans
            .iter()
            .map(|s| Step {
                from: at(s.start),
                to: at(s.stop),
                minutes: minute(s.stop) - minute(s.start),
                counts: s.fate == Fate::Counted,
                says: match (s.fate, &s.by) {
                    (Fate::Counted, Some(code)) => format!("counted for {code}"),
                    (Fate::Counted, None) => "counted".to_owned(),
                    (Fate::Overlapped, Some(by)) => {
                        format!("not counted here: counted for {}", names.list(std::slice::from_ref(by)))
                    }
                    (Fate::Overlapped, None) => "not counted here".to_owned(),
                    (Fate::Paused, _) => "not counted: paused".to_owned(),
                    (Fate::Excluded, by) => format!("not counted{}", by.as_deref().map_or(String::new(), excluded)),
                },
            })
            .collect();
        let sum = |counts: bool| steps.iter().filter(|s| s.counts == counts).map(|s| s.minutes).sum();
        let (counted, other) = (sum(true), sum(false));
        Some(Run { steps, counted, other })
    }

    /// The documentation check, administration by administration.
    fn documentation(&self) -> Vec<(&'a str, Vec<&'a DocumentationItem>)> {
        let of_one = self.coding.documentation.chunk_by(|a, b| a.administration == b.administration);
        of_one.map(|items| (items[0].administration.as_str(), items.iter().collect())).collect()
    }
}

fn excluded(rule: &str) -> String {
    match RuleId::from_name(rule) {
        Some(id) => format!(": {} ({rule})", lower(id.page().label)),
        None => format!(": {rule}"),
    }
}

fn lower(label: &str) -> String {
    let mut chars = label.chars();
    chars.next().map_or(String::new(), |c| c.to_lowercase().chain(chars).collect())
}

fn t_with_day(time: dripline::chart::ChartTime) -> String {
    format!("{} {}", time.civil.date(), clock(time))
}

fn grade(grade: Grade) -> String {
    let words = match grade {
        Grade::A => "the authority's own page was seen",
        Grade::B => "several sources agree",
        Grade::C => "one source, or sources disagree",
        Grade::K => "general knowledge, no page was seen",
    };
    format!("grade {}: {words}", grade.as_str())
}

fn state(state: DocumentationState) -> &'static str {
    match state {
        DocumentationState::Present => "present",
        DocumentationState::Absent => "charted as missing",
        DocumentationState::NotStated => "not stated",
    }
}

/// Every key of a chart entry and its value, nested keys by dots.
fn facts(value: &Value) -> Vec<(String, String)> {
    fn walk(path: &str, value: &Value, out: &mut Vec<(String, String)>) {
        let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path} {key}") };
        match value {
            Value::Null => {}
            Value::Object(map) => map.iter().for_each(|(key, value)| walk(&join(&key.replace('_', " ")), value, out)),
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(i, value)| walk(&join(&(i + 1).to_string()), value, out));
            }
            Value::Bool(yes) => out.push((path.to_owned(), if *yes { "yes" } else { "no" }.to_owned())),
            Value::String(text) => out.push((path.to_owned(), text.clone())),
            Value::Number(number) => out.push((path.to_owned(), number.to_string())),
        }
    }
    let mut out = Vec::new();
    walk("", value, &mut out);
    out.retain(|(key, _)| key != "id");
    let order = |key: &str| {
        let first = |k: &&str| key == k.replace('_', " ") || key.starts_with(&format!("{} ", k.replace('_', " ")));
        worksheet::ROW.iter().position(first).unwrap_or(usize::MAX)
    };
    out.sort_by_key(|(key, _)| order(key));
    out
}

/// The sheet for a terminal or a file.
#[must_use]
pub fn text(sheet: &Sheet, style: Style) -> String {
    let content = sheet.content();
    let mut page = Page::new(style);
    page.line(&[(Ink::Heading, &content.title)]);
    match &content.signed {
        Some(signed) => page.words(&[], 0, Ink::Good, &format!("{signed}.")),
        None => page.line(&[(Ink::Alert, DRAFT)]),
    }
    page.blank();
    for (name, value) in &content.about {
        page.words(&[(Ink::Faint, name)], 18, Ink::Plain, value);
    }
    for entry in &content.lines {
        let mut head = format!("{} ×{}", entry.code, entry.units);
        for more in [Some(&entry.modifiers), entry.date.as_ref(), Some(&entry.label)].into_iter().flatten() {
            if !more.is_empty() {
                head = format!("{head}  {more}");
            }
        }
        page.heading(&head);
        page.words(&[], 2, Ink::Plain, &entry.why);
        entry.from.iter().for_each(|from| text_from(&mut page, from));
        text_cited(&mut page, &entry.rules);
        let weakest = entry.grade.as_ref().map(|g| format!("Weakest rule: {g}."));
        for note in [weakest, entry.open.as_ref().map(|o| format!("This line {o}."))].into_iter().flatten() {
            page.words(&[], 2, Ink::Faint, &note);
        }
    }
    if !content.without.is_empty() {
        page.heading("Given, and not billed");
        for w in &content.without {
            text_from(&mut page, &w.from);
            page.words(&[], 6, Ink::Plain, &w.why);
            text_cited(&mut page, &w.rules);
        }
    }
    text_rules(&mut page, &content.rules);
    text_given(&mut page, &content.given);
    if !content.documented.is_empty() {
        page.heading("Documentation");
        for (id, items) in &content.documented {
            for wanted in [DocumentationState::Present, DocumentationState::Absent, DocumentationState::NotStated] {
                let items = in_state(items, wanted);
                if !items.is_empty() {
                    let lead = format!("  {id}  {}: ", state(wanted));
                    page.words(&[(Ink::Faint, &lead)], 26, Ink::Plain, &items.join(", "));
                }
            }
        }
    }
    for (name, list) in [("Still to be asked", &content.questions), ("Taken for granted", &content.assumed)] {
        if !list.is_empty() {
            page.heading(name);
            list.iter().for_each(|item| page.words(&[(Ink::Plain, "  - ")], 4, Ink::Plain, item));
        }
    }
    page.blank();
    if content.signed.is_none() {
        page.line(&[(Ink::Alert, DRAFT)]);
    }
    page.words(&[], 0, Ink::Faint, NOTICE);
    page.done()
}

fn text_from(page: &mut Page, from: &From) {
    let lead = format!("  {}  ", from.id);
    page.words(&[(Ink::Code, &lead)], lead.chars().count(), Ink::Plain, &from.what);
    match &from.clock {
        None => {}
        Some(Clock::Under(code, counted)) => {
            page.words(&[], 6, Ink::Plain, &format!("{counted} minutes counted, as under {code}"));
        }
        Some(Clock::Steps(run)) => {
            for step in &run.steps {
                let lead = format!("      {}–{}  {:>5} min  ", step.from, step.to, step.minutes);
                page.words(&[(Ink::Plain, &lead)], lead.chars().count(), Ink::Plain, &step.says);
            }
            page.words(&[], 6, Ink::Plain, &sum(run));
        }
    }
}

/// `30 + 95 = 125 minutes counted, 10 not`.
fn sum(run: &Run) -> String {
    let parts: Vec<String> = run.steps.iter().filter(|s| s.counts).map(|s| s.minutes.to_string()).collect();
    let total = match parts.len() {
        0 | 1 => run.counted.to_string(),
        _ => format!("{} = {}", parts.join(" + "), run.counted),
    };
    match run.other {
        0 => format!("{total} minutes counted"),
        other => format!("{total} minutes counted, {other} not"),
    }
}

fn text_cited(page: &mut Page, cited: &[Cited]) {
    let list: Vec<String> = cited.iter().map(|c| format!("{} [{}]", c.label, c.number)).collect();
    if !list.is_empty() {
        page.words(&[], 2, Ink::Faint, &format!("Rules: {}", list.join("; ")));
    }
}

/// The source that stands first on a rule's page, and when it was seen and how many more stand there: a sheet is read,
/// not searched.
fn source(rule: &Ruled) -> Option<(&'static str, String)> {
    let (address, seen) = rule.sources.first()?;
    let note = match rule.sources.len() - 1 {
        0 => format!("(seen {seen})"),
        more => format!("(seen {seen}; {more} more in the rule book)"),
    };
    Some((address, note))
}

fn text_rules(page: &mut Page, rules: &[Ruled]) {
    if rules.is_empty() {
        return;
    }
    page.heading("Rules, who says so, and when it was seen");
    for (at, rule) in rules.iter().enumerate() {
        let lead = format!("  [{}] ", at + 1);
        page.words(&[(Ink::Code, &lead)], 7, Ink::Plain, &format!("{} ({}): {}", rule.label, rule.id, rule.says));
        page.words(&[], 7, Ink::Faint, &format!("Authority: {}", rule.authority));
        if let Some((address, note)) = source(rule) {
            page.words(&[], 7, Ink::Faint, &format!("{address} {note}"));
        }
    }
}

fn text_given(page: &mut Page, given: &[Given]) {
    if given.is_empty() {
        return;
    }
    page.heading("Chart entries");
    for given in given {
        let lead = format!("  {}  ", given.id);
        let facts: Vec<String> = given.facts.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        page.words(&[(Ink::Code, &lead)], lead.chars().count().max(6), Ink::Plain, &facts.join("; "));
    }
}

/// The sheet as one `article` element; its looks stand in [`STYLE`].
#[must_use]
pub fn html(sheet: &Sheet) -> String {
    let content = sheet.content();
    let mut out = String::from("<article class=\"sheet\">");
    let put = &mut out;
    if content.signed.is_none() {
        put.push_str("<div class=\"watermark\" aria-hidden=\"true\"><span>DRAFT – not signed off</span></div>");
    }
    let _ = write!(put, "<h1>{}</h1>", Esc(&content.title));
    let _ = match &content.signed {
        Some(signed) => write!(put, "<p class=\"signed\">{}</p>", Esc(signed)),
        None => {
            write!(put, "<p class=\"draft\">{DRAFT}. A person checks this sheet against the chart and signs it.</p>")
        }
    };
    put.push_str("<dl class=\"facts\">");
    for (name, value) in &content.about {
        let _ = write!(put, "<div><dt>{name}</dt><dd>{}</dd></div>", Esc(value));
    }
    put.push_str("</dl>");
    html_claim(put, &content.lines);
    if let Some(drawing) = svg::time_line(sheet.coding, sheet.chart, "sheet") {
        let _ = write!(put, "<h2>Time line</h2>{drawing}");
    }
    for entry in &content.lines {
        html_entry(put, entry);
    }
    if !content.without.is_empty() {
        put.push_str("<h2>Given, and not billed</h2>");
        for w in &content.without {
            put.push_str("<section class=\"line\">");
            html_from(put, &w.from);
            let _ = write!(put, "<p>{}</p>", Esc(&w.why));
            html_cited(put, &w.rules);
            put.push_str("</section>");
        }
    }
    html_rules(put, &content.rules);
    html_given(put, &content.given);
    html_documentation(put, &content);
    for (name, list) in [("Still to be asked", &content.questions), ("Taken for granted", &content.assumed)] {
        if !list.is_empty() {
            let _ = write!(put, "<h2>{name}</h2><ul>");
            for item in list {
                let _ = write!(put, "<li>{}</li>", Esc(item));
            }
            put.push_str("</ul>");
        }
    }
    let _ = write!(put, "<h2>Notice</h2><p class=\"faint\">{}</p></article>", Esc(NOTICE));
    out
}

/// The sheet as a file that stands alone.
#[must_use]
pub fn document(sheet: &Sheet) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n\
         </head>\n<body>\n<main>{}</main>\n</body>\n</html>\n",
        Esc(format!("Support for case {}", sheet.coding.case)),
        html(sheet)
    )
}

fn html_claim(put: &mut String, lines: &[Entry]) {
    if lines.is_empty() {
        put.push_str("<p>Nothing is billed.</p>");
        return;
    }
    put.push_str(
        "<h2>The claim</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"The claim\"><table><thead><tr>\
         <th scope=\"col\">Code</th><th scope=\"col\" class=\"num\">Units</th><th scope=\"col\">Modifiers</th>\
         <th scope=\"col\">Date</th><th scope=\"col\">What</th></tr></thead><tbody>",
    );
    for entry in lines {
        let _ = write!(
            put,
            "<tr><td>{}</td><td class=\"num\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            Esc(&entry.code),
            entry.units,
            Esc(&entry.modifiers),
            Esc(entry.date.as_deref().unwrap_or("")),
            Esc(&entry.label)
        );
    }
    put.push_str("</tbody></table></div>");
}

fn html_entry(put: &mut String, entry: &Entry) {
    let _ = write!(
        put,
        "<section class=\"line\"><h2><span class=\"code\">{} ×{}</span> {} <span class=\"faint\">{}</span></h2><p>{}</p>",
        Esc(&entry.code),
        entry.units,
        Esc(&entry.modifiers),
        Esc(&entry.label),
        Esc(&entry.why)
    );
    entry.from.iter().for_each(|from| html_from(put, from));
    html_cited(put, &entry.rules);
    let weakest = entry.grade.as_ref().map(|g| format!("Weakest rule: {g}."));
    for note in [weakest, entry.open.as_ref().map(|o| format!("This line {o}."))].into_iter().flatten() {
        let _ = write!(put, "<p class=\"faint\">{}</p>", Esc(note));
    }
    put.push_str("</section>");
}

fn html_from(put: &mut String, from: &From) {
    let _ = write!(put, "<h3>{} {}</h3>", Esc(&from.id), Esc(&from.what));
    match &from.clock {
        None => {}
        Some(Clock::Under(code, counted)) => {
            let _ = write!(put, "<p>{counted} minutes counted, as under {}.</p>", Esc(code));
        }
        Some(Clock::Steps(run)) => {
            put.push_str(
                "<table class=\"clock\"><thead><tr><th scope=\"col\">From</th><th scope=\"col\">To</th>\
                 <th scope=\"col\" class=\"num\">Minutes</th><th scope=\"col\">Fate</th></tr></thead><tbody>",
            );
            for step in &run.steps {
                let class = if step.counts { "" } else { " class=\"not\"" };
                let _ = write!(
                    put,
                    "<tr{class}><td>{}</td><td>{}</td><td class=\"num\">{}</td><td>{}</td></tr>",
                    step.from,
                    step.to,
                    step.minutes,
                    Esc(&step.says)
                );
            }
            let _ = write!(put, "<tr class=\"sum\"><td colspan=\"4\">{}</td></tr></tbody></table>", sum(run));
        }
    }
}

fn html_cited(put: &mut String, cited: &[Cited]) {
    if cited.is_empty() {
        return;
    }
    put.push_str("<p class=\"faint\">Rules: ");
    for (at, c) in cited.iter().enumerate() {
        let comma = if at == 0 { "" } else { "; " };
        let _ = write!(put, "{comma}{} <a href=\"#rule-{n}\">[{n}]</a>", Esc(c.label), n = c.number);
    }
    put.push_str("</p>");
}

fn html_rules(put: &mut String, rules: &[Ruled]) {
    if rules.is_empty() {
        return;
    }
    put.push_str("<h2>Rules, who says so, and when it was seen</h2><ol class=\"rules\">");
    for (at, rule) in rules.iter().enumerate() {
        let _ = write!(
            put,
            "<li id=\"rule-{}\"><strong>{}</strong> <span class=\"faint\">({})</span>: {}<br>\
             <span class=\"faint\">Authority: {}</span>",
            at + 1,
            Esc(rule.label),
            rule.id,
            Esc(rule.says),
            Esc(&rule.authority)
        );
        if let Some((address, note)) = source(rule) {
            let _ = write!(
                put,
                "<br><span class=\"faint\"><a href=\"{0}\" rel=\"noreferrer\">{0}</a> {1}</span>",
                Esc(address),
                Esc(note)
            );
        }
        put.push_str("</li>");
    }
    put.push_str("</ol>");
}

fn html_given(put: &mut String, given: &[Given]) {
    if given.is_empty() {
        return;
    }
    put.push_str("<h2>Chart entries</h2>");
    for given in given {
        let _ = write!(put, "<h3>{} {}</h3><dl class=\"facts\">", Esc(&given.id), Esc(&given.what));
        for (key, value) in &given.facts {
            let _ = write!(put, "<div><dt>{}</dt><dd>{}</dd></div>", Esc(key), Esc(value));
        }
        put.push_str("</dl>");
    }
}

fn html_documentation(put: &mut String, content: &Content) {
    if content.documented.is_empty() {
        return;
    }
    put.push_str(
        "<h2>Documentation</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Documentation\"><table>\
         <thead><tr><th scope=\"col\">Entry</th>",
    );
    const STATES: [DocumentationState; 3] =
        [DocumentationState::Present, DocumentationState::Absent, DocumentationState::NotStated];
    for wanted in STATES {
        let _ = write!(put, "<th scope=\"col\">{}</th>", state(wanted));
    }
    put.push_str("</tr></thead><tbody>");
    for (id, items) in &content.documented {
        let _ = write!(put, "<tr><th scope=\"row\">{}</th>", Esc(id));
        for wanted in STATES {
            let class = if wanted == DocumentationState::Present { "" } else { " class=\"not\"" };
            let _ = write!(put, "<td{class}>{}</td>", Esc(in_state(items, wanted).join(", ")));
        }
        put.push_str("</tr>");
    }
    put.push_str("</tbody></table></div>");
}

fn in_state<'a>(items: &[&'a DocumentationItem], wanted: DocumentationState) -> Vec<&'a str> {
    items.iter().filter(|d| d.state == wanted).map(|d| d.item.as_str()).collect()
}
