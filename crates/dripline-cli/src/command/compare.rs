//! `dripline compare`

use dripline_formats::compare::{With, compare};
use dripline_formats::text;

use crate::args::{Compare, Short};
use crate::cases;
use crate::out::{Ends, List, Out, complain_of, wrong};

pub fn run(args: &Compare, out: &mut Out) -> Ends {
    let (mut coder, options) = cases::coder(&args.rules)?;
    let mut with: With = args
        .with
        .parse()
        .map_err(|e: dripline_formats::compare::WithError| wrong(&format!("--with: {}", e.message), &e.help))?;
    if let With::Profile(named) = &with {
        with = With::Profile(cases::policy(&mut coder, named)?);
    }
    let mut list = List::default();
    let (mut bad, mut found) = (false, 0);
    cases::every(std::slice::from_ref(&args.file), |case| {
        let asked = |id: &str| args.case.as_deref().is_none_or(|wanted| wanted == id);
        let compared = match &case {
            Err(error) if error.case.as_deref().is_none_or(asked) => Err(error.clone()),
            Ok((case, blame)) if asked(&case.id()) => {
                compare(&coder, &options, &with, case).map(|c| (c, *case)).map_err(|e| blame(&e))
            }
            _ => return Ok(()),
        };
        match compared {
            Ok((comparison, case)) => {
                match args.format {
                    Short::Json => list.push(out, &comparison)?,
                    Short::Text => {
                        if found > 0 {
                            out.write(&text::between(out.style))?;
                        }
                        out.write(&text::comparison(&comparison, &case.chart, out.style))?;
                    }
                }
                found += 1;
            }
            Err(error) => {
                bad = true;
                list.skip();
                out.flush()?;
                complain_of(&error);
            }
        }
        Ok(())
    })?;
    if let (Some(wanted), 0, false) = (&args.case, found, bad) {
        return Err(wrong(&format!("{}: there is no case `{wanted}`", args.file), "leave --case out to compare all"));
    }
    match args.format {
        Short::Json => list.finish(out)?,
        Short::Text if found > 0 => out.write(&format!("\n{}", text::notice(out.style)))?,
        Short::Text => {}
    }
    Ok(if bad { 2 } else { 0 })
}
