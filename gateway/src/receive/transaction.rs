//! The content of one message: from the consent to DATA or BDAT to the reply for it.
//!
//! The header is collected; then the checks begin, and the body goes through them into [`Body`]. At the end the
//! fields of this host go before the header, and the message is committed. Only then comes 250. Whoever goes away
//! before leaves nothing.
//!
//! Each message has an id, which is in its Received field, in the reply, in the names of files and in the log.
//!
//! A client that goes away between the end of its message and the reply may send it again (RFC 1047): that it is
//! gone is not seen while the message is committed, and is not looked for.

use std::sync::Arc;
use std::time::Instant;

use rustls::CipherSuite;
use scop_core::{Emit as _, UnixTime};
use scop_mime_core::header::date::Zone;
use scop_mime_core::{DateTime, HeaderBlock, HeaderEnd, find_header_end};
use scop_smtp_proto::extension::Protocol;
use scop_smtp_proto::server::{Discarded, Event, Server};
use scop_smtp_proto::{Reply, Status};
use tracing::{info, warn};

use super::checks::{Checker, Checks, Client, Findings};
use super::config::Kind;
use super::content::{Body, Share};
use super::deliver::Parcel;
use super::replies;
use super::session::wire::{Turn, Wire};
use super::session::{Host, Mail, SHOWN, answer};
use super::trace::{self, Arrival};
use crate::error::Error;
use crate::message::{MAX_HEADER, reason};
use crate::spool::{Envelope, Id, is_full};
use crate::terminal::shown_within;

/// Received fields in a message that goes in circles (RFC 5321 6.3).
const MAX_HOPS: usize = 100;

/// Octets that the checks of one message hold besides its header, about: their state and the questions under way.
const CHECKS: usize = 64 << 10;

/// Octets of memory for the longest header: it is there twice, and may come with the start of a body.
pub(super) const LONGEST_HEADER: usize = 2 * (MAX_HEADER + (64 << 10)) + CHECKS;

/// What comes next of a message.
enum Next {
    /// Input that may be content.
    Input,
    /// It is whole, and the machine awaits the reply.
    End,
    /// It is not to be kept; the client is told.
    Gone(&'static str),
}

/// The header while it arrives.
struct Head {
    octets: Vec<u8>,
    share: Share,
    resume: usize,
    /// Octets that the checks will need.
    checks: usize,
    /// Where it ends, with the empty line behind it.
    end: usize,
}

impl Head {
    /// Takes octets, and says whether its end is among them.
    fn take(&mut self, octets: &[u8]) -> Result<bool, Reply<'static>> {
        // The checks keep it, too.
        let need = self.octets.len().saturating_add(octets.len());
        if !self
            .share
            .grow(need.saturating_mul(2).saturating_add(self.checks))
        {
            return Err(replies::NO_SPACE);
        }
        self.octets.extend_from_slice(octets);
        match find_header_end(&self.octets, self.resume) {
            HeaderEnd::Found { body_start, .. } if body_start <= MAX_HEADER => {
                self.end = body_start;
                Ok(true)
            }
            HeaderEnd::NotYet { resume } if self.octets.len() <= MAX_HEADER => {
                self.resume = resume;
                Ok(false)
            }
            _ => Err(replies::HEADER_TOO_LARGE),
        }
    }
}

impl<'r> Host<'r> {
    /// Takes the content of a message to which the host has consented.
    pub(super) async fn message(&mut self, server: &mut Server<'_>, wire: &mut Wire) {
        let with = server.session().with_keyword(server.envelope());
        // Content does not come without MAIL.
        let mail = self.mail.take().unwrap_or_default();
        let Ok(id) = Id::new() else {
            warn!(client = %self.ip, "no randomness for the name of a message");
            return server.handle_closed();
        };
        let taken = self.content(server, wire, &id, &mail, with).await;
        let figures = &self.receiver.figures;
        let from = shown_within(mail.from.as_bytes(), SHOWN);
        let refusal = match taken {
            Ok(Taken { octets, checks }) => {
                figures.messages.add(["accepted"]);
                figures.octets.inc_by(octets);
                let user = self.user.as_ref().map(|user| &*user.name);
                info!(%id, client = %self.ip, user, from, recipients = mail.to.len(), octets, checks, "received");
                None
            }
            Err(Ended::Gone(result)) => {
                figures.messages.add([result]);
                info!(%id, client = %self.ip, from, "not whole");
                return;
            }
            Err(Ended::Refused(reply)) => {
                let is_transient = reply.code().is_transient();
                figures
                    .messages
                    .add([if is_transient { "deferred" } else { "rejected" }]);
                info!(%id, client = %self.ip, from, %reply, "refused");
                Some(reply)
            }
        };
        let text = format!("Taken as {id}");
        // An id is short and plain.
        let reply = refusal.or(Reply::new(250, Some(Status::new(2, 0, 0)), &text).ok());
        conclude(server, wire, reply.as_ref(), mail.to.len()).await;
    }

    /// Returns when the message is on disk.
    async fn content(
        &mut self,
        server: &mut Server<'_>,
        wire: &mut Wire,
        id: &Id,
        mail: &Mail,
        with: &'static str,
    ) -> Result<Taken, Ended> {
        let receiver = self.receiver;
        let (mut head, mut is_whole) = self.header(server, wire).await?;
        let rest = head.octets.split_off(head.end);
        let (header, share) = (head.octets, head.share);
        // What is refused anyway is not checked.
        let mut fault = judge(&header)
            .and_then(|()| self.judge_author(id, &header))
            .err();
        let helo = self.helo.clone();
        let checker = self.checker().filter(|_| fault.is_none());
        let mut checks = checker.map(|checker| {
            let client = Client {
                ip: self.ip,
                helo: &helo,
                mail_from: &mail.from,
            };
            checker.begin(&header, client)
        });
        let mut body = Body::new(&self.client.memory, &receiver.folder);
        if let Some(checks) = &mut checks {
            checks.body(&rest);
        }
        if fault.is_none() && !body.take(&rest) {
            fault = spill(&mut body, &rest, id).await;
        }
        drop(rest);
        while !is_whole {
            match self.next(server, wire).await {
                Next::Input => {
                    let content = wire.take(server);
                    if content.is_empty() || fault.is_some() {
                        continue;
                    }
                    if let Some(checks) = &mut checks {
                        checks.body(content);
                    }
                    if !body.take(content) {
                        fault = spill(&mut body, content, id).await;
                    }
                }
                Next::End => is_whole = true,
                Next::Gone(result) => return Err(Ended::Gone(result)),
            }
        }
        if let Some(reply) = fault {
            return Err(Ended::Refused(reply));
        }
        let Some(Event::MessageEnd { octets }) = server.event() else {
            return Err(Ended::Gone("broken"));
        };
        let findings = match checks {
            Some(checks) => self.conclude_checks(id, checks).await,
            None => Findings::default(),
        };
        if findings.rejected && receiver.enforce {
            info!(%id, client = %self.ip, checks = findings.summary, "checked");
            return Err(Ended::Refused(replies::DMARC));
        }
        let head = self.trace(wire, id, mail, with, &findings, &header)?;
        drop(share);
        let mut places = mail.places.clone();
        places.sort_unstable();
        places.dedup();
        let parcel = Parcel {
            id: id.clone(),
            envelope: Envelope {
                arrived: wall_clock(),
                client: self.ip.to_string(),
                helo: helo.clone(),
                user: self
                    .user
                    .as_ref()
                    .map_or_else(String::new, |user| user.name.clone()),
                from: format!("<{}>", mail.from),
                parameters: mail.parameters.clone(),
                to: mail.to.clone(),
            },
            places,
            head,
            body,
        };
        self.commit(parcel).await?;
        Ok(Taken {
            octets,
            checks: findings.summary,
        })
    }

    /// Collects the header; all of the message is one when it ends with it.
    async fn header(
        &mut self,
        server: &mut Server<'_>,
        wire: &mut Wire,
    ) -> Result<(Head, bool), Ended> {
        let mut head = Head {
            octets: Vec::new(),
            share: self.client.memory.share(),
            resume: 0,
            checks: self.checker().map_or(0, |_| CHECKS),
            end: 0,
        };
        let mut fault = None;
        loop {
            match self.next(server, wire).await {
                Next::Input => {
                    let content = wire.take(server);
                    // Its octets are read all the same.
                    if fault.is_some() {
                        continue;
                    }
                    match head.take(content) {
                        Ok(true) => return Ok((head, false)),
                        Ok(false) => {}
                        Err(reply) => fault = Some(reply),
                    }
                }
                Next::End => {
                    head.end = head.octets.len();
                    return fault.map_or(Ok((head, true)), |reply| Err(Ended::Refused(reply)));
                }
                Next::Gone(result) => return Err(Ended::Gone(result)),
            }
        }
    }

    /// The checks for what comes here: mail from outside. A user has logged in; and before LMTP stands a server of our
    /// own, whose client is not known here: without SPF, DMARC would fail for what it had passed.
    fn checker(&self) -> Option<&'r Checker> {
        let checker = self.receiver.checker.as_ref();
        checker.filter(|_| self.desk.kind == Kind::Mx)
    }

    async fn conclude_checks(&self, id: &Id, checks: Checks<'_>) -> Findings {
        let begin = Instant::now();
        let findings = checks.finish().await;
        let figures = &self.receiver.figures;
        figures.check_seconds.observe(begin.elapsed().as_secs_f64());
        for &(method, result) in &findings.results {
            figures.checks.add([method, result]);
        }
        for note in &findings.notes {
            warn!(%id, note = shown_within(note.as_bytes(), SHOWN), "checks");
        }
        findings
    }

    /// The header as it is kept: ours before it (RFC 7208 9.1 has the results above Received), and nothing in it
    /// that claims to be ours.
    fn trace(
        &self,
        wire: &Wire,
        id: &Id,
        mail: &Mail,
        with: &str,
        findings: &Findings,
        header: &[u8],
    ) -> Result<Vec<u8>, Ended> {
        let suite = wire.channel().tls().map(|(_, suite)| iana(suite));
        let sole = (mail.to.as_slice().first()).filter(|_| mail.to.len() == 1);
        let arrival = Arrival {
            ip: self.ip,
            helo: self.helo.as_bytes(),
            by: &self.receiver.name,
            with,
            id: id.as_str(),
            recipient: sole.map(|sole| sole.path.trim_matches(['<', '>'])),
            tls: suite.as_deref(),
            at: wall_clock(),
        };
        let fault = |error: Error| {
            warn!(%id, %error, "cannot be kept");
            Ended::Refused(replies::STORAGE)
        };
        let mut head = Vec::with_capacity(header.len().saturating_add(1024));
        if self.desk.way.destination.is_final() {
            match trace::return_path(&mail.from) {
                Ok(field) => head.extend_from_slice(&field),
                Err(error) => warn!(%id, %error, "no Return-Path"),
            }
        }
        head.extend_from_slice(&findings.fields);
        head.extend_from_slice(&trace::received(&arrival).map_err(fault)?);
        if self.desk.kind.is_submission() {
            complete(&mut head, header, id, &self.receiver.name);
        }
        // The server before this one has written what it found, and its word is as good as ours.
        if self.desk.kind == Kind::Lmtp {
            head.extend_from_slice(header);
            return Ok(head);
        }
        let authserv_id = &self.receiver.authserv_id;
        let kept = trace::without_claims(header, authserv_id).map_err(fault)?;
        if kept.removed > 0 {
            info!(%id, removed = kept.removed, "results of checks that claim to be ours are removed");
        }
        for piece in kept.pieces {
            head.extend_from_slice(piece);
        }
        Ok(head)
    }

    async fn commit(&self, mut parcel: Parcel) -> Result<(), Ended> {
        let way = Arc::clone(&self.desk.way);
        if way.destination.is_nowhere() {
            return Ok(());
        }
        let begin = Instant::now();
        let id = parcel.id.clone();
        let work = tokio::task::spawn_blocking(move || way.destination.commit(&mut parcel));
        let committed = match work.await {
            Ok(committed) => committed,
            Err(error) => Err(std::io::Error::other(error)),
        };
        self.receiver
            .figures
            .commit_seconds
            .observe(begin.elapsed().as_secs_f64());
        committed.map_err(|error| Ended::Refused(storage(&id, &error)))
    }

    /// Goes on until there may be content, or none comes any more. Between two chunks there may be commands.
    async fn next(&mut self, server: &mut Server<'_>, wire: &mut Wire) -> Next {
        loop {
            match wire.turn(server).await {
                Turn::Input => return Next::Input,
                Turn::Event => match server.event() {
                    Some(Event::MessageEnd { .. }) => return Next::End,
                    Some(Event::Discarded(why)) => {
                        return Next::Gone(match why {
                            Discarded::BareLineEnd | Discarded::TooLarge => "rejected",
                            _ => "broken",
                        });
                    }
                    Some(Event::Hello { domain, .. }) => {
                        self.helo = String::from_utf8_lossy(domain).into_owned();
                        answer(server, wire, None).await;
                    }
                    _ => answer(server, wire, None).await,
                },
                // They come again.
                Turn::StartTls | Turn::Done => return Next::Gone("broken"),
            }
        }
    }
}

/// A message on disk.
struct Taken {
    octets: u64,
    checks: String,
}

/// Why a message was not taken.
enum Ended {
    /// With the result for the figures; the client was told, or is gone.
    Gone(&'static str),
    Refused(Reply<'static>),
}

/// Answers for the message, in LMTP for each of its recipients.
async fn conclude(
    server: &mut Server<'_>,
    wire: &mut Wire,
    reply: Option<&Reply<'_>>,
    recipients: usize,
) {
    if server.session().protocol == Protocol::Smtp {
        return answer(server, wire, reply).await;
    }
    answer(server, wire, None).await;
    for _ in 0..recipients {
        if wire.turn(server).await != Turn::Event {
            return;
        }
        answer(server, wire, reply).await;
    }
}

/// What a header alone is refused for.
fn judge(header: &[u8]) -> Result<(), Reply<'static>> {
    if let Some(b' ' | b'\t') = header.first() {
        return Err(replies::BAD_HEADER);
    }
    if trace::hops(header) > MAX_HOPS {
        return Err(replies::LOOP);
    }
    Ok(())
}

/// Adds what RFC 6409 8.2 and 8.3 let a submission server add, above a header that lacks it: a message without them is
/// more likely to be refused on its way. All else stays as the user has written it.
fn complete(head: &mut Vec<u8>, header: &[u8], id: &Id, name: &str) {
    let has = |wanted: &[u8]| {
        let mut fields = HeaderBlock::new(header).fields();
        fields.any(|field| field.is(wanted))
    };
    if !has(b"Date")
        && let Some(date) = DateTime::from_unix(wall_clock(), Zone::UTC)
    {
        head.extend_from_slice(b"Date: ");
        // A vector is never full.
        let _ = date.emit(head);
        head.extend_from_slice(b"\r\n");
    }
    if !has(b"Message-ID") {
        head.extend_from_slice(format!("Message-ID: <{id}@{name}>\r\n").as_bytes());
    }
}

/// To disk with these octets and all before them; what is said when that fails.
async fn spill(body: &mut Body, octets: &[u8], id: &Id) -> Option<Reply<'static>> {
    let spilled = body.spill(octets).await;
    spilled.err().map(|error| storage(id, &error))
}

fn storage(id: &Id, error: &std::io::Error) -> Reply<'static> {
    warn!(%id, error = reason(error), "cannot be kept");
    if is_full(error) {
        replies::NO_SPACE
    } else {
        replies::STORAGE
    }
}

/// The name that the registry has, and Received with it.
fn iana(suite: CipherSuite) -> String {
    let name = suite.as_str().unwrap_or_default();
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name.to_owned(),
    }
}

fn wall_clock() -> UnixTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::content::Memory;

    #[test]
    fn the_checks_are_counted_with_the_header() {
        let memory = Memory::new(CHECKS + 100);
        let head = |checks| Head {
            octets: Vec::new(),
            share: memory.share(),
            resume: 0,
            checks,
            end: 0,
        };
        let mut first = head(CHECKS);
        assert!(matches!(first.take(b"A: b\r\n\r\n"), Ok(true)));
        assert!(head(CHECKS).take(b"A: b\r\n\r\n").is_err());
        assert!(matches!(head(0).take(b"A: b\r\n\r\n"), Ok(true)));
        drop(first);
        assert!(head(CHECKS).take(b"A: b\r\n\r\n").is_ok());
    }
}
