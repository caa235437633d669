//! Why a code is not earned, or by what it is.

use dripline::chart::Chart;
use dripline::code::Code;
use dripline_reference::answer::WhyNot;

use super::names::Names;
use super::page::{Ink, Page, Style};

/// What the chart shows and what the rule needs, nearest first.
#[must_use]
pub fn why_not(answer: &WhyNot, chart: &Chart, style: Style) -> String {
    let names = Names::new(Some(chart));
    let mut page = Page::new(style);
    let label = Code::from_name(&answer.code).map_or(String::new(), |c| format!(" ({})", c.label()));
    let (ink, verdict) = if answer.earned { (Ink::Good, "is earned") } else { (Ink::Alert, "is not earned") };
    page.line(&[
        (Ink::Heading, &format!("Case {}: ", answer.case)),
        (Ink::Code, &answer.code),
        (Ink::Plain, &label),
        (ink, &format!(" {verdict}")),
    ]);
    for obstacle in &answer.obstacles {
        page.blank();
        for id in &obstacle.administrations {
            page.words(&[(Ink::Plain, "  "), (Ink::Code, id)], 4 + id.chars().count(), Ink::Plain, &names.what(id));
        }
        let (shows, needs) = if answer.earned { ("By:", "Rule:") } else { ("Chart:", "Needs:") };
        for (lead, text) in [(shows, &obstacle.why), (needs, &obstacle.needs)] {
            if !text.is_empty() {
                page.words(&[(Ink::Plain, "    "), (Ink::Faint, lead)], 11, Ink::Plain, text);
            }
        }
        if !obstacle.rules.is_empty() {
            page.words(&[(Ink::Plain, "    "), (Ink::Faint, "Rules:")], 11, Ink::Faint, &obstacle.rules.join(", "));
        }
    }
    page.done()
}
