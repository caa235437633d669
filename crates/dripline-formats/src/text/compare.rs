//! A comparison as a table: one row a code, one column a side.

use dripline::SmolStr;
use dripline::chart::Chart;
use dripline::code::Code;
use dripline::coding::{ChartDate, ShortLine};

use super::names::Names;
use super::page::{Ink, Page, Style};
use crate::compare::{Comparison, Side};
use crate::diff::Kind;

/// The two sides, and why what differs does.
#[must_use]
pub fn comparison(found: &Comparison, chart: &Chart, style: Style) -> String {
    let names = Names::new(Some(chart));
    let mut page = Page::new(style);
    let head = format!("Case {}", found.case);
    let about = format!("{} beside {}", found.left.name, found.right.name);
    page.words(&[(Ink::Heading, &head)], head.chars().count() + 3, Ink::Plain, &about);
    page.blank();
    let rows = rows(found);
    if rows.is_empty() {
        page.line(&[(Ink::Alert, "  Nothing is coded on either side.")]);
    } else {
        let head = ["", "Code", "Mod", "Date", &found.left.name, &found.right.name, "What"];
        page.table(Some(&head), &rows);
    }
    page.blank();
    match found.differences.len() {
        0 => page.line(&[(Ink::Good, "  Both sides are the same.")]),
        1 => page.line(&[(Ink::Alert, "  1 difference.")]),
        n => page.line(&[(Ink::Alert, &format!("  {n} differences."))]),
    }
    only(&mut page, &names, &found.left, &found.right);
    only(&mut page, &names, &found.right, &found.left);
    page.done()
}

fn rows(found: &Comparison) -> Vec<Vec<(Ink, String)>> {
    let sides = [&found.left.answer, &found.right.answer];
    let mut rows = Vec::new();
    for (kind, of) in [
        (Kind::Line, [&sides[0].lines, &sides[1].lines]),
        (Kind::DrugLine, [&sides[0].drug_lines, &sides[1].drug_lines]),
    ] {
        let mut keys: Vec<(&str, &[SmolStr], ChartDate)> = Vec::new();
        for line in of.into_iter().flatten() {
            let key = (line.code.as_str(), line.modifiers.as_slice(), line.date);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let several = keys.iter().any(|k| k.2 != keys[0].2);
        for (code, modifiers, date) in keys {
            let units = |side: &[ShortLine]| -> u64 {
                side.iter()
                    .filter(|l| l.code == code && l.modifiers == modifiers && l.date == date)
                    .map(|l| l.units)
                    .sum()
            };
            let (left, right) = (units(of[0]), units(of[1]));
            let shown = |n: u64| if n == 0 { "–".to_owned() } else { n.to_string() };
            let label = match kind {
                Kind::DrugLine => "drug",
                _ => Code::from_name(code).map_or("", Code::label),
            };
            let date = if several { date.to_string() } else { String::new() };
            rows.push(row(left != right, code, modifiers.join(" "), date, shown(left), shown(right), label));
        }
    }
    for (id, code) in
        sides.iter().flat_map(|s| &s.services).map(|s| (&s.id, &s.code)).fold(Vec::new(), |mut all, key| {
            if !all.contains(&key) {
                all.push(key);
            }
            all
        })
    {
        let verdict = |side: usize| {
            sides[side].services.iter().find(|s| s.id == *id && s.code == *code).map_or("–".to_owned(), |s| {
                format!("{} {}", s.verdict.as_str().replace('_', " "), s.modifier.as_deref().unwrap_or(""))
            })
        };
        let (left, right) = (verdict(0).trim_end().to_owned(), verdict(1).trim_end().to_owned());
        rows.push(row(left != right, code, String::new(), String::new(), left, right, "service"));
    }
    rows
}

fn row(
    differs: bool,
    code: &str,
    modifiers: String,
    date: String,
    left: String,
    right: String,
    label: &str,
) -> Vec<(Ink, String)> {
    let ink = if differs { Ink::Alert } else { Ink::Plain };
    vec![
        (Ink::Alert, if differs { ">" } else { "" }.to_owned()),
        (if differs { Ink::Alert } else { Ink::Code }, code.to_owned()),
        (ink, modifiers),
        (ink, date),
        (ink, left),
        (ink, right),
        (Ink::Plain, label.to_owned()),
    ]
}

/// What earns nothing on one side only.
fn only(page: &mut Page, names: &Names, side: &Side, other: &Side) {
    let shared = |id: &str| other.unreported.iter().any(|o| o.administration == id);
    let only: Vec<_> = side.unreported.iter().filter(|u| !shared(&u.administration)).collect();
    if only.is_empty() || other.name == "billed" {
        return;
    }
    page.heading(&format!("Earns no code under {} only", side.name));
    for u in only {
        let id = &u.administration;
        page.words(&[(Ink::Plain, "  "), (Ink::Alert, id)], 4 + id.chars().count(), Ink::Plain, &names.what(id));
        page.words(&[], 6, Ink::Plain, &u.why);
    }
}
