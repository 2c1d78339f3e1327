//! Long header lines, folded as they are written (RFC 5322 2.1.1, 2.2.3).
//!
//! [`FoldSink`] is a sink in front of another. It takes a header field as one line and breaks it
//! before white space, so that lines stay within 78 octets where the text allows it. White space is
//! kept, so that unfolding gives back what was put. It holds no more than one line.
//!
//! It is also the guard of every emitter of this crate: NUL, CR and LF are refused, so that no value
//! can end its field.
//!
//! ```
//! use scop_core::{Sink, SliceSink};
//! use scop_mime_core::FoldSink;
//!
//! let mut buffer = [0; 128];
//! let mut out = SliceSink::new(&mut buffer);
//! let mut field = FoldSink::new(&mut out);
//! field.put(b"Subject: a text that is longer than the 78 octets which a line of a header should have")?;
//! field.finish()?;
//! assert_eq!(
//!     out.written(),
//!     b"Subject: a text that is longer than the 78 octets which a line of a header\r\n should have\r\n",
//! );
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use core::fmt;

use memchr::memrchr2;
use scop_core::{Full, Sink};

use super::lexical::is_wsp;
use super::scan::MAX_LINE;

#[cfg(test)]
mod tests;

/// The length that RFC 5322 2.1.1 asks lines to keep to, in octets, without the line end.
pub const PREFERRED_LINE: usize = 78;

/// Fewer octets are faster taken one by one.
const WORTH_A_SEARCH: usize = 12;

/// Why a field cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoldError {
    /// The sink behind is full.
    Full,
    /// NUL, CR or LF in the text (RFC 5322 2.2).
    LineEnd,
    /// More than 998 octets without a place to fold (RFC 5322 2.1.1).
    LineTooLong,
}

impl fmt::Display for FoldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => Full.fmt(f),
            Self::LineEnd => f.write_str("a header field cannot hold NUL, CR or LF (RFC 5322 2.2)"),
            Self::LineTooLong => {
                f.write_str("a header line cannot be folded within 998 octets (RFC 5322 2.1.1)")
            }
        }
    }
}

impl core::error::Error for FoldError {}

impl From<Full> for FoldError {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

/// Folds one header field on its way to another sink.
///
/// [`Sink::put`] can say no more than [`Full`]; [`FoldSink::error`] and [`FoldSink::finish`] say what
/// it was.
#[derive(Debug)]
pub struct FoldSink<'s, S: ?Sized> {
    sink: &'s mut S,
    /// What has been written of the current line.
    column: usize,
    /// White space and the text behind it, which may begin a new line.
    pending: [u8; PREFERRED_LINE],
    pending_len: usize,
    /// Whether `pending` holds anything but white space.
    pending_text: bool,
    /// Whether the line ends before what is pending even if it fits.
    break_next: bool,
    error: Option<FoldError>,
}

impl<'s, S: Sink + ?Sized> FoldSink<'s, S> {
    /// At the start of a field.
    pub const fn new(sink: &'s mut S) -> Self {
        Self {
            sink,
            column: 0,
            pending: [0; PREFERRED_LINE],
            pending_len: 0,
            pending_text: false,
            break_next: false,
            error: None,
        }
    }

    /// Ends the line before the white space that is put next, even if more would fit.
    ///
    /// # Errors
    /// What [`Sink::put`] returns.
    pub fn end_line(&mut self) -> Result<(), Full> {
        if self.error.is_none() && self.pending_text {
            let written = self.fold_if_needed().and_then(|()| self.flush());
            self.error = written.err();
        }
        self.break_next = true;
        if self.error.is_some() {
            Err(Full)
        } else {
            Ok(())
        }
    }

    /// Writes what is held back, and the line end of the field.
    ///
    /// # Errors
    /// The first thing that went wrong; the output is void then.
    pub fn finish(mut self) -> Result<(), FoldError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        // A line of white space alone would be read as part of the field, but some end it there.
        if self.pending_text {
            self.fold_if_needed()?;
        }
        self.flush()?;
        self.sink.put(b"\r\n")?;
        Ok(())
    }

    /// What went wrong, when [`Sink::put`] could say no more than [`Full`].
    pub const fn error(&self) -> Option<FoldError> {
        self.error
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), FoldError> {
        if bytes.len() < WORTH_A_SEARCH {
            return bytes.iter().try_for_each(|&byte| self.push_any(byte));
        }
        // All of them in one go, which is faster than a search that nearly always finds nothing.
        let is_end = |byte: u8| matches!(byte, 0 | b'\r' | b'\n');
        let safe = if bytes.iter().fold(false, |any, &byte| any | is_end(byte)) {
            bytes.iter().position(|&byte| is_end(byte))
        } else {
            None
        };
        let mut rest = bytes.get(..safe.unwrap_or(bytes.len())).unwrap_or_default();
        while let Some(&first) = rest.first() {
            let taken = self.take_fitting(rest)?;
            rest = rest.get(taken..).unwrap_or_default();
            if taken == 0 {
                self.push(first)?;
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        if safe.is_some() {
            Err(FoldError::LineEnd)
        } else {
            Ok(())
        }
    }

    /// Takes what the current line has room for, and says how much that was. No place in it can need a
    /// fold, so that only the last place where the line could end is looked for.
    fn take_fitting(&mut self, bytes: &[u8]) -> Result<usize, FoldError> {
        let used = self.column.saturating_add(self.pending_len);
        let room = PREFERRED_LINE.saturating_sub(used);
        if room == 0 || self.break_next {
            return Ok(0);
        }
        let fitting = bytes.get(..room).unwrap_or(bytes);
        let mut held = fitting;
        if let Some(last_wsp) = memrchr2(b' ', b'\t', fitting) {
            let before = fitting.get(..last_wsp).unwrap_or_default();
            let break_at = before.iter().rposition(|&byte| !is_wsp(byte));
            let break_at = break_at.map_or(0, |text| text.saturating_add(1));
            if break_at > 0 || self.pending_text {
                self.flush()?;
                let (line, next) = fitting.split_at_checked(break_at).unwrap_or_default();
                self.column = self.column.saturating_add(line.len());
                self.sink.put(line)?;
                held = next;
            }
            self.pending_text |= last_wsp.saturating_add(1) < fitting.len();
        } else {
            self.pending_text = true;
        }
        let slots = self.pending.get_mut(self.pending_len..).unwrap_or_default();
        for (slot, byte) in slots.iter_mut().zip(held) {
            *slot = *byte;
        }
        self.pending_len = self.pending_len.saturating_add(held.len());
        Ok(fitting.len())
    }

    /// Takes a byte.
    #[inline]
    fn push_any(&mut self, byte: u8) -> Result<(), FoldError> {
        let used = self.column.saturating_add(self.pending_len);
        if byte > b' ' && used < PREFERRED_LINE && !self.break_next {
            // Text that fits the line, as nearly all of it is.
            if let Some(slot) = self.pending.get_mut(self.pending_len) {
                *slot = byte;
                self.pending_len = self.pending_len.saturating_add(1);
            }
            self.pending_text = true;
            return Ok(());
        }
        if matches!(byte, 0 | b'\r' | b'\n') {
            return Err(FoldError::LineEnd);
        }
        self.push(byte)
    }

    /// Takes a byte that is none of NUL, CR and LF, wherever the line stands.
    fn push(&mut self, byte: u8) -> Result<(), FoldError> {
        if is_wsp(byte) && self.pending_text {
            self.fold_if_needed()?;
            self.flush()?;
        }
        if self.pending_len == self.pending.len() {
            // It fits no line, so it has one for itself and need not be held back.
            if self.pending_text {
                self.fold_if_needed()?;
                self.flush()?;
            } else {
                self.flush_spaces()?;
            }
        }
        if let Some(slot) = self.pending.get_mut(self.pending_len) {
            *slot = byte;
            self.pending_len = self.pending_len.saturating_add(1);
        }
        self.pending_text |= !is_wsp(byte);
        if self.pending_text {
            self.fold_if_needed()?;
        }
        Ok(())
    }

    /// Ends the line when what is pending does not fit, and can begin one.
    fn fold_if_needed(&mut self) -> Result<(), FoldError> {
        let fits = self.column.saturating_add(self.pending_len) <= PREFERRED_LINE;
        let stays = fits && !self.break_next;
        let begins_with_wsp =
            self.pending_len > 0 && self.pending.first().copied().is_some_and(is_wsp);
        if self.column > 0 && !stays && begins_with_wsp {
            self.sink.put(b"\r\n")?;
            self.column = 0;
            self.break_next = false;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), FoldError> {
        let bytes = self.pending.get(..self.pending_len).unwrap_or_default();
        self.column = self.column.saturating_add(bytes.len());
        if self.column > MAX_LINE {
            return Err(FoldError::LineTooLong);
        }
        self.sink.put(bytes)?;
        self.pending_len = 0;
        self.pending_text = false;
        Ok(())
    }

    /// Writes the pending white space but for its last octet: the line can still end there.
    fn flush_spaces(&mut self) -> Result<(), FoldError> {
        let last = self.pending.last().copied().unwrap_or(b' ');
        self.pending_len = self.pending_len.saturating_sub(1);
        self.flush()?;
        if let Some(slot) = self.pending.first_mut() {
            *slot = last;
            self.pending_len = 1;
        }
        Ok(())
    }
}

impl<S: Sink + ?Sized> Sink for FoldSink<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if self.error.is_none() {
            self.error = self.take(bytes).err();
        }
        if self.error.is_some() {
            Err(Full)
        } else {
            Ok(())
        }
    }
}
