#![no_main]
//! See `src/dkim_header.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::dkim_header::run(data));
