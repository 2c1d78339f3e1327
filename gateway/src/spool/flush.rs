//! Folders that are flushed by one for all who wait.
//!
//! A name that was renamed into a folder is on disk when the folder has been flushed since. That takes as long
//! for a hundred names as for one. So it goes by rounds: who comes while a round runs waits for the next one,
//! since the running one may have begun before its rename; one of those who wait then runs it for all of them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use super::fault;

/// A folder.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    rounds: Mutex<Rounds>,
    ended: Condvar,
}

/// Rounds are counted from 1.
#[derive(Debug, Default)]
struct Rounds {
    begun: u64,
    ended: u64,
    /// The last one that failed, and how.
    failed: u64,
    error: Option<(io::ErrorKind, Option<i32>)>,
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            rounds: Mutex::default(),
            ended: Condvar::new(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns when all that was renamed before this call is on disk.
    pub(crate) fn flush(&self) -> io::Result<()> {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = rounds.begun + 1;
        while rounds.ended < mine {
            if rounds.begun > rounds.ended {
                let waited = self.ended.wait(rounds);
                rounds = waited.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            rounds.begun += 1;
            drop(rounds);
            let flushed = flush(&self.path);
            rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
            rounds.ended += 1;
            if let Err(error) = flushed {
                rounds.failed = rounds.ended;
                rounds.error = Some((error.kind(), error.raw_os_error()));
            }
            self.ended.notify_all();
        }
        // A round after mine that failed before I woke up counts as mine: too cautious, never too trusting.
        match rounds.error {
            Some((_, Some(code))) if rounds.failed >= mine => {
                Err(io::Error::from_raw_os_error(code))
            }
            Some((kind, None)) if rounds.failed >= mine => Err(kind.into()),
            _ => Ok(()),
        }
    }
}

/// Flushes one folder.
pub(crate) fn flush(folder: &Path) -> io::Result<()> {
    fault::step()?;
    File::open(folder)?.sync_all()
}
