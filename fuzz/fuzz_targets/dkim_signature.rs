#![no_main]
//! See `src/dkim_signature.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::dkim_signature::run(data));
