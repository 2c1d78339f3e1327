//! Where the header ends, and where its fields begin and end (RFC 5322 2.1, 2.2, 3.5, 4.5).
//!
//! Every byte of a message belongs to exactly one field, to the separator, or to the body: the
//! [`Field::raw`] of all fields, then the separator, then the body, are the input. Two local rules
//! decide everything, so that a scan from the end sees the same fields as a scan from the start:
//!
//! - LF ends a line, with or without CR before it. A CR elsewhere is data, and a defect.
//! - A field begins at the start of the block, and after each line end that SP or HTAB does not
//!   follow. A line of nothing but white space therefore continues the field before it
//!   (obs-FWS, RFC 5322 4.2); only a line with no byte at all ends the header.
//!
//! No function panics on any input. Scanning is linear, allocates nothing, and looks at line ends
//! and names only; defects are looked for when they are asked for.
//!
//! ```
//! use scop_mime_core::{FieldDefect, Message};
//!
//! let message = Message::split(b"From : a@example.org\r\nstray\r\nTo:\r\n b@example.org\r\n\r\nHi\r\n");
//! let mut fields = message.header.fields();
//! let from = fields.next().unwrap();
//! assert!(from.is(b"from"));
//! assert_eq!(from.defect(), Some(FieldDefect::SpaceBeforeColon));
//! assert_eq!(fields.next_back().unwrap().value(), b"\r\n b@example.org");
//! assert_eq!(fields.next().unwrap().defect(), Some(FieldDefect::NoColon));
//! assert_eq!((message.separator, message.body), (&b"\r\n"[..], &b"Hi\r\n"[..]));
//! ```

use core::fmt;
use core::iter::FusedIterator;

use memchr::{memchr, memchr_iter, memrchr};

#[cfg(test)]
mod tests;

/// The longest line that RFC 5322 2.1.1 allows, in octets, without its line end.
pub const MAX_LINE: usize = 998;

/// A message, cut at the first empty line.
///
/// ```text
/// message = (fields / obs-fields) [CRLF body]         ; RFC 5322 3.5
/// ```
///
/// A message without an empty line is all header. One that begins with an empty line has no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The fields, with the line end of the last one.
    pub header: HeaderBlock<'a>,
    /// The empty line: `CRLF`, `LF`, or nothing when the message has none.
    pub separator: &'a [u8],
    /// All that follows the empty line.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Cuts `input`. Any bytes are a message.
    pub fn split(input: &'a [u8]) -> Self {
        let (header_len, body_start) = match find_header_end(input, 0) {
            HeaderEnd::Found {
                header_len,
                body_start,
            } => (header_len, body_start),
            HeaderEnd::NotYet { .. } => (input.len(), input.len()),
        };
        Self {
            header: HeaderBlock {
                bytes: input.get(..header_len).unwrap_or_default(),
            },
            separator: input.get(header_len..body_start).unwrap_or_default(),
            body: input.get(body_start..).unwrap_or_default(),
        }
    }
}

/// What [`find_header_end`] saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderEnd {
    /// The empty line that ends the header.
    Found {
        /// The header is the first `header_len` bytes.
        header_len: usize,
        /// The body begins at this byte; the empty line lies between.
        body_start: usize,
    },
    /// The empty line has not come yet.
    NotYet {
        /// What to hand in as `resume` when the buffer has grown.
        resume: usize,
    },
}

/// Looks for the end of the header in a buffer that grows, for hosts that read from a stream.
///
/// Begin with `resume` 0; after more bytes were added to the same buffer, call again with the
/// `resume` of the last [`HeaderEnd::NotYet`]. No byte is searched twice, so that any chunking costs
/// linear time. When the stream ends first, all of the buffer is header.
///
/// ```
/// use scop_mime_core::{HeaderEnd, find_header_end};
/// let HeaderEnd::NotYet { resume } = find_header_end(b"To: a@b.example\r\n\r", 0) else { panic!() };
/// assert_eq!(
///     find_header_end(b"To: a@b.example\r\n\r\nHi", resume),
///     HeaderEnd::Found { header_len: 17, body_start: 19 },
/// );
/// ```
pub fn find_header_end(buffer: &[u8], resume: usize) -> HeaderEnd {
    if resume == 0 {
        match line_end(buffer) {
            LineEnd::Whole(len) => {
                return HeaderEnd::Found {
                    header_len: 0,
                    body_start: len,
                };
            }
            LineEnd::Cut => return HeaderEnd::NotYet { resume: 0 },
            LineEnd::Absent => {}
        }
    }
    let rest = buffer.get(resume..).unwrap_or_default();
    for found in memchr_iter(b'\n', rest) {
        let line_feed = resume.saturating_add(found);
        let next_line = line_feed.saturating_add(1);
        match line_end(buffer.get(next_line..).unwrap_or_default()) {
            LineEnd::Whole(len) => {
                return HeaderEnd::Found {
                    header_len: next_line,
                    body_start: next_line.saturating_add(len),
                };
            }
            LineEnd::Cut => return HeaderEnd::NotYet { resume: line_feed },
            LineEnd::Absent => {}
        }
    }
    HeaderEnd::NotYet {
        resume: buffer.len(),
    }
}

/// A header: zero or more fields.
///
/// ```text
/// fields     = *( field-name ":" unstructured CRLF )            ; RFC 5322 2.2, 3.6
/// field-name = 1*ftext                                          ; RFC 5322 3.6.8
/// ftext      = %d33-57 / %d59-126
/// obs-optional = field-name *WSP ":" unstructured CRLF          ; RFC 5322 4.5.8
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HeaderBlock<'a> {
    bytes: &'a [u8],
}

impl<'a> HeaderBlock<'a> {
    /// The header at the start of `bytes`: all of them, or those before the first empty line.
    pub fn new(bytes: &'a [u8]) -> Self {
        Message::split(bytes).header
    }

    /// The header that is all of `bytes`, which hold no empty line.
    pub(crate) const fn exact(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The bytes of all fields.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether there is no field.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The fields, from the first; [`Iterator::rev`] gives them from the last.
    pub const fn fields(&self) -> Fields<'a> {
        Fields {
            rest: self.bytes,
            offset: 0,
        }
    }
}

impl fmt::Debug for HeaderBlock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.fields()).finish()
    }
}

/// The fields of a [`HeaderBlock`], in order, from either end.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let mut end = self.rest.len();
        for line_feed in memchr_iter(b'\n', self.rest) {
            let next_line = line_feed.saturating_add(1);
            if !self.rest.get(next_line).copied().is_some_and(is_wsp) {
                end = next_line;
                break;
            }
        }
        let (raw, rest) = self.rest.split_at_checked(end)?;
        if raw.is_empty() {
            return None;
        }
        let field = Field::new(raw, self.offset);
        self.rest = rest;
        self.offset = self.offset.saturating_add(end);
        Some(field)
    }
}

impl DoubleEndedIterator for Fields<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let mut start = self.rest.len().checked_sub(1)?;
        // The last byte ends this field whatever it is, so the search begins before it.
        while let Some(line_feed) = self
            .rest
            .get(..start)
            .and_then(|before| memrchr(b'\n', before))
        {
            let next_line = line_feed.saturating_add(1);
            if self.rest.get(next_line).copied().is_some_and(is_wsp) {
                start = line_feed;
                continue;
            }
            let (rest, raw) = self.rest.split_at_checked(next_line)?;
            self.rest = rest;
            return Some(Field::new(raw, self.offset.saturating_add(next_line)));
        }
        let field = Field::new(self.rest, self.offset);
        self.rest = &[];
        Some(field)
    }
}

impl FusedIterator for Fields<'_> {}

/// One field, as it stands in the header, well formed or not.
///
/// A field whose first line is not `field-name *WSP ":"` is *malformed*: its name is empty, its value
/// is all of it, and [`Field::defect`] says why.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    raw: &'a [u8],
    offset: usize,
    /// 0 when malformed.
    name_len: usize,
    /// Where the value begins in `raw`; 0 when malformed.
    value_start: usize,
}

impl<'a> Field<'a> {
    /// Reads `field-name *WSP ":"`.
    pub(crate) fn new(raw: &'a [u8], offset: usize) -> Self {
        let is_ftext = |&byte: &u8| (33..=126).contains(&byte) && byte != b':';
        let name_len = raw.iter().take_while(|byte| is_ftext(byte)).count();
        let after = raw.get(name_len..).unwrap_or_default();
        let space = after.iter().take_while(|&&byte| is_wsp(byte)).count();
        let well_formed = name_len > 0 && after.get(space) == Some(&b':');
        Self {
            raw,
            offset,
            name_len: if well_formed { name_len } else { 0 },
            value_start: if well_formed {
                name_len.saturating_add(space).saturating_add(1)
            } else {
                0
            },
        }
    }

    /// The whole field, with its line end. Only the last field of a block may lack one.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The byte of the header block at which the field begins.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The name as written, without white space before the colon; empty when malformed.
    pub fn name(&self) -> &'a [u8] {
        self.raw.get(..self.name_len).unwrap_or_default()
    }

    /// Whether the name is `name`, without regard to ASCII case. A malformed field has no name.
    pub fn is(&self, name: &[u8]) -> bool {
        !self.is_malformed() && self.name().eq_ignore_ascii_case(name)
    }

    /// What follows the colon, without the last line end; folding is kept.
    pub fn value(&self) -> &'a [u8] {
        without_line_end(self.raw.get(self.value_start..).unwrap_or_default())
    }

    /// The byte of [`Field::raw`] at which the value begins; 0 when malformed.
    pub const fn value_start(&self) -> usize {
        self.value_start
    }

    /// The gravest defect, if there is one.
    pub fn defect(&self) -> Option<FieldDefect> {
        self.defects().next()
    }

    /// All defects, the gravest first.
    pub fn defects(&self) -> impl Iterator<Item = FieldDefect> + use<'a> {
        let field = *self;
        FieldDefect::ALL
            .into_iter()
            .filter(move |defect| field.has(*defect))
    }

    /// Whether the field has no name.
    pub const fn is_malformed(&self) -> bool {
        self.name_len == 0
    }

    fn has(&self, defect: FieldDefect) -> bool {
        let first = self.raw.first().copied().unwrap_or(b'\n');
        match defect {
            FieldDefect::NothingToContinue => is_wsp(first),
            FieldDefect::MboxLine => {
                self.offset == 0 && self.is_malformed() && self.raw.starts_with(b"From ")
            }
            FieldDefect::NoColon => {
                self.is_malformed() && !is_wsp(first) && !self.first_line().contains(&b':')
            }
            FieldDefect::BadName => {
                self.is_malformed() && !is_wsp(first) && self.first_line().contains(&b':')
            }
            FieldDefect::Nul => memchr(0, self.raw).is_some(),
            FieldDefect::BareCr => memchr_iter(b'\r', self.raw)
                .any(|at| self.raw.get(at.saturating_add(1)) != Some(&b'\n')),
            FieldDefect::Control => self
                .raw
                .iter()
                .any(|byte| matches!(byte, 1..=8 | 11 | 12 | 14..=31 | 127)),
            FieldDefect::NotUtf8 => core::str::from_utf8(self.raw).is_err(),
            FieldDefect::SpaceBeforeColon => self.value_start > self.name_len.saturating_add(1),
            FieldDefect::BlankLine => self
                .raw
                .split_inclusive(|&byte| byte == b'\n')
                .skip(1)
                .any(|line| without_line_end(line).iter().copied().all(is_wsp)),
            FieldDefect::LineTooLong => self
                .raw
                .split_inclusive(|&byte| byte == b'\n')
                .any(|line| without_line_end(line).len() > MAX_LINE),
        }
    }

    fn first_line(&self) -> &'a [u8] {
        self.raw
            .split_inclusive(|&byte| byte == b'\n')
            .next()
            .unwrap_or_default()
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({} {})", self.offset, self.raw.escape_ascii())
    }
}

/// What is wrong with a field. The first four make it malformed; a field may have several others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldDefect {
    /// The header begins with SP or HTAB: a continuation of nothing (RFC 5322 2.2.3).
    NothingToContinue,
    /// The header begins with the `From ` line of an mbox file (RFC 4155).
    MboxLine,
    /// The first line has no colon (RFC 5322 2.2).
    NoColon,
    /// The name is empty or holds an octet outside 33..126 (RFC 5322 2.2).
    BadName,
    /// A NUL octet (RFC 5322 4.1).
    Nul,
    /// A control character other than HTAB, CR, LF and NUL (obsolete, RFC 5322 4.1).
    Control,
    /// A CR that no LF follows (RFC 5322 2.2).
    BareCr,
    /// Octets above 127 that are not UTF-8 (RFC 5322 2.2, RFC 6532 3.2).
    NotUtf8,
    /// White space between the name and the colon (obsolete, RFC 5322 4.5.8).
    SpaceBeforeColon,
    /// A continuation line of nothing but white space (obsolete, RFC 5322 4.2): some end the header there.
    BlankLine,
    /// A line of more than 998 octets (RFC 5322 2.1.1).
    LineTooLong,
}

impl FieldDefect {
    const ALL: [Self; 11] = [
        Self::NothingToContinue,
        Self::MboxLine,
        Self::NoColon,
        Self::BadName,
        Self::Nul,
        Self::Control,
        Self::BareCr,
        Self::NotUtf8,
        Self::SpaceBeforeColon,
        Self::BlankLine,
        Self::LineTooLong,
    ];
}

impl fmt::Display for FieldDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingToContinue => {
                "the header begins with a continuation line (RFC 5322 2.2.3)"
            }
            Self::MboxLine => "the header begins with the \"From \" line of an mbox (RFC 4155)",
            Self::NoColon => "a header line has no colon (RFC 5322 2.2)",
            Self::BadName => "a field name is empty or not printable ASCII (RFC 5322 2.2)",
            Self::Nul => "a header field holds a NUL (RFC 5322 4.1)",
            Self::Control => "a header field holds a control character (RFC 5322 4.1)",
            Self::BareCr => "a header field holds a CR without LF (RFC 5322 2.2)",
            Self::NotUtf8 => "a header field holds octets that are not UTF-8 (RFC 6532 3.2)",
            Self::SpaceBeforeColon => {
                "white space stands between a field name and its colon (RFC 5322 4.5.8)"
            }
            Self::BlankLine => "a header line holds nothing but white space (RFC 5322 4.2)",
            Self::LineTooLong => "a header line is longer than 998 octets (RFC 5322 2.1.1)",
        })
    }
}

/// What a slice begins with.
enum LineEnd {
    /// CRLF or LF, of this many bytes.
    Whole(usize),
    /// Nothing, or a CR that is the last byte: more bytes decide.
    Cut,
    /// Neither.
    Absent,
}

fn line_end(bytes: &[u8]) -> LineEnd {
    match bytes {
        [b'\n', ..] => LineEnd::Whole(1),
        [b'\r', b'\n', ..] => LineEnd::Whole(2),
        [] | [b'\r'] => LineEnd::Cut,
        _ => LineEnd::Absent,
    }
}

fn without_line_end(bytes: &[u8]) -> &[u8] {
    match bytes {
        [rest @ .., b'\r', b'\n'] | [rest @ .., b'\n'] => rest,
        _ => bytes,
    }
}

const fn is_wsp(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
