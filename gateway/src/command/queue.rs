//! `scop queue`: what waits in a spool, and what an operator asks of the service that works on it.
//!
//! Nothing of the spool is changed here. What is to be done is asked for ([`Request`]), and the one process that has
//! the messages does it: at once, or when it starts.

mod listed;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use scop_mime_core::{HeaderEnd, find_header_end};
use serde::Deserialize;
use serde::de::IgnoredAny;

use self::listed::{Asked, Listed, Place};
use crate::cli::queue::{List, Patience, Queue, Remove, Show, Try, Whose};
use crate::command::check::now;
use crate::error::Error;
use crate::message::{MAX_HEADER, reason};
use crate::report::json::line;
use crate::service::config;
use crate::spool::{Entry, Id, Request, Spool};
use crate::terminal::shown;

/// How often it is looked whether the service has heard.
const POLL: Duration = Duration::from_millis(20);

/// The exit code while what was asked is not done.
const NOT_YET: u8 = 1;

/// What is to be known of a configuration; another command looks whether all of it makes sense.
#[derive(Deserialize)]
struct Folders {
    /// Of a sender.
    spool: Option<PathBuf>,
    /// Of a receiver that hands on, this is its spool.
    state: Option<PathBuf>,
    listen: Option<IgnoredAny>,
}

/// Does it; the exit code.
pub(crate) fn run(command: &Queue, out: &mut dyn Write) -> Result<u8, Error> {
    match command {
        Queue::List(arguments) => list(arguments, out),
        Queue::Show(arguments) => show(arguments, out),
        Queue::Try(arguments) => attempt(arguments, out),
        Queue::Remove(arguments) => remove(arguments, out),
    }
}

fn list(arguments: &List, out: &mut dyn Write) -> Result<u8, Error> {
    let spool = open(&arguments.whose)?;
    let asked = Asked::new(
        spool
            .requests()
            .or_else(unless_absent)
            .map_err(at(&spool))?,
    );
    let now = now();
    let mut totals = text::Totals::default();
    for place in [Place::Queue, Place::Failed] {
        for id in place.names(&spool).map_err(at(&spool))? {
            let Some((mut listed, _)) = Listed::read(&spool, place, &id) else {
                // It is over.
                continue;
            };
            listed.note(&asked);
            let written = if arguments.json {
                listed.retain_owed();
                json(&listed, out)
            } else {
                totals.message(&listed, now, out)
            };
            if written.is_err() {
                return crate::unless_closed(written).map(|()| 0);
            }
        }
    }
    if !arguments.json {
        crate::unless_closed(totals.end(out))?;
    }
    Ok(0)
}

fn show(arguments: &Show, out: &mut dyn Write) -> Result<u8, Error> {
    let spool = open(&arguments.whose)?;
    let id = name(&arguments.id)?;
    let asked = Asked::new(
        spool
            .requests()
            .or_else(unless_absent)
            .map_err(at(&spool))?,
    );
    let (mut listed, entry) = find(&spool, &id)?;
    listed.note(&asked);
    if arguments.json {
        return crate::unless_closed(json(&listed, out)).map(|()| 0);
    }
    let mut written = text::envelope(&listed, now(), out);
    if let Some(entry) = entry.filter(|_| arguments.header) {
        let header = header(&id, entry)?;
        written = written.and_then(|()| write_header(&header, out));
    }
    crate::unless_closed(written).map(|()| 0)
}

fn attempt(arguments: &Try, out: &mut dyn Write) -> Result<u8, Error> {
    let spool = open(&arguments.whose)?;
    let mut requests = Vec::new();
    for id in names(&arguments.id)? {
        let (listed, _) = find(&spool, &id)?;
        if listed.place == Place::Failed {
            return Err(Error::new(id.as_str(), "it is in `failed`, and over"));
        }
        requests.push(Request::Try(Some(id)));
    }
    if requests.is_empty() {
        requests.push(Request::Try(None));
    }
    let left = ask(&spool, &requests, &arguments.patience)?;
    let words = if left == 0 {
        "the service tries now"
    } else {
        "asked; no service has heard it yet, and the next one will when it starts"
    };
    crate::unless_closed(writeln!(out, "{words}"))?;
    Ok(if left == 0 { 0 } else { NOT_YET })
}

fn remove(arguments: &Remove, out: &mut dyn Write) -> Result<u8, Error> {
    let spool = open(&arguments.whose)?;
    let tells = arguments.told.notify;
    let mut requests = Vec::new();
    for id in names(&arguments.id)? {
        let (listed, _) = find(&spool, &id)?;
        // There is no reverse path where the file cannot be read.
        if tells && (listed.place == Place::Failed || matches!(&*listed.from, "" | "<>")) {
            let rule = "nobody can be told of it; --silent removes it";
            return Err(Error::new(id.as_str(), rule));
        }
        requests.push(Request::Remove { id, tells });
    }
    let left = ask(&spool, &requests, &arguments.patience)?;
    let done = requests.len() - left;
    let mut written = Ok(());
    if done > 0 {
        written = writeln!(out, "{} removed", text::count(done, "message"));
    }
    if left > 0 {
        written = written.and_then(|()| {
            writeln!(
                out,
                "{} asked to be removed, and not gone yet: an attempt is under way, or no service runs",
                text::count(left, "message")
            )
        });
    }
    crate::unless_closed(written)?;
    Ok(if left == 0 { 0 } else { NOT_YET })
}

/// Asks, and waits for the service; how many requests are left then.
fn ask(spool: &Spool, requests: &[Request], patience: &Patience) -> Result<usize, Error> {
    for request in requests {
        spool.ask(request).map_err(|error| {
            let rule = match error.kind() {
                io::ErrorKind::NotFound => {
                    "no service with a queue has worked on it yet".to_owned()
                }
                _ => format!("it cannot be asked: {}", reason(&error)),
            };
            Error::new(spool.folder().display(), rule)
        })?;
    }
    let end = Instant::now() + Duration::from_secs(patience.wait.into());
    loop {
        let mut left = 0;
        for request in requests {
            left += usize::from(spool.is_asked(request).map_err(at(spool))?);
        }
        if left == 0 || Instant::now() >= end {
            return Ok(left);
        }
        sleep(POLL);
    }
}

/// The spool, which must be there.
fn open(whose: &Whose) -> Result<Spool, Error> {
    let folder = match (&whose.spool, &whose.config) {
        (Some(folder), _) => folder.clone(),
        (None, Some(file)) => folder(file)?,
        (None, None) => return Err(Error::new("--spool", "it is needed, or --config")),
    };
    Spool::at(&folder).map_err(|error| {
        let rule = match error.kind() {
            io::ErrorKind::NotFound => "there is no spool".to_owned(),
            _ => reason(&error),
        };
        Error::new(folder.display(), rule)
    })
}

/// The folder of the queue that a configuration is about.
fn folder(file: &Path) -> Result<PathBuf, Error> {
    let folders: Folders = config::read(file)?;
    let folder = if folders.listen.is_some() {
        folders.state
    } else {
        folders.spool
    };
    folder.ok_or_else(|| {
        let rule =
            "it is of no sender (`spool` is missing) and of no receiver (`listen` and `state`)";
        Error::new(file.display(), rule)
    })
}

fn name(text: &str) -> Result<Id, Error> {
    Id::parse(text).ok_or_else(|| {
        let rule = "the id of a message is 26 digits and small letters, as `scop queue list` and the log show it";
        Error::new(shown(text.as_bytes()), rule)
    })
}

/// Each once.
fn names(texts: &[String]) -> Result<Vec<Id>, Error> {
    let mut ids = Vec::new();
    for text in texts {
        ids.push(name(text)?);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn find(spool: &Spool, id: &Id) -> Result<(Listed, Option<Entry>), Error> {
    for place in [Place::Queue, Place::Failed] {
        if let Some(found) = Listed::read(spool, place, id) {
            return Ok(found);
        }
    }
    let rule = format!("there is no such message in {}", spool.folder().display());
    Err(Error::new(id.as_str(), rule))
}

/// The header with its empty line, and no octet of the body.
fn header(id: &Id, entry: Entry) -> Result<Vec<u8>, Error> {
    let mut octets = Vec::new();
    let read = (entry.file)
        .take(entry.octets.min(MAX_HEADER as u64))
        .read_to_end(&mut octets);
    read.map_err(|error| Error::new(id.as_str(), reason(&error)))?;
    match find_header_end(&octets, 0) {
        HeaderEnd::Found { header_len, .. } => octets.truncate(header_len),
        // All of it is header.
        HeaderEnd::NotYet { .. } if octets.len() as u64 == entry.octets => {}
        HeaderEnd::NotYet { .. } => {
            let rule = "its header is longer than 1 MiB, the limit";
            return Err(Error::new(id.as_str(), rule));
        }
    }
    Ok(octets)
}

fn write_header(header: &[u8], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    for line in header.split_inclusive(|&octet| octet == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // A tab of folding is the one control character that belongs here.
        let rest = line.trim_ascii_start();
        let (space, rest) = line.split_at(line.len() - rest.len());
        let space = if space.iter().all(|octet| b" \t".contains(octet)) {
            String::from_utf8_lossy(space).into_owned()
        } else {
            shown(space)
        };
        writeln!(out, "{space}{}", shown(rest))?;
    }
    Ok(())
}

fn json(listed: &Listed, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(line(listed).as_bytes())
}

fn at(spool: &Spool) -> impl Fn(io::Error) -> Error {
    move |error| Error::new(spool.folder().display(), reason(&error))
}

/// A spool on which no service has worked yet has no folder of requests.
fn unless_absent<T: Default>(error: io::Error) -> io::Result<T> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(T::default()),
        _ => Err(error),
    }
}
