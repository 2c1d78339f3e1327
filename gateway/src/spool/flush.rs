//! Folders that are flushed by one for all who wait.
//!
//! A name that was renamed into a folder is on disk when the folder has been flushed since. That takes as long
//! for a hundred names as for one. So it goes by rounds: who comes while a round runs waits for the next one,
//! since the running one may have begun before its rename; one of those who wait then runs it for all of them.
//!
//! Each is woken once, by the end of its own round, and one by the end of the round before, to run the next: to wake
//! all of them at each end would cost more than the messages.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::fault;

/// A folder.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    rounds: Mutex<Rounds>,
    /// Those who wait for rounds with an even number, or an odd one: a round that runs, and the next.
    even: Condvar,
    odd: Condvar,
}

/// Rounds are counted from 1.
#[derive(Debug, Default)]
struct Rounds {
    begun: u64,
    ended: u64,
    /// How many wait for the round that begins next.
    waiting: u32,
    /// The last one that failed, and how.
    failed: u64,
    error: Option<(io::ErrorKind, Option<i32>)>,
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            rounds: Mutex::default(),
            even: Condvar::new(),
            odd: Condvar::new(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns when all that was renamed before this call is on disk.
    pub(crate) fn flush(&self) -> io::Result<()> {
        self.share(|| flush(&self.path))
    }

    /// Returns when a round is over that began after this call; `round` runs it, here or for another caller.
    fn share(&self, round: impl Fn() -> io::Result<()>) -> io::Result<()> {
        let mut rounds = self.lock();
        let mine = rounds.begun + 1;
        if rounds.is_running() {
            rounds.waiting += 1;
            while rounds.is_running() && rounds.ended < mine {
                let waited = self.of(mine).wait(rounds);
                rounds = waited.unwrap_or_else(PoisonError::into_inner);
            }
            if rounds.ended >= mine {
                return rounds.result(mine);
            }
            rounds.waiting -= 1;
        }
        rounds.begun = mine;
        let together = std::mem::take(&mut rounds.waiting);
        drop(rounds);
        let flushed = round();
        let mut rounds = self.lock();
        rounds.ended = mine;
        if let Err(error) = &flushed {
            rounds.failed = mine;
            rounds.error = Some((error.kind(), error.raw_os_error()));
        }
        let next = rounds.waiting;
        // Those who are woken need it.
        drop(rounds);
        if together > 0 {
            self.of(mine).notify_all();
        }
        // Who comes before it is awake may run that round as well, and wakes it then.
        if next > 0 {
            self.of(mine + 1).notify_one();
        }
        flushed
    }

    const fn of(&self, round: u64) -> &Condvar {
        if round.is_multiple_of(2) {
            &self.even
        } else {
            &self.odd
        }
    }

    /// The lock is never held while something can fail.
    fn lock(&self) -> MutexGuard<'_, Rounds> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rounds {
    const fn is_running(&self) -> bool {
        self.begun > self.ended
    }

    /// What came of a round that is over. One after it that failed meanwhile counts as well: too cautious, never
    /// too trusting.
    fn result(&self, round: u64) -> io::Result<()> {
        match self.error {
            Some((_, Some(code))) if self.failed >= round => {
                Err(io::Error::from_raw_os_error(code))
            }
            Some((kind, None)) if self.failed >= round => Err(kind.into()),
            _ => Ok(()),
        }
    }
}

/// Flushes one folder.
pub(crate) fn flush(folder: &Path) -> io::Result<()> {
    fault::step()?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    /// Eight threads call 50 times; says how many rounds that took, and gives each call the count of rounds
    /// begun before it, the one that is over after it, and its result.
    fn calls(fails: fn(u64) -> bool, check: impl Fn(u64, u64, io::Result<()>) + Sync) -> u64 {
        let folder = Folder::new(PathBuf::new());
        let [begun, ended] = [(); 2].map(|()| AtomicU64::new(0));
        let round = || {
            let number = begun.fetch_add(1, Ordering::SeqCst) + 1;
            std::thread::sleep(Duration::from_micros(200));
            ended.store(number, Ordering::SeqCst);
            if fails(number) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let before = begun.load(Ordering::SeqCst);
                        let result = folder.share(round);
                        check(before, ended.load(Ordering::SeqCst), result);
                    }
                });
            }
        });
        begun.into_inner()
    }

    #[test]
    fn each_waits_for_a_round_that_began_after_it() {
        let rounds = calls(
            |_| false,
            |before, ended, result| {
                result.unwrap();
                assert!(ended > before, "{before} {ended}");
            },
        );
        assert!(rounds < 300, "{rounds} for 400 calls");
    }

    #[test]
    fn a_round_that_fails_fails_for_all_who_waited() {
        calls(
            |number| number % 3 == 0,
            |before, ended, result| {
                // It waited for one of these.
                let mut may_be = before + 1..=ended;
                match result {
                    Ok(()) => assert!(may_be.any(|number| number % 3 != 0), "{before} {ended}"),
                    Err(error) => {
                        assert!(super::super::is_full(&error));
                        assert!(may_be.any(|number| number % 3 == 0), "{before} {ended}");
                    }
                }
            },
        );
    }
}
