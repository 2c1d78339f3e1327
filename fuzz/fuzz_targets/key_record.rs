#![no_main]
//! See `src/key_record.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::key_record::run(data));
