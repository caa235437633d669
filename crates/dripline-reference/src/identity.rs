//! Refuses what looks like a patient's identity where only an id belongs.

use std::fmt;

use dripline::time::strict_date;
use jiff::civil::Date;

/// What a text looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// A person's name.
    Name,
    /// A social security number.
    SocialSecurityNumber,
    /// A date of birth.
    BirthDate,
}

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Looks::Name => "a person's name",
            Looks::SocialSecurityNumber => "a social security number",
            Looks::BirthDate => "a date of birth",
        })
    }
}

/// Frequent given names of the US that are not words of a ward.
const GIVEN: &[&str] = &[
    "aaron",
    "abigail",
    "adam",
    "alan",
    "albert",
    "alexander",
    "alice",
    "amanda",
    "amber",
    "amy",
    "andrea",
    "andrew",
    "angela",
    "ann",
    "anna",
    "anthony",
    "ashley",
    "barbara",
    "benjamin",
    "betty",
    "beverly",
    "brandon",
    "brenda",
    "brian",
    "brittany",
    "bruce",
    "bryan",
    "carl",
    "carol",
    "carolyn",
    "catherine",
    "charles",
    "cheryl",
    "christina",
    "christine",
    "christopher",
    "cynthia",
    "daniel",
    "david",
    "deborah",
    "debra",
    "denise",
    "dennis",
    "diana",
    "diane",
    "donald",
    "donna",
    "dorothy",
    "douglas",
    "edward",
    "elizabeth",
    "emily",
    "emma",
    "eric",
    "ethan",
    "eugene",
    "evelyn",
    "frances",
    "gary",
    "george",
    "gerald",
    "gloria",
    "gregory",
    "hannah",
    "harold",
    "heather",
    "helen",
    "henry",
    "isabella",
    "jack",
    "jacob",
    "jacqueline",
    "james",
    "jane",
    "janet",
    "janice",
    "jason",
    "jean",
    "jeffrey",
    "jennifer",
    "jeremy",
    "jerry",
    "jessica",
    "joan",
    "john",
    "johnny",
    "jonathan",
    "jose",
    "joseph",
    "joshua",
    "joyce",
    "juan",
    "judith",
    "judy",
    "julia",
    "julie",
    "justin",
    "karen",
    "katherine",
    "kathleen",
    "kathryn",
    "keith",
    "kelly",
    "kenneth",
    "kevin",
    "kimberly",
    "kyle",
    "larry",
    "laura",
    "lauren",
    "lawrence",
    "linda",
    "lisa",
    "logan",
    "louis",
    "madison",
    "margaret",
    "maria",
    "marie",
    "marilyn",
    "martha",
    "mary",
    "matthew",
    "megan",
    "melissa",
    "michael",
    "michelle",
    "nancy",
    "nathan",
    "nicholas",
    "nicole",
    "noah",
    "olivia",
    "pamela",
    "patricia",
    "patrick",
    "paul",
    "peter",
    "philip",
    "rachel",
    "ralph",
    "randy",
    "raymond",
    "rebecca",
    "richard",
    "robert",
    "roger",
    "ronald",
    "roy",
    "russell",
    "ryan",
    "samantha",
    "samuel",
    "sandra",
    "sara",
    "sarah",
    "scott",
    "sharon",
    "shirley",
    "sophia",
    "stephanie",
    "stephen",
    "steven",
    "susan",
    "teresa",
    "terry",
    "theresa",
    "thomas",
    "timothy",
    "tyler",
    "vincent",
    "virginia",
    "walter",
    "wayne",
    "william",
    "willie",
    "zachary",
];

/// Words of ids that are nobody's name.
const ORDINARY: &[&str] = &[
    "account",
    "acct",
    "admission",
    "after",
    "and",
    "antibiotic",
    "arm",
    "audit",
    "bag",
    "batch",
    "bed",
    "bill",
    "blood",
    "bolus",
    "care",
    "case",
    "center",
    "change",
    "chart",
    "chemo",
    "claim",
    "clinic",
    "close",
    "code",
    "coding",
    "day",
    "demo",
    "department",
    "dose",
    "drip",
    "drug",
    "emergency",
    "encounter",
    "error",
    "example",
    "exam",
    "facility",
    "first",
    "five",
    "flush",
    "fluid",
    "four",
    "group",
    "hand",
    "hospital",
    "hour",
    "hydration",
    "infusion",
    "initial",
    "injection",
    "input",
    "left",
    "line",
    "long",
    "medicare",
    "midnight",
    "missing",
    "night",
    "no",
    "note",
    "number",
    "observation",
    "of",
    "office",
    "oncology",
    "one",
    "order",
    "outpatient",
    "part",
    "patient",
    "pharmacy",
    "port",
    "practice",
    "pump",
    "push",
    "question",
    "right",
    "room",
    "row",
    "rule",
    "same",
    "sample",
    "second",
    "session",
    "set",
    "shift",
    "short",
    "simple",
    "site",
    "split",
    "start",
    "stay",
    "stop",
    "suite",
    "test",
    "the",
    "therapy",
    "third",
    "three",
    "time",
    "transfusion",
    "trial",
    "two",
    "unit",
    "urgent",
    "vaccine",
    "visit",
    "ward",
    "week",
    "with",
    "worksheet",
    "year",
];

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '_' | '.' | '-')).filter(|w| !w.is_empty()).collect()
}

/// `Smith`, `SMITH`, `O'Brien`.
fn capitalised(word: &str) -> bool {
    word.chars().count() > 1
        && word.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '’')
        && word.chars().next().is_some_and(char::is_uppercase)
}

fn is(list: &[&str], word: &str) -> bool {
    list.contains(&word.to_lowercase().as_str())
}

/// Between letters or digits an id goes on; elsewhere a run of digits stands by itself.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '/' | '.' | ' ')))
        .map(|r| r.trim_matches(|c: char| !c.is_ascii_digit()))
        .filter(|r| !r.is_empty())
}

fn social_security_number(text: &str) -> bool {
    let lower = text.to_lowercase();
    let said = lower.split(|c: char| !c.is_ascii_alphabetic()).any(|w| w == "ssn");
    runs(text).any(|run| {
        let parts: Vec<&str> = run.split(['-', ' ']).collect();
        let lengths: Vec<usize> = parts.iter().map(|p| p.len()).collect();
        let possible = |a: &str, g: &str, s: &str| a != "000" && a != "666" && g != "00" && s != "0000";
        match lengths.as_slice() {
            [3, 2, 4] => possible(parts[0], parts[1], parts[2]),
            [9] => said,
            _ => false,
        }
    })
}

fn date(year: &str, month: &str, day: &str) -> Option<Date> {
    strict_date(&format!("{year:0>4}-{month:0>2}-{day:0>2}"))
}

/// A calendar date before the first rule set can only be a birth date; a later one may be the date of service, unless
/// the text calls it a birth date.
fn birth_date(text: &str) -> bool {
    let lower = text.to_lowercase();
    let said = lower
        .split(|c: char| !c.is_ascii_alphabetic())
        .any(|w| matches!(w, "dob" | "born" | "birth" | "birthdate" | "birthday"));
    runs(text).any(|run| {
        let parts: Vec<&str> = run.split(['-', '/', '.', ' ']).filter(|p| !p.is_empty()).collect();
        let found = match parts.as_slice() {
            [y, m, d] if y.len() == 4 && m.len() <= 2 && d.len() <= 2 => date(y, m, d),
            [m, d, y] if y.len() == 4 && m.len() <= 2 && d.len() <= 2 => date(y, m, d).or_else(|| date(y, d, m)),
            [n] if n.len() == 8 => date(&n[..4], &n[4..6], &n[6..]).or_else(|| date(&n[4..], &n[..2], &n[2..4])),
            _ => None,
        };
        found.is_some_and(|d| (1900..=2100).contains(&d.year()) && (said || d < crate::resolve::FIRST_DATE))
    })
}

/// `Smith, John` and `SMITH^JOHN`.
fn inverted_name(text: &str) -> bool {
    let split = text.split_once('^').or_else(|| text.split_once(','));
    let Some((family, given)) = split else { return false };
    let good = |part: &str| {
        let w = words(part);
        !w.is_empty()
            && w.len() <= 3
            && w.iter().all(|w| capitalised(w) || (w.len() == 1 && capitalised("Xx")))
            && w.iter().any(|w| capitalised(w))
            && !w.iter().any(|w| is(ORDINARY, w))
    };
    good(family) && good(given.split('^').next().unwrap_or(""))
}

/// What the caller's id of a case looks like, if it looks like an identity.
#[must_use]
pub fn in_case(text: &str) -> Option<Looks> {
    in_id(text).or_else(|| {
        let w = words(text);
        // Two or three words that are all written as names, none of them a word of a ward.
        let named = (2..=3).contains(&w.len())
            && !text.contains(['_', '-'])
            && w.iter().all(|w| capitalised(w) || w.len() == 1)
            && w.iter().filter(|w| capitalised(w) && w.len() > 2).count() >= 2
            && !w.iter().any(|w| is(ORDINARY, w));
        named.then_some(Looks::Name)
    })
}

/// What any other id looks like, if it looks like an identity.
#[must_use]
pub fn in_id(text: &str) -> Option<Looks> {
    if social_security_number(text) {
        return Some(Looks::SocialSecurityNumber);
    }
    if birth_date(text) {
        return Some(Looks::BirthDate);
    }
    let w = words(text);
    let letters = |w: &str| w.len() > 1 && w.chars().all(|c| c.is_alphabetic() || c == '\'');
    let given = (2..=3).contains(&w.len())
        && w.iter().all(|w| letters(w) || w.len() == 1)
        && is(GIVEN, w[0])
        && !w[1..].iter().any(|w| is(ORDINARY, w));
    let titled = w.len() >= 2 && matches!(w[0], "Mr" | "Mrs" | "Ms" | "Miss") && capitalised(w[1]);
    (given || titled || inverted_name(text)).then_some(Looks::Name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_identities() {
        for (text, looks) in [
            ("123-45-6789", Looks::SocialSecurityNumber),
            ("SSN 123456789", Looks::SocialSecurityNumber),
            ("case 123 45 6789", Looks::SocialSecurityNumber),
            ("1961-03-04", Looks::BirthDate),
            ("03/04/1961", Looks::BirthDate),
            ("pt-3-4-1961", Looks::BirthDate),
            ("19610304", Looks::BirthDate),
            ("DOB 2019-05-06", Looks::BirthDate),
            ("John Smith", Looks::Name),
            ("JOHN Q SMITH", Looks::Name),
            ("john smith", Looks::Name),
            ("Smith, John", Looks::Name),
            ("DOE^JANE^A", Looks::Name),
            ("Mrs. Abernathy", Looks::Name),
            ("Farouk Haddad", Looks::Name),
        ] {
            assert_eq!(in_case(text), Some(looks), "{text}");
        }
    }

    #[test]
    fn leaves_ids_alone() {
        for text in [
            "1",
            "S01",
            "A040",
            "case 7",
            "ED-2026-01-05-0017",
            "2026-01-05",
            "01/05/2026",
            "enc-20260105-3",
            "123456789",
            "100200300400",
            "Bag Change",
            "Left Hand",
            "left hand",
            "Room 4 Bed 2",
            "two pushes",
            "MRN-77",
            "Port A",
            "b6f1c2d0-1111-4222-8333-444455556666",
            "ondansetron",
            "Day 2",
            "visit_3",
            "12-34-5678901",
            "q-100-20-30",
        ] {
            assert_eq!(in_case(text), None, "{text}");
        }
        for text in ["Left Wrist", "Port, left", "syringe 1", "Zofran Order", "Night Shift"] {
            assert_eq!(in_id(text), None, "{text}");
        }
    }
}
