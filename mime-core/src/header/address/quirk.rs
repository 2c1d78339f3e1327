//! What is valid in an address and yet has misled readers.

use core::fmt;

/// What is valid in an address and yet read differently by different programs ("Composition Kills",
/// USENIX Security 2020, section 5.2 and figure 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressQuirk {
    /// `=?` in the address itself, where RFC 2047 5 allows no encoded word; some decode it.
    EncodedWord,
    /// `<@a.example,@b.example:c@d.example>`; some take the first domain.
    SourceRoute,
    /// A quoted local part that is no dot-atom: it may hold `@`, `<` or `,`, and some split there.
    QuotedLocalPart,
    /// A comment inside the address or its angle brackets.
    CommentInside,
    /// White space inside the address; some end the domain there.
    SpaceInside,
    /// A domain literal.
    DomainLiteral,
    /// Octets above 127 in the address (RFC 6532).
    NonAscii,
    /// `<` or `>` in the display name or a comment; some look for the address there.
    AngleInText,
    /// `@` in the display name, which some show as the address.
    AtSignInName,
}

impl AddressQuirk {
    pub(super) const ALL: [Self; 9] = [
        Self::EncodedWord,
        Self::SourceRoute,
        Self::QuotedLocalPart,
        Self::CommentInside,
        Self::SpaceInside,
        Self::DomainLiteral,
        Self::NonAscii,
        Self::AngleInText,
        Self::AtSignInName,
    ];

    /// Whether it lets two readers see two addresses, rather than one address that is unusual.
    pub const fn is_ambiguous(self) -> bool {
        matches!(
            self,
            Self::EncodedWord
                | Self::SourceRoute
                | Self::QuotedLocalPart
                | Self::CommentInside
                | Self::SpaceInside
        )
    }
}

impl fmt::Display for AddressQuirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EncodedWord => "the address holds \"=?\", which some readers decode (RFC 2047 5)",
            Self::SourceRoute => "the address has a source route (RFC 5322 4.4)",
            Self::QuotedLocalPart => "the local part must be quoted (RFC 5322 3.4.1)",
            Self::CommentInside => "a comment stands inside the address (RFC 5322 3.4.1)",
            Self::SpaceInside => "white space stands inside the address (RFC 5322 3.4.1)",
            Self::DomainLiteral => "the domain is a literal (RFC 5322 3.4.1)",
            Self::NonAscii => "the address is not ASCII (RFC 6532 3.2)",
            Self::AngleInText => "the display name or a comment holds \"<\" or \">\"",
            Self::AtSignInName => "the display name holds \"@\"",
        })
    }
}
