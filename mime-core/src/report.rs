//! What the parts of a report say: delivery status (RFC 3464, 6533), disposition notification (RFC 8098)
//! and feedback (RFC 5965, 6591), read as views over the decoded body of the part, and written.
//!
//! A report is a multipart/report (RFC 6522): a text for people, a part for programs, which is what this
//! module reads, and the message or header that it is about. [`ReportKind::of`] says by the media type of
//! a part what it is.
//!
//! The fields of these bodies look like those of a header and are scanned by the same rules. Each is typed
//! on demand, as in [`crate::header::typed`]: what does not parse is handed out raw with the reason. No
//! view panics or allocates on any input, and each takes linear time.

use core::fmt;
use core::net::IpAddr;

use scop_core::{Cursor, Emit, Full, ParseError, Sink, ip};

use crate::header::address::{AddressErrorKind, Domain};
use crate::header::content::content_type::ContentType;
use crate::header::lexical::{
    Gap, LexicalErrorKind, Text, display, is_wsp, since, skip_cfws, valid_utf8,
};
use crate::header::parameter::read::is_token_byte;
use crate::header::scan::{HeaderBlock, Message};

pub mod delivery;
pub mod disposition;
pub mod feedback;
#[cfg(test)]
mod tests;
pub mod utf8_address;
pub mod write;

/// Which rule a value of a report breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportErrorKind {
    /// A comment is malformed.
    Lexical(LexicalErrorKind),
    /// No type before the semicolon.
    NoType,
    /// No semicolon behind the type.
    NoSemicolon,
    /// No token, or one that ends too early.
    BadToken,
    /// An action that is none of the five.
    BadAction,
    /// A status code that is not `class.subject.detail`.
    BadStatus,
    /// A disposition mode that is none of the four.
    BadMode,
    /// A number that is none, or too large.
    BadNumber,
    /// An IP address that is none.
    BadIp,
    /// A domain that is none.
    Domain(AddressErrorKind),
    /// Text behind the value.
    TextBehind,
}

impl fmt::Display for ReportErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lexical(kind) => return kind.fmt(f),
            Self::Domain(kind) => return kind.fmt(f),
            Self::NoType => "no type stands before the \";\" (RFC 3464 2.1.2)",
            Self::NoSemicolon => "no \";\" follows the type (RFC 3464 2.1.2)",
            Self::BadToken => "there is no token (RFC 5965 3.5, RFC 8098 3.2)",
            Self::BadAction => "an unknown action (RFC 3464 2.3.3)",
            Self::BadStatus => "a status is not \"class.subject.detail\" (RFC 3463 2)",
            Self::BadMode => "an unknown disposition mode (RFC 8098 3.2.6.1)",
            Self::BadNumber => "there is no number, or it is too large (RFC 5965 3.5)",
            Self::BadIp => "there is no IP address (RFC 5965 3.5)",
            Self::TextBehind => "text stands behind the value (RFC 3464 2.1.1)",
        })
    }
}

/// The error of every parser of this module.
pub type ReportError = ParseError<ReportErrorKind>;

/// What a part of a multipart/report is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportKind {
    /// [`delivery::DeliveryStatus`]: message/delivery-status (RFC 3464 2.1), or
    /// message/global-delivery-status (RFC 6533 4).
    DeliveryStatus,
    /// [`disposition::DispositionNotification`]: message/disposition-notification (RFC 8098 3.1), or
    /// message/global-disposition-notification (RFC 6533 5).
    DispositionNotification,
    /// [`feedback::FeedbackReport`]: message/feedback-report (RFC 5965 3).
    FeedbackReport,
    /// The message that the report is about: message/rfc822 or message/global.
    Message,
    /// Its header alone: text/rfc822-headers (RFC 6522 4), or message/global-headers (RFC 6533 6).
    Headers,
}

impl ReportKind {
    /// By the media type of the part; `None` for the text for people and for anything else.
    pub fn of(part: &ContentType<'_>) -> Option<Self> {
        [
            (
                &b"message"[..],
                &b"delivery-status"[..],
                Self::DeliveryStatus,
            ),
            (b"message", b"global-delivery-status", Self::DeliveryStatus),
            (
                b"message",
                b"disposition-notification",
                Self::DispositionNotification,
            ),
            (
                b"message",
                b"global-disposition-notification",
                Self::DispositionNotification,
            ),
            (b"message", b"feedback-report", Self::FeedbackReport),
            (b"message", b"rfc822", Self::Message),
            (b"message", b"global", Self::Message),
            (b"text", b"rfc822-headers", Self::Headers),
            (b"message", b"global-headers", Self::Headers),
        ]
        .into_iter()
        .find(|(type_name, subtype, _)| part.is(type_name, subtype))
        .map(|(_, _, kind)| kind)
    }
}

/// Fields that belong together, between empty lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    fields: HeaderBlock<'a>,
    offset: usize,
}

impl<'a> Block<'a> {
    /// The fields.
    pub const fn fields(&self) -> HeaderBlock<'a> {
        self.fields
    }

    /// Where it begins in the body; offsets of its fields count from there.
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

/// The blocks of a body. What lies between them is empty lines.
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Blocks<'a> {
    /// Of any bytes.
    pub const fn new(body: &'a [u8]) -> Self {
        Self {
            rest: body,
            offset: 0,
        }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        let skip = |blocks: &mut Self, len: usize| {
            blocks.rest = blocks.rest.get(len..).unwrap_or_default();
            blocks.offset = blocks.offset.saturating_add(len);
        };
        loop {
            match self.rest {
                [] => return None,
                [b'\r', b'\n', ..] => skip(self, 2),
                [b'\n', ..] => skip(self, 1),
                _ => break,
            }
        }
        let block = Block {
            fields: Message::split(self.rest).header,
            offset: self.offset,
        };
        skip(self, block.fields.as_bytes().len());
        Some(block)
    }
}

/// A type and what it is the type of: an MTA name, an address or a diagnostic code.
///
/// ```text
/// mta-name-type ";" mta-name / address-type ";" generic-address / diagnostic-type ";" *text
/// mta-name-type = address-type = diagnostic-type = atom           ; RFC 3464 2.1.2, 2.2.2
/// ```
///
/// Comments and white space may stand around the type. A semicolon, parentheses and quotes in the text
/// are text.
#[derive(Clone, Copy, Debug)]
pub struct TypedText<'a> {
    value: &'a [u8],
    type_name: &'a [u8],
    text: &'a [u8],
    offset: usize,
}

impl<'a> TypedText<'a> {
    /// Reads a value.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, ReportError> {
        let mut cursor = Cursor::new(value);
        gap(&mut cursor)?;
        let type_name = cursor.take_while(is_type);
        if type_name.is_empty() {
            return error(ReportErrorKind::NoType, &cursor);
        }
        gap(&mut cursor)?;
        if !cursor.skip_byte(b';') {
            return error(ReportErrorKind::NoSemicolon, &cursor);
        }
        let (text, before) = trim(cursor.rest());
        let offset = cursor.offset().saturating_add(before);
        valid_utf8(text, offset).map_err(|error| error.map(ReportErrorKind::Lexical))?;
        Ok(Self {
            value,
            type_name,
            text,
            offset,
        })
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// The type, as written: `dns`, `rfc822`, `smtp`. Compare without ASCII case.
    pub const fn type_name(&self) -> &'a [u8] {
        self.type_name
    }

    /// Whether the type is `type_name`, without regard to ASCII case.
    pub fn is_type(&self, type_name: &[u8]) -> bool {
        self.type_name.eq_ignore_ascii_case(type_name)
    }

    /// What stands behind the semicolon, without white space at both ends; folding is kept.
    pub const fn text_raw(&self) -> &'a [u8] {
        self.text
    }

    /// Where [`Self::text_raw`] begins in the parsed value.
    pub const fn text_offset(&self) -> usize {
        self.offset
    }

    /// The text, folds removed.
    pub const fn text(&self) -> Text<'a> {
        Text::verbatim(self.text)
    }
}

/// `type; text`, folds removed.
impl Emit for TypedText<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.type_name)?;
        sink.put(b"; ")?;
        self.text().emit(sink)
    }
}

impl fmt::Display for TypedText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// One word, with comments around it: Feedback-Type, Auth-Failure.
///
/// ```text
/// value = [CFWS] token [CFWS]                                     ; RFC 5965 3.5, RFC 2045 5.1
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    token: &'a [u8],
}

impl<'a> Token<'a> {
    /// Reads a value.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(value: &'a [u8]) -> Result<Self, ReportError> {
        let mut cursor = Cursor::new(value);
        gap(&mut cursor)?;
        let token = take_token(&mut cursor)?;
        at_end(&mut cursor)?;
        Ok(Self { token })
    }

    /// The word, as written. Compare without ASCII case.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.token
    }

    /// Whether it is `token`, without regard to ASCII case.
    pub fn is(&self, token: &[u8]) -> bool {
        self.token.eq_ignore_ascii_case(token)
    }
}

/// Reads a number with comments around it.
pub(crate) fn parse_number(value: &[u8]) -> Result<u32, ReportError> {
    let mut cursor = Cursor::new(value);
    gap(&mut cursor)?;
    let start = cursor;
    let number = cursor
        .take_decimal()
        .and_then(|number| u32::try_from(number).ok());
    let Some(number) = number else {
        return error(ReportErrorKind::BadNumber, &start);
    };
    at_end(&mut cursor)?;
    Ok(number)
}

/// Reads an IP address with comments around it.
///
/// ```text
/// source-ip = "Source-IP:" [CFWS] ( IPv4-address-literal / IPv6-address-literal ) [CFWS]  ; RFC 5965 3.5
/// IPv6-address-literal = "IPv6:" IPv6-addr                        ; RFC 5321 4.1.3
/// ```
///
/// Most programs leave out `IPv6:`, so it need not be there.
pub(crate) fn parse_ip(value: &[u8]) -> Result<IpAddr, ReportError> {
    let mut cursor = Cursor::new(value);
    gap(&mut cursor)?;
    let start = cursor;
    let tagged = cursor.skip_ignore_case(b"IPv6:");
    let text = cursor.take_while(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'));
    let address = ip::parse(text).filter(|address| !tagged || address.is_ipv6());
    let Some(address) = address else {
        return error(ReportErrorKind::BadIp, &start);
    };
    at_end(&mut cursor)?;
    Ok(address)
}

/// Reads a domain with comments around it.
pub(crate) fn parse_domain(value: &[u8]) -> Result<Domain<'_>, ReportError> {
    let mut cursor = Cursor::new(value);
    gap(&mut cursor)?;
    let domain = Domain::take(&mut cursor, &mut Gap::default())
        .map_err(|error| error.map(ReportErrorKind::Domain))?;
    at_end(&mut cursor)?;
    Ok(domain)
}

/// An atom of ASCII.
fn is_type(byte: u8) -> bool {
    crate::header::lexical::is_atext(byte) && byte.is_ascii()
}

fn take_token<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ReportError> {
    let start = *cursor;
    cursor.take_while(is_token_byte);
    let token = since(start, cursor);
    if token.is_empty() {
        return error(ReportErrorKind::BadToken, cursor);
    }
    Ok(token)
}

/// Without white space at both ends, and how much was at the start.
fn trim(text: &[u8]) -> (&[u8], usize) {
    let is_space = |&byte: &u8| is_wsp(byte) || matches!(byte, b'\r' | b'\n');
    let before = text.iter().take_while(|byte| is_space(byte)).count();
    let text = text.get(before..).unwrap_or_default();
    let after = text.iter().rev().take_while(|byte| is_space(byte)).count();
    let len = text.len().saturating_sub(after);
    (text.get(..len).unwrap_or_default(), before)
}

/// Skips white space and comments.
fn gap(cursor: &mut Cursor<'_>) -> Result<(), ReportError> {
    skip_cfws(cursor).map_err(|error| error.map(ReportErrorKind::Lexical))?;
    Ok(())
}

/// Skips white space and comments; nothing may follow.
fn at_end(cursor: &mut Cursor<'_>) -> Result<(), ReportError> {
    gap(cursor)?;
    if cursor.is_at_end() {
        Ok(())
    } else {
        error(ReportErrorKind::TextBehind, cursor)
    }
}

fn error<T>(kind: ReportErrorKind, at: &Cursor<'_>) -> Result<T, ReportError> {
    Err(ParseError::new(kind, at.offset()))
}
