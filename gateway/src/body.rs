//! The body as each signature of a message sees it: length and hash of its canonical form (RFC 6376 3.4, 3.7).
//!
//! The verifier has the same numbers and keeps them to itself; a person who looks for what changed on the
//! way wants to see them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scop_core::crypto::Hasher;
use scop_core::{Full, Sink};
use scop_crypto::SHA256;
use scop_dkim::canonical::Form;
use scop_dkim::canonical::body::BodyCanonicalizer;
use scop_dkim::signature::Signature;
use scop_mime_core::HeaderBlock;

/// As many as the verifier looks at (RFC 6376 8.4).
const MAX_SIGNATURES: usize = 10;

/// One for each way in which a signature of the message hashes the body.
pub(crate) struct BodyHashes(Vec<BodyHash>);

struct BodyHash {
    form: Form,
    canonicalizer: BodyCanonicalizer,
    hash: Limited,
}

/// Hashes the first octets, and counts all.
struct Limited {
    limit: Option<u64>,
    octets: u64,
    hasher: Hasher<'static>,
}

impl BodyHashes {
    /// None at all, for a report that does not show them.
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// For the signatures in a header.
    pub(crate) fn new(header: HeaderBlock<'_>) -> Self {
        let mut hashes: Vec<BodyHash> = Vec::new();
        let signatures = header
            .fields()
            .filter(|field| field.is(b"DKIM-Signature"))
            .take(MAX_SIGNATURES)
            .filter_map(|field| Signature::parse(field.value()).ok());
        for signature in signatures {
            let form = signature.canonicalization().body;
            let limit = signature.body_length();
            if !hashes.iter().any(|hash| hash.is_for(form, limit)) {
                hashes.push(BodyHash {
                    form,
                    canonicalizer: BodyCanonicalizer::new(form),
                    hash: Limited {
                        limit,
                        octets: 0,
                        hasher: Hasher::new(&SHA256),
                    },
                });
            }
        }
        Self(hashes)
    }

    /// Takes some of the body, cut anywhere.
    pub(crate) fn update(&mut self, chunk: &[u8]) {
        for hash in &mut self.0 {
            // A hash is never full.
            let _ = hash.canonicalizer.update(chunk, &mut hash.hash);
        }
    }

    /// The body is complete.
    pub(crate) fn finish(&mut self) {
        for hash in &mut self.0 {
            let _ = hash.canonicalizer.finish(&mut hash.hash);
        }
    }

    /// The length of the canonical form, and its hash up to the limit.
    pub(crate) fn of(&self, form: Form, limit: Option<u64>) -> Option<(u64, String)> {
        let hash = self.0.iter().find(|hash| hash.is_for(form, limit))?;
        Some((hash.hash.octets, STANDARD.encode(hash.hash.hasher.finish())))
    }
}

impl BodyHash {
    fn is_for(&self, form: Form, limit: Option<u64>) -> bool {
        (self.form, self.hash.limit) == (form, limit)
    }
}

impl Sink for Limited {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let left = self
            .limit
            .map_or(u64::MAX, |limit| limit.saturating_sub(self.octets));
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        self.hasher.update(bytes.get(..left).unwrap_or(bytes));
        self.octets += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_and_limit_once() {
        let field = |form: &str, limit: &str| {
            format!(
                "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=from; b=AAAA;{limit} c={form};\r\n \
                 bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\r\n"
            )
        };
        let header = [
            field("simple/relaxed", ""),
            field("relaxed/relaxed", ""),
            field("relaxed/relaxed", " l=3;"),
            field("relaxed/simple", ""),
            "DKIM-Signature: broken\r\n".to_owned(),
        ]
        .concat();
        let mut hashes = BodyHashes::new(HeaderBlock::new(header.as_bytes()));
        assert_eq!(hashes.0.len(), 3);
        for chunk in [&b"a  b"[..], b"c\r\n", b"\r\n"] {
            hashes.update(chunk);
        }
        hashes.finish();
        let digest = |bytes: &[u8]| {
            let mut hasher = Hasher::new(&SHA256);
            hasher.update(bytes);
            STANDARD.encode(hasher.finish())
        };
        for (form, limit, octets, hashed) in [
            (Form::Relaxed, None, 6, &b"a bc\r\n"[..]),
            (Form::Relaxed, Some(3), 6, b"a b"),
            (Form::Simple, None, 7, b"a  bc\r\n"),
        ] {
            assert_eq!(
                hashes.of(form, limit),
                Some((octets, digest(hashed))),
                "{form:?} {limit:?}"
            );
        }
        assert_eq!(hashes.of(Form::Simple, Some(3)), None);
    }
}
