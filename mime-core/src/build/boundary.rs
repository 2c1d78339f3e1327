//! Boundaries that are in no part (RFC 2046 5.1.1).
//!
//! ```text
//! boundary = "=_" 32HEXDIG "_" 4HEXDIG
//! ```
//!
//! The first digits are made of the entropy and are the same in the whole message; the last four are the
//! number of the multipart. All have one length, so that none begins with another. Why no part holds one:
//!
//! - Encoded parts cannot. In quoted-printable a digit or a line end follows each `=`, in base64 `=` or a
//!   line end (RFC 2045 6.7, 6.8); never `_`.
//! - Header fields cannot have one at the start of a line. Our names do not begin with `--`, and what is
//!   folded begins with white space.
//! - Text that is written as it is has no line that begins with `--=_`, because such text is encoded.
//! - Octets that can have no encoding are searched for the part that all boundaries share; where it is
//!   found, another is derived.

use memchr::memchr;
use scop_core::{Full, Sink};

/// What the boundaries of a message begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Boundary([u8; SHARED]);

/// Octets that all boundaries of a message share.
const SHARED: usize = 34;

impl Boundary {
    /// How many are tried. Where the entropy is random, the first is in no part.
    pub(super) const ATTEMPTS: u64 = 16;

    /// The one for this attempt; the first is the entropy itself.
    pub(super) fn derive(entropy: [u8; 16], attempt: u64) -> Self {
        // Any change will do, if the same draft always gets the same.
        let step = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835_u128;
        let number = u128::from_be_bytes(entropy).wrapping_add(step.wrapping_mul(attempt.into()));
        let mut shared = [0; SHARED];
        let mut digits = hex_digits::<32>(number).into_iter();
        for (index, octet) in shared.iter_mut().enumerate() {
            *octet = match index {
                0 => b'=',
                1 => b'_',
                _ => digits.next().unwrap_or(b'0'),
            };
        }
        Self(shared)
    }

    /// Writes the boundary of the multipart of this number.
    pub(super) fn emit<S: Sink + ?Sized>(&self, number: usize, sink: &mut S) -> Result<(), Full> {
        sink.put(&self.0)?;
        let [a, b, c, d] = hex_digits(u128::try_from(number).unwrap_or(u128::MAX));
        sink.put(&[b'_', a, b, c, d])
    }

    /// Looks for what the boundaries share.
    pub(super) const fn search(&self) -> Search<'_> {
        Search {
            wanted: &self.0,
            matched: 0,
            found: false,
        }
    }
}

/// The last `N` digits.
fn hex_digits<const N: usize>(number: u128) -> [u8; N] {
    let mut digits = [b'0'; N];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        let value = u8::try_from(rest & 15).unwrap_or(0);
        *digit = if value < 10 { b'0' } else { b'a' - 10 } + value;
        rest >>= 4;
    }
    digits
}

/// A sink that looks for a boundary in whatever pieces come.
#[derive(Debug)]
pub(super) struct Search<'a> {
    wanted: &'a [u8],
    matched: usize,
    pub(super) found: bool,
}

impl Sink for Search<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let mut rest = bytes;
        while let (false, Some((&byte, after))) = (self.found, rest.split_first()) {
            if self.wanted.get(self.matched) == Some(&byte) {
                self.matched = self.matched.saturating_add(1);
                self.found = self.matched >= self.wanted.len();
                rest = after;
            } else if self.matched > 0 {
                // `=` is the first octet and no other one, so that nothing that came can begin a match.
                self.matched = 0;
            } else {
                let skipped = memchr(b'=', rest).unwrap_or(rest.len());
                rest = rest.get(skipped..).unwrap_or_default();
            }
        }
        Ok(())
    }
}
