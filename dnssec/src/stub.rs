//! A stub resolver without sockets: one query over a list of recursive servers (RFC 1034 5.3.1,
//! RFC 1035 4.2, RFC 5452, RFC 6891 6, RFC 7766).
//!
//! Contract: no call panics, whatever order and input; wrong calls do nothing. The machine ends: each
//! transmission, alias and question is counted, and [`Limits::total`] bounds the time, provided that
//! the host calls [`Stub::handle_timeout`] when [`Step::Wait`] said.
//!
//! # Driving it
//! Poll until `Wait` or `Done`. At `Transmit(Udp, server)` send [`Stub::transmit`] to that server from a
//! **new socket with a random port**; at `Transmit(Tcp, server)` open a new connection and write it
//! there. Each transmission replaces the one before: earlier sockets can be closed, and what they still
//! bring is ignored. Hand in datagrams and stream chunks of any size with [`Stub::handle_input`], a
//! refused or closed connection with [`Stub::handle_closed`], and the time with
//! [`Stub::handle_timeout`]; then poll again.
//!
//! ```
//! use scop_core::{Answer, Instant, Query, QueryName, Rtype};
//! use scop_dnssec::{Entropy, Step, Stub, StubConfig, Transport};
//!
//! # fn random(octets: &mut [u8]) {}
//! # fn ask(server: usize, query: &[u8]) -> Vec<u8> {
//! #     let mut reply = query.to_vec();
//! #     (reply[2], reply[3]) = (0x81, 0x83);
//! #     reply
//! # }
//! let mut entropy = [0; Entropy::LEN];
//! random(&mut entropy); // from the system's generator
//! let query = Query { name: QueryName::dotted([b"example.org", b"", b""]), rtype: Rtype::MX };
//! let mut response = [0; 1232];
//! let mut stub = Stub::new(query, &StubConfig::new(1), Entropy(entropy), &mut response, Instant(0))?;
//! loop {
//!     match stub.poll() {
//!         Step::Transmit(Transport::Udp, server) => {
//!             let reply = ask(server, stub.transmit());
//!             stub.handle_input(Transport::Udp, server, &reply, Instant(20));
//!         }
//!         Step::Transmit(Transport::Tcp, _) => unimplemented!("as for UDP, over a connection"),
//!         Step::Wait(until) => stub.handle_timeout(until),
//!         Step::Done => break,
//!     }
//! }
//! assert!(matches!(stub.answer(), Some(Answer::NxDomain(_))));
//! # Ok::<(), scop_dnssec::StubError>(())
//! ```
//!
//! # Against forged replies (RFC 5452)
//! A UDP reply is taken when it comes from the server asked last, to the socket of that transmission,
//! with the id, QR, the question, and the case of its letters. An attacker off the path must guess the
//! port (up to 16 bits, the host's part), the id (16 bits) and one bit for each letter (at most 32).
//! All are drawn anew for each transmission, and only one is open at a time, so that retransmissions do
//! not multiply his chances. With `F` forged datagrams in the window his chance is
//! `F / (2^16 * 2^16 * 2^letters)`; after [`Limits::strays`] of those that reach the open socket, or
//! [`Limits::wrong_case`] that are wrong in case alone, the question goes over TCP, where he must guess
//! sequence numbers too. The machine does not see the address of a datagram: the host must use a
//! connected socket, or compare it.
//!
//! # Size
//! A `Stub` is about 900 octets (a test holds it to that) and borrows the response buffer; it never allocates.

mod config;
mod outcome;
mod problem;
mod query;
mod stream;

use core::time::Duration;

use scop_core::{Answer, Failure, Instant, Name, Query, Rtype, Security};

pub use config::{Entropy, Limits, StubConfig};
use outcome::{Chain, Outcome};
pub use problem::{Problem, StubError};
use query::{Match, Sent};
use stream::{Progress, Stream};

use crate::wire::{Flags, Header, Message, Opt, Rcode};

/// How octets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One datagram is one message.
    Udp,
    /// A stream; each message stands behind its length.
    Tcp,
}

/// What a stub wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Send [`Stub::transmit`] to the server of this index; then poll again.
    Transmit(Transport, usize),
    /// Nothing to do before input comes, or this time.
    Wait(Instant),
    /// [`Stub::answer`] is there.
    Done,
}

/// What a stub has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Queries handed out to be sent.
    pub transmissions: u8,
    /// Questions asked after the first, because a chain of aliases left its message.
    pub questions: u8,
    /// Aliases followed.
    pub aliases: u8,
    /// Inputs that did not belong to the open transmission, or could not be read.
    pub ignored: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The query is written and not handed out.
    Send,
    /// The query is out.
    Wait,
    Records,
    NoData,
    NxDomain,
    Failed(Problem),
}

/// Most servers: one bit of a mask for each.
const MAX_SERVERS: usize = 16;

/// The machine.
#[derive(Debug)]
pub struct Stub<'b> {
    config: StubConfig,
    entropy: Entropy,
    rtype: Rtype,
    chain: Chain,
    sent: Sent,
    response: &'b mut [u8],
    /// Octets of the reply that is taken.
    response_len: usize,
    stream: Stream,
    state: State,
    transport: Transport,
    server: usize,
    /// The server with which this question began.
    first: usize,
    round: u8,
    /// Servers that gave a reply which is of no use for this question, one bit each.
    excluded: u16,
    /// Servers that do not take EDNS.
    plain: u16,
    /// Strays and wrong cases of this transmission.
    strays: u16,
    wrong_case: u8,
    /// When this transmission is given up, and when everything.
    deadline: Instant,
    give_up: Instant,
    /// Whether all replies so far had AD.
    authentic: bool,
    ttl: Option<u32>,
    problem: Option<Problem>,
    port: u16,
    counters: Counters,
}

impl<'b> Stub<'b> {
    /// A machine that asks `query`. `response` is where the reply is kept: 1232 octets for the replies
    /// that fit UDP, 65535 for every one; it must have 512 or more. A reply that is longer than it makes
    /// the server useless for this query.
    ///
    /// # Errors
    /// When the name is none, the type is a meta type, the buffer is too short, or `config` names no
    /// server or too many.
    pub fn new(
        query: Query<'_>,
        config: &StubConfig,
        entropy: Entropy,
        response: &'b mut [u8],
        now: Instant,
    ) -> Result<Self, StubError> {
        let name = query.name.to_name().map_err(StubError::Name)?;
        if matches!(query.rtype.0, 0 | 41 | 128..=255) {
            return Err(StubError::MetaType);
        }
        if response.len() < 512 {
            return Err(StubError::ResponseBuffer);
        }
        if !(1..=MAX_SERVERS).contains(&config.servers) {
            return Err(StubError::Servers);
        }
        let first = if config.first < config.servers {
            config.first
        } else {
            0
        };
        let mut stub = Self {
            config: *config,
            entropy,
            rtype: query.rtype,
            chain: Chain {
                name,
                aliases: 0,
                ttl: u32::MAX,
            },
            sent: Sent::NONE,
            response,
            response_len: 0,
            stream: Stream::default(),
            state: State::Send,
            transport: Transport::Udp,
            server: first,
            first,
            round: 0,
            excluded: 0,
            plain: 0,
            strays: 0,
            wrong_case: 0,
            deadline: now,
            give_up: after(now, config.limits.total, 0),
            authentic: true,
            ttl: None,
            problem: None,
            port: 0,
            counters: Counters::default(),
        };
        stub.ask(now);
        Ok(stub)
    }

    /// What to do next. `Transmit` is returned once for each transmission.
    pub fn poll(&mut self) -> Step {
        match self.state {
            State::Send => {
                self.state = State::Wait;
                Step::Transmit(self.transport, self.server)
            }
            State::Wait => Step::Wait(self.deadline),
            _ => Step::Done,
        }
    }

    /// Takes a datagram, or a chunk of a stream in any size, that came from `server`.
    ///
    /// What does not belong to the open transmission is counted and otherwise ignored.
    pub fn handle_input(
        &mut self,
        transport: Transport,
        server: usize,
        bytes: &[u8],
        now: Instant,
    ) {
        if self.is_done() {
            return;
        }
        if !self.is_open(transport, server) {
            self.count_ignored();
            return;
        }
        match transport {
            Transport::Udp => self.take_datagram(bytes, now),
            Transport::Tcp => self.take_chunk(bytes, now),
        }
    }

    /// The host could not send, the connection was refused or has ended, or the network said that the
    /// server cannot be reached. The next server is asked at once.
    pub fn handle_closed(&mut self, transport: Transport, server: usize, now: Instant) {
        if self.is_open(transport, server) {
            self.next_server(Problem::Closed, false, now);
        }
    }

    /// Time has passed. Before the time that [`Step::Wait`] named this does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if !self.is_done() && now >= self.deadline {
            self.next_server(Problem::Timeout, false, now);
        }
    }

    /// The octets of the open transmission; over TCP its length stands before the message.
    pub fn transmit(&self) -> &[u8] {
        self.sent.octets(self.transport)
    }

    /// A random source port from 1024 up for the open transmission, for hosts whose sockets have none
    /// of their own (RFC 5452 9.2).
    pub const fn source_port(&self) -> u16 {
        self.port % (u16::MAX - 1023) + 1024
    }

    /// What came out, once the machine is done.
    pub fn answer(&self) -> Option<Answer<'_>> {
        let security = if self.authentic && self.config.trusted {
            Security::Secure
        } else {
            Security::Indeterminate
        };
        Some(match self.state {
            State::Send | State::Wait => return None,
            State::Failed(problem) => Answer::Failed(problem.failure()),
            State::NoData => Answer::NoData(security),
            State::NxDomain => Answer::NxDomain(security),
            State::Records => match self.response() {
                Some(message) => {
                    Answer::Records(message.answers().records(self.name(), self.rtype), security)
                }
                None => Answer::Failed(Failure::Malformed),
            },
        })
    }

    /// For how many seconds the answer may be kept: the least TTL of the aliases and records, or of a
    /// negative answer (RFC 2308 5). `None` when it may not be kept at all.
    pub const fn ttl(&self) -> Option<u32> {
        self.ttl
    }

    /// The name that is asked for, or where the aliases have led.
    pub fn name(&self) -> Name<'_> {
        self.chain.name.as_name()
    }

    /// The reply that the answer was read from; `None` before the end and after a failure.
    pub fn response(&self) -> Option<Message<'_>> {
        match self.state {
            State::Send | State::Wait | State::Failed(_) => None,
            _ => Message::parse(self.response.get(..self.response_len)?).ok(),
        }
    }

    /// Why the query failed; else what went wrong with a server that was asked the last question, before
    /// another one answered it. What one said comes before the silence of another.
    pub const fn problem(&self) -> Option<Problem> {
        self.problem
    }

    /// What was done.
    pub const fn counters(&self) -> Counters {
        Counters {
            aliases: self.chain.aliases,
            ..self.counters
        }
    }

    const fn is_done(&self) -> bool {
        !matches!(self.state, State::Send | State::Wait)
    }

    fn is_open(&self, transport: Transport, server: usize) -> bool {
        self.state == State::Wait && transport == self.transport && server == self.server
    }

    const fn count_ignored(&mut self) {
        self.counters.ignored = self.counters.ignored.saturating_add(1);
    }

    fn take_datagram(&mut self, bytes: &[u8], now: Instant) {
        match self.sent.matches(bytes) {
            Match::Stray => self.take_stray(now),
            Match::WrongCase => {
                self.count_ignored();
                self.wrong_case = self.wrong_case.saturating_add(1);
                if self.wrong_case >= self.config.limits.wrong_case {
                    self.ask_over_tcp(now);
                }
            }
            Match::Ours if is_truncated(bytes) => self.ask_over_tcp(now),
            Match::Ours => {
                let Some(room) = self.response.get_mut(..bytes.len()) else {
                    return self.next_server(Problem::ReplyTooLong, true, now);
                };
                for (to, from) in room.iter_mut().zip(bytes) {
                    *to = *from;
                }
                self.take_reply(bytes.len(), now);
            }
        }
    }

    fn take_chunk(&mut self, bytes: &[u8], now: Instant) {
        let mut rest = bytes;
        // A message that ends the transmission leaves the rest of the chunk without an owner.
        while !rest.is_empty() && self.state == State::Wait {
            match self.stream.take(&mut rest, self.response) {
                Progress::More => {}
                Progress::TooLong => self.next_server(Problem::ReplyTooLong, true, now),
                Progress::Complete(len) => {
                    let reply = self.response.get(..len).unwrap_or_default();
                    match self.sent.matches(reply) {
                        Match::Ours if is_truncated(reply) => {
                            self.next_server(Problem::Truncated, true, now);
                        }
                        Match::Ours => self.take_reply(len, now),
                        Match::Stray | Match::WrongCase => self.take_stray(now),
                    }
                }
            }
        }
    }

    /// Counts what does not belong to the question; too much of it ends the transmission.
    fn take_stray(&mut self, now: Instant) {
        self.count_ignored();
        self.strays = self.strays.saturating_add(1);
        if self.strays > self.config.limits.strays {
            match self.transport {
                Transport::Udp => self.ask_over_tcp(now),
                Transport::Tcp => self.next_server(Problem::Strays, true, now),
            }
        }
    }

    /// Reads the first `len` octets of the response buffer as the reply to the open transmission.
    fn take_reply(&mut self, len: usize, now: Instant) {
        let bytes = self.response.get(..len).unwrap_or_default();
        let Ok(message) = Message::parse(bytes) else {
            return match self.transport {
                Transport::Udp => self.take_stray(now),
                Transport::Tcp => self.next_server(Problem::Malformed, true, now),
            };
        };
        let rcode = message.rcode();
        match rcode {
            Rcode::NOERROR | Rcode::NXDOMAIN => {}
            Rcode::FORMERR | Rcode::NOTIMP if self.uses_edns() => {
                // RFC 6891 6.2.2: perhaps it does not know OPT.
                self.plain |= self.bit();
                return self.transmit_to(self.server, now);
            }
            _ => {
                let code = message
                    .opt()
                    .and_then(|opt| opt.extended_errors().next())
                    .map(|error| error.code);
                return self.next_server(Problem::Rcode(rcode, code), true, now);
            }
        }
        let authentic = message.flags().contains(Flags::AD);
        let aliases = self.config.limits.aliases;
        // The chain moves only when the reply is of use.
        let mut chain = self.chain;
        let (outcome, ttl) = chain.read(&message, self.rtype, aliases);
        self.state = match outcome {
            Outcome::Records => State::Records,
            Outcome::NoData => State::NoData,
            Outcome::NxDomain => State::NxDomain,
            Outcome::AliasChain => return self.fail_with(Problem::AliasChain),
            Outcome::Ask => State::Send,
            Outcome::Contradiction => return self.next_server(Problem::Malformed, true, now),
            Outcome::Referral => return self.next_server(Problem::Referral, true, now),
        };
        self.chain = chain;
        self.authentic &= authentic;
        if outcome == Outcome::Ask {
            return self.ask_for_target(now);
        }
        self.ttl = ttl;
        self.response_len = len;
    }

    /// Asks for the name to which the aliases have led, beginning with the server that said so.
    fn ask_for_target(&mut self, now: Instant) {
        if self.counters.questions >= self.config.limits.questions {
            return self.fail_with(Problem::AliasChain);
        }
        self.counters.questions += 1;
        self.problem = None;
        self.first = self.server;
        self.ask(now);
    }

    /// Begins a question.
    fn ask(&mut self, now: Instant) {
        self.transport = if self.config.tcp_only {
            Transport::Tcp
        } else {
            Transport::Udp
        };
        self.round = 0;
        self.excluded = 0;
        self.transmit_to(self.first, now);
    }

    /// Asks the same server over TCP; this question stays there.
    fn ask_over_tcp(&mut self, now: Instant) {
        self.transport = Transport::Tcp;
        self.transmit_to(self.server, now);
    }

    /// Turns to the next server that can still be of use, or gives up. `exclude` says that this one
    /// cannot.
    fn next_server(&mut self, problem: Problem, exclude: bool, now: Instant) {
        // What a server said explains more than that another one said nothing.
        if !problem.is_silence() || self.problem.is_none_or(Problem::is_silence) {
            self.problem = Some(problem);
        }
        if exclude {
            self.excluded |= self.bit();
        }
        for _ in 0..self.config.servers {
            self.server += 1;
            if self.server >= self.config.servers {
                self.server = 0;
            }
            if self.server == self.first {
                self.round = self.round.saturating_add(1);
            }
            if self.excluded & self.bit() == 0 && self.round < self.config.limits.rounds {
                return self.transmit_to(self.server, now);
            }
        }
        self.fail();
    }

    /// Writes the query for `server` and hands it out, unless time or transmissions are used up.
    fn transmit_to(&mut self, server: usize, now: Instant) {
        let number = self.counters.transmissions;
        let draw = self
            .entropy
            .draw(number)
            .filter(|_| now < self.give_up && number < self.config.limits.transmissions);
        self.server = server;
        let opt = self.uses_edns().then(|| {
            let room = u16::try_from(self.response.len()).unwrap_or(u16::MAX);
            Opt::new(self.config.udp_size.max(512).min(room)).with_dnssec_ok(self.config.dnssec_ok)
        });
        let sent = draw.and_then(|draw| {
            self.port = draw.port;
            let name = &self.chain.name;
            Sent::write(name, self.rtype, self.transport, opt, &self.config, draw)
        });
        let Some(sent) = sent else {
            return self.fail();
        };
        let limits = &self.config.limits;
        let deadline = match self.transport {
            Transport::Tcp => after(now, limits.tcp_timeout, 0),
            Transport::Udp => after(now, limits.udp_timeout, self.round).min(after(
                now,
                limits.udp_timeout_max,
                0,
            )),
        };
        self.deadline = deadline.min(self.give_up);
        self.sent = sent;
        self.stream = Stream::default();
        (self.strays, self.wrong_case) = (0, 0);
        self.counters.transmissions += 1;
        self.state = State::Send;
    }

    fn fail(&mut self) {
        self.fail_with(self.problem.unwrap_or(Problem::Timeout));
    }

    fn fail_with(&mut self, problem: Problem) {
        self.problem = Some(problem);
        self.state = State::Failed(problem);
    }

    fn uses_edns(&self) -> bool {
        self.config.edns && self.plain & self.bit() == 0
    }

    /// The bit of the server asked now.
    fn bit(&self) -> u16 {
        // There are at most 16 servers.
        u32::try_from(self.server).map_or(0, |server| 1_u16.checked_shl(server).unwrap_or(0))
    }
}

/// The time `wait`, doubled `doublings` times, after `now`.
fn after(now: Instant, wait: Duration, doublings: u8) -> Instant {
    let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let factor = 1_u64 << doublings.min(32);
    Instant(now.0.saturating_add(wait.saturating_mul(factor)))
}

/// Whether TC is set. Such a message need not be readable to its end (RFC 2181 9).
fn is_truncated(reply: &[u8]) -> bool {
    Header::read(reply).is_some_and(|header| header.flags.contains(Flags::TC))
}
