//! Every reader and writer of dripline.
//!
//! ```
//! use dripline_formats::json;
//!
//! let chart = json::chart_from_str("note.json", r#"{"setting": "office", "administrations": [{"drug": "Zofran"}]}"#)?;
//! assert_eq!(json::line(&chart), r#"{"setting":"office","administrations":[{"drug":"Zofran"}]}"#);
//! let slip = json::chart_from_str("note.json", r#"{"setting": "ofice"}"#).unwrap_err();
//! assert_eq!((slip.path.as_str(), slip.help.as_str()), ("setting", "did you mean `office`?"));
//! # Ok::<(), dripline_formats::error::ReadError>(())
//! ```
//!
//! What is read may come from anyone: readers bound what they hold, refuse what they do not know and never guess.

// An error is as large as what it tells; the charts and codings beside it are larger still.
#![allow(clippy::result_large_err)]

pub mod cases;
pub mod compare;
pub mod csv;
pub mod diff;
pub mod error;
mod html;
pub mod input;
pub mod json;
pub mod near;
pub mod schema;
pub mod support;
pub mod svg;
pub mod text;
pub mod worksheet;
