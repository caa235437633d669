//! By what a case is coded: the program's rules, and the reference tables of the quarters of its dates. What is noted
//! with a case tells later whether those that run now are others.

use std::collections::{BTreeMap, BTreeSet};

use dripline::chart::Chart;
use dripline_formats::json;
use dripline_reference::Coder;
use dripline_reference::tables::{Kind, Quarter};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What is noted with a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Basis {
    /// The version of the rules.
    rules: String,
    /// By quarter, each table that was loaded, with a digest of its files. A table that is loaded later may find
    /// something, so it counts whether the case used one or not.
    tables: BTreeMap<String, BTreeMap<String, String>>,
}

impl Basis {
    /// What runs now, for these quarters.
    fn running(coder: &Coder, quarters: impl IntoIterator<Item = String>) -> Self {
        let mut tables: BTreeMap<String, BTreeMap<String, String>> =
            quarters.into_iter().map(|quarter| (quarter, BTreeMap::new())).collect();
        // Prices are looked up for amounts of money alone, and change no coding.
        let prices = |kind: Kind| matches!(kind, Kind::Rvu | Kind::Gpci | Kind::Charges);
        for snapshot in coder.store.iter().flat_map(|s| s.list()).filter(|s| !prices(s.kind)) {
            if let Some(quarter) = tables.get_mut(&snapshot.quarter.to_string()) {
                let mut digest = Sha256::new();
                for source in &snapshot.sources {
                    digest.update(source.sha256.as_bytes());
                }
                let digest: String = digest.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect();
                quarter.insert(snapshot.kind.to_string(), digest);
            }
        }
        Basis { rules: dripline::VERSION.to_owned(), tables }
    }
}

/// By what a chart is coded now, as it is noted with its case.
pub(crate) fn note(coder: &Coder, chart: &Chart) -> String {
    let quarters: BTreeSet<String> = match chart.as_of {
        Some(date) => [Quarter::of_date(date).to_string()].into(),
        None => {
            let given = chart.administrations.iter().flat_map(|a| [a.start, a.stop].map(|t| t.map(|t| t.civil.date())));
            let days = chart.administrations.iter().map(|a| a.date);
            let done = chart.services.iter().flat_map(|s| {
                let [start, stop] = [s.start, s.stop].map(|t| t.map(|t| t.civil.date()));
                [start, stop, s.date]
            });
            let stay = [chart.arrival, chart.departure].map(|t| t.map(|t| t.civil.date()));
            let billed = chart.billed.iter().map(|b| b.date);
            let dates = given.chain(days).chain(done).chain(stay).chain(billed).flatten();
            dates.map(|date| Quarter::of_date(date).to_string()).collect()
        }
    };
    json::line(&Basis::running(coder, quarters))
}

/// In which ways what runs now is not what was noted; none where it is the same.
pub(crate) fn outdated(coder: &Coder, note: &str) -> Vec<String> {
    let Ok(was) = serde_json::from_str::<Basis>(note) else {
        return vec!["it was kept before this was noted".to_owned()];
    };
    let is = Basis::running(coder, was.tables.keys().cloned());
    let mut ways = Vec::new();
    if was.rules != is.rules {
        ways.push(format!("it was coded by the rules of dripline {}; those of {} run now", was.rules, is.rules));
    }
    for (quarter, now) in &is.tables {
        let then = &was.tables[quarter];
        let kinds: BTreeSet<&String> = now.keys().chain(then.keys()).collect();
        for kind in kinds {
            match (then.get(kind), now.get(kind)) {
                (Some(then), Some(now)) if then == now => {}
                (Some(_), Some(_)) => ways.push(format!("the table {kind} of {quarter} was imported anew")),
                (None, _) => ways.push(format!("the table {kind} of {quarter} is loaded now, and was not")),
                (_, None) => ways.push(format!("the table {kind} of {quarter} was loaded, and is not now")),
            }
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use dripline_reference::Coder;
    use serde_json::json;

    use super::{note, outdated};

    #[test]
    fn what_is_noted_is_told_apart_from_what_runs() {
        let chart = serde_json::from_value(json!({
            "setting": "office",
            "administrations": [{ "drug": "Zofran", "start": "2026-03-31T23:50", "stop": "2026-04-01T00:20" }],
        }));
        let coder = Coder::default();
        let noted = note(&coder, &chart.unwrap());
        assert!(noted.contains("2026Q1") && noted.contains("2026Q2"), "{noted}");
        assert!(outdated(&coder, &noted).is_empty());
        let older = noted.replace(dripline::VERSION, "0.0.1");
        assert!(outdated(&coder, &older)[0].contains("0.0.1"));
        let loaded = noted.replace(r#""2026Q1":{}"#, r#""2026Q1":{"mue":"1234"}"#);
        assert_eq!(outdated(&coder, &loaded), ["the table mue of 2026Q1 was loaded, and is not now"]);
        assert_eq!(outdated(&coder, "").len(), 1);
    }
}
