#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod alignment;
pub mod authenticator;
pub mod author;
pub mod discover;
pub mod domain;
pub mod policy;
pub mod record;

pub use authenticator::{Authenticator, DmarcResult, Verdict};
pub use author::Author;
pub use discover::{Discovery, Findings};
pub use domain::Domain;
pub use record::{Policy, Record};
// What the public API speaks of, so that a host can name it with this crate alone.
pub use {scop_core, scop_dkim, scop_mime_core, scop_spf};
