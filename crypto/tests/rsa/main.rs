//! RSA verification: the `rsa` crate as oracle, and forgeries made with the private key.
#![cfg(feature = "rsa-verify")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod keys;
#[cfg(feature = "rsa")]
mod signing;

use keys::key;
use rsa::BoxedUint;
use rsa::traits::PublicKeyParts;
use scop_core::crypto::{PublicKey, Verify, VerifyError};
use scop_crypto::{RSA_SHA256, RSA_SHA512};
use sha2::{Digest, Sha256, Sha512};

const SHA256_PREFIX: &[u8] =
    b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

/// A key of a size and a signature over the SHA-256 of some octets.
struct Case {
    key: &'static rsa::PrivateKey,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    digest: Vec<u8>,
    signature: Vec<u8>,
}

impl Case {
    fn new(bits: usize, exponent: u64) -> Self {
        let key = key(bits, exponent);
        let digest = Sha256::digest(bits.to_be_bytes()).to_vec();
        Self {
            key,
            modulus: key.n_bytes().to_vec(),
            exponent: key.e_bytes().to_vec(),
            signature: key.pkcs1v15_sign_prehash::<Sha256>(&digest).unwrap(),
            digest,
        }
    }

    fn verify(&self) -> Result<(), VerifyError> {
        RSA_SHA256.verify(
            PublicKey::Rsa {
                modulus: &self.modulus,
                exponent: &self.exponent,
            },
            &self.digest,
            &self.signature,
        )
    }

    /// What the `rsa` crate says of the same.
    fn oracle(&self) -> bool {
        let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
        rsa::PublicKey::new(number(&self.modulus), number(&self.exponent)).is_ok_and(|key| {
            key.pkcs1v15_verify_prehash::<Sha256>(&self.digest, &self.signature)
                .is_ok()
        })
    }

    /// Signs an encoded message as it is: what a forger can do who has a bug to aim at.
    fn sign_raw(&mut self, encoded: &[u8]) {
        assert_eq!(encoded.len(), self.modulus.len());
        let number = BoxedUint::from_be_slice(encoded, self.key.n_bits_precision()).unwrap();
        let rng: Option<&mut keys::SeededRng> = None;
        let power = rsa::hazmat::rsa_decrypt_and_check(self.key, rng, &number).unwrap();
        let bytes = power.to_be_bytes();
        self.signature = bytes[bytes.len() - self.modulus.len()..].to_vec();
    }

    /// The one good encoding, with `digest_info` in place of the usual one.
    fn encoding(&self, digest_info: &[u8]) -> Vec<u8> {
        let ones = self.modulus.len() - digest_info.len() - 3;
        [&[0, 1], &vec![0xff; ones][..], &[0], digest_info].concat()
    }
}

const SIZES: &[usize] = &[1024, 1025, 1032, 1536, 2047, 2048, 2049, 3072, 4096];

#[test]
fn signatures_of_the_rsa_crate_verify() {
    for bits in SIZES {
        let case = Case::new(*bits, 65537);
        assert_eq!(case.verify(), Ok(()), "{bits}");
        assert!(case.oracle());
        let message = b"over SHA-512";
        let signature = case.key.pkcs1v15_sign::<Sha512>(message).unwrap();
        let key = PublicKey::Rsa {
            modulus: &case.modulus,
            exponent: &case.exponent,
        };
        let digest = Sha512::digest(message);
        assert_eq!(RSA_SHA512.verify(key, &digest, &signature), Ok(()));
        assert_eq!(
            RSA_SHA256.verify(key, &digest[..32], &signature),
            Err(VerifyError)
        );
        assert_eq!(
            RSA_SHA256.verify(key, &digest, &signature),
            Err(VerifyError)
        );
        assert_eq!(
            RSA_SHA512.verify(key, &case.digest, &case.signature),
            Err(VerifyError)
        );
    }
}

#[cfg(feature = "sha1")]
#[test]
fn sha1_verifies_where_it_is_asked_for() {
    use sha1::Sha1;
    let case = Case::new(1024, 65537);
    let digest = Sha1::digest(b"old");
    let info = [
        b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
        &digest[..],
    ];
    let mut signed = Case::new(1024, 65537);
    signed.sign_raw(&case.encoding(&info.concat()));
    let key = PublicKey::Rsa {
        modulus: &case.modulus,
        exponent: &case.exponent,
    };
    assert_eq!(
        scop_crypto::RSA_SHA1.verify(key, &digest, &signed.signature),
        Ok(())
    );
    assert_eq!(
        scop_crypto::RSA_SHA1.verify(key, &digest, &case.signature),
        Err(VerifyError)
    );
}

#[test]
fn other_exponents_verify() {
    for exponent in [3, 5, 17, 0x1_0003, 0x8000_0001, 0xffff_ffff] {
        let case = Case::new(1024, exponent);
        assert_eq!(case.verify(), Ok(()), "{exponent}");
        assert!(case.oracle());
    }
}

#[test]
fn one_changed_octet_anywhere_fails() {
    for bits in [1024, 2047] {
        for at in 0..Case::new(bits, 65537).modulus.len() {
            for mask in [0x01, 0x80] {
                let mut case = Case::new(bits, 65537);
                case.signature[at] ^= mask;
                assert_eq!(case.verify(), Err(VerifyError), "signature {at}");
                assert!(!case.oracle());
                let mut case = Case::new(bits, 65537);
                case.modulus[at] ^= mask;
                assert_eq!(case.verify(), Err(VerifyError), "modulus {at}");
            }
        }
        for at in 0..32 {
            let mut case = Case::new(bits, 65537);
            case.digest[at] ^= 1;
            assert_eq!(case.verify(), Err(VerifyError), "digest {at}");
        }
    }
}

#[test]
fn numbers_out_of_range_fail() {
    for bits in [1024, 1032, 1536, 2047, 2048] {
        let good = Case::new(bits, 65537);
        let len = good.modulus.len();
        let number = |small: u8| [&vec![0; len - 1][..], &[small]].concat();
        let mut below = good.modulus.clone();
        below[len - 1] -= 1;
        let wide = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, 4096).unwrap();
        let congruent = wide(&good.modulus) + wide(&good.signature);
        for signature in [
            number(0),
            number(1),
            below,
            good.modulus.clone(),
            congruent.to_be_bytes_trimmed_vartime().to_vec(),
            vec![0xff; len],
            Vec::new(),
            good.signature[..len - 1].to_vec(),
            good.signature[1..].to_vec(),
            [&good.signature[..], &[0]].concat(),
            [&[0], &good.signature[..]].concat(),
        ] {
            let case = Case {
                signature,
                ..Case::new(bits, 65537)
            };
            assert_eq!(
                case.verify(),
                Err(VerifyError),
                "{bits} {:02x?}",
                case.signature
            );
            assert!(!case.oracle());
        }
    }
}

/// The signature of 2047 bits plus the modulus still fits 256 octets, and is congruent to it.
#[test]
fn a_signature_plus_the_modulus_of_the_same_length_fails() {
    let mut case = Case::new(2047, 65537);
    let sum = BoxedUint::from_be_slice_vartime(&case.modulus)
        + BoxedUint::from_be_slice_vartime(&case.signature);
    let bytes = sum.to_be_bytes();
    assert_eq!(bytes.len(), case.signature.len());
    case.signature = bytes.to_vec();
    assert_eq!(case.verify(), Err(VerifyError));
}

#[test]
fn zeros_before_a_number_of_the_key_are_no_part_of_it() {
    let mut case = Case::new(1024, 65537);
    case.modulus.splice(0..0, [0, 0]);
    case.exponent.splice(0..0, [0; 9]);
    assert_eq!(case.verify(), Ok(()));
}

#[test]
fn keys_that_are_not_allowed_fail() {
    let good = Case::new(1024, 65537);
    let mut even = good.modulus.clone();
    even[127] &= 0xfe;
    let moduli = [
        Vec::new(),
        vec![0; 128],
        vec![1],
        even,
        [0; 128].into_iter().chain([1]).collect(),
    ];
    for modulus in moduli {
        let case = Case {
            modulus,
            ..Case::new(1024, 65537)
        };
        assert_eq!(case.verify(), Err(VerifyError), "{:02x?}", case.modulus);
    }
    let exponents: &[&[u8]] = &[
        b"",
        b"\0",
        b"\x01",
        b"\x02",
        b"\x01\x00\x00",
        b"\x01\x00\x00\x00\x01",
    ];
    for exponent in exponents {
        let case = Case {
            exponent: exponent.to_vec(),
            ..Case::new(1024, 65537)
        };
        assert_eq!(case.verify(), Err(VerifyError), "{exponent:02x?}");
    }
    for key in [
        PublicKey::Ed25519(&good.modulus),
        PublicKey::Ecdsa(&good.modulus),
    ] {
        assert_eq!(
            RSA_SHA256.verify(key, &good.digest, &good.signature),
            Err(VerifyError)
        );
    }
}

/// With the exponent 1 the signature would be its own encoding, and anyone could write it.
#[test]
fn the_exponent_one_is_no_signature() {
    let mut case = Case::new(1024, 65537);
    case.signature = case.encoding(&[SHA256_PREFIX, &case.digest].concat());
    case.exponent = vec![1];
    assert_eq!(case.verify(), Err(VerifyError));
}

/// A modulus that is just too small or too large, with a signature that is good under it: a modulus
/// greater than the cube of the encoding cannot be had here, so the key is made for the test.
#[test]
fn moduli_outside_1024_to_4096_bits_fail() {
    let mut rng = keys::SeededRng::new(1);
    let small = rsa::PrivateKey::new_with_exp_unchecked(&mut rng, 1023, 65537u32.into()).unwrap();
    let large = rsa::PrivateKey::new_with_exp_unchecked(&mut rng, 4104, 65537u32.into());
    for key in [small, large.unwrap()] {
        let digest = Sha256::digest(b"size");
        let signature = key.pkcs1v15_sign_prehash::<Sha256>(&digest).unwrap();
        let key = PublicKey::Rsa {
            modulus: &key.n_bytes(),
            exponent: &key.e_bytes(),
        };
        assert_eq!(
            RSA_SHA256.verify(key, &digest, &signature),
            Err(VerifyError)
        );
    }
}

/// Every other way to write what RFC 8017 9.2 writes in one way; several verified somewhere once.
#[test]
fn other_encodings_fail() {
    for bits in [1024, 1032, 2048] {
        let mut case = Case::new(bits, 65537);
        let digest = case.digest.clone();
        let info = |prefix: &[u8]| [prefix, &digest].concat();
        let good = case.encoding(&info(SHA256_PREFIX));
        case.sign_raw(&good);
        assert_eq!(case.verify(), Ok(()), "the control");

        let start = good.len() - 51;
        let with = |at: usize, octet: u8| {
            let mut bytes = good.clone();
            bytes[at] = octet;
            bytes
        };
        let mut garbage = good.clone();
        garbage.drain(2..22);
        garbage.extend([0xaa; 20]);
        // After AlgorithmIdentifier.
        let mut garbage_inside = good.clone();
        garbage_inside.drain(2..12);
        let inside = start - 10 + 17;
        garbage_inside.splice(inside..inside, [0x05; 10]);
        let mut short_padding = good[..2].to_vec();
        short_padding.extend([0xff; 8]);
        short_padding.push(0);
        short_padding.extend(info(SHA256_PREFIX));
        short_padding.resize(good.len(), 0);
        let null_less =
            info(b"\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20");
        let long_length = info(
            b"\x30\x81\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
        );
        let indefinite = [
            &b"\x30\x80\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"[..],
            &digest,
            &[0, 0],
        ]
        .concat();
        let other_hash =
            info(b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x20");
        let parameters = info(
            b"\x30\x33\x30\x0f\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x02\xaa\xaa\x04\x20",
        );
        let encodings = [
            ("NULL left out", case.encoding(&null_less)),
            ("long form of a length", case.encoding(&long_length)),
            ("indefinite length", case.encoding(&indefinite)),
            ("another hash", case.encoding(&other_hash)),
            ("parameters with content", case.encoding(&parameters)),
            ("digest alone", case.encoding(&digest)),
            ("octets after the digest", garbage),
            ("octets in DigestInfo", garbage_inside),
            ("eight octets of padding, then the rest zero", short_padding),
            ("first octet is one", with(0, 1)),
            ("block type 0", with(1, 0)),
            ("block type 2", with(1, 2)),
            ("padding starts with another octet", with(2, 0xfe)),
            ("padding ends with another octet", with(start - 2, 0x7f)),
            ("padding ends early", with(start - 2, 0)),
            ("separator is not zero", with(start - 1, 0xff)),
            ("separator is one", with(start - 1, 1)),
            (
                "digest differs in the last bit",
                with(good.len() - 1, digest[31] ^ 1),
            ),
        ];
        for (name, encoded) in encodings {
            assert_ne!(encoded, good);
            case.sign_raw(&encoded);
            assert_eq!(case.verify(), Err(VerifyError), "{name}");
        }
    }
}

/// A digest of another length is refused, also where the signature is over just that.
#[test]
fn what_is_not_a_digest_fails() {
    let mut case = Case::new(1024, 65537);
    for len in [0, 20, 31, 33, 64] {
        case.digest = vec![7; len];
        case.sign_raw(&case.encoding(&[SHA256_PREFIX, &case.digest].concat()));
        assert_eq!(case.verify(), Err(VerifyError), "{len}");
    }
    case.digest = vec![7; 32];
    case.sign_raw(&case.encoding(&[SHA256_PREFIX, &case.digest].concat()));
    assert_eq!(case.verify(), Ok(()));
}

/// The cube of a number can be made to look right at its start; only the end gives it away.
#[test]
fn a_cube_root_forgery_fails() {
    let mut case = Case::new(2048, 3);
    let digest = case.digest.clone();
    let mut wanted = [&[0, 1], &[0xff; 8][..], &[0], SHA256_PREFIX, &digest].concat();
    wanted.resize(256, 0);
    let wanted = BoxedUint::from_be_slice(&wanted, 2048).unwrap();
    // The least number whose cube is not below what is wanted.
    let cube = |number: &BoxedUint| number.wrapping_mul(number).wrapping_mul(number);
    let mut root = BoxedUint::zero_with_precision(2048);
    for bit in (0..682).rev() {
        let more = root.wrapping_add(BoxedUint::one_with_precision(2048) << bit);
        if cube(&more) <= wanted {
            root = more;
        }
    }
    root = root.wrapping_add(BoxedUint::one_with_precision(2048));
    let forged = cube(&root).to_be_bytes();
    let start = [&[0, 1], &[0xff; 8][..], &[0], SHA256_PREFIX, &digest].concat();
    assert_eq!(forged[..start.len()], start, "the forgery is a forgery");
    case.signature = root.to_be_bytes().to_vec();
    assert_eq!(case.verify(), Err(VerifyError));
}
