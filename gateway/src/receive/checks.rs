//! DKIM, SPF and DMARC of a message while it arrives.

use std::net::IpAddr;
use std::sync::Arc;

use crate::resolve::Resolver;

/// What the checks of all messages have in common.
#[derive(Debug)]
pub(crate) struct Checker {
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) authserv_id: String,
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

/// What was found out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    /// Received-SPF and Authentication-Results, with their line ends.
    pub(crate) fields: Vec<u8>,
    /// The author's domain asks that the message be refused (`p=reject`).
    pub(crate) rejected: bool,
    /// For the log: `dkim=pass spf=fail dmarc=pass`.
    pub(crate) summary: String,
}
