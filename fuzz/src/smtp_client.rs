//! A client and its host at any chunks of what a server sends: the same is told and sent, each recipient
//! has one final event, and nothing is sent in clear that must not be.
//!
//! The first line of an input chooses, the rest is what the server sends: a reply, or what the server makes
//! of one, goes up to an empty line, and comes when the client waits. So a group in it comes at once.
//! An octet 22 at its start stands where TLS was negotiated before it.

use scop_core::Instant;
use scop_crypto::SHA256;
use scop_smtp_proto::auth::client::{Exchange, Scram};
use scop_smtp_proto::auth::scram::{Limits, Nonce};
use scop_smtp_proto::auth::{Credentials, Mechanism, MechanismSet};
use scop_smtp_proto::client::{
    Buffers, Cause, Client, Config, End, Event, Fate, OrderError, Step, TlsPolicy,
};
use scop_smtp_proto::extension::{
    Auth, BinaryMime, Chunking, EightBitMime, Extension, Limits as Announced, Pipelining, Protocol,
    RequireTls, Size, SmtpUtf8, StartTls,
};
use scop_smtp_proto::{Domain, ForwardPath, Parameter, ReversePath};

use crate::choice::Choice;
use crate::smtp_data;

/// A line of choices, five bits of each octet, and what the server sends.
pub fn run(data: &[u8]) {
    let end = data.iter().position(|&octet| octet == b'\n');
    let (choices, server) = match end {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &b""[..]),
    };
    let host = Host::new(choices);
    let slowly = host.speak(server, |part| part.chunks(1).collect());
    slowly.check(&host);
    let mut choice = Choice::of(data);
    for chunked in [
        host.speak(server, |part| vec![part]),
        host.speak(server, |part| choice.chunks(part)),
    ] {
        assert_eq!(chunked.log, slowly.log);
        assert_eq!(chunked.sent, slowly.sent);
    }
}

/// How the machine is configured, and what is ordered.
struct Host<'c> {
    config: Config<'static>,
    /// One for each order; when they are used up it quits.
    orders: &'c [u8],
}

const AUTH: Auth = Auth {
    mechanisms: MechanismSet::PROOFS
        .with(Mechanism::Plain)
        .with(Mechanism::Login)
        .with(Mechanism::XOAuth2),
    plaintext_allowed: false,
};

const USED: &[&dyn Extension] = &[
    &Pipelining,
    &Size(0),
    &EightBitMime,
    &SmtpUtf8,
    &Chunking,
    &BinaryMime,
    &StartTls,
    &AUTH,
    &RequireTls,
    &Announced {
        transactions: None,
        recipients: None,
        domains: None,
    },
];

/// A password that must never be sent in clear.
const SECRET: &[u8] = b"pencil";

/// What is sent, in pieces; the last has no line end.
const CONTENT: [&[&[u8]]; 4] = [
    &[b"Subject: hi\r\n\r\n", b"..\r", b"\n.\r\n"],
    &[],
    &[b".\r\nMAIL FROM:<>\r\n", b".", b"\r\n.\r\n\r\nx"],
    // An error, or mended.
    &[b"a\n.\n", b"\r", b".\r\n"],
];

impl<'c> Host<'c> {
    fn new(choices: &'c [u8]) -> Self {
        let (head, orders) = choices.split_at(choices.len().min(2));
        let choice = |at: usize| head.get(at).map_or(0, |octet| octet & 31);
        let name = Domain::parse(b"c.example").expect("it is a name");
        let mut config = Config::new(name);
        config.tls = match choice(0) & 3 {
            1 => TlsPolicy::None,
            2 => TlsPolicy::Opportunistic,
            _ => TlsPolicy::Require,
        };
        if choice(0) & 4 != 0 {
            config.protocol = Protocol::Lmtp;
        }
        config.secure = choice(0) & 8 != 0;
        config.helo_fallback = choice(0) & 16 == 0;
        config.extensions = if choice(1) & 1 == 0 { USED } else { &USED[1..] };
        config.data_in_group = choice(1) & 2 != 0;
        config.prefer_bdat = choice(1) & 4 != 0;
        config.normalise_line_ends = choice(1) & 8 != 0;
        if choice(1) & 16 != 0 {
            config.limits.group = 2;
            config.limits.recipients = 3;
            config.limits.transactions = 2;
            config.limits.reply.lines = 4;
        }
        Self { config, orders }
    }

    /// Runs a session in which the parts of what the server sends come in chunks.
    #[expect(clippy::too_many_lines, reason = "one loop")]
    fn speak<'i>(&self, server: &'i [u8], mut cut: impl FnMut(&'i [u8]) -> Vec<&'i [u8]>) -> Told {
        let (mut input, mut output) = ([0; 600], [0; 512]);
        let buffers = Buffers {
            input: &mut input,
            output: &mut output,
        };
        let mut client =
            Client::new(self.config, buffers, Instant(0)).expect("the configuration can work");
        let mut told = Told::default();
        let mut parts = parts(server).into_iter().peekable();
        let mut chunks: std::vec::IntoIter<&[u8]> = Vec::new().into_iter();
        let mut held: &[u8] = b"";
        let mut orders = self.orders.iter().map(|octet| octet & 31);
        let mut exchange: Option<Exchange<'_>> = None;
        let mut plan = Plan::default();
        let now = Instant(1);
        for _ in 0..400 + 40 * self.orders.len() + 4 * server.len() {
            let step = client.poll();
            while held.is_empty()
                && let Some(chunk) = chunks.next()
            {
                held = chunk;
            }
            // What comes at once comes before anything else is done.
            if !held.is_empty() && !matches!(step, Step::Event | Step::Done | Step::StartTls) {
                client.handle_input(&mut held, now);
                continue;
            }
            match step {
                Step::Transmit => {
                    let count = client.transmit().len();
                    for count in [count / 2, count - count / 2] {
                        told.send(&client.transmit()[..count], client.peer().secure);
                        client.transmitted(count, now).expect("it was there");
                    }
                }
                Step::Event => {
                    let event = client.event().expect("there is one");
                    told.event(&event);
                    if matches!(event, Event::Delivered { .. }) {
                        plan.check(&told.sent[told.begin..]);
                    }
                }
                Step::Order => {
                    plan = Plan::default();
                    told.transaction += 1;
                    told.begin = told.sent.len();
                    match orders.next() {
                        None | Some(0) => client.quit().expect("it is idle"),
                        Some(order) => {
                            Self::order(order, &mut client, &mut plan, &mut exchange, &mut told);
                        }
                    }
                }
                Step::Recipient(index) => {
                    if index < plan.recipients {
                        let path = format!("<r{index}@a.example>");
                        let path = ForwardPath::parse(path.as_bytes()).expect("it is a path");
                        match client.recipient(&path, &[]) {
                            Ok(()) => told.given.push((told.transaction, index)),
                            Err(OrderError::OutputFull) => {}
                            Err(error) => {
                                assert_eq!(error, OrderError::Limit);
                                client.end_recipients().expect("it asked");
                            }
                        }
                    } else {
                        client.end_recipients().expect("it asked");
                    }
                }
                Step::Content => {
                    let pieces = &mut plan.content;
                    while pieces.first().is_some_and(|piece| piece.is_empty()) {
                        pieces.remove(0);
                    }
                    let result = match &mut pieces[..] {
                        [] => client.content_end(now).map(|()| &b""[..]),
                        [last] if plan.ends_itself => client.last_content(last, now),
                        [piece, ..] => client.content(piece, now),
                    };
                    let is_secure = client.peer().secure;
                    match result {
                        Ok(octets) => {
                            plan.given.extend(octets);
                            told.send(octets, is_secure);
                        }
                        Err(error) => {
                            assert!(plan.is_bare, "{error}");
                            told.log.push(format!("content {error:?}"));
                        }
                    }
                }
                Step::Auth => {
                    let exchange = exchange.as_mut().expect("one was handed in");
                    if let Err(error) = client.continue_auth(exchange) {
                        told.log.push(format!("auth {error:?}"));
                    }
                }
                Step::StartTls => {
                    // Whatever came before TLS.
                    let rest: Vec<u8> = held
                        .iter()
                        .chain(chunks.clone().flatten())
                        .copied()
                        .collect();
                    (held, chunks) = (b"", Vec::new().into_iter());
                    match parts.peek_mut() {
                        _ if !rest.is_empty() => {
                            let error = client.tls_started(&rest, now);
                            assert_eq!(error, Err(OrderError::Ended(End::Injected)));
                        }
                        Some(part) if part[0] == 22 => {
                            *part = &part[1..];
                            client.tls_started(b"", now).expect("it asked");
                        }
                        _ => client.handle_closed(),
                    }
                }
                Step::Wait(deadline) => {
                    if let Some(part) = parts.next() {
                        chunks = cut(part).into_iter();
                    } else if self.orders.len().is_multiple_of(2) {
                        client.handle_closed();
                    } else {
                        client.handle_timeout(deadline);
                    }
                }
                Step::Done => {
                    told.end = client.end();
                    assert!(told.end.is_some() && client.transmit().is_empty());
                    told.log.push(format!("{:?}", told.end));
                    let mut more: &[u8] = b"250 more\r\n";
                    client.handle_input(&mut more, now);
                    assert_eq!(client.poll(), Step::Done);
                    return told;
                }
                step => panic!("{step:?}"),
            }
        }
        panic!("it does not end");
    }

    /// What an idle machine is told to do.
    fn order(
        order: u8,
        client: &mut Client<'_>,
        plan: &mut Plan,
        exchange: &mut Option<Exchange<'static>>,
        told: &mut Told,
    ) {
        let result = match order {
            1..=16 => {
                let choice = usize::from(order - 1);
                plan.recipients = [1, 0, 3, 5][choice >> 2];
                plan.content = CONTENT[choice & 3].to_vec();
                plan.ends_itself = choice & 1 == 0;
                plan.is_bare = choice & 3 == 3 || choice & 3 == 2;
                client.mail(&ReversePath::Null, &[])
            }
            17..=20 => {
                let word = [
                    &b"BODY=BINARYMIME"[..],
                    b"REQUIRETLS",
                    b"SMTPUTF8",
                    b"BODY=8BITMIME",
                ][usize::from(order - 17)];
                let parameter = Parameter::parse(word).expect("it is one");
                plan.recipients = 2;
                plan.content = CONTENT[2].to_vec();
                plan.is_bare = true;
                client.mail(&ReversePath::Null, &[parameter])
            }
            21..=24 => {
                let mechanism = [
                    Mechanism::Plain,
                    Mechanism::Login,
                    Mechanism::XOAuth2,
                    Mechanism::ScramSha256,
                ][usize::from(order - 21)];
                let new = exchange.insert(self::exchange(mechanism));
                client.authenticate(new)
            }
            25 => client.start_tls(),
            26 => client.command(b"VRFY", b"joe"),
            27 => client.command(b"NOOP", b"x\r\nRSET"),
            28 => client.reset(),
            _ => client.command(b"BDAT", b"0"),
        };
        plan.whole = plan.content.concat();
        if let Err(error) = result {
            told.log.push(format!("order {error:?}"));
        }
    }
}

/// SCRAM derives no keys here: any count of iterations that a server says is too low or too high.
fn exchange(mechanism: Mechanism) -> Exchange<'static> {
    let credentials = if mechanism.takes_token() {
        Credentials::Token {
            authorization: "joe",
            token: "pencil",
            host: "",
            port: None,
        }
    } else {
        Credentials::Password {
            authorization: "",
            user: "user",
            password: SECRET,
        }
    };
    let mut limits = Limits::DEFAULT;
    limits.max_iterations = 5000;
    let scram = Scram {
        hash: &SHA256,
        nonce: Nonce::new(b"rOprNGfwEbeRWgbNEkqO").expect("it is printable"),
        limits,
    };
    Exchange::new(mechanism, credentials)
        .expect("they go together")
        .with_scram(scram)
}

#[derive(Default)]
struct Plan {
    recipients: u32,
    content: Vec<&'static [u8]>,
    /// All of the content, and what of it was given to be sent.
    whole: Vec<u8>,
    given: Vec<u8>,
    /// The last piece is said to be the last.
    ends_itself: bool,
    /// It may be that the content cannot be sent.
    is_bare: bool,
}

impl Plan {
    /// What was sent of the content of a message that was delivered.
    fn check(&self, sent: &[u8]) {
        let by_chunks = sent.windows(5).any(|window| window == b"BDAT ");
        let expected = if by_chunks {
            self.whole.clone()
        } else {
            smtp_data::dotted(&smtp_data::normalised(&self.whole))
        };
        assert_eq!(self.given, expected);
    }
}

/// What came of it.
#[derive(Default)]
struct Told {
    log: Vec<String>,
    sent: Vec<u8>,
    in_clear: Vec<u8>,
    transaction: u32,
    /// Where in `sent` its transaction begins.
    begin: usize,
    /// Each recipient that was taken, and each that had its final event.
    given: Vec<(u32, u32)>,
    done: Vec<(u32, u32)>,
    end: Option<End>,
}

impl Told {
    fn send(&mut self, octets: &[u8], is_secure: bool) {
        self.sent.extend(octets);
        if !is_secure {
            self.in_clear.extend(octets);
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        let line = match event {
            Event::Failed { index, fate, cause } => {
                self.done.push((self.transaction, *index));
                match cause {
                    Cause::Reply { to, reply } => {
                        assert_eq!(*fate, Fate::NotDelivered);
                        assert!(!reply.code().is_positive());
                        format!("failed {index} {to:?} {reply}")
                    }
                    Cause::End(end) => format!("failed {index} {fate:?} {end:?}"),
                }
            }
            Event::Delivered { index, reply } => {
                assert!(reply.code().is_success());
                self.done.push((self.transaction, *index));
                format!("delivered {index} {reply}")
            }
            event => format!("{event:?}"),
        };
        self.log.push(line);
    }

    fn check(&self, host: &Host<'_>) {
        let mut done = self.done.clone();
        done.sort_unstable();
        assert_eq!(done, self.given, "one final event for each recipient");
        if host.config.tls == TlsPolicy::Require {
            for line in self.in_clear.split(|&octet| octet == b'\n') {
                let word = line.split(|&octet| b" \r".contains(&octet)).next();
                assert!(
                    [&b""[..], b"EHLO", b"LHLO", b"HELO", b"STARTTLS", b"QUIT"]
                        .contains(&word.unwrap_or_default()),
                    "in clear: {}",
                    line.escape_ascii()
                );
            }
        }
        // Not even in base64.
        for text in ["pencil", "cGVuY2ls", "BlbmNpb", "wZW5jaW"] {
            let mut windows = self.in_clear.windows(text.len());
            assert!(!windows.any(|window| window == text.as_bytes()));
        }
        // No command line has a bare line end, and content neither, but in binary chunks.
        if !self.sent.windows(4).any(|window| window == b"BDAT") {
            let (content, bare) = smtp_data::unstuffed(
                &self.sent,
                false,
                false,
                scop_smtp_proto::data::LineEnds::Refuse,
            );
            assert_eq!((content.len(), bare), (self.sent.len(), None));
        }
        // Nothing is sent, and nothing told but the end, once something was put in.
        if self.end == Some(End::Injected) {
            assert!(self.sent.ends_with(b"STARTTLS\r\n"));
            let last = self.log.iter().rev().nth(1).expect("it was greeted");
            assert!(!last.starts_with("Mail") && !last.starts_with("CommandReply"));
        }
    }
}

/// What the server sends at once: up to an empty line, and from an octet 22 on.
fn parts(server: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = server;
    while !rest.is_empty() {
        let blank = rest.windows(3).position(|window| window == b"\n\r\n");
        let tls = rest[1..].iter().position(|&octet| octet == 22);
        let (part, behind) = match (blank, tls) {
            (Some(blank), tls) if tls.is_none_or(|tls| blank < tls) => {
                (&rest[..=blank], &rest[blank + 3..])
            }
            (_, Some(tls)) => rest.split_at(tls + 1),
            _ => (rest, &b""[..]),
        };
        parts.push(part);
        rest = behind;
    }
    parts
}
