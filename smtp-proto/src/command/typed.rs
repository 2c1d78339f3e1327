//! Verbs of extensions with their arguments read.

use scop_core::{Emit, Full, ParseError, Sink};

use super::{Attributes, AuthCommand, Bdat, Command, CommandError, CommandErrorKind, Etrn};

/// A command in full, for those who read lines without a machine.
///
/// The machines do not use it: they ask the extensions that they were given.
///
/// ```
/// use scop_smtp_proto::command::{Bdat, Command, TypedCommand};
/// let command = Command::parse(b"bdat 1000 last")?;
/// assert_eq!(command.typed()?, TypedCommand::Bdat(Bdat { size: 1000, last: true }));
/// assert_eq!(Command::parse(b"BDAT LAST")?.typed().unwrap_err().offset(), 5);
/// # Ok::<(), scop_smtp_proto::command::CommandError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypedCommand<'a> {
    /// One of RFC 5321 or RFC 2033, or a verb that this crate does not know.
    Plain(Command<'a>),
    /// `STARTTLS` (RFC 3207 4).
    StartTls,
    /// `AUTH` (RFC 4954 4).
    Auth(AuthCommand<'a>),
    /// `BDAT` (RFC 3030 2).
    Bdat(Bdat),
    /// `ETRN` (RFC 1985).
    Etrn(Etrn<'a>),
    /// `XCLIENT`, as Postfix has it.
    XClient(Attributes<'a>),
    /// `XFORWARD`, as Postfix has it.
    XForward(Attributes<'a>),
}

impl<'a> TypedCommand<'a> {
    pub(super) fn new(command: Command<'a>) -> Result<Self, CommandError> {
        let Command::Other { verb, argument } = command else {
            return Ok(Self::Plain(command));
        };
        let raw = argument.raw();
        let typed = if verb.is("BDAT") {
            Bdat::parse(raw).map(Self::Bdat)
        } else if verb.is("AUTH") {
            AuthCommand::parse(raw).map(Self::Auth)
        } else if verb.is("STARTTLS") {
            if argument.is_empty() {
                Ok(Self::StartTls)
            } else {
                Err(ParseError::new(CommandErrorKind::UnexpectedArgument, 0))
            }
        } else if verb.is("ETRN") {
            Etrn::parse(raw).map(Self::Etrn)
        } else if verb.is("XCLIENT") {
            Attributes::parse(raw).map(Self::XClient)
        } else if verb.is("XFORWARD") {
            Attributes::parse(raw).map(Self::XForward)
        } else {
            Ok(Self::Plain(command))
        };
        // Where more spaces were tolerated, the byte is that of the line as it should be.
        let space = usize::from(!argument.is_empty());
        typed.map_err(|error| error.nested(verb.raw().len().saturating_add(space)))
    }
}

/// The whole line, with CRLF.
impl Emit for TypedCommand<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match self {
            Self::Plain(command) => return command.emit(sink),
            Self::StartTls => sink.put(b"STARTTLS")?,
            Self::Auth(auth) => {
                sink.put(b"AUTH ")?;
                auth.emit(sink)?;
            }
            Self::Bdat(bdat) => {
                sink.put(b"BDAT ")?;
                bdat.emit(sink)?;
            }
            Self::Etrn(etrn) => {
                sink.put(b"ETRN ")?;
                etrn.emit(sink)?;
            }
            Self::XClient(attributes) => {
                sink.put(b"XCLIENT ")?;
                attributes.emit(sink)?;
            }
            Self::XForward(attributes) => {
                sink.put(b"XFORWARD ")?;
                attributes.emit(sink)?;
            }
        }
        sink.put(b"\r\n")
    }
}
