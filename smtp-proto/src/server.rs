//! A server of SMTP (RFC 5321) or LMTP (RFC 2033) as a machine.
//!
//! The host hands in what came from the client and sends what the machine has to say; each wish of the
//! machine (may this client come in? is there such a recipient?) is an [`Event`] that the host answers,
//! now or after it has asked others. The machine does all that the protocol fixes: the order of commands,
//! parameters, dots, chunks, limits, timers, the state before and after TLS.
//!
//! - No call panics, whatever the client sends and in whatever order the host calls; a wrong call is an
//!   `Err` and changes nothing. Each octet of input is looked at a bounded number of times.
//! - Memory is the machine itself and the [`Buffers`] that the host lends. Content of messages is not
//!   copied: [`Server::handle_input`] returns slices of the input.
//! - However the input is cut into chunks, replies, events and content are the same.
//! - While a wish is open no input is taken, so nothing overtakes an answer.
//! - Replies to a group of commands are sent together, except where RFC 2920 3.2 forbids it. While a host
//!   takes its time to answer it polls again, because replies may have to be sent before. What it answers
//!   to an event that [`Server::poll`] has just named fits the output if it is one line.
//! - Content for which the host consented to [`Event::Data`] comes to an end for sure: the host answers
//!   [`Event::MessageEnd`], or is told [`Event::Discarded`], also when the connection breaks before the answer.
//!
//! ```
//! use scop_core::Instant;
//! use scop_smtp_proto::Reply;
//! use scop_smtp_proto::server::{Buffers, Config, Event, Server, Step};
//!
//! let (mut input, mut output) = ([0; 512], [0; 1024]);
//! let buffers = Buffers { input: &mut input, output: &mut output };
//! let mut server = Server::new(Config::new("mx.example.org", &[]), buffers, Instant(0))?;
//!
//! let mut received: &[u8] = b"HELO client.example.org\r\nMAIL FROM:<joe@example.org>\r\n\
//!     RCPT TO:<ann@example.org>\r\nDATA\r\nSubject: hi\r\n\r\n..\r\n.\r\nQUIT\r\n";
//! let (mut sent, mut message) = (Vec::new(), Vec::new());
//! loop {
//!     match server.poll() {
//!         Step::Transmit => {
//!             sent.extend_from_slice(server.transmit());
//!             server.transmitted(server.transmit().len(), Instant(0))?;
//!         }
//!         Step::Event => match server.event() {
//!             Some(Event::Recipient { index, .. }) if index > 0 => server.answer(&Reply::new(550, None, "No")?)?,
//!             _ => server.accept()?,
//!         },
//!         Step::Wait(_) => message.extend_from_slice(server.handle_input(&mut received, Instant(0))),
//!         Step::StartTls | Step::Done => break,
//!     }
//! }
//! assert_eq!(message, b"Subject: hi\r\n\r\n.\r\n");
//! assert!(sent.starts_with(b"220 mx.example.org ESMTP\r\n250 mx.example.org\r\n250 OK\r\n"));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod answer;
mod auth;
mod config;
mod content;
mod event;
mod flow;
mod output;
#[cfg(test)]
mod tests;
mod tls;

use core::fmt;

use scop_core::{Counter, Instant};

pub use config::{Buffers, Config, ConfigError, Limits, Timeouts};
pub use event::{AnswerError, Discarded, End, Event, Step};
pub use tls::TlsError;

use crate::auth::server::Exchange;
use crate::auth::{Identity, MechanismSet};
use crate::command::{Command, Hello};
use crate::extension::{Envelope, Extensions, Session};
use crate::line::LineReader;
use crate::reply::{Reply, Status};
use content::Content;
use event::Wish;
use output::{Copies, Output};

/// Room in the output that is there before a command is read: one line fits, as any reply of the machine's own
/// and any [`Refusal`](crate::extension::Refusal) is.
const ROOM: usize = Reply::MAX_LINE;

/// One connection of a client, as its server sees it. See the [module](self).
pub struct Server<'a> {
    config: Config<'a>,
    extensions: Extensions<'a>,
    lines: LineReader<'a>,
    output: Output<'a>,
    session: Session,
    envelope: Envelope,
    exchange: Option<Exchange<'a>>,
    state: State,
    wish: Option<Wish>,
    /// [`Server::poll`] has said so.
    wish_shown: bool,
    content: Content,
    /// A refusal that more recipients get (LMTP).
    repeat: Option<Copies>,
    news: Option<News>,
    counts: Counts,
    clock: Clock,
    end: Option<End>,
    /// The host still holds input, as far as is known.
    unread: bool,
    /// What is in the output must not wait for more.
    flush: bool,
    /// The reply to a command that ends a group was not sent as a whole.
    is_sync_point: bool,
    shutting_down: bool,
    /// A challenge of AUTH is still to be written.
    owes_challenge: bool,
}

/// What the machine reads next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing: the client is not greeted.
    Greeting,
    /// Commands, of which only QUIT is taken: the greeting was 554.
    TurnedAway,
    /// Commands.
    Command,
    /// Content up to its terminator.
    Data,
    /// Content in a chunk.
    Chunk(content::Chunk),
    /// Lines of an exchange of AUTH.
    Auth,
    /// Nothing: 220 was the reply to STARTTLS.
    Tls,
    /// Nothing: what is in the output is sent, then the connection ends.
    Closing,
}

/// News for the host, which is handed out once.
#[derive(Clone, Copy, Debug)]
struct News {
    why: Discarded,
    is_shown: bool,
}

/// What is held against [`Limits`].
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    errors: u32,
    idle_commands: u32,
    refused_recipients: u32,
    /// Recipients that were refused because there were too many, or no MAIL was before them.
    surplus_recipients: u32,
    auth_failures: u32,
}

/// Moments at which the client is late.
#[derive(Clone, Copy, Debug)]
struct Clock {
    /// For the next command or piece of content.
    next: Instant,
    /// What the client had to do is done; `next` is counted from the next call that tells the time.
    is_stale: bool,
    message: Option<Instant>,
    session: Instant,
}

impl<'a> Server<'a> {
    /// A server to which a client has just connected.
    ///
    /// # Errors
    /// What is wrong with the configuration, or which buffer is too small.
    pub fn new(
        config: Config<'a>,
        buffers: Buffers<'a>,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        let Buffers { input, output } = buffers;
        let name = config.name.as_bytes();
        if !matches!(name.len(), 1..=255) || !name.iter().all(u8::is_ascii_graphic) {
            return Err(ConfigError::Name);
        }
        if input.len() < Buffers::MIN_INPUT {
            return Err(ConfigError::InputTooSmall);
        }
        let extensions = Extensions::new(config.extensions).map_err(ConfigError::Extensions)?;
        for secure in [config.secure, true] {
            let session = Session {
                protocol: config.protocol,
                secure,
                // The most that there can be.
                mechanisms: MechanismSet::ALL,
                hello: Some(Hello::Ehlo),
                ..Session::default()
            };
            let mut counter = Counter::default();
            answer::emit_hello(&mut counter, [config.name, ""], extensions, &session)
                .map_err(|_| ConfigError::Arguments)?;
            if output.len() < Buffers::MIN_OUTPUT.max(counter.len()) {
                return Err(ConfigError::OutputTooSmall);
            }
        }
        Ok(Self {
            extensions,
            lines: LineReader::new(input).with_lf_line(config.tolerance.lf_line),
            output: Output::new(output),
            session: Session {
                protocol: config.protocol,
                secure: config.secure,
                ..Session::default()
            },
            envelope: Envelope::default(),
            state: State::Greeting,
            wish: Some(Wish::Connected),
            wish_shown: false,
            content: Content::NONE,
            repeat: None,
            news: None,
            counts: Counts::default(),
            clock: Clock {
                next: now + config.timeouts.command,
                is_stale: true,
                message: None,
                session: now + config.timeouts.session,
            },
            end: None,
            unread: false,
            flush: false,
            is_sync_point: false,
            shutting_down: false,
            owes_challenge: false,
            exchange: None,
            config,
        })
    }

    /// What is to be done now.
    pub fn poll(&mut self) -> Step {
        self.news = self.news.filter(|news| !news.is_shown);
        self.proceed();
        if let Some(news) = &mut self.news {
            news.is_shown = true;
            return Step::Event;
        }
        // A host that answers at once has the reply sent with those before it. The one to EHLO may need all of
        // the output.
        let can_wait = match self.wish {
            Some(Wish::Hello) => false,
            Some(_) => !self.wish_shown,
            None => self.unread && !self.flush,
        };
        let must_send = !can_wait
            || self.output.is_half_full()
            || matches!(self.state, State::Tls | State::Closing);
        if must_send && !self.output.ready().is_empty() {
            return Step::Transmit;
        }
        match (self.wish, self.state) {
            (Some(_), _) => {
                self.wish_shown = true;
                Step::Event
            }
            (None, State::Tls) => Step::StartTls,
            (None, State::Closing) => Step::Done,
            _ => Step::Wait(self.deadline()),
        }
    }

    /// Takes from `input` what can be taken now, and returns content of the message: a slice of the input,
    /// or one or two octets that were held back at the end of the input before; empty if there is none.
    ///
    /// What stays in `input` is handed in again, when [`Server::poll`] says [`Step::Wait`]. While a wish is
    /// open or replies have to be sent first, nothing is taken.
    #[must_use]
    pub fn handle_input<'i>(&mut self, input: &mut &'i [u8], now: Instant) -> &'i [u8] {
        if !input.is_empty() {
            self.note_talker();
        }
        let content = self.read(input, now);
        self.unread = !input.is_empty();
        content
    }

    /// Time has passed. Does nothing before [`Server::deadline`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.refresh(now);
        if now < self.deadline() || self.state == State::Closing && self.output.is_empty() {
            return;
        }
        if self.state == State::Tls || self.state == State::Closing {
            self.output.clear();
        } else {
            self.say_goodbye(Status::new(4, 4, 2), "Timeout, closing connection");
        }
        self.close(End::TimedOut);
    }

    /// The client has closed the connection, or it is broken: call it also when a write fails, in whole or behind
    /// some octets. The end is [`End::Closed`], and what was received and not taken is not handed in any more.
    pub fn handle_closed(&mut self) {
        self.output.clear();
        self.close(End::Closed);
    }

    /// Ends the connection with 421 at the next safe point: between two commands (RFC 5321 3.8). A message
    /// that is being received, and a wish that is open, come to their reply first.
    pub fn shutdown(&mut self, now: Instant) {
        self.refresh(now);
        self.shutting_down = true;
        self.proceed();
    }

    /// What is to be sent to the client.
    pub fn transmit(&self) -> &[u8] {
        self.output.ready()
    }

    /// The first `count` octets of [`Server::transmit`] were sent. When that was all, the client has its turn.
    ///
    /// # Errors
    /// When that many were not there; nothing changes.
    pub fn transmitted(&mut self, count: usize, now: Instant) -> Result<(), AnswerError> {
        if !self.output.sent(count) {
            return Err(AnswerError::NothingAsked);
        }
        if self.output.is_empty() {
            self.flush = false;
            self.is_sync_point &= self.wish.is_some();
            if self.state == State::Greeting && self.wish.is_none() {
                self.state = State::Command;
            }
            if count > 0 {
                self.clock.is_stale = true;
                self.refresh(now);
            }
        }
        Ok(())
    }

    /// The news or the open wish, when [`Server::poll`] said [`Step::Event`].
    pub fn event(&self) -> Option<Event<'_>> {
        if let Some(news) = self.news.filter(|news| news.is_shown) {
            return Some(Event::Discarded(news.why));
        }
        let exchange = self.exchange.as_ref();
        Some(match self.wish? {
            Wish::Connected => Event::Connected,
            Wish::Data => Event::Data,
            Wish::MessageEnd => Event::MessageEnd {
                octets: self.content.octets,
            },
            Wish::RecipientResult(index) => Event::RecipientResult { index },
            Wish::Authenticate => Event::Authenticate(exchange?.credentials()?),
            Wish::Scram => {
                let Identity {
                    authorization,
                    user,
                } = exchange?.identity()?;
                Event::Scram {
                    authorization,
                    user,
                }
            }
            _ => match self.command()? {
                Command::Hello(verb, domain) => Event::Hello {
                    verb,
                    domain: domain.raw(),
                },
                Command::Mail(path, parameters) => Event::Mail { path, parameters },
                Command::Rcpt(path, parameters) => Event::Recipient {
                    path,
                    parameters,
                    index: self.session.recipients,
                },
                Command::Vrfy(argument) => Event::Verify(argument.raw()),
                Command::Expn(argument) => Event::Expand(argument.raw()),
                Command::Help(argument) => Event::Help(argument.raw()),
                Command::Other { verb, argument } => Event::Command {
                    verb: verb.raw(),
                    argument: argument.raw(),
                },
                _ => return None,
            },
        })
    }

    /// The moment at which the client is late.
    pub fn deadline(&self) -> Instant {
        let mut soonest = self.clock.session;
        if self.wish.is_none() {
            soonest = soonest.min(self.clock.next);
        }
        self.clock
            .message
            .map_or(soonest, |message| message.min(soonest))
    }

    /// What is known of the connection.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// What the parameters of MAIL said of the message.
    pub const fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Why the connection is done, or about to be.
    pub const fn end(&self) -> Option<End> {
        self.end
    }

    /// Does what needs no input.
    fn proceed(&mut self) {
        self.repeat = self.repeat.and_then(|copies| self.output.copy(copies));
        self.challenge();
        if self.news.is_none() && self.wish.is_none() {
            self.finish_chunk();
        }
        if self.shutting_down
            && self.wish.is_none()
            && self.repeat.is_none()
            && self.output.room() >= ROOM
            && matches!(self.state, State::Command | State::TurnedAway | State::Auth)
        {
            self.say_goodbye(Status::new(4, 3, 2), "Shutting down");
            self.close(End::Shutdown);
        }
    }

    /// The client has sent something: was it its turn?
    fn note_talker(&mut self) {
        if self.state == State::Greeting {
            self.session.early_talker = true;
            if self.config.refuse_early_talker {
                // A greeting that is partly sent cannot be taken back.
                if self.output.is_whole() {
                    self.output.clear();
                }
                self.write(554, None, &["Spoke before the greeting"]);
                self.wish = None;
                self.close(End::EarlyTalker);
            }
        } else if self.is_sync_point {
            self.session.unsynchronised = true;
        }
    }

    /// Asks the host.
    const fn ask(&mut self, wish: Wish) {
        self.wish = Some(wish);
        self.wish_shown = false;
    }

    fn refresh(&mut self, now: Instant) {
        if self.clock.is_stale {
            self.clock.is_stale = false;
            self.clock.next = now
                + match self.state {
                    State::Data | State::Chunk(_) => self.config.timeouts.data,
                    State::Tls => self.config.timeouts.tls,
                    _ => self.config.timeouts.command,
                };
        }
    }

    /// Nothing more is read; what is in the output is sent.
    fn close(&mut self, why: End) {
        if self.state == State::Closing {
            return;
        }
        self.drop_content(Discarded::Ended);
        self.end = Some(why);
        self.state = State::Closing;
        self.wish = None;
        self.repeat = None;
        self.owes_challenge = false;
        self.clock.is_stale = true;
        self.output.release();
    }
}

/// Without the buffers, which may hold a password.
impl fmt::Debug for Server<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("state", &self.state)
            .field("wish", &self.wish)
            .field("session", &self.session)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}
