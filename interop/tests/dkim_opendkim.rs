//! opendkim and `Mail::DKIM` verify what we sign, and we verify what `Mail::DKIM` signs.
//!
//! opendkim: Debian package `opendkim`; run once over all messages, with the keys in a file. `Mail::DKIM`:
//! Debian package `libmail-dkim-perl`; one Perl process for all questions. What is absent is skipped.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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
const RSA_PEM: &str = include_str!("../../dkim/tests/messages/rsa2048.pem");

const HEADER: &[u8] =
    b"Received: from a.example by b.example;\r\n\tMon, 1 Jan 2029 00:00:00 +0000\r\n\
    From: Joe <joe@example.org>\r\n\
    To: Suzie <suzie@example.net>,\r\n  \"O. Ther\"   <other@example.net>\r\n\
    SUBJECT:   A \t folded\r\n\tsubject  \r\n\
    Date: Mon, 1 Jan 2029 00:00:00 +0000\r\n\
    Message-ID: <1@example.org>\r\n\
    X-Empty:\r\n\
    \r\n";

/// With one space behind each colon. Whatever there is, the test mode of opendkim makes it that, so no other
/// header can be verified in the simple form.
const TIDY_HEADER: &[u8] =
    b"Received: from a.example by b.example;\r\n\tMon, 1 Jan 2029 00:00:00 +0000\r\n\
    From: Joe <joe@example.org>\r\n\
    To: Suzie <suzie@example.net>,\r\n  \"O. Ther\"   <other@example.net>\r\n\
    SUBJECT: A \t folded\r\n\tsubject  \r\n\
    \r\n";

const PAIRS: [(Form, Form); 4] = [
    (Form::Simple, Form::Simple),
    (Form::Simple, Form::Relaxed),
    (Form::Relaxed, Form::Simple),
    (Form::Relaxed, Form::Relaxed),
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
            b"caf\xc3\xa9 \xff\xfe\x80 \x01\r\n\xc3\r\n".to_vec(),
        ),
        ("long lines", long),
    ]
}

struct Key {
    selector: &'static str,
    record: String,
    signing: Box<dyn Sign>,
}

/// RSA first.
fn keys() -> [Key; 2] {
    let ed25519 = Ed25519SigningKey::from_seed(&[9; 32]);
    let rsa = RsaSigningKey::from_pem(RSA_PEM.as_bytes()).unwrap();
    let record = |publish: Publish<'_>| String::from_utf8(publish.to_vec()).unwrap();
    [
        Key {
            selector: "rsa",
            record: record(Publish::rsa(rsa.public_key_der())),
            signing: Box::new(rsa),
        },
        Key {
            selector: "ed25519",
            record: record(Publish::ed25519(&ed25519.public_key())),
            signing: Box::new(ed25519),
        },
    ]
}

fn word(form: Form) -> &'static str {
    match form {
        Form::Simple => "simple",
        Form::Relaxed => "relaxed",
    }
}

fn we_sign(message: &[u8], key: &Key, (header, body): (Form, Form)) -> Vec<u8> {
    let parts = Message::split(message);
    let options = SignOptions::new(DOMAIN.as_bytes(), key.selector.as_bytes())
        .canonicalization(Canonicalization { header, body });
    let mut signer = Signer::new(parts.header, &*key.signing, RUST_CRYPTO, options).unwrap();
    signer.body(parts.body);
    let mut field = Vec::new();
    signer.finish(&mut field).unwrap();
    [&field, message].concat()
}

fn we_verify(message: &[u8], key: &Key) -> Reason {
    let parts = Message::split(message);
    let now = UnixTime(1_862_000_000);
    let mut verifier = Verifier::<10>::new(parts.header, RUST_CRYPTO, now, &Limits::DEFAULT);
    verifier.body(parts.body).unwrap();
    verifier.finish_body().unwrap();
    let record = [Rdata::Txt(Txt::joined(key.record.as_bytes()))];
    lookup::drive(&mut verifier, |_| Answer::records(&record));
    verifier.verdict().unwrap()[0].reason()
}

/// The message with one octet of the body changed, and with one of the Subject changed.
fn changed(message: &[u8], body: &[u8]) -> [Vec<u8>; 2] {
    let in_body = if body.iter().all(|byte| b" \t\r\n".contains(byte)) {
        [message, b"x\r\n"].concat()
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

/// A message that is signed well, and its two twins that are not.
struct Triple {
    case: String,
    messages: [Vec<u8>; 3],
}

fn triple(name: &str, key: &Key, pair: (Form, Form), header: &[u8], body: &[u8]) -> Triple {
    let signed = we_sign(&[header, body].concat(), key, pair);
    assert_eq!(we_verify(&signed, key), Reason::Verified);
    let [in_body, in_header] = changed(&signed, body);
    Triple {
        case: format!("{} {}/{} {name}", key.selector, word(pair.0), word(pair.1)),
        messages: [signed, in_body, in_header],
    }
}

/// The program, if it is there.
fn program(name: &str) -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .collect();
    folders.push("/usr/sbin".into());
    folders
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// A folder that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("scop-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What opendkim says of each of the files.
fn opendkim(program: &Path, folder: &Folder, files: &[PathBuf]) -> Vec<&'static str> {
    let mut list = String::new();
    for key in keys() {
        writeln!(list, "{}._domainkey.{DOMAIN} {}", key.selector, key.record).unwrap();
    }
    let keys = folder.file("keys", list.as_bytes());
    // The socket is named, but not opened with -t.
    let settings = format!(
        "Mode v\nTestPublicKeys {}\nSocket local:{}\nSyslog no\n",
        keys.display(),
        folder.0.join("socket").display()
    );
    let settings = folder.file("conf", settings.as_bytes());
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let output = Command::new(program)
        .arg("-x")
        .arg(settings)
        .arg("-t")
        .arg(names.join(","))
        .arg("-v")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let verdict = |name: &String| {
        let start = format!("opendkim: {name}: ");
        let lines: Vec<&str> = said
            .lines()
            .filter_map(|line| line.strip_prefix(&start))
            .collect();
        match lines[..] {
            ["message not signed"] => "not signed",
            [line] if line.starts_with("verification (") && line.ends_with(") succeeded") => "pass",
            [line] if line.starts_with("verification (") && line.contains(") failed: ") => "fail",
            _ => panic!("opendkim gave no verdict on {name}: {lines:?}"),
        }
    };
    names.iter().map(verdict).collect()
}

#[test]
fn opendkim_verifies_what_we_sign() {
    let Some(program) = program("opendkim") else {
        scop_interop::skip("opendkim is not installed (Debian: apt-get install opendkim)");
        return;
    };
    let version = Command::new(&program).arg("-V").output().unwrap();
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let folder = Folder::new("opendkim");
    let mut triples = Vec::new();
    for key in keys() {
        if key.selector == "ed25519" && !version.contains("ed25519-sha256") {
            println!("skipped: this opendkim has no ed25519-sha256");
            continue;
        }
        for pair in PAIRS {
            for (name, body) in bodies() {
                let header = if pair.0 == Form::Simple {
                    TIDY_HEADER
                } else {
                    HEADER
                };
                triples.push(triple(name, &key, pair, header, &body));
            }
        }
    }
    let mut files = Vec::new();
    for message in triples.iter().flat_map(|triple| &triple.messages) {
        files.push(folder.file(&format!("{}.eml", files.len()), message));
    }
    let verdicts = opendkim(&program, &folder, &files);
    let mut deviations = 0;
    let mut wrong = Vec::new();
    for (triple, verdict) in triples.iter().zip(verdicts.chunks(3)) {
        // libopendkim gives up in the relaxed form: "CRLF at end of body missing". RFC 6376 3.4.4 adds it.
        // SMTP always brings one.
        let expected = if triple.case.ends_with("/relaxed no final line end") {
            deviations += 1;
            ["not signed"; 3]
        } else {
            ["pass", "fail", "fail"]
        };
        if verdict != expected {
            wrong.push(format!("{}: {verdict:?}", triple.case));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!(
        "{}: {} messages agree, each also with an octet changed in body and header; {deviations} listed",
        version.lines().next().unwrap_or_default(),
        triples.len() - deviations
    );
}

/// `Mail::DKIM` in one Perl process; it greets with its version.
struct MailDkim(Peer);

impl MailDkim {
    fn start() -> Option<Self> {
        let mut command = Command::new("perl");
        command.arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/perl/mail_dkim_peer.pl"
        ));
        let how = "Debian: apt-get install libmail-dkim-perl";
        Peer::start(&mut command, "mail_dkim", how).map(Self)
    }

    /// The result in words.
    fn verified(&mut self, message: &[u8], key: &Key) -> String {
        let answer = self.0.ask(&json!({
            "op": "verify",
            "message": BASE64_STANDARD.encode(message),
            "name": format!("{}._domainkey.{DOMAIN}", key.selector),
            "record": key.record,
        }));
        answer["detail"]
            .as_str()
            .map_or_else(|| answer.to_string(), ToOwned::to_owned)
    }

    fn signed(&mut self, message: &[u8], key: &Key, pair: (Form, Form)) -> Vec<u8> {
        let answer = self.0.ask(&json!({
            "op": "sign",
            "message": BASE64_STANDARD.encode(message),
            "domain": DOMAIN,
            "selector": key.selector,
            "key": RSA_PEM,
            "canon": format!("{}/{}", word(pair.0), word(pair.1)),
        }));
        let field = answer["field"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"));
        [&BASE64_STANDARD.decode(field).unwrap(), message].concat()
    }
}

/// With RSA; it has no other algorithm.
#[test]
fn mail_dkim_both_ways() {
    const BODY: &str = "fail (body has been altered)";
    const MESSAGE: &str = "fail (message has been altered)";
    let Some(mut peer) = MailDkim::start() else {
        return;
    };
    let [key, _] = keys();
    let (mut count, mut deviations) = (0, 0);
    let mut wrong = Vec::new();
    for pair in PAIRS {
        for (name, body) in bodies() {
            let ours = triple(name, &key, pair, HEADER, &body);
            let signed = peer.signed(&[HEADER, &body].concat(), &key, pair);
            let [in_body, in_header] = changed(&signed, &body);
            let theirs = [signed, in_body, in_header];
            for (signer, messages) in [("we", &ours.messages), ("Mail::DKIM", &theirs)] {
                let we_say = [0, 1, 2].map(|at| we_verify(&messages[at], &key));
                let they_say = [0, 1, 2].map(|at| peer.verified(&messages[at], &key));
                let mut expected = (
                    [
                        Reason::Verified,
                        Reason::BodyHashMismatch,
                        Reason::SignatureMismatch,
                    ],
                    ["pass", BODY, MESSAGE],
                );
                // The simple form ends in CRLF, added where it is not there (RFC 6376 3.4.3); Mail::DKIM
                // hashes the body as it is.
                if (pair.1, name) == (Form::Simple, "no final line end") {
                    deviations += 1;
                    if signer == "we" {
                        expected.1[0] = BODY;
                    } else {
                        expected.0[0] = Reason::BodyHashMismatch;
                    }
                }
                count += 1;
                if we_say != expected.0 || they_say != expected.1 {
                    wrong.push(format!(
                        "{} signed by {signer}: {we_say:?} {they_say:?}",
                        ours.case
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!(
        "Mail::DKIM {}: {} messages agree, each also with an octet changed in body and header; \
         {deviations} listed",
        peer.0.greeting()["mail_dkim"],
        count - deviations
    );
}
