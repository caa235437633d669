//! Who may ask: every route without credentials, with those that have run out and with those of another role; how
//! sessions begin and end; and what is tried to get round it all.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode, header};
use common::stores::{each, each_open, file};
use common::{Answer, CASE, JSON, Service, TEXT, WORKSHEET, get, post, request, trickle};
use dripline_reference::Coder;
use dripline_service::access::needs::{Needs, ROUTES, needs};
use dripline_service::access::reach::Reach;
use dripline_service::access::records::{Accounts, Change, Name};
use dripline_service::access::role::{Permission, Role};
use dripline_service::access::secret::Password;
use dripline_service::access::{Access, Clock};
use dripline_service::store::{Place, Store, backup};
use dripline_service::{AppState, Limits, app};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";
const ORIGIN: &str = "http://127.0.0.1:8080";

/// A clock that a test sets, in seconds.
#[derive(Clone)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn new() -> Self {
        Hands(Arc::new(AtomicI64::new(1_800_000_000)))
    }

    fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.0);
        Clock::new(move || seconds.load(Ordering::Relaxed) * 1_000_000)
    }

    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

/// A service with an account of each role, called as the role is.
struct Guarded {
    service: Service,
    accounts: Accounts,
    hands: Hands,
}

async fn guarded(store: Store, reach: Reach) -> Guarded {
    guarded_within(store, reach, Limits::default()).await
}

async fn guarded_within(store: Store, reach: Reach, limits: Limits) -> Guarded {
    let hands = Hands::new();
    let accounts = Accounts::new(store.clone(), hands.clock());
    for role in Role::ALL {
        let (name, password) = (name(role.as_str()), Password::new(PASSWORD, role.as_str()).unwrap());
        accounts.add("a test", &name, &BTreeSet::from([*role]), password).await.unwrap();
    }
    let access = Access::new(reach, store.clone(), hands.clock());
    let state = AppState::new(Coder::default(), limits).with_store(store).with_access(access);
    Guarded { service: Service::of(state).await, accounts, hands }
}

async fn new_store() -> Store {
    Store::open(&file()).await.unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn credentials(name: &str, password: &str) -> Request<Body> {
    post("/v1/session", JSON, json!({ "name": name, "password": password }).to_string())
}

/// The cookie that an answer sets, as it is sent back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

fn with(mut request: Request<Body>, name: header::HeaderName, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

fn as_session(request: Request<Body>, cookie: &str) -> Request<Body> {
    with(with(request, header::COOKIE, cookie), header::ORIGIN, ORIGIN)
}

fn as_token(request: Request<Body>, token: &str) -> Request<Body> {
    with(request, header::AUTHORIZATION, &format!("Bearer {token}"))
}

impl Guarded {
    async fn sign_in(&self, name: &str) -> String {
        let answer = self.service.ask(credentials(name, PASSWORD)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        cookie(&answer)
    }

    async fn token(&self, name: &str, scope: &[Permission], days: i64) -> String {
        let scope = scope.iter().copied().collect();
        self.accounts.add_token("a test", &name.parse().unwrap(), &scope, days).await.unwrap().1.tell().to_owned()
    }

    async fn status_with(&self, cookie: &str) -> StatusCode {
        self.service.ask(as_session(get("/v1/session"), cookie)).await.status
    }
}

/// A request of a route, with parts of its path filled in and nothing in it.
fn plain(method: &str, route: &str) -> Request<Body> {
    let path = route.replace("{id}", "push-definition").replace("{kind}", "case").replace("{name}", "nobody");
    let path = path.replace("{file}", "page.css").replace("{version}", "1");
    request(method.parse().unwrap(), &path).body(Body::empty()).unwrap()
}

/// What the router itself says it has: every path with its methods; of a service behind a path, none.
fn routes_of_the_router() -> BTreeMap<String, Vec<String>> {
    let text = format!("{:?}", app(AppState::default()));
    let (methods, paths) = text.split_once("node: Node { paths: {").expect("the router shows its paths");
    let paths = paths.split(", fallback_router: ").next().unwrap();
    let mut all = BTreeMap::new();
    for part in paths.split("RouteId(").skip(1) {
        let Some((id, rest)) = part.split_once("): \"") else { continue };
        let path = rest.split('"').next().unwrap();
        let of = methods.split(&format!("RouteId({id}): ")).nth(1).expect("a route of that number");
        let of = of.split("RouteId(").next().unwrap();
        let names = ["get", "post", "put", "patch", "delete"];
        let known = names.iter().filter(|n| of.contains(&format!("{n}: Route")) || of.contains(&format!("{n}: Boxed")));
        all.insert(path.to_owned(), known.map(|n| n.to_ascii_uppercase()).collect());
    }
    all
}

#[tokio::test]
async fn every_route_of_the_router_says_what_it_needs() {
    let routes = routes_of_the_router();
    assert!(routes.len() > 25 && routes["/v1/session"] == ["GET", "POST", "DELETE"], "{routes:?}");
    for (route, methods) in &routes {
        assert!(ROUTES.iter().any(|(_, r, _)| r == route), "{route} needs nothing that is written down");
        for method in methods {
            assert!(needs(&method.parse().unwrap(), route).is_some(), "{method} {route}");
        }
    }
    let once: BTreeSet<_> = ROUTES.iter().map(|(method, route, _)| (method, route)).collect();
    assert_eq!(once.len(), ROUTES.len(), "a route stands twice");
    let built = |route: &str| cfg!(feature = "oidc") || !route.starts_with("/sign-in/oidc");
    for (method, route, _) in ROUTES.iter().filter(|(_, r, _)| built(r) && *r != "/mcp") {
        assert!(routes.get(*route).is_some_and(|m| m.iter().any(|m| m == method)), "{method} {route} is not there");
    }
    let service = Service::new().await;
    for (path, operations) in service.document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let needs = needs(&method.to_ascii_uppercase().parse().unwrap(), path).unwrap();
            let security = operation["security"].as_array().unwrap();
            assert_eq!(security.is_empty(), needs == Needs::Nothing, "{method} {path}");
            if let Needs::May(permission) = needs {
                assert_eq!(security[0]["token"][0], permission.as_str());
            }
        }
    }
    // Nothing else is open: what tells that it runs, signing in, and what that page is made of.
    let open: Vec<_> = ROUTES.iter().filter(|r| r.2 == Needs::Nothing).map(|(m, r, _)| format!("{m} {r}")).collect();
    assert_eq!(
        open,
        [
            "GET /health",
            "GET /ready",
            "POST /v1/session",
            "GET /sign-in",
            "POST /sign-in",
            "GET /sign-in/oidc",
            "GET /sign-in/oidc/return",
            "GET /page/{file}"
        ]
    );
}

#[tokio::test]
async fn every_route_refuses_who_has_no_credentials_or_bad_ones() {
    each_open(|store| async move {
        let it = guarded(store, Reach::ThisMachine).await;
        let good = it.token("good", &[Permission::Code], 30).await;
        let withdrawn = it.token("withdrawn", &[Permission::Code], 30).await;
        let short = it.token("short", &[Permission::Code], 1).await;
        it.accounts.withdraw("a test", &name("withdrawn")).await.unwrap();
        let idle = it.sign_in("coder").await;
        it.hands.pass(24 * 60 * 60);
        let live = it.sign_in("coder").await;
        let ended = it.sign_in("coder").await;
        let out = request(Method::DELETE, "/v1/session").body(Body::empty()).unwrap();
        assert_eq!(it.service.ask(as_session(out, &ended)).await.status, StatusCode::NO_CONTENT);
        assert_eq!(it.status_with(&live).await, StatusCode::OK);
        assert_eq!(it.service.ask(as_token(get("/v1/rules"), &good)).await.status, StatusCode::OK);

        let refused = async |request: Request<Body>, what: &str| {
            let route = format!("{what}: {} {}", request.method(), request.uri());
            let answer = it.service.look(request).await;
            assert_eq!(
                (answer.status, answer.problem().0.as_str()),
                (StatusCode::UNAUTHORIZED, "unauthenticated"),
                "{route}"
            );
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"dripline\"");
            assert_eq!(answer.header("cache-control"), "no-store");
        };
        for (method, route, needs) in ROUTES.iter().chain(&[("GET", "/nothing", Needs::Credentials)]) {
            let ask = || plain(method, route);
            if *needs == Needs::Nothing {
                let answer = it.service.look(ask()).await;
                // A form without a name is a wrong sign-in, which is told on the page itself.
                let built = cfg!(feature = "oidc") || !route.starts_with("/sign-in/oidc");
                assert!(
                    !built || answer.status != StatusCode::UNAUTHORIZED || answer.text.contains("<h1>Sign in</h1>"),
                    "{route}"
                );
                continue;
            }
            refused(ask(), "nothing").await;
            refused(as_session(ask(), &idle), "a session that was not used for a day").await;
            refused(as_session(ask(), &ended), "a session that was ended").await;
            refused(as_session(ask(), "dripline=0123456789abcdef"), "a session that never was").await;
            refused(as_session(ask(), &format!("{live}; {ended}")), "two cookies").await;
            refused(as_token(ask(), &short), "a token that has run out").await;
            refused(as_token(ask(), &withdrawn), "a token that was ended").await;
            refused(as_token(ask(), &format!("{good}0")), "a token that never was").await;
            refused(as_token(ask(), live.trim_start_matches("dripline=")), "a session's secret as a token").await;
            refused(as_session(ask(), &format!("dripline={good}")), "a token as a session").await;
            refused(with(ask(), header::AUTHORIZATION, "Basic YTpi"), "another scheme").await;
            // A token that does not hold is not made good by a cookie.
            refused(as_session(as_token(ask(), &short), &live), "a bad token and a good cookie").await;
        }
    })
    .await;
}

#[tokio::test]
async fn every_route_refuses_who_has_another_role_or_scope() {
    let it = guarded(new_store().await, Reach::ThisMachine).await;
    let mut may_and_may_not = (0, 0);
    let mut check = async |request: Request<Body>, may: bool, who: &str| {
        let route = format!("{who}: {} {}", request.method(), request.uri());
        let answer = it.service.look(request).await;
        let refused = answer.status == StatusCode::FORBIDDEN;
        assert_eq!(refused, !may, "{route}: {} {}", answer.status, answer.text);
        assert!(answer.status != StatusCode::UNAUTHORIZED || route.ends_with("POST /sign-in"), "{route}");
        if refused {
            let (kind, problem) = answer.problem();
            assert_eq!(kind, "forbidden", "{route}");
            assert!(!problem.to_string().contains("for-"), "{problem}");
            may_and_may_not.1 += 1;
        } else {
            may_and_may_not.0 += 1;
        }
    };
    for role in Role::ALL {
        for (method, route, needs) in ROUTES {
            let may = match needs {
                Needs::May(permission) => role.permissions().contains(permission),
                _ => true,
            };
            // Signing out is for last: a new session for each route.
            let cookie = it.sign_in(role.as_str()).await;
            check(as_session(plain(method, route), &cookie), may, role.as_str()).await;
        }
    }
    for permission in Permission::ALL.iter().filter(|p| p.is_for_tokens()) {
        let token = it.token(&format!("for-{permission}"), &[*permission], 1).await;
        for (method, route, needs) in ROUTES {
            let may = !matches!(needs, Needs::May(needed) if needed != permission);
            check(as_token(plain(method, route), &token), may, &format!("for-{permission}")).await;
        }
    }
    assert!(may_and_may_not.0 > 50 && may_and_may_not.1 > 50, "{may_and_may_not:?}");
    for (scope, days) in [
        (vec![Permission::Accounts], 1),
        (vec![Permission::Settings], 1),
        (vec![], 1),
        (vec![Permission::Code], 0),
        (vec![Permission::Code], 367),
    ] {
        let scope = scope.into_iter().collect();
        assert!(it.accounts.add_token("a test", &name("wide"), &scope, days).await.is_err(), "{scope:?} {days}");
    }
}

#[tokio::test]
async fn the_first_account_ends_that_everything_is_open() {
    each_open(|store| async move {
        let hands = Hands::new();
        let access = Access::new(Reach::ThisMachine, store.clone(), hands.clock());
        let service = Service::of(AppState::default().with_store(store.clone()).with_access(access)).await;
        assert_eq!(service.ask(post("/v1/code", TEXT, WORKSHEET)).await.status, StatusCode::OK);
        let who = service.ask(get("/v1/session")).await.json();
        assert_eq!(
            (&who["kind"], who["permissions"].as_array().unwrap().len()),
            (&json!("machine"), Permission::ALL.len())
        );
        let page = service.look(get("/")).await.text;
        assert!(page.contains("open to this machine only") && !page.contains("Sign out"), "{page}");
        // Made by the service itself: it holds at once.
        let account = json!({ "name": "Anna", "roles": ["administrator"], "password": PASSWORD });
        let made = service.ask(post("/v1/accounts", JSON, account.to_string())).await;
        assert_eq!((made.status, made.json()["name"].clone()), (StatusCode::CREATED, json!("anna")));
        assert_eq!(made.json()["created_by"], "this machine");
        assert_eq!(service.ask(post("/v1/code", TEXT, WORKSHEET)).await.status, StatusCode::UNAUTHORIZED);
        let again = Service::of(AppState::default().with_store(store)).await;
        assert_eq!(again.ask(get("/v1/rules")).await.status, StatusCode::UNAUTHORIZED);
    })
    .await;
    // Made by another process: it holds within a second.
    let (store, hands) = (new_store().await, Hands::new());
    let access = Access::new(Reach::ThisMachine, store.clone(), hands.clock());
    let service = Service::of(AppState::default().with_store(store.clone()).with_access(access)).await;
    assert_eq!(service.ask(get("/v1/rules")).await.status, StatusCode::OK);
    let password = Password::new(PASSWORD, "anna").unwrap();
    let accounts = Accounts::new(store, hands.clock());
    accounts.add("a test", &name("anna"), &BTreeSet::from([Role::Coder]), password).await.unwrap();
    hands.pass(1);
    assert_eq!(service.ask(get("/v1/rules")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_is_new_at_each_sign_in_and_ends_when_it_should() {
    each_open(|store| async move {
        let it = guarded(store, Reach::ThisMachine).await;
        // A value that somebody put there before is not taken over.
        let planted = "dripline=00000000000000000000000000000000000000000000000000000000000000aa";
        let answer = it.service.ask(as_session(credentials("coder", PASSWORD), planted)).await;
        let first = cookie(&answer);
        let set = answer.header("set-cookie");
        assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Strict") && first.len() == "dripline=".len() + 64, "{set}");
        assert_eq!(it.status_with(planted).await, StatusCode::UNAUTHORIZED);
        let who = it.service.ask(as_session(get("/v1/session"), &first)).await.json();
        assert_eq!(
            (&who["kind"], &who["name"], &who["roles"]),
            (&json!("account"), &json!("coder"), &json!(["coder"]))
        );
        // Signing in again ends the session that the browser had, and no other.
        let elsewhere = it.sign_in("coder").await;
        let second = cookie(&it.service.ask(as_session(credentials("coder", PASSWORD), &first)).await);
        assert_ne!(first, second);
        assert_eq!(it.status_with(&first).await, StatusCode::UNAUTHORIZED);
        assert_eq!(it.status_with(&second).await, StatusCode::OK);
        // A new password ends them all and begins another.
        let wrong = json!({ "old": "not the old password", "new": "another long password" }).to_string();
        let put = |body: String| {
            let request = request(Method::PUT, "/v1/session/password").header(header::CONTENT_TYPE, JSON);
            as_session(request.body(Body::from(body)).unwrap(), &second)
        };
        assert_eq!(it.service.ask(put(wrong)).await.problem().1["path"], "old");
        let weak = json!({ "old": PASSWORD, "new": "short" }).to_string();
        assert_eq!(it.service.ask(put(weak)).await.problem().1["path"], "password");
        let answer = it.service.ask(put(json!({ "old": PASSWORD, "new": "another long password" }).to_string())).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        let third = cookie(&answer);
        for old in [&second, &elsewhere] {
            assert_eq!(it.status_with(old).await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(it.status_with(&third).await, StatusCode::OK);
        assert_eq!(it.service.ask(credentials("coder", PASSWORD)).await.status, StatusCode::UNAUTHORIZED);
        // It holds as long as it is used, and not for ever.
        for _ in 0..25 {
            it.hands.pass(29 * 60);
            let used = it.status_with(&third).await;
            assert!(used == StatusCode::OK || it.hands.0.load(Ordering::Relaxed) >= 1_800_000_000 + 12 * 60 * 60);
        }
        assert_eq!(it.status_with(&third).await, StatusCode::UNAUTHORIZED);
        let idle = it.sign_in("auditor").await;
        it.hands.pass(30 * 60);
        assert_eq!(it.status_with(&idle).await, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn an_account_that_is_disabled_or_changed_is_so_at_once() {
    let it = guarded(new_store().await, Reach::ThisMachine).await;
    let (admin, coder) = (it.sign_in("administrator").await, it.sign_in("coder").await);
    let patch = |name: &str, body: Value| {
        let request = request(Method::PATCH, &format!("/v1/accounts/{name}")).header(header::CONTENT_TYPE, JSON);
        as_session(request.body(Body::from(body.to_string())).unwrap(), &admin)
    };
    let code = || as_session(post("/v1/code", JSON, CASE), &coder);
    assert_eq!(it.service.ask(code()).await.status, StatusCode::OK);
    assert_eq!(it.service.ask(patch("coder", json!({ "roles": ["administrator"] }))).await.status, StatusCode::OK);
    assert_eq!(it.service.ask(code()).await.problem().0, "forbidden");
    assert_eq!(it.service.ask(patch("coder", json!({ "roles": ["coder"] }))).await.status, StatusCode::OK);
    assert_eq!(it.service.ask(patch("coder", json!({ "disabled": true }))).await.json()["disabled"], true);
    assert_eq!(it.service.ask(code()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(it.service.ask(credentials("coder", PASSWORD)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(it.service.ask(patch("coder", json!({ "disabled": false }))).await.status, StatusCode::OK);
    assert_eq!(it.status_with(&coder).await, StatusCode::UNAUTHORIZED, "the old session stays ended");
    // Somebody has to be left who can mend it.
    for change in [json!({ "disabled": true }), json!({ "roles": ["coder"] })] {
        assert_eq!(it.service.ask(patch("administrator", change)).await.problem().0, "taken");
    }
    assert_eq!(it.service.ask(patch("administrator", json!({ "roles": [] }))).await.problem().0, "access");
    assert_eq!(it.service.ask(patch("nobody", json!({}))).await.problem().0, "not-found");
    assert_eq!(it.status_with(&admin).await, StatusCode::OK);
    let taken = json!({ "name": "Coder", "roles": ["coder"], "password": PASSWORD }).to_string();
    assert_eq!(it.service.ask(as_session(post("/v1/accounts", JSON, taken), &admin)).await.problem().0, "taken");
    // All of it can be read again.
    let events = it.service.ask(as_session(get("/v1/access-events"), &admin)).await.json();
    let seen: Vec<_> = events["events"].as_array().unwrap().iter().map(|e| e["what"].as_str().unwrap()).collect();
    for what in ["signed in", "roles: coder to administrator", "disabled", "enabled", "sign-in refused"] {
        assert!(seen.contains(&what), "{what}: {seen:?}");
    }
}

#[tokio::test]
async fn a_token_is_made_used_and_ended() {
    each_open(|store| async move {
        let it = guarded(store, Reach::ThisMachine).await;
        let admin = it.sign_in("administrator").await;
        let body = json!({ "name": "ehr", "scope": ["code", "work"], "days": 2 }).to_string();
        let made = it.service.ask(as_session(post("/v1/tokens", JSON, body.clone()), &admin)).await;
        assert_eq!(made.status, StatusCode::CREATED);
        let token = made.json()["token"].as_str().unwrap().to_owned();
        assert!(token.starts_with("dripline_") && token.len() == 73);
        assert_eq!(it.service.ask(as_session(post("/v1/tokens", JSON, body), &admin)).await.problem().0, "taken");
        assert_eq!(it.service.ask(as_token(post("/v1/code", JSON, CASE), &token)).await.status, StatusCode::OK);
        let who = it.service.ask(as_token(get("/v1/session"), &token)).await.json();
        assert_eq!(
            (&who["kind"], &who["name"], &who["permissions"]),
            (&json!("token"), &json!("ehr"), &json!(["code", "work"]))
        );
        let list = it.service.ask(as_session(get("/v1/tokens"), &admin)).await;
        assert!(!list.text.contains(&token[9..]) && list.json()["tokens"][0]["seen"].is_string(), "{}", list.text);
        it.hands.pass(2 * 24 * 60 * 60 - 1);
        assert_eq!(it.service.ask(as_token(get("/v1/rules"), &token)).await.status, StatusCode::OK);
        it.hands.pass(1);
        assert_eq!(it.service.ask(as_token(get("/v1/rules"), &token)).await.status, StatusCode::UNAUTHORIZED);
        let other = it.token("other", &[Permission::Code], 9).await;
        let admin = it.sign_in("administrator").await;
        let end = || as_session(request(Method::DELETE, "/v1/tokens/other").body(Body::empty()).unwrap(), &admin);
        assert_eq!(it.service.ask(end()).await.status, StatusCode::NO_CONTENT);
        assert_eq!(it.service.ask(end()).await.problem().0, "not-found");
        assert_eq!(it.service.ask(as_token(get("/v1/rules"), &other)).await.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn what_a_page_of_another_site_sends_with_the_cookie_is_refused() {
    let it = guarded(new_store().await, Reach::ThisMachine).await;
    let session = it.sign_in("administrator").await;
    for (method, route, needs) in ROUTES.iter().filter(|r| r.0 != "GET") {
        for origin in
            [None, Some("http://127.0.0.1:3000"), Some("http://localhost:8080"), Some("https://127.0.0.1:8080")]
        {
            let mut request = with(plain(method, route), header::COOKIE, &session);
            if let Some(origin) = origin {
                request = with(request, header::ORIGIN, origin);
            }
            let signed_in = it.service.look(request).await;
            assert_eq!(signed_in.problem().0, "csrf", "{method} {route} {origin:?}");
        }
        let foreign = with(with(plain(method, route), header::COOKIE, &session), header::ORIGIN, "https://evil.test");
        assert_eq!(it.service.look(foreign).await.problem().0, "foreign", "{method} {route}");
        let fetched = with(as_session(plain(method, route), &session), "sec-fetch-site".parse().unwrap(), "same-site");
        assert_eq!(it.service.look(fetched).await.problem().0, "csrf", "{method} {route}");
        // Nor can such a page sign a browser in as somebody it likes.
        if *needs == Needs::Nothing {
            let request = with(plain(method, route), header::ORIGIN, "http://127.0.0.1:3000");
            assert_eq!(it.service.look(request).await.problem().0, "csrf", "{method} {route}");
        }
    }
    assert_eq!(it.status_with(&session).await, StatusCode::OK, "nothing of it signed out");
    let page = with(with(plain("POST", "/sign-out"), header::COOKIE, &session), header::ACCEPT, "text/html");
    let page = it.service.look(page).await;
    assert!(page.status == 403 && page.text.contains("<h1>The request does not come from a page of the service."));
    // A program with a token is no browser.
    let token = it.token("ehr", &[Permission::Code], 1).await;
    assert_eq!(it.service.ask(as_token(post("/v1/code", JSON, CASE), &token)).await.status, StatusCode::OK);
    // Reading needs no Origin: an address can be typed.
    let typed = with(get("/v1/session"), header::COOKIE, &session);
    assert_eq!(it.service.ask(typed).await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_page_of_this_machine_changes_nothing_where_everything_is_open() {
    let service = Service::of(AppState::default().with_store(new_store().await)).await;
    let form = "application/x-www-form-urlencoded";
    for (method, route, needs) in ROUTES.iter().filter(|r| r.0 != "GET") {
        let changes = !matches!(needs, Needs::May(Permission::Code | Permission::Read));
        for (name, value) in [("origin", "http://127.0.0.1:3000"), ("sec-fetch-site", "same-site")] {
            let answer = service.look(with(plain(method, route), name.parse().unwrap(), value)).await;
            let csrf = answer.status == StatusCode::FORBIDDEN && answer.problem().0 == "csrf";
            assert_eq!(csrf, changes, "{method} {route} {name}");
        }
    }
    let account = format!("do=add&name=anna&role=administrator&password={}", PASSWORD.replace(' ', "+"));
    let forged = with(post("/accounts", form, account.clone()), header::ORIGIN, "http://localhost:3000");
    assert_eq!(service.look(forged).await.problem().0, "csrf");
    assert_eq!(service.ask(get("/v1/accounts")).await.json()["accounts"], json!([]));
    let ours = with(post("/accounts", form, account), header::ORIGIN, ORIGIN);
    assert_eq!(service.look(ours).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn guessing_is_answered_the_same_and_made_to_wait() {
    let it = guarded(new_store().await, Reach::ThisMachine).await;
    let wrong = |name: &str| credentials(name, "some wrong password");
    let sign_in = |name: &str| {
        let form = format!("name={name}&password=some+wrong+password");
        with(post("/sign-in", "application/x-www-form-urlencoded", form), header::ORIGIN, ORIGIN)
    };
    let plainly = |answer: &Answer| {
        let mut problem = answer.problem().1;
        problem["request_id"] = Value::Null;
        (answer.status, problem)
    };
    let known = plainly(&it.service.ask(wrong("coder")).await);
    let unknown = plainly(&it.service.ask(wrong("nobody")).await);
    let odd = plainly(&it.service.ask(wrong("' OR 1=1 --")).await);
    assert_eq!(known.0, StatusCode::UNAUTHORIZED);
    assert!(known == unknown && known == odd, "nobody learns which names there are");
    for name in ["coder", "nobody"] {
        for _ in 0..4 {
            assert_eq!(it.service.ask(wrong(name)).await.status, StatusCode::UNAUTHORIZED);
        }
        let locked = it.service.ask(wrong(name)).await;
        assert_eq!((locked.status, locked.problem().0.as_str()), (StatusCode::TOO_MANY_REQUESTS, "locked"));
        assert_eq!(locked.header("retry-after"), "15");
        // So does the page.
        let page = it.service.look(sign_in(name)).await;
        assert!(page.text.starts_with("<!doctype html>"), "{}", page.text);
        assert_eq!((page.status, page.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "15"));
    }
    // The right password is not looked at either, until the time has passed; then it ends the wait.
    assert_eq!(it.service.ask(credentials("coder", PASSWORD)).await.problem().0, "locked");
    it.hands.pass(15);
    assert_eq!(it.service.ask(credentials("Coder", PASSWORD)).await.status, StatusCode::OK);
    assert_eq!(it.service.ask(wrong("coder")).await.status, StatusCode::UNAUTHORIZED);
    // Many at a time are no way round.
    let all: Vec<_> = (0..12).map(|_| it.service.ask(wrong("auditor"))).collect();
    let mut tried = 0;
    for answer in all {
        tried += usize::from(answer.await.status == StatusCode::UNAUTHORIZED);
    }
    assert_eq!(tried, 5);
    let metrics = it.service.ask(as_token(get("/metrics"), &it.token("m", &[Permission::Watch], 1).await)).await.text;
    assert!(metrics.contains(r#"dripline_http_problems_total{kind="locked"} "#), "{metrics}");
    assert!(!metrics.contains("coder") && !metrics.contains("nobody"), "{metrics}");
}

#[tokio::test]
async fn a_lock_out_outlives_the_process_and_holds_for_all_of_them() {
    each(|place| async move {
        let wrong = || credentials("coder", "some wrong password");
        let store = Store::open(&place).await.unwrap();
        let one = guarded(store.clone(), Reach::ThisMachine).await;
        let beside = async |place: &Place| {
            let store = Store::open(place).await.unwrap();
            let access = Access::new(Reach::ThisMachine, store.clone(), one.hands.clock());
            Service::of(AppState::default().with_store(store).with_access(access)).await
        };
        let two = beside(&place).await;
        for service in [&one.service, &two, &one.service, &two, &one.service] {
            assert_eq!(service.ask(wrong()).await.status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(two.ask(wrong()).await.problem().0, "locked");
        assert_eq!(one.service.ask(credentials("coder", PASSWORD)).await.problem().0, "locked");
        // Nothing is said of the end: the store is opened as after a kill.
        store.close().await;
        let again = beside(&place).await;
        let locked = again.ask(credentials("coder", PASSWORD)).await;
        assert_eq!((locked.problem().0.as_str(), locked.header("retry-after")), ("locked", "15"));
        one.hands.pass(15);
        assert_eq!(again.ask(wrong()).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(two.ask(wrong()).await.header("retry-after"), "30");
        // An administrator's new password ends the wait.
        let accounts = Accounts::new(Store::open(&place).await.unwrap(), one.hands.clock());
        let password = Some(Password::new("another long password", "coder").unwrap());
        accounts.change("a test", &name("coder"), Change { password, ..Change::default() }).await.unwrap();
        assert_eq!(again.ask(credentials("coder", "another long password")).await.status, StatusCode::OK);
        // Many at a time, at several processes, are no way round either.
        let services = [&again, &two];
        let all = futures_util::future::join_all(
            (0..14).map(|i| services[i % 2].ask(credentials("auditor", "some wrong password"))),
        );
        let tried = all.await.iter().filter(|a| a.status == StatusCode::UNAUTHORIZED).count();
        assert_eq!(tried, 5);
    })
    .await;
}

#[tokio::test]
async fn behind_a_proxy_cookies_are_for_https_and_its_name_alone() {
    let origin = "https://drip.example.test";
    let it = guarded(new_store().await, Reach::Behind(origin.parse().unwrap())).await;
    let ask = |mut request: Request<Body>| {
        request.headers_mut().insert(header::HOST, "drip.example.test".parse().unwrap());
        request
    };
    let answer = it.service.ask(ask(credentials("coder", PASSWORD))).await;
    let set = answer.header("set-cookie");
    assert!(
        set.starts_with("__Host-dripline=") && set.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"),
        "{set}"
    );
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
    let session = cookie(&answer);
    let code =
        |origin: &str| with(with(ask(post("/v1/code", JSON, CASE)), header::COOKIE, &session), header::ORIGIN, origin);
    assert_eq!(it.service.ask(code(origin)).await.status, StatusCode::OK);
    assert_eq!(it.service.ask(code("http://drip.example.test")).await.problem().0, "foreign");
    let other = with(get("/v1/session"), header::COOKIE, &session.replace("__Host-", ""));
    assert_eq!(it.service.ask(ask(other)).await.status, StatusCode::UNAUTHORIZED, "the plain name is not read");
    for host in ["localhost", "127.0.0.1:8080", "evil.test"] {
        let mut request = with(get("/v1/session"), header::COOKIE, &session);
        request.headers_mut().insert(header::HOST, host.parse().unwrap());
        assert_eq!(it.service.ask(request).await.problem().0, "foreign", "{host}");
    }
    assert_eq!(it.service.ask(get("/health")).await.status, StatusCode::OK, "a load balancer asks by address");
}

#[tokio::test]
async fn a_name_that_was_made_to_lead_here_is_refused_with_credentials_too() {
    for reach in [Reach::ThisMachine, Reach::Numbers] {
        let it = guarded(new_store().await, reach).await;
        let session = it.sign_in("coder").await;
        for (method, route, _) in ROUTES {
            let rebound = with(as_session(plain(method, route), &session), header::HOST, "evil.test");
            assert_eq!(it.service.look(rebound).await.problem().0, "foreign", "{method} {route}");
        }
    }
}

#[tokio::test]
async fn bodies_that_are_too_long_or_never_end_are_refused() {
    let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
    let it = guarded_within(new_store().await, Reach::ThisMachine, limits).await;
    let long = json!({ "name": "coder", "password": "x".repeat(20_000) }).to_string();
    assert_eq!(it.service.ask(post("/v1/session", JSON, long.clone())).await.problem().0, "too-large");
    let form = post("/sign-in", "application/x-www-form-urlencoded", format!("name=coder&password={long}"));
    assert_eq!(it.service.look(form).await.problem().0, "too-large");
    let (sender, body) = trickle();
    sender.send(Bytes::from_static(b"{")).await.unwrap();
    assert_eq!(it.service.ask(post("/v1/session", JSON, body)).await.problem().0, "too-slow");
    // Whoever is not known cannot make the service read anything.
    let (_kept, body) = trickle();
    assert_eq!(it.service.ask(post("/v1/code", JSON, body)).await.status, StatusCode::UNAUTHORIZED);
    for (body, content_type) in [
        ("{}", JSON),
        ("[]", JSON),
        ("{\"name\":1}", JSON),
        ("name=a", "application/x-www-form-urlencoded"),
        ("{\"name\":\"a\",\"password\":\"b\"}", TEXT),
    ] {
        let answer = it.service.ask(post("/v1/session", content_type, body)).await;
        assert!(matches!(answer.status.as_u16(), 415 | 422), "{body}: {}", answer.text);
    }
    // What is wrong with a body is told without its password.
    let wrong = format!("{{\"name\":\"coder\",\"password\":\"{PASSWORD}\",\"{PASSWORD}\":7}}");
    let number = r#"{"name":"coder","password":735184209}"#.to_owned();
    for body in [wrong, number] {
        let answer = it.service.ask(post("/v1/session", JSON, body)).await;
        assert!(
            answer.status == 422 && !answer.text.contains(PASSWORD) && !answer.text.contains("735184209"),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn no_path_leads_out_of_the_pages_files() {
    let it = guarded(new_store().await, Reach::ThisMachine).await;
    for path in [
        "/page/../v1/rules",
        "/page/..%2fv1%2frules",
        "/page/%2e%2e/Cargo.toml",
        "/page/....//page.css",
        "/page/%2fetc%2fpasswd",
        "/page/..%5c..%5cetc",
        "/page/page.css%00",
        "//v1/rules",
        "/./v1/rules",
        "/v1/rules/../accounts",
        "/health/../v1/accounts",
        "/health/..%2fv1%2faccounts",
        "/HEALTH",
        "/health/",
        "/sign-in/../accounts",
    ] {
        let answer = it.service.look(get(path)).await;
        assert!(matches!(answer.status.as_u16(), 401 | 404), "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn nothing_that_is_typed_becomes_markup_or_a_statement() {
    each_open(|store| async move {
        let it = guarded(store, Reach::ThisMachine).await;
        let admin = it.sign_in("administrator").await;
        let nasty = [
            "<script>alert(1)</script>",
            "\" autofocus onfocus=alert(1) x=\"",
            "'; DROP TABLE accounts; --",
            "' OR '1'='1",
            "<!--who-->",
            "{{ 7*7 }}",
            "a\0b",
            "é\u{202e}x",
        ];
        let posted = |path: &str, fields: &[(&str, &str)]| {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            let request = post(path, "application/x-www-form-urlencoded", body);
            with(request, header::ACCEPT, "text/html")
        };
        let before = it.accounts.list().await.unwrap().len();
        for text in nasty {
            let page = it.service.look(posted("/sign-in", &[("name", text), ("password", text), ("to", text)])).await;
            let to = form_urlencoded::Serializer::new(String::new()).append_pair("to", text).finish();
            let asked = it.service.look(get(&format!("/sign-in?{to}"))).await;
            let mut pages = vec![page, asked];
            for fields in [
                [("do", "add"), ("name", text), ("role", text), ("password", text)],
                [("do", "token"), ("name", text), ("scope", text), ("days", text)],
                [("do", text), ("name", "coder"), ("role", text), ("password", text)],
                [("do", "withdraw"), ("name", text), ("role", "x"), ("password", "x")],
                [("do", "roles"), ("name", text), ("role", "coder"), ("password", "x")],
            ] {
                pages.push(it.service.look(as_session(posted("/accounts", &fields), &admin)).await);
            }
            for page in pages {
                assert!(matches!(page.status.as_u16(), 200 | 401 | 404 | 409 | 422 | 429), "{text}: {}", page.status);
                assert!(
                    !page.text.contains("<script>alert") && !page.text.contains("onfocus=alert(1) x=\"\""),
                    "{text}"
                );
                assert_eq!(page.text.matches("Sign out").count(), usize::from(page.text.contains("<h1>Accounts</h1>")));
            }
            for (path, body) in [
                ("/v1/session", json!({ "name": text, "password": text })),
                ("/v1/accounts", json!({ "name": text, "roles": ["coder"], "password": PASSWORD })),
                ("/v1/tokens", json!({ "name": text, "scope": ["code"], "days": 1 })),
            ] {
                let answer = it.service.ask(as_session(post(path, JSON, body.to_string()), &admin)).await;
                assert!(matches!(answer.status.as_u16(), 401 | 422 | 429), "{path} {text}: {}", answer.text);
            }
            it.hands.pass(5);
        }
        assert_eq!(it.accounts.list().await.unwrap().len(), before);
        assert!(it.accounts.tokens().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn someone_signs_in_looks_and_signs_out_without_script() {
    let it = guarded(new_store().await, Reach::ThisMachine).await;
    let html = |request| with(request, header::ACCEPT, "text/html,*/*");
    let led = it.service.look(html(get("/rules/push-definition?q=a%26b"))).await;
    assert_eq!(led.status, StatusCode::SEE_OTHER);
    assert_eq!(led.header("location"), "/sign-in?to=%2Frules%2Fpush-definition%3Fq%3Da%2526b");
    let form = it.service.look(html(get(led.header("location")))).await;
    assert!(form.text.contains(r#"name="to" value="/rules/push-definition?q=a%26b""#), "{}", form.text);
    assert!(
        form.text.contains(r#"<a href="/sign-in">Sign in</a>"#)
            && form.text.contains("answers those who are signed in")
    );
    let posted = |fields: &str| {
        let request = post("/sign-in", "application/x-www-form-urlencoded", fields.to_owned());
        html(with(request, header::ORIGIN, ORIGIN))
    };
    let wrong = it.service.look(posted("name=coder&password=wrong&to=/rules")).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(
        wrong.text.contains(r#"role="alert">The name or the password is wrong"#)
            && wrong.text.contains(r#"value="coder""#)
    );
    let secret = PASSWORD.replace(' ', "+");
    let signed = it.service.look(posted(&format!("name=coder&password={secret}&to=/rules/push-definition"))).await;
    assert_eq!((signed.status, signed.header("location")), (StatusCode::SEE_OTHER, "/rules/push-definition"));
    let session = cookie(&signed);
    let away = it.service.look(posted(&format!("name=coder&password={secret}&to=https://evil.test/"))).await;
    assert_eq!(away.header("location"), "/", "nobody is led to another site");
    let page = it.service.look(as_session(html(get("/")), &session)).await;
    assert!(
        page.status == 200 && page.text.contains(r#"<a href="/account">coder</a>"#) && page.text.contains("Sign out")
    );
    assert!(!page.text.contains(r#"href="/accounts""#), "what one may not is not offered");
    let refused = it.service.look(as_session(html(get("/accounts")), &session)).await;
    assert!(refused.status == 403 && refused.text.contains("needs the permission `accounts`"), "{}", refused.text);
    // An administrator who codes nothing begins at their own page.
    let admin = it.service.look(posted(&format!("name=administrator&password={secret}&to=/"))).await;
    assert_eq!(admin.header("location"), "/account");
    let admin = cookie(&admin);
    let list = it.service.look(as_session(html(get("/accounts")), &admin)).await;
    assert!(list.text.contains("<h2>auditor</h2>"), "{}", list.text);
    let token =
        post("/accounts", "application/x-www-form-urlencoded", "do=token&name=ehr&scope=code&scope=work&days=9");
    let made = it.service.look(as_session(html(token), &admin)).await;
    let told = made.text.split("dripline_").nth(1).and_then(|t| t.get(..64)).expect("the token is shown");
    assert!(!it.service.look(as_session(html(get("/accounts")), &admin)).await.text.contains(told), "once");
    let answer = it.service.ask(as_token(post("/v1/code", JSON, CASE), &format!("dripline_{told}"))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let out =
        it.service.look(as_session(html(post("/sign-out", "application/x-www-form-urlencoded", "")), &session)).await;
    assert_eq!((out.status, out.header("location")), (StatusCode::SEE_OTHER, "/sign-in"));
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    // The next at this browser finds no chart in its tabs.
    assert_eq!(out.header("clear-site-data"), "\"storage\"");
    assert_eq!(it.status_with(&session).await, StatusCode::UNAUTHORIZED);
}

/// What a page leads to: links by GET, forms and their buttons by the form's method.
fn led_to(page: &str) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    let mut form = "GET";
    for tag in page.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let value = |name: &str| {
            let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
            value.starts_with('/').then(|| value.split(['?', '#']).next().unwrap().to_owned())
        };
        if tag.starts_with("form ") {
            form = if tag.contains("method=\"post\"") { "POST" } else { "GET" };
        }
        all.extend(value("href").map(|path| ("GET".to_owned(), path)));
        all.extend(value("action").or_else(|| value("formaction")).map(|path| (form.to_owned(), path)));
    }
    all
}

/// The route of a path, as the router would find it.
fn route_of(method: &str, path: &str) -> Needs {
    let fits = |template: &str| {
        let (t, p): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        t.len() == p.len() && t.iter().zip(&p).all(|(t, p)| t.starts_with('{') || t == p)
    };
    let found = |exact: bool| {
        ROUTES.iter().find(|(m, r, _)| *m == method && if exact { *r == path } else { fits(r) }).map(|r| r.2)
    };
    found(true).or_else(|| found(false)).unwrap_or_else(|| panic!("{method} {path} leads nowhere"))
}

#[tokio::test]
async fn a_page_leads_nobody_where_they_may_not() {
    let store = new_store().await;
    let it = guarded(store.clone(), Reach::ThisMachine).await;
    let (both, password) = (name("both"), Password::new(PASSWORD, "both").unwrap());
    it.accounts.add("a test", &both, &[Role::Auditor, Role::Administrator].into(), password).await.unwrap();
    let coder = it.sign_in("coder").await;
    let open = CASE.replace(r#""stop":"2026-01-05T10:45""#, r#""stop":null"#);
    for case in [CASE, &open] {
        let mut filed = as_session(post("/v1/cases", JSON, case.to_owned()), &coder);
        filed.headers_mut().insert("idempotency-key", format!("k{}", case.len()).parse().unwrap());
        assert_eq!(it.service.ask(filed).await.status, StatusCode::CREATED);
    }
    let has = |roles: &[Role], what: Permission| roles.iter().any(|r| r.permissions().contains(&what));
    let pages = |roles: &[Role]| {
        let mut all = vec!["/account", "/rules", "/rules/push-definition", "/rules/nothing"];
        all.extend(has(roles, Permission::Code).then_some("/"));
        all.extend(has(roles, Permission::Accounts).then_some("/accounts"));
        all.extend(
            ["/queue", "/queue/1", "/queue/2", "/queue/2/support"].iter().filter(|_| has(roles, Permission::Read)),
        );
        all.extend(has(roles, Permission::Work).then_some("/queue/new"));
        all
    };
    let mut menus = Vec::new();
    for (account, roles) in [
        ("coder", vec![Role::Coder]),
        ("auditor", vec![Role::Auditor]),
        ("administrator", vec![Role::Administrator]),
        ("both", vec![Role::Auditor, Role::Administrator]),
    ] {
        let session = it.sign_in(account).await;
        for path in pages(&roles) {
            let page = it.service.look(as_session(with(get(path), header::ACCEPT, "text/html"), &session)).await;
            assert!(matches!(page.status.as_u16(), 200 | 404), "{account} {path}: {}", page.status);
            assert!(!page.text.contains("<!--"), "{account} {path}: a mark is left: {}", page.text);
            let led = led_to(&page.text);
            assert!(led.len() > 4, "{account} {path}: {led:?}");
            for (method, to) in &led {
                let may = match route_of(method, to) {
                    Needs::May(permission) => has(&roles, permission),
                    _ => true,
                };
                assert!(may, "{account} is led from {path} to {method} {to}");
            }
            if path == "/account" {
                let nav = page.text.split("<nav").nth(1).unwrap().split("</nav>").next().unwrap();
                let entries = nav.split("href=\"").skip(1).map(|e| e.split('"').next().unwrap()).collect::<Vec<_>>();
                let accounts = page.text.contains(r#"<a href="/accounts">Accounts</a>"#);
                menus.push(format!("{account}: {} {}", entries.join(" "), if accounts { "/accounts" } else { "" }));
            }
        }
    }
    assert_eq!(
        menus,
        [
            "coder: / /queue /rules ",
            "auditor: / /queue /rules ",
            "administrator: /rules /accounts",
            "both: / /queue /rules /accounts"
        ]
    );
    // What may be done is still there.
    let sheet = it.service.look(as_session(get("/"), &coder)).await.text;
    assert!(
        sheet.contains("formaction=\"/queue/new\"") && sheet.contains("aria-current=\"page\">Worksheet"),
        "{sheet}"
    );
    let auditor = it.sign_in("auditor").await;
    assert!(!it.service.look(as_session(get("/"), &auditor)).await.text.contains("/queue/new"));
    let rule = it.service.look(as_session(get("/rules/push-definition"), &auditor)).await.text;
    assert!(rule.contains("Open in the worksheet"));
    // Whoever is not signed in is led there alone.
    let page = it.service.look(get("/sign-in")).await.text;
    assert!(!page.contains("<nav") && !page.contains("<!--"), "{page}");
    for (method, to) in led_to(&page) {
        assert!(route_of(&method, &to) == Needs::Nothing || to == "/account", "{method} {to}");
    }
    // Where everything is open, so is all of the menu.
    let service = Service::of(AppState::default().with_store(new_store().await)).await;
    let page = service.look(get("/")).await.text;
    assert!(["/", "/queue", "/rules"].iter().all(|to| page.contains(&format!("<a href=\"{to}\""))), "{page}");
}

#[tokio::test]
async fn an_administrator_turns_money_on_without_reading_the_queue() {
    let it = guarded(new_store().await, Reach::ThisMachine).await;
    let admin = it.sign_in("administrator").await;
    let page = it.service.look(as_session(get("/accounts"), &admin)).await.text;
    assert!(
        page.contains("Amounts of money are not shown.") && page.contains("name=\"to\" value=\"/accounts\""),
        "{page}"
    );
    let form = |to: &str| {
        let body = format!("to={to}&reason=the+audit+asks&money=on");
        as_session(
            with(post("/queue/settings", "application/x-www-form-urlencoded", body), header::ORIGIN, ORIGIN),
            &admin,
        )
    };
    let set = it.service.look(form("/accounts")).await;
    assert_eq!(set.status, StatusCode::SEE_OTHER);
    assert_eq!(set.headers[header::LOCATION], "/accounts");
    let page = it.service.look(as_session(get("/accounts"), &admin)).await.text;
    assert!(page.contains("Amounts of money are shown beside the claims."), "{page}");
    // And leads nobody to another site.
    assert_eq!(it.service.look(form("//elsewhere.example")).await.headers[header::LOCATION], "/");
}

#[tokio::test]
async fn the_store_holds_no_secret() {
    let place = file();
    let store = Store::open(&place).await.unwrap();
    let it = guarded(store.clone(), Reach::ThisMachine).await;
    let session = it.sign_in("coder").await;
    let token = it.token("ehr", &[Permission::Code], 1).await;
    assert_eq!(it.status_with(&session).await, StatusCode::OK);
    store.close().await;
    let Place::File(path) = place else { panic!("a file") };
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend(std::fs::read(path.with_extension("db-wal")).unwrap_or_default());
    let holds = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
    assert!(holds("$argon2id$v=19$m=19456,t=2,p=1$"), "the test looks where it should");
    for secret in [PASSWORD, session.trim_start_matches("dripline="), &token, &token[9..]] {
        assert!(!holds(secret));
    }
}

#[tokio::test]
async fn accounts_and_tokens_come_back_with_a_backup() {
    each_open(|store| async move {
        let it = guarded(store.clone(), Reach::ThisMachine).await;
        let token = it.token("ehr", &[Permission::Code], 9).await;
        let ended = it.token("old", &[Permission::Code], 9).await;
        it.accounts.withdraw("a test", &name("old")).await.unwrap();
        let mut bytes = Vec::new();
        assert_eq!(it.service.ask(credentials("coder", "wrong password")).await.status, StatusCode::UNAUTHORIZED);
        backup::write(store.place(), &mut bytes).await.unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        for passing in ["attempts", "known_addresses", "sign_ins"] {
            assert!(!text.contains(&format!("\"table\":\"{passing}\"")), "{passing}");
        }
        assert!(text.contains("\"table\":\"accounts\""), "{text}");
        let again = file();
        backup::restore(&again, || Ok(bytes.as_slice())).await.unwrap();
        let store = Store::open(&again).await.unwrap();
        let access = Access::new(Reach::ThisMachine, store.clone(), it.hands.clock());
        let service = Service::of(AppState::default().with_store(store).with_access(access)).await;
        assert_eq!(service.ask(credentials("auditor", PASSWORD)).await.status, StatusCode::OK);
        assert_eq!(service.ask(as_token(get("/v1/rules"), &token)).await.status, StatusCode::OK);
        assert_eq!(service.ask(as_token(get("/v1/rules"), &ended)).await.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn what_was_done_is_not_undone() {
    each_open(|store| async move {
        let it = guarded(store.clone(), Reach::ThisMachine).await;
        it.token("ehr", &[Permission::Code], 1).await;
        for statement in [
            "DELETE FROM accounts",
            "UPDATE accounts SET name = 'x'",
            "UPDATE tokens SET scope = 'work'",
            "UPDATE tokens SET ends = 9",
            "DELETE FROM tokens",
            "UPDATE access_events SET actor = 'x'",
            "DELETE FROM access_events",
            "UPDATE sessions SET account = 'administrator'",
        ] {
            it.sign_in("coder").await;
            let mut write = store.write().await.unwrap();
            assert!(sqlx::query(statement).execute(&mut *write).await.is_err(), "{statement}");
        }
        let change = Change { disabled: Some(true), ..Change::default() };
        assert!(it.accounts.change("a test", &name("coder"), change).await.unwrap().disabled);
    })
    .await;
}

#[tokio::test]
async fn other_machines_are_served_with_accounts_alone() {
    let everyone: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let store = new_store().await;
    let open = Access::new(Reach::ThisMachine, store.clone(), Clock::default());
    assert!(dripline_service::serve::listen(everyone, &open).await.is_err());
    let closed = Access::new(Reach::Numbers, store.clone(), Clock::default());
    assert!(!closed.is_open().await.unwrap(), "though there is no account yet");
    assert!(dripline_service::serve::listen(everyone, &closed).await.is_ok());
    let service = Service::of(AppState::default().with_store(store).with_access(closed)).await;
    let asks = |host: &str| with(get("/v1/rules"), header::HOST, host);
    assert_eq!(service.ask(asks("192.0.2.7:8080")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(service.ask(asks("evil.test")).await.problem().0, "foreign");
}

#[tokio::test]
async fn a_clock_that_is_set_back_lengthens_no_session() {
    each_open(|store| async move {
        let it = guarded(store, Reach::ThisMachine).await;
        let session = it.sign_in("coder").await;
        // Two processes' clocks may differ a little.
        it.hands.pass(-200);
        assert_eq!(it.status_with(&session).await, StatusCode::OK);
        it.hands.pass(-200);
        assert_eq!(it.status_with(&session).await, StatusCode::UNAUTHORIZED);
        it.hands.pass(400);
        assert_eq!(it.status_with(&session).await, StatusCode::UNAUTHORIZED, "it was ended");
        assert_eq!(it.status_with(&it.sign_in("coder").await).await, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn what_was_typed_as_a_name_is_kept_only_where_it_is_one() {
    each_open(|store| async move {
        let it = guarded(store.clone(), Reach::ThisMachine).await;
        let typed = ["hunter2-hunter2", "Tr0ub4dor@3", "my secret phrase", ""];
        for name in typed {
            assert_eq!(it.service.ask(credentials(name, "x")).await.status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(it.service.ask(credentials("coder", "x")).await.status, StatusCode::UNAUTHORIZED);
        let coder = it.sign_in("coder").await;
        let put = request(Method::PUT, "/v1/session/password").header(header::CONTENT_TYPE, JSON);
        let body = json!({ "old": "not the old one", "new": "another long password" }).to_string();
        let wrong = it.service.ask(as_session(put.body(Body::from(body)).unwrap(), &coder)).await;
        assert_eq!(wrong.problem().1["path"], "old");
        let admin = it.sign_in("administrator").await;
        let events = it.service.ask(as_session(get("/v1/access-events"), &admin)).await.json();
        let said = |what: &str| {
            let all = events["events"].as_array().unwrap().iter().filter(|e| e["what"] == what);
            all.map(|e| (e["by"].as_str().unwrap(), e["to"].as_str().unwrap())).collect::<Vec<_>>()
        };
        let mut refused = said("sign-in refused");
        refused.sort_unstable();
        assert_eq!(
            refused,
            [
                ("nobody known", "a name that is not known"),
                ("nobody known", "a name that is not known"),
                ("nobody known", "a name that is not known"),
                ("nobody known", "a name that is not known"),
                ("nobody known", "coder")
            ]
        );
        assert_eq!(said("new password refused"), [("coder", "coder")]);
        let mut bytes = Vec::new();
        backup::write(store.place(), &mut bytes).await.unwrap();
        let kept = String::from_utf8(bytes).unwrap().to_lowercase();
        for name in typed.iter().filter(|n| !n.is_empty()) {
            assert!(!kept.contains(&name.to_lowercase()), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_name_that_looks_like_another_is_nobody() {
    let it = guarded(new_store().await, Reach::ThisMachine).await;
    let admin = it.sign_in("administrator").await;
    let long = "c".repeat(15_000);
    let alike = [
        "\u{441}oder",
        "\u{ff43}oder",
        "coder\u{200b}",
        "coder\u{301}",
        "\u{202e}redoc",
        "co\u{ad}der",
        "coder\0",
        "coder\r\nset-cookie: a=b",
        "coder ",
        "\tcoder",
        "code\u{280}",
        "\u{212a}oder",
        &long,
    ];
    for name in alike {
        assert_eq!(it.service.ask(credentials(name, PASSWORD)).await.status, StatusCode::UNAUTHORIZED, "{name:?}");
        let account = json!({ "name": name, "roles": ["administrator"], "password": PASSWORD }).to_string();
        let made = it.service.ask(as_session(post("/v1/accounts", JSON, account), &admin)).await;
        assert_eq!((made.status.as_u16(), made.problem().1["path"].clone()), (422, json!("name")), "{name:?}");
        assert!(!made.text.contains("oder") && made.text.len() < 500, "nothing of it is repeated: {}", made.text);
        let token = json!({ "name": name, "scope": ["code"], "days": 1 }).to_string();
        assert_eq!(it.service.ask(as_session(post("/v1/tokens", JSON, token), &admin)).await.status.as_u16(), 422);
        it.hands.pass(1);
    }
    // Letters of another size are the same account, and wait with it.
    for name in ["Coder", "CODER", "coder", "cOder", "codeR"] {
        assert_eq!(it.service.ask(credentials(name, "wrong password")).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(it.service.ask(credentials("coDer", PASSWORD)).await.problem().0, "locked");
    let answer = it.service.ask(credentials("auditor", PASSWORD)).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn signing_in_leads_to_a_page_of_ours_and_puts_nothing_into_a_header() {
    let it = guarded(new_store().await, Reach::ThisMachine).await;
    let html = |request| with(request, header::ACCEPT, "text/html");
    let form = "application/x-www-form-urlencoded";
    for to in [
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "https://evil.test",
        "HTTPS:evil.test",
        " //evil.test",
        "/\t/evil.test",
        "/\r\nset-cookie: dripline=planted",
        "/\u{2028}/evil.test",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.test",
        "?x",
        "#x",
        "",
    ] {
        let fields = [("name", "coder"), ("password", PASSWORD), ("to", to)];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let signed = it.service.look(html(with(post("/sign-in", form, body), header::ORIGIN, ORIGIN))).await;
        assert_eq!((signed.status, signed.header("location")), (StatusCode::SEE_OTHER, "/"), "{to:?}");
        assert_eq!(signed.headers.get_all(header::SET_COOKIE).iter().count(), 1, "{to:?}");
        let session = cookie(&signed);
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("to", to).finish();
        let again = it.service.look(as_session(html(get(&format!("/sign-in?{query}"))), &session)).await;
        assert_eq!((again.status, again.header("location")), (StatusCode::SEE_OTHER, "/"), "{to:?}");
    }
    for path in ["/x%0d%0aset-cookie:%20dripline=planted", "/rules?to=%0d%0alocation:%20//evil.test", "//evil.test/x"] {
        let led = it.service.look(html(get(path))).await;
        assert_eq!(led.status, StatusCode::SEE_OTHER, "{path}");
        assert!(led.header("location").starts_with("/sign-in?to=%2F"), "{}", led.header("location"));
        assert!(!led.headers.contains_key(header::SET_COOKIE));
        let page = it.service.look(html(get(led.header("location")))).await.text;
        assert!(!page.contains("value=\"//"), "{page}");
    }
}

#[tokio::test]
async fn who_guesses_at_an_administrator_does_not_keep_them_out() {
    each_open(|store| async move {
        let it = guarded(store, Reach::Behind("https://drip.example.test".parse().unwrap())).await;
        let from = |address: &str, password: &str| {
            let asked = with(credentials("administrator", password), header::HOST, "drip.example.test");
            with(asked, "x-forwarded-for".parse().unwrap(), address)
        };
        let status = async |address: &str, password: &str| it.service.ask(from(address, password)).await.status;
        assert_eq!(status("192.0.2.9", PASSWORD).await, StatusCode::OK);
        // From many addresses, and from others behind the administrator's own for other accounts.
        for n in 0..5 {
            assert_eq!(status(&format!("203.0.113.{n}"), "wrong").await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(status("203.0.113.77", "wrong").await, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(status("203.0.113.78", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS, "nor the right one there");
        for n in 0..20 {
            let guess = with(credentials(&format!("guess{n}"), "wrong"), header::HOST, "drip.example.test");
            let guess = with(guess, "x-forwarded-for".parse().unwrap(), "192.0.2.9");
            assert_eq!(it.service.ask(guess).await.status, StatusCode::UNAUTHORIZED);
        }
        let other = with(credentials("coder", PASSWORD), header::HOST, "drip.example.test");
        let other = with(other, "x-forwarded-for".parse().unwrap(), "192.0.2.9");
        assert_eq!(it.service.ask(other).await.status, StatusCode::TOO_MANY_REQUESTS, "a new account there waits");
        assert_eq!(status("192.0.2.9", PASSWORD).await, StatusCode::OK);
        // There it waits for its own wrong passwords alone.
        for _ in 0..5 {
            assert_eq!(status("192.0.2.9", "wrong").await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(status("192.0.2.9", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
    })
    .await;
}

#[tokio::test]
async fn behind_a_proxy_no_form_is_taken_from_another_origin() {
    let origin = "https://drip.example.test";
    let it = guarded(new_store().await, Reach::Behind(origin.parse().unwrap())).await;
    let ask = |request| with(request, header::HOST, "drip.example.test");
    let session = cookie(&it.service.ask(ask(credentials("administrator", PASSWORD))).await);
    for (method, route, _) in ROUTES.iter().filter(|r| r.0 != "GET") {
        let sent = || ask(with(plain(method, route), header::COOKIE, &session));
        for other in [
            "https://drip.example.test:8443",
            "https://drip.example.test.",
            "https://drip.example.test.evil.test",
            "https://evil.drip.example.test",
            "http://drip.example.test",
            "http://drip.example.test:443",
            "https://drip.example.test@evil.test",
            "https://localhost",
            "null",
            "",
        ] {
            let answer = it.service.look(with(sent(), header::ORIGIN, other)).await;
            assert_eq!(answer.problem().0, "foreign", "{method} {route} {other}");
        }
        assert_eq!(it.service.look(sent()).await.problem().0, "csrf", "{method} {route}");
        let mut two = with(sent(), header::ORIGIN, origin);
        two.headers_mut().append(header::ORIGIN, origin.parse().unwrap());
        assert_eq!(it.service.look(two).await.problem().0, "csrf", "{method} {route}");
        for site in ["cross-site", "same-site", "none", "x"] {
            let fetched = with(with(sent(), header::ORIGIN, origin), "sec-fetch-site".parse().unwrap(), site);
            assert_eq!(it.service.look(fetched).await.problem().0, "csrf", "{method} {route} {site}");
        }
    }
    let who = it.service.ask(ask(with(get("/v1/session"), header::COOKIE, &session))).await;
    assert_eq!(who.status, StatusCode::OK, "nothing of it signed out");
    // Every cookie that is set or ended is for https and this name alone.
    let out = ask(as_session(request(Method::DELETE, "/v1/session").body(Body::empty()).unwrap(), &session));
    let out = it.service.ask(with(out, header::ORIGIN, origin)).await;
    let set = out.header("set-cookie");
    assert!(
        set.starts_with("__Host-dripline=;") && set.contains("; Path=/; HttpOnly; SameSite=Strict; Secure"),
        "{set}"
    );
    assert!(!set.to_lowercase().contains("domain"), "{set}");
}
