//! Messages of a spool on their way out: when each is tried, what became of each recipient, and what the
//! sender is told.
//!
//! # What is promised
//! A message in the spool is tried until each of its recipients is delivered or has failed, at least once. What
//! became of a recipient is on disk before anything follows from it: one that is done is never tried again, whenever
//! the process is killed, but for the moment between the reply of the other server and the write of the state. A
//! notification has a name that follows from its message, so that one that was written is not written twice.
//!
//! A state that cannot be read is begun anew with all recipients: better twice than never. A message of which a
//! recipient failed and nobody can be told, because it is itself a notification or there is no spool for
//! notifications, is kept in the folder `failed` of the spool.
//!
//! # How
//! [`schedule`] says which message goes to which domain next, [`work`] does one such job, [`state`] is what is kept
//! on disk, [`backoff`] when there is another attempt, and [`dsn`] what the sender is told. FUTURERELEASE and
//! DELIVERBY are not offered, so that nothing waits for anything but its next attempt.

mod backoff;
mod dsn;
mod schedule;
mod state;
#[cfg(test)]
mod tests;
mod work;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use scop_core::UnixTime;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use self::schedule::Schedule;
use self::work::{Ended, Found, Work, blocking};
use crate::error::Error;
use crate::message::reason;
use crate::service::Stop;
use crate::service::config::Retry;
use crate::service::metrics;
use crate::spool::{Entry, Id, Lock, Spool};

/// How often the folder is looked at for new messages; only its time of change is read.
const POLL: Duration = Duration::from_millis(150);

/// How often its names are read in any case.
const FULL_SCAN: Duration = Duration::from_secs(60);

/// After the folder could not be read.
const SCAN_AGAIN: Duration = Duration::from_secs(5);

/// New messages that are opened in one go, to see who they are for.
const BATCH: usize = 256;

/// What became of one recipient in one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The next server has it.
    Delivered {
        /// Who took it.
        host: String,
        /// Its reply, on one line.
        reply: String,
        /// It promised to report on success (RFC 3461 5.2.2).
        reports: bool,
    },
    /// It never will.
    Failed(Failure),
    /// Not now.
    Deferred(Failure),
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failure {
    /// RFC 3463: `5.1.1`.
    pub(crate) status: String,
    /// Who said so; none where nobody was reached.
    pub(crate) host: Option<String>,
    /// What that host said, on one line, code first.
    pub(crate) reply: Option<String>,
    /// In words of our own.
    pub(crate) why: String,
}

/// A message that is being delivered; shared, because the recipients of several domains are tried side by side.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) entry: Entry,
    /// What is sent before the message: the signatures.
    pub(crate) prefix: Vec<u8>,
}

/// The way to the next server, which differs between the services.
pub(crate) trait Transport: Send + Sync + 'static {
    /// What is to be sent before the message, made anew for each round of attempts: signatures. Blocks.
    ///
    /// # Errors
    /// When the message cannot be read; it is tried again later.
    fn prefix(&self, _entry: &Entry) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    /// Tries the recipients of these indices, which all have the domain `domain`; an outcome for each, in the same order.
    fn deliver(
        &self,
        message: &Outgoing,
        domain: &str,
        recipients: &[usize],
    ) -> impl Future<Output = Vec<Outcome>> + Send;
}

/// How a queue works.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The name of this host, in notifications.
    pub(crate) name: String,
    pub(crate) retry: Retry,
    /// Jobs at once: one message for one domain each.
    pub(crate) places: usize,
    /// Of these, for one domain; all where every domain goes to the same server.
    pub(crate) share: usize,
    /// What is under way at a stop gets this long.
    pub(crate) stop: Duration,
    pub(crate) figures: metrics::Queue,
    pub(crate) clock: Clock,
    pub(crate) poll: Duration,
}

/// What tells the time that is written down.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> UnixTime + Send + Sync>);

/// The queue of one spool.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    work: Arc<Work<T>>,
    lock: Lock,
}

/// What a task of the queue came to.
enum Done {
    Job(Ended),
    Load(Vec<Found>),
}

impl Options {
    /// With 64 places, a quarter of them for one domain at most.
    pub(crate) fn new(name: String, retry: Retry, figures: metrics::Queue) -> Self {
        Self {
            name,
            retry,
            places: 64,
            share: 16,
            stop: Duration::from_secs(30),
            figures,
            clock: Clock::of_system(),
            poll: POLL,
        }
    }
}

impl<T: Transport> Queue<T> {
    /// Takes the spool for itself. Notifications go into `bounces`, which may be the same.
    ///
    /// # Errors
    /// When another process works on the spool.
    pub(crate) fn new(
        spool: Spool,
        bounces: Option<Spool>,
        transport: T,
        options: Options,
    ) -> Result<Self, Error> {
        let lock = spool
            .lock()
            .map_err(|error| Error::new(spool.folder().display(), reason(&error)))?;
        Ok(Self {
            work: Arc::new(Work::new(spool, bounces, transport, options)),
            lock,
        })
    }

    /// Works until it is to stop.
    pub(crate) async fn run(self, mut stop: Stop) {
        let Self { work, lock } = self;
        let options = work.options();
        let began = Instant::now();
        let mut schedule = Schedule::new(options.places, options.share);
        let mut tasks = JoinSet::new();
        let mut jobs = HashMap::new();
        let (sender, mut scans) = mpsc::channel(1);
        let mut watcher = JoinSet::new();
        watcher.spawn(watch(work.spool().clone(), options.poll, sender));
        let mut to_load: VecDeque<Id> = VecDeque::new();
        let mut is_loading = false;
        let mut end = None;
        loop {
            if end.is_none() {
                while let Some(job) = schedule.start(began.elapsed()) {
                    let (work, task_job) = (Arc::clone(&work), job.clone());
                    let task = tasks.spawn(async move { Done::Job(work.run(&task_job).await) });
                    jobs.insert(task.id(), job);
                }
                if !is_loading && !to_load.is_empty() {
                    let ids: Vec<Id> = to_load.drain(..to_load.len().min(BATCH)).collect();
                    let work = Arc::clone(&work);
                    tasks.spawn(async move { Done::Load(work.load(ids).await) });
                    is_loading = true;
                }
            } else if jobs.is_empty() {
                break;
            }
            show(&options.figures, &schedule);
            let due = schedule.next_due().filter(|_| end.is_none());
            let due = due.map(|due| began + due);
            tokio::select! {
                () = stop.requested(), if end.is_none() => {
                    end = Some(Instant::now() + options.stop);
                }
                () = sleep_until(end.unwrap_or(began)), if end.is_some() => {
                    tracing::warn!(jobs = jobs.len(), "stopped before all that was under way had ended; it is tried again");
                    break;
                }
                () = sleep_until(due.unwrap_or(began)), if due.is_some() => {}
                Some(ids) = scans.recv(), if to_load.is_empty() && !is_loading && end.is_none() => {
                    to_load.extend(ids.into_iter().filter(|id| !schedule.knows(id)));
                }
                Some(joined) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                    let (task, done) = flat(joined);
                    if let Some(job) = jobs.remove(&task) {
                        let ended = match done {
                            Some(Done::Job(ended)) => ended,
                            _ => work.after_fault(&job),
                        };
                        let again = ended.again.map(|wait| began.elapsed().saturating_add(wait));
                        schedule.end(job, again, ended.reached);
                    } else {
                        is_loading = false;
                        if let Some(Done::Load(found)) = done {
                            for Found { id, octets, domains } in found {
                                let now = began.elapsed();
                                let domains = domains
                                    .into_iter()
                                    .map(|(domain, wait)| (domain, now.saturating_add(wait)));
                                schedule.add(id, octets, domains);
                            }
                        }
                    }
                }
            }
        }
        drop(lock);
    }
}

impl Clock {
    /// That of this host.
    fn of_system() -> Self {
        Self(Arc::new(|| {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            UnixTime(since.map_or(0, |since| since.as_secs()))
        }))
    }

    fn now(&self) -> UnixTime {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now().0)
    }
}

/// The task that has ended, and what it gave; nothing after a fault of the program.
fn flat(joined: Result<(task::Id, Done), JoinError>) -> (task::Id, Option<Done>) {
    match joined {
        Ok((task, done)) => (task, Some(done)),
        Err(error) => (error.id(), None),
    }
}

fn show(figures: &metrics::Queue, schedule: &Schedule) {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    figures.messages.set(number(schedule.messages() as u64));
    figures.octets.set(number(schedule.octets()));
}

/// The names of all messages, whenever there may be new ones.
async fn watch(spool: Spool, poll: Duration, scans: mpsc::Sender<Vec<Id>>) {
    let mut seen: Option<SystemTime> = None;
    let mut is_settled = false;
    let mut scanned: Option<Instant> = None;
    let mut pause = poll;
    loop {
        let looked = spool.clone();
        let changed = blocking(move || looked.changed()).await.ok();
        // A change in the same tick of the clock as the one that was seen looks the same; so it is read once more
        // after it looks settled.
        let is_same = changed.is_some() && changed == seen;
        let is_recent = scanned.is_some_and(|time| time.elapsed() < FULL_SCAN);
        if !(is_same && is_settled && is_recent) {
            is_settled = is_same;
            seen = changed;
            let began = Instant::now();
            let read = spool.clone();
            match blocking(move || read.scan()).await {
                Ok(ids) => {
                    scanned = Some(began);
                    if scans.send(ids).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!(folder = %spool.folder().display(), error = reason(&error), "the spool cannot be read");
                    seen = None;
                    sleep(SCAN_AGAIN).await;
                }
            }
            // A large folder that changes all the time is not read all the time.
            pause = poll.max(began.elapsed().saturating_mul(10)).min(FULL_SCAN);
        }
        sleep(pause).await;
    }
}
