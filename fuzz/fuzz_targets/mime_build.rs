#![no_main]
//! See `src/mime_build.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::mime_build::run(data));
