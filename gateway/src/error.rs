//! Why the program stopped: the place (file, byte or line) and the rule, in one line.

use std::fmt;

/// Bad usage or unreadable input; the program then ends with exit code 2.
#[derive(Debug)]
pub(crate) struct Error(String);

impl Error {
    /// `place: rule`.
    pub(crate) fn new(place: impl fmt::Display, rule: impl fmt::Display) -> Self {
        Self(format!("{place}: {rule}"))
    }

    /// `place: byte N: rule`.
    pub(crate) fn at(place: impl fmt::Display, byte: u64, rule: impl fmt::Display) -> Self {
        Self(format!("{place}: byte {byte}: {rule}"))
    }

    /// `place:rule`, where the rule starts with the line: `zone:3:7: unexpected end of entry`.
    pub(crate) fn at_line(place: impl fmt::Display, rule: impl fmt::Display) -> Self {
        Self(format!("{place}:{rule}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
