//! Room under construction: text.
