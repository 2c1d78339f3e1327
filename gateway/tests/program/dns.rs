//! `scop check --dns` against a server on the loopback interface.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::run::{Run, folder, scop, scop_with};
use scop_core::record::CLASS_IN;
use scop_core::{NameBuf, Rdata, Record, Rtype, Txt};
use scop_dnssec::wire::{Builder, Flags, Message, Rcode};

/// How the server behaves.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Answers,
    /// Over UDP every reply is cut short.
    Truncates,
    Silent,
    Fails,
}

struct Server {
    address: SocketAddr,
    udp: Arc<AtomicUsize>,
    tcp: Arc<AtomicUsize>,
}

/// Texts by name; everything else does not exist.
type Zone = Vec<(String, String)>;

impl Server {
    /// It runs until the test ends.
    fn start(zone: Zone, manner: Manner) -> Self {
        let (socket, listener) = loop {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            // The same port may be taken for TCP.
            if let Ok(listener) = TcpListener::bind(socket.local_addr().unwrap()) {
                break (socket, listener);
            }
        };
        let address = socket.local_addr().unwrap();
        let [udp, tcp] = [0; 2].map(|count| Arc::new(AtomicUsize::new(count)));
        let (zone, counted) = (Arc::new(zone), (Arc::clone(&udp), Arc::clone(&tcp)));
        let names = Arc::clone(&zone);
        std::thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                counted.0.fetch_add(1, Ordering::SeqCst);
                if let Some(reply) = reply(&query[..length], &names, manner) {
                    socket.send_to(&reply, from).unwrap();
                }
            }
        });
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                counted.1.fetch_add(1, Ordering::SeqCst);
                let mut length = [0; 2];
                stream.read_exact(&mut length).unwrap();
                let mut query = vec![0; u16::from_be_bytes(length).into()];
                stream.read_exact(&mut query).unwrap();
                let reply = reply(&query, &zone, Manner::Answers).unwrap();
                let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
                stream.write_all(&[&length[..], &reply].concat()).unwrap();
            }
        });
        Self { address, udp, tcp }
    }

    fn check(&self, more: &[&str], message: &[u8]) -> Run {
        let address = self.address.to_string();
        scop_with(&[&["check", "--dns", &address], more].concat(), message)
    }
}

fn reply(query: &[u8], zone: &Zone, manner: Manner) -> Option<Vec<u8>> {
    let query = Message::parse(query).unwrap();
    let question = query.questions().next().unwrap();
    let mut buffer = vec![0; 4096];
    let mut builder = Builder::response(&mut buffer, &query).unwrap();
    match manner {
        Manner::Silent => return None,
        Manner::Fails => builder.set_rcode(Rcode::SERVFAIL),
        Manner::Truncates => builder.set_flags(Flags::TC),
        Manner::Answers => {
            let mut exists = false;
            for (name, text) in zone {
                let owner = NameBuf::from_text(name.as_bytes()).unwrap();
                exists |= owner.as_name() == question.name;
                if owner.as_name() == question.name && question.rtype == Rtype::TXT {
                    let rdata = Rdata::Txt(Txt::joined(text.as_bytes()));
                    let record = Record {
                        owner: question.name,
                        class: CLASS_IN,
                        ttl: 60,
                        rdata,
                    };
                    builder.answer(&record).unwrap();
                }
            }
            if !exists {
                builder.set_rcode(Rcode::NXDOMAIN);
            }
        }
    }
    Some(builder.finish().unwrap().to_vec())
}

/// A signed message, and the zone that proves it.
fn signed(test: &str) -> (Vec<u8>, Zone) {
    let key = folder(test).join("key");
    let key = key.to_str().unwrap();
    let keygen = scop(&[
        "keygen",
        "--algorithm",
        "rsa2048",
        "--selector",
        "s",
        "--domain",
        "example.org",
        "--out",
        key,
    ]);
    let record: String = keygen.text().split('"').skip(1).step_by(2).collect();
    let message = b"From: a@example.org\r\n\r\nHello\r\n";
    let signed = scop_with(
        &[
            "sign",
            "--domain",
            "example.org",
            "--selector",
            "s",
            "--key",
            key,
        ],
        message,
    );
    assert_eq!(signed.code, 0, "{}", signed.err);
    let zone = vec![
        ("s._domainkey.example.org".to_owned(), record),
        (
            "_dmarc.example.org".to_owned(),
            "v=DMARC1; p=reject".to_owned(),
        ),
        (
            "example.org".to_owned(),
            "v=spf1 ip4:192.0.2.1 -all".to_owned(),
        ),
    ];
    (signed.out, zone)
}

#[test]
fn a_server_answers() {
    let (message, zone) = signed("answers");
    let server = Server::start(zone, Manner::Answers);
    let connection = [
        "--ip",
        "192.0.2.1",
        "--helo",
        "mx.example.org",
        "--mail-from",
        "a@example.org",
    ];
    let run = server.check(&[&connection[..], &["--explain"]].concat(), &message);
    assert_eq!(run.code, 0, "{}", run.text());
    assert!(
        run.text()
            .contains(&format!("asked: example.org. TXT [{}, ", server.address)),
        "{}",
        run.text()
    );
    // Two texts for SPF, one key, one policy: each asked once.
    assert_eq!(server.udp.load(Ordering::SeqCst), 4, "{}", run.text());
    assert_eq!(server.tcp.load(Ordering::SeqCst), 0);
}

#[test]
fn a_truncated_reply_is_asked_for_again_over_tcp() {
    let (message, zone) = signed("truncated");
    let server = Server::start(zone, Manner::Truncates);
    let run = server.check(&[], &message);
    assert_eq!(run.code, 0, "{}", run.text());
    assert_eq!(
        server.tcp.load(Ordering::SeqCst),
        2,
        "the key and the policy"
    );
}

#[test]
fn silence_and_failure_are_temporary() {
    let (message, zone) = signed("silence");
    let silent = Server::start(zone.clone(), Manner::Silent);
    let begun = Instant::now();
    let run = silent.check(&["--explain"], &message);
    assert_eq!(run.code, 75, "{}", run.text());
    assert!(
        run.text()
            .contains(&format!("failed: {}: no reply in time", silent.address)),
        "{}",
        run.text()
    );
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "side by side, not one after the other"
    );
    assert!(
        silent.udp.load(Ordering::SeqCst) > 2,
        "each question is sent again"
    );

    let failing = Server::start(zone, Manner::Fails);
    let run = failing.check(&["--explain"], &message);
    assert_eq!(run.code, 75, "{}", run.text());
    assert!(
        run.text().contains("the server says SERVFAIL"),
        "{}",
        run.text()
    );
}

#[test]
fn nobody_at_the_port_is_temporary_and_quick() {
    let (message, _) = signed("nobody");
    let address = UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let begun = Instant::now();
    let run = scop_with(&["check", "--dns", &address], &message);
    assert_eq!(run.code, 75, "{}", run.text());
    let note = format!("note: 2 lookups failed: {address}: connection refused\n");
    assert!(run.text().contains(&note), "{}", run.text());
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_server_answers_for_names_that_are_in_no_zone() {
    let (message, mut zone) = signed("both");
    let file = folder("both-zone").join("policy.zone");
    std::fs::write(&file, "$ORIGIN _dmarc.example.org.\n@ 60 IN SOA . . 1 2 3 4 5\n@ 60 IN TXT \"v=DMARC1; p=none\"\n").unwrap();
    zone.retain(|(name, _)| name != "_dmarc.example.org");
    let server = Server::start(zone, Manner::Answers);
    let run = server.check(&["--zone", file.to_str().unwrap()], &message);
    assert_eq!(run.code, 0, "{}", run.text());
    assert_eq!(server.udp.load(Ordering::SeqCst), 1, "the key alone");
    assert!(
        run.text().contains("policy none of example.org"),
        "{}",
        run.text()
    );
}
