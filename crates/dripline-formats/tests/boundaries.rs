//! Every threshold at both of its sides, through the whole answer.

use dripline::coding::{Coding, Fate};
use dripline_formats::worksheet;
use dripline_reference::{Coder, Options};

thread_local! {
    static CODER: Coder = Coder::default();
}

/// Codes a worksheet, or says why it is refused.
fn coded(sheet: &str) -> Result<Coding, String> {
    let parsed = worksheet::parse_one(sheet).unwrap_or_else(|problem| panic!("{problem}"));
    CODER.with(|coder| coder.code(&parsed.chart, 1, &[], &Options::default())).map_err(|e| e.to_string())
}

/// The lines in their order, as `96365x1 96366x2`; with dates where there are several.
fn lines(coding: &Coding) -> String {
    let several = coding.lines.iter().any(|l| l.date != coding.lines[0].date);
    let one = |l: &dripline::coding::Line| {
        let modifiers: String = l.modifiers.iter().map(|m| format!("-{m}")).collect();
        let date = if several { format!("@{}", l.date) } else { String::new() };
        format!("{}{modifiers}x{}{date}", l.code, l.units)
    };
    coding.lines.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// A clock time so many minutes after ten.
fn clock(minutes: u32) -> String {
    let of_day = 600 + minutes;
    format!("{:02}:{:02}", of_day / 60, of_day % 60)
}

/// Checks rows of minutes and lines of a sheet in which `{}` is ten o'clock plus the minutes.
fn table(sheet: &str, rows: &[(u32, &str)]) {
    for (minutes, wanted) in rows {
        let sheet = sheet.replace("{}", &clock(*minutes));
        let coding = coded(&sheet).unwrap_or_else(|e| panic!("{sheet}{e}"));
        assert_eq!(lines(&coding), *wanted, "{minutes} minutes\n{sheet}");
    }
}

/// Checks whole sheets.
fn sheets(rows: &[(&str, &str)]) {
    for (sheet, wanted) in rows {
        match coded(sheet) {
            Ok(coding) => assert_eq!(lines(&coding), *wanted, "{sheet}"),
            Err(error) => {
                let wanted = wanted.strip_prefix("refused: ").unwrap_or_else(|| panic!("{sheet}\n{error}"));
                assert!(error.contains(wanted), "{sheet}\n{error}");
            }
        }
    }
}

fn counted(coding: &Coding) -> i64 {
    let spans = coding.minutes.iter().flat_map(|m| &m.spans).filter(|s| s.fate == Fate::Counted);
    spans.map(|s| s.stop.civil_minutes() - s.start.civil_minutes()).sum()
}

#[test]
fn a_drug_infusion() {
    let rows = [
        (1, "96374x1"),
        (15, "96374x1"),
        (16, "96365x1"),
        (30, "96365x1"),
        (31, "96365x1"),
        (60, "96365x1"),
        (90, "96365x1"),
        (91, "96365x1 96366x1"),
        (150, "96365x1 96366x1"),
        (151, "96365x1 96366x2"),
        (210, "96365x1 96366x2"),
        (211, "96365x1 96366x3"),
    ];
    for setting in ["facility", "office"] {
        let sheet = format!("{setting} 2026-01-05\nceftriaxone 1 g IVPB 10:00-{{}}\n");
        table(&sheet, &rows);
        for (minutes, _) in rows {
            let coding = coded(&sheet.replace("{}", &clock(minutes))).expect("coded");
            assert_eq!(counted(&coding), i64::from(minutes), "{minutes}");
        }
    }
}

#[test]
fn a_chemotherapy_infusion() {
    table(
        "facility 2026-01-05\noxaliplatin 100 mg IVPB 10:00-{}\n",
        &[
            (15, "96409x1"),
            (16, "96413x1"),
            (90, "96413x1"),
            (91, "96413x1 96415x1"),
            (150, "96413x1 96415x1"),
            (151, "96413x1 96415x2"),
        ],
    );
}

#[test]
fn the_next_new_drug() {
    table(
        "facility 2026-01-05\nvancomycin 1 g IVPB 07:00-10:00\nceftriaxone 1 g IVPB 10:00-{}\n",
        &[
            (15, "96365x1 96366x2 96375x1"),
            (16, "96365x1 96366x2 96367x1"),
            (90, "96365x1 96366x2 96367x1"),
            // The hours of both drugs stand in one line of one date.
            (91, "96365x1 96366x3 96367x1"),
        ],
    );
}

#[test]
fn hydration() {
    for setting in ["facility", "office"] {
        table(
            &format!("{setting} 2026-01-05\nNS 1000 mL hydration 10:00-{{}} for dehydration\n"),
            &[
                (30, ""),
                (31, "96360x1"),
                (90, "96360x1"),
                (91, "96360x1 96361x1"),
                (150, "96360x1 96361x1"),
                (151, "96360x1 96361x2"),
            ],
        );
    }
    table(
        "facility 2026-01-05\nceftriaxone 1 g IVPB 09:00-10:00\nNS 1000 mL hydration 10:00-{} for dehydration\n",
        &[(30, "96365x1"), (31, "96365x1 96361x1"), (90, "96365x1 96361x1"), (91, "96365x1 96361x2")],
    );
    // What is not reported says so, and its minutes support nothing.
    let coding = coded("facility 2026-01-05\nNS 1000 mL hydration 10:00-10:30 for dehydration\n").expect("coded");
    assert_eq!(coding.unreported[0].rules[0], "unit-hydration");
    assert_eq!(counted(&coding), 0);
}

#[test]
fn hydration_around_a_drug() {
    // 15 minutes before and 15 or 16 after: the pieces of a visit are added.
    table(
        "facility 2026-01-05\nNS 1000 mL hydration 08:45-{} for dehydration\nceftriaxone 1 g IVPB 09:00-10:00\n",
        &[(15, "96365x1"), (16, "96365x1 96361x1")],
    );
    table(
        "facility 2026-01-05 policy.hydration_sum=per_interval\n\
         NS 1000 mL hydration 08:45-{} for dehydration\nceftriaxone 1 g IVPB 09:00-10:00\n",
        &[(30, "96365x1"), (31, "96365x1 96361x1")],
    );
    table(
        "office 2026-01-05 policy.hydration_floor_minutes=16\nNS 1000 mL hydration 10:00-{} for dehydration\n",
        &[(15, ""), (16, "96360x1")],
    );
}

#[test]
fn under_the_skin_and_into_an_artery() {
    table(
        "facility 2026-01-05\nimmune globulin 10 g SC method=infusion 10:00-{}\n",
        // Complex by vein, an ordinary injection under the skin.
        &[(15, "96372x1"), (16, "96369x1"), (90, "96369x1"), (91, "96369x1 96370x1")],
    );
    table(
        "facility 2026-01-05\noxaliplatin 100 mg route=IA method=infusion 10:00-{}\n",
        &[(15, "96420x1"), (16, "96422x1"), (90, "96422x1"), (91, "96422x1 96423x1")],
    );
}

#[test]
fn the_same_drug_pushed_again() {
    let again = [(29, "96374x1"), (30, "96374x1"), (31, "96374x1 96376x1")];
    table("facility 2026-01-05\nmorphine 4 mg IVP 10:00\nmorphine 4 mg IVP {}\n", &again);
    table(
        "facility 2026-01-05 policy.same_push_gap=ge30\nmorphine 4 mg IVP 10:00\nmorphine 4 mg IVP {}\n",
        &[(29, "96374x1"), (30, "96374x1 96376x1")],
    );
    table("office 2026-01-05\nmorphine 4 mg IVP 10:00\nmorphine 4 mg IVP {}\n", &[(30, "96374x1"), (31, "96374x1")]);
    // A push that was not reported does not set the clock anew.
    table("facility 2026-01-05\nmorphine 4 mg IVP 10:00\nmorphine 4 mg IVP 10:20\nmorphine 4 mg IVP {}\n", &again);
    // After an infusion of the drug the gap counts from its end.
    table(
        "facility 2026-01-05\nmorphine 4 mg IVPB 09:00-10:00\nmorphine 4 mg IVP {}\n",
        &[(30, "96365x1"), (31, "96365x1 96376x1")],
    );
}

#[test]
fn a_bolus_before_its_infusion() {
    table(
        "facility 2026-01-05\nheparin 5000 units IVP 09:59\nheparin 25000 units IVPB {}-12:00\n",
        &[(14, "96365x1 96366x1"), (15, "96365x1 96366x1 96376x1")],
    );
}

#[test]
fn what_is_left_after_an_overlap() {
    // 30 minutes shared with a run of two hours: what is left makes the difference.
    table(
        "facility 2026-01-05\nvancomycin 1 g IVPB 08:00-10:00\nceftriaxone 1 g IVPB 09:30-{}\n",
        &[(15, "96365x1 96366x1 96368x1"), (16, "96365x1 96366x1 96367x1")],
    );
    // Both run an hour: half of it together is not the majority.
    for (start, wanted) in [("09:30", "96365x1 96367x1"), ("09:29", "96365x1 96368x1")] {
        let stop = start.replace("09:", "10:");
        let sheet =
            format!("facility 2026-01-05\nvancomycin 1 g IVPB 09:00-10:00\nceftriaxone 1 g IVPB {start}-{stop}\n");
        assert_eq!(lines(&coded(&sheet).expect("coded")), wanted, "{sheet}");
    }
    table(
        "facility 2026-01-05 policy.overlap_rule=gt15\nvancomycin 1 g IVPB 09:00-11:00\nceftriaxone 1 g IVPB 10:00-{}\n",
        &[(16, "96365x1 96366x1 96368x1")],
    );
    for (start, wanted) in [("10:45", "96367x1"), ("10:44", "96368x1")] {
        let sheet = format!(
            "facility 2026-01-05 policy.overlap_rule=gt15\nvancomycin 1 g IVPB 09:00-11:00\n\
             ceftriaxone 1 g IVPB {start}-11:40\n"
        );
        assert_eq!(lines(&coded(&sheet).expect("coded")), format!("96365x1 96366x1 {wanted}"), "{sheet}");
    }
}

#[test]
fn a_pause_and_the_stay() {
    table("facility 2026-01-05\nceftriaxone 1 g IVPB 09:45-{} pause=09:50-09:55\n", &[(5, "96374x1"), (6, "96365x1")]);
    // It ran on arrival; the minutes before are another's.
    for (came, wanted) in [("10:14", "96365x1"), ("10:15", "96374x1")] {
        let sheet = format!("facility 2026-01-05 arrival=2026-01-05T{came}\nceftriaxone 1 g IVPB 10:00-10:30\n");
        assert_eq!(lines(&coded(&sheet).expect("coded")), wanted, "{sheet}");
    }
    for (left, wanted) in [("10:15", "96374x1"), ("10:16", "96365x1")] {
        let sheet = format!("facility 2026-01-05 departure=2026-01-05T{left}\nceftriaxone 1 g IVPB 10:00-10:30\n");
        assert_eq!(lines(&coded(&sheet).expect("coded")), wanted, "{sheet}");
    }
}

#[test]
fn a_computed_stop_is_never_rounded_up() {
    sheets(&[
        // 15.96 minutes.
        ("facility 2026-01-05\nceftriaxone 1 g IVPB 10:00-? volume=\"50 mL\" rate=\"188 mL/h\"\n", "96374x1"),
        ("facility 2026-01-05\nceftriaxone 1 g IVPB 10:00-? volume=\"50 mL\" rate=\"187.5 mL/h\"\n", "96365x1"),
    ]);
}

#[test]
fn a_stop_at_or_before_its_start() {
    for (sheet, wanted) in [
        ("ceftriaxone 1 g IVPB start=2026-01-05T10:00 stop=2026-01-05T10:00", ""),
        ("ceftriaxone 1 g IVPB start=2026-01-05T10:00 stop=2026-01-05T09:59", ""),
        ("ceftriaxone 1 g IVPB start=2026-01-05T10:00 stop=2026-01-05T10:01", "96374x1"),
        ("morphine 4 mg IVP start=2026-01-05T10:00 stop=2026-01-05T09:59", ""),
        ("morphine 4 mg IVP start=2026-01-05T10:00 stop=2026-01-05T10:00", "96374x1"),
        ("ketorolac 30 mg IM start=2026-01-05T10:00 stop=2026-01-05T09:59", ""),
        ("ketorolac 30 mg IM start=2026-01-05T10:00 stop=2026-01-05T10:00", "96372x1"),
    ] {
        let coding = coded(&format!("facility 2026-01-05\n{sheet}\nvancomycin 1 g IVPB 12:00-13:00\n")).expect("coded");
        let without = lines(&coding).replace("96367x1", "");
        let with = match wanted {
            "" => "96365x1".to_owned(),
            // The infusion is the initial service, whatever stands before it.
            "96374x1" => "96365x1 96375x1".to_owned(),
            other => format!("96365x1 {other}"),
        };
        assert_eq!(without, with, "{sheet}");
        let impossible = coding.unreported.iter().any(|u| u.administration == "1" && u.rules[0] == "impossible-times");
        assert_eq!(impossible, wanted.is_empty(), "{sheet}");
        let asked = coding.queries.iter().any(|q| q.administrations == ["1"] && q.field == "stop");
        assert_eq!(asked, wanted.is_empty(), "{sheet}: {:?}", coding.queries);
    }
}

#[test]
fn midnight() {
    sheets(&[
        // The sixteenth minute earns the hour, and its date is the line's.
        (
            "facility 2026-01-05\nceftriaxone 1 g IVPB 23:44-01:00\nvancomycin 1 g IVP date=2026-01-06 04:00\n",
            "96365x1@2026-01-05 96375x1@2026-01-06",
        ),
        (
            "facility 2026-01-05\nceftriaxone 1 g IVPB 23:45-01:00\nmorphine 4 mg IVP 20:00\n",
            "96365x1@2026-01-06 96375x1@2026-01-05",
        ),
        (
            "facility 2026-01-05\nNS 1 L hydration 23:29-00:30 for dehydration\nketorolac 30 mg IM 12:00\n",
            "96360x1 96372x1",
        ),
        (
            "facility 2026-01-05\nNS 1 L hydration 23:30-00:30 for dehydration\nketorolac 30 mg IM 12:00\n",
            "96360x1@2026-01-06 96372x1@2026-01-05",
        ),
        // Twenty-four o'clock is the end of its own day.
        (
            "facility 2026-01-05\nceftriaxone 1 g IVPB start=2026-01-05T23:44 stop=2026-01-05T24:00\nketorolac 30 mg IM 12:00\n",
            "96365x1 96372x1",
        ),
        (
            "facility 2026-01-05\nceftriaxone 1 g IVPB start=2026-01-05T23:45 stop=2026-01-05T24:00\nketorolac 30 mg IM 12:00\n",
            "96374x1 96372x1",
        ),
        // One encounter has one initial service, past midnight too.
        ("facility 2026-01-05\nmorphine 4 mg IVP 23:59\nmorphine 4 mg IVP date=2026-01-06 00:29\n", "96374x1"),
        (
            "facility 2026-01-05\nmorphine 4 mg IVP 23:59\nmorphine 4 mg IVP date=2026-01-06 00:30\n",
            "96374x1@2026-01-05 96376x1@2026-01-06",
        ),
    ]);
}

#[test]
fn a_day_of_23_hours() {
    let with = "facility 2026-03-08 time_zone=America/New_York\n";
    let run = |head: &str, start: &str, stop: &str| {
        format!("{head}ceftriaxone 1 g IVPB start=2026-03-08T{start} stop=2026-03-0{stop}\n")
    };
    let bare = "facility 2026-03-08\n";
    let offsets = |start: &str, stop: &str| run(bare, &format!("{start}-05:00"), &format!("{stop}-04:00"));
    sheets(&[
        // From half past one to half past three is one hour that night.
        (&run(with, "01:30", "8T03:30"), "96365x1"),
        (&run(with, "01:30", "8T04:00"), "96365x1"),
        (&run(with, "01:30", "8T04:01"), "96365x1 96366x1"),
        (&offsets("01:30", "8T04:00"), "96365x1"),
        (&offsets("01:30", "8T04:01"), "96365x1 96366x1"),
        (&run(with, "01:45", "8T03:00"), "96374x1"),
        (&run(with, "01:45", "8T03:01"), "96365x1"),
        // Without a zone the clock's own minutes count.
        (&run(bare, "01:30", "8T03:30"), "96365x1 96366x1"),
        (&run(with, "02:30", "8T03:30"), "refused: does not exist"),
        // The whole day: 23 hours, all of it of that date.
        (&run(with, "00:00", "9T00:00"), "96365x1 96366x22"),
        (&run(bare, "00:00", "9T00:00"), "96365x1 96366x23"),
        (
            "facility 2026-03-08 time_zone=America/New_York\nmorphine 4 mg IVP 01:45\nmorphine 4 mg IVP 03:15\n",
            "96374x1",
        ),
        (
            "facility 2026-03-08 time_zone=America/New_York\nmorphine 4 mg IVP 01:45\nmorphine 4 mg IVP 03:16\n",
            "96374x1 96376x1",
        ),
    ]);
}

#[test]
fn a_day_of_25_hours() {
    let with = "facility 2025-11-02 time_zone=America/New_York\n";
    let bare = "facility 2025-11-02\n";
    let run = |head: &str, start: &str, stop: &str| {
        format!("{head}ceftriaxone 1 g IVPB start=2025-11-02T{start} stop=2025-11-0{stop}\n")
    };
    sheets(&[
        // From half past midnight to two is two hours and a half that night.
        (&run(with, "00:30", "2T02:00"), "96365x1 96366x1"),
        (&run(with, "00:30", "2T02:01"), "96365x1 96366x2"),
        (&run(bare, "00:30", "2T02:00"), "96365x1"),
        (&run(bare, "00:30", "2T02:01"), "96365x1 96366x1"),
        (&run(with, "01:30", "2T03:00"), "refused: came twice"),
        // With offsets the hour that came twice can be written.
        (&run(bare, "01:30-04:00", "2T01:30-05:00"), "96365x1"),
        (&run(with, "01:30-04:00", "2T01:30-05:00"), "96365x1"),
        (&run(with, "01:50-04:00", "2T01:05-05:00"), "96374x1"),
        (&run(with, "01:50-04:00", "2T01:06-05:00"), "96365x1"),
        (&run(with, "01:50-05:00", "2T01:06-05:00"), ""),
        (&run(with, "00:00", "3T00:00"), "96365x1 96366x24"),
        // An offset that the zone never had.
        (&run(with, "10:00-04:00", "2T11:00-04:00"), "refused: does not agree"),
        // Offsets on some times only.
        (&run(bare, "10:00-05:00", "2T11:00"), "refused: no offset"),
    ]);
}

#[test]
fn dates_follow_the_zone() {
    // The first hour's sixteenth minute falls after midnight of the zone, and before it by the offset's clock alone.
    let sheet = "facility 2026-01-05 time_zone=America/New_York\n\
                 ceftriaxone 1 g IVPB start=2026-01-05T23:45 stop=2026-01-06T00:30\nmorphine 4 mg IVP 12:00\n";
    assert_eq!(lines(&coded(sheet).expect("coded")), "96365x1@2026-01-06 96375x1@2026-01-05");
    let sheet = "facility 2026-01-05\nceftriaxone 1 g IVPB start=2026-01-05T23:44-05:00 stop=2026-01-06T00:30-05:00\n\
                 morphine 4 mg IVP start=2026-01-05T12:00-05:00\n";
    assert_eq!(lines(&coded(sheet).expect("coded")), "96365x1 96375x1");
}

#[test]
fn long_infusions_by_pump() {
    let pump = |planned: u32| {
        format!(
            "facility 2026-01-05\nfluorouracil 2400 mg IV method=pump 10:00-18:00 planned_minutes={planned} \
             pump.kind=portable pump.event=start\n"
        )
    };
    assert_eq!(lines(&coded(&pump(480)).expect("coded")), "96413x1 96415x7");
    assert_eq!(lines(&coded(&pump(481)).expect("coded")), "96416x1");
    let drug = |planned: u32| {
        format!("facility 2026-01-05\nvancomycin 1 g IV method=pump 10:00-18:00 planned_minutes={planned}\n")
    };
    assert_eq!(lines(&coded(&drug(480)).expect("coded")), "96365x1 96366x7");
    assert_eq!(lines(&coded(&drug(481)).expect("coded")), "C8957x1");
}

#[test]
fn counts_and_ages() {
    let lesions = |n: u32| format!("office 2026-01-05\nmethotrexate 10 mg route=intralesional 10:00 lesions={n}\n");
    assert_eq!(lines(&coded(&lesions(7)).expect("coded")), "96405x1");
    assert_eq!(lines(&coded(&lesions(8)).expect("coded")), "96406x1");
    let vaccine = |age: u32| {
        format!("office 2026-01-05 age_years={age}\ninfluenza vaccine 1 dose IM 10:00 counselling=true components=1\n")
    };
    assert_eq!(lines(&coded(&vaccine(18)).expect("coded")), "90460x1");
    assert_eq!(lines(&coded(&vaccine(19)).expect("coded")), "90471x1");
}

#[test]
fn the_first_and_last_dates() {
    let on = |date: &str| format!("facility {date}\nmorphine 4 mg IVP 10:00\n");
    sheets(&[
        (&on("2012-12-31"), "refused: before 2013-01-01"),
        (&on("2013-01-01"), "96374x1"),
        (&on("2299-12-31"), "96374x1"),
        (&on("2300-01-01"), "refused: cannot be a date of service"),
        (&on("0000-01-01"), "refused: before 2013-01-01"),
        (&on("9999-12-31"), "refused: cannot be a date of service"),
    ]);
    let newest = coded(&on("2026-12-31")).expect("coded");
    assert!(newest.assumptions.iter().all(|a| a.path != "as_of"), "{:?}", newest.assumptions);
    let later = coded(&on("2027-01-01")).expect("coded");
    assert!(later.assumptions.iter().any(|a| a.path == "as_of"), "{:?}", later.assumptions);
}
