//! Where the service keeps cases, and `dripline store`.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};

use dripline_service::queue::check::check;
use dripline_service::store::backup::{self, BackupError, Totals};
use dripline_service::store::{Place, Store, StoreError};
use etcetera::BaseStrategy as _;

use crate::args::StoreWhat;
use crate::command::serve::runtime;
use crate::out::{Ends, Out, Stop, wrong};

pub fn run(what: &StoreWhat, out: &mut Out) -> Ends {
    let runtime = runtime()?;
    match what {
        StoreWhat::Backup { to, store } => {
            let place = place(store.store.as_deref())?;
            let totals = kept(to, |file| runtime.block_on(backup::write(&place, file)))?;
            out.line(&format!("{place} is kept in {}: {}.", to.display(), told(&totals)))?;
            Ok(0)
        }
        StoreWhat::Restore { from, store } => {
            let place = place(store.store.as_deref())?;
            let read = || File::open(from).map(BufReader::new);
            let totals = runtime.block_on(backup::restore(&place, read)).map_err(|e| failed(from, &e))?;
            out.line(&format!("{} is in {place}: {}.", from.display(), told(&totals)))?;
            Ok(0)
        }
        StoreWhat::Check { store } => {
            let place = place(store.store.as_deref())?;
            let found = runtime.block_on(check(&place)).map_err(|e| fail(&e))?;
            let totals = runtime.block_on(backup::write(&place, io::sink())).map_err(|e| failed(Path::new("-"), &e))?;
            for fault in &found.faults {
                out.line(fault)?;
            }
            let (cases, versions) = (found.cases, found.versions);
            out.line(&format!("{place}: {cases} cases in {versions} versions, {}.", told(&totals)))?;
            Ok(u8::from(!found.faults.is_empty()))
        }
    }
}

fn told(totals: &Totals) -> String {
    format!("{} rows, sha256 {}", totals.rows, totals.sha256)
}

/// Writes a new file, for its owner alone; where it is not whole, there is none.
fn kept<T>(path: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> Result<T, BackupError>) -> Result<T, Stop> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|e| failed(path, &e.into()))?;
    let mut buffered = BufWriter::new(&file);
    let done = write(&mut buffered).and_then(|done| {
        buffered.into_inner().map_err(|e| BackupError::File(e.into_error()))?;
        file.sync_all().map_err(BackupError::File)?;
        Ok(done)
    });
    done.map_err(|e| {
        let _ = fs::remove_file(path);
        failed(path, &e)
    })
}

fn failed(path: &Path, error: &BackupError) -> Stop {
    match error {
        BackupError::Store(e) => fail(e),
        other => wrong(&format!("{}: {other}", path.display()), other.help()),
    }
}

/// The store that the command line names, or that of the user's data folder.
pub async fn open(named: Option<&str>) -> Result<Store, Stop> {
    Store::open(&place(named)?).await.map_err(|e| fail(&e))
}

/// Where the store is. The user's own folder is made.
pub fn place(named: Option<&str>) -> Result<Place, Stop> {
    match named {
        Some(text) => text.parse().map_err(|e| fail(&e)),
        None => own().map(Place::File),
    }
}

fn own() -> Result<PathBuf, Stop> {
    let help = "name a file with --store, or keep nothing with --no-store";
    let base = etcetera::choose_base_strategy().map_err(|_| wrong("the user's data folder is not known", help))?;
    let dir = base.data_dir().join("dripline");
    fs::create_dir_all(&dir).map_err(|e| wrong(&format!("{}: it cannot be made: {e}", dir.display()), help))?;
    Ok(dir.join("cases.db"))
}

pub fn fail(error: &StoreError) -> Stop {
    wrong(&format!("--store: {error}"), error.help())
}
