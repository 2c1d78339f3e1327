//! Phrases, unstructured values, encoded words (RFC 5322 3.2.5, RFC 2047).

use super::pen::{Pen, is_atext, is_atom};
use crate::feature::Feature;
use crate::model::{Charset, EncodedWord, Phrase, Piece, Text, Word};

/// An unstructured value. A fold stands only before white space, which stays.
pub(crate) fn text(pen: &mut Pen<'_>, text: &Text) {
    pen.features.count(Feature::Unstructured);
    for piece in &text.0 {
        match piece {
            Piece::Space(space) => {
                for blank in space.bytes() {
                    pen.blank(blank);
                }
            }
            Piece::Plain(word) => pen.text(word),
            Piece::Encoded(word) => encoded_word(pen, word, Place::Text),
        }
    }
}

/// A phrase, with a gap between its words. White space stands around its encoded words (RFC 2047 5 (3)).
pub(crate) fn phrase(pen: &mut Pen<'_>, phrase: &Phrase) {
    let mut before: Option<&Word> = None;
    for word in &phrase.0 {
        match (before, word) {
            (None, Word::Plain(_)) => {}
            (Some(Word::Plain(_)), Word::Plain(_)) => pen.gap(),
            // A comment there parts encoded words for some readers.
            (Some(Word::Encoded(_)), Word::Encoded(_)) => pen.space(),
            _ => {
                pen.space();
                pen.optional_gap();
                pen.space();
            }
        }
        match word {
            Word::Plain(text) if before.is_some() && is_bare_dots(text) && pen.odd(70) => {
                pen.features.count(Feature::ObsoletePhrase);
                pen.text(text);
            }
            Word::Plain(text) => pen.word(text),
            Word::Encoded(word) => encoded_word(pen, word, Place::Phrase),
        }
        before = Some(word);
    }
    if matches!(before, Some(Word::Encoded(_))) {
        pen.space();
    }
}

/// Words with dots as obs-phrase has them; the first word of a phrase may not begin with a dot.
fn is_bare_dots(text: &str) -> bool {
    text.contains('.')
        && !text.starts_with('.')
        && !text.contains("=?")
        && text.chars().all(|c| c == '.' || is_atext(c))
        && !is_atom(text)
}

/// Where an encoded word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Text,
    Phrase,
}

/// ```text
/// encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="   ; RFC 2047 2, RFC 2231 5
/// ```
fn encoded_word(pen: &mut Pen<'_>, word: &EncodedWord, place: Place) {
    pen.put(b"=?");
    let charset = match word.charset {
        Charset::Utf8 => "UTF-8",
        Charset::Ascii => "US-ASCII",
        Charset::Latin1 => "ISO-8859-1",
    };
    pen.any_case(charset);
    if let Some(language) = word.language {
        pen.features.count(Feature::EncodedLanguage);
        pen.put(b"*");
        pen.any_case(language);
    }
    pen.put(b"?");
    pen.any_case(if word.base64 { "B" } else { "Q" });
    // Only a word of UTF-8 can be cut within a character.
    if word.charset == Charset::Utf8 && core::str::from_utf8(&word.octets).is_err() {
        pen.features.count(Feature::SplitCharacter);
    }
    pen.put(b"?");
    if word.base64 {
        pen.features.count(Feature::EncodedB);
        super::base64::line(&word.octets, pen.out);
    } else {
        pen.features.count(Feature::EncodedQ);
        for &octet in &word.octets {
            let plain = match place {
                // RFC 2047 5 (3): within a phrase.
                Place::Phrase => octet.is_ascii_alphanumeric() || b"!*+-/".contains(&octet),
                Place::Text => octet.is_ascii_graphic() && !b"=?_".contains(&octet),
            };
            if octet == b' ' && !pen.odd(30) {
                pen.put(b"_");
            } else if plain && !pen.odd(5) {
                pen.put(&[octet]);
            } else {
                pen.hex(b'=', octet);
            }
        }
    }
    pen.put(b"?=");
}
