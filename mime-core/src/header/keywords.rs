//! Keywords (RFC 5322 3.6.5 and 4.5.5).
//!
//! ```
//! use scop_mime_core::header::keywords::Keywords;
//! let keywords = Keywords::parse(b" mail, \"RFC 5322\",, header fields (x)")?;
//! let words: Vec<String> = keywords.iter().map(|phrase| phrase.to_string()).collect();
//! assert_eq!(words, ["mail", "RFC 5322", "header fields"]);
//! # Ok::<(), scop_mime_core::header::address::AddressError>(())
//! ```

use scop_core::{Cursor, Emit, Full, ParseError, Sink};

use super::address::{AddressError, AddressErrorKind, Phrase};

/// The phrases of a field, all of them valid.
///
/// ```text
/// keywords        = phrase *("," phrase)                          ; RFC 5322 3.6.5
/// obs-phrase-list = [phrase / CFWS] *("," [phrase / CFWS])        ; RFC 5322 4.1
/// ```
///
/// There may be none (obs-keywords, RFC 5322 4.5.5).
#[derive(Clone, Copy, Debug)]
pub struct Keywords<'a> {
    value: &'a [u8],
}

impl<'a> Keywords<'a> {
    /// Reads the value of a Keywords field.
    ///
    /// # Errors
    /// The first rule that is broken; `Unexpected` for what is neither a word nor a comma.
    pub fn parse(value: &'a [u8]) -> Result<Self, AddressError> {
        let mut cursor = Cursor::new(value);
        while take_phrase(&mut cursor)?.is_some() {}
        Ok(Self { value })
    }

    /// The value as it was handed in.
    pub const fn raw(&self) -> &'a [u8] {
        self.value
    }

    /// The phrases, in order.
    pub fn iter(&self) -> impl Iterator<Item = Phrase<'a>> + Clone + use<'a> {
        let mut cursor = Cursor::new(self.value);
        core::iter::from_fn(move || take_phrase(&mut cursor).ok().flatten())
    }
}

/// In canonical form: see [`Phrase`].
impl Emit for Keywords<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        for (index, phrase) in self.iter().enumerate() {
            if index > 0 {
                sink.put(b", ")?;
            }
            phrase.emit(sink)?;
        }
        Ok(())
    }
}

/// Takes commas, and the phrase behind them; `None` at the end.
fn take_phrase<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Phrase<'a>>, AddressError> {
    loop {
        let phrase = Phrase::take(cursor)?;
        let comma = cursor.skip_byte(b',');
        if !comma && !cursor.is_at_end() {
            let kind = AddressErrorKind::Unexpected;
            return Err(ParseError::new(kind, cursor.offset()));
        }
        if phrase.is_some() || !comma {
            return Ok(phrase);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{string::ToString, vec::Vec};

    #[test]
    fn known_answers() {
        let cases: [(&[u8], &[&str]); 7] = [
            (b"a", &["a"]),
            (b" a b ,\r\n c", &["a b", "c"]),
            (b"\"x, y\", z.", &["x, y", "z."]),
            (b",,a,,", &["a"]),
            (b"", &[]),
            (b" (nothing) ", &[]),
            (
                b"=?utf-8?q?caf=C3=A9?=, \xc3\xa9",
                &["=?utf-8?q?caf=C3=A9?=", "\u{e9}"],
            ),
        ];
        for (value, expected) in cases {
            let keywords = Keywords::parse(value).unwrap();
            let read: Vec<_> = keywords.iter().map(|phrase| phrase.to_string()).collect();
            assert_eq!(read, expected, "{value:?}");
            let written = keywords.to_vec();
            let again: Vec<_> = Keywords::parse(&written)
                .unwrap()
                .iter()
                .map(|p| p.to_string())
                .collect();
            assert_eq!(again, read);
        }
    }

    #[test]
    fn refused() {
        use crate::header::lexical::LexicalErrorKind::UnclosedComment;
        for (value, kind, at) in [
            (&b"a <b>"[..], AddressErrorKind::Unexpected, 2),
            (b"a; b", AddressErrorKind::Unexpected, 1),
            (b".a", AddressErrorKind::Unexpected, 0),
            (b"a (b", AddressErrorKind::Lexical(UnclosedComment), 2),
        ] {
            let error = Keywords::parse(value).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (kind, at), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn any_value(value in "[a, .(\")<=?\\\\\r\n]{0,20}") {
            if let Ok(keywords) = Keywords::parse(value.as_bytes()) {
                prop_assert_eq!(keywords.raw(), value.as_bytes());
                let written = keywords.to_vec();
                let again = Keywords::parse(&written).unwrap();
                prop_assert_eq!(again.iter().count(), keywords.iter().count());
            }
        }
    }
}
