#![no_main]
//! See `src/auth_results.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::auth_results::run(data));
