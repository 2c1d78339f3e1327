//! ECDSA: the examples of RFC 6605 6, and what must fail.
#![cfg(all(feature = "p256", feature = "p384"))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use p256::elliptic_curve::PrimeField;
use scop_core::crypto::{Hash, Hasher, PublicKey, Verify, VerifyError};
use scop_crypto::{ECDSA_P256_SHA256, ECDSA_P384_SHA384, SHA256, SHA384};

/// Decodes base64; blanks do not count.
fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u8> = text.bytes().filter_map(digit).collect();
    let bits = digits.chunks(4).flat_map(|chunk| {
        let sum = chunk
            .iter()
            .fold(0u32, |sum, digit| sum << 6 | u32::from(*digit));
        let sum = sum << (6 * (4 - chunk.len()));
        sum.to_be_bytes()[1..chunk.len()].to_vec()
    });
    bits.collect()
}

struct Case {
    verifier: &'static dyn Verify,
    key: Vec<u8>,
    digest: Vec<u8>,
    signature: Vec<u8>,
    /// The order of the group, as many octets as a coordinate has.
    order: Vec<u8>,
}

impl Case {
    fn verify(&self) -> Result<(), VerifyError> {
        self.verifier
            .verify(PublicKey::Ecdsa(&self.key), &self.digest, &self.signature)
    }
}

/// What a signature over `www.example.net. 3600 IN A 192.0.2.1` covers (RFC 4034 3.1.8.1).
fn signed(hash: &dyn Hash, algorithm: u8, times: [u32; 2], tag: u16) -> Vec<u8> {
    let mut hasher = Hasher::new(hash);
    hasher.update(&[0, 1, algorithm, 3]);
    hasher.update(&3600u32.to_be_bytes());
    hasher.update(&times[0].to_be_bytes());
    hasher.update(&times[1].to_be_bytes());
    hasher.update(&tag.to_be_bytes());
    hasher.update(b"\x07example\x03net\x00");
    hasher.update(b"\x03www\x07example\x03net\x00\x00\x01\x00\x01");
    hasher.update(&3600u32.to_be_bytes());
    hasher.update(&[0, 4, 192, 0, 2, 1]);
    hasher.finish().as_bytes().to_vec()
}

/// RFC 6605 6.1 and 6.2.
fn cases() -> [Case; 2] {
    [
        Case {
            verifier: &ECDSA_P256_SHA256,
            key: base64(
                "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edb
                 krSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
            ),
            // 20100909100439 and 20100812100439
            digest: signed(&SHA256, 13, [1_284_026_679, 1_281_607_479], 55648),
            signature: base64(
                "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXA
                 yGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==",
            ),
            order: (-p256::Scalar::ONE).to_repr().to_vec(),
        },
        Case {
            verifier: &ECDSA_P384_SHA384,
            key: base64(
                "xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1
                 w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8
                 /uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40",
            ),
            // 20100909102025 and 20100812102025
            digest: signed(&SHA384, 14, [1_284_027_625, 1_281_608_425], 10771),
            signature: base64(
                "/L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP
                 95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuz
                 WTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm",
            ),
            order: (-p384::Scalar::ONE).to_repr().to_vec(),
        },
    ]
    .map(|mut case| {
        // One more than the greatest scalar.
        *case.order.last_mut().unwrap() += 1;
        case
    })
}

/// `a - b` as numbers, most significant octet first.
fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut digits: Vec<u8> = Vec::new();
    for (a, b) in a.iter().zip(b).rev() {
        let digit = i16::from(*a) - i16::from(*b) - borrow;
        digits.push(u8::try_from(digit.rem_euclid(256)).unwrap());
        borrow = i16::from(digit < 0);
    }
    digits.reverse();
    digits
}

#[test]
fn rfc_6605_examples() {
    for case in cases() {
        assert_eq!(case.verify(), Ok(()), "{:?}", case.verifier.algorithm());
    }
}

#[test]
fn the_other_s_verifies_too() {
    for mut case in cases() {
        let half = case.order.len();
        let (r, s) = case.signature.split_at(half);
        case.signature = [r, &difference(&case.order, s)].concat();
        assert_eq!(
            case.verify(),
            Ok(()),
            "RFC 6605 does not ask for the lower s"
        );
    }
}

#[test]
fn one_changed_bit_anywhere_fails() {
    for mut case in cases() {
        for at in 0..case.signature.len() {
            case.signature[at] ^= 1;
            assert_eq!(case.verify(), Err(VerifyError), "signature {at}");
            case.signature[at] ^= 1;
        }
        for at in 0..case.key.len() {
            case.key[at] ^= 1;
            assert_eq!(case.verify(), Err(VerifyError), "key {at}");
            case.key[at] ^= 1;
        }
        for at in 0..case.digest.len() {
            case.digest[at] ^= 1;
            assert_eq!(case.verify(), Err(VerifyError), "digest {at}");
            case.digest[at] ^= 1;
        }
        assert_eq!(case.verify(), Ok(()));
    }
}

#[test]
fn numbers_out_of_range_fail() {
    for mut case in cases() {
        let half = case.order.len();
        let (r, s) = (
            case.signature[..half].to_vec(),
            case.signature[half..].to_vec(),
        );
        let (zero, ones) = (vec![0; half], vec![0xff; half]);
        let mut one = zero.clone();
        one[half - 1] = 1;
        for number in [&zero, &case.order, &ones, &one].map(Vec::clone) {
            for signature in [[&number, &s[..]], [&r, &number[..]], [&number, &number[..]]] {
                case.signature = signature.concat();
                assert_eq!(case.verify(), Err(VerifyError), "{:02x?}", case.signature);
            }
        }
    }
}

#[test]
fn other_lengths_fail() {
    for mut case in cases() {
        let good = case.signature.clone();
        for signature in [
            &[][..],
            &good[1..],
            &good[..good.len() - 1],
            &[&good[..], &[0]].concat(),
        ] {
            case.signature = signature.to_vec();
            assert_eq!(case.verify(), Err(VerifyError));
        }
        case.signature = good;
        let good = case.key.clone();
        // With the 4 before it, with a number less, and as a compressed point.
        let half = case.order.len();
        for key in [
            &[&[4], &good[..]].concat(),
            &good[..half],
            &[&[2], &good[..half]].concat(),
            &[],
        ] {
            case.key = key.to_vec();
            assert_eq!(case.verify(), Err(VerifyError));
        }
        case.key = good;
        let good = case.digest.clone();
        for digest in [&good[..good.len() - 1], &[&good[..], &[0]].concat(), &[]] {
            case.digest = digest.to_vec();
            assert_eq!(case.verify(), Err(VerifyError));
        }
    }
}

#[test]
fn points_that_are_no_key_fail() {
    for mut case in cases() {
        let half = case.order.len();
        let good = case.key.clone();
        // The point at infinity has no coordinates; zeros are not on the curve.
        for key in [
            vec![0; 2 * half],
            vec![0xff; 2 * half],
            [&good[half..], &good[..half]].concat(),
        ] {
            case.key = key;
            assert_eq!(case.verify(), Err(VerifyError));
        }
        let other = PublicKey::Ed25519(&good);
        let result = case.verifier.verify(other, &case.digest, &case.signature);
        assert_eq!(result, Err(VerifyError));
    }
}

#[test]
fn the_arithmetic_of_these_tests_is_right() {
    assert_eq!(difference(&[1, 0], &[0, 1]), [0, 255]);
    assert_eq!(
        ["TWFu", "TWE=", "TQ=="].map(base64),
        [&b"Man"[..], b"Ma", b"M"]
    );
}
