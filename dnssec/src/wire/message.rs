//! A whole message (RFC 1035 4.1).
//!
//! Contract: [`Message::parse`] visits every question and record once; after it, reading cannot fail.
//! The work is linear in the message: a record takes eleven octets or more, so a count that claims
//! more than is there ends at the end of the bytes, and a name costs at most 127 pointers.

use core::fmt;

use scop_core::{Cursor, Emit, Full, Name, ParseError, Record, Rtype, Sink, record};

use super::{Flags, Header, Opt, OptErrorKind, Rcode};
use crate::wire::HEADER_LEN;

/// Why bytes are not a DNS message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageErrorKind {
    /// An OPT record breaks a rule.
    Opt(OptErrorKind),
    /// An OPT record stands outside the additional section.
    OptSection,
    /// A second OPT record.
    OptTwice,
    /// A question or record breaks a rule, or the bytes end inside it.
    Record(record::RecordErrorKind),
    /// Bytes follow the last record.
    TrailingData,
    /// Fewer octets than a header has.
    Truncated,
}

impl fmt::Display for MessageErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opt(kind) => kind.fmt(f),
            Self::OptSection => {
                f.write_str("OPT stands outside the additional section (RFC 6891 6.1.1)")
            }
            Self::OptTwice => f.write_str("a message has a second OPT (RFC 6891 6.1.1)"),
            Self::Record(kind) => kind.fmt(f),
            Self::TrailingData => f.write_str("bytes follow the last record (RFC 1035 4.1)"),
            Self::Truncated => f.write_str("a message is shorter than its header (RFC 1035 4.1.1)"),
        }
    }
}

/// Why, and at which byte of the message.
pub type MessageError = ParseError<MessageErrorKind>;

/// A DNS message, read in place.
///
/// ```
/// use scop_dnssec::wire::{Flags, Message, Rcode};
/// let bytes = b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\
///     \x07example\x03org\x00\x00\x0f\x00\x01\
///     \xc0\x0c\x00\x0f\x00\x01\x00\x00\x0e\x10\x00\x07\x00\x0a\x02mx\xc0\x0c";
/// let message = Message::parse(bytes)?;
/// assert_eq!((message.id(), message.rcode()), (0x1234, Rcode::NOERROR));
/// let record = message.answers().next().unwrap();
/// assert_eq!((record.owner.to_string().as_str(), record.ttl), ("example.org.", 3600));
/// # Ok::<(), scop_dnssec::wire::MessageError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
    header: Header,
    answers: usize,
    authorities: usize,
    additionals: usize,
    opt: Option<Opt<'a>>,
}

impl<'a> Message<'a> {
    /// Reads a whole slice as one message.
    ///
    /// Bytes after the last record are refused: nothing in the DNS puts any there, and who sends them
    /// counted wrong. [`Message::parse_prefix`] gives them back instead.
    ///
    /// Records are read by type whatever their class; those of another class than IN whose format
    /// differs (an address of class CH) are malformed here.
    ///
    /// # Errors
    /// When a count promises more than is there, or a question, a record or OPT breaks a rule.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let (message, rest) = Self::parse_prefix(bytes)?;
        if rest.is_empty() {
            Ok(message)
        } else {
            let at = message.bytes.len();
            Err(MessageError::new(MessageErrorKind::TrailingData, at))
        }
    }

    /// Reads the message at the start of a slice; also gives the bytes after its last record.
    ///
    /// # Errors
    /// When a count promises more than is there, or a question, a record or OPT breaks a rule.
    pub fn parse_prefix(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), MessageError> {
        let header = Header::read(bytes)
            .ok_or(MessageError::new(MessageErrorKind::Truncated, bytes.len()))?;
        let mut at = HEADER_LEN;
        for _ in 0..header.questions {
            (_, at) = Question::parse_in(bytes, at)?;
        }
        let answers = at;
        let authorities = check_section(bytes, answers, header.answers)?;
        let additionals = check_section(bytes, authorities, header.authorities)?;
        let mut opt = None;
        at = additionals;
        for _ in 0..header.additionals {
            let start = at;
            let (record, next) = parse_record(bytes, at)?;
            at = next;
            if record.rdata.rtype() == Rtype::OPT {
                if opt.is_some() {
                    return Err(MessageError::new(MessageErrorKind::OptTwice, start));
                }
                let read =
                    Opt::from_record(&record).map_err(|error| error.map(MessageErrorKind::Opt));
                opt = Some(read.map_err(|error| {
                    // OPT ends with its options, and their offset counts from their start.
                    error.nested(next.saturating_sub(opt_data_len(&record)))
                })?);
            }
        }
        let (bytes, rest) = bytes
            .split_at_checked(at)
            .ok_or(MessageError::new(MessageErrorKind::Truncated, bytes.len()))?;
        let message = Self {
            bytes,
            header,
            answers,
            authorities,
            additionals,
            opt,
        };
        Ok((message, rest))
    }

    /// The bytes it was read from.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The header.
    pub const fn header(&self) -> Header {
        self.header
    }

    /// The id.
    pub const fn id(&self) -> u16 {
        self.header.id
    }

    /// The flags.
    pub const fn flags(&self) -> Flags {
        self.header.flags
    }

    /// The whole response code: that of the header, extended by OPT (RFC 6891 6.1.3).
    pub fn rcode(&self) -> Rcode {
        let high = self.opt.map_or(0, |opt| opt.extended_rcode);
        Rcode(u16::from(high) << 4 | self.header.flags.rcode().0)
    }

    /// The OPT record, if there is one (RFC 6891 6.1).
    pub const fn opt(&self) -> Option<Opt<'a>> {
        self.opt
    }

    /// The question section.
    pub const fn questions(&self) -> Questions<'a> {
        Questions {
            message: self.bytes,
            start: HEADER_LEN,
            left: self.header.questions,
        }
    }

    /// The answer section.
    pub const fn answers(&self) -> Section<'a> {
        Section {
            message: self.bytes,
            start: self.answers,
            left: self.header.answers,
        }
    }

    /// The authority section.
    pub const fn authorities(&self) -> Section<'a> {
        Section {
            message: self.bytes,
            start: self.authorities,
            left: self.header.authorities,
        }
    }

    /// The additional section, OPT among its records.
    pub const fn additionals(&self) -> Section<'a> {
        Section {
            message: self.bytes,
            start: self.additionals,
            left: self.header.additionals,
        }
    }
}

fn parse_record(bytes: &[u8], at: usize) -> Result<(Record<'_>, usize), MessageError> {
    Record::parse_in(bytes, at).map_err(|error| error.map(MessageErrorKind::Record))
}

/// Checks `count` records from `start`, none of them OPT; gives the byte after the last.
fn check_section(bytes: &[u8], start: usize, count: u16) -> Result<usize, MessageError> {
    let mut at = start;
    for _ in 0..count {
        let (record, next) = parse_record(bytes, at)?;
        if record.rdata.rtype() == Rtype::OPT {
            return Err(MessageError::new(MessageErrorKind::OptSection, at));
        }
        at = next;
    }
    Ok(at)
}

fn opt_data_len(record: &Record<'_>) -> usize {
    match record.rdata {
        scop_core::Rdata::Other { data, .. } => data.len(),
        _ => 0,
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id())
            .field("flags", &self.flags())
            .field("rcode", &self.rcode())
            .field("questions", &self.questions())
            .field("answers", &self.answers())
            .field("authorities", &self.authorities())
            .field("additionals", &self.additionals())
            .finish()
    }
}

/// One entry of the question section (RFC 1035 4.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// The name.
    pub name: Name<'a>,
    /// The type; also one of the types that only questions have, such as 255 for any.
    pub rtype: Rtype,
    /// The class.
    pub class: u16,
}

impl<'a> Question<'a> {
    /// A question of class IN.
    pub const fn new(name: Name<'a>, rtype: Rtype) -> Self {
        Self {
            name,
            rtype,
            class: record::CLASS_IN,
        }
    }

    /// Reads the entry that starts at byte `start` of a message; also gives the byte after it.
    ///
    /// # Errors
    /// When the name breaks a rule or the bytes end.
    pub fn parse_in(message: &'a [u8], start: usize) -> Result<(Self, usize), MessageError> {
        let (name, end) = Name::parse_in(message, start).map_err(|error| {
            error.map(|kind| MessageErrorKind::Record(record::RecordErrorKind::Name(kind)))
        })?;
        let mut cursor = Cursor::at(message, end);
        let mut fixed = || Some((Rtype(cursor.take_u16()?), cursor.take_u16()?));
        let (rtype, class) = fixed().ok_or(MessageError::new(
            MessageErrorKind::Record(record::RecordErrorKind::Truncated),
            end,
        ))?;
        Ok((Self { name, rtype, class }, cursor.offset()))
    }
}

/// Writes the entry with its name uncompressed.
impl Emit for Question<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.name.emit(sink)?;
        sink.put(&self.rtype.0.to_be_bytes())?;
        sink.put(&self.class.to_be_bytes())
    }
}

/// The question section of a checked message.
#[derive(Clone)]
pub struct Questions<'a> {
    message: &'a [u8],
    start: usize,
    left: u16,
}

impl<'a> Iterator for Questions<'a> {
    type Item = Question<'a>;

    fn next(&mut self) -> Option<Question<'a>> {
        self.left = self.left.checked_sub(1)?;
        // The message is checked, so this is never an error.
        let (question, next) = Question::parse_in(self.message, self.start).ok()?;
        self.start = next;
        Some(question)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.into(), Some(self.left.into()))
    }
}

impl ExactSizeIterator for Questions<'_> {}

impl fmt::Debug for Questions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// The rest of a section of a checked message, record by record.
#[derive(Clone)]
pub struct Section<'a> {
    message: &'a [u8],
    start: usize,
    left: u16,
}

impl<'a> Section<'a> {
    /// The records of class IN that belong to `owner` and have type `rtype`.
    pub const fn records(&self, owner: Name<'a>, rtype: Rtype) -> scop_core::Records<'a> {
        scop_core::Records::in_section(self.message, self.start, self.left, owner, rtype)
    }
}

impl<'a> Iterator for Section<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        self.left = self.left.checked_sub(1)?;
        // The message is checked, so this is never an error.
        let (record, next) = Record::parse_in(self.message, self.start).ok()?;
        self.start = next;
        Some(record)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.into(), Some(self.left.into()))
    }
}

impl ExactSizeIterator for Section<'_> {}

impl fmt::Debug for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
