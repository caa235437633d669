//! The time line: access by access, what became of each minute.

use std::collections::BTreeMap;

use dripline::chart::{Administration, Chart, ChartTime, Method, Status};
use dripline::coding::{Coding, Fate};

use super::names::{Names, clock};
use super::page::{Ink, Page, cut, width};

/// Columns of the names and of the minutes counted, with the blanks around them.
const LABEL: usize = 20;
const COUNT: usize = 5;

/// Minutes of a run that is cut short where shorter ones stand beside it.
pub(crate) const LONG: i64 = 480;

/// Minutes a column, minutes a tick: the finest that fits is taken.
const SCALES: [(i64, i64); 17] = [
    (1, 10),
    (2, 20),
    (3, 30),
    (5, 60),
    (10, 120),
    (15, 120),
    (20, 240),
    (30, 240),
    (60, 720),
    (120, 1440),
    (240, 2880),
    (360, 4320),
    (720, 8640),
    (1440, 14400),
    (2880, 28800),
    (10080, 100_800),
    (525_600, 5_256_000),
];

/// The legend's order.
const ORDER: [&str; 8] = [EARNS, DROPPED, UNKNOWN, COUNTED, RUNS_ON, OVERLAPPED, PAUSED, EXCLUDED];
pub(crate) const EARNS: &str = "given, earns a code";
pub(crate) const DROPPED: &str = "given, earns none";
pub(crate) const RUNS_ON: &str = "runs on";
pub(crate) const UNKNOWN: &str = "started, minutes not known";
pub(crate) const COUNTED: &str = "counted";
pub(crate) const OVERLAPPED: &str = "counted for another";
pub(crate) const PAUSED: &str = "paused";
pub(crate) const EXCLUDED: &str = "not counted";

/// What was given through one access in one visit.
struct Group<'a> {
    visit: &'a str,
    access: Option<&'a str>,
    bars: Vec<Bar>,
}

/// One row of the picture.
struct Bar {
    label: String,
    spans: Vec<(i64, i64, Fate)>,
    /// When something without length was given, and with what sign.
    marks: Vec<(i64, Mark)>,
    counted: Option<i64>,
    note: String,
}

impl Bar {
    fn length(&self) -> i64 {
        self.spans.iter().map(|s| s.1 - s.0).sum()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Unknown,
    Dropped,
    Earns,
    /// The bar runs on behind the end of the axis.
    On,
}

/// The signs, with the words that explain them: a letter for each fate and mark.
struct Signs {
    ascii: bool,
}

impl Signs {
    fn fate(&self, fate: Fate) -> (char, Ink, &'static str) {
        let pick = |block, plain| if self.ascii { plain } else { block };
        match fate {
            Fate::Counted => (pick('█', '#'), Ink::Good, COUNTED),
            Fate::Overlapped => (pick('▒', '='), Ink::Code, OVERLAPPED),
            Fate::Paused => (pick('╌', '.'), Ink::Faint, PAUSED),
            Fate::Excluded => (pick('░', '-'), Ink::Alert, EXCLUDED),
        }
    }

    fn mark(&self, mark: Mark) -> (char, Ink, &'static str) {
        let pick = |block, plain| if self.ascii { plain } else { block };
        match mark {
            Mark::Earns => (pick('▼', 'V'), Ink::Good, EARNS),
            Mark::Dropped => (pick('▽', 'v'), Ink::Alert, DROPPED),
            Mark::On => (pick('▶', '>'), Ink::Good, RUNS_ON),
            Mark::Unknown => ('?', Ink::Alert, UNKNOWN),
        }
    }
}

/// Draws the time line; nothing where the chart has no clock times.
pub(super) fn draw(page: &mut Page, coding: &Coding, chart: &Chart, names: &Names) {
    let mut groups: Vec<Group> = Vec::new();
    for (id, a) in names.rows() {
        if matches!(a.status, Some(Status::NotGiven | Status::EnteredInError)) {
            continue;
        }
        let (visit, access) = (a.visit.as_deref().unwrap_or("1"), a.access.as_deref());
        let Some(bar) = bar(coding, names, id, a) else { continue };
        let at = groups.iter().position(|g| (g.visit, g.access) == (visit, access)).unwrap_or_else(|| {
            groups.push(Group { visit, access, bars: Vec::new() });
            groups.len() - 1
        });
        join(&mut groups[at].bars, bar, names.drug(id));
    }
    // One mark alone says nothing that the lines do not.
    let bars = || groups.iter().flat_map(|g| &g.bars);
    if bars().all(|b| b.spans.is_empty()) && bars().map(|b| b.marks.len()).sum::<usize>() < 2 {
        return;
    }
    groups.sort_by_key(|g| chart_order(chart, g.visit));
    let visits = groups.chunk_by(|a, b| a.visit == b.visit);
    let several_visits = visits.clone().count() > 1;
    page.heading("Time line");
    let mut used: Vec<(char, Ink, &str)> = Vec::new();
    for visit in visits {
        let Some(scale) = Scale::of(visit.iter().flat_map(|g| &g.bars), page.style.width) else { continue };
        if several_visits {
            page.line(&[(Ink::Heading, &format!("  Visit {}", visit[0].visit))]);
        }
        scale.axis(page, &Clock::of(chart));
        let by_access = visit.len() > 1 || visit[0].access.is_some();
        for group in visit {
            if by_access {
                page.line(&[(Ink::Heading, &format!("  {}", access_name(chart, group.access)))]);
            }
            for bar in &group.bars {
                scale.bar(page, bar, &mut used);
            }
        }
    }
    used.sort_by_key(|sign| ORDER.iter().position(|o| *o == sign.2));
    legend(page, &used);
}

pub(crate) fn chart_order(chart: &Chart, visit: &str) -> usize {
    chart.administrations.iter().position(|a| a.visit.as_deref().unwrap_or("1") == visit).unwrap_or(usize::MAX)
}

pub(crate) fn access_name(chart: &Chart, id: Option<&str>) -> String {
    let Some(id) = id else { return "no access charted".to_owned() };
    let Some(access) = chart.accesses.get(id) else { return id.to_owned() };
    let mut name = id.to_owned();
    if let Some(kind) = access.kind.filter(|k| k.as_str() != id) {
        name = format!("{name} ({kind})");
    }
    match &access.needed_because {
        Some(need) => format!("{name}, needed: {need}"),
        None if chart.accesses.len() > 1 => format!("{name}, no need charted"),
        None => name,
    }
}

fn bar(coding: &Coding, names: &Names, id: &str, a: &Administration) -> Option<Bar> {
    let spans: Vec<(i64, i64, Fate)> = coding
        .minutes
        .iter()
        .filter(|m| m.administration == id)
        .flat_map(|m| &m.spans)
        .map(|s| (line(s.start), line(s.stop), s.fate))
        .filter(|s| s.1 > s.0)
        .collect();
    let length: i64 = spans.iter().map(|s| s.1 - s.0).sum();
    let by_hand = matches!(a.method, Some(Method::Push | Method::Injection | Method::OnBody));
    let earns = coding.lines.iter().any(|l| l.administrations.iter().any(|i| i == id));
    let mut marks = Vec::new();
    if spans.is_empty() || (by_hand && length <= 15) {
        let timed = matches!(a.method, Some(Method::Infusion | Method::Pump)) && spans.is_empty();
        let mark = match (timed && !earns, earns) {
            (true, _) => Mark::Unknown,
            (false, true) => Mark::Earns,
            (false, false) => Mark::Dropped,
        };
        marks.push((line(a.start?), mark));
    }
    let label = format!("{id} {}", names.drug(id).unwrap_or(""));
    if !marks.is_empty() {
        return Some(Bar { label, spans: Vec::new(), marks, counted: None, note: String::new() });
    }
    let counted = spans.iter().filter(|s| s.2 == Fate::Counted).map(|s| s.1 - s.0).sum();
    Some(Bar { label, note: note(coding, names, id), spans, marks, counted: Some(counted) })
}

/// Pushes of one drug share a row, so that their distance can be seen.
fn join(bars: &mut Vec<Bar>, mut bar: Bar, drug: Option<&str>) {
    if let (Some(drug), Some(last)) = (drug, bars.last_mut())
        && !bar.marks.is_empty()
        && !last.marks.is_empty()
        && let Some(ids) = last.label.strip_suffix(drug)
    {
        let id = bar.label.strip_suffix(drug).unwrap_or("").trim_end();
        last.label = format!("{},{id} {drug}", ids.trim_end());
        last.marks.append(&mut bar.marks);
        return;
    }
    bars.push(bar);
}

/// What became of the minutes, in numbers, where not all of them count.
fn note(coding: &Coding, names: &Names, id: &str) -> String {
    let mut sums: BTreeMap<(u8, &str), i64> = BTreeMap::new();
    for span in coding.minutes.iter().filter(|m| m.administration == id).flat_map(|m| &m.spans) {
        let rank = match span.fate {
            Fate::Counted => 0,
            Fate::Overlapped => 1,
            Fate::Paused => 2,
            Fate::Excluded => 3,
        };
        let by = span.by.as_deref().unwrap_or("");
        *sums.entry((rank, if rank == 0 { "" } else { by })).or_default() += line(span.stop) - line(span.start);
    }
    if sums.keys().all(|(rank, _)| *rank == 0) {
        return String::new();
    }
    let parts: Vec<String> = sums
        .iter()
        .map(|((rank, by), minutes)| match rank {
            0 => format!("{minutes} counted"),
            1 => format!("{minutes} with {}", names.list(&[(*by).into()])),
            2 => format!("{minutes} paused"),
            _ => format!("{minutes} not counted ({by})"),
        })
        .collect();
    format!("{} min: {}", sums.values().sum::<i64>(), parts.join(", "))
}

/// A charted time on one line of minutes, also across a change of the clock where offsets are written.
pub(crate) fn line(time: ChartTime) -> i64 {
    time.civil_minutes() - i64::from(time.offset.unwrap_or(0))
}

/// Clock times of the line: the offsets that the chart wrote, and since when.
pub(crate) struct Clock {
    offsets: Vec<(i64, i64)>,
}

impl Clock {
    pub fn of(chart: &Chart) -> Self {
        let mut offsets: Vec<_> = chart
            .administrations
            .iter()
            .flat_map(|a| [a.start, a.stop])
            .flatten()
            .map(|t| (line(t), i64::from(t.offset.unwrap_or(0))))
            .collect();
        offsets.sort_unstable();
        Clock { offsets }
    }

    pub fn at(&self, minute: i64) -> ChartTime {
        let offset = self.offsets.iter().rev().find(|o| o.0 <= minute).or(self.offsets.first()).map_or(0, |o| o.1);
        dripline::time::Clock::default().show(minute + offset)
    }
}

struct Scale {
    from: i64,
    cells: usize,
    minutes: i64,
    tick: i64,
}

impl Scale {
    /// The finest scale on which everything fits.
    fn of<'a>(bars: impl Iterator<Item = &'a Bar> + Clone, page: usize) -> Option<Scale> {
        // A pump that runs for days would leave no room for what was given beside it.
        let short = bars.clone().any(|b| b.length() <= LONG);
        let times = bars.flat_map(move |b| {
            let cut = short && b.length() > LONG;
            let end = b.spans.first().filter(|_| cut).map_or(i64::MAX, |s| s.0 + LONG / 8);
            let spans = b.spans.iter().flat_map(move |s| [s.0.min(end), s.1.min(end)]);
            spans.chain(b.marks.iter().flat_map(|m| [m.0, m.0 + 1]))
        });
        let (first, last) = (times.clone().min()?, times.max()?);
        let room = page.saturating_sub(2 + LABEL + COUNT + 1).max(20) as i64;
        SCALES.iter().find_map(|&(minutes, tick)| {
            // The axis begins on a clock time that is easy to count from.
            let step = (tick / 2).max(minutes);
            let from = first.div_euclid(step) * step;
            let cells = (last - from + minutes - 1) / minutes;
            (cells <= room).then(|| Scale { from, cells: usize::try_from(cells).unwrap_or(0).max(1), minutes, tick })
        })
    }

    fn axis(&self, page: &mut Page, clocks: &Clock) {
        let every = usize::try_from(self.tick / self.minutes).unwrap_or(10);
        let lead = " ".repeat(2 + LABEL);
        let (mut dates, mut labels, mut ruler) = (String::new(), String::new(), String::new());
        let room = page.style.width.saturating_sub(2 + LABEL + COUNT + 1);
        let mut day = None;
        for cell in (0..=self.cells).step_by(every) {
            let time = clocks.at(self.from + cell as i64 * self.minutes);
            pad(&mut labels, cell);
            if width(&labels) == cell && cell + 5 <= room {
                labels.push_str(&clock(time));
            }
            if day != Some(time.civil.date()) {
                day = Some(time.civil.date());
                pad(&mut dates, cell);
                if width(&dates) == cell && cell + 10 <= room {
                    dates.push_str(&time.civil.date().to_string());
                    dates.push(' ');
                }
            }
        }
        for cell in 0..self.cells {
            ruler.push(match (cell % every == 0, page.style.ascii) {
                (true, false) => '┼',
                (false, false) => '─',
                (true, true) => '+',
                (false, true) => '-',
            });
        }
        let count = format!("{:>w$} ", "min", w = COUNT);
        let blank = " ".repeat(COUNT + 1);
        if dates.split_whitespace().count() > 1 {
            page.line(&[(Ink::Plain, &lead), (Ink::Plain, &blank), (Ink::Faint, &dates)]);
        }
        page.line(&[(Ink::Plain, &lead), (Ink::Faint, &count), (Ink::Faint, &labels)]);
        page.line(&[(Ink::Plain, &lead), (Ink::Plain, &blank), (Ink::Faint, &ruler)]);
    }

    fn cell(&self, minute: i64) -> usize {
        usize::try_from((minute - self.from) / self.minutes).unwrap_or(0).min(self.cells.saturating_sub(1))
    }

    fn bar(&self, page: &mut Page, bar: &Bar, used: &mut Vec<(char, Ink, &'static str)>) {
        let signs = Signs { ascii: page.style.ascii };
        let mut cells: Vec<(char, Ink)> = vec![(' ', Ink::Plain); self.cells];
        let mut show = |at: usize, sign: (char, Ink, &'static str)| {
            cells[at] = (sign.0, sign.1);
            if !used.contains(&sign) {
                used.push(sign);
            }
        };
        for at in 0..self.cells {
            let from = self.from + at as i64 * self.minutes;
            let share = |s: &(i64, i64, Fate)| s.1.min(from + self.minutes) - s.0.max(from);
            if let Some(most) = bar.spans.iter().rev().max_by_key(|s| share(s)).filter(|s| share(s) > 0) {
                show(at, signs.fate(most.2));
            }
        }
        let mut marks = bar.marks.clone();
        let end = self.from + self.cells as i64 * self.minutes;
        if bar.spans.iter().any(|s| s.1 > end) {
            marks.push((end - 1, Mark::On));
        }
        marks.sort_by_key(|m| m.1);
        for (minute, mark) in marks {
            show(self.cell(minute), signs.mark(mark));
        }
        let label = format!("  {:<w$}", cut(&bar.label, LABEL), w = LABEL);
        let counted = match bar.counted {
            Some(minutes) => format!("{minutes:>w$} ", w = COUNT),
            None => " ".repeat(COUNT + 1),
        };
        let mut pieces: Vec<(Ink, String)> = vec![(Ink::Plain, label), (Ink::Plain, counted)];
        for (sign, ink) in cells {
            match pieces.last_mut() {
                Some((last, text)) if *last == ink => text.push(sign),
                _ => pieces.push((ink, sign.to_string())),
            }
        }
        let pieces: Vec<(Ink, &str)> = pieces.iter().map(|(i, t)| (*i, t.as_str())).collect();
        page.line(&pieces);
        if !bar.note.is_empty() {
            page.words(&[], 4, Ink::Faint, &bar.note);
        }
    }
}

fn pad(text: &mut String, to: usize) {
    while width(text) < to {
        text.push(' ');
    }
}

fn legend(page: &mut Page, used: &[(char, Ink, &'static str)]) {
    let mut line = vec![(Ink::Plain, "  ".to_owned())];
    let mut length = 2;
    for (sign, ink, words) in used {
        let piece = format!(" {words}   ");
        if length + 1 + width(&piece) > page.style.width {
            flush(page, &mut line);
            length = 2;
        }
        length += 1 + width(&piece);
        line.push((*ink, sign.to_string()));
        line.push((Ink::Faint, piece));
    }
    flush(page, &mut line);
}

fn flush(page: &mut Page, line: &mut Vec<(Ink, String)>) {
    if line.len() > 1 {
        let pieces: Vec<(Ink, &str)> = line.iter().map(|(i, t)| (*i, t.as_str())).collect();
        page.line(&pieces);
    }
    line.truncate(1);
}
