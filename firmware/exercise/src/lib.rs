//! Calls the public API of each library, without an allocator.
//!
//! Each `run` takes bytes that the compiler does not know. It returns a number that depends on everything
//! it did, so that nothing is optimised away, and that says whether the verdicts were those due
//! ([`is_ok`]). The link gate and the firmware image share them: what links here is what the README
//! promises to work without an allocator, and what the emulator runs gives the right answers there.
//! `Display` and `Debug` are not called: `core::fmt` is code of others, with panics of its own.

#![no_std]

#[cfg(feature = "core")]
pub mod core_api;
pub mod crypto_api;
#[cfg(feature = "dkim")]
pub mod dkim_api;
#[cfg(feature = "dmarc")]
pub mod dmarc_api;
#[cfg(feature = "dnssec")]
pub mod dnssec_api;
#[cfg(feature = "mime-core")]
pub mod mime_core_api;
#[cfg(feature = "mime-core")]
pub mod mime_fields_api;
#[cfg(feature = "mime-core")]
pub mod mime_write_api;
#[cfg(feature = "smtp-proto")]
pub mod smtp_auth_api;
#[cfg(feature = "smtp-proto")]
pub mod smtp_client_api;
#[cfg(feature = "smtp-proto")]
pub mod smtp_codec_api;
#[cfg(feature = "smtp-proto")]
pub mod smtp_extension_api;
#[cfg(feature = "smtp-proto")]
pub mod smtp_policy_api;
#[cfg(feature = "smtp-proto")]
pub mod smtp_server_api;
#[cfg(feature = "smtp-proto")]
pub mod smtp_session_api;
#[cfg(feature = "spf")]
pub mod spf_api;
pub mod tally;

pub use tally::is_ok;

/// Calls the whole of one library.
pub type Exercise = fn(&[u8]) -> usize;

/// The exercises of the libraries that the features name.
pub const EXERCISES: &[(&str, Exercise)] = &[
    #[cfg(feature = "core")]
    ("core", core_api::run),
    ("crypto", crypto_api::run),
    #[cfg(feature = "dkim")]
    ("dkim", dkim_api::run),
    #[cfg(feature = "dmarc")]
    ("dmarc", dmarc_api::run),
    #[cfg(feature = "dnssec")]
    ("dnssec", dnssec_api::run),
    #[cfg(feature = "mime-core")]
    ("mime-core", mime_core_api::run),
    #[cfg(feature = "mime-core")]
    ("mime-core", mime_fields_api::run),
    #[cfg(feature = "mime-core")]
    ("mime-core", mime_write_api::run),
    #[cfg(feature = "smtp-proto")]
    ("smtp-proto", smtp_auth_api::run),
    #[cfg(feature = "smtp-proto")]
    ("smtp-proto", smtp_client_api::run),
    #[cfg(feature = "smtp-proto")]
    ("smtp-proto", smtp_codec_api::run),
    #[cfg(feature = "smtp-proto")]
    ("smtp-proto", smtp_extension_api::run),
    #[cfg(feature = "smtp-proto")]
    ("smtp-proto", smtp_policy_api::run),
    #[cfg(feature = "smtp-proto")]
    ("smtp-proto", smtp_server_api::run),
    #[cfg(feature = "smtp-proto")]
    ("smtp-proto", smtp_session_api::run),
    #[cfg(feature = "spf")]
    ("spf", spf_api::run),
];
