//! Secrets: those that are given out, of which only a hash is kept, and passwords.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// What whoever holds it can ask with: 256 bits of the operating system. It is told once and kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one, which begins with what it is for.
    ///
    /// # Errors
    /// The operating system has no randomness.
    pub fn new(prefix: &str) -> Result<Self, Problem> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| Problem::failed())?;
        Ok(Secret(format!("{prefix}{}", hex(&bytes))))
    }

    /// The text that is given out.
    #[must_use]
    pub fn tell(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The hash of a secret. A secret of 256 random bits needs no slow one: it cannot be guessed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The hash of a text that may be a secret.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Fingerprint(hex(&Sha256::digest(text.as_bytes())))
    }

    /// As it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
        for half in [b >> 4, b & 15] {
            text.push(char::from_digit(half.into(), 16).unwrap_or('0'));
        }
        text
    })
}

/// Fewest characters of a password. Long ones are asked for, not odd ones.
pub const SHORTEST: usize = 12;
/// Most bytes of a password.
const LONGEST: usize = 1024;

/// A password that may be set.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Takes a password for the account of a name.
    ///
    /// # Errors
    /// It is too easy to guess, or too long to be hashed.
    pub fn new(text: &str, name: &str) -> Result<Self, WeakPassword> {
        let letters: std::collections::BTreeSet<char> = text.chars().collect();
        let (lower, name) = (text.to_lowercase(), name.to_lowercase());
        match () {
            () if text.chars().count() < SHORTEST => Err(WeakPassword("a password has at least 12 characters")),
            () if text.len() > LONGEST => Err(WeakPassword("a password has at most 1024 bytes")),
            () if letters.len() < 4 => Err(WeakPassword("a password has at least 4 different characters")),
            () if !name.is_empty() && lower.replace(&name, "").chars().count() < SHORTEST / 2 => {
                Err(WeakPassword("a password is more than the account's name"))
            }
            () => Ok(Password(text.to_owned())),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// Why a password may not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeakPassword(&'static str);

impl Display for WeakPassword {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl WeakPassword {
    /// What would mend it.
    pub const HELP: &'static str = "several words that belong together only for you make a good one";
}

/// Hashes passwords: argon2id, as slow as OWASP asks for, and no more at a time than there are processors, so that
/// sign-ins cannot take the memory from what else is asked.
#[derive(Clone, Debug)]
pub(crate) struct Hasher(Arc<Semaphore>);

/// A hash of no password: an account that is not there takes as long as one that is.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$6Ug3ZzpfNGmZoQZ1p1RYfg$5mWZX2pTq0N8c1m0kbbBT8mqo2P6v0cXhGkYw3nq1bE";

impl Default for Hasher {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Hasher(Arc::new(Semaphore::new(processors)))
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("parameters in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

impl Hasher {
    /// The hash of a password, with its salt and parameters.
    pub async fn hash(&self, password: Password) -> Result<String, Problem> {
        self.aside(move || argon2().hash_password(password.0.as_bytes()).map(|h| h.to_string()).ok())
            .await?
            .ok_or_else(Problem::failed)
    }

    /// Whether a text is the password of a hash; where there is no hash, it is not, after the same time.
    pub async fn matches(&self, text: String, hash: Option<String>) -> Result<bool, Problem> {
        self.aside(move || {
            let (known, hash) = (hash.is_some(), hash.unwrap_or_else(|| NOBODY.to_owned()));
            let matches = text.len() <= LONGEST
                && PasswordHash::new(&hash).is_ok_and(|h| argon2().verify_password(text.as_bytes(), &h).is_ok());
            known && matches
        })
        .await
    }

    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let place = Arc::clone(&self.0).acquire_owned().await.map_err(|_| Problem::failed())?;
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.map_err(|_| Problem::failed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_different_and_not_shown() {
        let (a, b) = (Secret::new("dripline_").unwrap(), Secret::new("dripline_").unwrap());
        assert_ne!(a, b);
        assert_eq!(a.tell().len(), "dripline_".len() + 64);
        assert!(!format!("{a:?}").contains(a.tell()) && !a.fingerprint().as_str().contains(&a.tell()[9..]));
        // The example of FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Fingerprint::of("abc").as_str(), abc);
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in
            ["", "short", "aaaaaaaaaaaaaaaa", "ababababababab", "annaannaannaanna", "Annaanna1234", "elevenchars"]
        {
            assert!(Password::new(weak, "anna").is_err(), "{weak}");
        }
        assert!(Password::new(&"abcd".repeat(257), "anna").is_err());
        for good in ["correct horse battery", "zwölf Zeichen", "a1b2c3d4e5f6"] {
            assert!(Password::new(good, "anna").is_ok(), "{good}");
        }
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_alone() {
        let hasher = Hasher::default();
        let password = Password::new("correct horse battery", "anna").unwrap();
        let hash = hasher.hash(password.clone()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, hasher.hash(password).await.unwrap(), "each has its own salt");
        assert!(hasher.matches("correct horse battery".into(), Some(hash.clone())).await.unwrap());
        assert!(!hasher.matches("correct horse batterz".into(), Some(hash.clone())).await.unwrap());
        assert!(!hasher.matches(String::new(), None).await.unwrap());
        assert!(!hasher.matches("x".into(), Some("no hash".into())).await.unwrap());
        let (nobody, real) = (PasswordHash::new(NOBODY).unwrap(), PasswordHash::new(&hash).unwrap());
        let costs =
            |h: &PasswordHash| (h.algorithm.to_string(), h.version, h.params.to_string(), h.hash.map(|h| h.len()));
        assert_eq!(costs(&nobody), costs(&real), "who is not there takes as long");
    }
}
