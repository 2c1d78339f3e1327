//! The message: behind DATA with dots put in (RFC 5321 4.5.2), or in chunks of BDAT (RFC 3030).

use scop_core::{Instant, Sink};

use super::{Client, End, OrderError, Phase, Step};
use crate::parameter::Body;

impl Client<'_> {
    /// Takes content from `input`, and gives what the host has to send next. Nothing may be given; poll
    /// says how it goes on.
    ///
    /// With BDAT the whole `input` is announced as one chunk, and its octets are asked for afterwards, so
    /// that `input` should be as large as the host has it.
    ///
    /// # Errors
    /// Content was not asked for. Or it holds a bare CR or LF: the connection ends, because what was sent
    /// cannot be taken back and must not be ended.
    pub fn content<'i>(
        &mut self,
        input: &mut &'i [u8],
        now: Instant,
    ) -> Result<&'i [u8], OrderError<'static>> {
        self.give(input, false, now)
    }

    /// The same for the last octets of the message, after which it ends by itself: with BDAT no empty chunk
    /// is sent behind them.
    ///
    /// # Errors
    /// As [`Client::content`].
    pub fn last_content<'i>(
        &mut self,
        input: &mut &'i [u8],
        now: Instant,
    ) -> Result<&'i [u8], OrderError<'static>> {
        self.give(input, true, now)
    }

    /// The message ends here.
    ///
    /// # Errors
    /// Content was not asked for; octets of a chunk are missing; or the last octet was CR, and the
    /// connection ends.
    pub fn content_end(&mut self, now: Instant) -> Result<(), OrderError<'static>> {
        self.require_step(Step::Content)?;
        if self.transaction.chunk_left > 0 {
            return Err(OrderError::ChunkOpen);
        }
        if self.transaction.by_chunks {
            self.check_chunk_end()?;
            self.put_chunk(0, true)?;
        } else {
            let end = match self.transaction.stuffer.finish() {
                Ok(end) => end,
                Err(bare) => return Err(self.end_at(End::BareLineEnd(bare))),
            };
            // The buffer is empty here.
            self.output.put_end(end).map_err(|_| OrderError::TooLong)?;
        }
        self.end_message(now);
        Ok(())
    }

    /// Whether content can be taken now; the output is empty.
    pub(super) fn takes_content(&self) -> bool {
        let transaction = &self.transaction;
        if !transaction.by_chunks || transaction.chunk_left > 0 {
            return true;
        }
        let ahead = if self.sends_chunks_ahead() {
            u32::from(self.config.limits.chunks)
        } else {
            1
        };
        transaction.chunks_due < ahead
    }

    /// Goes on behind a refused chunk, once its octets are given and the chunks behind it answered.
    pub(super) fn drain(&mut self) {
        let transaction = &mut self.transaction;
        if !transaction.chunk_refused || transaction.chunk_left > 0 {
            return;
        }
        if self.phase == Phase::Message {
            transaction.chunks_due = transaction.chunks_due.saturating_add(1);
        }
        if transaction.chunks_due == 0 {
            self.give_up();
        } else {
            self.phase = Phase::Drain;
        }
    }

    fn give<'i>(
        &mut self,
        input: &mut &'i [u8],
        is_last: bool,
        now: Instant,
    ) -> Result<&'i [u8], OrderError<'static>> {
        self.require_step(Step::Content)?;
        self.deadline = Some(now + self.config.timeouts.block);
        if self.transaction.by_chunks {
            return self.give_chunk(input, is_last, now);
        }
        let piece = match self.transaction.stuffer.stuff(input) {
            Ok(piece) => piece,
            Err(bare) => return Err(self.end_at(End::BareLineEnd(bare))),
        };
        if is_last && input.is_empty() {
            self.content_end(now)?;
        }
        Ok(piece)
    }

    fn give_chunk<'i>(
        &mut self,
        input: &mut &'i [u8],
        is_last: bool,
        now: Instant,
    ) -> Result<&'i [u8], OrderError<'static>> {
        if self.transaction.chunk_left == 0 {
            if input.is_empty() {
                if is_last {
                    self.content_end(now)?;
                }
            } else {
                self.put_chunk(input.len(), is_last)?;
            }
            return Ok(&[]);
        }
        let count = input.len().min(self.transaction.chunk_left);
        let (piece, rest) = input.split_at_checked(count).unwrap_or((input, &[]));
        self.check_chunk(piece)?;
        *input = rest;
        let left = self.transaction.chunk_left.saturating_sub(piece.len());
        self.transaction.chunk_left = left;
        if left == 0 && self.transaction.chunk_is_last {
            self.check_chunk_end()?;
            self.end_message(now);
        }
        self.drain();
        Ok(piece)
    }

    fn put_chunk(&mut self, size: usize, is_last: bool) -> Result<(), OrderError<'static>> {
        self.put(false, |line| {
            line.put(b"BDAT ")?;
            line.put_decimal(u64::try_from(size).unwrap_or(u64::MAX))?;
            line.put(if is_last { b" LAST" } else { b"" })
        })?;
        self.transaction.chunk_left = size;
        self.transaction.chunk_is_last = is_last;
        if !is_last {
            self.transaction.chunks_due = self.transaction.chunks_due.saturating_add(1);
        }
        Ok(())
    }

    /// Text in chunks has no bare CR or LF either (RFC 3030 3).
    fn check_chunk(&mut self, piece: &[u8]) -> Result<(), OrderError<'static>> {
        if self.transaction.envelope.body == Body::BinaryMime {
            return Ok(());
        }
        let mut seen = piece;
        while !seen.is_empty() {
            self.transaction.checker.read(&mut seen);
        }
        self.check_line_ends()
    }

    fn check_chunk_end(&mut self) -> Result<(), OrderError<'static>> {
        self.transaction.checker.finish();
        self.check_line_ends()
    }

    fn check_line_ends(&mut self) -> Result<(), OrderError<'static>> {
        match self.transaction.checker.bare_line_end() {
            Some(bare) => Err(self.end_at(End::BareLineEnd(bare))),
            None => Ok(()),
        }
    }

    /// The end of the message is about to be sent: from here on it may arrive.
    fn end_message(&mut self, now: Instant) {
        self.phase = Phase::Message;
        self.arm(now);
    }

    fn end_at(&mut self, end: End) -> OrderError<'static> {
        self.fail(end);
        OrderError::Ended(end)
    }
}
