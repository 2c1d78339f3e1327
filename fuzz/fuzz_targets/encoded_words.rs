#![no_main]
//! See `src/encoded_words.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::encoded_words::run(data));
