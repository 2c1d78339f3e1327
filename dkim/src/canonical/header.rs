//! Header field canonicalisation (RFC 6376 3.4.1, 3.4.2).
//!
//! A line ends where the header scanner ends it: at CRLF, and at a bare LF too. The simple form keeps
//! every octet, so a header with bare LFs does not verify under it; a host that reads such text makes
//! it CRLF first.

use scop_core::{Full, Sink};
use scop_mime_core::Field;

use super::Form;
use crate::tag_list::is_fws;

/// Writes the canonical form of a field, with its line end.
///
/// # Errors
/// When `sink` is full; the output is void then.
pub fn canonicalize<S: Sink + ?Sized>(
    form: Form,
    field: &Field<'_>,
    sink: &mut S,
) -> Result<(), Full> {
    match form {
        Form::Relaxed => {
            relaxed_name(field.name(), sink)?;
            let mut value = Unfolder::new(sink);
            value.put(field.value())?;
            value.finish()?;
            sink.put(b"\r\n")
        }
        Form::Simple => sink.put(field.raw()),
    }
}

/// Writes the name of a field in lower case, and the colon.
pub(crate) fn relaxed_name<S: Sink + ?Sized>(name: &[u8], sink: &mut S) -> Result<(), Full> {
    name.iter()
        .try_for_each(|byte| sink.put_byte(byte.to_ascii_lowercase()))?;
    sink.put(b":")
}

/// A sink that makes the value of a field relaxed: lines unfolded, white space in the middle made one
/// space, and none at the ends.
#[derive(Debug)]
pub(crate) struct Unfolder<'s, S: ?Sized> {
    sink: &'s mut S,
    started: bool,
    space: bool,
    carriage_return: bool,
}

impl<'s, S: Sink + ?Sized> Unfolder<'s, S> {
    /// At the start of a value.
    pub(crate) const fn new(sink: &'s mut S) -> Self {
        Self {
            sink,
            started: false,
            space: false,
            carriage_return: false,
        }
    }

    /// Ends the value; the line end is not written.
    pub(crate) fn finish(mut self) -> Result<(), Full> {
        if self.carriage_return {
            self.text(b"\r")?;
        }
        Ok(())
    }

    fn text(&mut self, text: &[u8]) -> Result<(), Full> {
        if self.space && self.started {
            self.sink.put(b" ")?;
        }
        self.space = false;
        self.started = true;
        self.sink.put(text)
    }
}

impl<S: Sink + ?Sized> Sink for Unfolder<'_, S> {
    fn put(&mut self, mut bytes: &[u8]) -> Result<(), Full> {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.carriage_return {
                self.carriage_return = false;
                if first != b'\n' {
                    self.text(b"\r")?;
                }
            }
            bytes = match first {
                b' ' | b'\t' => {
                    self.space = true;
                    rest
                }
                b'\r' => {
                    self.carriage_return = true;
                    rest
                }
                b'\n' => rest,
                _ => {
                    let len = bytes.iter().position(|&byte| is_fws(byte));
                    let (text, rest) = bytes
                        .split_at_checked(len.unwrap_or(bytes.len()))
                        .unwrap_or((bytes, &[]));
                    self.text(text)?;
                    rest
                }
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use scop_mime_core::HeaderBlock;
    use std::vec::Vec;

    fn canonical(form: Form, header: &[u8]) -> Vec<u8> {
        let mut out: heapless::Vec<u8, 512> = heapless::Vec::new();
        for field in HeaderBlock::new(header).fields() {
            canonicalize(form, &field, &mut out).unwrap();
        }
        out.to_vec()
    }

    #[test]
    fn rfc6376_3_4_5() {
        let header = b"A: X\r\nB : Y\t\r\n\tZ  \r\n";
        assert_eq!(canonical(Form::Relaxed, header), b"a:X\r\nb:Y Z\r\n");
        assert_eq!(canonical(Form::Simple, header), header);
    }

    #[test]
    fn edges() {
        for (header, relaxed) in [
            (&b"Empty:\r\n"[..], &b"empty:\r\n"[..]),
            (b"Blank: \t \r\n", b"blank:\r\n"),
            (b"Fold:\r\n x\r\n \r\n y\r\n", b"fold:x y\r\n"),
            (b"Colon : a:b\r\n", b"colon:a:b\r\n"),
            (b"Lf: a\n b\n", b"lf:a b\r\n"),
            (b"Cr: a\r b \r \r\n", b"cr:a\r b \r\r\n"),
            (b"Utf8: \xc3\xa9  \xff\r\n", b"utf8:\xc3\xa9 \xff\r\n"),
            (b"Last: no line end", b"last:no line end\r\n"),
        ] {
            assert_eq!(canonical(Form::Relaxed, header), relaxed, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn a_value_may_come_in_pieces(value in "[ab \t\r\n]{0,20}", cut in 0_usize..20) {
            let whole = |pieces: &[&[u8]]| {
                let mut out: heapless::Vec<u8, 64> = heapless::Vec::new();
                let mut sink = Unfolder::new(&mut out);
                for piece in pieces {
                    sink.put(piece).unwrap();
                }
                sink.finish().unwrap();
                out
            };
            let value = value.as_bytes();
            let (head, tail) = value.split_at(cut.min(value.len()));
            prop_assert_eq!(whole(&[value]), whole(&[head, tail]));
        }
    }
}
