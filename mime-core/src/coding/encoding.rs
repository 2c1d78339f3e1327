//! The names of the transfer encodings (RFC 2045 6.1).
//!
//! [`Encoding::parse`] takes what RFC 2045 allows. [`Encoding::recover`] reads any value, and says
//! what was odd: readers disagree on a comment, on a quoted string and on text behind the name.
//!
//! ```
//! use scop_mime_core::Encoding;
//! use scop_mime_core::coding::encoding::EncodingErrorKind;
//!
//! assert_eq!(Encoding::parse(b" Base64 "), Ok(Encoding::Base64));
//! assert_eq!(Encoding::parse(b"x-mine"), Ok(Encoding::Unknown));
//!
//! let (encoding, odd) = Encoding::recover(b"(not) base64; really");
//! assert_eq!(encoding, Encoding::Base64);
//! assert_eq!(odd.map(|error| error.kind()), Some(EncodingErrorKind::Trailing));
//! ```

use core::fmt;

use scop_core::{Cursor, ParseError};

use crate::header::lexical::{Enclosed, LexicalErrorKind, Text, skip_cfws, take_enclosed};

#[cfg(test)]
mod tests;

/// How the octets of a body are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Lines of ASCII: the default (RFC 2045 6.1).
    #[default]
    SevenBit,
    /// Lines of any octets but NUL (RFC 2045 2.8, RFC 6152).
    EightBit,
    /// Any octets (RFC 2045 2.9, RFC 3030).
    Binary,
    /// RFC 2045 6.7.
    QuotedPrintable,
    /// RFC 2045 6.8.
    Base64,
    /// `x-uuencode` and its other names; in no RFC.
    Uuencode,
    /// Another name: its body is opaque (RFC 2045 6.4).
    Unknown,
}

/// The names that are read; the first one for an encoding is the one that is written.
const NAMES: [(&str, Encoding); 8] = [
    ("7bit", Encoding::SevenBit),
    ("8bit", Encoding::EightBit),
    ("binary", Encoding::Binary),
    ("quoted-printable", Encoding::QuotedPrintable),
    ("base64", Encoding::Base64),
    ("x-uuencode", Encoding::Uuencode),
    ("uuencode", Encoding::Uuencode),
    ("x-uue", Encoding::Uuencode),
];

impl Encoding {
    /// Reads the value of Content-Transfer-Encoding.
    ///
    /// ```text
    /// encoding  = "Content-Transfer-Encoding" ":" mechanism           ; RFC 2045 6.1
    /// mechanism = "7bit" / "8bit" / "binary" / "quoted-printable" / "base64" / ietf-token / x-token
    /// ```
    ///
    /// White space and comments may stand around the name (RFC 2045 3). A name that nobody knows is
    /// [`Self::Unknown`].
    ///
    /// # Errors
    /// When the value is not one token. A comment is none.
    pub fn parse(value: &[u8]) -> Result<Self, ParseError<EncodingErrorKind>> {
        match Self::recover(value) {
            (encoding, None) => Ok(encoding),
            (encoding, Some(odd)) if odd.kind() == EncodingErrorKind::Comment => Ok(encoding),
            (_, Some(error)) => Err(error),
        }
    }

    /// Reads any value: the first token, or the text of a quoted string that stands there, is the name.
    /// An empty value is as good as none, so it is [`Self::SevenBit`]; one that begins with another
    /// character is [`Self::Unknown`].
    ///
    /// Says too what is odd about the value. Of several things that is the one that forbids most:
    /// a comment is only named when nothing else is odd.
    pub fn recover(value: &[u8]) -> (Self, Option<ParseError<EncodingErrorKind>>) {
        let mut cursor = Cursor::new(value);
        let mut comment = None;
        let mut gap = |cursor: &mut Cursor<'_>| {
            let at = cursor.offset();
            match skip_cfws(cursor) {
                Ok(gap) if gap.comment && comment.is_none() => {
                    comment = Some(ParseError::new(EncodingErrorKind::Comment, at));
                    Ok(())
                }
                Ok(_) => Ok(()),
                Err(error) => Err(error.map(EncodingErrorKind::Lexical)),
            }
        };
        if let Err(error) = gap(&mut cursor) {
            return (Self::Unknown, Some(error));
        }
        let start = cursor.offset();
        let mut odd = None;
        let encoding = match cursor.peek() {
            None => {
                odd = Some(ParseError::new(EncodingErrorKind::Empty, start));
                Self::SevenBit
            }
            Some(b'"') => match take_enclosed(&mut cursor, Enclosed::QuotedString) {
                Ok(quoted) => {
                    odd = Some(ParseError::new(EncodingErrorKind::Quoted, start));
                    Self::named(|name| Text::joined(quoted).is_ignore_case(name))
                }
                Err(error) => {
                    let error = error.map(EncodingErrorKind::Lexical);
                    return (Self::Unknown, Some(error));
                }
            },
            Some(_) => {
                let token = cursor.take_while(is_token);
                if token.is_empty() {
                    let error = ParseError::new(EncodingErrorKind::NotToken, start);
                    return (Self::Unknown, Some(error));
                }
                Self::named(|name| token.eq_ignore_ascii_case(name))
            }
        };
        let end = gap(&mut cursor).err();
        let trailing = (!cursor.is_at_end())
            .then(|| ParseError::new(EncodingErrorKind::Trailing, cursor.offset()));
        (encoding, odd.or(end).or(trailing).or(comment))
    }

    fn named(is: impl Fn(&[u8]) -> bool) -> Self {
        let known = NAMES.iter().find(|(name, _)| is(name.as_bytes()));
        known.map_or(Self::Unknown, |&(_, encoding)| encoding)
    }

    /// The name as it is written in Content-Transfer-Encoding; `None` for [`Self::Unknown`].
    pub fn name(self) -> Option<&'static str> {
        let known = NAMES.iter().find(|&&(_, encoding)| encoding == self);
        known.map(|&(name, _)| name)
    }

    /// Whether the body is written as it is.
    pub const fn is_identity(self) -> bool {
        matches!(self, Self::SevenBit | Self::EightBit | Self::Binary)
    }
}

/// What is odd about a value of Content-Transfer-Encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodingErrorKind {
    /// A comment, which many readers take for text. [`Encoding::parse`] allows it.
    Comment,
    /// No name (RFC 2045 6.1).
    Empty,
    /// A quoted string where a token must stand (RFC 2045 6.1).
    Quoted,
    /// A character that begins no token (RFC 2045 5.1).
    NotToken,
    /// Text behind the name (RFC 2045 6.1).
    Trailing,
    /// A comment or quoted string that is malformed.
    Lexical(LexicalErrorKind),
}

impl fmt::Display for EncodingErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comment => "a comment stands beside the transfer encoding (RFC 2045 6.1)",
            Self::Empty => "no transfer encoding is named (RFC 2045 6.1)",
            Self::Quoted => "the transfer encoding is a quoted string (RFC 2045 6.1)",
            Self::NotToken => "the transfer encoding is no token (RFC 2045 5.1)",
            Self::Trailing => "text follows the transfer encoding (RFC 2045 6.1)",
            Self::Lexical(kind) => return kind.fmt(f),
        })
    }
}

/// ```text
/// token     = 1*<any (US-ASCII) CHAR except SPACE, CTLs, or tspecials>    ; RFC 2045 5.1
/// tspecials = "(" / ")" / "<" / ">" / "@" / "," / ";" / ":" / "\" / DQUOTE / "/" / "[" / "]"
///           / "?" / "="
/// ```
const fn is_token(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~')
        && !matches!(
            byte,
            b'(' | b')'
                | b'<'
                | b'>'
                | b'@'
                | b','
                | b';'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'='
        )
}
