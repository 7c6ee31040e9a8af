//! Requests of one sender in any order: parts and their turns stay together.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::conversations(data));
