//! Messages on their way, as files: one for each message, with its envelope before it.
//!
//! A message comes into being by one rename, and is gone by one removal: whoever is killed in between leaves it
//! whole. It is on disk when [`Writer::commit`] returns: written, flushed, renamed, and the folder flushed.
//!
//! | in the folder | |
//! |---|---|
//! | `queue/ID` | a message; `queue/.ID` while it is being written, locked by its writer |
//! | `state/ID` | what the queue knows of that message |
//! | `failed/ID`, `failed/ID.state` | what was given up, and files that are none of a spool; for the administrator, never read again |
//! | `requests` | what an operator asks of a queue, by names of files |
//! | `lock` | locked by the one process that works on the messages |
//!
//! What is missing is made for its owner alone: folders with mode 0700, files with 0600.
//!
//! # Two users
//! Others may put messages in, such as a receiver into the spool of a sender, without reading or removing what
//! is not theirs. The administrator makes three folders for that, all owned by the sender:
//!
//! | folder | group | mode | |
//! |---|---|---|---|
//! | the spool | the receiver's | 0710 | its members come through, and see nothing |
//! | `queue` | the sender's own | 3777 | all who come through put in; sticky: only the sender removes what others put in; set-group-id: the sender reads it by its group |
//! | `state`, `failed`, `requests` | the sender's own | 0700 | whoever writes requests can remove mail |
//!
//! Who writes into a `queue` of another user makes files with mode 0640. (The mode of `queue` lets its names be
//! read, since a folder that one cannot open one cannot flush.)

mod envelope;
pub(crate) mod fault;
pub(crate) mod flush;
mod id;
mod request;
#[cfg(test)]
pub(crate) mod tests;
mod writer;

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustix::fs::{FlockOperation, OFlags, flock, statvfs};

pub(crate) use envelope::{Envelope, MAX_RECIPIENT_OCTETS, MAX_RECIPIENTS, Recipient};
use flush::{Folder, flush};
pub(crate) use id::Id;
pub(crate) use request::Request;
pub(crate) use writer::Writer;

use crate::terminal::shown;

/// The longest state that is kept: of [`MAX_RECIPIENTS`], whatever became of them.
pub(crate) const MAX_STATE: u64 = 16 << 20;

/// A folder of messages. All calls block.
#[derive(Clone, Debug)]
pub(crate) struct Spool(Arc<Folders>);

#[derive(Debug)]
struct Folders {
    folder: PathBuf,
    queue: Folder,
    state: Folder,
    failed: Folder,
    /// The queue is of another user.
    foreign: bool,
    opened: SystemTime,
}

/// The right to work on the messages of a spool, held by one process until it is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Lock(#[expect(dead_code, reason = "it is held")] File);

/// A message that is there.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: Id,
    pub(crate) envelope: Envelope,
    /// Positioned at the first octet of the message.
    pub(crate) file: File,
    /// Octets of the message, and where it begins in the file.
    pub(crate) octets: u64,
    pub(crate) start: u64,
}

/// A message that is looked at.
#[derive(Debug)]
pub(crate) struct Looked {
    /// Or the rule that its file breaks.
    pub(crate) entry: Result<Entry, String>,
    pub(crate) state: Option<Vec<u8>>,
}

impl Spool {
    /// Opens the folder, and makes what is missing in it.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let [queue, state, failed] = ["queue", "state", "failed"].map(|name| folder.join(name));
        if [&queue, &state, &failed].iter().any(|part| !part.is_dir()) {
            for part in [&queue, &state, &failed] {
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
        Self::at(folder)
    }

    /// Opens a folder that is there, and makes nothing in it.
    pub(crate) fn at(folder: &Path) -> io::Result<Self> {
        let [queue, state, failed] = ["queue", "state", "failed"].map(|name| folder.join(name));
        let foreign = fs::metadata(&queue)?.uid() != rustix::process::geteuid().as_raw();
        Ok(Self(Arc::new(Folders {
            folder: folder.to_owned(),
            queue: Folder::new(queue),
            state: Folder::new(state),
            failed: Folder::new(failed),
            foreign,
            opened: SystemTime::now(),
        })))
    }

    /// Takes the messages for this process, and clears away what a killed one left: messages that were never
    /// whole, and what was known of messages that are gone.
    ///
    /// # Errors
    /// [`io::ErrorKind::ResourceBusy`] while another process has them.
    pub(crate) fn lock(&self) -> io::Result<Lock> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(self.0.folder.join("lock"))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
            rustix::io::Errno::WOULDBLOCK => io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another process works on this spool",
            ),
            error => error.into(),
        })?;
        self.recover()?;
        Ok(Lock(file))
    }

    /// Begins a message.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for an envelope that could not be read again,
    /// [`io::ErrorKind::AlreadyExists`] for an id that is taken.
    pub(crate) fn write(&self, id: &Id, envelope: &Envelope) -> io::Result<Writer> {
        Writer::begin(self, id, envelope)
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// When a message came or went; cheaper than [`Spool::scan`]. A clock that ticks slowly may hide the second
    /// of two changes.
    pub(crate) fn changed(&self) -> io::Result<SystemTime> {
        fs::metadata(self.0.queue.path())?.modified()
    }

    /// Whether this user has put a message there. Others who may put messages in can use any name, also one that
    /// follows from another.
    pub(crate) fn has_own(&self, id: &Id) -> io::Result<bool> {
        match fs::symlink_metadata(self.message(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            metadata => {
                let metadata = metadata?;
                let me = rustix::process::geteuid().as_raw();
                Ok(metadata.is_file() && metadata.uid() == me)
            }
        }
    }

    /// The messages that are there, oldest first. What is none goes to `failed`.
    ///
    /// Only for the one that has the [`Lock`].
    pub(crate) fn scan(&self) -> io::Result<Vec<Id>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(self.0.queue.path())? {
            let name = entry?.file_name();
            match id_of(&name) {
                Some(id) => ids.push(id),
                None if is_temporary(&name) => {}
                None => self.set_aside(&name, "its name is none of a message"),
            }
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// Opens a message.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] when the file is none of a spool; it is in `failed` then.
    /// [`io::ErrorKind::NotFound`] when it is gone. After any other the message is still there.
    pub(crate) fn read(&self, id: &Id) -> io::Result<Entry> {
        open_entry(&self.message(id), id)?.map_err(|rule| {
            self.set_aside(OsStr::new(id.as_str()), &rule);
            io::Error::new(io::ErrorKind::InvalidData, rule)
        })
    }

    /// The names of the messages, oldest first, for one who only looks.
    pub(crate) fn list(&self) -> io::Result<Vec<Id>> {
        names(self.0.queue.path())
    }

    /// The same of what was given up.
    pub(crate) fn list_failed(&self) -> io::Result<Vec<Id>> {
        names(self.0.failed.path())
    }

    /// A message with its state, for one who only looks.
    pub(crate) fn look(&self, id: &Id) -> io::Result<Looked> {
        let state = self.state(id)?;
        let entry = open_entry(&self.message(id), id)?;
        Ok(Looked { entry, state })
    }

    /// The same of one that was given up.
    pub(crate) fn look_failed(&self, id: &Id) -> io::Result<Looked> {
        let failed = self.0.failed.path();
        let state = read_state(&failed.join(format!("{id}.state")))?;
        let entry = open_entry(&failed.join(id.as_str()), id)?;
        Ok(Looked { entry, state })
    }

    /// What was given up is gone for good; whether it was there.
    pub(crate) fn remove_failed(&self, id: &Id) -> io::Result<bool> {
        let failed = self.0.failed.path();
        fault::step()?;
        unless_gone(fs::remove_file(failed.join(format!("{id}.state"))))?;
        fault::step()?;
        match fs::remove_file(failed.join(id.as_str())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            removed => removed.map(|()| true),
        }
    }

    /// It is delivered: gone, with its state.
    ///
    /// When the machine itself fails in the next seconds, a message without state may be there again.
    pub(crate) fn remove(&self, id: &Id) -> io::Result<()> {
        fault::step()?;
        unless_gone(fs::remove_file(self.message(id)))?;
        let state = self.0.state.path().join(id.as_str());
        if state.try_exists()? {
            // The other order could bring back a message of which nothing is known.
            self.0.queue.flush()?;
            fault::step()?;
            unless_gone(fs::remove_file(state))?;
        }
        Ok(())
    }

    /// Keeps what a queue knows of a message, in one step.
    pub(crate) fn set_state(&self, id: &Id, state: &[u8]) -> io::Result<()> {
        if state.len() as u64 > MAX_STATE {
            let rule = format!("the state is longer than {MAX_STATE} octets, the limit");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, rule));
        }
        let folder = self.0.state.path();
        let temporary = folder.join(format!(".{id}"));
        let written = (|| {
            fault::step()?;
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&temporary)?;
            fault::step()?;
            file.write_all(state)?;
            fault::step()?;
            file.sync_all()?;
            fault::step()?;
            fs::rename(&temporary, folder.join(id.as_str()))
        })();
        if written.is_err() && !fault::is_dead() {
            let _ = fs::remove_file(&temporary);
        }
        written?;
        self.0.state.flush()
    }

    pub(crate) fn state(&self, id: &Id) -> io::Result<Option<Vec<u8>>> {
        read_state(&self.0.state.path().join(id.as_str()))
    }

    /// It is given up: in `failed`, with its state, for the administrator.
    pub(crate) fn fail(&self, id: &Id) -> io::Result<()> {
        fault::step()?;
        fs::rename(self.message(id), self.0.failed.path().join(id.as_str()))?;
        self.0.failed.flush()?;
        self.0.queue.flush()?;
        fault::step()?;
        unless_gone(self.fail_state(id))?;
        self.0.failed.flush()?;
        self.0.state.flush()
    }

    /// Octets that may still be written, on the file system of the folder.
    pub(crate) fn free_space(&self) -> io::Result<u64> {
        let system = statvfs(self.0.queue.path())?;
        Ok(system.f_bavail.saturating_mul(system.f_frsize))
    }

    fn message(&self, id: &Id) -> PathBuf {
        self.0.queue.path().join(id.as_str())
    }

    fn fail_state(&self, id: &Id) -> io::Result<()> {
        let kept = self.0.failed.path().join(format!("{id}.state"));
        fs::rename(self.0.state.path().join(id.as_str()), kept)
    }

    /// Moves what is none of a spool out of the way. It is never removed, and stops nothing.
    fn set_aside(&self, name: &OsStr, rule: &str) {
        let failed = |id: &Id| self.0.failed.path().join(id.as_str());
        let moved = match id_of(name) {
            // Whoever puts messages in may use a name again; what was kept under it stays.
            Some(id) if fs::symlink_metadata(failed(&id)).is_err() => self.fail(&id).map(|()| id),
            _ => Id::new().and_then(|id| {
                fs::rename(self.0.queue.path().join(name), failed(&id))?;
                Ok(id)
            }),
        };
        let name = shown(name.as_encoded_bytes());
        match moved {
            Ok(id) => tracing::error!(%id, file = name, rule, "set aside in `failed`"),
            Err(error) => tracing::error!(file = name, rule, %error, "cannot be set aside"),
        }
    }

    fn recover(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.0.queue.path())? {
            let entry = entry?;
            if is_temporary(&entry.file_name()) && self.is_stale(&entry)? {
                unless_gone(fs::remove_file(entry.path()))?;
            }
        }
        for entry in fs::read_dir(self.0.state.path())? {
            let name = entry?.file_name();
            let path = self.0.state.path().join(&name);
            match id_of(&name) {
                None if is_temporary(&name) => unless_gone(fs::remove_file(path))?,
                None => {}
                Some(id) if fs::symlink_metadata(self.message(&id)).is_ok() => {}
                // It was being given up.
                Some(id) if self.0.failed.path().join(id.as_str()).try_exists()? => {
                    unless_gone(self.fail_state(&id))?;
                }
                Some(_) => unless_gone(fs::remove_file(path))?,
            }
        }
        Ok(())
    }

    /// Whether nobody writes there: a writer that lives, of whatever process, holds the lock of its file. It
    /// makes the file a moment before; so only those are looked at that were there before this process.
    fn is_stale(&self, entry: &fs::DirEntry) -> io::Result<bool> {
        let metadata = match entry.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            metadata => metadata?,
        };
        if !metadata.is_file() || metadata.modified()? >= self.0.opened {
            return Ok(false);
        }
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(entry.path());
        Ok(file.is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()))
    }
}

/// Whether the disk, or the share of it that this user may have, is full.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// The inner error is the rule that the file breaks.
fn open_entry(path: &Path, id: &Id) -> io::Result<Result<Entry, String>> {
    // Whoever may put messages in may also put in a link to another file, or a pipe that never ends.
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(Err("it is no regular file".to_owned()));
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let (envelope, octets, start) = match Envelope::read(BufReader::new(&file))? {
        Ok(read) => read,
        Err(broken) => return Ok(Err(broken.to_string())),
    };
    let there = file.metadata()?.len().saturating_sub(start);
    if there != octets {
        let rule = format!("line 2: there are {there} octets of a message of {octets}");
        return Ok(Err(rule));
    }
    file.seek(SeekFrom::Start(start))?;
    Ok(Ok(Entry {
        id: id.clone(),
        envelope,
        file,
        octets,
        start,
    }))
}

fn read_state(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut state = Vec::new();
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    file.take(MAX_STATE + 1).read_to_end(&mut state)?;
    if state.len() as u64 > MAX_STATE {
        let rule = format!("the state is longer than {MAX_STATE} octets, the limit");
        return Err(io::Error::new(io::ErrorKind::InvalidData, rule));
    }
    Ok(Some(state))
}

/// The messages of a folder, oldest first.
fn names(folder: &Path) -> io::Result<Vec<Id>> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(folder)? {
        ids.extend(id_of(&entry?.file_name()));
    }
    ids.sort_unstable();
    Ok(ids)
}

/// The message that a file name stands for.
fn id_of(name: &OsStr) -> Option<Id> {
    Id::parse(name.to_str()?)
}

fn is_temporary(name: &OsStr) -> bool {
    let name = name.to_str().and_then(|name| name.strip_prefix('.'));
    name.is_some_and(|name| Id::parse(name).is_some())
}

fn unless_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
