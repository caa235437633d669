//! The chart as a table that stays in step with its worksheet text.
//!
//! A cell that was changed is read the way the worksheet reads a `key=value`; what was not changed stays as it is in
//! the chart, whether the table shows it or not.

use std::collections::BTreeMap;

use dripline::chart::{
    AccessKind, Biller, Chart, ChartTime, Class, Method, OffCampus, PumpEvent, PumpKind, PumpOwner, Purpose, Setting,
    Status, StopSource, Supplier,
};
use dripline_formats::worksheet::{self, Problem};
use jiff::civil::Date;
use serde_json::{Map, Value};

use super::form::Form;

/// The cells of every row.
pub(super) const MAIN: [&str; 7] = ["drug", "dose", "route", "method", "start", "stop", "indication"];

/// The further keys of a row, shown for one row at a time.
pub(super) const MORE: [&str; 37] = [
    "id",
    "visit",
    "date",
    "stop_source",
    "interruptions",
    "planned_minutes",
    "volume",
    "rate",
    "access",
    "bag",
    "class",
    "purpose",
    "attended",
    "order",
    "same_dose_as",
    "hcpcs",
    "ndc",
    "rxnorm",
    "vial",
    "mdv",
    "containers",
    "wasted",
    "supplied_by",
    "purchased_340b",
    "lesions",
    "components",
    "counselling",
    "pump.kind",
    "pump.event",
    "pump.owner",
    "status",
    "given_by",
    "credentials",
    "ordered_route",
    "ordered_dose",
    "monitored",
    "source",
];

/// The keys of the visit. Which row is the reason for it is marked at the row.
fn case_keys() -> impl Iterator<Item = &'static str> {
    worksheet::CASE.iter().copied().filter(|key| *key != "primary_reason")
}

pub(super) const ACCESS: [&str; 3] = ["name", "kind", "needed_because"];
pub(super) const SERVICE: [&str; 8] = ["code", "modifiers", "units", "reason", "start", "stop", "date", "id"];
pub(super) const BILLED: [&str; 4] = ["code", "units", "modifiers", "date"];

/// A cell.
pub(super) struct Field {
    /// As `row.0.dose`.
    pub name: String,
    /// The contract's key.
    pub key: &'static str,
    /// The key as a label.
    pub label: String,
    pub value: String,
    /// The words that it may hold; none where it is open.
    pub choices: Vec<(String, bool)>,
    pub hint: &'static str,
    pub error: String,
}

impl Field {
    /// The name as an id of the page.
    pub fn id(&self) -> String {
        self.name.replace('.', "-")
    }

    /// Whether the cell offers words.
    pub fn is_choice(&self) -> bool {
        !self.choices.is_empty()
    }
}

pub(super) struct Row {
    /// From 0.
    pub index: usize,
    /// From 1.
    pub number: usize,
    pub id: String,
    pub cells: Vec<Field>,
    pub more: Vec<Field>,
    pub reason: bool,
}

/// A group of cells with what it is about.
pub(super) struct Group {
    pub legend: String,
    pub fields: Vec<Field>,
}

/// The whole table.
pub(super) struct Table {
    pub rows: Vec<Row>,
    pub office: bool,
    pub no_reason: bool,
    pub case: Vec<Field>,
    pub others: Vec<Group>,
    /// Why the cells could not be taken over.
    pub error: String,
}

/// A cell that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// The field's name.
    pub field: String,
    /// What is wrong, and what would mend it.
    pub says: String,
}

impl Table {
    /// The table of a chart; `open` is the row whose further keys are shown, `blank` how many empty rows follow.
    pub fn of(chart: &Chart, text: &str, open: Option<usize>, blank: usize) -> Table {
        let day = sheet_day(chart, text);
        let mut rows: Vec<Value> =
            chart.administrations.iter().map(|a| serde_json::to_value(a).unwrap_or_default()).collect();
        rows.resize(rows.len() + blank, Value::Null);
        let ids: Vec<String> = (0..rows.len()).map(|at| id_of(chart, at)).collect();
        let rows = rows.iter().enumerate().map(|(index, value)| {
            let field = |key: &'static str| field(format!("row.{index}.{key}"), key, row_value(value, key, day));
            Row {
                index,
                number: index + 1,
                id: ids[index].clone(),
                cells: MAIN.map(field).into(),
                more: if open == Some(index) { MORE.map(field).into() } else { Vec::new() },
                reason: chart.primary_reason.as_ref() == Some(&ids[index]),
            }
        });
        let rows: Vec<Row> = rows.collect();
        let case = serde_json::to_value(chart).unwrap_or_default();
        let case = case_keys().map(|key| field(format!("case.{key}"), key, case_value(&case, key, day)));
        let mut others = Vec::new();
        let accesses = chart.accesses.iter().map(|(name, a)| (Some(name), serde_json::to_value(a).unwrap_or_default()));
        for (at, (name, value)) in accesses.chain([(None, Value::Null)]).enumerate() {
            let value_of = |key: &str| match key {
                "name" => name.cloned().unwrap_or_default(),
                _ => row_value(&value, key, day),
            };
            let legend = name.map_or("A further access".to_owned(), |n| format!("Access {n}"));
            others.push(group(legend, "access", at, &ACCESS, value_of));
        }
        let services = chart.services.iter().map(|s| serde_json::to_value(s).unwrap_or_default());
        for (at, value) in services.chain([Value::Null]).enumerate() {
            let legend = match value.get("code").and_then(Value::as_str) {
                Some(code) => format!("Listed service {code}"),
                None => "A further listed service".to_owned(),
            };
            others.push(group(legend, "service", at, &SERVICE, |key| row_value(&value, key, day)));
        }
        let billed = chart.billed.iter().map(|b| serde_json::to_value(b).unwrap_or_default());
        for (at, value) in billed.chain([Value::Null]).enumerate() {
            let legend = match value.get("code").and_then(Value::as_str) {
                Some(code) => format!("Billed {code}"),
                None => "A further billed line".to_owned(),
            };
            others.push(group(legend, "billed", at, &BILLED, |key| row_value(&value, key, day)));
        }
        Table {
            office: chart.setting == Some(Setting::Office),
            no_reason: chart.primary_reason.is_none(),
            rows,
            case: case.collect(),
            others,
            error: String::new(),
        }
    }

    /// Shows what was typed where it could not be taken over, with the reason at its cell.
    pub fn refused(&mut self, form: &Form, refused: &Refused) {
        let rows = self.rows.iter_mut().flat_map(|r| r.cells.iter_mut().chain(&mut r.more));
        let others = self.others.iter_mut().flat_map(|g| &mut g.fields);
        let mut found = false;
        for field in rows.chain(&mut self.case).chain(others) {
            if let Some(value) = form.get(&field.name) {
                value.clone_into(&mut field.value);
            }
            if field.name == refused.field {
                found = true;
                field.error.clone_from(&refused.says);
            }
        }
        if !found {
            self.error.clone_from(&refused.says);
        }
    }
}

fn group(legend: String, prefix: &str, at: usize, keys: &[&'static str], value: impl Fn(&str) -> String) -> Group {
    let fields = keys.iter().map(|key| field(format!("{prefix}.{at}.{key}"), key, value(key))).collect();
    Group { legend, fields }
}

fn words<T: Copy>(all: &[(&'static str, T)]) -> Vec<&'static str> {
    all.iter().map(|(word, _)| *word).collect()
}

/// The words of a key that has a closed list.
fn choices(key: &str, prefix: &str) -> Vec<&'static str> {
    match key {
        "setting" => words(Setting::ALL),
        "billed_by" => words(Biller::ALL),
        "off_campus" => words(OffCampus::ALL),
        "method" => words(Method::ALL),
        "stop_source" => words(StopSource::ALL),
        "class" => words(Class::ALL),
        "purpose" => words(Purpose::ALL),
        "supplied_by" => words(Supplier::ALL),
        "status" => words(Status::ALL),
        "pump.kind" => words(PumpKind::ALL),
        "pump.event" => words(PumpEvent::ALL),
        "pump.owner" => words(PumpOwner::ALL),
        "kind" if prefix == "access" => words(AccessKind::ALL),
        "attended" | "counselling" | "purchased_340b" | "monitored" | "supervised" => vec!["yes", "no"],
        "containers" => vec!["none opened"],
        _ => Vec::new(),
    }
}

fn hint(key: &str) -> &'static str {
    match key {
        "start" | "stop" | "arrival" | "departure" | "inpatient_order" => "10:05",
        "date" | "as_of" => "2026-01-05",
        "dose" => "4 mg",
        "route" => "IV",
        "volume" => "1000 mL",
        "rate" => "125 mL/h",
        "interruptions" => "10:30-10:40",
        "vial" | "mdv" => "2x100mg",
        "wasted" => "20 mg",
        "order" => "its id, or false",
        "policy" => "switch=value",
        "diagnoses" => "E86.0, R11.2",
        "modifiers" => "25, 59",
        "time_zone" => "America/Chicago",
        "place_of_service" => "11",
        "bill_type" => "131",
        _ => "",
    }
}

fn label(key: &str) -> String {
    match key {
        "indication" => "Reason".to_owned(),
        "vial" => "Vials opened".to_owned(),
        "mdv" => "Multi-dose vials".to_owned(),
        "interruptions" => "Pauses".to_owned(),
        "needed_because" => "Needed because".to_owned(),
        "hcpcs" | "ndc" => key.to_uppercase(),
        "id" => "Id".to_owned(),
        key => {
            let mut text = key.replace(['_', '.'], " ");
            text[..1].make_ascii_uppercase();
            text
        }
    }
}

fn field(name: String, key: &'static str, value: String) -> Field {
    let prefix = name.split('.').next().unwrap_or("");
    let mut choices: Vec<(String, bool)> =
        choices(key, prefix).into_iter().map(|word| (word.to_owned(), word == value)).collect();
    if !choices.is_empty() && !value.is_empty() && choices.iter().all(|(_, chosen)| !chosen) {
        choices.push((value.clone(), true));
    }
    Field { label: label(key), hint: hint(key), key, name, value, choices, error: String::new() }
}

/// The id that a row has or is given by its place.
pub(super) fn id_of(chart: &Chart, at: usize) -> String {
    chart.administrations.get(at).map_or_else(|| (at + 1).to_string(), |a| a.id_at(at))
}

/// The date of the sheet: of the first row with one, else of the header.
fn sheet_day(chart: &Chart, text: &str) -> Option<Date> {
    let of_rows = chart.administrations.iter().find_map(|a| a.start.or(a.stop).map(|t| t.civil.date()).or(a.date));
    of_rows.or_else(|| {
        let header = text.lines().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))?;
        let probe = worksheet::parse_one(&format!("{header}\nprobe IV 10:00")).ok()?;
        probe.chart.administrations.first()?.start.map(|t| t.civil.date())
    })
}

/// A time as the table shows it: the clock alone on the sheet's day.
fn time(text: &str, day: Option<Date>) -> String {
    match (text.split_once('T'), day) {
        (Some((date, clock)), Some(day)) if date == day.to_string() && clock.len() == 5 => clock.to_owned(),
        _ => text.to_owned(),
    }
}

fn row_value(row: &Value, key: &str, day: Option<Date>) -> String {
    let containers = |kind: &str| {
        let all = row.get("containers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let of_kind = all.iter().filter(|c| c.get("kind").and_then(Value::as_str) == Some(kind));
        let one = |c: &Value| {
            let amount = c.get("amount").and_then(Value::as_str).unwrap_or("").replace(' ', "");
            match c.get("count").and_then(Value::as_u64) {
                Some(count) if count != 1 => format!("{count}x{amount}"),
                _ => amount,
            }
        };
        of_kind.map(one).collect::<Vec<_>>().join(",")
    };
    match key {
        "vial" => containers("single_dose"),
        "mdv" => containers("multi_dose"),
        "containers" => match row.get("containers").and_then(Value::as_array) {
            Some(list) if list.is_empty() => "none opened".to_owned(),
            _ => String::new(),
        },
        "interruptions" => {
            let all = row.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let end = |p: &Value, key| time(p.get(key).and_then(Value::as_str).unwrap_or(""), day);
            all.iter().map(|p| format!("{}-{}", end(p, "start"), end(p, "stop"))).collect::<Vec<_>>().join(",")
        }
        "start" | "stop" | "arrival" | "departure" | "inpatient_order" => {
            row.get(key).and_then(Value::as_str).map_or(String::new(), |t| time(t, day))
        }
        key => match key.split_once('.') {
            Some((outer, inner)) => row.get(outer).map_or(String::new(), |value| plain(value.get(inner))),
            None => plain(row.get(key)),
        },
    }
}

fn case_value(case: &Value, key: &str, day: Option<Date>) -> String {
    match (key, case.get(key)) {
        ("policy", Some(Value::Object(map))) => map
            .iter()
            .map(|(switch, value)| match value {
                Value::Array(_) => format!("{switch}={}", list(value)),
                value => format!("{switch}={}", plain(Some(value))),
            })
            .collect::<Vec<_>>()
            .join(" "),
        _ => row_value(case, key, day),
    }
}

/// A list as the worksheet writes it: one item alone is marked by its comma.
fn list(value: &Value) -> String {
    let text = plain(Some(value)).replace(' ', "");
    match value.as_array().map(Vec::len) {
        Some(0) => "[]".to_owned(),
        Some(1) => format!("{text},"),
        _ => text,
    }
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items.iter().map(|i| plain(Some(i))).collect::<Vec<_>>().join(", "),
        Some(other) => other.to_string(),
    }
}

/// How a value stands behind its key in the worksheet.
fn written(key: &str, value: &str) -> String {
    let value = value.trim();
    let quoted = |text: &str| {
        let mut out = String::from("\"");
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                c if c.is_control() => out.push(' '),
                c => out.push(c),
            }
        }
        out.push('"');
        out
    };
    match key {
        "order" if matches!(value, "no" | "false") => "false".to_owned(),
        "containers" => "[]".to_owned(),
        "dose" | "volume" | "rate" | "wasted" if !value.contains(char::is_whitespace) => bare(value),
        "id" | "visit" | "drug" | "hcpcs" | "ndc" | "rxnorm" | "dose" | "route" | "volume" | "rate" | "access"
        | "bag" | "order" | "indication" | "same_dose_as" | "wasted" | "given_by" | "credentials" | "ordered_route"
        | "ordered_dose" | "source" | "case" | "profile" | "time_zone" | "primary_reason" | "reason"
        | "needed_because" | "place_of_service" | "bill_type" => quoted(value),
        _ => bare(value),
    }
}

/// A value without blanks, which part the words of a line.
fn bare(value: &str) -> String {
    value.split_whitespace().collect()
}

/// A line of the worksheet in the making, with the field of each part.
struct Line {
    text: String,
    parts: Vec<(usize, String)>,
}

impl Line {
    fn of(start: &str) -> Self {
        Line { text: start.to_owned(), parts: Vec::new() }
    }

    fn pair(&mut self, key: &str, value: &str, field: String) {
        self.text.push(' ');
        self.parts.push((self.text.chars().count(), field));
        self.text.push_str(&format!("{key}={}", written(key, value)));
    }

    /// Reads the line below a header of that day.
    fn read(&self, day: Option<Date>) -> Result<Chart, Refused> {
        let day = day.map_or(String::new(), |d| d.to_string());
        let parsed = worksheet::parse_one(&format!("office {day}\n{}", self.text));
        parsed.map(|p| p.chart).map_err(|p| self.refused(&p))
    }

    fn refused(&self, problem: &Problem) -> Refused {
        let at = problem.column.saturating_sub(1);
        let field = self.parts.iter().rev().find(|(from, _)| *from <= at).or(self.parts.first());
        let help = problem.help.lines().next().unwrap_or("");
        let says = if help.is_empty() { problem.message.clone() } else { format!("{}: {help}", problem.message) };
        Refused { field: field.map_or(String::new(), |f| f.1.clone()), says }
    }
}

/// The chart with every cell that was changed, and whether any was.
pub(super) fn apply(chart: &Chart, text: &str, form: &Form) -> Result<(Chart, bool), Refused> {
    let day = sheet_day(chart, text);
    let mut value = serde_json::to_value(chart).unwrap_or_default();
    let mut changed = rows(chart, &mut value, form, day)?;
    changed |= case(&mut value, form, day)?;
    changed |= lines(chart, &mut value, form, day)?;
    if !changed {
        return Ok((chart.clone(), false));
    }
    let mut changed: Chart =
        serde_json::from_value(value).map_err(|e| Refused { field: String::new(), says: e.to_string() })?;
    rename(chart, &mut changed);
    Ok((changed, true))
}

/// What named an administration of the chart before by an id that it has no longer names it still.
pub(super) fn rename(before: &Chart, chart: &mut Chart) {
    let places = 0..before.administrations.len().min(chart.administrations.len());
    let ids: Vec<(String, String)> = places.map(|at| (id_of(before, at), id_of(chart, at))).collect();
    if ids.iter().all(|(old, new)| old == new) {
        return;
    }
    let follow = |named: &mut Option<String>, was: Option<&String>| {
        // Only what was not changed itself.
        if let Some((_, new)) = ids.iter().find(|(old, _)| named.as_ref() == Some(old) && was == Some(old)) {
            *named = Some(new.clone());
        }
    };
    follow(&mut chart.primary_reason, before.primary_reason.as_ref());
    for (row, was) in chart.administrations.iter_mut().zip(&before.administrations) {
        follow(&mut row.same_dose_as, was.same_dose_as.as_ref());
    }
}

/// The container keys of a row, which say one thing together, and those of its pump.
const TOGETHER: [&[&str]; 2] = [&["vial", "mdv", "containers"], &["pump.kind", "pump.event", "pump.owner"]];

fn rows(chart: &Chart, value: &mut Value, form: &Form, day: Option<Date>) -> Result<bool, Refused> {
    let mut cells: BTreeMap<usize, Vec<(&str, &str)>> = BTreeMap::new();
    for (at, key, cell) in form.numbered("row.") {
        if MAIN.contains(&key) || MORE.contains(&key) {
            cells.entry(at).or_default().push((key, cell));
        }
    }
    let mut rows = match value.get_mut("administrations").map(Value::take) {
        Some(Value::Array(rows)) => rows,
        _ => Vec::new(),
    };
    let mut changed = false;
    for (at, cells) in cells {
        let base = rows.get(at).cloned().unwrap_or(Value::Null);
        let mut edited: Vec<&str> =
            cells.iter().filter(|(key, cell)| cell.trim() != row_value(&base, key, day)).map(|c| c.0).collect();
        if edited.is_empty() {
            continue;
        }
        for group in TOGETHER {
            if group.iter().any(|key| edited.contains(key)) {
                edited.extend(cells.iter().map(|c| c.0).filter(|key| group.contains(key)));
            }
        }
        edited.sort_unstable();
        edited.dedup();
        // A row's own day holds for the clock times typed into it.
        let own = base.get("start").or(base.get("date")).and_then(Value::as_str).and_then(|t| t.get(..10));
        let own = own.and_then(|t| t.parse().ok()).or(day);
        let mut line = Line::of("");
        if !edited.contains(&"drug") || cells.iter().any(|(key, cell)| *key == "drug" && cell.trim().is_empty()) {
            line.text.push_str("drug=null");
        }
        for (key, cell) in cells.iter().filter(|(key, cell)| edited.contains(key) && !cell.trim().is_empty()) {
            line.pair(key, cell, format!("row.{at}.{key}"));
        }
        let read = line.read(own)?;
        let read = read.administrations.first().and_then(|a| serde_json::to_value(a).ok()).unwrap_or_default();
        let mut row = match base {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        for key in &edited {
            let key = match *key {
                "vial" | "mdv" => "containers",
                key => key.split('.').next().unwrap_or(key),
            };
            row.remove(key);
            if let Some(new) = read.get(key) {
                row.insert(key.to_owned(), new.clone());
            }
        }
        if row.contains_key("start") && edited.contains(&"start") && !edited.contains(&"date") {
            row.remove("date");
        }
        changed = true;
        if at < rows.len() {
            rows[at] = Value::Object(row);
        } else {
            rows.push(Value::Object(row));
        }
    }
    let _ = chart;
    value["administrations"] = Value::Array(rows);
    Ok(changed)
}

fn case(value: &mut Value, form: &Form, day: Option<Date>) -> Result<bool, Refused> {
    let mut changed = false;
    if let Some(reason) = form.get("case.primary_reason")
        && reason != plain(value.get("primary_reason"))
    {
        changed = true;
        value["primary_reason"] = if reason.is_empty() { Value::Null } else { Value::String(reason.to_owned()) };
    }
    for key in case_keys() {
        let name = format!("case.{key}");
        let Some(cell) = form.get(&name).map(str::trim) else { continue };
        if cell == case_value(value, key, day) {
            continue;
        }
        changed = true;
        let mut header = Line::of("");
        if key == "policy" {
            for part in cell.split_whitespace().map(|part| part.trim_end_matches([',', ';'])).filter(|p| !p.is_empty())
            {
                header.text.push(' ');
                header.parts.push((header.text.chars().count(), name.clone()));
                header.text.push_str(&format!("policy.{part}"));
            }
        } else if !cell.is_empty() {
            header.pair(key, cell, name.clone());
        }
        let head = match day {
            Some(day) => day.to_string(),
            None => "case=x".to_owned(),
        };
        let text = format!("{head}{}", header.text);
        let shift = head.chars().count();
        let read = worksheet::parse_one(&text).map_err(|mut p| {
            p.column = p.column.saturating_sub(shift);
            header.refused(&p)
        })?;
        let read = serde_json::to_value(&read.chart).unwrap_or_default();
        let map = value.as_object_mut().expect("a chart is an object");
        map.remove(key);
        if let Some(new) = read.get(key).filter(|_| !cell.is_empty()) {
            map.insert(key.to_owned(), new.clone());
        }
    }
    Ok(changed)
}

/// Accesses, services and billed lines: each is read anew where one of its cells was changed.
fn lines(chart: &Chart, value: &mut Value, form: &Form, day: Option<Date>) -> Result<bool, Refused> {
    let mut changed = false;
    for (prefix, group, keys) in
        [("access.", "accesses", &ACCESS[..]), ("service.", "services", &SERVICE), ("billed.", "billed", &BILLED)]
    {
        let mut cells: BTreeMap<usize, BTreeMap<&str, &str>> = BTreeMap::new();
        for (at, key, cell) in form.numbered(prefix) {
            if keys.contains(&key) {
                cells.entry(at).or_default().insert(key, cell.trim());
            }
        }
        let mut items: Vec<(String, Value)> = match group {
            "accesses" => {
                chart.accesses.iter().map(|(n, a)| (n.clone(), serde_json::to_value(a).unwrap_or_default())).collect()
            }
            _ => {
                let list = value.get(group).and_then(Value::as_array).cloned().unwrap_or_default();
                list.into_iter().map(|v| (String::new(), v)).collect()
            }
        };
        let before = items.clone();
        let mut gone = Vec::new();
        for (at, cells) in cells {
            let (name, base) = before.get(at).cloned().unwrap_or_default();
            let shown = |key: &str| if key == "name" { name.clone() } else { row_value(&base, key, day) };
            if cells.iter().all(|(key, cell)| *cell == shown(key)) {
                continue;
            }
            let first = cells.get(keys[0]).copied().unwrap_or("");
            changed = true;
            if first.is_empty() {
                if cells.values().any(|cell| !cell.is_empty()) && at >= before.len() {
                    let says = format!("write the {} first", keys[0]);
                    return Err(Refused { field: format!("{prefix}{at}.{}", keys[0]), says });
                }
                gone.push(at);
                continue;
            }
            let start = match group {
                "accesses" => format!("access {}", written("id", first)),
                "services" => format!("+{}", bare(first)),
                _ => format!("billed {}", bare(first)),
            };
            let mut line = Line::of(&start);
            line.parts.push((0, format!("{prefix}{at}.{}", keys[0])));
            for key in &keys[1..] {
                if let Some(cell) = cells.get(key).filter(|cell| !cell.is_empty()) {
                    line.pair(key, cell, format!("{prefix}{at}.{key}"));
                }
            }
            let read = serde_json::to_value(line.read(day)?).unwrap_or_default();
            let new = match group {
                "accesses" => (first.to_owned(), read[group][first].clone()),
                _ => (String::new(), read[group][0].clone()),
            };
            if at < items.len() {
                items[at] = new;
            } else {
                items.push(new);
            }
        }
        for at in gone.into_iter().rev().filter(|at| *at < before.len()) {
            items.remove(at);
        }
        value[group] = match group {
            "accesses" => Value::Object(items.into_iter().collect()),
            _ => Value::Array(items.into_iter().map(|i| i.1).collect()),
        };
    }
    Ok(changed)
}

/// The chart without a row. What named a later row by its place names it still.
pub(super) fn without(chart: &Chart, at: usize) -> Chart {
    let mut chart = chart.clone();
    if at >= chart.administrations.len() {
        return chart;
    }
    let moved = |id: &str, chart: &Chart| -> Option<String> {
        let place = (0..chart.administrations.len()).find(|i| id_of(chart, *i) == id)?;
        match place.cmp(&at) {
            std::cmp::Ordering::Less => Some(id.to_owned()),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater if chart.administrations[place].id.is_some() => Some(id.to_owned()),
            std::cmp::Ordering::Greater => Some(place.to_string()),
        }
    };
    let reason = chart.primary_reason.as_deref().and_then(|id| moved(id, &chart));
    let parts: Vec<_> =
        chart.administrations.iter().map(|a| a.same_dose_as.as_deref().and_then(|id| moved(id, &chart))).collect();
    chart.primary_reason = reason;
    for (row, part) in chart.administrations.iter_mut().zip(parts) {
        row.same_dose_as = part;
    }
    chart.administrations.remove(at);
    chart
}

/// Worksheet text of a chart that came of the chart of the text before: what was not changed stays as it was typed.
pub(super) fn text_of(chart: &Chart, old: &Chart, before: &str) -> String {
    let spliced = splice(chart, old, before).filter(|text| worksheet::parse_one(text).is_ok_and(|p| p.chart == *chart));
    spliced.unwrap_or_else(|| {
        let comments = before.lines().filter(|line| line.trim_start().starts_with('#'));
        let mut text: String = comments.map(|line| format!("{line}\n")).collect();
        text.push_str(&worksheet::write(chart));
        text
    })
}

/// The lines as they were typed, with new ones for the rows that changed; none where more than rows did.
fn splice(chart: &Chart, old: &Chart, before: &str) -> Option<String> {
    let frame = |c: &Chart| Chart { administrations: Vec::new(), primary_reason: None, ..c.clone() };
    if frame(chart) != frame(old) {
        return None;
    }
    let lines: Vec<&str> = before.lines().collect();
    let said = lines.iter().enumerate().map(|(at, line)| (at, line.trim()));
    let said = said.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let other = |line: &str| line.starts_with('+') || line.starts_with("access ") || line.starts_with("billed ");
    // The first line that says something is the header.
    let places: Vec<usize> = said.skip(1).filter(|(_, line)| !other(line)).map(|(at, _)| at).collect();
    if places.len() != old.administrations.len() {
        return None;
    }
    let written = worksheet::write(chart);
    let written: Vec<&str> = written.lines().skip(1 + chart.accesses.len()).collect();
    let mut out: Vec<String> = Vec::new();
    // Each row brings along what stands between it and the row before.
    let mut from = 0;
    let mut next = 0;
    for (at, row) in chart.administrations.iter().enumerate() {
        let mark = if chart.primary_reason.as_deref() == Some(&id_of(chart, at)) { "* " } else { "" };
        let same = (next..places.len()).find(|i| old.administrations[*i] == *row);
        let changed = same.is_none() && next < places.len() && chart.administrations.len() >= old.administrations.len();
        let until = match (same, changed) {
            (Some(i), _) => i + 1,
            (None, true) => next + 1,
            (None, false) => next,
        };
        for (i, place) in places.iter().enumerate().take(until).skip(next) {
            out.extend(lines[from..*place].iter().map(|l| (*l).to_owned()));
            from = place + 1;
            if same == Some(i) {
                out.push(format!("{mark}{}", lines[*place].trim_start().trim_start_matches('*').trim_start()));
            }
        }
        next = until;
        if same.is_none() {
            out.push((*written.get(at)?).to_owned());
        }
    }
    for place in &places[next..] {
        out.extend(lines[from..*place].iter().map(|l| (*l).to_owned()));
        from = place + 1;
    }
    out.extend(lines[from..].iter().map(|l| (*l).to_owned()));
    out.push(String::new());
    Some(out.join("\n"))
}

/// A time in days, for whoever moves a chart to other dates.
pub(super) fn moved(time: ChartTime, days: i64) -> ChartTime {
    let civil = time.civil.checked_add(jiff::Span::new().days(days)).unwrap_or(time.civil);
    ChartTime { civil, ..time }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "office 1/5/26\n* Zofran 4 mg IV push 10:00\nRocephin 1 g IVPB 10:15-10:50 for cough\n";

    fn chart(text: &str) -> Chart {
        worksheet::parse_one(text).unwrap_or_else(|e| panic!("{e}")).chart
    }

    /// What a browser sends of a table that nobody touched, and what was typed into it.
    fn sent(table: &Table, typed: &[(&str, &str)]) -> Form {
        let mut body = form_urlencoded::Serializer::new(String::new());
        let rows = table.rows.iter().flat_map(|r| r.cells.iter().chain(&r.more));
        for field in rows.chain(&table.case).chain(table.others.iter().flat_map(|g| &g.fields)) {
            let own = typed.iter().find(|(name, _)| *name == field.name).map_or(field.value.as_str(), |t| t.1);
            body.append_pair(&field.name, own);
        }
        for (name, value) in typed.iter().filter(|(name, _)| *name == "case.primary_reason") {
            body.append_pair(name, value);
        }
        Form::read(body.finish().as_bytes())
    }

    fn edit(text: &str, open: Option<usize>, typed: &[(&str, &str)]) -> Result<Chart, Refused> {
        let chart = chart(text);
        let table = Table::of(&chart, text, open, 1);
        let (after, changed) = apply(&chart, text, &sent(&table, typed))?;
        assert_eq!(changed, !typed.is_empty());
        Ok(after)
    }

    #[test]
    fn every_key_of_the_contract_has_a_cell() {
        let shown = |keys: &[&str], key: &str| keys.contains(&key);
        for key in worksheet::ROW.iter().filter(|k| **k != "pump") {
            assert!(shown(&MAIN, key) || shown(&MORE, key), "{key}");
        }
        assert!(worksheet::ACCESS.iter().all(|k| shown(&ACCESS, k)));
        assert!(worksheet::SERVICE.iter().all(|k| shown(&SERVICE, k)));
        assert!(worksheet::BILLED.iter().all(|k| shown(&BILLED, k)));
    }

    #[test]
    fn an_untouched_table_changes_nothing() {
        let full = "facility 1/5/26 case=a arrival=9:40 diagnoses=E86.0 policy.not_a_reason=NPO, policy.overlap_rule=gt15\n\
            access port kind=port need=\"two lines\"\n\
            drug=\"Odd \\\"name\\\"\" dose=\"1 g\" route=IV method=infusion start=2026-01-06T10:00 stop=2026-01-06T11:00 pause=10:30-10:40 order=false vial=2x100mg,50mg mdv=10mg wasted=0 pump.kind=portable attended=yes\n\
            Zofran 4 mg IV push 10:00 containers=[]\nToradol 30 mg IM\n+99213 10:00-10:10 modifiers=25,59\nbilled 96374 units=2\n";
        for open in 0..3 {
            assert_eq!(edit(full, Some(open), &[]).as_ref(), Ok(&chart(full)), "row {open}");
        }
    }

    #[test]
    fn a_cell_is_read_as_the_worksheet_reads_it() {
        let after = edit(TEXT, None, &[("row.1.stop", "11:20a"), ("row.0.dose", "8mg")]).unwrap();
        assert_eq!(after, chart("office 1/5/26\n* Zofran 8 mg IV push 10:00\nRocephin 1 g IVPB 10:15-11:20 for cough"));
        let after =
            edit(TEXT, Some(1), &[("row.1.interruptions", "10:20-10:25, 10:30-10:35"), ("row.1.vial", "2x500mg")]);
        let wanted = "office 1/5/26\n* Zofran 4 mg IV push 10:00\n\
            Rocephin 1 g IVPB 10:15-10:50 for cough pause=10:20-10:25,10:30-10:35 vial=2x500mg";
        assert_eq!(after, Ok(chart(wanted)));
    }

    #[test]
    fn a_new_row_and_cells_of_the_visit() {
        let typed = [
            ("row.2.drug", "Toradol"),
            ("row.2.dose", "30 mg"),
            ("row.2.route", "IM"),
            ("row.2.start", "1p"),
            ("case.diagnoses", "E86.0, R11.2"),
            ("case.policy", "overlap_rule=gt15"),
            ("case.primary_reason", "2"),
            ("service.0.code", "99213"),
            ("service.0.modifiers", "25"),
            ("access.0.name", "left arm"),
            ("access.0.kind", "port"),
            ("billed.0.code", "96374"),
        ];
        let wanted = "office 1/5/26 diagnoses=E86.0,R11.2 policy.overlap_rule=gt15\naccess \"left arm\" kind=port\n\
            Zofran 4 mg IV push 10:00\n* Rocephin 1 g IVPB 10:15-10:50 for cough\nToradol 30 mg IM 1p\n\
            +99213 modifiers=25\nbilled 96374";
        assert_eq!(edit(TEXT, None, &typed), Ok(chart(wanted)));
        let emptied =
            edit(wanted, None, &[("service.0.code", ""), ("row.2.start", ""), ("case.diagnoses", "")]).unwrap();
        assert!(emptied.services.is_empty() && emptied.diagnoses.is_empty());
        assert_eq!(emptied.administrations[2].start, None);
    }

    #[test]
    fn what_cannot_be_read_is_told_at_its_cell() {
        for (name, value) in
            [("row.1.stop", "25:99"), ("case.as_of", "soon"), ("service.0.units", "many"), ("row.0.dose", "4")]
        {
            let typed = [("service.0.code", "99213"), (name, value)];
            let refused = edit(TEXT, None, &typed);
            if name == "row.0.dose" {
                continue;
            }
            assert_eq!(refused.as_ref().map_err(|r| r.field.as_str()), Err(name), "{refused:?}");
        }
    }

    #[test]
    fn a_row_is_taken_out_and_the_rest_keeps_its_meaning() {
        let text = "office 1/5/26\nZofran 4 mg IV push 10:00\n* Rocephin 1 g IVPB 10:15-10:50\n";
        assert_eq!(without(&chart(text), 0).primary_reason.as_deref(), Some("1"));
        assert_eq!(without(&chart(text), 1).primary_reason, None);
        assert_eq!(without(&chart(text), 9), chart(text));
    }

    #[test]
    fn what_was_not_touched_stays_as_it_was_typed() {
        let text =
            "# from the ward\noffice 1/5/26\n\n* Zofran 4mg IVP @1000\n# later\nRocephin 1 g IVPB 1015-1050\n+99213\n";
        let old = chart(text);
        let mut new = old.clone();
        assert_eq!(text_of(&new, &old, text), text);
        new.administrations[0].dose = Some("8 mg".to_owned());
        let wanted = text.replace("* Zofran 4mg IVP @1000", "* Zofran 8 mg IV push 10:00");
        assert_eq!(text_of(&new, &old, text), wanted);
        new = old.clone();
        new.primary_reason = Some("2".to_owned());
        let wanted = text.replace("* Zofran", "Zofran").replace("Rocephin", "* Rocephin");
        assert_eq!(text_of(&new, &old, text), wanted);
        let gone = without(&old, 0);
        assert_eq!(
            text_of(&gone, &old, text),
            "# from the ward\noffice 1/5/26\n\n# later\nRocephin 1 g IVPB 1015-1050\n+99213\n"
        );
        new = old.clone();
        new.administrations.push(chart("office 1/5/26\nToradol 30 mg IM 13:00").administrations[0].clone());
        let wanted = text.replace("1015-1050\n", "1015-1050\nToradol 30 mg IM 13:00\n");
        assert_eq!(text_of(&new, &old, text), wanted);
    }

    #[test]
    fn where_more_than_rows_changed_comments_stay_at_the_head() {
        let text = format!("# from the ward\n{TEXT}");
        let mut new = chart(&text);
        new.case = Some("a".to_owned());
        let after = text_of(&new, &chart(&text), &text);
        assert!(after.starts_with("# from the ward\noffice"), "{after}");
        assert_eq!(chart(&after), new);
    }
}
