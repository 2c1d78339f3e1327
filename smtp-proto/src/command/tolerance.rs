//! What is read beyond the grammar.

/// What is read though the grammar does not have it. Each field is one tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tolerance {
    /// White space at the end of a command line (RFC 5321 4.1.1 asks for it). Default: `true`.
    pub trailing_space: bool,
    /// White space between `FROM:` or `TO:` and the path, which many programs send. Default: `true`.
    pub space_before_path: bool,
    /// A path without `<` and `>`. Default: `false`.
    pub bare_path: bool,
    /// More than one space, or tabs, where the grammar has one space. Default: `true`.
    pub wide_space: bool,
    /// A local part of more than 64 octets or a path of more than 256, as address rewriting makes. A server
    /// must take as much as that, and may take more (RFC 5321 4.5.3.1). Default: `true`.
    pub long_path: bool,
    /// HELO, EHLO or LHLO with any visible US-ASCII, such as `localhost_1`. Default: `true`.
    pub any_hello: bool,
    /// A line that ends at a bare LF ([`LineReader::with_lf_line`](crate::line::LineReader::with_lf_line)).
    /// Default: `false`.
    pub lf_line: bool,
    /// `AUTH=LOGIN PLAIN` for `AUTH LOGIN PLAIN` in the reply to EHLO, as servers sent it before RFC 2554.
    /// Default: `true`.
    pub old_auth: bool,
}

impl Tolerance {
    /// The grammar alone: every field is `false`.
    pub const STRICT: Self = Self {
        trailing_space: false,
        space_before_path: false,
        bare_path: false,
        wide_space: false,
        long_path: false,
        any_hello: false,
        lf_line: false,
        old_auth: false,
    };

    /// What does no harm: whoever reads it reads it in one way. Every field is `true` but
    /// `bare_path` and `lf_line`.
    pub const DEFAULT: Self = Self {
        trailing_space: true,
        space_before_path: true,
        bare_path: false,
        wide_space: true,
        long_path: true,
        any_hello: true,
        lf_line: false,
        old_auth: true,
    };
}

impl Default for Tolerance {
    fn default() -> Self {
        Self::DEFAULT
    }
}
