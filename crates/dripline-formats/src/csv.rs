//! CSV of codings: one row for each line, service, unreported administration, question and finding.

use dripline::SmolStr;
use dripline::coding::Coding;
use dripline_reference::money::Money;

use crate::diff::{Answer, differences, phrase};

/// The header row, with its end.
pub const HEADER: &str = "case,kind,code,units,modifiers,date,administrations,rules,why\n";

/// The rows of a coding, each with its end.
///
/// `kind` is `line`, `drug_line`, `service`, `unreported`, `query`, `alternative`, `edit` or `assumption`. The column
/// `code` holds the key that is asked for in a `query`, `switch=value` in an `alternative` and the key path in an
/// `assumption`. What each answer to a question would earn is not written: it must not reach the one who is asked.
#[must_use]
pub fn rows(coding: &Coding) -> String {
    let mut out = String::new();
    let mut row = |kind: &str, cells: [&str; 2], lists: [&[SmolStr]; 3], date: &str, why: &str| {
        let [modifiers, administrations, rules] = lists.map(list);
        let [code, units] = cells.map(cell);
        let fields = [
            cell(&coding.case),
            kind.to_owned(),
            code,
            units,
            modifiers,
            date.to_owned(),
            administrations,
            rules,
            cell(why),
        ];
        out.push_str(&fields.map(|f| quoted(&f)).join(","));
        out.push('\n');
    };
    for l in &coding.lines {
        let lists = [l.modifiers.as_slice(), &l.administrations, &l.rules];
        row("line", [&l.code, &l.units.to_string()], lists, &l.date.to_string(), &l.why);
    }
    for l in &coding.drug_lines {
        let lists = [l.modifiers.as_slice(), &l.administrations, &l.rules];
        row("drug_line", [&l.hcpcs, &l.units.to_string()], lists, &l.date.to_string(), &l.why);
    }
    for s in &coding.services {
        let modifiers: Vec<SmolStr> = s.modifier.iter().cloned().collect();
        let why = format!("{}: {}", s.verdict.as_str().replace('_', " "), s.why);
        row("service", [&s.code, ""], [&modifiers, std::slice::from_ref(&s.id), &s.rules], "", &why);
    }
    for u in &coding.unreported {
        row("unreported", ["", ""], [&[], std::slice::from_ref(&u.administration), &u.rules], "", &u.why);
    }
    for q in &coding.queries {
        row("query", [&q.field, ""], [&[], &q.administrations, &[]], "", &format!("to the {}: {}", q.to, q.ask));
    }
    let now = Answer::of(coding);
    for a in &coding.alternatives {
        let then = now.with(&a.lines, a.drug_lines.as_deref(), a.services.as_deref());
        let why = phrase(&differences(&now, &then), true);
        row("alternative", [&format!("{}={}", a.switch, a.value), ""], [&[], &[], &[]], "", &why);
    }
    for e in &coding.edits {
        let mut why = format!("{}: {}", e.kind.as_str().replace('_', " "), e.why);
        if let Some(suggest) = &e.suggest {
            why = format!("{why} {suggest}");
        }
        row("edit", [&e.code, ""], [&[], &[], &e.rules], "", &why);
    }
    for a in &coding.assumptions {
        row("assumption", [&a.path, ""], [&[], &[], &[]], "", &format!("{}: {}", a.took, a.why));
    }
    out
}

/// The rows of an estimate, each with its end: `kind` is `money`, and `why` begins with the amount.
#[must_use]
pub fn money(money: &Money) -> String {
    let mut out = String::new();
    for l in &money.lines {
        let amount = l.amount.map_or_else(|| "no amount".to_owned(), |a| a.to_string());
        let table = l.table.as_ref().map_or_else(String::new, |t| format!(" ({t})"));
        let fields = [
            cell(&money.case),
            "money".to_owned(),
            cell(&l.code),
            l.units.to_string(),
            list(&l.modifiers),
            l.date.to_string(),
            String::new(),
            String::new(),
            cell(&format!("{amount}: {}{table}", l.why)),
        ];
        out.push_str(&fields.map(|f| quoted(&f)).join(","));
        out.push('\n');
    }
    out
}

/// A row of cells, with its end. None is run by a spreadsheet as a formula.
#[must_use]
pub fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|c| quoted(&cell(c))).collect();
    format!("{}\n", cells.join(","))
}

fn list(items: &[SmolStr]) -> String {
    // Each item by itself too: where `;` parts the columns, an item begins a cell.
    items.iter().map(|i| cell(i)).collect::<Vec<_>>().join(";")
}

/// A cell that a spreadsheet would run gets an apostrophe in front, which makes it text.
fn cell(text: &str) -> String {
    let first = text.trim_start_matches(|c: char| c.is_whitespace() && !matches!(c, '\t' | '\r' | '\n')).chars().next();
    match first {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '|' | '＝' | '＋' | '－' | '＠') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

fn quoted(field: &str) -> String {
    let risky = |c: char| matches!(c, ',' | ';' | '"' | '\'' | '\n' | '\r' | '\t');
    if field.contains(risky) || field.starts_with(' ') || field.ends_with(' ') {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
