//! Writing flowed text (RFC 3676 4.2, 4.4).

use core::fmt;

use memchr::memchr3;
use scop_core::{Full, Sink};

use super::SIGNATURE;

/// The longest line that is written where the text has a place to break, in characters (RFC 3676 4.2).
pub const FLOWED_LINE: usize = 78;

/// The longest line, in octets (RFC 5322 2.1.1).
const MAX_LINE: usize = crate::header::scan::MAX_LINE;

/// Why a paragraph cannot be written. Nothing of it was, unless the sink is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlowedError {
    /// The sink is full.
    Full,
    /// NUL, CR or LF: each line of the text is a paragraph of its own.
    LineEnd,
    /// A space at the end, which would join the paragraph to the next one (RFC 3676 4.2).
    SpaceAtEnd,
    /// More than 998 octets without a place to break (RFC 5322 2.1.1).
    LineTooLong,
}

impl fmt::Display for FlowedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => return Full.fmt(f),
            Self::LineEnd => "a paragraph cannot hold NUL, CR or LF (RFC 3676 4.2)",
            Self::SpaceAtEnd => "a paragraph cannot end with a space (RFC 3676 4.2)",
            Self::LineTooLong => "a line cannot be broken within 998 octets (RFC 5322 2.1.1)",
        })
    }
}

impl core::error::Error for FlowedError {}

impl From<Full> for FlowedError {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

/// Writes paragraphs as flowed lines, ended by CRLF, for a Content-Type with `format=flowed` and without
/// `DelSp`.
///
/// ```
/// use scop_core::SliceSink;
/// use scop_mime_core::flowed::FlowedWriter;
///
/// let mut buffer = [0; 256];
/// let mut out = SliceSink::new(&mut buffer);
/// let mut writer = FlowedWriter::new(&mut out);
/// writer.paragraph(1, b"What do you mean?")?;
/// writer.paragraph(0, b"From here on, a paragraph that is longer than a line is broken behind a space.")?;
/// writer.signature(0)?;
/// writer.paragraph(0, b"Joe")?;
/// assert_eq!(
///     out.written(),
///     &b"> What do you mean?\r\n \
///        From here on, a paragraph that is longer than a line is broken behind a \r\nspace.\r\n\
///        -- \r\nJoe\r\n"[..],
/// );
/// # Ok::<(), scop_mime_core::flowed::FlowedError>(())
/// ```
#[derive(Debug)]
pub struct FlowedWriter<'s, S: ?Sized> {
    sink: &'s mut S,
}

impl<'s, S: Sink + ?Sized> FlowedWriter<'s, S> {
    /// At the start of a text.
    pub const fn new(sink: &'s mut S) -> Self {
        Self { sink }
    }

    /// Writes a paragraph, quoted `depth` times, in as many lines as it needs. The text is that of one
    /// line as a person wrote it; it may be empty.
    ///
    /// # Errors
    /// What the text breaks, or `Full`.
    pub fn paragraph(&mut self, depth: usize, text: &[u8]) -> Result<&mut Self, FlowedError> {
        check(text)?;
        for line in Lines::new(depth, text) {
            if line.len(depth) > MAX_LINE {
                return Err(FlowedError::LineTooLong);
            }
        }
        for line in Lines::new(depth, text) {
            self.line(depth, line)?;
        }
        Ok(self)
    }

    /// Writes one line that readers do not wrap, such as one of a table or a program.
    ///
    /// # Errors
    /// What the text breaks, or `Full`.
    pub fn fixed_line(&mut self, depth: usize, text: &[u8]) -> Result<&mut Self, FlowedError> {
        check(text)?;
        let line = Line::new(depth, text);
        if line.len(depth) > MAX_LINE {
            return Err(FlowedError::LineTooLong);
        }
        self.line(depth, line)?;
        Ok(self)
    }

    /// Writes the line `-- ` before a signature.
    ///
    /// # Errors
    /// `LineTooLong` where the quote marks fill a line, or `Full`.
    pub fn signature(&mut self, depth: usize) -> Result<&mut Self, FlowedError> {
        let line = Line::new(depth, SIGNATURE);
        if line.len(depth) > MAX_LINE {
            return Err(FlowedError::LineTooLong);
        }
        self.line(depth, line)?;
        Ok(self)
    }

    fn line(&mut self, depth: usize, line: Line<'_>) -> Result<(), FlowedError> {
        for _ in 0..depth {
            self.sink.put(b">")?;
        }
        if line.stuffed {
            self.sink.put(b" ")?;
        }
        self.sink.put(line.text)?;
        self.sink.put(b"\r\n")?;
        Ok(())
    }
}

fn check(text: &[u8]) -> Result<(), FlowedError> {
    if memchr3(0, b'\r', b'\n', text).is_some() {
        Err(FlowedError::LineEnd)
    } else if text.ends_with(b" ") {
        Err(FlowedError::SpaceAtEnd)
    } else {
        Ok(())
    }
}

/// A line behind its quote marks.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    text: &'a [u8],
    /// Whether a space stands before the text that is no part of it.
    stuffed: bool,
}

impl<'a> Line<'a> {
    /// Text behind quote marks is always stuffed, which reads better; other text where RFC 3676 4.4 asks
    /// for it.
    fn new(depth: usize, text: &'a [u8]) -> Self {
        let stuffed = if depth > 0 {
            !text.is_empty()
        } else {
            matches!(text.first(), Some(b' ' | b'>')) || text.starts_with(b"From ")
        };
        Self { text, stuffed }
    }

    fn len(&self, depth: usize) -> usize {
        let before = depth.saturating_add(usize::from(self.stuffed));
        self.text.len().saturating_add(before)
    }
}

/// The lines of a paragraph: all but the last end with a space.
#[derive(Clone, Debug)]
struct Lines<'a> {
    depth: usize,
    rest: Option<&'a [u8]>,
}

impl<'a> Lines<'a> {
    const fn new(depth: usize, text: &'a [u8]) -> Self {
        Self {
            depth,
            rest: Some(text),
        }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let rest = self.rest?;
        let whole = Line::new(self.depth, rest);
        let before = self.depth.saturating_add(usize::from(whole.stuffed));
        let mut room = FLOWED_LINE.saturating_sub(before);
        let mut end = None;
        let mut fits = true;
        for (at, &byte) in rest.iter().enumerate() {
            // Octets but the first of a character in UTF-8 take no room.
            if byte & 0xc0 != 0x80 {
                fits = room > 0;
                room = room.saturating_sub(1);
            }
            if !fits && end.is_some() {
                break;
            }
            let behind = at.saturating_add(1);
            // A line that is the one before a signature would be read as that.
            if byte == b' ' && rest.get(..behind) != Some(SIGNATURE) {
                end = Some(behind);
            }
        }
        let (line, rest) = match end {
            Some(end) if !fits => rest.split_at_checked(end)?,
            _ => (rest, &[][..]),
        };
        self.rest = (!rest.is_empty()).then_some(rest);
        Some(Line::new(self.depth, line))
    }
}
