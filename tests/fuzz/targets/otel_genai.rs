//! Lines seeded with the otel_genai form: never a panic, and what is read keeps its bounds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::line(data));
