//! What a message says, without how it is written: the abstract message.
//!
//! Every value here is what a correct reader must report. The spelling (quoting, comments, folding,
//! obsolete forms) is drawn by [`crate::write`] from the [`How`] of each field and body, so that a field
//! is spelled the same whatever stands beside it. That is what lets [`crate::shrink`] take a message apart.

use std::borrow::Cow;

use scop_mime_core::Encoding;

mod address;
mod field;
mod text;

pub use address::{AddrSpec, Address, Domain, Id, Mailbox, Path};
pub use field::{
    Date, Field, Parameter, Property, Received, ReceivedClause, Resinfo, Results, Value, Zone,
};
pub use text::{Charset, EncodedWord, Phrase, Piece, Text, Word};

/// A message and how its lines end.
#[derive(Clone, Debug)]
pub struct Message {
    /// The seed that it was drawn from.
    pub seed: u64,
    /// How lines end, in the whole message.
    pub line_end: LineEnd,
    /// The message as an entity.
    pub root: Entity,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnd {
    /// As RFC 5322 2.1 wants it.
    #[default]
    Crlf,
    /// As Unix stores it.
    Lf,
}

impl LineEnd {
    /// The octets.
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Crlf => b"\r\n",
            Self::Lf => b"\n",
        }
    }
}

/// Who spells a field or an encoded body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hand {
    /// The corpus, in the plainest form.
    #[default]
    Plain,
    /// The corpus, in every form that the grammar allows.
    Odd,
    /// The writers of mime-core.
    Library,
}

/// How a field or body is spelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// Who spells it.
    pub hand: Hand,
    /// What the choices are drawn from.
    pub seed: u64,
}

/// A header and a body (RFC 2045 2.4).
#[derive(Clone, Debug, Default)]
pub struct Entity {
    /// The fields, in order.
    pub fields: Vec<Field>,
    /// The body.
    pub body: Body,
}

/// A body.
#[derive(Clone, Debug, Default)]
pub enum Body {
    /// None: the header ends the message, without an empty line.
    #[default]
    Absent,
    /// Octets.
    Leaf(Leaf),
    /// Parts between delimiters.
    Multipart(Multipart),
    /// A message as it is.
    Message(Box<Entity>),
    /// A message behind a transfer encoding (RFC 6532 3.7).
    EncodedMessage(Box<Entity>, Encoding, How),
}

/// The body of a leaf.
#[derive(Clone, Debug, Default)]
pub struct Leaf {
    /// The octets, decoded.
    pub content: Vec<u8>,
    /// How they are encoded.
    pub encoding: Encoding,
    /// How the encoding is laid out.
    pub how: How,
    /// What the octets say, where they are a report.
    pub report: Option<Report>,
}

/// The fields of a machine-readable part: the groups (per message, then per recipient) of names and
/// values, as they stand in the content of the leaf.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Group by group.
    pub groups: Vec<Vec<(Cow<'static, str>, String)>>,
}

/// The body of a multipart.
#[derive(Clone, Debug, Default)]
pub struct Multipart {
    /// The boundary, decoded.
    pub boundary: String,
    /// What stands before the first delimiter, without the line end that belongs to it.
    pub preamble: Option<Vec<u8>>,
    /// The parts.
    pub parts: Vec<Entity>,
    /// What stands behind the close, with the line end there.
    pub epilogue: Option<Vec<u8>>,
    /// How the delimiter lines are padded.
    pub how: How,
}
