//! What is done with cases, and what is read of them. Coding is done before the turn to write is taken; whether the
//! case is still what was coded is looked at in the turn.

mod arrivals;
mod charting;
mod deciding;
mod export;
mod reading;

use dripline::chart::{Chart, SwitchValue};
use dripline::coding::{Assumption, ChartDate, Coding};
use dripline_formats::json;
use dripline_reference::{ChartError, Options};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use crate::actor::Actor;
use crate::problem::{Kind, Problem};
use crate::queue::basis;
use crate::queue::step::Decision;
use crate::queue::view::Summary;
use crate::state::AppState;
use crate::store::{StoreError, Write};

pub(crate) use arrivals::{NewCase, receive};
pub(crate) use charting::{answer, correct, recode, what_if};
pub(crate) use deciding::{decide, release, request_records, set_money, settings};
pub(crate) use export::{Export, Exported};
pub(crate) use reading::{case, counts, history, list, one_version};

/// How a case is to be coded, for as long as it is kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Way {
    profile: Option<String>,
    set: Vec<(String, SwitchValue)>,
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
