//! The rule book proves itself: every page's cases hold, every rule is told by its own page, every switch decides
//! something, and no question to a clinician says what an answer would earn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use dripline::SmolStr;
use dripline::chart::{Chart, ChartTime, SwitchValue};
use dripline::coding::{Coding, ShortLine};
use dripline::policy::{Part, Policy, Switch};
use dripline::rule::{Page, RuleId};
use dripline_formats::cases::{self, Answer, Kind, Report, TextCase, rows};
use dripline_reference::{Coder, Options};

const HEADS: [&str; 5] = ["What it says", "Why", "Where sources disagree", "Fires", "Does not fire"];

fn coder() -> &'static Coder {
    static CODER: OnceLock<Coder> = OnceLock::new();
    CODER.get_or_init(Coder::default)
}

/// Lines only: what most of these tests look at.
fn plain() -> Options {
    Options { alternatives: false, ..Options::default() }
}

fn file(page: &Page) -> String {
    format!("rulebook/{}/{}.md", page.family, page.id)
}

/// Every page with its cases.
fn pages() -> &'static [(RuleId, Vec<TextCase>)] {
    static PAGES: OnceLock<Vec<(RuleId, Vec<TextCase>)>> = OnceLock::new();
    PAGES.get_or_init(|| RuleId::ALL.iter().map(|r| (*r, cases::read(Kind::Markdown, r.page().text))).collect())
}

fn coded(case: &TextCase, options: &Options) -> Option<Box<Coding>> {
    match cases::answer(case, 1, coder(), options) {
        Answer::Coded(coding) => Some(coding),
        Answer::Refused(_) => None,
    }
}

/// Fails with every finding on a line of its own.
fn none(what: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{what}: {}\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn every_page_has_its_heads_and_a_case_under_the_last_two() {
    let mut findings = Vec::new();
    for (rule, cases) in pages() {
        let file = file(rule.page());
        let mut fenced = false;
        let heads: Vec<_> = rule
            .page()
            .text
            .lines()
            .filter(|line| {
                fenced ^= line.starts_with("```");
                !fenced
            })
            .filter_map(|line| line.strip_prefix("## "))
            .collect();
        if heads != HEADS {
            findings.push(format!("{file}: its heads are {heads:?}"));
        }
        for head in ["Fires", "Does not fire"] {
            if !cases.iter().any(|c| c.heading == head) {
                findings.push(format!("{file}: no case under {head}"));
            }
        }
        for case in cases {
            if !["Fires", "Does not fire"].contains(&case.heading.as_str()) {
                findings.push(format!("{file}:{}: a case under {}", case.line, case.heading));
            }
            if case.title.is_empty() {
                findings.push(format!("{file}:{}: a case without a first line that says what it shows", case.line));
            }
        }
    }
    none("pages that are not in shape", &findings);
}

#[test]
fn every_case_of_every_page_holds() {
    let mut failing = Vec::new();
    let mut cases = 0;
    for (rule, _) in pages() {
        let report: Report = cases::run(&file(rule.page()), rule.page().text, coder(), &plain());
        cases += report.outcomes.len();
        if !report.is_clean() {
            failing.push(report);
        }
    }
    let names: Vec<_> = failing.iter().map(|r| format!("{} ({})", r.file, r.outcomes.len() - r.passed())).collect();
    let texts: String = failing.iter().map(Report::to_string).collect();
    assert!(failing.is_empty(), "{texts}\npages with failing cases, of {cases} cases:\n{}", names.join("\n"));
}

/// Every rule that a coding names.
fn named(coding: &Coding) -> BTreeSet<&str> {
    let lists = [
        coding.lines.iter().map(|l| &l.rules).collect::<Vec<_>>(),
        coding.drug_lines.iter().map(|l| &l.rules).collect(),
        coding.services.iter().map(|s| &s.rules).collect(),
        coding.unreported.iter().map(|u| &u.rules).collect(),
        coding.edits.iter().map(|e| &e.rules).collect(),
    ];
    let spans = coding.minutes.iter().flat_map(|m| &m.spans).filter_map(|s| s.by.as_deref());
    lists.into_iter().flatten().flatten().map(SmolStr::as_str).chain(spans).collect()
}

#[test]
fn every_rule_is_told_by_a_case_of_its_own_page() {
    let mut findings = Vec::new();
    for (rule, cases) in pages() {
        let fires: Vec<_> = cases.iter().filter(|c| c.heading == "Fires").collect();
        let told =
            fires.iter().any(|c| coded(c, &plain()).is_some_and(|coding| named(&coding).contains(rule.as_str())));
        if !told {
            findings.push(file(rule.page()));
        }
    }
    none("rules that no firing case of their own page tells", &findings);
}

fn result(case: &TextCase, set: Option<(&str, &SwitchValue)>) -> Option<Vec<ShortLine>> {
    let set = set.map(|(name, value)| (name.to_owned(), value.clone())).into_iter().collect();
    let coding = coded(case, &Options { set, ..plain() })?;
    Some(coding.lines.iter().map(|l| l.short()).collect())
}

#[test]
fn every_value_of_every_switch_changes_a_case_of_a_page_that_names_it() {
    let mut findings = Vec::new();
    for switch in Switch::ALL.iter().filter(|s| s.part() == Part::Codes) {
        let cases: Vec<_> = pages()
            .iter()
            .filter(|(rule, _)| rule.page().switches.contains(&switch.name()))
            .flat_map(|(_, cases)| cases)
            .collect();
        if cases.is_empty() {
            findings.push(format!("{}: no page names it", switch.name()));
            continue;
        }
        let usual = Policy::default().get(*switch);
        for value in switch.documented().iter().filter(|v| **v != usual) {
            let changes = cases.iter().any(|case| {
                let under = |v: &SwitchValue| result(case, Some((switch.name(), v)));
                under(value) != under(&usual)
            });
            if !changes {
                findings.push(format!("{} = {value}: no case of its pages differs from {usual}", switch.name()));
            }
        }
    }
    none("switches that decide nothing", &findings);
}

#[cfg(feature = "rule-off")]
#[test]
fn every_page_fails_when_its_rule_is_off() {
    let mut findings = Vec::new();
    for (rule, cases) in pages() {
        let without = Options { off: Some(*rule), ..plain() };
        let needed = cases.iter().filter(|c| c.heading == "Fires").any(|case| {
            let holds = |options: &Options| {
                cases::check(case, &cases::answer(case, 1, coder(), options)).verdict == cases::Verdict::Pass
            };
            holds(&plain()) && !holds(&without)
        });
        if !needed {
            findings.push(file(rule.page()));
        }
    }
    none("pages whose cases hold without their rule", &findings);
}

/// Charts of the rule book and, where they lie beside the project, of the published cases.
fn charts() -> Vec<(String, Chart, Coding)> {
    let mut found = Vec::new();
    for (rule, cases) in pages() {
        for case in cases {
            if let (Ok((chart, _)), Some(coding)) = (case.chart(), coded(case, &Options::default())) {
                found.push((format!("{}:{}", file(rule.page()), case.line), chart, *coding));
            }
        }
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/cases");
    match std::fs::read_dir(folder) {
        Err(_) => println!("skipped: no published cases beside the project"),
        Ok(entries) => {
            for path in entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|x| x == "jsonl")) {
                let text = std::fs::read_to_string(&path).expect("a readable file");
                for (line, row) in rows::read(&text) {
                    let row = row.expect("a row");
                    let chart = serde_json::from_value(row.case.clone()).expect("a chart");
                    if let Ok(coding) = rows::code(&row, 1, coder(), &Options::default()) {
                        found.push((format!("{}:{line}", path.display()), chart, coding));
                    }
                }
            }
        }
    }
    found
}

/// Texts of a chart that a question may repeat: what was given, how much of it, when and why. Ids, codes and counts
/// are not among them, so that a number in a question is either one of these or a finding.
fn facts(chart: &Chart) -> BTreeSet<String> {
    const REPEATED: [&str; 13] = [
        "drug",
        "dose",
        "volume",
        "rate",
        "indication",
        "route",
        "start",
        "stop",
        "date",
        "arrival",
        "departure",
        "amount",
        "wasted",
    ];
    fn walk(value: &serde_json::Value, key: &str, out: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(map) => map.iter().for_each(|(k, v)| walk(v, k, out)),
            serde_json::Value::Array(list) => list.iter().for_each(|v| walk(v, key, out)),
            serde_json::Value::String(text) if REPEATED.contains(&key) && !text.trim().is_empty() => {
                out.insert(text.trim().to_owned());
                if let Ok(time) = text.parse::<ChartTime>() {
                    out.insert(time.civil.date().to_string());
                    out.insert(format!("{:02}:{:02}", time.civil.hour(), time.civil.minute()));
                }
            }
            _ => {}
        }
    }
    let mut out = BTreeSet::new();
    walk(&serde_json::to_value(chart).expect("a chart is JSON"), "", &mut out);
    let ids = chart.administrations.iter().enumerate();
    out.extend(ids.map(|(i, a)| format!("entry {}", a.id.clone().unwrap_or_else(|| (i + 1).to_string()))));
    out
}

/// The text without a chart's own facts; a fact counts only as whole words.
fn without(text: &str, facts: &BTreeSet<String>) -> String {
    let mut text = text.to_owned();
    let mut longest: Vec<_> = facts.iter().collect();
    longest.sort_by_key(|fact| std::cmp::Reverse(fact.len()));
    for fact in longest {
        let mut from = 0;
        while let Some(at) = text[from..].find(fact.as_str()).map(|i| i + from) {
            let end = at + fact.len();
            let joined = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            if joined(text[..at].chars().next_back()) || joined(text[end..].chars().next()) {
                from = at + text[at..].chars().next().map_or(1, char::len_utf8);
            } else {
                text.replace_range(at..end, "·");
                from = at + "·".len();
            }
        }
    }
    text
}

/// What a question must not say, found in a text whose chart facts are gone.
fn says_too_much(text: &str) -> Vec<String> {
    const WORDS: [&str; 26] = [
        "code",
        "coded",
        "codes",
        "coding",
        "cpt",
        "hcpcs",
        "icd",
        "unit",
        "units",
        "claim",
        "claims",
        "pay",
        "paid",
        "payer",
        "payers",
        "fee",
        "fees",
        "revenue",
        "money",
        "price",
        "cost",
        "costs",
        "threshold",
        "minimum",
        "hour",
        "hours",
    ];
    const STEMS: [&str; 7] = ["bill", "charge", "reimburs", "payment", "modifier", "dollar", "cover"];
    let mut found: Vec<String> = text
        .to_lowercase()
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| WORDS.contains(word) || STEMS.iter().any(|stem| word.starts_with(stem)))
        .map(str::to_owned)
        .collect();
    found.extend(
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|w| w.contains(|c: char| c.is_ascii_digit()))
            .map(str::to_owned),
    );
    found.extend(text.contains('$').then(|| "$".to_owned()));
    found
}

#[test]
fn questions_say_nothing_of_codes_money_or_thresholds() {
    let mut findings = Vec::new();
    let mut questions = BTreeMap::new();
    for (place, chart, coding) in charts() {
        let facts = facts(&chart);
        for query in &coding.queries {
            *questions.entry(query.field.clone()).or_insert(0) += 1;
            let found = says_too_much(&without(&query.ask, &facts));
            if !found.is_empty() {
                findings.push(format!("{place}: {found:?} in “{}”", query.ask));
            }
        }
    }
    assert!(questions.len() > 5, "too few sorts of question were asked: {questions:?}");
    none("questions that say too much", &findings);
}

#[test]
fn the_scan_of_questions_finds_what_it_is_for() {
    let chart = Chart {
        administrations: vec![dripline::chart::Administration {
            drug: Some("Heparin".to_owned()),
            dose: Some("5000 units".to_owned()),
            start: Some("2026-01-05T10:30".parse().expect("a time")),
            hcpcs: Some("J1644".to_owned()),
            ..Default::default()
        }],
        ..Chart::default()
    };
    let scan = |text: &str| says_too_much(&without(text, &facts(&chart)));
    assert_eq!(
        scan("Heparin 5000 units, started 10:30 on 2026-01-05: entry 1. When did it stop?"),
        Vec::<String>::new()
    );
    for (text, found) in [
        ("Heparin 5000 units J1644: when?", "J1644"),
        ("Did it run 16 minutes?", "16"),
        ("Did it run at least 1 turn?", "1"),
        ("Would 96365 apply?", "96365"),
        ("How many units?", "units"),
        ("Can it be billed?", "billed"),
        ("For $?", "$"),
    ] {
        assert_eq!(scan(text), [found], "{text}");
    }
}
