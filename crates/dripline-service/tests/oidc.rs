//! Signing in through OpenID Connect, at a small provider on this machine that can be told to lie.
#![cfg(feature = "oidc")]

mod common;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use common::certificates::{Root, Signed};
use common::stores::{each, each_open, file};
use common::{Answer, Service, get};
use dripline_service::access::oidc::{Oidc, Roots};
use dripline_service::access::reach::Reach;
use dripline_service::access::records::{Accounts, Change, Name};
use dripline_service::access::role::Role;
use dripline_service::access::secret::Password;
use dripline_service::access::{Access, Clock};
use dripline_service::store::{Place, Store, backup};
use dripline_service::{AppState, log};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tracing::level_filters::LevelFilter;

const CLIENT: &str = "dripline client";
const SECRET: &str = "s3cret & more";
const CODE: &str = "the-code";

/// A signing key under a name.
struct Key {
    pair: EcdsaKeyPair,
    document: Vec<u8>,
    kid: &'static str,
}

impl Key {
    fn new(kid: &'static str) -> Self {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Key::of(document.as_ref(), kid)
    }

    fn of(document: &[u8], kid: &'static str) -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document, &SystemRandom::new()).unwrap();
        Key { pair, document: document.to_owned(), kid }
    }

    fn again(&self) -> Self {
        Key::of(&self.document, self.kid)
    }

    fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let coded = Base64UrlUnpadded::encode_string;
        json!({ "kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "x": coded(x), "y": coded(y) })
    }

    fn signed(&self, claims: &Value) -> String {
        let head = json!({ "alg": "ES256", "kid": self.kid });
        let text = format!("{}.{}", part(&head), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", Base64UrlUnpadded::encode_string(signature.as_ref()))
    }
}

fn part(value: &Value) -> String {
    Base64UrlUnpadded::encode_string(value.to_string().as_bytes())
}

/// What the provider answers.
struct Says {
    discovery: Value,
    keys: Value,
    /// The challenge for which the code was given, and where it may go.
    challenge: String,
    redirect: String,
    token: String,
    asked_for_keys: usize,
    /// All that was asked, as it came.
    asked: String,
}

/// A provider that listens.
struct Provider {
    issuer: String,
    says: Arc<Mutex<Says>>,
    key: Key,
}

/// What a provider shows of who it is, where it speaks https.
type Shown = Option<Arc<rustls::ServerConfig>>;

impl Provider {
    fn start() -> Self {
        Provider::at("127.0.0.1", None)
    }

    /// One of this machine that is called so.
    fn at(name: &str, shown: Shown) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if shown.is_some() { "https" } else { "http" };
        let issuer = format!("{scheme}://{name}:{}", listener.local_addr().unwrap().port());
        let key = Key::new("first");
        let says = Arc::new(Mutex::new(Says {
            discovery: json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize?tenant=7"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
            }),
            keys: json!({ "keys": [{ "kty": "oct", "kid": "other" }, key.public()] }),
            challenge: String::new(),
            redirect: String::new(),
            token: String::new(),
            asked_for_keys: 0,
            asked: String::new(),
        }));
        let answers = Arc::clone(&says);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, shown) = (Arc::clone(&answers), shown.clone());
                std::thread::spawn(move || match shown {
                    None => converse(stream, &answers),
                    Some(shown) => {
                        let connection = rustls::ServerConnection::new(shown).unwrap();
                        converse(rustls::StreamOwned::new(connection, stream), &answers);
                    }
                });
            }
        });
        Provider { issuer, says, key }
    }

    fn settings(&self) -> String {
        let issuer = &self.issuer;
        format!(
            "issuer = \"{issuer}\"\nclient_id = \"{CLIENT}\"\nscopes = [\"profile\"]\nrole_claim = \"realm.groups\"\n\
             [roles]\nnurses = \"coder\"\n\"the boss\" = \"administrator\"\n"
        )
    }
}

/// Answers one request.
fn converse(mut stream: impl Read + Write, says: &Mutex<Says>) {
    let mut read = Vec::new();
    let mut part = [0; 4096];
    let (head, body) = loop {
        let many = stream.read(&mut part).unwrap_or(0);
        read.extend_from_slice(&part[..many]);
        let text = String::from_utf8_lossy(&read).into_owned();
        match text.split_once("\r\n\r\n") {
            None if many == 0 => return,
            None => continue,
            Some((head, body)) => {
                let length = head
                    .to_lowercase()
                    .split("content-length: ")
                    .nth(1)
                    .map_or(0, |l| l.split("\r\n").next().unwrap().parse::<usize>().unwrap());
                if body.len() >= length || many == 0 {
                    break (head.to_owned(), body.to_owned());
                }
            }
        }
    };
    let (status, body) = says.lock().unwrap().answer(&head, &body);
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\nlocation: http://127.0.0.1:1/\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
}

impl Says {
    fn answer(&mut self, head: &str, body: &str) -> (u16, String) {
        self.asked.push_str(&format!("{head}\n{body}\n"));
        let path = head.split(' ').nth(1).unwrap();
        match path {
            "/.well-known/openid-configuration" if self.discovery.is_null() => (302, String::new()),
            "/.well-known/openid-configuration" => (200, self.discovery.to_string()),
            "/keys" => {
                self.asked_for_keys += 1;
                (200, self.keys.to_string())
            }
            "/token" => {
                let form: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
                let basic = Base64::encode_string(b"dripline+client:s3cret+%26+more");
                let challenge = Base64UrlUnpadded::encode_string(&Sha256::digest(form["code_verifier"].as_bytes()));
                let good = form["grant_type"] == "authorization_code"
                    && form["code"] == CODE
                    && form["redirect_uri"] == self.redirect
                    && challenge == self.challenge
                    && head.to_lowercase().contains("authorization: basic ")
                    && head.contains(&basic);
                match good {
                    true => (
                        200,
                        json!({ "id_token": self.token, "access_token": "x", "token_type": "Bearer" }).to_string(),
                    ),
                    false => (400, json!({ "error": "invalid_grant" }).to_string()),
                }
            }
            _ => (404, String::new()),
        }
    }
}

struct It {
    service: Service,
    provider: Provider,
    accounts: Accounts,
    now: Arc<AtomicI64>,
}

/// Someone on the way: what their browser keeps, and what the provider was told.
struct Way {
    cookie: String,
    query: BTreeMap<String, String>,
}

async fn it(store: Store) -> It {
    It::of(store, Provider::start(), Arc::new(AtomicI64::new(1_800_000_000))).await
}

fn with_cookie(mut request: Request<Body>, cookie: &str) -> Request<Body> {
    request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
    request
}

impl It {
    async fn of(store: Store, provider: Provider, now: Arc<AtomicI64>) -> Self {
        let oidc = Oidc::new(Oidc::settings(&provider.settings()).unwrap(), Some(SECRET.to_owned())).unwrap();
        It::with_oidc(store, provider, oidc, now).await
    }

    async fn with_oidc(store: Store, provider: Provider, oidc: Oidc, now: Arc<AtomicI64>) -> Self {
        let told = Arc::clone(&now);
        let clock = Clock::new(move || told.load(Ordering::Relaxed) * 1_000_000);
        let access = Access::new(Reach::ThisMachine, store.clone(), clock.clone()).with_oidc(oidc);
        let service = Service::of(AppState::default().with_store(store.clone()).with_access(access)).await;
        It { service, provider, accounts: Accounts::new(store, clock), now }
    }

    /// Another process with the same provider.
    async fn beside(&self, store: Store) -> Self {
        let Provider { issuer, says, key } = &self.provider;
        let provider = Provider { issuer: issuer.clone(), says: Arc::clone(says), key: key.again() };
        It::of(store, provider, Arc::clone(&self.now)).await
    }

    /// Begins to sign in, and lets the provider know of it.
    async fn begin(&self) -> Way {
        let answer = self.service.look(get("/sign-in/oidc?to=/rules")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let (endpoint, query) = answer.header("location").split_once("?tenant=7&").unwrap();
        assert_eq!(endpoint, format!("{}/authorize", self.provider.issuer));
        let query: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut says = self.provider.says.lock().unwrap();
        says.challenge.clone_from(&query["code_challenge"]);
        says.redirect.clone_from(&query["redirect_uri"]);
        Way { cookie: answer.header("set-cookie").split(';').next().unwrap().to_owned(), query }
    }

    fn claims(&self, way: &Way) -> Value {
        let now = self.now.load(Ordering::Relaxed);
        json!({
            "iss": self.provider.issuer, "sub": "person-1", "aud": CLIENT, "nonce": way.query["nonce"],
            "iat": now, "exp": now + 300, "preferred_username": "Anna", "realm": { "groups": ["staff", "nurses"] },
        })
    }

    fn gives(&self, token: String) {
        self.provider.says.lock().unwrap().token = token;
    }

    fn signs(&self, claims: &Value) {
        self.gives(self.provider.key.signed(claims));
    }

    async fn back(&self, way: &Way, query: &str) -> Answer {
        let path = format!("/sign-in/oidc/return?{query}");
        self.service.look(with_cookie(get(&path), &way.cookie)).await
    }

    async fn comes_back(&self, way: &Way) -> Answer {
        self.back(way, &format!("code={CODE}&state={}", way.query["state"])).await
    }

    /// Signs in as claims say that differ so from good ones.
    async fn with(&self, change: impl FnOnce(&mut Value)) -> Answer {
        let way = self.begin().await;
        let mut claims = self.claims(&way);
        change(&mut claims);
        self.signs(&claims);
        self.comes_back(&way).await
    }

    async fn who(&self, answer: &Answer) -> Value {
        let cookies: Vec<&str> =
            answer.headers.get_all(header::SET_COOKIE).iter().map(|v| v.to_str().unwrap()).collect();
        let session = cookies.iter().find(|c| c.starts_with("dripline=")).expect("a session");
        assert!(session.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{session}");
        assert!(cookies.iter().any(|c| c.starts_with("dripline-way=;") && c.contains("Max-Age=0")), "{cookies:?}");
        self.service.ask(with_cookie(get("/v1/session"), session.split(';').next().unwrap())).await.json()
    }
}

fn refused(answer: &Answer, status: u16, says: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert!(answer.text.contains(says), "{says}: {}", answer.text);
    let sets = answer.headers.get_all(header::SET_COOKIE).iter().any(|c| c.to_str().unwrap().starts_with("dripline="));
    assert!(!sets, "nobody is signed in");
}

#[tokio::test]
async fn someone_is_signed_in_as_the_provider_says() {
    each_open(|store| async move {
        let it = it(store).await;
        assert_eq!(it.service.ask(get("/v1/rules")).await.status, 401, "with a provider nothing is open");
        let page = it.service.look(get("/sign-in?to=/rules")).await;
        assert!(page.text.contains(r#"href="/sign-in/oidc?to=%2Frules""#), "{}", page.text);
        let way = it.begin().await;
        let asked = |name: &str| way.query[name].as_str();
        assert_eq!((asked("response_type"), asked("client_id"), asked("scope")), ("code", CLIENT, "openid profile"));
        assert_eq!(
            (asked("redirect_uri"), asked("code_challenge_method")),
            ("http://127.0.0.1:8080/sign-in/oidc/return", "S256")
        );
        it.signs(&it.claims(&way));
        let answer = it.comes_back(&way).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert!(answer.text.contains(r#"http-equiv="refresh" content="0;url=/rules""#), "{}", answer.text);
        let who = it.who(&answer).await;
        assert_eq!((&who["name"], &who["roles"]), (&json!("anna"), &json!(["coder"])));
        let account = it.accounts.list().await.unwrap().remove(0);
        assert_eq!(account.created_by, it.provider.issuer);
        // Roles are as they are told this time; the name stays as it was told first.
        let again = it
            .with(|c| {
                c["realm"]["groups"] = json!("the boss");
                c["preferred_username"] = json!("anna.new");
                c["aud"] = json!([CLIENT, "another"]);
                c["azp"] = json!(CLIENT);
            })
            .await;
        assert_eq!(it.who(&again).await["roles"], json!(["administrator"]));
        let accounts = it.accounts.list().await.unwrap();
        assert_eq!((accounts.len(), accounts[0].name.as_str()), (1, "anna"));
        // Nobody signs in to it with a password, nor gets one.
        let change =
            Change { password: Some(Password::new("correct horse battery", "anna").unwrap()), ..Change::default() };
        let name: Name = "anna".parse().unwrap();
        assert!(it.accounts.change("a test", &name, change).await.is_err());
        let change = Change { roles: Some([Role::Auditor].into()), ..Change::default() };
        assert!(it.accounts.change("a test", &name, change).await.is_err(), "its roles are told elsewhere");
        // Who is disabled here stays out, whatever is said elsewhere.
        let other = it.with(|c| {
            c["sub"] = json!("person-2");
            c["preferred_username"] = json!("ben");
            c["realm"]["groups"] = json!(["the boss"]);
        });
        assert_eq!(other.await.status, StatusCode::OK);
        let disable = Change { disabled: Some(true), ..Change::default() };
        it.accounts.change("a test", &name, disable).await.unwrap();
        refused(&it.with(|_| ()).await, 403, "disabled here");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_exactly_so_signs_in_nobody() {
    let it = it(Store::open(&file()).await.unwrap()).await;
    let now = it.now.load(Ordering::Relaxed);
    type Lie = (&'static str, Value, &'static str);
    let lies: [Lie; 20] = [
        ("nonce", json!("another"), "belongs to another sign-in"),
        ("nonce", Value::Null, "belongs to another sign-in"),
        ("iss", json!("https://evil.test"), "of another provider"),
        ("iss", Value::Null, "of another provider"),
        ("aud", json!("another"), "for another service"),
        ("aud", json!(["another"]), "for another service"),
        ("aud", json!([CLIENT, "another"]), "for another service"),
        ("aud", json!([]), "for another service"),
        ("azp", json!("another"), "for another service"),
        ("exp", json!(now - 61), "has run out"),
        ("exp", Value::Null, "has run out"),
        ("exp", json!("never"), "has run out"),
        ("iat", json!(now - 601), "not made just now"),
        ("iat", json!(now + 61), "not made just now"),
        ("iat", Value::Null, "not made just now"),
        ("nbf", json!(now + 61), "does not hold yet"),
        ("sub", json!(""), "about nobody"),
        ("sub", Value::Null, "about nobody"),
        ("preferred_username", json!("<b>"), "no name that can stand in a history"),
        ("preferred_username", Value::Null, "no name that can stand in a history"),
    ];
    for (claim, lie, says) in lies {
        let status = if says.contains("history") { 403 } else { 401 };
        refused(&it.with(|c| c[claim] = lie).await, status, says);
    }
    for roles in [json!(["staff"]), json!([]), json!("nurses2"), Value::Null, json!({ "nurses": true }), json!(7)] {
        refused(&it.with(|c| c["realm"]["groups"] = roles).await, 403, "no role that this service knows");
    }
    // Signatures: none, of another key under the same name, with our public key as a shared secret, of other text.
    let way = it.begin().await;
    let claims = it.claims(&way);
    let none = format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims));
    let shared = {
        let text = format!("{}.{}", part(&json!({ "alg": "HS256", "kid": "other" })), part(&claims));
        format!("{text}.{}", Base64UrlUnpadded::encode_string(&Sha256::digest(text.as_bytes())))
    };
    let good = it.provider.key.signed(&claims);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let mut richer = claims.clone();
    richer["realm"]["groups"] = json!(["the boss"]);
    let swapped = format!("{}.{}.{signature}", signed.split('.').next().unwrap(), part(&richer));
    let critical = {
        let head = json!({ "alg": "ES256", "kid": "first", "crit": ["x"] });
        format!("{}.{}.{signature}", part(&head), part(&claims))
    };
    let tokens = [
        none,
        shared,
        Key::new("first").signed(&claims),
        Key::new("third").signed(&claims),
        swapped,
        critical,
        String::new(),
        "a.b.c".to_owned(),
        signed.to_owned(),
    ];
    for token in tokens {
        let way = it.begin().await;
        it.gives(token);
        refused(&it.comes_back(&way).await, 401, "not signed by the provider");
    }
    assert!(it.accounts.list().await.unwrap().is_empty());
    assert_eq!(it.with(|_| ()).await.status, StatusCode::OK, "and what is so signs in");
}

#[tokio::test]
async fn the_browser_that_comes_back_is_the_one_that_was_sent_once() {
    let it = it(Store::open(&file()).await.unwrap()).await;
    let (one, two) = (it.begin().await, it.begin().await);
    it.signs(&it.claims(&two));
    let state = |way: &Way| way.query["state"].clone();
    let says = "his browser did not begin the sign-in";
    refused(&it.back(&one, &format!("code={CODE}&state={}", state(&two))).await, 401, says);
    refused(&it.back(&two, &format!("code={CODE}")).await, 401, says);
    refused(&it.back(&two, &format!("code={CODE}&state=")).await, 401, says);
    let bare = it.service.look(get(&format!("/sign-in/oidc/return?code={CODE}&state={}", state(&two)))).await;
    refused(&bare, 401, says);
    let planted = Way { cookie: "dripline-way=planted".to_owned(), query: BTreeMap::new() };
    refused(&it.back(&planted, &format!("code={CODE}&state=planted")).await, 401, says);
    refused(
        &it.back(&one, &format!("code={CODE}&state={}&iss=https://evil.test", state(&one))).await,
        401,
        "provider answered",
    );
    assert_eq!(it.comes_back(&two).await.status, StatusCode::OK);
    refused(&it.comes_back(&two).await, 401, says);
    // The person said no there; the provider's own words are not repeated.
    let three = it.begin().await;
    let no =
        it.back(&three, &format!("error=access_denied&error_description=%3Cscript%3E&state={}", state(&three))).await;
    refused(&no, 403, "did not sign you in");
    assert!(!no.text.contains("script>"));
    // A code for another verifier, and one that comes too late.
    let four = it.begin().await;
    it.signs(&it.claims(&four));
    it.provider.says.lock().unwrap().challenge = "another".to_owned();
    refused(&it.comes_back(&four).await, 502, "did not take the code");
    let five = it.begin().await;
    it.now.fetch_add(601, Ordering::Relaxed);
    it.signs(&it.claims(&five));
    refused(&it.comes_back(&five).await, 401, says);
}

#[tokio::test]
async fn who_is_on_the_way_comes_back_to_a_service_that_was_stopped_or_to_another() {
    each(|place| async move {
        let store = Store::open(&place).await.unwrap();
        let one = it(store.clone()).await;
        let two = one.beside(Store::open(&place).await.unwrap()).await;
        // Begun at one process, finished at the other, and only once.
        let way = one.begin().await;
        two.signs(&two.claims(&way));
        assert_eq!(two.comes_back(&way).await.status, StatusCode::OK);
        refused(&one.comes_back(&way).await, 401, "did not begin the sign-in");
        // Begun before a stop, finished after it.
        let way = one.begin().await;
        store.close().await;
        let again = one.beside(Store::open(&place).await.unwrap()).await;
        again.signs(&again.claims(&way));
        assert_eq!(again.comes_back(&way).await.status, StatusCode::OK);
        // A clock that is set back does not make an old one new, nor one that was wrong.
        let way = again.begin().await;
        again.now.fetch_sub(601, Ordering::Relaxed);
        again.signs(&again.claims(&way));
        refused(&again.comes_back(&way).await, 401, "too long ago");
    })
    .await;
}

#[tokio::test]
async fn behind_a_proxy_the_way_there_and_back_is_by_https_and_its_name() {
    let (provider, store) = (Provider::start(), Store::open(&file()).await.unwrap());
    let oidc = Oidc::new(Oidc::settings(&provider.settings()).unwrap(), Some(SECRET.to_owned())).unwrap();
    let reach = Reach::Behind("https://drip.example.test".parse().unwrap());
    let access = Access::new(reach, store.clone(), Clock::default()).with_oidc(oidc);
    let service = Service::of(AppState::default().with_store(store).with_access(access)).await;
    let mut request = get("/sign-in/oidc?to=//evil.test");
    request.headers_mut().insert(header::HOST, "drip.example.test".parse().unwrap());
    let answer = service.look(request).await;
    let redirect = "redirect_uri=https%3A%2F%2Fdrip.example.test%2Fsign-in%2Foidc%2Freturn&";
    assert!(answer.header("location").contains(redirect), "{}", answer.header("location"));
    let set = answer.header("set-cookie");
    assert!(set.starts_with("__Host-dripline-way="), "{set}");
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600"), "{set}");
    let from_elsewhere = service.look(get("/sign-in/oidc/return?code=x&state=y")).await;
    assert_eq!(from_elsewhere.problem().0, "foreign");
}

#[tokio::test]
async fn who_has_the_store_can_finish_nothing() {
    let place = file();
    let store = Store::open(&place).await.unwrap();
    let it = it(store.clone()).await;
    let way = it.begin().await;
    let mut backed = Vec::new();
    backup::write(&place, &mut backed).await.unwrap();
    let Place::File(path) = &place else { panic!("a file") };
    let mut bytes = std::fs::read(path).unwrap();
    bytes.extend(std::fs::read(path.with_extension("db-wal")).unwrap());
    let kept = String::from_utf8_lossy(&bytes).into_owned();
    assert!(kept.contains("/sign-in/oidc/return"), "the test looks where it should");
    assert!(!String::from_utf8(backed).unwrap().contains("/sign-in/oidc/return"), "and a backup does not hold it");
    let (cookie, state) = (&way.cookie["dripline-way=".len()..], &way.query["state"]);
    it.signs(&it.claims(&way));
    // What follows from the way there, as whoever reads addresses in a log would try it.
    let (own, said) = (format!("dripline-way={state}"), format!("code={CODE}&state={state}"));
    let stolen = Way { cookie: own, query: way.query.clone() };
    refused(&it.back(&stolen, &said).await, 401, "did not begin the sign-in");
    assert_eq!(it.comes_back(&way).await.status, StatusCode::OK);
    let asked = it.provider.says.lock().unwrap().asked.clone();
    let verifier = asked.split("code_verifier=").nth(1).unwrap().lines().next().unwrap().split('&').next().unwrap();
    assert!((43..=128).contains(&verifier.len()), "{verifier}");
    let secrets = [cookie, state, &way.query["nonce"], &way.query["code_challenge"], verifier];
    for (i, secret) in secrets.iter().enumerate() {
        assert!(!kept.contains(secret), "{secret}");
        assert!(secrets[..i].iter().all(|other| other != secret), "each is its own");
    }
    let rows = |table: &'static str| {
        let store = store.clone();
        async move {
            let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
            sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut *store.read().await.unwrap()).await.unwrap()
        }
    };
    assert_eq!(rows("sign_ins").await, 0, "what is finished is gone");
    // What is not finished goes too, and one address has an end.
    it.begin().await;
    it.now.fetch_add(601, Ordering::Relaxed);
    for _ in 0..1_003 {
        it.begin().await;
    }
    assert_eq!(rows("sign_ins").await, 1_000);
}

#[tokio::test]
async fn a_name_is_not_taken_over() {
    let it = it(Store::open(&file()).await.unwrap()).await;
    let roles = [Role::Administrator].into();
    let password = Password::new("correct horse battery", "anna").unwrap();
    it.accounts.add("a test", &"anna".parse().unwrap(), &roles, password).await.unwrap();
    refused(&it.with(|_| ()).await, 403, "belongs to another account");
    assert_eq!(it.with(|c| c["preferred_username"] = json!("ben")).await.status, StatusCode::OK);
    let other = it.with(|c| {
        c["preferred_username"] = json!("ben");
        c["sub"] = json!("person-2");
    });
    refused(&other.await, 403, "belongs to another account");
}

#[tokio::test]
async fn keys_may_change_and_are_not_asked_for_at_every_turn() {
    let it = it(Store::open(&file()).await.unwrap()).await;
    assert_eq!(it.with(|_| ()).await.status, StatusCode::OK);
    assert_eq!(it.with(|_| ()).await.status, StatusCode::OK);
    assert_eq!(it.provider.says.lock().unwrap().asked_for_keys, 1);
    let next = Key::new("second");
    it.provider.says.lock().unwrap().keys = json!({ "keys": [next.public()] });
    let way = it.begin().await;
    it.gives(next.signed(&it.claims(&way)));
    refused(&it.comes_back(&way).await, 401, "not signed by the provider");
    it.now.fetch_add(60, Ordering::Relaxed);
    let way = it.begin().await;
    it.gives(next.signed(&it.claims(&way)));
    assert_eq!(it.comes_back(&way).await.status, StatusCode::OK);
    assert_eq!(it.provider.says.lock().unwrap().asked_for_keys, 2);
}

#[tokio::test]
async fn a_provider_that_answers_otherwise_is_not_followed() {
    for (key, lie, says) in [
        ("issuer", json!("https://evil.test"), "calls itself otherwise"),
        ("token_endpoint", json!("http://evil.test/token"), "not of https"),
        ("jwks_uri", json!("file:///etc/passwd"), "not of https"),
        ("authorization_endpoint", json!("javascript:alert(1)"), "not of https"),
        ("token_endpoint", Value::Null, "does not describe itself"),
    ] {
        let it = it(Store::open(&file()).await.unwrap()).await;
        it.provider.says.lock().unwrap().discovery[key] = lie;
        refused(&it.service.look(get("/sign-in/oidc")).await, 502, says);
    }
    let it = it(Store::open(&file()).await.unwrap()).await;
    it.provider.says.lock().unwrap().discovery = Value::Null;
    refused(&it.service.look(get("/sign-in/oidc")).await, 502, "does not describe itself");
}

/// A provider of this machine that speaks https, as whom a certificate names.
fn https(name: &str, signed: &Signed) -> Provider {
    let chain = CertificateDer::pem_slice_iter(signed.certificate.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Provider::at(name, Some(Arc::new(config)))
}

/// A service that trusts a root alone, or what the machine trusts.
async fn trusting(provider: Provider, root: Option<&Root>) -> It {
    let (settings, secret) = (Oidc::settings(&provider.settings()).unwrap(), Some(SECRET.to_owned()));
    let oidc = match root {
        Some(root) => Oidc::trusting(settings, secret, Roots::read(root.pem().as_bytes()).unwrap()),
        None => Oidc::new(settings, secret),
    };
    let store = Store::open(&file()).await.unwrap();
    It::with_oidc(store, provider, oidc.unwrap(), Arc::new(AtomicI64::new(1_800_000_000))).await
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_provider_of_https_proves_who_it_is_before_it_is_told_anything() {
    let kept = Kept::default();
    let writer = kept.clone();
    let logged = tracing::subscriber::set_default(log::subscriber(LevelFilter::TRACE, move || writer.clone()));
    let (ours, other) = (Root::new(), Root::new());
    let good = ours.signs(&["localhost"]);
    let it = trusting(https("localhost", &good), Some(&ours)).await;
    assert!(it.provider.issuer.starts_with("https://localhost:"));
    assert_eq!(it.with(|_| ()).await.status, StatusCode::OK);
    assert!(it.provider.says.lock().unwrap().asked.contains("code_verifier="));

    let refuses = async |provider: Provider, root: Option<&Root>, says: &str| {
        let it = trusting(provider, root).await;
        let answer = it.service.look(get("/sign-in/oidc?to=/rules")).await;
        refused(&answer, 502, says);
        assert!(!answer.text.contains("localhost") && !answer.text.contains("127.0.0.1"), "{}", answer.text);
        assert_eq!(it.provider.says.lock().unwrap().asked, "", "it was asked nothing");
    };
    let unknown = "not by an authority that is trusted here";
    refuses(https("localhost", &good), Some(&other), unknown).await;
    refuses(https("localhost", &good), None, unknown).await;
    refuses(https("127.0.0.1", &good), Some(&ours), "for another name").await;
    refuses(https("localhost", &ours.signs(&["localhost.example"])), Some(&ours), "for another name").await;
    refuses(https("localhost", &ours.signed_long_ago(&["localhost"])), Some(&ours), "has run out").await;

    // The address to which the code and the client's secret go has to prove it as well.
    let it = trusting(https("localhost", &good), Some(&ours)).await;
    let thief = https("localhost", &other.signs(&["localhost"]));
    let way = {
        it.provider.says.lock().unwrap().discovery["token_endpoint"] = json!(format!("{}/token", thief.issuer));
        it.begin().await
    };
    it.signs(&it.claims(&way));
    let answer = it.comes_back(&way).await;
    refused(&answer, 502, unknown);
    assert_eq!(thief.says.lock().unwrap().asked, "");
    drop(logged);
    let logged = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains(unknown), "{logged}");
    let basic = Base64::encode_string(b"dripline+client:s3cret+%26+more");
    let cookie = &way.cookie["dripline-way=".len()..];
    for secret in [SECRET, "s3cret", &basic, CODE, cookie, &way.query["state"], &way.query["nonce"]] {
        assert!(!logged.contains(secret) && !answer.text.contains(secret), "{secret}: {logged} {}", answer.text);
    }
}

#[tokio::test]
async fn a_file_of_roots_is_one() {
    let good = Root::new().pem();
    let broken = good.replacen("MII", "AAA", 1);
    for wrong in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n", &broken] {
        let error = Roots::read(wrong.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("no certificate"), "{wrong}: {error}");
    }
    assert!(Roots::read(format!("{good}{}", Root::new().pem()).as_bytes()).is_ok(), "several");
}
