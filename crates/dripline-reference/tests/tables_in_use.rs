//! What imported tables change in the drug lines: billing units, codes of packages, quantities, packaged drugs.

mod common;

use common::{Folder, chart, coder_with, plain};
use dripline::coding::{Coding, DrugLine};
use dripline_reference::Coder;
use serde_json::{Value, json};

fn code(coder: &Coder, setting: &str, row: Value) -> Coding {
    let mut row = row;
    for (key, value) in [("route", json!("IV")), ("method", json!("push")), ("start", json!("2026-01-05T10:00"))] {
        if row.get(key).is_none() {
            row[key] = value;
        }
    }
    let value = json!({"setting": setting, "administrations": [row]});
    coder.code(&chart(&value), 1, &[], &plain()).unwrap_or_else(|e| panic!("{e}"))
}

fn quantity(line: &DrugLine) -> (&str, &str) {
    (line.ndc_quantity.as_deref().unwrap_or(""), line.ndc_unit.as_deref().unwrap_or(""))
}

const ASP: &str =
    "HCPCS Code,HCPCS Code Dosage,Payment Limit\nJ9998,2.5 MG,1.000\nJ9997,2.5 MG/0.5 MG,1.000\nJ2405,2 MG,1.000\n";
const HCPCS_Q: &str = "HCPCS Code,HCPCS Code Dosage,Payment Limit\nJ9998,7 MG,1.000\n";

#[test]
fn a_code_and_a_dose_get_their_units_from_the_quarters_dosage() {
    let folder = Folder::new("use-asp");
    let coder = coder_with(&folder, "2026Q1", &[("asp.csv", ASP)]);
    let row = json!({"hcpcs": "J9998", "dose": "6 mg"});
    assert_eq!(code(&Coder::default(), "office", row.clone()).drug_lines, []);
    let coding = code(&coder, "office", row.clone());
    assert_eq!((coding.drug_lines[0].hcpcs.as_str(), coding.drug_lines[0].units), ("J9998", 3));
    assert_eq!(coding.rule_set.reference["asp"], "2026Q1");
    assert!(coding.assumptions.iter().any(|a| a.took == "2.5 mg" && a.why.contains("ASP payment limits")));
    // A dose in another measure is asked for, a list of components is not guessed.
    let asked = code(&coder, "office", json!({"hcpcs": "J9998", "dose": "6 mL"}));
    assert_eq!((asked.drug_lines.len(), asked.queries[0].field.as_str()), (0, "dose"));
    assert_eq!(code(&coder, "office", json!({"hcpcs": "J9997", "dose": "6 mg"})).drug_lines, []);
    // Where the quarter differs from the table of drugs, the quarter holds, and says so.
    let known = code(&coder, "office", json!({"hcpcs": "J2405", "dose": "4 mg"}));
    assert_eq!(known.drug_lines[0].units, 2);
    assert!(known.assumptions.iter().any(|a| a.why.ends_with("the table of drugs has 1 mg")));

    let folder = Folder::new("use-asp-later");
    let other = coder_with(&folder, "2026Q2", &[("asp.csv", HCPCS_Q)]);
    assert_eq!(code(&other, "office", row.clone()).drug_lines, []);
    let mut later = row;
    later["start"] = json!("2026-04-05T10:00");
    assert_eq!(code(&other, "office", later).drug_lines[0].units, 1);
}

const NDC: &str = "_2026_CODE,Short Description,LABELER NAME,NDC2,Drug Name,HCPCS dosage,PKG SIZE,PKG QTY,BILLUNITS,BILLUNITSPKG\n\
    J1745,,Made up,99999-0001-01,Made up,10 MG,1,1,10,10\n\
    J2405,,Made up,99999-0002-01,Made up,1 MG,2,25,4,100\n\
    J9998,,Made up,99999-0003-01,Made up,10 MG,5,1,20,20\n\
    J7192,,Made up,99999-0004-01,Made up,1 IU,1,1,1000,1000\n";

#[test]
fn a_package_gets_its_code_and_its_quantity() {
    let folder = Folder::new("use-ndc");
    let asp = "HCPCS Code,HCPCS Code Dosage,Payment Limit\nJ9998,10 MG,1.000\n";
    let coder = coder_with(&folder, "2026Q1", &[("ndc.csv", NDC), ("asp.csv", asp)]);
    let line = |row: Value| {
        let coding = code(&coder, "office", row);
        assert_eq!(coding.rule_set.reference["ndc"], "2026Q1");
        coding.drug_lines[0].clone()
    };
    // Ten digits take their zero where the hyphens say; the class follows the code.
    let vial = json!({"ndc": "99999-001-01", "dose": "184 mg", "method": "infusion", "stop": "2026-01-05T12:10",
        "containers": [{"kind": "single_dose", "amount": "100 mg", "count": 2}], "wasted": "16 mg"});
    let coding = code(&coder, "office", vial);
    assert_eq!(coding.lines[0].code, "96413");
    let lines: Vec<_> = coding.drug_lines.iter().map(|l| (l.units, l.modifiers.join(" "), quantity(l))).collect();
    assert_eq!(lines, [(19, String::new(), ("1.84", "UN")), (1, "JW".to_owned(), ("0.1", "UN"))]);
    assert_eq!(coding.drug_lines[0].ndc.as_deref(), Some("99999-0001-01"));
    assert!(coding.assumptions.iter().any(|a| a.took == "counted in whole containers (UN)"));

    let solution = line(json!({"ndc": "99999000201", "dose": "6 mg"}));
    assert_eq!((solution.hcpcs.as_str(), solution.units, quantity(&solution)), ("J2405", 6, ("3", "ML")));
    let unknown = line(json!({"ndc": "99999000301", "dose": "25 mg"}));
    assert_eq!((unknown.hcpcs.as_str(), unknown.units, quantity(&unknown)), ("J9998", 3, ("0.625", "ML")));
    let factor = line(json!({"ndc": "99999000401", "dose": "1500 IU"}));
    assert_eq!((factor.units, quantity(&factor)), (1500, ("1500", "F2")));
    // What the chart names as a code wins, and the disagreement is told.
    let coding = code(&coder, "office", json!({"hcpcs": "J1885", "ndc": "99999000201", "dose": "30 mg"}));
    assert_eq!(coding.drug_lines[0].hcpcs, "J1885");
    assert!(coding.assumptions.iter().any(|a| a.path == "administrations[0].ndc" && a.why.contains("under J2405")));
}

#[test]
fn a_package_alone_gives_the_code_its_unit() {
    let folder = Folder::new("use-ndc-unit");
    let coder = coder_with(&folder, "2026Q1", &[("ndc.csv", NDC)]);
    // J9998 stands in no table of drugs and no table of limits: its package's row has the dosage.
    let coding = code(&coder, "office", json!({"ndc": "99999000301", "dose": "25 mg"}));
    assert_eq!((coding.drug_lines[0].hcpcs.as_str(), coding.drug_lines[0].units), ("J9998", 3));
    assert!(coding.assumptions.iter().any(|a| a.took == "10 mg" && a.why.contains("ASP NDC-HCPCS crosswalk")));
    let other = code(&coder, "office", json!({"hcpcs": "J9998", "dose": "25 mg"}));
    assert_eq!(other.drug_lines, []);
}

#[test]
fn a_volume_is_counted_by_the_package() {
    let folder = Folder::new("use-ndc-volume");
    let coder = coder_with(&folder, "2026Q1", &[("ndc.csv", NDC)]);
    let lines = |row: Value| {
        let coding = code(&coder, "office", row);
        let shown = |l: &DrugLine| format!("{} {} x{}", l.hcpcs, l.modifiers.join("-"), l.units);
        (coding.drug_lines.iter().map(shown).collect::<Vec<_>>(), coding)
    };
    // 20 units of 10 mg in 5 mL.
    let (shown, coding) = lines(json!({"ndc": "99999-0003-01", "dose": "2.6 mL"}));
    assert_eq!(shown, ["J9998  x11"]);
    assert_eq!(quantity(&coding.drug_lines[0]), ("2.6", "ML"));
    assert!(coding.assumptions.iter().any(|a| a.took == "a millilitre holds 4 of 10 mg"));
    let opened = json!([{"kind": "single_dose", "amount": "5 mL", "count": 1}]);
    let vial = json!({"ndc": "99999-0003-01", "dose": "2 mL", "containers": opened, "wasted": "3 mL"});
    assert_eq!(lines(vial).0, ["J9998  x8", "J9998 JW x12"]);
    // An infusion's millilitres may be its bag's.
    let run = json!({"ndc": "99999-0003-01", "dose": "100 mL", "method": "infusion", "stop": "2026-01-05T11:00"});
    let (shown, coding) = lines(run);
    assert_eq!((shown.len(), coding.queries[0].field.as_str()), (0, "dose"));
    let run = json!({"ndc": "99999-0003-01", "dose": "5 mL", "method": "infusion", "stop": "2026-01-05T11:00",
        "containers": opened});
    assert_eq!(lines(run).0, ["J9998 JZ x20"]);
    // A size of one does not say that it is a millilitre.
    let (shown, coding) = lines(json!({"ndc": "99999-0001-01", "dose": "1 mL"}));
    assert_eq!((shown.len(), coding.queries[0].field.as_str()), (0, "dose"));
}

#[test]
fn units_beyond_a_lines_room_go_on_further_lines() {
    let folder = Folder::new("use-overflow");
    let coder = coder_with(&folder, "2026Q1", &[("ndc.csv", NDC)]);
    let lines = |setting: &str, dose: &str| {
        let opened = json!([{"kind": "single_dose", "amount": dose, "count": 1}]);
        let coding = code(&coder, setting, json!({"ndc": "99999-0003-01", "dose": dose, "containers": opened}));
        let shown = |l: &DrugLine| format!("{}-{} x{} {}", l.hcpcs, l.modifiers.join("-"), l.units, quantity(l).0);
        (coding.drug_lines.iter().map(shown).collect::<Vec<_>>(), coding)
    };
    let (shown, coding) = lines("office", "200010 mg");
    assert_eq!(shown, ["J9998-JZ x9999 2499.75", "J9998-JZ x9999 2499.75", "J9998-JZ x3 0.75"]);
    assert!(coding.drug_lines.iter().all(|l| l.rules == ["jz", "units-overflow", "units-round-up"]));
    assert_eq!(lines("office", "99990 mg").0, ["J9998-JZ x9999 2499.75"]);
    assert_eq!(lines("facility", "200010 mg").0, ["J9998-JZ x20001 5000.25"]);
    // Fifty lines are full.
    assert_eq!(lines("office", "4999500 mg").0.len(), 50);
    let (shown, coding) = lines("office", "4999510 mg");
    assert_eq!(shown.len(), 1);
    assert!(coding.assumptions.iter().any(|a| a.took == "499951 units on one line"));
}

#[test]
fn without_a_crosswalk_the_charted_amount_is_the_quantity() {
    let coding = code(&Coder::default(), "office", json!({"drug": "Zofran", "ndc": "0409-4755-03", "dose": "4 mg"}));
    assert_eq!(quantity(&coding.drug_lines[0]), ("4", "ME"));
}

#[test]
fn what_a_hospital_is_not_paid_for_takes_neither_jw_nor_jz() {
    let folder = Folder::new("use-packaged");
    let table = "HCPCS Code,Short Descriptor,SI,APC,Relative Weight,Payment Rate,National Unadjusted Copayment,Minimum \
                 Unadjusted Copayment,IRA Coinsurance percentage,Adjusted Beneficiary Copayment,Drug and Device \
                 Pass-Through Expiration during Calendar Year,Note,* Indicates a Change\nJ2405,,N,,,,,,,,,,\nJ1885,,K,9,,$1.00,,,,,,,\n";
    let coder = coder_with(&folder, "2026Q1", &[("2026 January Web Addendum B.csv", table)]);
    let modifiers = |coder: &Coder, setting: &str, drug: &str| {
        let vial = json!([{"kind": "single_dose", "amount": "30 mg"}]);
        let coding = code(coder, setting, json!({"drug": drug, "dose": "30 mg", "containers": vial}));
        coding.drug_lines[0].modifiers.join(" ")
    };
    assert_eq!(modifiers(&coder, "facility", "Zofran"), "");
    assert_eq!(modifiers(&coder, "facility", "Toradol"), "JZ");
    assert_eq!(modifiers(&coder, "office", "Zofran"), "JZ");
    assert_eq!(modifiers(&Coder::default(), "facility", "Zofran"), "JZ");
}

#[test]
fn a_stock_list_makes_one_question_of_many() {
    let stock =
        "drug,kind,amount\ninfliximab,single_dose,100 mg\nrituximab,single_dose,100 mg\nZofran,single_dose,4 mg\n";
    let coder = Coder { stock: Some(std::sync::Arc::new(stock.parse().unwrap())), ..Coder::default() };
    let value = json!({"setting": "office", "administrations": [
        {"drug": "infliximab", "dose": "184 mg", "route": "IV", "method": "infusion", "start": "2026-01-05T10:00", "stop": "2026-01-05T12:00"},
        {"drug": "rituximab", "dose": "375 mg", "route": "IV", "method": "infusion", "start": "2026-01-05T12:00", "stop": "2026-01-05T14:00"},
        {"drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-05T09:50"},
    ]});
    let coding = coder.code(&chart(&value), 1, &[], &plain()).unwrap();
    let asked: Vec<_> = coding.queries.iter().map(|q| (q.field.as_str(), q.administrations.join(" "))).collect();
    assert_eq!(asked, [("wasted", "1 2".to_owned())]);
    let zofran = coding.drug_lines.iter().find(|d| d.hcpcs == "J2405").unwrap();
    assert_eq!(zofran.modifiers, ["JZ"]);
    assert_eq!(coding.assumptions.iter().filter(|a| a.path.ends_with(".containers")).count(), 3);
    // With the discard charted nothing is asked.
    let mut told = value.clone();
    told["administrations"][0]["wasted"] = json!("16 mg");
    told["administrations"][1]["wasted"] = json!("25 mg");
    let coding = coder.code(&chart(&told), 1, &[], &plain()).unwrap();
    assert_eq!(coding.queries, []);
    let waste: Vec<_> =
        coding.drug_lines.iter().filter(|d| d.modifiers == ["JW"]).map(|d| (d.hcpcs.as_str(), d.units)).collect();
    assert_eq!(waste, [("J1745", 1), ("J9312", 2)]);
}
