#![no_main]
//! See `src/mime_push_vs_index.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::mime_push_vs_index::run(data));
