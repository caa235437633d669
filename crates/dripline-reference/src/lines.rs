//! Drug lines: doses added per day and code, rounded up to billing units, with what was thrown away.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use dripline::case::{Ix, NONE, OrderState, Row};
use dripline::chart::{
    Administration, Biller, Chart, Class, ContainerKind, Method, OffCampus, PumpEvent, Purpose, Setting, Status,
    Supplier,
};
use dripline::coding::{Addressee, Assumption, ChartDate, DrugLine, ShortLine};
use dripline::policy::{Modifier340b, Policy, SubUnitWasteModifier, Switch, UnitRounding, WasteLines};
use dripline::rule::RuleId as R;
use dripline::{SmolStr, ToSmolStr as _, format_smolstr};
use jiff::civil::Date;

use crate::answer::MOST_FOR_ALTERNATIVES;
use crate::answer::ask::describe;
use crate::dose::{Amount, Kind, Ratio, Strength};
use crate::formulary::{Entry, Formulary};
use crate::resolve::{Choice, Question, Resolved, choose, unknown_name};
use crate::tables::{Kind as Table, Ndc, Quarter};

/// The drug lines of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrugLines {
    /// By HCPCS, date, NDC, modifiers.
    pub lines: Vec<DrugLine>,
    /// What was taken for granted.
    pub assumptions: Vec<Assumption>,
    /// What is missing.
    pub questions: Vec<Question>,
    /// Rules that kept an administration without a drug line.
    pub noted: Vec<(Ix, R)>,
    /// Reference tables that decided something.
    pub tables: BTreeSet<(Table, Quarter)>,
    /// Policy switches that had a part: others change nothing.
    pub consulted: BTreeSet<Switch>,
}

/// Works out the drug lines.
///
/// Purpose, order, status, date and setting are read from the resolved case and not from the chart, so that an answer
/// can be tried out on the case.
#[must_use]
pub fn drug_lines(chart: &Chart, resolved: &Resolved, policy: &Policy, formulary: &Formulary) -> DrugLines {
    let ctx = Ctx { chart, resolved, policy, formulary };
    if ctx.elsewhere() {
        return DrugLines::default();
    }
    let mut open = Open::default();
    let parts = ctx.parts(&Answer::None, &mut open);
    let lines = ctx.lines(parts.iter().collect(), &mut open);
    let questions = ctx.questions(&open, &parts, &lines);
    DrugLines {
        lines: lines.into_iter().map(|l| ctx.written(l)).collect(),
        assumptions: open.assumptions,
        questions,
        noted: open.noted,
        tables: open.tables,
        consulted: open.consulted,
    }
}

/// The drug lines alone, without reasons and what was assumed or is missing: for answers and readings that are tried
/// out.
#[must_use]
pub fn short_drug_lines(chart: &Chart, resolved: &Resolved, policy: &Policy, formulary: &Formulary) -> Vec<ShortLine> {
    let ctx = Ctx { chart, resolved, policy, formulary };
    if ctx.elsewhere() {
        return Vec::new();
    }
    let mut open = Open::of_trial();
    let parts = ctx.parts(&Answer::None, &mut open);
    ctx.lines(parts.iter().collect(), &mut open).iter().map(Billed::short).collect()
}

/// From when Medicare asks for JW on what was thrown away.
const JW_FROM: Date = Date::constant(2017, 1, 1);
/// What a container may hold, at most, of what its label says: eleven tenths.
const OVERFILL: (u64, u64) = (11, 10);
/// From when Medicare asks for JZ where nothing was.
const JZ_FROM: Date = Date::constant(2023, 7, 1);
/// From when hospitals mark drugs of the 340B programme.
const MODIFIER_340B_FROM: Date = Date::constant(2018, 1, 1);
/// From when one modifier serves all 340B drugs.
const TB_FROM: Date = Date::constant(2025, 1, 1);

/// Units that a line of an institutional claim holds, and lines that the claim has.
const INSTITUTIONAL: (u64, u64) = (9_999_999, 999);
/// Lines of a professional claim; what each holds is a payer's and stands in the policy.
const PROFESSIONAL_LINES: u64 = 50;
/// What the smallest of the documented fields holds, that of the paper form.
const SMALLEST: u64 = 999;

#[derive(Clone, Copy)]
struct Ctx<'a> {
    chart: &'a Chart,
    resolved: &'a Resolved,
    policy: &'a Policy,
    formulary: &'a Formulary,
}

/// What the lines of a code and date add up to so far: together, and each ordered dose.
#[derive(Default)]
struct Sums {
    day: Ratio,
    doses: BTreeMap<Ix, Ratio>,
}

/// An answer that is tried out.
#[derive(Clone, Debug)]
enum Answer {
    None,
    /// These rows were this product.
    Product(Vec<Ix>, u32),
    /// One container of this product was opened for the row.
    Size(Ix, u32),
    /// As much of this row was given as one unit holds.
    Dose(Ix),
    /// What stands uncharted came out of such containers.
    Containers(Holding),
    /// What stands uncharted came out of single-dose containers, each with a unit left that was thrown away.
    Discard,
    /// What became of the rest in the single-dose containers of these rows.
    Rest(Vec<Ix>, Rest),
}

/// What became of the rest in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// It was thrown away.
    Discarded,
    /// It was not.
    Kept,
    /// There was none: the containers held what was charted as given and as thrown away.
    Nothing,
}

/// What does not agree between the containers charted and what was taken out of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Odd {
    /// They hold more than was given.
    More,
    /// They hold more than was given and thrown away, by a whole container.
    MoreWithWaste,
    /// They hold less than was given.
    Less,
    /// They hold what was given, but not also what was thrown away.
    LessWithWaste,
}

/// What is still open after the chart was read.
#[derive(Default)]
struct Open {
    /// An answer is tried out: nobody reads what is assumed on the way.
    tried: bool,
    assumptions: Vec<Assumption>,
    /// Rows of one name whose product is not known, with the rows of the table among which it lies.
    products: Vec<(Vec<Ix>, Vec<u32>)>,
    /// Rows of a product coded by size whose containers are not known.
    sizes: Vec<(Ix, Vec<u32>)>,
    /// Rows without an amount that can be counted.
    doses: Vec<Ix>,
    /// Rows whose containers are not charted.
    containers: Vec<Ix>,
    /// Rows whose containers hold more than was charted, or less.
    rests: Vec<(Vec<Ix>, Odd)>,
    /// Rules that kept a row without a line.
    noted: Vec<(Ix, R)>,
    /// Reference tables that decided something.
    tables: BTreeSet<(Table, Quarter)>,
    /// Policy switches that had a part.
    consulted: BTreeSet<Switch>,
}

impl Open {
    fn of_trial() -> Self {
        Open { tried: true, ..Open::default() }
    }

    fn consult(&mut self, switch: Switch) {
        if !self.tried {
            self.consulted.insert(switch);
        }
    }

    fn assume(&mut self, make: impl FnOnce() -> Assumption) {
        if !self.tried {
            self.assumptions.push(make());
        }
    }

    fn cite(&self, rules: &mut Vec<R>, rule: R) {
        if !self.tried {
            rules.push(rule);
        }
    }
}

/// What the dose came out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holding {
    /// Single-dose containers.
    Single,
    /// Multi-dose containers.
    Multi,
    /// Not charted.
    Uncharted,
    /// No drug to which the rules of waste apply.
    Exempt,
}

/// What amounts of one product come to in units of its code.
#[derive(Clone, Copy)]
struct Measure<'e> {
    /// One unit of the code.
    unit: Amount,
    strength: Option<&'e Strength>,
    /// Units in a millilitre, by the crosswalk's row of the package.
    in_millilitre: Option<Ratio>,
}

impl Measure<'_> {
    fn units(&self, amount: Amount) -> Option<Ratio> {
        self.by_label(amount).or_else(|| amount.units_of(&ONE_ML, None).ok()?.times(self.in_millilitre?))
    }

    /// Without the crosswalk.
    fn by_label(&self, amount: Amount) -> Option<Ratio> {
        amount.units_of(&self.unit, self.strength).ok()
    }
}

/// One administration's share of a drug line.
#[derive(Clone)]
struct Part<'a> {
    row: Ix,
    code: &'a str,
    unit: Amount,
    date: Date,
    ndc: Option<&'a str>,
    /// Given, in units of the code.
    given: Ratio,
    /// The charted text of what was given.
    shown: Cow<'a, str>,
    /// One unit of the code in the measure of the NDC, and the measure.
    ndc_measure: Option<(Ratio, &'static str)>,
    holding: Holding,
    /// Labelled content of the single-dose containers, in units of the code.
    content: Ratio,
    /// Charted discard, in units of the code.
    wasted: Option<Ratio>,
    /// JA or JB.
    by_route: Option<&'static str>,
    /// JG or TB.
    by_programme: Option<&'static str>,
    /// Number of the ordered dose that it is part of.
    dose: Ix,
}

impl<'a> Part<'a> {
    /// Parts with one key stand on one line, in the order of the keys.
    fn key(&self) -> impl Ord + use<'a> {
        (self.code, self.date, self.holding, Reverse(self.ndc), self.by_route, self.by_programme)
    }
}

/// Modifiers in the order in which they stand: by route, what was thrown away, by programme, off campus.
#[derive(Clone, Copy)]
struct Modifiers([Option<&'static str>; 4]);

impl Modifiers {
    fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied().flatten()
    }
}

/// A drug line before it is written: of one that is tried out nobody reads more than what it bills, and its rows, rules
/// and reason stay empty.
#[derive(Clone)]
struct Billed<'a> {
    code: &'a str,
    units: u64,
    modifiers: Modifiers,
    date: Date,
    ndc: Option<&'a str>,
    /// How much of the NDC, and its measure.
    quantity: Option<(Ratio, &'static str)>,
    rows: Vec<Ix>,
    rules: Vec<R>,
    why: String,
}

impl Billed<'_> {
    fn short(&self) -> ShortLine {
        ShortLine {
            code: self.code.into(),
            units: self.units,
            modifiers: self.modifiers.iter().map(SmolStr::new_static).collect(),
            date: ChartDate(self.date),
        }
    }
}

fn path(row: Ix, key: &str) -> Cow<'static, str> {
    format!("administrations[{row}].{key}").into()
}

impl<'a> Ctx<'a> {
    fn on(&self, rule: R) -> bool {
        #[cfg(feature = "rule-off")]
        return self.resolved.off != Some(rule);
        #[cfg(not(feature = "rule-off"))]
        {
            let _ = rule;
            true
        }
    }

    /// Is the drug on no claim of this kind: an inpatient's, or a practitioner's from a facility?
    fn elsewhere(&self) -> bool {
        let case = &self.resolved.case;
        case.inpatient || (case.billed_by == Some(Biller::Practitioner) && case.facility_place)
    }

    /// Was it given after the order that made the patient an inpatient?
    fn admitted(&self, row: &Row) -> bool {
        let case = &self.resolved.case;
        let at = row.start.unwrap_or_else(|| case.clock.midnight(row.day));
        case.inpatient_order.is_some_and(|order| at >= order) && self.on(R::InpatientExcluded)
    }

    fn charted(&self, row: Ix) -> &'a Administration {
        &self.chart.administrations[row as usize]
    }

    fn entry(&self, row: u32) -> &'a Entry {
        self.formulary.entry(row)
    }

    /// Is there a drug line for the row at all?
    fn billable(&self, row: &Row) -> bool {
        // Taking a pump off gives nothing.
        let taken_off = row.pump.is_some_and(|p| p.event == Some(PumpEvent::Disconnect));
        row.given
            && !taken_off
            && !self.admitted(row)
            && row.order != OrderState::Absent
            && !matches!(
                row.purpose,
                Purpose::SelfAdministered | Purpose::Kvo | Purpose::Flush | Purpose::Diluent | Purpose::Carrier
            )
    }

    fn parts(&self, answer: &Answer, open: &mut Open) -> Vec<Part<'a>> {
        let mut parts = Vec::with_capacity(self.resolved.case.rows.len());
        let mut no_supplier = false;
        for (i, row) in self.resolved.case.rows.iter().enumerate() {
            let i = i as Ix;
            // Waste that looking at the patient first would have prevented is nobody's to bill.
            let spoilt =
                !row.given && self.charted(i).wasted.is_some() && self.charted(i).status == Some(Status::NotGiven);
            if spoilt && self.on(R::AvoidableWaste) {
                open.noted.push((i, R::AvoidableWaste));
            }
            if !self.billable(row) && (!spoilt || self.on(R::AvoidableWaste)) {
                continue;
            }
            match self.charted(i).supplied_by {
                Some(Supplier::Patient | Supplier::Pharmacy | Supplier::Manufacturer)
                    if self.on(R::NonpatientPurchased) =>
                {
                    open.noted.push((i, R::NonpatientPurchased));
                    continue;
                }
                None => no_supplier = true,
                _ => {}
            }
            self.row(i, row, answer, open, &mut parts);
        }
        if no_supplier && !parts.is_empty() {
            open.assume(|| Assumption {
                path: "administrations[*].supplied_by".into(),
                took: Supplier::Biller.as_str().into(),
                why: "who bought the drug is not stated".into(),
            });
        }
        parts
    }

    fn row(&self, i: Ix, row: &Row, answer: &Answer, open: &mut Open, parts: &mut Vec<Part<'a>>) {
        let a = self.charted(i);
        let drug = &self.resolved.drugs[i as usize];
        let on = self.given_on(row);
        let none = |open: &mut Open, why: &dyn Fn() -> String| {
            open.assume(|| Assumption { path: path(i, "hcpcs"), took: "no drug line".into(), why: why().into() });
        };
        let dose = drug.dose;
        if let (Some(code), None) = (&drug.hcpcs, drug.hcpcs.as_deref().and_then(|c| self.formulary.by_hcpcs(c))) {
            // A vaccine's product code counts doses, and one is given at a time.
            if row.class == Class::Vaccine && code.bytes().all(|b| b.is_ascii_digit()) {
                if a.dose.is_some() || matches!(answer, Answer::Dose(of) if *of == i) {
                    let measure = Measure { unit: ONE_DOSE, strength: None, in_millilitre: None };
                    parts.push(self.part(i, row, code, measure, Ratio::whole(1), None, answer));
                } else {
                    open.doses.push(i);
                }
            } else if let Some((unit, table)) = self.billing_unit(i, code, on, open) {
                let measure = self.measure(i, row, code, unit, None, on);
                let given = match answer {
                    Answer::Dose(of) if *of == i => Some(Ratio::whole(1)),
                    _ => dose.and_then(|d| self.units(i, &measure, d, on, open)),
                };
                match given {
                    Some(given) if !given.is_zero() => {
                        open.assume(|| Assumption {
                            path: path(i, "hcpcs"),
                            took: unit.to_string().into(),
                            why: format!("{table} gives it as one unit of {code}").into(),
                        });
                        parts.push(self.part(i, row, code, measure, given, None, answer));
                    }
                    _ => open.doses.push(i),
                }
            } else {
                none(open, &|| format!("what one unit of {code} is stands in no loaded table"));
            }
            return;
        }
        if drug.rows.is_empty() {
            match a.drug.as_deref().filter(|n| !n.trim().is_empty()) {
                Some(name) => none(open, &|| unknown_name(self.formulary, name)),
                None if drug.ndc.is_some() || a.rxnorm.is_some() => {
                    none(open, &|| "the identifier is in none of the loaded tables".into());
                }
                None => {}
            }
            return;
        }
        let mut choice = choose(self.formulary, &drug.rows, on, &drug.route, dose, self.resolved.dialysis);
        if choice.out_of_force && drug.hcpcs.is_some() {
            choice = self.successor(i, drug.rows[0], on, &drug.route, dose, open);
        }
        // C codes stand on hospital claims only.
        let hospital = self.resolved.case.setting == Setting::Facility;
        let coded = |r: &u32| {
            let code = self.entry(*r).hcpcs.as_deref();
            !choice.out_of_force && code.is_some_and(|c| hospital || !c.starts_with('C'))
        };
        let mut rows: Vec<u32> = choice.rows.iter().copied().filter(coded).collect();
        match answer {
            Answer::Product(of, product) if of.contains(&i) => rows = vec![*product],
            Answer::Size(of, product) if *of == i => rows = vec![*product],
            _ => {}
        }
        if rows.is_empty() {
            let name = self.entry(drug.rows[0]).name.as_str();
            none(open, &|| {
                if choice.out_of_force {
                    format!("no code for {name} in the table of drugs is in force on {on}")
                } else {
                    format!("{name} has no code of its own in the table of drugs for this claim")
                }
            });
            return;
        }
        // The codes of what is injected are not those of tablets, drops or sprays.
        if not_injected(&drug.route) && !rows.iter().any(|r| self.entry(*r).routes.contains(&drug.route)) {
            none(open, &|| format!("no code for {} in the table of drugs is for that route", self.entry(rows[0]).name));
            return;
        }
        if choice.other_route {
            let entry = self.entry(rows[0]);
            none(open, &|| {
                let code = entry.hcpcs.as_deref().unwrap_or_default();
                format!("the words of {code} name another route: {}", entry.code_routes.join(", "))
            });
            return;
        }
        self.assume_choice(i, &rows, &choice, on, open);
        if rows.len() > 1 {
            if rows.iter().all(|r| self.entry(*r).package) {
                self.packages(i, row, &rows, dose, answer, open, parts);
            } else {
                match open.products.iter_mut().find(|p| p.1 == rows) {
                    Some(p) => p.0.push(i),
                    None => open.products.push((vec![i], rows)),
                }
            }
            return;
        }
        let entry = self.entry(rows[0]);
        let (Some(code), Some(mut unit)) = (entry.hcpcs.as_deref(), entry.unit) else { return };
        if a.hcpcs.is_some()
            && let Some((stated, table)) = self.billing_unit(i, code, on, open)
            && stated.units_of(&unit, None).is_ok_and(|n| n != Ratio::whole(1))
        {
            open.assume(|| Assumption {
                path: path(i, "hcpcs"),
                took: stated.to_string().into(),
                why: format!("{table} gives it as one unit of {code}; the table of drugs has {unit}").into(),
            });
            unit = stated;
        }
        let measure = self.measure(i, row, code, unit, entry.strength.as_ref(), on);
        let given = match answer {
            Answer::Dose(of) | Answer::Size(of, _) if *of == i => Some(Ratio::whole(1)),
            _ => self.given(i, row, entry, &measure, dose, open),
        };
        match given {
            Some(given) if !given.is_zero() => parts.push(self.part(i, row, code, measure, given, Some(entry), answer)),
            _ => open.doses.push(i),
        }
    }

    /// What one unit of a code is by the tables of the quarter, and which of them says so.
    fn billing_unit(&self, i: Ix, code: &str, on: Date, open: &mut Open) -> Option<(Amount, String)> {
        let tables = &self.resolved.tables;
        let quarter = tables.quarter(on);
        let asp = tables.asp(on).and_then(|t| t.find(code)).map(|row| (Table::Asp, row.dosage_text.clone()));
        let hcpcs = || {
            let row = tables.hcpcs(on)?.find(code)?;
            Some((Table::Hcpcs, row.dosage_text.clone()?))
        };
        let crosswalk = || Some((Table::Ndc, self.package(i, code, on)?.dosage_text.clone()));
        let (kind, text) = asp.or_else(hcpcs).or_else(crosswalk)?;
        let dosage = crate::tables::dosage::read(&text).ok()?;
        let unit = format!("{} {}", dosage.amount.normalize(), dosage.unit).parse().ok()?;
        open.tables.insert((kind, quarter));
        Some((unit, format!("the table of {quarter}, {},", kind.label())))
    }

    /// How amounts of a row's product are counted.
    fn measure<'e>(
        &self,
        i: Ix,
        row: &Row,
        code: &str,
        unit: Amount,
        strength: Option<&'e Strength>,
        on: Date,
    ) -> Measure<'e> {
        // The millilitres of an infusion may be those of its bag, unless it is charted what was opened.
        let undiluted = !matches!(row.method, None | Some(Method::Infusion | Method::Pump))
            || self.charted(i).containers.as_ref().is_some_and(|c| !c.is_empty());
        let package = self.package(i, code, on).filter(|_| undiluted);
        let in_millilitre = package.and_then(|package| {
            // A size of one is a powder, a whole piece, or a millilitre, and does not say which.
            let size = ratio(package.package_size).filter(|s| *s != Ratio::whole(1))?;
            ratio(package.bill_units)?.over(size)
        });
        Measure { unit, strength, in_millilitre }
    }

    /// The crosswalk's row for the package of a row's drug, in the quarter of the date.
    fn package(&self, i: Ix, code: &str, on: Date) -> Option<&'a Ndc> {
        let ndc = self.resolved.drugs[i as usize].ndc.as_deref()?;
        self.resolved.tables.ndc(on)?.find(ndc).iter().find(|r| r.code.to_string() == code)
    }

    /// A dose in units of the code, and a word where only the crosswalk says what a millilitre holds.
    fn units(&self, i: Ix, measure: &Measure, dose: Amount, on: Date, open: &mut Open) -> Option<Ratio> {
        let units = measure.units(dose)?;
        if measure.by_label(dose).is_none() {
            let quarter = self.resolved.tables.quarter(on);
            open.tables.insert((Table::Ndc, quarter));
            open.assume(|| Assumption {
                path: path(i, "dose"),
                took: format!(
                    "a millilitre holds {} of {}",
                    measure.in_millilitre.unwrap_or(Ratio::ZERO),
                    measure.unit
                )
                .into(),
                why: format!("the table of {quarter}, {}, has the package so", Table::Ndc.label()).into(),
            });
        }
        Some(units)
    }

    /// The code that stands for a charted one that is not in force on the date.
    fn successor(&self, i: Ix, old: u32, on: Date, route: &str, dose: Option<Amount>, open: &mut Open) -> Choice {
        let namesakes = self.formulary.namesakes(old);
        let mut choice = choose(self.formulary, &namesakes, on, route, dose, self.resolved.dialysis);
        match choice.rows.as_slice() {
            [one] if !choice.out_of_force => {
                let code = |row: u32| self.entry(row).hcpcs.clone().unwrap_or_default();
                open.assume(|| Assumption {
                    path: path(i, "hcpcs"),
                    took: code(*one).into(),
                    why: format!("{} is not in force on {on}", code(old)).into(),
                });
            }
            _ => {
                choice.rows.clear();
                choice.out_of_force = true;
            }
        }
        choice
    }

    fn assume_choice(&self, i: Ix, rows: &[u32], choice: &Choice, on: Date, open: &mut Open) {
        let [row] = rows else { return };
        let entry = self.entry(*row);
        if choice.change_date_unknown {
            open.assume(|| Assumption {
                path: path(i, "hcpcs"),
                took: entry.hcpcs.clone().unwrap_or_default().into(),
                why: format!(
                    "on {on} an older code may still have been in force; the day of the change is not known here"
                )
                .into(),
            });
        }
        let known = &self.resolved.drugs[i as usize].rows;
        if entry.dialysis == Some(false)
            && self.chart.diagnoses.is_empty()
            && known.iter().any(|r| self.entry(*r).dialysis == Some(true))
        {
            open.assume(|| Assumption {
                path: "diagnoses".into(),
                took: "not on dialysis".into(),
                why: "no diagnosis says that the patient is on dialysis".into(),
            });
        }
    }

    /// How much was given, in units of the code.
    fn given(
        &self,
        i: Ix,
        row: &Row,
        e: &Entry,
        measure: &Measure,
        dose: Option<Amount>,
        open: &mut Open,
    ) -> Option<Ratio> {
        let a = self.charted(i);
        if measure.unit.unit.kind == Kind::Doses {
            if let Some(n) = dose.and_then(|d| measure.by_label(d)) {
                return Some(n);
            }
            let one_of = |d: Amount| e.doses.iter().any(|o| d.units_of(o, None).is_ok_and(|n| n == Ratio::whole(1)));
            if row.class == Class::Vaccine && a.dose.is_some() {
                return Some(Ratio::whole(1));
            }
            return dose.filter(|d| one_of(*d)).map(|_| Ratio::whole(1));
        }
        if let Some(beside) = e.beside {
            return self.of_two(i, e, measure.unit, beside, open);
        }
        self.units(i, measure, dose?, self.given_on(row), open)
    }

    /// How much was given of a product of two components, of which the code counts one: where both amounts are charted,
    /// or where the one that is charted makes a dose of the product in one reading only.
    fn of_two(&self, i: Ix, e: &Entry, unit: Amount, beside: Amount, open: &mut Open) -> Option<Ratio> {
        let text = self.charted(i).dose.as_deref()?;
        let counted = |a: Amount| a.units_of(&unit, None).ok();
        if let Some((a, b)) = both_amounts(text) {
            let agree = |a: Amount, b: Amount| counted(a).filter(|n| b.units_of(&beside, None).ok() == Some(*n));
            return agree(a, b).or_else(|| agree(b, a));
        }
        let units = counted(self.resolved.drugs[i as usize].dose?)?;
        let share = counted(beside)?;
        let readings = [Some(units), units.over(share), Ratio::whole(1).plus(share).and_then(|both| units.over(both))];
        let mut doses = readings
            .into_iter()
            .zip(0..)
            .filter_map(|(n, at)| Some((n?, at)))
            .filter(|(n, _)| e.doses.iter().any(|d| counted(*d) == Some(*n)));
        let (given, reading) = doses.next().filter(|_| doses.next().is_none())?;
        if reading > 0 {
            open.assume(|| Assumption {
                path: path(i, "dose"),
                took: format!("{given} times {unit} of what the code counts").into(),
                why: format!(
                    "{text} is {} of {}, which comes in that dose",
                    if reading == 1 { "the other component" } else { "both components" },
                    e.name
                )
                .into(),
            });
        }
        Some(given)
    }

    /// A product that has a code for each size: by its containers, else by the one size equal to the dose.
    #[allow(clippy::too_many_arguments)]
    fn packages(
        &self,
        i: Ix,
        row: &Row,
        rows: &[u32],
        dose: Option<Amount>,
        answer: &Answer,
        open: &mut Open,
        parts: &mut Vec<Part<'a>>,
    ) {
        let a = self.charted(i);
        let one = |e: &Entry, size: Amount| {
            e.unit.is_some_and(|u| size.units_of(&u, e.strength.as_ref()).is_ok_and(|n| n == Ratio::whole(1)))
        };
        let by_size = |size: Amount| {
            let mut fits = rows.iter().copied().filter(|r| one(self.entry(*r), size));
            fits.next().filter(|_| fits.next().is_none())
        };
        let mut found: Vec<(u32, u32)> = Vec::new();
        if let Some(containers) = a.containers.as_deref().filter(|c| !c.is_empty()) {
            for c in containers {
                match c.amount.parse::<Amount>().ok().and_then(by_size) {
                    Some(r) => match found.iter_mut().find(|f| f.0 == r) {
                        Some(f) => f.1 = f.1.saturating_add(c.count.get()),
                        None => found.push((r, c.count.get())),
                    },
                    None => {
                        open.sizes.push((i, rows.to_vec()));
                        return;
                    }
                }
            }
        } else {
            found.extend(dose.and_then(by_size).map(|r| (r, 1)));
        }
        if found.is_empty() {
            open.sizes.push((i, rows.to_vec()));
            return;
        }
        for (r, n) in found {
            let e = self.entry(r);
            if let (Some(code), Some(unit)) = (e.hcpcs.as_deref(), e.unit) {
                let measure = Measure { unit, strength: e.strength.as_ref(), in_millilitre: None };
                let mut part = self.part(i, row, code, measure, Ratio::whole(u64::from(n)), Some(e), answer);
                // The size is the unit: each container counts as a whole.
                if a.containers.is_some() && part.holding == Holding::Single {
                    part.content = part.given;
                    part.wasted = None;
                }
                part.shown = format!("{n} {} of {unit}", if n == 1 { "container" } else { "containers" }).into();
                parts.push(part);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn part(
        &self,
        i: Ix,
        row: &Row,
        code: &'a str,
        measure: Measure,
        given: Ratio,
        entry: Option<&Entry>,
        answer: &Answer,
    ) -> Part<'a> {
        let a = self.charted(i);
        let drug = &self.resolved.drugs[i as usize];
        let unit = measure.unit;
        let date = self.given_on(row);
        let dose = drug.dose;
        let (holding, content, wasted) = self.held(i, row, code, &measure, given, answer);
        let listed = self.policy.ja_jb_list.iter().any(|c| c.eq_ignore_ascii_case(code)) && self.on(R::Sad);
        Part {
            row: i,
            code,
            unit,
            date,
            ndc: drug.ndc.as_deref(),
            given,
            shown: a.dose.as_deref().or(a.volume.as_deref()).map_or_else(|| unit.to_string().into(), Cow::Borrowed),
            ndc_measure: self.ndc_measure(i, code, unit, given, dose, date, entry),
            holding,
            content,
            wasted,
            by_route: match drug.route.as_str() {
                "iv" if listed => Some("JA"),
                "sc" if listed => Some("JB"),
                _ => None,
            },
            by_programme: self.programme(a, row, date),
            dose: self.dose_of(i),
        }
    }

    /// Date of the line. What was still running on arrival was given here from then on.
    fn given_on(&self, row: &Row) -> Date {
        let case = &self.resolved.case;
        let runs = matches!(row.method, Some(Method::Infusion | Method::Pump));
        case.arrival
            .filter(|&arrival| row.start.is_some_and(|start| start < arrival))
            .filter(|&arrival| row.stop.map_or(runs, |stop| stop > arrival))
            .map_or(row.day, |arrival| case.clock.day(arrival))
            .date()
    }

    /// Does a hospital get nothing of its own for the drug in the quarter, by Addendum B?
    fn packaged(&self, code: &str, on: Date) -> bool {
        let hospital = self.resolved.case.setting == Setting::Facility;
        let row = || self.resolved.tables.addendum_b(on)?.find(code);
        hospital && row().is_some_and(|r| r.status == "N")
    }

    /// One unit of the code in the measure that the NDC is counted in: ML, UN, F2, GR or ME.
    ///
    /// A charted volume is millilitres; a clotting factor is counted in international units; the crosswalk of the
    /// quarter tells what one container is; else the strength, else the charted weight itself.
    #[allow(clippy::too_many_arguments)]
    fn ndc_measure(
        &self,
        i: Ix,
        code: &str,
        unit: Amount,
        given: Ratio,
        dose: Option<Amount>,
        date: Date,
        entry: Option<&Entry>,
    ) -> Option<(Ratio, &'static str)> {
        let drug = &self.resolved.drugs[i as usize];
        drug.ndc.as_ref()?;
        let strength = entry.and_then(|e| e.strength.as_ref());
        let per_unit = |of: &Amount, strength| unit.units_of(of, strength).ok();
        if let Some(dose) = dose.filter(|d| d.unit.kind == Kind::Volume) {
            return Some((dose.units_of(&ONE_ML, None).ok()?.over(given)?, "ML"));
        }
        if unit.unit.kind == Kind::Activity && clotting_factor(code) {
            return Some((per_unit(&ONE_IU, None)?, "F2"));
        }
        if let Some(millilitres) = per_unit(&ONE_ML, strength) {
            return Some((millilitres, "ML"));
        }
        if let Some(row) = self.package(i, code, date) {
            let (size, units) = (ratio(row.package_size)?, ratio(row.bill_units)?);
            // The size is in millilitres but for a powder or a whole piece, whose size is one.
            let measure = if size == Ratio::whole(1) { "UN" } else { "ML" };
            return Some((size.over(units)?, measure));
        }
        let counted = |d: &Amount| matches!(d.unit.kind, Kind::Vials | Kind::Containers | Kind::Tablets);
        if let Some(dose) = dose.filter(counted) {
            return Some((dose.value.over(given)?, "UN"));
        }
        let dose = dose.filter(|d| d.unit.kind == Kind::Mass)?;
        let (of, measure) = match drug.route.as_str() {
            "topical" | "top" | "transdermal" => (ONE_G, "GR"),
            _ => (ONE_MG, "ME"),
        };
        Some((dose.units_of(&of, None).ok()?.over(given)?, measure))
    }

    /// What a line's NDC quantity is, that of what was thrown away, and the measure.
    fn ndc_quantity(&self, group: &[&Part], waste: u64, open: &mut Open) -> Option<(Ratio, Ratio, &'static str)> {
        let first = group[0];
        first.ndc?;
        let (per_unit, measure) = first.ndc_measure?;
        let same = group.iter().all(|p| p.ndc_measure.is_some_and(|m| m.1 == measure));
        let given = group.iter().try_fold(Ratio::ZERO, |s, p| s.plus(p.given.times(p.ndc_measure?.0)?))?;
        if !same {
            return None;
        }
        if let ("UN", true) = (measure, self.resolved.tables.ndc(first.date).is_some()) {
            open.assume(|| Assumption {
                path: path(first.row, "ndc"),
                took: "counted in whole containers (UN)".into(),
                why: "the crosswalk gives the container a size of one; a liquid of 1 mL would be counted in ML".into(),
            });
        }
        // One line holds both where the payer wants one.
        let wasted = Ratio::whole(waste).times(per_unit)?;
        let given = if self.policy.waste_lines == WasteLines::One { given.plus(wasted)? } else { given };
        Some((given, wasted, measure))
    }

    /// The containers of a row: what sort, what they hold and what was thrown away, in units of the code.
    fn held(
        &self,
        i: Ix,
        row: &Row,
        code: &str,
        measure: &Measure,
        given: Ratio,
        answer: &Answer,
    ) -> (Holding, Ratio, Option<Ratio>) {
        let a = self.charted(i);
        let exempt = matches!(row.class, Class::Vaccine | Class::Blood) || self.packaged(code, self.given_on(row));
        if exempt && self.on(R::JwExclusions) {
            return (Holding::Exempt, Ratio::ZERO, None);
        }
        let uncharted = (Holding::Uncharted, Ratio::ZERO, None);
        let Some(containers) = a.containers.as_deref() else { return uncharted };
        if containers.iter().any(|c| c.kind == ContainerKind::MultiDose) && self.on(R::JwExclusions) {
            return (Holding::Multi, Ratio::ZERO, None);
        }
        let mut content = Ratio::ZERO;
        for c in containers {
            let amount = c.amount.parse::<Amount>().ok().and_then(|x| x.times(c.count.get()));
            let Some(n) = amount.and_then(|x| measure.units(x)).and_then(|n| content.plus(n)) else {
                return uncharted;
            };
            content = n;
        }
        let wasted = a.wasted.as_deref().and_then(|w| match w.trim() {
            "0" | "none" | "None" => Some(Ratio::ZERO),
            text => measure.units(text.parse().ok()?),
        });
        match answer {
            Answer::Rest(of, rest) if of.contains(&i) => match rest {
                Rest::Discarded => (Holding::Single, content, Some(content)),
                Rest::Kept => (Holding::Single, content, Some(Ratio::ZERO)),
                Rest::Nothing => {
                    let wasted = wasted.unwrap_or(Ratio::ZERO);
                    (Holding::Single, given.plus(wasted).unwrap_or(given), Some(wasted))
                }
            },
            _ => (Holding::Single, content, wasted),
        }
    }

    /// The modifier of the 340B programme.
    fn programme(&self, a: &Administration, row: &Row, date: Date) -> Option<&'static str> {
        if a.purchased_340b != Some(true)
            || date < MODIFIER_340B_FROM
            || matches!(row.class, Class::Vaccine | Class::Blood)
            || !self.on(R::N340b)
        {
            return None;
        }
        Some(match self.policy.modifier_340b {
            Modifier340b::ByDate if date >= TB_FROM => "TB",
            Modifier340b::TB => "TB",
            Modifier340b::ByDate | Modifier340b::JGTB => "JG",
        })
    }

    /// The first part of the ordered dose to which a row belongs.
    fn dose_of(&self, i: Ix) -> Ix {
        let rows = &self.resolved.case.rows;
        let mut at = i;
        for _ in 0..rows.len() {
            match rows[at as usize].same_dose_as {
                NONE => break,
                next if next == i => return i.min(at),
                next => at = next,
            }
        }
        at
    }

    /// Adds the parts up.
    fn lines(&self, mut parts: Vec<&Part<'a>>, open: &mut Open) -> Vec<Billed<'a>> {
        // In a code and date a line for each container kind, NDC and modifiers.
        parts.sort_by(|a, b| a.key().cmp(&b.key()));
        let mut lines: Vec<Billed<'a>> = Vec::new();
        let mut day: Option<(&str, Date)> = None;
        let mut sums = Sums::default();
        for group in parts.chunk_by(|a, b| a.key() == b.key()) {
            let (code, date) = (group[0].code, group[0].date);
            let further = day == Some((code, date));
            if !further {
                sums = Sums::default();
                day = Some((code, date));
            }
            // What this line adds to the day's rounded sum, so that the lines of a day never add up to more.
            if group.len() > 1 || further {
                open.consult(Switch::UnitRounding);
            }
            let units = group.iter().map(|p| self.round(p, &mut sums)).sum::<u64>();
            let without_waste = |l: &&mut Billed| !l.modifiers.iter().any(|m| m == "JW");
            if units == 0
                && let Some(last) = lines.iter_mut().filter(without_waste).rfind(|l| l.code == code && l.date == date)
            {
                if !open.tried {
                    last.rows.extend(group.iter().map(|p| p.row));
                }
                continue;
            }
            self.line(group, units.max(1), open, &mut lines);
        }
        lines.sort_by(|a, b| {
            (a.code, a.date, a.ndc)
                .cmp(&(b.code, b.date, b.ndc))
                .then_with(|| a.modifiers.iter().cmp(b.modifiers.iter()))
        });
        lines
    }

    fn round(&self, p: &Part, sums: &mut Sums) -> u64 {
        let whole = |r: Ratio| if self.on(R::UnitsRoundUp) { r.ceil() } else { r.floor() };
        let sum = match self.policy.unit_rounding {
            UnitRounding::Day => &mut sums.day,
            UnitRounding::Dose => sums.doses.entry(p.dose).or_default(),
        };
        let before = whole(*sum);
        *sum = sum.plus(p.given).unwrap_or(*sum);
        whole(*sum) - before
    }

    fn written(&self, mut line: Billed) -> DrugLine {
        line.rows.sort_unstable();
        line.rows.dedup();
        let mut rules: Vec<SmolStr> = line.rules.iter().map(|r| SmolStr::new_static(r.as_str())).collect();
        rules.sort_unstable();
        let ShortLine { code, units, modifiers, date } = line.short();
        DrugLine {
            hcpcs: code,
            units,
            modifiers,
            date,
            ndc: line.ndc.map(SmolStr::from),
            ndc_quantity: line.quantity.map(|q| q.0.to_smolstr()),
            ndc_unit: line.quantity.map(|q| SmolStr::new_static(q.1)),
            administrations: line.rows.iter().map(|r| self.resolved.ids[*r as usize].clone()).collect(),
            rules,
            why: line.why,
        }
    }

    fn line(&self, group: &[&Part<'a>], units: u64, open: &mut Open, lines: &mut Vec<Billed<'a>>) {
        let first = group[0];
        let mut rules = Vec::new();
        open.cite(&mut rules, R::UnitsRoundUp);
        let waste = self.waste(group, units, open, &mut rules);
        if first.by_route.is_some() {
            open.cite(&mut rules, R::Sad);
        }
        if let Some(m) = first.by_programme {
            open.consult(Switch::Modifier340b);
            open.cite(&mut rules, R::N340b);
            let split = m == "JG";
            if split {
                open.assume(|| Assumption {
                    path: path(first.row, "purchased_340b"),
                    took: m.into(),
                    why: "whether the buyer is one of those that report TB is not stated".into(),
                });
            }
        }
        let off_campus = match (self.resolved.case.setting, self.chart.off_campus) {
            (Setting::Facility, Some(OffCampus::Excepted)) => Some("PO"),
            (Setting::Facility, Some(OffCampus::NonExcepted)) => Some("PN"),
            _ => None,
        };
        let quantity = self.ndc_quantity(group, waste_of(&waste), open);
        let tried = open.tried;
        let field = self.field(units.saturating_add(waste_of(&waste)), first, open);
        let mut add = |modifier: Option<&'static str>, units: u64, rules: Vec<R>, why: String| {
            let line = Billed {
                code: first.code,
                units,
                modifiers: Modifiers([first.by_route, modifier, first.by_programme, off_campus]),
                date: first.date,
                ndc: first.ndc,
                quantity: quantity.map(|q| (if modifier == Some("JW") { q.1 } else { q.0 }, q.2)),
                rows: if tried { Vec::new() } else { group.iter().map(|p| p.row).collect() },
                rules,
                why,
            };
            match field {
                Some(most) if units > most => spread(line, most, lines),
                _ => lines.push(line),
            }
        };
        let why = if tried { String::new() } else { given_reads(group, units) };
        match waste {
            Waste::None => add(None, units, rules, why),
            Waste::Mark(m) => add(Some(m), units, rules, why),
            Waste::Units(n) => {
                open.consult(Switch::WasteLines);
                let discarded = if tried { String::new() } else { discarded_reads(group, units, n) };
                if self.policy.waste_lines == WasteLines::One {
                    add(None, units + n, rules, format!("{why} {discarded}"));
                } else {
                    let (own, jw): (Vec<R>, Vec<R>) =
                        rules.iter().copied().partition(|r| !matches!(r, R::Jw | R::JwCap));
                    let with: Vec<R> = own.iter().copied().filter(|r| *r != R::UnitsRoundUp).chain(jw).collect();
                    add(None, units, own, why);
                    add(Some("JW"), n, with, discarded);
                }
            }
        }
    }

    /// The most units that a line of the claim holds, where more go on further lines; none where no claim has room.
    fn field(&self, units: u64, first: &Part, open: &mut Open) -> Option<u64> {
        let (most, lines) = match self.resolved.case.setting {
            Setting::Facility => INSTITUTIONAL,
            Setting::Office => {
                let most = u64::try_from(self.policy.units_per_line).unwrap_or(1).max(1);
                if units > most.min(SMALLEST) {
                    open.consult(Switch::UnitsPerLine);
                }
                (most, PROFESSIONAL_LINES)
            }
        };
        if !self.on(R::UnitsOverflow) || units <= most {
            return None;
        }
        if units.div_ceil(most) > lines {
            open.assume(|| Assumption {
                path: path(first.row, "dose"),
                took: format!("{units} units on one line").into(),
                why: format!("at {most} a line they fill more than the {lines} lines of a claim: is the dose right?")
                    .into(),
            });
            return None;
        }
        Some(most)
    }

    /// What becomes of what was not given.
    fn waste(&self, group: &[&Part], units: u64, open: &mut Open, rules: &mut Vec<R>) -> Waste {
        let date = group[0].date;
        let rows = || group.iter().map(|p| p.row).collect::<Vec<_>>();
        match group[0].holding {
            Holding::Exempt | Holding::Multi => {
                if self.packaged(group[0].code, date) {
                    open.tables.insert((Table::AddendumB, self.resolved.tables.quarter(date)));
                }
                if date >= JW_FROM {
                    open.cite(rules, R::JwExclusions);
                }
                return Waste::None;
            }
            Holding::Uncharted => {
                if date >= JW_FROM && !open.tried {
                    open.containers.extend(group.iter().map(|p| p.row));
                }
                return Waste::None;
            }
            Holding::Single => {}
        }
        if date < JW_FROM {
            return Waste::None;
        }
        let sum = |of: &dyn Fn(&Part) -> Ratio| {
            group.iter().try_fold(Ratio::ZERO, |s, p| s.plus(of(p))).unwrap_or(Ratio::ZERO)
        };
        let (given, content) = (sum(&|p| p.given), sum(&|p| p.content));
        let charted = group.iter().any(|p| p.wasted.is_some());
        let wasted = sum(&|p| p.wasted.unwrap_or(Ratio::ZERO));
        let jz = |open: &Open, rules: &mut Vec<R>| {
            if date < JZ_FROM || !self.on(R::Jz) {
                return Waste::None;
            }
            open.cite(rules, R::Jz);
            Waste::Mark("JZ")
        };
        if content < given {
            open.rests.push((rows(), Odd::Less));
            return Waste::None;
        }
        // Never more than the label says, whatever was charted: overfill is nobody's.
        let left = content.floor().saturating_sub(units.max(given.ceil()));
        if !charted {
            if left >= 1 {
                open.rests.push((rows(), Odd::More));
                return Waste::None;
            }
            return if content == given { jz(open, rules) } else { self.below_a_unit(date, open, rules) };
        }
        if wasted.is_zero() {
            if left >= 1 {
                open.rests.push((rows(), Odd::More));
            }
            return jz(open, rules);
        }
        let taken = given.plus(wasted);
        // A vial is filled a little beyond its label. More than that came out of another one.
        let overfilled = content.times(Ratio::whole(OVERFILL.0)).and_then(|c| c.over(Ratio::whole(OVERFILL.1)));
        if taken.zip(overfilled).is_some_and(|(taken, most)| taken > most) {
            open.rests.push((rows(), Odd::LessWithWaste));
        }
        let opened = group.iter().flat_map(|p| self.charted(p.row).containers.iter().flatten());
        let count = opened.fold(0, |n: u64, c| n.saturating_add(c.count.get().into()));
        let whole = content.over(Ratio::whole(count)).filter(|one| *one >= Ratio::whole(1));
        if whole.zip(taken).and_then(|(one, taken)| taken.plus(one)).is_some_and(|more| more <= content) {
            open.rests.push((rows(), Odd::MoreWithWaste));
        }
        let capped = self.on(R::JwCap);
        let n = if capped { left.min(wasted.floor()) } else { wasted.ceil() };
        if n == 0 {
            return self.below_a_unit(date, open, rules);
        }
        if !self.on(R::Jw) {
            return Waste::None;
        }
        open.cite(rules, R::Jw);
        if capped && taken.is_some_and(|all| all > content || Ratio::whole(units + n) < all) {
            open.cite(rules, R::JwCap);
        }
        Waste::Units(n)
    }

    /// The unit that holds the dose holds the waste as well.
    fn below_a_unit(&self, date: Date, open: &mut Open, rules: &mut Vec<R>) -> Waste {
        if date < JZ_FROM || !self.on(R::JwUnderOneUnit) {
            return Waste::None;
        }
        open.cite(rules, R::JwUnderOneUnit);
        open.consult(Switch::SubUnitWasteModifier);
        match self.policy.sub_unit_waste_modifier {
            SubUnitWasteModifier::JZ => Waste::Mark("JZ"),
            SubUnitWasteModifier::None => Waste::None,
        }
    }

    /// The lines under an answer. It changes those of the codes of its rows; all others stay.
    fn try_out(&self, answer: &Answer, parts: &[Part<'a>], base: &[ShortLine]) -> Vec<ShortLine> {
        let mut nothing = Open::of_trial();
        let mut changed: Vec<Part<'a>> = Vec::with_capacity(parts.len());
        let answered: &[Ix] = match answer {
            Answer::None | Answer::Containers(_) | Answer::Discard => &[],
            Answer::Product(rows, _) | Answer::Rest(rows, _) => rows,
            Answer::Size(row, _) | Answer::Dose(row) => std::slice::from_ref(row),
        };
        for &i in answered {
            self.row(i, &self.resolved.case.rows[i as usize], answer, &mut nothing, &mut changed);
        }
        let open = |p: &&Part| answered.is_empty() && p.holding == Holding::Uncharted;
        changed.extend(parts.iter().filter(open).map(|p| {
            let (holding, content, wasted) = uncharted(answer, p.given);
            Part { holding, content, wasted, ..p.clone() }
        }));
        let of_answer = |p: &&Part<'a>| open(p) || answered.contains(&p.row);
        let mut codes: Vec<&str> = parts.iter().filter(of_answer).chain(&changed).map(|p| p.code).collect();
        codes.sort_unstable();
        let touched = |code: &str| codes.binary_search(&code).is_ok();
        let stays = |p: &&Part<'a>| touched(p.code) && !of_answer(p);
        let mut all: Vec<&Part<'a>> = changed.iter().chain(parts.iter().filter(stays)).collect();
        all.sort_by_key(|p| p.row);
        let mut lines: Vec<ShortLine> = self.lines(all, &mut nothing).iter().map(Billed::short).collect();
        lines.extend(base.iter().filter(|l| !touched(&l.code)).cloned());
        lines.sort_by(|a, b| a.code.cmp(&b.code));
        lines
    }

    /// The questions whose answers would change a line.
    fn questions(&self, open: &Open, parts: &[Part<'a>], lines: &[Billed]) -> Vec<Question> {
        let base: Vec<ShortLine> = lines.iter().map(Billed::short).collect();
        let mut questions = Vec::new();
        let few = self.resolved.case.rows.len() <= MOST_FOR_ALTERNATIVES;
        let mut ask = |rows: &[Ix], field, to, ask: String, answers: Vec<(SmolStr, Answer)>| {
            if !few {
                questions.push(Question { rows: rows.to_vec(), field, to, ask, outcomes: Vec::new() });
                return;
            }
            let mut outcomes: Vec<(SmolStr, Vec<ShortLine>)> = Vec::new();
            for (label, answer) in answers {
                let lines = match answer {
                    Answer::None => base.clone(),
                    _ => self.try_out(&answer, parts, &base),
                };
                match outcomes.iter_mut().find(|o| o.1 == lines) {
                    Some(o) => o.0 = format_smolstr!("{}; or {label}", o.0),
                    None => outcomes.push((label, lines)),
                }
            }
            if outcomes.iter().any(|o| o.1 != base) {
                questions.push(Question { rows: rows.to_vec(), field, to, ask, outcomes });
            }
        };
        let unknown = || (SmolStr::new_static("it cannot be determined"), Answer::None);
        for (rows, products) in &open.products {
            let mut answers: Vec<_> = products
                .iter()
                .map(|p| (format_smolstr!("it was {}", self.entry(*p).name), Answer::Product(rows.clone(), *p)))
                .collect();
            answers.push(unknown());
            let text = format!(
                "{}: the chart does not say which product of that name it was. Which was it? Choices: the product of the \
                 maker ____, with the national drug number ____; {REST}",
                self.list(rows)
            );
            ask(rows, "ndc", Addressee::Pharmacy, text, answers);
        }
        for (i, products) in &open.sizes {
            let mut answers: Vec<_> = products
                .iter()
                .map(|p| (format_smolstr!("one container of {}", self.entry(*p).name), Answer::Size(*i, *p)))
                .collect();
            answers.push(unknown());
            let text = format!(
                "{}: the chart does not say which containers it came from. Which were opened? Choices: ____ containers of \
                 the labelled size ____; {REST}",
                self.list(&[*i])
            );
            ask(&[*i], "containers", Addressee::Nurse, text, answers);
        }
        for i in &open.doses {
            let rows = &self.resolved.drugs[*i as usize].rows;
            let reads = if self.charted(*i).dose.is_none() {
                "the chart holds no amount"
            } else if rows.iter().any(|r| self.entry(*r).beside.is_some()) {
                "the drug has two components, and the charted amount does not say of which"
            } else {
                "the charted amount cannot be read as an amount of this drug"
            };
            let text =
                format!("{}: {reads}. How much was given? Choices: ____, with its measure; {REST}", self.list(&[*i]));
            let answers = vec![("up to what one unit holds; more for more".into(), Answer::Dose(*i)), unknown()];
            ask(&[*i], "dose", Addressee::Nurse, text, answers);
        }
        // One question for all drugs: the answer is found at the same place in the record.
        for odd in [Odd::More, Odd::MoreWithWaste, Odd::Less, Odd::LessWithWaste] {
            let mut rows: Vec<Ix> = open.rests.iter().filter(|r| r.1 == odd).flat_map(|r| &r.0).copied().collect();
            rows.sort_unstable();
            rows.dedup();
            let rows = &rows;
            if rows.is_empty() {
                continue;
            }
            if matches!(odd, Odd::More | Odd::MoreWithWaste) {
                let (what, none) = match odd {
                    Odd::More => ("given", Answer::Rest(rows.clone(), Rest::Kept)),
                    _ => ("given and thrown away", Answer::None),
                };
                let text = format!(
                    "{}: the containers hold more than was charted as {what}. What became of the rest? Choices: all of it \
                     was thrown away; part of it was thrown away, namely ____; none of it was thrown away; {REST}",
                    self.list(rows)
                );
                let answers = vec![
                    ("all of it was thrown away".into(), Answer::Rest(rows.clone(), Rest::Discarded)),
                    ("none of it was thrown away".into(), none),
                    unknown(),
                ];
                ask(rows, "wasted", Addressee::Nurse, text, answers);
            } else {
                let what = if odd == Odd::Less { "given" } else { "given and thrown away" };
                let text = format!(
                    "{}: the containers charted hold less than was charted as {what}. Which containers were opened? Choices: \
                     ____ containers of the labelled content ____; {REST}",
                    self.list(rows)
                );
                let answers = vec![
                    (
                        format_smolstr!("containers that hold what was {what}"),
                        Answer::Rest(rows.clone(), Rest::Nothing),
                    ),
                    unknown(),
                ];
                ask(rows, "containers", Addressee::Nurse, text, answers);
            }
        }
        let mut rows = open.containers.clone();
        rows.sort_unstable();
        rows.dedup();
        if !rows.is_empty() {
            let text = format!(
                "{}: the chart does not say which containers were opened and whether anything was thrown away. Choices: \
                 containers for one patient, with nothing thrown away; containers for one patient, with ____ thrown away; \
                 containers for several doses; {REST}",
                self.list(&rows)
            );
            let answers = vec![
                (
                    SmolStr::new_static("single-dose containers, nothing thrown away"),
                    Answer::Containers(Holding::Single),
                ),
                (
                    SmolStr::new_static("single-dose containers, a unit of each thrown away; more for more"),
                    Answer::Discard,
                ),
                (SmolStr::new_static("multi-dose containers"), Answer::Containers(Holding::Multi)),
                unknown(),
            ];
            ask(&rows, "containers", Addressee::Nurse, text, answers);
        }
        questions
    }

    fn list(&self, rows: &[Ix]) -> String {
        let names: Vec<String> =
            rows.iter().map(|i| describe(self.charted(*i), &self.resolved.ids[*i as usize])).collect();
        names.join("; ")
    }
}

/// Two amounts of one dose: `600 mg/900 mg`, `800/160 mg`.
fn both_amounts(text: &str) -> Option<(Amount, Amount)> {
    let (a, b) = ["/", " and ", "+", "-"].iter().find_map(|by| text.split_once(by))?;
    let second: Amount = b.trim().parse().ok()?;
    let first = a.trim().parse().or_else(|_| format!("{} {}", a.trim(), second.unit.word).parse()).ok()?;
    Some((first, second))
}

/// Routes by which nothing is injected.
fn not_injected(route: &str) -> bool {
    const WORDS: &[&str] = &[
        "po",
        "sl",
        "sublingual",
        "buccal",
        "pr",
        "rectal",
        "topical",
        "transdermal",
        "inhalation",
        "inhaled",
        "nebulized",
        "nebulised",
        "neb",
        "intranasal",
        "ophthalmic",
        "otic",
        "vaginal",
        "enteral",
        "ng",
        "ng tube",
        "og",
        "peg",
        "g-tube",
    ];
    WORDS.contains(&route)
}

const REST: &str = "it cannot be determined; other: ____";

const ONE_DOSE: Amount = Amount::of(1, crate::dose::DOSE);
const ONE_ML: Amount = Amount::of(1, crate::dose::MILLILITRE);
const ONE_MG: Amount = Amount::of(1, crate::dose::MILLIGRAM);
const ONE_G: Amount = Amount::of(1, crate::dose::GRAM);
const ONE_IU: Amount = Amount::of(1, crate::dose::INTERNATIONAL_UNIT);

/// Clotting factors, whose packages are labelled with the units that each holds.
fn clotting_factor(code: &str) -> bool {
    code.strip_prefix('J').and_then(|n| n.parse::<u16>().ok()).is_some_and(|n| (7175..=7214).contains(&n))
}

/// A table's number, exactly.
fn ratio(n: rust_decimal::Decimal) -> Option<Ratio> {
    let n = n.normalize();
    let whole = u64::try_from(n.mantissa()).ok()?;
    Ratio::whole(whole).over(Ratio::whole(10_u64.checked_pow(n.scale())?))
}

/// What a dose came out of, by an answer to that question: the sort, what it held and what was thrown away.
fn uncharted(answer: &Answer, given: Ratio) -> (Holding, Ratio, Option<Ratio>) {
    match answer {
        Answer::Containers(Holding::Single) => (Holding::Single, given, Some(Ratio::ZERO)),
        Answer::Containers(other) => (*other, Ratio::ZERO, None),
        Answer::Discard => (Holding::Single, given.plus(Ratio::whole(1)).unwrap_or(given), Some(Ratio::whole(1))),
        _ => (Holding::Uncharted, Ratio::ZERO, None),
    }
}

/// Repeats a line until its units are on the claim.
fn spread<'a>(line: Billed<'a>, most: u64, lines: &mut Vec<Billed<'a>>) {
    let all = line.units;
    let mut left = all;
    while left > 0 {
        let units = left.min(most);
        let share = |q: Ratio| q.times(Ratio::whole(units))?.over(Ratio::whole(all));
        let quantity = line.quantity.and_then(|(q, measure)| Some((share(q)?, measure)));
        let mut rules = line.rules.clone();
        if !rules.is_empty() {
            rules.push(R::UnitsOverflow);
        }
        let why = match line.why.as_str() {
            "" => String::new(),
            why => format!("{why} A line holds {most}: here are {units}."),
        };
        lines.push(Billed { units, quantity, rules, why, ..line.clone() });
        left -= units;
    }
}

/// What is done about what was not given.
enum Waste {
    /// Nothing.
    None,
    /// A modifier on the line.
    Mark(&'static str),
    /// So many units thrown away.
    Units(u64),
}

fn waste_of(waste: &Waste) -> u64 {
    match waste {
        Waste::Units(n) => *n,
        Waste::None | Waste::Mark(_) => 0,
    }
}

/// Why a line has its units.
fn given_reads(group: &[&Part], units: u64) -> String {
    let shown: Vec<&str> = group.iter().map(|p| p.shown.as_ref()).collect();
    let given = if shown.len() > 6 { format!("{} doses", shown.len()) } else { shown.join(" + ") };
    let total = group.iter().try_fold(Ratio::ZERO, |s, p| s.plus(p.given)).unwrap_or(Ratio::ZERO);
    let rounded = if total == Ratio::whole(units) { "" } else { ", rounded to whole units" };
    format!("{given} given; one unit is {}: {units} {}{rounded}.", group[0].unit, plural(units))
}

/// Why a line of what was thrown away has its units.
fn discarded_reads(group: &[&Part], units: u64, n: u64) -> String {
    format!(
        "The containers hold {} units, of which {units} {} given: {n} {} thrown away.",
        group.iter().try_fold(Ratio::ZERO, |s, p| s.plus(p.content)).unwrap_or(Ratio::ZERO).floor(),
        if units == 1 { "is" } else { "are" },
        plural(n),
    )
}

fn plural(n: u64) -> &'static str {
    if n == 1 { "unit" } else { "units" }
}
