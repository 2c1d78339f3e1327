//! Writing an Authentication-Results field.

use core::fmt;

use scop_core::{Full, Sink};

use super::is_keyword;
use crate::header::fold::{FoldError, FoldSink};
use crate::header::lexical::{emit_quoted, is_dot_atom};

/// Why a field cannot be written. What the sink took so far is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// The sink is full.
    Full,
    /// A control character, CR and LF among them, or a line or paragraph separator (U+2028, U+2029), in a
    /// value, reason or comment: quoting is no help.
    Control,
    /// A value, reason or comment that is not UTF-8 (RFC 6532 3.2).
    NotUtf8,
    /// A method, result or property is no keyword (RFC 5321 4.1.2), or an authserv-id is empty.
    BadKeyword,
    /// A line would exceed 998 octets (RFC 5322 2.1.1).
    LineTooLong,
    /// A reason, comment or property without a result before it, or a reason after a property.
    OutOfOrder,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => Full.fmt(f),
            Self::Control => f.write_str("a value holds a control character (RFC 5322 3.2.4)"),
            Self::NotUtf8 => f.write_str("a value is not UTF-8 (RFC 6532 3.2)"),
            Self::BadKeyword => f.write_str("a keyword is empty or malformed (RFC 5321 4.1.2)"),
            Self::LineTooLong => FoldError::LineTooLong.fmt(f),
            Self::OutOfOrder => f.write_str("reason, comment and property follow their result"),
        }
    }
}

impl core::error::Error for WriteError {}

impl From<FoldError> for WriteError {
    fn from(error: FoldError) -> Self {
        match error {
            FoldError::Full => Self::Full,
            FoldError::LineEnd => Self::Control,
            FoldError::LineTooLong => Self::LineTooLong,
        }
    }
}

/// Writes one `Authentication-Results:` field into a sink, each result on a line of its own.
///
/// Every value is quoted unless it is made of letters, digits and `.`, `-`, `_`, `+`, or is an address
/// made of those; in the grammar more would pass as a token, but readers exist that take `'` for a
/// quote. A call that fails leaves the field unfinished: what the sink took is void.
///
/// ```
/// use scop_core::SliceSink;
/// use scop_mime_core::AuthResultsWriter;
///
/// let mut buffer = [0; 256];
/// let mut out = SliceSink::new(&mut buffer);
/// let mut field = AuthResultsWriter::new(&mut out, b"mx.example.org")?;
/// field.result(b"spf", b"pass")?.property(b"smtp", b"mailfrom", b"news@example.com")?;
/// field.result(b"dkim", b"fail")?.reason(b"body hash")?.property(b"header", b"d", b"example.com")?;
/// field.finish()?;
/// assert_eq!(
///     out.written(),
///     &b"Authentication-Results: mx.example.org;\r\n \
///        spf=pass smtp.mailfrom=news@example.com;\r\n \
///        dkim=fail reason=\"body hash\" header.d=example.com\r\n"[..],
/// );
/// # Ok::<(), scop_mime_core::header::auth_results::WriteError>(())
/// ```
#[derive(Debug)]
pub struct AuthResultsWriter<'s, S: ?Sized> {
    sink: FoldSink<'s, S>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NoResult,
    Result,
    Properties,
}

impl<'s, S: Sink + ?Sized> AuthResultsWriter<'s, S> {
    /// Begins the field: `authserv_id` names the server that writes it (RFC 8601 2.5).
    ///
    /// # Errors
    /// `BadKeyword` for an empty name, `Control`, `Full`.
    pub fn new(sink: &'s mut S, authserv_id: &[u8]) -> Result<Self, WriteError> {
        let mut writer = Self {
            sink: FoldSink::new(sink),
            state: State::NoResult,
        };
        if authserv_id.is_empty() {
            return Err(WriteError::BadKeyword);
        }
        writer.put(b"Authentication-Results: ")?;
        writer.value(authserv_id)?;
        Ok(writer)
    }

    /// Begins the result of a method: `dkim`, `pass`.
    ///
    /// # Errors
    /// `BadKeyword`, `Full`.
    pub fn result(&mut self, method: &[u8], result: &[u8]) -> Result<&mut Self, WriteError> {
        self.put(b";")?;
        self.sink.end_line().map_err(|Full| self.cause())?;
        self.put(b" ")?;
        self.keyword(method)?;
        self.put(b"=")?;
        self.keyword(result)?;
        self.state = State::Result;
        Ok(self)
    }

    /// Says why, for people.
    ///
    /// # Errors
    /// `OutOfOrder` unless it follows the result, but for comments; `Control`, `Full`.
    pub fn reason(&mut self, reason: &[u8]) -> Result<&mut Self, WriteError> {
        if self.state != State::Result {
            return Err(WriteError::OutOfOrder);
        }
        self.put(b" reason=")?;
        self.value(reason)?;
        // A second one would be no reason by the grammar.
        self.state = State::Properties;
        Ok(self)
    }

    /// Adds a comment, which machines skip.
    ///
    /// # Errors
    /// `OutOfOrder` before the first result; `Control`, `Full`.
    pub fn comment(&mut self, text: &[u8]) -> Result<&mut Self, WriteError> {
        if self.state == State::NoResult {
            return Err(WriteError::OutOfOrder);
        }
        no_control(text)?;
        self.put(b" (")?;
        for &byte in text {
            if matches!(byte, b'(' | b')' | b'\\') {
                self.put(b"\\")?;
            }
            self.put(&[byte])?;
        }
        self.put(b")")?;
        Ok(self)
    }

    /// Adds a property: `header`, `d`, `example.com`.
    ///
    /// # Errors
    /// `OutOfOrder` before the first result; `BadKeyword`, `Control`, `Full`.
    pub fn property(
        &mut self,
        ptype: &[u8],
        name: &[u8],
        value: &[u8],
    ) -> Result<&mut Self, WriteError> {
        if self.state == State::NoResult {
            return Err(WriteError::OutOfOrder);
        }
        self.put(b" ")?;
        self.keyword(ptype)?;
        self.put(b".")?;
        self.keyword(name)?;
        self.put(b"=")?;
        if is_plain_address(value) {
            self.put(value)?;
        } else {
            self.value(value)?;
        }
        self.state = State::Properties;
        Ok(self)
    }

    /// Ends the field, with `none` where there was no result.
    ///
    /// # Errors
    /// `LineTooLong`, `Full`.
    pub fn finish(mut self) -> Result<(), WriteError> {
        if self.state == State::NoResult {
            self.put(b"; none")?;
        }
        Ok(self.sink.finish()?)
    }

    fn keyword(&mut self, keyword: &[u8]) -> Result<(), WriteError> {
        match keyword.last() {
            Some(last) if *last != b'-' && keyword.iter().copied().all(is_keyword) => {
                self.put(keyword)
            }
            _ => Err(WriteError::BadKeyword),
        }
    }

    /// A token or a quoted string.
    fn value(&mut self, value: &[u8]) -> Result<(), WriteError> {
        no_control(value)?;
        if !value.is_empty() && value.iter().copied().all(is_plain) {
            return self.put(value);
        }
        let written = emit_quoted([value], &mut self.sink);
        written.map_err(|Full| self.cause())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.sink.put(bytes).map_err(|Full| self.cause())
    }

    fn cause(&self) -> WriteError {
        self.sink.error().unwrap_or(FoldError::Full).into()
    }
}

fn no_control(text: &[u8]) -> Result<(), WriteError> {
    let text = core::str::from_utf8(text).map_err(|_| WriteError::NotUtf8)?;
    if text.chars().any(ends_a_line) {
        return Err(WriteError::Control);
    }
    Ok(())
}

/// Whether some reader may end a line there, or takes it for a control character; those beyond ASCII too.
fn ends_a_line(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Whether every reader takes `byte` for part of a token.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+')
}

/// `[local-part] "@" domain-name` of plain octets.
fn is_plain_address(value: &[u8]) -> bool {
    let mut parts = value.split(|&byte| byte == b'@');
    let (Some(local), Some(domain), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_atoms =
        |part: &[u8]| part.iter().copied().all(is_plain) && is_dot_atom(part.iter().copied());
    (local.is_empty() || is_atoms(local)) && is_atoms(domain) && !domain.contains(&b'+')
}
