//! Strings (RFC 8259 7).

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

use super::{JsonError, JsonErrorKind};
use crate::{Cursor, Emit, FmtSink, Full, Sink};

/// A string, still escaped; what it stands for is written by [`Emit`], as UTF-8.
///
/// ```text
/// string    = quotation-mark *char quotation-mark          ; RFC 8259 7
/// char      = unescaped / escape ( %x22 / %x5C / %x2F / %x62 / %x66 / %x6E / %x72 / %x74 /
///             %x75 4HEXDIG )
/// unescaped = %x20-21 / %x23-5B / %x5D-10FFFF
/// ```
///
/// Two are equal when they stand for the same characters, whatever was escaped.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// What stands between the quotation marks; checked.
    raw: &'a str,
}

impl<'a> Text<'a> {
    /// What stands between the quotation marks, as written.
    pub const fn raw(&self) -> &'a str {
        self.raw
    }

    /// The string itself, when nothing in it is escaped.
    pub fn plain(&self) -> Option<&'a str> {
        (!self.raw.as_bytes().contains(&b'\\')).then_some(self.raw)
    }

    /// The characters that it stands for.
    pub fn chars(&self) -> impl Iterator<Item = char> + use<'a> {
        let mut chars = self.raw.chars();
        core::iter::from_fn(move || {
            let first = chars.next()?;
            if first != '\\' {
                return Some(first);
            }
            let escape = chars.next()?;
            if escape != 'u' {
                return u8::try_from(escape).ok().and_then(unescape);
            }
            let high = unit_of(&mut chars)?;
            if !is_high_surrogate(high) {
                return char::from_u32(high);
            }
            chars.next()?; // the backslash
            chars.next()?;
            join(high, unit_of(&mut chars)?)
        })
    }

    /// Whether it stands for `text`.
    pub fn is(&self, text: &str) -> bool {
        match self.plain() {
            Some(plain) => plain == text,
            None => self.chars().eq(text.chars()),
        }
    }

    /// Takes a string with its quotation marks.
    pub(super) fn take(cursor: &mut Cursor<'a>) -> Result<Self, JsonError> {
        let error = |kind, at| Err(JsonError::new(kind, at));
        cursor.skip_byte(b'"');
        let start = *cursor;
        loop {
            cursor.take_while(|byte| !matches!(byte, b'"' | b'\\' | ..b' '));
            let at = cursor.offset();
            match cursor.take_byte() {
                None => return error(JsonErrorKind::Unfinished, at),
                Some(b'"') => break,
                Some(b'\\') => take_escape(cursor, at)?,
                Some(_) => return error(JsonErrorKind::ControlCharacter, at),
            }
        }
        let len = cursor
            .offset()
            .saturating_sub(start.offset())
            .saturating_sub(1);
        let raw = start.rest().get(..len).unwrap_or_default();
        match str::from_utf8(raw) {
            Ok(raw) => Ok(Self { raw }),
            Err(bad) => error(
                JsonErrorKind::NotUtf8,
                start.offset().saturating_add(bad.valid_up_to()),
            ),
        }
    }
}

/// Takes what follows a backslash, which stands at byte `at`.
fn take_escape(cursor: &mut Cursor<'_>, at: usize) -> Result<(), JsonError> {
    let error = |kind| Err(JsonError::new(kind, at));
    match cursor.take_byte() {
        Some(b'u') => {}
        Some(byte) if unescape(byte).is_some() => return Ok(()),
        Some(_) => return error(JsonErrorKind::BadEscape),
        None => return error(JsonErrorKind::Unfinished),
    }
    let Some(unit) = take_unit(cursor) else {
        return error(JsonErrorKind::BadEscape);
    };
    let is_paired = is_high_surrogate(unit)
        && cursor.skip_byte(b'\\')
        && cursor.skip_byte(b'u')
        && take_unit(cursor).is_some_and(is_low_surrogate);
    if !is_paired && matches!(unit, 0xd800..=0xdfff) {
        return error(JsonErrorKind::LoneSurrogate);
    }
    Ok(())
}

fn take_unit(cursor: &mut Cursor<'_>) -> Option<u32> {
    let digits = cursor.take_array::<4>()?;
    unit_of(&mut digits.into_iter().map(char::from))
}

/// The number that the next four hexadecimal digits make.
fn unit_of(chars: &mut impl Iterator<Item = char>) -> Option<u32> {
    (0..4).try_fold(0, |unit, _| Some(unit << 4 | chars.next()?.to_digit(16)?))
}

const fn unescape(byte: u8) -> Option<char> {
    Some(match byte {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    })
}

const fn is_high_surrogate(unit: u32) -> bool {
    matches!(unit, 0xd800..=0xdbff)
}

const fn is_low_surrogate(unit: u32) -> bool {
    matches!(unit, 0xdc00..=0xdfff)
}

/// The character of a pair of surrogates (RFC 8259 7).
fn join(high: u32, low: u32) -> Option<char> {
    char::from_u32(0x1_0000 + ((high & 0x3ff) << 10 | low & 0x3ff))
}

/// Writes the characters that it stands for.
impl Emit for Text<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        if let Some(plain) = self.plain() {
            return sink.put(plain.as_bytes());
        }
        let mut utf8 = [0; 4];
        self.chars()
            .try_for_each(|c| sink.put(c.encode_utf8(&mut utf8).as_bytes()))
    }
}

/// For people: control characters are shown as U+FFFD. The string itself is written by [`Emit`].
impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text(\"{}\")", self.raw)
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Text<'_>) -> bool {
        match (self.plain(), other.plain()) {
            (Some(one), Some(other)) => one == other,
            _ => self.chars().eq(other.chars()),
        }
    }
}

impl Eq for Text<'_> {}

/// By the numbers of the characters, which is also the order of the octets in UTF-8.
impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.chars().cmp(other.chars())
    }
}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for c in self.chars() {
            state.write_u32(c.into());
        }
        state.write_u8(0xff); // so that two in a row do not run together
    }
}
