#![no_main]
//! See `src/address_list.rs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| scop_fuzz::address_list::run(data));
