//! Named policies: dated files that inherit from one another.

use std::fmt;

use dripline::policy::Policy;
use jiff::civil::Date;

/// Why a policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// What is wrong.
    pub message: String,
    /// What would mend it.
    pub help: String,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ProfileError {}

/// The named policies that can be used.
#[derive(Clone, Debug, Default)]
pub struct Profiles {}

impl Profiles {
    /// The policies that the project ships.
    #[must_use]
    pub fn built_in() -> Self {
        Profiles {}
    }

    /// The policy of that name on a date.
    ///
    /// # Errors
    /// An unknown name, with the nearest one.
    pub fn policy(&self, name: &str, on: Date) -> Result<Policy, ProfileError> {
        let _ = (name, on);
        Ok(Policy::default())
    }
}

/// The switch of a name that a case may set.
///
/// # Errors
/// An unknown name, with the nearest one; a number of the code set, which only a dated policy file may state.
pub fn switch(name: &str) -> Result<dripline::policy::Switch, ProfileError> {
    dripline::policy::Switch::from_name(name)
        .ok_or_else(|| ProfileError { message: format!("`{name}` is not a switch"), help: String::new() })
}
