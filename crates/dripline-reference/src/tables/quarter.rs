use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

/// A calendar quarter, the period for which CMS issues its tables; written `2026Q1`.
///
/// ```
/// use dripline_reference::tables::Quarter;
/// let quarter: Quarter = "2026Q1".parse().unwrap();
/// assert_eq!(quarter, Quarter::of_date(jiff::civil::date(2026, 3, 31)));
/// assert_eq!(quarter.to_string(), "2026Q1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Quarter {
    year: i16,
    number: i8,
}

impl Quarter {
    /// Quarter 1 to 4 of a year from 1966, the year of Medicare's start, to 2199.
    #[must_use]
    pub fn new(year: i16, number: i8) -> Option<Self> {
        ((1966..2200).contains(&year) && (1..=4).contains(&number)).then_some(Quarter { year, number })
    }

    /// The quarter in which a date lies.
    #[must_use]
    pub fn of_date(date: Date) -> Self {
        Quarter { year: date.year(), number: (date.month() - 1) / 3 + 1 }
    }

    /// The year.
    #[must_use]
    pub fn year(self) -> i16 {
        self.year
    }

    /// 1 to 4.
    #[must_use]
    pub fn number(self) -> i8 {
        self.number
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> Date {
        Date::constant(self.year, self.number * 3 - 2, 1)
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> Date {
        Date::constant(self.year, self.number * 3, 1).last_of_month()
    }
}

impl fmt::Display for Quarter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:04}Q{}", self.year, self.number))
    }
}

/// A text that is no quarter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a quarter; write it as 2026Q1")]
pub struct NotAQuarter(String);

impl FromStr for Quarter {
    type Err = NotAQuarter;

    fn from_str(text: &str) -> Result<Self, NotAQuarter> {
        let bad = || NotAQuarter(text.chars().take(40).collect());
        let (year, number) = text.split_once(['Q', 'q']).ok_or_else(bad)?;
        let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(number, 1) {
            return Err(bad());
        }
        let (year, number) = (year.parse().map_err(|_| bad())?, number.parse().map_err(|_| bad())?);
        Quarter::new(year, number).ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn first_and_last_days() {
        for (text, first, last) in [
            ("2024Q1", date(2024, 1, 1), date(2024, 3, 31)),
            ("2024Q2", date(2024, 4, 1), date(2024, 6, 30)),
            ("2024q3", date(2024, 7, 1), date(2024, 9, 30)),
            ("2024Q4", date(2024, 10, 1), date(2024, 12, 31)),
        ] {
            let quarter: Quarter = text.parse().unwrap();
            assert_eq!((quarter.first_day(), quarter.last_day()), (first, last));
            assert_eq!((Quarter::of_date(first), Quarter::of_date(last)), (quarter, quarter));
        }
    }

    #[test]
    fn what_is_no_quarter_is_shown_with_the_right_form() {
        for text in ["", "2026", "2026Q5", "2026Q0", "26Q1", "2026-Q1", "2026Q1x", "1066Q1"] {
            let message = text.parse::<Quarter>().unwrap_err().to_string();
            assert_eq!(message, format!("`{text}` is not a quarter; write it as 2026Q1"));
        }
    }
}
