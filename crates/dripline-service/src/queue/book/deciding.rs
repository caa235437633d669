//! What is decided about a case, and for all of them.

use dripline::coding::ChartDate;
use dripline_formats::diff::Answer as Claim;
use dripline_formats::json;
use serde_json::json;
use sqlx::{AnyConnection, Row as _};

use super::reading::{claims, requests};
use super::{began, event, head, in_force, not_now, now, seen, stamp};
use crate::actor::Actor;
use crate::problem::Problem;
use crate::queue::entry;
use crate::queue::step::{Decision, Step};
use crate::queue::view::{ClaimKind, Settings, Summary};
use crate::store::{Store, StoreError};

/// Holds, rejects or reopens a case.
pub(crate) async fn decide(
    store: &Store,
    actor: &Actor,
    id: i64,
    revision: i64,
    step: Step,
    reason: &str,
) -> Result<Summary, Problem> {
    entry::text("reason", reason)?;
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
    entry::text("asked_by", asked_by)?;
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

/// What an administrator decided.
pub(crate) async fn settings(connection: &mut AnyConnection) -> Result<Settings, StoreError> {
    let row = sqlx::query("SELECT value FROM settings WHERE name = 'money'").fetch_optional(connection).await?;
    let value: Option<String> = row.map(|row| row.try_get(0)).transpose()?;
    Ok(Settings { money: value.as_deref() == Some("on") })
}

/// Turns money on or off.
pub(crate) async fn set_money(store: &Store, actor: &Actor, on: bool, reason: &str) -> Result<Settings, Problem> {
    entry::text("reason", reason)?;
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
