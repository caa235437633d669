//! Cases that come in.

use dripline::chart::Chart;
use dripline::coding::{Assumption, Coding};
use dripline_formats::json;
use dripline_reference::Options;
use sqlx::{AnyConnection, Row as _};

use super::{Made, Way, count, event, first_date, head, next_id, now, stamp, version};
use crate::actor::Actor;
use crate::problem::{Kind, Problem};
use crate::queue::view::Summary;
use crate::store::{Store, StoreError};

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
async fn known(connection: &mut AnyConnection, key: &str, hash: &str) -> Result<Option<Summary>, Problem> {
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
