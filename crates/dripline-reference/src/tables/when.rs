//! For which quarter a file is: what it says itself, and what its name says.

use super::Quarter;

/// What a file's own text says of its quarter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stated {
    /// Quarters, each with the words that name it.
    pub(super) quarters: Vec<(Quarter, String)>,
    /// Years: of a table for a whole year, or of a header.
    pub(super) years: Vec<i16>,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The month that a word names, in full or by its first three letters.
fn month(word: &str) -> Option<i8> {
    let word = word.to_ascii_lowercase();
    let index = MONTHS
        .iter()
        .position(|m| *m == word || (word.len() == 3 && m.starts_with(&word)) || word == "sept" && *m == "september")?;
    i8::try_from(index + 1).ok()
}

fn quarter_of(year: i16, month: i8) -> Option<Quarter> {
    (1..=12).contains(&month).then(|| Quarter::new(year, (month - 1) / 3 + 1))?
}

/// A year of four digits.
fn year(word: &str) -> Option<i16> {
    (word.len() == 4 && word.starts_with("20")).then(|| word.parse().ok())?
}

/// Runs of digits and runs of letters.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let class = |c: char| (c.is_ascii_digit(), c.is_ascii_alphabetic());
        let end = rest.find(|c| class(c) != class(first)).unwrap_or(rest.len());
        let (token, tail) = rest.split_at(end);
        if first.is_ascii_alphanumeric() {
            tokens.push(token);
        }
        rest = tail;
    }
    tokens
}

/// What the lines above the table say.
///
/// Read are *Effective January 1, 2026*, *January 2026 …*, *2025 … January Release* and *CY 2025*; days of release and
/// years of copyright are not quarters.
pub(super) fn stated(lines: &[String]) -> Stated {
    let mut stated = Stated::default();
    for line in lines {
        let words = tokens(line);
        let lower: Vec<String> = words.iter().map(|w| w.to_ascii_lowercase()).collect();
        let is = |i: usize, what: &str| lower.get(i).is_some_and(|w| w == what);
        let mut found = None;
        for i in 0..words.len() {
            let at = |i: usize| words.get(i).copied().unwrap_or("");
            let effective = is(i, "effective").then(|| if is(i + 1, "date") { i + 2 } else { i + 1 });
            found = found.or_else(|| match effective {
                Some(j) => match month(at(j)) {
                    Some(m) => quarter_of(year(at(j + 2))?, m),
                    // 07/01/2024
                    None => quarter_of(year(at(j + 2))?, at(j).parse().ok()?),
                },
                None => {
                    // `January 2026`, but not `January 5 2026` nor `copyright … 2024`.
                    let m = month(at(i)).filter(|_| at(i).len() > 3)?;
                    match year(at(i + 1)) {
                        Some(y) => quarter_of(y, m),
                        None if is(i + 1, "release") => quarter_of(words.iter().find_map(|w| year(w))?, m),
                        None => None,
                    }
                }
            });
            if is(i, "cy") {
                stated.years.extend(year(at(i + 1)));
            }
        }
        if let Some(quarter) = found {
            let words: String = line.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(80).collect();
            stated.quarters.push((quarter, words));
        }
    }
    stated
}

/// The quarter that a file's name tells; two if it tells two.
///
/// Read are `2026Q1`, `RVU25D`, NCCI's version `v302r0` (30.2: the third release of 2024), `Eff_07-01-2024` and a
/// month beside a year. A day on which a file was put up (`12.31.24`) is none of these.
pub(super) fn named(name: &str) -> Vec<Quarter> {
    let lower = name.to_ascii_lowercase();
    let words = tokens(&lower);
    let at = |i: usize| words.get(i).copied().unwrap_or("");
    let number = |i: usize| at(i).parse::<i16>().ok();
    let one_to_four = |i: usize| number(i).filter(|_| at(i).len() == 1).and_then(|n| i8::try_from(n).ok());
    let kinds: [&dyn Fn(usize) -> Option<Quarter>; 6] = [
        &|i| (at(i + 1) == "q").then(|| Quarter::new(year(at(i))?, one_to_four(i + 2)?))?,
        &|i| (at(i) == "q").then(|| Quarter::new(year(at(i + 2))?, one_to_four(i + 1)?))?,
        &|i| {
            let release = ["a", "b", "c", "d"].iter().position(|l| *l == at(i + 2))?;
            let year = match at(i + 1).len() {
                2 => 2000 + number(i + 1)?,
                4 => year(at(i + 1))?,
                _ => return None,
            };
            (at(i) == "rvu").then(|| Quarter::new(year, i8::try_from(release).ok()? + 1))?
        },
        &|i| {
            let version = number(i + 1).filter(|_| at(i + 1).len() == 3)?;
            // Version 30 is the year 2024's.
            (at(i) == "v" && at(i + 2) == "r")
                .then(|| Quarter::new(1994 + version / 10, i8::try_from(version % 10).ok()? + 1))?
        },
        &|i| {
            let effective = at(i) == "eff" || at(i) == "effective";
            effective.then(|| quarter_of(year(at(i + 3))?, i8::try_from(number(i + 1)?).ok()?))?
        },
        &|i| {
            let m = month(at(i))?;
            let before = |back: usize| i.checked_sub(back).map_or("", at);
            // `pprrvu25_jan` has the year in two digits.
            let short = || (before(1).len() == 2 && before(2).ends_with("rvu")).then(|| number(i - 1))?;
            let long = [at(i + 1), before(1), at(i + 2)].into_iter().find_map(year);
            quarter_of(long.or_else(|| short().map(|y| 2000 + y))?, m)
        },
    ];
    for kind in kinds {
        let mut quarters: Vec<Quarter> = (0..words.len()).filter_map(kind).collect();
        quarters.sort_unstable();
        quarters.dedup();
        if !quarters.is_empty() {
            return quarters;
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(quarters: &[Quarter]) -> String {
        quarters.iter().map(Quarter::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn names_as_they_are_published() {
        for (name, quarter) in [
            ("asp_payment_limits_2026q1.csv", "2026Q1"),
            ("AOC_V2024Q2-MCR.xlsx", "2024Q2"),
            ("medicare-ncci-2025-q4-practitioner-services-mue-table.zip", "2025Q4"),
            ("q3_2024_aoc.txt", "2024Q3"),
            ("rvu25d.zip", "2025Q4"),
            ("rvu26d-updated-08-26-2026.zip", "2026Q4"),
            ("RVU2025A.zip", "2025Q1"),
            ("ccipra-v302r0-f1.zip", "2024Q3"),
            ("ccioph-v323r0-f4.txt", "2026Q4"),
            ("MCR_MUE_PractitionerServices_Eff_10-01-2026.csv", "2026Q4"),
            ("facility-mue-table-effective-07-01-2024.zip", "2024Q3"),
            ("pprrvu2025_oct_subset.csv.gz", "2025Q4"),
            ("PPRRVU25_JAN.csv", "2025Q1"),
            ("PPRRVU2026_Apr_nonQPP.csv", "2026Q2"),
            ("addendum_b_2025oct_subset.csv.gz", "2025Q4"),
            ("HCPC2024_JUL_ANWEB_v5.txt", "2024Q3"),
            ("section 508 version of January 2026 ASP NDC-HCPCS Crosswalk 121725.csv", "2026Q1"),
            ("section 508 version of Oct 2024 ASP Pricing File 091824.csv", "2024Q4"),
            ("508 version of October 2025 Web Addendum B.10.31.25.csv", "2025Q4"),
            ("Section 508 version of January_Web_2024_Addendum_B.04.24.24.csv", "2024Q1"),
            ("2026 July Web Addendum B.07.13.26.csv", "2026Q3"),
        ] {
            assert_eq!(shown(&named(name)), quarter, "{name}");
        }
    }

    #[test]
    fn names_that_tell_nothing() {
        for name in
            ["mue_practitioner.csv", "GPCI2025.csv", "oshpd_106190017_alhambra_cdm.csv", "hcpcs_noc.csv", "a.zip", ""]
        {
            assert_eq!(shown(&named(name)), "", "{name}");
        }
    }

    #[test]
    fn a_name_that_tells_two_quarters_tells_both() {
        assert_eq!(shown(&named("asp_2025q4_or_2026q1.csv")), "2025Q4 2026Q1");
    }

    #[test]
    fn what_stands_above_a_table() {
        let said = |line: &str| {
            let stated = stated(&[line.to_owned()]);
            (shown(&stated.quarters.iter().map(|q| q.0).collect::<Vec<_>>()), stated.years)
        };
        for (line, quarter) in [
            ("Effective January 1, 2026 through March 31, 2026", "2026Q1"),
            ("     Effective October 1, 2024 through December 31, 2024", "2024Q4"),
            ("January 2026 ASP NDC - HCPCS Crosswalk for Medicare Part B Drugs", "2026Q1"),
            ("2025 National Physician Fee Schedule Relative Value File January Release", "2025Q1"),
            ("MUE table, effective date 07/01/2024", "2024Q3"),
        ] {
            assert_eq!(said(line), (quarter.to_owned(), vec![]), "{line}");
        }
        for line in [
            "CPT codes and descriptions only are copyright 2024 American Medical Association.",
            "RELEASED 12/23/2024",
            "Note 1: Payment allowance limits subject to the ASP methodology are based on 3Q25 ASP data.",
            "MAC Assignments as of November 22, 2023",
            "it may 2025 be",
        ] {
            assert_eq!(said(line), (String::new(), vec![]), "{line}");
        }
        assert_eq!(said("ADDENDUM E. FINAL CY 2025 GEOGRAPHIC PRACTICE COST INDICES"), (String::new(), vec![2025]));
    }
}
