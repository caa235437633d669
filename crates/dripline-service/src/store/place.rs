//! Where a store is.

use std::fmt;
use std::fs;
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
            Some(("postgres" | "postgresql", _)) => {
                is_safe(text)?;
                Ok(Place::Server(text.to_owned()))
            }
            Some(("sqlite" | "file", path)) if !path.is_empty() => Ok(Place::File(PathBuf::from(path))),
            Some(_) => wrong("an address of this kind is not known"),
            None if text.is_empty() => wrong("no place is named"),
            None => Ok(Place::File(PathBuf::from(text))),
        }
    }
}

/// Refuses a server of another machine that does not prove who it is. The driver itself says what it makes of an address:
/// parameters, encoded ones too, and the environment may name another host than the one that stands first.
#[cfg(feature = "postgres")]
fn is_safe(url: &str) -> Result<(), StoreError> {
    use sqlx::postgres::{PgConnectOptions, PgSslMode};
    // The driver's own words would repeat what it read, and that may be a password.
    let options: PgConnectOptions =
        url.parse().map_err(|_| StoreError::Place("the address of the server cannot be read".to_owned()))?;
    if options.get_socket().is_some() || is_here(options.get_host()) {
        return Ok(());
    }
    let weaker = match options.get_ssl_mode() {
        PgSslMode::VerifyFull => return Ok(()),
        // The driver takes any root that the machine trusts besides, so any name with a public certificate would do.
        PgSslMode::VerifyCa => "sslmode=verify-ca does not look whose certificate it is",
        PgSslMode::Require => "sslmode=require does not look at the certificate",
        _ => "charts do not go over a network unencrypted",
    };
    Err(StoreError::Elsewhere(weaker))
}

#[cfg(not(feature = "postgres"))]
fn is_safe(_: &str) -> Result<(), StoreError> {
    Err(StoreError::Place("this program was built without PostgreSQL".to_owned()))
}

/// Whether a host is this machine: a name, an address, or a folder with a socket.
#[cfg(feature = "postgres")]
fn is_here(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || host.starts_with('/')
        || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
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
            Place::Server(url) => is_safe(url).map(|()| url.clone()),
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
        let untrusted = |text: &str| ["certificate", "Certificate", "TLS"].iter().any(|word| text.contains(word));
        if matches!(error, sqlx::Error::Tls(_) | sqlx::Error::Io(_)) && untrusted(&error.to_string()) {
            return StoreError::Untrusted(format!("{self} is not trusted: {error}"));
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

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::{Backend, Place, StoreError};

    #[test]
    fn places_are_told_apart() {
        let of = |text: &str| text.parse::<Place>().map(|p| p.backend());
        for file in ["cases.db", "/tmp/a b?c.db", "sqlite:///tmp/x.db", "./postgres"] {
            assert_eq!(of(file).ok(), Some(Backend::Sqlite), "{file}");
        }
        for server in [
            "postgres:///dripline?host=/run/postgresql",
            "postgres://u:p@localhost/d",
            "postgres://u:p@LOCALHOST/d?sslmode=disable",
            "postgresql://u@127.0.0.1:5433/d",
            "postgres://u@[::1]:5432/d",
            "postgres://u@%2Frun%2Fpostgresql/d",
            "postgres://u@db.example/d?sslmode=verify-full",
            "postgres://u@db.example/d?sslmode=verify-full&sslrootcert=/etc/ssl/clinic.pem",
            "postgres://u@10.0.0.7/d?ssl-mode=verify-full",
        ] {
            assert_eq!(of(server).ok(), Some(Backend::Postgres), "{server}");
        }
        for wrong in ["", "mysql://localhost/d", "postgres://localhost:none/d", "postgres://u@h/d?sslmode=full"] {
            assert!(matches!(of(wrong), Err(StoreError::Place(_))), "{wrong}");
        }
        for (elsewhere, says) in [
            ("postgres://db.example/d", "unencrypted"),
            ("postgres://localhost.example/d", "unencrypted"),
            ("postgres://localhost@db.example/d", "unencrypted"),
            ("postgres://127.0.0.1:1@db.example/d", "unencrypted"),
            ("postgres://localhost\\@db.example/d?host=db.example", "unencrypted"),
            ("postgres://localhost/d?host=db.example", "unencrypted"),
            ("postgres://localhost/d?%68ost=db.example", "unencrypted"),
            ("postgres://localhost/d?host=localhost&hostaddr=10.0.0.7", "unencrypted"),
            ("postgres://10.0.0.7/d", "unencrypted"),
            ("postgres://[2001:db8::1]/d", "unencrypted"),
            ("postgres://db.example/d?sslmode=disable", "unencrypted"),
            ("postgres://db.example/d?sslmode=prefer", "unencrypted"),
            ("postgres://db.example/d?sslmode=require", "does not look at the certificate"),
            ("postgres://db.example/d?sslmode=verify-full&sslmode=require", "does not look at the certificate"),
            ("postgres://db.example/d?sslmode=verify-ca&sslrootcert=/etc/ssl/clinic.pem", "whose certificate"),
        ] {
            match of(elsewhere) {
                Err(e @ StoreError::Elsewhere(_)) => {
                    assert!(e.to_string().contains(says), "{elsewhere}: {e}");
                    assert!(e.help().contains("sslmode=verify-full"), "it says what to write");
                }
                other => panic!("{elsewhere}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let place: Place = "postgres://u:secret@localhost:5433/d?password=secret".parse().unwrap();
        assert_eq!(place.to_string(), "postgres://u@localhost:5433/d");
        assert_eq!(format!("{place:?}"), "postgres://u@localhost:5433/d");
        for wrong in ["postgres://u:secret@localhost:none/d", "postgres://u:secret@db.example/d"] {
            let error = wrong.parse::<Place>().unwrap_err();
            assert!(!format!("{error} {error:?} {}", error.help()).contains("secret"), "{error}");
        }
    }
}
