#![no_main]
//! See `src/dmarc_record.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::dmarc_record::run(data));
