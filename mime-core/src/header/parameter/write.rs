//! Writing a parameter (RFC 2045 5.1, RFC 2231 3, 4; RFC 6532 3).

use core::fmt;

use scop_core::{Counter, Full, Sink};

use super::MAX_SECTIONS;
use super::read::is_token_byte;
use crate::header::encoded_word::{Utf8, is_like_encoded_word};
use crate::header::fold::PREFERRED_LINE;
use crate::header::lexical::emit_quoted;

/// What a line may hold between the white space that begins it and the semicolon that ends it.
const LINE: usize = PREFERRED_LINE - 2;

/// Charset and empty language of an extended value.
const CHARSET: &[u8] = b"utf-8''";

/// Why a parameter cannot be written. What the sink took so far is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteParameterError {
    /// The sink is full.
    Full,
    /// The name is empty, or holds what is not allowed in one. Nothing was written.
    BadName {
        /// The byte of the name.
        offset: usize,
    },
    /// The value holds a control character other than TAB, CR and LF among them. Nothing was written.
    Control {
        /// The byte of the value.
        offset: usize,
    },
    /// The value takes more sections than [`MAX_SECTIONS`], which is more than a reader takes. Nothing
    /// was written.
    TooLong,
}

impl fmt::Display for WriteParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => Full.fmt(f),
            Self::BadName { offset } => write!(
                f,
                "the name of a parameter is not 1 to 60 characters of RFC 2231 7 at byte {offset}"
            ),
            Self::Control { offset } => write!(
                f,
                "the value of a parameter holds a control character (RFC 2045 5.1) at byte {offset}"
            ),
            Self::TooLong => f.write_str("the value of a parameter takes too many sections"),
        }
    }
}

impl core::error::Error for WriteParameterError {}

impl From<Full> for WriteParameterError {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

/// Writes `; name=value`.
///
/// The value is a token where it is one, a quoted string where that fits a line, and else an extended value
/// of RFC 2231 in UTF-8, in as many sections as it takes, each of whole characters and within a line of 78
/// octets. [`Utf8::Raw`] lets a quoted string hold characters beyond ASCII (RFC 6532 3.2).
/// [`super::Parameter::value`] gives the value back, also when the field went through a
/// [`FoldSink`](crate::FoldSink), for which this is meant. It fits a line of its own: with
/// [`FoldSink::end_line`](crate::FoldSink::end_line) before it, nothing is folded inside quotes, where some
/// readers keep the line end.
///
/// ```
/// use scop_core::SliceSink;
/// use scop_mime_core::header::{encoded_word::Utf8, parameter::emit_parameter};
///
/// let mut buffer = [0; 96];
/// let mut out = SliceSink::new(&mut buffer);
/// emit_parameter("filename", "menu.txt", Utf8::Encode, &mut out)?;
/// emit_parameter("filename", "the menu.txt", Utf8::Encode, &mut out)?;
/// emit_parameter("filename", "caf\u{e9}.txt", Utf8::Encode, &mut out)?;
/// assert_eq!(
///     out.written(),
///     b"; filename=menu.txt; filename=\"the menu.txt\"; filename*=utf-8''caf%C3%A9.txt",
/// );
/// # Ok::<(), scop_mime_core::header::parameter::WriteParameterError>(())
/// ```
///
/// # Errors
/// `BadName`, `Control`, `TooLong`, `Full`.
pub fn emit_parameter<S: Sink + ?Sized>(
    name: &str,
    value: &str,
    utf8: Utf8,
    sink: &mut S,
) -> Result<(), WriteParameterError> {
    check_name(name)?;
    let control = |&(_, c): &(usize, char)| c.is_control() && c != '\t';
    if let Some((offset, _)) = value.char_indices().find(control) {
        return Err(WriteParameterError::Control { offset });
    }
    let name = name.as_bytes();
    if !value.is_empty() && value.bytes().all(is_token_byte) && fits(name, value.len()) {
        put_name(name, sink)?;
        sink.put_byte(b'=')?;
        sink.put(value.as_bytes())?;
    } else if is_quotable(name, value, utf8) {
        put_name(name, sink)?;
        sink.put_byte(b'=')?;
        emit_quoted([value.as_bytes()], sink)?;
    } else {
        // Sections are counted before any is written.
        if put_extended(name, value, &mut Counter::default())? > MAX_SECTIONS {
            return Err(WriteParameterError::TooLong);
        }
        put_extended(name, value, sink)?;
    }
    Ok(())
}

/// The longest name: a character of four octets and its section still fit a line behind it.
const MAX_NAME: usize = LINE - "*0*=utf-8''%F0%9F%98%80".len();

/// ```text
/// attribute-char = <any (US-ASCII) CHAR except SPACE, CTLs, "*", "'", "%", or tspecials>  ; RFC 2231 7
/// ```
const fn is_attribute_byte(byte: u8) -> bool {
    is_token_byte(byte) && !matches!(byte, b'*' | b'\'' | b'%')
}

fn check_name(name: &str) -> Result<(), WriteParameterError> {
    let bad = name.bytes().position(|byte| !is_attribute_byte(byte));
    match bad {
        Some(offset) => Err(WriteParameterError::BadName { offset }),
        None if name.is_empty() || name.len() > MAX_NAME => Err(WriteParameterError::BadName {
            offset: name.len().min(MAX_NAME),
        }),
        None => Ok(()),
    }
}

/// Whether a value of `len` octets behind `name=` fits a line.
fn fits(name: &[u8], len: usize) -> bool {
    name.len().saturating_add(1).saturating_add(len) <= LINE
}

/// A text that looks like an encoded word is not left where some decode it, a TAB not where some fold, and
/// a backslash not where some take it for itself and others for a quote.
fn is_quotable(name: &[u8], value: &str, utf8: Utf8) -> bool {
    let quotes = value.bytes().filter(|&byte| byte == b'"').count();
    let len = value.len().saturating_add(quotes).saturating_add(2);
    fits(name, len)
        && (value.is_ascii() || utf8 == Utf8::Raw)
        && !value.contains(['\t', '\\'])
        && !is_like_encoded_word(value.bytes())
}

fn put_name<S: Sink + ?Sized>(name: &[u8], sink: &mut S) -> Result<(), Full> {
    sink.put(b"; ")?;
    sink.put(name)
}

/// Writes the value in one section or several, and says how many.
fn put_extended<S: Sink + ?Sized>(name: &[u8], value: &str, sink: &mut S) -> Result<usize, Full> {
    let whole: usize = value
        .chars()
        .map(encoded_len)
        .fold(0, usize::saturating_add);
    let is_one = fits(name, whole.saturating_add(CHARSET.len()).saturating_add(1));
    let mut count: usize = 0;
    let mut left: usize = 0;
    for c in value.chars() {
        if count == 0 || left < encoded_len(c) {
            put_name(name, sink)?;
            let mut used = Counter::default();
            if !is_one {
                let number = u64::try_from(count).unwrap_or(u64::MAX);
                sink.put_byte(b'*')?;
                sink.put_decimal(number)?;
                used.put_byte(b'*')?;
                used.put_decimal(number)?;
            }
            let begin = if count == 0 { CHARSET } else { b"" };
            sink.put(b"*=")?;
            sink.put(begin)?;
            let used = name.len().saturating_add(used.len()).saturating_add(2);
            left = LINE.saturating_sub(used.saturating_add(begin.len()));
            if is_one {
                left = usize::MAX;
            }
            count = count.saturating_add(1);
        }
        left = left.saturating_sub(encoded_len(c));
        put_encoded(c, sink)?;
    }
    Ok(count)
}

/// How many octets a character takes.
fn encoded_len(c: char) -> usize {
    match u8::try_from(c) {
        Ok(byte) if is_attribute_byte(byte) => 1,
        _ => c.len_utf8().saturating_mul(3),
    }
}

fn put_encoded<S: Sink + ?Sized>(c: char, sink: &mut S) -> Result<(), Full> {
    let mut buffer = [0; 4];
    for &byte in c.encode_utf8(&mut buffer).as_bytes() {
        if is_attribute_byte(byte) {
            sink.put_byte(byte)?;
        } else {
            sink.put(&[b'%', hex_digit(byte >> 4), hex_digit(byte & 0xf)])?;
        }
    }
    Ok(())
}

const fn hex_digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0'.wrapping_add(nibble),
        _ => b'A'.wrapping_sub(10).wrapping_add(nibble),
    }
}
