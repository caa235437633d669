//! An answer to a question: an entry of the chart, and what it changes there.

use std::collections::BTreeMap;
use std::fmt;

use dripline::SmolStr;
use dripline::chart::{Chart, ChartTime};
use dripline::coding::{Assumption, Query};
use dripline_formats::json;
use dripline_formats::near::nearest;
use jiff::tz::Offset;
use jiff::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::asked::cut;
use crate::problem::Problem;

/// Most characters of a text that a person writes.
const MOST: usize = 1000;

/// Which question of a coding is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The contract's key that the answer fills, as it stands in the question.
    pub field: String,
    /// Ids of the administrations that it is about, as they stand in the question.
    pub administrations: Vec<String>,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// What is charted: keys of the contract with their values; null takes a value away. Keys of an administration are
    /// set in each one asked about.
    Set(Map<String, Value>),
    /// The chart stands as it is.
    AsCharted,
    /// Nobody can tell.
    CannotBeDetermined,
    /// Of some of the administrations asked about, or of all, each its own, by their ids.
    Each(BTreeMap<String, OfOne>),
}

/// What an answer says of one administration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfOne {
    /// What is charted: keys of an administration with their values; null takes a value away.
    Set(Map<String, Value>),
    /// The chart stands as it is.
    AsCharted,
    /// Nobody can tell.
    CannotBeDetermined,
}

/// Whether an entry was made when the drug was given, or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Made at the time.
    Original,
    /// Added later.
    Late,
}

/// The chart entry that an answer repeats. Without one an answer does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who wrote it.
    pub author: String,
    /// When it was written.
    pub written_at: ChartTime,
    /// Whether it is an original or a late entry.
    pub kind: EntryKind,
    /// Where in the record it stands.
    #[serde(rename = "where")]
    pub place: String,
}

/// An answer that is tried out: what it would change, and nothing else.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TriedAnswer {
    /// The question.
    pub query: Asked,
    /// The answer.
    pub says: Says,
    /// Of the administrations asked about, those that it is about; all without.
    #[serde(default)]
    pub only: Option<Vec<String>>,
}

/// An answer with its entry.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnswer {
    /// The question.
    pub query: Asked,
    /// The answer.
    pub says: Says,
    /// Of the administrations asked about, those that it is about; all without.
    #[serde(default)]
    pub only: Option<Vec<String>>,
    /// The entry that says so.
    pub entry: Entry,
}

impl Says {
    /// The question that is settled by it, also where the chart still leaves it open, as it says what was asked: of all
    /// that were asked about, or of some of them.
    pub(crate) fn settles(&self, query: &Asked) -> Option<Asked> {
        match self {
            Says::Set(set) => set.contains_key(&query.field).then(|| query.clone()),
            Says::AsCharted | Says::CannotBeDetermined => Some(query.clone()),
            Says::Each(_) => self.of_those(query, |one| match one {
                OfOne::Set(set) => set.contains_key(&query.field),
                OfOne::AsCharted | OfOne::CannotBeDetermined => true,
            }),
        }
    }

    /// The question as it is asked again of those alone of which it says that nothing changes.
    pub(crate) fn left(&self, query: &Asked) -> Option<Asked> {
        self.of_those(query, |one| !matches!(one, OfOne::Set(_)))
    }

    fn of_those(&self, query: &Asked, meant: impl Fn(&OfOne) -> bool) -> Option<Asked> {
        let Says::Each(each) = self else { return None };
        let administrations: Vec<String> =
            query.administrations.iter().filter(|id| each.get(*id).is_some_and(&meant)).cloned().collect();
        (!administrations.is_empty()).then(|| Asked { administrations, field: query.field.clone() })
    }
}

impl TriedAnswer {
    /// The same with the administrations named that it is about, where those are some of the ones asked about: nothing
    /// else that is kept of an answer tells. What it says of the case itself it says of no administration.
    pub(crate) fn named(self) -> Self {
        let Some(only) =
            self.only.as_ref().filter(|only| only.iter().all(|id| self.query.administrations.contains(id)))
        else {
            return self;
        };
        let one = match &self.says {
            Says::Set(set) if set.keys().all(|name| keys(&self.query.field).contains(&name.as_str())) => {
                OfOne::Set(set.clone())
            }
            Says::AsCharted => OfOne::AsCharted,
            Says::CannotBeDetermined => OfOne::CannotBeDetermined,
            Says::Set(_) | Says::Each(_) => return self,
        };
        let each = only.iter().map(|id| (id.clone(), one.clone())).collect();
        TriedAnswer { says: Says::Each(each), only: None, ..self }
    }
}

impl EntryKind {
    /// As it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            EntryKind::Original => "original",
            EntryKind::Late => "late",
        }
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Asked {
    /// The question as it stands in a coding.
    #[must_use]
    pub fn of(query: &Query) -> Self {
        Asked {
            field: query.field.to_string(),
            administrations: query.administrations.iter().map(ToString::to_string).collect(),
        }
    }

    /// Whether a question of a coding asks the same, of these administrations or of some of them.
    pub(crate) fn covers(&self, query: &Query) -> bool {
        let named = |id: &SmolStr| self.administrations.iter().any(|own| id == own);
        self.field == query.field.as_str() && query.administrations.iter().all(named)
    }
}

/// A text that a person writes: something stands in it, nothing steers a terminal or hides.
pub(crate) fn text(path: &str, text: &str) -> Result<(), Problem> {
    let hides = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let wrong = |detail: &str, help: &str| Err(Problem::body(path, detail, help));
    match text {
        _ if text.trim().is_empty() => wrong("nothing is written here", "write it"),
        _ if text.chars().count() > MOST => wrong("the text is longer than 1000 characters", "shorten it"),
        _ if text.contains(hides) => wrong("the text holds a character that cannot be seen", "write it anew"),
        _ => Ok(()),
    }
}

impl Entry {
    /// Refuses an entry that names nobody, no place, or a time that is still to come.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), Problem> {
        text("entry.author", &self.author)?;
        text("entry.where", &self.place)?;
        match self.first_instant() {
            Some(at) if at <= now => Ok(()),
            _ => Err(Problem::body("entry.written_at", "the time is still to come", "write when the entry was made")),
        }
    }

    /// The first moment at which it may have been written: without an offset its clock may stand anywhere on earth.
    fn first_instant(&self) -> Option<Timestamp> {
        instant(self.written_at, 14 * 60)
    }

    /// Whether it may have been written at a moment or after it.
    pub(crate) fn may_be_after(&self, moment: Timestamp) -> bool {
        // A minute is charted, and may be its end.
        let last = instant(self.written_at, -12 * 60).and_then(|t| t.checked_add(Span::new().minutes(1)).ok());
        last.is_none_or(|last| last >= moment)
    }
}

/// A charted time as a moment, where its clock stands so many minutes before UTC if it does not say.
fn instant(time: ChartTime, otherwise: i32) -> Option<Timestamp> {
    let minutes = time.offset.map_or(otherwise, i32::from);
    Offset::from_seconds(minutes * 60).ok()?.to_timestamp(time.civil).ok()
}

/// Keys of the chart that the answer to a question may set. Those of the case, and not of an administration, stand
/// with a dot in front.
fn keys(field: &str) -> &'static [&'static str] {
    match field {
        "stop" | "start" | "planned_minutes" => {
            &["start", "stop", "method", "date", "planned_minutes", "interruptions", ".departure"]
        }
        "method" | "attended" | "route" => &["method", "attended", "route", "start", "stop", "access"],
        "rate" | "volume" => &["rate", "volume", "start", "stop"],
        "indication" | "purpose" => &["indication", "purpose"],
        "counselling" | "age_years" => &["counselling", ".age_years"],
        "lesions" => &["lesions"],
        "components" => &["components"],
        "drug" | "ndc" | "hcpcs" | "rxnorm" => &["drug", "ndc", "hcpcs", "rxnorm"],
        "dose" => &["dose"],
        "containers" | "wasted" => &["containers", "wasted"],
        "pump.owner" | "pump.kind" => &["pump.owner", "pump.kind"],
        "access" => &["access"],
        _ => &[],
    }
}

/// Keys of the chart that the answer to a question may set.
pub(crate) fn keys_of(field: &str) -> Vec<String> {
    match field.starts_with("accesses.") {
        true => vec![field.to_owned()],
        false => keys(field).iter().map(|k| k.trim_start_matches('.').to_owned()).collect(),
    }
}

/// Those of an administration alone.
pub(crate) fn keys_of_one(field: &str) -> Vec<String> {
    keys(field).iter().filter(|k| !k.starts_with('.')).map(|k| (*k).to_owned()).collect()
}

/// A chart as an answer leaves it.
pub(crate) struct Changed {
    pub chart: Chart,
    /// What the reader took for granted and still is.
    pub assumptions: Vec<Assumption>,
    /// Values by path, before and after.
    pub before: Map<String, Value>,
    pub after: Map<String, Value>,
}

/// Puts an answer into a chart, as the outcomes of its question do: a value that is charted is no longer expected,
/// computed or unknown.
pub(crate) fn applied(
    chart: &Chart,
    assumptions: &[Assumption],
    answer: &TriedAnswer,
    kind: EntryKind,
) -> Result<Changed, Problem> {
    let failed = |_| Problem::failed();
    let mut value = serde_json::to_value(chart).map_err(failed)?;
    let mut changed =
        Changed { chart: chart.clone(), assumptions: assumptions.to_vec(), before: Map::new(), after: Map::new() };
    let field = answer.query.field.as_str();
    let device = field.strip_prefix("accesses.").and_then(|rest| rest.strip_suffix(".kind"));
    let known = keys(field);
    for Part { path: at, rows, set, of_one } in parts(chart, answer)? {
        if set.is_empty() {
            return Err(Problem::body(&at, "nothing is set", "name a key of the chart with its value"));
        }
        // Where no device is charted, the answer names one, and says what it is.
        let named = set.get("access").and_then(Value::as_str).filter(|_| field == "access");
        for (name, given) in set {
            // Each place with its path as it is told; an access's id may hold anything.
            let mut places: Vec<(String, Vec<String>)> = Vec::new();
            let owned = |keys: &[&str]| keys.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>();
            let mut in_rows = |name: &str| {
                for row in &rows {
                    let keys =
                        [owned(&["administrations", &row.to_string()]), name.split('.').map(str::to_owned).collect()];
                    places.push((format!("administrations[{row}].{name}"), keys.concat()));
                }
            };
            let of_case = |k: &&str| k.strip_prefix('.') == Some(name.as_str());
            match device {
                Some(id) if name == field && !of_one => places.push((name.clone(), owned(&["accesses", id, "kind"]))),
                None if let Some(id) = named.filter(|id| *name == format!("accesses.{id}.kind")) => {
                    places.push((name.clone(), owned(&["accesses", id, "kind"])));
                }
                None if known.iter().any(of_case) && !of_one => places.push((name.clone(), owned(&[name]))),
                None if known.contains(&name.as_str()) => in_rows(name),
                _ if of_one && (device.is_some() || known.iter().any(of_case)) => {
                    return Err(Problem::body(
                        &format!("{at}.{name}"),
                        format!("`{}` stands in the case, not in one administration", cut(name)),
                        "say it in `set`, of all of them",
                    ));
                }
                Some(_) => return Err(unknown(&at, name, [field])),
                None => return Err(unknown(&at, name, known.iter().map(|k| k.trim_start_matches('.')))),
            }
            for (path, keys) in places {
                if changed.after.get(&path).is_some_and(|other| other != given) {
                    let detail = format!("`{}` is said twice, and otherwise", cut(name));
                    return Err(Problem::body(&format!("{at}.{name}"), detail, "say one of the two"));
                }
                let before = put(&mut value, &keys, given).ok_or_else(Problem::failed)?;
                changed.before.entry(path.clone()).or_insert(before);
                changed.after.insert(path, given.clone());
            }
            if name == "stop" && !given.is_null() {
                // A stop without a source is charted.
                let source = if kind == EntryKind::Late { "late_entry".into() } else { Value::Null };
                for row in &rows {
                    let keys = owned(&["administrations", &row.to_string(), "stop_source"]);
                    put(&mut value, &keys, &source).ok_or_else(Problem::failed)?;
                }
            }
        }
    }
    if changed.after.is_empty() {
        return Ok(changed);
    }
    let text = value.to_string();
    changed.chart = json::chart_from_str("chart", &text).map_err(|e| {
        let help = if e.help.is_empty() { "write it as in a case".to_owned() } else { e.help };
        Problem::body(&e.path, e.message, help)
    })?;
    let set: Vec<&String> = changed.after.keys().collect();
    changed.assumptions.retain(|a| !set.iter().any(|path| **path == a.path));
    Ok(changed)
}

/// What an answer sets, and where.
struct Part<'a> {
    /// Where it stands in the answer.
    path: String,
    rows: Vec<usize>,
    set: &'a Map<String, Value>,
    /// Whether it is said of one administration by itself.
    of_one: bool,
}

fn parts<'a>(chart: &Chart, answer: &'a TriedAnswer) -> Result<Vec<Part<'a>>, Problem> {
    let all = rows(chart, answer)?;
    match &answer.says {
        Says::AsCharted | Says::CannotBeDetermined => Ok(Vec::new()),
        Says::Set(set) => Ok(vec![Part { path: "says.set".to_owned(), rows: all, set, of_one: false }]),
        Says::Each(_) if answer.only.is_some() => {
            Err(Problem::body("only", "`each` names the administrations that it is about", "leave it out"))
        }
        Says::Each(each) => {
            let set = each.iter().filter_map(|(id, one)| match one {
                OfOne::Set(set) => Some((id, set)),
                OfOne::AsCharted | OfOne::CannotBeDetermined => None,
            });
            let part = |(id, set): (&String, &'a Map<String, Value>)| Part {
                path: format!("says.each.{}.set", cut(id)),
                rows: all.iter().copied().filter(|&row| chart.administrations[row].id_at(row) == *id).collect(),
                set,
                of_one: true,
            };
            Ok(set.map(part).collect())
        }
    }
}

fn unknown<'a>(at: &str, name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Problem {
    let help = match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it may set {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    };
    Problem::body(&format!("{at}.{name}"), format!("an answer to this question does not set `{}`", cut(name)), help)
}

/// Puts a value in its place, or takes it away where it is null, and gives the one before. Objects on the way that are
/// not there are made; none in a list or a value.
fn put(value: &mut Value, keys: &[String], given: &Value) -> Option<Value> {
    let (last, way) = keys.split_last()?;
    let mut at = value;
    for key in way {
        at = match at {
            Value::Object(object) => object.entry(key).or_insert_with(|| Value::Object(Map::new())),
            Value::Array(list) => list.get_mut(key.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    let object = at.as_object_mut()?;
    let before = match given {
        Value::Null => object.remove(last),
        given => object.insert(last.clone(), given.clone()),
    };
    Some(before.unwrap_or(Value::Null))
}

/// The administrations that an answer is about, by their places in the chart.
fn rows(chart: &Chart, answer: &TriedAnswer) -> Result<Vec<usize>, Problem> {
    let asked = &answer.query.administrations;
    let (path, about) = match &answer.says {
        Says::Each(each) => ("says.each", each.keys().cloned().collect()),
        _ => ("only", answer.only.clone().unwrap_or_else(|| asked.clone())),
    };
    if about.is_empty() && !asked.is_empty() {
        return Err(Problem::body(path, "no administration is named", "name those that the answer is about"));
    }
    if let Some(other) = about.iter().find(|id| !asked.contains(id)) {
        let detail = format!("the question is not about `{}`", cut(other));
        return Err(Problem::body(path, detail, format!("it is about {}", asked.join(", "))));
    }
    Ok((0..chart.administrations.len()).filter(|&i| about.contains(&chart.administrations[i].id_at(i))).collect())
}

/// The administrations of which an answer sets nothing, by their places in the chart.
pub(super) fn unset(chart: &Chart, answer: &TriedAnswer) -> Result<Vec<usize>, Problem> {
    let mut about = rows(chart, answer)?;
    match &answer.says {
        Says::Set(_) => about.clear(),
        Says::AsCharted | Says::CannotBeDetermined => {}
        Says::Each(each) => {
            about.retain(|&row| !matches!(each.get(&chart.administrations[row].id_at(row)), Some(OfOne::Set(_))))
        }
    }
    Ok(about)
}

#[cfg(test)]
mod tests;
