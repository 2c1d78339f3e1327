//! Quoted-printable (RFC 2045 6.7).
//!
//! [`Decoder`] reads any bytes and says what was wrong; [`Encoder`] writes lines of at most 76
//! characters. Neither panics, allocates or needs the whole input; how the input is cut changes
//! nothing. On damaged text these rules decide what the octets are:
//!
//! - A line ends with CRLF or LF, and is handed on with the line end that it has. CR elsewhere is data.
//! - `=` that neither two hexadecimal digits (of either case) nor a line end follow is data, as is what
//!   follows it. At the end of the body it is data too (RFC 2045 6.7, last paragraphs, (2)).
//! - White space before a line end, before the end of the body, and between `=` and a line end is taken
//!   away: a transport has put it there (rule (3)). Not all readers see a soft break behind `=` and white
//!   space, so that it is a [`DefectKind::QuotedPrintableEscape`]. A run of more than 76, which no encoder and no
//!   transport writes, is data: so the decoder never has to remember more than 76 characters.
//! - An octet that must be encoded and is not is data.
//!
//! ```
//! use scop_core::Full;
//! use scop_mime_core::DefectKind;
//! use scop_mime_core::coding::Form;
//! use scop_mime_core::coding::quoted_printable::{Decoder, Encoder};
//!
//! let (mut text, mut octets) = (Vec::new(), Vec::new());
//! let mut encoder = Encoder::new(Form::Text);
//! encoder.put("1 = ein Tag, natürlich \n".as_bytes(), &mut text)?;
//! encoder.finish(&mut text)?;
//! assert_eq!(text, b"1 =3D ein Tag, nat=C3=BCrlich=20\r\n");
//!
//! let mut decoder = Decoder::new();
//! decoder.put(b"soft =\r\nbreak  \na=b", &mut octets)?;
//! decoder.finish(&mut octets)?;
//! assert_eq!(octets, b"soft break\na=b");
//! assert_eq!(decoder.first(DefectKind::QuotedPrintableEscape), Some(17));
//! # Ok::<(), Full>(())
//! ```

use memchr::memchr3;
use scop_core::{Full, Sink};

use super::Form;
use super::found::{Found, add, found_defects};
use super::stage::Stage;
use crate::defect::DefectKind;

#[cfg(test)]
mod tests;

/// The longest line of encoded text, in characters, without its line end (RFC 2045 6.7 (5)).
pub const MAX_LINE: usize = 76;

/// Takes quoted-printable, writes octets.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    held: Held,
    /// The white space that comes is the rest of a run of more than [`MAX_LINE`].
    long_run: bool,
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
        // To look at all of them in one go is faster than line by line.
        let clean = !input.iter().fold(false, |bad, &byte| {
            bad | (must_encode(byte) & !matches!(byte, b'\r' | b'\n'))
        });
        while let Some((&byte, after)) = rest.split_first() {
            if self.held.is_empty() && !self.long_run {
                let taken = self.run(rest, clean, &mut out)?;
                rest = rest.get(taken..).unwrap_or_default();
            } else if self.step(byte, &mut out)? {
                rest = after;
            }
        }
        out.flush()
    }

    /// The body is over. Nothing is added to what came.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn finish<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), Full> {
        let mut out = Stage::new(sink);
        let held = core::mem::take(&mut self.held);
        let start = self.held_start(&held);
        match held.bytes() {
            [b'=', spaces @ ..] if spaces.iter().all(|&byte| is_wsp(byte)) => {
                self.found.note(DefectKind::QuotedPrintableEscape, start);
                self.drop_spaces(spaces.len(), start.saturating_add(1));
                out.put_byte(b'=')?;
            }
            spaces if spaces.iter().all(|&byte| is_wsp(byte)) => {
                self.drop_spaces(spaces.len(), start);
            }
            data => self.data(data, start, &mut out)?,
        }
        self.check_line(self.position);
        out.flush()
    }

    found_defects!();

    /// Takes bytes from the start of `rest`, at least one, when nothing is held; says how many. `clean`
    /// is whether none of them must be encoded, CR and LF not counted.
    fn run<S: Sink + ?Sized>(
        &mut self,
        rest: &[u8],
        clean: bool,
        out: &mut Stage<'_, S>,
    ) -> Result<usize, Full> {
        let escaped = escapes(rest, out)?;
        if escaped > 0 {
            self.advance(escaped);
            return Ok(escaped);
        }
        let start = self.position;
        let at = memchr3(b'=', b'\r', b'\n', rest).unwrap_or(rest.len());
        let (text, special) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        if !clean {
            self.check_octets(text, start);
        }
        let end_len = match special {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            [] | [b'\r'] => return self.hold_end(rest, text, out),
            [b'\r', ..] => {
                self.found
                    .note(DefectKind::QuotedPrintableOctet, add(start, at));
                out.put(rest.get(..=at).unwrap_or_default())?;
                self.advance(at + 1);
                return Ok(at + 1);
            }
            _ => 0,
        };
        if end_len > 0 {
            let spaces = trailing_spaces(text);
            let (kept, end) = (at.saturating_sub(spaces), at + end_len);
            if spaces == 0 {
                out.put(rest.get(..end).unwrap_or_default())?;
            } else {
                self.drop_spaces(spaces, add(start, kept));
                out.put(text.get(..kept).unwrap_or_default())?;
                out.put(rest.get(at..end).unwrap_or_default())?;
            }
            self.advance(end);
            self.end_line(end_len);
            return Ok(end);
        }
        // Text before `=`.
        out.put(text)?;
        self.advance(at);
        let after = special.get(1..).unwrap_or_default();
        let soft = match after {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            [high, low, ..] if is_hex(*high) && is_hex(*low) => return Ok(at),
            _ => {
                self.held.push(b'=');
                self.advance(1);
                return Ok(at + 1);
            }
        };
        self.advance(1 + soft);
        self.end_line(soft);
        Ok(at + 1 + soft)
    }

    /// Takes all of `rest`, which is `text` and perhaps a CR: what follows decides on the white space
    /// and the CR at its end.
    fn hold_end<S: Sink + ?Sized>(
        &mut self,
        rest: &[u8],
        text: &[u8],
        out: &mut Stage<'_, S>,
    ) -> Result<usize, Full> {
        let spaces = trailing_spaces(text);
        let kept = text.len().saturating_sub(spaces);
        out.put(text.get(..kept).unwrap_or_default())?;
        for &byte in rest.get(kept..).unwrap_or_default() {
            self.held.push(byte);
        }
        self.long_run = self.held.is_empty() && text.last().copied().is_some_and(is_wsp);
        self.advance(rest.len());
        Ok(rest.len())
    }

    /// Takes one byte when bytes are held, or behind a run of white space that is too long. False when
    /// the byte is to be looked at again.
    fn step<S: Sink + ?Sized>(&mut self, byte: u8, out: &mut Stage<'_, S>) -> Result<bool, Full> {
        match (self.held.bytes(), byte) {
            ([], b' ' | b'\t') => out.put_byte(byte)?,
            ([], _) => {
                self.long_run = false;
                return Ok(false);
            }
            ([b'=', high], _) if is_hex(*high) => {
                let Some(octet) = octet(*high, byte) else {
                    self.release(out)?;
                    return Ok(false);
                };
                out.put_byte(octet)?;
                self.held = Held::default();
            }
            (_, b'\n') => {
                self.end_held_line(out)?;
                return Ok(true);
            }
            ([.., b'\r'], _) => {
                self.release(out)?;
                return Ok(false);
            }
            ([b'='], _) if is_hex(byte) => self.held.push(byte),
            (_, b'\r') => self.held.push(byte),
            (held, b' ' | b'\t') => {
                let equals = usize::from(held.first() == Some(&b'='));
                if held.len() - equals == MAX_LINE {
                    self.release(out)?;
                    self.long_run = true;
                    return Ok(false);
                }
                self.held.push(byte);
            }
            _ => {
                self.release(out)?;
                return Ok(false);
            }
        }
        self.advance(1);
        Ok(true)
    }

    /// LF comes, and what is held stands before it.
    fn end_held_line<S: Sink + ?Sized>(&mut self, out: &mut Stage<'_, S>) -> Result<(), Full> {
        let held = core::mem::take(&mut self.held);
        let start = self.held_start(&held);
        let (before, cr) = match held.bytes() {
            [before @ .., b'\r'] => (before, true),
            before => (before, false),
        };
        let (spaces, soft) = match before {
            [b'=', spaces @ ..] => (spaces, true),
            spaces => (spaces, false),
        };
        self.drop_spaces(spaces.len(), add(start, usize::from(soft)));
        if soft && !spaces.is_empty() {
            // Some see no soft break there.
            self.found.note(DefectKind::QuotedPrintableEscape, start);
        }
        self.advance(1);
        self.end_line(usize::from(cr) + 1);
        match (soft, cr) {
            (true, _) => Ok(()),
            (false, true) => out.put_array(*b"\r\n"),
            (false, false) => out.put_byte(b'\n'),
        }
    }

    /// What is held is data.
    fn release<S: Sink + ?Sized>(&mut self, out: &mut Stage<'_, S>) -> Result<(), Full> {
        let held = core::mem::take(&mut self.held);
        let start = self.held_start(&held);
        self.data(held.bytes(), start, out)
    }

    /// Hands on what stands for itself. It begins at byte `start` of the input; `=` can only be first.
    fn data<S: Sink + ?Sized>(
        &mut self,
        bytes: &[u8],
        start: u64,
        out: &mut Stage<'_, S>,
    ) -> Result<(), Full> {
        if bytes.first() == Some(&b'=') {
            self.found.note(DefectKind::QuotedPrintableEscape, start);
        }
        self.check_octets(bytes, start);
        out.put(bytes)
    }

    fn check_octets(&mut self, bytes: &[u8], start: u64) {
        // All of them in one go, which is fast, before the search for the first.
        if bytes
            .iter()
            .fold(false, |bad, &byte| bad | must_encode(byte))
            && let Some(at) = bytes.iter().position(|&byte| must_encode(byte))
        {
            self.found
                .note(DefectKind::QuotedPrintableOctet, add(start, at));
        }
    }

    fn drop_spaces(&mut self, count: usize, start: u64) {
        if count > 0 {
            self.found.note(DefectKind::QuotedPrintableSpace, start);
        }
    }

    /// A line is over, with its line end of so many bytes.
    fn end_line(&mut self, end_len: usize) {
        let end_len = u64::try_from(end_len).unwrap_or(u64::MAX);
        self.check_line(self.position.saturating_sub(end_len));
        self.line_start = self.position;
    }

    fn check_line(&mut self, end: u64) {
        let limit = add(self.line_start, MAX_LINE);
        if end > limit {
            self.found.note(DefectKind::EncodedLineTooLong, limit);
        }
    }

    /// Where in the input `held` begins, which ends at the position.
    fn held_start(&self, held: &Held) -> u64 {
        self.position.saturating_sub(u64::from(held.len))
    }

    fn advance(&mut self, count: usize) {
        self.position = add(self.position, count);
    }
}

/// Bytes on which the next one decides: a run of white space, `=` and a run of white space, either of
/// them with CR behind, or `=` and one hexadecimal digit.
#[derive(Clone, Debug)]
struct Held {
    bytes: [u8; MAX_LINE + 2],
    len: u8,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            bytes: [0; MAX_LINE + 2],
            len: 0,
        }
    }
}

impl Held {
    const fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(usize::from(self.len)) {
            *slot = byte;
            self.len += 1;
        }
    }
}

/// The length of the run of white space at the end; 0 when it is too long to be taken away.
fn trailing_spaces(line: &[u8]) -> usize {
    let run = line.iter().rev().take_while(|&&byte| is_wsp(byte)).count();
    if run > MAX_LINE { 0 } else { run }
}

const fn is_wsp(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// All but `%d33-60 / %d62-126 / SP / TAB`; `=` is not looked at here.
pub(super) const fn must_encode(byte: u8) -> bool {
    byte.wrapping_sub(b' ') > b'~' - b' ' && byte != b'\t'
}

const fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

/// Decodes encoded octets at the start of `text`, as many as a line has at most; says how many
/// characters they are.
fn escapes<S: Sink + ?Sized>(text: &[u8], out: &mut Stage<'_, S>) -> Result<usize, Full> {
    let mut octets = [0; MAX_LINE / 3];
    let mut count = 0;
    for (slot, &[equals, high, low]) in octets.iter_mut().zip(text.as_chunks::<3>().0) {
        match octet(high, low) {
            Some(octet) if equals == b'=' => *slot = octet,
            _ => break,
        }
        count += 1;
    }
    out.put(octets.get(..count).unwrap_or_default())?;
    Ok(count * 3)
}

/// The octet of two hexadecimal digits.
///
/// ```text
/// hex-octet = "=" 2(DIGIT / "A" / "B" / "C" / "D" / "E" / "F")      ; RFC 2045 6.7
/// ```
fn octet(high: u8, low: u8) -> Option<u8> {
    let (high, low) = (digit(high), digit(low));
    // Above 15 when one of them is none.
    (high | low < 16).then_some(high << 4 | low)
}

/// The value of a hexadecimal digit of either case, or a number with a bit above the low four.
fn digit(byte: u8) -> u8 {
    DIGITS.get(usize::from(byte)).copied().unwrap_or(u8::MAX)
}

static DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            digits[b"0123456789ABCDEF"[value as usize] as usize] = value;
            digits[b"0123456789abcdef"[value as usize] as usize] = value;
        }
        value += 1;
    }
    digits
};

/// Takes octets, writes quoted-printable.
///
/// In [`Form::Text`], CRLF and LF are line ends and are written as CRLF; a CR elsewhere is encoded. In
/// [`Form::Binary`], every CR and LF is encoded. White space is encoded where a line ends. So is the
/// space of a line that begins with `From `, which mail stores quote (RFC 2049 3 (3)). Nothing is
/// added at the end: what is decoded is what came.
#[derive(Clone, Debug)]
pub struct Encoder {
    form: Form,
    /// The last octet: whether a line end follows decides how it is written.
    pending: Option<u8>,
    /// A CR came last, and may be half of a line end.
    cr: bool,
    /// The characters of the line so far.
    column: usize,
    /// How many of them, from the first, spell [`FROM`].
    from: usize,
}

const FROM: &[u8; 4] = b"From";

impl Encoder {
    /// At the start of a body.
    pub const fn new(form: Form) -> Self {
        Self {
            form,
            pending: None,
            cr: false,
            column: 0,
            from: 0,
        }
    }

    /// Takes the next octets.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn put<S: Sink + ?Sized>(&mut self, input: &[u8], sink: &mut S) -> Result<(), Full> {
        let mut out = Stage::new(sink);
        let mut rest = input;
        if self.is_at_line_start() {
            rest = put_short_lines(rest, &mut out)?;
        }
        while let Some((&octet, after)) = rest.split_first() {
            rest = after;
            if core::mem::take(&mut self.cr) {
                if octet == b'\n' {
                    self.end_line(&mut out)?;
                    rest = put_short_lines(rest, &mut out)?;
                    continue;
                }
                self.push(b'\r', &mut out)?;
            }
            match (self.form, octet) {
                (Form::Text, b'\r') => self.cr = true,
                (Form::Text, b'\n') => {
                    self.end_line(&mut out)?;
                    rest = put_short_lines(rest, &mut out)?;
                }
                _ => {
                    self.push(octet, &mut out)?;
                    let taken = self.run(octet, rest, &mut out)?;
                    rest = rest.get(taken..).unwrap_or_default();
                }
            }
        }
        out.flush()
    }

    /// The octets are over.
    ///
    /// # Errors
    /// `Full` when the sink is.
    pub fn finish<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), Full> {
        let mut out = Stage::new(sink);
        if core::mem::take(&mut self.cr) {
            self.push(b'\r', &mut out)?;
        }
        if let Some(last) = self.pending.take() {
            self.write(last, true, &mut out)?;
        }
        out.flush()
    }

    /// Whether the next octet begins a line of text.
    fn is_at_line_start(&self) -> bool {
        self.form == Form::Text && self.column == 0 && self.pending.is_none() && !self.cr
    }

    fn push<S: Sink + ?Sized>(&mut self, octet: u8, out: &mut Stage<'_, S>) -> Result<(), Full> {
        match self.pending.replace(octet) {
            Some(before) => self.write(before, false, out),
            None => Ok(()),
        }
    }

    fn end_line<S: Sink + ?Sized>(&mut self, out: &mut Stage<'_, S>) -> Result<(), Full> {
        if let Some(last) = self.pending.take() {
            self.write(last, true, out)?;
        }
        (self.column, self.from) = (0, 0);
        out.put_array(*b"\r\n")
    }

    /// Writes one octet. `last` is whether a line end follows that is not a soft break.
    fn write<S: Sink + ?Sized>(
        &mut self,
        octet: u8,
        last: bool,
        out: &mut Stage<'_, S>,
    ) -> Result<(), Full> {
        let in_from = self.from == self.column;
        let plain = is_plain(octet)
            && !(last && is_wsp(octet))
            && !(in_from && self.column == FROM.len() && octet == b' ');
        // A soft break takes one character.
        let room = if last { MAX_LINE } else { MAX_LINE - 1 };
        let width = if plain { 1 } else { 3 };
        if self.column + width > room {
            (self.column, self.from) = (0, 0);
            out.put_array(*b"=\r\n")?;
        }
        if self.from == self.column && FROM.get(self.from) == Some(&octet) {
            self.from += 1;
        }
        self.column += width;
        if plain {
            out.put_byte(octet)
        } else {
            out.put_array(escape(octet))
        }
    }

    /// Takes the octets at the start of `rest` that need no thought; says how many. `pending` came
    /// before them.
    fn run<S: Sink + ?Sized>(
        &mut self,
        pending: u8,
        rest: &[u8],
        out: &mut Stage<'_, S>,
    ) -> Result<usize, Full> {
        let room = (MAX_LINE - 1).saturating_sub(self.column);
        if !is_plain(pending) {
            // The room for whole escapes; a line end is no data in text.
            let window = rest.get(..room / 3).unwrap_or(rest);
            let run = window.iter().take_while(|&&octet| {
                !is_plain(octet) && (self.form == Form::Binary || !matches!(octet, b'\r' | b'\n'))
            });
            let Some((&last, before)) = window.get(..run.count()).and_then(<[u8]>::split_last)
            else {
                return Ok(0);
            };
            let mut escapes = [[0; 3]; MAX_LINE / 3];
            for (slot, &octet) in escapes.iter_mut().zip([&pending].into_iter().chain(before)) {
                *slot = escape(octet);
            }
            let escapes = escapes.get(..=before.len()).unwrap_or_default();
            out.put(escapes.as_flattened())?;
            self.column += 3 * (before.len() + 1);
            self.pending = Some(last);
            return Ok(before.len() + 1);
        }
        let may_be_from = self.from == self.column && (self.column > 0 || pending == b'F');
        if may_be_from {
            return Ok(0);
        }
        let window = rest.get(..room).unwrap_or(rest);
        let Some((&last, before)) = window.get(..plain_len(window)).and_then(<[u8]>::split_last)
        else {
            return Ok(0);
        };
        out.put_byte(pending)?;
        out.put(before)?;
        self.column += before.len() + 1;
        self.pending = Some(last);
        Ok(before.len() + 1)
    }
}

/// Writes the lines at the start of `text` that fit a line as they are encoded; gives what is left. Most
/// text is such lines. They need none of the care of [`Encoder::write`]: no soft break, no white space at
/// the end, no `From `.
fn put_short_lines<'t, S: Sink + ?Sized>(
    mut text: &'t [u8],
    out: &mut Stage<'_, S>,
) -> Result<&'t [u8], Full> {
    let mut line = [0; MOST];
    while let Some((len, rest)) = short_line(text, &mut line) {
        out.put(line.get(..len).unwrap_or_default())?;
        text = rest;
    }
    Ok(text)
}

/// Encodes the line at the start of `text`; gives its length with CRLF, and what follows it.
fn short_line<'t>(text: &'t [u8], line: &mut [u8; MOST]) -> Option<(usize, &'t [u8])> {
    let mut rest = text;
    let mut len = 0;
    loop {
        let (block, after) = rest.split_first_chunk::<BLOCK>()?;
        *line.get_mut(len..)?.first_chunk_mut()? = *block;
        let others = others(u64::from_le_bytes(*block));
        // Most blocks are plain, and do not wait for one another.
        if others == 0 {
            len += BLOCK;
            if len > MAX_LINE {
                return None;
            }
            rest = after;
            continue;
        }
        let plain = others.trailing_zeros() as usize / 8;
        len += plain;
        if len > MAX_LINE {
            return None;
        }
        rest = rest.get(plain..)?;
        let (&octet, after) = rest.split_first()?;
        let after = match (octet, after) {
            (b'\n', after) | (b'\r', [b'\n', after @ ..]) => {
                let content = line.get(..len)?;
                if content.last().is_some_and(|&last| is_wsp(last)) || content.starts_with(b"From ")
                {
                    return None;
                }
                *line.get_mut(len..)?.first_chunk_mut()? = *b"\r\n";
                return Some((len + 2, after));
            }
            _ => after,
        };
        *line.get_mut(len..)?.first_chunk_mut()? = escape(octet);
        // A TAB stands for itself.
        len += if is_plain(octet) { 1 } else { 3 };
        if octet == b'\t' {
            *line.get_mut(len - 1)? = octet;
        }
        rest = after;
    }
}

/// A line that is full, and what is written before that is seen: an escape, a block, CRLF.
const MOST: usize = MAX_LINE + 3 + BLOCK + 2;

/// How many octets are looked at together.
const BLOCK: usize = 8;

/// How many octets at the start of `octets` stand for themselves, up to the first TAB.
fn plain_len(octets: &[u8]) -> usize {
    let (blocks, rest) = octets.as_chunks::<BLOCK>();
    let mut len = 0;
    for block in blocks {
        let others = others(u64::from_le_bytes(*block));
        if others != 0 {
            return len + others.trailing_zeros() as usize / 8;
        }
        len += BLOCK;
    }
    len + rest
        .iter()
        .take_while(|&&octet| octet != b'\t' && is_plain(octet))
        .count()
}

/// The lowest bit that is set tells the first of eight octets that is not one of `%d32-60 / %d62-126`: it
/// is the highest bit of that.
const fn others(octets: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let without_equals = octets ^ u64::from_le_bytes([b'='; 8]);
    let below_space = octets.wrapping_sub(u64::from_le_bytes([b' '; 8])) & !octets;
    let equals = without_equals.wrapping_sub(ONES) & !without_equals;
    let above_tilde = octets | octets.wrapping_add(ONES);
    (below_space | equals | above_tilde) & u64::from_le_bytes([0x80; 8])
}

fn escape(octet: u8) -> [u8; 3] {
    let digit = |value: u8| b"0123456789ABCDEF".get(usize::from(value & 15)).copied();
    let [high, low] = [octet >> 4, octet].map(|value| digit(value).unwrap_or(b'0'));
    [b'=', high, low]
}

/// Octets that stand for themselves within a line.
///
/// ```text
/// safe-char  = %d33-60 / %d62-126                                  ; RFC 2045 6.7
/// qp-section = *(ptext / SPACE / TAB) ptext
/// ```
const fn is_plain(octet: u8) -> bool {
    !must_encode(octet) && octet != b'='
}
