use dripline::chart::Setting;
use dripline::coding::{Addressee, Certainty};
use dripline::coding::{
    ChartDate, Confidence, DrugLine, Edit, EditKind, Line, Query, RuleSet, ServiceLine, ServiceVerdict, Unreported,
};
use std::collections::BTreeMap;

use super::*;

const DAY: &str = "2026-01-05";

fn date(text: &str) -> ChartDate {
    ChartDate(text.parse().expect("a date"))
}

fn line(code: &str, modifiers: &[&str], units: u32, on: &str) -> Line {
    Line {
        code: code.into(),
        units,
        modifiers: modifiers.iter().map(|m| (*m).into()).collect(),
        date: date(on),
        administrations: vec!["1".into()],
        rules: Vec::new(),
        confidence: Confidence::A,
        certainty: Certainty::NotChecked,
        why: String::new(),
    }
}

fn drug_line(hcpcs: &str, units: u64) -> DrugLine {
    DrugLine {
        hcpcs: hcpcs.into(),
        units,
        modifiers: Vec::new(),
        date: date(DAY),
        ndc: None,
        ndc_quantity: None,
        ndc_unit: None,
        administrations: vec!["1".into()],
        rules: Vec::new(),
        why: String::new(),
    }
}

fn coding(lines: Vec<Line>) -> Coding {
    Coding {
        case: "1".to_owned(),
        setting: Setting::Office,
        profile: "cpt".to_owned(),
        rule_set: RuleSet {
            version: String::new(),
            as_of: date(DAY),
            policy: BTreeMap::new(),
            policy_hash: String::new(),
            reference: BTreeMap::new(),
        },
        lines,
        drug_lines: Vec::new(),
        services: Vec::new(),
        unreported: Vec::new(),
        minutes: Vec::new(),
        queries: Vec::new(),
        alternatives: Vec::new(),
        documentation: Vec::new(),
        edits: Vec::new(),
        assumptions: Vec::new(),
    }
}

fn full() -> Coding {
    Coding {
        drug_lines: vec![drug_line("J2405", 8)],
        services: vec![ServiceLine {
            id: "s1".into(),
            code: "99213".into(),
            verdict: ServiceVerdict::NeedsModifier,
            modifier: Some("25".into()),
            rules: Vec::new(),
            why: String::new(),
        }],
        unreported: vec![Unreported {
            administration: "2".into(),
            rules: vec!["facility-only".into(), "same-push-again-office".into()],
            why: String::new(),
        }],
        queries: vec![Query {
            administrations: vec!["3".into()],
            field: "stop".into(),
            to: Addressee::Nurse,
            ask: String::new(),
            outcomes: Vec::new(),
        }],
        edits: vec![Edit {
            kind: EditKind::Ptp,
            code: "96372".into(),
            with: None,
            indicator: None,
            table: None,
            suggest: None,
            rules: Vec::new(),
            why: String::new(),
        }],
        ..coding(vec![line("96374", &[], 1, DAY), line("96372", &["59"], 2, DAY)])
    }
}

fn coded(coding: Coding) -> Answer {
    Answer::Coded(Box::new(coding))
}

/// What a case with this expectation part says of an answer: `None` if it holds, else the texts of the differences.
fn against(expectation: &str, answer: &Answer) -> Option<Vec<String>> {
    let cases = read(Kind::Blocks, &format!("office {DAY}\nx\n----\n{expectation}"));
    assert_eq!(cases.len(), 1);
    match check(&cases[0], answer).verdict {
        Verdict::Pass => None,
        Verdict::Malformed(problem) => panic!("{problem}"),
        Verdict::Fail { differences, .. } => Some(
            differences
                .into_iter()
                .map(|d| match d {
                    Difference::Missing { text, .. } => format!("- {text}"),
                    Difference::Surplus { text } => format!("+ {text}"),
                })
                .collect(),
        ),
    }
}

fn malformed(expectation: &str) -> CaseProblem {
    let cases = read(Kind::Blocks, &format!("office {DAY}\nx\n----\n{expectation}"));
    cases[0].expectation.clone().expect_err("malformed")
}

#[test]
fn cases_stand_in_fences_tagged_case() {
    let text = "# Page\n\n## Fires\n```case\n# Two pushes.\noffice 2026-01-05\nx\n----\n96374 x1\n```\n\
                ````markdown\n```case\nnot a case\n```\n````\n\
                ## Does not fire ##\n  ~~~case\n  # Another.\n  {\"a\":\n    1}\n  ----\n  nothing\n  ~~~\n```\n# not a heading\n```\n";
    let cases = read(Kind::Markdown, text);
    let seen: Vec<_> = cases.iter().map(|c| (c.line, c.title.as_str(), c.heading.as_str(), c.input.as_str())).collect();
    assert_eq!(
        seen,
        [
            (5, "Two pushes.", "Fires", "\noffice 2026-01-05\nx\n"),
            (18, "Another.", "Does not fire", "\n{\"a\":\n  1}\n"),
        ]
    );
    assert!(cases.iter().all(|c| c.expectation.is_ok()));
}

#[test]
fn blocks_are_divided_by_equal_signs() {
    let text = "# About this file.\n====\n# One.\noffice 2026-01-05\nx\n----\nnothing\n\n=====\n\noffice 2026-01-06\ny\n----\n96374 x1";
    let cases = read(Kind::Blocks, text);
    let seen: Vec<_> = cases.iter().map(|c| (c.line, c.title.as_str(), c.input.as_str())).collect();
    assert_eq!(seen, [(3, "One.", "\noffice 2026-01-05\nx\n"), (11, "", "office 2026-01-06\ny\n")]);
    assert_eq!(Kind::of("a/b.md"), Kind::Markdown);
    assert_eq!(Kind::of("a.md/b.case"), Kind::Blocks);
}

#[test]
fn a_json_input_may_be_commented_and_spread_over_lines() {
    let text = "# Title.\n{\"setting\": \"office\",\n# The dose was written by hand.\n\"administrations\": []}\n----\nnothing\n";
    let cases = read(Kind::Blocks, text);
    let (chart, _) = cases[0].chart().expect("a chart");
    assert_eq!(chart.setting, Some(Setting::Office));
    let broken = read(Kind::Blocks, "{\"seting\": \"office\"}\n----\nerror: seting\n");
    assert_eq!(check(&broken[0], &Answer::Refused(broken[0].chart().expect_err("unknown key"))).verdict, Verdict::Pass);
}

#[test]
fn lines_are_exact_and_complete() {
    let answer = coded(full());
    assert_eq!(against("96374 x1\n96372-59 x2", &answer), None);
    assert_eq!(against("# A comment.\n\n96372-59 x2 on 2026-01-05\n96374 x1\n", &answer), None);
    assert_eq!(against("96374 x1", &answer), Some(vec!["+ 96372-59 x2".to_owned()]));
    assert_eq!(against("96374 x1\n96372 x2", &answer), Some(vec!["- 96372 x2".to_owned(), "+ 96372-59 x2".to_owned()]));
    assert_eq!(against("96374 x2\n96372-59 x2", &answer), Some(vec!["- 96374 x2".to_owned(), "+ 96374 x1".to_owned()]));
    assert_eq!(
        against("96374 x1 on 2026-01-06\n96372-59 x2", &answer),
        Some(vec!["- 96374 x1 on 2026-01-06".to_owned(), "+ 96374 x1".to_owned()])
    );
    assert_eq!(against("nothing", &answer), Some(vec!["+ 96374 x1".to_owned(), "+ 96372-59 x2".to_owned()]));
    assert_eq!(against("nothing", &coded(coding(Vec::new()))), None);
}

#[test]
fn an_ellipsis_allows_more_but_not_less() {
    let answer = coded(full());
    assert_eq!(against("…\n96374 x1", &answer), None);
    assert_eq!(against("...\n96374 x2", &answer), Some(vec!["- 96374 x2".to_owned()]));
}

#[test]
fn a_dated_line_takes_its_own_date_before_an_undated_one() {
    let answer = coded(coding(vec![line("96366", &[], 1, DAY), line("96366", &[], 1, "2026-01-06")]));
    assert_eq!(against("96366 x1\n96366 x1 on 2026-01-05", &answer), None);
    assert_eq!(
        against("96366 x2", &answer),
        Some(vec![
            "- 96366 x2".to_owned(),
            "+ 96366 x1 on 2026-01-05".to_owned(),
            "+ 96366 x1 on 2026-01-06".to_owned()
        ])
    );
}

#[test]
fn drug_lines_are_looked_at_once_one_is_written() {
    let answer = coded(full());
    assert_eq!(against("96374 x1\n96372-59 x2\nJ2405 x8", &answer), None);
    assert_eq!(
        against("96374 x1\n96372-59 x2\nJ1885 x2", &answer),
        Some(vec!["- J1885 x2".to_owned(), "+ J2405 x8".to_owned()])
    );
}

#[test]
fn what_is_written_beside_the_lines_must_hold() {
    let answer = coded(full());
    for good in [
        "unreported 2",
        "unreported 2: same-push-again-office",
        "unreported \"2\": facility-only",
        "service 99213 needs_modifier",
        "query 3 stop",
        "edit ptp 96372",
    ] {
        assert_eq!(against(&format!("…\n{good}"), &answer), None, "{good}");
    }
    for bad in [
        "unreported 3",
        "unreported 2: not-given",
        "service 99213 kept",
        "service 99214 needs_modifier",
        "query 3 start",
        "query 1 stop",
        "edit mue 96372",
        "edit ptp 96374",
    ] {
        assert_eq!(against(&format!("…\n{bad}"), &answer), Some(vec![format!("- {bad}")]), "{bad}");
    }
    let twice = "…\nservice 99213 needs_modifier\nservice 99213 needs_modifier";
    assert_eq!(against(twice, &answer), Some(vec!["- service 99213 needs_modifier".to_owned()]));
}

#[test]
fn a_refusal_is_expected_by_part_of_its_message() {
    let refused = Answer::Refused("administrations[0].stop: lies before the start".to_owned());
    assert_eq!(against("error: before the start", &refused), None);
    assert_eq!(
        against("error: after the start", &refused),
        Some(vec![
            "- error: after the start".to_owned(),
            "+ error: administrations[0].stop: lies before the start".to_owned()
        ])
    );
    assert_eq!(
        against("nothing", &refused),
        Some(vec!["- nothing".to_owned(), "+ error: administrations[0].stop: lies before the start".to_owned()])
    );
    assert_eq!(against("error: stop", &coded(full())), Some(vec!["- error: stop".to_owned()]));
}

#[test]
fn expectations_that_cannot_be_read_say_where_and_why() {
    for (expectation, line, message) in [
        ("96374", 4, "this does not read as `CODE[-MOD] xN [on DATE]`"),
        ("# c\n96374 1", 5, "`1` is not a number of units"),
        ("96374 x0", 4, "`x0` is not a number of units"),
        ("9637 x1", 4, "`9637` is not a code"),
        ("96374-5 x1", 4, "`5` is not a modifier"),
        ("96374 x1 on 2026-1-5", 4, "`2026-1-5` is not a date"),
        ("96374 x1 2026-01-05", 4, "this does not read as `CODE[-MOD] xN [on DATE]`"),
        ("unreported", 4, "this does not read as `unreported ID[: rule]`"),
        ("unreported 1 2", 4, "this does not read as `unreported ID[: rule]`"),
        ("unreported 1: no-such-rule", 4, "there is no rule `no-such-rule`"),
        ("service 99213 keep", 4, "`keep` is not a verdict"),
        ("service 99213", 4, "this does not read as `service CODE verdict`"),
        ("query 1", 4, "this does not read as `query ID field`"),
        ("edit pair 96374", 4, "`pair` is not a kind of edit"),
        ("error:", 4, "`error:` names no text"),
        ("error: x\n96374 x1", 4, "a refused case has no other result"),
        ("nothing\n96374 x1", 4, "`nothing` beside an administration line or `…`"),
        ("…\nnothing", 5, "`nothing` beside an administration line or `…`"),
        ("…", 4, "`…` alone tests nothing"),
        ("", 1, "the case expects nothing"),
        ("nothing\n----\nnothing", 5, "a second `----` in one case"),
        ("expect 96374 x1", 4, "`expect` is not a code"),
    ] {
        let problem = malformed(expectation);
        assert_eq!((problem.line, problem.message.as_str()), (line, message), "{expectation}");
    }
    let cases = read(Kind::Markdown, "```case\noffice 2026-01-05\n----\nnothing\n");
    assert_eq!(cases[0].expectation.clone().expect_err("open").message, "this fence does not end");
    let cases = read(Kind::Markdown, "```case\noffice 2026-01-05\n```\n");
    assert_eq!(cases[0].expectation.clone().expect_err("no divider").message, "the case has no line `----`");
}

#[test]
fn a_report_reads_like_a_difference() {
    let text = "# Two.\noffice 2026-01-05\nx\n----\n96374 x1\nunreported 3\n====\noffice 2026-01-05\nx\n----\nwhat\n";
    let outcomes = read(Kind::Blocks, text).iter().map(|c| check(c, &coded(full()))).collect();
    let report = Report { file: "a.case".to_owned(), outcomes };
    assert_eq!((report.passed(), report.is_readable()), (0, false));
    assert_eq!(
        report.to_string(),
        "a.case:1: Two.\n  + 96372-59 x2    (not expected)\n  - unreported 3    (a.case:6, expected)\n  the answer:\n    \
         96374 x1\n    96372-59 x2\n    J2405 x8\n    unreported 2: same-push-again-office\n    \
         service 99213 needs_modifier\n    query 3 stop\n    edit ptp 96372\n\
         a.case:8: a case\n  a.case:11: `what` is not a code\n  help: a code has five digits or capitals; expectation lines are \
         `CODE[-MOD] xN [on DATE]`, `unreported ID[: rule]`, `service CODE verdict`, `query ID field`, `edit KIND CODE`, \
         `error: text`, `nothing` and `…`\n"
    );
}

#[test]
fn answers_are_written_in_place_and_only_once() {
    let page = "# Page\n\n## Fires\n```case\n# Holds.\noffice 2026-01-05\nx\n----\n…\n96374 x1\n```\nText.\n  ```case\n  # Does not.\n  \
                office 2026-01-05\n  y\n  ----\n  # Kept.\n  96374 x2\n  unreported 2: facility-only\n  ```\n\n```case\noffice 2026-01-05\nz\n```\nEnd.";
    let done = complete("a.md", page, |_, _| coded(full()));
    let written = "96374 x1\n96372-59 x2\nunreported 2: same-push-again-office\nservice 99213 needs_modifier\n";
    let named = "  # Kept.\n  96374 x1\n  96372-59 x2\n  unreported 2: facility-only\n  service 99213 needs_modifier\n";
    let expected = page
        .replace("  # Kept.\n  96374 x2\n  unreported 2: facility-only\n", named)
        .replace("z\n```", &format!("z\n----\n{written}```"));
    assert_eq!(done, expected);
    assert_eq!(complete("a.md", &done, |_, _| coded(full())), done);
}

#[test]
fn blocks_are_completed_with_what_they_had_asked_for() {
    let text = "# File.\n====\noffice 2026-01-05\nx\n----\n96374 x9 on 2026-01-05\nJ2405 x1\nquery 3 start\n\n====\r\noffice 2026-01-05\ny\n\n====\nz\n----\nbad";
    let done = complete("a.case", text, |case, _| {
        if case.input.starts_with('z') { Answer::Refused("no header\nmore".to_owned()) } else { coded(full()) }
    });
    assert!(done.contains("\r\n"), "the file's own line ends are used");
    let unix = done.replace("\r\n", "\n");
    assert_eq!(
        unix,
        "# File.\n====\noffice 2026-01-05\nx\n----\n96374 x1 on 2026-01-05\n96372-59 x2 on 2026-01-05\n\
         J2405 x8 on 2026-01-05\nunreported 2: same-push-again-office\nservice 99213 needs_modifier\nquery 3 stop\n\n\
         ====\noffice 2026-01-05\ny\n----\n96374 x1\n96372-59 x2\nunreported 2: same-push-again-office\n\
         service 99213 needs_modifier\n\n====\nz\n----\nerror: no header\n"
    );
    let again = complete("a.case", &done, |case, _| {
        if case.input.starts_with('z') { Answer::Refused("no header\nmore".to_owned()) } else { coded(full()) }
    });
    assert_eq!(again, done);
}

#[test]
fn a_refusal_that_was_written_holds_where_the_case_then_stands() {
    // The first answer makes the file longer, so that the second case moves down.
    let text = "office 2026-01-0\nx\n====\noffice 2026-01-05\n26w- via\n----\nnothing\n";
    let (coder, options) = (Coder::default(), Options::default());
    let write = |text: &str| complete("a.case", text, |case, position| super::answer(case, position, &coder, &options));
    let done = write(text);
    assert!(done.contains("\n----\nerror: line 2 of the case: "), "{done}");
    assert_eq!(write(&done), done);
}

mod published {
    use super::super::rows::{Expect, Row, RowOutcome, RowReport, Tier, differences, read};
    use super::*;

    fn expect(json: &str) -> Expect {
        serde_json::from_str(json).expect("an expectation")
    }

    #[test]
    fn units_are_added_by_code() {
        let answer = coding(vec![line("96366", &[], 1, DAY), line("96366", &[], 2, "2026-01-06")]);
        let ask = |units: u64, complete: &str| {
            differences(
                &expect(&format!(
                    r#"{{"lines":[{{"code":"96366","units":{units}}}],"complete":{complete},"drug_lines":null}}"#
                )),
                &answer,
            )
        };
        assert_eq!(ask(3, "true"), Vec::<String>::new());
        assert_eq!(ask(2, "false"), ["96366 x2 expected, x3 got"]);
        assert_eq!(ask(2, "null"), Vec::<String>::new());
    }

    #[test]
    fn other_codes_count_only_where_the_row_is_complete() {
        let ask = |complete: &str| {
            differences(
                &expect(&format!(
                    r#"{{"lines":[{{"code":"96374","units":1}}],"complete":{complete},"drug_lines":null}}"#
                )),
                &full(),
            )
        };
        assert_eq!(ask("true"), ["96372 x2 not expected"]);
        assert_eq!(ask("false"), Vec::<String>::new());
    }

    #[test]
    fn the_rest_of_a_row_must_hold() {
        let good = r#"{"lines":[],"complete":null,"modifiers":[{"code":"96372","modifier":"59"}],"unreported":["2"],
            "services":[{"code":"99213","verdict":"needs_modifier"}],"drug_lines":[{"hcpcs":"J2405","units":8,"modifiers":[]}]}"#;
        assert_eq!(differences(&expect(good), &full()), Vec::<String>::new());
        let bad = good
            .replace("\"59\"", "\"XS\"")
            .replace("[\"2\"]", "[\"3\"]")
            .replace("needs_modifier", "kept")
            .replace(":8,", ":4,");
        assert_eq!(
            differences(&expect(&bad), &full()),
            [
                "modifier XS expected on a line of 96372",
                "3 expected to be unreported",
                "service 99213 expected to be kept",
                "drug line J2405 x4 expected",
                "drug line J2405 x8 not expected",
            ]
        );
    }

    #[test]
    fn rows_that_cannot_be_read_are_failures_with_their_line() {
        let rows = read("\n{\"id\": 1}\n");
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].0, 2);
        assert!(rows[0].1.is_err());
    }

    #[test]
    fn a_report_sums_up_each_tier() {
        let outcome = |tier, differences: &[&str]| RowOutcome {
            line: 1,
            id: "P1".to_owned(),
            title: "T".to_owned(),
            tier: Some(tier),
            differences: differences.iter().map(|d| (*d).to_owned()).collect(),
        };
        let report = RowReport {
            file: "p.jsonl".to_owned(),
            outcomes: vec![
                outcome(Tier::Gold, &[]),
                outcome(Tier::Silver, &["96374 x1 not expected"]),
                outcome(Tier::Gold, &[]),
            ],
        };
        assert!(!report.is_clean());
        assert_eq!(
            report.to_string(),
            "p.jsonl:1: P1 (silver): T\n  96374 x1 not expected\np.jsonl: gold: 2 of 2\np.jsonl: silver: 0 of 1\n"
        );
    }

    #[test]
    fn shared_rows_can_all_be_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/cases");
        let Ok(entries) = std::fs::read_dir(folder) else {
            println!("skipped: no shared cases beside the project");
            return;
        };
        for entry in entries.flatten().filter(|e| e.path().extension().is_some_and(|x| x == "jsonl")) {
            let text = std::fs::read_to_string(entry.path()).expect("a readable file");
            let rows: Vec<(usize, Result<Row, CaseProblem>)> = read(&text);
            assert!(!rows.is_empty());
            for (line, row) in rows {
                assert!(row.is_ok(), "{}:{line}: {}", entry.path().display(), row.expect_err("a problem"));
            }
        }
    }
}
