//! Domain names (RFC 1035 3.1, 4.1.4): a view over wire form, compressed or not, and a fixed-size value.
//!
//! Contract: a [`Name`] is checked when it is made (labels of at most 63 octets, at most 255 octets
//! in all, compression pointers that only point backwards), so reading its labels always ends and
//! never panics. Names compare without regard to ASCII case (RFC 4343).
//!
//! ```
//! use scop_core::{Name, NameBuf};
//! // "mail" followed by a pointer to "example" at byte 0.
//! let message = b"\x07example\x00\x04mail\xc0\x00";
//! let (name, end) = Name::parse_in(message, 9)?;
//! assert_eq!((name.to_string().as_str(), end), ("mail.example.", 16));
//! assert_eq!(NameBuf::from_text(b"MAIL.example")?.as_name(), name);
//! # Ok::<(), scop_core::name::NameError>(())
//! ```

use core::fmt;
use core::hash::{Hash, Hasher};

use crate::{Cursor, Emit, FmtSink, Full, ParseError, Sink};

/// Octets in a label (RFC 1035 2.3.4).
pub const MAX_LABEL: usize = 63;
/// Octets in a name in wire form, with the length octets and the root (RFC 1035 2.3.4).
pub const MAX_NAME: usize = 255;
/// Compression pointers followed in one name: one behind each of the 127 labels that fit 255 octets.
///
/// No name needs more. Without the limit, a message of 64 KiB whose every owner enters the same chain
/// of some 8000 bare pointers costs tens of millions of steps to read.
const MAX_POINTERS: u8 = 127;

/// Why bytes are not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameErrorKind {
    /// A backslash is not followed by a character or by three digits up to 255 (RFC 1035 5.1).
    BadEscape,
    /// Two dots in a row, or a dot at the start.
    EmptyLabel,
    /// A label is longer than 63 octets.
    LabelTooLong,
    /// The name is longer than 255 octets.
    NameTooLong,
    /// A compression pointer that does not point backwards, one where none may be, or one too many.
    Pointer,
    /// A label type other than 00 and 11 (RFC 6891 5).
    LabelType,
    /// The bytes end inside the name.
    Truncated,
    /// Bytes follow the root label.
    TrailingData,
}

impl fmt::Display for NameErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadEscape => "a backslash needs a character or three digits (RFC 1035 5.1)",
            Self::EmptyLabel => "a label is empty (RFC 1035 2.3.1)",
            Self::LabelTooLong => "a label is longer than 63 octets (RFC 1035 2.3.4)",
            Self::NameTooLong => "a name is longer than 255 octets (RFC 1035 2.3.4)",
            Self::Pointer => {
                "a compression pointer does not lead backwards to a label (RFC 1035 4.1.4)"
            }
            Self::LabelType => "a label has a reserved type (RFC 6891 5)",
            Self::Truncated => "a name ends before its root label (RFC 1035 3.1)",
            Self::TrailingData => "bytes follow a name (RFC 1035 3.1)",
        })
    }
}

/// Why, and at which byte.
pub type NameError = ParseError<NameErrorKind>;

/// A domain name in wire form, borrowed; in a message it may be compressed.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    message: &'a [u8],
    start: usize,
}

impl<'a> Name<'a> {
    /// The root.
    pub const ROOT: Name<'static> = Name {
        message: &[0],
        start: 0,
    };

    /// Reads a whole slice as an uncompressed name.
    ///
    /// # Errors
    /// On anything but one name in RFC 1035 3.1 form, root label included.
    pub fn parse(wire: &'a [u8]) -> Result<Self, NameError> {
        let (name, end) = Self::parse_in(wire, 0)?;
        if end < wire.len() {
            return Err(NameError::new(NameErrorKind::TrailingData, end));
        }
        Ok(name)
    }

    /// Reads the name that starts at byte `start` of a DNS message; also gives the byte after it.
    ///
    /// Each pointer must lead to a run of labels that ends before the run begins which the pointer ends.
    /// So a chain of pointers visits each byte at most once, and no name reaches behind the place where
    /// it stands; the 255 octets bound the labels, and at most 127 pointers are followed.
    ///
    /// # Errors
    /// When a label or pointer breaks a rule of RFC 1035; the offset is in `message`.
    pub fn parse_in(message: &'a [u8], start: usize) -> Result<(Self, usize), NameError> {
        let error = |kind, at| Err(NameError::new(kind, at));
        let mut cursor = Cursor::at(message, start);
        let mut run = start;
        let mut total = 0;
        let mut pointers = 0;
        let mut end = None;
        // What it is when the bytes end: of the message, or before the run that led here.
        let mut cut = NameErrorKind::Truncated;
        loop {
            let at = cursor.offset();
            let Some(byte) = cursor.take_byte() else {
                return error(cut, at);
            };
            match byte {
                0 => break,
                1..=0x3f => {
                    if cursor.take(byte.into()).is_none() {
                        return error(cut, cursor.offset() + cursor.rest().len());
                    }
                    total += 1 + usize::from(byte);
                    if total >= MAX_NAME {
                        return error(NameErrorKind::NameTooLong, at);
                    }
                }
                0xc0..=0xff => {
                    let Some(low) = cursor.take_byte() else {
                        return error(cut, cursor.offset());
                    };
                    let target = pointer(byte, low);
                    if target >= run || pointers == MAX_POINTERS {
                        return error(NameErrorKind::Pointer, at);
                    }
                    pointers += 1;
                    end = end.or(Some(cursor.offset()));
                    cut = NameErrorKind::Pointer;
                    cursor = Cursor::at(message.get(..run).unwrap_or_default(), target);
                    run = target;
                }
                _ => return error(NameErrorKind::LabelType, at),
            }
        }
        Ok((Self { message, start }, end.unwrap_or(cursor.offset())))
    }

    /// The labels from the left, the root not among them.
    pub fn labels(&self) -> Labels<'a> {
        Labels(LabelSource::Wire(Cursor::at(self.message, self.start)))
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.labels().next().is_none()
    }

    /// Whether the name is `ancestor` or lies below it.
    pub fn is_within(&self, ancestor: &Name<'_>) -> bool {
        let (own, other) = (self.labels().count(), ancestor.labels().count());
        own >= other && same_labels(self.labels().skip(own - other), ancestor.labels())
    }
}

fn pointer(high: u8, low: u8) -> usize {
    usize::from(u16::from_be_bytes([high & 0x3f, low]))
}

/// Writes the uncompressed wire form.
impl Emit for Name<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        emit_wire(self.labels(), sink)
    }
}

fn emit_wire<'a, S: Sink + ?Sized>(
    labels: impl Iterator<Item = &'a [u8]>,
    sink: &mut S,
) -> Result<(), Full> {
    for label in labels {
        sink.put_byte(u8::try_from(label.len()).map_err(|_| Full)?)?;
        sink.put(label)?;
    }
    sink.put_byte(0)
}

/// Presentation form (RFC 1035 5.1), with the dot of the root.
impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        emit_text(self.labels(), &mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// Writes labels as text: a dot after each, and a backslash where a label holds a dot, a backslash,
/// or something that is not a visible ASCII character.
pub(crate) fn emit_text<'a, S: Sink + ?Sized>(
    labels: impl Iterator<Item = &'a [u8]>,
    sink: &mut S,
) -> Result<(), Full> {
    let mut root = true;
    for label in labels {
        root = false;
        for &byte in label {
            match byte {
                b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
                    sink.put(&[b'\\', byte])?;
                }
                b'!'..=b'~' => sink.put_byte(byte)?,
                _ => {
                    let digits = [byte / 100, byte / 10 % 10, byte % 10].map(|digit| b'0' + digit);
                    sink.put_byte(b'\\')?;
                    sink.put(&digits)?;
                }
            }
        }
        sink.put_byte(b'.')?;
    }
    if root { sink.put_byte(b'.') } else { Ok(()) }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

pub(crate) fn same_labels<'a, 'b>(
    one: impl Iterator<Item = &'a [u8]>,
    other: impl Iterator<Item = &'b [u8]>,
) -> bool {
    let mut other = other.fuse();
    let mut same = one.fuse();
    loop {
        match (same.next(), other.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => {}
            _ => return false,
        }
    }
}

impl PartialEq<Name<'_>> for Name<'_> {
    fn eq(&self, other: &Name<'_>) -> bool {
        same_labels(self.labels(), other.labels())
    }
}

impl Eq for Name<'_> {}

impl Hash for Name<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for label in self.labels() {
            state.write_usize(label.len());
            for byte in label {
                state.write_u8(byte.to_ascii_lowercase());
            }
        }
    }
}

/// The labels of a name from the left.
#[derive(Clone, Debug)]
pub struct Labels<'a>(LabelSource<'a>);

#[derive(Clone, Debug)]
enum LabelSource<'a> {
    /// A checked name.
    Wire(Cursor<'a>),
    /// Dotted text in parts: labels of the first, then of the second, and so on.
    Dotted([&'a [u8]; 3]),
}

impl<'a> Labels<'a> {
    pub(crate) const fn dotted(parts: [&'a [u8]; 3]) -> Self {
        Self(LabelSource::Dotted(parts))
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match &mut self.0 {
            LabelSource::Wire(cursor) => loop {
                match cursor.take_byte()? {
                    0 => {
                        *cursor = Cursor::new(&[]);
                        return None;
                    }
                    high @ 0xc0..=0xff => {
                        let low = cursor.take_byte()?;
                        cursor.seek(pointer(high, low));
                    }
                    length => return cursor.take(length.into()),
                }
            },
            LabelSource::Dotted(parts) => {
                let part = parts.iter_mut().find(|part| !part.is_empty())?;
                let dot = part.iter().position(|&byte| byte == b'.');
                let label = part.get(..dot.unwrap_or(part.len()))?;
                *part = dot.and_then(|dot| part.get(dot + 1..)).unwrap_or_default();
                Some(label)
            }
        }
    }
}

/// A domain name in wire form with storage of its own.
#[derive(Clone, Copy)]
pub struct NameBuf {
    wire: [u8; MAX_NAME],
    /// Octets in use, the root label among them; at least one.
    len: u8,
}

impl NameBuf {
    /// The root.
    pub const ROOT: Self = Self {
        wire: [0; MAX_NAME],
        len: 1,
    };

    /// Reads presentation form (RFC 1035 5.1): labels between dots, `\\X` and `\\DDD` escapes, the last
    /// dot optional; `.` alone or nothing is the root.
    ///
    /// # Errors
    /// When a label is empty or too long, the name is too long, or an escape is broken.
    pub fn from_text(text: &[u8]) -> Result<Self, NameError> {
        let mut name = Self::ROOT;
        if text == b"." {
            return Ok(name);
        }
        let mut cursor = Cursor::new(text);
        while !cursor.is_at_end() {
            let start = cursor.offset();
            let mut label = [0; MAX_LABEL];
            let mut used = 0;
            while let Some(byte) = cursor.peek().filter(|&byte| byte != b'.') {
                let at = cursor.offset();
                cursor.take_byte();
                let byte = if byte == b'\\' {
                    unescape(&mut cursor, at)?
                } else {
                    byte
                };
                *label
                    .get_mut(used)
                    .ok_or(NameError::new(NameErrorKind::LabelTooLong, at))? = byte;
                used += 1;
            }
            cursor.take_byte(); // the dot
            name.push_label(label.get(..used).unwrap_or_default())
                .map_err(|kind| NameError::new(kind, start))?;
        }
        Ok(name)
    }

    /// Adds a label at the right end, before the root.
    ///
    /// # Errors
    /// The rule when the label is empty or too long, or the name grows too long; nothing changes then.
    pub fn push_label(&mut self, label: &[u8]) -> Result<(), NameErrorKind> {
        let length = match label.len() {
            0 => return Err(NameErrorKind::EmptyLabel),
            length @ 1..=MAX_LABEL => u8::try_from(length).unwrap_or(u8::MAX),
            _ => return Err(NameErrorKind::LabelTooLong),
        };
        let (Some(len), root) = (self.len.checked_add(length + 1), usize::from(self.len) - 1)
        else {
            return Err(NameErrorKind::NameTooLong);
        };
        let room = self.wire.get_mut(root..).unwrap_or_default();
        let octets = core::iter::once(&length).chain(label).chain(&[0]);
        for (to, from) in room.iter_mut().zip(octets) {
            *to = *from;
        }
        self.len = len;
        Ok(())
    }

    /// The name as a view.
    pub fn as_name(&self) -> Name<'_> {
        Name {
            message: self.as_wire(),
            start: 0,
        }
    }

    /// The uncompressed wire form.
    pub fn as_wire(&self) -> &[u8] {
        self.wire.get(..self.len.into()).unwrap_or_default()
    }

    pub(crate) fn from_labels<'a>(
        labels: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Self, NameErrorKind> {
        let mut name = Self::ROOT;
        for label in labels {
            name.push_label(label)?;
        }
        Ok(name)
    }
}

fn unescape(cursor: &mut Cursor<'_>, at: usize) -> Result<u8, NameError> {
    let error = NameError::new(NameErrorKind::BadEscape, at);
    match cursor.take_byte().ok_or(error)? {
        digit @ b'0'..=b'9' => {
            let [tens, ones] = cursor.take_array().ok_or(error)?;
            if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
                return Err(error);
            }
            let number = [digit, tens, ones]
                .iter()
                .fold(0_u16, |number, digit| number * 10 + u16::from(digit - b'0'));
            u8::try_from(number).map_err(|_| error)
        }
        byte => Ok(byte),
    }
}

/// A checked name is at most 255 octets, so it always fits.
impl From<Name<'_>> for NameBuf {
    fn from(name: Name<'_>) -> Self {
        Self::from_labels(name.labels()).unwrap_or(Self::ROOT)
    }
}

impl Default for NameBuf {
    fn default() -> Self {
        Self::ROOT
    }
}

impl Emit for NameBuf {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.as_wire())
    }
}

impl fmt::Display for NameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_name().fmt(f)
    }
}

impl fmt::Debug for NameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NameBuf({self})")
    }
}

impl PartialEq for NameBuf {
    fn eq(&self, other: &Self) -> bool {
        // Length octets are below 64, so folding ASCII letters leaves them alone.
        self.as_wire().eq_ignore_ascii_case(other.as_wire())
    }
}

impl Eq for NameBuf {}

impl Hash for NameBuf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_name().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{string::ToString, vec::Vec};

    #[test]
    fn text_both_ways() {
        for (text, shown) in [
            (&b""[..], "."),
            (b".", "."),
            (b"example", "example."),
            (b"a.B.c.", "a.B.c."),
            (br"a\.b.c", r"a\.b.c."),
            (br"a\046b", r"a\.b."),
            (b"\xc3\xa9 x", r"\195\169\032x."),
        ] {
            let name = NameBuf::from_text(text).unwrap();
            assert_eq!(name.to_string(), shown);
            assert_eq!(NameBuf::from_text(shown.as_bytes()).unwrap(), name);
        }
    }

    #[test]
    fn text_errors_say_where() {
        use NameErrorKind::*;
        let long = [b'a'; 64];
        let mut too_long = Vec::new();
        for _ in 0..4 {
            too_long.extend_from_slice(&[b'a'; 63]);
            too_long.push(b'.');
        }
        for (text, kind, at) in [
            (&b"a..b"[..], EmptyLabel, 2),
            (b".a", EmptyLabel, 0),
            (b"..", EmptyLabel, 0),
            (&long, LabelTooLong, 63),
            (&too_long, NameTooLong, 192),
            (br"a.\25", BadEscape, 2),
            (br"a.\256", BadEscape, 2),
            (b"a\\", BadEscape, 1),
        ] {
            let error = NameBuf::from_text(text).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (kind, at), "{text:?}");
        }
        // 63 + 63 + 63 + 61 octets and four length octets and the root are 255.
        assert!(NameBuf::from_text(&too_long[..too_long.len() - 3]).is_ok());
    }

    #[test]
    fn pointers_only_go_back() {
        use NameErrorKind::*;
        for (message, start, kind) in [
            (&b"\xc0\x00"[..], 0, Pointer),         // at itself
            (b"\x01a\xc0\x00", 0, Pointer),         // into its own run: a loop
            (b"\xc0\x02\xc0\x00", 0, Pointer),      // forward
            (b"\x00\x01a\xc0\x04\x00", 1, Pointer), // forward over itself
            (b"\x04abc\xc0\x00\x00", 4, Pointer),   // to a label that reaches into it
            (b"\x01a\xc0\x00\x00", 2, Pointer),     // to a run that goes on in it
            (b"\x40a\x00", 0, LabelType),
            (b"\x05abc", 0, Truncated),
            (b"\x01a", 0, Truncated),
            (b"\x00\xc0", 1, Truncated),
            (b"", 0, Truncated),
            (b"", 9, Truncated),
        ] {
            assert_eq!(
                Name::parse_in(message, start).unwrap_err().kind(),
                kind,
                "{message:?}"
            );
        }
        assert_eq!(Name::parse(b"\x00\x00").unwrap_err().kind(), TrailingData);
        // The byte is that of the pointer, not of where it leads.
        assert_eq!(Name::parse(b"\x01a\xc0\x00").unwrap_err().offset(), 2);
    }

    #[test]
    fn a_pointer_chain_cannot_exceed_a_name() {
        // Each run adds a label of 63 octets and points to the one before.
        let mut message = std::vec![0];
        let mut start = 0;
        for _ in 0..4 {
            let next = message.len();
            message.push(63);
            message.extend_from_slice(&[b'x'; 63]);
            message.extend_from_slice(&[0xc0, u8::try_from(start).unwrap()]);
            start = next;
        }
        let error = Name::parse_in(&message, start).unwrap_err();
        assert_eq!(error.kind(), NameErrorKind::NameTooLong);
    }

    #[test]
    fn a_chain_of_bare_pointers_is_cut() {
        let mut message = std::vec![0];
        let mut target: u8 = 0;
        for _ in 0..127 {
            let next = u8::try_from(message.len()).unwrap();
            message.extend_from_slice(&[0xc0, target]);
            target = next;
        }
        assert!(Name::parse_in(&message, target.into()).is_ok());
        let start = message.len();
        message.extend_from_slice(&[0xc0, target]);
        let error = Name::parse_in(&message, start).unwrap_err();
        assert_eq!(error.kind(), NameErrorKind::Pointer);
    }

    #[test]
    fn within() {
        let name = |text: &str| NameBuf::from_text(text.as_bytes()).unwrap();
        let (a, b, c) = (
            name("x.Example.org"),
            name("example.ORG"),
            name("ample.org"),
        );
        assert!(a.as_name().is_within(&b.as_name()) && b.as_name().is_within(&b.as_name()));
        assert!(!a.as_name().is_within(&c.as_name()) && !b.as_name().is_within(&a.as_name()));
        assert!(a.as_name().is_within(&Name::ROOT) && Name::ROOT.is_root());
    }

    proptest! {
        #[test]
        fn any_bytes_end_and_round_trip(message: Vec<u8>, start in 0_usize..64) {
            if let Ok((name, end)) = Name::parse_in(&message, start) {
                prop_assert!(end <= message.len());
                let copy = NameBuf::from(name);
                prop_assert_eq!(copy.as_name(), name);
                prop_assert_eq!(Name::parse(copy.as_wire()).unwrap(), name);
                prop_assert_eq!(NameBuf::from_text(name.to_string().as_bytes()).unwrap(), copy);
            }
        }

        #[test]
        fn labels_round_trip(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..8)) {
            let name = NameBuf::from_labels(labels.iter().map(Vec::as_slice)).unwrap();
            prop_assert!(name.as_name().labels().eq(labels.iter().map(Vec::as_slice)));
            prop_assert_eq!(NameBuf::from_text(name.to_string().as_bytes()).unwrap(), name);
        }
    }
}
