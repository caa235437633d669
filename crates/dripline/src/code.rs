//! The codes that the engine can earn. CPT codes are the AMA's; the labels are our own.

use std::fmt;

use jiff::civil::Date;

use crate::time::Day;

include!(concat!(env!("OUT_DIR"), "/codes.rs"));

/// What a code belongs to; decides the order of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Chemotherapy by vein.
    Chemo,
    /// Chemotherapy outside the hierarchy.
    ChemoAlone,
    /// Drug infusions.
    Drug,
    /// Pushes.
    Push,
    /// Hydration.
    Hydration,
    /// Everything that stands alone.
    Alone,
}

struct CodeInfo {
    code: &'static str,
    label: &'static str,
    family: Family,
    since: Date,
    since_day: Day,
    professional: bool,
    needs: &'static str,
}

impl Code {
    /// The code as written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        CODES[self as usize].code
    }

    /// Our label.
    #[must_use]
    pub fn label(self) -> &'static str {
        CODES[self as usize].label
    }

    /// Its family.
    #[must_use]
    pub fn family(self) -> Family {
        CODES[self as usize].family
    }

    /// First date on which it is valid; 2013-01-01, where our rule sets begin, for older codes.
    #[must_use]
    pub fn since(self) -> Date {
        CODES[self as usize].since
    }

    /// The same date, as a day.
    pub(crate) fn since_day(self) -> Day {
        CODES[self as usize].since_day
    }

    /// May a practitioner report it when the place of service is a facility?
    #[must_use]
    pub fn professional_in_facility(self) -> bool {
        CODES[self as usize].professional
    }

    /// Is it earned by minutes, as one of several codes between which they decide?
    #[must_use]
    pub fn by_minutes(self) -> bool {
        use Code::*;
        matches!(
            self,
            N96360
                | N96361
                | N96365
                | N96366
                | N96367
                | N96369
                | N96370
                | N96374
                | N96375
                | N96376
                | N96409
                | N96411
                | N96413
                | N96415
                | N96417
                | N96420
                | N96422
                | N96423
        )
    }

    /// Completes "the rule needs …".
    #[must_use]
    pub fn needs(self) -> &'static str {
        CODES[self as usize].needs
    }

    /// The code of that spelling.
    #[must_use]
    pub fn from_name(code: &str) -> Option<Code> {
        CODES.binary_search_by(|c| c.code.cmp(code)).ok().map(|i| Code::ALL[i])
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_the_dates() {
        for code in Code::ALL {
            assert_eq!(code.since_day(), Day::of(code.since()), "{code}");
        }
    }
}
