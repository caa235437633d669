//! `dripline compare`

use dripline_formats::compare::{Comparison, With};
use dripline_formats::error::ReadError;
use dripline_formats::input::Case;
use dripline_formats::text;
use dripline_reference::{ChartError, Coder, Options};

use crate::args::{Compare, Short};
use crate::cases;
use crate::out::{Ends, List, Out, complain_of, wrong};

pub fn run(args: &Compare, out: &mut Out) -> Ends {
    let (mut coder, mut options) = cases::coder(&args.rules)?;
    options.alternatives = false;
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
            Ok((case, blame)) if asked(&case.id()) => compare(&coder, &options, &with, case, blame).map(|c| (c, *case)),
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

fn compare(
    coder: &Coder,
    options: &Options,
    with: &With,
    case: &Case,
    blame: &dyn Fn(&ChartError) -> ReadError,
) -> Result<Comparison, ReadError> {
    let left = coder.code(&case.chart, case.position, &case.assumptions, options).map_err(|e| blame(&e))?;
    let other = |e: ChartError| {
        let mut error = blame(&e);
        error.message = format!("with {with}: {}", error.message);
        error
    };
    match with {
        With::Billed if case.chart.billed.is_empty() => Err(blame(&ChartError {
            path: "billed".to_owned(),
            message: "the case does not say what was billed".to_owned(),
            help: "add \"billed\": [{\"code\": …, \"units\": …}]".to_owned(),
        })),
        With::Billed => Ok(Comparison::with_billed(&left, &case.chart)),
        With::Profile(name) => {
            let options = Options { profile: Some(name.clone()), ..options.clone() };
            let right = coder.code(&case.chart, case.position, &case.assumptions, &options).map_err(other)?;
            Ok(Comparison::of(with, &left, &right))
        }
        With::Setting(_) | With::AsOf(_) => {
            let right =
                coder.code(&with.chart(&case.chart), case.position, &case.assumptions, options).map_err(other)?;
            Ok(Comparison::of(with, &left, &right))
        }
    }
}
