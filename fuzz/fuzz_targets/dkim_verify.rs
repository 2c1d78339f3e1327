#![no_main]
//! See `src/dkim_verify.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::dkim_verify::run(data));
