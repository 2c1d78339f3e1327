//! Verbs, and the text behind them.

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::{CommandError, CommandErrorKind};
use crate::lexical::{Class, first_bad_utf8};
use crate::shown::debug_as_text;

/// Text behind a verb: UTF-8 without control characters, and without spaces at its ends. It may be empty.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Argument<'a>(&'a [u8]);

debug_as_text!(Argument, 0);

impl<'a> Argument<'a> {
    /// None.
    pub const EMPTY: Self = Self(b"");

    /// Text that is to become an argument, or was one.
    ///
    /// # Errors
    /// Where it holds what no argument can.
    pub fn parse(raw: &'a [u8]) -> Result<Self, CommandError> {
        // QTEXT has the space.
        let allowed = Class::QTEXT.or(Class::VISIBLE).or(Class::NON_ASCII);
        let bad = |offset| Err(ParseError::new(CommandErrorKind::BadArgument, offset));
        let len = allowed.run(raw);
        if len < raw.len() {
            return bad(len);
        }
        if raw.first() == Some(&b' ') {
            return bad(0);
        }
        if raw.last() == Some(&b' ') {
            return bad(len.saturating_sub(1));
        }
        if !raw.is_ascii()
            && let Some(offset) = first_bad_utf8(raw)
        {
            return bad(offset);
        }
        Ok(Self(raw))
    }

    /// Of bytes that the caller has checked.
    pub(super) const fn checked(raw: &'a [u8]) -> Self {
        Self(raw)
    }

    /// As written.
    pub const fn raw(&self) -> &'a [u8] {
        self.0
    }

    /// As written; it is UTF-8.
    pub fn as_str(&self) -> &'a str {
        str::from_utf8(self.0).unwrap_or_default()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As written.
impl Emit for Argument<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.0)
    }
}

impl fmt::Display for Argument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The first word of a command: letters, digits and hyphens, the first of them no hyphen.
///
/// RFC 5321 2.4 has letters only, and extensions have named others, as `X-EXPS`. Two are equal without regard to
/// ASCII case.
#[derive(Clone, Copy)]
pub struct Verb<'a>(&'a [u8]);

debug_as_text!(Verb, 0);

impl<'a> Verb<'a> {
    /// A verb.
    ///
    /// # Errors
    /// Where it holds what no verb can.
    pub fn parse(raw: &'a [u8]) -> Result<Self, CommandError> {
        let mut cursor = Cursor::new(raw);
        let verb = Self::take(&mut cursor)?;
        if cursor.is_at_end() {
            return Ok(verb);
        }
        let kind = CommandErrorKind::BadVerb;
        Err(ParseError::new(kind, cursor.offset()))
    }

    /// Takes a verb that ends with the line or at white space.
    pub(super) fn take(cursor: &mut Cursor<'a>) -> Result<Self, CommandError> {
        let raw = cursor.take_while(|byte| Class::LDH.has(byte));
        let ends = matches!(cursor.peek(), None | Some(b' ' | b'\t'));
        if ends && !matches!(raw.first(), None | Some(b'-')) {
            return Ok(Self(raw));
        }
        let offset = if ends { 0 } else { cursor.offset() };
        Err(ParseError::new(CommandErrorKind::BadVerb, offset))
    }

    /// As written.
    pub const fn raw(&self) -> &'a [u8] {
        self.0
    }

    /// As written.
    pub fn as_str(&self) -> &'a str {
        str::from_utf8(self.0).unwrap_or_default()
    }

    /// Whether it is `name`, without regard to ASCII case.
    pub fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name.as_bytes())
    }
}

impl PartialEq for Verb<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(other.0)
    }
}

impl Eq for Verb<'_> {}

/// As written.
impl Emit for Verb<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.0)
    }
}

impl fmt::Display for Verb<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
