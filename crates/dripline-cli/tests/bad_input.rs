//! What is wrong with a file is told in one message, with its place and what would mend it, and never costs a panic, an
//! unsaid guess or the memory of the machine.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn folder() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bad-input");
    fs::create_dir_all(&dir).expect("a folder for the test");
    dir
}

/// Exit code and the one line that the command writes about a file.
fn answer(path: &Path) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_dripline"))
        .args(["code", "--format", "jsonl", "--no-alternatives"])
        .arg(path)
        .env_remove("DRIPLINE_REFERENCE")
        .output()
        .expect("the command runs");
    let (out, err) = (String::from_utf8(output.stdout).expect("UTF-8"), String::from_utf8_lossy(&output.stderr));
    assert!(!err.contains("panicked"), "{err}");
    assert_eq!(out.lines().count(), 1, "{out}{err}");
    (output.status.code().expect("a code"), serde_json::from_str(&out).expect("JSON"))
}

/// `line:column path: message (help)`, as the command tells it about these bytes.
fn complaint(name: &str, bytes: &[u8]) -> String {
    let path = folder().join(name);
    fs::write(&path, bytes).expect("a file for the test");
    told(&path)
}

fn told(path: &Path) -> String {
    let (code, value) = answer(path);
    assert_eq!(code, 2, "{value}");
    let error = &value["error"];
    let text = |key: &str| error[key].as_str().expect("a text").to_owned();
    assert!(!text("help").is_empty(), "{value}");
    format!("{}:{} {}: {}", error["line"], error["column"], text("path"), text("message"))
}

fn coding(name: &str, row: &str) -> Value {
    let path = folder().join(name);
    fs::write(&path, format!(r#"{{"setting":"facility","administrations":[{row}]}}"#)).expect("a file for the test");
    let (code, value) = answer(&path);
    assert_eq!(code, 0, "{value}");
    value
}

#[test]
fn nothing_half_and_foreign() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "1:1 : there is no case here"),
        (b"  \n\n", "3:1 : there is no case here"),
        (b"[]", "1:3 : the list holds no case"),
        (b"[[{}]]", "1:2 : a case must be an object { … }"),
        (
            br#"{"setting":"office","administrations":[{"drug":"Zof"#,
            "1:52 administrations[0].drug: the text ends inside a quoted text",
        ),
        (
            br#"{"setting":"office","administrations":[{"drug":"Zofran"}"#,
            "1:57 administrations: the text ends inside a list",
        ),
        (b"office 2026-01-05\nZofran\xe9 4 mg IV push 10:00\n", "2:7 : byte 0xe9 is not UTF-8"),
        (b"office 2026-01-05\nZofran 4 mg IV push 10:00\0\n", "2:21 : `10:00\0` is not a word of the worksheet"),
        (b"\x1f\x8b\x08\x00\x00", "1:2 : byte 0x8b is not UTF-8"),
        (
            br#"{"setting":"office","setting":"facility","administrations":[]}"#,
            "1:21 setting: `setting` is given twice",
        ),
    ];
    for (n, (bytes, expected)) in cases.iter().enumerate() {
        let said = complaint(&format!("half-{n}"), bytes);
        assert_eq!(said, *expected, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn types_ids_and_dates() {
    let row = |row: &str| format!(r#"{{"setting":"office","administrations":[{row}]}}"#);
    let at = |time: &str| row(&format!(r#"{{"drug":"Zofran","route":"IV","method":"push","start":"{time}"}}"#));
    let cases = [
        (
            r#"{"setting":"office","administrations":{"drug":"x"}}"#.to_owned(),
            "1:39 administrations: expected a list [ … ], found an object",
        ),
        (row(r#"{"drug":7}"#), "1:48 administrations[0].drug: expected a text, found the number `7`"),
        (
            row(r#"{"drug":"Zofran","route":"IM","date":"2026-01-05","planned_minutes":99999999999}"#),
            "1:108 administrations[0].planned_minutes: expected a whole number from 0 to 4294967295, found the number `99999999999`",
        ),
        (
            row(
                r#"{"id":"a","drug":"Zofran","route":"IM","date":"2026-01-05"},{"id":"a","drug":"Zofran","route":"IM","date":"2026-01-05"}"#,
            ),
            "1:106 administrations[1].id: the id `a` is already that of administrations[0]",
        ),
        (
            at("0000-01-05T10:00"),
            "1:94 administrations[0].start: 0000-01-05 is before 2013-01-01, where the rule sets begin",
        ),
        (
            at("2012-12-31T10:00"),
            "1:94 administrations[0].start: 2012-12-31 is before 2013-01-01, where the rule sets begin",
        ),
        (at("9999-12-31T23:59"), "1:94 administrations[0].start: 9999-12-31 cannot be a date of service"),
        (at("10000-01-01T00:00"), "1:94 administrations[0].start: `10000-01-01T00:00` is not a time"),
        (at("2026-02-30T10:00"), "1:94 administrations[0].start: `2026-02-30T10:00` is not a time"),
        (
            row(
                r#"{"drug":"Rocephin","route":"IV","method":"infusion","start":"2026-01-05T10:00","stop":"2026-01-05T12:00","interruptions":[{"start":"2026-01-05T11:10","stop":"2026-01-05T10:30"}]}"#,
            ),
            "1:197 administrations[0].interruptions[0].stop: the pause ends before it has begun",
        ),
    ];
    for (n, (text, expected)) in cases.iter().enumerate() {
        assert_eq!(complaint(&format!("types-{n}"), text.as_bytes()), *expected, "{text}");
    }
}

#[test]
fn an_id_that_looks_like_a_person_is_refused_first_and_not_repeated() {
    for (name, text) in [
        ("person-1", r#"{"case":"John Smith","setting":"facility","administrations":[]}"#),
        ("person-2", r#"{"case":"John Smith","setting":"ofice"}"#),
        ("person-3", r#"{"case":"123-45-6789","administrations":[]}"#),
        ("person-4", "office 1/5/26 case=\"John Smith\"\nZofran 4 mg IVP 10:00\n"),
        ("person-5", "office 1/5/26 case=\"John Smith\"\nZofran 4 mgg IVP 10:00\n"),
    ] {
        let path = folder().join(name);
        fs::write(&path, text).expect("a file for the test");
        let (code, value) = answer(&path);
        assert_eq!((code, &value["case"]), (2, &Value::Null), "{value}");
        assert!(!value.to_string().contains("Smith") && !value.to_string().contains("6789"), "{value}");
    }
    let said = complaint("person", br#"{"case":"John Smith","administrations":[]}"#);
    assert_eq!(said, "1:9 case: this looks like a person's name and is not read on");
    let said = complaint("nobody", br#"{"case":" ","setting":"office","as_of":"2026-01-05"}"#);
    assert_eq!(said, "1:9 case: an empty id");
}

#[test]
fn a_switch_that_takes_another_value_says_which() {
    for (policy, message, help) in [
        (
            r#"{"hydration_sum":"per"}"#,
            "`hydration_sum` takes one of all, per_interval, not `per`",
            "`dripline policy show cpt` lists every switch with the values that it takes",
        ),
        (
            r#"{"hydration_floor_minutes":"16"}"#,
            "`hydration_floor_minutes` takes one of 31, 16, not `16`",
            "write the number without quotes: 16",
        ),
        (
            r#"{"hydration_floor_minutes":20}"#,
            "`hydration_floor_minutes` takes one of 31, 16, not `20`",
            "write 31 or 16",
        ),
        (
            r#"{"bolus_gap":45}"#,
            "`bolus_gap` takes a whole number from 0 to 30, not `45`",
            "write a whole number from 0 to 30",
        ),
    ] {
        let path = folder().join("switch");
        fs::write(&path, format!(r#"{{"setting":"office","as_of":"2026-01-05","policy":{policy}}}"#)).expect("a file");
        let error = &answer(&path).1["error"];
        assert_eq!((error["message"].as_str(), error["help"].as_str()), (Some(message), Some(help)), "{policy}");
    }
}

#[test]
fn large_and_deep() {
    let folder = folder();
    let write = |name: &str, before: &str, part: &str, times: usize| {
        let path = folder.join(name);
        let mut to = BufWriter::new(File::create(&path).expect("a file for the test"));
        to.write_all(before.as_bytes()).expect("written");
        for _ in 0..times {
            to.write_all(part.as_bytes()).expect("written");
        }
        to.flush().expect("written");
        path
    };
    let before = r#"{"setting":"office","administrations":[{"drug":""#;
    let million = "x".repeat(1_000_000);
    let files = [
        (write("deep", "", "[", 100_000), "1:2 : a case must be an object { … }"),
        (
            write("deeper", "{\"setting\":\"office\",\"policy\":{\"a\":", "[", 100_000),
            "1:36 policy.a[0]: expected a text, found a list",
        ),
        (write("long-case", before, &million, 100), "1:1 : a case is longer than 16 MB"),
        (write("long-line", "", &million, 100), "1:1 : the text is longer than 64 MB"),
        (
            write("long-text", "office 2026-01-05\n", "Zofran 4 mg IV push 10:00\n", 4_000_000),
            "1:1 : the text is longer than 64 MB",
        ),
    ];
    for (path, expected) in &files {
        assert_eq!(told(path), *expected, "{}", path.display());
        fs::remove_file(path).expect("removed");
    }
}

/// What contradicts itself in a way that a person has to settle is coded as far as it is provable, and asked.
#[test]
fn what_can_be_read_and_cannot_be_true() {
    let codes = |value: &Value, key: &str| -> Vec<String> {
        let lines = value["lines"].as_array().expect("lines").iter();
        lines.map(|l| format!("{} x{}", l[key].as_str().expect("a code"), l["units"])).collect()
    };
    let queries = |value: &Value| -> Vec<String> {
        let queries = value["queries"].as_array().expect("queries").iter();
        queries.map(|q| q["field"].as_str().expect("a field").to_owned()).collect()
    };
    let value = coding(
        "backwards",
        r#"{"drug":"Rocephin","dose":"1 g","route":"IV","method":"infusion","start":"2026-01-05T10:00","stop":"2026-01-05T09:00"}"#,
    );
    assert_eq!(codes(&value, "code"), Vec::<String>::new());
    assert_eq!(value["drug_lines"][0]["units"], 4, "the drug was given");
    assert_eq!(queries(&value), ["containers", "stop"]);
    assert_eq!(value["unreported"][0]["rules"][0], "impossible-times");

    // Two hours less the half hour from 10:10 to 10:40: ninety minutes are one hour, ninety-one are two.
    let paused = |stop: &str| {
        coding(
            "pauses",
            &format!(
                r#"{{"drug":"Rocephin","dose":"1 g","route":"IV","method":"infusion","start":"2026-01-05T10:00","stop":"2026-01-05T{stop}","interruptions":[{{"start":"2026-01-05T10:10","stop":"2026-01-05T10:30"}},{{"start":"2026-01-05T10:20","stop":"2026-01-05T10:40"}}]}}"#
            ),
        )
    };
    assert_eq!(codes(&paused("12:00"), "code"), ["96365 x1"]);
    assert_eq!(codes(&paused("12:01"), "code"), ["96365 x1", "96366 x1"]);

    for dose in
        ["-4 mg", "0 mg", "4", "a bag", "99999999999999999999999999999999 mg", "79228162514264337593543950335 g"]
    {
        let row =
            format!(r#"{{"drug":"Zofran","dose":"{dose}","route":"IV","method":"push","start":"2026-01-05T10:00"}}"#);
        let value = coding("dose", &row);
        assert_eq!(codes(&value, "code"), ["96374 x1"], "{dose}");
        assert_eq!(value["drug_lines"], Value::Array(Vec::new()), "{dose}");
        assert_eq!(queries(&value), ["dose"], "{dose}");
    }
}
