//! The rule book as JSON.

use dripline::NOTICE;
use dripline::rule::{Page, RuleId};
use dripline_formats::near::near;
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::line;
use crate::asked::cut;
use crate::problem::{Kind, Problem};

/// Every rule.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RuleList {
    /// Whose the codes are, and who has reviewed the rules.
    notice: &'static str,
    /// By id.
    rules: Vec<Rule>,
}

/// A rule in short.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Rule {
    /// Its id, as it stands in a coding.
    id: &'static str,
    /// What it is called here.
    label: &'static str,
    /// What it belongs to.
    family: &'static str,
    /// `facility`, `office` or `both`.
    setting: &'static str,
    /// First date.
    since: &'static str,
    /// Last date, if it ended.
    until: Option<&'static str>,
    /// Who says so.
    authority: &'static str,
    /// How well it is proved: A, B, C or K.
    grade: &'static str,
}

/// A page of the rule book.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RulePage {
    #[serde(flatten)]
    rule: Rule,
    /// Addresses, with the date on which each was seen.
    sources: Vec<Source>,
    /// Policy switches that decide it.
    switches: &'static [&'static str],
    /// Known conflicts.
    conflicts: &'static [&'static str],
    /// One sentence for the coder.
    why: &'static str,
    /// What it needs.
    needs: &'static str,
    /// The page, as Markdown.
    text: &'static str,
    /// Whose the codes are, and who has reviewed the rules.
    notice: &'static str,
}

/// Where a rule is written.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Source {
    /// Address.
    address: &'static str,
    /// Date.
    seen: &'static str,
}

impl Rule {
    fn of(page: &'static Page) -> Self {
        let &Page { id, label, family, setting, since, until, authority, grade, .. } = page;
        Rule { id, label, family, setting, since, until, authority, grade: grade.as_str() }
    }
}

/// Every rule in short.
pub(crate) fn list() -> String {
    line(&RuleList { notice: NOTICE, rules: RuleId::ALL.iter().map(|r| Rule::of(r.page())).collect() })
}

/// The page of a rule.
pub(crate) fn page(id: &str) -> Result<String, Problem> {
    let rule = RuleId::from_name(id).ok_or_else(|| {
        let near = near(id, RuleId::ALL.iter().map(|r| r.as_str()), 5);
        let help = match near.is_empty() {
            true => "/v1/rules lists them all".to_owned(),
            false => format!("near it: {}", near.join(", ")),
        };
        Problem::new(Kind::NotFound, format!("there is no rule `{}`", cut(id)), help)
    })?;
    let page = rule.page();
    let sources = page.sources.iter().map(|&(address, seen)| Source { address, seen }).collect();
    let &Page { switches, conflicts, why, needs, text, .. } = page;
    Ok(line(&RulePage { rule: Rule::of(page), sources, switches, conflicts, why, needs, text, notice: NOTICE }))
}
