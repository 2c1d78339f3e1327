//! New messages, streamed into a sink (RFC 5322, RFC 2045, RFC 2046, RFC 2047, RFC 2231, RFC 6532).
//!
//! A [`Draft`] describes a message: who, when, further [`Field`]s, and a [`Body`], which may hold others.
//! All of it borrows from the caller, so nothing is allocated. [`Draft::write`] writes it in one go:
//!
//! - What cannot stand in a message is an error that names the rule, the part, the field and the byte:
//!   control characters, CR, LF and NUL among them, in any value; an address that is none. Nothing is
//!   cleaned, cut or guessed. What the sink took before the error is void.
//! - Lines end with CRLF. Header lines fold at 78 octets where the text has a place to, and none is longer
//!   than 998. Without [`Transport::Utf8`] all header fields are ASCII: text beyond it becomes encoded
//!   words of at most 75 characters, or a parameter by RFC 2231.
//! - Text is written as it is where every transport carries it, else as 8bit where the [`Transport`]
//!   does, else as quoted-printable or base64, whichever is shorter. LF alone ends a line in the
//!   caller's text as CRLF does; what a reader decodes has CRLF. A CR elsewhere, a NUL and lines of more
//!   than 998 octets are encoded and come back as they were. Octets that are no text are base64.
//! - Boundaries are made of the caller's entropy, differ from each other, and are in no part: see
//!   [`Options::new`].
//!
//! The same draft and options give the same bytes. Nothing panics or recurses; time is linear in the
//! output, and the tree may be [`MAX_DEPTH`] deep. A strict reader finds no defect in what is written
//! but for what the caller's own bytes bring with them: a [`Body::message`] that has defects, and a local
//! part that must be quoted.
//!
//! ```
//! use scop_mime_core::DateTime;
//! use scop_mime_core::build::{Address, Body, Draft, Field, Mailbox, Options};
//!
//! let date = DateTime::parse(b"Fri, 1 Nov 2024 10:00:00 +0000")?;
//! let to = [Address::new("Joe Public", "joe@example.org")];
//! let fields = [Field::to(&to), Field::subject("Diskothèque"), Field::message_id("1@example.net")];
//! let bodies = [Body::text("See the other part.\n"), Body::html("<p>Grüße</p>\n")];
//! let draft = Draft::new(date, Mailbox::new("", "ann@example.net"), &fields, Body::alternative(&bodies));
//!
//! let mut out = Vec::new();
//! draft.write(&Options::new(*b"sixteen octets!!"), &mut out)?;
//! let text = String::from_utf8(out)?;
//! assert!(text.starts_with(
//!     "Date: Fri, 1 Nov 2024 10:00:00 +0000\r\nFrom: ann@example.net\r\nTo: Joe Public <joe@example.org>\r\n\
//!      Subject: =?UTF-8?Q?Diskoth=C3=A8que?=\r\nMessage-ID: <1@example.net>\r\nMIME-Version: 1.0\r\n"
//! ));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use core::fmt;

use scop_core::Sink;

use crate::header::date::DateTime;
use crate::header::encoded_word::Utf8;

mod body;
mod boundary;
mod content;
mod error;
mod field;
#[cfg(test)]
mod tests;
mod walk;
mod write;

pub use body::{Body, Written};
pub use error::{BuildError, BuildErrorKind, Item};
pub use field::{Address, Field, Mailbox, Value};
pub use walk::MAX_DEPTH;

/// What a message is to be.
///
/// From and Date are the fields that every message has (RFC 5322 3.6). One author is all that a reader
/// can show: a message of several has the one who writes here, and names the others in its text.
/// MIME-Version and the Content- fields are written by themselves.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    pub(crate) date: DateTime,
    pub(crate) from: Mailbox<'a>,
    pub(crate) fields: &'a [Field<'a>],
    pub(crate) body: Body<'a>,
}

impl<'a> Draft<'a> {
    /// A message. The fields are written in this order, each as often as it is in `fields`: Bcc too, so
    /// that it is only for the copies that may show it (RFC 5322 3.6.3).
    pub const fn new(
        date: DateTime,
        from: Mailbox<'a>,
        fields: &'a [Field<'a>],
        body: Body<'a>,
    ) -> Self {
        Self {
            date,
            from,
            fields,
            body,
        }
    }

    /// Writes the message.
    ///
    /// # Errors
    /// See [`BuildErrorKind`].
    pub fn write<S: Sink + ?Sized>(
        &self,
        options: &Options,
        sink: &mut S,
    ) -> Result<(), BuildError> {
        write::write(self, options, sink)
    }
}

/// How messages are written.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub(crate) entropy: [u8; 16],
    pub(crate) transport: Transport,
}

impl Options {
    /// For any transport.
    ///
    /// Boundaries are made of `entropy`: it should be random, and another for each message, so that nobody
    /// can have written one into a part. This is proven all the same. Octets of the caller's that are
    /// written as they are, in a [`Body::message`] or [`Body::machine`], are searched; where they hold a
    /// boundary, another is derived. Text with a line that could be one is encoded. An encoded part cannot
    /// hold one, because all have `=_`, which is in no line of quoted-printable or base64 (RFC 2045 6.7,
    /// RFC 2046 5.1.1).
    pub const fn new(entropy: [u8; 16]) -> Self {
        Self {
            entropy,
            transport: Transport::SevenBit,
        }
    }

    /// For a way on which every server takes more than ASCII.
    #[must_use]
    pub const fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    pub(crate) const fn utf8(&self) -> Utf8 {
        match self.transport {
            Transport::SevenBit | Transport::EightBit => Utf8::Encode,
            Transport::Utf8 => Utf8::Raw,
        }
    }
}

/// What the servers on the way of a message take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// Lines of ASCII: any server.
    #[default]
    SevenBit,
    /// Octets above 127 in bodies: the extension 8BITMIME (RFC 6152).
    EightBit,
    /// UTF-8 in header fields too: the extension SMTPUTF8 (RFC 6531), which includes 8BITMIME.
    Utf8,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SevenBit => "7bit",
            Self::EightBit => "8BITMIME",
            Self::Utf8 => "SMTPUTF8",
        })
    }
}
