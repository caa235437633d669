//! A hospital's claim: status indicators, APC rates, packaged lines at zero, the rate off campus.

use dripline::chart::OffCampus;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{Dollars, Item, Price, Pricer};
use crate::edits::built_in;
use crate::tables::{AddendumB, Code, Kind};

/// From when excepted departments off campus get the fee schedule's equivalent for giving drugs.
const EXCEPTED_REDUCED_FROM: Date = Date::constant(2026, 1, 1);
/// From when others get it for everything, and from when at the present share.
const OTHERS_REDUCED_FROM: Date = Date::constant(2017, 1, 1);
const PRESENT_SHARE_FROM: Date = Date::constant(2018, 1, 1);
/// APCs of drug administration.
const DRUG_ADMINISTRATION: [&str; 4] = ["5691", "5692", "5693", "5694"];

/// How OPPS treats one line.
struct Treated<'a> {
    row: Option<&'a AddendumB>,
    status: &'a str,
    built_in: bool,
}

fn treated<'a>(pricer: &'a Pricer, item: &Item) -> Option<Treated<'a>> {
    match pricer.tables.addendum_b(item.line.date.0) {
        Some(table) => {
            let row = table.find(&item.line.code)?;
            Some(Treated { row: Some(row), status: &row.status, built_in: false })
        }
        None => {
            let status = built_in().status(Code::parse(&item.line.code)?)?;
            Some(Treated { row: None, status, built_in: true })
        }
    }
}

pub(super) fn price(pricer: &Pricer, items: &[Item]) -> Vec<Price> {
    let all: Vec<Option<Treated>> = items.iter().map(|i| treated(pricer, i)).collect();
    (0..items.len()).map(|n| one(pricer, items, &all, n)).collect()
}

fn one(pricer: &Pricer, items: &[Item], all: &[Option<Treated>], n: usize) -> Price {
    let line = &items[n].line;
    let quarter = pricer.tables.quarter(line.date.0);
    let table = (Kind::AddendumB, quarter);
    let Some(own) = &all[n] else {
        return match pricer.tables.addendum_b(line.date.0) {
            Some(_) => Price::silent(table, "the table does not have the code"),
            None => pricer.missing(Kind::AddendumB, line.date.0),
        };
    };
    let with_status = |wanted: &[&str]| {
        items.iter().zip(all).find_map(|(item, t)| {
            let same_date = item.line.date == line.date;
            t.as_ref().filter(|t| same_date && wanted.contains(&t.status)).map(|_| item.line.code.as_str())
        })
    };
    let packaged = |why: String| {
        let source = if own.built_in { format!(" (built-in, {})", built_in().opps_dated) } else { String::new() };
        let price = Price { amount: Some(Dollars::ZERO), table: None, why: format!("{why}{source}") };
        Price { table: (!own.built_in).then_some(table), ..price }
    };
    let mut units = line.units;
    match own.status {
        "N" => return packaged("status N: packaged, still reported".to_owned()),
        "Q1" => {
            if let Some(other) = with_status(&["S", "T", "V", "J2"]) {
                return packaged(format!("status Q1: packaged beside {other}"));
            }
            // Of several that would each be paid alone, the one with the highest rate is, once.
            let rate = |t: &Option<Treated>| t.as_ref().and_then(|t| t.row).and_then(|r| r.rate);
            let higher = (0..items.len()).find(|&o| {
                let rival = items[o].line.date == line.date && all[o].as_ref().is_some_and(|t| t.status == "Q1");
                o != n && rival && (rate(&all[o]) > rate(&all[n]) || (rate(&all[o]) == rate(&all[n]) && o < n))
            });
            if let Some(other) = higher {
                return packaged(format!("status Q1: packaged beside {}", items[other].line.code));
            }
            units = 1;
        }
        "Q2" => {
            if let Some(other) = with_status(&["T"]) {
                return packaged(format!("status Q2: packaged beside {other}"));
            }
        }
        "S" | "T" | "V" | "P" | "R" | "K" | "K1" | "G" | "H" | "H1" | "U" | "J2" | "Q3" => {}
        "J1" => return Price::silent(table, "status J1: a comprehensive APC, which is not computed"),
        "A" => return Price::silent(table, "status A: paid by another fee schedule"),
        "F" | "L" => return Price::silent(table, format!("status {}: paid at cost", own.status)),
        "B" | "C" | "E1" | "E2" | "M" | "Y" => return packaged(format!("status {}: not paid under OPPS", own.status)),
        other => return Price::silent(table, format!("status {other}: not computed here")),
    }
    let Some(row) = own.row else {
        let why = pricer.missing(Kind::AddendumB, line.date.0).why;
        return Price::none(format!("{why}; status {} (built-in, {})", own.status, built_in().opps_dated));
    };
    let Some(rate) = row.rate else {
        return Price::silent(table, format!("status {}: the table has no rate", own.status));
    };
    let apc = row.apc.as_deref().unwrap_or("none");
    // Drugs, blood and brachytherapy sources are paid by the unit and not by the place.
    let by_place = !matches!(own.status, "K" | "K1" | "G" | "R" | "U" | "H" | "H1");
    let mut exact = rate;
    let mut how = format!("status {}, APC {apc}, rate {rate}", own.status);
    if let (Some(index), true) = (pricer.basis.wage_index, by_place) {
        exact *= Decimal::new(60, 2) * index + Decimal::new(40, 2);
        how.push_str(&format!(", wage index {index}"));
    }
    let drug_administration = DRUG_ADMINISTRATION.contains(&apc);
    if let (Some(share), true) = (off_campus_share(pricer, line.date.0, drug_administration), by_place) {
        exact *= share;
        how.push_str(&format!(", {} % off campus", (share * Decimal::ONE_HUNDRED).normalize()));
    }
    if units < line.units {
        how.push_str(", paid once");
    }
    // A drug's rate has tenths of a cent: its units are multiplied before anything is rounded.
    let unit = if by_place { Dollars::round(exact).decimal() } else { exact };
    Price::by(table, Dollars::round(unit * Decimal::from(units)), format!("{units} × {unit}: {how}"))
}

/// The share of the rate that a department off campus gets; `None` for the whole.
fn off_campus_share(pricer: &Pricer, date: Date, drug_administration: bool) -> Option<Decimal> {
    match pricer.off_campus? {
        OffCampus::Excepted => (drug_administration && date >= EXCEPTED_REDUCED_FROM).then(|| Decimal::new(40, 2)),
        OffCampus::NonExcepted if date >= PRESENT_SHARE_FROM => Some(Decimal::new(40, 2)),
        OffCampus::NonExcepted => (date >= OTHERS_REDUCED_FROM).then(|| Decimal::new(50, 2)),
    }
}
