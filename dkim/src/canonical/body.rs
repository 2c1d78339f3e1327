//! Body canonicalisation (RFC 6376 3.4.3, 3.4.4).
//!
//! The input comes in chunks, cut anywhere. Output is slices of the input as long as possible: text
//! that is canonical already is passed on whole. What may have to go (line ends and white space at
//! the end of what was seen so far) is counted, never stored, so the state is a few octets.
//!
//! Lines end with CRLF. A CR or LF alone is an octet like any other (RFC 6376 2.8 knows only CRLF).
//!
//! ```
//! use scop_dkim::canonical::{Form, body::BodyCanonicalizer};
//! let mut out = Vec::new();
//! let mut canonicalizer = BodyCanonicalizer::new(Form::Relaxed);
//! for chunk in [&b" C \r\nD \t"[..], b" E\r", b"\n\r\n\r\n"] {
//!     canonicalizer.update(chunk, &mut out)?;
//! }
//! canonicalizer.finish(&mut out)?;
//! assert_eq!(out, b" C\r\nD E\r\n"); // RFC 6376 3.4.5
//! # Ok::<(), scop_core::Full>(())
//! ```

use scop_core::{Full, Sink};

use super::Form;

/// Canonicalises a body chunk by chunk.
#[derive(Clone, Copy, Debug)]
pub struct BodyCanonicalizer {
    form: Form,
    /// Something other than line ends and white space was seen; the output is not empty then.
    started: bool,
    /// Line ends that are written when something follows them.
    line_ends: u64,
    /// After those line ends came white space that counts when something follows on its line.
    space: bool,
    /// The last octet was a CR, which with an LF would be a line end.
    carriage_return: bool,
}

impl BodyCanonicalizer {
    /// At the start of a body.
    pub const fn new(form: Form) -> Self {
        Self {
            form,
            started: false,
            line_ends: 0,
            space: false,
            carriage_return: false,
        }
    }

    /// Takes the next octets of the body, and writes what is certain to belong to the canonical form.
    ///
    /// # Errors
    /// When `sink` is full; the output is void then.
    pub fn update<S: Sink + ?Sized>(&mut self, mut chunk: &[u8], sink: &mut S) -> Result<(), Full> {
        while self.line_ends > 0 || self.space || self.carriage_return {
            let Some((&byte, rest)) = chunk.split_first() else {
                return Ok(());
            };
            self.push(byte, sink)?;
            chunk = rest;
        }
        let (text, end) = match self.form {
            Form::Relaxed => split_end(chunk),
            Form::Simple => split_line_ends(chunk),
        };
        if !text.is_empty() {
            self.started = true;
            match self.form {
                Form::Relaxed => reduce(text, sink)?,
                Form::Simple => sink.put(text)?,
            }
        }
        end.iter().try_for_each(|&byte| self.push(byte, sink))
    }

    /// Ends the body, and writes the last line end where there is one.
    ///
    /// # Errors
    /// When `sink` is full; the output is void then.
    pub fn finish<S: Sink + ?Sized>(mut self, sink: &mut S) -> Result<(), Full> {
        if self.carriage_return {
            self.release(sink)?;
            sink.put(b"\r")?;
        }
        if self.started || self.form == Form::Simple {
            sink.put(b"\r\n")?;
        }
        Ok(())
    }

    /// Takes one octet while something is pending, or may become so.
    fn push<S: Sink + ?Sized>(&mut self, byte: u8, sink: &mut S) -> Result<(), Full> {
        if self.carriage_return {
            self.carriage_return = false;
            if byte == b'\n' {
                self.line_ends = self.line_ends.saturating_add(1);
                self.space = false;
                return Ok(());
            }
            self.release(sink)?;
            sink.put(b"\r")?;
        }
        match byte {
            b'\r' => self.carriage_return = true,
            b' ' | b'\t' if self.form == Form::Relaxed => self.space = true,
            _ => {
                self.release(sink)?;
                sink.put_byte(byte)?;
            }
        }
        Ok(())
    }

    /// Writes what was pending, because something follows it.
    fn release<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), Full> {
        const LINE_ENDS: [[u8; 2]; 64] = [*b"\r\n"; 64];
        while self.line_ends > 0 {
            let count = usize::try_from(self.line_ends).unwrap_or(usize::MAX);
            let block = LINE_ENDS.get(..count).unwrap_or(&LINE_ENDS);
            self.line_ends = self.line_ends.saturating_sub(block.len() as u64);
            sink.put(block.as_flattened())?;
        }
        if self.space {
            self.space = false;
            sink.put(b" ")?;
        }
        self.started = true;
        Ok(())
    }
}

/// Splits where the octets begin that may be trailing line ends of a simple body.
fn split_line_ends(chunk: &[u8]) -> (&[u8], &[u8]) {
    let mut text = chunk.strip_suffix(b"\r").unwrap_or(chunk);
    while let Some(shorter) = text.strip_suffix(b"\r\n") {
        text = shorter;
    }
    chunk.split_at_checked(text.len()).unwrap_or((chunk, &[]))
}

/// Splits after the last octet that is neither white space nor of a line end.
fn split_end(chunk: &[u8]) -> (&[u8], &[u8]) {
    let end = chunk
        .iter()
        .rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        .map_or(0, |last| last + 1);
    chunk.split_at_checked(end).unwrap_or((chunk, &[]))
}

/// Writes `text` with white space before line ends dropped and other white space made one space.
///
/// `text` ends with an octet that is neither, so each run of white space lies inside it whole.
fn reduce<S: Sink + ?Sized>(mut text: &[u8], sink: &mut S) -> Result<(), Full> {
    loop {
        let plain = plain_len(text);
        let Some((run_start, run)) = text.split_at_checked(plain) else {
            return Ok(());
        };
        let run_len = run
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let rest = run.get(run_len..).unwrap_or_default();
        if rest.is_empty() {
            return sink.put(text);
        }
        if rest.starts_with(b"\r\n") {
            sink.put(run_start)?;
        } else if run.starts_with(b" ") {
            // The first space is the one that stays.
            sink.put(text.get(..=plain).unwrap_or_default())?;
        } else {
            sink.put(run_start)?;
            sink.put(b" ")?;
        }
        text = rest;
    }
}

/// How many octets of `text` pass unchanged: up to white space that is not a single space inside a line.
///
/// It looks at 32 octets at once, in a form that compiles to vector instructions, and where one of them
/// is found, at eight at once.
fn plain_len(text: &[u8]) -> usize {
    let next = text.get(1..).unwrap_or_default();
    let (blocks, next_blocks) = (text.as_chunks::<32>().0, next.as_chunks::<32>().0);
    let mut len = 0;
    for (block, next_block) in blocks.iter().zip(next_blocks) {
        let pairs = block.iter().zip(next_block);
        if pairs.fold(false, |found, (&byte, &next)| found | changes(byte, next)) {
            break;
        }
        len += 32;
    }
    let (text_left, next_left) = (text.get(len..), next.get(len..));
    let (text_left, next_left) = (text_left.unwrap_or_default(), next_left.unwrap_or_default());
    let (words, next_words) = (text_left.as_chunks::<8>().0, next_left.as_chunks::<8>().0);
    for (word, next_word) in words.iter().zip(next_words) {
        let found = changes_of(u64::from_le_bytes(*word), u64::from_le_bytes(*next_word));
        if found != 0 {
            return len + found.trailing_zeros() as usize / 8;
        }
        len += 8;
    }
    // The last octet has no successor; it is not white space, so it passes.
    let pairs = text.iter().zip(next).skip(len);
    let found = pairs
        .map(|(&byte, &next)| changes(byte, next))
        .position(|found| found);
    found.map_or(text.len(), |at| len + at)
}

/// Whether white space stands here that may not pass. A space before a control character counts too:
/// the comparison is cheaper that way, and [`reduce`] looks closer.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "a branch would keep the loop from becoming vector instructions"
)]
const fn changes(byte: u8, next: u8) -> bool {
    (byte == b'\t') | (byte == b' ') & (next <= b' ')
}

/// [`changes`] for eight octets: the high bit of each for which it holds.
const fn changes_of(bytes: u64, next: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES * 0x80;
    const LOW: u64 = !HIGH;
    /// The high bit of each octet that is zero; sums of seven bits do not carry over.
    const fn zeros(octets: u64) -> u64 {
        !(((octets & LOW) + LOW) | octets) & HIGH
    }
    let tabs = zeros(bytes ^ (ONES * b'\t' as u64));
    let spaces = zeros(bytes ^ (ONES * b' ' as u64));
    let small = !(((next & LOW) + ONES * (0x7f - b' ' as u64)) | next) & HIGH;
    tabs | spaces & small
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// RFC 6376 3.4.3 and 3.4.4, word by word and slow.
    mod naive {
        use std::vec::Vec;

        /// The lines, and whether the last one has a CRLF.
        fn lines(body: &[u8]) -> (Vec<Vec<u8>>, bool) {
            let mut lines = std::vec![Vec::new()];
            let mut i = 0;
            while i < body.len() {
                if body[i..].starts_with(b"\r\n") {
                    lines.push(Vec::new());
                    i += 2;
                } else {
                    lines.last_mut().unwrap().push(body[i]);
                    i += 1;
                }
            }
            let terminated = lines.last().unwrap().is_empty();
            if terminated {
                lines.pop();
            }
            (lines, terminated)
        }

        fn join(mut lines: Vec<Vec<u8>>) -> Vec<u8> {
            while lines.last().is_some_and(Vec::is_empty) {
                lines.pop();
            }
            let mut out = Vec::new();
            for line in lines {
                out.extend(line);
                out.extend(b"\r\n");
            }
            out
        }

        pub(super) fn simple(body: &[u8]) -> Vec<u8> {
            let out = join(lines(body).0);
            if out.is_empty() {
                b"\r\n".to_vec()
            } else {
                out
            }
        }

        pub(super) fn relaxed(body: &[u8]) -> Vec<u8> {
            let mut lines = lines(body).0;
            for line in &mut lines {
                while line.last().is_some_and(|byte| b" \t".contains(byte)) {
                    line.pop();
                }
                let mut reduced = Vec::new();
                for &byte in line.iter() {
                    if !b" \t".contains(&byte) {
                        reduced.push(byte);
                    } else if reduced.last() != Some(&b' ') {
                        reduced.push(b' ');
                    }
                }
                *line = reduced;
            }
            join(lines)
        }
    }

    fn canonical<'a>(form: Form, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        struct Out(Vec<u8>);
        impl Sink for Out {
            fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
                self.0.extend_from_slice(bytes);
                Ok(())
            }
        }
        let mut out = Out(Vec::new());
        let mut canonicalizer = BodyCanonicalizer::new(form);
        for chunk in chunks {
            canonicalizer.update(chunk, &mut out).unwrap();
        }
        canonicalizer.finish(&mut out).unwrap();
        out.0
    }

    #[test]
    fn rfc6376_3_4_5() {
        let body = b" C \r\nD \t E\r\n\r\n\r\n";
        assert_eq!(canonical(Form::Relaxed, [&body[..]]), b" C\r\nD E\r\n");
        assert_eq!(canonical(Form::Simple, [&body[..]]), b" C \r\nD \t E\r\n");
    }

    #[test]
    fn bodies_that_are_nearly_nothing() {
        for (body, simple, relaxed) in [
            (&b""[..], &b"\r\n"[..], &b""[..]),
            (b"\r\n", b"\r\n", b""),
            (b"\r\n\r\n", b"\r\n", b""),
            (b"  \r\n", b"  \r\n", b""),
            (b"\r\n \t\r\n", b"\r\n \t\r\n", b""),
            // White space at the end of a line that has no line end.
            (b" ", b" \r\n", b""),
            (b"a \t", b"a \t\r\n", b"a\r\n"),
            (b"a", b"a\r\n", b"a\r\n"),
            // A CR or LF alone is text.
            (b"\r", b"\r\r\n", b"\r\r\n"),
            (b"\n", b"\n\r\n", b"\n\r\n"),
            (b"a \r", b"a \r\r\n", b"a \r\r\n"),
            (b"a \n\n", b"a \n\n\r\n", b"a \n\n\r\n"),
            (b"\r\r\n", b"\r\r\n", b"\r\r\n"),
            (b"\r\n\r", b"\r\n\r\r\n", b"\r\n\r\r\n"),
        ] {
            assert_eq!(canonical(Form::Simple, [body]), simple, "{body:?}");
            assert_eq!(canonical(Form::Relaxed, [body]), relaxed, "{body:?}");
        }
    }

    #[test]
    fn many_empty_lines_inside() {
        let mut body = b"a".to_vec();
        body.extend(b"\r\n".repeat(1000));
        assert_eq!(canonical(Form::Simple, [&body[..]]), b"a\r\n");
        body.extend(b"b\r\n\r\n");
        let expected = &body[..body.len() - 2];
        for cut in [0, 1, 2, 3, 500, 501, 2000, 2001, 2002, 2003] {
            let (head, tail) = body.split_at(cut);
            for form in [Form::Simple, Form::Relaxed] {
                assert_eq!(canonical(form, [head, tail]), expected, "{cut}");
            }
        }
    }

    /// Text from the octets that matter, with long runs of plain text among them.
    fn body() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\r\n".to_vec()),
            Just(b" ".to_vec()),
            Just(b"\t".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"x".to_vec()),
            Just(b"The quick brown fox jumps over the lazy dog, twice. ".to_vec()),
            prop::collection::vec(any::<u8>(), 0..4),
        ];
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn agrees_with_the_naive_reference_at_every_split(body in body()) {
            for (form, expected) in [(Form::Simple, naive::simple(&body)), (Form::Relaxed, naive::relaxed(&body))] {
                for cut in 0..=body.len() {
                    let (head, tail) = body.split_at(cut);
                    prop_assert_eq!(&canonical(form, [head, tail]), &expected, "{} at {}", form.as_str(), cut);
                }
                prop_assert_eq!(&canonical(form, body.chunks(1)), &expected);
                prop_assert_eq!(&canonical(form, body.chunks(3)), &expected);
            }
        }
    }
}
