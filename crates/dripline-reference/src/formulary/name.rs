//! Charted names that say more than the table does: a salt, a strength, a form, what the drug was mixed in; and plain
//! fluids, which have as many spellings as there are hands.
//!
//! Every word of a name is read or the name is not: no word is skipped because it is not known.

/// What fluid a folded name spells, by a name of it that stands in the table.
pub(super) fn fluid(folded: &str) -> Option<&'static str> {
    let mut seen = Fluid::default();
    let words = words(folded);
    // What comes before has been cut off, and may be another drug.
    if let Some(Word::Text("with" | "in" | "and")) = words.first() {
        return None;
    }
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let next = words.get(at);
        match word {
            Word::Number(n) => {
                let unit = if let Some(Word::Text(unit)) = next { unit } else { "" };
                let before = at.checked_sub(2).and_then(|b| words.get(b));
                let after_potassium = seen.potassium && matches!(before, Some(Word::Text("kcl" | "k" | "chloride")));
                match unit {
                    "ml" | "cc" | "l" | "liter" | "litre" | "liters" => at += 1,
                    "meq" | "mmol" | "meq/l" | "mmol/l" | "kcl" | "k" if AMOUNTS.contains(n) => {
                        seen.per_litre |= unit.ends_with("/l");
                        seen.amount = true;
                        at += usize::from(unit.starts_with('m'));
                    }
                    _ if after_potassium && AMOUNTS.contains(n) => seen.amount = true,
                    _ if VOLUMES.contains(n) => {}
                    _ => seen.part(n)?,
                }
            }
            Word::Text(text) => match *text {
                "sodium" | "potassium" if next != Some(&Word::Text("chloride")) => return None,
                "sodium" => {
                    at += 1;
                    seen.salt()?;
                }
                "nacl" | "ns" | "nss" | "saline" => seen.salt()?,
                "normal" | "isotonic" if next != Some(&Word::Text("saline")) => return None,
                // `half normal saline`, `normal saline`.
                "normal" | "isotonic" => {}
                "half" => seen.part("1/2")?,
                "quarter" => seen.part("1/4")?,
                "potassium" => {
                    at += 1;
                    seen.potassium()?;
                }
                "kcl" | "k" => seen.potassium()?,
                "d5" | "d5w" => seen.dextrose(true)?,
                "dextrose" => seen.dextrose(false)?,
                "water" if seen.dextrose => {}
                "lr" | "lrs" | "hartmann" | "hartmanns" => seen.base(Base::Lactated)?,
                "lactated" | "ringers" | "ringer" => {
                    let other = words.get(at);
                    let second = |list: &[&str]| matches!(other, Some(Word::Text(t)) if list.contains(t));
                    if !(*text == "lactated" && second(&["ringers", "ringer"])
                        || *text != "lactated" && second(&["lactate"]))
                    {
                        return None;
                    }
                    at += 1;
                    seen.base(Base::Lactated)?;
                }
                "plasmalyte" | "normosol" | "isolyte" => seen.base(Base::Balanced)?,
                "plasma" if next == Some(&Word::Text("lyte")) => {
                    at += 1;
                    seen.base(Base::Balanced)?;
                }
                "a" | "r" | "s" | "148" if seen.base == Some(Base::Balanced) => {}
                "with" | "in" | "and" | "/l" | "iv" | "ivf" | "intravenous" | "injection" | "inj" | "bolus"
                | "infusion" | "solution" | "soln" | "sol" | "usp" | "fluid" | "fluids" | "bag" | "liter" | "l"
                | "maintenance" | "hydration" | "premix" | "premixed" | "of" => {}
                _ => return None,
            },
        }
    }
    seen.named()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word<'t> {
    Number(&'t str),
    Text(&'t str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Saline,
    Lactated,
    Balanced,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tonicity {
    Whole,
    Half,
    Quarter,
}

/// What has been read of a fluid's name.
#[derive(Default)]
struct Fluid {
    base: Option<Base>,
    tonicity: Option<Tonicity>,
    /// Dextrose is named, and its five parts in a hundred.
    dextrose: bool,
    five: bool,
    potassium: bool,
    /// Potassium stands before what it is in.
    potassium_first: bool,
    /// An amount of potassium, and that it is one for each litre.
    amount: bool,
    per_litre: bool,
}

impl Fluid {
    fn base(&mut self, base: Base) -> Option<()> {
        (self.base.is_none() || self.base == Some(base)).then(|| self.base = Some(base))
    }

    fn salt(&mut self) -> Option<()> {
        self.base(Base::Saline)
    }

    fn dextrose(&mut self, five: bool) -> Option<()> {
        self.dextrose = true;
        self.five |= five;
        Some(())
    }

    fn potassium(&mut self) -> Option<()> {
        self.potassium_first |= self.base.is_none() && !self.dextrose;
        self.potassium = true;
        Some(())
    }

    /// A share of the fluid: the numbers of dextrose and of saline are never the same.
    fn part(&mut self, number: &str) -> Option<()> {
        let tonicity = match number {
            "5" if !self.five => {
                self.five = true;
                return Some(());
            }
            "148" if self.base == Some(Base::Balanced) => return Some(()),
            "0.9" | ".9" => Tonicity::Whole,
            "0.45" | ".45" | "1/2" => Tonicity::Half,
            "0.2" | ".2" | "0.225" | ".225" | "1/4" => Tonicity::Quarter,
            _ => return None,
        };
        (self.tonicity.is_none() || self.tonicity == Some(tonicity)).then(|| self.tonicity = Some(tonicity))
    }

    fn named(&self) -> Option<&'static str> {
        if self.dextrose != self.five || (self.amount && !self.potassium) {
            return None;
        }
        // A dose of potassium in a small bag is the drug; so many a litre is a fluid made so.
        if self.potassium_first && !self.per_litre {
            return None;
        }
        let base = match (self.base, self.tonicity) {
            // `D5 1/2` is read as it is meant.
            (None, Some(t)) if self.dextrose => Some((Base::Saline, t)),
            (None, Some(_)) => return None,
            (None, None) => None,
            (Some(Base::Saline), t) => Some((Base::Saline, t.unwrap_or(Tonicity::Whole))),
            (Some(_), Some(_)) => return None,
            (Some(base), None) => Some((base, Tonicity::Whole)),
        };
        Some(match (self.dextrose, base, self.potassium) {
            (false, Some((Base::Saline, Tonicity::Whole)), false) => "normal saline",
            (false, Some((Base::Saline, Tonicity::Half)), false) => "half normal saline",
            (false, Some((Base::Lactated, _)), false) => "lactated ringers",
            (false, Some((Base::Balanced, _)), false) => "plasma-lyte",
            (true, None, false) => "d5w",
            (true, Some((Base::Saline, Tonicity::Whole)), false) => "d5ns",
            (true, Some((Base::Saline, Tonicity::Half)), false) => "d5 1/2 ns",
            (true, Some((Base::Saline, Tonicity::Quarter)), false) => "d5 1/4 ns",
            (true, Some((Base::Lactated, _)), false) => "d5lr",
            (false, Some((Base::Saline, Tonicity::Whole)), true) => "ns with kcl",
            (false, Some((Base::Saline, Tonicity::Half)), true) => "1/2 ns with kcl",
            (false, Some((Base::Lactated, _)), true) => "lr with kcl",
            (true, None, true) => "d5w with kcl",
            (true, Some((Base::Saline, Tonicity::Whole)), true) => "d5ns with kcl",
            (true, Some((Base::Saline, Tonicity::Half)), true) => "d5 1/2 ns with kcl",
            (true, Some((Base::Saline, Tonicity::Quarter)), true) => "d5 1/4 ns with kcl",
            (true, Some((Base::Lactated, _)), true) => "d5lr with kcl",
            (_, Some((Base::Balanced, _)), _) | (false, _, _) => return None,
        })
    }
}

/// Words that are written together, longest first.
const GLUED: &[&str] = &[
    "meq/l", "mmol/l", "meq", "mmol", "nacl", "nss", "kcl", "d5w", "d5", "lrs", "w/", "ns", "lr", "ml", "cc", "/l", "l",
];

/// The words of a folded name, with those that are written together taken apart.
fn words(folded: &str) -> Vec<Word<'_>> {
    let mut out = Vec::new();
    let apart = |c: char| matches!(c, ' ' | ',' | '(' | ')' | '+' | '&' | '-' | '%' | ';');
    for token in folded.split(apart).filter(|t| !t.is_empty()) {
        if token.bytes().all(|b| b.is_ascii_alphabetic()) && !GLUED.contains(&token) {
            out.push(Word::Text(spelled(token)));
            continue;
        }
        let mut rest = token;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            if let Some(glued) = GLUED.iter().find(|g| rest.starts_with(**g)).filter(|g| fits(rest, g)) {
                out.push(Word::Text(if *glued == "w/" { "with" } else { glued }));
                rest = &rest[glued.len()..];
            } else if rest.starts_with("1/2") || rest.starts_with("1/4") {
                out.push(Word::Number(&rest[..3]));
                rest = &rest[3..];
            } else if rest.starts_with('½') || rest.starts_with('¼') {
                out.push(Word::Number(if rest.starts_with('½') { "1/2" } else { "1/4" }));
                rest = &rest['½'.len_utf8()..];
            } else if digits > 0 {
                out.push(Word::Number(&rest[..digits]));
                rest = &rest[digits..];
            } else {
                out.push(Word::Text(spelled(rest)));
                rest = "";
            }
        }
    }
    out
}

/// `D50` is no `D5`; `D5.45` and `D51/2` are.
fn fits(rest: &str, glued: &str) -> bool {
    let after = &rest[glued.len()..];
    let digit = |s: &str| s.starts_with(|c: char| c.is_ascii_digit());
    match glued {
        "d5" => !digit(after) || after.starts_with("1/2") || after.starts_with("1/4"),
        _ => true,
    }
}

fn spelled(word: &str) -> &str {
    match word {
        "ringer's" => "ringers",
        "hartmann's" => "hartmanns",
        "w" => "with",
        "plus" => "and",
        _ => word,
    }
}

/// Milliequivalents of potassium that are added to a litre.
const AMOUNTS: &[&str] = &["10", "20", "30", "40"];
/// Millilitres in a bag.
const VOLUMES: &[&str] = &["250", "500", "1000"];

/// A name with one thing less at its end.
pub(super) struct Cut<'t> {
    pub(super) name: &'t str,
    /// The salt that was cut off.
    pub(super) salt: Option<&'t str>,
}

/// Cuts off the end of a folded name what says nothing of which drug it is: a form or a route, a strength, what it was
/// mixed in, a salt.
pub(super) fn cut(name: &str) -> Option<Cut<'_>> {
    let without = |end: usize| Some(Cut { name: trimmed(&name[..end]), salt: None });
    if let Some((outer, inner)) = name.strip_suffix(')').and_then(|n| n.rsplit_once('('))
        && !trimmed(outer).is_empty()
        && inner.split(' ').all(|w| FORMS.contains(&w) || w == "preservative" || w == "free")
    {
        return without(outer.len());
    }
    for words in ["preservative free", "preservative-free", "for injection", "single dose", "single-dose"] {
        if let Some(outer) = name.strip_suffix(words).filter(|o| o.ends_with(' ')) {
            return without(outer.len());
        }
    }
    let (before, last) = name.rsplit_once(' ')?;
    if FORMS.contains(&last) {
        return without(before.len());
    }
    if let Some(at) = strength(name) {
        return without(at);
    }
    if let Some((drug, carrier)) = name.rsplit_once(" in ")
        && (fluid(carrier).is_some() || CARRIERS.contains(&carrier))
    {
        return without(drug.len());
    }
    if SALTS.contains(&last) {
        return Some(Cut { name: trimmed(before), salt: Some(last) });
    }
    let (first, rest) = name.split_once(' ')?;
    ["inj", "inj.", "injection", "iv", "ivpb"].contains(&first).then(|| Cut { name: trimmed(rest), salt: None })
}

fn trimmed(name: &str) -> &str {
    name.trim_matches([' ', ',', ';', '/', '-'])
}

/// Where a strength begins that a name ends with: a number and its unit. A percentage may be the product itself.
fn strength(name: &str) -> Option<usize> {
    let mut at = name.len();
    let mut unit = false;
    for word in name.rsplit(' ') {
        at -= word.len();
        let mut pieces = word.split(['/', '-']).filter(|p| !p.is_empty());
        let measured = pieces.all(|piece| {
            let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
            unit |= UNITS.contains(&rest);
            rest.is_empty() || UNITS.contains(&rest)
        });
        if !measured {
            return None;
        }
        if word.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return (unit && at > 0).then_some(at);
        }
        at = at.checked_sub(1)?;
    }
    None
}

/// Does the full name of a product name no other salt than those that were cut off?
pub(super) fn same_salts(product: &str, cut: &[&str]) -> bool {
    let product = product.to_ascii_lowercase();
    let mut words = product.split([' ', '/', '-']);
    cut.is_empty() || words.all(|w| cut.contains(&w) || !(SALTS.contains(&w) || ESTERS.contains(&w)))
}

const UNITS: &[&str] = &[
    "mg", "mcg", "ug", "g", "gm", "gram", "grams", "meq", "mmol", "unit", "units", "iu", "million", "vial", "bag",
    "syringe", "ml", "cc", "mci",
];

const FORMS: &[&str] = &[
    "injection",
    "injectable",
    "inj",
    "inj.",
    "ij",
    "iv",
    "ivp",
    "ivpb",
    "im",
    "sc",
    "sq",
    "subq",
    "intravenous",
    "intramuscular",
    "subcutaneous",
    "solution",
    "soln",
    "solr",
    "sosy",
    "recon",
    "reconstituted",
    "piggyback",
    "push",
    "infusion",
    "drip",
    "gtt",
    "bolus",
    "premix",
    "premixed",
    "vial",
    "vials",
    "syringe",
    "prefilled",
    "pfs",
    "pf",
    "mpf",
    "usp",
    "kit",
    "bag",
    "lyophilized",
    "powder",
    "novaplus",
];

const CARRIERS: &[&str] =
    &["dextrose", "iso-osmotic dextrose", "water", "sterile water", "swfi", "d10w", "saline", "sodium chloride"];

/// Salts in which a drug is the drug.
const SALTS: &[&str] = &[
    "hcl",
    "hydrochloride",
    "sulfate",
    "sulphate",
    "sodium",
    "disodium",
    "acetate",
    "mesylate",
    "phosphate",
    "calcium",
    "hyclate",
    "tartrate",
    "bitartrate",
    "citrate",
    "maleate",
    "lactate",
    "succinate",
    "isethionate",
    "chloride",
    "bromide",
    "hydrobromide",
    "besylate",
    "fumarate",
    "nitrate",
    "gluconate",
    "monohydrate",
    "dihydrate",
    "trihydrate",
    "anhydrous",
];

/// Salts and esters that make another product of a drug, with a code of its own.
const ESTERS: &[&str] = &[
    "acetonide",
    "benzathine",
    "caproate",
    "cypionate",
    "decanoate",
    "enanthate",
    "hexacetonide",
    "lauroxil",
    "palmitate",
    "pamoate",
    "potassium",
    "procaine",
    "undecanoate",
    "valerate",
];
