//! The `key=value` pairs of a line: which keys a line has, and what their values may be.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::str::FromStr;

use dripline::chart::{Container, ContainerKind, Order, Pump, SwitchValue};
use jiff::civil::Date;

use super::Problem;
use super::lex::{Line, Span, Token, Value};
use super::time::{Seen, Times, When, date, moment, range};
use super::words::{Amount, nearest, number};

/// Keys of the header.
pub const CASE: &[&str] = &[
    "case",
    "setting",
    "place_of_service",
    "bill_type",
    "billed_by",
    "profile",
    "policy",
    "as_of",
    "time_zone",
    "arrival",
    "departure",
    "inpatient_order",
    "primary_reason",
    "diagnoses",
    "age_years",
    "supervised",
    "off_campus",
];

/// Keys of the contract that a worksheet writes as lines, and how.
const LINES: &[(&str, &str)] = &[
    ("accesses", "write a line for each: access NAME kind=port"),
    ("services", "write a line for each: +99213"),
    ("administrations", "write a line for each: Zofran 4 mg IV push 10:00"),
    ("billed", "write a line for each: billed 96374 units=1"),
];

/// Keys of an administration.
pub const ROW: &[&str] = &[
    "id",
    "visit",
    "drug",
    "hcpcs",
    "ndc",
    "rxnorm",
    "class",
    "purpose",
    "dose",
    "route",
    "method",
    "start",
    "stop",
    "date",
    "stop_source",
    "interruptions",
    "planned_minutes",
    "volume",
    "rate",
    "attended",
    "access",
    "bag",
    "order",
    "indication",
    "same_dose_as",
    "lesions",
    "components",
    "counselling",
    "pump",
    "pump.kind",
    "pump.event",
    "pump.owner",
    "containers",
    "vial",
    "mdv",
    "wasted",
    "supplied_by",
    "purchased_340b",
    "status",
    "given_by",
    "credentials",
    "ordered_route",
    "ordered_dose",
    "monitored",
    "source",
];

/// Keys of a `+CODE` line.
pub const SERVICE: &[&str] = &["id", "date", "start", "stop", "modifiers", "units", "reason"];

/// Keys of an `access` line.
pub const ACCESS: &[&str] = &["kind", "needed_because"];

/// Keys of a `billed` line.
pub const BILLED: &[&str] = &["units", "modifiers", "date"];

/// Short names of keys.
const ALIASES: &[(&str, &str)] = &[("pos", "place_of_service"), ("need", "needed_because"), ("pause", "interruptions")];

/// What people write in a header beside its keys, in lower case, and what to write instead.
const CASE_HABITS: &[(&[&str], &str)] = &[
    (&["date", "dos"], "the date stands alone behind the setting: office 1/5/26"),
    (
        &["patient", "pt", "name", "dob", "birth", "mrn", "ssn", "sex", "account", "acct"],
        "nothing that tells who the patient is belongs on a worksheet; `case` is an id of your own",
    ),
    (&["dx", "icd", "icd10", "icd-10", "diagnosis"], "write diagnoses=E86.0,R11.2"),
    (
        &["payer", "payor", "insurance", "plan", "medicare", "commercial", "medicaid"],
        "the payer's policy is profile=medicare; `dripline policy show` lists them",
    ),
    (&["age"], "write age_years=12"),
    (&["arrived"], "write arrival=9:40"),
    (&["departed", "discharged", "discharge"], "write departure=14:00"),
    (&["admitted", "admit"], "the order that made the patient an inpatient is inpatient_order=14:00"),
    (&["tob", "type"], "write bill_type=131"),
];

/// What to write in a header instead of what people are used to write.
pub(super) fn case_habit(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    CASE_HABITS.iter().find(|(names, _)| names.contains(&lower.as_str())).map(|(_, help)| *help)
}

/// Whether a key opens a header.
pub(super) fn is_case_key(name: &str) -> bool {
    CASE.contains(&name) || name == "pos" || LINES.iter().any(|(key, _)| *key == name)
}

/// Keys whose items are numbered from 1: `containers.1.kind`.
const NUMBERED: &[(&str, &[&str])] =
    &[("containers", &["kind", "amount", "count"]), ("interruptions", &["start", "stop"])];

struct Pair {
    name: String,
    key: Span,
    value: Span,
}

/// What a key was given: its value, or `None` for `null`, and where.
pub(super) type Entry<T> = (Option<T>, Span);

/// The pairs of a line, every key known and none twice.
pub(super) struct Keys<'a> {
    line: Line<'a>,
    pairs: Vec<Pair>,
}

impl<'a> Keys<'a> {
    pub fn of<'t>(
        line: Line<'a>,
        tokens: impl IntoIterator<Item = &'t Token>,
        known: &[&str],
    ) -> Result<Self, Problem> {
        let mut keys = Keys { line, pairs: Vec::new() };
        for token in tokens {
            let Some(equals) = token.equals else { return Err(not_a_pair(line, token)) };
            let key = token.span.start..equals;
            let name = name(line, &key, known)?;
            if keys.pairs.iter().any(|p| p.name == name) {
                return Err(line.problem(key, format!("`{name}` is given twice"), "leave one of the two out"));
            }
            keys.pairs.push(Pair { name, key, value: equals + 1..token.span.end });
        }
        Ok(keys)
    }

    fn read<T>(
        &self,
        pair: &Pair,
        read: impl FnOnce(Line<'a>, Value) -> Result<T, Problem>,
    ) -> Result<Entry<T>, Problem> {
        let value = self.line.value(pair.value.clone())?;
        let whole = pair.key.start..pair.value.end;
        if value.text.is_empty() && !value.quoted {
            let help = format!(
                "write the value right behind the `=`, or `{0}=null` for none, or `{0}=\"\"` for an empty text",
                pair.name
            );
            return Err(self.line.problem(whole, format!("`{}` has no value", pair.name), help));
        }
        let read = if value.text == "null" && !value.quoted { None } else { Some(read(self.line, value)?) };
        Ok((read, whole))
    }

    pub fn entry<T>(
        &self,
        name: &str,
        read: impl FnOnce(Line<'a>, Value) -> Result<T, Problem>,
    ) -> Result<Option<Entry<T>>, Problem> {
        self.pairs.iter().find(|p| p.name == name).map(|pair| self.read(pair, read)).transpose()
    }

    pub fn get<T>(
        &self,
        name: &str,
        read: impl FnOnce(Line<'a>, Value) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        Ok(self.entry(name, read)?.and_then(|(value, _)| value))
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        self.get(name, text)
    }

    pub fn texts<T: From<String>>(&self, name: &str) -> Result<Vec<T>, Problem> {
        let list = |line: Line<'a>, value: Value| line.list(value.span);
        Ok(self.get(name, list)?.unwrap_or_default().into_iter().map(|v| v.text.into()).collect())
    }

    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|p| p.name == name)
    }

    /// The switches of `policy.SWITCH=value`.
    pub fn policy(&self) -> Result<BTreeMap<String, SwitchValue>, Problem> {
        let mut policy = BTreeMap::new();
        for pair in &self.pairs {
            if let Some(name) = pair.name.strip_prefix("policy.")
                && let (Some(value), _) = self.read(pair, switch)?
            {
                policy.insert(name.to_owned(), value);
            }
        }
        Ok(policy)
    }

    pub fn order(&self) -> Result<Option<Order>, Problem> {
        self.get("order", |line, value| match value.text.as_str() {
            "false" if !value.quoted => Ok(Order::Flag(false)),
            "true" if !value.quoted => {
                let help = "write the order's id, or leave `order` out where it is not stated";
                Err(line.problem(value.span, "`order=true` names no order", help))
            }
            _ => Ok(Order::Id(value.text)),
        })
    }

    pub fn pump(&self) -> Result<Option<Pump>, Problem> {
        let empty = self.get("pump", |line, value| {
            if value.text == "{}" {
                return Ok(Pump::default());
            }
            let help = "write pump.kind=…, pump.event=… and pump.owner=…, or pump={} where none of them is known";
            Err(line.problem(value.span, "a pump has no single value", help))
        })?;
        let pump = Pump {
            kind: self.get("pump.kind", one_of)?,
            event: self.get("pump.event", one_of)?,
            owner: self.get("pump.owner", one_of)?,
        };
        Ok(if pump == Pump::default() { empty } else { Some(pump) })
    }

    /// Items of a numbered key in their order, each a reader of its fields.
    fn numbered(&self, root: &str) -> Result<Vec<String>, Problem> {
        let mut items: Vec<(usize, &Pair)> = Vec::new();
        for pair in &self.pairs {
            if let Some((item, _)) =
                pair.name.strip_prefix(root).and_then(|r| r.strip_prefix('.')).and_then(|r| r.split_once('.'))
            {
                items.push((item.parse().unwrap_or(usize::MAX), pair));
            }
        }
        items.sort_by_key(|(n, _)| *n);
        items.dedup_by_key(|(n, _)| *n);
        for (at, (n, pair)) in items.iter().enumerate() {
            if *n != at + 1 {
                let help = format!("number them from 1 without a gap: the next is {root}.{}", at + 1);
                return Err(self.line.problem(pair.key.clone(), format!("there is no `{root}.{}`", at + 1), help));
            }
        }
        if let Some((_, pair)) = items.first()
            && let Some(other) =
                self.pairs.iter().find(|p| p.name == root || (root == "containers" && is_vial(&p.name)))
        {
            let later = if other.key.start > pair.key.start { other } else { pair };
            let help = "use one way of writing them";
            return Err(self.line.problem(later.key.clone(), format!("`{root}` is given twice"), help));
        }
        Ok((1..=items.len()).map(|n| format!("{root}.{n}")).collect())
    }

    fn needed<T>(
        &self,
        item: &str,
        field: &str,
        read: impl FnOnce(Line<'a>, Value) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let name = format!("{item}.{field}");
        self.get(&name, read)?.ok_or_else(|| {
            let prefix = format!("{item}.");
            let near = self.pairs.iter().find(|p| p.name.starts_with(&prefix));
            let span = near.map_or(0..0, |p| p.key.clone());
            self.line.problem(span, format!("`{item}` has no {field}"), format!("add {name}=…"))
        })
    }

    pub fn containers(&self) -> Result<Option<Vec<Container>>, Problem> {
        let mut containers = Vec::new();
        for item in self.numbered("containers")? {
            containers.push(Container {
                kind: self.needed(&item, "kind", one_of)?,
                amount: self.needed(&item, "amount", amount)?,
                count: self.get(&format!("{item}.count"), opened)?.unwrap_or(NonZeroU32::MIN),
            });
        }
        let mut given = !containers.is_empty();
        for pair in self.pairs.iter().filter(|p| is_vial(&p.name)) {
            let kind = if pair.name == "vial" { ContainerKind::SingleDose } else { ContainerKind::MultiDose };
            let list = |line: Line<'a>, value: Value| line.list(value.span);
            for item in self.read(pair, list)?.0.unwrap_or_default() {
                let (count, label) = counted(item);
                containers.push(Container { kind, amount: amount(self.line, label)?, count });
                given = true;
            }
        }
        let empty = self.get("containers", |line, value| {
            if value.text == "[]" && containers.is_empty() {
                return Ok(());
            }
            let help = "write vial=30mg (single-dose), mdv=30mg (multi-dose), or containers=[] where none was opened";
            Err(line.problem(value.span, "containers are written one by one", help))
        })?;
        Ok(if given || empty.is_some() { Some(containers) } else { None })
    }

    /// The pauses as written, each with its place.
    pub fn pauses(&self) -> Result<Vec<(When, When, Span)>, Problem> {
        let mut pauses = Vec::new();
        for item in self.numbered("interruptions")? {
            let span = self
                .pairs
                .iter()
                .find(|p| p.name.starts_with(&format!("{item}.")))
                .map_or(0..0, |p| p.key.start..p.value.end);
            let side = |field: &str| self.needed(&item, field, when);
            pauses.push((side("start")?, side("stop")?, span));
        }
        let read = |line: Line<'a>, value: Value| line.list(value.span);
        for item in self.get("interruptions", read)?.unwrap_or_default() {
            match range(&item.text) {
                Seen::Is(Times::Range(Some(start), Some(stop))) => pauses.push((start, stop, item.span)),
                Seen::Bad { message, help } => return Err(self.line.problem(item.span, message, help)),
                _ => {
                    let help = "write its start and its stop: pause=10:30-10:40, several with commas between";
                    return Err(self.line.problem(item.span, format!("`{}` is not a pause", item.text), help));
                }
            }
        }
        Ok(pauses)
    }
}

fn is_vial(name: &str) -> bool {
    matches!(name, "vial" | "mdv")
}

/// `2x100mg` is two of `100mg`.
fn counted(item: Value) -> (NonZeroU32, Value) {
    if !item.quoted
        && let Some((count, label)) = item.text.split_once(['x', '×'])
        && let Ok(count) = count.parse()
    {
        let label = label.to_owned();
        return (count, Value { text: label, ..item });
    }
    (NonZeroU32::MIN, item)
}

fn not_a_pair(line: Line<'_>, token: &Token) -> Problem {
    let text = line.get(&token.span);
    line.problem(
        token.span.clone(),
        format!("`{text}` is not a key=value"),
        "here only key=value may stand; quote a text with \"",
    )
}

fn name(line: Line<'_>, key: &Span, known: &[&str]) -> Result<String, Problem> {
    // Capitals do not matter, as nowhere on a worksheet.
    let lower = line.get(key).to_ascii_lowercase();
    let plain = known.contains(&lower.as_str()) || ALIASES.iter().any(|(short, _)| *short == lower);
    let written = if plain { lower.as_str() } else { line.get(key) };
    let name = ALIASES.iter().find(|(short, _)| *short == written).map_or(written, |(_, name)| name);
    if let Some((_, how)) = LINES.iter().find(|(k, _)| *k == name).filter(|_| known == CASE) {
        return Err(line.problem(key.clone(), format!("`{name}` is not written in the header"), *how));
    }
    if known.contains(&"policy") && (name == "policy" || name.starts_with("policy.")) {
        if name.len() <= "policy.".len() {
            let help = "name the switch: policy.hydration_sum=per_interval";
            return Err(line.problem(key.clone(), "`policy` takes one switch at a time", help));
        }
        let switch = line.value(key.start + "policy.".len()..key.end)?;
        return Ok(format!("policy.{}", switch.text));
    }
    let numbered = || {
        let (root, rest) = name.split_once('.')?;
        let (item, field) = rest.split_once('.')?;
        let (_, fields) = NUMBERED.iter().find(|(r, _)| *r == root && known.contains(r))?;
        let counts =
            !item.starts_with('0') && item.len() < 6 && item.bytes().all(|b| b.is_ascii_digit()) && !item.is_empty();
        (counts && fields.contains(&field)).then_some(())
    };
    if known.contains(&name) || numbered().is_some() {
        return Ok(name.to_owned());
    }
    let short = ALIASES.iter().filter(|(_, name)| known.contains(name)).map(|(short, _)| *short);
    let root = name.split('.').next().unwrap_or("");
    let policy = |switch: &str| known == CASE && dripline::policy::Switch::from_name(switch).is_some();
    let help = match nearest(written, known.iter().copied().chain(short)) {
        _ if known == CASE && case_habit(written).is_some() => case_habit(written).unwrap_or("").to_owned(),
        _ if policy(written) => format!("write policy.{written}=…"),
        _ if is_case_key(root) && known != CASE => {
            format!("write `{written}` in the header, behind the setting and the date")
        }
        _ if ROW.contains(&root) && known != ROW => format!("write `{written}` on the line of an administration"),
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the keys here are {}", known.join(", ")),
    };
    Err(line.problem(key.clone(), format!("`{written}` is not a key of this line"), help))
}

/// A text, word for word.
pub(super) fn text(_: Line<'_>, value: Value) -> Result<String, Problem> {
    Ok(value.text)
}

/// A word of the contract, as the chart's types list it.
pub(super) fn one_of<T: Listed>(line: Line<'_>, value: Value) -> Result<T, Problem> {
    if let Some((_, found)) = T::ALL.iter().find(|(word, _)| word.eq_ignore_ascii_case(&value.text)) {
        return Ok(*found);
    }
    let words = T::ALL.iter().map(|(word, _)| *word);
    let help = match nearest(&value.text, words.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of {}", words.collect::<Vec<_>>().join(", ")),
    };
    Err(line.problem(value.span, format!("`{}` is not known here", value.text), help))
}

/// A type with a closed list of words.
pub(super) trait Listed: Copy + 'static {
    const ALL: &'static [(&'static str, Self)];
}

macro_rules! listed {
    ($($name:ident),+) => {
        $(impl Listed for dripline::chart::$name {
            const ALL: &'static [(&'static str, Self)] = dripline::chart::$name::ALL;
        })+
    };
}

listed!(
    Setting,
    Biller,
    Class,
    Purpose,
    Method,
    StopSource,
    Status,
    Supplier,
    AccessKind,
    PumpKind,
    PumpEvent,
    PumpOwner,
    ContainerKind,
    OffCampus
);

impl Listed for bool {
    const ALL: &'static [(&'static str, bool)] = &[("true", true), ("false", false), ("yes", true), ("no", false)];
}

/// A whole number, not negative.
pub(super) fn whole<T: FromStr>(line: Line<'_>, value: Value) -> Result<T, Problem> {
    let digits = !value.text.is_empty() && value.text.bytes().all(|b| b.is_ascii_digit());
    match value.text.parse() {
        Ok(n) if digits => Ok(n),
        _ if digits => {
            Err(line.problem(value.span, format!("`{}` is too large", value.text), "write a smaller whole number"))
        }
        _ => Err(line.problem(
            value.span,
            format!("`{}` is not a whole number", value.text),
            "write it in digits, without a unit",
        )),
    }
}

/// How many containers were opened.
fn opened(line: Line<'_>, value: Value) -> Result<NonZeroU32, Problem> {
    let span = value.span.clone();
    let help = "leave a container out that was not opened; containers=[] says that none was";
    NonZeroU32::new(whole(line, value)?).ok_or_else(|| line.problem(span, "a container is opened once or more", help))
}

/// A date.
pub(super) fn day(line: Line<'_>, value: Value) -> Result<Date, Problem> {
    match date(&value.text) {
        Seen::Is(date) => Ok(date),
        Seen::Bad { message, help } => Err(line.problem(value.span, message, help)),
        Seen::Not => {
            let help = "write it as 2026-01-05 or 1/5/26";
            Err(line.problem(value.span, format!("`{}` is not a date", value.text), help))
        }
    }
}

/// A moment.
pub(super) fn when(line: Line<'_>, value: Value) -> Result<When, Problem> {
    match moment(&value.text) {
        Seen::Is(when) => Ok(when),
        Seen::Bad { message, help } => Err(line.problem(value.span, message, help)),
        Seen::Not => {
            let help = "write it as 10:00, 1000, 10:05a or 2026-01-05T10:00";
            Err(line.problem(value.span, format!("`{}` is not a time", value.text), help))
        }
    }
}

/// An amount with its unit in the usual spelling; in quotes, word for word.
pub(super) fn amount(line: Line<'_>, value: Value) -> Result<String, Problem> {
    if value.quoted {
        return Ok(value.text);
    }
    if let Some(amount) = Amount::read(&value.text) {
        return Ok(amount.text());
    }
    let message = match number(&value.text) {
        Some(_) => format!("`{}` has no unit", value.text),
        None => format!("`{}` is not an amount with a unit", value.text),
    };
    Err(line.problem(
        value.span,
        message,
        "write a number and its unit, 30mg or \"30 mg\"; a text in quotes is taken word for word",
    ))
}

fn switch(line: Line<'_>, value: Value) -> Result<SwitchValue, Problem> {
    let raw = line.get(&value.span);
    let items = line.list(value.span.clone())?;
    if raw == "[]" || raw.ends_with(',') || items.len() > 1 {
        return Ok(SwitchValue::List(items.into_iter().map(|v| v.text).collect()));
    }
    match value.text.parse::<i64>() {
        Ok(n) if !value.quoted && n.to_string() == value.text => Ok(SwitchValue::Integer(n)),
        _ => Ok(SwitchValue::Word(value.text)),
    }
}
