//! Whatever the reference JSON reader accepts is accepted, with the same texts.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::json_agrees(data));
