//! From MAIL to the message: the recipients, in a group or one by one.

use scop_core::{Emit, Full, Sink};

use super::output::Line;
use super::recipients::Open;
use super::{Client, Limits, OrderError, Phase, Step};
use crate::data::{Checker, LineEnds, Stuffer};
use crate::extension::{Envelope, Found, Protocol};
use crate::parameter::{Body, Parameter};
use crate::path::{ForwardPath, ReversePath};

/// What is known of the transaction.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) envelope: Envelope,
    pub(super) mail: Mail,
    /// RCPT commands that were put.
    pub(super) given: u32,
    /// Those of them that were answered.
    pub(super) answered: u32,
    /// The host has no more recipients.
    pub(super) is_complete: bool,
    /// DATA was put behind the recipients, before their replies.
    pub(super) data_in_group: bool,
    /// The recipients without a final event: once all are answered, the accepted ones.
    pub(super) open: Open,
    /// The message goes in chunks.
    pub(super) by_chunks: bool,
    /// Octets of the chunk that were announced and not given.
    pub(super) chunk_left: usize,
    /// The chunk is the last.
    pub(super) chunk_is_last: bool,
    /// Chunks before the last without a reply.
    pub(super) chunks_due: u32,
    /// A chunk was refused, and the message with it.
    pub(super) chunk_refused: bool,
    pub(super) stuffer: Stuffer,
    pub(super) checker: Checker,
}

/// What became of MAIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mail {
    Sent,
    Accepted,
    Refused,
}

impl Default for Transaction {
    fn default() -> Self {
        Self {
            envelope: Envelope::default(),
            mail: Mail::Sent,
            given: 0,
            answered: 0,
            is_complete: false,
            data_in_group: false,
            open: Open::NONE,
            by_chunks: false,
            chunk_left: 0,
            chunk_is_last: false,
            chunks_due: 0,
            chunk_refused: false,
            stuffer: Stuffer::new(),
            checker: Checker::new(LineEnds::Refuse),
        }
    }
}

impl<'a> Client<'a> {
    /// Begins a transaction with MAIL. The next steps are [`Step::Recipient`], in a group before its reply.
    ///
    /// # Errors
    /// Why it is not sent. Each parameter has to belong to an extension that the server announced.
    pub fn mail<'p>(
        &mut self,
        path: &ReversePath<'_>,
        parameters: &[Parameter<'p>],
    ) -> Result<(), OrderError<'p>> {
        self.expect_order()?;
        let most = self.config.limits.transactions;
        if self.transactions >= most.min(self.peer.terms.max_transactions.unwrap_or(most)) {
            return Err(OrderError::Limit);
        }
        let mut envelope = Envelope::default();
        let extensions = self.extensions;
        self.check(parameters, &mut envelope, |parameter| {
            extensions.mail(parameter)
        })?;
        let is_binary = envelope.body == Body::BinaryMime;
        if is_binary && !self.peer.chunking || envelope.require_tls && !self.peer.secure {
            return Err(OrderError::CannotCarry);
        }
        self.put(envelope.utf8, |line| {
            write(line, b"MAIL FROM:", path, parameters)
        })?;
        self.transactions = self.transactions.saturating_add(1);
        let normalise = self.config.normalise_line_ends;
        self.transaction = Transaction {
            envelope,
            // Chunks would have to be counted before their line ends are made.
            by_chunks: is_binary || self.config.prefer_bdat && self.peer.chunking && !normalise,
            stuffer: if normalise {
                Stuffer::normalising()
            } else {
                Stuffer::new()
            },
            ..Transaction::default()
        };
        self.phase = Phase::Recipients;
        Ok(())
    }

    /// Gives the recipient that [`Step::Recipient`] asks for.
    ///
    /// # Errors
    /// Why it is not sent. The recipient may be left out then; only after [`OrderError::OutputFull`] it is
    /// asked for again at once, when what is in the buffer is sent.
    pub fn recipient<'p>(
        &mut self,
        path: &ForwardPath<'_>,
        parameters: &[Parameter<'p>],
    ) -> Result<(), OrderError<'p>> {
        let index = self.transaction.given;
        self.require_step(Step::Recipient(index))?;
        let (limits, terms) = (self.config.limits, self.peer.terms);
        let most = u32::from(limits.recipients.min(Limits::MAX_RECIPIENTS));
        let mut domains = self.domains;
        let domain_count = domains.note(path);
        if index >= most.min(terms.max_recipients.unwrap_or(most))
            || terms.max_domains.is_some_and(|most| domain_count > most)
        {
            return Err(OrderError::Limit);
        }
        let mut envelope = self.transaction.envelope;
        let extensions = self.extensions;
        self.check(parameters, &mut envelope, |parameter| {
            extensions.rcpt(parameter)
        })?;
        self.put(envelope.utf8, |line| {
            write(line, b"RCPT TO:", path, parameters)
        })?;
        self.domains = domains;
        self.transaction.open.insert(index);
        self.transaction.given = index.saturating_add(1);
        Ok(())
    }

    /// There are no more recipients. Without any, the transaction is given up.
    ///
    /// # Errors
    /// A recipient was not asked for.
    pub fn end_recipients(&mut self) -> Result<(), OrderError<'static>> {
        self.require_step(Step::Recipient(self.transaction.given))?;
        self.transaction.is_complete = true;
        let in_group = self.config.data_in_group
            && self.sends_groups()
            && !self.transaction.by_chunks
            && self.transaction.given > 0;
        // When there is no room for it, it waits for the replies.
        if in_group && self.put(false, |line| line.put(b"DATA")).is_ok() {
            self.transaction.data_in_group = true;
        }
        self.proceed();
        Ok(())
    }

    /// Whether commands are sent before the replies to those before them.
    pub(super) const fn sends_groups(&self) -> bool {
        self.peer.terms.pipelining
    }

    /// Whether another recipient can be taken now.
    pub(super) fn takes_recipient(&self) -> bool {
        let transaction = &self.transaction;
        if self.phase != Phase::Recipients
            || transaction.is_complete
            || transaction.mail == Mail::Refused
        {
            return false;
        }
        if !self.sends_groups() {
            return self.due() == 0 && self.output.is_empty();
        }
        let limit = usize::from(self.config.limits.command_line);
        self.due() < u32::from(self.config.limits.group) && self.output.has_room(limit)
    }

    /// Goes on when all commands of the group are answered and nothing more is to come into it.
    pub(super) fn proceed(&mut self) {
        let transaction = &self.transaction;
        let is_over = transaction.is_complete || transaction.mail == Mail::Refused;
        if !is_over || transaction.mail == Mail::Sent || transaction.answered < transaction.given {
            return;
        }
        if transaction.data_in_group {
            self.phase = Phase::Data;
        } else if self.has_recipients() {
            if transaction.by_chunks {
                self.phase = Phase::Content;
            } else {
                self.say(b"DATA", Phase::Data);
            }
        } else if transaction.mail == Mail::Refused && transaction.given == 0 {
            self.phase = Phase::Order;
        } else {
            self.give_up();
        }
    }

    /// Whether the server accepted a recipient. All are answered, and those who were refused are told;
    /// with MAIL that was refused, all are.
    pub(super) fn has_recipients(&self) -> bool {
        !self.transaction.open.is_empty()
    }

    /// Ends a transaction that comes to no message, for the server too.
    pub(super) fn give_up(&mut self) {
        self.say(b"RSET", Phase::Reset { ordered: false });
    }

    /// Whether chunks are sent before the replies to those before them. In LMTP the replies to the last
    /// one could not be counted if one before it was refused.
    pub(super) fn sends_chunks_ahead(&self) -> bool {
        self.sends_groups() && self.config.protocol == Protocol::Smtp
    }

    /// Whether parameters can be sent.
    fn check<'p>(
        &self,
        parameters: &[Parameter<'p>],
        envelope: &mut Envelope,
        owner: impl Fn(Parameter<'p>) -> Option<Found<'a>>,
    ) -> Result<(), OrderError<'p>> {
        for (index, parameter) in parameters.iter().enumerate() {
            let keyword = parameter.keyword();
            let extension = self.usable(owner(*parameter), keyword)?;
            let mut before = parameters.iter().take(index);
            if before.any(|other| other.keyword().eq_ignore_ascii_case(keyword)) {
                return Err(OrderError::Repeated(keyword));
            }
            extension
                .can_send(*parameter, &self.peer, envelope)
                .map_err(|why| OrderError::CannotSend(keyword, why))?;
        }
        Ok(())
    }
}

fn write(
    line: &mut Line<'_, '_>,
    command: &[u8],
    path: &impl Emit,
    parameters: &[Parameter<'_>],
) -> Result<(), Full> {
    line.put(command)?;
    line.emit(path)?;
    for parameter in parameters {
        line.put(b" ")?;
        line.emit(parameter)?;
    }
    Ok(())
}

/// The domains of the recipients of a session, for RCPTDOMAINMAX (RFC 9422 4.3): hashes of the first few. One that is not
/// among them is counted as another one, so that the count is never too small by want of room.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Domains {
    hashes: [u32; Self::KEPT],
    count: u32,
}

impl Domains {
    const KEPT: usize = 8;

    /// Notes the domain of a recipient; how many there are.
    fn note(&mut self, path: &ForwardPath<'_>) -> u32 {
        let mut hash = Fnv(0x811c_9dc5);
        if let Some(mailbox) = path.mailbox() {
            // It takes all octets.
            let _ = mailbox.domain().emit(&mut hash);
        }
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        if !self.hashes.iter().take(count).any(|&kept| kept == hash.0) {
            if let Some(place) = self.hashes.get_mut(count) {
                *place = hash.0;
            }
            self.count = self.count.saturating_add(1);
        }
        self.count
    }
}

/// FNV-1a of 32 bits, without regard to ASCII case.
struct Fnv(u32);

impl Sink for Fnv {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193);
        }
        Ok(())
    }
}
