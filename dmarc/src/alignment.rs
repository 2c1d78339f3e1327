//! Whether an authenticated domain vouches for the author domain (RFC 9989 4.4, 4.10.2).
//!
//! Strict alignment is equality. Relaxed alignment is equality of the organizational domains, each
//! found by a walk of its own. Most of the second walk can be spared: an identifier aligns only when
//! it lies within the organizational domain of the author, and from there on up both walks ask the
//! same names. So [`Check`] asks only for the names in between, whether one of them draws a border
//! with `psd=y` or `psd=n`. (Where walks from below jump over the organizational domain, which takes
//! eight labels, it asks for the name where they land.) The tests compare it with two whole walks.
//!
//! Where no record was found at all, each domain is its own organizational domain, and relaxed
//! alignment is equality too.

use core::fmt;

use scop_core::{Answer, AnswerError, Lookup, Query, QueryId, Step};

use crate::Domain;
use crate::discover::{Ascent, Findings, Pending, Reach, record_in};
use crate::record::Psd;

/// How closely domains must align (`dmarc-rors`, RFC 9989 4.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The organizational domains are equal.
    Relaxed,
    /// The domains are equal.
    Strict,
}

/// How a domain is aligned with the author domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alignment {
    /// Not looked at: it is not authenticated, or the result does not depend on it.
    Unchecked,
    /// It is not.
    NotAligned,
    /// The organizational domains are equal.
    Relaxed,
    /// The domains are equal.
    Strict,
    /// A query failed.
    Unknown,
}

impl Alignment {
    /// Relaxed or strict.
    pub const fn is_aligned(self) -> bool {
        matches!(self, Self::Relaxed | Self::Strict)
    }

    /// What needs no organizational domain (RFC 9989 4.10.2).
    pub(crate) fn without_walk(
        identifier: Domain<'_>,
        author: Domain<'_>,
        mode: Mode,
    ) -> Option<Self> {
        if identifier == author {
            Some(Self::Strict)
        } else if mode == Mode::Strict || identifier.common_labels(&author) == 0 {
            Some(Self::NotAligned)
        } else {
            None
        }
    }
}

impl fmt::Display for Alignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unchecked => "not checked",
            Self::NotAligned => "not aligned",
            Self::Relaxed => "aligned by the organizational domain",
            Self::Strict => "the same domain",
            Self::Unknown => "unknown, a query failed",
        })
    }
}

/// Finds out how one domain is aligned with the author domain.
///
/// It asks [`MAX_QUERIES`](crate::discover::MAX_QUERIES) - 1 times at most.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    ascent: Ascent<'a>,
    pending: Pending,
    /// Labels of the organizational domain of the author, which the identifier lies below.
    own: u8,
    /// Labels of the name before which it ends, and the alignment if it gets there.
    floor: u8,
    at_floor: Alignment,
    alignment: Alignment,
}

impl<'a> Check<'a> {
    /// Compares `identifier` with the author domain of `findings`, whose walk must have gone on to the
    /// organizational domain; else the answer is [`Alignment::Unknown`] where it depends on that.
    pub fn new(identifier: Domain<'a>, findings: &Findings<'_>, mode: Mode) -> Self {
        Self::numbered(identifier, findings, mode, 0)
    }

    /// The same, with queries numbered from `first`.
    pub(crate) fn numbered(
        identifier: Domain<'a>,
        findings: &Findings<'_>,
        mode: Mode,
        first: u32,
    ) -> Self {
        let organization = findings.organization();
        let at_once = Alignment::without_walk(identifier, findings.domain(), mode);
        let alignment = at_once.unwrap_or(match organization {
            None => Alignment::Unknown,
            Some((_, Reach::Alone)) => Alignment::NotAligned,
            Some((own, _)) if !identifier.is_within(&own) => Alignment::NotAligned,
            Some((own, _)) if identifier == own => Alignment::Relaxed,
            Some(_) => Alignment::Unchecked,
        });
        let own = organization.map_or(0, |(own, _)| own.label_count());
        let (floor, at_floor) = match organization {
            // From here on up both walks ask the same.
            Some((_, Reach::Below)) => (own, Alignment::Relaxed),
            // One name is to be asked, that where the walk lands.
            _ => (own.saturating_sub(2), Alignment::NotAligned),
        };
        Self {
            ascent: Ascent::new(identifier),
            pending: Pending::starting_at(first),
            own,
            floor,
            at_floor,
            alignment,
        }
    }

    pub(crate) const fn next_number(&self) -> u32 {
        self.pending.next_number()
    }
}

impl Lookup for Check<'_> {
    type Verdict = Alignment;

    fn poll(&mut self) -> Step {
        if self.pending.is_open() {
            return Step::Wait;
        }
        while self.alignment == Alignment::Unchecked {
            if self.ascent.labels() <= self.floor {
                self.alignment = self.at_floor;
            } else if self.ascent.query().is_some() {
                return self.pending.ask();
            } else {
                self.ascent.climb();
            }
        }
        Step::Done
    }

    fn query(&self, id: QueryId) -> Option<Query<'_>> {
        self.ascent.query().filter(|_| self.pending.is(id))
    }

    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
        self.pending.close(id)?;
        let at = self.ascent.labels();
        match record_in(answer) {
            Err(_) => self.alignment = Alignment::Unknown,
            Ok(None) => self.ascent.climb(),
            Ok(Some((policy, _))) => match policy.psd() {
                Psd::Unknown => self.ascent.climb(),
                Psd::Yes if at.saturating_add(1) == self.own => {
                    self.alignment = Alignment::Relaxed;
                }
                Psd::Yes | Psd::No => self.alignment = Alignment::NotAligned,
            },
        }
        Ok(())
    }

    fn verdict(&self) -> Option<&Alignment> {
        (self.alignment != Alignment::Unchecked).then_some(&self.alignment)
    }
}
