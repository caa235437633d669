//! Labelled strengths, looked up: what a container holds and how many units of the code that is.

mod common;

use std::collections::BTreeSet;

use common::{Folder, chart, coder_with_shared, plain};
use dripline::coding::Coding;
use dripline_reference::Coder;
use dripline_reference::dose::{Amount, Strength};
use rust_decimal::Decimal;
use serde_json::{Value, json};

struct Label {
    drug: String,
    route: String,
    strength: Option<String>,
    container: Option<String>,
    content: String,
    kind: String,
    hcpcs: String,
    units: u64,
    ndc: Option<String>,
}

fn labels() -> Vec<Label> {
    let mut reader = csv::Reader::from_reader(include_str!("data/labelled_strengths.csv").as_bytes());
    let some = |s: &str| (!s.is_empty()).then(|| s.to_owned());
    reader
        .records()
        .map(Result::unwrap)
        .map(|r| {
            assert!(r[9].starts_with("http") && r[10].parse::<jiff::civil::Date>().is_ok(), "its source: {r:?}");
            Label {
                drug: r[0].to_owned(),
                route: r[1].to_owned(),
                strength: some(&r[2]),
                container: some(&r[3]),
                content: r[4].to_owned(),
                kind: r[5].to_owned(),
                hcpcs: r[6].to_owned(),
                units: r[7].parse().unwrap(),
                ndc: some(&r[8]),
            }
        })
        .collect()
}

fn coded(label: &Label, more: Value) -> Coding {
    let mut row = json!({"drug": label.drug, "route": label.route, "start": "2026-01-05T10:00",
        "method": if label.route == "IV" { "push" } else { "injection" }});
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let value = json!({"setting": "office", "administrations": [row]});
    Coder::default().code(&chart(&value), 1, &[], &plain()).unwrap_or_else(|e| panic!("{}: {e}", label.drug))
}

/// Lines as `CODE-MOD xN`.
fn shown(coding: &Coding) -> Vec<String> {
    let line = |l: &dripline::coding::DrugLine| {
        let modifiers: String = l.modifiers.iter().map(|m| format!("-{m}")).collect();
        format!("{}{modifiers} x{}", l.hcpcs, l.units)
    };
    coding.drug_lines.iter().map(line).collect()
}

fn half(content: &str) -> String {
    let (number, unit) = content.split_once(' ').unwrap();
    format!("{} {unit}", number.replace(',', "").parse::<Decimal>().unwrap() / Decimal::TWO)
}

#[test]
fn a_label_agrees_with_itself() {
    let labels = labels();
    assert!(labels.len() >= 30, "{} labels", labels.len());
    for l in &labels {
        if let (Some(strength), Some(container)) = (&l.strength, &l.container) {
            let (strength, volume): (Strength, Amount) = (strength.parse().unwrap(), container.parse().unwrap());
            let content: Amount = l.content.parse().unwrap();
            let holds = volume.units_of(&content, Some(&strength)).unwrap();
            assert_eq!(holds.to_string(), "1", "{} {container}", l.drug);
        }
    }
}

#[test]
fn a_whole_container_is_so_many_units() {
    for l in labels() {
        let containers = json!([{"kind": l.kind, "amount": l.content}]);
        let coding = coded(&l, json!({"dose": l.content, "containers": containers}));
        let jz = if l.kind == "single_dose" { "-JZ" } else { "" };
        assert_eq!(shown(&coding), [format!("{}{jz} x{}", l.hcpcs, l.units)], "{} {}", l.drug, l.content);
    }
}

#[test]
fn half_a_container_and_the_rest_thrown_away() {
    for l in labels().iter().filter(|l| l.kind == "single_dose") {
        let containers = json!([{"kind": l.kind, "amount": l.content}]);
        let coding = coded(l, json!({"dose": half(&l.content), "containers": containers, "wasted": half(&l.content)}));
        // Every content here is whole units, so what is left is whole where what was given is.
        let (given, left) = (l.units.div_ceil(2), l.units / 2);
        let expected = match left {
            0 => vec![format!("{}-JZ x{given}", l.hcpcs)],
            _ => vec![format!("{} x{given}", l.hcpcs), format!("{}-JW x{left}", l.hcpcs)],
        };
        assert_eq!(shown(&coding), expected, "{} {}", l.drug, l.content);
        let all: u64 = coding.drug_lines.iter().map(|d| d.units).sum();
        assert!(all <= l.units, "never more than the label: {} {}", l.drug, l.content);
    }
}

/// A volume alone is an amount of drug only where the table of drugs has one strength; else it is asked for.
#[test]
fn a_volume_is_never_guessed() {
    let (mut counted, mut asked) = (0, 0);
    for l in labels() {
        let Some(volume) = &l.container else { continue };
        let coding = coded(&l, json!({"dose": volume}));
        match coding.drug_lines.as_slice() {
            [] => {
                asked += 1;
                assert!(coding.queries.iter().any(|q| q.field == "dose"), "{} {volume}", l.drug);
            }
            [line] => {
                counted += 1;
                assert_eq!((line.hcpcs.as_str(), line.units), (l.hcpcs.as_str(), l.units), "{} {volume}", l.drug);
            }
            lines => panic!("{}: {lines:?}", l.drug),
        }
    }
    println!("{counted} volumes counted by a strength of the table of drugs, {asked} asked for");
    assert!(asked > 0);
}

/// CMS's own count for the package, where the crosswalk beside the project lists it.
#[test]
fn the_crosswalk_counts_the_same_units() {
    let Some(shared) = common::shared() else { return };
    let folder = Folder::new("labels");
    let coder = coder_with_shared(&folder, &shared, &[("asp-2026q1", None)]);
    let table = coder.store.as_ref().unwrap().ndc("2026Q1".parse().unwrap()).unwrap().unwrap();
    let (mut by_number, mut by_code, mut neither) = (0, 0, BTreeSet::new());
    for l in labels() {
        let units = Decimal::from(l.units);
        let number = l.ndc.as_deref().map(eleven);
        let listed = number.iter().flat_map(|n| table.find(n)).filter(|r| r.code.to_string() == l.hcpcs);
        let listed: Vec<_> = listed.map(|r| r.bill_units).collect();
        if let [first, ..] = listed.as_slice() {
            assert_eq!(*first, units, "{} {} {number:?}", l.drug, l.content);
            by_number += 1;
        } else if table.rows().iter().any(|r| r.code.to_string() == l.hcpcs && r.bill_units == units) {
            by_code += 1;
        } else {
            neither.insert(format!("{} {}", l.drug, l.content));
        }
    }
    println!(
        "{by_number} by their number, {by_code} as a package of the code, {} not listed: {neither:?}",
        neither.len()
    );
    assert!(by_number >= 10 && neither.len() <= 5, "{neither:?}");
}

/// 5-4-2 digits of the form with hyphens.
fn eleven(ndc: &str) -> String {
    let parts: Vec<&str> = ndc.split('-').collect();
    let [a, b, c] = parts.as_slice() else { panic!("{ndc}") };
    format!("{a:0>5}-{b:0>4}-{c:0>2}")
}
