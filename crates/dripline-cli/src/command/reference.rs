//! `dripline reference`: the store of CMS's tables.

use std::env;
use std::path::{Path, PathBuf};

use dripline_reference::tables::{Kind, Quarter, Store, import};
use etcetera::BaseStrategy as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::args::{Reference, ReferenceWhat};
use crate::out::{Ends, Out, Stop, wrong};

/// Names the folder of reference tables, where `--reference` does not.
const VARIABLE: &str = "DRIPLINE_REFERENCE";

/// The store that the command line, the environment or the user's data folder names.
///
/// A folder that was named must be there; the user's own need not be.
pub fn open(named: Option<&Path>) -> Result<Option<Store>, Stop> {
    let Some((dir, says)) = folder(named) else { return Ok(None) };
    if let Some(says) = says
        && !dir.is_dir()
    {
        return Err(wrong(
            &format!("{says}: there is no folder {}", dir.display()),
            "`dripline reference import` makes it; without reference tables leave it out",
        ));
    }
    store(dir).map(Some)
}

/// The folder, and what named it where it is not the user's own.
fn folder(named: Option<&Path>) -> Option<(PathBuf, Option<&'static str>)> {
    if let Some(dir) = named {
        return Some((dir.to_owned(), Some("--reference")));
    }
    if let Some(dir) = env::var_os(VARIABLE).filter(|v| !v.is_empty()) {
        return Some((dir.into(), Some(VARIABLE)));
    }
    let base = etcetera::choose_base_strategy().ok()?;
    Some((base.data_dir().join("dripline").join("reference"), None))
}

fn store(dir: PathBuf) -> Result<Store, Stop> {
    Store::open(dir).map_err(|e| wrong(&e.to_string(), ""))
}

pub fn run(args: &Reference, out: &mut Out) -> Ends {
    let Some((dir, _)) = folder(args.reference.as_deref()) else {
        return Err(wrong("the user's data folder is not known", "name a folder with --reference"));
    };
    let mut store = store(dir)?;
    match &args.what {
        ReferenceWhat::Import { files, quarter } => {
            let quarter = quarter.as_deref().map(|q| self::quarter(q, "--quarter")).transpose()?;
            let mut read = Vec::with_capacity(files.len());
            for file in files {
                let bytes = std::fs::read(file)
                    .map_err(|e| wrong(&format!("{}: it cannot be read: {e}", file.display()), ""))?;
                // The name tells the quarter; the folders above it do not.
                let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
                read.push((name, bytes));
            }
            let named: Vec<(&str, &[u8])> = read.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
            let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
            let lines = import(&named, quarter, &mut store, today).map_err(|e| wrong(&e.to_string(), ""))?;
            for line in lines {
                out.line(&line.to_string())?;
            }
        }
        ReferenceWhat::List => {
            let mut none = true;
            for s in store.list() {
                none = false;
                let sources: Vec<&str> = s.sources.iter().map(|s| s.name.as_str()).collect();
                out.line(&format!(
                    "{:<17} {}  {:>8} rows  imported {}  {}",
                    s.kind.name(),
                    s.quarter,
                    s.rows,
                    s.imported_on,
                    sources.join(", ")
                ))?;
            }
            if none {
                out.line(&format!("{}: no tables are stored", store.dir().display()))?;
            }
        }
        ReferenceWhat::Diff { table, before, after } => {
            let kinds = match table {
                Some(name) => vec![name.parse::<Kind>().map_err(|e| wrong(&e.to_string(), ""))?],
                None => Kind::ALL.into_iter().filter(|k| store.quarters(*k).len() > 1).collect(),
            };
            if kinds.is_empty() {
                return Err(wrong("no table has two quarters", "`dripline reference list` shows what is stored"));
            }
            for kind in kinds {
                let (a, b) = match (before, after) {
                    (Some(a), Some(b)) => (quarter(a, "diff")?, quarter(b, "diff")?),
                    _ => match store.quarters(kind).as_slice() {
                        [.., a, b] => (*a, *b),
                        _ => {
                            return Err(wrong(
                                &format!("{kind}: fewer than two quarters are stored"),
                                "`dripline reference list` shows what is stored",
                            ));
                        }
                    },
                };
                let diff = store.diff(kind, a, b).map_err(|e| wrong(&e.to_string(), ""))?;
                out.line(&format!(
                    "{}, {a} to {b}: {} added, {} removed, {} changed",
                    kind.label(),
                    diff.added.len(),
                    diff.removed.len(),
                    diff.changed.len()
                ))?;
                out.write(&diff.to_string())?;
            }
        }
    }
    Ok(0)
}

fn quarter(text: &str, of: &str) -> Result<Quarter, Stop> {
    text.parse().map_err(|e| wrong(&format!("{of}: {e}"), ""))
}
