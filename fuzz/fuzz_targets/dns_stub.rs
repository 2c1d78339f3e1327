#![no_main]
//! See `src/dns_stub.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::dns_stub::run(data));
