//! The tables, from their first form to the newest.

use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::place::Backend;
use super::{Store, StoreError};

/// Every migration in its order. One that has landed is never edited: what it did is checked against its text. Numbers may
/// be left out, and one of them may be filled in later: a store gets whatever it lacks, each once.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "cases", include_str!("../../migrations/0001_cases.sql")),
    (2, "access", include_str!("../../migrations/0002_access.sql")),
    (3, "corrections", include_str!("../../migrations/0003_corrections.sql")),
    (4, "patience", include_str!("../../migrations/0004_patience.sql")),
];

/// The version of the newest tables.
pub(super) const NEWEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Brings the tables up to date.
pub(super) async fn run(store: &Store) -> Result<(), StoreError> {
    run_to(store, NEWEST).await
}

/// Brings the tables up to a version.
pub(super) async fn run_to(store: &Store, last: i64) -> Result<(), StoreError> {
    run_those(store, |version| version <= last).await
}

async fn run_those(store: &Store, wanted: impl Fn(i64) -> bool) -> Result<(), StoreError> {
    let backend = store.place().backend();
    let list = MIGRATIONS.iter().filter(|m| wanted(m.0)).map(|&(version, name, text)| {
        let sql = AssertSqlSafe(written_out(text, backend)).into_sql_str();
        Migration::new(version, name.into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(list.collect()).run(store.pool()).await.map_err(|e| match e {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => StoreError::Newer,
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => e.into(),
        other => StoreError::Open(format!("the tables cannot be brought up to date: {other}")),
    })
}

/// A migration with its `--:` lines written out for a database.
fn written_out(text: &str, backend: Backend) -> String {
    let mut sql = String::new();
    if backend == Backend::Postgres {
        sql.push_str(
            "CREATE OR REPLACE FUNCTION dripline_refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'this is never changed'; END $$;\n",
        );
    }
    for line in text.lines() {
        match line.strip_prefix("--: ") {
            None => sql.push_str(line),
            Some(rule) => {
                let (events, table): (Vec<String>, &str) = if let Some(table) = rule.strip_prefix("append only ") {
                    (vec!["UPDATE".into(), "DELETE".into(), "TRUNCATE".into()], table)
                } else if let Some(table) = rule.strip_prefix("never deleted ") {
                    (vec!["DELETE".into(), "TRUNCATE".into()], table)
                } else if let Some((table, columns)) = rule.strip_prefix("fixed ").and_then(|r| r.split_once(' ')) {
                    (vec![format!("UPDATE OF {columns}")], table)
                } else {
                    // A test writes out every migration.
                    panic!("`{rule}` is not known");
                };
                for event in events {
                    sql.push_str(&refused(table, &event, backend));
                }
            }
        }
        sql.push('\n');
    }
    sql
}

/// A trigger that refuses a change of a table.
fn refused(table: &str, event: &str, backend: Backend) -> String {
    let name = format!("{table}_no_{}", event.split(' ').next().unwrap_or("").to_ascii_lowercase());
    match backend {
        Backend::Sqlite if event == "TRUNCATE" => String::new(),
        Backend::Sqlite => format!(
            "CREATE TRIGGER {name} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, 'this is never changed'); END;\n"
        ),
        Backend::Postgres => {
            let each = if event == "TRUNCATE" { "STATEMENT" } else { "ROW" };
            format!(
                "CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {each} EXECUTE FUNCTION dripline_refuse();\n"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Backend, MIGRATIONS, NEWEST, Store, StoreError, run, run_those, written_out};
    use crate::store::Place;

    #[test]
    fn migrations_stand_in_order_and_can_be_written_out() {
        assert!(MIGRATIONS.is_sorted_by(|a, b| a.0 < b.0));
        for (_, _, text) in MIGRATIONS {
            for backend in [Backend::Sqlite, Backend::Postgres] {
                assert!(!written_out(text, backend).contains("--:"));
            }
        }
    }

    /// Two branches of the program may each bring one, and a store may meet them in either order.
    #[tokio::test]
    async fn a_number_between_is_filled_in_later() {
        let folder = std::env::temp_dir().join(format!("dripline-migrations-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let store = Store::connect(&Place::File(folder.join("cases.db")), true).await.unwrap();
        run_those(&store, |version| version != 2).await.unwrap();
        assert!(sqlx::query("SELECT name FROM accounts").fetch_all(store.pool()).await.is_err());
        run(&store).await.unwrap();
        run(&store).await.unwrap();
        sqlx::query("SELECT name FROM accounts").fetch_all(store.pool()).await.unwrap();
        let sql = "SELECT version FROM _sqlx_migrations ORDER BY version";
        let versions: Vec<i64> = sqlx::query_scalar(sql).fetch_all(store.pool()).await.unwrap();
        assert_eq!(versions, MIGRATIONS.iter().map(|m| m.0).collect::<Vec<_>>());
        // One that a program does not know it leaves alone, wherever its number stands.
        assert!(matches!(run_those(&store, |version| version == NEWEST).await, Err(StoreError::Newer)));
        let _ = std::fs::remove_dir_all(folder);
    }
}
