//! Content-Location and Content-Base (RFC 2557 4).
//!
//! ```
//! use scop_mime_core::ContentLocation;
//! let location = ContentLocation::parse(b" http://www.example.com/a\r\n /long/path.gif (comment)")?;
//! assert!(location.uri().is(b"http://www.example.com/a/long/path.gif"));
//! # Ok::<(), scop_core::ParseError<scop_mime_core::header::content::location::LocationErrorKind>>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use crate::header::lexical::{LexicalErrorKind, display, since, skip_cfws, skip_fws};

/// Which rule a Content-Location breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocationErrorKind {
    /// A comment is malformed.
    Lexical(LexicalErrorKind),
    /// No URI.
    NoUri,
    /// An octet that no URI holds: a control, one above 127, or one of `<>"`.
    BadOctet,
    /// Text behind a comment.
    TextAfterUri,
}

impl fmt::Display for LocationErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lexical(kind) => return kind.fmt(f),
            Self::NoUri => "there is no URI (RFC 2557 4.2)",
            Self::BadOctet => "an octet that no URI holds (RFC 3986 2)",
            Self::TextAfterUri => "text behind the comment of a URI (RFC 2557 4.2)",
        })
    }
}

/// The error of [`ContentLocation::parse`].
pub type LocationError = ParseError<LocationErrorKind>;

/// A URI that labels a part. Of its own grammar no more is checked than its octets.
///
/// ```text
/// content-location = "Content-Location:" [CFWS] URI [CFWS]             ; RFC 2557 4.2
/// ```
///
/// White space inside the URI comes from folding, and is no part of it (RFC 2557 4.4.2). A parenthesis
/// begins a comment at the start and behind white space only.
#[derive(Clone, Copy, Debug)]
pub struct ContentLocation<'a> {
    value: &'a [u8],
    uri: &'a [u8],
}

impl<'a> ContentLocation<'a> {
    /// Reads the value of a field.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, LocationError> {
        let mut cursor = Cursor::new(value);
        gap(&mut cursor)?;
        let start = cursor;
        let mut end = cursor;
        while !cursor.is_at_end() {
            let run = cursor.take_while(is_uri_byte);
            if run.is_empty() {
                return error(LocationErrorKind::BadOctet, &cursor);
            }
            end = cursor;
            if skip_fws(&mut cursor) && cursor.peek() == Some(b'(') {
                gap(&mut cursor)?;
                if !cursor.is_at_end() {
                    return error(LocationErrorKind::TextAfterUri, &cursor);
                }
            }
        }
        let uri = since(start, &end);
        if uri.is_empty() {
            return error(LocationErrorKind::NoUri, &start);
        }
        Ok(Self { value, uri })
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// The URI without white space.
    pub const fn uri(&self) -> Uri<'a> {
        Uri { raw: self.uri }
    }
}

/// The URI alone.
impl Emit for ContentLocation<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.uri().emit(sink)
    }
}

impl fmt::Display for ContentLocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// A URI that may be folded.
#[derive(Clone, Copy, Debug)]
pub struct Uri<'a> {
    raw: &'a [u8],
}

impl<'a> Uri<'a> {
    /// As written, with folds.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The octets, without white space.
    pub fn octets(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.raw.iter().copied().filter(|&byte| is_uri_byte(byte))
    }

    /// Whether the URI is `bytes`.
    pub fn is(&self, bytes: &[u8]) -> bool {
        self.octets().eq(bytes.iter().copied())
    }
}

impl Emit for Uri<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let mut cursor = Cursor::new(self.raw);
        while !cursor.is_at_end() {
            sink.put(cursor.take_while(is_uri_byte))?;
            cursor.take_while(|byte| !is_uri_byte(byte));
        }
        Ok(())
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// Printable ASCII but for the delimiters of RFC 3986 appendix C.
const fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"')
}

fn gap(cursor: &mut Cursor<'_>) -> Result<(), LocationError> {
    skip_cfws(cursor).map_err(|error| error.map(LocationErrorKind::Lexical))?;
    Ok(())
}

fn error<T>(kind: LocationErrorKind, at: &Cursor<'_>) -> Result<T, LocationError> {
    Err(ParseError::new(kind, at.offset()))
}

#[cfg(test)]
mod tests {
    use super::{ContentLocation, LocationErrorKind as Kind};
    use scop_core::Emit;

    #[test]
    fn uris() {
        for (value, uri) in [
            // RFC 2557 9.1, 9.2.
            (" fiction1/fiction2", "fiction1/fiction2"),
            (
                "http://www.ietf.cnri.reston.va.us/images/ietflogo.gif",
                "http://www.ietf.cnri.reston.va.us/images/ietflogo.gif",
            ),
            (" (a)(b) x:y\r\n z (c\r\n d) ", "x:yz"),
            ("a(b)c", "a(b)c"),
            ("cid:a%20b@c", "cid:a%20b@c"),
        ] {
            let location = ContentLocation::parse(value.as_bytes()).unwrap();
            assert!(location.uri().is(uri.as_bytes()), "{value}");
            assert_eq!(location.to_vec(), uri.as_bytes());
        }
    }

    #[test]
    fn malformed() {
        for (value, kind, offset) in [
            ("", Kind::NoUri, 0),
            (" (a) ", Kind::NoUri, 5),
            ("<http://a>", Kind::BadOctet, 0),
            ("a\rb", Kind::BadOctet, 1),
            ("\u{e9}", Kind::BadOctet, 0),
            ("a (b) c", Kind::TextAfterUri, 6),
        ] {
            let error = ContentLocation::parse(value.as_bytes()).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (kind, offset), "{value}");
        }
        assert!(ContentLocation::parse(b"a (b").is_err());
    }
}
