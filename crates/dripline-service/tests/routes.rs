//! Each route: what it gives, and what it says when it cannot.

mod common;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use common::{CASE, JSON, LINES, Service, TEXT, WORKSHEET, get, post, request};
use dripline_formats::json;
use dripline_formats::worksheet::parse_one;
use dripline_reference::{Coder, Options};
use serde_json::Value;

fn coded(text: &str, options: &Options) -> String {
    let chart = json::chart_from_str("-", text).unwrap();
    format!("{}\n", json::line(&Coder::default().code(&chart, 1, &[], options).unwrap()))
}

#[tokio::test]
async fn one_case_gives_the_line_of_the_command() {
    let service = Service::new().await;
    let answer = service.ask(post("/v1/code", JSON, CASE)).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, JSON));
    assert_eq!(answer.text, coded(CASE, &Options::default()));
    let bare = Options { alternatives: false, drug_lines: false, ..Options::default() };
    let answer = service.ask(post("/v1/code?alternatives=false&drug_lines=false", JSON, CASE)).await;
    assert_eq!(answer.text, coded(CASE, &bare));
    // A list of one, and a case over several lines, are one case too.
    let listed = service.ask(post("/v1/code", "application/json; charset=UTF-8", format!("[\n{CASE}\n]"))).await;
    assert_eq!(listed.text, coded(CASE, &Options::default()));
}

#[tokio::test]
async fn worksheet_text_is_read_with_what_it_takes_for_granted() {
    let service = Service::new().await;
    let answer = service.ask(post("/v1/code", TEXT, WORKSHEET)).await;
    let parsed = parse_one(WORKSHEET).unwrap();
    let coding = Coder::default().code(&parsed.chart, 1, &[], &Options::default()).unwrap();
    assert_eq!(answer.text, format!("{}\n", json::line(&coding)));
    let wrong = service.ask(post("/v1/code", TEXT, "office 2026-01-05\nZofran 4 mg IV push x2 q30 10:00\n")).await;
    let (kind, problem) = wrong.problem();
    assert_eq!((kind.as_str(), &problem["line"]), ("case", &Value::from(2)));
}

#[tokio::test]
async fn the_query_s_policy_wins_and_is_told() {
    let service = Service::new().await;
    let own = CASE.replacen('{', r#"{"profile":"cpt","policy":{"hydration_sum":"all"},"#, 1);
    let path = "/v1/code?profile=medicare&set=hydration_sum=per_interval&set=bolus_gap%3D15";
    let coding = service.ask(post(path, JSON, own)).await.json();
    assert_eq!(coding["profile"], "medicare");
    let policy = &coding["rule_set"]["policy"];
    assert_eq!(*policy, serde_json::json!({ "hydration_sum": "per_interval" }));
    let told: Vec<_> = coding["assumptions"].as_array().unwrap().iter().map(|a| a["path"].as_str().unwrap()).collect();
    assert!(told.contains(&"profile") && told.contains(&"policy.hydration_sum"), "{told:?}");
}

#[tokio::test]
async fn why_not_and_compare_give_what_the_command_gives() {
    let service = Service::new().await;
    let answer = service.ask(post("/v1/why-not?code=96376", TEXT, WORKSHEET)).await.json();
    assert_eq!((&answer["code"], &answer["earned"]), (&Value::from("96376"), &Value::from(false)));
    assert_eq!(answer["obstacles"][0]["rules"][0], "facility-only");
    let answer = service.ask(post("/v1/compare?with=setting=facility", TEXT, WORKSHEET)).await.json();
    assert_eq!(answer["with"], "setting=facility");
    let codes: Vec<_> = answer["differences"].as_array().unwrap().iter().map(|d| &d["code"]).collect();
    assert!(codes.contains(&&Value::from("96376")), "{codes:?}");
    let (kind, problem) = service.ask(post("/v1/compare?with=billed", JSON, CASE)).await.problem();
    assert_eq!((kind.as_str(), &problem["path"]), ("case", &Value::from("billed")));
}

#[tokio::test]
async fn every_rule_has_its_page() {
    let service = Service::new().await;
    let list = service.ask(get("/v1/rules")).await.json();
    let rules = list["rules"].as_array().unwrap();
    assert_eq!(rules.len(), dripline::rule::RuleId::ALL.len());
    for rule in rules {
        let page = service.ask(get(&format!("/v1/rules/{}", rule["id"].as_str().unwrap()))).await.json();
        for (key, value) in rule.as_object().unwrap() {
            assert_eq!(&page[key], value);
        }
        assert!(page["notice"].as_str().unwrap().starts_with("CPT codes © AMA"));
    }
    let (kind, problem) = service.ask(get("/v1/rules/push-definitio")).await.problem();
    assert_eq!(kind, "not-found");
    assert!(problem["help"].as_str().unwrap().contains("push-definition"));
}

#[tokio::test]
async fn what_is_wrong_is_told_by_key_path() {
    let service = Service::new().await;
    let bodies = [
        (r#"{"setting":"ofice"}"#, "setting", "did you mean `office`?"),
        (
            r#"{"setting":"office","administrations":[{"drug":"Zofran","doze":"4 mg"}]}"#,
            "administrations[0].doze",
            "did you mean `dose`?",
        ),
        (r#"{"setting":"office","setting":"office"}"#, "setting", "keep one of the two"),
        (
            r#"{"setting":"office","policy":{"hydration_sum":"both"},"administrations":[{"drug":"Zofran","date":"2026-01-05"}]}"#,
            "policy.hydration_sum",
            "",
        ),
        (r#"{"setting":"office","administrations":["#, "administrations", "close it with ]"),
    ];
    for (body, path, help) in bodies {
        let answer = service.ask(post("/v1/code", JSON, body)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let (kind, problem) = answer.problem();
        assert_eq!((kind.as_str(), problem["path"].as_str().unwrap_or("")), ("case", path), "{problem}");
        assert!(problem["help"].as_str().unwrap_or("").contains(help), "{problem}");
        // The page of the kind is at its address.
        let page = service.ask(get(problem["type"].as_str().unwrap())).await;
        assert!(page.status.is_success() && page.text.starts_with(problem["title"].as_str().unwrap()));
    }
    for (body, kind) in [("", "case"), ("  \n", "case"), ("setting: office", "case"), ("[]", "case")] {
        assert_eq!(service.ask(post("/v1/code", JSON, body)).await.problem().0, kind, "{body:?}");
    }
    for two in [format!("{CASE}\n{CASE}"), format!("[{CASE},{CASE}]")] {
        assert_eq!(service.ask(post("/v1/code", JSON, two)).await.problem().0, "many-cases");
    }
    let two_sheets = format!("{WORKSHEET}\n{WORKSHEET}");
    assert_eq!(service.ask(post("/v1/code", TEXT, two_sheets)).await.problem().0, "many-cases");
}

#[tokio::test]
async fn a_value_in_a_problem_is_shortened() {
    let service = Service::new().await;
    let long = "x".repeat(5000);
    let answer = service.ask(post("/v1/code", JSON, format!(r#"{{"setting":"{long}"}}"#))).await;
    assert!(answer.text.len() < 600, "{}", answer.text);
    let answer = service.ask(post(&format!("/v1/why-not?code={long}"), JSON, CASE)).await;
    assert_eq!(answer.problem().1["path"], "code");
    assert!(answer.text.len() < 600, "{}", answer.text);
    let answer = service.ask(get(&format!("/v1/rules/{long}"))).await;
    assert!(answer.status == 404 && answer.text.len() < 600, "{}", answer.text);
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let service = Service::new().await;
    let paths = [
        ("/v1/code?profil=medicare", "profil"),
        ("/v1/code?profile=medicar", "profile"),
        ("/v1/code?profile=cpt&profile=cpt", "profile"),
        ("/v1/code?alternatives=no", "alternatives"),
        ("/v1/code?set=hydration_sum", "set"),
        ("/v1/code?set=hydration_sum=both", "set"),
        ("/v1/code?set=no_such_switch=1", "set"),
        ("/v1/why-not", "code"),
        ("/v1/why-not?code=Zofran", "code"),
        ("/v1/compare", "with"),
        ("/v1/compare?with=setting=ofice", "with"),
        ("/v1/compare?with=profile=medicar", "with"),
        ("/v1/compare?with=billed&alternatives=true", "alternatives"),
    ];
    for (path, name) in paths {
        let answer = service.ask(post(path, JSON, CASE)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(answer.problem().1["path"], name, "{path}");
    }
    assert_eq!(service.ask(get("/v1/rules?x=1")).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn other_methods_types_and_addresses_are_refused() {
    let service = Service::new().await;
    let answer = service.ask(get("/v1/code")).await;
    assert_eq!((answer.status, answer.problem().0.as_str()), (StatusCode::METHOD_NOT_ALLOWED, "method"));
    assert_eq!(answer.header("allow"), "POST");
    assert_eq!(service.ask(post("/v1/rules", JSON, CASE)).await.problem().0, "method");
    for wrong in
        ["application/x-www-form-urlencoded", "application/fhir+json", "text/html", "text/plain; charset=latin1", ""]
    {
        assert_eq!(service.ask(post("/v1/code", wrong, CASE)).await.problem().0, "content-type", "{wrong}");
    }
    assert_eq!(service.ask(post("/v1/why-not?code=96376", LINES, CASE)).await.problem().0, "content-type");
    let packed =
        request(Method::POST, "/v1/code").header(header::CONTENT_TYPE, JSON).header(header::CONTENT_ENCODING, "gzip");
    assert_eq!(service.ask(packed.body(Body::from("x")).unwrap()).await.problem().0, "content-type");
    for path in ["/v1", "/v1/code/", "/v2/code", "/problems/none", "/.env"] {
        assert_eq!(service.ask(get(path)).await.problem().0, "not-found", "{path}");
    }
}

#[tokio::test]
async fn health_names_the_version_and_ready_the_state() {
    let service = Service::new().await;
    let health = service.ask(get("/health")).await.json();
    assert_eq!((&health["status"], &health["version"]), (&Value::from("ok"), &Value::from(dripline::VERSION)));
    assert_eq!(service.ask(get("/ready")).await.json()["status"], "ready");
    let state = dripline_service::AppState::default();
    state.stop();
    let stopping = tower::ServiceExt::oneshot(dripline_service::app(state), get("/ready")).await.unwrap();
    assert_eq!(stopping.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn metrics_count_requests_and_cases() {
    let service = Service::new().await;
    let count = |text: &str, line: &str| -> u64 {
        text.lines().find_map(|l| l.strip_prefix(line)).map_or(0, |n| n.trim().parse().unwrap())
    };
    service.ask(post("/v1/code", JSON, CASE)).await;
    service.ask(post("/v1/code", JSON, "{}")).await;
    service.ask(post("/v1/code", LINES, format!("{CASE}\n{{}}\n{CASE}\n"))).await;
    service.ask(get("/v1/rules/zofran-is-not-a-rule")).await;
    let answer = service.ask(get("/metrics")).await;
    let text = &answer.text;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    assert_eq!(count(text, r#"dripline_http_requests_total{route="/v1/code",method="POST",status="200"}"#), 2);
    assert_eq!(count(text, r#"dripline_http_requests_total{route="/v1/code",method="POST",status="422"}"#), 1);
    assert_eq!(count(text, r#"dripline_http_requests_total{route="/v1/rules/{id}",method="GET",status="404"}"#), 1);
    assert_eq!(count(text, r#"dripline_http_request_duration_seconds_count{route="/v1/code"}"#), 3);
    assert_eq!(count(text, r#"dripline_cases_total{outcome="coded"}"#), 3);
    assert_eq!(count(text, r#"dripline_cases_total{outcome="refused"}"#), 2);
    assert_eq!(count(text, "dripline_http_requests_under_way"), 1);
    assert!(text.ends_with("# EOF\n") && !text.contains("zofran"));
}
