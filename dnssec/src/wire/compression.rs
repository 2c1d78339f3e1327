//! Writing names with compression (RFC 1035 4.1.4), in bounded work and memory.
//!
//! A table holds where the first `N` suffixes of earlier names start, with the length that each would
//! have uncompressed. The suffixes of one name have different lengths, so each entry can match at
//! most one of them, and a name costs at most `N` comparisons of at most 255 octets, whatever was
//! written before (compare RUSTSEC-2026-0119). When the table is full, later suffixes are not
//! recorded: the first names of a message, its question and its zone, are those that recur.

use scop_core::{Full, Name, Sink, name::Labels};

/// How a name must agree with an earlier one to be replaced by a pointer to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Case {
    /// Octet by octet: every name is read back as it was given.
    #[default]
    Exact,
    /// Without regard to ASCII case: a name may be read back in the case of an earlier one. That is
    /// safe where only RFC 4343 comparison follows, and keeps responses to case-randomised questions
    /// short.
    Fold,
}

/// A message in the making: a slice filled from its start, which can be taken back and amended.
#[derive(Debug)]
pub(super) struct Page<'b> {
    buffer: &'b mut [u8],
    len: usize,
    /// Octets at the end of the buffer that are kept for later.
    pub(super) reserved: usize,
}

impl<'b> Page<'b> {
    pub(super) const fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            len: 0,
            reserved: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn room(&self) -> usize {
        self.buffer
            .len()
            .saturating_sub(self.len)
            .saturating_sub(self.reserved)
    }

    pub(super) fn written(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    pub(super) fn into_written(self) -> &'b [u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// Takes back everything after the first `len` octets.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Overwrites two octets at `at`.
    pub(super) fn set_u16(&mut self, at: usize, number: u16) {
        let place = self.buffer.get_mut(at..).unwrap_or_default();
        for (to, from) in place.iter_mut().zip(number.to_be_bytes()) {
            *to = from;
        }
    }
}

impl Sink for Page<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if bytes.len() > self.room() {
            return Err(Full);
        }
        let room = self.buffer.get_mut(self.len..).ok_or(Full)?;
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.len += bytes.len();
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where the suffix starts; at most 0x3fff.
    offset: u16,
    /// Its octets when uncompressed.
    len: u8,
}

/// Where earlier names stand.
#[derive(Debug)]
pub(super) struct Names<const N: usize> {
    entries: heapless::Vec<Entry, N>,
    pub(super) case: Case,
}

/// The last byte that a pointer can name (RFC 1035 4.1.4).
const MAX_OFFSET: u16 = 0x3fff;

impl<const N: usize> Names<N> {
    pub(super) const fn new() -> Self {
        Self {
            entries: heapless::Vec::new(),
            case: Case::Exact,
        }
    }

    /// Writes `name` at the end of `page`: its labels up to a suffix that is there already, and a
    /// pointer to that.
    pub(super) fn put(&mut self, page: &mut Page<'_>, name: &Name<'_>) -> Result<(), Full> {
        let mut labels = name.labels();
        let mut left = 1 + labels.clone().map(|label| 1 + label.len()).sum::<usize>();
        loop {
            let len = u8::try_from(left).map_err(|_| Full)?;
            if len > 1 {
                if let Some(offset) = self.find(page.written(), &labels, len) {
                    return page.put(&(0xc000 | offset).to_be_bytes());
                }
                self.remember(page.len(), len);
            }
            let Some(label) = labels.next() else {
                return page.put_byte(0);
            };
            page.put_byte(u8::try_from(label.len()).map_err(|_| Full)?)?;
            page.put(label)?;
            left = left.saturating_sub(1 + label.len());
        }
    }

    /// Forgets what was written after the first `len` octets.
    pub(super) fn truncate(&mut self, len: usize) {
        // Entries stand in the order of their offsets.
        while self
            .entries
            .last()
            .is_some_and(|entry| usize::from(entry.offset) >= len)
        {
            self.entries.pop();
        }
    }

    fn find(&self, written: &[u8], labels: &Labels<'_>, len: u8) -> Option<u16> {
        let same = |one: &[u8], other: &[u8]| match self.case {
            Case::Exact => one == other,
            Case::Fold => one.eq_ignore_ascii_case(other),
        };
        self.entries
            .iter()
            .filter(|entry| entry.len == len)
            .find(|entry| {
                // The lengths agree, so that neither list of labels ends before the other.
                Name::parse_in(written, entry.offset.into()).is_ok_and(|(earlier, _)| {
                    earlier
                        .labels()
                        .zip(labels.clone())
                        .all(|(one, other)| same(one, other))
                })
            })
            .map(|entry| entry.offset)
    }

    fn remember(&mut self, offset: usize, len: u8) {
        if let Ok(offset @ ..=MAX_OFFSET) = u16::try_from(offset) {
            // A full table keeps what it has.
            let _ = self.entries.push(Entry { offset, len });
        }
    }
}
