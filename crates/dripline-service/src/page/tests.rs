use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use dripline::rule::RuleId;
use dripline_formats::json;
use dripline_reference::{Coder, Options};
use std::sync::LazyLock;
use tower::ServiceExt as _;

use crate::state::AppState;

static APP: LazyLock<Router> = LazyLock::new(|| crate::app(AppState::default()));

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn ask(request: Request<Body>) -> Reply {
    let response = APP.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Reply { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn get(path: &str) -> Reply {
    ask(Request::get(path).header(header::HOST, "localhost").body(Body::empty()).unwrap()).await
}

/// A form as a browser posts it from one of our pages.
async fn post(path: &str, fields: &[(&str, &str)]) -> Reply {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(path)
        .header(header::HOST, "localhost:8080")
        .header(header::ORIGIN, "http://localhost:8080")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    ask(request.body(Body::from(body)).unwrap()).await
}

fn value(reply: &Reply) -> serde_json::Value {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    serde_json::from_str(&reply.body).unwrap()
}

/// The words of markup, without its tags.
fn words(markup: &str) -> String {
    let mut out = String::new();
    for piece in markup.split('<') {
        out.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
        out.push(' ');
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ").replace("&#39;", "'")
}

/// What the table of a page would send: the names and values of its fields.
fn fields_of(markup: &str) -> Vec<(String, String)> {
    let attribute = |tag: &str, name: &str| {
        let text = tag.split_once(&format!(" {name}=\""))?.1.split('"').next()?;
        Some(text.replace("&#34;", "\"").replace("&#60;", "<").replace("&amp;", "&"))
    };
    let mut out = Vec::new();
    let mut select = None;
    for piece in markup.split('<') {
        if piece.starts_with("input ") && !piece.contains("type=\"radio\"") && !piece.contains("type=\"checkbox\"") {
            out.extend(attribute(piece, "name").zip(Some(attribute(piece, "value").unwrap_or_default())));
        } else if piece.starts_with("select ") {
            select = attribute(piece, "name");
            out.extend(select.clone().map(|name| (name, String::new())));
        } else if piece.starts_with("option selected")
            && select.is_some()
            && let Some(last) = out.last_mut()
        {
            last.1 = piece.split_once('>').map_or("", |(_, text)| text).to_owned();
        }
    }
    out
}

const TWO: &str = "office 1/5/26\nZofran 4 mg IV push 10:00\nRocephin 1 g IVPB 10:15-10:50\n";

#[tokio::test]
async fn the_page_opens_with_the_question_and_its_answer() {
    let page = get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    let words = words(&page.body);
    assert!(words.contains("96374 ×1 push, initial Zofran 1"), "{words}");
    assert!(words.contains("J2405 ×8"), "{words}");
    assert!(words.contains("no code exists for pushing the same drug again in an office"), "{words}");
    assert!(words.contains("Medicare would not differ."), "{words}");
    assert!(words.contains("Hospital outpatient: adds 96376 ×1."), "{words}");
    assert!(words.contains(dripline::NOTICE) && words.contains("open to this machine only"), "{words}");
    assert!(page.body.contains("<svg") && page.body.contains("data-a=\"2\""));
}

#[tokio::test]
async fn nothing_inline_and_nothing_from_elsewhere() {
    let sheet = post("/support", &[("text", TWO)]).await;
    for page in [get("/").await, get("/rules").await, get("/rules/jw").await, sheet] {
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(!page.body.contains(" style=") && !page.body.contains("<style"));
        for (at, _) in page.body.match_indices("<script") {
            assert!(page.body[at..].starts_with("<script src=\"/page/page.js\" type=\"module\"></script>"));
        }
        for attribute in [" onclick", " onload", " oninput", "javascript:"] {
            assert!(!page.body.contains(attribute), "{attribute}");
        }
        for (at, _) in page.body.match_indices(" src=\"").chain(page.body.match_indices("<link ")) {
            let tag = &page.body[at..at + 120.min(page.body.len() - at)];
            assert!(!tag.split('>').next().unwrap().contains("://"), "{tag}");
        }
        // Without it a browser would not say that a form comes from here, and the guard would refuse it.
        assert_eq!(page.headers[header::REFERRER_POLICY], "same-origin");
    }
}

#[tokio::test]
async fn a_form_without_script_gives_a_whole_page() {
    let page =
        post("/", &[("text", "facility 1/5/26\r\nZofran 4 mg IV push 10:00\r\nZofran 4 mg IV push 10:35")]).await;
    let said = words(&page.body);
    assert!(said.contains("96376 ×1 push, same drug again (facility)"), "{said}");
    assert!(said.contains("Physician office: drops 96376 ×1."), "{said}");
    let page = post("/", &[("text", "office 1/5/26\nZofran 4 mg IV push 25:00")]).await;
    assert!(words(&page.body).contains("There is no answer yet"));
    assert!(page.body.contains("^^^^^"), "the place is pointed at");
    let page = post("/", &[("text", "  ")]).await;
    assert!(words(&page.body).contains("Nothing is charted yet."));
}

#[tokio::test]
async fn markup_in_a_chart_stays_text() {
    let evil = "office 1/5/26 case=\"<script>a</script>\"\n\"<img src=x onerror=y>\" 4 mg IV push 10:00 for \"</textarea><b>\"\n";
    for page in [post("/", &[("text", evil), ("open", "0")]).await, post("/support", &[("text", evil)]).await] {
        assert_eq!(page.status, StatusCode::OK);
        for raw in ["<img src=x", "<script>a", "</textarea><b>"] {
            assert!(!page.body.contains(raw), "{raw}");
        }
    }
    let parts = value(&post("/page/answer", &[("text", evil)]).await);
    for part in ["answer", "drawing", "table", "cases"] {
        assert!(!parts[part].as_str().unwrap().contains("<img src=x"), "{part}");
    }
}

#[tokio::test]
async fn parts_follow_the_text() {
    let parts = value(&post("/page/answer", &[("text", TWO), ("table", "later")]).await);
    assert_eq!(parts["text"], TWO);
    assert_eq!(parts["table"], serde_json::Value::Null);
    assert!(parts["summary"].as_str().unwrap().starts_with("96365 times 1, 96375 times 1."));
    assert!(parts["drawing"].as_str().unwrap().starts_with("<svg"));
    let parts = value(&post("/page/answer", &[("text", "office 1/5/26\nZofran 4 mg IV psh 10:00")]).await);
    assert_eq!(parts["answer"], serde_json::Value::Null);
    assert_eq!(parts["line"], 2);
    assert!(words(parts["problem"].as_str().unwrap()).contains("psh"));
}

#[tokio::test]
async fn the_table_of_the_page_changes_its_text() {
    let page = post("/", &[("text", TWO), ("open", "1")]).await;
    let mut fields = fields_of(&page.body);
    fields.push(("text".to_owned(), TWO.to_owned()));
    let send = |fields: &[(String, String)]| fields.iter().map(|(n, v)| (n.clone(), v.clone())).collect::<Vec<_>>();
    let same = send(&fields);
    let same: Vec<(&str, &str)> = same.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let parts = value(&post("/page/answer", &same).await);
    assert_eq!(parts["text"], TWO, "an untouched table leaves the text alone");
    for (name, typed) in
        [("row.1.stop", "11:50"), ("row.1.indication", "cough"), ("row.2.drug", "Toradol"), ("row.2.route", "IM")]
    {
        fields.iter_mut().find(|f| f.0 == name).unwrap_or_else(|| panic!("{name}")).1 = typed.to_owned();
    }
    let typed = send(&fields);
    let typed: Vec<(&str, &str)> = typed.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let parts = value(&post("/page/answer", &typed).await);
    let text = parts["text"].as_str().unwrap();
    assert!(
        text.contains("office 1/5/26\nZofran 4 mg IV push 10:00\nRocephin 1 g IV infusion 10:15-11:50 for cough\n"),
        "{text}"
    );
    assert!(text.contains("Toradol") && text.contains("IM"), "{text}");
    assert!(parts["summary"].as_str().unwrap().starts_with("96365 times 1, 96366 times 1"), "{}", parts["summary"]);
    // A text that was changed wins over a table that was made from another.
    let mut stale = typed.clone();
    let other = format!("{TWO}Toradol 30 mg IM 11:00\n");
    stale.iter_mut().filter(|f| f.0 == "text").for_each(|f| f.1 = &other);
    let parts = value(&post("/page/answer", &stale).await);
    assert_eq!(parts["text"], other.as_str());
}

#[tokio::test]
async fn a_cell_that_cannot_be_read_says_so_and_the_claim_stays() {
    let fields = [("text", TWO), ("was", TWO), ("row.1.stop", "soon")];
    let parts = value(&post("/page/answer", &fields).await);
    assert_eq!(parts["refused"], true);
    assert_eq!(parts["text"], TWO);
    let table = parts["table"].as_str().unwrap();
    assert!(table.contains("id=\"row-1-stop\" name=\"row.1.stop\" value=\"soon\""), "{table}");
    assert!(table.contains("id=\"row-1-stop-e\""));
    assert!(parts["answer"].as_str().unwrap().contains("96365"));
}

#[tokio::test]
async fn rows_are_taken_out_and_a_new_chart_keeps_its_header() {
    let parts = value(&post("/page/answer", &[("text", TWO), ("do", "remove.0")]).await);
    assert_eq!(parts["text"], "office 1/5/26\nRocephin 1 g IVPB 10:15-10:50\n");
    let parts = value(&post("/page/answer", &[("text", TWO), ("do", "new")]).await);
    assert_eq!(parts["text"], "office 2026-01-05\n");
}

#[tokio::test]
async fn the_reason_is_asked_only_where_the_answer_hangs_on_it() {
    let asked = |page: &Reply| words(&page.body).contains("What was the main reason for the visit?");
    let page = post("/", &[("text", TWO)]).await;
    assert!(asked(&page));
    let question = page.body.split("What was the main reason").nth(1).unwrap().split("</fieldset>").next().unwrap();
    assert!(!question.contains("9636") && !question.contains("9637"), "the choices name no code: {question}");
    let page = post("/", &[("text", TWO), ("reason", "1"), ("do", "reason")]).await;
    assert!(!asked(&page));
    let said = words(&page.body);
    assert!(page.body.contains("* Zofran 4 mg IV push 10:00") && said.contains("96374 ×1"), "{said}");
    assert!(!asked(&get("/").await), "marked");
    assert!(!asked(
        &post("/", &[("text", "office 1/5/26\nZofran 4 mg IV push 10:00\nZofran 4 mg IV push 10:35")]).await
    ));
    assert!(!asked(&post("/", &[("text", &TWO.replace("office", "facility"))]).await));
}

#[tokio::test]
async fn who_pays_is_heard() {
    let text = "facility 1/5/26\nZofran 4 mg IV push 10:00\nNS 1 L hydration 10:10-11:10 for nausea\n";
    let coder = Coder::default();
    let chart = dripline_formats::worksheet::parse_one(text).unwrap().chart;
    let by = |profile: &str| {
        let options = Options { profile: Some(profile.to_owned()), ..Options::default() };
        coder.code(&chart, 1, &[], &options).unwrap().lines
    };
    let differ = by("cpt") != by("medicare");
    let said = words(&post("/", &[("text", text)]).await.body);
    assert_eq!(said.contains("Medicare would not differ."), !differ, "{said}");
    let said = words(&post("/", &[("text", text), ("payer", "medicare")]).await.body);
    assert!(said.contains("policy medicare") && said.contains("Coded by Medicare's policy"), "{said}");
    let own = text.replace("1/5/26", "1/5/26 profile=medicare-palmetto");
    let said = words(&post("/", &[("text", &own), ("payer", "medicare")]).await.body);
    assert!(said.contains("policy medicare-palmetto"), "a policy that the chart names holds: {said}");
}

#[tokio::test]
async fn why_not_is_answered_on_the_page() {
    let said = words(&post("/", &[("text", super::OPENING), ("code", "96376"), ("do", "why")]).await.body);
    assert!(said.contains("is not earned.") && said.contains("The rule needs a hospital outpatient setting"), "{said}");
    let said = words(&post("/", &[("text", super::OPENING), ("code", "96374")]).await.body);
    assert!(said.contains("is earned."), "{said}");
    let said = words(&post("/", &[("text", super::OPENING), ("code", "x<")]).await.body);
    assert!(said.contains("is not a code"), "{said}");
}

#[tokio::test]
async fn what_was_billed_stands_beside_the_claim() {
    assert!(!post("/", &[("text", TWO)]).await.body.contains("Beside what was billed"), "nothing was billed");
    let billed = |lines: &str| format!("{TWO}{lines}");
    let same = billed("billed 96365\nbilled 96375\nbilled J0696 units=4\nbilled J2405 units=4\n");
    let said = words(&post("/", &[("text", &same)]).await.body);
    assert!(said.contains("The claim and what was billed are the same."), "{said}");
    // Too much and too little are told alike.
    let other = billed("billed 96365\nbilled 96375 modifiers=59\nbilled J0696 units=3\nbilled J2405 units=4\n");
    let said = words(&post("/", &[("text", &other)]).await.body);
    assert!(said.contains("3 lines are not the same."), "{said}");
    for row in ["96365 ×1 ×1 96375 ×1 – differs", "96375-59 – ×1 differs", "J0696 ×4 ×3 differs", "J2405 ×4 ×4"]
    {
        assert!(said.contains(row), "{row}: {said}");
    }
}

#[tokio::test]
async fn several_cases_are_shown_one_at_a_time() {
    let text = format!("{TWO}\nfacility 1/6/26 case=second\nToradol 30 mg IM 10:00\n");
    let page = post("/", &[("text", &text), ("show", "2")]).await;
    let said = words(&page.body);
    assert!(said.contains("The text holds 2 cases") && said.contains("96372 ×1"), "{said}");
    let parts = value(&post("/page/answer", &[("text", &text), ("show", "2"), ("do", "remove.0")]).await);
    assert!(parts["text"].as_str().unwrap().contains("Rocephin"), "the other case stays");
}

#[tokio::test]
async fn downloads_are_the_coding() {
    let chart = dripline_formats::worksheet::parse_one(TWO).unwrap();
    let coding = Coder::default().code(&chart.chart, 1, &chart.assumptions, &Options::default()).unwrap();
    let reply = post("/page/coding.json", &[("text", TWO)]).await;
    assert_eq!(reply.body, format!("{}\n", json::pretty(&coding)));
    assert_eq!(reply.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"claim-1.json\"");
    let reply = post("/page/coding.csv", &[("text", TWO)]).await;
    assert_eq!(reply.body, format!("{}{}", dripline_formats::csv::HEADER, dripline_formats::csv::rows(&coding)));
    let reply = post("/page/coding.json", &[("text", "office x")]).await;
    assert!(reply.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"), "the page says why");
}

#[tokio::test]
async fn a_link_holds_the_chart_and_no_id() {
    let text = TWO.replace("office 1/5/26", "office 3/9/26 case=A-77");
    let page = post("/page/link", &[("text", &text)]).await;
    assert!(page.body.contains("http://localhost:8080/#c=") && !page.body.contains("A-77"));
    assert!(words(&page.body).contains("The lines are the same as here."));
}

#[tokio::test]
async fn the_sheet_is_a_draft_until_signed() {
    let draft = post("/support", &[("text", TWO)]).await;
    assert!(draft.body.contains("class=\"watermark\"") && draft.body.contains("/page/sheet.css"));
    let half = post("/support", &[("text", TWO), ("signed_by", "A. Coder"), ("signed_on", "soon")]).await;
    assert!(half.body.contains("class=\"watermark\"") && half.body.contains("Write the date"));
    let signed =
        post("/support", &[("text", TWO), ("signed_by", "A. Coder"), ("signed_on", "2026-01-09"), ("appeal", "yes")])
            .await;
    assert!(
        !signed.body.contains("class=\"watermark\"") && signed.body.contains("Signed off by A. Coder on 2026-01-09")
    );
    assert!(!signed.body.contains("Still to be asked"));
    let early = post("/support", &[("text", TWO), ("signed_by", "A. Coder"), ("signed_on", "2026-01-04")]).await;
    assert!(early.body.contains("class=\"watermark\"") && early.body.contains("signed before the service"));
    assert_eq!(get("/support").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_rule_book_is_read_and_searched() {
    let all = get("/rules").await;
    for rule in RuleId::ALL {
        assert!(all.body.contains(&format!("href=\"/rules/{rule}\"")), "{rule}");
    }
    let some = get("/rules?q=office+push+again").await;
    assert!(some.body.contains("/rules/same-push-again-office") && !some.body.contains("/rules/jw-cap"));
    let page = get("/rules/same-push-again-office").await;
    let said = words(&page.body);
    assert!(said.contains("4 of 4 hold, run just now") && said.contains("Where sources disagree"), "{said}");
    assert!(page.body.contains("name=\"text\" value=\"office 2026-01-05"), "a case opens in the worksheet");
    let missing = get("/rules/same-push-office").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.body.contains("same-push-again-office"));
}

#[tokio::test]
async fn files_are_in_the_binary() {
    for (name, kind) in
        [("page.css", "text/css"), ("page.js", "text/javascript"), ("sheet.css", "text/css"), ("icon.svg", "image/svg")]
    {
        let reply = get(&format!("/page/{name}")).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert!(reply.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with(kind) && reply.body.len() > 100);
    }
    assert_eq!(get("/page/other.js").await.status, StatusCode::NOT_FOUND);
}

/// The parts of the page after a cell of its table was typed into.
async fn typed(text: &str, open: &str, cells: &[(&str, &str)]) -> serde_json::Value {
    let page = post("/", &[("text", text), ("open", open)]).await;
    let mut fields = fields_of(&page.body);
    for (name, cell) in cells {
        fields.iter_mut().find(|f| f.0 == *name).unwrap_or_else(|| panic!("{name}")).1 = (*cell).to_owned();
    }
    fields.retain(|f| f.0 != "text" && f.0 != "was");
    let mut sent: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    sent.extend([("text", text), ("was", text)]);
    value(&post("/page/answer", &sent).await)
}

#[tokio::test]
async fn what_named_a_row_by_its_old_id_names_it_still() {
    let text = "office 1/5/26\n* Zofran 4 mg IV push 10:00\nToradol 30 mg IV push 10:20\n\
                Zofran 4 mg IV push 10:01 same_dose_as=1\n";
    let parts = typed(text, "0", &[("row.0.id", "x1")]).await;
    let text = parts["text"].as_str().unwrap();
    assert!(text.contains("id=x1") && text.contains("same_dose_as=x1") && !text.contains("primary_reason"), "{text}");
    assert!(
        parts["answer"].is_string() && parts["problem"].as_str().unwrap().trim().is_empty(),
        "{}",
        parts["problem"]
    );
}

#[tokio::test]
async fn switches_may_be_set_apart_by_commas() {
    let text = "facility 1/5/26\nZofran 4 mg IV push 10:00\n";
    let parts = typed(text, "", &[("case.policy", "hydration_sum=per_interval, same_push_gap=20")]).await;
    let text = parts["text"].as_str().unwrap();
    assert!(text.contains("policy.hydration_sum=per_interval") && text.contains("policy.same_push_gap=20"), "{text}");
}

#[tokio::test]
async fn a_reason_that_is_charted_is_not_asked_for() {
    let sheet = |star: &str| {
        format!(
            "office 1/5/26\n{star}NS 1 L hydration 9:00-10:30 for dehydration\nZofran 4 mg IV push 10:35\nToradol 30 mg IV push 10:40\n"
        )
    };
    let asks = async |text: String| {
        words(&post("/", &[("text", &text)]).await.body).contains("What was the main reason for the visit?")
    };
    assert!(asks(sheet("")).await);
    assert!(!asks(sheet("* ")).await);
}

#[tokio::test]
async fn comments_outlive_the_table_where_a_text_holds_several_cases() {
    let text =
        "# the first\noffice 1/5/26\nZofran 4 mg IV push 10:00\n\n# the second\noffice 1/6/26\nToradol 30 mg IM 9:00\n";
    let parts = typed(text, "", &[("row.0.start", "10:30")]).await;
    let changed = parts["text"].as_str().unwrap();
    assert!(changed.starts_with("# the first\n# the second\noffice"), "{changed}");
    assert!(changed.contains("10:30") && changed.contains("Toradol"), "{changed}");
}
