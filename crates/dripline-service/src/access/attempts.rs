//! Patience with those who guess: after some wrong passwords an account, and an address, waits before the next.
//!
//! The wait doubles, has an end, and does not grow by what is tried during it: nobody can be locked out for good. An
//! attempt counts when it begins, so that many at a time are no way round. The counts stand in the store: a stop does not
//! forget them, and several processes share them.
//!
//! Whoever knows a name could keep its owner waiting all day by guessing. So an account is counted by itself for each
//! address from which it has signed in lately: there, what is tried elsewhere or for other accounts is of no effect.

use std::net::{IpAddr, Ipv6Addr};

use sqlx::{AnyConnection, Row as _, query};

use super::secret::Fingerprint;
use crate::store::{Store, StoreError};

/// The first wait, in seconds.
const FIRST: i64 = 15;
/// The longest wait, in seconds.
const LONGEST: i64 = 15 * 60;
/// Seconds after which nothing is remembered of wrong passwords.
const REMEMBERED: i64 = 60 * 60;
/// Seconds for which it is remembered that an account signed in from an address.
const KNOWN: i64 = 30 * 24 * 60 * 60;

/// Wrong passwords of an account that are not waited for.
const FREE_OF_ACCOUNT: i64 = 5;
/// The same of an address: many people may come from one.
const FREE_OF_ADDRESS: i64 = 20;

/// Whose attempts are counted. Names and addresses are kept as their hash, which has a size.
#[derive(Clone, Debug)]
struct Counter {
    whose: Fingerprint,
    free: i64,
}

/// Seconds until the next attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait(pub i64);

/// An attempt that was counted as wrong until [`Attempt::good`] takes that back.
#[derive(Debug)]
#[must_use]
pub(crate) struct Attempt {
    account: Counter,
    address: Option<Counter>,
    /// The account at this address.
    here: Option<Fingerprint>,
}

impl Attempt {
    /// Begins an attempt, or tells how long to wait.
    pub async fn begin(
        store: &Store,
        name: &str,
        address: Option<IpAddr>,
        now: i64,
    ) -> Result<Result<Self, Wait>, StoreError> {
        let address = address.map(network);
        let here = address.map(|a| Fingerprint::of(&format!("account {name} at {a}")));
        // Whoever has to wait anyway does not take the turn to write from others.
        let counted = Attempt::counted(&mut *store.read().await?, name, address, here.clone(), now).await?;
        if let Err(wait) = counted {
            return Ok(Err(wait));
        }
        let mut write = store.write().await?;
        // A time to come is one of a clock that was wrong: it would keep people waiting until then.
        query("DELETE FROM attempts WHERE tried < $1 OR tried > $2")
            .bind(now - REMEMBERED)
            .bind(now + LONGEST)
            .execute(&mut *write)
            .await?;
        let attempt = match Attempt::counted(&mut write, name, address, here, now).await? {
            Ok(attempt) => attempt,
            Err(wait) => return Ok(Err(wait)),
        };
        for Counter { whose, free } in [Some(&attempt.account), attempt.address.as_ref()].into_iter().flatten() {
            let sql = "INSERT INTO attempts (whose, wrong, tried, until) VALUES ($1, 1, $2, 0) \
                       ON CONFLICT (whose) DO UPDATE SET wrong = attempts.wrong + 1, tried = $2 RETURNING wrong";
            let wrong: i64 = query(sql).bind(whose.as_str()).bind(now).fetch_one(&mut *write).await?.try_get(0)?;
            if wrong >= *free {
                let until = now + (FIRST << (wrong - free).min(16)).min(LONGEST);
                let sql = "UPDATE attempts SET until = $1 WHERE whose = $2";
                query(sql).bind(until).bind(whose.as_str()).execute(&mut *write).await?;
            }
        }
        write.commit().await?;
        Ok(Ok(attempt))
    }

    /// Whose counts an attempt is for, unless one of them has to wait.
    async fn counted(
        c: &mut AnyConnection,
        name: &str,
        address: Option<IpAddr>,
        here: Option<Fingerprint>,
        now: i64,
    ) -> Result<Result<Self, Wait>, StoreError> {
        let known = match &here {
            None => false,
            Some(here) => {
                let sql = "SELECT 1 AS one FROM known_addresses WHERE whose = $1 AND seen BETWEEN $2 AND $3";
                let row = query(sql).bind(here.as_str()).bind(now - KNOWN).bind(now + LONGEST);
                row.fetch_optional(&mut *c).await?.is_some()
            }
        };
        let whose = here.clone().filter(|_| known).unwrap_or_else(|| of_account(name));
        let account = Counter { whose, free: FREE_OF_ACCOUNT };
        // Who is known there neither waits for others of the address nor ends the wait of those who guess.
        let address = address.filter(|_| !known);
        let address =
            address.map(|a| Counter { whose: Fingerprint::of(&format!("address {a}")), free: FREE_OF_ADDRESS });
        let mut wait = 0;
        for counter in [Some(&account), address.as_ref()].into_iter().flatten() {
            let sql = "SELECT until FROM attempts WHERE whose = $1 AND tried BETWEEN $2 AND $3";
            let row = query(sql).bind(counter.whose.as_str()).bind(now - REMEMBERED).bind(now + LONGEST);
            if let Some(row) = row.fetch_optional(&mut *c).await? {
                wait = wait.max(row.try_get::<i64, _>(0)? - now);
            }
        }
        Ok(if wait > 0 { Err(Wait(wait)) } else { Ok(Attempt { account, address, here }) })
    }

    /// The attempt was right: the account's count begins anew, and the address is as it was before.
    pub async fn good(self, store: &Store, now: i64) -> Result<(), StoreError> {
        let mut write = store.write().await?;
        query("DELETE FROM attempts WHERE whose = $1").bind(self.account.whose.as_str()).execute(&mut *write).await?;
        if let Some(address) = &self.address {
            // The first time alone: then it is known, and who has an account of their own cannot guess for free.
            let sql = "UPDATE attempts SET wrong = wrong - 1, until = 0 WHERE whose = $1 AND wrong > 0";
            query(sql).bind(address.whose.as_str()).execute(&mut *write).await?;
        }
        if let Some(here) = &self.here {
            query("DELETE FROM known_addresses WHERE seen < $1").bind(now - KNOWN).execute(&mut *write).await?;
            let sql = "INSERT INTO known_addresses (whose, seen) VALUES ($1, $2) \
                       ON CONFLICT (whose) DO UPDATE SET seen = $2";
            query(sql).bind(here.as_str()).bind(now).execute(&mut *write).await?;
        }
        write.commit().await
    }
}

/// Nothing is remembered of what was tried for an account: it has another password.
pub(crate) async fn forget(c: &mut AnyConnection, name: &str) -> Result<(), sqlx::Error> {
    let sql = "DELETE FROM attempts WHERE whose = $1";
    query(sql).bind(of_account(name).as_str()).execute(c).await.map(drop)
}

fn of_account(name: &str) -> Fingerprint {
    Fingerprint::of(&format!("account {name}"))
}

/// An address as it is counted: who has one of IPv6 has a whole network of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) >> 64 << 64)),
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Place;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));
    const THERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7)));

    /// A new store in a file that goes with it.
    struct Kept {
        store: Store,
        folder: std::path::PathBuf,
    }

    impl Kept {
        async fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("dripline-attempts-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Kept { store: Store::open(&Place::File(folder.join("cases.db"))).await.unwrap(), folder }
        }

        async fn begin(&self, name: &str, address: Option<IpAddr>, now: i64) -> Result<Attempt, Wait> {
            Attempt::begin(&self.store, name, address, now).await.unwrap()
        }

        async fn wrong(&self, name: &str, address: Option<IpAddr>, now: i64) -> Result<(), Wait> {
            self.begin(name, address, now).await.map(drop)
        }

        async fn good(&self, name: &str, address: Option<IpAddr>, now: i64) {
            self.begin(name, address, now).await.unwrap().good(&self.store, now).await.unwrap();
        }

        async fn rows(&self, table: &'static str) -> i64 {
            let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
            query(sql).fetch_one(self.store.pool()).await.unwrap().get(0)
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    #[tokio::test]
    async fn the_wait_doubles_ends_and_does_not_grow_by_itself() {
        let kept = Kept::new("doubles").await;
        let mut now = 1_000_000;
        for _ in 0..5 {
            assert_eq!(kept.wrong("anna", None, now).await, Ok(()));
        }
        let mut waits = Vec::new();
        for _ in 0..9 {
            let Err(Wait(seconds)) = kept.wrong("anna", None, now).await else { panic!("no wait") };
            assert_eq!(kept.wrong("anna", None, now).await, Err(Wait(seconds)), "asking again does not lengthen it");
            waits.push(seconds);
            now += seconds;
            let last = kept.begin("anna", None, now).await.unwrap();
            if waits.len() == 9 {
                last.good(&kept.store, now).await.unwrap();
            }
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 900, 900, 900]);
        for _ in 0..5 {
            assert_eq!(kept.wrong("ben", None, now).await, Ok(()), "another account does not wait");
            assert_eq!(kept.wrong("anna", None, now).await, Ok(()), "the right password ended it");
        }
        assert_eq!(kept.wrong("ben", None, now).await, Err(Wait(15)));
    }

    #[tokio::test]
    async fn an_address_that_tries_many_accounts_waits() {
        let kept = Kept::new("address").await;
        for n in 0..20 {
            assert_eq!(kept.wrong(&format!("account{n}"), HERE, 7).await, Ok(()));
        }
        assert_eq!(kept.wrong("another", HERE, 7).await, Err(Wait(15)));
        assert_eq!(kept.wrong("another", None, 7).await, Ok(()));
        let network = |text: &str| text.parse::<IpAddr>().ok();
        for n in 0..20 {
            assert_eq!(kept.wrong(&format!("six{n}"), network(&format!("2001:db8::{n:x}")), 7).await, Ok(()));
        }
        assert!(kept.wrong("last", network("2001:db8::ffff"), 7).await.is_err(), "one network is one address");
        let mapped = network("::ffff:192.0.2.1");
        assert!(kept.wrong("first", mapped, 7).await.is_err(), "the same address, written otherwise");
    }

    #[tokio::test]
    async fn an_account_of_one_s_own_does_not_pay_for_guesses() {
        let kept = Kept::new("own").await;
        for n in 0..19 {
            assert_eq!(kept.wrong(&format!("account{n}"), HERE, 7).await, Ok(()));
            kept.good("mine", HERE, 7).await;
        }
        assert_eq!(kept.wrong("account19", HERE, 7).await, Ok(()));
        kept.good("mine", HERE, 7).await;
        assert_eq!(kept.wrong("account20", HERE, 7).await, Err(Wait(15)), "it did not end the wait");
        assert_eq!(kept.wrong("mine", HERE, 7).await, Ok(()), "and does not wait itself");
    }

    #[tokio::test]
    async fn who_guesses_elsewhere_keeps_nobody_out_where_they_are_known() {
        let kept = Kept::new("elsewhere").await;
        kept.good("admin", HERE, 0).await;
        // From anywhere, at every moment it is allowed, for a day.
        let (mut now, day) = (10, 24 * 60 * 60);
        let mut tried = 0;
        while now < day {
            match kept.wrong("admin", THERE, now).await {
                Ok(()) => tried += 1,
                Err(Wait(seconds)) => now += seconds,
            }
        }
        assert!(tried < 120, "{tried}");
        assert!(kept.wrong("admin", None, now - 1).await.is_err(), "the account waits");
        for _ in 0..5 {
            assert_eq!(kept.wrong("admin", HERE, now).await, Ok(()), "and not where it is known");
        }
        assert_eq!(kept.wrong("admin", HERE, now).await, Err(Wait(15)), "but there too after wrong passwords");
        assert!(kept.wrong("other", THERE, now + 1).await.is_ok());
        // After a month it is as any other.
        kept.good("boss", HERE, now).await;
        now += KNOWN + 1;
        for _ in 0..5 {
            kept.wrong("boss", None, now).await.unwrap();
        }
        assert_eq!(kept.wrong("boss", HERE, now).await, Err(Wait(15)));
    }

    #[tokio::test]
    async fn what_is_remembered_has_an_end() {
        let kept = Kept::new("end").await;
        for n in 0..30 {
            assert_eq!(kept.wrong(&n.to_string(), None, 100 + n).await, Ok(()));
        }
        for _ in 0..4 {
            kept.wrong("anna", None, 200).await.unwrap();
        }
        assert_eq!(kept.rows("attempts").await, 31);
        let late = 200 + REMEMBERED + 1;
        for _ in 0..5 {
            assert_eq!(kept.wrong("anna", None, late).await, Ok(()), "nothing is remembered after an hour");
        }
        assert_eq!(kept.rows("attempts").await, 1);
        kept.good("ben", HERE, 0).await;
        kept.good("carla", HERE, KNOWN + 1).await;
        assert_eq!(kept.rows("known_addresses").await, 1);
    }

    #[tokio::test]
    async fn a_clock_that_was_wrong_keeps_nobody_out() {
        let kept = Kept::new("clock").await;
        let (wrong, right) = (2_000_000_000, 1_800_000_000);
        for _ in 0..5 {
            kept.wrong("anna", HERE, wrong).await.unwrap();
        }
        assert!(kept.wrong("anna", HERE, wrong).await.is_err());
        assert_eq!(kept.wrong("anna", HERE, right).await, Ok(()), "set right, it is not waited for years");
        for _ in 0..4 {
            kept.wrong("anna", HERE, right).await.unwrap();
        }
        // A little back is no way to guess for free.
        assert!(kept.wrong("anna", HERE, right - 60).await.is_err());
    }
}
