//! The command as a user meets it: what is printed where, and how it ends.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const SEED: &str = "office 2026-01-05\nZofran 4 mg IV push 10:00\nZofran 4 mg IV push 10:35\n";
const NOTICE_START: &str = "CPT codes © AMA; labels are ours";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("a folder for the test");
        Folder(dir)
    }

    fn file(&self, name: &str, text: &str) -> &Self {
        fs::write(self.0.join(name), text).expect("a file for the test");
        self
    }

    fn run(&self, args: &[&str]) -> Ended {
        self.with_input(args, "")
    }

    fn with_input(&self, args: &[&str], input: &str) -> Ended {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dripline"))
            .args(args)
            .current_dir(&self.0)
            // The user's own tables are no part of a test.
            .env("HOME", &self.0)
            .env("XDG_DATA_HOME", self.0.join("data"))
            .env_remove("DRIPLINE_REFERENCE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        // The command may end before it has read everything.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        Ended::of(child.wait_with_output().expect("the command ends"))
    }
}

#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ended { code: output.status.code().expect("a code"), out: text(output.stdout), err: text(output.stderr) }
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

#[test]
fn a_worksheet_is_coded_for_reading() {
    let ended = Folder::new("text").file("chart.txt", SEED).run(&["code", "chart.txt"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert!(ended.out.starts_with("Case 1   office · policy cpt · 2026-01-05\n\n  Code   Units"), "{}", ended.out);
    assert!(ended.out.contains("Given twice. Billed once"), "{}", ended.out);
    assert!(!ended.out.contains('\u{1b}'), "no colour when piped");
    assert_eq!(ended.out.matches(NOTICE_START).count(), 1);
}

#[test]
fn one_case_is_an_object_several_are_a_list() {
    let folder = Folder::new("json");
    folder
        .file("one.txt", SEED)
        .file("two.txt", &format!("{SEED}\n{SEED}"))
        .file("bad.json", "{\"setting\":\"x\"}\n{}");
    let one = folder.run(&["code", "one.txt", "--format", "json"]);
    assert_eq!((one.code, one.json()["lines"][0]["code"].as_str()), (0, Some("96374")));
    let two = folder.run(&["code", "two.txt", "--format", "json"]).json();
    assert_eq!(two.as_array().map(Vec::len), Some(2));
    assert_eq!(two[1]["case"], "2");
    let both = folder.run(&["code", "one.txt", "one.txt", "--format", "json"]).json();
    assert_eq!((both[0]["case"].as_str(), both[1]["case"].as_str()), (Some("1"), Some("2")));
    let bad = folder.run(&["code", "bad.json", "--format", "json"]);
    assert_eq!((bad.code, bad.out.as_str()), (2, "[]\n"));
    let mixed = folder.run(&["code", "bad.json", "one.txt", "--format", "json"]);
    assert_eq!((mixed.code, mixed.json().as_array().map(Vec::len)), (2, Some(1)));
}

#[test]
fn a_bad_case_holds_its_place_in_json_lines() {
    let lines = "{\"case\":\"a\",\"setting\":\"office\",\"as_of\":\"2026-01-05\"}\n{\"case\":\"b\",\"setting\":\"ofice\"}\n{\"case\":\"c\",\"administrations\":[]}\n{\"case\":\n";
    let ended = Folder::new("jsonl").with_input(&["code", "-", "--format", "jsonl"], lines);
    assert_eq!((ended.code, ended.err.as_str()), (2, ""));
    let rows: Vec<serde_json::Value> = ended.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[0]["case"], "a");
    assert_eq!(
        rows[1].to_string(),
        r#"{"case":"b","error":{"column":23,"file":"-","help":"did you mean `office`?","line":2,"message":"`ofice` is not a value of this key","path":"setting"}}"#
    );
    assert_eq!(rows[2]["case"], "c");
    assert_eq!((rows[2]["error"]["line"].as_i64(), rows[2]["error"]["column"].as_i64()), (Some(3), Some(1)));
    assert!(rows[3]["case"].is_null());
}

#[test]
fn a_bad_case_goes_to_standard_error_elsewhere() {
    let lines =
        "{\"case\":\"b\",\"setting\":\"ofice\"}\n{\"case\":\"a\",\"setting\":\"office\",\"as_of\":\"2026-01-05\"}\n";
    for format in ["text", "csv", "json"] {
        let ended = Folder::new("stderr").with_input(&["code", "-", "--format", format], lines);
        assert_eq!(ended.code, 2);
        assert!(!ended.out.contains("ofice"));
        assert_eq!(
            ended.err,
            "error: -:1:23: case b: setting: `ofice` is not a value of this key\n  |\n1 | {\"case\":\"b\",\"setting\":\"ofice\"}\n  |                       ^^^^^^^\n  = help: did you mean `office`?\n"
        );
    }
}

#[test]
fn each_line_comes_as_soon_as_its_case_is_read() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dripline"))
        .args(["code", "-", "--format", "jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    for case in ["first", "second"] {
        writeln!(input, "{{\"case\":\"{case}\",\"setting\":\"office\",\"as_of\":\"2026-01-05\"}}").unwrap();
        let mut line = Vec::new();
        let mut byte = [0];
        while line.last() != Some(&b'\n') {
            assert_eq!(output.read(&mut byte).unwrap(), 1);
            line.push(byte[0]);
        }
        assert!(String::from_utf8(line).unwrap().starts_with(&format!("{{\"case\":\"{case}\"")));
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dripline"))
        .args(["code", "-", "--format", "jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    for _ in 0..1000 {
        if writeln!(input, "{{\"setting\":\"office\",\"as_of\":\"2026-01-05\"}}").is_err() {
            break;
        }
    }
    drop(input);
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
}

#[test]
fn csv_has_one_header_for_all_files() {
    let folder = Folder::new("csv");
    let ended = folder.file("chart.txt", SEED).run(&["code", "chart.txt", "chart.txt", "--format", "csv"]);
    assert!(
        ended.out.starts_with(
            "case,kind,code,units,modifiers,date,administrations,rules,why\n1,line,96374,1,,2026-01-05,1,"
        )
    );
    assert_eq!(ended.out.matches("case,kind").count(), 1);
    assert!(ended.out.contains("\n2,drug_line,J2405,8,,2026-01-05,\"1;2\",units-round-up,"));
}

#[test]
fn the_call_wins_over_the_case_and_says_so() {
    let folder = Folder::new("set");
    folder.file(
        "case.json",
        r#"{"setting":"facility","profile":"medicare","policy":{"same_push_gap":"gt30"},"administrations":[
        {"drug":"Zofran","dose":"4 mg","route":"IV","method":"push","start":"2026-01-05T10:00"},
        {"drug":"Zofran","dose":"4 mg","route":"IV","method":"push","start":"2026-01-05T10:30"}]}"#,
    );
    let codes = |args: &[&str]| {
        let mut all = vec!["code", "case.json", "--format", "json", "--no-alternatives"];
        all.extend(args);
        let coding = folder.run(&all).json();
        let codes: Vec<_> =
            coding["lines"].as_array().unwrap().iter().map(|l| l["code"].as_str().unwrap().to_owned()).collect();
        (codes, coding)
    };
    assert_eq!(codes(&[]).0, ["96374"]);
    let (set, coding) = codes(&["--set", "same_push_gap=ge30", "--profile", "cpt"]);
    assert_eq!(set, ["96374", "96376"]);
    assert_eq!(coding["profile"], "cpt");
    let said = coding["assumptions"].to_string();
    assert!(said.contains("\"profile\"") && said.contains("policy.same_push_gap"), "{said}");
    assert_eq!(coding["alternatives"].to_string(), "[]");
    assert_eq!(codes(&["--no-drug-lines"]).1["drug_lines"].to_string(), "[]");
}

#[test]
fn a_wrong_call_says_how_to_mend_it() {
    let folder = Folder::new("wrong");
    folder.file("chart.txt", SEED);
    let cases: [(&[&str], &str); 8] = [
        (
            &["code", "chart.txt", "--set", "hydration_sum"],
            "error: --set hydration_sum: no value\n  = help: write --set switch=value\n",
        ),
        (
            &["code", "chart.txt", "--set", "hydration_som=all"],
            "error: --set hydration_som=all: there is no switch `hydration_som`\n  = help: did you mean `hydration_sum`?",
        ),
        (
            &["code", "chart.txt", "--profile", "medicar"],
            "error: there is no policy `medicar`\n  = help: did you mean medicare?",
        ),
        (
            &["code", "none.txt"],
            "error: none.txt: there is no such file\n  = help: check the name; - reads standard input\n",
        ),
        (&["why-not", "9637", "chart.txt"], "error: `9637` is not a code\n  = help: "),
        (&["why-not", "96376", "chart.txt", "--case", "7"], "error: chart.txt: there is no case `7`\n"),
        (
            &["compare", "chart.txt", "--with", "setting=clinic"],
            "error: --with: `clinic` is not a setting\n  = help: write setting=office or setting=facility\n",
        ),
        (
            &["rule", "same-push"],
            "error: there is no rule `same-push`\n  = help: near it: same-push-again-facility, same-push-again-office",
        ),
    ];
    for (args, expected) in cases {
        let ended = folder.run(args);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{args:?}");
        assert!(ended.err.starts_with(expected), "{args:?}\n{}", ended.err);
    }
    assert_eq!(folder.run(&["cod"]).code, 2);
    assert_eq!(folder.run(&["code"]).code, 2);
}

#[test]
fn why_not_answers_for_earned_and_unearned_codes() {
    let folder = Folder::new("why-not");
    folder.file("chart.txt", SEED);
    let unearned = folder.run(&["why-not", "96376", "chart.txt"]);
    assert_eq!((unearned.code, unearned.err.as_str()), (0, ""));
    assert!(
        unearned.out.starts_with("Case 1: 96376 (push, same drug again (facility)) is not earned\n"),
        "{}",
        unearned.out
    );
    assert!(unearned.out.contains("Needs: a hospital outpatient setting"), "{}", unearned.out);
    let earned = folder.run(&["why-not", "96374", "chart.txt", "--format", "json", "--case", "1"]).json();
    assert_eq!(earned["earned"], true);
    assert_eq!(earned["obstacles"][0]["administrations"][0], "1");
    folder.file(
        "three.txt",
        "office 1/5/26 case=a\nZofran 4 mg IVP 10:00\n\noffice 1/5/26 case=b\nZofran 4 mgg IVP 10:00\n",
    );
    let asked = folder.run(&["why-not", "96374", "three.txt", "--format", "json", "--case", "a"]);
    assert_eq!((asked.code, asked.err.as_str(), asked.json()["case"].as_str()), (0, "", Some("a")));
    let bad = folder.run(&["why-not", "96374", "three.txt", "--case", "b"]);
    assert_eq!(bad.code, 2);
    assert!(bad.err.starts_with("error: three.txt:5:8: case b: `4` has no unit that is known"), "{}", bad.err);
    let nobody = folder.run(&["why-not", "96374", "three.txt", "--case", "z"]);
    assert_eq!((nobody.code, nobody.err.lines().next()), (2, Some("error: three.txt: there is no case `z`")));
    let foreign = folder.run(&["why-not", "99285", "chart.txt", "--format", "json"]);
    assert_eq!((foreign.code, foreign.json()["earned"].as_bool()), (0, Some(false)));
}

#[test]
fn compare_puts_two_answers_side_by_side() {
    let folder = Folder::new("compare");
    folder.file("chart.txt", SEED);
    let ended = folder.run(&["compare", "chart.txt", "--with", "setting=facility"]);
    assert_eq!(ended.code, 0);
    assert!(ended.out.contains("  >  96376       –         1  push, same drug again (facility)"), "{}", ended.out);
    let json = folder.run(&["compare", "chart.txt", "--with", "profile=conservative", "--format", "json"]).json();
    assert_eq!((json["left"]["name"].as_str(), json["right"]["name"].as_str()), (Some("cpt"), Some("conservative")));
    let billed = folder.run(&["compare", "chart.txt", "--with", "billed"]);
    assert_eq!(billed.code, 2);
    assert!(billed.err.contains("the case does not say what was billed"), "{}", billed.err);
}

#[test]
fn a_support_sheet_is_one_claim_and_a_person_signs_it() {
    let folder = Folder::new("support");
    folder
        .file("chart.txt", SEED)
        .file("two.txt", &format!("{SEED}\nfacility 2026-01-06 case=B\nToradol 30 mg IM 09:00\n"));
    let ended = folder.run(&["support", "chart.txt"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert!(ended.out.contains("96374") && ended.out.contains("DRAFT: not signed off"), "{}", ended.out);

    let signed = |on: &str| folder.run(&["support", "chart.txt", "--signed-by", "A. Coder", "--signed-on", on]);
    let ended = signed("2026-01-05");
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.out.contains("Signed off by A. Coder on 2026-01-05") && !ended.out.contains("DRAFT"),
        "{}",
        ended.out
    );
    for (on, says, help) in [
        ("2026-01-04", "it is signed before the service", "write the date on which a person checked the sheet"),
        ("9999-12-31", "the date is still to come", "write the date on which a person checked the sheet"),
        ("1/5/26", "--signed-on 1/5/26: not a date", "write it as 2026-01-05"),
    ] {
        let ended = signed(on);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{on}");
        assert!(ended.err.contains(says) && ended.err.contains(help), "{on}: {}", ended.err);
    }
    let nobody = folder.run(&["support", "chart.txt", "--signed-by", " ", "--signed-on", "2026-01-05"]);
    assert_eq!((nobody.code, nobody.out.as_str()), (2, ""));
    assert!(nobody.err.contains("--signed-by: nobody is named"), "{}", nobody.err);

    // A page is one claim: of two, neither is written.
    let page = folder.run(&["support", "two.txt", "--format", "html"]);
    assert_eq!((page.code, page.out.as_str()), (2, ""));
    assert!(page.err.contains("a page holds one claim") && page.err.contains("--case"), "{}", page.err);
    let page = folder.run(&["support", "two.txt", "--format", "html", "--case", "B"]);
    assert_eq!(page.code, 0, "{}", page.err);
    assert!(page.out.contains("96372") && !page.out.contains("96374"), "{}", page.out);
    let none = folder.run(&["support", "two.txt", "--case", "C"]);
    assert_eq!(none.code, 2);
    assert!(none.err.contains("there is no case `C`"), "{}", none.err);
}

#[test]
fn rules_policies_and_schemas_are_shown() {
    let folder = Folder::new("show");
    let page = folder.run(&["rule", "same-push-again-office"]).out;
    assert!(page.starts_with("Same drug pushed again, office\n"), "{page}");
    assert!(page.contains("\nGrade      B, several sources agree\n") && page.contains("\nFires\n"), "{page}");
    // Paragraphs are broken anew, not where the page's source breaks them.
    let long = folder.run(&["rule", "same-drug-infusions"]).out;
    assert!(long.contains("\nNo CPT or CMS text settles how. The default is the lower of the two common\n"), "{long}");
    let list = folder.run(&["rule"]).out;
    assert!(list.contains("\nsame drug\n") && list.contains("same-push-again-office"), "{list}");
    let policy = folder.run(&["policy", "show", "medicare"]).out;
    assert!(
        policy.contains("home_pump_code = G0498\n    takes one of 96416, G0498\n    medicare: since 2016-01-01."),
        "{policy}"
    );
    let earlier = folder.run(&["policy", "show", "medicare", "--as-of", "2015-06-01"]).out;
    assert!(earlier.contains("home_pump_code = 96416\n"), "{earlier}");
    folder.file("bad.toml", "name = \"mine\"\ntitle = \"Mine\"\ninherits = \"cpt\"\n[[value]]\nswitch = \"hydration_som\"\nvalue = \"all\"\nsince = \"2020-01-01\"\nsource = \"us\"\n");
    let bad = folder.run(&["policy", "check", "bad.toml"]);
    assert_eq!(bad.code, 2);
    assert!(bad.err.starts_with("error: bad.toml:5:"), "{}", bad.err);
    folder.file("good.toml", "name = \"mine\"\ntitle = \"Mine\"\ninherits = \"cpt\"\n[[value]]\nswitch = \"same_push_gap\"\nvalue = \"ge30\"\nsince = \"2013-01-01\"\nsource = \"us\"\n");
    assert_eq!(folder.run(&["policy", "check", "good.toml"]).out, "good.toml: nothing is wrong\n");
    folder.file("chart.txt", SEED);
    assert_eq!(
        folder.run(&["code", "chart.txt", "--profile", "good.toml", "--format", "json"]).json()["profile"],
        "mine"
    );
    for shape in ["case", "coding"] {
        assert_eq!(folder.run(&["schema", shape]).json()["additionalProperties"], false);
    }
}

#[test]
fn what_is_converted_codes_alike() {
    let folder = Folder::new("convert");
    folder.file("chart.txt", SEED);
    let coding = folder.run(&["code", "chart.txt", "--format", "jsonl"]).out;
    for to in ["json", "jsonl", "worksheet"] {
        let written = folder.run(&["convert", "chart.txt", "--to", to]);
        assert_eq!(written.code, 0);
        assert_eq!(folder.with_input(&["code", "-", "--format", "jsonl"], &written.out).out, coding, "{to}");
    }
}

#[test]
fn text_cases_hold_fail_or_are_completed() {
    let folder = Folder::new("test");
    let case = |lines: &str| format!("# Twice in an office.\n{SEED}----\n{lines}");
    folder.file("good.case", &case("96374 x1\n")).file("bad.case", &case("96374 x2\n")).file("open.case", &case(""));
    let good = folder.run(&["test", "good.case"]);
    assert_eq!((good.code, good.out.as_str()), (0, "1 of 1 cases hold\n"));
    let bad = folder.run(&["test", "good.case", "bad.case"]);
    assert_eq!(bad.code, 1);
    assert!(bad.out.contains("bad.case") && bad.out.contains("1 of 2 cases hold"), "{}", bad.out);
    // An expectation that is missing or cannot be read is no finding of the cases.
    let open = folder.run(&["test", "."]);
    assert_eq!(open.code, 2);
    assert!(open.out.contains("open.case") && open.out.contains("1 of 3 cases hold"), "{}", open.out);
    assert_eq!(folder.run(&["test", "open.case", "--complete"]).code, 0);
    assert!(fs::read_to_string(folder.0.join("open.case")).unwrap().contains("96374 x1\n"));
    assert_eq!(folder.run(&["test", "open.case"]).code, 0);
    assert_eq!(folder.run(&["test", "none.case"]).code, 2);
    folder.file("slip.case", "office 2026-01-05\nZofran 4 mg IV push 10:00\n----\n96374 y1\n");
    folder.file("slip.jsonl", "{\"id\": 1}\n");
    let slip = folder.run(&["test", "slip.case"]);
    assert_eq!((slip.code, slip.out.lines().next()), (2, Some("slip.case:1: a case")));
    assert_eq!(folder.run(&["test", "slip.jsonl"]).code, 2);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let folder = Folder::new("same");
    folder.file("chart.txt", SEED);
    for format in ["text", "json", "jsonl", "csv"] {
        let run = || folder.run(&["code", "chart.txt", "--format", format]).out;
        assert_eq!(run(), run());
    }
}

const LIMITS: &str = "HCPCS Code,HCPCS Code Dosage,Payment Limit\nJ2405,1 MG,0.125\n";
const MUE: &str = "HCPCS/CPT Code,Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n\
                   96374,1,3 Date of Service Edit: Clinical,made up\nJ2405,2,3 Date of Service Edit: Clinical,made up\n";

#[test]
fn tables_are_imported_listed_and_compared() {
    let folder = Folder::new("reference");
    folder.file("asp_2026q1.csv", LIMITS).file("mue.csv", MUE).file("later.csv", &MUE.replace("J2405,2,", "J2405,9,"));
    let none = folder.run(&["reference", "list"]);
    assert!(none.out.ends_with("no tables are stored\n"), "{none:?}");
    let read = folder.run(&["reference", "import", "asp_2026q1.csv"]);
    assert_eq!((read.code, read.err.as_str()), (0, ""));
    assert!(read.out.starts_with("asp_2026q1.csv: ASP payment limits, 2026Q1"), "{}", read.out);
    // What does not say its quarter is told it.
    let refused = folder.run(&["reference", "import", "mue.csv"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("quarter"), "{}", refused.err);
    assert_eq!(folder.run(&["reference", "import", "mue.csv", "--quarter", "2026Q1"]).code, 0);
    assert_eq!(folder.run(&["reference", "import", "later.csv", "--quarter", "2026Q2"]).code, 0);
    let list = folder.run(&["reference", "list"]).out;
    let kinds: Vec<_> = list.lines().map(|l| l.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(kinds, ["mue-practitioner 2026Q1", "mue-practitioner 2026Q2", "asp 2026Q1"]);
    let diff = folder.run(&["reference", "diff"]).out;
    assert_eq!(
        diff,
        "NCCI MUE, practitioner, 2026Q1 to 2026Q2: 0 added, 0 removed, 1 changed\n~ J2405: 2 units, MAI 3 -> 9 units, MAI 3\n"
    );
    for (args, says) in [
        (&["reference", "diff", "asp"][..], "asp: fewer than two quarters are stored"),
        (&["reference", "diff", "asp", "2026Q1", "2026Q2"], "no asp of 2026Q2"),
        (&["reference", "diff", "prices"], "`prices` is not a table"),
        (&["reference", "import", "mue.csv", "--quarter", "2026"], "--quarter: `2026` is not a quarter"),
        (&["code", "-", "--reference", "nowhere"], "--reference: there is no folder nowhere"),
    ] {
        let ended = folder.with_input(args, SEED);
        assert_eq!(ended.code, 2, "{args:?}");
        assert!(ended.err.contains(says), "{args:?}: {}", ended.err);
    }

    // The user's own folder is used without being named; another one replaces it.
    let edits = |args: &[&str]| {
        let coding = folder.with_input(&[&["code", "-", "--format", "json"], args].concat(), SEED).json();
        let edits = coding["edits"].as_array().expect("a list").clone();
        edits
            .iter()
            .map(|e| format!("{} {}", e["kind"].as_str().unwrap(), e["code"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(edits(&[]), ["mue J2405"]);
    fs::create_dir(folder.0.join("empty")).expect("a folder");
    assert_eq!(edits(&["--reference", "empty"]), ["not_checked J2405"]);
}

#[test]
fn money_stands_beside_the_coding_and_only_where_it_is_asked_for() {
    let folder = Folder::new("money");
    folder.file("asp_2026q1.csv", LIMITS);
    assert_eq!(folder.run(&["reference", "import", "asp_2026q1.csv"]).code, 0);
    let plain = folder.with_input(&["code", "-", "--format", "jsonl"], SEED);
    let both = folder.with_input(&["code", "-", "--format", "jsonl", "--money"], SEED).json();
    assert_eq!(both["coding"], plain.json(), "money changes nothing of the coding");
    let lines: Vec<_> = both["money"]["lines"].as_array().unwrap().iter().map(|l| (&l["code"], &l["amount"])).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].1.is_null() && lines[1].1 == "1.00", "{lines:?}");
    assert_eq!(both["money"]["total"], "1.00");
    let text = folder.with_input(&["code", "-", "--money"], SEED).out;
    assert!(text.contains("Total 1.00, without one line that has no amount."), "{text}");
    let csv = folder.with_input(&["code", "-", "--money", "--format", "csv"], SEED).out;
    assert!(
        csv.lines().any(|l| l.starts_with("1,money,J2405,8,,2026-01-05,,,") && l.contains("1.00: 8 × limit 0.125")),
        "{csv}"
    );
    assert!(!plain.out.contains("money") && !folder.with_input(&["code", "-"], SEED).out.contains("Money"));
    for (args, says) in [
        (&["--money", "--locality", "Alabama"][..], "--locality Alabama: no locality"),
        (&["--money", "--wage-index", "much"], "--wage-index much: not a number"),
        (&["--wage-index", "1"], "--money"),
    ] {
        let ended = folder.with_input(&[&["code", "-"], args].concat(), SEED);
        assert!(ended.code == 2 && ended.err.contains(says), "{args:?}: {}", ended.err);
    }
}

#[test]
fn a_stock_list_fills_in_the_containers() {
    let folder = Folder::new("vials");
    folder
        .file("stock.csv", "drug,kind,amount\nondansetron,single_dose,4 mg\n")
        .file("bad.csv", "drug,kind,amount\nx,vial,1 mg\n");
    let coding = folder.with_input(&["code", "-", "--vials", "stock.csv", "--format", "json"], SEED).json();
    assert_eq!(coding["drug_lines"][0]["modifiers"], serde_json::json!(["JZ"]));
    assert_eq!(coding["queries"], serde_json::json!([]));
    let took: Vec<_> = coding["assumptions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|a| a["path"].as_str().unwrap().ends_with("containers"))
        .collect();
    assert_eq!(took.len(), 2);
    let bad = folder.with_input(&["code", "-", "--vials", "bad.csv"], SEED);
    assert!(bad.code == 2 && bad.err.contains("bad.csv:2: `vial` is no kind of container"), "{}", bad.err);
}
