//! Character sets: octets in, UTF-8 out.
//!
//! UTF-8, US-ASCII and ISO-8859-1 are always there. The feature `charset` adds those of the
//! [Encoding Standard](https://encoding.spec.whatwg.org/), through `encoding_rs`. It changes nothing
//! about the three: ISO-8859-1 has the controls 128 to 159, though browsers read windows-1252 there,
//! and octets above 127 are an error in US-ASCII.
//!
//! A [`CharsetDecoder`] is fed with pieces cut anywhere, and gives the same text for each way to cut.
//! It never panics, takes linear time and holds a few octets. What is malformed becomes U+FFFD, once for
//! each longest run of octets that begins a character (Unicode 3.9, "maximal subparts"), and
//! [`CharsetDecoder::had_errors`] says so.
//!
//! ```
//! use scop_core::SliceSink;
//! use scop_mime_core::{Charset, CharsetDecoder};
//!
//! let charset = Charset::of_label(b"Latin1").unwrap();
//! assert_eq!(charset.name(), "ISO-8859-1");
//! let mut buffer = [0; 16];
//! let mut text = SliceSink::new(&mut buffer);
//! let mut decoder = CharsetDecoder::new(charset);
//! decoder.put(b"na\xefve", &mut text)?;
//! decoder.finish(&mut text)?;
//! assert_eq!(text.written(), "na\u{ef}ve".as_bytes());
//! assert!(!decoder.had_errors());
//! # Ok::<(), scop_core::Full>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Full, Sink};

#[cfg(feature = "charset")]
mod registered;
#[cfg(test)]
mod tests;

/// What stands for octets that are no character.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// A character set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Charset(Known);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Utf8,
    UsAscii,
    Latin1,
    #[cfg(feature = "charset")]
    Registered(registered::Charset),
}

/// The names and aliases that IANA registers for the three, and those in use on the web.
const LABELS: &[(Charset, &[&str])] = &[
    (
        Charset::UTF_8,
        &["utf-8", "utf8", "csutf8", "unicode-1-1-utf-8"],
    ),
    (
        Charset::US_ASCII,
        &[
            "us-ascii",
            "ascii",
            "us",
            "ansi_x3.4-1968",
            "ansi_x3.4-1986",
            "iso_646.irv:1991",
            "iso646-us",
            "iso-ir-6",
            "ibm367",
            "cp367",
            "csascii",
        ],
    ),
    (
        Charset::ISO_8859_1,
        &[
            "iso-8859-1",
            "iso_8859-1",
            "iso_8859-1:1987",
            "iso8859-1",
            "iso88591",
            "latin1",
            "l1",
            "iso-ir-100",
            "ibm819",
            "cp819",
            "csisolatin1",
        ],
    ),
];

impl Charset {
    /// UTF-8 (RFC 3629).
    pub const UTF_8: Self = Self(Known::Utf8);
    /// US-ASCII (RFC 20).
    pub const US_ASCII: Self = Self(Known::UsAscii);
    /// ISO-8859-1, with its controls from 128 to 159.
    pub const ISO_8859_1: Self = Self(Known::Latin1);

    /// The character set that `label` names, without regard to ASCII case. White space, quotes and
    /// the language of RFC 2231 5 are not part of a label.
    pub fn of_label(label: &[u8]) -> Option<Self> {
        let built_in = LABELS.iter().find(|(_, labels)| {
            labels
                .iter()
                .any(|known| known.as_bytes().eq_ignore_ascii_case(label))
        });
        if let Some((charset, _)) = built_in {
            return Some(*charset);
        }
        #[cfg(feature = "charset")]
        if let Some(charset) = registered::Charset::of_label(label) {
            return Some(Self(Known::Registered(charset)));
        }
        None
    }

    /// Whether escape sequences switch between sets of characters.
    pub(crate) fn is_shifting(self) -> bool {
        match self.0 {
            Known::Utf8 | Known::UsAscii | Known::Latin1 => false,
            #[cfg(feature = "charset")]
            Known::Registered(charset) => charset.is_shifting(),
        }
    }

    /// Its name, as one writes it.
    pub fn name(self) -> &'static str {
        match self.0 {
            Known::Utf8 => "UTF-8",
            Known::UsAscii => "US-ASCII",
            Known::Latin1 => "ISO-8859-1",
            #[cfg(feature = "charset")]
            Known::Registered(charset) => charset.name(),
        }
    }
}

impl fmt::Debug for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Turns octets of a character set into UTF-8; a sink never gets a part of a character.
#[derive(Debug)]
pub struct CharsetDecoder {
    charset: Charset,
    state: State,
    had_errors: bool,
}

#[derive(Debug)]
enum State {
    Utf8(Utf8),
    UsAscii,
    Latin1,
    #[cfg(feature = "charset")]
    Registered(registered::Decoder),
}

impl State {
    fn new(charset: Charset) -> Self {
        match charset.0 {
            Known::Utf8 => Self::Utf8(Utf8::default()),
            Known::UsAscii => Self::UsAscii,
            Known::Latin1 => Self::Latin1,
            #[cfg(feature = "charset")]
            Known::Registered(charset) => Self::Registered(registered::Decoder::new(charset)),
        }
    }
}

impl CharsetDecoder {
    /// At the start of a text.
    pub fn new(charset: Charset) -> Self {
        Self {
            charset,
            state: State::new(charset),
            had_errors: false,
        }
    }

    /// Decodes the next octets of the text.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn put<S: Sink + ?Sized>(&mut self, bytes: &[u8], sink: &mut S) -> Result<(), Full> {
        let errors = &mut self.had_errors;
        match &mut self.state {
            State::Utf8(decoder) => decoder.put(bytes, errors, sink),
            State::UsAscii => put_ascii(bytes, sink, |_, sink| {
                *errors = true;
                sink.put(REPLACEMENT)
            }),
            // U+0080 to U+00FF are these octets (RFC 3629 3 for the form).
            State::Latin1 => put_ascii(bytes, sink, |byte, sink| {
                sink.put(&[0xc0 | byte >> 6, 0x80 | byte & 0x3f])
            }),
            #[cfg(feature = "charset")]
            State::Registered(decoder) => decoder.put(bytes, errors, sink),
        }
    }

    /// Ends the text: a character that is not complete is malformed. The next octet begins another
    /// text; [`Self::had_errors`] stays as it is.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn finish<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), Full> {
        match &mut self.state {
            State::Utf8(decoder) => decoder.finish(&mut self.had_errors, sink)?,
            State::UsAscii | State::Latin1 => {}
            #[cfg(feature = "charset")]
            State::Registered(decoder) => decoder.finish(&mut self.had_errors, sink)?,
        }
        self.state = State::new(self.charset);
        Ok(())
    }

    /// The character set.
    pub const fn charset(&self) -> Charset {
        self.charset
    }

    /// Whether something was malformed so far.
    pub const fn had_errors(&self) -> bool {
        self.had_errors
    }
}

/// Puts the runs of ASCII as they are, and every other octet through `other`.
fn put_ascii<S: Sink + ?Sized>(
    bytes: &[u8],
    sink: &mut S,
    mut other: impl FnMut(u8, &mut S) -> Result<(), Full>,
) -> Result<(), Full> {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_at_end() {
        let ascii = cursor.take_while(|byte| byte.is_ascii());
        if !ascii.is_empty() {
            sink.put(ascii)?;
        }
        if let Some(byte) = cursor.take_byte() {
            other(byte, sink)?;
        }
    }
    Ok(())
}

/// The state of UTF-8: the start of a character of which more must come.
#[derive(Clone, Copy, Debug, Default)]
struct Utf8 {
    held: [u8; 4],
    len: usize,
}

impl Utf8 {
    fn put<S: Sink + ?Sized>(
        &mut self,
        bytes: &[u8],
        errors: &mut bool,
        sink: &mut S,
    ) -> Result<(), Full> {
        let mut cursor = Cursor::new(bytes);
        while self.len > 0
            && let Some(byte) = cursor.peek()
        {
            self.hold(byte);
            match core::str::from_utf8(self.held()) {
                Ok(_) => sink.put(self.held())?,
                Err(error) if error.error_len().is_none() => {
                    cursor.take_byte();
                    continue;
                }
                // What was held is malformed; this octet may begin a character.
                Err(_) => {
                    self.len = 0;
                    *errors = true;
                    sink.put(REPLACEMENT)?;
                    continue;
                }
            }
            cursor.take_byte();
            self.len = 0;
        }
        while !cursor.is_at_end() {
            let Err(error) = core::str::from_utf8(cursor.rest()) else {
                return sink.put(cursor.rest());
            };
            if let Some(valid @ [_, ..]) = cursor.take(error.valid_up_to()) {
                sink.put(valid)?;
            }
            let Some(len) = error.error_len() else {
                while let Some(byte) = cursor.take_byte() {
                    self.hold(byte);
                }
                return Ok(());
            };
            cursor.take(len);
            *errors = true;
            sink.put(REPLACEMENT)?;
        }
        Ok(())
    }

    fn finish<S: Sink + ?Sized>(&mut self, errors: &mut bool, sink: &mut S) -> Result<(), Full> {
        if self.len == 0 {
            return Ok(());
        }
        *errors = true;
        sink.put(REPLACEMENT)
    }

    fn held(&self) -> &[u8] {
        self.held.get(..self.len).unwrap_or_default()
    }

    /// Three octets at most begin a character, and the fourth ends it.
    fn hold(&mut self, byte: u8) {
        if let Some(slot) = self.held.get_mut(self.len) {
            *slot = byte;
            self.len = self.len.saturating_add(1);
        }
    }
}
