//! Replies out of a stream that comes in chunks.

use scop_core::ParseError;

use super::{Code, ReplyError, ReplyErrorKind, ReplyLine, ReplyView};

/// What a reply may cost a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplyLimits {
    /// Lines of a reply. RFC 5321 4.2.1 sets none: a server could send them for ever. Default: 200.
    pub lines: usize,
    /// Octets of a line with its end. RFC 5321 4.5.3.1.5 says 512, and servers send more. Default: 2048.
    pub line_octets: usize,
    /// Octets of a reply. The length of the buffer is a limit too. Default: 16 KiB.
    pub octets: usize,
}

impl ReplyLimits {
    /// 200 lines, 2048 octets in each, 16 KiB: what the replies of all servers seen keep, and little enough for a
    /// session.
    pub const DEFAULT: Self = Self {
        lines: 200,
        line_octets: 2048,
        octets: 16 * 1024,
    };

    /// None, for what is in memory as a whole.
    pub(super) const NONE: Self = Self {
        lines: usize::MAX,
        line_octets: usize::MAX,
        octets: usize::MAX,
    };
}

impl Default for ReplyLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Cuts a stream into replies, in a lent buffer.
///
/// Nothing behind a reply is taken from the input. Every way to cut the stream into chunks gives the same
/// replies and the same error.
///
/// ```
/// use scop_smtp_proto::ReplyReader;
///
/// let mut buffer = [0; 512];
/// let mut replies = ReplyReader::new(&mut buffer);
/// let mut input = &b"250-mx.example.org\r\n250 SI"[..];
/// assert!(replies.read(&mut input)?.is_none() && input.is_empty());
/// let mut input = &b"ZE\r\n220 Go ahead\r\n"[..];
/// assert_eq!(replies.read(&mut input)?.unwrap().raw(), b"250-mx.example.org\r\n250 SIZE\r\n");
/// assert_eq!(input, b"220 Go ahead\r\n");
/// # Ok::<(), scop_smtp_proto::reply::ReplyError>(())
/// ```
#[derive(Debug)]
pub struct ReplyReader<'b> {
    buffer: &'b mut [u8],
    limits: ReplyLimits,
    lf_line: bool,
    /// Where the line begins that is not yet complete.
    line_start: usize,
    len: usize,
    lines: usize,
    /// Of the first line, when it is complete.
    code: Option<Code>,
    complete: bool,
    error: Option<ReplyError>,
}

impl<'b> ReplyReader<'b> {
    /// A reader of replies that fit `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            limits: ReplyLimits::DEFAULT,
            lf_line: false,
            line_start: 0,
            len: 0,
            lines: 0,
            code: None,
            complete: false,
            error: None,
        }
    }

    /// With other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: ReplyLimits) -> Self {
        self.limits = limits;
        self
    }

    /// With lines that end at a bare LF too: [`Tolerance::lf_line`](crate::Tolerance::lf_line).
    #[must_use]
    pub const fn with_lf_line(mut self, lf_line: bool) -> Self {
        self.lf_line = lf_line;
        self
    }

    /// The next reply, if its end is in `input`, which is left at what stands behind it. Without an end all
    /// of `input` is taken and kept.
    ///
    /// # Errors
    /// The first rule that the reply breaks. What follows cannot be told apart any more: every further call
    /// gives the same error and takes nothing, until [`ReplyReader::clear`].
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<ReplyView<'_>>, ReplyError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.complete {
            self.clear();
        }
        let step = self.take_whole(input).map_or_else(|| self.fill(input), Ok);
        if let Err(error) = step {
            self.error = Some(error);
            return Err(error);
        }
        Ok(self.reply())
    }

    /// Forgets what is held: a reply, the beginning of one, an error.
    pub const fn clear(&mut self) {
        self.line_start = 0;
        self.len = 0;
        self.lines = 0;
        self.code = None;
        self.complete = false;
        self.error = None;
    }

    /// The reply that [`ReplyReader::read`] completed last; it is there until the next call.
    pub fn reply(&self) -> Option<ReplyView<'_>> {
        let (Some(code), true) = (self.code, self.complete) else {
            return None;
        };
        let raw = self.buffer.get(..self.len).unwrap_or_default();
        Some(ReplyView { raw, code })
    }

    /// Whether octets of a reply have come, and its end has not.
    pub const fn is_in_reply(&self) -> bool {
        !self.complete && self.len > 0
    }

    /// Takes a reply that is in the input as a whole and breaks no rule; most are. What else is there is left
    /// to `fill`.
    fn take_whole(&mut self, input: &mut &[u8]) -> Option<()> {
        if self.len > 0 {
            return None;
        }
        let mut limits = self.limits;
        limits.octets = limits.octets.min(self.buffer.len());
        let (reply, rest) = ReplyView::parse_within(input, self.lf_line, &limits).ok()?;
        for (to, from) in self.buffer.iter_mut().zip(reply.raw) {
            *to = *from;
        }
        self.len = reply.raw.len();
        self.code = Some(reply.code);
        self.complete = true;
        *input = rest;
        Some(())
    }

    /// Takes lines until the reply is complete or the input empty.
    fn fill(&mut self, input: &mut &[u8]) -> Result<(), ReplyError> {
        while !self.complete {
            let end = memchr::memchr(b'\n', input);
            let octets = end.map_or(*input, |end| input.get(..=end).unwrap_or_default());
            self.store(octets)?;
            *input = input.get(octets.len()..).unwrap_or_default();
            if end.is_none() {
                return Ok(());
            }
            let line = self.buffer.get(self.line_start..self.len);
            let line = ReplyLine::read(line.unwrap_or_default(), self.code, self.lf_line)
                .map_err(|error| error.nested(self.line_start))?;
            self.lines = self.lines.saturating_add(1);
            if !line.is_last && self.lines >= self.limits.lines {
                return Err(ParseError::new(ReplyErrorKind::TooManyLines, self.len));
            }
            self.code = Some(line.code);
            self.complete = line.is_last;
            self.line_start = self.len;
        }
        Ok(())
    }

    fn store(&mut self, octets: &[u8]) -> Result<(), ReplyError> {
        let line_limit = self.line_start.saturating_add(self.limits.line_octets);
        let limit = self.limits.octets.min(self.buffer.len());
        let free = self.buffer.get_mut(self.len..line_limit.min(limit));
        let free = free.unwrap_or_default();
        if octets.len() > free.len() {
            let kind = if line_limit <= limit {
                ReplyErrorKind::LineTooLong
            } else {
                ReplyErrorKind::TooLong
            };
            return Err(ParseError::new(kind, line_limit.min(limit)));
        }
        self.len += octets.len();
        for (to, from) in free.iter_mut().zip(octets) {
            *to = *from;
        }
        Ok(())
    }
}
