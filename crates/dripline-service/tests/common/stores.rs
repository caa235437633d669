//! Stores for tests: each test runs on a SQLite file and, where a server can be started, on PostgreSQL.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};

use dripline_service::store::{Place, Store};

/// Runs a test on every kind of store, each new.
pub async fn each<F: Future<Output = ()>>(test: impl Fn(Place) -> F) {
    test(file()).await;
    if let Some(server) = database().await {
        test(server).await;
    }
}

/// As [`each`], with the store open.
pub async fn each_open<F: Future<Output = ()>>(test: impl Fn(Store) -> F) {
    let test = &test;
    each(|place| async move { test(Store::open(&place).await.unwrap()).await }).await;
}

/// Puts copies of the first case into a store, from one number to another.
pub async fn copied(store: &Store, first: i64, last: i64) {
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (SELECT CAST({first} AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {last}) "
    );
    let mut write = store.write().await.unwrap();
    for (table, own, values, of, rest) in [
        (
            "cases",
            "id, idempotency_key",
            "i, 'copy' || i",
            "id",
            "name, body_hash, received_at, received_by, setting, service_date, options, body_type, body, version, \
             revision, decision, reason, waiting, coded_by",
        ),
        ("versions", "case_id", "i", "case_id", "number, chart, assumptions, coding, rule_set, made_at, made_by, why"),
    ] {
        let copy =
            format!("INSERT INTO {table} ({own}, {rest}) SELECT {values}, {rest} FROM {table}, n WHERE {of} = 1");
        sqlx::query(sqlx::AssertSqlSafe(format!("{numbers}{copy}"))).execute(&mut *write).await.unwrap();
    }
    write.commit().await.unwrap();
}

/// A name of a store that no other test has.
fn new_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("dripline_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A file that is not there yet.
pub fn file() -> Place {
    Place::File(FOLDER.join(format!("{}.db", new_name())))
}

/// What tests of an hour ago left behind is taken away.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stores");
    std::fs::create_dir_all(&folder).unwrap();
    let own = format!("dripline_{}_", std::process::id());
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
        let old = age.is_some_and(|age| age.as_secs() > 3600);
        if old || entry.file_name().to_string_lossy().starts_with(&own) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    folder
});

/// An empty database of PostgreSQL.
pub async fn database() -> Option<Place> {
    let url = SERVER.lock().unwrap().as_ref()?.url.clone();
    let name = new_name();
    sqlx::any::install_default_drivers();
    let mut connection = <sqlx::AnyConnection as sqlx::Connection>::connect(&format!("{url}/postgres")).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create).execute(&mut connection).await.unwrap();
    Some(format!("{url}/{name}").parse().unwrap())
}

/// A server of this test process; it stops when the process is gone, however it goes.
pub struct Server {
    pub url: String,
    _running: Option<Child>,
}

/// A server that takes connections under TLS alone, from other machines too, and shows a certificate, whose key it has.
pub fn start_with(certificate: &str, key: &str) -> Result<Server, String> {
    start(Some((certificate, key)))
}

static SERVER: LazyLock<Mutex<Option<Server>>> = LazyLock::new(|| {
    let server = match std::env::var("DRIPLINE_TEST_POSTGRES") {
        Ok(url) => Ok(Server { url: url.trim_end_matches('/').to_owned(), _running: None }),
        Err(_) => start(None),
    };
    if let Err(why) = &server {
        eprintln!("PostgreSQL tests SKIPPED: {why}");
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI needs them");
    }
    Mutex::new(server.ok())
});

/// Holds the server until its own input ends. Its folder goes with it.
const KEEPER: &str = r#"
"$BIN/postgres" -D "$DATA" -c listen_addresses="$AT" -c port=$PORT -c unix_socket_directories= >"$DATA/log" 2>&1 &
server=$!
read -r _
kill -INT $server
wait $server
rm -rf "$DATA"
"#;

/// Puts the certificate where the server takes it: its key is its user's alone.
const SHOWN: &str = r#"
umask 077
printf '%s' "$KEY" >"$DATA/server.key"
printf '%s' "$CERTIFICATE" >"$DATA/server.crt"
printf "ssl = on\n" >>"$DATA/postgresql.conf"
printf 'hostssl all all all trust\n' >"$DATA/pg_hba.conf"
"#;

fn start(shown: Option<(&str, &str)>) -> Result<Server, String> {
    let bin = bin().ok_or("no server; install the package postgresql, or set DRIPLINE_TEST_POSTGRES")?;
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?.port();
    let data = std::env::temp_dir().join(format!("dripline-postgres-{}-{port}", std::process::id()));
    // The server refuses to run as root.
    let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0\n"));
    let command = |program: &str| {
        let mut command = match root {
            true => {
                let mut command = Command::new("runuser");
                command.args(["-u", "postgres", "--", program]);
                command
            }
            false => Command::new(program),
        };
        command.current_dir(std::env::temp_dir()).env("LC_ALL", "C").env_remove("PGHOST").env_remove("PGPORT");
        command
    };
    let made = command(&bin.join("initdb").display().to_string())
        .args(["-U", "dripline", "-A", "trust", "-E", "UTF8", "--no-sync", "-D"])
        .arg(&data)
        .output()
        .map_err(|e| format!("initdb: {e}"))?;
    if !made.status.success() {
        return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)));
    }
    if let Some((certificate, key)) = shown {
        let put = command("sh")
            .args(["-c", SHOWN])
            .env("DATA", &data)
            .env("KEY", key)
            .env("CERTIFICATE", certificate)
            .output()
            .map_err(|e| e.to_string())?;
        assert!(put.status.success(), "{}", String::from_utf8_lossy(&put.stderr));
    }
    let keeper = command("sh")
        .args(["-c", KEEPER])
        .env("BIN", &bin)
        .env("DATA", &data)
        .env("PORT", port.to_string())
        .env("AT", if shown.is_some() { "*" } else { "127.0.0.1" })
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| e.to_string())?;
    for _ in 0..100 {
        let ready = command(&bin.join("pg_isready").display().to_string())
            .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
            .status();
        if ready.is_ok_and(|s| s.success()) {
            return Ok(Server { url: format!("postgres://dripline@127.0.0.1:{port}"), _running: Some(keeper) });
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Err("the server did not start".to_owned())
}

/// The folder of the server's programs, the newest if there are several.
fn bin() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|dir| dir.filter_map(|e| Some(e.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    found.extend(std::env::split_paths(&path));
    found.into_iter().rfind(|dir| dir.join("initdb").is_file() && dir.join("pg_isready").is_file())
}
