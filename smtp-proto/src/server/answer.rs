//! What the host answers, and what that changes.

use scop_core::Sink;

use super::output::{Arguments, status};
use super::{AnswerError, Discarded, End, Server, State, Wish};
use crate::command::{Command, Hello};
use crate::extension::{Extension, Extensions, Protocol, Refusal, Session, Terms};
use crate::reply::{Reply, Status};

impl Server<'_> {
    /// Consents to the open wish, with a usual reply.
    ///
    /// # Errors
    /// When none is open, or the reply does not fit; nothing changes.
    pub fn accept(&mut self) -> Result<(), AnswerError> {
        self.settle(None)
    }

    /// Answers the open wish: 2yz (354 for [`Event::Data`](super::Event::Data), 220 for
    /// [`Event::Connected`](super::Event::Connected)) consents, 4yz and 5yz refuse, and 421 ends the connection
    /// besides. [`Refusal::new`] makes a reply that refuses as a constant, without a `Result`:
    /// `const FULL: Reply<'static> = Refusal::new(452, Status::new(4, 2, 2), "The mailbox is full").reply();`
    ///
    /// # Errors
    /// When none is open, the reply is no answer to it, or it does not fit; nothing changes.
    pub fn answer(&mut self, reply: &Reply<'_>) -> Result<(), AnswerError> {
        self.settle(Some(reply))
    }

    fn settle(&mut self, reply: Option<&Reply<'_>>) -> Result<(), AnswerError> {
        let wish = self.wish.ok_or(AnswerError::NothingAsked)?;
        let is_consent = match reply {
            None => true,
            Some(reply) => {
                let is_goodbye = reply.code().number() == 421;
                if wish == Wish::MessageEnd
                    && self.session.protocol == Protocol::Lmtp
                    && !is_goodbye
                {
                    return Err(AnswerError::ForEachRecipient);
                }
                // RFC 6531 3.7.4.2
                if !reply.text().is_ascii() && !self.envelope.utf8 {
                    return Err(AnswerError::BadText);
                }
                is_consent(wish, reply.code().number())?
            }
        };
        if wish == Wish::Scram && is_consent {
            return Err(AnswerError::NeedsKeys);
        }
        let hello = match wish {
            Wish::Hello => self.hello(),
            _ => Hello::Helo,
        };
        let refused_chunk =
            wish == Wish::Data && !is_consent && matches!(self.state, State::Chunk(_));
        let start = self.output.end();
        if refused_chunk {
            self.output.hold();
        }
        let result = match (wish, reply) {
            (Wish::Hello, _) if is_consent => self.write_hello(hello, reply),
            (Wish::Data, _) if is_consent && matches!(self.state, State::Chunk(_)) => Ok(()),
            (Wish::Authenticate, Some(reply))
                if reply.code().is_permanent() && self.is_refused_by_challenge() =>
            {
                Ok(())
            }
            (Wish::MessageEnd, None) if self.session.protocol == Protocol::Lmtp => Ok(()),
            (Wish::Connected | Wish::Command { restart: true }, _) if is_consent => {
                self.write_greeting(reply)
            }
            (_, Some(reply)) => {
                let enhanced = self.session.terms.enhanced_status
                    && !matches!(wish, Wish::Connected | Wish::Hello);
                self.output
                    .all_or_nothing(|output| output.put_reply(reply, enhanced))
            }
            (_, None) => self.write_consent(wish),
        };
        if let Err(error) = result {
            if refused_chunk {
                self.output.release();
            }
            if error == AnswerError::OutputFull {
                // What is there is sent before the wish comes again.
                self.flush = true;
                self.wish_shown = true;
            }
            return Err(error);
        }
        self.wish = None;
        self.clock.is_stale = true;
        let code = reply.map_or(250, |reply| reply.code().number());
        if refused_chunk {
            self.refuse_chunk(start);
        }
        self.settled(wish, is_consent, code, hello);
        if code == 421 {
            self.close(End::Refused);
        }
        Ok(())
    }

    /// The answer is written: what it changes.
    fn settled(&mut self, wish: Wish, is_consent: bool, code: u16, hello: Hello) {
        self.flush |= !matches!(
            wish,
            Wish::Mail | Wish::Recipient | Wish::MessageEnd | Wish::RecipientResult(_)
        );
        match (wish, is_consent) {
            (Wish::Connected, false) if code == 554 => self.state = State::TurnedAway,
            (Wish::Connected, false) => self.close(End::Refused),
            (Wish::Hello, false) if self.session.hello.is_none() => self.count_idle(),
            (Wish::Hello, true) => {
                let terms = self.terms(&self.greeted(hello));
                self.drop_content(Discarded::Reset);
                self.end_transaction();
                self.session.hello = Some(hello);
                self.session.terms = terms;
            }
            (Wish::Mail, true) => self.session.in_transaction = true,
            (Wish::Mail, false) => {
                self.end_transaction();
                self.count_idle();
            }
            (Wish::Recipient, true) => {
                self.session.recipients = self.session.recipients.saturating_add(1);
            }
            (Wish::Recipient, false) => {
                let refused = &mut self.counts.refused_recipients;
                *refused = refused.saturating_add(1);
                if *refused > self.config.limits.refused_recipients {
                    self.say_goodbye(Status::new(4, 7, 0), "Too many unknown recipients");
                    self.close(End::TooManyRefusedRecipients);
                }
            }
            (Wish::Data, true) => self.open_content(),
            (Wish::Data, false) => self.count_idle(),
            (Wish::MessageEnd, true) if self.session.protocol == Protocol::Lmtp => {
                self.close_content();
                self.ask(Wish::RecipientResult(0));
            }
            (Wish::RecipientResult(index), _)
                if index.saturating_add(1) < self.session.recipients =>
            {
                self.ask(Wish::RecipientResult(index.saturating_add(1)));
            }
            (Wish::MessageEnd | Wish::RecipientResult(_), _) => {
                self.counts.idle_commands = 0;
                self.end_message();
            }
            (Wish::Command { restart: true }, true) => self.restart(),
            (Wish::Authenticate | Wish::Scram, _) => self.judged(is_consent, code >= 500),
            // When the greeting is sent, commands are read.
            (
                Wish::Connected
                | Wish::Hello
                | Wish::Verify
                | Wish::Expand
                | Wish::Help
                | Wish::Command { .. },
                _,
            ) => {}
        }
    }

    /// Nothing that the client said is known any more (RFC 3207 4.2).
    pub(super) fn restart(&mut self) {
        self.drop_content(Discarded::Reset);
        self.end_transaction();
        self.session.hello = None;
        self.forget_auth();
        self.session.terms = Terms::default();
    }

    /// The command whose wish is open.
    pub(super) fn command(&self) -> Option<Command<'_>> {
        let line = self.lines.line()?.octets().ok()?;
        Command::parse_with(line, &self.config.tolerance).ok()
    }

    /// Which greeting it is that asks for consent.
    fn hello(&self) -> Hello {
        match self.command() {
            Some(Command::Hello(verb, _)) => verb,
            _ => Hello::Helo,
        }
    }

    /// The session as it is after `hello`.
    fn greeted(&self, hello: Hello) -> Session {
        Session {
            hello: Some(hello),
            in_transaction: false,
            recipients: 0,
            ..self.session
        }
    }

    fn terms(&self, session: &Session) -> Terms {
        let mut terms = Terms::default();
        if session.hello != Some(Hello::Helo) {
            for (_, extension) in self.extensions.iter() {
                if extension.is_offered(session) {
                    extension.offered(&mut terms);
                }
            }
        }
        terms
    }

    fn write_greeting(&mut self, reply: Option<&Reply<'_>>) -> Result<(), AnswerError> {
        let protocol = match self.session.protocol {
            Protocol::Smtp => "ESMTP",
            Protocol::Lmtp => "LMTP",
        };
        let text = reply.map_or("", Reply::text);
        let words = [self.config.name, protocol, text];
        if text.contains('\n') {
            return Err(AnswerError::BadText);
        }
        self.output
            .all_or_nothing(|output| output.put_line(220, None, &words))
    }

    fn write_hello(&mut self, hello: Hello, reply: Option<&Reply<'_>>) -> Result<(), AnswerError> {
        let text = reply.map_or("", Reply::text);
        if text.contains('\n') {
            return Err(AnswerError::BadText);
        }
        let session = self.greeted(hello);
        let (name, extensions) = (self.config.name, self.extensions);
        self.output
            .all_or_nothing(|output| emit_hello(output, [name, text], extensions, &session))
    }

    fn write_consent(&mut self, wish: Wish) -> Result<(), AnswerError> {
        let (code, status, text) = match wish {
            Wish::Data => (
                354,
                Status::new(2, 0, 0),
                "Start mail input; end with <CRLF>.<CRLF>",
            ),
            Wish::Mail => (250, Status::new(2, 1, 0), "OK"),
            Wish::Recipient | Wish::RecipientResult(_) => (250, Status::new(2, 1, 5), "OK"),
            Wish::Verify | Wish::Expand => (
                252,
                Status::new(2, 0, 0),
                "Cannot verify, but will accept the message",
            ),
            Wish::Authenticate | Wish::Scram => {
                (235, Status::new(2, 7, 0), "Authentication succeeded")
            }
            Wish::Help => (214, Status::new(2, 0, 0), "See RFC 5321"),
            Wish::Connected | Wish::Hello | Wish::MessageEnd | Wish::Command { .. } => {
                (250, Status::new(2, 0, 0), "OK")
            }
        };
        let status = self.status(code, status);
        self.output
            .all_or_nothing(|output| output.put_line(code, status, &[text]))
    }

    /// Writes a refusal.
    pub(super) fn say(&mut self, refusal: &Refusal) {
        let reply = refusal.reply();
        let enhanced = self.session.terms.enhanced_status;
        // There is room: ROOM was asked for before the command was read.
        let _ = self
            .output
            .all_or_nothing(|output| output.put_reply(&reply, enhanced));
    }

    /// Writes one line of the machine's own.
    pub(super) fn write(&mut self, code: u16, status: Option<Status>, text: &[&str]) {
        let status = status.and_then(|status| self.status(code, status));
        let _ = self
            .output
            .all_or_nothing(|output| output.put_line(code, status, text));
    }

    /// `421`, with the name of the server (RFC 5321 4.2.2). Where no room is left it is not sent.
    pub(super) fn say_goodbye(&mut self, status: Status, text: &str) {
        let name = self.config.name;
        self.write(421, Some(status), &[name, text]);
    }

    pub(super) fn status(&self, code: u16, is: Status) -> Option<Status> {
        status(code, Some(is), self.session.terms.enhanced_status)
    }
}

/// Writes what consents to HELO, EHLO or LHLO: the name and a greeting, then a line for each extension.
pub(super) fn emit_hello<S: Sink>(
    sink: &mut S,
    [name, text]: [&str; 2],
    extensions: Extensions<'_>,
    session: &Session,
) -> Result<(), AnswerError> {
    let listed = || {
        let is_listed = |extension: &dyn Extension| {
            session.hello != Some(Hello::Helo) && extension.is_offered(session)
        };
        extensions
            .iter()
            .map(|(_, extension)| extension)
            .filter(move |extension| is_listed(*extension))
    };
    let mut following = listed().count();
    sink.put(if following == 0 { b"250 " } else { b"250-" })?;
    sink.put(name.as_bytes())?;
    if !text.is_empty() {
        sink.put_byte(b' ')?;
        sink.put(text.as_bytes())?;
    }
    sink.put(b"\r\n")?;
    for extension in listed() {
        following = following.saturating_sub(1);
        sink.put(if following == 0 { b"250 " } else { b"250-" })?;
        sink.put(extension.keyword().as_bytes())?;
        let mut arguments = Arguments::new(sink);
        let result = extension.emit_arguments(session, &mut arguments);
        if arguments.is_bad() {
            return Err(AnswerError::BadText);
        }
        result?;
        sink.put(b"\r\n")?;
    }
    Ok(())
}

/// Whether a reply consents to a wish.
fn is_consent(wish: Wish, code: u16) -> Result<bool, AnswerError> {
    let consents = match wish {
        Wish::Connected | Wish::Command { restart: true } => code == 220,
        Wish::Hello => code == 250,
        Wish::Authenticate => code == 235,
        Wish::Data => code == 354,
        _ => matches!(code, 200..=299),
    };
    match code {
        _ if consents => Ok(true),
        400..=599 => Ok(false),
        _ => Err(AnswerError::WrongCode),
    }
}
