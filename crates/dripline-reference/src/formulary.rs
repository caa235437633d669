//! The project's own table of drugs: what a charted name is, which class it has by which route, and what its code
//! counts.
//!
//! A drug is found by its HCPCS code, its NDC, or by its exact name after case, blanks and hyphens are folded; then
//! by its ingredient; then by the name that is left without words of which each is known to say nothing of the drug: a
//! salt, a strength, a form, what it was mixed in. A name that is only near is a suggestion and never codes.

use std::sync::{Arc, LazyLock};

use dripline::case::{Electrolyte, VaccineKind};
use dripline::chart::Class;
use dripline::code::Code;
use dripline::time::strict_date;
use jiff::civil::Date;

use crate::dose::{Amount, Strength};

mod name;

const BUILT_IN: &str = include_str!("../data/formulary.csv");

/// What a product is used for, where that is nearly all it is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UsualUse {
    /// Anaesthesia.
    Anaesthetic,
    /// Sedation for a procedure.
    Sedating,
    /// Contrast.
    Contrast,
    /// Undoing an anaesthetic or a sedative.
    Reversal,
    /// A stress test or other imaging.
    Imaging,
    /// Flushing a line.
    Flush,
    /// Opening a blocked catheter.
    Declot,
}

/// A row of the table: one product as its code sees it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Generic name.
    pub name: String,
    /// Active ingredient, by its number in the table.
    pub ingredient: u32,
    /// HCPCS code, if there is one of its own.
    pub hcpcs: Option<String>,
    /// What one unit of the code is.
    pub unit: Option<Amount>,
    /// What stands in one unit beside the component that is counted.
    pub beside: Option<Amount>,
    /// Class.
    pub class: Class,
    /// Class by route, where it differs.
    pub class_by_route: Vec<(String, Class)>,
    /// Routes by which it is usually given, in lower case.
    pub routes: Vec<String>,
    /// Routes that the words of the code name, in lower case; empty where they name none.
    pub code_routes: Vec<String>,
    /// Kind of vaccine.
    pub vaccine: Option<VaccineKind>,
    /// Components of a vaccine.
    pub components: Option<u32>,
    /// Strength, for a product that comes in one.
    pub strength: Option<Strength>,
    /// The only usual use.
    pub usual_use: Option<UsualUse>,
    /// Salt that may be part of a fluid.
    pub electrolyte: Option<Electrolyte>,
    /// Administration code of the product's own.
    pub own_code: Option<Code>,
    /// First date of the code.
    pub from: Option<Date>,
    /// Last date of the code.
    pub to: Option<Date>,
    /// The only doses that the product comes in.
    pub doses: Vec<Amount>,
    /// The code stands for a package of this size.
    pub package: bool,
    /// For patients on dialysis, or for all others.
    pub dialysis: Option<bool>,
}

impl Entry {
    /// Class by the route, which is a word of the table's in lower case.
    #[must_use]
    pub fn class_by(&self, route: &str) -> Class {
        self.class_by_route.iter().find(|(r, _)| r == route).map_or(self.class, |(_, c)| *c)
    }

    /// Is its code one for the route, which is a word of the table's in lower case? It is where its words name none, and
    /// where the route is none that the table knows.
    #[must_use]
    pub fn coded_by(&self, route: &str) -> bool {
        self.code_routes.is_empty() || !ROUTES.contains(&route) || self.code_routes.iter().any(|r| r == route)
    }

    /// Is its code in force on a date?
    #[must_use]
    pub fn in_force(&self, on: Date) -> bool {
        self.from.is_none_or(|f| f <= on) && self.to.is_none_or(|t| on <= t)
    }
}

#[derive(Debug, Default)]
struct Table {
    entries: Vec<Entry>,
    ingredients: Vec<String>,
    /// Folded name and its rows.
    names: Vec<(String, Vec<u32>)>,
    /// Name without blanks and hyphens and its rows, where all names that look so mean the same.
    squeezed: Vec<(String, Vec<u32>)>,
    /// Ingredient and its rows.
    by_ingredient: Vec<(String, Vec<u32>)>,
    /// HCPCS code and its rows, the general one before those of products that are used otherwise.
    by_hcpcs: Vec<(String, u32)>,
    /// Names as they are shown, for suggestions.
    shown: Vec<(String, String)>,
    /// How many characters, and which, the folded one of each of these has.
    looks: Vec<(usize, u64)>,
}

/// The table of drugs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Formulary {
    table: Arc<Table>,
    /// NDC in 11 digits and the HCPCS code that a reference table gives it.
    ndcs: Arc<Vec<(String, String)>>,
}

impl Default for Formulary {
    fn default() -> Self {
        Formulary::built_in()
    }
}

/// How a charted name was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// By a name.
    Name,
    /// By its ingredient.
    Ingredient,
    /// By what is left of it, which [`Formulary::read_as`] tells.
    Shortened,
}

/// Case, blanks, typographic hyphens and marks folded.
#[must_use]
pub fn fold(name: &str) -> String {
    let name = name.trim();
    // Most names are plain words with single blanks between them.
    let mut before = b' ';
    let plain = name.bytes().all(|b| {
        let plain = b != b'`' && (b.is_ascii_graphic() || (b == b' ' && before != b' '));
        before = b;
        plain
    });
    if plain {
        let mut out = name.trim_end_matches([' ', ',', ';']).to_owned();
        out.make_ascii_lowercase();
        return out;
    }
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '®' | '™' | '©' => {}
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ad}' => out.push('-'),
            '’' | '‘' | '`' => out.push('\''),
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c if c.is_ascii() => out.push(c.to_ascii_lowercase()),
            c => out.extend(c.to_lowercase()),
        }
    }
    while out.ends_with([' ', ',', ';']) {
        out.pop();
    }
    out
}

/// A folded name without blanks, hyphens, apostrophes, and slashes other than in a fraction.
fn squeeze(folded: &str) -> String {
    let mut out = String::with_capacity(folded.len());
    let mut before = ' ';
    let mut chars = folded.chars().peekable();
    while let Some(c) = chars.next() {
        let keep = match c {
            ' ' | '-' | '\'' => false,
            '/' => before.is_ascii_digit() && chars.peek().is_some_and(char::is_ascii_digit),
            _ => true,
        };
        if keep {
            out.push(c);
        }
        before = c;
    }
    out
}

/// What is wrong with a row of a table of drugs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableError {
    /// Line of the file, the header being the first.
    pub line: u64,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for TableError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for TableError {}

const COLUMNS: [&str; 26] = [
    "generic_name",
    "brand_names",
    "synonyms",
    "ingredient",
    "hcpcs",
    "rxnorm",
    "billing_unit_amount",
    "billing_unit_measure",
    "beside",
    "class",
    "class_by_route",
    "usual_routes",
    "code_routes",
    "vaccine_kind",
    "components",
    "concentration",
    "usual_use",
    "electrolyte",
    "m_code",
    "from",
    "to",
    "doses",
    "package",
    "dialysis",
    "source",
    "note",
];

/// A letter and four digits, or five digits.
#[must_use]
pub fn is_hcpcs(code: &str) -> bool {
    let b = code.as_bytes();
    b.len() == 5 && (b[0].is_ascii_uppercase() || b[0].is_ascii_digit()) && b[1..].iter().all(u8::is_ascii_digit)
}

fn list(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(';').map(str::trim).filter(|s| !s.is_empty())
}

/// Rows under a sorted key.
fn index(mut pairs: Vec<(String, u32)>) -> Vec<(String, Vec<u32>)> {
    pairs.sort();
    pairs.dedup();
    let mut out: Vec<(String, Vec<u32>)> = Vec::new();
    for (key, row) in pairs {
        match out.last_mut() {
            Some((k, rows)) if *k == key => rows.push(row),
            _ => out.push((key, vec![row])),
        }
    }
    out
}

fn rows<'t>(index: &'t [(String, Vec<u32>)], key: &str) -> &'t [u32] {
    index.binary_search_by(|(k, _)| k.as_str().cmp(key)).map_or(&[], |i| index[i].1.as_slice())
}

impl Table {
    fn read(text: &str) -> Result<Table, TableError> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let wrong = |line: u64, message: String| TableError { line, message };
        let header = reader.headers().map_err(|e| wrong(1, e.to_string()))?;
        if header.iter().ne(COLUMNS) {
            return Err(wrong(1, format!("the columns are {}", COLUMNS.join(", "))));
        }
        let mut table = Table::default();
        let (mut names, mut ingredients, mut codes) = (Vec::new(), Vec::new(), Vec::new());
        for record in reader.into_records() {
            let record = record.map_err(|e| wrong(0, e.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            let row = u32::try_from(table.entries.len()).unwrap_or(u32::MAX);
            let cell = |name: &str| COLUMNS.iter().position(|c| *c == name).and_then(|i| record.get(i)).unwrap_or("");
            let entry = table.entry(&cell).map_err(|m| wrong(line, m))?;
            let shown =
                std::iter::once(cell("generic_name")).chain(list(cell("brand_names"))).chain(list(cell("synonyms")));
            for name in shown {
                names.push((fold(name), row));
                table.shown.push((fold(name), name.to_owned()));
            }
            ingredients.push((fold(cell("ingredient")), row));
            if let Some(code) = &entry.hcpcs {
                codes.push((code.clone(), row));
            }
            table.entries.push(entry);
        }
        let mut squeezed: Vec<(String, Vec<u32>)> = Vec::new();
        table.names = index(names);
        let mut by_shape: Vec<(String, &[u32])> = table.names.iter().map(|(n, r)| (squeeze(n), r.as_slice())).collect();
        by_shape.sort();
        for pair in by_shape.chunk_by(|a, b| a.0 == b.0) {
            if pair.iter().all(|p| p.1 == pair[0].1) {
                squeezed.push((pair[0].0.clone(), pair[0].1.to_vec()));
            }
        }
        table.squeezed = squeezed;
        table.by_ingredient = index(ingredients);
        codes.sort();
        let entry = |row: u32| &table.entries[row as usize];
        let same = |a: &Entry, b: &Entry| a.ingredient == b.ingredient && a.unit == b.unit;
        if let Some(twice) = codes.windows(2).find(|w| w[0].0 == w[1].0 && !same(entry(w[0].1), entry(w[1].1))) {
            return Err(wrong(0, format!("{} stands twice, with another ingredient or unit", twice[0].0)));
        }
        table.by_hcpcs = codes;
        table.shown.sort();
        table.shown.dedup();
        table.looks = table.shown.iter().map(|(key, _)| (key.chars().count(), letters(key.chars()))).collect();
        Ok(table)
    }

    fn entry<'r>(&mut self, cell: &dyn Fn(&str) -> &'r str) -> Result<Entry, String> {
        let class = |word: &str| Class::from_word(word).ok_or_else(|| format!("`{word}` is no class"));
        let date = |name: &str| match cell(name) {
            "" => Ok(None),
            text => strict_date(text).map(Some).ok_or_else(|| format!("`{text}` is no date")),
        };
        let flag = |name: &str| match cell(name) {
            "" => Ok(None),
            "yes" => Ok(Some(true)),
            "no" => Ok(Some(false)),
            other => Err(format!("`{other}` is neither yes nor no")),
        };
        if cell("generic_name").is_empty() || cell("ingredient").is_empty() {
            return Err("a name and an ingredient are needed".into());
        }
        let hcpcs = match cell("hcpcs") {
            "" => None,
            code if is_hcpcs(code) => Some(code.to_owned()),
            other => return Err(format!("`{other}` is no HCPCS code")),
        };
        let unit = match (cell("billing_unit_amount"), cell("billing_unit_measure")) {
            ("", "") => None,
            (amount, measure) => {
                let unit: Amount = format!("{amount} {measure}").parse().map_err(|e| format!("billing unit: {e}"))?;
                if unit.value.is_zero() {
                    return Err("a billing unit of nothing".into());
                }
                Some(unit)
            }
        };
        if hcpcs.is_some() && unit.is_none() {
            return Err("a code without a unit".into());
        }
        let beside = match cell("beside") {
            "" => None,
            text => Some(text.parse::<Amount>().map_err(|e| format!("beside: {e}"))?),
        };
        if beside.is_some_and(|b| b.value.is_zero() || unit.is_none_or(|u| u.unit.kind != b.unit.kind)) {
            return Err("what stands beside the counted component is no amount of its measure".into());
        }
        let mut class_by_route = Vec::new();
        for pair in list(cell("class_by_route")) {
            let (route, word) = pair.split_once(':').ok_or_else(|| format!("`{pair}` is no route with a class"))?;
            class_by_route.push((route.to_ascii_lowercase(), class(word)?));
        }
        let routes: Vec<String> = list(cell("usual_routes")).map(str::to_ascii_lowercase).collect();
        let code_routes: Vec<String> = list(cell("code_routes")).map(str::to_ascii_lowercase).collect();
        let mut named = routes.iter().chain(&code_routes).chain(class_by_route.iter().map(|r| &r.0));
        if let Some(odd) = named.find(|r| !ROUTES.contains(&r.as_str())) {
            return Err(format!("`{odd}` is no route"));
        }
        let vaccine = match cell("vaccine_kind") {
            "" => None,
            "influenza" => Some(VaccineKind::Influenza),
            "pneumococcal" => Some(VaccineKind::Pneumococcal),
            "hepatitis_b" => Some(VaccineKind::HepatitisB),
            "covid_19" => Some(VaccineKind::Covid19),
            "other" => Some(VaccineKind::Other),
            other => return Err(format!("`{other}` is no kind of vaccine")),
        };
        let components = match cell("components") {
            "" => None,
            n => Some(n.parse::<u32>().ok().filter(|n| *n > 0).ok_or_else(|| format!("`{n}` is no count"))?),
        };
        let strength = match cell("concentration") {
            "" => None,
            text => Some(text.parse::<Strength>().map_err(|e| format!("concentration: {e}"))?),
        };
        let usual_use = match cell("usual_use") {
            "" => None,
            "anaesthetic" => Some(UsualUse::Anaesthetic),
            "sedating" => Some(UsualUse::Sedating),
            "contrast" => Some(UsualUse::Contrast),
            "reversal" => Some(UsualUse::Reversal),
            "imaging" => Some(UsualUse::Imaging),
            "flush" => Some(UsualUse::Flush),
            "declot" => Some(UsualUse::Declot),
            other => return Err(format!("`{other}` is no usual use")),
        };
        let electrolyte = match cell("electrolyte") {
            "" => None,
            "potassium" => Some(Electrolyte::Potassium),
            "sodium" => Some(Electrolyte::Sodium),
            other => return Err(format!("`{other}` is no salt")),
        };
        let m_code = cell("m_code");
        let is_m_code = is_hcpcs(m_code) && m_code.starts_with('M');
        if !(m_code.is_empty() || is_m_code) {
            return Err(format!("`{m_code}` is no M code"));
        }
        let doses = list(cell("doses"))
            .map(|d| d.parse::<Amount>().map_err(|e| format!("dose `{d}`: {e}")))
            .collect::<Result<Vec<_>, _>>()?;
        let (from, to) = (date("from")?, date("to")?);
        if let (Some(f), Some(t)) = (from, to)
            && t < f
        {
            return Err("the last date comes before the first".into());
        }
        let ingredient = cell("ingredient");
        let number = match self.ingredients.iter().position(|i| i == ingredient) {
            Some(n) => n,
            None => {
                self.ingredients.push(ingredient.to_owned());
                self.ingredients.len() - 1
            }
        };
        Ok(Entry {
            name: cell("generic_name").to_owned(),
            ingredient: u32::try_from(number).unwrap_or(u32::MAX),
            hcpcs,
            unit,
            beside,
            class: class(cell("class"))?,
            class_by_route,
            routes,
            code_routes,
            vaccine,
            components,
            strength,
            usual_use,
            electrolyte,
            own_code: Code::from_name(m_code),
            from,
            to,
            doses,
            package: flag("package")?.unwrap_or(false),
            dialysis: flag("dialysis")?,
        })
    }
}

/// Routes that the table may name.
const ROUTES: &[&str] = &[
    "iv",
    "im",
    "sc",
    "ia",
    "it",
    "id",
    "ip",
    "po",
    "intrapleural",
    "intralesional",
    "intravesical",
    "intraventricular",
    "intravitreal",
    "infiltration",
    "intranasal",
    "inhalation",
    "intra-articular",
    "intracavernosal",
    "intracavitary",
    "suprachoroidal",
    "epidural",
    "device instillation",
];

impl Formulary {
    /// The table that the project ships.
    ///
    /// # Panics
    /// Never: the test of this module reads the whole table.
    #[must_use]
    pub fn built_in() -> Self {
        static TABLE: LazyLock<Formulary> = LazyLock::new(|| match Formulary::read(BUILT_IN) {
            Ok(formulary) => formulary,
            Err(e) => panic!("formulary.csv, {e}"),
        });
        TABLE.clone()
    }

    /// Reads a table of drugs in the built-in table's columns.
    ///
    /// # Errors
    /// The first row that is not well formed.
    pub fn read(text: &str) -> Result<Self, TableError> {
        Ok(Formulary { table: Arc::new(Table::read(text)?), ndcs: Arc::default() })
    }

    /// The same table with codes for NDCs of a loaded reference table. NDCs are written in 11 digits.
    #[must_use]
    pub fn with_ndcs(&self, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut ndcs: Vec<_> = pairs.into_iter().collect();
        ndcs.sort();
        ndcs.dedup();
        Formulary { table: Arc::clone(&self.table), ndcs: Arc::new(ndcs) }
    }

    /// Every row.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.table.entries
    }

    /// A row by its number.
    #[must_use]
    pub fn entry(&self, row: u32) -> &Entry {
        &self.table.entries[row as usize]
    }

    /// Name of an ingredient by its number.
    #[must_use]
    pub fn ingredient(&self, number: u32) -> &str {
        &self.table.ingredients[number as usize]
    }

    /// The row of a HCPCS code, the first of those that have it.
    #[must_use]
    pub fn by_hcpcs(&self, code: &str) -> Option<u32> {
        let codes = &self.table.by_hcpcs;
        let at = codes.partition_point(|(c, _)| c.as_str() < code);
        codes.get(at).filter(|(c, _)| c == code).map(|(_, row)| *row)
    }

    /// The HCPCS code of an NDC in 11 digits, if a loaded table knows exactly one.
    #[must_use]
    pub fn by_ndc(&self, ndc: &str) -> Option<&str> {
        let at = self.ndcs.partition_point(|(n, _)| n.as_str() < ndc);
        let mut same = self.ndcs[at..].iter().take_while(|(n, _)| n == ndc);
        let first = same.next()?;
        same.next().is_none().then_some(first.1.as_str())
    }

    /// The rows that a charted name means, and how they were found; no rows for a name that is not in the table.
    #[must_use]
    pub fn by_name(&self, name: &str) -> (&[u32], Found) {
        let folded = fold(name);
        let exact = self.by_exact_name(&folded);
        if !exact.is_empty() {
            return (exact, Found::Name);
        }
        let ingredient = rows(&self.table.by_ingredient, &folded);
        if !ingredient.is_empty() {
            return (ingredient, Found::Ingredient);
        }
        let both = self.by_both_names(&folded);
        if !both.is_empty() {
            return (both, Found::Name);
        }
        match self.by_part(&folded) {
            Some((_, rows)) => (rows, Found::Shortened),
            None => (&[], Found::Name),
        }
    }

    fn by_exact_name(&self, folded: &str) -> &[u32] {
        let exact = rows(&self.table.names, folded);
        if exact.is_empty() { rows(&self.table.squeezed, &squeeze(folded)) } else { exact }
    }

    /// The part of a charted name by which it is found [`Found::Shortened`].
    #[must_use]
    pub fn read_as(&self, name: &str) -> Option<String> {
        self.by_part(&fold(name)).map(|(part, _)| part.to_owned())
    }

    fn by_part<'n>(&self, folded: &'n str) -> Option<(&'n str, &[u32])> {
        if let Some(fluid) = name::fluid(folded) {
            return Some((fluid, rows(&self.table.names, fluid)));
        }
        let (mut left, mut salts) = (folded, Vec::new());
        while let Some(cut) = name::cut(left) {
            left = cut.name;
            salts.extend(cut.salt);
            let mut found = self.by_exact_name(left);
            if found.is_empty() {
                found = self.by_both_names(left);
            }
            // An ingredient names all its salts.
            if found.is_empty() && salts.is_empty() {
                found = rows(&self.table.by_ingredient, left);
            }
            if !found.is_empty() {
                let same = found.iter().all(|row| name::same_salts(&self.entry(*row).name, &salts));
                return same.then_some((left, found));
            }
        }
        None
    }

    /// `zofran (ondansetron)`: the rows that both names mean, where one of the names says no more than the other.
    fn by_both_names(&self, folded: &str) -> &[u32] {
        let Some((outer, inner)) = folded.strip_suffix(')').and_then(|f| f.split_once('(')) else { return &[] };
        if inner.contains(['(', ')']) {
            return &[];
        }
        let (outer, inner) = (self.by_name(outer).0, self.by_name(inner).0);
        let within = |narrow: &[u32], wide: &[u32]| !narrow.is_empty() && narrow.iter().all(|row| wide.contains(row));
        if within(outer, inner) {
            outer
        } else if within(inner, outer) {
            inner
        } else {
            &[]
        }
    }

    /// The rows that share a name with a row, itself among them: what a code was before, or became.
    #[must_use]
    pub fn namesakes(&self, row: u32) -> Vec<u32> {
        let shared = self.table.names.iter().filter(|(_, rows)| rows.contains(&row));
        let mut found: Vec<u32> = shared.flat_map(|(_, rows)| rows.iter().copied()).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The names nearest to a charted one, at most three: suggestions for the reader, never for coding.
    #[must_use]
    pub fn nearest(&self, name: &str) -> Vec<&str> {
        let folded: Vec<char> = fold(name).chars().take(60).collect();
        let text: String = folded.iter().collect();
        let words: Vec<&str> = text.split(' ').collect();
        let mut best: Vec<(usize, &str, u32)> = Vec::new();
        let looks = letters(folded.iter().copied());
        for ((key, shown), look) in self.table.shown.iter().zip(&self.table.looks) {
            let score = score(&folded, &words, key, look, looks);
            if let Some(score) = score {
                let ingredient = rows(&self.table.names, key).first().map_or(u32::MAX, |r| self.entry(*r).ingredient);
                best.push((score, shown.as_str(), ingredient));
            }
        }
        best.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
        let mut out: Vec<(&str, u32)> = Vec::new();
        for (_, shown, ingredient) in best {
            if !out.iter().any(|o| o.1 == ingredient || o.0.eq_ignore_ascii_case(shown)) {
                out.push((shown, ingredient));
                if out.len() == 3 {
                    break;
                }
            }
        }
        out.into_iter().map(|o| o.0).collect()
    }
}

/// How far a name is from a charted one; `None` for one that is not near.
fn score(charted: &[char], words: &[&str], key: &str, (length, with): &(usize, u64), letters: u64) -> Option<usize> {
    // A charted name with salt, strength or form behind it begins with the name or holds it as its words.
    if *length >= 4 && words.contains(&key) {
        return Some(usize::from(words[0] != key));
    }
    let allowed: u8 = match charted.len() {
        0..=3 => 0,
        4..=6 => 1,
        7..=10 => 2,
        _ => 3,
    };
    // An edit changes the length by one at most, and takes one letter away and adds another at most.
    if charted.len().abs_diff(*length) > usize::from(allowed) || (with ^ letters).count_ones() > 2 * u32::from(allowed)
    {
        return None;
    }
    let key: Vec<char> = key.chars().collect();
    let distance = edits(charted, &key, usize::from(allowed))?;
    Some(distance + 1)
}

/// Which letters a name has, as bits; two letters may have one bit.
fn letters(name: impl Iterator<Item = char>) -> u64 {
    name.fold(0, |bits, c| bits | 1 << (u32::from(c) % 64))
}

/// Edits between two names, two letters swapped counting as one; `None` above the limit.
fn edits(a: &[char], b: &[char], limit: usize) -> Option<usize> {
    let width = b.len() + 1;
    let mut before: Vec<usize> = vec![0; width];
    let mut above: Vec<usize> = (0..width).collect();
    let mut here = vec![0; width];
    for i in 1..=a.len() {
        here[0] = i;
        let mut least = i;
        for j in 1..width {
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(above[j] + 1).min(here[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            here[j] = best;
            least = least.min(best);
        }
        if least > limit {
            return None;
        }
        std::mem::swap(&mut before, &mut above);
        std::mem::swap(&mut above, &mut here);
    }
    (above[b.len()] <= limit).then_some(above[b.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hcpcs(f: &Formulary, rows: &[u32]) -> Vec<String> {
        rows.iter().map(|r| f.entry(*r).hcpcs.clone().unwrap_or_default()).collect()
    }

    #[test]
    fn plain_names_are_folded_as_all_others_are() {
        // A mark that is left out takes a name the long way.
        for name in ["Zofran", "  D5 1/2NS,", "0.9%  Sodium\tChloride ; ", "O`Neil's", "a,;, ", "", " , "] {
            let name = name.trim_start();
            assert_eq!(fold(name), fold(&format!("®{name}")), "{name:?}");
        }
        for entry in Formulary::read(BUILT_IN).unwrap().entries() {
            assert_eq!(fold(&entry.name), fold(&format!("®{}", entry.name)));
        }
    }

    #[test]
    fn the_whole_table_is_well_formed() {
        let formulary = Formulary::read(BUILT_IN).unwrap();
        assert_eq!(formulary.entries().len(), BUILT_IN.lines().count() - 1);
        for e in formulary.entries() {
            assert_eq!(e.class == Class::Vaccine, e.vaccine.is_some(), "{}", e.name);
            assert_eq!(e.class == Class::Vaccine, e.components.is_some(), "{}", e.name);
            assert!(e.hcpcs.is_some() || e.from.is_none() && e.to.is_none(), "{}", e.name);
            assert!(!e.package || e.unit.is_some(), "{}", e.name);
            for dose in &e.doses {
                let unit = e.unit.as_ref().unwrap();
                assert!(
                    dose.units_of(unit, e.strength.as_ref()).is_ok() || unit.unit.kind == crate::dose::Kind::Doses,
                    "{}: {dose}",
                    e.name
                );
            }
        }
    }

    #[test]
    fn a_table_that_is_not_well_formed_is_refused() {
        let header = COLUMNS.join(",");
        let row = |cells: &[(&str, &str)]| {
            let cells = COLUMNS.map(|c| cells.iter().find(|(k, _)| *k == c).map_or("", |(_, v)| v));
            format!("{header}\n{}\n", cells.join(","))
        };
        let good = [("generic_name", "x"), ("ingredient", "x"), ("class", "drug")];
        assert!(Formulary::read(&row(&good)).is_ok());
        for (bad, message) in [
            (("hcpcs", "J24"), "`J24` is no HCPCS code"),
            (("hcpcs", "J2405"), "a code without a unit"),
            (("class", "medicine"), "`medicine` is no class"),
            (("from", "2026-02-30"), "`2026-02-30` is no date"),
            (("usual_routes", "IV;ear"), "`ear` is no route"),
            (("billing_unit_amount", "5"), "billing unit: no unit stands behind the number"),
            (("package", "maybe"), "`maybe` is neither yes nor no"),
            (("ingredient", ""), "a name and an ingredient are needed"),
            (("code_routes", "ear"), "`ear` is no route"),
            (("beside", "3 mg"), "what stands beside the counted component is no amount of its measure"),
        ] {
            let mut cells: Vec<_> = good.iter().filter(|c| c.0 != bad.0).copied().collect();
            cells.push(bad);
            let error = Formulary::read(&row(&cells)).unwrap_err();
            assert_eq!((error.line, error.message.as_str()), (2, message));
        }
        assert_eq!(Formulary::read("a,b\n").unwrap_err().line, 1);
    }

    #[test]
    fn names_are_folded_and_no_more() {
        let f = Formulary::built_in();
        for name in ["Zofran", "ZOFRAN", " zofran® ", "ondansetron", "Zofran (ondansetron)", "ondansetron (Zofran)"] {
            assert_eq!(hcpcs(&f, f.by_name(name).0), ["J2405"], "{name}");
        }
        for name in ["Solu-Cortef", "Solu Cortef", "solu‑cortef", "SoluCortef"] {
            assert_eq!(hcpcs(&f, f.by_name(name).0), ["J1720"], "{name}");
        }
        assert_eq!(f.by_name("piperacillin-tazobactam").0, f.by_name("piperacillin/tazobactam").0);
        // Names that disagree, or of which one is not known, are no name.
        for name in ["Zofrann", "", "sodium", "Zofran (Toradol)", "Zofran (ODT)", "(Zofran)", "Zofran ODT 4 mg"] {
            assert!(f.by_name(name).0.is_empty(), "{name}");
        }
        // A name goes before an ingredient: the biosimilars have names of their own.
        assert_eq!(hcpcs(&f, f.by_name("trastuzumab").0), ["J9355"]);
        assert_eq!(f.by_name("testosterone").1, Found::Ingredient);
    }

    #[test]
    fn a_name_is_found_without_salt_strength_form_and_diluent() {
        let f = Formulary::built_in();
        for (name, part, code) in [
            ("Ondansetron HCl 4 mg/2 mL inj", "ondansetron hcl", "J2405"),
            ("ONDANSETRON HCL (PF) 4 MG/2 ML INJECTION SOLUTION", "ondansetron hcl", "J2405"),
            ("bleomycin sulfate", "bleomycin", "J9040"),
            ("Irinotecan Hydrochloride 20 mg/mL vial", "irinotecan", "J9206"),
            ("goserelin acetate", "goserelin", "J9202"),
            ("Zofran 4 mg in NS 50 mL", "zofran", "J2405"),
            ("magnesium sulfate in 5% dextrose", "magnesium sulfate", "J3475"),
            ("KCl 20 mEq in NS 100 mL", "kcl", "J3480"),
            ("inj. ketorolac 30 mg", "ketorolac", "J1885"),
            ("penicillin G 5 million units", "penicillin g", "J2540"),
            ("Lasix IVP", "lasix", "J1938"),
            ("Ondansetron HCl (Zofran) 4 mg", "ondansetron hcl (zofran)", "J2405"),
            ("Methotrexate PF", "methotrexate", "J9260"),
        ] {
            let (rows, found) = f.by_name(name);
            assert_eq!(found, Found::Shortened, "{name}");
            assert!(hcpcs(&f, rows).iter().any(|c| c == code), "{name}: {:?}", hcpcs(&f, rows));
            assert_eq!(f.read_as(name).as_deref(), Some(part), "{name}");
        }
        // A percentage, a number without a unit and a word that is not known may each be another product; so may a
        // salt other than that of the row.
        for name in [
            "lidocaine 2% with epinephrine",
            "ondansetron 4",
            "ondansetron tablet 4 mg",
            "heparin block",
            "penicillin G sodium",
            "betamethasone sodium phosphate",
            "triptorelin acetate",
            "magnesium citrate",
            "4 mg",
            "HCl",
            "injection",
            "in NS",
        ] {
            assert!(f.by_name(name).0.is_empty(), "{name}: {:?}", hcpcs(&f, f.by_name(name).0));
        }
    }

    #[test]
    fn fluids_are_found_in_every_spelling() {
        let f = Formulary::built_in();
        for (names, same) in [
            (
                &[
                    "0.9% NS",
                    "NS 0.9%",
                    "0.9% Sodium Chloride injection",
                    "sodium chloride 0.9% IV",
                    "NS bolus",
                    "saline bolus",
                    "NS 1000 mL",
                    "1L NS",
                    "SODIUM CHLORIDE 0.9 % IV SOLN",
                    "NS IVF",
                    ".9 NaCl",
                    "sodium chloride 0.9% (normal saline)",
                    "bolus of normal saline",
                    "isotonic saline",
                ][..],
                "normal saline",
            ),
            (&["0.45% NS", "0.45 NS", "half NS", "1/2 normal saline", "½ NS", "half-normal saline"], "1/2 NS"),
            (
                &[
                    "D5 0.45% NS",
                    "D5 .45 NS",
                    "D5.45NS",
                    "D51/2NS",
                    "D5 1/2",
                    "D5W 1/2 NS",
                    "D5-1/2 NS",
                    "DEXTROSE 5 % AND 0.45 % NACL IV SOLN",
                    "DEXTROSE-NACL 5-0.45 %",
                ],
                "D5 1/2 NS",
            ),
            (&["D5 0.9 NS", "D5 0.9% sodium chloride", "dextrose 5% in 0.9% NaCl"], "D5NS"),
            (&["D5 1/4NS", "D5 0.225% NaCl", "dextrose 5%-sodium chloride 0.2%"], "D5 1/4 NS"),
            (&["dextrose 5 % in water 1 L", "D5W 1000 mL", "5% dextrose injection"], "D5W"),
            (&["LR bolus", "lactated ringer's injection", "LR solution", "Ringer's lactate 1 L"], "LR"),
            (&["D5 in LR", "5% dextrose in lactated ringers"], "D5LR"),
            (&["Plasma-Lyte 148", "PlasmaLyte A", "Isolyte", "Isolyte S", "Normosol-R"], "plasma-lyte"),
            (
                &["NS with 20 mEq KCl", "NS with 20 KCl", "NS + 20 mEq KCl", "NS w/ 20KCl", "NS with KCl 20 mEq/L"],
                "NS with KCl",
            ),
            (
                &["D5 1/2 NS w/ 20 KCl", "D5 0.45% NS + 20 mEq KCl", "D51/2NS with 40 mEq potassium chloride"],
                "D5 1/2 NS with KCl",
            ),
            (&["KCl 20 mEq/L in D5 1/2 NS", "D5 1/2 NS with KCl 20"], "D5 1/2 NS with KCl"),
            (&["D5NS with 20 KCl"], "D5NS with KCl"),
            (&["LR with 20 mEq KCl"], "LR with KCl"),
            (&["0.45% saline with 20 KCl"], "1/2 NS with KCl"),
            (&["D5 1/4 NS with 10 KCl"], "D5 1/4 NS with KCl"),
            (&["D5LR + 20 KCl"], "D5LR with KCl"),
            (&["D5W with 20 mEq KCl"], "D5W with KCl"),
        ] {
            let (same, _) = f.by_name(same);
            assert!(!same.is_empty() && same.iter().all(|r| f.entry(*r).class == Class::Hydration));
            for name in names {
                assert_eq!(f.by_name(name).0, same, "{name}");
            }
        }
        // Another strength, another salt, a flush, and a dose of potassium are no such fluid.
        for name in [
            "3% NS",
            "NaCl 23.4%",
            "D50",
            "D10 1/2 NS",
            "dextrose 10%",
            "dextrose in NS",
            "sterile water",
            "NS flush",
            "heparinized saline",
            "bacteriostatic sodium chloride",
            "KCl 20 mEq in NS",
            "potassium chloride in NS",
            "sodium bicarbonate in D5W",
            "NS LR",
            "LR 0.45%",
            "0.9%",
            "D5 5",
            "fluid",
            "K",
            "NS with 200 KCl",
        ] {
            assert_eq!(name::fluid(&fold(name)), None, "{name}");
        }
        // Which fluid it was is not said, but that it was one is.
        let (rows, _) = f.by_name("IV fluids");
        assert!(rows.len() > 1 && rows.iter().all(|r| f.entry(*r).class == Class::Hydration));
    }

    #[test]
    fn near_names_are_suggested() {
        let f = Formulary::built_in();
        assert_eq!(f.nearest("Zofrann")[0], "Zofran");
        assert_eq!(f.nearest("Ondansetron ODT 4 mg")[0], "ondansetron");
        assert_eq!(f.nearest("vancomicyn")[0], "vancomycin");
        assert!(f.nearest("qqqqqqqq").is_empty());
        assert!(f.nearest("").is_empty());
    }

    #[test]
    fn an_ndc_of_two_codes_decides_nothing() {
        let pair = |n: &str, c: &str| (n.to_owned(), c.to_owned());
        let f = Formulary::built_in().with_ndcs([
            pair("00409475503", "J2405"),
            pair("11111111111", "J1885"),
            pair("11111111111", "J2405"),
        ]);
        assert_eq!(f.by_ndc("00409475503"), Some("J2405"));
        assert_eq!(f.by_ndc("11111111111"), None);
        assert_eq!(f.by_ndc("22222222222"), None);
    }
}
