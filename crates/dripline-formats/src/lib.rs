//! Every reader and writer of text on a wire: JSON, CSV, worksheet text, text cases.

pub mod cases;
pub mod worksheet;
