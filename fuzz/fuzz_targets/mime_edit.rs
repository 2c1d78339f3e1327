#![no_main]
//! See `src/mime_edit.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::mime_edit::run(data));
