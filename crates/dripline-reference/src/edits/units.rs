//! Medically unlikely edits: more units than the table holds likely, on a line or on a date.

use dripline::ToSmolStr as _;
use dripline::coding::{Edit, EditKind};
use dripline::rule::RuleId as R;
use jiff::civil::Date;

use super::{Ctx, Findings, Item, Missing, edit, table};
use crate::tables::{Kind, Mai};

pub(super) fn check<'c>(
    ctx: &Ctx<'c>,
    date: Date,
    items: &[Item<'c>],
    found: &mut Findings,
    missing: &mut Missing<'c>,
) {
    if !ctx.on(R::UnitEdits) {
        return;
    }
    let tables = &ctx.claim.resolved.tables;
    let (kind, quarter) = (Kind::Mue(ctx.biller), tables.quarter(date));
    let sum = |item: &Item| items.iter().filter(|i| i.code == item.code).map(|i| i.units).sum::<u64>();
    let Some(limits) = tables.mue(ctx.biller, date) else {
        // A single unit is over a limit only where the limit is nothing, and those codes have rules of their own.
        if items.iter().any(|i| sum(i) > 1) {
            missing.add(kind, R::UnitEdits, quarter, items.iter().filter(|i| sum(i) > 1).map(|i| i.text));
        }
        return;
    };
    found.used.insert((kind, quarter));
    for (n, item) in items.iter().enumerate() {
        if items[..n].iter().any(|i| i.code == item.code) {
            continue;
        }
        let Some(limit) = limits.find_code(item.code) else { continue };
        let most = u64::from(limit.units);
        let largest = items.iter().filter(|i| i.code == item.code).map(|i| i.units).max().unwrap_or(0);
        let (units, over, says) = match limit.indicator {
            Mai::Line => (largest, "on one line", "The limit holds for each line."),
            Mai::DatePolicy => {
                (sum(item), "on one date", "The limit is one of policy and holds whatever the record says.")
            }
            Mai::DateClinical => {
                (sum(item), "on one date", "The limit comes from clinical data: the record can support an appeal.")
            }
        };
        if units <= most {
            continue;
        }
        found.edits.push(Edit {
            indicator: Some((limit.indicator as u8).to_smolstr()),
            table: Some(table(kind, quarter)),
            ..edit(
                EditKind::Mue,
                item.text,
                R::UnitEdits,
                format!("{units} units of {} {over}, {date}; the table has {most}. {says}", item.text),
            )
        });
    }
}
