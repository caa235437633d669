//! Signing in through a provider of OpenID Connect: the authorization code flow with PKCE, `state` and `nonce`.
//!
//! The provider vouches for who someone is and tells their roles, each time anew. What it says is believed only as far
//! as the settings name it: another issuer, another client, an old answer or a role that is not mapped signs in nobody.

mod token;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Request, Uri};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use form_urlencoded::Serializer;
use ring::hmac;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, RootCertStore};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::{Row as _, query};
use tracing::warn;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::attempts::network;
use super::page::{local, refused, signed_in};
use super::records::{AccessError, Name};
use super::role::Role;
use super::secret::{Fingerprint, Secret};
use super::{Access, Asks, Caller, LONGEST, cookie};
use crate::problem::{Kind, Problem};
use crate::state::AppState;
use crate::store::{Store, StoreError};

use token::Keys;

/// How long someone may take to sign in at the provider, in seconds.
const PATIENCE: i64 = 10 * 60;
/// How many may be on their way at a time, and how many from one address.
const MOST: i64 = 10_000;
const MOST_OF_ADDRESS: i64 = 1_000;
/// Seconds for which what the provider says about itself holds.
const KNOWN: i64 = 60 * 60;
/// Seconds before keys are asked for again because one was missing.
const KEYS_AGAIN: i64 = 60;
/// Until the provider has answered.
const TIME: Duration = Duration::from_secs(10);
/// Most bytes of its answer.
const LARGEST: u64 = 1 << 20;

/// What is agreed with a provider: the file of `--oidc`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The provider's name of itself, an address of https.
    pub issuer: String,
    /// What the provider calls this service.
    pub client_id: String,
    /// A file that holds nothing but the client's secret; a client without one proves itself by PKCE alone.
    pub client_secret_file: Option<std::path::PathBuf>,
    /// What is asked for besides `openid`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The claim that names the person.
    #[serde(default = "name_claim")]
    pub name_claim: String,
    /// The claim that tells the roles: a text or a list of texts; dots lead into objects.
    pub role_claim: String,
    /// What the claim may say, and which role that is.
    pub roles: BTreeMap<String, Role>,
}

fn name_claim() -> String {
    "preferred_username".to_owned()
}

/// Why the settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError(String);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}

/// The authorities that are trusted for a provider's certificate.
#[derive(Clone, Debug)]
pub struct Roots(Vec<CertificateDer<'static>>);

impl Roots {
    /// Those that this machine trusts.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Roots(rustls_native_certs::load_native_certs().certs)
    }

    /// Those of a PEM file alone, as an organisation's own.
    ///
    /// # Errors
    /// The file holds none, or one that cannot be read.
    pub fn read(pem: &[u8]) -> Result<Self, SettingsError> {
        let wrong = || SettingsError("it holds no certificate in PEM, or one that cannot be read".to_owned());
        let roots: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| wrong())?;
        let mut known = RootCertStore::empty();
        let good = roots.iter().all(|root| known.add(root.clone()).is_ok());
        if good && !roots.is_empty() { Ok(Roots(roots)) } else { Err(wrong()) }
    }
}

/// A provider.
pub struct Oidc {
    settings: Settings,
    secret: Option<String>,
    agent: Agent,
    known: Mutex<Option<Arc<Known>>>,
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.settings.issuer).finish_non_exhaustive()
    }
}

/// What ties a browser to the sign-in that it began. It keeps one secret as a cookie, and from this alone follow `state`,
/// `nonce` and the verifier of PKCE, each without the others: whoever has the store, the provider's answer or the address
/// that leads back can finish nothing.
struct Ties(hmac::Key);

impl Ties {
    fn of(secret: &str) -> Self {
        Ties(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    fn tie(&self, what: &str) -> String {
        Base64UrlUnpadded::encode_string(hmac::sign(&self.0, what.as_bytes()).as_ref())
    }

    fn state(&self) -> String {
        self.tie("state")
    }

    fn nonce(&self) -> String {
        self.tie("nonce")
    }

    fn verifier(&self) -> String {
        self.tie("verifier")
    }

    /// Whether the state that came back is that of the secret.
    fn is_state(&self, state: &str) -> bool {
        let state = Base64UrlUnpadded::decode_vec(state).unwrap_or_default();
        hmac::verify(&self.0, b"state", &state).is_ok()
    }
}

/// Someone who was sent to the provider, as it is stored.
struct Begun {
    redirect: String,
    to: String,
}

impl Begun {
    /// Keeps who begins: the oldest give way, of the same address or of all, and begin again.
    async fn keep(
        &self,
        store: &Store,
        state: &Fingerprint,
        client: Option<IpAddr>,
        now: i64,
    ) -> Result<(), StoreError> {
        let client = Fingerprint::of(&client.map(network).map_or_else(String::new, |a| a.to_string()));
        let mut write = store.write().await?;
        query("DELETE FROM sign_ins WHERE began <= $1 OR began > $2")
            .bind(now - PATIENCE)
            .bind(now + PATIENCE)
            .execute(&mut *write)
            .await?;
        let oldest = "DELETE FROM sign_ins WHERE state IN \
                      (SELECT state FROM sign_ins WHERE $1 = '' OR client = $1 ORDER BY began DESC, state LIMIT 1 OFFSET $2)";
        for (whose, most) in [(client.as_str(), MOST_OF_ADDRESS), ("", MOST)] {
            query(oldest).bind(whose).bind(most - 1).execute(&mut *write).await?;
        }
        query("INSERT INTO sign_ins (state, client, redirect, onward, began) VALUES ($1, $2, $3, $4, $5)")
            .bind(state.as_str())
            .bind(client.as_str())
            .bind(&self.redirect)
            .bind(&self.to)
            .bind(now)
            .execute(&mut *write)
            .await?;
        write.commit().await
    }

    /// Takes out who comes back: once, and not too late.
    async fn take(store: &Store, state: &Fingerprint, now: i64) -> Result<Option<Self>, StoreError> {
        let mut write = store.write().await?;
        let sql = "DELETE FROM sign_ins WHERE state = $1 RETURNING redirect, onward, began";
        let Some(row) = query(sql).bind(state.as_str()).fetch_optional(&mut *write).await? else { return Ok(None) };
        let (begun, began) = (Begun { redirect: row.try_get(0)?, to: row.try_get(1)? }, row.try_get::<i64, _>(2)?);
        write.commit().await?;
        Ok((now - PATIENCE + 1..=now + PATIENCE).contains(&began).then_some(begun))
    }
}

/// What the provider says about itself.
#[derive(Deserialize)]
struct Provider {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

struct Known {
    provider: Provider,
    keys: Keys,
    at: i64,
}

/// Why someone is not signed in. None of it repeats what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The provider does not answer as it should.
    Provider(&'static str),
    /// What came back is not what was asked for.
    Answer(&'static str),
    /// The person may not.
    Person(&'static str),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Provider(what) => {
                warn!(what, "the provider of OpenID Connect did not answer as it should");
                Problem::new(Kind::Provider, what, "try again; an administrator looks at the log and the settings")
            }
            Refusal::Answer(what) => {
                warn!(what, "a sign-in through OpenID Connect was refused");
                Problem::new(Kind::Unauthenticated, what, "begin again at /sign-in")
            }
            Refusal::Person(what) => {
                warn!(what, "a sign-in through OpenID Connect was refused");
                Problem::new(Kind::Forbidden, what, "whoever runs the provider, or this service, can change that")
            }
        }
    }
}

impl Oidc {
    /// A provider as settings say, with the client's secret if there is one.
    ///
    /// # Errors
    /// What cannot be used of the settings.
    pub fn new(settings: Settings, secret: Option<String>) -> Result<Self, SettingsError> {
        Oidc::trusting(settings, secret, Roots::of_this_machine())
    }

    /// As [`Oidc::new`], with the authorities that are trusted for the provider's certificate.
    ///
    /// # Errors
    /// What cannot be used of the settings.
    pub fn trusting(settings: Settings, secret: Option<String>, roots: Roots) -> Result<Self, SettingsError> {
        let wrong = |what: &str| Err(SettingsError(what.to_owned()));
        if !is_safe(&settings.issuer) {
            return wrong("issuer: an address of https is needed; http is for this machine alone");
        }
        if settings.client_id.is_empty() {
            return wrong("client_id: it is empty");
        }
        if settings.roles.is_empty() {
            return wrong("roles: none is mapped, so nobody could sign in");
        }
        if secret.as_deref().is_some_and(str::is_empty) {
            return wrong("client_secret_file: it is empty");
        }
        let roots: Vec<_> = roots.0.iter().map(|c| Certificate::from_der(c).to_owned()).collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let mut config = Agent::config_builder()
            .tls_config(tls.build())
            .timeout_global(Some(TIME))
            // An answer that leads elsewhere is not an answer.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent("dripline");
        if is_loopback(&settings.issuer) {
            config = config.proxy(None);
        }
        let agent = config.build().new_agent();
        Ok(Oidc { settings, secret, agent, known: Mutex::default() })
    }

    /// Reads settings.
    ///
    /// # Errors
    /// A key is missing, unknown or holds what cannot stand there.
    pub fn settings(text: &str) -> Result<Settings, SettingsError> {
        toml::from_str(text).map_err(|e| SettingsError(e.to_string().trim_end().to_owned()))
    }

    /// Where to send someone who has begun; and what their browser keeps.
    async fn begin(
        self: &Arc<Self>,
        store: &Store,
        begun: Begun,
        client: Option<IpAddr>,
        now: i64,
    ) -> Result<(String, Secret), Problem> {
        let known = self.known(now, false).await?;
        let kept = Secret::new("")?;
        let ties = Ties::of(kept.tell());
        let challenge = Base64UrlUnpadded::encode_string(&Sha256::digest(ties.verifier().as_bytes()));
        let scope = ["openid"].into_iter().chain(self.settings.scopes.iter().map(String::as_str));
        let query = Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &begun.redirect)
            .append_pair("scope", &scope.collect::<Vec<_>>().join(" "))
            .append_pair("state", &ties.state())
            .append_pair("nonce", &ties.nonce())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let endpoint = &known.provider.authorization_endpoint;
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        begun.keep(store, &Fingerprint::of(&ties.state()), client, now).await?;
        Ok((format!("{endpoint}{joint}{query}"), kept))
    }

    /// Who came back: the name and the roles that the provider vouches for, its name for them, and where they want to.
    async fn finish(
        self: &Arc<Self>,
        store: &Store,
        back: &Back,
        kept: Option<&str>,
        now: i64,
    ) -> Result<(Someone, String), Problem> {
        // The browser that comes back is the one that was sent, once, and not long ago.
        let ties = kept.map(Ties::of).filter(|t| back.state.as_deref().is_some_and(|s| t.is_state(s)));
        let begun = match &ties {
            Some(ties) => Begun::take(store, &Fingerprint::of(&ties.state()), now).await?,
            None => None,
        };
        let Some((ties, begun)) = ties.zip(begun) else {
            return Err(Refusal::Answer("this browser did not begin the sign-in, or too long ago").into());
        };
        if back.iss.as_ref().is_some_and(|iss| *iss != self.settings.issuer) {
            return Err(Refusal::Answer("another provider answered").into());
        }
        let code = match (&back.code, &back.error) {
            (Some(code), None) => code,
            _ => return Err(Refusal::Person("the provider did not sign you in").into()),
        };
        let mut known = self.known(now, false).await?;
        let token = self.exchange(&known, code, &begun.redirect, &ties).await?;
        if !known.keys.has_key_of(&token) && now - known.at >= KEYS_AGAIN {
            known = self.known(now, true).await?;
        }
        let expected = token::Expected {
            issuer: &self.settings.issuer,
            client: &self.settings.client_id,
            nonce: &ties.nonce(),
            now,
        };
        let claims = token::verified(&token, &known.keys, &expected)?;
        Ok((self.someone(&claims)?, begun.to))
    }

    /// The token that a code is good for.
    async fn exchange(
        self: &Arc<Self>,
        known: &Known,
        code: &str,
        redirect: &str,
        ties: &Ties,
    ) -> Result<String, Problem> {
        #[derive(Deserialize)]
        struct Tokens {
            id_token: String,
        }
        let request = self.code_for_token(known, code, redirect, ties)?;
        let tokens: Tokens = self.ask(request, "the provider did not take the code that it gave").await?;
        Ok(tokens.id_token)
    }

    fn code_for_token(
        &self,
        known: &Known,
        code: &str,
        redirect: &str,
        ties: &Ties,
    ) -> Result<Request<String>, Refusal> {
        let client = &self.settings.client_id;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect)
            .append_pair("code_verifier", &ties.verifier());
        let methods = &known.provider.token_endpoint_auth_methods_supported;
        let knows = |method: &str| methods.iter().any(|m| m == method);
        let mut request = Request::post(&known.provider.token_endpoint);
        match &self.secret {
            Some(secret) if knows("client_secret_post") && !knows("client_secret_basic") => {
                form.append_pair("client_id", client).append_pair("client_secret", secret);
            }
            Some(secret) => {
                let coded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let basic = Base64::encode_string(format!("{}:{}", coded(client), coded(secret)).as_bytes());
                request = request.header(header::AUTHORIZATION, format!("Basic {basic}"));
            }
            None => {
                form.append_pair("client_id", client);
            }
        }
        request
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(form.finish())
            .map_err(|_| Refusal::Provider("the provider's token endpoint cannot be asked"))
    }

    /// What the provider says about itself, asked for when it is old or when a key is missing.
    async fn known(self: &Arc<Self>, now: i64, again: bool) -> Result<Arc<Known>, Problem> {
        let kept = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = kept.filter(|k| !again && (0..KNOWN).contains(&(now - k.at))) {
            return Ok(known);
        }
        let get = |address: &str| {
            Request::get(address)
                .header(header::ACCEPT, "application/json")
                .body(String::new())
                .map_err(|_| Problem::from(Refusal::Provider("an address of the provider is none")))
        };
        let issuer = &self.settings.issuer;
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let provider: Provider = self.ask(get(&address)?, "the provider does not describe itself").await?;
        if provider.issuer != *issuer {
            return Err(Refusal::Provider("the provider calls itself otherwise than the settings do").into());
        }
        let all = [&provider.authorization_endpoint, &provider.token_endpoint, &provider.jwks_uri];
        // What is secret goes to no address that is less safe than the issuer's own.
        if !all.iter().all(|a| is_safe(a) && (is_loopback(issuer) || !is_loopback(a))) {
            return Err(Refusal::Provider("an address of the provider is not of https").into());
        }
        let keys: Keys = self.ask(get(&provider.jwks_uri)?, "the provider does not tell its keys").await?;
        let known = Arc::new(Known { provider, keys, at: now });
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        Ok(known)
    }

    /// Asks the provider, aside: the client waits.
    async fn ask<T: DeserializeOwned + Send + 'static>(
        self: &Arc<Self>,
        request: Request<String>,
        otherwise: &'static str,
    ) -> Result<T, Problem> {
        let oidc = Arc::clone(self);
        let answer = tokio::task::spawn_blocking(move || {
            let mut answer = oidc.agent.run(request).map_err(|e| of_certificate(&e).unwrap_or(otherwise))?;
            let good = answer.status().is_success();
            let bytes = answer.body_mut().with_config().limit(LARGEST).read_to_vec().map_err(|_| otherwise)?;
            good.then(|| serde_json::from_slice(&bytes).ok()).flatten().ok_or(otherwise)
        });
        Ok(answer.await.map_err(|_| Problem::failed())?.map_err(Refusal::Provider)?)
    }

    /// The person of claims.
    fn someone(&self, claims: &Value) -> Result<Someone, Refusal> {
        let told = match found(claims, &self.settings.role_claim) {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => vec![],
        };
        let roles: BTreeSet<Role> = told.iter().filter_map(|t| self.settings.roles.get(*t).copied()).collect();
        if roles.is_empty() {
            return Err(Refusal::Person("the provider tells no role that this service knows"));
        }
        let name = found(claims, &self.settings.name_claim).and_then(Value::as_str);
        let name = name.and_then(|n| n.parse::<Name>().ok());
        let name = name.ok_or(Refusal::Person("the provider tells no name that can stand in a history here"))?;
        let subject = claims["sub"].as_str().filter(|s| (1..=255).contains(&s.len()));
        let subject = subject.ok_or(Refusal::Answer("the token is about nobody"))?.to_owned();
        Ok(Someone { subject, name, roles })
    }
}

/// What is wrong with a certificate, where that is why nothing was answered. The error itself names what was asked.
fn of_certificate(error: &ureq::Error) -> Option<&'static str> {
    let error = match error {
        ureq::Error::Rustls(error) => error,
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref::<rustls::Error>()?,
        _ => return None,
    };
    let rustls::Error::InvalidCertificate(wrong) = error else {
        return Some("the provider's https cannot be used");
    };
    Some(match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the provider's certificate has run out",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the provider's certificate does not hold yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the provider's certificate is for another name"
        }
        _ => "the provider's certificate is not by an authority that is trusted here",
    })
}

/// Whom the provider vouches for.
struct Someone {
    subject: String,
    name: Name,
    roles: BTreeSet<Role>,
}

/// The claim of a name; where there is none, dots lead into objects.
fn found<'a>(claims: &'a Value, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| name.split('.').try_fold(claims, |value, key| value.get(key)))
}

/// Whether an address is of https, or of http on this machine.
fn is_safe(address: &str) -> bool {
    let uri = address.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host).is_some_and(|h| !h.is_empty());
    let plain = !address.contains(['@', '#']);
    host && plain && (address.starts_with("https://") || is_loopback(address) && address.starts_with("http://"))
}

/// Whether an address is of this machine.
fn is_loopback(address: &str) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or("").trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Every route of it.
pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/sign-in/oidc", get(begin)).route("/sign-in/oidc/return", get(back))
}

#[derive(Deserialize)]
struct To {
    #[serde(default)]
    to: String,
}

impl Access {
    fn provider(&self) -> Result<&Arc<Oidc>, Problem> {
        let none =
            || Problem::new(Kind::NotFound, "this service has no provider of OpenID Connect", "sign in at /sign-in");
        self.oidc.as_ref().ok_or_else(none)
    }

    /// The name of the cookie that a browser keeps while it is at the provider.
    fn way_cookie(&self) -> &'static str {
        if self.reach.is_secure() { "__Host-dripline-way" } else { "dripline-way" }
    }
}

async fn begin(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
    asks: Asks,
    Query(To { to }): Query<To>,
) -> Result<Response, Problem> {
    let access = &state.access;
    let redirect = format!("{}/sign-in/oidc/return", access.reach.address(&uri, &headers));
    let begun = Begun { redirect, to: local(&to).to_owned() };
    let store = access.accounts()?.store();
    match access.provider()?.begin(store, begun, asks.client, access.clock.now()).await {
        Ok((address, kept)) => {
            let mut response = Redirect::to(&address).into_response();
            // The way back leads from another site: a stricter cookie would not come along.
            let more = format!("; Max-Age={PATIENCE}");
            let cookie = access.cookie_with(access.way_cookie(), kept.tell(), "Lax", &more);
            response.headers_mut().append(header::SET_COOKIE, cookie);
            Ok(response)
        }
        Err(problem) => refused(&problem),
    }
}

/// What the provider sends back through the browser.
#[derive(Deserialize)]
struct Back {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

async fn back(
    State(state): State<AppState>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Result<Response, Problem> {
    match admit(&state, &headers, &back).await {
        Ok((caller, to, cookies)) => signed_in(&caller, &to, cookies),
        Err(problem) if problem.kind() == Kind::Failed => Err(problem),
        Err(problem) => {
            state.metrics.refused(problem.kind().slug());
            refused(&problem)
        }
    }
}

async fn admit(
    state: &AppState,
    headers: &HeaderMap,
    back: &Back,
) -> Result<(Caller, String, Vec<HeaderValue>), Problem> {
    let access = &state.access;
    let kept = cookie(headers, access.way_cookie());
    let (oidc, accounts) = (access.provider()?, access.accounts()?);
    let (someone, to) = oidc.finish(accounts.store(), back, kept, access.clock.now()).await?;
    let Someone { subject, name, roles } = someone;
    let name = match accounts.vouched_for(&oidc.settings.issuer, &subject, &name, &roles).await {
        Ok(Some(name)) => name,
        Ok(None) => return Err(Refusal::Person("the account is disabled here").into()),
        // Whose name it is stays as it was: nobody becomes another by being called so elsewhere.
        Err(AccessError::Taken) => return Err(Refusal::Person("the name belongs to another account here").into()),
        Err(e) => return Err(e.into()),
    };
    let secret = accounts.begin_session(&name, None, LONGEST).await?;
    let caller = access.of_session(&secret).await?;
    let gone = access.cookie_with(access.way_cookie(), "", "Lax", "; Max-Age=0");
    Ok((caller, to, vec![access.set_cookie(&secret), gone]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const GOOD: &str = "issuer = \"https://id.example.test\"\nclient_id = \"d\"\nrole_claim = \"groups\"\n[roles]\nnurses = \"coder\"\n";

    #[test]
    fn settings_are_read_strictly() {
        let settings = Oidc::settings(GOOD).unwrap();
        assert_eq!(settings.name_claim, "preferred_username");
        assert!(Oidc::new(settings, None).is_ok());
        for (from, to, says) in [
            ("client_id", "cliend_id", "unknown field `cliend_id`"),
            ("\"coder\"", "\"owner\"", "unknown variant `owner`"),
            ("role_claim = \"groups\"\n", "", "missing field `role_claim`"),
        ] {
            let error = Oidc::settings(&GOOD.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        for (from, to) in [
            ("https://", "http://"),
            ("https://id", "ftp://id"),
            ("https://id", "https://u@id"),
            ("\"d\"", "\"\""),
            ("nurses = \"coder\"\n", ""),
        ] {
            let settings = Oidc::settings(&GOOD.replace(from, to)).unwrap();
            assert!(Oidc::new(settings, None).is_err(), "{to}");
        }
        assert!(Oidc::new(Oidc::settings(GOOD).unwrap(), Some(String::new())).is_err());
        let here = GOOD.replace("https://id.example.test", "http://127.0.0.1:9");
        assert!(Oidc::new(Oidc::settings(&here).unwrap(), None).is_ok());
    }

    #[test]
    fn claims_are_found_by_name_and_inside_objects() {
        let claims = json!({ "a.b": 1, "a": { "b": 2, "c": { "d": 3 } } });
        assert_eq!(found(&claims, "a.b"), Some(&json!(1)));
        assert_eq!(found(&claims, "a.c.d"), Some(&json!(3)));
        assert_eq!(found(&claims, "a.x"), None);
    }
}
