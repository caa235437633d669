//! What is read of the cases.

use dripline::chart::Chart;
use dripline::coding::ChartDate;
use dripline_formats::diff::{Answer as Claim, differences};
use dripline_formats::json;
use dripline_reference::money::{self, Basis};
use dripline_reference::{Coder, Options};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::deciding::settings;
use super::{HEAD, Head, head, in_force, misshapen, stored, unusable};
use crate::problem::{Kind, Problem};
use crate::queue::basis;
use crate::queue::entry::{Asked, EntryKind};
use crate::queue::filter::{Bound, Filter};
use crate::queue::step::{Decision, Status};
use crate::queue::view::{
    Answered, Case, ClaimKind, Corrected, CorrectionEntry, Event, History, Page, Pending, QueryState, RecordsRequest,
    Released, Summary, Version,
};
use crate::state::AppState;
use crate::store::{Store, StoreError};

/// A part of the queue.
pub(crate) async fn list(state: &AppState, store: &Store, filter: &Filter) -> Result<Page, Problem> {
    let mut read = store.read().await?;
    let outdated = outdated(&mut read, &state.coder, filter).await?;
    let rows = select(&mut read, HEAD, filter, &outdated, filter.limit() + 1).await?;
    let mut cases: Vec<Summary> =
        rows.iter().map(|row| Ok(Head::of(row)?.summary)).collect::<Result<_, StoreError>>()?;
    let more = i64::try_from(cases.len()).is_ok_and(|n| n > filter.limit());
    if more {
        cases.pop();
    }
    let next = cases.last().filter(|_| more).map(|c| c.id);
    Ok(Page { cases, next })
}

/// What is noted with the cases that were coded otherwise than by what runs now, where the filter asks for it.
pub(super) async fn outdated(
    connection: &mut AnyConnection,
    coder: &Coder,
    filter: &Filter,
) -> Result<Vec<String>, StoreError> {
    if filter.outdated.is_none() {
        return Ok(Vec::new());
    }
    // Cases of one quarter and of one run of the service share a note, so these are few.
    let rows = sqlx::query("SELECT DISTINCT coded_by FROM cases").fetch_all(connection).await?;
    let notes: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(notes.into_iter().filter(|note| !basis::outdated(coder, note).is_empty()).collect())
}

pub(super) async fn select(
    connection: &mut AnyConnection,
    what: &str,
    filter: &Filter,
    outdated: &[String],
    limit: i64,
) -> Result<Vec<AnyRow>, StoreError> {
    let (condition, bound) = filter.condition(outdated);
    let sql = format!("{what} WHERE {condition} ORDER BY cases.id LIMIT {limit}");
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in bound {
        query = match value {
            Bound::Number(n) => query.bind(n),
            Bound::Text(text) => query.bind(text),
        };
    }
    Ok(query.fetch_all(connection).await?)
}

/// How many cases stand where.
pub(crate) async fn counts(store: &Store) -> Result<Vec<(Status, i64)>, StoreError> {
    let sql = "SELECT decision, CASE WHEN waiting > 0 THEN 1 ELSE 0 END, count(*) FROM cases GROUP BY 1, 2";
    let rows = sqlx::query(sql).fetch_all(&mut *store.read().await?).await?;
    let mut counts: Vec<_> = Status::ALL.iter().map(|s| (*s, 0)).collect();
    for row in rows {
        let decision: String = row.try_get(0)?;
        let waiting: i64 = integer(&row, 1)?;
        let status = Decision::from_word(&decision).ok_or_else(misshapen)?.status(waiting);
        if let Some(count) = counts.iter_mut().find(|c| c.0 == status) {
            count.1 += integer(&row, 2)?;
        }
    }
    Ok(counts)
}

/// A whole number, in whichever width the database counts.
fn integer(row: &AnyRow, column: usize) -> Result<i64, StoreError> {
    match row.try_get::<i64, _>(column) {
        Ok(n) => Ok(n),
        Err(_) => Ok(i64::from(row.try_get::<i32, _>(column)?)),
    }
}

/// A case with everything that is known of it.
pub(crate) async fn case(state: &AppState, store: &Store, id: i64) -> Result<Case, Problem> {
    let mut read = store.read().await?;
    let head = head(&mut read, id).await?;
    let in_force = in_force(&mut read, &head).await?;
    let queries = sqlx::query("SELECT settled FROM queries WHERE case_id = $1 AND version = $2 ORDER BY position")
        .bind(id)
        .bind(head.summary.version)
        .fetch_all(&mut *read)
        .await
        .map_err(StoreError::from)?;
    let queries: Result<Vec<_>, StoreError> = (in_force.coding.queries.iter().zip(&queries))
        .map(|(query, row)| Ok(QueryState { query: Asked::of(query), settled: row.try_get::<i64, _>(0)? == 1 }))
        .collect();
    let claims = claims(&mut read, id).await?;
    let claim = Claim::of(&in_force.coding);
    let last = claims.iter().rev().find(|c| c.kind != ClaimKind::Credit);
    let pending = last.filter(|last| last.claim != claim).map(|last| Pending {
        credit: last.number,
        differences: differences(&last.claim, &claim),
        rebill: claim.clone(),
    });
    let answers = answers(&mut read, id).await?;
    let corrections = corrections(&mut read, id).await?;
    let requests = requests(&mut read, id).await?;
    let money = settings(&mut read).await?.money;
    drop(read);
    let money = match money {
        false => None,
        true => {
            let (chart, options) = (in_force.chart.clone(), head.options());
            let size = json::line(&in_force.chart).len();
            let worth = state.run(size, move |coder| worth(coder, &chart, &options)).await?;
            Some(worth)
        }
    };
    Ok(Case {
        options: head.options(),
        received_by: head.received_by,
        outdated: basis::outdated(&state.coder, &head.coded_by),
        summary: head.summary,
        chart: in_force.chart,
        coding: in_force.coding,
        queries: queries?,
        answers,
        corrections,
        claims,
        pending,
        records_requests: requests,
        money,
    })
}

fn worth(coder: &Coder, chart: &Chart, options: &Options) -> Result<Value, Problem> {
    let coded = coder.code_with(chart, 1, &[], options).map_err(unusable)?;
    let worth = money::estimate(chart, &coded.coding, &coded.resolved, &Basis::default());
    coded.check_tables().map_err(unusable)?;
    let unknown = worth.without_amount > 0 && worth.without_amount == worth.lines.len();
    let mut worth = serde_json::to_value(worth).map_err(|_| Problem::failed())?;
    // A sum of nothing known is unknown, and not zero.
    if unknown {
        worth["total"] = Value::Null;
    }
    Ok(worth)
}

/// A version of a case.
pub(crate) async fn one_version(store: &Store, id: i64, number: i64) -> Result<Version, Problem> {
    let sql = "SELECT made_at, made_by, why, chart, coding FROM versions WHERE case_id = $1 AND number = $2";
    let mut read = store.read().await?;
    let row = sqlx::query(sql).bind(id).bind(number).fetch_optional(&mut *read).await.map_err(StoreError::from)?;
    let row = row.ok_or_else(|| {
        Problem::new(Kind::NotFound, "there is no such version of a case", "GET /v1/cases/NUMBER names the last")
    })?;
    let of = || -> Result<Version, StoreError> {
        let (chart, coding) = (stored(&row, 3)?, stored(&row, 4)?);
        let (made_at, made_by, why) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        Ok(Version { id, version: number, made_at, made_by, why, chart, coding })
    };
    Ok(of()?)
}

pub(super) async fn claims(connection: &mut AnyConnection, id: i64) -> Result<Vec<Released>, StoreError> {
    let sql = "SELECT number, kind, version, of_claim, lines, rule_set, released_at, released_by FROM claims \
               WHERE case_id = $1 ORDER BY number";
    let rows = sqlx::query(sql).bind(id).fetch_all(connection).await?;
    let of = |row: &AnyRow| {
        let kind: String = row.try_get(1)?;
        let kind = match kind.as_str() {
            "original" => ClaimKind::Original,
            "credit" => ClaimKind::Credit,
            "rebill" => ClaimKind::Rebill,
            _ => return Err(misshapen()),
        };
        Ok(Released {
            number: row.try_get(0)?,
            kind,
            version: row.try_get(2)?,
            of: row.try_get(3)?,
            claim: stored(row, 4)?,
            rule_set: stored(row, 5)?,
            released_at: row.try_get(6)?,
            released_by: row.try_get(7)?,
        })
    };
    rows.iter().map(of).collect()
}

async fn answers(connection: &mut AnyConnection, id: i64) -> Result<Vec<Answered>, StoreError> {
    let sql = "SELECT version, field, administrations, says, author, written_at, entry, place, after_release, \
               after_request, recorded_at, recorded_by FROM answers WHERE case_id = $1 ORDER BY version";
    let rows = sqlx::query(sql).bind(id).fetch_all(connection).await?;
    let of = |row: &AnyRow| {
        let (written_at, kind): (String, String) = (row.try_get(5)?, row.try_get(6)?);
        Ok(Answered {
            version: row.try_get(0)?,
            query: Asked { field: row.try_get(1)?, administrations: stored(row, 2)? },
            says: stored(row, 3)?,
            author: row.try_get(4)?,
            written_at: written_at.parse().map_err(|_| misshapen())?,
            kind: if kind == "late" { EntryKind::Late } else { EntryKind::Original },
            place: row.try_get(7)?,
            after_release: row.try_get::<i64, _>(8)? == 1,
            after_records_request: row.try_get::<i64, _>(9)? == 1,
            recorded_at: row.try_get(10)?,
            recorded_by: row.try_get(11)?,
        })
    };
    rows.iter().map(of).collect()
}

async fn corrections(connection: &mut AnyConnection, id: i64) -> Result<Vec<Corrected>, StoreError> {
    let sql = "SELECT version, reason, recorded_at, recorded_by FROM corrections WHERE case_id = $1 ORDER BY version";
    let mut corrections = Vec::new();
    for row in sqlx::query(sql).bind(id).fetch_all(&mut *connection).await? {
        corrections.push(Corrected {
            version: row.try_get(0)?,
            reason: row.try_get(1)?,
            recorded_at: row.try_get(2)?,
            recorded_by: row.try_get(3)?,
            entries: Vec::new(),
        });
    }
    let sql = "SELECT version, changes, author, written_at, entry, place, after_release, after_request \
               FROM correction_entries WHERE case_id = $1 ORDER BY version, number";
    for row in sqlx::query(sql).bind(id).fetch_all(connection).await? {
        let (version, written_at, kind): (i64, String, String) = (row.try_get(0)?, row.try_get(3)?, row.try_get(4)?);
        let of = corrections.iter_mut().find(|c| c.version == version).ok_or_else(misshapen)?;
        of.entries.push(CorrectionEntry {
            changes: stored(&row, 1)?,
            author: row.try_get(2)?,
            written_at: written_at.parse().map_err(|_| misshapen())?,
            kind: if kind == "late" { EntryKind::Late } else { EntryKind::Original },
            place: row.try_get(5)?,
            after_release: row.try_get::<i64, _>(6)? == 1,
            after_records_request: row.try_get::<i64, _>(7)? == 1,
        });
    }
    Ok(corrections)
}

pub(super) async fn requests(connection: &mut AnyConnection, id: i64) -> Result<Vec<RecordsRequest>, StoreError> {
    let sql = "SELECT asked_by, received_on, recorded_at, recorded_by FROM record_requests WHERE case_id = $1 \
               ORDER BY number";
    let rows = sqlx::query(sql).bind(id).fetch_all(connection).await?;
    let of = |row: &AnyRow| {
        let on: String = row.try_get(1)?;
        Ok(RecordsRequest {
            asked_by: row.try_get(0)?,
            received_on: ChartDate(dripline::time::strict_date(&on).ok_or_else(misshapen)?),
            recorded_at: row.try_get(2)?,
            recorded_by: row.try_get(3)?,
        })
    };
    rows.iter().map(of).collect()
}

/// Everything that was done to a case.
pub(crate) async fn history(store: &Store, id: i64) -> Result<History, Problem> {
    let mut read = store.read().await?;
    head(&mut read, id).await?;
    let sql = "SELECT at, actor, action, before, after, why FROM history WHERE case_id = $1 ORDER BY id";
    let rows = sqlx::query(sql).bind(id).fetch_all(&mut *read).await.map_err(StoreError::from)?;
    let value = |row: &AnyRow, column: usize| -> Result<Option<Value>, StoreError> {
        let text: Option<String> = row.try_get(column)?;
        text.map(|t| serde_json::from_str(&t).map_err(|_| misshapen())).transpose()
    };
    let of = |row: &AnyRow| -> Result<Event, StoreError> {
        Ok(Event {
            at: row.try_get(0)?,
            actor: row.try_get(1)?,
            action: row.try_get(2)?,
            before: value(row, 3)?,
            after: value(row, 4)?,
            why: row.try_get(5)?,
        })
    };
    Ok(History { id, history: rows.iter().map(of).collect::<Result<_, _>>()? })
}
