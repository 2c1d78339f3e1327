//! A message that is being written into a spool.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};

use super::envelope::{OCTETS, OCTETS_DIGITS};
use super::{Envelope, Id, Spool, fault};

/// Octets that are kept back to be written together; a message of usual size is one write.
const BUFFER: usize = 32 << 10;

/// A message that is being written; it is gone when this is dropped before [`Writer::commit`].
#[derive(Debug)]
pub(crate) struct Writer {
    spool: Spool,
    id: Id,
    file: File,
    temporary: PathBuf,
    /// What is not yet in the file, at its end.
    buffer: Vec<u8>,
    /// Octets in the file, and those of the envelope.
    written: u64,
    start: u64,
    /// A write that failed may have been done in part, so that nothing can follow it.
    failed: Option<Failed>,
    renamed: bool,
}

/// The code of the system, where there was one.
#[derive(Clone, Copy, Debug)]
struct Failed(Option<i32>);

impl Writer {
    pub(super) fn begin(spool: &Spool, id: &Id, envelope: &Envelope) -> io::Result<Self> {
        let buffer = envelope.emit()?;
        let folder = spool.0.queue.path();
        let temporary = folder.join(format!(".{id}"));
        fault::step()?;
        let mode = if spool.0.foreign { 0o640 } else { 0o600 };
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&temporary)?;
        let writer = Self {
            spool: spool.clone(),
            id: id.clone(),
            file,
            temporary,
            start: buffer.len() as u64,
            buffer,
            written: 0,
            failed: None,
            renamed: false,
        };
        fault::step()?;
        flock(&writer.file, FlockOperation::NonBlockingLockExclusive)?;
        if spool.0.foreign {
            // Whatever the umask is: its owner must read it.
            fault::step()?;
            writer.file.set_permissions(Permissions::from_mode(mode))?;
        }
        // Only one at a time makes the temporary file, so that nobody can make this one from here on.
        if spool.message(id).try_exists()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(writer)
    }

    /// Octets of the message.
    ///
    /// # Errors
    /// After one, every further call fails: only dropping is left.
    pub(crate) fn put(&mut self, octets: &[u8]) -> io::Result<()> {
        self.usable()?;
        if self.buffer.len() + octets.len() > BUFFER {
            self.empty_buffer()?;
        }
        if octets.len() > BUFFER {
            return self.write(octets);
        }
        self.buffer.extend_from_slice(octets);
        Ok(())
    }

    /// On disk: file and folder are flushed. Only now may 250 be said.
    ///
    /// # Errors
    /// The message is not there then.
    pub(crate) fn commit(mut self) -> io::Result<Id> {
        self.usable()?;
        let octets = self.written + self.buffer.len() as u64 - self.start;
        let digits = format!("{octets:0OCTETS_DIGITS$}");
        if self.written > 0 {
            fault::step()?;
            self.file.write_all_at(digits.as_bytes(), OCTETS)?;
        } else {
            let at = usize::try_from(OCTETS).unwrap_or(usize::MAX);
            let place = self.buffer.get_mut(at..).unwrap_or_default();
            let digits = digits.bytes();
            for (place, digit) in place.iter_mut().zip(digits) {
                *place = digit;
            }
        }
        self.empty_buffer()?;
        fault::step()?;
        self.file.sync_all()?;
        fault::step()?;
        let message = self.spool.message(&self.id);
        fs::rename(&self.temporary, &message)?;
        self.renamed = true;
        if let Err(error) = self.spool.0.queue.flush() {
            if !fault::is_dead() {
                let _ = fs::remove_file(&message);
            }
            return Err(error);
        }
        Ok(self.id.clone())
    }

    fn usable(&self) -> io::Result<()> {
        match self.failed {
            None => Ok(()),
            Some(Failed(Some(code))) => Err(io::Error::from_raw_os_error(code)),
            Some(Failed(None)) => Err(io::Error::other("an earlier write failed")),
        }
    }

    fn empty_buffer(&mut self) -> io::Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let written = self.write(&buffer);
        self.buffer = buffer;
        self.buffer.clear();
        written
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        if octets.is_empty() {
            return Ok(());
        }
        let written = fault::step().and_then(|()| self.file.write_all(octets));
        match &written {
            Ok(()) => self.written += octets.len() as u64,
            Err(error) => self.failed = Some(Failed(error.raw_os_error())),
        }
        written
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.renamed && !fault::is_dead() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}
