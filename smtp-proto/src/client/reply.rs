//! What the machine makes of each reply.

use scop_core::Instant;

use super::transaction::Mail;
use super::{Awaited, Client, End, Notice, Phase, TlsPolicy, Verdict};
use crate::command::Hello;
use crate::ehlo::EhloReply;
use crate::extension::Protocol;
use crate::reply::Code;

impl Client<'_> {
    /// Takes octets of the server from `input`, up to the end of a reply that the host is told of; poll,
    /// and hand in the rest.
    pub fn handle_input(&mut self, input: &mut &[u8], now: Instant) {
        while !input.is_empty() && self.notice.is_none() && self.verdict.is_none() {
            match self.phase {
                Phase::Done => return,
                Phase::Handshake => return self.fail(End::Injected),
                _ => {}
            }
            if self.due() <= self.output.unsent() && !self.is_unasked && self.phase != Phase::Quit {
                self.is_unasked = true;
                self.arm(now);
            }
            match self.reader.read(input) {
                Ok(None) => return,
                Ok(Some(reply)) => {
                    let code = reply.code();
                    self.handle_reply(code, !input.is_empty());
                    if self.phase != Phase::Done {
                        self.arm(now);
                    }
                }
                Err(_) if self.phase == Phase::Quit => self.finish(),
                Err(error) => self.fail(End::BadReply(error)),
            }
        }
    }

    fn handle_reply(&mut self, code: Code, has_more: bool) {
        if self.phase == Phase::Quit {
            return self.finish();
        }
        if code.number() == CLOSING {
            return self.handle_closing();
        }
        let Some(to) = self.awaited().filter(|_| !self.is_unasked) else {
            if self.takes_early_refusal() && !code.is_positive() {
                // The message did not come to its end, and cannot be taken back: nothing more can be said.
                self.refuse_all(Awaited::Message);
                return self.fail(End::RefusedEarly(code));
            }
            return self.fail(End::Unsolicited);
        };
        // What stands behind the last reply that is due was not asked for, whatever is sent next.
        let is_last = self.due().saturating_sub(1) <= self.output.unsent();
        self.is_unasked = has_more && is_last;
        match self.phase {
            Phase::Greeting => self.handle_greeting(code),
            Phase::Hello(hello) => self.handle_hello(hello, code),
            Phase::StartTls => self.handle_start_tls(code),
            Phase::Auth { cancelled } => self.handle_auth(code, cancelled),
            // The server waits for something that the machine does not have.
            Phase::Command { .. } if code.is_intermediate() => self.unexpected(to, code),
            Phase::Command { restart } => {
                self.notice = Some(Notice::CommandReply);
                if restart && code.is_success() {
                    self.is_authenticated = false;
                    self.say_hello();
                } else {
                    self.phase = Phase::Order;
                }
            }
            Phase::Recipients => self.handle_group(to, code),
            Phase::Data => self.handle_data(code),
            Phase::Content | Phase::Drain => self.handle_chunk(code),
            Phase::Message if to == Awaited::Block => self.handle_chunk(code),
            Phase::Message => self.handle_message(code),
            Phase::Discard => {
                if code.is_intermediate() {
                    return self.unexpected(to, code);
                }
                self.phase = Phase::Order;
            }
            Phase::Reset { ordered } => {
                if !code.is_success() {
                    return self.unexpected(to, code);
                }
                self.notice = ordered.then_some(Notice::CommandReply);
                self.phase = Phase::Order;
            }
            Phase::Handshake
            | Phase::Order
            | Phase::Exchange { .. }
            | Phase::Quit
            | Phase::Done => {}
        }
    }

    /// 421 closes the connection, whatever it answers (RFC 5321 3.8), and refuses that.
    fn handle_closing(&mut self) {
        self.notice = Some(Notice::Closing);
        // In LMTP it answers for one recipient at most, and nobody answers for the others.
        let answers_for_all =
            self.phase != Phase::Message || self.config.protocol == Protocol::Smtp;
        if let Some(to) = self.awaited().filter(|_| !self.is_unasked)
            && answers_for_all
        {
            self.refuse_all(to);
        }
        self.fail(End::Closing);
    }

    fn unexpected(&mut self, to: Awaited, code: Code) {
        self.fail(End::Unexpected { to, code });
    }

    fn handle_greeting(&mut self, code: Code) {
        self.notice = Some(Notice::Greeting);
        let to = Awaited::Greeting;
        if code.number() == READY {
            self.say_hello();
        } else if !code.is_positive() {
            self.leave(End::Refused { to, code });
        } else {
            self.unexpected(to, code);
        }
    }

    fn handle_hello(&mut self, hello: Hello, code: Code) {
        let to = Awaited::Hello;
        if code.is_success() {
            self.notice = Some(Notice::Ready(hello));
            self.hello = Some(hello);
            if hello != Hello::Helo {
                self.learn();
            }
            self.begin_tls();
        } else if code.is_positive() {
            self.unexpected(to, code);
        } else if hello == Hello::Ehlo
            && self.config.helo_fallback
            && matches!(code.number(), 500 | 502 | 504)
        {
            self.phase = Phase::Hello(Hello::Helo);
            if self.put_hello(Hello::Helo).is_err() {
                self.fail(End::Closed);
            }
        } else {
            self.notice = Some(Notice::HelloRefused);
            self.leave(End::Refused { to, code });
        }
    }

    /// Reads what the server announced.
    fn learn(&mut self) {
        let Some(reply) = self.reader.reply() else {
            return;
        };
        let Some(reply) = EhloReply::new(reply, &self.config.tolerance) else {
            return;
        };
        let secure = self.peer.secure; // is the host's to say
        for keyword in reply.keywords() {
            // The first of a name counts: `AUTH=` of old comes behind `AUTH`, and has less.
            if let Some((index, extension)) = self.extensions.keyword(keyword.name())
                && !self.announced.contains(index)
            {
                self.announced.insert(index);
                extension.announced(keyword.arguments(), &mut self.peer);
            }
        }
        self.peer.secure = secure;
    }

    /// Does what the policy says, and becomes idle when nothing is left of it.
    fn begin_tls(&mut self) {
        if self.peer.secure || self.config.tls == TlsPolicy::None {
            self.phase = Phase::Order;
        } else if self.peer.start_tls {
            self.say(START_TLS, Phase::StartTls);
        } else if self.config.tls == TlsPolicy::Require {
            self.leave(End::NoStartTls);
        } else {
            self.phase = Phase::Order;
        }
    }

    fn handle_start_tls(&mut self, code: Code) {
        if code.number() == READY {
            // Octets behind it end the session: `handle_input` looks at what is left next.
            self.phase = Phase::Handshake;
        } else if code.is_positive() {
            self.unexpected(Awaited::StartTls, code);
        } else {
            self.notice = Some(Notice::TlsRefused);
            if self.config.tls == TlsPolicy::Require {
                self.leave(End::TlsRefused(code));
            } else {
                self.phase = Phase::Order;
            }
        }
    }

    fn handle_auth(&mut self, code: Code, cancelled: bool) {
        if code.is_success() || code.number() == CHALLENGE && !cancelled {
            let challenge = code.is_intermediate();
            self.phase = Phase::Exchange { challenge };
        } else if code.is_positive() {
            self.unexpected(Awaited::Auth, code);
        } else {
            self.notice = Some(Notice::AuthRefused);
            self.phase = Phase::Order;
        }
    }

    /// A reply to MAIL, RCPT, or to DATA in the same group.
    fn handle_group(&mut self, to: Awaited, code: Code) {
        if code.is_intermediate() {
            return self.unexpected(to, code);
        }
        let transaction = &mut self.transaction;
        if to == Awaited::Mail {
            self.notice = Some(Notice::Mail);
            if code.is_success() {
                transaction.mail = Mail::Accepted;
            } else {
                transaction.mail = Mail::Refused;
                self.refuse_all(to);
            }
        } else {
            let index = transaction.answered;
            transaction.answered = index.saturating_add(1);
            // Behind a refused MAIL the reply means nothing, and the recipient was told.
            if transaction.mail == Mail::Accepted {
                self.notice = Some(if code.is_success() {
                    Notice::Recipient(index)
                } else {
                    transaction.open.remove(index);
                    Notice::Final(index, Verdict::Refused(to))
                });
            }
        }
        self.proceed();
    }

    fn handle_data(&mut self, code: Code) {
        let to = Awaited::Data;
        if code.is_success() {
            return self.unexpected(to, code);
        }
        let goes_on = code.is_intermediate();
        match (goes_on, self.has_recipients()) {
            (true, true) => self.phase = Phase::Content,
            // The message has no recipients and has to be ended (RFC 2920 3.1). LMTP does not reply to
            // it then, or it may; a session that cannot count its replies is over.
            (true, false) if self.config.protocol == Protocol::Lmtp => self.unexpected(to, code),
            (true, false) => {
                self.phase = Phase::Discard;
                if self.output.put_end(b".\r\n").is_err() {
                    self.fail(End::Closed);
                }
            }
            (false, has_recipients) => {
                if has_recipients {
                    self.refuse_all(to);
                }
                self.give_up();
            }
        }
    }

    fn handle_chunk(&mut self, code: Code) {
        let to = Awaited::Block;
        let transaction = &mut self.transaction;
        let is_open =
            transaction.chunk_left > 0 && !transaction.chunk_is_last && transaction.chunks_due == 1;
        // Consent comes behind the octets, a refusal may come before them.
        if code.is_intermediate() || code.is_success() && is_open && !transaction.chunk_refused {
            return self.unexpected(to, code);
        }
        transaction.chunks_due = transaction.chunks_due.saturating_sub(1);
        if self.phase == Phase::Drain {
            if transaction.chunks_due == 0 {
                self.give_up();
            }
            return;
        }
        if !code.is_success() && !transaction.chunk_refused {
            transaction.chunk_refused = true;
            self.refuse_all(to);
        }
        self.drain();
    }

    /// Whether a refusal that is not due can speak of the message: it was begun, and its end was not sent as a whole.
    fn takes_early_refusal(&self) -> bool {
        let transaction = &self.transaction;
        match self.phase {
            Phase::Content => {
                !transaction.by_chunks || transaction.chunk_left > 0 && self.output.is_empty()
            }
            Phase::Message => true,
            _ => false,
        }
    }

    /// The reply to the whole message, or in LMTP to one of its recipients.
    fn handle_message(&mut self, code: Code) {
        let to = Awaited::Message;
        if code.is_intermediate() {
            return self.unexpected(to, code);
        }
        let verdict = if code.is_success() {
            Verdict::Delivered
        } else {
            Verdict::Refused(to)
        };
        match self.config.protocol {
            Protocol::Smtp => self.verdict = Some(verdict),
            Protocol::Lmtp => {
                self.notice =
                    (self.transaction.open.take_first()).map(|index| Notice::Final(index, verdict));
                if !self.transaction.open.is_empty() {
                    return;
                }
            }
        }
        self.phase = Phase::Order;
    }

    /// All recipients that have no final event get this reply for one.
    fn refuse_all(&mut self, to: Awaited) {
        if !self.transaction.open.is_empty() {
            self.verdict = Some(Verdict::Refused(to));
        }
    }
}

/// The service is ready (RFC 5321 4.2.2), or TLS may begin (RFC 3207 4).
const READY: u16 = 220;

/// A challenge of AUTH (RFC 4954 4).
const CHALLENGE: u16 = 334;

/// The service closes the connection (RFC 5321 4.2.2).
const CLOSING: u16 = 421;

/// RFC 3207 4.
pub(super) const START_TLS: &[u8] = b"STARTTLS";
