#![no_main]
//! See `src/header_scan.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::header_scan::run(data));
