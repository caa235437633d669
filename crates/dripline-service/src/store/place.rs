//! Where a store is.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::StoreError;

/// What keeps the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// A file, or the address of a database of PostgreSQL.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file; it is made if it is not there.
    File(PathBuf),
    /// `postgres://…`
    Server(String),
}

impl FromStr for Place {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let wrong = |what: &str| Err(StoreError::Place(what.to_owned()));
        match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) if !cfg!(feature = "postgres") => {
                wrong("this program was built without PostgreSQL")
            }
            Some(("postgres" | "postgresql", rest)) => match host(rest) {
                Some(host) if !is_here(host) => wrong(
                    "the server is on another machine, and charts do not go over a network unencrypted; \
                     bring its port here through a tunnel",
                ),
                _ => Ok(Place::Server(text.to_owned())),
            },
            Some(("sqlite" | "file", path)) if !path.is_empty() => Ok(Place::File(PathBuf::from(path))),
            Some(_) => wrong("an address of this kind is not known"),
            None if text.is_empty() => wrong("no place is named"),
            None => Ok(Place::File(PathBuf::from(text))),
        }
    }
}

/// The host of what follows `postgres://`; none for a socket of this machine.
fn host(rest: &str) -> Option<&str> {
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let asked = query.split('&').filter_map(|p| p.split_once('=')).filter(|p| matches!(p.0, "host" | "hostaddr"));
    // They stand in the address's stead; one that is elsewhere is one too many.
    let asked: Vec<&str> = asked.map(|p| p.1).collect();
    if let Some(host) = asked.iter().find(|host| !is_here(host)).or(asked.first()) {
        return Some(host);
    }
    let authority = before.split('/').next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    let name = match host.strip_prefix('[').and_then(|h| h.split_once(']')) {
        Some((name, _)) => name,
        None => host.split(':').next().unwrap_or(""),
    };
    (!name.is_empty()).then_some(name)
}

/// Whether a host is this machine: a name, an address, or a folder with a socket.
fn is_here(host: &str) -> bool {
    host == "localhost"
        || host.starts_with('/')
        || host.to_ascii_lowercase().starts_with("%2f")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl Place {
    /// What keeps it.
    #[must_use]
    pub fn backend(&self) -> Backend {
        match self {
            Place::File(_) => Backend::Sqlite,
            Place::Server(_) => Backend::Postgres,
        }
    }

    /// The address for the driver. A file that is not there may be made, for its owner alone.
    pub(super) fn prepare(&self, may_make: bool) -> Result<String, StoreError> {
        match self {
            Place::Server(url) => {
                // The driver reads these where the address names no host.
                let named = url.split_once("://").is_some_and(|(_, rest)| host(rest).is_some());
                let others = ["PGHOST", "PGHOSTADDR"].iter().filter_map(|name| std::env::var(name).ok());
                match !named && others.into_iter().any(|host| !is_here(&host)) {
                    true => Err(StoreError::Place("PGHOST or PGHOSTADDR names another machine".to_owned())),
                    false => Ok(url.clone()),
                }
            }
            Place::File(path) => {
                let fail = |e: std::io::Error| StoreError::Open(format!("{}: {e}", path.display()));
                if may_make {
                    make(path).map_err(fail)?;
                }
                let path = fs::canonicalize(path).map_err(fail)?;
                Ok(format!("sqlite://{}?mode=rw", escaped(&path)?))
            }
        }
    }

    pub(super) fn unopened(&self, error: &sqlx::Error) -> StoreError {
        if let sqlx::Error::Database(e) = error
            && e.code().as_deref() == Some("5")
        {
            return StoreError::Busy;
        }
        // Nothing that is stored was read yet: the driver's own words can be told.
        StoreError::Open(format!("{self} cannot be opened: {error}"))
    }
}

/// Without a password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Server(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let rest = rest.split('?').next().unwrap_or("");
                let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
                let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
                let (user, at) = (user.split(':').next().unwrap_or(""), if user.is_empty() { "" } else { "@" });
                write!(f, "{scheme}://{user}{at}{host}/{database}")
            }
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Makes an empty file that others cannot read, where there is none.
fn make(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    // One that is there is not touched: to close it would end the locks that this process holds on it.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

/// A path as a part of an address.
fn escaped(path: &Path) -> Result<String, StoreError> {
    let text = path.to_str().ok_or_else(|| StoreError::Place(format!("{}: the path is not UTF-8", path.display())))?;
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte))
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(escaped)
}

#[cfg(test)]
mod tests {
    use super::{Backend, Place};

    #[test]
    fn places_are_told_apart() {
        let of = |text: &str| text.parse::<Place>().map(|p| p.backend());
        for file in ["cases.db", "/tmp/a b?c.db", "sqlite:///tmp/x.db", "./postgres"] {
            assert_eq!(of(file).ok(), Some(Backend::Sqlite), "{file}");
        }
        for server in [
            "postgres:///dripline",
            "postgres://u:p@localhost/d",
            "postgresql://u@127.0.0.1:5433/d",
            "postgres://u@[::1]:5432/d",
            "postgres://u@%2Frun%2Fpostgresql/d",
            "postgres:///d?host=/run/postgresql",
        ] {
            assert_eq!(of(server).ok(), Some(Backend::Postgres), "{server}");
        }
        for wrong in [
            "",
            "mysql://localhost/d",
            "postgres://db.example/d",
            "postgres://localhost@db.example/d",
            "postgres://localhost/d?host=db.example",
            "postgres://localhost/d?host=localhost&hostaddr=10.0.0.7",
            "postgres://10.0.0.7/d",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let place: Place = "postgres://u:secret@localhost:5433/d?password=secret".parse().unwrap();
        assert_eq!(place.to_string(), "postgres://u@localhost:5433/d");
        assert_eq!(format!("{place:?}"), "postgres://u@localhost:5433/d");
    }
}
