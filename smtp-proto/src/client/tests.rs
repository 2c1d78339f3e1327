//! A scripted server: what has to be sent, and what is answered.

mod chunks;
mod early;
mod faults;
mod groups;
mod model;
mod sessions;
mod timers;
mod tls;
mod wrong_calls;

use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

use scop_core::Instant;

use super::{Buffers, Cause, Client, Config, End, Event, Fate, Step, TlsPolicy};
use crate::auth::client::Exchange;
use crate::auth::{Credentials, Mechanism, MechanismSet};
use crate::extension::{
    Auth, BinaryMime, Chunking, EightBitMime, Extension, Limits, Pipelining, RequireTls, Size,
    SmtpUtf8, StartTls,
};
use crate::parameter::Parameter;
use crate::path::{Domain, ForwardPath, ReversePath};

const AUTH: Auth = Auth {
    mechanisms: MechanismSet::PROOFS
        .with(Mechanism::Plain)
        .with(Mechanism::Login),
    plaintext_allowed: false,
};

const ALL: &[&dyn Extension] = &[
    &Size(0),
    &EightBitMime,
    &SmtpUtf8,
    &Pipelining,
    &Chunking,
    &BinaryMime,
    &StartTls,
    &AUTH,
    &RequireTls,
    &Limits {
        transactions: None,
        recipients: None,
        domains: None,
    },
];

fn config() -> Config<'static> {
    Config {
        extensions: ALL,
        tls: TlsPolicy::None,
        ..Config::new(Domain::parse(b"c.example").unwrap())
    }
}

/// What the host does, one at each [`Step::Order`]; then it quits.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// Recipients, content in pieces, parameters.
    Send(
        &'static [&'static str],
        &'static [&'static [u8]],
        &'static str,
    ),
    Auth(Mechanism),
    Command(&'static str, &'static str),
    StartTls,
    Reset,
}

const ONE: Order = Order::Send(&["<j@a.example>"], &[b"hi\r\n"], "");
const THREE: Order = Order::Send(
    &["<a@a.example>", "<b@a.example>", "<c@b.example>"],
    &[b"hi\r\n"],
    "",
);

/// A line of the script: what the client has to have sent, and what comes then. The replies `CLOSE` and
/// `TIMEOUT` are none.
type Line = (&'static str, &'static str);

/// What came about, and what was sent.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    log: Vec<String>,
    end: Option<End>,
}

/// A text of parameters as values.
fn parameters(text: &str) -> Vec<Parameter<'_>> {
    text.split_whitespace()
        .map(|word| Parameter::parse(word.as_bytes()).unwrap())
        .collect()
}

fn name(event: &Event<'_>) -> String {
    let code = |reply: &crate::ReplyView<'_>| reply.code().to_string();
    match event {
        Event::Greeting(reply) => format!("greeting {}", code(reply)),
        Event::Ready { hello, reply } => format!("{hello:?} {}", code(reply)),
        Event::HelloRefused(reply) => format!("hello refused {}", code(reply)),
        Event::TlsRefused(reply) => format!("tls refused {}", code(reply)),
        Event::Authenticated(reply) => format!("authenticated {}", code(reply)),
        Event::AuthRefused(reply) => format!("auth refused {}", code(reply)),
        Event::Mail(reply) => format!("mail {}", code(reply)),
        Event::Recipient { index, reply } => format!("rcpt {index} {}", code(reply)),
        Event::Delivered { index, reply } => format!("delivered {index} {}", code(reply)),
        Event::Failed { index, fate, cause } => {
            let fate = match fate {
                Fate::NotDelivered => "failed",
                Fate::Unknown => "unknown",
            };
            match cause {
                Cause::Reply { to, reply } => format!("{fate} {index} {to:?} {}", code(reply)),
                Cause::End(_) => format!("{fate} {index} end"),
            }
        }
        Event::CommandReply(reply) => format!("reply {}", code(reply)),
        Event::Closing(reply) => format!("closing {}", code(reply)),
    }
}

/// Runs a session with replies that come in pieces of `cut` octets.
#[expect(clippy::too_many_lines, reason = "one loop")]
fn run(config: Config<'_>, script: &[Line], orders: &[Order], cut: usize) -> Told {
    let (mut input, mut output) = ([0; 1024], [0; 512]);
    let buffers = Buffers {
        input: &mut input,
        output: &mut output,
    };
    let mut client = Client::new(config, buffers, Instant(0)).unwrap();
    let mut script = script.iter();
    let mut orders = orders.iter();
    let mut order = None;
    let mut pieces: Vec<&[u8]> = vec![];
    let mut exchange: Option<Exchange<'_>> = None;
    let (mut wire, mut incoming): (Vec<u8>, Vec<u8>) = (vec![], vec![]);
    let mut log: Vec<String> = vec![];
    let mut now = Instant(0);
    for _ in 0..100_000 {
        now.0 += 1;
        if !incoming.is_empty() {
            let mut piece = &incoming[..cut.min(incoming.len())];
            let had = piece.len();
            client.handle_input(&mut piece, now);
            let taken = had - piece.len();
            incoming.drain(..taken);
        }
        match client.poll() {
            Step::Transmit => {
                let count = client.transmit().len().min(cut);
                wire.extend_from_slice(&client.transmit()[..count]);
                client.transmitted(count, now).unwrap();
            }
            Step::Event => log.push(name(&client.event().unwrap())),
            Step::Order => {
                order = orders.next();
                match order {
                    None => client.quit().unwrap(),
                    Some(Order::Send(_, content, text)) => {
                        pieces = content.to_vec();
                        let path = ReversePath::parse(b"<s@c.example>").unwrap();
                        if let Err(error) = client.mail(&path, &parameters(text)) {
                            log.push(format!("{error:?}"));
                        }
                    }
                    Some(Order::Auth(mechanism)) => {
                        let credentials = Credentials::Password {
                            authorization: "",
                            user: "joe",
                            password: b"secret",
                        };
                        let mut new = Exchange::new(*mechanism, credentials).unwrap();
                        if let Err(error) = client.authenticate(&mut new) {
                            log.push(format!("{error:?}"));
                        }
                        exchange = Some(new);
                    }
                    Some(Order::Command(verb, argument)) => {
                        if let Err(error) = client.command(verb.as_bytes(), argument.as_bytes()) {
                            log.push(format!("{error:?}"));
                        }
                    }
                    Some(Order::StartTls) => {
                        if let Err(error) = client.start_tls() {
                            log.push(format!("{error:?}"));
                        }
                    }
                    Some(Order::Reset) => client.reset().unwrap(),
                }
            }
            Step::Auth => {
                if let Err(error) = client.continue_auth(exchange.as_mut().unwrap()) {
                    log.push(format!("{error:?}"));
                }
            }
            Step::Recipient(index) => {
                let Some(Order::Send(recipients, _, _)) = order else {
                    panic!("no order")
                };
                match recipients.get(index as usize) {
                    None => client.end_recipients().unwrap(),
                    Some(path) => {
                        let path = ForwardPath::parse(path.as_bytes()).unwrap();
                        if let Err(error) = client.recipient(&path, &[]) {
                            log.push(format!("{error:?}"));
                            client.end_recipients().unwrap();
                        }
                    }
                }
            }
            Step::Content => {
                pieces.retain(|piece| !piece.is_empty());
                let given = match pieces.as_mut_slice() {
                    [] => client.content_end(now).map(|()| &b""[..]),
                    [last] if config.prefer_bdat => client.last_content(last, now),
                    [piece, ..] => client.content(piece, now),
                };
                if let Ok(octets) = given {
                    wire.extend_from_slice(octets);
                }
            }
            Step::StartTls => {
                assert!(incoming.is_empty());
                client.tls_started(&[], now).unwrap();
            }
            Step::Wait(until) => {
                if !incoming.is_empty() {
                    continue;
                }
                let Some((sent, reply)) = script.next() else {
                    panic!(
                        "the script is over: {log:?}, {:?}",
                        wire.escape_ascii().to_string()
                    )
                };
                let text = wire.escape_ascii().to_string();
                assert!(
                    wire.starts_with(sent.as_bytes()),
                    "want {sent:?} got {text:?}, {log:?}"
                );
                wire.drain(..sent.len());
                match *reply {
                    "CLOSE" => client.handle_closed(),
                    "TIMEOUT" => {
                        client.handle_timeout(Instant(until.0 - 1));
                        assert!(client.end().is_none());
                        now = until;
                        client.handle_timeout(now);
                    }
                    reply => incoming.extend_from_slice(reply.as_bytes()),
                }
            }
            Step::Done => {
                assert_eq!(client.poll(), Step::Done);
                assert!(client.transmit().is_empty() && client.event().is_none());
                let end = client.end();
                // Part of a command or of the message may be on its way by then.
                assert!(
                    b"QUIT\r\n".starts_with(&wire)
                        || matches!(
                            end,
                            Some(End::Unsolicited | End::RefusedEarly(_) | End::Closing)
                        ),
                    "{:?}",
                    wire.escape_ascii().to_string()
                );
                assert!(end.is_some());
                return Told { log, end };
            }
        }
    }
    panic!("it does not end: {log:?}");
}

/// Runs a session at many cuts, which must not matter.
fn play(config: Config<'_>, script: &[Line], orders: &[Order]) -> Told {
    let whole = run(config, script, orders, usize::MAX);
    for cut in (1..40).chain([64, 100]) {
        assert_eq!(run(config, script, orders, cut), whole, "cut {cut}");
    }
    whole
}

/// Plays and compares: the events, separated by commas.
#[track_caller]
fn check(config: Config<'_>, script: &[Line], orders: &[Order], log: &str, end: End) {
    let told = play(config, script, orders);
    assert_eq!(told.log.join(", "), log);
    assert_eq!(told.end, Some(end));
}

/// A script that begins as all do.
fn after_hello(keywords: &'static str, rest: &[Line]) -> Vec<Line> {
    let mut script = vec![("", "220 hi\r\n"), ("EHLO c.example\r\n", keywords)];
    script.extend_from_slice(rest);
    script
}

const PLAIN: &str = "250 hi\r\n";
const GROUPS: &str = "250-hi\r\n250 PIPELINING\r\n";
const CHUNKS: &str = "250-hi\r\n250-PIPELINING\r\n250-BINARYMIME\r\n250 CHUNKING\r\n";
const READY: &str = "greeting 220, Ehlo 250";

fn code(number: u16) -> crate::Code {
    crate::Code::new(number).unwrap()
}
