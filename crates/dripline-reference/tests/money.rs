//! What the lines are worth: by hand-made tables, and the worked chart of the documentation by CMS's.

mod common;

use common::{Folder, chart, coder_with, plain};
use dripline_reference::money::{Basis, Money, Prices, estimate, number};
use dripline_reference::{Coder, Options};
use serde_json::{Value, json};

fn money_with(coder: &Coder, value: &Value, basis: &Basis, options: &Options) -> Money {
    let chart = chart(value);
    let coded = coder.code_with(&chart, 1, &[], options).unwrap_or_else(|e| panic!("{e}"));
    estimate(&chart, &coded.coding, &coded.resolved, basis)
}

fn money(coder: &Coder, value: &Value) -> Money {
    money_with(coder, value, &Basis::default(), &plain())
}

/// Code and amount of each line; `?` where there is none.
fn amounts(money: &Money) -> Vec<String> {
    let shown = |a: Option<dripline_reference::money::Dollars>| a.map_or("?".to_owned(), |a| a.to_string());
    money.lines.iter().map(|l| format!("{} {}", l.code, shown(l.amount))).collect()
}

fn why<'m>(money: &'m Money, code: &str) -> &'m str {
    &money.lines.iter().find(|l| l.code == code).unwrap_or_else(|| panic!("no {code}")).why
}

/// Relative values in CMS's layout: code, status, work, expense outside and in a facility, malpractice, PC/TC.
fn pprrvu(rows: &[[&str; 7]]) -> String {
    let made = include_str!("tables/pprrvu.csv");
    let head: Vec<&str> = made.lines().take(8).collect();
    let mut text = head.join("\n");
    for [code, status, work, outside, inside, malpractice, pctc] in rows {
        text.push_str(&format!(
            "\n{code},,,{status},,{work},{outside},,{inside},NA,{malpractice},0,0,{pctc},XXX,0.00,0.00,0.00,0,0,0,0,0,,30.0000,09,0,99,0.00,0.00,0.00"
        ));
    }
    text.push('\n');
    text
}

/// Addendum B in CMS's layout: code, status, APC, rate.
fn addendum_b(rows: &[[&str; 4]]) -> String {
    let mut text =
        "HCPCS Code,Short Descriptor,SI,APC,Relative Weight,Payment Rate,National Unadjusted Copayment,Minimum \
                    Unadjusted Copayment,IRA Coinsurance percentage,Adjusted Beneficiary Copayment,Drug and Device \
                    Pass-Through Expiration during Calendar Year,Note,* Indicates a Change\n"
            .to_owned();
    for [code, status, apc, rate] in rows {
        text.push_str(&format!("{code},,{status},{apc},,{rate},,,,,,,\n"));
    }
    text
}

const ASP: &str =
    "HCPCS Code,HCPCS Code Dosage,Payment Limit\nJ1885,15 MG,0.305\nJ2405,1 MG,\"0.123\"\nJ1200,50 MG,N/A\n";

fn visit(setting: &str) -> Value {
    json!({"setting": setting, "administrations": [
        {"drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-05T10:00"},
        {"drug": "Toradol", "dose": "30 mg", "route": "IM", "method": "injection", "start": "2026-01-05T10:05"},
    ]})
}

fn office(name: &str) -> (Folder, Coder) {
    let folder = Folder::new(name);
    let values = pprrvu(&[
        ["96374", "A", "0.17", "0.85", "0.20", "0.0335", "5"],
        ["96372", "A", "0.10", "0.2501", "0.2501", "0.01", "5"],
        ["36591", "T", "0.00", "0.50", "0.50", "0.01", "3"],
        ["99213", "A", "1.00", "1.00", "0.50", "0.10", "0"],
        ["36415", "X", "0.00", "0.00", "0.00", "0.00", "9"],
    ]);
    let gpci = include_str!("tables/gpci.csv").replace("2025", "2026");
    // The headings of the made-up files name 2025.
    let values = values.replace("2025 National", "2026 National").replace("RELEASED 12/23/2024", "");
    let coder = coder_with(&folder, "2026Q1", &[("PPRRVU.csv", &values), ("asp.csv", ASP), ("GPCI.csv", &gpci)]);
    (folder, coder)
}

#[test]
fn an_office_is_paid_by_values_and_limits() {
    let (_folder, coder) = office("money-office");
    let found = money(&coder, &visit("office"));
    // (0.17 + 0.85 + 0.0335) × 30 = 31.605, half away from zero; (0.10 + 0.2501 + 0.01) × 30 = 10.803.
    assert_eq!(amounts(&found), ["96374 31.61", "96372 10.80", "J1885 0.61", "J2405 0.49"]);
    assert_eq!((found.total.to_string().as_str(), found.without_amount), ("43.51", 0));
    assert_eq!(found.lines[0].table.as_deref(), Some("rvu 2026Q1"));
    assert_eq!(found.lines[0].table_from.map(|d| d.to_string()).as_deref(), Some("2026-01-01"));

    let basis = Basis { locality: Some(("AK".into(), "01".into())), sequestration: number("2"), ..Basis::default() };
    let found = money_with(&coder, &visit("office"), &basis, &plain());
    // (0.17 × 1.5 + 0.85 × 1.25 + 0.0335 × 0.75) × 30 = 40.27875
    assert_eq!(amounts(&found)[0], "96374 40.28");
    let total = found.total.decimal();
    let left = total - total * number("0.016").unwrap();
    assert_eq!(found.after_sequestration.unwrap().decimal(), left.round_dp(2));
    let basis = Basis { locality: Some(("AK".into(), "77".into())), ..Basis::default() };
    assert_eq!(amounts(&money_with(&coder, &visit("office"), &basis, &plain()))[0], "96374 ?");
}

#[test]
fn what_is_paid_only_alone_and_what_the_schedule_does_not_pay() {
    let (_folder, coder) = office("money-status");
    let services = |codes: Value| {
        let mut value = json!({"setting": "office", "administrations": [], "as_of": "2026-01-05"});
        value["services"] = codes;
        money(&coder, &value)
    };
    let alone = services(json!([{"code": "36591", "date": "2026-01-05"}]));
    assert_eq!(amounts(&alone), ["36591 15.30"]);
    let lab = services(json!([{"code": "36591", "date": "2026-01-05"}, {"code": "36415", "date": "2026-01-05"}]));
    assert_eq!(amounts(&lab), ["36591 15.30", "36415 0.00"]);
    assert_eq!(why(&lab, "36415"), "status X: not paid by this fee schedule");
}

#[test]
fn a_table_of_another_quarter_gives_no_amount() {
    let (_folder, coder) = office("money-quarter");
    let mut later = visit("office");
    for row in later["administrations"].as_array_mut().unwrap() {
        row["start"] = json!(row["start"].as_str().unwrap().replace("2026-01", "2026-04"));
    }
    let found = money(&coder, &later);
    assert_eq!((found.total.to_string().as_str(), found.without_amount), ("0.00", 4));
    assert!(why(&found, "96374").ends_with("is loaded (stored: 2026Q1)"), "{}", why(&found, "96374"));
    assert!(why(&money(&Coder::default(), &visit("office")), "J2405").ends_with("ASP payment limits, is loaded"));
}

fn hospital(name: &str) -> (Folder, Coder) {
    let folder = Folder::new(name);
    let table = addendum_b(&[
        ["96374", "S", "5693", "$210.695"],
        ["96372", "Q1", "5692", "$71.17"],
        ["96401", "Q1", "5693", "$80.00"],
        ["J2405", "N", "", ""],
        ["J1885", "K", "9999", "$0.305"],
        ["43239", "J1", "5301", "$900.00"],
        ["99284", "J2", "5024", "$400.00"],
    ]);
    let coder = coder_with(&folder, "2026Q1", &[("2026 January Web Addendum B.csv", &table)]);
    (folder, coder)
}

#[test]
fn a_hospital_is_paid_by_status_and_rate() {
    let (_folder, coder) = hospital("money-hospital");
    let found = money(&coder, &visit("facility"));
    assert_eq!(amounts(&found), ["96374 210.70", "96372 0.00", "J1885 0.61", "J2405 0.00"]);
    assert_eq!(why(&found, "96372"), "status Q1: packaged beside 96374");
    assert_eq!(why(&found, "J2405"), "status N: packaged, still reported");

    // Alone it is paid, once; of two the one with the higher rate.
    let mut alone = visit("facility");
    alone["administrations"].as_array_mut().unwrap().remove(0);
    assert_eq!(amounts(&money(&coder, &alone))[0], "96372 71.17");
    let mut chemo = alone.clone();
    chemo["administrations"].as_array_mut().unwrap().push(
        json!({"drug": "azacitidine", "dose": "100 mg", "route": "SC", "method": "injection", "start": "2026-01-05T11:00"}),
    );
    let two = money(&coder, &chemo);
    assert_eq!((amounts(&two)[0].as_str(), amounts(&two)[1].as_str()), ("96372 0.00", "96401 80.00"));

    // 210.695 × (0.6 × 1.1 + 0.4) = 223.3367; a drug is not paid by place.
    let basis = Basis { wage_index: number("1.1"), ..Basis::default() };
    let placed = amounts(&money_with(&coder, &visit("facility"), &basis, &plain()));
    assert_eq!((placed[0].as_str(), placed[2].as_str()), ("96374 223.34", "J1885 0.61"));

    let mut comprehensive = visit("facility");
    comprehensive["services"] =
        json!([{"code": "43239", "date": "2026-01-05"}, {"code": "99284", "date": "2026-01-05"}]);
    let found = money(&coder, &comprehensive);
    assert_eq!(amounts(&found)[4..], ["43239 ?", "99284 400.00"]);
}

#[test]
fn off_campus_departments_get_the_reduced_rate() {
    let (_folder, coder) = hospital("money-off-campus");
    let with = |status: &str| {
        let mut value = visit("facility");
        value["off_campus"] = json!(status);
        value["services"] = json!([{"code": "99284", "date": "2026-01-05"}]);
        amounts(&money(&coder, &value))
    };
    // 210.695 × 0.4 = 84.278
    assert_eq!(with("excepted"), ["96374 84.28", "96372 0.00", "J1885 0.61", "J2405 0.00", "99284 400.00"]);
    assert_eq!(with("non_excepted")[4], "99284 160.00");
    // The year before, excepted departments still had the whole rate.
    let folder = Folder::new("money-off-campus-2025");
    let table = addendum_b(&[["96374", "S", "5693", "$210.69"]]);
    let coder = coder_with(&folder, "2025Q4", &[("2025 October Web Addendum B.csv", &table)]);
    let mut value = visit("facility");
    value["administrations"].as_array_mut().unwrap().pop();
    value["administrations"][0]["start"] = json!("2025-12-31T10:00");
    value["off_campus"] = json!("excepted");
    assert_eq!(amounts(&money(&coder, &value))[0], "96374 210.69");
}

#[test]
fn without_addendum_b_the_built_in_status_still_says_what_is_packaged() {
    let found = money(&Coder::default(), &visit("facility"));
    assert_eq!(amounts(&found), ["96374 ?", "96372 0.00", "J1885 ?", "J2405 ?"]);
    assert_eq!(why(&found, "96372"), "status Q1: packaged beside 96374 (built-in, 2025-10-01)");
    assert!(why(&found, "96374").ends_with("status S (built-in, 2025-10-01)"));
}

#[test]
fn an_own_list_has_its_own_prices() {
    let folder = Folder::new("money-own");
    let list = "charge_code,description,revenue_code,hcpcs,charge_amount,gl_account\n\
                1,,0260,96374,\"$310.25\",1\n2,,0636,J2405,0,1\n3,,0636,J1885,1.005,1\n4,,0260,96372,50,1\n5,,0450,96372,60,1\n";
    let coder = coder_with(&folder, "2024Q2", &[("cdm.csv", list)]);
    let basis = Basis { prices: Prices::Own, ..Basis::default() };
    let found = money_with(&coder, &visit("facility"), &basis, &plain());
    assert_eq!(amounts(&found), ["96374 310.25", "96372 ?", "J1885 2.01", "J2405 ?"]);
    assert_eq!(found.lines[0].table.as_deref(), Some("charges 2024Q2"));
    assert_eq!(why(&found, "96372"), "the list has 2 prices for the code");
    assert_eq!(found.limits.len(), 1);
}

#[test]
fn both_directions_are_counted() {
    let (_folder, coder) = office("money-both");
    let mut value = visit("office");
    value["billed"] =
        json!([{"code": "96374", "units": 2}, {"code": "J2405", "units": 4}, {"code": "J1885", "units": 2}]);
    let found = money_with(&coder, &value, &Basis::default(), &Options::default());
    let b = found.billed.unwrap();
    // 96372 is earned and not billed; a second 96374 is billed and not earned.
    assert_eq!(
        (b.earned_not_billed.to_string(), b.billed_not_earned.to_string(), b.net.to_string()),
        ("10.80".to_owned(), "31.61".to_owned(), "-20.81".to_owned())
    );
    // A code that cannot be priced is named and not counted as nothing.
    value["billed"][0]["code"] = json!("96409");
    let b = money(&coder, &value).billed.unwrap();
    assert_eq!(
        (b.left_out.as_slice(), b.earned_not_billed.to_string()),
        (&["96409".to_owned()][..], "42.41".to_owned())
    );
}

#[test]
fn money_changes_nothing_of_the_coding() {
    let (_folder, coder) = office("money-nothing");
    let chart = chart(&visit("office"));
    let coded = coder.code_with(&chart, 1, &[], &Options::default()).unwrap();
    let before = serde_json::to_string(&coded.coding).unwrap();
    let money = estimate(&chart, &coded.coding, &coded.resolved, &Basis::default());
    assert_eq!(money.alternatives.len(), coded.coding.alternatives.len());
    assert_eq!(serde_json::to_string(&coder.code(&chart, 1, &[], &Options::default()).unwrap()).unwrap(), before);
    assert!(!before.contains("31.61") && !before.contains("money"));
}

/// The chart that `docs/money.md` works out, in both settings, by the tables that it names.
#[test]
fn the_worked_chart_of_the_documentation() {
    let Some(shared) = common::shared() else { return };
    let folder = Folder::new("money-docs");
    let coder = common::coder_with_shared(
        &folder,
        &shared,
        &[("mpfs-2025q4", None), ("opps-addendum-b-2025oct", None), ("asp-2026q1", None)],
    );
    let page = include_str!("../../../docs/money.md");
    let worked = |setting: &str, date: &str| {
        let at = |time: &str| format!("{date}T{time}");
        json!({"setting": setting, "primary_reason": "1",
            "services": [{"code": if setting == "office" { "99213" } else { "G0463" }, "date": date, "modifiers": ["25"]}],
            "administrations": [
                {"drug": "infliximab", "dose": "184 mg", "route": "IV", "method": "infusion", "start": at("10:00"), "stop": at("12:10"),
                 "containers": [{"kind": "single_dose", "amount": "100 mg", "count": 2}], "wasted": "16 mg"},
                {"drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": at("09:45"),
                 "containers": [{"kind": "multi_dose", "amount": "40 mg"}]},
                {"drug": "Benadryl", "dose": "50 mg", "route": "IM", "method": "injection", "start": at("12:20"),
                 "containers": [{"kind": "single_dose", "amount": "50 mg"}]}]})
    };
    for (setting, date, heading) in [
        ("office", "2025-12-15", "### Office, 2025-12-15"),
        ("facility", "2025-12-15", "### Hospital, 2025-12-15"),
        ("office", "2026-01-05", "### Office, 2026-01-05"),
    ] {
        let found = money(&coder, &worked(setting, date));
        let (_, section) = page.split_once(heading).unwrap_or_else(|| panic!("{heading} is missing"));
        let section = section.split("\n### ").next().unwrap();
        let rows: Vec<String> = section
            .lines()
            .filter(|l| l.starts_with("| ") && !l.starts_with("| Line"))
            .map(|l| l.split('|').map(str::trim).collect::<Vec<_>>()[1..4].join(" "))
            .collect();
        let wanted: Vec<String> = found
            .lines
            .iter()
            .map(|l| {
                let code = std::iter::once(&l.code).chain(&l.modifiers).cloned().collect::<Vec<_>>().join("-");
                format!("{code} {} {}", l.units, l.amount.map_or("none".to_owned(), |a| a.to_string()))
            })
            .chain([format!("Total  {}", found.total)])
            .collect();
        assert_eq!(rows, wanted, "{heading}");
    }
    // Against the tables themselves, not through the store: factor 32.3465, October 2025.
    let by_hand = |work: &str, expense: &str, malpractice: &str| {
        let n = |t: &str| number(t).unwrap();
        let exact = (n(work) + n(expense) + n(malpractice)) * n("32.3465");
        dripline_reference::money::Dollars::round(exact).to_string()
    };
    let lines = amounts(&money(&coder, &worked("office", "2025-12-15")));
    assert_eq!(lines[0], format!("96413 {}", by_hand("0.28", "3.35", "0.06")));
    assert_eq!(lines[1], format!("96415 {}", by_hand("0.19", "0.59", "0.01")));
}
