//! Reads worksheet text: cases, their headers and their lines.

use dripline::chart::{
    Access, Administration, Billed, Chart, ChartTime, Class, Interruption, Method, Purpose, Service, Setting,
};
use dripline::coding::Assumption;
use jiff::civil::Date;

use super::keys::{self, Entry, Keys, amount, day, one_of, text, when, whole};
use super::lex::{Line, Span, Token};
use super::say::{Name, Said, Words};
use super::time::{Seen, Times, When, date, later};
use super::words::{Amount, Word, fluid_volume, is_fluid, nearest, number};
use super::{Parsed, Problem};

/// Why a stop before its start is on the next day.
const NEXT_DAY: &str = "it stands before the start: taken as the next day";

/// Reads every case of a text, in its order. A case that cannot be read does not stop the others.
#[must_use]
pub fn parse(text: &str) -> Vec<Result<Parsed, Problem>> {
    cases(text).iter().map(|(header, rows)| case(*header, rows)).collect()
}

/// Reads a text that holds one case.
///
/// # Errors
/// A case that cannot be read, no case at all, or a second one.
pub fn parse_one(text: &str) -> Result<Parsed, Problem> {
    let cases = cases(text);
    match cases.as_slice() {
        [(header, rows)] => case(*header, rows),
        [] => {
            let line = Line { number: 1, text: text.lines().next().unwrap_or("") };
            Err(line.problem(0..0, "there is no case here", "a case begins with its setting and date: office 1/5/26"))
        }
        [_, (second, _), ..] => Err(second.problem(
            whole_line(second),
            "a second case begins here",
            "one case is expected: leave the others out",
        )),
    }
}

/// A case's header and its other lines.
type Block<'a> = (Line<'a>, Vec<Line<'a>>);

fn cases(text: &str) -> Vec<Block<'_>> {
    let mut cases: Vec<Block<'_>> = Vec::new();
    let mut blank = true;
    for (at, text) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let line = Line { number: at + 1, text };
        let content = text.trim_start();
        if content.is_empty() {
            blank = true;
        } else if !content.starts_with('#') {
            match cases.last_mut() {
                Some((_, rows)) if !(blank && opens_case(text)) => rows.push(line),
                _ => cases.push((line, Vec::new())),
            }
            blank = false;
        }
    }
    cases
}

/// Whether a line is meant as a header: it begins with a setting, a date or a key of the header.
fn opens_case(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let (first, second) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let key = || first.find(['=', '.']).is_some_and(|at| keys::is_case_key(&first[..at]));
    // A mark or a quote in front makes it a row of another kind, however near the word is.
    let misspelt = || {
        first.starts_with(char::is_alphabetic)
            && date(second) != Seen::Not
            && nearest(first, Setting::ALL.iter().map(|(w, _)| *w)).is_some()
    };
    setting(first).is_some() || date(first) != Seen::Not || key() || misspelt()
}

fn setting(word: &str) -> Option<Setting> {
    Setting::ALL.iter().find(|(w, _)| w.eq_ignore_ascii_case(word)).map(|(_, setting)| *setting)
}

fn whole_line(line: &Line<'_>) -> Span {
    let start = line.text.len() - line.text.trim_start().len();
    start..line.text.trim_end().len()
}

fn case(header: Line<'_>, rows: &[Line<'_>]) -> Result<Parsed, Problem> {
    let mut case = Case::open(header)?;
    for row in rows {
        if let Err(problem) = case.line(*row) {
            return Err(Problem { case: case.chart.case, ..problem });
        }
    }
    Ok(Parsed { chart: case.chart, assumptions: case.assumptions, first_line: header.number })
}

/// Reads a line as a row of a sheet of that date: the only row, whether `*` marks it, and that nothing was assumed.
pub(super) fn row_alone(line: &str, sheet: Option<Date>) -> Option<(Administration, bool)> {
    let blocks = cases(line);
    let [(line, rows)] = blocks.as_slice() else { return None };
    let mut case = Case { sheet, ..Case::default() };
    case.line(*line).ok()?;
    let row = case.chart.administrations.pop()?;
    let alone = rows.is_empty() && case.assumptions.is_empty() && case.chart.administrations.is_empty();
    alone.then_some((row, case.chart.primary_reason.is_some()))
}

/// A case as far as it was read.
#[derive(Default)]
struct Case {
    chart: Chart,
    /// The date of the header: that of every line without one of its own.
    sheet: Option<Date>,
    assumptions: Vec<Assumption>,
}

impl Case {
    fn open(line: Line<'_>) -> Result<Case, Problem> {
        let tokens = line.tokens(0)?;
        let (pairs, words): (Vec<&Token>, Vec<&Token>) = tokens.iter().partition(|t| t.equals.is_some());
        if words.len() == tokens.len() && !opens_case(line.text) {
            return Err(no_header(line));
        }
        let (mut said, mut sheet): (Option<Setting>, Option<Date>) = (None, None);
        for token in words {
            let word = line.get(&token.span);
            let twice = |what: &str| {
                line.problem(token.span.clone(), format!("a second {what} stands here"), "leave one of the two out")
            };
            if let Some(setting) = setting(word) {
                if said.replace(setting).is_some() {
                    return Err(twice("setting"));
                }
                continue;
            }
            match date(word) {
                Seen::Is(date) if sheet.replace(date).is_some() => return Err(twice("date")),
                Seen::Is(_) => {}
                Seen::Bad { message, help } => return Err(line.problem(token.span.clone(), message, help)),
                Seen::Not => {
                    return Err(line.problem(
                        token.span.clone(),
                        format!("`{word}` is not a word of the header"),
                        header_help(word),
                    ));
                }
            }
        }
        let keys = Keys::of(line, pairs, keys::CASE)?;
        if let (Some(_), Some((_, span))) = (said, keys.entry("setting", one_of::<Setting>)?) {
            return Err(line.problem(span, "a second setting stands here", "leave one of the two out"));
        }
        let mut case = Case { sheet, ..Case::default() };
        let arrival = case.moment(line, &keys, "arrival", None)?;
        case.chart = Chart {
            case: keys.text("case")?,
            setting: said.or(keys.get("setting", one_of)?),
            place_of_service: keys.text("place_of_service")?,
            bill_type: keys.text("bill_type")?,
            billed_by: keys.get("billed_by", one_of)?,
            profile: keys.text("profile")?,
            policy: keys.policy()?,
            as_of: keys.get("as_of", day)?,
            time_zone: keys.text("time_zone")?,
            arrival,
            departure: case.moment(line, &keys, "departure", arrival)?,
            inpatient_order: case.moment(line, &keys, "inpatient_order", arrival)?,
            primary_reason: keys.text("primary_reason")?,
            diagnoses: keys.texts("diagnoses")?,
            age_years: keys.get("age_years", whole)?,
            supervised: keys.get("supervised", one_of)?,
            off_campus: keys.get("off_campus", one_of)?,
            ..Chart::default()
        };
        Ok(case)
    }

    /// A moment of the stay; a clock time before the arrival is the next day's.
    fn moment(
        &mut self,
        line: Line<'_>,
        keys: &Keys<'_>,
        name: &str,
        arrival: Option<ChartTime>,
    ) -> Result<Option<ChartTime>, Problem> {
        let Some((Some(when), span)) = keys.entry(name, when)? else { return Ok(None) };
        let day = Day { line, date: self.sheet };
        let (time, moved) = day.after(when, &span, arrival)?;
        if moved {
            self.assume(name.to_owned(), time, "it stands before the arrival: taken as the next day");
        }
        Ok(Some(time))
    }

    fn assume(&mut self, path: String, took: impl ToString, why: &'static str) {
        self.assumptions.push(Assumption::new(path, took.to_string(), why));
    }

    fn line(&mut self, line: Line<'_>) -> Result<(), Problem> {
        if opens_case(line.text) {
            let help = "leave a blank line before a new case; the date of one line is written behind it: date=1/5/26";
            return Err(line.problem(whole_line(&line), "a header stands inside a case", help));
        }
        let from = whole_line(&line).start;
        let content = &line.text[from..];
        if content.starts_with('*') {
            return self.administration(line, from + 1, Some(from..from + 1));
        }
        let words = Words::of(line, from)?;
        if content.starts_with('+') {
            return self.service(&words);
        }
        match content.split_whitespace().next().unwrap_or("").to_ascii_lowercase().as_str() {
            "access" => self.access(&words),
            "billed" => self.billed(&words),
            _ => self.administration(line, from, None),
        }
    }

    fn access(&mut self, words: &Words<'_>) -> Result<(), Problem> {
        let line = words.line;
        let end = words.tokens.iter().position(|t| t.equals.is_some()).unwrap_or(words.tokens.len());
        if end < 2 {
            return Err(line.problem(
                words.tokens[0].span.clone(),
                "the access has no name",
                "write it as: access port kind=port",
            ));
        }
        let name = words.joined(1, end)?;
        let span = words.tokens[1].span.start..words.tokens[end - 1].span.end;
        let keys = Keys::of(line, &words.tokens[end..], keys::ACCESS)?;
        let access = Access { kind: keys.get("kind", one_of)?, needed_because: keys.text("needed_because")? };
        if self.chart.accesses.insert(name.clone(), access).is_some() {
            return Err(line.problem(
                span,
                format!("the access `{name}` is described twice"),
                "write all of it on one line",
            ));
        }
        Ok(())
    }

    fn billed(&mut self, words: &Words<'_>) -> Result<(), Problem> {
        let line = words.line;
        let Some(token) = words.tokens.get(1).filter(|t| t.equals.is_none()) else {
            return Err(line.problem(
                words.tokens[0].span.clone(),
                "no code stands behind `billed`",
                "write it as: billed 96374 units=1",
            ));
        };
        let code = code(line, token.span.clone())?;
        if let Some(token) = words.tokens[2..].iter().find(|t| t.equals.is_none()) {
            let help = "units, modifiers and date are keys: billed 96375 units=2 modifiers=59";
            return Err(line.problem(
                token.span.clone(),
                format!("`{}` is not a key=value", line.get(&token.span)),
                help,
            ));
        }
        let keys = Keys::of(line, &words.tokens[2..], keys::BILLED)?;
        self.chart.billed.push(Billed {
            code: code.into(),
            units: keys.get("units", whole)?.unwrap_or(1),
            modifiers: keys.texts("modifiers")?,
            date: keys.get("date", day)?,
        });
        Ok(())
    }

    fn service(&mut self, words: &Words<'_>) -> Result<(), Problem> {
        let line = words.line;
        let first = &words.tokens[0];
        let code = code(line, first.span.start + 1..first.equals.unwrap_or(first.span.end))?;
        if first.equals.is_some() {
            let help = "write a blank behind the code: +99213 modifiers=25";
            return Err(line.problem(first.span.clone(), "a code stands alone", help));
        }
        let said = words.said(1)?;
        let keys = Keys::of(line, pairs(words, &said), keys::SERVICE)?;
        let (mut timed, mut reason) = (Timed::default(), Slot::default());
        for (what, span) in &said {
            match what {
                Said::For(text) => reason.set(line, "reason", Some(text.clone()), span)?,
                Said::Pair(_) => {}
                _ if timed.say(line, what, span)? => {}
                _ => {
                    let help = "a listed service takes its times, `for REASON` and key=value";
                    return Err(line.problem(
                        span.clone(),
                        format!("`{}` does not belong to a service", line.get(span)),
                        help,
                    ));
                }
            }
        }
        reason.key(line, "reason", keys.entry("reason", text)?)?;
        let path = format!("services[{}]", self.chart.services.len());
        let Dated { start, stop, date } = self.times(line, &keys, &mut timed, &path)?;
        self.chart.services.push(Service {
            id: keys.text("id")?,
            code: code.into(),
            date,
            start,
            stop,
            modifiers: keys.texts("modifiers")?,
            units: keys.get("units", whole)?,
            reason: reason.value(),
        });
        Ok(())
    }

    /// Start, stop and the date where no clock time says it.
    fn times(&mut self, line: Line<'_>, keys: &Keys<'_>, timed: &mut Timed, path: &str) -> Result<Dated, Problem> {
        timed.start.key(line, "start", keys.entry("start", bound)?.map(flat))?;
        timed.stop.key(line, "stop", keys.entry("stop", bound)?.map(flat))?;
        let written = keys.entry("date", day)?.map(|(date, _)| date);
        let own = written.flatten();
        let Resolved { start, stop, taken } = timed.resolve(line, own, self.sheet)?;
        if let (Some(stop), Some(why)) = (stop, taken) {
            self.assume(format!("{path}.stop"), stop, why);
        }
        let date = match written {
            Some(_) if timed.has_clock() => None,
            Some(date) => date,
            None if start.is_none() && stop.is_none() => self.sheet,
            None => None,
        };
        Ok(Dated { start, stop, date })
    }

    fn administration(&mut self, line: Line<'_>, from: usize, star: Option<Span>) -> Result<(), Problem> {
        let words = Words::of(line, from)?;
        if let Some(service) = words.tokens.first().filter(|t| line.get(&t.span).starts_with('+')) {
            let help = "the reason for the visit is an administration: * Zofran 4 mg IV push 10:00";
            return Err(line.problem(service.span.clone(), "a listed service cannot be marked with `*`", help));
        }
        let name = words.name()?;
        let begins = words.tokens.first().filter(|t| t.equals.is_none()).map(|t| t.span.clone());
        if let (None, Some(first), false) = (&name.text, begins, words.has_key("drug")) {
            return Err(no_drug(line, name.amount.map_or(first, |(_, span)| span)));
        }
        let said = words.said(name.next)?;
        let keys = Keys::of(line, pairs(&words, &said), keys::ROW)?;
        if name.text.is_none()
            && !keys.has("drug")
            && (name.next > 0 || !matches!(said.first(), Some((Said::Pair(_), _))))
        {
            let span = words.tokens.first().map(|t| t.span.clone()).or(star).unwrap_or(0..0);
            return Err(no_drug(line, span));
        }
        let path = format!("administrations[{}]", self.chart.administrations.len());
        let mut row = Row::default();
        row.name(line, &name)?;
        for (what, span) in &said {
            row.say(line, what, span)?;
        }
        row.keys(line, &keys)?;
        row.agrees(line, &name)?;
        if let Some(took) = row.imply(line, &name)? {
            self.assume(format!("{path}.method"), took, "`bolus` is a push of a drug and an infusion of a fluid");
        }
        let Dated { start, stop, date } = self.times(line, &keys, &mut row.timed, &path)?;
        let day = Day { line, date: keys.get("date", day)?.or(start.map(|s| s.civil.date())).or(self.sheet) };
        let mut interruptions = Vec::new();
        for (at, (from, to, span)) in keys.pauses()?.into_iter().enumerate() {
            let (start, moved) = day.after(from, &span, start)?;
            same_half(line, from, to, &span)?;
            let (stop, over) = Day { line, date: Some(start.civil.date()) }.after(to, &span, Some(start))?;
            for (moved, side, time) in [(moved, "start", start), (over, "stop", stop)] {
                if moved {
                    self.assume(format!("{path}.interruptions[{at}].{side}"), time, NEXT_DAY);
                }
            }
            interruptions.push(Interruption { start, stop });
        }
        let administration = Administration {
            id: keys.text("id")?,
            visit: keys.text("visit")?,
            hcpcs: keys.text("hcpcs")?,
            ndc: keys.text("ndc")?,
            rxnorm: keys.text("rxnorm")?,
            start,
            stop,
            date,
            stop_source: keys.get("stop_source", one_of)?,
            interruptions,
            planned_minutes: keys.get("planned_minutes", whole)?,
            attended: keys.get("attended", one_of)?,
            bag: keys.text("bag")?,
            order: keys.order()?,
            same_dose_as: keys.text("same_dose_as")?,
            lesions: keys.get("lesions", whole)?,
            components: keys.get("components", whole)?,
            counselling: keys.get("counselling", one_of)?,
            pump: keys.pump()?,
            containers: keys.containers()?,
            wasted: row.wasted(&keys)?,
            supplied_by: keys.get("supplied_by", one_of)?,
            purchased_340b: keys.get("purchased_340b", one_of)?,
            status: keys.get("status", one_of)?,
            given_by: keys.text("given_by")?,
            credentials: keys.text("credentials")?,
            ordered_route: keys.text("ordered_route")?,
            ordered_dose: keys.text("ordered_dose")?,
            monitored: keys.get("monitored", one_of)?,
            source: keys.text("source")?,
            drug: row.drug.value(),
            class: row.class.value(),
            purpose: row.purpose.value(),
            dose: row.dose.value(),
            route: row.route.value(),
            method: row.method.value(),
            volume: row.volume.value(),
            rate: row.rate.value(),
            access: row.access.value(),
            indication: row.indication.value(),
        };
        if let Some(star) = star {
            let id = administration.id_at(self.chart.administrations.len());
            if self.chart.primary_reason.replace(id).is_some() {
                let help = "leave one mark, here or `primary_reason` in the header";
                return Err(line.problem(star, "a second reason for the visit is marked", help));
            }
        }
        self.chart.administrations.push(administration);
        Ok(())
    }
}

fn no_drug(line: Line<'_>, span: Span) -> Problem {
    line.problem(span, "no drug stands here", "begin the line with the drug's name: Zofran 4 mg IV push 10:00")
}

fn no_header(line: Line<'_>) -> Problem {
    let span = line.tokens(0).ok().and_then(|t| t.first().map(|t| t.span.clone())).unwrap_or(whole_line(&line));
    let word = line.get(&span);
    let help = match other_setting(word) {
        Some(help) => help,
        None => "a case begins with its setting and date: office 1/5/26".to_owned(),
    };
    line.problem(span, format!("a case does not begin with `{word}`"), help)
}

/// What a word says that is meant as the setting.
fn other_setting(word: &str) -> Option<String> {
    const FACILITY: [&str; 9] =
        ["hospital", "outpatient", "opd", "hopd", "ed", "er", "emergency", "observation", "inpatient"];
    const OFFICE: [&str; 5] = ["clinic", "physician", "doctor", "practice", "suite"];
    let lower = word.to_lowercase();
    if FACILITY.contains(&lower.as_str()) {
        return Some("the setting of a hospital is `facility`: facility 1/5/26".to_owned());
    }
    if OFFICE.contains(&lower.as_str()) {
        return Some("the setting of a practice that bills for itself is `office`: office 1/5/26".to_owned());
    }
    nearest(word, Setting::ALL.iter().map(|(w, _)| *w)).map(|near| format!("did you mean `{near}`?"))
}

/// What would mend a word that the header does not know.
fn header_help(word: &str) -> String {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let lower = word.to_lowercase();
    let bare = lower.trim_end_matches([',', ';', ':']);
    let dated = bare.starts_with(|c: char| c.is_ascii_digit()) && bare.contains(['/', '-', '.']);
    let month = bare.is_char_boundary(3) && bare.len() >= 3 && MONTHS.contains(&&bare[..3]);
    if bare.len() < lower.len() && (setting(bare).is_some() || matches!(date(bare), Seen::Is(_))) {
        format!("leave out what stands behind `{}`: blanks alone part the words", &word[..bare.len()])
    } else if dated || month {
        "write the date as 1/5/26 (month/day/year) or 2026-01-05".to_owned()
    } else if let Some(help) = keys::case_habit(bare) {
        help.to_owned()
    } else if keys::is_case_key(bare) {
        format!("write it as {bare}=…")
    } else {
        other_setting(word)
            .unwrap_or_else(|| "the header is the setting, the date, then key=value: office 1/5/26 pos=11".to_owned())
    }
}

/// The tokens that are `key=value`.
fn pairs<'w>(words: &'w Words<'_>, said: &[(Said, Span)]) -> Vec<&'w Token> {
    said.iter().filter_map(|(what, _)| if let Said::Pair(at) = what { words.tokens.get(*at) } else { None }).collect()
}

/// A code as charges write it; in quotes, word for word.
fn code(line: Line<'_>, span: Span) -> Result<String, Problem> {
    let value = line.value(span.clone())?;
    if value.quoted || (value.text.len() == 5 && value.text.bytes().all(|b| b.is_ascii_alphanumeric())) {
        return Ok(value.text);
    }
    if value.text.is_empty() {
        let help = "write the code right behind it: +99213 modifiers=25";
        return Err(line.problem(span.start.saturating_sub(1)..span.end, "no code stands behind `+`", help));
    }
    let help = match value.text.split_once('-') {
        Some((code, modifiers)) if code.len() == 5 => {
            format!("write modifiers apart: {code} modifiers={}", modifiers.replace('-', ","))
        }
        _ => "a code has five letters and digits: +99213".to_owned(),
    };
    Err(line.problem(span, format!("`{}` is not a code", value.text), help))
}

/// `?` is a time that is not charted.
fn bound(line: Line<'_>, value: super::lex::Value) -> Result<Option<When>, Problem> {
    if value.text == "?" && !value.quoted { Ok(None) } else { when(line, value).map(Some) }
}

fn flat<T>((value, span): Entry<Option<T>>) -> Entry<T> {
    (value.flatten(), span)
}

/// The day on which clock times of a line stand.
struct Day<'a> {
    line: Line<'a>,
    date: Option<Date>,
}

impl Day<'_> {
    fn at(&self, when: When, span: &Span) -> Result<ChartTime, Problem> {
        let date = match (self.date, when) {
            (Some(date), _) => date,
            (None, When::Full(time)) => return Ok(time),
            (None, When::Clock { .. }) => {
                let help = "write the date in the header: office 1/5/26";
                return Err(self.line.problem(span.clone(), "this time has no date", help));
            }
        };
        when.on(date).ok_or_else(|| self.past(span))
    }

    /// The moment, and whether it was moved to the next day because it stands before another.
    fn after(&self, when: When, span: &Span, other: Option<ChartTime>) -> Result<(ChartTime, bool), Problem> {
        let time = self.at(when, span)?;
        match (when, other) {
            (When::Clock { .. }, Some(other)) if time.civil < other.civil => {
                Ok((later(time, 1440).ok_or_else(|| self.past(span))?, true))
            }
            _ => Ok((time, false)),
        }
    }

    fn past(&self, span: &Span) -> Problem {
        self.line.problem(span.clone(), "this time is past the end of the calendar", "write an earlier date")
    }
}

/// One key of a row that words and `key=value` can both say.
struct Slot<T> {
    said: Option<Entry<T>>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Slot { said: None }
    }
}

impl<T: PartialEq> Slot<T> {
    fn set(&mut self, line: Line<'_>, name: &str, value: Option<T>, span: &Span) -> Result<(), Problem> {
        match &self.said {
            Some((before, _)) if *before != value => {
                let help = "leave one of the two out; two administrations are two lines";
                Err(line.problem(span.clone(), format!("`{name}` is given twice on this line"), help))
            }
            Some(_) => Ok(()),
            None => {
                self.said = Some((value, span.clone()));
                Ok(())
            }
        }
    }

    fn key(&mut self, line: Line<'_>, name: &str, entry: Option<Entry<T>>) -> Result<(), Problem> {
        entry.map_or(Ok(()), |(value, span)| self.set(line, name, value, &span))
    }

    /// Takes a value that nothing on the line says otherwise.
    fn imply(&mut self, value: T) {
        self.said.get_or_insert((Some(value), 0..0));
    }

    fn get(&self) -> Option<&T> {
        self.said.as_ref().and_then(|(value, _)| value.as_ref())
    }

    fn value(self) -> Option<T> {
        self.said.and_then(|(value, _)| value)
    }
}

/// Start and stop of a line, and why the stop was taken where it is not written out.
struct Resolved {
    start: Option<ChartTime>,
    stop: Option<ChartTime>,
    taken: Option<&'static str>,
}

/// Start and stop of a line, and its date where these do not say it.
struct Dated {
    start: Option<ChartTime>,
    stop: Option<ChartTime>,
    date: Option<Date>,
}

/// The times of a line as written.
#[derive(Default)]
struct Timed {
    start: Slot<When>,
    stop: Slot<When>,
    over: Option<(i64, Span)>,
}

impl Timed {
    /// Takes a piece that says a time.
    fn say(&mut self, line: Line<'_>, what: &Said, span: &Span) -> Result<bool, Problem> {
        match what {
            Said::Times(Times::Point(when)) | Said::Start(when) => self.start.set(line, "start", Some(*when), span)?,
            Said::Times(Times::Range(start, stop)) => {
                self.start.set(line, "start", *start, span)?;
                self.stop.set(line, "stop", *stop, span)?;
            }
            Said::Stop(when) => self.stop.set(line, "stop", *when, span)?,
            Said::Over(minutes) => {
                if self.over.replace((*minutes, span.clone())).is_some() {
                    return Err(line.problem(
                        span.clone(),
                        "`over` is given twice on this line",
                        "leave one of the two out",
                    ));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn has_clock(&self) -> bool {
        [&self.start, &self.stop].iter().any(|slot| matches!(slot.get(), Some(When::Clock { .. })))
    }

    /// The moments that the line means.
    fn resolve(&self, line: Line<'_>, own: Option<Date>, sheet: Option<Date>) -> Result<Resolved, Problem> {
        let day = Day { line, date: own.or(sheet) };
        let start = match &self.start.said {
            Some((Some(when), span)) => Some(day.at(*when, span)?),
            _ => None,
        };
        if let Some((minutes, span)) = &self.over {
            let Some(start) = start else {
                let help = "write when it started: 10:00 over 30 min";
                return Err(line.problem(span.clone(), "`over` needs a start", help));
            };
            if self.stop.said.is_some() {
                let help = "leave `over` or the stop out";
                return Err(line.problem(span.clone(), "the stop is given twice on this line", help));
            }
            let stop = later(start, *minutes).ok_or_else(|| day.past(span))?;
            let taken = Some("the start and the minutes behind `over`");
            return Ok(Resolved { start: Some(start), stop: Some(stop), taken });
        }
        let Some((Some(stop), span)) = &self.stop.said else {
            return Ok(Resolved { start, stop: None, taken: None });
        };
        if let Some(start) = self.start.get() {
            same_half(line, *start, *stop, span)?;
        }
        let date = match self.start.get() {
            Some(When::Full(start)) => own.or(Some(start.civil.date())),
            _ => own.or(sheet),
        };
        let (stop, moved) = Day { line, date }.after(*stop, span, start)?;
        Ok(Resolved { start, stop: Some(stop), taken: moved.then_some(NEXT_DAY) })
    }
}

/// `1:05-2:10p` may begin at night or after noon.
fn same_half(line: Line<'_>, start: When, stop: When, span: &Span) -> Result<(), Problem> {
    if let (When::Clock { minutes: a, half: x }, When::Clock { minutes: b, half: y }) = (start, stop)
        && x != y
        && (60..780).contains(&if x { b } else { a })
    {
        let help = "write `a` or `p` on both, or both by the 24-hour clock";
        return Err(line.problem(span.clone(), "only one of the two times says whether it is before noon", help));
    }
    Ok(())
}

/// An administration as far as its words have said it.
#[derive(Default)]
struct Row {
    drug: Slot<String>,
    dose: Slot<String>,
    route: Slot<String>,
    method: Slot<Method>,
    class: Slot<Class>,
    purpose: Slot<Purpose>,
    volume: Slot<String>,
    rate: Slot<String>,
    access: Slot<String>,
    indication: Slot<String>,
    timed: Timed,
    bolus: Option<Span>,
    /// `hydration`, `KVO`: what runs into a vein by its nature.
    into_vein: bool,
}

impl Row {
    fn name(&mut self, line: Line<'_>, name: &Name) -> Result<(), Problem> {
        if let Some(drug) = &name.text {
            self.drug.set(line, "drug", Some(drug.clone()), &name.span)?;
        }
        match &name.amount {
            Some((amount, span)) if amount.rate => self.rate.set(line, "rate", Some(amount.text()), span),
            Some((amount, span)) => self.dose.set(line, "dose", Some(amount.text()), span),
            None => Ok(()),
        }
    }

    fn say(&mut self, line: Line<'_>, what: &Said, span: &Span) -> Result<(), Problem> {
        match what {
            Said::Rate(rate) => self.rate.set(line, "rate", Some(rate.text()), span),
            Said::Via(access) => self.access.set(line, "access", Some(access.clone()), span),
            Said::For(reason) => self.indication.set(line, "indication", Some(reason.clone()), span),
            Said::Word(word) => self.word(line, *word, span),
            Said::Pair(_) => Ok(()),
            Said::Times(_) | Said::Start(_) | Said::Stop(_) | Said::Over(_) => {
                self.timed.say(line, what, span).map(|_| ())
            }
        }
    }

    fn word(&mut self, line: Line<'_>, word: Word, span: &Span) -> Result<(), Problem> {
        match word {
            Word::Route(route) => self.route.set(line, "route", Some(route.to_owned()), span),
            Word::Method(method) => self.method.set(line, "method", Some(method), span),
            Word::RouteMethod(route, method) => {
                self.route.set(line, "route", Some(route.to_owned()), span)?;
                self.method.set(line, "method", Some(method), span)
            }
            Word::Purpose(purpose) => {
                self.into_vein |= purpose == Purpose::Kvo;
                self.purpose.set(line, "purpose", Some(purpose), span)
            }
            Word::Hydration => {
                self.into_vein = true;
                self.class.set(line, "class", Some(Class::Hydration), span)
            }
            Word::Bolus => {
                self.bolus = Some(span.clone());
                Ok(())
            }
        }
    }

    fn keys(&mut self, line: Line<'_>, keys: &Keys<'_>) -> Result<(), Problem> {
        self.drug.key(line, "drug", keys.entry("drug", text)?)?;
        self.dose.key(line, "dose", keys.entry("dose", amount)?)?;
        self.route.key(line, "route", keys.entry("route", text)?)?;
        self.method.key(line, "method", keys.entry("method", one_of)?)?;
        self.class.key(line, "class", keys.entry("class", one_of)?)?;
        self.purpose.key(line, "purpose", keys.entry("purpose", one_of)?)?;
        self.volume.key(line, "volume", keys.entry("volume", amount)?)?;
        self.rate.key(line, "rate", keys.entry("rate", amount)?)?;
        self.access.key(line, "access", keys.entry("access", text)?)?;
        self.indication.key(line, "indication", keys.entry("indication", text)?)
    }

    /// A word that stands in the drug's name must be said on the line as well: only then it matters to nobody whether
    /// the name holds it.
    fn agrees(&self, line: Line<'_>, name: &Name) -> Result<(), Problem> {
        let routed = |route: &str| self.route.get().is_some_and(|r| r.eq_ignore_ascii_case(route));
        for (word, span) in &name.words {
            let said = match word {
                Word::Route(route) => routed(route),
                Word::Method(method) => self.method.get() == Some(method),
                Word::RouteMethod(route, method) => routed(route) && self.method.get() == Some(method),
                Word::Purpose(purpose) => self.purpose.get() == Some(purpose),
                Word::Hydration => self.class.get() == Some(&Class::Hydration),
                Word::Bolus => self.bolus.is_some(),
            };
            if !said {
                let word = line.get(span);
                let help = format!("write `{word}` behind the dose; if the drug is called so, put the name in quotes");
                return Err(line.problem(span.clone(), format!("`{word}` stands in the drug's name"), help));
            }
        }
        Ok(())
    }

    /// What the words say without naming it. The method that was taken for a bolus, if one was.
    fn imply(&mut self, line: Line<'_>, name: &Name) -> Result<Option<Method>, Problem> {
        let hydration = self.class.get() == Some(&Class::Hydration);
        let drug = self.drug.get().map_or("", String::as_str);
        let fluid = hydration || is_fluid(drug);
        let amount = name.amount.as_ref().map(|(amount, _)| amount).filter(|a| !a.rate);
        if let Some(volume) = amount.and_then(|a| fluid_volume(drug, hydration, a)) {
            self.volume.imply(volume);
        }
        let mut took = None;
        if let Some(span) = self.bolus.clone().filter(|_| self.method.said.is_none()) {
            took = Some(match amount {
                _ if fluid => Method::Infusion,
                Some(amount) if amount.millilitres().is_none() => Method::Push,
                _ => {
                    let help = "write `push` or `infusion` instead, as charted";
                    return Err(line.problem(span, "this bolus can be a push or an infusion", help));
                }
            });
            self.into_vein |= fluid;
        }
        if self.into_vein {
            self.route.imply("IV".to_owned());
        }
        if let Some(method) = took.or(self.into_vein.then_some(Method::Infusion)) {
            self.method.imply(method);
        }
        Ok(took)
    }

    /// The charted discard; nought takes the unit of the dose.
    fn wasted(&self, keys: &Keys<'_>) -> Result<Option<String>, Problem> {
        let unit = self.dose.get().and_then(|d| Amount::read(d)).map(|dose| dose.unit);
        keys.get("wasted", |line, value| match unit {
            Some(unit)
                if !value.quoted
                    && number(&value.text).is_some_and(|n| n.bytes().all(|b| matches!(b, b'0' | b'.'))) =>
            {
                Ok(format!("0 {unit}"))
            }
            _ => amount(line, value),
        })
    }
}
