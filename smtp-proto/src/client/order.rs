//! Orders of the host to an idle machine, other than a message.

use scop_core::{Full, Sink};

use super::output::{Line, Output};
use super::reply::START_TLS;
use super::{Client, End, Notice, OrderError, Phase, Step, TlsPolicy};
use crate::auth::{self, Mechanism};
use crate::command::Argument;
use crate::extension::{Effect, Extension, Found, Peer, Session};

/// Commands of RFC 5321 that change nothing, and are there without an extension (4.1.1.6 to 4.1.1.9).
const QUESTIONS: [&[u8]; 4] = [b"VRFY", b"EXPN", b"HELP", b"NOOP"];

impl<'a> Client<'a> {
    /// Orders STARTTLS. With [`TlsPolicy::Opportunistic`] and [`TlsPolicy::Require`] the machine does so by
    /// itself.
    ///
    /// # Errors
    /// The channel is encrypted already, the list has no extension for it, or the server does not announce
    /// it.
    pub fn start_tls(&mut self) -> Result<(), OrderError<'static>> {
        self.require_step(Step::Order)?;
        if self.extensions.verb(START_TLS).is_none() {
            return Err(OrderError::NotListed(START_TLS));
        }
        if self.peer.secure || !self.peer.start_tls {
            return Err(OrderError::NotAnnounced(START_TLS));
        }
        self.say(START_TLS, Phase::StartTls);
        Ok(())
    }

    /// Begins AUTH with an exchange, which is handed in again at each [`Step::Auth`].
    ///
    /// # Errors
    /// Why nothing was sent: the mechanism is not in the list or not announced, or would reveal a secret in
    /// clear.
    pub fn authenticate(
        &mut self,
        exchange: &mut auth::client::Exchange<'_>,
    ) -> Result<(), OrderError<'static>> {
        self.expect_order()?;
        let mechanism = exchange.mechanism();
        if self.is_authenticated {
            return Err(OrderError::Authenticated);
        }
        if !self.peer.mechanisms.contains(mechanism) {
            let name = mechanism.name().as_bytes();
            // The extension takes such mechanisms out where they would reveal what they prove.
            return Err(if !self.lists(mechanism) {
                OrderError::NotListed(name)
            } else if mechanism.reveals_secret() && !self.peer.secure {
                OrderError::NotSecure
            } else {
                OrderError::NotAnnounced(name)
            });
        }
        put_auth(&mut self.output, |line| exchange.start(line))?;
        self.phase = Phase::Auth { cancelled: false };
        Ok(())
    }

    /// Hands the reply of the server to the exchange.
    ///
    /// # Errors
    /// The exchange cannot go on. When it answers a challenge it is cancelled, and
    /// [`AuthRefused`](super::Event::AuthRefused) comes; when the server had consented without a proof, the connection ends.
    pub fn continue_auth(
        &mut self,
        exchange: &mut auth::client::Exchange<'_>,
    ) -> Result<(), OrderError<'static>> {
        self.require_step(Step::Auth)?;
        if self.phase == (Phase::Exchange { challenge: false }) {
            if let Err(error) = exchange.finish() {
                let end = End::Auth(error);
                self.fail(end);
                return Err(OrderError::Ended(end));
            }
            self.is_authenticated = true;
            self.notice = Some(Notice::Authenticated);
            self.phase = Phase::Order;
            return Ok(());
        }
        let Some(reply) = self.reader.reply() else {
            return Err(OrderError::NotNow);
        };
        let challenge = reply.raw_lines().next().unwrap_or_default();
        let answered = put_auth(&mut self.output, |line| exchange.respond(challenge, line));
        self.phase = Phase::Auth { cancelled: false };
        if answered.is_err() {
            self.say(b"*", Phase::Auth { cancelled: true }); // RFC 4954 4
        }
        answered
    }

    /// Sends a command of an extension that the server announced, or VRFY, EXPN, HELP or NOOP. The argument
    /// stands behind a space, when there is one.
    ///
    /// # Errors
    /// Why it is not sent. Commands that change the course of the session have calls of their own.
    pub fn command<'p>(&mut self, verb: &'p [u8], argument: &[u8]) -> Result<(), OrderError<'p>> {
        self.expect_order()?;
        let argument = Argument::parse(argument).map_err(|_| OrderError::BadOctet)?;
        let restart = if QUESTIONS
            .iter()
            .any(|known| verb.eq_ignore_ascii_case(known))
        {
            false
        } else {
            let extension = self.usable(self.extensions.verb(verb), verb)?;
            let session = Session {
                protocol: self.config.protocol,
                secure: self.peer.secure,
                authenticated: self.is_authenticated,
                hello: self.hello,
                terms: self.peer.terms,
                ..Session::default()
            };
            match extension.command(verb, argument.raw(), &session) {
                Ok(Effect::Ask) => false,
                Ok(Effect::AskAndRestart) => true,
                Ok(_) => {
                    return Err(OrderError::CannotSend(
                        verb,
                        "there is a call of its own for it",
                    ));
                }
                Err(refusal) => return Err(OrderError::CannotSend(verb, refusal.reply().text())),
            }
        };
        self.put(false, |line| {
            line.put(verb)?;
            line.put(if argument.is_empty() { b"" } else { b" " })?;
            line.emit(&argument)
        })?;
        self.phase = Phase::Command { restart };
        Ok(())
    }

    /// Sends RSET.
    ///
    /// # Errors
    /// The machine is not idle.
    pub fn reset(&mut self) -> Result<(), OrderError<'static>> {
        self.expect_order()?;
        self.say(b"RSET", Phase::Reset { ordered: true });
        Ok(())
    }

    /// Sends QUIT; the session ends with its reply, or without it.
    ///
    /// # Errors
    /// The machine is not idle.
    pub fn quit(&mut self) -> Result<(), OrderError<'static>> {
        self.require_step(Step::Order)?;
        self.leave(End::Quit);
        Ok(())
    }

    /// The owner of a parameter or verb, when the server announced it.
    pub(super) fn usable<'p>(
        &self,
        owner: Option<Found<'a>>,
        name: &'p [u8],
    ) -> Result<&'a dyn Extension, OrderError<'p>> {
        let (index, extension) = owner.ok_or(OrderError::NotListed(name))?;
        if !self.announced.contains(index) {
            return Err(OrderError::NotAnnounced(name));
        }
        Ok(extension)
    }

    /// Whether an extension in the list would use this mechanism, of a server that had it.
    fn lists(&self, mechanism: Mechanism) -> bool {
        let mut peer = Peer {
            secure: true,
            ..Peer::default()
        };
        self.extensions.iter().any(|(_, extension)| {
            extension.announced(mechanism.name().as_bytes(), &mut peer);
            peer.mechanisms.contains(mechanism)
        })
    }

    /// Whether an order can be sent: the machine is idle, and the channel is as the policy wants it.
    pub(super) fn expect_order(&mut self) -> Result<(), OrderError<'static>> {
        self.require_step(Step::Order)?;
        // A second lock: the machine does not become idle in clear then.
        if self.config.tls == TlsPolicy::Require && !self.peer.secure {
            return Err(OrderError::NotSecure);
        }
        Ok(())
    }
}

/// A line of AUTH with its CRLF, 12288 octets at most (RFC 4954 4).
fn put_auth<'a>(
    output: &mut Output<'a>,
    write: impl FnOnce(&mut Line<'_, 'a>) -> Result<(), auth::client::Error>,
) -> Result<(), OrderError<'static>> {
    let mut error = auth::client::Error::Full;
    let put = output.put_line(12288, false, |line| {
        write(line).map_err(|why| {
            error = why;
            Full
        })
    });
    put.map_err(|_| OrderError::Auth(error))
}
