#![no_main]
//! See `src/fold.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::fold::run(data));
