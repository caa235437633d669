//! Comparisons and differences, and the one door for all input.

use dripline::chart::Setting;
use dripline_formats::compare::{Comparison, With};
use dripline_formats::diff::{Answer, differences, phrase};
use dripline_formats::input::{Case, Cases};
use dripline_formats::text::{self, Style};
use dripline_formats::{error::ReadError, json};
use dripline_reference::{Coder, Options};

const SEED: &str = "office 2026-01-05\nZofran 4 mg IV push 10:00\nZofran 4 mg IV push 10:35\n";

fn read(text: &str) -> Vec<Result<Case, ReadError>> {
    Cases::new("t", text.as_bytes(), 0).collect()
}

fn one(text: &str) -> Case {
    read(text).remove(0).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn words_of_with_are_read_or_explained() {
    assert_eq!("setting=facility".parse(), Ok(With::Setting(Setting::Facility)));
    assert_eq!("billed".parse(), Ok(With::Billed));
    assert_eq!("profile=medicare".parse::<With>().unwrap().to_string(), "profile=medicare");
    assert_eq!("as_of=2015-06-01".parse::<With>().unwrap().to_string(), "as_of=2015-06-01");
    let help = |text: &str| text.parse::<With>().unwrap_err().help;
    assert_eq!(help("profil=medicare"), "did you mean profile?");
    assert_eq!(help("as_of=1/5/26"), "write it as as_of=2026-01-05");
    assert_eq!(help("setting=clinic"), "write setting=office or setting=facility");
    assert!(help("everything").starts_with("write profile=NAME"));
}

#[test]
fn an_office_beside_a_hospital() {
    let case = one(SEED);
    let coder = Coder::default();
    let options = Options::default();
    let with = With::Setting(Setting::Facility);
    let left = coder.code(&case.chart, 1, &[], &options).unwrap();
    let right = coder.code(&with.chart(&case.chart), 1, &[], &options).unwrap();
    let found = Comparison::of(&with, &left, &right);
    let [only] = found.differences.as_slice() else { panic!("{:?}", found.differences) };
    assert_eq!((only.code.as_str(), only.left.as_deref(), only.right.as_deref()), ("96376", None, Some("1")));
    let page = text::comparison(&found, &case.chart, Style::default());
    assert!(page.contains(">  96376       –         1  push, same drug again (facility)"), "{page}");
    assert!(page.contains("Earns no code under office only"), "{page}");
    let value: serde_json::Value = serde_json::from_str(&json::line(&found)).unwrap();
    assert_eq!(value["with"], "setting=facility");
    assert_eq!(value["left"]["name"], "office");
    assert_eq!(value["right"]["lines"][1]["code"], "96376");
    assert_eq!(value["differences"][0]["right"], "1");
}

#[test]
fn the_other_setting_drops_what_would_contradict_it() {
    let case = one("office 2026-01-05 pos=11\nZofran 4 mg IV push 10:00\n");
    let other = With::Setting(Setting::Facility).chart(&case.chart);
    assert_eq!((other.setting, other.place_of_service), (Some(Setting::Facility), None));
}

#[test]
fn what_was_billed_beside_what_is_earned() {
    let case = one(r#"{"setting":"office","administrations":[
            {"drug":"Zofran","dose":"4 mg","route":"IV","method":"push","start":"2026-01-05T10:00"},
            {"drug":"Zofran","dose":"4 mg","route":"IV","method":"push","start":"2026-01-05T10:35"}],
          "services":[{"code":"99213","modifiers":["25"]},{"code":"99211"}],
          "billed":[{"code":"96374"},{"code":"96375"},{"code":"J2405","units":4},{"code":"99213"}]}"#);
    let coding = Coder::default().code(&case.chart, 1, &[], &Options::default()).unwrap();
    let found = Comparison::with_billed(&coding, &case.chart);
    let rows: Vec<_> = found
        .differences
        .iter()
        .map(|d| (d.code.as_str(), d.modifiers.concat(), d.left.as_deref(), d.right.as_deref()))
        .collect();
    assert_eq!(
        rows,
        [
            ("99213", "25".to_owned(), Some("1"), None),
            ("96375", String::new(), None, Some("1")),
            ("99213", String::new(), None, Some("1")),
            ("J2405", String::new(), Some("8"), Some("4")),
        ]
    );
}

#[test]
fn differences_as_a_phrase() {
    let line = |code: &str, units: u64| dripline::coding::ShortLine {
        code: code.into(),
        units,
        modifiers: Vec::new(),
        date: serde_json::from_str("\"2026-01-05\"").unwrap(),
    };
    let answer = |lines: Vec<_>| Answer { lines, ..Answer::default() };
    let say = |left: Vec<_>, right: Vec<_>, dates| phrase(&differences(&answer(left), &answer(right)), dates);
    let (a, b, c) = (line("96365", 1), line("96367", 1), line("96368", 1));
    assert_eq!(say(vec![a.clone()], vec![a.clone()], false), "the same");
    assert_eq!(say(vec![a.clone()], vec![a.clone(), b.clone()], false), "adds 96367 ×1");
    assert_eq!(say(vec![a.clone(), b.clone(), c.clone()], vec![a.clone()], false), "drops 96367 ×1 and 96368 ×1");
    assert_eq!(say(vec![a.clone(), b], vec![a.clone(), c], false), "96368 ×1 instead of 96367 ×1");
    assert_eq!(say(vec![a], vec![line("96365", 3)], true), "96365 ×3 on 2026-01-05, not ×1");
}

#[test]
fn json_and_worksheets_come_through_one_door() {
    let ids = |text: &str| -> Vec<String> {
        read(text).into_iter().map(|c| c.map_or_else(|e| format!("error: {}", e.message), |c| c.id())).collect()
    };
    assert_eq!(ids("\n  {\"case\":\"a\"}\n{}\n"), ["a", "2"]);
    assert_eq!(ids(&format!("\u{feff}\n\n{SEED}\n{SEED}")), ["1", "2"]);
    assert_eq!(ids("  \n"), ["error: there is no case here"]);
    let more: Vec<_> = Cases::new("t", SEED.as_bytes(), 4).map(|c| c.unwrap().id()).collect();
    assert_eq!(more, ["5"], "positions go on from file to file");
}

#[test]
fn places_in_worksheets_are_those_of_the_file() {
    let error =
        read(&format!("\n\n{SEED}\noffice 2026-01-05\nZofran 4 mg IV push 10:00 sideways\n")).remove(1).unwrap_err();
    let place = error.place.expect("a place");
    assert_eq!((place.line, place.column), (8, 27), "{error}");
    assert!(error.to_string().contains("^^^^^^^^"), "{error}");
    let error = Cases::new("t", &b"\noffice 2026-01-05\nna\xefve"[..], 0).next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "t:3:3: byte 0xef is not UTF-8\n  = help: save the file as UTF-8");
}
