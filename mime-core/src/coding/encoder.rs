//! One encoder for all encodings.
//!
//! ```
//! use scop_mime_core::Encoding;
//! use scop_mime_core::coding::{Encoder, Form};
//!
//! let mut body = Vec::new();
//! let mut encoder = Encoder::new(Encoding::SevenBit, Form::Text).unwrap();
//! encoder.put(b"one\ntwo\r\n", &mut body)?;
//! encoder.finish(&mut body)?;
//! assert_eq!(body, b"one\r\ntwo\r\n");
//! # Ok::<(), scop_core::Full>(())
//! ```

use memchr::memchr_iter;
use scop_core::{Full, Sink};

use super::encoding::Encoding;
use super::{Form, base64, quoted_printable};

#[cfg(test)]
mod tests;

/// Takes octets, writes the body that stands for them.
///
/// In [`Form::Text`], each line end becomes CRLF before the encoding, whichever it is (RFC 2045 6.8,
/// RFC 2046 4.1.1). In 7bit, 8bit and binary nothing else is changed or checked: [`super::Stats`] tells
/// beforehand whether the octets may be written so.
#[derive(Clone, Debug)]
pub struct Encoder {
    inner: Inner,
    form: Form,
    /// The last octet was CR.
    after_cr: bool,
}

#[derive(Clone, Debug)]
enum Inner {
    Identity,
    Base64(base64::Encoder),
    QuotedPrintable(quoted_printable::Encoder),
}

impl Encoder {
    /// At the start of a body; `None` for an encoding that is only read.
    pub fn new(encoding: Encoding, form: Form) -> Option<Self> {
        let inner = match encoding {
            Encoding::SevenBit | Encoding::EightBit | Encoding::Binary => Inner::Identity,
            Encoding::Base64 => Inner::Base64(base64::Encoder::new()),
            Encoding::QuotedPrintable => {
                Inner::QuotedPrintable(quoted_printable::Encoder::new(form))
            }
            Encoding::Uuencode | Encoding::Unknown => return None,
        };
        Some(Self {
            inner,
            form,
            after_cr: false,
        })
    }

    /// Takes the next octets.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn put<S: Sink + ?Sized>(&mut self, input: &[u8], sink: &mut S) -> Result<(), Full> {
        if let Inner::QuotedPrintable(encoder) = &mut self.inner {
            // It knows the line ends itself.
            return encoder.put(input, sink);
        }
        if self.form == Form::Binary {
            return self.encode(input, sink);
        }
        let mut start = 0;
        for line_feed in memchr_iter(b'\n', input) {
            let after_cr = match line_feed.checked_sub(1) {
                Some(before) => input.get(before) == Some(&b'\r'),
                None => self.after_cr,
            };
            if !after_cr {
                self.encode(input.get(start..line_feed).unwrap_or_default(), sink)?;
                self.encode(b"\r", sink)?;
                start = line_feed;
            }
        }
        if let Some(last) = input.last() {
            self.after_cr = *last == b'\r';
        }
        self.encode(input.get(start..).unwrap_or_default(), sink)
    }

    /// The octets are over.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn finish<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), Full> {
        match &mut self.inner {
            Inner::Identity => Ok(()),
            Inner::Base64(encoder) => encoder.finish(sink),
            Inner::QuotedPrintable(encoder) => encoder.finish(sink),
        }
    }

    fn encode<S: Sink + ?Sized>(&mut self, octets: &[u8], sink: &mut S) -> Result<(), Full> {
        match &mut self.inner {
            Inner::Identity => sink.put(octets),
            Inner::Base64(encoder) => encoder.put(octets, sink),
            Inner::QuotedPrintable(encoder) => encoder.put(octets, sink),
        }
    }
}
