//! `scop send` delivers to servers of others.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scop_interop::peer::Peer;
use scop_interop::program::{Program, free_port};
use serde_json::{Value, json};

use crate::world::{World, arrived, messages, trace};

/// The part of a configuration by which mail goes to the servers of its domains, all of which listen on `port`.
pub fn to_servers(port: u16) -> String {
    format!(
        "[route]\nto = \"mx\"\nport = {port}\nprivate_addresses = true\n[retry]\nfirst = \"1s\"\nlongest = \"2s\"\n"
    )
}

/// Waits until `is_done`.
pub fn wait(what: &str, log: impl Fn() -> String, mut is_done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_done() {
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "{what}: {}",
            log()
        );
        sleep(Duration::from_millis(20));
    }
}

/// What arrived is what was sent, behind a signature that holds.
fn signed(world: &World, delivered: &[Vec<u8>]) {
    for message in delivered {
        let results = world.check(message, "client.example.test", "joe@example.test");
        assert!(
            results.contains("dkim=pass") && results.contains("dmarc=pass"),
            "{results}"
        );
    }
}

#[test]
fn postfix_gets_every_message() {
    let Some(world) = World::new("") else { return };
    let Some(postfix) = Program::postfix(&[], Some(&world.certificate)) else {
        return;
    };
    let sender = world.sender(&to_servers(postfix.address().port()));
    let sent: Vec<_> = messages().into_iter().map(|(_, message)| message).collect();
    for message in &sent {
        world.submit_file("joe@example.test", &["x@d.test"], message);
    }
    let delivered = postfix.delivered(sent.len());
    signed(&world, &delivered);
    // Encrypted, although nobody vouches for the certificate.
    assert!(
        delivered
            .iter()
            .all(|message| trace(message).contains("with ESMTPS"))
    );
    arrived(&delivered, sent);
    // Nothing is left to be sent.
    let spool = || files(&world.path("spool"));
    wait(
        "the spool is not empty",
        || format!("{:?} {}", spool(), sender.log()),
        || spool().is_empty(),
    );
}

/// Files below a folder that are not the lock.
pub fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.file_name().is_some_and(|name| name != "lock") {
            all.push(path);
        }
    }
    all
}

pub fn aiosmtpd(arguments: &[&str]) -> Option<(Peer, SocketAddr)> {
    let peer = Peer::python_with("aiosmtpd_peer.py", arguments, "aiosmtpd")?;
    let port = u16::try_from(peer.greeting()["port"].as_u64()?).ok()?;
    Some((peer, SocketAddr::from(([127, 0, 0, 1], port))))
}

fn received(peer: &mut Peer, count: usize) -> Vec<(Value, Vec<u8>)> {
    let mut all = Vec::new();
    let begin = Instant::now();
    while all.len() < count {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "{} of {count} came",
            all.len()
        );
        let answer = peer.ask(&json!({}));
        for message in answer["messages"].as_array().unwrap() {
            let data = STANDARD.decode(message["data"].as_str().unwrap()).unwrap();
            all.push((message.clone(), data));
        }
        sleep(Duration::from_millis(20));
    }
    all
}

#[test]
fn aiosmtpd_gets_every_message() {
    let Some(world) = World::new("") else { return };
    let Some((mut peer, address)) = aiosmtpd(&[]) else {
        return;
    };
    let _sender = world.sender(&to_servers(address.port()));
    let mut sent = Vec::new();
    for (name, message) in messages() {
        // It takes lines of 1000 octets, and the stuffed dot counts.
        if name != "a line of 998" {
            world.submit_file("joe@example.test", &["x@d.test", "y@d.test"], &message);
            sent.push(message);
        }
    }
    let delivered = received(&mut peer, sent.len());
    for (facts, _) in &delivered {
        assert_eq!(facts["to"], json!(["x@d.test", "y@d.test"]));
        assert_eq!(facts["from"], json!("joe@example.test"));
    }
    let delivered: Vec<_> = delivered.into_iter().map(|(_, data)| data).collect();
    signed(&world, &delivered);
    arrived(&delivered, sent);
}

#[test]
fn dovecot_gets_every_message() {
    let Some(world) = World::new("") else { return };
    let Some(dovecot) = Program::dovecot() else {
        return;
    };
    let route = format!(
        "[route]\nto = \"lmtp\"\naddress = \"{}\"\n",
        dovecot.address()
    );
    let _sender = world.sender(&route);
    let mut sent = Vec::new();
    for (_, message) in messages() {
        world.submit_file("joe@example.test", &["x@d.test", "y@d.test"], &message);
        sent.extend([message.clone(), message]);
    }
    let delivered = dovecot.delivered(sent.len());
    signed(&world, &delivered);
    arrived(&delivered, sent);
}

/// A way in which a server fails: a switch of smtp-sink, and the command at which it does.
struct Case {
    number: usize,
    switch: &'static str,
    command: &'static str,
}

impl Case {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for switch in ["-f", "-r", "-q", "-Q", "-W"] {
            for command in ["connect", "ehlo", "mail", "rcpt", "data", "."] {
                all.push(Self {
                    number: all.len(),
                    switch,
                    command,
                });
            }
        }
        all
    }

    /// All servers listen on one port, each at an address of its own.
    fn at(&self, port: u16) -> SocketAddr {
        format!("127.0.1.{}:{port}", self.number + 1)
            .parse()
            .unwrap()
    }

    fn bad(&self, port: u16) -> Option<Program> {
        match self.switch {
            // It does not wait with the commands that were sent together with a slow one, so it says that it takes none.
            "-W" => {
                Program::smtp_sink_at(self.at(port), &["-p", "-W", &format!("{}:2", self.command)])
            }
            switch => Program::smtp_sink_at(self.at(port), &[switch, self.command]),
        }
    }

    fn recipient(&self) -> String {
        format!("x@case{}.test", self.number)
    }

    fn zone(&self) -> String {
        let Self { number, .. } = self;
        format!(
            "mx-host=case{number}.test,mx{number}.test,10\nhost-record=mx{number}.test,127.0.1.{}\n",
            number + 1
        )
    }
}

fn holds(sink: &Program, words: &str) -> bool {
    sink.dumps()
        .iter()
        .any(|dump| String::from_utf8_lossy(dump).contains(words))
}

/// A server that fails in a way of its own for each domain; then a good one in its place. Each message is
/// delivered at last, or its sender is told why not.
#[test]
fn smtp_sink_fails_at_each_command() {
    let cases = Case::all();
    let zone: String = cases.iter().map(Case::zone).collect();
    let zone =
        format!("{zone}mx-host=example.test,home.test,10\nhost-record=home.test,127.0.2.1\n");
    let Some(world) = World::new(&zone) else {
        return;
    };
    let port = free_port();
    let home = format!("127.0.2.1:{port}").parse().unwrap();
    let Some(home) = Program::smtp_sink_at(home, &[]) else {
        return;
    };
    let bad: Vec<_> = cases.iter().map(|case| case.bad(port).unwrap()).collect();
    let sender = world.sender(&to_servers(port));
    for case in &cases {
        let to = case.recipient();
        let message = format!(
            "From: joe@example.test\r\nTo: {to}\r\nSubject: case {}\r\n\r\nhi\r\n",
            case.number
        );
        world.submit_file("joe@example.test", &[&to], message.as_bytes());
    }
    // Each was tried against the bad server before the good one comes.
    wait(
        "not every case was tried",
        || sender.log(),
        || {
            let log = sender.log();
            cases
                .iter()
                .all(|case| log.contains(&format!("@case{}.test", case.number)))
        },
    );
    sleep(Duration::from_millis(2500));
    let was_delivered: Vec<bool> = bad.iter().map(|sink| !sink.dumps().is_empty()).collect();
    drop(bad);
    let good: Vec<_> = cases
        .iter()
        .map(|case| Program::smtp_sink_at(case.at(port), &[]).unwrap())
        .collect();
    for case in &cases {
        let Case {
            number,
            switch,
            command,
        } = *case;
        let what = format!("{switch} {command}");
        let told = || holds(&home, &case.recipient());
        match switch {
            // Who refuses EHLO is asked with HELO, and takes the message.
            "-f" if command == "ehlo" => assert!(was_delivered[number], "{what}"),
            // Refused for good: its sender is told.
            "-f" => {
                wait(&what, || sender.log(), told);
                assert!(good[number].dumps().is_empty(), "{what}");
            }
            // Slow, and no more than that.
            "-W" => wait(
                &what,
                || sender.log(),
                || was_delivered[number] || !good[number].dumps().is_empty(),
            ),
            _ => {
                wait(
                    &what,
                    || sender.log(),
                    || holds(&good[number], &format!("case {number}\n")),
                );
                assert!(!told(), "{what}");
            }
        }
    }
}
