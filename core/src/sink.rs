//! Bytes out: anything that can be written implements [`Emit`], anything that takes bytes is a [`Sink`].
//!
//! Output is hashed, folded, counted or copied as it streams; no layer builds a string for the next
//! one. After [`Full`] the output as a whole is void.
//!
//! ```
//! use scop_core::{Emit, Full, Sink, SliceSink};
//!
//! struct Greeting<'a>(&'a str);
//! impl Emit for Greeting<'_> {
//!     fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
//!         sink.put(b"EHLO ")?;
//!         sink.put(self.0.as_bytes())
//!     }
//! }
//!
//! let mut buffer = [0; 16];
//! let mut sink = SliceSink::new(&mut buffer);
//! Greeting("mx.example").emit(&mut sink)?;
//! assert_eq!(sink.written(), b"EHLO mx.example");
//! assert_eq!(Greeting("mx.example").emitted_len(), 15);
//! # Ok::<(), Full>(())
//! ```

use core::fmt;

/// The sink cannot take the bytes; what it took so far is not a valid output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the output does not fit")
    }
}

impl core::error::Error for Full {}

/// Takes bytes.
pub trait Sink {
    /// Takes all of `bytes`.
    ///
    /// # Errors
    /// `Full` when they do not fit; the output is void then.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full>;

    /// Takes one byte.
    ///
    /// # Errors
    /// `Full` when it does not fit.
    fn put_byte(&mut self, byte: u8) -> Result<(), Full> {
        self.put(&[byte])
    }

    /// Takes `number` in decimal digits.
    ///
    /// # Errors
    /// `Full` when they do not fit.
    fn put_decimal(&mut self, number: u64) -> Result<(), Full> {
        let mut digits = [0; 20]; // u64::MAX has 20 digits
        let mut rest = number;
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            // The remainder of a division by ten is below ten.
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            used += 1;
            if rest == 0 {
                break;
            }
        }
        self.put(digits.get(digits.len() - used..).unwrap_or_default())
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        (**self).put(bytes)
    }
}

/// Can be written to a [`Sink`].
pub trait Emit {
    /// Writes the value.
    ///
    /// # Errors
    /// `Full` when the sink cannot take it.
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full>;

    /// How many bytes [`Emit::emit`] writes.
    fn emitted_len(&self) -> usize {
        let mut counter = Counter::default();
        // A counter is never full.
        let _ = self.emit(&mut counter);
        counter.len()
    }

    /// The bytes as a vector.
    #[cfg(feature = "alloc")]
    fn to_vec(&self) -> alloc::vec::Vec<u8> {
        let mut bytes = alloc::vec::Vec::new();
        // A vector is never full.
        let _ = self.emit(&mut bytes);
        bytes
    }
}

impl<E: Emit + ?Sized> Emit for &E {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        (**self).emit(sink)
    }
}

/// Counts the bytes and drops them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counter(usize);

impl Counter {
    /// How many bytes came.
    pub const fn len(&self) -> usize {
        self.0
    }

    /// Whether none came.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }
}

impl Sink for Counter {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(())
    }
}

/// Fills a slice of the caller's from its start.
#[derive(Debug)]
pub struct SliceSink<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> SliceSink<'a> {
    /// A sink over `buffer`, empty.
    pub const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// The bytes taken so far.
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// The bytes taken so far, for as long as the buffer lives.
    pub fn into_written(self) -> &'a [u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }
}

impl Sink for SliceSink<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.len.checked_add(bytes.len()).ok_or(Full)?;
        let room = self.buffer.get_mut(self.len..end).ok_or(Full)?;
        // `copy_from_slice` would check the two equal lengths again, with a panic.
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.len = end;
        Ok(())
    }
}

impl<const N: usize> Sink for heapless::Vec<u8, N> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.extend_from_slice(bytes).map_err(|_| Full)
    }
}

#[cfg(feature = "alloc")]
impl Sink for alloc::vec::Vec<u8> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// Writes to a formatter, so that `Display` and [`Emit`] share one body.
///
/// Bytes that are not UTF-8 are shown as U+FFFD; control characters other than CR, LF and TAB too,
/// because what is displayed often reaches a terminal.
#[derive(Debug)]
pub struct FmtSink<'f, W: ?Sized>(pub &'f mut W);

impl<W: fmt::Write + ?Sized> Sink for FmtSink<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                let hidden = c.is_control() && !matches!(c, '\r' | '\n' | '\t');
                self.0
                    .write_char(if hidden { '\u{fffd}' } else { c })
                    .map_err(|_| Full)?;
            }
            if !chunk.invalid().is_empty() {
                self.0.write_char('\u{fffd}').map_err(|_| Full)?;
            }
        }
        Ok(())
    }
}

/// Writes to a `std::io::Write`; the error it met is kept.
#[cfg(feature = "std")]
#[derive(Debug)]
pub struct IoSink<W> {
    writer: W,
    error: Option<std::io::Error>,
}

#[cfg(feature = "std")]
impl<W: std::io::Write> IoSink<W> {
    /// A sink over `writer`.
    pub const fn new(writer: W) -> Self {
        Self {
            writer,
            error: None,
        }
    }

    /// Flushes, and hands the writer back.
    ///
    /// # Errors
    /// The first error of the writer.
    pub fn finish(mut self) -> std::io::Result<W> {
        match self.error.take() {
            Some(error) => Err(error),
            None => self.writer.flush().map(|()| self.writer),
        }
    }
}

#[cfg(feature = "std")]
impl<W: std::io::Write> Sink for IoSink<W> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if self.error.is_some() {
            return Err(Full);
        }
        self.writer.write_all(bytes).map_err(|error| {
            self.error = Some(error);
            Full
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    #[test]
    fn a_slice_takes_what_fits() {
        let mut buffer = [0; 4];
        let mut sink = SliceSink::new(&mut buffer);
        assert_eq!(sink.put(b"abc"), Ok(()));
        assert_eq!(sink.put(b"de"), Err(Full));
        assert_eq!(sink.put(b"f"), Ok(()));
        assert_eq!(sink.into_written(), b"abcf");
    }

    #[test]
    fn decimals() {
        for number in [0, 7, 10, 1_234_567, u64::MAX] {
            let mut out: heapless::Vec<u8, 20> = heapless::Vec::new();
            out.put_decimal(number).unwrap();
            assert_eq!(out, std::format!("{number}").as_bytes());
        }
    }

    #[test]
    fn a_dyn_sink_works() {
        let mut vec: heapless::Vec<u8, 2> = heapless::Vec::new();
        let sink: &mut dyn Sink = &mut vec;
        assert_eq!(sink.put(b"ab"), Ok(()));
        assert_eq!(sink.put_byte(b'c'), Err(Full));
    }

    #[test]
    fn text_hides_controls_and_bad_utf8() {
        let mut text = String::new();
        FmtSink(&mut text).put(b"a\x1b[0m\xff\xc3\xa9\t").unwrap();
        assert_eq!(text, "a\u{fffd}[0m\u{fffd}\u{e9}\t");
    }
}
