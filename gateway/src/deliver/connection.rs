//! A connection, from TCP to QUIT: a task that drives the client machine, gets its messages through a
//! channel and answers for each.

use scop_smtp_proto::auth::client::{Exchange, Scram};
use scop_smtp_proto::auth::scram::{self, Nonce};
use scop_smtp_proto::auth::{self, Mechanism, MechanismSet};
use scop_smtp_proto::client::{Buffers, Client, Config, End, Event, Step, TlsPolicy};
use scop_smtp_proto::extension::{
    Auth, BinaryMime, Chunking, Dsn, EightBitMime, EnhancedStatusCodes, Extension, Limits,
    Pipelining, Protocol, RequireTls, Size, SmtpUtf8, StartTls,
};
use scop_smtp_proto::{Domain, policy::tls_rpt::ResultType};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::reply::{Said, failure_of_end};
use super::wire::{Clock, Idle, Stream, Wire, stream};
use super::work::{Turn, Work};
use super::{Credentials, Job, Settings, Target, TlsResult};
use crate::message::reason;
use crate::queue::Failure;
use crate::tls::channel::Channel;
use crate::tls::client::{Secured, TlsError};

/// What the client uses where it is announced.
static EXTENSIONS: &[&dyn Extension] = &[
    &Pipelining,
    &Size(0),
    &EightBitMime,
    &SmtpUtf8,
    &Dsn,
    &Chunking,
    &BinaryMime,
    &EnhancedStatusCodes,
    &StartTls,
    &RequireTls,
    &LIMITS,
    &Auth {
        mechanisms: MechanismSet::PROOFS
            .with(Mechanism::Plain)
            .with(Mechanism::Login),
        plaintext_allowed: false,
    },
];

/// Those of the server are kept; a client has none to announce.
static LIMITS: Limits = Limits {
    transactions: None,
    recipients: None,
    domains: None,
};

/// Connects with the first job, and works until there is none for too long, or the server ends it.
pub(super) async fn run(settings: &Settings, target: &Target, mut jobs: mpsc::Receiver<Job>) {
    let Some(job) = jobs.recv().await else { return };
    let work = Work::new(job, target);
    let mut session = Session {
        settings,
        target,
        begun: Instant::now(),
        tls: TlsResult::None,
        said: None,
        messages: 0,
        work: Some(work),
    };
    match session.connect().await {
        Ok(stream) => session.converse(stream, &mut jobs).await,
        Err(failure) => session.answer(Err(failure), false),
    }
}

/// What is known of a connection beside the machine.
struct Session<'s> {
    settings: &'s Settings,
    target: &'s Target,
    begun: Instant,
    tls: TlsResult,
    /// The last reply that refused the session.
    said: Option<Said>,
    messages: u32,
    work: Option<Work>,
}

impl<'s> Session<'s> {
    async fn connect(&mut self) -> Result<Stream, Failure> {
        let target = self.target;
        let limit = self.settings.connect;
        let unreachable = |why: String| Failure {
            status: "4.4.1".to_owned(),
            host: None,
            reply: None,
            why: format!("{} ({}): {why}", target.name(), target.address),
        };
        let socket = match timeout(limit, TcpStream::connect(target.address)).await {
            Ok(Ok(socket)) => socket,
            Ok(Err(error)) => return Err(unreachable(reason(&error))),
            Err(_) => {
                let seconds = limit.as_secs();
                return Err(unreachable(format!("no connection within {seconds} s")));
            }
        };
        // A chunk follows its command, not the acknowledgement.
        let _ = socket.set_nodelay(true);
        let mut channel: Box<dyn Channel> = Box::new(socket);
        if target.implicit_tls {
            let limit = self.settings.timeouts.tls;
            let secured = self.secure(channel, Instant::now() + limit).await;
            channel = secured.map_err(|TlsError { words, .. }| {
                self.as_demanded(Failure {
                    status: "4.7.5".to_owned(),
                    host: Some(target.name()),
                    reply: None,
                    why: format!("{}: TLS: {words}", target.name()),
                })
            })?;
        }
        Ok(stream(channel))
    }

    /// Negotiates TLS.
    async fn secure(
        &mut self,
        channel: Box<dyn Channel>,
        until: Instant,
    ) -> Result<Box<dyn Channel>, TlsError> {
        let target = self.target;
        let trust = &self.settings.trust;
        let handshake = trust.connect(channel, &target.host, target.address.ip(), &target.names);
        let result = timeout_at(until, handshake).await.unwrap_or_else(|_| {
            Err(TlsError {
                kind: ResultType::ValidationFailure,
                words: "the handshake took too long".to_owned(),
            })
        });
        match result {
            Ok(Secured {
                channel,
                words,
                verified,
            }) => {
                self.tls = TlsResult::Encrypted { words, verified };
                Ok(channel)
            }
            Err(error) => {
                self.tls = TlsResult::Failed {
                    kind: error.kind,
                    words: error.words.clone(),
                };
                Err(error)
            }
        }
    }

    /// From the greeting to the end.
    async fn converse(&mut self, stream: Stream, jobs: &mut mpsc::Receiver<Job>) {
        let (mut input, mut output) = (vec![0; 16 << 10], vec![0; 8 << 10]);
        let buffers = Buffers {
            input: &mut input,
            output: &mut output,
        };
        let clock = Clock::new();
        let made = self
            .config()
            .map(|config| Client::new(config, buffers, clock.now()));
        let Some(Ok(client)) = made else {
            return self.finish(Some(End::Closed));
        };
        let mut wire = Wire::new(client, stream, clock, self.settings.timeouts.block);
        let mut exchange = None;
        loop {
            match wire.client.poll() {
                Step::Transmit => wire.transmit().await,
                Step::Event => {
                    if let Some(event) = wire.client.event() {
                        self.event(&event);
                    }
                }
                Step::Order => match self.order(&mut wire.client, &mut exchange).await {
                    Next::Go => {}
                    Next::Quit => wire.quit(self.settings.quit),
                    Next::Idle => match wire.idle(jobs, self.settings.idle).await {
                        Idle::Job(job) => self.work = Some(Work::new(job, self.target)),
                        Idle::NoMore => wire.quit(self.settings.quit),
                        Idle::Heard => {}
                    },
                },
                Step::Recipient(_) => match &mut self.work {
                    Some(work) => work.recipient(&mut wire.client),
                    None => wire.client.handle_closed(),
                },
                Step::Auth => match &mut exchange {
                    // What fails ends the exchange or the session, with an event.
                    Some(exchange) => drop(wire.client.continue_auth(exchange)),
                    None => wire.client.handle_closed(),
                },
                Step::Content => self.content(&mut wire).await,
                Step::StartTls => self.start_tls(&mut wire).await,
                Step::Wait(moment) => wire.wait(moment).await,
                Step::Done => break,
                // A step of an extension that is not in the list.
                _ => wire.client.handle_closed(),
            }
        }
        self.finish(wire.client.end());
        wire.close().await;
    }

    fn config(&self) -> Option<Config<'s>> {
        let mut config = Config::new(Domain::parse(self.settings.name.as_bytes()).ok()?);
        if self.target.lmtp {
            config.protocol = Protocol::Lmtp;
        }
        config.secure = self.target.implicit_tls;
        config.extensions = EXTENSIONS;
        config.tls = self.target.tls;
        config.timeouts = self.settings.timeouts;
        Some(config)
    }

    async fn start_tls(&mut self, wire: &mut Wire<'_>) {
        let until = wire.handshake_end();
        let Some(channel) = wire.take_channel(until).await else {
            return wire.client.handle_closed();
        };
        match self.secure(channel, until).await {
            Ok(channel) => wire.secured(channel),
            Err(_) => wire.client.handle_closed(),
        }
    }

    /// The machine is idle.
    async fn order(
        &mut self,
        client: &mut Client<'_>,
        exchange: &mut Option<Exchange<'s>>,
    ) -> Next {
        if self.tls == TlsResult::None {
            self.tls = TlsResult::Plain;
        }
        if let Some(credentials) = &self.settings.credentials
            && !client.is_authenticated()
        {
            return match self.authenticate(credentials, client, exchange) {
                Ok(()) => Next::Go,
                Err(failure) => {
                    self.answer(Err(failure), false);
                    Next::Quit
                }
            };
        }
        let Some(work) = &mut self.work else {
            return Next::Idle;
        };
        if work.is_given_up() {
            return Next::Quit;
        }
        let letter = work.letter().clone();
        let facts = match letter.facts().await {
            Ok(facts) => facts,
            Err(error) => {
                work.fail(&error);
                self.answer(Ok(()), false);
                return Next::Quit;
            }
        };
        match work.order(client, &facts) {
            Turn::Sent => {
                tracing::debug!(
                    id = %letter.id.as_str(),
                    host = %self.target.name(),
                    address = %self.target.address,
                    tls = ?self.tls,
                    earlier = self.messages,
                    "the message is offered"
                );
                Next::Go
            }
            Turn::Unusable(failure) => {
                self.answer(Err(failure), false);
                Next::Quit
            }
            Turn::Done => {
                self.messages = self.messages.saturating_add(1);
                let is_reusable = self.messages < self.settings.messages
                    && self.begun.elapsed() < self.settings.age;
                self.answer(Ok(()), is_reusable);
                if is_reusable { Next::Idle } else { Next::Quit }
            }
        }
    }

    /// AUTH, once: what a server refuses is not tried again.
    fn authenticate(
        &self,
        credentials: &'s Credentials,
        client: &mut Client<'_>,
        exchange: &mut Option<Exchange<'s>>,
    ) -> Result<(), Failure> {
        if let Some(said) = &self.said {
            return Err(said.failure(self.target, "refuses the credentials"));
        }
        let failure = |why: &str| Failure {
            status: "4.7.0".to_owned(),
            host: Some(self.target.name()),
            reply: None,
            why: format!("{}: AUTH: {why}", self.target.name()),
        };
        // Whoever answers in place of the server would like to be told the password.
        let is_verified = matches!(self.tls, TlsResult::Encrypted { verified: true, .. });
        let mut usable = (client.peer().mechanisms.iter())
            .filter(|mechanism| is_verified || !mechanism.reveals_secret());
        let Some(mechanism) = usable.next() else {
            return Err(failure(
                "the server offers no mechanism that may be used; a password is shown only to a server with a \
                 certificate that is good for its name",
            ));
        };
        let mut random = [0; 18];
        getrandom::fill(&mut random).map_err(|error| failure(&error.to_string()))?;
        let known = auth::Credentials::Password {
            authorization: "",
            user: &credentials.user,
            password: credentials.password.as_bytes(),
        };
        let made = Exchange::new(mechanism, known).map_err(|error| failure(&error.to_string()))?;
        let exchange = exchange.insert(made.with_scram(Scram {
            hash: &scop_crypto::SHA256,
            nonce: Nonce::from_random(random),
            limits: scram::Limits::DEFAULT,
        }));
        client
            .authenticate(exchange)
            .map_err(|error| failure(&error.to_string()))
    }

    /// The machine wants content.
    async fn content(&mut self, wire: &mut Wire<'_>) {
        let Some(work) = &mut self.work else {
            return wire.client.handle_closed();
        };
        if let Err(error) = work.content().fill().await {
            // What was sent cannot be taken back, and must not be ended.
            work.fail(&error);
            return wire.client.handle_closed();
        }
        let content = work.content();
        let rest = content.rest();
        let mut unsent = rest;
        let now = wire.now();
        let piece = if content.is_last() {
            wire.client.last_content(&mut unsent, now)
        } else {
            wire.client.content(&mut unsent, now)
        };
        // An error ends the session, with its events.
        let Ok(piece) = piece else { return };
        let count = rest.len() - unsent.len();
        wire.send(piece).await;
        content.advance(count);
    }

    /// Something came about.
    fn event(&mut self, event: &Event<'_>) {
        if let Some(said) = Said::of_refusal(event) {
            if let Event::TlsRefused(_) = event {
                self.tls = TlsResult::Failed {
                    kind: ResultType::StartTlsNotSupported,
                    words: said.line.clone(),
                };
            }
            // The session goes on in the clear, and this is no reason for its end.
            let goes_on =
                matches!(event, Event::TlsRefused(_)) && self.target.tls != TlsPolicy::Require;
            if !goes_on {
                self.said = Some(said);
            }
        }
        if let Some(work) = &mut self.work {
            work.event(event);
        }
    }

    /// The session is over.
    fn finish(&mut self, end: Option<End>) {
        if end == Some(End::NoStartTls) {
            self.tls = TlsResult::Failed {
                kind: ResultType::StartTlsNotSupported,
                words: "the server does not offer STARTTLS".to_owned(),
            };
        }
        let mut failure = failure_of_end(end, self.said.as_ref(), self.target);
        if let (Some(End::TlsFailed), TlsResult::Failed { words, .. }) = (end, &self.tls) {
            failure.why = format!("{}: TLS: {words}", self.target.name());
        }
        let is_for_now = matches!(end, Some(End::TlsRefused(code)) if !code.is_permanent());
        if !is_for_now {
            failure = self.as_demanded(failure);
        }
        self.answer(Err(failure), false);
    }

    /// A message with REQUIRETLS does not wait for a server to get TLS, or a certificate that is good: its sender is
    /// told at once (RFC 8689 4.2.1). What broke on the way may be whole the next time.
    fn as_demanded(&self, mut failure: Failure) -> Failure {
        let is_lacking = matches!(
            self.tls,
            TlsResult::Failed {
                kind: ResultType::StartTlsNotSupported
                    | ResultType::CertificateHostMismatch
                    | ResultType::CertificateExpired
                    | ResultType::CertificateNotTrusted,
                ..
            }
        );
        let is_demanded = (self.work.as_ref()).is_some_and(|work| work.letter().requires_tls());
        if is_lacking && is_demanded {
            "5.7.10".clone_into(&mut failure.status);
            failure.why.push_str(
                "; the message demands TLS with a certificate that is good (REQUIRETLS, RFC 8689)",
            );
        }
        failure
    }

    /// Answers the job, if there is one.
    fn answer(&mut self, session: Result<(), Failure>, is_reusable: bool) {
        if let Some(work) = self.work.take() {
            work.answer(session, self.tls.clone(), is_reusable);
        }
    }
}

/// What a session does next.
enum Next {
    /// The machine has its order.
    Go,
    /// It waits for another job.
    Idle,
    Quit,
}
