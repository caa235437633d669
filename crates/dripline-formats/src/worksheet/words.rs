//! The words, units and keys of the worksheet.

use dripline::chart::{Method, Purpose};

/// What a word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Route(&'static str),
    RouteMethod(&'static str, Method),
    Method(Method),
    Purpose(Purpose),
    Hydration,
    Bolus,
}

/// Every word with its spelling in lower case.
pub(super) const WORDS: &[(&str, Word)] = &[
    ("ivp", Word::RouteMethod("IV", Method::Push)),
    ("ivpb", Word::RouteMethod("IV", Method::Infusion)),
    ("iv", Word::Route("IV")),
    ("iv-push", Word::RouteMethod("IV", Method::Push)),
    ("ivpush", Word::RouteMethod("IV", Method::Push)),
    ("intravenous", Word::Route("IV")),
    ("im", Word::Route("IM")),
    ("intramuscular", Word::Route("IM")),
    ("sc", Word::Route("SC")),
    ("sq", Word::Route("SC")),
    ("subcut", Word::Route("SC")),
    ("subq", Word::Route("SC")),
    ("sub-q", Word::Route("SC")),
    ("subcutaneous", Word::Route("SC")),
    ("ia", Word::Route("IA")),
    ("intra-arterial", Word::Route("IA")),
    ("it", Word::Route("IT")),
    ("intrathecal", Word::Route("IT")),
    ("id", Word::Route("ID")),
    ("intradermal", Word::Route("ID")),
    ("ip", Word::Route("IP")),
    ("intraperitoneal", Word::Route("IP")),
    ("po", Word::Route("PO")),
    ("intrapleural", Word::Route("intrapleural")),
    ("intralesional", Word::Route("intralesional")),
    ("intravesical", Word::Route("intravesical")),
    ("intraventricular", Word::Route("intraventricular")),
    ("intravitreal", Word::Route("intravitreal")),
    ("infiltration", Word::Route("infiltration")),
    ("intranasal", Word::Route("intranasal")),
    ("inhalation", Word::Route("inhalation")),
    ("push", Word::Method(Method::Push)),
    ("infusion", Word::Method(Method::Infusion)),
    ("piggyback", Word::Method(Method::Infusion)),
    ("gtt", Word::Method(Method::Infusion)),
    ("gtts", Word::Method(Method::Infusion)),
    ("drip", Word::Method(Method::Infusion)),
    ("injection", Word::Method(Method::Injection)),
    ("inj", Word::Method(Method::Injection)),
    ("pump", Word::Method(Method::Pump)),
    ("on-body", Word::Method(Method::OnBody)),
    ("on_body", Word::Method(Method::OnBody)),
    ("bolus", Word::Bolus),
    ("hydration", Word::Hydration),
    ("tko", Word::Purpose(Purpose::Kvo)),
    ("kvo", Word::Purpose(Purpose::Kvo)),
    ("flush", Word::Purpose(Purpose::Flush)),
];

/// Words that open a phrase.
pub(super) const PHRASES: &[&str] = &[
    "for", "via", "over", "at", "from", "started", "start", "began", "begin", "stopped", "stop", "ended", "end",
    "finished",
];

/// What people write beside the words of the worksheet, in lower case, and what to write instead.
///
/// Nearness would offer a word that says something else: `IVF` is not a slip for `IVP`.
const HABITS: &[(&[&str], &str)] = &[
    (
        &[
            "right", "left", "rt", "lt", "r", "l", "(r)", "(l)", "deltoid", "hand", "arm", "rac", "lac", "ac", "rfa",
            "lfa",
        ],
        "where it went in is `via`, as via left hand",
    ),
    (
        &["given", "gave", "administered"],
        "what stands on a line was given: leave the word out; who gave it is given_by=…",
    ),
    (&["by"], "who gave it is given_by=…"),
    (&["not", "held", "refused", "omitted", "canceled", "cancelled"], "what was not given is status=not_given"),
    (&["waste", "wasted", "discarded"], "what was thrown away is wasted=30mg"),
    (&["pause", "paused", "interrupted"], "a pause is pause=10:30-10:40"),
    (
        &["prn", "stat", "now", "once", "slow", "slowly", "ivf", "ivs"],
        "leave it out; a reason begins with `for`, how long it took with `over`, the route is IV",
    ),
    (&["inf", "infused", "ivinf"], "write `infusion`"),
    (&["pb", "piggy"], "write IVPB"),
    (&["p"], "write IVP"),
    (&["sub"], "write `subq`"),
    (
        &["in", "w/", "with", "mixed", "diluted"],
        "the volume of the bag is volume=100mL; another drug in it has a line of its own, with the same bag=… on both",
    ),
    (&["and", "&", "+", "then", "again"], "write one line for each administration"),
    (&["noon"], "write it as 12:00"),
    (&["midnight"], "write it as 0:00 or 24:00"),
    (&["patient", "pt", "name", "dob", "mrn"], "nothing that tells who the patient is belongs on a worksheet"),
    (&["vials", "vial:"], "what was opened is vial=4mg or vial=2x4mg"),
];

/// What to write instead of what people are used to write.
pub(super) fn habit(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    HABITS.iter().find(|(words, _)| words.contains(&lower.as_str())).map(|(_, help)| *help)
}

/// What a word says, whatever its case. `I.V.` is `IV`.
pub(super) fn word(text: &str) -> Option<Word> {
    let mut lower = text.to_lowercase();
    let letters =
        |mut parts: std::str::Split<'_, char>| parts.all(|p| p.len() == 1 && p.as_bytes()[0].is_ascii_lowercase());
    if letters(lower.trim_end_matches('.').split('.')) {
        lower.retain(|c| c != '.');
    }
    WORDS.iter().find(|(w, _)| *w == lower).map(|(_, word)| *word)
}

/// Whether a word says something where free text may stand: in a drug's name, a reason or the name of an access.
///
/// Routes that are also English words say it only in capitals.
pub(super) fn word_in_text(text: &str) -> Option<Word> {
    const ENGLISH: [&str; 4] = ["ia", "it", "id", "ip"];
    let small = text.bytes().any(|b| b.is_ascii_lowercase());
    if small && ENGLISH.contains(&text.to_ascii_lowercase().as_str()) { None } else { word(text) }
}

/// Whether a word ends a reason or the name of an access without quotes around these: what nobody means otherwise.
pub(super) fn ends_phrase(text: &str) -> bool {
    match word_in_text(text) {
        Some(Word::RouteMethod(..)) => true,
        Some(Word::Route(route)) => matches!(route, "IV" | "IM" | "SC" | "IA" | "IT" | "ID" | "IP"),
        Some(Word::Method(_)) => matches!(text.to_ascii_lowercase().as_str(), "push" | "gtt"),
        _ => false,
    }
}

/// Units as written, in lower case, and as the chart spells them.
const UNITS: &[(&str, &str)] = &[
    ("mg", "mg"),
    ("mgs", "mg"),
    ("milligram", "mg"),
    ("milligrams", "mg"),
    ("mcg", "mcg"),
    ("ug", "mcg"),
    ("µg", "mcg"),
    ("μg", "mcg"),
    ("microgram", "mcg"),
    ("micrograms", "mcg"),
    ("ng", "ng"),
    ("g", "g"),
    ("gm", "g"),
    ("gms", "g"),
    ("gram", "g"),
    ("grams", "g"),
    ("kg", "kg"),
    ("ml", "mL"),
    ("mls", "mL"),
    ("cc", "mL"),
    ("ccs", "mL"),
    ("milliliter", "mL"),
    ("milliliters", "mL"),
    ("l", "L"),
    ("liter", "L"),
    ("liters", "L"),
    ("litre", "L"),
    ("litres", "L"),
    ("meq", "mEq"),
    ("mmol", "mmol"),
    ("mosm", "mOsm"),
    ("unit", "units"),
    ("units", "units"),
    ("u", "units"),
    ("iu", "IU"),
    ("mci", "mCi"),
    ("uci", "uCi"),
    ("µci", "uCi"),
    ("μci", "uCi"),
    ("mbq", "MBq"),
    ("gbq", "GBq"),
    ("dose", "dose"),
    ("doses", "doses"),
    ("tab", "tablets"),
    ("tabs", "tablets"),
    ("tablet", "tablets"),
    ("tablets", "tablets"),
    ("cap", "capsules"),
    ("caps", "capsules"),
    ("capsule", "capsules"),
    ("capsules", "capsules"),
    ("puff", "puffs"),
    ("puffs", "puffs"),
    ("spray", "sprays"),
    ("sprays", "sprays"),
    ("drop", "drops"),
    ("drops", "drops"),
];

/// A unit's usual spelling.
pub(super) fn unit(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    UNITS.iter().find(|(u, _)| *u == lower).map(|(_, unit)| *unit)
}

/// Minutes in a unit of time.
pub(super) fn minutes_in(text: &str) -> Option<u32> {
    match text.to_ascii_lowercase().as_str() {
        "m" | "min" | "mins" | "minute" | "minutes" => Some(1),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some(60),
        _ => None,
    }
}

/// A unit of a rate in its usual spelling: `mL/hr` → `mL/h`.
pub(super) fn rate_unit(text: &str) -> Option<String> {
    let (amount, time) = text.split_once('/')?;
    let time = if minutes_in(time)? == 60 { "h" } else { "min" };
    Some(format!("{}/{time}", unit(amount)?))
}

/// A unit that no drug name ends in: a number is missing before it.
pub(super) fn plain_unit(text: &str) -> bool {
    matches!(text, "mg" | "mcg" | "mL" | "ml" | "mEq" | "meq" | "units" | "gm" | "cc" | "mmol")
        || rate_unit(text).is_some()
}

/// Unit spellings offered when one is not known.
pub(super) fn unit_names() -> impl Iterator<Item = &'static str> {
    UNITS.iter().map(|(u, _)| *u)
}

/// A number as people write it: `4`, `0.5`, `.5`, `1,000`. The text is without thousands' commas.
pub(super) fn number(text: &str) -> Option<String> {
    let (whole, fraction) = match text.split_once('.') {
        Some((w, f)) => (w, Some(f)),
        None => (text, None),
    };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if let Some(f) = fraction
        && !digits(f)
    {
        return None;
    }
    let whole = if whole.is_empty() && fraction.is_some() {
        "0".to_owned()
    } else if whole.contains(',') {
        let mut groups = whole.split(',');
        let first = groups.next()?;
        if !(digits(first) && first.len() <= 3 && groups.all(|g| g.len() == 3 && digits(g))) {
            return None;
        }
        whole.replace(',', "")
    } else if digits(whole) {
        whole.to_owned()
    } else {
        return None;
    };
    Some(match fraction {
        Some(f) => format!("{whole}.{f}"),
        None => whole,
    })
}

/// Splits `4mg` before its first letter, where the front is a number.
pub(super) fn split_number(text: &str) -> Option<(String, &str)> {
    let at = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(text.len());
    let front = text[..at].trim_end_matches(',');
    Some((number(front)?, &text[at..]))
}

/// A number times a power of ten, exactly.
fn times_ten_to(number: &str, places: usize) -> String {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = format!("{fraction:0<places$}");
    let (more, rest) = fraction.split_at(places);
    let whole = format!("{whole}{more}");
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") }
}

/// An amount with its unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    pub number: String,
    pub unit: String,
    /// A rate: `125 mL/h`.
    pub rate: bool,
}

impl Amount {
    pub fn text(&self) -> String {
        format!("{} {}", self.number, self.unit)
    }

    /// In millilitres, where it is a volume.
    pub fn millilitres(&self) -> Option<String> {
        match self.unit.as_str() {
            "mL" => Some(self.text()),
            "L" => Some(format!("{} mL", times_ten_to(&self.number, 3))),
            _ => None,
        }
    }

    /// Reads a number, its unit and, between them, `million`.
    pub fn of_million(number: &str, written: &str) -> Option<Amount> {
        Amount::of(&times_ten_to(number, 6), written)
    }

    /// Makes an amount of a number and a unit as written.
    pub fn of(number: &str, written: &str) -> Option<Amount> {
        if let Some(unit) = unit(written) {
            return Some(Amount { number: number.to_owned(), unit: unit.to_owned(), rate: false });
        }
        rate_unit(written).map(|unit| Amount { number: number.to_owned(), unit, rate: true })
    }

    /// Reads a whole text: `4mg`, `4 mg`, `2.4 million units`.
    pub fn read(text: &str) -> Option<Amount> {
        let (number, rest) = split_number(text.trim())?;
        let rest = rest.trim();
        match rest.split_once(char::is_whitespace) {
            Some((m, u)) if m.eq_ignore_ascii_case("million") => Amount::of_million(&number, u.trim()),
            _ => Amount::of(&number, rest),
        }
    }
}

/// Whether a drug's name as charted is that of a plain fluid.
pub(super) fn is_fluid(name: &str) -> bool {
    const CORE: &[&str] = &[
        "ns",
        "saline",
        "nacl",
        "chloride",
        "lr",
        "ringer's",
        "ringer’s",
        "ringers",
        "ringer",
        "lactate",
        "dextrose",
        "d5",
        "d5w",
        "d10w",
        "d5ns",
        "d5lr",
        "d5½ns",
        "d51/2ns",
        "½ns",
        "1/2ns",
        "plasma-lyte",
        "plasmalyte",
        "normosol",
        "normosol-r",
        "isolyte",
        "fluid",
        "fluids",
        "ivf",
        "crystalloid",
    ];
    const BESIDE: &[&str] = &[
        "normal", "sodium", "lactated", "half", "0.9%", "0.45%", "0.9", "0.45", "5%", "10%", "1/2", "½", "in", "and",
        "water", "iv", "a",
    ];
    let lower = name.to_lowercase();
    let mut core = false;
    lower.split_whitespace().all(|w| {
        let is = CORE.contains(&w);
        core |= is;
        is || BESIDE.contains(&w)
    }) && core
}

/// The volume that the amount behind a name is, where what was given is a plain fluid.
pub(super) fn fluid_volume(name: &str, hydration: bool, amount: &Amount) -> Option<String> {
    if hydration || is_fluid(name) { amount.millilitres() } else { None }
}

/// The nearest of some words, if one is near enough to be meant.
pub(super) fn nearest<'a>(text: &str, among: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text: Vec<char> = text.to_lowercase().chars().take(40).collect();
    let allowed = match text.len() {
        0..=4 => 1,
        5..=7 => 2,
        _ => 3,
    };
    let mut best: Option<(usize, &str)> = None;
    for word in among {
        let other: Vec<char> = word.to_lowercase().chars().collect();
        let far = distance(&text, &other);
        if far <= allowed && far < other.len().max(text.len()) && best.is_none_or(|(b, _)| far < b) {
            best = Some((far, word));
        }
    }
    best.map(|(_, w)| w)
}

/// Edits between two words; exchanging neighbours is one.
pub(super) fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
