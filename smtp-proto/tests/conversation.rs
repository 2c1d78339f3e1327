//! Both machines, connected in memory: random letters, extensions, chunks and turns, and a fault.
//!
//! What must hold: the session ends; without a fault every recipient gets what its server says and every
//! message arrives as it was sent; with one, each recipient has exactly one answer, and "delivered" and "not
//! delivered" are true.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::{BTreeMap, VecDeque};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use scop_core::Instant;
use scop_smtp_proto::auth::client::Exchange;
use scop_smtp_proto::auth::{self, Credentials, Mechanism, MechanismSet};
use scop_smtp_proto::client::{self, Cause, Client, Fate, TlsPolicy};
use scop_smtp_proto::extension::{
    Auth, BinaryMime, Chunking, EightBitMime, EnhancedStatusCodes, Extension, Pipelining, Protocol,
    Size, StartTls,
};
use scop_smtp_proto::server::{self, Event, Server};
use scop_smtp_proto::{Domain, ForwardPath, Parameters, Reply, ReversePath};

/// What the host of the server says to one recipient: to RCPT, and in LMTP to the message.
type Verdict = (u16, u16);

#[derive(Clone, Debug)]
struct Letter {
    recipients: Vec<Verdict>,
    content: Vec<u8>,
    is_binary: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

#[derive(Clone, Debug)]
enum Fault {
    None,
    /// The connection breaks when so many octets have passed.
    Cut(Direction, usize),
    /// Nothing passes any more behind so many octets.
    Stall(Direction, usize),
    /// Octets that nobody sent come behind so many.
    Garbage(Direction, usize, Vec<u8>),
    /// The host of the server refuses what it is asked at this place, with this code.
    Refuse(usize, u16),
}

const AUTH: Auth = Auth {
    mechanisms: MechanismSet::PROOFS.with(Mechanism::Plain),
    plaintext_allowed: false,
};

/// How the two sides are set up; each bit is one choice.
#[derive(Clone, Copy, Debug)]
struct Setup(u16);

impl Setup {
    const fn has(self, bit: u16) -> bool {
        self.0 >> bit & 1 == 1
    }

    fn extensions(self, from: u16) -> Vec<&'static dyn Extension> {
        // AUTH is always there; it shows a password under TLS only.
        let mut extensions: Vec<&dyn Extension> = vec![&AUTH];
        let all: [&dyn Extension; 7] = [
            &Pipelining,
            &Size(1 << 20),
            &EightBitMime,
            &Chunking,
            &BinaryMime,
            &EnhancedStatusCodes,
            &StartTls,
        ];
        for (bit, extension) in (0..).zip(all) {
            // BINARYMIME means nothing without CHUNKING.
            let is_needed = extension.keyword() != "BINARYMIME" || self.has(from + 3);
            if is_needed && self.has(from + bit) {
                extensions.push(extension);
            }
        }
        extensions
    }

    /// Whether both sides can go to TLS.
    const fn can_encrypt(self) -> bool {
        self.has(6) && self.has(13)
    }

    fn protocol(self) -> Protocol {
        if self.has(14) {
            Protocol::Lmtp
        } else {
            Protocol::Smtp
        }
    }
}

const CREDENTIALS: Credentials<'static> = Credentials::Password {
    authorization: "",
    user: "joe",
    password: b"secret",
};

/// Small numbers that decide on chunks and turns.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

/// One direction of the connection.
#[derive(Default)]
struct Pipe {
    octets: VecDeque<u8>,
    passed: usize,
    is_stalled: bool,
    is_closed: bool,
    fault: Option<Fault>,
}

impl Pipe {
    fn send(&mut self, octets: &[u8]) {
        for &octet in octets {
            self.strike();
            if !self.is_closed && !self.is_stalled {
                self.octets.push_back(octet);
            }
            self.passed += 1;
        }
    }

    fn strike(&mut self) {
        let Some(Fault::Cut(_, at) | Fault::Stall(_, at) | Fault::Garbage(_, at, _)) = self.fault
        else {
            return;
        };
        if at > self.passed {
            return;
        }
        match self.fault.take() {
            Some(Fault::Cut(..)) => self.is_closed = true,
            Some(Fault::Stall(..)) => self.is_stalled = true,
            Some(Fault::Garbage(_, _, octets)) => self.octets.extend(octets),
            _ => {}
        }
    }

    fn is_over(&self) -> bool {
        self.octets.is_empty() && self.is_closed
    }

    /// Hands some octets to `take`, which says how many it took.
    fn receive(&mut self, chance: &mut Chance, take: impl FnOnce(&[u8]) -> usize) -> bool {
        let octets = self.octets.make_contiguous();
        if octets.is_empty() {
            return false;
        }
        let most = [1, 7, 100, octets.len()][chance.below(4)].min(octets.len());
        let taken = take(&octets[..=chance.below(most).min(octets.len() - 1)]);
        self.octets.drain(..taken);
        taken > 0
    }
}

/// What a recipient was told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Delivered,
    Refused(u16),
    NotDelivered,
    Unknown,
}

#[derive(Default)]
struct Outcome {
    /// By letter and recipient: what the client said of those whose RCPT it took.
    told: BTreeMap<(usize, u32), Vec<Told>>,
    asked: Vec<(usize, u32)>,
    /// By letter and recipient: the content that the server's host took over.
    taken: BTreeMap<(usize, usize), Vec<u8>>,
    client_end: Option<client::End>,
    server_end: Option<server::End>,
    timeouts: usize,
    is_authenticated: bool,
}

struct Conversation<'l> {
    letters: &'l [Letter],
    chance: Chance,
    to_server: Pipe,
    to_client: Pipe,
    now: Instant,
    // The host of the client.
    exchange: Exchange<'l>,
    has_tried: bool,
    is_garbled: bool,
    current: usize,
    sent: usize,
    // The host of the server.
    refuse: Option<(usize, u16)>,
    asked: usize,
    letter: usize,
    recipients: Vec<(usize, Verdict)>,
    content: Vec<u8>,
    outcome: Outcome,
}

impl Conversation<'_> {
    /// One turn of the client; whether anything moved.
    fn client(&mut self, client: &mut Client<'_>) -> bool {
        match client.poll() {
            client::Step::Transmit => {
                let count = self.chance.below(client.transmit().len()) + 1;
                self.to_server.send(&client.transmit()[..count]);
                client.transmitted(count, self.now).unwrap();
            }
            client::Step::Event => self.note(&client.event().unwrap()),
            client::Step::Order
                if client.peer().mechanisms.contains(Mechanism::Plain) && !self.has_tried =>
            {
                self.has_tried = true;
                client.authenticate(&mut self.exchange).unwrap();
            }
            client::Step::Auth => {
                let result = client.continue_auth(&mut self.exchange);
                // Garbage may tear the response from its command, so that the server asks for it.
                assert!(result.is_ok() || self.is_garbled, "{result:?}");
            }
            client::Step::Order => {
                let Some(letter) = self.letters.get(self.current) else {
                    client.quit().unwrap();
                    return true;
                };
                let path = format!("<{}@example.org>", self.current);
                let parameters = if letter.is_binary {
                    "BODY=BINARYMIME"
                } else {
                    ""
                };
                let parameters: Vec<_> = Parameters::parse(parameters.as_bytes())
                    .unwrap()
                    .iter()
                    .collect();
                let path = ReversePath::parse(path.as_bytes()).unwrap();
                // A server without BINARYMIME cannot have a binary message.
                let _ = client.mail(&path, &parameters);
                (self.current, self.sent) = (self.current + 1, 0);
            }
            client::Step::Recipient(index) => {
                let letter = &self.letters[self.current - 1];
                let Some((rcpt, result)) = letter.recipients.get(index as usize) else {
                    client.end_recipients().unwrap();
                    return true;
                };
                let path = format!("<{index}-{rcpt}-{result}@example.net>");
                let path = ForwardPath::parse(path.as_bytes()).unwrap();
                client.recipient(&path, &[]).unwrap();
                self.outcome.asked.push((self.current - 1, index));
            }
            client::Step::Content => {
                let content = &self.letters[self.current - 1].content[self.sent..];
                if content.is_empty() {
                    client.content_end(self.now).unwrap();
                    return true;
                }
                let mut input = &content[..=self.chance.below(content.len())];
                let before = input.len();
                let octets = client.content(&mut input, self.now).unwrap();
                self.to_server.send(octets);
                self.sent += before - input.len();
            }
            client::Step::Wait(_) => {
                let now = self.now;
                let moved = self.to_client.receive(&mut self.chance, |octets| {
                    let mut input = octets;
                    client.handle_input(&mut input, now);
                    octets.len() - input.len()
                });
                if !moved && self.to_client.is_over() {
                    client.handle_closed();
                    return true;
                }
                return moved
                    || client.poll() == client::Step::Event && {
                        self.note(&client.event().unwrap());
                        true
                    };
            }
            client::Step::StartTls if self.to_client.is_over() => client.handle_closed(),
            client::Step::StartTls | client::Step::Done => return false,
            step => panic!("{step:?}"),
        }
        true
    }

    fn note(&mut self, event: &client::Event<'_>) {
        let (index, told) = match *event {
            client::Event::Delivered { index, .. } => (index, Told::Delivered),
            client::Event::Failed { index, fate, cause } => (
                index,
                match (fate, cause) {
                    (Fate::Unknown, _) => Told::Unknown,
                    (_, Cause::Reply { reply, .. }) => Told::Refused(reply.code().number()),
                    (_, Cause::End(_)) => Told::NotDelivered,
                },
            ),
            _ => return,
        };
        let key = (self.current - 1, index);
        self.outcome.told.entry(key).or_default().push(told);
    }

    /// One turn of the server; whether anything moved.
    fn server(&mut self, server: &mut Server<'_>) -> bool {
        match server.poll() {
            server::Step::Transmit => {
                let count = self.chance.below(server.transmit().len()) + 1;
                self.to_client.send(&server.transmit()[..count]);
                server.transmitted(count, self.now).unwrap();
            }
            server::Step::Event => self.answer(server),
            server::Step::Wait(_) => {
                let now = self.now;
                let content = &mut self.content;
                let moved = self.to_server.receive(&mut self.chance, |octets| {
                    let mut input = octets;
                    content.extend_from_slice(server.handle_input(&mut input, now));
                    octets.len() - input.len()
                });
                if !moved && self.to_server.is_over() {
                    server.handle_closed();
                    return true;
                }
                return moved || !matches!(server.poll(), server::Step::Wait(_));
            }
            server::Step::StartTls if self.to_server.is_over() => server.handle_closed(),
            server::Step::StartTls | server::Step::Done => return false,
        }
        true
    }

    fn answer(&mut self, server: &mut Server<'_>) {
        let event = server.event().unwrap();
        if matches!(event, Event::Discarded(_)) {
            self.content.clear();
            return;
        }
        let mut code = None;
        self.asked += 1;
        if let Some((at, refusal)) = self.refuse
            && at == self.asked
            && !(matches!(event, Event::MessageEnd { .. })
                && server.session().protocol == Protocol::Lmtp)
        {
            code = Some(refusal);
        }
        match event {
            Event::Authenticate(credentials) if credentials != CREDENTIALS => {
                assert!(self.is_garbled, "{credentials:?}");
                code = Some(535);
            }
            Event::Mail { path, .. } => {
                self.recipients.clear();
                self.content.clear();
                // Garbage may have come into the address.
                match numbers(&path.to_string(), "@example.org>")[..] {
                    [letter] => self.letter = letter.into(),
                    _ => code = Some(553),
                }
            }
            Event::Recipient { path, .. } => {
                match numbers(&path.to_string(), "@example.net>")[..] {
                    [index, rcpt @ 250..600, result @ 250..600] => {
                        if *code.get_or_insert(rcpt) < 400 {
                            self.recipients.push((index.into(), (rcpt, result)));
                        }
                    }
                    _ => code = Some(553),
                }
            }
            Event::MessageEnd { octets } if code.is_none() => {
                assert_eq!(octets, self.content.len() as u64);
                if server.session().protocol == Protocol::Smtp {
                    for &(recipient, _) in &self.recipients {
                        let key = (self.letter, recipient);
                        self.outcome.taken.insert(key, self.content.clone());
                    }
                }
            }
            Event::RecipientResult { index } => {
                let (recipient, (_, result)) = self.recipients[index as usize];
                let code = *code.get_or_insert(result);
                if code < 400 {
                    let key = (self.letter, recipient);
                    self.outcome.taken.insert(key, self.content.clone());
                }
            }
            _ => {}
        }
        match code {
            Some(code) if code >= 400 => server
                .answer(&Reply::new(code, None, "No").unwrap())
                .unwrap(),
            _ => server.accept().unwrap(),
        }
    }

    /// From the connection to its end.
    fn run(mut self, client: &mut Client<'_>, server: &mut Server<'_>) -> Outcome {
        let mut idle = 0;
        for turn in 0.. {
            assert!(turn < 200_000, "it does not end");
            let moved = if self.chance.below(2) == 0 {
                self.client(client)
            } else {
                self.server(server)
            };
            idle = if moved { 0 } else { idle + 1 };
            self.close(client, server);
            let steps = (client.poll_quietly(&mut self), server.poll());
            match steps {
                (client::Step::Done, server::Step::Done) => break,
                (client::Step::StartTls, server::Step::StartTls) => {
                    let (left, right) = (
                        self.to_client.octets.make_contiguous(),
                        self.to_server.octets.make_contiguous(),
                    );
                    let _ = client.tls_started(left, self.now);
                    let _ = server.tls_started(right, self.now);
                    idle = 0;
                }
                _ => {}
            }
            if idle > 200 {
                // Nothing moves: one side waits for what will not come.
                let deadline = [client.deadline(), Some(server.deadline())]
                    .into_iter()
                    .flatten()
                    .min()
                    .unwrap();
                self.now = deadline.max(self.now);
                client.handle_timeout(self.now);
                server.handle_timeout(self.now);
                self.outcome.timeouts += 1;
                idle = 0;
            }
        }
        self.outcome.is_authenticated = client.is_authenticated();
        self.outcome.client_end = client.end();
        self.outcome.server_end = server.end();
        self.outcome
    }

    /// The side that is done closes the connection, and a cut is seen on both sides.
    fn close(&mut self, client: &mut Client<'_>, server: &mut Server<'_>) {
        let is_done =
            client.poll_quietly(self) == client::Step::Done || server.poll() == server::Step::Done;
        if is_done || self.to_server.is_closed || self.to_client.is_closed {
            self.to_server.is_closed = true;
            self.to_client.is_closed = true;
        }
    }
}

/// A poll between the turns, which loses no event.
trait Quietly {
    fn poll_quietly(&mut self, conversation: &mut Conversation<'_>) -> client::Step;
}

impl Quietly for Client<'_> {
    fn poll_quietly(&mut self, conversation: &mut Conversation<'_>) -> client::Step {
        loop {
            match self.poll() {
                client::Step::Event => conversation.note(&self.event().unwrap()),
                step => return step,
            }
        }
    }
}

/// The numbers of `<1-2-3@example.net>`; nothing when it is not of that form.
fn numbers(path: &str, end: &str) -> Vec<u16> {
    let local = path
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix(end));
    let numbers = local.map(|local| local.split('-').map(str::parse).collect());
    numbers.and_then(Result::ok).unwrap_or_default()
}

fn converse(letters: &[Letter], setup: Setup, fault: &Fault, seed: u64) -> Outcome {
    let (client_has, server_has) = (setup.extensions(0), setup.extensions(7));
    let mut to_server = Pipe::default();
    let mut to_client = Pipe::default();
    let mut refuse = None;
    match *fault {
        Fault::None => {}
        Fault::Refuse(at, code) => refuse = Some((at, code)),
        Fault::Cut(direction, _) | Fault::Stall(direction, _) | Fault::Garbage(direction, ..) => {
            let pipe = if direction == Direction::ToServer {
                &mut to_server
            } else {
                &mut to_client
            };
            pipe.fault = Some(fault.clone());
        }
    }
    let conversation = Conversation {
        letters,
        chance: Chance(seed | 1),
        to_server,
        to_client,
        now: Instant(1000),
        exchange: Exchange::new(Mechanism::Plain, CREDENTIALS).unwrap(),
        has_tried: false,
        is_garbled: matches!(fault, Fault::Garbage(..)),
        current: 0,
        sent: 0,
        refuse,
        asked: 0,
        letter: 0,
        recipients: Vec::new(),
        content: Vec::new(),
        outcome: Outcome::default(),
    };
    let mut config = client::Config::new(Domain::parse(b"client.example.org").unwrap());
    config.extensions = &client_has;
    config.protocol = setup.protocol();
    config.data_in_group = seed & 1 == 0;
    config.prefer_bdat = seed & 2 == 0;
    config.tls = tls_policy(seed, setup);
    config.limits.group = [1, 2, 100][usize::try_from(seed % 3).unwrap()];
    config.limits.chunks = [1, 2, 100][usize::try_from(seed / 3 % 3).unwrap()];
    let (mut input, mut output) = ([0; 600], [0; 600]);
    let buffers = client::Buffers {
        input: &mut input,
        output: &mut output,
    };
    let mut client = Client::new(config, buffers, Instant(1000)).unwrap();
    let mut config = server::Config::new("mx.example.net", &server_has);
    config.protocol = setup.protocol();
    let (mut input, mut output) = ([0; 600], [0; 1100]);
    let buffers = server::Buffers {
        input: &mut input,
        output: &mut output,
    };
    let mut memory = [0; 200];
    let server = Server::new(config, buffers, Instant(1000)).unwrap();
    let mut server = server.with_auth(auth::server::Exchange::new(&mut memory));
    conversation.run(&mut client, &mut server)
}

/// A client without STARTTLS cannot require TLS.
const fn tls_policy(seed: u64, setup: Setup) -> TlsPolicy {
    match seed >> 2 & 3 {
        0 => TlsPolicy::None,
        1 if setup.has(6) => TlsPolicy::Require,
        _ => TlsPolicy::Opportunistic,
    }
}

/// SMTP can only carry a last line that ends with CRLF; BDAT carries it as it is.
fn is_carried(sent: &[u8], taken: &[u8]) -> bool {
    taken == sent || taken.strip_suffix(b"\r\n") == Some(sent)
}

fn check(letters: &[Letter], setup: Setup, fault: &Fault, seed: u64) {
    let outcome = converse(letters, setup, fault, seed);
    let is_garbage = matches!(fault, Fault::Garbage(..));
    for &(letter, index) in &outcome.asked {
        let told = outcome
            .told
            .get(&(letter, index))
            .map_or(&[][..], Vec::as_slice);
        let [told] = told else {
            panic!("recipient {index} of letter {letter} was told {told:?}");
        };
        if is_garbage {
            continue; // replies may have been forged, and content changed
        }
        let taken = outcome.taken.get(&(letter, index as usize));
        match told {
            Told::Delivered => assert!(taken.is_some(), "{letter} {index} was not taken"),
            Told::NotDelivered | Told::Refused(_) => {
                assert!(taken.is_none(), "{letter} {index} was taken");
            }
            Told::Unknown => {}
        }
    }
    assert_eq!(outcome.told.len(), outcome.asked.len());
    if !is_garbage {
        for (&(letter, _), content) in &outcome.taken {
            assert!(
                is_carried(&letters[letter].content, content),
                "letter {letter} was changed"
            );
        }
    }
    if let Fault::None = fault {
        assert_eq!(outcome.timeouts, 0, "one side waited for the other in vain");
        if tls_policy(seed, setup) == TlsPolicy::Require && !setup.can_encrypt() {
            assert_eq!(outcome.client_end, Some(client::End::NoStartTls));
            assert!(outcome.asked.is_empty());
            return;
        }
        assert_eq!(
            (outcome.client_end, outcome.server_end),
            (Some(client::End::Quit), Some(server::End::Quit))
        );
        assert_eq!(outcome.timeouts, 0, "one side waited for the other in vain");
        let is_secure = tls_policy(seed, setup) != TlsPolicy::None && setup.can_encrypt();
        assert_eq!(outcome.is_authenticated, is_secure);
        for (&(letter, index), told) in &outcome.told {
            let (rcpt, result) = letters[letter].recipients[index as usize];
            let expected = match (rcpt, result) {
                (400.., _) => Told::Refused(rcpt),
                (_, 400..) if setup.protocol() == Protocol::Lmtp => Told::Refused(result),
                _ => Told::Delivered,
            };
            assert_eq!(told, &[expected], "letter {letter}, recipient {index}");
        }
        // Every letter was taken up, but a binary one that the server cannot have.
        for (at, letter) in letters.iter().enumerate() {
            let is_asked = outcome.asked.iter().any(|&(letter, _)| letter == at);
            let can_binary = [0, 7]
                .into_iter()
                .all(|from| setup.has(from + 3) && setup.has(from + 4));
            assert_eq!(
                is_asked,
                !letter.recipients.is_empty() && (!letter.is_binary || can_binary),
                "letter {at}"
            );
        }
    }
}

fn letter() -> impl Strategy<Value = Letter> {
    let rcpt = select(&[250, 250, 250, 550, 451][..]);
    let result = select(&[250, 250, 552, 452][..]);
    let lines = vec(
        select(
            &[
                "",
                ".",
                "..",
                ".a",
                "a",
                "a b",
                "\r\n.\r\nQUIT",
                " \t",
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            ][..],
        ),
        0..12,
    );
    let binary = vec(select(&b"\r\n.\0a\xff"[..]), 0..40);
    (
        vec((rcpt, result), 0..6),
        lines,
        binary,
        any::<bool>(),
        0..5_u8,
    )
        .prop_map(|(recipients, lines, binary, ends, kind)| {
            let mut content = lines.join("\r\n").into_bytes();
            if ends && !content.is_empty() {
                content.extend_from_slice(b"\r\n");
            }
            let is_binary = kind == 0;
            Letter {
                recipients,
                content: if is_binary { binary } else { content },
                is_binary,
            }
        })
}

const GARBAGE: &[&[u8]] = &[
    b"\r\n",
    b"x",
    b"250 ok\r\n",
    b"550 no\r\n",
    b"\0",
    b"\xff\xfe\r\n",
    b"221 bye\r\n",
    b"RSET\r\n",
    b"421 4.3.2 gone\r\n",
];

fn fault() -> impl Strategy<Value = Fault> {
    let direction = || select(&[Direction::ToServer, Direction::ToClient][..]);
    let garbage = select(GARBAGE);
    prop_oneof![
        Just(Fault::None),
        (direction(), 0..900_usize).prop_map(|(direction, at)| Fault::Cut(direction, at)),
        (direction(), 0..900_usize).prop_map(|(direction, at)| Fault::Stall(direction, at)),
        (direction(), 0..900_usize, garbage).prop_map(|(direction, at, octets)| Fault::Garbage(
            direction,
            at,
            octets.to_vec()
        )),
        (1..24_usize, select(&[451, 550, 421][..])).prop_map(|(at, code)| Fault::Refuse(at, code)),
    ]
}

/// Enough for each run; `SCOP_CONVERSATIONS` asks for more.
fn cases() -> ProptestConfig {
    let asked = std::env::var("SCOP_CONVERSATIONS").ok();
    ProptestConfig {
        cases: asked.and_then(|asked| asked.parse().ok()).unwrap_or(1000),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn it_arrives_as_it_was_sent(letters in vec(letter(), 0..4), setup in any::<u16>(), seed in any::<u64>()) {
        check(&letters, Setup(setup), &Fault::None, seed);
    }

    #[test]
    fn or_each_recipient_is_told_the_truth(
        letters in vec(letter(), 1..4), setup in any::<u16>(), fault in fault(), seed in any::<u64>(),
    ) {
        check(&letters, Setup(setup), &fault, seed);
    }
}
