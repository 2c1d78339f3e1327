//! A message handed to one server: the client machine with its socket, its TLS and its clock.

use std::net::SocketAddr;

use scop_smtp_proto::client::TlsPolicy;
use scop_smtp_proto::policy::tls_rpt;

use crate::queue::{Failure, Outcome};

/// One address of one server, and how to speak with it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Its name, where it has one: for the certificate, and for reports.
    pub(crate) host: String,
    pub(crate) address: SocketAddr,
    pub(crate) lmtp: bool,
    /// TLS from the first octet.
    pub(crate) implicit_tls: bool,
    pub(crate) tls: TlsPolicy,
    /// The names of which the certificate must have one, from an authority that is trusted; any certificate is
    /// good where there is none.
    pub(crate) names: Vec<String>,
}

/// What came of one connection to one target.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// For each recipient, in order; or why this server could not be used at all, so that another may be tried.
    pub(crate) outcomes: Result<Vec<Outcome>, Failure>,
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
