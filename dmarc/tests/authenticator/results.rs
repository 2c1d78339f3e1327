//! The field that is written, and the fields that claim to be it.

use scop_core::lookup;
use scop_crypto::RUST_CRYPTO;
use scop_dmarc::Authenticator;
use scop_dmarc::authenticator::{Limits, claims};
use scop_mime_core::header::auth_results::WriteError;
use scop_mime_core::{HeaderBlock, Message};

use crate::signing::{GOOD_KEY, key_record, sign};
use crate::zone::{GOOD, NOW, Session, Zone, judge};

fn zone() -> Zone {
    Zone::default()
        .txt("example.org", "v=spf1 ip4:192.0.2.25 -all")
        .txt("_dmarc.example.org", "v=DMARC1; p=reject; t=y")
        .txt("s._domainkey.example.org", &key_record(GOOD_KEY))
        .txt(
            "t._domainkey.example.org",
            &(key_record(GOOD_KEY) + "; t=y"),
        )
}

fn field(message: &str, from: Option<Session<'_>>) -> String {
    judge(&zone(), message.as_bytes(), from, |verdict| {
        let mut out = heapless::Vec::<u8, 8192>::new();
        verdict.write_results(b"mx.example.net", &mut out).unwrap();
        String::from_utf8(out.to_vec())
            .unwrap()
            .replace("\r\n ", " ")
    })
}

const MESSAGE: &str = "From: news@Example.org\r\n\r\nHello\r\n";

#[test]
fn all_methods() {
    let signed = sign(
        MESSAGE,
        "example.org",
        "s",
        GOOD_KEY,
        "i=@mail.example.org; ",
    );
    let (_, b) = signed.split_once(" b=").unwrap();
    let b = quoted(&b[..8]);
    let from = Session {
        ip: GOOD,
        helo: b"mx.example.org",
        mail_from: b"bounce+1@example.org",
    };
    assert_eq!(
        field(&signed, Some(from)),
        format!(
            "Authentication-Results: mx.example.net; dkim=pass header.d=example.org header.s=s \
             header.i=@mail.example.org header.{b}; spf=pass smtp.mailfrom=bounce+1@example.org; \
             spf=none smtp.helo=mx.example.org; dmarc=pass header.from=Example.org \
             policy.dmarc=quarantine\r\n",
        ),
    );
}

/// Base64 may hold `/`, which is no token.
fn quoted(b: &str) -> String {
    if b.contains('/') {
        format!("b=\"{b}\"")
    } else {
        format!("b={b}")
    }
}

/// The value of `b=` may be folded within its first eight octets.
#[test]
fn a_folded_signature() {
    let signed = sign(MESSAGE, "example.org", "s", GOOD_KEY, "");
    let at = signed.find(" b=").unwrap() + 3;
    let start = &signed[at..at + 8];
    let folded = format!("{}\r\n {}", &signed[..at + 4], &signed[at + 4..]);
    let field = field(&folded, None);
    assert!(field.contains("dkim=pass"), "{field}");
    assert!(
        field.contains(&format!("header.{}", quoted(start))),
        "{field}"
    );
}

#[test]
fn without_signature_connection_author_or_record() {
    assert_eq!(
        field(MESSAGE, None),
        "Authentication-Results: mx.example.net; dkim=none; dmarc=fail header.from=Example.org \
         policy.dmarc=quarantine\r\n"
    );
    assert_eq!(
        field("To: x@y\r\n\r\n", None),
        "Authentication-Results: mx.example.net; dkim=none; dmarc=permerror\r\n"
    );
    assert_eq!(
        field("From: a@example.net\r\n\r\n", None),
        "Authentication-Results: mx.example.net; dkim=none; dmarc=none header.from=example.net\r\n"
    );
    let null = Session {
        ip: GOOD,
        helo: b"example.org",
        mail_from: b"",
    };
    assert_eq!(
        field(MESSAGE, Some(null)),
        "Authentication-Results: mx.example.net; dkim=none; spf=pass smtp.helo=example.org; \
         dmarc=pass header.from=Example.org policy.dmarc=quarantine\r\n"
    );
}

#[test]
fn nothing_breaks_out() {
    for (helo, mail_from, expected) in [
        (
            "a; dmarc=pass",
            "\"x; dkim=pass\"@example.org",
            "spf=pass smtp.mailfrom=\"\\\"x; dkim=pass\\\"@example.org\"; \
             spf=none smtp.helo=\"a; dmarc=pass\";",
        ),
        (
            "(",
            "x@example.org (dmarc=pass",
            "smtp.mailfrom=\"x@example.org (dmarc=pass\";",
        ),
        (
            "a\r\nX: y",
            "x\0@example.org",
            "; spf=pass; spf=none; dmarc=",
        ),
        // What ends a line for some readers: NEL, and the separators of Unicode.
        (
            "a\u{85}dmarc=pass",
            "x\u{2028}y\u{2029}@example.org",
            "; spf=pass; spf=none; dmarc=",
        ),
    ] {
        let from = Session {
            ip: GOOD,
            helo: helo.as_bytes(),
            mail_from: mail_from.as_bytes(),
        };
        let field = field(MESSAGE, Some(from));
        assert!(field.contains(expected), "{field}");
    }
}

/// No line of the field may be longer than 998 octets (RFC 5322 2.1.1), and a quoted string cannot be
/// folded: an identity of any length must not keep the field from being written.
#[test]
fn identities_of_any_length() {
    for length in [308, 309, 1_000, 20_000] {
        let local = "\"".repeat(length);
        let auid = format!("i={}@example.org; ", "(".repeat(length));
        let signed = sign(MESSAGE, "example.org", "s", GOOD_KEY, &auid);
        let path = format!("{local}@example.org");
        let from = Session {
            ip: GOOD,
            helo: "(".repeat(length + 12).leak().as_bytes(),
            mail_from: path.as_bytes(),
        };
        let field = field(&signed, Some(from));
        let fits = length <= 308;
        for name in ["header.i=", "smtp.mailfrom=", "smtp.helo="] {
            assert_eq!(field.contains(name), fits, "{length} {name}");
        }
        assert!(field.contains("; dmarc=pass header.from="), "{field}");
    }
}

/// What was not looked at is not passed over in silence.
#[test]
fn more_signatures_than_are_looked_at() {
    let signed = sign(MESSAGE, "example.org", "s", GOOD_KEY, "");
    let (signature, _) = signed.split_at(signed.len() - MESSAGE.len());
    let message = signature.repeat(13) + MESSAGE;
    let text = field(&message, None);
    assert_eq!(text.matches("dkim=pass").count(), 10);
    assert!(
        text.contains(" (3 more not looked at); dmarc=pass"),
        "{text}"
    );
    let text = field(&(signature.repeat(10) + MESSAGE), None);
    assert!(!text.contains("not looked at"), "{text}");

    // Without room for one, they are not said to be absent.
    let parts = Message::split(signed.as_bytes());
    let mut limits = Limits::DEFAULT;
    limits.dkim.max_signatures = 0;
    let mut machine: Authenticator<'_, '_> =
        Authenticator::new(parts.header, None, RUST_CRYPTO, NOW, &limits);
    machine.finish_body().unwrap();
    let zone = zone();
    let verdict = lookup::drive(&mut machine, |query| zone.answer(query)).unwrap();
    let mut out = heapless::Vec::<u8, 512>::new();
    verdict.write_results(b"mx.example.net", &mut out).unwrap();
    let text = str::from_utf8(&out).unwrap();
    assert!(
        text.contains("dkim=policy (1 more not looked at);"),
        "{text}"
    );
}

#[test]
fn a_test_key_is_named() {
    let signed = sign(MESSAGE, "example.org", "t", GOOD_KEY, "");
    let text = field(&signed, None);
    assert!(
        text.contains("dkim=pass reason=\"test key\" header.d=example.org"),
        "{text}"
    );
    assert!(text.contains("; dmarc=fail "), "{text}");
}

#[test]
fn the_name_of_the_host_must_be_sound() {
    judge(&zone(), MESSAGE.as_bytes(), None, |verdict| {
        let mut out = heapless::Vec::<u8, 512>::new();
        let mut write = |id: &[u8]| verdict.write_results(id, &mut out);
        assert_eq!(write(b""), Err(WriteError::BadKeyword));
        assert_eq!(write(b"mx\r\nX: y"), Err(WriteError::Control));
        let mut small = heapless::Vec::<u8, 16>::new();
        assert_eq!(
            verdict.write_results(b"mx", &mut small),
            Err(WriteError::Full)
        );
    });
}

#[test]
fn claims_of_our_name() {
    let header = HeaderBlock::new(
        b"Authentication-Results: mx.example.net; none\r\n\
          authentication-results : (c) MX.example.NET 1; spf=pass\r\n\
          Authentication-Results: other.example; spf=pass\r\n\
          Authentication-Results: \"mx.example.net\"; spf=\r\n\
          Authentication-Results: ; mx.example.net\r\n\
          X-Authentication-Results: mx.example.net; none\r\n\
          Subject: mx.example.net\r\n\
          X: y\rAuthentication-Results: mx.example.net; none\r\n\
          Authentication\0-Results: mx.example.net; none\r\n\
          Subject: y\r\n Authentication-Results: mx.example.net; none\r\n",
    );
    let found: Vec<_> = claims(header, b"mx.example.net")
        .map(|field| field.raw().len())
        .collect();
    let lengths: Vec<_> = header.fields().map(|field| field.raw().len()).collect();
    let expected = [0, 1, 3, 4, 7, 8].map(|nth: usize| lengths[nth]);
    assert_eq!(found, expected);
}
