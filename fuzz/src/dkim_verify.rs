//! The verifier and the signer on whole messages.
//!
//! - The verdict depends neither on the order of answers nor on the chunks of the body, and agrees with
//!   a naive verifier.
//! - Nothing passes with a key that signed nothing.
//! - What is signed verifies, and no longer does when one octet of what is signed has changed.
//!
//! Keys come from fields `X-Key` of the message where it has some, as texts of TXT records.

use scop_core::crypto::PublicKey;
use scop_core::{Answer, Emit, Failure, Query, Rdata, Rtype, Security, Txt, UnixTime, lookup};
use scop_crypto::RUST_CRYPTO;
use scop_dkim::canonical::{Canonicalization, Form};
use scop_dkim::key_record::{KeyRecord, MAX_KEY};
use scop_dkim::sign::{SignOptions, SignedName, Signer, SignerError};
use scop_dkim::verify::{DkimResult, Limits, Reason, SignatureResult, Verifier};
use scop_mime_core::{HeaderBlock, Message};

use crate::choice::Choice;
use crate::header_scan::Naive;
use crate::order::Host;
use crate::rfc6376::{
    self, Order, decode, header_input, key_record, names, sha256, signing_key, tag,
};

/// The time of verification.
const NOW: UnixTime = UnixTime(1_800_000_000);

/// A message.
pub fn run(data: &[u8]) {
    let message = Message::split(data);
    let own_keys: Vec<&[u8]> = message
        .header
        .fields()
        .filter(|field| field.is(b"X-Key"))
        .map(|field| field.value().trim_ascii())
        .collect();
    let keys = if own_keys.is_empty() {
        FOREIGN_KEYS
    } else {
        &own_keys
    };
    let keys: Vec<Vec<Rdata<'_>>> = keys
        .iter()
        .map(|text| {
            let texts = text.split(|&byte| byte == b'|');
            texts.map(|text| Rdata::Txt(Txt::joined(text))).collect()
        })
        .collect();

    let mut choice = Choice::of(data);
    let expected = verify(data, &keys, None);
    for _ in 0..2 {
        assert_eq!(verify(data, &keys, Some(&mut choice)), expected);
    }
    if own_keys.is_empty() {
        assert!(
            expected
                .iter()
                .all(|result| result.1.result() != DkimResult::Pass)
        );
    }
    check_signing(data, &mut choice);
    check_several(data, &mut choice);
}

/// Keys with which nobody signs, texts that are no keys, and several keys at once.
const FOREIGN_KEYS: &[&[u8]] = &[
    // RFC 8463 A.2, whose private keys are known, but not used here.
    b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    b"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3id\
      Y6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\
      KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
    // Points of small order.
    b"k=ed25519; p=AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    b"k=ed25519; p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    b"v=DKIM1; p=",
    b"v=DKIM1; t=y:s; h=sha1; p=AAAA",
    b"v=spf1 -all",
    b"v=DKIM1; p=AAAA|v=DKIM1; p=AAAA",
];

/// The answer to a query is chosen by its name alone.
fn choose<'k>(keys: &'k [Vec<Rdata<'k>>], query: Query<'_>) -> Answer<'k> {
    assert_eq!(query.rtype, Rtype::TXT);
    let mut choice = Choice::of(&query.name.to_vec().to_ascii_lowercase());
    match choice.below(16) {
        0 => Answer::NxDomain(Security::Insecure),
        1 => Answer::NoData(Security::Secure),
        2 => Answer::Failed(Failure::ServerFailure),
        3 => Answer::NoData(Security::Bogus),
        _ => Answer::records(&keys[choice.below(keys.len())]),
    }
}

/// Where each signature is, and its result; `choice` makes the order and the chunks.
fn verify(
    data: &[u8],
    keys: &[Vec<Rdata<'_>>],
    mut choice: Option<&mut Choice>,
) -> Vec<(usize, Reason, bool, Security)> {
    let message = Message::split(data);
    let chunks = match &mut choice {
        Some(choice) => choice.chunks(message.body),
        None => vec![message.body],
    };
    let mut chunks = chunks.into_iter();
    let mut ended = false;
    let mut feed = |verifier: &mut Verifier<'_, '_>| {
        if let Some(chunk) = chunks.next() {
            verifier.body(chunk).expect("the body goes on");
        } else if !ended {
            verifier.finish_body().expect("the body ends once");
            ended = true;
        } else {
            assert!(verifier.body(b"more").is_err() && verifier.finish_body().is_err());
            return false;
        }
        true
    };
    let mut verifier = Verifier::new(message.header, RUST_CRYPTO, NOW, &Limits::DEFAULT);
    let queries = Host {
        resolve: &|query| choose(keys, query),
        feed: &mut feed,
        most: 10,
    }
    .run(&mut verifier, choice);
    while feed(&mut verifier) {}

    let results = lookup::Lookup::verdict(&verifier).expect("it is done");
    assert!(queries <= results.len());
    let fields = message
        .header
        .fields()
        .filter(|field| field.is(b"DKIM-Signature"));
    assert_eq!(fields.count(), results.len() + verifier.skipped());
    for result in results {
        check_result(&message, result, keys);
    }
    results
        .iter()
        .map(|result| {
            let (testing, security) = (result.is_testing(), result.key_security());
            (result.field_offset(), result.reason(), testing, security)
        })
        .collect()
}

/// Where the cryptography decided, the naive verifier decides the same.
fn check_result(message: &Message<'_>, result: &SignatureResult<'_>, keys: &[Vec<Rdata<'_>>]) {
    let reason = result.reason();
    assert_eq!(result.result(), reason.result());
    let decided = matches!(
        reason,
        Reason::Verified
            | Reason::BodyHashMismatch
            | Reason::BodyLengthLimit
            | Reason::BodyTooShort
            | Reason::SignatureMismatch
    );
    if !decided {
        return;
    }
    let signature = result.signature().expect("what verifies can be read");
    let name = signature.query_name();
    let Answer::Records(records, _) = choose(
        keys,
        Query {
            name,
            rtype: Rtype::TXT,
        },
    ) else {
        panic!("{reason} without a key");
    };
    let texts: Vec<Vec<u8>> = records
        .iter()
        .map(|rdata| match rdata {
            Rdata::Txt(txt) => txt.to_vec(),
            _ => unreachable!("all keys are texts"),
        })
        .collect();
    let mut keys = texts.iter().filter_map(|text| KeyRecord::parse(text).ok());
    let key = keys.next().expect("there is a key");
    assert!(keys.next().is_none(), "several keys");
    let mut buffer = [0; MAX_KEY];
    let key = key.decode(&mut buffer).expect("it is a key");
    let fields = Naive::read(message.header.as_bytes()).fields;
    assert_eq!(
        reason,
        naive_reason(result.field_offset(), &fields, message.body, key)
    );
}

fn naive_reason(offset: usize, fields: &[&[u8]], body: &[u8], key: PublicKey<'_>) -> Reason {
    let mut at = 0;
    let own = fields.iter().find(|raw| {
        at += raw.len();
        at > offset
    });
    let own = own.expect("the field is there");
    let colon = own
        .iter()
        .position(|&byte| byte == b':')
        .expect("it has a colon");
    let value = &own[colon + 1..];
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    let value = value.strip_suffix(b"\r").unwrap_or(value);
    let tags = rfc6376::tags(value).expect("it is a tag list");
    let tag = |name: &[u8]| tag(&tags, name);
    let form = |name: Option<&str>| match name {
        Some("relaxed") => rfc6376::Form::Relaxed,
        _ => rfc6376::Form::Simple,
    };
    let forms = String::from_utf8_lossy(tag(b"c").unwrap_or_default());
    let mut forms = forms.split('/');
    let (header_form, body_form) = (form(forms.next()), form(forms.next()));

    let names = names(tag(b"h").expect("h= is required"));
    let digest = sha256(&header_input(header_form, fields, &names, own));
    let signature = decode(tag(b"b").expect("b= is required")).expect("it is base64");
    let scheme = match key {
        PublicKey::Ed25519(_) => scop_core::crypto::SignatureAlgorithm::Ed25519,
        _ => scop_core::crypto::SignatureAlgorithm::RsaSha256,
    };
    let scheme = RUST_CRYPTO.verifier(scheme).expect("it is linked");
    if scheme.verify(key, digest.as_bytes(), &signature).is_err() {
        return Reason::SignatureMismatch;
    }
    let mut canonical = body_form.body(body);
    let total = canonical.len();
    let length = tag(b"l").map(|text| String::from_utf8_lossy(text).parse().unwrap_or(usize::MAX));
    canonical.truncate(length.unwrap_or(total));
    let hash = decode(tag(b"bh").expect("bh= is required")).expect("it is base64");
    match length {
        Some(length) if length > total => Reason::BodyTooShort,
        _ if sha256(&canonical).as_bytes() != hash => Reason::BodyHashMismatch,
        Some(length) if length < total => Reason::BodyLengthLimit,
        _ => Reason::Verified,
    }
}

/// Signs the message, with its line ends repaired in most cases.
fn check_signing(data: &[u8], choice: &mut Choice) {
    let data = if choice.one_in(4) {
        data.to_vec()
    } else {
        crlf(data)
    };
    let message = Message::split(&data);
    let forms = [Form::Simple, Form::Relaxed];
    let canonicalization = Canonicalization {
        header: choice.pick(&forms),
        body: choice.pick(&forms),
    };
    let signed = sign(&message, canonicalization, choice);
    let expected = signer_error(&message);
    let field = match signed {
        Ok(field) => field,
        Err(error) => return assert_eq!(Some(error), expected),
    };
    assert_eq!(expected, None);
    let whole = [&field[..], &data].concat();
    let verdict = verify_signed(&whole);
    assert_eq!(
        verdict.first(),
        Some(&(0, Reason::Verified)),
        "{}",
        field.escape_ascii()
    );

    // One octet of what is signed.
    let mut places = Vec::new();
    let mut offset = 0;
    for raw in HeaderBlock::new(&whole).fields() {
        let is_signed = SIGNED.iter().any(|name| raw.is(name));
        if offset == 0 || is_signed {
            places.extend(offset..offset + raw.raw().len());
        }
        offset += raw.raw().len();
    }
    places.extend(whole.len() - message.body.len()..whole.len());
    places.retain(|&at| !b" \t\r\n".contains(&whole[at]));
    let at = choice.pick(&places);
    let mut changed = whole;
    // Neither case nor white space makes this the same octet.
    changed[at] = if changed[at].eq_ignore_ascii_case(&b'q') {
        b'z'
    } else {
        b'q'
    };
    let verdict = verify_signed(&changed);
    assert!(
        verdict
            .iter()
            .all(|(_, reason)| reason.result() != DkimResult::Pass),
        "the change at {at} does not show"
    );
}

fn sign(
    message: &Message<'_>,
    canonicalization: Canonicalization,
    choice: &mut Choice,
) -> Result<Vec<u8>, SignerError> {
    let key = signing_key();
    let mut names = SIGNED.map(SignedName::oversigned);
    for (name, text) in names.iter_mut().zip(SIGNED).skip(4) {
        *name = SignedName::present(text);
    }
    let mut options = SignOptions::new(b"example.org", b"fuzz")
        .canonicalization(canonicalization)
        .names(&names);
    if choice.one_in(2) {
        options = options.signed_at(NOW).expires_at(UnixTime(NOW.0 + 1));
    }
    if choice.one_in(2) {
        let local_part = &message.body[..message.body.len().min(64)];
        options = options.auid(local_part, b"sub.example.org");
    }
    let mut signer = Signer::new(message.header, &key, RUST_CRYPTO, options)?;
    for chunk in choice.chunks(message.body) {
        signer.body(chunk);
    }
    let mut field = Vec::new();
    signer.finish(&mut field)?;
    Ok(field)
}

/// The fields that are signed. Those of the first four names can also not be added; the signature itself
/// does not count as one.
const SIGNED: [&[u8]; 6] = [
    b"From",
    b"To",
    b"Subject",
    b"DKIM-Signature",
    b"Received",
    b"X-Key",
];

/// Signatures in several forms and over several lengths of one body each have their own result.
fn check_several(data: &[u8], choice: &mut Choice) {
    let message = Message::split(data);
    // The header of the message may begin with a line that continues the one before.
    let header = b"From: joe@example.org\r\n";
    let forms = [rfc6376::Form::Simple, rfc6376::Form::Relaxed];
    let mut whole = Vec::new();
    let mut expected = Vec::new();
    for _ in 0..3 {
        let body = choice.pick(&forms);
        let total = body.body(message.body).len();
        let length = match choice.below(3) {
            0 => None,
            1 => Some(total),
            _ => Some(choice.below(total + 2)),
        };
        let order = Order {
            header: choice.pick(&forms),
            body,
            names: &["From", "From", "DKIM-Signature-Of-Another"],
            length,
        };
        expected.push((
            whole.len(),
            match length {
                Some(length) if length < total => Reason::BodyLengthLimit,
                Some(length) if length > total => Reason::BodyTooShort,
                _ => Reason::Verified,
            },
        ));
        whole.extend(rfc6376::sign(header, message.body, &order));
    }
    whole.extend(header);
    whole.extend(b"\r\n");
    whole.extend(message.body);
    assert_eq!(verify_signed(&whole), expected);
}

/// What keeps a message from being signed.
fn signer_error(message: &Message<'_>) -> Option<SignerError> {
    let has_bare = |text: &[u8]| crlf(text) != text;
    let header = message.header.as_bytes();
    if has_bare(header) || !header.ends_with(b"\r\n") {
        return Some(SignerError::BareLineEnd);
    }
    if header.starts_with(b" ") || header.starts_with(b"\t") {
        return Some(SignerError::LeadingFold);
    }
    let count = |name: &[u8]| {
        message
            .header
            .fields()
            .filter(|field| field.is(name))
            .count()
    };
    match count(b"From") {
        0 => return Some(SignerError::NoFrom),
        1 => {}
        _ => return Some(SignerError::SeveralFrom),
    }
    if SIGNED.iter().map(|name| count(name)).sum::<usize>() + 4 > 128 {
        return Some(SignerError::TooManyNames);
    }
    if has_bare(message.body) {
        return Some(SignerError::BareLineEnd);
    }
    None
}

/// CR and LF alone made CRLF.
fn crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'\r' if text.get(at + 1) == Some(&b'\n') => {}
            b'\r' | b'\n' => out.extend(b"\r\n"),
            byte => out.push(byte),
        }
    }
    out
}

/// Only the key of the signer is known.
fn verify_signed(data: &[u8]) -> Vec<(usize, Reason)> {
    let message = Message::split(data);
    let mut verifier = Verifier::<10>::new(message.header, RUST_CRYPTO, NOW, &Limits::DEFAULT);
    verifier.body(message.body).expect("the body goes on");
    verifier.finish_body().expect("the body ends once");
    let text = key_record();
    let key = [Rdata::Txt(Txt::joined(text.as_bytes()))];
    let verdict = lookup::drive(&mut verifier, |query| {
        if query.name.to_string() == "fuzz._domainkey.example.org." {
            Answer::records(&key)
        } else {
            Answer::NxDomain(Security::Insecure)
        }
    });
    let results = verdict.expect("it is done").iter();
    results
        .map(|result| (result.field_offset(), result.reason()))
        .collect()
}
