//! The dosage of a billing unit as CMS writes it: `10 MG`, `0.5 ML`, `100,000 UNITS`, `UP TO 80 MG`, `PER DOSE`.
//!
//! Read is what names one amount and one unit. A list of components (`2.5 MG/0.5 MG`), a band (`Greater than 100 MG`)
//! and free words are not, and say so: nothing is guessed.
//!
//! ```
//! use dripline_reference::tables::dosage::{self, Unit};
//! let dosage = dosage::read("UP TO 80 MG").unwrap();
//! assert_eq!((dosage.amount.to_string(), dosage.unit, dosage.up_to), ("80".into(), Unit::Milligram, true));
//! assert!(dosage::read("2.5 MG/0.5 MG").is_err());
//! ```

use std::fmt;

use rust_decimal::Decimal;

/// What an amount is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// Microgram.
    Microgram,
    /// Milligram.
    Milligram,
    /// Gram.
    Gram,
    /// Millilitre; CMS's `CC` is the same volume.
    Millilitre,
    /// A product's own unit of activity.
    ProductUnit,
    /// International unit; never taken for a product's own unit.
    InternationalUnit,
    /// Milliequivalent.
    Milliequivalent,
    /// Microcurie.
    Microcurie,
    /// Millicurie.
    Millicurie,
    /// Square centimetre.
    SquareCentimetre,
    /// Plaque-forming unit.
    PlaqueFormingUnit,
    /// One piece.
    Each,
    /// One dose, also a therapeutic or study dose.
    Dose,
    /// One vial.
    Vial,
    /// One implant.
    Implant,
}

impl Unit {
    /// Its short name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Unit::Microgram => "mcg",
            Unit::Milligram => "mg",
            Unit::Gram => "g",
            Unit::Millilitre => "mL",
            Unit::ProductUnit => "units",
            Unit::InternationalUnit => "IU",
            Unit::Milliequivalent => "mEq",
            Unit::Microcurie => "uCi",
            Unit::Millicurie => "mCi",
            Unit::SquareCentimetre => "cm2",
            Unit::PlaqueFormingUnit => "PFU",
            Unit::Each => "each",
            Unit::Dose => "dose",
            Unit::Vial => "vial",
            Unit::Implant => "implant",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The amount of one billing unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dosage {
    /// How much, above zero.
    pub amount: Decimal,
    /// Of what.
    pub unit: Unit,
    /// `UP TO`: the code itself says that a lower dose is one billing unit.
    pub up_to: bool,
}

impl fmt::Display for Dosage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} {}", if self.up_to { "up to " } else { "" }, self.amount.normalize(), self.unit)
    }
}

/// Why a dosage names no single amount and unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unread {
    /// Several components, each with its own amount.
    Components,
    /// A band: more than, or at most, an amount or a length of therapy.
    Band,
    /// Words that name no known unit.
    Words,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Unread::Components => "several components",
            Unread::Band => "a band, not an amount",
            Unread::Words => "no amount with a known unit",
        })
    }
}

/// Reads a dosage.
///
/// A remark in parentheses (`300 MCG (1500 IU)`, `10 MG (rituximab)`) says the same in other words and is left out.
///
/// # Errors
/// Where it is not one amount of one unit.
pub fn read(text: &str) -> Result<Dosage, Unread> {
    let plain = without_parentheses(text).to_lowercase();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let (up_to, words) = match words.as_slice() {
        ["greater", "than", ..] | ["less", "than", ..] => return Err(Unread::Band),
        ["up", "to", rest @ ..] => (true, rest),
        ["per", rest @ ..] => (false, rest),
        all => (false, all),
    };
    let phrase = words.join(" ");
    let (number, name) =
        phrase.split_at(phrase.find(|c: char| !matches!(c, '0'..='9' | '.' | ',')).unwrap_or(phrase.len()));
    let amount = match number {
        "" => Decimal::ONE,
        digits => amount(digits).ok_or(Unread::Words)?,
    };
    let name = name.trim();
    if name.contains(|c: char| c.is_ascii_digit()) {
        return Err(Unread::Components);
    }
    let (amount, name) = match name.strip_prefix("million ") {
        Some(rest) => (amount.checked_mul(Decimal::from(1_000_000)).ok_or(Unread::Words)?, rest),
        None => (amount, name),
    };
    let unit = unit(name).ok_or(Unread::Words)?;
    if amount <= Decimal::ZERO {
        return Err(Unread::Words);
    }
    Ok(Dosage { amount, unit, up_to })
}

/// `100,000`, `.625` and `7.5`, but not `1,00` or `1.2.3`.
fn amount(digits: &str) -> Option<Decimal> {
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    if !rest.is_empty() && (first.is_empty() || first.len() > 3 || rest.iter().any(|g| g.len() != 3)) {
        return None;
    }
    if fraction.is_some_and(|f| f.is_empty() || f.contains([',', '.'])) || (first.is_empty() && fraction.is_none()) {
        return None;
    }
    let whole = if first.is_empty() { "0" } else { first };
    format!("{whole}{}{}{}", rest.concat(), if fraction.is_some() { "." } else { "" }, fraction.unwrap_or(""))
        .parse()
        .ok()
}

fn unit(name: &str) -> Option<Unit> {
    Some(match name {
        "mcg" | "ug" | "microgram" | "micrograms" => Unit::Microgram,
        "mg" | "milligram" | "milligrams" => Unit::Milligram,
        "g" | "gm" | "gram" | "grams" => Unit::Gram,
        "ml" | "cc" | "milliliter" | "milliliters" => Unit::Millilitre,
        "unit" | "units" | "usp unit" | "usp units" => Unit::ProductUnit,
        // A factor's activity is counted in international units of that factor; the code names the factor.
        "iu"
        | "i.u."
        | "i.u"
        | "international unit"
        | "international units"
        | "i.u. vwf:rco"
        | "iu vwf:rco"
        | "factor viii iu"
        | "factor viii i.u." => Unit::InternationalUnit,
        "meq" | "milliequivalent" | "milliequivalents" => Unit::Milliequivalent,
        "microcurie" | "microcuries" => Unit::Microcurie,
        "millicurie" | "millicuries" => Unit::Millicurie,
        "sq cm" | "square centimeter" | "square centimeters" => Unit::SquareCentimetre,
        "pfu" | "plaque-forming units" => Unit::PlaqueFormingUnit,
        "ea" | "each" => Unit::Each,
        "dose" | "doses" | "therapeutic dose" | "study dose" | "treatment dose" => Unit::Dose,
        "vial" | "vials" => Unit::Vial,
        "implant" | "implants" => Unit::Implant,
        _ => return None,
    })
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    text.chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' if depth > 0 => {
                    depth -= 1;
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}

/// The dosage at the end of a long description (`…, 10 mg`), as written, where it can be read.
#[cfg(feature = "import")]
pub(super) fn at_the_end(description: &str) -> Option<String> {
    let plain = without_parentheses(description);
    let commas: Vec<usize> = plain.rmatch_indices(',').map(|(at, _)| at).take(2).collect();
    // The last comma may stand inside a number (`100,000 units`): of the last two the longer tail comes first.
    commas.iter().rev().map(|&at| plain[at + 1..].trim()).find(|tail| read(tail).is_ok()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_units() {
        for (text, amount, unit) in [
            ("10 MG", "10", Unit::Milligram),
            ("1MG", "1", Unit::Milligram),
            ("  0.1 mg ", "0.1", Unit::Milligram),
            ("1  MG", "1", Unit::Milligram),
            (".625 GM", "0.625", Unit::Gram),
            ("1.125 gm", "1.125", Unit::Gram),
            ("250 CC", "250", Unit::Millilitre),
            ("100,000 UNITS", "100000", Unit::ProductUnit),
            ("5 Unit", "5", Unit::ProductUnit),
            ("1 USP UNIT", "1", Unit::ProductUnit),
            ("150 IU", "150", Unit::InternationalUnit),
            ("1 I.U. VWF:RCO", "1", Unit::InternationalUnit),
            ("PER FACTOR VIII IU", "1", Unit::InternationalUnit),
            ("2 MEQ", "2", Unit::Milliequivalent),
            ("1 microCurie", "1", Unit::Microcurie),
            ("1 SQ CM", "1", Unit::SquareCentimetre),
            ("1 million\u{a0}PFU", "1000000", Unit::PlaqueFormingUnit),
            ("1 EACH", "1", Unit::Each),
            ("1 EA", "1", Unit::Each),
            ("Per Therapeutic Dose", "1", Unit::Dose),
            ("PER STUDY DOSE", "1", Unit::Dose),
            ("PER VIAL", "1", Unit::Vial),
            ("PER IMPLANT", "1", Unit::Implant),
            ("300 MCG (1500 IU)", "300", Unit::Microgram),
            ("10 MG (some ingredient)", "10", Unit::Milligram),
            ("75mg (50mg a/25mg b)", "75", Unit::Milligram),
        ] {
            let read = read(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(
                (read.amount.normalize().to_string().as_str(), read.unit, read.up_to),
                (amount, unit, false),
                "{text}"
            );
        }
    }

    #[test]
    fn up_to_is_kept() {
        let dosage = read("UP TO 0.50 MG").unwrap();
        assert!(dosage.up_to);
        assert_eq!(dosage.to_string(), "up to 0.5 mg");
    }

    #[test]
    fn what_is_not_one_amount_is_refused() {
        for (text, why) in [
            ("2.5 MG/0.5 MG", Unread::Components),
            ("5MG-1MG", Unread::Components),
            ("3 MG & 3 MG", Unread::Components),
            ("1 MG/ML", Unread::Words),
            ("Greater than 100 MG", Unread::Band),
            ("Less than or equal to 7 days of therapy", Unread::Band),
            ("UP TO 200 million CAR T cells", Unread::Words),
            ("1,00 MG", Unread::Words),
            ("1.2.3 MG", Unread::Words),
            ("0 MG", Unread::Words),
            ("MG extended", Unread::Words),
            ("9999999999999999999959999999.4 million units", Unread::Words),
            ("", Unread::Words),
        ] {
            assert_eq!(read(text), Err(why), "{text}");
        }
    }

    #[cfg(feature = "import")]
    #[test]
    fn the_dosage_at_the_end_of_a_description() {
        for (description, dosage) in [
            ("Injection, made-up drug, 10 mg", Some("10 mg")),
            ("Injection, made-up drug, 100,000 units", Some("100,000 units")),
            ("Injection, made-up drug, per 50 mg", Some("per 50 mg")),
            ("Injection, made-up drug, 10 mg (a remark, with a comma)", Some("10 mg")),
            ("Injection, made-up drug", None),
            ("10 mg", None),
        ] {
            assert_eq!(at_the_end(description).as_deref(), dosage, "{description}");
        }
    }
}
