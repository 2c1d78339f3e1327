//! A message that comes in pieces, read in fixed memory.
//!
//! A [`Reader`] is fed with chunks of any size and gives events. What an event holds is borrowed from the
//! chunk; only what a chunk leaves undecided at its end is copied: a piece of a field, or of a line that
//! may be a delimiter. That is what the buffer is for, and all that it must hold is one field
//! ([`Limits::field`]).
//!
//! The events are those of [`Index::events`](super::index::Index::events) with the same limits, except
//! that text (`Preamble`, `Body`, `Epilogue`, `LongField`) may come in more pieces. Bytes are searched
//! once, however small the chunks are; only a line that may be a delimiter is looked at again with each
//! chunk, and such a line has at most 998 octets.
//!
//! ```
//! use scop_mime_core::body::push::Reader;
//! use scop_mime_core::{Event, Limits};
//!
//! let mut buffer = [0; 4096];
//! let mut reader = Reader::new(&mut buffer, Limits::DEFAULT)?;
//! let mut body = Vec::new();
//! let mut keep = |event: Event<'_>| {
//!     if let Event::Body(bytes) = event {
//!         body.extend_from_slice(bytes);
//!     }
//! };
//! for mut chunk in [&b"Subject: H"[..], b"i\r\n\r\nTe", b"xt\r\n"] {
//!     while let Some(event) = reader.read(&mut chunk) {
//!         keep(event);
//!     }
//! }
//! while let Some(event) = reader.finish() {
//!     keep(event);
//! }
//! assert_eq!(body, b"Text\r\n");
//! # Ok::<(), scop_mime_core::body::push::BufferTooSmall>(())
//! ```

use core::fmt;

use super::event::Event;
use super::structure::{MAX_HELD, Step, Structure};
use crate::limits::Limits;

/// The smallest buffer of a [`Reader`]: a delimiter line has at most 998 octets (RFC 5322 2.1.1).
pub const MIN_BUFFER: usize = 1024;

const _: () = assert!(MIN_BUFFER > MAX_HELD);

/// How many bytes of a chunk are copied behind those that are held, at first; then twice as many.
const FIRST_COPY: usize = 64;

/// Reads a message in pieces.
///
/// `DEPTH` is how many multiparts and messages inside one another can be followed; each costs about 180
/// bytes of the reader.
#[derive(Debug)]
pub struct Reader<'b, const DEPTH: usize = 32> {
    buffer: &'b mut [u8],
    /// What is held: `start..end` of the buffer.
    start: usize,
    end: usize,
    is_finished: bool,
    structure: Structure<DEPTH>,
}

impl<'b> Reader<'b> {
    /// A reader that follows 32 levels; see [`Reader::with_depth`].
    ///
    /// A field must fit `buffer`, with one byte to spare: [`Limits::field`] is lowered to the length of
    /// `buffer` minus one. A longer field comes as [`Event::LongField`] and is not read, which makes the
    /// message ambiguous. With 64 KiB + 1 a reader takes what [`Limits::DEFAULT`] allows.
    /// [`Reader::limits`] are the limits that result.
    ///
    /// # Errors
    /// When `buffer` is smaller than [`MIN_BUFFER`].
    pub fn new(buffer: &'b mut [u8], limits: Limits) -> Result<Self, BufferTooSmall> {
        Self::with_depth(buffer, limits)
    }
}

impl<'b, const DEPTH: usize> Reader<'b, DEPTH> {
    /// A reader at the start of a message. [`Limits::depth`] is at most `DEPTH`, and [`Limits::field`] at
    /// most one less than the length of `buffer`; [`Reader::limits`] says so.
    ///
    /// # Errors
    /// When `buffer` is smaller than [`MIN_BUFFER`].
    pub fn with_depth(buffer: &'b mut [u8], mut limits: Limits) -> Result<Self, BufferTooSmall> {
        if buffer.len() < MIN_BUFFER {
            return Err(BufferTooSmall);
        }
        limits.depth = limits.depth.min(DEPTH);
        limits.field = limits.field.min(buffer.len().saturating_sub(1));
        Ok(Self {
            buffer,
            start: 0,
            end: 0,
            is_finished: false,
            structure: Structure::new(limits),
        })
    }

    /// Takes bytes from the start of `input`, and says what they are. `None` when all of them were taken;
    /// then it is time for the next chunk, or for [`Reader::finish`]. What is left in `input` must come
    /// first in the next call.
    pub fn read<'e, 'i: 'e>(&'e mut self, input: &mut &'i [u8]) -> Option<Event<'e>> {
        if self.is_finished {
            return None;
        }
        let held = self.end.saturating_sub(self.start);
        if held == 0 {
            let window = *input;
            return match self.structure.advance(window, false) {
                Step::Take(len, what) => {
                    let (bytes, rest) = window.split_at_checked(len)?;
                    *input = rest;
                    Some(what.event(bytes))
                }
                Step::NeedMore => {
                    (self.start, self.end) = (0, 0);
                    self.hold(input, usize::MAX);
                    None
                }
                Step::Done => None,
            };
        }
        self.move_to_front();
        let mut copy = FIRST_COPY;
        let (len, what) = loop {
            // The copied bytes are still those of the input until they turn out to be needed.
            let before = (self.end, *input);
            self.hold(input, copy);
            let window = self.buffer.get(..self.end).unwrap_or_default();
            match self.structure.advance(window, false) {
                Step::Take(len, what) => {
                    (self.end, *input) = before;
                    break (len, what);
                }
                // A window that is full is never too short.
                Step::NeedMore if input.is_empty() || self.end == self.buffer.len() => return None,
                Step::NeedMore => copy = copy.saturating_mul(2),
                Step::Done => return None,
            }
        };
        match len.checked_sub(self.end) {
            None => self.start = len,
            Some(of_input) => {
                (self.start, self.end) = (0, 0);
                *input = input.get(of_input..).unwrap_or_default();
            }
        }
        Some(what.event(self.buffer.get(..len).unwrap_or_default()))
    }

    /// The message is over: says what is left to say. Called until it gives `None`; from the first call
    /// on, [`Reader::read`] takes nothing.
    pub fn finish(&mut self) -> Option<Event<'_>> {
        self.is_finished = true;
        let window = self.buffer.get(self.start..self.end).unwrap_or_default();
        let Step::Take(len, what) = self.structure.advance(window, true) else {
            return None;
        };
        self.start = self.start.saturating_add(len);
        Some(what.event(window.get(..len).unwrap_or_default()))
    }

    /// The limits that hold: those it was given, lowered to what `DEPTH` and the buffer allow. An
    /// [`Inspector`](crate::Inspector) of its events takes these.
    ///
    /// ```
    /// use scop_mime_core::{Limits, Reader};
    ///
    /// let mut buffer = [0; 4096];
    /// let reader = Reader::<'_, 4>::with_depth(&mut buffer, Limits::DEFAULT)?;
    /// assert_eq!(reader.limits().field, 4095);
    /// assert_eq!(reader.limits().depth, 4);
    /// assert_eq!(reader.limits().parts, Limits::DEFAULT.parts);
    /// # Ok::<(), scop_mime_core::body::push::BufferTooSmall>(())
    /// ```
    pub const fn limits(&self) -> Limits {
        self.structure.limits()
    }

    /// How many bytes the events so far stand for.
    pub const fn offset(&self) -> u64 {
        self.structure.offset()
    }

    /// Copies as many bytes from `input` behind those that are held as there are, there is room for, and
    /// `most` allows.
    fn hold(&mut self, input: &mut &[u8], most: usize) {
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let count = input.len().min(most).min(room.len());
        for (to, from) in room.iter_mut().zip(input.iter()).take(count) {
            *to = *from;
        }
        self.end = self.end.saturating_add(count);
        *input = input.get(count..).unwrap_or_default();
    }

    fn move_to_front(&mut self) {
        if self.start == 0 {
            return;
        }
        // Each step needs the slot that the one before it has read.
        for to in 0..self.end.saturating_sub(self.start) {
            let byte = self.buffer.get(self.start.saturating_add(to)).copied();
            if let (Some(byte), Some(slot)) = (byte, self.buffer.get_mut(to)) {
                *slot = byte;
            }
        }
        self.end = self.end.saturating_sub(self.start);
        self.start = 0;
    }
}

/// The buffer of a reader is smaller than [`MIN_BUFFER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferTooSmall;

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the buffer of a reader has fewer than {MIN_BUFFER} octets"
        )
    }
}

impl core::error::Error for BufferTooSmall {}
