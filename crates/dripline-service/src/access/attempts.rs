//! Patience with those who guess: after some wrong passwords an account, and an address, waits before the next.
//!
//! The wait doubles, has an end, and does not grow by what is tried during it: nobody can be locked out for good. An
//! attempt counts when it begins, so that many at a time are no way round.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use super::secret::Fingerprint;

/// The first wait, in seconds.
const FIRST: i64 = 15;
/// The longest wait, in seconds.
const LONGEST: i64 = 15 * 60;
/// Seconds after which nothing is remembered of wrong passwords.
const REMEMBERED: i64 = 60 * 60;
/// How many accounts and addresses are remembered: the names that are tried are anybody's to choose.
const MOST: usize = 10_000;

/// Whose attempts are counted. A name is kept as its hash, which has a size.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Account(Fingerprint),
    Address(IpAddr),
}

impl Whose {
    /// Wrong passwords that are not waited for. Many people may come from one address.
    fn free(&self) -> u32 {
        match self {
            Whose::Account(_) => 5,
            Whose::Address(_) => 20,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Tried {
    wrong: u32,
    last: i64,
    until: i64,
}

/// Who tried how often.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<BTreeMap<Whose, Tried>>);

/// Seconds until the next attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait(pub i64);

impl Attempts {
    /// Counts an attempt as wrong until [`Attempts::good`] takes that back.
    pub fn begin(&self, name: &str, address: Option<IpAddr>, now: i64) -> Result<(), Wait> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let whose: Vec<Whose> = whose(name, address).collect();
        let waits = whose.iter().filter_map(|w| kept.get(w)).map(|t| t.until - now).max().unwrap_or(0);
        if waits > 0 {
            return Err(Wait(waits));
        }
        for whose in whose {
            if !kept.contains_key(&whose) && kept.len() >= MOST {
                make_room(&mut kept, now);
            }
            let free = whose.free();
            let tried = kept.entry(whose).or_default();
            if now - tried.last > REMEMBERED {
                *tried = Tried::default();
            }
            tried.wrong += 1;
            tried.last = now;
            if let Some(over) = tried.wrong.checked_sub(free) {
                tried.until = now + (FIRST << over.min(16)).min(LONGEST);
            }
        }
        Ok(())
    }

    /// The attempt was right: the account's count begins anew, and the address is as it was.
    pub fn good(&self, name: &str, address: Option<IpAddr>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for whose in whose(name, address) {
            match (&whose, kept.get_mut(&whose)) {
                (Whose::Account(_), Some(_)) => {
                    kept.remove(&whose);
                }
                (Whose::Address(_), Some(tried)) => {
                    // Who has an account of their own cannot guess at others for free.
                    tried.wrong = tried.wrong.saturating_sub(1);
                    tried.until = 0;
                }
                (_, None) => {}
            }
        }
    }
}

fn whose(name: &str, address: Option<IpAddr>) -> impl Iterator<Item = Whose> {
    let address = address.map(|a| match a.to_canonical() {
        // Who has one address of IPv6 has a whole network of them.
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) >> 64 << 64)),
        four @ IpAddr::V4(_) => four,
    });
    [Some(Whose::Account(Fingerprint::of(name))), address.map(Whose::Address)].into_iter().flatten()
}

fn make_room(kept: &mut BTreeMap<Whose, Tried>, now: i64) {
    kept.retain(|_, t| now - t.last <= REMEMBERED);
    if kept.len() >= MOST
        && let Some(oldest) = kept.iter().min_by_key(|(_, t)| t.last).map(|(w, _)| w.clone())
    {
        kept.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));

    #[test]
    fn the_wait_doubles_ends_and_does_not_grow_by_itself() {
        let attempts = Attempts::default();
        let mut now = 1_000_000;
        for _ in 0..5 {
            assert_eq!(attempts.begin("anna", None, now), Ok(()));
        }
        let mut waits = Vec::new();
        for _ in 0..9 {
            let Err(Wait(seconds)) = attempts.begin("anna", None, now) else { panic!("no wait") };
            assert_eq!(attempts.begin("anna", None, now), Err(Wait(seconds)), "asking again does not lengthen it");
            waits.push(seconds);
            now += seconds;
            assert_eq!(attempts.begin("anna", None, now), Ok(()));
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(attempts.begin("ben", None, now), Ok(()), "another account does not wait");
        attempts.good("anna", None);
        assert_eq!(attempts.begin("anna", None, now), Ok(()), "the right password ends it");
    }

    #[test]
    fn an_address_that_tries_many_accounts_waits() {
        let attempts = Attempts::default();
        for n in 0..20 {
            assert_eq!(attempts.begin(&format!("account{n}"), HERE, 7), Ok(()));
        }
        assert_eq!(attempts.begin("another", HERE, 7), Err(Wait(15)));
        assert_eq!(attempts.begin("another", None, 7), Ok(()));
        let network = |text: &str| text.parse::<IpAddr>().ok();
        for n in 0..20 {
            assert_eq!(attempts.begin(&format!("six{n}"), network(&format!("2001:db8::{n:x}")), 7), Ok(()));
        }
        assert!(attempts.begin("last", network("2001:db8::ffff"), 7).is_err(), "one network is one address");
        assert!(
            attempts.begin("first", network("::ffff:192.0.2.1"), 7).is_err(),
            "the same address, written otherwise"
        );
    }

    #[test]
    fn an_account_of_one_s_own_does_not_pay_for_guesses() {
        let attempts = Attempts::default();
        for n in 0..19 {
            assert_eq!(attempts.begin(&format!("account{n}"), HERE, 7), Ok(()));
            assert_eq!(attempts.begin("mine", HERE, 7), Ok(()));
            attempts.good("mine", HERE);
        }
        assert_eq!(attempts.begin("account19", HERE, 7), Ok(()));
        assert_eq!(attempts.begin("mine", HERE, 7), Err(Wait(15)));
    }

    #[test]
    fn what_is_remembered_has_a_size_and_an_end() {
        let attempts = Attempts::default();
        for n in 0..MOST + 50 {
            assert_eq!(attempts.begin(&n.to_string(), None, i64::try_from(n / 100).unwrap()), Ok(()));
        }
        assert_eq!(attempts.0.lock().unwrap().len(), MOST);
        let late = 10 * REMEMBERED;
        for _ in 0..5 {
            assert_eq!(attempts.begin("anna", None, late), Ok(()));
        }
        assert_eq!(attempts.begin("anna", None, late + REMEMBERED + 1), Ok(()));
        assert_eq!(attempts.begin("anna", None, late + REMEMBERED + 1), Ok(()), "nothing is remembered after an hour");
    }
}
