#![no_main]
//! See `src/received_spf.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::received_spf::run(data));
