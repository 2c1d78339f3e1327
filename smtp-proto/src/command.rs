//! Commands (RFC 5321 4.1, RFC 2033, and the verbs of extensions).
//!
//! A command is a value: it holds no CR, LF, NUL or other control character, so that none can be smuggled
//! into a line that is written. It is read from a line without its CRLF, in one pass, without regard to the
//! ASCII case of verbs, `FROM:` and `TO:`. What goes beyond the grammar is read only as [`Tolerance`] says.
//! Never read are a space before the colon of `FROM:` or `TO:`, a space within a path, text behind a
//! command that takes none, and octets above 127 except where RFC 6531 has them.
//!
//! A verb that RFC 5321 and RFC 2033 do not have is [`Command::Other`]. [`Command::typed`] tells what it
//! means when it is one of an extension that this crate knows.
//!
//! ```
//! use scop_core::Emit;
//! use scop_smtp_proto::command::{Command, CommandErrorKind, Tolerance};
//!
//! let Command::Mail(path, parameters) = Command::parse(b"mail from: <joe@example.org> SIZE=1000 smtputf8")?
//! else { unreachable!() };
//! assert_eq!(path.to_string(), "<joe@example.org>");
//! assert!(parameters.find("SMTPUTF8").is_some());
//!
//! let line = b"MAIL FROM: <joe@example.org>";
//! let error = Command::parse_with(line, &Tolerance::STRICT).unwrap_err();
//! assert_eq!(error.to_string(), "a path begins with \"<\" (RFC 5321 4.1.2) at byte 10");
//! assert_eq!(error.kind().refusal().to_string(), "501 5.1.7 a path begins with \"<\" (RFC 5321 4.1.2)");
//!
//! let error = Command::parse(b"RCPT TO:<joe@example.org>\nDATA").unwrap_err();
//! assert_eq!(error.offset(), 25);
//! # Ok::<(), scop_smtp_proto::command::CommandError>(())
//! ```

use core::fmt;

use scop_core::{Cursor, Emit, FmtSink, Full, ParseError, Sink};

use crate::lexical::Class;
use crate::parameter::Parameters;
use crate::path::{Domain, ForwardPath, PathErrorKind, ReversePath};

mod argument;
mod attribute;
mod auth;
mod bdat;
mod error;
mod etrn;
#[cfg(test)]
mod tests;
mod tolerance;
mod typed;

pub use argument::{Argument, Verb};
pub use attribute::{Attribute, Attributes};
pub use auth::AuthCommand;
pub use bdat::Bdat;
pub use error::{CommandError, CommandErrorKind};
pub use etrn::{Etrn, EtrnScope};
pub use tolerance::Tolerance;
pub use typed::TypedCommand;

/// Which greeting a client uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hello {
    /// Without extensions (RFC 5321 4.1.1.1).
    Helo,
    /// RFC 5321 4.1.1.1.
    Ehlo,
    /// LMTP (RFC 2033 4.1).
    Lhlo,
}

/// A command. Arguments are kept as they were written.
///
/// Written, it has one space where the grammar has one, paths in canonical form, and CRLF.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command<'a> {
    /// `HELO`, `EHLO`, `LHLO`, with the client's name: see [`Domain::parse`].
    Hello(Hello, Argument<'a>),
    /// `MAIL FROM:`.
    Mail(ReversePath<'a>, Parameters<'a>),
    /// `RCPT TO:`. Octets above 127 are allowed if the transaction has SMTPUTF8, which only the session knows.
    Rcpt(ForwardPath<'a>, Parameters<'a>),
    /// `DATA`.
    Data,
    /// `RSET`.
    Rset,
    /// `VRFY`, with its argument.
    Vrfy(Argument<'a>),
    /// `EXPN`, with its argument.
    Expn(Argument<'a>),
    /// `HELP`; the argument may be empty.
    Help(Argument<'a>),
    /// `NOOP`; the argument may be empty.
    Noop(Argument<'a>),
    /// `QUIT`.
    Quit,
    /// A verb of an extension, known to this crate or not, with its argument.
    Other {
        /// As written.
        verb: Verb<'a>,
        /// What stands behind its space; may be empty.
        argument: Argument<'a>,
    },
}

impl<'a> Command<'a> {
    /// Reads a line, without its CRLF, as [`Tolerance::DEFAULT`] says.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(line: &'a [u8]) -> Result<Self, CommandError> {
        Self::parse_with(line, &Tolerance::DEFAULT)
    }

    /// Reads a line, without its CRLF.
    ///
    /// ```text
    /// ehlo     = "EHLO" SP ( Domain / address-literal ) CRLF           ; RFC 5321 4.1.1.1
    /// helo     = "HELO" SP Domain CRLF                                 ; a literal too (4.1.3)
    /// lhlo     = "LHLO" SP Domain CRLF                                 ; RFC 2033 4.1
    /// mail     = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF   ; RFC 5321 4.1.1.2
    /// rcpt     = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path )
    ///            [SP Rcpt-parameters] CRLF                             ; RFC 5321 4.1.1.3
    /// data     = "DATA" CRLF                                           ; RFC 5321 4.1.1.4
    /// rset     = "RSET" CRLF
    /// vrfy     = "VRFY" SP String CRLF
    /// expn     = "EXPN" SP String CRLF
    /// help     = "HELP" [ SP String ] CRLF
    /// noop     = "NOOP" [ SP String ] CRLF
    /// quit     = "QUIT" CRLF                                           ; RFC 5321 4.1.1.10
    /// ```
    ///
    /// `String` is any text: real clients send `VRFY joe@example.org`, which is neither Atom nor
    /// Quoted-string.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse_with(line: &'a [u8], tolerance: &Tolerance) -> Result<Self, CommandError> {
        let line = if tolerance.trailing_space {
            trim_end(line)
        } else {
            line
        };
        if let Some((word, rest)) = line.split_first_chunk()
            && matches!(rest.first(), None | Some(b' ' | b'\t'))
        {
            let mut cursor = Cursor::at(line, word.len());
            let cursor = &mut cursor;
            match upper_case(*word) {
                EHLO => return take_hello(Hello::Ehlo, cursor, *tolerance),
                HELO => return take_hello(Hello::Helo, cursor, *tolerance),
                LHLO => return take_hello(Hello::Lhlo, cursor, *tolerance),
                MAIL => return take_mail(cursor, *tolerance),
                RCPT => return take_rcpt(cursor, *tolerance),
                DATA => return nothing_behind(cursor, Self::Data),
                RSET => return nothing_behind(cursor, Self::Rset),
                QUIT => return nothing_behind(cursor, Self::Quit),
                VRFY => return take_name(cursor, *tolerance).map(Self::Vrfy),
                EXPN => return take_name(cursor, *tolerance).map(Self::Expn),
                HELP => return take_string(cursor, *tolerance).map(Self::Help),
                NOOP => return take_string(cursor, *tolerance).map(Self::Noop),
                _ => {}
            }
        }
        let mut cursor = Cursor::new(line);
        let verb = Verb::take(&mut cursor)?;
        let argument = take_argument(&mut cursor, *tolerance)?;
        Ok(Self::Other { verb, argument })
    }

    /// What it means, also when its verb is one of an extension that this crate knows.
    ///
    /// # Errors
    /// The first rule that the argument of such a verb breaks.
    pub fn typed(&self) -> Result<TypedCommand<'a>, CommandError> {
        TypedCommand::new(*self)
    }
}

impl Emit for Command<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        match self {
            Self::Hello(hello, name) => {
                sink.put(match hello {
                    Hello::Helo => b"HELO ",
                    Hello::Ehlo => b"EHLO ",
                    Hello::Lhlo => b"LHLO ",
                })?;
                name.emit(sink)?;
            }
            Self::Mail(path, parameters) => {
                sink.put(b"MAIL FROM:")?;
                path.emit(sink)?;
                emit_parameters(parameters, sink)?;
            }
            Self::Rcpt(path, parameters) => {
                sink.put(b"RCPT TO:")?;
                path.emit(sink)?;
                emit_parameters(parameters, sink)?;
            }
            Self::Data => sink.put(b"DATA")?,
            Self::Rset => sink.put(b"RSET")?,
            Self::Quit => sink.put(b"QUIT")?,
            Self::Vrfy(argument) => emit_with(b"VRFY", *argument, sink)?,
            Self::Expn(argument) => emit_with(b"EXPN", *argument, sink)?,
            Self::Help(argument) => emit_with(b"HELP", *argument, sink)?,
            Self::Noop(argument) => emit_with(b"NOOP", *argument, sink)?,
            Self::Other { verb, argument } => emit_with(verb.raw(), *argument, sink)?,
        }
        sink.put(b"\r\n")
    }
}

/// The line without its CRLF, and AUTH without its initial response, which may be a password.
impl fmt::Display for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Other { verb, argument } = self
            && verb.raw().eq_ignore_ascii_case(b"AUTH")
            && let Some(space) = memchr::memchr(b' ', argument.raw())
        {
            let mechanism = argument.raw().get(..space).unwrap_or_default();
            let mut sink = FmtSink(&mut *f);
            emit_with(
                b"AUTH",
                Argument::parse(mechanism).unwrap_or_default(),
                &mut sink,
            )
            .map_err(|_| fmt::Error)?;
            return f.write_str(" ...");
        }
        self.emit(&mut WithoutEnd(FmtSink(f)))
            .map_err(|_| fmt::Error)
    }
}

/// As it is displayed.
impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Command")
            .field(&format_args!("{self}"))
            .finish()
    }
}

const HELO: u32 = upper_case(*b"HELO");
const EHLO: u32 = upper_case(*b"EHLO");
const LHLO: u32 = upper_case(*b"LHLO");
const MAIL: u32 = upper_case(*b"MAIL");
const RCPT: u32 = upper_case(*b"RCPT");
const DATA: u32 = upper_case(*b"DATA");
const RSET: u32 = upper_case(*b"RSET");
const QUIT: u32 = upper_case(*b"QUIT");
const VRFY: u32 = upper_case(*b"VRFY");
const EXPN: u32 = upper_case(*b"EXPN");
const HELP: u32 = upper_case(*b"HELP");
const NOOP: u32 = upper_case(*b"NOOP");

/// Four letters as one number, in upper case. Without bit 5 no other octet becomes a letter.
const fn upper_case(word: [u8; 4]) -> u32 {
    u32::from_be_bytes(word) & 0xdfdf_dfdf
}

fn trim_end(line: &[u8]) -> &[u8] {
    let mut line = line;
    while let Some((b' ' | b'\t', before)) = line.split_last() {
        line = before;
    }
    line
}

/// Takes the space behind a verb or a path; `false` at the end of the line.
#[inline]
fn take_space(cursor: &mut Cursor<'_>, tolerance: Tolerance) -> Result<bool, CommandError> {
    let error = |offset| Err(ParseError::new(CommandErrorKind::BadSpace, offset));
    let offset = cursor.offset();
    match cursor.peek() {
        None => return Ok(false),
        Some(b' ') => {}
        Some(b'\t') if tolerance.wide_space => {}
        _ => return error(offset),
    }
    cursor.take_byte();
    if tolerance.wide_space {
        cursor.take_while(is_space);
    }
    match cursor.peek() {
        None | Some(b' ' | b'\t') => error(offset),
        Some(_) => Ok(true),
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn take_hello<'a>(
    hello: Hello,
    cursor: &mut Cursor<'a>,
    tolerance: Tolerance,
) -> Result<Command<'a>, CommandError> {
    if !take_space(cursor, tolerance)? {
        let kind = CommandErrorKind::NoArgument;
        return Err(ParseError::new(kind, cursor.offset()));
    }
    let mut end = *cursor;
    let name = cursor.rest();
    if tolerance.any_hello {
        end.take_while(|byte| Class::VISIBLE.has(byte));
    } else {
        let domain = Domain::take(&mut end).map_err(|error| error.map(CommandErrorKind::Hello))?;
        if !domain.is_ascii() {
            let kind = CommandErrorKind::Hello(PathErrorKind::BadLabel);
            return Err(ParseError::new(kind, cursor.offset()));
        }
    }
    if !end.is_at_end() {
        let kind = CommandErrorKind::Hello(PathErrorKind::TextBehind);
        return Err(ParseError::new(kind, end.offset()));
    }
    Ok(Command::Hello(hello, Argument::checked(name)))
}

fn take_mail<'a>(
    cursor: &mut Cursor<'a>,
    tolerance: Tolerance,
) -> Result<Command<'a>, CommandError> {
    let is_ascii = cursor.rest().is_ascii();
    take_space(cursor, tolerance)?;
    if !cursor.skip_ignore_case(b"FROM:") {
        let kind = CommandErrorKind::NoFrom;
        return Err(ParseError::new(kind, cursor.offset()));
    }
    if tolerance.space_before_path {
        cursor.take_while(is_space);
    }
    let start = cursor.offset();
    let path = ReversePath::take(cursor, tolerance)
        .map_err(|error| error.map(CommandErrorKind::Sender))?;
    let parameters = take_parameters(cursor, tolerance)?;
    if !is_ascii && parameters.find("SMTPUTF8").is_none() {
        return Err(ParseError::new(CommandErrorKind::NotAscii, start));
    }
    Ok(Command::Mail(path, parameters))
}

fn take_rcpt<'a>(
    cursor: &mut Cursor<'a>,
    tolerance: Tolerance,
) -> Result<Command<'a>, CommandError> {
    take_space(cursor, tolerance)?;
    if !cursor.skip_ignore_case(b"TO:") {
        let kind = CommandErrorKind::NoTo;
        return Err(ParseError::new(kind, cursor.offset()));
    }
    if tolerance.space_before_path {
        cursor.take_while(is_space);
    }
    let path = ForwardPath::take(cursor, tolerance)
        .map_err(|error| error.map(CommandErrorKind::Recipient))?;
    let parameters = take_parameters(cursor, tolerance)?;
    Ok(Command::Rcpt(path, parameters))
}

#[inline]
fn take_parameters<'a>(
    cursor: &mut Cursor<'a>,
    tolerance: Tolerance,
) -> Result<Parameters<'a>, CommandError> {
    if !take_space(cursor, tolerance)? {
        return Ok(Parameters::EMPTY);
    }
    let offset = cursor.offset();
    Parameters::read(cursor.rest(), tolerance.wide_space)
        .map_err(|error| error.nested(offset).map(CommandErrorKind::Parameter))
}

/// An argument that may be empty, of any characters.
fn take_argument<'a>(
    cursor: &mut Cursor<'a>,
    tolerance: Tolerance,
) -> Result<Argument<'a>, CommandError> {
    take_space(cursor, tolerance)?;
    let offset = cursor.offset();
    Argument::parse(cursor.rest()).map_err(|error| error.nested(offset))
}

/// The argument of HELP or NOOP, which RFC 6531 does not extend.
fn take_string<'a>(
    cursor: &mut Cursor<'a>,
    tolerance: Tolerance,
) -> Result<Argument<'a>, CommandError> {
    let start = cursor.offset();
    let argument = take_argument(cursor, tolerance)?;
    if argument.raw().is_ascii() {
        return Ok(argument);
    }
    Err(ParseError::new(CommandErrorKind::NotAscii, start))
}

/// The argument of VRFY or EXPN. One that is not US-ASCII ends with `SMTPUTF8` (RFC 6531 3.7.4.2).
fn take_name<'a>(
    cursor: &mut Cursor<'a>,
    tolerance: Tolerance,
) -> Result<Argument<'a>, CommandError> {
    let start = cursor.offset();
    let argument = take_argument(cursor, tolerance)?;
    if argument.is_empty() {
        return Err(ParseError::new(CommandErrorKind::NoArgument, start));
    }
    let says_utf8 = || {
        let (_, end) = argument.raw().split_last_chunk::<9>()?;
        end.eq_ignore_ascii_case(b" SMTPUTF8").then_some(())
    };
    if argument.raw().is_ascii() || says_utf8().is_some() {
        return Ok(argument);
    }
    Err(ParseError::new(CommandErrorKind::NotAscii, start))
}

/// `command`, if the line ends.
fn nothing_behind<'a>(
    cursor: &Cursor<'a>,
    command: Command<'a>,
) -> Result<Command<'a>, CommandError> {
    if cursor.is_at_end() {
        return Ok(command);
    }
    let kind = CommandErrorKind::UnexpectedArgument;
    Err(ParseError::new(kind, cursor.offset()))
}

fn emit_parameters<S: Sink + ?Sized>(
    parameters: &Parameters<'_>,
    sink: &mut S,
) -> Result<(), Full> {
    if parameters.is_empty() {
        return Ok(());
    }
    sink.put_byte(b' ')?;
    parameters.emit(sink)
}

fn emit_with<S: Sink + ?Sized>(
    verb: &[u8],
    argument: Argument<'_>,
    sink: &mut S,
) -> Result<(), Full> {
    sink.put(verb)?;
    if argument.is_empty() {
        return Ok(());
    }
    sink.put_byte(b' ')?;
    argument.emit(sink)
}

/// Leaves out CRLF, which stands at the end and nowhere else.
struct WithoutEnd<S>(S);

impl<S: Sink> Sink for WithoutEnd<S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if bytes == b"\r\n" {
            return Ok(());
        }
        self.0.put(bytes)
    }
}
