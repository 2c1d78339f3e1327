#![no_main]
//! See `src/smtp_reply.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::smtp_reply::run(data));
