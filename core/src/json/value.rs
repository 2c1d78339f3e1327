//! A value that was checked whole.

use super::{JsonError, JsonErrorKind, MAX_DEPTH, Number, Reader, Text, Token};

/// A view of a whole JSON value; what is in it is read where it stands.
///
/// To go through the members or elements reads each of them once, so to go down through `n` levels
/// reads the innermost `n` times; the depth is limited.
///
/// ```
/// use scop_core::json::Value;
/// let value = Value::parse(br#"{"a": [1, true], "b": "x"}"#)?;
/// let (name, array) = value.members().next().unwrap();
/// assert!(name.is("a"));
/// assert_eq!(array.elements().count(), 2);
/// assert_eq!(array.raw(), b"[1, true]");
/// # Ok::<(), scop_core::json::JsonError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    /// Without white space around it.
    raw: &'a [u8],
    offset: usize,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// An object; see [`Value::members`].
    Object,
    /// An array; see [`Value::elements`].
    Array,
    /// A string.
    String(Text<'a>),
    /// A number.
    Number(Number<'a>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`
    Null,
}

impl<'a> Value<'a> {
    /// Reads a JSON text.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn parse(text: &'a [u8]) -> Result<Self, JsonError> {
        Self::parse_with_depth(text, MAX_DEPTH)
    }

    /// Reads a JSON text that has at most `max_depth` objects and arrays inside one another.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn parse_with_depth(text: &'a [u8], max_depth: u8) -> Result<Self, JsonError> {
        let mut reader = Reader::with_depth(text, max_depth);
        let value = reader.read_value()?;
        reader.read()?;
        value.ok_or(JsonError::new(JsonErrorKind::Unfinished, text.len()))
    }

    /// A value that was read to its end.
    pub(super) const fn checked(raw: &'a [u8], offset: usize) -> Self {
        Self { raw, offset }
    }

    /// As it was written, without white space around it.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The byte at which it begins in the text that was read.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// What it is.
    pub fn kind(&self) -> Kind<'a> {
        match Reader::new(self.raw).read() {
            Ok(Some(Token::BeginObject)) => Kind::Object,
            Ok(Some(Token::BeginArray)) => Kind::Array,
            Ok(Some(Token::String(text))) => Kind::String(text),
            Ok(Some(Token::Number(number))) => Kind::Number(number),
            Ok(Some(Token::Bool(value))) => Kind::Bool(value),
            _ => Kind::Null,
        }
    }

    /// The string that it is.
    pub fn text(&self) -> Option<Text<'a>> {
        match self.kind() {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number that it is.
    pub fn number(&self) -> Option<Number<'a>> {
        match self.kind() {
            Kind::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The members of an object in their order, those of the same name all of them; none when it is no
    /// object.
    pub fn members(&self) -> Members<'a> {
        Members(self.inside(Token::BeginObject))
    }

    /// The elements of an array; none when it is no array.
    pub fn elements(&self) -> Elements<'a> {
        Elements(self.inside(Token::BeginArray))
    }

    fn inside(&self, begin: Token<'_>) -> Option<Reader<'a>> {
        let mut reader = Reader::new(self.raw);
        reader.base = self.offset;
        (reader.read() == Ok(Some(begin))).then_some(reader)
    }
}

/// Iterates over the members of an object.
#[derive(Clone, Debug)]
pub struct Members<'a>(Option<Reader<'a>>);

impl<'a> Iterator for Members<'a> {
    type Item = (Text<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.0.as_mut()?;
        let member = match reader.read() {
            Ok(Some(Token::Name(name))) => {
                let value = reader.read_value().ok().flatten();
                value.map(|value| (name, value))
            }
            _ => None,
        };
        if member.is_none() {
            self.0 = None;
        }
        member
    }
}

/// Iterates over the elements of an array.
#[derive(Clone, Debug)]
pub struct Elements<'a>(Option<Reader<'a>>);

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let value = self.0.as_mut()?.read_value().ok().flatten();
        if value.is_none() {
            self.0 = None;
        }
        value
    }
}
