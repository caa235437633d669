//! The cases of the files named on the command line, and the coder that the options make.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use dripline_formats::error::ReadError;
use dripline_formats::input::{Case, Cases};
use dripline_reference::{ChartError, Coder, Options, profile};

use crate::args::Rules;
use crate::command::reference;
use crate::out::{Stop, wrong};

/// Calls `each` for every case of the files, good or bad. Errors of files stand in the place of their cases.
pub fn every(
    files: &[String],
    mut each: impl FnMut(Result<(&Case, &dyn Fn(&ChartError) -> ReadError), ReadError>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut before = 0;
    for file in files {
        let (name, input) = match open(file) {
            Ok(opened) => opened,
            Err(error) => {
                each(Err(error))?;
                continue;
            }
        };
        let mut cases = Cases::new(&name, input, before);
        while let Some(case) = cases.next() {
            match case {
                Ok(case) => {
                    let blame = |e: &ChartError| cases.error_at(&case, &e.path, &e.message, &e.help);
                    each(Ok((&case, &blame)))?;
                }
                Err(error) => each(Err(error))?,
            }
        }
        before = cases.position();
    }
    Ok(())
}

fn open(file: &str) -> Result<(String, Box<dyn BufRead>), ReadError> {
    if file == "-" {
        return Ok(("-".to_owned(), Box::new(io::stdin().lock())));
    }
    let fail = |message: String, help: &str| ReadError {
        case: None,
        file: file.to_owned(),
        place: None,
        path: String::new(),
        message,
        help: help.to_owned(),
        excerpt: None,
    };
    if Path::new(file).is_dir() {
        return Err(fail("this is a folder".to_owned(), "name the files in it"));
    }
    match File::open(file) {
        Ok(opened) => Ok((file.to_owned(), Box::new(BufReader::with_capacity(1 << 16, opened)))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Err(fail("there is no such file".to_owned(), "check the name; - reads standard input"))
        }
        Err(e) => Err(fail(format!("it cannot be opened: {e}"), "")),
    }
}

/// The coder and the options that the command line asks for.
pub fn coder(rules: &Rules) -> Result<(Coder, Options), Stop> {
    let store = reference::open(rules.reference.as_deref())?;
    let mut coder = Coder { store: store.map(Arc::new), ..Coder::default() };
    let mut options = Options::default();
    if let Some(named) = &rules.profile {
        options.profile = Some(policy(&mut coder, named)?);
    }
    for text in &rules.set {
        let Some((name, value)) = text.split_once('=') else {
            return Err(wrong(&format!("--set {text}: no value"), "write --set switch=value"));
        };
        let (_, value) = profile::parse_switch(name.trim(), value)
            .map_err(|e| wrong(&format!("--set {text}: {}", e.message), &e.help))?;
        options.set.push((name.trim().to_owned(), value));
    }
    Ok((coder, options))
}

/// The name of a policy that is named, or read from a file and added.
pub fn policy(coder: &mut Coder, named: &str) -> Result<String, Stop> {
    let Some(text) = policy_file(named)? else {
        let known: Vec<&str> = coder.profiles.names().map(|(name, _)| name).collect();
        if known.contains(&named) {
            return Ok(named.to_owned());
        }
        let help = match dripline_formats::near::nearest(named, known.iter().copied()) {
            Some(near) => format!("did you mean {near}? The policies are {}", known.join(", ")),
            None => format!("the policies are {}; a file is named with its ending, .toml", known.join(", ")),
        };
        return Err(wrong(&format!("there is no policy `{named}`"), &help));
    };
    match coder.profiles.with_file(&text) {
        Ok((profiles, name)) => {
            coder.profiles = profiles;
            Ok(name)
        }
        Err(problems) => Err(Stop::Wrong(policy_problems(named, &problems))),
    }
}

/// The text of a policy file; nothing if a name and not a file is meant.
pub fn policy_file(named: &str) -> Result<Option<String>, Stop> {
    if !named.ends_with(".toml") && !named.contains(['/', '\\']) {
        return Ok(None);
    }
    std::fs::read_to_string(named).map(Some).map_err(|e| wrong(&format!("{named}: it cannot be read: {e}"), ""))
}

/// The problems of a policy file, each with its place.
pub fn policy_problems(file: &str, problems: &[profile::PolicyProblem]) -> String {
    let one = |p: &profile::PolicyProblem| {
        let place = p.place.map_or(String::new(), |(line, column)| format!(":{line}:{column}"));
        let help = if p.help.is_empty() { String::new() } else { format!("\n  = help: {}", p.help) };
        format!("{file}{place}: {}{help}", p.message)
    };
    problems.iter().map(one).collect::<Vec<_>>().join("\n")
}
