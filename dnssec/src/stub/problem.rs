//! What can go wrong, before the first question and with a server.

use core::fmt;

use scop_core::Failure;
use scop_core::name::NameErrorKind;

use crate::wire::Rcode;

/// Why a stub cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StubError {
    /// What is asked for is not a domain name.
    Name(NameErrorKind),
    /// The type is not one of data: OPT, ANY, a zone transfer (RFC 6895 3.1).
    MetaType,
    /// The response buffer is shorter than 512 octets.
    ResponseBuffer,
    /// No server, or more than 16.
    Servers,
}

impl fmt::Display for StubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(kind) => kind.fmt(f),
            Self::MetaType => f.write_str("the type is no type of data (RFC 6895 3.1)"),
            Self::ResponseBuffer => {
                f.write_str("the response buffer is shorter than 512 octets (RFC 1035 4.2.1)")
            }
            Self::Servers => f.write_str("there must be 1 to 16 servers"),
        }
    }
}

impl core::error::Error for StubError {}

/// What went wrong with a server, more exactly than [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The chain of aliases loops, or is longer than [`Limits::aliases`](super::Limits::aliases) or [`Limits::questions`](super::Limits::questions).
    AliasChain,
    /// No connection, or it ended before the reply.
    Closed,
    /// The reply breaks a rule of the message format, or says that a name with records does not exist.
    Malformed,
    /// A response code other than NOERROR and NXDOMAIN, and the INFO-CODE of an extended error.
    Rcode(Rcode, Option<u16>),
    /// The server named other servers: it does not resolve for us.
    Referral,
    /// The reply is longer than the response buffer.
    ReplyTooLong,
    /// A connection brought too many messages that do not belong to the question.
    Strays,
    /// No reply in time.
    Timeout,
    /// The reply is truncated over TCP too.
    Truncated,
}

impl Problem {
    /// What it is to those who asked.
    pub const fn failure(self) -> Failure {
        match self {
            Self::AliasChain => Failure::AliasChain,
            Self::Closed | Self::Timeout => Failure::Timeout,
            Self::Malformed | Self::ReplyTooLong | Self::Strays | Self::Truncated => {
                Failure::Malformed
            }
            Self::Rcode(Rcode::SERVFAIL, _) => Failure::ServerFailure,
            Self::Rcode(..) | Self::Referral => Failure::Refused,
        }
    }

    /// Whether a server said nothing at all.
    pub(super) const fn is_silence(self) -> bool {
        matches!(self, Self::Closed | Self::Timeout)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AliasChain => f.write_str("the chain of aliases loops or is too long"),
            Self::Closed => f.write_str("the connection was refused or closed"),
            Self::Malformed => f.write_str("the reply is malformed"),
            Self::Rcode(rcode, None) => write!(f, "the server says {rcode}"),
            Self::Rcode(rcode, Some(code)) => write!(f, "the server says {rcode} (EDE {code})"),
            Self::Referral => f.write_str("the server does not resolve, it refers to others"),
            Self::ReplyTooLong => f.write_str("the reply does not fit the response buffer"),
            Self::Strays => f.write_str("the connection brings replies to other questions"),
            Self::Timeout => f.write_str("no reply in time"),
            Self::Truncated => f.write_str("the reply is truncated over TCP"),
        }
    }
}
