//! From release files to snapshots, all of a call or none.

use std::collections::BTreeMap;
use std::fmt;

use csv::StringRecord;
use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::error::HeaderChanged;
use super::fixed::Form;
use super::layout::{self, Changed, Family, HEAD, Header, Recognised};
use super::parse::{self, HcpcsPart, Rows, dosage_of};
use super::rows::{Hcpcs, Record, Rvu};
use super::table::{AnyTable, PtpTable, Table};
use super::unpack::{Body, Member, Shape, unpack};
use super::when::{self, Stated};
use super::{Code, ImportError, Kind, Quarter, Snapshot, Source, Store};

/// What was understood of one file or archive member, to be shown to whoever imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Understood {
    /// The file, and behind ` > ` the member.
    pub source: String,
    /// What it is.
    pub what: What,
}

/// What a file or archive member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A table that was imported.
    Table {
        /// Which.
        kind: Kind,
        /// Of which quarter.
        quarter: Quarter,
        /// Who says that it is of this quarter.
        says: String,
        /// Rows read from it.
        rows: usize,
        /// Rows that were left out, columns that are not known.
        notes: Vec<String>,
    },
    /// A member of an archive that was passed over.
    Passed {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Understood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Table { kind, quarter, says, rows, notes } => {
                write!(f, "{}: {}, {quarter} ({says}), {rows} rows", self.source, kind.label())?;
                notes.iter().try_for_each(|note| write!(f, "; {note}"))
            }
            What::Passed { why } => write!(f, "{}: passed over: {why}", self.source),
        }
    }
}

/// A recognised and parsed member.
struct Parsed {
    member: Member,
    rows: Rows,
    stated: Stated,
    notes: Vec<String>,
}

/// A parsed member whose quarter is known.
struct Dated {
    parsed: Parsed,
    quarter: Quarter,
    says: String,
}

/// SHA-256 in hexadecimal.
pub(super) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Imports release files, given as name and content, into the store: every table of the call, or none.
///
/// What a file holds is told by its content. Its quarter is `quarter`, else a date in the file, else in its name, else
/// the one quarter of the other files; sources that differ are an error. `imported_on` is the caller's date.
///
/// # Errors
/// Where a file cannot be read or understood, where quarters differ or are missing, and where the store cannot be
/// written; the store is then as it was.
pub fn import(
    files: &[(&str, &[u8])],
    quarter: Option<Quarter>,
    store: &mut Store,
    imported_on: Date,
) -> Result<Vec<Understood>, ImportError> {
    if files.is_empty() {
        return Err(ImportError::NoFiles);
    }
    let mut understood = Vec::new();
    let mut parsed = Vec::new();
    for (index, (name, bytes)) in files.iter().enumerate() {
        let members = unpack(index, name, bytes)?;
        let before = parsed.len();
        let mut passed = Vec::new();
        for member in members {
            match read(member)? {
                Ok(one) => parsed.push(one),
                Err((source, why)) => passed.push((source, why)),
            }
        }
        if parsed.len() == before {
            let what = match passed.as_slice() {
                [(source, why)] if source == name => why.clone(),
                all => format!(
                    "holds no table ({})",
                    all.iter().map(|(s, w)| format!("{s} {w}")).collect::<Vec<_>>().join("; ")
                ),
            };
            return Err(ImportError::NotATable { name: (*name).to_owned(), what });
        }
        understood.extend(passed.into_iter().map(|(source, why)| Understood { source, what: What::Passed { why } }));
    }
    let dated = date(parsed, quarter)?;
    let held = store.hold()?;
    let mut snapshots = Vec::new();
    let mut lines = Vec::new();
    let mut of_kind: BTreeMap<(Kind, Quarter), Vec<Dated>> = BTreeMap::new();
    for one in dated {
        of_kind.entry((kind(&one.parsed.rows), one.quarter)).or_default().push(one);
    }
    for ((kind, quarter), ones) in of_kind {
        let mut sources: Vec<Source> = Vec::new();
        for one in &ones {
            let (_, bytes) = files[one.parsed.member.file];
            sources.push(Source { name: one.parsed.member.name.clone(), sha256: hash(bytes) });
        }
        lines.extend(ones.iter().map(|one| Understood {
            source: one.parsed.member.name.clone(),
            what: What::Table {
                kind,
                quarter,
                says: one.says.clone(),
                rows: one.parsed.rows.len(),
                notes: one.parsed.notes.clone(),
            },
        }));
        let stored = held.store().table(kind, quarter)?;
        let table = table(kind, quarter, ones.into_iter().map(|o| o.parsed.rows), stored)?;
        // HCPCS files of one release complete each other, also over several calls; all of them are its sources.
        if kind == Kind::Hcpcs {
            let old = held.store().list().find(|s| (s.kind, s.quarter) == (kind, quarter));
            let old = old.into_iter().flat_map(|s| s.sources.iter().cloned());
            let more: Vec<Source> = old.filter(|o| sources.iter().all(|s| s.sha256 != o.sha256)).collect();
            sources.splice(0..0, more);
        }
        if let Some(last) = lines.last_mut() {
            note_shrinkage(held.store(), kind, quarter, table.rows(), last);
        }
        snapshots.push((Snapshot { kind, quarter, rows: table.rows(), imported_on, sources }, table));
    }
    held.commit(snapshots)?;
    lines.append(&mut understood);
    Ok(lines)
}

/// Half a table looks whole when a file was cut between two lines: a quarter with far fewer rows than the one before
/// it is worth a word.
fn note_shrinkage(store: &Store, kind: Kind, quarter: Quarter, rows: usize, line: &mut Understood) {
    let earlier = store.list().filter(|s| s.kind == kind && s.quarter < quarter).last();
    if let (Some(earlier), What::Table { notes, .. }) = (earlier, &mut line.what)
        && rows * 2 < earlier.rows
    {
        notes.push(format!("fewer than half of the {} rows of {}: is the file whole?", earlier.rows, earlier.quarter));
    }
}

type Passed = (String, String);

/// Recognises and parses a member; what holds no table of ours is passed over with the reason.
fn read(member: Member) -> Result<Result<Parsed, Passed>, ImportError> {
    let passed = |why: &str| Ok(Err((member.name.clone(), why.to_owned())));
    let (header, shape, above) = match recognise(&member)? {
        Seen::Header(header, shape, above) => (header, shape, above),
        Seen::Changed(changed) => {
            let Changed { label, expected, found, missing, unknown, .. } = changed;
            let name = member.name;
            return Err(ImportError::HeaderChanged(Box::new(HeaderChanged {
                name,
                table: label,
                expected,
                found,
                missing,
                unknown,
            })));
        }
        Seen::Nothing(why) => return passed(&why),
    };
    let other = above.iter().any(|line| {
        let upper = line.to_ascii_uppercase();
        upper.contains("CROSSWALK") && ["AWP", "OPPS", "PREP", "NOC"].iter().any(|k| upper.split(' ').any(|w| w == *k))
    });
    if header.layout.family == Family::Unused || other {
        let why = format!(
            "is {}, which is not used",
            if other { "another crosswalk than ASP's" } else { header.layout.label }
        );
        return passed(&why);
    }
    if let Body::Text { text, checked: false } = &member.body
        && !text.trim_end_matches('\u{1a}').ends_with(['\n', '\r'])
    {
        return Err(ImportError::CutShort {
            name: member.name,
            what: "the last line has no end".to_owned(),
            mend: "if it is whole, end it with a line break",
        });
    }
    let (rows, left_out) = parse::parse(&member, &header, shape)?;
    if rows.len() == 0 {
        return Err(ImportError::NotATable {
            name: member.name,
            what: format!("has the header of {} and no row", header.layout.label),
        });
    }
    let mut stated = when::stated(&above);
    stated.years.extend(&header.years);
    let mut notes: Vec<String> = left_out.notes().collect();
    if let Rows::Ptp(_, rows) = &rows {
        let (first, last) = (rows.iter().map(|r| r.column1).min(), rows.iter().map(|r| r.column1).max());
        notes.extend(first.zip(last).map(|(first, last)| format!("column one from {first} to {last}")));
    }
    if !header.unknown.is_empty() {
        notes.push(format!("columns not known: {}", header.unknown.join(", ")));
    }
    Ok(Ok(Parsed { member, rows, stated, notes }))
}

enum Seen {
    Header(Header, Shape, Vec<String>),
    Changed(Changed),
    Nothing(String),
}

/// The first records of a member.
fn head(member: &Member, shape: Shape) -> Result<Vec<StringRecord>, ImportError> {
    let mut records = Vec::new();
    member.each(shape, &mut |_, record| {
        records.push(record.clone());
        Ok(records.len() < HEAD)
    })?;
    Ok(records)
}

fn recognise(member: &Member) -> Result<Seen, ImportError> {
    let shapes: &[Shape] = match &member.body {
        Body::Other(why) => return Ok(Seen::Nothing((*why).to_owned())),
        Body::Sheet { .. } => &[Shape::Sheet],
        Body::Text { .. } => {
            &[Shape::Delimited(b'\t'), Shape::Delimited(b','), Shape::Delimited(b'|'), Shape::Delimited(b';')]
        }
    };
    let mut changed: Option<Changed> = None;
    for shape in shapes {
        let records = head(member, *shape)?;
        match layout::recognise(&records) {
            Recognised::Header(header) => {
                let lines = records[..header.after.min(records.len())].iter();
                let above = lines.map(|r| r.iter().collect::<Vec<_>>().join(" ")).collect();
                return Ok(Seen::Header(header, *shape, above));
            }
            Recognised::Changed(found) => changed = changed.or(Some(found)),
            Recognised::Nothing => {}
        }
    }
    if let Body::Text { text, .. } = &member.body
        && let Some((form, above)) = Form::of(text)
        && let Some(header) = form.header()
    {
        return Ok(Seen::Header(header, Shape::Fixed(form), above));
    }
    if let Some(changed) = changed {
        return Ok(Seen::Changed(changed));
    }
    let first = match &member.body {
        Body::Text { text, .. } => text.lines().find(|l| !l.trim().is_empty()).map(str::to_owned),
        _ => head(member, Shape::Sheet)?.first().map(|r| r.iter().collect::<Vec<_>>().join(" | ")),
    };
    Ok(Seen::Nothing(match first {
        None => "has no line of text".to_owned(),
        Some(line) => {
            let shown: String = line.trim().chars().take(80).collect();
            format!("has no header that is known (it begins `{shown}`)")
        }
    }))
}

fn kind(rows: &Rows) -> Kind {
    match rows {
        Rows::Ptp(biller, _) => Kind::Ptp(*biller),
        Rows::Mue(biller, _) => Kind::Mue(*biller),
        Rows::AddOn(_) => Kind::AddOn,
        Rows::Hcpcs(_) | Rows::HcpcsDescriptions(_) | Rows::HcpcsNotClassified(_) => Kind::Hcpcs,
        Rows::Asp(_) => Kind::Asp,
        Rows::Ndc(_) => Kind::Ndc,
        Rows::Rvu(_) => Kind::Rvu,
        Rows::Gpci(_) => Kind::Gpci,
        Rows::AddendumB(_) => Kind::AddendumB,
        Rows::Charges(_) => Kind::Charges,
    }
}

/// Finds the quarter of each member, and checks that none says otherwise.
fn date(parsed: Vec<Parsed>, wanted: Option<Quarter>) -> Result<Vec<Dated>, ImportError> {
    let mut own: Vec<Option<(Quarter, String)>> = Vec::new();
    for one in &parsed {
        own.push(own_quarter(one, wanted)?);
    }
    let mut agreed: Option<(Quarter, &str)> = None;
    for (one, found) in parsed.iter().zip(&own) {
        let Some((quarter, _)) = found else { continue };
        match agreed {
            None => agreed = Some((*quarter, &one.member.name)),
            Some((first, _)) if first == *quarter => {}
            Some((first, name)) => {
                return Err(ImportError::TwoQuarters {
                    one: format!("{name} is of {first}"),
                    other: format!("{} of {quarter}", one.member.name),
                    mend: "import each quarter by itself, or name the right one with `--quarter`".to_owned(),
                });
            }
        }
    }
    let shared = agreed.map(|(quarter, name)| (quarter, format!("as {name}")));
    let mut dated = Vec::new();
    for (one, found) in parsed.into_iter().zip(own) {
        let Some((quarter, says)) = found.or_else(|| shared.clone()) else {
            return Err(ImportError::NoQuarter { name: one.member.name });
        };
        if let Some(year) = one.stated.years.iter().find(|y| **y != quarter.year()) {
            return Err(ImportError::TwoQuarters {
                one: format!("{} is of the year {year}", one.member.name),
                other: format!("{says} says {quarter}"),
                mend: format!("name the right quarter with `--quarter {year}Q1`, or get the right file"),
            });
        }
        if let Some(date) = one.rows.latest().filter(|d| *d > quarter.last_day()) {
            return Err(ImportError::LaterQuarter { name: one.member.name, date, quarter });
        }
        dated.push(Dated { parsed: one, quarter, says });
    }
    Ok(dated)
}

/// The quarter that the call, the file or its names tell, and who told it.
fn own_quarter(one: &Parsed, wanted: Option<Quarter>) -> Result<Option<(Quarter, String)>, ImportError> {
    let name = &one.member.name;
    let mut told: Vec<(Quarter, String)> =
        one.stated.quarters.iter().map(|(q, words)| (*q, format!("the file says “{words}”"))).collect();
    // A name that contradicts the file or the call counts; one behind it that agrees adds nothing.
    for outer in &one.member.names {
        told.extend(when::named(outer).into_iter().map(|q| (q, format!("the name {outer}"))));
    }
    if let Some(wanted) = wanted {
        if let Some((quarter, who)) = told.iter().find(|(q, _)| *q != wanted) {
            // What the file says itself and the call agree on outweighs a name.
            let settled = one.stated.quarters.iter().any(|(q, _)| *q == wanted) && who.starts_with("the name");
            if !settled {
                return Err(ImportError::TwoQuarters {
                    one: format!("{name}: {who}, which is {quarter}"),
                    other: format!("but `--quarter` is {wanted}"),
                    mend: "correct `--quarter` or leave it out; a file with a wrong name must be renamed".to_owned(),
                });
            }
        }
        return Ok(Some((wanted, "--quarter".to_owned())));
    }
    let Some((quarter, who)) = told.first().cloned() else { return Ok(None) };
    if let Some((second, whose)) = told.iter().find(|(q, _)| *q != quarter) {
        return Err(ImportError::TwoQuarters {
            one: format!("{name}: {who}, which is {quarter}"),
            other: format!("but {whose} is {second}"),
            mend: format!("name the right quarter with `--quarter {quarter}`, or rename the file"),
        });
    }
    Ok(Some((quarter, who)))
}

/// One table of all its files' rows.
fn table(
    kind: Kind,
    quarter: Quarter,
    parts: impl Iterator<Item = Rows>,
    stored: Option<&AnyTable>,
) -> Result<AnyTable, ImportError> {
    macro_rules! all {
        ($($variant:ident)|+) => {
            parts.flat_map(|p| match p { $(Rows::$variant(r) => r,)+ _ => Vec::new() }).collect::<Vec<_>>()
        };
    }
    Ok(match kind {
        Kind::Ptp(_) => {
            let rows = parts.flat_map(|p| if let Rows::Ptp(_, r) = p { r } else { Vec::new() }).collect();
            let table = PtpTable::of(rows);
            if let Some(AnyTable::Ptp(old)) = stored
                && let (Some(old), Some(new)) = (old.range(), table.range())
                && (old.1 < new.0 || new.1 < old.0)
            {
                let shown = |(first, last): (Code, Code)| format!("{first} to {last}");
                return Err(ImportError::OtherPart { kind, quarter, stored: shown(old), given: shown(new) });
            }
            AnyTable::Ptp(table)
        }
        Kind::Mue(_) => AnyTable::Mue(unique(
            kind,
            parts.flat_map(|p| if let Rows::Mue(_, r) = p { r } else { Vec::new() }).collect(),
        )?),
        Kind::AddOn => AnyTable::AddOn(sorted(all!(AddOn))),
        Kind::Hcpcs => {
            let old = if let Some(AnyTable::Hcpcs(old)) = stored { old.rows() } else { &[] };
            AnyTable::Hcpcs(hcpcs(parts, old)?)
        }
        Kind::Asp => AnyTable::Asp(unique(kind, all!(Asp))?),
        Kind::Ndc => AnyTable::Ndc(sorted(all!(Ndc))),
        Kind::Rvu => AnyTable::Rvu(rvu(all!(Rvu))?),
        Kind::Gpci => AnyTable::Gpci(unique(kind, all!(Gpci))?),
        Kind::AddendumB => AnyTable::AddendumB(unique(kind, all!(AddendumB))?),
        Kind::Charges => AnyTable::Charges(sorted(all!(Charges))),
    })
}

/// Rows by key, and within a key by what they say, each once: the order of files and rows does not matter.
fn sorted<R: Record>(mut rows: Vec<R>) -> Table<R> {
    rows.sort_by_cached_key(|r| (r.key(), r.value()));
    rows.dedup();
    Table::of_sorted(rows)
}

/// The same for tables in which a key says one thing.
fn unique<R: Record>(kind: Kind, rows: Vec<R>) -> Result<Table<R>, ImportError> {
    let table = sorted(rows);
    match table.rows().windows(2).find(|pair| pair[0].key() == pair[1].key()) {
        None => Ok(table),
        Some(pair) => Err(ImportError::Contradiction {
            kind,
            key: pair[0].name(),
            values: format!("{}; {}", pair[0].value(), pair[1].value()),
        }),
    }
}

/// From 2026 CMS issues the same values twice, with a higher factor for qualifying participants.
fn rvu(mut rows: Vec<Rvu>) -> Result<Table<Rvu>, ImportError> {
    rows.sort_by_key(|r| (r.key(), r.conversion_factor));
    rows.dedup_by(|higher, lower| {
        if higher == lower {
            return true;
        }
        let same = lower.conversion_factor_qpp.is_none()
            && *higher == Rvu { conversion_factor: higher.conversion_factor, ..lower.clone() };
        if same {
            lower.conversion_factor_qpp = Some(higher.conversion_factor);
        }
        same
    });
    unique(Kind::Rvu, rows)
}

fn dates(part: &HcpcsPart) -> String {
    let shown = |date: Option<Date>| date.map_or_else(|| "none".to_owned(), |d| d.to_string());
    let (added, terminated) = part.dates.unwrap_or_default();
    format!("added {}, terminated {}", shown(added), shown(terminated))
}

/// The codes of a release: the list of codes with its dates, completed by descriptions and the list of unclassified.
///
/// A new list replaces an older one; what the older files of the same quarter said besides is kept.
fn hcpcs(parts: impl Iterator<Item = Rows>, old: &[Hcpcs]) -> Result<Table<Hcpcs>, ImportError> {
    let (mut lists, mut descriptions, mut unclassified) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        match part {
            Rows::Hcpcs(rows) => lists.extend(rows),
            Rows::HcpcsDescriptions(rows) => descriptions.extend(rows),
            Rows::HcpcsNotClassified(rows) => unclassified.extend(rows),
            _ => {}
        }
    }
    let blank = |code| Hcpcs { code, added: None, terminated: None, dosage_text: None, not_classified: false };
    let before: BTreeMap<Code, &Hcpcs> = old.iter().map(|h| (h.code, h)).collect();
    let mut codes: BTreeMap<Code, Hcpcs> = BTreeMap::new();
    if lists.is_empty() {
        codes.extend(old.iter().map(|h| (h.code, h.clone())));
    }
    let mut listed: BTreeMap<Code, HcpcsPart> = BTreeMap::new();
    for part in lists {
        if let Some(first) = listed.get(&part.code)
            && first.dates != part.dates
        {
            return Err(ImportError::Contradiction {
                kind: Kind::Hcpcs,
                key: part.code.to_string(),
                values: format!("{}; {}", dates(first), dates(&part)),
            });
        }
        let kept = before.get(&part.code).map_or_else(|| blank(part.code), |h| (*h).clone());
        let (added, terminated) = part.dates.unwrap_or_default();
        let dosage_text =
            if part.description.is_some() { dosage_of(part.description.as_ref()) } else { kept.dosage_text };
        let dosage_text = dosage_text.or_else(|| codes.get(&part.code)?.dosage_text.clone());
        codes.insert(part.code, Hcpcs { added, terminated, dosage_text, ..kept });
        listed.insert(part.code, part);
    }
    for part in descriptions {
        codes.entry(part.code).or_insert_with(|| blank(part.code)).dosage_text = dosage_of(part.description.as_ref());
    }
    if !unclassified.is_empty() {
        codes.values_mut().for_each(|h| h.not_classified = false);
    }
    for part in unclassified {
        let row = codes.entry(part.code).or_insert_with(|| blank(part.code));
        row.not_classified = true;
        let (added, terminated) = part.dates.unwrap_or_default();
        // The list of codes is the better source of dates.
        if row.added.is_none() && row.terminated.is_none() {
            (row.added, row.terminated) = (added, terminated);
        }
    }
    Ok(Table::of_sorted(codes.into_values().collect()))
}
