//! What chart entries make of a case: answers and corrections, and coding again.

use dripline::chart::Chart;
use dripline::coding::{Assumption, Coding, Query};
use dripline_formats::diff::{Answer as Claim, differences};
use dripline_formats::json;
use dripline_reference::ChartError;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use sqlx::{AnyConnection, Row as _};

use super::reading::{claims, requests};
use super::{
    Coded, Head, InForce, Made, began, code, count, event, first_date, head, in_force, not_now, now, parsed, seen,
    stamp, stored, unusable, version,
};
use crate::actor::Actor;
use crate::problem::Problem;
use crate::queue::correction::Correction;
use crate::queue::entry::{Asked, Changed, Entry, EntryKind, NewAnswer, Says, TriedAnswer, applied};
use crate::queue::step::Step;
use crate::queue::view::{ClaimKind, Recoded, Summary, WhatIf};
use crate::queue::{entry, written};
use crate::state::AppState;
use crate::store::{Store, StoreError, Write};

/// An answer worked out, before anything is kept.
struct Worked {
    head: Head,
    was: Coding,
    asked: Vec<String>,
    changed: Changed,
    coded: Coded,
}

async fn work(
    state: &AppState,
    store: &Store,
    id: i64,
    answer: &TriedAnswer,
    kind: EntryKind,
    revision: Option<i64>,
) -> Result<Worked, Problem> {
    let mut read = store.read().await?;
    let head = head(&mut read, id).await?;
    if let Some(revision) = revision {
        seen(&head, revision)?;
    }
    let InForce { chart, assumptions, coding: was } = in_force(&mut read, &head).await?;
    drop(read);
    let asked: Vec<String> =
        was.queries.iter().filter(|q| Asked::of(q) == answer.query).map(|q| q.ask.clone()).collect();
    if asked.is_empty() {
        return Err(Problem::body(
            "query",
            "the version in force does not ask this",
            "name `field` and `administrations` as they stand in one of the case's queries",
        ));
    }
    let changed = applied(&chart, &assumptions, answer, kind)?;
    let coded = code(state, &changed.chart, &changed.assumptions, &head.options(), unusable).await?;
    Ok(Worked { head, was, asked, changed, coded })
}

/// Tries an answer out.
pub(crate) async fn what_if(state: &AppState, store: &Store, id: i64, answer: &TriedAnswer) -> Result<WhatIf, Problem> {
    let worked = work(state, store, id, answer, EntryKind::Original, None).await?;
    Ok(WhatIf {
        what_if: true,
        id,
        version: worked.head.summary.version,
        differences: differences(&Claim::of(&worked.was), &Claim::of(&worked.coded.coding)),
        coding: worked.coded.coding,
    })
}

/// Takes an answer with its entry: a new version of the case.
pub(crate) async fn answer(
    state: &AppState,
    store: &Store,
    actor: &Actor,
    id: i64,
    revision: i64,
    answer: NewAnswer,
) -> Result<Summary, Problem> {
    let moment = now();
    let NewAnswer { query, says, only, entry } = answer;
    entry.check(moment)?;
    let tried = TriedAnswer { query, says, only }.named();
    let Worked { mut asked, changed, coded, .. } = work(state, store, id, &tried, entry.kind, Some(revision)).await?;
    written::of_answer(&entry, &tried, &changed)?;
    let at = stamp(moment);
    let mut write = store.write().await?;
    let before = head(&mut write, id).await?;
    seen(&before, revision)?;
    let mut quiet = settled(&mut write, id).await?;
    if let Some(left) = tried.says.left(&tried.query) {
        asked.extend(coded.coding.queries.iter().filter(|q| left.covers(q)).map(|q| q.ask.clone()));
    }
    if let Some(settles) = tried.says.settles(&tried.query) {
        quiet.extend(asked.iter().map(|ask| (settles.clone(), ask.clone())));
    }
    let next = Next { chart: &changed.chart, assumptions: &changed.assumptions, coded: &coded, quiet: &quiet };
    let after = advance(&mut write, &before, &next, &at, actor, "answered").await?;
    let (after_release, after_request) = Watched::of(&mut write, id).await?.marks(&entry);
    let insert = "INSERT INTO answers (case_id, version, field, administrations, asked, says, author, written_at, \
                  entry, place, after_release, after_request, recorded_at, recorded_by) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    sqlx::query(insert)
        .bind(id)
        .bind(after.summary.version)
        .bind(&tried.query.field)
        .bind(json::line(&tried.query.administrations))
        .bind(json::line(&asked))
        .bind(json::line(&tried.says))
        .bind(entry.author.trim())
        .bind(entry.written_at.to_string())
        .bind(entry.kind.as_str())
        .bind(entry.place.trim())
        .bind(i64::from(after_release))
        .bind(i64::from(after_request))
        .bind(&at)
        .bind(actor.as_str())
        .execute(&mut *write)
        .await
        .map_err(StoreError::from)?;
    let (was, is) = with_chart(&before, &after, changed);
    let why = format!("{} entry by {}, {}", entry.kind, entry.author.trim(), entry.place.trim());
    event(&mut write, Some(id), &at, actor, "answered", Some(was), Some(is), Some(&why)).await?;
    write.commit().await?;
    Ok(after.summary)
}

/// How a case stood and stands, with what changed in its chart, for the history.
fn with_chart(before: &Head, after: &Head, changed: Changed) -> (Value, Value) {
    let (mut was, mut is) = (before.standing(), after.standing());
    was["chart"] = Value::Object(changed.before);
    is["chart"] = Value::Object(changed.after);
    (was, is)
}

/// The version to come.
struct Next<'a> {
    chart: &'a Chart,
    assumptions: &'a [Assumption],
    coded: &'a Coded,
    /// Questions that entries settled, each with its words.
    quiet: &'a [(Asked, String)],
}

/// Makes the next version of a case. One whose claim is not the one that left leads a released case back to its
/// release, which credits the one and bills the other.
async fn advance(
    write: &mut Write,
    before: &Head,
    next: &Next<'_>,
    at: &str,
    actor: &Actor,
    why: &str,
) -> Result<Head, Problem> {
    let (id, coding) = (before.summary.id, &next.coded.coding);
    let claims = claims(write, id).await?;
    let last = claims.iter().rev().find(|c| c.kind != ClaimKind::Credit);
    let changes_claim = last.is_none_or(|last| last.claim != Claim::of(coding));
    let step = Step::Version { changes_claim };
    let decision = before.decision.after(step, before.summary.waiting).map_err(not_now)?;
    let is_quiet = |q: &Query| next.quiet.iter().any(|(query, ask)| query.covers(q) && *ask == q.ask);
    let states: Vec<bool> = coding.queries.iter().map(is_quiet).collect();
    let number = before.summary.version + 1;
    let made = Made { chart: next.chart, assumptions: next.assumptions, coding, settled: &states };
    version(write, id, number, &made, at, actor, why).await?;
    let update = "UPDATE cases SET version = $1, revision = revision + 1, decision = $2, waiting = $3, setting = $4, \
                  service_date = $5, coded_by = $6 WHERE id = $7";
    sqlx::query(update)
        .bind(number)
        .bind(decision.as_str())
        .bind(count(&states))
        .bind(coding.setting.as_str())
        .bind(first_date(next.chart, coding).to_string())
        .bind(&next.coded.by)
        .bind(id)
        .execute(&mut **write)
        .await
        .map_err(StoreError::from)?;
    head(write, id).await
}

/// After what an entry is marked: when the claim first left, and when the records were asked for.
struct Watched {
    released: Option<Timestamp>,
    asked: Vec<Date>,
}

impl Watched {
    async fn of(connection: &mut AnyConnection, id: i64) -> Result<Self, StoreError> {
        let claims = claims(connection, id).await?;
        let released = claims.first().map(|first| parsed(&first.released_at)).transpose()?;
        let asked = requests(connection, id).await?.iter().map(|r| r.received_on.0).collect();
        Ok(Watched { released, asked })
    }

    /// Whether an entry may have been made after the release, and after a request.
    fn marks(&self, entry: &Entry) -> (bool, bool) {
        let after_release = self.released.is_some_and(|at| entry.may_be_after(at));
        let after_request = self.asked.iter().any(|on| began(*on).is_none_or(|at| entry.may_be_after(at)));
        (after_release, after_request)
    }
}

/// Corrects the chart in force by chart entries: a new version of the case.
pub(crate) async fn correct(
    state: &AppState,
    store: &Store,
    actor: &Actor,
    id: i64,
    revision: i64,
    correction: Correction,
) -> Result<Summary, Problem> {
    let moment = now();
    correction.check(moment)?;
    let mut read = store.read().await?;
    let head_then = head(&mut read, id).await?;
    seen(&head_then, revision)?;
    let InForce { chart, assumptions, .. } = in_force(&mut read, &head_then).await?;
    drop(read);
    let size = json::line(&chart).len();
    let applied = state.run(size, move |_| {
        let (changed, rests) = correction.applied(&chart, &assumptions)?;
        Ok((correction, changed, rests))
    });
    let (correction, changed, rests) = applied.await?;
    let blame = |e: ChartError| Problem::body(&format!("chart.{}", e.path), e.message, e.help);
    let coded = code(state, &changed.chart, &changed.assumptions, &head_then.options(), blame).await?;
    let at = stamp(moment);
    let mut write = store.write().await?;
    let before = head(&mut write, id).await?;
    seen(&before, revision)?;
    let quiet = settled(&mut write, id).await?;
    let next = Next { chart: &changed.chart, assumptions: &changed.assumptions, coded: &coded, quiet: &quiet };
    let after = advance(&mut write, &before, &next, &at, actor, "corrected").await?;
    let (number, reason) = (after.summary.version, correction.reason.trim());
    let insert = "INSERT INTO corrections (case_id, version, reason, recorded_at, recorded_by) \
                  VALUES ($1, $2, $3, $4, $5)";
    let insert = sqlx::query(insert).bind(id).bind(number).bind(reason).bind(&at).bind(actor.as_str());
    insert.execute(&mut *write).await.map_err(StoreError::from)?;
    let watched = Watched::of(&mut write, id).await?;
    for (n, (basis, changes)) in (1_i64..).zip(correction.entries.iter().zip(&rests)) {
        let (after_release, after_request) = watched.marks(&basis.entry);
        let insert = "INSERT INTO correction_entries (case_id, version, number, changes, author, written_at, entry, \
                      place, after_release, after_request) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        sqlx::query(insert)
            .bind(id)
            .bind(number)
            .bind(n)
            .bind(json::line(changes))
            .bind(basis.entry.author.trim())
            .bind(basis.entry.written_at.to_string())
            .bind(basis.entry.kind.as_str())
            .bind(basis.entry.place.trim())
            .bind(i64::from(after_release))
            .bind(i64::from(after_request))
            .execute(&mut *write)
            .await
            .map_err(StoreError::from)?;
    }
    let (was, is) = with_chart(&before, &after, changed);
    event(&mut write, Some(id), &at, actor, "corrected", Some(was), Some(is), Some(reason)).await?;
    write.commit().await?;
    Ok(after.summary)
}

/// Codes the chart in force again, by the rules and tables that run now. A coding that comes out the same makes no
/// version, and the case is no longer outdated.
pub(crate) async fn recode(
    state: &AppState,
    store: &Store,
    actor: &Actor,
    id: i64,
    revision: i64,
    reason: &str,
) -> Result<Recoded, Problem> {
    entry::text("reason", reason)?;
    let mut read = store.read().await?;
    let head_then = head(&mut read, id).await?;
    seen(&head_then, revision)?;
    let InForce { chart, assumptions, coding: was } = in_force(&mut read, &head_then).await?;
    drop(read);
    let coded = code(state, &chart, &assumptions, &head_then.options(), unusable).await?;
    let is = &coded.coding;
    let same = (&was.lines, &was.drug_lines, &was.services, &was.edits, &was.queries)
        == (&is.lines, &is.drug_lines, &is.services, &is.edits, &is.queries);
    let at = stamp(now());
    let mut write = store.write().await?;
    let before = head(&mut write, id).await?;
    seen(&before, revision)?;
    let after = match same {
        true => {
            let step = Step::Version { changes_claim: false };
            before.decision.after(step, before.summary.waiting).map_err(not_now)?;
            let update = "UPDATE cases SET revision = revision + 1, coded_by = $1 WHERE id = $2";
            let update = sqlx::query(update).bind(&coded.by).bind(id);
            update.execute(&mut *write).await.map_err(StoreError::from)?;
            head(&mut write, id).await?
        }
        false => {
            let quiet = settled(&mut write, id).await?;
            let next = Next { chart: &chart, assumptions: &assumptions, coded: &coded, quiet: &quiet };
            advance(&mut write, &before, &next, &at, actor, "recoded").await?
        }
    };
    let standing = |head: &Head, coding: &Coding| {
        let mut standing = head.standing();
        standing["rule_set"] = serde_json::to_value(&coding.rule_set).unwrap_or_default();
        standing
    };
    let (from, to) = (standing(&before, &was), standing(&after, is));
    event(&mut write, Some(id), &at, actor, "recoded", Some(from), Some(to), Some(reason.trim())).await?;
    write.commit().await?;
    let differences = differences(&Claim::of(&was), &Claim::of(is));
    Ok(Recoded { summary: after.summary, new_version: !same, differences })
}

/// Questions that an entry settled, each with its words: asked otherwise it is another.
async fn settled(connection: &mut AnyConnection, id: i64) -> Result<Vec<(Asked, String)>, StoreError> {
    let sql = "SELECT field, administrations, says, asked FROM answers WHERE case_id = $1";
    let rows = sqlx::query(sql).bind(id).fetch_all(connection).await?;
    let mut found = Vec::new();
    for row in &rows {
        let query = Asked { field: row.try_get(0)?, administrations: stored(row, 1)? };
        let Some(query) = stored::<Says>(row, 2)?.settles(&query) else { continue };
        let asked: Vec<String> = stored(row, 3)?;
        found.extend(asked.into_iter().map(|ask| (query.clone(), ask)));
    }
    Ok(found)
}
