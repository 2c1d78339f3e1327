//! dkimpy verifies what we sign, and we verify what it signs.
//!
//! dkimpy (from `PyPI`, with `PyNaCl` for Ed25519) is run by the Python of `SCOP_PYTHON`, or `.venv/bin/python` at
//! the root of the project; where it is absent the tests say so and pass.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::prelude::{BASE64_STANDARD, Engine};
use scop_core::crypto::Sign;
use scop_core::{Answer, Emit, Lookup, Rdata, Txt, UnixTime, lookup};
use scop_crypto::{Ed25519SigningKey, RUST_CRYPTO, RsaSigningKey};
use scop_dkim::canonical::{Canonicalization, Form};
use scop_dkim::key_record::Publish;
use scop_dkim::sign::{SignOptions, Signer};
use scop_dkim::verify::{Limits, Reason, Verifier};
use scop_interop::peer::Peer;
use scop_mime_core::Message;
use serde_json::json;

const DOMAIN: &str = "example.org";
const SELECTOR: &str = "interop";

const HEADER: &[u8] =
    b"Received: from a.example by b.example;\r\n\tMon, 1 Jan 2029 00:00:00 +0000\r\n\
    From: Joe <joe@example.org>\r\n\
    To: Suzie <suzie@example.net>,\r\n  \"O. Ther\"   <other@example.net>\r\n\
    SUBJECT:   A \t folded\r\n\tsubject  \r\n\
    Date: Mon, 1 Jan 2029 00:00:00 +0000\r\n\
    Message-ID: <1@example.org>\r\n\
    X-Empty:\r\n\
    \r\n";

const PAIRS: [(&str, &str); 4] = [
    ("simple", "simple"),
    ("simple", "relaxed"),
    ("relaxed", "simple"),
    ("relaxed", "relaxed"),
];

fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let long = [
        &b"x".repeat(5000)[..],
        b"  \t",
        &b"y z\t".repeat(3000),
        b"\r\nend\r\n",
    ]
    .concat();
    vec![
        ("empty", b"".to_vec()),
        ("CRLF only", b"\r\n".to_vec()),
        ("many CRLF", b"\r\n\r\n\r\n\r\n".to_vec()),
        ("text", b"Hi.\r\n\r\nTwo  blanks\tand a tab.\r\n".to_vec()),
        (
            "trailing blanks",
            b" a \t\r\n\t \r\nb\r\n \r\n\r\n\r\n".to_vec(),
        ),
        ("blanks only", b" \t \r\n".to_vec()),
        ("no final line end", b"Hi.\r\nno end".to_vec()),
        (
            "8-bit",
            b"caf\xc3\xa9 \xff\xfe\x80 \x00\x01\r\n\xc3\r\n".to_vec(),
        ),
        ("long lines", long),
    ]
}

/// What dkimpy does otherwise, and why we do not follow it. Each is run, and must still differ.
const DEVIATIONS: [(&str, &[u8], &str); 1] = [(
    "a blank at the end of a last line that has no line end",
    b"Hi. ",
    "RFC 6376 3.4.4 drops white space at the end of every line; dkimpy looks for CRLF after it",
)];

/// dkimpy in one Python process.
struct Dkimpy(Peer);

impl Dkimpy {
    fn start() -> Option<Self> {
        Peer::python("dkimpy_peer.py", "dkimpy").map(Self)
    }

    fn verifies(&mut self, message: &[u8], key: &Key) -> bool {
        let answer = self.0.ask(&json!({
            "op": "verify",
            "message": BASE64_STANDARD.encode(message),
            "record": key.record,
        }));
        answer["valid"] == true
    }

    fn signed(&mut self, message: &[u8], key: &Key, canon: (&str, &str)) -> Vec<u8> {
        let answer = self.0.ask(&json!({
            "op": "sign",
            "message": BASE64_STANDARD.encode(message),
            "domain": DOMAIN,
            "selector": SELECTOR,
            "key": key.text,
            "algorithm": key.algorithm,
            "canon": [canon.0, canon.1],
        }));
        let field = answer["field"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"));
        [&BASE64_STANDARD.decode(field).unwrap(), message].concat()
    }
}

struct Key {
    algorithm: &'static str,
    /// As dkimpy reads it.
    text: String,
    record: String,
    signer: Box<dyn Sign>,
}

fn keys() -> [Key; 2] {
    let seed = [9; 32];
    let ed25519 = Ed25519SigningKey::from_seed(&seed);
    let pem = include_str!("../../dkim/tests/messages/rsa2048.pem");
    let rsa = RsaSigningKey::from_pem(pem.as_bytes()).unwrap();
    let record = |publish: Publish<'_>| String::from_utf8(publish.to_vec()).unwrap();
    [
        Key {
            algorithm: "ed25519-sha256",
            text: BASE64_STANDARD.encode(seed),
            record: record(Publish::ed25519(&ed25519.public_key())),
            signer: Box::new(ed25519),
        },
        Key {
            algorithm: "rsa-sha256",
            text: pem.into(),
            record: record(Publish::rsa(rsa.public_key_der())),
            signer: Box::new(rsa),
        },
    ]
}

fn now() -> UnixTime {
    UnixTime(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs(),
    )
}

fn form(name: &str) -> Form {
    if name == "simple" {
        Form::Simple
    } else {
        Form::Relaxed
    }
}

fn we_sign(message: &[u8], key: &Key, canon: (&str, &str)) -> Vec<u8> {
    let parts = Message::split(message);
    let options = SignOptions::new(DOMAIN.as_bytes(), SELECTOR.as_bytes())
        .canonicalization(Canonicalization {
            header: form(canon.0),
            body: form(canon.1),
        })
        .auid(b"joe", b"mail.example.org")
        .signed_at(now())
        .expires_at(UnixTime(now().0 + 3600));
    let mut signer = Signer::new(parts.header, &*key.signer, RUST_CRYPTO, options).unwrap();
    signer.body(parts.body);
    let mut field = Vec::new();
    signer.finish(&mut field).unwrap();
    [&field, message].concat()
}

fn we_verify(message: &[u8], key: &Key) -> Reason {
    let parts = Message::split(message);
    let mut verifier = Verifier::<10>::new(parts.header, RUST_CRYPTO, now(), &Limits::DEFAULT);
    verifier.body(parts.body).unwrap();
    verifier.finish_body().unwrap();
    let record = [Rdata::Txt(Txt::joined(key.record.as_bytes()))];
    lookup::drive(&mut verifier, |_| Answer::records(&record));
    verifier.verdict().unwrap()[0].reason()
}

/// The message with one octet of the body changed, and with one of the Subject changed.
fn changed(message: &[u8], body: &[u8]) -> [Vec<u8>; 2] {
    let in_body = if body.iter().all(|byte| b" \t\r\n".contains(byte)) {
        [message, b"x"].concat()
    } else {
        let at = message.iter().rposition(|byte| !b" \t\r\n".contains(byte));
        let mut changed = message.to_vec();
        changed[at.unwrap()] ^= 1;
        changed
    };
    let at = message.windows(6).position(|text| text == b"folded");
    let mut in_header = message.to_vec();
    in_header[at.unwrap()] ^= 1;
    [in_body, in_header]
}

#[test]
fn both_ways() {
    let Some(mut peer) = Dkimpy::start() else {
        return;
    };
    let mut cases = 0;
    for key in keys() {
        for canon in PAIRS {
            for (name, body) in bodies() {
                let case = format!("{} {}/{} {name}", key.algorithm, canon.0, canon.1);
                let message = [HEADER, &body].concat();
                for (signer, signed) in [
                    ("we", we_sign(&message, &key, canon)),
                    ("dkimpy", peer.signed(&message, &key, canon)),
                ] {
                    assert_eq!(
                        we_verify(&signed, &key),
                        Reason::Verified,
                        "{signer}: {case}"
                    );
                    assert!(peer.verifies(&signed, &key), "{signer}: {case}");
                    let [in_body, in_header] = changed(&signed, &body);
                    let reason = we_verify(&in_body, &key);
                    assert_eq!(reason, Reason::BodyHashMismatch, "{signer}: {case}");
                    let reason = we_verify(&in_header, &key);
                    assert_eq!(reason, Reason::SignatureMismatch, "{signer}: {case}");
                    assert!(!peer.verifies(&in_body, &key), "{signer}: {case}");
                    assert!(!peer.verifies(&in_header, &key), "{signer}: {case}");
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 2 * 4 * 9 * 2);
    println!(
        "dkimpy: {cases} signed messages agree, each also with an octet changed in body and header"
    );
}

#[test]
fn known_deviations_of_dkimpy() {
    let Some(mut peer) = Dkimpy::start() else {
        return;
    };
    let [key, _] = keys();
    for (name, body, reason) in DEVIATIONS {
        let message = [HEADER, body].concat();
        let ours = we_sign(&message, &key, ("relaxed", "relaxed"));
        assert_eq!(we_verify(&ours, &key), Reason::Verified, "{name}");
        assert!(
            !peer.verifies(&ours, &key),
            "dkimpy agrees now: {name} ({reason})"
        );
        let theirs = peer.signed(&message, &key, ("relaxed", "relaxed"));
        assert!(peer.verifies(&theirs, &key), "{name}");
        assert_eq!(we_verify(&theirs, &key), Reason::BodyHashMismatch, "{name}");
    }
}
