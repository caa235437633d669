//! Every error: where it points, what it says, what would mend it.

use super::*;

/// A line of a sheet, the carets under it, the message, the help.
const LINES: &[(&str, &str, &str, &str)] = &[
    (
        "Zofran 4 mg IVP 1000 x2 q30",
        "                     ^^^^^^",
        "one line is one administration; it cannot be multiplied",
        "write one line for each time it was given:\nZofran 4 mg IVP 10:00\nZofran 4 mg IVP 10:30",
    ),
    (
        "NS 500 mL hydration 10:00-11:00 x 7 every 2 h",
        "                                ^^^^^^^^^^^^^",
        "one line is one administration; it cannot be multiplied",
        "write one line for each time it was given:\nNS 500 mL hydration 10:00-11:00\nNS 500 mL hydration 12:00-13:00\nNS 500 mL hydration 14:00-15:00\nNS 500 mL hydration 16:00-17:00\nNS 500 mL hydration 18:00-19:00\nNS 500 mL hydration 20:00-21:00\n…",
    ),
    (
        "Zofran 4 mg IVP 2x",
        "                ^^",
        "one line is one administration; it cannot be multiplied",
        "write one line for each time it was given:\nZofran 4 mg IVP (time)\nZofran 4 mg IVP (time)",
    ),
    (
        "Zofran 4 mg IVP @10:00 q4h",
        "                       ^^^",
        "one line is one administration; it cannot be multiplied",
        "write one line for each time it was given:\nZofran 4 mg IVP 10:00\nZofran 4 mg IVP 14:00",
    ),
    (
        "Zofran 4 mg IVP 10:00 x2",
        "                      ^^",
        "one line is one administration; it cannot be multiplied",
        "write one line for each time it was given:\nZofran 4 mg IVP 10:00\nZofran 4 mg IVP (time)",
    ),
    (
        "Zofran x2 4 mg IVP",
        "       ^^",
        "one line is one administration; it cannot be multiplied",
        "write one line for each time it was given:\nZofran 4 mg IVP (time)\nZofran 4 mg IVP (time)",
    ),
    (
        "Zofran 4 mg IVP 10:00 for nausea x2",
        "                                 ^^",
        "one line is one administration; it cannot be multiplied",
        "write one line for each time it was given:\nZofran 4 mg IVP 10:00 for nausea\nZofran 4 mg IVP (time) for nausea\nor put the text behind `for` in quotes if `x2` belongs to it",
    ),
    ("Zofran 4 mg IVPP 10:00", "            ^^^^", "`IVPP` is not a word of the worksheet", "did you mean `ivp`?"),
    (
        "Zofran 4 mg IVP 10:00 yesterday",
        "                      ^^^^^^^^^",
        "`yesterday` is not a word of the worksheet",
        "a reason begins with `for`, an access with `via`, anything else is key=value",
    ),
    (
        "Zofran 4 mg IVP 10:00 10:30",
        "                      ^^^^^",
        "`start` is given twice on this line",
        "leave one of the two out; two administrations are two lines",
    ),
    (
        "Zofran 4 mg IVP 10:00, 10:30",
        "                ^^^^^^",
        "`10:00,` is not a word of the worksheet",
        "leave out what stands behind `10:00`: blanks alone part the words",
    ),
    (
        "Zofran 4 mg IVP 25:00",
        "                ^^^^^",
        "`25:00` is not a time of day",
        "hours run from 00 to 24:00, minutes to 59",
    ),
    (
        "Zofran 4 mg IVP 10:61",
        "                ^^^^^",
        "`10:61` is not a time of day",
        "hours run from 00 to 24:00, minutes to 59",
    ),
    (
        "Zofran 4 mg IVP 13p",
        "                ^^^",
        "`13p` is not a time of day",
        "with `a` or `p` the hour runs from 1 to 12",
    ),
    (
        "Zofran 4 mg IVP 10:00:30",
        "                ^^^^^^^^",
        "`10:00:30` has seconds",
        "times are whole minutes: leave the seconds out",
    ),
    (
        "Zofran 4 mg IVP 2026-02-30T10:00",
        "                ^^^^^^^^^^^^^^^^",
        "`2026-02-30T10:00` is not a time",
        "write it as 2026-01-05T10:00",
    ),
    (
        "Zofran 4 mg IVP 1:05-2:10p",
        "                ^^^^^^^^^^",
        "only one of the two times says whether it is before noon",
        "write `a` or `p` on both, or both by the 24-hour clock",
    ),
    (
        "Zofran 4 mg IVP started 10:05a stopped 11:20",
        "                               ^^^^^^^^^^^^^",
        "only one of the two times says whether it is before noon",
        "write `a` or `p` on both, or both by the 24-hour clock",
    ),
    (
        "Zofran 4 IVP 10:00",
        "       ^",
        "`4` has no unit that is known",
        "write the unit behind the number: 4 mg; put the name in quotes if the number belongs to it",
    ),
    (
        "Zofran 4 mgg IVP 10:00",
        "       ^^^^^",
        "`4` has no unit that is known",
        "did you mean `mg`? put the name in quotes if the number belongs to it",
    ),
    (
        "Zofran 4mgs. IVP 10:00",
        "       ^^^^^",
        "`mgs.` is not a unit that is known",
        "did you mean `mg`? put the name in quotes if the number belongs to it",
    ),
    (
        "Depo-Provera 150 mg/mL IM 10:00",
        "             ^^^^^^^^^",
        "`150` has no unit that is known",
        "write the unit behind the number: 4 mg; put the name in quotes if the number belongs to it",
    ),
    ("Zofran mg IVP 10:00", "       ^^", "`mg` has no amount before it", "write the amount before its unit: 4 mg"),
    (
        "Zofran IV 4 mg 10:00",
        "       ^^",
        "`IV` stands in the drug's name",
        "write `IV` behind the dose; if the drug is called so, put the name in quotes",
    ),
    (
        "Normal saline flush 10 mL 10:00",
        "              ^^^^^",
        "`flush` stands in the drug's name",
        "write `flush` behind the dose; if the drug is called so, put the name in quotes",
    ),
    (
        "Rocephin 1 g IVPB 100 mL 10:00",
        "                  ^^^^^^",
        "`100 mL` stands here without saying what it is",
        r#"the dose stands right behind the drug's name: Zofran 4 mg; any other amount says what it is: volume="100 mL", wasted="100 mL" or dose="100 mL""#,
    ),
    (
        "Zofran 10:00 4 mg IVP",
        "             ^^^^",
        "`4 mg` stands here without saying what it is",
        r#"the dose stands right behind the drug's name: Zofran 4 mg; any other amount says what it is: volume="4 mg", wasted="4 mg" or dose="4 mg""#,
    ),
    (
        "Zofran 4 mg IVP IM 10:00",
        "                ^^",
        "`route` is given twice on this line",
        "leave one of the two out; two administrations are two lines",
    ),
    (
        "Zofran 4 mg IVP method=infusion 10:00",
        "                ^^^^^^^^^^^^^^^",
        "`method` is given twice on this line",
        "leave one of the two out; two administrations are two lines",
    ),
    (
        "Zofran 4 mg IVP 10:00 for",
        "                      ^^^",
        "nothing stands behind `for`",
        r#"write the text behind it, in quotes where it holds a word of the worksheet: for "…""#,
    ),
    (
        "Zofran 4 mg IVP 10:00 for iv contrast",
        "                      ^^^",
        "nothing stands behind `for`",
        r#"write the text behind it, in quotes where it holds a word of the worksheet: for "…""#,
    ),
    (
        "NS 1 L 10:00-11:00 for dehydration hydration",
        "                                   ^^^^^^^^^",
        "`hydration` can belong to the text behind `for` or be a word of the line",
        r#"write `hydration` before `for`, or put the text in quotes if the word belongs to it: for "…""#,
    ),
    (
        "NS 1 L hydration 10:00-11:00 for loss of 500 mL",
        "                                         ^^^^^^",
        "`500 mL` can belong to the text behind `for` or to the line",
        "put the text behind `for` in quotes if `500 mL` belongs to it",
    ),
    (
        "Zofran 4 mg IVP at noon",
        "                ^^",
        "no time stands behind `at`",
        "write a time behind it (at 10:05a), or name a place with `via`: via left hand",
    ),
    (
        "Zofran 4 mg IVP at the bedside",
        "                ^^",
        "no time stands behind `at`",
        "write a time behind it (at 10:05a), or name a place with `via`: via left hand",
    ),
    (
        "Zofran 4 mg IVP 10:00 over",
        "                      ^^^^",
        "no length of time stands behind `over`",
        "write how many minutes or hours: over 2 min, over 1.5 h",
    ),
    (
        "Zofran 4 mg IVP 10:00 over 90 s",
        "                      ^^^^",
        "no length of time stands behind `over`",
        "write how many minutes or hours: over 2 min, over 1.5 h",
    ),
    (
        "Zofran 4 mg IVP 10:00 over 0.5 min",
        "                      ^^^^^^^^^^^^",
        "this is not a length of time in whole minutes",
        "times are whole minutes, at least one: over 2 min",
    ),
    (
        "Zofran 4 mg IVP over 2 min",
        "                ^^^^^^^^^^",
        "`over` needs a start",
        "write when it started: 10:00 over 30 min",
    ),
    (
        "Zofran 4 mg IVP 10:00-10:05 over 2 min",
        "                            ^^^^^^^^^^",
        "the stop is given twice on this line",
        "leave `over` or the stop out",
    ),
    (
        "Zofran 4 mg IVP started",
        "                ^^^^^^^",
        "no time stands behind `started`",
        "write it as `started 10:05`",
    ),
    (
        "Zofran 4 mg IVP started 10:00-10:05",
        "                ^^^^^^^^^^^^^^^^^^^",
        "two times stand behind `started`",
        "write the range alone: 10:05-11:20",
    ),
    (
        "Zofran 4 mg IVP 10:00 30 min",
        "                      ^^",
        "`30` is neither a time nor an amount with a unit",
        "write it as over 30 min",
    ),
    (
        "Zofran 4 mg IVP 10:00 rout=IV",
        "                      ^^^^",
        "`rout` is not a key of this line",
        "did you mean `route`?",
    ),
    (
        "Zofran 4 mg IVP 10:00 pos=11",
        "                      ^^^",
        "`pos` is not a key of this line",
        "write `pos` in the header, behind the setting and the date",
    ),
    (
        "Zofran 4 mg IVP 10:00 bag=a bag=b",
        "                            ^^^",
        "`bag` is given twice",
        "leave one of the two out",
    ),
    (
        "Zofran 4 mg IVP 10:00 bag=",
        "                      ^^^^",
        "`bag` has no value",
        r#"write the value right behind the `=`, or `bag=null` for none, or `bag=""` for an empty text"#,
    ),
    (
        "Zofran 4 mg IVP 10:00 class=chem",
        "                            ^^^^",
        "`chem` is not known here",
        "did you mean `chemo`?",
    ),
    (
        "Zofran 4 mg IVP 10:00 status=lost",
        "                             ^^^^",
        "`lost` is not known here",
        "write one of given, not_given, entered_in_error",
    ),
    (
        "Zofran 4 mg IVP 10:00 lesions=many",
        "                              ^^^^",
        "`many` is not a whole number",
        "write it in digits, without a unit",
    ),
    (
        "Zofran 4 mg IVP 10:00 lesions=99999999999",
        "                              ^^^^^^^^^^^",
        "`99999999999` is too large",
        "write a smaller whole number",
    ),
    (
        "Zofran 4 mg IVP 10:00 attended=maybe",
        "                               ^^^^^",
        "`maybe` is not known here",
        "write one of true, false, yes, no",
    ),
    (
        "Zofran 4 mg IVP 10:00 order=true",
        "                            ^^^^",
        "`order=true` names no order",
        "write the order's id, or leave `order` out where it is not stated",
    ),
    (
        "Zofran 4 mg IVP 10:00 pump=portable",
        "                           ^^^^^^^^",
        "a pump has no single value",
        "write pump.kind=…, pump.event=… and pump.owner=…, or pump={} where none of them is known",
    ),
    (
        "Zofran 4 mg IVP 10:00 vial=30",
        "                           ^^",
        "`30` has no unit",
        r#"write a number and its unit, 30mg or "30 mg"; a text in quotes is taken word for word"#,
    ),
    (
        "Zofran 4 mg IVP 10:00 wasted=some",
        "                             ^^^^",
        "`some` is not an amount with a unit",
        r#"write a number and its unit, 30mg or "30 mg"; a text in quotes is taken word for word"#,
    ),
    (
        "Zofran 4 mg IVP 10:00 containers=30mg",
        "                                 ^^^^",
        "containers are written one by one",
        "write vial=30mg (single-dose), mdv=30mg (multi-dose), or containers=[] where none was opened",
    ),
    (
        "Zofran 4 mg IVP 10:00 containers.1.amount=30mg",
        "                      ^^^^^^^^^^^^^^^^^^^",
        "`containers.1` has no kind",
        "add containers.1.kind=…",
    ),
    (
        "Zofran 4 mg IVP 10:00 containers.2.kind=multi_dose",
        "                      ^^^^^^^^^^^^^^^^^",
        "there is no `containers.1`",
        "number them from 1 without a gap: the next is containers.1",
    ),
    (
        "Zofran 4 mg IVP 10:00 containers.1.kind=multi_dose containers.1.amount=3mg vial=4mg",
        "                                                                           ^^^^",
        "`containers` is given twice",
        "use one way of writing them",
    ),
    (
        "Zofran 4 mg IVP 10:00 pause=10:30",
        "                            ^^^^^",
        "`10:30` is not a pause",
        "write its start and its stop: pause=10:30-10:40, several with commas between",
    ),
    (
        "Zofran 4 mg IVP 10:00 pause=10:30-10:40,,10:50-10:55",
        "                                        ^",
        "an item of this list is empty",
        r#"leave the comma out, or write "" for an empty text"#,
    ),
    (
        "Zofran 4 mg IVP 10:00 date=13/5/26",
        "                           ^^^^^^^",
        "`13/5/26` is not a date of the calendar",
        "dates with strokes are month/day/year; write it as 1/5/26 or 2026-01-05",
    ),
    (
        "Zofran 4 mg IVP 10:00 date=tomorrow",
        "                           ^^^^^^^^",
        "`tomorrow` is not a date",
        "write it as 2026-01-05 or 1/5/26",
    ),
    (
        "Zofran 4 mg IVP start=soon",
        "                      ^^^^",
        "`soon` is not a time",
        "write it as 10:00, 1000, 10:05a or 2026-01-05T10:00",
    ),
    (
        "Zofran 4 mg IVP 10:00 1/6/26",
        "                      ^^^^^^",
        "`1/6/26` is not a word of the worksheet",
        "write it as date=1/6/26",
    ),
    (
        r#"Zofran 4 mg IVP 10:00 bag="a"#,
        "                          ^^",
        "this quote is not closed",
        r#"close it with ", and write \" for a quote inside a text"#,
    ),
    (
        r#"Zofran 4 mg IVP 10:00 bag="a\q""#,
        "                            ^^",
        "this escape is not known",
        r#"inside quotes write \" \\ \n \r \t or \u{e9}"#,
    ),
    (
        r#"Zofran 4 mg IVP 10:00 "left hand""#,
        "                      ^^^^^^^^^^^",
        r#"`"left hand"` is not a word of the worksheet"#,
        r#"say what the text is: for "…", via "…", or key="…""#,
    ),
    (
        "Zofran 4 mg IVP 10:00 # given late",
        "                      ^",
        "`#` is not a word of the worksheet",
        "a comment stands on a line of its own that begins with #",
    ),
    (
        "Zofran 4 mg IVP 10:00 wasted 2 mg",
        "                      ^^^^^^",
        "`wasted` is not a word of the worksheet",
        "write it as wasted=…",
    ),
    (
        "4 mg IV push 10:00",
        "^",
        "no drug stands here",
        "begin the line with the drug's name: Zofran 4 mg IV push 10:00",
    ),
    ("IV push 10:00", "^^", "no drug stands here", "begin the line with the drug's name: Zofran 4 mg IV push 10:00"),
    ("*", "^", "no drug stands here", "begin the line with the drug's name: Zofran 4 mg IV push 10:00"),
    (
        "* +99213",
        "  ^^^^^^",
        "a listed service cannot be marked with `*`",
        "the reason for the visit is an administration: * Zofran 4 mg IV push 10:00",
    ),
    (
        "heparin 5 mL bolus 10:00",
        "             ^^^^^",
        "this bolus can be a push or an infusion",
        "write `push` or `infusion` instead, as charted",
    ),
    ("+99213-25", " ^^^^^^^^", "`99213-25` is not a code", "write modifiers apart: 99213 modifiers=25"),
    ("+9921", " ^^^^", "`9921` is not a code", "a code has five letters and digits: +99213"),
    (
        "+99213 IV",
        "       ^^",
        "`IV` does not belong to a service",
        "a listed service takes its times, `for REASON` and key=value",
    ),
    ("+99213=25", "^^^^^^^^^", "a code stands alone", "write a blank behind the code: +99213 modifiers=25"),
    ("access", "^^^^^^", "the access has no name", "write it as: access port kind=port"),
    ("access port knd=port", "            ^^^", "`knd` is not a key of this line", "did you mean `kind`?"),
    ("access port kind=prt", "                 ^^^", "`prt` is not known here", "did you mean `port`?"),
    ("billed", "^^^^^^", "no code stands behind `billed`", "write it as: billed 96374 units=1"),
    ("billed 96375-59", "       ^^^^^^^^", "`96375-59` is not a code", "write modifiers apart: 96375 modifiers=59"),
    (
        "billed 96375 x2",
        "             ^^",
        "`x2` is not a key=value",
        "units, modifiers and date are keys: billed 96375 units=2 modifiers=59",
    ),
    (
        "office 1/6/26",
        "^^^^^^^^^^^^^",
        "a header stands inside a case",
        "leave a blank line before a new case; the date of one line is written behind it: date=1/5/26",
    ),
    (
        "Zofran 4 mg IVP 2026-01-05T10:00:30",
        "                ^^^^^^^^^^^^^^^^^^^",
        "`2026-01-05T10:00:30` has seconds",
        "times are whole minutes, write :00 or leave them out",
    ),
    ("Zofran 1/5/26 4 mg IVP", "       ^^^^^^", "`1/5/26` is not a word of the worksheet", "write it as date=1/5/26"),
    (
        "Zofran #2 4 mg IVP",
        "       ^^",
        "`#2` is not a word of the worksheet",
        "a comment stands on a line of its own that begins with #",
    ),
    (
        "Zofran 4 mg IVP 10:00 via",
        "                      ^^^",
        "nothing stands behind `via`",
        r#"write the text behind it, in quotes where it holds a word of the worksheet: via "…""#,
    ),
    (
        "Zofran 4 mg IVP 10:00 @",
        "                      ^",
        "nothing stands behind `@`",
        r#"write the text behind it, in quotes where it holds a word of the worksheet: via "…""#,
    ),
    (
        "Zofran 4 mg IVP 10:00 for pain via",
        "                               ^^^",
        "nothing stands behind `via`",
        r#"write the text behind it, in quotes where it holds a word of the worksheet: via "…""#,
    ),
    (
        "NS 1 L hydration 10:00-12:00 pause=11:50a-12:10",
        "                                   ^^^^^^^^^^^^",
        "only one of the two times says whether it is before noon",
        "write `a` or `p` on both, or both by the 24-hour clock",
    ),
    (
        "Zofran 4 mg IVP 10:00 pump.knd=portable",
        "                      ^^^^^^^^",
        "`pump.knd` is not a key of this line",
        "did you mean `pump.kind`?",
    ),
    (
        "Zofran 4 mg IVP 10:00 interruptions.1.start=10:00",
        "                      ^^^^^^^^^^^^^^^^^^^^^",
        "`interruptions.1` has no stop",
        "add interruptions.1.stop=…",
    ),
    (
        "Zofran 4 mg IVP 10:00 over 2 min over 3 min",
        "                                 ^^^^^^^^^^",
        "`over` is given twice on this line",
        "leave one of the two out",
    ),
    (
        "Zofran 4 mg IVP 10:00 stopped soon",
        "                      ^^^^^^^",
        "no time stands behind `stopped`",
        "write it as `stopped 10:05`",
    ),
    (
        "Zofran 4 mg IVP 10:00 for pain for nausea",
        "                               ^^^^^^^^^^",
        "`indication` is given twice on this line",
        "leave one of the two out; two administrations are two lines",
    ),
    (
        r#"Zofran 4 mg IVP 10:00 bag="a\u{d800}""#,
        "                            ^^^^^^^^",
        "this escape is not known",
        r#"inside quotes write \" \\ \n \r \t or \u{e9}"#,
    ),
    (
        r#""Pepcid IV 20 mg IVP"#,
        "^^^^^^^^^^^^^^^^^^^^",
        "this quote is not closed",
        r#"close it with ", and write \" for a quote inside a text"#,
    ),
];

/// A whole text, the number of the line in question, the carets under it, the message, the help.
const TEXTS: &[(&str, usize, &str, &str, &str)] = &[
    ("", 1, "^", "there is no case here", "a case begins with its setting and date: office 1/5/26"),
    ("# x", 1, "^", "there is no case here", "a case begins with its setting and date: office 1/5/26"),
    (
        "Zofran 4 mg IV push 10:00",
        1,
        "^^^^^^",
        "a case does not begin with `Zofran`",
        "a case begins with its setting and date: office 1/5/26",
    ),
    ("ofice 1/5/26", 1, "^^^^^", "`ofice` is not a word of the header", "did you mean `office`?"),
    ("ofice 1/5/26 pos=11", 1, "^^^^^", "`ofice` is not a word of the header", "did you mean `office`?"),
    ("office office", 1, "       ^^^^^^", "a second setting stands here", "leave one of the two out"),
    ("office 1/5/26 1/6/26", 1, "              ^^^^^^", "a second date stands here", "leave one of the two out"),
    ("office setting=office", 1, "       ^^^^^^^^^^^^^^", "a second setting stands here", "leave one of the two out"),
    (
        "office 2/30/26",
        1,
        "       ^^^^^^^",
        "`2/30/26` is not a date of the calendar",
        "dates with strokes are month/day/year; write it as 1/5/26 or 2026-01-05",
    ),
    ("office 1/5/26 poss=11", 1, "              ^^^^", "`poss` is not a key of this line", "did you mean `pos`?"),
    (
        "office bag=1",
        1,
        "       ^^^",
        "`bag` is not a key of this line",
        "write `bag` on the line of an administration",
    ),
    (
        "office 1/5/26 administrations=[]",
        1,
        "              ^^^^^^^^^^^^^^^",
        "`administrations` is not written in the header",
        "write a line for each: Zofran 4 mg IV push 10:00",
    ),
    (
        "office policy=1",
        1,
        "       ^^^^^^",
        "`policy` takes one switch at a time",
        "name the switch: policy.hydration_sum=per_interval",
    ),
    (
        "office policy.=1",
        1,
        "       ^^^^^^^",
        "`policy` takes one switch at a time",
        "name the switch: policy.hydration_sum=per_interval",
    ),
    (
        "office arrival=10:00",
        1,
        "       ^^^^^^^^^^^^^",
        "this time has no date",
        "write the date in the header: office 1/5/26",
    ),
    (
        "office\nZofran 4 mg IVP 10:00",
        2,
        "                ^^^^^",
        "this time has no date",
        "write the date in the header: office 1/5/26",
    ),
    (
        "office 1/5/26\n\noffice 1/6/26",
        3,
        "^^^^^^^^^^^^^",
        "a second case begins here",
        "one case is expected: leave the others out",
    ),
    (
        "office 1/5/26\naccess a\naccess a kind=port",
        3,
        "       ^",
        "the access `a` is described twice",
        "write all of it on one line",
    ),
    (
        "office 1/5/26\n* A 4 mg IVP 10:00\n* B 4 mg IVP 10:00",
        3,
        "^",
        "a second reason for the visit is marked",
        "leave one mark, here or `primary_reason` in the header",
    ),
    (
        "office primary_reason=1 1/5/26\n* A 4 mg IVP 10:00",
        2,
        "^",
        "a second reason for the visit is marked",
        "leave one mark, here or `primary_reason` in the header",
    ),
    (
        "office 9999-12-31\nA 4 mg IVP 23:00-01:00",
        2,
        "           ^^^^^^^^^^^",
        "this time is past the end of the calendar",
        "write an earlier date",
    ),
    (
        "office\nA 4 mg IVP pause=10:00-10:05 start=?",
        2,
        "                 ^^^^^^^^^^^",
        "this time has no date",
        "write the date in the header: office 1/5/26",
    ),
    (
        "office 1/5/26\n+99213 time=4",
        2,
        "       ^^^^",
        "`time` is not a key of this line",
        "the keys here are id, date, start, stop, modifiers, units, reason",
    ),
];

fn refused(text: &str, number: usize, carets: &str, message: &str, help: &str) {
    let problem = parse_one(text).expect_err(text);
    let source_line = text.lines().nth(number - 1).unwrap_or("");
    let expected = Problem {
        line: number,
        column: carets.len() - carets.trim_start().len() + 1,
        length: carets.trim_start().len(),
        source_line: source_line.to_owned(),
        message: message.to_owned(),
        help: help.to_owned(),
    };
    assert_eq!(problem, expected, "\n{problem}");
    let help = help.replace('\n', "\n          ");
    let picture = format!(
        "line {number}, column {}: {message}\n  |\n{number} | {source_line}\n  | {carets}\n  = help: {help}",
        problem.column
    );
    assert_eq!(problem.to_string(), picture);
}

#[test]
fn every_misread_line_is_pointed_at() {
    for (line, carets, message, help) in LINES {
        refused(&format!("office 1/5/26\n{line}"), 2, carets, message, help);
    }
}

#[test]
fn every_misread_case_is_pointed_at() {
    for (text, number, carets, message, help) in TEXTS {
        refused(text, *number, carets, message, help);
    }
}

#[test]
fn columns_are_counted_in_characters() {
    refused(
        "office 1/5/26\nÉpo “é” 4 mg IVP oops",
        2,
        "                 ^^^^",
        "`oops` is not a word of the worksheet",
        UNKNOWN,
    );
}

const UNKNOWN: &str = "a reason begins with `for`, an access with `via`, anything else is key=value";
