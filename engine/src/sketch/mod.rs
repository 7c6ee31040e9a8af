//! Room under construction: sketch.
