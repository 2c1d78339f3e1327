//! The hash of a body as it streams by (RFC 6376 3.7, step 1).

use scop_core::crypto::{Digest, Hash, Hasher};
use scop_core::{Full, Sink};

use crate::canonical::Form;
use crate::canonical::body::BodyCanonicalizer;

/// Canonicalises and hashes a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyHash<'p> {
    form: Form,
    canonicalizer: BodyCanonicalizer,
    hash: Limited<'p>,
}

impl<'p> BodyHash<'p> {
    /// Over the whole body, or the first `length` octets of its canonical form.
    pub(crate) fn new(hash: &'p dyn Hash, form: Form, length: Option<u64>) -> Self {
        Self {
            form,
            canonicalizer: BodyCanonicalizer::new(form),
            hash: Limited {
                hasher: Hasher::new(hash),
                length,
                total: 0,
            },
        }
    }

    /// Whether it is the hash of such a body.
    pub(crate) fn is_for(&self, form: Form, length: Option<u64>) -> bool {
        (self.form, self.hash.length) == (form, length)
    }

    pub(crate) fn update(&mut self, chunk: &[u8]) {
        // A hash is never full.
        let _ = self.canonicalizer.update(chunk, &mut self.hash);
    }

    pub(crate) fn finish(mut self) -> BodyDigest {
        // As above.
        let _ = self.canonicalizer.finish(&mut self.hash);
        BodyDigest {
            digest: self.hash.hasher.finish(),
            coverage: match self.hash.length {
                Some(length) if length < self.hash.total => Coverage::Part,
                Some(length) if length > self.hash.total => Coverage::MoreThanAll,
                _ => Coverage::All,
            },
        }
    }
}

/// What came out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyDigest {
    pub(crate) digest: Digest,
    pub(crate) coverage: Coverage,
}

/// How much of the canonical body was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coverage {
    All,
    /// Octets beyond `l=` were not hashed.
    Part,
    /// The body is shorter than `l=`.
    MoreThanAll,
}

/// Hashes the first `length` octets, and counts all.
#[derive(Clone, Copy, Debug)]
struct Limited<'p> {
    hasher: Hasher<'p>,
    length: Option<u64>,
    total: u64,
}

impl Sink for Limited<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let left = self
            .length
            .map_or(u64::MAX, |length| length.saturating_sub(self.total));
        let covered = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        self.hasher.update(bytes.get(..covered).unwrap_or_default());
        self.total = self.total.saturating_add(bytes.len() as u64);
        Ok(())
    }
}
