//! Values that are text: Subject, Comments, and every field that nobody has defined (RFC 5322 3.2.5, 3.6.5).
//!
//! ```
//! use scop_mime_core::{Message, Unstructured};
//!
//! let message = Message::split(b"Subject: =?ISO-8859-1?Q?a?=\r\n =?utf-8?B?w6k=?= \"c\"\r\n\r\n");
//! let subject = Unstructured::new(message.header.fields().next().unwrap().value());
//! assert_eq!(subject.text().to_string(), "a\u{e9} \"c\"");
//! assert_eq!(subject.raw(), b" =?ISO-8859-1?Q?a?=\r\n =?utf-8?B?w6k=?= \"c\"");
//! ```

use super::encoded_word::{DecodedText, Place};

/// The value of a field that has no grammar. Any bytes are one.
///
/// ```text
/// unstructured = (*([FWS] VCHAR) *WSP) / obs-unstruct             ; RFC 5322 3.2.5
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unstructured<'a> {
    value: &'a [u8],
}

impl<'a> Unstructured<'a> {
    /// Over the value of a field, as [`Field::value`](super::scan::Field::value) gives it.
    pub const fn new(value: &'a [u8]) -> Self {
        Self { value }
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// The text as a person reads it, without the white space at both ends.
    pub const fn text(&self) -> DecodedText<'a> {
        DecodedText::new(self.value, Place::Unstructured)
    }
}
