//! Lines of commands (RFC 5321 2.3.8 and 4.5.3.1.4), cut out of a stream that comes in chunks.
//!
//! A line ends at CRLF and nowhere else, unless [`LineReader::with_lf_line`] lets it end at a bare LF too.
//! What a line must not hold (a bare CR, a bare LF, NUL) and a line that is longer than the limit are
//! reported with the line, once, when its end is there; the reader then stands behind that end. So a line
//! that is refused is never read as two, and its tail never as another one. A line that never ends takes no
//! more memory than the buffer; [`LineReader::is_too_long`] tells of it before its end.
//!
//! Nothing behind the end of a line is taken from `input`. No method panics on any octet, each takes time
//! linear in what it takes from `input`, and every way to cut the stream into chunks gives the same lines.
//!
//! ```
//! use scop_smtp_proto::line::{LineErrorKind, LineReader};
//!
//! let mut buffer = [0; 10];
//! let mut lines = LineReader::new(&mut buffer);
//! let mut input = &b"NOOP\r\nRSE"[..];
//! assert_eq!(lines.read(&mut input).unwrap().octets(), Ok(&b"NOOP"[..]));
//! assert!(lines.read(&mut input).is_none() && input.is_empty());
//!
//! let mut input = &b"T\nQUIT\r\nSTARTTLS\r\nsurplus"[..];
//! let line = lines.read(&mut input).unwrap();
//! assert_eq!(line.octets().unwrap_err().kind(), LineErrorKind::BareLf);
//! assert_eq!(line.raw(), b"RSET\nQUIT");
//! assert_eq!(lines.read(&mut input).unwrap().octets(), Ok(&b"STARTTLS"[..]));
//! assert_eq!(input, b"surplus");
//! ```

use core::fmt;

use scop_core::ParseError;
use zeroize::Zeroize;

/// Which rule a line breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineErrorKind {
    /// It has more octets than the limit.
    TooLong,
    /// A CR without LF behind it.
    BareCr,
    /// A LF without CR before it.
    BareLf,
    /// NUL.
    Nul,
}

impl fmt::Display for LineErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "a line has more octets than the limit (RFC 5321 4.5.3.1.4)",
            Self::BareCr => "CR stands before LF only (RFC 5321 2.3.8)",
            Self::BareLf => "LF stands behind CR only (RFC 5321 2.3.8)",
            Self::Nul => "a line holds no NUL (RFC 5321 4.1.2)",
        })
    }
}

/// Why a line is refused, and at which of its octets.
pub type LineError = ParseError<LineErrorKind>;

/// A line without its end.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    raw: &'a [u8],
    too_long: bool,
}

impl<'a> Line<'a> {
    /// The line, when it breaks no rule.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn octets(&self) -> Result<&'a [u8], LineError> {
        if self.too_long {
            return Err(LineError::new(LineErrorKind::TooLong, self.raw.len()));
        }
        let Some(offset) = memchr::memchr3(b'\r', b'\n', 0, self.raw) else {
            return Ok(self.raw);
        };
        let kind = match self.raw.get(offset) {
            Some(b'\r') => LineErrorKind::BareCr,
            Some(b'\n') => LineErrorKind::BareLf,
            _ => LineErrorKind::Nul,
        };
        Err(LineError::new(kind, offset))
    }

    /// The line as it came, whatever it holds; of one that is too long, as much as the limit allows.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }
}

/// Cuts a stream into lines, in a lent buffer.
pub struct LineReader<'b> {
    buffer: &'b mut [u8],
    limit: usize,
    lf_line: bool,
    /// How much of the buffer the line fills.
    len: usize,
    /// A CR has come that is not in the buffer: it may be the first half of the end.
    cr: bool,
    /// Octets of this line were dropped.
    too_long: bool,
    /// The end of the line was there.
    complete: bool,
}

impl<'b> LineReader<'b> {
    /// A reader of lines that have at most as many octets, without CRLF, as `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            limit: buffer.len(),
            buffer,
            lf_line: false,
            len: 0,
            cr: false,
            too_long: false,
            complete: false,
        }
    }

    /// With a lower limit than the length of the buffer.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.set_limit(limit);
        self
    }

    /// With lines that end at a bare LF too: [`Tolerance::lf_line`](crate::Tolerance::lf_line).
    #[must_use]
    pub const fn with_lf_line(mut self, lf_line: bool) -> Self {
        self.lf_line = lf_line;
        self
    }

    /// Sets the limit for the lines to come, in octets without CRLF; the length of the buffer bounds it.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit.min(self.buffer.len());
    }

    /// The next line, if its end is in `input`, which is left at what stands behind it. Without an end all
    /// of `input` is taken and kept.
    ///
    /// The line is a slice of `input` when it lies in it as a whole, else of the buffer.
    pub fn read<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Option<Line<'a>> {
        if !self.is_in_line() {
            // What is wrong or cut is left to `fill`.
            let whole = *input;
            let end = memchr::memchr(b'\n', whole).unwrap_or_default();
            if let (Some((line, b"\r")), Some(rest)) = (
                whole
                    .get(..end)
                    .and_then(|line| line.split_at_checked(end.wrapping_sub(1))),
                whole.get(end + 1..),
            ) && line.len() <= self.limit
            {
                self.clear();
                *input = rest;
                return Some(Line {
                    raw: line,
                    too_long: false,
                });
            }
        }
        if self.fill(input) { self.line() } else { None }
    }

    /// As [`LineReader::read`], but the line is copied to the buffer, where [`LineReader::line`] shows it
    /// until the next call. Returns whether it is complete.
    pub fn fill(&mut self, input: &mut &[u8]) -> bool {
        if self.complete {
            self.clear();
        }
        loop {
            let Some(end) = memchr::memchr(b'\n', input) else {
                self.append(input);
                *input = &[];
                return false;
            };
            self.append(input.get(..end).unwrap_or_default());
            *input = input.get(end + 1..).unwrap_or_default();
            if self.cr || self.lf_line {
                self.complete = true;
                return true;
            }
            self.store(b"\n");
        }
    }

    /// Forgets the line that is held, complete or not.
    pub const fn clear(&mut self) {
        self.len = 0;
        self.cr = false;
        self.too_long = false;
        self.complete = false;
    }

    /// Forgets the line, and overwrites it: it may hold a password.
    pub(crate) fn erase(&mut self) {
        self.buffer
            .get_mut(..self.len)
            .unwrap_or_default()
            .zeroize();
        self.clear();
    }

    /// The line that [`LineReader::fill`] completed.
    pub fn line(&self) -> Option<Line<'_>> {
        self.complete.then(|| Line {
            raw: self.buffer.get(..self.len).unwrap_or_default(),
            too_long: self.too_long,
        })
    }

    /// Whether octets of a line have come, and its end has not.
    pub const fn is_in_line(&self) -> bool {
        !self.complete && (self.len > 0 || self.cr || self.too_long)
    }

    /// Whether the line that is held, complete or not, is longer than the limit.
    pub const fn is_too_long(&self) -> bool {
        self.too_long
    }

    /// Takes octets among which there is no LF; a CR at their end is kept apart.
    fn append(&mut self, octets: &[u8]) {
        let Some((last, before)) = octets.split_last() else {
            return;
        };
        if self.cr {
            self.store(b"\r");
        }
        self.cr = *last == b'\r';
        self.store(if self.cr { before } else { octets });
    }

    fn store(&mut self, octets: &[u8]) {
        let free = self
            .buffer
            .get_mut(self.len..self.limit)
            .unwrap_or_default();
        self.too_long |= octets.len() > free.len();
        self.len += octets.len().min(free.len());
        for (to, from) in free.iter_mut().zip(octets) {
            *to = *from;
        }
    }
}

/// Without the octets, which may be a password.
impl fmt::Debug for LineReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineReader")
            .field("len", &self.len)
            .field("limit", &self.limit)
            .field("too_long", &self.too_long)
            .field("complete", &self.complete)
            .finish_non_exhaustive()
    }
}

/// Where the first CR, LF or NUL stands. For lines of a few words this takes less time than a call of memchr.
pub(crate) fn first_end(octets: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let is_end = |octet: &u8| matches!(octet, b'\r' | b'\n' | 0);
    let mut before = 0_usize;
    let mut rest = octets;
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        // The high bit of each octet below 14, and by a borrow perhaps of another behind such a one.
        let mut low = word.wrapping_sub(ONES * 14) & !word & (ONES * 128);
        while low != 0 {
            let place = (low.trailing_zeros() / 8) as usize;
            if eight.get(place).is_some_and(is_end) {
                return Some(before + place);
            }
            low &= low - 1;
        }
        before += 8;
        rest = behind;
    }
    Some(before + rest.iter().position(is_end)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::String;
    use std::vec::Vec;

    type Seen = (Vec<u8>, Result<(), LineError>);

    fn seen(line: Line<'_>) -> Seen {
        (line.raw().to_vec(), line.octets().map(|_| ()))
    }

    /// Lines read from chunks, and what is left open at the end.
    fn read(chunks: &[&[u8]], limit: usize, lf_line: bool, copy: bool) -> (Vec<Seen>, bool) {
        let mut buffer = [0; 16];
        let mut reader = LineReader::new(&mut buffer)
            .with_limit(limit)
            .with_lf_line(lf_line);
        let mut lines = Vec::new();
        for chunk in chunks {
            let mut input = *chunk;
            loop {
                if copy {
                    if !reader.fill(&mut input) {
                        break;
                    }
                    lines.push(seen(reader.line().unwrap()));
                } else {
                    let Some(line) = reader.read(&mut input) else {
                        break;
                    };
                    lines.push(seen(line));
                }
            }
            assert!(input.is_empty());
        }
        (lines, reader.is_in_line())
    }

    /// The same by another way: octet by octet over the whole stream.
    fn naive(stream: &[u8], limit: usize, lf_line: bool) -> (Vec<Seen>, bool) {
        let mut lines = Vec::new();
        let mut line: Vec<u8> = Vec::new();
        for &octet in stream {
            line.push(octet);
            let end = if line.ends_with(b"\r\n") {
                2
            } else if lf_line && octet == b'\n' {
                1
            } else {
                continue;
            };
            line.truncate(line.len() - end);
            let defect = line.iter().position(|octet| b"\r\n\0".contains(octet));
            let kind = match defect.map(|at| line[at]) {
                _ if line.len() > limit => Some((LineErrorKind::TooLong, limit)),
                Some(b'\r') => Some((LineErrorKind::BareCr, defect.unwrap())),
                Some(b'\n') => Some((LineErrorKind::BareLf, defect.unwrap())),
                Some(_) => Some((LineErrorKind::Nul, defect.unwrap())),
                None => None,
            };
            line.truncate(limit);
            let verdict = kind.map_or(Ok(()), |(kind, at)| Err(LineError::new(kind, at)));
            lines.push((core::mem::take(&mut line), verdict));
        }
        (lines, !line.is_empty())
    }

    #[test]
    fn known_lines() {
        use LineErrorKind::{BareCr, BareLf, Nul, TooLong};
        type Expected = (&'static [u8], Option<(LineErrorKind, usize)>);
        let table: &[(&[u8], bool, &[Expected])] = &[
            (b"\r\n\r\n", false, &[(b"", None), (b"", None)]),
            (b"12345678\r\n", false, &[(b"12345678", None)]),
            (
                b"123456789\r\nx\r\n",
                false,
                &[(b"12345678", Some((TooLong, 8))), (b"x", None)],
            ),
            (
                b"12345678\r\r\n",
                false,
                &[(b"12345678", Some((TooLong, 8)))],
            ),
            (b"a\r\r\n", false, &[(b"a\r", Some((BareCr, 1)))]),
            (b"\r\r\n", false, &[(b"\r", Some((BareCr, 0)))]),
            (b"a\rb\r\n", false, &[(b"a\rb", Some((BareCr, 1)))]),
            (b"a\nb\r\n", false, &[(b"a\nb", Some((BareLf, 1)))]),
            (b"\n\r\n", false, &[(b"\n", Some((BareLf, 0)))]),
            (b"a\0b\r\n", false, &[(b"a\0b", Some((Nul, 1)))]),
            (b"a\nb\r\n", true, &[(b"a", None), (b"b", None)]),
            (b"\n\r\n", true, &[(b"", None), (b"", None)]),
            (b"a\r\r\n", true, &[(b"a\r", Some((BareCr, 1)))]),
            // The tail of a line that is too long is no line, though a LF stands before it.
            (
                b"123456789\nMAIL\r\n",
                false,
                &[(b"12345678", Some((TooLong, 8)))],
            ),
            (b"abc", false, &[]),
            (b"abc\r", true, &[]),
        ];
        for (stream, lf_line, expected) in table {
            let expected: Vec<Seen> = expected
                .iter()
                .map(|(raw, defect)| {
                    let verdict = defect.map_or(Ok(()), |(kind, at)| Err(LineError::new(kind, at)));
                    (raw.to_vec(), verdict)
                })
                .collect();
            for copy in [false, true] {
                let (lines, _) = read(&[stream], 8, *lf_line, copy);
                assert_eq!(lines, expected, "{}", String::from_utf8_lossy(stream));
            }
            assert_eq!(naive(stream, 8, *lf_line).0, expected);
        }
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut buffer = [0; 4];
        let mut reader = LineReader::new(&mut buffer);
        for _ in 0..10_000 {
            let mut input = &b"\r\rxx\n\r"[..];
            assert!(reader.read(&mut input).is_none() && input.is_empty());
        }
        assert!(reader.is_too_long() && reader.is_in_line());
        let mut input = &b"\nRSET\r\n"[..];
        let line = reader.read(&mut input).unwrap();
        assert_eq!(
            line.octets(),
            Err(LineError::new(LineErrorKind::TooLong, 4))
        );
        assert_eq!(reader.read(&mut input).unwrap().octets(), Ok(&b"RSET"[..]));
        assert!(!reader.is_in_line() && !reader.is_too_long());
    }

    #[test]
    fn what_it_holds_is_not_shown() {
        let mut buffer = [0; 8];
        let mut reader = LineReader::new(&mut buffer);
        assert!(reader.fill(&mut &b"QUJD\r\n"[..]));
        let shown = std::format!("{reader:?}");
        assert!(shown.contains("len: 4") && !shown.contains("81"), "{shown}"); // Q
    }

    #[test]
    fn nothing_behind_the_end_is_taken() {
        let mut buffer = [0; 16];
        let mut reader = LineReader::new(&mut buffer);
        let mut input = &b"STARTTLS\r\n\x16\x03"[..];
        assert!(reader.fill(&mut input));
        assert_eq!(input, b"\x16\x03");
        assert_eq!(reader.line().unwrap().octets(), Ok(&b"STARTTLS"[..]));
        // Reading a line as a slice of the input forgets the one in the buffer.
        let mut input = &b"A\r\nB\r\n"[..];
        assert_eq!(reader.read(&mut input).unwrap().raw(), b"A");
        assert!(reader.line().is_none());
    }

    #[test]
    fn a_buffer_of_nothing_reads_empty_lines() {
        let mut reader = LineReader::new(&mut []);
        let mut input = &b"\r\nx\r\n\r\n"[..];
        assert!(reader.read(&mut input).unwrap().octets().is_ok());
        assert!(reader.read(&mut input).unwrap().octets().is_err());
        assert!(reader.read(&mut input).unwrap().octets().is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn every_cut_gives_the_lines_of_the_naive_reader(
            stream in prop::collection::vec(prop::sample::select(b"\r\n\0ab\r\n".to_vec()), 0..40),
            cuts in prop::collection::vec(0usize..40, 0..6),
            limit in 0usize..6,
            lf_line: bool,
            copy: bool,
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
            let expected = naive(&stream, limit, lf_line);
            prop_assert_eq!(read(&chunks, limit, lf_line, copy), expected.clone());
            let octets: Vec<&[u8]> = stream.chunks(1).collect();
            prop_assert_eq!(read(&octets, limit, lf_line, copy), expected);
        }
    }
}
