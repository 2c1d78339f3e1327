//! What the tests share: names and keys in the DNS, the messages, the configurations.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use scop_interop::program::{Certificate, Folder, Program, free_port};
use scop_interop::service::{Service, scop};

/// The DNS of all tests, a folder for the service, and a certificate for `mx.example.test`.
pub struct World {
    pub dns: Program,
    pub folder: Folder,
    pub certificate: Certificate,
    /// The signing key of example.test.
    pub key: PathBuf,
    /// What the DNS says of it.
    pub record: String,
}

impl World {
    /// `None` when dnsmasq is not installed. `zone` are further lines in its words.
    pub fn new(zone: &str) -> Option<Self> {
        let folder = Folder::new("services");
        let certificate = Certificate::new();
        certificate.write(folder.path());
        private(&folder.path().join("key.pem"));
        let key = folder.path().join("dkim.pem");
        let record = scop(
            &[
                "keygen",
                "--algorithm",
                "ed25519",
                "--selector",
                "s1",
                "--domain",
                "example.test",
                "--out",
                key.to_str().unwrap(),
            ],
            b"",
        );
        assert!(record.status.success());
        let record = String::from_utf8(record.stdout).unwrap();
        let text = record.split('"').nth(1).unwrap();
        let zone = format!(
            "txt-record=s1._domainkey.example.test,\"{text}\"\n\
             txt-record=_dmarc.example.test,\"v=DMARC1; p=reject\"\n\
             txt-record=example.test,\"v=spf1 ip4:127.0.0.1 -all\"\n\
             txt-record=client.example.test,\"v=spf1 ip4:127.0.0.1 -all\"\n\
             mx-host=d.test,mx.example.test,10\nhost-record=mx.example.test,127.0.0.1\n{zone}"
        );
        Some(Self {
            dns: Program::dnsmasq(&zone)?,
            folder,
            certificate,
            key,
            record: text.to_owned(),
        })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A receiver of mail for d.test. `listeners` are kinds; `rest` is more of the configuration.
    pub fn receiver(&self, listeners: &[&str], rest: &str) -> Receiver {
        let addresses: Vec<(String, SocketAddr)> = listeners
            .iter()
            .map(|kind| {
                (
                    (*kind).to_owned(),
                    SocketAddr::from(([127, 0, 0, 1], free_port())),
                )
            })
            .collect();
        let listen = addresses.iter().map(|(kind, address)| {
            format!("[[listen]]\naddress = \"{address}\"\nkind = \"{kind}\"\n")
        });
        let listen = listen.collect::<Vec<_>>().concat();
        let folder = self.folder.path().display();
        let config = format!(
            "name = \"mx.example.test\"\nstate = \"{folder}/receiver\"\n{listen}\
             [tls]\ncertificate = \"{folder}/cert.pem\"\nkey = \"{folder}/key.pem\"\n\
             [dns]\nserver = \"{}\"\n{rest}",
            self.dns.address()
        );
        Receiver {
            service: Service::receiver(self.folder.path(), &config),
            addresses,
        }
    }

    /// The part of a configuration that keeps mail for d.test and e.test in the Maildir `box/inbox`.
    pub fn maildir(&self) -> String {
        format!(
            "[deliver]\nto = \"maildir\"\nfolder = \"{}\"\n\
             mailboxes = {{ \"*@d.test\" = \"inbox\", \"*@e.test\" = \"inbox\" }}\n",
            self.path("box").display()
        )
    }

    /// The part that lets `joe` with the password "secret" submit mail into `spool`.
    pub fn submit(&self) -> String {
        let line = scop(&["user", "joe", "*@example.test"], b"secret\n");
        assert!(
            line.status.success(),
            "{}",
            String::from_utf8_lossy(&line.stderr)
        );
        let users = self.path("users");
        fs::write(&users, line.stdout).unwrap();
        private(&users);
        format!(
            "[submit]\nusers = \"{}\"\nspool = \"{}\"\n",
            users.display(),
            self.path("spool").display()
        )
    }

    /// A sender that signs for example.test; `rest` is more of the configuration.
    pub fn sender(&self, rest: &str) -> Service {
        Service::sender(self.folder.path(), &self.sender_config(rest))
    }

    pub fn sender_config(&self, rest: &str) -> String {
        let folder = self.folder.path().display();
        format!(
            "name = \"client.example.test\"\nspool = \"{folder}/spool\"\nstate = \"{folder}/sender\"\n\
             [[sign]]\ndomain = \"example.test\"\nselector = \"s1\"\nkey = \"{}\"\n\
             [dns]\nserver = \"{}\"\n{rest}",
            self.key.display(),
            self.dns.address()
        )
    }

    /// Puts a message into the spool of the sender.
    pub fn submit_file(&self, from: &str, to: &[&str], message: &[u8]) {
        self.submit_with(&[], from, to, message);
    }

    /// The same with more arguments of `scop send`.
    pub fn submit_with(&self, more: &[&str], from: &str, to: &[&str], message: &[u8]) {
        let config = self.path("send.toml");
        let mut arguments = vec![
            "send",
            "--config",
            config.to_str().unwrap(),
            "-",
            "--from",
            from,
        ];
        for recipient in to {
            arguments.extend(["--to", recipient]);
        }
        arguments.extend(more);
        let output = scop(&arguments, message);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// What `scop check` says of a stored message, as the Authentication-Results field that it would write.
    pub fn check(&self, message: &[u8], helo: &str, mail_from: &str) -> String {
        let output = scop(
            &[
                "check",
                "--json",
                "--authserv-id",
                "mx.example.test",
                "--dns",
                &self.dns.address().to_string(),
                "--ip",
                "127.0.0.1",
                "--helo",
                helo,
                "--mail-from",
                mail_from,
            ],
            message,
        );
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["authentication_results"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// A receiver that runs.
pub struct Receiver {
    pub service: Service,
    addresses: Vec<(String, SocketAddr)>,
}

impl Receiver {
    pub fn address(&self, kind: &str) -> SocketAddr {
        let found = self.addresses.iter().find(|(name, _)| name == kind);
        found.unwrap().1
    }

    pub fn port(&self, kind: &str) -> u16 {
        self.address(kind).port()
    }
}

/// Keeps a file from others, as secrets are.
pub fn private(path: &Path) {
    let status = Command::new("chmod").arg("600").arg(path).status();
    assert!(status.is_ok_and(|status| status.success()));
}

const HEADER: &[u8] = b"From: joe@example.test\r\nTo: x@d.test\r\nSubject: a test\r\nMessage-ID: <1@example.test>\r\n\
    Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n";

/// Messages with what has gone wrong somewhere: dots, long lines, 8-bit octets, no line end at the end.
pub fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let message = |body: &[u8]| [HEADER, &b"\r\n"[..], body].concat();
    vec![
        ("plain", message(b"Hello\r\n")),
        ("no body", HEADER.to_vec()),
        (
            "dots",
            message(b".\r\n..\r\n.a\r\n...\r\n\r\n.\r\n\r\n.\r\n"),
        ),
        ("white space", message(b"\r\n\r\n  \r\n\t\r\n\r\n")),
        (
            "a line of 998",
            message(&[&[b'x'; 998][..], b"\r\n"].concat()),
        ),
        ("8bit", message("Grüße, ταῦτα, 日本\r\n".as_bytes())),
        (
            "large",
            message(
                &b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n.\r\n"
                    .repeat(14_000),
            ),
        ),
    ]
}

/// The message behind the fields that servers put before it.
pub fn without_trace(message: &[u8]) -> &[u8] {
    let at = message.windows(6).position(|six| six == b"From: ").unwrap();
    &message[at..]
}

/// The fields that servers put before it.
pub fn trace(message: &[u8]) -> String {
    let at = message.windows(6).position(|six| six == b"From: ").unwrap();
    String::from_utf8_lossy(&message[..at]).into_owned()
}

/// The first field of a name in the trace, with its line ends.
pub fn field(message: &[u8], name: &str) -> String {
    let trace = trace(message);
    let begin = if trace.starts_with(name) {
        0
    } else {
        trace
            .find(&format!("\r\n{name}"))
            .unwrap_or_else(|| panic!("no {name} in {trace}"))
            + 2
    };
    let mut field = String::new();
    for line in trace[begin..].split_inclusive("\r\n") {
        if !field.is_empty() && !line.starts_with([' ', '\t']) {
            break;
        }
        field.push_str(line);
    }
    field
}

/// What arrived is what was sent, behind the fields of servers.
pub fn arrived(delivered: &[Vec<u8>], sent: Vec<Vec<u8>>) {
    let delivered = delivered
        .iter()
        .map(|message| without_trace(message).to_vec());
    same(delivered.collect(), sent);
}

/// The same octets, in whatever order; says only how many differ, since messages are long.
fn same(mut got: Vec<Vec<u8>>, mut sent: Vec<Vec<u8>>) {
    got.sort();
    sent.sort();
    let different = got
        .iter()
        .zip(&sent)
        .filter(|(got, sent)| got != sent)
        .count();
    assert_eq!(
        (got.len(), different),
        (sent.len(), 0),
        "messages, and how many of them differ"
    );
}
