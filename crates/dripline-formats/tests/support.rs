//! The time line and the support sheet: what they show of a claim, in numbers, and what they keep to themselves.

use std::sync::LazyLock;

use dripline::chart::Chart;
use dripline::coding::{ChartDate, Coding, Fate};
use dripline::rule::{Grade, RuleId};
use dripline_formats::support::{self, CONVENTION, Print, Sheet, SignOff};
use dripline_formats::text::Style;
use dripline_formats::{svg, worksheet};
use dripline_reference::{Coder, Options};
use jiff::civil::date;

/// A hospital visit in which every fate of a minute occurs, at two accesses.
const MIXED: &str = "facility 1/5/26 case=M1
access \"left <arm>\" kind=port need=\"drugs & lines\"
Rocephin 1 g IVPB 10:00-12:15 pause=10:30-10:40
vancomycin 1 g IVPB 10:20-11:30
NS 1 L hydration 09:00-13:00 for dehydration
Zofran 4 mg IV push 10:05-10:07
Zofran 4 mg IV push 10:20
cefepime 1 g IVPB 11:45-12:20 access=\"left <arm>\"
cefepime 1 g IVPB 13:00
";

static CODER: LazyLock<Coder> = LazyLock::new(Coder::default);

fn coded(text: &str) -> (Chart, Coding) {
    let chart = worksheet::parse_one(text).unwrap_or_else(|e| panic!("{e}")).chart;
    let coding = CODER.code(&chart, 1, &[], &Options::default()).unwrap_or_else(|e| panic!("{e}"));
    (chart, coding)
}

/// The values of an attribute of every tag of a name and class.
fn attributes(svg: &str, class: &str, attribute: &str) -> Vec<String> {
    svg.split('<')
        .filter(|tag| tag.contains(class))
        .filter_map(|tag| tag.split(&format!(" {attribute}=\"")).nth(1)?.split('"').next().map(str::to_owned))
        .collect()
}

fn percent(text: &str) -> f64 {
    text.trim_end_matches('%').parse().unwrap_or_else(|_| panic!("{text}"))
}

/// Every tag that opens is closed, in order.
fn well_formed(markup: &str) {
    let mut open: Vec<&str> = Vec::new();
    for piece in markup.split('<').skip(1) {
        let tag = piece.split('>').next().expect("a tag ends");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "in {markup}");
        } else if !tag.ends_with('/') && !tag.starts_with("br") && !tag.starts_with('!') && !tag.starts_with("meta") {
            open.push(tag.split_whitespace().next().expect("a name"));
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
}

#[test]
fn bars_stand_where_the_minutes_are() {
    let (chart, coding) = coded(MIXED);
    let drawing = svg::time_line(&coding, &chart, "t").expect("there are clock times");
    well_formed(&drawing);
    let spans: Vec<_> = coding.minutes.iter().filter(|m| m.administration != "4").flat_map(|m| &m.spans).collect();
    let (x, width) = (attributes(&drawing, "data-fate", "x"), attributes(&drawing, "data-fate", "width"));
    let fates = attributes(&drawing, "data-fate", "data-fate");
    // The short push is a mark and no bar; the rest is drawn span by span, access by access.
    assert_eq!(x.len(), spans.len());
    for fate in ["counted", "overlapped", "paused", "excluded"] {
        let wanted = spans.iter().filter(|s| s.fate.as_str() == fate).count();
        assert_eq!(fates.iter().filter(|f| *f == fate).count(), wanted, "{fate}");
        assert!(wanted > 0, "{fate} is not in the chart");
    }
    // One scale: a minute is everywhere as wide as anywhere else.
    let mut drawn: Vec<f64> = width.iter().map(|w| percent(w)).collect();
    let mut minutes: Vec<f64> =
        spans.iter().map(|s| (s.stop.civil_minutes() - s.start.civil_minutes()) as f64).collect();
    drawn.sort_by(f64::total_cmp);
    minutes.sort_by(f64::total_cmp);
    let scale = drawn[drawn.len() - 1] / minutes[minutes.len() - 1];
    for (w, m) in drawn.iter().zip(&minutes) {
        assert!((w - m * scale).abs() < 0.03, "{w}% for {m} minutes at {scale}");
    }
    for (x, w) in x.iter().zip(&width) {
        assert!(percent(x) >= 2.0 && percent(x) + percent(w) <= 98.01, "{x} {w}");
    }
}

#[test]
fn the_drawing_names_what_it_shows() {
    let (chart, coding) = coded(MIXED);
    let drawing = svg::time_line(&coding, &chart, "t").expect("there are clock times");
    let initial: Vec<&str> = drawing.split("<g class=\"tl-row").filter(|row| row.contains("tl-initial")).collect();
    let coded_initial = coding.lines.iter().find(|l| l.code == "96365").expect("an initial infusion");
    assert_eq!(initial.len(), 1);
    assert!(initial[0].contains(&format!("data-a=\"{}\"", coded_initial.administrations[0])));
    assert!(drawing.contains("left &lt;arm&gt; (port), needed: drugs &amp; lines"));
    assert!(drawing.contains("no access charted"));
    assert!(!drawing.contains("style="), "looks stand in attributes and classes alone");
    let ids = attributes(&drawing, "tl-row", "data-a");
    assert_eq!(ids.iter().map(String::as_str).collect::<Vec<_>>(), ["1", "2", "3", "4", "5", "7", "6"], "by access");
    for (words, drawn) in [("minutes not known", "tl-unknown"), ("given, earns none", "tl-dropped")] {
        assert!(drawing.contains(words) && drawing.contains(drawn), "{words}");
    }
    assert!(drawing.contains("125 of 135 min"));
    assert!(drawing.contains("10:30–10:40 paused, 10 min"));
}

#[test]
fn a_pump_of_days_leaves_room_for_the_rest() {
    let (chart, coding) = coded(
        "facility 1/5/26\nZofran 4 mg IV push 10:00\nfluorouracil 4000 mg IV infusion start=2026-01-05T10:30 stop=2026-01-07T08:30\n",
    );
    let drawing = svg::time_line(&coding, &chart, "t").expect("there are clock times");
    assert!(drawing.contains(">runs on<"));
    let last = attributes(&drawing, "data-fate", "x");
    assert!(percent(&last[0]) < 60.0, "{last:?}");
}

#[test]
fn without_clock_times_there_is_no_drawing() {
    let (chart, coding) = coded("office 1/5/26\nToradol 30 mg IM\n");
    assert_eq!(svg::time_line(&coding, &chart, "t"), None);
}

fn sheet<'a>(of: &'a (Chart, Coding), print: Print, signed: Option<&'a SignOff>) -> Sheet<'a> {
    Sheet { coding: &of.1, chart: &of.0, print, signed }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_clock_adds_up_and_says_what_it_leaves_out() {
    let claim = coded(MIXED);
    let text = words(&support::text(&sheet(&claim, Print::Office, None), Style::default()));
    assert!(text.contains("10:30–10:40 10 min not counted: paused"), "{text}");
    assert!(text.contains("30 + 95 = 125 minutes counted, 10 not"), "{text}");
    assert!(text.contains("125 minutes counted, as under 96365"), "the hours rest on the same minutes: {text}");
    let page = support::html(&sheet(&claim, Print::Office, None));
    assert!(page.contains("30 + 95 = 125 minutes counted, 10 not"));
    // Every minute of every run of a line stands there, counted or not.
    for m in
        claim.1.minutes.iter().filter(|m| claim.1.lines.iter().any(|l| l.administrations.contains(&m.administration)))
    {
        let all: i64 = m.spans.iter().map(|s| s.stop.civil_minutes() - s.start.civil_minutes()).sum();
        let counted: i64 = m
            .spans
            .iter()
            .filter(|s| s.fate == Fate::Counted)
            .map(|s| s.stop.civil_minutes() - s.start.civil_minutes())
            .sum();
        let says = match all - counted {
            0 => format!("{counted} minutes counted"),
            other => format!("{counted} minutes counted, {other} not"),
        };
        assert!(text.contains(&says), "{}: {says}", m.administration);
    }
}

#[test]
fn lines_rules_and_entries_are_all_there() {
    let claim = coded(MIXED);
    let (text, page) = (
        words(&support::text(&sheet(&claim, Print::Office, None), Style::default())),
        support::html(&sheet(&claim, Print::Office, None)),
    );
    well_formed(&page);
    for l in &claim.1.lines {
        assert!(text.contains(&format!("{} ×{}", l.code, l.units)), "{}", l.code);
        for rule in &l.rules {
            let rule = RuleId::from_name(rule).expect("a rule").page();
            assert!(page.contains(&format!("({})", rule.id)) && text.contains(rule.id), "{}", rule.id);
            if let Some((address, seen)) = rule.sources.first() {
                assert!(page.contains(&format!("{address}</a> (seen {seen}")), "{address}");
            }
            for (address, _) in rule.sources.iter().skip(1) {
                assert!(page.contains(&format!("{} more in the rule book)", rule.sources.len() - 1)), "{address}");
            }
        }
    }
    assert!(text.contains("access: left <arm>") && page.contains("<dd>left &lt;arm&gt;</dd>"));
    // The documentation check says of each entry what was asked of it, and nothing of what was not.
    let check = &page[page.find("<h2>Documentation</h2>").expect("the check")..];
    for items in claim.1.documentation.chunk_by(|a, b| a.administration == b.administration) {
        let row = format!("<tr><th scope=\"row\">{}</th>", items[0].administration);
        let row = &check[check.find(&row).expect("a row") + row.len()..];
        let row = &row[..row.find("</tr>").expect("its end")];
        for item in ["stop", "rate", "volume", "waste"].into_iter().chain(items.iter().map(|d| d.item.as_str())) {
            let asked = items.iter().filter(|d| d.item == item).count();
            let told = row.split(['<', '>']).flat_map(|cell| cell.split(", ")).filter(|told| *told == item).count();
            assert_eq!(told, asked, "{item}: {row}");
        }
    }
    assert!(text.contains(dripline::NOTICE));
}

#[test]
fn an_appeal_holds_good_sources_alone() {
    let claim = coded(MIXED);
    let office = support::html(&sheet(&claim, Print::Office, None));
    let appeal = support::html(&sheet(&claim, Print::Appeal, None));
    let text = words(&support::text(&sheet(&claim, Print::Appeal, None), Style::default()));
    let cited: Vec<_> =
        claim.1.lines.iter().flat_map(|l| &l.rules).filter_map(|r| RuleId::from_name(r)).map(RuleId::page).collect();
    let good: Vec<&str> = cited.iter().filter(|p| p.grade <= Grade::B).flat_map(|p| p.sources).map(|s| s.0).collect();
    let mut weak = 0;
    for (address, _) in cited.iter().filter(|p| p.grade > Grade::B).filter_map(|p| p.sources.first()) {
        if !good.contains(address) {
            weak += 1;
            assert!(office.contains(address));
            assert!(!appeal.contains(address) && !text.contains(address), "{address}");
        }
    }
    assert!(weak > 0, "the chart has no weak source");
    assert!(appeal.contains(CONVENTION) && text.contains(CONVENTION) && !office.contains(CONVENTION));
    assert!(appeal.contains("Taken for granted") && text.contains("Taken for granted"));
    for kept in ["Still to be asked", "depends on the policy", "grade K", "Weakest rule"] {
        assert!(!appeal.contains(kept) && !text.contains(kept), "{kept}");
    }
}

#[test]
fn no_sheet_says_what_an_answer_or_another_reading_would_earn() {
    let claim = coded(MIXED);
    assert!(!claim.1.alternatives.is_empty());
    for print in [Print::Office, Print::Appeal] {
        let text = words(&support::text(&sheet(&claim, print, None), Style { width: 4000, ..Style::default() }));
        let page = support::html(&sheet(&claim, print, None));
        for q in &claim.1.queries {
            for o in &q.outcomes {
                assert!(!text.contains(o.answer.as_str()) && !page.contains(o.answer.as_str()), "{}", o.answer);
            }
        }
        for line in claim.1.alternatives.iter().flat_map(|a| &a.lines) {
            let (said, shown) = (format!("{} ×{}", line.code, line.units), format!("{}</td>", line.code));
            let same_code = claim.1.lines.iter().any(|l| l.code == line.code);
            assert!(same_code || !text.contains(&said), "{said}");
            assert!(same_code || !page.contains(&shown), "{shown}");
        }
        for switch in claim.1.alternatives.iter().map(|a| format!("{} = ", a.switch)) {
            assert!(!text.contains(&switch) && !page.contains(&switch), "{switch}");
        }
        assert!(!text.contains('$') && !page.contains('$'));
    }
}

#[test]
fn a_claim_is_signed_after_the_service_and_not_ahead_of_time() {
    let claim = coded(MIXED);
    let last = claim.1.lines.iter().map(|l| l.date.0).max().expect("a line");
    let today = last.saturating_add(jiff::Span::new().days(3));
    let signed = |on| SignOff { by: "A. Coder".to_owned(), on: ChartDate(on) }.untimely(&claim.1, today);
    assert_eq!((signed(last), signed(today)), (None, None));
    assert_eq!(signed(last.yesterday().unwrap()), Some("it is signed before the service"));
    assert_eq!(signed(today.tomorrow().unwrap()), Some("the date is still to come"));
}

#[test]
fn a_sheet_is_a_draft_until_a_person_signs() {
    let claim = coded(MIXED);
    let signed = SignOff { by: "A. <Coder>".to_owned(), on: ChartDate(date(2026, 1, 9)) };
    let draft = support::document(&sheet(&claim, Print::Appeal, None));
    assert!(draft.contains("class=\"watermark\"") && draft.contains("DRAFT: not signed off"));
    let done = support::document(&sheet(&claim, Print::Appeal, Some(&signed)));
    assert!(!done.contains("class=\"watermark\"") && !done.contains("DRAFT"));
    assert!(done.contains("Signed off by A. &lt;Coder&gt; on 2026-01-09"));
    let text = support::text(&sheet(&claim, Print::Office, None), Style::default());
    assert_eq!(text.matches("DRAFT: not signed off").count(), 2, "first and last");
    let text = support::text(&sheet(&claim, Print::Office, Some(&signed)), Style::default());
    assert!(!text.contains("DRAFT") && text.contains("Signed off by A. <Coder> on 2026-01-09."));
}

/// Why the line of a code stands.
fn reason<'c>(claim: &'c (Chart, Coding), code: &str) -> &'c str {
    &claim.1.lines.iter().find(|l| l.code == code && l.modifiers.is_empty()).expect(code).why
}

#[test]
fn no_reason_says_what_the_chart_does_not() {
    let sheet_of = |claim: &_| words(&support::text(&sheet(claim, Print::Appeal, None), Style::default()));
    let office = |star: &str| {
        coded(&format!(
            "office 1/5/26\nNS 1 L hydration 10:00-11:30 for dehydration\n{star}Zofran 4 mg IV push 10:10\n"
        ))
    };
    // By rank, and not because somebody came for it; the appeal says so too.
    let (by_rank, by_reason) = (office(""), office("* "));
    let told = "No reason that decides is charted, so that the highest-ranked one was taken.";
    assert!(reason(&by_rank, "96374").contains(told) && sheet_of(&by_rank).contains(told));
    assert!(!reason(&by_reason, "96374").contains(told) && !sheet_of(&by_reason).contains(told));
    // The hydration is billed: its reason stands in the chart.
    assert!(by_rank.1.lines.iter().any(|l| l.code == "96361") && !sheet_of(&by_rank).contains("none stands"));
    // What sets an initial service apart is its own access or visit.
    let apart = |text: &str, code: &str| {
        let (_, coding) = coded(text);
        let marked = coding.lines.iter().find(|l| l.code == code && l.modifiers == ["59"]).expect("a marked line");
        marked.why.clone()
    };
    let second = "facility 1/5/26\naccess left kind=picc need=\"drugs must not mix\"\naccess right kind=peripheral\n\
                  Rocephin 1 g IVPB 10:00-11:00 via right\nvancomycin 1 g IVPB 10:00-11:30 via left\n";
    let why = apart(second, "96365");
    assert!(why.contains("highest-ranked service of the visit at its access"), "{why}");
    assert!(why.contains("A second vascular access was needed"), "{why}");
}
