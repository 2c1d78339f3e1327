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
//! ```

use core::fmt;

use scop_core::crypto::{Hash, HashAlgorithm};
use scop_core::{Cursor, Full, Sink, SliceSink, base64};
use zeroize::Zeroize;

use super::hmac::{Hmac, hi, mix};

/// What an exchange of SCRAM is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The least count of iterations that a client takes: 4096 (RFC 7677 4). With fewer, whoever plays
    /// the server tries passwords faster.
    pub min_iterations: u32,
    /// The highest count that a client takes: each is two blocks of SHA-256, and a hostile server
    /// chooses it (RFC 5802 9). The default is a second of a slow core.
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

/// What proves both sides to each other without the password (RFC 5802 3).
#[derive(Clone, Copy, PartialEq, Eq)]
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
        hashed.is_some_and(|hashed| super::hmac::same(&hashed, &self.stored_key))
    }
}

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

/// ```abnf
/// c-nonce   = printable
/// printable = %x21-2B / %x2D-7E
/// ```
fn is_nonce(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&c| c.is_ascii_graphic() && c != b',')
}

/// The message of a client that begins with a GS2 header (RFC 5802 7, RFC 7628 3.1).
///
/// ```abnf
/// gs2-header     = gs2-cbind-flag "," [ authzid ] ","
/// gs2-cbind-flag = ("p=" cb-name) / "n" / "y"
/// authzid        = "a=" saslname
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gs2<'a> {
    /// As written, escaped; empty when it is not there.
    pub(super) authorization: &'a [u8],
    /// The octets of the header.
    pub(super) header: &'a [u8],
    /// What stands behind it.
    pub(super) rest: &'a [u8],
}

impl<'a> Gs2<'a> {
    /// `y` says that the client could bind the exchange to the channel and takes it that this server
    /// cannot, which is so. `p=` asks for it, and is refused: it was not offered (RFC 5802 6).
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(message);
        (cursor.skip_byte(b'n') || cursor.skip_byte(b'y')).then_some(())?;
        cursor.skip_byte(b',').then_some(())?;
        let authorization = if cursor.peek() == Some(b',') {
            &[][..]
        } else {
            attribute(&mut cursor, b'a')?
        };
        cursor.skip_byte(b',').then_some(())?;
        Some(Self {
            authorization,
            header: message.get(..cursor.offset())?,
            rest: cursor.rest(),
        })
    }
}

/// ```abnf
/// client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
/// reserved-mext             = "m=" 1*(value-char)
/// username                  = "n=" saslname
/// nonce                     = "r=" c-nonce [s-nonce]
/// extensions                = attr-val *("," attr-val)
/// ```
///
/// `m=` must be refused (RFC 5802 5.1): it is none of the attributes that can come first. Other
/// extensions are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientFirst<'a> {
    /// As written, escaped.
    pub(super) user: &'a [u8],
    pub(super) nonce: &'a [u8],
}

impl<'a> ClientFirst<'a> {
    pub(super) fn parse(bare: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bare);
        let user = attribute(&mut cursor, b'n')?;
        cursor.skip_byte(b',').then_some(())?;
        let nonce = attribute(&mut cursor, b'r')?;
        extensions(cursor)?;
        is_nonce(nonce).then_some(Self { user, nonce })
    }
}

/// ```abnf
/// server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
/// salt                 = "s=" base64
/// iteration-count      = "i=" posit-number
/// posit-number         = %x31-39 *DIGIT
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerFirst<'a> {
    pub(super) nonce: &'a [u8],
    /// Base64.
    pub(super) salt: &'a [u8],
    /// Saturated.
    pub(super) iterations: u32,
}

impl<'a> ServerFirst<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(message);
        let nonce = attribute(&mut cursor, b'r')?;
        cursor.skip_byte(b',').then_some(())?;
        let salt = attribute(&mut cursor, b's')?;
        cursor.skip_byte(b',').then_some(())?;
        let count = attribute(&mut cursor, b'i')?;
        extensions(cursor)?;
        let is_number = count.iter().all(u8::is_ascii_digit) && count.first() != Some(&b'0');
        (is_nonce(nonce) && is_number).then_some(())?;
        let iterations = count.iter().fold(0_u32, |number, digit| {
            let digit = u32::from(digit.wrapping_sub(b'0'));
            number.saturating_mul(10).saturating_add(digit)
        });
        Some(Self {
            nonce,
            salt,
            iterations,
        })
    }
}

/// ```abnf
/// client-final-message               = client-final-message-without-proof "," proof
/// client-final-message-without-proof = channel-binding "," nonce ["," extensions]
/// channel-binding                    = "c=" base64
/// proof                              = "p=" base64
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientFinal<'a> {
    /// Base64 of the GS2 header.
    pub(super) binding: &'a [u8],
    pub(super) nonce: &'a [u8],
    pub(super) without_proof: &'a [u8],
    pub(super) proof: [u8; 32],
}

impl<'a> ClientFinal<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        let comma = memchr::memrchr(b',', message)?;
        let without_proof = message.get(..comma)?;
        let mut cursor = Cursor::at(message, comma.saturating_add(1));
        let proof = fixed(attribute(&mut cursor, b'p')?)?;

        let mut cursor = Cursor::new(without_proof);
        let binding = attribute(&mut cursor, b'c')?;
        cursor.skip_byte(b',').then_some(())?;
        let nonce = attribute(&mut cursor, b'r')?;
        extensions(cursor)?;
        Some(Self {
            binding,
            nonce,
            without_proof,
            proof,
        })
    }
}

/// ```abnf
/// server-final-message = (server-error / verifier) ["," extensions]
/// server-error         = "e=" server-error-value
/// verifier             = "v=" base64
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerFinal {
    Error,
    Verifier([u8; 32]),
}

impl ServerFinal {
    pub(super) fn parse(message: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(message);
        let parsed = if cursor.peek() == Some(b'e') {
            attribute(&mut cursor, b'e')?;
            Self::Error
        } else {
            Self::Verifier(fixed(attribute(&mut cursor, b'v')?)?)
        };
        extensions(cursor)?;
        Some(parsed)
    }
}

/// Takes `name=value`, up to a comma or the end; the value is not empty.
fn attribute<'a>(cursor: &mut Cursor<'a>, name: u8) -> Option<&'a [u8]> {
    (cursor.skip_byte(name) && cursor.skip_byte(b'=')).then_some(())?;
    let value = cursor.take_while(|byte| byte != b',');
    (!value.is_empty() && !value.contains(&0)).then_some(value)
}

/// Takes all the attributes up to the end, each behind a comma, and none but `m=` means anything.
fn extensions(mut cursor: Cursor<'_>) -> Option<()> {
    while !cursor.is_at_end() {
        cursor.skip_byte(b',').then_some(())?;
        let name = cursor.peek().filter(u8::is_ascii_alphabetic)?;
        attribute(&mut cursor, name)?;
        (name != b'm').then_some(())?;
    }
    Some(())
}

/// 32 octets in base64.
fn fixed(text: &[u8]) -> Option<[u8; 32]> {
    let mut octets = [0; 32];
    let mut sink = SliceSink::new(&mut octets);
    base64::decode(text, &mut sink).ok()?;
    (sink.written().len() == 32).then_some(octets)
}

/// Writes a name with `,` and `=` escaped (`saslname` of RFC 5802 5.1).
pub(super) fn put_name<S: Sink + ?Sized>(name: &str, sink: &mut S) -> Result<(), Full> {
    for &byte in name.as_bytes() {
        match byte {
            b',' => sink.put(b"=2C")?,
            b'=' => sink.put(b"=3D")?,
            _ => sink.put_byte(byte)?,
        }
    }
    Ok(())
}

/// Writes a name without its escapes.
///
/// ```abnf
/// saslname = 1*(value-safe-char / "=2C" / "=3D")
/// ```
///
/// # Errors
/// `Syntax` on any other `=` (RFC 5802 5.1 wants the exchange to fail), `Full` when the sink is.
pub(super) fn put_unescaped<S: Sink + ?Sized>(
    name: &[u8],
    sink: &mut S,
) -> Result<(), base64::DecodeError> {
    let mut cursor = Cursor::new(name);
    while let Some(byte) = cursor.take_byte() {
        let plain = match byte {
            b'=' => match cursor.take(2) {
                Some(b"2C") => b',',
                Some(b"3D") => b'=',
                _ => return Err(base64::DecodeError::Syntax),
            },
            b',' => return Err(base64::DecodeError::Syntax),
            _ => byte,
        };
        sink.put_byte(plain)?;
    }
    Ok(())
}
