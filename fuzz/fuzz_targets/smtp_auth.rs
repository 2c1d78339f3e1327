#![no_main]
//! See `src/smtp_auth.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::smtp_auth::run(data));
