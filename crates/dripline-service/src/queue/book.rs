//! What is done with cases, and what is read of them. Coding is done before the turn to write is taken; whether the
//! case is still what was coded is looked at in the turn.

use dripline::chart::{Chart, SwitchValue};
use dripline::coding::{Assumption, ChartDate, Coding, Query};
use dripline_formats::diff::{Answer as Claim, differences};
use dripline_formats::json;
use dripline_reference::money::{self, Basis};
use dripline_reference::{ChartError, Coder, Options};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::basis;
use super::correction::Correction;
use super::entry::{Asked, Changed, Entry, EntryKind, NewAnswer, Says, TriedAnswer, applied};
use super::filter::{Bound, Filter};
use super::step::{Decision, Status, Step};
use super::view::{
    Answered, Case, ClaimKind, Corrected, CorrectionEntry, Event, History, Page, Pending, QueryState, Recoded,
    RecordsRequest, Released, Settings, Summary, Version, WhatIf,
};
use crate::actor::Actor;
use crate::problem::{Kind, Problem};
use crate::state::AppState;
use crate::store::{Store, StoreError, Write};

/// How a case is to be coded, for as long as it is kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Way {
    profile: Option<String>,
    set: Vec<(String, SwitchValue)>,
}

/// A case that comes in.
pub(crate) struct NewCase {
    pub key: String,
    /// Over everything that was sent.
    pub hash: String,
    pub body_type: &'static str,
    pub body: String,
    pub chart: Chart,
    pub assumptions: Vec<Assumption>,
    pub coding: Coding,
    /// By what it was coded.
    pub coded_by: String,
    pub options: Options,
}

/// The row of a case.
struct Head {
    summary: Summary,
    decision: Decision,
    way: Way,
    received_by: String,
    coded_by: String,
}

const HEAD: &str = "SELECT id, name, decision, setting, service_date, received_at, version, revision, waiting, reason, \
                    options, received_by, coded_by FROM cases";

/// The moment, as it is stored.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

fn stamp(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

impl Head {
    fn of(row: &AnyRow) -> Result<Self, StoreError> {
        let decision: String = row.try_get(2)?;
        let decision = Decision::from_word(&decision).ok_or_else(misshapen)?;
        let waiting: i64 = row.try_get(8)?;
        let summary = Summary {
            id: row.try_get(0)?,
            case: row.try_get(1)?,
            status: decision.status(waiting),
            setting: row.try_get(3)?,
            service_date: row.try_get(4)?,
            received_at: row.try_get(5)?,
            version: row.try_get(6)?,
            revision: row.try_get(7)?,
            waiting,
            reason: row.try_get(9)?,
        };
        let (received_by, coded_by) = (row.try_get(11)?, row.try_get(12)?);
        Ok(Head { summary, decision, way: stored(row, 10)?, received_by, coded_by })
    }

    /// How it stands, for the history.
    fn standing(&self) -> Value {
        json!({ "status": self.summary.status, "version": self.summary.version })
    }

    fn options(&self) -> Options {
        Options { profile: self.way.profile.clone(), set: self.way.set.clone(), ..Options::default() }
    }
}

/// JSON of ours in a column.
fn stored<T: DeserializeOwned>(row: &AnyRow, column: usize) -> Result<T, StoreError> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|_| misshapen())
}

fn misshapen() -> StoreError {
    StoreError::Failed("a row is not of the expected shape".to_owned())
}

fn missing() -> Problem {
    Problem::new(Kind::NotFound, "there is no case of this number", "GET /v1/cases lists them")
}

async fn head(connection: &mut AnyConnection, id: i64) -> Result<Head, Problem> {
    let sql = AssertSqlSafe(format!("{HEAD} WHERE id = $1"));
    let row = sqlx::query(sql).bind(id).fetch_optional(connection).await.map_err(StoreError::from)?;
    Ok(Head::of(&row.ok_or_else(missing)?)?)
}

/// Refuses a change of a case that is not any more what its caller saw.
fn seen(head: &Head, revision: i64) -> Result<(), Problem> {
    match head.summary.revision == revision {
        true => Ok(()),
        false => Err(Problem::new(
            Kind::Stale,
            "the case was changed since it was read",
            "read it again, see what changed, and send the change with its new ETag",
        )),
    }
}

/// Takes a case in. A second one of the same key is the first, if it is the same; also says whether it is new.
pub(crate) async fn receive(store: &Store, actor: &Actor, new: NewCase) -> Result<(Summary, bool), Problem> {
    let at = stamp(now());
    let mut write = store.write().await?;
    if let Some(before) = known(&mut write, &new.key, &new.hash).await? {
        return Ok((before, false));
    }
    let id = next_id(&mut write, "SELECT max(id) FROM cases").await?;
    let queries = vec![false; new.coding.queries.len()];
    let waiting = count(&queries);
    let way = Way { profile: new.options.profile.clone(), set: new.options.set.clone() };
    let insert = "INSERT INTO cases (id, name, idempotency_key, body_hash, received_at, received_by, setting, \
                  service_date, options, body_type, body, version, revision, decision, waiting, coded_by) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, 1, 'open', $12, $13)";
    sqlx::query(insert)
        .bind(id)
        .bind(&new.coding.case)
        .bind(&new.key)
        .bind(&new.hash)
        .bind(&at)
        .bind(actor.as_str())
        .bind(new.coding.setting.as_str())
        .bind(first_date(&new.chart, &new.coding).to_string())
        .bind(json::line(&way))
        .bind(new.body_type)
        .bind(&new.body)
        .bind(waiting)
        .bind(&new.coded_by)
        .execute(&mut *write)
        .await
        .map_err(StoreError::from)?;
    let made = Made { chart: &new.chart, assumptions: &new.assumptions, coding: &new.coding, settled: &queries };
    version(&mut write, id, 1, &made, &at, actor, "received").await?;
    let head = head(&mut write, id).await?;
    event(&mut write, Some(id), &at, actor, "received", None, Some(head.standing()), None).await?;
    write.commit().await?;
    Ok((head.summary, true))
}

/// The case that came with this key before.
pub(crate) async fn known(connection: &mut AnyConnection, key: &str, hash: &str) -> Result<Option<Summary>, Problem> {
    let sql = "SELECT id, body_hash FROM cases WHERE idempotency_key = $1";
    let row = sqlx::query(sql).bind(key).fetch_optional(&mut *connection).await.map_err(StoreError::from)?;
    let Some(row) = row else { return Ok(None) };
    let (id, before): (i64, String) =
        (row.try_get(0).map_err(StoreError::from)?, row.try_get(1).map_err(StoreError::from)?);
    if before != hash {
        return Err(Problem::new(
            Kind::KeyReused,
            "another case came with this idempotency key",
            "send a case with a key of its own; to send one again, send the very same bytes",
        ));
    }
    Ok(Some(head(connection, id).await?.summary))
}

/// The first date of service.
fn first_date(chart: &Chart, coding: &Coding) -> ChartDate {
    let given = chart.administrations.iter().flat_map(|a| [a.start.map(|t| t.civil.date()), a.date]);
    let done = chart.services.iter().flat_map(|s| [s.start.map(|t| t.civil.date()), s.date]);
    ChartDate(given.chain(done).flatten().min().unwrap_or(coding.rule_set.as_of.0))
}

async fn next_id(connection: &mut AnyConnection, sql: &'static str) -> Result<i64, StoreError> {
    // Writers take turns, so nobody else takes it.
    let last: Option<i64> = sqlx::query(sql).fetch_one(connection).await?.try_get(0)?;
    Ok(last.unwrap_or(0) + 1)
}

fn count(settled: &[bool]) -> i64 {
    i64::try_from(settled.iter().filter(|s| !**s).count()).unwrap_or(i64::MAX)
}

/// A version that is to be kept.
struct Made<'a> {
    chart: &'a Chart,
    assumptions: &'a [Assumption],
    coding: &'a Coding,
    /// Of each question of the coding.
    settled: &'a [bool],
}

async fn version(
    write: &mut Write,
    id: i64,
    number: i64,
    made: &Made<'_>,
    at: &str,
    actor: &Actor,
    why: &str,
) -> Result<(), StoreError> {
    let insert = "INSERT INTO versions (case_id, number, chart, assumptions, coding, rule_set, made_at, made_by, why) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(insert)
        .bind(id)
        .bind(number)
        .bind(json::line(made.chart))
        .bind(json::line(&made.assumptions))
        .bind(json::line(made.coding))
        .bind(json::line(&made.coding.rule_set))
        .bind(at)
        .bind(actor.as_str())
        .bind(why)
        .execute(&mut **write)
        .await?;
    for (position, (query, settled)) in made.coding.queries.iter().zip(made.settled).enumerate() {
        let insert = "INSERT INTO queries (case_id, version, position, field, addressee, settled) \
                      VALUES ($1, $2, $3, $4, $5, $6)";
        sqlx::query(insert)
            .bind(id)
            .bind(number)
            .bind(i64::try_from(position).unwrap_or(i64::MAX))
            .bind(query.field.as_str())
            .bind(query.to.as_str())
            .bind(i64::from(*settled))
            .execute(&mut **write)
            .await?;
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "who, when, before, after, why")]
async fn event(
    write: &mut Write,
    case: Option<i64>,
    at: &str,
    actor: &Actor,
    action: &str,
    before: Option<Value>,
    after: Option<Value>,
    why: Option<&str>,
) -> Result<(), StoreError> {
    let id = next_id(write, "SELECT max(id) FROM history").await?;
    let insert = "INSERT INTO history (id, case_id, at, actor, action, before, after, why) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(insert)
        .bind(id)
        .bind(case)
        .bind(at)
        .bind(actor.as_str())
        .bind(action)
        .bind(before.map(|v| v.to_string()))
        .bind(after.map(|v| v.to_string()))
        .bind(why)
        .execute(&mut **write)
        .await?;
    Ok(())
}

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
async fn outdated(connection: &mut AnyConnection, coder: &Coder, filter: &Filter) -> Result<Vec<String>, StoreError> {
    if filter.outdated.is_none() {
        return Ok(Vec::new());
    }
    // Cases of one quarter and of one run of the service share a note, so these are few.
    let rows = sqlx::query("SELECT DISTINCT coded_by FROM cases").fetch_all(connection).await?;
    let notes: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(notes.into_iter().filter(|note| !basis::outdated(coder, note).is_empty()).collect())
}

async fn select(
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

fn unusable(e: ChartError) -> Problem {
    Problem::body(&e.path, e.message, e.help)
}

/// A chart with its coding.
struct InForce {
    chart: Chart,
    assumptions: Vec<Assumption>,
    coding: Coding,
}

async fn in_force(connection: &mut AnyConnection, head: &Head) -> Result<InForce, StoreError> {
    let sql = "SELECT chart, assumptions, coding FROM versions WHERE case_id = $1 AND number = $2";
    let row = sqlx::query(sql).bind(head.summary.id).bind(head.summary.version).fetch_one(connection).await?;
    Ok(InForce { chart: stored(&row, 0)?, assumptions: stored(&row, 1)?, coding: stored(&row, 2)? })
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

async fn claims(connection: &mut AnyConnection, id: i64) -> Result<Vec<Released>, StoreError> {
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

async fn requests(connection: &mut AnyConnection, id: i64) -> Result<Vec<RecordsRequest>, StoreError> {
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

/// An answer worked out, before anything is kept.
struct Worked {
    head: Head,
    was: Coding,
    asked: Vec<String>,
    changed: Changed,
    coded: Coded,
}

/// A chart coded, and by what.
struct Coded {
    coding: Coding,
    by: String,
}

async fn code(
    state: &AppState,
    chart: &Chart,
    read: &[Assumption],
    options: &Options,
    blame: impl Fn(ChartError) -> Problem + Send + 'static,
) -> Result<Coded, Problem> {
    let (chart, read, options) = (chart.clone(), read.to_vec(), options.clone());
    let size = json::line(&chart).len();
    let coded = state.run(size, move |coder| {
        let coding = coder.code(&chart, 1, &read, &options).map_err(blame)?;
        Ok(Coded { coding, by: basis::note(coder, &chart) })
    });
    coded.await
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
    super::written::of_answer(&entry, &tried, &changed)?;
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
    super::entry::text("reason", reason)?;
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

fn not_now((detail, help): (&'static str, &'static str)) -> Problem {
    Problem::new(Kind::NotNow, detail, help)
}

fn parsed(at: &str) -> Result<Timestamp, StoreError> {
    at.parse().map_err(|_| misshapen())
}

/// The first moment of a date anywhere on earth.
fn began(date: Date) -> Option<Timestamp> {
    jiff::tz::Offset::from_seconds(14 * 3600).ok()?.to_timestamp(date.at(0, 0, 0, 0)).ok()
}

/// Holds, rejects or reopens a case.
pub(crate) async fn decide(
    store: &Store,
    actor: &Actor,
    id: i64,
    revision: i64,
    step: Step,
    reason: &str,
) -> Result<Summary, Problem> {
    super::entry::text("reason", reason)?;
    let at = stamp(now());
    let mut write = store.write().await?;
    let before = head(&mut write, id).await?;
    seen(&before, revision)?;
    let decision = before.decision.after(step, before.summary.waiting).map_err(not_now)?;
    let reason = reason.trim();
    let kept = matches!(decision, Decision::Held | Decision::Rejected).then_some(reason);
    let update = "UPDATE cases SET decision = $1, reason = $2, revision = revision + 1 WHERE id = $3";
    let update = sqlx::query(update).bind(decision.as_str()).bind(kept).bind(id);
    update.execute(&mut *write).await.map_err(StoreError::from)?;
    let after = head(&mut write, id).await?;
    let action = match decision {
        Decision::Held => "held",
        Decision::Rejected => "rejected",
        Decision::Open | Decision::Released => "reopened",
    };
    event(&mut write, Some(id), &at, actor, action, Some(before.standing()), Some(after.standing()), Some(reason))
        .await?;
    write.commit().await?;
    Ok(after.summary)
}

/// Releases the claim of the version in force. A claim that left before is credited, and this one billed in its place.
pub(crate) async fn release(store: &Store, actor: &Actor, id: i64, revision: i64) -> Result<Summary, Problem> {
    let at = stamp(now());
    let mut write = store.write().await?;
    let before = head(&mut write, id).await?;
    seen(&before, revision)?;
    let decision = before.decision.after(Step::Release, before.summary.waiting).map_err(not_now)?;
    let coding = in_force(&mut write, &before).await?.coding;
    let claims = claims(&mut write, id).await?;
    let number = claims.last().map_or(1, |c| c.number + 1);
    let version = before.summary.version;
    let (lines, rules) = (json::line(&Claim::of(&coding)), json::line(&coding.rule_set));
    let last = claims.iter().rev().find(|c| c.kind != ClaimKind::Credit);
    let leaving = match last {
        None => vec![(number, "original", version, None, lines, rules)],
        Some(last) => {
            let credited = (json::line(&last.claim), json::line(&last.rule_set));
            vec![
                (number, "credit", last.version, Some(last.number), credited.0, credited.1),
                (number + 1, "rebill", version, Some(last.number), lines, rules),
            ]
        }
    };
    for (number, kind, version, of, lines, rules) in leaving {
        let insert = "INSERT INTO claims (case_id, number, kind, version, of_claim, lines, rule_set, released_at, \
                      released_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        sqlx::query(insert)
            .bind(id)
            .bind(number)
            .bind(kind)
            .bind(version)
            .bind(of)
            .bind(lines)
            .bind(rules)
            .bind(&at)
            .bind(actor.as_str())
            .execute(&mut *write)
            .await
            .map_err(StoreError::from)?;
    }
    let update = "UPDATE cases SET decision = $1, reason = NULL, revision = revision + 1 WHERE id = $2";
    let update = sqlx::query(update).bind(decision.as_str()).bind(id);
    update.execute(&mut *write).await.map_err(StoreError::from)?;
    let after = head(&mut write, id).await?;
    event(&mut write, Some(id), &at, actor, "released", Some(before.standing()), Some(after.standing()), None).await?;
    write.commit().await?;
    Ok(after.summary)
}

/// Notes that somebody asked for the records of a case.
pub(crate) async fn request_records(
    store: &Store,
    actor: &Actor,
    id: i64,
    revision: i64,
    asked_by: &str,
    received_on: ChartDate,
) -> Result<Summary, Problem> {
    super::entry::text("asked_by", asked_by)?;
    let moment = now();
    if began(received_on.0).is_none_or(|began| began > moment) {
        return Err(Problem::body("received_on", "the date is still to come", "write when the request came"));
    }
    let at = stamp(moment);
    let mut write = store.write().await?;
    let before = head(&mut write, id).await?;
    seen(&before, revision)?;
    let number = i64::try_from(requests(&mut write, id).await?.len()).unwrap_or(i64::MAX) + 1;
    let insert = "INSERT INTO record_requests (case_id, number, asked_by, received_on, recorded_at, recorded_by) \
                  VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(insert)
        .bind(id)
        .bind(number)
        .bind(asked_by.trim())
        .bind(received_on.to_string())
        .bind(&at)
        .bind(actor.as_str())
        .execute(&mut *write)
        .await
        .map_err(StoreError::from)?;
    let update = sqlx::query("UPDATE cases SET revision = revision + 1 WHERE id = $1").bind(id);
    update.execute(&mut *write).await.map_err(StoreError::from)?;
    let after = head(&mut write, id).await?;
    let is = json!({ "asked_by": asked_by.trim(), "received_on": received_on });
    event(&mut write, Some(id), &at, actor, "records_requested", None, Some(is), None).await?;
    write.commit().await?;
    Ok(after.summary)
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

/// What an administrator decided.
pub(crate) async fn settings(connection: &mut AnyConnection) -> Result<Settings, StoreError> {
    let row = sqlx::query("SELECT value FROM settings WHERE name = 'money'").fetch_optional(connection).await?;
    let value: Option<String> = row.map(|row| row.try_get(0)).transpose()?;
    Ok(Settings { money: value.as_deref() == Some("on") })
}

/// Turns money on or off.
pub(crate) async fn set_money(store: &Store, actor: &Actor, on: bool, reason: &str) -> Result<Settings, Problem> {
    super::entry::text("reason", reason)?;
    let at = stamp(now());
    let mut write = store.write().await?;
    let before = settings(&mut write).await?;
    let upsert = "INSERT INTO settings (name, value) VALUES ('money', $1) \
                  ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    let upsert = sqlx::query(upsert).bind(if on { "on" } else { "off" });
    upsert.execute(&mut *write).await.map_err(StoreError::from)?;
    let after = Settings { money: on };
    let (was, is) = (json!({ "money": before.money }), json!({ "money": on }));
    event(&mut write, None, &at, actor, "money", Some(was), Some(is), Some(reason.trim())).await?;
    write.commit().await?;
    Ok(after)
}

/// A case of the queue with its claim, for an export.
#[derive(Serialize)]
pub(crate) struct Exported {
    #[serde(flatten)]
    pub summary: Summary,
    pub lines: Claim,
}

const FOUND: &str =
    "SELECT cases.id FROM cases JOIN versions ON versions.case_id = cases.id AND versions.number = cases.version";
const EXPORTED: &str = "SELECT id, name, decision, setting, service_date, received_at, version, revision, waiting, \
                        reason, options, received_by, coded_by, coding FROM cases \
                        JOIN versions ON versions.case_id = cases.id AND versions.number = cases.version";

/// An export of the queue: of the cases that the filter finds when it begins, each once, as it stands when its part is
/// read. A case that leaves the filter meanwhile is still there, and says where it stands now.
pub(crate) struct Export {
    /// Those still to be read, in order.
    ids: std::vec::IntoIter<i64>,
    limit: usize,
}

impl Export {
    /// An export in parts of so many cases.
    pub async fn begin(state: &AppState, store: &Store, filter: Filter, limit: usize) -> Result<Self, StoreError> {
        let mut read = store.read().await?;
        let outdated = outdated(&mut read, &state.coder, &filter).await?;
        let rows = select(&mut read, FOUND, &filter, &outdated, i64::MAX).await?;
        let ids: Vec<i64> = rows.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<_, StoreError>>()?;
        Ok(Export { ids: ids.into_iter(), limit })
    }

    /// The next part; none behind the last.
    pub async fn next(&mut self, store: &Store) -> Result<Option<Vec<Exported>>, StoreError> {
        let ids: Vec<String> = self.ids.by_ref().take(self.limit).map(|id| id.to_string()).collect();
        if ids.is_empty() {
            return Ok(None);
        }
        let sql = format!("{EXPORTED} WHERE cases.id IN ({}) ORDER BY cases.id", ids.join(", "));
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *store.read().await?).await?;
        let of = |row: &AnyRow| {
            let coding: Coding = stored(row, 13)?;
            Ok(Exported { lines: Claim::of(&coding), summary: Head::of(row)?.summary })
        };
        rows.iter().map(of).collect::<Result<_, StoreError>>().map(Some)
    }
}
