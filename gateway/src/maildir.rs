//! Maildir: a message is written to `tmp`, and renamed into `new` when it is whole and on disk.
//!
//! A file is named `SECONDS.ID.HOST,S=SIZE`: when the message was taken over, its name here, this host, and the
//! octets of the file. All but the last come from outside of the attempt to deliver, so that a message that was
//! delivered is known again ([`Maildir::deliver_once`]), whatever flags a reader has added to its name since.
//!
//! Lines end with CRLF, as they were received: what is read back is, octet for octet, what was sent. Readers of
//! Maildirs take both. What a killed process leaves in `tmp` is never read as a message; as the convention has
//! it, readers remove what is older than 36 hours.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::spool::flush::{Folder, flush};
use crate::spool::{Id, fault};

/// Octets that are copied at once.
const BUFFER: usize = 64 << 10;

/// Mailboxes that are kept in mind; with more, all are forgotten, and found again.
const MAX_KNOWN: usize = 4_096;

/// The folder that holds the Maildirs. All calls block.
#[derive(Debug)]
pub(crate) struct Maildirs {
    folder: PathBuf,
    host: String,
    /// Those who deliver to the same one flush it together.
    known: Mutex<HashMap<Name, Arc<Maildir>>>,
}

/// The name of a mailbox: that of its folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name(String);

/// One Maildir.
#[derive(Debug)]
pub(crate) struct Maildir {
    tmp: PathBuf,
    new: Folder,
    cur: PathBuf,
    host: String,
}

/// What is delivered: pieces one after the other, and then a part of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content<'a> {
    pub(crate) pieces: &'a [&'a [u8]],
    pub(crate) file: Option<Part<'a>>,
}

/// A part of a file; where the file is positioned does not matter, and stays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) file: &'a File,
    pub(crate) start: u64,
    pub(crate) octets: u64,
}

/// Why this is no name of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameError(&'static str);

impl Name {
    /// Checks a name: it stays in its folder, and is seen there.
    pub(crate) fn parse(name: &str) -> Result<Self, NameError> {
        let rule = if name.is_empty() {
            "it is empty"
        } else if name.len() > 255 {
            "it is longer than 255 octets, the limit of file systems"
        } else if name.starts_with('.') {
            "it begins with a dot"
        } else if name.contains(['/', '\\']) {
            "it has a slash"
        } else if name.chars().any(crate::terminal::is_hidden) {
            "it has a character that is not seen"
        } else {
            return Ok(Self(name.to_owned()));
        };
        Err(NameError(rule))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Maildirs {
    /// Those in `folder`, on the host of this name.
    pub(crate) fn new(folder: &Path, host: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            host: host.to_owned(),
            known: Mutex::default(),
        }
    }

    /// The Maildir of this name, made when it is missing.
    pub(crate) fn open(&self, name: &Name) -> io::Result<Arc<Maildir>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was removed is made again.
        if let Some(maildir) = known
            .get(name)
            .filter(|maildir| maildir.new.path().is_dir())
        {
            return Ok(Arc::clone(maildir));
        }
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        let maildir = Arc::new(Maildir::open(&self.folder.join(name.as_str()), &self.host)?);
        known.insert(name.clone(), Arc::clone(&maildir));
        Ok(maildir)
    }
}

impl Maildir {
    /// Opens the folder, and makes what is missing, for its owner alone.
    pub(crate) fn open(folder: &Path, host: &str) -> io::Result<Self> {
        let [tmp, new, cur] = ["tmp", "new", "cur"].map(|name| folder.join(name));
        if [&tmp, &new, &cur].iter().any(|part| !part.is_dir()) {
            for part in [&tmp, &new, &cur] {
                fault::step()?;
                DirBuilder::new().recursive(true).mode(0o700).create(part)?;
            }
            flush(folder)?;
            flush(
                folder
                    .parent()
                    .filter(|parent| !parent.as_os_str().is_empty())
                    .unwrap_or(Path::new(".")),
            )?;
        }
        // What a slash, a colon or a comma would mean in a file name, no host name has; an address literal may.
        let host = host.replace(['/', ':', ','], "_");
        Ok(Self {
            tmp,
            new: Folder::new(new),
            cur,
            host,
        })
    }

    /// Delivers a message that was never delivered here before. It is on disk when this returns.
    ///
    /// # Errors
    /// The message is not there then. [`io::ErrorKind::AlreadyExists`] when it was not the first time.
    pub(crate) fn deliver(&self, id: &Id, content: Content<'_>) -> io::Result<()> {
        let name = format!("{}.{id}.{}", id.time(), self.host);
        let temporary = self.tmp.join(&name);
        let new = self
            .new
            .path()
            .join(format!("{name},S={}", content.octets()));
        if new.try_exists()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let written = write(&temporary, content).and_then(|()| {
            fault::step()?;
            fs::rename(&temporary, &new)
        });
        if let Err(error) = written {
            if !fault::is_dead() {
                let _ = fs::remove_file(&temporary);
            }
            return Err(error);
        }
        if let Err(error) = self.new.flush() {
            if !fault::is_dead() {
                let _ = fs::remove_file(&new);
            }
            return Err(error);
        }
        Ok(())
    }

    /// Delivers a message unless it is there already, read or unread: for one that may have been delivered
    /// before the process was killed. It looks at all names in the Maildir.
    ///
    /// Says whether it was delivered now.
    pub(crate) fn deliver_once(&self, id: &Id, content: Content<'_>) -> io::Result<bool> {
        // A reader moves from `new` to `cur`; in this order, such a move cannot hide the message.
        if holds(self.new.path(), id)? || holds(&self.cur, id)? {
            // Whoever renamed it may have been killed before this.
            self.new.flush()?;
            return Ok(false);
        }
        self.deliver(id, content)?;
        Ok(true)
    }
}

impl Content<'_> {
    /// How many there are.
    pub(crate) fn octets(&self) -> u64 {
        let pieces: u64 = self.pieces.iter().map(|piece| piece.len() as u64).sum();
        pieces + self.file.map_or(0, |part| part.octets)
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is no name of a mailbox: {}", self.0)
    }
}

impl std::error::Error for NameError {}

/// Whether a file in this folder is named after the message.
fn holds(folder: &Path, id: &Id) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_str().unwrap_or_default();
        if name.split('.').nth(1) == Some(id.as_str()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes and flushes a new file.
fn write(path: &Path, content: Content<'_>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    fault::step()?;
    let mut file = match options.open(path) {
        // Nobody else has a file of this name: it is left from an attempt that was killed.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            fault::step()?;
            options.open(path)?
        }
        opened => opened?,
    };
    let octets: usize = content.pieces.iter().map(|piece| piece.len()).sum();
    if octets <= BUFFER {
        // To copy a message of usual size takes less time than a second write.
        fault::step()?;
        file.write_all(&content.pieces.concat())?;
    } else {
        for piece in content.pieces {
            fault::step()?;
            file.write_all(piece)?;
        }
    }
    if let Some(part) = content.file {
        copy(part, &mut file)?;
    }
    fault::step()?;
    file.sync_all()
}

fn copy(part: Part<'_>, to: &mut File) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut at = part.start;
    let end = part.start.saturating_add(part.octets);
    while at < end {
        let most = usize::try_from(end - at).map_or(BUFFER, |left| left.min(BUFFER));
        let room = buffer.get_mut(..most).unwrap_or_default();
        let read = match part.file.read_at(room, at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        fault::step()?;
        to.write_all(room.get(..read).unwrap_or_default())?;
        at += read as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
