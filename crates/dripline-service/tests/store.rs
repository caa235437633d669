//! The store, on SQLite and PostgreSQL.

mod common;

use common::stores::{each, each_open, file};
use dripline_service::store::{Place, Store, StoreError};
use sqlx::{Executor as _, Row as _};

#[tokio::test]
async fn a_store_is_made_opened_again_and_keeps_what_was_committed() {
    each(|place| async move {
        let store = Store::open(&place).await.unwrap();
        let mut write = store.write().await.unwrap();
        let insert = "INSERT INTO settings (name, value) VALUES ($1, $2)";
        sqlx::query(insert).bind("a").bind("é \u{1F489} ' \" ; --").execute(&mut *write).await.unwrap();
        write.commit().await.unwrap();
        let mut lost = store.write().await.unwrap();
        sqlx::query(insert).bind("b").bind("2").execute(&mut *lost).await.unwrap();
        drop(lost);
        store.close().await;
        let store = Store::open(&place).await.unwrap();
        let rows = sqlx::query("SELECT name, value FROM settings").fetch_all(&mut *store.read().await.unwrap()).await;
        let rows: Vec<(String, String)> = rows.unwrap().iter().map(|r| (r.get(0), r.get(1))).collect();
        assert_eq!(rows, [("a".to_owned(), "é \u{1F489} ' \" ; --".to_owned())]);
    })
    .await;
}

#[tokio::test]
async fn writers_take_turns_across_openings() {
    each(|place| async move {
        let stores = [Store::open(&place).await.unwrap(), Store::open(&place).await.unwrap()];
        let mut write = stores[0].write().await.unwrap();
        write.execute("INSERT INTO settings (name, value) VALUES ('n', '0')").await.unwrap();
        write.commit().await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for i in 0..20 {
            let store = stores[i % 2].clone();
            tasks.spawn(async move {
                let mut write = store.write().await.unwrap();
                let row =
                    sqlx::query("SELECT value FROM settings WHERE name = 'n'").fetch_one(&mut *write).await.unwrap();
                let n: i64 = row.get::<String, _>(0).parse().unwrap();
                let update = sqlx::query("UPDATE settings SET value = $1 WHERE name = 'n'").bind((n + 1).to_string());
                update.execute(&mut *write).await.unwrap();
                write.commit().await.unwrap();
            });
        }
        tasks.join_all().await;
        let row = sqlx::query("SELECT value FROM settings").fetch_one(&mut *stores[0].read().await.unwrap()).await;
        assert_eq!(row.unwrap().get::<String, _>(0), "20");
    })
    .await;
}

#[tokio::test]
async fn history_refuses_to_be_changed() {
    each_open(|store| async move {
        let mut write = store.write().await.unwrap();
        write.execute("INSERT INTO history (id, at, actor, action) VALUES (1, 't', 'a', 'b')").await.unwrap();
        write.commit().await.unwrap();
        for change in [
            "UPDATE history SET actor = 'x'",
            "DELETE FROM history",
            "INSERT INTO history (id, at, actor, action) VALUES (1, 't', 'x', 'b')",
        ] {
            let mut write = store.write().await.unwrap();
            assert!(write.execute(change).await.is_err(), "{change}");
        }
        let row = sqlx::query("SELECT actor FROM history").fetch_one(&mut *store.read().await.unwrap()).await;
        assert_eq!(row.unwrap().get::<String, _>(0), "a");
    })
    .await;
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_alone() {
    each(|place| async move {
        let store = Store::open(&place).await.unwrap();
        let mut write = store.write().await.unwrap();
        let newer = "INSERT INTO _sqlx_migrations SELECT 1000, 'newer', installed_on, success, checksum, execution_time \
                     FROM _sqlx_migrations WHERE version = 1";
        write.execute(newer).await.unwrap();
        write.commit().await.unwrap();
        store.close().await;
        assert!(matches!(Store::open(&place).await, Err(StoreError::Newer)));
    })
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_is_its_owner_s_alone() {
    use std::os::unix::fs::MetadataExt as _;
    let place = file();
    let store = Store::open(&place).await.unwrap();
    store.write().await.unwrap().commit().await.unwrap();
    let Place::File(path) = &place else { panic!("{place}") };
    for end in ["", "-wal", "-shm"] {
        let mode = std::fs::metadata(format!("{}{end}", path.display())).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{end}");
    }
}
