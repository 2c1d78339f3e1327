//! MIME-Version (RFC 2045 4).
//!
//! ```
//! use scop_mime_core::MimeVersion;
//! // The four are the same (RFC 2045 4).
//! for value in ["1.0", "1.0 (produced by MetaSend Vx.x)", "(produced by MetaSend Vx.x) 1.0", "1.(produced by MetaSend Vx.x)0"] {
//!     assert_eq!(MimeVersion::parse(value.as_bytes()), Ok(MimeVersion::ONE));
//! }
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use crate::header::lexical::{LexicalErrorKind, display, skip_cfws};

/// Which rule a MIME-Version breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MimeVersionErrorKind {
    /// A comment is malformed.
    Lexical(LexicalErrorKind),
    /// No number where one is due, or one beyond 2^32 - 1.
    BadNumber,
    /// No dot between the two numbers.
    NoDot,
    /// Text behind the version.
    TextAfterVersion,
}

impl fmt::Display for MimeVersionErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lexical(kind) => return kind.fmt(f),
            Self::BadNumber => "a version is not two numbers (RFC 2045 4)",
            Self::NoDot => "no dot stands between the numbers of a version (RFC 2045 4)",
            Self::TextAfterVersion => "text behind a version (RFC 2045 4)",
        })
    }
}

/// The error of [`MimeVersion::parse`].
pub type MimeVersionError = ParseError<MimeVersionErrorKind>;

/// The version of MIME that a message says it follows. There is one: [`MimeVersion::ONE`].
///
/// ```text
/// version = "MIME-Version" ":" 1*DIGIT "." 1*DIGIT                     ; RFC 2045 4
/// ```
///
/// White space and comments may stand around every token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MimeVersion {
    /// The number before the dot.
    pub major: u32,
    /// The number behind it.
    pub minor: u32,
}

impl MimeVersion {
    /// 1.0.
    pub const ONE: Self = Self { major: 1, minor: 0 };

    /// Reads the value of a field.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &[u8]) -> Result<Self, MimeVersionError> {
        let mut cursor = Cursor::new(value);
        gap(&mut cursor)?;
        let major = take_number(&mut cursor)?;
        gap(&mut cursor)?;
        if !cursor.skip_byte(b'.') {
            return error(MimeVersionErrorKind::NoDot, &cursor);
        }
        gap(&mut cursor)?;
        let minor = take_number(&mut cursor)?;
        gap(&mut cursor)?;
        if !cursor.is_at_end() {
            return error(MimeVersionErrorKind::TextAfterVersion, &cursor);
        }
        Ok(Self { major, minor })
    }
}

impl Emit for MimeVersion {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put_decimal(u64::from(self.major))?;
        sink.put_byte(b'.')?;
        sink.put_decimal(u64::from(self.minor))
    }
}

impl fmt::Display for MimeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

fn gap(cursor: &mut Cursor<'_>) -> Result<(), MimeVersionError> {
    skip_cfws(cursor).map_err(|error| error.map(MimeVersionErrorKind::Lexical))?;
    Ok(())
}

fn take_number(cursor: &mut Cursor<'_>) -> Result<u32, MimeVersionError> {
    let start = *cursor;
    let number = cursor
        .take_decimal()
        .and_then(|number| u32::try_from(number).ok());
    match number {
        Some(number) => Ok(number),
        None => error(MimeVersionErrorKind::BadNumber, &start),
    }
}

fn error<T>(kind: MimeVersionErrorKind, at: &Cursor<'_>) -> Result<T, MimeVersionError> {
    Err(ParseError::new(kind, at.offset()))
}

#[cfg(test)]
mod tests {
    use super::{MimeVersion, MimeVersionErrorKind as Kind};
    use scop_core::Emit;

    #[test]
    fn both_ways() {
        let version = MimeVersion {
            major: 4_294_967_295,
            minor: 7,
        };
        assert_eq!(version.to_vec(), b"4294967295.7");
        assert_eq!(MimeVersion::parse(&version.to_vec()), Ok(version));
    }

    #[test]
    fn malformed() {
        for (value, kind, offset) in [
            ("", Kind::BadNumber, 0),
            ("one.zero", Kind::BadNumber, 0),
            ("1", Kind::NoDot, 1),
            ("1 0", Kind::NoDot, 2),
            ("1.", Kind::BadNumber, 2),
            ("4294967296.0", Kind::BadNumber, 0),
            ("1.0; x", Kind::TextAfterVersion, 3),
        ] {
            let error = MimeVersion::parse(value.as_bytes()).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (kind, offset), "{value}");
        }
        let error = MimeVersion::parse(b"1.(0").unwrap_err();
        assert!(matches!(error.kind(), Kind::Lexical(_)));
    }
}
