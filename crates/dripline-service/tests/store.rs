//! The store, on SQLite and PostgreSQL.

mod common;

use common::stores::{database, each, each_open, file};
use dripline_service::queue::check::check;
use dripline_service::store::{Place, Store, StoreError, backup};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_store_may_be_opened_by_several_at_the_same_time() {
    for _ in 0..5 {
        each(|place| async move {
            let mut opening = tokio::task::JoinSet::new();
            for _ in 0..6 {
                let place = place.clone();
                opening.spawn(async move { Store::open(&place).await.map(drop) });
            }
            for opened in opening.join_all().await {
                opened.unwrap();
            }
        })
        .await;
    }
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

/// A row in each table, as the version of the tables allows.
async fn filled(store: &Store) {
    let mut write = store.write().await.unwrap();
    for sql in [
        "INSERT INTO cases (id, name, idempotency_key, body_hash, received_at, received_by, setting, service_date, \
         options, body_type, body, version, revision, decision, waiting) VALUES \
         (1, 'A ''x'' é', 'k', 'h', '2026-01-05T10:00:00.000000Z', 'a', 'office', '2026-01-05', \
         '{\"profile\":null,\"set\":[]}', 'text/plain', 'office', 2, 2, 'open', 0)",
        "INSERT INTO versions VALUES (1, 1, '{}', '[]', '{}', '{}', 't', 'a', 'received')",
        "INSERT INTO versions VALUES (1, 2, '{}', '[]', '{}', '{}', 't', 'a', 'answered')",
        "INSERT INTO queries VALUES (1, 1, 0, 'stop', 'nurse', 0)",
        "INSERT INTO answers VALUES (1, 2, 'stop', '[]', '[]', '\"as_charted\"', 'a', 't', 'late', 'p', 0, 1, 't', 'a')",
        "INSERT INTO claims VALUES (1, 1, 'original', 1, NULL, '{}', '{}', 't', 'a')",
        "INSERT INTO claims VALUES (1, 2, 'credit', 1, 1, '{}', '{}', 't', 'a')",
        "INSERT INTO record_requests VALUES (1, 1, 'p', '2026-01-05', 't', 'a')",
        "INSERT INTO history VALUES (1, 1, 't', 'a', 'received', NULL, '{}', 'line\nbreak')",
        "INSERT INTO history VALUES (2, NULL, 't', 'a', 'money', NULL, NULL, NULL)",
        "INSERT INTO settings VALUES ('money', 'on')",
    ] {
        write.execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    write.commit().await.unwrap();
}

async fn backed_up(place: &Place) -> (Vec<u8>, backup::Totals) {
    let mut bytes = Vec::new();
    let totals = backup::write(place, &mut bytes).await.unwrap();
    (bytes, totals)
}

#[tokio::test]
async fn a_backup_comes_back_in_either_kind_of_store() {
    each(|place| async move {
        let store = Store::open(&place).await.unwrap();
        filled(&store).await;
        let (bytes, totals) = backed_up(&place).await;
        assert!(totals.rows >= 11, "{totals:?}");
        let targets = [Some(file()), database().await];
        for target in targets.into_iter().flatten() {
            assert_eq!(backup::restore(&target, || Ok(bytes.as_slice())).await.unwrap(), totals);
            let (again, same) = backed_up(&target).await;
            assert!(again == bytes && same == totals, "{place} {target}");
            // The tables still refuse what they refused.
            let mut write = Store::open(&target).await.unwrap().write().await.unwrap();
            assert!(write.execute("DELETE FROM history").await.is_err());
            drop(write);
            // Never over another store.
            assert!(backup::restore(&target, || Ok(bytes.as_slice())).await.is_err());
            assert_eq!(backed_up(&target).await.1, totals);
        }
    })
    .await;
}

#[tokio::test]
async fn a_backup_that_is_not_whole_makes_nothing() {
    each(|place| async move {
        let store = Store::open(&place).await.unwrap();
        filled(&store).await;
        let (bytes, totals) = backed_up(&place).await;
        let text = String::from_utf8(bytes).unwrap();
        let newer = text.replacen("\"tables\":", "\"tables\":9", 1);
        let changed = text.replacen("office", "OFFICE", 1);
        let half: String = text.split_inclusive('\n').take(4).collect();
        let more = format!("{text}[]\n");
        let cut = &text[..text.len() - 2];
        for (what, wrong) in
            [("newer", newer.as_str()), ("changed", &changed), ("half", &half), ("more", &more), ("cut", cut), ("", "")]
        {
            let target = file();
            assert!(backup::restore(&target, || Ok(wrong.as_bytes())).await.is_err(), "{what}");
            if let Ok(store) = Store::open(&target).await {
                let rows = sqlx::query("SELECT id FROM cases").fetch_all(&mut *store.read().await.unwrap()).await;
                assert!(rows.unwrap().is_empty(), "{what}");
            }
        }
        assert_eq!(backed_up(&place).await.1, totals);
    })
    .await;
}

#[tokio::test]
async fn tables_of_every_earlier_version_come_up_to_date_with_what_they_hold() {
    each(|place| async move {
        for version in 1..=Store::newest() {
            let place = match &place {
                Place::File(_) => file(),
                Place::Server(_) => database().await.unwrap(),
            };
            let old = Store::open_as_of(&place, version).await.unwrap();
            filled(&old).await;
            old.close().await;
            let (before, _) = backed_up(&place).await;
            assert_eq!(check(&place).await.unwrap().cases, 1, "{version}");
            let store = Store::open(&place).await.unwrap();
            let mut read = store.read().await.unwrap();
            let row = sqlx::query("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut *read).await.unwrap();
            assert_eq!(row.get::<i64, _>(0), Store::newest());
            drop(read);
            // Every row that was there still is, if with further columns.
            let after = String::from_utf8(backed_up(&place).await.0).unwrap();
            for line in String::from_utf8(before.clone()).unwrap().lines().filter(|l| l.starts_with('[')) {
                let longer = format!("{},", line.trim_end_matches(']'));
                let there = after.lines().any(|l| l == line || l.starts_with(&longer));
                assert!(there, "{version}: {line}");
            }
            // And a backup of then can be restored now.
            let target = file();
            backup::restore(&target, || Ok(before.as_slice())).await.unwrap();
            assert_eq!(String::from_utf8(backed_up(&target).await.0).unwrap(), after);
        }
    })
    .await;
}
