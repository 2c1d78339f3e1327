//! A server and its host at any chunks of what a client sends: the same replies, events, content and end.
//!
//! The first line of an input chooses, the rest is what the client sends. Octet 22, with which a record of
//! a TLS handshake begins, stands where the client goes on in TLS if it was asked to, and waits until then.

use std::sync::OnceLock;

use scop_core::Instant;
use scop_crypto::SHA256;
use scop_smtp_proto::auth::scram::{Nonce, StoredKeys};
use scop_smtp_proto::auth::server::{Exchange, ScramUser};
use scop_smtp_proto::auth::{Mechanism, MechanismSet};
use scop_smtp_proto::command::{Bdat, Command, Hello, Tolerance};
use scop_smtp_proto::data::LineEnds;
use scop_smtp_proto::extension::{
    Auth, BinaryMime, Chunking, DeliverBy, Dsn, EightBitMime, EnhancedStatusCodes, Etrn, Extension,
    Limits, Pipelining, Protocol, Size, SmtpUtf8, StartTls, XClient,
};
use scop_smtp_proto::server::{AnswerError, Buffers, Config, End, Event, Server, Step};
use scop_smtp_proto::{Reply, ReplyReader};

use crate::choice::Choice;
use crate::smtp_data;

/// A line of choices, five bits of each octet, and what the client sends.
pub fn run(data: &[u8]) {
    let end = data.iter().position(|&octet| octet == b'\n');
    let (choices, client) = match end {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &b""[..]),
    };
    let host = Host::new(choices);
    let slowly = host.serve(client, |part| part.chunks(1).collect());
    check(&host, client, &slowly);
    let mut choice = Choice::of(data);
    for chunked in [
        host.serve(client, |part| vec![part]),
        host.serve(client, |part| choice.chunks(part)),
    ] {
        assert_eq!(chunked.events, slowly.events);
        assert_eq!(chunked.messages, slowly.messages);
        assert_eq!(
            (chunked.end, chunked.user),
            (slowly.end, slowly.user.clone())
        );
        // What was to be sent is not sent any more to somebody who injects.
        if slowly.end == Some(End::PlaintextBehindStartTls) {
            assert!(slowly.sent.starts_with(&chunked.sent));
        } else {
            assert_eq!(
                chunked.sent.escape_ascii().to_string(),
                slowly.sent.escape_ascii().to_string()
            );
        }
    }
}

/// How the machine is configured, and what is answered.
struct Host<'c> {
    config: Config<'static>,
    /// The client speaks before it is greeted.
    talks_early: bool,
    /// The client falls silent at the end, and does not close.
    falls_silent: bool,
    /// One for each event; when they are used up it consents.
    answers: &'c [u8],
}

/// What came of it.
#[derive(Default)]
struct Seen {
    sent: Vec<u8>,
    /// One line for each event, in the order of answers.
    events: Vec<String>,
    /// Each message that came to its end.
    messages: Vec<Vec<u8>>,
    end: Option<End>,
    user: Option<String>,
}

const LINE: usize = 1024;
const AUTH: Auth = Auth {
    mechanisms: MechanismSet::PROOFS
        .with(Mechanism::Plain)
        .with(Mechanism::Login)
        .with(Mechanism::XOAuth2)
        .with(Mechanism::OAuthBearer),
    plaintext_allowed: true,
};
const SMALL: u64 = 24;
const OFFERED: [&[&dyn Extension]; 4] = [
    &[
        &Pipelining,
        &Size(0),
        &EightBitMime,
        &SmtpUtf8,
        &Dsn,
        &Chunking,
        &BinaryMime,
        &EnhancedStatusCodes,
        &StartTls,
        &AUTH,
        &DeliverBy { min: 0 },
        &Etrn,
        &XClient {
            attributes: &["NAME", "ADDR"],
        },
    ],
    &[],
    &[&Chunking, &StartTls],
    &[
        &Size(SMALL),
        &Limits {
            transactions: Some(2),
            recipients: Some(2),
            domains: None,
        },
        &Pipelining,
        &Chunking,
    ],
];

impl<'c> Host<'c> {
    fn new(choices: &'c [u8]) -> Self {
        let mut choices = choices.iter();
        let mut choice = || choices.next().map_or(0, |octet| octet & 31);
        let (kind, offered, bounds, tolerance) = (choice(), choice(), choice(), choice());
        let mut config = Config::new("mx.example.org", OFFERED[usize::from(offered & 3)]);
        config.secure = offered & 4 != 0;
        if kind & 1 != 0 {
            config.protocol = Protocol::Lmtp;
        }
        config.line_ends = match kind >> 1 & 3 {
            1 => LineEnds::Keep,
            2 => LineEnds::Normalise,
            _ => LineEnds::Refuse,
        };
        config.refuse_early_talker = kind & 8 != 0;
        if bounds & 1 != 0 {
            config.limits.message_octets = SMALL;
            config.limits.recipients = 2;
            config.limits.refused_recipients = 1;
            config.limits.transactions = 2;
            config.limits.errors = 2;
            config.limits.idle_commands = 3;
            config.limits.auth_failures = 1;
            config.limits.chunks = 2;
        }
        if tolerance & 1 != 0 {
            config.tolerance = Tolerance::STRICT;
        }
        config.tolerance.bare_path = tolerance & 2 != 0;
        Self {
            config,
            talks_early: kind & 16 != 0,
            falls_silent: bounds & 2 != 0,
            answers: choices.as_slice(),
        }
    }

    /// Runs a session in which the parts of what the client sends come in chunks.
    fn serve<'i>(&self, client: &'i [u8], mut cut: impl FnMut(&'i [u8]) -> Vec<&'i [u8]>) -> Seen {
        let (mut lines, mut replies, mut kept) = ([0; LINE], [0; 1024], [0; 512]);
        let buffers = Buffers {
            input: &mut lines,
            output: &mut replies,
        };
        let exchange = Exchange::new(&mut kept).with_hash(&SHA256);
        let mut server = Server::new(self.config, buffers, Instant(0))
            .expect("the configuration can work")
            .with_auth(exchange);
        let mut seen = Seen::default();
        let mut content = Vec::new();
        let mut parts = parts(client).into_iter();
        let mut chunks: std::vec::IntoIter<&[u8]> = Vec::new().into_iter();
        let mut held: &[u8] = b"";
        let mut silences = 0;
        if self.talks_early && !client.is_empty() {
            chunks = cut(parts.next().expect("there is something")).into_iter();
            held = chunks.find(|chunk| !chunk.is_empty()).expect("as before");
            let all = held;
            assert!(server.handle_input(&mut held, Instant(0)).is_empty());
            assert!(held == all && server.session().early_talker);
        }
        for _ in 0..64 + 24 * client.len() {
            match server.poll() {
                Step::Transmit => {
                    let count = server.transmit().len();
                    // In two parts.
                    for count in [count / 2, count - count / 2] {
                        seen.sent.extend(&server.transmit()[..count]);
                        server.transmitted(count, Instant(0)).expect("it was there");
                    }
                }
                Step::Event => self.answer(&mut server, &mut seen, &mut content),
                Step::StartTls => {
                    // Whatever the client sent before it saw the reply.
                    let rest: Vec<u8> = held
                        .iter()
                        .chain(chunks.clone().flatten())
                        .copied()
                        .collect();
                    (held, chunks) = (b"", Vec::new().into_iter());
                    let next = parts.next();
                    let started = server.tls_started(&rest, Instant(0));
                    assert_eq!(started.is_ok(), rest.is_empty());
                    match next {
                        Some(part) => chunks = cut(&part[1..]).into_iter(),
                        None if rest.is_empty() => server.handle_closed(),
                        None => {}
                    }
                }
                Step::Wait(deadline) => {
                    while held.is_empty() {
                        if let Some(chunk) = chunks.next() {
                            held = chunk;
                        } else if let Some(part) = parts.next() {
                            chunks = cut(part).into_iter();
                        } else {
                            break;
                        }
                    }
                    if !held.is_empty() {
                        let before = held.len();
                        let piece = server.handle_input(&mut held, Instant(0));
                        assert!(held.len() <= before);
                        content.extend(piece);
                    } else if self.falls_silent {
                        // What was sent starts the clock, and the first call after it tells the time.
                        silences += 1;
                        assert!(silences <= 2, "it waits again");
                        server.handle_timeout(deadline);
                    } else {
                        server.handle_closed();
                    }
                }
                Step::Done => {
                    seen.end = server.end();
                    assert!(seen.end.is_some() && server.transmit().is_empty());
                    let mut more: &[u8] = b"NOOP\r\n";
                    assert!(server.handle_input(&mut more, Instant(0)).is_empty());
                    assert_eq!(server.poll(), Step::Done);
                    let identity = server.identity();
                    seen.user = identity.map(|identity| identity.user.to_owned());
                    return seen;
                }
            }
        }
        panic!("it does not end");
    }

    fn answer(&self, server: &mut Server<'_>, seen: &mut Seen, content: &mut Vec<u8>) {
        let event = server.event().expect("there is one");
        let line = describe(&event);
        let choice = self
            .answers
            .get(seen.events.len())
            .map_or(0, |octet| octet & 31);
        let consent = match event {
            Event::Discarded(_) => {
                content.clear();
                seen.events.push(line);
                return;
            }
            Event::MessageEnd { octets } => {
                assert_eq!(octets, content.len() as u64);
                220
            }
            Event::Connected => 220,
            Event::Data => 354,
            Event::Authenticate(_) => 235,
            _ => 250,
        };
        let is_end = matches!(event, Event::MessageEnd { .. });
        let is_scram = matches!(event, Event::Scram { .. });
        let (code, text) = match choice {
            1 => (550, "No"),
            2 => (450, "Later"),
            3 => (421, "Bye"),
            4 => (554, "Never"),
            5 => (550, "No\nand\n\nno"),
            6 => (consent, "As you like"),
            8 => (550, "N\u{e9}"),
            _ => (0, ""),
        };
        let mut answered = Err(AnswerError::WrongCode);
        if code > 0 {
            let reply = Reply::new(code, None, text).expect("it can be sent");
            answered = server.answer(&reply);
        }
        if let Err(error) = answered
            && error != AnswerError::OutputFull
        {
            answered = if is_scram {
                let (user, nonce) = pencil();
                server.scram(&user, &nonce)
            } else {
                server.accept()
            };
        }
        match answered {
            Ok(()) => {}
            // It asks again, when there is room.
            Err(AnswerError::OutputFull) => return,
            Err(error) => panic!("{line}: {error}"),
        }
        if is_end {
            seen.messages.push(std::mem::take(content));
        }
        seen.events.push(line);
        if choice == 7 {
            server.shutdown(Instant(0));
        }
    }
}

/// The exchange of RFC 7677 3.
fn pencil() -> (ScramUser<'static>, Nonce) {
    static KEYS: OnceLock<StoredKeys> = OnceLock::new();
    let salt = b"\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81";
    let keys = KEYS
        .get_or_init(|| StoredKeys::derive(b"pencil", salt, 4096, &SHA256).expect("it is SHA-256"));
    let user = ScramUser {
        salt,
        iterations: 4096,
        keys: *keys,
    };
    let nonce = Nonce::new(b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0").expect("it is printable");
    (user, nonce)
}

/// What the client sends without waiting for TLS; each but the first begins with octet 22.
fn parts(client: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = client;
    while !rest.is_empty() {
        let end = rest[1..].iter().position(|&octet| octet == 22);
        let (part, behind) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
        parts.push(part);
        rest = behind;
    }
    parts
}

fn describe(event: &Event<'_>) -> String {
    let text = |octets: &[u8]| octets.escape_ascii().to_string();
    match event {
        Event::Mail { path, parameters } => format!("MAIL {path} {}", text(parameters.raw())),
        Event::Recipient {
            path,
            parameters,
            index,
        } => format!("RCPT {path} {} #{index}", text(parameters.raw())),
        Event::Hello { verb, domain } => format!("{verb:?} {}", text(domain)),
        Event::Verify(argument) => format!("VRFY {}", text(argument)),
        Event::Expand(argument) => format!("EXPN {}", text(argument)),
        Event::Help(argument) => format!("HELP {}", text(argument)),
        Event::Command { verb, argument } => format!("{} {}", text(verb), text(argument)),
        other => format!("{other:?}"),
    }
}

/// What was sent are replies, one for each line and each message, and the messages are those that a reader
/// finds who knows no end of DATA but `CRLF.CRLF`.
fn check(host: &Host<'_>, client: &[u8], seen: &Seen) {
    let replies = replies(&seen.sent);
    let lines = client.split(|&octet| octet == b'\n').count();
    assert!(replies.len() <= 2 * lines, "more replies than lines");
    let lengths = seen.sent.split(|&octet| octet == b'\n').map(<[u8]>::len);
    assert!(lengths.max().unwrap_or(0) < Reply::MAX_LINE);
    assert!(seen.sent.len() <= 1024 * replies.len());

    let mut naive = Naive {
        config: &host.config,
        rest: client,
        replies: &replies,
        messages: Vec::new(),
        recipients: 0,
        is_binary: false,
        is_extended: false,
        chunks: None,
    };
    let is_whole = naive.run().is_some();
    if is_whole {
        assert_eq!(naive.messages, seen.messages);
    } else {
        assert!(seen.messages.starts_with(&naive.messages));
    }
}

/// The codes of the replies.
fn replies(sent: &[u8]) -> Vec<u16> {
    let mut buffer = [0; 2048];
    let mut reader = ReplyReader::new(&mut buffer);
    let mut replies = Vec::new();
    let mut rest = sent;
    while let Some(reply) = reader.read(&mut rest).expect("it sends replies") {
        replies.push(reply.code().number());
    }
    assert!(!reader.is_in_reply(), "a reply without end");
    replies
}

/// Goes through what was sent on both sides.
struct Naive<'n> {
    config: &'n Config<'static>,
    rest: &'n [u8],
    replies: &'n [u16],
    messages: Vec<Vec<u8>>,
    recipients: usize,
    is_binary: bool,
    /// The client said EHLO or LHLO, and this was accepted.
    is_extended: bool,
    /// Content of chunks, in a transaction in which one was taken.
    chunks: Option<Vec<u8>>,
}

impl<'n> Naive<'n> {
    /// `None` when the replies cannot be told apart any more.
    fn run(&mut self) -> Option<()> {
        let is_lmtp = self.config.protocol == Protocol::Lmtp;
        let Some(220) = self.reply() else {
            return Some(());
        };
        let mut in_auth = false;
        while let Some(line) = self.line() {
            let command = Command::parse_with(line, &self.config.tolerance);
            let command = command.ok().filter(|_| line.len() <= LINE && !in_auth);
            let chunk = match command {
                Some(Command::Other { verb, argument })
                    if verb.is("BDAT") && self.lists("CHUNKING") =>
                {
                    Bdat::parse(argument.raw()).ok()
                }
                _ => None,
            };
            if let Some(chunk) = chunk {
                let Some(octets) = self.take(chunk.size) else {
                    break;
                };
                self.chunk(chunk.last, octets, is_lmtp)?;
                continue;
            }
            let Some(code) = self.reply() else { break };
            in_auth = code == 334;
            match command {
                _ if code == 421 => break,
                Some(Command::Hello(hello, _)) if code == 250 => {
                    self.reset();
                    self.is_extended = hello != Hello::Helo;
                }
                Some(Command::Mail(_, parameters)) if code == 250 => {
                    let body = parameters.find("BODY").and_then(|body| body.value());
                    self.is_binary =
                        body.is_some_and(|body| body.eq_ignore_ascii_case(b"BINARYMIME"));
                }
                Some(Command::Rcpt(..)) if code == 250 => self.recipients += 1,
                Some(Command::Rset) if code == 250 => self.reset(),
                Some(Command::Data) if code == 354 => {
                    let Some((end, behind)) = smtp_data::terminator(self.rest) else {
                        break;
                    };
                    let raw = &self.rest[..end];
                    self.rest = &self.rest[behind..];
                    self.message(raw, true);
                    let count = if is_lmtp { self.recipients } else { 1 };
                    self.reset();
                    for _ in 0..count {
                        if matches!(self.reply(), None | Some(421)) {
                            return Some(());
                        }
                    }
                }
                // STARTTLS, or an extension that begins anew.
                Some(Command::Other { verb, .. }) if code == 220 => {
                    self.reset();
                    self.is_extended = false;
                    if verb.is("STARTTLS") {
                        let Some(behind) = self.rest.strip_prefix(b"\x16") else {
                            break;
                        };
                        self.rest = behind;
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    fn reset(&mut self) {
        self.recipients = 0;
        self.is_binary = false;
        self.chunks = None;
    }

    fn lists(&self, keyword: &str) -> bool {
        let mut extensions = self.config.extensions.iter();
        extensions.any(|extension| extension.keyword() == keyword)
    }

    fn reply(&mut self) -> Option<u16> {
        let (code, rest) = self.replies.split_first()?;
        self.replies = rest;
        Some(*code)
    }

    fn line(&mut self) -> Option<&'n [u8]> {
        let end = self.rest.windows(2).position(|two| two == b"\r\n")?;
        let line = &self.rest[..end];
        self.rest = &self.rest[end + 2..];
        Some(line)
    }

    fn take(&mut self, size: u64) -> Option<&'n [u8]> {
        let (octets, rest) = self.rest.split_at_checked(usize::try_from(size).ok()?)?;
        self.rest = rest;
        Some(octets)
    }

    /// A chunk of which all octets came.
    fn chunk(&mut self, is_last: bool, octets: &[u8], is_lmtp: bool) -> Option<()> {
        let mut content = self.chunks.take().unwrap_or_default();
        content.extend(octets);
        let has_recipients = self.recipients > 0;
        if !is_last {
            if self.reply()? == 250 {
                assert!(has_recipients, "a chunk for nobody");
                self.chunks = Some(content);
            } else if has_recipients && self.is_extended {
                self.reset();
            }
            return Some(());
        }
        let count = if is_lmtp { self.recipients } else { 1 };
        // Whether the host refused the message, or a chunk, or each recipient, is not seen in the replies.
        if self.reply()? != 250 {
            return (!has_recipients).then_some(());
        }
        assert!(has_recipients, "a message for nobody");
        self.message(&content, false);
        self.reset();
        for _ in 1..count {
            self.reply()?;
        }
        Some(())
    }

    /// A message that came to its end, if the host was to see it.
    fn message(&mut self, raw: &[u8], dots: bool) {
        let policy = match self.config.line_ends {
            _ if self.is_binary && !dots => LineEnds::Keep,
            policy => policy,
        };
        let (content, bare) = smtp_data::unstuffed(raw, true, dots, policy);
        let limit = if self.is_extended && self.lists("LIMITS") {
            SMALL
        } else {
            self.config.limits.message_octets
        };
        let is_refused =
            bare.is_some() && policy == LineEnds::Refuse || content.len() as u64 > limit;
        if !is_refused {
            self.messages.push(content);
        }
    }
}
