//! Reads a crosswalk file by itself, not through the import, and holds each row against what the drug lines make of it.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;

use dripline::chart::Chart;
use dripline_reference::dose::{Amount, Ratio};
use dripline_reference::tables::dosage::{self, Unit};
use dripline_reference::tables::{Ndc11, Quarter};
use dripline_reference::{Coder, Options};
use rust_decimal::Decimal;
use serde_json::json;

/// One row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub line: u64,
    pub code: String,
    /// As written; devices and grafts carry other numbers than an NDC.
    pub number: String,
    pub dosage: String,
    /// Size, quantity, units of a container, units of a package; none where the cell holds no number.
    pub numbers: Option<[Decimal; 4]>,
}

/// Text of a file that may be gzip or Latin-1.
pub fn text(bytes: &[u8]) -> Result<String, String> {
    let mut plain = Vec::new();
    match bytes {
        [0x1f, 0x8b, ..] => {
            flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut plain).map_err(|e| e.to_string())?;
        }
        [b'P', b'K', ..] => return Err("is an archive or a workbook; give the .csv that it holds".to_owned()),
        _ => plain.extend_from_slice(bytes),
    }
    Ok(String::from_utf8(plain).unwrap_or_else(|e| e.into_bytes().iter().map(|b| char::from(*b)).collect()))
}

/// The rows below the line that names BILLUNITSPKG.
pub fn rows(text: &str) -> Result<Vec<Row>, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut places: Option<BTreeMap<String, usize>> = None;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| e.to_string())?;
        let plain = |c: &str| c.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
        let Some(places) = &places else {
            let mut names = BTreeMap::new();
            record.iter().enumerate().for_each(|(i, c)| _ = names.entry(plain(c)).or_insert(i));
            if names.contains_key("billunitspkg") {
                places = Some(names);
            }
            continue;
        };
        let at = |names: &[&str]| names.iter().find_map(|n| record.get(*places.get(*n)?)).unwrap_or("").trim();
        let number = |name| at(&[name]).replace(',', "").parse().ok();
        let code = at(&["code", "hcpcscode", "hcpcs"]);
        if code.is_empty() {
            continue;
        }
        let numbers = || Some([number("pkgsize")?, number("pkgqty")?, number("billunits")?, number("billunitspkg")?]);
        rows.push(Row {
            line: record.position().map_or(0, csv::Position::line),
            code: code.to_owned(),
            number: at(&["ndc", "ndcoralternateid"]).to_owned(),
            dosage: at(&["hcpcsdosage", "hcpcscodedosage", "dosage"]).split_whitespace().collect::<Vec<_>>().join(" "),
            numbers: numbers(),
        });
    }
    if places.is_none() {
        return Err("has no column BILLUNITSPKG: is it the crosswalk?".to_owned());
    }
    Ok(rows)
}

/// What was counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub rows: usize,
    /// A number of the package is missing.
    pub no_numbers: usize,
    /// BILLUNITS × PKG QTY is not BILLUNITSPKG: CMS rounds some up.
    pub not_adding: usize,
    /// Of those that add up: the dosage is not one amount and unit, by the text.
    pub unread: BTreeMap<String, usize>,
    /// Rows that add up and whose dosage is read.
    pub asked: usize,
    /// Of these, how many carry another number than an NDC.
    pub other_numbers: usize,
    /// The amount of a container is not BILLUNITS, that of a package not BILLUNITSPKG.
    pub wrong: Vec<String>,
    /// Drug lines: rows that could be asked, and those whose units were another number.
    pub lines: usize,
    pub lines_wrong: Vec<String>,
    /// Rows whose dosage is not the one that the quarter's ASP limits give the code: the limits decide.
    pub tables_differ: Vec<String>,
    /// Rows that got no drug line, by what was said.
    pub no_line: BTreeMap<String, usize>,
    /// Rows whose size is in the dosage's own unit; those that hold another amount.
    pub sizes: usize,
    pub sizes_wrong: Vec<String>,
    /// Codes of the table of drugs that the file names, and those whose billing unit differs.
    pub codes: usize,
    pub codes_wrong: Vec<String>,
}

impl Report {
    /// Per cent of the rows that add up whose dosage cannot be read.
    pub fn excluded(&self) -> Decimal {
        let unread: usize = self.unread.values().sum();
        Decimal::from(unread * 100) / Decimal::from((unread + self.asked).max(1))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unread: usize = self.unread.values().sum();
        writeln!(f, "{} rows; {} without all numbers", self.rows, self.no_numbers)?;
        writeln!(f, "{} where BILLUNITS x PKG QTY is another number than BILLUNITSPKG", self.not_adding)?;
        let share = self.excluded();
        let short = if share > Decimal::TEN { ", a shortfall" } else { "" };
        writeln!(
            f,
            "{} add up; {unread} of them excluded ({share:.2} %{short}): no single amount and unit",
            unread + self.asked
        )?;
        for (text, count) in &self.unread {
            writeln!(f, "    {count} x {text}")?;
        }
        writeln!(
            f,
            "{} reproduced, of which {} carry no NDC; {} not reproduced",
            self.asked - self.wrong.len(),
            self.other_numbers,
            self.wrong.len()
        )?;
        tell(f, &self.wrong)?;
        writeln!(
            f,
            "    (this proves the reader of dosages and the table of units, and nothing of what a vial holds)"
        )?;
        writeln!(f, "{} through a chart and its drug line; {} with other units", self.lines, self.lines_wrong.len())?;
        tell(f, &self.lines_wrong)?;
        if !self.tables_differ.is_empty() {
            writeln!(f, "{} not asked: the ASP limits give the code another unit", self.tables_differ.len())?;
            tell(f, &self.tables_differ)?;
        }
        for (why, count) in &self.no_line {
            writeln!(f, "    {count} without a line: {why}")?;
        }
        writeln!(
            f,
            "{} whose size is in the dosage's own unit (mL); {} hold another amount",
            self.sizes,
            self.sizes_wrong.len()
        )?;
        tell(f, &self.sizes_wrong)?;
        writeln!(
            f,
            "{} codes of the table of drugs; {} have another billing unit there",
            self.codes,
            self.codes_wrong.len()
        )?;
        tell(f, &self.codes_wrong)
    }
}

fn tell(f: &mut fmt::Formatter<'_>, list: &[String]) -> fmt::Result {
    list.iter().take(20).try_for_each(|line| writeln!(f, "    {line}"))?;
    if list.len() > 20 { writeln!(f, "    and {} more", list.len() - 20) } else { Ok(()) }
}

/// A number as the texts of a chart write it.
fn plain(n: Decimal) -> String {
    n.normalize().to_string()
}

/// Holds every row against the arithmetic, and every row with an NDC against a chart's drug line.
pub fn check(rows: &[Row], quarter: Quarter, coder: &Coder) -> Report {
    let mut report = Report { rows: rows.len(), ..Report::default() };
    let mut units: BTreeMap<&str, Amount> = BTreeMap::new();
    for row in rows {
        let Some([size, quantity, per_container, per_package]) = row.numbers else {
            report.no_numbers += 1;
            continue;
        };
        if per_container.checked_mul(quantity) != Some(per_package) {
            report.not_adding += 1;
            continue;
        }
        let Ok(dosage) = dosage::read(&row.dosage) else {
            *report.unread.entry(row.dosage.clone()).or_default() += 1;
            continue;
        };
        report.asked += 1;
        let is_ndc = Ndc11::parse(&row.number).is_some();
        report.other_numbers += usize::from(!is_ndc);
        let told = || format!("line {}: {} {} {}", row.line, row.code, row.number, row.dosage);
        // Exact decimals; and where the doses of a chart have the unit, the ratio of two amounts as they are charted.
        let container = per_container * dosage.amount;
        let mut good =
            container / dosage.amount == per_container && container * quantity / dosage.amount == per_package;
        let amount = |n: Decimal| format!("{} {}", plain(n), dosage.unit).parse::<Amount>().ok();
        if let (Some(unit), Some(one), Some(all)) =
            (amount(dosage.amount), amount(container), amount(container * quantity))
        {
            units.insert(&row.code, unit);
            let same = |a: Amount, n: Decimal| {
                let n = n.normalize();
                let whole = |n| u64::try_from(n).ok().map(Ratio::whole);
                let wanted = whole(n.mantissa()).and_then(|m| m.over(whole(10_i128.pow(n.scale()))?));
                a.units_of(&unit, None).ok() == wanted
            };
            good &= same(one, per_container) && same(all, per_package);
        }
        if !good {
            report.wrong.push(told());
        }
        let limits = coder.store.as_ref().and_then(|s| s.asp(quarter).ok().flatten());
        let limit = limits.and_then(|t| t.find(&row.code)?.dosage().ok());
        if limit.is_some_and(|l| (l.amount, l.unit) != (dosage.amount, dosage.unit)) {
            report.tables_differ.push(told());
        } else if is_ndc {
            line(row, quarter, coder, &dosage.unit.to_string(), (container, per_container), &mut report);
        }
        // CMS gives a powder or a whole piece the size one.
        if dosage.unit == Unit::Millilitre && size != Decimal::ONE {
            report.sizes += 1;
            if size != container {
                report.sizes_wrong.push(format!("{}: size {}, {} units", told(), plain(size), plain(per_container)));
            }
        }
    }
    for (code, unit) in units {
        let Some(known) = coder.formulary.by_hcpcs(code).and_then(|row| coder.formulary.entry(row).unit) else {
            continue;
        };
        report.codes += 1;
        if unit.units_of(&known, None) != Ok(Ratio::whole(1)) {
            report.codes_wrong.push(format!("{code}: {unit} in the file, {known} in the table of drugs"));
        }
    }
    report
}

/// What one container's amount makes of a chart's drug line.
fn line(
    row: &Row,
    quarter: Quarter,
    coder: &Coder,
    unit: &str,
    (container, units): (Decimal, Decimal),
    report: &mut Report,
) {
    let value = json!({"setting": "facility", "administrations": [{
        "hcpcs": row.code, "ndc": row.number, "dose": format!("{} {unit}", plain(container)),
        "method": "push", "start": format!("{}T10:00", quarter.first_day()),
    }]});
    let chart: Chart = serde_json::from_value(value).expect("every key is one of a chart");
    let options = Options { alternatives: false, ..Options::default() };
    let coding = match coder.code(&chart, 1, &[], &options) {
        Ok(coding) => coding,
        Err(error) => {
            *report.no_line.entry(error.to_string()).or_default() += 1;
            return;
        }
    };
    let found: u64 = coding.drug_lines.iter().filter(|l| l.hcpcs == row.code).map(|l| l.units).sum();
    if found == 0 {
        let other = coding.drug_lines.first().map(|l| format!("it is {} on that date", l.hcpcs));
        let asked = coding
            .queries
            .iter()
            .find(|q| matches!(q.field.as_str(), "dose" | "ndc"))
            .map(|q| format!("a query for the {}", q.field));
        let why = coding
            .assumptions
            .iter()
            .find(|a| a.path.ends_with(".hcpcs"))
            .map(|a| a.why.replace(&row.code, "the code"));
        let unreported = coding.unreported.first().map(|u| format!("it is unreported by {}", u.rules.join(", ")));
        let why = other.or(asked).or(why).or(unreported).unwrap_or_else(|| "nothing is said".to_owned());
        *report.no_line.entry(why).or_default() += 1;
        return;
    }
    report.lines += 1;
    if Decimal::from(found) != units.ceil() {
        report.lines_wrong.push(format!(
            "line {}: {} {}: {found} for {}",
            row.line,
            row.code,
            row.number,
            plain(units)
        ));
    }
}
