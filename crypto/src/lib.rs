#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod digest;
#[cfg(any(feature = "p256", feature = "p384"))]
mod ecdsa;
#[cfg(feature = "ed25519")]
mod ed25519;
#[cfg(any(feature = "ed25519", feature = "rsa"))]
mod key_file;
#[cfg(feature = "rsa")]
mod rsa_alloc;
#[cfg(feature = "rsa-verify")]
mod rsa_fixed;

use scop_core::crypto::{Hash, Provider, Verify};

#[cfg(feature = "sha1")]
pub use digest::SHA1;
pub use digest::{BlockHash, SHA256, SHA384, SHA512};
#[cfg(feature = "p256")]
pub use ecdsa::ECDSA_P256_SHA256;
#[cfg(feature = "p384")]
pub use ecdsa::ECDSA_P384_SHA384;
#[cfg(any(feature = "p256", feature = "p384"))]
pub use ecdsa::Ecdsa;
#[cfg(feature = "ed25519")]
pub use ed25519::{ED25519, Ed25519, Ed25519SigningKey};
#[cfg(any(feature = "ed25519", feature = "rsa"))]
pub use key_file::KeyError;
/// The random numbers of [`RsaSigningKey::generate`].
#[cfg(feature = "rsa")]
pub use rsa::rand_core;
#[cfg(feature = "rsa")]
pub use rsa_alloc::RsaSigningKey;
#[cfg(all(feature = "rsa-verify", feature = "sha1"))]
pub use rsa_fixed::RSA_SHA1;
#[cfg(feature = "rsa-verify")]
pub use rsa_fixed::{RSA_SHA256, RSA_SHA512, RsaPkcs1};
#[cfg(any(feature = "ed25519", feature = "rsa"))]
pub use zeroize::Zeroizing;

/// All that the features of this crate link.
pub static RUST_CRYPTO: Provider<'static> = Provider {
    hashes: HASHES,
    verifiers: VERIFIERS,
};

const HASHES: &[&dyn Hash] = &[
    &SHA256,
    &SHA384,
    &SHA512,
    #[cfg(feature = "sha1")]
    &SHA1,
];

const VERIFIERS: &[&dyn Verify] = &[
    #[cfg(feature = "ed25519")]
    &ED25519,
    #[cfg(feature = "p256")]
    &ECDSA_P256_SHA256,
    #[cfg(feature = "p384")]
    &ECDSA_P384_SHA384,
    #[cfg(feature = "rsa-verify")]
    &RSA_SHA256,
    #[cfg(feature = "rsa-verify")]
    &RSA_SHA512,
    #[cfg(all(feature = "rsa-verify", feature = "sha1"))]
    &RSA_SHA1,
];
