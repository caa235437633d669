//! Rule ids and the pages of the rule book.

use std::fmt;

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// How well a rule is proved; the weakest comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// The authority's own page was seen.
    A,
    /// Several secondary sources agree, or one cites the origin.
    B,
    /// One secondary source, or sources disagree.
    C,
    /// General knowledge; no page was seen.
    K,
}

impl Grade {
    /// The letter.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Grade::A => "A",
            Grade::B => "B",
            Grade::C => "C",
            Grade::K => "K",
        }
    }
}

/// A page of the rule book.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Rule id.
    pub id: &'static str,
    /// Folder.
    pub family: &'static str,
    /// Our label.
    pub label: &'static str,
    /// `facility`, `office` or `both`.
    pub setting: &'static str,
    /// First date.
    pub since: &'static str,
    /// Last date, if it ended.
    pub until: Option<&'static str>,
    /// Who says so.
    pub authority: &'static str,
    /// How well it is proved.
    pub grade: Grade,
    /// Address and the date on which it was seen.
    pub sources: &'static [(&'static str, &'static str)],
    /// Switches that decide it.
    pub switches: &'static [&'static str],
    /// Known conflicts.
    pub conflicts: &'static [&'static str],
    /// One sentence for the coder.
    pub why: &'static str,
    /// What the rule needs, for `why-not`.
    pub needs: &'static str,
    /// The page itself.
    pub text: &'static str,
}

impl RuleId {
    /// The rule's page.
    #[must_use]
    pub fn page(self) -> &'static Page {
        &PAGES[self as usize]
    }

    /// The rule's id as written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.page().id
    }

    /// The rule of that id.
    #[must_use]
    pub fn from_name(id: &str) -> Option<RuleId> {
        PAGES.binary_search_by(|p| p.id.cmp(id)).ok().map(|i| RuleId::ALL[i])
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
