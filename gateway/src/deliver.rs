//! A message handed to one server: the client machine with its socket, its TLS and its clock.
//!
//! [`Pool::deliver`] gives each recipient its outcome, or says why the server could not be used at all. A
//! connection that was good is kept for the next message to the same target for a short time; there are never
//! more than so many to one address, and who waits for one gets it in the order of coming. Every wait has an end,
//! also where a server takes nothing or says nothing. An address that was not reached is left alone for a while, and
//! who waits for it is told so at once.
//!
//! What a message needs and the server does not announce is not sent: REQUIRETLS (RFC 8689 4.2.1), SMTPUTF8 (RFC
//! 6531 3.5), octets above 127 (RFC 6152 3). DSN is left out, and the outcome says so (RFC 3461 5.2.2).

mod connection;
mod content;
mod fixed;
mod letter;
mod pool;
mod reply;
mod rest;
#[cfg(test)]
mod tests;
mod wire;
mod work;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use scop_smtp_proto::client::{Timeouts, TlsPolicy};
use scop_smtp_proto::policy::tls_rpt;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

pub(crate) use fixed::Fixed;
pub(crate) use pool::{BUSY, Pool};
#[cfg(test)]
pub(crate) use rest::Rest;

use crate::queue::{Failure, Outcome};
use crate::tls::client::Trust;
use letter::Letter;

/// One address of one server, and how to speak with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its name, where it has one: for the certificate, and for reports.
    pub(crate) host: String,
    pub(crate) address: SocketAddr,
    pub(crate) lmtp: bool,
    /// TLS from the first octet.
    pub(crate) implicit_tls: bool,
    pub(crate) tls: TlsPolicy,
    /// The names of which the certificate must have one, from an authority that is trusted; any certificate is
    /// good where there is none. With names TLS is required, whatever `tls` says.
    pub(crate) names: Vec<String>,
}

/// What came of one connection to one target.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// For each recipient, in order; or why this server could not be used at all, so that another may be tried.
    pub(crate) outcomes: Result<Vec<Outcome>, Failure>,
    /// Where it failed and there are outcomes, TLS was wanted and not required, and the message went in the clear.
    pub(crate) tls: TlsResult,
}

/// What TLS came to, for the log and for reports (RFC 8460 4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TlsResult {
    /// It did not come so far.
    None,
    /// The server offers none, or there is no need for it.
    Plain,
    /// Version and cipher suite in words; whether the certificate was one of the names from a trusted authority.
    Encrypted { words: String, verified: bool },
    /// What failed.
    Failed {
        kind: tls_rpt::ResultType,
        words: String,
    },
}

/// How a pool works.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// What the client calls itself in EHLO.
    pub(crate) name: String,
    pub(crate) trust: Trust,
    /// Who the client proves to be before anything is sent; nobody without.
    pub(crate) credentials: Option<Credentials>,
    /// Connections to one address at once.
    pub(crate) connections_per_host: usize,
    /// How long a delivery waits until one of them is free.
    pub(crate) turn: Duration,
    /// How long an address that was not reached is left alone; not at all where it is zero.
    pub(crate) rest: Duration,
    /// Messages of one connection.
    pub(crate) messages: u32,
    /// How long a connection is used.
    pub(crate) age: Duration,
    /// How long it waits for another message.
    pub(crate) idle: Duration,
    /// For TCP to connect.
    pub(crate) connect: Duration,
    /// For QUIT and its reply.
    pub(crate) quit: Duration,
    /// For all other waits; `block` is also for what is sent to be taken.
    pub(crate) timeouts: Timeouts,
}

/// For AUTH.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: Zeroizing<String>,
}

/// A message for a connection.
#[derive(Debug)]
struct Job {
    letter: Arc<Letter>,
    /// Which recipients of the letter.
    recipients: Vec<usize>,
    answer: oneshot::Sender<Answer>,
}

/// What a connection made of a job.
#[derive(Debug)]
struct Answer {
    /// For each recipient of the job, none for those that were not taken up; or why the session did not come so far.
    outcomes: Result<Vec<Option<Outcome>>, Failure>,
    tls: TlsResult,
    /// The connection may take another job.
    is_reusable: bool,
}

impl Settings {
    pub(crate) fn new(name: &str, trust: Trust) -> Self {
        Self {
            name: name.to_owned(),
            trust,
            credentials: None,
            connections_per_host: 4,
            turn: Duration::from_secs(600),
            rest: Duration::ZERO,
            messages: 100,
            age: Duration::from_secs(300),
            idle: Duration::from_secs(5),
            connect: Duration::from_secs(30),
            quit: Duration::from_secs(5),
            timeouts: Timeouts::DEFAULT,
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Target {
    /// The one server of a configuration. With a name its certificate must be good for it, and TLS is required;
    /// without, TLS is used where the server has it, with any certificate (RFC 7435).
    pub(crate) fn fixed(
        lmtp: bool,
        address: SocketAddr,
        host: Option<&str>,
        implicit_tls: bool,
    ) -> Self {
        Self {
            host: host.unwrap_or_default().to_owned(),
            address,
            lmtp,
            implicit_tls,
            tls: TlsPolicy::Opportunistic,
            names: host.map(str::to_owned).into_iter().collect(),
        }
    }

    /// How it is called in outcomes.
    fn name(&self) -> String {
        if self.host.is_empty() {
            self.address.ip().to_string()
        } else {
            self.host.clone()
        }
    }
}
