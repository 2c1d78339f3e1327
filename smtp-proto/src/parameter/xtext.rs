//! xtext (RFC 3461 4): octets in visible US-ASCII, as values of parameters carry them.
//!
//! ```
//! use scop_core::Emit;
//! use scop_smtp_proto::parameter::Xtext;
//!
//! let text = Xtext::parse(b"QQ+2B1+3D2")?;
//! assert!(text.octets().eq(*b"QQ+1=2"));
//! assert_eq!(Xtext::of(b"QQ+1=2"), text);
//! # Ok::<(), scop_smtp_proto::parameter::ParameterError>(())
//! ```

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::{ParameterError, ParameterErrorKind};
use crate::shown::debug_as_text;

/// Octets, and how they are written as xtext. Two are equal when their octets are.
///
/// ```text
/// xtext   = *( xchar / hexchar )                                     ; RFC 3461 4
/// xchar   = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except for "+" and "="
/// hexchar = "+" immediately followed by two upper case hexadecimal digits
/// ```
#[derive(Clone, Copy)]
pub struct Xtext<'a>(Form<'a>);

debug_as_text!(Xtext);

#[derive(Clone, Copy)]
enum Form<'a> {
    /// Well formed.
    Encoded(&'a [u8]),
    Plain(&'a [u8]),
}

impl<'a> Xtext<'a> {
    /// Reads what is written as xtext.
    ///
    /// # Errors
    /// [`ParameterErrorKind::BadXtext`], at the first octet that is none.
    pub fn parse(encoded: &'a [u8]) -> Result<Self, ParameterError> {
        let mut cursor = Cursor::new(encoded);
        while !cursor.is_at_end() {
            if take_octet(&mut cursor).is_none() {
                return Err(ParseError::new(
                    ParameterErrorKind::BadXtext,
                    cursor.offset(),
                ));
            }
        }
        Ok(Self(Form::Encoded(encoded)))
    }

    /// These octets, to be written as xtext.
    pub const fn of(octets: &'a [u8]) -> Self {
        Self(Form::Plain(octets))
    }

    /// Whether it stands for no octet.
    pub const fn is_empty(&self) -> bool {
        let (Form::Encoded(bytes) | Form::Plain(bytes)) = self.0;
        bytes.is_empty()
    }

    /// What it stands for.
    pub fn octets(&self) -> Octets<'a> {
        let (Form::Encoded(bytes) | Form::Plain(bytes)) = self.0;
        Octets {
            cursor: Cursor::new(bytes),
            encoded: matches!(self.0, Form::Encoded(_)),
        }
    }
}

/// As xtext: as it was read, or with as few encoded octets as can be.
impl Emit for Xtext<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let plain = match self.0 {
            Form::Encoded(encoded) => return sink.put(encoded),
            Form::Plain(plain) => plain,
        };
        let mut cursor = Cursor::new(plain);
        loop {
            sink.put(cursor.take_while(is_xchar))?;
            let Some(octet) = cursor.take_byte() else {
                return Ok(());
            };
            sink.put(&[b'+', digit(octet >> 4), digit(octet & 15)])?;
        }
    }
}

impl PartialEq for Xtext<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.octets().eq(other.octets())
    }
}

impl Eq for Xtext<'_> {}

/// The octets of an [`Xtext`].
#[derive(Clone, Debug)]
pub struct Octets<'a> {
    cursor: Cursor<'a>,
    encoded: bool,
}

impl Iterator for Octets<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.encoded {
            take_octet(&mut self.cursor)
        } else {
            self.cursor.take_byte()
        }
    }
}

fn is_xchar(octet: u8) -> bool {
    octet.is_ascii_graphic() && octet != b'+' && octet != b'='
}

/// An `xchar` or a `hexchar`; `None` leaves the position as it was.
fn take_octet(cursor: &mut Cursor<'_>) -> Option<u8> {
    let mut ahead = *cursor;
    let octet = match ahead.take_byte()? {
        b'+' => value(ahead.take_byte()?)? << 4 | value(ahead.take_byte()?)?,
        octet if is_xchar(octet) => octet,
        _ => return None,
    };
    *cursor = ahead;
    Some(octet)
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Of a number below 16.
fn digit(number: u8) -> u8 {
    match number {
        0..=9 => b'0' + number,
        _ => b'A' + (number & 15) - 10,
    }
}

#[cfg(test)]
mod tests {
    use super::Xtext;
    use proptest::prelude::*;
    use scop_core::Emit;
    use std::vec::Vec;

    #[test]
    fn known() {
        for (encoded, octets) in [
            (&b""[..], &b""[..]),
            (b"a+2Bb+3D", b"a+b="),
            (b"+00+7F+FF+20~!", b"\0\x7f\xff ~!"),
        ] {
            assert!(
                Xtext::parse(encoded)
                    .unwrap()
                    .octets()
                    .eq(octets.iter().copied())
            );
            assert_eq!(Xtext::of(octets).to_vec(), encoded);
            assert_eq!(Xtext::parse(encoded).unwrap().to_vec(), encoded);
        }
        for (bad, offset) in [
            (&b"a b"[..], 1),
            (b"a=", 1),
            (b"ab+", 2),
            (b"+2", 0),
            (b"+2b", 0),
            (b"+G0", 0),
            (b"\xc3\xa9", 0),
            (b"\r\n", 0),
            (b"a\0", 1),
        ] {
            assert_eq!(Xtext::parse(bad).unwrap_err().offset(), offset);
        }
        assert_eq!(Xtext::parse(b"+61").unwrap(), Xtext::of(b"a"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_octets_round_trip(octets: Vec<u8>) {
            let encoded = Xtext::of(&octets).to_vec();
            let read = Xtext::parse(&encoded).unwrap();
            prop_assert_eq!(read.octets().collect::<Vec<_>>(), octets);
        }
    }
}
