//! Whole lines of base64 at once.
//!
//! Real bodies are lines of one length without a flaw. Sixteen of them are joined without their line
//! ends, and decoded in one go; whatever is not so is left to the caller. With the feature `simd` the
//! joined lines go through the crate `base64`, which has vector instructions for them; the octets are
//! the same.

use scop_core::{Full, Sink};

use super::{LINE_OCTETS, MAX_LINE};
use crate::coding::stage::Stage;

#[cfg(not(all(feature = "simd", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod portable;
#[cfg(all(feature = "simd", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod vectors;

#[cfg(not(all(feature = "simd", any(target_arch = "x86_64", target_arch = "aarch64"))))]
use portable::{decode_digits, encode_octets};
#[cfg(all(feature = "simd", any(target_arch = "x86_64", target_arch = "aarch64")))]
use vectors::{decode_digits, encode_octets};

const LINES: usize = 16;
/// Characters of a batch: 1216, a multiple of 64.
const CHARACTERS: usize = LINES * MAX_LINE;
const OCTETS: usize = LINES * LINE_OCTETS;

/// Input that is worth the while.
pub(super) const WORTH: usize = 4 * MAX_LINE;

/// What [`decode`] did.
#[derive(Default)]
pub(super) struct Decoded {
    /// How many bytes are decoded.
    pub(super) taken: usize,
    /// How many characters stand before the first line end in them, when there is one.
    pub(super) first_line: Option<usize>,
    /// How many of the following bytes were looked at in vain: they are not worth another look.
    pub(super) in_vain: usize,
}

/// Decodes from the start of `text`, where a group begins, as much as is lines of one length, or one
/// endless line. `taken` is at the start of a line, or no line end was seen at all.
#[inline(never)]
pub(super) fn decode<S: Sink + ?Sized>(
    text: &[u8],
    out: &mut Stage<'_, S>,
) -> Result<Decoded, Full> {
    let mut done = Decoded::default();
    let mut rest = text;
    let mut joined = [0; CHARACTERS + MAX_LINE];
    let mut octets = [0; OCTETS];
    let shape = Shape::of(text);
    loop {
        let (characters, span) = if let Some(shape) = shape {
            shape.join(rest, &mut joined)
        } else {
            let len = rest.len().min(CHARACTERS) / 4 * 4;
            (rest.get(..len).unwrap_or_default(), len)
        };
        let Some(octets) = octets.get_mut(..characters.len() / 4 * 3) else {
            return Ok(done);
        };
        if characters.is_empty() {
            return Ok(done);
        }
        if !decode_digits(characters, octets) {
            done.in_vain = span;
            return Ok(done);
        }
        out.put(octets)?;
        done.taken += span;
        done.first_line = shape.map(|shape| shape.line);
        rest = rest.get(span..).unwrap_or_default();
    }
}

/// Lines of `line` characters, a multiple of four, and `end` bytes of line end.
#[derive(Clone, Copy)]
struct Shape {
    line: usize,
    end: usize,
}

impl Shape {
    /// The shape of the first line.
    fn of(text: &[u8]) -> Option<Self> {
        let head = text.get(..MAX_LINE + 2).unwrap_or(text);
        let line_feed = memchr::memchr(b'\n', head)?;
        let end = match head.get(..line_feed) {
            Some([.., b'\r']) => 2,
            _ => 1,
        };
        let line = (line_feed + 1).saturating_sub(end);
        (line > 0 && line.is_multiple_of(4) && line <= MAX_LINE).then_some(Self { line, end })
    }

    /// Joins lines of this shape; says which characters, and how many bytes of `text` they were.
    fn join<'j>(
        self,
        text: &[u8],
        joined: &'j mut [u8; CHARACTERS + MAX_LINE],
    ) -> (&'j [u8], usize) {
        let mut rest = text;
        let (mut len, mut span) = (0, 0);
        for _ in 0..LINES {
            let ended = match self.end {
                2 => rest.get(self.line) == Some(&b'\r') && rest.get(self.line + 1) == Some(&b'\n'),
                _ => rest.get(self.line) == Some(&b'\n'),
            };
            // A copy of one size is the fastest; what is too much is written over by the next one.
            let (true, Some(line), Some(room)) = (
                ended,
                rest.first_chunk::<MAX_LINE>(),
                joined.get_mut(len..).and_then(<[u8]>::first_chunk_mut),
            ) else {
                break;
            };
            *room = *line;
            len += self.line;
            span += self.line + self.end;
            rest = rest.get(self.line + self.end..).unwrap_or_default();
        }
        (joined.get(..len).unwrap_or_default(), span)
    }
}

const EMPTY_LINE: [u8; MAX_LINE + 2] = {
    let mut line = [0; MAX_LINE + 2];
    if let Some(end) = line.last_chunk_mut() {
        *end = *b"\r\n";
    }
    line
};

/// Encodes whole batches from the start of `octets`, where a line begins; hands back the rest.
#[inline(never)]
pub(super) fn encode<'a, S: Sink + ?Sized>(
    octets: &'a [u8],
    out: &mut Stage<'_, S>,
) -> Result<&'a [u8], Full> {
    let mut joined = [0; CHARACTERS];
    let mut lines = [EMPTY_LINE; LINES];
    let (batches, rest) = octets.as_chunks::<OCTETS>();
    for batch in batches {
        encode_octets(batch, &mut joined);
        let (characters, _) = joined.as_chunks::<MAX_LINE>();
        for (line, characters) in lines.iter_mut().zip(characters) {
            if let Some(room) = line.first_chunk_mut() {
                *room = *characters;
            }
        }
        out.put(lines.as_flattened())?;
    }
    Ok(rest)
}
