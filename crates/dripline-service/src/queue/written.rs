//! When an entry was written, held against what it charts: nothing is charted before it happened, and what is written
//! long after it is no original entry.

use dripline::chart::{Administration, Chart, ChartTime, StopSource};
use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};
use serde_json::{Map, Value};

use super::entry::{Changed, Entry, EntryKind, TriedAnswer, unset};
use crate::problem::Problem;

/// Keys of an administration that are known when it is given, and not before. Others may stand in an order, on a label
/// or in what was asked at the door: reason, drug, device, age.
const GIVEN: &[&str] =
    &["start", "stop", "date", "interruptions", "method", "attended", "route", "dose", "rate", "volume", "lesions"];

/// What an entry charts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Charted {
    /// When it had happened; none where the record may hold it before.
    happened: Option<ChartTime>,
    /// The time of the service, of which the day counts; none where the chart holds none.
    served: Option<ChartTime>,
}

/// Refuses the entry of an answer that was written when it cannot have been.
pub(super) fn of_answer(entry: &Entry, answer: &TriedAnswer, changed: &Changed) -> Result<(), Problem> {
    let chart = &changed.chart;
    // Where it sets nothing it is about what was asked.
    let unset = unset(chart, answer)?.into_iter();
    let asked = unset.map(|row| of_row(&chart.administrations[row], &answer.query.field));
    check(entry, changed.after.keys().map(|path| charted(chart, path)).chain(asked))
}

/// Refuses an entry of a correction that was written when it cannot have been; `paths` of what rests on it.
pub(super) fn of_correction<'a>(
    entry: &Entry,
    chart: &Chart,
    after: &Map<String, Value>,
    paths: impl Iterator<Item = &'a String>,
) -> Result<(), Problem> {
    // What was taken away stands under its path of before, at which another item may stand now.
    let gone = |path: &str| path.ends_with(']') && after.get(path).is_none_or(Value::is_null);
    check(entry, paths.map(|path| charted(chart, if gone(path) { "" } else { path })))
}

fn check(entry: &Entry, charts: impl Iterator<Item = Charted>) -> Result<(), Problem> {
    for Charted { happened, served } in charts {
        if happened.is_some_and(|at| on_clock_of(entry.written_at, at).1 < at.civil) {
            return Err(Problem::body(
                "entry.written_at",
                "the entry was written before what it charts had happened",
                "correct when the entry was written, or the times that it charts",
            ));
        }
        // A night shift charts what began before midnight when it ends.
        let last = |at: ChartTime| at.civil.date().saturating_add(1.day());
        let long_after = served.is_some_and(|at| on_clock_of(entry.written_at, at).0.date() > last(at));
        if entry.kind == EntryKind::Original && long_after {
            return Err(Problem::body(
                "entry.kind",
                "an original entry is written on the day of service or on the day after it",
                "call it a late entry, or correct when it was written",
            ));
        }
    }
    Ok(())
}

/// What stands at a key path of a chart.
fn charted(chart: &Chart, path: &str) -> Charted {
    let item = path.split_once('[').and_then(|(list, rest)| {
        let (at, key) = rest.split_once(']')?;
        Some((list, at.parse::<usize>().ok()?, key.trim_start_matches('.')))
    });
    let at = |time: Option<ChartTime>| Charted { happened: time, served: time };
    match (item, path) {
        (Some(("administrations", at, key)), _) if let Some(row) = chart.administrations.get(at) => of_row(row, key),
        (Some(("services", n, _)), _) if let Some(service) = chart.services.get(n) => {
            at(latest([service.stop, service.start, service.date.map(begins)]))
        }
        (_, "arrival") if chart.arrival.is_some() => at(chart.arrival),
        (_, "departure") if chart.departure.is_some() => at(chart.departure),
        (_, "inpatient_order") if chart.inpatient_order.is_some() => at(chart.inpatient_order),
        _ => Charted { happened: None, served: latest(chart.administrations.iter().map(|row| of_row(row, "").served)) },
    }
}

/// What stands at a key of an administration; without a key the whole of it.
fn of_row(row: &Administration, key: &str) -> Charted {
    let begun = row.start.or(row.date.map(begins));
    // What was expected has not happened.
    let stop = row.stop.filter(|_| row.stop_source != Some(StopSource::Expected));
    let resumed = latest(row.interruptions.iter().map(|pause| Some(pause.stop)));
    let last = latest([begun, resumed, stop]);
    let happened = match key {
        "" => last,
        "stop" => stop.or(begun),
        "interruptions" => resumed.or(begun),
        key if GIVEN.contains(&key) => begun,
        _ => None,
    };
    // Its day is that of what is charted: an infusion may end days after it began.
    let served = if key == "start" { begun } else { last };
    Charted { happened, served }
}

fn latest(times: impl IntoIterator<Item = Option<ChartTime>>) -> Option<ChartTime> {
    times.into_iter().flatten().max_by_key(|time| time.civil)
}

/// The first minute of a date of which the clock time is not charted.
fn begins(date: Date) -> ChartTime {
    ChartTime { civil: date.at(0, 0, 0, 0), offset: None }
}

/// When an entry was written by the clock of what it charts: the earliest and the latest that it may have been. One
/// without an offset is of the chart's clock; beside one with an offset, the clock of a chart without may be any.
fn on_clock_of(written: ChartTime, charted: ChartTime) -> (DateTime, DateTime) {
    let moved = |minutes: i64| written.civil.saturating_add(minutes.minutes());
    match (written.offset.map(i64::from), charted.offset.map(i64::from)) {
        (Some(own), Some(other)) => (moved(other - own), moved(other - own)),
        (Some(own), None) => (moved(-12 * 60 - own), moved(14 * 60 - own)),
        (None, _) => (written.civil, written.civil),
    }
}

#[cfg(test)]
mod tests {
    use dripline::chart::Chart;
    use serde_json::json;

    use super::{charted, check};
    use crate::queue::entry::{Entry, EntryKind};

    fn chart() -> Chart {
        let chart = json!({
            "setting": "facility",
            "departure": "2026-01-07T09:00",
            "administrations": [
                { "drug": "Rocephin", "start": "2026-01-05T10:00", "stop": "2026-01-05T10:40" },
                { "drug": "NS", "start": "2026-01-05T23:00", "stop": "2026-01-06T02:00", "interruptions": [{ "start": "2026-01-05T23:30", "stop": "2026-01-06T01:00" }] },
                { "drug": "Zofran", "date": "2026-01-05" },
                { "drug": "Rocephin", "start": "2026-01-05T10:00", "stop": "2026-01-05T10:40", "stop_source": "expected" },
                { "drug": "Rocephin", "start": "2026-01-05T10:00-06:00" },
                { "drug": "Rocephin" },
            ],
            "services": [{ "code": "99213", "date": "2026-01-05" }],
        });
        serde_json::from_value(chart).unwrap()
    }

    fn refused(path: &str, written_at: &str, kind: EntryKind) -> String {
        let written_at = written_at.parse().unwrap();
        let entry = Entry { author: "A. Nurse".to_owned(), written_at, kind, place: "MAR".to_owned() };
        check(&entry, std::iter::once(charted(&chart(), path))).err().map_or(String::new(), |p| p.path().to_owned())
    }

    #[test]
    fn nothing_is_charted_before_it_happened() {
        for (path, written, is_refused) in [
            ("administrations[0].stop", "2026-01-05T10:39", true),
            ("administrations[0].stop", "2026-01-05T10:40", false),
            ("administrations[0].start", "2026-01-05T10:00", false),
            ("administrations[0].start", "2026-01-05T09:59", true),
            ("administrations[0].dose", "2026-01-05T09:59", true),
            // A reason, a drug and a device may be charted before.
            ("administrations[0].indication", "2026-01-04T12:00", false),
            ("administrations[0].containers", "2026-01-05T09:00", false),
            ("accesses.x.kind", "2026-01-02T12:00", false),
            // A whole row is charted when it is over.
            ("administrations[1]", "2026-01-06T01:59", true),
            ("administrations[1].interruptions", "2026-01-06T00:59", true),
            ("administrations[1].interruptions", "2026-01-06T01:00", false),
            ("administrations[1].start", "2026-01-05T23:10", false),
            ("administrations[2].method", "2026-01-04T23:59", true),
            ("administrations[2].method", "2026-01-05T00:00", false),
            // A stop that was expected is none, but the drug has been started.
            ("administrations[3].stop", "2026-01-05T10:10", false),
            ("administrations[3].stop", "2026-01-05T09:10", true),
            // With offsets on both sides the moments are compared, with one of the entry's the clock may be any.
            ("administrations[4].start", "2026-01-05T15:59Z", true),
            ("administrations[4].start", "2026-01-05T16:00Z", false),
            ("administrations[0].stop", "2026-01-04T20:40Z", false),
            ("administrations[0].stop", "2026-01-04T20:39Z", true),
            ("administrations[5].method", "2020-01-01T10:00", false),
            ("departure", "2026-01-07T08:59", true),
            ("services[0]", "2026-01-04T23:59", true),
        ] {
            for kind in [EntryKind::Original, EntryKind::Late] {
                assert_eq!(refused(path, written, kind) == "entry.written_at", is_refused, "{path} {written} {kind}");
            }
        }
    }

    #[test]
    fn what_is_written_after_the_next_day_is_a_late_entry() {
        for (path, written, is_late) in [
            ("administrations[0].stop", "2026-01-06T23:59", false),
            ("administrations[0].stop", "2026-01-07T00:00", true),
            ("administrations[0].indication", "2026-11-20T10:00", true),
            // The day is that of what is charted.
            ("administrations[1].stop", "2026-01-07T12:00", false),
            ("administrations[1].start", "2026-01-07T12:00", true),
            ("administrations[2].method", "2026-01-07T00:00", true),
            ("administrations[4].start", "2026-01-07T05:59Z", false),
            ("administrations[4].start", "2026-01-07T06:00Z", true),
            ("administrations[0].stop", "2026-01-07T11:59Z", false),
            ("administrations[0].stop", "2026-01-07T12:00Z", true),
            ("administrations[5].method", "2026-11-20T10:00", false),
            ("departure", "2026-01-08T23:59", false),
            ("departure", "2026-01-09T00:00", true),
            ("age_years", "2026-01-07T10:00", false),
            ("age_years", "2026-01-08T10:00", true),
        ] {
            let expected = if is_late { "entry.kind" } else { "" };
            assert_eq!(refused(path, written, EntryKind::Original), expected, "{path} {written}");
            assert_eq!(refused(path, written, EntryKind::Late), "", "{path} {written}");
        }
    }
}
