//! The rule book in the terminal.

use dripline::rule::{Grade, Page as Rule, RuleId};

use super::page::{Ink, Page, Style};

/// Every rule by family, with its label and grade.
#[must_use]
pub fn rule_list(style: Style) -> String {
    let mut page = Page::new(style);
    let mut families: Vec<&str> = RuleId::ALL.iter().map(|r| r.page().family).collect();
    families.sort_unstable();
    families.dedup();
    for family in families {
        page.heading(&family.replace('-', " "));
        let rules = || RuleId::ALL.iter().map(|r| r.page()).filter(|r| r.family == family);
        let widest = rules().map(|r| r.id.len()).max().unwrap_or(0);
        for rule in rules() {
            let id = format!("{:<widest$}  ", rule.id);
            let ink = if rule.grade >= Grade::C { Ink::Alert } else { Ink::Plain };
            let grade = format!("{}  ", rule.grade.as_str());
            page.words(&[(Ink::Plain, "  "), (Ink::Code, &id), (ink, &grade)], widest + 7, Ink::Plain, rule.label);
        }
    }
    page.blank();
    let grades = [Grade::A, Grade::B, Grade::C, Grade::K].map(|g| format!("{} = {}", g.as_str(), grade_words(g)));
    page.words(&[], 0, Ink::Faint, &format!("{}. `dripline rule ID` shows a page.", grades.join("; ")));
    page.done()
}

/// The page of a rule.
#[must_use]
pub fn rule_page(rule: &Rule, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(&[(Ink::Heading, rule.label)]);
    page.blank();
    let dates = match rule.until {
        Some(until) => format!("{} to {until}", rule.since),
        None => format!("since {}", rule.since),
    };
    let grade = format!("{}, {}", rule.grade.as_str(), grade_words(rule.grade));
    let mut facts: Vec<(&str, Ink, String)> = vec![
        ("Rule", Ink::Code, rule.id.to_owned()),
        ("Family", Ink::Plain, rule.family.replace('-', " ")),
        ("Setting", Ink::Plain, rule.setting.to_owned()),
        ("Holds", Ink::Plain, dates),
        ("Authority", Ink::Plain, rule.authority.to_owned()),
        ("Grade", if rule.grade >= Grade::C { Ink::Alert } else { Ink::Plain }, grade),
    ];
    for (address, seen) in rule.sources {
        facts.push(("Source", Ink::Plain, format!("{address} (seen {seen})")));
    }
    if !rule.switches.is_empty() {
        facts.push(("Switches", Ink::Plain, rule.switches.join(", ")));
    }
    for conflict in rule.conflicts {
        facts.push(("Conflict", Ink::Plain, (*conflict).to_owned()));
    }
    facts.push(("Why", Ink::Plain, rule.why.to_owned()));
    facts.push(("Needs", Ink::Plain, rule.needs.to_owned()));
    let mut last = "";
    for (name, ink, text) in facts {
        page.words(&[(Ink::Faint, if name == last { "" } else { name })], 11, ink, &text);
        last = name;
    }
    body(&mut page, rule.text);
    page.done()
}

/// The page's text without its front matter and title, wrapped outside its cases.
fn body(page: &mut Page, text: &str) {
    let text = text.strip_prefix("+++\n").and_then(|t| t.split_once("\n+++\n")).map_or(text, |(_, body)| body);
    let mut fence = false;
    // Lines of a paragraph, which the page breaks anew.
    let mut open: Option<(&str, String)> = None;
    let flush = |page: &mut Page, open: &mut Option<(&str, String)>| {
        if let Some((mark, text)) = open.take() {
            page.words(&[(Ink::Plain, mark)], mark.len(), Ink::Plain, &text);
        }
    };
    for line in text.lines() {
        let continues = !fence && !line.is_empty() && !line.starts_with(['#', '`', '|']) && !line.starts_with("- ");
        if let Some((_, text)) =
            open.as_mut().filter(|_| continues || (line.starts_with('`') && !line.starts_with("```")))
        {
            text.push(' ');
            text.push_str(line.trim_start());
            continue;
        }
        flush(page, &mut open);
        if let Some(tag) = line.strip_prefix("```") {
            fence = !fence;
            if tag.is_empty() || fence {
                page.blank();
            }
        } else if fence {
            page.line(&[(Ink::Faint, "    "), (Ink::Plain, line)]);
        } else if line.starts_with("# ") {
        } else if let Some(heading) = line.strip_prefix("## ") {
            page.heading(heading);
        } else if let Some(item) = line.strip_prefix("- ") {
            open = Some(("- ", item.to_owned()));
        } else if line.is_empty() {
            page.blank();
        } else if line.starts_with('|') {
            page.line(&[(Ink::Plain, line)]);
        } else {
            open = Some(("", line.to_owned()));
        }
    }
    flush(page, &mut open);
}

fn grade_words(grade: Grade) -> &'static str {
    match grade {
        Grade::A => "the authority's own page was seen",
        Grade::B => "several sources agree",
        Grade::C => "one source, or sources disagree",
        Grade::K => "general knowledge, no page was seen",
    }
}
