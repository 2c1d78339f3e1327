//! The tokens of structured fields, spelled in every form (RFC 5322 3.2 and 4.1).

use crate::feature::{Feature, Features};
use crate::model::{Hand, How, LineEnd};
use crate::rng::Rng;

/// Where a plain line is folded, and where any line is.
const PLAIN_LINE: usize = 72;
const LONG_LINE: usize = 500;

/// Writes one field or body, and makes its choices.
pub(crate) struct Pen<'o> {
    pub(crate) out: &'o mut Vec<u8>,
    pub(crate) features: &'o mut Features,
    pub(crate) rng: Rng,
    pub(crate) line_end: LineEnd,
    /// Whether the choices are drawn, or the plainest form is written.
    pub(crate) odd: bool,
    /// How often an optional gap is filled, in percent.
    density: u32,
    line_start: usize,
}

impl<'o> Pen<'o> {
    pub(crate) fn new(
        out: &'o mut Vec<u8>,
        features: &'o mut Features,
        line_end: LineEnd,
        how: How,
    ) -> Self {
        let mut rng = Rng::new(how.seed);
        let density = rng.pick(&[1, 3, 8, 25]);
        let line_start = out.len();
        Self {
            out,
            features,
            rng,
            line_end,
            odd: how.hand == Hand::Odd,
            density,
            line_start,
        }
    }

    /// Whether an odd form that comes in `percent` of the cases comes now.
    pub(crate) fn odd(&mut self, percent: u32) -> bool {
        self.odd && self.rng.percent(percent)
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.put(text.as_bytes());
    }

    pub(crate) fn column(&self) -> usize {
        self.out.len().saturating_sub(self.line_start)
    }

    /// A line end; white space must follow in a header.
    pub(crate) fn break_line(&mut self) {
        let blank = self.column() > 0
            && self
                .out
                .get(self.line_start..)
                .is_some_and(|line| line.iter().all(|byte| matches!(byte, b' ' | b'\t')));
        if blank {
            self.features.count(Feature::BlankFold);
        }
        self.features.count(Feature::Fold);
        self.put(self.line_end.bytes());
        self.line_start = self.out.len();
    }

    /// One octet of white space, perhaps on a new line.
    pub(crate) fn blank(&mut self, blank: u8) {
        let full = self.column() > if self.odd { LONG_LINE } else { PLAIN_LINE };
        if full || self.odd(15) {
            self.break_line();
        }
        self.put(&[blank]);
    }

    /// White space (FWS), one octet or more.
    pub(crate) fn space(&mut self) {
        if self.odd {
            for _ in 0..self.rng.pick(&[1_u32, 1, 1, 1, 2, 4]) {
                let blank = self.rng.pick(b"   \t");
                self.blank(blank);
            }
        } else {
            self.blank(b' ');
        }
    }

    /// White space where there may be none.
    pub(crate) fn optional_space(&mut self) {
        if self.odd(self.density) || self.odd && self.column() > LONG_LINE {
            self.space();
        }
    }

    /// White space or comments (CFWS) between two words.
    pub(crate) fn gap(&mut self) {
        if !self.odd(self.density) {
            return self.space();
        }
        for _ in 0..self.rng.range(1, 3) {
            if self.rng.percent(60) {
                self.comment(0);
            } else {
                self.space();
            }
        }
    }

    /// White space or comments where there may be none.
    pub(crate) fn optional_gap(&mut self) {
        if self.odd(self.density) {
            self.gap();
        } else if self.odd && self.column() > LONG_LINE {
            self.space();
        }
    }

    /// What stands between the colon of the field and the value.
    pub(crate) fn start(&mut self) {
        if self.odd(8) {
            return;
        }
        if self.odd(20) {
            return self.gap();
        }
        self.space();
    }

    /// What stands behind the value.
    pub(crate) fn end(&mut self) {
        self.optional_gap();
    }

    /// A comment, with comments in it.
    pub(crate) fn comment(&mut self, depth: u32) {
        self.features.count(if depth == 0 {
            Feature::Comment
        } else {
            Feature::NestedComment
        });
        self.put(b"(");
        for _ in 0..self.rng.below(4) {
            match self.rng.below(12) {
                0 if depth < 4 => self.comment(depth.saturating_add(1)),
                1 | 2 => self.space(),
                3 => {
                    let quoted = self.rng.pick(b"()\\\"x ;,@<:\x07");
                    self.features.count(Feature::QuotedPair);
                    self.put(&[b'\\', quoted]);
                }
                4 => {
                    let text = self
                        .rng
                        .pick(&["\u{e9}", "\u{2713}\u{1f600}", "\u{65e5}\u{672c}"]);
                    self.text(text);
                }
                5 => {
                    let text = self.rng.pick(&[
                        "=?utf-8?q?x?=",
                        "\"",
                        ";",
                        "<a@b>",
                        ",",
                        "@",
                        "\x01",
                        "\x7f",
                    ]);
                    self.text(text);
                }
                _ => {
                    let text = self
                        .rng
                        .pick(&["a", "note", "was: spam", "x-y.z", "--b", "200"]);
                    self.text(text);
                }
            }
        }
        self.put(b")");
    }

    /// A quoted string that means `text`, which holds no NUL, CR or LF.
    pub(crate) fn quoted(&mut self, text: &str) {
        self.features.count(Feature::QuotedString);
        self.put(b"\"");
        for c in text.chars() {
            let special = matches!(c, '"' | '\\');
            if special || self.odd(2) {
                self.features.count(Feature::QuotedPair);
                self.put(b"\\");
            } else if matches!(c, ' ' | '\t') {
                self.blank(if c == ' ' { b' ' } else { b'\t' });
                continue;
            }
            self.text(c.encode_utf8(&mut [0; 4]));
        }
        self.put(b"\"");
    }

    /// An atom where the text is one, else, or by choice, a quoted string.
    pub(crate) fn word(&mut self, text: &str) {
        if is_atom(text) && !text.contains("=?") && !self.odd(10) {
            self.text(text);
        } else {
            self.quoted(text);
        }
    }

    /// A token of RFC 2045 5.1 where the text is one, else, or by choice, a quoted string.
    pub(crate) fn token_or_quoted(&mut self, text: &str) {
        if is_token(text) && !self.odd(30) {
            self.text(text);
        } else {
            self.features.count(Feature::QuotedParameter);
            self.quoted(text);
        }
    }

    /// Text in letters of any case.
    pub(crate) fn any_case(&mut self, text: &str) {
        if !self.odd(20) {
            return self.text(text);
        }
        for byte in text.bytes() {
            let byte = if self.rng.one_in(2) {
                byte.to_ascii_uppercase()
            } else {
                byte.to_ascii_lowercase()
            };
            self.put(&[byte]);
        }
    }

    pub(crate) fn number(&mut self, number: u64, width: usize) {
        self.text(&format!("{number:0width$}"));
    }
}

/// `1*atext` (RFC 5322 3.2.3, RFC 6532 3.2).
pub(crate) fn is_atom(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_atext)
}

pub(crate) fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii()
}

/// `1*atext *("." 1*atext)`.
pub(crate) fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(is_atom)
}

/// A token of RFC 2045 5.1, ASCII only.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c))
}

impl Pen<'_> {
    /// `=3D` or `%3D`, in digits of any case.
    pub(crate) fn hex(&mut self, mark: u8, octet: u8) {
        let digits: &[u8; 16] = if self.odd(10) {
            b"0123456789abcdef"
        } else {
            b"0123456789ABCDEF"
        };
        let digit = |value: u8| digits.get(usize::from(value)).copied().unwrap_or(b'0');
        self.put(&[mark, digit(octet >> 4), digit(octet & 15)]);
    }
}

/// White space of tag lists, which has one fold at most (RFC 6376 2.8).
impl Pen<'_> {
    pub(crate) fn fold_space(&mut self) {
        if self.odd(15) {
            self.put(b" ");
        }
        self.blank(b' ');
        while self.odd(20) {
            self.put(b"\t");
        }
    }

    pub(crate) fn optional_fold_space(&mut self) {
        if self.odd(5) {
            self.fold_space();
        }
    }
}
