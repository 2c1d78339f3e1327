//! The results of an evaluation (RFC 7208 2.6, 8).

use core::fmt;

/// What `check_host()` comes to (RFC 7208 2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpfResult {
    /// There is no record, or no domain that could have one.
    None,
    /// The domain says nothing about the client; to be treated like `None` (RFC 7208 8.2).
    Neutral,
    /// The client may use the domain.
    Pass,
    /// The client may not use the domain.
    Fail,
    /// The client probably may not use the domain.
    SoftFail,
    /// A DNS lookup failed; a later try may succeed.
    TempError,
    /// The published records cannot be interpreted; a person has to repair them.
    PermError,
}

impl SpfResult {
    const ALL: [Self; 7] = [
        Self::None,
        Self::Neutral,
        Self::Pass,
        Self::Fail,
        Self::SoftFail,
        Self::TempError,
        Self::PermError,
    ];

    /// The word of RFC 7208 9.1 and RFC 8601 2.7.2, in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Neutral => "neutral",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }

    /// Reads the word, in any case; `None` for another word.
    pub fn parse(word: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|result| word.eq_ignore_ascii_case(result.as_str().as_bytes()))
    }
}

impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::SpfResult;

    #[test]
    fn words_both_ways() {
        for result in SpfResult::ALL {
            let word = result.as_str();
            assert_eq!(SpfResult::parse(word.as_bytes()), Some(result));
            assert_eq!(
                SpfResult::parse(word.to_uppercase().as_bytes()),
                Some(result)
            );
        }
        assert_eq!(SpfResult::parse(b"passed"), None);
        assert_eq!(SpfResult::parse(b""), None);
    }
}
