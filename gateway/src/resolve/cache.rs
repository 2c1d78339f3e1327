//! Answers that are kept for as long as their TTL says (RFC 1034 5.3.3, RFC 2308), and questions under way,
//! which are asked once however many messages have them.
//!
//! Contract: memory is bounded by the number of answers and by the size of each; every call takes constant
//! time. A forged answer is believed for [`LONGEST`] at most, whatever TTL it has. Whoever stops waiting for
//! an answer takes nothing from the others: one of them goes on with the question.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scop_core::{NameBuf, Rtype};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::{Outcome, Reply};

/// Answers that are kept at once.
pub(crate) const ENTRIES: usize = 4096;

/// The longest time that an answer is kept. RFC 2308 5 says one to three hours for negative ones; a key that
/// was withdrawn, or a forged record, is not believed longer either.
const LONGEST: Duration = Duration::from_secs(3600);

/// How long a failure is kept (RFC 9520 3.2: at least one second), so that a server in trouble is not asked
/// again for each of a thousand messages.
const FAILURE: Duration = Duration::from_secs(1);

/// An answer that weighs more is not kept: octets of RDATA, and [`RECORD`] for each record.
const HEAVIEST: usize = 8192;

/// What a record takes in memory besides its data.
const RECORD: usize = 48;

/// What is asked.
pub(super) type Question = (NameBuf, Rtype);

/// The answers, and the questions under way.
#[derive(Debug)]
pub(super) struct Cache(Mutex<Inside>);

/// Answers are in two generations: those that were used since the last turn, and the ones before. When the
/// young are half of what may be kept, they become the old ones, and the old ones that nobody used are gone.
#[derive(Debug)]
struct Inside {
    entries: usize,
    young: HashMap<Question, Kept>,
    old: HashMap<Question, Kept>,
    under_way: HashMap<Question, Flight>,
}

#[derive(Clone, Debug)]
struct Kept {
    reply: Arc<Reply>,
    until: Instant,
}

/// A question that somebody waits for.
#[derive(Debug)]
struct Flight {
    cell: Arc<OnceCell<Arc<Reply>>>,
    /// How many wait.
    seats: usize,
}

/// The answer is there, or is to be waited for.
pub(super) enum Place {
    Kept(Arc<Reply>),
    Seat(Box<Seat>),
}

/// A place among those who wait for an answer.
#[derive(Debug)]
pub(super) struct Seat {
    cache: Arc<Cache>,
    question: Question,
    cell: Arc<OnceCell<Arc<Reply>>>,
}

impl Cache {
    pub(super) fn new(entries: usize) -> Self {
        Self(Mutex::new(Inside {
            entries,
            young: HashMap::new(),
            old: HashMap::new(),
            under_way: HashMap::new(),
        }))
    }

    /// The answer to a question, if it is kept.
    pub(super) fn find(&self, question: &Question) -> Option<Arc<Reply>> {
        self.lock().find(question, Instant::now())
    }

    /// The answer to a question, or a seat among those who wait for it.
    pub(super) fn place(self: &Arc<Self>, question: &Question) -> Place {
        let mut inside = self.lock();
        if let Some(reply) = inside.find(question, Instant::now()) {
            return Place::Kept(reply);
        }
        let flight = inside.under_way.entry(*question).or_insert_with(|| Flight {
            cell: Arc::default(),
            seats: 0,
        });
        flight.seats += 1;
        Place::Seat(Box::new(Seat {
            cache: Arc::clone(self),
            question: *question,
            cell: Arc::clone(&flight.cell),
        }))
    }

    /// The lock is never held while something can fail, so what a panic elsewhere left behind is whole.
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn find(&mut self, question: &Question, now: Instant) -> Option<Arc<Reply>> {
        if let Some(kept) = self.young.get(question) {
            return (now < kept.until).then(|| Arc::clone(&kept.reply));
        }
        let kept = self.old.remove(question).filter(|kept| now < kept.until)?;
        let reply = Arc::clone(&kept.reply);
        self.keep(question, kept);
        Some(reply)
    }

    fn keep(&mut self, question: &Question, kept: Kept) {
        if self.young.len() >= self.entries / 2 && !self.young.contains_key(question) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(*question, kept);
    }
}

impl Seat {
    /// Waits for the answer; asks with `ask` when nobody does so already.
    pub(super) async fn wait(self, ask: impl Future<Output = Reply>) -> Arc<Reply> {
        let reply = self.cell.get_or_init(|| async {
            let reply = Arc::new(ask.await);
            if let Some(time) = lifetime(&reply) {
                let until = Instant::now() + time;
                let kept = Kept {
                    reply: Arc::clone(&reply),
                    until,
                };
                self.cache.lock().keep(&self.question, kept);
            }
            reply
        });
        Arc::clone(reply.await)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut inside = self.cache.lock();
        if let Some(flight) = inside.under_way.get_mut(&self.question) {
            flight.seats -= 1;
            if flight.seats == 0 {
                inside.under_way.remove(&self.question);
            }
        }
    }
}

/// How long an answer is kept; none when it is not.
fn lifetime(reply: &Reply) -> Option<Duration> {
    let octets = match &reply.outcome {
        Outcome::Failed { .. } => return Some(FAILURE),
        Outcome::Records(records) => records.iter().map(|data| data.len() + RECORD).sum(),
        Outcome::NoData | Outcome::NxDomain => 0,
    };
    let time = Duration::from_secs(u64::from(reply.ttl.filter(|&ttl| ttl > 0)?));
    (octets <= HEAVIEST).then(|| time.min(LONGEST))
}

#[cfg(test)]
mod tests;
