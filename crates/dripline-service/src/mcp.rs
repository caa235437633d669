//! The Model Context Protocol, over standard input and output and over HTTP. Stateless: a tool's answer depends on
//! its arguments alone, and is the answer of the API, byte for byte.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation, JsonObject,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler, ServiceExt as _};
use serde_json::{Value, json};

use crate::answer::{self, Form, line};
use crate::asked::{Asked, cut};
use crate::problem::Problem;
use crate::rules;
use crate::state::AppState;

const INSTRUCTIONS: &str = "dripline codes drug administration charts by fixed rules: infusions, injections, hydration, \
    vaccines and the drugs themselves. It decides nothing about care and never says what to chart. A chart is JSON, or \
    text as it is typed: a line `office 2026-01-05` or `facility 2026-01-05`, then a line for each drug given, as \
    `Zofran 4 mg IV push 10:00` or `NS 1 L hydration 10:05-12:10 for dehydration`. Send no patient's name, birth date or \
    number.";

/// The tools.
#[derive(Clone, Debug)]
pub struct Mcp {
    state: AppState,
}

impl Mcp {
    /// The tools of a service.
    #[must_use]
    pub fn new(state: AppState) -> Self {
        Mcp { state }
    }

    /// Answers on standard input and output until the input ends.
    ///
    /// # Errors
    /// The input does not begin as the protocol wants, or cannot be read.
    pub async fn stdio(self) -> Result<(), String> {
        let running = self.serve(rmcp::transport::stdio()).await.map_err(|e| match e {
            rmcp::service::ServerInitializeError::ConnectionClosed(_) => "the input ended before it began".to_owned(),
            // Its text may repeat what was sent.
            _ => "the input does not begin as the Model Context Protocol wants: initialize comes first".to_owned(),
        })?;
        running.waiting().await.map(drop).map_err(|_| "the program broke off".to_owned())
    }

    async fn call(&self, name: &str, mut arguments: JsonObject) -> Result<String, Problem> {
        let coder = &self.state.coder;
        let known: &[&str] = match name {
            "code_chart" => &["chart", "profile", "set", "alternatives", "drug_lines"],
            "why_not" => &["chart", "code", "profile", "set"],
            "compare" => &["chart", "with", "profile", "set", "drug_lines"],
            "explain_rule" => &["id"],
            _ => &[],
        };
        if let Some(unknown) = arguments.keys().find(|k| !known.contains(&k.as_str())) {
            let help = match dripline_formats::near::nearest(unknown, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            return Err(Problem::parameter(unknown, format!("`{}` is not an argument of {name}", cut(unknown)), help));
        }
        match name {
            "list_rules" => return Ok(rules::list()),
            "explain_rule" => {
                let Some(Value::String(id)) = arguments.remove("id") else {
                    return Err(Problem::parameter("id", "the rule is not named", "list_rules names them all"));
                };
                return rules::page(&id);
            }
            _ => {}
        }
        let (text, form) = match arguments.remove("chart") {
            Some(Value::String(text)) => (text, Form::Text),
            Some(chart @ Value::Object(_)) => (chart.to_string(), Form::Json),
            _ => {
                let help = "give a case as an object, or worksheet text";
                return Err(Problem::parameter("chart", "the chart is missing", help));
            }
        };
        let mut asked = Asked::default();
        for (name, value) in &arguments {
            match value {
                Value::Object(switches) if name == "set" => {
                    for (switch, value) in switches {
                        asked.take("set", &format!("{switch}={}", switch_value(value)), coder)?;
                    }
                }
                Value::String(value) => asked.take(name, value, coder)?,
                Value::Bool(value) => asked.take(name, &value.to_string(), coder)?,
                _ => {
                    return Err(Problem::parameter(
                        name,
                        "an argument of another kind is wanted",
                        "see the tool's schema",
                    ));
                }
            }
        }
        let size = text.len();
        let state = &self.state;
        let answer = match name {
            "code_chart" => {
                state.run(size, move |coder| answer::code(coder, text.as_bytes(), form, &asked.options)).await
            }
            "why_not" => {
                let code = asked.code()?;
                state.run(size, move |coder| answer::why_not(coder, text.as_bytes(), form, &code, &asked.options)).await
            }
            _ => {
                let with = asked.with()?;
                state.run(size, move |coder| answer::compare(coder, text.as_bytes(), form, &with, &asked.options)).await
            }
        };
        self.state.metrics.case(answer.is_ok());
        answer
    }
}

/// A switch's value as it is written in text.
fn switch_value(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        Value::Array(words) => words.iter().map(switch_value).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

impl ServerHandler for Mcp {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build());
        info.server_info = Implementation::new("dripline", dripline::VERSION);
        info.instructions = Some(format!("{INSTRUCTIONS} {}", dripline::NOTICE));
        info
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools().into_iter().find(|t| t.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if self.get_tool(&request.name).is_none() {
            return Err(ErrorData::invalid_params("there is no such tool; tools/list names them", None));
        }
        let result = match self.call(&request.name, request.arguments.unwrap_or_default()).await {
            Ok(answer) => CallToolResult::success(vec![ContentBlock::text(answer)]),
            Err(problem) => CallToolResult::error(vec![ContentBlock::text(line(&problem))]),
        };
        Ok(result.into())
    }
}

/// The tools, with what they take.
fn tools() -> Vec<Tool> {
    let chart = json!({
        "description": "A case as JSON, or worksheet text: a header line, then a line for each drug given.",
        "anyOf": [{ "type": "object" }, { "type": "string" }],
    });
    let profile = json!({ "type": "string", "description": "Policy to code by, as cpt or medicare." });
    let set = json!({
        "type": "object",
        "description": "Policy switches that win over everything else, as {\"hydration_sum\": \"per_interval\"}.",
    });
    let drug_lines =
        json!({ "type": "boolean", "description": "Whether drug lines are worked out; true if not said." });
    let tool = |name: &'static str, title: &str, about: &'static str, properties: Value, required: &[&str]| {
        let schema = json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        let Value::Object(schema) = schema else { unreachable!("an object was written") };
        let hints = ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false);
        Tool::new(name, about, Arc::new(schema)).with_title(title).with_annotations(hints)
    };
    vec![
        tool(
            "code_chart",
            "Code a chart",
            "Codes one chart: administration codes, drug codes, what earns nothing and why, what to ask, and the minutes \
             and rules behind each line. Give every assumption and query on as it stands.",
            json!({
                "chart": chart, "profile": profile, "set": set, "drug_lines": drug_lines,
                "alternatives": { "type": "boolean", "description": "Whether other readings are tried; true if not said." },
            }),
            &["chart"],
        ),
        tool(
            "why_not",
            "Why not this code",
            "Why a chart does not earn a code, nearest obstacle first, or by which line it does. It tells what the chart \
             shows and what the rule needs, never what to chart.",
            json!({
                "chart": chart, "profile": profile, "set": set,
                "code": { "type": "string", "description": "A CPT or HCPCS code, as 96376." },
            }),
            &["chart", "code"],
        ),
        tool(
            "compare",
            "Compare",
            "A chart beside itself under another policy, setting or date, or beside what was billed.",
            json!({
                "chart": chart, "profile": profile, "set": set, "drug_lines": drug_lines,
                "with": { "type": "string", "description": "profile=NAME, setting=office, setting=facility, as_of=DATE or billed." },
            }),
            &["chart", "with"],
        ),
        tool(
            "explain_rule",
            "Explain a rule",
            "The page of a rule: what it says, why, who says so and how well that is proved, with worked cases.",
            json!({ "id": { "type": "string", "description": "The rule's id, as it stands in a coding." } }),
            &["id"],
        ),
        tool(
            "list_rules",
            "List the rules",
            "Every rule with its label, setting, dates and authority.",
            json!({}),
            &[],
        ),
    ]
}

/// The protocol over HTTP: each request is answered on its own.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    let mcp = Mcp::new(state.clone());
    // Who may ask, and for how long, is decided before.
    let config = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(state.limits.body);
    let service = StreamableHttpService::new(move || Ok(mcp.clone()), Arc::new(NeverSessionManager::default()), config);
    Router::new().route_service("/mcp", service).layer(map_response(async |mut answer: Response| {
        // What the protocol's library refuses is told in plain text, and not said to be.
        if answer.status().is_client_error() {
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            answer.headers_mut().entry(header::CONTENT_TYPE).or_insert(plain);
        }
        answer
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_takes_what_its_schema_names() {
        for tool in tools() {
            let properties = tool.input_schema["properties"].as_object().unwrap();
            for required in tool.input_schema["required"].as_array().unwrap() {
                assert!(properties.contains_key(required.as_str().unwrap()), "{}", tool.name);
            }
        }
    }
}
