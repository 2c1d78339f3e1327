//! What a server is told before it begins: its name, its extensions, its limits and its timers.

use core::fmt;
use core::time::Duration;

use crate::command::Tolerance;
use crate::data::LineEnds;
use crate::extension::{Extension, ListError, Protocol};

/// How a server behaves. A value of it can be kept and copied for each connection.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Config<'a> {
    /// The name of the server, as it stands in the greeting and in the reply to EHLO (RFC 5321 4.2).
    pub name: &'a str,
    /// SMTP or LMTP. Default: [`Protocol::Smtp`].
    pub protocol: Protocol,
    /// The channel is encrypted from the start (RFC 8314 3.3), or cannot be listened to. Default: `false`.
    pub secure: bool,
    /// What is offered, in the order of the reply to EHLO.
    pub extensions: &'a [&'a dyn Extension],
    /// How much one connection may use. Default: [`Limits::DEFAULT`].
    pub limits: Limits,
    /// How long the client may take. Default: [`Timeouts::DEFAULT`].
    pub timeouts: Timeouts,
    /// What is read though the grammar does not have it. Default: [`Tolerance::DEFAULT`].
    pub tolerance: Tolerance,
    /// What is done with a bare CR or LF in a message. Default: [`LineEnds::Refuse`].
    pub line_ends: LineEnds,
    /// A client that sends before it is greeted gets 554 and no more (RFC 5321 4.3.1). Whether it did is
    /// also in [`Session::early_talker`](crate::Session::early_talker). Default: `false`.
    pub refuse_early_talker: bool,
}

impl<'a> Config<'a> {
    /// A server of SMTP in the clear that offers `extensions`; all else has its default.
    pub const fn new(name: &'a str, extensions: &'a [&'a dyn Extension]) -> Self {
        Self {
            name,
            protocol: Protocol::Smtp,
            secure: false,
            extensions,
            limits: Limits::DEFAULT,
            timeouts: Timeouts::DEFAULT,
            tolerance: Tolerance::DEFAULT,
            line_ends: LineEnds::Refuse,
            refuse_early_talker: false,
        }
    }
}

/// How much one connection may use. What goes beyond ends the connection with 421, unless the field says
/// otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of one message. Where [`Size`](crate::extension::Size) announces another bound, the smaller of the
    /// two holds. Beyond it the reply is 552, and the octets are read and dropped (RFC 5321
    /// 4.5.3.1.7, RFC 1870 6). Stops a message from filling the store. Default: 50 MiB.
    pub message_octets: u64,
    /// Recipients accepted in one transaction; beyond it the reply is 452 (RFC 5321 4.5.3.1.8 and
    /// 4.5.3.1.10; not below 100), and when as many again were refused so, the connection ends. RCPT
    /// and DATA without MAIL are counted with them. Stops a flood of RCPT. Default: 1000.
    pub recipients: u32,
    /// Recipients that the host refuses, in all transactions. Stops the search for addresses (RFC 5321
    /// 7.3). Default: 100.
    pub refused_recipients: u32,
    /// Transactions that came to their content (RFC 9422 3 announces it as MAILMAX). Stops one connection from being kept for ever.
    /// Default: 1000.
    pub transactions: u32,
    /// Commands that break the protocol: unknown, malformed, out of order (RFC 5321 7.8). Stops a client of
    /// another protocol, and guessing. Default: 20.
    pub errors: u32,
    /// Commands that bring no message nearer since the last message: NOOP, RSET, VRFY, EXPN, HELP, a
    /// further EHLO, verbs of extensions, an EHLO, a MAIL or a DATA that was refused, DATA without recipients, a
    /// chunk that is empty or belongs to no message (RFC 5321 7.8). Stops loops that keep a connection busy.
    /// Default: 100.
    pub idle_commands: u32,
    /// Exchanges of AUTH that failed or were cancelled (RFC 4954 4 and 9). Stops the guessing of passwords.
    /// Default: 3.
    pub auth_failures: u32,
    /// BDAT chunks of one message; beyond it the reply is 552 (RFC 3030 4.2). Stops a message of chunks of
    /// one octet. Default: 65,536.
    pub chunks: u32,
}

impl Limits {
    /// For a server on the internet: each field as its default says.
    pub const DEFAULT: Self = Self {
        message_octets: 50 << 20,
        recipients: 1000,
        refused_recipients: 100,
        transactions: 1000,
        errors: 20,
        idle_commands: 100,
        auth_failures: 3,
        chunks: 1 << 16,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How long the client may take. Time that the host takes to answer is not counted, except for `session`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For a whole command line, counted from the reply before it (RFC 5321 4.5.3.2.7: not below 5
    /// minutes). Single octets do not extend it. Default: 5 minutes.
    pub command: Duration,
    /// Between two pieces of a message (RFC 5321 4.5.3.2.5 gives the client 3 minutes for one).
    /// Default: 5 minutes.
    pub data: Duration,
    /// For a whole message, so that a trickle of octets ends. Default: an hour.
    pub message: Duration,
    /// For the negotiation of TLS, from the 220 to [`Server::tls_started`](super::Server::tls_started).
    /// Default: a minute.
    pub tls: Duration,
    /// For the whole connection. Default: a day.
    pub session: Duration,
}

impl Timeouts {
    /// As RFC 5321 4.5.3.2 has them; a message may take an hour, and a connection a day.
    pub const DEFAULT: Self = Self {
        command: Duration::from_secs(5 * 60),
        data: Duration::from_secs(5 * 60),
        message: Duration::from_secs(60 * 60),
        tls: Duration::from_secs(60),
        session: Duration::from_secs(24 * 60 * 60),
    };
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Memory that the host lends a server.
#[derive(Debug)]
pub struct Buffers<'a> {
    /// Holds one command line, which bounds its length: at least [`Buffers::MIN_INPUT`]. A line of AUTH
    /// may have 12288 octets (RFC 4954 4.5.3.1).
    pub input: &'a mut [u8],
    /// Holds replies until they are sent: at least [`Buffers::MIN_OUTPUT`], and all of the reply to EHLO.
    pub output: &'a mut [u8],
}

impl Buffers<'_> {
    /// A command line has 512 octets with its CRLF, without extensions (RFC 5321 4.5.3.1.4).
    pub const MIN_INPUT: usize = 510;

    /// One reply line of 512 octets (RFC 5321 4.5.3.1.5), and as much again to gather replies.
    pub const MIN_OUTPUT: usize = 1024;
}

/// Why a server cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The name is empty, longer than 255 octets (RFC 5321 4.5.3.1.2), or holds something else than
    /// visible ASCII characters.
    Name,
    /// The input buffer is smaller than [`Buffers::MIN_INPUT`].
    InputTooSmall,
    /// The output buffer is smaller than [`Buffers::MIN_OUTPUT`], or than the reply to EHLO.
    OutputTooSmall,
    /// What an extension says behind its keyword is not TAB and printable ASCII.
    Arguments,
    /// Two extensions share a name, or a name is malformed.
    Extensions(ListError),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "the name of a server is 1 to 255 visible ASCII characters",
            Self::InputTooSmall => "the input buffer is smaller than a command line",
            Self::OutputTooSmall => {
                "the output buffer is smaller than two reply lines, or than the reply to EHLO"
            }
            Self::Arguments => "the arguments of a keyword are printable (RFC 5321 4.1.1.1)",
            Self::Extensions(error) => return error.fmt(f),
        })
    }
}

impl core::error::Error for ConfigError {}
