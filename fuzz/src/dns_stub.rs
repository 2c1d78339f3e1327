//! The stub resolver on a network that the input writes: it ends within its budget, takes nothing that
//! does not belong to the question, reads of a reply what a naive reader finds, and does not see how a
//! stream is cut.
//!
//! ```text
//! script = flags servers type length *octet *event   ; the configuration, the name, and what happens
//! event  = kind *octet                               ; see `Host::event`
//! ```

use scop_core::{Answer, Emit, Instant, Query, QueryName, Rtype, Security};
use scop_dnssec::stub::Counters;
use scop_dnssec::{Entropy, Problem, Step, Stub, StubConfig, StubError, Transport};

use crate::choice::Choice;
use crate::rfc1035::{self, wire};

/// Octets of the response buffer.
const RESPONSE: usize = 1024;

/// A script.
pub fn run(data: &[u8]) {
    let whole = outcome(data, None);
    let cut = outcome(data, Some(Choice::of(data)));
    assert_eq!(whole, cut, "the outcome depends on the chunks of a stream");
}

/// What came of a script.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    answer: String,
    name: String,
    ttl: Option<u32>,
    counters: [u8; 3],
    problem: Option<Problem>,
}

/// Runs a script; with `chunks`, streams come in pieces.
fn outcome(data: &[u8], chunks: Option<Choice>) -> Option<Outcome> {
    let mut script = Script(data);
    let flags = script.byte();
    let is_set = |bit: u8| flags >> bit & 1 == 1;
    let mut config = StubConfig::new(1 + usize::from(script.byte() % 4));
    config.edns = !is_set(0);
    config.trusted = is_set(1);
    config.randomize_case = !is_set(2);
    config.tcp_only = is_set(3);
    config.dnssec_ok = is_set(4);
    config.checking_disabled = is_set(5);
    config.first = usize::from(flags >> 6);
    let types = [1, 2, 5, 6, 12, 15, 16, 28, 99, 0, 41, 255];
    let rtype = types[usize::from(script.byte()) % types.len()];
    let length = script.byte();
    let name = script.take(length.into());

    let mut entropy = [0; Entropy::LEN];
    let mut choice = Choice::of(data);
    for octets in entropy.chunks_mut(8) {
        octets.copy_from_slice(&choice.bits().to_be_bytes());
    }
    let query = Query {
        name: QueryName::dotted([name, b"", b""]),
        rtype: Rtype(rtype),
    };
    let mut response = [0xee; RESPONSE];
    match Stub::new(query, &config, Entropy(entropy), &mut response, Instant(0)) {
        Ok(stub) => {
            let host = Host {
                stub,
                script,
                config,
                rtype,
                now: Instant(0),
                open: None,
                chunks,
            };
            Some(host.run())
        }
        Err(StubError::Name(_)) => {
            assert!(query.name.to_name().is_err());
            None
        }
        Err(error) => {
            assert_eq!(error, StubError::MetaType);
            assert!([0, 41, 255].contains(&rtype));
            None
        }
    }
}

struct Script<'d>(&'d [u8]);

impl<'d> Script<'d> {
    /// The next octet; zero at the end.
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn take(&mut self, count: usize) -> &'d [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// The transmission that waits for its reply.
struct Open {
    transport: Transport,
    server: usize,
    /// The query without the length octets of TCP.
    query: Vec<u8>,
    /// All that came over the stream.
    stream: Vec<u8>,
}

/// The host and the network.
struct Host<'d, 'b> {
    stub: Stub<'b>,
    script: Script<'d>,
    config: StubConfig,
    rtype: u16,
    now: Instant,
    open: Option<Open>,
    chunks: Option<Choice>,
}

impl Host<'_, '_> {
    fn run(mut self) -> Outcome {
        let mut transmissions = 0;
        loop {
            match self.stub.poll() {
                Step::Transmit(transport, server) => {
                    transmissions += 1;
                    self.note_transmission(transport, server);
                }
                Step::Wait(until) => {
                    assert!(until <= Instant(0) + self.config.limits.total);
                    assert!(self.stub.answer().is_none());
                    if self.script.0.is_empty() {
                        self.now = self.now.max(until);
                        self.stub.handle_timeout(self.now);
                    } else {
                        self.event(until);
                    }
                }
                Step::Done => break,
            }
        }
        let counters = self.stub.counters();
        let limits = &self.config.limits;
        assert!(transmissions <= limits.transmissions);
        assert!(transmissions <= counters.transmissions);
        assert!(counters.questions <= limits.questions && counters.aliases <= limits.aliases);
        // What comes after the end changes nothing.
        let outcome = self.outcome();
        self.event(self.now);
        assert_eq!(self.stub.poll(), Step::Done);
        assert_eq!(self.outcome(), outcome);
        outcome
    }

    fn outcome(&self) -> Outcome {
        let Counters {
            transmissions,
            questions,
            aliases,
            ..
        } = self.stub.counters();
        let answer = match self.stub.answer().expect("it is done") {
            Answer::Records(records, security) => {
                let records: Vec<Vec<u8>> = records.iter().map(|rdata| rdata.to_vec()).collect();
                format!("{security:?} {records:?}")
            }
            other => format!("{other:?}"),
        };
        Outcome {
            answer,
            name: self.stub.name().to_string(),
            ttl: self.stub.ttl(),
            counters: [transmissions, questions, aliases],
            problem: self.stub.problem(),
        }
    }

    fn note_transmission(&mut self, transport: Transport, server: usize) {
        assert!(server < self.config.servers);
        assert!(transport == Transport::Tcp || !self.config.tcp_only);
        assert!(self.stub.source_port() >= 1024);
        let octets = self.stub.transmit();
        let query = match transport {
            Transport::Udp => octets,
            Transport::Tcp => {
                let (length, query) = octets.split_first_chunk().expect("a length");
                assert_eq!(usize::from(u16::from_be_bytes(*length)), query.len());
                query
            }
        };
        let asked = rfc1035::Message::read(query).expect("a query is a message");
        assert_eq!((asked.len, asked.questions.len()), (query.len(), 1));
        let question = &asked.questions[0];
        assert_eq!(question.numbers, (self.rtype, 1));
        assert!(same_name(&question.name, &labels(self.stub.name())));
        assert_eq!(asked.head.1 & 0xff0f, 0x0100, "nothing but RD, AD and CD");
        self.open = Some(Open {
            transport,
            server,
            query: query.to_vec(),
            stream: Vec::new(),
        });
    }

    /// The next event of the script.
    fn event(&mut self, until: Instant) {
        let kind = self.script.byte();
        let open = self.open.as_ref().expect("something was sent");
        let (transport, server) = (open.transport, open.server);
        let other = match transport {
            Transport::Udp => Transport::Tcp,
            Transport::Tcp => Transport::Udp,
        };
        match kind % 16 {
            0..=3 => {
                let reply = self.reply();
                self.check_taken(transport, server, &reply);
            }
            4..=8 => {
                let reply = self.forged(kind % 16);
                self.deliver(transport, server, &reply);
            }
            9 => {
                let reply = self.reply();
                self.deliver(transport, server + 1, &reply);
            }
            10 => {
                let reply = self.reply();
                self.deliver(other, server, &reply);
            }
            11 => {
                let length = self.script.byte();
                let bytes = self.script.take(length.into()).to_vec();
                self.hand_in(transport, server, &bytes);
            }
            12 => self.stub.handle_closed(transport, server, self.now),
            13 => {
                self.stub.handle_closed(other, server, self.now);
                self.stub.handle_closed(transport, server + 1, self.now);
            }
            14 => {
                self.now = Instant(self.now.0 + u64::from(self.script.byte()));
                self.stub.handle_timeout(self.now);
            }
            _ => {
                self.now = self.now.max(until);
                self.stub.handle_timeout(self.now);
            }
        }
    }

    /// Hands in a reply that belongs to the question: it is not ignored, if it can be read.
    fn check_taken(&mut self, transport: Transport, server: usize, reply: &[u8]) {
        let open = self.open.as_ref().expect("something was sent");
        let (_, pending) = frames(&open.stream);
        let can_be_read = rfc1035::Message::read(reply).is_some_and(|it| it.len == reply.len());
        let ignored = self.stub.counters().ignored;
        let was_done = self.stub.answer().is_some();
        self.deliver(transport, server, reply);
        if can_be_read && pending == 0 && !was_done {
            assert_eq!(self.stub.counters().ignored, ignored);
        }
    }

    /// Hands in a whole message.
    fn deliver(&mut self, transport: Transport, server: usize, message: &[u8]) {
        let length = u16::try_from(message.len()).expect("a reply is short");
        match transport {
            Transport::Udp => self.hand_in(transport, server, message),
            Transport::Tcp => {
                let framed = [&length.to_be_bytes()[..], message].concat();
                self.hand_in(transport, server, &framed);
            }
        }
    }

    /// Hands in a datagram, or a stretch of a stream in one piece or in many.
    fn hand_in(&mut self, transport: Transport, server: usize, bytes: &[u8]) {
        let was_done = self.stub.answer().is_some();
        let open = self.open.as_mut().expect("something was sent");
        let is_open = (transport, server) == (open.transport, open.server);
        let pieces = match (&mut self.chunks, transport) {
            (Some(choice), Transport::Tcp) => choice.chunks(bytes),
            _ => vec![bytes],
        };
        for piece in pieces {
            self.stub.handle_input(transport, server, piece, self.now);
        }
        let candidates = match transport {
            _ if !is_open || was_done => Vec::new(),
            Transport::Udp => vec![bytes.to_vec()],
            Transport::Tcp => {
                open.stream.extend(bytes);
                frames(&open.stream).0
            }
        };
        let Some(answer) = self.stub.answer().filter(|_| !was_done) else {
            return;
        };
        if matches!(answer, Answer::Failed(_)) {
            return;
        }
        // The reply that was taken is one that came, and belongs to the question.
        let taken = self
            .stub
            .response()
            .expect("an answer has its reply")
            .as_bytes();
        assert!(candidates.iter().any(|candidate| candidate == taken));
        let open = self.open.as_ref().expect("something was sent");
        let exact = self.config.randomize_case && transport == Transport::Udp;
        let asked = rfc1035::Message::read(&open.query).expect("a query is a message");
        let reply = rfc1035::Message::read(taken).expect("a reply is a message");
        assert_eq!(reply.head.0, asked.head.0, "the id");
        assert_eq!(reply.head.1 & 0xfa00, 0x8000, "QR, OPCODE 0, not TC");
        assert_eq!(reply.questions.len(), 1);
        let (own, its) = (&asked.questions[0], &reply.questions[0]);
        assert_eq!(own.numbers, its.numbers);
        assert!(if exact {
            own.name == its.name
        } else {
            same_name(&own.name, &its.name)
        });
        self.check_answer(answer, &own.name, &reply);
    }

    /// A naive reading of the reply comes to the same answer.
    fn check_answer(&self, answer: Answer<'_>, asked: &[Vec<u8>], reply: &rfc1035::Message) {
        let mut name = asked.to_vec();
        let set = |name: &[Vec<u8>], rtype: u16| -> Vec<&rfc1035::Record> {
            let answers = reply.sections[0].iter();
            answers
                .filter(|record| record.numbers == (rtype, 1) && same_name(&record.owner, name))
                .collect()
        };
        for _ in 0..=self.config.limits.aliases {
            if !set(&name, self.rtype).is_empty() {
                break;
            }
            match set(&name, Rtype::CNAME.0).first() {
                Some(alias) => name = parse_wire(&alias.data),
                None => break,
            }
        }
        assert!(same_name(&name, &labels(self.stub.name())));
        let expected = set(&name, self.rtype);
        let rcode = reply.head.1 & 15;
        let security = match answer {
            Answer::Records(records, security) => {
                let data: Vec<Vec<u8>> = records.iter().map(|rdata| rdata.to_vec()).collect();
                let expected: Vec<Vec<u8>> =
                    expected.iter().map(|record| record.data.clone()).collect();
                assert!(!data.is_empty());
                assert_eq!((data, rcode), (expected, 0));
                security
            }
            Answer::NoData(security) => {
                assert_eq!((expected.len(), rcode), (0, 0));
                security
            }
            Answer::NxDomain(security) => {
                assert_eq!((expected.len(), rcode), (0, 3));
                security
            }
            Answer::Failed(_) => unreachable!("failures were left out"),
        };
        let is_authentic = self.config.trusted && reply.head.1 & 0x20 != 0;
        assert!(security == Security::Indeterminate || is_authentic);
    }

    /// A reply to the open transmission, with what the script puts into it.
    fn reply(&mut self) -> Vec<u8> {
        let open = self.open.as_ref().expect("something was sent");
        let asked = rfc1035::Message::read(&open.query).expect("a query is a message");
        let mut question = wire(&asked.questions[0].name);
        question.extend(self.rtype.to_be_bytes());
        question.extend([0, 1]);
        let [head, more] = [self.script.byte(), self.script.byte()];
        // Mostly no error, sometimes with TC.
        let rcode = [0, 0, 0, 3, 0, 1, 2, 4, 5, 0, 0, 3, 0, 0, 0, 9][usize::from(head & 15)];
        let truncated = u8::from(head >> 4 == 15) << 1;
        let mut out = open.query[..2].to_vec();
        out.extend([0x81 | truncated, head & 0x30 | rcode]);
        let counts = [1, more & 7, more >> 3 & 3, more >> 5 & 1];
        out.extend(counts.into_iter().flat_map(|count| [0, count]));
        out.extend(question);
        let mut target = 12;
        for _ in 0..counts[1..].iter().sum::<u8>() {
            self.record(&mut out, &mut target);
        }
        out
    }

    /// A reply with one thing wrong.
    fn forged(&mut self, kind: u8) -> Vec<u8> {
        let mut out = self.reply();
        let bit = self.script.byte();
        let name_end = 12
            + out[12..]
                .iter()
                .position(|&octet| octet == 0)
                .expect("the root");
        match kind {
            // The id, QR and OPCODE, the count of questions.
            4 => out[usize::from(bit >> 3) & 1] ^= 1 << (bit & 7),
            5 => out[2] ^= 0x80 >> (bit % 5),
            6 => out[5] = bit,
            // A letter of the name or its case; the type and the class.
            7 => {
                let at = 12 + usize::from(bit) % (name_end - 11);
                out[at] ^= if out[at].is_ascii_alphabetic() {
                    0x20
                } else {
                    1
                };
            }
            _ => out[name_end + 1 + usize::from(bit & 3)] ^= 1,
        }
        out
    }

    /// A record; `target` is where the last name in RDATA stands.
    fn record(&mut self, out: &mut Vec<u8>, target: &mut u8) {
        let kind = self.script.byte();
        match kind >> 6 {
            0 => out.extend([0xc0, 12]),
            1 => out.extend([0xc0, *target]),
            2 => out.extend([1, b'x', 0xc0, 12]),
            _ => out.push(0),
        }
        let rtype = match kind & 7 {
            0..=2 => self.rtype,
            3 | 4 => Rtype::CNAME.0,
            5 => Rtype::SOA.0,
            6 => Rtype::NS.0,
            _ => self.script.byte().into(),
        };
        out.extend(rtype.to_be_bytes());
        let class = if kind & 0x38 == 0x38 { 3 } else { 1 };
        out.extend([0, class, 0, 0, 0, kind]);
        let length_at = out.len();
        out.extend([0, 0]);
        let octet = self.script.byte();
        match rtype {
            1 => out.extend([192, 0, 2, octet]),
            28 => out.extend([octet; 16]),
            2 | 5 | 12 | 15 => {
                if rtype == 15 {
                    out.extend([0, octet]);
                }
                *target = u8::try_from(out.len()).unwrap_or(12);
                match octet % 4 {
                    0 => out.extend([0xc0, 12]),
                    1 => out.push(0),
                    _ => out.extend([1, b'a' + octet % 16, 0xc0, 12]),
                }
            }
            6 => out.extend([&[0, 0][..], &[octet; 20]].concat()),
            16 => out.extend([&[octet & 7][..], &[octet; 7][..usize::from(octet & 7)]].concat()),
            _ => out.extend(self.script.take(usize::from(octet & 7))),
        }
        let length = u16::try_from(out.len() - length_at - 2).expect("RDATA is short");
        out[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
    }
}

/// The whole messages of a stream, and how many octets come behind the last.
fn frames(stream: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let mut frames = Vec::new();
    let mut rest = stream;
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((frame, after)) = after.split_at_checked(length) else {
            break;
        };
        frames.push(frame.to_vec());
        rest = after;
    }
    (frames, rest.len())
}

fn same_name(one: &[Vec<u8>], other: &[Vec<u8>]) -> bool {
    wire(one).eq_ignore_ascii_case(&wire(other))
}

fn labels(name: scop_core::Name<'_>) -> rfc1035::Labels {
    name.labels().map(<[u8]>::to_vec).collect()
}

fn parse_wire(wire: &[u8]) -> rfc1035::Labels {
    let name = scop_core::Name::parse(wire).expect("it was written without compression");
    labels(name)
}
