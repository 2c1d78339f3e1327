//! Which transfer encoding a body needs (RFC 2045 2 and 6).
//!
//! ```
//! use scop_mime_core::Encoding;
//! use scop_mime_core::coding::{Form, Stats};
//!
//! let mut stats = Stats::new();
//! stats.put("Grüße aus Köln am Rhein, der hier sehr breit ist\n".as_bytes());
//! assert_eq!(stats.encoding(Form::Text, false), Encoding::QuotedPrintable);
//! assert_eq!(stats.encoding(Form::Text, true), Encoding::EightBit);
//! // The LF without CR must arrive as it is.
//! assert_eq!(stats.encoding(Form::Binary, true), Encoding::QuotedPrintable);
//! ```

use memchr::memchr_iter;
use scop_core::{Full, Sink};

use super::Form;
use super::encoding::Encoding;
use super::found::add;
use super::quoted_printable::must_encode;
use crate::header::scan::MAX_LINE;

#[cfg(test)]
mod tests;

/// Counts what decides on the encoding. How the octets are cut into pieces changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    octets: u64,
    eight_bit: u64,
    nul: u64,
    /// Octets that quoted-printable encodes in a line, CR and LF not counted.
    unsafe_octets: u64,
    equals: u64,
    cr: u64,
    crlf: u64,
    bare_lf: u64,
    /// The line so far, a CR at its end counted.
    line: u64,
    /// The longest line before.
    longest: u64,
    /// The last octet was CR.
    after_cr: bool,
}

impl Stats {
    /// Of no octets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the next octets.
    pub fn put(&mut self, octets: &[u8]) {
        self.octets = add(self.octets, octets.len());
        // Blocks of a fixed size and sums of a byte each let the compiler look at many octets at once.
        let (blocks, rest) = octets.as_chunks::<64>();
        for block in blocks {
            self.count(block);
        }
        self.count(rest);

        let mut start = 0;
        for line_feed in memchr_iter(b'\n', octets) {
            let after_cr = match line_feed.checked_sub(1) {
                Some(before) => octets.get(before) == Some(&b'\r'),
                None => self.after_cr,
            };
            let line = add(self.line, line_feed.saturating_sub(start));
            self.longest = self.longest.max(line.saturating_sub(u64::from(after_cr)));
            self.crlf += u64::from(after_cr);
            self.bare_lf += u64::from(!after_cr);
            self.line = 0;
            start = line_feed + 1;
        }
        self.line = add(self.line, octets.len().saturating_sub(start));
        if let Some(last) = octets.last() {
            self.after_cr = *last == b'\r';
        }
    }

    /// Counts at most 255 octets, whatever line they are in.
    #[inline]
    fn count(&mut self, octets: &[u8]) {
        let (mut eight_bit, mut nul, mut unsafe_octets, mut equals, mut cr) =
            (0_u8, 0_u8, 0_u8, 0_u8, 0_u8);
        for &octet in octets {
            eight_bit = eight_bit.wrapping_add(octet >> 7);
            nul = nul.wrapping_add(u8::from(octet == 0));
            let is_unsafe = must_encode(octet) & !matches!(octet, b'\r' | b'\n');
            unsafe_octets = unsafe_octets.wrapping_add(u8::from(is_unsafe));
            equals = equals.wrapping_add(u8::from(octet == b'='));
            cr = cr.wrapping_add(u8::from(octet == b'\r'));
        }
        self.eight_bit += u64::from(eight_bit);
        self.nul += u64::from(nul);
        self.unsafe_octets += u64::from(unsafe_octets);
        self.equals += u64::from(equals);
        self.cr += u64::from(cr);
    }

    /// The encoding that the octets need; `allow_8bit` is whether all hops take 8-bit text
    /// (RFC 6152).
    ///
    /// - 7bit, or 8bit where it is allowed: lines of at most 998 octets (RFC 2045 2.7, 2.8), no NUL, no
    ///   CR without LF; in [`Form::Binary`] no LF without CR. A line of more than 78 characters is no
    ///   reason to encode: RFC 5322 2.1.1 leaves these to the reader's display.
    /// - Else quoted-printable, if it encodes at most each sixth octet: it is no longer than base64
    ///   then, but for soft breaks, and most of it can be read as it is.
    /// - Else base64.
    pub fn encoding(&self, form: Form, allow_8bit: bool) -> Encoding {
        let as_lines = self.longest_line() <= MAX_LINE as u64
            && self.nul == 0
            && self.bare_cr() == 0
            && (form == Form::Text || self.bare_lf == 0);
        let line_ends = match form {
            Form::Text => self.bare_cr(),
            Form::Binary => self
                .cr
                .saturating_add(self.crlf)
                .saturating_add(self.bare_lf),
        };
        let encoded = self.unsafe_octets.saturating_add(self.equals);
        let encoded = encoded.saturating_add(line_ends);
        if as_lines && self.eight_bit == 0 {
            Encoding::SevenBit
        } else if as_lines && allow_8bit {
            Encoding::EightBit
        } else if encoded.saturating_mul(6) <= self.octets {
            Encoding::QuotedPrintable
        } else {
            Encoding::Base64
        }
    }

    /// How many octets came.
    pub const fn octets(&self) -> u64 {
        self.octets
    }

    /// Octets above 127.
    pub const fn eight_bit(&self) -> u64 {
        self.eight_bit
    }

    /// Octets of value zero.
    pub const fn nul(&self) -> u64 {
        self.nul
    }

    /// Control characters other than TAB, CR and LF; NUL and DEL are counted.
    pub const fn controls(&self) -> u64 {
        self.unsafe_octets.saturating_sub(self.eight_bit)
    }

    /// CR without LF.
    pub const fn bare_cr(&self) -> u64 {
        self.cr.saturating_sub(self.crlf)
    }

    /// LF without CR.
    pub const fn bare_lf(&self) -> u64 {
        self.bare_lf
    }

    /// The octets of the longest line without its line end, which is CRLF or LF.
    pub fn longest_line(&self) -> u64 {
        self.longest.max(self.line)
    }
}

/// For octets that are written to it: they are counted and dropped.
impl Sink for Stats {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        Self::put(self, bytes);
        Ok(())
    }
}
