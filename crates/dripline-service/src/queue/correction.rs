//! A correction of a kept chart: the whole chart as it should stand, and the chart entries on which each change rests.

use std::collections::BTreeSet;

use dripline::chart::{Chart, StopSource};
use dripline::coding::Assumption;
use dripline_formats::json;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::entry::{Changed, Entry, EntryKind, text};
use super::written;
use crate::asked::cut;
use crate::problem::Problem;

/// Lists of the chart whose items are things of their own; other lists are values.
const LISTS: &[&str] = &["administrations", "services", "billed"];

/// Most pairs of items that are held against each other to find out which is which.
const MOST_PAIRS: usize = 40_000;

/// Most entries on which one correction rests.
const MOST_ENTRIES: usize = 100;

/// A correction of a kept chart.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCorrection {
    /// The whole chart as it should stand.
    #[schemars(with = "Chart")]
    pub chart: Box<RawValue>,
    /// The chart entries on which it rests. Every change rests on one.
    pub entries: Vec<Basis>,
    /// Why the chart is corrected, for whoever reads the history.
    pub reason: String,
}

/// A chart entry, and which changes rest on it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CorrectionEntry")]
pub struct Basis {
    /// Key paths of what changes by it, each with all that is below, as `administrations[0].stop`: in the chart as it
    /// should stand, and for what is taken away in the chart in force. Every change, if left out.
    #[serde(default)]
    pub changes: Option<Vec<String>>,
    /// The entry that says so.
    pub entry: Entry,
}

/// A correction whose chart was read.
pub(crate) struct Correction {
    pub chart: Chart,
    /// What its reader took for granted.
    pub read: Vec<Assumption>,
    pub entries: Vec<Basis>,
    pub reason: String,
}

impl NewCorrection {
    /// Reads its chart.
    pub(crate) fn read(self) -> Result<Correction, Problem> {
        let chart = json::chart_from_str("chart", self.chart.get()).map_err(|e| {
            let help = if e.help.is_empty() { "write it as in a case".to_owned() } else { e.help };
            let path = if e.path.is_empty() { "chart".to_owned() } else { format!("chart.{}", e.path) };
            Problem::body(&path, e.message, help)
        })?;
        Ok(Correction { chart, read: Vec::new(), entries: self.entries, reason: self.reason })
    }
}

impl Correction {
    /// Refuses one without a reason, or whose entries name nobody, no place, or a time that is still to come.
    pub fn check(&self, now: Timestamp) -> Result<(), Problem> {
        text("reason", &self.reason)?;
        if self.entries.len() > MOST_ENTRIES {
            return Err(Problem::body("entries", "more than 100 entries are named", "correct the chart in steps"));
        }
        for (n, basis) in self.entries.iter().enumerate() {
            basis.entry.check(now).map_err(|p| p.within(&format!("entries[{n}].")))?;
        }
        Ok(())
    }

    /// The chart in force as the correction leaves it, and for each entry what rests on it.
    pub fn applied(
        &self,
        was: &Chart,
        assumptions: &[Assumption],
    ) -> Result<(Changed, Vec<BTreeSet<String>>), Problem> {
        if self.chart.case != was.case {
            let help = match &was.case {
                Some(_) => "leave `case` as it is; another case is sent for itself",
                None => "leave `case` out; another case is sent for itself",
            };
            return Err(Problem::body("chart.case", "the id of a case is never changed", help));
        }
        let mut chart = self.chart.clone();
        let mut found = Found::between(was, &chart);
        if found.before.is_empty() {
            return Err(Problem::body(
                "chart",
                "the chart is the same as the one in force: nothing is corrected",
                "send it as it should stand; `recode` codes the one in force again",
            ));
        }
        let rests = self.rests(&found)?;
        // As where an answer says when something stopped: by a late entry, if nothing else is said.
        for (at, row) in chart.administrations.iter_mut().enumerate() {
            let paths = [format!("administrations[{at}].stop"), format!("administrations[{at}]")];
            let Some(path) = paths.iter().find(|path| found.after.get(*path).is_some_and(|v| !v.is_null())) else {
                continue;
            };
            let mut by = self.entries.iter().zip(&rests).filter(|(_, rests)| rests.contains(path));
            let late = by.all(|(basis, _)| basis.entry.kind == EntryKind::Late);
            if late && row.stop.is_some() && row.stop_source.is_none() {
                row.stop_source = Some(StopSource::LateEntry);
            }
        }
        if chart != self.chart {
            found = Found::between(was, &chart);
        }
        for (n, (basis, paths)) in self.entries.iter().zip(&rests).enumerate() {
            written::of_correction(&basis.entry, &chart, &found.after, paths.iter())
                .map_err(|p| p.within(&format!("entries[{n}].")))?;
        }
        let mut kept = found.kept(assumptions);
        kept.extend(self.read.iter().filter(|a| !assumptions.contains(a)).cloned());
        Ok((Changed { chart, assumptions: kept, before: found.before, after: found.after }, rests))
    }

    /// For each entry the changes that rest on it; each change on one, and each path that is named changes.
    fn rests(&self, found: &Found) -> Result<Vec<BTreeSet<String>>, Problem> {
        let all: BTreeSet<String> = found.before.keys().cloned().collect();
        let mut rests = Vec::new();
        for (n, basis) in self.entries.iter().enumerate() {
            let Some(named) = &basis.changes else {
                rests.push(all.clone());
                continue;
            };
            let (mut own, mut seen) = (BTreeSet::new(), BTreeSet::new());
            for (m, name) in named.iter().enumerate() {
                if !seen.insert(name) {
                    continue;
                }
                let begins = all.range(name.clone()..).take_while(|path| path.starts_with(name));
                let mut below = begins.filter(|path| covers(name, path)).peekable();
                if below.peek().is_none() {
                    let changed = all.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
                    return Err(Problem::body(
                        &format!("entries[{n}].changes[{m}]"),
                        format!("nothing changes at `{}`", cut(name)),
                        format!("what changes is {changed}{}", if all.len() > 5 { ", …" } else { "" }),
                    ));
                }
                own.extend(below.cloned());
            }
            rests.push(own);
        }
        match all.iter().find(|path| !rests.iter().any(|own| own.contains(*path))) {
            None => Ok(rests),
            Some(bare) => Err(Problem::body(
                "entries",
                format!("no chart entry is named on which the change of `{}` rests", cut(bare)),
                "name the entry that says so; a change without one does not count",
            )),
        }
    }
}

/// Whether a key path is another or stands above it.
fn covers(name: &str, path: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What differs between two charts, by key path.
struct Found {
    before: Map<String, Value>,
    after: Map<String, Value>,
    /// For each list, where in it an item stands now, by where it stood.
    moved: Vec<(&'static str, Vec<Option<usize>>)>,
}

impl Found {
    fn between(was: &Chart, is: &Chart) -> Self {
        let mut found = Found { before: Map::new(), after: Map::new(), moved: Vec::new() };
        let value = |chart: &Chart| serde_json::to_value(chart).unwrap_or_default();
        let (mut was, mut is) = (value(was), value(is));
        for name in LISTS {
            let take = |value: &mut Value| match value.as_object_mut().and_then(|o| o.remove(*name)) {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            };
            let (was, is) = (take(&mut was), take(&mut is));
            found.list(name, &was, &is);
        }
        found.value("", &was, &is);
        found
    }

    fn list(&mut self, name: &'static str, was: &[Value], is: &[Value]) {
        let mut moved = vec![None; was.len()];
        for pair in aligned(was, is) {
            match pair {
                (Some(i), Some(j)) => {
                    moved[i] = Some(j);
                    self.value(&format!("{name}[{j}]"), &was[i], &is[j]);
                }
                (Some(i), None) => {
                    let path = format!("{name}[{i}]");
                    self.after.entry(path.clone()).or_insert(Value::Null);
                    self.before.insert(path, was[i].clone());
                }
                (None, Some(j)) => {
                    let path = format!("{name}[{j}]");
                    self.before.entry(path.clone()).or_insert(Value::Null);
                    self.after.insert(path, is[j].clone());
                }
                (None, None) => {}
            }
        }
        self.moved.push((name, moved));
    }

    fn value(&mut self, path: &str, was: &Value, is: &Value) {
        match (was, is) {
            (Value::Object(was), Value::Object(is)) => {
                for key in was.keys().chain(is.keys().filter(|k| !was.contains_key(*k))) {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    let of = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                    self.value(&path, &of(was), &of(is));
                }
            }
            _ if was == is => {}
            _ => {
                self.before.insert(path.to_owned(), was.clone());
                self.after.insert(path.to_owned(), is.clone());
            }
        }
    }

    /// What a reader took for granted and still is, under the paths of now.
    fn kept(&self, assumptions: &[Assumption]) -> Vec<Assumption> {
        let kept = assumptions.iter().filter_map(|assumption| {
            let item = assumption.path.split_once('[').and_then(|(list, rest)| {
                let (index, rest) = rest.split_once(']')?;
                let (name, moved) = self.moved.iter().find(|(name, _)| *name == list)?;
                Some((name, moved, index.parse::<usize>().ok()?, rest))
            });
            let path = match item {
                Some((name, moved, index, rest)) => format!("{name}[{}]{rest}", moved.get(index).copied().flatten()?),
                None => assumption.path.to_string(),
            };
            // What was taken away stands under the path of before, at which another item may stand now.
            let gone = |path: &str| path.ends_with(']') && self.after[path].is_null();
            let touched = |changed: &String| !gone(changed) && (covers(changed, &path) || covers(&path, changed));
            let touched = self.before.keys().any(touched);
            (!touched).then(|| Assumption { path: path.into(), ..assumption.clone() })
        });
        kept.collect()
    }
}

/// Which item of one list is which of the other, in their order: those with most in common. Items that name other ids
/// are never the same.
fn aligned(was: &[Value], is: &[Value]) -> Vec<(Option<usize>, Option<usize>)> {
    let same = |(a, b): &(&Value, &Value)| a == b;
    let first = was.iter().zip(is).take_while(same).count();
    let last = was[first..].iter().rev().zip(is[first..].iter().rev()).take_while(same).count();
    let (n, m) = (was.len() - last - first, is.len() - last - first);
    let mut pairs: Vec<_> = (0..first).map(|i| (Some(i), Some(i))).collect();
    let common = |i: usize, j: usize| in_common(&was[first + i], &is[first + j]);
    if n.saturating_mul(m) > MOST_PAIRS {
        let place = |i: usize, of: usize| (i < of).then_some(first + i);
        pairs.extend((0..n.max(m)).map(|i| (place(i, n), place(i, m))));
    } else {
        // The most that the items from i and j on can have in common.
        let mut best = vec![vec![0; m + 1]; n + 1];
        for i in (0..n).rev() {
            for j in (0..m).rev() {
                let both = match common(i, j) {
                    0 => 0,
                    common => common + best[i + 1][j + 1],
                };
                best[i][j] = both.max(best[i + 1][j]).max(best[i][j + 1]);
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < n || j < m {
            let both = if i < n && j < m { common(i, j) } else { 0 };
            if both > 0 && best[i][j] == both + best[i + 1][j + 1] {
                pairs.push((Some(first + i), Some(first + j)));
                (i, j) = (i + 1, j + 1);
            } else if i < n && (j == m || best[i][j] == best[i + 1][j]) {
                pairs.push((Some(first + i), None));
                i += 1;
            } else {
                pairs.push((None, Some(first + j)));
                j += 1;
            }
        }
    }
    pairs.extend((0..last).map(|i| (Some(was.len() - last + i), Some(is.len() - last + i))));
    pairs
}

fn in_common(a: &Value, b: &Value) -> usize {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return usize::from(a == b) };
    if let (Some(a), Some(b)) = (a.get("id"), b.get("id"))
        && a != b
    {
        return 0;
    }
    a.iter().filter(|(key, value)| b.get(*key) == Some(value)).count()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dripline::chart::Chart;
    use dripline::coding::Assumption;
    use serde_json::{Value, json};

    use super::{Basis, Correction, Found, aligned};

    fn chart(rows: Value) -> Chart {
        serde_json::from_value(json!({ "case": "A", "setting": "office", "administrations": rows })).unwrap()
    }

    fn row(drug: &str, start: &str) -> Value {
        json!({ "drug": drug, "dose": "4 mg", "start": format!("2026-01-05T{start}") })
    }

    fn correction(chart: Chart, entries: Value) -> Correction {
        let entries: Vec<Basis> = serde_json::from_value(entries).unwrap();
        Correction { chart, read: Vec::new(), entries, reason: "x".into() }
    }

    fn entry(kind: &str) -> Value {
        json!({ "author": "A", "written_at": "2026-01-05T13:00", "kind": kind, "where": "MAR" })
    }

    #[test]
    fn a_row_that_is_put_between_others_is_one_change() {
        let was = chart(json!([row("A", "10:00"), row("B", "11:00"), row("C", "12:00")]));
        let is = chart(json!([row("A", "10:00"), row("X", "10:30"), row("B", "11:00"), row("C", "12:01")]));
        let found = Found::between(&was, &is);
        assert_eq!(found.before.keys().collect::<Vec<_>>(), ["administrations[1]", "administrations[3].start"]);
        assert_eq!(found.before["administrations[1]"], Value::Null);
        assert_eq!(found.after["administrations[1]"]["drug"], "X");
        assert_eq!(found.before["administrations[3].start"], "2026-01-05T12:00");
        let back = Found::between(&is, &was);
        assert_eq!(
            (&back.before["administrations[1]"]["drug"], &back.after["administrations[1]"]),
            (&json!("X"), &Value::Null)
        );
        assert!(Found::between(&is, &is).before.is_empty());
    }

    #[test]
    fn items_of_other_ids_are_other_items() {
        let a = [json!({ "id": "a", "drug": "A", "dose": "1 g" }), json!({ "id": "b", "drug": "A", "dose": "1 g" })];
        let b = [json!({ "id": "b", "drug": "A", "dose": "2 g" })];
        assert_eq!(aligned(&a, &b), [(Some(0), None), (Some(1), Some(0))]);
        // So many that they are told apart by their places alone.
        let many = |drug: &str| -> Vec<Value> { (0..300).map(|n| json!({ "drug": drug, "n": n })).collect() };
        assert_eq!(aligned(&many("A"), &many("B")), (0..300).map(|n| (Some(n), Some(n))).collect::<Vec<_>>());
    }

    #[test]
    fn every_change_rests_on_an_entry() {
        let was = chart(json!([row("A", "10:00"), row("B", "11:00")]));
        let is = chart(json!([row("A", "10:05"), row("B", "11:10")]));
        let of = |entries: Value| correction(is.clone(), entries).applied(&was, &[]).map(|(_, rests)| rests);
        let problem = |entries: Value| of(entries).err().unwrap();
        let both = of(json!([{ "entry": entry("late") }])).ok().unwrap();
        let set = |paths: &[&str]| paths.iter().map(|p| (*p).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(both, [set(&["administrations[0].start", "administrations[1].start"])]);
        let each = json!([
            { "changes": ["administrations[0]"], "entry": entry("late") },
            { "changes": ["administrations[1].start"], "entry": entry("original") },
        ]);
        let apart = [set(&["administrations[0].start"]), set(&["administrations[1].start"])];
        assert_eq!(of(each).ok().unwrap(), apart);
        assert_eq!(problem(json!([])).path(), "entries");
        let one = problem(json!([{ "changes": ["administrations[0].start"], "entry": entry("late") }]));
        assert!(one.path() == "entries" && one.detail().contains("administrations[1].start"), "{one:?}");
        let none = problem(json!([{ "changes": ["administrations[0].st"], "entry": entry("late") }]));
        assert_eq!(none.path(), "entries[0].changes[0]");
        assert_eq!(correction(was.clone(), json!([])).applied(&was, &[]).err().unwrap().path(), "chart");
        let mut other = is.clone();
        other.case = Some("B".into());
        assert_eq!(correction(other, json!([])).applied(&was, &[]).err().unwrap().path(), "chart.case");
    }

    #[test]
    fn a_stop_by_a_late_entry_says_so_and_what_was_taken_for_granted_moves_with_its_row() {
        let was = chart(json!([row("A", "10:00"), row("B", "11:00"), row("C", "12:00")]));
        let mut stopped = row("C", "12:00");
        stopped["stop"] = json!("2026-01-05T12:40");
        let is = chart(json!([row("A", "10:00"), stopped]));
        let taken = |path: &'static str| Assumption { path: path.into(), took: "x".into(), why: "y".into() };
        let paths = ["setting", "administrations[1].start", "administrations[2].start", "administrations[2].stop"];
        let taken: Vec<_> = paths.iter().map(|p| taken(p)).collect();
        for (kind, source) in [("late", json!("late_entry")), ("original", Value::Null)] {
            let correction = correction(is.clone(), json!([{ "entry": entry(kind) }]));
            let changed = correction.applied(&was, &taken).ok().unwrap().0;
            let kept: Vec<_> = changed.assumptions.iter().map(|a| &*a.path).collect();
            assert_eq!(kept, ["setting", "administrations[1].start"]);
            let row = serde_json::to_value(&changed.chart.administrations[1]).unwrap();
            assert_eq!(row.get("stop_source").unwrap_or(&Value::Null), &source);
            assert_eq!(changed.after.get("administrations[1].stop_source").unwrap_or(&Value::Null), &source);
        }
    }
}
