use jiff::civil::Date;

use super::{Kind, Quarter, StoreError};

/// Why files were not imported. The store is then as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// No file was named.
    #[error("no file to import")]
    NoFiles,
    /// A file or an archive's member cannot be opened.
    #[error("{name}: {what}; get the file again")]
    Unreadable {
        /// The file.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// A text file ends in the middle.
    #[error("{name}: {what}: the file was cut short; get it again{}", besides(mend))]
    CutShort {
        /// The file.
        name: String,
        /// How it shows.
        what: String,
        /// What to do where it is whole all the same.
        mend: &'static str,
    },
    /// It holds no table that is known.
    #[error(
        "{name}: {what}; known are NCCI PTP, MUE and add-on code edits, HCPCS Level II, ASP payment limits and NDC crosswalk, PPRRVU, GPCI, OPPS Addendum B, and a charge master with code and price"
    )]
    NotATable {
        /// The file.
        name: String,
        /// What it is instead.
        what: String,
    },
    /// Its header is nearly that of a known table.
    #[error(transparent)]
    HeaderChanged(Box<HeaderChanged>),
    /// A row does not hold what its columns say.
    #[error("{name}, line {line}: {what}; nothing of the file was imported")]
    Row {
        /// The file.
        name: String,
        /// The line, or the row of a sheet.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// Two rows say different things of one code.
    #[error("{kind}: two rows for {key}: {values}; import the right file alone")]
    Contradiction {
        /// The table.
        kind: Kind,
        /// The code.
        key: String,
        /// What the one row says and what the other.
        values: String,
    },
    /// Pair edits that may be either table's.
    #[error(
        "{name}: nothing in these PTP pairs tells the practitioner's table from the hospital's ({practitioner} pairs \
         are only the one's, {hospital} only the other's); import CMS's file whole"
    )]
    WhosePairs {
        /// The file.
        name: String,
        /// Pairs that point to the practitioner's table.
        practitioner: usize,
        /// Pairs that point to the hospital's.
        hospital: usize,
    },
    /// One part of a table would take the place of another.
    #[error(
        "{kind} of {quarter}: stored are pairs from {stored}, these are {given}: parts of one table; give all its files \
         in one call"
    )]
    OtherPart {
        /// The table.
        kind: Kind,
        /// The quarter.
        quarter: Quarter,
        /// First and last code in the store.
        stored: String,
        /// First and last code of the files.
        given: String,
    },
    /// Two sources name different quarters.
    #[error("{one}, {other}; {mend}")]
    TwoQuarters {
        /// Who says what.
        one: String,
        /// Who says otherwise.
        other: String,
        /// How to settle it.
        mend: String,
    },
    /// Nothing names the quarter.
    #[error("{name}: neither the file nor its name says its quarter; name it with `--quarter 2026Q1`")]
    NoQuarter {
        /// The file.
        name: String,
    },
    /// The file knows of a later day than its quarter's last.
    #[error(
        "{name}: a row is dated {date}, after {quarter} ended; name the file's own quarter, not before {}, with `--quarter`",
        Quarter::of_date(*date)
    )]
    LaterQuarter {
        /// The file.
        name: String,
        /// The latest date in it.
        date: Date,
        /// The quarter that it was taken for.
        quarter: Quarter,
    },
    /// The store could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A header that is nearly that of a known table.
#[derive(Debug, thiserror::Error)]
#[error(
    "{name}: the header of {table} has changed\n  expected: {}\n  found:    {}\n  {}; the file is not read on a guess",
    expected.join(" | "), found.join(" | "), difference(missing, unknown)
)]
pub struct HeaderChanged {
    /// The file.
    pub name: String,
    /// The table that it resembles.
    pub table: &'static str,
    /// The columns of that table.
    pub expected: Vec<&'static str>,
    /// The columns of the file.
    pub found: Vec<String>,
    /// Columns that are not in the file.
    pub missing: Vec<&'static str>,
    /// Columns that the table does not have.
    pub unknown: Vec<String>,
}

fn besides(mend: &str) -> String {
    if mend.is_empty() { String::new() } else { format!("; {mend}") }
}

fn difference(missing: &[&str], unknown: &[String]) -> String {
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("missing: {}", missing.join(" | ")));
    }
    if !unknown.is_empty() {
        parts.push(format!("not known: {}", unknown.join(" | ")));
    }
    parts.join("; ")
}
