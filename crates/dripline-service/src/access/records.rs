//! Accounts, sessions and tokens as they are stored. Of a secret only its hash is.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::any::{AnyExecutor, AnyRow};
use sqlx::{AnyConnection, Row as _, query};

use super::role::{Permission, Role, joined, parted};
use super::secret::{Fingerprint, Hasher, Password, Secret, WeakPassword};
use super::{Clock, Person, attempts};
use crate::problem::{Kind, Problem};
use crate::store::{Store, StoreError};

/// Seconds by which the clocks of two processes may differ.
const SKEW: i64 = 5 * 60;

/// Seconds for which a session or a token that is used is not written down again.
const SEEN: i64 = 60;

/// With what a token begins, so that one that lies about is known for what it is.
pub const TOKEN_PREFIX: &str = "dripline_";

/// Most days for which a token holds.
pub const MOST_DAYS: i64 = 366;

/// The name of an account or of a token: small letters, digits and `. _ - @ +`, 64 at most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        let text = text.to_ascii_lowercase();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
        let good = (1..=64).contains(&text.len())
            && text.chars().all(plain)
            && text.starts_with(|c: char| c.is_ascii_alphanumeric());
        good.then_some(Name(text)).ok_or(AccessError::Name)
    }
}

/// Why accounts or tokens cannot be as they are asked to be.
#[derive(Debug)]
pub enum AccessError {
    /// What should be a name is none.
    Name,
    /// There is an account or a token of the name.
    Taken,
    /// There is none of the name.
    Missing,
    /// Nobody would be left to administer.
    LastAdministrator,
    /// An account without a role could do nothing.
    NoRole,
    /// A token that could do nothing, or more than a token may.
    Scope,
    /// A token for no time, or for too long.
    Days,
    /// The account's password is kept elsewhere.
    ElsewhereSigned,
    /// The account's roles are told elsewhere.
    ElsewhereTold,
    /// The password may not be set.
    Weak(WeakPassword),
    /// The store failed.
    Store(StoreError),
    /// The program or the system failed.
    Failed,
}

impl Display for AccessError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AccessError::Name => "this cannot be a name",
            AccessError::Taken => "the name is taken",
            AccessError::Missing => "there is none of this name",
            AccessError::LastAdministrator => "no administrator would be left",
            AccessError::NoRole => "an account has at least one role",
            AccessError::Scope => {
                "the scope of a token holds at least one permission, and none over accounts or settings"
            }
            AccessError::Days => "a token holds for 1 to 366 days",
            AccessError::ElsewhereSigned => "the account signs in through OpenID Connect and has no password here",
            AccessError::ElsewhereTold => "the account's roles are those that the provider of OpenID Connect tells",
            AccessError::Weak(weak) => return weak.fmt(f),
            AccessError::Store(error) => return error.fmt(f),
            AccessError::Failed => "the program broke off",
        })
    }
}

impl std::error::Error for AccessError {}

impl AccessError {
    /// What would mend it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            AccessError::Name => "write 1 to 64 letters, digits, dots, - _ @ +, a letter or a digit first",
            AccessError::Taken => "choose another; one that was used before keeps its history, and is not given again",
            AccessError::Missing => "look for it in the list",
            AccessError::LastAdministrator => "give another account the role first",
            AccessError::NoRole => "name coder, auditor or administrator; disable an account that is to do nothing",
            AccessError::Scope => "name some of code, read, work, release, export and watch",
            AccessError::Days => "make a new one before the old one ends",
            AccessError::ElsewhereSigned => "change it where it is kept",
            AccessError::ElsewhereTold => "change them there; here an account can be disabled",
            AccessError::Weak(_) => WeakPassword::HELP,
            AccessError::Store(_) | AccessError::Failed => "",
        }
    }

    fn path(&self) -> &'static str {
        match self {
            AccessError::Name | AccessError::Taken => "name",
            AccessError::NoRole | AccessError::LastAdministrator | AccessError::ElsewhereTold => "roles",
            AccessError::Scope => "scope",
            AccessError::Days => "days",
            AccessError::Weak(_) | AccessError::ElsewhereSigned => "password",
            AccessError::Missing | AccessError::Store(_) | AccessError::Failed => "",
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        let kind = match error {
            AccessError::Taken | AccessError::LastAdministrator => Kind::Taken,
            AccessError::Missing => Kind::NotFound,
            AccessError::Store(error) => return error.into(),
            AccessError::Failed => return Problem::failed(),
            _ => Kind::Access,
        };
        Problem::new(kind, error.to_string(), error.help()).at(error.path())
    }
}

impl From<sqlx::Error> for AccessError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(e) if e.is_unique_violation() => AccessError::Taken,
            _ => AccessError::Store(error.into()),
        }
    }
}

impl From<StoreError> for AccessError {
    fn from(error: StoreError) -> Self {
        AccessError::Store(error)
    }
}

impl From<WeakPassword> for AccessError {
    fn from(weak: WeakPassword) -> Self {
        AccessError::Weak(weak)
    }
}

/// How someone signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignIn {
    /// With a password that is kept here.
    Password,
    /// Through OpenID Connect.
    Oidc,
}

/// An account.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// What the person is here for.
    pub roles: BTreeSet<Role>,
    /// How the person signs in.
    pub sign_in: SignIn,
    /// It can do nothing until it is enabled again.
    pub disabled: bool,
    /// When it was made.
    pub created: String,
    /// Who made it.
    pub created_by: String,
}

/// A token for a program.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Token {
    /// Its name.
    pub name: String,
    /// What whoever holds it may do.
    pub scope: BTreeSet<Permission>,
    /// When it runs out.
    pub ends: String,
    /// When it was ended before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    /// When it was last used, within a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// When it was made.
    pub created: String,
    /// Who made it.
    pub created_by: String,
}

/// Something that was done to or with accounts, sessions and tokens.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Event {
    /// When.
    pub at: String,
    /// Who did it.
    pub by: String,
    /// What was done.
    pub what: String,
    /// To whom or to what.
    pub to: String,
}

/// What is to change of an account.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Its roles from now on.
    pub roles: Option<BTreeSet<Role>>,
    /// Whether it is disabled from now on.
    pub disabled: Option<bool>,
    /// Its password from now on.
    pub password: Option<Password>,
}

/// Accounts, sessions and tokens in a store.
#[derive(Clone, Debug)]
pub struct Accounts {
    store: Store,
    clock: Clock,
    pub(crate) hasher: Hasher,
}

type Done<T> = Result<T, AccessError>;

impl Accounts {
    /// Those of a store.
    #[must_use]
    pub fn new(store: Store, clock: Clock) -> Self {
        Accounts { store, clock, hasher: Hasher::default() }
    }

    /// The store that they stand in.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Whether there is an account, disabled or not.
    ///
    /// # Errors
    /// The store failed.
    pub async fn any(&self) -> Done<bool> {
        let sql = "SELECT 1 AS one FROM accounts LIMIT 1";
        Ok(query(sql).fetch_optional(self.store.pool()).await?.is_some())
    }

    /// Every account, by name.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list(&self) -> Done<Vec<Account>> {
        accounts(self.store.pool()).await
    }

    /// Makes an account that signs in with a password.
    ///
    /// # Errors
    /// The name is taken, there is no role, or the store failed.
    pub async fn add(&self, by: &str, name: &Name, roles: &BTreeSet<Role>, password: Password) -> Done<Account> {
        if roles.is_empty() {
            return Err(AccessError::NoRole);
        }
        let hash = self.hasher.hash(password).await.map_err(|_| AccessError::Failed)?;
        let mut write = self.store.write().await?;
        query("INSERT INTO accounts (name, roles, password, disabled, created, created_by) VALUES ($1, $2, $3, 0, $4, $5)")
            .bind(name.as_str())
            .bind(joined(roles))
            .bind(hash)
            .bind(self.clock.now())
            .bind(by)
            .execute(&mut *write)
            .await?;
        self.event(&mut write, by, &format!("account made: {}", joined(roles)), name.as_str()).await?;
        write.commit().await?;
        self.get(name).await
    }

    async fn get(&self, name: &Name) -> Done<Account> {
        self.list().await?.into_iter().find(|a| a.name == name.as_str()).ok_or(AccessError::Missing)
    }

    /// Changes an account. Its sessions end with a new password, and when it is disabled.
    ///
    /// # Errors
    /// There is none of the name, nobody would be left to administer, or the store failed.
    pub async fn change(&self, by: &str, name: &Name, change: Change) -> Done<Account> {
        if change.roles.as_ref().is_some_and(BTreeSet::is_empty) {
            return Err(AccessError::NoRole);
        }
        let hash = match change.password {
            Some(password) => Some(self.hasher.hash(password).await.map_err(|_| AccessError::Failed)?),
            None => None,
        };
        let mut write = self.store.write().await?;
        let before = accounts(&mut *write).await?;
        let account = before.iter().find(|a| a.name == name.as_str()).ok_or(AccessError::Missing)?;
        if let Some(hash) = &hash {
            if account.sign_in != SignIn::Password {
                return Err(AccessError::ElsewhereSigned);
            }
            let sql = "UPDATE accounts SET password = $1 WHERE name = $2";
            query(sql).bind(hash).bind(name.as_str()).execute(&mut *write).await?;
            // What was guessed of the old one is of no use for the new one, and its owner need not wait for that.
            attempts::forget(&mut write, name.as_str()).await?;
            self.event(&mut write, by, "password set", name.as_str()).await?;
        }
        if let Some(roles) = change.roles.as_ref().filter(|r| **r != account.roles) {
            if account.sign_in != SignIn::Password {
                return Err(AccessError::ElsewhereTold);
            }
            let sql = "UPDATE accounts SET roles = $1 WHERE name = $2";
            query(sql).bind(joined(roles)).bind(name.as_str()).execute(&mut *write).await?;
            let what = format!("roles: {} to {}", joined(&account.roles), joined(roles));
            self.event(&mut write, by, &what, name.as_str()).await?;
        }
        if let Some(disabled) = change.disabled.filter(|d| *d != account.disabled) {
            let sql = "UPDATE accounts SET disabled = $1 WHERE name = $2";
            query(sql).bind(i64::from(disabled)).bind(name.as_str()).execute(&mut *write).await?;
            self.event(&mut write, by, if disabled { "disabled" } else { "enabled" }, name.as_str()).await?;
        }
        if hash.is_some() || change.disabled == Some(true) {
            query("DELETE FROM sessions WHERE account = $1").bind(name.as_str()).execute(&mut *write).await?;
        }
        let after = accounts(&mut *write).await?;
        let administers = |all: &[Account]| all.iter().any(|a| !a.disabled && a.roles.contains(&Role::Administrator));
        if administers(&before) && !administers(&after) {
            return Err(AccessError::LastAdministrator);
        }
        write.commit().await?;
        after.into_iter().find(|a| a.name == name.as_str()).ok_or(AccessError::Missing)
    }

    /// The hash of the account's password; none where nobody can sign in with one.
    pub(crate) async fn password(&self, name: &str) -> Done<Option<String>> {
        let sql = "SELECT password FROM accounts WHERE name = $1 AND disabled = 0";
        let row = query(sql).bind(name).fetch_optional(self.store.pool()).await?;
        Ok(row.map(|r| r.try_get::<Option<String>, _>(0)).transpose()?.flatten())
    }

    /// The account of someone who signed in elsewhere, with the roles that were told there; it is made the first time.
    #[cfg_attr(not(feature = "oidc"), expect(dead_code, reason = "only OpenID Connect signs in elsewhere"))]
    pub(crate) async fn vouched_for(
        &self,
        issuer: &str,
        subject: &str,
        name: &Name,
        roles: &BTreeSet<Role>,
    ) -> Done<Option<String>> {
        let mut write = self.store.write().await?;
        let sql = "SELECT name, roles, disabled FROM accounts WHERE issuer = $1 AND subject = $2";
        let row = query(sql).bind(issuer).bind(subject).fetch_optional(&mut *write).await?;
        let name = match row {
            Some(row) if row.try_get::<i64, _>(2)? != 0 => return Ok(None),
            Some(row) => {
                // The name that was first told stays: the history calls the person by it.
                let (name, before): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                if before != joined(roles) {
                    let sql = "UPDATE accounts SET roles = $1 WHERE name = $2";
                    query(sql).bind(joined(roles)).bind(&name).execute(&mut *write).await?;
                    self.event(&mut write, issuer, &format!("roles: {before} to {}", joined(roles)), &name).await?;
                }
                name
            }
            None => {
                query(
                    "INSERT INTO accounts (name, roles, issuer, subject, disabled, created, created_by) \
                     VALUES ($1, $2, $3, $4, 0, $5, $3)",
                )
                .bind(name.as_str())
                .bind(joined(roles))
                .bind(issuer)
                .bind(subject)
                .bind(self.clock.now())
                .execute(&mut *write)
                .await?;
                self.event(&mut write, issuer, &format!("account made: {}", joined(roles)), name.as_str()).await?;
                name.as_str().to_owned()
            }
        };
        write.commit().await?;
        Ok(Some(name))
    }

    /// Begins a session, under a secret that nobody had before, and ends the one it follows.
    pub(crate) async fn begin_session(&self, name: &str, before: Option<&Fingerprint>, dead: i64) -> Done<Secret> {
        let secret = Secret::new("").map_err(|_| AccessError::Failed)?;
        let now = self.clock.now();
        let mut write = self.store.write().await?;
        // Those that ran out are of no use to anybody.
        query("DELETE FROM sessions WHERE began < $1").bind(now - dead).execute(&mut *write).await?;
        if let Some(before) = before {
            query("DELETE FROM sessions WHERE fingerprint = $1").bind(before.as_str()).execute(&mut *write).await?;
        }
        query("INSERT INTO sessions (fingerprint, account, began, seen) VALUES ($1, $2, $3, $3)")
            .bind(secret.fingerprint().as_str())
            .bind(name)
            .bind(now)
            .execute(&mut *write)
            .await?;
        self.event(&mut write, name, "signed in", name).await?;
        write.commit().await?;
        Ok(secret)
    }

    /// Who is signed in under a secret; nobody where it ran out.
    pub(crate) async fn session(&self, of: &Fingerprint, idle: i64, most: i64) -> Done<Option<Person>> {
        let now = self.clock.now();
        let row = query(
            "SELECT a.name, a.roles, s.began, s.seen FROM sessions s JOIN accounts a ON a.name = s.account \
             WHERE s.fingerprint = $1 AND a.disabled = 0",
        )
        .bind(of.as_str())
        .fetch_optional(self.store.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (began, seen): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
        // One that was used in time to come was so by a clock that was wrong: how long it has held cannot be told.
        let told_wrong = seen > now + SKEW || began > now + SKEW;
        if told_wrong || now - began >= most || now - seen >= idle {
            let mut write = self.store.write().await?;
            query("DELETE FROM sessions WHERE fingerprint = $1").bind(of.as_str()).execute(&mut *write).await?;
            write.commit().await?;
            return Ok(None);
        }
        if now - seen >= SEEN {
            self.seen("UPDATE sessions SET seen = $1 WHERE fingerprint = $2", of, now).await?;
        }
        let roles: String = row.try_get(1)?;
        Ok(Some(Person { name: row.try_get(0)?, roles: parted(&roles), session: of.clone(), ends: told(began + most) }))
    }

    /// Ends a session.
    pub(crate) async fn end_session(&self, person: &Person) -> Done<()> {
        let mut write = self.store.write().await?;
        query("DELETE FROM sessions WHERE fingerprint = $1").bind(person.session.as_str()).execute(&mut *write).await?;
        self.event(&mut write, &person.name, "signed out", &person.name).await?;
        Ok(write.commit().await?)
    }

    /// Makes a token. Its secret is told once.
    ///
    /// # Errors
    /// The name is taken, the scope is empty or too wide, or the store failed.
    pub async fn add_token(
        &self,
        by: &str,
        name: &Name,
        scope: &BTreeSet<Permission>,
        days: i64,
    ) -> Done<(Token, Secret)> {
        if scope.is_empty() || !scope.iter().all(|p| p.is_for_tokens()) {
            return Err(AccessError::Scope);
        }
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(AccessError::Days);
        }
        let secret = Secret::new(TOKEN_PREFIX).map_err(|_| AccessError::Failed)?;
        let now = self.clock.now();
        let ends = now + days * 24 * 60 * 60;
        let mut write = self.store.write().await?;
        query(
            "INSERT INTO tokens (name, fingerprint, scope, created, created_by, ends) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(name.as_str())
        .bind(secret.fingerprint().as_str())
        .bind(joined(scope))
        .bind(now)
        .bind(by)
        .bind(ends)
        .execute(&mut *write)
        .await?;
        let what = format!("token made: {} until {}", joined(scope), told(ends));
        self.event(&mut write, by, &what, name.as_str()).await?;
        write.commit().await?;
        let token = self.tokens().await?.into_iter().find(|t| t.name == name.as_str()).ok_or(AccessError::Missing)?;
        Ok((token, secret))
    }

    /// Every token, by name.
    ///
    /// # Errors
    /// The store failed.
    pub async fn tokens(&self) -> Done<Vec<Token>> {
        let sql = "SELECT name, scope, ends, withdrawn, seen, created, created_by FROM tokens ORDER BY name";
        let rows = query(sql).fetch_all(self.store.pool()).await?;
        rows.iter()
            .map(|row| {
                Ok(Token {
                    name: row.try_get(0)?,
                    scope: parted(&row.try_get::<String, _>(1)?),
                    ends: told(row.try_get(2)?),
                    withdrawn: row.try_get::<Option<i64>, _>(3)?.map(told),
                    seen: row.try_get::<Option<i64>, _>(4)?.map(told),
                    created: told(row.try_get(5)?),
                    created_by: row.try_get(6)?,
                })
            })
            .collect()
    }

    /// Ends a token.
    ///
    /// # Errors
    /// There is none of the name that still holds, or the store failed.
    pub async fn withdraw(&self, by: &str, name: &Name) -> Done<()> {
        let mut write = self.store.write().await?;
        let sql = "UPDATE tokens SET withdrawn = $1 WHERE name = $2 AND withdrawn IS NULL";
        let done = query(sql).bind(self.clock.now()).bind(name.as_str()).execute(&mut *write).await?;
        if done.rows_affected() == 0 {
            return Err(AccessError::Missing);
        }
        self.event(&mut write, by, "token ended", name.as_str()).await?;
        Ok(write.commit().await?)
    }

    /// The name and the scope of the token that a secret is; none where it ran out or was ended.
    pub(crate) async fn token(&self, of: &Fingerprint) -> Done<Option<(String, BTreeSet<Permission>)>> {
        let now = self.clock.now();
        let sql = "SELECT name, scope, ends, withdrawn, seen FROM tokens WHERE fingerprint = $1";
        let Some(row) = query(sql).bind(of.as_str()).fetch_optional(self.store.pool()).await? else { return Ok(None) };
        if row.try_get::<i64, _>(2)? <= now || row.try_get::<Option<i64>, _>(3)?.is_some() {
            return Ok(None);
        }
        if row.try_get::<Option<i64>, _>(4)?.is_none_or(|seen| now - seen >= SEEN) {
            self.seen("UPDATE tokens SET seen = $1 WHERE fingerprint = $2", of, now).await?;
        }
        let scope: String = row.try_get(1)?;
        Ok(Some((row.try_get(0)?, parted(&scope))))
    }

    /// What was done to and with accounts, sessions and tokens, newest first.
    pub(crate) async fn events(&self) -> Done<Vec<Event>> {
        let sql = "SELECT at, actor, what, subject FROM access_events ORDER BY at DESC, id DESC LIMIT 1000";
        let rows = query(sql).fetch_all(self.store.pool()).await?;
        rows.iter()
            .map(|row| {
                Ok(Event {
                    at: told(row.try_get::<i64, _>(0)? / 1_000_000),
                    by: row.try_get(1)?,
                    what: row.try_get(2)?,
                    to: row.try_get(3)?,
                })
            })
            .collect()
    }

    async fn seen(&self, sql: &'static str, of: &Fingerprint, now: i64) -> Done<()> {
        let mut write = self.store.write().await?;
        query(sql).bind(now).bind(of.as_str()).execute(&mut *write).await?;
        Ok(write.commit().await?)
    }

    /// A wrong password was tried. Of a name that no account has nothing is kept: it may be a password in the wrong field.
    pub(crate) async fn refused(&self, name: Option<&Name>) -> Done<()> {
        let mut write = self.store.write().await?;
        let sql = "SELECT name FROM accounts WHERE name = $1";
        let known = query(sql).bind(name.map_or("", Name::as_str)).fetch_optional(&mut *write).await?;
        let to = known.map_or_else(|| Ok("a name that is not known".to_owned()), |row| row.try_get(0))?;
        self.event(&mut write, "nobody known", "sign-in refused", &to).await?;
        Ok(write.commit().await?)
    }

    /// Whoever is signed in did not know the password of the account.
    pub(crate) async fn change_refused(&self, name: &Name) -> Done<()> {
        let mut write = self.store.write().await?;
        self.event(&mut write, name.as_str(), "new password refused", name.as_str()).await?;
        Ok(write.commit().await?)
    }

    async fn event(&self, c: &mut AnyConnection, by: &str, what: &str, to: &str) -> Done<()> {
        let id = Secret::new("").map_err(|_| AccessError::Failed)?;
        query("INSERT INTO access_events (id, at, actor, what, subject) VALUES ($1, $2, $3, $4, $5)")
            .bind(&id.tell()[..32])
            .bind(self.clock.microseconds())
            .bind(by)
            .bind(what)
            .bind(to)
            .execute(c)
            .await?;
        Ok(())
    }
}

async fn accounts<'c>(c: impl AnyExecutor<'c>) -> Done<Vec<Account>> {
    let sql = "SELECT name, roles, issuer, disabled, created, created_by FROM accounts ORDER BY name";
    query(sql).fetch_all(c).await?.iter().map(account).collect()
}

fn account(row: &AnyRow) -> Done<Account> {
    let roles: String = row.try_get(1)?;
    Ok(Account {
        name: row.try_get(0)?,
        roles: parted(&roles),
        sign_in: match row.try_get::<Option<String>, _>(2)? {
            Some(_) => SignIn::Oidc,
            None => SignIn::Password,
        },
        disabled: row.try_get::<i64, _>(3)? != 0,
        created: told(row.try_get(4)?),
        created_by: row.try_get(5)?,
    })
}

/// A time as it is told.
fn told(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| String::new(), |t| t.to_string())
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn names_are_plain() {
        for (text, name) in [("Anna.B", "anna.b"), ("a@clinic.test", "a@clinic.test"), ("7-x_y+z", "7-x_y+z")] {
            assert_eq!(text.parse::<Name>().unwrap().as_str(), name);
        }
        for text in ["", " ", "a b", "-a", ".a", "a'b", "a;b", "<a>", "añna", "a\n", &"a".repeat(65)] {
            assert!(text.parse::<Name>().is_err(), "{text}");
        }
    }
}
