//! What is to be sent, and the one gate through which every command passes.

use core::fmt;

use scop_core::{Emit, Full, Sink};

/// The lent buffer: what was put and not sent yet.
pub(super) struct Output<'a> {
    buffer: &'a mut [u8],
    start: usize,
    end: usize,
    /// Commands of which the line end was not sent. No reply can answer them.
    unsent: u32,
    /// A command did not fit behind what is here.
    is_crowded: bool,
}

const CRLF: &[u8] = b"\r\n";

/// Why a command cannot be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A control character.
    Control,
    /// An octet beyond ASCII.
    EightBit,
    /// Beyond the limit or the buffer.
    TooLong,
    /// No room behind what is to be sent.
    NoRoom,
}

/// Without the octets, which may be a password.
impl fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("pending", &self.pending().len())
            .field("unsent", &self.unsent)
            .finish_non_exhaustive()
    }
}

impl<'a> Output<'a> {
    pub(super) const fn new(buffer: &'a mut [u8]) -> Self {
        Self {
            buffer,
            start: 0,
            end: 0,
            unsent: 0,
            is_crowded: false,
        }
    }

    pub(super) fn pending(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    pub(super) const fn unsent(&self) -> u32 {
        self.unsent
    }

    /// Whether most commands of at most `limit` octets fit. One that does not comes again once all is sent.
    pub(super) fn has_room(&self, limit: usize) -> bool {
        let room = self.buffer.len().saturating_sub(self.end);
        !self.is_crowded && room >= limit.min(self.buffer.len() / 2)
    }

    /// `count` octets were sent; false when there are not so many.
    pub(super) fn sent(&mut self, count: usize) -> bool {
        let Some(sent) = self.pending().get(..count) else {
            return false;
        };
        let lines = memchr::memchr_iter(b'\n', sent).count();
        self.unsent = (self.unsent).saturating_sub(u32::try_from(lines).unwrap_or(u32::MAX));
        let end = self.start.saturating_add(count);
        self.wipe(self.start, end);
        self.start = end;
        if self.is_empty() {
            self.clear();
        }
        true
    }

    /// Drops what was not sent.
    pub(super) fn clear(&mut self) {
        self.wipe(self.start, self.end);
        self.start = 0;
        self.end = 0;
        self.unsent = 0;
        self.is_crowded = false;
    }

    /// Puts octets that are no command line: the end of a message.
    pub(super) fn put_end(&mut self, octets: &[u8]) -> Result<(), Fault> {
        let end = self.append(self.end, octets).ok_or(Fault::NoRoom)?;
        self.end = end;
        self.unsent = self.unsent.saturating_add(1);
        Ok(())
    }

    /// Puts one command line of at most `limit` octets, and its CRLF; or nothing.
    pub(super) fn put_line(
        &mut self,
        limit: usize,
        utf8: bool,
        write: impl FnOnce(&mut Line<'_, 'a>) -> Result<(), Full>,
    ) -> Result<(), Fault> {
        let start = self.end;
        let mut line = Line {
            end: start,
            output: self,
            utf8,
            is_ended: false,
            fault: Fault::NoRoom,
        };
        let written = write(&mut line).and_then(|()| line.end());
        let (end, fault) = (line.end, line.fault);
        if written.is_err() {
            self.wipe(start, end);
            return Err(match fault {
                Fault::NoRoom if self.is_empty() => Fault::TooLong,
                Fault::NoRoom => {
                    self.is_crowded = true;
                    fault
                }
                _ => fault,
            });
        }
        if end.saturating_sub(start) > limit {
            self.wipe(start, end);
            return Err(Fault::TooLong);
        }
        self.end = end;
        self.unsent = self.unsent.saturating_add(1);
        Ok(())
    }

    /// A response of AUTH is a secret: nothing is kept that is not to be sent.
    fn wipe(&mut self, start: usize, end: usize) {
        if let Some(octets) = self.buffer.get_mut(start..end) {
            octets.fill(0);
        }
    }

    /// Writes `octets` at `at`; where they end, when they fit.
    fn append(&mut self, at: usize, octets: &[u8]) -> Option<usize> {
        let end = at.checked_add(octets.len())?;
        let room = self.buffer.get_mut(at..end)?;
        for (to, &from) in room.iter_mut().zip(octets) {
            *to = from;
        }
        Some(end)
    }
}

/// A command line that is being written. Whatever a value is made of, no line end gets in here.
pub(super) struct Line<'o, 'a> {
    output: &'o mut Output<'a>,
    end: usize,
    utf8: bool,
    is_ended: bool,
    fault: Fault,
}

impl Line<'_, '_> {
    pub(super) fn emit(&mut self, value: &impl Emit) -> Result<(), Full> {
        value.emit(self)
    }

    /// The one line end, unless what was written ended the line itself.
    fn end(&mut self) -> Result<(), Full> {
        if !self.is_ended {
            self.end = self.output.append(self.end, CRLF).ok_or(Full)?;
            self.is_ended = true;
        }
        Ok(())
    }
}

impl Sink for Line<'_, '_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if bytes == CRLF && !self.is_ended {
            return self.end();
        }
        if self.is_ended || bytes.iter().any(u8::is_ascii_control) {
            self.fault = Fault::Control;
            return Err(Full);
        }
        if !self.utf8 && !bytes.is_ascii() {
            self.fault = Fault::EightBit;
            return Err(Full);
        }
        self.end = self.output.append(self.end, bytes).ok_or(Full)?;
        Ok(())
    }
}
