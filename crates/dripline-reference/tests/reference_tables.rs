//! Each layout read from a hand-made sample, and each way in which an import must fail and leave the store alone.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use dripline_reference::tables::{Biller, ImportError, Indicator, Kind, Mai, Quarter, Store, Understood, What, import};
use jiff::civil::{Date, date};
use rust_decimal::Decimal;

const TODAY: Date = date(2026, 1, 20);

fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tables").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A store in a folder of its own, removed at the end.
struct Fresh {
    dir: PathBuf,
    store: Store,
}

impl Fresh {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("dripline-tables-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let store = Store::open(&dir).unwrap();
        Fresh { dir, store }
    }

    fn import(&mut self, files: &[(&str, Vec<u8>)], quarter: Option<&str>) -> Result<Vec<Understood>, ImportError> {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (*n, b.as_slice())).collect();
        import(&files, quarter.map(|q| q.parse().unwrap()), &mut self.store, TODAY)
    }

    /// Imports samples under their own names.
    fn samples(&mut self, names: &[&str], quarter: Option<&str>) -> Vec<Understood> {
        let files: Vec<(&str, Vec<u8>)> = names.iter().map(|n| (*n, sample(n))).collect();
        self.import(&files, quarter).unwrap_or_else(|e| panic!("{names:?}: {e}"))
    }

    /// The store as it lies on the disk, but for the lock.
    fn on_disk(&self) -> BTreeMap<String, Vec<u8>> {
        let Ok(folder) = std::fs::read_dir(&self.dir) else { return BTreeMap::new() };
        folder
            .map(|f| f.unwrap())
            .map(|f| (f.file_name().to_str().unwrap().to_owned(), std::fs::read(f.path()).unwrap()))
            .filter(|f| f.0 != "lock")
            .collect()
    }

    /// The message of an import that must fail; the store must be untouched by it.
    fn refused(&mut self, files: &[(&str, Vec<u8>)], quarter: Option<&str>) -> String {
        let before = self.on_disk();
        let message = match self.import(files, quarter) {
            Ok(lines) => panic!("imported: {lines:?}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(before, self.on_disk(), "the store changed under: {message}");
        message
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn quarter(text: &str) -> Quarter {
    text.parse().unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zipped(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A workbook of one sheet; cells that are numbers stand as numbers.
fn workbook(rows: &[&[&str]]) -> Vec<u8> {
    const TOP: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    let mut sheet =
        format!(r#"{TOP}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>"#);
    for (r, row) in rows.iter().enumerate() {
        sheet += &format!(r#"<row r="{}">"#, r + 1);
        for (c, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let place = format!("{}{}", char::from(b'A' + u8::try_from(c).unwrap()), r + 1);
            sheet += &match cell.parse::<f64>() {
                Ok(_) => format!(r#"<c r="{place}"><v>{cell}</v></c>"#),
                Err(_) => format!(r#"<c r="{place}" t="inlineStr"><is><t>{}</t></is></c>"#, cell.replace('&', "&amp;")),
            };
        }
        sheet += "</row>";
    }
    sheet += "</sheetData></worksheet>";
    let part = |text: &str| format!("{TOP}{text}").into_bytes();
    zipped(&[
        (
            "[Content_Types].xml",
            part(
                r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>"#,
            ),
        ),
        (
            "_rels/.rels",
            part(
                r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
            ),
        ),
        (
            "xl/workbook.xml",
            part(
                r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Table" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            part(
                r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
            ),
        ),
        ("xl/worksheets/sheet1.xml", sheet.into_bytes()),
    ])
}

// ---- the layouts

#[test]
fn pair_edits_of_both_tables() {
    let mut fresh = Fresh::new("ptp");
    let lines = fresh.samples(&["ptp_practitioner.txt", "ptp_hospital.txt"], Some("2024Q3"));
    assert_eq!(
        lines[0].to_string(),
        "ptp_practitioner.txt: NCCI PTP edits, practitioner, 2024Q3 (--quarter), 9 rows; column one from 96365 to J0129"
    );
    let q = quarter("2024Q3");
    let practitioner = fresh.store.ptp(Biller::Practitioner, q).unwrap().unwrap();
    let hospital = fresh.store.ptp(Biller::Hospital, q).unwrap().unwrap();
    let day = date(2024, 7, 1);

    let edit = practitioner.find("96365", "96360", day).unwrap();
    assert_eq!((edit.indicator, edit.effective, edit.deleted), (Indicator::Modifier, Some(date(2020, 1, 1)), None));
    assert!(practitioner.find("96360", "96365", day).is_none(), "columns are not exchanged");
    assert!(practitioner.find("96365", "96360", date(2019, 12, 31)).is_none(), "not yet effective");

    // One pair over two periods.
    for (on, indicator) in [(date(2021, 12, 31), Indicator::Never), (date(2022, 1, 1), Indicator::Modifier)] {
        assert_eq!(practitioner.find("96365", "96374", on).unwrap().indicator, indicator, "{on}");
    }

    assert!(practitioner.find("96413", "96409", date(2021, 4, 1)).is_none(), "deleted on its first day");
    assert!(practitioner.find("99215", "36592", date(2024, 6, 30)).is_some(), "its last day");
    assert!(practitioner.find("99215", "36592", day).is_none(), "after its last day");
    assert_eq!(hospital.find("96365", "96523", day).unwrap().indicator, Indicator::Modifier);
    assert_eq!(practitioner.find("96365", "96523", day).unwrap().indicator, Indicator::Never);
    assert_eq!(practitioner.iter().count(), 9);
}

#[test]
fn unit_edits_of_both_tables() {
    let mut fresh = Fresh::new("mue");
    fresh.samples(&["mue_practitioner.csv", "mue_hospital.csv"], Some("2024Q3"));
    let table = |biller| fresh.store.mue(biller, quarter("2024Q3")).unwrap().unwrap();
    let found = |biller, code| table(biller).find(code).map(|m| (m.units, m.indicator));
    assert_eq!(found(Biller::Practitioner, "96365"), Some((3, Mai::DateClinical)));
    assert_eq!(found(Biller::Practitioner, "96368"), Some((2, Mai::DatePolicy)));
    assert_eq!(found(Biller::Practitioner, "J0129"), Some((150, Mai::Line)));
    assert_eq!(found(Biller::Hospital, "96365"), Some((4, Mai::DateClinical)));
    assert_eq!(found(Biller::Hospital, "96368"), None);
}

#[test]
fn add_on_codes_and_their_primaries_with_a_header_and_in_fixed_width() {
    for file in ["add_on.txt", "add_on_flat.txt"] {
        let mut fresh = Fresh::new(file);
        fresh.samples(&[file], Some("2024Q3"));
        let table = fresh.store.add_on(quarter("2024Q3")).unwrap().unwrap();
        let parents = |code: &str, on: Date| {
            let held = table.parents(code).iter().filter(|p| p.in_force(on));
            held.map(|p| p.primary.map_or("any".to_owned(), |c| c.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(parents("96367", date(2020, 12, 31)), ["96365", "96374"]);
        assert_eq!(parents("96367", date(2021, 1, 1)), ["96365"]);
        assert_eq!(parents("96361", date(2024, 7, 1)), ["any"]);
        // Day 92 of a leap year is 1 April.
        assert_eq!(table.parents("96361")[0].effective, Some(date(2016, 4, 1)));
        assert_eq!(table.parents("96361")[0].edit_type, 2);
        // The pair ends with the first of its codes.
        assert_eq!(table.parents("96366")[0].deleted, Some(date(2022, 12, 31)));
        assert!(table.parents("96365").is_empty());
    }
}

#[test]
fn hcpcs_codes_with_a_header_and_in_fixed_width() {
    for file in ["hcpcs.csv", "hcpcs.txt"] {
        let mut fresh = Fresh::new(file);
        let lines = fresh.samples(&[file], Some("2024Q1"));
        let What::Table { rows: 2, notes, .. } = &lines[0].what else { panic!("{lines:?}") };
        assert!(notes[0].ends_with(" records of modifiers"), "{notes:?}");
        let table = fresh.store.hcpcs(quarter("2024Q1")).unwrap().unwrap();
        let drug = table.find("J0129").unwrap();
        assert_eq!((drug.added, drug.terminated), (Some(date(2007, 1, 1)), None), "{file}");
        assert_eq!(drug.dosage_text.as_deref(), Some("10 mg"), "{file}");
        let class = table.find("J9999").unwrap();
        assert_eq!((class.terminated, class.dosage_text.as_deref()), (Some(date(2023, 12, 31)), None));
        assert!(class.valid(date(2023, 12, 31)) && !class.valid(date(2024, 1, 1)));
    }
}

#[test]
fn payment_limits() {
    let mut fresh = Fresh::new("asp");
    let lines = fresh.samples(&["asp.csv"], None);
    assert_eq!(
        lines[0].to_string(),
        "asp.csv: ASP payment limits, 2026Q1 (the file says “Effective January 1, 2026 through March 31, 2026”), 3 rows"
    );
    let table = fresh.store.asp(quarter("2026Q1")).unwrap().unwrap();
    let found = table.find("J0558").unwrap();
    assert_eq!((found.dosage_text.as_str(), found.limit), ("100,000 UNITS", Some(decimal("2.500"))));
    assert_eq!(found.coinsurance, Some(decimal("15.234")));
    assert_eq!(table.find("A9606").unwrap().limit, None);
    assert!(fresh.store.asp(quarter("2026Q2")).unwrap().is_none());
}

#[test]
fn the_crosswalk() {
    let mut fresh = Fresh::new("ndc");
    let lines = fresh.samples(&["ndc.csv"], None);
    assert!(lines[0].to_string().ends_with("3 rows; 1 rows left out: their number is not an NDC of 5-4-2 digits"));
    let table = fresh.store.ndc(quarter("2026Q1")).unwrap().unwrap();
    let one = &table.find("99999000101")[0];
    assert_eq!((one.code.to_string(), one.bill_units_package), ("J0129".to_owned(), decimal("100")));
    assert_eq!(one.container_amount().unwrap().to_string(), "250 mg");
    assert!(one.adds_up());
    let two: Vec<_> = table.find("99999-0002-01").iter().map(|r| (r.code.to_string(), r.adds_up())).collect();
    assert_eq!(two, [("J7030".to_owned(), false), ("J7050".to_owned(), true)]);
    assert!(table.find("99999-0003-01").is_empty());
}

#[test]
fn a_crosswalk_of_another_quarter() {
    let mut fresh = Fresh::new("ndc-other");
    let text =
        b"Title of another year\nHCPCS Code,Short Description,Labeler Name,NDC or ALTERNATE ID,Drug Name,HCPCS Dosage,\
        Pkg Size,Pkg Qty,BillUnits,BillUnits_Pkg\nJ0129,,Made up,99999-0001-01,Made up,10 MG,1,4,25,100\n\
        Q4111,,Made up,GG-400,Made up,1 SQ CM,18,1,18,18\nJ7030,,Made up,99999-0002-01,Made up,1000 CC,N/A,1,,1\n\
        *A remark below the rows,,,,,,,,,\n";
    let lines = fresh.import(&[("crosswalk.csv", text.to_vec())], Some("2019Q2")).unwrap();
    let What::Table { kind: Kind::Ndc, rows: 1, notes, .. } = &lines[0].what else { panic!("{lines:?}") };
    assert_eq!(
        notes,
        &[
            "1 rows left out: their number is not an NDC of 5-4-2 digits",
            "1 rows left out: size, quantity or units of the package are not given",
            "1 lines of remarks",
        ]
    );
}

#[test]
fn relative_values_with_a_header_over_five_lines_and_in_fixed_width() {
    for file in ["pprrvu.csv", "pprrvu.txt"] {
        let mut fresh = Fresh::new(file);
        fresh.samples(&[file], Some("2025Q1"));
        let table = fresh.store.rvu(quarter("2025Q1")).unwrap().unwrap();
        let draw = table.find("36591", "").unwrap();
        assert_eq!((draw.status.as_str(), draw.pctc.as_str(), draw.global.as_str()), ("T", "3", "XXX"), "{file}");
        assert_eq!((draw.nonfacility_na, draw.facility_na), (false, true), "{file}");
        assert_eq!((draw.work, draw.total_nonfacility), (decimal("0.00"), decimal("0.51")), "{file}");
        let reading = table.find("93010", "26").unwrap();
        let values = [reading.work, reading.pe_nonfacility, reading.pe_facility, reading.malpractice];
        assert_eq!(values, ["10.25", "0.07", "0.07", "0.01"].map(decimal), "{file}");
        assert_eq!(
            (reading.total_facility, reading.conversion_factor),
            (decimal("10.33"), decimal("30.0000")),
            "{file}"
        );
        assert_eq!(reading.conversion_factor_qpp, None);
        assert!(table.find("93010", "").is_none());
    }
}

#[test]
fn a_second_file_of_relative_values_gives_the_second_factor() {
    let mut fresh = Fresh::new("qpp");
    fresh.samples(&["pprrvu_qpp.csv", "pprrvu.csv"], None);
    let table = fresh.store.rvu(quarter("2025Q1")).unwrap().unwrap();
    let row = table.find("36591", "").unwrap();
    assert_eq!((row.conversion_factor, row.conversion_factor_qpp), (decimal("30"), Some(decimal("30.5"))));
    assert_eq!(table.rows().len(), 2);
}

#[test]
fn practice_cost_indices_with_a_header_and_in_fixed_width() {
    for file in ["gpci.csv", "gpci.txt"] {
        let mut fresh = Fresh::new(file);
        fresh.samples(&[file], Some("2025Q4"));
        let table = fresh.store.gpci(quarter("2025Q4")).unwrap().unwrap();
        let alaska = table.find("AK", "01").unwrap();
        let values = [alaska.work, alaska.practice_expense, alaska.malpractice];
        assert_eq!(values, ["1.5", "1.25", "0.75"].map(decimal), "{file}");
        assert_eq!((alaska.name.as_str(), alaska.mac.as_str()), ("SOMEWHERE", "02102"), "{file}");
        assert_eq!(table.find_mac("10112", "00").unwrap().state, "AL");
        assert!(table.find("AL", "01").is_none());
    }
}

#[test]
fn addendum_b() {
    let mut fresh = Fresh::new("addendum-b");
    fresh.samples(&["addendum_b.csv"], Some("2025Q4"));
    let table = fresh.store.addendum_b(quarter("2025Q4")).unwrap().unwrap();
    let infusion = table.find("96365").unwrap();
    assert_eq!((infusion.status.as_str(), infusion.apc.as_deref()), ("S", Some("5693")));
    assert_eq!((infusion.rate, infusion.copayment), (Some(decimal("1234.500")), Some(decimal("246.90"))));
    let packaged = table.find("96368").unwrap();
    assert_eq!((packaged.status.as_str(), packaged.apc.as_deref(), packaged.rate), ("N", None, None));
    assert_eq!(table.find("J0129").unwrap().apc.as_deref(), Some("0812"), "a mark behind the code is none of it");
}

#[test]
fn a_hospitals_charges() {
    let mut fresh = Fresh::new("charges");
    let lines = fresh.samples(&["charges.csv"], Some("2025Q1"));
    let What::Table { rows: 3, notes, .. } = &lines[0].what else { panic!("{lines:?}") };
    assert_eq!(
        notes,
        &[
            "1 rows with a price of zero",
            "1 rows without a revenue code",
            "1 rows left out: no HCPCS code",
            "1 rows left out: what stands as HCPCS code is none",
        ]
    );
    let table = fresh.store.charges(quarter("2025Q1")).unwrap().unwrap();
    let infusion = table.find("96365");
    assert_eq!(
        (infusion.len(), infusion[0].revenue.as_deref(), infusion[0].price),
        (1, Some("0260"), decimal("1500.25"))
    );
    assert_eq!(table.find("J1815")[0].modifiers, "GY");
    assert_eq!(table.find("J1815")[0].revenue.as_deref(), Some("0636"));
    assert_eq!(table.find("J0129")[0].revenue, None);
    assert!(table.find("99213").is_empty());
}

#[test]
fn charges_in_the_form_of_the_transparency_rule() {
    let mut fresh = Fresh::new("charges-mrf");
    fresh.samples(&["charges_mrf.csv"], Some("2025Q1"));
    let table = fresh.store.charges(quarter("2025Q1")).unwrap().unwrap();
    let infusion = table.find("96365");
    assert_eq!(
        (infusion.len(), infusion[0].revenue.as_deref(), infusion[0].price),
        (1, Some("0260"), decimal("1500.25"))
    );
    assert_eq!(table.rows().len(), 1);
}

// ---- what files come in

#[test]
fn the_same_table_as_text_gzip_zip_and_workbook() {
    let text = sample("asp.csv");
    let book = workbook(&[
        &["Payment Allowance Limits"],
        &["Effective January 1, 2026 through March 31, 2026"],
        &["HCPCS Code", "Short Description", "HCPCS Code Dosage", "Payment Limit", "Co-insurance Percentage"],
        &["J0129", "", "10 MG", "1.234", "20"],
        &["J0558", "", "100,000 UNITS", "2.5", "15.234"],
        &["A9606", "", "1 microCurie", "N/A", "20"],
    ]);
    let mut fresh = Fresh::new("text");
    fresh.import(&[("a", text.clone())], None).unwrap();
    let expected = fresh.store.asp(quarter("2026Q1")).unwrap().unwrap().rows().to_vec();
    let latin: Vec<u8> = [b"\xff Payment,,\n".to_vec(), text.clone()].concat();
    let wide: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(std::str::from_utf8(&text).unwrap().encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    for (form, bytes) in [
        ("gzip", gzip(&text)),
        ("zip", zipped(&[("folder/a.csv", text.clone())])),
        ("zip in zip", zipped(&[("b.zip", zipped(&[("a.csv", text.clone())]))])),
        ("workbook", book.clone()),
        ("workbook in zip", zipped(&[("a.xlsx", book)])),
        ("with a byte order mark", [b"\xef\xbb\xbf".to_vec(), text.clone()].concat()),
        ("Latin-1", latin),
        ("UTF-16", wide),
    ] {
        let mut fresh = Fresh::new("forms");
        fresh.import(&[("a", bytes)], None).unwrap_or_else(|e| panic!("{form}: {e}"));
        let rows = fresh.store.asp(quarter("2026Q1")).unwrap().unwrap().rows();
        let plain = |rows: &[dripline_reference::tables::Asp]| {
            let row = |r: &dripline_reference::tables::Asp| (r.code, r.dosage_text.clone(), r.limit, r.coinsurance);
            rows.iter().map(row).collect::<Vec<_>>()
        };
        assert_eq!(plain(rows), plain(&expected), "{form}");
    }
}

#[test]
fn an_archive_with_a_table_in_three_forms_and_others_beside_it() {
    let archive = zipped(&[
        ("PPRRVU25_JAN.csv", sample("pprrvu.csv")),
        ("PPRRVU25_JAN.txt", sample("pprrvu.txt")),
        ("GPCI2025.csv", sample("gpci.csv")),
        ("GPCI2025.txt", sample("gpci.txt")),
        ("25LOCCO.csv", sample("locality_counties.csv")),
        ("RVU25A.pdf", b"%PDF-1.7 made up".to_vec()),
        ("folder/", Vec::new()),
        ("nothing.txt", Vec::new()),
    ]);
    let mut fresh = Fresh::new("archive");
    let lines = fresh.import(&[("rvu25a.zip", archive)], None).unwrap();
    let shown: Vec<String> = lines.iter().map(Understood::to_string).collect();
    assert!(shown.contains(&"rvu25a.zip > RVU25A.pdf: passed over: is a PDF".to_owned()), "{shown:?}");
    assert!(shown.contains(&"rvu25a.zip > nothing.txt: passed over: is empty".to_owned()), "{shown:?}");
    assert!(shown.iter().any(|l| l.starts_with("rvu25a.zip > 25LOCCO.csv: passed over: has no header")), "{shown:?}");
    let list: Vec<String> =
        fresh.store.list().map(|s| format!("{} {} {} {}", s.kind, s.quarter, s.rows, s.imported_on)).collect();
    assert_eq!(list, ["rvu 2025Q1 2 2026-01-20", "gpci 2025Q1 2 2026-01-20"]);
    let first = fresh.store.list().next().unwrap();
    assert_eq!(first.sources.len(), 2);
    assert_eq!(first.sources[0].name, "rvu25a.zip > PPRRVU25_JAN.csv");
    assert_eq!(first.sources[0].sha256.len(), 64);
}

#[test]
fn other_crosswalks_of_an_archive_are_passed_over() {
    let archive = zipped(&[
        ("asp.csv", sample("ndc.csv")),
        ("opps.csv", sample("ndc_opps.csv")),
        ("noc.csv", sample("ndc_noc.csv")),
        ("dme.csv", sample("mue_supplier.csv")),
    ]);
    let mut fresh = Fresh::new("crosswalks");
    let lines = fresh.import(&[("january-2026.zip", archive)], None).unwrap();
    assert_eq!(lines.iter().filter(|l| matches!(l.what, What::Passed { .. })).count(), 3, "{lines:?}");
    let table = fresh.store.ndc(quarter("2026Q1")).unwrap().unwrap();
    assert!(table.rows().iter().all(|r| r.code.to_string() != "C9999"));
    let message = fresh.refused(&[("opps.csv", sample("ndc_opps.csv"))], None);
    assert!(
        message.starts_with("opps.csv: is another crosswalk than ASP's, which is not used; known are"),
        "{message}"
    );
}

#[test]
fn the_kind_comes_from_the_content_and_not_from_the_name() {
    let mut fresh = Fresh::new("names");
    let lines = fresh.import(&[("mue_practitioner.xlsx", sample("asp.csv"))], None).unwrap();
    let What::Table { kind, .. } = lines[0].what else { panic!("{lines:?}") };
    assert_eq!(kind, Kind::Asp);
    let lines = fresh.import(&[("ccioph-v302r0-f1.txt", sample("ptp_practitioner.txt"))], None).unwrap();
    let What::Table { kind, .. } = lines[0].what else { panic!("{lines:?}") };
    assert_eq!(kind, Kind::Ptp(Biller::Practitioner));
}

#[test]
fn pair_edits_in_parts_are_one_table() {
    let text = String::from_utf8(sample("ptp_practitioner.txt")).unwrap();
    let (head, rows): (Vec<&str>, Vec<&str>) =
        text.split_inclusive('\n').enumerate().fold((Vec::new(), Vec::new()), |(mut head, mut rows), (i, line)| {
            if i < 6 {
                head.push(line)
            } else {
                rows.push(line)
            }
            (head, rows)
        });
    // Each part must hold enough to tell whose it is: the draws go round.
    let draws: Vec<&str> = rows.iter().copied().filter(|r| r.contains("\t3659") && r.contains("\t*\t0\t")).collect();
    assert_eq!(draws.len(), 3);
    let part = |rows: &[&str]| (head.concat() + &rows.concat() + &draws.concat()).into_bytes();
    let mut fresh = Fresh::new("parts");
    let files = [("ccipra-v302r0-f1.txt", part(&rows[..4])), ("ccipra-v302r0-f2.txt", part(&rows[4..]))];
    fresh.import(&files, None).unwrap();
    let whole = fresh.store.ptp(Biller::Practitioner, quarter("2024Q3")).unwrap().unwrap().clone();
    let mut other = Fresh::new("whole");
    other.samples(&["ptp_practitioner.txt"], Some("2024Q3"));
    assert_eq!(&whole, other.store.ptp(Biller::Practitioner, quarter("2024Q3")).unwrap().unwrap());
}

#[test]
fn hcpcs_files_of_a_release_complete_each_other_over_several_calls() {
    let attributes = b"hcpcs_code,date_term,date_added\nJ0129,,2007-01-01\nJ3490,,1985-01-01\n".to_vec();
    let descriptions = b"hcpcs_code,Long,Short\nJ0129,\"Made up, 10 mg\",\nJ3490,Made up,\n".to_vec();
    let unclassified = b"hcpcs,long_description,add_date,term_date\nJ3490,Made up,1985-01-01,\n".to_vec();
    let mut rows = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let files = [("a.csv", &attributes), ("d.csv", &descriptions), ("n.csv", &unclassified)];
        let mut fresh = Fresh::new("hcpcs-parts");
        for index in order {
            let (name, bytes) = files[index];
            fresh.import(&[(name, bytes.clone())], Some("2024Q3")).unwrap();
        }
        let table = fresh.store.hcpcs(quarter("2024Q3")).unwrap().unwrap();
        let drug = table.find("J0129").unwrap();
        assert_eq!((drug.added, drug.dosage_text.as_deref()), (Some(date(2007, 1, 1)), Some("10 mg")), "{order:?}");
        assert_eq!((drug.not_classified, table.find("J3490").unwrap().not_classified), (false, true), "{order:?}");
        assert_eq!(fresh.store.list().next().unwrap().sources.len(), 3, "{order:?}");
        rows.push(table.rows().to_vec());
    }
    assert!(rows.windows(2).all(|w| w[0] == w[1]));
}

// ---- quarters

#[test]
fn the_quarter_comes_from_the_file_then_its_name_then_the_others() {
    let mut fresh = Fresh::new("quarters");
    // The file's date; a name that agrees.
    fresh.import(&[("january 2026.csv", sample("asp.csv"))], None).unwrap();
    // The name of the member, of the archive, and the file beside it.
    fresh.import(&[("MUE_Eff_07-01-2024.csv", sample("mue_practitioner.csv"))], None).unwrap();
    let archive = zipped(&[("mue.csv", sample("mue_hospital.csv"))]);
    fresh.import(&[("medicare-ncci-2024-q3.zip", archive)], None).unwrap();
    fresh.import(&[("add_on.txt", sample("add_on.txt")), ("AOC_2024Q4.txt", sample("add_on.txt"))], None).unwrap();
    let list: Vec<String> = fresh.store.list().map(|s| format!("{} {}", s.kind, s.quarter)).collect();
    assert_eq!(list, ["mue-practitioner 2024Q3", "mue-hospital 2024Q3", "add-on 2024Q4", "asp 2026Q1"]);
}

#[test]
fn no_quarter_is_an_error_that_names_the_option() {
    let mut fresh = Fresh::new("none");
    let message = fresh.refused(&[("mue.csv", sample("mue_practitioner.csv"))], None);
    assert_eq!(message, "mue.csv: neither the file nor its name says its quarter; name it with `--quarter 2026Q1`");
}

#[test]
fn quarters_that_differ_are_an_error_that_names_the_option() {
    let mut fresh = Fresh::new("differ");
    fresh.samples(&["asp.csv"], None);
    for (files, wanted, message) in [
        (
            vec![("asp_2025q4.csv", "asp.csv")],
            None,
            "asp_2025q4.csv: the file says “Effective January 1, 2026 through March 31, 2026”, which is 2026Q1, but the \
             name asp_2025q4.csv is 2025Q4; name the right quarter with `--quarter 2026Q1`, or rename the file",
        ),
        (
            vec![("asp.csv", "asp.csv")],
            Some("2025Q4"),
            "asp.csv: the file says “Effective January 1, 2026 through March 31, 2026”, which is 2026Q1, but `--quarter` \
             is 2025Q4; correct `--quarter` or leave it out; a file with a wrong name must be renamed",
        ),
        (
            vec![("mue_2024q2.csv", "mue_practitioner.csv")],
            Some("2024Q3"),
            "mue_2024q2.csv: the name mue_2024q2.csv, which is 2024Q2, but `--quarter` is 2024Q3; correct `--quarter` or \
             leave it out; a file with a wrong name must be renamed",
        ),
        (
            vec![("asp.csv", "asp.csv"), ("pprrvu.csv", "pprrvu.csv")],
            None,
            "asp.csv is of 2026Q1, pprrvu.csv of 2025Q1; import each quarter by itself, or name the right one with \
             `--quarter`",
        ),
        (
            vec![("gpci_2026q1.csv", "gpci.csv")],
            None,
            "gpci_2026q1.csv is of the year 2025, the name gpci_2026q1.csv says 2026Q1; name the right quarter with \
             `--quarter 2025Q1`, or get the right file",
        ),
        (
            vec![("pairs.txt", "ptp_practitioner.txt")],
            Some("2021Q1"),
            "pairs.txt: a row is dated 2024-06-30, after 2021Q1 ended; name the file's own quarter, not before 2024Q2, \
             with `--quarter`",
        ),
    ] {
        let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, file)| (*name, sample(file))).collect();
        assert_eq!(fresh.refused(&files, wanted), message);
    }
    // What the file and the call agree on outweighs its name.
    fresh.import(&[("asp_2025q4.csv", sample("asp.csv"))], Some("2026Q1")).unwrap();
}

// ---- files that cannot be imported

#[test]
fn files_that_are_cut_short() {
    let mut fresh = Fresh::new("cut");
    fresh.samples(&["asp.csv"], None);
    let text = sample("asp.csv");
    let zip = zipped(&[("asp.csv", text.clone())]);
    let gz = gzip(&text);
    let book = workbook(&[&["HCPCS Code", "HCPCS Code Dosage", "Payment Limit"], &["J0129", "10 MG", "1"]]);
    for (name, whole, expected) in [
        ("a.zip", &zip, "a.zip: is a zip archive that is cut short or damaged ("),
        ("a.csv.gz", &gz, "a.csv.gz: is a gzip file that is cut short or damaged ("),
        ("a.xlsx", &book, "a.xlsx: is a zip archive that is cut short or damaged ("),
    ] {
        for part in [10, 2, 1] {
            let message =
                fresh.refused(&[(name, whole[..whole.len() - whole.len() / part / 2].to_vec())], Some("2026Q1"));
            assert!(message.starts_with(expected) && message.ends_with("; get the file again"), "{message}");
        }
    }
    assert_eq!(fresh.refused(&[("a.csv", Vec::new())], None), "a.csv: is empty; get the file again");
    // A text file may end anywhere, also inside a quoted field; between two rows it cannot be seen.
    for end in (text.len() - 150..text.len()).filter(|end| !text[..*end].ends_with(b",\n")) {
        let message = fresh.refused(&[("a.csv", text[..end].to_vec())], None);
        assert!(message.starts_with("a.csv"), "{message}");
    }
    let message = fresh.refused(&[("a.csv", text[..text.len() - 1].to_vec())], None);
    assert_eq!(
        message,
        "a.csv: the last line has no end: the file was cut short; get it again; if it is whole, end it with a line break"
    );
    let damaged = b"HCPCS Code,HCPCS Code Dosage,Payment Limit\nJ0129,10 MG\n".to_vec();
    let message = fresh.refused(&[("a_2026q1.csv", damaged)], None);
    assert_eq!(message, "a_2026q1.csv: line 2 has 2 fields of at least 3: the file was cut short; get it again");
    // In fixed width, a line that is too short.
    let lines = String::from_utf8(sample("pprrvu.txt")).unwrap();
    let broken = lines.replacen("0.01", "", 1);
    let message = fresh.refused(&[("pprrvu25_jan.txt", broken.into_bytes())], None);
    assert!(
        message.contains("line 3: is not laid out as a line of PFS relative values") || message.contains("known are"),
        "{message}"
    );
}

#[test]
fn a_changed_header_shows_what_was_expected_and_what_was_found() {
    let mut fresh = Fresh::new("header");
    fresh.samples(&["asp.csv"], None);
    let text = String::from_utf8(sample("asp.csv")).unwrap().replace("Payment Limit", "Allowed Amount");
    let message = fresh.refused(&[("asp.csv", text.into_bytes())], None);
    assert_eq!(
        message,
        "asp.csv: the header of ASP payment limits has changed\n  expected: HCPCS Code | Short Description | HCPCS Code \
         Dosage | Payment Limit | Co-insurance Percentage | Vaccine AWP% | Vaccine Limit | Blood AWP% | Blood limit | \
         Clotting Factor | Notes\n  found:    HCPCS Code | Short Description | HCPCS Code Dosage | Allowed Amount | \
         Co-insurance Percentage | Vaccine AWP% | Vaccine Limit | Blood AWP% | Blood limit | Clotting Factor | Notes\n  \
         missing: Payment Limit; not known: Allowed Amount; the file is not read on a guess"
    );
    for (file, column) in [
        ("ptp_practitioner.txt", "Column 2"),
        ("mue_practitioner.csv", "MUE Adjudication Indicator"),
        ("add_on.txt", "Primary_Code\t"),
        ("hcpcs.csv", "TERM DT"),
        ("ndc.csv", "BILLUNITS,"),
        ("pprrvu.csv", "WORK"),
        ("gpci.csv", "PE GPCI"),
        ("addendum_b.csv", "SI,"),
    ] {
        let sample = sample(file);
        let text: String = sample.iter().map(|b| char::from(*b)).collect();
        assert!(text.contains(column), "{file}");
        let separator = column.trim_start_matches(|c| c != ',' && c != '\t');
        let text = text.replacen(column, &format!("Renamed{separator}"), 1);
        // As PPRRVU's header stands over five lines, its cells keep their other words.
        let message = fresh.refused(&[("file.txt", text.into_bytes())], Some("2025Q1"));
        assert!(message.contains(" has changed\n  expected: ") && message.contains("Renamed"), "{file}: {message}");
    }
}

#[test]
fn a_failure_in_one_file_leaves_out_all_of_the_call() {
    let mut fresh = Fresh::new("all-or-none");
    let good = ("mue_2024q3.csv", sample("mue_practitioner.csv"));
    let bad = (
        "bad.csv",
        b"HCPCS/CPT Code,Outpatient Hospital Services MUE Values,MUE Adjudication Indicator\n96365,many,3\n".to_vec(),
    );
    for files in [[good.clone(), bad.clone()], [bad, good.clone()]] {
        let message = fresh.refused(&files, None);
        assert_eq!(message, "bad.csv, line 2: the units are `many`, not a number; nothing of the file was imported");
    }
    assert_eq!(fresh.store.list().count(), 0);
    fresh.import(&[good], None).unwrap();
    assert_eq!(fresh.store.list().count(), 1);
}

#[test]
fn what_is_no_table_of_ours_is_named() {
    let mut fresh = Fresh::new("unknown");
    for (name, bytes, expected) in [
        ("a.pdf", b"%PDF-1.7".to_vec(), "a.pdf: is a PDF; known are "),
        ("a.bin", vec![1, 0, 2], "a.bin: is neither text nor a workbook; known are "),
        (
            "a.xls",
            vec![0xd0, 0xcf, 0x11, 0xe0, 0],
            "a.xls: is an old workbook or document (.xls, .doc); save it as .xlsx or .csv; ",
        ),
        (
            "a.csv",
            b"one,two,three\n1,2,3\n".to_vec(),
            "a.csv: has no header that is known (it begins `one,two,three`); known are ",
        ),
        ("dme.csv", sample("mue_supplier.csv"), "dme.csv: is NCCI MUE for suppliers, which is not used; known are "),
        (
            "a.zip",
            zipped(&[("b.pdf", b"%PDF".to_vec()), ("c.txt", b"hello\n".to_vec())]),
            "a.zip: holds no table (a.zip > b.pdf is a PDF; a.zip > c.txt has no header that is known (it begins `hello`)); ",
        ),
        (
            "asp.csv",
            b"HCPCS Code,HCPCS Code Dosage,Payment Limit\n".to_vec(),
            "asp.csv: has the header of ASP payment limits and no row; ",
        ),
    ] {
        let message = fresh.refused(&[(name, bytes)], Some("2026Q1"));
        assert!(message.starts_with(expected), "{message}");
    }
    assert_eq!(fresh.refused(&[], None), "no file to import");
}

#[test]
fn rows_that_do_not_hold_what_their_columns_say() {
    let mut fresh = Fresh::new("rows");
    for (text, expected) in [
        (
            "HCPCS Code,HCPCS Code Dosage,Payment Limit\nJ012,1 MG,1\n",
            "line 2: `J012` is not a code of five letters and digits",
        ),
        (
            "HCPCS Code,HCPCS Code Dosage,Payment Limit\nJ0129,1 MG,much\n",
            "line 2: the payment limit is `much`, not a number",
        ),
        (
            "hcpcs_code,mue_units,mue_mai,mue_rationale,mue_service\n96365,1,4,x,Practitioner\n",
            "line 2: the adjudication indicator is `4`, not 1, 2 or 3",
        ),
        (
            "hcpcs_code,mue_units,mue_mai,mue_rationale,mue_service\n96365,1,3,x,Practitioner\n96366,1,3,x,Outpatient Hospital\n",
            "line 3: another service than in the rows before",
        ),
        ("Column 1,Column 2,Deletion Date,Modifier\n96365,96360,*,2\n", "line 2: the modifier is `2`, not 0, 1 or 9"),
        ("Column 1,Column 2,Deletion Date,Modifier\n96365,96360,20241301,1\n", "line 2: `20241301` is not a date"),
        ("primary_code,add_on_code,aoc_edit_type\n96365,96367,5\n", "line 2: the type is `5`, not 1, 2 or 3"),
        ("rev code,cpt,price\n0260,96365,-1\n", "line 2: the price is -1, below zero"),
    ] {
        let message = fresh.refused(&[("a.csv", text.as_bytes().to_vec())], Some("2024Q3"));
        assert_eq!(message, format!("a.csv, {expected}; nothing of the file was imported"));
    }
}

#[test]
fn two_rows_that_contradict_each_other() {
    let mut fresh = Fresh::new("contradiction");
    let text = b"HCPCS Code,HCPCS Code Dosage,Payment Limit\nJ0129,10 MG,1.00\nJ0129,10 MG,2.00\n".to_vec();
    assert_eq!(
        fresh.refused(&[("a.csv", text)], Some("2026Q1")),
        "asp: two rows for J0129: 1.00 per 10 MG, coinsurance none; 2.00 per 10 MG, coinsurance none; import the right \
         file alone"
    );
}

#[test]
fn pairs_that_may_be_either_tables_are_refused() {
    let mut fresh = Fresh::new("whose");
    let text = b"Column 1,Column 2,Deletion Date,Modifier\n96365,96360,*,1\n99213,36591,*,0\n".to_vec();
    assert_eq!(
        fresh.refused(&[("pairs.csv", text)], Some("2024Q3")),
        "pairs.csv: nothing in these PTP pairs tells the practitioner's table from the hospital's (1 pairs are only the \
         one's, 0 only the other's); import CMS's file whole"
    );
}

#[test]
fn a_part_of_a_table_does_not_take_the_place_of_another() {
    let mut fresh = Fresh::new("other-part");
    let part = |first: [&str; 3]| {
        let rows = first.map(|code| format!("{code},36591,*,0\n")).concat();
        format!("Column 1,Column 2,Deletion Date,Modifier\n{rows}").into_bytes()
    };
    fresh.import(&[("f1.csv", part(["00100", "00102", "00103"]))], Some("2024Q3")).unwrap();
    assert_eq!(
        fresh.refused(&[("f2.csv", part(["99213", "99214", "99215"]))], Some("2024Q3")),
        "ptp-practitioner of 2024Q3: stored are pairs from 00100 to 00103, these are 99213 to 99215: parts of one table; \
         give all its files in one call"
    );
}

// ---- the store

#[test]
fn an_import_again_replaces_the_quarter_and_no_other() {
    let mut fresh = Fresh::new("again");
    let file = |limit: &str| {
        ("a.csv", format!("HCPCS Code,HCPCS Code Dosage,Payment Limit\nJ0129,10 MG,{limit}\n").into_bytes())
    };
    fresh.import(&[file("1.00")], Some("2025Q4")).unwrap();
    fresh.import(&[file("2.00")], Some("2026Q1")).unwrap();
    fresh.import(&[file("3.00")], Some("2026Q1")).unwrap();
    let limit = |q| fresh.store.asp(quarter(q)).unwrap().unwrap().find("J0129").unwrap().limit;
    assert_eq!((limit("2025Q4"), limit("2026Q1")), (Some(decimal("1.00")), Some(decimal("3.00"))));
    assert_eq!(fresh.store.quarters(Kind::Asp), [quarter("2025Q4"), quarter("2026Q1")]);
    let diff = fresh.store.diff(Kind::Asp, quarter("2025Q4"), quarter("2026Q1")).unwrap();
    assert_eq!(diff.to_string(), "~ J0129: 1.00 per 10 MG, coinsurance none -> 3.00 per 10 MG, coinsurance none\n");
    // The same file again changes nothing.
    let before = fresh.on_disk();
    fresh.import(&[file("3.00")], Some("2026Q1")).unwrap();
    let manifest = |files: &BTreeMap<String, Vec<u8>>| files["manifest"].clone();
    assert_eq!(manifest(&before), manifest(&fresh.on_disk()));
}

#[test]
fn a_diff_tells_added_removed_and_changed_pairs() {
    let mut fresh = Fresh::new("diff");
    let common = "99213,36591,*,0\n99214,36591,*,0\n99215,36591,*,0\n";
    let file = |rows: &str| ("a.csv", format!("Column 1,Column 2,Deletion Date,Modifier\n{common}{rows}").into_bytes());
    fresh.import(&[file("96365,96360,*,1\n96365,96374,*,1\n")], Some("2024Q2")).unwrap();
    fresh.import(&[file("96365,96360,*,0\n96413,96409,*,1\n")], Some("2024Q3")).unwrap();
    let diff = fresh.store.diff(Kind::Ptp(Biller::Practitioner), quarter("2024Q2"), quarter("2024Q3")).unwrap();
    assert_eq!(
        diff.to_string(),
        "~ 96365/96360: indicator 1 -> indicator 0\n- 96365/96374: indicator 1\n+ 96413/96409: indicator 1\n"
    );
}

#[test]
fn a_quarter_with_far_fewer_rows_is_worth_a_word() {
    let mut fresh = Fresh::new("fewer");
    let file = |count: usize| {
        let rows: String = (0..count).map(|i| format!("J{:04},10 MG,1\n", i + 1)).collect();
        ("a.csv", format!("HCPCS Code,HCPCS Code Dosage,Payment Limit\n{rows}").into_bytes())
    };
    fresh.import(&[file(10)], Some("2025Q4")).unwrap();
    let lines = fresh.import(&[file(4)], Some("2026Q1")).unwrap();
    assert!(
        lines[0].to_string().ends_with("; fewer than half of the 10 rows of 2025Q4: is the file whole?"),
        "{lines:?}"
    );
    let lines = fresh.import(&[file(5)], Some("2026Q2")).unwrap();
    assert!(lines[0].to_string().ends_with(", 5 rows"), "{lines:?}");
}

#[test]
fn the_order_of_the_files_changes_nothing_that_is_stored() {
    let files = [("charges.csv", sample("charges.csv")), ("charges_mrf.csv", sample("charges_mrf.csv"))];
    let mut tables = Vec::new();
    for order in [[0, 1], [1, 0]] {
        let mut fresh = Fresh::new("order");
        fresh.import(&order.map(|i: usize| files[i].clone()), Some("2025Q1")).unwrap();
        tables.push(fresh.store.charges(quarter("2025Q1")).unwrap().unwrap().clone());
    }
    assert_eq!(tables[0], tables[1]);
    assert_eq!(tables[0].rows().len(), 3, "the same charge in both files is one");
}
