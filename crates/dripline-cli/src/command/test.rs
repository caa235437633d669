//! `dripline test`

use std::fs;
use std::path::{Path, PathBuf};

use dripline_formats::cases::{answer, complete, rows, run as run_cases};
use dripline_reference::{Coder, Options};

use crate::args::Test;
use crate::out::{Ends, Out, Stop, wrong};

pub fn run(args: &Test, out: &mut Out) -> Ends {
    let (coder, options) = (Coder::default(), Options::default());
    let mut files = Vec::new();
    for path in &args.paths {
        find(path, &mut files, true)?;
    }
    let (mut held, mut all, mut readable) = (0, 0, true);
    for file in &files {
        let name = file.to_string_lossy();
        let text = fs::read_to_string(file).map_err(|e| wrong(&format!("{name}: it cannot be read: {e}"), ""))?;
        if file.extension().is_some_and(|e| e == "jsonl") {
            let report = rows::run(&name, &text, &coder, &options);
            held += report.outcomes.iter().filter(|o| o.differences.is_empty()).count();
            all += report.outcomes.len();
            readable &= report.is_readable();
            out.write(&report.to_string())?;
            continue;
        }
        if args.complete {
            let completed = complete(&name, &text, |case, position| answer(case, position, &coder, &options));
            if completed != text {
                fs::write(file, &completed).map_err(|e| wrong(&format!("{name}: it cannot be written: {e}"), ""))?;
                out.line(&format!("{name}: answers written"))?;
            }
            continue;
        }
        let report = run_cases(&name, &text, &coder, &options);
        held += report.passed();
        all += report.outcomes.len();
        readable &= report.is_readable();
        out.write(&report.to_string())?;
    }
    if args.complete && all == 0 {
        return Ok(0);
    }
    if all == 0 {
        return Err(wrong(
            "no case was found",
            "cases stand in .case files, in fences tagged `case` of .md files, and in .jsonl rows",
        ));
    }
    out.line(&format!("{held} of {all} cases hold"))?;
    Ok(if readable { u8::from(held < all) } else { 2 })
}

/// The files with cases, in the order of their names.
fn find(path: &Path, files: &mut Vec<PathBuf>, named: bool) -> Result<(), Stop> {
    let fail = |e: std::io::Error| wrong(&format!("{}: it cannot be read: {e}", path.display()), "");
    if !fs::metadata(path).map_err(fail)?.is_dir() {
        let known = path.extension().is_some_and(|e| ["md", "case", "jsonl"].iter().any(|k| e == *k));
        if named || known {
            files.push(path.to_owned());
        }
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        entries.push(entry.map_err(fail)?.path());
    }
    entries.sort();
    for entry in entries {
        let hidden = entry.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if !hidden && !entry.is_symlink() {
            find(&entry, files, false)?;
        }
    }
    Ok(())
}
