//! What one row of each table says.

use std::fmt;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::codec::Reader;
#[cfg(feature = "import")]
use super::codec::Writer;
use super::dosage::{self, Dosage, Unread};
use super::{Code, Indicator, Ptp};

/// A row that can be stored, found by its key and compared with another quarter's.
pub(super) trait Record: Sized + PartialEq {
    type Key: Ord;
    fn key(&self) -> Self::Key;
    fn read(from: &mut Reader<'_>) -> Option<Self>;
    #[cfg(feature = "import")]
    fn write(&self, to: &mut Writer);
    /// The key, for people.
    fn name(&self) -> String;
    /// All but the key, for people.
    fn value(&self) -> String;
}

/// How a unit edit is applied (the MUE adjudication indicator).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mai {
    /// 1: on each claim line.
    Line = 1,
    /// 2: on the date of service, by policy; absolute.
    DatePolicy = 2,
    /// 3: on the date of service, from clinical data; can be appealed.
    DateClinical = 3,
}

impl Mai {
    /// The indicator of a digit.
    #[must_use]
    pub fn of(digit: u8) -> Option<Self> {
        [Mai::Line, Mai::DatePolicy, Mai::DateClinical].into_iter().find(|m| *m as u8 == digit)
    }
}

/// The most units of a code that are likely on one line or date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mue {
    /// The code.
    pub code: Code,
    /// The most units.
    pub units: u32,
    /// What they are counted over.
    pub indicator: Mai,
}

/// One primary code that an add-on code may stand with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddOn {
    /// The add-on code.
    pub code: Code,
    /// Its primary code; none where the contractor decides which codes are (CMS writes `CCCCC`).
    pub primary: Option<Code>,
    /// 1: only the listed primaries; 2: the contractor's; 3: some listed, others by the contractor.
    pub edit_type: u8,
    /// Since when; none where the file does not say.
    pub effective: Option<Date>,
    /// Last date; none where it has none.
    pub deleted: Option<Date>,
}

impl AddOn {
    /// Does the pair hold on this date?
    #[must_use]
    pub fn in_force(&self, date: Date) -> bool {
        self.effective.is_none_or(|d| d <= date) && self.deleted.is_none_or(|d| date <= d)
    }
}

/// A HCPCS Level II code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hcpcs {
    /// The code.
    pub code: Code,
    /// First date of service; none where the imported files do not say.
    pub added: Option<Date>,
    /// Last date of service; none where it has none.
    pub terminated: Option<Date>,
    /// The dosage at the end of its description, where one can be read.
    pub dosage_text: Option<String>,
    /// Is it a code for what is not otherwise classified? Only where a list of those was imported.
    pub not_classified: bool,
}

impl Hcpcs {
    /// May it be reported on this date? A date that the files do not give bars nothing.
    #[must_use]
    pub fn valid(&self, date: Date) -> bool {
        self.added.is_none_or(|d| d <= date) && self.terminated.is_none_or(|d| date <= d)
    }
}

/// The payment limit of a drug's billing unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asp {
    /// The drug's code.
    pub code: Code,
    /// Its billing unit as written.
    pub dosage_text: String,
    /// Dollars for one billing unit; none where the contractor prices it.
    pub limit: Option<Decimal>,
    /// The beneficiary's share, per cent.
    pub coinsurance: Option<Decimal>,
}

impl Asp {
    /// The billing unit as amount and unit.
    ///
    /// # Errors
    /// Where the text is not one amount of one unit.
    pub fn dosage(&self) -> Result<Dosage, Unread> {
        dosage::read(&self.dosage_text)
    }
}

/// An eleven-digit National Drug Code (5-4-2), the form that claims carry.
///
/// ```
/// use dripline_reference::tables::Ndc11;
/// assert_eq!(Ndc11::parse("00409-1176-30"), Ndc11::parse("00409117630"));
/// assert!(Ndc11::parse("0409-1176-30").is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ndc11(u64);

impl Ndc11 {
    /// Reads `00409-1176-30` or `00409117630`. Ten digits are not read: where their zero belongs is not known.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        let digits: String = match text.split('-').collect::<Vec<_>>().as_slice() {
            [all] if all.len() == 11 => (*all).to_owned(),
            [labeler, product, package] if (labeler.len(), product.len(), package.len()) == (5, 4, 2) => {
                [*labeler, *product, *package].concat()
            }
            _ => return None,
        };
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok().map(Ndc11))?
    }
}

impl fmt::Display for Ndc11 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:05}-{:04}-{:02}", self.0 / 1_000_000, self.0 / 100 % 10_000, self.0 % 100))
    }
}

impl fmt::Debug for Ndc11 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A drug package and the code that it is billed with. A package may have more than one (fluids coded by size).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ndc {
    /// The package.
    pub ndc: Ndc11,
    /// The code.
    pub code: Code,
    /// The code's billing unit as written.
    pub dosage_text: String,
    /// Size of one container, in the labeler's measure (mostly mL, or 1 for a powder).
    pub package_size: Decimal,
    /// Containers in the package.
    pub package_quantity: Decimal,
    /// Billing units in one container; CMS's own value, rounded to two places.
    pub bill_units: Decimal,
    /// Billing units in the package.
    pub bill_units_package: Decimal,
}

impl Ndc {
    /// The code's billing unit as amount and unit.
    ///
    /// # Errors
    /// Where the text is not one amount of one unit.
    pub fn dosage(&self) -> Result<Dosage, Unread> {
        dosage::read(&self.dosage_text)
    }

    /// How much drug one container holds: billing units × the billing unit.
    ///
    /// # Errors
    /// Where the billing unit is not one amount of one unit.
    pub fn container_amount(&self) -> Result<Dosage, Unread> {
        let dosage = self.dosage()?;
        let amount = self.bill_units.checked_mul(dosage.amount).ok_or(Unread::Words)?;
        Ok(Dosage { amount, ..dosage })
    }

    /// Is the package's number of billing units its containers' number? CMS rounds some up to whole units.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.bill_units.checked_mul(self.package_quantity) == Some(self.bill_units_package)
    }
}

/// Relative values of a code and modifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rvu {
    /// The code.
    pub code: Code,
    /// `26`, `TC`, `53` or nothing.
    pub modifier: String,
    /// Status code: `A` active, `B` bundled, `T` paid only alone, …
    pub status: String,
    /// Work.
    pub work: Decimal,
    /// Practice expense outside a facility.
    pub pe_nonfacility: Decimal,
    /// Rarely or never done outside a facility.
    pub nonfacility_na: bool,
    /// Practice expense in a facility.
    pub pe_facility: Decimal,
    /// Rarely or never done in a facility.
    pub facility_na: bool,
    /// Malpractice.
    pub malpractice: Decimal,
    /// Sum outside a facility.
    pub total_nonfacility: Decimal,
    /// Sum in a facility.
    pub total_facility: Decimal,
    /// Professional/technical indicator: `5` is incident-to.
    pub pctc: String,
    /// Global days: `000`, `010`, `090`, `XXX`, `YYY`, `ZZZ`, `MMM`.
    pub global: String,
    /// Dollars per relative value.
    pub conversion_factor: Decimal,
    /// Dollars per relative value for qualifying participants, where CMS issued a second file for them (from 2026).
    pub conversion_factor_qpp: Option<Decimal>,
}

/// Price indices of a locality.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpci {
    /// Two-letter state; locality numbers repeat between states.
    pub state: String,
    /// Two-digit locality.
    pub locality: String,
    /// Five-digit number of the contractor.
    pub mac: String,
    /// Its name.
    pub name: String,
    /// Work, with the 1.0 floor where the law sets it.
    pub work: Decimal,
    /// Practice expense.
    pub practice_expense: Decimal,
    /// Malpractice.
    pub malpractice: Decimal,
}

/// How OPPS pays a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddendumB {
    /// The code.
    pub code: Code,
    /// Status indicator: `S`, `T`, `N`, `Q1`, `K`, `G`, …
    pub status: String,
    /// Ambulatory payment classification.
    pub apc: Option<String>,
    /// Relative weight.
    pub weight: Option<Decimal>,
    /// Dollars, national and unadjusted.
    pub rate: Option<Decimal>,
    /// Least unadjusted copayment, dollars.
    pub copayment: Option<Decimal>,
}

/// A charge of the hospital's own list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The code; several charges may share one.
    pub code: Code,
    /// Modifiers written behind the code, without separators.
    pub modifiers: String,
    /// Four-digit revenue code, where the list has one.
    pub revenue: Option<String>,
    /// Dollars; zero stands in real lists for what is priced elsewhere.
    pub price: Decimal,
}

fn since_until(since: Option<Date>, until: Option<Date>) -> String {
    match (since, until) {
        (None, None) => String::new(),
        (Some(s), None) => format!(" from {s}"),
        (None, Some(u)) => format!(" to {u}"),
        (Some(s), Some(u)) => format!(" from {s} to {u}"),
    }
}

fn or_none(value: Option<Decimal>) -> String {
    value.map_or_else(|| "none".to_owned(), |v| v.to_string())
}

impl Record for Ptp {
    type Key = (Code, Code);

    fn key(&self) -> Self::Key {
        (self.column1, self.column2)
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Ptp {
            column1: from.code()?,
            column2: from.code()?,
            indicator: Indicator::of(from.u8()?)?,
            effective: from.date()?,
            deleted: from.date()?,
        })
    }

    #[cfg(feature = "import")]
    fn write(&self, to: &mut Writer) {
        to.code(self.column1);
        to.code(self.column2);
        to.u8(self.indicator as u8);
        to.date(self.effective);
        to.date(self.deleted);
    }

    fn name(&self) -> String {
        format!("{}/{}", self.column1, self.column2)
    }

    fn value(&self) -> String {
        format!("indicator {}{}", self.indicator as u8, since_until(self.effective, self.deleted))
    }
}

impl Record for Mue {
    type Key = Code;

    fn key(&self) -> Code {
        self.code
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Mue { code: from.code()?, units: from.u32()?, indicator: Mai::of(from.u8()?)? })
    }

    #[cfg(feature = "import")]
    fn write(&self, to: &mut Writer) {
        to.code(self.code);
        to.u32(self.units);
        to.u8(self.indicator as u8);
    }

    fn name(&self) -> String {
        self.code.to_string()
    }

    fn value(&self) -> String {
        format!("{} units, MAI {}", self.units, self.indicator as u8)
    }
}

impl Record for AddOn {
    type Key = (Code, Option<Code>);

    fn key(&self) -> Self::Key {
        (self.code, self.primary)
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(AddOn {
            code: from.code()?,
            primary: if from.flag()? { Some(from.code()?) } else { None },
            edit_type: from.u8().filter(|t| (1..=3).contains(t))?,
            effective: from.date()?,
            deleted: from.date()?,
        })
    }

    #[cfg(feature = "import")]
    fn write(&self, to: &mut Writer) {
        to.code(self.code);
        to.u8(u8::from(self.primary.is_some()));
        if let Some(primary) = self.primary {
            to.code(primary);
        }
        to.u8(self.edit_type);
        to.date(self.effective);
        to.date(self.deleted);
    }

    fn name(&self) -> String {
        match self.primary {
            Some(primary) => format!("{} with {primary}", self.code),
            None => format!("{} with the contractor's codes", self.code),
        }
    }

    fn value(&self) -> String {
        format!("type {}{}", self.edit_type, since_until(self.effective, self.deleted))
    }
}

impl Record for Hcpcs {
    type Key = Code;

    fn key(&self) -> Code {
        self.code
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Hcpcs {
            code: from.code()?,
            added: from.date()?,
            terminated: from.date()?,
            dosage_text: Some(from.text()?).filter(|t| !t.is_empty()),
            not_classified: from.flag()?,
        })
    }

    #[cfg(feature = "import")]
    fn write(&self, to: &mut Writer) {
        to.code(self.code);
        to.date(self.added);
        to.date(self.terminated);
        to.text(self.dosage_text.as_deref().unwrap_or(""));
        to.u8(u8::from(self.not_classified));
    }

    fn name(&self) -> String {
        self.code.to_string()
    }

    fn value(&self) -> String {
        format!(
            "valid{}{}{}",
            since_until(self.added, self.terminated),
            self.dosage_text.as_deref().map(|d| format!(", {d}")).unwrap_or_default(),
            if self.not_classified { ", not otherwise classified" } else { "" }
        )
    }
}

impl Record for Asp {
    type Key = Code;

    fn key(&self) -> Code {
        self.code
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Asp { code: from.code()?, dosage_text: from.text()?, limit: from.option()?, coinsurance: from.option()? })
    }

    #[cfg(feature = "import")]
    fn write(&self, to: &mut Writer) {
        to.code(self.code);
        to.text(&self.dosage_text);
        to.option(self.limit);
        to.option(self.coinsurance);
    }

    fn name(&self) -> String {
        self.code.to_string()
    }

    fn value(&self) -> String {
        format!("{} per {}, coinsurance {}", or_none(self.limit), self.dosage_text, or_none(self.coinsurance))
    }
}

impl Record for Ndc {
    type Key = (Ndc11, Code);

    fn key(&self) -> Self::Key {
        (self.ndc, self.code)
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Ndc {
            ndc: from.u64().filter(|n| *n < 100_000_000_000).map(Ndc11)?,
            code: from.code()?,
            dosage_text: from.text()?,
            package_size: from.decimal()?,
            package_quantity: from.decimal()?,
            bill_units: from.decimal()?,
            bill_units_package: from.decimal()?,
        })
    }

    #[cfg(feature = "import")]
    fn write(&self, to: &mut Writer) {
        to.u64(self.ndc.0);
        to.code(self.code);
        to.text(&self.dosage_text);
        to.decimal(self.package_size);
        to.decimal(self.package_quantity);
        to.decimal(self.bill_units);
        to.decimal(self.bill_units_package);
    }

    fn name(&self) -> String {
        format!("{} {}", self.ndc, self.code)
    }

    fn value(&self) -> String {
        format!(
            "{}, size {}, quantity {}, {} units a container, {} a package",
            self.dosage_text, self.package_size, self.package_quantity, self.bill_units, self.bill_units_package
        )
    }
}

impl Record for Rvu {
    type Key = (Code, String);

    fn key(&self) -> Self::Key {
        (self.code, self.modifier.clone())
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Rvu {
            code: from.code()?,
            modifier: from.text()?,
            status: from.text()?,
            work: from.decimal()?,
            pe_nonfacility: from.decimal()?,
            nonfacility_na: from.flag()?,
            pe_facility: from.decimal()?,
            facility_na: from.flag()?,
            malpractice: from.decimal()?,
            total_nonfacility: from.decimal()?,
            total_facility: from.decimal()?,
            pctc: from.text()?,
            global: from.text()?,
            conversion_factor: from.decimal()?,
            conversion_factor_qpp: from.option()?,
        })
    }

    #[cfg(feature = "import")]
    fn write(&self, to: &mut Writer) {
        to.code(self.code);
        to.text(&self.modifier);
        to.text(&self.status);
        to.decimal(self.work);
        to.decimal(self.pe_nonfacility);
        to.u8(u8::from(self.nonfacility_na));
        to.decimal(self.pe_facility);
        to.u8(u8::from(self.facility_na));
        to.decimal(self.malpractice);
        to.decimal(self.total_nonfacility);
        to.decimal(self.total_facility);
        to.text(&self.pctc);
        to.text(&self.global);
        to.decimal(self.conversion_factor);
        to.option(self.conversion_factor_qpp);
    }

    fn name(&self) -> String {
        if self.modifier.is_empty() { self.code.to_string() } else { format!("{}-{}", self.code, self.modifier) }
    }

    fn value(&self) -> String {
        let na = |na: bool| if na { " NA" } else { "" };
        format!(
            "status {}, work {}, PE {}{} / {}{} in a facility, MP {}, totals {} / {}, PC/TC {}, global {}, factor {}{}",
            self.status,
            self.work,
            self.pe_nonfacility,
            na(self.nonfacility_na),
            self.pe_facility,
            na(self.facility_na),
            self.malpractice,
            self.total_nonfacility,
            self.total_facility,
            self.pctc,
            self.global,
            self.conversion_factor,
            self.conversion_factor_qpp.map(|f| format!(" / {f}")).unwrap_or_default()
        )
    }
}

impl Record for Gpci {
    type Key = (String, String);

    fn key(&self) -> Self::Key {
        (self.state.clone(), self.locality.clone())
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Gpci {
            state: from.text()?,
            locality: from.text()?,
            mac: from.text()?,
            name: from.text()?,
            work: from.decimal()?,
            practice_expense: from.decimal()?,
            malpractice: from.decimal()?,
        })
    }

    #[cfg(feature = "import")]
    fn write(&self, to: &mut Writer) {
        to.text(&self.state);
        to.text(&self.locality);
        to.text(&self.mac);
        to.text(&self.name);
        to.decimal(self.work);
        to.decimal(self.practice_expense);
        to.decimal(self.malpractice);
    }

    fn name(&self) -> String {
        format!("{} {}", self.state, self.locality)
    }

    fn value(&self) -> String {
        format!(
            "work {}, PE {}, MP {} ({}, {})",
            self.work, self.practice_expense, self.malpractice, self.name, self.mac
        )
    }
}

impl Record for AddendumB {
    type Key = Code;

    fn key(&self) -> Code {
        self.code
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(AddendumB {
            code: from.code()?,
            status: from.text()?,
            apc: Some(from.text()?).filter(|t| !t.is_empty()),
            weight: from.option()?,
            rate: from.option()?,
            copayment: from.option()?,
        })
    }

    #[cfg(feature = "import")]
    fn write(&self, to: &mut Writer) {
        to.code(self.code);
        to.text(&self.status);
        to.text(self.apc.as_deref().unwrap_or(""));
        to.option(self.weight);
        to.option(self.rate);
        to.option(self.copayment);
    }

    fn name(&self) -> String {
        self.code.to_string()
    }

    fn value(&self) -> String {
        format!(
            "{}, APC {}, weight {}, rate {}, copayment {}",
            self.status,
            self.apc.as_deref().unwrap_or("none"),
            or_none(self.weight),
            or_none(self.rate),
            or_none(self.copayment)
        )
    }
}

impl Record for Charge {
    type Key = (Code, String);

    fn key(&self) -> Self::Key {
        (self.code, self.modifiers.clone())
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Charge {
            code: from.code()?,
            modifiers: from.text()?,
            revenue: Some(from.text()?).filter(|t| !t.is_empty()),
            price: from.decimal()?,
        })
    }

    #[cfg(feature = "import")]
    fn write(&self, to: &mut Writer) {
        to.code(self.code);
        to.text(&self.modifiers);
        to.text(self.revenue.as_deref().unwrap_or(""));
        to.decimal(self.price);
    }

    fn name(&self) -> String {
        format!("{}{}", self.code, self.modifiers)
    }

    fn value(&self) -> String {
        format!("{} in {}", self.price, self.revenue.as_deref().unwrap_or("no revenue code"))
    }
}
