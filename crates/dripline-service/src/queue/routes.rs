//! The routes of the queue.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use dripline::chart::Chart;
use dripline::coding::ChartDate;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::book::{self, NewCase};
use super::correction::NewCorrection;
use super::entry::{NewAnswer, TriedAnswer};
use super::filter::{FILTERS, Filter, PART};
use super::step::Step;
use super::view::{Case, History, Page, Recoded, Settings, Summary, Version, WhatIf};
use super::{basis, filter, text};
use crate::actor::Actor;
use crate::answer::{self, Form, line};
use crate::api::{self, JSON, TEXT};
use crate::asked::Asked;
use crate::guard::busy;
use crate::openapi::{Api, Operation, header as of_header, path, query};
use crate::problem::{Kind, Problem};
use crate::state::AppState;
use crate::store::Store;
use crate::stream;

const CSV: &str = "text/csv";
const LINES: &str = "application/x-ndjson";

/// Names a case so that it is kept once, however often it is sent.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Cases that an export reads at a time.
const AT_ONCE: usize = 200;

/// Why a case is held, rejected or reopened.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    /// For whoever reads the history.
    reason: String,
}

/// That somebody asked for the records of a case.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewRequest {
    /// Who asked.
    asked_by: String,
    /// On which date it came.
    received_on: ChartDate,
}

/// What an administrator decides for all.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewSettings {
    /// Whether amounts of money are shown.
    money: bool,
    /// For whoever reads the history.
    reason: String,
}

/// What may go wrong where a case is read.
const READ: &[Kind] = &[Kind::Parameter, Kind::NotFound, Kind::NoStore, Kind::Store];
/// And where it is changed.
const CHANGE: &[Kind] = &[
    Kind::Parameter,
    Kind::Request,
    Kind::NotFound,
    Kind::NotNow,
    Kind::Stale,
    Kind::Precondition,
    Kind::TooLarge,
    Kind::ContentType,
    Kind::Body,
    Kind::NoStore,
    Kind::Store,
];

/// Adds every route of the queue.
pub(crate) fn add(api: &mut Api) {
    let summary = api.written::<Summary>();
    let chart = api.read::<Chart>();
    let (id, revision) = (|| path("id", "The case's number."), || of_header("if-match", "The case's ETag."));
    let gives = |status: u16, what: &'static str, schema: &Value| vec![(status, what, vec![(JSON, schema.clone())])];
    let none = Operation { problems: READ, ..Operation::default() };
    api.post(
        "/v1/cases",
        receive,
        Operation {
            id: "receiveCase",
            summary: "Keep a case",
            about: "The case is coded and put into the queue. The header `idempotency-key` names it: the same key with the \
                    same bytes is the same case, however often it is sent; with others it is refused.",
            parameters: vec![of_header("idempotency-key", "Up to 128 letters, digits and -_.:"), query("profile"), query("set")],
            takes: vec![(JSON, chart), (TEXT, json!({ "type": "string", "description": "Worksheet text" }))],
            gives: [gives(201, "It is kept", &summary), gives(200, "It was kept before", &summary)].concat(),
            problems: &[
                Kind::Parameter,
                Kind::Request,
                Kind::Precondition,
                Kind::TooLarge,
                Kind::ContentType,
                Kind::Case,
                Kind::ManyCases,
                Kind::KeyReused,
                Kind::NoStore,
                Kind::Store,
            ],
        },
    );
    let filters = |names: &[&str]| names.iter().map(|n| query(n)).collect::<Vec<_>>();
    let schema = api.written::<Page>();
    api.get(
        "/v1/cases",
        list,
        Operation {
            id: "cases",
            summary: "The queue, oldest first",
            about: "A part of it; `next` is the `after` of the part behind it. Amounts of money never order it.",
            parameters: filters(PART),
            gives: gives(200, "Cases", &schema),
            problems: &[Kind::Parameter, Kind::NoStore, Kind::Store],
            ..Operation::default()
        },
    );
    let schema = api.written::<Case>();
    api.get(
        "/v1/cases/{id}",
        case,
        Operation {
            id: "case",
            summary: "A case: its chart beside its claim",
            about: "The ETag names what was seen; every change sends it back as If-Match.",
            parameters: vec![id()],
            gives: gives(200, "The case", &schema),
            ..none.clone()
        },
    );
    let schema = api.written::<Version>();
    api.get(
        "/v1/cases/{id}/versions/{version}",
        version,
        Operation {
            id: "caseVersion",
            summary: "A version of a case, as it was made",
            parameters: vec![id(), path("version", "Its number, from 1.")],
            gives: gives(200, "The version", &schema),
            ..none.clone()
        },
    );
    let schema = api.written::<History>();
    api.get(
        "/v1/cases/{id}/history",
        history,
        Operation {
            id: "caseHistory",
            summary: "Everything that was done to a case: who, when, before, after, why",
            parameters: vec![id()],
            gives: gives(200, "The history", &schema),
            ..none.clone()
        },
    );
    api.get(
        "/v1/cases/{id}/queries.txt",
        queries,
        Operation {
            id: "caseQueries",
            summary: "The open questions of a case as neutral text, for those who are asked",
            about: "Chart facts and choices; no code, unit, amount or threshold.",
            parameters: vec![id()],
            gives: vec![(200, "The questions", vec![(TEXT, json!({ "type": "string" }))])],
            ..none.clone()
        },
    );
    let change = Operation {
        parameters: vec![id(), revision()],
        gives: gives(200, "The case as it stands now", &summary),
        problems: CHANGE,
        ..Operation::default()
    };
    let schema = api.read::<NewAnswer>();
    api.post(
        "/v1/cases/{id}/answers",
        answer,
        Operation {
            id: "answerCase",
            summary: "Answer a question by a chart entry",
            about: "The entry is put into the chart, and the case is coded again as a new version.",
            takes: vec![(JSON, schema)],
            ..change.clone()
        },
    );
    let schema = api.read::<NewCorrection>();
    api.post(
        "/v1/cases/{id}/correction",
        correct,
        Operation {
            id: "correctCase",
            summary: "Correct the chart by chart entries",
            about: "The whole chart as it should stand; every change rests on an entry. The case is coded again as a new \
                    version, and the history holds what changed. Its id is never changed.",
            takes: vec![(JSON, schema)],
            ..change.clone()
        },
    );
    let (schema, recoded) = (api.read::<Reason>(), api.written::<Recoded>());
    api.post(
        "/v1/cases/{id}/recode",
        recode,
        Operation {
            id: "recodeCase",
            summary: "Code the chart in force again by the rules and tables that run now",
            about: "Where lines, drug lines, services, edits and questions come out the same, no version is made.",
            takes: vec![(JSON, schema)],
            gives: gives(200, "The case as it stands now, and whether a version was made", &recoded),
            ..change.clone()
        },
    );
    let (schema, tried) = (api.read::<TriedAnswer>(), api.written::<WhatIf>());
    api.post(
        "/v1/cases/{id}/what-if",
        what_if,
        Operation {
            id: "tryAnswer",
            summary: "What an answer would change",
            about: "It is marked as tried out, kept nowhere, and nothing can be released from it.",
            parameters: vec![id()],
            takes: vec![(JSON, schema)],
            gives: gives(200, "What it would change", &tried),
            problems: &[
                Kind::Parameter,
                Kind::Request,
                Kind::NotFound,
                Kind::TooLarge,
                Kind::ContentType,
                Kind::Body,
                Kind::NoStore,
                Kind::Store,
            ],
        },
    );
    let reason = vec![(JSON, api.read::<Reason>())];
    for (path, step, id, summary) in [
        ("/v1/cases/{id}/hold", Step::Hold, "holdCase", "Hold a case, with a reason"),
        ("/v1/cases/{id}/reject", Step::Reject, "rejectCase", "Bill nothing of a case, with a reason"),
        ("/v1/cases/{id}/reopen", Step::Reopen, "reopenCase", "Work again on a case that is held or rejected"),
    ] {
        let handler = move |state: State<AppState>, actor: Actor, id: Path<String>, request: Request| {
            decide(state, actor, id, step, request)
        };
        api.post(path, handler, Operation { id, summary, takes: reason.clone(), ..change.clone() });
    }
    api.post(
        "/v1/cases/{id}/release",
        release,
        Operation {
            id: "releaseCase",
            summary: "Release the claim of a case that is ready",
            about: "It is frozen with its rules and the quarters of its reference tables. A claim of the case that left \
                    before is credited, and this one billed in its place.",
            ..change.clone()
        },
    );
    let schema = api.read::<NewRequest>();
    api.post(
        "/v1/cases/{id}/records-request",
        request_records,
        Operation {
            id: "requestRecords",
            summary: "Note that somebody asked for the records of a case",
            about: "Entries that may have been made after it are marked.",
            takes: vec![(JSON, schema)],
            ..change.clone()
        },
    );
    let export = |id, content_type| Operation {
        id,
        summary: "The queue with the lines of its claims, oldest first",
        about: "The cases that are there when it begins, each once. It is sent as it is read; one that breaks off is not \
                ended as a whole answer is. Each case carries the notice that the rules await a review.",
        parameters: filters(FILTERS),
        gives: vec![(200, "One line for each case", vec![(content_type, json!({ "type": "string" }))])],
        problems: &[Kind::Parameter, Kind::NoStore, Kind::Store],
        ..Operation::default()
    };
    api.get("/v1/queue.csv", queue_csv, export("queueCsv", CSV));
    let mut lines = export("queueLines", LINES);
    lines.gives = vec![(200, "One object for each case", vec![(LINES, json!({ "type": "object" }))])];
    api.get("/v1/queue.ndjson", queue_lines, lines);
    let schema = api.written::<Settings>();
    api.get(
        "/v1/settings",
        settings,
        Operation {
            id: "settings",
            summary: "What an administrator decided for all",
            gives: gives(200, "The settings", &schema),
            problems: &[Kind::Parameter, Kind::NoStore, Kind::Store],
            ..Operation::default()
        },
    );
    let takes = vec![(JSON, api.read::<NewSettings>())];
    api.post(
        "/v1/settings",
        set,
        Operation {
            id: "changeSettings",
            summary: "Show amounts of money, or do not",
            takes,
            gives: gives(200, "The settings", &schema),
            problems: &[
                Kind::Parameter,
                Kind::Request,
                Kind::TooLarge,
                Kind::ContentType,
                Kind::Body,
                Kind::NoStore,
                Kind::Store,
            ],
            ..Operation::default()
        },
    );
}

/// The store, if there is one.
pub(crate) fn store(state: &AppState) -> Result<&Store, Problem> {
    state.store.as_ref().ok_or_else(|| {
        Problem::new(Kind::NoStore, "the service was started without a store", "start it with --store and a place")
    })
}

/// The number in an address.
pub(crate) fn number(text: &str) -> Result<i64, Problem> {
    let number = text.parse().ok().filter(|n| *n > 0);
    number.ok_or_else(|| Problem::new(Kind::NotFound, "there is no such number", "GET /v1/cases lists the cases"))
}

/// The revision that a change names.
fn revision(headers: &HeaderMap) -> Result<i64, Problem> {
    let help = "send the case's ETag back in the header If-Match";
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Err(Problem::new(Kind::Precondition, "the change does not say what its caller saw", help));
    };
    let number = value.to_str().ok().and_then(|v| v.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    number.ok_or_else(|| Problem::new(Kind::Stale, "the header If-Match does not name a state of the case", help))
}

fn tagged(status: StatusCode, revision: i64, body: String) -> Response {
    let tag = HeaderValue::try_from(format!("\"{revision}\"")).unwrap_or(HeaderValue::from_static("\"0\""));
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(JSON)), (header::ETAG, tag)];
    (status, headers, body).into_response()
}

fn changed(summary: &Summary) -> Response {
    tagged(StatusCode::OK, summary.revision, line(summary))
}

fn in_json(value: &impl serde::Serialize) -> Response {
    ([(header::CONTENT_TYPE, JSON)], line(value)).into_response()
}

/// A body of JSON.
async fn read<T: DeserializeOwned>(state: &AppState, request: Request) -> Result<T, Problem> {
    let (bytes, form) = api::body(state, request).await?;
    if form != Form::Json {
        return Err(Problem::new(Kind::ContentType, "this route takes JSON", "send application/json"));
    }
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|e| {
        let path = e.path().to_string();
        Problem::body(if path == "." { "" } else { &path }, e.inner().to_string(), "GET /openapi.json describes it")
    })?;
    let ends = reader.end();
    ends.map_err(|_| Problem::body("", "something follows the object", "send one object")).map(|()| value)
}

async fn receive(State(state): State<AppState>, actor: Actor, request: Request) -> Result<Response, Problem> {
    let store = store(&state)?;
    let uri = request.uri().clone();
    let options = Asked::of(&uri, &["profile", "set"], &state.coder)?.options;
    let key = key(request.headers())?;
    let (bytes, form) = api::body(&state, request).await?;
    let new = new_case(&state, key, uri.query().unwrap_or(""), bytes, form, options).await;
    state.metrics.case(new.is_ok());
    let (summary, new) = book::receive(store, &actor, new?).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = tagged(status, summary.revision, line(&summary));
    if let Ok(place) = HeaderValue::try_from(format!("/v1/cases/{}", summary.id)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// A case that comes in, coded.
pub(crate) async fn new_case(
    state: &AppState,
    key: String,
    asked: &str,
    bytes: Bytes,
    form: Form,
    options: dripline_reference::Options,
) -> Result<NewCase, Problem> {
    let body_type = if form == Form::Json { JSON } else { TEXT };
    let mut hash = Sha256::new();
    // Lengths stand before what could run into the next.
    for part in [body_type.as_bytes(), asked.as_bytes(), &bytes] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hash: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    let coded = state.run(bytes.len(), move |coder| {
        let (case, coding) = answer::case(coder, &bytes, form, &options)?;
        let body = String::from_utf8(bytes.to_vec()).map_err(|_| Problem::failed())?;
        let unseen = |text: &str| text.contains(char::is_control);
        if unseen(&coding.case) || body.contains('\0') {
            return Err(Problem::new(
                Kind::Case,
                "the case's id, or the text, holds a character that cannot be seen",
                "take it out",
            ));
        }
        let (chart, assumptions) = (case.chart, case.assumptions);
        let coded_by = basis::note(coder, &chart);
        Ok(NewCase { key, hash, body_type, body, chart, assumptions, coding, coded_by, options })
    });
    coded.await
}

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let help = "name each case that is sent with a key of its own, of up to 128 letters, digits and -_.:";
    let Some(value) = headers.get(&IDEMPOTENCY_KEY) else {
        return Err(Problem::new(Kind::Precondition, "the header idempotency-key is missing", help));
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    let text = value.to_str().unwrap_or("");
    match (1..=128).contains(&text.len()) && text.bytes().all(plain) {
        true => Ok(text.to_owned()),
        false => Err(Problem::new(Kind::Request, "the header idempotency-key is not a key", help)),
    }
}

async fn list(State(state): State<AppState>, uri: Uri) -> Result<Response, Problem> {
    let page = book::list(&state, store(&state)?, &Filter::of(&uri, PART)?).await?;
    Ok(in_json(&page))
}

async fn case(State(state): State<AppState>, Path(id): Path<String>, uri: Uri) -> Result<Response, Problem> {
    Filter::of(&uri, &[])?;
    let case = book::case(&state, store(&state)?, number(&id)?).await?;
    Ok(tagged(StatusCode::OK, case.summary.revision, line(&case)))
}

async fn version(
    State(state): State<AppState>,
    Path((id, version)): Path<(String, String)>,
    uri: Uri,
) -> Result<Response, Problem> {
    Filter::of(&uri, &[])?;
    Ok(in_json(&book::one_version(store(&state)?, number(&id)?, number(&version)?).await?))
}

async fn history(State(state): State<AppState>, Path(id): Path<String>, uri: Uri) -> Result<Response, Problem> {
    Filter::of(&uri, &[])?;
    Ok(in_json(&book::history(store(&state)?, number(&id)?).await?))
}

async fn queries(State(state): State<AppState>, Path(id): Path<String>, uri: Uri) -> Result<Response, Problem> {
    Filter::of(&uri, &[])?;
    let case = book::case(&state, store(&state)?, number(&id)?).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text::queries(&case)).into_response())
}

async fn answer(
    State(state): State<AppState>,
    actor: Actor,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (store, id) = (store(&state)?, number(&id)?);
    Filter::of(request.uri(), &[])?;
    let revision = revision(request.headers())?;
    let new: NewAnswer = read(&state, request).await?;
    Ok(changed(&book::answer(&state, store, &actor, id, revision, new).await?))
}

async fn correct(
    State(state): State<AppState>,
    actor: Actor,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (store, id) = (store(&state)?, number(&id)?);
    Filter::of(request.uri(), &[])?;
    let revision = revision(request.headers())?;
    let new: NewCorrection = read(&state, request).await?;
    let correction = state.run(new.chart.get().len(), move |_| new.read()).await?;
    Ok(changed(&book::correct(&state, store, &actor, id, revision, correction).await?))
}

async fn recode(
    State(state): State<AppState>,
    actor: Actor,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (store, id) = (store(&state)?, number(&id)?);
    Filter::of(request.uri(), &[])?;
    let revision = revision(request.headers())?;
    let Reason { reason } = read(&state, request).await?;
    let recoded = book::recode(&state, store, &actor, id, revision, &reason).await?;
    Ok(tagged(StatusCode::OK, recoded.summary.revision, line(&recoded)))
}

async fn what_if(State(state): State<AppState>, Path(id): Path<String>, request: Request) -> Result<Response, Problem> {
    let (store, id) = (store(&state)?, number(&id)?);
    Filter::of(request.uri(), &[])?;
    let tried: TriedAnswer = read(&state, request).await?;
    Ok(in_json(&book::what_if(&state, store, id, &tried).await?))
}

/// Holds, rejects or reopens a case.
async fn decide(
    State(state): State<AppState>,
    actor: Actor,
    Path(id): Path<String>,
    step: Step,
    request: Request,
) -> Result<Response, Problem> {
    let (store, id) = (store(&state)?, number(&id)?);
    Filter::of(request.uri(), &[])?;
    let revision = revision(request.headers())?;
    let Reason { reason } = read(&state, request).await?;
    Ok(changed(&book::decide(store, &actor, id, revision, step, &reason).await?))
}

async fn release(
    State(state): State<AppState>,
    actor: Actor,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (store, id) = (store(&state)?, number(&id)?);
    Filter::of(&uri, &[])?;
    Ok(changed(&book::release(store, &actor, id, revision(&headers)?).await?))
}

async fn request_records(
    State(state): State<AppState>,
    actor: Actor,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (store, id) = (store(&state)?, number(&id)?);
    Filter::of(request.uri(), &[])?;
    let revision = revision(request.headers())?;
    let NewRequest { asked_by, received_on } = read(&state, request).await?;
    Ok(changed(&book::request_records(store, &actor, id, revision, &asked_by, received_on).await?))
}

/// The queue as text, sent as it is read. Its first part is read before the answer begins, so that what is wrong from
/// the start is told as a problem; what breaks later breaks the answer off.
async fn export(
    state: &AppState,
    uri: &Uri,
    content_type: &'static str,
    first: &'static str,
    row: fn(&book::Exported) -> String,
) -> Result<Response, Problem> {
    let store = store(state)?.clone();
    let filter = Filter::of(uri, filter::FILTERS)?;
    let place = Arc::clone(&state.streams).try_acquire_owned().map_err(|_| busy())?;
    let mut export = book::Export::begin(state, &store, filter, AT_ONCE).await?;
    let mut part = export.next(&store).await?;
    let (to_client, body) = stream::body(1);
    let idle = state.limits.idle;
    tokio::spawn(async move {
        let _place = place;
        let mut text = first.to_owned();
        while let Some(cases) = part {
            text.extend(cases.iter().map(row));
            if !to_client.send(std::mem::take(&mut text), idle).await {
                return;
            }
            part = match export.next(&store).await {
                Ok(part) => part,
                Err(error) => {
                    // The answer is not ended, so its reader sees that it is not whole.
                    tracing::error!(%error, "an export broke off");
                    return;
                }
            };
        }
        if to_client.send(text, idle).await {
            to_client.end(idle).await;
        }
    });
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

async fn queue_csv(State(state): State<AppState>, uri: Uri) -> Result<Response, Problem> {
    export(&state, &uri, "text/csv; charset=utf-8", text::HEADER, text::row).await
}

async fn queue_lines(State(state): State<AppState>, uri: Uri) -> Result<Response, Problem> {
    export(&state, &uri, LINES, "", text::line).await
}

async fn settings(State(state): State<AppState>, uri: Uri) -> Result<Response, Problem> {
    Filter::of(&uri, &[])?;
    let mut read = store(&state)?.read().await?;
    Ok(in_json(&book::settings(&mut read).await?))
}

async fn set(State(state): State<AppState>, actor: Actor, request: Request) -> Result<Response, Problem> {
    let store = store(&state)?;
    Filter::of(request.uri(), &[])?;
    let NewSettings { money, reason } = read(&state, request).await?;
    Ok(in_json(&book::set_money(store, &actor, money, &reason).await?))
}
