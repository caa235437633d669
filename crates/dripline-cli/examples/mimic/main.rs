//! Real infusion records as cases: reads `INPUTEVENTS_MV` where the user has it, codes every day of every admission
//! as if it were outpatient, and counts.
//!
//! ```text
//! cargo run --release --example mimic -- FOLDER [--hcpcs FILE] [--cases OUT] [--jsonl OUT]
//! ```

mod records;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use dripline_reference::Options;

const USAGE: &str = "usage: mimic FOLDER [--hcpcs FILE] [--cases OUT] [--jsonl OUT]
  FOLDER        where INPUTEVENTS_MV and D_ITEMS stand, as .csv or .csv.gz
  --hcpcs FILE  a table of codes with the columns itemid and hcpcs
  --cases OUT   writes the cases, as JSON Lines
  --jsonl OUT   writes the codings, as JSON Lines";

#[derive(Default)]
struct Args {
    folder: Option<PathBuf>,
    hcpcs: Option<PathBuf>,
    cases: Option<PathBuf>,
    jsonl: Option<PathBuf>,
}

fn args() -> Result<Args, String> {
    let mut args = Args::default();
    let mut words = std::env::args_os().skip(1);
    while let Some(word) = words.next() {
        let mut file = || words.next().map(PathBuf::from).ok_or(format!("{}: no file named", word.display()));
        match word.to_str() {
            Some("--hcpcs") => args.hcpcs = Some(file()?),
            Some("--cases") => args.cases = Some(file()?),
            Some("--jsonl") => args.jsonl = Some(file()?),
            Some(w) if w.starts_with('-') => return Err(format!("{w}: there is no such option")),
            _ if args.folder.is_none() => args.folder = Some(word.into()),
            _ => return Err("name one folder".to_owned()),
        }
    }
    Ok(args)
}

fn main() -> ExitCode {
    let done = args().and_then(|args| match &args.folder {
        Some(folder) => go(folder, &args),
        None => Err("no folder named".to_owned()),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(wrong) => {
            eprintln!("error: {wrong}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Whether nothing was lost and a second run gave the same bytes.
fn go(folder: &Path, args: &Args) -> Result<bool, String> {
    let options = Options::default();
    let run = || records::run(folder, args.hcpcs.as_deref(), &options, 1);
    let begun = Instant::now();
    let first = run()?;
    let took = begun.elapsed();
    let second = run()?;
    let same = (&first.cases, &first.codings, &first.counts) == (&second.cases, &second.codings, &second.counts);
    let write = |file: &Option<PathBuf>, text: &str| match file {
        Some(file) => std::fs::write(file, text).map_err(|e| format!("{}: {e}", file.display())),
        None => Ok(()),
    };
    write(&args.cases, &first.cases)?;
    write(&args.jsonl, &first.codings)?;
    let lost = &first.counts.lost;
    print!("{}", first.counts);
    println!("\nChecks");
    println!("  every administration in a line, or once unreported: {}", if lost.is_empty() { "yes" } else { "NO" });
    for l in lost {
        println!("    {l}");
    }
    println!("  a second run gives the same bytes: {}", if same { "yes" } else { "NO" });
    println!("\n{}", dripline::NOTICE);
    eprintln!(
        "read, mapped and coded in {} ms; the slowest case, {}, took {} ms",
        took.as_millis(),
        first.slowest.0,
        first.slowest.1
    );
    Ok(lost.is_empty() && same)
}
