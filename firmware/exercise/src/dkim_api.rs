//! scop-dkim.

use core::hint::black_box;

use scop_core::crypto::{HashAlgorithm, Hasher};
use scop_core::{
    Answer, Emit, Lookup, Query, Rdata, Security, Sink, SliceSink, Step, Txt, UnixTime,
};
use scop_dkim::canonical::body::BodyCanonicalizer;
use scop_dkim::canonical::header::canonicalize;
use scop_dkim::canonical::{Canonicalization, Form};
use scop_dkim::key_record::{KeyRecord, KeyType, MAX_KEY, Publish};
use scop_dkim::sign::{DEFAULT_NAMES, SignOptions, SignedName, Signer, SignerError};
use scop_dkim::signature::{Algorithm, Signature};
use scop_dkim::tag_list::TagList;
use scop_dkim::verify::{BodyEnded, DkimResult, Limits, Reason, SignatureResult, Verifier};
use scop_mime_core::{HeaderBlock, Message};

use crate::crypto_api::{PROVIDER, signing_key};
use crate::tally::Tally;

/// RFC 8463 appendix A.3: one message with an Ed25519 and an RSA signature.
pub(crate) const RFC8463: &[u8] = include_bytes!("../fixtures/rfc8463.eml");
/// RFC 8463 appendix A.2.
pub(crate) const ED25519_KEY: &[u8] =
    b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
/// RFC 8463 appendix A.2.
pub(crate) const RSA_KEY: &[u8] =
    b"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6w\
    y5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9\
    PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";

/// When all messages arrive.
const NOW: UnixTime = UnixTime(1_800_000_000);

/// The header of the message that is signed here, and its body.
const HEADER: &[u8] = b"From: Joe <joe@example.org>\r\nSubject: Is dinner\r\n ready?\r\n";
const BODY: &[u8] = b"Hi.\r\n\r\nWe lost  the game. \r\n\r\n\r\n";

/// Reads `input` as all that DKIM reads, verifies the message of RFC 8463, signs and verifies that.
pub fn run(input: &[u8]) -> usize {
    let mut tally = Tally::default();
    for text in [input, black_box(ED25519_KEY), black_box(RSA_KEY)] {
        key_record(text, &mut tally);
    }
    canonical(input, &mut tally);
    let message = Message::split(black_box(RFC8463));
    for field in message.header.fields() {
        signature(field.value(), &mut tally);
    }
    signature(input, &mut tally);
    rfc8463(message, input, &mut tally);
    for (form, names) in [
        (Canonicalization::RELAXED, DEFAULT_NAMES),
        (
            Canonicalization::SIMPLE,
            &[SignedName::present(b"From"), SignedName::oversigned(input)],
        ),
    ] {
        let signed = sign(form, black_box(names), input, &mut tally);
        tally.check(signed.is_ok() || input.is_empty());
    }
    tally.finish()
}

fn key_record(text: &[u8], tally: &mut Tally) {
    let Ok(record) = KeyRecord::parse(text) else {
        return;
    };
    tally.bytes(record.tags().as_bytes());
    tally.flag(record.key_type() == KeyType::Ed25519);
    for flag in [
        record.is_revoked(),
        record.is_testing(),
        record.is_strict(),
        record.allows_hash(b"sha256"),
        record.allows_email(),
    ] {
        tally.flag(flag);
    }
    tally.check(record.decode(&mut [0; MAX_KEY]).is_ok());
}

fn canonical(input: &[u8], tally: &mut Tally) {
    let hash = PROVIDER.hash(HashAlgorithm::Sha256);
    let Some(mut hasher) = hash.map(Hasher::new) else {
        return tally.check(false);
    };
    tally.flag(Canonicalization::parse(input).is_some());
    for (name, form) in [(b"relaxed", Form::Relaxed), (b"simple/", Form::Simple)] {
        tally.check(Canonicalization::parse(name).is_none_or(|both| both.header == form));
        let mut buffer = [0; 64];
        let mut sink = SliceSink::new(&mut buffer);
        for field in HeaderBlock::new(black_box(HEADER)).fields() {
            tally.check(canonicalize(form, &field, &mut hasher).is_ok());
            tally.flag(canonicalize(form, &field, &mut sink).is_ok());
        }
        let mut sink = SliceSink::new(&mut buffer);
        let mut body = BodyCanonicalizer::new(black_box(form));
        for chunk in black_box(BODY).chunks(5) {
            tally.check(body.update(chunk, &mut sink).is_ok());
        }
        tally.check(body.finish(&mut sink).is_ok());
        tally.check(sink.written().starts_with(b"Hi.\r\n\r\nWe lost"));
        let mut sink = SliceSink::new(&mut buffer);
        let mut body = BodyCanonicalizer::new(black_box(form));
        tally.flag(body.update(input, &mut sink).is_ok());
        tally.flag(body.finish(&mut sink).is_ok());
        tally.bytes(sink.into_written());
    }
    tally.bytes(hasher.finish().as_bytes());
}

/// Reads a value as DKIM-Signature.
fn signature(value: &[u8], tally: &mut Tally) {
    if let Ok(tags) = TagList::parse(value) {
        for tag in &tags {
            tally.bytes(tag.name());
            tally.bytes(tag.value());
            tally.bytes(tag.raw());
            tally.add(tag.raw_span().len());
            tally.add(tag.value_offset());
        }
        tally.flag(tags.tag(b"bh").is_some() && tags.iter().count() > 3);
    }
    let Ok(signature) = Signature::parse(value) else {
        return;
    };
    tally.flag(signature.algorithm() == Algorithm::Ed25519Sha256);
    tally.bytes(signature.algorithm().as_str().as_bytes());
    tally.bytes(signature.canonicalization().header.as_str().as_bytes());
    tally.bytes(signature.domain());
    tally.bytes(signature.selector());
    tally.bytes(signature.auid().local_part());
    tally.bytes(signature.auid().domain());
    tally.add(signature.header_names().count());
    for number in [
        signature.timestamp().map(|time| time.0),
        signature.expiration().map(|time| time.0),
        signature.body_length(),
    ] {
        tally.flag(number.is_some_and(|number| number > 9));
    }
    tally.bytes(signature.tags().as_bytes());
    tally.emit(&signature.query_name());
}

/// Both signatures of RFC 8463 verify; with another body, and with another key, they do not.
fn rfc8463(message: Message<'_>, input: &[u8], tally: &mut Tally) {
    let [ed25519, rsa, other] =
        [ED25519_KEY, RSA_KEY, input].map(|text| [Rdata::Txt(Txt::joined(black_box(text)))]);
    let zone = |query: Query<'_>| match query.name.labels().next() {
        Some(b"brisbane") => Answer::records(&ed25519),
        Some(b"test") => Answer::records(&rsa),
        _ => Answer::NxDomain(Security::Insecure),
    };
    let verdicts = verify::<10>(message.header, &[message.body], zone, tally);
    // The stand-in computes no such hash.
    let is_real = cfg!(feature = "crypto");
    tally.check(verdicts.is_some_and(|[passed, all]| all == 2 && (passed == 2) == is_real));
    let verdicts = verify::<2>(message.header, &[message.body, input, b"more"], zone, tally);
    tally.check(verdicts == Some([0, 2]));
    let swapped = |_: Query<'_>| Answer::records(&other);
    let verdicts = verify::<1>(message.header, &[message.body], swapped, tally);
    tally.check(verdicts == Some([0, 1]));
}

/// Drives the verifier to its end: how many signatures passed, of how many.
// Not inlined, so that the frames of several machines do not add up.
#[inline(never)]
fn verify<'z, const N: usize>(
    header: HeaderBlock<'_>,
    body: &[&[u8]],
    resolve: impl Fn(Query<'_>) -> Answer<'z>,
    tally: &mut Tally,
) -> Option<[usize; 2]> {
    let mut limits = Limits::DEFAULT;
    limits.clock_skew = black_box(60);
    let mut verifier = Verifier::<N>::new(header, PROVIDER, black_box(NOW), &limits);
    for chunk in body {
        tally.check(verifier.body(chunk).is_ok());
    }
    tally.check(verifier.finish_body().is_ok());
    tally.check(verifier.body(b"late") == Err(BodyEnded));
    while let Step::Query(id) = verifier.poll() {
        let answer = verifier.query(id).map(&resolve)?;
        tally.check(verifier.answer(id, answer).is_ok());
        tally.check(verifier.answer(id, answer).is_err());
    }
    tally.add(verifier.skipped());
    let results = verifier.verdict()?;
    for result in results {
        tally.add(result.field_offset());
        tally.flag(result.is_testing());
        tally.flag(result.key_security() == Security::Secure);
        tally.bytes(result.result().as_str().as_bytes());
        tally.flag(result.signature().is_some());
    }
    let passed = results
        .iter()
        .filter(|result| result.reason() == Reason::Verified);
    tally.check(results.iter().all(is_consistent));
    Some([passed.count(), results.len()])
}

fn is_consistent(result: &SignatureResult<'_>) -> bool {
    (result.result() == DkimResult::Pass) == (result.reason() == Reason::Verified)
}

/// Signs, and verifies that; a body that is not the signed one fails.
fn sign(
    canonicalization: Canonicalization,
    names: &[SignedName<'_>],
    input: &[u8],
    tally: &mut Tally,
) -> Result<(), SignerError> {
    let (key, public) = signing_key();
    let header = HeaderBlock::new(black_box(HEADER));
    let body = black_box(BODY);
    let options = SignOptions::new(black_box(b"example.org"), black_box(b"s"))
        .canonicalization(canonicalization)
        .names(names)
        .auid(input, black_box(b"mail.example.org"))
        .signed_at(black_box(UnixTime(1_700_000_000)))
        .expires_at(black_box(UnixTime(1_900_000_000)));
    let mut signer = Signer::new(header, &key, PROVIDER, options)?;
    for chunk in body.chunks(7) {
        signer.body(chunk);
    }
    let mut buffer = [0; 1024];
    let mut sink = SliceSink::new(&mut buffer);
    let short = signer.clone().finish(&mut SliceSink::new(&mut [0; 9]));
    tally.check(short == Err(SignerError::Full));
    signer.finish(&mut sink)?;
    tally.check(sink.put(HEADER).is_ok());
    let mut text = [0; 128];
    let mut record = SliceSink::new(&mut text);
    let published = Publish::ed25519(&public).emit(&mut record);
    tally.check(published.is_ok());
    tally.emit(&Publish::rsa(input).testing().strict());
    let records = [Rdata::Txt(Txt::joined(record.written()))];
    let header = HeaderBlock::new(sink.written());
    let verdicts = verify::<4>(header, &[body], |_| Answer::records(&records), tally);
    tally.check(verdicts == Some([1, 1]));
    let other = &[black_box(b"Bye.\r\n".as_slice())];
    let verdicts = verify::<4>(header, other, |_| Answer::records(&records), tally);
    tally.check(verdicts == Some([0, 1]));
    Ok(())
}
