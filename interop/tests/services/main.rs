//! `scop receive` and `scop send` as programs, with mail programs that others wrote on their other side.
//!
//! Everything runs on loopback; the DNS is dnsmasq. The messages are those of `tests/smtp`, with what has gone
//! wrong somewhere.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod chains;
mod policy;
mod queue;
mod receive;
mod send;
mod trouble;
mod world;
