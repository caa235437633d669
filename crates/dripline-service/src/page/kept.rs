//! The support sheet of a case of the queue: of the version in force, or of a claim as it left. Nothing is coded anew:
//! what is defended is what was billed.

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use dripline::chart::Chart;
use dripline::coding::{ChartDate, Coding};
use dripline_formats::json;
use dripline_formats::support::{self, Print, Sheet, SignOff, latest_today};
use jiff::Timestamp;

use super::form::Form;
use super::queue::moment;
use super::{NOTICE, REACH, VERSION, WHO, page};
use crate::problem::{Kind, Problem};
use crate::queue::book;
use crate::queue::routes::{number, store};
use crate::queue::view::ClaimKind;
use crate::state::AppState;

/// Every route of these sheets. A form posts to the page on which it stands, so that no name stands in an address.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/queue/{id}/support", get(of_case).post(of_case))
        .route("/queue/{id}/claims/{claim}/support", get(of_claim).post(of_claim))
}

#[derive(Template)]
#[template(path = "kept_sheet.html")]
struct KeptSheet {
    id: i64,
    /// Where its form is sent.
    at: String,
    /// Which version it is, and whether it left.
    of: String,
    sheet: String,
    appeal: bool,
    signed_by: String,
    signed_on: String,
    error: String,
    signed: bool,
}

/// Of the version in force.
async fn of_case(State(state): State<AppState>, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let id = number(&id)?;
    let case = book::case(&state, store(&state)?, id).await?;
    let of = format!("Version {}, in force: {}.", case.summary.version, case.summary.status.label());
    show(&state, id, format!("/queue/{id}/support"), of, case.chart, case.coding, &body).await
}

/// Of a claim that left.
async fn of_claim(
    State(state): State<AppState>,
    Path((id, claim)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Problem> {
    let (store, id, claim) = (store(&state)?, number(&id)?, number(&claim)?);
    let claims = book::case(&state, store, id).await?.claims;
    let left = claims.into_iter().find(|c| c.number == claim && c.kind != ClaimKind::Credit).ok_or_else(|| {
        Problem::new(
            Kind::NotFound,
            "no such claim of the case left",
            "the page of the case lists them; a credit has no sheet, but the claim that it takes back",
        )
    })?;
    let version = book::one_version(store, id, left.version).await?;
    let of = format!("Claim {claim} as it was released {}: version {}.", moment(&left.released_at), left.version);
    let at = format!("/queue/{id}/claims/{claim}/support");
    show(&state, id, at, of, version.chart, version.coding, &body).await
}

async fn show(
    state: &AppState,
    id: i64,
    at: String,
    of: String,
    chart: Chart,
    mut coding: Coding,
    body: &Bytes,
) -> Result<Response, Problem> {
    let form = Form::read(body);
    // Questions print on a sheet of their own, without codes.
    coding.queries.clear();
    let size = json::line(&chart).len();
    let sheet = state.run(size, move |_| {
        let appeal = form.said("appeal").is_some();
        let (signed, error) = sign_off(&form, &coding);
        let print = if appeal { Print::Appeal } else { Print::Office };
        page(&KeptSheet {
            sheet: support::html(&Sheet { coding: &coding, chart: &chart, print, signed: signed.as_ref() }),
            id,
            at,
            of,
            appeal,
            signed_by: form.said("signed_by").unwrap_or("").to_owned(),
            signed_on: form.said("signed_on").unwrap_or("").to_owned(),
            error,
            signed: signed.is_some(),
        })
    });
    sheet.await
}

/// Who signs a sheet and when, as its form says; else nobody yet, and what is wrong with what it says.
pub(super) fn sign_off(form: &Form, coding: &Coding) -> (Option<SignOff>, String) {
    let (by, on) = (form.said("signed_by").unwrap_or(""), form.said("signed_on").unwrap_or(""));
    let signed = match (by, dripline::time::strict_date(on)) {
        ("", _) if on.is_empty() => return (None, String::new()),
        ("", _) => return (None, "Write who signs.".to_owned()),
        (_, None) => return (None, "Write the date on which it is signed as 2026-01-05.".to_owned()),
        (by, Some(on)) => SignOff { by: by.to_owned(), on: ChartDate(on) },
    };
    match signed.untimely(coding, latest_today(Timestamp::now())) {
        None => (Some(signed), String::new()),
        Some(wrong) => (None, format!("This cannot be: {wrong}. Write the date on which it is signed.")),
    }
}
