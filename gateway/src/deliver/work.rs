//! One message on one connection: its parameters, its recipients in as many transactions as the server's
//! limits make of them, and what became of each.

use std::sync::Arc;

use scop_core::Emit as _;
use scop_smtp_proto::client::{Awaited, Cause, Client, Event, Fate, OrderError};
use scop_smtp_proto::parameter::{OriginalRecipient, Typed};
use scop_smtp_proto::{ForwardPath, Parameter, Parameters, ReversePath};

use super::content::Content;
use super::letter::{Facts, Letter, unreadable};
use super::reply::{Said, failure_of_end};
use super::{Answer, Job, Target, TlsResult};
use crate::queue::{Failure, Outcome};
use crate::spool::Recipient;

/// A job that a connection works at.
#[derive(Debug)]
pub(super) struct Work {
    job: Job,
    target: Target,
    outcomes: Vec<Option<Outcome>>,
    /// The recipient of the job that is given next.
    next: usize,
    /// Where the transaction began.
    first: usize,
    /// Recipients of the job that the machine took, by its index.
    taken: Vec<usize>,
    content: Content,
    /// The server answered to MAIL, so that this is no dead connection.
    is_answered: bool,
    /// The server promises to report on success.
    reports: bool,
    /// Why the session is over, in words of our own.
    trouble: Option<Failure>,
}

/// What an idle machine was told.
#[derive(Debug)]
pub(super) enum Turn {
    /// MAIL.
    Sent,
    /// Nothing is left to do here.
    Done,
    /// This server cannot be used.
    Unusable(Failure),
}

impl Work {
    pub(super) fn new(job: Job, target: &Target) -> Self {
        Self {
            outcomes: vec![None; job.recipients.len()],
            content: Content::new(job.letter.clone()),
            job,
            target: target.clone(),
            next: 0,
            first: 0,
            taken: Vec::new(),
            is_answered: false,
            reports: false,
            trouble: None,
        }
    }

    /// Nobody waits for the answer any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.job.answer.is_closed()
    }

    pub(super) fn letter(&self) -> &Arc<Letter> {
        &self.job.letter
    }

    pub(super) fn content(&mut self) -> &mut Content {
        &mut self.content
    }

    /// Content cannot be had; the connection is to be closed.
    pub(super) fn fail(&mut self, error: &std::io::Error) {
        self.trouble = Some(unreadable(error));
    }

    /// The machine is idle: MAIL for the recipients that are left.
    pub(super) fn order(&mut self, client: &mut Client<'_>, facts: &Facts) -> Turn {
        if self.next >= self.outcomes.len() {
            return Turn::Done;
        }
        self.reports = client.is_announced("DSN");
        let letter = self.job.letter.clone();
        let Ok(from) = ReversePath::parse(letter.envelope.from.as_bytes()) else {
            self.refuse("5.1.7", "the address of the sender is malformed");
            return Turn::Done;
        };
        // Nothing of it may be left out in silence: it could be REQUIRETLS.
        if Parameters::parse(letter.envelope.parameters.as_bytes()).is_err() {
            self.refuse("5.5.4", "cannot be told: the parameters are malformed");
            return Turn::Done;
        }
        let parameters = match self.parameters(client, facts) {
            Ok(parameters) => parameters,
            Err(Refused::Message(status, why)) => {
                self.refuse(status, why);
                return Turn::Done;
            }
            Err(Refused::Host(status, why)) => {
                return Turn::Unusable(self.failure(status, why));
            }
        };
        let parameters: Result<Vec<_>, _> = (parameters.iter())
            .map(|parameter| Parameter::parse(parameter))
            .collect();
        let Ok(parameters) = parameters else {
            self.refuse("5.5.4", "a parameter of the message is malformed");
            return Turn::Done;
        };
        match client.mail(&from, &parameters) {
            Ok(()) => {
                self.first = self.next;
                self.taken.clear();
                self.content = Content::new(letter);
                Turn::Sent
            }
            // Another connection takes the rest.
            Err(OrderError::Limit) => Turn::Done,
            Err(error) => {
                let (status, why) = words(&error);
                self.refuse(status, &why);
                Turn::Done
            }
        }
    }

    /// The machine wants a recipient.
    pub(super) fn recipient(&mut self, client: &mut Client<'_>) {
        while let Some(recipient) = self.current().cloned() {
            let Ok(path) = ForwardPath::parse(recipient.path.as_bytes()) else {
                self.skip("5.1.3", "the address of the recipient is malformed");
                continue;
            };
            if Parameters::parse(recipient.parameters.as_bytes()).is_err() {
                self.skip("5.5.4", "cannot be told: the parameters are malformed");
                continue;
            }
            let parameters = self.recipient_parameters(&recipient, client);
            let parameters: Result<Vec<_>, _> = (parameters.iter())
                .map(|parameter| Parameter::parse(parameter))
                .collect();
            let Ok(parameters) = parameters else {
                self.skip("5.5.4", "a parameter of the recipient is malformed");
                continue;
            };
            match client.recipient(&path, &parameters) {
                Ok(()) => {
                    self.taken.push(self.next);
                    self.next = self.next.saturating_add(1);
                    return;
                }
                // It is asked for again when there is room.
                Err(OrderError::OutputFull) => return,
                // The rest has a transaction of its own.
                Err(OrderError::Limit) => break,
                Err(error) => {
                    let (status, why) = words(&error);
                    self.skip(status, &why);
                }
            }
        }
        // Asked for a recipient, the machine takes this.
        let _ = client.end_recipients();
    }

    /// Notes what became of a recipient.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Mail(reply) => {
                self.is_answered = true;
                if !reply.code().is_positive() {
                    let outcome = Said::new(reply).outcome(&self.target, "refuses the sender");
                    self.next = self.outcomes.len();
                    for place in self.outcomes.iter_mut().skip(self.first) {
                        place.get_or_insert_with(|| outcome.clone());
                    }
                }
            }
            Event::Delivered { index, reply } => {
                let outcome = Outcome::Delivered {
                    host: self.target.name(),
                    reply: Said::new(reply).line,
                    reports: self.reports,
                };
                self.set(*index, outcome);
            }
            Event::Failed {
                index,
                cause: Cause::Reply { to, reply },
                ..
            } => {
                // The server was about to close, and has not looked at the message.
                if !self.is_answered && reply.code().number() == CLOSING {
                    return;
                }
                let why = match to {
                    Awaited::Recipient => "refuses the recipient",
                    Awaited::Mail => "refuses the sender",
                    _ => "refuses the message",
                };
                let said = Said::new(reply);
                let outcome = if *to == Awaited::Recipient && said.code.number() == TOO_MANY {
                    Outcome::Deferred(said.too_many(&self.target))
                } else {
                    said.outcome(&self.target, why)
                };
                self.set(*index, outcome);
            }
            Event::Failed {
                index,
                fate: Fate::Unknown,
                cause: Cause::End(end),
            } => {
                let mut failure = failure_of_end(Some(*end), None, &self.target);
                failure.why.push_str(
                    "; the whole message was sent before, so it may arrive twice (RFC 1047)",
                );
                self.set(*index, Outcome::Deferred(failure));
            }
            // Those that the end leaves without an answer get it in `answer`.
            _ => {}
        }
    }

    /// The session is over, or the work is done.
    pub(super) fn answer(
        mut self,
        session: Result<(), Failure>,
        tls: TlsResult,
        is_reusable: bool,
    ) {
        let session = match self.trouble.take() {
            Some(trouble) => Err(trouble),
            None => session,
        };
        let outcomes = match session {
            Err(failure) if !self.is_answered && self.outcomes.iter().all(Option::is_none) => {
                Err(failure)
            }
            Err(failure) => Ok((self.outcomes.into_iter())
                .map(|outcome| Some(outcome.unwrap_or_else(|| Outcome::Deferred(failure.clone()))))
                .collect()),
            Ok(()) => Ok(self.outcomes),
        };
        // Whoever asked may be gone.
        let _ = self.job.answer.send(Answer {
            outcomes,
            tls,
            is_reusable,
        });
    }

    /// The parameters of MAIL for this server.
    fn parameters(&self, client: &Client<'_>, facts: &Facts) -> Result<Vec<Vec<u8>>, Refused> {
        let letter = &self.job.letter;
        let declares = |keyword| letter.parameters().any(|parameter| parameter.is(keyword));
        let mut list = Vec::new();
        if client.is_announced("SIZE") {
            list.push(format!("SIZE={}", letter.len()).into_bytes());
        }
        let is_binary = letter.parameters().any(|parameter| {
            parameter.is("BODY")
                && (parameter.value())
                    .is_some_and(|value| value.eq_ignore_ascii_case(b"BINARYMIME"))
        });
        if is_binary && (facts.binary || facts.bare_line_end.is_some()) {
            if !client.is_announced("BINARYMIME") || !client.is_announced("CHUNKING") {
                return Err(Refused::Message(
                    "5.6.3",
                    "does not take binary messages (RFC 3030 3)",
                ));
            }
            list.push(b"BODY=BINARYMIME".to_vec());
        } else if facts.bare_line_end.is_some() {
            return Err(Refused::Message(
                "5.6.0",
                "cannot get this message: a CR or LF stands alone in it (RFC 5321 2.3.8)",
            ));
        } else if facts.eight_bit {
            if !client.is_announced("8BITMIME") {
                return Err(Refused::Message(
                    "5.6.3",
                    "takes 7-bit messages only, and this has octets above 127 (RFC 6152 3)",
                ));
            }
            list.push(b"BODY=8BITMIME".to_vec());
        }
        let is_declared = declares("SMTPUTF8");
        if client.is_announced("SMTPUTF8") {
            let recipients = || self.outcomes.iter().enumerate().skip(self.next);
            let is_international = !letter.envelope.from.is_ascii()
                || recipients()
                    .filter_map(|(place, _)| self.at(place))
                    .any(|recipient| !recipient.path.is_ascii());
            if is_declared || is_international {
                list.push(b"SMTPUTF8".to_vec());
            }
        } else if !letter.envelope.from.is_ascii() || is_declared && facts.eight_bit_header {
            return Err(Refused::Message("5.6.7", NO_UTF8));
        }
        if declares("REQUIRETLS") {
            if !client.is_announced("REQUIRETLS") {
                return Err(Refused::Host(
                    "5.7.30",
                    "does not offer REQUIRETLS, which the message demands (RFC 8689 4.2.1)",
                ));
            }
            list.push(b"REQUIRETLS".to_vec());
        }
        for parameter in letter.parameters() {
            let is_dsn = parameter.is("RET") || parameter.is("ENVID");
            let is_known = ["SIZE", "BODY", "SMTPUTF8", "REQUIRETLS", "AUTH"]
                .iter()
                .any(|keyword| parameter.is(keyword));
            if !is_known && (!is_dsn || self.reports) {
                list.push(parameter.to_vec());
            }
        }
        Ok(list)
    }

    /// The parameters of RCPT for this server.
    fn recipient_parameters(&self, recipient: &Recipient, client: &Client<'_>) -> Vec<Vec<u8>> {
        let parameters = Parameters::parse(recipient.parameters.as_bytes()).unwrap_or_default();
        let mut list = Vec::new();
        for parameter in parameters {
            let is_dsn = parameter.is("NOTIFY") || parameter.is("ORCPT");
            if is_dsn && !self.reports {
                continue;
            }
            // Without SMTPUTF8 an address in UTF-8 is written in US-ASCII (RFC 6533 3).
            let plain = match parameter.typed() {
                Ok(Typed::OriginalRecipient(original))
                    if !original.is_ascii() && !client.is_announced("SMTPUTF8") =>
                {
                    String::from_utf8(original.address().to_vec())
                        .ok()
                        .and_then(|text| Some(OriginalRecipient::utf8(&text).ok()?.to_vec()))
                }
                _ => None,
            };
            list.push(plain.unwrap_or_else(|| parameter.to_vec()));
        }
        list
    }

    fn at(&self, place: usize) -> Option<&Recipient> {
        let index = *self.job.recipients.get(place)?;
        self.job.letter.envelope.to.get(index)
    }

    fn current(&self) -> Option<&Recipient> {
        self.at(self.next)
    }

    fn failure(&self, status: &str, why: &str) -> Failure {
        Failure {
            status: status.to_owned(),
            host: Some(self.target.name()),
            reply: None,
            why: format!("{} {why}", self.target.name()),
        }
    }

    /// All recipients that are left have failed.
    fn refuse(&mut self, status: &str, why: &str) {
        while self.next < self.outcomes.len() {
            self.skip(status, why);
        }
    }

    /// The next recipient has failed.
    fn skip(&mut self, status: &str, why: &str) {
        let outcome = Outcome::Failed(self.failure(status, why));
        if let Some(place) = self.outcomes.get_mut(self.next) {
            *place = Some(outcome);
        }
        self.next = self.next.saturating_add(1);
    }

    /// The machine's recipient `index` has its outcome.
    fn set(&mut self, index: u32, outcome: Outcome) {
        let place = usize::try_from(index)
            .ok()
            .and_then(|index| self.taken.get(index).copied());
        if let Some(place) = place.and_then(|place| self.outcomes.get_mut(place)) {
            *place = Some(outcome);
        }
    }
}

/// Why a message is not offered to a server.
enum Refused {
    /// It never will be.
    Message(&'static str, &'static str),
    /// Another server may take it.
    Host(&'static str, &'static str),
}

const NO_UTF8: &str = "does not take internationalised mail (RFC 6531 3.5)";

/// The service closes the connection (RFC 5321 4.2.2).
const CLOSING: u16 = 421;

/// What some servers say to a recipient for whom there is no room in this transaction: it stands for 452 (RFC 5321
/// 4.5.3.1.10).
const TOO_MANY: u16 = 552;

/// Why a command was not sent: status and words.
fn words(error: &OrderError<'_>) -> (&'static str, String) {
    match error {
        OrderError::NeedsUtf8 => ("5.6.7", NO_UTF8.to_owned()),
        OrderError::CannotSend(b"SIZE", _) => (
            "5.3.4",
            "takes no message of this size (RFC 1870 6.1)".to_owned(),
        ),
        OrderError::TooLong => (
            "5.5.2",
            "cannot be told: the command is too long".to_owned(),
        ),
        error => ("5.5.4", format!("cannot be told: {error}")),
    }
}
