//! A log of any bytes: decompression, lines, lists and the bounds on them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::source(data));
