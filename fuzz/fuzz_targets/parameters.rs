#![no_main]
//! See `src/parameters.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::parameters::run(data));
