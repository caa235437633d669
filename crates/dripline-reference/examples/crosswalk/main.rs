//! Holds a quarter's crosswalk against the drug lines: every row whose own numbers add up must be reproduced.
//!
//! ```text
//! cargo run --release -p dripline-reference --example crosswalk -- FILE [ASP_LIMITS_FILE]
//! ```
//!
//! The file is CMS's `… ASP NDC-HCPCS Crosswalk ….csv`, plain or gzip, of any quarter. Ends with 1 if a row is not
//! reproduced or more than a tenth is excluded, with 2 if the file cannot be read.

mod check;

use std::process::ExitCode;
use std::sync::Arc;

use dripline_reference::Coder;
use dripline_reference::tables::{Kind, Store, What, import};
use jiff::civil::date;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(wrong) => {
            eprintln!("error: {wrong}\nusage: crosswalk FILE [ASP_LIMITS_FILE]");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, String> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let [crosswalk, ..] = names.as_slice() else { return Err("no file named".to_owned()) };
    let read = |name: &String| std::fs::read(name).map_err(|e| format!("{name}: {e}"));
    let bytes = names.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let base = |name: &str| name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned();
    let bases: Vec<String> = names.iter().map(|n| base(n)).collect();
    let files: Vec<(&str, &[u8])> = bases.iter().zip(&bytes).map(|(n, b)| (n.as_str(), b.as_slice())).collect();

    let dir = std::env::temp_dir().join(format!("dripline-crosswalk-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let mut store = Store::open(&dir).map_err(|e| e.to_string())?;
    let understood = import(&files, None, &mut store, date(2026, 1, 20)).map_err(|e| e.to_string())?;
    understood.iter().for_each(|line| println!("{line}"));
    let quarter = understood.iter().find_map(|u| match &u.what {
        What::Table { kind: Kind::Ndc, quarter, .. } => Some(*quarter),
        _ => None,
    });
    let quarter = quarter.ok_or(format!("{crosswalk}: is not the ASP crosswalk"))?;
    let coder = Coder { store: Some(Arc::new(store)), ..Coder::default() };
    let rows = check::rows(&check::text(&bytes[0]).map_err(|e| format!("{crosswalk}: {e}"))?)?;
    let report = check::check(&rows, quarter, &coder);
    drop(coder);
    let _ = std::fs::remove_dir_all(&dir);
    print!("{report}");
    Ok(report.wrong.is_empty() && report.lines_wrong.is_empty() && report.excluded() <= rust_decimal::Decimal::TEN)
}
