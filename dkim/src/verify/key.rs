//! From the answer of the DNS to a verified header (RFC 6376 6.1.2, 6.1.3).

use scop_core::crypto::{Digest, HashAlgorithm, Hasher, MAX_SIGNATURE, Provider, PublicKey};
use scop_core::crypto::{SignatureAlgorithm, Verify};
use scop_core::{Answer, Emit, Rdata, Records, Security, SliceSink, Txt};
use scop_mime_core::{Field, HeaderBlock};

use super::{Limits, Reason};
use crate::key_record::{KeyRecord, KeyRecordErrorKind, KeyType, MAX_KEY, MAX_TEXT};
use crate::signature::{Algorithm, Signature};
use crate::signed_fields::{SignedFields, emit_unsigned};

/// What the answer says of a signature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judgement {
    /// Whether the signature over the header is right.
    pub(super) header: Result<(), Reason>,
    pub(super) testing: bool,
    pub(super) security: Security,
}

/// What a signature is judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judge<'a, 'h, 'p> {
    pub(super) header: HeaderBlock<'h>,
    pub(super) provider: Provider<'p>,
    pub(super) limits: &'a Limits,
    pub(super) field: Field<'h>,
    pub(super) signature: &'a Signature<'h>,
}

/// The scheme and the type of key of an algorithm that may be trusted.
pub(super) const fn scheme(algorithm: Algorithm) -> Result<(SignatureAlgorithm, KeyType), Reason> {
    match algorithm {
        Algorithm::Ed25519Sha256 => Ok((SignatureAlgorithm::Ed25519, KeyType::Ed25519)),
        Algorithm::RsaSha256 => Ok((SignatureAlgorithm::RsaSha256, KeyType::Rsa)),
        Algorithm::RsaSha1 => Err(Reason::Sha1),
        Algorithm::Unknown => Err(Reason::UnknownAlgorithm),
    }
}

impl Judge<'_, '_, '_> {
    pub(super) fn judge(&self, answer: Answer<'_>) -> Judgement {
        let mut judgement = Judgement {
            header: Err(Reason::KeyNotFound),
            testing: false,
            security: Security::Indeterminate,
        };
        match answer.trusted() {
            Answer::Records(records, security) => {
                judgement.security = security;
                judgement.header = self.records(records, &mut judgement.testing);
            }
            Answer::NoData(security) | Answer::NxDomain(security) => {
                judgement.security = security;
            }
            Answer::Failed(failure) => judgement.header = Err(Reason::KeyUnavailable(failure)),
        }
        judgement
    }

    /// Finds the one key record. Other texts at the name, as wildcards bring them, do not count.
    fn records(&self, records: Records<'_>, testing: &mut bool) -> Result<(), Reason> {
        let mut buffer = [0; MAX_TEXT];
        let mut key = None;
        let mut malformed = Reason::KeyNotFound;
        for rdata in &records {
            let Rdata::Txt(txt) = rdata else { continue };
            match read(&txt, &mut buffer) {
                Ok(_) if key.is_some() => return Err(Reason::SeveralKeys),
                Ok(_) => key = Some(txt),
                Err(kind) if malformed == Reason::KeyNotFound => {
                    malformed = Reason::KeyRecord(kind);
                }
                Err(_) => {}
            }
        }
        let record = key.and_then(|txt| read(&txt, &mut buffer).ok());
        let record = record.ok_or(malformed)?;
        *testing = record.is_testing();
        self.record(&record)
    }

    fn record(&self, record: &KeyRecord<'_>) -> Result<(), Reason> {
        let (scheme, key_type) = scheme(self.signature.algorithm())?;
        if !record.allows_hash(b"sha256") {
            return Err(Reason::KeyHashNotAllowed);
        }
        if !record.allows_email() {
            return Err(Reason::KeyNotForEmail);
        }
        if record.is_revoked() {
            return Err(Reason::KeyRevoked);
        }
        if record.key_type() != key_type {
            return Err(Reason::KeyTypeMismatch);
        }
        let auid = self.signature.auid().domain();
        if record.is_strict() && !auid.eq_ignore_ascii_case(self.signature.domain()) {
            return Err(Reason::StrictDomain);
        }
        let mut buffer = [0; MAX_KEY];
        let key = record
            .decode(&mut buffer)
            .map_err(|error| match error.kind() {
                KeyRecordErrorKind::KeyTooLong => Reason::KeyTooLarge,
                kind => Reason::KeyRecord(kind),
            })?;
        if let PublicKey::Rsa { modulus, .. } = key {
            self.check_size(modulus)?;
        }
        let verifier = self.provider.verifier(scheme);
        self.verify(verifier.ok_or(Reason::AlgorithmNotLinked)?, key)
    }

    fn check_size(&self, modulus: &[u8]) -> Result<(), Reason> {
        let zeros = modulus.first().map_or(0, |first| first.leading_zeros());
        let bits = modulus
            .len()
            .saturating_mul(8)
            .saturating_sub(zeros as usize);
        if bits < self.limits.min_rsa_bits.max(1024).into() {
            return Err(Reason::KeyTooSmall);
        }
        if bits > self.limits.max_rsa_bits.min(4096).into() {
            return Err(Reason::KeyTooLarge);
        }
        Ok(())
    }

    fn verify(&self, verifier: &dyn Verify, key: PublicKey<'_>) -> Result<(), Reason> {
        let digest = self.header_digest()?;
        let mut buffer = [0; MAX_SIGNATURE];
        let octets = self.signature.decode_signature(&mut buffer);
        // Ed25519 signs the digest too (RFC 8463 3).
        verifier
            .verify(key, digest.as_bytes(), octets)
            .map_err(|_| Reason::SignatureMismatch)
    }

    /// The hash that is signed (RFC 6376 3.7, step 2).
    fn header_digest(&self) -> Result<Digest, Reason> {
        let hash = self.provider.hash(HashAlgorithm::Sha256);
        let mut hasher = Hasher::new(hash.ok_or(Reason::AlgorithmNotLinked)?);
        let names = self.signature.header_names();
        let fields = SignedFields::select(self.header, names, Some(self.field.offset()))
            .ok_or(Reason::TooManyHeaderNames)?;
        let form = self.signature.canonicalization().header;
        // A hash is never full.
        let _ = fields.emit(self.header, form, &mut hasher);
        let _ = emit_unsigned(&self.field, self.signature, &mut hasher);
        Ok(hasher.finish())
    }
}

/// Reads a text as a key record; several strings are joined in `buffer` (RFC 6376 3.6.2.2).
fn read<'b>(
    txt: &Txt<'b>,
    buffer: &'b mut [u8; MAX_TEXT],
) -> Result<KeyRecord<'b>, KeyRecordErrorKind> {
    let mut sink = SliceSink::new(buffer);
    txt.emit(&mut sink)
        .map_err(|_| KeyRecordErrorKind::TextTooLong)?;
    KeyRecord::parse(sink.into_written()).map_err(|error| error.kind())
}
