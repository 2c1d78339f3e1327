//! Octets that no line may hold, and how lines end (RFC 5322 2.1 to 2.3, 3.5).

use memchr::{memchr, memchr_iter};

use super::{DefectKind, DefectSet};
use crate::header::scan::MAX_LINE;

/// Looks at all octets of a message, in pieces of any size.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lines {
    /// How many octets came.
    offset: u64,
    /// How many of them belong to the line that has not ended, a CR at its end not counted.
    line: usize,
    /// Whether the last octet was a CR.
    after_cr: bool,
    /// Whether the line that has not ended was found to be too long.
    too_long: bool,
    crlf: bool,
    lf: bool,
    /// What was found in this entity: each kind is told once, so that a flood is one defect.
    said: DefectSet,
}

impl Lines {
    /// The byte of the input at which the next octet stands.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Another entity begins.
    pub(super) const fn begin(&mut self) {
        self.said = DefectSet::EMPTY;
    }

    /// Skips octets that are no text: the body of an entity that is declared binary (RFC 2045 2.9).
    pub(super) fn skip(&mut self, bytes: &[u8]) {
        self.offset = self.offset.saturating_add(wide(bytes.len()));
        self.line = 0;
        self.after_cr = false;
        self.too_long = false;
    }

    /// Looks at `bytes` and tells `found` what is wrong, the first of each kind in this entity, in the order
    /// of the bytes: so it does not depend on how the input is cut.
    pub(super) fn put(&mut self, bytes: &[u8], found: &mut impl FnMut(DefectKind, u64)) {
        let mut told: heapless::Vec<(u64, DefectKind), 8> = heapless::Vec::new();
        self.look(bytes, &mut |kind, at| {
            // Each of five kinds is told once, so that it fits.
            let _ = told.push((at, kind));
        });
        let mut last = None;
        while let Some(&next) = told.iter().filter(|&&one| Some(one) > last).min() {
            found(next.1, next.0);
            last = Some(next);
        }
    }

    fn look(&mut self, bytes: &[u8], found: &mut impl FnMut(DefectKind, u64)) {
        if bytes.is_empty() {
            return;
        }
        let start = self.offset;
        let at = |index: usize| start.saturating_add(wide(index));
        if let Some(index) = memchr(0, bytes) {
            self.tell(found, DefectKind::Nul, at(index));
        }
        if self.after_cr && bytes.first() != Some(&b'\n') {
            self.tell(found, DefectKind::BareCr, start.saturating_sub(1));
            self.line = self.line.saturating_add(1);
        }
        let bare = |&index: &usize| {
            bytes
                .get(index.saturating_add(1))
                .is_some_and(|&next| next != b'\n')
        };
        if let Some(index) = memchr_iter(b'\r', bytes).find(bare) {
            self.tell(found, DefectKind::BareCr, at(index));
        }
        let mut line_start = 0;
        for line_feed in memchr_iter(b'\n', bytes) {
            let crlf = match line_feed.checked_sub(1) {
                Some(before) => bytes.get(before) == Some(&b'\r'),
                None => self.after_cr,
            };
            let here = line_feed
                .saturating_sub(line_start)
                .saturating_sub(usize::from(crlf && line_feed > line_start));
            self.grow(here, at(line_start), found);
            self.end_line(crlf, at(line_feed), found);
            line_start = line_feed.saturating_add(1);
        }
        self.after_cr = bytes.last() == Some(&b'\r');
        let rest = bytes.len().saturating_sub(line_start);
        self.grow(
            rest.saturating_sub(usize::from(self.after_cr)),
            at(line_start),
            found,
        );
        self.offset = at(bytes.len());
    }

    /// The message is over.
    pub(super) fn finish(&mut self, found: &mut impl FnMut(DefectKind, u64)) {
        if self.after_cr {
            self.tell(found, DefectKind::BareCr, self.offset.saturating_sub(1));
        }
        self.after_cr = false;
    }

    fn tell(&mut self, found: &mut impl FnMut(DefectKind, u64), kind: DefectKind, at: u64) {
        if !self.said.contains(kind) {
            self.said.insert(kind);
            found(kind, at);
        }
    }

    fn grow(&mut self, by: usize, at: u64, found: &mut impl FnMut(DefectKind, u64)) {
        let before = self.line;
        self.line = before.saturating_add(by);
        if self.line > MAX_LINE && !self.too_long {
            self.too_long = true;
            let room = wide(MAX_LINE.saturating_sub(before));
            self.tell(found, DefectKind::LineTooLong, at.saturating_add(room));
        }
    }

    fn end_line(&mut self, crlf: bool, at: u64, found: &mut impl FnMut(DefectKind, u64)) {
        self.line = 0;
        self.too_long = false;
        if !crlf && !self.lf {
            self.tell(found, DefectKind::BareLf, at);
        }
        let was_mixed = self.crlf && self.lf;
        self.crlf |= crlf;
        self.lf |= !crlf;
        if !was_mixed && self.crlf && self.lf {
            self.tell(found, DefectKind::MixedLineEnds, at);
        }
    }
}

/// A place in a slice as a place in the input.
pub(super) fn wide(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX)
}
