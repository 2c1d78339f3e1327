//! Addresses of the type `utf-8` (RFC 6533 3), in which any character can be written in ASCII.

use core::fmt;

use scop_core::{Cursor, Emit, Full, Sink};

use super::TypedText;
use crate::header::lexical::display;

/// What an address of the type `utf-8` means.
///
/// ```text
/// utf-8-enc-addr      = utf-8-addr-xtext / utf-8-addr-unitext / utf-8-address    ; RFC 6533 3
/// utf-8-addr-xtext    = 1*(QCHAR / EmbeddedUnicodeChar)
/// EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}"                  ; starts with "\x"
/// HEXPOINT            = ( ( "0"/"1" ) %x31-39 ) / "10" / "20" / "2B" / "3D" / "7F" / "5C"
///                     / 2 to 6 upper-case hexadecimal digits from 80 to 10FFFF, the first of three or more
///                       not "0", but no surrogate
/// ```
///
/// A control character stays as it is written, though the grammar has a few; so does what only looks like an embedded
/// character.
///
/// ```
/// use scop_mime_core::report::TypedText;
/// use scop_mime_core::report::utf8_address::Utf8Address;
///
/// let recipient = TypedText::parse(b"utf-8; m\\x{FC}ller@example.org")?;
/// assert_eq!(Utf8Address::of(&recipient).unwrap().to_string(), "m\u{fc}ller@example.org");
/// # Ok::<(), scop_mime_core::report::ReportError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Utf8Address<'a> {
    text: &'a [u8],
}

impl<'a> Utf8Address<'a> {
    /// The address of a recipient; `None` when it has another type.
    pub fn of(recipient: &TypedText<'a>) -> Option<Self> {
        recipient.is_type(b"utf-8").then_some(Self {
            text: recipient.text_raw(),
        })
    }

    /// Reads `utf-8-addr-xtext` or `utf-8-addr-unitext`, as ORCPT carries it (RFC 6533 3): what
    /// [`Self::of`] keeps as it is written is refused here.
    ///
    /// ```text
    /// utf-8-addr-unitext = 1*(QUCHAR / EmbeddedUnicodeChar)           ; RFC 6533 3
    /// QUCHAR             = QCHAR / UTF8-non-ascii
    /// QCHAR              = %x21-2A / %x2C-3C / %x3E-5B / %x5D-7E      ; no "+", "=", "\"
    /// ```
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(text);
        let characters = str::from_utf8(text).ok()?;
        if characters.is_empty() || characters.chars().any(char::is_control) {
            return None;
        }
        while !cursor.is_at_end() {
            cursor.take_while(|byte| !matches!(byte, b' ' | b'+' | b'=' | b'\\'));
            if !cursor.is_at_end() {
                take_embedded(&mut cursor)?;
            }
        }
        Some(Self { text })
    }
}

/// In UTF-8.
impl Emit for Utf8Address<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let mut cursor = Cursor::new(self.text);
        while !cursor.is_at_end() {
            sink.put(cursor.take_while(|byte| byte != b'\\'))?;
            if let Some(character) = take_embedded(&mut cursor) {
                sink.put(character.encode_utf8(&mut [0; 4]).as_bytes())?;
            } else if let Some(byte) = cursor.take_byte() {
                sink.put_byte(byte)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Utf8Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// Takes `\x{HEXPOINT}`, if it is next.
fn take_embedded(cursor: &mut Cursor<'_>) -> Option<char> {
    let mut ahead = *cursor;
    if ahead.take(3)? != b"\\x{" {
        return None;
    }
    let digits = ahead.take_while(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    if !(2..=6).contains(&digits.len()) || !ahead.skip_byte(b'}') {
        return None;
    }
    let mut point: u32 = 0;
    for &digit in digits {
        let value = if digit.is_ascii_digit() {
            digit - b'0'
        } else {
            digit - b'A' + 10
        };
        point = point << 4 | u32::from(value);
    }
    let character = char::from_u32(point)?;
    let is_special = matches!(character, ' ' | '+' | '=' | '\\');
    let is_shortest = digits.len() == 2 || digits.first() != Some(&b'0');
    if !is_shortest || character.is_control() || character.is_ascii() && !is_special {
        return None;
    }
    *cursor = ahead;
    Some(character)
}

/// Emits an address as `utf-8-addr-xtext`, in ASCII.
///
/// ```
/// use scop_core::Emit;
/// use scop_mime_core::report::utf8_address::{Encoded, Utf8Address};
///
/// let mut written: heapless::Vec<u8, 64> = heapless::Vec::new();
/// Encoded("m\u{fc}ller+a@example.org").emit(&mut written)?;
/// assert_eq!(written, b"m\\x{FC}ller\\x{2B}a@example.org");
/// assert_eq!(Utf8Address::parse(&written).unwrap().to_string(), "m\u{fc}ller+a@example.org");
/// # Ok::<(), scop_core::Full>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Encoded<'a>(pub &'a str);

impl Emit for Encoded<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        Xtext(sink).put(self.0.as_bytes())
    }
}

/// Writes an address in ASCII: what is not printable ASCII, and the three octets that have a meaning of
/// their own there, as embedded characters.
pub(super) struct Xtext<'s, S: ?Sized>(pub(super) &'s mut S);

impl<S: Sink + ?Sized> Sink for Xtext<'_, S> {
    /// Takes whole characters; what is none is refused.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let text = core::str::from_utf8(bytes).map_err(|_| Full)?;
        for character in text.chars() {
            match u8::try_from(character) {
                Ok(byte @ b'!'..=b'~') if !matches!(byte, b'\\' | b'+' | b'=') => {
                    self.0.put_byte(byte)?;
                }
                _ => self.embed(character)?,
            }
        }
        Ok(())
    }
}

impl<S: Sink + ?Sized> Xtext<'_, S> {
    fn embed(&mut self, character: char) -> Result<(), Full> {
        self.0.put(b"\\x{")?;
        let point = u32::from(character);
        let mut begun = false;
        for shift in [20, 16, 12, 8, 4, 0] {
            let nibble = u8::try_from(point >> shift & 15).unwrap_or(0);
            begun |= nibble > 0 || shift == 4; // two digits at least
            if begun {
                self.0.put_byte(match nibble {
                    0..=9 => b'0' + nibble,
                    _ => b'A' + (nibble & 15) - 10,
                })?;
            }
        }
        self.0.put_byte(b'}')
    }
}
