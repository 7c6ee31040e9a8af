//! A CSV file of any bytes becomes rows that are JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::csv_rows(data));
