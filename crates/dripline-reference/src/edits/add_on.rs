//! Add-on codes and drugs: what stands only beside something else.

use dripline::case::ServiceKind;
use dripline::code::Code as Earned;
use dripline::coding::{Assumption, Edit, EditKind};
use dripline::rule::RuleId as R;
use dripline::{SmolStr, ToSmolStr as _, format_smolstr};
use jiff::civil::Date;

use super::{Ctx, Findings, From, Item, built_in, edit, table};
use crate::tables::{Code, Kind};

/// The primary codes of an add-on code, and who says so.
struct Parents {
    codes: Vec<Code>,
    /// The contractor may accept others.
    others: bool,
    edit_type: u8,
    table: SmolStr,
}

pub(super) fn check(ctx: &Ctx, date: Date, items: &[Item], found: &mut Findings) {
    if ctx.on(R::AddOnParents) {
        for (n, item) in items.iter().enumerate() {
            if !items[..n].iter().any(|i| i.code == item.code) {
                parents_of(ctx, date, items, item, found);
            }
        }
    }
    if ctx.on(R::DrugWithoutAdministration) {
        drugs(ctx, date, items, found);
    }
}

fn parents_of(ctx: &Ctx, date: Date, items: &[Item], item: &Item, found: &mut Findings) {
    let Some(parents) = look_up(ctx, date, item.code, found) else { return };
    let is_parent = |i: &&Item| parents.codes.contains(&i.code);
    if items.iter().any(|i| is_parent(&i)) {
        return;
    }
    let names: Vec<String> = parents.codes.iter().map(Code::to_string).collect();
    let elsewhere = ctx.items.iter().find(|i| i.date != date && parents.codes.contains(&i.code));
    let mut why = match (elsewhere, parents.codes.is_empty()) {
        (_, true) => format!("{} stands only beside another code, which the contractor names.", item.text),
        (Some(parent), _) => format!(
            "{} of {date} has none of the codes beside it that it stands on; {} of {} is one. Within one encounter that is \
             in order, but an edit that looks at one date does not see it.",
            item.text, parent.text, parent.date
        ),
        (None, _) => format!("{} of {date} has none of the codes beside it that it stands on.", item.text),
    };
    if parents.others && !parents.codes.is_empty() {
        why.push_str(" The contractor may accept others.");
    }
    found.edits.push(Edit {
        with: (!names.is_empty()).then(|| names.join(", ").into()),
        indicator: Some(parents.edit_type.to_smolstr()),
        table: Some(parents.table),
        ..edit(EditKind::AddOn, item.text, R::AddOnParents, why)
    });
}

/// `None` where the code is no add-on code.
fn look_up(ctx: &Ctx, date: Date, code: Code, found: &mut Findings) -> Option<Parents> {
    let tables = &ctx.claim.resolved.tables;
    let quarter = tables.quarter(date);
    if let Some(stored) = tables.add_on(date) {
        found.used.insert((Kind::AddOn, quarter));
        let rows = stored.parents_of(code);
        let mut held = rows.iter().filter(|r| r.in_force(date)).peekable();
        let edit_type = held.peek()?.edit_type;
        let (mut codes, mut others) = (Vec::new(), false);
        for row in held {
            match row.primary {
                Some(primary) => codes.push(primary),
                None => others = true,
            }
        }
        codes.sort_unstable();
        codes.dedup();
        return Some(Parents { codes, others, edit_type, table: table(Kind::AddOn, quarter) });
    }
    let set = built_in();
    let codes = set.parents(code)?.to_vec();
    if date > set.add_on_dated && found.assumptions.is_empty() {
        found.assumptions.push(Assumption {
            path: "reference".into(),
            took: format!("the built-in add-on parents of {}", set.add_on_dated).into(),
            why: format!("the case is newer and no add-on table of {quarter} is loaded").into(),
        });
    }
    Some(Parents { codes, others: false, edit_type: 1, table: format_smolstr!("built-in, {}", set.add_on_dated) })
}

/// Drug lines of a date on which nothing was reported as given.
fn drugs(ctx: &Ctx, date: Date, items: &[Item], found: &mut Findings) {
    let gives = |i: &Item| match i.from {
        From::Line(_) => true,
        From::Drug(_) => false,
        From::Service(s) => {
            Earned::from_name(i.text).is_some()
                || matches!(
                    ctx.claim.resolved.case.services[s].kind,
                    ServiceKind::Procedure | ServiceKind::VaccineAdministration | ServiceKind::Transfusion
                )
        }
    };
    if items.iter().any(gives) {
        return;
    }
    let mut told: Vec<&str> = Vec::new();
    for item in items {
        let From::Drug(n) = item.from else { continue };
        let ids = &ctx.claim.drug_lines[n].administrations;
        // A run past midnight may have its line on the next date.
        let stands = ctx.claim.proved.lines.iter().flat_map(|l| &l.rows).any(|r| ids.iter().any(|id| id == ctx.id(*r)));
        if stands || told.contains(&item.text) {
            continue;
        }
        told.push(item.text);
        found.edits.push(edit(
            EditKind::AddOn,
            item.text,
            R::DrugWithoutAdministration,
            format!("{} of {date} stands without any code for giving it.", item.text),
        ));
    }
}
