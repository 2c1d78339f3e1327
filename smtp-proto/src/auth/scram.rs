//! SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding: keys, nonces, limits, messages.
//!
//! A server keeps [`StoredKeys`], the salt and the count of iterations for each user, and never the
//! password. Whoever steals them cannot log in with them, but can try passwords against them.
//!
//! ```
//! use scop_crypto::SHA256;
//! use scop_smtp_proto::auth::scram::StoredKeys;
//!
//! // When the account is made; the salt is random, at least 16 octets.
//! let keys = StoredKeys::derive(b"pencil", &[7; 16], 4096, &SHA256).unwrap();
//! assert_eq!(format!("{keys:?}"), "StoredKeys { .. }");
//!
//! // When a client shows its password, with PLAIN or LOGIN.
//! assert!(keys.is_password(b"pencil", &[7; 16], 4096, &SHA256));
//! ```

use core::fmt;

use scop_core::crypto::{Hash, HashAlgorithm};
use scop_core::{Full, Sink, SliceSink, base64};
use zeroize::Zeroize;

use self::message::is_nonce;
use super::hmac::{Hmac, hi, mix, same};

pub(super) mod message;

/// What an exchange of SCRAM is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The least count of iterations that a client takes: 4096 (RFC 7677 4). With fewer, whoever plays
    /// the server tries passwords faster. Default: 4096.
    pub min_iterations: u32,
    /// The highest count that a client takes: each is two blocks of SHA-256, computed within one call, and
    /// a hostile server chooses it (RFC 5802 9). A million took 0.3 s on a server with instructions for
    /// SHA-256; small processors want less. Default: 1,000,000.
    pub max_iterations: u32,
}

impl Limits {
    /// 4096 to a million.
    pub const DEFAULT: Self = Self {
        min_iterations: 4096,
        max_iterations: 1_000_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Octets in the longest nonce that is made here.
const MAX_NONCE: usize = 32;

/// One side's part of the nonce. It must be random and never used twice: the proof of one exchange would
/// be good for another (RFC 5802 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce {
    text: [u8; MAX_NONCE],
    len: u8,
}

impl Nonce {
    /// From 144 random bits.
    pub fn from_random(octets: [u8; 18]) -> Self {
        let mut text = [0; MAX_NONCE];
        // 18 octets are 24 characters: there is room.
        let _ = base64::encode(&octets, &mut SliceSink::new(&mut text));
        Self { text, len: 24 }
    }

    /// From text: 1 to 32 printable characters, no comma (`c-nonce` of RFC 5802 7).
    pub fn new(text: &[u8]) -> Option<Self> {
        let mut nonce = Self {
            text: [0; MAX_NONCE],
            len: u8::try_from(text.len()).ok()?,
        };
        SliceSink::new(&mut nonce.text).put(text).ok()?;
        is_nonce(text).then_some(nonce)
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(..self.len.into()).unwrap_or_default()
    }
}

/// What proves both sides to each other without the password (RFC 5802 3). It checks a password that is shown
/// too ([`StoredKeys::is_password`]), so that a server keeps one kind of secret for all mechanisms.
///
/// `==` takes a time that does not tell where they differ.
#[derive(Clone, Copy)]
pub struct StoredKeys {
    /// `H(ClientKey)`: checks the proof of a client.
    pub stored_key: [u8; 32],
    /// Signs as the server.
    pub server_key: [u8; 32],
}

impl StoredKeys {
    /// From a password; `None` when the hash is not SHA-256.
    ///
    /// The salt is random, for each user another one. RFC 7677 4 wants 4096 iterations at least; more are
    /// better.
    pub fn derive(password: &[u8], salt: &[u8], iterations: u32, hash: &dyn Hash) -> Option<Self> {
        let password = Hmac::new(hash, password);
        let mut salted = password.clone();
        salted.update(salt);
        let keys = ClientKeys::derive(&password, salted, iterations, hash)?;
        Some(keys.stored)
    }

    /// Whether these are the keys of `password`, as [`StoredKeys::derive`] makes them; `false` when the hash is
    /// not SHA-256. The time that it takes does not tell how wrong a password is. For a user who does not
    /// exist, ask the keys of [`StoredKeys::decoy`]: it takes as long.
    pub fn is_password(
        &self,
        password: &[u8],
        salt: &[u8],
        iterations: u32,
        hash: &dyn Hash,
    ) -> bool {
        Self::derive(password, salt, iterations, hash).is_some_and(|mut keys| {
            let is_same = keys == *self;
            keys.stored_key.zeroize();
            keys.server_key.zeroize();
            is_same
        })
    }

    /// The salt and keys to answer with for a user who does not exist, so that nobody can tell.
    ///
    /// `secret` is random, of the server, and must stay the same: a name then has the same salt each
    /// time, as a real one has. Use the count of iterations and the length of salt, 16 octets, that your
    /// real users have. The keys belong to no password.
    pub fn decoy(secret: &[u8], user: &str, hash: &dyn Hash) -> Option<([u8; 16], Self)> {
        let secret = Hmac::new(hash, secret);
        let part = |label: &[u8]| {
            let mut hmac = secret.clone();
            hmac.update(label);
            hmac.update(user.as_bytes());
            digest32(hash, &hmac.finish())
        };
        let salt = *part(b"salt\0")?.first_chunk()?;
        let keys = Self {
            stored_key: part(b"stored key\0")?,
            server_key: part(b"server key\0")?,
        };
        Some((salt, keys))
    }

    /// Whether `proof` shows that its sender knows the client's key, for an exchange that was hashed
    /// with [`StoredKeys::stored_key`] to `signature`.
    pub(super) fn proves(&self, signature: &[u8; 32], proof: &[u8; 32], hash: &dyn Hash) -> bool {
        let mut client_key = *proof;
        mix(&mut client_key, signature);
        let hashed = hash_of(hash, &client_key);
        client_key.zeroize();
        hashed.is_some_and(|hashed| same(&hashed, &self.stored_key))
    }
}

/// In a time that does not tell where they differ.
impl PartialEq for StoredKeys {
    fn eq(&self, other: &Self) -> bool {
        same(&self.stored_key, &other.stored_key) & same(&self.server_key, &other.server_key)
    }
}

impl Eq for StoredKeys {}

impl fmt::Debug for StoredKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKeys").finish_non_exhaustive()
    }
}

/// What a client derives from its password.
pub(super) struct ClientKeys {
    /// Never leaves the client.
    client_key: [u8; 32],
    pub(super) stored: StoredKeys,
}

impl ClientKeys {
    /// RFC 5802 3; `salted` took the salt.
    ///
    /// ```text
    /// SaltedPassword  := Hi(Normalize(password), salt, i)
    /// ClientKey       := HMAC(SaltedPassword, "Client Key")
    /// StoredKey       := H(ClientKey)
    /// ServerKey       := HMAC(SaltedPassword, "Server Key")
    /// ```
    pub(super) fn derive(
        password: &Hmac<'_>,
        salted: Hmac<'_>,
        iterations: u32,
        hash: &dyn Hash,
    ) -> Option<Self> {
        is_sha256(hash).then_some(())?;
        let mut salted_password = hi(password, salted, iterations);
        let client = Hmac::new(hash, &salted_password);
        salted_password.zeroize();
        let mut server = client.clone();
        let mut client = client;
        client.update(b"Client Key");
        server.update(b"Server Key");
        let client_key = digest32(hash, &client.finish())?;
        let stored = StoredKeys {
            stored_key: hash_of(hash, &client_key)?,
            server_key: digest32(hash, &server.finish())?,
        };
        Some(Self { client_key, stored })
    }

    /// `ClientProof := ClientKey XOR ClientSignature`
    pub(super) fn proof(&self, signature: &[u8; 32]) -> [u8; 32] {
        let mut proof = self.client_key;
        mix(&mut proof, signature);
        proof
    }
}

impl Drop for ClientKeys {
    fn drop(&mut self) {
        self.client_key.zeroize();
        self.stored.stored_key.zeroize();
        self.stored.server_key.zeroize();
    }
}

/// `HMAC(key, AuthMessage)`, where `put_message` writes the message.
pub(super) fn signature(
    hash: &dyn Hash,
    key: &[u8; 32],
    put_message: impl FnOnce(&mut Hmac<'_>) -> Result<(), Full>,
) -> Option<[u8; 32]> {
    let mut hmac = Hmac::new(hash, key);
    put_message(&mut hmac).ok()?;
    digest32(hash, &hmac.finish())
}

pub(super) fn is_sha256(hash: &dyn Hash) -> bool {
    hash.algorithm() == HashAlgorithm::Sha256
}

fn hash_of(hash: &dyn Hash, octets: &[u8]) -> Option<[u8; 32]> {
    let mut state = hash.start();
    hash.update(&mut state, octets);
    digest32(hash, &hash.finish(state))
}

fn digest32(hash: &dyn Hash, digest: &scop_core::crypto::Digest) -> Option<[u8; 32]> {
    is_sha256(hash).then_some(())?;
    digest.as_bytes().first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scop_crypto::{SHA256, SHA512};
    use std::format;

    #[test]
    fn nonces() {
        assert_eq!(
            Nonce::from_random([0xff; 18]).as_bytes(),
            b"////////////////////////"
        );
        assert_eq!(Nonce::new(&[b'~'; 32]).unwrap().as_bytes(), [b'~'; 32]);
        for text in [
            &b""[..],
            b"a,b",
            b"a b",
            b"\x7f",
            b"\xc3\xbc",
            b"\0",
            &[b'a'; 33],
            &[b'a'; 300],
        ] {
            assert_eq!(Nonce::new(text), None, "{text:?}");
        }
    }

    #[test]
    fn keys() {
        let keys = StoredKeys::derive(
            b"pencil",
            b"\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81",
            4096,
            &SHA256,
        )
        .unwrap();
        assert_eq!(keys.stored_key[..4], [0x58, 0x6e, 0x5d, 0xf2]); // CPython's hashlib
        assert_eq!(keys.server_key[..4], [0xc1, 0xf3, 0xcb, 0xc1]);
        assert_eq!(StoredKeys::derive(b"pencil", b"salt", 4096, &SHA512), None);

        let salt = &b"\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81"[..];
        assert!(keys.is_password(b"pencil", salt, 4096, &SHA256));
        assert!(!keys.is_password(b"pencils", salt, 4096, &SHA256));
        assert!(!keys.is_password(b"", salt, 4096, &SHA256));
        assert!(!keys.is_password(b"pencil", &salt[1..], 4096, &SHA256));
        assert!(!keys.is_password(b"pencil", salt, 4097, &SHA256));
        assert!(!keys.is_password(b"pencil", salt, 4096, &SHA512));
        // Both halves count.
        for half in 0..2 {
            let mut other = keys;
            [&mut other.stored_key, &mut other.server_key][half][31] ^= 1;
            assert_ne!(other, keys);
            assert!(!other.is_password(b"pencil", salt, 4096, &SHA256));
        }
        assert_eq!(StoredKeys::decoy(b"secret", "joe", &SHA512), None);

        let decoy = |secret: &[u8], user| StoredKeys::decoy(secret, user, &SHA256).unwrap();
        assert_eq!(decoy(b"secret", "joe"), decoy(b"secret", "joe"));
        assert_ne!(decoy(b"secret", "joe").0, decoy(b"secret", "jo").0);
        assert_ne!(decoy(b"secret", "joe").0, decoy(b"other", "joe").0);
        let (salt, keys) = decoy(b"secret", "joe");
        assert_ne!(keys.stored_key, keys.server_key);
        assert_ne!(keys.stored_key[..16], salt);
        assert_eq!(format!("{keys:?}"), "StoredKeys { .. }");
    }
}
