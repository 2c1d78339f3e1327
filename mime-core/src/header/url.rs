//! URLs in header fields: in angle brackets (RFC 2369 2), or alone (RFC 2557 4.2).
//!
//! White space and folds inside are no part of the URL. What a scheme demands is not looked at.

use core::fmt;

use scop_core::{Emit, Full, ParseError, Sink};

use super::lexical::{display, fold_len, is_wsp};

/// Which rule a URL breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlErrorKind {
    /// An octet that no URL has.
    BadOctet,
    /// Nothing but white space.
    Empty,
}

impl fmt::Display for UrlErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadOctet => "a URL holds an octet that no URL has (RFC 3986 2)",
            Self::Empty => "a URL is empty (RFC 2369 2)",
        })
    }
}

/// The error of [`Url::parse`].
pub type UrlError = ParseError<UrlErrorKind>;

/// A URL, as it stands in a field.
///
/// ```text
/// URI-reference = visible ASCII, but not DQUOTE, "<" or ">"        ; RFC 3986 2, appendix C
/// ```
///
/// ```
/// use scop_mime_core::header::url::Url;
/// let url = Url::parse(b" mailto:list-request@example.org\r\n  ?subject=help")?;
/// assert_eq!(url.to_string(), "mailto:list-request@example.org?subject=help");
/// assert_eq!(url.scheme(), Some(&b"mailto"[..]));
/// # Ok::<(), scop_mime_core::header::url::UrlError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Url<'a> {
    raw: &'a [u8],
    offset: usize,
}

impl<'a> Url<'a> {
    /// Reads a URL without its brackets: the value of Content-Location or Content-Base.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, UrlError> {
        Self::at(value, 0)
    }

    /// The same, where `raw` begins at byte `offset` of the parsed value.
    pub(crate) fn at(raw: &'a [u8], offset: usize) -> Result<Self, UrlError> {
        let error = |kind, at: usize| Err(ParseError::new(kind, at).nested(offset));
        let mut empty = true;
        for (at, &byte) in raw.iter().enumerate() {
            let fold = || fold_len(raw.get(at..).unwrap_or_default()).is_some();
            match byte {
                b' ' | b'\t' => {}
                b'\r' | b'\n' if fold() => {}
                b'"' | b'<' | b'>' => return error(UrlErrorKind::BadOctet, at),
                b'!'..=b'~' => empty = false,
                _ => return error(UrlErrorKind::BadOctet, at),
            }
        }
        if empty {
            return error(UrlErrorKind::Empty, raw.len());
        }
        Ok(Self { raw, offset })
    }

    /// As written, with white space and folds.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where it begins in the parsed value.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// What stands before the first colon, if it is a scheme; a relative URL has none. White space inside
    /// makes it no scheme.
    pub fn scheme(&self) -> Option<&'a [u8]> {
        let text = self.runs().next()?;
        let colon = memchr::memchr(b':', text)?;
        let scheme = text.get(..colon)?;
        let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
            && scheme
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        is_scheme.then_some(scheme)
    }

    /// Whether it is `url`, octet for octet, white space left out.
    pub fn is(&self, url: &[u8]) -> bool {
        self.runs().flatten().eq(url)
    }

    /// What stands between white space.
    fn runs(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let is_space = |&byte: &u8| is_wsp(byte) || matches!(byte, b'\r' | b'\n');
        self.raw.split(is_space).filter(|run| !run.is_empty())
    }
}

/// Two are equal when they are the same octets, white space left out.
impl PartialEq for Url<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.runs().flatten().eq(other.runs().flatten())
    }
}

impl Eq for Url<'_> {}

/// Without white space.
impl Emit for Url<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.runs().try_for_each(|run| sink.put(run))
    }
}

impl fmt::Display for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}
