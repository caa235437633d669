//! A policy in the terminal.

use dripline::policy::Kind;
use dripline_reference::profile::Shown;

use super::page::{Ink, Page, Style};
use super::shown_value;

/// Every switch with its value and who says so.
#[must_use]
pub fn policy(shown: &Shown, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(&[(Ink::Heading, &shown.title)]);
    page.words(&[], 0, Ink::Faint, &format!("{}, as of {}", shown.chain.join(", which builds on "), shown.on));
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
        let takes = match s.switch.kind() {
            Kind::Words(words) => format!("one of {}", words.join(", ")),
            Kind::Integer { allowed: [], min, max, .. } => format!("a whole number from {min} to {max}"),
            Kind::Integer { allowed, .. } => {
                format!("one of {}", allowed.iter().map(i64::to_string).collect::<Vec<_>>().join(", "))
            }
            Kind::List => "a list of words".to_owned(),
        };
        page.words(&[(Ink::Faint, "    takes ")], 10, Ink::Faint, &takes);
        page.words(
            &[(Ink::Plain, "    ")],
            4,
            Ink::Faint,
            &format!("{}: since {}{until}. {}", s.file, s.since, s.source),
        );
    }
    page.done()
}
