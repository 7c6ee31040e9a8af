//! A path map and a line, divided by a NUL: a bad map is an error, a good one reads without a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::path_map(data));
