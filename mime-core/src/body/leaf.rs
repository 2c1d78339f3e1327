//! What a person wants of a part: its text in UTF-8, the name of its file.
//!
//! ```
//! use scop_mime_core::{Charset, Message};
//!
//! let input = b"Content-Type: text/plain; charset=iso-8859-1; name=old.txt\r\n\
//!     Content-Disposition: inline; filename*=utf-8''caf%C3%A9.txt\r\n\
//!     Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9";
//! let part = Message::index(input).part(&[]).unwrap();
//! assert_eq!(part.file_name().unwrap().to_string(), "caf\u{e9}.txt");
//!
//! let mut text = Vec::new();
//! let found = part.text(&mut text)?;
//! assert_eq!(text, "caf\u{e9}".as_bytes());
//! assert_eq!(found.charset, Charset::ISO_8859_1);
//! assert!(found.is_clean());
//! # Ok::<(), scop_mime_core::body::leaf::TextError>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, Sink, SliceSink};

use super::event::Kind;
use super::index::Part;
use crate::charset::{Charset, CharsetDecoder};
use crate::coding::Decoder;
use crate::coding::encoding::Encoding;
use crate::defect::DefectSet;
use crate::header::content::disposition::ContentDisposition;
use crate::header::encoded_word::Compare;
use crate::header::lexical::display;
use crate::header::parameter::Parameter;

#[cfg(test)]
mod tests;

/// More than the longest name of a character set in the registry of IANA has, which is 45 octets.
const MAX_LABEL: usize = 64;

impl<'a> Part<'a> {
    /// The first Content-Disposition, read as far as it goes.
    pub fn content_disposition(&self) -> Option<ContentDisposition<'a>> {
        let field = self.field(b"Content-Disposition")?;
        let limits = self.index().limits();
        ContentDisposition::recover_within(field.value(), &limits).0
    }

    /// The name of the file that the part was: `filename` of Content-Disposition (RFC 2183 2.3), else
    /// `name` of Content-Type, which came before it.
    pub fn file_name(&self) -> Option<FileName<'a>> {
        let parameter = self
            .content_disposition()
            .and_then(|disposition| disposition.filename())
            .or_else(|| self.content_type().parameters().get(b"name"))?;
        Some(FileName { parameter })
    }

    /// Writes the text of a text leaf in UTF-8: its transfer encoding undone, its character set converted.
    /// Says what was wrong with either. Lines end as they do in the message; controls stay.
    ///
    /// Without `charset` it is US-ASCII (RFC 2046 4.1.2), and what is not becomes U+FFFD.
    ///
    /// # Errors
    /// When there is no telling what the text is; nothing was written then. [`Part::text_in`] takes another
    /// character set, [`Part::decode`] gives the octets. [`TextError::Full`] when the sink is.
    pub fn text<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<TextFound, TextError> {
        let charset = match self.content_type().charset() {
            None => Charset::US_ASCII,
            Some(parameter) => {
                let mut label = [0; MAX_LABEL];
                let mut label = SliceSink::new(&mut label);
                let is_whole = parameter.octets(&mut label).is_ok();
                Charset::of_label(label.written())
                    .filter(|_| is_whole)
                    .ok_or(TextError::UnknownCharset)
            }?,
        };
        self.text_in(charset, sink)
    }

    /// [`Part::text`] in a character set of the caller's choice, whatever Content-Type says.
    ///
    /// # Errors
    /// As [`Part::text`].
    pub fn text_in<S: Sink + ?Sized>(
        &self,
        charset: Charset,
        sink: &mut S,
    ) -> Result<TextFound, TextError> {
        let body = match (self.content().kind, self.body()) {
            (Kind::Leaf, Some(body)) if self.content_type().is_type(b"text") => body,
            _ => return Err(TextError::NotText),
        };
        if self.content().encoding == Encoding::Unknown {
            return Err(TextError::UnknownEncoding);
        }
        let mut decoder = Decoder::new(self.content().encoding);
        let mut to_utf8 = ToUtf8 {
            decoder: CharsetDecoder::new(charset),
            sink,
        };
        decoder.put(body, &mut to_utf8)?;
        decoder.finish(&mut to_utf8)?;
        to_utf8.decoder.finish(to_utf8.sink)?;
        Ok(TextFound {
            charset,
            encoding: decoder.defects(),
            not_in_charset: to_utf8.decoder.had_errors(),
        })
    }
}

/// What [`Part::text`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextFound {
    /// The character set that was read.
    pub charset: Charset,
    /// What is wrong with the transfer encoding.
    pub encoding: DefectSet,
    /// Octets that the character set does not have; each is U+FFFD in the text.
    pub not_in_charset: bool,
}

impl TextFound {
    /// Whether nothing was wrong.
    pub const fn is_clean(&self) -> bool {
        self.encoding.is_empty() && !self.not_in_charset
    }
}

/// Why there is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextError {
    /// The part is no leaf of type text.
    NotText,
    /// Nobody here knows the character set.
    UnknownCharset,
    /// Nobody knows the transfer encoding.
    UnknownEncoding,
    /// The sink cannot take it.
    Full,
}

impl From<Full> for TextError {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotText => "the part is no text (RFC 2046 4.1)",
            Self::UnknownCharset => "the character set is not known (RFC 2046 4.1.2)",
            Self::UnknownEncoding => "the transfer encoding is not known (RFC 2045 6.4)",
            Self::Full => return Full.fmt(f),
        })
    }
}

impl core::error::Error for TextError {}

/// The name of a file, from a stranger.
///
/// It is written as UTF-8 without control characters. It can be empty, hold path separators, or characters
/// that change the direction of writing: do not open a file of that name.
///
/// Encoded words in it are decoded. RFC 2047 5 forbids them in a parameter, much mail has them, and who
/// wrote one meant the text in it; [`FileName::has_encoded_words`] says so, and the
/// [value](Parameter::value) of [`FileName::parameter`] is the text without that.
#[derive(Clone, Copy, Debug)]
pub struct FileName<'a> {
    parameter: Parameter<'a>,
}

impl<'a> FileName<'a> {
    /// The parameter that it is.
    pub const fn parameter(&self) -> Parameter<'a> {
        self.parameter
    }

    /// Whether the text is `text`.
    pub fn is(&self, text: &str) -> bool {
        let mut compare = Compare(Cursor::new(text.as_bytes()));
        self.emit(&mut compare).is_ok() && compare.0.is_at_end()
    }

    /// Whether something in it looks like an encoded word.
    pub fn has_encoded_words(&self) -> bool {
        self.parameter.value_with_encoded_words().is_some()
    }

    /// Whether it is not quite what was meant: an encoded word that cannot be decoded, a character set
    /// that is not known, octets that it does not have.
    pub fn had_errors(&self) -> bool {
        match self.parameter.value_with_encoded_words() {
            Some(text) => text.encoded_word_defects().bad.is_some(),
            None => self.parameter.value().error().is_some(),
        }
    }
}

/// Written as it reads, without any quoting. Not for use inside a header field.
impl Emit for FileName<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match self.parameter.value_with_encoded_words() {
            Some(text) => text.emit(sink),
            None => self.parameter.value().emit(sink),
        }
    }
}

impl fmt::Display for FileName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// Converts what is put.
struct ToUtf8<'s, S: ?Sized> {
    decoder: CharsetDecoder,
    sink: &'s mut S,
}

impl<S: Sink + ?Sized> Sink for ToUtf8<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.decoder.put(bytes, self.sink)
    }
}
