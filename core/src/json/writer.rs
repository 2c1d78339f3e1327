//! Writing JSON.

use core::fmt;

use super::{MAX_DEPTH, Nesting, Number, Token};
use crate::{Emit, Full, Sink};

/// Writes one JSON text into a sink, without white space.
///
/// Only what must be escaped is, in the shortest way (RFC 8259 7). A call that would not make a JSON
/// text is refused and writes nothing. Once the output is void, because the sink was full or a string
/// was not UTF-8, all that follows is refused.
///
/// ```
/// use scop_core::{SliceSink, json::Writer};
/// let mut buffer = [0; 64];
/// let mut sink = SliceSink::new(&mut buffer);
/// let mut writer = Writer::new(&mut sink);
/// writer.begin_object()?;
/// writer.name("a\n")?;
/// writer.begin_array()?;
/// writer.unsigned(1)?;
/// writer.string("\u{e9}")?;
/// writer.end()?;
/// writer.end()?;
/// writer.finish()?;
/// assert_eq!(sink.written(), r#"{"a\n":[1,"é"]}"#.as_bytes());
/// # Ok::<(), scop_core::json::WriteError>(())
/// ```
#[derive(Debug)]
pub struct Writer<S> {
    sink: S,
    nesting: Nesting,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the start, or behind `{` or `[`.
    First,
    /// Behind a value in an object or array.
    Next,
    /// Behind a name.
    Named,
    /// The text is complete.
    Done,
    /// The output is void.
    Void,
}

/// Why something was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WriteError {
    /// The sink is full; the output is void.
    Full,
    /// A string is not UTF-8; the output is void.
    NotUtf8,
    /// It would not be a JSON text: a value without a name in an object, a name where none belongs, a
    /// second value, an end of nothing, or a text that is not complete.
    Order,
    /// More objects and arrays inside one another than [`MAX_DEPTH`].
    TooDeep,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => Full.fmt(f),
            Self::NotUtf8 => f.write_str("a string is not UTF-8 (RFC 8259 8.1)"),
            Self::Order => f.write_str("this does not belong here (RFC 8259 2)"),
            Self::TooDeep => f.write_str("objects and arrays are nested beyond the limit"),
        }
    }
}

impl core::error::Error for WriteError {}

impl From<Full> for WriteError {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

impl<S: Sink> Writer<S> {
    /// A writer of one text.
    pub fn new(sink: S) -> Self {
        Self {
            sink,
            nesting: Nesting::default(),
            state: State::First,
        }
    }

    /// Opens an object.
    ///
    /// # Errors
    /// See [`WriteError`], here and in what follows.
    pub fn begin_object(&mut self) -> Result<(), WriteError> {
        self.begin(b'{')
    }

    /// Opens an array.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn begin_array(&mut self) -> Result<(), WriteError> {
        self.begin(b'[')
    }

    /// Closes the innermost object or array.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn end(&mut self) -> Result<(), WriteError> {
        if self.nesting.depth == 0 || matches!(self.state, State::Named | State::Void) {
            return Err(WriteError::Order);
        }
        let mark = if self.nesting.in_object() { b'}' } else { b']' };
        self.put(&[mark])?;
        self.nesting.pop();
        self.after_value();
        Ok(())
    }

    /// Writes the name of a member.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn name(&mut self, name: &str) -> Result<(), WriteError> {
        self.name_of(&Plain(name))
    }

    /// Writes what `name` emits, which must be UTF-8, as the name of a member.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn name_of<E: Emit + ?Sized>(&mut self, name: &E) -> Result<(), WriteError> {
        match self.state {
            State::First | State::Next if !self.nesting.in_object() => {
                return Err(WriteError::Order);
            }
            State::First => {}
            State::Next => self.put(b",")?,
            State::Named | State::Done | State::Void => return Err(WriteError::Order),
        }
        self.quoted(name)?;
        self.put(b":")?;
        self.state = State::Named;
        Ok(())
    }

    /// Writes a string.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn string(&mut self, text: &str) -> Result<(), WriteError> {
        self.string_of(&Plain(text))
    }

    /// Writes what `value` emits, which must be UTF-8, as a string.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn string_of<E: Emit + ?Sized>(&mut self, value: &E) -> Result<(), WriteError> {
        self.before_value()?;
        self.quoted(value)?;
        self.after_value();
        Ok(())
    }

    /// Writes a number as it is.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn number(&mut self, number: Number<'_>) -> Result<(), WriteError> {
        self.plain(number.raw().as_bytes())
    }

    /// Writes an integer.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn unsigned(&mut self, number: u64) -> Result<(), WriteError> {
        self.decimal(b"", number)
    }

    /// Writes an integer.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn integer(&mut self, number: i64) -> Result<(), WriteError> {
        let sign: &[u8] = if number < 0 { b"-" } else { b"" };
        self.decimal(sign, number.unsigned_abs())
    }

    /// Writes `true` or `false`.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn boolean(&mut self, value: bool) -> Result<(), WriteError> {
        self.plain(if value { b"true" } else { b"false" })
    }

    /// Writes `null`.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn null(&mut self) -> Result<(), WriteError> {
        self.plain(b"null")
    }

    /// Writes a token that was read.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn token(&mut self, token: Token<'_>) -> Result<(), WriteError> {
        match token {
            Token::BeginObject => self.begin_object(),
            Token::BeginArray => self.begin_array(),
            Token::EndObject if !self.nesting.in_object() => Err(WriteError::Order),
            Token::EndArray if self.nesting.in_object() => Err(WriteError::Order),
            Token::EndObject | Token::EndArray => self.end(),
            Token::Name(name) => self.name_of(&name),
            Token::String(text) => self.string_of(&text),
            Token::Number(number) => self.number(number),
            Token::Bool(value) => self.boolean(value),
            Token::Null => self.null(),
        }
    }

    /// Ends the text, and hands the sink back.
    ///
    /// # Errors
    /// [`WriteError::Order`] when the text is not complete.
    pub fn finish(self) -> Result<S, WriteError> {
        match self.state {
            State::Done => Ok(self.sink),
            _ => Err(WriteError::Order),
        }
    }

    fn begin(&mut self, mark: u8) -> Result<(), WriteError> {
        if self.nesting.depth >= MAX_DEPTH {
            return Err(WriteError::TooDeep);
        }
        self.before_value()?;
        self.put(&[mark])?;
        self.nesting.push(mark == b'{');
        self.state = State::First;
        Ok(())
    }

    /// Writes a value that needs no escaping.
    fn plain(&mut self, text: &[u8]) -> Result<(), WriteError> {
        self.before_value()?;
        self.put(text)?;
        self.after_value();
        Ok(())
    }

    fn decimal(&mut self, sign: &[u8], number: u64) -> Result<(), WriteError> {
        self.before_value()?;
        self.put(sign)?;
        let written = self.sink.put_decimal(number);
        self.written(written.map_err(WriteError::from))?;
        self.after_value();
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let written = self.sink.put(bytes);
        self.written(written.map_err(WriteError::from))
    }

    /// After a failure the output is void.
    fn written(&mut self, written: Result<(), WriteError>) -> Result<(), WriteError> {
        if written.is_err() {
            self.state = State::Void;
        }
        written
    }

    fn before_value(&mut self) -> Result<(), WriteError> {
        match (self.state, self.nesting.in_object()) {
            (State::Done | State::Void, _) | (State::First | State::Next, true) => {
                Err(WriteError::Order)
            }
            (State::Next, false) => self.put(b","),
            (State::First, false) | (State::Named, _) => Ok(()),
        }
    }

    fn after_value(&mut self) {
        self.state = if self.nesting.depth == 0 {
            State::Done
        } else {
            State::Next
        };
    }

    fn quoted<E: Emit + ?Sized>(&mut self, value: &E) -> Result<(), WriteError> {
        self.put(b"\"")?;
        let mut escape = Escape {
            sink: &mut self.sink,
            utf8: Utf8::default(),
            is_bad: false,
        };
        let emitted = value.emit(&mut escape);
        let written = if escape.is_bad || (emitted.is_ok() && escape.utf8.missing > 0) {
            Err(WriteError::NotUtf8)
        } else {
            emitted.map_err(WriteError::from)
        };
        self.written(written)?;
        self.put(b"\"")
    }
}

struct Plain<'a>(&'a str);

impl Emit for Plain<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.0.as_bytes())
    }
}

/// Escapes what goes through it, and checks that it is UTF-8.
struct Escape<'s, S> {
    sink: &'s mut S,
    utf8: Utf8,
    is_bad: bool,
}

impl<S: Sink> Sink for Escape<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let plain = rest
                .iter()
                .position(|&byte| {
                    self.is_bad |= !self.utf8.take(byte);
                    self.is_bad || matches!(byte, b'"' | b'\\' | ..b' ')
                })
                .unwrap_or(rest.len());
            if self.is_bad {
                return Err(Full);
            }
            let (head, tail) = rest.split_at_checked(plain).unwrap_or((rest, b""));
            if !head.is_empty() {
                self.sink.put(head)?;
            }
            let Some((&byte, tail)) = tail.split_first() else {
                break;
            };
            let letter = match byte {
                b'"' | b'\\' => byte,
                0x8 => b'b',
                0xc => b'f',
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                _ => 0,
            };
            if letter != 0 {
                self.sink.put(&[b'\\', letter])?;
            } else {
                let digit = byte & 15;
                let digit = digit + if digit < 10 { b'0' } else { b'a' - 10 };
                self.sink
                    .put(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), digit])?;
            }
            rest = tail;
        }
        Ok(())
    }
}

/// Where in a character the bytes stand (RFC 3629 4).
#[derive(Clone, Copy, Debug, Default)]
struct Utf8 {
    missing: u8,
    /// The least and the greatest next byte.
    next: (u8, u8),
}

impl Utf8 {
    fn take(&mut self, byte: u8) -> bool {
        if self.missing > 0 {
            let (least, greatest) = self.next;
            self.missing -= 1;
            self.next = (0x80, 0xbf);
            return (least..=greatest).contains(&byte);
        }
        (self.missing, self.next) = match byte {
            ..0x80 => (0, (0, 0)),
            0xc2..=0xdf => (1, (0x80, 0xbf)),
            0xe0 => (2, (0xa0, 0xbf)),
            0xed => (2, (0x80, 0x9f)),
            0xe1..=0xef => (2, (0x80, 0xbf)),
            0xf0 => (3, (0x90, 0xbf)),
            0xf1..=0xf3 => (3, (0x80, 0xbf)),
            0xf4 => (3, (0x80, 0x8f)),
            _ => return false,
        };
        true
    }
}
