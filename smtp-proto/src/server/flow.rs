//! Which command may come when (RFC 5321 4.1.4, 4.3.2), and what it asks for.

use scop_core::Instant;

use super::content::TOO_LARGE;
use super::{Discarded, End, ROOM, Server, State, Wish};
use crate::auth::MechanismSet;
use crate::command::{Command, Hello};
use crate::extension::{Effect, Envelope, Extension, Protocol, Refusal};
use crate::lexical::Class;
use crate::line::LineErrorKind;
use crate::parameter::{Body, Parameter, Parameters};
use crate::path::{ForwardPath, ReversePath};
use crate::reply::Status;

const LINE_TOO_LONG: Refusal = Refusal::new(500, Status::new(5, 5, 2), "Line too long");
const BAD_OCTET: Refusal =
    Refusal::new(500, Status::new(5, 5, 2), "CR, LF or NUL within a command");
const UNKNOWN: Refusal = Refusal::new(500, Status::new(5, 5, 1), "Command not recognised");
const NOT_HERE: Refusal = Refusal::new(502, Status::new(5, 5, 1), "Command not available now");
const NOT_ASCII: Refusal = Refusal::new(501, Status::new(5, 5, 4), "Argument is not ASCII");
const HELLO_FIRST: Refusal = Refusal::new(503, Status::new(5, 5, 1), "Send HELO or EHLO first");
const UNKNOWN_PARAMETER: Refusal =
    Refusal::new(555, Status::new(5, 5, 4), "Parameter not recognised");
const TWICE: Refusal = Refusal::new(501, Status::new(5, 5, 4), "Parameter given twice");
const NO_UTF8: Refusal = Refusal::new(
    553,
    Status::new(5, 6, 7),
    "Address or parameter is not ASCII, and SMTPUTF8 was not given",
);
const MAIL_FIRST: Refusal = Refusal::new(503, Status::new(5, 5, 1), "Send MAIL first");
const TOO_MANY_RECIPIENTS: Refusal = Refusal::new(452, Status::new(4, 5, 3), "Too many recipients");

/// What a command line leads to.
enum Verdict {
    Refuse(Refusal),
    Disconnect(Refusal),
    /// The host is asked.
    Ask(Wish),
    Mail(Envelope),
    Reset,
    Noop,
    Quit,
    StartTls,
    Chunk {
        size: u64,
        last: bool,
        /// The octets come all the same.
        refusal: Option<Refusal>,
    },
    Authenticate(MechanismSet),
    /// [`Limits::transactions`](super::Limits::transactions) is reached.
    TooManyTransactions,
}

impl Server<'_> {
    /// Takes commands and content from `input` up to a piece of content, a wish, or its end.
    pub(super) fn read<'i>(&mut self, input: &mut &'i [u8], now: Instant) -> &'i [u8] {
        self.news = self.news.filter(|news| !news.is_shown);
        loop {
            self.proceed();
            if self.news.is_some()
                || self.wish.is_some()
                || self.repeat.is_some()
                || self.owes_challenge
                || input.is_empty()
            {
                return &[];
            }
            if let State::Chunk(_) = self.state {
                // A held reply may leave no room; octets of a chunk need none.
                let before = input.len();
                if let Some(content) = self.read_chunk(input, now) {
                    return content;
                }
                if input.len() == before {
                    return &[];
                }
                continue;
            }
            if self.output.room() < ROOM {
                return &[];
            }
            match self.state {
                State::Command | State::TurnedAway | State::Auth => {
                    self.refresh(now);
                    if !self.lines.fill(input) {
                        return &[];
                    }
                    self.clock.is_stale = true;
                    self.refresh(now);
                    if self.state == State::Auth {
                        self.is_sync_point = true;
                        self.respond();
                    } else {
                        self.obey();
                    }
                    self.session.unsynchronised |=
                        self.is_sync_point && !input.is_empty() && self.state != State::Closing;
                }
                State::Data => {
                    if let Some(content) = self.read_data(input, now) {
                        return content;
                    }
                }
                State::Tls => {
                    *input = &[];
                    self.output.clear();
                    self.close(End::PlaintextBehindStartTls);
                }
                State::Greeting | State::Closing | State::Chunk(_) => return &[],
            }
        }
    }

    /// Refuses a command, and ends the connection when there were too many of these.
    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        let limits = self.config.limits;
        // Behind a MAIL that is refused the rest of its group comes all the same (RFC 2920 3.1).
        let (count, limit, why) = if [TOO_MANY_RECIPIENTS, MAIL_FIRST].contains(refusal) {
            let count = &mut self.counts.surplus_recipients;
            (count, limits.recipients, End::TooManyRefusedRecipients)
        } else if is_fault(refusal) && *refusal != self.no_recipients() {
            (&mut self.counts.errors, limits.errors, End::TooManyErrors)
        } else {
            let count = &mut self.counts.idle_commands;
            (count, limits.idle_commands, End::TooManyIdleCommands)
        };
        *count = count.saturating_add(1);
        if *count > limit {
            self.say_goodbye(Status::new(4, 7, 0), "Too many errors");
            self.close(why);
            return;
        }
        self.say(refusal);
        match refusal.reply().code().number() {
            421 => self.close(End::Refused),
            // RFC 2920 3.2: not to be held back.
            500 | 502 => self.flush = true,
            _ => {}
        }
    }

    /// A command that brings no message nearer.
    pub(super) fn count_idle(&mut self) {
        self.counts.idle_commands = self.counts.idle_commands.saturating_add(1);
        if self.counts.idle_commands > self.config.limits.idle_commands {
            self.say_goodbye(Status::new(4, 7, 0), "Too many commands without a message");
            self.close(End::TooManyIdleCommands);
        }
    }

    /// Does what the line that was read commands.
    fn obey(&mut self) {
        let Some(line) = self.lines.line() else {
            return;
        };
        let verdict = match line.octets() {
            Ok(octets) => self.judge(octets),
            Err(error) if error.kind() == LineErrorKind::TooLong => {
                self.unreadable(line.raw(), LINE_TOO_LONG)
            }
            Err(_) => self.unreadable(line.raw(), BAD_OCTET),
        };
        self.is_sync_point = !self.session.terms.pipelining
            || !matches!(
                verdict,
                Verdict::Mail(_)
                    | Verdict::Ask(Wish::Mail | Wish::Recipient)
                    | Verdict::Reset
                    | Verdict::Chunk { .. }
                    | Verdict::Refuse(_)
            );
        let is_idle = match verdict {
            Verdict::Ask(Wish::Hello) => self.session.hello.is_some(),
            Verdict::Ask(Wish::Verify | Wish::Expand | Wish::Help | Wish::Command { .. })
            | Verdict::Reset
            | Verdict::Noop
            | Verdict::Chunk {
                size: 0,
                last: false,
                refusal: None,
            } => true,
            _ => false,
        };
        if is_idle {
            self.count_idle();
            if self.state == State::Closing {
                return;
            }
        }
        match verdict {
            Verdict::Refuse(refusal) => self.refuse(&refusal),
            Verdict::Disconnect(refusal) => {
                self.say(&refusal);
                self.close(End::OutOfStep);
            }
            Verdict::Ask(wish) => self.ask(wish),
            Verdict::Mail(envelope) => {
                self.envelope = envelope;
                self.ask(Wish::Mail);
            }
            Verdict::Reset => {
                self.drop_content(Discarded::Reset);
                self.end_transaction();
                self.write(250, Some(Status::new(2, 0, 0)), &["OK"]);
            }
            Verdict::Noop => {
                self.write(250, Some(Status::new(2, 0, 0)), &["OK"]);
                self.flush = true;
            }
            Verdict::Quit => {
                let name = self.config.name;
                self.write(221, Some(Status::new(2, 0, 0)), &[name, "Bye"]);
                self.close(End::Quit);
            }
            Verdict::StartTls => self.start_tls(),
            Verdict::Authenticate(allowed) => self.start_auth(allowed),
            Verdict::Chunk {
                size,
                last,
                refusal,
            } => self.begin_chunk(size, last, refusal),
            Verdict::TooManyTransactions => {
                self.say_goodbye(Status::new(4, 7, 0), "Too many messages in one connection");
                self.close(End::TooManyTransactions);
            }
        }
    }

    fn judge(&self, line: &[u8]) -> Verdict {
        match self.weigh(line) {
            Ok(verdict) => verdict,
            Err(refusal) => Verdict::Refuse(refusal),
        }
    }

    fn weigh(&self, line: &[u8]) -> Result<Verdict, Refusal> {
        let command = Command::parse_with(line, &self.config.tolerance);
        if self.state == State::TurnedAway && !matches!(command, Ok(Command::Quit)) {
            // RFC 5321 3.1
            return Err(Refusal::OUT_OF_ORDER);
        }
        let command = match command {
            Ok(command) => command,
            Err(error) => return Ok(self.unreadable(line, error.kind().refusal())),
        };
        let session = &self.session;
        Ok(match command {
            Command::Hello(verb, _) => {
                // RFC 2033 4.1
                let is_lmtp = session.protocol == Protocol::Lmtp;
                if is_lmtp != (verb == Hello::Lhlo) {
                    return Err(UNKNOWN);
                }
                Verdict::Ask(Wish::Hello)
            }
            Command::Mail(path, parameters) => {
                if session.hello.is_none() {
                    return Err(HELLO_FIRST);
                }
                if session.in_transaction {
                    return Err(Refusal::OUT_OF_ORDER);
                }
                let terms = session.terms.max_transactions.unwrap_or(u32::MAX);
                if session.transactions >= self.config.limits.transactions.min(terms) {
                    return Ok(Verdict::TooManyTransactions);
                }
                Verdict::Mail(self.mail(&path, parameters)?)
            }
            Command::Rcpt(path, parameters) => {
                self.transaction()?;
                let terms = session.terms.max_recipients.unwrap_or(u32::MAX);
                if session.recipients >= self.config.limits.recipients.min(terms) {
                    return Err(TOO_MANY_RECIPIENTS);
                }
                self.rcpt(&path, parameters)?;
                Verdict::Ask(Wish::Recipient)
            }
            Command::Data => {
                self.transaction()?;
                if session.recipients == 0 {
                    return Err(self.no_recipients());
                }
                // RFC 3030 3
                if self.envelope.body == Body::BinaryMime {
                    return Err(Refusal::OUT_OF_ORDER);
                }
                Verdict::Ask(Wish::Data)
            }
            Command::Rset => Verdict::Reset,
            Command::Noop(_) => Verdict::Noop,
            Command::Quit => Verdict::Quit,
            Command::Vrfy(_) => Verdict::Ask(Wish::Verify),
            Command::Expn(_) => Verdict::Ask(Wish::Expand),
            Command::Help(_) => Verdict::Ask(Wish::Help),
            Command::Other { verb, argument } => self.extension_verb(verb.raw(), argument.raw())?,
        })
    }

    /// A line that is no command is refused; when octets follow its verb, nobody can tell how many.
    fn unreadable(&self, line: &[u8], refusal: Refusal) -> Verdict {
        let verb = line.get(..Class::LDH.run(line)).unwrap_or_default();
        let effect = (self.extensions.verb(verb))
            .map(|(_, extension)| extension.command(verb, b"", &self.session));
        match effect {
            Some(Ok(Effect::Chunk { .. } | Effect::Disconnect(_))) => Verdict::Disconnect(refusal),
            _ => Verdict::Refuse(refusal),
        }
    }

    /// A transaction is there, and no content has come yet.
    fn transaction(&self) -> Result<(), Refusal> {
        if !self.session.in_transaction {
            Err(MAIL_FIRST)
        } else if self.content.is_begun() {
            Err(Refusal::OUT_OF_ORDER)
        } else {
            Ok(())
        }
    }

    fn mail(
        &self,
        path: &ReversePath<'_>,
        parameters: Parameters<'_>,
    ) -> Result<Envelope, Refusal> {
        let mut envelope = Envelope::default();
        self.each_parameter(
            parameters,
            |parameter| self.extensions.mail(parameter),
            |extension, parameter| {
                extension.mail_parameter(parameter, &self.session, &mut envelope)
            },
        )?;
        if !path.is_ascii() && !envelope.utf8 {
            return Err(NO_UTF8);
        }
        if envelope
            .size
            .is_some_and(|size| size > self.message_limit())
        {
            return Err(TOO_LARGE);
        }
        Ok(envelope)
    }

    fn rcpt(&self, path: &ForwardPath<'_>, parameters: Parameters<'_>) -> Result<(), Refusal> {
        self.each_parameter(
            parameters,
            |parameter| self.extensions.rcpt(parameter),
            |extension, parameter| {
                extension.rcpt_parameter(parameter, &self.session, &self.envelope)
            },
        )?;
        // RFC 6531 3.3: paths and values of parameters.
        if self.envelope.utf8 || path.is_ascii() && parameters.raw().is_ascii() {
            Ok(())
        } else {
            Err(NO_UTF8)
        }
    }

    /// Has each parameter judged by the extension that it belongs to.
    fn each_parameter<'e>(
        &'e self,
        parameters: Parameters<'_>,
        owner: impl Fn(Parameter<'_>) -> Option<(usize, &'e dyn Extension)>,
        mut judge: impl FnMut(&'e dyn Extension, Parameter<'_>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        for (index, parameter) in parameters.iter().enumerate() {
            let (_, extension) = owner(parameter)
                .filter(|(_, extension)| self.is_offered(*extension))
                .ok_or(UNKNOWN_PARAMETER)?;
            // Bounded by the square of Parameters::MAX.
            let is_repeated = parameters
                .iter()
                .take(index)
                .any(|other| other.keyword().eq_ignore_ascii_case(parameter.keyword()));
            if is_repeated {
                return Err(TWICE);
            }
            judge(extension, parameter)?;
        }
        Ok(())
    }

    fn extension_verb(&self, verb: &[u8], argument: &[u8]) -> Result<Verdict, Refusal> {
        let (_, extension) = self.extensions.verb(verb).ok_or(UNKNOWN)?;
        let effect = extension.command(verb, argument, &self.session);
        let refusal = if !argument.is_ascii() {
            Some(NOT_ASCII)
        } else if self.session.hello.is_none() {
            Some(HELLO_FIRST)
        } else if effect.is_ok() && !self.is_offered(extension) {
            Some(NOT_HERE)
        } else {
            None
        };
        Ok(match (effect, refusal) {
            // Whatever else is wrong, what follows is no command.
            (Ok(Effect::Chunk { size, last }), refusal) => Verdict::Chunk {
                size,
                last,
                refusal,
            },
            (Ok(Effect::Disconnect(refusal)), _) => Verdict::Disconnect(refusal),
            (_, Some(refusal)) | (Err(refusal), None) => return Err(refusal),
            (Ok(Effect::Ask), None) => Verdict::Ask(Wish::Command { restart: false }),
            (Ok(Effect::AskAndRestart), None) => Verdict::Ask(Wish::Command { restart: true }),
            // RFC 3207 4.2, RFC 4954 4
            (Ok(Effect::StartTls), None) if self.session.secure => {
                return Err(Refusal::OUT_OF_ORDER);
            }
            (Ok(Effect::Authenticate(_)), None)
                if self.session.authenticated || self.session.in_transaction =>
            {
                return Err(Refusal::OUT_OF_ORDER);
            }
            (Ok(Effect::StartTls), None) => Verdict::StartTls,
            (Ok(Effect::Authenticate(allowed)), None) => Verdict::Authenticate(allowed),
        })
    }

    fn is_offered(&self, extension: &dyn Extension) -> bool {
        matches!(self.session.hello, Some(Hello::Ehlo | Hello::Lhlo))
            && extension.is_offered(&self.session)
    }
}

/// Whether the command broke the protocol, rather than asked for what cannot be had.
fn is_fault(refusal: &Refusal) -> bool {
    matches!(refusal.reply().code().number(), 500..=504 | 555)
}
