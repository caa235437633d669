//! The tools over HTTP: the same answers as the routes.

mod common;

use axum::http::StatusCode;
use common::{CASE, JSON, Service, TEXT, WORKSHEET, get, post};
use serde_json::{Value, json};

#[tokio::test]
async fn a_client_is_told_what_there_is() {
    let service = Service::new().await;
    let hello =
        json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let answer = service.mcp("initialize", hello).await;
    assert_eq!(answer["result"]["serverInfo"]["name"], "dripline");
    assert_eq!(answer["result"]["serverInfo"]["version"], dripline::VERSION);
    assert!(answer["result"]["instructions"].as_str().unwrap().contains("CPT codes © AMA"));
    let tools = service.mcp("tools/list", json!({})).await;
    let tools = tools["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools.iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["code_chart", "why_not", "compare", "explain_rule", "list_rules"]);
    for tool in tools {
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
        jsonschema::draft202012::meta::validate(&tool["inputSchema"]).unwrap();
    }
}

#[tokio::test]
async fn a_tool_gives_what_its_route_gives() {
    let service = Service::new().await;
    let case: Value = serde_json::from_str(CASE).unwrap();
    let pairs = [
        ("code_chart", json!({ "chart": case }), post("/v1/code", JSON, CASE)),
        ("code_chart", json!({ "chart": CASE }), post("/v1/code", JSON, CASE)),
        (
            "code_chart",
            json!({ "chart": WORKSHEET, "alternatives": false, "drug_lines": false }),
            post("/v1/code?alternatives=false&drug_lines=false", TEXT, WORKSHEET),
        ),
        (
            "code_chart",
            json!({ "chart": case, "profile": "medicare", "set": { "ptp_modifier": "add" } }),
            post("/v1/code?profile=medicare&set=ptp_modifier=add", JSON, CASE),
        ),
        ("why_not", json!({ "chart": WORKSHEET, "code": "96376" }), post("/v1/why-not?code=96376", TEXT, WORKSHEET)),
        (
            "compare",
            json!({ "chart": WORKSHEET, "with": "setting=facility" }),
            post("/v1/compare?with=setting=facility", TEXT, WORKSHEET),
        ),
        ("explain_rule", json!({ "id": "hydration-definition" }), get("/v1/rules/hydration-definition")),
        ("list_rules", json!({}), get("/v1/rules")),
    ];
    for (tool, arguments, request) in pairs {
        let answer = service.ask(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(service.tool(tool, arguments).await, (answer.text, false), "{tool}");
    }
}

#[tokio::test]
async fn a_tool_says_what_is_wrong() {
    let service = Service::new().await;
    let wrong = [
        ("code_chart", json!({}), "chart"),
        ("code_chart", json!({ "chart": 7 }), "chart"),
        ("code_chart", json!({ "chart": { "setting": "ofice" } }), "setting"),
        ("code_chart", json!({ "chart": WORKSHEET, "profil": "cpt" }), "profil"),
        ("code_chart", json!({ "chart": WORKSHEET, "profile": 7 }), "profile"),
        ("code_chart", json!({ "chart": WORKSHEET, "set": { "hydration_sum": "both" } }), "set"),
        ("why_not", json!({ "chart": WORKSHEET }), "code"),
        ("why_not", json!({ "chart": WORKSHEET, "code": "x" }), "code"),
        ("compare", json!({ "chart": WORKSHEET, "with": "x" }), "with"),
        ("explain_rule", json!({}), "id"),
        ("list_rules", json!({ "id": "x" }), "id"),
    ];
    for (tool, arguments, path) in wrong {
        let (text, error) = service.tool(tool, arguments.clone()).await;
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert!(error && problem["path"] == path, "{tool} {arguments}: {text}");
        service.is_valid(&json!({ "$ref": "#/components/schemas/Problem" }), &problem);
    }
    let answer = service.mcp("tools/call", json!({ "name": "bill", "arguments": {} })).await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("no such tool"), "{answer}");
}
