//! Base64 with white space inside, as signatures and keys carry it (RFC 6376 2.10, RFC 4648 4).

use scop_core::{Full, Sink};

use crate::tag_list::is_fws;

/// Why text is not base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// A character outside the alphabet, a length that is no multiple of four, or padding that is not
    /// at the end, incomplete, or hides bits that are set: the same octets have one encoding only.
    Syntax,
    /// The sink is full.
    TooLong,
}

impl From<Full> for DecodeError {
    fn from(_: Full) -> Self {
        Self::TooLong
    }
}

/// Decodes into `sink`.
///
/// ```abnf
/// ALPHADIGITPS = (ALPHA / DIGIT / "+" / "/")
/// base64string = ALPHADIGITPS *([FWS] ALPHADIGITPS) [ [FWS] "=" [ [FWS] "=" ] ]
/// ```
pub(crate) fn decode<S: Sink + ?Sized>(text: &[u8], sink: &mut S) -> Result<(), DecodeError> {
    let mut group = 0_u32;
    let mut digits = 0_u8;
    let mut padding = 0_u8;
    for &byte in text.iter().filter(|&&byte| !is_fws(byte)) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding = padding.saturating_add(1);
                continue;
            }
            _ => return Err(DecodeError::Syntax),
        };
        if padding > 0 {
            return Err(DecodeError::Syntax);
        }
        group = group << 6 | u32::from(digit);
        digits += 1;
        if digits == 4 {
            let [_, octets @ ..] = group.to_be_bytes();
            sink.put(&octets)?;
            (group, digits) = (0, 0);
        }
    }
    match (digits, padding) {
        (0, 0) => Ok(()),
        // Two digits hold one octet and four bits, three hold two and two bits.
        (2, 2) if group.trailing_zeros() >= 4 => {
            let [.., octet] = (group >> 4).to_be_bytes();
            Ok(sink.put_byte(octet)?)
        }
        (3, 1) if group.trailing_zeros() >= 2 => {
            let [.., first, second] = (group >> 2).to_be_bytes();
            Ok(sink.put(&[first, second])?)
        }
        _ => Err(DecodeError::Syntax),
    }
}

/// Encodes `octets` into `sink`, at most four characters in one call: a folding sink may break there.
pub(crate) fn encode<S: Sink + ?Sized>(octets: &[u8], sink: &mut S) -> Result<(), Full> {
    let (groups, rest) = octets.as_chunks::<3>();
    for &[a, b, c] in groups {
        let group = u32::from_be_bytes([0, a, b, c]);
        sink.put(&[18, 12, 6, 0].map(|shift| digit(group >> shift)))?;
    }
    match *rest {
        [a] => {
            let group = u32::from_be_bytes([0, a, 0, 0]);
            sink.put(&[digit(group >> 18), digit(group >> 12), b'=', b'='])
        }
        [a, b] => {
            let group = u32::from_be_bytes([0, a, b, 0]);
            sink.put(&[
                digit(group >> 18),
                digit(group >> 12),
                digit(group >> 6),
                b'=',
            ])
        }
        _ => Ok(()),
    }
}

/// The character for the low six bits.
fn digit(bits: u32) -> u8 {
    let [.., low] = bits.to_be_bytes();
    match low & 0x3f {
        value @ 0..=25 => b'A' + value,
        value @ 26..=51 => b'a' + (value - 26),
        value @ 52..=61 => b'0' + (value - 52),
        62 => b'+',
        _ => b'/',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn decoded(text: &[u8]) -> Result<heapless::Vec<u8, 8>, DecodeError> {
        let mut octets = heapless::Vec::new();
        decode(text, &mut octets).map(|()| octets)
    }

    #[test]
    fn rfc4648_10() {
        for (octets, text) in [
            (&b""[..], &b""[..]),
            (b"f", b"Zg=="),
            (b"fo", b"Zm8="),
            (b"foo", b"Zm9v"),
            (b"foob", b"Zm9vYg=="),
            (b"fooba", b"Zm9vYmE="),
            (b"foobar", b"Zm9vYmFy"),
            (b"\xfb\xff\xfe", b"+//+"),
        ] {
            assert_eq!(decoded(text).unwrap(), octets);
            let mut encoded: heapless::Vec<u8, 16> = heapless::Vec::new();
            encode(octets, &mut encoded).unwrap();
            assert_eq!(encoded, text);
        }
        assert_eq!(decoded(b" Z\r\n m\t8 = ").unwrap(), b"fo");
    }

    #[test]
    fn one_encoding_only() {
        for text in [
            &b"Zg="[..],
            b"Zg",
            b"Z",
            b"Zg===",
            b"Zm9v=",
            b"Zm9v====",
            b"=",
            b"Zh==",
            b"Zm9=",
            b"Zg==Zg==",
            b"Zm=8",
            b"Zm9-",
            b"Zm9_",
            b"Zm9\0",
            b"Zm9;",
        ] {
            assert_eq!(decoded(text), Err(DecodeError::Syntax), "{text:?}");
        }
        assert_eq!(decoded(b"AAAAAAAAAAAA"), Err(DecodeError::TooLong));
    }

    proptest! {
        #[test]
        fn round_trip(octets: Vec<u8>) {
            let mut text = Spaced(Vec::new());
            encode(&octets, &mut text).unwrap();
            let mut back = std::vec![0; octets.len()];
            let mut sink = scop_core::SliceSink::new(&mut back);
            decode(&text.0, &mut sink).unwrap();
            prop_assert_eq!(sink.written(), &octets[..]);
        }
    }

    /// Puts a space after each group.
    struct Spaced(Vec<u8>);

    impl Sink for Spaced {
        fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
            self.0.extend_from_slice(bytes);
            self.0.push(b' ');
            Ok(())
        }
    }
}
