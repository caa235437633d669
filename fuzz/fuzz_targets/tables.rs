//! Importers of release files: any bytes under any name are a table or are refused, and the store stays readable.
#![no_main]

use std::cell::LazyCell;
use std::path::PathBuf;

use dripline_reference::tables::{Kind, Quarter, Store, import};
use jiff::civil::date;
use libfuzzer_sys::fuzz_target;

/// By its first byte, the name under which the bytes are given.
const NAMES: &[&str] = &[
    "table.csv",
    "table.txt",
    "table.zip",
    "table.xlsx",
    "table.csv.gz",
    "ccipra-v321r0-f1.txt",
    "MCR_MUE_PractitionerServices_Eff_01-01-2026.csv",
    "PPRRVU26_JAN.csv",
    "table",
];

thread_local! {
    static DIR: LazyCell<PathBuf> =
        LazyCell::new(|| std::env::temp_dir().join(format!("dripline-fuzz-tables-{}", std::process::id())));
}

fuzz_target!(|data: &[u8]| {
    let Some((name, bytes)) = data.split_first() else { return };
    let name = NAMES[usize::from(*name) % NAMES.len()];
    DIR.with(|dir| {
        let dir: &PathBuf = dir;
        let mut store = Store::open(dir).expect("an empty store opens");
        let quarter: Quarter = "2026Q1".parse().expect("a quarter");
        match import(&[(name, bytes)], Some(quarter), &mut store, date(2026, 1, 5)) {
            Ok(understood) => {
                for line in &understood {
                    let _ = line.to_string();
                }
                let again = Store::open(dir).expect("what was stored is read");
                for kind in Kind::ALL {
                    for q in again.quarters(kind) {
                        let diff = again.diff(kind, q, q).expect("a stored table is read");
                        assert!(diff.is_empty());
                    }
                }
                std::fs::remove_dir_all(dir).expect("the store goes away");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
});
