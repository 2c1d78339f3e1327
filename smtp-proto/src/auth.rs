//! AUTH (RFC 4954) and its mechanisms.

/// A mechanism of SASL (RFC 4422).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// As Microsoft and others send it; never registered as more than obsolete.
    Login,
    /// A bearer token as Google and Microsoft take it.
    XOAuth2,
    /// RFC 7628.
    OAuthBearer,
    /// RFC 7677 over RFC 5802, without channel binding.
    ScramSha256,
}

/// A set of mechanisms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MechanismSet(u8);

impl MechanismSet {
    /// Whether `mechanism` is in it.
    pub const fn contains(self, mechanism: Mechanism) -> bool {
        self.0 & (1 << mechanism as u8) != 0
    }

    /// With `mechanism` in it.
    #[must_use]
    pub const fn with(self, mechanism: Mechanism) -> Self {
        Self(self.0 | 1 << mechanism as u8)
    }
}
