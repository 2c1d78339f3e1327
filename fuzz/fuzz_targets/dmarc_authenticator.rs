#![no_main]
//! See `src/dmarc_authenticator.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::dmarc_authenticator::run(data));
