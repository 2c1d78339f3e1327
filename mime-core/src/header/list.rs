//! The fields of mailing lists: List-Help and its kin (RFC 2369), List-Id (RFC 2919) and
//! List-Unsubscribe-Post (RFC 8058).
//!
//! ```
//! use scop_mime_core::header::list::{ListId, ListUrls};
//!
//! let unsubscribe = ListUrls::parse(
//!     b" (by mail) <mailto:list-off@example.org>,\r\n <https://example.org/off?id=\r\n 42>",
//! )?;
//! let urls: Vec<String> = unsubscribe.iter().map(|url| url.to_string()).collect();
//! assert_eq!(urls, ["mailto:list-off@example.org", "https://example.org/off?id=42"]);
//!
//! let id = ListId::parse(b" \"Lena's List\" <lena.example.org>")?;
//! assert_eq!((id.id(), id.label()), (&b"lena.example.org"[..], &b"lena"[..]));
//! # Ok::<(), scop_mime_core::header::list::ListError>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::address::{AddressErrorKind, Phrase};
use super::lexical::{
    Comments, LexicalError, LexicalErrorKind, display, is_dot_atom, since, skip_cfws, skip_fws,
};

#[cfg(test)]
mod tests;
mod url;

pub use url::ListUrl;

/// Which rule of RFC 2369, 2919 or 8058 is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListErrorKind {
    /// A token is malformed.
    Lexical(LexicalErrorKind),
    /// An octet that no URL has.
    BadOctet,
    /// A URL of nothing but white space.
    NoUrl,
    /// No `<` where a URL or a list identifier is due.
    NoAngle,
    /// `<` without `>`.
    NoAngleEnd,
    /// Something else than `,` between two URLs.
    NoComma,
    /// Text behind a list identifier or behind `NO`.
    TextBehind,
    /// A list identifier that is not labels with dots between, two or more.
    BadId,
    /// A list identifier of more than 255 octets.
    LongId,
    /// List-Unsubscribe-Post is not `List-Unsubscribe=One-Click`.
    NotOneClick,
}

impl fmt::Display for ListErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lexical(kind) => return kind.fmt(f),
            Self::BadOctet => "a URL holds an octet that no URL has (RFC 3986 2)",
            Self::NoUrl => "a URL is empty (RFC 2369 2)",
            Self::NoAngle => "a \"<\" is missing (RFC 2369 2, RFC 2919 3)",
            Self::NoAngleEnd => "\"<\" without \">\" (RFC 2369 2, RFC 2919 3)",
            Self::NoComma => "something else than a comma stands between two URLs (RFC 2369 2)",
            Self::TextBehind => "text stands behind the value (RFC 2369 3.4, RFC 2919 3)",
            Self::BadId => "a list identifier is not labels with dots between (RFC 2919 2)",
            Self::LongId => "a list identifier is longer than 255 octets (RFC 2919 2)",
            Self::NotOneClick => "the value is not \"List-Unsubscribe=One-Click\" (RFC 8058 3.1)",
        })
    }
}

/// The error of every parser of this module.
pub type ListError = ParseError<ListErrorKind>;

/// The URLs of a field, the preferred one first, all of them valid.
///
/// ```text
/// value = [CFWS] "<" URL ">" [CFWS] *("," [CFWS] "<" URL ">" [CFWS])    ; RFC 2369 2, in words there
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ListUrls<'a> {
    value: &'a [u8],
}

impl<'a> ListUrls<'a> {
    /// Reads the value of List-Help, List-Subscribe, List-Unsubscribe, List-Owner or List-Archive.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, ListError> {
        let mut cursor = Cursor::new(value);
        take_first(&mut cursor)?;
        while take_next(&mut cursor)?.is_some() {}
        Ok(Self { value })
    }

    /// Reads the URLs before the first rule that is broken, as RFC 2369 2 asks of readers. Also gives the
    /// rest, which begins behind the last one.
    pub fn parse_prefix(value: &'a [u8]) -> (Self, &'a [u8]) {
        let start = Cursor::new(value);
        let mut cursor = start;
        let mut end = start;
        if take_first(&mut cursor).is_ok() {
            end = cursor;
            while let Ok(Some(_)) = take_next(&mut cursor) {
                end = cursor;
            }
        }
        let value = since(start, &end);
        (Self { value }, end.rest())
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// The URLs, in order.
    pub fn iter(&self) -> impl Iterator<Item = ListUrl<'a>> + Clone + use<'a> {
        let mut cursor = Cursor::new(self.value);
        let mut first = true;
        core::iter::from_fn(move || {
            if core::mem::replace(&mut first, false) {
                take_first(&mut cursor).ok()
            } else {
                take_next(&mut cursor).ok().flatten()
            }
        })
    }

    /// The first URL with this scheme, without regard to ASCII case: `mailto`, `https`.
    pub fn with_scheme(&self, scheme: &[u8]) -> Option<ListUrl<'a>> {
        self.iter().find(|url| {
            url.scheme()
                .is_some_and(|found| found.eq_ignore_ascii_case(scheme))
        })
    }
}

/// `<URL>, <URL>` without comments and white space inside.
impl Emit for ListUrls<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        for (index, url) in self.iter().enumerate() {
            sink.put(if index > 0 { b", <" } else { b"<" })?;
            url.emit(sink)?;
            sink.put_byte(b'>')?;
        }
        Ok(())
    }
}

impl fmt::Display for ListUrls<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// How to post to a list (RFC 2369 3.4).
#[derive(Clone, Copy, Debug)]
pub enum ListPost<'a> {
    /// `NO`: posting is not allowed.
    No,
    /// Where to post.
    Urls(ListUrls<'a>),
}

impl<'a> ListPost<'a> {
    /// Reads the value of List-Post.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, ListError> {
        let mut cursor = Cursor::new(value);
        gap(&mut cursor)?;
        if !cursor.skip_ignore_case(b"NO") {
            return ListUrls::parse(value).map(Self::Urls);
        }
        gap(&mut cursor)?;
        at_end(&cursor).map(|()| Self::No)
    }
}

/// `NO`, or the URLs.
impl Emit for ListPost<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match self {
            Self::No => sink.put(b"NO"),
            Self::Urls(urls) => urls.emit(sink),
        }
    }
}

/// The longest list identifier, in octets (RFC 2919 2).
pub const MAX_LIST_ID: usize = 255;

/// A label, a dot and a namespace.
pub(crate) fn is_list_id(id: &[u8]) -> bool {
    is_dot_atom(id.iter().copied()) && id.contains(&b'.') && id.is_ascii()
}

/// The name of a list, which outlives its host.
///
/// ```text
/// list-id-header    = "List-ID:" [phrase] "<" list-id ">"         ; RFC 2919 3
/// list-id           = list-label "." list-id-namespace            ; RFC 2919 2
/// list-label        = dot-atom-text
/// list-id-namespace = domain-name / "localhost"
/// ```
///
/// Comments and white space may stand around the brackets (RFC 2919 3), not within. Two are equal when
/// their identifiers are the same but for ASCII case (RFC 2919 6).
#[derive(Clone, Copy, Debug)]
pub struct ListId<'a> {
    value: &'a [u8],
    phrase: Option<Phrase<'a>>,
    id: &'a [u8],
    offset: usize,
}

impl<'a> ListId<'a> {
    /// Reads the value of List-Id.
    ///
    /// # Errors
    /// The first rule that is broken. An identifier without brackets is refused too.
    pub fn parse(value: &'a [u8]) -> Result<Self, ListError> {
        let mut cursor = Cursor::new(value);
        let phrase = Phrase::take(&mut cursor).map_err(|error| {
            error.map(|kind| match kind {
                AddressErrorKind::Lexical(kind) => ListErrorKind::Lexical(kind),
                _ => ListErrorKind::NoAngle,
            })
        })?;
        if !cursor.skip_byte(b'<') {
            return error(ListErrorKind::NoAngle, &cursor);
        }
        let offset = cursor.offset();
        let id = cursor.take_while(|byte| byte != b'>');
        let bad = |kind| Err(ParseError::new(kind, offset));
        if !cursor.skip_byte(b'>') {
            return bad(ListErrorKind::NoAngleEnd);
        }
        if id.len() > MAX_LIST_ID {
            return bad(ListErrorKind::LongId);
        }
        if !is_list_id(id) {
            return bad(ListErrorKind::BadId);
        }
        gap(&mut cursor)?;
        at_end(&cursor)?;
        Ok(Self {
            value,
            phrase,
            id,
            offset,
        })
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// What people call the list.
    pub const fn phrase(&self) -> Option<Phrase<'a>> {
        self.phrase
    }

    /// The identifier, without its brackets. Compare without ASCII case.
    pub const fn id(&self) -> &'a [u8] {
        self.id
    }

    /// Where the identifier begins in the parsed value.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// What stands before the first dot. Where label and namespace part is not written in the
    /// identifier, so a label with a dot is cut.
    pub fn label(&self) -> &'a [u8] {
        Cursor::new(self.id).take_while(|byte| byte != b'.')
    }

    /// The comments, in order.
    pub const fn comments(&self) -> Comments<'a> {
        Comments::new(self.value)
    }
}

impl PartialEq for ListId<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id.eq_ignore_ascii_case(other.id)
    }
}

impl Eq for ListId<'_> {}

/// In canonical form: without comments.
impl Emit for ListId<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        if let Some(phrase) = self.phrase {
            phrase.emit(sink)?;
            sink.put_byte(b' ')?;
        }
        sink.put_byte(b'<')?;
        sink.put(self.id)?;
        sink.put_byte(b'>')
    }
}

impl fmt::Display for ListId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// That a POST to the HTTPS URL of List-Unsubscribe unsubscribes (RFC 8058 3.1).
///
/// ```text
/// postarg = "List-Unsubscribe=One-Click"                          ; RFC 8058 5
/// ```
///
/// White space may stand around it, nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneClick;

impl OneClick {
    /// The value, and the body of the POST.
    pub const VALUE: &'static [u8] = b"List-Unsubscribe=One-Click";

    /// Reads the value of List-Unsubscribe-Post.
    ///
    /// # Errors
    /// `NotOneClick`.
    pub fn parse(value: &[u8]) -> Result<Self, ListError> {
        let mut cursor = Cursor::new(value);
        skip_fws(&mut cursor);
        let start = cursor;
        let found = cursor.skip_ignore_case(Self::VALUE);
        skip_fws(&mut cursor);
        if found && cursor.is_at_end() {
            Ok(Self)
        } else {
            error(ListErrorKind::NotOneClick, &start)
        }
    }
}

impl Emit for OneClick {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(Self::VALUE)
    }
}

/// Takes the first URL with what stands around it.
fn take_first<'a>(cursor: &mut Cursor<'a>) -> Result<ListUrl<'a>, ListError> {
    gap(cursor)?;
    if !cursor.skip_byte(b'<') {
        return error(ListErrorKind::NoAngle, cursor);
    }
    let offset = cursor.offset();
    let raw = cursor.take_while(|byte| byte != b'>');
    if !cursor.skip_byte(b'>') {
        return Err(ParseError::new(ListErrorKind::NoAngleEnd, offset));
    }
    let url = ListUrl::new(raw, offset)?;
    gap(cursor)?;
    Ok(url)
}

/// Takes a comma and the URL behind it; `None` at the end.
fn take_next<'a>(cursor: &mut Cursor<'a>) -> Result<Option<ListUrl<'a>>, ListError> {
    if cursor.is_at_end() {
        return Ok(None);
    }
    if !cursor.skip_byte(b',') {
        return error(ListErrorKind::NoComma, cursor);
    }
    take_first(cursor).map(Some)
}

fn gap(cursor: &mut Cursor<'_>) -> Result<(), ListError> {
    let lexical = |error: LexicalError| error.map(ListErrorKind::Lexical);
    skip_cfws(cursor).map_err(lexical)?;
    Ok(())
}

fn at_end(cursor: &Cursor<'_>) -> Result<(), ListError> {
    if cursor.is_at_end() {
        Ok(())
    } else {
        error(ListErrorKind::TextBehind, cursor)
    }
}

fn error<T>(kind: ListErrorKind, at: &Cursor<'_>) -> Result<T, ListError> {
    Err(ParseError::new(kind, at.offset()))
}
