#![no_main]
//! See `src/route.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::route::run(data));
