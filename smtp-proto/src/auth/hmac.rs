//! HMAC (RFC 2104) over a hash that is handed in, and PBKDF2 with it (RFC 8018 5.2).
//!
//! A key is hashed once: [`Hmac`] holds the two states behind its pads, and a copy of it authenticates
//! another message for two blocks less. What is derived from the key is overwritten when it is dropped.
//!
//! ```
//! use scop_crypto::SHA256;
//! use scop_smtp_proto::auth::hmac::Hmac;
//!
//! let mut hmac = Hmac::new(&SHA256, b"Jefe"); // RFC 4231 4.3
//! hmac.update(b"what do ya want ");
//! hmac.update(b"for nothing?");
//! assert_eq!(hmac.finish().as_bytes()[..4], [0x5b, 0xdc, 0xc1, 0x46]);
//! ```

use core::fmt;

use scop_core::crypto::{Digest, Hash, HashAlgorithm, HashState};
use scop_core::{Full, Sink};
use zeroize::Zeroize;

/// A message authentication code in progress; as a [`Sink`] it is never full.
#[derive(Clone)]
pub struct Hmac<'h> {
    hash: &'h dyn Hash,
    inner: HashState,
    outer: HashState,
}

/// The longest block of the hashes here, in octets.
const MAX_BLOCK: usize = 128;

/// Octets in a block (FIPS 180-4 1, figure 1).
const fn block_len(algorithm: HashAlgorithm) -> usize {
    match algorithm {
        HashAlgorithm::Sha384 | HashAlgorithm::Sha512 => 128,
        _ => 64,
    }
}

impl<'h> Hmac<'h> {
    /// Starts with `key`, of any length.
    pub fn new(hash: &'h dyn Hash, key: &[u8]) -> Self {
        let block = block_len(hash.algorithm());
        let mut pad = [0x36; MAX_BLOCK];
        let (mut inner, mut outer) = (hash.start(), hash.start());
        if key.len() > block {
            let mut state = hash.start();
            hash.update(&mut state, key);
            mix(&mut pad, hash.finish(state).as_bytes());
        } else {
            mix(&mut pad, key);
        }
        hash.update(&mut inner, pad.get(..block).unwrap_or_default());
        mix(&mut pad, &[0x36 ^ 0x5c; MAX_BLOCK]);
        hash.update(&mut outer, pad.get(..block).unwrap_or_default());
        pad.zeroize();
        Self { hash, inner, outer }
    }

    /// Takes octets of the message.
    pub fn update(&mut self, octets: &[u8]) {
        self.hash.update(&mut self.inner, octets);
    }

    /// The code.
    pub fn finish(self) -> Digest {
        self.code(&[])
    }

    /// The code of what was taken and `octets`; it can go on from where it was.
    fn code(&self, octets: &[u8]) -> Digest {
        let (mut inner, mut outer) = (self.inner, self.outer);
        self.hash.update(&mut inner, octets);
        let digest = self.hash.finish(inner);
        self.hash.update(&mut outer, digest.as_bytes());
        self.hash.finish(outer)
    }
}

impl Sink for Hmac<'_> {
    fn put(&mut self, octets: &[u8]) -> Result<(), Full> {
        self.update(octets);
        Ok(())
    }
}

impl Drop for Hmac<'_> {
    fn drop(&mut self) {
        for state in [&mut self.inner, &mut self.outer] {
            state.words.zeroize();
            state.block.zeroize();
        }
    }
}

impl fmt::Debug for Hmac<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hmac({:?})", self.hash.algorithm())
    }
}

/// The first block of PBKDF2, as long as the digest: `Hi` of RFC 5802 2.2.
///
/// `salted` is an [`Hmac`] with the password as its key that took the salt; `password` one that took
/// nothing. 0 iterations count as 1. The time is that of twice as many blocks of the hash as
/// `iterations` says: bound them.
///
/// ```text
/// U1   := HMAC(str, salt + INT(1))
/// U2   := HMAC(str, U1)
/// ...
/// Hi   := U1 XOR U2 XOR ... XOR Ui
/// ```
pub(crate) fn hi(password: &Hmac<'_>, mut salted: Hmac<'_>, iterations: u32) -> [u8; 32] {
    salted.update(&1_u32.to_be_bytes());
    let mut last = salted.finish();
    let mut result = [0; 32];
    mix(&mut result, last.as_bytes());
    for _ in 1..iterations {
        last = password.code(last.as_bytes());
        mix(&mut result, last.as_bytes());
    }
    result
}

/// XORs `octets` to the start of `to`.
pub(crate) fn mix(to: &mut [u8], octets: &[u8]) {
    for (to, octet) in to.iter_mut().zip(octets) {
        *to ^= octet;
    }
}

/// Whether two codes are the same, in a time that does not tell where they differ.
pub(crate) fn same(left: &[u8; 32], right: &[u8; 32]) -> bool {
    let difference = left.iter().zip(right).fold(0, |all, (a, b)| all | (a ^ b));
    core::hint::black_box(difference) == 0
}
