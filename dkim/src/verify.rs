//! Verifying the signatures of a message (RFC 6376 6).
//!
//! [`Verifier`] is a lookup machine: it hands out one query for a key per signature, takes the answers in any
//! order, and the body in chunks, before, between or after them. It borrows the header for its life
//! and never the body. It always ends, does not panic on any input, and the order in which answers and
//! body come does not change the verdict.
//!
//! What decides, in this order: the text of the signature and the clock, its key, the signature over
//! the header, and last the body. So [`Reason::BodyHashMismatch`] says that the header is intact.
//!
//! ```
//! use scop_core::{Answer, Rdata, Txt, UnixTime, lookup};
//! use scop_crypto::RUST_CRYPTO;
//! use scop_dkim::verify::{DkimResult, Limits, Reason, Verifier};
//! use scop_mime_core::Message;
//!
//! let message = Message::split(
//!     b"DKIM-Signature: v=1; a=rsa-sha1; d=example.org; s=old; h=from; bh=AAAA; b=AAAA\r\n\
//!       From: joe@example.org\r\n\r\nHi.\r\n",
//! );
//! let now = UnixTime(1_800_000_000);
//! let mut verifier = Verifier::<10>::new(message.header, RUST_CRYPTO, now, &Limits::DEFAULT);
//! verifier.body(message.body)?;
//! verifier.finish_body()?;
//! let key = [Rdata::Txt(Txt::joined(b"v=DKIM1; p="))];
//! let verdict = lookup::drive(&mut verifier, |_| Answer::records(&key)).unwrap();
//! assert_eq!(verdict[0].result(), DkimResult::PermError);
//! assert_eq!(verdict[0].reason(), Reason::Sha1); // so it did not even ask
//! # Ok::<(), scop_dkim::verify::BodyEnded>(())
//! ```

mod key;
mod limits;
mod outcome;

use core::fmt;

use scop_core::crypto::{HashAlgorithm, Provider};
use scop_core::{Answer, AnswerError, Lookup, Query, QueryId, Rtype, Security, Step, UnixTime};
use scop_mime_core::{Field, HeaderBlock};

use self::key::{Judge, scheme};
use self::outcome::{Body, Stage};
use crate::body_hash::{BodyDigest, BodyHash, Coverage};
use crate::signature::Signature;

pub use self::limits::Limits;
pub use self::outcome::{DkimResult, Reason, SignatureResult};
pub use crate::signed_fields::MAX_HEADER_NAMES;

/// The name of the field.
const FIELD: &[u8] = b"DKIM-Signature";

/// Verifies up to `N` signatures of one message.
///
/// The verdict has one result per signature, from the top of the header; it is empty for a message that is
/// not signed.
#[derive(Clone, Debug)]
pub struct Verifier<'h, 'p, const N: usize = 10> {
    header: HeaderBlock<'h>,
    provider: Provider<'p>,
    limits: Limits,
    results: heapless::Vec<SignatureResult<'h>, N>,
    skipped: usize,
    /// One for each way in which a body is hashed; signatures share them. Empty once the body ended.
    bodies: heapless::Vec<BodyHash<'p>, N>,
    body_ended: bool,
}

impl<'h, 'p, const N: usize> Verifier<'h, 'p, N> {
    /// A verifier for the message with this header, at the time `now`.
    pub fn new(
        header: HeaderBlock<'h>,
        provider: Provider<'p>,
        now: UnixTime,
        limits: &Limits,
    ) -> Self {
        let mut verifier = Self {
            header,
            provider,
            limits: *limits,
            results: heapless::Vec::new(),
            skipped: 0,
            bodies: heapless::Vec::new(),
            body_ended: false,
        };
        for field in header.fields().filter(|field| field.is(FIELD)) {
            let result = (verifier.results.len() < limits.max_signatures)
                .then(|| verifier.start(field, now));
            if result.is_none_or(|result| verifier.results.push(result).is_err()) {
                verifier.skipped = verifier.skipped.saturating_add(1);
            }
        }
        verifier
    }

    /// Takes the next octets of the body, cut anywhere. Its lines end with CRLF: a host that has other
    /// line ends converts them.
    ///
    /// # Errors
    /// After [`Verifier::finish_body`].
    pub fn body(&mut self, chunk: &[u8]) -> Result<(), BodyEnded> {
        if self.body_ended {
            return Err(BodyEnded);
        }
        for (slot, body) in self.bodies.iter_mut().enumerate() {
            let wanted = |result: &SignatureResult<'_>| {
                !result.is_settled() && result.body == Body::Hashing(slot)
            };
            if self.results.iter().any(wanted) {
                body.update(chunk);
            }
        }
        Ok(())
    }

    /// Ends the body. A message without one has an empty body.
    ///
    /// # Errors
    /// When the body has ended already.
    pub fn finish_body(&mut self) -> Result<(), BodyEnded> {
        if self.body_ended {
            return Err(BodyEnded);
        }
        self.body_ended = true;
        for (slot, body) in self.bodies.iter().enumerate() {
            let digest = body.finish();
            for result in &mut self.results {
                if result.body == Body::Hashing(slot)
                    && let Some(signature) = &result.signature
                {
                    result.body = Body::Judged(judge_body(signature, &digest));
                }
            }
        }
        self.bodies.clear();
        Ok(())
    }

    /// How many signatures the message has beyond those in the verdict: they were not looked at.
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    fn start(&mut self, field: Field<'h>, now: UnixTime) -> SignatureResult<'h> {
        let mut result = SignatureResult {
            field,
            signature: None,
            stage: Stage::Unasked,
            body: Body::Judged(Reason::SignatureMismatch),
            testing: false,
            security: Security::Indeterminate,
        };
        match self.admit(&mut result, now) {
            Ok(slot) => result.body = Body::Hashing(slot),
            Err(reason) => result.stage = Stage::Settled(reason),
        }
        result
    }

    /// Judges what needs neither key nor body, and finds the slot in which the body is hashed.
    fn admit(&mut self, result: &mut SignatureResult<'h>, now: UnixTime) -> Result<usize, Reason> {
        let limits = &self.limits;
        let header_len = self.header.as_bytes().len();
        if header_len > limits.max_header_len || u32::try_from(header_len).is_err() {
            return Err(Reason::HeaderTooLong);
        }
        if result.field.raw().len() > limits.max_field_len {
            return Err(Reason::FieldTooLong);
        }
        let signature = Signature::parse(result.field.value()).map_err(Reason::Malformed)?;
        result.signature = Some(signature);
        let (scheme, _) = scheme(signature.algorithm())?;
        if signature.header_names().count() > limits.max_header_names.min(MAX_HEADER_NAMES) {
            return Err(Reason::TooManyHeaderNames);
        }
        let skew = limits.clock_skew;
        if let Some(UnixTime(end)) = signature.expiration()
            && now.0 > end.saturating_add(skew)
        {
            return Err(Reason::Expired);
        }
        if let Some(UnixTime(start)) = signature.timestamp()
            && start > now.0.saturating_add(skew)
        {
            return Err(Reason::NotYetSigned);
        }
        let hash = self.provider.hash(HashAlgorithm::Sha256);
        let (Some(hash), Some(_)) = (hash, self.provider.verifier(scheme)) else {
            return Err(Reason::AlgorithmNotLinked);
        };
        let form = signature.canonicalization().body;
        let length = signature.body_length();
        let shared = self
            .bodies
            .iter()
            .position(|body| body.is_for(form, length));
        let slot = shared.unwrap_or(self.bodies.len());
        if shared.is_none() {
            // There are as many slots as results, so there is room.
            let _ = self.bodies.push(BodyHash::new(hash, form, length));
        }
        Ok(slot)
    }

    fn open(&self, id: QueryId) -> Option<(usize, &SignatureResult<'h>)> {
        let index = usize::try_from(id.number()).ok()?;
        let result = self.results.get(index)?;
        let is_open = id == QueryId::new(id.number()) && result.stage == Stage::Asked;
        is_open.then_some((index, result))
    }
}

impl<'h, const N: usize> Lookup for Verifier<'h, '_, N> {
    type Verdict = [SignatureResult<'h>];

    fn poll(&mut self) -> Step {
        for (number, result) in (0..).zip(&mut self.results) {
            if result.stage == Stage::Unasked {
                result.stage = Stage::Asked;
                return Step::Query(QueryId::new(number));
            }
        }
        match self.verdict() {
            Some(_) => Step::Done,
            None => Step::Wait,
        }
    }

    fn query(&self, id: QueryId) -> Option<Query<'_>> {
        let (_, result) = self.open(id)?;
        let signature = result.signature.as_ref()?;
        Some(Query {
            name: signature.query_name(),
            rtype: Rtype::TXT,
        })
    }

    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
        let (index, result) = self.open(id).ok_or(AnswerError)?;
        let signature = result.signature.as_ref().ok_or(AnswerError)?;
        let judge = Judge {
            header: self.header,
            provider: self.provider,
            limits: &self.limits,
            field: result.field,
            signature,
        };
        let judgement = judge.judge(answer);
        if let Some(result) = self.results.get_mut(index) {
            result.stage = match judgement.header {
                Ok(()) => Stage::HeaderVerified,
                Err(reason) => Stage::Settled(reason),
            };
            result.testing = judgement.testing;
            result.security = judgement.security;
        }
        Ok(())
    }

    fn verdict(&self) -> Option<&[SignatureResult<'h>]> {
        self.results
            .iter()
            .all(SignatureResult::is_settled)
            .then_some(&self.results)
    }
}

/// The body is over, so it takes no more octets and no second end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyEnded;

impl fmt::Display for BodyEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body has ended already")
    }
}

impl core::error::Error for BodyEnded {}

/// The reason of a signature whose header verifies.
///
/// `l=` that covers all of the body hides nothing and is no reason to complain; one that covers a
/// part is, as RFC 6376 8.2 warns.
fn judge_body(signature: &Signature<'_>, body: &BodyDigest) -> Reason {
    match body.coverage {
        Coverage::MoreThanAll => Reason::BodyTooShort,
        _ if !signature.has_body_hash(body.digest.as_bytes()) => Reason::BodyHashMismatch,
        Coverage::Part => Reason::BodyLengthLimit,
        Coverage::All => Reason::Verified,
    }
}
