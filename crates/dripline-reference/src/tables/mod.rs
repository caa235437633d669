//! Reference tables as dated snapshots: NCCI edits, HCPCS, ASP, the physician fee schedule, OPPS and a charge master.
//!
//! CMS issues its tables by the quarter. [`import`] reads the release files (zip, gzip, xlsx, csv, tab-separated or
//! fixed-width text), tells by their content what they hold, and stores one snapshot a table and quarter in a
//! [`Store`], with its sources' hashes and the date of import. Nothing is required: an edit whose table of the quarter
//! is not stored was not checked.
//!
//! ```
//! use dripline_reference::tables::{Quarter, Store, import};
//!
//! let dir = std::env::temp_dir().join(format!("dripline-doc-{}", std::process::id()));
//! let mut store = Store::open(&dir)?;
//! // A sample made up for this page.
//! let file = b"Effective January 1, 2026 through March 31, 2026,,\n\
//!              HCPCS Code,HCPCS Code Dosage,Payment Limit\n\
//!              J0129,10 MG,44.769\n";
//! let today = jiff::civil::date(2026, 1, 5);
//! for line in import(&[("limits.csv", file)], None, &mut store, today)? {
//!     println!("{line}");
//! }
//! let quarter: Quarter = "2026Q1".parse()?;
//! let limits = store.asp(quarter)?.expect("just imported");
//! assert_eq!(limits.find("J0129").unwrap().limit.unwrap().to_string(), "44.769");
//! assert!(store.asp("2026Q2".parse()?)?.is_none());
//! # std::fs::remove_dir_all(&dir)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Bounds: CMS's descriptions are not stored but for the dosage at the end of a HCPCS Level II description; wage
//! indices, packaging rules and other payers' tables are not read.

pub mod dosage;

mod code;
mod codec;
mod in_force;
mod kind;
mod quarter;
mod rows;
mod store;
mod table;

#[cfg(feature = "import")]
mod error;
#[cfg(feature = "import")]
mod fixed;
#[cfg(feature = "import")]
mod import;
#[cfg(feature = "import")]
mod layout;
#[cfg(feature = "import")]
mod parse;
#[cfg(feature = "import")]
mod unpack;
#[cfg(feature = "import")]
mod when;

pub use code::Code;
#[cfg(feature = "import")]
pub use error::{HeaderChanged, ImportError};
#[cfg(feature = "import")]
use import::hash;
#[cfg(feature = "import")]
pub use import::{Understood, What, import};
pub use in_force::InForce;
pub use kind::{Biller, Kind, NotATable};
pub use quarter::{NotAQuarter, Quarter};
pub use rows::{AddOn, AddendumB, Asp, Charge, Gpci, Hcpcs, Mai, Mue, Ndc, Ndc11, Rvu};
pub use store::{Snapshot, Source, Store, StoreError};
pub use table::{Diff, Indicator, Ptp, PtpOf, PtpTable, Table};
