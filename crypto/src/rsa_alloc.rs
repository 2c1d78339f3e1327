//! RSASSA-PKCS1-v1_5 signing over SHA-256 (RFC 8017 8.2.1), on the `rsa` crate, which allocates.
//!
//! Each private operation is blinded, and its result is raised to the public exponent and compared
//! before it leaves, so that a fault in the arithmetic does not give a factor of the modulus away;
//! the `rsa` crate does the latter. The blinding needs numbers that nobody else can guess, not fresh
//! ones, so they come from the private key and the input: no source of randomness is asked for, and
//! the signature would be the same with any.

use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;

use rsa::PrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use scop_core::crypto::{MAX_SIGNATURE, Sign, SignError, SignatureAlgorithm};
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use crate::key_file::{self, Form, KeyError, Pkcs8};
use crate::rsa_fixed::parse_exponent;

/// A private key of 1024 to 4096 bits that signs over SHA-256; it is wiped from memory when it is
/// dropped.
///
/// RFC 8301 3.2 has signers use at least 1024 bits and asks for at least 2048: the caller's policy.
pub struct RsaSigningKey {
    key: PrivateKey,
    public_key_der: Vec<u8>,
    blinding: Zeroizing<[u8; 64]>,
}

impl RsaSigningKey {
    /// A new key of `bits` bits with the exponent 65537.
    ///
    /// # Errors
    /// When `bits` is not in 1024 to 4096, or the generator fails.
    pub fn generate<R: TryCryptoRng + ?Sized>(bits: usize, rng: &mut R) -> Result<Self, KeyError> {
        if !(1024..=4096).contains(&bits) {
            return Err(KeyError::Size);
        }
        Self::new(PrivateKey::new(rng, bits).map_err(|_| KeyError::Random)?)
    }

    /// From PKCS#8 in DER (RFC 5958 2, RFC 8017 A.1).
    ///
    /// # Errors
    /// When it is not that, when its size is not allowed, when the public key in it is not that of
    /// the private key, or when it is of another algorithm; a key for RSASSA-PSS is.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let parts = Pkcs8::parse(der).ok_or(KeyError::Malformed)?;
        if parts.algorithm != ALGORITHM {
            return Err(KeyError::Algorithm);
        }
        let key = Self::from_pkcs1_der(parts.private_key)?;
        let public_key = key.key.as_public_key().to_pkcs1_der();
        if parts.belongs_to(public_key.map_err(|_| KeyError::Malformed)?.as_bytes()) {
            Ok(key)
        } else {
            Err(KeyError::Malformed)
        }
    }

    /// From PKCS#1 in DER, with two primes (RFC 8017 A.1.2).
    ///
    /// # Errors
    /// When it is not that, or when its size is not allowed.
    pub fn from_pkcs1_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::new(PrivateKey::from_pkcs1_der(der).map_err(|_| KeyError::Malformed)?)
    }

    /// From PEM of either, by its label (RFC 7468 10).
    ///
    /// # Errors
    /// As the two above, and when it is not PEM of one private key, or encrypted.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let mut buffer = Zeroizing::new(alloc::vec![0; pem.len()]);
        match key_file::from_pem(pem, &mut buffer)? {
            (Form::Pkcs8, der) => Self::from_pkcs8_der(der),
            (Form::Pkcs1, der) => Self::from_pkcs1_der(der),
        }
    }

    /// PKCS#8 in DER.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let der = self.key.to_pkcs8_der().map_err(|_| KeyError::Malformed)?;
        Ok(der.to_bytes())
    }

    /// PKCS#8 in PEM.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        key_file::to_pem(&self.to_pkcs8_der()?)
    }

    /// `SubjectPublicKeyInfo` in DER (RFC 5280 4.1.2.7): what a DKIM key record holds.
    pub fn public_key_der(&self) -> &[u8] {
        &self.public_key_der
    }

    /// Bits in the modulus.
    pub fn bits(&self) -> u32 {
        self.key.n().bit_width_vartime()
    }

    fn new(key: PrivateKey) -> Result<Self, KeyError> {
        let sized = (1024..=4096).contains(&key.n().bit_width_vartime());
        if !sized || parse_exponent(&key.e_bytes()).is_none() {
            return Err(KeyError::Size);
        }
        let public_key_der = key.as_public_key().to_public_key_der();
        Ok(Self {
            blinding: Zeroizing::new(Sha512::digest(Zeroizing::new(key.d().to_be_bytes())).0),
            public_key_der: public_key_der.map_err(|_| KeyError::Malformed)?.into_vec(),
            key,
        })
    }
}

impl Sign for RsaSigningKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RsaSha256
    }

    fn sign(&self, input: &[u8], signature: &mut [u8; MAX_SIGNATURE]) -> Result<usize, SignError> {
        let mut blinding = Blinding {
            start: Sha512::new_with_prefix(self.blinding.as_slice()).chain_update(input),
            count: 0,
        };
        let signed = self
            .key
            .pkcs1v15_sign_prehash_with_rng::<Sha256, _>(&mut blinding, input);
        let signed = signed.map_err(|_| SignError)?;
        let slots = signature.get_mut(..signed.len()).ok_or(SignError)?;
        for (slot, octet) in slots.iter_mut().zip(&signed) {
            *slot = *octet;
        }
        Ok(signed.len())
    }
}

impl fmt::Debug for RsaSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaSigningKey({} bits)", self.bits())
    }
}

/// The content of `AlgorithmIdentifier`: 1.2.840.113549.1.1.1 and NULL (RFC 8017 A.1).
const ALGORITHM: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// Numbers for one signature: SHA-512 over a secret, the input and a count.
struct Blinding {
    start: Sha512,
    count: u64,
}

impl TryRng for Blinding {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut octets = [0; 4];
        self.try_fill_bytes(&mut octets)?;
        Ok(u32::from_le_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut octets = [0; 8];
        self.try_fill_bytes(&mut octets)?;
        Ok(u64::from_le_bytes(octets))
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Infallible> {
        for chunk in octets.chunks_mut(64) {
            let count = self.count.to_le_bytes();
            self.count = self.count.wrapping_add(1);
            let block = Zeroizing::new(self.start.clone().chain_update(count).finalize().0);
            for (slot, octet) in chunk.iter_mut().zip(block.iter()) {
                *slot = *octet;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Blinding {}
