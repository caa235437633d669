//! What each route needs. A route that does not stand here answers nobody once there are accounts.

use axum::http::Method;

use super::role::Permission::{self, Accounts, Code, Export, Read, Release, Settings, Watch, Work};

/// What whoever asks has to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: whether the service runs, and signing in.
    Nothing,
    /// Credentials of whatever role or scope.
    Credentials,
    /// A permission.
    May(Permission),
}

use Needs::{Credentials, May, Nothing};

/// Every route with what it needs, by method and template.
pub const ROUTES: &[(&str, &str, Needs)] = &[
    ("GET", "/health", Nothing),
    ("GET", "/ready", Nothing),
    ("GET", "/metrics", May(Watch)),
    ("GET", "/openapi.json", Credentials),
    ("GET", "/problems/{kind}", Credentials),
    ("POST", "/v1/code", May(Code)),
    ("POST", "/v1/why-not", May(Code)),
    ("POST", "/v1/compare", May(Code)),
    ("GET", "/v1/rules", Credentials),
    ("GET", "/v1/rules/{id}", Credentials),
    // The protocol asks in bodies, and with GET and DELETE about sessions, of which there are none.
    ("GET", "/mcp", May(Code)),
    ("POST", "/mcp", May(Code)),
    ("DELETE", "/mcp", May(Code)),
    ("GET", "/v1/cases", May(Read)),
    ("POST", "/v1/cases", May(Work)),
    ("GET", "/v1/cases/{id}", May(Read)),
    ("GET", "/v1/cases/{id}/versions/{version}", May(Read)),
    ("GET", "/v1/cases/{id}/history", May(Read)),
    ("GET", "/v1/cases/{id}/queries.txt", May(Read)),
    ("POST", "/v1/cases/{id}/answers", May(Work)),
    ("POST", "/v1/cases/{id}/correction", May(Work)),
    ("POST", "/v1/cases/{id}/recode", May(Work)),
    // It changes nothing.
    ("POST", "/v1/cases/{id}/what-if", May(Read)),
    ("POST", "/v1/cases/{id}/hold", May(Work)),
    ("POST", "/v1/cases/{id}/reject", May(Work)),
    ("POST", "/v1/cases/{id}/reopen", May(Work)),
    ("POST", "/v1/cases/{id}/records-request", May(Work)),
    ("POST", "/v1/cases/{id}/release", May(Release)),
    ("GET", "/v1/queue.csv", May(Export)),
    ("GET", "/v1/queue.ndjson", May(Export)),
    // Whoever sets it has to see it.
    ("GET", "/v1/settings", Credentials),
    ("POST", "/v1/settings", May(Settings)),
    ("POST", "/v1/session", Nothing),
    ("GET", "/v1/session", Credentials),
    ("DELETE", "/v1/session", Credentials),
    ("PUT", "/v1/session/password", Credentials),
    ("GET", "/v1/accounts", May(Accounts)),
    ("POST", "/v1/accounts", May(Accounts)),
    ("PATCH", "/v1/accounts/{name}", May(Accounts)),
    ("GET", "/v1/tokens", May(Accounts)),
    ("POST", "/v1/tokens", May(Accounts)),
    ("DELETE", "/v1/tokens/{name}", May(Accounts)),
    ("GET", "/v1/access-events", May(Accounts)),
    // Pages.
    ("GET", "/sign-in", Nothing),
    ("POST", "/sign-in", Nothing),
    ("GET", "/sign-in/oidc", Nothing),
    ("GET", "/sign-in/oidc/return", Nothing),
    ("POST", "/sign-out", Credentials),
    // Style, script and picture: what the page to sign in is made of.
    ("GET", "/page/{file}", Nothing),
    ("GET", "/account", Credentials),
    ("POST", "/account", Credentials),
    ("GET", "/accounts", May(Accounts)),
    ("POST", "/accounts", May(Accounts)),
    ("GET", "/", May(Code)),
    ("POST", "/", May(Code)),
    ("POST", "/page/answer", May(Code)),
    ("POST", "/page/coding.json", May(Code)),
    ("POST", "/page/coding.csv", May(Code)),
    ("POST", "/page/link", May(Code)),
    ("GET", "/support", May(Code)),
    ("POST", "/support", May(Code)),
    ("GET", "/rules", Credentials),
    ("GET", "/rules/{id}", Credentials),
    ("GET", "/queue", May(Read)),
    ("POST", "/queue", May(Work)),
    ("GET", "/queue/new", May(Work)),
    ("POST", "/queue/new", May(Work)),
    ("POST", "/queue/settings", May(Settings)),
    ("GET", "/queue/{id}", May(Read)),
    // A sheet is shown as its form says; nothing is kept of it.
    ("GET", "/queue/{id}/support", May(Read)),
    ("POST", "/queue/{id}/support", May(Read)),
    ("GET", "/queue/{id}/claims/{claim}/support", May(Read)),
    ("POST", "/queue/{id}/claims/{claim}/support", May(Read)),
    ("POST", "/queue/{id}/answers", May(Work)),
    ("POST", "/queue/{id}/correction", May(Work)),
    ("POST", "/queue/{id}/recode", May(Work)),
    ("POST", "/queue/{id}/what-if", May(Read)),
    ("POST", "/queue/{id}/hold", May(Work)),
    ("POST", "/queue/{id}/reject", May(Work)),
    ("POST", "/queue/{id}/reopen", May(Work)),
    ("POST", "/queue/{id}/records-request", May(Work)),
    ("POST", "/queue/{id}/release", May(Release)),
];

/// What a route needs; none for one that does not stand above.
#[must_use]
pub fn needs(method: &Method, route: &str) -> Option<Needs> {
    // HEAD is GET without a body.
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    ROUTES.iter().find(|(m, r, _)| *m == method && *r == route).map(|(_, _, needs)| *needs)
}

/// Whether a method only reads.
pub(crate) fn only_reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
