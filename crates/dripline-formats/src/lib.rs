//! dripline-formats

pub mod worksheet;
