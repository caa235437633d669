//! The little that is known without any table: add-on parents and how OPPS treats the administration codes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::Date;
use serde::Deserialize;

use crate::tables::Code;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    add_on: AddOnPart,
    opps: OppsPart,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddOnPart {
    dated: toml::value::Datetime,
    source: String,
    parents: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OppsPart {
    dated: toml::value::Datetime,
    source: String,
    status: BTreeMap<String, String>,
}

/// The built-in set.
#[derive(Debug)]
pub struct BuiltIn {
    /// Date of the add-on file.
    pub add_on_dated: Date,
    /// What the add-on file is.
    pub add_on_source: String,
    /// Date of the status indicators.
    pub opps_dated: Date,
    /// What the status indicators come from.
    pub opps_source: String,
    parents: Vec<(Code, Vec<Code>)>,
    status: Vec<(Code, String)>,
}

impl BuiltIn {
    /// The primary codes of an add-on code; `None` where the code is none.
    #[must_use]
    pub fn parents(&self, code: Code) -> Option<&[Code]> {
        self.parents.binary_search_by_key(&code, |p| p.0).ok().map(|i| self.parents[i].1.as_slice())
    }

    /// OPPS status indicator of an administration code.
    #[must_use]
    pub fn status(&self, code: Code) -> Option<&str> {
        self.status.binary_search_by_key(&code, |s| s.0).ok().map(|i| self.status[i].1.as_str())
    }
}

fn date(written: &toml::value::Datetime) -> Option<Date> {
    dripline::time::strict_date(&written.to_string())
}

fn read(text: &str) -> Option<BuiltIn> {
    let file: File = toml::from_str(text).ok()?;
    let mut parents = Vec::new();
    for (code, list) in &file.add_on.parents {
        parents.push((Code::parse(code)?, list.iter().map(|c| Code::parse(c)).collect::<Option<_>>()?));
    }
    let mut status = Vec::new();
    for (code, indicator) in file.opps.status {
        status.push((Code::parse(&code)?, indicator));
    }
    parents.sort_by_key(|p: &(Code, Vec<Code>)| p.0);
    status.sort_by_key(|s| s.0);
    Some(BuiltIn {
        add_on_dated: date(&file.add_on.dated)?,
        add_on_source: file.add_on.source,
        opps_dated: date(&file.opps.dated)?,
        opps_source: file.opps.source,
        parents,
        status,
    })
}

/// The built-in set.
pub fn built_in() -> &'static BuiltIn {
    static SET: LazyLock<BuiltIn> = LazyLock::new(|| {
        read(include_str!("../../data/edits.toml")).expect("the file is part of the crate and tested")
    });
    &SET
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_file_is_found() {
        let set = built_in();
        let code = |c| Code::parse(c).unwrap();
        assert_eq!(set.parents(code("96417")), Some(&[code("96413")][..]));
        assert_eq!(set.parents(code("96365")), None);
        assert_eq!(set.status(code("96368")), Some("N"));
        assert_eq!(set.status(code("99213")), None);
        assert_eq!((set.parents.len(), set.status.len()), (15, 46));
        assert_eq!(set.add_on_dated, jiff::civil::date(2024, 6, 3));
    }

    /// Every add-on code that the engine earns is in the set, and no primary code is.
    #[test]
    fn the_codes_that_stand_on_another_are_known() {
        let add_ons: Vec<&str> = dripline::code::Code::ALL
            .iter()
            .map(|c| c.as_str())
            .filter(|c| built_in().parents(Code::parse(c).unwrap()).is_some())
            .collect();
        let wanted = [
            "90461", "90472", "90474", "96361", "96366", "96367", "96368", "96370", "96371", "96375", "96376", "96411",
            "96415", "96417", "96423",
        ];
        assert_eq!(add_ons, wanted);
    }
}
