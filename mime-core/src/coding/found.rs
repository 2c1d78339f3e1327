//! What a decoder found to be wrong.

use crate::defect::{Defect, DefectKind, DefectSet};

/// The first defect of each kind. No decoder knows more than four kinds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    set: DefectSet,
    first: [Option<Defect>; 4],
}

impl Found {
    /// Notes a defect of `kind` at byte `offset` of the input, if it is the first of its kind.
    pub(crate) fn note(&mut self, kind: DefectKind, offset: u64) {
        if self.set.contains(kind) {
            return;
        }
        self.set.insert(kind);
        if let Some(free) = self.first.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(Defect::new(kind, offset));
        }
    }

    pub(crate) const fn set(&self) -> DefectSet {
        self.set
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Defect> + use<'_> {
        self.first.iter().flatten().copied()
    }

    pub(crate) fn first(&self, kind: DefectKind) -> Option<u64> {
        self.iter()
            .find(|defect| defect.kind == kind)
            .map(|defect| defect.offset)
    }
}

/// The offset of the byte `count` bytes after `offset`.
pub(crate) fn add(offset: u64, count: usize) -> u64 {
    offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX))
}

/// The three questions that every decoder answers about the defects it found.
macro_rules! found_defects {
    () => {
        /// The kinds of defects so far; complete after [`Self::finish`].
        pub const fn defects(&self) -> crate::defect::DefectSet {
            self.found.set()
        }

        /// The byte of the input, counted over all calls, of the first defect of `kind`.
        pub fn first(&self, kind: crate::defect::DefectKind) -> Option<u64> {
            self.found.first(kind)
        }

        /// The first defect of each kind, in the order in which they were found.
        pub fn first_defects(&self) -> impl Iterator<Item = crate::defect::Defect> {
            self.found.iter()
        }

        pub(crate) const fn found(&self) -> &crate::coding::found::Found {
            &self.found
        }
    };
}
pub(crate) use found_defects;
