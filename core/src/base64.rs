//! Base64 as values of protocols carry it (RFC 4648 4): keys, signatures, exchanges of SASL.
//!
//! The reader is strict: the same octets have one encoding only. It takes any iterator over
//! characters, so that a caller whose grammar allows white space inside takes it out on the way. Bodies
//! of messages, in which base64 comes in lines and damaged, are read by `scop-mime-core`.
//!
//! ```
//! use scop_core::base64::{DecodeError, decode, encode};
//!
//! let mut octets: heapless::Vec<u8, 8> = heapless::Vec::new();
//! decode(b"c3Ryw6k=", &mut octets)?;
//! assert_eq!(octets, "stré".as_bytes());
//! assert_eq!(decode(b"c3Ry w6k=", &mut octets), Err(DecodeError::Syntax));
//!
//! let mut text: heapless::Vec<u8, 8> = heapless::Vec::new();
//! encode("stré".as_bytes(), &mut text)?;
//! assert_eq!(text, b"c3Ryw6k=");
//! # Ok::<(), DecodeError>(())
//! ```

use core::fmt;

use crate::{Full, Sink};

/// Why text is not base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// A character outside the alphabet, a length that is no multiple of four, or padding that is not
    /// at the end, incomplete, or hides bits that are set (RFC 4648 3.5).
    Syntax,
    /// The sink is full.
    Full,
}

impl From<Full> for DecodeError {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "the text is not base64 (RFC 4648 4)",
            Self::Full => "the octets do not fit",
        })
    }
}

impl core::error::Error for DecodeError {}

/// Decodes all of `text` into `sink`.
///
/// # Errors
/// When the text is not base64, or the sink is full; the output is void then.
pub fn decode<'t, S: Sink + ?Sized>(
    text: impl IntoIterator<Item = &'t u8>,
    sink: &mut S,
) -> Result<(), DecodeError> {
    let mut group = 0_u32;
    let mut digits = 0_u8;
    let mut padding = 0_u8;
    for &byte in text {
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
///
/// # Errors
/// When the sink is full.
pub fn encode<S: Sink + ?Sized>(octets: &[u8], sink: &mut S) -> Result<(), Full> {
    let mut encoder = Encoder::new(sink);
    encoder.put(octets)?;
    encoder.finish()
}

/// Encodes octets that come in pieces; as a [`Sink`] it passes the text on.
#[derive(Debug)]
pub struct Encoder<'s, S: ?Sized> {
    sink: &'s mut S,
    /// The octets of an unfinished group.
    held: [u8; 2],
    held_len: u8,
}

impl<'s, S: Sink + ?Sized> Encoder<'s, S> {
    /// Writes to `sink`.
    pub const fn new(sink: &'s mut S) -> Self {
        Self {
            sink,
            held: [0; 2],
            held_len: 0,
        }
    }

    /// The octets are over: writes the last group, padded.
    ///
    /// # Errors
    /// When the sink is full.
    pub fn finish(self) -> Result<(), Full> {
        let [a, b] = self.held;
        let [first, second, third, _] = group([a, b, 0]);
        match self.held_len {
            0 => Ok(()),
            1 => self.sink.put(&[first, second, b'=', b'=']),
            _ => self.sink.put(&[first, second, third, b'=']),
        }
    }

    fn put_octet(&mut self, octet: u8) -> Result<(), Full> {
        let [a, b] = self.held;
        match self.held_len {
            0 => self.held = [octet, 0],
            1 => self.held = [a, octet],
            _ => {
                (self.held, self.held_len) = ([0; 2], 0);
                return self.sink.put(&group([a, b, octet]));
            }
        }
        self.held_len += 1;
        Ok(())
    }
}

impl<S: Sink + ?Sized> Sink for Encoder<'_, S> {
    fn put(&mut self, mut octets: &[u8]) -> Result<(), Full> {
        while self.held_len > 0
            && let Some((&octet, rest)) = octets.split_first()
        {
            self.put_octet(octet)?;
            octets = rest;
        }
        let (groups, rest) = octets.as_chunks::<3>();
        for &octets in groups {
            self.sink.put(&group(octets))?;
        }
        rest.iter().try_for_each(|&octet| self.put_octet(octet))
    }
}

/// Four characters for three octets.
fn group([a, b, c]: [u8; 3]) -> [u8; 4] {
    let bits = u32::from_be_bytes([0, a, b, c]);
    [18, 12, 6, 0].map(|shift| digit(bits >> shift))
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
            b"Zm 9v",
            b"Zm9v\r\n",
        ] {
            assert_eq!(decoded(text), Err(DecodeError::Syntax), "{text:?}");
        }
        assert_eq!(decoded(b"AAAAAAAAAAAA"), Err(DecodeError::Full));
    }

    proptest! {
        #[test]
        fn round_trip_in_pieces(pieces: Vec<Vec<u8>>) {
            let octets = pieces.concat();
            let (mut whole, mut text) = (SinkVec::default(), SinkVec::default());
            encode(&octets, &mut whole).unwrap();
            let mut encoder = Encoder::new(&mut text);
            for piece in &pieces {
                encoder.put(piece).unwrap();
            }
            encoder.finish().unwrap();
            prop_assert_eq!(&text.0, &whole.0);
            prop_assert!(text.1 <= 4);
            let mut back = SinkVec::default();
            decode(&text.0, &mut back).unwrap();
            prop_assert_eq!(back.0, octets);
        }
    }

    /// What came, and the most that came at once.
    #[derive(Default)]
    struct SinkVec(Vec<u8>, usize);

    impl Sink for SinkVec {
        fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
            self.0.extend_from_slice(bytes);
            self.1 = self.1.max(bytes.len());
            Ok(())
        }
    }
}
