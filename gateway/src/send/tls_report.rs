//! Reports of TLS, once a day, to the domains that ask for them (RFC 8460).
//!
//! Each session with a server is counted for the domain of its recipients, under the policy that held, in the UTC
//! day in which it ended. What is counted is written to disk every [`SAVE`], and when the service stops: a kill
//! loses what came after the last write. When the day is over and a delay of chance has passed, a report goes to each
//! place that the domain names: by mail, through the spool and so signed, or by HTTPS. [`AT_ONCE`] domains get theirs
//! side by side. What cannot be handed over is tried again each [`AGAIN`], for a day (RFC 8460 5.5). What was handed
//! over is written at least every [`SAVE_SENT`]: a kill before that has a report go out twice, under the same id.
//!
//! Reports ask for policies of TLS to be ignored (`TLS-Required: No`), because a report of a failure must get
//! through (RFC 8460 3); what asks for that is not counted, so that reports never lead to reports.

mod count;
mod hand_over;
mod message;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use scop_core::UnixTime;
use scop_smtp_proto::Domain;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use self::count::Day;
pub(crate) use self::count::{Fault, Session};
pub(crate) use self::message::Submitter;
use crate::error::Error;
use crate::http::Https;
use crate::message::reason;
use crate::resolve::Resolver;
use crate::service::Stop;
use crate::service::metrics;
use crate::spool::Spool;

/// How often counts are written.
const SAVE: Duration = Duration::from_secs(30);

/// How often it is written what was handed over, while reports go out.
const SAVE_SENT: Duration = Duration::from_secs(1);

/// Domains whose reports are handed over at once.
const AT_ONCE: usize = 16;

/// When what could not be handed over is tried again.
const AGAIN: Duration = Duration::from_secs(3600);

/// The longest delay after the end of a day.
const LONGEST_DELAY: Duration = Duration::from_secs(4 * 3600);

/// Seconds after the end of a day for which its reports are tried: a day, and the longest delay.
const GIVE_UP: u64 = DAY + LONGEST_DELAY.as_secs();

/// Seconds.
const DAY: u64 = 86_400;

/// Counts and sends. It is shared by clones.
#[derive(Clone, Debug)]
pub(crate) struct Reports(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    setup: Setup,
    days: Mutex<BTreeMap<u64, Kept>>,
}

/// A day, by its number since 1970.
#[derive(Debug)]
struct Kept {
    day: Day,
    is_changed: bool,
}

/// What a service has for its reports.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) submitter: Submitter,
    /// The longest time after the end of a day.
    pub(crate) delay: Duration,
    pub(crate) spool: Spool,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) https: Https,
    /// The ports of web servers to which reports are posted: a record may be written by anybody, and could point at
    /// whatever listens somewhere.
    pub(crate) ports: Vec<u16>,
    /// Reports may be posted to addresses that no public server has.
    pub(crate) private_addresses: bool,
    pub(crate) figures: metrics::Sender,
}

/// What became of the reports on one domain.
#[derive(Debug)]
struct Fate {
    /// All were handed over, or never can be.
    is_done: bool,
    /// URIs that have theirs.
    sent: Vec<String>,
}

impl Fate {
    const DONE: Self = Self {
        is_done: true,
        sent: Vec::new(),
    };
}

impl Reports {
    /// Opens the folder of the counts, and makes it where it is missing.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub(crate) fn open(folder: &Path, setup: Setup) -> Result<Self, Error> {
        let days = store::read_days(folder)
            .map_err(|error| Error::new(folder.display(), reason(&error)))?;
        Ok(Self(Arc::new(Inner {
            folder: folder.to_owned(),
            setup,
            days: Mutex::new(days),
        })))
    }

    /// Counts one session that has ended now.
    pub(crate) fn count(&self, session: &Session<'_>) {
        self.count_at(session, now());
    }

    fn count_at(&self, session: &Session<'_>, now: UnixTime) {
        if !matches!(Domain::parse(session.domain.as_bytes()), Ok(Domain::Name(name)) if name.raw().is_ascii())
        {
            return; // a literal, or a name that is not in A-labels, has no record
        }
        let mut days = self.days();
        let kept = days.entry(now.0 / DAY).or_insert_with(|| Kept {
            day: Day::new(now.0 / DAY),
            is_changed: false,
        });
        kept.day.count(session);
        kept.is_changed = true;
    }

    /// Writes counts and sends reports until the service stops.
    pub(crate) async fn run(self, mut stop: Stop) {
        let mut due: BTreeMap<u64, Instant> = BTreeMap::new();
        while !stop.is_requested() {
            let today = now().0 / DAY;
            let past: Vec<u64> = self.days().range(..today).map(|(&day, _)| day).collect();
            due.retain(|day, _| past.contains(day));
            for day in past {
                let at = *due
                    .entry(day)
                    .or_insert_with(|| Instant::now() + random_part(self.0.setup.delay));
                if at <= Instant::now() {
                    self.send(day, now(), &mut stop).await;
                    due.insert(day, Instant::now() + AGAIN);
                }
            }
            tokio::select! {
                () = stop.requested() => {}
                () = sleep(SAVE) => {}
            }
            self.save().await;
        }
    }

    /// Writes what has changed.
    pub(crate) async fn save(&self) {
        let changed: Vec<(PathBuf, Vec<u8>)> = {
            let mut days = self.days();
            days.values_mut()
                .filter_map(|kept| {
                    if !std::mem::take(&mut kept.is_changed) {
                        return None;
                    }
                    let octets = kept.day.emit();
                    let octets = octets.inspect_err(|error| warn!("counts of TLS: {error}"));
                    Some((self.0.folder.join(kept.day.file_name()), octets.ok()?))
                })
                .collect()
        };
        for (path, octets) in changed {
            let written = spawn_blocking(move || {
                store::write_file(&path, &octets).map_err(|error| (path, error))
            });
            match written.await {
                Ok(Ok(())) => {}
                Ok(Err((path, error))) => {
                    warn!(
                        "{}: the counts of TLS cannot be kept: {error}",
                        path.display()
                    );
                }
                Err(error) => warn!("the counts of TLS cannot be kept: {error}"),
            }
        }
    }

    /// Sends the reports of a day that is over.
    async fn send(&self, number: u64, now: UnixTime, stop: &mut Stop) {
        let (names, omitted): (Vec<String>, u64) = match self.days().get_mut(&number) {
            Some(kept) => (kept.day.names().cloned().collect(), kept.day.take_omitted()),
            None => return,
        };
        let day = count::date(number);
        if omitted > 0 {
            warn!(
                day,
                sessions = omitted,
                "sessions with further domains were not counted, and these get no reports of TLS"
            );
        }
        if now.0 > (number + 1).saturating_mul(DAY).saturating_add(GIVE_UP) {
            warn!(day, domains = names.len(), "reports of TLS are given up");
            let figures = &self.0.setup.figures;
            figures.reports.add_many(["failed"], names.len() as u64);
            if let Some(kept) = self.days().get_mut(&number) {
                kept.day.clear();
            }
        } else {
            debug!(day, domains = names.len(), "reports of TLS are due");
            self.send_to_all(number, names, now, stop).await;
        }
        let is_empty = self
            .days()
            .get(&number)
            .is_some_and(|kept| kept.day.is_empty());
        if is_empty {
            let kept = self.days().remove(&number);
            let path = kept.map(|kept| self.0.folder.join(kept.day.file_name()));
            let removed = spawn_blocking(move || path.map_or(Ok(()), fs::remove_file)).await;
            if let Ok(Err(error)) = removed
                && error.kind() != io::ErrorKind::NotFound
            {
                warn!(day = number, "the counts of TLS cannot be removed: {error}");
            }
        } else {
            self.save().await;
        }
    }

    /// Hands over the reports on these domains, some at once.
    async fn send_to_all(&self, day: u64, names: Vec<String>, now: UnixTime, stop: &mut Stop) {
        let mut names = names.into_iter();
        let mut saved = Instant::now();
        // Those that are under way when the service stops end with this function, and are begun again.
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < AT_ONCE
                && let Some(domain) = names.next()
            {
                let reports = self.clone();
                under_way.spawn(async move {
                    let fate = reports.report(day, &domain, now).await;
                    (domain, fate)
                });
            }
            let done = tokio::select! {
                done = under_way.join_next() => done,
                () = stop.requested() => return,
            };
            match done {
                Some(Ok((domain, Some(fate)))) => {
                    if let Some(kept) = self.days().get_mut(&day) {
                        kept.day.settle(&domain, fate);
                        kept.is_changed = true;
                    }
                }
                Some(Ok((_, None))) => {}
                Some(Err(error)) => warn!("a fault of scop: a report of TLS was not sent: {error}"),
                None => return,
            }
            if saved.elapsed() >= SAVE_SENT {
                self.save().await;
                saved = Instant::now();
            }
        }
    }

    fn days(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Kept>> {
        self.0.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a time, by chance; all of it where the system has none.
fn random_part(time: Duration) -> Duration {
    let mut octets = [0; 4];
    match getrandom::fill(&mut octets) {
        Ok(()) => time.mul_f64(f64::from(u32::from_ne_bytes(octets)) / f64::from(u32::MAX)),
        Err(_) => time,
    }
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime(since.map_or(0, |time| time.as_secs()))
}
