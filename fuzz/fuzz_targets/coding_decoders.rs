#![no_main]
//! See `src/coding_decoders.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::coding_decoders::run(data));
