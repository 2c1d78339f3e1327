//! Parameters of MAIL and RCPT (RFC 5321 4.1.2).

/// `esmtp-keyword ["=" esmtp-value]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// The keyword as written; it compares without regard to ASCII case.
    pub keyword: &'a [u8],
    /// What stands behind `=`.
    pub value: Option<&'a [u8]>,
}

/// Parameters as they stand behind a path, all of them well formed; an iterator reads them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parameters<'a> {
    raw: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// The bytes, without the space before the first.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }
}

/// What the octets of a message may be: BODY (RFC 6152 2, RFC 3030 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Body {
    /// US-ASCII in lines.
    #[default]
    SevenBit,
    /// Any octets but NUL, CR and LF, in lines.
    EightBitMime,
    /// Any octets, in BDAT chunks.
    BinaryMime,
}
