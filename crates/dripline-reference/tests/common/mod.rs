//! Charts and stores for tests and benches.

#![allow(dead_code, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dripline::chart::Chart;
use dripline_reference::tables::{Quarter, Store, import};
use dripline_reference::{Coder, Options};
use jiff::civil::date;
use serde_json::{Value, json};

/// A folder that goes when it is dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("dripline-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        Folder(dir)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A coder with these release files, each as name and text, all of one quarter.
pub fn coder_with(folder: &Folder, quarter: &str, files: &[(&str, &str)]) -> Coder {
    let mut store = Store::open(&folder.0).unwrap();
    if !files.is_empty() {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, t)| (*n, t.as_bytes())).collect();
        let quarter: Quarter = quarter.parse().unwrap();
        import(&files, Some(quarter), &mut store, date(2026, 1, 20)).unwrap_or_else(|e| panic!("{e}"));
    }
    Coder { store: Some(Arc::new(store)), ..Coder::default() }
}

/// Pair edits as CMS's text files have them: column one, column two, effective, deleted, indicator.
///
/// Three pairs that no chart here meets are added: by them the import tells whose table it is.
pub fn ptp(hospital: bool, rows: &[(&str, &str, &str, &str, &str)]) -> String {
    let (second, indicator) = if hospital { ("96523", "1") } else { ("36591", "0") };
    let whose = ["00100", "00102", "00103"].map(|first| (first, second, "20200101", "*", indicator));
    let mut text = "Column1/Column2 Edits\n\
                    Column 1\tColumn 2\t*=in existence\tEffective\tDeletion\tModifier\tPTP Edit Rationale\n\
                    \t\tprior to 1996\tDate\tDate\t0=not allowed\t\n\
                    \t\t\t\t*=no data\t1=allowed\t\n\
                    \t\t\t\t\t9=not applicable\t\n"
        .to_owned();
    for (one, two, from, to, indicator) in rows.iter().chain(&whose) {
        text.push_str(&format!("{one}\t{two}\t\t{from}\t{to}\t{indicator}\tmade up\n"));
    }
    text
}

/// Unit edits: code, units, indicator.
pub fn mue(hospital: bool, rows: &[(&str, u32, u8)]) -> String {
    let whose = if hospital { "Outpatient Hospital" } else { "Practitioner" };
    let mut text = format!("HCPCS/CPT Code,{whose} Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n");
    for (code, units, indicator) in rows {
        let words = ["", "Line Edit", "Date of Service Edit: Policy", "Date of Service Edit: Clinical"];
        text.push_str(&format!("{code},{units},{indicator} {},made up\n", words[usize::from(*indicator)]));
    }
    text
}

/// Add-on edits: type, add-on code, primary code, deleted (`YYYYDDD` or nothing).
pub fn add_on(rows: &[(u8, &str, &str, &str)]) -> String {
    let mut text = "AOC_Edit_Type\tAdd-On_Code\tAOC_DelDT\tPrimary_Code\tPrimary_Code_DelDT\tAOC_Edit_EffDT\t\
                    AOC_Edit_DelDT\tSpecial_Instruction_Notes\n"
        .to_owned();
    for (kind, code, primary, deleted) in rows {
        text.push_str(&format!("{kind}\t{code}\t\t{primary}\t\t2013001\t{deleted}\t\n"));
    }
    text
}

/// The shared extracts, or a word that the test is skipped.
pub fn shared() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: no shared data beside the project");
    None
}

/// A coder with the shared extracts of these folders.
pub fn coder_with_shared(folder: &Folder, shared: &Path, extracts: &[(&str, Option<&str>)]) -> Coder {
    let mut store = Store::open(&folder.0).unwrap();
    for (extract, quarter) in extracts {
        let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(shared.join(extract))
            .unwrap()
            .map(|f| f.unwrap().path())
            .filter(|p| p.extension().is_some_and(|e| e == "csv" || e == "gz"))
            .map(|p| (p.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&p).unwrap()))
            .collect();
        files.sort();
        let named: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), b.as_slice())).collect();
        let quarter = quarter.map(|q| q.parse().unwrap());
        import(&named, quarter, &mut store, date(2026, 1, 20)).unwrap_or_else(|e| panic!("{extract}: {e}"));
    }
    Coder { store: Some(Arc::new(store)), ..Coder::default() }
}

pub fn chart(value: &Value) -> Chart {
    serde_json::from_value(value.clone()).unwrap_or_else(|e| panic!("{e}: {value}"))
}

/// Lines only, without other readings.
pub fn plain() -> Options {
    Options { alternatives: false, ..Options::default() }
}

/// Numbers that look random and are the same each time.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    pub fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

/// A chart of up to nine administrations on one or two dates.
pub fn generated(rng: &mut Rng, day: &str, next: &str) -> Value {
    let facility = rng.below(2) == 0;
    let count = 1 + rng.below(9);
    let mut rows = Vec::new();
    for _ in 0..count {
        let date = if rng.below(5) == 0 { next } else { day };
        let (hour, minute) = (rng.below(22), rng.below(60));
        let start = format!("{date}T{hour:02}:{minute:02}");
        let stop = |minutes: u64| {
            let total = hour * 60 + minute + minutes;
            let on = if total >= 1440 && date == day { next } else { date };
            let total = if total >= 1440 && date == next { 1439 } else { total % 1440 };
            format!("{on}T{:02}:{:02}", total / 60, total % 60)
        };
        let mut row = match rng.below(9) {
            0 | 1 => {
                json!({"drug": rng.one(&["Zofran", "morphine", "Toradol"]), "dose": "4 mg", "route": "IV", "method": "push", "start": start})
            }
            2 | 3 => {
                json!({"drug": rng.one(&["Rocephin", "vancomycin", "Levaquin"]), "dose": "500 mg", "route": "IV", "method": "infusion",
                            "start": start, "stop": stop(10 + rng.below(200))})
            }
            4 => {
                json!({"drug": "normal saline", "class": "hydration", "volume": "1000 mL", "route": "IV", "method": "infusion",
                        "start": start, "stop": stop(20 + rng.below(240)), "indication": "dehydration"})
            }
            5 => {
                json!({"drug": rng.one(&["Toradol", "Benadryl", "Phenergan"]), "dose": "30 mg", "route": "IM", "method": "injection", "start": start})
            }
            6 => {
                json!({"drug": rng.one(&["paclitaxel", "carboplatin", "rituximab"]), "dose": "300 mg", "route": "IV", "method": "infusion",
                        "start": start, "stop": stop(16 + rng.below(240))})
            }
            7 => {
                json!({"drug": "fluorouracil", "dose": "2000 mg", "route": "IV", "method": "pump", "start": start, "planned_minutes": 2760,
                        "pump": {"kind": rng.one(&["portable", "implanted"]), "event": rng.one(&["start", "refill", "disconnect"]), "owner": "clinic"}})
            }
            _ => {
                json!({"drug": "heparin", "dose": "500 units", "purpose": "flush", "route": "IV", "method": "push", "start": start, "access": "port"})
            }
        };
        let fields = row.as_object_mut().unwrap();
        if rng.below(4) == 0 {
            fields.insert("access".into(), json!(rng.one(&["port", "arm"])));
        }
        if rng.below(8) == 0 {
            fields.insert("visit".into(), json!("2"));
        }
        rows.push(row);
    }
    let mut chart = json!({
        "setting": if facility { "facility" } else { "office" },
        "accesses": {"port": {"kind": "port", "needed_because": "incompatible drugs"}, "arm": {"kind": "peripheral", "needed_because": "incompatible drugs"}},
        "administrations": rows,
    });
    if rng.below(3) == 0 {
        let code = rng.one(&["99213", "36591", "96523", "90471", "43239"]);
        chart["services"] = json!([{"code": code, "date": day}]);
    }
    chart
}
