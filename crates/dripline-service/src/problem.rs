//! What went wrong, as problem details (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dripline_formats::error::{ReadError, shortened};
use dripline_formats::json;
use schemars::JsonSchema;
use serde::Serialize;

use crate::store::StoreError;

/// The content type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

macro_rules! kinds {
    ($($kind:ident $slug:literal $status:ident $title:literal $about:literal)*) => {
        /// What kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = $title] $kind,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Kind] = &[$(Kind::$kind),*];

            /// Its name in addresses.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self { $(Kind::$kind => $slug),* }
            }

            /// The status that goes with it.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Kind::$kind => StatusCode::$status),* }
            }

            pub(crate) fn address(self) -> &'static str {
                match self { $(Kind::$kind => concat!("/problems/", $slug)),* }
            }

            pub(crate) fn title(self) -> &'static str {
                match self { $(Kind::$kind => $title),* }
            }

            /// What it means and what to do, for whoever looks it up.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Kind::$kind => concat!($title, "\n\n", $about, "\n")),* }
            }
        }
    };
}

kinds! {
    Case "case" UNPROCESSABLE_ENTITY "The case cannot be used."
        "The body holds a case that cannot be read or that contradicts itself. `path` names the key, `line` and `column` the place in the body, `help` what would mend it. Nothing was coded."
    ManyCases "many-cases" UNPROCESSABLE_ENTITY "The body holds more than one case."
        "An answer of one object is for one case. For several, send them to /v1/code and ask for application/x-ndjson in the Accept header: one line is answered for each."
    Parameter "parameter" BAD_REQUEST "The query of the address is wrong."
        "A parameter is not known, has no such value, is given twice or is missing. `path` names it."
    Request "request" BAD_REQUEST "The request cannot be read."
        "The body broke off, or a header is not what HTTP allows."
    Foreign "foreign" FORBIDDEN "The request comes from elsewhere."
        "The Host of a request, and its Origin if there is one, must be a name of the service: for one that answers this machine alone localhost, 127.0.0.1 or [::1]; for one behind a proxy the proxy's name. This keeps out pages of other sites, and names that were made to lead here."
    Unauthenticated "unauthenticated" UNAUTHORIZED "Nobody is signed in."
        "The route needs credentials: the cookie of a session, from /sign-in or POST /v1/session, or a token as `Authorization: Bearer TOKEN`. Those that were sent, if any, are not known, have run out or were ended. The answer is the same for a wrong name and a wrong password."
    Forbidden "forbidden" FORBIDDEN "The role or the scope does not go so far."
        "Whoever asks is known, and may not do this. `detail` names the permission that is needed; an administrator gives roles to accounts and scopes to tokens."
    Csrf "csrf" FORBIDDEN "The request does not come from a page of the service."
        "A request with the cookie of a session that changes something must carry the Origin of the service itself, as browsers send it from its own pages. A program sends a token instead of a cookie."
    Access "access" UNPROCESSABLE_ENTITY "The account or the token cannot be so."
        "A name, a role, a scope, a time or a password is not one that can be taken. `path` names it. Nothing that was sent is repeated."
    Taken "taken" CONFLICT "It stands against what there is."
        "The name is taken, or no administrator would be left."
    Locked "locked" TOO_MANY_REQUESTS "Too many wrong passwords."
        "The account, or the address, has to wait as many seconds as the Retry-After header names. Nothing that is tried before counts, and the wait has an end."
    Provider "provider" BAD_GATEWAY "The provider of OpenID Connect cannot be used."
        "Signing in through it does not work at the moment. `detail` says where it fails; the log has the same."
    NotFound "not-found" NOT_FOUND "There is no such thing."
        "The address, or the rule that it names, does not exist."
    Method "method" METHOD_NOT_ALLOWED "The route does not know this method."
        "The Allow header says which it knows."
    ContentType "content-type" UNSUPPORTED_MEDIA_TYPE "The body is of a type that is not read here."
        "Send application/json for one case, text/plain for worksheet text, or application/x-ndjson to /v1/code for many cases, one a line. A body is never compressed."
    TooLarge "too-large" PAYLOAD_TOO_LARGE "The body is too large."
        "A body that is answered as a whole has a limit, which `detail` names. For many cases, send application/x-ndjson to /v1/code."
    TooSlow "too-slow" REQUEST_TIMEOUT "The request took too long."
        "The body was not complete, or the answer not ready, in the time that a request may take."
    Body "body" UNPROCESSABLE_ENTITY "The body cannot be used."
        "A key is missing, unknown or holds what cannot stand there. `path` names it, `help` what would mend it. Nothing was changed."
    KeyReused "key-reused" UNPROCESSABLE_ENTITY "The idempotency key belongs to another case."
        "A key names one case for ever. Send a case with a key of its own; to send one again, send the very same bytes to the same address."
    Precondition "precondition" PRECONDITION_REQUIRED "A header that is needed is missing."
        "A change of a case names what its caller saw: send the case's ETag back as If-Match. A new case names itself: send idempotency-key."
    Stale "stale" PRECONDITION_FAILED "The case was changed since it was read."
        "Read it again, see what changed, and send the change with its new ETag. Nothing was changed by this request."
    NotNow "not-now" CONFLICT "The case does not allow this as it stands."
        "Only a case that is ready can be released; what was released or rejected is not held. `detail` says what stands against it."
    NoStore "no-store" NOT_IMPLEMENTED "Nothing is kept here."
        "The service was started without a store. Start it with --store and a file, or the address of a database."
    Store "store" SERVICE_UNAVAILABLE "The store cannot be used."
        "The database did not answer, or refused. Nothing was kept; try again after the seconds that the Retry-After header names. The log names the database's own code under the request's id."
    Busy "busy" SERVICE_UNAVAILABLE "The service is busy."
        "As many requests as it takes at a time are under way. Try again after the seconds that the Retry-After header names."
    Failed "failed" INTERNAL_SERVER_ERROR "The service made a mistake."
        "It is a defect of the program, not of the request. Report it with the request id; the log names the place in the program under the same id."
}

/// What went wrong: a problem detail.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// Address of what is told about problems of this kind.
    #[serde(rename = "type")]
    address: &'static str,
    /// The kind of problem in one sentence.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What is wrong here.
    detail: String,
    /// What would mend it.
    #[serde(skip_serializing_if = "String::is_empty")]
    help: String,
    /// Key path in the case, or the parameter.
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    /// Line in the body, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// The case's id, where it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    /// The id of the request, as in the header `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip)]
    kind: Kind,
    /// Seconds after which to try again.
    #[serde(skip)]
    retry: Option<i64>,
}

impl Problem {
    /// A problem of a kind.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<String>, help: impl Into<String>) -> Self {
        Problem {
            address: kind.address(),
            title: kind.title(),
            status: kind.status().as_u16(),
            detail: shortened(detail.into()),
            help: help.into(),
            path: String::new(),
            line: None,
            column: None,
            case: None,
            request_id: None,
            kind,
            retry: matches!(kind, Kind::Busy | Kind::Store).then_some(1),
        }
    }

    /// The same, at a key of what was sent.
    #[must_use]
    pub(crate) fn at(self, path: &str) -> Self {
        Problem { path: path.chars().take(80).collect(), ..self }
    }

    /// The same, of what stands at a key: its path begins so.
    #[must_use]
    pub(crate) fn within(self, above: &str) -> Self {
        let path = format!("{above}{}", self.path);
        self.at(&path)
    }

    /// The same, to be tried again after some seconds.
    #[must_use]
    pub fn retry(self, seconds: i64) -> Self {
        Problem { retry: Some(seconds.max(1)), ..self }
    }

    /// A problem with a parameter of the query.
    #[must_use]
    pub fn parameter(name: &str, detail: impl Into<String>, help: impl Into<String>) -> Self {
        Problem { path: name.chars().take(40).collect(), ..Problem::new(Kind::Parameter, detail, help) }
    }

    /// A problem with a key of a body.
    #[must_use]
    pub fn body(path: &str, detail: impl Into<String>, help: impl Into<String>) -> Self {
        Problem { path: path.chars().take(80).collect(), ..Problem::new(Kind::Body, detail, help) }
    }

    /// A defect of the program.
    #[must_use]
    pub fn failed() -> Self {
        Problem::new(Kind::Failed, "the program broke off", "report it with the request id")
    }

    /// What is wrong here.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// What would mend it.
    pub(crate) fn help(&self) -> &str {
        &self.help
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What a page that tells of it says in its head: the status, and when to come again.
    pub(crate) fn head(&self, mut response: Response) -> Response {
        *response.status_mut() = self.kind.status();
        if let Some(seconds) = self.retry {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// As the answer to the request of this id.
    pub(crate) fn answer(mut self, request_id: &str) -> Response {
        self.request_id = Some(request_id.to_owned());
        let body = format!("{}\n", json::line(&self));
        let mut response = self.head(([(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response());
        if self.kind == Kind::Unauthenticated {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"dripline\""));
        }
        response
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        Problem {
            path: error.path,
            line: error.place.map(|p| p.line),
            column: error.place.map(|p| p.column),
            case: error.case,
            ..Problem::new(Kind::Case, error.message, error.help)
        }
    }
}

/// What the database says may quote what is stored: only its kind is logged.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store did not do it");
        Problem::new(Kind::Store, "the database did not answer, or refused", "try again in a second")
    }
}

/// The body is written by [`guard`](crate::guard), which knows the request's id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
