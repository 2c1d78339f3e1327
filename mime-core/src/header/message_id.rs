//! Message identifiers (RFC 5322 3.6.4 and 4.5.4), also those of Content-ID (RFC 2045 7).
//!
//! One identifier, and lists of them as in In-Reply-To and References. The obsolete forms are read:
//! comments and white space inside, a quoted local part on the left, a domain on the right, and words
//! between the identifiers of a list.
//!
//! ```
//! use scop_mime_core::{MessageId, MessageIds};
//!
//! let id = MessageId::parse(b" <1234@local.machine.example>\r\n (x)")?;
//! assert_eq!(id.raw(), b"<1234@local.machine.example>");
//! assert!(id.right().is(b"local.machine.example"));
//! let references = b" <1@a.example> <2@b.example>\r\n <3@c.example>";
//! assert_eq!(MessageIds::parse(references)?.iter().count(), 3);
//! # Ok::<(), scop_core::ParseError<scop_mime_core::header::message_id::MessageIdErrorKind>>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::address::{AddrSpec, AddressError, AddressErrorKind, take_gap};
use super::lexical::{Enclosed, LexicalErrorKind, Text, display, since, take_atext, take_enclosed};

#[cfg(test)]
mod tests;

/// Which rule of the identifier grammar is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageIdErrorKind {
    /// A token is malformed.
    Lexical(LexicalErrorKind),
    /// No `<` where an identifier is due.
    NoId,
    /// An identifier that is not `left@right`.
    BadId,
    /// An identifier without `>`.
    NoAngleEnd,
    /// Text where there may be none.
    TextAfterId,
}

impl fmt::Display for MessageIdErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lexical(kind) => return kind.fmt(f),
            Self::NoId => "there is no identifier in \"<\" and \">\" (RFC 5322 3.6.4)",
            Self::BadId => "an identifier is not \"left@right\" (RFC 5322 3.6.4)",
            Self::NoAngleEnd => "an identifier has no \">\" (RFC 5322 3.6.4)",
            Self::TextAfterId => "text that is no identifier (RFC 5322 3.6.4)",
        })
    }
}

/// The error of every parser of this module.
pub type MessageIdError = ParseError<MessageIdErrorKind>;

/// One identifier.
///
/// ```text
/// msg-id          = [CFWS] "<" id-left "@" id-right ">" [CFWS]    ; RFC 5322 3.6.4
/// id-left         = dot-atom-text / local-part                    ; RFC 5322 4.5.4
/// id-right        = dot-atom-text / no-fold-literal / domain
/// ```
///
/// Two are equal when both sides mean the same octets, case included.
#[derive(Clone, Copy, Debug)]
pub struct MessageId<'a> {
    raw: &'a [u8],
    offset: usize,
    id: AddrSpec<'a>,
}

impl<'a> MessageId<'a> {
    /// Reads the value of a Message-ID or Content-ID field.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, MessageIdError> {
        let mut cursor = Cursor::new(value);
        gap(&mut cursor)?;
        let id = Self::take(&mut cursor)?;
        gap(&mut cursor)?;
        if cursor.is_at_end() {
            Ok(id)
        } else {
            error(MessageIdErrorKind::TextAfterId, &cursor)
        }
    }

    /// From `<` to `>`, as written.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where it begins in the parsed value.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// What the side before the `@` means.
    pub const fn left(&self) -> Text<'a> {
        self.id.local_part().text()
    }

    /// What the side after the `@` means; a literal has its brackets.
    pub const fn right(&self) -> Text<'a> {
        self.id.domain().text()
    }

    fn take(cursor: &mut Cursor<'a>) -> Result<Self, MessageIdError> {
        let start = *cursor;
        if !cursor.skip_byte(b'<') {
            return error(MessageIdErrorKind::NoId, cursor);
        }
        let id = AddrSpec::take(cursor).map_err(bad_id)?;
        gap(cursor)?;
        if !cursor.skip_byte(b'>') {
            return error(MessageIdErrorKind::NoAngleEnd, cursor);
        }
        Ok(Self {
            raw: since(start, cursor),
            offset: start.offset(),
            id,
        })
    }
}

impl PartialEq for MessageId<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.left().eq(other.left()) && self.right().eq(other.right())
    }
}

impl Eq for MessageId<'_> {}

/// In canonical form: without comments and white space, the left side quoted where needed only.
impl Emit for MessageId<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put_byte(b'<')?;
        self.id.emit(sink)?;
        sink.put_byte(b'>')
    }
}

impl fmt::Display for MessageId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// A list of identifiers, all of them valid.
///
/// ```text
/// in-reply-to / references value = 1*msg-id                       ; RFC 5322 3.6.4
/// obs                            = *(phrase / msg-id)             ; RFC 5322 4.5.4
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MessageIds<'a> {
    value: &'a [u8],
}

impl<'a> MessageIds<'a> {
    /// Reads the value of an In-Reply-To or References field.
    ///
    /// # Errors
    /// The first rule that is broken; `NoId` when there is no identifier.
    pub fn parse(value: &'a [u8]) -> Result<Self, MessageIdError> {
        let mut cursor = Cursor::new(value);
        let mut count: usize = 0;
        while next_id(&mut cursor)?.is_some() {
            count = count.saturating_add(1);
        }
        if count == 0 {
            return error(MessageIdErrorKind::NoId, &cursor);
        }
        Ok(Self { value })
    }

    /// Reads the identifiers before the first rule that is broken. Also gives the rest, which begins
    /// behind the last one.
    pub fn parse_prefix(value: &'a [u8]) -> (Self, &'a [u8]) {
        let mut cursor = Cursor::new(value);
        let mut end = cursor;
        while let Ok(Some(_)) = next_id(&mut cursor) {
            end = cursor;
        }
        let value = since(Cursor::new(value), &end);
        (Self { value }, end.rest())
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// The identifiers, in order.
    pub fn iter(&self) -> impl Iterator<Item = MessageId<'a>> + Clone + use<'a> {
        let mut cursor = Cursor::new(self.value);
        core::iter::from_fn(move || next_id(&mut cursor).ok().flatten())
    }
}

/// In canonical form, one space between.
impl Emit for MessageIds<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        for (index, id) in self.iter().enumerate() {
            if index > 0 {
                sink.put_byte(b' ')?;
            }
            id.emit(sink)?;
        }
        Ok(())
    }
}

/// Takes words and gaps, and the identifier behind them; `None` at the end.
fn next_id<'a>(cursor: &mut Cursor<'a>) -> Result<Option<MessageId<'a>>, MessageIdError> {
    loop {
        gap(cursor)?;
        let lexical = |error: ParseError<LexicalErrorKind>| error.map(MessageIdErrorKind::Lexical);
        match cursor.peek() {
            None => return Ok(None),
            Some(b'<') => return MessageId::take(cursor).map(Some),
            Some(b'"') => {
                take_enclosed(cursor, Enclosed::QuotedString).map_err(lexical)?;
            }
            Some(b'.') => {
                cursor.take_byte();
            }
            Some(_) => {
                if take_atext(cursor).map_err(lexical)?.is_empty() {
                    return error(MessageIdErrorKind::TextAfterId, cursor);
                }
            }
        }
    }
}

fn gap(cursor: &mut Cursor<'_>) -> Result<(), MessageIdError> {
    take_gap(cursor).map_err(bad_id)?;
    Ok(())
}

fn bad_id(error: AddressError) -> MessageIdError {
    error.map(|kind| match kind {
        AddressErrorKind::Lexical(kind) => MessageIdErrorKind::Lexical(kind),
        _ => MessageIdErrorKind::BadId,
    })
}

fn error<T>(kind: MessageIdErrorKind, at: &Cursor<'_>) -> Result<T, MessageIdError> {
    Err(ParseError::new(kind, at.offset()))
}
