//! No secret, no password and no name is logged, whatever is tried. Alone in its file: there is one log in a process.

mod common;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, header};
use common::caught::Caught;
use common::stores::file;
use common::{CASE, JSON, Service, get, post, request};
use dripline_service::AppState;
use dripline_service::access::reach::Reach;
use dripline_service::access::records::Accounts;
use dripline_service::access::role::{Permission, Role};
use dripline_service::access::secret::Password;
use dripline_service::access::{Access, Clock};
use dripline_service::store::Store;
use serde_json::json;

const NAME: &str = "zorvexa";
const PASSWORD: &str = "correct horse battery";
const WRONG: &str = "incorrect mule charger";

fn with(mut request: Request<Body>, name: header::HeaderName, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

#[tokio::test]
async fn no_token_no_password_and_no_name_is_logged_at_any_level() {
    let caught = Caught::all();
    let store = Store::open(&file()).await.unwrap();
    let accounts = Accounts::new(store.clone(), Clock::default());
    let roles = Role::ALL.iter().copied().collect();
    accounts.add("a test", &NAME.parse().unwrap(), &roles, Password::new(PASSWORD, NAME).unwrap()).await.unwrap();
    let scope = BTreeSet::from([Permission::Code]);
    let (_, token) = accounts.add_token("a test", &format!("{NAME}-ehr").parse().unwrap(), &scope, 1).await.unwrap();
    let (_, ended) = accounts.add_token("a test", &format!("{NAME}-old").parse().unwrap(), &scope, 1).await.unwrap();
    accounts.withdraw("a test", &format!("{NAME}-old").parse().unwrap()).await.unwrap();
    let access = Access::new(Reach::ThisMachine, store.clone(), Clock::default());
    let service = Service::of(AppState::default().with_store(store.clone()).with_access(access)).await;

    let credentials =
        |password: &str| post("/v1/session", JSON, json!({ "name": NAME, "password": password }).to_string());
    let bearer = |request, token: &str| with(request, header::AUTHORIZATION, &format!("Bearer {token}"));
    let signed = service.ask(credentials(PASSWORD)).await;
    let cookie = signed.header("set-cookie").split(';').next().unwrap().to_owned();
    let session = |request| with(with(request, header::COOKIE, &cookie), header::ORIGIN, "http://127.0.0.1:8080");
    let form = |fields: &str| post("/sign-in", "application/x-www-form-urlencoded", fields.to_owned());
    let put = json!({ "old": WRONG, "new": PASSWORD }).to_string();
    let requests = [
        bearer(get("/v1/rules"), token.tell()),
        bearer(post("/v1/code", JSON, CASE), token.tell()),
        bearer(get("/v1/accounts"), token.tell()),
        bearer(get("/v1/rules"), ended.tell()),
        get(&format!("/v1/rules?token={}", token.tell())),
        get(&format!("/sign-in?to=/{}", token.tell())),
        get(&format!("/{}", token.tell())),
        with(get("/v1/rules"), header::AUTHORIZATION, token.tell()),
        with(get("/v1/rules"), header::COOKIE, &format!("dripline={}", token.tell())),
        form(&format!("name={NAME}&password={}", PASSWORD.replace(' ', "+"))),
        form(&format!("name={NAME}&password={}", WRONG.replace(' ', "+"))),
        session(get("/account")),
        session(get("/accounts")),
        session(post(
            "/accounts",
            "application/x-www-form-urlencoded",
            format!("do=token&name={NAME}-3&scope=code&days=1"),
        )),
        session(
            request(Method::PUT, "/v1/session/password").header("content-type", JSON).body(Body::from(put)).unwrap(),
        ),
        session(post(
            "/v1/accounts",
            JSON,
            json!({ "name": NAME, "roles": ["coder"], "password": PASSWORD }).to_string(),
        )),
        with(post("/sign-out", JSON, ""), header::COOKIE, &cookie),
        session(request(Method::DELETE, &format!("/v1/tokens/{NAME}-ehr")).body(Body::empty()).unwrap()),
    ];
    let many = requests.len();
    for request in requests {
        let _ = service.begin(request).await;
    }
    for _ in 0..7 {
        let _ = service.begin(credentials(WRONG)).await;
    }
    let (_, watch) = accounts.add_token("a test", &"m".parse().unwrap(), &[Permission::Watch].into(), 1).await.unwrap();
    let metrics = service.ask(bearer(get("/metrics"), watch.tell())).await.text;
    assert!(metrics.contains("unauthenticated") && metrics.contains("locked") && metrics.contains("forbidden"));
    // A store that is gone, and what is said of it.
    store.close().await;
    let gone = service.ask(bearer(get("/v1/rules"), token.tell())).await;
    assert_eq!((gone.status.as_u16(), gone.problem().0.as_str()), (503, "store"), "it does not fall open");

    let logged = caught.text();
    let hash = token.fingerprint();
    let secrets = [token.tell(), &token.tell()[9..], ended.tell(), &cookie["dripline=".len()..], hash.as_str()];
    for secret in secrets.into_iter().chain([PASSWORD, WRONG, "correct+horse", NAME, "argon2"]) {
        assert!(!logged.contains(secret) && !metrics.contains(secret), "{logged}");
    }
    assert!(logged.lines().filter(|l| l.contains("answered")).count() > many, "{logged}");
}
