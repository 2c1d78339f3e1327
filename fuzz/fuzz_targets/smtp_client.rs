#![no_main]
//! See `src/smtp_client.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::smtp_client::run(data));
