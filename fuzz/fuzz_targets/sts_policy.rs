#![no_main]
//! See `src/sts_policy.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::sts_policy::run(data));
