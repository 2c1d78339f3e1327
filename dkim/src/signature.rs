//! The DKIM-Signature field (RFC 6376 3.5).
//!
//! [`Signature::parse`] checks everything that the text alone decides, so a [`Signature`] can be used
//! as it is: in particular its domain and selector are host name labels, and nothing else ever gets into
//! a DNS name. An algorithm that is known but not good enough is no error here; the verifier judges it.
//!
//! ```
//! use scop_dkim::signature::{Algorithm, Signature};
//! let signature = Signature::parse(
//!     b" v=1; a=ed25519-sha256; c=relaxed; d=example.org; s=2026; h=From : To;\r\n\
//!       \tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA",
//! )?;
//! assert_eq!(signature.algorithm(), Algorithm::Ed25519Sha256);
//! assert_eq!(signature.domain(), b"example.org");
//! assert_eq!(signature.canonicalization().to_string(), "relaxed/simple");
//! assert!(signature.header_names().eq([&b"From"[..], b"To"]));
//! # Ok::<(), scop_dkim::signature::SignatureError>(())
//! ```

use core::fmt;

use scop_core::crypto::{MAX_SIGNATURE, SignatureAlgorithm};
use scop_core::name::{MAX_LABEL, MAX_NAME};
use scop_core::{Cursor, ParseError, QueryName, SliceSink, UnixTime};

use crate::base64;
use crate::canonical::Canonicalization;
use crate::tag_list::{Tag, TagList, TagListErrorKind, trim};

/// The label between selector and domain (RFC 6376 3.6.2.1).
const NAMESPACE: &[u8] = b"_domainkey";

/// A DKIM-Signature field.
///
/// ```abnf
/// sig-v-tag   = %x76 [FWS] "=" [FWS] 1*DIGIT                        ; "1"
/// sig-a-tag   = %x61 [FWS] "=" [FWS] sig-a-tag-k "-" sig-a-tag-h
/// sig-b-tag   = %x62 [FWS] "=" [FWS] base64string
/// sig-bh-tag  = %x62 %x68 [FWS] "=" [FWS] base64string
/// sig-c-tag   = %x63 [FWS] "=" [FWS] sig-c-tag-alg ["/" sig-c-tag-alg]
/// sig-d-tag   = %x64 [FWS] "=" [FWS] domain-name
/// domain-name = sub-domain 1*("." sub-domain)
/// sub-domain  = Let-dig [Ldh-str]                                   ; RFC 5321 4.1.2
/// sig-h-tag   = %x68 [FWS] "=" [FWS] hdr-name *( [FWS] ":" [FWS] hdr-name )
/// hdr-name    = field-name                                          ; RFC 5322 3.6.8
/// sig-i-tag   = %x69 [FWS] "=" [FWS] [ Local-part ] "@" domain-name
/// sig-l-tag   = %x6c [FWS] "=" [FWS] 1*76DIGIT
/// sig-q-tag   = %x71 [FWS] "=" [FWS] sig-q-tag-method *([FWS] ":" [FWS] sig-q-tag-method)
/// sig-s-tag   = %x73 [FWS] "=" [FWS] selector
/// selector    = sub-domain *( "." sub-domain )
/// sig-t-tag   = %x74 [FWS] "=" [FWS] 1*12DIGIT
/// sig-x-tag   = %x78 [FWS] "=" [FWS] 1*12DIGIT
/// ```
///
/// Labels of a selector may have underscores, which are in use. Domains are ASCII: the U-labels that RFC
/// 8616 5 allows are refused, and their A-labels taken. `z=` is not read: RFC 6376 3.5 forbids to trust it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    tags: TagList<'a>,
    algorithm: Algorithm,
    canonicalization: Canonicalization,
    domain: &'a [u8],
    selector: &'a [u8],
    auid: Auid<'a>,
    header_names: &'a [u8],
    body_hash: &'a [u8],
    b: Tag<'a>,
    body_length: Option<u64>,
    timestamp: Option<UnixTime>,
    expiration: Option<UnixTime>,
}

impl<'a> Signature<'a> {
    /// Reads the value of a field: what follows the colon, with or without its last line end.
    ///
    /// # Errors
    /// On every breach of RFC 6376 3.5 that the text shows; the offset is in `value`.
    pub fn parse(value: &'a [u8]) -> Result<Self, SignatureError> {
        use SignatureErrorKind as Kind;
        let value = value.strip_suffix(b"\n").unwrap_or(value);
        let value = value.strip_suffix(b"\r").unwrap_or(value);
        let tags = TagList::parse(value).map_err(|error| error.map(Kind::TagList))?;
        let required = |name: &[u8], tag| {
            tags.tag(name)
                .ok_or(SignatureError::new(Kind::Missing(tag), 0))
        };

        // The version comes first: another version may mean something else by every other tag.
        let version = required(b"v", RequiredTag::Version)?;
        check(version.value() == b"1", version, Kind::Version)?;
        let algorithm = Algorithm::parse(required(b"a", RequiredTag::Algorithm)?.value());
        let signature = required(b"b", RequiredTag::Signature)?;
        let is_signature = decodes(signature.value(), 1..=MAX_SIGNATURE);
        check(is_signature, signature, Kind::Signature)?;
        let body_hash = required(b"bh", RequiredTag::BodyHash)?;
        let lengths = match algorithm {
            Algorithm::Ed25519Sha256 | Algorithm::RsaSha256 => 32..=32,
            Algorithm::RsaSha1 | Algorithm::Unknown => 1..=64,
        };
        let is_hash = decodes(body_hash.value(), lengths);
        check(is_hash, body_hash, Kind::BodyHash)?;
        let canonicalization = optional(tags.tag(b"c"), Kind::Canonicalization, |value| {
            Canonicalization::parse(value)
        })?;

        let domain = required(b"d", RequiredTag::Domain)?;
        check(is_domain(domain.value()), domain, Kind::Domain)?;
        let selector = required(b"s", RequiredTag::Selector)?;
        check(is_selector(selector.value()), selector, Kind::Selector)?;
        let fits = fits_a_name(selector.value(), domain.value());
        check(fits, selector, Kind::QueryName)?;
        let auid = optional(tags.tag(b"i"), Kind::Auid, Auid::parse)?;
        if let (Some(auid), Some(tag)) = (auid, tags.tag(b"i")) {
            let is_within = is_within(auid.domain, domain.value());
            check(is_within, tag, Kind::AuidOutsideDomain)?;
        }

        let header_names = required(b"h", RequiredTag::HeaderNames)?;
        let are_names = names(header_names.value()).all(is_field_name);
        check(are_names, header_names, Kind::HeaderNames)?;
        let has_from = names(header_names.value()).any(|name| name.eq_ignore_ascii_case(b"From"));
        check(has_from, header_names, Kind::FromNotSigned)?;

        if let Some(tag) = tags.tag(b"q") {
            let has_dns = names(tag.value()).any(|method| method == b"dns/txt");
            check(has_dns, tag, Kind::QueryMethod)?;
        }
        let body_length = optional(tags.tag(b"l"), Kind::BodyLength, |value| decimal(value, 76))?;
        let time = |value| decimal(value, 12).map(UnixTime);
        let timestamp = optional(tags.tag(b"t"), Kind::Timestamp, time)?;
        let expiration = optional(tags.tag(b"x"), Kind::Expiration, time)?;
        if let (Some(start), Some(end), Some(tag)) = (timestamp, expiration, tags.tag(b"x")) {
            check(start < end, tag, Kind::ExpirationNotAfterTimestamp)?;
        }

        Ok(Self {
            tags,
            algorithm,
            canonicalization: canonicalization.unwrap_or_default(),
            domain: domain.value(),
            selector: selector.value(),
            auid: auid.unwrap_or(Auid {
                local_part: b"",
                domain: domain.value(),
            }),
            header_names: header_names.value(),
            body_hash: body_hash.value(),
            b: signature,
            body_length,
            timestamp,
            expiration,
        })
    }

    /// `a=`, the algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `c=`, the canonicalisation of header and body.
    pub const fn canonicalization(&self) -> Canonicalization {
        self.canonicalization
    }

    /// `d=`, the signing domain identifier (SDID): the domain that takes responsibility.
    pub const fn domain(&self) -> &'a [u8] {
        self.domain
    }

    /// `s=`, the selector.
    pub const fn selector(&self) -> &'a [u8] {
        self.selector
    }

    /// `i=`, the agent or user identifier (AUID); `@` and the domain when it is not there.
    pub const fn auid(&self) -> Auid<'a> {
        self.auid
    }

    /// `h=`, the names of the signed fields in order; a name that is there more often than the
    /// message has such fields keeps more of them from being added.
    pub fn header_names(&self) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        names(self.header_names)
    }

    /// `t=`, when it was made.
    pub const fn timestamp(&self) -> Option<UnixTime> {
        self.timestamp
    }

    /// `x=`, when it expires; later than `t=`.
    pub const fn expiration(&self) -> Option<UnixTime> {
        self.expiration
    }

    /// `l=`, how many octets of the canonical body it covers; `u64::MAX` also stands for all more.
    pub const fn body_length(&self) -> Option<u64> {
        self.body_length
    }

    /// All tags, those without a method of their own among them.
    pub const fn tags(&self) -> TagList<'a> {
        self.tags
    }

    /// The name at which the key is: the selector, `_domainkey`, and the domain.
    pub const fn query_name(&self) -> QueryName<'a> {
        QueryName::dotted([self.selector, NAMESPACE, self.domain])
    }

    /// The value of the field up to `b=`, and after its value: what is hashed (RFC 6376 3.7).
    pub(crate) fn without_signature(&self) -> [&'a [u8]; 2] {
        let text = self.tags.as_bytes();
        let span = self.b.raw_span();
        [
            text.get(..span.start).unwrap_or_default(),
            text.get(span.end..).unwrap_or_default(),
        ]
    }

    /// The octets of `b=`.
    pub(crate) fn decode_signature<'b>(&self, buffer: &'b mut [u8; MAX_SIGNATURE]) -> &'b [u8] {
        let mut sink = SliceSink::new(buffer);
        // It was decoded once when the field was parsed.
        let _ = base64::decode(self.b.value(), &mut sink);
        sink.into_written()
    }

    /// Whether `bh=` has these octets.
    pub(crate) fn has_body_hash(&self, digest: &[u8]) -> bool {
        let mut buffer = [0; 64];
        let mut sink = SliceSink::new(&mut buffer);
        base64::decode(self.body_hash, &mut sink).is_ok() && sink.written() == digest
    }
}

/// The algorithm of a signature, with its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// `ed25519-sha256` (RFC 8463): Ed25519 over the SHA-256 digest.
    Ed25519Sha256,
    /// `rsa-sha1`, which no verifier may trust (RFC 8301 3.1).
    RsaSha1,
    /// `rsa-sha256`.
    RsaSha256,
    /// Something else.
    Unknown,
}

impl Algorithm {
    fn parse(name: &[u8]) -> Self {
        match name {
            b"ed25519-sha256" => Self::Ed25519Sha256,
            b"rsa-sha1" => Self::RsaSha1,
            b"rsa-sha256" => Self::RsaSha256,
            _ => Self::Unknown,
        }
    }

    /// The name in `a=`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519Sha256 => "ed25519-sha256",
            Self::RsaSha1 => "rsa-sha1",
            Self::RsaSha256 => "rsa-sha256",
            Self::Unknown => "unknown",
        }
    }

    /// The algorithm that a key with this scheme makes, if DKIM has it.
    pub(crate) const fn of_key(scheme: SignatureAlgorithm) -> Option<Self> {
        match scheme {
            SignatureAlgorithm::Ed25519 => Some(Self::Ed25519Sha256),
            SignatureAlgorithm::RsaSha256 => Some(Self::RsaSha256),
            _ => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The agent or user identifier (RFC 6376 2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auid<'a> {
    local_part: &'a [u8],
    domain: &'a [u8],
}

impl<'a> Auid<'a> {
    fn parse(value: &'a [u8]) -> Option<Self> {
        let at = memchr::memrchr(b'@', value)?;
        let local_part = value.get(..at)?;
        let domain = value.get(at + 1..)?;
        is_domain(domain).then_some(Self { local_part, domain })
    }

    /// What is before the last `@`, still in the quoted-printable form of RFC 6376 2.11; often empty.
    pub const fn local_part(&self) -> &'a [u8] {
        self.local_part
    }

    /// The domain: that of the signature or one below it.
    pub const fn domain(&self) -> &'a [u8] {
        self.domain
    }
}

/// A tag that must be there (RFC 6376 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequiredTag {
    /// `a=`
    Algorithm,
    /// `bh=`
    BodyHash,
    /// `d=`
    Domain,
    /// `h=`
    HeaderNames,
    /// `s=`
    Selector,
    /// `b=`
    Signature,
    /// `v=`
    Version,
}

/// Why a value is not a DKIM-Signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureErrorKind {
    /// `i=` is not an address.
    Auid,
    /// The domain of `i=` is neither that of `d=` nor below it.
    AuidOutsideDomain,
    /// `bh=` is not base64, or not as long as a hash.
    BodyHash,
    /// `l=` is not a number.
    BodyLength,
    /// `c=` names an unknown algorithm.
    Canonicalization,
    /// `d=` is not a domain name of two labels or more.
    Domain,
    /// `x=` is not a number of at most 12 digits.
    Expiration,
    /// `x=` is not later than `t=`.
    ExpirationNotAfterTimestamp,
    /// `h=` does not have From.
    FromNotSigned,
    /// `h=` has something that is no field name.
    HeaderNames,
    /// A tag is missing.
    Missing(RequiredTag),
    /// `q=` does not have `dns/txt`.
    QueryMethod,
    /// The name of the key would be longer than a domain name may be.
    QueryName,
    /// `s=` is not a selector.
    Selector,
    /// `b=` is not base64, is empty, or longer than any signature.
    Signature,
    /// The value is not a tag list.
    TagList(TagListErrorKind),
    /// `t=` is not a number of at most 12 digits.
    Timestamp,
    /// `v=` is not 1.
    Version,
}

impl fmt::Display for SignatureErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auid => "i= is not an address (RFC 6376 3.5)",
            Self::AuidOutsideDomain => "the domain of i= is not within that of d= (RFC 6376 3.5)",
            Self::BodyHash => "bh= is not the base64 of a hash (RFC 6376 3.5)",
            Self::BodyLength => "l= is not a number (RFC 6376 3.5)",
            Self::Canonicalization => "c= names an unknown algorithm (RFC 6376 3.5)",
            Self::Domain => "d= is not a domain name (RFC 6376 3.5)",
            Self::Expiration => "x= is not a number of at most 12 digits (RFC 6376 3.5)",
            Self::ExpirationNotAfterTimestamp => "x= is not later than t= (RFC 6376 3.5)",
            Self::FromNotSigned => "h= does not have From (RFC 6376 3.5)",
            Self::HeaderNames => "h= has something that is no field name (RFC 6376 3.5)",
            Self::Missing(tag) => match tag {
                RequiredTag::Algorithm => "a= is missing (RFC 6376 3.5)",
                RequiredTag::BodyHash => "bh= is missing (RFC 6376 3.5)",
                RequiredTag::Domain => "d= is missing (RFC 6376 3.5)",
                RequiredTag::HeaderNames => "h= is missing (RFC 6376 3.5)",
                RequiredTag::Selector => "s= is missing (RFC 6376 3.5)",
                RequiredTag::Signature => "b= is missing (RFC 6376 3.5)",
                RequiredTag::Version => "v= is missing (RFC 6376 3.5)",
            },
            Self::QueryMethod => "q= does not have dns/txt (RFC 6376 3.5)",
            Self::QueryName => "the name of the key is longer than 255 octets (RFC 1035 2.3.4)",
            Self::Selector => "s= is not a selector (RFC 6376 3.1)",
            Self::Signature => "b= is not the base64 of a signature (RFC 6376 3.5)",
            Self::TagList(kind) => return kind.fmt(f),
            Self::Timestamp => "t= is not a number of at most 12 digits (RFC 6376 3.5)",
            Self::Version => "v= is not 1 (RFC 6376 3.5)",
        })
    }
}

/// Why, and at which byte.
pub type SignatureError = ParseError<SignatureErrorKind>;

fn check(holds: bool, tag: Tag<'_>, kind: SignatureErrorKind) -> Result<(), SignatureError> {
    if holds {
        Ok(())
    } else {
        Err(SignatureError::new(kind, tag.value_offset()))
    }
}

/// The value of a tag that may be absent, but not malformed.
fn optional<'a, T>(
    tag: Option<Tag<'a>>,
    kind: SignatureErrorKind,
    parse: impl FnOnce(&'a [u8]) -> Option<T>,
) -> Result<Option<T>, SignatureError> {
    tag.map(|tag| parse(tag.value()).ok_or_else(|| SignatureError::new(kind, tag.value_offset())))
        .transpose()
}

/// The parts of a list between colons.
fn names(list: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    list.split(|&byte| byte == b':').map(trim)
}

/// A field name that can stand in a tag list: `1*ftext` without a semicolon.
pub(crate) fn is_field_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .iter()
            .all(|&byte| matches!(byte, b'!'..=b'9' | b'<'..=b'~'))
}

/// Two labels or more, of letters, digits and inner hyphens.
pub(crate) fn is_domain(text: &[u8]) -> bool {
    text.contains(&b'.') && labels(text, |byte| byte.is_ascii_alphanumeric())
}

/// Labels of letters, digits, underscores and inner hyphens.
pub(crate) fn is_selector(text: &[u8]) -> bool {
    labels(text, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn labels(text: &[u8], outer: impl Fn(u8) -> bool) -> bool {
    text.split(|&byte| byte == b'.').all(|label| {
        label.len() <= MAX_LABEL
            && label.iter().all(|&byte| outer(byte) || byte == b'-')
            && [label.first(), label.last()]
                .iter()
                .all(|end| end.is_some_and(|&byte| outer(byte)))
    })
}

/// Whether the name of the key is at most as long as a name may be, in wire form.
pub(crate) fn fits_a_name(selector: &[u8], domain: &[u8]) -> bool {
    // Each part has a length octet before each label, which the dots inside it stand for already.
    let parts = [selector, NAMESPACE, domain];
    let octets = parts.iter().fold(1, |sum: usize, part| {
        sum.saturating_add(part.len()).saturating_add(1)
    });
    octets <= MAX_NAME
}

/// Whether a domain is `ancestor` or lies below it.
pub(crate) fn is_within(domain: &[u8], ancestor: &[u8]) -> bool {
    let Some(above) = domain.len().checked_sub(ancestor.len()) else {
        return false;
    };
    domain.split_at_checked(above).is_some_and(|(head, tail)| {
        tail.eq_ignore_ascii_case(ancestor) && matches!(head, [] | [.., b'.'])
    })
}

/// Whether text is base64 of a number of octets within `lengths`.
fn decodes(text: &[u8], lengths: core::ops::RangeInclusive<usize>) -> bool {
    let mut buffer = [0; MAX_SIGNATURE];
    let mut sink = SliceSink::new(&mut buffer);
    base64::decode(text, &mut sink).is_ok() && lengths.contains(&sink.written().len())
}

/// A number of 1 to `digits` digits; one that `u64` does not hold is `u64::MAX`.
fn decimal(text: &[u8], digits: usize) -> Option<u64> {
    let well_formed = (1..=digits).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    well_formed.then(|| Cursor::new(text).take_decimal().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
