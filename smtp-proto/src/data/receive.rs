//! What was received: [`Unstuffer`] after DATA, [`Checker`] for BDAT.

use super::scan::{Found, LineLength, Look, scan};
use super::{BareLineEnd, CR, CRLF, LF, LineEndOctet, LineEnds, advance, octets};

/// What [`Unstuffer::read`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Piece<'i> {
    /// The next octets of the content, at least one.
    Content(&'i [u8]),
    /// The terminator was read; the input stands behind it.
    End,
    /// All of the input was read.
    More,
}

/// Takes the dots out of what follows DATA, and finds its end (RFC 5321 4.1.1.4, 4.5.2).
///
/// ```
/// use scop_smtp_proto::data::{LineEnds, Piece, Unstuffer};
///
/// let mut unstuffer = Unstuffer::new(LineEnds::Refuse);
/// let mut input: &[u8] = b"smuggled\n.\r\nMAIL FROM:<>\r\n.\r\n";
/// assert_eq!(unstuffer.read(&mut input), Piece::Content(b"smuggled"));
/// assert_eq!(unstuffer.read(&mut input), Piece::End);
/// assert_eq!(unstuffer.bare_line_end().map(|bare| bare.offset), Some(8));
/// ```
#[derive(Clone, Debug)]
pub struct Unstuffer(Receiver);

impl Unstuffer {
    /// One for a message of which nothing was read.
    pub const fn new(line_ends: LineEnds) -> Self {
        Self(Receiver::new(line_ends, true))
    }

    /// Reads up to the end of the input or of a piece of content, and takes what it read from `input`.
    ///
    /// What it gives is a slice of the input, or CR or CRLF of which the first octet came with an input
    /// before. After [`Piece::End`] it takes nothing.
    pub fn read<'i>(&mut self, input: &mut &'i [u8]) -> Piece<'i> {
        self.0.read(input)
    }

    /// Whether the terminator was read.
    pub const fn is_ended(&self) -> bool {
        matches!(self.0.state, State::End)
    }

    /// The octets of content that were given.
    pub const fn octets(&self) -> u64 {
        self.0.given
    }

    /// The first bare line end, unless they are kept. A CR at the end of the input is none yet.
    pub const fn bare_line_end(&self) -> Option<BareLineEnd> {
        self.0.bare
    }

    /// The longest line of the content with its line end, when it is longer than
    /// [`MAX_TEXT_LINE`](super::MAX_TEXT_LINE). Lines end at LF here.
    pub fn long_line(&self) -> Option<u64> {
        self.0.lines.longest()
    }
}

/// Looks for bare line ends in the content that BDAT carries, when it is not binary (RFC 3030 2, 3).
///
/// ```
/// use scop_smtp_proto::data::{Checker, LineEnds};
///
/// let mut checker = Checker::new(LineEnds::Normalise);
/// let mut input: &[u8] = b"one\ntwo\r\n.\r\n";
/// let mut content = Vec::new();
/// while !input.is_empty() {
///     content.extend_from_slice(checker.read(&mut input));
/// }
/// content.extend_from_slice(checker.finish());
/// assert_eq!(content, b"one\r\ntwo\r\n.\r\n");
/// assert_eq!(checker.bare_line_end().map(|bare| bare.offset), Some(3));
/// ```
#[derive(Clone, Debug)]
pub struct Checker(Receiver);

impl Checker {
    /// One for a message of which nothing was read.
    pub const fn new(line_ends: LineEnds) -> Self {
        Self(Receiver::new(line_ends, false))
    }

    /// Reads up to the end of the input or of a piece of content, and takes what it read from `input`.
    /// What it gives is empty when there is none, and all of the input was read then.
    pub fn read<'i>(&mut self, input: &mut &'i [u8]) -> &'i [u8] {
        match self.0.read(input) {
            Piece::Content(content) => content,
            Piece::End | Piece::More => &[],
        }
    }

    /// Ends the message: what is still to be given, when its last octet was CR.
    pub fn finish(&mut self) -> &'static [u8] {
        self.0.finish()
    }

    /// The octets of content that were given.
    pub const fn octets(&self) -> u64 {
        self.0.given
    }

    /// The first bare line end, unless they are kept. A CR at the end of the input is none before
    /// [`Checker::finish`].
    pub const fn bare_line_end(&self) -> Option<BareLineEnd> {
        self.0.bare
    }

    /// The longest line of the content with its line end, when it is longer than
    /// [`MAX_TEXT_LINE`](super::MAX_TEXT_LINE). Lines end at LF here.
    pub fn long_line(&self) -> Option<u64> {
        self.0.lines.longest()
    }
}

/// What the two have in common.
#[derive(Clone, Debug)]
struct Receiver {
    line_ends: LineEnds,
    dots: bool,
    state: State,
    bare: Option<BareLineEnd>,
    read: u64,
    given: u64,
    lines: LineLength,
}

/// What stands before the next octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// CRLF, or nothing.
    Start,
    /// Text, or a bare line end.
    Middle,
    /// CR, which was not given yet.
    Cr,
    /// A dot that began a line, and is not given.
    Dot,
    /// Such a dot, and CR, which was not given yet.
    DotCr,
    /// The terminator.
    End,
}

impl Receiver {
    const fn new(line_ends: LineEnds, dots: bool) -> Self {
        Self {
            line_ends,
            dots,
            state: State::Start,
            bare: None,
            read: 0,
            given: 0,
            lines: LineLength::NONE,
        }
    }

    fn read<'i>(&mut self, input: &mut &'i [u8]) -> Piece<'i> {
        loop {
            let refused = self.line_ends == LineEnds::Refuse && self.bare.is_some();
            let (taken, state, content): (usize, State, &'i [u8]) = match (self.state, *input) {
                (State::End, _) => return Piece::End,
                (_, []) => return Piece::More,
                (State::Start, [b'.', ..]) if self.dots => (1, State::Dot, b""),
                (State::Dot, [CR, LF, ..]) => (2, State::End, b""),
                (State::Dot, [CR]) => (1, State::DotCr, b""),
                (State::Start | State::Dot, _) => (0, State::Middle, b""),
                (State::DotCr, [LF, ..]) => (1, State::End, b""),
                (State::Cr, [LF, ..]) => (1, State::Start, CRLF),
                (State::Cr | State::DotCr, _) => (0, State::Middle, self.held_cr()),
                (State::Middle, window) => self.read_text(window),
            };
            advance(input, taken);
            self.read = self.read.saturating_add(octets(taken));
            self.state = state;
            if !content.is_empty() && !refused {
                self.given = self.given.saturating_add(octets(content.len()));
                self.lines.put(content);
                return Piece::Content(content);
            }
        }
    }

    /// Reads within a line: how many octets it takes, what stands before the next, and the content.
    fn read_text<'i>(&mut self, window: &'i [u8]) -> (usize, State, &'i [u8]) {
        let look = Look {
            dots: self.dots,
            bare: match self.line_ends {
                LineEnds::Refuse => self.bare.is_none(),
                LineEnds::Keep => false,
                LineEnds::Normalise => true,
            },
        };
        let (len, found) = scan(window, look);
        let content = window.get(..len).unwrap_or_default();
        match found {
            Found::Middle => (len, State::Middle, content),
            Found::Start | Found::Dot => (len, State::Start, content),
            Found::LastCr => (len.saturating_add(1), State::Cr, content),
            Found::Bare => {
                let octet = match window.get(len) {
                    Some(&CR) => LineEndOctet::Cr,
                    _ => LineEndOctet::Lf,
                };
                self.note(octet, self.read.saturating_add(octets(len)));
                match self.line_ends {
                    LineEnds::Normalise if len == 0 => (1, State::Middle, CRLF),
                    _ => (len, State::Middle, content),
                }
            }
        }
    }

    /// The CR that was held back turned out to be bare: what it is in the content.
    fn held_cr(&mut self) -> &'static [u8] {
        if self.line_ends == LineEnds::Keep {
            return b"\r";
        }
        self.note(LineEndOctet::Cr, self.read.saturating_sub(1));
        match self.line_ends {
            LineEnds::Normalise => CRLF,
            LineEnds::Refuse | LineEnds::Keep => b"",
        }
    }

    fn note(&mut self, octet: LineEndOctet, offset: u64) {
        self.bare.get_or_insert(BareLineEnd { octet, offset });
    }

    fn finish(&mut self) -> &'static [u8] {
        if self.state != State::Cr {
            return &[];
        }
        self.state = State::Middle;
        let content = self.held_cr();
        self.given = self.given.saturating_add(octets(content.len()));
        self.lines.put(content);
        content
    }
}
