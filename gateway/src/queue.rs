//! Messages of a spool on their way out: when each is tried, what became of each recipient, and what the
//! sender is told.

use crate::spool::Entry;

/// What became of one recipient in one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The next server has it.
    Delivered {
        /// Who took it.
        host: String,
        /// Its reply, on one line.
        reply: String,
        /// It promised to report on success (RFC 3461 5.2.2).
        reports: bool,
    },
    /// It never will.
    Failed(Failure),
    /// Not now.
    Deferred(Failure),
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// RFC 3463: `5.1.1`.
    pub(crate) status: String,
    /// Who said so; none where nobody was reached.
    pub(crate) host: Option<String>,
    /// What that host said, on one line, code first.
    pub(crate) reply: Option<String>,
    /// In words of our own.
    pub(crate) why: String,
}

/// A message that is being delivered; shared, because the recipients of several domains are tried side by side.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) entry: Entry,
    /// What is sent before the message: the signatures.
    pub(crate) prefix: Vec<u8>,
}

/// The way to the next server, which differs between the services.
pub(crate) trait Transport: Send + Sync + 'static {
    /// Tries the recipients of these indices, which all have the domain `domain`; an outcome for each, in the same order.
    fn deliver(
        &self,
        message: &Outgoing,
        domain: &str,
        recipients: &[usize],
    ) -> impl Future<Output = Vec<Outcome>> + Send;
}
