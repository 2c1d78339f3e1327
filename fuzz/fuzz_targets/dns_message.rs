#![no_main]
//! See `src/dns_message.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::dns_message::run(data));
