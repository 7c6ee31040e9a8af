//! Room under construction: family.
