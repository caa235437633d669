//! Clock times and dates as people write them.

use dripline::time::{ChartTime, strict_date};
use jiff::Span;
use jiff::civil::Date;

/// Whether a word is something, is shaped like it but wrong, or is something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen<T> {
    Not,
    Bad { message: String, help: String },
    Is(T),
}

/// A moment as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Minutes since midnight, up to 1440; whether `a` or `p` was written.
    Clock { minutes: i64, half: bool },
    /// With its own date.
    Full(ChartTime),
}

impl When {
    /// The moment, a clock time being on `date`; `None` past the end of the calendar.
    pub fn on(self, date: Date) -> Option<ChartTime> {
        match self {
            When::Full(time) => Some(time),
            When::Clock { minutes, .. } => later(ChartTime { civil: date.at(0, 0, 0, 0), offset: None }, minutes),
        }
    }
}

/// A time, or a time and the one that ends it; `None` for `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    Point(When),
    Range(Option<When>, Option<When>),
}

/// So many minutes later by the clock on the wall.
pub(super) fn later(time: ChartTime, minutes: i64) -> Option<ChartTime> {
    let span = Span::new().try_minutes(minutes).ok()?;
    Some(ChartTime { civil: time.civil.checked_add(span).ok()?, offset: time.offset })
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `a`, `am`, `a.m.` is false, `p`, `pm`, `p.m.` is true.
pub(super) fn half_of_day(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "a" | "am" | "a.m." | "a.m" => Some(false),
        "p" | "pm" | "p.m." | "p.m" => Some(true),
        _ => None,
    }
}

/// `h`, `hr`, `hrs`, `hours` behind a time of the 24-hour clock.
pub(super) fn is_hours(word: &str) -> bool {
    ["h", "hr", "hrs", "hours"].iter().any(|w| w.eq_ignore_ascii_case(word))
}

/// `10:00`, `1000`, `1000h`, `10:05a`, `1p`, `2026-01-05T10:00`.
pub(super) fn moment(word: &str) -> Seen<When> {
    let bytes = word.as_bytes();
    if bytes.len() > 10 && bytes[10] == b'T' && strict_date_shape(&word[..10]) {
        return match word.parse::<ChartTime>() {
            Ok(time) => Seen::Is(When::Full(time)),
            // The message ends in what would mend it.
            Err(e) => match e.to_string().split_once("; ") {
                Some((message, help)) => Seen::Bad { message: message.into(), help: help.into() },
                None => Seen::Bad { message: e.to_string(), help: "write it as 2026-01-05T10:00".into() },
            },
        };
    }
    let (body, half) = match word.find(|c: char| c.is_ascii_alphabetic()) {
        None => (word, None),
        // A number of hours has no four digits and no colon.
        Some(at) if is_hours(&word[at..]) && (at == 4 || word[..at].contains(':')) => (&word[..at], None),
        Some(at) => match half_of_day(&word[at..]) {
            Some(half) => (&word[..at], Some(half)),
            None => return Seen::Not,
        },
    };
    let (hour, minute) = match body.split_once(':') {
        Some((h, m)) if digits(h) && h.len() <= 2 && digits(m) && m.len() == 2 => (h, m),
        Some((h, m)) if digits(h) && h.len() <= 2 && m.len() == 5 && digits(&m.replacen(':', "", 1)) => {
            return Seen::Bad {
                message: format!("`{word}` has seconds"),
                help: "times are whole minutes: leave the seconds out".into(),
            };
        }
        Some((h, m)) if digits(h) && digits(m) => {
            return Seen::Bad {
                message: format!("`{word}` is not a time of day"),
                help: "write it as 10:00, 1000 or 10:05a".into(),
            };
        }
        Some(_) => return Seen::Not,
        None if digits(body) && body.len() == 4 => body.split_at(2),
        None if digits(body) && half.is_some() && body.len() == 3 => body.split_at(1),
        None if digits(body) && half.is_some() && body.len() <= 2 => (body, "00"),
        None => return Seen::Not,
    };
    let (Ok(hour), Ok(minute)) = (hour.parse::<i64>(), minute.parse::<i64>()) else { return Seen::Not };
    let bad = |help: &str| Seen::Bad { message: format!("`{word}` is not a time of day"), help: help.into() };
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return bad("with `a` or `p` the hour runs from 1 to 12"),
        Some(pm) => hour % 12 + if pm { 12 } else { 0 },
        None => hour,
    };
    if minute > 59 || hour > 24 || (hour == 24 && minute > 0) {
        return bad("hours run from 00 to 24:00, minutes to 59");
    }
    Seen::Is(When::Clock { minutes: hour * 60 + minute, half: half.is_some() })
}

/// `1005-1120`, `10:00-?`, `?-11:00`, and with dates `2026-01-05T10:00/2026-01-05T11:00`.
pub(super) fn range(word: &str) -> Seen<Times> {
    if matches!(moment(word), Seen::Is(_)) {
        return Seen::Not;
    }
    for (at, c) in word.char_indices().filter(|(_, c)| matches!(c, '-' | '–' | '—' | '/')) {
        let (left, right) = (&word[..at], &word[at + c.len_utf8()..]);
        let side = |s: &str| if s == "?" { Seen::Is(None) } else { some(moment(s)) };
        let whole = |s: &Seen<Option<When>>| matches!(s, Seen::Is(Some(When::Full(_))));
        let (l, r) = (side(left), side(right));
        if (whole(&l) || whole(&r)) && c != '/' {
            continue;
        }
        match (l, r) {
            (Seen::Not, _) | (_, Seen::Not) | (Seen::Is(None), Seen::Is(None)) => {}
            (Seen::Bad { message, help }, _) | (_, Seen::Bad { message, help }) => return Seen::Bad { message, help },
            (Seen::Is(l), Seen::Is(r)) => return Seen::Is(Times::Range(l, r)),
        }
    }
    Seen::Not
}

fn some<T>(seen: Seen<T>) -> Seen<Option<T>> {
    match seen {
        Seen::Not => Seen::Not,
        Seen::Bad { message, help } => Seen::Bad { message, help },
        Seen::Is(t) => Seen::Is(Some(t)),
    }
}

fn strict_date_shape(word: &str) -> bool {
    let b = word.as_bytes();
    b.len() == 10 && b.iter().enumerate().all(|(i, c)| if i == 4 || i == 7 { *c == b'-' } else { c.is_ascii_digit() })
}

/// `2026-01-05`, `1/5/26`, `01/05/2026`.
pub(super) fn date(word: &str) -> Seen<Date> {
    let bad = |help: &str| Seen::Bad { message: format!("`{word}` is not a date of the calendar"), help: help.into() };
    if strict_date_shape(word) {
        return strict_date(word).map_or_else(|| bad("write it as 2026-01-05"), Seen::Is);
    }
    let parts: Vec<&str> = word.split('/').collect();
    let &[month, day, year] = parts.as_slice() else { return Seen::Not };
    if !(digits(month)
        && month.len() <= 2
        && digits(day)
        && day.len() <= 2
        && digits(year)
        && (year.len() == 2 || year.len() == 4))
    {
        return Seen::Not;
    }
    let (Ok(month), Ok(day), Ok(written)) = (month.parse::<i8>(), day.parse::<i8>(), year.parse::<i16>()) else {
        return Seen::Not;
    };
    let year = if year.len() == 2 { written + 2000 } else { written };
    match Date::new(year, month, day) {
        Ok(date) => Seen::Is(date),
        Err(_) => bad("dates with strokes are month/day/year; write it as 1/5/26 or 2026-01-05"),
    }
}
