//! What a coded claim is worth by published tables: an estimate, line by line, each with its table.
//!
//! Off unless asked for. Money reads a finished coding and is read by nothing: it orders no question, stands in no
//! `ask` and is no reason for a code. Where a comparison is possible, with what was billed or with another reading of
//! the rules, gain and loss are both counted.
//!
//! A professional claim is priced by the physician fee schedule and the ASP limits, a hospital's by OPPS, and either by
//! the user's own price list. Only the table of the date's quarter is used; where it is not stored the line has no
//! amount and says why. Amounts are exact decimals, rounded to cents, half away from zero: a line, and before it is
//! multiplied one unit of a service, but not one of a drug.

mod mpfs;
mod opps;

use std::fmt;

use dripline::SmolStr;
use dripline::chart::{Chart, OffCampus, Setting, SwitchValue};
use dripline::coding::{ChartDate, Coding, ServiceVerdict, ShortLine};
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Serialize, Serializer};

use crate::resolve::Resolved;
use crate::tables::{InForce, Kind, Quarter};

/// An amount of US dollars in whole cents; written as `12.30`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dollars(Decimal);

impl Dollars {
    /// Nothing.
    pub const ZERO: Dollars = Dollars(Decimal::ZERO);

    /// Rounds to cents, half away from zero.
    #[must_use]
    pub fn round(exact: Decimal) -> Self {
        Dollars(exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
    }

    /// The number.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        self.0
    }

    fn plus(self, other: Dollars) -> Dollars {
        Dollars(self.0 + other.0)
    }

    fn minus(self, other: Dollars) -> Dollars {
        Dollars(self.0 - other.0)
    }
}

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.2}", self.0))
    }
}

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// By which prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Prices {
    /// Medicare's fee schedule, OPPS and ASP limits.
    #[default]
    Medicare,
    /// The user's own price list: the imported charge master.
    Own,
}

/// How an estimate is to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// By which prices.
    pub prices: Prices,
    /// State and locality of the fee schedule, as `("AL", "00")`; national amounts without.
    pub locality: Option<(String, String)>,
    /// The hospital's wage index; without one nothing is adjusted.
    pub wage_index: Option<Decimal>,
    /// Sequestration in per cent of the payer's part; without it none is taken off.
    pub sequestration: Option<Decimal>,
}

/// What a claim is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Money {
    /// The case.
    pub case: String,
    /// By which prices.
    pub prices: Prices,
    /// Always `USD`.
    pub currency: &'static str,
    /// Each line of the claim.
    pub lines: Vec<MoneyLine>,
    /// Sum of the lines that have an amount.
    pub total: Dollars,
    /// Number of lines that have none.
    pub without_amount: usize,
    /// What is left of the total after sequestration, where it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_sequestration: Option<Dollars>,
    /// Beside what was billed, where the case says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billed: Option<BesideBilled>,
    /// What the other readings of the rules would change, up or down.
    pub alternatives: Vec<AlternativeMoney>,
    /// What the estimate leaves out.
    pub limits: Vec<String>,
}

/// What one line is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MoneyLine {
    /// Code.
    pub code: SmolStr,
    /// Units.
    pub units: u64,
    /// Modifiers.
    pub modifiers: Vec<SmolStr>,
    /// Date of service.
    pub date: ChartDate,
    /// Dollars; none where no table gives them.
    pub amount: Option<Dollars>,
    /// The table and its quarter.
    pub table: Option<String>,
    /// First date on which the table holds.
    pub table_from: Option<ChartDate>,
    /// How the amount comes about, or why there is none.
    pub why: String,
}

/// Earned and billed beside each other, both ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BesideBilled {
    /// Earned and not billed.
    pub earned_not_billed: Dollars,
    /// Billed and not earned.
    pub billed_not_earned: Dollars,
    /// The first less the second.
    pub net: Dollars,
    /// Codes that are left out because one side has no amount.
    pub left_out: Vec<String>,
}

/// What another value of a switch would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlternativeMoney {
    /// Switch.
    pub switch: SmolStr,
    /// Value.
    pub value: SwitchValue,
    /// More (positive) or less (negative); none where a line that differs has no amount.
    pub difference: Option<Dollars>,
}

/// A line that is to be priced.
#[derive(Clone, Debug)]
struct Item {
    line: ShortLine,
    drug: bool,
}

/// What a table says of a line.
struct Price {
    amount: Option<Dollars>,
    table: Option<(Kind, Quarter)>,
    why: String,
}

impl Price {
    fn none(why: impl Into<String>) -> Self {
        Price { amount: None, table: None, why: why.into() }
    }

    fn by(table: (Kind, Quarter), amount: Dollars, why: impl Into<String>) -> Self {
        Price { amount: Some(amount), table: Some(table), why: why.into() }
    }

    fn silent(table: (Kind, Quarter), why: impl Into<String>) -> Self {
        Price { amount: None, table: Some(table), why: why.into() }
    }
}

/// Whose prices, and where.
struct Pricer<'a> {
    basis: &'a Basis,
    tables: &'a InForce,
    setting: Setting,
    /// A practitioner's claim for work in a facility.
    in_facility: bool,
    off_campus: Option<OffCampus>,
}

/// A number as it is typed: digits, and places behind a point.
#[must_use]
pub fn number(text: &str) -> Option<Decimal> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| text.parse().ok()).flatten()
}

/// Estimates what a coding is worth.
///
/// Whoever prints it asks [`InForce::failed`] of the resolved case first: a table that cannot be read gives no amount.
#[must_use]
pub fn estimate(chart: &Chart, coding: &Coding, resolved: &Resolved, basis: &Basis) -> Money {
    let pricer = Pricer {
        basis,
        tables: &resolved.tables,
        setting: coding.setting,
        in_facility: coding.setting == Setting::Office && resolved.case.facility_place,
        off_campus: chart.off_campus,
    };
    let services = |kept: &dyn Fn(usize) -> (bool, Option<SmolStr>)| -> Vec<Item> {
        (0..coding.services.len())
            .filter_map(|n| {
                let (stands, modifier) = kept(n);
                let charted = &chart.services[n];
                let mut modifiers = charted.modifiers.clone();
                modifiers.extend(modifier);
                stands.then(|| Item {
                    line: ShortLine {
                        code: charted.code.to_ascii_uppercase().into(),
                        units: u64::from(charted.units.unwrap_or(1)),
                        modifiers,
                        date: ChartDate(resolved.case.services[n].day.date()),
                    },
                    drug: false,
                })
            })
            .collect()
    };
    let own_services = || {
        services(&|n| {
            let s = &coding.services[n];
            (s.verdict != ServiceVerdict::Included, s.modifier.clone())
        })
    };
    let items = |lines: Vec<ShortLine>, drugs: Vec<ShortLine>, services: Vec<Item>| -> Vec<Item> {
        let lines = lines.into_iter().map(|line| Item { line, drug: false });
        lines.chain(drugs.into_iter().map(|line| Item { line, drug: true })).chain(services).collect()
    };
    let drugs = || coding.drug_lines.iter().map(|l| l.short()).collect::<Vec<_>>();
    let claim = items(coding.lines.iter().map(|l| l.short()).collect(), drugs(), own_services());
    let lines = pricer.price(&claim);
    let total = sum(&lines);
    let alternatives = coding
        .alternatives
        .iter()
        .map(|a| {
            let other_services = match &a.services {
                None => own_services(),
                Some(list) => services(&|n| {
                    let of = list.iter().find(|s| s.id == coding.services[n].id);
                    (of.is_some_and(|s| s.verdict != ServiceVerdict::Included), of.and_then(|s| s.modifier.clone()))
                }),
            };
            let other = items(a.lines.clone(), a.drug_lines.clone().unwrap_or_else(drugs), other_services);
            AlternativeMoney {
                switch: a.switch.clone(),
                value: a.value.clone(),
                difference: difference(&lines, &pricer.price(&other)),
            }
        })
        .collect();
    let billed = (!chart.billed.is_empty()).then(|| {
        let first = coding.rule_set.as_of.0;
        let drug = |code: &str| coding.drug_lines.iter().any(|d| d.hcpcs == code) || code.starts_with(['J', 'Q']);
        let billed: Vec<Item> = chart
            .billed
            .iter()
            .map(|b| Item {
                drug: drug(&b.code.to_ascii_uppercase()),
                line: ShortLine {
                    code: b.code.to_ascii_uppercase().into(),
                    units: u64::from(b.units),
                    modifiers: b.modifiers.clone(),
                    date: ChartDate(b.date.unwrap_or(first)),
                },
            })
            .collect();
        beside(&lines, &pricer.price(&billed))
    });
    let after_sequestration = basis.sequestration.filter(|_| basis.prices == Prices::Medicare).map(|per_cent| {
        let part = Decimal::new(80, 2) * per_cent / Decimal::ONE_HUNDRED;
        Dollars::round(total.0 - total.0 * part)
    });
    Money {
        case: coding.case.clone(),
        prices: basis.prices,
        currency: "USD",
        total,
        without_amount: lines.iter().filter(|l| l.amount.is_none()).count(),
        after_sequestration,
        billed,
        alternatives,
        limits: pricer.limits(&lines),
        lines,
    }
}

fn sum(lines: &[MoneyLine]) -> Dollars {
    lines.iter().filter_map(|l| l.amount).fold(Dollars::ZERO, Dollars::plus)
}

/// Lines that have no amount must be the same on both sides for the difference to be known.
fn difference(now: &[MoneyLine], then: &[MoneyLine]) -> Option<Dollars> {
    let unknown = |lines: &[MoneyLine]| {
        let mut list: Vec<(SmolStr, u64, ChartDate)> =
            lines.iter().filter(|l| l.amount.is_none()).map(|l| (l.code.clone(), l.units, l.date)).collect();
        list.sort();
        list
    };
    (unknown(now) == unknown(then)).then(|| sum(then).minus(sum(now)))
}

/// By code: what is earned and not billed, and what is billed and not earned.
fn beside(earned: &[MoneyLine], billed: &[MoneyLine]) -> BesideBilled {
    let mut codes: Vec<&str> = earned.iter().chain(billed).map(|l| l.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let (mut under, mut over, mut left_out) = (Dollars::ZERO, Dollars::ZERO, Vec::new());
    for code in codes {
        let of = |lines: &[MoneyLine]| {
            let own = lines.iter().filter(|l| l.code == code);
            own.map(|l| l.amount).try_fold(Dollars::ZERO, |s, a| a.map(|a| s.plus(a)))
        };
        match (of(earned), of(billed)) {
            (Some(e), Some(b)) if e >= b => under = under.plus(e.minus(b)),
            (Some(e), Some(b)) => over = over.plus(b.minus(e)),
            _ => left_out.push(code.to_owned()),
        }
    }
    BesideBilled { earned_not_billed: under, billed_not_earned: over, net: under.minus(over), left_out }
}

impl Pricer<'_> {
    /// Prices the lines of a claim: together, for some are paid only alone.
    fn price(&self, items: &[Item]) -> Vec<MoneyLine> {
        let prices: Vec<Price> = match (self.basis.prices, self.setting) {
            (Prices::Own, _) => items.iter().map(|i| self.own(&i.line)).collect(),
            (Prices::Medicare, Setting::Office) => mpfs::price(self, items),
            (Prices::Medicare, Setting::Facility) => opps::price(self, items),
        };
        items
            .iter()
            .zip(prices)
            .map(|(item, price)| MoneyLine {
                code: item.line.code.clone(),
                units: item.line.units,
                modifiers: item.line.modifiers.clone(),
                date: item.line.date,
                amount: price.amount,
                table: price.table.map(|(kind, quarter)| format!("{kind} {quarter}")),
                table_from: price.table.map(|(_, quarter)| ChartDate(quarter.first_day())),
                why: price.why,
            })
            .collect()
    }

    /// Why there is no table of the date.
    fn missing(&self, kind: Kind, date: Date) -> Price {
        let quarter = self.tables.quarter(date);
        let stored: Vec<String> = self.tables.quarters(kind).iter().map(Quarter::to_string).collect();
        let stored = if stored.is_empty() { String::new() } else { format!(" (stored: {})", stored.join(", ")) };
        Price::none(format!("no table of {quarter}, {}, is loaded{stored}", kind.label()))
    }

    fn own(&self, line: &ShortLine) -> Price {
        let Some((quarter, list)) = self.tables.charges(line.date.0) else {
            return Price::none("no price list is loaded");
        };
        let table = (Kind::Charges, quarter);
        let rows = list.find(&line.code);
        let with = line.modifiers.concat();
        let exact = rows.iter().any(|r| !r.modifiers.is_empty() && r.modifiers == with);
        let wanted = if exact { with.as_str() } else { "" };
        let mut prices: Vec<Decimal> = rows.iter().filter(|r| r.modifiers == wanted).map(|r| r.price).collect();
        prices.sort_unstable();
        prices.dedup();
        match prices.as_slice() {
            [] => Price::silent(table, "the price list does not have the code"),
            [zero] if zero.is_zero() => Price::silent(table, "the list has the code at zero: it is priced elsewhere"),
            [price] => {
                let amount = Dollars::round(price * Decimal::from(line.units));
                Price::by(table, amount, format!("{} × {price}", line.units))
            }
            several => Price::silent(table, format!("the list has {} prices for the code", several.len())),
        }
    }

    fn limits(&self, lines: &[MoneyLine]) -> Vec<String> {
        let mut limits: Vec<String> = Vec::new();
        let mut say = |text: &str| limits.push(text.to_owned());
        if self.basis.prices == Prices::Own {
            say("The amounts are the list's own prices, not payments.");
            return limits;
        }
        say("An estimate of what Medicare allows, the patient's share included; no promise of payment.");
        match self.setting {
            Setting::Office => {
                match &self.basis.locality {
                    None => say("National amounts: the geographic indices are taken as 1."),
                    Some((state, locality)) => say(&format!("Geographic indices of {state} {locality}.")),
                }
                say("The conversion factor is that of practitioners outside qualifying payment models.");
                say("Modifiers change no amount here.");
            }
            Setting::Facility => {
                say(
                    "No comprehensive APC, no composite APC, no outlier and no reduction of several procedures is computed.",
                );
                match self.basis.wage_index {
                    None => say("The wage index is not applied."),
                    Some(index) => say(&format!("A wage index of {index} is applied to 60 % of each APC rate.")),
                }
                if self.off_campus.is_some() && lines.iter().any(|l| l.why.contains("off campus")) {
                    say(
                        "Rural sole community hospitals are exempt from the reduced rate off campus; that is not known here.",
                    );
                }
            }
        }
        match self.basis.sequestration {
            None => say("Sequestration is not taken off."),
            Some(per_cent) => {
                say(&format!("Sequestration of {per_cent} % is taken off the payer's 80 % of the total."))
            }
        }
        limits
    }
}
