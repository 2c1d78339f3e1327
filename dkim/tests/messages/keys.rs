//! Keys made for these tests and used nowhere else, a zone with their records, and one call that verifies a message.

use std::collections::BTreeMap;

use scop_core::crypto::{HashAlgorithm, Hasher, Sign};
use scop_core::{Answer, Emit, Lookup, Query, Rdata, Security, Txt, UnixTime, lookup};
use scop_crypto::{Ed25519SigningKey, RUST_CRYPTO, RsaSigningKey};
use scop_dkim::key_record::Publish;
use scop_dkim::sign::{SignOptions, Signer};
use scop_dkim::verify::{DkimResult, Limits, Reason, Verifier};
use scop_mime_core::Message;

/// The time of all tests that name none.
pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);

/// A byte sink of any length, where the crate is built without `alloc`.
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl scop_core::Sink for Bytes {
    fn put(&mut self, bytes: &[u8]) -> Result<(), scop_core::Full> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

pub(crate) fn emitted(value: &impl Emit) -> Vec<u8> {
    let mut bytes = Bytes(Vec::new());
    value.emit(&mut bytes).unwrap();
    bytes.0
}

/// TXT records by name; a name may have several.
#[derive(Clone, Default)]
pub(crate) struct Zone(BTreeMap<String, Vec<Vec<u8>>>);

impl Zone {
    pub(crate) fn with(mut self, name: &str, text: impl Into<Vec<u8>>) -> Self {
        self.0
            .entry(format!("{name}."))
            .or_default()
            .push(text.into());
        self
    }

    /// Answers all queries of a machine.
    pub(crate) fn drive<L: Lookup>(&self, machine: &mut L) {
        let records: BTreeMap<&str, Vec<Rdata<'_>>> = self
            .0
            .iter()
            .map(|(name, texts)| {
                let rdata = texts.iter().map(|text| Rdata::Txt(Txt::joined(text)));
                (name.as_str(), rdata.collect())
            })
            .collect();
        let _ = lookup::drive(machine, |query: Query<'_>| {
            records
                .get(query.name.to_string().as_str())
                .map_or(Answer::NxDomain(Security::Indeterminate), |records| {
                    Answer::records(records)
                })
        });
    }
}

/// The results of all signatures.
pub(crate) fn verify_with(
    message: &[u8],
    zone: &Zone,
    now: UnixTime,
    limits: &Limits,
) -> Vec<(DkimResult, Reason)> {
    let message = Message::split(message);
    let mut verifier = Verifier::<10>::new(message.header, RUST_CRYPTO, now, limits);
    zone.drive(&mut verifier);
    verifier.body(message.body).unwrap();
    verifier.finish_body().unwrap();
    let verdict = verifier.verdict().expect("all is there");
    verdict
        .iter()
        .map(|result| (result.result(), result.reason()))
        .collect()
}

pub(crate) fn verify(message: &[u8], zone: &Zone) -> Vec<(DkimResult, Reason)> {
    verify_with(message, zone, NOW, &Limits::DEFAULT)
}

/// The reason of the only signature.
pub(crate) fn reason(message: &[u8], zone: &Zone) -> Reason {
    let results = verify(message, zone);
    assert_eq!(results.len(), 1);
    results[0].1
}

pub(crate) fn ed25519() -> Ed25519SigningKey {
    Ed25519SigningKey::from_seed(&[42; 32])
}

pub(crate) fn rsa() -> RsaSigningKey {
    RsaSigningKey::from_pem(include_bytes!("rsa2048.pem")).unwrap()
}

pub(crate) fn rsa1024() -> RsaSigningKey {
    RsaSigningKey::from_pem(include_bytes!("rsa1024.pem")).unwrap()
}

/// The records of the keys above, at `ed`, `rsa` and `small` of example.org.
pub(crate) fn zone() -> Zone {
    Zone::default()
        .with(
            "ed._domainkey.example.org",
            emitted(&Publish::ed25519(&ed25519().public_key())),
        )
        .with(
            "rsa._domainkey.example.org",
            emitted(&Publish::rsa(rsa().public_key_der())),
        )
        .with(
            "small._domainkey.example.org",
            emitted(&Publish::rsa(rsa1024().public_key_der())),
        )
}

/// The message with a signature on top.
pub(crate) fn signed(message: &[u8], key: &dyn Sign, options: SignOptions<'_>) -> Vec<u8> {
    let parts = Message::split(message);
    let mut signer = Signer::new(parts.header, key, RUST_CRYPTO, options).unwrap();
    signer.body(parts.body);
    let mut out = Bytes(Vec::new());
    signer.finish(&mut out).unwrap();
    out.0.extend_from_slice(message);
    out.0
}

pub(crate) fn sha256(data: &[u8]) -> Vec<u8> {
    let mut hasher = Hasher::new(RUST_CRYPTO.hash(HashAlgorithm::Sha256).unwrap());
    hasher.update(data);
    hasher.finish().as_bytes().to_vec()
}

/// Base64 by another way than that of the crate.
pub(crate) fn base64(octets: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in octets.chunks(3) {
        let bits = group
            .iter()
            .fold(0, |bits, octet| bits << 8 | u32::from(*octet));
        let bits = bits << (8 * (3 - group.len()));
        for digit in 0..4 {
            text.push(if digit <= group.len() {
                alphabet[(bits >> (18 - 6 * digit)) as usize & 63].into()
            } else {
                '='
            });
        }
    }
    text
}
