//! Replies (RFC 5321 4.2), with enhanced status codes (RFC 2034, RFC 3463, RFC 5248).
//!
//! A [`Reply`] is one to be sent: it cannot hold what would break the dialogue. A [`ReplyView`] is one that
//! was received, whole; [`ReplyReader`] cuts such replies out of a stream that comes in chunks.
//!
//! No function panics on any input, and each takes time linear in it.
//!
//! ```
//! use scop_core::Emit;
//! use scop_smtp_proto::{Reply, ReplyView, Status};
//!
//! let reply = Reply::new(550, Some(Status::new(5, 1, 1)), "No such mailbox here\nAsk postmaster")?;
//! let mut wire: heapless::Vec<u8, 80> = heapless::Vec::new();
//! reply.emit(&mut wire)?;
//! assert_eq!(wire, b"550-5.1.1 No such mailbox here\r\n550 5.1.1 Ask postmaster\r\n");
//!
//! let view = ReplyView::parse(&wire)?;
//! assert_eq!((view.code(), view.status()), (reply.code(), reply.status()));
//! assert!(view.lines().eq([&b"No such mailbox here"[..], b"Ask postmaster"]));
//!
//! assert!(Reply::new(250, None, "OK\r\n250 injected").is_err());
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod reader;
mod status;
#[cfg(test)]
mod tests;

pub use reader::{ReplyLimits, ReplyReader};
pub use status::{Status, StatusError, StatusErrorKind};

use core::fmt;

use scop_core::{Emit, FmtSink, Full, ParseError, Sink};

use crate::command::Tolerance;
use crate::line::first_end;

/// A reply code of three digits, 200 to 599 (RFC 5321 4.2.1).
///
/// RFC 5321 knows no second digit above 5, but servers send such codes, and a client goes by the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

impl Code {
    /// A code; `None` when it is not 200 to 599.
    pub const fn new(number: u16) -> Option<Self> {
        if matches!(number, 200..=599) {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The three digits as a number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// 2yz or 3yz.
    pub const fn is_positive(self) -> bool {
        matches!(self.0, 200..=399)
    }

    /// 2yz: the command is done.
    pub const fn is_success(self) -> bool {
        matches!(self.0, 200..=299)
    }

    /// 3yz: the server waits for what belongs to the command.
    pub const fn is_intermediate(self) -> bool {
        matches!(self.0, 300..=399)
    }

    /// 4yz: the same command may succeed later.
    pub const fn is_transient(self) -> bool {
        matches!(self.0, 400..=499)
    }

    /// 5yz.
    pub const fn is_permanent(self) -> bool {
        matches!(self.0, 500..=599)
    }

    /// Whether a status of this class belongs to a reply with this code (RFC 2034 4).
    const fn goes_with(self, status: Status) -> bool {
        self.0 / 100 == status.class as u16
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A reply to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    code: Code,
    status: Option<Status>,
    text: &'a str,
}

impl<'a> Reply<'a> {
    /// The longest line, with code and CRLF (RFC 5321 4.5.3.1.5).
    pub const MAX_LINE: usize = 512;

    /// What a constant becomes that cannot be a refusal.
    pub(crate) const REFUSED: Self = Self {
        code: Code(554),
        status: Some(Status::new(5, 0, 0)),
        text: "Refused",
    };

    /// A reply. Each LF in `text` begins another line of it.
    ///
    /// ```text
    /// Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
    /// Reply-code = %x32-35 %x30-35 %x30-39
    /// textstring = 1*(%d09 / %d32-126)         ; and UTF-8 (RFC 6531 3.7.4.2)
    /// ```
    ///
    /// # Errors
    /// When the code is not of that form, the status is not valid or not of the code's class, the text
    /// holds a control character other than HT and LF, or a line would be longer than
    /// [`Reply::MAX_LINE`] octets.
    pub const fn new(
        code: u16,
        status: Option<Status>,
        text: &'a str,
    ) -> Result<Self, ReplyTextError> {
        let code = match Code::new(code) {
            Some(code) if code.0 / 10 % 10 <= 5 => code,
            _ => return Err(ParseError::new(ReplyTextErrorKind::BadCode, 0)),
        };
        let mut before = 6; // the code, what separates it, CRLF
        if let Some(status) = status {
            if !status.is_valid() || !code.goes_with(status) {
                return Err(ParseError::new(ReplyTextErrorKind::BadStatus, 0));
            }
            before += 4 + digits(status.subject) + digits(status.detail); // two dots, the class, a space
        }
        if let Err(error) = check_text(text.as_bytes(), Self::MAX_LINE - before) {
            return Err(error);
        }
        Ok(Self { code, status, text })
    }

    /// The code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Written before the text of each line, when ENHANCEDSTATUSCODES is in use (RFC 2034 3).
    pub const fn status(&self) -> Option<Status> {
        self.status
    }

    /// The text, with LF between its lines. Only a client that speaks SMTPUTF8 takes one that is not
    /// ASCII (RFC 6531 3.7.4.2).
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The same without its status, for a client that was not told of ENHANCEDSTATUSCODES.
    #[must_use]
    pub const fn without_status(self) -> Self {
        Self {
            status: None,
            ..self
        }
    }
}

/// One line for each line of the text, with CRLF. A line without text ends with a space (RFC 5321 4.2).
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
        write!(f, "{} ", self.code)?;
        if let Some(status) = self.status {
            write!(f, "{status} ")?;
        }
        f.write_str(self.text)
    }
}

/// Which rule a reply to be sent breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyTextErrorKind {
    /// The code is not of the form of RFC 5321 4.2.
    BadCode,
    /// The status is out of range, or of another class than the code.
    BadStatus,
    /// A control character.
    Control,
    /// A line is too long.
    LineTooLong,
}

impl fmt::Display for ReplyTextErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadCode => "a reply code is 2 to 5, 0 to 5, and a digit (RFC 5321 4.2)",
            Self::BadStatus => "the class of a status is the first digit of the code (RFC 2034 4)",
            Self::Control => "the text of a reply holds no control but HT (RFC 5321 4.2)",
            Self::LineTooLong => "a line of a reply has 512 octets at most (RFC 5321 4.5.3.1.5)",
        })
    }
}

/// Why a reply cannot be sent, and at which byte of its text.
pub type ReplyTextError = ParseError<ReplyTextErrorKind>;

/// Which rule a received reply breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyErrorKind {
    /// A line does not begin with three digits, the first of them 2 to 5.
    BadCode,
    /// Behind the code stands neither a space, nor a hyphen, nor the end of the line.
    BadSeparator,
    /// The lines have not the same code.
    CodesDiffer,
    /// A CR without LF behind it.
    BareCr,
    /// A LF without CR before it.
    BareLf,
    /// NUL.
    Nul,
    /// It ends before its last line does.
    Unfinished,
    /// Something stands behind its last line.
    Trailing,
    /// More lines than [`ReplyLimits::lines`].
    TooManyLines,
    /// A line of more octets than [`ReplyLimits::line_octets`].
    LineTooLong,
    /// More octets than [`ReplyLimits::octets`] or the buffer.
    TooLong,
}

impl fmt::Display for ReplyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadCode => {
                "a line of a reply begins with three digits, 200 to 599 (RFC 5321 4.2)"
            }
            Self::BadSeparator => {
                "behind the code stands a space, a hyphen or the end of the line (RFC 5321 4.2.1)"
            }
            Self::CodesDiffer => "all lines of a reply have the same code (RFC 5321 4.2.1)",
            Self::BareCr => "CR stands before LF only (RFC 5321 2.3.8)",
            Self::BareLf => "LF stands behind CR only (RFC 5321 2.3.8)",
            Self::Nul => "a reply holds no NUL (RFC 5321 4.2)",
            Self::Unfinished => "a reply ends with a line without hyphen (RFC 5321 4.2.1)",
            Self::Trailing => "nothing stands behind the last line of a reply",
            Self::TooManyLines => "a reply has more lines than the limit",
            Self::LineTooLong => {
                "a line of a reply has more octets than the limit (RFC 5321 4.5.3.1.5)"
            }
            Self::TooLong => "a reply has more octets than the limit",
        })
    }
}

/// Why bytes are no reply, and at which byte of it.
pub type ReplyError = ParseError<ReplyErrorKind>;

/// A reply as it was received, all of its lines.
///
/// ```text
/// Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
/// ```
///
/// The text is whatever octets the server sent, without CR, LF and NUL.
#[derive(Clone, Copy)]
pub struct ReplyView<'a> {
    raw: &'a [u8],
    code: Code,
}

impl<'a> ReplyView<'a> {
    /// Reads the bytes, all of them, as one reply.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReplyError> {
        Self::parse_with(bytes, &Tolerance::STRICT)
    }

    /// The same, where a line may end at a bare LF if [`Tolerance::lf_line`] says so.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn parse_with(bytes: &'a [u8], tolerance: &Tolerance) -> Result<Self, ReplyError> {
        let (reply, rest) = Self::parse_prefix(bytes, tolerance)?;
        if rest.is_empty() {
            return Ok(reply);
        }
        Err(ParseError::new(ReplyErrorKind::Trailing, reply.raw.len()))
    }

    /// Reads the reply at the start of `bytes`, and hands back what stands behind it.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn parse_prefix(
        bytes: &'a [u8],
        tolerance: &Tolerance,
    ) -> Result<(Self, &'a [u8]), ReplyError> {
        Self::parse_within(bytes, tolerance.lf_line, &ReplyLimits::NONE)
    }

    /// The same within limits. Which of two rules is named that one line breaks is not told.
    fn parse_within(
        bytes: &'a [u8],
        lf_line: bool,
        limits: &ReplyLimits,
    ) -> Result<(Self, &'a [u8]), ReplyError> {
        let mut rest = bytes;
        let mut code = None;
        // How a line begins that is neither the first nor the last; most are read by comparing with it.
        let mut more = [0; 4];
        for _ in 0..limits.lines {
            let offset = bytes.len().saturating_sub(rest.len());
            if rest.first_chunk() == Some(&more)
                && let Some(end) = first_end(rest)
                && let Some([b'\r', b'\n', behind @ ..]) = rest.get(end..)
                && end < limits.line_octets.saturating_sub(1)
            {
                rest = behind;
                continue;
            }
            let line =
                ReplyLine::read(rest, code, lf_line).map_err(|error| error.nested(offset))?;
            if line.len > limits.line_octets {
                let kind = ReplyErrorKind::LineTooLong;
                return Err(ParseError::new(kind, offset + limits.line_octets));
            }
            rest = rest.get(line.len..).unwrap_or_default();
            if line.is_last {
                let len = offset + line.len;
                let raw = bytes.get(..len).unwrap_or_default();
                if len > limits.octets {
                    return Err(ParseError::new(ReplyErrorKind::TooLong, limits.octets));
                }
                let code = line.code;
                return Ok((Self { raw, code }, rest));
            }
            code = Some(line.code);
            more = bytes.first_chunk().copied().unwrap_or_default();
        }
        let offset = bytes.len().saturating_sub(rest.len());
        Err(ParseError::new(ReplyErrorKind::TooManyLines, offset))
    }

    /// The reply code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The enhanced status code at the start of the text, if its class is that of the code (RFC 2034 4).
    pub fn status(&self) -> Option<Status> {
        // Where the code has nothing behind it, a line end or the next code stands there.
        let (status, _) = split_status(self.raw.get(4..)?)?;
        self.code.goes_with(status).then_some(status)
    }

    /// The text of each line, without code, and without the status when it is that of the reply.
    pub fn lines(&self) -> Lines<'a> {
        Lines {
            rest: self.raw,
            status: self.status(),
        }
    }

    /// The text of each line as it stands behind the code.
    pub const fn raw_lines(&self) -> Lines<'a> {
        Lines::new(self.raw)
    }

    /// The bytes of the reply, all lines with their ends.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }
}

impl Emit for ReplyView<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.raw)
    }
}

/// The code once, then the text, its lines separated by LF; what a terminal would act on is hidden.
impl fmt::Display for ReplyView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.code, f)?;
        let mut separator = " ";
        for line in self.raw_lines() {
            f.write_str(separator)?;
            FmtSink(f).put(line).map_err(|_| fmt::Error)?;
            separator = "\n";
        }
        Ok(())
    }
}

impl fmt::Debug for ReplyView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplyView({self})")
    }
}

/// The texts of the lines of a reply.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: &'a [u8],
    /// What is taken off the text of each line.
    status: Option<Status>,
}

impl<'a> Lines<'a> {
    /// Of lines of a view, with the status in their texts.
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest, status: None }
    }

    /// The lines that are left, with their codes and ends.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        // A view holds CR and LF at the ends of its lines only.
        let end = first_end(self.rest)?;
        let (line, behind) = self.rest.split_at_checked(end)?;
        self.rest = match behind {
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
            [] => behind,
        };
        let text = line.get(4..).unwrap_or_default();
        if self.status.is_none() {
            return Some(text);
        }
        Some(match split_status(text) {
            Some((status, text)) if self.status == Some(status) => text,
            _ => text,
        })
    }
}

impl core::iter::FusedIterator for Lines<'_> {}

/// The status at the start of a text, and what stands behind its space.
fn split_status(text: &[u8]) -> Option<(Status, &[u8])> {
    let (status, rest) = Status::parse_prefix(text).ok()?;
    match rest {
        [] => Some((status, rest)),
        [b' ' | b'\t', text @ ..] => Some((status, text)),
        [b'\r' | b'\n', ..] => Some((status, &[])),
        _ => None,
    }
}

/// What the start of a line says.
struct ReplyLine {
    code: Code,
    is_last: bool,
    /// With its end.
    len: usize,
}

impl ReplyLine {
    /// Reads the line at the start of `bytes`; `code` is that of the lines before.
    #[inline]
    fn read(bytes: &[u8], code: Option<Code>, lf_line: bool) -> Result<Self, ReplyError> {
        let error = |kind, offset| Err(ParseError::new(kind, offset));
        let Some(end) = first_end(bytes) else {
            return error(ReplyErrorKind::Unfinished, bytes.len());
        };
        let len = match bytes.get(end..) {
            Some([b'\r', b'\n', ..]) => end + 2,
            Some([b'\n', ..]) if lf_line => end + 1,
            Some([b'\n', ..]) => return error(ReplyErrorKind::BareLf, end),
            Some([b'\r']) => return error(ReplyErrorKind::Unfinished, bytes.len()),
            Some([b'\r', ..]) => return error(ReplyErrorKind::BareCr, end),
            _ => return error(ReplyErrorKind::Nul, end),
        };
        let line = bytes.get(..end).unwrap_or_default();
        let [
            hundreds @ b'2'..=b'5',
            tens @ b'0'..=b'9',
            ones @ b'0'..=b'9',
            behind @ ..,
        ] = line
        else {
            return error(ReplyErrorKind::BadCode, 0);
        };
        let digit = |digit: u8| u16::from(digit - b'0');
        let own = Code(digit(*hundreds) * 100 + digit(*tens) * 10 + digit(*ones));
        let is_last = match behind {
            [] | [b' ', ..] => true,
            [b'-', ..] => false,
            _ => return error(ReplyErrorKind::BadSeparator, 3),
        };
        if code.is_some_and(|code| code != own) {
            return error(ReplyErrorKind::CodesDiffer, 0);
        }
        Ok(Self {
            code: own,
            is_last,
            len,
        })
    }
}

/// How many digits a number below 1000 has.
const fn digits(number: u16) -> usize {
    match number {
        0..=9 => 1,
        10..=99 => 2,
        _ => 3,
    }
}

/// Checks a text whose lines have at most `limit` octets.
const fn check_text(text: &[u8], limit: usize) -> Result<(), ReplyTextError> {
    let mut rest = text;
    let mut offset = 0usize;
    let mut line_octets = 0usize;
    while let Some((octet, behind)) = rest.split_first() {
        line_octets += 1;
        match octet {
            b'\n' => line_octets = 0,
            // U+0080 to U+009F are controls too.
            0xc2 if matches!(behind.first(), Some(0x80..=0x9f)) => {
                return Err(ParseError::new(ReplyTextErrorKind::Control, offset));
            }
            b'\t' | b' '..=b'~' | 0x80.. => {}
            _ => return Err(ParseError::new(ReplyTextErrorKind::Control, offset)),
        }
        if line_octets > limit {
            return Err(ParseError::new(ReplyTextErrorKind::LineTooLong, offset));
        }
        offset += 1;
        rest = behind;
    }
    Ok(())
}
