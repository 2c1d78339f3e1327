#![no_main]
//! See `src/json.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::json::run(data));
