//! Who asks, and what they may.
//!
//! Without an account the service answers this machine alone, and it everything. From the first account on, every route
//! but those that tell whether it runs and those that sign in needs the cookie of a session or a token, with the
//! permission that [`needs`] names. Accounts are never deleted, so that the service does not fall open again.

pub(crate) mod api;
mod attempts;
pub mod needs;
#[cfg(feature = "oidc")]
pub mod oidc;
pub(crate) mod page;
pub mod reach;
pub mod records;
pub mod role;
pub mod secret;

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;

use crate::actor::Actor;
use crate::page::Page;
use crate::problem::{Kind, Problem};
use crate::state::AppState;
use crate::store::Store;

use attempts::{Attempt, Wait};
use needs::{Needs, needs, only_reads};
use reach::Reach;
use records::{Accounts, Name};
use role::{Permission, Role};
use secret::{Fingerprint, Password, Secret};

/// Where the service reads the time; a test sets it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Default for Clock {
    fn default() -> Self {
        Clock::new(|| Timestamp::now().as_microsecond())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl Clock {
    /// One that tells microseconds since 1970.
    pub fn new(clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Clock(Arc::new(clock))
    }

    fn microseconds(&self) -> i64 {
        (self.0)()
    }

    fn now(&self) -> i64 {
        self.microseconds().div_euclid(1_000_000)
    }
}

/// Seconds for which a session holds that is not used.
const IDLE: i64 = 30 * 60;
/// Seconds for which a session holds at most.
const LONGEST: i64 = 12 * 60 * 60;

/// Decides who may ask.
#[derive(Debug, Default)]
pub struct Access {
    reach: Reach,
    accounts: Option<Accounts>,
    clock: Clock,
    /// Whether there is an account, as far as is known; it never becomes untrue again.
    closed: AtomicBool,
    /// When it was last looked whether there is one, in microseconds.
    looked: AtomicI64,
    #[cfg(feature = "oidc")]
    oidc: Option<Arc<oidc::Oidc>>,
}

/// Microseconds for which it is not looked again whether somebody made the first account.
const LOOK_AGAIN: i64 = 1_000_000;

impl Access {
    /// Over the accounts of a store. From other machines it can be asked with credentials alone.
    #[must_use]
    pub fn new(reach: Reach, store: Store, clock: Clock) -> Self {
        let closed = AtomicBool::new(reach != Reach::ThisMachine);
        let accounts = Some(Accounts::new(store, clock.clone()));
        Access { reach, accounts, clock, closed, ..Access::default() }
    }

    /// With a provider of OpenID Connect, through which people sign in. From then on credentials are needed.
    #[cfg(feature = "oidc")]
    #[must_use]
    pub fn with_oidc(self, oidc: oidc::Oidc) -> Self {
        Access { oidc: Some(Arc::new(oidc)), closed: AtomicBool::new(true), ..self }
    }

    /// From where the service may be asked.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Whether every route is open to this machine.
    ///
    /// # Errors
    /// The store failed: then it is not known, and nothing is answered.
    pub async fn is_open(&self) -> Result<bool, Problem> {
        if self.closed.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let Some(accounts) = &self.accounts else { return Ok(true) };
        let now = self.clock.microseconds();
        if (0..LOOK_AGAIN).contains(&(now - self.looked.load(Ordering::Relaxed))) {
            return Ok(true);
        }
        let any = accounts.any().await?;
        self.looked.store(now, Ordering::Relaxed);
        self.closed.fetch_or(any, Ordering::Relaxed);
        Ok(!any)
    }

    /// Whether there are other ways to sign in than a password.
    fn has_oidc(&self) -> bool {
        #[cfg(feature = "oidc")]
        return self.oidc.is_some();
        #[cfg(not(feature = "oidc"))]
        false
    }

    /// The accounts; a service that stores nothing has none.
    pub(crate) fn accounts(&self) -> Result<&Accounts, Problem> {
        self.accounts.as_ref().ok_or_else(|| {
            let help = "start it with a store: dripline serve --store FILE";
            Problem::new(Kind::NoStore, "this service keeps no accounts", help)
        })
    }

    /// Who a request's credentials are.
    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let Some(accounts) = &self.accounts else { return Ok(Caller::Nobody) };
        if headers.contains_key(header::AUTHORIZATION) {
            // A token that does not hold is not made good by a cookie.
            let Some(token) = bearer(headers) else { return Ok(Caller::Nobody) };
            let known = accounts.token(&Fingerprint::of(token)).await?;
            return Ok(known.map_or(Caller::Nobody, |(name, scope)| Caller::Token { name, scope }));
        }
        let Some(secret) = self.cookie(headers) else { return Ok(Caller::Nobody) };
        let person = accounts.session(&Fingerprint::of(secret), IDLE, LONGEST).await?;
        Ok(person.map_or(Caller::Nobody, Caller::Person))
    }

    /// The name of the cookie that holds a session. With the prefix a browser takes it by https alone, and from no
    /// other host.
    fn cookie_name(&self) -> &'static str {
        if self.reach.is_secure() { "__Host-dripline" } else { "dripline" }
    }

    /// The secret of the cookie; of several of the name, none.
    fn cookie<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookie(headers, self.cookie_name())
    }

    /// The cookie that holds a session until the browser is closed.
    fn set_cookie(&self, secret: &Secret) -> HeaderValue {
        self.cookie_with(self.cookie_name(), secret.tell(), "Strict", "")
    }

    /// The cookie that ends the one before.
    fn end_cookie(&self) -> HeaderValue {
        self.cookie_with(self.cookie_name(), "", "Strict", "; Max-Age=0")
    }

    fn cookie_with(&self, name: &str, value: &str, same_site: &str, more: &str) -> HeaderValue {
        let secure = if self.reach.is_secure() { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}{more}");
        HeaderValue::from_str(&text).expect("names and secrets of ours are plain")
    }

    /// Signs in with a name and a password: the secret of a new session, never one that was there before.
    async fn sign_in(&self, name: &str, password: &str, asks: &Asks) -> Result<(Name, Secret), Problem> {
        let accounts = self.accounts()?;
        let client = asks.client;
        let now = self.clock.now();
        // A name that cannot be one is counted and hashed for as another.
        let parsed = name.parse::<Name>();
        let key = parsed.as_ref().map_or(name, Name::as_str);
        let attempt = Attempt::begin(accounts.store(), key, client, now).await?.map_err(locked)?;
        let hash = match &parsed {
            Ok(name) => accounts.password(name.as_str()).await?,
            Err(_) => None,
        };
        if !accounts.hasher.matches(password.to_owned(), hash).await? {
            accounts.refused(parsed.as_ref().ok()).await?;
            let help = "check both; whoever forgot the password asks an administrator for a new one";
            return Err(Problem::new(Kind::Unauthenticated, "the name or the password is wrong", help));
        }
        let Ok(name) = parsed else { return Err(Problem::failed()) };
        attempt.good(accounts.store(), now).await?;
        let secret = accounts.begin_session(name.as_str(), asks.session.as_ref(), LONGEST).await?;
        Ok((name, secret))
    }

    /// Sets the password of whoever is signed in, who must know the old one; ends their sessions and begins another.
    async fn change_password(&self, person: &Person, old: &str, new: &str, asks: &Asks) -> Result<Secret, Problem> {
        let accounts = self.accounts()?;
        let name: Name = person.name.parse()?;
        let new = Password::new(new, name.as_str()).map_err(records::AccessError::from)?;
        let now = self.clock.now();
        let attempt = Attempt::begin(accounts.store(), name.as_str(), asks.client, now).await?.map_err(locked)?;
        let hash = accounts.password(name.as_str()).await?;
        if hash.is_none() {
            return Err(records::AccessError::ElsewhereSigned.into());
        }
        if !accounts.hasher.matches(old.to_owned(), hash).await? {
            accounts.change_refused(&name).await?;
            let help = "whoever forgot it asks an administrator for a new one";
            return Err(Problem::new(Kind::Access, "the password until now is wrong", help).at("old"));
        }
        attempt.good(accounts.store(), now).await?;
        let change = records::Change { password: Some(new), ..records::Change::default() };
        accounts.change(name.as_str(), &name, change).await?;
        Ok(accounts.begin_session(name.as_str(), None, LONGEST).await?)
    }

    /// Whoever has just signed in.
    async fn of_session(&self, secret: &Secret) -> Result<Caller, Problem> {
        let person = self.accounts()?.session(&secret.fingerprint(), IDLE, LONGEST).await?;
        person.map(Caller::Person).ok_or_else(Problem::failed)
    }

    /// Ends the session of whoever has one.
    async fn sign_out(&self, caller: &Caller) -> Result<(), Problem> {
        match caller {
            Caller::Person(person) => Ok(self.accounts()?.end_session(person).await?),
            _ => Ok(()),
        }
    }

    /// From now on credentials are needed: there is an account.
    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}

fn locked(Wait(seconds): Wait) -> Problem {
    let detail = format!("after several wrong passwords the next is taken in {seconds} s");
    Problem::new(Kind::Locked, detail, "wait; what is tried before is not looked at").retry(seconds)
}

/// The token of an `Authorization` header, if it is the only one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(one), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = one.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let mut found = texts.flat_map(|t| t.split(';')).filter_map(|c| c.trim().split_once('=')).filter(|c| c.0 == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) if !value.is_empty() => Some(value),
        _ => None,
    }
}

/// Someone who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The account's name.
    pub name: String,
    /// What the person is here for.
    pub roles: BTreeSet<Role>,
    pub(crate) session: Fingerprint,
    /// When the session ends at the latest.
    pub(crate) ends: String,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Whoever uses this machine: there are no accounts.
    Machine,
    /// Someone who is signed in.
    Person(Person),
    /// A program with a token.
    Token {
        /// The token's name.
        name: String,
        /// What it may do.
        scope: BTreeSet<Permission>,
    },
    /// Nobody that is known.
    Nobody,
}

impl Caller {
    /// Whether the caller may do this.
    #[must_use]
    pub fn may(&self, what: Permission) -> bool {
        match self {
            Caller::Machine => true,
            Caller::Person(person) => person.roles.iter().any(|r| r.permissions().contains(&what)),
            Caller::Token { scope, .. } => scope.contains(&what),
            Caller::Nobody => false,
        }
    }

    /// Whether the guard lets the caller through to a route of [`needs::ROUTES`].
    pub(crate) fn may_ask(&self, method: &str, route: &str) -> bool {
        let needed = needs::ROUTES.iter().find(|(m, r, _)| *m == method && *r == route);
        match needed.map(|(_, _, needs)| *needs) {
            Some(Needs::Nothing) => true,
            Some(Needs::Credentials) => *self != Caller::Nobody,
            Some(Needs::May(permission)) => self.may(permission),
            None => false,
        }
    }

    /// As the caller stands in a history. The name of an account holds no space, so none is taken for another.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Caller::Machine => Actor::this_machine(),
            Caller::Person(person) => Actor::named(&person.name),
            Caller::Token { name, .. } => Actor::named(format!("token {name}")),
            Caller::Nobody => Actor::named("nobody known"),
        }
    }
}

/// The guard has decided who asks before a route is reached.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Caller>().cloned().ok_or_else(Problem::failed)
    }
}

/// The other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub SocketAddr);

/// From where someone signs in, and which session they had.
#[derive(Clone, Debug)]
pub(crate) struct Asks {
    client: Option<IpAddr>,
    session: Option<Fingerprint>,
}

impl FromRequestParts<AppState> for Asks {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>().map(|p| p.0.ip());
        let client = state.access.reach.client(peer, &parts.headers);
        Ok(Asks { client, session: state.access.cookie(&parts.headers).map(Fingerprint::of) })
    }
}

/// Lets through whoever may, and finishes a page with who that is.
pub(crate) async fn enter(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let access = &state.access;
    let caller = match access.is_open().await? {
        true => Caller::Machine,
        false => access.caller(request.headers()).await?,
    };
    let refused = permitted(access, &caller, &request).err();
    let mut response = match refused {
        Some(problem) => refusal(&state, problem, &request)?,
        None => {
            request.extensions_mut().insert(caller.actor());
            request.extensions_mut().insert(caller.clone());
            next.run(request).await
        }
    };
    if let Some(page) = response.extensions_mut().remove::<Page>() {
        *response.body_mut() = page.seen_by(&caller).into();
    }
    if access.reach.is_secure() {
        let year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    Ok(response)
}

/// Whether the caller may what the request asks for.
fn permitted(access: &Access, caller: &Caller, request: &Request) -> Result<(), Problem> {
    let route = request.extensions().get::<MatchedPath>();
    // What is not there is told to those who are known.
    let what = route.map_or(Some(Needs::Credentials), |r| needs(request.method(), r.as_str()));
    let open = what == Some(Needs::Nothing);
    if *caller == Caller::Nobody && !open {
        let detail = match request.headers().contains_key(header::AUTHORIZATION) {
            true => "the token is not known, has run out or was ended",
            false => "nobody is signed in",
        };
        let help = "sign in at /sign-in or POST /v1/session, or send a token as Authorization: Bearer TOKEN";
        return Err(Problem::new(Kind::Unauthenticated, detail, help));
    }
    if is_forged(access, caller, what, request) {
        let help = "ask from a page of the service, which sends its Origin; a program sends a token";
        return Err(Problem::new(Kind::Csrf, "the request does not come from a page of the service", help));
    }
    match what {
        Some(Needs::May(permission)) if !caller.may(permission) => {
            let detail = format!("this needs the permission `{permission}`");
            Err(Problem::new(Kind::Forbidden, detail, "an administrator gives roles to accounts and scopes to tokens"))
        }
        Some(_) => Ok(()),
        None if *caller == Caller::Machine => Ok(()),
        // A method that the route does not have, or one that nobody has thought about: it answers nobody.
        None => {
            let help = "GET /openapi.json lists the routes";
            Err(Problem::new(Kind::Method, "the route does not know this method", help))
        }
    }
}

/// Whether a page of somebody else may have sent this. A browser sends the cookie of a session along with whatever such
/// a page asks for, signs in whom it wants, and reaches a service without accounts: so what changes something comes from
/// a page of ours. Coding a chart changes nothing, and is there for other programs' pages on this machine.
fn is_forged(access: &Access, caller: &Caller, what: Option<Needs>, request: &Request) -> bool {
    let matters = match caller {
        Caller::Token { .. } => false,
        Caller::Machine => !matches!(what, Some(Needs::May(Permission::Code | Permission::Read))),
        Caller::Person(_) | Caller::Nobody => true,
    };
    if only_reads(request.method()) || !matters {
        return false;
    }
    let same = access.reach.is_same_origin(request.uri(), request.headers());
    let elsewhere = request.headers().get("sec-fetch-site").is_some_and(|site| site != "same-origin");
    same == Some(false) || same.is_none() && matches!(caller, Caller::Person(_)) || elsewhere
}

/// What someone is answered who may not: as a page, where one was asked for.
fn refusal(state: &AppState, problem: Problem, request: &Request) -> Result<Response, Problem> {
    let headers = request.headers();
    let html = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"));
    let looks = html && !headers.contains_key(header::AUTHORIZATION);
    match problem.kind() {
        Kind::Method => Ok(with_allow(problem, request)),
        Kind::Unauthenticated | Kind::Forbidden | Kind::Csrf if looks => {
            state.metrics.refused(problem.kind().slug());
            match problem.kind() {
                Kind::Unauthenticated => Ok(to_sign_in(request)),
                _ => page::refused(&problem),
            }
        }
        _ => Err(problem),
    }
}

/// A problem with the methods that its route knows.
fn with_allow(problem: Problem, request: &Request) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let known: Vec<&str> = needs::ROUTES.iter().filter(|(_, r, _)| *r == route).map(|(m, ..)| *m).collect();
    let mut response = problem.into_response();
    if let Ok(allow) = HeaderValue::from_str(&known.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// Whoever looks at a page and is not signed in is led to where they can.
fn to_sign_in(request: &Request) -> Response {
    let to = match only_reads(request.method()) {
        true => request.uri().path_and_query().map_or("/", |p| p.as_str()),
        // What was sent cannot be sent again from here.
        false => "/",
    };
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("to", to).finish();
    Redirect::to(&format!("/sign-in?{query}")).into_response()
}
