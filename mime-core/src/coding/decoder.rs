//! One decoder for all encodings.
//!
//! ```
//! use scop_mime_core::Encoding;
//! use scop_mime_core::coding::Decoder;
//!
//! let mut octets = Vec::new();
//! let mut decoder = Decoder::new(Encoding::QuotedPrintable);
//! decoder.put(b"caf=C3", &mut octets)?;
//! decoder.put(b"=A9\r\n", &mut octets)?;
//! decoder.finish(&mut octets)?;
//! assert_eq!(octets, "caf\u{e9}\r\n".as_bytes());
//! assert!(decoder.defects().is_empty());
//! # Ok::<(), scop_core::Full>(())
//! ```

use scop_core::{Full, Sink};

use super::encoding::Encoding;
use super::{base64, quoted_printable, uuencode};
use crate::defect::{Defect, DefectKind, DefectSet};

#[cfg(test)]
mod tests;

/// Takes a body as it was sent, writes its octets.
///
/// A body that is not encoded, and one in an encoding that nobody knows (RFC 2045 6.4), passes as it
/// is, in the slices in which it comes.
#[derive(Clone, Debug)]
pub struct Decoder(Inner);

#[derive(Clone, Debug)]
enum Inner {
    Identity,
    Base64(base64::Decoder),
    QuotedPrintable(quoted_printable::Decoder),
    Uuencode(uuencode::Decoder),
}

/// Does the same with whichever decoder it is.
macro_rules! each {
    ($inner:expr, $identity:expr, $decoder:ident => $call:expr) => {
        match $inner {
            Inner::Identity => $identity,
            Inner::Base64($decoder) => $call,
            Inner::QuotedPrintable($decoder) => $call,
            Inner::Uuencode($decoder) => $call,
        }
    };
}

impl Decoder {
    /// At the start of a body in `encoding`.
    pub fn new(encoding: Encoding) -> Self {
        Self(match encoding {
            Encoding::SevenBit | Encoding::EightBit | Encoding::Binary | Encoding::Unknown => {
                Inner::Identity
            }
            Encoding::QuotedPrintable => Inner::QuotedPrintable(quoted_printable::Decoder::new()),
            Encoding::Base64 => Inner::Base64(base64::Decoder::new()),
            Encoding::Uuencode => Inner::Uuencode(uuencode::Decoder::new()),
        })
    }

    /// Takes the next bytes of the body.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn put<S: Sink + ?Sized>(&mut self, input: &[u8], sink: &mut S) -> Result<(), Full> {
        each!(&mut self.0, sink.put(input), decoder => decoder.put(input, sink))
    }

    /// The body is over.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn finish<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), Full> {
        each!(&mut self.0, Ok(()), decoder => decoder.finish(sink))
    }

    /// The kinds of defects so far; complete after [`Self::finish`].
    pub const fn defects(&self) -> DefectSet {
        each!(&self.0, DefectSet::EMPTY, decoder => decoder.defects())
    }

    /// The byte of the input, counted over all calls, of the first defect of `kind`.
    pub fn first(&self, kind: DefectKind) -> Option<u64> {
        each!(&self.0, None, decoder => decoder.first(kind))
    }

    /// The first defect of each kind, in the order in which they were found.
    pub fn first_defects(&self) -> impl Iterator<Item = Defect> {
        let found = each!(&self.0, None, decoder => Some(decoder.found()));
        found.into_iter().flat_map(super::found::Found::iter)
    }
}
