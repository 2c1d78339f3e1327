#![no_main]
//! See `src/smtp_data.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::smtp_data::run(data));
