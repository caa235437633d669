//! What every route shares.

use std::sync::Arc;

use dripline_reference::Coder;

/// What every route shares. A clone is cheap and sees the same.
#[derive(Clone, Debug)]
pub struct AppState {
    /// Codes charts: formulary, policies and reference tables.
    pub coder: Arc<Coder>,
}

impl AppState {
    /// The state of a service that codes with `coder`.
    #[must_use]
    pub fn new(coder: Coder) -> Self {
        AppState { coder: Arc::new(coder) }
    }
}
