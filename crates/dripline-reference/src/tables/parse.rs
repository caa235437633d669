//! From the rows of a recognised file to the rows of a table.

use csv::StringRecord;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::layout::{Family, Header};
use super::rows::{AddOn, AddendumB, Asp, Charge, Gpci, Mai, Mue, Ndc, Ndc11, Rvu};
use super::table::{Indicator, Ptp};
use super::unpack::{Member, Shape};
use super::{Biller, Code, ImportError, dosage};

/// What one file adds to a HCPCS code; files of one release complete each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HcpcsPart {
    pub(super) code: Code,
    /// First and last date, where the file has them.
    pub(super) dates: Option<(Option<Date>, Option<Date>)>,
    /// Its description, where the file has it.
    pub(super) description: Option<String>,
}

#[derive(Debug)]
pub(super) enum Rows {
    Ptp(Biller, Vec<Ptp>),
    Mue(Biller, Vec<Mue>),
    AddOn(Vec<AddOn>),
    /// The list of codes.
    Hcpcs(Vec<HcpcsPart>),
    HcpcsDescriptions(Vec<HcpcsPart>),
    HcpcsNotClassified(Vec<HcpcsPart>),
    Asp(Vec<Asp>),
    Ndc(Vec<Ndc>),
    Rvu(Vec<Rvu>),
    Gpci(Vec<Gpci>),
    AddendumB(Vec<AddendumB>),
    Charges(Vec<Charge>),
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        match self {
            Rows::Ptp(_, r) => r.len(),
            Rows::Mue(_, r) => r.len(),
            Rows::AddOn(r) => r.len(),
            Rows::Hcpcs(r) | Rows::HcpcsDescriptions(r) | Rows::HcpcsNotClassified(r) => r.len(),
            Rows::Asp(r) => r.len(),
            Rows::Ndc(r) => r.len(),
            Rows::Rvu(r) => r.len(),
            Rows::Gpci(r) => r.len(),
            Rows::AddendumB(r) => r.len(),
            Rows::Charges(r) => r.len(),
        }
    }

    /// The latest day on which a row begins or, for pairs, ends: the file's quarter is not before it.
    pub(super) fn latest(&self) -> Option<Date> {
        match self {
            Rows::Ptp(_, r) => r.iter().filter_map(|r| r.effective.max(r.deleted)).max(),
            Rows::AddOn(r) => r.iter().filter_map(|r| r.effective).max(),
            Rows::Hcpcs(r) => r.iter().filter_map(|r| r.dates?.0).max(),
            _ => None,
        }
    }
}

/// Rows that were left out, with the reason and how many.
#[derive(Debug, Default)]
pub(super) struct LeftOut(Vec<(String, usize)>);

impl LeftOut {
    fn add(&mut self, why: impl Into<String>) {
        let why = why.into();
        match self.0.iter_mut().find(|(w, _)| *w == why) {
            Some((_, count)) => *count += 1,
            None => self.0.push((why, 1)),
        }
    }

    pub(super) fn notes(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(why, count)| format!("{count} {why}"))
    }
}

/// One row, with what is needed to complain of it.
struct Row<'a> {
    name: &'a str,
    line: u64,
    record: &'a StringRecord,
}

impl Row<'_> {
    fn at(&self, place: Option<usize>) -> &str {
        place.and_then(|p| self.record.get(p)).map_or("", |f| f.trim())
    }

    fn wrong(&self, what: impl Into<String>) -> ImportError {
        ImportError::Row { name: self.name.to_owned(), line: self.line, what: what.into() }
    }

    fn date(&self, place: Option<usize>) -> Result<Option<Date>, ImportError> {
        let text = self.at(place);
        date(text).ok_or_else(|| self.wrong(format!("`{text}` is not a date")))
    }

    /// `YYYYDDD`, the day counted from the start of the year, as the add-on file has it.
    fn day_of_year(&self, place: Option<usize>) -> Result<Option<Date>, ImportError> {
        let text = self.at(place);
        if text.len() != 7 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return self.date(place);
        }
        if text.starts_with("9999") {
            return Ok(None);
        }
        let day = || {
            let first = Date::new(text[..4].parse().ok()?, 1, 1).ok()?;
            let day: i32 = text[4..].parse().ok()?;
            let date = first.checked_add(jiff::Span::new().days(day - 1)).ok()?;
            (day > 0 && date.year() == first.year()).then_some(date)
        };
        day().map(Some).ok_or_else(|| self.wrong(format!("`{text}` is not a day of a year (YYYYDDD)")))
    }

    fn amount(&self, place: Option<usize>, what: &str) -> Result<Option<Decimal>, ImportError> {
        let text = self.at(place);
        amount(text).ok_or_else(|| self.wrong(format!("{what} is `{text}`, not a number")))
    }

    fn needed(&self, place: Option<usize>, what: &str) -> Result<Decimal, ImportError> {
        self.amount(place, what)?.ok_or_else(|| self.wrong(format!("{what} is empty")))
    }

    fn flag(&self, place: Option<usize>, yes: &str, what: &str) -> Result<bool, ImportError> {
        match self.at(place) {
            "" => Ok(false),
            text if text.eq_ignore_ascii_case(yes) => Ok(true),
            text => Err(self.wrong(format!("{what} is `{text}`, neither `{yes}` nor empty"))),
        }
    }
}

/// `2023-12-31`, `20231231` or `12/31/2023`; nothing, `*` and the end of time are no date. None where it is no date.
fn date(text: &str) -> Option<Option<Date>> {
    let number = |s: &str| s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse::<i16>().ok())?;
    let small = |s: &str| i8::try_from(number(s)?).ok();
    let made = |y: &str, m: &str, d: &str| Date::new(number(y)?, small(m)?, small(d)?).ok();
    if text.is_empty() || text == "*" || text == "0" || text == "00000000" || text.starts_with("9999") {
        return Some(None);
    }
    let text = text.split_once([' ', 'T']).map_or(text, |(day, _)| day);
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    match parts.as_slice() {
        [all] if all.len() == 8 && all.is_ascii() => made(&all[..4], &all[4..6], &all[6..]).map(Some),
        [y, m, d] if y.len() == 4 => made(y, m, d).map(Some),
        [m, d, y] if y.len() == 4 => made(y, m, d).map(Some),
        _ => None,
    }
}

/// `$1,662.630`, `137.828`, `20%`; nothing, `.` and `N/A` are no amount. None where it is neither.
fn amount(text: &str) -> Option<Option<Decimal>> {
    if matches!(text, "" | "." | "N/A" | "NA") {
        return Some(None);
    }
    let plain: String = text.chars().filter(|c| !matches!(c, '$' | ',' | ' ' | '%')).collect();
    plain.parse().ok().map(Some)
}

/// A code; marks that stand around it in some of CMS's files (blanks of other alphabets) are not part of it.
fn code(text: &str) -> Option<Code> {
    Code::parse(text.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
}

/// Reads all rows of a member behind its header.
pub(super) fn parse(member: &Member, header: &Header, shape: Shape) -> Result<(Rows, LeftOut), ImportError> {
    let mut left_out = LeftOut::default();
    let rows = match header.layout.family {
        Family::Ptp => ptp(member, header, shape, &mut left_out)?,
        Family::MuePractitioner => mue(member, header, shape, &mut left_out, Some(Biller::Practitioner))?,
        Family::MueHospital => mue(member, header, shape, &mut left_out, Some(Biller::Hospital))?,
        Family::Mue => mue(member, header, shape, &mut left_out, None)?,
        Family::AddOn => add_on(member, header, shape, &mut left_out)?,
        Family::Hcpcs => Rows::Hcpcs(hcpcs(member, header, shape, &mut left_out)?),
        Family::HcpcsDescriptions => {
            let (key, long) = (header.required(&["hcpcs_code"]), header.place("Long"));
            let rows = coded(member, header, shape, key, &mut left_out, |row, code, _| {
                Ok(Some(HcpcsPart { code, dates: None, description: Some(row.at(long).to_owned()) }))
            })?;
            Rows::HcpcsDescriptions(rows)
        }
        Family::HcpcsNotClassified => {
            let (key, long) = (header.required(&["HCPCS"]), header.place("Long Description"));
            let (added, terminated) = (header.place("Add Date"), header.place("Term Date"));
            let rows = coded(member, header, shape, key, &mut left_out, |row, code, _| {
                let dates = Some((row.date(added)?, row.date(terminated)?));
                Ok(Some(HcpcsPart { code, dates, description: Some(row.at(long).to_owned()) }))
            })?;
            Rows::HcpcsNotClassified(rows)
        }
        Family::Asp => {
            let key = header.required(&["HCPCS Code"]);
            let (dosage, limit) = (header.place("HCPCS Code Dosage"), header.place("Payment Limit"));
            let coinsurance = header.place("Co-insurance Percentage");
            let rows = coded(member, header, shape, key, &mut left_out, |row, code, _| {
                Ok(Some(Asp {
                    code,
                    dosage_text: words(row.at(dosage)),
                    limit: row.amount(limit, "the payment limit")?,
                    coinsurance: row.amount(coinsurance, "the coinsurance")?,
                }))
            })?;
            Rows::Asp(rows)
        }
        Family::Ndc => ndc(member, header, shape, &mut left_out)?,
        Family::Rvu => rvu(member, header, shape, &mut left_out)?,
        Family::Gpci => gpci(member, header, shape, &mut left_out)?,
        Family::AddendumB => {
            let key = header.required(&["HCPCS Code"]);
            let (status, apc) = (header.place("SI"), header.place("APC"));
            let (weight, rate) = (header.place("Relative Weight"), header.place("Payment Rate"));
            let copayment = header.place("Minimum Unadjusted Copayment");
            let rows = coded(member, header, shape, key, &mut left_out, |row, code, _| {
                if row.at(status).is_empty() {
                    return Err(row.wrong(format!("{code} has no status indicator")));
                }
                Ok(Some(AddendumB {
                    code,
                    status: row.at(status).to_owned(),
                    apc: Some(row.at(apc)).filter(|a| !a.is_empty()).map(|a| format!("{a:0>4}")),
                    weight: row.amount(weight, "the relative weight")?,
                    rate: row.amount(rate, "the payment rate")?,
                    copayment: row.amount(copayment, "the copayment")?,
                }))
            })?;
            Rows::AddendumB(rows)
        }
        Family::Charges => charges(member, header, shape, &mut left_out)?,
        Family::Unused => Rows::Charges(Vec::new()),
    };
    Ok((rows, left_out))
}

/// A text with single blanks between its words.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Calls `make` for each row behind the header. Rows that go on with the header and footnotes are no rows of the table.
fn each_row<T>(
    member: &Member,
    header: &Header,
    shape: Shape,
    key: usize,
    left_out: &mut LeftOut,
    mut make: impl FnMut(&Row<'_>, &mut LeftOut) -> Result<Option<T>, ImportError>,
) -> Result<Vec<T>, ImportError> {
    let mut rows = Vec::new();
    let (mut index, mut begun) = (0, false);
    let least = header.least_fields();
    member.each(shape, &mut |line, record| {
        index += 1;
        if index <= header.after {
            return Ok(true);
        }
        let row = Row { name: &member.name, line, record };
        let filled = record.iter().filter(|f| !f.trim().is_empty()).count();
        if filled == 0 {
            return Ok(true);
        }
        // A header goes on with nothing below the code; a remark fills one cell, a row of a table more.
        if row.at(Some(key)).is_empty() && !begun {
            return Ok(true);
        }
        if filled == 1 {
            left_out.add("lines of remarks");
            return Ok(true);
        }
        // A sheet's rows end with their last filled cell.
        if record.len() < least && !matches!(shape, Shape::Sheet) {
            return Err(ImportError::CutShort {
                name: member.name.clone(),
                what: format!("line {line} has {} fields of at least {least}", record.len()),
                mend: "",
            });
        }
        begun = true;
        rows.extend(make(&row, left_out)?);
        Ok(true)
    })?;
    Ok(rows)
}

/// Rows that each begin with a code.
fn coded<T>(
    member: &Member,
    header: &Header,
    shape: Shape,
    key: usize,
    left_out: &mut LeftOut,
    mut make: impl FnMut(&Row<'_>, Code, &mut LeftOut) -> Result<Option<T>, ImportError>,
) -> Result<Vec<T>, ImportError> {
    each_row(member, header, shape, key, left_out, |row, left_out| {
        let text = row.at(Some(key));
        let code = code(text).ok_or_else(|| row.wrong(format!("`{text}` is not a code of five letters and digits")))?;
        make(row, code, left_out)
    })
}

fn ptp(member: &Member, header: &Header, shape: Shape, left_out: &mut LeftOut) -> Result<Rows, ImportError> {
    let (key, second) = (header.required(&["Column 1"]), header.place("Column 2"));
    let (since, until) = (header.place("Effective Date"), header.place("Deletion Date *=no data"));
    let modifier = header.place("Modifier 0=not allowed 1=allowed 9=not applicable");
    let rows = coded(member, header, shape, key, left_out, |row, column1, _| {
        let text = row.at(second);
        let column2 = code(text).ok_or_else(|| row.wrong(format!("column 2 is `{text}`, not a code")))?;
        let text = row.at(modifier);
        let digit = if text.len() == 1 { text.parse().ok() } else { None };
        let indicator = digit
            .and_then(Indicator::of)
            .ok_or_else(|| row.wrong(format!("the modifier is `{text}`, not 0, 1 or 9")))?;
        Ok(Some(Ptp { column1, column2, indicator, effective: row.date(since)?, deleted: row.date(until)? }))
    })?;
    if rows.is_empty() {
        return Ok(Rows::Ptp(Biller::Practitioner, rows));
    }
    Ok(Rows::Ptp(biller(member, &rows)?, rows))
}

/// Whose table these pairs are.
///
/// CMS writes it into the file's name only. The content tells it: the blood draws 36591 and 36592 are column two to
/// thousands of codes in the practitioner's table and to next to none in the hospital's, whose port flush 96523 may be
/// opened by a modifier where the practitioner's may not. So it is in each part of both tables (2024Q3).
fn biller(member: &Member, rows: &[Ptp]) -> Result<Biller, ImportError> {
    let codes = ["36591", "36592", "96523"].map(Code::parse);
    let is = |row: &Ptp, i: usize| codes[i] == Some(row.column2);
    let open = |row: &&Ptp| row.deleted.is_none();
    let never = |row: &&Ptp| (is(row, 0) || is(row, 1)) && row.indicator == Indicator::Never;
    let opened = |row: &&Ptp| is(row, 2) && row.indicator == Indicator::Modifier;
    let practitioner = rows.iter().filter(open).filter(never).count();
    let hospital = rows.iter().filter(open).filter(opened).count();
    match (practitioner, hospital) {
        (p, h) if p >= 3 && p >= 10 * h => Ok(Biller::Practitioner),
        (p, h) if h >= 3 && h >= 10 * p => Ok(Biller::Hospital),
        _ => Err(ImportError::WhosePairs { name: member.name.clone(), practitioner, hospital }),
    }
}

fn mue(
    member: &Member,
    header: &Header,
    shape: Shape,
    left_out: &mut LeftOut,
    mut whose: Option<Biller>,
) -> Result<Rows, ImportError> {
    let key = header.required(&["HCPCS/CPT Code", "hcpcs_code"]);
    let units = Some(header.required(&[
        "Practitioner Services MUE Values",
        "Outpatient Hospital Services MUE Values",
        "mue_units",
    ]));
    let indicator = Some(header.required(&["MUE Adjudication Indicator", "mue_mai"]));
    let service = header.place("mue_service");
    let rows = coded(member, header, shape, key, left_out, |row, code, _| {
        if service.is_some() {
            let found = match row.at(service) {
                "Practitioner" => Biller::Practitioner,
                "Outpatient Hospital" => Biller::Hospital,
                other => {
                    return Err(row.wrong(format!("the service is `{other}`, not Practitioner or Outpatient Hospital")));
                }
            };
            if whose.is_some_and(|w| w != found) {
                return Err(row.wrong("another service than in the rows before"));
            }
            whose = Some(found);
        }
        let text = row.at(units);
        let units = text.parse().map_err(|_| row.wrong(format!("the units are `{text}`, not a number")))?;
        // `3 Date of Service Edit: Clinical`, or the digit alone.
        let text = row.at(indicator);
        let (digit, _) = text.split_once(' ').unwrap_or((text, ""));
        let indicator = digit
            .parse()
            .ok()
            .and_then(Mai::of)
            .ok_or_else(|| row.wrong(format!("the adjudication indicator is `{text}`, not 1, 2 or 3")))?;
        Ok(Some(Mue { code, units, indicator }))
    })?;
    Ok(Rows::Mue(whose.unwrap_or(Biller::Practitioner), rows))
}

fn add_on(member: &Member, header: &Header, shape: Shape, left_out: &mut LeftOut) -> Result<Rows, ImportError> {
    let key = header.required(&["Add-On_Code"]);
    let (primary, edit_type) = (header.place("Primary_Code"), header.place("AOC_Edit_Type"));
    let since = header.place("AOC_Edit_EffDT");
    let ends = ["AOC_DelDT", "Primary_Code_DelDT", "AOC_Edit_DelDT"].map(|t| header.place(t));
    let rows = coded(member, header, shape, key, left_out, |row, code_, _| {
        let primary = match row.at(primary) {
            "CCCCC" => None,
            text => Some(code(text).ok_or_else(|| row.wrong(format!("the primary code is `{text}`, not a code")))?),
        };
        let text = row.at(edit_type);
        let edit_type = text.parse().ok().filter(|t| (1..=3).contains(t));
        let edit_type = edit_type.ok_or_else(|| row.wrong(format!("the type is `{text}`, not 1, 2 or 3")))?;
        // The pair ends when it, or either of its codes, does.
        let mut deleted: Option<Date> = None;
        for end in ends {
            deleted = match (deleted, row.day_of_year(end)?) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        Ok(Some(AddOn { code: code_, primary, edit_type, effective: row.day_of_year(since)?, deleted }))
    })?;
    Ok(Rows::AddOn(rows))
}

fn hcpcs(
    member: &Member,
    header: &Header,
    shape: Shape,
    left_out: &mut LeftOut,
) -> Result<Vec<HcpcsPart>, ImportError> {
    let key = header.required(&["HCPC", "hcpcs_code"]);
    let (record, long) = (header.place("RECID"), header.place("LONG DESCRIPTION"));
    let added = Some(header.required(&["ADD DT", "date_added"]));
    let terminated = Some(header.required(&["TERM DT", "date_term"]));
    let mut rows: Vec<HcpcsPart> = Vec::new();
    // A description that goes on stands in further records of the same code.
    each_row(member, header, shape, key, left_out, |row, left_out| {
        match (record.is_some(), row.at(record)) {
            (false, _) | (true, "3") => {}
            (true, "4") => {
                let more = row.at(long);
                match rows.last_mut().filter(|last| code(row.at(Some(key))) == Some(last.code)) {
                    Some(HcpcsPart { description: Some(text), .. }) => {
                        text.push(' ');
                        text.push_str(more);
                    }
                    _ => return Err(row.wrong("goes on with a description that has not begun")),
                }
                return Ok(None);
            }
            (true, "7" | "8") => {
                left_out.add("records of modifiers");
                return Ok(None::<()>);
            }
            (true, other) => return Err(row.wrong(format!("the record's kind is `{other}`, not 3, 4, 7 or 8"))),
        }
        let text = row.at(Some(key));
        let code = code(text).ok_or_else(|| row.wrong(format!("`{text}` is not a code of five letters and digits")))?;
        let dates = Some((row.date(added)?, row.date(terminated)?));
        rows.push(HcpcsPart { code, dates, description: long.map(|_| row.at(long).to_owned()) });
        Ok(None)
    })?;
    Ok(rows)
}

/// The dosage that a description ends with.
pub(super) fn dosage_of(description: Option<&String>) -> Option<String> {
    description.and_then(|d| dosage::at_the_end(d)).map(|d| words(&d))
}

fn ndc(member: &Member, header: &Header, shape: Shape, left_out: &mut LeftOut) -> Result<Rows, ImportError> {
    let (key, ndc) = (header.required(&["HCPCS Code"]), header.place("NDC2"));
    let dosage = header.place("HCPCS dosage");
    let (size, quantity) = (header.place("PKG SIZE"), header.place("PKG QTY"));
    let (units, package) = (header.place("BILLUNITS"), header.place("BILLUNITSPKG"));
    let rows = coded(member, header, shape, key, left_out, |row, code, left_out| {
        // Devices under a drug's code carry other numbers.
        let Some(ndc) = Ndc11::parse(row.at(ndc)) else {
            left_out.add("rows left out: their number is not an NDC of 5-4-2 digits");
            return Ok(None);
        };
        let numbers = (
            row.amount(size, "the package size")?,
            row.amount(quantity, "the package quantity")?,
            row.amount(units, "BILLUNITS")?,
            row.amount(package, "BILLUNITSPKG")?,
        );
        let (Some(package_size), Some(package_quantity), Some(bill_units), Some(bill_units_package)) = numbers else {
            left_out.add("rows left out: size, quantity or units of the package are not given");
            return Ok(None);
        };
        let dosage_text = words(row.at(dosage));
        Ok(Some(Ndc { ndc, code, dosage_text, package_size, package_quantity, bill_units, bill_units_package }))
    })?;
    Ok(Rows::Ndc(rows))
}

fn rvu(member: &Member, header: &Header, shape: Shape, left_out: &mut LeftOut) -> Result<Rows, ImportError> {
    let key = header.required(&["HCPCS"]);
    let place = |title| header.place(title);
    let rows = coded(member, header, shape, key, left_out, |row, code, _| {
        let text = |title| row.at(place(title)).to_owned();
        Ok(Some(Rvu {
            code,
            modifier: text("MOD"),
            status: text("STATUS CODE"),
            work: row.needed(place("WORK RVU"), "the work RVU")?,
            pe_nonfacility: row.needed(place("NON-FAC PE RVU"), "the non-facility PE RVU")?,
            nonfacility_na: row.flag(place("NON-FAC NA INDICATOR"), "NA", "the non-facility indicator")?,
            pe_facility: row.needed(place("FACILITY PE RVU"), "the facility PE RVU")?,
            facility_na: row.flag(place("FACILITY NA INDICATOR"), "NA", "the facility indicator")?,
            malpractice: row.needed(place("MP RVU"), "the MP RVU")?,
            total_nonfacility: row.needed(place("NON-FACILITY TOTAL"), "the non-facility total")?,
            total_facility: row.needed(place("FACILITY TOTAL"), "the facility total")?,
            pctc: text("PCTC IND"),
            global: text("GLOB DAYS"),
            conversion_factor: row.needed(place("CONV FACTOR"), "the conversion factor")?,
            conversion_factor_qpp: None,
        }))
    })?;
    Ok(Rows::Rvu(rows))
}

fn gpci(member: &Member, header: &Header, shape: Shape, left_out: &mut LeftOut) -> Result<Rows, ImportError> {
    let key = header.required(&["Medicare Administrative Contractor (MAC)"]);
    let (state, locality, name) =
        (header.place("State"), header.place("Locality Number"), header.place("Locality Name"));
    let work = header.place("PW GPCI (with 1.0 Floor)");
    let (expense, malpractice) = (header.place("PE GPCI"), header.place("MP GPCI"));
    let rows = each_row(member, header, shape, key, left_out, |row, _| {
        let number = |place, digits: usize, what: &str| {
            let text = row.at(place);
            let fits = !text.is_empty() && text.len() <= digits && text.bytes().all(|b| b.is_ascii_digit());
            // A spreadsheet drops the zeros before a number.
            if fits { Ok(format!("{text:0>digits$}")) } else { Err(row.wrong(format!("{what} is `{text}`"))) }
        };
        let text = row.at(state);
        if text.len() != 2 || !text.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(row.wrong(format!("the state is `{text}`, not two letters")));
        }
        Ok(Some(Gpci {
            state: text.to_owned(),
            locality: number(locality, 2, "the locality")?,
            mac: number(Some(key), 5, "the contractor")?,
            name: words(row.at(name).trim_end_matches('*')),
            work: row.needed(work, "the work GPCI")?,
            practice_expense: row.needed(expense, "the PE GPCI")?,
            malpractice: row.needed(malpractice, "the MP GPCI")?,
        }))
    })?;
    Ok(Rows::Gpci(rows))
}

fn charges(member: &Member, header: &Header, shape: Shape, left_out: &mut LeftOut) -> Result<Rows, ImportError> {
    let (key, price) = (header.required(&["HCPCS code"]), header.place("price"));
    let revenue = header.place("revenue code");
    // CMS's machine-readable form: up to four codes, each with its kind.
    let typed: Vec<(usize, usize)> = [
        (Some(key), header.place("code|1|type")),
        (header.place("code|2"), header.place("code|2|type")),
        (header.place("code|3"), header.place("code|3|type")),
        (header.place("code|4"), header.place("code|4|type")),
    ]
    .into_iter()
    .filter_map(|(code, kind)| Some((code?, kind?)))
    .collect();
    let first = typed.first().map_or(key, |_| 0);
    let rows = each_row(member, header, shape, first, left_out, |row, left_out| {
        let of_kind = |kinds: &[&str]| {
            typed.iter().find(|(_, k)| kinds.contains(&row.at(Some(*k)))).map_or("", |(c, _)| row.at(Some(*c)))
        };
        let (text, revenue) = match typed.is_empty() {
            true => (row.at(Some(key)), row.at(revenue)),
            false => (of_kind(&["HCPCS", "CPT"]), of_kind(&["RC"])),
        };
        if text.is_empty() {
            left_out.add("rows left out: no HCPCS code");
            return Ok(None);
        }
        let Some((code, modifiers)) = code_and_modifiers(text) else {
            left_out.add("rows left out: what stands as HCPCS code is none");
            return Ok(None);
        };
        let Some(price) = row.amount(price, "the price")? else {
            left_out.add("rows left out: no price");
            return Ok(None);
        };
        if price.is_sign_negative() && !price.is_zero() {
            return Err(row.wrong(format!("the price is {price}, below zero")));
        }
        if price.is_zero() {
            left_out.add("rows with a price of zero");
        }
        let digits = (3..=4).contains(&revenue.len()) && revenue.bytes().all(|b| b.is_ascii_digit());
        if !digits {
            left_out.add("rows without a revenue code");
        }
        Ok(Some(Charge { code, modifiers, revenue: digits.then(|| format!("{revenue:0>4}")), price }))
    })?;
    Ok(Rows::Charges(rows))
}

/// `J1815GY`, `96365-59` and `96365`: a code, and modifiers of two signs each.
fn code_and_modifiers(text: &str) -> Option<(Code, String)> {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    let (code, modifiers) = plain.split_at_checked(5)?;
    let b = code.as_bytes();
    let formed = b[1..4].iter().all(u8::is_ascii_digit) && (b[0].is_ascii_digit() || b[4].is_ascii_digit());
    (formed && modifiers.len() % 2 == 0 && modifiers.len() <= 8)
        .then(|| Some((Code::parse(code)?, modifiers.to_owned())))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as day;

    #[test]
    fn dates_as_the_tables_write_them() {
        for text in ["2023-12-31", "20231231", "12/31/2023", "2023-12-31 00:00:00"] {
            assert_eq!(date(text), Some(Some(day(2023, 12, 31))), "{text}");
        }
        for text in ["", "*", "9999-12-31", "99991231", "00000000"] {
            assert_eq!(date(text), Some(None), "{text}");
        }
        for text in ["2023-13-31", "31.12.2023", "2023", "x"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_as_the_tables_write_them() {
        let read = |text| amount(text).map(|a| a.map(|a| a.to_string()));
        assert_eq!(read("$1,662.630"), Some(Some("1662.630".to_owned())));
        assert_eq!(read("137.828"), Some(Some("137.828".to_owned())));
        for text in ["", ".", "N/A"] {
            assert_eq!(read(text), Some(None), "{text}");
        }
        assert_eq!(read("see note"), None);
    }

    #[test]
    fn charges_may_carry_modifiers() {
        let read = |text| code_and_modifiers(text).map(|(c, m)| format!("{c} {m}"));
        assert_eq!(read("J1815GY").as_deref(), Some("J1815 GY"));
        assert_eq!(read("96365-59").as_deref(), Some("96365 59"));
        assert_eq!(read("96365").as_deref(), Some("96365 "));
        assert_eq!(read("0001A").as_deref(), Some("0001A "));
        for text in ["DRUGS", "9636", "96365-5", "NONE!"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
