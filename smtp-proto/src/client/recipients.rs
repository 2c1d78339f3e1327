//! Which recipients of a transaction have no final event yet.

use super::config::Limits;

/// A set of indices below [`Limits::MAX_RECIPIENTS`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    words: [u64; WORDS],
    count: u32,
}

const WORDS: usize = Limits::MAX_RECIPIENTS as usize / 64;

impl Open {
    pub(super) const NONE: Self = Self {
        words: [0; WORDS],
        count: 0,
    };

    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds an index; false when it is too large or there already.
    pub(super) fn insert(&mut self, index: u32) -> bool {
        let Some((word, bit)) = self.place(index) else {
            return false;
        };
        let is_new = *word & bit == 0;
        *word |= bit;
        self.count = self.count.saturating_add(u32::from(is_new));
        is_new
    }

    /// Takes an index out; whether it was there.
    pub(super) fn remove(&mut self, index: u32) -> bool {
        let Some((word, bit)) = self.place(index) else {
            return false;
        };
        let was_there = *word & bit != 0;
        *word &= !bit;
        self.count = self.count.saturating_sub(u32::from(was_there));
        was_there
    }

    /// Takes the smallest index out.
    pub(super) fn take_first(&mut self) -> Option<u32> {
        let (place, word) = self
            .words
            .iter()
            .enumerate()
            .find(|(_, word)| **word != 0)?;
        let index = u32::try_from(place)
            .unwrap_or(0)
            .saturating_mul(64)
            .saturating_add(word.trailing_zeros());
        self.remove(index);
        Some(index)
    }

    fn place(&mut self, index: u32) -> Option<(&mut u64, u64)> {
        let word = self.words.get_mut(usize::try_from(index / 64).ok()?)?;
        Some((word, 1 << (index % 64)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, Open};

    #[test]
    fn takes_in_order() {
        let mut open = Open::NONE;
        let last = u32::from(Limits::MAX_RECIPIENTS) - 1;
        for index in [last, 64, 0, 63] {
            assert!(open.insert(index) && !open.insert(index));
        }
        assert!(!open.insert(last + 1) && !open.remove(last + 1) && !open.remove(5));
        assert!(open.remove(63) && !open.remove(63));
        assert_eq!(open.count(), 3);
        assert_eq!(open.take_first(), Some(0));
        assert_eq!(open.take_first(), Some(64));
        assert_eq!(open.take_first(), Some(last));
        assert!(open.take_first().is_none() && open.is_empty());
    }
}
