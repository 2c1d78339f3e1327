#![no_main]
//! See `src/received.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::received::run(data));
