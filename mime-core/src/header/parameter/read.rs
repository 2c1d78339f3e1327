//! The reader of parameters: it reads on behind what is malformed, and keeps the first error.

use scop_core::{Counter, Cursor, ParseError};

use super::logical::put_decoded;
use super::{Form, ParameterError, ParameterErrorKind, Section, Value};
use crate::header::lexical::{fold_len, is_wsp, since};

/// Reads what stands in a MIME field from its start. It never goes back, so its time is linear.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) cursor: Cursor<'a>,
    /// The first error since it was last taken.
    pub(crate) error: Option<ParameterError>,
    /// Where the first comment stands.
    pub(crate) comment: Option<usize>,
    /// Where something well formed stands that other readers read differently, the first since it was last
    /// taken: white space beside `=`, or a backslash that quotes no quote.
    pub(crate) unusual: Option<usize>,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(cursor: Cursor<'a>) -> Self {
        Self {
            cursor,
            error: None,
            comment: None,
            unusual: None,
        }
    }

    #[cold]
    pub(crate) fn note(&mut self, kind: ParameterErrorKind, offset: usize) {
        if self.error.is_none() {
            self.error = Some(ParseError::new(kind, offset));
        }
    }

    /// Skips white space and comments. CR and LF outside a fold are noted, and skipped too.
    #[inline]
    pub(crate) fn gap(&mut self) {
        if self
            .cursor
            .peek()
            .is_some_and(|byte| class(byte) & GAP != 0)
        {
            self.take_gap();
        }
    }

    /// Skips a gap where most writers leave none, and notes it; a comment is noted as one.
    #[inline]
    pub(crate) fn unusual_gap(&mut self) {
        let start = self.cursor;
        self.gap();
        if self.cursor.offset() > start.offset() && start.peek() != Some(b'(') {
            self.unusual.get_or_insert(start.offset());
        }
    }

    fn take_gap(&mut self) {
        loop {
            match self.cursor.peek() {
                Some(b' ' | b'\t') => {
                    self.cursor.take_byte();
                }
                Some(b'\r' | b'\n') => {
                    if fold_len(self.cursor.rest())
                        .and_then(|len| self.cursor.take(len))
                        .is_none()
                    {
                        self.note(ParameterErrorKind::StrayControl, self.cursor.offset());
                        self.cursor.take_byte();
                    }
                }
                Some(b'(') => self.comment(),
                _ => return,
            }
        }
    }

    /// Takes a comment; one that is not closed runs to the end.
    fn comment(&mut self) {
        let start = self.cursor;
        self.comment.get_or_insert(start.offset());
        let mut depth: usize = 0;
        loop {
            let at = self.cursor.offset();
            if let Some(len) = fold_len(self.cursor.rest()) {
                self.cursor.take(len);
                continue;
            }
            match self.cursor.take_byte() {
                None => {
                    self.note(ParameterErrorKind::UnclosedComment, start.offset());
                    break;
                }
                Some(b'(') => depth = depth.saturating_add(1),
                Some(b')') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                Some(b'\\') => self.quoted_pair(),
                Some(0 | b'\r' | b'\n') => self.note(ParameterErrorKind::StrayControl, at),
                Some(_) => {}
            }
        }
        self.check_utf8(start);
    }

    /// Takes what a backslash stands before.
    fn quoted_pair(&mut self) {
        // The fold is removed first (RFC 5322 2.2.3): what is quoted is the white space.
        if let Some(len) = fold_len(self.cursor.rest()) {
            self.cursor.take(len);
        }
        let at = self.cursor.offset();
        if let Some(0 | b'\r' | b'\n') = self.cursor.take_byte() {
            self.note(ParameterErrorKind::StrayControl, at);
        }
    }

    /// Notes what was read since `start` when it is not UTF-8.
    fn check_utf8(&mut self, start: Cursor<'a>) {
        let bytes = since(start, &self.cursor);
        if let Err(error) = core::str::from_utf8(bytes) {
            let offset = start.offset().saturating_add(error.valid_up_to());
            self.note(ParameterErrorKind::NotUtf8, offset);
        }
    }

    /// Takes a token, which may be empty. Octets above 127 are taken too, and noted as `kind`.
    #[inline]
    pub(crate) fn token(&mut self, kind: ParameterErrorKind) -> &'a [u8] {
        let start = self.cursor.offset();
        let mut classes = 0;
        let token = self.cursor.take_while(|byte| {
            let class = class(byte);
            classes |= class;
            class & (TOKEN | EIGHT_BIT) != 0
        });
        if classes & EIGHT_BIT != 0 {
            let at = token.iter().position(|byte| !byte.is_ascii());
            self.note(kind, start.saturating_add(at.unwrap_or_default()));
        }
        token
    }

    /// Whether the end or a semicolon is next.
    pub(crate) fn is_at_boundary(&self) -> bool {
        matches!(self.cursor.peek(), None | Some(b';'))
    }

    /// Whether the next text begins like a parameter, so that only its semicolon is missing.
    pub(crate) fn begins_parameter(&self) -> bool {
        let mut ahead = self.cursor;
        !ahead.take_while(is_token_byte).is_empty() && ahead.peek() == Some(b'=')
    }

    /// Goes to the next semicolon, wherever it stands.
    pub(crate) fn skip_to_semicolon(&mut self) {
        self.cursor.take_while(|byte| byte != b';');
    }

    /// Skips semicolons and gaps; what is behind begins a section.
    pub(crate) fn separator(&mut self) {
        loop {
            let at = self.cursor.offset();
            let semicolon = self.cursor.skip_byte(b';');
            self.gap();
            if !self.is_at_boundary() {
                return;
            }
            if semicolon {
                self.note(ParameterErrorKind::Empty, at);
            }
            if self.cursor.is_at_end() {
                return;
            }
        }
    }

    /// Reads the next section. The position must be at the end, at a semicolon, or at a name.
    pub(crate) fn section(&mut self) -> Option<Section<'a>> {
        self.separator();
        if self.cursor.is_at_end() {
            return None;
        }
        let start = self.cursor;
        let mut section = self.section_name();
        self.unusual_gap();
        if section.is_bad_name() {
            self.note(ParameterErrorKind::BadSection, start.offset());
        }
        if self.cursor.skip_byte(b'=') {
            // RFC 2231 7: extended-other-values may be empty.
            let may_be_empty = section.extended && section.number.unwrap_or(0) > 0;
            section.value = Some(self.value(may_be_empty));
            if section.extended {
                self.check_extended(&section);
            }
        } else {
            self.note(ParameterErrorKind::NoEquals, self.cursor.offset());
            self.skip_to_semicolon();
        }
        section.raw = trim_end(since(start, &self.cursor));
        Some(section)
    }

    /// Reads the name of a section. The position must be at it.
    #[inline]
    pub(crate) fn section_name(&mut self) -> Section<'a> {
        let start = self.cursor.offset();
        let name = self.token(ParameterErrorKind::BadName);
        if name.is_empty() {
            self.note(ParameterErrorKind::NoName, start);
        }
        Section::new(name, start)
    }

    fn value(&mut self, may_be_empty: bool) -> Value<'a> {
        self.unusual_gap();
        let start = self.cursor;
        if self.cursor.skip_byte(b'"') {
            self.quoted_string(start)
        } else {
            self.unquoted(start, may_be_empty)
        }
    }

    /// Reads on behind the opening quote; without a closing one, to the end.
    fn quoted_string(&mut self, start: Cursor<'a>) -> Value<'a> {
        let mut classes = 0;
        let mut form = Form::Quoted;
        loop {
            let inner = self.cursor;
            self.cursor.take_while(|byte| {
                let class = class(byte);
                classes |= class;
                class & SPECIAL == 0
            });
            let at = self.cursor.offset();
            match self.cursor.peek() {
                None => {
                    self.note(ParameterErrorKind::UnclosedQuotedString, start.offset());
                    form = Form::Unclosed;
                    break;
                }
                Some(b'"') => {
                    self.cursor.take_byte();
                    if inner.offset() == start.offset().saturating_add(1) {
                        form = Form::PlainQuoted;
                    }
                    break;
                }
                Some(byte) => {
                    if let Some(len) = fold_len(self.cursor.rest()) {
                        self.cursor.take(len);
                        continue;
                    }
                    self.cursor.take_byte();
                    match byte {
                        b'\\' => {
                            if self.cursor.peek() != Some(b'"') {
                                self.unusual.get_or_insert(at);
                            }
                            self.quoted_pair();
                        }
                        _ => self.note(ParameterErrorKind::StrayControl, at),
                    }
                }
            }
        }
        if classes & EIGHT_BIT != 0 {
            self.check_utf8(start);
        }
        let value = Value {
            raw: since(start, &self.cursor),
            offset: start.offset(),
            form,
        };
        self.gap();
        if !self.is_at_boundary() {
            if self.begins_parameter() {
                self.note(ParameterErrorKind::NoSemicolon, self.cursor.offset());
            } else {
                self.note(ParameterErrorKind::TextAfterValue, self.cursor.offset());
                self.skip_to_semicolon();
            }
        }
        value
    }

    fn unquoted(&mut self, start: Cursor<'a>, may_be_empty: bool) -> Value<'a> {
        let token = self.token(ParameterErrorKind::BadValue);
        let mut value = Value {
            raw: token,
            offset: start.offset(),
            form: Form::Token,
        };
        self.gap();
        if self.is_at_boundary() {
            if token.is_empty() && !may_be_empty {
                self.note(ParameterErrorKind::NoValue, start.offset());
            }
        } else if self.begins_parameter() {
            self.note(ParameterErrorKind::NoSemicolon, self.cursor.offset());
        } else {
            self.note(ParameterErrorKind::BadValue, self.cursor.offset());
            self.skip_to_semicolon();
            value.raw = trim_end(since(start, &self.cursor));
            value.form = Form::Other;
        }
        value
    }

    /// Notes what RFC 2231 4 forbids in an extended value.
    fn check_extended(&mut self, section: &Section<'a>) {
        let Some(value) = section.value else { return };
        if value.is_quoted() {
            self.note(ParameterErrorKind::QuotedExtended, value.offset);
        }
        let is_initial = section.number.unwrap_or(0) == 0;
        if is_initial && value.text().filter(|&byte| byte == b'\'').count() < 2 {
            self.note(ParameterErrorKind::NoCharset, value.offset);
        }
        let whole = value
            .text()
            .runs()
            .all(|run| put_decoded(run, &mut Counter::default()) == Ok(true));
        if !whole {
            self.note(ParameterErrorKind::BadPercent, value.offset);
        }
    }
}

/// ```text
/// token = 1*<any (US-ASCII) CHAR except SPACE, CTLs, or tspecials>       ; RFC 2045 5.1
/// ```
#[inline]
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    // tspecials: ( ) < > @ , ; : \ " / [ ] ? =
    matches!(
        byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.'
            | b'^'..=b'`' | b'{'..=b'~'
    )
}

/// An octet of a token.
const TOKEN: u8 = 1;
/// An octet above 127, which is read as one of a token.
const EIGHT_BIT: u8 = 2;
/// An octet that may begin a gap.
const GAP: u8 = 4;
/// An octet of a quoted string that is more than text.
const SPECIAL: u8 = 8;

/// The classes of each octet, because most time goes into finding the ends of tokens.
static CLASSES: [u8; 256] = classes();

#[inline]
fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or_default()
}

#[expect(clippy::indexing_slicing, reason = "evaluated when compiled")]
const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte: u8 = 0;
    loop {
        classes[byte as usize] = match byte {
            b'\r' | b'\n' => GAP | SPECIAL,
            b' ' | b'\t' | b'(' => GAP,
            b'"' | b'\\' | 0 => SPECIAL,
            0x80.. => EIGHT_BIT,
            _ if is_token_byte(byte) => TOKEN,
            _ => 0,
        };
        if byte == 0xff {
            return classes;
        }
        byte += 1;
    }
}

fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., last] = bytes {
        if !(is_wsp(*last) || matches!(last, b'\r' | b'\n')) {
            break;
        }
        bytes = rest;
    }
    bytes
}
