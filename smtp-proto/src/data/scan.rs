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
        from = skip(window, from, look);
        let rest = window.get(from..).unwrap_or_default();
        let rest = if let [CR | LF, ..] = rest {
            rest
        } else {
            let Some(at) = memchr2(CR, LF, rest) else {
                return (window.len(), Found::Middle);
            };
            from = from.saturating_add(at);
            rest.get(at..).unwrap_or_default()
        };
        match rest {
            [CR] => return (from, Found::LastCr),
            [CR, LF] => return (window.len(), Found::Start),
            [CR, LF, b'.', ..] if look.dots => return (from.saturating_add(2), Found::Dot),
            [CR, LF, ..] => from = from.saturating_add(2),
            _ if look.bare => return (from, Found::Bare),
            _ => from = from.saturating_add(1),
        }
    }
}

/// Octets that are looked at without a branch.
const BLOCK: usize = 128;
/// Octets that are searched for dots at once: they stay in the fastest cache.
const STRETCH: usize = 4096;

/// Passes over octets in which nothing happens, and never over half of a pair. In a window of more than a
/// block it comes to where something happens, or leaves a few octets at the end.
fn skip(window: &[u8], from: usize, look: Look) -> usize {
    let rest = window.get(from..).unwrap_or_default();
    // The second half of a pair would have been passed with the first.
    if rest.first() == Some(&LF) {
        return from;
    }
    let mut to = from;
    // Where much happens, a whole stretch is not to be searched each time.
    let mut stretch = BLOCK;
    loop {
        let rest = window.get(to..).unwrap_or_default();
        let octets = rest.get(..stretch.saturating_add(2)).unwrap_or(rest);
        // Encoded content has no dots at all; to see that takes a fifth of the time of looking at each LF.
        let dots = look.dots && (stretch == BLOCK || memchr(b'.', octets).is_some());
        let count = quiet(octets, Look { dots, ..look });
        to = to.saturating_add(count);
        if count < stretch {
            break;
        }
        stretch = STRETCH;
    }
    // What is less than a block is looked at together with octets before it.
    if let Some(last) = window.last_chunk::<{ BLOCK + 2 }>() {
        let start = window.len().saturating_sub(last.len());
        if start <= to {
            to = to.max(start.saturating_add(quiet(last, look)));
        }
    }
    let passed = window.get(from..to).unwrap_or_default();
    to.saturating_sub(usize::from(passed.last() == Some(&CR)))
}

/// How many octets stand before the first at which something happens, as far as there are whole blocks.
fn quiet(octets: &[u8], look: Look) -> usize {
    match (look.bare, look.dots) {
        (true, true) => until(octets, |here, next, third| {
            (is(here, CR) ^ is(next, LF)) | (is(next, LF) & is(third, b'.'))
        }),
        (true, false) => until(octets, |here, next, _| is(here, CR) ^ is(next, LF)),
        (false, true) => until(octets, |_, next, third| is(next, LF) & is(third, b'.')),
        (false, false) => octets.len().saturating_sub(2),
    }
}

/// 1 when it is.
fn is(octet: u8, what: u8) -> u8 {
    u8::from(octet == what)
}

/// The same, where `event` is 1 for an octet and the two behind it when something happens. There are no
/// branches within a block, so that it becomes a few vector instructions, however long the lines are.
fn until(octets: &[u8], event: impl Fn(u8, u8, u8) -> u8) -> usize {
    let (here, _) = octets.as_chunks::<BLOCK>();
    let (next, _) = octets.get(1..).unwrap_or_default().as_chunks::<BLOCK>();
    let (third, _) = octets.get(2..).unwrap_or_default().as_chunks::<BLOCK>();
    let mut blocks = here.iter().zip(next).zip(third);
    let mut before = 0_usize;
    let loud = blocks.find(|((here, next), third)| {
        let octets = here.iter().zip(*next).zip(*third);
        let found = octets.fold(0, |found, ((&here, &next), &third)| {
            found | event(here, next, third)
        });
        before = before.saturating_add(if found == 0 { BLOCK } else { 0 });
        found != 0
    });
    let Some(((here, next), third)) = loud else {
        return before;
    };
    let mut found = [0; BLOCK];
    let octets = here.iter().zip(next).zip(third);
    for (found, ((&here, &next), &third)) in found.iter_mut().zip(octets) {
        *found = event(here, next, third);
    }
    before.saturating_add(memchr(1, &found).unwrap_or_default())
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
            if far.is_empty() && near.last() == Some(&LF) {
                self.line = 0;
                return;
            }
            // Some line begins in the last octets of the room; which one does not matter yet.
            if let (Some((before, last)), false) = (near.split_last_chunk::<128>(), far.is_empty())
                && last.iter().fold(0, |found, &octet| found | is(octet, LF)) != 0
            {
                self.line = 0;
                rest = rest.get(before.len()..).unwrap_or_default();
                continue;
            }
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
