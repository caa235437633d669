//! `dripline rule`

use dripline::rule::RuleId;
use dripline_formats::{near, text};

use crate::args::Rule;
use crate::out::{Ends, Out, wrong};

pub fn run(args: &Rule, out: &mut Out) -> Ends {
    let shown = match &args.id {
        None => text::rule_list(out.style),
        Some(id) => {
            let rule = RuleId::from_name(id).ok_or_else(|| {
                let near = near::near(id, RuleId::ALL.iter().map(|r| r.as_str()), 5);
                let help = match near.is_empty() {
                    true => "`dripline rule` lists them all".to_owned(),
                    false => format!("near it: {}", near.join(", ")),
                };
                wrong(&format!("there is no rule `{id}`"), &help)
            })?;
            text::rule_page(rule.page(), out.style)
        }
    };
    out.write(&format!("{shown}\n{}", text::notice(out.style)))?;
    Ok(0)
}
