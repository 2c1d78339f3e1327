//! Uuencoded text, as old mail carries it (POSIX.1 `uuencode`; in no RFC).
//!
//! [`Decoder`] reads any bytes and says with [`DefectKind::BadUuencode`] that something was wrong. It does
//! not panic or allocate, and remembers one line; how the input is cut changes nothing. These rules
//! decide what the octets are:
//!
//! - Text before `begin`, between `end` and the next `begin`, and after the last `end`, is no data.
//!   Empty lines there are no defect.
//! - Several `begin` to `end` are decoded one after the other, and are a defect: a reader that stops at
//!   the first `end` sees a prefix of what is written here.
//! - A data line that is too short for its count is filled up with zero bits, as if blanks at its end
//!   were lost; what is too much is no data. Only white space that is too much is no defect.
//! - A character that is no digit is taken for its low six bits. A line whose first character is no
//!   digit is no data.
//!
//! ```
//! use scop_mime_core::coding::uuencode::Decoder;
//!
//! let mut octets = Vec::new();
//! let mut decoder = Decoder::new();
//! decoder.put(b"begin 644 cat.txt\n#0V%T\n`\nend\n", &mut octets)?;
//! decoder.finish(&mut octets)?;
//! assert_eq!(octets, b"Cat");
//! assert!(decoder.defects().is_empty());
//! # Ok::<(), scop_core::Full>(())
//! ```

use memchr::memchr;
use scop_core::{Full, Sink};

use super::found::{Found, add, found_defects};
use super::stage::Stage;
use crate::defect::DefectKind;

#[cfg(test)]
mod tests;

/// How much of a line is looked at: the longest data line has a count and 84 digits.
const LINE: usize = 96;

/// Takes uuencoded text, writes octets.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// The start of the unfinished line.
    line: [u8; LINE],
    /// How long that line is so far.
    line_len: usize,
    /// The line is between `begin` and `end`.
    inside: bool,
    /// A `begin` came.
    begun: bool,
    /// How many bytes came before the line.
    position: u64,
    found: Found,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            line: [0; LINE],
            line_len: 0,
            inside: false,
            begun: false,
            position: 0,
            found: Found::default(),
        }
    }
}

impl Decoder {
    /// At the start of a body.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the body.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn put<S: Sink + ?Sized>(&mut self, input: &[u8], sink: &mut S) -> Result<(), Full> {
        let mut out = Stage::new(sink);
        let mut rest = input;
        while let Some(line_feed) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at_checked(line_feed).unwrap_or((rest, &[]));
            if self.line_len == 0 {
                let head = line.get(..LINE).unwrap_or(line);
                self.line(head, line.len(), &mut out)?;
            } else {
                self.hold(line);
                self.held_line(&mut out)?;
            }
            self.position = add(self.position, 1);
            rest = after.get(1..).unwrap_or_default();
        }
        self.hold(rest);
        out.flush()
    }

    /// The body is over.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn finish<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), Full> {
        let mut out = Stage::new(sink);
        self.held_line(&mut out)?;
        if self.inside || !self.begun {
            self.found.note(DefectKind::BadUuencode, self.position);
        }
        out.flush()
    }

    found_defects!();

    /// Keeps the next bytes of a line.
    fn hold(&mut self, bytes: &[u8]) {
        let room = self.line.get_mut(self.line_len..).unwrap_or_default();
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.line_len = self.line_len.saturating_add(bytes.len());
    }

    fn held_line<S: Sink + ?Sized>(&mut self, out: &mut Stage<'_, S>) -> Result<(), Full> {
        let len = core::mem::take(&mut self.line_len);
        let line = self.line;
        self.line(line.get(..len).unwrap_or(&line), len, out)
    }

    /// Takes a line of `len` bytes that begins with `head`, without its LF.
    fn line<S: Sink + ?Sized>(
        &mut self,
        head: &[u8],
        len: usize,
        out: &mut Stage<'_, S>,
    ) -> Result<(), Full> {
        let start = self.position;
        self.position = add(start, len);
        let whole = head.len() == len;
        let bare = head.strip_suffix(b"\r").filter(|_| whole).unwrap_or(head);
        let text = bare.trim_ascii_end();
        let defect = if is_begin(bare) {
            self.inside = true;
            core::mem::replace(&mut self.begun, true)
        } else if !self.inside {
            !(text.is_empty() && whole)
        } else if text == b"end" {
            self.inside = false;
            !whole
        } else {
            !data_line(bare, out)? || !whole
        };
        if defect {
            self.found.note(DefectKind::BadUuencode, start);
        }
        Ok(())
    }
}

/// ```text
/// begin = "begin" SP 3*4("0"-"7") SP name
/// ```
fn is_begin(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"begin ") else {
        return false;
    };
    let octal = |byte: &u8| (b'0'..=b'7').contains(byte);
    match rest {
        [a, b, c, b' ', _, ..] => [a, b, c].into_iter().all(octal),
        [a, b, c, d, b' ', _, ..] => [a, b, c, d].into_iter().all(octal),
        _ => false,
    }
}

/// Writes the octets of a line; false when something is wrong with it.
///
/// ```text
/// line  = count *(4digit)
/// count = digit                       ; of the octets; 0 in the last line
/// digit = %d32-96                     ; its low six bits, less 32; "`" is another blank
/// ```
fn data_line<S: Sink + ?Sized>(line: &[u8], out: &mut Stage<'_, S>) -> Result<bool, Full> {
    let Some((&count, digits)) = line.split_first() else {
        // A blank for a count, lost.
        return Ok(true);
    };
    if !is_digit(count) {
        return Ok(false);
    }
    let count = usize::from(value(count));
    // Each octet needs all of its bits.
    let needed = (count * 4).div_ceil(3);
    let full = count.div_ceil(3) * 4;
    let used = digits.get(..full).unwrap_or(digits);
    let surplus = digits.get(full..).unwrap_or_default();
    let good = digits.len() >= needed
        && used.iter().copied().all(is_digit)
        && surplus.trim_ascii().is_empty();

    let mut left = count;
    let mut digits = used.iter().map(|&digit| u32::from(value(digit)));
    while left > 0 {
        let mut next = || digits.next().unwrap_or(0);
        let bits = next() << 18 | next() << 12 | next() << 6 | next();
        let [_, octets @ ..] = bits.to_be_bytes();
        out.put(octets.get(..left).unwrap_or(&octets))?;
        left = left.saturating_sub(3);
    }
    Ok(good)
}

const fn is_digit(byte: u8) -> bool {
    matches!(byte, b' '..=b'`')
}

const fn value(digit: u8) -> u8 {
    digit.wrapping_sub(b' ') & 63
}
