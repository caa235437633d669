//! Tables without a header, in lines of fixed width, from CMS's record layouts.

use csv::StringRecord;

use super::layout::{Family, Header};

/// One record layout.
#[derive(Debug)]
pub(super) struct Form {
    family: Family,
    pub(super) label: &'static str,
    /// Column titles of the family, each with its first character and the one behind its last, counted from 0.
    fields: &'static [(&'static str, usize, usize)],
    is_row: fn(&[char]) -> bool,
    /// Lines that may stand between the rows.
    passes: fn(&str) -> bool,
}

/// `HCPC2024_JUL_ANWEB.txt`: 320 characters; records 3 and 7 begin a code and a modifier, 4 and 8 go on with them.
static HCPCS: Form = Form {
    family: Family::Hcpcs,
    label: "HCPCS Level II codes",
    fields: &[
        ("HCPC", 0, 5),
        ("SEQNUM", 5, 10),
        ("RECID", 10, 11),
        ("LONG DESCRIPTION", 11, 91),
        ("ADD DT", 268, 276),
        ("ACT EFF DT", 276, 284),
        ("TERM DT", 284, 292),
    ],
    is_row: |line| {
        let kind = line.get(10);
        let detail = matches!(kind, Some('3' | '7')) && line.len() >= 276;
        (detail || matches!(kind, Some('4' | '8'))) && line[5..10].iter().all(char::is_ascii_digit)
    },
    passes: |line| line.trim_matches(|c: char| c.is_whitespace() || c == '\u{1a}').is_empty(),
};

/// `PPRRVU25_JAN.txt`: lines that begin with `HDR`, then rows.
static RVU: Form = Form {
    family: Family::Rvu,
    label: "PFS relative values (PPRRVU)",
    fields: &[
        ("HCPCS", 0, 5),
        ("MOD", 5, 7),
        ("STATUS CODE", 57, 58),
        ("WORK RVU", 59, 65),
        ("NON-FAC PE RVU", 66, 72),
        ("NON-FAC NA INDICATOR", 72, 74),
        ("FACILITY PE RVU", 75, 81),
        ("FACILITY NA INDICATOR", 81, 83),
        ("MP RVU", 83, 89),
        ("NON-FACILITY TOTAL", 90, 96),
        ("FACILITY TOTAL", 96, 102),
        ("PCTC IND", 102, 103),
        ("GLOB DAYS", 103, 106),
        ("CONV FACTOR", 133, 140),
    ],
    is_row: |line| {
        line.len() >= 140
            && line[..5].iter().all(char::is_ascii_alphanumeric)
            && [62, 69, 78, 86, 93, 99, 135].iter().all(|i| line[*i] == '.')
    },
    passes: |line| line.starts_with("HDR") || (HCPCS.passes)(line),
};

/// `GPCI2025.txt`: titles, rows, and remarks below them.
static GPCI: Form = Form {
    family: Family::Gpci,
    label: "geographic practice cost indices (GPCI)",
    fields: &[
        ("Medicare Administrative Contractor (MAC)", 0, 5),
        ("State", 16, 18),
        ("Locality Number", 24, 26),
        ("Locality Name", 28, 121),
        ("PW GPCI (with 1.0 Floor)", 121, 126),
        ("PE GPCI", 133, 138),
        ("MP GPCI", 145, 150),
    ],
    is_row: |line| {
        line.len() >= 150
            && line[..5].iter().all(char::is_ascii_digit)
            && line[16..18].iter().all(char::is_ascii_uppercase)
            && [122, 134, 146].iter().all(|i| line[*i] == '.')
    },
    passes: |line| !line.starts_with(|c: char| c.is_ascii_digit()),
};

/// `AOC_V2026Q2-F-MCR.txt`: kind, add-on code, day of its end, primary code, day of its end, first and last day of the
/// pair, remark. Days are `YYYYDDD` or blank.
static ADD_ON: Form = Form {
    family: Family::AddOn,
    label: "NCCI add-on code edits",
    fields: &[
        ("AOC_Edit_Type", 0, 1),
        ("Add-On_Code", 1, 6),
        ("AOC_DelDT", 6, 13),
        ("Primary_Code", 13, 18),
        ("Primary_Code_DelDT", 18, 25),
        ("AOC_Edit_EffDT", 25, 32),
        ("AOC_Edit_DelDT", 32, 39),
        ("Special_Instruction_Notes", 39, 97),
    ],
    is_row: |line| {
        let day = |from: usize| {
            let day = &line[from.min(line.len())..(from + 7).min(line.len())];
            day.iter().all(char::is_ascii_digit) || day.iter().all(|c| *c == ' ')
        };
        line.len() >= 32
            && matches!(line[0], '1'..='3')
            && line[1..6].iter().chain(&line[13..18]).all(char::is_ascii_alphanumeric)
            && [6, 18, 25, 32].into_iter().all(day)
    },
    passes: HCPCS.passes,
};

impl Form {
    /// The form of a text, known by its first row, and the lines above that row.
    pub(super) fn of(text: &str) -> Option<(&'static Form, Vec<String>)> {
        [&HCPCS, &RVU, &GPCI, &ADD_ON].into_iter().find_map(|form| {
            let mut above = Vec::new();
            for line in text.lines().take(40) {
                if (form.is_row)(&line.chars().collect::<Vec<_>>()) {
                    return Some((form, above));
                }
                above.push(line.to_owned());
            }
            None
        })
    }

    /// Its header, as if it had one.
    pub(super) fn header(&self) -> Option<Header> {
        Header::fixed(self.family, &self.fields.iter().map(|f| f.0).collect::<Vec<_>>())
    }

    /// May this line stand between the rows?
    pub(super) fn passes(&self, line: &str) -> bool {
        (self.passes)(line)
    }

    /// Cuts a line into its fields; no if it is no row.
    pub(super) fn split(&self, line: &str, record: &mut StringRecord) -> bool {
        let line: Vec<char> = line.chars().collect();
        if !(self.is_row)(&line) {
            return false;
        }
        record.clear();
        for &(_, from, to) in self.fields {
            let field: String = line[from.min(line.len())..to.min(line.len())].iter().collect();
            record.push_field(field.trim());
        }
        true
    }
}
