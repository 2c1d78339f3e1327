//! A signer of its own: simple/simple, one signature on top, written from RFC 6376 3.7 and RFC 8463.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scop_core::crypto::{HashAlgorithm, Hasher, MAX_SIGNATURE, Sign};
use scop_crypto::{Ed25519SigningKey, RUST_CRYPTO};
use scop_mime_core::Message;

/// The seed of the honest domain's key, and that of the attacker's.
pub(crate) const GOOD_KEY: u8 = 1;
pub(crate) const EVIL_KEY: u8 = 2;

/// The key record.
pub(crate) fn key_record(seed: u8) -> String {
    let key = Ed25519SigningKey::from_seed(&[seed; 32]).public_key();
    format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(key))
}

/// The message with a signature in front; `extra` are further tags, each with its semicolon.
pub(crate) fn sign(message: &str, domain: &str, selector: &str, seed: u8, extra: &str) -> String {
    let parts = Message::split(message.as_bytes());
    let hash = |bytes: &[u8]| {
        let mut hasher = Hasher::new(RUST_CRYPTO.hash(HashAlgorithm::Sha256).unwrap());
        hasher.update(bytes);
        hasher.finish()
    };
    let body_hash = STANDARD.encode(hash(parts.body).as_bytes());
    let field = format!(
        "DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d={domain}; s={selector}; {extra}\
         h=From; bh={body_hash}; b="
    );
    let mut signed = Vec::new();
    let from = parts.header.fields().rev().find(|field| field.is(b"From"));
    signed.extend(from.map(|field| field.raw()).unwrap_or_default());
    signed.extend(field.as_bytes());
    let mut signature = [0; MAX_SIGNATURE];
    let key = Ed25519SigningKey::from_seed(&[seed; 32]);
    let len = key.sign(hash(&signed).as_bytes(), &mut signature).unwrap();
    format!("{field}{}\r\n{message}", STANDARD.encode(&signature[..len]))
}
