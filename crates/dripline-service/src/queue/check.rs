//! Whether a store is whole.

use std::ops::RangeInclusive;

use dripline::chart::Chart;
use dripline::coding::Coding;
use futures_util::TryStreamExt as _;
use sqlx::Row as _;

use crate::store::{Backend, Place, Store, StoreError};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Cases.
    pub cases: i64,
    /// Versions of them.
    pub versions: i64,
    /// What is not as it must be, each with the number of its case. Nothing of a chart.
    pub faults: Vec<String>,
}

const ALWAYS: RangeInclusive<i64> = 1..=i64::MAX;

/// What must not be: the numbers of cases for which it is, in tables of these versions. A store that waits for a newer
/// program is looked at as it is.
const NEVER: &[(RangeInclusive<i64>, &str, &str)] = &[
    (
        ALWAYS,
        "its versions are not all there",
        "SELECT id FROM cases WHERE version <> (SELECT count(*) FROM versions WHERE case_id = id) \
         OR version <> (SELECT max(number) FROM versions WHERE case_id = id)",
    ),
    (
        ALWAYS,
        "open questions are miscounted",
        "SELECT id FROM cases WHERE waiting <> \
         (SELECT count(*) FROM queries WHERE case_id = id AND queries.version = cases.version AND settled = 0)",
    ),
    (
        ALWAYS,
        "its history does not say how it came in",
        "SELECT id FROM cases WHERE 1 <> \
         (SELECT count(*) FROM history WHERE case_id = cases.id AND action = 'received')",
    ),
    (
        ALWAYS,
        "it was changed, and the history does not say so",
        "SELECT id FROM cases WHERE revision <> (SELECT count(*) FROM history WHERE case_id = cases.id)",
    ),
    (
        1..=2,
        "a version is not told by an answer",
        "SELECT id FROM cases WHERE version - 1 <> (SELECT count(*) FROM answers WHERE case_id = id)",
    ),
    (
        3..=i64::MAX,
        "a version is told neither by an answer nor by a correction, and was not coded again",
        "SELECT id FROM cases WHERE version - 1 <> (SELECT count(*) FROM answers WHERE case_id = id) \
         + (SELECT count(*) FROM corrections WHERE case_id = id) \
         + (SELECT count(*) FROM versions WHERE case_id = id AND why = 'recoded')",
    ),
    (
        3..=i64::MAX,
        "a correction rests on no chart entry",
        "SELECT case_id FROM corrections WHERE NOT EXISTS (SELECT 1 FROM correction_entries \
         WHERE correction_entries.case_id = corrections.case_id AND correction_entries.version = corrections.version)",
    ),
    (
        ALWAYS,
        "it was released, and no claim is kept",
        "SELECT id FROM cases WHERE decision = 'released' AND NOT EXISTS (SELECT 1 FROM claims WHERE case_id = id)",
    ),
    (
        ALWAYS,
        "a credit stands without its rebill",
        "SELECT id FROM cases WHERE (SELECT count(*) FROM claims WHERE case_id = id AND kind = 'credit') <> \
         (SELECT count(*) FROM claims WHERE case_id = id AND kind = 'rebill')",
    ),
];

/// Reads every case of a store, and looks whether what is kept of it fits together.
///
/// # Errors
/// The store cannot be read.
pub async fn check(place: &Place) -> Result<Found, StoreError> {
    let store = Store::open_there(place).await?;
    let mut read = store.read().await?;
    let mut found = Found::default();
    if place.backend() == Backend::Sqlite {
        for row in sqlx::query("PRAGMA integrity_check").fetch_all(&mut *read).await? {
            let says: String = row.try_get(0)?;
            if says != "ok" {
                found.faults.push("the file is damaged".to_owned());
            }
        }
        if !sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut *read).await?.is_empty() {
            found.faults.push("a row refers to one that is not there".to_owned());
        }
    }
    found.cases = sqlx::query("SELECT count(*) FROM cases").fetch_one(&mut *read).await?.try_get(0)?;
    let tables: i64 =
        sqlx::query("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut *read).await?.try_get(0)?;
    for (_, what, sql) in NEVER.iter().filter(|(versions, ..)| versions.contains(&tables)) {
        for row in sqlx::query(*sql).fetch_all(&mut *read).await? {
            found.faults.push(format!("case {}: {what}", row.try_get::<i64, _>(0)?));
        }
    }
    let sql = "SELECT case_id, number, chart, coding FROM versions ORDER BY case_id, number";
    let mut rows = sqlx::query(sql).fetch(&mut *read);
    while let Some(row) = rows.try_next().await? {
        found.versions += 1;
        let (chart, coding): (String, String) = (row.try_get(2)?, row.try_get(3)?);
        let whole = serde_json::from_str::<Chart>(&chart).is_ok() && serde_json::from_str::<Coding>(&coding).is_ok();
        if !whole {
            let (case, number): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            found.faults.push(format!("case {case}: version {number} cannot be read"));
        }
    }
    Ok(found)
}
