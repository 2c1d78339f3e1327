//! The names of the transfer encodings (RFC 2045 6.1).

/// How the octets of a body are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Lines of ASCII: the default (RFC 2045 6.1).
    #[default]
    SevenBit,
    /// Lines of any octets but NUL (RFC 2045 2.8, RFC 6152).
    EightBit,
    /// Any octets (RFC 2045 2.9, RFC 3030).
    Binary,
    /// RFC 2045 6.7.
    QuotedPrintable,
    /// RFC 2045 6.8.
    Base64,
    /// `x-uuencode` and its other names; in no RFC.
    Uuencode,
    /// Another name: its body is opaque (RFC 2045 6.4).
    Unknown,
}

impl Encoding {
    /// Whether the body is written as it is.
    pub const fn is_identity(self) -> bool {
        matches!(self, Self::SevenBit | Self::EightBit | Self::Binary)
    }
}
