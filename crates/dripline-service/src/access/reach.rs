//! From where the service may be asked: what a request's `Host` and `Origin` may say.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::Uri;
use axum::http::header::{self, HeaderMap};
use axum::http::uri::Authority;

use crate::problem::{Kind, Problem};

/// From where the service may be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// From this machine: by a loopback name.
    #[default]
    ThisMachine,
    /// From other machines, by an address of numbers. A name could be one that somebody made to lead here.
    Numbers,
    /// Through a proxy that has the certificate, by its name alone.
    Behind(Origin),
}

/// Where pages come from: `https://` with a name and, if it is not 443, a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    host: String,
    port: u16,
}

/// A text that is not an origin of https.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnOrigin;

impl Display for NotAnOrigin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("not an origin of https")
    }
}

impl std::error::Error for NotAnOrigin {}

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let rest = text.strip_prefix("https://").ok_or(NotAnOrigin)?;
        Origin::of_authority(rest.strip_suffix('/').unwrap_or(rest)).ok_or(NotAnOrigin)
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.port {
            443 => write!(f, "https://{}", self.host),
            port => write!(f, "https://{}:{port}", self.host),
        }
    }
}

impl Origin {
    fn of_authority(text: &str) -> Option<Self> {
        if text.contains('@') || text.ends_with(':') {
            return None;
        }
        let authority: Authority = text.parse().ok()?;
        let port = match text.len() == authority.host().len() {
            true => 443,
            false => authority.port_u16()?,
        };
        Some(Origin { host: authority.host().to_ascii_lowercase(), port }).filter(|o| !o.host.is_empty())
    }
}

impl Reach {
    /// Refuses what a page from elsewhere could send through a browser: a name that was made to lead here, and a
    /// request from another site. `watches` is a route that tells nothing but whether the service runs: whoever
    /// stands before it, as a load balancer, asks by address.
    pub(crate) fn admits(&self, uri: &Uri, headers: &HeaderMap, watches: bool) -> Result<(), Problem> {
        let foreign = |what: &str, help: &str| Err(Problem::new(Kind::Foreign, what, help));
        let host = host(uri, headers);
        let named = |name: &str| self.is(name) || watches && *self != Reach::ThisMachine && is_numbers(name);
        if !named(host) || uri.authority().is_some_and(|a| !named(a.as_str())) {
            return match self {
                Reach::ThisMachine => foreign("the Host is not this machine", "ask for localhost, 127.0.0.1 or [::1]"),
                Reach::Numbers => foreign("the Host is not an address of numbers", "ask for the address itself"),
                Reach::Behind(_) => foreign("the Host is not the service's", "ask by the name of the service"),
            };
        }
        for origin in headers.get_all(header::ORIGIN) {
            let origin = origin.to_str().unwrap_or("");
            let ours = match self {
                Reach::Behind(ours) => origin.parse() == Ok(ours.clone()),
                _ => {
                    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
                    authority.is_some_and(|a| self.is(a))
                }
            };
            if !ours {
                return foreign("the Origin is not this service", "only its own pages may ask through a browser");
            }
        }
        Ok(())
    }

    /// Whether `host`, `host:port` is a name of the service.
    fn is(&self, authority: &str) -> bool {
        match self {
            Reach::ThisMachine => is_loopback(authority),
            Reach::Numbers => is_loopback(authority) || is_numbers(authority),
            Reach::Behind(origin) => Origin::of_authority(authority).as_ref() == Some(origin),
        }
    }

    /// Whether the request's `Origin` is exactly that of the page it would come from: scheme, name and port. Another
    /// port of this machine is another origin, though a browser sends it the same cookies.
    pub(crate) fn is_same_origin(&self, uri: &Uri, headers: &HeaderMap) -> Option<bool> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let origin = origins.next()?.to_str().unwrap_or("");
        let ours = match self {
            Reach::Behind(ours) => ours.to_string(),
            _ => format!("http://{}", host(uri, headers)),
        };
        Some(origins.next().is_none() && origin.eq_ignore_ascii_case(&ours))
    }

    /// Whether browsers come by https.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        matches!(self, Reach::Behind(_))
    }

    /// The address under which pages of the service are found, as a browser sees it.
    pub(crate) fn address(&self, uri: &Uri, headers: &HeaderMap) -> String {
        match self {
            Reach::Behind(ours) => ours.to_string(),
            _ => format!("http://{}", host(uri, headers)),
        }
    }

    /// The address that asks, as far as it can be told: behind a proxy it is what the proxy wrote last.
    pub(crate) fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        match self {
            Reach::Behind(_) => {
                let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
                let last = forwarded.and_then(|v| v.to_str().ok()).and_then(|v| v.rsplit(',').next());
                last.and_then(|v| forwarded_address(v.trim())).or(peer)
            }
            _ => peer,
        }
    }
}

/// An address as proxies write it: some with the port, those of IPv6 with or without brackets.
fn forwarded_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()))
}

/// What the request names, if it names one.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or(""),
        (None, _) => uri.authority().map_or("", |a| a.as_str()),
        (Some(_), Some(_)) => "",
    }
}

/// `host`, `host:port` or `[host]:port` in its parts, and whether it stood in brackets.
fn parts(authority: &str) -> Option<(&str, bool)> {
    let bracketed = authority.starts_with('[');
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some((host, bracketed))
}

/// Digits alone: a number may be read with a sign.
fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// Whether `host`, `host:port` names this machine.
fn is_loopback(authority: &str) -> bool {
    parts(authority).is_some_and(|(host, bracketed)| match bracketed {
        true => host.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback()),
        false => host.eq_ignore_ascii_case("localhost") || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback()),
    })
}

/// Whether `host`, `host:port` is an address of numbers.
fn is_numbers(authority: &str) -> bool {
    parts(authority).is_some_and(|(host, bracketed)| match bracketed {
        true => host.parse::<Ipv6Addr>().is_ok(),
        false => host.parse::<Ipv4Addr>().is_ok(),
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().fold(HeaderMap::new(), |mut all, (name, value)| {
            all.append(*name, HeaderValue::from_str(value).unwrap());
            all
        })
    }

    fn here() -> Uri {
        "/v1/code".parse().unwrap()
    }

    #[test]
    fn names_of_this_machine() {
        for name in ["localhost", "LocalHost:8080", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:65535"] {
            assert!(is_loopback(name), "{name}");
        }
        let others = [
            "",
            "localhost.",
            "localhost.:8080",
            "127.0.0.1.",
            "[::1].",
            "[::1%lo]",
            "127.0.0.1:8080:8080",
            "localhost:+80",
            "localhost:-1",
            "0x7f.0.0.1",
            "2130706433",
            "127.0.0.01",
            "ⓛocalhost",
            "localhost.evil.test",
            "evil.test",
            "127.0.0.1.evil.test",
            "127.1",
            "10.0.0.1",
            "0.0.0.0",
            "[::]",
            "::1",
            "[::1",
            "[::1]x",
            "localhost:",
            "localhost:x",
            "localhost:65536",
            "user@localhost",
            "localhost@evil.test",
            "localhost:80@evil.test",
            "[::ffff:127.0.0.1]",
            "localhost/",
        ];
        for name in others {
            assert!(!is_loopback(name), "{name}");
        }
    }

    #[test]
    fn origins_are_of_https_and_nothing_else() {
        for (text, shown) in [
            ("https://Drip.example.test", "https://drip.example.test"),
            ("https://drip.example.test:443/", "https://drip.example.test"),
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ] {
            assert_eq!(text.parse::<Origin>().map(|o| o.to_string()).as_deref(), Ok(shown));
        }
        for text in [
            "",
            "drip.example.test",
            "http://drip.example.test",
            "https://",
            "https://a/b",
            "https://a?b",
            "https://u@a",
            "https://a:",
            "https://a:99999",
            "https://a b",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(NotAnOrigin), "{text}");
        }
    }

    #[test]
    fn behind_a_proxy_only_its_name_is_ours() {
        let reach = Reach::Behind("https://drip.example.test".parse().unwrap());
        let asks = |pairs: &[(&'static str, &str)], watches| reach.admits(&here(), &headers(pairs), watches).is_ok();
        assert!(asks(&[("host", "drip.example.test")], false) && asks(&[("host", "DRIP.example.test:443")], false));
        for other in ["drip.example.test:8080", "localhost", "127.0.0.1", "evil.test", "drip.example.test.evil.test"] {
            assert!(!asks(&[("host", other)], false), "{other}");
        }
        assert!(asks(&[("host", "10.0.0.7:8080")], true), "a load balancer asks by address whether it runs");
        assert!(!asks(&[("host", "evil.test")], true));
        let from = |origin| asks(&[("host", "drip.example.test"), ("origin", origin)], false);
        assert!(from("https://drip.example.test"));
        for other in ["http://drip.example.test", "https://drip.example.test:444", "null", "https://evil.test"] {
            assert!(!from(other), "{other}");
        }
    }

    #[test]
    fn by_numbers_a_name_is_nobody() {
        let asks = |host| Reach::Numbers.admits(&here(), &headers(&[("host", host)]), false).is_ok();
        for ours in ["192.0.2.7:8080", "[2001:db8::1]", "localhost:8080"] {
            assert!(asks(ours), "{ours}");
        }
        for other in ["evil.test", "192.0.2.7.evil.test", "1.2.3", "2001:db8::1", ""] {
            assert!(!asks(other), "{other}");
        }
    }

    #[test]
    fn another_port_is_another_origin() {
        let same = |origin: &[&str]| {
            let mut pairs = vec![("host", "localhost:8080")];
            pairs.extend(origin.iter().map(|o| ("origin", *o)));
            Reach::ThisMachine.is_same_origin(&here(), &headers(&pairs))
        };
        assert_eq!(same(&[]), None);
        assert_eq!(same(&["http://localhost:8080"]), Some(true));
        for other in ["http://localhost:3000", "http://localhost", "https://localhost:8080", "null", ""] {
            assert_eq!(same(&[other]), Some(false), "{other}");
        }
        assert_eq!(same(&["http://localhost:8080", "http://localhost:8080"]), Some(false));
    }

    #[test]
    fn the_proxy_says_who_asks_and_nobody_else_does() {
        let (peer, said) = (Some("127.0.0.1".parse().unwrap()), headers(&[("x-forwarded-for", "6.6.6.6, 192.0.2.9")]));
        let behind = Reach::Behind("https://drip.example.test".parse().unwrap());
        assert_eq!(behind.client(peer, &said), "192.0.2.9".parse().ok());
        for (written, address) in [
            ("192.0.2.9:4711", "192.0.2.9"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("6.6.6.6, [2001:db8::1]:4711", "2001:db8::1"),
        ] {
            assert_eq!(behind.client(peer, &headers(&[("x-forwarded-for", written)])), address.parse().ok());
        }
        // What it does not say is not made up, and what it said last counts.
        for unsaid in ["unknown", "6.6.6.6, unknown", "", "192.0.2.9 6.6.6.6"] {
            assert_eq!(behind.client(peer, &headers(&[("x-forwarded-for", unsaid)])), peer, "{unsaid}");
        }
        let several = headers(&[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.9")]);
        assert_eq!(behind.client(peer, &several), "192.0.2.9".parse().ok());
        assert_eq!(behind.client(peer, &headers(&[])), peer);
        assert_eq!(Reach::ThisMachine.client(peer, &said), peer);
    }
}
