use std::fmt;
use std::str::FromStr;

/// Whose claim a pair or unit edit is for: CMS issues one table for practitioners and another for hospitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Biller {
    /// Practitioners and ambulatory surgical centres.
    Practitioner,
    /// Outpatient hospitals.
    Hospital,
}

/// Which table a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// NCCI procedure-to-procedure edits.
    Ptp(Biller),
    /// NCCI medically unlikely edits.
    Mue(Biller),
    /// NCCI add-on code edits.
    AddOn,
    /// HCPCS Level II codes.
    Hcpcs,
    /// ASP payment limits of Part B drugs.
    Asp,
    /// ASP crosswalk from NDC to HCPCS.
    Ndc,
    /// Relative values of the physician fee schedule (PPRRVU).
    Rvu,
    /// Geographic practice cost indices.
    Gpci,
    /// OPPS Addendum B.
    AddendumB,
    /// A hospital's charge master.
    Charges,
}

impl Kind {
    /// Every kind, in the order in which they are listed.
    pub const ALL: [Kind; 12] = [
        Kind::Ptp(Biller::Practitioner),
        Kind::Ptp(Biller::Hospital),
        Kind::Mue(Biller::Practitioner),
        Kind::Mue(Biller::Hospital),
        Kind::AddOn,
        Kind::Hcpcs,
        Kind::Asp,
        Kind::Ndc,
        Kind::Rvu,
        Kind::Gpci,
        Kind::AddendumB,
        Kind::Charges,
    ];

    /// Its name on the command line and in the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ptp(Biller::Practitioner) => "ptp-practitioner",
            Kind::Ptp(Biller::Hospital) => "ptp-hospital",
            Kind::Mue(Biller::Practitioner) => "mue-practitioner",
            Kind::Mue(Biller::Hospital) => "mue-hospital",
            Kind::AddOn => "add-on",
            Kind::Hcpcs => "hcpcs",
            Kind::Asp => "asp",
            Kind::Ndc => "ndc",
            Kind::Rvu => "rvu",
            Kind::Gpci => "gpci",
            Kind::AddendumB => "addendum-b",
            Kind::Charges => "charges",
        }
    }

    /// What it is, in words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Kind::Ptp(Biller::Practitioner) => "NCCI PTP edits, practitioner",
            Kind::Ptp(Biller::Hospital) => "NCCI PTP edits, outpatient hospital",
            Kind::Mue(Biller::Practitioner) => "NCCI MUE, practitioner",
            Kind::Mue(Biller::Hospital) => "NCCI MUE, outpatient hospital",
            Kind::AddOn => "NCCI add-on code edits",
            Kind::Hcpcs => "HCPCS Level II codes",
            Kind::Asp => "ASP payment limits",
            Kind::Ndc => "ASP NDC-HCPCS crosswalk",
            Kind::Rvu => "PFS relative values (PPRRVU)",
            Kind::Gpci => "geographic practice cost indices (GPCI)",
            Kind::AddendumB => "OPPS Addendum B",
            Kind::Charges => "charge master",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no table's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a table; the tables are {list}", list = Kind::ALL.map(Kind::name).join(", "))]
pub struct NotATable(String);

impl FromStr for Kind {
    type Err = NotATable;

    fn from_str(text: &str) -> Result<Self, NotATable> {
        Kind::ALL.into_iter().find(|k| k.name() == text).ok_or_else(|| NotATable(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_read_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        let message = "pricing".parse::<Kind>().unwrap_err().to_string();
        assert!(message.starts_with("`pricing` is not a table; the tables are ptp-practitioner, "), "{message}");
    }
}
