#![no_main]
//! See `src/tls_report.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::tls_report::run(data));
