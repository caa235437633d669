//! dripline-reference

pub mod tables;
