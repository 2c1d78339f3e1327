//! Mailboxes and local parts (RFC 5321 4.1.2, RFC 6531 3.3).

use core::fmt;

use scop_core::{Cursor, Emit, FmtSink, Full, ParseError, Sink};
use scop_mime_core::AddrSpec;
use scop_mime_core::header::address::AddressError;

use super::{Domain, MAX_LOCAL_PART, MAX_PATH, PathError, PathErrorKind, at_end, since};
use crate::command::Tolerance;
use crate::lexical::{Class, first_bad_utf8};
use crate::shown::debug_as_text;

/// `Local-part "@" ( Domain / address-literal )`.
///
/// Two are equal when their local parts are the same octets, whatever the quoting, and their domains the
/// same without regard to ASCII case. Written, the local part is quoted only if it must be
/// (RFC 5321 4.1.2), and an address literal has its canonical form.
#[derive(Clone, Copy)]
pub struct Mailbox<'a> {
    raw: &'a [u8],
    local_len: usize,
}

debug_as_text!(Mailbox, raw);

impl<'a> Mailbox<'a> {
    /// Reads a mailbox, without angle brackets.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(raw: &'a [u8]) -> Result<Self, PathError> {
        Self::parse_with(raw, &Tolerance::STRICT)
    }

    /// The same, with [`Tolerance::long_path`].
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse_with(raw: &'a [u8], tolerance: &Tolerance) -> Result<Self, PathError> {
        let mut cursor = Cursor::new(raw);
        let mailbox = Self::take(&mut cursor, tolerance.long_path)?;
        // With its brackets it is a path.
        if raw.len().saturating_add(2) > MAX_PATH && !tolerance.long_path && cursor.is_at_end() {
            return Err(ParseError::new(PathErrorKind::PathTooLong, 0));
        }
        at_end(&cursor, mailbox)
    }

    /// Takes a mailbox; the caller judges the length of the path.
    #[expect(
        clippy::inline_always,
        reason = "the result is large; to hand it over takes longer than to read a path"
    )]
    #[inline(always)]
    pub(super) fn take(cursor: &mut Cursor<'a>, long: bool) -> Result<Self, PathError> {
        let start = *cursor;
        let local_part = LocalPart::take(cursor)?;
        let local_len = local_part.raw.len();
        if local_len > MAX_LOCAL_PART && !long {
            let kind = PathErrorKind::LocalPartTooLong;
            return Err(ParseError::new(kind, start.offset()));
        }
        if !cursor.skip_byte(b'@') {
            let kind = PathErrorKind::NoAtSign;
            return Err(ParseError::new(kind, cursor.offset()));
        }
        Domain::take(cursor)?;
        let raw = since(start, cursor);
        Ok(Self { raw, local_len })
    }

    /// As it was written.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// As it was written; it is UTF-8.
    pub fn as_str(&self) -> &'a str {
        str::from_utf8(self.raw).unwrap_or_default()
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> LocalPart<'a> {
        LocalPart {
            raw: self.raw.get(..self.local_len).unwrap_or_default(),
        }
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> Domain<'a> {
        let start = self.local_len.saturating_add(1);
        Domain::known(self.raw.get(start..).unwrap_or_default())
    }

    /// Whether all octets are below 128; if not, SMTPUTF8 is needed (RFC 6531 3.4).
    pub const fn is_ascii(&self) -> bool {
        self.raw.is_ascii()
    }
}

/// An address of a message (RFC 5322 3.4.1), if it is one of SMTP as it stands: without comments, white space
/// and obsolete forms, and within the lengths.
impl<'a> TryFrom<AddrSpec<'a>> for Mailbox<'a> {
    type Error = PathError;

    fn try_from(addr_spec: AddrSpec<'a>) -> Result<Self, PathError> {
        Self::parse(addr_spec.raw())
    }
}

/// All are addresses of RFC 5322 3.4.1, so that there is no error in fact.
impl<'a> TryFrom<Mailbox<'a>> for AddrSpec<'a> {
    type Error = AddressError;

    fn try_from(mailbox: Mailbox<'a>) -> Result<Self, AddressError> {
        Self::parse(mailbox.raw)
    }
}

impl PartialEq for Mailbox<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.domain() == other.domain() && self.local_part() == other.local_part()
    }
}

impl Eq for Mailbox<'_> {}

impl Emit for Mailbox<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.local_part().emit(sink)?;
        sink.put_byte(b'@')?;
        self.domain().emit(sink)
    }
}

impl fmt::Display for Mailbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// What stands before the `@`.
///
/// ```text
/// Local-part      = Dot-string / Quoted-string                     ; RFC 5321 4.1.2
/// Dot-string      = Atom *("."  Atom)
/// Atom            = 1*atext
/// Quoted-string   = DQUOTE *QcontentSMTP DQUOTE
/// QcontentSMTP    = qtextSMTP / quoted-pairSMTP
/// quoted-pairSMTP = %d92 %d32-126
/// qtextSMTP       = %d32-33 / %d35-91 / %d93-126
/// atext           =/ UTF8-non-ascii                                ; RFC 6531 3.3
/// qtextSMTP       =/ UTF8-non-ascii
/// ```
///
/// Two are equal when they mean the same octets; `"joe"` is `joe`, but `Joe` is another
/// (RFC 5321 2.4).
#[derive(Clone, Copy)]
pub struct LocalPart<'a> {
    raw: &'a [u8],
}

debug_as_text!(LocalPart, raw);

impl<'a> LocalPart<'a> {
    #[inline]
    fn take(cursor: &mut Cursor<'a>) -> Result<Self, PathError> {
        let start = *cursor;
        let mut seen = 0;
        if cursor.skip_byte(b'"') {
            take_quoted(cursor, &mut seen)?;
        } else {
            loop {
                let atom = Class::ATEXT.or(Class::NON_ASCII).take(cursor, &mut seen);
                if atom.is_empty() {
                    let kind = PathErrorKind::BadLocalPart;
                    return Err(ParseError::new(kind, cursor.offset()));
                }
                if !cursor.skip_byte(b'.') {
                    break;
                }
            }
        }
        let raw = since(start, cursor);
        if !seen.is_ascii()
            && let Some(bad) = first_bad_utf8(raw)
        {
            let offset = start.offset().saturating_add(bad);
            return Err(ParseError::new(PathErrorKind::BadUtf8, offset));
        }
        Ok(Self { raw })
    }

    /// As written.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Without quotes and backslashes. Local parts that mean the same have the same text, so that its
    /// `to_string()` is the key for a database of users. It does not fold case.
    ///
    /// ```
    /// use scop_smtp_proto::Mailbox;
    ///
    /// for written in [&b"joe.public@example.org"[..], br#""joe.public"@example.org"#, br#""joe\.public"@example.org"#] {
    ///     assert_eq!(Mailbox::parse(written)?.local_part().text().to_string(), "joe.public");
    /// }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn text(&self) -> LocalText<'a> {
        let quoted = self.raw.strip_prefix(b"\"");
        let inner = quoted.and_then(|rest| rest.strip_suffix(b"\""));
        LocalText {
            rest: inner.unwrap_or(self.raw),
        }
    }

    /// Whether it means `bytes`, octet for octet.
    pub fn is(&self, bytes: &[u8]) -> bool {
        self.text().eq(bytes.iter().copied())
    }

    /// Whether it can be written as a Dot-string.
    fn is_dot_string(&self) -> bool {
        let mut in_atom = false;
        for byte in self.text() {
            if byte == b'.' {
                if !in_atom {
                    return false;
                }
                in_atom = false;
            } else if Class::ATEXT.or(Class::NON_ASCII).has(byte) {
                in_atom = true;
            } else {
                return false;
            }
        }
        in_atom
    }
}

impl PartialEq for LocalPart<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw || self.text().eq(other.text())
    }
}

impl Eq for LocalPart<'_> {}

/// As a Dot-string where it is one, else as a quoted string with no more backslashes than it needs.
impl Emit for LocalPart<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        if !self.raw.starts_with(b"\"") {
            return sink.put(self.raw);
        }
        if self.is_dot_string() {
            return self.text().emit(sink);
        }
        sink.put_byte(b'"')?;
        self.text()
            .emit_as(sink, |byte| matches!(byte, b'"' | b'\\'))?;
        sink.put_byte(b'"')
    }
}

impl fmt::Display for LocalPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// The octets that a local part means, for a user database; they need quoting to become a local part again.
#[derive(Clone)]
pub struct LocalText<'a> {
    rest: &'a [u8],
}

debug_as_text!(LocalText, rest);

impl Iterator for LocalText<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        // No Dot-string holds a backslash.
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        if first != b'\\' {
            return Some(first);
        }
        let (&quoted, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(quoted)
    }
}

impl LocalText<'_> {
    /// Writes it, with a backslash before what `escaped` says. In runs, so that UTF-8 stays together.
    fn emit_as<S: Sink + ?Sized>(
        &self,
        sink: &mut S,
        escaped: impl Fn(u8) -> bool,
    ) -> Result<(), Full> {
        let mut rest = self.rest;
        while let Some(backslash) = memchr::memchr(b'\\', rest) {
            let (before, pair) = rest.split_at_checked(backslash).unwrap_or_default();
            sink.put(before)?;
            let Some((&[_, quoted], behind)) = pair.split_first_chunk() else {
                return Ok(());
            };
            if escaped(quoted) {
                sink.put_byte(b'\\')?;
            }
            sink.put_byte(quoted)?;
            rest = behind;
        }
        sink.put(rest)
    }
}

impl Emit for LocalText<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.emit_as(sink, |_| false)
    }
}

impl fmt::Display for LocalText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// Takes what stands behind the opening quote, with the closing one.
fn take_quoted(cursor: &mut Cursor<'_>, seen: &mut u8) -> Result<(), PathError> {
    loop {
        Class::QTEXT.or(Class::NON_ASCII).take(cursor, seen);
        let offset = cursor.offset();
        let well_formed = match cursor.take_byte() {
            Some(b'"') => return Ok(()),
            Some(b'\\') => matches!(cursor.take_byte(), Some(b' '..=b'~')),
            _ => false,
        };
        if !well_formed {
            return Err(ParseError::new(PathErrorKind::BadQuotedString, offset));
        }
    }
}
