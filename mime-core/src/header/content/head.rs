//! What stands before the parameters of Content-Type and Content-Disposition.

use scop_core::ParseError;

use super::content_type::{ContentError, ContentErrorKind};
use crate::header::parameter::ParameterErrorKind;
use crate::header::parameter::read::Reader;

/// Which field it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A type and a subtype.
    ContentType,
    /// A type.
    Disposition,
}

pub(super) struct Head<'a> {
    pub(super) type_name: &'a [u8],
    pub(super) subtype: &'a [u8],
    pub(super) error: Option<ContentError>,
}

impl<'a> Head<'a> {
    /// Reads up to the first parameter.
    pub(super) fn take(reader: &mut Reader<'a>, form: Form) -> Self {
        let mut head = Self {
            type_name: &[],
            subtype: &[],
            error: None,
        };
        reader.gap();
        head.type_name = reader.token(ParameterErrorKind::BadValue);
        head.keep(reader);
        if head.type_name.is_empty() {
            head.note(ContentErrorKind::NoType, reader);
            reader.skip_to_semicolon();
            return head;
        }
        if form == Form::ContentType {
            reader.unusual_gap();
            if reader.cursor.skip_byte(b'/') {
                reader.unusual_gap();
                head.subtype = reader.token(ParameterErrorKind::BadValue);
            }
            head.keep(reader);
            if head.subtype.is_empty() {
                head.note(ContentErrorKind::NoSubtype, reader);
            }
        }
        reader.gap();
        head.keep(reader);
        if !reader.is_at_boundary() {
            if reader.begins_parameter() {
                let kind = ContentErrorKind::Parameter(ParameterErrorKind::NoSemicolon);
                head.note(kind, reader);
            } else {
                head.note(ContentErrorKind::TextAfterType, reader);
                reader.skip_to_semicolon();
            }
        }
        head
    }

    fn note(&mut self, kind: ContentErrorKind, reader: &Reader<'_>) {
        if self.error.is_none() {
            self.error = Some(ParseError::new(kind, reader.cursor.offset()));
        }
    }

    /// Takes over the error of `reader`.
    pub(super) fn keep(&mut self, reader: &mut Reader<'_>) {
        let error = reader.error.take();
        if self.error.is_none() {
            self.error = error.map(|error| error.map(ContentErrorKind::Parameter));
        }
    }
}
