//! Reads the commands until [`Command`] reads itself.

use crate::command::{Command, Hello, Tolerance};
use crate::extension::Refusal;
use crate::parameter::Parameters;
use crate::path::{ForwardPath, ReversePath};

pub(super) fn parse<'a>(line: &'a [u8], _: Tolerance) -> Result<Command<'a>, Refusal> {
    let space = memchr::memchr(b' ', line).unwrap_or(line.len());
    let (verb, rest) = line.split_at_checked(space).unwrap_or_default();
    let argument = rest.get(1..).unwrap_or_default();
    let is = |name: &[u8]| verb.eq_ignore_ascii_case(name);
    let path = |prefix: &[u8]| -> Result<(&'a [u8], Parameters<'a>), Refusal> {
        let (head, tail) = argument
            .split_at_checked(prefix.len())
            .ok_or(Refusal::BAD_ARGUMENT)?;
        if !head.eq_ignore_ascii_case(prefix) {
            return Err(Refusal::BAD_ARGUMENT);
        }
        let end = memchr::memchr(b'>', tail).ok_or(Refusal::BAD_ARGUMENT)?;
        let (path, rest) = tail.split_at_checked(end + 1).unwrap_or_default();
        let parameters = Parameters::parse(rest.get(1..).unwrap_or_default())
            .map_err(|_| Refusal::BAD_ARGUMENT)?;
        Ok((path, parameters))
    };
    Ok(if is(b"HELO") {
        Command::Hello(Hello::Helo, argument)
    } else if is(b"EHLO") {
        Command::Hello(Hello::Ehlo, argument)
    } else if is(b"LHLO") {
        Command::Hello(Hello::Lhlo, argument)
    } else if is(b"MAIL") {
        let (raw, parameters) = path(b"FROM:")?;
        let path = ReversePath::parse(raw).map_err(|_| Refusal::BAD_ARGUMENT)?;
        Command::Mail(path, parameters)
    } else if is(b"RCPT") {
        let (raw, parameters) = path(b"TO:")?;
        let path = ForwardPath::parse(raw).map_err(|_| Refusal::BAD_ARGUMENT)?;
        Command::Rcpt(path, parameters)
    } else if is(b"DATA") {
        Command::Data
    } else if is(b"RSET") {
        Command::Rset
    } else if is(b"VRFY") {
        Command::Vrfy(argument)
    } else if is(b"EXPN") {
        Command::Expn(argument)
    } else if is(b"HELP") {
        Command::Help(argument)
    } else if is(b"NOOP") {
        Command::Noop(argument)
    } else if is(b"QUIT") {
        Command::Quit
    } else {
        Command::Other { verb, argument }
    })
}
