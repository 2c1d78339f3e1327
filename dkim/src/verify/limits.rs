//! What a verifier is willing to do for a message.

use crate::signed_fields::MAX_HEADER_NAMES;

/// Policy of a [`Verifier`](super::Verifier). A signature that goes beyond a limit is not verified, and its
/// result is `policy` (for keys `permerror`), with the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Signatures that are evaluated, from the top; each costs a DNS query (RFC 6376 8.4). The capacity of
    /// the verifier is a bound too. Those beyond are counted.
    pub max_signatures: usize,
    /// Octets in the header: each signature may have all of it hashed.
    pub max_header_len: usize,
    /// Octets in a DKIM-Signature field (RFC 6376 8.9). With `z=` they can be long.
    pub max_field_len: usize,
    /// Names in `h=`, at most [`MAX_HEADER_NAMES`] (RFC 6376 8.9).
    pub max_header_names: usize,
    /// Bits in an RSA key; less than 1024 are never taken (RFC 8301 3.2).
    pub min_rsa_bits: u16,
    /// Bits in an RSA key; more than 4096 are never taken. The cost grows with the square (RFC 6376 8.13).
    pub max_rsa_bits: u16,
    /// Seconds by which the clocks of signer and verifier may differ (RFC 6376 3.5, note at `x=`).
    pub clock_skew: u64,
}

impl Limits {
    /// What RFC 6376, RFC 8301 and real mail suggest.
    pub const DEFAULT: Self = Self {
        max_signatures: 10,
        max_header_len: 1 << 20,
        max_field_len: 1 << 15,
        max_header_names: MAX_HEADER_NAMES,
        min_rsa_bits: 1024,
        max_rsa_bits: 4096,
        clock_skew: 300,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
