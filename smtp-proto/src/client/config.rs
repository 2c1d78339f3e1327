//! What a client is given: its name, its extensions, its policies, its bounds.

use core::fmt;
use core::time::Duration;

use crate::command::Tolerance;
use crate::extension::{Extension, ListError, Protocol};
use crate::path::Domain;
use crate::reply::ReplyLimits;

/// How a client behaves on one connection.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Config<'a> {
    /// What it calls itself in EHLO, HELO or LHLO.
    pub name: Domain<'a>,
    /// SMTP or LMTP. Default: [`Protocol::Smtp`].
    pub protocol: Protocol,
    /// The channel is encrypted from the start ("implicit TLS", RFC 8314 3). Default: `false`.
    pub secure: bool,
    /// What it uses where the server announces it. What is not in the list is not used: a client without
    /// PIPELINING in it sends one command at a time. Default: none.
    pub extensions: &'a [&'a dyn Extension],
    /// What it makes of STARTTLS. Default: [`TlsPolicy::Opportunistic`].
    pub tls: TlsPolicy,
    /// Whether it says HELO when the server does not know EHLO (RFC 5321 3.2). Never in LMTP.
    /// Default: `true`.
    pub helo_fallback: bool,
    /// Whether DATA goes into the group with the recipients, where commands are sent in groups. It saves
    /// one round trip; RFC 2920 3.1 permits it, and some servers are confused by it. Default: `false`.
    pub data_in_group: bool,
    /// Whether BDAT is used wherever the server has it. Off, it is used for a message that needs it
    /// (BODY=BINARYMIME) only. Default: `false`.
    pub prefer_bdat: bool,
    /// Whether a bare CR or LF in a message is sent as CRLF. Off, it ends the connection, because what
    /// was sent of the message cannot be taken back. Default: `false`.
    pub normalise_line_ends: bool,
    /// What is read of the server though the grammar does not have it: line ends, and the reply to EHLO.
    /// Default: [`Tolerance::DEFAULT`].
    pub tolerance: Tolerance,
    /// Bounds. Default: [`Limits::DEFAULT`].
    pub limits: Limits,
    /// How long it waits for what. Default: [`Timeouts::DEFAULT`].
    pub timeouts: Timeouts,
}

impl<'a> Config<'a> {
    /// A client that is called `name`, without extensions; all else has its default.
    pub const fn new(name: Domain<'a>) -> Self {
        Self {
            name,
            protocol: Protocol::Smtp,
            secure: false,
            extensions: &[],
            tls: TlsPolicy::Opportunistic,
            helo_fallback: true,
            data_in_group: false,
            prefer_bdat: false,
            normalise_line_ends: false,
            tolerance: Tolerance::DEFAULT,
            limits: Limits::DEFAULT,
            timeouts: Timeouts::DEFAULT,
        }
    }
}

/// What a client makes of STARTTLS on a channel that is not encrypted. Like every extension it is used when
/// it is in [`Config::extensions`], and is not there otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TlsPolicy {
    /// It does nothing by itself; the host may order it.
    None,
    /// The default: it is used when the server announces it, and the session goes on in clear when it does not or
    /// refuses. This stops nobody who can change what passes (RFC 3207 6).
    #[default]
    Opportunistic,
    /// No MAIL, no AUTH and no other order of the host is sent in clear: the connection ends when STARTTLS
    /// is not announced or is refused, for good or for now. On a channel that is not encrypted it needs an
    /// extension in the list that has STARTTLS ([`ConfigError::NoStartTls`]).
    Require,
}

/// Bounds of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Lines and octets of one reply. Stops a reply that never ends. Default: [`ReplyLimits::DEFAULT`].
    pub reply: ReplyLimits,
    /// Octets of a command line with its CRLF. RFC 5321 4.5.3.1.4 promises 512; the parameters of
    /// extensions add to it. Default: 2048.
    pub command_line: u16,
    /// Commands of a group that wait for replies, so that neither side waits for the other with full
    /// buffers (RFC 2920 3.1). Default: 100.
    pub group: u16,
    /// Chunks of BDAT that wait for replies, where commands are sent in groups. Behind one that is refused
    /// each of them is an error to the server, and some hang up after a few. Default: 8.
    pub chunks: u16,
    /// Recipients of one transaction; [`Limits::MAX_RECIPIENTS`] at most. RFC 5321 4.5.3.1.8 promises
    /// 100. Default: 1024.
    pub recipients: u16,
    /// Transactions of one connection. Default: no bound.
    pub transactions: u32,
}

impl Limits {
    /// RFC 5321 4.5.3.1.4.
    pub const MIN_COMMAND_LINE: u16 = 512;

    /// What a machine can keep in mind of one transaction.
    pub const MAX_RECIPIENTS: u16 = 1024;

    /// Bounds that no honest server meets: each field as its default says.
    pub const DEFAULT: Self = Self {
        reply: ReplyLimits::DEFAULT,
        command_line: 2048,
        group: 100,
        chunks: 8,
        recipients: Self::MAX_RECIPIENTS,
        transactions: u32::MAX,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How long a client waits (RFC 5321 4.5.3.2). Each runs from the moment at which what it waits for was
/// asked, or from the reply before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For the greeting (4.5.3.2.1). Default: 5 minutes.
    pub greeting: Duration,
    /// For the reply to MAIL (4.5.3.2.2). Default: 5 minutes.
    pub mail: Duration,
    /// For the reply to RCPT (4.5.3.2.3). Default: 5 minutes.
    pub rcpt: Duration,
    /// For the reply to DATA (4.5.3.2.4). Default: 2 minutes.
    pub data: Duration,
    /// For a piece of the message to be taken, and for the reply to a chunk that is not the last
    /// (4.5.3.2.5). Default: 3 minutes.
    pub block: Duration,
    /// For the reply to the whole message (4.5.3.2.6). Shorter ones make duplicates.
    /// Default: 10 minutes.
    pub end: Duration,
    /// For the reply to another command; the RFC sets none. Default: 5 minutes.
    pub command: Duration,
    /// For the negotiation of TLS, from [`Step::StartTls`](super::Step::StartTls) to
    /// [`tls_started`](super::Client::tls_started). Default: a minute.
    pub tls: Duration,
}

impl Timeouts {
    /// Those of RFC 5321, and a minute for TLS.
    pub const DEFAULT: Self = Self {
        greeting: Duration::from_secs(5 * 60),
        mail: Duration::from_secs(5 * 60),
        rcpt: Duration::from_secs(5 * 60),
        data: Duration::from_secs(2 * 60),
        block: Duration::from_secs(3 * 60),
        end: Duration::from_secs(10 * 60),
        command: Duration::from_secs(5 * 60),
        tls: Duration::from_secs(60),
    };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What is lent to a client.
#[derive(Debug)]
pub struct Buffers<'a> {
    /// Holds one reply: [`Buffers::MIN_INPUT`] or more. A reply to EHLO is seldom longer than 1 KiB.
    pub input: &'a mut [u8],
    /// Holds what is to be sent: [`Buffers::MIN_OUTPUT`] or more. A group of commands fills it; the more
    /// room, the fewer packets. A command longer than half of it may not fit behind others
    /// ([`OrderError::OutputFull`](super::OrderError::OutputFull)).
    pub output: &'a mut [u8],
}

impl Buffers<'_> {
    /// A reply line (RFC 5321 4.5.3.1.5).
    pub const MIN_INPUT: usize = 512;
    /// A command line (RFC 5321 4.5.3.1.4).
    pub const MIN_OUTPUT: usize = 512;
}

/// Why a client cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The list of extensions cannot be used.
    Extensions(ListError),
    /// [`TlsPolicy::Require`] on a channel that is not encrypted, and no extension in the list has STARTTLS.
    NoStartTls,
    /// `input` is shorter than [`Buffers::MIN_INPUT`], or `output` than [`Buffers::MIN_OUTPUT`].
    SmallBuffer,
    /// The name holds what a command line cannot, or does not fit one.
    BadName,
    /// [`Limits::command_line`], [`Limits::group`] or [`Limits::chunks`] leaves no room for anything.
    SmallLimit,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Extensions(error) => return fmt::Display::fmt(error, f),
            Self::NoStartTls => "TLS is required and no extension in the list has STARTTLS",
            Self::SmallBuffer => {
                "the buffers hold a reply line and a command line of 512 octets at least"
            }
            Self::BadName => "the name of a client is ASCII without controls, and fits a command",
            Self::SmallLimit => {
                "a command line has 512 octets, a group a command, and a message a chunk, at least"
            }
        })
    }
}

impl core::error::Error for ConfigError {}
