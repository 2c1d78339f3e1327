#![no_main]
//! See `src/smtp_server.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::smtp_server::run(data));
