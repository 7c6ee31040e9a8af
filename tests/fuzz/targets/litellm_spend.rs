//! Lines seeded with the litellm_spend form: never a panic, and what is read keeps its bounds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::line(data));
