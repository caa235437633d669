//! The queue: cases that are kept from the day they come in until their claim has left, and longer.
//!
//! A case holds versions of its chart, each with its coding; the last is in force. Chart entries make a version,
//! by answering a question or by correcting the chart, and so does coding again by other rules. A release freezes the claim of the version in force.
//! Whatever is done stands in the history, which is never changed.

pub(crate) mod basis;
pub(crate) mod book;
pub mod check;
pub mod correction;
pub mod entry;
pub(crate) mod filter;
pub(crate) mod routes;
pub mod step;
pub(crate) mod text;
pub mod view;
mod written;

pub use step::{Decision, Status, Step};
