//! `dripline convert`

use dripline_formats::{json, worksheet};

use crate::args::{Convert, Target};
use crate::cases;
use crate::out::{Ends, List, Out, complain_of};

pub fn run(args: &Convert, out: &mut Out) -> Ends {
    let mut list = List::default();
    let (mut bad, mut written) = (false, false);
    cases::every(&args.files, |case| {
        match case {
            Ok((case, _)) => match args.to {
                Target::Json => list.push(out, &case.chart)?,
                Target::Jsonl => out.line(&json::line(&case.chart))?,
                Target::Worksheet => {
                    let text = worksheet::write(&case.chart);
                    out.write(&format!("{}{}\n", if written { "\n" } else { "" }, text.trim_end()))?;
                    written = true;
                }
            },
            Err(error) => {
                bad = true;
                list.skip();
                out.flush()?;
                complain_of(&error);
            }
        }
        Ok(())
    })?;
    list.finish(out)?;
    Ok(if bad { 2 } else { 0 })
}
