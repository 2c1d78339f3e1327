//! The one shape of an error: what rule was broken, and at which byte.
//!
//! Each operation has a kind of its own (a small `#[non_exhaustive]` enum whose `Display` states the
//! rule); `ParseError` adds the offset. There is no enum that collects the errors of a whole crate.

use core::fmt;

/// Input that breaks a rule, with the byte at which the rule was seen to be broken.
///
/// `K` is the kind; its `Display` is the rule in words. Offsets count from the start of the slice
/// that was handed to the parser, and saturate at `u32::MAX`.
///
/// ```
/// use scop_core::{ParseError, name::NameErrorKind};
/// let error = ParseError::new(NameErrorKind::LabelTooLong, 7);
/// assert_eq!(error.to_string(), "a label is longer than 63 octets (RFC 1035 2.3.4) at byte 7");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError<K> {
    kind: K,
    offset: u32,
}

impl<K> ParseError<K> {
    /// An error of `kind` at byte `offset`.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "larger offsets saturate; `try_from` is not const"
    )]
    pub const fn new(kind: K, offset: usize) -> Self {
        let offset = if offset > u32::MAX as usize {
            u32::MAX
        } else {
            offset as u32
        };
        Self { kind, offset }
    }

    /// The byte, counted from the start of the parsed slice.
    pub const fn offset(&self) -> usize {
        self.offset as usize
    }

    /// The same error, seen from an outer slice in which the parsed one starts at `base`.
    #[must_use]
    pub fn nested(self, base: usize) -> Self {
        let offset = self.offset().saturating_add(base);
        Self::new(self.kind, offset)
    }

    /// The same error under another kind: an outer operation names its own rule.
    pub fn map<L>(self, f: impl FnOnce(K) -> L) -> ParseError<L> {
        ParseError {
            kind: f(self.kind),
            offset: self.offset,
        }
    }
}

impl<K: Copy> ParseError<K> {
    /// The broken rule.
    pub const fn kind(&self) -> K {
        self.kind
    }
}

impl<K: fmt::Display> fmt::Display for ParseError<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

impl<K: fmt::Debug + fmt::Display> core::error::Error for ParseError<K> {}

#[cfg(test)]
mod tests {
    use super::ParseError;
    use std::string::ToString;

    #[test]
    fn small_and_nested() {
        assert!(size_of::<ParseError<u8>>() <= 8);
        let error = ParseError::new("rule", 3).nested(4);
        assert_eq!((error.kind(), error.offset()), ("rule", 7));
        assert_eq!(error.nested(usize::MAX).offset(), u32::MAX as usize);
        assert_eq!(error.to_string(), "rule at byte 7");
    }
}
