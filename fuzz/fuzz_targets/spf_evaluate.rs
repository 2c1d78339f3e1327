#![no_main]
//! See `src/spf_evaluate.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::spf_evaluate::run(data));
