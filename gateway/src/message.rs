//! A message from a file or standard input: the header block in memory, the body in chunks, line ends as CRLF.
//!
//! DKIM signs the form that travels over SMTP, where every line ends with CRLF (RFC 6376 5.3), while files
//! on disk mostly end lines with LF. The first line end decides: after LF every bare LF becomes CRLF;
//! after CRLF nothing is touched, because a bare LF there is a byte that the signer may have seen.
//! What was done is kept in [`LineEnds`], to be told to the user.

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use scop_mime_core::{HeaderBlock, HeaderEnd, find_header_end};

use serde::Serialize;

use crate::error::Error;
use crate::terminal::say;

/// The longest header block that is read, in octets of its CRLF form. A header has no limit of its own in
/// RFC 5322; without one a file of header lines would be held in memory whole.
pub(crate) const MAX_HEADER: usize = 1 << 20;

/// How the line begins that separates the messages of an mbox file.
///
/// `From : a@b.example` begins so too, and is a field (RFC 5322 4.5): some programs show it as the author.
const MBOX_LINE: &[u8] = b"From ";

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// Where a message comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Stdin,
    File(PathBuf),
}

impl Source {
    /// `-` is standard input, as is no argument.
    pub(crate) fn from_argument(file: Option<&Path>) -> Self {
        match file {
            Some(path) if path.as_os_str() != "-" => Self::File(path.to_owned()),
            _ => Self::Stdin,
        }
    }

    /// Standard input, with a word to a person who may not know that the program waits for it.
    pub(crate) fn stdin() -> io::StdinLock<'static> {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            say("reading the message from standard input");
        }
        stdin.lock()
    }

    /// Opens a file; a folder is refused by name, because reading it fails with less clear words.
    pub(crate) fn open_file(path: &Path) -> Result<File, Error> {
        let place = path.display();
        let file = File::open(path).map_err(|error| Error::new(&place, reason(&error)))?;
        match file.metadata() {
            Ok(metadata) if metadata.is_dir() => Err(Error::new(&place, "is a folder, not a file")),
            _ => Ok(file),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// An error of the system without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    let mut text = text.get(..end).unwrap_or_default().to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    text
}

/// How the lines of a message ended, and so what was done to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub(crate) enum LineEnds {
    /// There is no line end.
    None,
    /// All are CRLF: the bytes are checked as they are.
    Crlf,
    /// The first was CRLF, some are bare LF; all were kept. `first` is the byte of the first bare LF.
    CrlfWithBareLf { count: u64, first: u64 },
    /// All were LF, and became CRLF.
    Lf,
    /// The first was LF, some were CRLF; the bare ones became CRLF.
    LfWithCrlf { crlf: u64 },
}

impl fmt::Display for LineEnds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("there were no line ends"),
            Self::Crlf => f.write_str("line ends were CRLF"),
            Self::CrlfWithBareLf { count, first } => write!(
                f,
                "line ends were CRLF, and {count} bare LF (the first at byte {first}) stayed as they are"
            ),
            Self::Lf => f.write_str("line ends were LF; checked as CRLF"),
            Self::LfWithCrlf { crlf } => write!(
                f,
                "line ends were LF, with {crlf} CRLF among them; all checked as CRLF"
            ),
        }
    }
}

/// Turns the bytes of a file into the form that travels: the state between two chunks.
#[derive(Debug, Default)]
pub(crate) struct LineEndConverter {
    /// Whether the first line end was a bare LF; unknown before it.
    converts: Option<bool>,
    after_cr: bool,
    bare_lf: u64,
    first_bare_lf: u64,
    crlf: u64,
    /// The first CR that is not part of a line end.
    bare_cr: Option<u64>,
    taken: u64,
}

impl LineEndConverter {
    /// Appends `chunk` in CRLF form to `out`; each position in the file before which a CR was put goes to `inserted`.
    pub(crate) fn convert(
        &mut self,
        chunk: &[u8],
        out: &mut Vec<u8>,
        mut inserted: impl FnMut(u64),
    ) {
        for piece in chunk.split_inclusive(|&byte| byte == b'\n') {
            let (line, ended) = match piece.split_last() {
                Some((b'\n', line)) => (line, true),
                _ => (piece, false),
            };
            if self.bare_cr.is_none() {
                self.bare_cr = self.find_bare_cr(line);
            }
            out.extend_from_slice(line);
            self.taken += line.len() as u64;
            self.after_cr = line.last().map_or(self.after_cr, |&byte| byte == b'\r');
            if !ended {
                continue;
            }
            if self.after_cr {
                self.crlf += 1;
            } else {
                if self.bare_lf == 0 {
                    self.first_bare_lf = self.taken;
                }
                self.bare_lf += 1;
            }
            if *self.converts.get_or_insert(!self.after_cr) && !self.after_cr {
                inserted(self.taken);
                out.push(b'\r');
            }
            out.push(b'\n');
            self.taken += 1;
            self.after_cr = false;
        }
    }

    /// What was seen so far.
    pub(crate) fn line_ends(&self) -> LineEnds {
        match (self.converts, self.bare_lf, self.crlf) {
            (None, ..) => LineEnds::None,
            (Some(false), 0, _) => LineEnds::Crlf,
            (Some(false), count, _) => LineEnds::CrlfWithBareLf {
                count,
                first: self.first_bare_lf,
            },
            (Some(true), _, 0) => LineEnds::Lf,
            (Some(true), _, crlf) => LineEnds::LfWithCrlf { crlf },
        }
    }

    /// The byte of the first LF or CR alone that stays as it is.
    pub(crate) fn bare(&self) -> Option<u64> {
        let bare_lf = match self.line_ends() {
            LineEnds::CrlfWithBareLf { first, .. } => Some(first),
            _ => None,
        };
        [bare_lf, self.bare_cr].into_iter().flatten().min()
    }

    /// A CR before or in `line`, which has no LF, that something other than an LF follows.
    fn find_bare_cr(&self, line: &[u8]) -> Option<u64> {
        if self.after_cr && !line.is_empty() {
            return self.taken.checked_sub(1);
        }
        let (_, before_last) = line.split_last()?;
        let at = before_last.iter().position(|&byte| byte == b'\r')?;
        Some(self.taken + at as u64)
    }

    /// How many bytes of the file were taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }
}

/// A place in the header as the user's editor counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// From 1.
    pub(crate) line: u64,
    /// From 0, in the file as it is.
    pub(crate) byte: u64,
}

/// Reads one message.
pub(crate) struct MessageReader<R> {
    source: Source,
    reader: R,
    converter: LineEndConverter,
    /// What was read ahead of the header, or the current chunk.
    body: Vec<u8>,
    /// Whether `body` was handed out.
    handed_out: bool,
    chunk: Vec<u8>,
}

/// The header block of a message.
#[derive(Debug)]
pub(crate) struct Header {
    bytes: Vec<u8>,
    /// Where in `bytes` a CR was put in.
    inserted: Vec<usize>,
    /// Where in `bytes` each line but the first starts.
    lines: Vec<usize>,
    /// Where in `bytes` the first field starts: behind the line that mbox files put before a message.
    start: usize,
}

impl Header {
    /// `positions` are those in the file of the LFs that got a CR.
    fn new(bytes: Vec<u8>, positions: &[u64]) -> Self {
        let inserted = (0..)
            .zip(positions)
            .filter_map(|(before, &position)| Some(usize::try_from(position).ok()? + before))
            .collect();
        let lines: Vec<usize> = (1..)
            .zip(&bytes)
            .filter(|&(_, &byte)| byte == b'\n')
            .map(|(next, _)| next)
            .collect();
        let first = HeaderBlock::new(&bytes).fields().next();
        let is_mbox = bytes.starts_with(MBOX_LINE) && first.is_some_and(|it| it.is_malformed());
        let start = lines.first().filter(|_| is_mbox).copied();
        Self {
            bytes,
            inserted,
            lines,
            start: start.unwrap_or_default(),
        }
    }

    /// Whether the file begins with the line that mbox files put before a message (RFC 4155).
    pub(crate) fn is_from_mbox(&self) -> bool {
        self.start > 0
    }

    /// The fields, in CRLF form where the file had LF.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Where a byte of the block is in the file.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let offset = offset + self.start;
        let before = self.inserted.partition_point(|&at| at < offset);
        let line = self.lines.partition_point(|&start| start <= offset);
        Place {
            line: line as u64 + 1,
            byte: (offset - before) as u64,
        }
    }
}

impl<R: Read> MessageReader<R> {
    /// Reads the header block of `reader`, and perhaps some of the body.
    ///
    /// # Errors
    /// When nothing is there, no field is there, the header is too long, or reading fails.
    pub(crate) fn new(source: Source, reader: R) -> Result<(Self, Header), Error> {
        let mut this = Self {
            source,
            reader,
            converter: LineEndConverter::default(),
            body: Vec::new(),
            handed_out: true,
            chunk: vec![0; CHUNK],
        };
        let header = this.read_header()?;
        Ok((this, header))
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// When reading fails.
    pub(crate) fn body_chunk(&mut self) -> Result<Option<&[u8]>, Error> {
        if std::mem::replace(&mut self.handed_out, true) {
            self.body.clear();
            while self.body.is_empty() {
                let chunk = read_chunk(&mut self.reader, &mut self.chunk)
                    .map_err(|error| Error::new(&self.source, reason(&error)))?;
                if chunk.is_empty() {
                    return Ok(None);
                }
                self.converter.convert(chunk, &mut self.body, |_| ());
            }
        }
        Ok(Some(&self.body))
    }

    /// What was seen so far; whole after the last chunk.
    pub(crate) fn line_ends(&self) -> LineEnds {
        self.converter.line_ends()
    }

    /// The byte of the first CR or LF alone that was left as it is.
    pub(crate) fn bare(&self) -> Option<u64> {
        self.converter.bare()
    }

    /// How many bytes of the file were read so far; its length after the last chunk.
    pub(crate) fn len(&self) -> u64 {
        self.converter.taken()
    }

    fn read_header(&mut self) -> Result<Header, Error> {
        let mut bytes = Vec::new();
        let mut inserted = Vec::new();
        let mut resume = 0;
        let end = loop {
            let chunk = read_chunk(&mut self.reader, &mut self.chunk)
                .map_err(|error| Error::new(&self.source, reason(&error)))?;
            if chunk.is_empty() {
                break None;
            }
            self.converter
                .convert(chunk, &mut bytes, |position| inserted.push(position));
            match find_header_end(&bytes, resume) {
                HeaderEnd::Found {
                    header_len,
                    body_start,
                } => break Some((header_len, body_start)),
                HeaderEnd::NotYet { resume: next } => resume = next,
            }
            if bytes.len() > MAX_HEADER {
                break None;
            }
        };
        if let Some((header_len, body_start)) = end {
            self.body = bytes.split_off(body_start);
            self.handed_out = self.body.is_empty();
            bytes.truncate(header_len);
        }
        let header = Header::new(bytes, &inserted);
        self.check_header(&header)?;
        Ok(header)
    }

    fn check_header(&self, header: &Header) -> Result<(), Error> {
        if self.len() == 0 {
            let rule = "is empty: a message starts with a header field (RFC 5322 3.5)";
            return Err(Error::new(&self.source, rule));
        }
        // A file that is no mail may hold anything, so little of it is looked at.
        let bytes = header.as_bytes();
        let head = bytes.get(..MAX_HEADER).unwrap_or(bytes);
        let is_mail = HeaderBlock::new(head)
            .fields()
            .any(|field| !field.is_malformed());
        if !is_mail {
            let rule = "no header field, a name and a colon, stands before the first empty line (RFC 5322 2.2): this is no message";
            return Err(Error::at(&self.source, 0, rule));
        }
        if header.bytes.len() > MAX_HEADER {
            let rule = format!("the header goes on after {MAX_HEADER} bytes, the limit");
            return Err(Error::at(&self.source, MAX_HEADER as u64, rule));
        }
        Ok(())
    }
}

/// What `reader` has next, in `chunk`; empty at its end.
fn read_chunk<'c>(reader: &mut impl Read, chunk: &'c mut [u8]) -> io::Result<&'c [u8]> {
    loop {
        match reader.read(chunk) {
            Ok(count) => return Ok(chunk.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives `step` bytes at most with each read.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn read(input: &[u8], step: usize) -> Result<(Header, Vec<u8>, LineEnds), String> {
        let (mut reader, header) = MessageReader::new(Source::Stdin, Slow(input, step))
            .map_err(|error| error.to_string())?;
        let mut body = Vec::new();
        while let Some(chunk) = reader.body_chunk().unwrap() {
            assert!(!chunk.is_empty());
            body.extend_from_slice(chunk);
        }
        assert_eq!(reader.len(), input.len() as u64);
        Ok((header, body, reader.line_ends()))
    }

    #[test]
    fn line_ends_at_every_split() {
        let first = |count, first| LineEnds::CrlfWithBareLf { count, first };
        for (input, header, body, ends) in [
            (
                &b"A: b\nC: d\n\nx\n\ny"[..],
                "A: b\r\nC: d\r\n",
                "x\r\n\r\ny",
                LineEnds::Lf,
            ),
            (
                b"A: b\r\nC: d\r\n\r\nx\r\n",
                "A: b\r\nC: d\r\n",
                "x\r\n",
                LineEnds::Crlf,
            ),
            (b"A: b\r\n\r\nx\ny\r\n", "A: b\r\n", "x\ny\r\n", first(1, 9)),
            (b"A: b\r\nC: d\n\nx", "A: b\r\nC: d\n", "x", first(2, 10)),
            (
                b"A: b\n\r\nx\r\ny\n",
                "A: b\r\n",
                "x\r\ny\r\n",
                LineEnds::LfWithCrlf { crlf: 2 },
            ),
            (b"A: b\n", "A: b\r\n", "", LineEnds::Lf),
            (b"A: b", "A: b", "", LineEnds::None),
            (
                b"A: b\rc\n\n\r\r\n",
                "A: b\rc\r\n",
                "\r\r\n",
                LineEnds::LfWithCrlf { crlf: 1 },
            ),
        ] {
            for step in 1..=input.len() {
                let (found, rest, seen) = read(input, step).unwrap();
                assert_eq!(found.as_bytes(), header.as_bytes(), "{input:?} by {step}");
                assert_eq!(rest, body.as_bytes(), "{input:?} by {step}");
                assert_eq!(seen, ends, "{input:?} by {step}");
            }
        }
    }

    #[test]
    fn places_are_those_of_the_file() {
        let (header, ..) = read(b"A: b\nC: d\n e\nF: g\n\n", 3).unwrap();
        let text = std::str::from_utf8(header.as_bytes()).unwrap();
        for (what, line, byte) in [("A", 1, 0), ("C", 2, 5), (" e", 3, 10), ("F", 4, 13)] {
            let place = header.place(text.find(what).unwrap());
            assert_eq!(place, Place { line, byte }, "{what}");
        }
        let (header, ..) = read(b"A: b\r\nC: d\r\n\r\n", 3).unwrap();
        assert_eq!(header.place(6), Place { line: 2, byte: 6 });
    }

    #[test]
    fn the_line_of_an_mbox_file_is_passed_over() {
        for line_end in ["\n", "\r\n"] {
            let input =
                "From a@b.example Sun Nov  2 06:00:00 2025|A: b|C: d||x".replace('|', line_end);
            let (header, body, _) = read(input.as_bytes(), 5).unwrap();
            assert!(header.is_from_mbox());
            assert_eq!(header.as_bytes(), b"A: b\r\nC: d\r\n");
            assert_eq!(body, b"x");
            let byte = input.find("C: d").unwrap() as u64;
            assert_eq!(header.place(6), Place { line: 3, byte });
        }
        for field in [&b"From: a\n\n"[..], b"From : a\n\n", b"From \t:\n\n"] {
            assert!(!read(field, 5).unwrap().0.is_from_mbox());
        }
        assert!(read(b"From a@b.example\n\n", 5).is_err());
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let long = b"A: b\n".repeat(MAX_HEADER / 5);
        for (input, words) in [
            (&b""[..], "is empty"),
            (b"\n", "byte 0: no header field"),
            (b"\x00\xff\xfe junk", "byte 0: no header field"),
            (b"\r\nA: b\r\n", "byte 0: no header field"),
            (&b"junk".repeat(MAX_HEADER), "byte 0: no header field"),
            (&long, "byte 1048576: the header goes on"),
        ] {
            let error = read(input, CHUNK).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
