//! What a server tells its host, and what it asks.

use core::fmt;

use scop_core::Instant;

use crate::auth::Credentials;
use crate::command::Hello;
use crate::parameter::Parameters;
use crate::path::{ForwardPath, ReversePath};
use crate::shown::{Octets, Shown};

/// What the host does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step {
    /// Send [`Server::transmit`](super::Server::transmit), and say how much of it with
    /// [`Server::transmitted`](super::Server::transmitted); when that fails, call
    /// [`Server::handle_closed`](super::Server::handle_closed).
    Transmit,
    /// Look at [`Server::event`](super::Server::event), and answer it. A host that cannot answer yet polls
    /// again, as replies may have to be sent before.
    Event,
    /// Negotiate TLS, then call [`Server::tls_started`](super::Server::tls_started); when that fails,
    /// [`Server::handle_closed`](super::Server::handle_closed).
    StartTls,
    /// Hand in what came from the client and was not taken yet; if there is nothing, receive, and call
    /// [`Server::handle_timeout`](super::Server::handle_timeout) when that lasts until this moment.
    Wait(Instant),
    /// Close the connection. [`Server::end`](super::Server::end) says why.
    Done,
}

/// A wish that the host answers with [`Server::accept`](super::Server::accept) or
/// [`Server::answer`](super::Server::answer), or, where that is said, news.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A client is there. 220 greets it; 554 refuses it, and only QUIT is taken then (RFC 5321 3.1); any
    /// other refusal ends the connection.
    Connected,
    /// HELO, EHLO or LHLO. The text of a consenting reply (250) stands behind the name of the server.
    Hello {
        /// Which of them.
        verb: Hello,
        /// The name that the client gives itself: printable ASCII, otherwise unchecked if
        /// [`Tolerance::any_hello`](crate::Tolerance::any_hello) is set.
        domain: &'a [u8],
    },
    /// MAIL. What its parameters say is in [`Server::envelope`](super::Server::envelope) already.
    ///
    /// A host begins its own envelope anew here, whatever it holds: a transaction may have ended with RSET, EHLO
    /// or STARTTLS, which tell the host nothing of it unless there was content ([`Event::Discarded`]).
    Mail {
        /// The sender.
        path: ReversePath<'a>,
        /// All parameters; each belongs to an extension that was announced.
        parameters: Parameters<'a>,
    },
    /// RCPT.
    Recipient {
        /// The recipient.
        path: ForwardPath<'a>,
        /// All parameters; each belongs to an extension that was announced.
        parameters: Parameters<'a>,
        /// Its number among the accepted recipients of this transaction, if it is accepted; from 0.
        index: u32,
    },
    /// The message is about to come. 354 consents; for a message in BDAT chunks it is not sent.
    ///
    /// After consent the content comes from [`Server::handle_input`](super::Server::handle_input), until
    /// [`Event::MessageEnd`] is answered or [`Event::Discarded`] comes.
    Data,
    /// The message is complete. In LMTP only [`Server::accept`](super::Server::accept) is taken, and an
    /// [`Event::RecipientResult`] for each accepted recipient follows.
    MessageEnd {
        /// Octets of content that were handed out.
        octets: u64,
    },
    /// LMTP: the reply for one of the accepted recipients (RFC 2033 4.2).
    RecipientResult {
        /// Which, in the order of acceptance; from 0.
        index: u32,
    },
    /// News: the content that was handed out is to be thrown away. No answer; the client is told.
    Discarded(Discarded),
    /// Credentials that the client showed. 235 consents. The text of a refusal (5yz) of a token is not sent:
    /// the client is told in the way of its mechanism, and then 535.
    Authenticate(Credentials<'a>),
    /// The client wants SCRAM; [`Server::scram`](super::Server::scram) says what is kept of the user. A
    /// refusal would tell whether the user is known.
    Scram {
        /// As whom to act; empty: as the user.
        authorization: &'a str,
        /// The user.
        user: &'a str,
    },
    /// VRFY, with its argument.
    Verify(&'a [u8]),
    /// EXPN, with its argument.
    Expand(&'a [u8]),
    /// HELP; the argument may be empty.
    Help(&'a [u8]),
    /// A verb of an extension.
    Command {
        /// As written.
        verb: &'a [u8],
        /// What stands behind its space; may be empty.
        argument: &'a [u8],
    },
}

/// By hand, to show octets as text.
impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("Connected"),
            Self::Hello { verb, domain } => f
                .debug_struct("Hello")
                .field("verb", verb)
                .field("domain", &Shown(Octets(domain)))
                .finish(),
            Self::Mail { path, parameters } => f
                .debug_struct("Mail")
                .field("path", path)
                .field("parameters", parameters)
                .finish(),
            Self::Recipient {
                path,
                parameters,
                index,
            } => f
                .debug_struct("Recipient")
                .field("path", path)
                .field("parameters", parameters)
                .field("index", index)
                .finish(),
            Self::Data => f.write_str("Data"),
            Self::MessageEnd { octets } => f
                .debug_struct("MessageEnd")
                .field("octets", octets)
                .finish(),
            Self::RecipientResult { index } => f
                .debug_struct("RecipientResult")
                .field("index", index)
                .finish(),
            Self::Discarded(why) => f.debug_tuple("Discarded").field(why).finish(),
            Self::Authenticate(credentials) => {
                f.debug_tuple("Authenticate").field(credentials).finish()
            }
            Self::Scram {
                authorization,
                user,
            } => f
                .debug_struct("Scram")
                .field("authorization", authorization)
                .field("user", user)
                .finish(),
            Self::Verify(argument) => (f.debug_tuple("Verify"))
                .field(&Shown(Octets(argument)))
                .finish(),
            Self::Expand(argument) => (f.debug_tuple("Expand"))
                .field(&Shown(Octets(argument)))
                .finish(),
            Self::Help(argument) => (f.debug_tuple("Help"))
                .field(&Shown(Octets(argument)))
                .finish(),
            Self::Command { verb, argument } => f
                .debug_struct("Command")
                .field("verb", &Shown(Octets(verb)))
                .field("argument", &Shown(Octets(argument)))
                .finish(),
        }
    }
}

/// Why content was discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discarded {
    /// It has a bare CR or LF, and the policy is to refuse these. The reply is 550.
    BareLineEnd,
    /// It has more octets than [`Limits::message_octets`](super::Limits::message_octets), or comes in more
    /// chunks than [`Limits::chunks`](super::Limits::chunks). The reply is 552.
    TooLarge,
    /// The client gave up the transaction, with RSET, EHLO or STARTTLS between two chunks, or an extension
    /// began the session anew.
    Reset,
    /// The connection ended, for the reason that [`Server::end`](super::Server::end) says.
    Ended,
}

/// Why a connection is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The client said QUIT.
    Quit,
    /// The client closed the connection.
    Closed,
    /// The client took too long ([`Timeouts`](super::Timeouts)).
    TimedOut,
    /// [`Server::shutdown`](super::Server::shutdown) was called.
    Shutdown,
    /// The host refused the client, or answered 421.
    Refused,
    /// The client sent before it was greeted, and the configuration refuses that.
    EarlyTalker,
    /// Octets in the clear stood behind STARTTLS: an injection of commands (CVE-2011-0411).
    PlaintextBehindStartTls,
    /// What stood behind a command cannot be told from commands ([`Effect::Disconnect`]).
    ///
    /// [`Effect::Disconnect`]: crate::extension::Effect::Disconnect
    OutOfStep,
    /// [`Limits::errors`](super::Limits::errors).
    TooManyErrors,
    /// [`Limits::idle_commands`](super::Limits::idle_commands).
    TooManyIdleCommands,
    /// [`Limits::refused_recipients`](super::Limits::refused_recipients).
    TooManyRefusedRecipients,
    /// [`Limits::transactions`](super::Limits::transactions).
    TooManyTransactions,
    /// [`Limits::auth_failures`](super::Limits::auth_failures).
    TooManyAuthFailures,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quit => "the client said QUIT",
            Self::Closed => "the client closed the connection",
            Self::TimedOut => "the client took too long (RFC 5321 4.5.3.2)",
            Self::Shutdown => "the server shuts down",
            Self::Refused => "the host refused the client",
            Self::EarlyTalker => "the client sent before the greeting (RFC 5321 4.3.1)",
            Self::PlaintextBehindStartTls => {
                "octets in the clear stood behind STARTTLS (RFC 3207 4.2)"
            }
            Self::OutOfStep => "what follows cannot be told from commands",
            Self::TooManyErrors => "too many commands were refused",
            Self::TooManyIdleCommands => "too many commands brought no message nearer",
            Self::TooManyRefusedRecipients => "too many recipients were refused",
            Self::TooManyTransactions => "too many transactions",
            Self::TooManyAuthFailures => "too many exchanges of AUTH failed",
        })
    }
}

/// Why an answer was not taken. Nothing has changed, and the wish is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerError {
    /// There is no wish that this call answers.
    NothingAsked,
    /// The code is neither the one that consents to this wish, nor 4yz or 5yz.
    WrongCode,
    /// The text is not ASCII, and the client did not ask for SMTPUTF8 (RFC 6531 3.7.4.2); or it has lines
    /// where one is due.
    BadText,
    /// It does not fit what is left of the output buffer: poll, send, and answer again.
    OutputFull,
    /// It does not fit the whole output buffer.
    TooLong,
    /// SCRAM goes on with [`Server::scram`](super::Server::scram) only.
    NeedsKeys,
    /// LMTP takes a reply for each recipient; accept, and the recipients are asked for.
    ForEachRecipient,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingAsked => "no wish is open that this answers",
            Self::WrongCode => "this reply code is no answer to this command (RFC 5321 4.3.2)",
            Self::BadText => "this text cannot stand in this reply (RFC 5321 4.2)",
            Self::OutputFull => "the output buffer must be sent before the answer fits",
            Self::TooLong => "the answer is larger than the output buffer",
            Self::NeedsKeys => "SCRAM goes on with what is kept of the user",
            Self::ForEachRecipient => "LMTP replies for each recipient (RFC 2033 4.2)",
        })
    }
}

impl core::error::Error for AnswerError {}

/// A wish as the machine keeps it: what it speaks of is read again from the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Connected,
    Hello,
    Mail,
    Recipient,
    Data,
    MessageEnd,
    RecipientResult(u32),
    Authenticate,
    Scram,
    Verify,
    Expand,
    Help,
    Command { restart: bool },
}
