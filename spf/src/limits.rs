//! The processing limits (RFC 7208 4.6.4, 11.1).

use core::fmt;

/// What an evaluation may cost. All counts hold for the whole evaluation, includes and redirects
/// among it, unless a field says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of an explanation (RFC 7208 6.2). A longer one is taken as absent, so that a publisher
    /// cannot make the host send a long SMTP reply.
    pub explanation: u16,
    /// Terms that ask the DNS: `include`, `a`, `mx`, `ptr`, `exists`, `redirect`, and each term with a
    /// `%{p}` that is resolved (RFC 7208 4.6.4). Stops include loops and the use of verifiers to flood
    /// a victim's name servers.
    pub lookups: u8,
    /// MX records of one `mx` (RFC 7208 4.6.4), at most 32. Stops a fan-out of address queries.
    pub mx_names: u8,
    /// PTR records of one `ptr` or `%{p}` that are looked at (RFC 7208 4.6.4), at most 32; the rest is
    /// ignored, because the owner of the client's address controls them, not the publisher.
    pub ptr_names: u8,
    /// Whether `%{p}` is resolved, with up to 11 queries about the client's address. RFC 7208 7.2 says
    /// not to use it; where this is off it stands for `unknown`, as for a client without a valid name.
    pub resolve_p: bool,
    /// Terms that ask for names or records which do not exist (RFC 7208 4.6.4, "void lookups"). Stops
    /// records that name random hosts of a victim. A term counts once, whatever number of its queries
    /// was void, and not when it matches; but the queries for its `%{p}` count before it is evaluated.
    pub void_lookups: u8,
}

impl Limits {
    /// The numbers of RFC 7208 4.6.4.
    pub const DEFAULT: Self = Self {
        explanation: 1024,
        lookups: 10,
        mx_names: 10,
        ptr_names: 10,
        resolve_p: false,
        void_lookups: 2,
    };

    /// How many queries an evaluation asks at most, whatever the DNS answers.
    ///
    /// The record; for each lookup one query and one for each name; the explanation, and with it one
    /// resolution of `%{p}`, which RFC 7208 4.6.4 does not count.
    ///
    /// ```
    /// assert_eq!(scop_spf::Limits::DEFAULT.max_queries(), 112);
    /// ```
    pub const fn max_queries(&self) -> u32 {
        let (mx, ptr) = (names(self.mx_names), names(self.ptr_names));
        let widest = if mx > ptr { mx } else { ptr };
        let explanation = if self.resolve_p { 2 + ptr } else { 1 };
        1 + self.lookups as u32 * (1 + widest) + explanation
    }
}

/// Address queries of one round at most; its answers are counted in the bits of a word.
const MAX_NAMES: u8 = 32;

const fn names(limit: u8) -> u32 {
    if limit < MAX_NAMES {
        limit as u32
    } else {
        MAX_NAMES as u32
    }
}

impl Limits {
    /// `mx_names` as it is applied.
    pub(crate) fn mx(self) -> u8 {
        self.mx_names.min(MAX_NAMES)
    }

    /// `ptr_names` as it is applied.
    pub(crate) fn ptr(self) -> u8 {
        self.ptr_names.min(MAX_NAMES)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Which limit ended an evaluation with a permanent error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::lookups`].
    Lookups,
    /// [`Limits::mx_names`].
    MxNames,
    /// Records that include one another, eleven deep. Only with [`Limits::lookups`] above 10.
    Nesting,
    /// The `TEXT` octets of the [`Evaluator`](crate::Evaluator), which hold the records under
    /// evaluation and the names of one `mx`.
    Text,
    /// [`Limits::void_lookups`].
    VoidLookups,
}

impl Limit {
    /// The limit in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lookups => "too many terms ask the DNS (RFC 7208 4.6.4)",
            Self::MxNames => "a domain has too many MX records (RFC 7208 4.6.4)",
            Self::Nesting => "records include one another too deeply",
            Self::Text => "the records do not fit the text buffer",
            Self::VoidLookups => "too many terms ask for what does not exist (RFC 7208 4.6.4)",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
