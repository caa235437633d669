//! Writes worksheet text.

use std::num::NonZeroU32;

use dripline::chart::{
    Administration, Chart, ChartTime, Class, Container, ContainerKind, Interruption, Method, Order, Pump, Purpose,
    Service, SwitchValue,
};
use jiff::civil::Date;

use super::lex::quote;
use super::read::row_alone;
use super::words::{Amount, PHRASES, Word, fluid_volume, word};

/// Writes a chart as worksheet text, which [`super::parse_one`] reads back to an equal chart without assumptions.
///
/// Every chart that the contract allows can be written. The text ends with a line break; several cases are put together
/// with an empty line between them.
#[must_use]
pub fn write(chart: &Chart) -> String {
    let sheet = sheet_date(chart);
    let mut lines = vec![header(chart, sheet)];
    for (name, access) in &chart.accesses {
        let mut line = Text::of(format!("access {}", phrase(name)));
        line.word("kind", access.kind.map(|k| k.as_str()));
        line.text("need", access.needed_because.as_deref());
        lines.push(line.0);
    }
    let marked = chart.administrations.iter().enumerate().position(|(at, row)| {
        let id = row.id_at(at);
        chart.primary_reason.as_ref() == Some(&id)
    });
    for (at, row) in chart.administrations.iter().enumerate() {
        let mark = if marked == Some(at) { "* " } else { "" };
        lines.push(format!("{mark}{}", administration(row, sheet)));
    }
    if let (Some(reason), None) = (&chart.primary_reason, marked) {
        lines[0].push_str(&format!(" primary_reason={}", value(reason)));
    }
    lines.extend(chart.services.iter().map(|s| service(s, sheet)));
    for billed in &chart.billed {
        let mut line = Text::of(format!("billed {}", code(&billed.code)));
        line.show("units", Some(billed.units).filter(|u| *u != 1));
        line.list("modifiers", &billed.modifiers);
        line.show("date", billed.date);
        lines.push(line.0);
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The date that most likely is the sheet's: that of the first line with one.
fn sheet_date(chart: &Chart) -> Option<Date> {
    let day = |start: Option<ChartTime>, date: Option<Date>| start.map(|s| s.civil.date()).or(date);
    let rows = chart.administrations.iter().find_map(|a| day(a.start, a.date));
    rows.or_else(|| chart.services.iter().find_map(|s| day(s.start, s.date)))
}

/// A line in the making.
#[derive(Default)]
struct Text(String);

impl Text {
    fn of(start: String) -> Self {
        Text(start)
    }

    fn piece(&mut self, piece: &str) {
        if !self.0.is_empty() && !piece.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(piece);
    }

    fn word(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.piece(&format!("{key}={value}"));
        }
    }

    fn show(&mut self, key: &str, value: Option<impl ToString>) {
        self.word(key, value.map(|v| v.to_string()).as_deref());
    }

    fn text(&mut self, key: &str, text: Option<&str>) {
        self.word(key, text.map(value).as_deref());
    }

    /// An amount keeps its spelling: in quotes it is read word for word.
    fn amount(&mut self, key: &str, amount: Option<&str>) {
        self.word(key, amount.map(quote).as_deref());
    }

    fn list(&mut self, key: &str, items: &[impl AsRef<str>]) {
        if !items.is_empty() {
            self.word(key, Some(&list(items)));
        }
    }
}

/// Whether a text needs no quotes as a value.
fn is_bare(text: &str) -> bool {
    !text.is_empty()
        && text != "null"
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/'))
}

fn value(text: &str) -> String {
    if is_bare(text) { text.to_owned() } else { quote(text) }
}

fn list(items: &[impl AsRef<str>]) -> String {
    items.iter().map(|item| value(item.as_ref())).collect::<Vec<_>>().join(",")
}

fn code(text: &str) -> String {
    let plain = text.len() == 5 && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if plain { text.to_owned() } else { quote(text) }
}

/// Free text behind a word: in quotes unless nothing in it could be read otherwise.
fn phrase(text: &str) -> String {
    let plain = |w: &str| {
        let letters = !w.is_empty() && w.chars().all(|c| c.is_alphabetic());
        letters
            && word(w).is_none()
            && !PHRASES.contains(&w.to_lowercase().as_str())
            && !w.eq_ignore_ascii_case("every")
    };
    if text.split(' ').all(plain) { text.to_owned() } else { quote(text) }
}

fn header(chart: &Chart, sheet: Option<Date>) -> String {
    let mut line = Text::default();
    if let Some(setting) = chart.setting {
        line.piece(setting.as_str());
    }
    if let Some(date) = sheet {
        line.piece(&date.to_string());
    }
    line.text("case", chart.case.as_deref());
    line.text("pos", chart.place_of_service.as_deref());
    line.text("bill_type", chart.bill_type.as_deref());
    line.word("billed_by", chart.billed_by.map(|b| b.as_str()));
    line.text("profile", chart.profile.as_deref());
    for (name, setting) in &chart.policy {
        line.word(&format!("policy.{}", value(name)), Some(&switch(setting)));
    }
    line.show("as_of", chart.as_of);
    line.text("time_zone", chart.time_zone.as_deref());
    line.show("arrival", chart.arrival);
    line.show("departure", chart.departure);
    line.show("inpatient_order", chart.inpatient_order);
    line.list("diagnoses", &chart.diagnoses);
    line.show("age_years", chart.age_years);
    line.show("supervised", chart.supervised);
    line.word("off_campus", chart.off_campus.map(|o| o.as_str()));
    if line.0.is_empty() {
        line.piece("setting=null");
    }
    line.0
}

fn switch(setting: &SwitchValue) -> String {
    match setting {
        SwitchValue::Integer(n) => n.to_string(),
        SwitchValue::Word(word) if word.parse::<i64>().is_ok() => quote(word),
        SwitchValue::Word(word) => value(word),
        SwitchValue::List(items) => match items.as_slice() {
            [] => "[]".to_owned(),
            [one] => format!("{},", value(one)),
            items => list(items),
        },
    }
}

fn service(service: &Service, sheet: Option<Date>) -> String {
    let mut line = Text::of(format!("+{}", code(&service.code)));
    let clock = clock(service.start, service.stop, service.date, sheet);
    match &clock {
        Some(clock) => line.piece(clock),
        None => full_times(&mut line, service.start, service.stop, service.date, sheet),
    }
    line.text("id", service.id.as_deref());
    line.list("modifiers", &service.modifiers);
    line.show("units", service.units);
    line.text("reason", service.reason.as_deref());
    line.0
}

fn of_day(time: ChartTime) -> String {
    format!("{:02}:{:02}", time.civil.hour(), time.civil.minute())
}

/// Times by the clock alone, where these say it all.
fn clock(start: Option<ChartTime>, stop: Option<ChartTime>, date: Option<Date>, sheet: Option<Date>) -> Option<String> {
    let Some(start) = start.filter(|s| s.offset.is_none()) else {
        return (start.is_none() && stop.is_none() && date.is_some() && date == sheet).then(String::new);
    };
    let mut text = of_day(start);
    if let Some(stop) = stop {
        if stop.offset.is_some() || stop.civil < start.civil || stop.civil.date() != start.civil.date() {
            return None;
        }
        text = format!("{text}-{}", of_day(stop));
    }
    let day = start.civil.date();
    match date {
        Some(_) => None,
        None if sheet == Some(day) => Some(text),
        None => Some(format!("{text} date={day}")),
    }
}

/// Times with their dates, which nothing on the sheet can change.
fn full_times(
    line: &mut Text,
    start: Option<ChartTime>,
    stop: Option<ChartTime>,
    date: Option<Date>,
    sheet: Option<Date>,
) {
    line.show("start", start);
    line.show("stop", stop);
    match date {
        Some(date) => line.show("date", Some(date)),
        None if start.is_none() && stop.is_none() && sheet.is_some() => line.word("date", Some("null")),
        None => {}
    }
}

/// A row as a person would write it, where it reads back to the same; otherwise in keys alone.
fn administration(row: &Administration, sheet: Option<Date>) -> String {
    if let Some(line) = in_words(row, sheet)
        && row_alone(&line, sheet).is_some_and(|(read, marked)| read == *row && !marked)
    {
        return line;
    }
    in_keys(row, sheet)
}

/// Words for what words can say, keys for the rest.
fn in_words(row: &Administration, sheet: Option<Date>) -> Option<String> {
    let drug = row.drug.as_deref()?;
    let mut rest = row.clone();
    let dose = row.dose.as_deref().and_then(Amount::read).filter(|a| !a.rate && Some(a.text()) == row.dose);
    let mut line = Text::of(name(drug, dose.is_some()));
    if let Some(amount) = dose {
        line.piece(&amount.text());
        rest.dose = None;
        if let Some(volume) = fluid_volume(drug, row.class == Some(Class::Hydration), &amount) {
            match &row.volume {
                None => line.word("volume", Some("null")),
                Some(said) if *said == volume => rest.volume = None,
                Some(_) => {}
            }
        }
    }
    if let Some(route) = row.route.as_deref().filter(|r| matches!(word(r), Some(Word::Route(said)) if said == *r)) {
        line.piece(route);
        rest.route = None;
    }
    if let Some(method) = rest.method.take() {
        line.piece(method.as_str());
    }
    // These two words say by themselves that it ran into a vein.
    let runs = row.route.is_some() && row.method == Some(Method::Infusion);
    if runs && row.class == Some(Class::Hydration) {
        line.piece("hydration");
        rest.class = None;
    }
    match row.purpose {
        Some(Purpose::Flush) => line.piece("flush"),
        Some(Purpose::Kvo) if runs => line.piece("KVO"),
        purpose => line.word("purpose", purpose.map(Purpose::as_str)),
    }
    rest.purpose = None;
    match clock(row.start, row.stop, row.date, sheet) {
        Some(clock) => {
            line.piece(&clock);
            if let Some(pauses) = clock_pauses(row) {
                line.word("pause", Some(&pauses));
                rest.interruptions.clear();
            }
        }
        None => full_times(&mut line, row.start, row.stop, row.date, sheet),
    }
    for (opener, text) in [("via", rest.access.take()), ("for", rest.indication.take())] {
        if let Some(text) = text {
            line.piece(&format!("{opener} {}", phrase(&text)));
        }
    }
    keys(&mut line, &rest);
    Some(line.0)
}

/// A drug's name, in quotes unless it reads back as it is before an amount or a word.
fn name(drug: &str, before_amount: bool) -> String {
    let probe = format!("{drug} {}", if before_amount { "1 mg" } else { "IV" });
    let plain = !drug.contains(char::is_control)
        && row_alone(&probe, Some(Date::ZERO))
            .is_some_and(|(read, marked)| read.drug.as_deref() == Some(drug) && !marked);
    if plain { drug.to_owned() } else { quote(drug) }
}

fn in_keys(row: &Administration, sheet: Option<Date>) -> String {
    let mut line = Text::default();
    line.word("drug", Some(&row.drug.as_deref().map_or("null".to_owned(), quote)));
    full_times(&mut line, row.start, row.stop, row.date, sheet);
    keys(&mut line, row);
    line.0
}

/// Pauses by the clock alone, where every one lies on the day of the start and behind it.
fn clock_pauses(row: &Administration) -> Option<String> {
    let start = row.start?;
    let pieces: Option<Vec<String>> = row
        .interruptions
        .iter()
        .map(|pause| {
            let near =
                |t: ChartTime| t.offset.is_none() && t.civil.date() == start.civil.date() && t.civil >= start.civil;
            let plain = near(pause.start) && near(pause.stop) && pause.stop.civil >= pause.start.civil;
            plain.then(|| format!("{}-{}", of_day(pause.start), of_day(pause.stop)))
        })
        .collect();
    pieces.filter(|p| !p.is_empty()).map(|p| p.join(","))
}

/// Every key of a row but the drug and the times.
fn keys(line: &mut Text, row: &Administration) {
    line.text("id", row.id.as_deref());
    line.text("visit", row.visit.as_deref());
    line.text("hcpcs", row.hcpcs.as_deref());
    line.text("ndc", row.ndc.as_deref());
    line.text("rxnorm", row.rxnorm.as_deref());
    line.word("class", row.class.map(Class::as_str));
    line.word("purpose", row.purpose.map(Purpose::as_str));
    line.amount("dose", row.dose.as_deref());
    line.text("route", row.route.as_deref());
    line.word("method", row.method.map(Method::as_str));
    line.word("stop_source", row.stop_source.map(|s| s.as_str()));
    if !row.interruptions.is_empty() {
        let pauses = row.interruptions.iter().map(|Interruption { start, stop }| format!("{start}/{stop}"));
        line.word("pause", Some(&pauses.collect::<Vec<_>>().join(",")));
    }
    line.show("planned_minutes", row.planned_minutes);
    line.amount("volume", row.volume.as_deref());
    line.amount("rate", row.rate.as_deref());
    line.show("attended", row.attended);
    line.text("access", row.access.as_deref());
    line.text("bag", row.bag.as_deref());
    line.word("order", row.order.as_ref().map(order).as_deref());
    line.text("indication", row.indication.as_deref());
    line.text("same_dose_as", row.same_dose_as.as_deref());
    line.show("lesions", row.lesions);
    line.show("components", row.components);
    line.show("counselling", row.counselling);
    if let Some(pump) = &row.pump {
        if *pump == Pump::default() {
            line.word("pump", Some("{}"));
        }
        line.word("pump.kind", pump.kind.map(|k| k.as_str()));
        line.word("pump.event", pump.event.map(|e| e.as_str()));
        line.word("pump.owner", pump.owner.map(|o| o.as_str()));
    }
    if let Some(opened) = &row.containers {
        containers(line, opened);
    }
    line.amount("wasted", row.wasted.as_deref());
    line.word("supplied_by", row.supplied_by.map(|s| s.as_str()));
    line.show("purchased_340b", row.purchased_340b);
    line.word("status", row.status.map(|s| s.as_str()));
    line.text("given_by", row.given_by.as_deref());
    line.text("credentials", row.credentials.as_deref());
    line.text("ordered_route", row.ordered_route.as_deref());
    line.text("ordered_dose", row.ordered_dose.as_deref());
    line.show("monitored", row.monitored);
    line.text("source", row.source.as_deref());
}

fn order(order: &Order) -> String {
    match order {
        Order::Flag(flag) => flag.to_string(),
        Order::Id(id) if matches!(id.as_str(), "true" | "false") => quote(id),
        Order::Id(id) => value(id),
    }
}

/// One container in the short form, several one by one.
fn containers(line: &mut Text, opened: &[Container]) {
    match opened {
        [] => line.word("containers", Some("[]")),
        [one] if one.count == NonZeroU32::MIN => {
            let key = if one.kind == ContainerKind::SingleDose { "vial" } else { "mdv" };
            line.amount(key, Some(&one.amount));
        }
        several => {
            for (at, one) in several.iter().enumerate() {
                let at = at + 1;
                line.word(&format!("containers.{at}.kind"), Some(one.kind.as_str()));
                line.amount(&format!("containers.{at}.amount"), Some(&one.amount));
                line.show(&format!("containers.{at}.count"), Some(one.count).filter(|n| *n != NonZeroU32::MIN));
            }
        }
    }
}
