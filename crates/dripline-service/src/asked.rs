//! What the query of an address asks for.

use axum::extract::Query;
use axum::http::Uri;
use dripline_formats::compare::With;
use dripline_formats::near::nearest;
use dripline_reference::{Coder, Options, profile};

use crate::problem::{Kind, Problem};

/// Parameters that every coding takes.
pub(crate) const OPTIONS: &[&str] = &["profile", "set", "alternatives", "drug_lines"];

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub options: Options,
    pub code: Option<String>,
    pub with: Option<With>,
}

impl Asked {
    /// What the query of an address asks for; it may hold `known` parameters.
    pub fn of(uri: &Uri, known: &[&str], coder: &Coder) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| {
            Problem::new(Kind::Parameter, "the query cannot be read", "write it as name=value&name=value")
        })?;
        let mut asked = Asked::default();
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &pairs {
            if !known.contains(&name.as_str()) {
                let help = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if known.is_empty() => "this route takes no parameter".to_owned(),
                    None => format!("known here: {}", known.join(", ")),
                };
                return Err(Problem::parameter(
                    name,
                    format!("`{}` is not a parameter of this route", cut(name)),
                    help,
                ));
            }
            if name != "set" && seen.contains(&name.as_str()) {
                return Err(Problem::parameter(name, format!("`{name}` is given twice"), "keep one of the two"));
            }
            seen.push(name);
            asked.take(name, value, coder)?;
        }
        Ok(asked)
    }

    /// Takes one parameter.
    pub fn take(&mut self, name: &str, value: &str, coder: &Coder) -> Result<(), Problem> {
        match name {
            "profile" => self.options.profile = Some(named(name, value, coder)?),
            "set" => {
                let Some((switch, value)) = value.split_once('=') else {
                    return Err(Problem::parameter(name, "a switch without a value", "write set=switch=value"));
                };
                let (_, value) = profile::parse_switch(switch.trim(), value)
                    .map_err(|e| Problem::parameter(name, e.message, e.help))?;
                self.options.set.push((switch.trim().to_owned(), value));
            }
            "alternatives" => self.options.alternatives = yes_or_no(name, value)?,
            "drug_lines" => self.options.drug_lines = yes_or_no(name, value)?,
            "code" => self.code = Some(value.to_owned()),
            "with" => {
                let with: With = value
                    .parse()
                    .map_err(|e: dripline_formats::compare::WithError| Problem::parameter(name, e.message, e.help))?;
                if let With::Profile(profile) = &with {
                    named(name, profile, coder)?;
                }
                self.with = Some(with);
            }
            _ => return Err(Problem::parameter(name, "this parameter is not known", "")),
        }
        Ok(())
    }

    /// The code asked about.
    pub fn code(&mut self) -> Result<String, Problem> {
        self.code.take().ok_or_else(|| {
            Problem::parameter("code", "the code in question is not named", "add code=96376 to the query")
        })
    }

    /// What to compare with.
    pub fn with(&mut self) -> Result<With, Problem> {
        self.with.take().ok_or_else(|| {
            Problem::parameter(
                "with",
                "what to compare with is not named",
                "add with=profile=NAME, with=setting=facility, with=as_of=2026-01-05 or with=billed",
            )
        })
    }
}

/// The name of a policy that there is.
fn named(parameter: &str, name: &str, coder: &Coder) -> Result<String, Problem> {
    if coder.profiles.names().any(|(known, _)| known == name) {
        return Ok(name.to_owned());
    }
    let known: Vec<&str> = coder.profiles.names().map(|(name, _)| name).collect();
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}? The policies are {}", known.join(", ")),
        None => format!("the policies are {}", known.join(", ")),
    };
    Err(Problem::parameter(parameter, format!("there is no policy `{}`", cut(name)), help))
}

fn yes_or_no(name: &str, value: &str) -> Result<bool, Problem> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Problem::parameter(name, format!("`{name}` is true or false"), format!("write {name}=false"))),
    }
}

/// A value from outside, as far as a message repeats it.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
