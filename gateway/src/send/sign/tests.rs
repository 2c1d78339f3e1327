use super::*;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use scop_core::{Answer, Rdata, Txt, lookup};
use scop_dkim::verify::{DkimResult, Limits, Verifier};
use scop_mime_core::Message;

use crate::spool::{Envelope, Id, Recipient, Spool};

struct World(PathBuf);

impl World {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("scop-sign-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn key(&self, domain: &str, selector: &str, key: &SigningKey) -> config::Key {
        let file = self.0.join(format!("{selector}.{domain}.pem"));
        let _ = fs::remove_file(&file);
        key.write_new(&file).unwrap();
        config::Key {
            domain: domain.to_owned(),
            selector: selector.to_owned(),
            file,
        }
    }

    fn entry(&self, message: &[u8]) -> Entry {
        let envelope = Envelope {
            from: "<joe@example.org>".to_owned(),
            to: vec![Recipient {
                path: "<ann@example.net>".to_owned(),
                parameters: String::new(),
            }],
            ..Envelope::default()
        };
        let spool = Spool::open(&self.0.join("spool")).unwrap();
        let mut writer = spool.write(&Id::new().unwrap(), &envelope).unwrap();
        writer.put(message).unwrap();
        let id = writer.commit().unwrap();
        spool.read(&id).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn signatures(fields: &[u8]) -> usize {
    String::from_utf8_lossy(fields)
        .matches("DKIM-Signature:")
        .count()
}

/// How many signatures of the message pass with these keys.
fn passing(octets: &[u8], records: &[Vec<u8>]) -> usize {
    let message = Message::split(octets);
    // A second behind: the time of a signature is now.
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let now = UnixTime(since.as_secs() + 1);
    let mut passing = 0;
    for record in records {
        let mut verifier = Verifier::<10>::new(message.header, RUST_CRYPTO, now, &Limits::DEFAULT);
        verifier.body(message.body).unwrap();
        verifier.finish_body().unwrap();
        let record = [Rdata::Txt(Txt::joined(record))];
        let verdict = lookup::drive(&mut verifier, |_| Answer::records(&record)).unwrap();
        passing += verdict
            .iter()
            .filter(|it| it.result() == DkimResult::Pass)
            .count();
    }
    passing
}

/// A message with so many octets of body, of which the last two end a line.
fn message(from: &str, body: usize) -> Vec<u8> {
    let mut message = format!("From: {from}\r\nSubject: Hi\r\n\r\n").into_bytes();
    let line = b"The quick brown fox jumps over the lazy dog, and again.\r\n";
    message.extend(line.iter().cycle().take(body.saturating_sub(2)));
    if body >= 2 {
        if message.ends_with(b"\r") {
            message.pop();
            message.push(b'x');
        }
        message.extend_from_slice(b"\r\n");
    }
    message
}

#[test]
fn a_domain_in_u_labels_has_the_key_of_its_a_labels() {
    let world = World::new();
    let key = SigningKey::new_ed25519().unwrap();
    let keys = Keys::read(&[world.key("xn--bcher-kva.example", "ed", &key)]).unwrap();
    for (from, signatures_made) in [
        ("Jo\u{eb} <jo\u{eb}@b\u{fc}cher.example>", 1),
        ("joe@B\u{dc}cher.example, ann@XN--bcher-kva.example", 1),
        ("joe@b\u{fc}cher.example, ann@bcher.example", 0),
        ("joe@b\u{fc}cher_.example", 0),
        ("Team: joe@b\u{fc}cher.example;", 0),
        (
            "joe@b\u{fc}cher.example\r\nFrom: joe@b\u{fc}cher.example",
            0,
        ),
    ] {
        let message = message(from, 100);
        let fields = keys.sign(&world.entry(&message)).unwrap();
        assert_eq!(signatures(&fields), signatures_made, "{from}");
        if signatures_made == 1 {
            assert!(String::from_utf8_lossy(&fields).contains("d=xn--bcher-kva.example"));
            assert_eq!(passing(&[fields, message].concat(), &[key.record()]), 1);
        }
    }
}

#[test]
fn all_keys_of_the_author_sign() {
    let world = World::new();
    let (ed25519, rsa) = (
        SigningKey::new_ed25519().unwrap(),
        SigningKey::new_rsa(1024).unwrap(),
    );
    let other = SigningKey::new_ed25519().unwrap();
    let keys = [
        world.key("example.org", "ed", &ed25519),
        world.key("example.org", "rsa", &rsa),
        world.key("example.net", "ed", &other),
    ];
    let keys = Keys::read(&keys).unwrap();
    // Of one block, of its limit, and of many.
    for body in [0, 100, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 1] {
        let message = message("Joe <joe@Example.ORG>", body);
        let fields = keys.sign(&world.entry(&message)).unwrap();
        assert_eq!(signatures(&fields), 2);
        let signed = [fields, message].concat();
        assert_eq!(
            passing(&signed, &[ed25519.record(), rsa.record()]),
            2,
            "{body}"
        );
        assert_eq!(passing(&signed, &[other.record()]), 0);
        let mut changed = signed;
        let last = changed.len() - 4;
        changed[last] ^= 1;
        assert_eq!(passing(&changed, &[ed25519.record(), rsa.record()]), 0);
    }
}

#[test]
fn the_nearest_domain_that_has_a_key_signs() {
    let world = World::new();
    let key = SigningKey::new_ed25519().unwrap();
    let config = [
        world.key("example.org", "ed", &key),
        world.key("Mail.example.org", "ed", &key),
    ];
    let keys = Keys::read(&config).unwrap();
    for (from, signer) in [
        ("joe@example.org", "d=example.org;"),
        ("postmaster@mx.example.org", "d=example.org;"),
        ("joe@mail.example.org", "d=Mail.example.org;"),
        ("joe@a.MAIL.example.org", "d=Mail.example.org;"),
        ("joe@amail.example.org", "d=example.org;"),
    ] {
        let message = message(from, 100);
        let fields = keys.sign(&world.entry(&message)).unwrap();
        assert_eq!(signatures(&fields), 1, "{from}");
        assert!(String::from_utf8_lossy(&fields).contains(signer), "{from}");
        assert_eq!(passing(&[fields, message].concat(), &[key.record()]), 1);
    }
}

#[test]
fn what_has_no_key_or_no_author_goes_unsigned() {
    let world = World::new();
    let keys =
        Keys::read(&[world.key("example.org", "ed", &SigningKey::new_ed25519().unwrap())]).unwrap();
    for from in [
        "joe@example.net",
        "joe@notexample.org",
        "joe@org",
        "joe@example.org.example.net",
        "joe@sub.example.org, ann@example.org",
        "joe@example.org, ann@example.net",
        "joe@example.org\r\nFrom: ann@example.org",
        "nobody",
    ] {
        let fields = keys.sign(&world.entry(&message(from, 10))).unwrap();
        assert!(fields.is_empty(), "{from}");
    }
    // A body that no verifier could check either.
    let bare = [&message("joe@example.org", 100)[..], b"bare\nline\r\n"].concat();
    assert!(keys.sign(&world.entry(&bare)).unwrap().is_empty());
    // A header without a body, and one that does not end.
    let header = b"From: joe@example.org\r\n";
    assert_eq!(signatures(&keys.sign(&world.entry(header)).unwrap()), 1);
    let mut long = header.to_vec();
    while long.len() <= MAX_HEADER + BLOCK {
        long.extend_from_slice(b"X-Filler: yes\r\n");
    }
    assert!(keys.sign(&world.entry(&long)).unwrap().is_empty());
    assert!(
        Keys::read(&[])
            .unwrap()
            .sign(&world.entry(header))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn keys_are_read_again_and_stay_where_a_new_one_is_broken() {
    let world = World::new();
    let (old, new) = (
        SigningKey::new_ed25519().unwrap(),
        SigningKey::new_ed25519().unwrap(),
    );
    let config = [world.key("example.org", "ed", &old)];
    let keys = Keys::read(&config).unwrap();
    let message = message("joe@example.org", 100);
    let signed_with = |key: &SigningKey| {
        let fields = keys.sign(&world.entry(&message)).unwrap();
        passing(&[&fields[..], &message].concat(), &[key.record()]) == 1
    };
    world.key("example.org", "ed", &new);
    assert!(signed_with(&old));
    keys.read_again(&config).unwrap();
    assert!(signed_with(&new) && !signed_with(&old));
    fs::write(&config[0].file, "no key").unwrap();
    assert!(
        keys.read_again(&config)
            .unwrap_err()
            .to_string()
            .contains("neither PEM")
    );
    assert!(signed_with(&new));
}

#[test]
fn a_key_that_cannot_sign_is_refused_at_once() {
    let world = World::new();
    let key = SigningKey::new_ed25519().unwrap();
    for (domain, selector) in [
        ("exam ple.org", "ed"),
        ("example.org", "e d"),
        ("example.org", ""),
    ] {
        let mut config = world.key("example.org", "ed", &key);
        config.domain = domain.to_owned();
        config.selector = selector.to_owned();
        let error = Keys::read(&[config]).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("[[sign]] "), "{error}");
    }
    let missing = config::Key {
        domain: "example.org".to_owned(),
        selector: "ed".to_owned(),
        file: world.0.join("missing.pem"),
    };
    assert!(Keys::read(&[missing]).is_err());
}
