//! Whether bytes are one field that may be inserted.

use memchr::memchr;
use scop_core::{Cursor, ParseError};

use super::{EditError, EditErrorKind};
use crate::header::lexical::is_wsp;
use crate::header::scan::MAX_LINE;

/// The field without its last line end.
///
/// ```text
/// field = field-name ":" unstructured CRLF                        ; RFC 5322 2.2, 3.6.8
/// ```
///
/// Line ends are CRLF or LF; no obsolete form is taken.
pub(super) fn check_field(field: &[u8]) -> Result<&[u8], EditError> {
    let error = |kind, offset| Err(ParseError::new(kind, offset));
    let ([content @ .., b'\r', b'\n'] | [content @ .., b'\n'] | content) = field;
    let mut cursor = Cursor::new(content);
    let name = cursor.take_while(|byte| (33..=126).contains(&byte) && byte != b':');
    if name.is_empty() || name.starts_with(b"--") {
        return error(EditErrorKind::BadName, 0);
    }
    if !cursor.skip_byte(b':') {
        return error(EditErrorKind::BadName, cursor.offset());
    }
    if let Err(error) = core::str::from_utf8(content) {
        let kind = EditErrorKind::NotUtf8;
        return Err(ParseError::new(kind, error.valid_up_to()));
    }
    let mut start = 0;
    loop {
        let rest = content.get(start..).unwrap_or_default();
        let line_feed = memchr(b'\n', rest);
        let line = rest
            .get(..line_feed.unwrap_or(rest.len()))
            .unwrap_or_default();
        let line = match line_feed {
            Some(_) => line.strip_suffix(b"\r").unwrap_or(line),
            None => line,
        };
        if start > 0 && !line.first().copied().is_some_and(is_wsp) {
            return error(EditErrorKind::NotOneField, start);
        }
        if line.iter().copied().all(is_wsp) {
            return error(EditErrorKind::BlankLine, start);
        }
        if let Some(at) = line.iter().position(|&byte| is_control(byte)) {
            return error(EditErrorKind::Control, start.saturating_add(at));
        }
        if line.len() > MAX_LINE {
            return error(EditErrorKind::LineTooLong, start.saturating_add(MAX_LINE));
        }
        match line_feed {
            Some(at) => start = start.saturating_add(at).saturating_add(1),
            None => return Ok(content),
        }
    }
}

const fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}
