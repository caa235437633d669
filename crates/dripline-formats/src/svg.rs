//! The time line as a drawing: access by access, a bar for each administration, each minute marked by its fate.
//!
//! The drawing is as wide as its place: times are positions in percent and words keep their size, so that it reads the
//! same on a narrow screen, a wide one and on paper. Fates are told by patterns and by words as well as by colours.
//! Every sign has a class (`tl-…`), by which a page may recolour it, and carries what it stands for: `data-a` on a row
//! is the administration's id, `data-fate` and `data-by` on a bar are the span's of the coding.

use std::fmt::Write as _;

use dripline::chart::{Administration, Chart, Method, Status};
use dripline::code::Code;
use dripline::coding::{Coding, Fate};

use crate::html::Esc;
use crate::text::names::{Names, clock};
use crate::text::page::cut;
use crate::text::time_line::{
    COUNTED, Clock, DROPPED, EARNS, EXCLUDED, LONG, OVERLAPPED, PAUSED, RUNS_ON, access_name, chart_order, line,
};

/// Codes of a visit's first service by vein.
const INITIAL: [Code; 5] = [Code::N96360, Code::N96365, Code::N96374, Code::N96409, Code::N96413];

/// Minutes from one tick to the next: the finest that gives few enough ticks is taken.
const TICKS: [i64; 17] = [5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 7200, 14_400, 100_800, 1_051_200];

/// Most ticks that have room on a narrow screen.
const MOST_TICKS: i64 = 6;

/// Where the axis begins and ends, in percent of the width: room for the signs at its ends.
const FROM: f64 = 2.0;
const TO: f64 = 98.0;

/// Characters of a row's name.
const NAME: usize = 26;

const HEADING: u32 = 26;
const AXIS: u32 = 24;
const ROW: u32 = 40;
const BAR: u32 = 14;

/// How a sign looks without a style sheet: on white, each at least 4.5 to 1.
const GOOD: &str = "#0b6b4f";
const OTHER: &str = "#1f5a9e";
const FAINT: &str = "#5b6470";
const ALERT: &str = "#a1401f";

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Earns,
    Dropped,
    Unknown,
    Counted,
    RunsOn,
    Overlapped,
    Paused,
    Excluded,
}

impl Sign {
    fn of(fate: Fate) -> Self {
        match fate {
            Fate::Counted => Sign::Counted,
            Fate::Overlapped => Sign::Overlapped,
            Fate::Paused => Sign::Paused,
            Fate::Excluded => Sign::Excluded,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Sign::Earns => EARNS,
            Sign::Dropped => DROPPED,
            Sign::Unknown => "minutes not known",
            Sign::Counted => COUNTED,
            Sign::RunsOn => RUNS_ON,
            Sign::Overlapped => OVERLAPPED,
            Sign::Paused => PAUSED,
            Sign::Excluded => EXCLUDED,
        }
    }
}

struct Row<'a> {
    id: &'a str,
    name: String,
    /// The whole story, in words.
    title: String,
    codes: Vec<&'a str>,
    initial: bool,
    spans: Vec<Span<'a>>,
    /// Something without a length that is drawn.
    mark: Option<(i64, Sign)>,
    /// `115 of 125 min`.
    minutes: Option<String>,
}

struct Span<'a> {
    start: i64,
    stop: i64,
    fate: Fate,
    by: Option<&'a str>,
}

impl Row<'_> {
    fn length(&self) -> i64 {
        self.spans.iter().map(|s| s.stop - s.start).sum()
    }
}

/// What was given through one access in one visit.
struct Group<'a> {
    visit: &'a str,
    access: Option<&'a str>,
    rows: Vec<Row<'a>>,
}

/// The time line of a coded chart as one `svg` element; nothing where the chart has no clock times.
///
/// `id` begins the ids inside of it: letters, digits and hyphens, another one for each drawing of a page.
#[must_use]
pub fn time_line(coding: &Coding, chart: &Chart, id: &str) -> Option<String> {
    let names = Names::new(Some(chart));
    let mut groups: Vec<Group> = Vec::new();
    for (own, a) in names.rows() {
        if matches!(a.status, Some(Status::NotGiven | Status::EnteredInError)) {
            continue;
        }
        let Some(row) = row(coding, &names, own, a) else { continue };
        let (visit, access) = (a.visit.as_deref().unwrap_or("1"), a.access.as_deref());
        let at = groups.iter().position(|g| (g.visit, g.access) == (visit, access)).unwrap_or_else(|| {
            groups.push(Group { visit, access, rows: Vec::new() });
            groups.len() - 1
        });
        groups[at].rows.push(row);
    }
    if groups.is_empty() {
        return None;
    }
    groups.sort_by_key(|g| chart_order(chart, g.visit));
    Some(draw(&groups, chart, id))
}

fn row<'a>(coding: &'a Coding, names: &Names<'_>, id: &'a str, a: &Administration) -> Option<Row<'a>> {
    let spans: Vec<Span> = coding
        .minutes
        .iter()
        .filter(|m| m.administration == id)
        .flat_map(|m| &m.spans)
        .map(|s| Span { start: line(s.start), stop: line(s.stop), fate: s.fate, by: s.by.as_deref() })
        .filter(|s| s.stop > s.start)
        .collect();
    let codes: Vec<&str> = {
        let mut codes: Vec<&str> = coding
            .lines
            .iter()
            .filter(|l| l.administrations.iter().any(|i| i == id))
            .map(|l| l.code.as_str())
            .collect();
        codes.dedup();
        codes
    };
    let length: i64 = spans.iter().map(|s| s.stop - s.start).sum();
    let by_hand = matches!(a.method, Some(Method::Push | Method::Injection | Method::OnBody));
    let short = by_hand && length <= 15;
    let mark = match spans.is_empty() || short {
        false => None,
        true => {
            let timed = matches!(a.method, Some(Method::Infusion | Method::Pump)) && spans.is_empty();
            let sign = match (timed, codes.is_empty()) {
                (_, false) => Sign::Earns,
                (true, true) => Sign::Unknown,
                (false, true) => Sign::Dropped,
            };
            Some((line(a.start?), sign))
        }
    };
    let counted: i64 = spans.iter().filter(|s| s.fate == Fate::Counted).map(|s| s.stop - s.start).sum();
    let minutes = (!spans.is_empty()).then(|| match counted == length {
        true => format!("{length} min"),
        false => format!("{counted} of {length} min"),
    });
    let initial = codes.iter().any(|c| Code::from_name(c).is_some_and(|c| INITIAL.contains(&c)));
    let earns = match codes.as_slice() {
        [] => "earns no administration code".to_owned(),
        codes => format!("earns {}{}", codes.join(", "), if initial { ", the initial service" } else { "" }),
    };
    let mut title = format!("{id}: {}: {earns}", names.what(id));
    for part in parts(coding, names, id) {
        title = format!("{title}; {part}");
    }
    let name = format!("{id} {}", names.drug(id).unwrap_or("no drug named"));
    Some(Row { id, name, title, codes, initial, spans, mark, minutes })
}

/// Each span of an administration in words: `10:05–10:30 counted, 25 min`.
fn parts(coding: &Coding, names: &Names, id: &str) -> Vec<String> {
    let spans = coding.minutes.iter().filter(|m| m.administration == id).flat_map(|m| &m.spans);
    spans
        .map(|s| {
            let fate = match (s.fate, &s.by) {
                (Fate::Overlapped, Some(by)) => format!("counted for {}", names.list(std::slice::from_ref(by))),
                (Fate::Excluded, Some(rule)) => format!("{EXCLUDED} ({rule})"),
                (fate, _) => Sign::of(fate).words().to_owned(),
            };
            format!("{}–{} {fate}, {} min", clock(s.start), clock(s.stop), line(s.stop) - line(s.start))
        })
        .collect()
}

/// Minutes on the width.
struct Scale {
    from: i64,
    to: i64,
    tick: i64,
}

impl Scale {
    fn of(groups: &[Group]) -> Scale {
        let rows = || groups.iter().flat_map(|g| &g.rows);
        // A pump that runs for days would leave no room for what was given beside it.
        let short = rows().any(|r| r.length() <= LONG);
        let times = rows().flat_map(move |r| {
            let end = match r.spans.first() {
                Some(first) if short && r.length() > LONG => first.start + LONG / 8,
                _ => i64::MAX,
            };
            let spans = r.spans.iter().flat_map(move |s| [s.start.min(end), s.stop.min(end)]);
            spans.chain(r.mark.map(|m| m.0))
        });
        // Every row has a time.
        let (first, last) = (times.clone().min().unwrap_or(0), times.max().unwrap_or(0));
        let ends = |tick: i64| (first.div_euclid(tick) * tick, (last + tick - 1).div_euclid(tick) * tick);
        let fits = |tick: &&i64| (ends(**tick).1 - ends(**tick).0) / **tick < MOST_TICKS;
        let tick = *TICKS.iter().find(fits).unwrap_or(&TICKS[TICKS.len() - 1]);
        let (from, to) = ends(tick);
        Scale { from, to: to.max(from + tick), tick }
    }

    fn at(&self, minute: i64) -> f64 {
        let (span, passed) = ((self.to - self.from) as f64, (minute.clamp(self.from, self.to) - self.from) as f64);
        FROM + (TO - FROM) * passed / span
    }
}

/// A percentage with two decimals, without zeros that say nothing.
fn percent(p: f64) -> String {
    let text = format!("{p:.2}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

fn draw(groups: &[Group], chart: &Chart, id: &str) -> String {
    let id = Esc(id);
    let clocks = Clock::of(chart);
    let several_visits = groups.windows(2).any(|g| g[0].visit != g[1].visit);
    let (mut body, mut y) = (String::new(), 0_u32);
    let mut used: Vec<Sign> = Vec::new();
    for visit in groups.chunk_by(|a, b| a.visit == b.visit) {
        let scale = Scale::of(visit);
        if several_visits {
            heading(&mut body, &mut y, &format!("Visit {}", visit[0].visit));
        }
        let by_access = visit.len() > 1 || visit[0].access.is_some();
        let rows: usize = visit.iter().map(|g| g.rows.len()).sum();
        let height = rows as u32 * ROW + if by_access { visit.len() as u32 * HEADING } else { 0 };
        axis(&mut body, &mut y, &scale, &clocks, height);
        for group in visit {
            if by_access {
                heading(&mut body, &mut y, &access_name(chart, group.access));
            }
            for row in &group.rows {
                one(&mut body, y, row, &scale, &id, &mut used);
                y += ROW;
            }
        }
    }
    used.sort_unstable();
    used.dedup();
    legend(&mut body, &mut y, &used, &id);
    let told: Vec<&str> = groups.iter().flat_map(|g| &g.rows).map(|r| r.title.as_str()).collect();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"tl\" width=\"100%\" height=\"{y}\" role=\"img\" \
         aria-labelledby=\"{id}-t {id}-d\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#1b232c\">\
         <title id=\"{id}-t\">Time line</title><desc id=\"{id}-d\">{}</desc>",
        Esc(told.join(". "))
    );
    let _ = write!(
        out,
        "<defs>\
         <pattern id=\"{id}-o\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <path class=\"tl-pen-overlapped\" d=\"M1.5 0V6\" stroke=\"{OTHER}\" stroke-width=\"3\"/></pattern>\
         <pattern id=\"{id}-x\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">\
         <circle class=\"tl-dot-excluded\" cx=\"3\" cy=\"3\" r=\"1.4\" fill=\"{ALERT}\"/></pattern></defs>"
    );
    out.push_str(&body);
    out.push_str("</svg>");
    out
}

fn heading(out: &mut String, y: &mut u32, text: &str) {
    let _ = write!(
        out,
        "<text class=\"tl-head\" x=\"0\" y=\"{}\" font-weight=\"600\">{}</text>",
        *y + 16,
        Esc(cut(text, 60))
    );
    *y += HEADING;
}

fn axis(out: &mut String, y: &mut u32, scale: &Scale, clocks: &Clock, height: u32) {
    let mut day = None;
    let mut minute = scale.from;
    let dates = clocks.at(scale.from).civil.date() != clocks.at(scale.to).civil.date();
    while minute <= scale.to {
        let (x, time) = (scale.at(minute), clocks.at(minute));
        let anchor = match minute {
            m if m == scale.from => "start",
            m if m == scale.to => "end",
            _ => "middle",
        };
        let new_day = dates && day != Some(time.civil.date());
        day = Some(time.civil.date());
        let label = match new_day || scale.tick >= 1440 {
            true => format!("{:02}-{:02}", time.civil.month(), time.civil.day()),
            false => clock(time),
        };
        let weight = if new_day { " font-weight=\"600\"" } else { "" };
        let _ = write!(
            out,
            "<line class=\"tl-grid\" x1=\"{x}\" x2=\"{x}\" y1=\"{}\" y2=\"{}\" stroke=\"#d5dae0\"/>\
             <text class=\"tl-tick\" x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\" fill=\"{FAINT}\"{weight}>{label}</text>",
            *y + AXIS - 6,
            *y + AXIS + height,
            *y + 12,
            x = percent(x),
        );
        minute += scale.tick;
    }
    *y += AXIS;
}

fn one(out: &mut String, y: u32, row: &Row, scale: &Scale, id: &Esc<&str>, used: &mut Vec<Sign>) {
    let state = if row.codes.is_empty() { "tl-none" } else { "tl-earns" };
    let _ = write!(
        out,
        "<g class=\"tl-row {state}\" data-a=\"{}\"><title>{}</title>\
         <text class=\"tl-name\" x=\"0\" y=\"{}\">{}</text><text class=\"tl-result\" x=\"100%\" y=\"{}\" text-anchor=\"end\">",
        Esc(row.id),
        Esc(&row.title),
        y + 13,
        Esc(cut(&row.name, NAME)),
        y + 13,
    );
    if row.initial {
        out.push_str("<tspan class=\"tl-initial\" font-weight=\"600\">initial</tspan> ");
    }
    match row.codes.as_slice() {
        [] => out.push_str("no code"),
        codes => {
            let _ = write!(out, "{}", codes.join(" "));
        }
    }
    if let Some(minutes) = &row.minutes {
        let _ = write!(out, "<tspan class=\"tl-more\"> · {minutes}</tspan>");
    }
    out.push_str("</text>");
    let top = y + 19;
    for span in &row.spans {
        // A push with a charted stop is drawn as the mark that it is.
        if row.mark.is_some() || span.start >= scale.to {
            continue;
        }
        let sign = Sign::of(span.fate);
        used.push(sign);
        let (x, end) = (scale.at(span.start), scale.at(span.stop));
        bar(out, sign, &percent(x), &percent(end - x), top, id, Some(span));
        if span.stop > scale.to {
            used.push(Sign::RunsOn);
            mark(out, Sign::RunsOn, "100%", top);
        }
    }
    if let Some((minute, sign)) = row.mark {
        used.push(sign);
        mark(out, sign, &percent(scale.at(minute)), top);
    }
    out.push_str("</g>");
}

fn bar(out: &mut String, sign: Sign, x: &str, width: &str, y: u32, id: &Esc<&str>, span: Option<&Span>) {
    let (class, look) = match sign {
        Sign::Overlapped => ("overlapped", format!("fill=\"url(#{id}-o)\" stroke=\"{OTHER}\"")),
        Sign::Excluded => ("excluded", format!("fill=\"url(#{id}-x)\" stroke=\"{ALERT}\"")),
        Sign::Paused => ("paused", format!("fill=\"none\" stroke=\"{FAINT}\" stroke-dasharray=\"3 3\"")),
        _ => ("counted", format!("fill=\"{GOOD}\" stroke=\"{GOOD}\"")),
    };
    let mut data = String::new();
    if let Some(span) = span {
        let _ = write!(data, " data-fate=\"{}\"", span.fate);
        if let Some(by) = span.by {
            let _ = write!(data, " data-by=\"{}\"", Esc(by));
        }
    }
    let _ = write!(
        out,
        "<rect class=\"tl-bar tl-{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BAR}\" {look}{data}/>"
    );
}

fn mark(out: &mut String, sign: Sign, x: &str, y: u32) {
    // The inner svg carries a place in percent to shapes that know none.
    let _ = write!(out, "<svg x=\"{x}\" y=\"{y}\" overflow=\"visible\">");
    let _ = match sign {
        Sign::Earns => {
            write!(out, "<path class=\"tl-mark tl-counted\" d=\"M-7 0H7L0 14Z\" fill=\"{GOOD}\" stroke=\"{GOOD}\"/>")
        }
        Sign::Dropped => write!(
            out,
            "<path class=\"tl-mark tl-dropped\" d=\"M-6 1H6L0 13Z\" fill=\"none\" stroke=\"{ALERT}\" stroke-width=\"2\"/>"
        ),
        Sign::RunsOn => {
            write!(
                out,
                "<path class=\"tl-mark tl-counted\" d=\"M-12 0L0 7L-12 14Z\" fill=\"{GOOD}\" stroke=\"{GOOD}\"/>"
            )
        }
        _ => write!(
            out,
            "<text class=\"tl-mark tl-unknown\" x=\"-4\" y=\"13\" font-size=\"16\" font-weight=\"700\" fill=\"{ALERT}\">?</text>"
        ),
    };
    out.push_str("</svg>");
}

/// Two signs a row.
fn legend(out: &mut String, y: &mut u32, used: &[Sign], id: &Esc<&str>) {
    *y += 6;
    out.push_str("<g class=\"tl-legend\">");
    for pair in used.chunks(2) {
        for (sign, x) in pair.iter().zip([0, 50]) {
            let _ = write!(out, "<svg x=\"{x}%\" y=\"{y}\" overflow=\"visible\">");
            match sign {
                Sign::Earns | Sign::Dropped | Sign::Unknown => mark(out, *sign, "9", 0),
                Sign::RunsOn => mark(out, *sign, "16", 0),
                bar_sign => bar(out, *bar_sign, "1", "17", 0, id, None),
            }
            let _ = write!(
                out,
                "<text class=\"tl-tick\" x=\"24\" y=\"12\" font-size=\"11\" fill=\"{FAINT}\">{}</text></svg>",
                sign.words()
            );
        }
        *y += 22;
    }
    out.push_str("</g>");
}
