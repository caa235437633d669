//! The routes of the API.

use axum::Router;
use axum::body::{Bytes, HttpBody as _};
use axum::extract::{Path, Request, State};
use axum::http::header::{self, HeaderMap};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dripline::chart::Chart;
use dripline::coding::Coding;
use dripline_formats::compare::Comparison;
use dripline_formats::error::ReadError;
use dripline_reference::answer::WhyNot;
use http_body_util::BodyExt as _;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::access;
use crate::answer::{self, Form, line};
use crate::asked::{Asked, OPTIONS};
use crate::metrics;
use crate::openapi::{Api, Operation, path, query};
use crate::problem::{Kind, Problem};
use crate::queue::routes as queue;
use crate::rules;
use crate::state::AppState;
use crate::stream::{self, From};

pub(crate) const JSON: &str = "application/json";
pub(crate) const TEXT: &str = "text/plain";

/// What may be wrong with a case in a body.
const CASE: &[Kind] = &[Kind::Parameter, Kind::Request, Kind::TooLarge, Kind::ContentType, Kind::Case, Kind::ManyCases];

/// That the service runs.
#[derive(Serialize, JsonSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
    /// The program's version.
    version: &'static str,
}

/// Whether the service takes requests.
#[derive(Serialize, JsonSchema)]
struct Ready {
    /// `ready`, `stopping` or `store`: the database does not answer.
    status: &'static str,
}

/// A line of a stream: a coding, or what stands in the place of a case that cannot be used.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it stands for the shape of a line")]
enum Line {
    Coding(Box<Coding>),
    Refused(ReadError),
}

/// Every route of the API, with the description of all of them at `/openapi.json`.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    let _ = state;
    let mut api = Api::new();
    let mut case = api.read::<Chart>();
    case["examples"] = json!([{
        "setting": "office",
        "administrations": [
            { "drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-05T10:00" },
            { "drug": "Zofran", "dose": "4 mg", "route": "IV", "method": "push", "start": "2026-01-05T10:35" },
        ],
    }]);
    let sheet = "office 2026-01-05\nZofran 4 mg IV push 10:00\nZofran 4 mg IV push 10:35\n";
    let text = json!({ "type": "string", "description": "Worksheet text", "examples": [sheet] });
    let lines = json!({ "type": "string", "description": "Cases as of application/json, one a line" });
    let takes = || vec![(JSON, case.clone()), (TEXT, text.clone())];
    let options = || OPTIONS.iter().map(|name| query(name)).collect::<Vec<_>>();
    let (coding, streamed) = (api.written::<Coding>(), api.written::<Line>());
    let one = Operation {
        id: "code",
        summary: "Code charts",
        about: "One case gives one object: the very line that `dripline code --format jsonl` writes. Cases sent as \
                application/x-ndjson, or any with that type in the Accept header, give one line each, in their order, \
                as they are coded; a case that cannot be used has its error in its place. Read the answer of a stream \
                while you send. The case's own `profile` and `policy` hold where the query names none.",
        parameters: options(),
        takes: [takes(), vec![(stream::CONTENT_TYPE, lines)]].concat(),
        gives: vec![(
            200,
            "The coding, or one line for each case",
            vec![(JSON, coding), (stream::CONTENT_TYPE, streamed)],
        )],
        problems: CASE,
    };
    api.post("/v1/code", code, one);
    let gives = api.written::<WhyNot>();
    let one = Operation {
        id: "whyNot",
        summary: "Why a case does not earn a code, or by what it does",
        about: "What the chart shows and what the rule needs, nearest first; for an earned code the lines that earn it.",
        parameters: [vec![query("code")], options()].concat(),
        takes: takes(),
        gives: vec![(200, "What stands in the way", vec![(JSON, gives)])],
        problems: CASE,
    };
    api.post("/v1/why-not", why_not, one);
    let gives = api.written::<Comparison>();
    let one = Operation {
        id: "compare",
        summary: "A case beside itself under another policy, setting or date, or beside what was billed",
        about: "Other readings are tried on neither side.",
        parameters: vec![query("with"), query("profile"), query("set"), query("drug_lines")],
        takes: takes(),
        gives: vec![(200, "Both results and what differs", vec![(JSON, gives)])],
        problems: CASE,
    };
    api.post("/v1/compare", compare, one);
    let gives = api.written::<rules::RuleList>();
    api.get("/v1/rules", rule_list, plain("rules", "Every rule of the rule book", JSON, gives, &[Kind::Parameter]));
    let gives = api.written::<rules::RulePage>();
    let mut one = plain("rule", "The page of a rule", JSON, gives, &[Kind::Parameter, Kind::NotFound]);
    one.parameters = vec![path("id", "The rule's id, as it stands in a coding.")];
    api.get("/v1/rules/{id}", rule_page, one);
    queue::add(&mut api);
    let gives = api.written::<Health>();
    api.get("/health", health, plain("health", "That the service runs, and its version", JSON, gives, &[]));
    let gives = api.written::<Ready>();
    let mut one = plain("ready", "Whether the service takes requests", JSON, gives.clone(), &[]);
    one.gives.push((503, "It is stopping, or busy", vec![(JSON, gives)]));
    api.get("/ready", ready, one);
    let gives = json!({ "type": "string" });
    api.get(
        "/metrics",
        metrics,
        plain("metrics", "Counts and times, for Prometheus", metrics::CONTENT_TYPE, gives.clone(), &[]),
    );
    let mut one = plain("problem", "What a kind of problem means", TEXT, gives, &[Kind::NotFound]);
    one.parameters = vec![path("kind", "The last part of a problem's `type`.")];
    api.get("/problems/{kind}", problem_page, one);
    access::api::routes(&mut api);
    let any = json!({ "type": "object" });
    api.describe(
        "post",
        "/mcp",
        Operation {
            id: "mcp",
            summary: "The Model Context Protocol over HTTP",
            about: "Stateless. Tools: code_chart, why_not, compare, explain_rule, list_rules; what they give is what the \
                    routes give. Accept both application/json and text/event-stream.",
            parameters: vec![],
            takes: vec![(JSON, any.clone())],
            gives: {
                let text = || vec![(TEXT, json!({ "type": "string" }))];
                vec![
                    (200, "A JSON-RPC answer", vec![(JSON, any.clone())]),
                    (202, "A notification was taken", vec![]),
                    (400, "No message of the protocol", [vec![(JSON, any.clone())], text()].concat()),
                    (404, "A method that the protocol does not have", vec![(JSON, any.clone())]),
                    (406, "The Accept header lacks one of the two types", text()),
                    (413, "The message is too large", text()),
                    (415, "The message is not JSON", text()),
                    (422, "The message cannot be read", text()),
                ]
            },
            problems: &[],
        },
    );
    api.describe("get", "/openapi.json", plain("openapi", "This description", JSON, any, &[]));
    let (router, document) = api.finish();
    let document = Bytes::from(line(&document));
    router.route("/openapi.json", get(async move || ([(header::CONTENT_TYPE, JSON)], document)))
}

/// A route that takes nothing.
fn plain(
    id: &'static str,
    summary: &'static str,
    content_type: &'static str,
    schema: Value,
    problems: &'static [Kind],
) -> Operation {
    Operation {
        id,
        summary,
        about: "",
        parameters: vec![],
        takes: vec![],
        gives: vec![(200, summary, vec![(content_type, schema)])],
        problems,
    }
}

async fn code(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let options = Asked::of(request.uri(), OPTIONS, &state.coder)?.options;
    let lines = accepts_lines(request.headers());
    if content_type(request.headers())? == Type::Lines {
        return stream::code(&state, From::Lines(request.into_body()), options);
    }
    let (text, form) = body(&state, request).await?;
    if lines {
        // What is no case at all is told before the answer begins.
        answer::cases(&text, form)?;
        return stream::code(&state, From::Text(text), options);
    }
    counted(&state, text.len(), move |coder| answer::code(coder, &text, form, &options)).await
}

async fn why_not(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let known = ["code", "profile", "set", "alternatives", "drug_lines"];
    let mut asked = Asked::of(request.uri(), &known, &state.coder)?;
    let code = asked.code()?;
    let (text, form) = body(&state, request).await?;
    counted(&state, text.len(), move |coder| answer::why_not(coder, &text, form, &code, &asked.options)).await
}

async fn compare(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let mut asked = Asked::of(request.uri(), &["with", "profile", "set", "drug_lines"], &state.coder)?;
    let with = asked.with()?;
    let (text, form) = body(&state, request).await?;
    counted(&state, text.len(), move |coder| answer::compare(coder, &text, form, &with, &asked.options)).await
}

/// The answer of work on one case.
async fn counted(
    state: &AppState,
    size: usize,
    work: impl FnOnce(&dripline_reference::Coder) -> Result<String, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let answer = state.run(size, work).await;
    state.metrics.case(answer.is_ok());
    answer.map(in_json)
}

fn in_json(line: String) -> Response {
    ([(header::CONTENT_TYPE, JSON)], line).into_response()
}

async fn rule_list(State(state): State<AppState>, uri: Uri) -> Result<Response, Problem> {
    Asked::of(&uri, &[], &state.coder)?;
    Ok(in_json(rules::list()))
}

async fn rule_page(State(state): State<AppState>, Path(id): Path<String>, uri: Uri) -> Result<Response, Problem> {
    Asked::of(&uri, &[], &state.coder)?;
    rules::page(&id).map(in_json)
}

async fn health() -> Response {
    in_json(line(&Health { status: "ok", version: dripline::VERSION }))
}

async fn ready(State(state): State<AppState>) -> Response {
    let store = async {
        match &state.store {
            Some(store) => store.answers().await,
            None => true,
        }
    };
    let status = match state.is_stopping() {
        true => "stopping",
        false if store.await => return in_json(line(&Ready { status: "ready" })),
        false => "store",
    };
    (StatusCode::SERVICE_UNAVAILABLE, in_json(line(&Ready { status }))).into_response()
}

async fn metrics(State(state): State<AppState>) -> Response {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], state.metrics.text()).into_response()
}

async fn problem_page(Path(kind): Path<String>) -> Result<Response, Problem> {
    match Kind::ALL.iter().find(|k| k.slug() == kind) {
        Some(kind) => Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], kind.about()).into_response()),
        None => Err(Problem::new(Kind::NotFound, "there is no such kind of problem", "GET /openapi.json names them")),
    }
}

/// What a body is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Json,
    Text,
    Lines,
}

fn content_type(headers: &HeaderMap) -> Result<Type, Problem> {
    let wrong = |detail: &str, help: &str| Err(Problem::new(Kind::ContentType, detail, help));
    let help = "send application/json, text/plain for worksheet text, or application/x-ndjson for many cases";
    if headers.get(header::CONTENT_ENCODING).is_some_and(|v| v != "identity") {
        return wrong("the body is encoded", "send it as it is");
    }
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return wrong("the content-type is missing", help);
    };
    let (essence, parameters) = match value.to_str().unwrap_or("").split_once(';') {
        Some((essence, parameters)) => (essence.trim(), parameters),
        None => (value.to_str().unwrap_or("").trim(), ""),
    };
    let charset =
        parameters.split(';').find_map(|p| p.trim().to_ascii_lowercase().strip_prefix("charset=").map(str::to_owned));
    if charset.is_some_and(|c| !matches!(c.trim_matches('"'), "utf-8" | "us-ascii")) {
        return wrong("the body is not said to be UTF-8", "send it as UTF-8");
    }
    match essence.to_ascii_lowercase().as_str() {
        "application/json" => Ok(Type::Json),
        "text/plain" => Ok(Type::Text),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Type::Lines),
        _ => wrong("bodies of this content-type are not read", help),
    }
}

/// Whether one line for each case is asked for.
fn accepts_lines(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|v| v.split(',')).any(|t| {
        let essence = t.split(';').next().unwrap_or("").trim();
        ["application/x-ndjson", "application/ndjson", "application/jsonl"]
            .iter()
            .any(|n| essence.eq_ignore_ascii_case(n))
    })
}

/// Reads the whole body.
pub(crate) async fn body(state: &AppState, request: Request) -> Result<(Bytes, Form), Problem> {
    let form = match content_type(request.headers())? {
        Type::Json => Form::Json,
        Type::Text => Form::Text,
        Type::Lines => {
            return Err(Problem::new(
                Kind::ContentType,
                "this route takes one case",
                "send application/json or text/plain",
            ));
        }
    };
    let most = state.limits.body;
    let too_large = || {
        let help = "send many cases as application/x-ndjson to /v1/code";
        Problem::new(Kind::TooLarge, format!("the body is longer than {most} bytes"), help)
    };
    let mut body = request.into_body();
    if body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let mut read = Vec::with_capacity(usize::try_from(body.size_hint().lower()).unwrap_or(0));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(Kind::Request, "the body broke off", "send it again"))?;
        if let Ok(part) = frame.into_data() {
            if part.len() > most - read.len() {
                return Err(too_large());
            }
            read.extend_from_slice(&part);
        }
    }
    Ok((Bytes::from(read), form))
}
