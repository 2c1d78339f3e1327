#![no_main]
//! See `src/spf_record.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::spf_record::run(data));
