//! Charts of drugs, rests and packages whose lines were worked out by hand from the rules, and then compared.

mod common;

use common::{Folder, chart, coder_with_shared, plain};
use dripline::coding::DrugLine;
use dripline_reference::Coder;
use serde_json::Value;

/// `J1745-JW x1`, and behind it the package with its quantity.
fn shown(line: &DrugLine) -> String {
    let modifiers: String = line.modifiers.iter().map(|m| format!("-{m}")).collect();
    let mut text = format!("{}{modifiers} x{}", line.hcpcs, line.units);
    if let (Some(ndc), Some(quantity), Some(unit)) = (&line.ndc, &line.ndc_quantity, &line.ndc_unit) {
        text.push_str(&format!(" {ndc} {quantity} {unit}"));
    }
    text
}

/// Compares every chart that needs tables, or every one that needs none.
fn compare(coder: &Coder, tables: bool) -> usize {
    let charts = include_str!("data/audited.jsonl").lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    let mut compared = 0;
    for audited in charts.filter(|a| a["tables"] == tables) {
        let coding =
            coder.code(&chart(&audited["case"]), 1, &[], &plain()).unwrap_or_else(|e| panic!("{e}: {audited}"));
        let found: Vec<String> = coding.drug_lines.iter().map(shown).collect();
        let expected: Vec<String> = serde_json::from_value(audited["lines"].clone()).unwrap();
        assert_eq!(found, expected, "{}", audited["what"]);
        compared += 1;
    }
    println!("{compared} charts");
    compared
}

#[test]
fn charts_worked_out_by_hand() {
    assert!(compare(&Coder::default(), false) >= 30);
}

#[test]
fn charts_worked_out_by_hand_with_tables() {
    let Some(shared) = common::shared() else { return };
    let folder = Folder::new("audited");
    let extracts = [("asp-2026q1", None), ("opps-addendum-b-2025oct", None)];
    assert!(compare(&coder_with_shared(&folder, &shared, &extracts), true) >= 8);
}
