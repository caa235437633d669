//! Named policies: dated files that inherit from one another.
//!
//! A policy file gives switches values by date, each with its source. A file that inherits takes its parent's value
//! wherever it has none of its own for a date. Files are checked as a whole when they are read, so that a policy that
//! can be named has exactly one value for every switch on every date from its first.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use dripline::chart::SwitchValue;
use dripline::policy::{BUILTIN, Kind, Part, Policy, Switch};
use jiff::civil::Date;

mod read;

pub use read::PolicyProblem;
use read::{Dated, PolicyFile};

/// Why a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// What is wrong.
    pub message: String,
    /// What would mend it.
    pub help: String,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ProfileError {}

/// The named policies that can be used.
#[derive(Clone, Debug)]
pub struct Profiles {
    profiles: Arc<BTreeMap<String, Profile>>,
}

/// A policy whose chain is complete, worked out for each stretch of dates between two changes.
#[derive(Clone, Debug)]
struct Profile {
    chain: Vec<Arc<PolicyFile>>,
    /// First day, policy and hash of each stretch, by date.
    stretches: Vec<(Date, Policy, String)>,
}

/// What a policy says on a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The files that it is made of, its own first.
    pub chain: Vec<String>,
    /// The date asked for.
    pub on: Date,
    /// Every switch, in the order of the switch table.
    pub switches: Vec<ShownSwitch>,
}

/// A switch's value on a date and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownSwitch {
    /// The switch.
    pub switch: Switch,
    /// Its value.
    pub value: SwitchValue,
    /// First date of the value in the file that gives it.
    pub since: Date,
    /// Last date, if the file ends it.
    pub until: Option<Date>,
    /// Who says so.
    pub source: String,
    /// The policy in the chain that gives it.
    pub file: String,
}

impl Default for Profiles {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Profiles {
    /// The policies that the project ships.
    ///
    /// # Panics
    /// Never in a released build: a test reads every file shipped.
    #[must_use]
    pub fn built_in() -> Self {
        static SHIPPED: OnceLock<Profiles> = OnceLock::new();
        SHIPPED
            .get_or_init(|| {
                let files = BUILTIN.iter().map(|(name, text)| {
                    let file = read::read(text).unwrap_or_else(|p| panic!("policy {name}: {p:?}"));
                    (file.name.clone(), Arc::new(file))
                });
                Profiles::of(&files.collect()).unwrap_or_else(|(name, p)| panic!("policy {name}: {p:?}"))
            })
            .clone()
    }

    fn of(files: &BTreeMap<String, Arc<PolicyFile>>) -> Result<Profiles, (String, Vec<PolicyProblem>)> {
        let mut profiles = BTreeMap::new();
        for name in files.keys() {
            profiles.insert(name.clone(), Profile::of(name, files).map_err(|p| (name.clone(), p))?);
        }
        Ok(Profiles { profiles: Arc::new(profiles) })
    }

    fn files(&self) -> BTreeMap<String, Arc<PolicyFile>> {
        self.profiles.iter().map(|(name, profile)| (name.clone(), profile.chain[0].clone())).collect()
    }

    /// Adds a user's policy file and gives its name. A second file of the same name replaces the first.
    ///
    /// # Errors
    /// Everything that is wrong with the file, in its order.
    pub fn with_file(&self, text: &str) -> Result<(Profiles, String), Vec<PolicyProblem>> {
        let file = read::read(text)?;
        let name = file.name.clone();
        if let Some((_, shipped)) = BUILTIN.iter().find(|(shipped, _)| *shipped == name) {
            if *shipped == text {
                return Ok((self.clone(), name));
            }
            return Err(vec![PolicyProblem {
                place: Some(file.name_place),
                message: format!("`{name}` is a policy that is shipped"),
                help: format!(
                    "give yours another name and let it inherit: name = \"my-{name}\", inherits = \"{name}\""
                ),
            }]);
        }
        let mut files = self.files();
        files.insert(name.clone(), Arc::new(file));
        // The file's own problems come before those that it makes for policies that inherit from it.
        Profile::of(&name, &files)?;
        let profiles = Profiles::of(&files).map_err(|(other, problems)| {
            problems
                .into_iter()
                .map(|p| PolicyProblem {
                    place: None,
                    message: format!("policy `{other}`: {}", p.message),
                    help: p.help,
                })
                .collect::<Vec<_>>()
        })?;
        Ok((profiles, name))
    }

    /// Everything that is wrong with a policy file, in its order; nothing if it can be used.
    #[must_use]
    pub fn check(&self, text: &str) -> Vec<PolicyProblem> {
        self.with_file(text).err().unwrap_or_default()
    }

    /// Name and title of every policy, by name.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.profiles.iter().map(|(name, profile)| (name.as_str(), profile.chain[0].title.as_str()))
    }

    fn profile(&self, name: &str) -> Result<&Profile, ProfileError> {
        self.profiles.get(name).ok_or_else(|| ProfileError {
            message: format!("there is no policy `{name}`"),
            help: {
                let names: Vec<_> = self.profiles.keys().map(String::as_str).collect();
                format!("{}the policies are {}", did_you_mean(name, names.iter().copied()), names.join(", "))
            },
        })
    }

    /// The policy of that name on a date.
    ///
    /// # Errors
    /// An unknown name, with the nearest one; a date before the policy's first.
    pub fn policy(&self, name: &str, on: Date) -> Result<Policy, ProfileError> {
        self.policy_ref(name, on).cloned()
    }

    /// The policy of that name on a date, lent.
    ///
    /// # Errors
    /// As [`Profiles::policy`].
    pub fn policy_ref(&self, name: &str, on: Date) -> Result<&Policy, ProfileError> {
        self.policy_with_hash(name, on).map(|(policy, _)| policy)
    }

    /// The policy of that name on a date, lent, with its hash.
    pub(crate) fn policy_with_hash(&self, name: &str, on: Date) -> Result<(&Policy, &str), ProfileError> {
        let stretches = &self.profile(name)?.stretches;
        let later = stretches.partition_point(|(first, ..)| *first <= on);
        match later.checked_sub(1) {
            Some(i) => Ok((&stretches[i].1, &stretches[i].2)),
            None => Err(ProfileError {
                message: format!("the policy `{name}` has no values on {on}"),
                help: match stretches.first() {
                    Some((first, ..)) => format!("its first date is {first}"),
                    None => "the file gives no values".to_owned(),
                },
            }),
        }
    }

    /// Every switch of a policy on a date, with the file in the chain that gives it.
    ///
    /// # Errors
    /// As [`Profiles::policy`].
    pub fn show(&self, name: &str, on: Date) -> Result<Shown, ProfileError> {
        self.policy_ref(name, on)?;
        let chain = &self.profile(name)?.chain;
        let switches = Switch::ALL.iter().filter_map(|switch| {
            let (file, dated) = value_on(chain, *switch, on)?;
            Some(ShownSwitch {
                switch: *switch,
                value: dated.value.clone(),
                since: dated.since,
                until: dated.until,
                source: dated.source.clone(),
                file: file.name.clone(),
            })
        });
        Ok(Shown {
            name: name.to_owned(),
            title: chain[0].title.clone(),
            chain: chain.iter().map(|file| file.name.clone()).collect(),
            on,
            switches: switches.collect(),
        })
    }
}

/// The value of a switch on a date: the nearest file of the chain that has one.
fn value_on(chain: &[Arc<PolicyFile>], switch: Switch, on: Date) -> Option<(&PolicyFile, &Dated)> {
    chain.iter().find_map(|file| {
        let dated = file.values.iter().find(|d| d.switch == switch && d.holds(on))?;
        Some((file.as_ref(), dated))
    })
}

impl Profile {
    fn of(name: &str, files: &BTreeMap<String, Arc<PolicyFile>>) -> Result<Profile, Vec<PolicyProblem>> {
        let chain = chain(name, files)?;
        let mut changes: Vec<Date> = chain
            .iter()
            .flat_map(|file| &file.values)
            .flat_map(|d| [Some(d.since), d.until.and_then(|u| u.tomorrow().ok())])
            .flatten()
            .collect();
        changes.sort_unstable();
        changes.dedup();
        let mut missing: BTreeMap<Switch, Vec<Date>> = BTreeMap::new();
        let mut stretches = Vec::with_capacity(changes.len());
        for first in changes {
            let mut policy = Policy::default();
            for switch in Switch::ALL {
                match value_on(&chain, *switch, first) {
                    // Values were tried when the file was read.
                    Some((_, dated)) => policy.set(*switch, &dated.value).map_err(|e| vec![read::unplaced(&e)])?,
                    None => missing.entry(*switch).or_default().push(first),
                }
            }
            let hash = hash(&policy);
            stretches.push((first, policy, hash));
        }
        if stretches.is_empty() {
            return Err(vec![PolicyProblem {
                place: None,
                message: format!("the policy `{name}` gives no switch a value"),
                help: "add values, or let it inherit, for example from `cpt`".to_owned(),
            }]);
        }
        if missing.is_empty() {
            return Ok(Profile { chain, stretches });
        }
        Err(missing
            .iter()
            .map(|(switch, dates)| PolicyProblem {
                place: None,
                message: format!("`{}` has no value from {} on", switch.name(), dates[0]),
                help: "give it one that holds from that date, or inherit from a policy that has one".to_owned(),
            })
            .collect())
    }
}

/// FNV-1a over every switch and its value, in order: equal for equal policies on every machine.
pub(crate) fn hash(policy: &Policy) -> String {
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    for s in Switch::ALL {
        for byte in format!("{}={}\n", s.name(), policy.get(*s)).bytes() {
            h = (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{h:016x}")
}

/// The files of a policy, its own first.
fn chain(name: &str, files: &BTreeMap<String, Arc<PolicyFile>>) -> Result<Vec<Arc<PolicyFile>>, Vec<PolicyProblem>> {
    let mut chain: Vec<Arc<PolicyFile>> = Vec::new();
    let mut next = name;
    loop {
        let file = &files[next];
        chain.push(file.clone());
        let Some((parent, place)) = &file.inherits else { return Ok(chain) };
        // Only the file asked about has a text to point into.
        let place = (chain.len() == 1).then_some(*place);
        let problem = if !files.contains_key(parent) {
            PolicyProblem {
                place,
                message: format!("`{}` inherits from `{parent}`, which is not known", file.name),
                help: format!(
                    "{}the policies are {}",
                    did_you_mean(parent, files.keys().map(String::as_str)),
                    files.keys().filter(|n| *n != name).cloned().collect::<Vec<_>>().join(", ")
                ),
            }
        } else if chain.iter().any(|seen| seen.name == *parent) {
            let round: Vec<_> = chain.iter().map(|seen| seen.name.as_str()).chain([parent.as_str()]).collect();
            PolicyProblem {
                place,
                message: format!("the inheritance runs in a circle: {}", round.join(" → ")),
                help: "one of them must inherit from nothing or from a policy outside the circle".to_owned(),
            }
        } else {
            next = parent;
            continue;
        };
        return Err(vec![problem]);
    }
}

/// The switch of a name as a case or the command line may give it.
///
/// # Errors
/// An unknown name, with the nearest one; a number of the code set, which only a dated policy file may state.
pub fn switch(name: &str) -> Result<Switch, ProfileError> {
    let open = || Switch::ALL.iter().copied().filter(|s| s.part() != Part::Number);
    match Switch::from_name(name) {
        Some(switch) if switch.part() == Part::Number => Err(ProfileError {
            message: format!("`{name}` is a number of the code set and cannot be set for a case"),
            help: "state it in a dated policy file, with its source, and name that policy as the profile".to_owned(),
        }),
        Some(switch) => Ok(switch),
        None => Err(ProfileError {
            message: format!("there is no switch `{name}`"),
            help: format!("{}`dripline policy show cpt` lists them all", did_you_mean(name, open().map(Switch::name))),
        }),
    }
}

/// Sets a switch of a policy as a case's own `policy` does.
///
/// # Errors
/// As [`switch`]; a value that the switch does not take.
pub fn set_switch(policy: &mut Policy, name: &str, value: &SwitchValue) -> Result<Switch, ProfileError> {
    let switch = switch(name)?;
    policy.set(switch, value).map_err(|e| ProfileError { message: e.message, help: takes(switch, value) })?;
    Ok(switch)
}

/// Reads a switch's value from text: integers as digits, lists with commas.
///
/// # Errors
/// As [`set_switch`].
pub fn parse_switch(name: &str, text: &str) -> Result<(Switch, SwitchValue), ProfileError> {
    let switch = switch(name)?;
    let text = text.trim();
    let value = match switch.kind() {
        Kind::Words(_) => SwitchValue::Word(text.to_owned()),
        Kind::Integer { .. } => text.parse().map_or_else(|_| SwitchValue::Word(text.to_owned()), SwitchValue::Integer),
        Kind::List => SwitchValue::List(
            text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        ),
    };
    set_switch(&mut Policy::default(), name, &value)?;
    Ok((switch, value))
}

/// How a refused value is mended.
fn takes(switch: Switch, value: &SwitchValue) -> String {
    let number = |word: &str| word.parse::<i64>().is_ok() && switch.kind() != Kind::List;
    if let SwitchValue::Word(word) = value
        && number(word)
    {
        return format!("write the number without quotes: {word}");
    }
    match switch.kind() {
        Kind::Words(words) => match nearest(&value.to_string(), words.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => "`dripline policy show cpt` lists every switch with the values that it takes".to_owned(),
        },
        Kind::Integer { allowed: [], min, max, .. } => format!("write a whole number from {min} to {max}"),
        Kind::Integer { allowed, .. } => {
            format!("write {}", allowed.iter().map(i64::to_string).collect::<Vec<_>>().join(" or "))
        }
        Kind::List => "write a list of words".to_owned(),
    }
}

fn did_you_mean<'a>(word: &str, among: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, among).map_or_else(String::new, |near| format!("did you mean `{near}`? "))
}

/// The nearest word, if it is near enough to have been meant.
fn nearest<'a>(word: &str, among: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = |text: &str| text.chars().take(60).flat_map(char::to_lowercase).collect::<Vec<_>>();
    let word = lower(word);
    among
        .into_iter()
        .map(|other| (distance(&word, &lower(other)), other))
        .filter(|(far, other)| *far <= 1 + word.len().min(other.len()) / 3)
        .min_by_key(|(far, _)| *far)
        .map(|(_, other)| other)
}

/// Letters to insert, drop or change to make one word of the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = changed.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
