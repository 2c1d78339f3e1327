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
//! An operator may ask for an attempt now, or for the end of a message ([`Request`]). What is asked to be removed is
//! not tried any more, but for an attempt that is under way, and the request stays until it is done: a process that
//! is killed does it before anything else when it starts again.
//!
//! # How
//! [`watch`] hears of what is new, [`schedule`] says which message goes to which domain next, [`work`] does one such job, [`state`] is what is kept
//! on disk, [`backoff`] when there is another attempt, and [`dsn`] what the sender is told. FUTURERELEASE and
//! DELIVERBY are not offered, so that nothing waits for anything but its next attempt.

mod backoff;
mod dsn;
mod schedule;
mod state;
#[cfg(test)]
mod tests;
mod watch;
mod work;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use scop_core::UnixTime;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use self::schedule::{Job, Schedule};
pub(crate) use self::state::{Fate, State};
use self::watch::News;
use self::work::{Ended, Found, Removal, Work};
use crate::error::Error;
use crate::message::reason;
use crate::service::Stop;
use crate::service::config::Retry;
use crate::service::metrics;
use crate::spool::{self, Id, Lock, Request, Spool};

/// How often the folder is looked at for new messages and for requests.
const POLL: Duration = Duration::from_millis(150);

/// New messages that are opened in one go, to see who they are for.
const BATCH: usize = 256;

/// Messages that are removed at once, as an operator asked.
const REMOVALS: usize = 16;

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
    pub(crate) entry: spool::Entry,
    /// What is sent before the message: the signatures.
    pub(crate) prefix: Vec<u8>,
}

/// The way to the next server, which differs between the services.
pub(crate) trait Transport: Send + Sync + 'static {
    /// What is to be sent before the message, made anew for each round of attempts: signatures. Blocks.
    ///
    /// # Errors
    /// When the message cannot be read; it is tried again later.
    fn prefix(&self, _entry: &spool::Entry) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    /// Tries the recipients of these indices, which all have the domain `domain`; an outcome for each, in the same order.
    fn deliver(
        &self,
        message: &Outgoing,
        domain: &str,
        recipients: &[usize],
    ) -> impl Future<Output = Vec<Outcome>> + Send;

    /// An operator wants attempts now: servers that could not be reached a moment ago are tried, too.
    fn wake(&self) {}
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

/// All that a queue at work keeps in mind.
struct Course<T> {
    work: Arc<Work<T>>,
    began: Instant,
    schedule: Schedule,
    tasks: JoinSet<Done>,
    /// What these do, but for the one that loads.
    under_way: HashMap<task::Id, Task>,
    to_load: VecDeque<Id>,
    has_load: bool,
    /// Messages that are to be removed or being removed, and whether their sender is told.
    leaving: HashMap<Id, bool>,
    /// Of these, those whose turn it is.
    to_remove: VecDeque<Removal>,
    removing: usize,
}

enum Task {
    Job(Job),
    Removal(Removal),
}

/// What a task came to.
enum Done {
    Job(Ended),
    Removal(bool),
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
    /// When another process works on the spool, or others could ask it to remove messages.
    pub(crate) fn new(
        spool: Spool,
        bounces: Option<Spool>,
        transport: T,
        options: Options,
    ) -> Result<Self, Error> {
        let locked = spool.lock();
        let lock = locked
            .and_then(|lock| spool.hear().map(|()| lock))
            .map_err(|error| Error::new(spool.folder().display(), reason(&error)))?;
        Ok(Self {
            work: Arc::new(Work::new(spool, bounces, transport, options)),
            lock,
        })
    }

    /// Works until it is to stop.
    pub(crate) async fn run(self, mut stop: Stop) {
        let Self { work, lock } = self;
        let options = work.options().clone();
        let (sender, mut news) = mpsc::channel(1);
        let mut watcher = JoinSet::new();
        watcher.spawn(watch::watch(work.spool().clone(), options.poll, sender));
        let began = Instant::now();
        let mut course = Course::new(work, began);
        let mut end = None;
        loop {
            if end.is_none() {
                course.start();
            } else if course.under_way.is_empty() {
                break;
            }
            course.show();
            let due = course.schedule.next_due().filter(|_| end.is_none());
            let due = due.map(|due| began + due);
            tokio::select! {
                () = stop.requested(), if end.is_none() => {
                    end = Some(Instant::now() + options.stop);
                }
                () = sleep_until(end.unwrap_or(began)), if end.is_some() => {
                    let jobs = course.under_way.len();
                    tracing::warn!(jobs, "stopped before all that was under way had ended; it is tried again");
                    break;
                }
                () = sleep_until(due.unwrap_or(began)), if due.is_some() => {}
                // What is being loaded can neither be told from what is new nor be removed.
                Some(news) = news.recv(), if !course.is_loading() && end.is_none() => {
                    course.hear(news);
                }
                Some(joined) = course.tasks.join_next_with_id(), if !course.tasks.is_empty() => {
                    course.end(joined);
                }
            }
        }
        drop(lock);
    }
}

impl<T: Transport> Course<T> {
    fn new(work: Arc<Work<T>>, began: Instant) -> Self {
        let options = work.options();
        Self {
            schedule: Schedule::new(options.places, options.share),
            work,
            began,
            tasks: JoinSet::new(),
            under_way: HashMap::new(),
            to_load: VecDeque::new(),
            has_load: false,
            leaving: HashMap::new(),
            to_remove: VecDeque::new(),
            removing: 0,
        }
    }

    /// Begins whatever there is time and room for.
    fn start(&mut self) {
        while self.removing < REMOVALS
            && let Some(removal) = self.to_remove.pop_front()
        {
            let (work, task_removal) = (Arc::clone(&self.work), removal.clone());
            let remove = async move { Done::Removal(work.remove(&task_removal).await) };
            let task = self.tasks.spawn(remove);
            self.under_way.insert(task.id(), Task::Removal(removal));
            self.removing += 1;
        }
        while let Some(job) = self.schedule.start(self.began.elapsed()) {
            let (work, task_job) = (Arc::clone(&self.work), job.clone());
            let run = async move { Done::Job(work.run(&task_job).await) };
            let task = self.tasks.spawn(run);
            self.under_way.insert(task.id(), Task::Job(job));
        }
        if !self.has_load && !self.to_load.is_empty() {
            let ids: Vec<Id> = (self.to_load)
                .drain(..self.to_load.len().min(BATCH))
                .collect();
            let work = Arc::clone(&self.work);
            self.tasks
                .spawn(async move { Done::Load(work.load(ids).await) });
            self.has_load = true;
        }
    }

    fn is_loading(&self) -> bool {
        self.has_load || !self.to_load.is_empty()
    }

    fn hear(&mut self, news: News) {
        let requests = match news {
            News::Messages(ids) => {
                let is_new = |id: &Id| !self.schedule.knows(id) && !self.leaving.contains_key(id);
                self.to_load.extend(ids.into_iter().filter(is_new));
                return;
            }
            News::Requests(requests) => requests,
        };
        let (mut all, mut these, mut removed) = (false, HashSet::new(), HashSet::new());
        for request in requests {
            match request {
                Request::Try(None) => all = true,
                Request::Try(Some(id)) => {
                    these.insert(id);
                }
                // It is heard of again until it is done.
                Request::Remove { id, tells } => {
                    if let Entry::Vacant(entry) = self.leaving.entry(id.clone()) {
                        tracing::info!(%id, told = tells, "to be removed, as asked");
                        entry.insert(tells);
                        removed.insert(id);
                    }
                }
            }
        }
        if all || !these.is_empty() {
            self.work.transport().wake();
            let now = self.began.elapsed();
            self.schedule.hurry(now, |id| all || these.contains(id));
        }
        if !removed.is_empty() {
            self.schedule.withdraw(&removed);
            for id in removed {
                self.leave(&id);
            }
        }
    }

    /// A message is removed when no job of it is under way.
    fn leave(&mut self, id: &Id) {
        if let Some(&tells) = self.leaving.get(id)
            && !self.schedule.knows(id)
        {
            let id = id.clone();
            self.to_remove.push_back(Removal { id, tells });
        }
    }

    /// A task has ended; without a result after a fault of the program.
    fn end(&mut self, joined: Result<(task::Id, Done), JoinError>) {
        let (task, done) = match joined {
            Ok((task, done)) => (task, Some(done)),
            Err(error) => (error.id(), None),
        };
        match self.under_way.remove(&task) {
            Some(Task::Job(job)) => {
                let ended = match done {
                    Some(Done::Job(ended)) => ended,
                    _ => self.work.after_fault(&job),
                };
                let again = ended
                    .again
                    .map(|wait| self.began.elapsed().saturating_add(wait));
                let id = Arc::clone(&job.id);
                self.schedule.end(job, again, ended.reached);
                self.leave(&id);
            }
            Some(Task::Removal(removal)) => {
                self.removing -= 1;
                if matches!(done, Some(Done::Removal(true))) {
                    self.leaving.remove(&removal.id);
                } else {
                    self.to_remove.push_back(removal);
                }
            }
            None => {
                self.has_load = false;
                let Some(Done::Load(found)) = done else {
                    return;
                };
                let now = self.began.elapsed();
                for Found {
                    id,
                    octets,
                    domains,
                } in found
                {
                    let domains = domains
                        .into_iter()
                        .map(|(domain, wait)| (domain, now.saturating_add(wait)));
                    self.schedule.add(id, octets, domains);
                }
            }
        }
    }

    fn show(&self) {
        let figures = &self.work.options().figures;
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        figures
            .messages
            .set(number(self.schedule.messages() as u64));
        figures.octets.set(number(self.schedule.octets()));
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
