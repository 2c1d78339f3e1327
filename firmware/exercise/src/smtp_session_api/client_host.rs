//! The host of the client: what it orders, and what it is told.

use core::hint::black_box;

use scop_core::{Instant, Sink};
use scop_smtp_proto::auth::scram::{self, Nonce};
use scop_smtp_proto::auth::{self, Credentials};
use scop_smtp_proto::client::{self, Client, Fate, OrderError};
use scop_smtp_proto::parameter::{Body, Notify, Parameter};
use scop_smtp_proto::{ForwardPath, ReversePath};

use super::{Pipe, Plan, Seen};
use crate::tally::Tally;

/// What the client is told to do: greetings, one question, credentials, one message, QUIT.
pub(super) struct ClientHost<'a> {
    message: &'a [u8],
    is_binary: bool,
    questions: core::slice::Iter<'static, (&'static [u8], &'static [u8])>,
    exchange: Option<auth::client::Exchange<'a>>,
    wants_auth: bool,
    is_sent: bool,
}

impl<'a> ClientHost<'a> {
    const QUESTIONS: &'static [(&'static [u8], &'static [u8])] = &[
        (b"VRFY", b"ann"),
        (b"ETRN", b"@example.org"),
        (b"NOOP", b""),
        (b"XPAINT", b"red"),
    ];

    pub(super) fn new(plan: &Plan<'a>) -> Option<Self> {
        let exchange = match plan.mechanism {
            None => None,
            Some(mechanism) => {
                let credentials = Credentials::Password {
                    authorization: "",
                    user: "joe@example.org",
                    password: black_box(plan.password),
                };
                let mut limits = scram::Limits::DEFAULT;
                limits.min_iterations = 2;
                let scram = auth::client::Scram {
                    hash: plan.hash,
                    nonce: Nonce::from_random(black_box([7; 18])),
                    limits,
                };
                let exchange = auth::client::Exchange::new(mechanism, credentials).ok()?;
                Some(exchange.with_scram(scram))
            }
        };
        Some(Self {
            message: plan.message,
            is_binary: plan.by_chunks,
            questions: Self::QUESTIONS.iter(),
            wants_auth: exchange.is_some(),
            exchange,
            is_sent: false,
        })
    }

    /// Does what the machine asks for until it waits; whether it is done.
    pub(super) fn turn(
        &mut self,
        client: &mut Client<'_>,
        up: &mut Pipe<'_>,
        seen: &mut Seen,
        tally: &mut Tally,
    ) -> Option<bool> {
        let now = Instant(1);
        loop {
            match client.poll() {
                client::Step::Transmit => {
                    let octets = client.transmit();
                    up.put(octets).ok()?;
                    let count = octets.len();
                    client.transmitted(count, now).ok()?;
                }
                client::Step::Event => Self::note(client.event()?, seen, tally),
                client::Step::StartTls => client.tls_started(b"", now).ok()?,
                client::Step::Auth => {
                    // The proof of the server, or a challenge.
                    let answered = client.continue_auth(self.exchange.as_mut()?);
                    tally.check(answered.is_ok());
                }
                client::Step::Order => self.order(client, tally)?,
                client::Step::Recipient(index) => {
                    let path: &[u8] = match index {
                        0 => b"<ann@example.net>",
                        1 => b"<bob@example.com>",
                        2 => b"<Postmaster>",
                        _ => {
                            client.end_recipients().ok()?;
                            continue;
                        }
                    };
                    let mut room = [0; 32];
                    let mut room = &mut room[..];
                    let notify = [Parameter::write(&Notify::NEVER, &mut room).ok()?];
                    let path = ForwardPath::parse(black_box(path)).ok()?;
                    client.recipient(&path, &notify).ok()?;
                }
                client::Step::Content if self.message.is_empty() => {
                    client.content_end(now).ok()?;
                }
                client::Step::Content if self.is_binary => {
                    let octets = client.last_content(&mut self.message, now).ok()?;
                    up.put(octets).ok()?;
                }
                client::Step::Content => match client.content(&mut self.message, now) {
                    Ok(octets) => up.put(octets).ok()?,
                    Err(error) => {
                        tally.check(matches!(error, OrderError::Ended(_)));
                    }
                },
                client::Step::Wait(until) => {
                    tally.check(client.deadline() == Some(until));
                    return Some(false);
                }
                client::Step::Done => return Some(true),
                _ => return None,
            }
        }
    }

    fn order(&mut self, client: &mut Client<'_>, tally: &mut Tally) -> Option<()> {
        if let Some((verb, argument)) = self.questions.next() {
            return client.command(verb, argument).ok();
        }
        if core::mem::take(&mut self.wants_auth) {
            return client.authenticate(self.exchange.as_mut()?).ok();
        }
        if core::mem::replace(&mut self.is_sent, true) {
            return client.quit().ok();
        }
        tally.check(client.is_announced("SIZE") && client.start_tls().is_err());
        let body = if self.is_binary {
            Body::BinaryMime
        } else {
            Body::EightBitMime
        };
        let green = Parameter::new("XTINT", Some(black_box(b"green"))).ok()?;
        let red = Parameter::new("XTINT", Some(black_box(b"red"))).ok()?;
        let parameters = [body.parameter(), Parameter::SMTPUTF8, red];
        let sender = ReversePath::parse(black_box("<j\u{f6}e@example.org>".as_bytes())).ok()?;
        tally.check(client.mail(&sender, &[]).is_err());
        let refused = client.mail(&sender, &[Parameter::SMTPUTF8, green]);
        tally.check(matches!(refused, Err(OrderError::CannotSend(b"XTINT", _))));
        client.mail(&sender, &parameters).ok()
    }

    fn note(event: client::Event<'_>, seen: &mut Seen, tally: &mut Tally) {
        match event {
            client::Event::Delivered { reply, .. } => {
                tally.bytes(reply.raw());
                seen.delivered += 1;
            }
            client::Event::Failed {
                fate,
                cause: client::Cause::Reply { reply, .. },
                ..
            } => {
                tally.check(fate == Fate::NotDelivered && !reply.code().is_success());
                seen.refused += 1;
            }
            client::Event::Failed { .. } => seen.lost += 1,
            client::Event::CommandReply(reply) => {
                tally.bytes(reply.raw());
                seen.answers += 1;
            }
            _ => {}
        }
    }
}
