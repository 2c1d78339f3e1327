//! What of a Content-Type decides how a body is read.

use super::boundary::{Boundary, MAX_LAWFUL, is_boundary_char};
use crate::defect::DefectKind;
use crate::header::content::content_type::ContentType;
use crate::limits::Limits;

/// The types that hold other entities, and the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Other,
    Multipart {
        boundary: BoundaryState,
        /// multipart/digest (RFC 2046 5.1.5).
        is_digest: bool,
    },
    /// message/rfc822, message/global, message/news.
    Message {
        /// message/global, which may have a transfer encoding (RFC 6532 3.7).
        is_global: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BoundaryState {
    pub(super) is_usable: bool,
    pub(super) defect: Option<DefectKind>,
}

impl Media {
    /// Reads the value of a Content-Type as far as it goes; what cannot be read is text (RFC 2045 5.2).
    /// A multipart has its boundary put into `boundary`.
    pub(super) fn read(value: &[u8], limits: &Limits, boundary: &mut Boundary) -> Self {
        // Most types are others, and need no closer look: a token begins here, or nothing does.
        let first = value.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
        if first.is_none_or(|byte| !matches!(byte, b'M' | b'm' | b'(' | b'\r' | b'\n')) {
            return Self::Other;
        }
        let (Some(content), _) = ContentType::recover_within(value, limits) else {
            return Self::Other;
        };
        if content.is_type(b"multipart") {
            return Self::Multipart {
                boundary: BoundaryState::read(&content, boundary),
                is_digest: content.subtype().eq_ignore_ascii_case(b"digest"),
            };
        }
        let is_message = |subtype| content.is(b"message", subtype);
        if is_message(b"global") {
            Self::Message { is_global: true }
        } else if is_message(b"rfc822") || is_message(b"news") {
            Self::Message { is_global: false }
        } else {
            Self::Other
        }
    }
}

impl BoundaryState {
    /// White space at the end is no part of a boundary (RFC 2046 5.1.1): in a delimiter line it would be
    /// padding.
    fn read(content: &ContentType<'_>, boundary: &mut Boundary) -> Self {
        boundary.clear();
        let Some(parameter) = content.boundary() else {
            return Self::unusable(DefectKind::MissingBoundary);
        };
        if parameter.octets(boundary).is_err() {
            return Self::unusable(DefectKind::BoundaryLimit);
        }
        let trimmed = boundary.trim_ascii_end().len();
        let mut is_lawful = trimmed == boundary.len() && trimmed <= MAX_LAWFUL;
        boundary.truncate(trimmed);
        is_lawful &= boundary.iter().all(|&byte| is_boundary_char(byte));
        // No line holds such a boundary, or none that all readers find.
        let is_usable =
            !boundary.is_empty() && !boundary.iter().any(|byte| b"\0\r\n".contains(byte));
        Self {
            is_usable,
            defect: (!is_lawful || !is_usable).then_some(DefectKind::BadBoundary),
        }
    }

    const fn unusable(defect: DefectKind) -> Self {
        Self {
            is_usable: false,
            defect: Some(defect),
        }
    }
}
