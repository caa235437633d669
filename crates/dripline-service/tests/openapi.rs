//! The description of the API, and whether it is true. That each answer of the tests is one of those described is
//! asserted where they are asked for.

mod common;

use axum::http::Method;
use common::{CASE, JSON, LINES, Service, post, request};
use serde_json::{Value, json};

#[tokio::test]
async fn every_route_that_is_described_is_there_and_knows_no_other_method() {
    let service = Service::new().await;
    assert_eq!(service.document["openapi"], "3.1.0");
    let paths = service.document["paths"].as_object().unwrap();
    for (template, operations) in paths {
        let path = template.replace("{id}", "push-definition").replace("{kind}", "case").replace("{name}", "anna");
        let described: Vec<Method> =
            operations.as_object().unwrap().keys().map(|m| m.to_ascii_uppercase().parse().unwrap()).collect();
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = service.begin(request(method.clone(), &path).body(axum::body::Body::empty()).unwrap()).await;
            let known = !matches!(answer.status().as_u16(), 404 | 405);
            assert_eq!(known, described.contains(&method), "{method} {path}: {}", answer.status());
        }
    }
    // What this version promises.
    let routes = [
        "/v1/code",
        "/v1/why-not",
        "/v1/compare",
        "/v1/rules",
        "/v1/rules/{id}",
        "/health",
        "/ready",
        "/metrics",
        "/openapi.json",
        "/mcp",
    ];
    for route in routes {
        assert!(paths.contains_key(route), "{route}");
    }
}

#[tokio::test]
async fn every_reference_resolves_and_every_schema_is_one() {
    let service = Service::new().await;
    let mut references = Vec::new();
    find(&service.document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        assert!(service.document.pointer(&reference[1..]).is_some(), "{reference}");
    }
    for (name, schema) in service.document["components"]["schemas"].as_object().unwrap() {
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    let mut ids = Vec::new();
    for operations in service.document["paths"].as_object().unwrap().values() {
        ids.extend(operations.as_object().unwrap().values().map(|o| o["operationId"].as_str().unwrap()));
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "each operation has a name of its own");
}

#[tokio::test]
async fn bodies_are_described_as_they_are_read() {
    let service = Service::new().await;
    let body = service.document["paths"]["/v1/code"]["post"]["requestBody"]["content"].clone();
    let schema = body[JSON]["schema"].clone();
    service.is_valid(&schema, &serde_json::from_str(CASE).unwrap());
    let wrong = json!({ "setting": "ofice" });
    let all = json!({ "allOf": [schema], "components": service.document["components"] });
    assert!(!jsonschema::draft202012::is_valid(&all, &wrong));
    assert_eq!(service.ask(post("/v1/code", JSON, wrong.to_string())).await.status, 422);
    assert!(body[LINES].is_object());
}

fn find<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(reference) if key == "$ref" => references.push(reference),
                    _ => find(value, references),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| find(item, references)),
        _ => {}
    }
}
