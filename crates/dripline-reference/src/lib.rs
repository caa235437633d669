//! What lies between a chart and the engine, and between the engine and a claim: names looked up, doses turned into
//! units, dated policies, and the whole answer put together.

pub mod answer;
pub mod dose;
pub mod edits;
pub mod formulary;
mod identity;
pub mod lines;
pub mod money;
pub mod profile;
pub mod resolve;
pub mod stock;
pub mod tables;

pub use answer::{Coder, Options};
pub use resolve::ChartError;
