//! SPF, DKIM and DMARC of one message in one machine.
//!
//! [`Authenticator`] borrows the header and the facts of the connection, takes the body as it streams
//! by, and asks its parts' DNS queries side by side, so that a message costs about as many round trips
//! as its slowest part. The host sees one [`Lookup`].
//!
//! ```text
//! header ----+--> author domain --> DMARC tree walk --+
//!            +--> DKIM signatures --------------------+--> alignment --> verdict
//! body ------+                                        |
//! connection ----> SPF of HELO and MAIL FROM ---------+
//! ```
//!
//! # Limits
//! The queries of one message are bounded by [`Limits::max_queries`], whatever the message and the DNS
//! say. Memory is the size of the machine, about `2 * TEXT + 600 * N + 1400` octets: DKIM holds `N`
//! signatures, and each of the two SPF checks `TEXT` octets of names and records. DMARC itself has 300
//! octets; names are borrowed, and what a record says is kept in 12.

mod evaluate;
mod results;
mod verdict;

use core::net::IpAddr;

use scop_core::crypto::Provider;
use scop_core::{Answer, AnswerError, Lookup, Query, QueryId, Step, UnixTime};
use scop_dkim::verify::Verifier;
use scop_mime_core::HeaderBlock;
use scop_spf::{Evaluator, Identity, Request};

pub use results::claims;
pub use scop_dkim::verify::BodyEnded;
pub use verdict::{DmarcResult, Mechanism, Reason, Verdict};

use crate::author::Author;
use crate::discover::MAX_QUERIES;
use evaluate::Evaluation;

/// Tags of the queries of the parts.
const HELO: u8 = 0;
const MAIL_FROM: u8 = 1;
const DKIM: u8 = 2;
const DMARC: u8 = 3;

/// A part of the [`Authenticator`], for hosts that tell why a name was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// SPF of the name in HELO.
    Helo,
    /// SPF of the address in MAIL FROM.
    MailFrom,
    /// The keys of DKIM.
    Dkim,
    /// DMARC.
    Dmarc,
}

impl Part {
    /// Who asked a query of the machine; `None` for an id that is not of an [`Authenticator`].
    pub const fn of(id: QueryId) -> Option<Self> {
        match id.untagged() {
            Some((HELO, _)) => Some(Self::Helo),
            Some((MAIL_FROM, _)) => Some(Self::MailFrom),
            Some((DKIM, _)) => Some(Self::Dkim),
            Some((DMARC, _)) => Some(Self::Dmarc),
            _ => None,
        }
    }
}

/// What is known of the SMTP session that brought the message.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'h> {
    /// The client.
    pub ip: IpAddr,
    /// The argument of HELO or EHLO, as it came; empty when it is not known, and then not checked.
    pub helo: &'h [u8],
    /// The reverse-path without its angle brackets; empty when null. Internationalised domains are
    /// A-labels.
    pub mail_from: &'h [u8],
    /// The name of the host that checks, for the macros of SPF; may be empty.
    pub receiver: &'h [u8],
}

/// What authenticating a message may cost, and what is trusted.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Limits {
    /// Those of SPF, for each identity (RFC 7208 4.6.4: lookup bombs).
    pub spf: scop_spf::Limits,
    /// Those of DKIM (RFC 6376 8.4: many signatures, large keys).
    pub dkim: scop_dkim::verify::Limits,
    /// Whether a signature that passes with a test key (`t=y`) may give a DMARC pass. By default it may
    /// not: a message from a signer in testing mode is to be treated as if it were not signed (RFC 6376
    /// 3.6.1). Its result is there all the same.
    pub trust_test_keys: bool,
}

impl Limits {
    /// The defaults of the parts.
    pub const DEFAULT: Self = Self {
        spf: scop_spf::Limits::DEFAULT,
        dkim: scop_dkim::verify::Limits::DEFAULT,
        trust_test_keys: false,
    };

    /// How many queries a message asks at most, when `signatures` is the `N` of the [`Authenticator`].
    ///
    /// SPF for two identities; a key for each signature; one tree walk and the existence of the author
    /// domain; and for the domain of SPF and of each signature the names below the organizational
    /// domain, one less than in a walk (RFC 9989 4.10).
    pub const fn max_queries(&self, signatures: u32) -> u32 {
        let walk = MAX_QUERIES as u32;
        2 * self.spf.max_queries() + signatures + (walk + 1) + (1 + signatures) * (walk - 1)
    }
}

/// Authenticates one message: `N` DKIM signatures at most are verified, and SPF has `TEXT` octets for
/// each of its two checks.
///
/// ```
/// # use scop_core::{Answer, Lookup, Rdata, Txt, UnixTime, lookup};
/// # use scop_dmarc::{Authenticator, DmarcResult, authenticator::{Connection, Limits}};
/// # use scop_mime_core::Message;
/// let message = Message::split(b"From: news@example.org\r\n\r\nHello\r\n");
/// let connection = Connection {
///     ip: "192.0.2.1".parse().unwrap(),
///     helo: b"mx.example.org",
///     mail_from: b"bounce@example.org",
///     receiver: b"mx.example.net",
/// };
/// let mut authenticator = Authenticator::<10, 4096>::new(
///     message.header, Some(connection), scop_crypto::RUST_CRYPTO, UnixTime(1_800_000_000), &Limits::DEFAULT,
/// );
/// authenticator.body(message.body)?;
/// authenticator.finish_body()?;
/// let spf = [Rdata::Txt(Txt::joined(b"v=spf1 ip4:192.0.2.0/24 -all"))];
/// let dmarc = [Rdata::Txt(Txt::joined(b"v=DMARC1; p=reject"))];
/// let verdict = lookup::drive(&mut authenticator, |query| match query.name.to_string().as_str() {
///     "example.org." => Answer::records(&spf),
///     "_dmarc.example.org." => Answer::records(&dmarc),
///     _ => Answer::NxDomain(Default::default()),
/// });
/// assert_eq!(verdict.unwrap().result(), DmarcResult::Pass);
/// # Ok::<(), scop_dkim::verify::BodyEnded>(())
/// ```
#[derive(Debug)]
pub struct Authenticator<'h, 'p, const N: usize = 10, const TEXT: usize = 4096> {
    verdict: Verdict<'h, 'p, N, TEXT>,
}

impl<'h, 'p, const N: usize, const TEXT: usize> Authenticator<'h, 'p, N, TEXT> {
    /// Starts with the header of a message and, if known, the connection that brought it; without one
    /// there is no SPF. `now` is compared with the times of signatures.
    // Not inlined, so that the parts that it moves into place are not on the stack of the caller.
    #[inline(never)]
    pub fn new(
        header: HeaderBlock<'h>,
        connection: Option<Connection<'h>>,
        provider: Provider<'p>,
        now: UnixTime,
        limits: &Limits,
    ) -> Self {
        let spf = |connection: Connection<'h>, identity| {
            let request = Request {
                ip: connection.ip,
                helo: connection.helo,
                mail_from: connection.mail_from,
                identity,
                receiver: connection.receiver,
                now,
            };
            Evaluator::new(request, &limits.spf)
        };
        let has_name = connection.filter(|connection| !connection.helo.is_empty());
        let has_path = connection.filter(|connection| !connection.mail_from.is_empty());
        Self {
            verdict: Verdict {
                connection,
                helo: has_name.map(|connection| spf(connection, Identity::Helo)),
                mail_from: has_path.map(|connection| spf(connection, Identity::MailFrom)),
                dkim: Verifier::new(header, provider, now, &limits.dkim),
                dmarc: Evaluation::new(Author::of(header)),
                trust_test_keys: limits.trust_test_keys,
            },
        }
    }

    /// Takes some of the body, cut anywhere; its lines end in CRLF.
    ///
    /// # Errors
    /// After [`Self::finish_body`]; nothing changes then.
    pub fn body(&mut self, chunk: &[u8]) -> Result<(), BodyEnded> {
        self.verdict.dkim.body(chunk)
    }

    /// The body is complete.
    ///
    /// # Errors
    /// When it was already.
    pub fn finish_body(&mut self) -> Result<(), BodyEnded> {
        self.verdict.dkim.finish_body()
    }
}

impl<'h, 'p, const N: usize, const TEXT: usize> Lookup for Authenticator<'h, 'p, N, TEXT> {
    type Verdict = Verdict<'h, 'p, N, TEXT>;

    fn poll(&mut self) -> Step {
        let parts = &mut self.verdict;
        let mut is_waiting = false;
        let mut outward = |step, tag| match step {
            Step::Query(id) => Some(Step::Query(id.tagged(tag))),
            Step::Wait => {
                is_waiting = true;
                None
            }
            Step::Done => None,
        };
        // A query that was polled must be returned, so each part is asked only after the one before.
        for (part, tag) in [(&mut parts.helo, HELO), (&mut parts.mail_from, MAIL_FROM)] {
            if let Some(evaluator) = part
                && let Some(query) = outward(evaluator.poll(), tag)
            {
                return query;
            }
        }
        if let Some(query) = outward(parts.dkim.poll(), DKIM) {
            return query;
        }
        let evidence = verdict::evidence(
            parts.mail_from.as_ref().or(parts.helo.as_ref()),
            &parts.dkim,
            parts.trust_test_keys,
        );
        if let Some(query) = outward(parts.dmarc.poll(evidence), DMARC) {
            return query;
        }
        if is_waiting { Step::Wait } else { Step::Done }
    }

    fn query(&self, id: QueryId) -> Option<Query<'_>> {
        let parts = &self.verdict;
        match id.untagged()? {
            (HELO, id) => parts.helo.as_ref()?.query(id),
            (MAIL_FROM, id) => parts.mail_from.as_ref()?.query(id),
            (DKIM, id) => parts.dkim.query(id),
            (DMARC, id) => parts.dmarc.query(id),
            _ => None,
        }
    }

    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
        let parts = &mut self.verdict;
        match (
            id.untagged().ok_or(AnswerError)?,
            &mut parts.helo,
            &mut parts.mail_from,
        ) {
            ((HELO, id), Some(helo), _) => helo.answer(id, answer),
            ((MAIL_FROM, id), _, Some(mail_from)) => mail_from.answer(id, answer),
            ((DKIM, id), ..) => parts.dkim.answer(id, answer),
            ((DMARC, id), ..) => parts.dmarc.answer(id, answer),
            _ => Err(AnswerError),
        }
    }

    fn verdict(&self) -> Option<&Self::Verdict> {
        self.verdict.is_complete().then_some(&self.verdict)
    }
}
