//! A policy in the terminal.

use dripline_reference::profile::Shown;

use super::page::{Ink, Page, Style};
use super::shown_value;

/// Every switch with its value and who says so.
#[must_use]
pub fn policy(shown: &Shown, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(&[(Ink::Heading, &shown.title)]);
    page.words(&[], 0, Ink::Faint, &format!("{} on {}", shown.chain.join(", which builds on "), shown.on));
    page.blank();
    let own = shown.chain.first();
    for s in &shown.switches {
        let ink = if Some(&s.file) == own && shown.chain.len() > 1 { Ink::Alert } else { Ink::Plain };
        let until = s.until.map_or(String::new(), |d| format!(" to {d}"));
        page.words(
            &[(Ink::Code, s.switch.name()), (Ink::Plain, " = ")],
            s.switch.name().len() + 3,
            ink,
            &shown_value(&s.value),
        );
        page.words(&[], 4, Ink::Faint, &format!("{}: since {}{until}. {}", s.file, s.since, s.source));
    }
    page.done()
}
