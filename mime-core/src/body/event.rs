//! What a reader says of a message, in the order of its bytes.

use crate::coding::encoding::Encoding;
use crate::defect::Defect;
use crate::header::scan::Field;

/// One step through a message.
///
/// Every byte of the input belongs to exactly one event: the [`Event::raw`] of all events, one after the
/// other, are the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An entity begins (RFC 2045 2.4): the message, a part of a multipart, the message in a
    /// message/rfc822. Its fields follow.
    Begin(Entity),
    /// One field, well formed or not.
    Field(Field<'a>),
    /// Bytes of a field that is longer than [`crate::Limits::field`]; they may come in several pieces.
    LongField(&'a [u8]),
    /// The header is over. `separator` is the empty line, or nothing where there is none.
    HeaderEnd {
        /// `CRLF`, `LF` or nothing.
        separator: &'a [u8],
        /// What follows.
        content: Content,
    },
    /// Bytes before the first delimiter of a multipart, without the line end that belongs to it.
    Preamble(&'a [u8]),
    /// Bytes of the body of a leaf, still encoded; they may come in several pieces.
    Body(&'a [u8]),
    /// A delimiter line with the line end before it, which belongs to it (RFC 2046 5.1.1), and, unless it
    /// closes, its own.
    Delimiter {
        /// The bytes.
        line: &'a [u8],
        /// Whether it is the last of its multipart.
        close: bool,
    },
    /// Bytes after the last delimiter of a multipart, from the line end behind it on; a line end before a
    /// delimiter of an outer multipart belongs to that.
    Epilogue(&'a [u8]),
    /// The entity that began last and has not ended ends here.
    End(Entity),
    /// What is wrong with the bytes that came last, or with those that follow.
    Defect(Defect),
}

impl<'a> Event<'a> {
    /// The bytes of the input that the event stands for.
    pub const fn raw(&self) -> &'a [u8] {
        match self {
            Self::Field(field) => field.raw(),
            Self::LongField(bytes)
            | Self::Preamble(bytes)
            | Self::Body(bytes)
            | Self::Epilogue(bytes)
            | Self::Delimiter { line: bytes, .. }
            | Self::HeaderEnd {
                separator: bytes, ..
            } => bytes,
            Self::Begin(_) | Self::End(_) | Self::Defect(_) => &[],
        }
    }
}

/// Where an entity stands in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entity {
    /// How many entities it is in; 0 for the message itself.
    pub depth: usize,
    /// Which child of its parent it is, from 1; 1 for the message itself.
    pub number: usize,
    /// The byte of the input at which its header begins.
    pub offset: u64,
}

impl Entity {
    /// An entity at this place.
    pub const fn new(depth: usize, number: usize, offset: u64) -> Self {
        Self {
            depth,
            number,
            offset,
        }
    }
}

/// What kind of body a header announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Content {
    /// How the reader goes on.
    pub kind: Kind,
    /// The transfer encoding; of a multipart too, although it may have none (RFC 2045 6.4).
    pub encoding: Encoding,
}

impl Content {
    /// A body of this kind.
    pub const fn new(kind: Kind, encoding: Encoding) -> Self {
        Self { kind, encoding }
    }
}

/// How a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// As bytes.
    Leaf,
    /// As bytes, which hold a message behind a transfer encoding: message/global (RFC 6532 3.7). Decode
    /// them, and read the result with another reader.
    EncodedMessage,
    /// As a message: message/rfc822 (RFC 2046 5.2.1), message/global, message/news.
    Message,
    /// As parts between delimiters (RFC 2046 5.1).
    Multipart,
}
