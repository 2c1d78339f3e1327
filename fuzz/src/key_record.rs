//! Key records: what is read is what a naive reader finds, and what is published is read back.

use scop_core::Emit;
use scop_core::crypto::PublicKey;
use scop_dkim::key_record::{KeyRecord, KeyRecordErrorKind, KeyType, MAX_KEY, Publish};

use crate::choice::Choice;
use crate::rfc6376::{decode, names, tag, tags};

/// The text of a TXT record; it also serves as a key to publish.
pub fn run(data: &[u8]) {
    check_publish(data);
    let naive = tags(data);
    let record = match KeyRecord::parse(data) {
        Ok(record) => record,
        Err(error) => {
            assert!(error.offset() <= data.len());
            match (error.kind(), &naive) {
                (KeyRecordErrorKind::TagList(_), None) => {}
                (KeyRecordErrorKind::MissingKey, Some(tags)) => assert_eq!(tag(tags, b"p"), None),
                (KeyRecordErrorKind::Version, Some(tags)) => {
                    assert!(tag(tags, b"v").is_some() && tags[0] != (b"v", b"DKIM1"));
                }
                (kind, naive) => panic!("{kind:?} {naive:?}"),
            }
            return;
        }
    };
    let tags = naive.expect("a key record is a tag list");
    let list = |name: &str| tag(&tags, name.as_bytes()).map(names);
    let has = |name: &str, item: &[u8]| list(name).is_some_and(|items| items.contains(&item));
    assert!(list("v").is_none() || tags[0] == (b"v", b"DKIM1"));
    let expected = match tag(&tags, b"k") {
        None | Some(b"rsa") => KeyType::Rsa,
        Some(b"ed25519") => KeyType::Ed25519,
        Some(_) => KeyType::Unknown,
    };
    assert_eq!(record.key_type(), expected);
    assert_eq!(record.is_testing(), has("t", b"y"));
    assert_eq!(record.is_strict(), has("t", b"s"));
    for hash in [&b"sha256"[..], b"sha1"] {
        assert_eq!(
            record.allows_hash(hash),
            list("h").is_none() || has("h", hash)
        );
    }
    let email = list("s").is_none() || has("s", b"email") || has("s", b"*");
    assert_eq!(record.allows_email(), email);

    let text = tag(&tags, b"p").expect("p= is required");
    assert_eq!(record.is_revoked(), text.is_empty());
    let mut buffer = [0; MAX_KEY];
    match (record.decode(&mut buffer), decode(text)) {
        (Ok(PublicKey::Ed25519(key)), Some(octets)) => {
            assert_eq!((key.len(), key), (32, &octets[..]));
        }
        (Ok(PublicKey::Rsa { modulus, exponent }), Some(octets)) => {
            // DER has one form for a value, so writing the numbers again gives the same octets.
            let bare = der(0x30, &[unsigned(modulus), unsigned(exponent)].concat());
            let bits = der(3, &[b"\0", &bare[..]].concat());
            let info = der(0x30, &[RSA_ENCRYPTION.to_vec(), bits].concat());
            assert!(octets == bare || octets == info);
        }
        (Ok(other), decoded) => panic!("{other:?} of {decoded:?}"),
        (Err(error), decoded) => {
            if error.kind() == KeyRecordErrorKind::Base64 {
                // Beyond the longest key the rest is not looked at.
                assert!(decoded.is_none_or(|octets| octets.len() > MAX_KEY));
            }
        }
    }
}

/// A published key is read back.
fn check_publish(data: &[u8]) {
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(data) {
        *to = *from;
    }
    let mut choice = Choice::of(data);
    let (testing, strict) = (choice.one_in(2), choice.one_in(2));
    let flagged = |mut publish: Publish<'_>| {
        if testing {
            publish = publish.testing();
        }
        if strict {
            publish = publish.strict();
        }
        publish.to_vec()
    };
    let text = flagged(Publish::ed25519(&key));
    let record = KeyRecord::parse(&text).expect("what was published can be read");
    assert_eq!((record.is_testing(), record.is_strict()), (testing, strict));
    let mut buffer = [0; MAX_KEY];
    match record.decode(&mut buffer) {
        Ok(PublicKey::Ed25519(read)) => assert_eq!(read, key),
        other => panic!("{other:?}"),
    }
    let text = flagged(Publish::rsa(data));
    let record = KeyRecord::parse(&text).expect("what was published can be read");
    assert_eq!(record.key_type(), KeyType::Rsa);
    let octets = record.tags().tag(b"p").and_then(|tag| decode(tag.value()));
    assert_eq!(octets.as_deref(), Some(data));
}

/// `rsaEncryption` with NULL (RFC 3279 2.3.1).
const RSA_ENCRYPTION: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// A positive INTEGER.
fn unsigned(number: &[u8]) -> Vec<u8> {
    let first = number
        .iter()
        .position(|&octet| octet > 0)
        .expect("it is positive");
    let digits = &number[first..];
    let sign: &[u8] = if digits[0] >= 0x80 { b"\0" } else { b"" };
    der(2, &[sign, digits].concat())
}

/// An element with the shortest length (X.690 10.1).
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let shortest = &length[length.iter().position(|&octet| octet > 0).unwrap_or(7)..];
    let mut element = vec![tag];
    if content.len() >= 0x80 {
        element.push(0x80 | u8::try_from(shortest.len()).expect("at most eight octets"));
    }
    element.extend(shortest);
    element.extend(content);
    element
}
