//! Why a line is no command, and how a server answers it.

use core::fmt;

use scop_core::ParseError;

use crate::extension::Refusal;
use crate::parameter::ParameterErrorKind;
use crate::path::PathErrorKind;
use crate::reply::Status;

/// Which rule a command breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandErrorKind {
    /// A line begins with a verb of letters, digits and hyphens.
    BadVerb,
    /// One space stands between the parts of a command, or what [`Tolerance`](super::Tolerance) allows.
    BadSpace,
    /// The verb needs an argument.
    NoArgument,
    /// The verb takes no argument.
    UnexpectedArgument,
    /// A control character, octets that are not UTF-8, or a space at an end of the argument.
    BadArgument,
    /// Octets above 127 without SMTPUTF8.
    NotAscii,
    /// The name behind HELO, EHLO or LHLO.
    Hello(PathErrorKind),
    /// MAIL without `FROM:`.
    NoFrom,
    /// RCPT without `TO:`.
    NoTo,
    /// The path of MAIL.
    Sender(PathErrorKind),
    /// The path of RCPT.
    Recipient(PathErrorKind),
    /// The parameters of MAIL or RCPT.
    Parameter(ParameterErrorKind),
    /// The argument of BDAT.
    BadChunk,
    /// The name of a mechanism of AUTH.
    BadMechanism,
    /// The initial response of AUTH.
    BadInitialResponse,
    /// The node of ETRN.
    BadNode,
    /// An attribute of XCLIENT or XFORWARD.
    BadAttribute,
}

impl CommandErrorKind {
    /// The reply with which a server refuses such a line (RFC 5321 4.2.2 and 4.3.2, RFC 3463 3, RFC 6531 3.5).
    ///
    /// ```
    /// use scop_smtp_proto::command::{Command, CommandErrorKind};
    /// let error = Command::parse(b"RCPT <joe@example.org>").unwrap_err();
    /// assert_eq!(error.kind(), CommandErrorKind::NoTo);
    /// assert_eq!(error.kind().refusal().to_string(), "501 5.5.4 RCPT is followed by \"TO:\" (RFC 5321 4.1.1.3)");
    /// ```
    pub const fn refusal(self) -> Refusal {
        let (code, status) = match self {
            Self::BadVerb => (500, Status::new(5, 5, 2)),
            Self::NotAscii => (553, Status::new(5, 6, 7)),
            Self::Sender(_) => (501, Status::new(5, 1, 7)),
            Self::Recipient(_) => (501, Status::new(5, 1, 3)),
            Self::BadSpace => (501, Status::new(5, 5, 2)),
            _ => (501, Status::new(5, 5, 4)),
        };
        Refusal::new(code, status, self.text())
    }

    /// The rule.
    const fn text(self) -> &'static str {
        match self {
            Self::BadVerb => "a command begins with a verb (RFC 5321 4.1.1)",
            Self::BadSpace => "one space stands between the parts of a command (RFC 5321 4.1.1)",
            Self::NoArgument => "the command needs an argument (RFC 5321 4.1.1)",
            Self::UnexpectedArgument => "the command takes no argument (RFC 5321 4.1.1)",
            Self::BadArgument => {
                "the argument holds a control character or is not UTF-8 (RFC 5321 4.1.2, RFC 6531 3.3)"
            }
            Self::NotAscii => "octets above 127 need SMTPUTF8 (RFC 6531 3.4)",
            Self::NoFrom => "MAIL is followed by \"FROM:\" (RFC 5321 4.1.1.2)",
            Self::NoTo => "RCPT is followed by \"TO:\" (RFC 5321 4.1.1.3)",
            Self::Hello(kind) | Self::Sender(kind) | Self::Recipient(kind) => kind.text(),
            Self::Parameter(_) => "a parameter is malformed (RFC 5321 4.1.2)",
            Self::BadChunk => "BDAT takes a number of octets and LAST or nothing (RFC 3030 2)",
            Self::BadMechanism => "AUTH takes the name of a mechanism (RFC 4954 4)",
            Self::BadInitialResponse => "the initial response is base64 or \"=\" (RFC 4954 4)",
            Self::BadNode => {
                "ETRN takes a domain, \"@\" and a domain, or \"#\" and a queue (RFC 1985 5.1)"
            }
            Self::BadAttribute => "attributes are name=value, the value in xtext (RFC 3461 4)",
        }
    }
}

impl fmt::Display for CommandErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(kind) => fmt::Display::fmt(kind, f),
            _ => f.write_str(self.text()),
        }
    }
}

/// Why a line is no command, and at which byte of the line.
pub type CommandError = ParseError<CommandErrorKind>;
