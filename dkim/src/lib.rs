#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod base64;
pub mod canonical;
mod der;
pub mod key_record;
pub mod signature;
pub mod tag_list;
