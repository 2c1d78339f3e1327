//! URLs in angle brackets (RFC 2369 2).

use core::fmt;

use scop_core::{Emit, Full, ParseError, Sink};

use super::{ListError, ListErrorKind};
use crate::header::lexical::{display, fold_len, is_wsp};

/// A URL, as it stands between angle brackets. White space and folds inside are no part of it; what a
/// scheme demands is not looked at.
///
/// ```text
/// URL = visible ASCII, but not DQUOTE, "<" or ">"                 ; RFC 3986 2, appendix C
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ListUrl<'a> {
    raw: &'a [u8],
    offset: usize,
}

impl<'a> ListUrl<'a> {
    /// Checks what stands between the brackets, which begins at byte `offset` of the value.
    pub(super) fn new(raw: &'a [u8], offset: usize) -> Result<Self, ListError> {
        let error = |kind, at: usize| Err(ParseError::new(kind, at).nested(offset));
        let mut empty = true;
        for (at, &byte) in raw.iter().enumerate() {
            let fold = || fold_len(raw.get(at..).unwrap_or_default()).is_some();
            match byte {
                b' ' | b'\t' => {}
                b'\r' | b'\n' if fold() => {}
                b'"' | b'<' | b'>' => return error(ListErrorKind::BadOctet, at),
                b'!'..=b'~' => empty = false,
                _ => return error(ListErrorKind::BadOctet, at),
            }
        }
        if empty {
            return error(ListErrorKind::NoUrl, raw.len());
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
impl PartialEq for ListUrl<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.runs().flatten().eq(other.runs().flatten())
    }
}

impl Eq for ListUrl<'_> {}

/// Without white space.
impl Emit for ListUrl<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.runs().try_for_each(|run| sink.put(run))
    }
}

impl fmt::Display for ListUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}
