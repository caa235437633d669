//! A coding as the page shows it.

use std::collections::BTreeMap;

use dripline::NOTICE;
use dripline::SmolStr;
use dripline::chart::{Chart, Setting, SwitchValue};
use dripline::code::Code;
use dripline::coding::{Certainty, ChartDate, Coding, Confidence, DocumentationState, EditKind, Query, ServiceVerdict};
use dripline::rule::{Grade, Page, RuleId};
use dripline_formats::compare::{Comparison, With};
use dripline_formats::diff::{self, Answer, Difference};
use dripline_formats::text::names::Names;
use dripline_reference::answer::WhyNot;
use dripline_reference::{Coder, Options};

/// Administrations among which the page asks for the reason of the visit, and of a chart in which it looks at all.
const MOST_REASONS: usize = 8;
const MOST_ROWS: usize = 60;

/// A rule as it stands under a line.
pub(super) struct RuleView {
    pub id: &'static str,
    pub label: &'static str,
    pub grade: &'static str,
    pub weak: bool,
    pub grade_words: &'static str,
    pub authority: &'static str,
    pub sources: Vec<Source>,
}

pub(super) struct Source {
    pub address: &'static str,
    /// The part of the address that a reader knows.
    pub host: &'static str,
    pub seen: &'static str,
}

/// A line of the claim.
pub(super) struct LineView {
    pub code: SmolStr,
    pub units: u64,
    pub modifiers: String,
    pub date: String,
    pub label: String,
    pub grade: &'static str,
    pub weak: bool,
    pub certainty: String,
    pub from: String,
    /// Ids of the administrations, as a JSON list.
    pub ids: String,
    pub why: String,
    pub rules: Vec<RuleView>,
    /// For the clipboard: `96374-59`.
    pub name: String,
}

pub(super) struct ServiceView {
    pub code: SmolStr,
    pub says: &'static str,
    pub modifier: SmolStr,
    pub id: SmolStr,
    pub why: String,
    pub rules: Vec<RuleView>,
}

pub(super) struct UnreportedView {
    pub what: Vec<(SmolStr, String)>,
    pub ids: String,
    pub why: String,
    pub rules: Vec<RuleView>,
}

pub(super) struct QueryView {
    pub to: String,
    pub about: String,
    pub ask: String,
    pub choices: Vec<String>,
    pub outcomes: Vec<(SmolStr, String)>,
}

pub(super) struct AlternativeView {
    pub settings: Vec<String>,
    pub what: String,
}

pub(super) struct EditView {
    pub code: SmolStr,
    pub text: String,
}

/// The reason for the visit, where the office answer hangs on it.
pub(super) struct ReasonView {
    pub took: String,
    pub choices: Vec<(String, String)>,
}

/// The claim in both settings.
pub(super) struct SidesView {
    /// The office first, whichever the claim is.
    pub sides: Vec<Result<SideView, String>>,
    pub differs: String,
}

pub(super) struct SideView {
    pub name: &'static str,
    pub here: bool,
    pub lines: Vec<(String, u64)>,
    pub without: usize,
}

/// The claim beside what was billed.
pub(super) struct BilledView {
    pub lines: Vec<BilledLineView>,
    /// How many lines are not the same.
    pub differ: usize,
}

/// A code of either side.
pub(super) struct BilledLineView {
    pub name: String,
    pub date: String,
    pub coded: String,
    pub billed: String,
    pub differs: bool,
}

/// The whole answer.
pub(super) struct AnswerView {
    pub about: String,
    pub switches: Vec<String>,
    /// The claim in one breath, for whoever hears the page.
    pub summary: String,
    pub lines: Vec<LineView>,
    pub drugs: Vec<LineView>,
    pub services: Vec<ServiceView>,
    pub reason: Option<ReasonView>,
    pub payer: String,
    pub unreported: Vec<UnreportedView>,
    pub queries: Vec<QueryView>,
    pub alternatives: Vec<AlternativeView>,
    pub edits: Vec<EditView>,
    pub not_checked: Vec<String>,
    pub assumed: Vec<String>,
    pub documentation: Vec<(String, String)>,
    pub sides: SidesView,
    pub billed: Option<BilledView>,
}

pub(super) struct WhyNotView {
    pub code: SmolStr,
    pub label: &'static str,
    pub earned: bool,
    pub obstacles: Vec<ObstacleView>,
}

pub(super) struct ObstacleView {
    pub what: Vec<(SmolStr, String)>,
    pub why: String,
    pub needs: String,
    pub rules: Vec<RuleView>,
}

pub(super) fn setting_name(setting: Setting) -> &'static str {
    match setting {
        Setting::Office => "Physician office",
        Setting::Facility => "Hospital outpatient",
    }
}

pub(super) fn grade_words(grade: Grade) -> &'static str {
    match grade {
        Grade::A => "the authority's own page was seen",
        Grade::B => "several sources agree",
        Grade::C => "one source, or sources disagree",
        Grade::K => "general knowledge, no page was seen",
    }
}

impl RuleView {
    pub fn of(page: &'static Page) -> Self {
        let host = |address: &'static str| {
            let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
            rest.split('/').next().unwrap_or(rest).trim_start_matches("www.")
        };
        RuleView {
            id: page.id,
            label: page.label,
            grade: page.grade.as_str(),
            weak: page.grade >= Grade::C,
            grade_words: grade_words(page.grade),
            authority: page.authority,
            sources: page
                .sources
                .iter()
                .map(|&(address, seen)| Source { address, host: host(address), seen })
                .collect(),
        }
    }

    fn list(ids: &[SmolStr]) -> Vec<Self> {
        ids.iter().filter_map(|id| RuleId::from_name(id)).map(|r| RuleView::of(r.page())).collect()
    }
}

fn json(ids: &[SmolStr]) -> String {
    dripline_formats::json::line(&ids)
}

/// `96375-59`.
pub(super) fn name(code: &str, modifiers: &[SmolStr]) -> String {
    std::iter::once(code).chain(modifiers.iter().map(SmolStr::as_str)).collect::<Vec<_>>().join("-")
}

fn units(lines: &[LineView]) -> String {
    lines.iter().map(|l| format!("{} times {}", l.name, l.units)).collect::<Vec<_>>().join(", ")
}

/// Everything that an answer needs beside the coding.
pub(super) struct Ask<'a> {
    pub coder: &'a Coder,
    pub chart: &'a Chart,
    pub position: usize,
    pub options: &'a Options,
    /// Who pays, as the page was told.
    pub payer: &'a str,
}

impl AnswerView {
    pub fn of(coding: &Coding, ask: &Ask) -> Self {
        let names = Names::new(Some(ask.chart));
        let (first, last) = dates(coding);
        let dated = first != last;
        let date = |d: ChartDate| if dated { d.to_string() } else { String::new() };
        let mut about = vec![setting_name(coding.setting).to_owned()];
        match first.zip(last) {
            Some((first, last)) if first == last => about.push(first.to_string()),
            Some((first, last)) => about.push(format!("{first} to {last}")),
            None => {}
        }
        if first != Some(coding.rule_set.as_of) {
            about.push(format!("rules of {}", coding.rule_set.as_of));
        }
        about.push(format!("policy {}", coding.profile));
        let lines: Vec<LineView> = coding
            .lines
            .iter()
            .map(|l| LineView {
                code: l.code.clone(),
                units: u64::from(l.units),
                modifiers: l.modifiers.join(" "),
                date: date(l.date),
                label: Code::from_name(&l.code).map_or("", Code::label).to_owned(),
                grade: l.confidence.as_str(),
                weak: l.confidence >= Confidence::C,
                certainty: match &l.certainty {
                    Certainty::AllReadings => String::new(),
                    Certainty::NotChecked => "Other readings were not tried.".to_owned(),
                    Certainty::Switches(list) => format!("Hangs on the policy: {}.", list.join(", ")),
                },
                from: names.list(&l.administrations),
                ids: json(&l.administrations),
                why: l.why.clone(),
                rules: RuleView::list(&l.rules),
                name: name(&l.code, &l.modifiers),
            })
            .collect();
        let drugs: Vec<LineView> = coding
            .drug_lines
            .iter()
            .map(|l| LineView {
                code: l.hcpcs.clone(),
                units: l.units,
                modifiers: l.modifiers.join(" "),
                date: date(l.date),
                label: match (&l.ndc, &l.ndc_quantity, &l.ndc_unit) {
                    (Some(ndc), Some(quantity), Some(unit)) => format!("NDC {ndc}, {unit}{quantity}"),
                    _ => String::new(),
                },
                grade: "",
                weak: false,
                certainty: String::new(),
                from: names.list(&l.administrations),
                ids: json(&l.administrations),
                why: l.why.clone(),
                rules: RuleView::list(&l.rules),
                name: name(&l.hcpcs, &l.modifiers),
            })
            .collect();
        let summary = match (lines.is_empty(), drugs.is_empty()) {
            (true, true) => "Nothing is earned.".to_owned(),
            (true, false) => format!("No administration code. Drugs: {}.", units(&drugs)),
            (false, true) => format!("{}.", units(&lines)),
            (false, false) => format!("{}. Drugs: {}.", units(&lines), units(&drugs)),
        };
        AnswerView {
            about: about.join(" · "),
            switches: coding.rule_set.policy.iter().map(|(s, v)| format!("{s} = {v}")).collect(),
            summary,
            lines,
            drugs,
            services: services(coding),
            reason: reason(coding, ask, &names),
            payer: payer(coding, ask, dated),
            unreported: unreported(coding, &names),
            queries: queries(coding, dated),
            alternatives: alternatives(coding, dated),
            edits: edits(coding),
            not_checked: not_checked(coding),
            assumed: assumed(coding, &names),
            documentation: documentation(coding),
            sides: sides(coding, ask, dated),
            billed: billed(coding, ask.chart),
        }
    }
}

fn dates(coding: &Coding) -> (Option<ChartDate>, Option<ChartDate>) {
    let dates = || coding.lines.iter().map(|l| l.date).chain(coding.drug_lines.iter().map(|l| l.date));
    (dates().min(), dates().max())
}

fn services(coding: &Coding) -> Vec<ServiceView> {
    let view = |s: &dripline::coding::ServiceLine| ServiceView {
        code: s.code.clone(),
        says: match s.verdict {
            ServiceVerdict::Kept => "stands as listed",
            ServiceVerdict::Included => "not billed: included in another service",
            ServiceVerdict::NeedsModifier => "stands only with the modifier",
        },
        modifier: s.modifier.clone().unwrap_or_default(),
        id: s.id.clone(),
        why: s.why.clone(),
        rules: RuleView::list(&s.rules),
    };
    coding.services.iter().map(view).collect()
}

/// Options that give the lines and nothing else.
fn lines_only(options: &Options) -> Options {
    Options { alternatives: false, ..options.clone() }
}

fn reason(coding: &Coding, ask: &Ask, names: &Names) -> Option<ReasonView> {
    let took = coding.assumptions.iter().find(|a| a.path == "primary_reason")?;
    // The answer may be charted and still decide nothing: then rank decides, and there is nothing to ask.
    if ask.chart.primary_reason.is_some() || ask.chart.administrations.len() > MOST_ROWS {
        return None;
    }
    let mut seen: Vec<(Option<&str>, _)> = Vec::new();
    let mut choices: Vec<(String, String)> = Vec::new();
    let mut changes = false;
    let now = Answer::of(coding);
    let options = lines_only(ask.options);
    for (id, a) in names.rows() {
        let kind = (names.drug(id), a.method);
        if seen.contains(&kind) {
            continue;
        }
        seen.push(kind);
        if choices.len() == MOST_REASONS {
            break;
        }
        choices.push((id.to_owned(), names.what(id)));
        if !changes {
            let mut chart = ask.chart.clone();
            chart.primary_reason = Some(id.to_owned());
            let then = ask.coder.code(&chart, ask.position, &[], &options);
            changes = then.is_ok_and(|then| Answer::of(&then) != now);
        }
    }
    changes.then(|| ReasonView { took: format!("{}: {}", took.took, took.why), choices })
}

/// Whether Medicare would differ.
fn payer(coding: &Coding, ask: &Ask, dated: bool) -> String {
    let medicare = ask.payer == "medicare";
    let own = ask.chart.profile.as_deref();
    let (with, lead) = match (medicare, own) {
        (_, Some(own)) if own.starts_with("medicare") => {
            return format!("The chart names the policy {own}; it is coded so.");
        }
        (true, None) => (None, "Coded by Medicare's policy. Another payer by CPT's guideline"),
        (true, Some(_)) => (Some("medicare"), "The chart names its own policy, which holds. Medicare"),
        (false, _) => (Some("medicare"), "Medicare"),
    };
    let mut options = lines_only(ask.options);
    options.profile = with.map(str::to_owned);
    match ask.coder.code(ask.chart, ask.position, &[], &options) {
        Err(e) => format!("{lead}: {}", e.message),
        Ok(other) => {
            let found = diff::differences(&Answer::of(coding), &Answer::of(&other));
            match found.is_empty() {
                true => format!("{lead} would not differ."),
                false => format!("{lead} would differ: {}.", diff::phrase(&found, dated)),
            }
        }
    }
}

fn what(names: &Names, ids: &[SmolStr]) -> Vec<(SmolStr, String)> {
    ids.iter().map(|id| (id.clone(), names.what(id))).collect()
}

fn unreported(coding: &Coding, names: &Names) -> Vec<UnreportedView> {
    let mut groups: Vec<(Vec<SmolStr>, &str, &[SmolStr])> = Vec::new();
    for u in &coding.unreported {
        match groups.iter_mut().find(|(_, why, rules)| *why == u.why && *rules == u.rules) {
            Some((ids, ..)) => ids.push(u.administration.clone()),
            None => groups.push((vec![u.administration.clone()], &u.why, &u.rules)),
        }
    }
    let view = |(ids, why, rules): (Vec<SmolStr>, &str, &[SmolStr])| UnreportedView {
        what: what(names, &ids),
        ids: json(&ids),
        why: why.to_owned(),
        rules: RuleView::list(rules),
    };
    groups.into_iter().map(view).collect()
}

fn queries(coding: &Coding, dated: bool) -> Vec<QueryView> {
    coding.queries.iter().map(|q| query_view_dated(coding, q, dated)).collect()
}

/// A question of a coding.
pub(super) fn query_view(coding: &Coding, query: &Query) -> QueryView {
    let (first, last) = dates(coding);
    query_view_dated(coding, query, first != last)
}

fn query_view_dated(coding: &Coding, query: &Query, dated: bool) -> QueryView {
    let now = Answer::of(coding);
    let (about, rest) = query.ask.split_once(": ").unwrap_or(("", &query.ask));
    let (asked, choices) = rest.split_once(" Choices: ").unwrap_or((rest, ""));
    let outcome = |o: &dripline::coding::Outcome| {
        let found = diff::differences(&now, &now.after(o));
        let what = if found.is_empty() { "no change".to_owned() } else { diff::phrase(&found, dated) };
        (o.answer.clone(), what)
    };
    QueryView {
        to: query.to.to_string(),
        about: about.to_owned(),
        ask: asked.to_owned(),
        choices: choices.split("; ").filter(|c| !c.is_empty()).map(str::to_owned).collect(),
        outcomes: query.outcomes.iter().map(outcome).collect(),
    }
}

fn alternatives(coding: &Coding, dated: bool) -> Vec<AlternativeView> {
    let now = Answer::of(coding);
    let mut groups: Vec<AlternativeView> = Vec::new();
    for a in &coding.alternatives {
        let then = now.with(&a.lines, a.drug_lines.as_deref(), a.services.as_deref());
        let what = match then.lines.is_empty() && !now.lines.is_empty() {
            true => "no administration code is earned".to_owned(),
            false => diff::phrase(&diff::differences(&now, &then), dated),
        };
        let value = match &a.value {
            SwitchValue::List(list) if list.is_empty() => "(nothing)".to_owned(),
            other => other.to_string(),
        };
        let setting = format!("{} = {value}", a.switch);
        match groups.iter_mut().find(|g| g.what == what) {
            Some(group) => group.settings.push(setting),
            None => groups.push(AlternativeView { settings: vec![setting], what }),
        }
    }
    groups
}

fn edits(coding: &Coding) -> Vec<EditView> {
    let found = coding.edits.iter().filter(|e| e.kind != EditKind::NotChecked);
    found
        .map(|e| {
            let kind = match e.kind {
                EditKind::Ptp => "Pair of codes",
                EditKind::Mue => "More units than usual",
                EditKind::AddOn => "Add-on without its parent",
                EditKind::Setting => "Code for another setting",
                EditKind::AloneOnly => "Reported only alone",
                EditKind::Visit => "Visit beside an administration",
                EditKind::NotChecked => "Not checked",
            };
            let parts = [Some(e.why.as_str()), e.suggest.as_deref(), e.table.as_deref()];
            let text = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
            EditView { code: e.code.clone(), text: format!("{kind}: {text}") }
        })
        .collect()
}

fn not_checked(coding: &Coding) -> Vec<String> {
    let mut why: Vec<String> =
        coding.edits.iter().filter(|e| e.kind == EditKind::NotChecked).map(|e| e.why.clone()).collect();
    why.sort();
    why.dedup();
    why
}

fn assumed(coding: &Coding, names: &Names) -> Vec<String> {
    let mut groups: Vec<(String, Vec<String>, &str, &str)> = Vec::new();
    for a in coding.assumptions.iter().filter(|a| a.why != NOTICE) {
        let (key, id) = match a.path.strip_prefix("administrations[").and_then(|rest| rest.split_once(']')) {
            None => (a.path.replace('_', " "), None),
            Some((index, key)) => {
                let id = match index.parse().ok().and_then(|i| names.at(i)) {
                    Some(id) => id.to_owned(),
                    None if index == "*" => "all".to_owned(),
                    None => index.to_owned(),
                };
                (key.trim_start_matches('.').replace('_', " "), Some(id))
            }
        };
        match groups.iter_mut().find(|g| g.0 == key && g.2 == a.took && g.3 == a.why) {
            Some(group) => group.1.extend(id),
            None => groups.push((key, id.into_iter().collect(), &a.took, &a.why)),
        }
    }
    let line = |(key, ids, took, why): (String, Vec<String>, &str, &str)| {
        let of = if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) };
        format!("{key}{of}: {took}, because {}.", why.trim_end_matches('.'))
    };
    groups.into_iter().map(line).collect()
}

/// What is charted as missing or not stated, with the administrations that lack it.
fn documentation(coding: &Coding) -> Vec<(String, String)> {
    let mut all: Vec<&str> = coding.documentation.iter().map(|d| d.administration.as_str()).collect();
    all.dedup();
    let mut rows = Vec::new();
    for (state, says) in
        [(DocumentationState::Absent, "Charted as missing"), (DocumentationState::NotStated, "Not stated")]
    {
        let mut items: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for d in coding.documentation.iter().filter(|d| d.state == state) {
            items.entry(&d.item).or_default().push(&d.administration);
        }
        let mut groups: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
        for (item, ids) in items {
            match groups.iter_mut().find(|(i, _)| *i == ids) {
                Some((_, items)) => items.push(item),
                None => groups.push((ids, vec![item])),
            }
        }
        for (ids, items) in groups {
            let of = match ids == all {
                true => "for all".to_owned(),
                false => format!("for {}", ids.join(", ")),
            };
            rows.push((format!("{says} {of}"), items.join(", ")));
        }
    }
    rows
}

fn sides(coding: &Coding, ask: &Ask, dated: bool) -> SidesView {
    let other = match coding.setting {
        Setting::Office => Setting::Facility,
        Setting::Facility => Setting::Office,
    };
    let side = |coding: &Coding, here: bool| {
        let answer = Answer::of(coding);
        let lines = answer.lines.iter().chain(&answer.drug_lines);
        SideView {
            name: setting_name(coding.setting),
            here,
            lines: lines.map(|l| (name(&l.code, &l.modifiers), l.units)).collect(),
            without: coding.unreported.len(),
        }
    };
    let chart = With::Setting(other).chart(ask.chart);
    let there = ask.coder.code(&chart, ask.position, &[], &lines_only(ask.options));
    let differs = match &there {
        Err(_) => String::new(),
        Ok(there) => {
            let found = diff::differences(&Answer::of(coding), &Answer::of(there));
            match found.is_empty() {
                true => "Both are the same.".to_owned(),
                false => format!("{}: {}.", setting_name(other), diff::phrase(&found, dated)),
            }
        }
    };
    let mut sides = vec![Ok(side(coding, true)), there.map(|there| side(&there, false)).map_err(|e| e.message)];
    if other == Setting::Office {
        sides.reverse();
    }
    SidesView { sides, differs }
}

fn billed(coding: &Coding, chart: &Chart) -> Option<BilledView> {
    if chart.billed.is_empty() {
        return None;
    }
    let found = Comparison::with_billed(coding, chart);
    let pairs = diff::pairs(&found.left.answer, &found.right.answer);
    let dated = pairs.iter().any(|p| p.date != pairs[0].date);
    let units = |side: &Option<String>| side.as_ref().map_or("–".to_owned(), |units| format!("×{units}"));
    let line = |p: &Difference| BilledLineView {
        name: name(&p.code, &p.modifiers),
        date: p.date.filter(|_| dated).map_or(String::new(), |date| date.to_string()),
        coded: units(&p.left),
        billed: units(&p.right),
        differs: p.left != p.right,
    };
    Some(BilledView { lines: pairs.iter().map(line).collect(), differ: found.differences.len() })
}

impl WhyNotView {
    pub fn of(answer: &WhyNot, chart: &Chart) -> Self {
        let names = Names::new(Some(chart));
        let view = |o: &dripline_reference::answer::Obstacle| ObstacleView {
            what: what(&names, &o.administrations),
            why: o.why.clone(),
            needs: o.needs.clone(),
            rules: RuleView::list(&o.rules),
        };
        WhyNotView {
            code: answer.code.clone().into(),
            label: Code::from_name(&answer.code).map_or("", Code::label),
            earned: answer.earned,
            obstacles: answer.obstacles.iter().map(view).collect(),
        }
    }
}
