//! What is sent after DATA: [`Stuffer`], and [`StuffSink`] around it.

use core::fmt;

use memchr::memchr;
use scop_core::{Full, Sink};

use super::scan::{Found, LineLength, Look, scan};
use super::{BareLineEnd, CR, CRLF, LF, LineEndOctet, advance, octets};

/// Puts dots into the content of a message, and ends it (RFC 5321 4.5.2).
///
/// It never sends CR without LF or LF without CR (RFC 5321 2.3.8). Other octets are sent as they are, NUL
/// and those beyond ASCII too; whether they may be is a question of BODY (RFC 6152, RFC 3030).
#[derive(Clone, Debug)]
pub struct Stuffer {
    normalise: bool,
    state: State,
    read: u64,
    nul: bool,
    lines: LineLength,
}

/// What stands before the next octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// CRLF, or nothing.
    Start,
    /// Text.
    Middle,
    /// CR, which was not given yet.
    Cr,
    /// A bare line end: nothing more is sent.
    Failed(BareLineEnd),
}

impl Stuffer {
    /// One to which bare line ends are an error.
    pub const fn new() -> Self {
        Self {
            normalise: false,
            state: State::Start,
            read: 0,
            nul: false,
            lines: LineLength::NONE,
        }
    }

    /// One that sends CRLF for each bare CR and each bare LF.
    pub const fn normalising() -> Self {
        Self {
            normalise: true,
            ..Self::new()
        }
    }

    /// What is to be sent next, and takes what it read from `input`. Empty when there is nothing, and all
    /// of the input was read then.
    ///
    /// What it gives is a slice of the input, a dot, or CRLF of which an octet came before or is put in.
    ///
    /// # Errors
    /// At a bare line end, unless it normalises, and from then on always. The octets before it were given.
    /// The message cannot be ended then; the connection is to be closed without the terminator, so that
    /// the server drops what it has (RFC 5321 4.1.1.4).
    pub fn stuff<'i>(&mut self, input: &mut &'i [u8]) -> Result<&'i [u8], BareLineEnd> {
        loop {
            let (taken, state, piece): (usize, State, &'i [u8]) = match (self.state, *input) {
                (State::Failed(bare), _) => return Err(bare),
                (_, []) => return Ok(&[]),
                (State::Start, [b'.', ..]) => (0, State::Middle, b"."),
                (State::Start, _) => (0, State::Middle, b""),
                (State::Cr, [LF, ..]) => (1, State::Start, self.line_end()),
                (State::Cr, _) => {
                    self.refuse(LineEndOctet::Cr, self.read.saturating_sub(1))?;
                    (0, State::Start, self.line_end())
                }
                (State::Middle, window) => self.stuff_text(window)?,
            };
            advance(input, taken);
            self.read = self.read.saturating_add(octets(taken));
            self.state = state;
            if !piece.is_empty() {
                return Ok(piece);
            }
        }
    }

    /// Ends the message: gives the terminator, and is ready for the next message.
    ///
    /// A last line without line end gets one: SMTP cannot carry a message that does not end with CRLF,
    /// unless it is empty.
    ///
    /// # Errors
    /// At a bare line end, as [`Stuffer::stuff`]; the last octet may be one.
    pub fn finish(&mut self) -> Result<&'static [u8], BareLineEnd> {
        let terminator: &[u8] = match self.state {
            State::Failed(bare) => return Err(bare),
            State::Start => b".\r\n",
            State::Middle => b"\r\n.\r\n",
            State::Cr => {
                self.refuse(LineEndOctet::Cr, self.read.saturating_sub(1))?;
                b"\r\n.\r\n"
            }
        };
        *self = Self {
            normalise: self.normalise,
            ..Self::new()
        };
        Ok(terminator)
    }

    /// Whether a NUL was among the octets, which a server may refuse or take away (RFC 5321 2.3.8,
    /// RFC 6152 3 forbid it).
    pub const fn has_nul(&self) -> bool {
        self.nul
    }

    /// The longest line of this message so far with its line end, when it is longer than
    /// [`MAX_TEXT_LINE`](super::MAX_TEXT_LINE).
    pub fn long_line(&self) -> Option<u64> {
        self.lines.longest()
    }

    /// Goes on within a line: how many octets it takes, what stands before the next, and what to send.
    fn stuff_text<'i>(
        &mut self,
        window: &'i [u8],
    ) -> Result<(usize, State, &'i [u8]), BareLineEnd> {
        let look = Look {
            dots: true,
            bare: true,
        };
        let (len, found) = scan(window, look);
        let text = window.get(..len).unwrap_or_default();
        self.nul |= memchr(0, text).is_some();
        self.lines.put(text);
        Ok(match found {
            Found::Middle => (len, State::Middle, text),
            Found::Start | Found::Dot => (len, State::Start, text),
            Found::LastCr => (len.saturating_add(1), State::Cr, text),
            Found::Bare if len > 0 => (len, State::Middle, text),
            Found::Bare => {
                let octet = match window.first() {
                    Some(&CR) => LineEndOctet::Cr,
                    _ => LineEndOctet::Lf,
                };
                self.refuse(octet, self.read)?;
                (1, State::Start, self.line_end())
            }
        })
    }

    /// CRLF of its own.
    fn line_end(&mut self) -> &'static [u8] {
        self.lines.put(CRLF);
        CRLF
    }

    /// A bare line end was seen.
    fn refuse(&mut self, octet: LineEndOctet, offset: u64) -> Result<(), BareLineEnd> {
        if self.normalise {
            return Ok(());
        }
        let bare = BareLineEnd { octet, offset };
        self.state = State::Failed(bare);
        Err(bare)
    }
}

impl Default for Stuffer {
    fn default() -> Self {
        Self::new()
    }
}

/// Puts dots into what is written to it, on its way into another sink.
///
/// ```
/// use scop_core::{Sink, SliceSink};
/// use scop_smtp_proto::data::{StuffSink, Stuffer};
///
/// let mut buffer = [0; 32];
/// let mut sink = StuffSink::new(SliceSink::new(&mut buffer), Stuffer::normalising());
/// sink.put(b"one\n.tw")?;
/// sink.put(b"o")?;
/// assert_eq!(sink.finish()?.written(), b"one\r\n..two\r\n.\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct StuffSink<S> {
    sink: S,
    stuffer: Stuffer,
    full: bool,
}

impl<S: Sink> StuffSink<S> {
    /// A sink before `sink`.
    pub const fn new(sink: S, stuffer: Stuffer) -> Self {
        Self {
            sink,
            stuffer,
            full: false,
        }
    }

    /// What puts the dots in.
    pub const fn stuffer(&self) -> &Stuffer {
        &self.stuffer
    }

    /// Writes the terminator, and gives the sink back.
    ///
    /// # Errors
    /// The first error; the output is void then.
    pub fn finish(mut self) -> Result<S, StuffError> {
        if self.full {
            return Err(StuffError::Full);
        }
        let terminator = self.stuffer.finish().map_err(StuffError::BareLineEnd)?;
        self.sink.put(terminator).map_err(|Full| StuffError::Full)?;
        Ok(self.sink)
    }
}

/// `Full` also at a bare line end; [`StuffSink::finish`] says which.
impl<S: Sink> Sink for StuffSink<S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let mut input = bytes;
        while !input.is_empty() && !self.full {
            let piece = self.stuffer.stuff(&mut input).map_err(|_| Full)?;
            self.full = self.sink.put(piece).is_err();
        }
        if self.full { Err(Full) } else { Ok(()) }
    }
}

/// Why a [`StuffSink`] could not write a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StuffError {
    /// The sink behind it is full.
    Full,
    /// The content has CR without LF, or LF without CR.
    BareLineEnd(BareLineEnd),
}

impl fmt::Display for StuffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => fmt::Display::fmt(&Full, f),
            Self::BareLineEnd(bare) => fmt::Display::fmt(bare, f),
        }
    }
}

impl core::error::Error for StuffError {}
