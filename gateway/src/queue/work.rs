//! One job: the recipients of one message that are of one domain, tried once, and what follows from it.
//!
//! In this order, each step after the one before is on disk: what became of the recipients; the notification, if one
//! is due; that it was made; that the message is over. The jobs of one message share what is known of it. The one that
//! ends last makes the notification, so that there is one for all that failed together.
//!
//! A [`Removal`] is what an operator does instead of a job: nothing is tried, and the message is over.

mod disk;
mod outcome;
mod removal;
mod tell;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scop_smtp_proto::ForwardPath;
use tokio::sync::{Mutex as AsyncMutex, OnceCell};
use tokio::task::JoinSet;

pub(super) use self::disk::blocking;
pub(super) use self::outcome::notify;
pub(crate) use self::removal::Removal;
use super::backoff::Backoff;
use super::schedule::Job;
use super::state::{Fate, State};
use super::{Failure, Options, Outcome, Outgoing, Transport};
use crate::message::reason;
use crate::spool::{Entry, Envelope, Id, Spool};
use crate::terminal::shown;

/// Recipients in one transaction: what every server takes (RFC 5321 4.5.3.1.8).
const TRANSACTION: usize = 100;

/// What the jobs of a queue share.
#[derive(Debug)]
pub(crate) struct Work<T> {
    spool: Spool,
    bounces: Option<Spool>,
    transport: Arc<T>,
    options: Options,
    backoff: Backoff,
    /// Messages with jobs under way.
    open: Mutex<HashMap<Arc<Id>, Open>>,
}

/// What a job came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// After so long there is more to do.
    pub(crate) again: Option<Duration>,
    /// Whether a server of the domain said something.
    pub(crate) reached: bool,
}

/// A message that was found in the spool.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) id: Id,
    pub(crate) octets: u64,
    /// What is left to do, and after how long.
    pub(crate) domains: Vec<(String, Duration)>,
}

#[derive(Debug)]
struct Open {
    message: Arc<OnceCell<Message>>,
    jobs: usize,
}

/// A message under way.
#[derive(Debug)]
struct Message {
    outgoing: Arc<Outgoing>,
    progress: AsyncMutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    state: State,
    /// Jobs between servers and their result.
    jobs: usize,
}

/// Counts a job of a message, until it is dropped.
struct Entered<'w, T> {
    work: &'w Work<T>,
    id: &'w Arc<Id>,
    message: Arc<OnceCell<Message>>,
}

impl<T> Work<T> {
    pub(crate) fn new(
        spool: Spool,
        bounces: Option<Spool>,
        transport: T,
        options: Options,
    ) -> Self {
        Self {
            spool,
            bounces,
            transport: Arc::new(transport),
            backoff: Backoff::new(&options.retry),
            options,
            open: Mutex::default(),
        }
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn transport(&self) -> &T {
        &self.transport
    }

    pub(crate) fn spool(&self) -> &Spool {
        &self.spool
    }

    /// Looks at messages that are new to this process.
    pub(crate) async fn load(self: Arc<Self>, ids: Vec<Id>) -> Vec<Found>
    where
        T: Send + Sync + 'static,
    {
        let found = blocking(move || Ok(ids.into_iter().filter_map(|id| self.find(id)).collect()));
        found.await.unwrap_or_default()
    }

    /// What follows when a job ended by a fault of the program.
    pub(crate) fn after_fault(&self, job: &Job) -> Ended {
        tracing::error!(id = %job.id, domain = shown(job.domain.as_bytes()), "a fault of scop ended an attempt");
        Ended {
            again: Some(self.backoff.first()),
            reached: false,
        }
    }

    fn find(&self, id: Id) -> Option<Found> {
        let read = self.spool.read(&id);
        let entry = read
            .inspect_err(|error| {
                // One that is none of a spool is set aside there, with a word in the log.
                if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) {
                    tracing::error!(%id, error = reason(error), "a message cannot be read; it stays");
                }
            })
            .ok()?;
        let envelope = &entry.envelope;
        let state = self.spool.state(&id).ok().flatten();
        let state = state
            .and_then(|text| State::parse(&text, envelope).ok())
            .unwrap_or_else(|| State::new(envelope));
        let now = self.options.clock.now();
        let mut domains: Vec<(String, Duration)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (recipient, fate) in envelope.to.iter().zip(&state.recipients) {
            let wait = match fate {
                Fate::Done => continue,
                Fate::Pending { next, .. } => self.backoff.until(*next, now),
                Fate::Relayed { .. } | Fate::Failed { .. } => Duration::ZERO,
            };
            let domain = self.domain(&recipient.path);
            let place = *places.entry(domain).or_insert_with_key(|domain| {
                domains.push((domain.clone(), wait));
                domains.len() - 1
            });
            if let Some((_, due)) = domains.get_mut(place) {
                *due = wait.min(*due);
            }
        }
        if domains.is_empty() {
            // It is over, and only to be removed.
            domains.push((String::new(), Duration::ZERO));
        }
        tracing::debug!(%id, from = shown(envelope.from.as_bytes()), recipients = envelope.to.len(), "queued");
        Some(Found {
            octets: entry.octets,
            id,
            domains,
        })
    }

    /// The domain of a forward path, in lower case.
    fn domain(&self, path: &str) -> String {
        match ForwardPath::parse(path.as_bytes()) {
            Ok(path) => path.mailbox().map_or_else(
                || self.options.name.clone(),
                |mailbox| mailbox.domain().to_string(),
            ),
            // Whoever is to deliver it says what is wrong with it.
            Err(_) => path
                .trim_end_matches('>')
                .rsplit('@')
                .next()
                .unwrap_or_default()
                .to_owned(),
        }
        .to_ascii_lowercase()
    }

    fn enter<'w>(&'w self, id: &'w Arc<Id>) -> Entered<'w, T> {
        let mut open = lock(&self.open);
        let entry = open.entry(Arc::clone(id)).or_insert_with(|| Open {
            message: Arc::default(),
            jobs: 0,
        });
        entry.jobs += 1;
        Entered {
            work: self,
            id,
            message: Arc::clone(&entry.message),
        }
    }
}

impl<T> Drop for Entered<'_, T> {
    fn drop(&mut self) {
        let mut open = lock(&self.work.open);
        if let Some(entry) = open.get_mut(self.id) {
            entry.jobs -= 1;
            if entry.jobs == 0 {
                open.remove(self.id);
            }
        }
    }
}

impl<T: Transport> Work<T> {
    /// Does a job.
    pub(crate) async fn run(&self, job: &Job) -> Ended {
        let later = Ended {
            again: Some(self.backoff.first()),
            reached: true,
        };
        let entered = self.enter(&job.id);
        let message = match entered.message.get_or_try_init(|| self.open(&job.id)).await {
            Ok(message) => message,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidData
                ) =>
            {
                tracing::warn!(id = %job.id, error = reason(&error), "the message is gone from the queue");
                return Ended {
                    again: None,
                    reached: true,
                };
            }
            Err(error) => {
                tracing::error!(id = %job.id, error = reason(&error), "the message cannot be read; later again");
                return later;
            }
        };
        let due = {
            let mut progress = message.progress.lock().await;
            // What an earlier process did not come to tell is told before there is more: the notification may be
            // there already, and names these recipients only.
            if progress.jobs == 0
                && progress.state.is_to_be_reported()
                && !self
                    .tell(&message.outgoing, &mut progress.state, None)
                    .await
            {
                return later;
            }
            progress.jobs += 1;
            self.due(&message.outgoing.entry.envelope, &progress.state, job)
        };
        let mut reached = true;
        let mut outcomes = Vec::with_capacity(due.len());
        for part in due.chunks(TRANSACTION) {
            outcomes.extend(self.deliver(&message.outgoing, job, part).await);
        }
        let mut progress = message.progress.lock().await;
        progress.jobs -= 1;
        let now = self.options.clock.now();
        let chance = getrandom::u32().unwrap_or(u32::MAX / 2);
        if !due.is_empty() {
            self.options.figures.attempts.inc();
            // One that takes connections and says nothing holds places longer than one that is not there.
            reached = outcomes.iter().any(
                |outcome| !matches!(outcome, Outcome::Deferred(failure) if failure.reply.is_none()),
            );
            let mut is_new = false;
            for (index, outcome) in due.iter().zip(outcomes) {
                is_new |= self.apply(
                    &message.outgoing,
                    &mut progress.state,
                    *index,
                    outcome,
                    now,
                    chance,
                );
            }
            if !progress.state.is_over() {
                self.keep(&job.id, &progress.state, is_new).await;
            }
        }
        if progress.jobs == 0
            && !self
                .tell(&message.outgoing, &mut progress.state, Some(now))
                .await
        {
            return later;
        }
        if progress.state.is_over() {
            self.end(&job.id, progress.state.kept).await;
            return Ended {
                again: None,
                reached,
            };
        }
        let fates = due
            .iter()
            .filter_map(|index| progress.state.recipients.get(*index));
        let again = fates
            .filter_map(|fate| match fate {
                Fate::Pending { next, .. } => Some(self.backoff.until(*next, now)),
                _ => None,
            })
            .min();
        Ended { again, reached }
    }

    /// The recipients of a job, by their place in the envelope.
    fn due(&self, envelope: &Envelope, state: &State, job: &Job) -> Vec<usize> {
        let fates = envelope.to.iter().zip(&state.recipients).enumerate();
        let due = fates.filter(|(_, (recipient, fate))| {
            matches!(fate, Fate::Pending { .. }) && self.domain(&recipient.path) == *job.domain
        });
        due.map(|(index, _)| index).collect()
    }

    async fn open(&self, id: &Arc<Id>) -> io::Result<Message> {
        let (entry, state) = self.read(id).await?;
        let transport = Arc::clone(&self.transport);
        let outgoing = blocking(move || {
            let prefix = transport.prefix(&entry)?;
            Ok(Outgoing { entry, prefix })
        })
        .await?;
        Ok(Message {
            outgoing: Arc::new(outgoing),
            progress: AsyncMutex::new(Progress { state, jobs: 0 }),
        })
    }

    /// A message with what is known of it.
    async fn read(&self, id: &Id) -> io::Result<(Entry, State)> {
        let (spool, name) = (self.spool.clone(), id.clone());
        let (entry, state) = blocking(move || {
            let entry = spool.read(&name)?;
            let state = match spool.state(&name) {
                Err(error) if error.kind() == io::ErrorKind::InvalidData => Some(Vec::new()),
                state => state?,
            };
            Ok((entry, state))
        })
        .await?;
        let state = match state.map(|text| State::parse(&text, &entry.envelope)) {
            None => State::new(&entry.envelope),
            Some(Ok(state)) => state,
            Some(Err(rule)) => {
                tracing::error!(%id, rule, "its state is broken; all recipients are tried again");
                let mut state = State::new(&entry.envelope);
                // What was told is unknown; so the next notification must not have the name of one before.
                state.reports = getrandom::u32().map_err(io::Error::from)?;
                state
            }
        };
        Ok((entry, state))
    }

    /// Hands over to the transport; an outcome for each recipient, whatever it does.
    async fn deliver(&self, outgoing: &Arc<Outgoing>, job: &Job, part: &[usize]) -> Vec<Outcome> {
        let (transport, outgoing) = (Arc::clone(&self.transport), Arc::clone(outgoing));
        let (domain, recipients) = (Arc::clone(&job.domain), part.to_vec());
        // In a task of its own, which ends with this one, so that a fault there is no more than a failed attempt.
        let mut task = JoinSet::new();
        task.spawn(async move { transport.deliver(&outgoing, &domain, &recipients).await });
        let mut outcomes = match task.join_next().await {
            Some(Ok(outcomes)) => outcomes,
            _ => Vec::new(),
        };
        if outcomes.len() != part.len() {
            tracing::error!(id = %job.id, "a fault of scop: there is not an outcome for each recipient");
            let unknown = Outcome::Deferred(Failure {
                status: "4.3.0".to_owned(),
                host: None,
                reply: None,
                why: "a fault of this mail system".to_owned(),
            });
            outcomes.resize(part.len(), unknown);
        }
        outcomes
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
