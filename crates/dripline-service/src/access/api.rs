//! The routes of sessions, accounts and tokens.

use std::collections::BTreeSet;

use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodFilter;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::records::{AccessError, Account, Change, Event, Name, Token};
use super::role::{Permission, Role};
use super::secret::Password;
use super::{Asks, Caller};
use crate::answer::line;
use crate::openapi::{Api, Operation, path};
use crate::problem::{Kind, Problem};
use crate::state::AppState;

const JSON: &str = "application/json";

/// Most bytes of what is sent about accounts.
pub(super) const MOST: usize = 16 << 10;

/// Who signs in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    /// The account's name.
    name: String,
    /// Its password.
    password: String,
}

/// Who asks, and what they may.
#[derive(Serialize, JsonSchema)]
pub(super) struct Who {
    /// `machine`, if the service has no accounts; `account` or `token`.
    kind: &'static str,
    /// The name of the account or the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What the person is here for.
    roles: BTreeSet<Role>,
    /// What may be done.
    permissions: Vec<Permission>,
    /// When the session ends at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<String>,
}

impl Who {
    fn of(caller: &Caller) -> Self {
        let (kind, name, roles, ends) = match caller {
            Caller::Machine | Caller::Nobody => ("machine", None, BTreeSet::new(), None),
            Caller::Person(p) => ("account", Some(p.name.clone()), p.roles.clone(), Some(p.ends.clone())),
            Caller::Token { name, .. } => ("token", Some(name.clone()), BTreeSet::new(), None),
        };
        let permissions = Permission::ALL.iter().copied().filter(|p| caller.may(*p)).collect();
        Who { kind, name, roles, permissions, ends }
    }
}

/// A password in the place of another.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// The password until now.
    old: String,
    /// From now on: 12 characters or more.
    new: String,
}

/// An account to make.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    /// Small letters, digits, dots, `-`, `_`, `@` and `+`.
    name: String,
    /// What the person is here for.
    roles: BTreeSet<Role>,
    /// 12 characters or more.
    password: String,
}

/// What is to change of an account; what is not named stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AccountChange {
    /// What the person is here for.
    roles: Option<BTreeSet<Role>>,
    /// Whether it can do nothing.
    disabled: Option<bool>,
    /// 12 characters or more. Ends its sessions.
    password: Option<String>,
}

/// A token to make.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// Small letters, digits, dots, `-`, `_`, `@` and `+`.
    name: String,
    /// What whoever holds it may do: some of `code`, `read`, `work`, `release`, `export`, `watch`.
    scope: BTreeSet<Permission>,
    /// For how long it holds: 1 to 366 days.
    days: i64,
}

/// A token that was made.
#[derive(Serialize, JsonSchema)]
struct Made {
    #[serde(flatten)]
    about: Token,
    /// What is sent as `Authorization: Bearer TOKEN`. It is told here and never again.
    token: String,
}

/// Every account.
#[derive(Serialize, JsonSchema)]
struct AccountList {
    accounts: Vec<Account>,
}

/// Every token.
#[derive(Serialize, JsonSchema)]
struct TokenList {
    tokens: Vec<Token>,
}

/// What was done, newest first.
#[derive(Serialize, JsonSchema)]
struct EventList {
    events: Vec<Event>,
}

const WRITTEN: &[Kind] = &[Kind::Access, Kind::ContentType, Kind::TooLarge, Kind::Request, Kind::NoStore];

/// Adds the routes.
pub(crate) fn routes(api: &mut Api) {
    let mut credentials = Operation {
        takes: vec![(JSON, api.read::<Credentials>())],
        about: "Sets a cookie for browsers. The session ends when it is not used for 30 minutes, and after 12 hours. A \
                program had better send a token.",
        ..Operation::plain("signIn", "Sign in with a name and a password")
    };
    credentials.gives = vec![(200, "Who is signed in", vec![(JSON, api.written::<Who>())])];
    credentials.problems = &[
        Kind::Unauthenticated,
        Kind::Locked,
        Kind::Csrf,
        Kind::Access,
        Kind::ContentType,
        Kind::TooLarge,
        Kind::Request,
        Kind::NoStore,
    ];
    api.post("/v1/session", sign_in, credentials);
    let mut who = Operation::plain("whoAmI", "Who asks, and what they may");
    who.gives = vec![(200, "Who asks", vec![(JSON, api.written::<Who>())])];
    api.get("/v1/session", whoami, who);
    let mut out = Operation::plain("signOut", "End the session");
    out.gives = vec![(204, "Nobody is signed in", vec![])];
    api.route(MethodFilter::DELETE, "delete", "/v1/session", sign_out, out);
    let mut password = Operation::plain("setPassword", "Set one's own password");
    password.takes = vec![(JSON, api.read::<NewPassword>())];
    password.gives = vec![(204, "The account's other sessions are ended", vec![])];
    password.problems = &[Kind::Access, Kind::Locked, Kind::ContentType, Kind::TooLarge, Kind::Request, Kind::NoStore];
    api.route(MethodFilter::PUT, "put", "/v1/session/password", set_password, password);

    let mut list = Operation::plain("accounts", "Every account");
    list.gives = vec![(200, "By name", vec![(JSON, api.written::<AccountList>())])];
    list.problems = &[Kind::NoStore];
    api.get("/v1/accounts", accounts, list);
    let account = api.written::<Account>();
    let mut add = Operation::plain("addAccount", "Make an account");
    add.takes = vec![(JSON, api.read::<NewAccount>())];
    add.gives = vec![(201, "The account", vec![(JSON, account.clone())])];
    add.problems = WRITTEN_AND_TAKEN;
    api.post("/v1/accounts", add_account, add);
    let mut change = Operation::plain("changeAccount", "Change an account");
    change.parameters = vec![path("name", "The account's name.")];
    change.takes = vec![(JSON, api.read::<AccountChange>())];
    change.gives = vec![(200, "The account", vec![(JSON, account)])];
    change.problems = WRITTEN_AND_TAKEN;
    api.route(MethodFilter::PATCH, "patch", "/v1/accounts/{name}", change_account, change);

    let mut list = Operation::plain("tokens", "Every token, without its secret");
    list.gives = vec![(200, "By name", vec![(JSON, api.written::<TokenList>())])];
    list.problems = &[Kind::NoStore];
    api.get("/v1/tokens", tokens, list);
    let mut add = Operation::plain("addToken", "Make a token");
    add.takes = vec![(JSON, api.read::<NewToken>())];
    add.gives = vec![(201, "The token; its secret is told once", vec![(JSON, api.written::<Made>())])];
    add.problems = WRITTEN_AND_TAKEN;
    api.post("/v1/tokens", add_token, add);
    let mut end = Operation::plain("endToken", "End a token");
    end.parameters = vec![path("name", "The token's name.")];
    end.gives = vec![(204, "It does not hold any more", vec![])];
    end.problems = &[Kind::NotFound, Kind::NoStore, Kind::Access];
    api.route(MethodFilter::DELETE, "delete", "/v1/tokens/{name}", end_token, end);

    let mut events = Operation::plain("accessEvents", "What was done to and with accounts, sessions and tokens");
    events.gives = vec![(200, "The last thousand, newest first", vec![(JSON, api.written::<EventList>())])];
    events.problems = WRITTEN;
    api.get("/v1/access-events", access_events, events);
}

const WRITTEN_AND_TAKEN: &[Kind] =
    &[Kind::Access, Kind::Taken, Kind::NotFound, Kind::ContentType, Kind::TooLarge, Kind::Request, Kind::NoStore];

/// Reads a body. What is wrong with it is told without repeating anything of it: it may hold a password.
async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    if !content_type.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(JSON) {
        return Err(Problem::new(Kind::ContentType, "this route reads JSON", "send it as application/json"));
    }
    let bytes = small(request).await?;
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    let help = "GET /openapi.json describes what it takes";
    let wrong = || Problem::new(Kind::Access, "the body is not what this route takes", help);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|e| match e.path().to_string() {
        // The path of a key that is not known ends with it.
        path if path == "." || e.inner().to_string().starts_with("unknown field") => wrong(),
        path => wrong().at(&path),
    })?;
    reader.end().map_err(|_| wrong())?;
    Ok(value)
}

/// The body of a request about accounts.
pub(super) async fn small(request: Request) -> Result<axum::body::Bytes, Problem> {
    to_bytes(request.into_body(), MOST).await.map_err(|_| {
        Problem::new(Kind::TooLarge, "the body is longer than 16 kB, or broke off", "send what the route takes")
    })
}

fn in_json(value: &impl Serialize) -> Response {
    ([(header::CONTENT_TYPE, JSON)], line(value)).into_response()
}

async fn sign_in(State(state): State<AppState>, asks: Asks, request: Request) -> Result<Response, Problem> {
    let access = &state.access;
    let Credentials { name, password } = read(request).await?;
    let (_, secret) = access.sign_in(&name, &password, &asks).await?;
    let caller = access.of_session(&secret).await?;
    Ok(([(header::SET_COOKIE, access.set_cookie(&secret))], in_json(&Who::of(&caller))).into_response())
}

async fn whoami(caller: Caller) -> Response {
    in_json(&Who::of(&caller))
}

async fn sign_out(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    state.access.sign_out(&caller).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, state.access.end_cookie())]).into_response())
}

async fn set_password(
    State(state): State<AppState>,
    caller: Caller,
    asks: Asks,
    request: Request,
) -> Result<Response, Problem> {
    let NewPassword { old, new } = read(request).await?;
    state.access.accounts()?;
    let Caller::Person(person) = caller else {
        return Err(Problem::new(Kind::Access, "only who is signed in has a password", "sign in first"));
    };
    let secret = state.access.change_password(&person, &old, &new, &asks).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, state.access.set_cookie(&secret))]).into_response())
}

async fn accounts(State(state): State<AppState>) -> Result<Response, Problem> {
    let accounts = state.access.accounts()?.list().await?;
    Ok(in_json(&AccountList { accounts }))
}

async fn add_account(State(state): State<AppState>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let accounts = state.access.accounts()?;
    let new: NewAccount = read(request).await?;
    let name: Name = new.name.parse()?;
    let password = Password::new(&new.password, name.as_str()).map_err(AccessError::from)?;
    let account = accounts.add(caller.actor().as_str(), &name, &new.roles, password).await?;
    state.access.close();
    Ok((StatusCode::CREATED, in_json(&account)).into_response())
}

async fn change_account(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let accounts = state.access.accounts()?;
    let AccountChange { roles, disabled, password } = read(request).await?;
    let name = name.parse::<Name>().map_err(|_| AccessError::Missing)?;
    let password = password.map(|p| Password::new(&p, name.as_str())).transpose().map_err(AccessError::from)?;
    let account = accounts.change(caller.actor().as_str(), &name, Change { roles, disabled, password }).await?;
    Ok(in_json(&account))
}

async fn tokens(State(state): State<AppState>) -> Result<Response, Problem> {
    let tokens = state.access.accounts()?.tokens().await?;
    Ok(in_json(&TokenList { tokens }))
}

async fn add_token(State(state): State<AppState>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let accounts = state.access.accounts()?;
    let new: NewToken = read(request).await?;
    let (about, secret) = accounts.add_token(caller.actor().as_str(), &new.name.parse()?, &new.scope, new.days).await?;
    Ok((StatusCode::CREATED, in_json(&Made { about, token: secret.tell().to_owned() })).into_response())
}

async fn end_token(
    State(state): State<AppState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let accounts = state.access.accounts()?;
    let name = name.parse::<Name>().map_err(|_| AccessError::Missing)?;
    accounts.withdraw(caller.actor().as_str(), &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn access_events(State(state): State<AppState>) -> Result<Response, Problem> {
    let events = state.access.accounts()?.events().await?;
    Ok(in_json(&EventList { events }))
}
