//! dripline-formats

pub mod cases;
