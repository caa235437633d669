use proptest::prelude::*;

use super::*;
use crate::error::{Place, ReadError};

/// Ids of the cases that were read, and the errors, in order.
fn read(text: &str) -> Vec<Result<String, ReadError>> {
    JsonCases::new("t.json", text.as_bytes()).map(|c| c.map(|c| c.case.unwrap_or_default())).collect()
}

/// `line:column path: message (help)` of the only error.
fn error(text: &str) -> String {
    error_of(text.as_bytes())
}

fn error_of(text: &[u8]) -> String {
    let mut errors: Vec<_> = JsonCases::new("t.json", text).filter_map(Result::err).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let ReadError { place, path, message, help, .. } = errors.remove(0);
    let Place { line, column } = place.expect("a place");
    format!("{line}:{column} {path}: {message} ({help})")
}

fn ids(text: &str) -> Vec<String> {
    read(text).into_iter().map(|c| c.unwrap_or_else(|e| format!("error: {}", e.message))).collect()
}

#[test]
fn an_object_a_list_and_lines() {
    assert_eq!(ids(r#"{"case":"a"}"#), ["a"]);
    assert_eq!(ids("\u{feff}\n  {\n\"case\":\n\"a\"\n}\n\n"), ["a"]);
    assert_eq!(ids("[{\"case\":\"a\"},\n {\"case\":\"b\"} ]\n"), ["a", "b"]);
    assert_eq!(ids("{\"case\":\"a\"}\n\n{\"case\":\"b\"}\r\n  {\"case\":\"c\"}"), ["a", "b", "c"]);
}

#[test]
fn brackets_and_quotes_inside_texts_are_text() {
    assert_eq!(ids(r#"[{"case":"}],[{"},{"case":"\\\"]"}]"#), ["}],[{", "\\\"]"]);
}

#[test]
fn a_bad_case_does_not_stop_the_rest() {
    let lines = ids("{\"case\":\"a\"}\n{\"case\":}\n{\"case\":\"c\"}");
    assert_eq!(lines, ["a", "error: no value of JSON begins like this", "c"]);
    let list = ids(r#"[{"case":"a"}, {"case":"b","x":1}, 7, {"case":"c"}]"#);
    assert_eq!(list[1], "error: `x` is not a key of a case");
    assert_eq!(list[2], "error: a case must be an object { … }");
    assert_eq!([&list[0], &list[3]], ["a", "c"]);
    assert_eq!(ids("[{\"case\":\"a\"} {\"case\":\"b\"}]"), ["a", "error: a comma is missing between two cases", "b"]);
}

#[test]
fn the_id_of_a_bad_case_is_kept_where_it_can_be_read() {
    let id = |text: &str| read(text).remove(0).unwrap_err().case;
    assert_eq!(id(r#"{"administrations":[{"dose":4}],"case":"K7"}"#).as_deref(), Some("K7"));
    assert_eq!(id(r#"{"case":"K8","administrations":[}"#).as_deref(), Some("K8"));
    assert_eq!(id(r#"{"case":8}"#), None);
}

#[test]
fn unknown_keys_name_the_nearest() {
    assert_eq!(
        error("{\"case\":\"a\",\n \"administrations\":[{\"id\":\"1\",\n  \"stopp\":null}]}"),
        "3:3 administrations[0].stopp: `stopp` is not a key of an administration (did you mean `stop`?)"
    );
    assert_eq!(
        error(r#"{"accesses":{"left":{"typ":1}}}"#),
        "1:22 accesses.left.typ: `typ` is not a key of an access (known here: kind, needed_because)"
    );
    assert!(
        error(r#"{"patient":"x"}"#).starts_with("1:2 patient: `patient` is not a key of a case (known here: case, ")
    );
}

#[test]
fn wrong_types_say_what_is_expected() {
    let cases = [
        (
            r#"{"administrations":[{"dose":4}]}"#,
            r#"1:29 administrations[0].dose: expected a text, found the number `4` (write it as "4 mg")"#,
        ),
        (r#"{"case":12}"#, "1:9 case: expected a text, found the number `12` (put it in double quotes)"),
        (
            r#"{"administrations":{}}"#,
            "1:20 administrations: expected a list [ … ], found an object (write a list [ … ])",
        ),
        (
            r#"{"administrations":[[]]}"#,
            "1:21 administrations[0]: expected an object { … }, found a list (write an object { … })",
        ),
        (
            r#"{"administrations":[{"pump":[]}]}"#,
            "1:29 administrations[0].pump: expected an object { … }, found a list (write an object { … })",
        ),
        (
            r#"{"accesses":{"L":["port"]}}"#,
            "1:18 accesses.L: expected an object { … }, found a list (write an object { … })",
        ),
        (
            r#"{"age_years":-3}"#,
            "1:14 age_years: expected a whole number from 0 to 65535, found the number `-3` (write a whole number from 0 to 65535)",
        ),
        (
            r#"{"age_years":70000}"#,
            "1:14 age_years: expected a whole number from 0 to 65535, found the number `70000` (write a whole number from 0 to 65535)",
        ),
        (
            r#"{"supervised":"yes"}"#,
            "1:15 supervised: expected true or false, found the text \"yes\" (write true or false)",
        ),
        (r#"{"services":null}"#, "1:13 services: expected a list [ … ], found null (leave the key out)"),
        (
            r#"{"policy":{"hydration_sum":1.5}}"#,
            "1:28 policy.hydration_sum: expected a word, a whole number or a list of words, found the number `1.5` (write a word, a whole number or a list of words)",
        ),
        (r#"{"setting":"ofice"}"#, "1:12 setting: `ofice` is not a value of this key (did you mean `office`?)"),
        (
            r#"{"administrations":[{"order":true}]}"#,
            "1:30 administrations[0].order: `true` names no order (write the order's id, false if there is none, or leave the key out)",
        ),
        (
            r#"{"administrations":[{"order":7}]}"#,
            "1:30 administrations[0].order: expected the order's id in quotes, or false, found the number `7` (write the order's id in quotes, or false)",
        ),
        (
            r#"{"administrations":[{"start":"10:00"}]}"#,
            "1:30 administrations[0].start: `10:00` is not a time (write it as 2026-01-05T10:00)",
        ),
        (
            r#"{"administrations":[{"start":"2026-01-05T10:00:30"}]}"#,
            "1:30 administrations[0].start: `2026-01-05T10:00:30` has seconds (times are whole minutes, write :00 or leave them out)",
        ),
        (r#"{"as_of":"5.1.2026"}"#, "1:10 as_of: `5.1.2026` is not a date (write it as 2026-01-05)"),
        (
            r#"{"administrations":[{"interruptions":[{"start":"2026-01-05T10:00"}]}]}"#,
            "1:39 administrations[0].interruptions[0]: `stop` is missing (add \"stop\": \"2026-01-05T10:00\")",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text), expected);
    }
}

#[test]
fn a_key_given_twice_is_refused_everywhere() {
    assert_eq!(error(r#"{"case":"a","case":"b"}"#), "1:13 case: `case` is given twice (keep one of the two)");
    assert_eq!(
        error(r#"{"policy":{"hydration_sum":"all","hydration_sum":"per_interval"}}"#),
        "1:34 policy.hydration_sum: `hydration_sum` is given twice (keep one of the two)"
    );
    assert_eq!(
        error(r#"{"accesses":{"L":{},"\u004c":{}}}"#),
        "1:21 accesses.L: `L` is given twice (keep one of the two)"
    );
    assert_eq!(
        error(r#"{"administrations":[{"id":"1"},{"id":"2","dose":"1 mg","dose":"2 mg"}]}"#),
        "1:56 administrations[1].dose: `dose` is given twice (keep one of the two)"
    );
}

#[test]
fn broken_text_is_placed() {
    let cases = [
        ("{\"case\":\"a\",}", "1:13 : a comma stands before the closing bracket (delete the comma)"),
        ("{\"case\" \"a\"}", "1:9 : a colon is missing after the key (write \"key\": value)"),
        ("{case:1}", "1:2 : a key must stand in double quotes (write \"key\": value)"),
        ("{\n\"case\":\"a\"", "2:11 : the text ends inside an object (close it with })"),
        ("[{\"case\":\"a\"},]", "1:15 : a comma stands before the closing bracket (delete the comma)"),
        ("[{\"case\":\"a\"}", "1:14 : the list of cases does not end (close it with ])"),
        ("[]", "1:3 : the list holds no case (write the cases between [ and ])"),
        (" \n ", "2:2 : there is no case here (give one case { … }, a list [ … ], or one case a line)"),
        ("", "1:1 : there is no case here (give one case { … }, a list [ … ], or one case a line)"),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text), expected, "{text}");
    }
    for text in ["{\n\"case\":\"a\"}\n {\"case\":\"b\"}", "[{\"case\":\"a\"}]\n x", "{\"case\":\"a\"} {\"case\":\"b\"}"]
    {
        assert!(error(text).contains("something follows the end of the case"), "{text}: {}", error(text));
    }
}

#[test]
fn bytes_that_are_no_text_are_placed() {
    assert_eq!(
        error_of(b"{\"case\":\"a\"}\n{\"case\":\"\xc3\xa9\xe9\"}"),
        "2:11 : byte 0xe9 is not UTF-8 (save the file as UTF-8)"
    );
}

#[test]
fn deep_nesting_ends_in_an_error() {
    let deep = format!("{{\"policy\":{{\"a\":{}", "[".repeat(100_000));
    assert_eq!(read(&deep).len(), 1);
    let deep = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
    assert!(error(&deep).contains("must be an object"));
}

#[test]
fn a_case_beyond_the_limit_is_passed_over() {
    let long = format!("{{\"case\":\"long\",\"diagnoses\":[\"{}\"]}}", "x".repeat(MOST_BYTES));
    for text in [
        format!("{{\"case\":\"a\"}}\n{long}\n{{\"case\":\"c\"}}"),
        format!("[{{\"case\":\"a\"}},{long},{{\"case\":\"c\"}}]"),
    ] {
        let cases = read(&text);
        assert_eq!(cases.len(), 3);
        let refused = cases[1].as_ref().unwrap_err();
        assert_eq!((refused.case.as_deref(), refused.message.as_str()), (None, "a case is longer than 16 MB"));
        assert_eq!(cases[2].as_deref().unwrap(), "c");
    }
}

#[test]
fn the_place_of_a_key_that_the_coder_complains_about() {
    let mut cases = JsonCases::new(
        "t.json",
        "[{\"case\":\"a\"},\n{\"case\":\"b\",\"administrations\":[{\"stop\":null}]}]".as_bytes(),
    );
    cases.next();
    cases.next();
    let error = cases.error_at(Some("b".to_owned()), "administrations[0].stop", "too early", "mend it");
    assert_eq!(error.place, Some(Place { line: 2, column: 40 }));
    assert_eq!(
        error.to_string(),
        "t.json:2:40: case b: administrations[0].stop: too early\n  |\n2 | {\"case\":\"b\",\"administrations\":[{\"stop\":null}]}\n  |                                        ^^^^\n  = help: mend it"
    );
    assert_eq!(
        line(&error),
        r#"{"case":"b","error":{"file":"t.json","line":2,"column":40,"path":"administrations[0].stop","message":"too early","help":"mend it"}}"#
    );
    assert_eq!(cases.error_at(None, "setting", "missing", "").place, Some(Place { line: 2, column: 1 }));
}

#[test]
fn an_error_cannot_steer_the_terminal() {
    let text = "{\"case\":\"a\\u001b[2J\",\"\u{202e}stop\":1}";
    let shown = read(text).remove(0).unwrap_err().to_string();
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for case in JsonCases::new("t", bytes.as_slice()) {
            if let Err(e) = case { let _ = (e.to_string(), line(&e)); }
        }
    }

    #[test]
    fn no_near_miss_breaks_the_reader(
        text in "[\\[\\{]?(\\{|\\}|\\[|\\]|,|:|\"case\"|\"administrations\"|\"policy\"|\"é\"|\"\\\\u00|\"|null|true|-1.5|\n| |\u{feff}|\\\\){0,40}",
        cut in 0usize..40,
    ) {
        let bytes = &text.as_bytes()[cut.min(text.len())..];
        for case in JsonCases::new("t", bytes) {
            if let Err(e) = case {
                prop_assert!(!e.message.is_empty());
                let _ = (e.to_string(), line(&e));
            }
        }
    }

    #[test]
    fn small_reads_change_nothing(
        text in "(\\{\"case\":\"[a-z\\\\\"é]{0,3}\"\\}?|[\\[\\],\n ]){0,12}",
        size in 1usize..5,
    ) {
        let whole: Vec<_> = JsonCases::new("t", text.as_bytes()).collect();
        let parts: Vec<_> = JsonCases::new("t", std::io::BufReader::with_capacity(size, text.as_bytes())).collect();
        prop_assert_eq!(whole, parts);
    }
}
