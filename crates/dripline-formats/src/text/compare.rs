//! A comparison as a table: one row a code, one column a side.

use dripline::chart::Chart;
use dripline::code::Code;

use super::names::Names;
use super::page::{Ink, Page, Style};
use crate::compare::{Comparison, Side};
use crate::diff::{Difference, Kind, pairs};

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
    let pairs = pairs(&found.left.answer, &found.right.answer);
    let several = |kind: Kind| {
        let mut dates = pairs.iter().filter(|p| p.kind == kind).map(|p| p.date);
        dates.next().is_some_and(|first| dates.any(|date| date != first))
    };
    let row = |pair: &Difference| {
        let differs = pair.left != pair.right;
        let ink = if differs { Ink::Alert } else { Ink::Plain };
        let side = |says: &Option<String>| says.as_ref().map_or("–".to_owned(), |s| s.replace('_', " "));
        let label = match pair.kind {
            Kind::Line => Code::from_name(&pair.code).map_or("", Code::label),
            Kind::DrugLine => "drug",
            Kind::Service => "service",
        };
        let date = pair.date.filter(|_| several(pair.kind)).map_or(String::new(), |date| date.to_string());
        vec![
            (Ink::Alert, if differs { ">" } else { "" }.to_owned()),
            (if differs { Ink::Alert } else { Ink::Code }, pair.code.to_string()),
            (ink, pair.modifiers.join(" ")),
            (ink, date),
            (ink, side(&pair.left)),
            (ink, side(&pair.right)),
            (Ink::Plain, label.to_owned()),
        ]
    };
    pairs.iter().map(row).collect()
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
