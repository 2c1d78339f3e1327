#![no_main]
//! See `src/typed_fields.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::typed_fields::run(data));
