//! The queue in a browser: the list, a case with its chart beside its claim, and what is done with it. Every form is
//! whole without script, and says which state of the case its reader saw.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use dripline::SmolStr;
use dripline::chart::{AccessKind, ContainerKind, Method, PumpKind, PumpOwner, Purpose};
use dripline::coding::ChartDate;
use dripline_formats::diff::phrase;
use dripline_formats::text::names::Names;
use dripline_formats::{json, svg, worksheet};
use dripline_reference::Options;
use serde_json::{Map, Value, json};

use super::form::Form;
use super::view::{AnswerView, Ask, QueryView, name, query_view};
use super::{MOST, NOTICE, ProblemView, REACH, VERSION, WHO, page, read};
use crate::access::Caller;
use crate::access::page::local;
use crate::access::role::Permission;
use crate::actor::Actor;
use crate::answer::Form as BodyForm;
use crate::guard;
use crate::problem::{Kind, Problem};
use crate::queue::correction::{Basis, Correction};
use crate::queue::entry::{Asked, Entry, EntryKind, NewAnswer, OfOne, Says, TriedAnswer, keys_of, keys_of_one};
use crate::queue::filter::{ADDRESSEES, Filter, PART};
use crate::queue::routes::{new_case, number, store};
use crate::queue::view::{Answered, Case, ClaimKind, CorrectionEntry, Event, Page, Released, WhatIf};
use crate::queue::{Status, Step, book, text};
use crate::state::AppState;

/// Every route of these pages.
pub(super) fn routes() -> Router<AppState> {
    let decided = |step: Step| {
        post(move |state: State<AppState>, caller: Caller, actor: Actor, id: Path<String>, body: Bytes| {
            decide(state, caller, actor, id, step, body)
        })
    };
    Router::new()
        .route("/queue", get(list).post(receive))
        .route("/queue/new", get(blank).post(begin))
        .route("/queue/settings", post(settings))
        .route("/queue/{id}", get(case))
        .route("/queue/{id}/answers", post(answer))
        .route("/queue/{id}/correction", post(correct))
        .route("/queue/{id}/recode", post(recode))
        .route("/queue/{id}/what-if", post(what_if))
        .route("/queue/{id}/hold", decided(Step::Hold))
        .route("/queue/{id}/reject", decided(Step::Reject))
        .route("/queue/{id}/reopen", decided(Step::Reopen))
        .route("/queue/{id}/records-request", post(request_records))
        .route("/queue/{id}/release", post(release))
        .merge(super::kept::routes())
        .layer(DefaultBodyLimit::max(MOST))
        .layer(from_fn(told))
}

#[derive(Template)]
#[template(path = "told.html")]
struct ToldPage {
    title: &'static str,
    wrong: Wrong,
}

/// A problem that no form can mend, as a page.
async fn told(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    match page(&ToldPage { title: problem.kind().title(), wrong: Wrong::of(&problem) }) {
        Ok(page) => problem.head(page),
        Err(_) => problem.into_response(),
    }
}

/// A problem in a sentence or two.
struct Wrong {
    what: String,
    help: String,
}

impl Wrong {
    fn of(problem: &Problem) -> Self {
        let place = match problem.path() {
            "" => String::new(),
            path => format!("{path}: "),
        };
        Wrong { what: format!("{place}{}", problem.detail()), help: problem.help().to_owned() }
    }
}

/// Whether a problem is the reader's to mend on the page.
fn mendable(problem: &Problem) -> bool {
    matches!(
        problem.kind(),
        Kind::Body | Kind::Case | Kind::ManyCases | Kind::Parameter | Kind::NotNow | Kind::Stale | Kind::KeyReused
    )
}

#[derive(Template)]
#[template(path = "queue.html")]
struct QueuePage<'a> {
    counts: Vec<(Status, i64)>,
    all: i64,
    page: Page,
    filter: &'a Filter,
    wrong: Option<Wrong>,
    /// The filter as a query, without its statuses.
    rest: String,
    next: String,
    export: String,
    may_work: bool,
    may_export: bool,
    may_set: bool,
    money: bool,
}

async fn list(State(state): State<AppState>, caller: Caller, uri: Uri) -> Result<Response, Problem> {
    let store = store(&state)?;
    let (filter, wrong) = match Filter::of(&uri, PART) {
        Ok(filter) => (filter, None),
        Err(problem) => (Filter::default(), Some(problem)),
    };
    let found = book::list(&state, store, &filter).await?;
    let counts = book::counts(store).await?;
    let status = wrong.as_ref().map_or(StatusCode::OK, |p| p.kind().status());
    let query = |next: Option<i64>, with_status: bool| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for status in filter.status.iter().filter(|_| with_status) {
            query.append_pair("status", status.as_str());
        }
        let pairs = [
            ("setting", filter.setting.map(|s| s.to_string())),
            ("from", filter.from.map(|d| d.to_string())),
            ("to", filter.to.map(|d| d.to_string())),
            ("field", filter.field.clone()),
            ("addressee", filter.addressee.map(|a| a.to_string())),
            ("outdated", filter.outdated.map(|o| o.to_string())),
            ("case", filter.case.clone()),
            ("after", next.map(|n| n.to_string())),
        ];
        for (name, value) in pairs {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        }
        query.finish()
    };
    let next = found.next.map(|n| query(Some(n), true)).unwrap_or_default();
    let view = QueuePage {
        all: counts.iter().map(|c| c.1).sum(),
        counts,
        next,
        rest: query(None, false),
        export: query(None, true),
        page: found,
        filter: &filter,
        wrong: wrong.as_ref().map(Wrong::of),
        may_work: caller.may(Permission::Work),
        may_export: caller.may(Permission::Export),
        may_set: caller.may(Permission::Settings),
        money: book::settings(&mut *store.read().await?).await?.money,
    };
    Ok((status, page(&view)?).into_response())
}

/// Turns amounts of money on or off.
async fn settings(State(state): State<AppState>, actor: Actor, body: Bytes) -> Result<Response, Problem> {
    let store = store(&state)?;
    let form = Form::read(&body);
    let on = match form.said("money") {
        Some("on") => true,
        Some("off") => false,
        _ => return Err(Problem::body("money", "it is not said whether money is shown", "write on or off")),
    };
    book::set_money(store, &actor, on, form.get("reason").unwrap_or("")).await?;
    Ok(Redirect::to(local(form.get("to").unwrap_or("/queue"))).into_response())
}

#[derive(Template)]
#[template(path = "new_case.html")]
struct NewPage<'a> {
    text: &'a str,
    payer: &'a str,
    key: &'a str,
    wrong: Option<Wrong>,
}

fn new_page(text: &str, payer: &str, key: &str, problem: Option<&Problem>) -> Result<Response, Problem> {
    let status = problem.map_or(StatusCode::OK, |p| p.kind().status());
    let wrong = problem.map(Wrong::of);
    Ok((status, page(&NewPage { text, payer, key, wrong })?).into_response())
}

/// A key that no other page has.
fn fresh_key() -> String {
    format!("page-{}", guard::new_id())
}

async fn blank(State(state): State<AppState>) -> Result<Response, Problem> {
    store(&state)?;
    new_page("", "", &fresh_key(), None)
}

/// From the worksheet: the text is looked at once more before it is kept.
async fn begin(State(state): State<AppState>, body: Bytes) -> Result<Response, Problem> {
    store(&state)?;
    let form = Form::read(&body);
    let text = form.text("text").unwrap_or_default();
    new_page(&text, payer(&form), &fresh_key(), None)
}

fn payer(form: &Form) -> &str {
    form.said("payer").filter(|p| *p == "medicare").unwrap_or("")
}

async fn receive(State(state): State<AppState>, actor: Actor, body: Bytes) -> Result<Response, Problem> {
    let store = store(&state)?;
    let form = Form::read(&body);
    let (text, payer) = (form.text("text").unwrap_or_default(), payer(&form));
    let key = form.said("key").filter(|k| k.len() <= 128 && k.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    let key = key.map_or_else(fresh_key, str::to_owned);
    let options = Options { profile: (!payer.is_empty()).then(|| payer.to_owned()), ..Options::default() };
    let kept = async {
        let bytes = Bytes::from(text.clone());
        let new = new_case(&state, key.clone(), payer, bytes, BodyForm::Text, options).await?;
        book::receive(store, &actor, new).await
    };
    match kept.await {
        Ok((summary, _)) => Ok(Redirect::to(&format!("/queue/{}", summary.id)).into_response()),
        Err(problem) if mendable(&problem) => {
            let key = if problem.kind() == Kind::KeyReused { fresh_key() } else { key };
            new_page(&text, payer, &key, Some(&problem))
        }
        Err(problem) => Err(problem),
    }
}

/// A field of the form that answers a question.
struct Cell {
    key: String,
    label: String,
    /// `datetime-local`, `number`, `text` or `select`.
    kind: &'static str,
    choices: Vec<(String, String)>,
    value: String,
}

/// A question with its form.
struct Question {
    number: usize,
    settled: bool,
    view: QueryView,
    field: SmolStr,
    /// Its administrations, as a JSON list.
    administrations: String,
    cells: Vec<Cell>,
    /// Where it is about several, the same for each of them.
    each: Vec<OfOneForm>,
    says: String,
    author: String,
    written_at: String,
    kind: String,
    place: String,
}

/// What an entry says of one of several administrations.
struct OfOneForm {
    /// Its place among those asked about.
    at: usize,
    id: SmolStr,
    /// The drug, and how it was given.
    what: String,
    cells: Vec<Cell>,
    says: String,
}

/// A chart entry as it is listed.
struct EntryView {
    answered: Answered,
    says: String,
}

/// The form that corrects the chart.
struct CorrectionForm {
    /// Whether somebody is at it.
    open: bool,
    text: String,
    problem: Option<ProblemView>,
    author: String,
    written_at: String,
    kind: String,
    place: String,
    reason: String,
}

/// A correction as it is listed.
struct CorrectionView {
    version: i64,
    reason: String,
    entries: Vec<CorrectionEntry>,
    put_in: String,
}

/// A claim that left.
struct ClaimView {
    released: Released,
    lines: String,
}

/// Something that was done.
struct EventView {
    event: Event,
    became: String,
    chart: Vec<(String, String, String)>,
}

/// An answer tried out.
struct Tried {
    differs: String,
    lines: Vec<(String, u64)>,
}

#[derive(Template)]
#[template(path = "case.html")]
struct CasePage {
    case: Case,
    wrong: Option<Wrong>,
    tried: Option<Tried>,
    chart: String,
    drawing: String,
    answer: Option<AnswerView>,
    questions: Vec<Question>,
    open: usize,
    entries: Vec<EntryView>,
    correction: CorrectionForm,
    corrections: Vec<CorrectionView>,
    /// What coding again came to, where it was just done.
    recoded: &'static str,
    claims: Vec<ClaimView>,
    pending: String,
    money: Vec<(String, String)>,
    history: Vec<EventView>,
    may_work: bool,
    may_release: bool,
    may_hold: bool,
    may_reject: bool,
    may_reopen: bool,
    ready: bool,
}

/// What a page was sent, to show it again.
struct Sent<'a> {
    form: &'a Form,
    problem: Option<&'a Problem>,
    what_if: Option<&'a WhatIf>,
    /// What is wrong with the text of the chart.
    misread: Option<ProblemView>,
    /// What coding again came to.
    recoded: &'static str,
}

impl<'a> Sent<'a> {
    fn form(form: &'a Form) -> Self {
        Sent { form, problem: None, what_if: None, misread: None, recoded: "" }
    }
}

async fn show(state: &AppState, caller: &Caller, id: i64, mut sent: Option<Sent<'_>>) -> Result<Response, Problem> {
    let store = store(state)?;
    let misread = sent.as_mut().and_then(|s| s.misread.take());
    let recoded = sent.as_ref().map_or("", |s| s.recoded);
    let case = book::case(state, store, id).await?;
    let history = book::history(store, id).await?.history;
    let status = match &misread {
        Some(_) => Kind::Case.status(),
        None => sent.as_ref().and_then(|s| s.problem).map_or(StatusCode::OK, |p| p.kind().status()),
    };
    let may_work = caller.may(Permission::Work);
    // What is wrong with a correction stands at its form.
    let at_form = sent.as_ref().is_some_and(|s| s.form.get("chart").is_some());
    let problem = sent.as_ref().and_then(|s| s.problem);
    let wrong = problem.filter(|_| !at_form).map(Wrong::of);
    let misread = misread.or_else(|| problem.filter(|_| at_form).map(at_correction));
    let tried = sent.as_ref().and_then(|s| s.what_if).map(|what| Tried {
        differs: match what.differences.is_empty() {
            true => "No line would change.".to_owned(),
            false => format!("{}.", capital(&phrase(&what.differences, false))),
        },
        lines: what.coding.lines.iter().map(|l| (name(&l.code, &l.modifiers), u64::from(l.units))).collect(),
    });
    let form = sent.map(|s| s.form);
    let questions: Vec<Question> = (case.coding.queries.iter().zip(&case.queries).enumerate())
        .map(|(n, (query, state))| question(n + 1, query, state.settled, &case, form))
        .collect();
    let chart = worksheet::write(&case.chart);
    let correction = correction_form(&chart, form, misread);
    let pending = case.pending.as_ref().map(|p| phrase(&p.differences, false)).unwrap_or_default();
    let money = case.money.as_ref().map(amounts).unwrap_or_default();
    let reviewed = case.summary.status;
    let size = json::line(&case.chart).len();
    let view = CasePage {
        open: questions.iter().filter(|q| !q.settled).count(),
        questions,
        wrong,
        tried,
        chart,
        correction,
        corrections: case.corrections.iter().map(correction_view).collect(),
        recoded,
        drawing: svg::time_line(&case.coding, &case.chart, "tl").unwrap_or_default(),
        answer: None,
        entries: case.answers.iter().map(entry_view).collect(),
        claims: case.claims.iter().map(claim_view).collect(),
        pending,
        money,
        history: history.into_iter().map(event_view).collect(),
        may_work,
        may_release: caller.may(Permission::Release),
        may_hold: may_work && matches!(reviewed, Status::NeedsAnswer | Status::Ready),
        may_reject: may_work && matches!(reviewed, Status::NeedsAnswer | Status::Ready | Status::Held),
        may_reopen: may_work && matches!(reviewed, Status::Held | Status::Rejected),
        ready: reviewed == Status::Ready,
        case,
    };
    // The other setting is coded for the page too.
    let response = state.run(size, move |coder| {
        let ask = Ask { coder, chart: &view.case.chart, position: 1, options: &view.case.options, payer: "" };
        let mut answer = AnswerView::of(&view.case.coding, &ask);
        // Questions have forms of their own here, and what is kept is not asked for its reason.
        (answer.queries, answer.reason) = (Vec::new(), None);
        page(&CasePage { answer: Some(answer), ..view })
    });
    Ok((status, response.await?).into_response())
}

/// A stored moment for reading, to the minute.
pub(super) fn moment(stored: &str) -> String {
    format!("{} UTC", stored.chars().take(16).collect::<String>().replace('T', " "))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Each line with its amount, and what they come to. What no table gives is unknown, and never nothing.
fn amounts(money: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("no amount").to_owned();
    let mut amounts: Vec<_> =
        money["lines"].as_array().into_iter().flatten().map(|l| (text(&l["code"]), text(&l["amount"]))).collect();
    let together = match money["without_amount"].as_u64() {
        Some(unknown) if unknown > 0 && money["total"].is_string() => {
            let lines = if unknown == 1 { "line" } else { "lines" };
            format!("{} without {unknown} {lines} of no known amount", text(&money["total"]))
        }
        _ => text(&money["total"]),
    };
    amounts.push(("Together".to_owned(), together));
    amounts
}

fn entry_view(answered: &Answered) -> EntryView {
    let (as_charted, untold) = ("the chart stands as it is", "it cannot be determined");
    let sets =
        |set: &Map<String, Value>| set.iter().map(|(k, v)| format!("{k} {}", plain(v))).collect::<Vec<_>>().join(", ");
    let one = |one: &OfOne| match one {
        OfOne::AsCharted => as_charted.to_owned(),
        OfOne::CannotBeDetermined => untold.to_owned(),
        OfOne::Set(set) => sets(set),
    };
    let says = match &answered.says {
        Says::AsCharted => as_charted.to_owned(),
        Says::CannotBeDetermined => untold.to_owned(),
        Says::Set(set) => sets(set),
        Says::Each(each) => each.iter().map(|(id, says)| format!("{id}: {}", one(says))).collect::<Vec<_>>().join("; "),
    };
    EntryView { says, answered: answered.clone() }
}

fn correction_view(corrected: &crate::queue::view::Corrected) -> CorrectionView {
    CorrectionView {
        version: corrected.version,
        reason: corrected.reason.clone(),
        entries: corrected.entries.clone(),
        put_in: format!("{} {}", corrected.recorded_by, moment(&corrected.recorded_at)),
    }
}

/// What is wrong with a correction, at its form.
fn at_correction(problem: &Problem) -> ProblemView {
    let Wrong { what, help } = Wrong::of(problem);
    let help = match problem.kind() {
        // It was typed over another chart, and would take back what was changed since.
        Kind::Stale => "what you typed stands below, and the chart in force above: bring the two together".to_owned(),
        _ => help,
    };
    ProblemView { help, ..ProblemView::says(what) }
}

/// The form with what was typed into it; else with the chart in force.
fn correction_form(chart: &str, form: Option<&Form>, problem: Option<ProblemView>) -> CorrectionForm {
    let sent = form.filter(|f| f.get("chart").is_some());
    let said = |name: &str| sent.and_then(|f| f.get(name)).unwrap_or("").to_owned();
    CorrectionForm {
        open: sent.is_some(),
        text: sent.and_then(|f| f.text("chart")).unwrap_or_else(|| chart.to_owned()),
        problem,
        author: said("author"),
        written_at: said("written_at"),
        kind: said("kind"),
        place: said("where"),
        reason: said("reason"),
    }
}

/// A value for reading.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        other => other.to_string(),
    }
}

fn claim_view(released: &Released) -> ClaimView {
    let lines = (released.claim.lines.iter().chain(&released.claim.drug_lines))
        .map(|l| format!("{} ×{}", name(&l.code, &l.modifiers), l.units))
        .collect::<Vec<_>>()
        .join(", ");
    ClaimView { released: released.clone(), lines }
}

fn event_view(event: Event) -> EventView {
    let status = |value: &Option<Value>| {
        let status = value.as_ref().and_then(|v| v["status"].as_str()).and_then(Status::from_word);
        status.map_or("", Status::label).to_owned()
    };
    let (before, after) = (status(&event.before), status(&event.after));
    let became = if before == after { String::new() } else { after };
    let chart = |value: &Option<Value>| -> Map<String, Value> {
        value.as_ref().and_then(|v| v["chart"].as_object().cloned()).unwrap_or_default()
    };
    let was = chart(&event.before);
    let changes = chart(&event.after)
        .into_iter()
        .map(|(path, is)| (plain(was.get(&path).unwrap_or(&Value::Null)), plain(&is), path))
        .map(|(was, is, path)| (path, was, is))
        .collect();
    EventView { event, became, chart: changes }
}

fn question(
    number: usize,
    query: &dripline::coding::Query,
    settled: bool,
    case: &Case,
    form: Option<&Form>,
) -> Question {
    let sent = form.filter(|f| f.get("question").and_then(|n| n.parse().ok()) == Some(number));
    let said = |name: &str| sent.and_then(|f| f.get(name)).unwrap_or("").to_owned();
    let filled = |keys: Vec<String>, prefix: &str| -> Vec<Cell> {
        let fill = |cell: Cell| Cell { value: said(&format!("{prefix}{}", cell.key)), ..cell };
        keys.into_iter().flat_map(cells).map(fill).collect()
    };
    let names = Names::new(Some(&case.chart));
    let of_one = |(at, id): (usize, &SmolStr)| OfOneForm {
        at,
        id: id.clone(),
        what: names.what(id),
        cells: filled(keys_of_one(&query.field), &format!("each.{at}.")),
        says: said(&format!("each.{at}.says")),
    };
    let several = query.administrations.len() > 1 && !keys_of_one(&query.field).is_empty();
    Question {
        number,
        settled,
        view: query_view(&case.coding, query),
        field: query.field.clone(),
        administrations: json::line(&query.administrations),
        cells: filled(keys_of(&query.field), "set."),
        each: if several { query.administrations.iter().enumerate().map(of_one).collect() } else { Vec::new() },
        says: said("says"),
        author: said("author"),
        written_at: said("written_at"),
        kind: said("kind"),
        place: said("where"),
    }
}

/// The fields for a key of the chart.
fn cells(key: String) -> Vec<Cell> {
    let words = |words: &[&str]| words.iter().map(|w| ((*w).to_owned(), w.replace('_', " "))).collect::<Vec<_>>();
    let all = |list: &mut dyn Iterator<Item = &'static str>| words(&list.collect::<Vec<_>>());
    let (kind, choices) = match key.as_str() {
        "start" | "stop" | "departure" => ("datetime-local", Vec::new()),
        "planned_minutes" | "age_years" | "lesions" | "components" => ("number", Vec::new()),
        "attended" | "counselling" => ("select", vec![("true".into(), "yes".into()), ("false".into(), "no".into())]),
        "method" => ("select", all(&mut Method::ALL.iter().map(|m| m.0))),
        "purpose" => ("select", all(&mut Purpose::ALL.iter().map(|m| m.0))),
        "pump.owner" => ("select", all(&mut PumpOwner::ALL.iter().map(|m| m.0))),
        "pump.kind" => ("select", all(&mut PumpKind::ALL.iter().map(|m| m.0))),
        "interruptions" | "date" => return Vec::new(),
        // A device that is charted nowhere is called what it is.
        "access" => ("select", all(&mut AccessKind::ALL.iter().map(|m| m.0))),
        "containers" => {
            let cell = |name: &str, label: &str, kind, choices| Cell {
                key: format!("containers.{name}"),
                label: label.to_owned(),
                kind,
                choices,
                value: String::new(),
            };
            return vec![
                cell("kind", "Containers", "select", all(&mut ContainerKind::ALL.iter().map(|m| m.0))),
                cell("amount", "Labelled content of one", "text", Vec::new()),
                cell("count", "How many", "number", Vec::new()),
            ];
        }
        device if device.starts_with("accesses.") => ("select", all(&mut AccessKind::ALL.iter().map(|m| m.0))),
        _ => ("text", Vec::new()),
    };
    let label = match key.as_str() {
        "start" => "Started",
        "stop" => "Stopped",
        "departure" => "The patient left",
        "planned_minutes" => "Planned minutes",
        "age_years" => "Age in years",
        "attended" => "The clinician stayed and gave it by hand",
        "counselling" => "A clinician counselled that day",
        "method" => "How it was given",
        "purpose" => "What for",
        "indication" => "Reason, as charted",
        "wasted" => "Thrown away",
        "ndc" => "National drug code",
        "hcpcs" => "HCPCS code of the drug",
        "rxnorm" => "RxNorm",
        "pump.owner" => "Whose pump",
        "pump.kind" => "Kind of pump",
        device if device == "access" || device.starts_with("accesses.") => "Which device",
        other => &capital(other),
    };
    vec![Cell { label: label.to_owned(), kind, choices, value: String::new(), key }]
}

/// The answer that a form holds.
fn answer_of(form: &Form) -> Result<TriedAnswer, Problem> {
    let administrations = form.get("administrations").and_then(|a| serde_json::from_str(a).ok());
    let query = Asked {
        field: form.get("field").unwrap_or("").to_owned(),
        administrations: administrations.unwrap_or_default(),
    };
    let all = set(form.under("set."))?;
    let each = each(form, &query)?;
    let filled = (!all.is_empty(), !each.is_empty());
    // Who fills fields in has chosen them.
    let chosen = form.said("says").unwrap_or(match filled {
        (true, false) => "set",
        (false, true) => "each",
        _ => "",
    });
    let unclear = |detail, help| Err(Problem::body("says", detail, help));
    let says = match (chosen, filled) {
        ("set", (true, false)) => Says::Set(all),
        ("each", (false, true)) => Says::Each(each),
        ("as_charted", (false, false)) => Says::AsCharted,
        ("cannot_be_determined", (false, false)) => Says::CannotBeDetermined,
        ("set" | "each", (false, false)) => return unclear("its fields are empty", "fill in what the entry says"),
        (_, (false, false)) => {
            return unclear("the answer is not chosen", "choose what the entry says, or fill it in");
        }
        ("", _) => {
            let detail = "fields are filled in for all of them and for each by itself";
            return unclear(detail, "empty those that the entry does not say");
        }
        _ => {
            let detail = "fields are filled in, and the answer chosen is another";
            return unclear(detail, "choose the one to which they belong, or empty them");
        }
    };
    Ok(TriedAnswer { query, says, only: None })
}

/// What a form says of each administration; nothing of one whose fields are empty.
fn each(form: &Form, query: &Asked) -> Result<BTreeMap<String, OfOne>, Problem> {
    let mut each = BTreeMap::new();
    for (at, id) in query.administrations.iter().enumerate() {
        let prefix = format!("each.{at}.");
        let fields = form.under(&prefix).filter(|(key, _)| *key != "says");
        let set = set(fields).map_err(|problem| problem.within(&format!("{id}: ")))?;
        let says = match (form.said(&format!("{prefix}says")), set.is_empty()) {
            (None, true) => continue,
            (None, false) => OfOne::Set(set),
            (Some("as_charted"), true) => OfOne::AsCharted,
            (Some("cannot_be_determined"), true) => OfOne::CannotBeDetermined,
            (Some(_), _) => {
                let detail = format!("of {id} fields are filled in, and another answer is chosen");
                return Err(Problem::body("says", detail, "keep one of the two"));
            }
        };
        each.insert(id.clone(), says);
    }
    Ok(each)
}

/// What fields set, by their keys.
fn set<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Map<String, Value>, Problem> {
    let mut set = Map::new();
    let mut container = Map::new();
    let given = fields.map(|(key, value)| (key, value.trim())).filter(|(_, value)| !value.is_empty());
    for (key, value) in given {
        let number = |key: &str| {
            let number = value.parse::<u32>();
            number.map(Value::from).map_err(|_| Problem::body(key, "this is not a whole number", "write digits alone"))
        };
        let parsed = match key {
            "planned_minutes" | "age_years" | "lesions" | "components" | "containers.count" => number(key)?,
            "attended" | "counselling" => Value::Bool(value == "true"),
            _ => value.into(),
        };
        if key == "access" {
            set.insert(format!("accesses.{value}.kind"), value.into());
        }
        match key.strip_prefix("containers.") {
            Some(part) => container.insert(part.to_owned(), parsed),
            None => set.insert(key.to_owned(), parsed),
        };
    }
    if !container.is_empty() {
        set.insert("containers".to_owned(), json!([container]));
    }
    Ok(set)
}

fn entry_of(form: &Form) -> Result<Entry, Problem> {
    let text = |name: &str| form.said(name).unwrap_or("").to_owned();
    let written_at = text("written_at").parse().map_err(|_| {
        Problem::body("entry.written_at", "it is not said when the entry was written", "write date and time")
    })?;
    let kind = match form.said("kind") {
        Some("original") => EntryKind::Original,
        Some("late") => EntryKind::Late,
        _ => return Err(Problem::body("entry.kind", "it is not said whether it is a late entry", "choose one")),
    };
    Ok(Entry { author: text("author"), written_at, kind, place: text("where") })
}

/// The state of the case that the form's reader saw.
fn revision(form: &Form) -> Result<i64, Problem> {
    form.get("revision").and_then(|n| n.parse().ok()).ok_or_else(|| {
        Problem::new(Kind::Precondition, "the form does not say which state of the case it was made for", "")
    })
}

/// Back to the case; where something is to be mended, the case with what is wrong and what was typed.
async fn done<T>(
    state: &AppState,
    caller: &Caller,
    id: i64,
    form: &Form,
    result: Result<T, Problem>,
) -> Result<Response, Problem> {
    match result {
        Ok(_) => Ok(Redirect::to(&format!("/queue/{id}")).into_response()),
        Err(problem) if mendable(&problem) => {
            show(state, caller, id, Some(Sent { problem: Some(&problem), ..Sent::form(form) })).await
        }
        Err(problem) => Err(problem),
    }
}

async fn case(State(state): State<AppState>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    store(&state)?;
    show(&state, &caller, number(&id)?, None).await
}

async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    actor: Actor,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let (store, id, form) = (store(&state)?, number(&id)?, Form::read(&body));
    let answered = async {
        let revision = revision(&form)?;
        let TriedAnswer { query, says, only } = answer_of(&form)?;
        let new = NewAnswer { query, says, only, entry: entry_of(&form)? };
        book::answer(&state, store, &actor, id, revision, new).await
    };
    let answered = answered.await;
    done(&state, &caller, id, &form, answered).await
}

/// Corrects the chart: its text as it should stand, and the entry that says so.
async fn correct(
    State(state): State<AppState>,
    caller: Caller,
    actor: Actor,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let (store, id, form) = (store(&state)?, number(&id)?, Form::read(&body));
    let text = form.text("chart").unwrap_or_default();
    let case = match read(&text).map(|mut cases| (cases.len(), cases.remove(0))) {
        Ok((1, case)) => case,
        Ok(_) => {
            let misread = ProblemView {
                help: "take out the empty line, or the other case".to_owned(),
                ..ProblemView::says("A second case follows the first.")
            };
            return show(&state, &caller, id, Some(Sent { misread: Some(misread), ..Sent::form(&form) })).await;
        }
        Err(misread) => {
            return show(&state, &caller, id, Some(Sent { misread: Some(misread), ..Sent::form(&form) })).await;
        }
    };
    let corrected = async {
        let revision = revision(&form)?;
        let entries = vec![Basis { changes: None, entry: entry_of(&form)? }];
        let reason = form.get("reason").unwrap_or("").to_owned();
        let correction = Correction { chart: case.chart, read: case.assumptions, entries, reason };
        book::correct(&state, store, &actor, id, revision, correction).await
    };
    let corrected = corrected.await.map_err(|problem| {
        // There is one entry on the page, and the chart is the text.
        let path = problem.path().trim_start_matches("entries[0].").trim_start_matches("chart.").to_owned();
        problem.at(&path)
    });
    done(&state, &caller, id, &form, corrected).await
}

/// Codes the chart in force again.
async fn recode(
    State(state): State<AppState>,
    caller: Caller,
    actor: Actor,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let (store, id, form) = (store(&state)?, number(&id)?, Form::read(&body));
    let reason = form.get("reason").unwrap_or("");
    let recoded = async { book::recode(&state, store, &actor, id, revision(&form)?, reason).await };
    match recoded.await {
        Ok(recoded) => {
            let told = match (recoded.new_version, recoded.differences.is_empty()) {
                (false, _) => "Coded again by the rules and tables that run now: nothing changes.",
                (true, true) => "Coded again by the rules and tables that run now: no line of the claim changes.",
                (true, false) => "Coded again by the rules and tables that run now: the claim changes.",
            };
            let again = Form::default();
            show(&state, &caller, id, Some(Sent { recoded: told, ..Sent::form(&again) })).await
        }
        Err(problem) => done::<()>(&state, &caller, id, &form, Err(problem)).await,
    }
}

async fn what_if(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let (store, id, form) = (store(&state)?, number(&id)?, Form::read(&body));
    let tried = async { book::what_if(&state, store, id, &answer_of(&form)?).await };
    match tried.await {
        Ok(what) => show(&state, &caller, id, Some(Sent { what_if: Some(&what), ..Sent::form(&form) })).await,
        Err(problem) => done::<()>(&state, &caller, id, &form, Err(problem)).await,
    }
}

/// Holds, rejects or reopens a case.
async fn decide(
    State(state): State<AppState>,
    caller: Caller,
    actor: Actor,
    Path(id): Path<String>,
    step: Step,
    body: Bytes,
) -> Result<Response, Problem> {
    let (store, id, form) = (store(&state)?, number(&id)?, Form::read(&body));
    let decided =
        async { book::decide(store, &actor, id, revision(&form)?, step, form.get("reason").unwrap_or("")).await };
    let decided = decided.await;
    done(&state, &caller, id, &form, decided).await
}

async fn release(
    State(state): State<AppState>,
    caller: Caller,
    actor: Actor,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let (store, id, form) = (store(&state)?, number(&id)?, Form::read(&body));
    let released = async { book::release(store, &actor, id, revision(&form)?).await };
    let released = released.await;
    done(&state, &caller, id, &form, released).await
}

async fn request_records(
    State(state): State<AppState>,
    caller: Caller,
    actor: Actor,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let (store, id, form) = (store(&state)?, number(&id)?, Form::read(&body));
    let noted = async {
        let on = form.said("received_on").and_then(dripline::time::strict_date);
        let on = on.ok_or_else(|| Problem::body("received_on", "it is not said when it came", "write the date"))?;
        let by = form.get("asked_by").unwrap_or("");
        book::request_records(store, &actor, id, revision(&form)?, by, ChartDate(on)).await
    };
    let noted = noted.await;
    done(&state, &caller, id, &form, noted).await
}
