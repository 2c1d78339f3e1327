//! Replies that wait to be sent, in the buffer that the host lends.

use scop_core::{Emit, Full, Sink};

use super::AnswerError;
use crate::reply::{Reply, Status};

/// A reply in the buffer that is to be there several times more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copies {
    start: usize,
    len: usize,
    pub(super) count: u32,
}

/// Filled from the front; begins anew when all was sent.
#[derive(Debug)]
pub(super) struct Output<'a> {
    buffer: &'a mut [u8],
    start: usize,
    end: usize,
    /// What is behind this position must not be sent yet.
    held: Option<usize>,
}

impl<'a> Output<'a> {
    pub(super) const fn new(buffer: &'a mut [u8]) -> Self {
        Self {
            buffer,
            start: 0,
            end: 0,
            held: None,
        }
    }

    /// What can be sent.
    pub(super) fn ready(&self) -> &[u8] {
        let end = self.held.unwrap_or(self.end);
        self.buffer.get(self.start..end).unwrap_or_default()
    }

    /// `count` octets were sent. Returns whether that many were ready.
    pub(super) fn sent(&mut self, count: usize) -> bool {
        let possible = count <= self.ready().len();
        if possible {
            self.start = self.start.saturating_add(count);
            if self.start == self.end {
                self.clear();
            }
        }
        possible
    }

    pub(super) const fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
        self.held = None;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether nothing of it was sent.
    pub(super) const fn is_whole(&self) -> bool {
        self.start == 0
    }

    pub(super) const fn room(&self) -> usize {
        self.buffer.len().saturating_sub(self.end)
    }

    pub(super) const fn is_half_full(&self) -> bool {
        self.end > self.buffer.len() / 2
    }

    /// Keeps what is written from now on from being sent.
    pub(super) fn hold(&mut self) {
        self.held.get_or_insert(self.end);
    }

    pub(super) const fn release(&mut self) {
        self.held = None;
    }

    /// Where the next reply begins.
    pub(super) const fn end(&self) -> usize {
        self.end
    }

    /// All that was written from `start` on, to be copied `count` times.
    pub(super) const fn copies(&self, start: usize, count: u32) -> Copies {
        Copies {
            start,
            len: self.end.saturating_sub(start),
            count,
        }
    }

    /// Writes copies as long as there is room; what is left of them. Nothing else may be written before they
    /// are there: a reply that was sent as a whole stays in the buffer until then.
    pub(super) fn copy(&mut self, copies: Copies) -> Option<Copies> {
        let mut copies = copies;
        while copies.count > 0 {
            if self.room() < copies.len {
                return Some(copies);
            }
            let start = self.end;
            for at in 0..copies.len {
                let from = self.buffer.get(copies.start.saturating_add(at)).copied();
                if let (Some(from), Some(to)) = (from, self.buffer.get_mut(self.end)) {
                    *to = from;
                    self.end = self.end.saturating_add(1);
                }
            }
            copies.start = start;
            copies.count = copies.count.saturating_sub(1);
        }
        None
    }

    /// Writes all of what `write` writes, or nothing.
    pub(super) fn all_or_nothing(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), AnswerError>,
    ) -> Result<(), AnswerError> {
        let end = self.end;
        let result = write(self);
        if result.is_err() {
            self.end = end;
        }
        match result {
            Err(AnswerError::OutputFull) if self.is_empty() => Err(AnswerError::TooLong),
            result => result,
        }
    }

    /// Writes `code` and the status that goes with it, then the text in parts.
    pub(super) fn put_line(
        &mut self,
        code: u16,
        status: Option<Status>,
        text: &[&str],
    ) -> Result<(), AnswerError> {
        self.put_decimal(code.into())?;
        self.put_byte(b' ')?;
        if let Some(status) = status {
            status.emit(self)?;
            self.put_byte(b' ')?;
        }
        for (index, part) in text.iter().filter(|part| !part.is_empty()).enumerate() {
            if index > 0 {
                self.put_byte(b' ')?;
            }
            self.put(part.as_bytes())?;
        }
        Ok(self.put(b"\r\n")?)
    }

    /// Writes a reply; with an enhanced status code in each line if `enhanced`, else without.
    pub(super) fn put_reply(
        &mut self,
        reply: &Reply<'_>,
        enhanced: bool,
    ) -> Result<(), AnswerError> {
        let status = status(reply.code().number(), reply.status(), enhanced);
        let adapted = match (status, reply.status()) {
            (None, _) => reply.without_status(),
            // The status that was not given may make a line too long; then it is left out.
            (Some(_), None) => {
                Reply::new(reply.code().number(), status, reply.text()).unwrap_or(*reply)
            }
            (Some(_), Some(_)) => *reply,
        };
        Ok(adapted.emit(self)?)
    }
}

impl Sink for Output<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.end.checked_add(bytes.len()).ok_or(Full)?;
        let room = self.buffer.get_mut(self.end..end).ok_or(Full)?;
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.end = end;
        Ok(())
    }
}

impl From<Full> for AnswerError {
    fn from(_: Full) -> Self {
        Self::OutputFull
    }
}

/// The status code that a reply carries: none unless ENHANCEDSTATUSCODES is in use, none with 1yz and 3yz, and
/// `class.0.0` where nothing more exact is known (RFC 2034 3 and 4).
pub(super) fn status(code: u16, status: Option<Status>, enhanced: bool) -> Option<Status> {
    let class = match code {
        200..=299 => 2,
        400..=499 => 4,
        500..=599 => 5,
        _ => return None,
    };
    enhanced.then(|| match status {
        Some(status) if status.class == class => status,
        _ => Status::new(class, 0, 0),
    })
}

/// What stands behind the keyword of an extension: a space goes before it, and nothing in it ends the line.
pub(super) struct Arguments<'s, S> {
    sink: &'s mut S,
    begun: bool,
    is_bad: bool,
}

impl<'s, S> Arguments<'s, S> {
    pub(super) const fn new(sink: &'s mut S) -> Self {
        Self {
            sink,
            begun: false,
            is_bad: false,
        }
    }

    /// Whether something was put that cannot stand there.
    pub(super) const fn is_bad(&self) -> bool {
        self.is_bad
    }
}

impl<S: Sink> Sink for Arguments<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if !bytes.iter().all(|&octet| is_text(octet)) {
            self.is_bad = true;
            return Err(Full);
        }
        if !self.begun && !bytes.is_empty() {
            self.begun = true;
            self.sink.put_byte(b' ')?;
        }
        self.sink.put(bytes)
    }
}

/// Octets of `textstring` (RFC 5321 4.2).
const fn is_text(octet: u8) -> bool {
    matches!(octet, b'\t' | b' '..=b'~')
}
