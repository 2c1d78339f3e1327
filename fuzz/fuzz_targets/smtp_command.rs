#![no_main]
//! See `src/smtp_command.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::smtp_command::run(data));
