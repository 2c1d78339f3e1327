//! Calls the public API of each library, without an allocator.
//!
//! Each function takes bytes that the compiler does not know and returns a number that depends on
//! everything it did, so that nothing is optimised away. The link gate and the firmware image share
//! them: what links here is what the README promises to work without an allocator.

#![no_std]

pub mod core_api;
pub mod crypto_api;
pub mod spf_api;
