//! Procedure-to-procedure edits: of two codes on one date the second is not paid.

use dripline::ToSmolStr as _;
use dripline::coding::{Edit, EditKind};
use dripline::policy::PtpModifier;
use dripline::rule::RuleId as R;
use jiff::civil::Date;

use super::{Addition, Ctx, Findings, From, Item, Missing, edit, fact, table};
use crate::tables::{Indicator, Kind};

pub(super) fn check<'c>(
    ctx: &Ctx<'c>,
    date: Date,
    items: &[Item<'c>],
    found: &mut Findings,
    missing: &mut Missing<'c>,
) {
    if !ctx.on(R::PairEdits) || items.len() < 2 {
        return;
    }
    let tables = &ctx.claim.resolved.tables;
    let (kind, quarter) = (Kind::Ptp(ctx.biller), tables.quarter(date));
    let Some(pairs) = tables.ptp(ctx.biller, date) else {
        // Drugs are hardly ever in a pair: they alone are no reason to speak of the table.
        let services = || items.iter().filter(|i| !matches!(i.from, From::Drug(_)));
        if services().any(|i| services().any(|j| i.code != j.code)) {
            missing.add(kind, R::PairEdits, quarter, services().map(|i| i.text));
        }
        return;
    };
    found.used.insert((kind, quarter));
    // Each code once, with its lines that no modifier opens.
    let mut codes: Vec<(Item<'c>, Vec<Item<'c>>)> = Vec::with_capacity(items.len());
    for item in items {
        match codes.iter_mut().find(|c| c.0.code == item.code) {
            Some(c) => c.1.push(*item),
            None => codes.push((*item, vec![*item])),
        }
    }
    let closed = |list: &[Item<'c>]| list.iter().find(|i| !i.open).copied();
    // Each code's pairs are looked up once and not for every other code.
    let pairs: Vec<_> = codes.iter().map(|c| pairs.of_column1(c.0.code)).collect();
    for (second, seconds) in &codes {
        let mut supported = Vec::new();
        let mut unsupported = false;
        for ((first, firsts), pairs) in codes.iter().zip(&pairs) {
            if first.code == second.code {
                continue;
            }
            let Some(pair) = pairs.and_then(|p| p.find(second.code, date)) else { continue };
            let never = pair.indicator == Indicator::Never;
            let (a, b) = if never {
                (firsts[0], seconds[0])
            } else {
                // A visit without its modifier is told by the rules of visits.
                match (closed(firsts), closed(seconds)) {
                    (Some(a), Some(b)) if !a.visit && !b.visit => (a, b),
                    _ => continue,
                }
            };
            let mut finding = Edit {
                with: Some(first.text.into()),
                indicator: Some((pair.indicator as u8).to_smolstr()),
                table: Some(table(kind, quarter)),
                ..edit(EditKind::Ptp, second.text, R::PairEdits, String::new())
            };
            if never {
                finding.why = format!(
                    "{} is not paid beside {} on {date}, and no modifier changes that.",
                    second.text, first.text
                );
            } else {
                finding.why = format!(
                    "{} is not paid beside {} on {date} unless a modifier names it as a distinct service.",
                    second.text, first.text
                );
                match fact::distinct(ctx, &a, &b) {
                    Some((modifier, fact)) => {
                        let added =
                            ctx.claim.policy.ptp_modifier == PtpModifier::Add && matches!(b.from, From::Line(_));
                        let verb = if added { "added by the policy, as" } else { "supported, as" };
                        finding.suggest = Some(format!("{modifier} on {}: {verb} {fact}.", second.text));
                        supported.push(modifier);
                    }
                    None => {
                        unsupported = true;
                        finding.why.push_str(" The chart holds no fact that would support one.");
                    }
                }
            }
            unsupported |= never;
            found.edits.push(finding);
        }
        // One modifier opens every pair in which the line stands second, so every one must be supported.
        let closed = seconds.iter().filter(|i| !i.open && matches!(i.from, From::Line(_)));
        if let (Some(modifier), false) = (supported.first(), unsupported) {
            let code = second.text.into();
            if seconds.iter().filter(|i| matches!(i.from, From::Line(_))).count() == 1 && closed.count() == 1 {
                found.additions.push(Addition { code, date, modifier });
            }
        }
    }
}
