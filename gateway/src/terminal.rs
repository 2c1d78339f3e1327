//! Text for a terminal: foreign bytes made harmless, colours where they are wanted.

use std::fmt::{self, Write as _};
use std::io::{IsTerminal as _, Write as _};

/// Says something to the user on standard error; the text may quote what is foreign.
///
/// A standard error that takes nothing more does not stop the program, as `eprintln!` would.
pub(crate) fn say(words: impl fmt::Display) {
    let line = format!("scop: {}\n", shown(words.to_string().as_bytes()));
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Bytes of a message or of the DNS as text that cannot steer a terminal.
///
/// What is valid UTF-8 and visible stays. Control characters, invisible ones, and those that change the
/// direction of text (they reorder an address on screen) are written as `\u{...}`, other bytes as `\xNN`.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_hidden(c) {
                // Writing to a string does not fail.
                let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// At most `limit` characters of [`shown`], with an ellipsis where it was cut.
pub(crate) fn shown_within(bytes: &[u8], limit: usize) -> String {
    // A character has at most four bytes, so more of them are not looked at.
    let head = bytes
        .get(..limit.saturating_mul(4).saturating_add(4))
        .unwrap_or(bytes);
    let text = shown(head);
    match text.char_indices().nth(limit) {
        None if head.len() == bytes.len() => text,
        None => text + "\u{2026}",
        Some((cut, _)) => text.get(..cut).unwrap_or_default().to_owned() + "\u{2026}",
    }
}

/// Characters that are not seen, or that change what is seen around them: control characters, those with
/// the property `Default_Ignorable_Code_Point` of Unicode, separators of lines, marks of annotations.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            u32::from(c),
            0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
                | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
                | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff
        )
}

/// What a piece of output is; the style follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Bad,
    Doubt,
    Strong,
    Faint,
}

/// Whether output is coloured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// No colour.
    #[cfg(test)]
    pub(crate) const fn plain() -> Self {
        Self { colour: false }
    }

    /// Colour for a standard output that is a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    pub(crate) fn of_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            colour: std::io::stdout().is_terminal() && !refused,
        }
    }

    /// `text` in its tone.
    pub(crate) fn paint<T: fmt::Display>(self, tone: Tone, text: T) -> Painted<T> {
        Painted {
            text,
            tone: if self.colour { tone } else { Tone::Plain },
        }
    }
}

/// Text with its tone.
#[derive(Debug)]
pub(crate) struct Painted<T> {
    text: T,
    tone: Tone,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match self.tone {
            Tone::Plain => return self.text.fmt(f),
            Tone::Good => "1;32",
            Tone::Bad => "1;31",
            Tone::Doubt => "1;33",
            Tone::Strong => "1",
            Tone::Faint => "2",
        };
        write!(f, "\x1b[{code}m")?;
        self.text.fmt(f)?;
        f.write_str("\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_bytes_are_harmless() {
        for (bytes, text) in [
            (&b"plain"[..], "plain"),
            ("gr\u{fc}n \u{2713}".as_bytes(), "gr\u{fc}n \u{2713}"),
            (b"\x1b[31mred\x07", "\\u{1b}[31mred\\u{7}"),
            (b"a\r\nb\tc\x7f", "a\\u{d}\\u{a}b\\u{9}c\\u{7f}"),
            (b"\xff\xc3", "\\xff\\xc3"),
            ("moc.\u{202e}elpmaxe".as_bytes(), "moc.\\u{202e}elpmaxe"),
            (
                "zero\u{200b}width\u{feff}".as_bytes(),
                "zero\\u{200b}width\\u{feff}",
            ),
            ("\u{9b}31m".as_bytes(), "\\u{9b}31m"),
            // A filler that takes room like a letter, and selectors that no font shows.
            (
                "a\u{3164}b\u{fe00}\u{e0100}".as_bytes(),
                "a\\u{3164}b\\u{fe00}\\u{e0100}",
            ),
        ] {
            assert_eq!(shown(bytes), text);
        }
    }

    #[test]
    fn cut_text_says_so() {
        assert_eq!(shown_within(b"abcdef", 6), "abcdef");
        assert_eq!(shown_within(b"abcdef", 5), "abcde\u{2026}");
        assert_eq!(shown_within(&[b'a'; 100], 3), "aaa\u{2026}");
        assert_eq!(
            shown_within("\u{fc}\u{fc}\u{fc}".as_bytes(), 2),
            "\u{fc}\u{fc}\u{2026}"
        );
    }
}
