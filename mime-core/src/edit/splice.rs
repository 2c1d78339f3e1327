//! One change, and how it is written.

use memchr::memchr;
use scop_core::{Full, Sink};

/// Knows how much it passed on, and whether that ends a line.
pub(super) struct Tracked<'s, S: ?Sized> {
    pub(super) sink: &'s mut S,
    pub(super) written: usize,
    pub(super) at_line_start: bool,
}

impl<'s, S: Sink + ?Sized> Tracked<'s, S> {
    pub(super) const fn new(sink: &'s mut S) -> Self {
        Self {
            sink,
            written: 0,
            at_line_start: true,
        }
    }
}

impl<S: Sink + ?Sized> Sink for Tracked<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if let Some(&last) = bytes.last() {
            self.at_line_start = last == b'\n';
            self.written = self.written.saturating_add(bytes.len());
            self.sink.put(bytes)?;
        }
        Ok(())
    }
}

/// The memory for one change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Splice<'a> {
    /// What is left out.
    pub(super) start: usize,
    pub(super) end: usize,
    /// What stands there instead.
    pub(super) insertion: Insertion<'a>,
}

impl Splice<'_> {
    /// The order of the list; those of one rank stand in the order of the calls. At one place, a part that
    /// is put before another comes before its fields, one that is put behind comes behind them, and what
    /// is removed comes last.
    pub(super) const fn rank(&self) -> (usize, u8) {
        let rank = match (self.insertion.before, self.insertion.after) {
            _ if self.start < self.end => 3,
            (Joint::Delimiter { .. }, _) => 2,
            (_, Joint::Delimiter { .. }) => 0,
            _ => 1,
        };
        (self.start, rank)
    }

    /// Whether it lies over `other`, or stands behind the delimiter that `other` removes.
    pub(super) const fn touches(&self, other: &Self) -> bool {
        let overlaps = self.start < other.end && other.start < self.end;
        let follows_delimiter = matches!(self.insertion.after, Joint::Delimiter { .. });
        let removes = other.start < other.end && self.start == other.end;
        overlaps || follows_delimiter && removes
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Insertion<'a> {
    pub(super) before: Joint<'a>,
    pub(super) content: &'a [u8],
    /// Whether the line ends of the content are left as they are.
    pub(super) exact: bool,
    pub(super) after: Joint<'a>,
}

impl<'a> Insertion<'a> {
    pub(super) const NOTHING: Self = Self::new(&[], true);

    pub(super) const fn new(content: &'a [u8], exact: bool) -> Self {
        Self {
            before: Joint::Nothing,
            content,
            exact,
            after: Joint::Nothing,
        }
    }
}

/// What stands between something inserted and its neighbour.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Joint<'a> {
    #[default]
    Nothing,
    /// A line end.
    LineEnd,
    /// The line end of what is before; not a second one when that was removed.
    EndOfLine,
    /// This line end, unless one follows that what comes next brings with it.
    Owed(&'a [u8]),
    /// A delimiter line.
    Delimiter {
        /// Whether a line end stands before it.
        line_end: bool,
        /// Without line ends.
        line: &'a [u8],
    },
}

impl Joint<'_> {
    pub(super) fn emit<S: Sink + ?Sized>(
        self,
        line_end: LineEnd,
        sink: &mut Tracked<'_, S>,
    ) -> Result<(), Full> {
        let (begins, line) = match self {
            Self::Nothing | Self::Owed(_) => return Ok(()),
            Self::LineEnd => (true, None),
            Self::EndOfLine => (!sink.at_line_start, None),
            Self::Delimiter { line_end, line } => (line_end, Some(line)),
        };
        if begins {
            sink.put(line_end.as_bytes())?;
        }
        if let Some(line) = line {
            sink.put(line)?;
            sink.put(line_end.as_bytes())?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    CrLf,
    Lf,
}

impl LineEnd {
    /// That of the first line.
    pub(super) fn of(input: &[u8]) -> Self {
        match memchr(b'\n', input) {
            Some(at) if !input.get(..at).unwrap_or_default().ends_with(b"\r") => Self::Lf,
            _ => Self::CrLf,
        }
    }

    pub(super) const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::CrLf => b"\r\n",
            Self::Lf => b"\n",
        }
    }
}

/// Writes lines, whatever ends them, with this line end.
pub(super) fn emit_lines<S: Sink + ?Sized>(
    content: &[u8],
    line_end: LineEnd,
    sink: &mut S,
) -> Result<(), Full> {
    let mut rest = content;
    while let Some(at) = memchr(b'\n', rest) {
        let line = rest.get(..at).unwrap_or_default();
        sink.put(line.strip_suffix(b"\r").unwrap_or(line))?;
        sink.put(line_end.as_bytes())?;
        rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
    }
    sink.put(rest)
}
