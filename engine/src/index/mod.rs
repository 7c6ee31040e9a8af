//! Room under construction: index.
