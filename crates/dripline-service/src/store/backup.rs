//! A store as one file of lines, from SQLite and PostgreSQL alike, and back into either.
//!
//! The first line names the tables' version; then each table with its columns and its rows, one a line; the last line
//! counts the rows and holds a digest of all lines between. It is a view of one moment: writers go on meanwhile. What
//! passes is not in it: who tried wrong passwords, from where people sign in, and who is on the way to a provider.

use std::fmt;
use std::io::{self, BufRead, Write};

use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::{Backend, Place, Store, StoreError, migrations};

/// The form of the file.
const FORM: u32 = 1;

/// What a store holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Rows of all tables.
    pub rows: u64,
    /// Digest of all rows: equal stores have the same.
    pub sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    dripline_backup: u32,
    /// The last migration of the tables.
    tables: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    table: String,
    columns: Vec<String>,
    /// Which of them are numbers; the others are texts.
    #[serde(skip)]
    numbers: Vec<bool>,
}

/// Why a backup cannot be made or read.
#[derive(Debug)]
pub enum BackupError {
    /// The store.
    Store(StoreError),
    /// The file.
    File(io::Error),
    /// The file is not a whole backup, or not one for this program.
    Content(String),
}

impl BackupError {
    /// What would mend it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            BackupError::Store(e) => e.help(),
            BackupError::File(_) => "see that there is room, and that you may write and read there",
            BackupError::Content(_) => "nothing was changed; take another backup",
        }
    }
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackupError::Store(e) => write!(f, "{e}"),
            BackupError::File(e) => write!(f, "{e}"),
            BackupError::Content(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for BackupError {}

impl From<StoreError> for BackupError {
    fn from(e: StoreError) -> Self {
        BackupError::Store(e)
    }
}

impl From<sqlx::Error> for BackupError {
    fn from(e: sqlx::Error) -> Self {
        BackupError::Store(e.into())
    }
}

impl From<io::Error> for BackupError {
    fn from(e: io::Error) -> Self {
        BackupError::File(e)
    }
}

fn content(what: impl Into<String>) -> BackupError {
    BackupError::Content(what.into())
}

/// Writes the store at a place as a backup. Its tables stay as they are, also where this program knows newer ones.
///
/// # Errors
/// The store cannot be read, or the file not be written.
pub async fn write(place: &Place, mut to: impl Write) -> Result<Totals, BackupError> {
    let store = Store::open_there(place).await?;
    let mut read = store.read().await?;
    let last: Option<i64> = sqlx::query("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut *read)
        .await
        .map_err(|_| StoreError::Open(format!("{place} holds no tables of dripline")))?
        .try_get(0)?;
    line(&mut to, &Head { dripline_backup: FORM, tables: last.unwrap_or(0) })?;
    let (mut digest, mut rows) = (Sha256::new(), 0);
    let mut put = |text: String| {
        digest.update(text.as_bytes());
        to.write_all(text.as_bytes())
    };
    for table in tables(&mut read, place.backend()).await? {
        put(text_of(&table))?;
        // Names come from the database itself; what refers to a row of its own table stands behind it.
        let order = if table.columns.len() > 1 { "1, 2" } else { "1" };
        let sql = format!("SELECT {} FROM {} ORDER BY {order}", table.columns.join(", "), table.table);
        let mut found = sqlx::query(AssertSqlSafe(sql)).fetch(&mut *read);
        while let Some(row) = found.try_next().await? {
            put(text_of(&values(&row, &table)?))?;
            rows += 1;
        }
    }
    let totals = Totals { rows, sha256: hex(digest) };
    line(&mut to, &totals)?;
    to.flush()?;
    Ok(totals)
}

/// Makes a new store at a place from a backup: all of it, or nothing.
///
/// # Errors
/// The place holds cases already, the file is not a whole backup, or one of a newer program.
pub async fn restore<R: BufRead>(place: &Place, read: impl Fn() -> io::Result<R>) -> Result<Totals, BackupError> {
    // Nothing is begun with a file that is not whole.
    let (tables_version, said) = whole(read()?)?;
    if tables_version > migrations::NEWEST {
        return Err(StoreError::Newer.into());
    }
    let store = Store::connect(place, true).await?;
    migrations::run_to(&store, tables_version).await?;
    let mut write = store.write().await?;
    let known = tables(&mut write, place.backend()).await?;
    for table in &known {
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM {}", table.table));
        let count: i64 = sqlx::query(sql).fetch_one(&mut *write).await?.try_get(0)?;
        if count > 0 {
            return Err(StoreError::Place(format!("{place} holds a store already")).into());
        }
    }
    let mut at: Option<(&Table, String)> = None;
    for line in read()?.lines().skip(1) {
        let line = line?;
        let value: Value = serde_json::from_str(&line).map_err(|_| content("a line is not JSON"))?;
        if value.get("sha256").is_some() {
            break;
        }
        match value {
            Value::Array(values) => {
                let (table, sql) = at.as_ref().ok_or_else(|| content("a row stands before its table"))?;
                insert(&mut write, table, sql, values).await?;
            }
            named => {
                let named: Table = serde_json::from_value(named).map_err(|_| content("a line is not of a backup"))?;
                let table = known.iter().find(|t| t.table == named.table && t.columns == named.columns);
                let table = table.ok_or_else(|| content("a table is not one of this program"))?;
                let places: Vec<String> = (1..=table.columns.len()).map(|n| format!("${n}")).collect();
                let (columns, places) = (table.columns.join(", "), places.join(", "));
                at = Some((table, format!("INSERT INTO {} ({columns}) VALUES ({places})", table.table)));
            }
        }
    }
    write.commit().await?;
    migrations::run(&store).await?;
    store.close().await;
    Ok(said)
}

async fn insert(
    connection: &mut AnyConnection,
    table: &Table,
    sql: &str,
    values: Vec<Value>,
) -> Result<(), BackupError> {
    if values.len() != table.columns.len() {
        return Err(content("a row does not have the columns of its table"));
    }
    let mut query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    for (value, number) in values.into_iter().zip(&table.numbers) {
        query = match (value, number) {
            (Value::Null, true) => query.bind(None::<i64>),
            (Value::Null, false) => query.bind(None::<String>),
            (Value::Number(n), true) => query.bind(n.as_i64().ok_or_else(|| content("a number is out of bounds"))?),
            (Value::String(text), false) => query.bind(text),
            _ => return Err(content("a value is not of the kind of its column")),
        };
    }
    query.execute(connection).await?;
    Ok(())
}

/// The version of the tables and the totals of a backup that is whole.
fn whole(mut from: impl BufRead) -> Result<(i64, Totals), BackupError> {
    let mut text = String::new();
    from.read_line(&mut text)?;
    let head: Head = serde_json::from_str(&text).map_err(|_| content("this is no backup of dripline"))?;
    if head.dripline_backup != FORM {
        return Err(content("the backup is of a form that this program does not know"));
    }
    let (mut digest, mut rows) = (Sha256::new(), 0);
    loop {
        text.clear();
        if from.read_line(&mut text)? == 0 || !text.ends_with('\n') {
            return Err(content("the backup is cut off"));
        }
        if text.starts_with('[') {
            rows += 1;
        } else if let Ok(said) = serde_json::from_str::<Totals>(&text) {
            let found = Totals { rows, sha256: hex(digest) };
            text.clear();
            return match said == found && from.read_line(&mut text)? == 0 {
                true => Ok((head.tables, said)),
                false => Err(content("the backup was changed since it was made")),
            };
        }
        digest.update(text.as_bytes());
    }
}

/// The tables with their columns, each behind those that it refers to.
async fn tables(connection: &mut AnyConnection, backend: Backend) -> Result<Vec<Table>, BackupError> {
    let (names, columns) = match backend {
        Backend::Sqlite => (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             AND name NOT IN ('_sqlx_migrations', 'attempts', 'known_addresses', 'sign_ins') ORDER BY rowid",
            "SELECT name, lower(type) FROM pragma_table_info($1) ORDER BY cid",
        ),
        Backend::Postgres => (
            "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind = 'r' AND n.nspname = current_schema() \
             AND c.relname NOT IN ('_sqlx_migrations', 'attempts', 'known_addresses', 'sign_ins') ORDER BY c.oid",
            "SELECT column_name::text, data_type::text FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
        ),
    };
    let mut tables = Vec::new();
    for row in sqlx::query(names).fetch_all(&mut *connection).await? {
        let name: String = row.try_get(0)?;
        let mut table = Table { table: name, columns: Vec::new(), numbers: Vec::new() };
        for row in sqlx::query(columns).bind(&table.table).fetch_all(&mut *connection).await? {
            table.columns.push(row.try_get(0)?);
            table.numbers.push(row.try_get::<String, _>(1)? == "bigint");
        }
        tables.push(table);
    }
    Ok(tables)
}

fn values(row: &AnyRow, table: &Table) -> Result<Vec<Value>, StoreError> {
    let mut values = Vec::with_capacity(table.columns.len());
    for (column, number) in table.numbers.iter().enumerate() {
        values.push(match number {
            true => row.try_get::<Option<i64>, _>(column)?.into(),
            false => row.try_get::<Option<String>, _>(column)?.into(),
        });
    }
    Ok(values)
}

fn text_of(value: &impl Serialize) -> String {
    let mut text = dripline_formats::json::line(value);
    text.push('\n');
    text
}

fn line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    to.write_all(text_of(value).as_bytes())
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|b| format!("{b:02x}")).collect()
}
