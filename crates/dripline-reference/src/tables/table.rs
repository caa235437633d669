//! Tables in memory: sorted, looked up by halving.

use std::fmt;

use jiff::civil::Date;

#[cfg(feature = "import")]
use super::codec::Writer;
use super::codec::{self, Reader};
use super::rows::Record;
use super::{AddOn, AddendumB, Asp, Charge, Code, Gpci, Hcpcs, Kind, Mue, Ndc, Ndc11, Rvu};

/// Whether a modifier may open a pair edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Indicator {
    /// 0: never paid together.
    Never = 0,
    /// 1: a modifier that names a distinct service opens it.
    Modifier = 1,
    /// 9: deleted on the day on which it came in; never in force.
    Deleted = 9,
}

impl Indicator {
    /// The indicator of a digit.
    #[must_use]
    pub fn of(digit: u8) -> Option<Self> {
        [Indicator::Never, Indicator::Modifier, Indicator::Deleted].into_iter().find(|i| *i as u8 == digit)
    }
}

/// A pair of codes of which the second is not paid beside the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ptp {
    /// The code that is paid.
    pub column1: Code,
    /// The code that is not.
    pub column2: Code,
    /// May a modifier open it?
    pub indicator: Indicator,
    /// Since when; none where the file does not say.
    pub effective: Option<Date>,
    /// Last date in force; none where it has none.
    pub deleted: Option<Date>,
}

/// Pair edits: more than two million, so column one stands once and a pair takes eight bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PtpTable {
    /// Column-one codes in order, each with the end of its pairs.
    firsts: Vec<(u32, u32)>,
    pairs: Vec<Pair>,
}

/// Column two and the indicator in one number, and the dates as days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    second: u32,
    effective: u16,
    deleted: u16,
}

const NO_DAY: u16 = u16::MAX;

#[cfg(feature = "import")]
fn narrow(date: Option<Date>) -> u16 {
    u16::try_from(codec::day(date)).unwrap_or(NO_DAY)
}

fn wide(day: u16) -> Option<Date> {
    if day == NO_DAY { None } else { codec::date(u32::from(day)) }
}

fn indicator(pair: Pair) -> Indicator {
    match pair.second & 3 {
        0 => Indicator::Never,
        1 => Indicator::Modifier,
        _ => Indicator::Deleted,
    }
}

impl PtpTable {
    /// A table of these rows, in any order.
    #[cfg(feature = "import")]
    pub(super) fn of(mut rows: Vec<Ptp>) -> Self {
        let pair = |row: &Ptp| Pair {
            second: row.column2.packed() << 2
                | match row.indicator {
                    Indicator::Never => 0,
                    Indicator::Modifier => 1,
                    Indicator::Deleted => 2,
                },
            effective: narrow(row.effective),
            deleted: narrow(row.deleted),
        };
        rows.sort_unstable_by_key(|r| (r.column1, pair(r)));
        rows.dedup();
        let mut table = PtpTable { firsts: Vec::new(), pairs: Vec::with_capacity(rows.len()) };
        for row in &rows {
            table.pairs.push(pair(row));
            let end = u32::try_from(table.pairs.len()).unwrap_or(u32::MAX);
            match table.firsts.last_mut() {
                Some(last) if last.0 == row.column1.packed() => last.1 = end,
                _ => table.firsts.push((row.column1.packed(), end)),
            }
        }
        table
    }

    fn of_first(&self, index: usize) -> &[Pair] {
        let start = if index == 0 { 0 } else { self.firsts[index - 1].1 };
        &self.pairs[start as usize..self.firsts[index].1 as usize]
    }

    /// The edit of this pair that is in force on a date: held by the snapshot, already effective, not yet deleted.
    #[must_use]
    pub fn find(&self, column1: &str, column2: &str, date: Date) -> Option<Ptp> {
        self.find_codes(Code::parse(column1)?, Code::parse(column2)?, date)
    }

    /// The same for codes already read.
    #[must_use]
    pub fn find_codes(&self, column1: Code, column2: Code, date: Date) -> Option<Ptp> {
        self.of_column1(column1)?.find(column2, date)
    }

    /// The pairs of a code in column one; none where it stands first in no pair.
    #[must_use]
    pub fn of_column1(&self, column1: Code) -> Option<PtpOf<'_>> {
        let index = self.firsts.binary_search_by_key(&column1.packed(), |f| f.0).ok()?;
        Some(PtpOf { column1, pairs: self.of_first(index) })
    }

    /// Number of pairs, the deleted ones too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Has it none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// All pairs in order.
    pub fn iter(&self) -> impl Iterator<Item = Ptp> + '_ {
        (0..self.firsts.len()).flat_map(|index| {
            // Only codes were packed, and `decode` lets nothing else in.
            let first = Code::from_packed(self.firsts[index].0);
            self.of_first(index).iter().filter_map(move |p| Some(row(first?, *p)))
        })
    }

    /// First and last column-one code.
    #[cfg(feature = "import")]
    pub(super) fn range(&self) -> Option<(Code, Code)> {
        Some((Code::from_packed(self.firsts.first()?.0)?, Code::from_packed(self.firsts.last()?.0)?))
    }

    #[cfg(feature = "import")]
    fn encode(&self, to: &mut Writer) {
        to.u32(u32::try_from(self.firsts.len()).unwrap_or(u32::MAX));
        for (code, end) in &self.firsts {
            to.u32(*code);
            to.u32(*end);
        }
        for pair in &self.pairs {
            to.u32(pair.second);
            to.u16(pair.effective);
            to.u16(pair.deleted);
        }
    }

    fn decode(from: &mut Reader<'_>, rows: usize) -> Option<Self> {
        let count = from.u32()? as usize;
        let firsts: Vec<(u32, u32)> = from
            .take(count.checked_mul(8)?)?
            .as_chunks::<8>()
            .0
            .iter()
            .map(|&[a, b, c, d, e, f, g, h]| (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])))
            .collect();
        let pairs: Vec<Pair> = from
            .take(rows.checked_mul(8)?)?
            .as_chunks::<8>()
            .0
            .iter()
            .map(|&[a, b, c, d, e, f, g, h]| Pair {
                second: u32::from_le_bytes([a, b, c, d]),
                effective: u16::from_le_bytes([e, f]),
                deleted: u16::from_le_bytes([g, h]),
            })
            .collect();
        let ordered = firsts.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1);
        let whole = firsts.last().map_or(0, |f| f.1 as usize) == pairs.len();
        let codes = firsts.iter().all(|f| Code::from_packed(f.0).is_some())
            && pairs.iter().all(|p| Code::from_packed(p.second >> 2).is_some());
        (ordered && whole && codes).then_some(PtpTable { firsts, pairs })
    }
}

/// The pairs of one code in column one.
#[derive(Clone, Copy, Debug)]
pub struct PtpOf<'t> {
    column1: Code,
    pairs: &'t [Pair],
}

impl PtpOf<'_> {
    /// The edit with this code in column two that is in force on a date.
    #[must_use]
    pub fn find(&self, column2: Code, date: Date) -> Option<Ptp> {
        let second = |p: &Pair| p.second >> 2;
        let from = self.pairs.partition_point(|p| second(p) < column2.packed());
        // Most codes are in no pair with each other: what follows is for those that are.
        self.pairs.get(from).filter(|p| second(p) == column2.packed())?;
        let day = codec::day(Some(date));
        self.pairs[from..]
            .iter()
            .take_while(|p| second(p) == column2.packed())
            .filter(|p| indicator(**p) != Indicator::Deleted)
            .filter(|p| p.effective == NO_DAY || u32::from(p.effective) <= day)
            .filter(|p| p.deleted == NO_DAY || day <= u32::from(p.deleted))
            // Of two rows without a first date the one that ends first held on the date; the other followed it.
            .min_by_key(|p| p.deleted)
            .map(|p| row(self.column1, *p))
    }
}

fn row(column1: Code, pair: Pair) -> Ptp {
    Ptp {
        column1,
        column2: Code::from_packed(pair.second >> 2).unwrap_or(column1),
        indicator: indicator(pair),
        effective: wide(pair.effective),
        deleted: wide(pair.deleted),
    }
}

/// Rows in the order of their key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<R> {
    rows: Vec<R>,
}

impl<R> Table<R> {
    /// All rows in order.
    #[must_use]
    pub fn rows(&self) -> &[R] {
        &self.rows
    }

    /// The rows of which `key` is the wanted one; the table must be sorted by it.
    fn of_key<K: Ord>(&self, wanted: &K, key: impl Fn(&R) -> K) -> &[R] {
        let from = self.rows.partition_point(|r| key(r) < *wanted);
        let count = self.rows[from..].iter().take_while(|r| key(r) == *wanted).count();
        &self.rows[from..from + count]
    }
}

#[allow(private_bounds)]
impl<R: Record> Table<R> {
    /// A table of these rows, which must be sorted by their keys.
    #[cfg(feature = "import")]
    pub(super) fn of_sorted(rows: Vec<R>) -> Self {
        Table { rows }
    }

    #[cfg(feature = "import")]
    fn encode(&self, to: &mut Writer) {
        for row in &self.rows {
            row.write(to);
        }
    }

    fn decode(from: &mut Reader<'_>, count: usize) -> Option<Self> {
        let rows: Option<Vec<R>> = (0..count).map(|_| R::read(from)).collect();
        let rows = rows?;
        rows.is_sorted_by(|a, b| a.key() <= b.key()).then_some(Table { rows })
    }
}

impl Table<Mue> {
    /// The most units of a code.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<&Mue> {
        self.find_code(Code::parse(code)?)
    }

    /// The same for a code already read.
    #[must_use]
    pub fn find_code(&self, code: Code) -> Option<&Mue> {
        self.of_key(&code, |r| r.code).first()
    }
}

impl Table<AddOn> {
    /// The primary codes of an add-on code; none where the code is no add-on code.
    #[must_use]
    pub fn parents(&self, code: &str) -> &[AddOn] {
        Code::parse(code).map_or(&[], |code| self.parents_of(code))
    }

    /// The same for a code already read.
    #[must_use]
    pub fn parents_of(&self, code: Code) -> &[AddOn] {
        self.of_key(&code, |r| r.code)
    }
}

impl Table<Hcpcs> {
    /// A code.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<&Hcpcs> {
        self.of_key(&Code::parse(code)?, |r| r.code).first()
    }
}

impl Table<Asp> {
    /// The payment limit of a code.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<&Asp> {
        self.of_key(&Code::parse(code)?, |r| r.code).first()
    }
}

impl Table<Ndc> {
    /// The codes of a package, written `00409-1176-30` or `00409117630`; none where it is not listed.
    #[must_use]
    pub fn find(&self, ndc: &str) -> &[Ndc] {
        Ndc11::parse(ndc).map_or(&[], |ndc| self.of_key(&ndc, |r| r.ndc))
    }
}

impl Table<Rvu> {
    /// The values of a code with a modifier, or with none (`""`).
    #[must_use]
    pub fn find(&self, code: &str, modifier: &str) -> Option<&Rvu> {
        self.of_key(&Code::parse(code)?, |r| r.code).iter().find(|r| r.modifier == modifier)
    }
}

impl Table<Gpci> {
    /// The indices of a state's locality: `find("AL", "00")`.
    #[must_use]
    pub fn find(&self, state: &str, locality: &str) -> Option<&Gpci> {
        self.rows.iter().find(|r| r.state == state && r.locality == locality)
    }

    /// The indices of a contractor's locality, as claims name it: `find_mac("10112", "00")`.
    #[must_use]
    pub fn find_mac(&self, mac: &str, locality: &str) -> Option<&Gpci> {
        self.rows.iter().find(|r| r.mac == mac && r.locality == locality)
    }
}

impl Table<AddendumB> {
    /// How OPPS pays a code.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<&AddendumB> {
        self.of_key(&Code::parse(code)?, |r| r.code).first()
    }
}

impl Table<Charge> {
    /// The charges of a code, with and without modifiers; none where the hospital lists none.
    #[must_use]
    pub fn find(&self, code: &str) -> &[Charge] {
        Code::parse(code).map_or(&[], |code| self.of_key(&code, |r| r.code))
    }
}

/// A table of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AnyTable {
    Ptp(PtpTable),
    Mue(Table<Mue>),
    AddOn(Table<AddOn>),
    Hcpcs(Table<Hcpcs>),
    Asp(Table<Asp>),
    Ndc(Table<Ndc>),
    Rvu(Table<Rvu>),
    Gpci(Table<Gpci>),
    AddendumB(Table<AddendumB>),
    Charges(Table<Charge>),
}

/// First bytes of a table's file; the number is the version of the form.
const MAGIC: &[u8] = b"dripline table 1\n";

impl AnyTable {
    #[cfg(feature = "import")]
    pub(super) fn rows(&self) -> usize {
        match self {
            AnyTable::Ptp(t) => t.len(),
            AnyTable::Mue(t) => t.rows.len(),
            AnyTable::AddOn(t) => t.rows.len(),
            AnyTable::Hcpcs(t) => t.rows.len(),
            AnyTable::Asp(t) => t.rows.len(),
            AnyTable::Ndc(t) => t.rows.len(),
            AnyTable::Rvu(t) => t.rows.len(),
            AnyTable::Gpci(t) => t.rows.len(),
            AnyTable::AddendumB(t) => t.rows.len(),
            AnyTable::Charges(t) => t.rows.len(),
        }
    }

    /// The bytes of its file.
    #[cfg(feature = "import")]
    pub(super) fn encode(&self, kind: Kind) -> Vec<u8> {
        let mut to = Writer(MAGIC.to_vec());
        to.text(kind.name());
        to.u32(u32::try_from(self.rows()).unwrap_or(u32::MAX));
        match self {
            AnyTable::Ptp(t) => t.encode(&mut to),
            AnyTable::Mue(t) => t.encode(&mut to),
            AnyTable::AddOn(t) => t.encode(&mut to),
            AnyTable::Hcpcs(t) => t.encode(&mut to),
            AnyTable::Asp(t) => t.encode(&mut to),
            AnyTable::Ndc(t) => t.encode(&mut to),
            AnyTable::Rvu(t) => t.encode(&mut to),
            AnyTable::Gpci(t) => t.encode(&mut to),
            AnyTable::AddendumB(t) => t.encode(&mut to),
            AnyTable::Charges(t) => t.encode(&mut to),
        }
        to.0
    }

    /// The table of a file's bytes; none where they are not whole or of another kind.
    pub(super) fn decode(kind: Kind, bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        if from.take(MAGIC.len())? != MAGIC || from.text()? != kind.name() {
            return None;
        }
        let rows = from.u32()? as usize;
        let table = match kind {
            Kind::Ptp(_) => AnyTable::Ptp(PtpTable::decode(&mut from, rows)?),
            Kind::Mue(_) => AnyTable::Mue(Table::decode(&mut from, rows)?),
            Kind::AddOn => AnyTable::AddOn(Table::decode(&mut from, rows)?),
            Kind::Hcpcs => AnyTable::Hcpcs(Table::decode(&mut from, rows)?),
            Kind::Asp => AnyTable::Asp(Table::decode(&mut from, rows)?),
            Kind::Ndc => AnyTable::Ndc(Table::decode(&mut from, rows)?),
            Kind::Rvu => AnyTable::Rvu(Table::decode(&mut from, rows)?),
            Kind::Gpci => AnyTable::Gpci(Table::decode(&mut from, rows)?),
            Kind::AddendumB => AnyTable::AddendumB(Table::decode(&mut from, rows)?),
            Kind::Charges => AnyTable::Charges(Table::decode(&mut from, rows)?),
        };
        from.0.is_empty().then_some(table)
    }

    /// What another snapshot of the same kind changes.
    pub(super) fn diff(&self, later: &AnyTable) -> Diff {
        match (self, later) {
            (AnyTable::Ptp(a), AnyTable::Ptp(b)) => diff(a.iter(), b.iter()),
            (AnyTable::Mue(a), AnyTable::Mue(b)) => diff(a.rows.iter(), b.rows.iter()),
            (AnyTable::AddOn(a), AnyTable::AddOn(b)) => diff(a.rows.iter(), b.rows.iter()),
            (AnyTable::Hcpcs(a), AnyTable::Hcpcs(b)) => diff(a.rows.iter(), b.rows.iter()),
            (AnyTable::Asp(a), AnyTable::Asp(b)) => diff(a.rows.iter(), b.rows.iter()),
            (AnyTable::Ndc(a), AnyTable::Ndc(b)) => diff(a.rows.iter(), b.rows.iter()),
            (AnyTable::Rvu(a), AnyTable::Rvu(b)) => diff(a.rows.iter(), b.rows.iter()),
            (AnyTable::Gpci(a), AnyTable::Gpci(b)) => diff(a.rows.iter(), b.rows.iter()),
            (AnyTable::AddendumB(a), AnyTable::AddendumB(b)) => diff(a.rows.iter(), b.rows.iter()),
            (AnyTable::Charges(a), AnyTable::Charges(b)) => diff(a.rows.iter(), b.rows.iter()),
            // `Store::diff` loads both under one kind.
            _ => Diff::default(),
        }
    }
}

/// What differs between two snapshots of a table, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Keys that only the later snapshot has, with their values.
    pub added: Vec<(String, String)>,
    /// Keys that only the earlier snapshot has, with their values.
    pub removed: Vec<(String, String)>,
    /// Keys of both, with the value before and after.
    pub changed: Vec<(String, String, String)>,
}

impl Diff {
    /// Do the snapshots say the same?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl fmt::Display for Diff {
    /// One line a key: `+` added, `-` removed, `~` changed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<(&str, String)> = Vec::new();
        lines.extend(self.added.iter().map(|(k, v)| (k.as_str(), format!("+ {k}: {v}"))));
        lines.extend(self.removed.iter().map(|(k, v)| (k.as_str(), format!("- {k}: {v}"))));
        lines.extend(self.changed.iter().map(|(k, a, b)| (k.as_str(), format!("~ {k}: {a} -> {b}"))));
        lines.sort();
        lines.iter().try_for_each(|(_, line)| writeln!(f, "{line}"))
    }
}

/// A row by value or by reference.
trait Borrowed {
    type Row: Record;
    fn row(&self) -> &Self::Row;
}

impl Borrowed for Ptp {
    type Row = Ptp;
    fn row(&self) -> &Ptp {
        self
    }
}

impl<R: Record> Borrowed for &R {
    type Row = R;
    fn row(&self) -> &R {
        self
    }
}

fn diff<B: Borrowed>(before: impl Iterator<Item = B>, after: impl Iterator<Item = B>) -> Diff {
    let (mut before, mut after) = (before.peekable(), after.peekable());
    let mut diff = Diff::default();
    let value = |rows: &[B]| rows.iter().map(|r| r.row().value()).collect::<Vec<_>>().join("; ");
    let (mut old, mut new): (Vec<B>, Vec<B>) = (Vec::new(), Vec::new());
    loop {
        let key = match (before.peek().map(|r| r.row().key()), after.peek().map(|r| r.row().key())) {
            (None, None) => return diff,
            (Some(k), None) | (None, Some(k)) => k,
            (Some(a), Some(b)) => a.min(b),
        };
        old.clear();
        new.clear();
        old.extend(std::iter::from_fn(|| before.next_if(|r| r.row().key() == key)));
        new.extend(std::iter::from_fn(|| after.next_if(|r| r.row().key() == key)));
        if old.len() == new.len() && old.iter().zip(&new).all(|(a, b)| a.row() == b.row()) {
            continue;
        }
        match (old.first(), new.first()) {
            (None, Some(r)) => diff.added.push((r.row().name(), value(&new))),
            (Some(r), None) => diff.removed.push((r.row().name(), value(&old))),
            (Some(r), Some(_)) => diff.changed.push((r.row().name(), value(&old), value(&new))),
            (None, None) => {}
        }
    }
}
