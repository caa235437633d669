//! From a chart to a case: names looked up, times on one line, contradictions refused.

use std::fmt;

use dripline::case::{AccessState, Case, Ix, NONE, OrderState, PumpUse, Reason, Route, Row, ServiceKind, ServiceState};
use dripline::chart::{
    Administration, Biller, Chart, ChartTime, Class, Order, PumpEvent, Purpose, Setting, Status, StopSource,
};
use dripline::coding::{Addressee, Assumption, ShortLine};
use dripline::policy::{NEWEST_RULE_SET, Policy};
use dripline::time::{Clock, Day, Minute};
use dripline::{SmolStr, ToSmolStr as _, format_smolstr};
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::dose::{Amount, Rate};
use crate::formulary::{self, Formulary, Found, UsualUse, fold};
use crate::identity;
use crate::tables::InForce;

/// Why a chart cannot be coded: the key in question, what is wrong and what would mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartError {
    /// Key path, as `administrations[2].stop`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would mend it.
    pub help: String,
}

impl fmt::Display for ChartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for ChartError {}

fn error(path: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> ChartError {
    ChartError { path: path.into(), message: message.into(), help: help.into() }
}

/// Something that is missing and that only the drug or its lines depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Administrations that it is about.
    pub rows: Vec<Ix>,
    /// The contract's key that the answer fills.
    pub field: &'static str,
    /// To whom.
    pub to: Addressee,
    /// The question as the clinician reads it.
    pub ask: String,
    /// Each answer and the whole set of drug lines that it would give; empty for an identifier that disagrees with the
    /// name, which may change everything.
    pub outcomes: Vec<(SmolStr, Vec<ShortLine>)>,
}

/// What is known of the product of an administration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drug {
    /// Rows of the table that the identifier or the name means, before date, route and dose choose among them.
    pub rows: Vec<u32>,
    /// HCPCS code as charted.
    pub hcpcs: Option<String>,
    /// National Drug Code, 5-4-2 digits.
    pub ndc: Option<String>,
    /// Route in the table's words, lower case; empty where none is charted.
    pub route: String,
    /// The charted amount, where it can be read as one.
    pub dose: Option<Amount>,
}

/// A chart with nothing left to look up, and what was taken for granted on the way.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// What the engine reads.
    pub case: Case,
    /// Ids of the administrations, in input order.
    pub ids: Vec<SmolStr>,
    /// Ids of the listed services.
    pub service_ids: Vec<SmolStr>,
    /// Ids of the accesses, by their number in the case.
    pub access_ids: Vec<String>,
    /// What was taken for granted.
    pub assumptions: Vec<Assumption>,
    /// Identity questions.
    pub questions: Vec<Question>,
    /// Products of the administrations, in input order.
    pub drugs: Vec<Drug>,
    /// The patient is on dialysis, by the diagnoses or the bill.
    pub dialysis: bool,
    /// The reference tables that hold for the case.
    pub tables: InForce,
    /// A rule switched off, to prove that its page's cases depend on it.
    #[cfg(feature = "rule-off")]
    pub off: Option<dripline::rule::RuleId>,
}

/// The first date whose rules are known.
pub const FIRST_DATE: Date = Date::constant(2013, 1, 1);

/// The last date that is read as a date of service and not as a slip. De-identified records lie up to two centuries
/// ahead, and are coded by the newest rule set.
const LAST_DATE: Date = Date::constant(2299, 12, 31);

fn check_date(date: Date, path: impl FnOnce() -> String) -> Result<(), ChartError> {
    if date < FIRST_DATE {
        return Err(error(
            path(),
            format!("{date} is before {FIRST_DATE}, where the rule sets begin"),
            format!("check the year; charts are coded from {FIRST_DATE} on"),
        ));
    }
    if date > LAST_DATE {
        return Err(error(path(), format!("{date} cannot be a date of service"), "check the year"));
    }
    Ok(())
}

/// Where in the chart a time stands.
#[derive(Clone, Copy)]
enum Key {
    Arrival,
    Departure,
    InpatientOrder,
    ServiceStart(usize),
    ServiceStop(usize),
    Start(usize),
    Stop(usize),
    PauseStart(usize, usize),
    PauseStop(usize, usize),
}

impl Key {
    fn path(self) -> String {
        match self {
            Key::Arrival => "arrival".into(),
            Key::Departure => "departure".into(),
            Key::InpatientOrder => "inpatient_order".into(),
            Key::ServiceStart(i) => format!("services[{i}].start"),
            Key::ServiceStop(i) => format!("services[{i}].stop"),
            Key::Start(i) => format!("administrations[{i}].start"),
            Key::Stop(i) => format!("administrations[{i}].stop"),
            Key::PauseStart(i, j) => format!("administrations[{i}].interruptions[{j}].start"),
            Key::PauseStop(i, j) => format!("administrations[{i}].interruptions[{j}].stop"),
        }
    }
}

/// Every time of the chart with its place.
fn times(chart: &Chart) -> impl Iterator<Item = (Key, ChartTime)> + '_ {
    let stay = [
        (Key::Arrival, chart.arrival),
        (Key::Departure, chart.departure),
        (Key::InpatientOrder, chart.inpatient_order),
    ];
    let services = chart
        .services
        .iter()
        .enumerate()
        .flat_map(|(i, s)| [(Key::ServiceStart(i), s.start), (Key::ServiceStop(i), s.stop)]);
    let rows = chart.administrations.iter().enumerate().flat_map(|(i, a)| {
        let pauses = a
            .interruptions
            .iter()
            .enumerate()
            .flat_map(move |(j, p)| [(Key::PauseStart(i, j), Some(p.start)), (Key::PauseStop(i, j), Some(p.stop))]);
        [(Key::Start(i), a.start), (Key::Stop(i), a.stop)].into_iter().chain(pauses)
    });
    stay.into_iter().chain(services).chain(rows).filter_map(|(k, t)| t.map(|t| (k, t)))
}

fn was_given(a: &Administration) -> bool {
    a.status.is_none_or(|s| s == Status::Given)
}

/// Nothing was given, so that no date is needed to code it.
fn never_coded(chart: &Chart) -> bool {
    chart.services.is_empty() && !chart.administrations.is_empty() && !chart.administrations.iter().any(was_given)
}

/// Date of service of an administration as far as it is charted.
fn charted_date(a: &Administration) -> Option<Date> {
    let stop = || a.stop.map(|t| t.civil.date());
    a.start.map(|t| t.civil.date()).or(a.date).or_else(stop)
}

/// The date whose rules and tables hold: `as_of`, else the first date of service.
///
/// # Errors
/// A chart without any date, or dates before the first rule set.
pub fn as_of(chart: &Chart) -> Result<Date, ChartError> {
    if let Some(date) = chart.as_of {
        check_date(date, || "as_of".into())?;
        return Ok(date);
    }
    let rows = chart.administrations.iter().filter_map(charted_date);
    let services = chart.services.iter().filter_map(|s| s.date.or(s.start.map(|t| t.civil.date())));
    let first = rows.chain(services).min();
    let stay = || [chart.arrival, chart.departure].into_iter().flatten().map(|t| t.civil.date()).next();
    let billed = || chart.billed.iter().filter_map(|b| b.date).min();
    let Some(date) = first.or_else(stay).or_else(billed).or_else(|| never_coded(chart).then_some(NEWEST_RULE_SET))
    else {
        return Err(error(
            if chart.administrations.is_empty() { "as_of" } else { "administrations[0].date" },
            "the case has no date",
            "give `start` or `date` on an administration, or `as_of` for the case",
        ));
    };
    check_date(date, || {
        let row = chart.administrations.iter().position(|a| charted_date(a) == Some(date));
        let service = || chart.services.iter().position(|s| s.date.or(s.start.map(|t| t.civil.date())) == Some(date));
        match row {
            Some(i) => {
                let a = &chart.administrations[i];
                let key = if a.start.is_some() {
                    "start"
                } else if a.date.is_some() {
                    "date"
                } else {
                    "stop"
                };
                format!("administrations[{i}].{key}")
            }
            None => service().map_or_else(|| "as_of".into(), |i| format!("services[{i}].date")),
        }
    })?;
    Ok(date)
}

/// How clock times become minutes.
enum Time {
    Civil,
    Offsets,
    Zone(TimeZone),
}

impl Time {
    fn of(chart: &Chart) -> Result<Time, ChartError> {
        let mut with = None;
        let mut without = None;
        for (key, time) in times(chart) {
            check_date(time.civil.date(), || key.path())?;
            let seen = if time.offset.is_some() { &mut with } else { &mut without };
            seen.get_or_insert(key);
            if let (Some(_), Some(bare)) = (with, without) {
                return Err(error(
                    bare.path(),
                    "this time has no offset from UTC and another of the case has one",
                    "write an offset on every time of the case, as 2026-01-05T10:00-05:00, or on none",
                ));
            }
        }
        let Some(name) = &chart.time_zone else {
            return Ok(if with.is_some() { Time::Offsets } else { Time::Civil });
        };
        TimeZone::get(name).map(Time::Zone).map_err(|_| {
            error("time_zone", format!("`{}` is no time zone", short(name)), "use an IANA name, as America/New_York")
        })
    }

    fn minute(&self, key: Key, time: ChartTime) -> Result<Minute, ChartError> {
        match self {
            Time::Civil => Ok(time.civil_minutes()),
            Time::Offsets => Ok(time.civil_minutes() - i64::from(time.offset.unwrap_or(0))),
            Time::Zone(zone) => {
                let seconds = |s: i32| i64::from(s).div_euclid(60);
                let ways = zone.to_ambiguous_timestamp(time.civil).offset();
                if let Some(written) = time.offset {
                    let fits = |o: jiff::tz::Offset| seconds(o.seconds()) == i64::from(written);
                    let good = match ways {
                        AmbiguousOffset::Unambiguous { offset } => fits(offset),
                        AmbiguousOffset::Fold { before, after } => fits(before) || fits(after),
                        AmbiguousOffset::Gap { .. } => false,
                    };
                    if !good {
                        return Err(error(
                            key.path(),
                            format!("`{time}` does not agree with the case's time zone"),
                            "correct the offset or the zone, or leave one of them out",
                        ));
                    }
                    return Ok(time.civil_minutes() - i64::from(written));
                }
                match ways {
                    AmbiguousOffset::Unambiguous { offset } => Ok(time.civil_minutes() - seconds(offset.seconds())),
                    AmbiguousOffset::Gap { .. } => Err(error(
                        key.path(),
                        format!("`{time}` does not exist: the clocks were put forward over it"),
                        "check the time against the chart",
                    )),
                    AmbiguousOffset::Fold { before, after } => Err(error(
                        key.path(),
                        format!("`{time}` came twice that night: the clocks were put back"),
                        format!(
                            "write every time of the case with its offset, this one as {} or {}",
                            shown(time, before),
                            shown(time, after)
                        ),
                    )),
                }
            }
        }
    }

    /// The offsets that hold on the minutes of the case.
    fn clock(&self, chart: &Chart) -> Result<Clock, ChartError> {
        match self {
            Time::Civil => Ok(Clock::default()),
            Time::Offsets => {
                let mut steps = Vec::new();
                for (key, time) in times(chart) {
                    steps.push((self.minute(key, time)?, time.offset.unwrap_or(0)));
                }
                steps.sort_unstable();
                steps.dedup_by_key(|s| s.0);
                steps.dedup_by_key(|s| s.1);
                Ok(Clock::new(steps, true))
            }
            Time::Zone(zone) => {
                let mut written = false;
                let mut days: Vec<i64> = Vec::new();
                for (_, time) in times(chart) {
                    written |= time.offset.is_some();
                    days.push(time.civil_minutes());
                }
                let dates = chart
                    .administrations
                    .iter()
                    .filter_map(|a| a.date)
                    .chain(chart.services.iter().filter_map(|s| s.date));
                days.extend(dates.chain(chart.as_of).map(|d| i64::from(Day::of(d).0) * 1440));
                let from = days.iter().min().copied().unwrap_or(0) - 2 * 1440;
                let to = days.iter().max().copied().unwrap_or(0) + 3 * 1440;
                let offset = |o: jiff::tz::Offset| i16::try_from(o.seconds().div_euclid(60)).unwrap_or(0);
                let Ok(begin) = jiff::Timestamp::from_second(from * 60) else { return Ok(Clock::default()) };
                let mut steps = vec![(from, offset(zone.to_offset(begin)))];
                for change in zone.following(begin) {
                    let at = change.timestamp().as_second().div_euclid(60);
                    if at > to {
                        break;
                    }
                    steps.push((at, offset(change.offset())));
                }
                Ok(Clock::new(steps, written))
            }
        }
    }
}

fn shown(time: ChartTime, offset: jiff::tz::Offset) -> ChartTime {
    ChartTime { civil: time.civil, offset: i16::try_from(offset.seconds().div_euclid(60)).ok() }
}

/// The offending value, shortened.
pub(crate) fn short(text: &str) -> String {
    let mut out: String = text.chars().take(40).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

/// Who bills, and from where.
struct Billing {
    setting: Setting,
    billed_by: Option<Biller>,
    facility_place: bool,
    inpatient: bool,
    dialysis: bool,
}

fn billing(chart: &Chart, policy: &Policy, assumptions: &mut Vec<Assumption>) -> Result<Billing, ChartError> {
    let place = chart.place_of_service.as_deref();
    if let Some(p) = place
        && !(p.len() == 2 && p.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(error(
            "place_of_service",
            format!("`{}` is no place of service", short(p)),
            "write the two digits of the CMS code set, as 11",
        ));
    }
    let bill_type = match chart.bill_type.as_deref() {
        None => None,
        Some(t) => Some(bill_type(t).ok_or_else(|| {
            error(
                "bill_type",
                format!("`{}` is no type of bill", short(t)),
                "write three characters as on the UB-04, as 131",
            )
        })?),
    };
    let facility_place = place.is_some_and(|p| policy.facility_pos_set.iter().any(|f| f == p));
    let practitioner = chart.billed_by == Some(Biller::Practitioner);
    let one = |path: &str, message: &str, help: &str| Err(error(path, message, help));
    if bill_type.is_some() {
        if chart.setting == Some(Setting::Office) {
            return one(
                "bill_type",
                "an office has no type of bill: that is a hospital's claim",
                "take `bill_type` away, or set `setting` to facility",
            );
        }
        if practitioner {
            return one(
                "bill_type",
                "a practitioner's claim has no type of bill",
                "take `bill_type` away, or set `billed_by` to facility",
            );
        }
    }
    match (chart.setting, chart.billed_by) {
        (Some(Setting::Facility), Some(Biller::Practitioner)) => {
            return one(
                "billed_by",
                "the setting is a hospital's claim and the biller a practitioner",
                "for a practitioner's claim set `setting` to office and give `place_of_service`",
            );
        }
        (Some(Setting::Office), Some(Biller::Facility)) => {
            return one(
                "billed_by",
                "the setting is an office's claim and the biller a facility",
                "set `setting` to facility, or `billed_by` to practitioner",
            );
        }
        (Some(Setting::Office), None) if facility_place => {
            return one(
                "place_of_service",
                "the setting is an office and the place of service a facility",
                "for a practitioner's claim from a facility set `billed_by` to practitioner; for the hospital's own claim \
                 set `setting` to facility",
            );
        }
        _ => {}
    }
    let facility =
        chart.setting == Some(Setting::Facility) || bill_type.is_some() || chart.billed_by == Some(Biller::Facility);
    if facility && place.is_some() && !facility_place {
        return one(
            "place_of_service",
            "a hospital's claim and a place of service outside a facility contradict each other",
            "take `place_of_service` away from a hospital's claim, or set `setting` to office",
        );
    }
    let (setting, billed_by) = if facility {
        (Setting::Facility, chart.billed_by)
    } else if facility_place {
        if !practitioner {
            assumptions.push(Assumption {
                path: "billed_by".into(),
                took: "practitioner".into(),
                why: "only the place of service is given, and a place of service stands on a practitioner's claim"
                    .into(),
            });
        }
        (Setting::Office, Some(Biller::Practitioner))
    } else if chart.setting == Some(Setting::Office) || place.is_some() || practitioner {
        if chart.setting.is_none() && place.is_none() {
            assumptions.push(Assumption {
                path: "place_of_service".into(),
                took: "11".into(),
                why: "a practitioner bills and no place of service is given: taken as an office".into(),
            });
        }
        (Setting::Office, chart.billed_by)
    } else {
        return one(
            "setting",
            "nothing says who bills",
            "give `setting` (facility or office), `place_of_service`, `bill_type` or `billed_by`",
        );
    };
    if chart.off_campus.is_some() && setting == Setting::Office && !facility_place {
        return one(
            "off_campus",
            "an office is no department of a hospital",
            "take `off_campus` away, or set `setting` to facility",
        );
    }
    let digits = bill_type.as_deref().unwrap_or("");
    Ok(Billing {
        setting,
        billed_by,
        facility_place,
        inpatient: digits.starts_with("11"),
        dialysis: digits.starts_with("72"),
    })
}

/// Three characters of a type of bill, without the leading zero of the form.
fn bill_type(text: &str) -> Option<String> {
    let t = if text.len() == 4 { text.strip_prefix('0')? } else { text };
    let b = t.as_bytes();
    let good =
        b.len() == 3 && b[0].is_ascii_digit() && b[0] != b'0' && b[1].is_ascii_digit() && b[2].is_ascii_alphanumeric();
    good.then(|| t.to_ascii_uppercase())
}

/// Numbers texts of one case in the order in which they come.
#[derive(Default)]
struct Interner<'t> {
    seen: Vec<&'t str>,
}

impl<'t> Interner<'t> {
    fn number(&mut self, text: &'t str) -> u32 {
        let at = self.seen.iter().position(|s| *s == text).unwrap_or_else(|| {
            self.seen.push(text);
            self.seen.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }
}

/// Numbers above those of the formulary, and below those that the engine makes.
const UNKNOWN: u32 = 0x4000_0000;

/// The route as coding sees it, and in the formulary's words.
#[must_use]
pub fn route(text: Option<&str>) -> (Route, String) {
    let Some(text) = text else { return (Route::Unknown, String::new()) };
    let folded = fold(text);
    let word = folded.trim_end_matches(" route").trim_end_matches(" use").trim();
    let (route, short) = match word {
        "" => (Route::Unknown, ""),
        "iv" | "i.v." | "ivp" | "ivpb" | "intravenous" | "intravenously" | "iv push" | "iv piggyback" => {
            (Route::Vein, "iv")
        }
        "im" | "i.m." | "intramuscular" | "intramuscularly" => (Route::Muscle, "im"),
        "sc" | "sq" | "s.c." | "subq" | "sub-q" | "sub q" | "subcut" | "subcutaneous" | "subcutaneously" => {
            (Route::UnderSkin, "sc")
        }
        "ia" | "intra-arterial" | "intraarterial" | "intra arterial" => (Route::Artery, "ia"),
        "it" | "intrathecal" | "intrathecally" => (Route::Intrathecal, "it"),
        "ip" | "intraperitoneal" => (Route::Peritoneum, "ip"),
        "intrapleural" | "pleural" => (Route::Pleura, "intrapleural"),
        "intralesional" => (Route::Lesion, "intralesional"),
        "intraventricular" | "ommaya" | "ommaya reservoir" => (Route::Ventricle, "intraventricular"),
        "infiltration" | "local infiltration" => (Route::Infiltration, "infiltration"),
        "intranasal" | "nasal" | "in" => (Route::Nose, "intranasal"),
        "po" | "p.o." | "oral" | "orally" | "by mouth" => (Route::Mouth, "po"),
        "id" | "intradermal" => (Route::Skin, "id"),
        other => (Route::Other, other),
    };
    (route, short.to_owned())
}

/// What a listed code is to these rules. The code is well formed and in upper case.
#[must_use]
pub fn service_kind(code: &str) -> ServiceKind {
    let Ok(n) = code.parse::<u32>() else { return lettered(code) };
    match n {
        99211 => ServiceKind::NurseVisit,
        36591 | 36592 => ServiceKind::Draw,
        96523 => ServiceKind::Flush,
        36430 | 36440 | 36450 | 36455 | 36456 | 36460 => ServiceKind::Transfusion,
        36415 | 36416 | 80047..=89398 => ServiceKind::Laboratory,
        36000 | 36400..=36410 | 99070 => ServiceKind::Included,
        36593 => ServiceKind::Other,
        90460 | 90461 | 90471..=90474 | 90480 => ServiceKind::VaccineAdministration,
        99202..=99215
        | 99217..=99239
        | 99241..=99245
        | 99251..=99255
        | 99281..=99285
        | 99291
        | 99292
        | 99304..=99318
        | 99324..=99337
        | 99341..=99350
        | 99381..=99397
        | 99401..=99404
        | 99460..=99463
        | 99468..=99480
        | 99483
        | 99495
        | 99496
        | 92002..=92014
        | 98000..=98015 => ServiceKind::Visit,
        100..=1999
        | 10004..=69990
        | 70010..=79999
        | 90870
        | 90935..=90999
        | 91010..=91299
        | 92920..=92998
        | 93015..=93018
        | 93303..=93355
        | 93451..=93662
        | 99151..=99157 => ServiceKind::Procedure,
        _ => ServiceKind::Other,
    }
}

fn lettered(code: &str) -> ServiceKind {
    match code {
        "G0008" | "G0009" | "G0010" | "M0201" => ServiceKind::VaccineAdministration,
        "G0463" | "G0402" | "G0438" | "G0439" | "G0101" => ServiceKind::Visit,
        "G0380" | "G0381" | "G0382" | "G0383" | "G0384" => ServiceKind::Visit,
        "G0104" | "G0105" | "G0106" | "G0120" | "G0121" => ServiceKind::Procedure,
        "G0103" | "G0123" | "G0306" | "G0307" | "G0328" | "G0432" | "G0433" | "G0435" | "G0480" | "G0481" | "G0482"
        | "G0483" | "G0499" | "G0659" | "P9603" | "P9604" | "P9612" | "P9615" | "C9803" => ServiceKind::Laboratory,
        "A4206" | "A4207" | "A4208" | "A4209" | "A4212" | "A4213" | "A4215" | "A4216" | "A4217" | "A4218" | "A4220"
        | "A4221" | "A4222" | "A4223" | "A4244" | "A4245" | "A4246" | "A4247" | "A4300" | "A4301" | "A4305"
        | "A4306" | "A4649" | "A4657" | "A4927" | "A4930" | "S1015" => ServiceKind::Included,
        c if c.starts_with("C960") => ServiceKind::Procedure,
        // Proprietary laboratory analyses and multianalyte assays.
        c if c.as_bytes()[..4].iter().all(u8::is_ascii_digit) && (c.ends_with('U') || c.ends_with('M')) => {
            ServiceKind::Laboratory
        }
        // COVID-19 vaccine administration until 2023.
        c if c.starts_with('0') && c.ends_with('A') => ServiceKind::VaccineAdministration,
        _ => ServiceKind::Other,
    }
}

/// A CPT or HCPCS code: five digits, four digits and a letter, or a letter and four digits.
fn well_formed(code: &str) -> Option<String> {
    let upper = code.trim().to_ascii_uppercase();
    let b = upper.as_bytes();
    let digits = |s: &[u8]| s.iter().all(u8::is_ascii_digit);
    let good = b.len() == 5
        && ((digits(&b[..4]) && (b[4].is_ascii_digit() || matches!(b[4], b'A' | b'F' | b'M' | b'T' | b'U')))
            || (b[0].is_ascii_uppercase() && digits(&b[1..])));
    good.then_some(upper)
}

fn check_modifiers(list: &[SmolStr], path: impl Fn(usize) -> String) -> Result<(), ChartError> {
    for (j, m) in list.iter().enumerate() {
        if m.len() != 2 || !m.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(error(
                path(j),
                format!("`{}` is no modifier", short(m)),
                "a modifier has two letters or digits, as 25 or XU",
            ));
        }
    }
    Ok(())
}

/// An NDC in 5-4-2 digits: 10 digits with hyphens or 11 digits.
#[must_use]
pub fn ndc_11(text: &str) -> Option<String> {
    let text = text.trim();
    let parts: Vec<&str> = text.split('-').collect();
    if !parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let lengths: Vec<usize> = parts.iter().map(|p| p.len()).collect();
    match lengths.as_slice() {
        [11] => Some(format!("{}-{}-{}", &text[..5], &text[5..9], &text[9..])),
        [4, 4, 2] | [5, 3, 2] | [5, 4, 1] | [5, 4, 2] => {
            Some(format!("{:0>5}-{:0>4}-{:0>2}", parts[0], parts[1], parts[2]))
        }
        _ => None,
    }
}

/// Words that say nothing by themselves in a charted reason.
const FILLERS: &[&str] =
    &["a", "an", "and", "as", "by", "for", "given", "iv", "of", "or", "pt", "patient", "the", "to", "with", "x"];

/// Charted words that mean that no reason is charted.
const NO_REASON: &[&str] = &["", "none", "n/a", "not stated", "not charted", "not documented", "unknown", "?", "-"];

/// Words of a folded reason; a plural counts as its singular.
fn words(folded: &str) -> Vec<&str> {
    let parts = folded.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    parts.map(|w| if w.len() > 3 { w.strip_suffix('s').unwrap_or(w) } else { w }).collect()
}

/// What a charted reason is worth: words on the policy's list are none.
#[must_use]
pub fn reason(indication: Option<&str>, not_a_reason: &[String]) -> Reason {
    let Some(text) = indication else { return Reason::Absent };
    let text = fold(text);
    if NO_REASON.contains(&text.as_str()) {
        return Reason::Absent;
    }
    let mut left = words(&text);
    let mut struck = false;
    let listed: Vec<String> = not_a_reason.iter().map(|p| fold(p)).collect();
    let mut phrases: Vec<Vec<&str>> = listed.iter().map(|p| words(p)).filter(|p| !p.is_empty()).collect();
    phrases.sort_by_key(|p| std::cmp::Reverse(p.len()));
    for phrase in &phrases {
        while let Some(at) = left.windows(phrase.len()).position(|w| w == phrase.as_slice()) {
            left.drain(at..at + phrase.len());
            struck = true;
        }
    }
    left.retain(|w| !FILLERS.contains(w));
    match left.as_slice() {
        [] if struck => Reason::NotAReason,
        [] => Reason::Absent,
        ["nausea"] => Reason::Weak,
        _ => Reason::Given,
    }
}

/// The rows of the table that hold on a date, by a route and at a dose, out of those that a name means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Rows that are left.
    pub rows: Vec<u32>,
    /// None of the codes is in force on the date.
    pub out_of_force: bool,
    /// An older code may still have been in force on the date.
    pub change_date_unknown: bool,
    /// The words of every code name other routes.
    pub other_route: bool,
}

/// Chooses among the rows that a name means: by date, route, dialysis, and the doses that a product comes in.
#[must_use]
pub fn choose(
    formulary: &Formulary,
    rows: &[u32],
    on: Date,
    route: &str,
    dose: Option<Amount>,
    dialysis: bool,
) -> Choice {
    let mut choice = Choice { rows: rows.to_vec(), ..Choice::default() };
    let left = &mut choice.rows;
    if left.iter().any(|r| formulary.entry(*r).in_force(on)) {
        left.retain(|r| formulary.entry(*r).in_force(on));
    } else {
        choice.out_of_force = !left.is_empty();
    }
    if left.iter().any(|r| formulary.entry(*r).coded_by(route)) {
        left.retain(|r| formulary.entry(*r).coded_by(route));
    } else {
        choice.other_route = !left.is_empty();
    }
    if left.len() > 1 && left.iter().any(|r| formulary.entry(*r).routes.iter().any(|w| w == route)) {
        left.retain(|r| formulary.entry(*r).routes.iter().any(|w| w == route));
    }
    if left.len() > 1 && left.iter().any(|r| formulary.entry(*r).to.is_none()) {
        let before = left.len();
        left.retain(|r| formulary.entry(*r).to.is_none());
        choice.change_date_unknown = left.len() < before;
    }
    if left.len() > 1 && left.iter().any(|r| formulary.entry(*r).dialysis == Some(dialysis)) {
        left.retain(|r| formulary.entry(*r).dialysis.is_none_or(|d| d == dialysis));
    }
    if let (true, Some(dose)) = (left.len() > 1, dose) {
        let comes = |r: &u32| {
            let doses = &formulary.entry(*r).doses;
            doses.iter().any(|d| dose.units_of(d, None).is_ok_and(|n| n == crate::dose::Ratio::whole(1)))
        };
        if left.iter().any(comes) {
            left.retain(comes);
        }
    }
    choice
}

fn least(a: Class, b: Class) -> Class {
    // The work that every candidate needs at least.
    let rank = |c: Class| match c {
        Class::Contrast => 0,
        Class::Hydration => 1,
        Class::Drug => 2,
        Class::Hormonal => 3,
        Class::Complex => 4,
        Class::Chemo => 5,
        Class::Vaccine | Class::RsvAntibody | Class::Blood => 6,
    };
    if rank(b) < rank(a) { b } else { a }
}

/// Checks ids: given or by position, unique, and nobody's identity.
fn ids<'c>(
    given: impl Iterator<Item = Option<&'c str>>,
    list: &str,
    default: impl Fn(usize) -> SmolStr,
) -> Result<Vec<SmolStr>, ChartError> {
    let mut out: Vec<SmolStr> = Vec::new();
    for (i, id) in given.enumerate() {
        let path = || format!("{list}[{i}].id");
        let id = match id {
            None => default(i + 1),
            Some(id) => {
                id_text(id, path)?;
                id.into()
            }
        };
        out.push(id);
    }
    let mut sorted: Vec<(&SmolStr, usize)> = out.iter().zip(0..).collect();
    sorted.sort_unstable();
    if let Some(clash) = sorted.windows(2).filter(|w| w[0].0 == w[1].0).min_by_key(|w| w[1].1) {
        let (id, first, second) = (clash[0].0, clash[0].1, clash[1].1);
        return Err(error(
            format!("{list}[{second}].id"),
            format!("the id `{}` is already that of {list}[{first}]", short(id)),
            "give each an id of its own; one without an id takes its position",
        ));
    }
    Ok(out)
}

fn id_text(id: &str, path: impl Fn() -> String) -> Result<(), ChartError> {
    if id.trim().is_empty() {
        return Err(error(path(), "an empty id", "leave the key out, or write an id"));
    }
    if let Some(what) = identity::in_id(id) {
        return Err(identity_error(path(), what));
    }
    Ok(())
}

/// Refuses an id of a case that is empty or looks like a patient's identity.
///
/// # Errors
/// What it looks like, without repeating it.
pub fn check_case_id(id: &str) -> Result<(), ChartError> {
    if id.trim().is_empty() {
        return Err(error("case", "an empty id", "leave the key out, or write an id"));
    }
    identity::in_case(id).map_or(Ok(()), |what| Err(identity_error("case".into(), what)))
}

fn identity_error(path: String, what: identity::Looks) -> ChartError {
    error(
        path,
        format!("this looks like {what} and is not read on"),
        "use an id that says nothing of the patient, as a running number",
    )
}

fn position(ids: &[SmolStr], id: &str, path: impl FnOnce() -> String) -> Result<Ix, ChartError> {
    let at = ids.iter().position(|i| i == id);
    at.and_then(|i| u32::try_from(i).ok()).ok_or_else(|| {
        error(
            path(),
            format!("no administration has the id `{}`", short(id)),
            "name the id of an administration of this case",
        )
    })
}

/// Makes a case of a chart.
///
/// # Errors
/// What the chart contradicts or leaves out, by key path.
pub fn resolve(chart: &Chart, policy: &Policy, formulary: &Formulary, as_of: Date) -> Result<Resolved, ChartError> {
    resolve_with(chart, policy, formulary, InForce::default(), as_of)
}

/// Makes a case of a chart, with reference tables: the crosswalk finds the codes of an NDC.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_with(
    chart: &Chart,
    policy: &Policy,
    formulary: &Formulary,
    tables: InForce,
    as_of: Date,
) -> Result<Resolved, ChartError> {
    let mut assumptions = Vec::new();
    chart.case.as_deref().map_or(Ok(()), check_case_id)?;
    let billing = billing(chart, policy, &mut assumptions)?;
    let ids = ids(chart.administrations.iter().map(|a| a.id.as_deref()), "administrations", |n| n.to_smolstr())?;
    let service_ids =
        self::ids(chart.services.iter().map(|s| s.id.as_deref()), "services", |n| format_smolstr!("s{n}"))?;
    check_rest(chart)?;

    let time = Time::of(chart)?;
    let clock = time.clock(chart)?;
    let at = |key: Key, t: Option<ChartTime>| t.map(|t| time.minute(key, t)).transpose();
    let mut case = Case::new(billing.setting);
    case.billed_by = billing.billed_by;
    case.facility_place = billing.facility_place;
    case.inpatient = billing.inpatient;
    case.clock = clock;
    case.arrival = at(Key::Arrival, chart.arrival)?;
    case.departure = at(Key::Departure, chart.departure)?;
    case.inpatient_order = at(Key::InpatientOrder, chart.inpatient_order)?;
    if let (Some(a), Some(d)) = (case.arrival, case.departure)
        && d < a
    {
        return Err(error("departure", "the patient left before arriving", "check both times and their dates"));
    }
    case.age_years = chart.age_years;
    case.supervised = chart.supervised;
    if let Some(id) = &chart.primary_reason {
        case.primary_reason = Some(position(&ids, id, || "primary_reason".into())?);
    }

    let dates = Dates::of(chart);
    for id in chart.accesses.keys() {
        id_text(id, || "accesses".into())?;
    }
    let access_ids = accesses(chart, &mut case);
    services(chart, &time, &dates, as_of, &mut case, &mut assumptions)?;

    let diagnoses = |codes: &[&str]| {
        chart.diagnoses.iter().any(|d| codes.contains(&d.replace('.', "").to_ascii_uppercase().as_str()))
    };
    let dialysis = billing.dialysis || diagnoses(&["N186", "Z992"]);
    let mut reader = Rows {
        chart,
        policy,
        formulary,
        ids: &ids,
        access_ids: &access_ids,
        time: &time,
        dates: &dates,
        tables: &tables,
        as_of,
        dialysis,
        visits: Interner::default(),
        bags: Interner::default(),
        orders: Interner::default(),
        locals: Vec::new(),
        unknown: Vec::new(),
        codes: Interner::default(),
        no_purpose: false,
    };
    let mut drugs = Vec::with_capacity(chart.administrations.len());
    let mut apart = Vec::new();
    for i in 0..chart.administrations.len() {
        let (row, drug) = reader.row(i, &mut case, &mut assumptions, &mut apart)?;
        case.rows.push(row);
        drugs.push(drug);
    }
    for i in 0..case.rows.len() {
        let other = case.rows[i].same_dose_as as usize;
        if case.rows.get(other).is_some_and(|o| o.ingredient != case.rows[i].ingredient) {
            case.rows[i].same_dose_as = NONE;
            assumptions.push(Assumption {
                path: format!("administrations[{i}].same_dose_as").into(),
                took: "a dose of its own".into(),
                why: "the administration that it names gave another drug, and one dose is of one drug".into(),
            });
        }
    }
    if reader.no_purpose {
        assumptions.push(Assumption {
            path: "administrations[*].purpose".into(),
            took: Purpose::Treatment.as_str().into(),
            why: "no purpose is stated".into(),
        });
    }
    let mut resolved = Resolved {
        case,
        ids,
        service_ids,
        access_ids,
        assumptions,
        questions: Vec::new(),
        drugs,
        dialysis,
        tables: InForce::default(),
        #[cfg(feature = "rule-off")]
        off: None,
    };
    resolved.tables = tables;
    for apart in apart {
        let question = identity_question(chart, &resolved, formulary, &apart);
        resolved.questions.push(question);
    }
    Ok(resolved)
}

/// An identifier and a name that mean different drugs.
struct Apart {
    row: usize,
    identifier: &'static str,
}

fn identity_question(chart: &Chart, resolved: &Resolved, formulary: &Formulary, apart: &Apart) -> Question {
    let charted = &chart.administrations[apart.row];
    let name = short(charted.drug.as_deref().unwrap_or(""));
    let rows = &resolved.drugs[apart.row].rows;
    let coded = rows.first().map_or("another drug", |r| formulary.ingredient(formulary.entry(*r).ingredient));
    Question {
        rows: vec![u32::try_from(apart.row).unwrap_or(NONE)],
        field: apart.identifier,
        to: Addressee::Pharmacy,
        ask: format!(
            "{}: the chart names {name}, and the identifier charted with it belongs to {coded}. Which drug was given? \
             Choices: {name}; {coded}; it cannot be determined; other: ____",
            crate::answer::ask::describe(charted, &resolved.ids[apart.row]),
        ),
        outcomes: Vec::new(),
    }
}

/// Keys that are only checked.
fn check_rest(chart: &Chart) -> Result<(), ChartError> {
    for (i, d) in chart.diagnoses.iter().enumerate() {
        let bare: Vec<u8> = d.trim().bytes().collect();
        let dot = bare.iter().position(|b| *b == b'.');
        let code: Vec<u8> = bare.iter().copied().filter(|b| *b != b'.').collect();
        let good = (3..=7).contains(&code.len())
            && code[0].is_ascii_alphabetic()
            && code[1].is_ascii_digit()
            && code.iter().all(u8::is_ascii_alphanumeric)
            && bare.len() - code.len() <= 1
            && dot.is_none_or(|at| at == 3 && bare.len() > 4);
        if !good {
            return Err(error(
                format!("diagnoses[{i}]"),
                format!("`{}` is no ICD-10-CM code", short(d)),
                "write the code as E86.0",
            ));
        }
    }
    if chart.age_years.is_some_and(|a| a > 130) {
        return Err(error("age_years", "an age above 130 years", "write the age in whole years"));
    }
    for (i, b) in chart.billed.iter().enumerate() {
        if well_formed(&b.code).is_none() {
            return Err(code_error(format!("billed[{i}].code"), &b.code));
        }
        check_modifiers(&b.modifiers, |j| format!("billed[{i}].modifiers[{j}]"))?;
        if let Some(d) = b.date {
            check_date(d, || format!("billed[{i}].date"))?;
        }
    }
    Ok(())
}

fn code_error(path: String, code: &str) -> ChartError {
    error(path, format!("`{}` is no CPT or HCPCS code", short(code)), "a code has five characters, as 96365 or J2405")
}

/// The case's dates.
struct Dates {
    /// The only date, if there is one.
    only: Option<Date>,
    first: Option<Date>,
    several: bool,
}

impl Dates {
    fn of(chart: &Chart) -> Dates {
        let rows = chart.administrations.iter().flat_map(|a| {
            [a.start.map(|t| t.civil.date()), a.start.map_or(a.date, |_| None), a.stop.map(|t| t.civil.date())]
        });
        let services = chart.services.iter().map(|s| s.date.or(s.start.map(|t| t.civil.date())));
        let (mut first, mut last) = (None::<Date>, None::<Date>);
        for d in rows.chain(services).flatten() {
            first = Some(first.map_or(d, |f| f.min(d)));
            last = Some(last.map_or(d, |l| l.max(d)));
        }
        let several = first != last;
        let only = if several { None } else { first.or(chart.as_of) };
        Dates { only, first: first.or(chart.as_of), several }
    }
}

/// Numbers the accesses by their ids, so that the order of administrations does not matter.
fn accesses(chart: &Chart, case: &mut Case) -> Vec<String> {
    let mut ids: Vec<&str> = chart.accesses.keys().map(String::as_str).collect();
    ids.extend(chart.administrations.iter().filter_map(|a| a.access.as_deref()));
    ids.sort_unstable();
    ids.dedup();
    for id in &ids {
        let access = chart.accesses.get(*id);
        let need = access.and_then(|a| a.needed_because.as_deref());
        case.accesses.push(AccessState {
            kind: access.and_then(|a| a.kind),
            needed: need.is_some_and(|n| !NO_REASON.contains(&fold(n).as_str()) && fold(n) != "no"),
        });
    }
    ids.into_iter().map(str::to_owned).collect()
}

fn services(
    chart: &Chart,
    time: &Time,
    dates: &Dates,
    as_of: Date,
    case: &mut Case,
    assumptions: &mut Vec<Assumption>,
) -> Result<(), ChartError> {
    for (i, s) in chart.services.iter().enumerate() {
        let code = well_formed(&s.code).ok_or_else(|| code_error(format!("services[{i}].code"), &s.code))?;
        check_modifiers(&s.modifiers, |j| format!("services[{i}].modifiers[{j}]"))?;
        if s.units == Some(0) {
            return Err(error(
                format!("services[{i}].units"),
                "a service with no units",
                "write 1 or more, or leave it out",
            ));
        }
        let start = s.start.map(|t| time.minute(Key::ServiceStart(i), t)).transpose()?;
        let stop = s.stop.map(|t| time.minute(Key::ServiceStop(i), t)).transpose()?;
        if let (Some(a), Some(b)) = (start, stop)
            && b <= a
        {
            return Err(error(
                format!("services[{i}].stop"),
                "the service ends before it has begun",
                "check both times and their dates",
            ));
        }
        if let Some(d) = s.date {
            check_date(d, || format!("services[{i}].date"))?;
        }
        let charted = s.date.or(s.start.map(|t| t.civil.date())).or(s.stop.map(|t| t.civil.date()));
        let date = match charted {
            Some(d) => d,
            None => {
                let taken = dates.only.or(dates.first).unwrap_or(as_of);
                assumptions.push(Assumption {
                    path: format!("services[{i}].date").into(),
                    took: taken.to_string().into(),
                    why: if dates.several { "the case's first date of service" } else { "the case's only date" }.into(),
                });
                taken
            }
        };
        case.services.push(ServiceState {
            kind: service_kind(&code),
            is_36430: code == "36430",
            facility_reports: matches!(code.as_str(), "36591" | "36592")
                || dripline::code::Code::from_name(&code).is_some_and(|c| !c.professional_in_facility()),
            day: Day::of(date),
            times: start.zip(stop),
            has_25: s.modifiers.iter().any(|m| m == "25"),
        });
    }
    Ok(())
}

/// Reads the administrations one after the other.
struct Rows<'c> {
    chart: &'c Chart,
    policy: &'c Policy,
    formulary: &'c Formulary,
    ids: &'c [SmolStr],
    access_ids: &'c [String],
    time: &'c Time,
    dates: &'c Dates,
    tables: &'c InForce,
    as_of: Date,
    dialysis: bool,
    visits: Interner<'c>,
    bags: Interner<'c>,
    orders: Interner<'c>,
    /// Charted names, folded.
    locals: Vec<String>,
    /// Names that the table does not know, folded.
    unknown: Vec<String>,
    /// Charted HCPCS codes that the table does not know.
    codes: Interner<'c>,
    no_purpose: bool,
}

fn numbered(list: &mut Vec<String>, text: String) -> u32 {
    let at = list.iter().position(|s| *s == text).unwrap_or_else(|| {
        list.push(text);
        list.len() - 1
    });
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl<'c> Rows<'c> {
    fn row(
        &mut self,
        i: usize,
        case: &mut Case,
        assumptions: &mut Vec<Assumption>,
        apart: &mut Vec<Apart>,
    ) -> Result<(Row, Drug), ChartError> {
        let chart = self.chart;
        let a = &chart.administrations[i];
        let path = |key: &str| format!("administrations[{i}].{key}");
        let mut assume = |key: &str, took: String, why: String| {
            assumptions.push(Assumption {
                path: format!("administrations[{i}].{key}").into(),
                took: took.into(),
                why: why.into(),
            });
        };

        // When.
        let start = a.start.map(|t| self.time.minute(Key::Start(i), t)).transpose()?;
        let stop = a.stop.map(|t| self.time.minute(Key::Stop(i), t)).transpose()?;
        let date = self.date(i, &mut assume)?;
        let pauses = self.pauses(i, case, &mut assume)?;
        let day = Day::of(date);

        // What.
        let (route, route_word) = route(a.route.as_deref());
        let (drug, found_by_name) = self.drug(i, route_word, date, apart, &mut assume)?;
        let choice = choose(self.formulary, &drug.rows, date, &drug.route, drug.dose, self.dialysis);
        let entries = choice.rows.iter().map(|r| self.formulary.entry(*r));
        let class_of = entries.clone().map(|e| e.class_by(&drug.route)).reduce(least);
        let listed = self.listed(&drug, &choice);
        let (class, listed_complex) = self.class(i, class_of, listed, found_by_name, &choice, &drug, &mut assume);
        let same = |ok: &dyn Fn(&formulary::Entry) -> bool| entries.clone().next().is_some() && entries.clone().all(ok);
        let first = entries.clone().next();
        let ingredient = match first {
            Some(e) if same(&|o| o.ingredient == e.ingredient) => e.ingredient,
            _ => UNKNOWN + self.unknown_name(i),
        };
        let local = match &a.drug {
            Some(name) => numbered(&mut self.locals, fold(name)),
            None => UNKNOWN + u32::try_from(i).unwrap_or(0),
        };
        let hcpcs = match (&drug.hcpcs, choice.rows.as_slice()) {
            (_, [one]) if self.formulary.entry(*one).hcpcs.is_some() && !choice.out_of_force => *one,
            (Some(_), _) => UNKNOWN / 2 + self.codes.number(a.hcpcs.as_deref().map_or("", str::trim)),
            _ => UNKNOWN + u32::try_from(i).unwrap_or(0),
        };

        // Why.
        let used = |usual: UsualUse| same(&|e| e.usual_use == Some(usual));
        let purpose = match a.purpose {
            Some(p) => p,
            None if used(UsualUse::Flush) => {
                assume(
                    "purpose",
                    Purpose::Flush.as_str().into(),
                    "no purpose is stated and the product is a flush".into(),
                );
                Purpose::Flush
            }
            None if used(UsualUse::Declot) => {
                assume(
                    "purpose",
                    Purpose::Declot.as_str().into(),
                    "no purpose is stated and the product is for opening catheters".into(),
                );
                Purpose::Declot
            }
            None => {
                self.no_purpose = true;
                Purpose::Treatment
            }
        };
        // A stress agent given for the test is what contrast is to a scan.
        let agent = used(UsualUse::Imaging);
        let class = match class {
            Class::Drug if agent && purpose == Purpose::Procedural && a.class.is_none() => Class::Contrast,
            other => other,
        };
        let components = a.components.or_else(|| {
            let n = first.and_then(|e| e.components).filter(|n| same(&|e| e.components == Some(*n)))?;
            if class == Class::Vaccine && a.counselling != Some(false) {
                assume("components", n.to_string(), "the table of drugs says so".into());
            }
            Some(n)
        });
        if a.components == Some(0) || a.lesions == Some(0) {
            let key = if a.components == Some(0) { "components" } else { "lesions" };
            return Err(error(path(key), "a count of nothing", "write 1 or more, or leave the key out"));
        }

        // How.
        let volume = match &a.volume {
            None => None,
            Some(text) => match text.parse::<Amount>() {
                Ok(v) if v.microlitres().is_some() => v.microlitres(),
                _ => {
                    return Err(error(
                        path("volume"),
                        format!("`{}` is no volume", short(text)),
                        "write a number and mL or L, as 1000 mL",
                    ));
                }
            },
        };
        let rate = match &a.rate {
            None => None,
            Some(text) => match text.parse::<Rate>() {
                Ok(r) => {
                    if r.microlitres_an_hour().is_none() {
                        assume("rate", "no volume for a time".into(), "no stop can be computed from it".into());
                    }
                    r.microlitres_an_hour()
                }
                Err(_) => {
                    return Err(error(
                        path("rate"),
                        format!("`{}` is no rate", short(text)),
                        "write a volume for a time, as 125 mL/h",
                    ));
                }
            },
        };
        let access = match &a.access {
            None => NONE,
            Some(id) => {
                id_text(id, || path("access"))?;
                let at = self.access_ids.binary_search_by(|x| x.as_str().cmp(id.as_str()));
                at.ok().and_then(|n| u32::try_from(n).ok()).unwrap_or(NONE)
            }
        };
        let order = match &a.order {
            None => OrderState::NotStated,
            Some(Order::Flag(false)) => OrderState::Absent,
            Some(Order::Flag(true)) => {
                return Err(error(
                    path("order"),
                    "`true` names no order",
                    "write the order's id, false where there is no order, or leave the key out",
                ));
            }
            Some(Order::Id(id)) => {
                id_text(id, || path("order"))?;
                OrderState::Id(self.orders.number(id))
            }
        };
        let same_dose_as = match &a.same_dose_as {
            None => NONE,
            Some(id) => {
                let other = position(self.ids, id, || path("same_dose_as"))?;
                if other as usize == i {
                    return Err(error(
                        path("same_dose_as"),
                        "an administration cannot be part of its own dose",
                        "name the other part",
                    ));
                }
                other
            }
        };
        let visit = match a.visit.as_deref() {
            None => "1",
            Some(v) => {
                id_text(v, || path("visit"))?;
                v
            }
        };
        let bag = match a.bag.as_deref() {
            None => NONE,
            Some(b) => {
                id_text(b, || path("bag"))?;
                self.bags.number(b)
            }
        };
        let row = Row {
            visit: self.visits.number(visit),
            access,
            ingredient,
            hcpcs,
            local,
            class,
            purpose,
            purpose_stated: a.purpose.is_some(),
            route,
            method: a.method,
            start,
            stop,
            day,
            stop_source: a.stop_source.unwrap_or(StopSource::Charted),
            pauses,
            planned: a.planned_minutes,
            volume,
            rate,
            attended: a.attended,
            bag,
            order,
            reason: reason(a.indication.as_deref(), &self.policy.not_a_reason),
            same_dose_as,
            lesions: a.lesions,
            components,
            counselling: a.counselling,
            pump: a.pump.as_ref().map(|p| PumpUse { kind: p.kind, event: p.event, owner: p.owner }),
            given: was_given(a),
            vaccine: first.and_then(|e| e.vaccine).filter(|k| same(&|e| e.vaccine == Some(*k))),
            electrolyte: first.and_then(|e| e.electrolyte).filter(|k| same(&|e| e.electrolyte == Some(*k))),
            adjunct_only: same(&|e| e.usual_use.is_some_and(|u| !matches!(u, UsualUse::Flush | UsualUse::Declot))),
            own_code: first.and_then(|e| e.own_code).filter(|c| same(&|e| e.own_code == Some(*c))),
            listed_complex,
        };
        Ok((row, drug))
    }

    fn date(&self, i: usize, assume: &mut impl FnMut(&str, String, String)) -> Result<Date, ChartError> {
        let a = &self.chart.administrations[i];
        if let Some(d) = a.date {
            check_date(d, || format!("administrations[{i}].date"))?;
            if let Some(s) = a.start
                && s.civil.date() != d
            {
                return Err(error(
                    format!("administrations[{i}].date"),
                    format!("the date is {d} and the start {}", s.civil.date()),
                    "leave `date` out where a start is charted, or make them agree",
                ));
            }
        }
        if let Some(d) = charted_date(a) {
            return Ok(d);
        }
        match self.dates.only {
            Some(d) => {
                assume("date", d.to_string(), "the case's only date".into());
                Ok(d)
            }
            None if !was_given(a) => {
                let d = self.dates.first.unwrap_or(self.as_of);
                assume("date", d.to_string(), "it was not given, so that its date changes nothing".into());
                Ok(d)
            }
            None => Err(error(
                format!("administrations[{i}].date"),
                if self.dates.several {
                    "no time and no date, and the case has several dates"
                } else {
                    "no time and no date"
                },
                "give `date`, or a start",
            )),
        }
    }

    /// Pauses in order; those that overlap are one.
    fn pauses(
        &self,
        i: usize,
        case: &mut Case,
        assume: &mut impl FnMut(&str, String, String),
    ) -> Result<(u32, u32), ChartError> {
        let list = &self.chart.administrations[i].interruptions;
        let from = case.pauses.len();
        for (j, p) in list.iter().enumerate() {
            let start = self.time.minute(Key::PauseStart(i, j), p.start)?;
            let stop = self.time.minute(Key::PauseStop(i, j), p.stop)?;
            if stop <= start {
                return Err(error(
                    format!("administrations[{i}].interruptions[{j}].stop"),
                    "the pause ends before it has begun",
                    "check both times and their dates",
                ));
            }
            case.pauses.push((start, stop));
        }
        let before: i64 = case.pauses[from..].iter().map(|p| p.1 - p.0).sum();
        dripline::minutes::merge(&mut case.pauses, from);
        let after: i64 = case.pauses[from..].iter().map(|p| p.1 - p.0).sum();
        if after < before {
            assume("interruptions", "pauses that overlap as one".into(), "a minute is paused once".into());
        }
        let number = |n: usize| u32::try_from(n).unwrap_or(NONE);
        Ok((number(from), number(case.pauses.len())))
    }

    /// What product it is, and whether the table knows the name.
    fn drug(
        &self,
        i: usize,
        route: String,
        date: Date,
        apart: &mut Vec<Apart>,
        assume: &mut impl FnMut(&str, String, String),
    ) -> Result<(Drug, bool), ChartError> {
        let a = &self.chart.administrations[i];
        let path = |key: &str| format!("administrations[{i}].{key}");
        let mut hcpcs = match &a.hcpcs {
            None => None,
            Some(text) => {
                let upper = text.trim().to_ascii_uppercase();
                if !formulary::is_hcpcs(&upper) {
                    return Err(error(
                        path("hcpcs"),
                        format!("`{}` is no HCPCS code of a drug", short(text)),
                        "a code has a letter and four digits, as J2405, or five digits",
                    ));
                }
                Some(upper)
            }
        };
        let ndc = match &a.ndc {
            None => None,
            Some(text) => Some(ndc_11(text).ok_or_else(|| {
                error(
                    path("ndc"),
                    format!("`{}` is no NDC", short(text)),
                    "write 11 digits, or 10 digits with their hyphens, as 0409-4755-03",
                )
            })?),
        };
        if let Some(text) = &a.rxnorm
            && !((1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(error(
                path("rxnorm"),
                format!("`{}` is no RxNorm concept", short(text)),
                "a concept is a whole number",
            ));
        }
        let name = a.drug.as_deref().filter(|n| !n.trim().is_empty());
        let nameless = name.is_none() && hcpcs.is_none() && ndc.is_none() && a.rxnorm.is_none();
        let event = a.pump.as_ref().and_then(|p| p.event);
        let needs_none = matches!(event, Some(PumpEvent::Disconnect | PumpEvent::Refill))
            || matches!(a.purpose, Some(Purpose::Flush | Purpose::Kvo | Purpose::Declot))
            || matches!(a.class, Some(Class::Hydration | Class::Blood | Class::Contrast | Class::Vaccine));
        if nameless && !needs_none {
            return Err(error(
                path("drug"),
                "no drug is named",
                "give `drug` as charted, or one of `hcpcs`, `ndc` and `rxnorm`",
            ));
        }
        let (by_name, found) = name.map_or((&[][..], Found::Name), |n| self.formulary.by_name(n));
        if let (Found::Shortened, Some(name)) = (found, name) {
            assume(
                "drug",
                self.formulary.read_as(name).unwrap_or_default(),
                format!(
                    "`{}` is in the table of drugs without its words for a salt, a strength, a form or a diluent",
                    short(name)
                ),
            );
        }
        let coded = |code: &str| self.formulary.by_hcpcs(code);
        let by_code = hcpcs.as_deref().and_then(coded);
        let by_ndc = ndc.as_deref().and_then(|n| self.formulary.by_ndc(&n.replace('-', ""))).and_then(coded);
        let crosswalk = ndc.as_deref().map_or_else(Vec::new, |n| self.crosswalk(n, date));
        if let (Some(code), Some(ndc), false) = (&hcpcs, &ndc, crosswalk.is_empty())
            && !crosswalk.contains(code)
        {
            assume(
                "ndc",
                format!("the charted {code}"),
                format!("the crosswalk of {} has {ndc} under {}", self.tables.quarter(date), crosswalk.join(", ")),
            );
        }
        let by_crosswalk: Vec<u32> = crosswalk.iter().filter_map(|c| coded(c)).collect();
        let (rows, identifier) = match (by_code, by_ndc) {
            (Some(row), _) => (vec![row], "hcpcs"),
            (None, Some(row)) if hcpcs.is_none() => (vec![row], "ndc"),
            (None, None) if hcpcs.is_none() && !crosswalk.is_empty() => {
                // A code that the table of drugs does not have is known by itself; the name tells the class.
                if let ([code], true) = (crosswalk.as_slice(), by_crosswalk.is_empty()) {
                    hcpcs = Some(code.clone());
                }
                assume(
                    "hcpcs",
                    crosswalk.join(" or "),
                    format!("the crosswalk of {} has the package under it", self.tables.quarter(date)),
                );
                (if by_crosswalk.is_empty() { by_name.to_vec() } else { by_crosswalk }, "ndc")
            }
            _ => (by_name.to_vec(), ""),
        };
        if let [row] = rows.as_slice()
            && !identifier.is_empty()
        {
            let ingredient = self.formulary.entry(*row).ingredient;
            if !by_name.is_empty() && by_name.iter().all(|r| self.formulary.entry(*r).ingredient != ingredient) {
                assume(
                    identifier,
                    self.formulary.ingredient(ingredient).to_owned(),
                    "the charted name means another drug, and the identifier wins over the name".into(),
                );
                apart.push(Apart { row: i, identifier });
            }
        } else if identifier.is_empty() {
            // An identifier that the tables do not know leaves the name to decide.
            for (key, given) in [("hcpcs", hcpcs.is_some()), ("ndc", ndc.is_some()), ("rxnorm", a.rxnorm.is_some())] {
                if given && name.is_some() {
                    assume(key, "the charted name".into(), "the identifier is in none of the loaded tables".into());
                    break;
                }
            }
        }
        let known = !rows.is_empty();
        let dose = a.dose.as_deref().and_then(|d| d.parse().ok());
        Ok((Drug { rows, hcpcs, ndc, route, dose }, known))
    }

    /// The codes of a package in CMS's crosswalk of the quarter.
    fn crosswalk(&self, ndc: &str, date: Date) -> Vec<String> {
        let rows = self.tables.ndc(date).map_or(&[][..], |t| t.find(ndc));
        rows.iter().map(|r| r.code.to_string()).collect()
    }

    /// Is the drug on the payer's list of complex drugs? `None` where no list is loaded.
    fn listed(&self, drug: &Drug, choice: &Choice) -> Option<bool> {
        if self.policy.complex_drug_list.is_empty() {
            return None;
        }
        Some(self.policy.complex_drug_list.iter().any(|item| {
            let code = item.trim().to_ascii_uppercase();
            if drug.hcpcs.as_deref() == Some(code.as_str()) {
                return true;
            }
            let (named, _) = self.formulary.by_name(item);
            choice.rows.iter().any(|r| {
                let e = self.formulary.entry(*r);
                e.hcpcs.as_deref() == Some(code.as_str())
                    || named.iter().any(|n| self.formulary.entry(*n).ingredient == e.ingredient)
            })
        }))
    }

    #[allow(clippy::too_many_arguments)]
    fn class(
        &self,
        i: usize,
        class_of: Option<Class>,
        listed: Option<bool>,
        known: bool,
        choice: &Choice,
        drug: &Drug,
        assume: &mut impl FnMut(&str, String, String),
    ) -> (Class, bool) {
        let a = &self.chart.administrations[i];
        if let Some(class) = a.class {
            return (class, false);
        }
        let class = match class_of {
            Some(class) => class,
            None => {
                let name = a.drug.as_deref().unwrap_or("");
                let why =
                    if name.is_empty() { "no drug is named".to_owned() } else { unknown_name(self.formulary, name) };
                assume("class", Class::Drug.as_str().into(), why);
                Class::Drug
            }
        };
        let rows = choice.rows.iter().map(|r| self.formulary.entry(*r).class_by(&drug.route));
        if known && rows.clone().any(|c| c != class) {
            assume(
                "class",
                class.as_str().into(),
                "products of that name differ in class, and which one was given is not known".into(),
            );
        }
        match (listed, class) {
            (Some(true), Class::Drug | Class::Complex) => {
                if class == Class::Drug {
                    assume(
                        "class",
                        Class::Complex.as_str().into(),
                        "the drug is on the policy's list of complex drugs".into(),
                    );
                }
                (Class::Complex, true)
            }
            (Some(false), Class::Complex) => {
                assume(
                    "class",
                    Class::Drug.as_str().into(),
                    "the drug is not on the policy's list of complex drugs".into(),
                );
                (Class::Drug, false)
            }
            _ => (class, false),
        }
    }

    /// A number for a name that means no single ingredient; rows without a name are each their own.
    fn unknown_name(&mut self, i: usize) -> u32 {
        let a = &self.chart.administrations[i];
        let name = match (&a.drug, &a.hcpcs, &a.ndc, &a.rxnorm) {
            (Some(name), ..) if !name.trim().is_empty() => fold(name),
            (_, Some(id), ..) | (_, _, Some(id), _) | (_, _, _, Some(id)) => fold(id),
            _ => format!("\u{0}{i}"),
        };
        numbered(&mut self.unknown, name)
    }
}

/// Says that a name is not in the table, with the nearest that are.
pub(crate) fn unknown_name(formulary: &Formulary, name: &str) -> String {
    let near = formulary.nearest(name);
    if near.is_empty() {
        format!("`{}` is not in the table of drugs, and no name in it is near", short(name))
    } else {
        format!("`{}` is not in the table of drugs; nearest: {}", short(name), near.join(", "))
    }
}
