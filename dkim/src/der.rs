//! As much DER as RSA public keys need (X.690 8.1, 10.1; RFC 8017 A.1.1; RFC 5280 4.1).
//!
//! Strict: each key has one encoding. Lengths are definite and minimal, numbers positive and minimal,
//! and nothing follows the end.

use scop_core::Cursor;
use scop_core::crypto::PublicKey;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// `AlgorithmIdentifier` of an RSA key: rsaEncryption with NULL (RFC 3279 2.3.1), as content octets.
const RSA_ENCRYPTION: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// Reads `SubjectPublicKeyInfo` with an RSA key, or a bare `RSAPublicKey`.
///
/// ```text
/// SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }
/// RSAPublicKey         ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }
/// ```
pub(crate) fn rsa_public_key(der: &[u8]) -> Option<PublicKey<'_>> {
    let content = whole(der, SEQUENCE)?;
    let mut cursor = Cursor::new(content);
    if cursor.peek() == Some(SEQUENCE) {
        if element(&mut cursor, SEQUENCE)? != RSA_ENCRYPTION {
            return None;
        }
        let bits = element(&mut cursor, BIT_STRING)?;
        let (0, key) = bits.split_first().map(|(unused, key)| (*unused, key))? else {
            return None;
        };
        if !cursor.is_at_end() {
            return None;
        }
        cursor = Cursor::new(whole(key, SEQUENCE)?);
    }
    let modulus = unsigned(&mut cursor)?;
    let exponent = unsigned(&mut cursor)?;
    cursor
        .is_at_end()
        .then_some(PublicKey::Rsa { modulus, exponent })
}

/// The content of an element that fills `der`.
fn whole(der: &[u8], tag: u8) -> Option<&[u8]> {
    let mut cursor = Cursor::new(der);
    let content = element(&mut cursor, tag)?;
    cursor.is_at_end().then_some(content)
}

/// The content of the next element.
fn element<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Option<&'a [u8]> {
    if !cursor.skip_byte(tag) {
        return None;
    }
    let length = match cursor.take_byte()? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => usize::from(cursor.take_byte().filter(|&length| length >= 0x80)?),
        0x82 => usize::from(cursor.take_u16().filter(|&length| length >= 0x100)?),
        _ => return None,
    };
    cursor.take(length)
}

/// The octets of a positive INTEGER, most significant first, without the octet for the sign.
fn unsigned<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let content = element(cursor, INTEGER)?;
    match content {
        [0, 0x80..=0xff, ..] => content.get(1..),
        [1..=0x7f, ..] => Some(content),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn read(der: &[u8]) -> Option<(&[u8], &[u8])> {
        match rsa_public_key(der)? {
            PublicKey::Rsa { modulus, exponent } => Some((modulus, exponent)),
            _ => None,
        }
    }

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut der = std::vec![tag];
        match u8::try_from(content.len()).unwrap() {
            short @ 0..=0x7f => der.push(short),
            long => der.extend([0x81, long]),
        }
        der.extend(content);
        der
    }

    fn key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        tlv(0x30, &[tlv(2, modulus), tlv(2, exponent)].concat())
    }

    fn info(algorithm: &[u8], bits: &[u8]) -> Vec<u8> {
        tlv(0x30, &[tlv(0x30, algorithm), tlv(3, bits)].concat())
    }

    #[test]
    fn both_forms() {
        let bare = key(&[0, 0xc1, 2, 3], &[1, 0, 1]);
        let expected = Some((&[0xc1, 2, 3][..], &[1, 0, 1][..]));
        assert_eq!(read(&bare), expected);
        let wrapped = info(RSA_ENCRYPTION, &[&[0], &bare[..]].concat());
        assert_eq!(read(&wrapped), expected);
        // A modulus long enough for the other form of length.
        let long = key(&[0x7f; 200], &[3]);
        assert_eq!(read(&long), Some((&[0x7f; 200][..], &[3][..])));
    }

    #[test]
    fn one_encoding_only() {
        let bare = key(&[0x71, 2], &[3]);
        let wrapped = info(RSA_ENCRYPTION, &[&[0], &bare[..]].concat());
        for whole in [&bare, &wrapped] {
            for len in 0..whole.len() {
                assert_eq!(read(&whole[..len]), None, "cut at {len}");
            }
            assert_eq!(read(&[&whole[..], b"\0"].concat()), None);
        }
        for bad in [
            key(&[], &[3]),
            key(&[0], &[3]),
            key(&[0, 0x71], &[3]),
            key(&[0x81], &[3]),
            key(&[0x71], &[0xff]),
            tlv(0x30, &[tlv(2, &[5]), tlv(2, &[3]), tlv(2, &[1])].concat()),
            tlv(0x31, &[tlv(2, &[5]), tlv(2, &[3])].concat()),
            info(RSA_ENCRYPTION, &[&[1], &bare[..]].concat()),
            info(RSA_ENCRYPTION, &bare),
            info(RSA_ENCRYPTION, &[]),
            info(
                b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01",
                &[&[0], &bare[..]].concat(),
            ),
            info(b"\x06\x03\x2b\x65\x70", &[&[0], &bare[..]].concat()),
            info(RSA_ENCRYPTION, &[&[0], &bare[..], &[0]].concat()),
            // Lengths that are longer than they must be, or indefinite.
            b"\x30\x81\x06\x02\x01\x05\x02\x01\x03".to_vec(),
            b"\x30\x82\x00\x06\x02\x01\x05\x02\x01\x03".to_vec(),
            b"\x30\x80\x02\x01\x05\x02\x01\x03\x00\x00".to_vec(),
        ] {
            assert_eq!(read(&bad), None, "{bad:x?}");
        }
        assert!(read(b"\x30\x06\x02\x01\x05\x02\x01\x03").is_some());
    }
}
