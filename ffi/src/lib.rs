//! The C ABI: translates, never decides.
