//! Content-Disposition (RFC 2183).
//!
//! Read like [`crate::ContentType`]: [`ContentDisposition::parse`] is strict, and
//! [`ContentDisposition::recover`] reads as far as it can. A filename is text from a stranger: it may hold
//! path separators, `..`, and characters that change the direction of writing.
//!
//! ```
//! use scop_mime_core::ContentDisposition;
//!
//! let value = b" attachment; filename=genome.jpeg;\r\n modification-date=\"Wed, 12 Feb 1997 16:29:51 -0500\"; size=512";
//! let disposition = ContentDisposition::parse(value)?;
//! assert!(disposition.is(b"attachment") && disposition.is_attachment());
//! assert!(disposition.filename().unwrap().is(b"genome.jpeg"));
//! assert_eq!(disposition.size(), Some(512));
//! assert_eq!(disposition.modification_date().unwrap()?.year(), 1997);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink, SliceSink};

use super::content_type::{ContentError, ContentErrorKind};
use super::defects::Defects;
use super::head::{Form, Head};
use crate::header::date::{DateError, DateErrorKind, DateTime};
use crate::header::lexical::display;
use crate::header::parameter::read::Reader;
use crate::header::parameter::{Parameter, Parameters};
use crate::limits::Limits;

#[cfg(test)]
mod tests;

/// The longest date that is read, in octets. RFC 5322 3.3 needs 37, comments take more.
const MAX_DATE: usize = 128;

/// How a part is to be shown.
///
/// ```text
/// disposition       = "Content-Disposition" ":" disposition-type *(";" disposition-parm) ; RFC 2183 2
/// disposition-type  = "inline" / "attachment" / extension-token
/// disposition-parm  = filename-parm / creation-date-parm / modification-date-parm / read-date-parm
///                   / size-parm / parameter
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ContentDisposition<'a> {
    value: &'a [u8],
    disposition_type: &'a [u8],
    parameters: Parameters<'a>,
    comment: Option<usize>,
}

impl<'a> ContentDisposition<'a> {
    /// Reads the value of a field.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, ContentError> {
        match Self::recover(value) {
            (Some(disposition), None) => Ok(disposition),
            (_, error) => Err(error.unwrap_or(ParseError::new(ContentErrorKind::NoType, 0))),
        }
    }

    /// Reads the value of a field as far as it goes, and says what is wrong first. There is nothing when
    /// there is no type.
    pub fn recover(value: &'a [u8]) -> (Option<Self>, Option<ContentError>) {
        Self::recover_within(value, &Limits::DEFAULT)
    }

    /// [`Self::recover`] with other limits.
    pub fn recover_within(
        value: &'a [u8],
        limits: &Limits,
    ) -> (Option<Self>, Option<ContentError>) {
        let mut reader = Reader::new(Cursor::new(value));
        let mut head = Head::take(&mut reader, Form::Disposition);
        if head.type_name.is_empty() {
            return (None, head.error);
        }
        let parameters = Parameters::take(value, &mut reader, limits);
        head.keep(&mut reader);
        let disposition = Self {
            value,
            disposition_type: head.type_name,
            parameters,
            comment: reader.comment,
        };
        (Some(disposition), head.error)
    }

    /// What is wrong with the value of a field; a type that is missing or malformed is
    /// [`DefectKind::BadValue`](crate::DefectKind::BadValue).
    pub fn defects(value: &'a [u8], limits: &Limits) -> Defects<'a> {
        Defects::of(value, Form::Disposition, limits)
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// The type as written: `attachment`.
    pub const fn disposition_type(&self) -> &'a [u8] {
        self.disposition_type
    }

    /// Whether the type is this, without regard to ASCII case.
    pub fn is(&self, disposition_type: &[u8]) -> bool {
        self.disposition_type.eq_ignore_ascii_case(disposition_type)
    }

    /// Whether the part is to be kept apart: every type but `inline` (RFC 2183 2.8).
    pub fn is_attachment(&self) -> bool {
        !self.is(b"inline")
    }

    /// The parameters.
    pub const fn parameters(&self) -> Parameters<'a> {
        self.parameters
    }

    /// The parameter `filename` (RFC 2183 2.3).
    pub fn filename(&self) -> Option<Parameter<'a>> {
        self.parameters.get(b"filename")
    }

    /// The date `creation-date` (RFC 2183 2.4). Offsets of the error count from the start of the date.
    pub fn creation_date(&self) -> Option<Result<DateTime, DateError>> {
        self.date(b"creation-date")
    }

    /// The date `modification-date` (RFC 2183 2.5).
    pub fn modification_date(&self) -> Option<Result<DateTime, DateError>> {
        self.date(b"modification-date")
    }

    /// The date `read-date` (RFC 2183 2.6).
    pub fn read_date(&self) -> Option<Result<DateTime, DateError>> {
        self.date(b"read-date")
    }

    /// The parameter `size` in octets (RFC 2183 2.7); `None` also where it is no decimal number of `u64`.
    pub fn size(&self) -> Option<u64> {
        let mut buffer = [0; 20]; // u64::MAX has 20 digits
        let mut sink = SliceSink::new(&mut buffer);
        self.parameters.get(b"size")?.octets(&mut sink).ok()?;
        let mut cursor = Cursor::new(sink.written());
        let size = cursor.take_decimal()?;
        cursor.is_at_end().then_some(size)
    }

    /// The byte at which the first comment stands.
    pub const fn comment_seen(&self) -> Option<usize> {
        self.comment
    }

    fn date(&self, name: &[u8]) -> Option<Result<DateTime, DateError>> {
        let mut buffer = [0; MAX_DATE];
        let mut sink = SliceSink::new(&mut buffer);
        let parameter = self.parameters.get(name)?;
        if parameter.octets(&mut sink).is_err() {
            return Some(Err(ParseError::new(DateErrorKind::TextAfterDate, MAX_DATE)));
        }
        Some(DateTime::parse(sink.written()))
    }
}

/// In canonical form: without comments, values quoted where needed only.
impl Emit for ContentDisposition<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.disposition_type)?;
        self.parameters.emit(sink)
    }
}

impl fmt::Display for ContentDisposition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}
