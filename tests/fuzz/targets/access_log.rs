//! An access log of any bytes: what it knows completes a request, what it does not is counted.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::access_log(data));
