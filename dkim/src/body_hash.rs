//! The hash of a body as it streams by (RFC 6376 3.7, step 1).

use scop_core::crypto::{Digest, Hash, Hasher};
use scop_core::{Full, Sink};

use crate::canonical::Form;
use crate::canonical::body::BodyCanonicalizer;

/// Octets collected before they are hashed: a hash takes many short pieces more slowly than one.
const GATHERED: usize = 512;

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
        let mut gather = Gather::new(&mut self.hash);
        // A hash is never full.
        let _ = self.canonicalizer.update(chunk, &mut gather);
        let _ = gather.flush();
    }

    pub(crate) fn finish(mut self) -> BodyDigest {
        let mut gather = Gather::new(&mut self.hash);
        // As above.
        let _ = self.canonicalizer.finish(&mut gather);
        let _ = gather.flush();
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

/// Collects short pieces; long ones pass through.
#[derive(Debug)]
struct Gather<'s, S> {
    sink: &'s mut S,
    buffer: [u8; GATHERED],
    used: usize,
}

impl<'s, S: Sink> Gather<'s, S> {
    const fn new(sink: &'s mut S) -> Self {
        Self {
            sink,
            buffer: [0; GATHERED],
            used: 0,
        }
    }

    fn flush(&mut self) -> Result<(), Full> {
        let gathered = self.buffer.get(..self.used).unwrap_or_default();
        self.used = 0;
        self.sink.put(gathered)
    }
}

impl<S: Sink> Sink for Gather<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if bytes.len() > GATHERED - self.used.min(GATHERED) {
            self.flush()?;
            if bytes.len() >= GATHERED {
                return self.sink.put(bytes);
            }
        }
        let room = self.buffer.get_mut(self.used..).unwrap_or_default();
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.used += bytes.len();
        Ok(())
    }
}
