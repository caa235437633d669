//! Charts made from bytes, and what holds of every answer. The property tests and the fuzz targets share them.

#![allow(dead_code)]

pub mod charts;
pub mod holds;
