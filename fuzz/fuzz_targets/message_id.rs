#![no_main]
//! See `src/message_id.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::message_id::run(data));
