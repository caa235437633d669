//! From rows to charts: what the record states, and nothing that it does not.

use std::collections::BTreeMap;

use dripline::chart::{Administration, Chart, ChartTime, Method, Order, Purpose, Setting, Status};
use dripline_reference::formulary::Formulary;
use jiff::civil::DateTime;

use super::table::{Item, Row, Tables};

/// The cases, one for each admission and day, in that order; rows keep the table's order.
pub fn charts(tables: &Tables, formulary: &Formulary) -> Vec<Chart> {
    let bags = bags(&tables.rows);
    let with_additive: BTreeMap<&str, ()> =
        tables.rows.iter().filter(|r| is_additive(r)).map(|r| (r.order.as_str(), ())).collect();
    let mut cases: BTreeMap<String, Vec<(&Row, &str)>> = BTreeMap::new();
    for (row, bag) in tables.rows.iter().zip(&bags) {
        cases.entry(format!("{}/{}", row.admission, row.start.date())).or_default().push((row, bag));
    }
    let unknown = Item::default();
    let chart = |(case, rows): (String, Vec<(&Row, &str)>)| {
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, bag) in &rows {
            *sizes.entry(bag).or_default() += 1;
        }
        let given = |&(row, bag): &(&Row, &str)| {
            let item = tables.items.get(&row.item).unwrap_or(&unknown);
            let mut a = administration(row, item, with_additive.contains_key(row.order.as_str()), formulary);
            a.bag = (sizes[bag] > 1).then(|| bag.to_owned());
            // A code for a fluid names a size of container, which the table does not know.
            let by_size = item.category.starts_with("Fluids") || item.category.starts_with("Blood");
            a.hcpcs = tables.codes.get(&row.item).filter(|_| !by_size).cloned();
            a
        };
        Chart {
            case: Some(case),
            setting: Some(Setting::Facility),
            administrations: rows.iter().map(given).collect(),
            ..Chart::default()
        }
    };
    cases.into_iter().map(chart).collect()
}

/// For every row the name of what it ran from. Rows of one `ORDERID` are mates. A link joins the stretches of one
/// order: they run on from one container, or a next one, while no gap but a charted pause parts them.
fn bags(rows: &[Row]) -> Vec<String> {
    let mut links: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        links.entry((&row.admission, &row.link)).or_default().push(i);
    }
    let mut names = vec![String::new(); rows.len()];
    for ((_, link), mut stretch) in links {
        stretch.sort_by_key(|&i| (rows[i].start, rows[i].stop, &rows[i].order));
        let (mut bag, mut last): (usize, Option<usize>) = (1, None);
        for i in stretch {
            if let Some(last) = last {
                let (a, b): (&Row, &Row) = (&rows[last], &rows[i]);
                if a.order != b.order && b.start > a.stop && a.status != "Paused" {
                    bag += 1;
                }
            }
            names[i] = if bag == 1 { link.to_owned() } else { format!("{link}.{bag}") };
            if last.is_none_or(|l| rows[i].stop >= rows[l].stop) {
                last = Some(i);
            }
        }
    }
    names
}

fn is_additive(row: &Row) -> bool {
    row.component.starts_with("Additives")
}

/// How a category of orders says that its rows were given.
struct Way {
    route: Option<&'static str>,
    method: Option<Method>,
    /// The table stamps one minute on every row of the forms for pushes and boluses: that is no stop.
    timed: bool,
}

fn way(category: &str) -> Way {
    let (route, method, timed) = match category.get(..2).unwrap_or("") {
        "01" | "02" | "04" | "07" | "12" => (Some("IV"), Some(Method::Infusion), true),
        "05" => (Some("IV"), Some(Method::Push), false),
        "03" | "08" | "10" => (Some("IV"), None, false),
        "13" => (Some("enteral"), None, true),
        "14" => (Some("oral or gastric"), None, false),
        // `Non IV` and what came before admission name no route.
        _ => (None, None, false),
    };
    Way { route, method, timed }
}

fn administration(row: &Row, item: &Item, mixed: bool, formulary: &Formulary) -> Administration {
    let way = way(&row.category);
    let amount = unit(&row.amount_unit).map(|u| format!("{} {u}", row.amount));
    let millilitres = row.amount_unit == "ml" && !row.amount.is_zero();
    let minute = |civil: DateTime| Some(ChartTime { civil, offset: None });
    Administration {
        id: Some(row.id.clone()),
        drug: Some(drug(row, item, formulary)),
        purpose: purpose(row, item, mixed),
        dose: amount.clone().filter(|_| !row.amount.is_zero()),
        volume: amount.filter(|_| millilitres),
        rate: row.rate.filter(|r| row.rate_unit == "mL/hour" && !r.is_zero()).map(|r| format!("{r} mL/h")),
        route: way.route.map(str::to_owned),
        method: way.method,
        start: minute(row.start),
        stop: if way.timed { minute(row.stop) } else { None },
        order: Some(Order::Id(row.link.clone())),
        // An amount of nothing is charted where a dose was due and none was given.
        status: row.amount.is_zero().then_some(Status::NotGiven),
        ..Administration::default()
    }
}

/// Only what the form or the item itself says: no one charts why a fluid ran.
fn purpose(row: &Row, item: &Item, mixed: bool) -> Option<Purpose> {
    let label = item.label.as_str();
    if label.contains("(CRRT)") || label.starts_with("OR ") || label.starts_with("Cath Lab ") {
        return Some(Purpose::Procedural);
    }
    // The solution of an order, and a drug's own fluid beside the ampoule that is entered as added to it.
    let own_fluid = mixed && !is_additive(row) && row.amount_unit == "ml" && item.category == "Medications";
    if row.component.starts_with("Mixed solution") || own_fluid {
        return Some(Purpose::Diluent);
    }
    (label == "Piggyback").then_some(Purpose::Carrier)
}

/// Units of `AMOUNTUOM` as they are charted elsewhere; a `dose` is no amount.
fn unit(written: &str) -> Option<&str> {
    match written {
        "dose" | "" => None,
        "ml" => Some("mL"),
        "grams" => Some("g"),
        "mEq." => Some("mEq"),
        other => Some(other),
    }
}

/// Labels that name a drug in words of their own.
const NAMES: [(&str, &str); 5] = [
    ("Insulin - Humalog", "Humalog"),
    ("Multivitamins", "multivitamin"),
    ("NaCl 3% (Hypertonic Saline)", "hypertonic saline"),
    ("Sodium Bicarbonate 8.4%", "sodium bicarbonate"),
    ("Sodium Bicarbonate 8.4% (Amp)", "sodium bicarbonate"),
];

/// The item's label; where the table of drugs does not know it so, without what stands behind it in brackets.
fn drug(row: &Row, item: &Item, formulary: &Formulary) -> String {
    let label = item.label.as_str();
    if label.is_empty() {
        return format!("item {}", row.item);
    }
    if let Some((_, name)) = NAMES.iter().find(|(l, _)| *l == label) {
        return (*name).to_owned();
    }
    let known = |name: &str| !formulary.by_name(name).0.is_empty();
    let bare = label.split(" (").next().unwrap_or(label);
    if !known(label) && known(bare) { bare.to_owned() } else { label.to_owned() }
}
