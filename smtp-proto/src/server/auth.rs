//! AUTH (RFC 4954): the exchange, and what the host says to it.

use super::{AnswerError, End, ROOM, Server, State, Wish};
use crate::auth::scram::Nonce;
use crate::auth::server::{Exchange, Failure, ScramUser, Step};
use crate::auth::{Identity, MechanismSet};
use crate::command::Command;
use crate::extension::Refusal;
use crate::line::LineErrorKind;
use crate::reply::Status;

/// No memory was lent for it, and an extension asks for it all the same.
const NO_EXCHANGE: Refusal =
    Refusal::new(454, Status::new(4, 7, 0), "Authentication is not available");

impl<'a> Server<'a> {
    /// With memory for the exchanges of AUTH, before the client is greeted. Without it AUTH is not offered, and
    /// without [`Exchange::with_hash`] no SCRAM, whatever the list of extensions has.
    #[must_use]
    pub fn with_auth(mut self, exchange: Exchange<'a>) -> Self {
        self.session.mechanisms = exchange.mechanisms();
        self.exchange = Some(exchange);
        self
    }

    /// Who has authenticated, and as whom to act.
    pub fn identity(&self) -> Option<Identity<'_>> {
        let exchange = self.exchange.as_ref()?;
        if self.session.authenticated {
            exchange.identity()
        } else {
            None
        }
    }

    /// Answers [`Event::Scram`](super::Event::Scram): what is kept of the user, and fresh random octets. For a
    /// user who is not known, hand in [`StoredKeys::decoy`](crate::auth::scram::StoredKeys::decoy).
    ///
    /// # Errors
    /// When that is not the open wish, or replies have to be sent first; nothing changes.
    pub fn scram(&mut self, user: &ScramUser<'_>, nonce: &Nonce) -> Result<(), AnswerError> {
        let (Some(Wish::Scram), Some(exchange)) = (self.wish, &mut self.exchange) else {
            return Err(AnswerError::NothingAsked);
        };
        if self.output.room() < ROOM {
            self.flush = true;
            self.wish_shown = true;
            return Err(AnswerError::OutputFull);
        }
        let step = exchange.scram(user, nonce);
        self.wish = None;
        self.clock.is_stale = true;
        self.take_step(step);
        Ok(())
    }

    /// AUTH, with its argument in the line that was read.
    pub(super) fn start_auth(&mut self, allowed: MechanismSet) {
        let line = self.lines.line().and_then(|line| line.octets().ok());
        let command = line.and_then(|line| Command::parse_with(line, &self.config.tolerance).ok());
        let (Some(Command::Other { argument, .. }), Some(exchange)) = (command, &mut self.exchange)
        else {
            self.lines.erase();
            self.refuse(&NO_EXCHANGE);
            return;
        };
        let step = exchange.start(argument.raw(), allowed);
        self.lines.erase();
        self.take_step(step);
    }

    /// A line of the client within the exchange.
    pub(super) fn respond(&mut self) {
        let Some(exchange) = &mut self.exchange else {
            self.state = State::Command;
            return;
        };
        let step = match self.lines.line().map(|line| line.octets()) {
            Some(Ok(line)) => exchange.respond(line),
            error => {
                exchange.reset();
                Step::Failed(match error {
                    Some(Err(error)) if error.kind() == LineErrorKind::TooLong => Failure::TooLong,
                    _ => Failure::Base64,
                })
            }
        };
        self.lines.erase();
        self.take_step(step);
    }

    /// Writes a challenge that is due, once there is room for it.
    pub(super) fn challenge(&mut self) {
        let Some(exchange) = self.exchange.as_mut().filter(|_| self.owes_challenge) else {
            return;
        };
        let result = self
            .output
            .all_or_nothing(|output| Ok(exchange.emit_challenge(output)?));
        self.flush = true;
        match result {
            Err(AnswerError::OutputFull) => {}
            Ok(()) => self.owes_challenge = false,
            Err(_) => {
                exchange.reset();
                self.take_step(Step::Failed(Failure::TooLong));
            }
        }
    }

    /// The host consents to the credentials, or refuses them; the reply is written already.
    pub(super) fn judged(&mut self, is_consent: bool, is_permanent: bool) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        let step = if is_consent {
            exchange.accept()
        } else if is_permanent {
            exchange.refuse(None)
        } else {
            exchange.give_up()
        };
        match step {
            Step::Verified => self.authenticated(),
            Step::Failed(_) => self.auth_failed(),
            step => self.take_step(step),
        }
    }

    /// Whether a refusal of the host is told in a challenge, and the reply comes after the client's line.
    pub(super) fn is_refused_by_challenge(&self) -> bool {
        self.exchange
            .as_ref()
            .and_then(Exchange::mechanism)
            .is_some_and(crate::auth::Mechanism::takes_token)
    }

    /// Nobody has authenticated.
    pub(super) fn forget_auth(&mut self) {
        self.session.authenticated = false;
        self.owes_challenge = false;
        if let Some(exchange) = &mut self.exchange {
            exchange.reset();
        }
    }

    fn take_step(&mut self, step: Step) {
        self.owes_challenge = false;
        self.flush = true;
        match step {
            Step::Challenge => {
                self.state = State::Auth;
                self.owes_challenge = true;
                self.challenge();
            }
            Step::Credentials => self.ask(Wish::Authenticate),
            Step::ScramUser => self.ask(Wish::Scram),
            Step::Verified => {
                self.write(
                    235,
                    Some(Status::new(2, 7, 0)),
                    &["Authentication succeeded"],
                );
                self.authenticated();
            }
            Step::Failed(failure) => {
                self.say(&failure.reply());
                self.auth_failed();
            }
        }
    }

    fn authenticated(&mut self) {
        self.state = State::Command;
        self.session.authenticated = true;
        self.counts.auth_failures = 0;
        self.counts.idle_commands = 0;
    }

    fn auth_failed(&mut self) {
        self.state = State::Command;
        self.counts.auth_failures = self.counts.auth_failures.saturating_add(1);
        if self.counts.auth_failures > self.config.limits.auth_failures {
            self.say_goodbye(Status::new(4, 7, 0), "Too many authentications have failed");
            self.close(End::TooManyAuthFailures);
        }
    }
}
