//! The reference store: a folder with one file a table and quarter, and a manifest that says which of them count.
//!
//! The manifest is replaced in one step after everything that it names is on the disk. Whatever interrupts an import
//! before that step leaves the old manifest and the files that it names; files that no manifest names are swept by the
//! next import.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{fs, io};

use dripline::time::strict_date;
use jiff::civil::Date;

use super::table::AnyTable;
use super::{AddOn, AddendumB, Asp, Biller, Charge, Diff, Gpci, Hcpcs, Kind, Mue, Ndc, PtpTable, Quarter, Rvu, Table};

const MANIFEST: &str = "manifest";
const FORM: &str = "dripline reference 1";

/// A file from which a snapshot was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name, and behind ` > ` the archive member.
    pub name: String,
    /// SHA-256 of the whole file, in hexadecimal.
    pub sha256: String,
}

/// What is known of a table of one quarter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The table.
    pub kind: Kind,
    /// The quarter.
    pub quarter: Quarter,
    /// Number of different rows.
    pub rows: usize,
    /// When it was imported; the caller's date.
    pub imported_on: Date,
    /// From which files.
    pub sources: Vec<Source>,
}

/// Why the store could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A file of the store is not what was written.
    #[error("{}: {what}; import the table again, or delete the folder and import all", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// There is no such snapshot.
    #[error("no {kind} of {quarter} in {}; {}", dir.display(), have(stored))]
    Missing {
        /// The table.
        kind: Kind,
        /// The quarter that was asked for.
        quarter: Quarter,
        /// The quarters that there are.
        stored: Vec<Quarter>,
        /// The store.
        dir: PathBuf,
    },
    /// Another import holds the store.
    #[error("{}: another import is writing; wait for it and try again", dir.display())]
    Busy {
        /// The store.
        dir: PathBuf,
    },
}

fn have(stored: &[Quarter]) -> String {
    match stored {
        [] => "none is stored".to_owned(),
        quarters => format!("stored: {}", quarters.iter().map(Quarter::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { path, source }
}

#[derive(Debug)]
struct Entry {
    snapshot: Snapshot,
    file: String,
    table: OnceLock<AnyTable>,
}

type Entries = BTreeMap<(Kind, Quarter), Entry>;

/// A reference store, opened.
///
/// Opening reads the manifest alone; a table is read when it is first asked for and then kept. Look-ups say `None`
/// where no snapshot of that quarter is stored, which is not the same as a table that lacks the code.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    entries: Entries,
}

impl Store {
    /// Opens the store in a folder; a folder that does not exist is an empty store.
    ///
    /// # Errors
    /// Where the manifest cannot be read.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let dir = dir.into();
        let entries = read_manifest(&dir)?;
        Ok(Store { dir, entries })
    }

    /// Its folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// All snapshots, by table and quarter.
    pub fn list(&self) -> impl Iterator<Item = &Snapshot> {
        self.entries.values().map(|e| &e.snapshot)
    }

    /// The stored quarters of a table, the oldest first.
    #[must_use]
    pub fn quarters(&self, kind: Kind) -> Vec<Quarter> {
        self.entries.keys().filter(|k| k.0 == kind).map(|k| k.1).collect()
    }

    /// What the later quarter of a table changes against the earlier.
    ///
    /// # Errors
    /// Where one of the two is not stored or cannot be read.
    pub fn diff(&self, kind: Kind, before: Quarter, after: Quarter) -> Result<Diff, StoreError> {
        let table = |quarter| {
            self.table(kind, quarter)?.ok_or_else(|| StoreError::Missing {
                kind,
                quarter,
                stored: self.quarters(kind),
                dir: self.dir.clone(),
            })
        };
        Ok(table(before)?.diff(table(after)?))
    }

    pub(super) fn table(&self, kind: Kind, quarter: Quarter) -> Result<Option<&AnyTable>, StoreError> {
        let Some(entry) = self.entries.get(&(kind, quarter)) else { return Ok(None) };
        if let Some(table) = entry.table.get() {
            return Ok(Some(table));
        }
        let path = self.dir.join(&entry.file);
        let bytes = fs::read(&path).map_err(io_error(&path))?;
        let table = AnyTable::decode(kind, &bytes)
            .ok_or_else(|| StoreError::Damaged { path, what: "not a whole table".to_owned() })?;
        Ok(Some(entry.table.get_or_init(|| table)))
    }
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty)?) -> $table:ty, $kind:expr, $variant:ident;)*) => {
        impl Store {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// Where the table's file cannot be read.
                pub fn $name(&self, $($argument: $type,)? quarter: Quarter) -> Result<Option<&$table>, StoreError> {
                    Ok(match self.table($kind, quarter)? {
                        Some(AnyTable::$variant(table)) => Some(table),
                        _ => None,
                    })
                }
            )*
        }
    };
}

tables! {
    /// The pair edits of a quarter.
    ptp(biller: Biller) -> PtpTable, Kind::Ptp(biller), Ptp;
    /// The unit edits of a quarter.
    mue(biller: Biller) -> Table<Mue>, Kind::Mue(biller), Mue;
    /// The add-on codes of a quarter.
    add_on() -> Table<AddOn>, Kind::AddOn, AddOn;
    /// The HCPCS Level II codes of a quarter.
    hcpcs() -> Table<Hcpcs>, Kind::Hcpcs, Hcpcs;
    /// The ASP payment limits of a quarter.
    asp() -> Table<Asp>, Kind::Asp, Asp;
    /// The ASP crosswalk of a quarter.
    ndc() -> Table<Ndc>, Kind::Ndc, Ndc;
    /// The relative values of a quarter.
    rvu() -> Table<Rvu>, Kind::Rvu, Rvu;
    /// The geographic practice cost indices of a quarter.
    gpci() -> Table<Gpci>, Kind::Gpci, Gpci;
    /// Addendum B of a quarter.
    addendum_b() -> Table<AddendumB>, Kind::AddendumB, AddendumB;
    /// The hospital's charges of a quarter.
    charges() -> Table<Charge>, Kind::Charges, Charges;
}

fn read_manifest(dir: &Path) -> Result<Entries, StoreError> {
    let path = dir.join(MANIFEST);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Entries::new()),
        Err(source) => return Err(StoreError::Io { path, source }),
    };
    parse_manifest(&text).map_err(|what| StoreError::Damaged { path, what })
}

fn parse_manifest(text: &str) -> Result<Entries, String> {
    let mut lines = text.lines().enumerate();
    if lines.next().map(|l| l.1) != Some(FORM) {
        return Err(format!("does not begin with `{FORM}`"));
    }
    let mut entries = Entries::new();
    let mut last = None;
    for (index, line) in lines {
        let bad = || format!("line {} is not understood", index + 1);
        match line.split('\t').collect::<Vec<_>>().as_slice() {
            ["table", kind, quarter, rows, date, file] => {
                let kind: Kind = kind.parse().map_err(|_| bad())?;
                let quarter: Quarter = quarter.parse().map_err(|_| bad())?;
                let snapshot = Snapshot {
                    kind,
                    quarter,
                    rows: rows.parse().map_err(|_| bad())?,
                    imported_on: strict_date(date).ok_or_else(bad)?,
                    sources: Vec::new(),
                };
                let entry = Entry { snapshot, file: (*file).to_owned(), table: OnceLock::new() };
                if entries.insert((kind, quarter), entry).is_some() {
                    return Err(bad());
                }
                last = Some((kind, quarter));
            }
            ["source", sha256, name] => {
                let entry = last.and_then(|key| entries.get_mut(&key)).ok_or_else(bad)?;
                entry.snapshot.sources.push(Source { name: (*name).to_owned(), sha256: (*sha256).to_owned() });
            }
            ["end"] => return Ok(entries),
            _ => return Err(bad()),
        }
    }
    Err("its end is missing".to_owned())
}

#[cfg_attr(not(feature = "import"), allow(dead_code))]
fn write_manifest(entries: &Entries) -> String {
    // Writing to a string does not fail.
    let mut text = format!("{FORM}\n");
    for ((kind, quarter), Entry { snapshot, file, .. }) in entries {
        let _ = writeln!(text, "table\t{kind}\t{quarter}\t{}\t{}\t{file}", snapshot.rows, snapshot.imported_on);
        for source in &snapshot.sources {
            let name: String = source.name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let _ = writeln!(text, "source\t{}\t{name}", source.sha256);
        }
    }
    text.push_str("end\n");
    text
}

#[cfg(feature = "import")]
mod writing {
    use std::collections::BTreeSet;
    use std::fs::File;
    use std::io::Write as _;

    use super::*;
    use crate::tables::hash;

    const LOCK: &str = "lock";
    const UNFINISHED: &str = "new";

    /// A store that this import alone may write.
    pub(in crate::tables) struct Held<'a> {
        store: &'a mut Store,
        _lock: File,
    }

    /// One step of a commit. After each of them the store is whole; the last but one makes it the new one.
    #[derive(Debug)]
    enum Step {
        Remove(PathBuf),
        Write(PathBuf, Vec<u8>),
        Rename(PathBuf, PathBuf),
        SyncFolder(PathBuf),
    }

    impl Step {
        fn run(&self) -> Result<(), StoreError> {
            match self {
                Step::Remove(path) => fs::remove_file(path).map_err(io_error(path)),
                Step::Write(path, bytes) => {
                    let write = || {
                        let mut file = File::create(path)?;
                        file.write_all(bytes)?;
                        file.sync_all()
                    };
                    write().map_err(io_error(path))
                }
                Step::Rename(from, to) => fs::rename(from, to).map_err(io_error(to)),
                Step::SyncFolder(path) => sync_folder(path).map_err(io_error(path)),
            }
        }
    }

    /// A name in a folder is on the disk once the folder is.
    fn sync_folder(path: &Path) -> io::Result<()> {
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }

    impl Store {
        /// Takes the store for writing and reads what others have written since it was opened.
        pub(in crate::tables) fn hold(&mut self) -> Result<Held<'_>, StoreError> {
            fs::create_dir_all(&self.dir).map_err(io_error(&self.dir))?;
            let path = self.dir.join(LOCK);
            let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(io_error(&path))?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(fs::TryLockError::WouldBlock) => return Err(StoreError::Busy { dir: self.dir.clone() }),
                Err(fs::TryLockError::Error(source)) => return Err(StoreError::Io { path, source }),
            }
            self.entries = read_manifest(&self.dir)?;
            Ok(Held { store: self, _lock: lock })
        }
    }

    impl Held<'_> {
        pub(in crate::tables) fn store(&self) -> &Store {
            self.store
        }

        /// Stores all these tables, or none.
        pub(in crate::tables) fn commit(self, tables: Vec<(Snapshot, AnyTable)>) -> Result<(), StoreError> {
            for step in self.plan(tables)? {
                step.run()?;
            }
            self.store.entries = read_manifest(&self.store.dir)?;
            Ok(())
        }

        fn plan(&self, tables: Vec<(Snapshot, AnyTable)>) -> Result<Vec<Step>, StoreError> {
            let dir = &self.store.dir;
            let kept: BTreeSet<&str> = self.store.entries.values().map(|e| e.file.as_str()).collect();
            let mut steps = Vec::new();
            for found in fs::read_dir(dir).map_err(io_error(dir))? {
                let found = found.map_err(io_error(dir))?;
                let name = found.file_name();
                // What no manifest names: the files of snapshots that were replaced, and of imports that did not end.
                let stray = name.to_str().is_some_and(|n| {
                    (n.ends_with(".table") || n.ends_with(&format!(".{UNFINISHED}"))) && !kept.contains(n)
                });
                if stray {
                    steps.push(Step::Remove(found.path()));
                }
            }
            let mut entries: Entries = self
                .store
                .entries
                .iter()
                .map(|(k, e)| {
                    (*k, Entry { snapshot: e.snapshot.clone(), file: e.file.clone(), table: OnceLock::new() })
                })
                .collect();
            for (snapshot, table) in tables {
                let bytes = table.encode(snapshot.kind);
                // The name holds the content's hash: a snapshot that is replaced keeps its file until the next import.
                let file = format!("{}-{}-{}.table", snapshot.kind, snapshot.quarter, &hash(&bytes)[..16]);
                if !kept.contains(file.as_str()) {
                    let new = dir.join(format!("{file}.{UNFINISHED}"));
                    steps.push(Step::Write(new.clone(), bytes));
                    steps.push(Step::Rename(new, dir.join(&file)));
                }
                let key = (snapshot.kind, snapshot.quarter);
                entries.insert(key, Entry { snapshot, file, table: OnceLock::new() });
            }
            let new = dir.join(format!("{MANIFEST}.{UNFINISHED}"));
            steps.push(Step::SyncFolder(dir.clone()));
            steps.push(Step::Write(new.clone(), write_manifest(&entries).into_bytes()));
            steps.push(Step::Rename(new, dir.join(MANIFEST)));
            steps.push(Step::SyncFolder(dir.clone()));
            Ok(steps)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::tables::{Code, Mai};

        const PRACTITIONER: Kind = Kind::Mue(Biller::Practitioner);

        fn mue(units: u32) -> AnyTable {
            let code = Code::parse("96365").unwrap();
            AnyTable::Mue(Table::of_sorted(vec![Mue { code, units, indicator: Mai::DateClinical }]))
        }

        fn snapshot(kind: Kind, quarter: &str) -> Snapshot {
            Snapshot {
                kind,
                quarter: quarter.parse().unwrap(),
                rows: 1,
                imported_on: jiff::civil::date(2026, 1, 20),
                sources: vec![Source { name: "made\tup.csv".to_owned(), sha256: "00".to_owned() }],
            }
        }

        fn units(store: &Store, quarter: &str) -> Option<u32> {
            let table = store.mue(Biller::Practitioner, quarter.parse().unwrap()).unwrap()?;
            table.find("96365").map(|m| m.units)
        }

        fn folder(name: &str) -> PathBuf {
            let dir = std::env::temp_dir().join(format!("dripline-store-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&dir);
            dir
        }

        #[test]
        fn an_import_interrupted_after_any_step_leaves_the_old_snapshot() {
            let dir = folder("steps");
            let new = || {
                vec![
                    (snapshot(PRACTITIONER, "2026Q1"), mue(7)),
                    (snapshot(Kind::Mue(Biller::Hospital), "2026Q1"), mue(8)),
                ]
            };
            let mut done = 0;
            loop {
                let _ = fs::remove_dir_all(&dir);
                let mut store = Store::open(&dir).unwrap();
                store.hold().unwrap().commit(vec![(snapshot(PRACTITIONER, "2026Q1"), mue(1))]).unwrap();
                let held = store.hold().unwrap();
                let steps = held.plan(new()).unwrap();
                drop(held);
                for step in &steps[..done] {
                    step.run().unwrap();
                }
                // The step that was under way: a file half written.
                if let Some(Step::Write(path, bytes)) = steps.get(done) {
                    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
                }
                let renamed = steps[..done].iter().any(|s| matches!(s, Step::Rename(_, to) if to.ends_with(MANIFEST)));
                let mut after = Store::open(&dir).unwrap();
                assert_eq!(
                    units(&after, "2026Q1"),
                    Some(if renamed { 7 } else { 1 }),
                    "after {done} of {}",
                    steps.len()
                );
                assert_eq!(after.list().count(), if renamed { 2 } else { 1 });
                // The next import sweeps what was left and ends.
                after.hold().unwrap().commit(new()).unwrap();
                assert_eq!(units(&after, "2026Q1"), Some(7));
                let unfinished = fs::read_dir(&dir)
                    .unwrap()
                    .filter(|f| f.as_ref().unwrap().file_name().to_str().unwrap().ends_with(UNFINISHED));
                assert_eq!(unfinished.count(), 0);
                done += 1;
                if done > steps.len() {
                    break;
                }
            }
            assert!(done > 6, "the commit has steps to interrupt");
            fs::remove_dir_all(&dir).unwrap();
        }

        #[test]
        fn a_replaced_snapshot_stays_readable_for_those_who_opened_it() {
            let dir = folder("replaced");
            let mut store = Store::open(&dir).unwrap();
            store.hold().unwrap().commit(vec![(snapshot(PRACTITIONER, "2026Q1"), mue(1))]).unwrap();
            let reader = Store::open(&dir).unwrap();
            store.hold().unwrap().commit(vec![(snapshot(PRACTITIONER, "2026Q1"), mue(2))]).unwrap();
            assert_eq!(units(&reader, "2026Q1"), Some(1));
            assert_eq!(units(&store, "2026Q1"), Some(2));
            fs::remove_dir_all(&dir).unwrap();
        }

        #[test]
        fn two_imports_do_not_write_at_once() {
            let dir = folder("busy");
            let (mut one, mut two) = (Store::open(&dir).unwrap(), Store::open(&dir).unwrap());
            let held = one.hold().unwrap();
            let message = two.hold().err().unwrap().to_string();
            assert!(message.ends_with("another import is writing; wait for it and try again"), "{message}");
            drop(held);
            assert!(two.hold().is_ok());
            fs::remove_dir_all(&dir).unwrap();
        }

        #[test]
        fn the_second_of_two_stores_keeps_what_the_first_wrote() {
            let dir = folder("both");
            let (mut one, mut two) = (Store::open(&dir).unwrap(), Store::open(&dir).unwrap());
            one.hold().unwrap().commit(vec![(snapshot(PRACTITIONER, "2026Q1"), mue(1))]).unwrap();
            two.hold().unwrap().commit(vec![(snapshot(PRACTITIONER, "2026Q2"), mue(2))]).unwrap();
            assert_eq!((units(&two, "2026Q1"), units(&two, "2026Q2")), (Some(1), Some(2)));
            fs::remove_dir_all(&dir).unwrap();
        }

        #[test]
        fn what_is_damaged_is_named() {
            let dir = folder("damaged");
            let mut store = Store::open(&dir).unwrap();
            store.hold().unwrap().commit(vec![(snapshot(PRACTITIONER, "2026Q1"), mue(1))]).unwrap();
            let manifest = fs::read_to_string(dir.join(MANIFEST)).unwrap();
            assert!(manifest.contains("source\t00\tmade up.csv\n"), "a name keeps to its field: {manifest}");

            let file = manifest.lines().find(|l| l.starts_with("table\t")).unwrap().rsplit('\t').next().unwrap();
            let bytes = fs::read(dir.join(file)).unwrap();
            for cut in 0..bytes.len() {
                fs::write(dir.join(file), &bytes[..cut]).unwrap();
                let error = Store::open(&dir).unwrap().mue(Biller::Practitioner, "2026Q1".parse().unwrap()).err();
                let message = error.unwrap().to_string();
                assert!(message.contains("not a whole table; import the table again"), "{message}");
            }

            fs::write(dir.join(MANIFEST), manifest.trim_end_matches("end\n")).unwrap();
            let message = Store::open(&dir).unwrap_err().to_string();
            assert!(message.contains("its end is missing"), "{message}");
            fs::remove_dir_all(&dir).unwrap();
        }

        #[test]
        fn a_diff_of_a_quarter_that_is_not_stored_says_which_are() {
            let dir = folder("missing");
            let mut store = Store::open(&dir).unwrap();
            let (old, new): (Quarter, Quarter) = ("2025Q4".parse().unwrap(), "2026Q1".parse().unwrap());
            store
                .hold()
                .unwrap()
                .commit(vec![(snapshot(PRACTITIONER, "2025Q4"), mue(1)), (snapshot(PRACTITIONER, "2026Q1"), mue(2))])
                .unwrap();
            let diff = store.diff(PRACTITIONER, old, new).unwrap();
            assert_eq!(diff.to_string(), "~ 96365: 1 units, MAI 3 -> 2 units, MAI 3\n");
            assert!(store.diff(PRACTITIONER, new, new).unwrap().is_empty());
            let message = store.diff(PRACTITIONER, "2024Q1".parse().unwrap(), new).unwrap_err().to_string();
            assert!(message.starts_with("no mue-practitioner of 2024Q1 in "), "{message}");
            assert!(message.ends_with("; stored: 2025Q4, 2026Q1"), "{message}");
            fs::remove_dir_all(&dir).unwrap();
        }
    }
}
