//! The queue as text: the questions for those who are asked, and rows for a spreadsheet.

use dripline::NOTICE;
use dripline_formats::csv;
use serde::Serialize;

use super::book::Exported;
use super::view::Case;

/// The open questions of a case as they may leave: chart facts and neutral choices. No code, unit, amount or threshold
/// stands in it; what an answer would earn is not here.
pub(crate) fn queries(case: &Case) -> String {
    let mut text = format!("Case {} of {}\n", case.summary.case, case.summary.service_date);
    let mut open = 0;
    for (query, state) in case.coding.queries.iter().zip(&case.queries) {
        if state.settled {
            continue;
        }
        open += 1;
        text.push_str(&format!("\nQuestion {open}, to the {}\n{}\n", query.to, query.ask));
        text.push_str("Answered by (name and credentials): ____   Date and time of the entry: ____\n");
        text.push_str("Original entry or late entry: ____   Where in the record: ____\n");
    }
    if open == 0 {
        text.push_str("\nNo question is open.\n");
    }
    text
}

/// The header row of the queue, with its end. The notice stands in a column, the last, and in each row: a line of its own
/// would be a case to whoever reads the file, and rows are taken out of it.
pub(crate) const HEADER: &str =
    "id,case,status,setting,service_date,received_at,version,waiting,reason,lines,drug_lines,notice\n";

/// A case as a row, with its end.
pub(crate) fn row(case: &Exported) -> String {
    let s = &case.summary;
    let lines = |lines: &[dripline::coding::ShortLine]| -> String {
        let one = |l: &dripline::coding::ShortLine| {
            let modifiers: String = l.modifiers.iter().map(|m| format!("-{m}")).collect();
            format!("{}{modifiers} x{} on {}", l.code, l.units, l.date)
        };
        lines.iter().map(one).collect::<Vec<_>>().join(" | ")
    };
    csv::row(&[
        &s.id.to_string(),
        &s.case,
        s.status.as_str(),
        &s.setting,
        &s.service_date,
        &s.received_at,
        &s.version.to_string(),
        &s.waiting.to_string(),
        s.reason.as_deref().unwrap_or(""),
        &lines(&case.lines.lines),
        &lines(&case.lines.drug_lines),
        NOTICE,
    ])
}

/// A case as an object on a line of its own, with the notice among its keys.
pub(crate) fn line(case: &Exported) -> String {
    #[derive(Serialize)]
    struct Noticed<'a> {
        #[serde(flatten)]
        case: &'a Exported,
        notice: &'static str,
    }
    crate::answer::line(&Noticed { case, notice: NOTICE })
}
