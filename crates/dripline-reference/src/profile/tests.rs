use dripline::policy::{MissingStop, SubUnitWasteModifier};

use super::*;

fn day(text: &str) -> Date {
    text.parse().expect("a date")
}

/// Messages of a file's problems, each with its line.
fn problems(text: &str) -> Vec<(Option<usize>, String)> {
    Profiles::built_in().check(text).into_iter().map(|p| (p.place.map(|(line, _)| line), p.message)).collect()
}

fn value(switch: &str, value: &str, since: &str, until: Option<&str>) -> String {
    let until = until.map_or_else(String::new, |u| format!("until = \"{u}\"\n"));
    format!("[[value]]\nswitch = \"{switch}\"\nvalue = {value}\nsince = \"{since}\"\n{until}source = \"test\"\n")
}

fn child(values: &[String]) -> String {
    format!("name = \"mine\"\ntitle = \"Mine\"\ninherits = \"cpt\"\n{}", values.concat())
}

#[test]
fn every_switch_has_one_value_in_every_quarter() {
    let profiles = Profiles::built_in();
    assert_eq!(profiles.names().count(), BUILTIN.len());
    for (name, profile) in profiles.profiles.iter() {
        let mut quarters = 0;
        for year in 2013..=2027 {
            for month in [1, 4, 7, 10] {
                let on = Date::constant(year, month, 1);
                for switch in Switch::ALL {
                    for file in &profile.chain {
                        let own = file.values.iter().filter(|d| d.switch == *switch && d.holds(on)).count();
                        assert!(own <= 1, "{name}: {} has {own} values of {} on {on}", file.name, switch.name());
                    }
                    let shown = profiles.show(name, on).expect("a policy");
                    let of_switch: Vec<_> = shown.switches.iter().filter(|s| s.switch == *switch).collect();
                    assert_eq!(of_switch.len(), 1, "{name}: {} on {on}", switch.name());
                    let policy = profiles.policy(name, on).expect("a policy");
                    assert_eq!(policy.get(*switch), of_switch[0].value, "{name}: {} on {on}", switch.name());
                }
                quarters += 1;
            }
        }
        assert_eq!(quarters, 60);
    }
}

#[test]
fn shipped_values_all_name_their_source_and_are_shown_in_order() {
    let profiles = Profiles::built_in();
    for (name, _) in profiles.names() {
        let shown = profiles.show(name, day("2026-01-05")).expect("a policy");
        assert!(shown.switches.iter().all(|s| !s.source.is_empty()), "{name}");
        assert!(shown.switches.windows(2).all(|w| w[0].switch < w[1].switch), "{name}");
    }
}

#[test]
fn the_engines_default_is_todays_cpt() {
    assert_eq!(Profiles::built_in().policy("cpt", day("2026-01-05")), Ok(Policy::default()));
}

#[test]
fn a_value_holds_from_its_first_to_its_last_day() {
    let profiles = Profiles::built_in();
    let at = |on: &str| profiles.policy("cpt", day(on)).expect("a policy").sub_unit_waste_modifier;
    assert_eq!(at("2023-06-30"), SubUnitWasteModifier::None);
    assert_eq!(at("2023-07-01"), SubUnitWasteModifier::JZ);
}

#[test]
fn a_child_wins_in_its_dates_and_the_parent_outside_them() {
    let text = child(&[value("missing_stop", "\"push\"", "2020-01-01", Some("2020-12-31"))]);
    let (profiles, name) = Profiles::built_in().with_file(&text).expect("a good file");
    assert_eq!(name, "mine");
    let at = |on: &str| profiles.policy("mine", day(on)).expect("a policy").missing_stop;
    assert_eq!(at("2019-12-31"), MissingStop::ComputeThenQuery);
    assert_eq!(at("2020-01-01"), MissingStop::Push);
    assert_eq!(at("2020-12-31"), MissingStop::Push);
    assert_eq!(at("2021-01-01"), MissingStop::ComputeThenQuery);
}

#[test]
fn show_names_the_file_that_set_each_switch() {
    let shown = Profiles::built_in().show("medicare-palmetto", day("2026-01-05")).expect("a policy");
    assert_eq!(shown.chain, ["medicare-palmetto", "medicare", "cpt"]);
    let from = |name: &str| shown.switches.iter().find(|s| s.switch.name() == name).expect(name).file.as_str();
    assert_eq!(from("palmetto_second_drug"), "medicare-palmetto");
    assert_eq!(from("home_pump_code"), "medicare");
    assert_eq!(from("majority_of"), "cpt");
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    let profiles = Profiles::built_in();
    let error = profiles.policy("medicare-noridan", day("2026-01-05")).expect_err("no such policy");
    assert!(error.help.starts_with("did you mean `medicare-noridian`?"), "{}", error.help);
    let error = profiles.policy("cpt", day("2012-12-31")).expect_err("before the first rule set");
    assert_eq!(error.help, "its first date is 2013-01-01");
}

#[test]
fn problems_stand_where_they_are() {
    let text = child(&[
        value("missing_stpo", "\"push\"", "2020-01-01", None),
        value("missing_start", "\"pusch\"", "2020-01-01", None),
        value("hydration_floor_minutes", "20", "2020-01-01", None),
        value("missing_start", "\"push\"", "2020-13-01", None),
        value("missing_start", "\"push\"", "2020-01-02", Some("2020-01-01")),
    ]);
    assert_eq!(
        problems(&text),
        [
            (Some(5), "there is no switch `missing_stpo`".to_owned()),
            (Some(11), "`missing_start` takes one of push_if_push, push, query, not `pusch`".to_owned()),
            (Some(16), "`hydration_floor_minutes` takes one of 31, 16, not `20`".to_owned()),
            (Some(22), "`2020-13-01` is not a date".to_owned()),
            (Some(28), "`until` 2020-01-01 lies before `since`".to_owned()),
        ]
    );
    let helps: Vec<_> = Profiles::built_in().check(&text).into_iter().map(|p| p.help).collect();
    assert!(helps[0].starts_with("did you mean `missing_stop`?"), "{}", helps[0]);
    assert_eq!(helps[1], "did you mean `push`?");
}

#[test]
fn two_values_on_one_date_are_refused() {
    let twice = |until, since| {
        problems(&child(&[
            value("missing_stop", "\"push\"", "2020-01-01", until),
            value("missing_stop", "\"query\"", since, None),
        ]))
    };
    assert_eq!(
        twice(Some("2020-06-30"), "2020-06-30"),
        [(Some(10), "`missing_stop` has two values on 2020-06-30: here and on line 4".to_owned())]
    );
    assert_eq!(twice(Some("2020-06-30"), "2020-07-01"), []);
    assert_eq!(twice(None, "2020-07-01").len(), 1);
}

#[test]
fn a_file_without_a_parent_must_cover_every_switch_on_every_date() {
    let (_, cpt) = BUILTIN.iter().find(|(name, _)| *name == "cpt").expect("cpt");
    let own = cpt.replace("name = \"cpt\"", "name = \"own\"");
    assert_eq!(problems(&own), []);
    let gap = own.replace("since = \"2023-07-01\"", "since = \"2023-08-01\"");
    assert_eq!(problems(&gap), [(None, "`sub_unit_waste_modifier` has no value from 2023-07-01 on".to_owned())]);
    let bare = "name = \"own\"\ntitle = \"Own\"\n";
    assert_eq!(problems(bare), [(None, "the policy `own` gives no switch a value".to_owned())]);
}

#[test]
fn parents_must_exist_and_not_run_in_a_circle() {
    let own = |name: &str, parent: &str| format!("name = \"{name}\"\ntitle = \"T\"\ninherits = \"{parent}\"\n");
    assert_eq!(problems(&own("a", "ctp")), [(Some(3), "`a` inherits from `ctp`, which is not known".to_owned())]);
    assert_eq!(problems(&own("a", "a")), [(Some(3), "the inheritance runs in a circle: a → a".to_owned())]);
    let (profiles, _) = Profiles::built_in().with_file(&own("a", "cpt")).expect("good");
    let (profiles, _) = profiles.with_file(&own("b", "a")).expect("good");
    let circle = profiles.check(&own("a", "b"));
    assert_eq!(circle.len(), 1);
    assert_eq!(circle[0].message, "the inheritance runs in a circle: a → b → a");
}

#[test]
fn what_is_missing_or_unknown_in_a_file_is_named() {
    let text = "name = \"mine\"\ninherits = \"cpt\"\nparent = \"cpt\"\n[[value]]\nswitch = \"missing_stop\"\nvalue = \"push\"\n";
    let found: Vec<_> = problems(text).into_iter().map(|(_, message)| message).collect();
    for message in ["there is no key `parent` here", "`title` is missing", "`since` is missing", "`source` is missing"]
    {
        assert!(found.iter().any(|f| f == message), "{message}: {found:?}");
    }
    let text = child(&[]) + "[[value]\n";
    assert_eq!(problems(&text).len(), 1);
    assert_eq!(problems(&text)[0].0, Some(4));
}

#[test]
fn a_shipped_name_cannot_be_taken() {
    let text = child(&[]).replace("\"mine\"", "\"cpt\"").replace("inherits = \"cpt\"", "inherits = \"medicare\"");
    assert_eq!(problems(&text), [(Some(1), "`cpt` is a policy that is shipped".to_owned())]);
    for (_, text) in BUILTIN {
        assert_eq!(problems(text), []);
    }
}

#[test]
fn a_number_of_the_code_set_stands_in_files_only() {
    let number = Switch::ALL.iter().find(|s| s.part() == Part::Number).expect("a number");
    let text = child(&[value(number.name(), "20", "2020-01-01", None)]);
    let (profiles, name) = Profiles::built_in().with_file(&text).expect("a good file");
    let policy = profiles.policy(&name, day("2020-01-01")).expect("a policy");
    assert_eq!(policy.get(*number), SwitchValue::Integer(20));
    assert!(parse_switch(number.name(), "20").is_err());
    assert!(set_switch(&mut Policy::default(), number.name(), &SwitchValue::Integer(20)).is_err());
}

#[test]
fn switches_are_read_from_text_by_their_kind() {
    let read = |name: &str, text: &str| parse_switch(name, text).map(|(_, value)| value);
    assert_eq!(read("missing_stop", "push"), Ok(SwitchValue::Word("push".to_owned())));
    assert_eq!(read("second_site_modifier", "59"), Ok(SwitchValue::Word("59".to_owned())));
    assert_eq!(read("hydration_floor_minutes", "16"), Ok(SwitchValue::Integer(16)));
    assert_eq!(read("facility_pos_set", "19, 22"), Ok(SwitchValue::List(vec!["19".to_owned(), "22".to_owned()])));
    assert_eq!(read("complex_drug_list", ""), Ok(SwitchValue::List(Vec::new())));
    let error = read("misssing_stop", "push").expect_err("no such switch");
    assert!(error.help.starts_with("did you mean `missing_stop`?"), "{}", error.help);
    let error = read("missing_stop", "querry").expect_err("no such value");
    assert_eq!(error.help, "did you mean `query`?");
    assert!(read("hydration_floor_minutes", "sixteen").is_err());
    assert!(read("bolus_gap", "31").is_err());
}
