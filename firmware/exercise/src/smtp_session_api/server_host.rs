//! The host of the server: what it answers.

use core::hint::black_box;

use scop_core::{Instant, Sink, SliceSink};
use scop_smtp_proto::Reply;
use scop_smtp_proto::auth::Credentials;
use scop_smtp_proto::auth::scram::{Nonce, StoredKeys};
use scop_smtp_proto::auth::server::ScramUser;
use scop_smtp_proto::server::{self, Server};

use super::{Pipe, Plan, Seen};
use crate::tally::Tally;

/// What the server is told: who is known, and what becomes of a message.
pub(super) struct ServerHost<'a> {
    plan: Plan<'a>,
    content: [u8; 96],
    len: usize,
}

impl<'a> ServerHost<'a> {
    pub(super) const fn new(plan: &Plan<'a>) -> Self {
        Self {
            plan: *plan,
            content: [0; 96],
            len: 0,
        }
    }

    pub(super) fn take(&mut self, octets: &[u8], tally: &mut Tally) {
        let mut room = SliceSink::new(self.content.get_mut(self.len..).unwrap_or_default());
        tally.check(room.put(octets).is_ok());
        self.len += octets.len();
    }

    pub(super) fn message(&self) -> &[u8] {
        self.content.get(..self.len).unwrap_or_default()
    }

    /// Answers what the machine asks until it waits; whether it is done.
    pub(super) fn turn(
        &mut self,
        server: &mut Server<'_>,
        down: &mut Pipe<'_>,
        seen: &mut Seen,
        tally: &mut Tally,
    ) -> Option<bool> {
        loop {
            match server.poll() {
                server::Step::Transmit => {
                    let octets = server.transmit();
                    down.put(octets).ok()?;
                    let count = octets.len();
                    server.transmitted(count, Instant(1)).ok()?;
                }
                server::Step::StartTls => server.tls_started(b"", Instant(1)).ok()?,
                server::Step::Event => self.answer(server, seen, tally)?,
                server::Step::Wait(until) => {
                    tally.check(server.deadline() == until);
                    return Some(false);
                }
                server::Step::Done => return Some(true),
            }
        }
    }

    fn answer(&self, server: &mut Server<'_>, seen: &mut Seen, tally: &mut Tally) -> Option<()> {
        let mut refusal = None;
        match server.event()? {
            server::Event::Mail { path, parameters } => {
                tally.check(!path.is_ascii() && parameters.find("SMTPUTF8").is_some());
                tally.check(server.envelope().utf8);
            }
            server::Event::Recipient { path, .. } => {
                let domain = path.mailbox().map(|mailbox| mailbox.domain());
                let is_foreign = domain.is_some_and(|domain| {
                    !domain.name().is_some_and(|name| name.is(b"example.net"))
                });
                refusal = is_foreign.then_some((550, "Not here"));
            }
            server::Event::MessageEnd { octets } => {
                tally.check(octets == self.len as u64);
                let with = server.session().with_keyword(server.envelope());
                tally.check(
                    with.starts_with("UTF8") && (with.ends_with("S") || with.ends_with("SA")),
                );
                seen.messages += 1;
            }
            server::Event::RecipientResult { index: 1 } => refusal = Some((452, "Full")),
            server::Event::Authenticate(credentials) => {
                let is_known = matches!(
                    credentials,
                    Credentials::Password {
                        password: b"pencil",
                        ..
                    }
                );
                refusal = (!is_known).then_some((535, "Unknown"));
            }
            server::Event::Scram { user, .. } => {
                let (salt, _) = StoredKeys::decoy(b"secret", user, self.plan.hash)?;
                let keys = StoredKeys::derive(b"pencil", &salt, black_box(2), self.plan.hash)?;
                let user = ScramUser {
                    salt: &salt,
                    iterations: 2,
                    keys,
                };
                tally.check(server.accept().is_err());
                return server
                    .scram(&user, &Nonce::from_random(black_box([9; 18])))
                    .ok();
            }
            server::Event::Discarded(_) => return Some(()),
            _ => {}
        }
        match refusal {
            Some((code, text)) => server.answer(&Reply::new(code, None, text).ok()?).ok(),
            None => server.accept().ok(),
        }
    }
}
