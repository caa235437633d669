//! What the service keeps: in a SQLite file, or in PostgreSQL.
//!
//! One SQL text serves both: placeholders `$1`, columns of TEXT and BIGINT, times as RFC 3339 text in UTC. Numbers are
//! given by the program. Writers take turns, also those of several processes, so what a writer read stays true until it
//! commits:
//!
//! ```
//! # use dripline_service::store::{Store, StoreError};
//! # async fn example(store: &Store) -> Result<(), StoreError> {
//! let mut write = store.write().await?;
//! sqlx::query("UPDATE settings SET value = $1 WHERE name = $2").bind("on").bind("money").execute(&mut *write).await?;
//! write.commit().await
//! # }
//! ```

pub mod backup;
mod migrations;
mod place;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{Any, AnyConnection, AnyPool, Executor as _, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

pub use place::{Backend, Place};

/// For connections, and for the turn to write.
const PATIENCE: Duration = Duration::from_secs(10);
const CONNECTIONS: u32 = 8;

/// What is said to a SQLite connection before it is used.
const PRAGMAS: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF;";

/// The number of the lock that writers of PostgreSQL take in turn: `dripline` in letters.
const TURN: &str = "SELECT pg_advisory_xact_lock(7237129438164709989)";

/// An open database with the newest tables. A clone is cheap and is the same.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    place: Arc<Place>,
    turn: Arc<Mutex<()>>,
}

/// The turn to write. What is not committed is as if it had never been.
#[derive(Debug)]
pub struct Write {
    transaction: Transaction<'static, Any>,
    _turn: OwnedMutexGuard<()>,
}

/// A view of the store in which nothing changes.
pub type Read = Transaction<'static, Any>;

/// Why the store cannot be used. Holds nothing of what is stored.
#[derive(Debug)]
pub enum StoreError {
    /// The place is not one.
    Place(String),
    /// The database is on another machine, and the way there is not safe: why.
    Elsewhere(&'static str),
    /// The database cannot be opened.
    Open(String),
    /// The server of the database does not prove that it is the one that was meant.
    Untrusted(String),
    /// A newer version of the program made its tables.
    Newer,
    /// It did not take a connection or a write in time.
    Busy,
    /// A statement failed; what the database calls it.
    Failed(String),
}

impl StoreError {
    /// What would mend it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            StoreError::Place(_) => "name a file, or an address as postgres://user@localhost/dripline",
            StoreError::Elsewhere(_) => {
                "write postgres://USER@HOST/DATABASE?sslmode=verify-full, with &sslrootcert=FILE where the root of its \
                 certificate is not one that this machine trusts"
            }
            StoreError::Untrusted(_) => {
                "ask for it by the name in its certificate, and name the root that signed that: &sslrootcert=FILE"
            }
            StoreError::Open(_) => "see that the file or the server is there and that you may write to it",
            StoreError::Newer => "use the version that made it, or a newer one",
            StoreError::Busy => "try again in a second",
            StoreError::Failed(_) => "see the database's own log",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Place(what) | StoreError::Open(what) | StoreError::Untrusted(what) => f.write_str(what),
            StoreError::Elsewhere(why) => write!(f, "the server is on another machine, and {why}"),
            StoreError::Newer => f.write_str("a newer version of dripline has changed the store"),
            StoreError::Busy => f.write_str("the store is busy"),
            StoreError::Failed(code) => write!(f, "the store failed: {code}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// A database's message may quote what is stored: only its kind goes on.
impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => StoreError::Busy,
            sqlx::Error::Database(e) => match e.code() {
                // SQLite: busy, and busy in a snapshot that is out of date.
                Some(code) if matches!(&*code, "5" | "517") => StoreError::Busy,
                code => StoreError::Failed(format!("{:?}, code {}", e.kind(), code.unwrap_or_default())),
            },
            sqlx::Error::Io(e) => StoreError::Failed(e.kind().to_string()),
            sqlx::Error::RowNotFound => StoreError::Failed("a row is missing".to_owned()),
            sqlx::Error::ColumnNotFound(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                StoreError::Failed("a row is not of the expected shape".to_owned())
            }
            sqlx::Error::PoolClosed => StoreError::Failed("it is closed".to_owned()),
            _ => StoreError::Failed("the connection is of no use".to_owned()),
        }
    }
}

impl Store {
    /// Opens the store at a place, and brings its tables up to date.
    ///
    /// # Errors
    /// The place is not one, cannot be opened, or holds tables of a newer version.
    pub async fn open(place: &Place) -> Result<Self, StoreError> {
        let mut tries = 0;
        loop {
            let opened = async {
                let store = Store::connect(place, true).await?;
                migrations::run(&store).await?;
                Ok(store)
            };
            match opened.await {
                // Somebody else makes the same new file at this moment, and one of the two comes second.
                Err(StoreError::Busy | StoreError::Failed(_)) if place.backend() == Backend::Sqlite && tries < 40 => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                opened => return opened,
            }
        }
    }

    /// Opens the store as it was when its tables were of an earlier version; for tests of what comes after.
    #[doc(hidden)]
    pub async fn open_as_of(place: &Place, version: i64) -> Result<Self, StoreError> {
        let store = Store::connect(place, true).await?;
        migrations::run_to(&store, version).await?;
        Ok(store)
    }

    /// Opens a store that is there already, and leaves its tables as they are.
    ///
    /// # Errors
    /// It is not there, or cannot be opened.
    pub async fn open_there(place: &Place) -> Result<Self, StoreError> {
        Store::connect(place, false).await
    }

    /// Opens the store and leaves its tables as they are; may make a file that is not there.
    async fn connect(place: &Place, make: bool) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let url = place.prepare(make)?;
        let backend = place.backend();
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if backend == Backend::Sqlite {
                        connection.execute(PRAGMAS).await?;
                    }
                    Ok(())
                })
            })
            .connect(&url)
            .await
            .map_err(|e| place.unopened(&e))?;
        Ok(Store { pool, place: Arc::new(place.clone()), turn: Arc::default() })
    }

    /// The version of the newest tables.
    #[doc(hidden)]
    #[must_use]
    pub fn newest() -> i64 {
        migrations::NEWEST
    }

    /// Where it is; without a password.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Waits for the turn to write.
    ///
    /// # Errors
    /// The database does not answer in time.
    pub async fn write(&self) -> Result<Write, StoreError> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turn).lock_owned());
        let turn = turn.await.map_err(|_| StoreError::Busy)?;
        let transaction = match self.place.backend() {
            Backend::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            Backend::Postgres => {
                let mut transaction = self.pool.begin().await?;
                (&mut *transaction).execute(TURN).await?;
                transaction
            }
        };
        Ok(Write { transaction, _turn: turn })
    }

    /// A view in which nothing changes while it is read.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn read(&self) -> Result<Read, StoreError> {
        Ok(match self.place.backend() {
            Backend::Sqlite => self.pool.begin().await?,
            Backend::Postgres => self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
        })
    }

    /// Whether the database answers soon.
    pub async fn answers(&self) -> bool {
        let asked = sqlx::query("SELECT 1").fetch_one(&self.pool);
        matches!(tokio::time::timeout(Duration::from_secs(2), asked).await, Ok(Ok(_)))
    }

    /// Ends every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }
}

impl Write {
    /// Makes it last.
    ///
    /// # Errors
    /// The database did not take it.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await?)
    }
}

impl Deref for Write {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.transaction
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }
}
