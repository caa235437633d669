//! Amounts with units, exactly: doses, volumes, rates and strengths as they are charted.
//!
//! ```
//! use dripline_reference::dose::{Amount, Rate};
//!
//! let dose: Amount = "2.4 million units".parse().unwrap();
//! let unit: Amount = "600,000 units".parse().unwrap();
//! assert_eq!(dose.units_of(&unit, None).unwrap().ceil(), 4);
//! assert_eq!("0.5 mL".parse::<Amount>().unwrap().microlitres(), Some(500));
//! assert_eq!("2 mL/min".parse::<Rate>().unwrap().microlitres_an_hour(), Some(120_000));
//! assert!("4 mg/kg".parse::<Amount>().is_err());
//! ```
//!
//! A number is a ratio of whole numbers and never a float, so that doses add up without loss and are rounded once.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// An exact, non-negative number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    num: u128,
    den: u128,
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    // Nearly all numbers are small, and dividing wide ones is slow.
    while b != 0 {
        if let (Ok(mut x), Ok(mut y)) = (u64::try_from(a), u64::try_from(b)) {
            while y != 0 {
                (x, y) = (y, x % y);
            }
            return x.into();
        }
        (a, b) = (b, a % b);
    }
    a
}

/// The whole part of a quotient, and the rest.
fn divided(num: u128, den: u128) -> (u128, u128) {
    match (u64::try_from(num), u64::try_from(den)) {
        (Ok(n), Ok(d)) => ((n / d).into(), (n % d).into()),
        _ => (num / den, num % den),
    }
}

impl Ratio {
    /// Nothing.
    pub const ZERO: Ratio = Ratio { num: 0, den: 1 };

    /// A whole number.
    #[must_use]
    pub const fn whole(n: u64) -> Self {
        Ratio { num: n as u128, den: 1 }
    }

    fn new(num: u128, den: u128) -> Self {
        if den == 1 {
            return Ratio { num, den };
        }
        match gcd(num, den) {
            0 | 1 => Ratio { num, den },
            g => Ratio { num: divided(num, g).0, den: divided(den, g).0 },
        }
    }

    /// The sum; `None` beyond the range, which no dose reaches.
    #[must_use]
    pub fn plus(self, other: Ratio) -> Option<Ratio> {
        let num = self.num.checked_mul(other.den)?.checked_add(other.num.checked_mul(self.den)?)?;
        Some(Ratio::new(num, self.den.checked_mul(other.den)?))
    }

    /// What is left; nothing where `other` is more.
    #[must_use]
    pub fn minus(self, other: Ratio) -> Option<Ratio> {
        let num = self.num.checked_mul(other.den)?.saturating_sub(other.num.checked_mul(self.den)?);
        Some(Ratio::new(num, self.den.checked_mul(other.den)?))
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Ratio) -> Option<Ratio> {
        let (a, b) = (Ratio::new(self.num, other.den), Ratio::new(other.num, self.den));
        Some(Ratio { num: a.num.checked_mul(b.num)?, den: a.den.checked_mul(b.den)? })
    }

    /// The quotient; `None` for a division by nothing.
    #[must_use]
    pub fn over(self, other: Ratio) -> Option<Ratio> {
        if other.num == 0 { None } else { self.times(Ratio { num: other.den, den: other.num }) }
    }

    /// The next whole number below or at it.
    #[must_use]
    pub fn floor(self) -> u64 {
        u64::try_from(divided(self.num, self.den).0).unwrap_or(u64::MAX)
    }

    /// The next whole number above or at it.
    #[must_use]
    pub fn ceil(self) -> u64 {
        let (whole, rest) = divided(self.num, self.den);
        u64::try_from(whole + u128::from(rest > 0)).unwrap_or(u64::MAX)
    }

    /// Is it nothing?
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.num == 0
    }
}

impl Default for Ratio {
    fn default() -> Self {
        Ratio::ZERO
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Ratio) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Ratio) -> Ordering {
        // Whole parts first, so that the products stay small.
        let ((whole, a), (of, b)) = (divided(self.num, self.den), divided(other.num, other.den));
        whole.cmp(&of).then_with(|| a.saturating_mul(other.den).cmp(&b.saturating_mul(self.den)))
    }
}

impl fmt::Display for Ratio {
    /// As a decimal; with at most nine places where it does not end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, mut rest) = divided(self.num, self.den);
        write!(f, "{whole}")?;
        let mut places = String::new();
        while rest != 0 && places.len() < 9 {
            rest = rest.saturating_mul(10);
            places.push(char::from(b'0' + u8::try_from(rest / self.den).unwrap_or(9)));
            rest %= self.den;
        }
        if places.is_empty() { Ok(()) } else { write!(f, ".{places}") }
    }
}

/// What a unit measures. Only units of one kind convert into each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Mass.
    Mass,
    /// Volume.
    Volume,
    /// Units of a product's activity, international units among them.
    Activity,
    /// Plaque-forming units of a virus.
    Plaques,
    /// Equivalents of charge.
    Equivalents,
    /// Amount of substance.
    Substance,
    /// Radioactivity.
    Radioactivity,
    /// Whole doses.
    Doses,
    /// Vials.
    Vials,
    /// Other containers: bags, syringes, ampoules, bottles, kits.
    Containers,
    /// Tablets and the like.
    Tablets,
    /// Units of a blood product.
    Blood,
}

/// A unit of the closed table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Kind.
    pub kind: Kind,
    /// How many of the kind's smallest unit it is.
    factor: u64,
    /// As it is written.
    pub(crate) word: &'static str,
}

const fn unit(kind: Kind, factor: u64, word: &'static str) -> Unit {
    Unit { kind, factor, word }
}

/// A whole dose.
pub const DOSE: Unit = unit(Kind::Doses, 1, "dose");
/// A millilitre.
pub const MILLILITRE: Unit = unit(Kind::Volume, 1_000, "mL");
/// A milligram.
pub const MILLIGRAM: Unit = unit(Kind::Mass, 1_000_000, "mg");
/// A gram.
pub const GRAM: Unit = unit(Kind::Mass, 1_000_000_000, "g");
/// An international unit.
pub const INTERNATIONAL_UNIT: Unit = unit(Kind::Activity, 1_000, "IU");

/// Spellings in lower case, sorted.
const UNITS: &[(&str, Unit)] = &[
    ("amp", unit(Kind::Containers, 1, "ampoule")),
    ("ampoule", unit(Kind::Containers, 1, "ampoule")),
    ("ampoules", unit(Kind::Containers, 1, "ampoule")),
    ("amps", unit(Kind::Containers, 1, "ampoule")),
    ("ampule", unit(Kind::Containers, 1, "ampoule")),
    ("ampules", unit(Kind::Containers, 1, "ampoule")),
    ("bag", unit(Kind::Containers, 1, "bag")),
    ("bags", unit(Kind::Containers, 1, "bag")),
    ("bottle", unit(Kind::Containers, 1, "bottle")),
    ("bottles", unit(Kind::Containers, 1, "bottle")),
    ("capsule", unit(Kind::Tablets, 1, "capsule")),
    ("capsules", unit(Kind::Tablets, 1, "capsule")),
    ("cc", unit(Kind::Volume, 1_000, "mL")),
    ("ci", unit(Kind::Radioactivity, 37_000_000_000, "Ci")),
    ("dl", unit(Kind::Volume, 100_000, "dL")),
    ("dose", unit(Kind::Doses, 1, "dose")),
    ("doses", unit(Kind::Doses, 1, "dose")),
    ("g", unit(Kind::Mass, 1_000_000_000, "g")),
    ("gbq", unit(Kind::Radioactivity, 1_000_000_000, "GBq")),
    ("gm", unit(Kind::Mass, 1_000_000_000, "g")),
    ("gms", unit(Kind::Mass, 1_000_000_000, "g")),
    ("gram", unit(Kind::Mass, 1_000_000_000, "g")),
    ("grams", unit(Kind::Mass, 1_000_000_000, "g")),
    ("international unit", unit(Kind::Activity, 1_000, "IU")),
    ("international units", unit(Kind::Activity, 1_000, "IU")),
    ("iu", unit(Kind::Activity, 1_000, "IU")),
    ("kbq", unit(Kind::Radioactivity, 1_000, "kBq")),
    ("kg", unit(Kind::Mass, 1_000_000_000_000, "kg")),
    ("kit", unit(Kind::Containers, 1, "kit")),
    ("kits", unit(Kind::Containers, 1, "kit")),
    ("l", unit(Kind::Volume, 1_000_000, "L")),
    ("liter", unit(Kind::Volume, 1_000_000, "L")),
    ("liters", unit(Kind::Volume, 1_000_000, "L")),
    ("litre", unit(Kind::Volume, 1_000_000, "L")),
    ("litres", unit(Kind::Volume, 1_000_000, "L")),
    ("mbq", unit(Kind::Radioactivity, 1_000_000, "MBq")),
    ("mcg", unit(Kind::Mass, 1_000, "mcg")),
    ("mci", unit(Kind::Radioactivity, 37_000_000, "mCi")),
    ("mcl", unit(Kind::Volume, 1, "µL")),
    ("mcmol", unit(Kind::Substance, 1, "µmol")),
    ("meq", unit(Kind::Equivalents, 1_000, "mEq")),
    ("mg", unit(Kind::Mass, 1_000_000, "mg")),
    ("mg pe", unit(Kind::Mass, 1_000_000, "mg")),
    ("mgpe", unit(Kind::Mass, 1_000_000, "mg")),
    ("mgs", unit(Kind::Mass, 1_000_000, "mg")),
    ("microgram", unit(Kind::Mass, 1_000, "mcg")),
    ("micrograms", unit(Kind::Mass, 1_000, "mcg")),
    ("milliequivalent", unit(Kind::Equivalents, 1_000, "mEq")),
    ("milliequivalents", unit(Kind::Equivalents, 1_000, "mEq")),
    ("milligram", unit(Kind::Mass, 1_000_000, "mg")),
    ("milligrams", unit(Kind::Mass, 1_000_000, "mg")),
    ("milliliter", unit(Kind::Volume, 1_000, "mL")),
    ("milliliters", unit(Kind::Volume, 1_000, "mL")),
    ("millilitre", unit(Kind::Volume, 1_000, "mL")),
    ("millilitres", unit(Kind::Volume, 1_000, "mL")),
    ("milliunit", unit(Kind::Activity, 1, "milliunits")),
    ("milliunits", unit(Kind::Activity, 1, "milliunits")),
    ("ml", unit(Kind::Volume, 1_000, "mL")),
    ("mls", unit(Kind::Volume, 1_000, "mL")),
    ("mmol", unit(Kind::Substance, 1_000, "mmol")),
    ("mol", unit(Kind::Substance, 1_000_000, "mol")),
    ("nanogram", unit(Kind::Mass, 1, "ng")),
    ("nanograms", unit(Kind::Mass, 1, "ng")),
    ("ng", unit(Kind::Mass, 1, "ng")),
    ("pfu", unit(Kind::Plaques, 1, "PFU")),
    ("plaque-forming units", unit(Kind::Plaques, 1, "PFU")),
    ("syringe", unit(Kind::Containers, 1, "syringe")),
    ("syringes", unit(Kind::Containers, 1, "syringe")),
    ("tab", unit(Kind::Tablets, 1, "tablet")),
    ("tablet", unit(Kind::Tablets, 1, "tablet")),
    ("tablets", unit(Kind::Tablets, 1, "tablet")),
    ("tabs", unit(Kind::Tablets, 1, "tablet")),
    ("u", unit(Kind::Activity, 1_000, "units")),
    ("uci", unit(Kind::Radioactivity, 37_000, "µCi")),
    ("ug", unit(Kind::Mass, 1_000, "mcg")),
    ("ul", unit(Kind::Volume, 1, "µL")),
    ("umol", unit(Kind::Substance, 1, "µmol")),
    ("unit", unit(Kind::Activity, 1_000, "units")),
    ("unit of blood", unit(Kind::Blood, 1, "unit of blood")),
    ("units", unit(Kind::Activity, 1_000, "units")),
    ("units of blood", unit(Kind::Blood, 1, "unit of blood")),
    ("usp unit", unit(Kind::Activity, 1_000, "units")),
    ("usp units", unit(Kind::Activity, 1_000, "units")),
    ("vial", unit(Kind::Vials, 1, "vial")),
    ("vials", unit(Kind::Vials, 1, "vial")),
];

/// Why a text is not an amount, or an amount cannot be had in another unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DoseError {
    /// No number in front.
    Number,
    /// No unit behind the number.
    NoUnit,
    /// A unit outside the table.
    Unit(String),
    /// An amount for a weight or an area, or a speed: no amount.
    Per(String),
    /// More digits than any dose has.
    TooLong,
    /// The two units measure different things and no strength links them.
    Kinds(Kind, Kind),
}

impl fmt::Display for DoseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DoseError::Number => f.write_str("no number stands in front"),
            DoseError::NoUnit => f.write_str("no unit stands behind the number"),
            DoseError::Unit(u) => write!(f, "`{u}` is not a unit that is known here"),
            DoseError::Per(u) => {
                write!(f, "`{u}` is an amount for a weight, an area or a time, and not the amount given")
            }
            DoseError::TooLong => f.write_str("the number has more digits than any dose"),
            DoseError::Kinds(..) => f.write_str("the unit does not convert into the one needed"),
        }
    }
}

impl std::error::Error for DoseError {}

/// A number with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub value: Ratio,
    /// Of what.
    pub unit: Unit,
}

/// One amount in another, as `10 mg/mL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strength {
    amount: Amount,
    per: Amount,
}

/// A volume for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Thousandths of a millilitre an hour; `None` for a rate that is no volume.
    flow: Option<Ratio>,
}

fn short(text: &str) -> String {
    let mut out: String = text.chars().take(24).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

/// Reads a number in front of a text; returns it with the rest. Thousands may be set off by commas in threes.
fn number(text: &str) -> Result<(Ratio, &str), DoseError> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let (whole, places) = match digits.split_once('.') {
        Some((_, p)) if p.is_empty() || !p.bytes().all(|b| b.is_ascii_digit()) => return Err(DoseError::Number),
        Some((w, p)) => (w, p),
        None => (digits, ""),
    };
    if whole.is_empty() && places.is_empty() {
        return Err(DoseError::Number);
    }
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or("");
    let mut grouped = false;
    for g in groups {
        grouped = true;
        if g.len() != 3 {
            return Err(DoseError::Number);
        }
    }
    if grouped && !(1..=3).contains(&first.len()) {
        return Err(DoseError::Number);
    }
    let places = places.trim_end_matches('0');
    if whole.len() > 16 || places.len() > 9 {
        return Err(DoseError::TooLong);
    }
    let (mut num, mut den) = (0_u128, 1_u128);
    for b in whole.bytes().chain(places.bytes()).filter(u8::is_ascii_digit) {
        num = num * 10 + u128::from(b - b'0');
    }
    for _ in places.bytes() {
        den *= 10;
    }
    Ok((Ratio::new(num, den), rest))
}

fn known(word: &str) -> Option<Unit> {
    UNITS.binary_search_by(|u| u.0.cmp(word)).ok().map(|i| UNITS[i].1)
}

fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            'µ' | 'μ' => out.push('u'),
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

impl Unit {
    /// The unit of that spelling.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Unit> {
        known(&fold(word))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.word
    }
}

impl FromStr for Amount {
    type Err = DoseError;

    fn from_str(text: &str) -> Result<Amount, DoseError> {
        let text = fold(text);
        let (mut value, rest) = number(&text)?;
        let mut word = rest.trim();
        for (name, by) in [("thousand ", 1_000), ("million ", 1_000_000), ("billion ", 1_000_000_000)] {
            if let Some(after) = word.strip_prefix(name) {
                value = value.times(Ratio::whole(by)).ok_or(DoseError::TooLong)?;
                word = after.trim();
            }
        }
        let word = word.strip_suffix('.').unwrap_or(word);
        if word.is_empty() {
            return Err(DoseError::NoUnit);
        }
        match known(word) {
            Some(unit) => Ok(Amount { value, unit }),
            None if word.contains('/') || word.contains(" per ") => Err(DoseError::Per(short(word))),
            None => Err(DoseError::Unit(short(word))),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.unit.word)
    }
}

impl Amount {
    /// A whole number of a unit.
    #[must_use]
    pub const fn of(n: u64, unit: Unit) -> Amount {
        Amount { value: Ratio::whole(n), unit }
    }

    /// In the kind's smallest unit.
    fn base(self) -> Option<Ratio> {
        self.value.times(Ratio::whole(self.unit.factor))
    }

    /// How many of `unit` this amount is, through the strength where the two measure different things.
    ///
    /// # Errors
    /// Kinds that no strength links, or a result beyond any dose.
    pub fn units_of(self, unit: &Amount, strength: Option<&Strength>) -> Result<Ratio, DoseError> {
        let apart = DoseError::Kinds(self.unit.kind, unit.unit.kind);
        let base = self.base().ok_or(DoseError::TooLong)?;
        let here = if self.unit.kind == unit.unit.kind || self.is_blood(unit) {
            if self.is_blood(unit) { self.value } else { base }
        } else {
            let s = strength.ok_or_else(|| apart.clone())?;
            let (from, to) = if (s.amount.unit.kind, s.per.unit.kind) == (self.unit.kind, unit.unit.kind) {
                (s.amount, s.per)
            } else if (s.per.unit.kind, s.amount.unit.kind) == (self.unit.kind, unit.unit.kind) {
                (s.per, s.amount)
            } else {
                return Err(apart);
            };
            let (from, to) = (from.base().ok_or(DoseError::TooLong)?, to.base().ok_or(DoseError::TooLong)?);
            base.over(from).and_then(|n| n.times(to)).ok_or(DoseError::TooLong)?
        };
        here.over(unit.base().ok_or(DoseError::TooLong)?).ok_or(DoseError::TooLong)
    }

    /// A unit of a blood product is charted as a unit.
    fn is_blood(self, unit: &Amount) -> bool {
        unit.unit.kind == Kind::Blood && self.unit.kind == Kind::Activity && self.unit.factor == 1_000
    }

    /// A volume in thousandths of a millilitre, rounded down; `None` for anything else.
    #[must_use]
    pub fn microlitres(self) -> Option<i64> {
        if self.unit.kind != Kind::Volume {
            return None;
        }
        i64::try_from(self.base()?.floor()).ok()
    }

    /// The same amount `n` times.
    #[must_use]
    pub fn times(self, n: u32) -> Option<Amount> {
        Some(Amount { value: self.value.times(Ratio::whole(u64::from(n)))?, ..self })
    }
}

impl FromStr for Strength {
    type Err = DoseError;

    fn from_str(text: &str) -> Result<Strength, DoseError> {
        let (amount, per) = text.split_once('/').ok_or(DoseError::NoUnit)?;
        let amount: Amount = amount.parse()?;
        let per: Amount = match per.trim().parse() {
            Ok(per) => per,
            Err(DoseError::Number) => format!("1 {per}").parse()?,
            Err(e) => return Err(e),
        };
        if amount.value.is_zero() || per.value.is_zero() {
            return Err(DoseError::Number);
        }
        Ok(Strength { amount, per })
    }
}

impl FromStr for Rate {
    type Err = DoseError;

    fn from_str(text: &str) -> Result<Rate, DoseError> {
        let text = fold(text);
        let (amount, time) = match text.rsplit_once('/') {
            Some(parts) => parts,
            None => text.rsplit_once(" per ").ok_or_else(|| DoseError::Unit(short(&text)))?,
        };
        let an_hour = match time.trim().trim_end_matches('.') {
            "h" | "hr" | "hrs" | "hour" => Ratio::whole(1),
            "min" | "minute" => Ratio::whole(60),
            "day" | "d" | "24 h" | "24h" | "24 hr" => Ratio::new(1, 24),
            other => return Err(DoseError::Unit(short(other))),
        };
        // A rate for a weight is a rate, though not of a volume.
        let flow = match amount.trim().parse::<Amount>() {
            Ok(a) if a.unit.kind == Kind::Volume => {
                Some(a.base().and_then(|b| b.times(an_hour)).ok_or(DoseError::TooLong)?)
            }
            Ok(_) | Err(DoseError::Per(_)) => None,
            Err(e) => return Err(e),
        };
        Ok(Rate { flow })
    }
}

impl Rate {
    /// Thousandths of a millilitre an hour, rounded down; `None` for a rate that is no volume, as `5 mcg/kg/min`.
    #[must_use]
    pub fn microlitres_an_hour(self) -> Option<i64> {
        self.flow.and_then(|f| i64::try_from(f.floor()).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn units_are_sorted() {
        assert!(UNITS.windows(2).all(|w| w[0].0 < w[1].0));
    }

    #[test]
    fn reads_what_is_charted() {
        for (text, shown) in [
            ("4 mg", "4 mg"),
            ("0.5 mL", "0.5 mL"),
            ("2.4 million units", "2400000 units"),
            ("1,000 mL", "1000 mL"),
            ("1 g", "1 g"),
            (".5 mg", "0.5 mg"),
            ("12.50MG", "12.5 mg"),
            ("50 µg", "50 mcg"),
            ("20 mEq", "20 mEq"),
            ("3 mCi", "3 mCi"),
            ("1 unit of blood", "1 unit of blood"),
        ] {
            assert_eq!(amount(text).to_string(), shown);
        }
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for (text, error) in [
            ("mg", DoseError::Number),
            ("", DoseError::Number),
            ("-4 mg", DoseError::Number),
            ("4", DoseError::NoUnit),
            ("1.2.3 mg", DoseError::Number),
            ("1. mg", DoseError::Number),
            ("1,00 mg", DoseError::Number),
            ("1,0000 mg", DoseError::Number),
            ("4 mg/kg", DoseError::Per("mg/kg".into())),
            ("5 mg per kg", DoseError::Per("mg per kg".into())),
            ("1-2 mg", DoseError::Unit("-2 mg".into())),
            ("2 drops", DoseError::Unit("drops".into())),
            ("99999999999999999 mg", DoseError::TooLong),
        ] {
            assert_eq!(text.parse::<Amount>(), Err(error), "{text}");
        }
    }

    #[test]
    fn converts_exactly_within_a_kind() {
        let units = |a: &str, b: &str| amount(a).units_of(&amount(b), None).map(|r| r.to_string());
        assert_eq!(units("1 g", "250 mg").unwrap(), "4");
        assert_eq!(units("600 mg", "250 mg").unwrap(), "2.4");
        assert_eq!(units("2.4 million units", "100,000 units").unwrap(), "24");
        assert_eq!(units("2000 units", "1 IU").unwrap(), "2000");
        assert_eq!(units("1 units", "1 unit of blood").unwrap(), "1");
        assert_eq!(units("2 units of blood", "1 unit of blood").unwrap(), "2");
        assert_eq!(units("37 MBq", "1 mCi").unwrap(), "1");
        assert_eq!(units("1 mL", "1 mg"), Err(DoseError::Kinds(Kind::Volume, Kind::Mass)));
        assert_eq!(units("20 mmol", "2 mEq"), Err(DoseError::Kinds(Kind::Substance, Kind::Equivalents)));
    }

    #[test]
    fn converts_by_strength_both_ways() {
        let strength: Strength = "100 mg/mL".parse().unwrap();
        let units = |a: &str, b: &str| amount(a).units_of(&amount(b), Some(&strength)).map(|r| r.to_string());
        assert_eq!(units("10 mL", "500 mg").unwrap(), "2");
        assert_eq!(units("50 mg", "0.5 mL").unwrap(), "1");
        assert_eq!(units("5 units", "1 mg"), Err(DoseError::Kinds(Kind::Activity, Kind::Mass)));
        let vial: Strength = "22 million IU/vial".parse().unwrap();
        let third = amount("7 million units").units_of(&amount("1 vial"), Some(&vial)).unwrap();
        let rest = amount("15 million units").units_of(&amount("1 vial"), Some(&vial)).unwrap();
        assert_eq!(third.plus(rest), Some(Ratio::whole(1)));
    }

    #[test]
    fn rounds_at_the_threshold_and_not_before() {
        let unit = amount("15 mg");
        for (dose, units) in
            [("15 mg", 1), ("15.000000001 mg", 2), ("14.999999999 mg", 1), ("30 mg", 2), ("30.1 mg", 3)]
        {
            assert_eq!(amount(dose).units_of(&unit, None).unwrap().ceil(), units, "{dose}");
        }
    }

    #[test]
    fn reads_rates() {
        let rate = |t: &str| t.parse::<Rate>().map(Rate::microlitres_an_hour);
        assert_eq!(rate("125 mL/h"), Ok(Some(125_000)));
        assert_eq!(rate("125 ml per hour"), Ok(Some(125_000)));
        assert_eq!(rate("1 L/hr"), Ok(Some(1_000_000)));
        assert_eq!(rate("0.5 mL/min"), Ok(Some(30_000)));
        assert_eq!(rate("5 mcg/kg/min"), Ok(None));
        assert_eq!(rate("18 units/h"), Ok(None));
        assert!(rate("fast").is_err());
        assert!(rate("125").is_err());
        assert!(rate("mL/h").is_err());
    }
}
