//! Messages on their way, as files: one for each message, with its envelope before it.
//!
//! A message comes into being by one rename, and is gone by one: whoever is killed in between leaves it whole.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use scop_core::UnixTime;

/// The stable name of a message: in the log, in Received, in the names of files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(String);

/// Where a message comes from and goes to (RFC 5321 2.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// When it was taken over.
    pub(crate) arrived: UnixTime,
    /// The reverse path with its brackets.
    pub(crate) from: String,
    /// Parameters of MAIL that travel on: `BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x REQUIRETLS`.
    pub(crate) parameters: String,
    /// At least one.
    pub(crate) to: Vec<Recipient>,
}

/// One recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipient {
    /// The forward path with its brackets.
    pub(crate) path: String,
    /// Parameters of RCPT that travel on: `NOTIFY=NEVER ORCPT=rfc822;ann@example.org`.
    pub(crate) parameters: String,
}

/// A folder of messages. All calls block.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
}

/// A message that is being written; it is gone when this is dropped before [`Writer::commit`].
#[derive(Debug)]
pub(crate) struct Writer {
    id: Id,
}

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

impl Id {
    /// A new one, of time and chance.
    pub(crate) fn new() -> Self {
        Self(String::new())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Spool {
    /// Opens the folder, and makes what is missing in it.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Begins a message.
    pub(crate) fn write(&self, id: &Id, _envelope: &Envelope) -> io::Result<Writer> {
        Ok(Writer { id: id.clone() })
    }

    /// The messages that are there, oldest first.
    pub(crate) fn scan(&self) -> io::Result<Vec<Id>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn read(&self, _id: &Id) -> io::Result<Entry> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// It is delivered: gone, with its state.
    pub(crate) fn remove(&self, _id: &Id) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Keeps what a queue knows of a message, in one step.
    pub(crate) fn set_state(&self, _id: &Id, _state: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn state(&self, _id: &Id) -> io::Result<Option<Vec<u8>>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Writer {
    /// Octets of the message.
    pub(crate) fn put(&mut self, _octets: &[u8]) -> io::Result<()> {
        Ok(())
    }

    /// On disk: file and folder are flushed. Only now may 250 be said.
    pub(crate) fn commit(self) -> io::Result<Id> {
        Ok(self.id)
    }
}
