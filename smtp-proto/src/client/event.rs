//! What a client says to its host.

use core::fmt;

use scop_core::{FmtSink, Instant, Sink};

use crate::auth;
use crate::command::Hello;
use crate::data::BareLineEnd;
use crate::reply::{Code, ReplyError, ReplyView};
use crate::shown::{Octets, Shown};

/// What the host does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Step {
    /// Send octets of [`Client::transmit`](super::Client::transmit), and say how many with
    /// [`Client::transmitted`](super::Client::transmitted); when that fails, call
    /// [`Client::handle_closed`](super::Client::handle_closed).
    Transmit,
    /// Something came about: [`Client::event`](super::Client::event) has it until the next poll.
    Event,
    /// The machine is idle, and takes an order: [`mail`](super::Client::mail),
    /// [`authenticate`](super::Client::authenticate), [`start_tls`](super::Client::start_tls),
    /// [`command`](super::Client::command), [`reset`](super::Client::reset) or
    /// [`quit`](super::Client::quit).
    Order,
    /// Give the recipient of this index with [`recipient`](super::Client::recipient), or say with
    /// [`end_recipients`](super::Client::end_recipients) that there is none. The first is 0.
    Recipient(u32),
    /// Give content of the message with [`content`](super::Client::content), or say with
    /// [`content_end`](super::Client::content_end) that there is none left.
    Content,
    /// The server answered to AUTH: hand the exchange in with
    /// [`continue_auth`](super::Client::continue_auth).
    Auth,
    /// Negotiate TLS, then call [`tls_started`](super::Client::tls_started), or
    /// [`handle_closed`](super::Client::handle_closed) when it failed.
    StartTls,
    /// Receive octets for [`handle_input`](super::Client::handle_input), and call
    /// [`handle_timeout`](super::Client::handle_timeout) when none come until then.
    Wait(Instant),
    /// Close the connection; [`Client::end`](super::Client::end) says why.
    Done,
}

/// Something that came about. It is there from the poll that tells of it to the next.
///
/// Each recipient that was taken gets exactly one [`Event::Delivered`] or [`Event::Failed`], whatever
/// happens.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The greeting. When it is not 220 the connection ends.
    Greeting(ReplyView<'a>),
    /// The server accepted EHLO, HELO or LHLO. It comes again after STARTTLS.
    Ready {
        /// Which of them.
        hello: Hello,
        /// What the server answered: [`EhloReply`](crate::ehlo::EhloReply) reads its keywords.
        reply: ReplyView<'a>,
    },
    /// The server refused EHLO, HELO or LHLO, and the connection ends.
    HelloRefused(ReplyView<'a>),
    /// The server refused STARTTLS. Where it is required the connection ends.
    TlsRefused(ReplyView<'a>),
    /// The server accepted the credentials.
    Authenticated(ReplyView<'a>),
    /// It did not; or the exchange was cancelled.
    AuthRefused(ReplyView<'a>),
    /// The reply to MAIL. When it refuses, the transaction is over.
    Mail(ReplyView<'a>),
    /// The server accepted this recipient; what becomes of the message is said later.
    Recipient {
        /// Which one.
        index: u32,
        /// The reply to RCPT.
        reply: ReplyView<'a>,
    },
    /// The server took over the message for this recipient.
    Delivered {
        /// Which one.
        index: u32,
        /// The reply to the message; in SMTP the same for each.
        reply: ReplyView<'a>,
    },
    /// The server did not take over the message for this recipient, or nobody knows.
    Failed {
        /// Which one.
        index: u32,
        /// Whether it may have been delivered all the same.
        fate: Fate,
        /// Why.
        cause: Cause<'a>,
    },
    /// The reply to [`command`](super::Client::command) or to [`reset`](super::Client::reset).
    CommandReply(ReplyView<'a>),
    /// The server closes the connection: reply 421, which may come at any time (RFC 5321 3.8).
    Closing(ReplyView<'a>),
}

/// What became of the message for a recipient who was not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// The server did not take it over.
    NotDelivered,
    /// The message was sent to its end and no reply came: sending it again may make two of it (RFC 1047).
    Unknown,
}

/// Why a recipient failed.
#[derive(Clone, Copy, Debug)]
pub enum Cause<'a> {
    /// The server said so.
    Reply {
        /// What it answered.
        to: Awaited,
        /// The reply; [`Code::is_transient`] tells whether to try again later.
        reply: ReplyView<'a>,
    },
    /// The connection ended.
    End(End),
}

/// The reply, or the end.
impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply { reply, .. } => fmt::Display::fmt(reply, f),
            Self::End(end) => fmt::Display::fmt(end, f),
        }
    }
}

/// What the next reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Awaited {
    /// Nothing; it is the greeting.
    Greeting,
    /// EHLO, HELO or LHLO.
    Hello,
    /// STARTTLS.
    StartTls,
    /// AUTH, or a response to a challenge.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Recipient,
    /// DATA.
    Data,
    /// BDAT of a chunk that is not the last. As the end of a timeout also a piece of the message, which
    /// was not taken in time.
    Block,
    /// The whole message.
    Message,
    /// RSET.
    Reset,
    /// Another command.
    Command,
    /// QUIT.
    Quit,
}

/// Why a machine is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The host ordered QUIT.
    Quit,
    /// The server refused the greeting or EHLO.
    Refused {
        /// What it answered.
        to: Awaited,
        /// With which code.
        code: Code,
    },
    /// The server closes the connection: 421.
    Closing,
    /// The connection is gone.
    Closed,
    /// No reply came in time.
    Timeout(Awaited),
    /// TLS is required, and the server does not announce STARTTLS.
    NoStartTls,
    /// TLS is required, and the server refused STARTTLS, with this code.
    TlsRefused(Code),
    /// The negotiation of TLS failed.
    TlsFailed,
    /// Octets stand behind the reply to STARTTLS: somebody may have put them in (RFC 3207 6).
    Injected,
    /// The server refused the message before its end, with this code.
    RefusedEarly(Code),
    /// A reply came that nobody asked for.
    Unsolicited,
    /// A reply came that does not answer the command, such as 250 to DATA.
    Unexpected {
        /// What it answers.
        to: Awaited,
        /// Its code.
        code: Code,
    },
    /// What came is no reply, or one beyond the bounds.
    BadReply(ReplyError),
    /// The message holds a bare CR or LF, and could not be ended any more.
    BareLineEnd(BareLineEnd),
    /// The server consents to AUTH and did not prove that it is the right one.
    Auth(auth::client::Error),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quit => "the session ended as ordered",
            Self::Refused { code, .. } => {
                return write!(f, "the server refuses the session with {}", code.number());
            }
            Self::Closing => "the server closes the connection (421)",
            Self::Closed => "the connection was lost",
            Self::Timeout(_) => "no reply came in time (RFC 5321 4.5.3.2)",
            Self::NoStartTls => "TLS is required and the server does not offer STARTTLS",
            Self::TlsRefused(code) => {
                return write!(
                    f,
                    "TLS is required and the server refuses STARTTLS with {}",
                    code.number()
                );
            }
            Self::TlsFailed => "the negotiation of TLS failed",
            Self::Injected => "octets stand behind the reply to STARTTLS (RFC 3207 6)",
            Self::RefusedEarly(code) => {
                return write!(
                    f,
                    "the server refuses the message before its end with {}",
                    code.number()
                );
            }
            Self::Unsolicited => "a reply came that nobody asked for",
            Self::Unexpected { code, .. } => {
                return write!(f, "the reply {} does not answer the command", code.number());
            }
            Self::BadReply(error) => return fmt::Display::fmt(error, f),
            Self::BareLineEnd(bare) => return fmt::Display::fmt(bare, f),
            Self::Auth(error) => return fmt::Display::fmt(error, f),
        })
    }
}

/// Why an order is not taken. Nothing was sent, and the machine is as it was, except where it says that
/// the connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrderError<'p> {
    /// [`Client::poll`](super::Client::poll) did not ask for this.
    NotNow,
    /// No extension in [`Config::extensions`](super::Config::extensions) has this parameter, verb or
    /// mechanism, whatever the server announces.
    NotListed(&'p [u8]),
    /// An extension in the list has this parameter, verb or mechanism, and the server does not announce it.
    NotAnnounced(&'p [u8]),
    /// The parameter stands there twice.
    Repeated(&'p [u8]),
    /// The extension does not let this parameter be sent: why.
    CannotSend(&'p [u8], &'static str),
    /// A command cannot carry a control character, or a space in this place.
    BadOctet,
    /// An octet beyond ASCII needs SMTPUTF8 in the transaction (RFC 6531 3.4).
    NeedsUtf8,
    /// BODY=BINARYMIME or REQUIRETLS asks for what the connection does not have.
    CannotCarry,
    /// The command is longer than the limit or the buffer.
    TooLong,
    /// The command does not fit behind those that are to be sent: it is asked for again when they are.
    OutputFull,
    /// The server's LIMITS (RFC 9422) or the client's own do not let another one come: the transaction
    /// or session is to be ended as it is.
    Limit,
    /// It would reveal a secret on a channel that is not encrypted; or TLS is required.
    NotSecure,
    /// The client has authenticated already (RFC 4954 4).
    Authenticated,
    /// The exchange of AUTH cannot go on: it did not begin, or is cancelled now.
    Auth(auth::client::Error),
    /// Octets of the chunk that was announced are missing.
    ChunkOpen,
    /// The connection ended at this.
    Ended(End),
}

/// By hand, to show octets as text.
impl fmt::Debug for OrderError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNow => f.write_str("NotNow"),
            Self::NotListed(name) => f
                .debug_tuple("NotListed")
                .field(&Shown(Octets(name)))
                .finish(),
            Self::NotAnnounced(name) => f
                .debug_tuple("NotAnnounced")
                .field(&Shown(Octets(name)))
                .finish(),
            Self::Repeated(name) => f
                .debug_tuple("Repeated")
                .field(&Shown(Octets(name)))
                .finish(),
            Self::CannotSend(name, why) => f
                .debug_tuple("CannotSend")
                .field(&Shown(Octets(name)))
                .field(why)
                .finish(),
            Self::BadOctet => f.write_str("BadOctet"),
            Self::NeedsUtf8 => f.write_str("NeedsUtf8"),
            Self::CannotCarry => f.write_str("CannotCarry"),
            Self::TooLong => f.write_str("TooLong"),
            Self::OutputFull => f.write_str("OutputFull"),
            Self::Limit => f.write_str("Limit"),
            Self::NotSecure => f.write_str("NotSecure"),
            Self::Authenticated => f.write_str("Authenticated"),
            Self::Auth(error) => f.debug_tuple("Auth").field(error).finish(),
            Self::ChunkOpen => f.write_str("ChunkOpen"),
            Self::Ended(error) => f.debug_tuple("Ended").field(error).finish(),
        }
    }
}

impl fmt::Display for OrderError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, name): (&str, &[u8]) = match *self {
            Self::NotNow => ("the machine did not ask for this", b""),
            Self::NotListed(name) => ("no extension in the list has", name),
            Self::NotAnnounced(name) => ("the server does not announce what has", name),
            Self::Repeated(name) => ("a parameter stands there twice:", name),
            Self::CannotSend(name, why) => {
                FmtSink(f).put(name).map_err(|_| fmt::Error)?;
                return write!(f, ": {why}");
            }
            Self::BadOctet => ("a command cannot carry this octet", b""),
            Self::NeedsUtf8 => ("an octet beyond ASCII needs SMTPUTF8 (RFC 6531 3.4)", b""),
            Self::CannotCarry => ("the connection cannot carry such a message", b""),
            Self::TooLong => ("the command is too long", b""),
            Self::OutputFull => ("what is in the buffer has to be sent before", b""),
            Self::Limit => ("a limit does not let another one come", b""),
            Self::NotSecure => ("the channel is not encrypted", b""),
            Self::Authenticated => ("the client has authenticated already", b""),
            Self::ChunkOpen => ("octets of the chunk are missing", b""),
            Self::Auth(error) => return fmt::Display::fmt(&error, f),
            Self::Ended(end) => return fmt::Display::fmt(&end, f),
        };
        f.write_str(text)?;
        if !name.is_empty() {
            f.write_str(" ")?;
            FmtSink(f).put(name).map_err(|_| fmt::Error)?;
        }
        Ok(())
    }
}

impl core::error::Error for OrderError<'_> {}

#[cfg(test)]
mod tests {
    use super::OrderError;

    #[test]
    fn a_refusal_names_the_parameter_first() {
        let error = OrderError::CannotSend(b"XTENANT", "the server has no such tenant");
        assert_eq!(
            std::format!("{error}"),
            "XTENANT: the server has no such tenant"
        );
        assert_eq!(
            std::format!("{:?} {error:?}", OrderError::NotListed(b"XTINT")),
            r#"NotListed("XTINT") CannotSend("XTENANT", "the server has no such tenant")"#
        );
    }
}
