//! `dripline policy`

use dripline::policy::NEWEST_RULE_SET;
use dripline_formats::text;
use dripline_reference::Coder;

use crate::args::Policy;
use crate::cases::{policy, policy_file, policy_problems};
use crate::out::{Ends, Out, Stop, wrong};

pub fn run(args: &Policy, out: &mut Out) -> Ends {
    let mut coder = Coder::default();
    match args {
        Policy::Check { policy: named } => {
            let name = match policy_file(named)? {
                None => policy(&mut coder, named)?,
                Some(text) => {
                    let problems = coder.profiles.check(&text);
                    if !problems.is_empty() {
                        return Err(Stop::Wrong(policy_problems(named, &problems)));
                    }
                    named.clone()
                }
            };
            out.line(&format!("{name}: nothing is wrong"))?;
        }
        Policy::Show { policy: None, .. } => {
            for (name, title) in coder.profiles.names() {
                out.line(&format!("{name:<26}  {title}"))?;
            }
        }
        Policy::Show { policy: Some(named), as_of } => {
            let on = match as_of {
                None => NEWEST_RULE_SET,
                Some(text) => dripline::time::strict_date(text)
                    .ok_or_else(|| wrong(&format!("--as-of {text}: not a date"), "write it as 2026-01-05"))?,
            };
            let name = policy(&mut coder, named)?;
            let shown = coder.profiles.show(&name, on).map_err(|e| wrong(&e.message, &e.help))?;
            out.write(&text::policy(&shown, out.style))?;
        }
    }
    Ok(0)
}
