//! authheaders judges messages as our authenticator does, but for the deviations listed with their reason.
//!
//! authheaders (from `PyPI`) has SPF of pyspf, DKIM of dkimpy, and DMARC with the tree walk of an early draft
//! of RFC 9989; it is run by the Python of `SCOP_PYTHON`, or `.venv/bin/python` at the root of the project;
//! where it is absent the test says so and passes.

#![expect(clippy::unwrap_used, reason = "tests")]

mod cases;

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine};
use scop_core::{Answer, Emit, Query, Rdata, Rtype, Security, Txt, UnixTime, lookup};
use scop_crypto::{Ed25519SigningKey, RUST_CRYPTO};
use scop_dkim::key_record::Publish;
use scop_dkim::sign::{SignOptions, Signer};
use scop_dmarc::Authenticator;
use scop_dmarc::authenticator::{Connection, Limits};
use scop_interop::peer::Peer;
use scop_mime_core::Message;
use serde_json::json;

use crate::cases::{CASES, Case};

/// The client; only domains that [`Case::sends`] names let it send.
const CLIENT: &str = "192.0.2.1";
const HELO: &str = "mx.example.org";
const SELECTOR: &str = "s";
const KEY: [u8; 32] = [3; 32];

/// Names that exist beside those with records.
const HOSTS: [&str; 3] = ["example.org", "www.example.org", "a.example.org"];

/// Domains that let the client send mail; all others have no SPF record.
const SENDERS: [&str; 8] = [
    "example.org",
    "bounce.example.org",
    "example.net",
    "mx.example.org",
    "sub.example.org",
    "a.example.org",
    "my-shop.example",
    "me.github.io",
];

impl Case {
    /// Signed by us.
    fn message(&self) -> Vec<u8> {
        let mut message = format!(
            "From: {}\r\nTo: you@example.com\r\nSubject: {}\r\nDate: Mon, 1 Jan 2029 00:00:00 +0000\r\n\r\nHi.\r\n",
            self.from, self.name
        )
        .into_bytes();
        let key = Ed25519SigningKey::from_seed(&KEY);
        for signer in self.signers.iter().rev() {
            let options = SignOptions::new(signer.as_bytes(), SELECTOR.as_bytes());
            let mut field = Vec::new();
            let parts = Message::split(&message);
            let mut signer = Signer::new(parts.header, &key, RUST_CRYPTO, options).unwrap();
            signer.body(parts.body);
            signer.finish(&mut field).unwrap();
            message.splice(0..0, field);
        }
        message
    }

    fn mail_from(&self) -> String {
        if self.path.is_empty() {
            String::new()
        } else {
            format!("bounce@{}", self.path)
        }
    }

    /// Names, types and values.
    fn zone(&self) -> Vec<(String, &'static str, String)> {
        let key = Ed25519SigningKey::from_seed(&KEY);
        let key = String::from_utf8(Publish::ed25519(&key.public_key()).to_vec()).unwrap();
        let mut rows: Vec<_> = SENDERS
            .iter()
            .map(|name| {
                (
                    (*name).to_owned(),
                    "TXT",
                    format!("v=spf1 ip4:{CLIENT} -all"),
                )
            })
            .collect();
        rows.extend(
            HOSTS
                .iter()
                .map(|name| ((*name).to_owned(), "A", "192.0.2.80".to_owned())),
        );
        rows.extend(self.signers.iter().map(|domain| {
            (
                format!("{SELECTOR}._domainkey.{domain}"),
                "TXT",
                key.clone(),
            )
        }));
        rows.extend(
            self.records
                .iter()
                .map(|(domain, record)| (format!("_dmarc.{domain}"), "TXT", (*record).to_owned())),
        );
        rows
    }

    /// What we say of the message; and why.
    fn ours(&self, message: &[u8]) -> (Judgement, String) {
        let rows = self.zone();
        let mut zone = BTreeMap::<(String, Rtype), Vec<Rdata<'_>>>::new();
        for (name, rtype, value) in &rows {
            let rdata = match *rtype {
                "A" => Rdata::A(value.parse().unwrap()),
                _ => Rdata::Txt(Txt::joined(value.as_bytes())),
            };
            let records = zone.entry((name.clone(), rdata.rtype())).or_default();
            records.push(rdata);
        }
        let exists = |name: &str| {
            let below = format!(".{name}");
            rows.iter()
                .any(|row| row.0 == name || row.0.ends_with(&below))
        };
        let mail_from = self.mail_from();
        let parts = Message::split(message);
        let connection = Connection {
            ip: CLIENT.parse().unwrap(),
            helo: HELO.as_bytes(),
            mail_from: mail_from.as_bytes(),
            receiver: b"judge.example",
        };
        let mut machine = Authenticator::<10, 4096>::new(
            parts.header,
            Some(connection),
            RUST_CRYPTO,
            UnixTime(1_800_000_000),
            &Limits::DEFAULT,
        );
        machine.body(parts.body).unwrap();
        machine.finish_body().unwrap();
        let verdict = lookup::drive(&mut machine, |query: Query<'_>| {
            let name = query.name.to_string().to_ascii_lowercase();
            let name = name.trim_end_matches('.');
            match zone.get(&(name.to_owned(), query.rtype)) {
                Some(records) => Answer::records(records),
                None if exists(name) => Answer::NoData(Security::Indeterminate),
                None => Answer::NxDomain(Security::Indeterminate),
            }
        })
        .unwrap();
        let judgement = Judgement {
            spf: verdict.spf().map(|spf| spf.result().to_string()),
            dkim: verdict.dkim().first().map(|dkim| dkim.result().to_string()),
            dmarc: verdict.result().to_string(),
            policy: verdict
                .request()
                .map(|request| request.disposition.to_string()),
        };
        (judgement, verdict.reason().to_string())
    }

    fn theirs(&self, peer: &mut Peer, message: &[u8]) -> Judgement {
        let answer = peer.ask(&json!({
            "message": BASE64_STANDARD.encode(message),
            "ip": CLIENT,
            "helo": HELO,
            "mail_from": self.mail_from(),
            "zone": self.zone(),
        }));
        let word = |name: &str| answer[name].as_str().map(ToOwned::to_owned);
        Judgement {
            spf: word("spf"),
            // It has no word for a message without a signature.
            dkim: word("dkim").filter(|_| !self.signers.is_empty()),
            dmarc: word("dmarc").unwrap_or_else(|| "error".to_owned()),
            policy: word("policy"),
        }
    }
}

/// What a message comes to.
#[derive(Debug)]
struct Judgement {
    spf: Option<String>,
    /// Of the first signature.
    dkim: Option<String>,
    dmarc: String,
    policy: Option<String>,
}

impl Judgement {
    fn dmarc(&self) -> (&str, Option<&str>) {
        (&self.dmarc, self.policy.as_deref())
    }
}

#[test]
fn the_table() {
    let Some(mut peer) = Peer::python("authheaders_peer.py", "authheaders") else {
        return;
    };
    let mut wrong = Vec::new();
    let mut deviations = BTreeMap::<&str, Vec<&str>>::new();
    for case in CASES {
        let name = case.name;
        let message = case.message();
        let (ours, reason) = case.ours(&message);
        if ours.dmarc() != case.ours {
            wrong.push(format!("{name}: we say {ours:?}: {reason}"));
        }
        let theirs = case.theirs(&mut peer, &message);
        if theirs.dmarc != "error" && (&ours.spf, &ours.dkim) != (&theirs.spf, &theirs.dkim) {
            wrong.push(format!("{name}: {ours:?}, authheaders {theirs:?}"));
        }
        let expected = match case.theirs {
            None => case.ours,
            Some((result, policy, why)) => {
                assert_ne!((result, policy), case.ours, "{name} is no deviation");
                deviations.entry(why).or_default().push(name);
                (result, policy)
            }
        };
        if theirs.dmarc() != expected {
            wrong.push(format!("{name}: authheaders {theirs:?}"));
        }
    }
    let count: usize = deviations.values().map(Vec::len).sum();
    println!(
        "authheaders: {} of {} messages alike",
        CASES.len() - count,
        CASES.len()
    );
    for (why, names) in deviations {
        println!("    {}: {why}", names.join("; "));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
