//! What is known of a signature in the end (RFC 8601 2.7.1).

use core::fmt;

use scop_core::{Failure, Security};
use scop_mime_core::Field;

use crate::key_record::KeyRecordErrorKind;
use crate::signature::{Signature, SignatureError};

/// The result of a signature, in the words of RFC 8601 2.7.1. No signature (`none`) is an empty verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DkimResult {
    /// It verifies.
    Pass,
    /// It was checked with its key and does not verify, or it is too old.
    Fail,
    /// It could not be processed here.
    Neutral,
    /// It verifies or might, but something about it is not acceptable.
    Policy,
    /// A key could not be fetched; a later attempt may do better.
    TempError,
    /// It can never verify.
    PermError,
}

impl DkimResult {
    /// The name in an Authentication-Results field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Neutral => "neutral",
            Self::Policy => "policy",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl fmt::Display for DkimResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a signature has its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The host does not link the algorithm.
    AlgorithmNotLinked,
    /// The signature over the header is right, but the body is not the signed one.
    BodyHashMismatch,
    /// `l=` leaves the end of the body open: anybody may have added it (RFC 6376 8.2).
    BodyLengthLimit,
    /// The body is shorter than `l=`.
    BodyTooShort,
    /// Now is after `x=`.
    Expired,
    /// The DKIM-Signature field is longer than [`Limits`](super::Limits) allow.
    FieldTooLong,
    /// The header is longer than [`Limits`](super::Limits) allow.
    HeaderTooLong,
    /// `h=` of the key record does not allow the hash algorithm.
    KeyHashNotAllowed,
    /// `s=` of the key record does not allow mail.
    KeyNotForEmail,
    /// There is no key.
    KeyNotFound,
    /// The key record is malformed; or its key is.
    KeyRecord(KeyRecordErrorKind),
    /// The key was revoked.
    KeyRevoked,
    /// The RSA key has more bits than [`Limits`](super::Limits) allow.
    KeyTooLarge,
    /// The RSA key has fewer bits than RFC 8301 or [`Limits`](super::Limits) allow.
    KeyTooSmall,
    /// The key is not of the type that the algorithm needs.
    KeyTypeMismatch,
    /// The key could not be fetched.
    KeyUnavailable(Failure),
    /// The DKIM-Signature field is malformed; the offset counts from the start of its value.
    Malformed(SignatureError),
    /// `t=` is in the future.
    NotYetSigned,
    /// There are several key records, and so none (RFC 6376 3.6.2.2: the result is undefined).
    SeveralKeys,
    /// SHA-1 proves nothing (RFC 8301 3.1).
    Sha1,
    /// The signed fields are not what was signed, or the key is not the signer's.
    SignatureMismatch,
    /// The key has `t=s`, and the domain of `i=` is not that of `d=`.
    StrictDomain,
    /// `h=` has more names than [`Limits`](super::Limits) allow.
    TooManyHeaderNames,
    /// `a=` is not known.
    UnknownAlgorithm,
    /// Header and body are what was signed.
    Verified,
}

impl Reason {
    /// The result that goes with it.
    pub const fn result(self) -> DkimResult {
        match self {
            Self::Verified => DkimResult::Pass,
            Self::BodyHashMismatch
            | Self::BodyTooShort
            | Self::Expired
            | Self::SignatureMismatch => DkimResult::Fail,
            Self::AlgorithmNotLinked => DkimResult::Neutral,
            Self::BodyLengthLimit
            | Self::FieldTooLong
            | Self::HeaderTooLong
            | Self::NotYetSigned
            | Self::TooManyHeaderNames => DkimResult::Policy,
            Self::KeyUnavailable(_) => DkimResult::TempError,
            Self::KeyHashNotAllowed
            | Self::KeyNotForEmail
            | Self::KeyNotFound
            | Self::KeyRecord(_)
            | Self::KeyRevoked
            | Self::KeyTooLarge
            | Self::KeyTooSmall
            | Self::KeyTypeMismatch
            | Self::Malformed(_)
            | Self::SeveralKeys
            | Self::Sha1
            | Self::StrictDomain
            | Self::UnknownAlgorithm => DkimResult::PermError,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlgorithmNotLinked => "the algorithm is not available here",
            Self::BodyHashMismatch => "body hash mismatch",
            Self::BodyLengthLimit => "body length limit",
            Self::BodyTooShort => "the body is shorter than l=",
            Self::Expired => "signature expired",
            Self::FieldTooLong => "the signature field is too long",
            Self::HeaderTooLong => "the header is too long",
            Self::KeyHashNotAllowed => "the key does not allow the hash algorithm",
            Self::KeyNotForEmail => "the key is not for mail",
            Self::KeyNotFound => "no key for signature",
            Self::KeyRecord(kind) => return kind.fmt(f),
            Self::KeyRevoked => "key revoked",
            Self::KeyTooLarge => "the key has too many bits",
            Self::KeyTooSmall => "the key has too few bits",
            Self::KeyTypeMismatch => "the key is of another type than the signature",
            Self::KeyUnavailable(failure) => {
                return write!(f, "key unavailable: {failure}");
            }
            Self::Malformed(error) => return error.fmt(f),
            Self::NotYetSigned => "signature time is in the future",
            Self::SeveralKeys => "several key records",
            Self::Sha1 => "SHA-1 is not trusted",
            Self::SignatureMismatch => "signature mismatch",
            Self::StrictDomain => "the key allows no other domain in i=",
            Self::TooManyHeaderNames => "the signature names too many fields",
            Self::UnknownAlgorithm => "unknown algorithm",
            Self::Verified => "verified",
        })
    }
}

/// One signature of the message, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct SignatureResult<'h> {
    pub(super) field: Field<'h>,
    pub(super) signature: Option<Signature<'h>>,
    pub(super) stage: Stage,
    pub(super) body: Body,
    pub(super) testing: bool,
    pub(super) security: Security,
}

/// How far the verifier is with the key and the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The key is not asked for yet.
    Unasked,
    /// The query for the key is open.
    Asked,
    /// The signature over the header is right; the body decides.
    HeaderVerified,
    /// The reason is known.
    Settled(Reason),
}

/// How far it is with the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// It is hashed, in the slot of that number.
    Hashing(usize),
    /// The reason if the header verifies.
    Judged(Reason),
}

impl<'h> SignatureResult<'h> {
    /// The result.
    pub const fn result(&self) -> DkimResult {
        self.reason().result()
    }

    /// Why.
    pub const fn reason(&self) -> Reason {
        match (self.stage, self.body) {
            (Stage::Settled(reason), _) | (Stage::HeaderVerified, Body::Judged(reason)) => reason,
            // A verdict never shows these: it is there only when all is settled.
            _ => Reason::SignatureMismatch,
        }
    }

    /// The signature; `None` when it is malformed or was not read.
    pub const fn signature(&self) -> Option<&Signature<'h>> {
        self.signature.as_ref()
    }

    /// The byte of the header at which its field begins.
    pub const fn field_offset(&self) -> usize {
        self.field.offset()
    }

    /// The key record says `t=y`: the domain tests DKIM, and the message is to be treated as if it did not
    /// have this signature, whether that passes or fails (RFC 6376 3.6.1).
    pub const fn is_testing(&self) -> bool {
        self.testing
    }

    /// How far DNSSEC vouches for the key.
    pub const fn key_security(&self) -> Security {
        self.security
    }

    pub(super) const fn is_settled(&self) -> bool {
        matches!(
            (self.stage, self.body),
            (Stage::Settled(_), _) | (Stage::HeaderVerified, Body::Judged(_))
        )
    }
}
