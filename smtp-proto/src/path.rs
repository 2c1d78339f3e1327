//! Paths, mailboxes and domains (RFC 5321 4.1.2 and 4.1.3, RFC 6531 3.3).
//!
//! What is read here is a value: it holds no octet that the grammar does not allow, so no CR, LF, NUL
//! or other control character, and can be written to a command as it is. The grammar is that of
//! RFC 5321, without comments, white space and the obsolete forms of RFC 5322, and with these rules:
//!
//! - The lengths of RFC 5321 4.5.3.1 hold: 64 octets before the `@` as written, 255 behind it, 256 for a
//!   path with its brackets and route, and so 254 for a mailbox. RFC 5321 lets a server take more, and
//!   address rewriting makes more: [`Tolerance::long_path`] lifts the first and the last.
//! - A label has 63 octets at most (RFC 1035 2.3.4). One that is not ASCII is a U-label of RFC 5890, whose
//!   A-label holds each of its characters and `xn--`, so 59 characters at most.
//! - Octets above 127 are UTF-8 (RFC 6531 3.3), without the control characters U+0080 to U+009F. A U-label
//!   holds no white space and no full stop of another script, which some would take for a dot.
//!   Whether they are allowed is for the one who reads to say: [`Mailbox::is_ascii`].
//! - A number in an IPv4 literal has no leading zero, which some read as octal. `::` may stand for one group.
//!
//! ```
//! use scop_core::Emit;
//! use scop_smtp_proto::{Domain, ForwardPath, Mailbox, ReversePath};
//!
//! let mailbox = Mailbox::parse(b"\"Joe\\ Public\"@Example.org")?;
//! assert!(mailbox.local_part().is(b"Joe Public"));
//! assert_eq!(mailbox, Mailbox::parse(b"\"Joe Public\"@example.ORG")?);
//! assert_eq!(ReversePath::from(mailbox).to_string(), "<\"Joe Public\"@Example.org>");
//!
//! assert_eq!(ReversePath::parse(b"<>")?, ReversePath::Null);
//! let path = ForwardPath::parse(b"<@relay.example:joe@[192.0.2.1]>")?;
//! assert_eq!(path.mailbox().unwrap().domain(), Domain::V4([192, 0, 2, 1].into()));
//!
//! let injected = Mailbox::parse(b"joe@example.org>\r\nRCPT TO:<root");
//! assert_eq!(injected.unwrap_err().to_string(), "text stands behind the address at byte 15");
//! # Ok::<(), scop_smtp_proto::path::PathError>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, FmtSink, Full, ParseError, Sink};

use crate::command::Tolerance;
use crate::shown::debug_as_text;

mod domain;
mod mailbox;
#[cfg(test)]
mod tests;

pub use domain::{Domain, DomainName, TaggedLiteral};
pub use mailbox::{LocalPart, LocalText, Mailbox};

/// Octets of a local part, as written (RFC 5321 4.5.3.1.1).
pub const MAX_LOCAL_PART: usize = 64;

/// Octets of a domain (RFC 5321 4.5.3.1.2).
pub const MAX_DOMAIN: usize = 255;

/// Octets of a path, with its brackets and route (RFC 5321 4.5.3.1.3).
pub const MAX_PATH: usize = 256;

/// Octets of a label (RFC 1035 2.3.4).
pub const MAX_LABEL: usize = 63;

/// Which rule a path breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathErrorKind {
    /// A path begins with `<`.
    NoAngle,
    /// A path ends with `>`.
    NoAngleEnd,
    /// The local part, or an atom of it, is empty or holds what is neither atext nor quoted.
    BadLocalPart,
    /// A quoted local part holds what neither qtextSMTP nor quoted-pairSMTP allows, or has no end.
    BadQuotedString,
    /// No `@` behind the local part.
    NoAtSign,
    /// A label of a domain is empty, begins or ends with a hyphen, or holds what it cannot.
    BadLabel,
    /// A literal is no address.
    BadLiteral,
    /// A source route is not `@domain`, with commas between, and a colon at the end.
    BadRoute,
    /// `<>` where there must be a mailbox.
    Null,
    /// Octets above 127 are not UTF-8, or a control character.
    BadUtf8,
    /// More than [`MAX_LOCAL_PART`] octets.
    LocalPartTooLong,
    /// More than [`MAX_LABEL`] octets, or characters that cannot fit that as an A-label.
    LabelTooLong,
    /// More than [`MAX_DOMAIN`] octets.
    DomainTooLong,
    /// More than [`MAX_PATH`] octets.
    PathTooLong,
    /// Something stands behind it.
    TextBehind,
}

impl PathErrorKind {
    /// The rule.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::NoAngle => "a path begins with \"<\" (RFC 5321 4.1.2)",
            Self::NoAngleEnd => "a path ends with \">\" (RFC 5321 4.1.2)",
            Self::BadLocalPart => {
                "a local part is atoms with dots between, or a quoted string (RFC 5321 4.1.2)"
            }
            Self::BadQuotedString => {
                "a quoted local part holds a control, or is not closed (RFC 5321 4.1.2)"
            }
            Self::NoAtSign => "a mailbox has an \"@\" (RFC 5321 4.1.2)",
            Self::BadLabel => {
                "a label is letters, digits and inner hyphens, one at least (RFC 5321 4.1.2)"
            }
            Self::BadLiteral => "an address literal is no address (RFC 5321 4.1.3)",
            Self::BadRoute => {
                "a source route is \"@domain\", with commas, and ends with a colon (RFC 5321 4.1.2)"
            }
            Self::Null => "only a reverse-path may be \"<>\" (RFC 5321 4.1.2)",
            Self::BadUtf8 => "octets are not UTF-8, or a control character (RFC 6531 3.3)",
            Self::LocalPartTooLong => "a local part is longer than 64 octets (RFC 5321 4.5.3.1.1)",
            Self::LabelTooLong => "a label is longer than 63 octets (RFC 1035 2.3.4)",
            Self::DomainTooLong => "a domain is longer than 255 octets (RFC 5321 4.5.3.1.2)",
            Self::PathTooLong => "a path is longer than 256 octets (RFC 5321 4.5.3.1.3)",
            Self::TextBehind => "text stands behind the address",
        }
    }
}

impl fmt::Display for PathErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Why bytes are no path, mailbox or domain, and at which byte.
pub type PathError = ParseError<PathErrorKind>;

/// The path of MAIL.
///
/// ```text
/// Reverse-path = Path / "<>"                                       ; RFC 5321 4.1.2
/// Path         = "<" [ A-d-l ":" ] Mailbox ">"
/// ```
///
/// Written, it is in canonical form: with brackets and its route, and the mailbox as [`Mailbox`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReversePath<'a> {
    /// `<>`: a notification, which must not be answered (RFC 5321 4.5.5).
    Null,
    /// A mailbox; a source route before it is kept in `route` and means nothing (RFC 5321 F.2).
    Mailbox {
        /// Usually empty.
        route: Route<'a>,
        /// The mailbox.
        mailbox: Mailbox<'a>,
    },
}

impl<'a> ReversePath<'a> {
    /// Reads `<...>`.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(raw: &'a [u8]) -> Result<Self, PathError> {
        Self::parse_with(raw, &Tolerance::STRICT)
    }

    /// The same, with [`Tolerance::bare_path`] and [`Tolerance::long_path`].
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse_with(raw: &'a [u8], tolerance: &Tolerance) -> Result<Self, PathError> {
        let mut cursor = Cursor::new(raw);
        let path = Self::take(&mut cursor, *tolerance)?;
        at_end(&cursor, path)
    }

    /// Reads `<...>` at the start of `raw`, and hands back the rest.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse_prefix(raw: &'a [u8]) -> Result<(Self, &'a [u8]), PathError> {
        let mut cursor = Cursor::new(raw);
        let path = Self::take(&mut cursor, Tolerance::STRICT)?;
        Ok((path, cursor.rest()))
    }

    #[expect(
        clippy::inline_always,
        reason = "the result is large; to hand it over takes longer than to read a path"
    )]
    #[inline(always)]
    pub(crate) fn take(cursor: &mut Cursor<'a>, tolerance: Tolerance) -> Result<Self, PathError> {
        if cursor.rest().starts_with(b"<>") {
            cursor.take(2);
            return Ok(Self::Null);
        }
        let (route, mailbox) = take_path(cursor, tolerance)?;
        Ok(Self::Mailbox { route, mailbox })
    }

    /// The mailbox; `None` for `<>`.
    pub const fn mailbox(&self) -> Option<Mailbox<'a>> {
        match self {
            Self::Null => None,
            Self::Mailbox { mailbox, .. } => Some(*mailbox),
        }
    }

    /// Whether all octets are below 128; if not, SMTPUTF8 is needed (RFC 6531 3.4).
    pub fn is_ascii(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Mailbox { route, mailbox } => route.is_ascii() && mailbox.is_ascii(),
        }
    }
}

/// Without a route.
impl<'a> From<Mailbox<'a>> for ReversePath<'a> {
    fn from(mailbox: Mailbox<'a>) -> Self {
        let route = Route::EMPTY;
        Self::Mailbox { route, mailbox }
    }
}

impl Emit for ReversePath<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match self {
            Self::Null => sink.put(b"<>"),
            Self::Mailbox { route, mailbox } => emit_path(route, mailbox, sink),
        }
    }
}

impl fmt::Display for ReversePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// The path of RCPT.
///
/// ```text
/// Forward-path = Path                                              ; RFC 5321 4.1.2
/// rcpt         = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) ...
///                                                                  ; RFC 5321 4.1.1.3
/// ```
///
/// Written, it is in canonical form: with brackets and its route, and the mailbox as [`Mailbox`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardPath<'a> {
    /// `<Postmaster>` in any case, without a domain (RFC 5321 4.1.1.3).
    Postmaster,
    /// A mailbox; a source route before it is kept in `route` and means nothing (RFC 5321 F.2).
    Mailbox {
        /// Usually empty.
        route: Route<'a>,
        /// The mailbox.
        mailbox: Mailbox<'a>,
    },
}

impl<'a> ForwardPath<'a> {
    /// Reads `<...>`.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(raw: &'a [u8]) -> Result<Self, PathError> {
        Self::parse_with(raw, &Tolerance::STRICT)
    }

    /// The same, with [`Tolerance::bare_path`] and [`Tolerance::long_path`].
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse_with(raw: &'a [u8], tolerance: &Tolerance) -> Result<Self, PathError> {
        let mut cursor = Cursor::new(raw);
        let path = Self::take(&mut cursor, *tolerance)?;
        at_end(&cursor, path)
    }

    /// Reads `<...>` at the start of `raw`, and hands back the rest.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse_prefix(raw: &'a [u8]) -> Result<(Self, &'a [u8]), PathError> {
        let mut cursor = Cursor::new(raw);
        let path = Self::take(&mut cursor, Tolerance::STRICT)?;
        Ok((path, cursor.rest()))
    }

    #[expect(
        clippy::inline_always,
        reason = "the result is large; to hand it over takes longer than to read a path"
    )]
    #[inline(always)]
    pub(crate) fn take(cursor: &mut Cursor<'a>, tolerance: Tolerance) -> Result<Self, PathError> {
        let start = *cursor;
        match take_path(cursor, tolerance) {
            Ok((route, mailbox)) => Ok(Self::Mailbox { route, mailbox }),
            Err(error) => {
                *cursor = start;
                Self::take_other(cursor, tolerance, error)
            }
        }
    }

    /// Takes what has no mailbox, or says why it was none.
    #[cold]
    fn take_other(
        cursor: &mut Cursor<'a>,
        tolerance: Tolerance,
        error: PathError,
    ) -> Result<Self, PathError> {
        if take_postmaster(cursor, tolerance) {
            return Ok(Self::Postmaster);
        }
        if cursor.rest().starts_with(b"<>") {
            return Err(ParseError::new(PathErrorKind::Null, cursor.offset()));
        }
        Err(error)
    }

    /// The mailbox; `None` for `<Postmaster>`.
    pub const fn mailbox(&self) -> Option<Mailbox<'a>> {
        match self {
            Self::Postmaster => None,
            Self::Mailbox { mailbox, .. } => Some(*mailbox),
        }
    }

    /// Whether all octets are below 128; if not, SMTPUTF8 is needed (RFC 6531 3.4).
    pub fn is_ascii(&self) -> bool {
        match self {
            Self::Postmaster => true,
            Self::Mailbox { route, mailbox } => route.is_ascii() && mailbox.is_ascii(),
        }
    }
}

/// Without a route.
impl<'a> From<Mailbox<'a>> for ForwardPath<'a> {
    fn from(mailbox: Mailbox<'a>) -> Self {
        let route = Route::EMPTY;
        Self::Mailbox { route, mailbox }
    }
}

impl Emit for ForwardPath<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match self {
            Self::Postmaster => sink.put(b"<Postmaster>"),
            Self::Mailbox { route, mailbox } => emit_path(route, mailbox, sink),
        }
    }
}

impl fmt::Display for ForwardPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// A source route, which no one must make and everyone must read over (RFC 5321 4.1.1.3, C, F.2).
///
/// ```text
/// A-d-l     = At-domain *( "," At-domain )                         ; RFC 5321 4.1.2
/// At-domain = "@" Domain
/// ```
#[derive(Clone, Copy, Default)]
pub struct Route<'a> {
    raw: &'a [u8],
}

debug_as_text!(Route, raw);

impl<'a> Route<'a> {
    /// None.
    pub const EMPTY: Self = Self { raw: b"" };

    /// Reads `@one,@two`, or nothing.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(raw: &'a [u8]) -> Result<Self, PathError> {
        if raw.is_empty() {
            return Ok(Self::EMPTY);
        }
        let mut cursor = Cursor::new(raw);
        let route = Self::take(&mut cursor)?;
        at_end(&cursor, route)
    }

    fn take(cursor: &mut Cursor<'a>) -> Result<Self, PathError> {
        let start = *cursor;
        loop {
            if !cursor.skip_byte(b'@') {
                let kind = PathErrorKind::BadRoute;
                return Err(ParseError::new(kind, cursor.offset()));
            }
            DomainName::take(cursor)?;
            if !cursor.skip_byte(b',') {
                let raw = since(start, cursor);
                return Ok(Self { raw });
            }
        }
    }

    /// As written, without the colon behind it.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Whether all octets are below 128.
    pub const fn is_ascii(&self) -> bool {
        self.raw.is_ascii()
    }

    /// Its domains.
    pub fn domains(&self) -> impl Iterator<Item = DomainName<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.raw);
        core::iter::from_fn(move || {
            // It was read before, so that the only error left is that nothing is left.
            cursor.skip_byte(b',');
            cursor.skip_byte(b'@');
            DomainName::take(&mut cursor).ok()
        })
    }
}

impl PartialEq for Route<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.raw.eq_ignore_ascii_case(other.raw)
    }
}

impl Eq for Route<'_> {}

/// Takes `"<" [ A-d-l ":" ] Mailbox ">"`, or a mailbox alone where that is tolerated.
#[expect(
    clippy::inline_always,
    reason = "the result is large; to hand it over takes longer than to read a path"
)]
#[inline(always)]
fn take_path<'a>(
    cursor: &mut Cursor<'a>,
    tolerance: Tolerance,
) -> Result<(Route<'a>, Mailbox<'a>), PathError> {
    let start = cursor.offset();
    let bracket = cursor.skip_byte(b'<');
    if !bracket && !tolerance.bare_path {
        return Err(ParseError::new(PathErrorKind::NoAngle, start));
    }
    let mut route = Route::EMPTY;
    if cursor.peek() == Some(b'@') {
        route = Route::take(cursor)?;
        if !cursor.skip_byte(b':') {
            return Err(ParseError::new(PathErrorKind::BadRoute, cursor.offset()));
        }
    }
    let mailbox = Mailbox::take(cursor, tolerance.long_path)?;
    if bracket && !cursor.skip_byte(b'>') {
        return Err(ParseError::new(PathErrorKind::NoAngleEnd, cursor.offset()));
    }
    // A path without brackets is as long as with them.
    let brackets = if bracket { 0 } else { 2 };
    let len = cursor
        .offset()
        .saturating_sub(start)
        .saturating_add(brackets);
    if len > MAX_PATH && !tolerance.long_path {
        return Err(ParseError::new(PathErrorKind::PathTooLong, start));
    }
    Ok((route, mailbox))
}

/// Takes `<Postmaster>`.
fn take_postmaster(cursor: &mut Cursor<'_>, tolerance: Tolerance) -> bool {
    if cursor.skip_ignore_case(b"<postmaster>") {
        return true;
    }
    let mut ahead = *cursor;
    let found = tolerance.bare_path
        && ahead.skip_ignore_case(b"postmaster")
        && matches!(ahead.peek(), None | Some(b' ' | b'\t'));
    if found {
        *cursor = ahead;
    }
    found
}

fn emit_path<S: Sink + ?Sized>(
    route: &Route<'_>,
    mailbox: &Mailbox<'_>,
    sink: &mut S,
) -> Result<(), Full> {
    sink.put_byte(b'<')?;
    if !route.is_empty() {
        sink.put(route.raw())?;
        sink.put_byte(b':')?;
    }
    mailbox.emit(sink)?;
    sink.put_byte(b'>')
}

/// `value`, if nothing is left.
fn at_end<T>(cursor: &Cursor<'_>, value: T) -> Result<T, PathError> {
    if cursor.is_at_end() {
        return Ok(value);
    }
    Err(ParseError::new(PathErrorKind::TextBehind, cursor.offset()))
}

/// What lies between two positions of one slice.
#[inline]
fn since<'a>(start: Cursor<'a>, end: &Cursor<'a>) -> &'a [u8] {
    let len = end.offset().saturating_sub(start.offset());
    start.rest().get(..len).unwrap_or_default()
}
