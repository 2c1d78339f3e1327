//! Each machine alone, with a script in the place of the other side.

#![allow(dead_code, reason = "each test uses a part")]

use scop_core::Instant;
use scop_smtp_proto::auth::server::Exchange;
use scop_smtp_proto::client::{self, Client, TlsPolicy};
use scop_smtp_proto::server::{self, Event, Server};
use scop_smtp_proto::{Domain, Extension};

/// What came of a script.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Each reply behind the greeting, its lines joined with LF.
    pub(crate) replies: Vec<String>,
    /// What the host was asked of MAIL, RCPT and verbs of extensions.
    pub(crate) events: Vec<String>,
    /// The content of messages.
    pub(crate) content: Vec<u8>,
}

impl Heard {
    /// The code of a reply.
    pub(crate) fn code(&self, index: usize) -> &str {
        &self.replies[index][..3]
    }

    /// The lines of the reply to EHLO, behind the first.
    pub(crate) fn keywords(&self) -> Vec<&str> {
        self.replies[0]
            .lines()
            .skip(1)
            .map(|line| &line[4..])
            .collect()
    }
}

/// Sends `script` to a server whose host consents to everything.
pub(crate) fn serve(extensions: &[&dyn Extension], secure: bool, script: &str) -> Heard {
    let mut config = server::Config::new("mx.example.org", extensions);
    config.secure = secure;
    let (mut input, mut output) = ([0; 2048], [0; 2048]);
    let buffers = server::Buffers {
        input: &mut input,
        output: &mut output,
    };
    let mut secrets = [0; 512];
    let mut server = Server::new(config, buffers, Instant(0))
        .unwrap()
        .with_auth(Exchange::new(&mut secrets).with_hash(&scop_crypto::SHA256));
    let mut script = script.as_bytes();
    let mut sent = Vec::new();
    let mut heard = Heard::default();
    loop {
        match server.poll() {
            server::Step::Transmit => {
                let count = server.transmit().len();
                sent.extend_from_slice(server.transmit());
                server.transmitted(count, Instant(0)).unwrap();
            }
            server::Step::Event => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                match server.event().unwrap() {
                    Event::Mail { parameters, .. } => heard
                        .events
                        .push(format!("MAIL {}", text(parameters.raw()))),
                    Event::Recipient { parameters, .. } => heard
                        .events
                        .push(format!("RCPT {}", text(parameters.raw()))),
                    Event::Command { verb, argument } => {
                        heard
                            .events
                            .push(format!("{} {}", text(verb), text(argument)));
                    }
                    Event::Discarded(_) => continue,
                    _ => {}
                }
                server.accept().unwrap();
            }
            server::Step::StartTls => server.tls_started(&[], Instant(0)).unwrap(),
            server::Step::Wait(_) if script.is_empty() => break,
            server::Step::Wait(_) => heard
                .content
                .extend_from_slice(server.handle_input(&mut script, Instant(0))),
            server::Step::Done => break,
        }
    }
    let mut reply = String::new();
    for line in String::from_utf8(sent).unwrap().lines() {
        reply.push_str(line);
        if line.as_bytes().get(3) == Some(&b'-') {
            reply.push('\n');
        } else {
            heard.replies.push(core::mem::take(&mut reply));
        }
    }
    assert!(reply.is_empty() && heard.replies.remove(0).starts_with("220"));
    heard
}

/// Hands an idle client to `act`, on a connection whose server announced `keywords`.
pub(crate) fn order<R>(
    extensions: &[&dyn Extension],
    secure: bool,
    keywords: &[&str],
    act: impl FnOnce(&mut Client<'_>) -> R,
) -> R {
    let mut config = client::Config::new(Domain::parse(b"client.example.org").unwrap());
    config.extensions = extensions;
    config.secure = secure;
    config.tls = TlsPolicy::None;
    let (mut input, mut output) = ([0; 2048], [0; 4096]);
    let buffers = client::Buffers {
        input: &mut input,
        output: &mut output,
    };
    let mut client = Client::new(config, buffers, Instant(0)).unwrap();
    let mut ehlo = String::from("250-mx.example.org\r\n");
    for keyword in keywords {
        ehlo.extend(["250-", keyword, "\r\n"]);
    }
    ehlo.push_str("250 XEND\r\n");
    let replies = ["220 mx.example.org\r\n", &ehlo];
    say(&mut client, &replies);
    assert_eq!(client.poll(), client::Step::Order);
    act(&mut client)
}

/// What a client sends while it gets `replies`, up to the step at which its host has to do something.
pub(crate) fn say(client: &mut Client<'_>, replies: &[&str]) -> String {
    let mut replies = replies.iter();
    let mut sent = Vec::new();
    loop {
        match client.poll() {
            client::Step::Transmit => {
                let count = client.transmit().len();
                sent.extend_from_slice(client.transmit());
                client.transmitted(count, Instant(0)).unwrap();
            }
            client::Step::Event => {}
            client::Step::Wait(_) => match replies.next() {
                Some(reply) => {
                    let mut input = reply.as_bytes();
                    client.handle_input(&mut input, Instant(0));
                    assert!(input.is_empty());
                }
                None => break,
            },
            _ => break,
        }
    }
    String::from_utf8(sent).unwrap()
}
