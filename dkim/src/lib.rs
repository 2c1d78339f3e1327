#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(test)]
extern crate std;

mod base64;
mod body_hash;
pub mod canonical;
mod der;
pub mod key_record;
pub mod sign;
pub mod signature;
mod signed_fields;
pub mod verify;

pub use scop_mime_core::header::tag_list;

#[cfg(feature = "rustcrypto")]
pub use scop_crypto;
