//! The project's own table of drugs.

/// The table of drugs.
#[derive(Clone, Debug, Default)]
pub struct Formulary {}

impl Formulary {
    /// The table that the project ships.
    #[must_use]
    pub fn built_in() -> Self {
        Formulary {}
    }
}
