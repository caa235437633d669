//! An import that is killed after each change that it makes to the store's folder: the store reads as before, or as
//! after it, and nothing between.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use dripline_reference::tables::{Biller, Kind, Quarter, Store};

/// Rows of each table of pairs.
const PAIRS: u32 = 6_000;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Pairs of one table; the first rows tell whose it is.
fn pairs(second: &str, indicator: char) -> String {
    let mut text = "Column 1\tColumn 2\tDeletion\tModifier\n".to_owned();
    for n in 0..PAIRS {
        let one = 10_000 + n % 80_000;
        let two = if n < 100 { second.to_owned() } else { format!("{:05}", 20_000 + n % 70_001) };
        text.push_str(&format!("{one}\t{two}\t*\t{indicator}\n"));
    }
    text
}

fn limits(whose: &str, units: u32) -> String {
    let mut text = format!("HCPCS/CPT Code,{whose} Services MUE Values,MUE Adjudication Indicator\n");
    (0..1_000).for_each(|n| text.push_str(&format!("{:05},{units},3\n", 30_000 + n)));
    text
}

fn import(store: &Path, files: &[PathBuf]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_dripline"))
        .args(["reference", "import", "--quarter", "2026Q1", "--reference"])
        .arg(store)
        .args(files)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn files_of(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = std::fs::read_dir(dir).unwrap().map(|f| f.unwrap());
    read.map(|f| (f.file_name().into_string().unwrap(), std::fs::read(f.path()).unwrap())).collect()
}

/// The units of a limit, once every table that the store names was read whole.
fn state(dir: &Path) -> (u32, usize) {
    let store = Store::open(dir).unwrap_or_else(|e| panic!("{e}"));
    let quarter: Quarter = "2026Q1".parse().unwrap();
    let kinds: Vec<Kind> = store.list().map(|s| s.kind).collect();
    for kind in &kinds {
        match kind {
            Kind::Ptp(biller) => assert_eq!(store.ptp(*biller, quarter).unwrap().unwrap().len(), PAIRS as usize),
            Kind::Mue(biller) => assert_eq!(store.mue(*biller, quarter).unwrap().unwrap().rows().len(), 1_000),
            other => panic!("{other}"),
        }
    }
    (store.mue(Biller::Practitioner, quarter).unwrap().unwrap().find("30000").unwrap().units, kinds.len())
}

#[test]
fn a_killed_import_leaves_the_old_snapshot() {
    let dir = Folder(std::env::temp_dir().join(format!("dripline-interrupted-{}", std::process::id())));
    let _ = std::fs::remove_dir_all(&dir.0);
    std::fs::create_dir_all(&dir.0).unwrap();
    let file = |name: &str, text: String| {
        let path = dir.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let old = [file("old.csv", limits("Practitioner", 1))];
    let new = [
        file("ccipra.txt", pairs("36591", '0')),
        file("ccioph.txt", pairs("96523", '1')),
        file("practitioner.csv", limits("Practitioner", 2)),
        file("hospital.csv", limits("Outpatient Hospital", 3)),
    ];
    let store = dir.0.join("store");
    assert!(import(&store, &old).wait().unwrap().success());
    let before = files_of(&store);
    let restore = || {
        let _ = std::fs::remove_dir_all(&store);
        std::fs::create_dir_all(&store).unwrap();
        before.iter().for_each(|(name, bytes)| std::fs::write(store.join(name), bytes).unwrap());
    };
    restore();
    assert!(import(&store, &new).wait().unwrap().success());
    assert_eq!(state(&store), (2, 4), "undisturbed");

    // Killed before anything changed, after the first change, and so on until one ends undisturbed.
    let (mut old_state, mut writing, mut new_state) = (0, 0, 0);
    for changes in 0..100 {
        restore();
        let mut child = import(&store, &new);
        let ended = wait_for(&store, changes, &mut child);
        let _ = child.kill();
        child.wait().unwrap();
        let files = files_of(&store);
        match state(&store) {
            (1, 1) => {
                assert_eq!(files["manifest"], before["manifest"], "after {changes} changes");
                for (name, bytes) in &before {
                    assert_eq!(files.get(name), Some(bytes), "{name} after {changes} changes");
                }
                old_state += 1;
                writing += usize::from(files.len() > before.len());
            }
            (2, 4) => new_state += 1,
            other => panic!("after {changes} changes: {other:?}"),
        }
        // Nothing that was left stands in the way of the next one.
        assert!(import(&store, &new).wait().unwrap().success(), "after {changes} changes");
        assert_eq!(state(&store), (2, 4));
        if ended {
            break;
        }
    }
    println!(
        "killed {} times: {old_state} old, of which {writing} with tables half written; {new_state} new",
        old_state + new_state
    );
    assert!(writing >= 1, "no kill came while the tables were written");
}

/// Waits until the folder was seen to change so many times; true if the import ended before that.
fn wait_for(store: &Path, changes: u32, child: &mut Child) -> bool {
    let look = || {
        let found = std::fs::read_dir(store).unwrap().flatten();
        let mut files: Vec<_> = found.map(|f| (f.file_name(), f.metadata().map_or(0, |m| m.len()))).collect();
        files.sort();
        files
    };
    let (mut last, mut seen) = (look(), 0);
    while seen < changes {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        let now = look();
        if now != last {
            seen += 1;
            last = now;
        }
    }
    false
}
