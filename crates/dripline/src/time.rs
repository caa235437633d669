//! Clock times as charted, and the line of whole minutes on which the engine works.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

/// A whole minute on the case's own line of time; civil minutes since 1970-01-01T00:00, or UTC minutes where the
/// case has a zone or offsets.
pub type Minute = i64;

/// A date as the number of days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(pub i32);

const EPOCH: Date = Date::constant(1970, 1, 1);

impl Day {
    /// The day of a civil date.
    #[must_use]
    pub fn of(date: Date) -> Self {
        let days = (date - EPOCH).get_days();
        Day(days)
    }

    /// The civil date of this day.
    ///
    /// # Panics
    /// Never for a day made by [`Day::of`] or read from a case; dates outside years −9999 to 9999 do not occur there.
    #[must_use]
    pub fn date(self) -> Date {
        EPOCH.checked_add(jiff::Span::new().days(self.0)).unwrap_or(if self.0 < 0 { Date::MIN } else { Date::MAX })
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Written::date(self.date()).as_str())
    }
}

/// A charted clock time to the minute, with its offset from UTC in minutes if one was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChartTime {
    /// Wall-clock time.
    pub civil: DateTime,
    /// Offset from UTC in minutes.
    pub offset: Option<i16>,
}

impl ChartTime {
    /// Wall-clock minutes since 1970-01-01T00:00.
    #[must_use]
    pub fn civil_minutes(self) -> Minute {
        i64::from(Day::of(self.civil.date()).0) * 1440
            + i64::from(self.civil.hour()) * 60
            + i64::from(self.civil.minute())
    }
}

impl fmt::Display for ChartTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Written::time(*self).as_str())
    }
}

/// A date or a time as text, on the stack: an answer holds dozens, and each through the formatter costs more than the
/// rules do.
pub(crate) struct Written {
    /// `-009999-12-31T23:59+18:00` is the longest.
    text: [u8; 25],
    len: usize,
}

impl Written {
    /// `YYYY-MM-DD`.
    pub fn date(date: Date) -> Self {
        let mut written = Written { text: [0; 25], len: 0 };
        let year = date.year();
        if year < 0 {
            written.push(b'-');
            written.two(0);
        }
        let year = year.unsigned_abs();
        written.two(year / 100);
        written.two(year % 100);
        for part in [date.month(), date.day()] {
            written.push(b'-');
            written.two(part.unsigned_abs().into());
        }
        written
    }

    /// `YYYY-MM-DDThh:mm`, with the offset where there is one.
    pub fn time(time: ChartTime) -> Self {
        let mut written = Written::date(time.civil.date());
        written.push(b'T');
        written.two(time.civil.hour().unsigned_abs().into());
        written.push(b':');
        written.two(time.civil.minute().unsigned_abs().into());
        match time.offset {
            None => {}
            Some(0) => written.push(b'Z'),
            Some(offset) => {
                written.push(if offset < 0 { b'-' } else { b'+' });
                written.two(offset.unsigned_abs() / 60);
                written.push(b':');
                written.two(offset.unsigned_abs() % 60);
            }
        }
        written
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..self.len]).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        self.text[self.len] = byte;
        self.len += 1;
    }

    fn two(&mut self, n: u16) {
        for digit in [n / 10 % 10, n % 10] {
            self.push(b'0' + digit as u8);
        }
    }
}

/// Why a text is not a charted time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeError(String);

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TimeError {}

impl FromStr for ChartTime {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let bad = || TimeError(format!("`{}` is not a time; write it as 2026-01-05T10:00", short(text)));
        let (date, clock) = text.split_once('T').ok_or_else(bad)?;
        let date: Date = strict_date(date).ok_or_else(bad)?;
        let bytes = clock.as_bytes();
        if bytes.len() < 5 || !clock.is_ascii() {
            return Err(bad());
        }
        let digits =
            |s: &str| if s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit()) { s.parse::<i8>().ok() } else { None };
        let hour = digits(&clock[0..2]).ok_or_else(bad)?;
        let minute = digits(&clock[3..5]).ok_or_else(bad)?;
        if bytes[2] != b':' {
            return Err(bad());
        }
        let mut rest = &clock[5..];
        if let Some(seconds) = rest.strip_prefix(':') {
            if seconds.len() < 2 || digits(&seconds[..2]).is_none() {
                return Err(bad());
            }
            if &seconds[..2] != "00" {
                return Err(TimeError(format!(
                    "`{}` has seconds; times are whole minutes, write :00 or leave them out",
                    short(text)
                )));
            }
            rest = &seconds[2..];
        }
        let offset = match rest {
            "" => None,
            "Z" | "z" => Some(0),
            _ => {
                let sign = match rest.as_bytes()[0] {
                    b'+' => 1,
                    b'-' => -1,
                    _ => return Err(bad()),
                };
                let o = &rest[1..];
                if o.len() != 5 || o.as_bytes()[2] != b':' {
                    return Err(bad());
                }
                let (h, m) = (digits(&o[..2]).ok_or_else(bad)?, digits(&o[3..]).ok_or_else(bad)?);
                if h > 18 || m > 59 {
                    return Err(bad());
                }
                Some(sign * (i16::from(h) * 60 + i16::from(m)))
            }
        };
        let civil = if (hour, minute) == (24, 0) {
            date.tomorrow().map_err(|_| bad())?.at(0, 0, 0, 0)
        } else if (0..24).contains(&hour) && (0..60).contains(&minute) {
            date.at(hour, minute, 0, 0)
        } else {
            return Err(bad());
        };
        Ok(ChartTime { civil, offset })
    }
}

fn short(text: &str) -> String {
    if text.chars().count() > 40 {
        format!("{}…", text.chars().take(40).collect::<String>())
    } else {
        text.to_owned()
    }
}

/// Reads `YYYY-MM-DD` and nothing else.
#[must_use]
pub fn strict_date(text: &str) -> Option<Date> {
    let b = text.as_bytes();
    if b.len() != 10
        || b[4] != b'-'
        || b[7] != b'-'
        || !b.iter().enumerate().all(|(i, c)| i == 4 || i == 7 || c.is_ascii_digit())
    {
        return None;
    }
    Date::new(text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?).ok()
}

impl Serialize for ChartTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(Written::time(*self).as_str())
    }
}

impl<'de> Deserialize<'de> for ChartTime {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ChartTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ChartTime".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:00)?(Z|[+-]\\d{2}:\\d{2})?$",
            "description": "Clock time to the minute, with an optional offset from UTC."
        })
    }
}

/// How minutes of the case's line map to wall-clock time: offsets from UTC and since when each holds.
///
/// Empty for a case without zone and offsets: its line is civil time itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    steps: Vec<(Minute, i16)>,
    written: bool,
}

impl Clock {
    /// A clock from steps in ascending order; the first also holds before its start. `written` says that the case
    /// wrote offsets, so that times are shown with them.
    #[must_use]
    pub fn new(steps: Vec<(Minute, i16)>, written: bool) -> Self {
        Clock { steps, written }
    }

    fn offset(&self, at: Minute) -> Option<i16> {
        let first = self.steps.first()?;
        Some(self.steps.iter().rev().find(|s| s.0 <= at).unwrap_or(first).1)
    }

    /// Date of a minute.
    #[must_use]
    #[inline]
    pub fn day(&self, at: Minute) -> Day {
        let civil = match self.steps.is_empty() {
            true => at,
            false => at + i64::from(self.offset(at).unwrap_or(0)),
        };
        Day(i32::try_from(civil.div_euclid(1440)).unwrap_or(i32::MAX))
    }

    /// The first minute of a day.
    #[must_use]
    pub fn midnight(&self, day: Day) -> Minute {
        let civil = i64::from(day.0) * 1440;
        match self.steps.is_empty() {
            true => civil,
            false => {
                let guess = civil - i64::from(self.offset(civil).unwrap_or(0));
                civil - i64::from(self.offset(guess).unwrap_or(0))
            }
        }
    }

    /// Wall-clock time of a minute.
    #[must_use]
    pub fn show(&self, at: Minute) -> ChartTime {
        let offset = self.offset(at);
        let civil = at + i64::from(offset.unwrap_or(0));
        let day = Day(i32::try_from(civil.div_euclid(1440)).unwrap_or(i32::MAX));
        let of_day = i8::try_from(civil.rem_euclid(1440) / 60).unwrap_or(0);
        let minute = i8::try_from(civil.rem_euclid(60)).unwrap_or(0);
        ChartTime { civil: day.date().at(of_day, minute, 0, 0), offset: if self.written { offset } else { None } }
    }
}

/// Reads and writes an optional date as `YYYY-MM-DD` and nothing else.
pub mod opt_date {
    use jiff::civil::Date;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the date.
    ///
    /// # Errors
    /// Those of the serializer.
    #[allow(clippy::ref_option)]
    pub fn serialize<S: Serializer>(date: &Option<Date>, serializer: S) -> Result<S::Ok, S::Error> {
        match date {
            Some(d) => serializer.serialize_str(super::Written::date(*d).as_str()),
            None => serializer.serialize_none(),
        }
    }

    /// Reads the date.
    ///
    /// # Errors
    /// A text that is no date of the calendar.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
        let Some(text) = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)? else { return Ok(None) };
        super::strict_date(&text).map(Some).ok_or_else(|| {
            serde::de::Error::custom(format!("`{}` is not a date; write it as 2026-01-05", super::short(&text)))
        })
    }
}
