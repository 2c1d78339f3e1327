//! Ed25519 (RFC 8032 5.1): strict verification, and signing from a seed.
//!
//! Verification refuses what different libraries are known to judge differently: a public key or a
//! point `R` of small order, a public key whose coordinate is not reduced, and a scalar `S` that is
//! not below the group order. All of these follow from RFC 8032 5.1.3 and 5.1.7 but for the small
//! orders, with which one signature verifies for many messages.

use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use scop_core::crypto::{
    MAX_SIGNATURE, PublicKey, Sign, SignError, SignatureAlgorithm, Verify, VerifyError,
};

/// Verifies Ed25519.
#[derive(Clone, Copy, Debug)]
pub struct Ed25519(());

/// Pure `EdDSA` on edwards25519 (RFC 8032 5.1.7); the input is the message itself.
pub static ED25519: Ed25519 = Ed25519(());

impl Verify for Ed25519 {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Ed25519
    }

    fn verify(
        &self,
        key: PublicKey<'_>,
        input: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let PublicKey::Ed25519(key) = key else {
            return Err(VerifyError);
        };
        let key = <&[u8; 32]>::try_from(key).map_err(|_| VerifyError)?;
        if !is_reduced(key) {
            return Err(VerifyError);
        }
        let key = VerifyingKey::from_bytes(key).map_err(|_| VerifyError)?;
        let signature = Signature::from_slice(signature).map_err(|_| VerifyError)?;
        key.verify_strict(input, &signature)
            .map_err(|_| VerifyError)
    }
}

/// A private key; it is wiped from memory when it is dropped.
pub struct Ed25519SigningKey(SigningKey);

impl Ed25519SigningKey {
    /// From the 32 random octets that RFC 8032 5.1.5 calls the private key.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public key (RFC 8032 5.1.5).
    pub fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }
}

impl Sign for Ed25519SigningKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Ed25519
    }

    fn sign(&self, input: &[u8], signature: &mut [u8; MAX_SIGNATURE]) -> Result<usize, SignError> {
        let bytes = self.0.try_sign(input).map_err(|_| SignError)?.to_bytes();
        let slots = signature.first_chunk_mut().ok_or(SignError)?;
        *slots = bytes;
        Ok(bytes.len())
    }
}

impl fmt::Debug for Ed25519SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519SigningKey")
    }
}

/// Whether the coordinate `y`, the low 255 bits, is below the prime 2^255 - 19 (RFC 8032 5.1.3).
fn is_reduced(key: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = key;
    *low < 0xed || high & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff)
}
