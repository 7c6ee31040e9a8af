//! From a caller's bytes to the normal form, in which two prompts that a reader takes for the same are the same bytes.

pub mod normalize;
mod table;
mod unicode;

#[cfg(test)]
mod oracle;

pub use normalize::{Changes, NORMAL_FORM_VERSION, NormalForm, Normalizer};
