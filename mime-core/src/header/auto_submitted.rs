//! Auto-Submitted (RFC 3834 5): whether a person or a program sent a message.
//!
//! ```
//! use scop_mime_core::header::auto_submitted::AutoSubmitted;
//! let field = AutoSubmitted::parse(b" auto-replied (vacation)")?;
//! assert!(field.is(b"Auto-Replied") && field.is_automatic());
//! # Ok::<(), scop_mime_core::header::auto_submitted::AutoSubmittedError>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::lexical::{LexicalErrorKind, since, skip_cfws};
use super::parameter::read::is_token_byte;
use super::parameter::{ParameterErrorKind, Parameters};

/// Which rule of RFC 3834 5 is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AutoSubmittedErrorKind {
    /// A comment is malformed.
    Lexical(LexicalErrorKind),
    /// No keyword.
    NoKeyword,
    /// Something else than `;` behind the keyword.
    NoSemicolon,
    /// A parameter is malformed.
    Parameter(ParameterErrorKind),
}

impl fmt::Display for AutoSubmittedErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lexical(kind) => return kind.fmt(f),
            Self::Parameter(kind) => return kind.fmt(f),
            Self::NoKeyword => "a keyword is missing (RFC 3834 5)",
            Self::NoSemicolon => "something else than \";\" follows the keyword (RFC 3834 5)",
        })
    }
}

/// The error of [`AutoSubmitted::parse`].
pub type AutoSubmittedError = ParseError<AutoSubmittedErrorKind>;

/// The value of an Auto-Submitted field.
///
/// ```text
/// auto-submitted-field = [CFWS] auto-submitted [CFWS]             ; RFC 3834 5
/// auto-submitted       = ( "no" / "auto-generated" / "auto-replied" / extension ) opt-parameter-list
/// extension            = token
/// opt-parameter-list   = *( [CFWS] ";" [CFWS] parameter )         ; RFC 2045 5.1
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AutoSubmitted<'a> {
    value: &'a [u8],
    keyword: &'a [u8],
    parameters: Parameters<'a>,
}

impl<'a> AutoSubmitted<'a> {
    /// Reads the value of a field.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, AutoSubmittedError> {
        let mut cursor = Cursor::new(value);
        gap(&mut cursor)?;
        let start = cursor;
        cursor.take_while(is_token_byte);
        let keyword = since(start, &cursor);
        if keyword.is_empty() {
            return error(AutoSubmittedErrorKind::NoKeyword, &cursor);
        }
        gap(&mut cursor)?;
        if !matches!(cursor.peek(), None | Some(b';')) {
            return error(AutoSubmittedErrorKind::NoSemicolon, &cursor);
        }
        let parameters = Parameters::parse(cursor.rest()).map_err(|error| {
            let error = error.nested(cursor.offset());
            error.map(AutoSubmittedErrorKind::Parameter)
        })?;
        Ok(Self {
            value,
            keyword,
            parameters,
        })
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// The keyword, as written. Compare without ASCII case.
    pub const fn keyword(&self) -> &'a [u8] {
        self.keyword
    }

    /// Whether the keyword is `keyword`, without regard to ASCII case.
    pub fn is(&self, keyword: &[u8]) -> bool {
        self.keyword.eq_ignore_ascii_case(keyword)
    }

    /// Whether a program sent the message: any keyword but `no`. Nothing may be sent back automatically
    /// then (RFC 3834 2).
    pub fn is_automatic(&self) -> bool {
        !self.is(b"no")
    }

    /// The parameters. Their offsets count from the first semicolon.
    pub const fn parameters(&self) -> Parameters<'a> {
        self.parameters
    }
}

/// The keyword alone.
impl Emit for AutoSubmitted<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.keyword)
    }
}

fn gap(cursor: &mut Cursor<'_>) -> Result<(), AutoSubmittedError> {
    skip_cfws(cursor).map_err(|error| error.map(AutoSubmittedErrorKind::Lexical))?;
    Ok(())
}

fn error<T>(kind: AutoSubmittedErrorKind, at: &Cursor<'_>) -> Result<T, AutoSubmittedError> {
    Err(ParseError::new(kind, at.offset()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value, its keyword, whether it is automatic, and its parameters.
    type Case = (&'static [u8], &'static [u8], bool, &'static [u8]);

    #[test]
    fn known_answers() {
        let cases: [Case; 6] = [
            (b" auto-generated", b"auto-generated", true, b""),
            (b" no ", b"no", false, b""),
            (b"NO", b"NO", false, b""),
            (b"(a) auto-replied (b)", b"auto-replied", true, b""),
            (
                b"auto-notified; owner-email=\"me@example.org\"",
                b"auto-notified",
                true,
                b"; owner-email=\"me@example.org\"",
            ),
            (b"x-nothing (y)\r\n ;z=1", b"x-nothing", true, b";z=1"),
        ];
        for (value, keyword, automatic, parameters) in cases {
            let field = AutoSubmitted::parse(value).unwrap();
            assert_eq!(field.keyword(), keyword, "{value:?}");
            assert_eq!(field.is_automatic(), automatic, "{value:?}");
            assert_eq!(field.parameters().raw(), parameters, "{value:?}");
            assert_eq!(field.raw(), value);
            assert_eq!(field.to_vec(), keyword);
        }
    }

    #[test]
    fn refused() {
        use AutoSubmittedErrorKind::*;
        for (value, kind, at) in [
            (&b""[..], NoKeyword, 0),
            (b" (no)", NoKeyword, 5),
            (b"auto generated", NoSemicolon, 5),
            (b"no, yes", NoSemicolon, 2),
            (b"\xc3\xa9", NoKeyword, 0),
            (b"no (", Lexical(LexicalErrorKind::UnclosedComment), 3),
        ] {
            let error = AutoSubmitted::parse(value).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (kind, at), "{value:?}");
        }
    }
}
