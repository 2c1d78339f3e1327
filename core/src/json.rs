//! JSON (RFC 8259) without an allocator: a strict pull reader, a view of a checked text, a writer.
//!
//! [`Reader`] hands out one [`Token`] after the other, [`Value`] lets one walk through a text that was
//! checked whole, and [`Writer`] puts tokens into a [`Sink`](crate::Sink).
//!
//! Contract: nothing panics on any input, reading takes linear time and no stack, and exactly the texts
//! of RFC 8259 are read, with three rules where it leaves room: the text is UTF-8 without a byte order
//! mark (8.1), an escaped surrogate comes in a pair (8.2), and there is a limit to the depth (9).
//! Numbers stay as they were written. Members of an object come in their order, those of the same name
//! all of them: what that means is the reader's business.
//!
//! ```
//! use scop_core::json::{Reader, Token};
//! let mut reader = Reader::new(br#"{"n": [1, -2.5e3]}"#);
//! let mut names = 0;
//! while let Some(token) = reader.read()? {
//!     match token {
//!         Token::Name(name) => names += usize::from(name.is("n")),
//!         Token::Number(number) if number.raw() == "1" => assert_eq!(number.to_u64(), Some(1)),
//!         _ => {}
//!     }
//! }
//! assert_eq!(names, 1);
//! # Ok::<(), scop_core::json::JsonError>(())
//! ```

mod text;
mod value;
mod writer;

use core::fmt;

use crate::{Cursor, ParseError};

pub use text::Text;
pub use value::{Elements, Kind, Members, Value};
pub use writer::{WriteError, Writer};

/// Objects and arrays inside one another at most, whatever limit is asked for.
pub const MAX_DEPTH: u8 = 128;

/// One piece of a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// `{`
    BeginObject,
    /// `}`
    EndObject,
    /// `[`
    BeginArray,
    /// `]`
    EndArray,
    /// The name of a member; the next token begins its value.
    Name(Text<'a>),
    /// A string.
    String(Text<'a>),
    /// A number.
    Number(Number<'a>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`
    Null,
}

/// A number as it was written.
///
/// ```text
/// number = [ minus ] int [ frac ] [ exp ]                  ; RFC 8259 6
/// int    = zero / ( digit1-9 *DIGIT )
/// frac   = decimal-point 1*DIGIT
/// exp    = e [ minus / plus ] 1*DIGIT
/// ```
///
/// Two are equal when they were written the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number<'a>(&'a str);

impl<'a> Number<'a> {
    /// Reads a number; `None` when the text is none.
    pub fn new(text: &'a str) -> Option<Self> {
        let mut cursor = Cursor::new(text.as_bytes());
        (take_number(&mut cursor) && cursor.is_at_end()).then_some(Self(text))
    }

    /// As it was written.
    pub const fn raw(&self) -> &'a str {
        self.0
    }

    /// The value, when it is written as an integer, without fraction and exponent, and fits.
    pub fn to_u64(&self) -> Option<u64> {
        self.to_i128().and_then(|number| u64::try_from(number).ok())
    }

    /// The value, when it is written as an integer, without fraction and exponent, and fits.
    pub fn to_i64(&self) -> Option<i64> {
        self.to_i128().and_then(|number| i64::try_from(number).ok())
    }

    fn to_i128(self) -> Option<i128> {
        let mut cursor = Cursor::new(self.0.as_bytes());
        let negative = cursor.skip_byte(b'-');
        let number = i128::from(cursor.take_decimal()?);
        cursor
            .is_at_end()
            .then_some(if negative { -number } else { number })
    }
}

/// Takes a number if there is one; the position is behind what belongs to it.
fn take_number(cursor: &mut Cursor<'_>) -> bool {
    let digits =
        |cursor: &mut Cursor<'_>| !cursor.take_while(|byte| byte.is_ascii_digit()).is_empty();
    cursor.skip_byte(b'-');
    if !cursor.skip_byte(b'0') && !digits(cursor) {
        return false;
    }
    if cursor.skip_byte(b'.') && !digits(cursor) {
        return false;
    }
    if cursor.skip_byte(b'e') || cursor.skip_byte(b'E') {
        let _ = cursor.skip_byte(b'-') || cursor.skip_byte(b'+');
        if !digits(cursor) {
            return false;
        }
    }
    // A digit can only follow a zero that stands first.
    !cursor.peek().is_some_and(|byte| byte.is_ascii_digit())
}

/// Reads a JSON text token by token.
///
/// ```text
/// JSON-text = ws value ws                                  ; RFC 8259 2
/// value     = false / null / true / object / array / number / string
/// object    = begin-object [ member *( value-separator member ) ] end-object
/// member    = string name-separator value
/// array     = begin-array [ value *( value-separator value ) ] end-array
/// ws        = *( %x20 / %x09 / %x0A / %x0D )
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    cursor: Cursor<'a>,
    /// Where the text begins in the one that it was taken from.
    base: usize,
    nesting: Nesting,
    max_depth: u8,
    expect: Expect,
}

/// What may come next.
#[derive(Clone, Copy, Debug)]
enum Expect {
    Value,
    /// Behind `[`.
    ValueOrEnd,
    Name,
    /// Behind `{`.
    NameOrEnd,
    /// Behind a value in an array or object.
    CommaOrEnd,
    /// Behind the value that is the text.
    Nothing,
    /// The text is broken.
    Failed(JsonError),
}

impl<'a> Reader<'a> {
    /// A reader at the start of `text`, with the greatest depth, [`MAX_DEPTH`].
    pub fn new(text: &'a [u8]) -> Self {
        Self::with_depth(text, MAX_DEPTH)
    }

    /// A reader that takes `max_depth` objects and arrays inside one another, at most [`MAX_DEPTH`].
    pub fn with_depth(text: &'a [u8], max_depth: u8) -> Self {
        Self {
            cursor: Cursor::new(text),
            base: 0,
            nesting: Nesting::default(),
            max_depth: max_depth.min(MAX_DEPTH),
            expect: Expect::Value,
        }
    }

    /// The next token; `None` at the end of the text.
    ///
    /// # Errors
    /// The rule that is broken, and where; from then on always the same.
    pub fn read(&mut self) -> Result<Option<Token<'a>>, JsonError> {
        let token = self.read_next();
        if let Err(error) = token {
            self.expect = Expect::Failed(error);
        }
        token
    }

    /// The next value whole; `None` in place of the end of an array, or at the end of the text.
    ///
    /// It is checked to its end. In an object, it is called behind each [`Token::Name`].
    ///
    /// # Errors
    /// As [`Reader::read`]; also where a name comes next ([`JsonErrorKind::ExpectedValue`]).
    pub fn read_value(&mut self) -> Result<Option<Value<'a>>, JsonError> {
        let before = *self.seek_token();
        let depth = self.nesting.depth;
        let mut token = self.read()?;
        if matches!(token, None | Some(Token::EndArray)) {
            return Ok(None);
        }
        if matches!(token, Some(Token::Name(_) | Token::EndObject)) {
            let error = JsonError::new(JsonErrorKind::ExpectedValue, before.offset());
            self.expect = Expect::Failed(error);
            return Err(error);
        }
        while self.nesting.depth > depth && token.is_some() {
            token = self.read()?;
        }
        let len = self.cursor.offset().saturating_sub(before.offset());
        let raw = before.rest().get(..len).unwrap_or_default();
        let offset = self.base.saturating_add(before.offset());
        Ok(Some(Value::checked(raw, offset)))
    }

    /// How many bytes were read.
    pub const fn offset(&self) -> usize {
        self.cursor.offset()
    }

    /// How many objects and arrays are open.
    pub const fn depth(&self) -> u8 {
        self.nesting.depth
    }

    fn skip_white(&mut self) {
        self.cursor
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    /// Moves to where the next token begins, if that is not behind a comma.
    fn seek_token(&mut self) -> &Cursor<'a> {
        self.skip_white();
        if matches!(self.expect, Expect::CommaOrEnd) && self.cursor.peek() == Some(b',') {
            self.cursor.take_byte();
            self.expect = if self.nesting.in_object() {
                Expect::Name
            } else {
                Expect::Value
            };
            self.skip_white();
        }
        &self.cursor
    }

    fn read_next(&mut self) -> Result<Option<Token<'a>>, JsonError> {
        self.seek_token();
        let at = self.cursor.offset();
        let Some(byte) = self.cursor.peek() else {
            return match self.expect {
                Expect::Nothing => Ok(None),
                Expect::Failed(error) => Err(error),
                _ => Err(JsonError::new(JsonErrorKind::Unfinished, at)),
            };
        };
        let error = |kind| Err(JsonError::new(kind, at));
        match (self.expect, byte) {
            (Expect::Failed(error), _) => Err(error),
            (Expect::Nothing, _) => error(JsonErrorKind::TrailingData),
            (Expect::ValueOrEnd | Expect::CommaOrEnd, b']') if !self.nesting.in_object() => {
                Ok(Some(self.end(Token::EndArray)))
            }
            (Expect::NameOrEnd | Expect::CommaOrEnd, b'}') if self.nesting.in_object() => {
                Ok(Some(self.end(Token::EndObject)))
            }
            (Expect::CommaOrEnd, _) => error(JsonErrorKind::ExpectedComma),
            (Expect::Name | Expect::NameOrEnd, b'"') => self.name(),
            (Expect::Name | Expect::NameOrEnd, _) => error(JsonErrorKind::ExpectedName),
            (Expect::Value | Expect::ValueOrEnd, _) => self.value(byte),
        }
    }

    fn end(&mut self, token: Token<'a>) -> Token<'a> {
        self.cursor.take_byte();
        self.nesting.pop();
        self.after_value();
        token
    }

    fn after_value(&mut self) {
        self.expect = if self.nesting.depth == 0 {
            Expect::Nothing
        } else {
            Expect::CommaOrEnd
        };
    }

    fn name(&mut self) -> Result<Option<Token<'a>>, JsonError> {
        let name = Text::take(&mut self.cursor)?;
        self.skip_white();
        let at = self.cursor.offset();
        if !self.cursor.skip_byte(b':') {
            let kind = if self.cursor.is_at_end() {
                JsonErrorKind::Unfinished
            } else {
                JsonErrorKind::ExpectedColon
            };
            return Err(JsonError::new(kind, at));
        }
        self.expect = Expect::Value;
        Ok(Some(Token::Name(name)))
    }

    fn value(&mut self, first: u8) -> Result<Option<Token<'a>>, JsonError> {
        let start = self.cursor;
        let error = |kind| Err(JsonError::new(kind, start.offset()));
        let token = match first {
            b'{' | b'[' => {
                let is_object = first == b'{';
                if self.nesting.depth >= self.max_depth {
                    return error(JsonErrorKind::TooDeep);
                }
                self.cursor.take_byte();
                self.nesting.push(is_object);
                let (token, expect) = if is_object {
                    (Token::BeginObject, Expect::NameOrEnd)
                } else {
                    (Token::BeginArray, Expect::ValueOrEnd)
                };
                self.expect = expect;
                return Ok(Some(token));
            }
            b'"' => Token::String(Text::take(&mut self.cursor)?),
            b'-' | b'0'..=b'9' => {
                if !take_number(&mut self.cursor) {
                    return error(JsonErrorKind::BadNumber);
                }
                let len = self.cursor.offset().saturating_sub(start.offset());
                let raw = start.rest().get(..len).unwrap_or_default();
                Token::Number(Number(str::from_utf8(raw).unwrap_or_default()))
            }
            b'a'..=b'z' => match self.cursor.take_while(|byte| byte.is_ascii_lowercase()) {
                b"true" => Token::Bool(true),
                b"false" => Token::Bool(false),
                b"null" => Token::Null,
                _ => return error(JsonErrorKind::ExpectedValue),
            },
            _ => return error(JsonErrorKind::ExpectedValue),
        };
        self.after_value();
        Ok(Some(token))
    }
}

/// The open objects and arrays: a bit for each, that of the innermost lowest.
#[derive(Clone, Copy, Debug, Default)]
struct Nesting {
    depth: u8,
    objects: u128,
}

impl Nesting {
    fn push(&mut self, is_object: bool) {
        self.depth = self.depth.saturating_add(1);
        self.objects = self.objects << 1 | u128::from(is_object);
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
    }

    const fn in_object(self) -> bool {
        self.objects & 1 == 1
    }
}

/// Which rule a text breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// A backslash begins no escape.
    BadEscape,
    /// A number has a leading zero, or lacks digits.
    BadNumber,
    /// A control character in a string.
    ControlCharacter,
    /// No colon behind a name.
    ExpectedColon,
    /// No comma, and no end, behind a value in an array or object.
    ExpectedComma,
    /// A member does not begin with a string.
    ExpectedName,
    /// Something that begins no value.
    ExpectedValue,
    /// An escaped surrogate without its other half.
    LoneSurrogate,
    /// A string is not UTF-8.
    NotUtf8,
    /// More objects and arrays inside one another than the limit.
    TooDeep,
    /// Something behind the value.
    TrailingData,
    /// The text ends before its value does.
    Unfinished,
}

impl fmt::Display for JsonErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadEscape => "a backslash begins no escape (RFC 8259 7)",
            Self::BadNumber => "a number has a leading zero or lacks digits (RFC 8259 6)",
            Self::ControlCharacter => "a string holds a control character (RFC 8259 7)",
            Self::ExpectedColon => "a colon follows a name (RFC 8259 4)",
            Self::ExpectedComma => "a comma or the end follows a value (RFC 8259 4, 5)",
            Self::ExpectedName => "a member begins with a string (RFC 8259 4)",
            Self::ExpectedValue => "no value begins here (RFC 8259 3)",
            Self::LoneSurrogate => "an escaped surrogate stands alone (RFC 8259 8.2)",
            Self::NotUtf8 => "a string is not UTF-8 (RFC 8259 8.1)",
            Self::TooDeep => "objects and arrays are nested beyond the limit (RFC 8259 9)",
            Self::TrailingData => "something follows the value (RFC 8259 2)",
            Self::Unfinished => "the text ends too early (RFC 8259 2)",
        })
    }
}

/// Why bytes are not JSON, and at which byte.
pub type JsonError = ParseError<JsonErrorKind>;

#[cfg(test)]
mod tests;
