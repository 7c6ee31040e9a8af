//! Room under construction: simd.
