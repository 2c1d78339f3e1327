//! The client machine of SMTP (RFC 5321) and LMTP (RFC 2033).
//!
//! A [`Client`] is a connection without the connection: octets of the server go in, octets for the server
//! come out, and [`Client::poll`] says what the host does next. It owns no memory but itself; the
//! [`Buffers`] are lent. Whatever comes from the server and in whatever order the host calls, nothing here
//! panics, takes more than linear time or allocates; a call that [`Client::poll`] did not ask for is an
//! [`OrderError`] and changes nothing.
//!
//! What it sees to:
//!
//! - **Each recipient gets an answer.** Every recipient that was taken gets one [`Event::Delivered`] or one
//!   [`Event::Failed`] with the reply or the [`End`] that says why, whatever happens to the connection. A
//!   refused recipient does not hold up the others.
//! - **One answer, one question.** A reply counts only when its command was sent as a whole. Octets that
//!   come when nothing was asked, or behind the reply to STARTTLS, end the connection: they may have been put
//!   in by somebody in between. Only 421 may come at any time, and a refusal while the message is sent: servers
//!   say why before they close. It decides about the message, and ends the connection too.
//! - **TLS.** With [`TlsPolicy::Require`] no order of the host is sent in clear. After STARTTLS all that the
//!   server said before is forgotten (RFC 3207 4.2).
//! - **No smuggling.** No value can bring a line end into a command, and no content can bring a bare CR or
//!   LF or an end of its own into the message.
//!
//! ```
//! use scop_core::Instant;
//! use scop_smtp_proto::client::{Buffers, Client, Config, Event, Step};
//! use scop_smtp_proto::{Domain, ForwardPath, ReversePath};
//!
//! let (mut input, mut output) = ([0; 1024], [0; 1024]);
//! let buffers = Buffers { input: &mut input, output: &mut output };
//! let config = Config::new(Domain::parse(b"client.example.org")?);
//! let mut client = Client::new(config, buffers, Instant(0))?;
//!
//! // What a server says, one reply after the other; a host has a socket here.
//! let mut server = ["220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 ok\r\n", "221 bye\r\n"].iter();
//! let mut sent = Vec::new();
//! let mut message = &b"Subject: hi\r\n\r\n.\r\n"[..];
//! let (mut delivered, mut has_sent) = (0, false);
//! loop {
//!     match client.poll() {
//!         Step::Transmit => {
//!             let octets = client.transmit();
//!             sent.extend_from_slice(octets);
//!             let count = octets.len();
//!             client.transmitted(count, Instant(1))?;
//!         }
//!         Step::Wait(_) => {
//!             let mut reply = server.next().unwrap().as_bytes();
//!             client.handle_input(&mut reply, Instant(2));
//!         }
//!         Step::Event => match client.event() {
//!             Some(Event::Delivered { .. }) => delivered += 1,
//!             other => println!("{other:?}"),
//!         },
//!         Step::Order if has_sent => client.quit()?,
//!         Step::Order => {
//!             client.mail(&ReversePath::parse(b"<joe@example.org>")?, &[])?;
//!             has_sent = true;
//!         }
//!         Step::Recipient(0) => client.recipient(&ForwardPath::parse(b"<jane@example.net>")?, &[])?,
//!         Step::Recipient(_) => client.end_recipients()?,
//!         Step::Content if message.is_empty() => client.content_end(Instant(3))?,
//!         Step::Content => sent.extend_from_slice(client.content(&mut message, Instant(3))?),
//!         Step::Done => break,
//!         other => panic!("{other:?}"),
//!     }
//! }
//! assert_eq!(delivered, 1);
//! assert!(sent.ends_with(b"DATA\r\nSubject: hi\r\n\r\n..\r\n.\r\nQUIT\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod content;
mod event;
mod order;
mod output;
mod recipients;
mod reply;
#[cfg(test)]
mod tests;
mod transaction;

use scop_core::{Full, Instant, Sink};

pub use config::{Buffers, Config, ConfigError, Limits, Timeouts, TlsPolicy};
pub use event::{Awaited, Cause, End, Event, Fate, OrderError, Step};

use crate::command::Hello;
use crate::extension::{Extensions, Peer, Protocol, Set};
use crate::reply::ReplyReader;
use output::{Fault, Output};
use transaction::{Domains, Mail, Transaction};

/// The client's side of one connection.
#[derive(Debug)]
pub struct Client<'a> {
    config: Config<'a>,
    extensions: Extensions<'a>,
    reader: ReplyReader<'a>,
    output: Output<'a>,
    phase: Phase,
    /// What the host is to be told next; while it is there no input is taken, so that the reply that it
    /// speaks of stays.
    notice: Option<Notice>,
    /// The host was told of the notice.
    is_shown: bool,
    /// What the recipients that have no final event are to be told.
    verdict: Option<Verdict>,
    peer: Peer,
    announced: Set,
    hello: Option<Hello>,
    is_authenticated: bool,
    /// Octets came when no reply was due: only 421 is taken from here on.
    is_unasked: bool,
    transactions: u32,
    transaction: Transaction,
    domains: Domains,
    deadline: Option<Instant>,
    end: Option<End>,
}

/// Where the session stands. Where a reply is due, it is the reply to this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Greeting,
    Hello(Hello),
    StartTls,
    Handshake,
    Order,
    /// AUTH or a response was sent; whether it was `*`, and no challenge can come any more.
    Auth {
        cancelled: bool,
    },
    /// A reply to AUTH is for the exchange; whether it is a challenge.
    Exchange {
        challenge: bool,
    },
    /// A command of the host; whether the session begins anew behind consent.
    Command {
        restart: bool,
    },
    /// MAIL was sent, then recipients, then DATA in the same group.
    Recipients,
    Data,
    Content,
    /// The end of the message was sent.
    Message,
    /// A message without recipients was ended: the reply means nothing.
    Discard,
    /// The replies to chunks behind a refused one mean nothing.
    Drain,
    /// RSET was sent; whether the host ordered it.
    Reset {
        ordered: bool,
    },
    Quit,
    Done,
}

/// An event without its reply, which the reader holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notice {
    Greeting,
    Ready(Hello),
    HelloRefused,
    TlsRefused,
    Authenticated,
    AuthRefused,
    Mail,
    Recipient(u32),
    Final(u32, Verdict),
    CommandReply,
    Closing,
}

/// What became of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Delivered,
    /// By the reply that the reader holds.
    Refused(Awaited),
    Ended(Fate),
}

impl<'a> Client<'a> {
    /// A client on a connection that was just made; the server speaks first.
    ///
    /// # Errors
    /// What is given cannot work.
    pub fn new(
        config: Config<'a>,
        buffers: Buffers<'a>,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        let extensions = Extensions::new(config.extensions).map_err(ConfigError::Extensions)?;
        if config.tls == TlsPolicy::Require
            && !config.secure
            && extensions.verb(reply::START_TLS).is_none()
        {
            return Err(ConfigError::NoStartTls);
        }
        let Buffers { input, output } = buffers;
        if input.len() < Buffers::MIN_INPUT || output.len() < Buffers::MIN_OUTPUT {
            return Err(ConfigError::SmallBuffer);
        }
        let limits = &config.limits;
        if limits.group == 0 || limits.chunks == 0 || limits.command_line < Limits::MIN_COMMAND_LINE
        {
            return Err(ConfigError::SmallLimit);
        }
        let mut client = Self {
            config,
            extensions,
            reader: ReplyReader::new(input)
                .with_limits(config.limits.reply)
                .with_lf_line(config.tolerance.lf_line),
            output: Output::new(output),
            phase: Phase::Greeting,
            notice: None,
            is_shown: false,
            verdict: None,
            peer: Peer::default(),
            announced: Set::default(),
            hello: None,
            is_authenticated: false,
            is_unasked: false,
            transactions: 0,
            transaction: Transaction::default(),
            domains: Domains::default(),
            deadline: None,
            end: None,
        };
        client.peer.secure = config.secure;
        // The name is a checked value that fits, and from now on EHLO always does.
        client
            .put_hello(Hello::Ehlo)
            .map_err(|_| ConfigError::BadName)?;
        client.output.clear();
        client.arm(now);
        Ok(client)
    }

    /// What to do next. It never returns the same [`Step::Event`] twice.
    pub fn poll(&mut self) -> Step {
        if self.is_shown {
            self.is_shown = false;
            self.notice = None;
        }
        if self.notice.is_none()
            && let Some(verdict) = self.verdict
        {
            self.notice =
                (self.transaction.open.take_first()).map(|index| Notice::Final(index, verdict));
            if self.notice.is_none() {
                self.verdict = None;
            }
        }
        let step = self.step();
        self.is_shown = step == Step::Event;
        step
    }

    /// What came about, from the poll that told of it to the next.
    pub fn event(&self) -> Option<Event<'_>> {
        let notice = self.notice.filter(|_| self.is_shown)?;
        if let Notice::Final(index, Verdict::Ended(fate)) = notice {
            let cause = Cause::End(self.end?);
            return Some(Event::Failed { index, fate, cause });
        }
        let reply = self.reader.reply()?;
        Some(match notice {
            Notice::Greeting => Event::Greeting(reply),
            Notice::Ready(hello) => Event::Ready { hello, reply },
            Notice::HelloRefused => Event::HelloRefused(reply),
            Notice::TlsRefused => Event::TlsRefused(reply),
            Notice::Authenticated => Event::Authenticated(reply),
            Notice::AuthRefused => Event::AuthRefused(reply),
            Notice::Mail => Event::Mail(reply),
            Notice::Recipient(index) => Event::Recipient { index, reply },
            Notice::Final(index, Verdict::Delivered) => Event::Delivered { index, reply },
            Notice::Final(index, Verdict::Refused(to)) => Event::Failed {
                index,
                fate: Fate::NotDelivered,
                cause: Cause::Reply { to, reply },
            },
            Notice::Final(_, Verdict::Ended(_)) => return None,
            Notice::CommandReply => Event::CommandReply(reply),
            Notice::Closing => Event::Closing(reply),
        })
    }

    /// What is to be sent next. It may be sent in parts. How long that may take is for the host to say:
    /// timers here begin when it is sent.
    pub fn transmit(&self) -> &[u8] {
        self.output.pending()
    }

    /// So many octets of [`Client::transmit`] were sent.
    ///
    /// # Errors
    /// There were not so many.
    pub fn transmitted(&mut self, octets: usize, now: Instant) -> Result<(), OrderError<'static>> {
        if !self.output.sent(octets) {
            return Err(OrderError::NotNow);
        }
        if octets > 0 && self.output.is_empty() {
            self.arm(now);
        }
        Ok(())
    }

    /// Time passed. It does nothing before the moment that [`Step::Wait`] or [`Client::deadline`] names.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        match self.phase {
            Phase::Done => {}
            Phase::Quit => self.finish(),
            Phase::Handshake => self.fail(End::TlsFailed),
            _ if self.is_unasked => self.fail(End::Unsolicited),
            _ => self.fail(End::Timeout(self.awaited().unwrap_or(Awaited::Block))),
        }
    }

    /// The connection is gone, or the host gives it up: call it also when a write fails, in whole or behind
    /// some octets. Octets that were received before may be handed in first, as a 421 among them says why. Poll on:
    /// the recipients that are left get their events, and those of a message that was sent to its end
    /// [`Fate::Unknown`].
    pub fn handle_closed(&mut self) {
        match self.phase {
            Phase::Done => {}
            Phase::Quit => self.finish(),
            Phase::Handshake => self.fail(End::TlsFailed),
            _ => self.fail(End::Closed),
        }
    }

    /// TLS was negotiated, and the server's name was verified as far as the host wants it. `surplus` is what
    /// the host had received before the negotiation and not handed in: there must be nothing.
    ///
    /// # Errors
    /// TLS was not to be negotiated now; or there is a surplus, and the connection ends.
    pub fn tls_started(&mut self, surplus: &[u8], now: Instant) -> Result<(), OrderError<'static>> {
        self.require_step(Step::StartTls)?;
        if !surplus.is_empty() {
            self.fail(End::Injected);
            return Err(OrderError::Ended(End::Injected));
        }
        // Nothing of what was said in clear counts (RFC 3207 4.2).
        self.reader.clear();
        self.peer.secure = true;
        self.is_authenticated = false;
        self.say_hello();
        self.arm(now);
        Ok(())
    }

    /// When the wait for a reply, for TLS, or for a piece of the message to be taken is over.
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Why it is done; `None` before [`Step::Done`].
    pub fn end(&self) -> Option<End> {
        self.end.filter(|_| self.phase == Phase::Done)
    }

    /// What is known of the server.
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Whether the server announced an extension of the list, in its last reply to EHLO or LHLO.
    pub fn is_announced(&self, keyword: &str) -> bool {
        (self.extensions.keyword(keyword.as_bytes()))
            .is_some_and(|(index, _)| self.announced.contains(index))
    }

    /// Whether the server accepted credentials.
    pub const fn is_authenticated(&self) -> bool {
        self.is_authenticated
    }

    /// The step, without moving.
    fn step(&self) -> Step {
        if self.notice.is_some() || self.verdict.is_some() {
            return Step::Event;
        }
        // Nothing more is sent until it is known what was put in: 421, or an end.
        if self.is_unasked && self.phase != Phase::Done {
            return Step::Wait(self.deadline.unwrap_or(Instant(u64::MAX)));
        }
        if self.takes_recipient() {
            return Step::Recipient(self.transaction.given);
        }
        if !self.output.is_empty() {
            return Step::Transmit;
        }
        match self.phase {
            Phase::Order => Step::Order,
            Phase::Exchange { .. } => Step::Auth,
            Phase::Handshake => Step::StartTls,
            Phase::Content if self.takes_content() => Step::Content,
            Phase::Done => Step::Done,
            _ => Step::Wait(self.deadline.unwrap_or(Instant(u64::MAX))),
        }
    }

    /// Whether the host may do what belongs to a step.
    fn require_step(&self, step: Step) -> Result<(), OrderError<'static>> {
        if self.step() == step {
            Ok(())
        } else {
            Err(OrderError::NotNow)
        }
    }

    /// What the next reply answers, if one is due.
    fn awaited(&self) -> Option<Awaited> {
        let transaction = &self.transaction;
        match self.phase {
            Phase::Greeting => Some(Awaited::Greeting),
            Phase::Hello(_) => Some(Awaited::Hello),
            Phase::StartTls => Some(Awaited::StartTls),
            Phase::Auth { .. } => Some(Awaited::Auth),
            Phase::Command { .. } => Some(Awaited::Command),
            Phase::Recipients if transaction.mail == Mail::Sent => Some(Awaited::Mail),
            Phase::Recipients if transaction.answered < transaction.given => {
                Some(Awaited::Recipient)
            }
            Phase::Recipients => transaction.data_in_group.then_some(Awaited::Data),
            Phase::Data => Some(Awaited::Data),
            Phase::Content | Phase::Drain | Phase::Message if transaction.chunks_due > 0 => {
                Some(Awaited::Block)
            }
            Phase::Message | Phase::Discard => Some(Awaited::Message),
            Phase::Reset { .. } => Some(Awaited::Reset),
            Phase::Quit => Some(Awaited::Quit),
            Phase::Handshake
            | Phase::Order
            | Phase::Exchange { .. }
            | Phase::Content
            | Phase::Drain
            | Phase::Done => None,
        }
    }

    /// How many replies are due, of which the last are to commands that were not sent yet.
    fn due(&self) -> u32 {
        let transaction = &self.transaction;
        match self.phase {
            Phase::Recipients => (transaction.given.saturating_sub(transaction.answered))
                .saturating_add(u32::from(transaction.mail == Mail::Sent))
                .saturating_add(u32::from(transaction.data_in_group)),
            Phase::Content | Phase::Drain => transaction.chunks_due,
            Phase::Message => (transaction.chunks_due).saturating_add(match self.config.protocol {
                Protocol::Smtp => 1,
                Protocol::Lmtp => transaction.open.count(),
            }),
            _ => u32::from(self.awaited().is_some()),
        }
    }

    /// Starts the wait for the next reply.
    fn arm(&mut self, now: Instant) {
        let timeouts = &self.config.timeouts;
        let wait = match self.awaited() {
            _ if self.is_unasked => timeouts.command,
            None if self.phase == Phase::Handshake => timeouts.tls,
            None => {
                self.deadline = None;
                return;
            }
            Some(Awaited::Greeting) => timeouts.greeting,
            Some(Awaited::Mail) => timeouts.mail,
            Some(Awaited::Recipient) => timeouts.rcpt,
            Some(Awaited::Data) => timeouts.data,
            Some(Awaited::Block) => timeouts.block,
            Some(Awaited::Message) => timeouts.end,
            Some(_) => timeouts.command,
        };
        self.deadline = Some(now + wait);
    }

    /// The session ends here and now.
    fn fail(&mut self, end: End) {
        self.end = Some(end);
        if self.verdict.is_none() && !self.transaction.open.is_empty() {
            let fate = if self.phase == Phase::Message {
                Fate::Unknown
            } else {
                Fate::NotDelivered
            };
            self.verdict = Some(Verdict::Ended(fate));
        }
        self.finish();
    }

    /// The session ends with QUIT, and it does not matter what comes before its reply.
    fn leave(&mut self, end: End) {
        self.end = Some(end);
        self.is_unasked = false;
        self.say(b"QUIT", Phase::Quit);
    }

    fn finish(&mut self) {
        self.phase = Phase::Done;
        self.output.clear();
        self.deadline = None;
    }

    /// Sends a command of the machine's own. It fits: the buffer is empty then.
    fn say(&mut self, command: &[u8], phase: Phase) {
        let put = self.put(false, |line| line.put(command));
        self.phase = phase;
        if put.is_err() {
            self.fail(End::Closed);
        }
    }

    /// EHLO or LHLO, of which the reply is all that is known of the server from then on.
    fn say_hello(&mut self) {
        let hello = match self.config.protocol {
            Protocol::Smtp => Hello::Ehlo,
            Protocol::Lmtp => Hello::Lhlo,
        };
        self.forget();
        self.phase = Phase::Hello(hello);
        if self.put_hello(hello).is_err() {
            self.fail(End::Closed);
        }
    }

    /// Forgets what the server announced.
    fn forget(&mut self) {
        self.hello = None;
        self.announced = Set::default();
        self.peer = Peer {
            secure: self.peer.secure,
            ..Peer::default()
        };
    }

    fn put_hello(&mut self, hello: Hello) -> Result<(), OrderError<'static>> {
        let name = self.config.name;
        let verb: &[u8] = match hello {
            Hello::Helo => b"HELO ",
            Hello::Ehlo => b"EHLO ",
            Hello::Lhlo => b"LHLO ",
        };
        self.put(false, |line| {
            line.put(verb)?;
            line.emit(&name)
        })
    }

    /// Puts a command line, or nothing.
    fn put(
        &mut self,
        utf8: bool,
        write: impl FnOnce(&mut output::Line<'_, 'a>) -> Result<(), Full>,
    ) -> Result<(), OrderError<'static>> {
        let limit = usize::from(self.config.limits.command_line);
        (self.output.put_line(limit, utf8, write)).map_err(|fault| match fault {
            Fault::Control => OrderError::BadOctet,
            Fault::EightBit => OrderError::NeedsUtf8,
            Fault::TooLong => OrderError::TooLong,
            Fault::NoRoom => OrderError::OutputFull,
        })
    }
}
