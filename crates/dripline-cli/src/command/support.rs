//! `dripline support`

use dripline::coding::ChartDate;
use dripline::time::strict_date;
use dripline_formats::support::{self, Sheet, SignOff};
use dripline_formats::text;

use crate::args::{Print, Support};
use crate::cases;
use crate::out::{Ends, Out, complain_of, wrong};

pub fn run(args: &Support, out: &mut Out) -> Ends {
    let (coder, options) = cases::coder(&args.rules)?;
    let signed = sign_off(args)?;
    let today = support::latest_today(jiff::Timestamp::now());
    let print = if args.appeal { support::Print::Appeal } else { support::Print::Office };
    let (mut bad, mut found) = (false, 0);
    let mut page = String::new();
    cases::every(std::slice::from_ref(&args.file), |case| {
        let asked = |id: &str| args.case.as_deref().is_none_or(|wanted| wanted == id);
        let coded = match &case {
            Err(error) if error.case.as_deref().is_none_or(asked) => Err(error.clone()),
            Ok((case, blame)) if asked(&case.id()) => {
                coder.code(&case.chart, case.position, &case.assumptions, &options).map_err(|e| blame(&e))
            }
            _ => return Ok(()),
        };
        match (coded, case) {
            (Ok(coding), Ok((case, _))) => {
                if let Some(wrong_date) = signed.as_ref().and_then(|s| s.untimely(&coding, today)) {
                    let case = format!("--signed-on, case {}: {wrong_date}", coding.case);
                    return Err(wrong(&case, "write the date on which a person checked the sheet"));
                }
                let sheet = Sheet { coding: &coding, chart: &case.chart, print, signed: signed.as_ref() };
                found += 1;
                match args.format {
                    Print::Html if found > 1 => {
                        return Err(wrong(
                            &format!("{}: a page holds one claim, and this is a second case", args.file),
                            "name the case with --case",
                        ));
                    }
                    Print::Html => page = support::document(&sheet),
                    Print::Text => {
                        if found > 1 {
                            out.write(&text::between(out.style))?;
                        }
                        out.write(&support::text(&sheet, out.style))?;
                    }
                }
            }
            (Err(error), _) => {
                bad = true;
                out.flush()?;
                complain_of(&error);
            }
            (Ok(_), Err(_)) => {}
        }
        Ok(())
    })?;
    out.write(&page)?;
    if let (Some(wanted), 0, false) = (&args.case, found, bad) {
        return Err(wrong(&format!("{}: there is no case `{wanted}`", args.file), "leave --case out to see all"));
    }
    Ok(if bad { 2 } else { 0 })
}

fn sign_off(args: &Support) -> Result<Option<SignOff>, crate::out::Stop> {
    let (Some(by), Some(on)) = (&args.signed_by, &args.signed_on) else { return Ok(None) };
    if by.trim().is_empty() {
        return Err(wrong("--signed-by: nobody is named", "write the name of the person who checked the sheet"));
    }
    let on = strict_date(on)
        .map(ChartDate)
        .ok_or_else(|| wrong(&format!("--signed-on {on}: not a date"), "write it as 2026-01-05"))?;
    Ok(Some(SignOff { by: by.trim().to_owned(), on }))
}
