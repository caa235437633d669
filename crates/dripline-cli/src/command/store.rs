//! Where the service keeps cases.

use std::fs;
use std::path::PathBuf;

use dripline_service::store::{Place, Store, StoreError};
use etcetera::BaseStrategy as _;

use crate::out::{Stop, wrong};

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
