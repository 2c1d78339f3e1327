#![no_main]
//! See `src/date.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::date::run(data));
