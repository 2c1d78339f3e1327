#![no_main]
//! See `src/dkim_body.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::dkim_body::run(data));
