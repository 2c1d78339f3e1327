//! The TXT records of RFC 8461 3.1 and RFC 8460 3, which share a grammar, and the one query for them.
//!
//! ```text
//! record      = version 1*(field-delim field) [field-delim]
//! field-delim = *WSP ";" *WSP
//! field       = name "=" value
//! name        = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
//! value       = 1*(%x21-3A / %x3C / %x3E-7E)  ; but what a field of its own grammar allows
//! ```

use memchr::memchr;
use scop_core::{
    Answer, AnswerError, Emit, Failure, Full, Query, QueryId, QueryName, Rdata, Rtype, Sink, Step,
};

use super::route::{MAX_TEXT, is_host_name};

/// Octets of a record that are read. Real ones have below 200.
const MAX_RECORD: usize = 1024;

/// Whether a text is a record of this version at all; all others are discarded.
fn has_version(text: &[u8], version: &[u8]) -> bool {
    text.strip_prefix(version)
        .is_some_and(|rest| trim(rest).first() == Some(&b';'))
}

/// The fields behind the version, each with its offset; an error is the offset of what is none.
///
/// White space around a value is not part of it. What a value may hold is not checked.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    text: &'a [u8],
    at: Option<usize>,
}

impl<'a> Fields<'a> {
    /// `None` when the text does not begin with the version and a semicolon.
    pub(super) fn new(text: &'a [u8], version: &[u8]) -> Option<Self> {
        let at = memchr(b';', text)? + 1;
        has_version(text, version).then_some(Self { text, at: Some(at) })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(usize, &'a [u8], &'a [u8]), usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at?;
        let rest = self.text.get(at..).unwrap_or_default();
        let end = memchr(b';', rest);
        self.at = end.map(|end| at + end + 1);
        let piece = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let field = trim(piece);
        if field.is_empty() && end.is_none() {
            return None;
        }
        let at = at + piece.len() - trim_start(piece).len();
        let split = memchr(b'=', field).and_then(|equals| {
            let (name, value) = field.split_at_checked(equals)?;
            Some((name, value.get(1..)?))
        });
        Some(match split {
            Some((name, value)) if is_name(name) => Ok((at, name, value)),
            _ => {
                self.at = None;
                Err(at)
            }
        })
    }
}

fn is_name(name: &[u8]) -> bool {
    let extra = |byte: &u8| matches!(byte, b'_' | b'-' | b'.');
    name.len() <= 32
        && name.first().is_some_and(u8::is_ascii_alphanumeric)
        && (name.iter()).all(|byte| byte.is_ascii_alphanumeric() || extra(byte))
}

/// Whether a value is what an extension may hold.
pub(super) fn is_extension_value(value: &[u8]) -> bool {
    !value.is_empty() && (value.iter()).all(|byte| matches!(byte, 0x21..=0x3a | 0x3c | 0x3e..=0x7e))
}

pub(super) fn trim_start(mut text: &[u8]) -> &[u8] {
    while let Some((b' ' | b'\t', rest)) = text.split_first() {
        text = rest;
    }
    text
}

pub(super) fn trim_end(mut text: &[u8]) -> &[u8] {
    while let Some((b' ' | b'\t', rest)) = text.split_last() {
        text = rest;
    }
    text
}

pub(super) fn trim(text: &[u8]) -> &[u8] {
    trim_end(trim_start(text))
}

/// What the records at a name come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Only<T> {
    One(T),
    /// None of the version, or no records at all.
    None,
    Several,
    /// One, and it is not valid.
    Invalid,
}

/// The one record of a version in an answer, read by `read`.
pub(super) fn only<T>(
    answer: Answer<'_>,
    version: &[u8],
    mut read: impl FnMut(&[u8]) -> Option<T>,
) -> Result<Only<T>, Failure> {
    let records = match answer.trusted() {
        Answer::Failed(failure) => return Err(failure),
        Answer::NoData(_) | Answer::NxDomain(_) => return Ok(Only::None),
        Answer::Records(records, _) => records,
    };
    let mut found = Only::None;
    for rdata in records {
        let Rdata::Txt(txt) = rdata else { continue };
        let mut clip = Clip::default();
        let _ = txt.emit(&mut clip); // it takes everything
        if has_version(&clip.kept, version) {
            found = match found {
                Only::None if clip.is_cut => Only::Invalid,
                Only::None => read(&clip.kept).map_or(Only::Invalid, Only::One),
                _ => Only::Several,
            };
        }
    }
    Ok(found)
}

/// Keeps the start of what it takes.
#[derive(Default)]
struct Clip {
    kept: heapless::Vec<u8, MAX_RECORD>,
    is_cut: bool,
}

impl Sink for Clip {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let room = MAX_RECORD.saturating_sub(self.kept.len());
        self.is_cut |= bytes.len() > room;
        let fits = bytes.get(..room).unwrap_or(bytes);
        let _ = self.kept.extend_from_slice(fits); // there is room
        Ok(())
    }
}

/// The one query of a lookup for the TXT records at a label below a domain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    label: &'static [u8],
    domain: &'a [u8],
    is_asked: bool,
}

/// The id of that query.
const ID: QueryId = QueryId::new(0);

impl<'a> Question<'a> {
    /// `None` when there is no such name.
    pub(super) fn new(label: &'static [u8], domain: &'a [u8]) -> Option<Self> {
        (is_host_name(domain) && domain.len() + label.len() < MAX_TEXT).then_some(Self {
            label,
            domain,
            is_asked: false,
        })
    }

    pub(super) fn poll(&mut self) -> Step {
        if self.is_asked {
            return Step::Wait;
        }
        self.is_asked = true;
        Step::Query(ID)
    }

    pub(super) fn query(&self, id: QueryId) -> Option<Query<'a>> {
        (self.is_asked && id == ID).then_some(Query {
            name: QueryName::dotted([self.label, self.domain, b""]),
            rtype: Rtype::TXT,
        })
    }

    pub(super) fn check(&self, id: QueryId) -> Result<(), AnswerError> {
        self.query(id).map(|_| ()).ok_or(AnswerError)
    }
}
