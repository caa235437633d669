//! The rule book as pages, with its cases running.

use dripline::rule::{Grade, Page, RuleId};
use dripline_formats::cases::{self, Answer, Kind, Verdict};
use dripline_reference::{Coder, Options};

use super::view::grade_words;

/// A rule in the list.
pub(super) struct Listed {
    pub id: &'static str,
    pub label: &'static str,
    pub grade: &'static str,
    pub weak: bool,
    pub setting: &'static str,
    pub why: &'static str,
    /// What the list is searched by, in lower case.
    pub words: String,
}

pub(super) struct Family {
    pub name: String,
    pub rules: Vec<Listed>,
}

/// The rules that hold every word of a search, by family.
pub(super) fn list(search: &str) -> Vec<Family> {
    let wanted: Vec<String> = search.split_whitespace().map(str::to_lowercase).collect();
    let mut families: Vec<Family> = Vec::new();
    let mut pages: Vec<&'static Page> = RuleId::ALL.iter().map(|r| r.page()).collect();
    pages.sort_by_key(|p| (p.family, p.id));
    for page in pages {
        let words = words(page);
        if !wanted.iter().all(|w| words.contains(w.as_str())) {
            continue;
        }
        let name = page.family.replace('-', " ");
        if families.last().is_none_or(|f| f.name != name) {
            families.push(Family { name, rules: Vec::new() });
        }
        let rule = Listed {
            id: page.id,
            label: page.label,
            grade: page.grade.as_str(),
            weak: page.grade >= Grade::C,
            setting: page.setting,
            why: page.why,
            words,
        };
        families.last_mut().expect("one was just made").rules.push(rule);
    }
    families
}

fn words(page: &Page) -> String {
    let sources = page.sources.iter().map(|s| s.0).collect::<Vec<_>>().join(" ");
    let switches = page.switches.join(" ");
    let body = page.text.split_once("\n+++\n").map_or("", |(_, body)| body);
    format!("{} {} {} {} {} {switches} {sources} {body}", page.id, page.label, page.why, page.authority, page.family)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

/// A piece of a rule's page.
pub(super) enum Block {
    Heading(String),
    Text(Vec<Piece>),
    List(Vec<Vec<Piece>>),
    Case(CaseView),
    Fence(String),
}

/// Words, or what stands between backticks.
pub(super) struct Piece {
    pub code: bool,
    pub text: String,
}

/// A case of a page, and what became of it just now.
pub(super) struct CaseView {
    pub title: String,
    pub input: String,
    pub expected: String,
    pub holds: bool,
    pub got: String,
}

pub(super) struct RulePageView {
    pub page: &'static Page,
    pub family: String,
    pub dates: String,
    pub grade: &'static str,
    pub grade_words: &'static str,
    pub weak: bool,
    pub blocks: Vec<Block>,
    pub cases: usize,
    pub hold: usize,
}

/// The page of a rule, its cases run.
pub(super) fn page(rule: RuleId, coder: &Coder) -> RulePageView {
    let page = rule.page();
    let blocks = blocks(page.text, coder);
    let cases = || blocks.iter().filter_map(|b| if let Block::Case(case) = b { Some(case) } else { None });
    RulePageView {
        family: page.family.replace('-', " "),
        dates: match page.until {
            Some(until) => format!("{} to {until}", page.since),
            None => format!("since {}", page.since),
        },
        grade: page.grade.as_str(),
        grade_words: grade_words(page.grade),
        weak: page.grade >= Grade::C,
        cases: cases().count(),
        hold: cases().filter(|c| c.holds).count(),
        blocks,
        page,
    }
}

fn blocks(text: &str, coder: &Coder) -> Vec<Block> {
    let text_cases = cases::read(Kind::Markdown, text);
    let options = Options { alternatives: false, ..Options::default() };
    let body_at = text.find("\n+++\n").map_or(0, |at| at + 5);
    let first = text[..body_at].matches('\n').count() + 1;
    let mut out = Vec::new();
    let mut fence: Option<(bool, usize, Vec<&str>)> = None;
    for (number, line) in text[body_at..].lines().enumerate().map(|(i, l)| (first + i, l)) {
        if let Some(tag) = line.strip_prefix("```") {
            match fence.take() {
                None => fence = Some((tag.trim() == "case", number, Vec::new())),
                Some((true, from, lines)) => {
                    // A case's own line lies within its fence.
                    let case = text_cases.iter().position(|c| (from..=number).contains(&c.line));
                    out.push(match case {
                        Some(at) => Block::Case(case_view(&text_cases[at], &lines, coder, &options)),
                        None => Block::Fence(lines.join("\n")),
                    });
                }
                Some((false, _, lines)) => out.push(Block::Fence(lines.join("\n"))),
            }
        } else if let Some((.., lines)) = &mut fence {
            lines.push(line);
        } else if let Some(heading) = line.strip_prefix("## ") {
            out.push(Block::Heading(heading.to_owned()));
        } else if line.starts_with("# ") || line.trim().is_empty() {
        } else if let Some(item) = line.strip_prefix("- ") {
            match out.last_mut() {
                Some(Block::List(items)) => items.push(pieces(item)),
                _ => out.push(Block::List(vec![pieces(item)])),
            }
        } else {
            // A line that goes on where the last one ended.
            let more = |pieces_of: &mut Vec<Piece>| {
                pieces_of.push(Piece { code: false, text: " ".to_owned() });
                pieces_of.extend(pieces(line.trim()));
            };
            let continues = line.starts_with(' ');
            match out.last_mut() {
                Some(Block::List(items)) if continues => items.last_mut().into_iter().for_each(more),
                Some(Block::Text(text)) => more(text),
                _ => out.push(Block::Text(pieces(line))),
            }
        }
    }
    out
}

fn pieces(line: &str) -> Vec<Piece> {
    let parts = line.split('`').enumerate();
    parts.filter(|(_, t)| !t.is_empty()).map(|(i, t)| Piece { code: i % 2 == 1, text: t.to_owned() }).collect()
}

fn case_view(case: &cases::TextCase, lines: &[&str], coder: &Coder, options: &Options) -> CaseView {
    let divider = lines.iter().position(|l| *l == "----").unwrap_or(lines.len());
    let input = lines[..divider].iter().filter(|l| !l.starts_with('#')).copied().collect::<Vec<_>>().join("\n");
    let expected = lines.get(divider + 1..).unwrap_or_default().join("\n");
    let answer: Answer = cases::answer(case, 1, coder, options);
    let outcome = cases::check(case, &answer);
    let got = match &outcome.verdict {
        Verdict::Pass => String::new(),
        Verdict::Fail { got, .. } => got.join("\n"),
        Verdict::Malformed(problem) => problem.to_string(),
    };
    CaseView { title: case.title.clone(), input, expected, holds: outcome.verdict == Verdict::Pass, got }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_of_the_book_is_on_its_page_and_holds() {
        let coder = Coder::default();
        for rule in RuleId::ALL {
            let view = page(*rule, &coder);
            let written = cases::read(Kind::Markdown, rule.page().text).len();
            assert_eq!((view.cases, view.hold), (written, written), "{rule}");
            assert!(written > 0, "{rule}");
        }
    }

    #[test]
    fn the_search_finds_words_in_any_order() {
        let all: usize = list("").iter().map(|f| f.rules.len()).sum();
        assert_eq!(all, RuleId::ALL.len());
        let ids = |search: &str| list(search).iter().flat_map(|f| f.rules.iter().map(|r| r.id)).collect::<Vec<_>>();
        assert!(ids("office push AGAIN").contains(&"same-push-again-office"));
        assert!(ids("96376").contains(&"same-push-again-facility"));
        assert!(ids("no-such-word-anywhere").is_empty());
        assert!(ids("office push again").len() < all);
    }

    #[test]
    fn code_between_backticks_is_a_piece_of_its_own() {
        let found: Vec<(bool, String)> = pieces("a `b` c").into_iter().map(|p| (p.code, p.text)).collect();
        assert_eq!(found, [(false, "a ".to_owned()), (true, "b".to_owned()), (false, " c".to_owned())]);
    }
}
