//! What we sign we verify, and nothing may change after that.

use scop_core::crypto::{Sign, SignError, SignatureAlgorithm as Scheme};
use scop_core::{SliceSink, UnixTime};
use scop_crypto::RUST_CRYPTO;
use scop_dkim::canonical::{Canonicalization, Form};
use scop_dkim::sign::{SignOptions, SignedName, Signer, SignerError};
use scop_dkim::signature::Signature;
use scop_dkim::verify::{DkimResult, Reason};
use scop_mime_core::{HeaderBlock, Message};

use crate::keys::{self, Bytes, NOW, reason, signed, verify, zone};

const MESSAGE: &[u8] = b"Received: from a by b;\r\n\tMon, 1 Jan 2029 00:00:00 +0000\r\n\
    From: Joe <joe@example.org>\r\n\
    To: Suzie <suzie@example.net>\r\n\
    Subject:  A  folded\r\n  subject \r\n\
    X-Other: not signed\r\n\
    \r\n\
    Hi. \r\n\
    \r\n\
    Two  blanks\tand a tab.\r\n\
    \r\n";

const PAIRS: [Canonicalization; 4] = [
    Canonicalization::SIMPLE,
    Canonicalization {
        header: Form::Simple,
        body: Form::Relaxed,
    },
    Canonicalization {
        header: Form::Relaxed,
        body: Form::Simple,
    },
    Canonicalization::RELAXED,
];

fn keys() -> [(&'static str, Box<dyn Sign>); 2] {
    [
        ("ed", Box::new(keys::ed25519())),
        ("rsa", Box::new(keys::rsa())),
    ]
}

fn options(selector: &str) -> SignOptions<'_> {
    SignOptions::new(b"example.org", selector.as_bytes()).signed_at(NOW)
}

#[test]
fn all_pairs_and_keys() {
    let zone = zone();
    for (selector, key) in keys() {
        for pair in PAIRS {
            for body in [
                &b""[..],
                b"\r\n",
                b"\r\n \r\n\r\n",
                b"no line end",
                b"trailing  \t\r\n\r\n\r\n",
                b"8 bit \xff\xfe \xc3\xa9\r\n",
                &[b'x'; 5000],
            ] {
                let header = b"From: a@example.org\r\nSubject: \r\n\r\n";
                let message = [&header[..], body].concat();
                let message = signed(&message, &*key, options(selector).canonicalization(pair));
                assert_eq!(
                    verify(&message, &zone),
                    [(DkimResult::Pass, Reason::Verified)],
                    "{selector} {pair} {body:?}"
                );
            }
        }
    }
}

/// Whether the octet at `at` may change under the canonicalisation. Under simple/simple none may: but then
/// X-Other and Received are not signed.
fn any_flip_is_seen(pair: Canonicalization, selector: &str, key: &dyn Sign) {
    let zone = zone();
    let message = signed(MESSAGE, key, options(selector).canonicalization(pair));
    assert_eq!(reason(&message, &zone), Reason::Verified);
    let parts = Message::split(&message);
    let unsigned: Vec<_> = parts
        .header
        .fields()
        .filter(|field| field.is(b"Received") || field.is(b"X-Other"))
        .map(|field| field.offset()..field.offset() + field.raw().len())
        .collect();
    for at in 0..message.len() {
        if unsigned.iter().any(|span| span.contains(&at)) {
            continue;
        }
        let mut changed = message.clone();
        changed[at] ^= 0x01;
        let results = verify(&changed, &zone);
        let passes = results.iter().any(|result| result.0 == DkimResult::Pass);
        assert!(
            !passes,
            "{pair} {selector}: octet {at} of {:?}",
            message[at]
        );
        if at >= message.len() - parts.body.len() {
            assert_eq!(
                results,
                [(DkimResult::Fail, Reason::BodyHashMismatch)],
                "{pair} {selector}: octet {at} of the body"
            );
        }
    }
}

#[test]
fn any_flipped_bit_is_seen_ed25519() {
    for pair in PAIRS {
        any_flip_is_seen(pair, "ed", &keys::ed25519());
    }
}

#[test]
fn any_flipped_bit_is_seen_rsa() {
    for pair in PAIRS {
        any_flip_is_seen(pair, "rsa", &keys::rsa());
    }
}

#[test]
fn any_lost_or_added_octet_is_seen() {
    let zone = zone();
    let key = keys::ed25519();
    let message = signed(
        MESSAGE,
        &key,
        options("ed").canonicalization(Canonicalization::SIMPLE),
    );
    let body = message.len() - Message::split(&message).body.len();
    // The last line end may go and come: it is the same canonical body.
    for at in body..message.len() - 4 {
        let mut changed = message.clone();
        changed.remove(at);
        assert_eq!(reason(&changed, &zone), Reason::BodyHashMismatch, "{at}");
        let mut changed = message.clone();
        changed.insert(at, b'!');
        assert_eq!(reason(&changed, &zone), Reason::BodyHashMismatch, "{at}");
    }
    let added = [&message[..], b"more\r\n"].concat();
    assert_eq!(reason(&added, &zone), Reason::BodyHashMismatch);
    let added = [&message[..], b"\r\n"].concat();
    assert_eq!(reason(&added, &zone), Reason::Verified);
}

#[test]
fn the_field_is_the_same_each_time_and_well_formed() {
    let long = "a.".repeat(100) + "example.org";
    for (selector, key) in keys() {
        for domain in [b"example.org", long.as_bytes()] {
            let options = SignOptions::new(domain, selector.as_bytes())
                .signed_at(NOW)
                .expires_at(UnixTime(NOW.0 + 86_400))
                .auid(b"joe smith; x=\xc3\xa9", domain);
            let one = signed(MESSAGE, &*key, options);
            assert_eq!(one, signed(MESSAGE, &*key, options));

            let field = Message::split(&one).header.fields().next().unwrap();
            assert!(field.is(b"DKIM-Signature") && field.defect().is_none());
            let text = String::from_utf8(field.raw().to_vec()).unwrap();
            assert!(text.ends_with("\r\n") && !text.contains(" \r\n"));
            for line in text.trim_end().split("\r\n") {
                // Only a word that cannot be broken is longer.
                assert!(line.len() <= 78 || line.contains(&long[..]), "{line}");
            }
            let signature = Signature::parse(field.value()).unwrap();
            assert_eq!(signature.domain(), domain);
            assert_eq!(signature.selector(), selector.as_bytes());
            assert_eq!(signature.timestamp(), Some(NOW));
            assert_eq!(signature.expiration(), Some(UnixTime(NOW.0 + 86_400)));
            assert_eq!(signature.body_length(), None);
            assert_eq!(
                signature.auid().local_part(),
                b"joe=20smith=3B=20x=3D=C3=A9"
            );
            let names: Vec<_> = signature.header_names().collect();
            let count = |name: &[u8]| names.iter().filter(|other| **other == name).count();
            assert_eq!((count(b"From"), count(b"Subject"), count(b"To")), (2, 2, 2));
            assert_eq!(
                (count(b"Cc"), count(b"List-Id"), count(b"Received")),
                (1, 0, 0)
            );
        }
    }
}

#[test]
fn a_message_can_be_signed_twice() {
    let zone = zone();
    let once = signed(MESSAGE, &keys::ed25519(), options("ed"));
    let names = [
        SignedName::oversigned(b"From"),
        SignedName::present(b"DKIM-Signature"),
    ];
    let twice = signed(&once, &keys::rsa(), options("rsa").names(&names));
    let pass = (DkimResult::Pass, Reason::Verified);
    assert_eq!(verify(&twice, &zone), [pass, pass]);
    // The upper one covers the lower one.
    let text = String::from_utf8(twice).unwrap();
    let changed = text.replacen("s=ed;", "s=ed ;", 1);
    let mismatch = (DkimResult::Fail, Reason::SignatureMismatch);
    assert_eq!(verify(changed.as_bytes(), &zone), [mismatch, mismatch]);
}

#[test]
fn chunks_make_no_difference() {
    let key = keys::ed25519();
    let parts = Message::split(MESSAGE);
    let whole = signed(MESSAGE, &key, options("ed"));
    for size in 1..parts.body.len() {
        let mut signer = Signer::new(parts.header, &key, RUST_CRYPTO, options("ed")).unwrap();
        for chunk in parts.body.chunks(size) {
            signer.body(chunk);
        }
        let mut out = Bytes(Vec::new());
        signer.finish(&mut out).unwrap();
        assert!(whole.starts_with(&out.0), "{size}");
    }
}

#[test]
fn what_is_not_signed() {
    let key = keys::ed25519();
    let start = |header: &'static [u8], options| {
        Signer::new(HeaderBlock::new(header), &key, RUST_CRYPTO, options).map(|_| ())
    };
    let good: &[u8] = b"From: a@example.org\r\n";
    let options = options("ed");
    let new = SignOptions::new;
    assert_eq!(start(good, options), Ok(()));
    for (header, expected) in [
        (&b"Subject: x\r\n"[..], SignerError::NoFrom),
        (b"From: a\r\nfrom: b\r\n", SignerError::SeveralFrom),
        // Put under the signature, such a line would fold it.
        (b" x\r\nFrom: a\r\n", SignerError::LeadingFold),
        (b"From: a\n", SignerError::BareLineEnd),
        (b"From: a\r\nTo: b\n c\r\n", SignerError::BareLineEnd),
        (b"From: a\r\nTo: b\rc\r\n", SignerError::BareLineEnd),
        (b"From: a", SignerError::BareLineEnd),
        (b"From: a\r", SignerError::BareLineEnd),
        (b"From: a\r\r\n", SignerError::BareLineEnd),
        (b"From: a\n\r", SignerError::BareLineEnd),
    ] {
        assert_eq!(start(header, options), Err(expected), "{header:?}");
    }
    let many = [SignedName::oversigned(b"From"); 127];
    let only = |name: &'static [u8]| [SignedName::present(name)];
    let (to, semicolon, colon) = (only(b"To"), only(b"a;b"), only(b"a:b"));
    for (options, expected) in [
        (new(b"org", b"s"), SignerError::Domain),
        (new(b"exa mple.org", b"s"), SignerError::Domain),
        (new(b"example.org", b""), SignerError::Selector),
        (new(b"example.org", b"a;b"), SignerError::Selector),
        (options.auid(b"a", b"example.com"), SignerError::Auid),
        (options.auid(&[b'a'; 65], b"example.org"), SignerError::Auid),
        (options.expires_at(NOW), SignerError::Times),
        (
            options.signed_at(UnixTime(1_000_000_000_000)),
            SignerError::Times,
        ),
        (options.names(&to), SignerError::FromNotNamed),
        (options.names(&semicolon), SignerError::HeaderName),
        (options.names(&colon), SignerError::HeaderName),
    ] {
        assert_eq!(start(good, options), Err(expected));
    }
    // A name that is there again counts once, so these are two.
    assert_eq!(start(good, options.names(&many)), Ok(()));

    let finish = |chunks: &[&[u8]], room: usize| {
        let mut signer = Signer::new(HeaderBlock::new(good), &key, RUST_CRYPTO, options).unwrap();
        for chunk in chunks {
            signer.body(chunk);
        }
        signer.finish(&mut SliceSink::new(&mut vec![0; room]))
    };
    assert_eq!(finish(&[b"a\r", b"\n"], 1000), Ok(()));
    for chunks in [
        &[&b"a\n"[..]][..],
        &[b"a\r"],
        &[b"a\r", b"b\n"],
        &[b"a\r", b"", b"\r\n"],
        &[b"\n"],
        &[b"a\r\n\n"],
        &[b"a", b"\r\r\n"],
    ] {
        assert_eq!(
            finish(chunks, 1000),
            Err(SignerError::BareLineEnd),
            "{chunks:?}"
        );
    }
    assert_eq!(finish(&[], 100), Err(SignerError::Full));
}

#[test]
fn keys_that_do_not_sign_mail() {
    struct Odd(Scheme, Result<usize, SignError>);
    impl Sign for Odd {
        fn algorithm(&self) -> Scheme {
            self.0
        }
        fn sign(&self, _: &[u8], _: &mut [u8; 512]) -> Result<usize, SignError> {
            self.1
        }
    }
    let header = HeaderBlock::new(b"From: a@example.org\r\n");
    let sign = |key: &Odd| {
        Signer::new(header, key, RUST_CRYPTO, options("s"))?.finish(&mut Bytes(Vec::new()))
    };
    for (scheme, signs, expected) in [
        (Scheme::RsaSha1, Ok(256), SignerError::Algorithm),
        (Scheme::EcdsaP256Sha256, Ok(64), SignerError::Algorithm),
        (Scheme::RsaSha256, Ok(64), SignerError::KeyTooSmall),
        (Scheme::RsaSha256, Err(SignError), SignerError::Key),
        (Scheme::RsaSha256, Ok(513), SignerError::Key),
    ] {
        assert_eq!(sign(&Odd(scheme, signs)), Err(expected));
    }
    assert_eq!(sign(&Odd(Scheme::RsaSha256, Ok(512))), Ok(()));
}
