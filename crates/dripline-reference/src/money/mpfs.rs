//! A professional claim: relative values × conversion factor × geographic indices, and drugs at their ASP limit.

use rust_decimal::Decimal;

use super::{Dollars, Item, Price, Pricer};
use crate::tables::{Gpci, Kind, Rvu};

pub(super) fn price(pricer: &Pricer, items: &[Item]) -> Vec<Price> {
    items.iter().map(|item| one(pricer, items, item)).collect()
}

fn one(pricer: &Pricer, items: &[Item], item: &Item) -> Price {
    let line = &item.line;
    let quarter = pricer.tables.quarter(line.date.0);
    if item.drug {
        let Some(asp) = pricer.tables.asp(line.date.0) else { return pricer.missing(Kind::Asp, line.date.0) };
        let table = (Kind::Asp, quarter);
        return match asp.find(&line.code).map(|row| row.limit) {
            None => Price::silent(table, "the table does not have the code"),
            Some(None) => Price::silent(table, "the contractor prices it"),
            Some(Some(limit)) => {
                let amount = Dollars::round(limit * Decimal::from(line.units));
                Price::by(table, amount, format!("{} × limit {limit}", line.units))
            }
        };
    }
    let Some(values) = pricer.tables.rvu(line.date.0) else { return pricer.missing(Kind::Rvu, line.date.0) };
    let table = (Kind::Rvu, quarter);
    let Some(row) = values.find(&line.code, "") else {
        return Price::silent(table, "the table does not have the code");
    };
    match row.status.as_str() {
        "A" | "R" => {}
        "T" => {
            let beside = items.iter().find(|other| {
                other.line.code != line.code
                    && other.line.date == line.date
                    && !other.drug
                    && values.find(&other.line.code, "").is_some_and(|r| matches!(r.status.as_str(), "A" | "R"))
            });
            if let Some(other) = beside {
                let why = format!("status T: paid only alone, and {} is paid that day", other.line.code);
                return Price::by(table, Dollars::ZERO, why);
            }
        }
        "B" | "P" => {
            return Price::by(table, Dollars::ZERO, format!("status {}: paid within another service", row.status));
        }
        "C" => return Price::silent(table, "status C: the contractor prices it"),
        other => return Price::by(table, Dollars::ZERO, format!("status {other}: not paid by this fee schedule")),
    }
    if pricer.in_facility && row.pctc == "5" {
        return Price::by(
            table,
            Dollars::ZERO,
            "incident to a physician's work: not paid where the place is a facility",
        );
    }
    let national = Gpci {
        state: String::new(),
        locality: String::new(),
        mac: String::new(),
        name: String::new(),
        work: Decimal::ONE,
        practice_expense: Decimal::ONE,
        malpractice: Decimal::ONE,
    };
    let indices = match &pricer.basis.locality {
        None => &national,
        Some((state, locality)) => {
            let Some(indices) = pricer.tables.gpci(line.date.0) else { return pricer.missing(Kind::Gpci, line.date.0) };
            match indices.find(state, locality) {
                Some(found) => found,
                None => {
                    return Price::silent(
                        (Kind::Gpci, quarter),
                        format!("the table has no locality {state} {locality}"),
                    );
                }
            }
        }
    };
    let (unit, how) = unit(row, indices, pricer.in_facility);
    let amount = Dollars::round(unit.decimal() * Decimal::from(line.units));
    Price::by(table, amount, format!("{} × {unit}, one unit being {how}", line.units))
}

/// What one unit is paid: rounded to cents before it is multiplied, as the fee schedule is published.
fn unit(row: &Rvu, indices: &Gpci, in_facility: bool) -> (Dollars, String) {
    let expense = if in_facility { row.pe_facility } else { row.pe_nonfacility };
    let exact = (row.work * indices.work + expense * indices.practice_expense + row.malpractice * indices.malpractice)
        * row.conversion_factor;
    let how = format!(
        "(work {} × {} + expense {expense} × {} + malpractice {} × {}) × factor {}",
        row.work, indices.work, indices.practice_expense, row.malpractice, indices.malpractice, row.conversion_factor
    );
    (Dollars::round(exact), how)
}
