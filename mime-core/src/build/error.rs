//! Why a message cannot be written.

use core::fmt;

use scop_core::Full;

use crate::header::address::AddressErrorKind;
use crate::header::encoded_word::TextError;
use crate::header::fold::FoldError;

/// Which rule a draft breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildErrorKind {
    /// The sink is full.
    Full,
    /// A control character, CR, LF and NUL among them, in a value (RFC 5322 2.2). TAB may stand in text.
    Control,
    /// A value that can be written in ASCII alone is not ASCII, and the transport takes no UTF-8
    /// (RFC 6531).
    NotAscii,
    /// An address is no addr-spec (RFC 5322 3.4.1).
    BadAddress(AddressErrorKind),
    /// White space, a comment or an encoded word in or around an address: readers differ on it.
    AmbiguousAddress,
    /// An identifier is not `left@right` of plain octets (RFC 5322 3.6.4).
    BadMessageId,
    /// A field name is not of octets from 33 to 126 without colon, or begins with `--` (RFC 5322 2.2).
    BadName,
    /// A field that is written by itself: Date, From, MIME-Version and the Content- fields.
    ReservedName,
    /// A field that may stand once stands twice (RFC 5322 3.6).
    DuplicateField,
    /// A value is empty where something must stand, or its field has another grammar.
    BadValue,
    /// A URI is not of printable ASCII, or holds `<`, `>` or a comma (RFC 2369 2, RFC 3986 2).
    BadUri,
    /// A media type or the name of a parameter is no token, or a type is used for a body that it is not
    /// for (RFC 2045 5.1).
    BadMediaType,
    /// A line has more than 998 octets and no place to fold (RFC 5322 2.1.1), or is in a part that can
    /// have no encoding (RFC 2046 5.2.1).
    LineTooLong,
    /// A field or a header is longer, or has more fields, than a reader takes
    /// ([`crate::Limits::DEFAULT`]).
    TooLong,
    /// NUL, or CR that no LF follows, in a part that can have no encoding (RFC 2045 2.7).
    NotLines,
    /// Octets above 127 in a part that can have no encoding, and the transport is 7bit (RFC 2046 5.2.1).
    EightBit,
    /// A multipart without a part (RFC 2046 5.1.1).
    NoParts,
    /// Bodies nest deeper than [`super::MAX_DEPTH`].
    TooDeep,
    /// More bodies than a reader takes ([`crate::Limits::parts`]).
    TooManyParts,
    /// No boundary was found that is in no part; the entropy is not random.
    NoBoundary,
}

impl fmt::Display for BuildErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => return Full.fmt(f),
            Self::Control => "a value holds a control character (RFC 5322 2.2)",
            Self::NotAscii => "a value is not ASCII and the transport takes no UTF-8 (RFC 6531)",
            Self::BadAddress(kind) => return kind.fmt(f),
            Self::AmbiguousAddress => "readers differ on the address (RFC 5322 3.4.1)",
            Self::BadMessageId => "an identifier is not \"left@right\" (RFC 5322 3.6.4)",
            Self::BadName => "a field name is malformed (RFC 5322 2.2)",
            Self::ReservedName => "a field of this name is written by itself",
            Self::DuplicateField => "a field stands twice that may stand once (RFC 5322 3.6)",
            Self::BadValue => "the value is not what the grammar of the field allows",
            Self::BadUri => "a URI is malformed (RFC 2369 2, RFC 3986 2)",
            Self::BadMediaType => "a media type is malformed or not for this body (RFC 2045 5.1)",
            Self::LineTooLong => "a line is longer than 998 octets (RFC 5322 2.1.1)",
            Self::TooLong => "a field or a header is longer than a reader takes",
            Self::NotLines => {
                "NUL or a CR without LF in a part that has no encoding (RFC 2045 2.7)"
            }
            Self::EightBit => "octets above 127 in a part that has no encoding (RFC 2046 5.2.1)",
            Self::NoParts => "a multipart has no part (RFC 2046 5.1.1)",
            Self::TooDeep => "bodies nest too deep",
            Self::TooManyParts => "there are too many bodies",
            Self::NoBoundary => "each boundary that was tried is in a part (RFC 2046 5.1.1)",
        })
    }
}

/// What an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item {
    /// The message or part as a whole.
    Whole,
    /// The field From.
    From,
    /// The field with this index in the list of the draft.
    Field(usize),
    /// The media type.
    MediaType,
    /// The parameter with this index.
    Parameter(usize),
    /// The Content-ID.
    ContentId,
    /// The file name.
    FileName,
    /// The description.
    Description,
    /// What the body holds.
    Content,
}

/// A rule that a draft breaks, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildError {
    kind: BuildErrorKind,
    part: usize,
    item: Item,
    offset: usize,
}

impl BuildError {
    pub(super) const fn new(part: usize, item: Item, fault: Fault) -> Self {
        Self {
            kind: fault.kind,
            part,
            item,
            offset: fault.offset,
        }
    }

    /// The rule.
    pub const fn kind(&self) -> BuildErrorKind {
        self.kind
    }

    /// Which body, in the order in which they are written; 0 for the header of the message itself. A
    /// draft in a draft has its fields in the body that it is.
    pub const fn part(&self) -> usize {
        self.part
    }

    /// What of it.
    pub const fn item(&self) -> Item {
        self.item
    }

    /// The byte of the name, address or text.
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in ", self.kind)?;
        match self.item {
            Item::Whole => f.write_str("all")?,
            Item::From => f.write_str("From")?,
            Item::Field(index) => write!(f, "field {index}")?,
            Item::MediaType => f.write_str("the media type")?,
            Item::Parameter(index) => write!(f, "parameter {index}")?,
            Item::ContentId => f.write_str("the Content-ID")?,
            Item::FileName => f.write_str("the file name")?,
            Item::Description => f.write_str("the description")?,
            Item::Content => f.write_str("the content")?,
        }
        write!(f, " of part {} at byte {}", self.part, self.offset)
    }
}

impl core::error::Error for BuildError {}

/// What is wrong with one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: BuildErrorKind,
    pub(super) offset: usize,
}

impl Fault {
    pub(super) const fn new(kind: BuildErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }
}

impl From<Full> for Fault {
    fn from(Full: Full) -> Self {
        Self::new(BuildErrorKind::Full, 0)
    }
}

impl From<TextError> for Fault {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Full => Full.into(),
            TextError::Control { offset } => Self::new(BuildErrorKind::Control, offset),
        }
    }
}

impl From<FoldError> for Fault {
    fn from(error: FoldError) -> Self {
        let kind = match error {
            FoldError::Full => BuildErrorKind::Full,
            FoldError::LineEnd => BuildErrorKind::Control,
            FoldError::LineTooLong => BuildErrorKind::LineTooLong,
        };
        Self::new(kind, 0)
    }
}
