//! An export of the queue.

use dripline::coding::Coding;
use dripline_formats::diff::Answer as Claim;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::reading::{outdated, select};
use super::{Head, stored};
use crate::queue::filter::Filter;
use crate::queue::view::Summary;
use crate::state::AppState;
use crate::store::{Store, StoreError};

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
