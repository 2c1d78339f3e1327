//! The parameter that is meant: pieces joined, percent-encoding undone (RFC 2231 3, 4).

use core::fmt;

use memchr::memchr;
use scop_core::{Counter, Cursor, Emit, Full, Sink};

use super::read::Reader;
use super::{Form, MAX_SECTIONS, Parameters, Section};
use crate::charset::{Charset, CharsetDecoder};
use crate::header::encoded_word::{Compare, DecodedText, Place, Printable};
use crate::header::lexical::display;

/// A parameter: one section, or several that continue one another.
#[derive(Clone, Copy, Debug)]
pub struct Parameter<'a> {
    parameters: Parameters<'a>,
    /// The section without number, or with number 0.
    first: Section<'a>,
}

impl<'a> Parameter<'a> {
    pub(super) fn find(parameters: Parameters<'a>, name: &[u8]) -> Option<Self> {
        let mut plain = None;
        for section in parameters.bounded().filter(|section| section.is_of(name)) {
            match (section.number, section.extended) {
                (None, true) | (Some(0), _) => {
                    return Some(Self {
                        parameters,
                        first: section,
                    });
                }
                (None, false) => {
                    plain.get_or_insert(section);
                }
                (Some(_), _) => {}
            }
        }
        plain.map(|first| Self { parameters, first })
    }

    /// The first piece: all of the parameter, unless it has a number.
    pub const fn first(&self) -> Section<'a> {
        self.first
    }

    /// The name as written in the first piece.
    pub const fn name(&self) -> &'a [u8] {
        self.first.name
    }

    /// The name of the character set (RFC 2231 4); `None` where there is none or an empty one.
    pub fn charset(&self) -> Option<&'a [u8]> {
        let (charset, _) = charset_and_language(&self.first)?;
        Some(charset).filter(|charset| !charset.is_empty())
    }

    /// The language tag (RFC 2231 4); `None` where there is none or an empty one.
    pub fn language(&self) -> Option<&'a [u8]> {
        let (_, language) = charset_and_language(&self.first)?;
        Some(language).filter(|language| !language.is_empty())
    }

    /// Writes the octets that are meant: quotes, backslashes, folds and percent-encoding removed, the
    /// pieces joined. They are in [`Self::charset`], and may be any octets.
    ///
    /// # Errors
    /// `Full` when the sink cannot take them.
    pub fn octets<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        if self.first.number.is_none() {
            put_octets(&self.first, sink)
        } else {
            self.joined_octets(sink)
        }
    }

    /// [`Self::octets`] of what has several sections.
    fn joined_octets<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        // Where the section with each number begins, plus one.
        let mut places = [0_usize; MAX_SECTIONS];
        for section in self.parameters.bounded() {
            if !section.is_of(self.first.name) {
                continue;
            }
            let number = section
                .number
                .and_then(|number| usize::try_from(number).ok());
            if let Some(place) = number.and_then(|number| places.get_mut(number))
                && *place == 0
            {
                *place = section.offset.saturating_add(1);
            }
        }
        for place in places {
            let Some(offset) = place.checked_sub(1) else {
                break;
            };
            let mut reader = Reader::new(Cursor::at(self.parameters.value, offset));
            if let Some(section) = reader.section() {
                put_octets(&section, sink)?;
            }
        }
        Ok(())
    }

    /// Whether the octets are `bytes`.
    pub fn is(&self, bytes: &[u8]) -> bool {
        self.matches(bytes, <[u8]>::eq)
    }

    /// Whether the octets are `bytes`, without regard to ASCII case.
    pub fn is_ignore_case(&self, bytes: &[u8]) -> bool {
        self.matches(bytes, <[u8]>::eq_ignore_ascii_case)
    }

    /// The text that is meant, in UTF-8.
    pub const fn value(&self) -> ParameterText<'a> {
        ParameterText { parameter: *self }
    }

    /// The text that is meant by those who write encoded words in parameters, which RFC 2047 5 forbids
    /// and much mail does: `filename="=?utf-8?Q?caf=C3=A9?="`. `None` where the parameter is written in
    /// a form of RFC 2231, or nothing in it looks like an encoded word. A word that cannot be decoded
    /// stays as written.
    pub fn value_with_encoded_words(&self) -> Option<DecodedText<'a>> {
        if self.first.extended || self.first.number.is_some() {
            return None;
        }
        let value = self.first.value?;
        value.has_encoded_word().then(|| {
            let inner = match (value.form, value.raw) {
                (Form::PlainQuoted | Form::Quoted, [b'"', inner @ .., b'"'])
                | (Form::Unclosed, [b'"', inner @ ..])
                | (_, inner) => inner,
            };
            DecodedText::new(inner, Place::Value)
        })
    }

    fn matches(&self, bytes: &[u8], equal: fn(&[u8], &[u8]) -> bool) -> bool {
        let mut rest = Matching { rest: bytes, equal };
        self.octets(&mut rest).is_ok() && rest.rest.is_empty()
    }
}

/// The text of a parameter: the octets that are meant, read in their character set.
///
/// Without a character set they are UTF-8. Octets that the character set does not have are U+FFFD, as are
/// all octets above 127 in a character set that is not known; [`Self::error`] tells of both. The text
/// holds no control character but TAB: each other one becomes U+FFFD.
///
/// A file name is text from a stranger: it can hold path separators, and characters that change the
/// direction of writing.
#[derive(Clone, Copy, Debug)]
pub struct ParameterText<'a> {
    parameter: Parameter<'a>,
}

impl ParameterText<'_> {
    /// Whether the text is `text`.
    pub fn is(&self, text: &str) -> bool {
        let mut compare = Compare(Cursor::new(text.as_bytes()));
        self.emit(&mut compare).is_ok() && compare.0.is_at_end()
    }

    /// Why it is not the text that was meant.
    pub fn error(&self) -> Option<ParameterTextError> {
        let label = self.parameter.charset();
        if label.is_some_and(|label| Charset::of_label(label).is_none()) {
            return Some(ParameterTextError::UnknownCharset);
        }
        // A counter is never full.
        let had_errors = self.decode(&mut Counter::default()).unwrap_or_default();
        had_errors.then_some(ParameterTextError::NotInCharset)
    }

    /// Also says whether there were octets that the character set does not have.
    fn decode<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<bool, Full> {
        let charset = self.parameter.charset().map_or(Charset::UTF_8, |label| {
            Charset::of_label(label).unwrap_or(Charset::US_ASCII)
        });
        let mut sink = Decoding {
            decoder: CharsetDecoder::new(charset),
            sink: Printable(sink),
        };
        self.parameter.octets(&mut sink)?;
        sink.decoder.finish(&mut sink.sink)?;
        Ok(sink.decoder.had_errors())
    }
}

/// Written as it reads, without any quoting. Not for use inside a header field.
impl Emit for ParameterText<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        self.decode(sink).map(drop)
    }
}

impl fmt::Display for ParameterText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// Why a text is not the one that was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterTextError {
    /// Nobody here knows the character set.
    UnknownCharset,
    /// Octets that the character set does not have.
    NotInCharset,
}

impl fmt::Display for ParameterTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownCharset => "the character set of a parameter is not known (RFC 2231 4)",
            Self::NotInCharset => "octets that are not of the character set (RFC 2231 4)",
        })
    }
}

impl core::error::Error for ParameterTextError {}

/// Decodes what is put.
struct Decoding<'s, S: ?Sized> {
    decoder: CharsetDecoder,
    sink: Printable<'s, S>,
}

impl<S: Sink + ?Sized> Sink for Decoding<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.decoder.put(bytes, &mut self.sink)
    }
}

/// Takes nothing but the expected bytes.
struct Matching<'b> {
    rest: &'b [u8],
    equal: fn(&[u8], &[u8]) -> bool,
}

impl Sink for Matching<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let (due, rest) = self.rest.split_at_checked(bytes.len()).ok_or(Full)?;
        if !(self.equal)(due, bytes) {
            return Err(Full);
        }
        self.rest = rest;
        Ok(())
    }
}

/// What stands before the two apostrophes of an initial extended value.
fn charset_and_language<'a>(section: &Section<'a>) -> Option<(&'a [u8], &'a [u8])> {
    if !section.extended || section.number.unwrap_or(0) != 0 {
        return None;
    }
    let raw = section.value?.raw();
    let inner = raw.strip_prefix(b"\"").unwrap_or(raw);
    let (charset, rest) = inner.split_at_checked(memchr(b'\'', inner)?)?;
    let rest = rest.get(1..)?;
    let language = rest.get(..memchr(b'\'', rest)?)?;
    Some((charset, language))
}

fn put_octets<S: Sink + ?Sized>(section: &Section<'_>, sink: &mut S) -> Result<(), Full> {
    let Some(value) = section.value else {
        return Ok(());
    };
    if let (false, Some(text)) = (section.extended, value.plain()) {
        return sink.put(text);
    }
    let mut apostrophes_due = if charset_and_language(section).is_some() {
        2
    } else {
        0
    };
    for mut run in value.text().runs() {
        while apostrophes_due > 0 {
            let Some(at) = memchr(b'\'', run) else {
                run = &[];
                break;
            };
            run = run.get(at.saturating_add(1)..).unwrap_or_default();
            apostrophes_due -= 1;
        }
        if section.extended {
            put_decoded(run, sink)?;
        } else {
            sink.put(run)?;
        }
    }
    Ok(())
}

/// Writes `text` with its percent-encoding undone; also says whether all of that is well formed. What
/// is not stays as written.
pub(super) fn put_decoded<S: Sink + ?Sized>(text: &[u8], sink: &mut S) -> Result<bool, Full> {
    let mut cursor = Cursor::new(text);
    let mut well_formed = true;
    loop {
        sink.put(cursor.take_while(|byte| byte != b'%'))?;
        if cursor.take_byte().is_none() {
            return Ok(well_formed);
        }
        let mut ahead = cursor;
        let octet = ahead
            .take_array()
            .and_then(|[high, low]| Some(hex_digit(high)?.wrapping_shl(4) | hex_digit(low)?));
        if let Some(octet) = octet {
            cursor = ahead;
            sink.put_byte(octet)?;
        } else {
            well_formed = false;
            sink.put_byte(b'%')?;
        }
    }
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte & 0xf),
        b'a'..=b'f' | b'A'..=b'F' => Some((byte & 0xf).wrapping_add(9)),
        _ => None,
    }
}
