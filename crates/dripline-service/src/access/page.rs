//! The pages to sign in and out, of one's own account, and of all accounts and tokens.

use std::collections::BTreeSet;
use std::str::FromStr;

use askama::Template;
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::api::small;
use super::records::{AccessError, Account, Change, Event, Name, SignIn, Token};
use super::role::{Permission, Role};
use super::secret::{Password, Secret};
use super::{Asks, Caller, Person};
use crate::page::form::Form;
use crate::page::{NOTICE, VERSION};
use crate::page::{REACH, WHO, page};
use crate::problem::{Kind, Problem};
use crate::queue::book;
use crate::state::AppState;

/// Every route of these pages.
pub(crate) fn routes() -> Router<AppState> {
    let routes = Router::new()
        .route("/sign-in", get(sign_in_page).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/account", get(account_page).post(set_password))
        .route("/accounts", get(accounts_page).post(change_accounts));
    #[cfg(feature = "oidc")]
    let routes = routes.merge(super::oidc::routes());
    routes
}

#[derive(Deserialize)]
struct To {
    #[serde(default)]
    to: String,
}

/// A place of this service to go on to; anything else is its first page.
pub(crate) fn local(to: &str) -> &str {
    let plain = to.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>'));
    let ours = to.starts_with('/') && !to.starts_with("//") && plain && !to.starts_with("/sign-in");
    if ours { to } else { "/" }
}

/// Where someone goes on to who wants to `to`: whoever codes nothing has no use for the worksheet.
pub(super) fn onward<'a>(caller: &Caller, to: &'a str) -> &'a str {
    match local(to) {
        "/" if !caller.may(Permission::Code) => "/account",
        to => to,
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    to: &'a str,
    name: &'a str,
    error: &'a str,
    open: bool,
    /// Where signing in elsewhere begins; empty where that is not offered.
    elsewhere: String,
}

fn sign_in_form(state: &AppState, caller: &Caller, to: &str, name: &str, error: &str) -> Result<Response, Problem> {
    let to = local(to);
    let elsewhere = match state.access.has_oidc() {
        true => {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("to", to).finish();
            format!("/sign-in/oidc?{query}")
        }
        false => String::new(),
    };
    page(&SignInPage { to, name, error, open: *caller == Caller::Machine, elsewhere })
}

async fn sign_in_page(
    State(state): State<AppState>,
    caller: Caller,
    Query(To { to }): Query<To>,
) -> Result<Response, Problem> {
    if matches!(caller, Caller::Person(_)) {
        return Ok(Redirect::to(onward(&caller, &to)).into_response());
    }
    sign_in_form(&state, &caller, &to, "", "")
}

async fn sign_in(
    State(state): State<AppState>,
    caller: Caller,
    asks: Asks,
    request: Request,
) -> Result<Response, Problem> {
    let form = form(request).await?;
    let access = &state.access;
    let (name, password) = (form.said("name").unwrap_or(""), form.get("password").unwrap_or(""));
    let to = form.get("to").unwrap_or("/");
    match access.sign_in(name, password, &asks).await {
        Ok((_, secret)) => {
            let caller = access.of_session(&secret).await?;
            Ok(of_session(Redirect::to(onward(&caller, to)).into_response(), access.set_cookie(&secret)))
        }
        Err(problem) if matches!(problem.kind(), Kind::Unauthenticated | Kind::Locked | Kind::NoStore) => {
            state.metrics.refused(problem.kind().slug());
            let name: String = name.chars().take(64).collect();
            Ok(problem.head(sign_in_form(&state, &caller, to, &name, &sentence(&problem))?))
        }
        Err(problem) => Err(problem),
    }
}

/// A problem as a sentence of a page.
fn sentence(problem: &Problem) -> String {
    let (mut text, help) = (problem.detail().to_owned(), problem.help());
    if let Some(first) = text.get(..1).map(str::to_uppercase) {
        text.replace_range(..1, &first);
    }
    if help.is_empty() { format!("{text}.") } else { format!("{text}: {help}.") }
}

/// A response with which a session begins or ends. What the browser's tabs remember of a chart is nothing for the next
/// who signs in.
fn of_session(mut response: Response, cookie: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, cookie);
    headers.insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"storage\""));
    response
}

async fn form(request: Request) -> Result<Form, Problem> {
    Ok(Form::read(&small(request).await?))
}

async fn sign_out(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    state.access.sign_out(&caller).await?;
    Ok(of_session(Redirect::to("/sign-in").into_response(), state.access.end_cookie()))
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    person: Option<&'a Person>,
    may: Vec<&'static str>,
    said: &'a str,
    error: &'a str,
}

/// What someone may do, in words.
fn may(caller: &Caller) -> Vec<&'static str> {
    let said = |p: Permission| match p {
        Permission::Code => "code, explain and compare charts",
        Permission::Read => "read cases with their history",
        Permission::Work => "file cases, answer their questions, hold, reject and open them again",
        Permission::Release => "release claims",
        Permission::Export => "take out the whole queue",
        Permission::Watch => "read the service's counts and times",
        Permission::Settings => "set what holds for all",
        Permission::Accounts => "make and end accounts and tokens",
    };
    Permission::ALL.iter().filter(|p| caller.may(**p)).map(|p| said(*p)).collect()
}

fn account(caller: &Caller, said: &str, error: &str) -> Result<Response, Problem> {
    let person = match caller {
        Caller::Person(person) => Some(person),
        _ => None,
    };
    page(&AccountPage { person, may: may(caller), said, error })
}

async fn account_page(caller: Caller) -> Result<Response, Problem> {
    account(&caller, "", "")
}

async fn set_password(
    State(state): State<AppState>,
    caller: Caller,
    asks: Asks,
    request: Request,
) -> Result<Response, Problem> {
    let form = form(request).await?;
    let Caller::Person(person) = &caller else { return account(&caller, "", "") };
    let (old, new) = (form.get("old").unwrap_or(""), form.get("new").unwrap_or(""));
    match state.access.change_password(person, old, new, &asks).await {
        Ok(secret) => {
            let response = account(&caller, "The password is set.", "")?;
            Ok(of_session(response, state.access.set_cookie(&secret)))
        }
        Err(problem) if problem.kind() == Kind::Failed => Err(problem),
        Err(problem) => Ok(problem.head(account(&caller, "", &sentence(&problem))?)),
    }
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage<'a> {
    error: &'a str,
    made: Option<(&'a str, &'a str)>,
    accounts: Vec<Account>,
    tokens: Vec<Token>,
    events: Vec<Event>,
    /// Whether the queue shows amounts. An administrator sets it, who may be nobody that reads the queue.
    money: bool,
}

async fn accounts_seen(state: &AppState, error: &str, made: Option<(&str, &str)>) -> Result<Response, Problem> {
    let all = state.access.accounts()?;
    let (accounts, tokens, mut events) = (all.list().await?, all.tokens().await?, all.events().await?);
    events.truncate(100);
    let money = book::settings(&mut *all.store().read().await?).await?.money;
    page(&AccountsPage { error, made, accounts, tokens, events, money })
}

async fn accounts_page(State(state): State<AppState>) -> Result<Response, Problem> {
    accounts_seen(&state, "", None).await
}

async fn change_accounts(State(state): State<AppState>, caller: Caller, request: Request) -> Result<Response, Problem> {
    let form = form(request).await?;
    match change(&state, &caller, &form).await {
        Ok(None) => Ok(Redirect::to("/accounts").into_response()),
        Ok(Some((name, secret))) => accounts_seen(&state, "", Some((name.as_str(), secret.tell()))).await,
        Err(problem) if matches!(problem.kind(), Kind::Access | Kind::Taken | Kind::NotFound) => {
            Ok(problem.head(accounts_seen(&state, &sentence(&problem), None).await?))
        }
        Err(problem) => Err(problem),
    }
}

/// The boxes of a name that are ticked.
fn ticked<T: FromStr + Ord>(form: &Form, name: &str) -> BTreeSet<T> {
    form.under(name).filter(|(rest, _)| rest.is_empty()).filter_map(|(_, value)| value.parse().ok()).collect()
}

/// Does what a button of the page says; a new token is told.
async fn change(state: &AppState, caller: &Caller, form: &Form) -> Result<Option<(Name, Secret)>, Problem> {
    let all = state.access.accounts()?;
    let actor = caller.actor();
    let by = actor.as_str();
    let name: Name = form.said("name").unwrap_or("").parse()?;
    let password = || Password::new(form.get("password").unwrap_or(""), name.as_str()).map_err(AccessError::from);
    let change = match form.said("do").unwrap_or("") {
        "add" => {
            all.add(by, &name, &ticked(form, "role"), password()?).await?;
            state.access.close();
            return Ok(None);
        }
        "token" => {
            let days = form.said("days").and_then(|d| d.parse().ok()).ok_or(AccessError::Days)?;
            let (_, secret) = all.add_token(by, &name, &ticked(form, "scope"), days).await?;
            return Ok(Some((name, secret)));
        }
        "withdraw" => {
            all.withdraw(by, &name).await?;
            return Ok(None);
        }
        "roles" => Change { roles: Some(ticked(form, "role")), ..Change::default() },
        "password" => Change { password: Some(password()?), ..Change::default() },
        "disable" => Change { disabled: Some(true), ..Change::default() },
        "enable" => Change { disabled: Some(false), ..Change::default() },
        _ => {
            return Err(Problem::new(Kind::Access, "the page does not know this button", "go back and choose another"));
        }
    };
    all.change(by, &name, change).await?;
    Ok(None)
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage<'a> {
    title: &'a str,
    sentence: String,
}

/// A refusal for whoever looks at a page.
pub(super) fn refused(problem: &Problem) -> Result<Response, Problem> {
    Ok(problem.head(page(&RefusedPage { title: problem.kind().title(), sentence: sentence(problem) })?))
}

/// Someone has come back from elsewhere and is signed in. A redirect would be the other site's, and browsers keep the
/// cookie back from those: the page itself goes on.
#[cfg(feature = "oidc")]
pub(super) fn signed_in(caller: &Caller, to: &str, cookies: Vec<axum::http::HeaderValue>) -> Result<Response, Problem> {
    #[derive(Template)]
    #[template(path = "signed_in.html")]
    struct SignedInPage<'a> {
        to: &'a str,
    }
    let response = page(&SignedInPage { to: onward(caller, to) })?;
    Ok(cookies.into_iter().fold(response, of_session))
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn nobody_is_led_elsewhere() {
        for ours in ["/", "/rules/x?q=1", "/cases/7"] {
            assert_eq!(local(ours), ours);
        }
        let others = [
            "",
            "//evil.test",
            "/\\evil.test",
            "https://evil.test",
            "javascript:alert(1)",
            "/a b",
            "/\n/evil",
            "/sign-in",
            "/\"x",
        ];
        for other in others {
            assert_eq!(local(other), "/", "{other}");
        }
    }
}
