//! The description of the API (OpenAPI 3.1). A route is added and described in one call, so that neither stands
//! without the other; shapes come from the types that are read and written.

use std::collections::BTreeMap;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};
use dripline::coding::Addressee;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::access::needs::{Needs, needs};
use crate::problem::{self, Kind, Problem};
use crate::queue::Status;
use crate::queue::filter::ADDRESSEES;
use crate::state::AppState;

/// Content types, each with its schema.
pub(crate) type Content = Vec<(&'static str, Value)>;

/// What is told about a route.
#[derive(Clone, Default)]
pub(crate) struct Operation {
    /// Its name in programs that are made from the description.
    pub id: &'static str,
    /// In one line.
    pub summary: &'static str,
    /// What else there is to know.
    pub about: &'static str,
    /// In the query, or in the path.
    pub parameters: Vec<Value>,
    /// Content types of the body, each with its schema.
    pub takes: Content,
    /// Status of a good answer with its meaning and its content types.
    pub gives: Vec<(u16, &'static str, Content)>,
    /// What may go wrong, besides what may at every route.
    pub problems: &'static [Kind],
}

impl Operation {
    /// A route that takes nothing, gives nothing yet and cannot go wrong of itself.
    pub fn plain(id: &'static str, summary: &'static str) -> Self {
        let (parameters, takes, gives) = (vec![], vec![], vec![]);
        Operation { id, summary, about: "", parameters, takes, gives, problems: &[] }
    }
}

/// What may go wrong at every route.
const ALWAYS: &[Kind] = &[Kind::Foreign, Kind::TooSlow, Kind::Failed, Kind::Busy];

/// Routes with their description.
pub(crate) struct Api {
    router: Router<AppState>,
    paths: BTreeMap<&'static str, Map<String, Value>>,
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Api {
    pub fn new() -> Self {
        let settings = || SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
        Api {
            router: Router::new(),
            paths: BTreeMap::new(),
            read: settings().for_deserialize().into_generator(),
            written: settings().for_serialize().into_generator(),
        }
    }

    /// The schema of what is read.
    pub fn read<T: JsonSchema>(&mut self) -> Value {
        self.read.subschema_for::<T>().to_value()
    }

    /// The schema of what is written.
    pub fn written<T: JsonSchema>(&mut self) -> Value {
        self.written.subschema_for::<T>().to_value()
    }

    /// Adds a route.
    pub fn get<T: 'static>(&mut self, path: &'static str, handler: impl Handler<T, AppState>, what: Operation) {
        self.route(MethodFilter::GET, "get", path, handler, what);
    }

    /// Adds a route.
    pub fn post<T: 'static>(&mut self, path: &'static str, handler: impl Handler<T, AppState>, what: Operation) {
        self.route(MethodFilter::POST, "post", path, handler, what);
    }

    /// Adds a route of whatever method.
    pub fn route<T: 'static>(
        &mut self,
        filter: MethodFilter,
        method: &str,
        path: &'static str,
        handler: impl Handler<T, AppState>,
        what: Operation,
    ) {
        self.router = std::mem::take(&mut self.router).route(path, on(filter, handler));
        self.describe(method, path, what);
    }

    /// Describes a route that is added elsewhere.
    pub fn describe(&mut self, method: &str, path: &'static str, what: Operation) {
        let content = |types: Content| -> Map<String, Value> {
            types.into_iter().map(|(name, schema)| (name.to_owned(), json!({ "schema": schema }))).collect()
        };
        let mut responses = Map::new();
        for (status, description, types) in what.gives {
            responses.insert(status.to_string(), json!({ "description": description, "content": content(types) }));
        }
        let needs = method.to_ascii_uppercase().parse().ok().and_then(|m| needs(&m, path));
        let guarded: &[Kind] = match needs {
            Some(Needs::Nothing) | None => &[],
            Some(_) => &[Kind::Unauthenticated],
        };
        for kind in what.problems.iter().chain(ALWAYS).chain(guarded) {
            let status = kind.status().as_u16();
            let problem = json!({ "$ref": format!("#/components/responses/{status}") });
            responses.entry(status.to_string()).or_insert(problem);
        }
        let mut operation = json!({
            "operationId": what.id,
            "summary": what.summary,
            "description": what.about,
            "parameters": what.parameters,
            "responses": responses,
        });
        operation["security"] = match needs {
            Some(Needs::May(permission)) => json!([{ "token": [permission] }, { "session": [permission] }]),
            Some(Needs::Credentials) => json!([{ "token": [] }, { "session": [] }]),
            Some(Needs::Nothing) | None => json!([]),
        };
        if !what.takes.is_empty() {
            operation["requestBody"] = json!({ "required": true, "content": content(what.takes) });
        }
        self.paths.entry(path).or_default().insert(method.to_owned(), operation);
    }

    /// The routes, and the description of all that were added.
    pub fn finish(mut self) -> (Router<AppState>, Value) {
        let problem = self.written::<Problem>();
        let mut responses = BTreeMap::new();
        for kind in Kind::ALL {
            let described = responses.entry(kind.status().as_u16().to_string()).or_insert_with(
                || json!({ "description": "", "content": { (problem::CONTENT_TYPE): { "schema": problem } } }),
            );
            let before = described["description"].as_str().unwrap_or("");
            let (title, gap) = (kind.title(), if before.is_empty() { "" } else { " " });
            described["description"] = format!("{before}{gap}{title} (`{}`)", kind.address()).into();
        }
        let mut schemas = self.read.take_definitions(true);
        for (name, schema) in self.written.take_definitions(true) {
            if let Some(other) = schemas.get(&name) {
                debug_assert_eq!(other, &schema, "{name} is read otherwise than it is written");
            }
            schemas.insert(name, schema);
        }
        let document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "dripline",
                "version": dripline::VERSION,
                "summary": "From what was charted when drugs were given to what may be billed, with the proof of each line.",
                "description": dripline::NOTICE,
                "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
            },
            "servers": [{ "url": "/" }],
            "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
            "paths": self.paths,
            "components": { "schemas": schemas, "responses": responses, "securitySchemes": {
                "token": {
                    "type": "http", "scheme": "bearer",
                    "description": "A token that an administrator made. Its scope holds the permission that is named. A \
                                    service without accounts answers its own machine and needs no credentials.",
                },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "dripline",
                    "description": "What signing in gave; `__Host-dripline` by https. One of the person's roles gives the \
                                    permission that is named. What changes something carries the service's own Origin.",
                },
            } },
        });
        (self.router, document)
    }
}

/// A parameter of the query.
pub(crate) fn query(name: &str) -> Value {
    let (schema, required, about) = match name {
        "profile" => (
            json!({ "type": "string", "examples": ["medicare"] }),
            false,
            "Policy to code by; wins over the case's own.",
        ),
        "set" => (
            json!({ "type": "array", "items": { "type": "string", "examples": ["hydration_sum=per_interval"] } }),
            false,
            "Sets one policy switch, as switch=value; wins over everything else; may be repeated.",
        ),
        "alternatives" => (
            json!({ "type": "boolean", "default": true }),
            false,
            "Whether other documented readings of the rules are tried.",
        ),
        "drug_lines" => (json!({ "type": "boolean", "default": true }), false, "Whether drug lines are worked out."),
        "code" => (json!({ "type": "string", "examples": ["96376"] }), true, "The code in question."),
        "with" => (
            json!({ "type": "string", "examples": ["setting=facility", "profile=medicare", "as_of=2015-06-01", "billed"] }),
            true,
            "profile=NAME, setting=office, setting=facility, as_of=DATE or billed.",
        ),
        "status" => (
            json!({ "type": "array", "items": { "enum": Status::ALL.map(Status::as_str) } }),
            false,
            "Where the cases stand; may be repeated.",
        ),
        "setting" => (json!({ "enum": ["facility", "office"] }), false, "Who bills."),
        "from" => (json!({ "type": "string", "format": "date" }), false, "The earliest first date of service."),
        "to" => (json!({ "type": "string", "format": "date" }), false, "The latest first date of service."),
        "field" => {
            (json!({ "type": "string", "examples": ["stop"] }), false, "The key that an open question asks for.")
        }
        "addressee" => (json!({ "enum": ADDRESSEES.map(Addressee::as_str) }), false, "Whom an open question goes to."),
        "outdated" => (
            json!({ "type": "boolean" }),
            false,
            "Whether other rules or reference tables run now than those by which the cases were coded.",
        ),
        "case" => (json!({ "type": "string" }), false, "The caller's own id of a case."),
        "after" => (json!({ "type": "integer" }), false, "Cases behind the one of this number."),
        "limit" => {
            (json!({ "type": "integer", "minimum": 1, "maximum": 500, "default": 50 }), false, "At most so many cases.")
        }
        _ => (json!({ "type": "string" }), false, ""),
    };
    json!({ "name": name, "in": "query", "required": required, "description": about, "schema": schema })
}

/// A parameter of the path.
pub(crate) fn path(name: &str, about: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "description": about, "schema": { "type": "string" } })
}

/// A header that is needed.
pub(crate) fn header(name: &str, about: &str) -> Value {
    json!({ "name": name, "in": "header", "required": true, "description": about, "schema": { "type": "string" } })
}
