//! `dripline code`

use dripline_formats::error::ReadError;
use dripline_formats::{csv, json, text};

use crate::args::{Code, Format};
use crate::cases;
use crate::out::{Ends, List, Out, complain_of};

pub fn run(args: &Code, out: &mut Out) -> Ends {
    let (coder, mut options) = cases::coder(&args.rules)?;
    options.alternatives = !args.no_alternatives;
    options.drug_lines = !args.no_drug_lines;
    let mut list = List::default();
    let mut written = 0;
    let mut bad = false;
    if args.format == Format::Csv {
        out.write(csv::HEADER)?;
    }
    let mut fail = |out: &mut Out, list: &mut List, error: &ReadError| {
        bad = true;
        match args.format {
            Format::Jsonl => out.line(&json::line(error)),
            _ => {
                list.skip();
                // What was coded before it is seen before it.
                out.flush()?;
                complain_of(error);
                Ok(())
            }
        }
    };
    cases::every(&args.files, |case| {
        let (case, blame) = match case {
            Ok(case) => case,
            Err(error) => return Ok(fail(out, &mut list, &error)?),
        };
        let coding = match coder.code(&case.chart, case.position, &case.assumptions, &options) {
            Ok(coding) => coding,
            Err(error) => return Ok(fail(out, &mut list, &blame(&error))?),
        };
        match args.format {
            Format::Text => {
                if written > 0 {
                    out.write(&text::between(out.style))?;
                }
                out.write(&text::coding(&coding, Some(&case.chart), out.style))?;
                written += 1;
            }
            Format::Json => list.push(out, &coding)?,
            Format::Jsonl => out.line(&json::line(&coding))?,
            Format::Csv => out.write(&csv::rows(&coding))?,
        }
        Ok(())
    })?;
    match args.format {
        Format::Json => list.finish(out)?,
        Format::Text if written > 0 => out.write(&format!("\n{}", text::notice(out.style)))?,
        _ => {}
    }
    Ok(if bad { 2 } else { 0 })
}
