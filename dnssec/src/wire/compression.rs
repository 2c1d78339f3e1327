//! Writing names with compression (RFC 1035 4.1.4), in bounded work and memory.
//!
//! A table holds where the first `N` suffixes of earlier names start, with the length that each would
//! have uncompressed. The suffixes of one name have different lengths, so each entry can match at
//! most one of them, and a name costs at most `N` comparisons of at most 255 octets, whatever was
//! written before (compare RUSTSEC-2026-0119). When the table is full, later suffixes are not
//! recorded: the first names of a message, its question and its zone, are those that recur.

use scop_core::{Cursor, Full, Name, Sink, name::Labels};

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
        self.entries
            .iter()
            .filter(|entry| entry.len == len)
            .find(|entry| {
                let mut earlier = Cursor::at(written, entry.offset.into());
                // The lengths agree, so that neither name ends before the other.
                labels.clone().all(|label| {
                    take_label(&mut earlier).is_some_and(|other| match self.case {
                        Case::Exact => other == label,
                        Case::Fold => other.eq_ignore_ascii_case(label),
                    })
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

/// Takes the next label of a name that [`Names::put`] wrote, so that pointers lead backwards.
fn take_label<'w>(cursor: &mut Cursor<'w>) -> Option<&'w [u8]> {
    loop {
        match cursor.take_byte()? {
            high @ 0xc0.. => {
                let low = cursor.take_byte()?;
                cursor.seek(u16::from_be_bytes([high & 0x3f, low]).into());
            }
            length => return cursor.take(length.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scop_core::NameBuf;

    fn name(text: &str) -> NameBuf {
        NameBuf::from_text(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_example_of_the_rfc() {
        // RFC 1035 4.1.4: the names stand at 20, 40, 64 and 92.
        let mut buffer = [0xee; 93];
        let mut page = Page::new(&mut buffer);
        let mut names = Names::<8>::new();
        for (at, text) in [
            (20, "F.ISI.ARPA"),
            (40, "FOO.F.ISI.ARPA"),
            (64, "ARPA"),
            (92, "."),
        ] {
            page.len = at;
            names.put(&mut page, &name(text).as_name()).unwrap();
        }
        assert_eq!(&buffer[20..32], b"\x01F\x03ISI\x04ARPA\x00");
        assert_eq!(&buffer[40..46], b"\x03FOO\xc0\x14");
        assert_eq!(&buffer[64..66], b"\xc0\x1a");
        assert_eq!(buffer[92], 0);
        assert!(
            [&buffer[32..40], &buffer[46..64], &buffer[66..92]]
                .iter()
                .all(|gap| gap.iter().all(|&octet| octet == 0xee))
        );
    }

    #[test]
    fn case_is_kept_or_folded() {
        for (case, expected) in [
            (Case::Exact, &b"\x01a\x02Bc\x00\xc0\x00\x01A\x02bc\x00"[..]),
            (Case::Fold, b"\x01a\x02Bc\x00\xc0\x00\xc0\x00"),
        ] {
            let mut buffer = [0; 40];
            let mut page = Page::new(&mut buffer);
            let mut names = Names::<8>::new();
            names.case = case;
            for text in ["a.Bc", "a.Bc", "A.bc"] {
                names.put(&mut page, &name(text).as_name()).unwrap();
            }
            assert_eq!(page.written(), expected);
        }
    }

    #[test]
    fn labels_are_not_confused_with_octets() {
        // One label that looks like two, and a suffix of equal length with other labels.
        let mut buffer = [0; 64];
        let mut page = Page::new(&mut buffer);
        let mut names = Names::<8>::new();
        for wire in [&b"\x01a\x01b\x00"[..], b"\x03a\x01b\x00", b"\x01a\x01c\x00"] {
            names.put(&mut page, &Name::parse(wire).unwrap()).unwrap();
        }
        assert_eq!(
            page.written(),
            b"\x01a\x01b\x00\x03a\x01b\x00\x01a\x01c\x00"
        );
    }

    #[test]
    fn a_full_table_keeps_the_first_names() {
        let mut buffer = [0; 64];
        let mut page = Page::new(&mut buffer);
        let mut names = Names::<1>::new();
        for text in ["a.b", "c.b", "c.b", "a.b"] {
            names.put(&mut page, &name(text).as_name()).unwrap();
        }
        assert_eq!(
            page.written(),
            b"\x01a\x01b\x00\x01c\x01b\x00\x01c\x01b\x00\xc0\x00"
        );
    }

    #[test]
    fn no_pointer_to_what_is_too_far_or_taken_back() {
        let mut buffer = std::vec![0; 0x4100];
        let mut page = Page::new(&mut buffer);
        let mut names = Names::<8>::new();
        page.len = 0x3ffe;
        names.put(&mut page, &name("a.b").as_name()).unwrap(); // "b" starts at 0x4000
        names.put(&mut page, &name("c.b").as_name()).unwrap();
        names.put(&mut page, &name("a.b").as_name()).unwrap();
        assert_eq!(&page.written()[0x4003..], b"\x01c\x01b\x00\xff\xfe");
        page.truncate(0x3ffe);
        names.truncate(0x3ffe);
        names.put(&mut page, &name("a.b").as_name()).unwrap();
        assert_eq!(&page.written()[0x3ffe..], b"\x01a\x01b\x00");
    }
}
