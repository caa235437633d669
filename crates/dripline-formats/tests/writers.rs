//! Writers: the same bytes for the same coding, text that reads well, cells that no spreadsheet runs.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use dripline::chart::{Chart, SwitchValue};
use dripline::coding::{Certainty, ChartDate, Coding, Edit, EditKind, Line};
use dripline_formats::text::Style;
use dripline_formats::{csv, json, schema, text, worksheet};
use dripline_reference::{Coder, Options};
use proptest::prelude::*;

/// The question that many ask: one drug pushed twice in an office.
const SEED: &str = r#"{"case": "S01", "setting": "office", "administrations": [
    {"drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-05T10:00"},
    {"drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-05T10:35"}]}"#;

/// A hospital visit with a bit of everything.
const MIXED: &str = r#"{"case": "M1", "setting": "facility",
  "accesses": {"left": {"kind": "port"}},
  "services": [{"code": "99284"}],
  "administrations": [
    {"id": "v", "drug": "vancomycin", "dose": "1 g", "route": "IV", "method": "infusion", "start": "2026-01-05T10:00",
     "stop": "2026-01-05T11:30", "interruptions": [{"start": "2026-01-05T10:30", "stop": "2026-01-05T10:40"}]},
    {"id": "f", "drug": "normal saline", "dose": "1000 mL", "route": "IV", "method": "infusion", "class": "hydration",
     "start": "2026-01-05T09:00", "stop": "2026-01-05T12:00", "indication": "dehydration"},
    {"id": "z1", "drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-05T09:30"},
    {"id": "z2", "drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-05T09:45"},
    {"id": "c", "drug": "cefepime", "dose": "1 g", "route": "IV", "method": "infusion", "start": "2026-01-05T11:45",
     "access": "left"}]}"#;

fn chart(text: &str) -> Chart {
    json::chart_from_str("t", text).unwrap_or_else(|e| panic!("{e}"))
}

/// The tables are read once for all tests.
static CODER: LazyLock<Coder> = LazyLock::new(Coder::default);

fn coded(chart: &Chart) -> Coding {
    CODER.code(chart, 1, &[], &Options::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn page(text: &str, style: Style) -> String {
    let chart = chart(text);
    text::coding(&coded(&chart), Some(&chart), style)
}

#[test]
fn the_seed_question_is_answered_in_plain_words() {
    let page = page(SEED, Style::default());
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Given twice. Billed once"), "{page}");
    assert!(words.contains("no code exists for pushing the same drug again in an office"), "{page}");
    assert!(words.contains("Both doses are on the drug line (J2405 x8)"), "{page}");
    assert!(page.contains("  96374      1  push, initial"), "{page}");
    assert!(page.contains("  J2405      8  drug"), "{page}");
    assert!(
        page.contains("  1,2 Zofran                ▼                                  ▽\n"),
        "the second push is marked as earning nothing, 35 minutes later:\n{page}"
    );
}

#[test]
fn a_line_shows_the_fate_of_its_minutes() {
    let page = page(MIXED, Style::default());
    let at = |start: &str| {
        page.lines().find(|l| l.trim_start().starts_with(start)).unwrap_or_else(|| panic!("{start}:\n{page}"))
    };
    assert_eq!(at("v vancomycin").split_whitespace().last(), Some("██████╌╌██████████"));
    assert_eq!(at("f normal saline").split_whitespace().last(), Some("████████████▒▒▒▒▒▒██▒▒▒▒▒▒▒▒▒▒██████"));
    assert_eq!(at("90 min:"), "    90 min: 80 counted, 10 paused");
    assert!(at("c cefepime").trim_end().ends_with('?'), "an infusion without a stop has no bar");
    assert!(page.contains("  left (port)\n"), "{page}");
    for sign in ["▼ given, earns a code", "▽ given, earns none", "█ counted", "▒ counted for another", "╌ paused"]
    {
        assert!(page.contains(sign), "the legend explains {sign}:\n{page}");
    }
    assert!(!page.contains("░ not counted"), "the legend explains only what is there:\n{page}");
}

#[test]
fn a_listed_service_shows_the_modifiers_it_has_and_needs() {
    let row = |modifiers: &str| {
        let case = MIXED.replace(
            r#"{"code": "99284"}"#,
            &format!(r#"{{"code": "99284", "units": 1, "modifiers": [{modifiers}]}}"#),
        );
        page(&case, Style::default()).lines().find(|l| l.contains("99284")).expect("the service").to_owned()
    };
    assert!(row("").contains("  99284      1   25  service, only with the modifier"), "{}", row(""));
    assert!(row("\"25\"").contains("  99284      1   25  service, as listed"), "{}", row("\"25\""));
}

#[test]
fn the_one_who_is_asked_never_sees_what_an_answer_would_earn() {
    let page = page(MIXED, Style::default());
    let asked =
        page.split("To ask").nth(1).expect("there are questions").split("For coder and auditor only").next().unwrap();
    for code in ["96365", "96367", "96366", "96375", "J0692", "unit", "$"] {
        assert!(!asked.contains(code), "{code} in:\n{asked}");
    }
    assert!(page.contains("For coder and auditor only"), "{page}");
}

#[test]
fn pages_keep_their_width() {
    for width in [60, 80, 100] {
        for case in [SEED, MIXED] {
            let page = page(case, Style { width, ..Style::default() });
            for line in page.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
                assert_eq!(line, line.trim_end());
            }
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let plain = page(MIXED, Style::default());
    let coloured = page(MIXED, Style { colour: true, ..Style::default() });
    assert!(coloured.contains('\u{1b}') && !plain.contains('\u{1b}'));
    let mut bare = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = after.split_once('m').expect("a sequence ends").1;
    }
    bare.push_str(rest);
    let trimmed: String = bare.lines().map(|l| format!("{}\n", l.trim_end())).collect();
    assert_eq!(trimmed, plain);
}

#[test]
fn plain_terminals_get_plain_signs() {
    let page = page(MIXED, Style { ascii: true, ..Style::default() });
    assert!(page.is_ascii(), "{:?}", page.chars().find(|c| !c.is_ascii()));
    assert!(page.contains("######..##########"), "{page}");
}

#[test]
fn without_the_chart_ids_take_the_place_of_names() {
    let coding = coded(&chart(SEED));
    let page = text::coding(&coding, None, Style::default());
    assert!(page.contains("  96374      1  push, initial  B      1\n"), "{page}");
    assert!(!page.contains("Time line"));
}

#[test]
fn codings_read_back_equal_and_are_written_alike() {
    for case in [SEED, MIXED] {
        let chart = chart(case);
        let coding = coded(&chart);
        let line = json::line(&coding);
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Coding>(&line).unwrap(), coding);
        assert_eq!(serde_json::from_str::<Coding>(&json::pretty(&coding)).unwrap(), coding);
        assert_eq!(line, json::line(&coded(&chart)), "twice the same bytes");
        assert_eq!(csv::rows(&coding), csv::rows(&coded(&chart)));
    }
}

#[test]
fn csv_has_a_row_for_each_part_of_the_answer() {
    let rows = parsed(&csv::rows(&coded(&chart(SEED))));
    let kinds: Vec<&str> = rows.iter().map(|r| r[1].as_str()).collect();
    assert_eq!(&kinds[..4], ["line", "drug_line", "unreported", "query"]);
    assert_eq!(rows[0][..7], ["S01", "line", "96374", "1", "", "2026-01-05", "1"]);
    assert_eq!(rows[1][..8], ["S01", "drug_line", "J2405", "8", "", "2026-01-05", "1;2", "units-round-up"]);
    assert_eq!(rows[2][6], "2");
    assert_eq!(rows[2][7].split(';').next(), Some("same-push-again-office"));
    let outcomes = ["no change", "instead of", "JZ"];
    assert!(!outcomes.iter().any(|o| rows[3][8].contains(o)), "outcomes stay out: {}", rows[3][8]);
}

/// The rows of a CSV text without its header.
fn parsed(rows: &str) -> Vec<Vec<String>> {
    ::csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(rows.as_bytes())
        .records()
        .map(|r| r.expect("well-formed").iter().map(str::to_owned).collect())
        .collect()
}

/// A coding with one line and every text in it chosen.
fn with_text(text: &str) -> Coding {
    let mut coding = coded(&chart(SEED));
    let date: ChartDate = coding.lines[0].date;
    coding.case = text.to_owned();
    coding.lines = vec![Line {
        code: "96374".into(),
        units: 1,
        modifiers: vec![text.into(), "59".into()],
        date,
        administrations: vec!["1".into(), text.into()],
        rules: vec!["push-definition".into()],
        confidence: dripline::coding::Confidence::K,
        certainty: Certainty::Switches(vec![text.into()]),
        why: text.to_owned(),
    }];
    coding.edits = vec![Edit {
        kind: EditKind::Ptp,
        code: text.into(),
        with: None,
        indicator: Some("1".into()),
        table: None,
        suggest: Some(text.to_owned()),
        rules: Vec::new(),
        why: text.to_owned(),
    }];
    coding.rule_set.policy = BTreeMap::from([(text.to_owned(), SwitchValue::List(vec![text.to_owned()]))]);
    coding
}

#[test]
fn cells_that_a_spreadsheet_would_run_are_text() {
    for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "|cmd", "＝1"] {
        for row in parsed(&csv::rows(&with_text(formula))) {
            for cell in row {
                for part in std::iter::once(cell.as_str()).chain(cell.split(';')) {
                    let first = part.trim_start_matches(' ').chars().next();
                    assert!(!matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '|' | '＝')), "{cell:?}");
                }
            }
        }
    }
    let row = &parsed(&csv::rows(&with_text("=1+1")))[0];
    assert_eq!((row[0].as_str(), row[4].as_str(), row[6].as_str()), ("'=1+1", "'=1+1;59", "1;'=1+1"));
}

#[test]
fn schemas_are_closed_described_and_complete() {
    for (schema, title) in [(schema::case(), "dripline case"), (schema::coding(), "dripline coding")] {
        let root = schema.as_value();
        assert_eq!(root["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(root["title"], title);
        let definitions = root["$defs"].as_object().expect("definitions");
        for (name, object) in definitions.iter().chain([(&title.to_owned(), root)]) {
            assert!(object.get("description").is_some() || name == "ChartDate", "{name} is described");
            let Some(properties) = object.get("properties").and_then(|p| p.as_object()) else { continue };
            assert_eq!(object["additionalProperties"], false, "{name} is closed");
            for (key, property) in properties {
                assert!(property.get("description").is_some(), "{name}.{key} is described");
            }
        }
        let text = root.to_string();
        for target in text.split("\"#/$defs/").skip(1).map(|r| r.split('"').next().unwrap()) {
            assert!(definitions.contains_key(target), "{target} is defined");
        }
    }
    let coding = schema::coding();
    let required = coding.as_value()["required"].as_array().expect("required keys");
    let written = serde_json::to_value(coded(&chart(SEED))).unwrap();
    assert_eq!(required.len(), written.as_object().unwrap().len(), "every key is always written");
}

/// A chart of some administrations at any times.
fn any_chart() -> impl Strategy<Value = Chart> {
    let zone = prop_oneof![Just(""), Just("Z"), Just("-05:00")];
    let time = (0i64..60, 0i64..1440).prop_map(|(day, minute)| (20_458 + day * day) * 1440 + minute);
    let row = (
        prop_oneof![Just("Zofran"), Just("vancomycin"), Just("normal saline"), Just("Überdrug, very long name of it")],
        prop_oneof![Just("push"), Just("infusion"), Just("pump"), Just("injection")],
        time,
        prop_oneof![Just(0i64), 1i64..400, 1i64..9000],
        prop_oneof![Just("left"), Just("right")],
    );
    (proptest::collection::vec(row, 0..12), zone).prop_map(|(rows, zone)| {
        let clock = dripline::time::Clock::default();
        let rows: Vec<String> = rows
            .iter()
            .map(|(drug, method, start, minutes, access)| {
                let (start, stop) = (clock.show(*start), clock.show(start + minutes));
                format!(
                    r#"{{"drug":"{drug}","route":"IV","method":"{method}","start":"{start}{zone}","stop":"{stop}{zone}","access":"{access}"}}"#
                )
            })
            .collect();
        chart(&format!(r#"{{"setting":"facility","as_of":"2026-01-05","administrations":[{}]}}"#, rows.join(",")))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chart_fits_its_page(chart in any_chart(), width in 60usize..=100) {
        let options = Options { alternatives: false, ..Options::default() };
        let coding = CODER.code(&chart, 1, &[], &options).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let page = text::coding(&coding, Some(&chart), Style { width, ..Style::default() });
        for line in page.lines() {
            prop_assert!(line.chars().count() <= width, "{}", line);
        }
        prop_assert_eq!(&serde_json::from_str::<Coding>(&json::line(&coding)).unwrap(), &coding);
    }

    #[test]
    fn whatever_stands_in_a_text_is_written_safely(text in any::<String>()) {
        let coding = with_text(&text);
        let line = json::line(&coding);
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(&serde_json::from_str::<Coding>(&line).unwrap(), &coding);
        for row in parsed(&csv::rows(&coding)) {
            prop_assert_eq!(row.len(), 9);
        }
        let page = text::coding(&coding, None, Style::default());
        prop_assert!(!page.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
    }
}

#[test]
fn the_obstacle_that_was_measured_stands_first() {
    let text = "facility 1/5/26\nRocephin 1 g IVPB 10:00-10:45\nvancomycin 1 g IVPB 10:30-11:45\n\
                Zofran 4 mg IV push 9:00\nToradol 30 mg IV push 9:10\n";
    let chart = worksheet::parse_one(text).unwrap_or_else(|e| panic!("{e}")).chart;
    let answer = Coder::default().why_not(&chart, 1, "96368", &Options::default()).unwrap_or_else(|e| panic!("{e}"));
    let first = &answer.obstacles[0];
    assert_eq!(first.administrations, ["1"]);
    assert!(first.why.contains("It shared 15 of its 45 minutes"), "{}", first.why);
    assert!(answer.obstacles.iter().skip(1).all(|o| !o.why.contains("shared")));
}
