//! Words, phrases, unstructured values.

use super::Generator;
use crate::model::{Charset, EncodedWord, Phrase, Piece, Text, Word};

const WORDS: &[&str] = &[
    "Joe", "Public", "the", "a", "of", "Re:", "meeting", "invoice", "hello", "1997", "test",
    "report", "team", "list", "news", "(urgent)", "sent", "from", "Q.", "Dr.", "it's", "50%",
    "a,b", "x;y", "--",
];

/// Letters of several scripts, marks, and characters outside the first plane.
const LETTERS: &[&str] = &[
    "\u{e9}",
    "\u{fc}",
    "\u{df}",
    "\u{f1}",
    "\u{e5}",
    "\u{142}",
    "\u{3b1}",
    "\u{436}",
    "\u{5d0}",
    "\u{627}",
    "\u{928}",
    "\u{65e5}",
    "\u{672c}",
    "\u{ac00}",
    "\u{2713}",
    "\u{1f600}",
    "\u{1f1ec}",
    "e\u{301}",
    "\u{a0}",
    "\u{20ac}",
];

/// Letters of ISO-8859-1.
const LATIN: &[&str] = &[
    "\u{e9}", "\u{fc}", "\u{df}", "\u{f1}", "\u{c5}", "\u{a3}", "\u{bf}", "\u{ff}",
];

impl Generator {
    /// `1*atext`.
    pub(crate) fn atom(&mut self) -> String {
        match self.rng.below(20) {
            0..13 => {
                let atoms = [
                    "joe", "public", "list", "info", "x", "a1", "no-reply", "Team", "y+z", "2024",
                ];
                self.rng.pick(&atoms).to_owned()
            }
            13..19 => {
                let len = self.rng.range(1, 10);
                let alphabet = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=^_`{|}~?";
                (0..len)
                    .map(|_| char::from(self.rng.pick(alphabet)))
                    .collect::<String>()
                    .replace("=?", "==")
            }
            _ => {
                let len = self.rng.range(1, 4);
                (0..len)
                    .map(|_| self.rng.pick(LETTERS))
                    .filter(|letter| *letter != "\u{a0}")
                    .collect::<String>()
                    + "e"
            }
        }
    }

    /// Printable characters without white space, none of which begin an encoded word.
    pub(crate) fn word(&mut self) -> String {
        match self.rng.below(20) {
            0..13 => self.rng.pick(WORDS).to_owned(),
            13..18 => {
                let len = self.rng.range(1, 12);
                (0..len)
                    .map(|_| char::from(b'!' + u8::try_from(self.rng.below(94)).unwrap_or(0)))
                    .collect::<String>()
                    .replace("=?", "==")
            }
            _ => self.letters(),
        }
    }

    fn letters(&mut self) -> String {
        let len = self.rng.range(1, 6);
        (0..len).map(|_| self.rng.pick(LETTERS)).collect()
    }

    /// Any text that a person may write, white space included; no control but TAB.
    pub(crate) fn line(&mut self, words: u32) -> String {
        let mut text = String::new();
        for index in 0..self.rng.range(1, words) {
            if index > 0 || self.rng.one_in(20) {
                text.push_str(self.rng.pick(&[" ", " ", " ", " ", "  ", "\t", "   "]));
            }
            if self.rng.one_in(12) {
                text.push_str(self.rng.pick(&[
                    "=?utf-8?q?x?=",
                    "\"",
                    "\\",
                    "=?",
                    "a@b",
                    "<x>",
                    "(",
                ]));
            } else {
                let word = self.word();
                text.push_str(&word);
            }
        }
        if self.rng.one_in(20) {
            text.push(' ');
        }
        text
    }

    /// A phrase of words, quoted ones and encoded ones.
    pub(crate) fn phrase(&mut self) -> Phrase {
        let mut words = Vec::new();
        for _ in 0..self.rng.pick(&[1, 1, 2, 2, 3, 5]) {
            match self.rng.below(20) {
                0..11 => {
                    let atom = self.atom();
                    words.push(Word::Plain(atom));
                }
                11..13 => {
                    let dots = ["Q.", "St.John", "a..b", "J.R.R."];
                    words.push(Word::Plain(self.rng.pick(&dots).to_owned()));
                }
                13..17 => {
                    let line = self.line(3);
                    words.push(Word::Plain(line));
                }
                17 => {
                    let odd = ["", " ", "=?utf-8?q?x?=", "a\x01b\x7f", "<a@b>", "\u{85}"];
                    words.push(Word::Plain(self.rng.pick(&odd).to_owned()));
                }
                _ => self.encoded_words(&mut |word| words.push(Word::Encoded(word))),
            }
        }
        Phrase(words)
    }

    /// A phrase that mime-core will write from its text.
    pub(crate) fn library_phrase(&mut self) -> Phrase {
        Phrase::of(&self.line(5))
    }

    /// An unstructured value.
    pub(crate) fn text(&mut self, words: u32) -> Text {
        let mut pieces = Vec::new();
        let first = self
            .rng
            .pick(&[" ", " ", " ", " ", " ", " ", "", "\t", "   "]);
        if !first.is_empty() {
            pieces.push(Piece::Space(first.to_owned()));
        }
        for index in 0..self.rng.below(words.saturating_add(1)) {
            if index > 0 {
                let space = self
                    .rng
                    .pick(&[" ", " ", " ", " ", " ", "  ", "\t", " \t "]);
                pieces.push(Piece::Space(space.to_owned()));
            }
            if self.rng.one_in(6) {
                let mut first = true;
                let spaces = [self.rng.pick(&[" ", " ", "  ", "\t"]); 1];
                self.encoded_words(&mut |word| {
                    if !std::mem::replace(&mut first, false) {
                        pieces.push(Piece::Space(spaces.concat()));
                    }
                    pieces.push(Piece::Encoded(word));
                });
            } else {
                let word = self.word();
                pieces.push(Piece::Plain(word));
            }
        }
        if self.rng.one_in(15) {
            pieces.push(Piece::Space(self.rng.pick(&[" ", "\t", "  "]).to_owned()));
        }
        Text(pieces)
    }

    /// A text in one or several encoded words, in one charset, perhaps cut within a character.
    fn encoded_words(&mut self, take: &mut dyn FnMut(EncodedWord)) {
        let charset = self.rng.pick(&[
            Charset::Utf8,
            Charset::Utf8,
            Charset::Ascii,
            Charset::Latin1,
        ]);
        let mut text = String::new();
        for index in 0..self.rng.range(1, 3) {
            if index > 0 {
                text.push(' ');
            }
            match charset {
                Charset::Ascii => {
                    let line = self.line(2);
                    text.extend(line.chars().filter(char::is_ascii));
                }
                Charset::Latin1 => {
                    text.push_str(self.rng.pick(WORDS));
                    text.push_str(self.rng.pick(LATIN));
                }
                Charset::Utf8 => {
                    let line = self.line(2);
                    text.push_str(&line);
                }
            }
        }
        if text.is_empty() {
            text.push('a');
        }
        let octets = charset.encode(&text);
        // `Q` triples the octets, and a word has at most 75 characters (RFC 2047 2).
        let width = usize::try_from(self.rng.pick(&[15_u32, 15, 15, 4, 1])).unwrap_or(15);
        let base64 = self.rng.one_in(2);
        let language = self
            .rng
            .pick(&[None, None, None, None, Some("en"), Some("de-CH")]);
        for piece in octets.chunks(width) {
            take(EncodedWord {
                charset,
                base64,
                language,
                octets: piece.to_vec(),
            });
        }
    }
}
