//! RSASSA-PKCS1-v1_5 verification (RFC 8017 8.2.2) without an allocator.
//!
//! The arithmetic is fixed-width Montgomery multiplication from `crypto-bigint`, in the narrowest
//! of a few widths that holds the modulus. Everything here is public, so time may depend on it.
//!
//! The signature is raised to the exponent and the result compared, as one number, with the only
//! encoding that RFC 8017 9.2 allows. Nothing is parsed on the way back, so there is no padding
//! length, no `DigestInfo` without NULL and no trailing octet for a forger to choose.
//!
//! Keys are bounded by cost and sanity only: a modulus of 1024 to 4096 bits, an odd exponent from 3
//! to 2^32 - 1. Which of them to trust is the caller's policy.

use core::iter;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Limb, Uint, Word};
use scop_core::crypto::{PublicKey, SignatureAlgorithm, Verify, VerifyError};

/// Verifies RSASSA-PKCS1-v1_5 over one hash function.
#[derive(Clone, Copy, Debug)]
pub struct RsaPkcs1 {
    algorithm: SignatureAlgorithm,
    /// The DER of `DigestInfo` up to the digest (RFC 8017 9.2, note 1).
    prefix: &'static [u8],
    digest_len: usize,
}

/// RSASSA-PKCS1-v1_5 over SHA-1. SHA-1 is broken: only to read old data.
#[cfg(feature = "sha1")]
pub static RSA_SHA1: RsaPkcs1 = RsaPkcs1 {
    algorithm: SignatureAlgorithm::RsaSha1,
    prefix: b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
    digest_len: 20,
};

/// RSASSA-PKCS1-v1_5 over SHA-256.
pub static RSA_SHA256: RsaPkcs1 = RsaPkcs1 {
    algorithm: SignatureAlgorithm::RsaSha256,
    prefix: b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
    digest_len: 32,
};

/// RSASSA-PKCS1-v1_5 over SHA-512.
pub static RSA_SHA512: RsaPkcs1 = RsaPkcs1 {
    algorithm: SignatureAlgorithm::RsaSha512,
    prefix: b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
    digest_len: 64,
};

impl Verify for RsaPkcs1 {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn verify(
        &self,
        key: PublicKey<'_>,
        input: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let PublicKey::Rsa { modulus, exponent } = key else {
            return Err(VerifyError);
        };
        let modulus = strip(modulus);
        let exponent = parse_exponent(exponent).ok_or(VerifyError)?;
        if signature.len() != modulus.len() || input.len() != self.digest_len {
            return Err(VerifyError);
        }
        let leading = modulus.first().map_or(0, |byte| byte.leading_zeros());
        let bits = (modulus.len().saturating_mul(8)).saturating_sub(leading as usize);
        let encoded = encode(self.prefix, input, modulus.len()).ok_or(VerifyError)?;
        // RFC 8301 3.2 has a verifier refuse less than 1024 bits, and lets it stop at 4096.
        let verified = match bits {
            1024 => holds::<{ limbs(1024) }>(modulus, exponent, signature, encoded),
            1025..=2048 => holds::<{ limbs(2048) }>(modulus, exponent, signature, encoded),
            2049..=4096 => holds::<{ limbs(4096) }>(modulus, exponent, signature, encoded),
            _ => None,
        };
        if verified == Some(true) {
            Ok(())
        } else {
            Err(VerifyError)
        }
    }
}

/// Limbs in a number of this many bits.
const fn limbs(bits: usize) -> usize {
    bits.div_ceil(Word::BITS as usize)
}

/// A number without its leading zeros.
fn strip(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// The exponent, when it is one that is allowed (RFC 8017 3.1).
pub(crate) fn parse_exponent(bytes: &[u8]) -> Option<u32> {
    let bytes = strip(bytes);
    if bytes.len() > 4 {
        return None;
    }
    let exponent = bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    (exponent >= 3 && exponent % 2 == 1).then_some(exponent)
}

/// The octets of EMSA-PKCS1-v1_5 (RFC 8017 9.2), least significant first.
fn encode(prefix: &[u8], digest: &[u8], len: usize) -> Option<impl Iterator<Item = u8>> {
    let ones = len.checked_sub(prefix.len() + digest.len() + 3)?;
    if ones < 8 {
        return None;
    }
    let digest = digest.iter().rev().copied();
    let prefix = prefix.iter().rev().copied();
    Some(
        digest
            .chain(prefix)
            .chain([0])
            .chain(iter::repeat_n(0xff, ones))
            .chain([1, 0]),
    )
}

/// Whether `signature ^ exponent mod modulus` is `encoded` (RFC 8017 8.2.2, 5.2.2); `None` when a
/// number is out of its range.
///
/// Not inlined, so that the stack of one width is not that of all.
#[inline(never)]
fn holds<const LIMBS: usize>(
    modulus: &[u8],
    exponent: u32,
    signature: &[u8],
    encoded: impl Iterator<Item = u8>,
) -> Option<bool> {
    let modulus: Uint<LIMBS> = number(modulus.iter().rev().copied());
    let signature: Uint<LIMBS> = number(signature.iter().rev().copied());
    if signature.cmp_vartime(&modulus).is_ge() {
        return None;
    }
    let params = FixedMontyParams::new_vartime(modulus.to_odd().into_option()?);
    let power = power(&FixedMontyForm::new(&signature, &params), exponent);
    Some(power.retrieve() == number(encoded))
}

/// Square and multiply, from the highest bit down; the exponent is odd. For 65537 that is sixteen
/// squarings and one product; the windowed power of the crate takes more of both, and a table on
/// the stack.
fn power<const LIMBS: usize>(base: &FixedMontyForm<LIMBS>, exponent: u32) -> FixedMontyForm<LIMBS> {
    let mut power = *base;
    let mut place = exponent.checked_ilog2().unwrap_or(0);
    while let Some(next) = (exponent & !(u32::MAX << place)).checked_ilog2() {
        power = power.square_repeat_vartime(place - next).mul(base);
        place = next;
    }
    power
}

/// The number with these octets, least significant first; octets that do not fit are left out.
fn number<const LIMBS: usize>(mut bytes: impl Iterator<Item = u8>) -> Uint<LIMBS> {
    let mut limbs = [Limb::ZERO; LIMBS];
    for Limb(word) in &mut limbs {
        for (shift, byte) in (0..Word::BITS).step_by(8).zip(&mut bytes) {
            *word |= Word::from(byte) << shift;
        }
    }
    Uint::new(limbs)
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn exponents_are_odd_and_of_32_bits_at_most() {
        let table: &[(&[u8], Option<u32>)] = &[
            (b"", None),
            (b"\x00", None),
            (b"\x01", None),
            (b"\x02", None),
            (b"\x03", Some(3)),
            (b"\x04", None),
            (b"\x00\x00\x00\x00\x00\x11", Some(17)),
            (b"\x01\x00\x01", Some(65537)),
            (b"\x01\x00\x02", None),
            (b"\xff\xff\xff\xfe", None),
            (b"\xff\xff\xff\xff", Some(u32::MAX)),
            (b"\x01\x00\x00\x00\x01", None),
            (b"\x01\x00\x01\x00\x01", None),
        ];
        for (bytes, exponent) in table {
            assert_eq!(parse_exponent(bytes), *exponent, "{bytes:02x?}");
        }
    }

    /// Octets that look random.
    fn octets(seed: u64, len: usize) -> Vec<u8> {
        let mut state = seed;
        let mut step = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state.to_be_bytes()[0]
        };
        iter::repeat_with(&mut step).take(len).collect()
    }

    /// `signature ^ exponent mod modulus` by the `rsa` crate, least significant octet first.
    fn oracle(modulus: &[u8], exponent: u32, signature: &[u8]) -> Vec<u8> {
        use rsa::traits::PublicKeyParts;
        let modulus = rsa::BoxedUint::from_be_slice_vartime(modulus);
        let key = rsa::PublicKey::new_unchecked(modulus, exponent.into());
        let signature = rsa::BoxedUint::from_be_slice(signature, key.n_bits_precision()).unwrap();
        let power = rsa::hazmat::rsa_encrypt(&key, &signature).unwrap();
        power.to_be_bytes().iter().rev().copied().collect()
    }

    fn agrees<const LIMBS: usize>(modulus: &[u8], signature: &[u8]) {
        for exponent in [3, 5, 17, 0x1_0001, 0x1_0003, 0x8000_0001, 0xffff_ffff] {
            let mut power = oracle(modulus, exponent, signature);
            let held = holds::<LIMBS>(modulus, exponent, signature, power.iter().copied());
            assert_eq!(
                held,
                Some(true),
                "{exponent} {modulus:02x?} {signature:02x?}"
            );
            power[0] ^= 1;
            let held = holds::<LIMBS>(modulus, exponent, signature, power.into_iter());
            assert_eq!(held, Some(false));
        }
    }

    /// Moduli as sparse and as full as they can be, of every width and just beside it, with the least
    /// and the greatest signatures.
    #[test]
    fn powers_are_those_of_the_rsa_crate() {
        for (seed, len) in (0..).zip([128, 129, 135, 192, 255, 256, 257, 384, 511, 512]) {
            let mut sparse = vec![0; len];
            sparse[0] = 1;
            let mut half = vec![0xff; len];
            half[len / 2..].fill(0);
            let full = vec![0xff; len];
            for mut modulus in [sparse, half, full, octets(seed, len)] {
                modulus[0] |= if len == 128 { 0x80 } else { 1 };
                modulus[len - 1] |= 1;
                let mut greatest = modulus.clone();
                greatest[len - 1] -= 1;
                let mut some = octets(!seed, len);
                some[0] = 0;
                let mut one = vec![0; len];
                one[len - 1] = 1;
                for signature in [vec![0; len], one, some, greatest] {
                    match len {
                        128 => agrees::<{ limbs(1024) }>(&modulus, &signature),
                        ..=256 => agrees::<{ limbs(2048) }>(&modulus, &signature),
                        _ => agrees::<{ limbs(4096) }>(&modulus, &signature),
                    }
                }
                assert_eq!(
                    holds::<{ limbs(4096) }>(&modulus, 3, &modulus, iter::empty()),
                    None
                );
            }
        }
    }

    #[test]
    fn padding_has_eight_octets_at_least() {
        let prefix = RSA_SHA512.prefix;
        let len = prefix.len() + 64 + 3;
        assert!(encode(prefix, &[0; 64], 0).is_none());
        assert!(encode(prefix, &[0; 64], len + 7).is_none());
        assert_eq!(encode(prefix, &[0; 64], len + 8).unwrap().count(), len + 8);
    }
}
