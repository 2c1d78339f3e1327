//! The signatures that go before a message (RFC 6376, RFC 8463).
//!
//! The domain of the author, in the From field, says which keys sign: its own, or where it has none those of the
//! nearest domain above it that has, which DMARC takes for it too unless its record asks for strict alignment (RFC
//! 9989 4.10). So the notifications of this host, which are from its postmaster, are signed by the domain that it is in.
//! All keys of that domain sign, so that RSA and Ed25519 may stand side by side. A message of which no domain is the author beyond doubt, or of a domain without
//! a key, goes unsigned: its author may have signed it already. The message is read in blocks, never whole; the
//! time of the signature is that of the attempt.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use scop_core::UnixTime;
use scop_crypto::RUST_CRYPTO;
use scop_dkim::sign::{SignOptions, Signer, SignerError};
use scop_dmarc::author::mailboxes;
use scop_mime_core::{HeaderBlock, HeaderEnd, find_header_end};

use super::config;
use crate::a_label::a_labels;
use crate::error::Error;
use crate::key_file::SigningKey;
use crate::message::MAX_HEADER;
use crate::spool::Entry;

#[cfg(test)]
mod tests;

/// How much is read at once.
const BLOCK: usize = 64 << 10;

/// The keys of `[[sign]]`, which may be read again.
#[derive(Clone)]
pub(crate) struct Keys(Arc<RwLock<Arc<Vec<Key>>>>);

struct Key {
    domain: String,
    selector: String,
    private: SigningKey,
}

impl Keys {
    /// Reads the key files.
    ///
    /// # Errors
    /// The first that is none, or a domain or selector that no signature can have.
    pub(crate) fn read(keys: &[config::Key]) -> Result<Self, Error> {
        Ok(Self(Arc::new(RwLock::new(Arc::new(read(keys)?)))))
    }

    /// Reads the files again; those in use stay where one cannot be used.
    ///
    /// # Errors
    /// As [`Keys::read`].
    pub(crate) fn read_again(&self, keys: &[config::Key]) -> Result<(), Error> {
        let keys = Arc::new(read(keys)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// The signature fields of a message, one for each key of its author. Blocks.
    ///
    /// # Errors
    /// When the message cannot be read.
    pub(crate) fn sign(&self, entry: &Entry) -> io::Result<Vec<u8>> {
        let keys = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = UnixTime(since.map_or(0, |since| since.as_secs()));
        let header = read_header(entry)?;
        let Some((header, body)) = header else {
            tracing::warn!(id = %entry.id, "not signed: its header is longer than 1 MiB");
            return Ok(Vec::new());
        };
        let block = HeaderBlock::new(&header);
        let Some(domain) = author_domain(block) else {
            tracing::debug!(id = %entry.id, "not signed: no single domain is its author");
            return Ok(Vec::new());
        };
        let mut signers = Vec::new();
        for key in nearest(&keys, &domain) {
            let options =
                SignOptions::new(key.domain.as_bytes(), key.selector.as_bytes()).signed_at(now);
            match Signer::new(block, key.private.as_sign(), RUST_CRYPTO, options) {
                Ok(signer) => signers.push((key, signer)),
                Err(error) => key.say(entry, error),
            }
        }
        if signers.is_empty() {
            tracing::debug!(id = %entry.id, domain, "not signed: there is no key for its author");
            return Ok(Vec::new());
        }
        blocks(
            &entry.file,
            entry.start + body,
            entry.octets.saturating_sub(body),
            |block| {
                for (_, signer) in &mut signers {
                    signer.body(block);
                }
            },
        )?;
        let mut fields = Vec::new();
        for (key, signer) in signers {
            let before = fields.len();
            if let Err(error) = signer.finish(&mut fields) {
                fields.truncate(before);
                key.say(entry, error);
            }
        }
        Ok(fields)
    }
}

impl Key {
    fn say(&self, entry: &Entry, error: SignerError) {
        tracing::warn!(
            id = %entry.id, domain = self.domain, selector = self.selector, %error,
            "not signed with this key"
        );
    }
}

fn read(keys: &[config::Key]) -> Result<Vec<Key>, Error> {
    // A message that every key can sign, to find out what is wrong with a key before there is one.
    let trial = HeaderBlock::new(b"From: postmaster@example.org\r\n");
    let keys = keys.iter().map(|key| {
        let read = Key {
            domain: key.domain.trim_end_matches('.').to_owned(),
            selector: key.selector.clone(),
            private: SigningKey::read(&key.file)?,
        };
        let options = SignOptions::new(read.domain.as_bytes(), read.selector.as_bytes());
        let signed = Signer::new(trial, read.private.as_sign(), RUST_CRYPTO, options)
            .and_then(|signer| signer.finish(&mut Vec::new()));
        match signed {
            Ok(()) => Ok(read),
            Err(error) => Err(Error::new(
                format_args!("[[sign]] {}._domainkey.{}", key.selector, key.domain),
                error,
            )),
        }
    });
    keys.collect()
}

/// The keys of a domain, or of the nearest one above it that has any.
fn nearest<'k>(keys: &'k [Key], domain: &str) -> impl Iterator<Item = &'k Key> {
    let has_key = |domain: &&str| {
        keys.iter()
            .any(|key| key.domain.eq_ignore_ascii_case(domain))
    };
    let signing = above(domain).find(has_key).unwrap_or_default().to_owned();
    (keys.iter()).filter(move |key| key.domain.eq_ignore_ascii_case(&signing))
}

/// A domain and those above it.
pub(super) fn above(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain), |domain| {
        domain.split_once('.').map(|(_, rest)| rest)
    })
}

/// The domain of the author in A-labels (RFC 8616 5), when there is one beyond doubt.
fn author_domain(header: HeaderBlock<'_>) -> Option<String> {
    let from = mailboxes(header, b"From").ok()??;
    let mut domains = from.mailboxes().map(|mailbox| {
        let domain = mailbox.addr_spec().domain().to_string();
        a_labels(&domain)
            .ok()
            .map(|domain| domain.to_ascii_lowercase())
    });
    let first = domains.next()??;
    domains
        .all(|domain| domain.as_ref() == Some(&first))
        .then_some(first)
}

/// The header of a message, and where in it the body begins; none when the header is too long.
fn read_header(entry: &Entry) -> io::Result<Option<(Vec<u8>, u64)>> {
    let mut header = Vec::new();
    let mut resume = 0;
    loop {
        let length = entry
            .octets
            .saturating_sub(header.len() as u64)
            .min(BLOCK as u64);
        if length == 0 {
            let octets = header.len() as u64;
            return Ok(Some((header, octets)));
        }
        if header.len() > MAX_HEADER {
            return Ok(None);
        }
        let read = header.len();
        header.resize(read + usize::try_from(length).unwrap_or(BLOCK), 0);
        let block = header.get_mut(read..).unwrap_or_default();
        entry.file.read_exact_at(block, entry.start + read as u64)?;
        match find_header_end(&header, resume) {
            HeaderEnd::Found {
                header_len,
                body_start,
            } => {
                header.truncate(header_len);
                return Ok(Some((header, body_start as u64)));
            }
            HeaderEnd::NotYet { resume: next } => resume = next,
        }
    }
}

/// Hands out the octets of a file from `start` on.
fn blocks(file: &File, start: u64, octets: u64, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut block = vec![0; usize::try_from(octets.min(BLOCK as u64)).unwrap_or(BLOCK)];
    let mut read = 0;
    while read < octets {
        let length = (octets - read).min(BLOCK as u64);
        let block = block
            .get_mut(..usize::try_from(length).unwrap_or(BLOCK))
            .unwrap_or_default();
        file.read_exact_at(block, start + read)?;
        each(block);
        read += length;
    }
    Ok(())
}
