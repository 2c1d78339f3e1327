//! Encoded words: text of any character set, written in ASCII (RFC 2047, RFC 2231 5).
//!
//! An [`EncodedWord`] is one such word. Where words may stand, and that they are joined, is decided by the
//! three readers that give a [`DecodedText`]: [`Unstructured::text`](super::unstructured::Unstructured::text),
//! [`Phrase::decoded`](super::address::Phrase::decoded) and
//! [`Comment::decoded`](super::lexical::Comment::decoded). The value is cut into its tokens before anything
//! is decoded and never afterwards, so that no decoded octet is taken for a quote, a comma or another
//! encoded word. [`emit_unstructured`] and [`emit_phrase`] write what these readers read.
//!
//! No function panics or allocates; each takes time linear in its input.
//!
//! ```
//! use scop_mime_core::EncodedWord;
//!
//! let word = EncodedWord::parse(b"=?US-ASCII*en?Q?Keith_Moore?=")?;
//! assert_eq!((word.charset_label(), word.language()), (&b"US-ASCII"[..], Some(&b"en"[..])));
//! assert!(word.octets().eq(*b"Keith Moore"));
//! # Ok::<(), scop_mime_core::header::encoded_word::EncodedWordError>(())
//! ```

use core::fmt;

use scop_core::{Cursor, ParseError};

use crate::charset::Charset;
use crate::coding::base64;

mod decoded;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use decoded::{Compare, Place, Printable, is_like_encoded_word};
pub use decoded::{DecodedText, EncodedWordDefects};
pub use write::{TextError, Utf8, emit_phrase, emit_unstructured};

/// The longest encoded word, in characters, delimiters included (RFC 2047 2). A rule for those who write.
pub const MAX_ENCODED_WORD: usize = 75;

/// Which rule of encoded words is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodedWordErrorKind {
    /// It does not begin with `=?`, a charset, `?`, an encoding and `?`: ordinary text.
    NotEncodedWord,
    /// The charset is empty, or no name.
    NoCharset,
    /// The encoding is neither `Q` nor `B`.
    UnknownEncoding,
    /// An octet that encoded text cannot hold: a control, `?`, or one above 127.
    BadOctet,
    /// There is no `?=`; often because the text holds a space.
    NotClosed,
    /// `=` without two hexadecimal digits, in Q.
    BadEscape,
    /// A character that is not of base64, or one that completes no octet, in B.
    BadBase64,
    /// Nobody here knows the charset.
    UnknownCharset,
    /// Octets that the charset does not have.
    NotInCharset,
    /// Other text stands before or behind it, or it stands in a quoted string.
    Misplaced,
    /// It is longer than 75 characters.
    TooLong,
    /// It holds no text.
    NoText,
    /// Base64 with less or more padding than is due.
    BadPadding,
    /// A character begins in it and ends in the next one.
    CutCharacter,
    /// It holds a control character other than TAB.
    Control,
}

impl fmt::Display for EncodedWordErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotEncodedWord => "not an encoded word (RFC 2047 2)",
            Self::NoCharset => "an encoded word has no charset (RFC 2047 2)",
            Self::UnknownEncoding => "the encoding of a word is neither Q nor B (RFC 2047 4)",
            Self::BadOctet => "an octet that an encoded word cannot hold (RFC 2047 2)",
            Self::NotClosed => "an encoded word does not end with \"?=\" (RFC 2047 2)",
            Self::BadEscape => "\"=\" without two hexadecimal digits (RFC 2047 4.2)",
            Self::BadBase64 => "not base64 (RFC 2047 4.1)",
            Self::UnknownCharset => "the charset of an encoded word is not known (RFC 2047 3)",
            Self::NotInCharset => "octets that are not of the charset (RFC 2047 6.3)",
            Self::Misplaced => "an encoded word stands where none may (RFC 2047 5)",
            Self::TooLong => "an encoded word is longer than 75 characters (RFC 2047 2)",
            Self::NoText => "an encoded word holds no text (RFC 2047 2)",
            Self::CutCharacter => "an encoded word ends within a character (RFC 2047 5)",
            Self::Control => "an encoded word holds a control character (RFC 2047 5)",
            Self::BadPadding => "the padding of base64 is wrong (RFC 2047 4.1)",
        })
    }
}

/// What is wrong with an encoded word, and the byte.
pub type EncodedWordError = ParseError<EncodedWordErrorKind>;

/// How the text of a word is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordEncoding {
    /// `=` and two hexadecimal digits for what is not plain, `_` for octet 32 (RFC 2047 4.2).
    Q,
    /// Base64 (RFC 2047 4.1).
    B,
}

/// One encoded word whose octets can be read.
///
/// ```text
/// encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="   ; RFC 2047 2, RFC 2231 5
/// encoded-text = 1*<printable ASCII but "?" and SPACE>
/// ```
///
/// A charset is a token by RFC 2047; here it is what names are registered of: the characters of RFC 2978 2.3,
/// and `.`, `:`, `(` and `)`. What a writer may not do but every reader understands is read, and told by
/// [`Self::loose`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodedWord<'a> {
    raw: &'a [u8],
    charset: &'a [u8],
    language: Option<&'a [u8]>,
    encoding: WordEncoding,
    payload: &'a [u8],
}

impl<'a> EncodedWord<'a> {
    /// Reads a word that is nothing but an encoded word.
    ///
    /// # Errors
    /// The first rule that is broken. The charset need not be a known one, and its octets are not looked at.
    pub fn parse(word: &'a [u8]) -> Result<Self, EncodedWordError> {
        use EncodedWordErrorKind as Kind;
        let error = |kind, at: usize| Err(ParseError::new(kind, at));
        let mut cursor = Cursor::new(word);
        if !cursor.skip_ignore_case(b"=?") {
            return error(Kind::NotEncodedWord, 0);
        }
        let charset_at = cursor.offset();
        let label = cursor.take_while(is_encoded_text);
        let has_charset = cursor.skip_byte(b'?');
        let encoding_at = cursor.offset();
        let encoding = cursor.take_while(is_encoded_text);
        if !(has_charset && cursor.skip_byte(b'?')) {
            return error(Kind::NotEncodedWord, cursor.offset());
        }
        let mut label = label.splitn(2, |&byte| byte == b'*');
        let charset = label.next().unwrap_or_default();
        let language = label.next().filter(|language| !language.is_empty());
        if charset.is_empty() || !charset.iter().copied().all(is_charset_char) {
            return error(Kind::NoCharset, charset_at);
        }
        let encoding = match encoding {
            b"Q" | b"q" => WordEncoding::Q,
            b"B" | b"b" => WordEncoding::B,
            _ => return error(Kind::UnknownEncoding, encoding_at),
        };
        let payload_at = cursor.offset();
        let payload = cursor.take_while(is_encoded_text);
        let end = cursor.offset();
        match (cursor.take_byte(), cursor.take_byte()) {
            (Some(b'?'), Some(b'=')) => {}
            (None, _) | (Some(b'?'), None) => return error(Kind::NotClosed, end),
            _ => return error(Kind::BadOctet, end),
        }
        if !cursor.is_at_end() {
            return error(Kind::Misplaced, cursor.offset());
        }
        match encoding {
            WordEncoding::Q => check_q(payload),
            WordEncoding::B => check_b(payload),
        }
        .map_err(|error| error.nested(payload_at))?;
        Ok(Self {
            raw: word,
            charset,
            language,
            encoding,
            payload,
        })
    }

    /// As written.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The charset as written, without the language.
    pub const fn charset_label(&self) -> &'a [u8] {
        self.charset
    }

    /// The charset, if it is known.
    pub fn charset(&self) -> Option<Charset> {
        Charset::of_label(self.charset)
    }

    /// The language of RFC 2231 5.
    pub const fn language(&self) -> Option<&'a [u8]> {
        self.language
    }

    /// How the text is written.
    pub const fn encoding(&self) -> WordEncoding {
        self.encoding
    }

    /// The text as written.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The octets of the text, in the charset.
    pub const fn octets(&self) -> Octets<'a> {
        Octets {
            cursor: Cursor::new(self.payload),
            encoding: self.encoding,
            bits: 0,
            bit_count: 0,
        }
    }

    /// What its writer should not have done though it can be read: `TooLong`, `NoText` or `BadPadding`.
    pub const fn loose(&self) -> Option<EncodedWordErrorKind> {
        if self.raw.len() > MAX_ENCODED_WORD {
            Some(EncodedWordErrorKind::TooLong)
        } else if self.payload.is_empty() {
            Some(EncodedWordErrorKind::NoText)
        } else if matches!(self.encoding, WordEncoding::B) && self.payload.len() & 3 != 0 {
            Some(EncodedWordErrorKind::BadPadding)
        } else {
            None
        }
    }
}

/// The octets of an encoded word.
#[derive(Clone, Debug)]
pub struct Octets<'a> {
    cursor: Cursor<'a>,
    encoding: WordEncoding,
    /// Bits of base64 that are not out yet are the last `bit_count` of these.
    bits: u32,
    bit_count: u8,
}

/// What was read before as a whole cannot fail here; a failure would end the iteration.
impl Iterator for Octets<'_> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        match self.encoding {
            WordEncoding::Q => match self.cursor.take_byte()? {
                b'_' => Some(b' '),
                b'=' => {
                    let [high, low] = self.cursor.take_array()?;
                    Some(hex_digit(high)? << 4 | hex_digit(low)?)
                }
                plain => Some(plain),
            },
            WordEncoding::B => loop {
                let sextet = base64::value_of(self.cursor.take_byte()?)?;
                self.bits = self.bits << 6 | u32::from(sextet);
                self.bit_count = self.bit_count.saturating_add(6);
                if let Some(left) = self.bit_count.checked_sub(8) {
                    self.bit_count = left;
                    let [.., octet] = (self.bits >> (left & 7)).to_be_bytes();
                    return Some(octet);
                }
            },
        }
    }
}

/// Printable ASCII but `?` and SPACE.
const fn is_encoded_text(byte: u8) -> bool {
    matches!(byte, 33..=126) && byte != b'?'
}

/// ```text
/// mime-charset-chars = ALPHA / DIGIT / "!" / "#" / "$" / "%" / "&" / "'" / "+" / "-" / "^" / "_" / "`" / "{"
///                    / "}" / "~"                                  ; RFC 2978 2.3
/// ```
const fn is_charset_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'+' | b'-' | b'^'..=b'`' | b'{' | b'}' | b'~')
        || matches!(byte, b'.' | b':' | b'(' | b')')
}

fn check_q(payload: &[u8]) -> Result<(), EncodedWordError> {
    let mut cursor = Cursor::new(payload);
    loop {
        cursor.take_while(|byte| byte != b'=');
        let at = cursor.offset();
        if cursor.take_byte().is_none() {
            return Ok(());
        }
        let is_escape = cursor
            .take_array::<2>()
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        if !is_escape {
            return Err(ParseError::new(EncodedWordErrorKind::BadEscape, at));
        }
    }
}

/// Digits that make whole octets, and at most two `=` behind them.
fn check_b(payload: &[u8]) -> Result<(), EncodedWordError> {
    let mut cursor = Cursor::new(payload);
    let digits = cursor.take_while(|byte| base64::value_of(byte).is_some());
    if digits.len() & 3 == 1 {
        let at = digits.len().saturating_sub(1);
        return Err(ParseError::new(EncodedWordErrorKind::BadBase64, at));
    }
    let _ = cursor.skip_byte(b'=') && cursor.skip_byte(b'=');
    if !cursor.is_at_end() {
        let at = cursor.offset();
        return Err(ParseError::new(EncodedWordErrorKind::BadBase64, at));
    }
    Ok(())
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
