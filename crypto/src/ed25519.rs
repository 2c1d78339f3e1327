//! Ed25519 (RFC 8032 5.1): strict verification, and signing from a seed.
//!
//! Verification refuses what different libraries are known to judge differently: a public key or a
//! point `R` of small order, a public key whose coordinate is not reduced, and a scalar `S` that is
//! not below the group order. All of these follow from RFC 8032 5.1.3 and 5.1.7 but for the small
//! orders, with which one signature verifies for many messages.

use core::fmt;

#[cfg(feature = "alloc")]
use alloc::string::String;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use scop_core::crypto::{
    MAX_SIGNATURE, PublicKey, Sign, SignError, SignatureAlgorithm, Verify, VerifyError,
};
use zeroize::Zeroizing;

use crate::key_file::{self, Form, KeyError, OCTET_STRING, Pkcs8, element};

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

    /// From PKCS#8 in DER (RFC 8410 7):
    ///
    /// ```text
    /// OneAsymmetricKey ::= SEQUENCE {
    ///     version INTEGER { v1(0), v2(1) },
    ///     privateKeyAlgorithm SEQUENCE { OBJECT IDENTIFIER 1.3.101.112 },
    ///     privateKey OCTET STRING containing OCTET STRING (SIZE(32)),
    ///     attributes [0] IMPLICIT SET OF Attribute OPTIONAL,
    ///     publicKey [1] IMPLICIT BIT STRING OPTIONAL }
    /// ```
    ///
    /// # Errors
    /// When it is not that, when it is of another algorithm, or when the public key in it is not
    /// that of the private key.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let parts = Pkcs8::parse(der).ok_or(KeyError::Malformed)?;
        if parts.algorithm != ALGORITHM {
            return Err(KeyError::Algorithm);
        }
        let (seed, rest) = element(OCTET_STRING, parts.private_key).ok_or(KeyError::Malformed)?;
        let seed = <&[u8; 32]>::try_from(seed).map_err(|_| KeyError::Malformed)?;
        let key = Self::from_seed(seed);
        if rest.is_empty() && parts.belongs_to(&key.public_key()) {
            Ok(key)
        } else {
            Err(KeyError::Malformed)
        }
    }

    /// From PKCS#8 in PEM (RFC 7468 10).
    ///
    /// # Errors
    /// As [`Self::from_pkcs8_der`], and when it is not PEM of one private key, or encrypted.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        // Room also for an RSA key, so that it is refused for what it is.
        let mut buffer = Zeroizing::new([0; 4096]);
        match key_file::from_pem(pem, buffer.as_mut_slice())? {
            (Form::Pkcs8, der) => Self::from_pkcs8_der(der),
            (Form::Pkcs1, _) => Err(KeyError::Algorithm),
        }
    }

    /// PKCS#8 in DER, of version 1: with nothing but the private key (RFC 8410 10.3).
    pub fn to_pkcs8_der(&self) -> Zeroizing<[u8; 48]> {
        let mut der = Zeroizing::new([0; 48]);
        let octets = PKCS8_PREFIX.iter().chain(self.0.as_bytes());
        for (slot, octet) in der.iter_mut().zip(octets) {
            *slot = *octet;
        }
        der
    }

    /// PKCS#8 in PEM.
    ///
    /// # Errors
    /// When the PEM encoder fails.
    #[cfg(feature = "alloc")]
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        key_file::to_pem(self.to_pkcs8_der().as_slice())
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

/// The content of `AlgorithmIdentifier`: the object identifier 1.3.101.112 alone (RFC 8410 3).
const ALGORITHM: &[u8] = b"\x06\x03\x2b\x65\x70";

/// PKCS#8 of version 1 up to the 32 octets of the key.
const PKCS8_PREFIX: &[u8; 16] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_coordinates_below_the_prime_are_reduced() {
        let mut key = [0xff; 32];
        for high in [0x7f, 0xff] {
            key[31] = high;
            for low in 0..=255 {
                key[0] = low;
                assert_eq!(is_reduced(&key), low < 0xed);
            }
            key[0] = 0xff;
            for at in 1..31 {
                key[at] = 0xfe;
                assert!(is_reduced(&key));
                key[at] = 0xff;
            }
        }
        assert!(is_reduced(&[0; 32]));
    }
}
