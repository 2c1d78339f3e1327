//! Display names (RFC 5322 3.2.5).

use core::fmt;

use scop_core::{Cursor, Emit, Full, Sink};

use super::{AddressError, take_gap, take_words};
use crate::header::encoded_word::{DecodedText, Place};
use crate::header::lexical::{
    Enclosed, Text, display, emit_quoted, is_atext, skip_cfws, take_enclosed,
};

/// A display name: words.
///
/// ```text
/// display-name = phrase                                           ; RFC 5322 3.4
/// phrase       = 1*word / obs-phrase                              ; RFC 5322 3.2.5
/// obs-phrase   = word *(word / "." / CFWS)                        ; RFC 5322 4.1
/// word         = atom / quoted-string
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Phrase<'a> {
    raw: &'a [u8],
    offset: usize,
}

impl<'a> Phrase<'a> {
    /// Words that were read before.
    pub(super) const fn new(raw: &'a [u8], offset: usize) -> Self {
        Self { raw, offset }
    }

    /// Takes the words of a phrase with the gaps around them; `None` when there is no word.
    pub(crate) fn take(cursor: &mut Cursor<'a>) -> Result<Option<Self>, AddressError> {
        take_gap(cursor)?;
        let offset = cursor.offset();
        let raw = take_words(cursor)?;
        Ok((!raw.is_empty()).then_some(Self { raw, offset }))
    }

    /// From the first word to the last.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Where it begins in the parsed value.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The words without quotes and comments, one space where a gap was. Encoded words (RFC 2047)
    /// stand as written.
    pub const fn text(&self) -> Text<'a> {
        Text::spaced(self.raw)
    }

    /// The same with encoded words decoded, but for those in quoted strings, which RFC 2047 5 forbids.
    pub const fn decoded(&self) -> DecodedText<'a> {
        DecodedText::new(self.raw, Place::Phrase)
    }
}

/// Word by word: a quoted string stays one, so that text in it cannot turn into an encoded word, and
/// words with a dot become one, unless they are an encoded word.
impl Emit for Phrase<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let mut cursor = Cursor::new(self.raw);
        while !cursor.is_at_end() {
            // The phrase was read before, so nothing here fails; a failure would end it early.
            let Ok(gap) = skip_cfws(&mut cursor) else {
                break;
            };
            if !gap.is_empty() {
                sink.put_byte(b' ')?;
            }
            if cursor.peek() == Some(b'"') {
                let Ok(quoted) = take_enclosed(&mut cursor, Enclosed::QuotedString) else {
                    break;
                };
                emit_quoted(Text::joined(quoted).runs(), sink)?;
                continue;
            }
            let atoms = cursor.take_while(|byte| is_atext(byte) || byte == b'.');
            let encoded_word = atoms.starts_with(b"=?") && atoms.ends_with(b"?=");
            if atoms.is_empty() {
                break;
            } else if atoms.contains(&b'.') && !encoded_word {
                emit_quoted([atoms], sink)?;
            } else {
                sink.put(atoms)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Phrase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(&self.text(), f)
    }
}
