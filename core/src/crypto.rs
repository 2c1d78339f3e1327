//! What the protocols need from cryptography, as small traits; no algorithm lives here.
//!
//! A [`Provider`] lists what the host links, and every machine that needs it takes it as an explicit
//! argument: there is no default for a process. An algorithm that is not listed is simply not there,
//! and the verdict says so. `scop-crypto` has the default provider.

use core::fmt;

use crate::{Full, Sink};

/// Hash functions of the protocols here (FIPS 180-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// Only to tell old data apart: no signature over it is trusted (RFC 8301 3.1).
    Sha1,
    /// 32 octets.
    Sha256,
    /// 48 octets.
    Sha384,
    /// 64 octets.
    Sha512,
}

impl HashAlgorithm {
    /// Octets in a digest.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// Signature schemes of the protocols here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// ECDSA on P-256 over SHA-256; the signature is `r || s` (RFC 6605 4).
    EcdsaP256Sha256,
    /// ECDSA on P-384 over SHA-384; the signature is `r || s` (RFC 6605 4).
    EcdsaP384Sha384,
    /// Pure `EdDSA` on edwards25519 (RFC 8032 5.1).
    Ed25519,
    /// RSASSA-PKCS1-v1_5 over SHA-1 (RFC 8017 8.2).
    RsaSha1,
    /// RSASSA-PKCS1-v1_5 over SHA-256.
    RsaSha256,
    /// RSASSA-PKCS1-v1_5 over SHA-512.
    RsaSha512,
}

/// A digest of up to 64 octets.
#[derive(Clone, Copy)]
pub struct Digest {
    bytes: [u8; 64],
    len: u8,
}

impl Digest {
    /// A digest of the first `algorithm.output_len()` octets of `bytes`.
    #[expect(clippy::cast_possible_truncation, reason = "at most 64")]
    pub const fn new(algorithm: HashAlgorithm, bytes: [u8; 64]) -> Self {
        Self {
            bytes,
            len: algorithm.output_len() as u8,
        }
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }
}

/// By the octets of the digest; what a hash leaves behind them does not count.
impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Digest {}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(")?;
        self.as_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// The state of a hash in progress, as plain data: chaining words, the block that is being filled,
/// and the count of octets. It fits every Merkle-Damgard hash up to SHA-512.
///
/// Because it is data, a machine can hold it without an allocator and without being generic, it can
/// be copied to branch a hash, and a hardware engine can load and store it.
#[derive(Clone, Copy, Debug)]
pub struct HashState {
    /// The chaining value; 32-bit hashes use the low half of each word.
    pub words: [u64; 8],
    /// Octets that do not fill a block yet.
    pub block: [u8; 128],
    /// How many octets of `block` are in use.
    pub filled: u8,
    /// Octets hashed in all.
    pub total: u128,
}

/// One hash function.
pub trait Hash: Sync {
    /// Which one.
    fn algorithm(&self) -> HashAlgorithm;

    /// The state before the first octet.
    fn start(&self) -> HashState;

    /// Takes octets.
    fn update(&self, state: &mut HashState, bytes: &[u8]);

    /// The digest of what was taken.
    fn finish(&self, state: HashState) -> Digest;
}

/// A hash in progress; as a [`Sink`] it is never full.
#[derive(Clone, Copy)]
pub struct Hasher<'p> {
    hash: &'p dyn Hash,
    state: HashState,
}

impl<'p> Hasher<'p> {
    /// Starts.
    pub fn new(hash: &'p dyn Hash) -> Self {
        Self {
            hash,
            state: hash.start(),
        }
    }

    /// Takes octets.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hash.update(&mut self.state, bytes);
    }

    /// The digest.
    pub fn finish(self) -> Digest {
        self.hash.finish(self.state)
    }
}

impl Sink for Hasher<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.update(bytes);
        Ok(())
    }
}

impl fmt::Debug for Hasher<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Hasher({:?}, {} octets)",
            self.hash.algorithm(),
            self.state.total
        )
    }
}

/// A public key as the protocols carry it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum PublicKey<'a> {
    /// The two coordinates one after the other, without a leading 4 (RFC 6605 4).
    Ecdsa(&'a [u8]),
    /// 32 octets (RFC 8032 5.1.5).
    Ed25519(&'a [u8]),
    /// Two numbers, most significant octet first (RFC 8017 3.1).
    Rsa {
        /// The product of the primes.
        modulus: &'a [u8],
        /// The public exponent.
        exponent: &'a [u8],
    },
}

/// The signature, the key or their pairing is not right; on purpose it does not say which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyError;

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the signature does not verify")
    }
}

impl core::error::Error for VerifyError {}

/// Verifies signatures of one scheme.
pub trait Verify: Sync {
    /// Which scheme.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// Verifies `signature` by `key` over `input`: the digest for RSA and ECDSA, the message itself
    /// for Ed25519.
    ///
    /// # Errors
    /// When it does not verify, for whatever reason.
    fn verify(&self, key: PublicKey<'_>, input: &[u8], signature: &[u8])
    -> Result<(), VerifyError>;
}

/// The key cannot sign: it is too small, or the signer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignError;

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key cannot sign")
    }
}

impl core::error::Error for SignError {}

/// Octets in the longest signature here: RSA with 4096 bits.
pub const MAX_SIGNATURE: usize = 512;

/// A private key that signs.
pub trait Sign {
    /// The scheme.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// Signs `input` (as in [`Verify::verify`]) into the start of `signature`, and gives its length.
    ///
    /// # Errors
    /// When the key cannot sign.
    fn sign(&self, input: &[u8], signature: &mut [u8; MAX_SIGNATURE]) -> Result<usize, SignError>;
}

/// What the host links.
#[derive(Clone, Copy)]
pub struct Provider<'p> {
    /// The hash functions.
    pub hashes: &'p [&'p dyn Hash],
    /// The signature schemes.
    pub verifiers: &'p [&'p dyn Verify],
}

impl<'p> Provider<'p> {
    /// The hash function, if it is there.
    pub fn hash(&self, algorithm: HashAlgorithm) -> Option<&'p dyn Hash> {
        self.hashes
            .iter()
            .copied()
            .find(|hash| hash.algorithm() == algorithm)
    }

    /// The signature scheme, if it is there.
    pub fn verifier(&self, algorithm: SignatureAlgorithm) -> Option<&'p dyn Verify> {
        self.verifiers
            .iter()
            .copied()
            .find(|verify| verify.algorithm() == algorithm)
    }
}

impl fmt::Debug for Provider<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")?;
        f.debug_list()
            .entries(self.hashes.iter().map(|hash| hash.algorithm()))
            .entries(self.verifiers.iter().map(|verify| verify.algorithm()))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, HashAlgorithm};

    #[test]
    fn what_stands_behind_a_digest_does_not_count() {
        let mut bytes = [7; 64];
        let digest = Digest::new(HashAlgorithm::Sha256, bytes);
        bytes[32] = 8;
        assert_eq!(digest, Digest::new(HashAlgorithm::Sha256, bytes));
        bytes[31] = 8;
        assert_ne!(digest, Digest::new(HashAlgorithm::Sha256, bytes));
        assert_ne!(digest, Digest::new(HashAlgorithm::Sha384, [7; 64]));
    }
}
