//! Who does something.

use std::convert::Infallible;
use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::state::AppState;

/// Who does something: an account, or whoever uses this machine where there are no accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(String);

impl Actor {
    /// Whoever uses this machine.
    #[must_use]
    pub fn this_machine() -> Self {
        Actor("this machine".to_owned())
    }

    /// An account, by its name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Actor(name.into())
    }

    /// As the history writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom the guard found, from the request's extensions; where it looks for nobody, this machine.
impl FromRequestParts<AppState> for Actor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Actor>().cloned().unwrap_or_else(Actor::this_machine))
    }
}
