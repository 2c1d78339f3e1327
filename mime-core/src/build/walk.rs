//! The bodies of a draft, in the order in which they are written.

use super::body::{Body, Kind};
use super::error::{BuildErrorKind, Fault};
use crate::limits::Limits;

/// How deep bodies nest: multiparts, and drafts in drafts. Each level costs a few words of stack.
pub const MAX_DEPTH: usize = 16;

/// Goes through a tree without recursion.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    frames: [Frame<'a>; MAX_DEPTH + 1],
    depth: usize,
    /// How many multiparts came.
    multiparts: usize,
    /// How many bodies came.
    parts: usize,
}

/// The bodies of a multipart that are still to come, or the one body of a draft.
#[derive(Clone, Copy, Debug)]
struct Frame<'a> {
    rest: &'a [Body<'a>],
    is_first: bool,
    /// That of the multipart.
    number: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Enter {
        body: &'a Body<'a>,
        /// The multipart that it is in, and whether it is the first there.
        within: Option<(usize, bool)>,
        /// Its own number when it is a multipart.
        number: usize,
    },
    /// The multipart of this number is over.
    Leave(usize),
}

impl<'a> Walk<'a> {
    pub(super) const fn new(body: &'a Body<'a>) -> Self {
        let first = Frame {
            rest: core::slice::from_ref(body),
            is_first: true,
            number: None,
        };
        Self {
            frames: [first; MAX_DEPTH + 1],
            depth: 1,
            multiparts: 0,
            parts: 0,
        }
    }

    /// Which body came last, from 1.
    pub(super) const fn part(&self) -> usize {
        self.parts
    }

    pub(super) fn next(&mut self) -> Result<Option<Step<'a>>, Fault> {
        loop {
            let top = self.depth.checked_sub(1);
            let Some(frame) = top.and_then(|top| self.frames.get_mut(top)) else {
                return Ok(None);
            };
            let Some((body, rest)) = frame.rest.split_first() else {
                let number = frame.number;
                self.depth = self.depth.saturating_sub(1);
                match number {
                    Some(number) => return Ok(Some(Step::Leave(number))),
                    None => continue,
                }
            };
            frame.rest = rest;
            let is_first = core::mem::replace(&mut frame.is_first, false);
            let within = frame.number.map(|number| (number, is_first));
            self.parts = self.parts.saturating_add(1);
            if self.parts > Limits::DEFAULT.parts {
                return Err(Fault::new(BuildErrorKind::TooManyParts, 0));
            }
            let number = self.multiparts;
            match body.kind {
                Kind::Multipart { parts, .. } => {
                    if parts.is_empty() {
                        return Err(Fault::new(BuildErrorKind::NoParts, 0));
                    }
                    self.multiparts = self.multiparts.saturating_add(1);
                    self.push(parts, Some(number))?;
                }
                Kind::Draft(draft) => self.push(core::slice::from_ref(&draft.body), None)?,
                Kind::Text { .. }
                | Kind::Octets { .. }
                | Kind::Message(_)
                | Kind::Machine { .. } => {}
            }
            return Ok(Some(Step::Enter {
                body,
                within,
                number,
            }));
        }
    }

    fn push(&mut self, rest: &'a [Body<'a>], number: Option<usize>) -> Result<(), Fault> {
        let frame = self.frames.get_mut(self.depth);
        *frame.ok_or(Fault::new(BuildErrorKind::TooDeep, 0))? = Frame {
            rest,
            is_first: true,
            number,
        };
        self.depth = self.depth.saturating_add(1);
        Ok(())
    }
}
