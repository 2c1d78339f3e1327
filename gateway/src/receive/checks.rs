//! DKIM, SPF and DMARC of a message while it arrives, and the fields that say what was found
//! (RFC 6376, RFC 7208, RFC 9989; RFC 8601 and RFC 7208 9.1).
//!
//! Lookups begin with the header. The body is hashed as it comes, and answers are taken then; at the end there
//! is little left to wait for. What the DNS does not answer within the budget of [`Checker`] is a temporary
//! error in the fields.
//!
//! Contract: a check never fails. What cannot stand in a field is left out of it, and [`Findings::notes`] says
//! so; results that a fault of this program hides are `temperror`, never `pass`, and never `none`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use scop_core::{Emit as _, Lookup as _, UnixTime};
use scop_crypto::RUST_CRYPTO;
use scop_dkim::verify::{DkimResult, SignatureResult};
use scop_dmarc::Authenticator;
use scop_dmarc::authenticator::{Connection, Limits, Verdict};
use scop_dmarc::policy::Disposition;
use scop_mime_core::header::auth_results::WriteError;
use scop_mime_core::{AuthResultsWriter, HeaderBlock};
use scop_spf::received_spf::ReceivedSpfError;
use scop_spf::{Identity, ReceivedSpf, Request};

use crate::command::check::now;
use crate::error::Error;
use crate::resolve::driver::{DEADLINE, Driver};
use crate::resolve::{Outcome, Resolver};

/// The longest name of a checker, which is that of a host as a rule (RFC 8601 2.5).
const MAX_NAME: usize = 255;

/// What the checks of all messages have in common.
#[derive(Debug)]
pub(crate) struct Checker {
    resolver: Arc<Resolver>,
    /// Can stand in a field.
    authserv_id: String,
    /// How long the end of a message waits for the DNS.
    budget: Duration,
}

/// Who sends a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client<'a> {
    pub(crate) ip: IpAddr,
    /// As given to EHLO or HELO.
    pub(crate) helo: &'a str,
    /// The reverse path without brackets; empty for a bounce.
    pub(crate) mail_from: &'a str,
}

/// The check of one message.
#[derive(Debug)]
pub(crate) struct Checks<'h> {
    checker: &'h Checker,
    connection: Connection<'h>,
    now: UnixTime,
    driver: Driver,
    /// About 50 KB.
    authenticator: Box<Authenticator<'h, 'static>>,
}

/// What was found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Received-SPF and Authentication-Results, with their line ends.
    pub(crate) fields: Vec<u8>,
    /// The author's domain asks that the message be refused (`p=reject`).
    pub(crate) rejected: bool,
    /// For the log: `dkim=pass spf=fail dmarc=pass`.
    pub(crate) summary: String,
    /// Method and result, as in Authentication-Results: of each signature, of each identity of SPF, of DMARC.
    pub(crate) results: Vec<(&'static str, &'static str)>,
    /// Questions that the checks asked.
    pub(crate) lookups: usize,
    /// Of these, without an answer.
    pub(crate) failed_lookups: usize,
    /// For the log, with the id of the message: what went wrong in the checks themselves.
    pub(crate) notes: Vec<String>,
}

impl Checker {
    /// # Errors
    /// When the name cannot stand in Authentication-Results (RFC 8601 2.5), or has more than 255 octets.
    pub(crate) fn new(resolver: Arc<Resolver>, authserv_id: String) -> Result<Self, Error> {
        if authserv_id.len() > MAX_NAME {
            return Err(Error::new("authserv_id", "has more than 255 octets"));
        }
        AuthResultsWriter::new(&mut Vec::new(), authserv_id.as_bytes())
            .and_then(AuthResultsWriter::finish)
            .map_err(|rule| Error::new("authserv_id", rule))?;
        Ok(Self {
            resolver,
            authserv_id,
            budget: DEADLINE,
        })
    }

    /// The same, with so much time for the DNS at the end of a message.
    #[cfg(test)]
    pub(crate) fn within(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// Begins with a header, whose lines end in CRLF; the empty line behind it may be there or not. The first
    /// questions go out at once, so this is called on a runtime.
    pub(crate) fn begin<'h>(&'h self, header: &'h [u8], client: Client<'h>) -> Checks<'h> {
        self.begin_at(header, client, now())
    }

    fn begin_at<'h>(&'h self, header: &'h [u8], client: Client<'h>, now: UnixTime) -> Checks<'h> {
        let connection = Connection {
            // A socket for both families names IPv4 clients as `::ffff:192.0.2.1`.
            ip: client.ip.to_canonical(),
            helo: client.helo.as_bytes(),
            mail_from: client.mail_from.as_bytes(),
            receiver: self.authserv_id.as_bytes(),
        };
        let mut checks = Checks {
            checker: self,
            connection,
            now,
            driver: Driver::new(Arc::clone(&self.resolver)).within(self.budget),
            authenticator: Box::new(Authenticator::new(
                HeaderBlock::new(header),
                Some(connection),
                RUST_CRYPTO,
                now,
                &Limits::DEFAULT,
            )),
        };
        checks.advance();
        checks
    }
}

impl Checks<'_> {
    /// Takes some of the body, cut anywhere, whose lines end in CRLF.
    pub(crate) fn body(&mut self, chunk: &[u8]) {
        // It is refused after the end of the body only, and that comes with `finish`.
        let _ = self.authenticator.body(chunk);
        self.advance();
    }

    fn advance(&mut self) {
        self.driver.advance(&mut *self.authenticator);
    }

    /// The body is complete: waits for the DNS, no longer than the budget.
    pub(crate) async fn finish(mut self) -> Findings {
        let _ = self.authenticator.finish_body();
        let driven = self.driver.drive(&mut *self.authenticator).await;
        let mut findings = match (driven, self.authenticator.verdict()) {
            (Ok(()), Some(verdict)) => self.conclude(verdict),
            _ => self.hidden("the check did not come to an end"),
        };
        let asked = self.driver.asked();
        let is_failed = |reply: &Outcome| matches!(reply, Outcome::Failed { .. });
        findings.lookups = asked.len();
        findings.failed_lookups = asked
            .iter()
            .filter(|asked| {
                asked
                    .reply
                    .as_ref()
                    .is_some_and(|reply| is_failed(&reply.outcome))
            })
            .count();
        findings
    }

    fn conclude(&self, verdict: &Verdict<'_, '_>) -> Findings {
        let mut field = Vec::new();
        if let Err(rule) = verdict.write_results(self.checker.authserv_id.as_bytes(), &mut field) {
            return self.hidden(format_args!("Authentication-Results: {rule}"));
        }
        let mut findings = Findings {
            rejected: verdict.disposition() == Disposition::Reject,
            ..Findings::default()
        };
        if let Some(spf) = verdict.spf() {
            match self.received_spf(spf, &mut findings.notes) {
                Ok(field) => findings.fields = field,
                Err(rule) => findings.notes.push(format!("no Received-SPF: {rule}")),
            }
        }
        findings.fields.append(&mut field);
        let signatures = verdict.dkim().iter().map(SignatureResult::result);
        // Without a signature that was looked at, as write_results has it.
        let unsigned = match verdict.skipped_signatures() {
            0 => "none",
            _ => "policy",
        };
        let best = signatures
            .clone()
            .find(|&result| result == DkimResult::Pass)
            .or(signatures.clone().next())
            .map_or(unsigned, DkimResult::as_str);
        let spf = verdict.spf().map_or("none", |spf| spf.result().as_str());
        let dmarc = verdict.result().as_str();
        findings.summary = format!("dkim={best} spf={spf} dmarc={dmarc}");
        let identities = [verdict.mail_from(), verdict.helo()].into_iter().flatten();
        let unsigned = Some(unsigned).filter(|_| verdict.dkim().is_empty());
        findings.results = signatures
            .map(DkimResult::as_str)
            .chain(unsigned)
            .map(|result| ("dkim", result))
            .chain(identities.map(|spf| ("spf", spf.result().as_str())))
            .chain([("dmarc", dmarc)])
            .collect();
        findings
    }

    /// One field, of the identity that counts: MAIL FROM, or HELO for a bounce. A name in HELO that no field
    /// can hold is left out, unless it is what was checked.
    fn received_spf(
        &self,
        spf: &scop_spf::Verdict<'_>,
        notes: &mut Vec<String>,
    ) -> Result<Vec<u8>, ReceivedSpfError> {
        let connection = &self.connection;
        let identity = match connection.mail_from {
            [] => Identity::Helo,
            _ => Identity::MailFrom,
        };
        let request = Request {
            ip: connection.ip,
            helo: connection.helo,
            mail_from: connection.mail_from,
            identity,
            receiver: connection.receiver,
            now: self.now,
        };
        let field = ReceivedSpf::new(request, spf);
        let field = match (field, identity) {
            (Err(rule), Identity::MailFrom) => {
                let nameless = Request {
                    helo: b"",
                    ..request
                };
                let field = ReceivedSpf::new(nameless, spf)?;
                notes.push(format!("Received-SPF without the name in HELO: {rule}"));
                field
            }
            (field, _) => field?,
        };
        Ok(field.to_vec())
    }

    /// Findings of a check whose results are not to be had: a fault of this program. A later try, or another
    /// host, may come to results, so these are temporary errors (RFC 8601 2.7).
    fn hidden(&self, why: impl std::fmt::Display) -> Findings {
        let results = vec![
            ("dkim", "temperror"),
            ("spf", "temperror"),
            ("dmarc", "temperror"),
        ];
        let mut fields = Vec::new();
        let write = |fields: &mut Vec<u8>| -> Result<(), WriteError> {
            let mut field = AuthResultsWriter::new(fields, self.checker.authserv_id.as_bytes())?;
            for (method, result) in &results {
                field.result(method.as_bytes(), result.as_bytes())?;
            }
            field.finish()
        };
        let mut notes = vec![format!("{why}; this is a fault of scop")];
        if let Err(rule) = write(&mut fields) {
            fields.clear();
            notes.push(format!("no Authentication-Results: {rule}"));
        }
        Findings {
            fields,
            summary: "dkim=temperror spf=temperror dmarc=temperror".to_owned(),
            results,
            notes,
            ..Findings::default()
        }
    }
}

#[cfg(test)]
mod tests;
