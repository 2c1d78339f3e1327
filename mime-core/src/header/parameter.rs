//! Parameters of MIME fields (RFC 2045 5.1), and their continuations, character sets and languages
//! (RFC 2231 3, 4).
//!
//! Two layers. [`Parameters::sections`] gives what is written, piece by piece, in order. On top,
//! [`Parameters::get`] gives the parameter that is meant.
//!
//! Reading goes on behind what is malformed, by fixed rules, and says what was wrong first:
//!
//! - A value without quotes that is no token runs to the next `;`, without the white space before it:
//!   `name=a b.txt`, `boundary==_x`. Comments in it are part of it.
//! - A quoted string or a comment that is not closed runs to the end.
//! - Text behind a quoted string is skipped up to the next `;`.
//! - Text that begins like a parameter, behind a value and white space, is one: its `;` is missing.
//! - A section without `=` has no value, and [`Parameters::get`] passes over it.
//! - A name whose `*` is not that of RFC 2231 is a plain name.
//!
//! Which of several wins: a form of RFC 2231 over the plain one (as RFC 6266 4.3 has it), and of the
//! same form the first. A continuation that is missing ends the value. At most [`MAX_SECTIONS`]
//! sections of a field are looked at.
//!
//! No function panics, whatever the bytes; time is linear in their number.
//!
//! ```
//! use scop_mime_core::header::parameter::Parameters;
//!
//! let (parameters, error) = Parameters::recover(b"; charset=utf-8; URL*0=\"ftp://\"; url*1=\"a.example\"");
//! assert_eq!(error, None);
//! assert!(parameters.get(b"charset").unwrap().is(b"utf-8"));
//! assert!(parameters.get(b"url").unwrap().is(b"ftp://a.example"));
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::encoded_word::is_like_encoded_word;
use super::lexical::{Text, display, emit_quoted};
use crate::limits::Limits;

mod logical;
pub(crate) mod read;
#[cfg(test)]
mod tests;
mod write;

pub use logical::{Parameter, ParameterText, ParameterTextError};
use read::{Reader, is_token_byte};
pub use write::{WriteParameterError, emit_parameter};

/// How many sections of a field are looked at: a reader holds their positions in fixed memory.
/// [`Limits::parameters`] can lower it.
pub const MAX_SECTIONS: usize = 128;

/// Which rule a parameter breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterErrorKind {
    /// Nothing behind a semicolon.
    Empty,
    /// No semicolon before a parameter.
    NoSemicolon,
    /// A parameter without a name.
    NoName,
    /// A name that is no token.
    BadName,
    /// A name with an `*` that is not that of RFC 2231.
    BadSection,
    /// A name without `=`.
    NoEquals,
    /// Nothing behind `=`.
    NoValue,
    /// A value that is neither a token nor a quoted string.
    BadValue,
    /// Text between a quoted string and the next semicolon.
    TextAfterValue,
    /// A quoted string without its closing quote.
    UnclosedQuotedString,
    /// A comment without its last parenthesis.
    UnclosedComment,
    /// NUL, or CR or LF that are not part of a fold.
    StrayControl,
    /// Octets above 127 that are not UTF-8.
    NotUtf8,
    /// An extended value in quotes.
    QuotedExtended,
    /// An extended value without its character set and language.
    NoCharset,
    /// A `%` in an extended value without two hexadecimal digits.
    BadPercent,
    /// More sections than the limit.
    TooMany,
}

impl fmt::Display for ParameterErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "no parameter behind a semicolon (RFC 2045 5.1)",
            Self::NoSemicolon => "no semicolon before a parameter (RFC 2045 5.1)",
            Self::NoName => "a parameter has no name (RFC 2045 5.1)",
            Self::BadName => "the name of a parameter is no token (RFC 2045 5.1)",
            Self::BadSection => "the \"*\" in the name of a parameter is misplaced (RFC 2231 7)",
            Self::NoEquals => "a parameter has no \"=\" (RFC 2045 5.1)",
            Self::NoValue => "a parameter has no value (RFC 2045 5.1)",
            Self::BadValue => "a value is neither a token nor a quoted string (RFC 2045 5.1)",
            Self::TextAfterValue => "text between a value and the next semicolon (RFC 2045 5.1)",
            Self::UnclosedQuotedString => "a quoted string is not closed (RFC 5322 3.2.4)",
            Self::UnclosedComment => "a comment is not closed (RFC 5322 3.2.2)",
            Self::StrayControl => "NUL, or CR or LF outside a fold (RFC 5322 3.2.2, 4.1)",
            Self::NotUtf8 => "octets above 127 that are not UTF-8 (RFC 6532 3.2)",
            Self::QuotedExtended => "an extended value is in quotes (RFC 2231 7)",
            Self::NoCharset => "an extended value has no character set and language (RFC 2231 4)",
            Self::BadPercent => "\"%\" without two hexadecimal digits (RFC 2231 7)",
            Self::TooMany => "more parameters than the limit",
        })
    }
}

/// What is wrong with a parameter; the offset counts from the start of the field's value.
pub type ParameterError = ParseError<ParameterErrorKind>;

/// The parameters of one field.
///
/// ```text
/// parameters            = *([CFWS] ";" [CFWS] parameter) [CFWS]        ; RFC 2045 5.1
/// parameter             = regular-parameter / extended-parameter       ; RFC 2231 7
/// regular-parameter     = regular-parameter-name "=" value
/// regular-parameter-name = attribute [section]
/// attribute             = 1*attribute-char
/// attribute-char        = <any (US-ASCII) CHAR except SPACE, CTLs, "*", "'", "%", or tspecials>
/// section               = "*0" / ("*" ("1"-"9") *DIGIT)
/// extended-parameter    = (attribute ["*0"] "*" "=" extended-initial-value)
///                       / (attribute "*" ("1"-"9") *DIGIT "*" "=" extended-other-values)
/// extended-initial-value = [charset] "'" [language] "'" extended-other-values
/// extended-other-values = *(ext-octet / attribute-char)
/// ext-octet             = "%" 2HEXDIG
/// value                 = token / quoted-string                        ; RFC 2045 5.1
/// ```
///
/// White space and comments may stand around every token (RFC 2045 5.1, RFC 822 3.1.4). `'` and `%` are
/// allowed in a name, as RFC 2045 has it.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<'a> {
    /// The value of the field, for offsets; the parameters begin at `start`.
    value: &'a [u8],
    start: usize,
    limit: usize,
}

impl<'a> Parameters<'a> {
    /// Reads text that begins with `;`, white space or a comment, or is empty.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(text: &'a [u8]) -> Result<Self, ParameterError> {
        match Self::recover(text) {
            (parameters, None) => Ok(parameters),
            (_, Some(error)) => Err(error),
        }
    }

    /// Reads any text, and says what is wrong first.
    pub fn recover(text: &'a [u8]) -> (Self, Option<ParameterError>) {
        let mut reader = Reader::new(Cursor::new(text));
        reader.gap();
        if !reader.is_at_boundary() {
            reader.note(ParameterErrorKind::NoSemicolon, reader.cursor.offset());
        }
        let parameters = Self::take(text, &mut reader, &Limits::DEFAULT);
        (parameters, reader.error)
    }

    /// Reads `value` from the position of `reader` to the end.
    pub(crate) fn take(value: &'a [u8], reader: &mut Reader<'a>, limits: &Limits) -> Self {
        let parameters = Self {
            value,
            start: reader.cursor.offset(),
            limit: limits.parameters.min(MAX_SECTIONS),
        };
        let mut count: usize = 0;
        while let Some(section) = reader.section() {
            count = count.saturating_add(1);
            if count > parameters.limit {
                reader.note(ParameterErrorKind::TooMany, section.offset);
                break;
            }
        }
        parameters
    }

    /// Those of `value` that begin at `start`; they must be well formed.
    pub(crate) const fn at(value: &'a [u8], start: usize) -> Self {
        Self {
            value,
            start,
            limit: MAX_SECTIONS,
        }
    }

    /// From the first semicolon to the end of the field's value.
    pub fn raw(&self) -> &'a [u8] {
        Cursor::at(self.value, self.start).rest()
    }

    /// What is written, in order; also beyond the limit.
    pub fn sections(&self) -> Sections<'a> {
        Sections {
            reader: Reader::new(Cursor::at(self.value, self.start)),
        }
    }

    /// The sections within the limit, without their errors.
    fn bounded(&self) -> impl Iterator<Item = Section<'a>> + use<'a> {
        let mut reader = Reader::new(Cursor::at(self.value, self.start));
        core::iter::from_fn(move || reader.section()).take(self.limit)
    }

    /// The parameter with this name, without regard to ASCII case; the module says which one wins.
    pub fn get(&self, name: &[u8]) -> Option<Parameter<'a>> {
        Parameter::find(*self, name)
    }
}

/// In canonical form, each behind `; `; what has no value is left out.
impl Emit for Parameters<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        for section in self.sections() {
            if let Some(value) = section.value.filter(|_| !section.written_name.is_empty()) {
                sink.put(b"; ")?;
                sink.put(section.written_name)?;
                sink.put_byte(b'=')?;
                // An extended value is never in quotes (RFC 2231 7), also when it is empty.
                if !(section.extended && value.raw.is_empty()) {
                    value.emit(sink)?;
                }
            }
        }
        Ok(())
    }
}

/// The sections of a field, in order.
#[derive(Clone, Debug)]
pub struct Sections<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for Sections<'a> {
    type Item = Section<'a>;

    fn next(&mut self) -> Option<Section<'a>> {
        self.reader.error = None;
        self.reader.separator();
        let before = self.reader.error.take();
        let mut section = self.reader.section()?;
        // An empty parameter hides nothing of the one behind it.
        section.error = match (before, self.reader.error) {
            (Some(empty), Some(error)) if empty.kind() == ParameterErrorKind::Empty => Some(error),
            (before, error) => before.or(error),
        };
        Some(section)
    }
}

/// One `name=value` as written: a parameter, or a piece of one.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a> {
    raw: &'a [u8],
    offset: usize,
    written_name: &'a [u8],
    name: &'a [u8],
    number: Option<u32>,
    extended: bool,
    value: Option<Value<'a>>,
    error: Option<ParameterError>,
}

impl<'a> Section<'a> {
    /// Takes the name apart.
    #[inline]
    fn new(written_name: &'a [u8], offset: usize) -> Self {
        let mut section = Self {
            raw: written_name,
            offset,
            written_name,
            name: written_name,
            number: None,
            extended: false,
            value: None,
            error: None,
        };
        // Names are short.
        if let Some(star) = written_name.iter().position(|&byte| byte == b'*') {
            section.split_name(star);
        }
        section
    }

    /// Takes off what stands from the first `*`, if that is of RFC 2231.
    fn split_name(&mut self, star: usize) {
        let Some((name, suffix)) = self.written_name.split_at_checked(star) else {
            return;
        };
        let (number, extended) = match suffix {
            [b'*'] => (None, true),
            [b'*', digits @ .., b'*'] => (section_number(digits), true),
            [b'*', digits @ ..] => (section_number(digits), false),
            _ => return,
        };
        if !name.is_empty() && (number.is_some() || suffix == b"*") {
            self.name = name;
            self.number = number;
            self.extended = extended;
        }
    }

    /// From the name to before the next semicolon, without the white space there.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The byte of the field's value at which it begins.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The name as written, without what RFC 2231 adds: `title` of `title*0*`.
    pub const fn name(&self) -> &'a [u8] {
        self.name
    }

    /// Which piece of the value it is (RFC 2231 3): 0 of `title*0*`.
    pub const fn number(&self) -> Option<u32> {
        self.number
    }

    /// Whether the name ends with `*`, so that `%` has a meaning in the value (RFC 2231 4).
    pub const fn is_extended(&self) -> bool {
        self.extended
    }

    /// What stands behind `=`; `None` without that.
    pub const fn value(&self) -> Option<Value<'a>> {
        self.value
    }

    /// The first rule that is broken in or right before it.
    pub const fn error(&self) -> Option<ParameterError> {
        self.error
    }

    /// Whether the name holds an `*` that is not that of RFC 2231.
    fn is_bad_name(&self) -> bool {
        self.name.len() == self.written_name.len() && self.name.contains(&b'*')
    }

    /// Whether it can be (a piece of) the parameter `name`.
    fn is_of(&self, name: &[u8]) -> bool {
        self.value.is_some() && !name.is_empty() && self.name.eq_ignore_ascii_case(name)
    }
}

/// ```text
/// section = "*0" / ("*" ("1"-"9") *DIGIT)                              ; RFC 2231 7
/// ```
fn section_number(digits: &[u8]) -> Option<u32> {
    let mut cursor = Cursor::new(digits);
    let number = cursor.take_decimal()?;
    let canonical = digits.len() == 1 || digits.first() != Some(&b'0');
    if !canonical || !cursor.is_at_end() {
        return None;
    }
    u32::try_from(number).ok()
}

/// A value as written: a token, a quoted string, or what is neither.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    raw: &'a [u8],
    offset: usize,
    form: Form,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Token,
    /// A quoted string that means what stands between its quotes.
    PlainQuoted,
    /// A quoted string with backslashes or folds.
    Quoted,
    /// One without its closing quote.
    Unclosed,
    /// Neither token nor quoted string.
    Other,
}

impl<'a> Value<'a> {
    /// As written, with quotes, backslashes and folds.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The byte of the field's value at which it begins.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Whether it is a quoted string, closed or not.
    pub const fn is_quoted(&self) -> bool {
        matches!(self.form, Form::PlainQuoted | Form::Quoted | Form::Unclosed)
    }

    /// The text in one piece, where it is one: a token, or a quoted string without backslashes and folds.
    pub const fn plain(&self) -> Option<&'a [u8]> {
        match (self.form, self.raw) {
            (Form::Token, token) => Some(token),
            (Form::PlainQuoted, [b'"', inner @ .., b'"']) => Some(inner),
            _ => None,
        }
    }

    /// Whether programs that look for encoded words everywhere find one (RFC 2047 5 forbids it).
    pub fn has_encoded_word(&self) -> bool {
        is_like_encoded_word(self.text())
    }

    /// Without quotes, backslashes and folds. Percent-encoding stays.
    pub fn text(&self) -> Text<'a> {
        if self.is_quoted() {
            Text::joined(self.raw)
        } else {
            Text::verbatim(self.raw)
        }
    }
}

/// In canonical form: a token where it is one, else a quoted string.
impl Emit for Value<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let text = self.text();
        if !self.raw.is_empty() && text.clone().all(is_token_byte) && text.clone().next().is_some()
        {
            text.emit(sink)
        } else {
            emit_quoted(text.runs(), sink)
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(&self.text(), f)
    }
}
