//! What an analyst is shown: one self-contained HTML page, and the same data as JSON and CSV.
//!
//! [`model::Report`] is plain data that a caller fills; this room ranks it, bounds it and writes it. It decides nothing:
//! every verdict and every sentence of evidence arrives with the model. Prompts are hostile input: nothing of the
//! model reaches the page unescaped, and the page forbids itself every script but its own.

use std::path::PathBuf;

use crate::Error;

pub mod axis;
mod bounds;
mod chart;
pub mod csv;
#[doc(hidden)]
pub mod demo;
mod format;
pub mod html;
pub mod json;
pub mod model;
mod summary;

pub use axis::Axis;
pub use csv::{Table, write_csv};
pub use html::write_html;
pub use json::write_json;
pub use model::{CampaignRow, FamilyRow, Report};

/// The error of a writer that refuses; it has no name here, so the caller's message names the file.
fn refused(source: std::io::Error) -> Error {
    Error::Io { op: "write", path: PathBuf::from("the report"), source }
}
