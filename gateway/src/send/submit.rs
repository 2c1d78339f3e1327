//! `scop send FILE`: a message put into the spool.
//!
//! What is put there travels as it is, so it must be what travels: lines that end with CRLF (LF becomes that, as
//! elsewhere), addresses that SMTP can say, and the parameters that the message needs (RFC 6152, RFC 6531) and those
//! that are asked for (RFC 8689).

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;

use scop_mime_core::{HeaderBlock, HeaderEnd, find_header_end};
use scop_smtp_proto::Mailbox;

use super::config::Config;
use crate::cli::Send;
use crate::command::check::now;
use crate::command::sign::unnamed_file;
use crate::error::Error;
use crate::message::{LineEndConverter, MAX_HEADER, Source, reason};
use crate::spool::{Envelope, Id, Recipient, Spool};
use crate::terminal::say;

#[cfg(test)]
mod tests;

/// How much is read at once.
const BLOCK: usize = 64 << 10;

/// Puts the message into the spool, and gives its name there.
pub(crate) fn run(config: &Config, arguments: &Send, file: &Path) -> Result<Id, Error> {
    let mut envelope = envelope(arguments.from.as_deref(), &arguments.to)?;
    let source = Source::from_argument(Some(file));
    let mut message = seekable(&source)?;
    let fail = |error: io::Error| Error::new(&source, reason(&error));
    let facts = read(&source, &mut message, |_| Ok(()))?;
    let has_wide_path =
        !envelope.from.is_ascii() || envelope.to.iter().any(|to| !to.path.is_ascii());
    let body = match (has_wide_path || facts.has_utf8_header, facts.is_ascii) {
        (true, _) => "BODY=8BITMIME SMTPUTF8",
        (false, false) => "BODY=8BITMIME",
        (false, true) => "",
    };
    let demand = if arguments.require_tls {
        "REQUIRETLS"
    } else {
        ""
    };
    let parameters = [body, demand].into_iter().filter(|word| !word.is_empty());
    envelope.parameters = parameters.collect::<Vec<_>>().join(" ");
    message.rewind().map_err(fail)?;
    let place = |error: io::Error| Error::new(config.spool.display(), reason(&error));
    let spool = Spool::open(&config.spool).map_err(place)?;
    let id = Id::new().map_err(place)?;
    let mut writer = spool.write(&id, &envelope).map_err(place)?;
    let again = read(&source, &mut message, |octets| {
        writer.put(octets).map_err(place)
    })?;
    if again != facts {
        return Err(Error::new(&source, "the file changed while it was read"));
    }
    if !facts.ends {
        // In SMTP each line has one (RFC 5321 4.1.1.4).
        say(format_args!(
            "{source}: the last line had no end, and got one"
        ));
        writer.put(b"\r\n").map_err(place)?;
    }
    writer.commit().map_err(place)
}

/// What is to be known of a message before its envelope is written.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    octets: u64,
    is_ascii: bool,
    has_utf8_header: bool,
    /// The last line has its end.
    ends: bool,
}

/// Hands out a message in the form that travels.
fn read(
    source: &Source,
    message: &mut File,
    mut out: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<Facts, Error> {
    let mut converter = LineEndConverter::default();
    let mut block = vec![0; BLOCK];
    let mut header = Some(Vec::new());
    let mut resume = 0;
    let mut facts = Facts {
        octets: 0,
        is_ascii: true,
        has_utf8_header: false,
        ends: true,
    };
    let mut converted = Vec::new();
    loop {
        let read = match message.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::new(source, reason(&error))),
        };
        converted.clear();
        converter.convert(
            block.get(..read).unwrap_or_default(),
            &mut converted,
            |_| (),
        );
        if let Some(byte) = converter.bare() {
            return Err(Error::at(
                source,
                byte,
                "a bare CR or LF, which no server takes (RFC 5321 2.3.8)",
            ));
        }
        facts.octets += converted.len() as u64;
        facts.is_ascii &= converted.is_ascii();
        if let Some(begun) = &mut header {
            begun.extend_from_slice(&converted);
            match find_header_end(begun, resume) {
                HeaderEnd::Found { header_len, .. } => {
                    begun.truncate(header_len);
                    facts.has_utf8_header = check(source, begun)?;
                    header = None;
                }
                HeaderEnd::NotYet { .. } if begun.len() > MAX_HEADER => {
                    let rule = "the header goes on after 1 MiB, the limit";
                    return Err(Error::new(source, rule));
                }
                HeaderEnd::NotYet { resume: next } => resume = next,
            }
        }
        facts.ends = converted.ends_with(b"\n");
        out(&converted)?;
    }
    if let Some(begun) = header {
        facts.has_utf8_header = check(source, &begun)?;
    }
    Ok(facts)
}

/// Whether the header needs SMTPUTF8; an error when it is none.
fn check(source: &Source, header: &[u8]) -> Result<bool, Error> {
    let first = HeaderBlock::new(header).fields().next();
    match first {
        None => Err(Error::new(source, "there is no header field")),
        Some(field) if field.is_malformed() => Err(Error::at(
            source,
            0,
            "the first line is no header field (RFC 5322 2.2)",
        )),
        Some(_) => Ok(!header.is_ascii() && str::from_utf8(header).is_ok()),
    }
}

/// A file that can be read twice.
fn seekable(source: &Source) -> Result<File, Error> {
    let fail = |error: io::Error| Error::new(source, reason(&error));
    let mut stream: Box<dyn Read> = match source {
        Source::Stdin => Box::new(Source::stdin()),
        Source::File(path) => {
            let file = Source::open_file(path)?;
            if file.metadata().map_err(fail)?.is_file() {
                return Ok(file);
            }
            Box::new(file)
        }
    };
    let temporary = |error: io::Error| Error::new("a temporary file", reason(&error));
    let mut file = unnamed_file().map_err(temporary)?;
    io::copy(&mut stream, &mut file).map_err(fail)?;
    file.rewind().map_err(temporary)?;
    Ok(file)
}

fn envelope(from: Option<&str>, to: &[String]) -> Result<Envelope, Error> {
    let Some(from) = from else {
        let rule = "who is told when the message cannot be delivered? An address, or <> for nobody";
        return Err(Error::new("--from", rule));
    };
    let from = path("--from", from, "")?;
    let to = to.iter().map(|to| {
        Ok(Recipient {
            path: path("--to", to, "postmaster")?,
            parameters: String::new(),
        })
    });
    Ok(Envelope {
        arrived: now(),
        from,
        to: to.collect::<Result<_, Error>>()?,
        ..Envelope::default()
    })
}

/// The path of an address, which may have its brackets; `special` is none, and stands for itself.
fn path(argument: &str, text: &str, special: &str) -> Result<String, Error> {
    let inner = text
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    let address = inner.unwrap_or(text);
    if !address.eq_ignore_ascii_case(special) {
        Mailbox::parse(address.as_bytes()).map_err(|error| {
            let byte = error.offset() + usize::from(inner.is_some());
            Error::at(format_args!("{argument} {text}"), byte as u64, error.kind())
        })?;
    }
    Ok(format!("<{address}>"))
}
