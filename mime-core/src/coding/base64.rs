//! Base64 as the body of an entity is written in it (RFC 2045 6.8, RFC 4648 4).
//!
//! [`Decoder`] reads any bytes and says what was wrong; [`Encoder`] writes lines of 76 characters that
//! end in CRLF. Neither panics, allocates or needs the whole input; how the input is cut changes
//! nothing. On damaged text four rules decide what the octets are:
//!
//! - A character outside the alphabet is skipped (RFC 2045 6.8). CR, LF, SP and TAB are no defect.
//! - `=` ends its group wherever it stands; the whole octets of the group are written.
//! - Decoding goes on behind padding, with a new group. Bodies that were encoded piece by piece exist,
//!   and a reader that stops at the padding sees a prefix of what is written here, so that a filter on
//!   this output sees whatever any reader sees there. The defect is [`DefectKind::Base64Padding`].
//! - At the end, the whole octets of an unfinished group are written.
//!
//! ```
//! use scop_core::Full;
//! use scop_mime_core::DefectKind;
//! use scop_mime_core::coding::base64::{Decoder, Encoder};
//!
//! let (mut text, mut octets) = (Vec::new(), Vec::new());
//! let mut encoder = Encoder::new();
//! encoder.put(b"Hello, ", &mut text)?;
//! encoder.put(b"Joe", &mut text)?;
//! encoder.finish(&mut text)?;
//! assert_eq!(text, b"SGVsbG8sIEpvZQ==\r\n");
//!
//! let mut decoder = Decoder::new();
//! decoder.put(b"SGVs*bG8=", &mut octets)?;
//! decoder.finish(&mut octets)?;
//! assert_eq!(octets, b"Hello");
//! assert_eq!(decoder.first(DefectKind::Base64Junk), Some(4));
//! # Ok::<(), Full>(())
//! ```

use scop_core::{Full, Sink};

use super::found::{Found, add, found_defects};
use super::stage::Stage;
use crate::defect::DefectKind;

mod bulk;
#[cfg(test)]
mod tests;

/// The longest line of encoded text, in characters, without its line end (RFC 2045 6.7 (5), 6.8).
pub const MAX_LINE: usize = 76;

/// Takes base64, writes octets.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    /// The digits of the unfinished group, the last one lowest.
    group: u32,
    /// How many there are: 0 to 3.
    digits: u8,
    /// `=` came and no digit since.
    padded: bool,
    /// `=` must come.
    wants_pad: bool,
    /// The last byte was CR.
    after_cr: bool,
    /// How many bytes came.
    position: u64,
    /// Where the line began.
    line_start: u64,
    found: Found,
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
        // With how many bytes left a look at whole lines is worth the while again: no byte is looked
        // at in vain more than once.
        let mut retry = usize::MAX;
        loop {
            if self.digits == 0 && !self.padded {
                if rest.len() >= bulk::WORTH && rest.len() <= retry {
                    let decoded = bulk::decode(rest, &mut out)?;
                    if let Some(len) = decoded.first_line {
                        self.check_line(add(self.position, len));
                        self.line_start = add(self.position, decoded.taken);
                    }
                    rest = self.take(decoded.taken, rest);
                    retry = rest.len().saturating_sub(decoded.in_vain);
                }
                let taken = whole_groups(rest, &mut out)?;
                rest = self.take(taken, rest);
            }
            let Some((&byte, after)) = rest.split_first() else {
                return out.flush();
            };
            self.step(byte, &mut out)?;
            rest = after;
        }
    }

    /// The body is over.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn finish<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), Full> {
        if self.digits > 0 || self.wants_pad {
            self.found.note(DefectKind::Base64Padding, self.position);
        }
        self.wants_pad = false;
        self.check_line(self.position);
        let mut out = Stage::new(sink);
        self.end_group(&mut out)?;
        out.flush()
    }

    found_defects!();

    fn step<S: Sink + ?Sized>(&mut self, byte: u8, out: &mut Stage<'_, S>) -> Result<(), Full> {
        let at = self.position;
        self.position = add(self.position, 1);
        let after_cr = core::mem::replace(&mut self.after_cr, byte == b'\r');
        match byte {
            b'\n' => {
                self.check_line(at.saturating_sub(u64::from(after_cr)));
                self.line_start = self.position;
            }
            b'\r' | b' ' | b'\t' => {}
            b'=' => {
                let wanted = self.digits >= 2 || self.wants_pad;
                if !wanted {
                    self.found.note(DefectKind::Base64Padding, at);
                }
                self.wants_pad = self.digits == 2;
                self.padded |= self.digits > 0;
                self.end_group(out)?;
            }
            _ => match value_of(byte) {
                Some(digit) => {
                    if core::mem::take(&mut self.padded) {
                        self.found.note(DefectKind::Base64Padding, at);
                        self.wants_pad = false;
                    }
                    self.group = self.group << 6 | u32::from(digit);
                    self.digits += 1;
                    if self.digits == 4 {
                        let [_, octets @ ..] = self.group.to_be_bytes();
                        (self.group, self.digits) = (0, 0);
                        out.put_array(octets)?;
                    }
                }
                None => self.found.note(DefectKind::Base64Junk, at),
            },
        }
        Ok(())
    }

    /// Writes the whole octets of the unfinished group.
    fn end_group<S: Sink + ?Sized>(&mut self, out: &mut Stage<'_, S>) -> Result<(), Full> {
        let digits = core::mem::take(&mut self.digits);
        let group = core::mem::take(&mut self.group);
        // What is left of one, two, three digits when whole octets are taken off.
        let spare = match digits {
            1 => 6,
            2 => 4,
            3 => 2,
            _ => 0,
        };
        if group.trailing_zeros() < spare {
            // The last byte shows it: `=`, or the end.
            let at = self.position.saturating_sub(u64::from(self.padded));
            self.found.note(DefectKind::Base64Bits, at);
        }
        let [.., first, second] = (group >> spare).to_be_bytes();
        match digits {
            2 => out.put_byte(second),
            3 => out.put_array([first, second]),
            _ => Ok(()),
        }
    }

    /// Notes that `count` bytes of `rest` were taken, none of them CR; hands back the others.
    fn take<'a>(&mut self, count: usize, rest: &'a [u8]) -> &'a [u8] {
        if count > 0 {
            self.position = add(self.position, count);
            self.after_cr = false;
        }
        rest.get(count..).unwrap_or_default()
    }

    fn check_line(&mut self, end: u64) {
        let limit = add(self.line_start, MAX_LINE);
        if end > limit {
            self.found.note(DefectKind::EncodedLineTooLong, limit);
        }
    }
}

/// Decodes from the start of `text` as many groups of four digits as follow one another; says how
/// many characters they are.
fn whole_groups<S: Sink + ?Sized>(text: &[u8], out: &mut Stage<'_, S>) -> Result<usize, Full> {
    let mut taken = 0;
    for &group in text.as_chunks::<4>().0 {
        let [Some(a), Some(b), Some(c), Some(d)] = group.map(value_of) else {
            break;
        };
        let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
        let [_, octets @ ..] = bits.to_be_bytes();
        out.put_array(octets)?;
        taken += 4;
    }
    Ok(taken)
}

/// ```text
/// A-Z a-z 0-9 + /                                  ; RFC 2045 6.8, table 1
/// ```
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const NO_DIGIT: u8 = 0xff;

static VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 64 {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            values[ALPHABET[value as usize] as usize] = value;
        }
        value += 1;
    }
    values
};

/// The value of a digit.
pub(crate) fn value_of(character: u8) -> Option<u8> {
    let value = VALUES.get(usize::from(character)).copied();
    value.filter(|&value| value != NO_DIGIT)
}

/// Takes octets, writes base64 in lines of 76 characters and CRLF.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    /// The octets of an unfinished group.
    held: [u8; 2],
    held_len: u8,
    /// The groups of the unfinished line: 0 to 18.
    groups: u8,
}

/// Octets of a whole line: 19 groups.
const LINE_OCTETS: usize = MAX_LINE / 4 * 3;

impl Encoder {
    /// At the start of a body.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next octets.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn put<S: Sink + ?Sized>(&mut self, input: &[u8], sink: &mut S) -> Result<(), Full> {
        let mut out = Stage::new(sink);
        let mut rest = input;
        loop {
            if self.held_len == 0 {
                if self.groups == 0 {
                    rest = bulk::encode(rest, &mut out)?;
                    let (lines, after) = rest.as_chunks::<LINE_OCTETS>();
                    for line in lines {
                        out.put_array(encode_line(line))?;
                    }
                    rest = after;
                }
                if let Some((group, after)) = rest.split_first_chunk() {
                    self.put_group(encode_group(*group), &mut out)?;
                    rest = after;
                    continue;
                }
            }
            let Some((&octet, after)) = rest.split_first() else {
                return out.flush();
            };
            rest = after;
            let [first, second] = self.held;
            match self.held_len {
                0 => self.held = [octet, 0],
                1 => self.held = [first, octet],
                _ => {
                    self.held_len = 0;
                    self.put_group(encode_group([first, second, octet]), &mut out)?;
                    continue;
                }
            }
            self.held_len += 1;
        }
    }

    /// The octets are over: writes what is held, padding, and the end of the last line. Nothing is
    /// written when nothing came.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn finish<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), Full> {
        let mut out = Stage::new(sink);
        let [first, second] = self.held;
        let [a, b, c, _] = encode_group([first, second, 0]);
        match core::mem::take(&mut self.held_len) {
            0 => {}
            1 => self.put_group([a, b, b'=', b'='], &mut out)?,
            _ => self.put_group([a, b, c, b'='], &mut out)?,
        }
        if core::mem::take(&mut self.groups) > 0 {
            out.put_array(*b"\r\n")?;
        }
        out.flush()
    }

    fn put_group<S: Sink + ?Sized>(
        &mut self,
        group: [u8; 4],
        out: &mut Stage<'_, S>,
    ) -> Result<(), Full> {
        out.put_array(group)?;
        self.groups += 1;
        if usize::from(self.groups) == MAX_LINE / 4 {
            self.groups = 0;
            out.put_array(*b"\r\n")?;
        }
        Ok(())
    }
}

fn encode_line(octets: &[u8; LINE_OCTETS]) -> [u8; MAX_LINE + 2] {
    let mut line = [0; MAX_LINE + 2];
    let (triples, _) = octets.as_chunks::<3>();
    let (groups, end) = line.as_chunks_mut::<4>();
    for (group, triple) in groups.iter_mut().zip(triples) {
        *group = encode_group(*triple);
    }
    for (to, from) in end.iter_mut().zip(b"\r\n") {
        *to = *from;
    }
    line
}

/// Four characters for three octets.
pub(crate) fn encode_group([a, b, c]: [u8; 3]) -> [u8; 4] {
    let bits = u32::from_be_bytes([0, a, b, c]);
    [18, 12, 6, 0].map(|shift| {
        let value = usize::try_from(bits >> shift & 63).unwrap_or(0);
        ALPHABET.get(value).copied().unwrap_or(b'A')
    })
}
