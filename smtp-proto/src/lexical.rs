//! The classes of octets that commands, paths and parameters are made of (RFC 5321 4.1.2 and 4.1.3).

use scop_core::Cursor;

/// Some of the classes below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class(u8);

impl Class {
    /// `atext` (RFC 5322 3.2.3), US-ASCII only.
    pub(crate) const ATEXT: Self = Self(1);
    /// `qtextSMTP = %d32-33 / %d35-91 / %d93-126`.
    pub(crate) const QTEXT: Self = Self(1 << 1);
    /// `Let-dig = ALPHA / DIGIT`.
    pub(crate) const LET_DIG: Self = Self(1 << 2);
    /// `Let-dig` and the hyphen.
    pub(crate) const LDH: Self = Self(1 << 3);
    /// What `esmtp-value` is made of: `%d33-60 / %d62-126`.
    pub(crate) const VALUE: Self = Self(1 << 4);
    /// `dcontent = %d33-90 / %d94-126`.
    pub(crate) const DCONTENT: Self = Self(1 << 5);
    /// Part of a UTF-8 sequence, or of nothing.
    pub(crate) const NON_ASCII: Self = Self(1 << 6);
    /// `%d33-126`.
    pub(crate) const VISIBLE: Self = Self(1 << 7);

    /// What is in either.
    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `byte` is in it.
    #[inline]
    pub(crate) fn has(self, byte: u8) -> bool {
        // There is one for each octet.
        CLASSES.get(usize::from(byte)).copied().unwrap_or_default() & self.0 != 0
    }

    /// Takes the longest run of octets that are in it, and notes in `seen` what bits they have. The octet behind
    /// the run is noted too: with [`Class::NON_ASCII`] in it, that one is US-ASCII.
    #[inline]
    pub(crate) fn take<'a>(self, cursor: &mut Cursor<'a>, seen: &mut u8) -> &'a [u8] {
        cursor.take_while(|byte| {
            *seen |= byte;
            self.has(byte)
        })
    }

    /// How many octets at the start of `bytes` are in it.
    #[inline]
    pub(crate) fn run(self, bytes: &[u8]) -> usize {
        let end = bytes.iter().position(|&byte| !self.has(byte));
        end.unwrap_or(bytes.len())
    }
}

/// For each octet its classes: one look instead of a dozen comparisons.
static CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut rest: &mut [u8] = &mut table;
    let mut byte: u8 = 0;
    while let Some((classes, others)) = rest.split_first_mut() {
        let let_dig = byte.is_ascii_alphanumeric();
        let visible = matches!(byte, 33..=126);
        *classes = bit(
            let_dig
                || matches!(
                    byte,
                    b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~'
                ),
            Class::ATEXT,
        ) | bit(
            matches!(byte, 32..=126) && byte != b'"' && byte != b'\\',
            Class::QTEXT,
        ) | bit(let_dig, Class::LET_DIG)
            | bit(let_dig || byte == b'-', Class::LDH)
            | bit(visible && byte != b'=', Class::VALUE)
            | bit(visible && !matches!(byte, b'['..=b']'), Class::DCONTENT)
            | bit(byte >= 0x80, Class::NON_ASCII)
            | bit(visible, Class::VISIBLE);
        (rest, byte) = (others, byte.wrapping_add(1));
    }
    table
};

const fn bit(belongs: bool, class: Class) -> u8 {
    if belongs { class.0 } else { 0 }
}

/// Where the first octet or character stands that no text of SMTP holds: what is not UTF-8, and the
/// control characters U+0080 to U+009F, which RFC 6532 3.1 allows and RFC 5198 2 advises against: terminals
/// obey them, as they obey those below U+0020. Octets below 128 are not judged.
pub(crate) fn first_bad_utf8(bytes: &[u8]) -> Option<usize> {
    let mut offset = 0_usize;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if matches!(character, '\u{80}'..='\u{9f}') {
                return Some(offset);
            }
            offset = offset.saturating_add(character.len_utf8());
        }
        if !chunk.invalid().is_empty() {
            return Some(offset);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        for byte in 0..=255_u8 {
            let atext = byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
            assert_eq!(Class::ATEXT.has(byte), atext);
            let qtext = matches!(byte, 32..=33 | 35..=91 | 93..=126);
            assert_eq!(Class::QTEXT.has(byte), qtext);
            assert_eq!(Class::LET_DIG.has(byte), byte.is_ascii_alphanumeric());
            assert_eq!(
                Class::LDH.has(byte),
                byte.is_ascii_alphanumeric() || byte == b'-'
            );
            assert_eq!(Class::VALUE.has(byte), matches!(byte, 33..=60 | 62..=126));
            assert_eq!(
                Class::DCONTENT.has(byte),
                matches!(byte, 33..=90 | 94..=126)
            );
            assert_eq!(Class::NON_ASCII.has(byte), !byte.is_ascii());
            assert_eq!(Class::VISIBLE.has(byte), byte.is_ascii_graphic());
        }
        assert_eq!(Class::LET_DIG.or(Class::NON_ASCII).run(b"a1\xc3-"), 3);
    }

    #[test]
    fn utf8() {
        assert_eq!(
            first_bad_utf8("a\0\u{a0}\u{e9}\u{20ac}\u{1f600}".as_bytes()),
            None
        );
        assert_eq!(first_bad_utf8("a\u{e9}\u{85}".as_bytes()), Some(3));
        assert_eq!(first_bad_utf8(b"a\xc3"), Some(1));
        assert_eq!(first_bad_utf8(b"\xc3\xa9\xed\xa0\x80"), Some(2));
    }
}
