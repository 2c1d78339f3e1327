//! How fast bodies are canonicalised and hashed: `cargo run --release -p scop-dkim --example throughput`.
//!
//! The best of many runs over 1 MB counts, because other load on the machine only ever slows down.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a measurement"
)]

use core::hint::black_box;
use std::time::Instant;

use scop_core::crypto::{HashAlgorithm, Hasher};
use scop_core::{Counter, Full, Sink, UnixTime};
use scop_crypto::{Ed25519SigningKey, RUST_CRYPTO};
use scop_dkim::canonical::{Canonicalization, Form, body::BodyCanonicalizer};
use scop_dkim::sign::{SignOptions, Signer};
use scop_dkim::verify::{Limits, Verifier};
use scop_mime_core::Message;

const SIZE: usize = 1_000_000;

/// Takes what comes and looks at none of it.
struct Nothing;

impl Sink for Nothing {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        black_box(bytes.as_ptr());
        Ok(())
    }
}

/// A message for the verifier, signed.
fn signed(body: &[u8], form: Form) -> Vec<u8> {
    let header = b"From: a@example.org\r\nSubject: x\r\n\r\n";
    let key = Ed25519SigningKey::from_seed(&[1; 32]);
    let canonicalization = Canonicalization {
        header: Form::Relaxed,
        body: form,
    };
    let options = SignOptions::new(b"example.org", b"s").canonicalization(canonicalization);
    let header_block = Message::split(header).header;
    let mut signer = Signer::new(header_block, &key, RUST_CRYPTO, options).unwrap();
    signer.body(body);
    let mut buffer = [0; 2048];
    let mut field = scop_core::SliceSink::new(&mut buffer);
    signer.finish(&mut field).unwrap();
    [field.written(), header, body].concat()
}

fn repeat(line: &[u8]) -> Vec<u8> {
    line.iter()
        .copied()
        .cycle()
        .take(SIZE / line.len() * line.len())
        .collect()
}

/// The best rate of many runs, in MB/s.
fn rate(bytes: usize, mut run: impl FnMut()) -> f64 {
    let best = (0..200)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .min()
        .unwrap();
    bytes as f64 / 1e6 / best.as_secs_f64()
}

fn main() {
    let bodies: [(&str, Vec<u8>); 4] = [
        (
            "plain text, 75 columns",
            repeat(
                b"The quick brown fox jumps over the lazy dog, and then it rests for a while.\r\n",
            ),
        ),
        (
            "two blanks in each line",
            repeat(
                b"The quick  brown fox jumps over the lazy dog, and then it rests a while. \r\n",
            ),
        ),
        (
            "base64, 76 columns",
            repeat(
                b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\r\n",
            ),
        ),
        ("blanks and tabs only", repeat(b" \ta  \r\n")),
    ];
    println!(
        "{:24} {:8} {:>12} {:>12} {:>12}",
        "MB/s", "form", "canonical", "and hash", "verifier"
    );
    for (name, body) in &bodies {
        for form in [Form::Simple, Form::Relaxed] {
            let canonical = rate(body.len(), || {
                let mut canonicalizer = BodyCanonicalizer::new(form);
                canonicalizer.update(black_box(body), &mut Nothing).unwrap();
                canonicalizer.finish(&mut Nothing).unwrap();
            });
            let hashed = rate(body.len(), || {
                let mut hasher = Hasher::new(RUST_CRYPTO.hash(HashAlgorithm::Sha256).unwrap());
                let mut canonicalizer = BodyCanonicalizer::new(form);
                canonicalizer.update(black_box(body), &mut hasher).unwrap();
                canonicalizer.finish(&mut hasher).unwrap();
                black_box(hasher.finish());
            });
            let message = signed(body, form);
            let message = Message::split(&message);
            let verified = rate(body.len(), || {
                let now = UnixTime(0);
                let mut verifier =
                    Verifier::<10>::new(message.header, RUST_CRYPTO, now, &Limits::DEFAULT);
                verifier.body(black_box(message.body)).unwrap();
                verifier.finish_body().unwrap();
                black_box(&verifier);
            });
            println!(
                "{name:24} {:8} {canonical:12.0} {hashed:12.0} {verified:12.0}",
                form.as_str()
            );
        }
    }
    let mut counter = Counter::default();
    counter.put(&bodies[0].1).unwrap();
    let hash = rate(SIZE, || {
        let mut hasher = Hasher::new(RUST_CRYPTO.hash(HashAlgorithm::Sha256).unwrap());
        hasher.update(black_box(&bodies[0].1));
        black_box(hasher.finish());
    });
    println!("SHA-256 alone: {hash:.0} MB/s");
}
