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

/// Whether two secrets of one length are the same, in a time that does not tell where they differ.
pub(crate) fn same(left: &[u8], right: &[u8]) -> bool {
    let difference = left.iter().zip(right).fold(0, |all, (a, b)| all | (a ^ b));
    core::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::fmt::Write;
    use scop_crypto::{SHA256, SHA512};
    use std::string::String;

    fn hex(octets: &[u8]) -> String {
        let mut text = String::new();
        for octet in octets {
            write!(text, "{octet:02x}").unwrap();
        }
        text
    }

    fn code(hash: &dyn Hash, key: &[u8], message: &[u8]) -> String {
        let mut hmac = Hmac::new(hash, key);
        message.chunks(7).for_each(|chunk| hmac.update(chunk));
        hex(hmac.finish().as_bytes())
    }

    #[test]
    fn rfc4231_4() {
        let counted: std::vec::Vec<u8> = (1..=25).collect();
        let cases: [(&[u8], &[u8], &str); 7] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (&counted, &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
            // 4.6 gives the first 16 octets only.
            (&[0x0c; 20], b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
            (&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
            (&[0xaa; 131], b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.", "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
        ];
        for (key, message, expected) in cases {
            assert!(code(&SHA256, key, message).starts_with(expected));
        }
        let long = code(&SHA512, b"Jefe", b"what do ya want for nothing?");
        assert!(
            long.starts_with("164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554")
        );
    }

    /// Python's `hmac`: keys about as long as a block.
    #[test]
    fn keys_as_long_as_a_block() {
        for (len, expected) in [
            (
                63,
                "e458f5dd7e8afee6b774e5d451ae43f4d268bf11646030143d0b0231dcb02383",
            ),
            (
                64,
                "3b7a8d453e76edb519238a515105a57508d0f169f480ebeee120a9e7803289fa",
            ),
            (
                65,
                "c2d7d4c2256ddb097409ec0c67e1d58fa1a007fc6932cac0d892a525d08af7cc",
            ),
        ] {
            assert_eq!(code(&SHA256, &std::vec![b'k'; len], b"m"), expected);
        }
    }

    /// Python's `hashlib.pbkdf2_hmac("sha256", password, salt, iterations, 32)`.
    #[test]
    fn pbkdf2() {
        let cases: [(&[u8], &[u8], u32, &str); 5] = [
            (
                b"password",
                b"salt",
                1,
                "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b",
            ),
            (
                b"password",
                b"salt",
                2,
                "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43",
            ),
            (
                b"password",
                b"salt",
                4096,
                "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a",
            ),
            (
                b"passwordPASSWORDpassword",
                b"saltSALTsaltSALTsaltSALTsaltSALTsalt",
                4096,
                "348c89dbcbd32b2f32d814b8116e84cf2b17347ebc1800181c4e2a1fb8dd53e1",
            ),
            (
                b"pass\0word",
                b"sa\0lt",
                4096,
                "89b69d0516f829893c696226650a86878c029ac13ee276509d5ae58b6466a724",
            ),
        ];
        for (password, salt, iterations, expected) in cases {
            let password = Hmac::new(&SHA256, password);
            let mut salted = password.clone();
            salted.update(salt);
            assert_eq!(hex(&hi(&password, salted, iterations)), expected);
        }
    }

    #[test]
    fn same_or_not() {
        let one = [7; 32];
        assert!(same(&one, &one));
        for at in 0..32 {
            let mut other = one;
            other[at] ^= 0x80;
            assert!(!same(&one, &other), "{at}");
        }
    }
}
