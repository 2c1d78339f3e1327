//! The content of a message on its way: dots, line ends and the terminator (RFC 5321 4.1.1.4, 4.5.2;
//! RFC 3030 for BDAT).
//!
//! After DATA the content ends at `CRLF "." CRLF` and nowhere else, whatever stands for a line end in other
//! places: what two programs read differently here lets one message become two ("SMTP smuggling").
//! [`Unstuffer`] reads what was received, [`Checker`] does the same for the octets of BDAT, where there are no
//! dots, and [`Stuffer`] writes what is sent, or [`StuffSink`] into a sink.
//!
//! Nothing is copied: all three give slices of the input, and a few octets of their own where one chunk ended
//! amid CRLF or a dot has to be put in. However the input is cut into chunks, the octets given are the same.
//! None of this panics on any input; each octet is looked at a bounded number of times.
//!
//! What becomes of a CR without LF or an LF without CR, which RFC 5321 2.3.8 forbids, is said by [`LineEnds`]
//! on receiving. On sending they are an error or are mended: a [`Stuffer`] cannot send one.
//!
//! ```
//! use scop_smtp_proto::data::{LineEnds, Piece, Stuffer, Unstuffer};
//!
//! let mut wire = Vec::new();
//! let mut stuffer = Stuffer::new();
//! let mut input: &[u8] = b"one\r\n.two\r\n";
//! while !input.is_empty() {
//!     wire.extend_from_slice(stuffer.stuff(&mut input)?);
//! }
//! wire.extend_from_slice(stuffer.finish()?);
//! assert_eq!(wire, b"one\r\n..two\r\n.\r\n");
//!
//! wire.extend_from_slice(b"QUIT\r\n");
//! let mut unstuffer = Unstuffer::new(LineEnds::Refuse);
//! let mut content = Vec::new();
//! let mut input = wire.as_slice();
//! while let Piece::Content(piece) = unstuffer.read(&mut input) {
//!     content.extend_from_slice(piece);
//! }
//! assert!(unstuffer.is_ended());
//! assert_eq!(content, b"one\r\n.two\r\n");
//! assert_eq!(unstuffer.bare_line_end(), None);
//! assert_eq!(input, b"QUIT\r\n");
//! # Ok::<(), scop_smtp_proto::data::BareLineEnd>(())
//! ```

mod receive;
mod scan;
mod send;
#[cfg(test)]
mod tests;

use core::fmt;

pub use receive::{Checker, Piece, Unstuffer};
pub use send::{StuffError, StuffSink, Stuffer};

/// The longest line of text, with its CRLF and without a dot that was put in (RFC 5321 4.5.3.1.6).
pub const MAX_TEXT_LINE: u64 = 1000;

/// What a receiver makes of a CR without LF and of an LF without CR.
///
/// Under each of them the content ends only at `CRLF "." CRLF`, and a dot is taken away only behind CRLF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LineEnds {
    /// The default. The message is not to be accepted: the first one is noted, from there on no content is given, and
    /// reading goes on to the terminator (RFC 5321 2.3.8, 4.1.1.4).
    #[default]
    Refuse,
    /// They are octets like any other, and are not looked for.
    Keep,
    /// Each becomes CRLF in the content. The first one is noted.
    ///
    /// A dot behind such a line end stays, and `LF "." LF` does not end the content: a sender that follows
    /// the RFC puts dots in behind CRLF only, and would lose one; and where the content ends must not depend
    /// on this choice.
    Normalise,
}

/// A CR without LF, or an LF without CR (RFC 5321 2.3.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BareLineEnd {
    /// Which of the two.
    pub octet: LineEndOctet,
    /// How many octets stand before it in what was read, put-in dots included.
    pub offset: u64,
}

/// One half of a line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineEndOctet {
    /// Octet 13.
    Cr,
    /// Octet 10.
    Lf,
}

impl fmt::Display for BareLineEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = match self.octet {
            LineEndOctet::Cr => "CR without LF",
            LineEndOctet::Lf => "LF without CR",
        };
        write!(f, "{which} (RFC 5321 2.3.8) at octet {}", self.offset)
    }
}

impl core::error::Error for BareLineEnd {}

const CR: u8 = b'\r';
const LF: u8 = b'\n';
const CRLF: &[u8] = b"\r\n";

/// Takes `count` octets from the front.
fn advance(input: &mut &[u8], count: usize) {
    *input = input.get(count..).unwrap_or_default();
}

/// A length as a count of octets.
fn octets(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
