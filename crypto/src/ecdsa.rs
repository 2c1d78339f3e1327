//! ECDSA on P-256 and P-384 (FIPS 186-5 6.4.2) in the form of DNSSEC (RFC 6605 4).
//!
//! The key is `X || Y` and the signature is `r || s`, each number at its full width. Either of the
//! two values of `s` that verify is good: RFC 6605 does not ask for the lower.

use core::fmt;

use scop_core::crypto::{PublicKey, SignatureAlgorithm, Verify, VerifyError};

/// Verifies ECDSA on one curve over one hash function.
pub struct Ecdsa {
    algorithm: SignatureAlgorithm,
    digest_len: usize,
    verify: VerifyOnCurve,
}

/// Verifies by a key a digest and a signature.
type VerifyOnCurve = fn(&[u8], &[u8], &[u8]) -> Option<()>;

/// ECDSA on P-256 over SHA-256 (DNSSEC algorithm 13).
#[cfg(feature = "p256")]
pub static ECDSA_P256_SHA256: Ecdsa = Ecdsa {
    algorithm: SignatureAlgorithm::EcdsaP256Sha256,
    digest_len: 32,
    verify: |key, digest, signature| {
        use p256::Sec1Point;
        use p256::ecdsa::signature::hazmat::PrehashVerifier;
        use p256::ecdsa::{Signature, VerifyingKey};

        let point = Sec1Point::from_untagged_bytes(key.try_into().ok()?);
        let signature = Signature::from_slice(signature).ok()?;
        let key = VerifyingKey::from_sec1_point(&point).ok()?;
        key.verify_prehash(digest, &signature).ok()
    },
};

/// ECDSA on P-384 over SHA-384 (DNSSEC algorithm 14).
#[cfg(feature = "p384")]
pub static ECDSA_P384_SHA384: Ecdsa = Ecdsa {
    algorithm: SignatureAlgorithm::EcdsaP384Sha384,
    digest_len: 48,
    verify: |key, digest, signature| {
        use p384::Sec1Point;
        use p384::ecdsa::signature::hazmat::PrehashVerifier;
        use p384::ecdsa::{Signature, VerifyingKey};

        let point = Sec1Point::from_untagged_bytes(key.try_into().ok()?);
        let signature = Signature::from_slice(signature).ok()?;
        let key = VerifyingKey::from_sec1_point(&point).ok()?;
        key.verify_prehash(digest, &signature).ok()
    },
};

impl Verify for Ecdsa {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn verify(
        &self,
        key: PublicKey<'_>,
        input: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        match key {
            PublicKey::Ecdsa(key) if input.len() == self.digest_len => {
                (self.verify)(key, input, signature).ok_or(VerifyError)
            }
            _ => Err(VerifyError),
        }
    }
}

impl fmt::Debug for Ecdsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.algorithm)
    }
}
