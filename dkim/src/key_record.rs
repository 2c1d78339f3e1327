//! Key records: the public key of a signer, in the DNS (RFC 6376 3.6.1, RFC 8463 4).
//!
//! [`KeyRecord`] is a view of the text; [`Publish`] writes such a text. Neither panics on any input.
//!
//! ```
//! use scop_dkim::key_record::{KeyRecord, KeyType};
//! let record = KeyRecord::parse(
//!     b"v=DKIM1; k=ed25519; t=y:s; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
//! )?;
//! assert_eq!(record.key_type(), KeyType::Ed25519);
//! assert!(record.is_testing() && record.is_strict());
//! # Ok::<(), scop_dkim::key_record::KeyRecordError>(())
//! ```

use core::fmt;

use scop_core::crypto::PublicKey;
use scop_core::{Emit, Full, ParseError, Sink, SliceSink};

use crate::base64::{self, DecodeError};
use crate::der;
use crate::tag_list::{TagList, TagListErrorKind, trim};

/// Octets in the longest key here: an RSA key with 4096 bits and a long exponent, with its algorithm.
pub const MAX_KEY: usize = 560;

/// Octets in the text of a key record that a verifier reads; RSA with 4096 bits needs 760.
pub const MAX_TEXT: usize = 2048;

/// A key record.
///
/// ```abnf
/// key-v-tag = %x76 [FWS] "=" [FWS] %x44.4B.49.4D.31                 ; "DKIM1", and the first tag
/// key-h-tag = %x68 [FWS] "=" [FWS] key-h-tag-alg *( [FWS] ":" [FWS] key-h-tag-alg )
/// key-k-tag = %x6b [FWS] "=" [FWS] key-k-tag-type                   ; "rsa" if absent
/// key-n-tag = %x6e [FWS] "=" [FWS] qp-section                       ; for people
/// key-p-tag = %x70 [FWS] "=" [ [FWS] base64string ]                 ; empty: revoked
/// key-s-tag = %x73 [FWS] "=" [FWS] key-s-tag-type *( [FWS] ":" [FWS] key-s-tag-type )
/// key-t-tag = %x74 [FWS] "=" [FWS] key-t-tag-flag *( [FWS] ":" [FWS] key-t-tag-flag )
/// ```
///
/// Other tags, `g=` of RFC 4871 among them, are ignored, and so are flags, hash and service names that
/// nobody defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRecord<'a> {
    tags: TagList<'a>,
    key_type: KeyType,
    /// Base64, with white space in it; empty when revoked.
    key: &'a [u8],
}

impl<'a> KeyRecord<'a> {
    /// Reads the text of a TXT record, its strings joined.
    ///
    /// # Errors
    /// On text that is no tag list, on a version other than `DKIM1` or not at the start, and without `p=`.
    pub fn parse(text: &'a [u8]) -> Result<Self, KeyRecordError> {
        let tags = TagList::parse(text).map_err(|error| error.map(KeyRecordErrorKind::TagList))?;
        let version = tags.iter().position(|tag| tag.name() == b"v");
        if let Some(tag) = tags.tag(b"v")
            && (version != Some(0) || tag.value() != b"DKIM1")
        {
            let at = tag.value_offset();
            return Err(KeyRecordError::new(KeyRecordErrorKind::Version, at));
        }
        let Some(key) = tags.tag(b"p") else {
            return Err(KeyRecordError::new(KeyRecordErrorKind::MissingKey, 0));
        };
        Ok(Self {
            tags,
            key_type: match tags.tag(b"k").map(|tag| tag.value()) {
                None | Some(b"rsa") => KeyType::Rsa,
                Some(b"ed25519") => KeyType::Ed25519,
                Some(_) => KeyType::Unknown,
            },
            key: key.value(),
        })
    }

    /// All tags.
    pub const fn tags(&self) -> TagList<'a> {
        self.tags
    }

    /// `k=`.
    pub const fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// `p=` is there and empty: the key was revoked.
    pub const fn is_revoked(&self) -> bool {
        self.key.is_empty()
    }

    /// `t=y`: the domain tests DKIM, and its mail is to be treated as unsigned, whether a signature passes
    /// or fails (RFC 6376 3.6.1).
    pub fn is_testing(&self) -> bool {
        self.lists(b"t", b"y")
    }

    /// `t=s`: the domain of `i=` must be that of `d=`, not one below it.
    pub fn is_strict(&self) -> bool {
        self.lists(b"t", b"s")
    }

    /// Whether `h=` allows the hash algorithm of that name.
    pub fn allows_hash(&self, name: &[u8]) -> bool {
        self.tags.tag(b"h").is_none() || self.lists(b"h", name)
    }

    /// Whether `s=` allows mail.
    pub fn allows_email(&self) -> bool {
        self.tags.tag(b"s").is_none() || self.lists(b"s", b"email") || self.lists(b"s", b"*")
    }

    /// Decodes the key into `buffer`.
    ///
    /// An RSA key is a `SubjectPublicKeyInfo`, or a bare `RSAPublicKey`, which is what the ABNF of RFC
    /// 6376 says and a minority publishes; an Ed25519 key is 32 octets (RFC 8463 4). The exponent of an RSA
    /// key is odd (RFC 8017 3.1), from 3 to 2^32 - 1, which bounds what a check costs. The modulus is not
    /// judged.
    ///
    /// # Errors
    /// The kind says what is wrong; the offset is that of the value of `p=`.
    pub fn decode<'b>(
        &self,
        buffer: &'b mut [u8; MAX_KEY],
    ) -> Result<PublicKey<'b>, KeyRecordError> {
        let at = self.tags.tag(b"p").map_or(0, |tag| tag.value_offset());
        let error = |kind| KeyRecordError::new(kind, at);
        let mut sink = SliceSink::new(buffer);
        match base64::decode(self.key, &mut sink) {
            Ok(()) => {}
            Err(DecodeError::Syntax) => return Err(error(KeyRecordErrorKind::Base64)),
            Err(DecodeError::Full) => return Err(error(KeyRecordErrorKind::KeyTooLong)),
        }
        let octets = sink.into_written();
        match self.key_type {
            KeyType::Ed25519 if octets.len() == 32 => Ok(PublicKey::Ed25519(octets)),
            KeyType::Ed25519 => Err(error(KeyRecordErrorKind::KeyLength)),
            KeyType::Rsa => match der::rsa_public_key(octets) {
                None => Err(error(KeyRecordErrorKind::KeySyntax)),
                Some(PublicKey::Rsa { exponent, .. }) if !is_usable(exponent) => {
                    Err(error(KeyRecordErrorKind::KeyExponent))
                }
                Some(key) => Ok(key),
            },
            KeyType::Unknown => Err(error(KeyRecordErrorKind::KeyType)),
        }
    }

    /// Whether the list between colons that is the value of tag `name` has `item`.
    fn lists(&self, name: &[u8], item: &[u8]) -> bool {
        self.tags.tag(name).is_some_and(|tag| {
            tag.value()
                .split(|&byte| byte == b':')
                .any(|part| trim(part) == item)
        })
    }
}

/// Whether an RSA key may have this exponent: four octets or less, without leading zeros as in DER.
const fn is_usable(exponent: &[u8]) -> bool {
    match exponent {
        [] | [1] | [_, _, _, _, _, ..] => false,
        [.., last] => *last % 2 == 1,
    }
}

/// The kind of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// `ed25519` (RFC 8463).
    Ed25519,
    /// `rsa` (RFC 6376).
    Rsa,
    /// Something else.
    Unknown,
}

/// Why a text is not a key record, or its key not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRecordErrorKind {
    /// `p=` is not base64.
    Base64,
    /// The exponent of the RSA key is even, 1, or has more than 32 bits.
    KeyExponent,
    /// The Ed25519 key does not have 32 octets.
    KeyLength,
    /// The RSA key is not DER of either form.
    KeySyntax,
    /// The key is longer than [`MAX_KEY`].
    KeyTooLong,
    /// `k=` is not known.
    KeyType,
    /// No `p=`.
    MissingKey,
    /// The text is not a tag list.
    TagList(TagListErrorKind),
    /// The text is longer than [`MAX_TEXT`].
    TextTooLong,
    /// `v=` is not the first tag, or not `DKIM1`.
    Version,
}

impl fmt::Display for KeyRecordErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base64 => "the key is not base64 (RFC 6376 3.6.1)",
            Self::KeyExponent => {
                "the exponent of an RSA key is not odd, from 3 to 2^32 - 1 (RFC 8017 3.1)"
            }
            Self::KeyLength => "an Ed25519 key does not have 32 octets (RFC 8463 4)",
            Self::KeySyntax => "an RSA key is not in DER (RFC 6376 3.6.1)",
            Self::KeyTooLong => "a key is longer than 4096 bits of RSA need",
            Self::KeyType => "the type of the key is not known (RFC 6376 3.6.1)",
            Self::MissingKey => "a key record has no p= (RFC 6376 3.6.1)",
            Self::TagList(kind) => return kind.fmt(f),
            Self::TextTooLong => "a key record is longer than 2048 octets",
            Self::Version => "v= is not the first tag, or not DKIM1 (RFC 6376 3.6.1)",
        })
    }
}

/// Why, and at which byte.
pub type KeyRecordError = ParseError<KeyRecordErrorKind>;

/// Writes the text of a key record.
///
/// A DNS character-string holds 255 octets: a text for an RSA key has to be cut into several when it is
/// put into a zone.
///
/// ```
/// use scop_core::Emit;
/// use scop_dkim::key_record::Publish;
/// let mut text = Vec::new();
/// Publish::ed25519(&[0; 32]).emit(&mut text)?;
/// assert_eq!(text, b"v=DKIM1; k=ed25519; p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
/// # Ok::<(), scop_core::Full>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Publish<'a> {
    key_type: &'static str,
    key: &'a [u8],
    testing: bool,
    strict: bool,
}

impl<'a> Publish<'a> {
    /// A record for an Ed25519 key.
    pub const fn ed25519(key: &'a [u8; 32]) -> Self {
        Self::new("ed25519", key)
    }

    /// A record for an RSA key in DER, as `SubjectPublicKeyInfo`.
    pub const fn rsa(key: &'a [u8]) -> Self {
        Self::new("rsa", key)
    }

    const fn new(key_type: &'static str, key: &'a [u8]) -> Self {
        Self {
            key_type,
            key,
            testing: false,
            strict: false,
        }
    }

    /// Adds `t=y`.
    #[must_use]
    pub const fn testing(mut self) -> Self {
        self.testing = true;
        self
    }

    /// Adds `t=s`.
    #[must_use]
    pub const fn strict(mut self) -> Self {
        self.strict = true;
        self
    }
}

impl Emit for Publish<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        let flags = match (self.testing, self.strict) {
            (false, false) => "",
            (true, false) => "; t=y",
            (false, true) => "; t=s",
            (true, true) => "; t=y:s",
        };
        for part in ["v=DKIM1; k=", self.key_type, flags, "; p="] {
            sink.put(part.as_bytes())?;
        }
        base64::encode(self.key, sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const ED25519: &[u8] = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    /// RFC 8463 A.2.
    const RSA: &[u8] =
        b"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3id\
        Y6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\
        KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
    /// A bare `RSAPublicKey`, as in ../shared/vectors/dkim/002.txt.
    const BARE: &[u8] =
        b"p=MIGJAoGBALVI635dLK4cJJAH3Lx6upo3X/Lm1tQz3mezcWTA3BUBnyIsdnRf57aD5BtNmhPrYY\
        DlWlzw3UgnKisIxktkk5+iMQMlFtAS10JB8L3YadXNJY+JBcbeSi5TgJe4WFzNgW95FWDAuSTRXSWZfA/8xjflbTLDx\
        0euFZOM7C4T0GwLAgMBAAE=";

    #[test]
    fn keys() {
        let mut buffer = [0; MAX_KEY];
        let record = KeyRecord::parse(ED25519).unwrap();
        let PublicKey::Ed25519(key) = record.decode(&mut buffer).unwrap() else {
            panic!("{record:?}")
        };
        assert_eq!((key[0], key[31]), (0xd7, 0x1a)); // RFC 8032 7.1, test 1
        for text in [RSA, BARE] {
            let record = KeyRecord::parse(text).unwrap();
            let PublicKey::Rsa { modulus, exponent } = record.decode(&mut buffer).unwrap() else {
                panic!("{record:?}")
            };
            assert_eq!((modulus.len(), exponent), (128, &[1, 0, 1][..]));
        }
    }

    #[test]
    fn exponents_of_32_bits_at_most() {
        for (text, expected) in [
            (&b"p=MAYCAQUCAQM="[..], &[3][..]),
            (b"p=MAoCAQUCBQD/////", &[0xff; 4]),
        ] {
            let mut buffer = [0; MAX_KEY];
            let record = KeyRecord::parse(text).unwrap();
            let Ok(PublicKey::Rsa { exponent, .. }) = record.decode(&mut buffer) else {
                panic!("{record:?}")
            };
            assert_eq!(exponent, expected);
        }
    }

    #[test]
    fn defaults_and_lists() {
        let record = KeyRecord::parse(b"p=").unwrap();
        assert!(record.is_revoked() && record.key_type() == KeyType::Rsa);
        assert!(record.allows_hash(b"sha256") && record.allows_email());
        assert!(!record.is_testing() && !record.is_strict());

        let record =
            KeyRecord::parse(b"k=rsa; h=sha1 : sha256; s=email:tlsrpt; t=x: s ; g=a; n=a b; p= ;")
                .unwrap();
        assert!(record.allows_hash(b"sha256") && record.allows_email() && record.is_revoked());
        assert!(!record.is_testing() && record.is_strict());

        let record = KeyRecord::parse(b"p=; h=sha1; s=tlsrpt; k=RSA").unwrap();
        assert!(!record.allows_hash(b"sha256") && !record.allows_email());
        assert_eq!(record.key_type(), KeyType::Unknown);
        assert!(KeyRecord::parse(b"p=; s=*").unwrap().allows_email());
        assert!(!KeyRecord::parse(b"p=; h=").unwrap().allows_hash(b"sha256"));
    }

    #[test]
    fn errors_say_where() {
        use KeyRecordErrorKind::*;
        for (text, kind, at) in [
            (&b"v=DKIM1"[..], MissingKey, 0),
            (b"v=spf1 -all", Version, 2),
            (b"v=DKIM2; p=", Version, 2),
            (b"v=dkim1; p=", Version, 2),
            (b"p=; v=DKIM1", Version, 6),
            (b"p=;;", TagList(TagListErrorKind::EmptyTag), 3),
            (b"p=; p=", TagList(TagListErrorKind::DuplicateTag), 4),
        ] {
            let error = KeyRecord::parse(text).unwrap_err();
            assert_eq!((error.kind(), error.offset()), (kind, at), "{text:?}");
        }
        let mut long = b"p=".to_vec();
        long.extend(b"AAAA".repeat(MAX_KEY / 3 + 1));
        for (text, kind) in [
            (&b"p=M"[..], Base64),
            (b"p=MIGJAoGBALV", Base64),
            (b"p=AAAA", KeySyntax),
            // A modulus of 5 with the exponents 2, 1, 2^32 + 1 and 2^32 - 2.
            (b"p=MAYCAQUCAQI=", KeyExponent),
            (b"p=MAYCAQUCAQE=", KeyExponent),
            (b"p=MAoCAQUCBQEAAAAB", KeyExponent),
            (b"p=MAoCAQUCBQD////+", KeyExponent),
            (b"k=ed25519; p=AAAA", KeyLength),
            (b"k=x; p=AAAA", KeyType),
            (&long, KeyTooLong),
        ] {
            let error = KeyRecord::parse(text)
                .unwrap()
                .decode(&mut [0; MAX_KEY])
                .unwrap_err();
            assert_eq!(error.kind(), kind, "{text:?}");
        }
    }

    #[test]
    fn written_and_read() {
        let key = [7; 32];
        for (publish, testing, strict) in [
            (Publish::ed25519(&key), false, false),
            (Publish::ed25519(&key).testing(), true, false),
            (Publish::ed25519(&key).strict(), false, true),
            (Publish::ed25519(&key).strict().testing(), true, true),
        ] {
            let mut text: heapless::Vec<u8, 128> = heapless::Vec::new();
            publish.emit(&mut text).unwrap();
            let record = KeyRecord::parse(&text).unwrap();
            assert_eq!((record.is_testing(), record.is_strict()), (testing, strict));
            let mut buffer = [0; MAX_KEY];
            let Ok(PublicKey::Ed25519(read)) = record.decode(&mut buffer) else {
                panic!("{record:?}")
            };
            assert_eq!(read, key);
        }
    }

    proptest! {
        #[test]
        fn any_bytes(text: Vec<u8>) {
            if let Ok(record) = KeyRecord::parse(&text) {
                let _ = record.decode(&mut [0; MAX_KEY]);
                let _ = (record.allows_email(), record.allows_hash(b"sha256"));
            }
        }

        #[test]
        fn any_key(key: Vec<u8>) {
            let mut text: heapless::Vec<u8, 1024> = heapless::Vec::new();
            Publish::rsa(&key).emit(&mut text).unwrap();
            let record = KeyRecord::parse(&text).unwrap();
            prop_assert_eq!(record.is_revoked(), key.is_empty());
            let _ = record.decode(&mut [0; MAX_KEY]);
        }
    }
}
