//! What an office sees in a browser: the worksheet page, the support sheet and the rule book.
//!
//! Every page is whole without script: a form is posted and a page comes back. With script the same form is posted as
//! one types, and the parts of the page that changed come back as JSON. A page loads its own style and script and
//! nothing else, from nowhere else.

mod book;
pub(crate) mod form;
mod kept;
mod queue;
mod share;
mod table;
mod view;

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Response as HttpResponse, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use dripline::chart::{Chart, Setting};
use dripline::code::Code;
use dripline::coding::Coding;
use dripline::rule::RuleId;
use dripline_formats::error::ReadError;
use dripline_formats::input::{Case, Cases};
use dripline_formats::support::{self, Print, Sheet};
use dripline_formats::{csv, json, near, svg};
use dripline_reference::{Coder, Options};
use serde::Deserialize;

use crate::access::Caller;
use crate::problem::Problem;
use crate::state::AppState;

use form::Form;
use table::{Refused, Table};
use view::{AnswerView, Ask, WhyNotView};

/// The question with which the page opens: the same drug pushed twice in an office.
const OPENING: &str = "office 1/5/26\n* Zofran 4 mg IV push 10:00\nZofran 4 mg IV push 10:35\n";

/// Most bytes that a page sends: a chart of thousands of lines with its table.
const MOST: usize = 8 << 20;

pub(crate) const NOTICE: &str = dripline::NOTICE;
pub(crate) const VERSION: &str = dripline::VERSION;

/// Every route of the pages.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(opening).post(whole))
        .route("/page/answer", post(parts))
        .route("/page/coding.json", post(download_json))
        .route("/page/coding.csv", post(download_csv))
        .route("/page/link", post(link))
        .route("/page/{file}", get(file))
        .route("/support", get(|| async { Redirect::to("/") }).post(support_sheet))
        .route("/rules", get(rule_list))
        .route("/rules/{id}", get(rule_page))
        .layer(DefaultBodyLimit::max(MOST))
        .merge(queue::routes())
}

/// A part of a page in markup.
fn render(template: &impl Template) -> Result<String, Problem> {
    template.render().map_err(|_| Problem::failed())
}

/// A page. A form of it must say where it comes from, or the guard cannot tell it from a foreign one.
pub(crate) fn page(template: &impl Template) -> Result<Response, Problem> {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    ];
    let mut response = headers.into_response();
    response.extensions_mut().insert(Page(render(template)?));
    Ok(response)
}

/// A page in markup. Its body is written by [`access`](crate::access), which knows who looks at it.
#[derive(Clone)]
pub(crate) struct Page(String);

/// Where the layout tells who is signed in, and from where the service may be asked. Text of anybody stands in a page
/// without `<`, so it cannot hold one of these, nor what is left out for those who may not.
pub(crate) const WHO: &str = "<!--who-->";
pub(crate) const REACH: &str = "<!--reach-->";

#[derive(Template)]
#[template(path = "who.html")]
struct WhoPart<'a> {
    caller: &'a Caller,
}

impl Page {
    /// The page as someone sees it.
    pub fn seen_by(self, caller: &Caller) -> String {
        let who = WhoPart { caller }.render().unwrap_or_default();
        let reach = match caller {
            Caller::Machine => "Every route of this service is open to this machine only.",
            _ => "This service answers those who are signed in.",
        };
        offered(&self.0.replacen(WHO, who.trim(), 1).replacen(REACH, reach, 1), caller)
    }
}

/// With what begins a part of a page that leads somewhere, `<!--may GET /queue-->`, or stands in its stead where it may
/// not, `<!--may not GET /queue-->`; and with what it ends. One such part holds no other.
const MAY: &str = "<!--may ";
const END: &str = "<!--end-->";

/// A page with what its viewer may open, and without what the guard would refuse them.
fn offered(page: &str, caller: &Caller) -> String {
    let mut parts = page.split(MAY);
    let mut shown = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let (condition, rest) = part.split_once("-->").unwrap_or(("", part));
        let (inside, after) = rest.split_once(END).unwrap_or((rest, ""));
        let (asked, wanted) = condition.strip_prefix("not ").map_or((condition, true), |rest| (rest, false));
        let (method, route) = asked.split_once(' ').unwrap_or_default();
        if caller.may_ask(method, route) == wanted {
            shown.push_str(inside);
        }
        shown.push_str(after);
    }
    shown
}

/// What is wrong with a text.
struct ProblemView {
    message: String,
    place: String,
    picture: String,
    help: String,
    line: usize,
}

impl ProblemView {
    fn of(e: &ReadError) -> Self {
        let path = match e.path.strip_prefix("administrations[").and_then(|rest| rest.split_once(']')) {
            Some((index, key)) => match index.parse::<usize>() {
                Ok(at) => format!("administration {}{}", at + 1, key.replace('.', ", ").replace('_', " ")),
                Err(_) => e.path.clone(),
            },
            None => e.path.replace('_', " "),
        };
        let line = e.place.map(|p| format!("line {}, column {}", p.line, p.column));
        let place = match (path.is_empty(), line) {
            (true, line) => line.unwrap_or_default(),
            (false, _) => path,
        };
        let picture = e
            .excerpt
            .as_ref()
            .map_or(String::new(), |x| format!("{}\n{}{}", x.text, " ".repeat(x.at), "^".repeat(x.length.max(1))));
        ProblemView {
            message: e.message.clone(),
            place,
            picture,
            help: e.help.clone(),
            line: e.place.map_or(0, |p| p.line),
        }
    }

    fn says(message: impl Into<String>) -> Self {
        ProblemView {
            message: message.into(),
            place: String::new(),
            picture: String::new(),
            help: String::new(),
            line: 0,
        }
    }
}

/// The cases of a text; one that cannot be read is told.
fn read(text: &str) -> Result<Vec<Case>, ProblemView> {
    let mut cases = Vec::new();
    let nothing = || ProblemView {
        help: "begin with a line such as: office 1/5/26".to_owned(),
        ..ProblemView::says("Nothing is charted yet.")
    };
    if text.trim().is_empty() {
        return Err(nothing());
    }
    for case in Cases::new("worksheet", text.as_bytes(), 0) {
        cases.push(case.map_err(|e| ProblemView::of(&e))?);
    }
    if cases.is_empty() {
        return Err(nothing());
    }
    Ok(cases)
}

/// A form worked on: what its text came to, what was coded.
struct Worked {
    text: String,
    payer: String,
    code: String,
    /// Which of the text's cases is shown, from 1, and their ids.
    show: usize,
    cases: Vec<(usize, String)>,
    open: Option<usize>,
    problem: Option<ProblemView>,
    refused: Option<Refused>,
    coded: Option<Coded>,
}

struct Coded {
    chart: Chart,
    position: usize,
    coding: Coding,
    options: Options,
}

impl Worked {
    /// Works on what a page sent.
    fn on(form: &Form, coder: &Coder) -> Worked {
        let text = form.text("text").unwrap_or_else(|| OPENING.to_owned());
        let number = |name: &str| form.said(name).and_then(|v| v.parse::<usize>().ok());
        let mut worked = Worked {
            payer: form.said("payer").filter(|p| matches!(*p, "medicare" | "other")).unwrap_or("").to_owned(),
            code: form.said("code").unwrap_or("").chars().take(20).collect(),
            show: number("show").unwrap_or(1),
            cases: Vec::new(),
            open: number("open"),
            problem: None,
            refused: None,
            coded: None,
            text,
        };
        let what = form.said("do").unwrap_or("");
        if let Some(at) = what.strip_prefix("open.") {
            worked.open = at.parse().ok();
        }
        if what == "new" {
            worked.text = fresh(&worked.text);
        }
        let mut cases = match read(&worked.text) {
            Ok(cases) => cases,
            Err(problem) => {
                worked.problem = Some(problem);
                return worked;
            }
        };
        worked.show = worked.show.clamp(1, cases.len());
        let at = worked.show - 1;
        if let Some(chart) = worked.edited(form, what, &cases[at].chart) {
            let old = std::mem::replace(&mut cases[at].chart, chart);
            let mut text: Vec<String> = cases.iter().map(|c| dripline_formats::worksheet::write(&c.chart)).collect();
            if let [_] = text.as_slice() {
                text[0] = table::text_of(&cases[at].chart, &old, &worked.text);
            }
            // Which case a comment belonged to is not known: all stand above.
            let several = text.len() > 1;
            let comments = worked.text.lines().filter(|line| several && line.trim_start().starts_with('#'));
            worked.text = comments.map(|line| format!("{line}\n")).collect::<String>() + &text.join("\n");
            match read(&worked.text) {
                Ok(again) => cases = again,
                Err(problem) => {
                    worked.problem = Some(problem);
                    return worked;
                }
            }
        }
        worked.cases = cases.iter().enumerate().map(|(i, c)| (i + 1, c.id())).collect();
        let case = cases.swap_remove(at.min(cases.len() - 1));
        let mut options = Options::default();
        if worked.payer == "medicare" && case.chart.profile.is_none() {
            options.profile = Some("medicare".to_owned());
        }
        match coder.code(&case.chart, case.position, &case.assumptions, &options) {
            Ok(coding) => {
                worked.coded = Some(Coded { chart: case.chart, position: case.position, coding, options });
            }
            Err(e) => {
                worked.problem = Some(ProblemView::of(&ReadError {
                    case: None,
                    file: String::new(),
                    place: None,
                    path: e.path,
                    message: e.message,
                    help: e.help,
                    excerpt: None,
                }));
            }
        }
        worked
    }

    /// The chart as the table and the buttons of the form change it; none where they do not.
    fn edited(&mut self, form: &Form, what: &str, chart: &Chart) -> Option<Chart> {
        let mut after = chart.clone();
        let mut changed = false;
        // The table holds for the text from which it was made, and for no other.
        if form.text("was").is_some_and(|was| was == self.text) {
            match table::apply(chart, &self.text, form) {
                Ok((edited, any)) => (after, changed) = (edited, any),
                Err(refused) => {
                    self.refused = Some(refused);
                    return None;
                }
            }
        }
        if let Some(at) = what.strip_prefix("remove.").and_then(|at| at.parse().ok()) {
            after = table::without(&after, at);
            (changed, self.open) = (true, None);
        }
        if let Some(reason) = form.said("reason") {
            let known = (0..after.administrations.len()).any(|at| table::id_of(&after, at) == reason);
            if known && after.primary_reason.as_deref() != Some(reason) {
                after.primary_reason = Some(reason.to_owned());
                changed = true;
            }
        }
        changed.then_some(after)
    }

    fn table(&self, form: &Form) -> Table {
        let empty = Chart::default();
        let read = read(&self.text).ok();
        let case = read.as_ref().and_then(|cases| cases.get(self.show - 1));
        let mut table = Table::of(case.map_or(&empty, |c| &c.chart), &self.text, self.open, 1);
        if let Some(refused) = &self.refused {
            table.refused(form, refused);
        }
        table
    }

    fn answer(&self, coder: &Coder) -> Option<AnswerView> {
        let coded = self.coded.as_ref()?;
        let ask =
            Ask { coder, chart: &coded.chart, position: coded.position, options: &coded.options, payer: &self.payer };
        Some(AnswerView::of(&coded.coding, &ask))
    }

    fn drawing(&self) -> String {
        self.coded.as_ref().and_then(|c| svg::time_line(&c.coding, &c.chart, "tl")).unwrap_or_default()
    }

    fn why(&self, coder: &Coder) -> WhyView {
        let mut view = WhyView { answer: None, error: String::new() };
        if let (Some(coded), false) = (&self.coded, self.code.is_empty()) {
            match coder.why_not(&coded.chart, coded.position, &self.code, &coded.options) {
                Ok(answer) => view.answer = Some(WhyNotView::of(&answer, &coded.chart)),
                Err(e) => view.error = format!("{}; {}", e.message, e.help),
            }
        }
        view
    }

    /// A shared chart must give the lines that this one gives.
    fn shares(&self, coder: &Coder) -> Option<(String, bool)> {
        let coded = self.coded.as_ref()?;
        let mut chart = coded.chart.clone();
        if chart.profile.is_none() {
            chart.profile.clone_from(&coded.options.profile);
        }
        let other = share::shared(&chart);
        let plain =
            |c: &Coding| c.lines.iter().map(|l| (l.code.clone(), l.units, l.modifiers.clone())).collect::<Vec<_>>();
        let same = coder
            .code(&other, 1, &[], &Options { alternatives: false, ..Options::default() })
            .is_ok_and(|there| plain(&there) == plain(&coded.coding));
        Some((share::fragment(&chart), same))
    }
}

/// An empty chart under the header of the one before: the same office, the same day.
fn fresh(text: &str) -> String {
    let before = read(text).ok().and_then(|cases| cases.into_iter().next()).map(|c| c.chart);
    let setting = before.as_ref().and_then(|c| c.setting).unwrap_or(Setting::Office);
    let date = before.and_then(|c| c.administrations.iter().find_map(|a| a.start.map(|t| t.civil.date()).or(a.date)));
    match date {
        Some(date) => format!("{setting} {date}\n"),
        None => format!("{setting} \n"),
    }
}

struct WhyView {
    answer: Option<WhyNotView>,
    error: String,
}

#[derive(Template)]
#[template(path = "worksheet.html")]
struct WorksheetPage<'a> {
    worked: &'a Worked,
    table: Table,
    answer: Option<AnswerView>,
    drawing: String,
    why: WhyView,
    codes: Vec<(&'static str, &'static str)>,
    opening: bool,
}

#[derive(Template)]
#[template(path = "answer.html")]
struct AnswerPart {
    answer: Option<AnswerView>,
}

#[derive(Template)]
#[template(path = "table.html")]
struct TablePart {
    table: Table,
}

#[derive(Template)]
#[template(path = "why.html")]
struct WhyPart {
    why: WhyView,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPart<'a> {
    problem: Option<&'a ProblemView>,
}

#[derive(Template)]
#[template(path = "cases.html")]
struct CasesPart<'a> {
    worked: &'a Worked,
}

fn worksheet_page(form: &Form, coder: &Coder, opening: bool) -> Result<Response, Problem> {
    let worked = Worked::on(form, coder);
    page(&WorksheetPage {
        table: worked.table(form),
        answer: worked.answer(coder),
        drawing: worked.drawing(),
        why: worked.why(coder),
        codes: Code::ALL.iter().map(|c| (c.as_str(), c.label())).collect(),
        worked: &worked,
        opening,
    })
}

async fn opening(State(state): State<AppState>) -> Result<Response, Problem> {
    worksheet_page(&Form::default(), &state.coder, true)
}

async fn whole(State(state): State<AppState>, body: Bytes) -> Result<Response, Problem> {
    state.run(body.len(), move |coder| worksheet_page(&Form::read(&body), coder, false)).await
}

/// The parts of the page that a change changes, as JSON.
async fn parts(State(state): State<AppState>, body: Bytes) -> Result<Response, Problem> {
    state
        .run(body.len(), move |coder| {
            let form = Form::read(&body);
            let worked = Worked::on(&form, coder);
            let answer = worked.answer(coder);
            let summary = answer.as_ref().map(|a| a.summary.clone());
            let part = |text: String| serde_json::Value::String(text);
            let refused = worked.refused.is_some();
            let wants_table = form.get("table") != Some("later");
            let value = serde_json::json!({
                "text": worked.text,
                "summary": summary,
                "refused": refused,
                "problem": part(render(&ProblemPart { problem: worked.problem.as_ref() })?),
                "line": worked.problem.as_ref().map(|p| p.line),
                "answer": match answer {
                    Some(answer) => part(render(&AnswerPart { answer: Some(answer) })?),
                    None => serde_json::Value::Null,
                },
                "drawing": part(worked.drawing()),
                "cases": part(render(&CasesPart { worked: &worked })?),
                "why": part(render(&WhyPart { why: worked.why(coder) })?),
                "table": match wants_table {
                    true => part(render(&TablePart { table: worked.table(&form) })?),
                    false => serde_json::Value::Null,
                },
            });
            Ok(([(header::CONTENT_TYPE, "application/json")], json::line(&value)).into_response())
        })
        .await
}

/// A file to keep; where nothing could be coded, the page says why.
async fn download(
    state: AppState,
    body: Bytes,
    content_type: &'static str,
    ending: &'static str,
    write: impl FnOnce(&Coding) -> String + Send + 'static,
) -> Result<Response, Problem> {
    state
        .run(body.len(), move |coder| {
            let form = Form::read(&body);
            let Some(coded) = Worked::on(&form, coder).coded else { return worksheet_page(&form, coder, false) };
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            let name: String = coded.coding.case.chars().filter(|c| plain(*c)).take(40).collect();
            let attachment = format!("attachment; filename=\"claim-{name}.{ending}\"");
            let response = HttpResponse::builder()
                .header(header::CONTENT_TYPE, content_type)
                .header(header::CONTENT_DISPOSITION, attachment)
                .body(write(&coded.coding).into());
            response.map_err(|_| Problem::failed())
        })
        .await
}

async fn download_json(State(state): State<AppState>, body: Bytes) -> Result<Response, Problem> {
    download(state, body, "application/json", "json", |coding| format!("{}\n", json::pretty(coding))).await
}

async fn download_csv(State(state): State<AppState>, body: Bytes) -> Result<Response, Problem> {
    let write = |coding: &Coding| format!("{}{}", csv::HEADER, csv::rows(coding));
    download(state, body, "text/csv; charset=utf-8", "csv", write).await
}

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    address: String,
    same: bool,
}

async fn link(State(state): State<AppState>, uri: Uri, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let as_json = headers.get(header::ACCEPT).is_some_and(|v| v == "application/json");
    let origin = state.access.reach().address(&uri, &headers);
    state
        .run(body.len(), move |coder| {
            let form = Form::read(&body);
            let Some((fragment, same)) = Worked::on(&form, coder).shares(coder) else {
                return worksheet_page(&form, coder, false);
            };
            let address = format!("{origin}/{fragment}");
            if as_json {
                let value = serde_json::json!({ "address": address, "same": same });
                return Ok(([(header::CONTENT_TYPE, "application/json")], json::line(&value)).into_response());
            }
            page(&LinkPage { address, same })
        })
        .await
}

#[derive(Template)]
#[template(path = "support.html")]
struct SupportPage<'a> {
    sheet: String,
    text: &'a str,
    payer: &'a str,
    show: usize,
    appeal: bool,
    signed_by: &'a str,
    signed_on: &'a str,
    error: String,
    signed: bool,
}

async fn support_sheet(State(state): State<AppState>, body: Bytes) -> Result<Response, Problem> {
    state
        .run(body.len(), move |coder| {
            let form = Form::read(&body);
            let worked = Worked::on(&form, coder);
            let Some(coded) = &worked.coded else { return worksheet_page(&form, coder, false) };
            let appeal = form.said("appeal").is_some();
            let (signed, error) = kept::sign_off(&form, &coded.coding);
            let sheet = Sheet {
                coding: &coded.coding,
                chart: &coded.chart,
                print: if appeal { Print::Appeal } else { Print::Office },
                signed: signed.as_ref(),
            };
            page(&SupportPage {
                sheet: support::html(&sheet),
                text: &worked.text,
                payer: &worked.payer,
                show: worked.show,
                appeal,
                signed_by: form.said("signed_by").unwrap_or(""),
                signed_on: form.said("signed_on").unwrap_or(""),
                error,
                signed: signed.is_some(),
            })
        })
        .await
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage<'a> {
    search: &'a str,
    families: Vec<book::Family>,
    found: usize,
    all: usize,
}

async fn rule_list(Query(search): Query<Search>) -> Result<Response, Problem> {
    let families = book::list(&search.q);
    let found = families.iter().map(|f| f.rules.len()).sum();
    page(&RulesPage { search: &search.q, families, found, all: RuleId::ALL.len() })
}

#[derive(Template)]
#[template(path = "rule.html")]
struct RulePage {
    view: book::RulePageView,
}

#[derive(Template)]
#[template(path = "missing.html")]
struct MissingPage<'a> {
    id: &'a str,
    near: Vec<&'static str>,
}

async fn rule_page(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, Problem> {
    match RuleId::from_name(&id) {
        Some(rule) => page(&RulePage { view: book::page(rule, &state.coder) }),
        None => {
            let near = near::near(&id, RuleId::ALL.iter().map(|r| r.as_str()), 5);
            Ok((StatusCode::NOT_FOUND, page(&MissingPage { id: &id, near })?).into_response())
        }
    }
}

/// The pages' own files.
async fn file(Path(name): Path<String>) -> Response {
    let (content_type, body) = match name.as_str() {
        "page.css" => ("text/css; charset=utf-8", include_str!("static/page.css")),
        "page.js" => ("text/javascript; charset=utf-8", include_str!("static/page.js")),
        "sheet.css" => ("text/css; charset=utf-8", support::STYLE),
        "icon.svg" => ("image/svg+xml", include_str!("static/icon.svg")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let kept: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    ([(header::CONTENT_TYPE, HeaderValue::from_static(content_type)), kept], body).into_response()
}

#[cfg(test)]
mod tests;
