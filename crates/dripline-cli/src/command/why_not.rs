//! `dripline why-not`

use dripline_formats::text;

use crate::args::{Short, WhyNot};
use crate::cases;
use crate::out::{Ends, List, Out, complain_of, wrong};

pub fn run(args: &WhyNot, out: &mut Out) -> Ends {
    let (coder, options) = cases::coder(&args.rules)?;
    let mut list = List::default();
    let (mut bad, mut found) = (false, 0);
    cases::every(std::slice::from_ref(&args.file), |case| {
        let asked = |id: &str| args.case.as_deref().is_none_or(|wanted| wanted == id);
        let answer = match &case {
            Err(error) if error.case.as_deref().is_none_or(asked) => Err(error.clone()),
            Ok((case, blame)) if asked(&case.id()) => coder
                .why_not(&case.chart, case.position, &args.code, &options)
                .map_err(|e| match e.path.as_str() {
                    "code" => Err(wrong(&e.message, &e.help)),
                    _ => Ok(blame(&e)),
                })
                .map_or_else(|e| e.map(Err), |answer| Ok(Ok(answer)))?,
            _ => return Ok(()),
        };
        match (answer, case) {
            (Ok(answer), Ok((case, _))) => {
                match args.format {
                    Short::Json => list.push(out, &answer)?,
                    Short::Text => {
                        if found > 0 {
                            out.write("\n")?;
                        }
                        out.write(&text::why_not(&answer, &case.chart, out.style))?;
                    }
                }
                found += 1;
            }
            (Err(error), _) => {
                bad = true;
                list.skip();
                out.flush()?;
                complain_of(&error);
            }
            (Ok(_), Err(_)) => {}
        }
        Ok(())
    })?;
    if let (Some(wanted), 0, false) = (&args.case, found, bad) {
        return Err(wrong(&format!("{}: there is no case `{wanted}`", args.file), "leave --case out to ask of all"));
    }
    match args.format {
        Short::Json => list.finish(out)?,
        Short::Text if found > 0 => out.write(&format!("\n{}", text::notice(out.style)))?,
        Short::Text => {}
    }
    Ok(if bad { 2 } else { 0 })
}
