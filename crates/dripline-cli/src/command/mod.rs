//! One module a command: each calls the library and prints.

#[cfg(feature = "serve")]
pub mod account;
pub mod code;
pub mod compare;
pub mod convert;
pub mod policy;
pub mod reference;
pub mod rule;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(feature = "serve")]
pub mod store;
pub mod support;
pub mod test;
pub mod why_not;
