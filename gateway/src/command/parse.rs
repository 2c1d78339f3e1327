//! `scop parse`: what a message is made of.

use std::io::{Read, Write};

use scop_mime_core::{Kind, Message};

use crate::cli::{Parse, PartPath};
use crate::error::Error;
use crate::message::{Source, reason};
use crate::report::json;
use crate::terminal::{Style, say};

mod document;
mod inspect;
mod text;

use document::{Document, dotted};
use inspect::Findings;

/// The message breaks a rule, and that was asked for.
const REFUSED: u8 = 1;

/// Writes what was asked for, and gives the exit code.
pub(crate) fn run(arguments: &Parse, out: &mut impl Write) -> Result<u8, Error> {
    let source = Source::from_argument(arguments.file.as_deref());
    let bytes = read(&source)?;
    let findings = inspect::inspect(&bytes);
    if arguments.strict && !findings.broken.is_empty() {
        refuse(&source, &findings);
        return Ok(REFUSED);
    }
    if let Some(path) = &arguments.part {
        write_part(&source, &bytes, path, out)?;
        return Ok(0);
    }
    let document = Document::new(&bytes, findings);
    let text = if arguments.json {
        json::document(&document)
    } else {
        text::render(&document, Style::of_stdout())
    };
    crate::unless_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
    Ok(0)
}

/// Says everything that is wrong.
fn refuse(source: &Source, findings: &Findings) {
    for broken in &findings.broken {
        say(format_args!(
            "{source}: byte {}: {}",
            broken.offset, broken.rule
        ));
    }
    if findings.omitted > 0 {
        say(format_args!("{source}: and {} more", findings.omitted));
    }
}

fn read(source: &Source) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    match source {
        Source::Stdin => Source::stdin().read_to_end(&mut bytes),
        Source::File(path) => Source::open_file(path)?.read_to_end(&mut bytes),
    }
    .map_err(|error| Error::new(source, reason(&error)))?;
    Ok(bytes)
}

/// Writes the decoded body of a part; what a multipart or message holds, as it is.
fn write_part(
    source: &Source,
    bytes: &[u8],
    path: &PartPath,
    out: &mut impl Write,
) -> Result<(), Error> {
    let Some(part) = Message::index(bytes).part(&path.0) else {
        let place = format!("{source}: part {}", dotted(&path.0));
        return Err(Error::new(place, "there is none"));
    };
    let mut body = Vec::new();
    match part.content().kind {
        // A vector is never full.
        Kind::Leaf | Kind::EncodedMessage => drop(part.decode(&mut body)),
        _ => body.extend_from_slice(part.body().unwrap_or_default()),
    }
    out.write_all(&body)
        .and_then(|()| out.flush())
        .map_err(crate::output_error)
}
