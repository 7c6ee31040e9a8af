//! What an analyst is shown: one self-contained HTML page, and the same data as JSON and CSV.
//!
//! [`model::Report`] is plain data that a caller fills; this room ranks it, bounds it and writes it. It decides nothing:
//! every verdict and every sentence of evidence arrives with the model. Prompts are hostile input, so nothing of the
//! model reaches the page unescaped.

pub mod axis;
pub mod model;

pub use axis::Axis;
pub use model::Report;
