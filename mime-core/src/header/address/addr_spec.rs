//! The address itself, `local-part@domain` (RFC 5322 3.4.1 and 4.4).

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::{AddressError, AddressErrorKind};
use crate::header::lexical::{
    Enclosed, Gap, LexicalError, Text, begins_encoded_word, display, emit_quoted, is_dot_atom,
    since, skip_cfws, take_atext, take_enclosed,
};

/// `local-part@domain`.
///
/// ```text
/// addr-spec = local-part "@" domain                               ; RFC 5322 3.4.1
/// ```
///
/// Two are equal when their local parts are the same octets and their domains the same but for ASCII
/// case, whatever the quoting, comments and white space.
#[derive(Clone, Copy, Debug)]
pub struct AddrSpec<'a> {
    raw: &'a [u8],
    offset: usize,
    local_len: usize,
    domain_start: usize,
    /// What lies between the tokens.
    pub(super) inside: Gap,
}

impl<'a> AddrSpec<'a> {
    /// Reads an address without angle brackets; white space and comments may stand around it.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, AddressError> {
        let mut cursor = Cursor::new(value);
        let addr_spec = Self::take(&mut cursor)?;
        take_gap(&mut cursor)?;
        if !cursor.is_at_end() {
            let kind = AddressErrorKind::TextAfterAddress;
            return Err(ParseError::new(kind, cursor.offset()));
        }
        Ok(addr_spec)
    }

    /// Takes the gap before an address, and the address.
    pub(crate) fn take(cursor: &mut Cursor<'a>) -> Result<Self, AddressError> {
        take_gap(cursor)?;
        let start = *cursor;
        let local = take_dotted(cursor, Words::QuotedToo, AddressErrorKind::NoLocalPart)?;
        let mut inside = local.inside;
        inside.join(take_gap(cursor)?);
        if !cursor.skip_byte(b'@') {
            let kind = AddressErrorKind::NoAtSign;
            return Err(ParseError::new(kind, cursor.offset()));
        }
        inside.join(take_gap(cursor)?);
        let domain = Domain::take(cursor, &mut inside)?;
        Ok(Self {
            raw: since(start, cursor),
            offset: start.offset(),
            local_len: local.raw.len(),
            domain_start: domain.offset.saturating_sub(start.offset()),
            inside,
        })
    }

    /// From the first octet of the local part to the last of the domain, as written.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// What stands before the `@`.
    pub const fn local_part(&self) -> LocalPart<'a> {
        let raw = match self.raw.split_at_checked(self.local_len) {
            Some((raw, _)) => raw,
            None => self.raw,
        };
        LocalPart {
            raw,
            offset: self.offset,
        }
    }

    /// What stands after the `@`.
    pub const fn domain(&self) -> Domain<'a> {
        let raw = match self.raw.split_at_checked(self.domain_start) {
            Some((_, raw)) => raw,
            None => self.raw,
        };
        Domain {
            raw,
            offset: self.offset.saturating_add(self.domain_start),
        }
    }
}

impl PartialEq for AddrSpec<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.local_part() == other.local_part() && self.domain() == other.domain()
    }
}

impl Eq for AddrSpec<'_> {}

/// In canonical form.
impl Emit for AddrSpec<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.local_part().emit(sink)?;
        sink.put_byte(b'@')?;
        self.domain().emit(sink)
    }
}

impl fmt::Display for AddrSpec<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// The part before the `@`.
///
/// ```text
/// local-part     = dot-atom / quoted-string / obs-local-part      ; RFC 5322 3.4.1
/// obs-local-part = word *("." word)                               ; RFC 5322 4.4
/// ```
///
/// Two are equal when they mean the same octets; `"a.b"` is `a.b`.
#[derive(Clone, Copy, Debug)]
pub struct LocalPart<'a> {
    raw: &'a [u8],
    offset: usize,
}

impl<'a> LocalPart<'a> {
    /// From the first word to the last, as written.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where it begins in the parsed value.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Without quoting, comments and white space between words.
    pub const fn text(&self) -> Text<'a> {
        Text::joined(self.raw)
    }

    /// Whether it means `bytes`, octet for octet (RFC 5321 2.4).
    pub fn is(&self, bytes: &[u8]) -> bool {
        self.text().is(bytes)
    }
}

impl PartialEq for LocalPart<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text().eq(other.text())
    }
}

impl Eq for LocalPart<'_> {}

/// As a dot-atom where it is one, else as one quoted string. What looks like an encoded word is quoted
/// too, because nothing is decoded within quotes (RFC 2047 5).
impl Emit for LocalPart<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        if is_dot_atom(self.text()) && !begins_encoded_word(self.text()) {
            self.text().emit(sink)
        } else {
            emit_quoted(self.text().runs(), sink)
        }
    }
}

impl fmt::Display for LocalPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// The part after the `@`.
///
/// ```text
/// domain     = dot-atom / domain-literal / obs-domain             ; RFC 5322 3.4.1
/// obs-domain = atom *("." atom)                                   ; RFC 5322 4.4
/// ```
///
/// The grammar allows more than DNS does: the atoms need not be labels. Two are equal when they are
/// the same but for ASCII case, comments and white space.
#[derive(Clone, Copy, Debug)]
pub struct Domain<'a> {
    raw: &'a [u8],
    offset: usize,
}

impl<'a> Domain<'a> {
    /// Takes a domain, and notes the gaps between its tokens.
    pub(crate) fn take(cursor: &mut Cursor<'a>, inside: &mut Gap) -> Result<Self, AddressError> {
        let offset = cursor.offset();
        if cursor.peek() == Some(b'[') {
            let raw = take_enclosed(cursor, Enclosed::Literal).map_err(lexical)?;
            return Ok(Self { raw, offset });
        }
        let dotted = take_dotted(cursor, Words::Atoms, AddressErrorKind::NoDomain)?;
        inside.join(dotted.inside);
        Ok(Self {
            raw: dotted.raw,
            offset,
        })
    }

    /// From the first atom to the last, or the literal with its brackets, as written.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where it begins in the parsed value.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Without comments and white space.
    pub const fn text(&self) -> Text<'a> {
        Text::joined(self.raw)
    }

    /// Whether it is `[...]`.
    pub fn is_literal(&self) -> bool {
        self.raw.starts_with(b"[")
    }

    /// The domain as one slice: `None` for a literal, and where comments or white space stand inside.
    pub fn as_dot_atom(&self) -> Option<&'a [u8]> {
        is_dot_atom(self.raw.iter().copied()).then_some(self.raw)
    }

    /// Whether it means `bytes`, without regard to ASCII case.
    pub fn is(&self, bytes: &[u8]) -> bool {
        self.text().is_ignore_case(bytes)
    }
}

impl PartialEq for Domain<'_> {
    fn eq(&self, other: &Self) -> bool {
        let lower = |byte: u8| byte.to_ascii_lowercase();
        self.text().map(lower).eq(other.text().map(lower))
    }
}

impl Eq for Domain<'_> {}

/// Without comments and white space; case as written.
impl Emit for Domain<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.text().emit(sink)
    }
}

impl fmt::Display for Domain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// What the words between the dots may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    Atoms,
    QuotedToo,
}

/// Words with dots between them.
pub(crate) struct Dotted<'a> {
    pub(crate) raw: &'a [u8],
    pub(crate) inside: Gap,
}

/// Takes `word *([CFWS] "." [CFWS] word)`; `missing` is the error for no word.
pub(crate) fn take_dotted<'a>(
    cursor: &mut Cursor<'a>,
    words: Words,
    missing: AddressErrorKind,
) -> Result<Dotted<'a>, AddressError> {
    let start = *cursor;
    let mut inside = Gap::default();
    loop {
        if words == Words::QuotedToo && cursor.peek() == Some(b'"') {
            take_enclosed(cursor, Enclosed::QuotedString).map_err(lexical)?;
        } else if take_atext(cursor).map_err(lexical)?.is_empty() {
            return Err(ParseError::new(missing, cursor.offset()));
        }
        let end = *cursor;
        let before_dot = take_gap(cursor)?;
        if !cursor.skip_byte(b'.') {
            *cursor = end;
            return Ok(Dotted {
                raw: since(start, cursor),
                inside,
            });
        }
        inside.join(before_dot);
        inside.join(take_gap(cursor)?);
    }
}

/// Skips white space and comments.
pub(crate) fn take_gap(cursor: &mut Cursor<'_>) -> Result<Gap, AddressError> {
    skip_cfws(cursor).map_err(lexical)
}

pub(crate) fn lexical(error: LexicalError) -> AddressError {
    error.map(AddressErrorKind::Lexical)
}
