//! Where in a chunk something happens: at a bare CR or LF, at a dot that begins a line, at the end.

use memchr::{memchr, memchr2, memrchr};

use super::{CR, LF, MAX_TEXT_LINE, octets};

/// What follows the octets in which nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The end of the chunk, within a line.
    Middle,
    /// The end of the chunk, behind CRLF.
    Start,
    /// CR, and the end of the chunk.
    LastCr,
    /// A dot behind CRLF.
    Dot,
    /// CR without LF, or LF without CR.
    Bare,
}

/// What is looked for, besides the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Dots that begin a line.
    pub(super) dots: bool,
    /// Bare line ends.
    pub(super) bare: bool,
}

/// How many octets of `window` pass before something happens, and what it is.
///
/// The octet before the window is no CR, and a dot at its start begins no line.
pub(super) fn scan(window: &[u8], look: Look) -> (usize, Found) {
    let mut from = 0;
    loop {
        from = skip_blocks(window, from, look);
        let rest = window.get(from..).unwrap_or_default();
        let Some(at) = memchr2(CR, LF, rest) else {
            return (window.len(), Found::Middle);
        };
        from = from.saturating_add(at);
        match rest.get(at..).unwrap_or_default() {
            [CR] => return (from, Found::LastCr),
            [CR, LF] => return (window.len(), Found::Start),
            [CR, LF, b'.', ..] if look.dots => return (from.saturating_add(2), Found::Dot),
            [CR, LF, ..] => from = from.saturating_add(2),
            _ if look.bare => return (from, Found::Bare),
            _ => from = from.saturating_add(1),
        }
    }
}

/// Passes over blocks in which nothing happens; that may leave CR or LF just behind, never half of a pair.
/// Without branches in a block, so that it becomes a few vector instructions, and without regard to how long
/// the lines are.
fn skip_blocks(window: &[u8], from: usize, look: Look) -> usize {
    let rest = window.get(from..).unwrap_or_default();
    // The second half of a pair would have been passed with the first.
    if rest.first() == Some(&LF) {
        return from;
    }
    let skipped = match (look.bare, look.dots) {
        (true, true) => skip(rest, |here, next, third| {
            (is(here, CR) ^ is(next, LF)) | (is(next, LF) & is(third, b'.'))
        }),
        (true, false) => skip(rest, |here, next, _| is(here, CR) ^ is(next, LF)),
        (false, true) => skip(rest, |here, next, third| {
            is(here, CR) & is(next, LF) & is(third, b'.')
        }),
        (false, false) => skip(rest, |_, _, _| 0),
    };
    let to = from.saturating_add(skipped);
    let before = skipped.checked_sub(1).and_then(|last| rest.get(last));
    to.saturating_sub(usize::from(before == Some(&CR)))
}

/// 1 when it is.
fn is(octet: u8, what: u8) -> u8 {
    u8::from(octet == what)
}

/// How many octets stand before the first block of which `event` is 1 for an octet and the two behind it.
fn skip(rest: &[u8], event: impl Fn(u8, u8, u8) -> u8) -> usize {
    const BLOCK: usize = 64;
    let (here, _) = rest.as_chunks::<BLOCK>();
    let (next, _) = rest.get(1..).unwrap_or_default().as_chunks::<BLOCK>();
    let (third, _) = rest.get(2..).unwrap_or_default().as_chunks::<BLOCK>();
    let blocks = here.iter().zip(next).zip(third);
    let quiet = blocks.take_while(|((here, next), third)| {
        let octets = here.iter().zip(*next).zip(*third);
        octets.fold(0, |found, ((&here, &next), &third)| {
            found | event(here, next, third)
        }) == 0
    });
    quiet.count().saturating_mul(BLOCK)
}

/// The length of lines, with their LF, as far as it is more than [`MAX_TEXT_LINE`].
#[derive(Clone, Copy, Debug)]
pub(super) struct LineLength {
    /// Octets since the last LF.
    line: u64,
    /// The longest so far; 0 while none is too long.
    longest: u64,
}

impl LineLength {
    /// Of nothing.
    pub(super) const NONE: Self = Self {
        line: 0,
        longest: 0,
    };

    /// Goes on with `content`. Looks back from where a line that is too long would still have no end, so
    /// that it sees a small part of the octets only.
    pub(super) fn put(&mut self, content: &[u8]) {
        let mut rest = content;
        loop {
            let room = self.longest.max(MAX_TEXT_LINE).saturating_sub(self.line);
            let room = usize::try_from(room).unwrap_or(usize::MAX);
            let (near, far) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            if let Some(at) = memrchr(LF, near) {
                self.line = 0;
                rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
                if far.is_empty() {
                    self.line = octets(rest.len());
                    return;
                }
                continue;
            }
            let end = memchr(LF, far).map(|at| at.saturating_add(1));
            let more = near.len().saturating_add(end.unwrap_or(far.len()));
            self.line = self.line.saturating_add(octets(more));
            if self.line > MAX_TEXT_LINE {
                self.longest = self.longest.max(self.line);
            }
            let Some(_) = end else { return };
            self.line = 0;
            rest = rest.get(more..).unwrap_or_default();
        }
    }

    /// The longest line, when it is too long.
    pub(super) fn longest(&self) -> Option<u64> {
        (self.longest > 0).then_some(self.longest)
    }
}
