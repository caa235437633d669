//! What an office or a hospital stocks: the containers that a chart does not name.
//!
//! A stock list is a CSV file with a header. `amount` and `kind` (`single_dose` or `multi_dose`) say what a container is;
//! at least one of `drug`, `hcpcs` and `ndc` says of what.
//!
//! ```
//! use dripline_reference::formulary::Formulary;
//! use dripline_reference::stock::Stock;
//!
//! let stock: Stock = "drug,kind,amount\ninfliximab,single_dose,100 mg\n".parse().unwrap();
//! let mut chart = dripline::chart::Chart::default();
//! chart.administrations.push(dripline::chart::Administration {
//!     drug: Some("infliximab".into()),
//!     dose: Some("184 mg".into()),
//!     ..Default::default()
//! });
//! let (filled, assumptions) = stock.fill(&chart, &Formulary::built_in());
//! assert_eq!(filled.administrations[0].containers.as_ref().unwrap()[0].count.get(), 2);
//! assert_eq!(assumptions[0].took, "2 single-dose containers of 100 mg");
//! ```
//!
//! Of several sizes those are taken that cover the dose with the least left over, then the fewest. Where both
//! single-dose and multi-dose containers of a drug are stocked nothing is taken: the chart alone can tell.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use dripline::chart::{Administration, Chart, Container, ContainerKind, Status};
use dripline::coding::Assumption;

use crate::dose::{Amount, Ratio, Strength};
use crate::formulary::{Formulary, fold};
use crate::resolve::{ndc_11, short};

/// A container in stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vial {
    /// Name of the drug.
    pub drug: Option<String>,
    /// Its HCPCS code.
    pub hcpcs: Option<String>,
    /// Its NDC in 5-4-2 digits.
    pub ndc: Option<String>,
    /// For one patient, or for several doses.
    pub kind: ContainerKind,
    /// Labelled content, as written.
    pub amount: String,
    content: Amount,
}

/// The containers in stock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    vials: Vec<Vial>,
}

/// Why a stock list cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockError {
    /// Line of the file.
    pub line: u64,
    /// What is wrong.
    pub message: String,
    /// What would mend it.
    pub help: String,
}

impl fmt::Display for StockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for StockError {}

const COLUMNS: [&str; 5] = ["drug", "hcpcs", "ndc", "kind", "amount"];

impl FromStr for Stock {
    type Err = StockError;

    fn from_str(text: &str) -> Result<Self, StockError> {
        let fail = |line: u64, message: String, help: &str| StockError { line, message, help: help.to_owned() };
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let broken = |e: csv::Error| {
            let line = e.position().map_or(1, csv::Position::line);
            fail(line, e.to_string(), "write one container a line, with as many cells as the header")
        };
        let head = reader.headers().map_err(broken)?.clone();
        let names: Vec<String> = head.iter().map(str::to_ascii_lowercase).collect();
        if let Some(unknown) = names.iter().find(|n| !COLUMNS.contains(&n.as_str())) {
            return Err(fail(
                1,
                format!("there is no column `{}`", short(unknown)),
                "the columns are drug, hcpcs, ndc, kind and amount",
            ));
        }
        for needed in ["kind", "amount"] {
            if !names.iter().any(|n| n == needed) {
                return Err(fail(
                    1,
                    format!("the column `{needed}` is missing"),
                    "the columns are drug, hcpcs, ndc, kind and amount",
                ));
            }
        }
        let mut vials = Vec::new();
        for record in reader.records() {
            let record = record.map_err(broken)?;
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |column: &str| {
                let at = names.iter().position(|n| n == column)?;
                record.get(at).filter(|c| !c.is_empty())
            };
            let kind = match cell("kind") {
                Some("single_dose") => ContainerKind::SingleDose,
                Some("multi_dose") => ContainerKind::MultiDose,
                other => {
                    let shown = short(other.unwrap_or(""));
                    return Err(fail(
                        line,
                        format!("`{shown}` is no kind of container"),
                        "write single_dose or multi_dose",
                    ));
                }
            };
            let amount = cell("amount").unwrap_or("").to_owned();
            let content: Amount = amount.parse().map_err(|e| {
                fail(line, format!("`{}` is no amount: {e}", short(&amount)), "write a number and a unit, as 100 mg")
            })?;
            if content.value.is_zero() {
                return Err(fail(line, "a container of nothing".to_owned(), "write its labelled content, as 100 mg"));
            }
            let ndc = cell("ndc")
                .map(|n| {
                    ndc_11(n).ok_or_else(|| {
                        fail(
                            line,
                            format!("`{}` is no NDC", short(n)),
                            "write 11 digits, or 10 digits with their hyphens",
                        )
                    })
                })
                .transpose()?;
            let (drug, hcpcs) = (cell("drug").map(str::to_owned), cell("hcpcs").map(str::to_ascii_uppercase));
            if drug.is_none() && hcpcs.is_none() && ndc.is_none() {
                return Err(fail(line, "it is not said of what".to_owned(), "give drug, hcpcs or ndc"));
            }
            vials.push(Vial { drug, hcpcs, ndc, kind, amount, content });
        }
        Ok(Stock { vials })
    }
}

impl Stock {
    /// The containers.
    #[must_use]
    pub fn vials(&self) -> &[Vial] {
        &self.vials
    }

    /// The chart with containers where it names none, and what was taken for granted.
    #[must_use]
    pub fn fill(&self, chart: &Chart, formulary: &Formulary) -> (Chart, Vec<Assumption>) {
        let mut filled = chart.clone();
        let mut assumptions = Vec::new();
        for (i, a) in filled.administrations.iter_mut().enumerate() {
            if a.containers.is_some() || a.status.is_some_and(|s| s != Status::Given) {
                continue;
            }
            let Some(containers) = self.containers(a, formulary) else { continue };
            assumptions.push(Assumption {
                path: format!("administrations[{i}].containers").into(),
                took: containers.iter().map(said).collect::<Vec<_>>().join(" and ").into(),
                why: "the chart names no containers; these are what the stock list holds for the dose".into(),
            });
            a.containers = Some(containers);
        }
        (filled, assumptions)
    }

    fn containers(&self, a: &Administration, formulary: &Formulary) -> Option<Vec<Container>> {
        let dose: Amount = a.dose.as_deref()?.parse().ok()?;
        let rows = |hcpcs: Option<&str>, drug: Option<&str>| -> Vec<u32> {
            match hcpcs.and_then(|c| formulary.by_hcpcs(c)) {
                Some(row) => vec![row],
                None => drug.map_or_else(Vec::new, |d| formulary.by_name(d).0.to_vec()),
            }
        };
        let ndc = a.ndc.as_deref().and_then(ndc_11);
        let code = a.hcpcs.as_ref().map(|c| c.trim().to_ascii_uppercase());
        let own = rows(code.as_deref(), a.drug.as_deref());
        let same = |v: &&Vial| match (&v.ndc, &ndc, &v.hcpcs, &code) {
            (Some(stocked), Some(charted), ..) => stocked == charted,
            (_, _, Some(stocked), Some(charted)) => stocked == charted,
            _ => {
                let theirs = rows(v.hcpcs.as_deref(), v.drug.as_deref());
                let folded = |d: &Option<String>| d.as_deref().map(fold);
                own.iter().any(|r| theirs.contains(r)) || (v.drug.is_some() && folded(&v.drug) == folded(&a.drug))
            }
        };
        let stocked: Vec<&Vial> = self.vials.iter().filter(same).collect();
        let strength = own.first().and_then(|r| formulary.entry(*r).strength.as_ref());
        let kind = stocked.first()?.kind;
        if stocked.iter().any(|v| v.kind != kind) {
            return None;
        }
        let one = |v: &Vial, count| Container { kind, amount: v.amount.clone(), count };
        if kind == ContainerKind::MultiDose {
            return Some(vec![one(stocked[0], NonZeroU32::MIN)]);
        }
        let counts = fewest(dose, &stocked, strength)?;
        Some(stocked.iter().zip(counts).filter_map(|(v, n)| Some(one(v, NonZeroU32::new(n)?))).collect())
    }
}

fn said(c: &Container) -> String {
    let kind = match c.kind {
        ContainerKind::SingleDose => "single-dose",
        ContainerKind::MultiDose => "multi-dose",
    };
    format!(
        "{} {kind} {} of {}",
        c.count,
        if c.count == NonZeroU32::MIN { "container" } else { "containers" },
        c.amount
    )
}

/// Above this many containers of one size for one dose the list or the dose is a slip.
const MOST: u64 = 100;

/// How many of each size cover the dose with the least left over, then with the fewest containers.
fn fewest(dose: Amount, vials: &[&Vial], strength: Option<&Strength>) -> Option<Vec<u32>> {
    // Sizes in the unit of the dose.
    let unit = Amount { value: Ratio::whole(1), unit: dose.unit };
    let sizes: Vec<Ratio> = vials.iter().map(|v| v.content.units_of(&unit, strength).ok()).collect::<Option<_>>()?;
    let tries: u64 = sizes
        .iter()
        .map(|s| dose.value.over(*s).map_or(u64::MAX, Ratio::ceil))
        .fold(1, |product, n| if n > MOST { u64::MAX } else { product.saturating_mul(n + 1) });
    if tries > 1_000_000 {
        return None;
    }
    let mut best: Option<(Ratio, u32, Vec<u32>)> = None;
    search(&sizes, dose.value, &mut Vec::new(), Ratio::ZERO, &mut best);
    best.map(|b| b.2)
}

fn search(
    sizes: &[Ratio],
    dose: Ratio,
    counts: &mut Vec<u32>,
    held: Ratio,
    best: &mut Option<(Ratio, u32, Vec<u32>)>,
) -> Option<()> {
    let Some(size) = sizes.get(counts.len()) else {
        if held >= dose {
            let found = (held.minus(dose)?, counts.iter().sum(), counts.clone());
            if best.as_ref().is_none_or(|b| (found.0, found.1) < (b.0, b.1)) {
                *best = Some(found);
            }
        }
        return Some(());
    };
    let mut held = held;
    let mut n = 0;
    loop {
        counts.push(n);
        search(sizes, dose, counts, held, best);
        counts.pop();
        if held >= dose {
            return Some(());
        }
        held = held.plus(*size)?;
        n += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stock(text: &str) -> Stock {
        text.parse().unwrap_or_else(|e| panic!("{e}"))
    }

    fn filled(stock: &Stock, drug: &str, dose: &str) -> Option<Vec<(String, u32)>> {
        let mut chart = Chart::default();
        chart.administrations.push(Administration {
            drug: Some(drug.to_owned()),
            dose: Some(dose.to_owned()),
            ..Administration::default()
        });
        let (chart, _) = stock.fill(&chart, &Formulary::built_in());
        let containers = chart.administrations[0].containers.clone()?;
        Some(containers.into_iter().map(|c| (c.amount, c.count.get())).collect())
    }

    #[test]
    fn least_left_over_then_fewest() {
        let two = stock(
            "drug,kind,amount\nKeytruda,single_dose,100 mg\nnivolumab,single_dose,40 mg\nnivolumab,single_dose,100 mg\nnivolumab,single_dose,240 mg\n",
        );
        let some = |list: &[(&str, u32)]| Some(list.iter().map(|(a, n)| ((*a).to_owned(), *n)).collect::<Vec<_>>());
        assert_eq!(filled(&two, "Opdivo", "240 mg"), some(&[("240 mg", 1)]));
        assert_eq!(filled(&two, "nivolumab", "180 mg"), some(&[("40 mg", 2), ("100 mg", 1)]));
        assert_eq!(filled(&two, "nivolumab", "0.11 g"), some(&[("40 mg", 3)]));
        assert_eq!(filled(&two, "pembrolizumab", "200 mg"), some(&[("100 mg", 2)]));
        assert_eq!(filled(&two, "Zofran", "4 mg"), None);
        assert_eq!(filled(&two, "nivolumab", "1 drop"), None);
    }

    #[test]
    fn what_the_chart_names_stays_and_both_kinds_say_nothing() {
        let both = stock("hcpcs,kind,amount\nJ2405,single_dose,4 mg\nJ2405,multi_dose,40 mg\n");
        assert_eq!(filled(&both, "Zofran", "4 mg"), None);
        let one = stock("ndc,drug,kind,amount\n0409-4755-03,Zofran,multi_dose,40 mg\n");
        assert_eq!(filled(&one, "ondansetron", "4 mg"), Some(vec![("40 mg".to_owned(), 1)]));
        let mut chart = Chart::default();
        chart.administrations.push(Administration {
            drug: Some("Zofran".into()),
            dose: Some("4 mg".into()),
            containers: Some(Vec::new()),
            ..Administration::default()
        });
        let (kept, assumptions) = one.fill(&chart, &Formulary::built_in());
        assert_eq!((kept, assumptions), (chart, Vec::new()));
    }

    #[test]
    fn slips_are_told_by_line() {
        for (text, line, says) in [
            ("drug,kind,size\n", 1, "there is no column `size`"),
            ("drug,amount\n", 1, "the column `kind` is missing"),
            ("drug,kind,amount\nx,vial,1 mg\n", 2, "`vial` is no kind of container"),
            ("drug,kind,amount\nx,single_dose,1\n", 2, "`1` is no amount: no unit stands behind the number"),
            ("drug,kind,amount\nx,single_dose,0 mg\n", 2, "a container of nothing"),
            ("drug,kind,amount\n,single_dose,1 mg\n", 2, "it is not said of what"),
            ("ndc,kind,amount\n123,single_dose,1 mg\n", 2, "`123` is no NDC"),
        ] {
            let error = text.parse::<Stock>().unwrap_err();
            assert_eq!((error.line, error.message.as_str()), (line, says), "{text}");
            assert!(!error.help.is_empty());
        }
    }
}
