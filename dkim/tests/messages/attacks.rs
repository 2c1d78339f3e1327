//! Known attacks on DKIM, each with the rule that stops it.

use core::fmt::Write;
use core::time::Duration;
use std::time::Instant;

use scop_core::crypto::Provider;
use scop_core::{Lookup, Step, UnixTime};
use scop_crypto::RUST_CRYPTO;
use scop_dkim::key_record::{KeyRecordErrorKind, Publish};
use scop_dkim::sign::SignOptions;
use scop_dkim::signature::SignatureErrorKind;
use scop_dkim::verify::{DkimResult, Limits, MAX_HEADER_NAMES, Reason, Verifier};
use scop_mime_core::{HeaderBlock, Message};

use crate::keys::{self, NOW, Zone, emitted, reason, signed, verify, verify_with, zone};

const MESSAGE: &[u8] = b"From: Joe <joe@example.org>\r\nSubject: x\r\n\r\nHi.\r\n";

fn options(selector: &str) -> SignOptions<'_> {
    SignOptions::new(b"example.org", selector.as_bytes()).signed_at(NOW)
}

fn ed_signed(message: &[u8]) -> Vec<u8> {
    signed(message, &keys::ed25519(), options("ed"))
}

fn replaced(message: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = core::str::from_utf8(message).unwrap();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

/// Signing without the signer.
mod by_hand {
    use scop_core::crypto::Sign;

    use crate::keys::{base64, sha256};

    /// A simple/simple signature of the first `covered` octets of the body, by the key at `ed`.
    pub(super) fn signed_part(extra: &str, body: &str, covered: usize) -> Vec<u8> {
        let fields = "From: joe@example.org\r\n";
        let hash = base64(&sha256(&body.as_bytes()[..covered]));
        let start = format!(
            "DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=ed; h=from; {extra}bh={hash}; b="
        );
        let digest = sha256(format!("{fields}{start}").as_bytes());
        let mut signature = [0; 512];
        let length = crate::keys::ed25519()
            .sign(&digest, &mut signature)
            .unwrap();
        let signature = base64(&signature[..length]);
        format!("{start}{signature}\r\n{fields}\r\n{body}").into_bytes()
    }

    pub(super) fn signed(extra: &str, body: &str) -> Vec<u8> {
        signed_part(extra, body, body.len())
    }
}

#[test]
fn body_length_limit_is_never_a_plain_pass() {
    let zone = zone();
    // It covers all: nothing was added, and nothing is hidden.
    assert_eq!(
        reason(&by_hand::signed("l=5; ", "Hi.\r\n"), &zone),
        Reason::Verified
    );
    // Something was added.
    let added = [
        &by_hand::signed("l=5; ", "Hi.\r\n")[..],
        b"<img src=evil>\r\n",
    ]
    .concat();
    assert_eq!(
        verify(&added, &zone),
        [(DkimResult::Policy, Reason::BodyLengthLimit)]
    );
    // A signer left the end open.
    let open = by_hand::signed_part("l=5; ", "Hi.\r\nmore\r\n", 5);
    assert_eq!(reason(&open, &zone), Reason::BodyLengthLimit);
    let open = by_hand::signed_part("l=0; ", "Hi.\r\n", 0);
    assert_eq!(reason(&open, &zone), Reason::BodyLengthLimit);
    // The covered part was changed, or cut.
    let changed = replaced(&added, "Hi.", "Ha.");
    assert_eq!(reason(&changed, &zone), Reason::BodyHashMismatch);
    let cut = by_hand::signed("l=6; ", "Hi.\r\n");
    assert_eq!(
        verify(&cut, &zone),
        [(DkimResult::Fail, Reason::BodyTooShort)]
    );
    let huge = by_hand::signed(&format!("l={}; ", "9".repeat(76)), "Hi.\r\n");
    assert_eq!(reason(&huge, &zone), Reason::BodyTooShort);
}

#[test]
fn from_must_be_signed() {
    let message = replaced(&ed_signed(MESSAGE), "h=From:From:", "h=");
    let Reason::Malformed(error) = reason(&message, &zone()) else {
        panic!()
    };
    assert_eq!(error.kind(), SignatureErrorKind::FromNotSigned);
}

#[test]
fn oversigned_fields_cannot_be_added() {
    let message = ed_signed(MESSAGE);
    assert_eq!(reason(&message, &zone()), Reason::Verified);
    for name in [
        "From",
        "Subject",
        "To",
        "Cc",
        "Reply-To",
        "Date",
        "Message-ID",
        "Content-Type",
        "MIME-Version",
    ] {
        let field = format!("{name}: added\r\n");
        let above = [field.as_bytes(), &message].concat();
        assert_eq!(
            reason(&above, &zone()),
            Reason::SignatureMismatch,
            "{name} above"
        );
        let below = replaced(&message, "\r\n\r\n", &format!("\r\n{field}\r\n"));
        assert_eq!(
            reason(&below, &zone()),
            Reason::SignatureMismatch,
            "{name} below"
        );
    }
    let other = [b"X-Relay: added\r\n", &message[..]].concat();
    assert_eq!(reason(&other, &zone()), Reason::Verified);
}

#[test]
fn the_lowest_field_is_the_signed_one() {
    // By hand, so not oversigned: a From above is not what was signed, one below breaks it.
    let message = by_hand::signed("", "Hi.\r\n");
    let above = [b"From: eve@example.net\r\n", &message[..]].concat();
    assert_eq!(reason(&above, &zone()), Reason::Verified);
    let below = replaced(&message, "\r\n\r\n", "\r\nFrom: eve@example.net\r\n\r\n");
    assert_eq!(reason(&below, &zone()), Reason::SignatureMismatch);
}

#[test]
fn replay_is_bounded_by_the_clock() {
    let zone = zone();
    let day = 86_400;
    let message = signed(
        MESSAGE,
        &keys::ed25519(),
        options("ed").expires_at(UnixTime(NOW.0 + day)),
    );
    let skew = Limits::DEFAULT.clock_skew;
    for (now, expected) in [
        (NOW.0, Reason::Verified),
        (NOW.0 - skew, Reason::Verified),
        (NOW.0 - skew - 1, Reason::NotYetSigned),
        (NOW.0 + day + skew, Reason::Verified),
        (NOW.0 + day + skew + 1, Reason::Expired),
        (0, Reason::NotYetSigned),
        (u64::MAX, Reason::Expired),
    ] {
        let results = verify_with(&message, &zone, UnixTime(now), &Limits::DEFAULT);
        assert_eq!(results, [(expected.result(), expected)], "{now}");
    }
    assert_eq!(Reason::Expired.result(), DkimResult::Fail);
    let mut strict = Limits::DEFAULT;
    strict.clock_skew = 0;
    let results = verify_with(&message, &zone, UnixTime(NOW.0 + day + 1), &strict);
    assert_eq!(results[0].1, Reason::Expired);
}

#[test]
fn only_host_labels_reach_the_dns() {
    let message = ed_signed(MESSAGE);
    for bad in [
        "example.org(.attacker.com",
        "example.org'.attacker.com",
        "\"example.org\".attacker.com",
        "example.org .attacker.com",
        "example.org\\.attacker.com",
        "example.org@attacker.com",
    ] {
        for tag in ["d", "s"] {
            let (from, to) = match tag {
                "d" => ("d=example.org;", format!("d={bad};")),
                _ => ("s=ed;", format!("s={bad};")),
            };
            let message = replaced(&message, from, &to);
            let header = Message::split(&message).header;
            let mut verifier: Verifier<'_, '_> =
                Verifier::new(header, RUST_CRYPTO, NOW, &Limits::DEFAULT);
            assert_eq!(verifier.poll(), Step::Done, "{tag}={bad}");
        }
    }
    let nul = replaced(&message, "d=example.org;", "d=example.org\0.attacker.com;");
    assert!(matches!(reason(&nul, &zone()), Reason::Malformed(_)));
}

#[test]
fn sha1_and_unknown_algorithms() {
    let message = ed_signed(MESSAGE);
    for (algorithm, expected) in [
        ("rsa-sha1", Reason::Sha1),
        ("ed25519-sha1", Reason::UnknownAlgorithm),
        ("rsa-md5", Reason::UnknownAlgorithm),
        ("RSA-SHA256", Reason::UnknownAlgorithm),
    ] {
        let message = replaced(&message, "a=ed25519-sha256", &format!("a={algorithm}"));
        assert_eq!(
            verify(&message, &zone()),
            [(DkimResult::PermError, expected)],
            "{algorithm}"
        );
    }
}

#[test]
fn key_and_algorithm_cannot_be_confused() {
    let message = ed_signed(MESSAGE);
    // The RSA key under the name of the Ed25519 key, and the type without the octets.
    let ed = emitted(&Publish::ed25519(&keys::ed25519().public_key()));
    let rsa = emitted(&Publish::rsa(keys::rsa().public_key_der()));
    let ed_as_rsa = replaced(&ed, "k=ed25519", "k=rsa");
    let rsa_as_ed = replaced(&rsa, "k=rsa", "k=ed25519");
    for (record, expected) in [
        (&rsa, Reason::KeyTypeMismatch),
        (&ed_as_rsa, Reason::KeyTypeMismatch),
        (&rsa_as_ed, Reason::KeyRecord(KeyRecordErrorKind::KeyLength)),
    ] {
        let zone = Zone::default().with("ed._domainkey.example.org", record.clone());
        assert_eq!(reason(&message, &zone), expected);
    }
    let as_rsa = replaced(&message, "a=ed25519-sha256", "a=rsa-sha256");
    assert_eq!(reason(&as_rsa, &zone()), Reason::KeyTypeMismatch);
    let zone = Zone::default().with("ed._domainkey.example.org", ed_as_rsa);
    assert_eq!(
        reason(&as_rsa, &zone),
        Reason::KeyRecord(KeyRecordErrorKind::KeySyntax)
    );
}

/// Such a key is at fault, not the message: it can never verify anything.
#[test]
fn rsa_exponents_that_cannot_be_used() {
    let message = signed(MESSAGE, &keys::rsa(), options("rsa"));
    let der = keys::rsa().public_key_der().to_vec();
    let key = der.strip_suffix(&[1, 0, 1]).unwrap();
    for (exponent, expected) in [
        ([1, 0, 1], (DkimResult::Pass, Reason::Verified)),
        ([1, 0, 3], (DkimResult::Fail, Reason::SignatureMismatch)),
        (
            [1, 0, 2],
            (
                DkimResult::PermError,
                Reason::KeyRecord(KeyRecordErrorKind::KeyExponent),
            ),
        ),
    ] {
        let der = [key, &exponent].concat();
        let record = emitted(&Publish::rsa(&der));
        let zone = Zone::default().with("rsa._domainkey.example.org", record);
        assert_eq!(verify(&message, &zone), [expected], "{exponent:?}");
    }
}

#[test]
fn weak_and_huge_rsa_keys() {
    let message = signed(MESSAGE, &keys::rsa1024(), options("small"));
    assert_eq!(reason(&message, &zone()), Reason::Verified);
    let mut limits = Limits::DEFAULT;
    limits.min_rsa_bits = 1025;
    let results = verify_with(&message, &zone(), NOW, &limits);
    assert_eq!(results, [(DkimResult::PermError, Reason::KeyTooSmall)]);
    limits = Limits::DEFAULT;
    limits.max_rsa_bits = 1023;
    assert_eq!(
        verify_with(&message, &zone(), NOW, &limits)[0].1,
        Reason::KeyTooLarge
    );

    // Whatever the limits say, 512 bits are not taken, nor 1023.
    limits = Limits::DEFAULT;
    limits.min_rsa_bits = 0;
    limits.max_rsa_bits = u16::MAX;
    let der = |modulus: &[u8]| {
        let mut key = vec![0x02, 0x82, (modulus.len() >> 8) as u8, modulus.len() as u8];
        if modulus.len() < 0x100 {
            key = vec![0x02, 0x81, modulus.len() as u8];
        }
        if modulus.len() < 0x80 {
            key = vec![0x02, modulus.len() as u8];
        }
        key.extend(modulus);
        key.extend([0x02, 3, 1, 0, 1]);
        let mut whole = vec![0x30, 0x82, (key.len() >> 8) as u8, key.len() as u8];
        if key.len() < 0x100 {
            whole = vec![0x30, 0x81, key.len() as u8];
        }
        if key.len() < 0x80 {
            whole = vec![0x30, key.len() as u8];
        }
        whole.extend(key);
        whole
    };
    let modulus = |top: u8, len: usize| [&[top][..], &vec![0xff; len - 1]].concat();
    for (modulus, expected) in [
        (modulus(0x7f, 64), Reason::KeyTooSmall),
        (modulus(0x7f, 128), Reason::KeyTooSmall),
        (
            [&[0][..], &modulus(0xff, 128)].concat(),
            Reason::SignatureMismatch,
        ),
        (
            [&[0][..], &modulus(0xff, 512)].concat(),
            Reason::SignatureMismatch,
        ),
        (modulus(0x01, 513), Reason::KeyTooLarge),
        (
            [&[0][..], &modulus(0xff, 1024)].concat(),
            Reason::KeyTooLarge,
        ),
    ] {
        let record = emitted(&Publish::rsa(&der(&modulus)));
        let zone = Zone::default().with("small._domainkey.example.org", record);
        let results = verify_with(&message, &zone, NOW, &limits);
        assert_eq!(results[0].1, expected, "{} octets", modulus.len());
    }
}

#[test]
fn an_ed25519_key_has_32_octets() {
    let message = ed_signed(MESSAGE);
    let key = keys::ed25519().public_key();
    let record = replaced(&emitted(&Publish::rsa(&key[..31])), "k=rsa", "k=ed25519");
    let zone = Zone::default().with("ed._domainkey.example.org", record);
    let expected = Reason::KeyRecord(KeyRecordErrorKind::KeyLength);
    assert_eq!(reason(&message, &zone), expected);
}

#[test]
fn base64_has_one_spelling() {
    let message = ed_signed(MESSAGE);
    let text = String::from_utf8(message.clone()).unwrap();
    let start = text.find("bh=").unwrap() + 3;
    let hash = &text[start..start + 44];
    // The last digit before the padding has two bits that say nothing.
    let last = hash.as_bytes()[42];
    let other = [&hash.as_bytes()[..42], &[last + 1], b"="].concat();
    let changed = text.replacen(hash, core::str::from_utf8(&other).unwrap(), 1);
    let Reason::Malformed(error) = reason(changed.as_bytes(), &zone()) else {
        panic!()
    };
    assert_eq!(error.kind(), SignatureErrorKind::BodyHash);
}

#[test]
fn flags_of_the_key_are_obeyed() {
    let record = |tags: &str| {
        let text = emitted(&Publish::ed25519(&keys::ed25519().public_key()));
        replaced(&text, "k=ed25519", &format!("k=ed25519; {tags}"))
    };
    let plain = ed_signed(MESSAGE);
    let below = signed(
        MESSAGE,
        &keys::ed25519(),
        options("ed").auid(b"joe", b"mail.example.org"),
    );
    for (tags, message, expected) in [
        ("h=sha1", &plain, Reason::KeyHashNotAllowed),
        ("h=sha256:sha512", &plain, Reason::Verified),
        ("s=tlsrpt", &plain, Reason::KeyNotForEmail),
        ("s=*", &plain, Reason::Verified),
        ("t=s", &plain, Reason::Verified),
        ("t=s", &below, Reason::StrictDomain),
        ("n=x", &below, Reason::Verified),
    ] {
        let zone = Zone::default().with("ed._domainkey.example.org", record(tags));
        assert_eq!(reason(message, &zone), expected, "{tags}");
    }
    // A test key is said to be one, whether it passes or not.
    for (message, passes) in [
        (plain.clone(), true),
        (replaced(&plain, "Hi.", "Ha."), false),
    ] {
        let parts = Message::split(&message);
        let mut verifier: Verifier<'_, '_> =
            Verifier::new(parts.header, RUST_CRYPTO, NOW, &Limits::DEFAULT);
        Zone::default()
            .with("ed._domainkey.example.org", record("t=y"))
            .drive(&mut verifier);
        verifier.body(parts.body).unwrap();
        verifier.finish_body().unwrap();
        let result = verifier.verdict().unwrap()[0];
        assert!(result.is_testing());
        assert_eq!(result.result() == DkimResult::Pass, passes);
    }
}

#[test]
fn many_signatures() {
    let good = ed_signed(MESSAGE);
    let field = good[..good.len() - MESSAGE.len()].to_vec();
    let message = [&field.repeat(15)[..], MESSAGE].concat();
    let parts = Message::split(&message);
    let mut verifier = Verifier::<10>::new(parts.header, RUST_CRYPTO, NOW, &Limits::DEFAULT);
    assert_eq!(verifier.skipped(), 5);
    let mut queries = 0;
    while let Step::Query(_) = verifier.poll() {
        queries += 1;
    }
    assert_eq!(queries, 10, "one query for each that is looked at");

    // The capacity is a limit too, and the limit may be below it.
    let verifier = Verifier::<2>::new(parts.header, RUST_CRYPTO, NOW, &Limits::DEFAULT);
    assert_eq!(verifier.skipped(), 13);
    let mut limits = Limits::DEFAULT;
    limits.max_signatures = 3;
    let verifier = Verifier::<10>::new(parts.header, RUST_CRYPTO, NOW, &limits);
    assert_eq!(verifier.skipped(), 12);
    // Ten copies verify.
    assert!(
        verify(&message, &zone())
            .iter()
            .all(|result| result.1 == Reason::Verified)
    );
}

#[test]
fn limits_are_policy() {
    let zone = zone();
    let message = ed_signed(MESSAGE);
    let run = |change: fn(&mut Limits)| {
        let mut limits = Limits::DEFAULT;
        change(&mut limits);
        verify_with(&message, &zone, NOW, &limits)[0]
    };
    for (change, expected) in [
        (
            (|limits| limits.max_header_len = 100) as fn(&mut Limits),
            Reason::HeaderTooLong,
        ),
        (|limits| limits.max_field_len = 100, Reason::FieldTooLong),
        (
            |limits| limits.max_header_names = 3,
            Reason::TooManyHeaderNames,
        ),
    ] {
        assert_eq!(run(change), (DkimResult::Policy, expected));
    }
    // The list of names has a capacity.
    let names = "from:".repeat(MAX_HEADER_NAMES);
    let long = replaced(&message, "h=From:", &format!("h={names}From:"));
    let mut limits = Limits::DEFAULT;
    limits.max_header_names = usize::MAX;
    assert_eq!(
        verify_with(&long, &zone, NOW, &limits)[0].1,
        Reason::TooManyHeaderNames
    );
    assert!(matches!(
        reason(
            &replaced(&message, "v=1;", &format!("{}v=1;", "x=1;".repeat(2))),
            &zone
        ),
        Reason::Malformed(_)
    ));
}

#[test]
fn what_the_host_does_not_link() {
    let message = ed_signed(MESSAGE);
    let none = Provider {
        hashes: RUST_CRYPTO.hashes,
        verifiers: &[],
    };
    let parts = Message::split(&message);
    let mut verifier: Verifier<'_, '_> = Verifier::new(parts.header, none, NOW, &Limits::DEFAULT);
    assert_eq!(verifier.poll(), Step::Done);
    let result = verifier.verdict().unwrap()[0];
    assert_eq!(
        (result.result(), result.reason()),
        (DkimResult::Neutral, Reason::AlgorithmNotLinked)
    );
}

/// 350,000 fields, and ten signatures that each name 128 of them in the worst way.
#[test]
fn a_large_header_costs_linear_time() {
    let names = |nth: usize| match nth {
        // All the same; all different; those that are there.
        0..3 => vec!["from".into(); MAX_HEADER_NAMES],
        3..6 => (0..MAX_HEADER_NAMES - 1)
            .map(|n| format!("a{n:04}"))
            .chain(["from".into()])
            .collect::<Vec<String>>(),
        _ => [
            vec!["a".to_string(); MAX_HEADER_NAMES - 1],
            vec!["from".into()],
        ]
        .concat(),
    };
    let mut header = String::new();
    for nth in 0..10 {
        let h = names(nth).join(":");
        let bh = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let b = "A".repeat(84) + "AAA=";
        let tags = "v=1; a=ed25519-sha256; c=relaxed; d=example.org; s=ed";
        write!(
            header,
            "DKIM-Signature: {tags}; h={h};\r\n bh={bh}; b={b}\r\n"
        )
        .unwrap();
    }
    while header.len() < 1_000_000 {
        header += "a:\n";
    }
    let zone = zone();
    let start = Instant::now();
    let mut verifier: Verifier<'_, '_> = Verifier::new(
        HeaderBlock::new(header.as_bytes()),
        RUST_CRYPTO,
        NOW,
        &Limits::DEFAULT,
    );
    zone.drive(&mut verifier);
    verifier.finish_body().unwrap();
    let verdict = verifier.verdict().unwrap();
    assert!(
        verdict
            .iter()
            .all(|result| result.reason() == Reason::SignatureMismatch)
    );
    let took = start.elapsed();
    println!("a header of 1 MB with ten signatures: {took:?}");
    // Without optimisation; with the product of names and fields it takes minutes.
    assert!(took < Duration::from_secs(20), "{took:?}");
}
