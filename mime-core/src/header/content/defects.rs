//! What is wrong with a field that has parameters, for an inspector of messages.

use scop_core::Cursor;

use super::content_type::ContentErrorKind;
use super::head::{Form, Head};
use crate::defect::DefectKind;
use crate::header::parameter::read::Reader;
use crate::header::parameter::{MAX_SECTIONS, ParameterErrorKind, Section, Value};
use crate::limits::Limits;

#[cfg(test)]
mod tests;

/// The defects of one field, each with its byte of the field's value: those of the type, then the first
/// comment, then those of the sections in order, then that of the limit.
///
/// An empty parameter at the end (`text/plain;`) is malformed but read alike by all, and so is no defect. Of
/// one section no more than the first syntax error is told.
#[derive(Clone, Debug)]
pub struct Defects<'a> {
    reader: Reader<'a>,
    names: Names<'a>,
    /// How many sections were read.
    count: usize,
    limit: usize,
    pending: [Option<(DefectKind, usize)>; PENDING],
}

/// The most that is told of one section.
const PENDING: usize = 5;

impl<'a> Defects<'a> {
    pub(super) fn of(value: &'a [u8], form: Form, limits: &Limits) -> Self {
        let mut reader = Reader::new(Cursor::new(value));
        let head = Head::take(&mut reader, form);
        let limit = limits.parameters.min(MAX_SECTIONS);
        let bad_type = match form {
            Form::ContentType => DefectKind::BadContentType,
            Form::Disposition => DefectKind::BadValue,
        };
        let unusual = reader.unusual.take().map(unusual_at);
        let mut ahead = reader.clone();
        let names = Names::of(value, &mut ahead, limit);
        while ahead.comment.is_none() && ahead.section().is_some() {}
        let of_head = head.error.map(|error| match error.kind() {
            ContentErrorKind::Parameter(ParameterErrorKind::NoSemicolon) => {
                (DefectKind::BadParameter, error.offset())
            }
            _ => (bad_type, error.offset()),
        });
        let comment = ahead
            .comment
            .map(|offset| (DefectKind::CommentInContent, offset));
        Self {
            reader,
            names,
            count: 0,
            limit,
            pending: [of_head, unusual, comment, None, None],
        }
    }

    /// `before` is where an empty parameter stands before the section.
    fn look_at(&mut self, before: Option<usize>, section: &Section<'a>) {
        let at = section.offset();
        let error = self.reader.error.filter(|error| {
            // The field as a whole says that it is not UTF-8.
            !matches!(
                error.kind(),
                ParameterErrorKind::Empty | ParameterErrorKind::NotUtf8
            )
        });
        let word = section
            .value()
            .filter(Value::has_encoded_word)
            .map(|value| (DefectKind::MisplacedEncodedWord, value.offset()));
        let repeated = self.names.is_repeated(self.count, section);
        let missing = self.names.is_behind_gap(section);
        // Readers that know nothing of RFC 2231 miss them.
        let decides = [&b"boundary"[..], b"charset"]
            .iter()
            .any(|name| section.name().eq_ignore_ascii_case(name));
        let is_rfc2231 = section.is_extended() || section.number().is_some();
        let missed = (decides && is_rfc2231 && !repeated).then_some(at);
        // Some readers keep the line end of a fold as part of the value.
        let folded = section
            .value()
            .filter(|value| value.is_quoted() && value.raw().contains(&b'\n'))
            .map(|value| value.offset());
        let unusual = before.or(self.reader.unusual).or(missed).or(folded);
        self.pending = [
            unusual.map(unusual_at),
            error.map(|error| (DefectKind::BadParameter, error.offset())),
            repeated.then_some((DefectKind::DuplicateParameter, at)),
            missing.then_some((DefectKind::BadParameter, at)),
            word,
        ];
    }
}

impl Iterator for Defects<'_> {
    type Item = (DefectKind, usize);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(defect) = self.pending.iter_mut().find_map(Option::take) {
                return Some(defect);
            }
            if self.count > self.limit {
                return None;
            }
            (self.reader.error, self.reader.unusual) = (None, None);
            self.reader.separator();
            // What stands before a section is told with it, unless all read it alike.
            let mut empty = None;
            if let Some(error) = self.reader.error
                && error.kind() == ParameterErrorKind::Empty
            {
                self.reader.error = None;
                empty = Some(error.offset());
            }
            match self.reader.section() {
                Some(section) if self.count < self.limit => self.look_at(empty, &section),
                Some(section) => {
                    self.pending = [None; PENDING];
                    self.pending[0] = Some((DefectKind::ParametersLimit, section.offset()));
                }
                None => {
                    self.count = self.limit;
                    self.pending[0] = self
                        .reader
                        .error
                        .map(|error| (DefectKind::BadParameter, error.offset()));
                }
            }
            self.count = self.count.saturating_add(1);
        }
    }
}

const fn unusual_at(offset: usize) -> (DefectKind, usize) {
    (DefectKind::UnusualContent, offset)
}

/// The names of all sections, so that each can be compared with the others in bounded time.
#[derive(Clone, Debug)]
struct Names<'a> {
    value: &'a [u8],
    /// A hash of each name, and where it stands; `None` for a section without a value.
    entries: [Option<(u32, usize)>; MAX_SECTIONS],
    len: usize,
}

impl<'a> Names<'a> {
    fn of(value: &'a [u8], reader: &mut Reader<'a>, limit: usize) -> Self {
        let mut entries = [None; MAX_SECTIONS];
        let mut len: usize = 0;
        for entry in entries.iter_mut().take(limit) {
            let Some(section) = reader.section() else {
                break;
            };
            let key = hash(section.name(), section.number());
            *entry = section.value().map(|_| (key, section.offset()));
            len = len.saturating_add(1);
        }
        Self {
            value,
            entries,
            len,
        }
    }

    /// Whether one of the first `count` sections is this one again, or its plain form, or its extended one.
    fn is_repeated(&self, count: usize, section: &Section<'_>) -> bool {
        let other = match section.number() {
            None => Some(0),
            Some(0) => None,
            number => number,
        };
        section.value().is_some()
            && !section.name().is_empty()
            && (self.has(count, section.name(), section.number())
                || self.has(count, section.name(), other))
    }

    /// Whether the section that it continues is missing.
    fn is_behind_gap(&self, section: &Section<'_>) -> bool {
        let before = section.number().and_then(|number| number.checked_sub(1));
        before.is_some() && !self.has(self.len, section.name(), before)
    }

    /// Whether one of the first `count` sections has this name and number, and a value.
    fn has(&self, count: usize, name: &[u8], number: Option<u32>) -> bool {
        let hash = hash(name, number);
        self.entries
            .iter()
            .take(count.min(self.len))
            .filter_map(|entry| entry.filter(|entry| entry.0 == hash))
            .any(|(_, offset)| {
                // Its name alone is read again, which is short next to the rest of it.
                let section = Reader::new(Cursor::at(self.value, offset)).section_name();
                section.number() == number && section.name().eq_ignore_ascii_case(name)
            })
    }
}

/// FNV-1a of a name in lower case and a number.
fn hash(name: &[u8], number: Option<u32>) -> u32 {
    let number = number.map_or(0, |number| number.wrapping_add(1));
    name.iter()
        .map(u8::to_ascii_lowercase)
        .chain(number.to_le_bytes())
        .fold(0x811c_9dc5, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
}
