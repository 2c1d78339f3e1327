//! Content-Type (RFC 2045 5).
//!
//! [`ContentType::parse`] is strict. [`ContentType::recover`] reads as far as it can, by the one
//! interpretation that [`crate::header::parameter`] describes, and says what is wrong first; both give
//! the same value where both give one. No function panics; time is linear.
//!
//! ```
//! use scop_mime_core::ContentType;
//!
//! let value = b" Multipart/Mixed; boundary=\"gc0y0pkb9ex\"; charset=us-ascii (Plain text)";
//! let content = ContentType::parse(value)?;
//! assert!(content.is(b"multipart", b"mixed") && content.is_type(b"multipart"));
//! assert!(content.boundary().unwrap().is(b"gc0y0pkb9ex"));
//! assert!(content.charset().unwrap().is(b"us-ascii"));
//! # Ok::<(), scop_core::ParseError<scop_mime_core::header::content::content_type::ContentErrorKind>>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::defects::Defects;
use super::head::{Form, Head};
use crate::header::lexical::display;
use crate::header::parameter::read::Reader;
use crate::header::parameter::{Parameter, ParameterErrorKind, Parameters};
use crate::limits::Limits;

#[cfg(test)]
mod tests;

/// Which rule a Content-Type or Content-Disposition breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentErrorKind {
    /// A parameter, or what stands between tokens, is malformed.
    Parameter(ParameterErrorKind),
    /// No type.
    NoType,
    /// No subtype.
    NoSubtype,
    /// Text behind the type and subtype that is no parameter.
    TextAfterType,
}

impl fmt::Display for ContentErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parameter(kind) => return kind.fmt(f),
            Self::NoType => "there is no type (RFC 2045 5.1)",
            Self::NoSubtype => "there is no subtype (RFC 2045 5.1)",
            Self::TextAfterType => "text that is no parameter behind the type (RFC 2045 5.1)",
        })
    }
}

/// What is wrong with a field; the offset counts from the start of its value.
pub type ContentError = ParseError<ContentErrorKind>;

/// What kind of content an entity has.
///
/// ```text
/// content = type "/" subtype *(";" parameter)                          ; RFC 2045 5.1
/// type    = token
/// subtype = token
/// ```
///
/// White space and comments may stand around every token.
///
/// The default is [`ContentType::DEFAULT`].
#[derive(Clone, Copy, Debug)]
pub struct ContentType<'a> {
    value: &'a [u8],
    type_name: &'a [u8],
    subtype: &'a [u8],
    parameters: Parameters<'a>,
    comment: Option<usize>,
}

impl ContentType<'static> {
    /// What an entity without Content-Type has: `text/plain; charset=us-ascii` (RFC 2045 5.2).
    pub const DEFAULT: Self = Self {
        value: b"text/plain; charset=us-ascii",
        type_name: b"text",
        subtype: b"plain",
        parameters: Parameters::at(b"text/plain; charset=us-ascii", 10),
        comment: None,
    };
}

impl<'a> ContentType<'a> {
    /// Reads the value of a field.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, ContentError> {
        match Self::recover(value) {
            (Some(content), None) => Ok(content),
            (_, error) => Err(error.unwrap_or(ParseError::new(ContentErrorKind::NoType, 0))),
        }
    }

    /// Reads the value of a field as far as it goes, and says what is wrong first. There is nothing when
    /// there is no type; a missing subtype is empty.
    pub fn recover(value: &'a [u8]) -> (Option<Self>, Option<ContentError>) {
        Self::recover_within(value, &Limits::DEFAULT)
    }

    /// [`Self::recover`] with other limits: of [`Limits::parameters`] at most
    /// [`MAX_SECTIONS`](crate::header::parameter::MAX_SECTIONS) are used.
    pub fn recover_within(
        value: &'a [u8],
        limits: &Limits,
    ) -> (Option<Self>, Option<ContentError>) {
        let mut reader = Reader::new(Cursor::new(value));
        let mut head = Head::take(&mut reader, Form::ContentType);
        if head.type_name.is_empty() {
            return (None, head.error);
        }
        let parameters = Parameters::take(value, &mut reader, limits);
        head.keep(&mut reader);
        let content = Self {
            value,
            type_name: head.type_name,
            subtype: head.subtype,
            parameters,
            comment: reader.comment,
        };
        (Some(content), head.error)
    }

    /// What is wrong with the value of a field; a type that is missing or malformed is
    /// [`DefectKind::BadContentType`](crate::DefectKind::BadContentType).
    pub fn defects(value: &'a [u8], limits: &Limits) -> Defects<'a> {
        Defects::of(value, Form::ContentType, limits)
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// The type as written: `multipart`.
    pub const fn type_name(&self) -> &'a [u8] {
        self.type_name
    }

    /// The subtype as written: `mixed`. Empty where it is missing.
    pub const fn subtype(&self) -> &'a [u8] {
        self.subtype
    }

    /// Whether type and subtype are these, without regard to ASCII case.
    pub fn is(&self, type_name: &[u8], subtype: &[u8]) -> bool {
        self.is_type(type_name) && self.subtype.eq_ignore_ascii_case(subtype)
    }

    /// Whether the type is this, without regard to ASCII case.
    pub fn is_type(&self, type_name: &[u8]) -> bool {
        self.type_name.eq_ignore_ascii_case(type_name)
    }

    /// The parameters.
    pub const fn parameters(&self) -> Parameters<'a> {
        self.parameters
    }

    /// The parameter `charset` (RFC 2046 4.1.2).
    pub fn charset(&self) -> Option<Parameter<'a>> {
        self.parameters.get(b"charset")
    }

    /// The parameter `boundary` (RFC 2046 5.1.1).
    pub fn boundary(&self) -> Option<Parameter<'a>> {
        self.parameters.get(b"boundary")
    }

    /// The byte at which the first comment stands.
    pub const fn comment_seen(&self) -> Option<usize> {
        self.comment
    }
}

impl Default for ContentType<'static> {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// In canonical form: without comments, values quoted where needed only, continuations as they are. A
/// missing subtype is not made up.
impl Emit for ContentType<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.type_name)?;
        if !self.subtype.is_empty() {
            sink.put_byte(b'/')?;
            sink.put(self.subtype)?;
        }
        self.parameters.emit(sink)
    }
}

impl fmt::Display for ContentType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}
