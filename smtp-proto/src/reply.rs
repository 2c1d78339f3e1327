//! Replies (RFC 5321 4.2, RFC 2034, RFC 3463, RFC 5248).

use core::fmt;

use scop_core::{Emit, FmtSink, Full, ParseError, Sink};

/// A reply code of three digits (RFC 5321 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

impl Code {
    /// 2yz or 3yz.
    pub const fn is_positive(self) -> bool {
        matches!(self.0, 200..=399)
    }

    /// 4yz: the same command may succeed later.
    pub const fn is_transient(self) -> bool {
        matches!(self.0, 400..=499)
    }

    /// 5yz.
    pub const fn is_permanent(self) -> bool {
        matches!(self.0, 500..=599)
    }
}

/// An enhanced status code, `class.subject.detail` (RFC 3463 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status {
    /// 2, 4 or 5.
    pub class: u8,
    /// 0 to 999.
    pub subject: u16,
    /// 0 to 999.
    pub detail: u16,
}

impl Status {
    /// `class.subject.detail`.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self {
            class,
            subject,
            detail,
        }
    }
}

impl Emit for Status {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put_decimal(self.class.into())?;
        sink.put_byte(b'.')?;
        sink.put_decimal(self.subject.into())?;
        sink.put_byte(b'.')?;
        sink.put_decimal(self.detail.into())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// A reply to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// Three digits.
    pub code: Code,
    /// Written before the text of each line, when ENHANCEDSTATUSCODES is in use (RFC 2034 3).
    pub status: Option<Status>,
    /// The text; each LF begins another line of the reply.
    pub text: &'a str,
}

/// One line for each line of the text, with CRLF.
impl Emit for Reply<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let mut rest = self.text.as_bytes();
        loop {
            let end = memchr::memchr(b'\n', rest);
            let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            sink.put_decimal(self.code.0.into())?;
            sink.put_byte(if end.is_some() { b'-' } else { b' ' })?;
            if let Some(status) = self.status {
                status.emit(sink)?;
                sink.put_byte(b' ')?;
            }
            sink.put(line)?;
            sink.put(b"\r\n")?;
            let Some(end) = end else { return Ok(()) };
            rest = rest.get(end + 1..).unwrap_or_default();
        }
    }
}

impl fmt::Display for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.code.0)?;
        if let Some(status) = self.status {
            write!(f, "{status} ")?;
        }
        f.write_str(self.text)
    }
}

/// Which rule a reply breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyErrorKind {
    /// A line does not begin with three digits, the first of them 2 to 5.
    BadCode,
}

impl fmt::Display for ReplyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadCode => "a reply begins with a code of three digits (RFC 5321 4.2)",
        })
    }
}

/// Why bytes are no reply, and at which byte.
pub type ReplyError = ParseError<ReplyErrorKind>;

/// A reply as it was received.
#[derive(Clone, Copy, Debug)]
pub struct ReplyView<'a> {
    raw: &'a [u8],
    code: Code,
}

impl<'a> ReplyView<'a> {
    /// The reply code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The bytes of the reply, all lines with their ends.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }
}
