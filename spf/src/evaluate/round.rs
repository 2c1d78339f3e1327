//! The queries of one step: one, or the address queries of an `mx` or `ptr` side by side.

use scop_core::QueryId;
use scop_core::lookup::Failure;

/// Queries that may be open together. Each that is handed out is waited for, so that the host can
/// answer all it was asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Round {
    /// The number of the first query; numbers go on from round to round.
    base: u32,
    /// How many queries there are, at most 32.
    len: u8,
    /// How many were handed out, always in order.
    handed: u8,
    /// A bit for each answer.
    answered: u32,
    /// A bit for each answer that names the client.
    valid: u32,
    /// An answer decided the round: the rest is not asked.
    pub(super) matched: bool,
    /// An answer was that there is nothing.
    pub(super) void: bool,
    /// The failure of the query with the lowest index, so that the order of answers does not show.
    failed: Option<(u8, Failure)>,
}

impl Round {
    /// A new round of `len` queries after this one.
    pub(super) fn next(self, len: u8) -> Self {
        Self {
            base: self.first_free(),
            len,
            ..Self::default()
        }
    }

    /// How many queries were handed out, those of earlier rounds among them.
    pub(super) fn first_free(self) -> u32 {
        self.base.wrapping_add(self.handed.into())
    }

    pub(super) fn hand_out(&mut self) -> Option<QueryId> {
        if self.matched || self.handed >= self.len {
            return None;
        }
        let id = QueryId::new(self.first_free());
        self.handed += 1;
        Some(id)
    }

    /// The index of an open query.
    pub(super) fn open(&self, id: QueryId) -> Option<u8> {
        let index = u8::try_from(id.number().checked_sub(self.base)?).ok()?;
        let open = id == QueryId::new(id.number())
            && index < self.handed
            && self.answered & bit(index) == 0;
        open.then_some(index)
    }

    pub(super) fn close(&mut self, index: u8) {
        self.answered |= bit(index);
    }

    pub(super) fn note_failure(&mut self, index: u8, failure: Failure) {
        if self.failed.is_none_or(|(first, _)| index < first) {
            self.failed = Some((index, failure));
        }
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        self.failed.map(|(_, failure)| failure)
    }

    pub(super) fn note_valid(&mut self, index: u8) {
        self.valid |= bit(index);
    }

    pub(super) fn is_valid(&self, index: u8) -> bool {
        self.valid & bit(index) != 0
    }

    pub(super) fn is_complete(&self) -> bool {
        (self.matched || self.handed == self.len)
            && self.answered.count_ones() == u32::from(self.handed)
    }
}

fn bit(index: u8) -> u32 {
    1_u32.checked_shl(index.into()).unwrap_or(0)
}
