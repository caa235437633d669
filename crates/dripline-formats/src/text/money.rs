//! What the lines are worth, as a table.

use dripline_reference::money::{Money, Prices};

use super::page::{Ink, Page, Style};

/// The estimate, each line with its table, and what it leaves out.
#[must_use]
pub fn money(money: &Money, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(&[]);
    page.line(&[(
        Ink::Heading,
        match money.prices {
            Prices::Medicare => "Money: an estimate by Medicare's tables, in US dollars",
            Prices::Own => "Money: by the own price list, in US dollars",
        },
    )]);
    let plain = |text: String| (Ink::Plain, text);
    let dates = money.lines.windows(2).any(|w| w[0].date != w[1].date);
    let rows: Vec<_> = money
        .lines
        .iter()
        .map(|l| {
            let table = match (&l.table, l.table_from) {
                (Some(table), Some(from)) => format!(" ({table}, from {from})"),
                _ => String::new(),
            };
            vec![
                (Ink::Code, l.code.to_string()),
                plain(l.units.to_string()),
                plain(l.modifiers.join(" ")),
                plain(if dates { l.date.to_string() } else { String::new() }),
                match l.amount {
                    Some(amount) => plain(amount.to_string()),
                    None => (Ink::Alert, "?".to_owned()),
                },
                (Ink::Faint, format!("{}{table}", l.why)),
            ]
        })
        .collect();
    page.table(Some(&["Code", "Units", "Mod", "Date", "Amount", "How"]), &rows);
    let left = match money.without_amount {
        0 => String::new(),
        1 => ", without one line that has no amount".to_owned(),
        n => format!(", without {n} lines that have no amount"),
    };
    page.words(&[(Ink::Plain, "  ")], 2, Ink::Plain, &format!("Total {}{left}.", money.total));
    if let Some(after) = money.after_sequestration {
        page.words(&[(Ink::Plain, "  ")], 2, Ink::Plain, &format!("After sequestration {after}."));
    }
    if let Some(b) = &money.billed {
        let left = if b.left_out.is_empty() {
            String::new()
        } else {
            format!(" Left out for want of an amount: {}.", b.left_out.join(", "))
        };
        let text = format!(
            "Beside what was billed: earned and not billed {}; billed and not earned {}; net {}.{left}",
            b.earned_not_billed, b.billed_not_earned, b.net
        );
        page.words(&[(Ink::Plain, "  ")], 2, Ink::Plain, &text);
    }
    for a in &money.alternatives {
        let difference = match a.difference {
            Some(d) if d.decimal().is_sign_positive() => format!("+{d}"),
            Some(d) => d.to_string(),
            None => "not known".to_owned(),
        };
        page.words(&[(Ink::Plain, "  ")], 4, Ink::Plain, &format!("{} = {}: {difference}", a.switch, a.value));
    }
    for limit in &money.limits {
        page.words(&[(Ink::Plain, "  ")], 2, Ink::Faint, limit);
    }
    page.done()
}
