//! One client from its greeting to its end: the server machine with its host.
//!
//! Every wait has an end: for input and for TLS the machine's own deadlines, for a client that does not take what
//! is sent as long as for a command. While nothing comes a session holds about 12 KiB.

pub(super) mod wire;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use scop_core::Instant;
use scop_smtp_proto::auth::server::Exchange;
use scop_smtp_proto::parameter::Parameters;
use scop_smtp_proto::server::{AnswerError, Buffers, Config, End, Event, Server};
use scop_smtp_proto::{ForwardPath, Reply, ReversePath};
use tokio::net::TcpStream;
use tracing::{debug, info};

pub(super) use self::wire::now;
use self::wire::{Channel, Turn, Wire, at};
use super::config::Kind;
use super::listener::Client;
use super::recipients::Refused;
use super::replies;
use super::users::User;
use super::{Desk, Receiver};
use crate::service::Stop;
use crate::spool::{MAX_RECIPIENT_OCTETS, Recipient};
use crate::terminal::shown_within;

/// For a command line: with UTF-8 and parameters it is longer than the 512 octets of RFC 5321 4.5.3.1.4; ORCPT alone
/// may have 500 (RFC 3461 4.2), and ENVID 100 after MAIL.
const COMMAND: usize = 2048;

/// For replies: that to EHLO and a group of them.
const REPLIES: usize = 2048;

/// Three names or passwords of 255 octets (RFC 4616 2).
const LOGIN: usize = 1024;

/// Foreign text in the log.
pub(super) const SHOWN: usize = 256;

/// A session with all that belongs to it, but for the machine and the connection.
pub(super) struct Host<'r> {
    pub(super) receiver: &'r Receiver,
    pub(super) desk: &'r Desk,
    pub(super) ip: IpAddr,
    /// What it shares with other sessions of the same client.
    pub(super) client: &'r Client,
    /// As the client named itself.
    pub(super) helo: String,
    pub(super) mail: Option<Mail>,
    pub(super) user: Option<Arc<User>>,
    /// Who is proving to be it with SCRAM.
    pub(super) scram: Option<Arc<User>>,
}

/// A transaction before its content.
#[derive(Debug, Default)]
pub(super) struct Mail {
    /// Without brackets.
    pub(super) from: String,
    pub(super) parameters: String,
    pub(super) to: Vec<Recipient>,
    /// The place of each recipient.
    pub(super) places: Vec<usize>,
    /// Octets of all recipients in a spool.
    octets: u64,
}

/// What the host says to a wish.
enum Answer {
    Accept,
    Refuse(Reply<'static>),
    /// In an own way.
    Data,
    Password,
    Scram,
    /// To news.
    Nothing,
}

struct Memory {
    command: [u8; COMMAND],
    replies: [u8; REPLIES],
    login: [u8; LOGIN],
}

/// Serves one client to its end.
pub(super) async fn serve(
    receiver: Arc<Receiver>,
    desk: Arc<Desk>,
    stream: TcpStream,
    peer: SocketAddr,
    client: &Client,
    stop: Stop,
) {
    let ip = peer.ip().to_canonical();
    // Replies are written in one piece each; to wait for more would only delay them.
    let _ = stream.set_nodelay(true);
    let mut channel = Channel::Plain(stream);
    if desk.kind == Kind::Submissions {
        let deadline = now() + receiver.timeouts.tls;
        channel = handshake(&receiver, channel, ip, deadline).await;
        if matches!(channel, Channel::None) {
            return;
        }
    }
    let mut wire = Wire::new(channel, receiver.timeouts.command, stop);
    let extensions = desk.offer.list();
    let mut config = Config::new(&receiver.name, &extensions);
    config.protocol = desk.kind.protocol();
    config.secure = desk.kind == Kind::Submissions;
    config.limits = receiver.limits;
    config.timeouts = receiver.timeouts;
    let mut memory = Box::new(Memory {
        command: [0; COMMAND],
        replies: [0; REPLIES],
        login: [0; LOGIN],
    });
    let Memory {
        command,
        replies,
        login,
    } = &mut *memory;
    let buffers = Buffers {
        input: command,
        output: replies,
    };
    // What is wrong with the configuration was found at the start.
    let Ok(mut server) = Server::new(config, buffers, now()) else {
        return;
    };
    if desk.kind.is_submission() {
        server = server.with_auth(Exchange::new(login).with_hash(&scop_crypto::SHA256));
    }
    let mut host = Host {
        receiver: &receiver,
        desk: &desk,
        ip,
        client,
        helo: String::new(),
        mail: None,
        user: None,
        scram: None,
    };
    host.converse(&mut server, &mut wire).await;
    host.note_login(&server);
    if wire.is_slow {
        info!(client = %ip, "dropped: it did not take the replies");
    }
    match server.end() {
        None | Some(End::Quit | End::Closed | End::Shutdown) => {
            debug!(client = %ip, "session ended");
        }
        Some(end) => info!(client = %ip, why = %end, "session cut off"),
    }
    wire.close().await;
}

/// Negotiates TLS; afterwards there is no channel if that failed.
async fn handshake(
    receiver: &Receiver,
    channel: Channel,
    ip: IpAddr,
    deadline: Instant,
) -> Channel {
    let (Channel::Plain(stream), Some(certificate)) = (channel, &receiver.certificate) else {
        return Channel::None;
    };
    let accept = certificate.acceptor().accept(stream);
    let accepted = tokio::time::timeout_at(at(deadline), accept).await;
    let why = match accepted {
        Ok(Ok(stream)) => {
            receiver.figures.tls.add(["done"]);
            return Channel::Tls(Box::new(stream));
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it took too long".to_owned(),
    };
    receiver.figures.tls.add(["failed"]);
    let why = shown_within(why.as_bytes(), SHOWN);
    info!(client = %ip, why, "TLS failed");
    Channel::None
}

/// Answers the open wish; none consents. One line fits as soon as what is before it is sent.
pub(super) async fn answer(server: &mut Server<'_>, wire: &mut Wire, reply: Option<&Reply<'_>>) {
    loop {
        let answered = match reply {
            None => server.accept(),
            Some(reply) => server.answer(reply),
        };
        match answered {
            Ok(()) => return,
            Err(AnswerError::OutputFull) => {
                if wire.turn(server).await != Turn::Event {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(%error, "a wrong answer; this is a fault of scop");
                return server.handle_closed();
            }
        }
    }
}

impl Host<'_> {
    async fn converse(&mut self, server: &mut Server<'_>, wire: &mut Wire) {
        loop {
            match wire.turn(server).await {
                Turn::Input => {
                    // There is no content: that has a loop of its own.
                    let _ = wire.take(server);
                }
                Turn::Event => self.event(server, wire).await,
                Turn::StartTls => self.start_tls(server, wire).await,
                Turn::Done => return,
            }
        }
    }

    async fn start_tls(&mut self, server: &mut Server<'_>, wire: &mut Wire) {
        // Octets in the clear behind STARTTLS end the connection: no handshake with whoever put them there.
        if wire.unread().is_empty() {
            let channel = wire.replace(Channel::None);
            let secured = handshake(self.receiver, channel, self.ip, server.deadline()).await;
            let failed = matches!(secured, Channel::None);
            let _ = wire.replace(secured);
            if failed {
                return server.handle_closed();
            }
        }
        let _ = server.tls_started(wire.unread(), now());
        self.mail = None;
        self.user = None;
    }

    async fn event(&mut self, server: &mut Server<'_>, wire: &mut Wire) {
        self.note_login(server);
        match self.judge(server) {
            Answer::Accept => answer(server, wire, None).await,
            Answer::Refuse(reply) => answer(server, wire, Some(&reply)).await,
            Answer::Data => {
                answer(server, wire, None).await;
                wire.expect_content(Some(self.client.memory.share()));
                // Only while a message comes is there room for its state.
                Box::pin(self.message(server, wire)).await;
                wire.expect_content(None);
            }
            Answer::Password => self.password(server, wire).await,
            Answer::Scram => self.scram(server, wire).await,
            Answer::Nothing => {}
        }
    }

    fn judge(&mut self, server: &Server<'_>) -> Answer {
        let refusal = match server.event() {
            Some(Event::Hello { domain, .. }) => {
                self.helo = String::from_utf8_lossy(domain).into_owned();
                None
            }
            Some(Event::Mail { path, parameters }) => self.mail(server, &path, &parameters),
            Some(Event::Recipient {
                path, parameters, ..
            }) => {
                let refusal = self.recipient(&path, &parameters);
                let result = match &refusal {
                    None => "accepted",
                    Some(reply) if reply.code().is_transient() => "deferred",
                    Some(_) => "rejected",
                };
                self.receiver.figures.recipients.add([result]);
                refusal
            }
            Some(Event::Data) => return Answer::Data,
            Some(Event::Authenticate(_)) => return Answer::Password,
            Some(Event::Scram { .. }) => return Answer::Scram,
            Some(Event::Discarded(_)) => return Answer::Nothing,
            _ => None,
        };
        refusal.map_or(Answer::Accept, Answer::Refuse)
    }

    fn mail(
        &mut self,
        server: &Server<'_>,
        path: &ReversePath<'_>,
        parameters: &Parameters<'_>,
    ) -> Option<Reply<'static>> {
        self.mail = None;
        let session = server.session();
        if self.desk.kind.is_submission() {
            if !session.secure {
                return Some(replies::TLS_FIRST);
            }
            let Some(user) = self.user.as_ref().filter(|_| session.authenticated) else {
                return Some(replies::LOGIN_FIRST);
            };
            if !user.may_send_as(path) {
                let from = shown_within(path.to_string().as_bytes(), SHOWN);
                info!(client = %self.ip, user = user.name, from, "refused: not an address of this user");
                return Some(replies::NOT_YOUR_ADDRESS);
            }
        }
        let size = server.envelope().size.unwrap_or(0);
        if !self.receiver.has_room(&self.desk.way, size) {
            return Some(replies::NO_SPACE);
        }
        let travel_on = ["BODY", "SMTPUTF8", "RET", "ENVID", "REQUIRETLS"];
        self.mail = Some(Mail {
            from: path
                .mailbox()
                .map_or("", |mailbox| mailbox.as_str())
                .to_owned(),
            parameters: kept(parameters, &travel_on),
            ..Mail::default()
        });
        None
    }

    fn recipient(
        &mut self,
        path: &ForwardPath<'_>,
        parameters: &Parameters<'_>,
    ) -> Option<Reply<'static>> {
        let Some(mail) = &mut self.mail else {
            return Some(replies::STORAGE);
        };
        let place = match &self.desk.way.recipients {
            None => 0,
            Some(recipients) => match recipients.find(path) {
                Ok(place) => place,
                Err(refused) => {
                    let reply = match refused {
                        Refused::Relay => replies::NO_RELAY,
                        Refused::Unknown => replies::NO_SUCH_USER,
                    };
                    let to = shown_within(path.to_string().as_bytes(), SHOWN);
                    let from = shown_within(mail.from.as_bytes(), SHOWN);
                    info!(client = %self.ip, from, to, reply = reply.text(), "a recipient is refused");
                    return Some(reply);
                }
            },
        };
        let path = match path.mailbox() {
            Some(mailbox) => format!("<{}>", mailbox.as_str()),
            // That of this host (RFC 5321 4.5.1).
            None => format!("<postmaster@{}>", self.receiver.name),
        };
        let recipient = Recipient {
            path,
            parameters: kept(parameters, &["NOTIFY", "ORCPT"]),
        };
        let octets = mail.octets.saturating_add(recipient.octets());
        if octets > MAX_RECIPIENT_OCTETS {
            return Some(replies::TOO_MANY_RECIPIENTS);
        }
        mail.octets = octets;
        mail.to.push(recipient);
        mail.places.push(place);
        None
    }
}

/// The parameters that travel on with a message, as they were written.
fn kept(parameters: &Parameters<'_>, keywords: &[&str]) -> String {
    let mut text = String::new();
    for parameter in parameters {
        if !keywords.iter().any(|keyword| parameter.is(keyword)) {
            continue;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&String::from_utf8_lossy(parameter.keyword()).to_ascii_uppercase());
        if let Some(value) = parameter.value() {
            text.push('=');
            text.push_str(&String::from_utf8_lossy(value));
        }
    }
    text
}

/// How long a client may take: `timeout` of the configuration, and what follows from it.
pub(super) fn timeouts(command: Duration) -> scop_smtp_proto::server::Timeouts {
    let mut timeouts = scop_smtp_proto::server::Timeouts::DEFAULT;
    timeouts.command = command;
    timeouts.data = command;
    timeouts.tls = timeouts.tls.min(command);
    timeouts
}
