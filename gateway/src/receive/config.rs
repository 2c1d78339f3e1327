//! `receiver.toml`.

mod check;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::Deserialize;

use crate::service::config::{Dns, Log, Retry, Span, absolute};
use crate::service::sandbox::Sandbox;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The name of this host: in the greeting, in Received.
    pub(crate) name: String,
    /// The name in Authentication-Results (RFC 8601 2.5); `name` without it.
    pub(crate) authserv_id: Option<String>,
    /// A folder of its own: long messages while they arrive, and those to be handed on.
    #[serde(deserialize_with = "absolute::path")]
    pub(crate) state: PathBuf,
    pub(crate) listen: Vec<Listen>,
    pub(crate) tls: Option<Tls>,
    /// What becomes of mail from outside, by `mx` and `lmtp`.
    pub(crate) deliver: Option<Deliver>,
    /// What becomes of mail of users, by `submission` and `submissions`.
    pub(crate) submit: Option<Submit>,
    /// When a message is tried again that the next server did not take, by `lmtp` and `smtp` of `[deliver]`.
    #[serde(default)]
    pub(crate) retry: Retry,
    #[serde(default)]
    pub(crate) checks: Checks,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) dns: Dns,
    #[serde(default)]
    pub(crate) log: Log,
    /// Where the figures are shown, over HTTP.
    pub(crate) metrics: Option<SocketAddr>,
    /// Threads that do the work; one for each core without it.
    pub(crate) threads: Option<NonZeroUsize>,
}

/// `[[listen]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listen {
    pub(crate) address: SocketAddr,
    pub(crate) kind: Kind,
}

/// Who connects there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Other mail servers: port 25.
    Mx,
    /// Users, TLS by STARTTLS: port 587 (RFC 6409).
    Submission,
    /// Users, TLS at once: port 465 (RFC 8314).
    Submissions,
    /// A mail server before this one: LMTP (RFC 2033).
    Lmtp,
}

/// `[tls]`: PEM files. They are read again when they change.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    #[serde(deserialize_with = "absolute::path")]
    pub(crate) certificate: PathBuf,
    #[serde(deserialize_with = "absolute::path")]
    pub(crate) key: PathBuf,
}

/// `[deliver]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase", tag = "to")]
pub(crate) enum Deliver {
    /// Maildirs.
    Maildir {
        /// The folder that holds them.
        #[serde(deserialize_with = "absolute::path")]
        folder: PathBuf,
        /// Address to the name of a Maildir in `folder`; `*@example.org` is everyone else there.
        mailboxes: BTreeMap<String, String>,
    },
    /// An LMTP server.
    Lmtp(Next),
    /// An SMTP server.
    Smtp(Next),
    /// The spool of another program.
    Spool {
        #[serde(deserialize_with = "absolute::path")]
        folder: PathBuf,
        recipients: Vec<String>,
    },
    /// Nowhere: for measuring.
    Discard { recipients: Vec<String> },
}

/// The server that mail is handed on to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Next {
    pub(crate) address: SocketAddr,
    /// The name on its certificate, which is checked when this is there; TLS is required then. Without it TLS is
    /// used where the server has it, with any certificate.
    pub(crate) host: Option<String>,
    /// TLS at once, not by STARTTLS.
    #[serde(default)]
    pub(crate) implicit_tls: bool,
    /// PEM of authorities that are trusted besides those of the system.
    #[serde(default, deserialize_with = "absolute::optional")]
    pub(crate) roots: Option<PathBuf>,
    /// Addresses, and domains with an `@` before them.
    pub(crate) recipients: Vec<String>,
    /// The spool of a sender, which tells people what could not be delivered.
    #[serde(default, deserialize_with = "absolute::optional")]
    pub(crate) bounces: Option<PathBuf>,
}

/// `[submit]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Submit {
    /// The file of users; `scop user` makes its lines.
    #[serde(deserialize_with = "absolute::path")]
    pub(crate) users: PathBuf,
    /// The spool of the sender.
    #[serde(deserialize_with = "absolute::path")]
    pub(crate) spool: PathBuf,
    #[serde(default)]
    pub(crate) from: Authors,
}

/// What users may write in From and Sender (RFC 6409 6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Authors {
    /// The addresses of the user, in one From field that everybody reads alike.
    #[default]
    Own,
    /// All, also what nobody can read.
    Any,
}

/// `[checks]`: of mail from outside.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Checks {
    pub(crate) enabled: bool,
    pub(crate) dmarc: OnDmarc,
}

/// What a policy of DMARC that is broken leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnDmarc {
    /// It is written down in Authentication-Results.
    #[default]
    Report,
    /// `p=reject` is obeyed, too.
    Enforce,
}

/// `[limits]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Octets of a message (RFC 1870).
    pub(crate) message: u64,
    pub(crate) recipients: u32,
    /// Connections at once.
    pub(crate) connections: usize,
    /// Of these, from one address (of IPv6, one /64).
    pub(crate) connections_per_client: usize,
    /// How long a client may take for a command, for a piece of a message, and to take our replies (RFC 5321
    /// 4.5.3.2 wants 5 minutes at least).
    pub(crate) timeout: Span,
    /// How long a stop waits for transactions.
    pub(crate) stop: Span,
    /// Octets of memory for the messages that arrive at one time; beyond it bodies go to disk sooner, and a message
    /// whose header finds no place is deferred. One client may have an eighth of it, or as much of it as
    /// `connections_per_client` is of `connections`, and at any rate what one message needs.
    pub(crate) memory: usize,
    /// Octets of free space on the disk below which mail is deferred.
    pub(crate) free_space: u64,
}

impl Config {
    /// What the service needs once it runs.
    pub(crate) fn sandbox(&self) -> Sandbox {
        let mut sandbox = Sandbox::new();
        sandbox.write.push(self.state.clone());
        sandbox.read.extend(self.dns.zones.iter().cloned());
        sandbox.connect.push(self.dns.port());
        if let Some(tls) = &self.tls {
            sandbox.read_again(&tls.certificate);
            sandbox.read_again(&tls.key);
        }
        if let Some(submit) = &self.submit {
            sandbox.read_again(&submit.users);
            sandbox.put_into(&submit.spool);
        }
        match &self.deliver {
            Some(Deliver::Maildir { folder, .. }) => sandbox.write.push(folder.clone()),
            Some(Deliver::Spool { folder, .. }) => sandbox.put_into(folder),
            Some(Deliver::Lmtp(next) | Deliver::Smtp(next)) => {
                sandbox.connect.push(next.address.port());
                if let Some(bounces) = &next.bounces {
                    sandbox.put_into(bounces);
                }
                if let Some(roots) = &next.roots {
                    sandbox.read_again(roots);
                }
                sandbox.read_authorities();
            }
            Some(Deliver::Discard { .. }) | None => {}
        }
        sandbox
    }
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            enabled: true,
            dmarc: OnDmarc::Report,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 50 << 20,
            recipients: 100,
            connections: 5_000,
            connections_per_client: 50,
            timeout: Span(std::time::Duration::from_secs(5 * 60)),
            stop: Span(std::time::Duration::from_secs(30)),
            memory: 64 << 20,
            free_space: 64 << 20,
        }
    }
}
