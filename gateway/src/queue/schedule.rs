//! Which recipients are tried next: a plan in memory, fair between domains.
//!
//! A [`Job`] is one message and one domain of its recipients. It waits for its time in a heap, then in the line of
//! its domain; domains with something in line take turns. A domain has a share of the places: all of it while its
//! servers are reached, one place from when they are not. So a thousand messages for a server that does not answer
//! take one place, and the message behind them for another domain does not wait for any of them.
//!
//! A job needs less than 200 octets here: of its message it has the name alone, shared between the jobs of a message.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::spool::Id;

/// The recipients of one message that are of one domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Job {
    pub(crate) id: Arc<Id>,
    /// In lower case.
    pub(crate) domain: Arc<str>,
}

/// The plan. Times are those since it began, of a clock that does not jump.
#[derive(Debug)]
pub(crate) struct Schedule {
    places: usize,
    share: usize,
    under_way: usize,
    waiting: BinaryHeap<Reverse<(Duration, Job)>>,
    domains: HashMap<Arc<str>, Domain>,
    /// Domains with jobs in line and room in their share, each once.
    turns: VecDeque<Arc<str>>,
    messages: HashMap<Arc<Id>, Left>,
    octets: u64,
}

/// What is left of a message, wherever it is.
#[derive(Debug)]
struct Left {
    jobs: u32,
    octets: u64,
    /// Its jobs end with those that are under way.
    is_leaving: bool,
}

#[derive(Debug)]
struct Domain {
    /// Jobs, wherever they are.
    jobs: usize,
    line: VecDeque<Arc<Id>>,
    under_way: usize,
    share: usize,
    has_turn: bool,
}

impl Schedule {
    /// `places` jobs at once, `share` of one domain.
    pub(crate) fn new(places: usize, share: usize) -> Self {
        let places = places.max(1);
        Self {
            places,
            share: share.clamp(1, places),
            under_way: 0,
            waiting: BinaryHeap::new(),
            domains: HashMap::new(),
            turns: VecDeque::new(),
            messages: HashMap::new(),
            octets: 0,
        }
    }

    /// Whether jobs of this message are left.
    pub(crate) fn knows(&self, id: &Id) -> bool {
        self.messages.contains_key(id)
    }

    /// Messages with jobs left.
    pub(crate) fn messages(&self) -> usize {
        self.messages.len()
    }

    /// Octets of these.
    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }

    /// Jobs that were started and have not ended.
    #[cfg(test)]
    pub(crate) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Takes up a message: its octets, its domains, and when each is due. One that is known stays as it is.
    pub(crate) fn add(
        &mut self,
        id: Id,
        octets: u64,
        domains: impl IntoIterator<Item = (String, Duration)>,
    ) {
        if self.knows(&id) {
            return;
        }
        let id = Arc::new(id);
        let mut seen = HashSet::new();
        for (name, due) in domains {
            if !seen.insert(name.clone()) {
                continue;
            }
            let share = self.share;
            let domain = match self.domains.get_key_value(name.as_str()) {
                Some((domain, _)) => Arc::clone(domain),
                None => Arc::from(name),
            };
            let entry = self
                .domains
                .entry(Arc::clone(&domain))
                .or_insert_with(|| Domain {
                    jobs: 0,
                    line: VecDeque::new(),
                    under_way: 0,
                    share,
                    has_turn: false,
                });
            entry.jobs += 1;
            let total = &mut self.octets;
            let left = self.messages.entry(Arc::clone(&id)).or_insert_with(|| {
                *total = total.saturating_add(octets);
                Left {
                    jobs: 0,
                    octets,
                    is_leaving: false,
                }
            });
            left.jobs += 1;
            let job = Job {
                id: Arc::clone(&id),
                domain,
            };
            self.waiting.push(Reverse((due, job)));
        }
    }

    /// The next job to start, if one is due and there is a place.
    pub(crate) fn start(&mut self, now: Duration) -> Option<Job> {
        while self
            .waiting
            .peek()
            .is_some_and(|Reverse((due, _))| *due <= now)
        {
            let Some(Reverse((_, job))) = self.waiting.pop() else {
                break;
            };
            if let Some(domain) = self.domains.get_mut(&job.domain) {
                domain.line.push_back(job.id);
            }
            self.give_turn(&job.domain);
        }
        if self.under_way >= self.places {
            return None;
        }
        while let Some(name) = self.turns.pop_front() {
            let Some(domain) = self.domains.get_mut(&name) else {
                continue;
            };
            domain.has_turn = false;
            // Those in line may have been withdrawn.
            let Some(id) = domain.line.pop_front() else {
                continue;
            };
            domain.under_way += 1;
            self.under_way += 1;
            self.give_turn(&name);
            return Some(Job { id, domain: name });
        }
        None
    }

    /// Jobs of these messages are due now, if they wait for their time.
    pub(crate) fn hurry(&mut self, now: Duration, is_meant: impl Fn(&Id) -> bool) {
        let hurried = self.waiting.drain().map(|Reverse((due, job))| {
            let is_early = due > now && is_meant(&job.id);
            Reverse((if is_early { now } else { due }, job))
        });
        self.waiting = hurried.collect();
    }

    /// These messages are left alone: none of their jobs starts any more. One of which a job is under way is known
    /// until that ends.
    pub(crate) fn withdraw(&mut self, ids: &HashSet<Id>) {
        for id in ids {
            if let Some(left) = self.messages.get_mut(id) {
                left.is_leaving = true;
            }
        }
        let mut withdrawn = Vec::new();
        self.waiting.retain(|Reverse((_, job))| {
            let is_meant = ids.contains(&*job.id);
            if is_meant {
                withdrawn.push(job.clone());
            }
            !is_meant
        });
        for (name, domain) in &mut self.domains {
            domain.line.retain(|id| {
                let is_meant = ids.contains(&**id);
                if is_meant {
                    withdrawn.push(Job {
                        id: Arc::clone(id),
                        domain: Arc::clone(name),
                    });
                }
                !is_meant
            });
        }
        for job in withdrawn {
            self.forget(&job);
        }
    }

    /// When the next job is due that is not in line yet.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.waiting.peek().map(|Reverse((due, _))| *due)
    }

    /// A job has ended: when it is due again, or that it is over; and whether the servers of its domain were reached.
    pub(crate) fn end(&mut self, job: Job, again: Option<Duration>, reached: bool) {
        self.under_way = self.under_way.saturating_sub(1);
        let Some(domain) = self.domains.get_mut(&job.domain) else {
            return;
        };
        domain.under_way = domain.under_way.saturating_sub(1);
        domain.share = if reached {
            domain.share.saturating_mul(2).min(self.share)
        } else {
            1
        };
        self.give_turn(&job.domain);
        let left = self.messages.get(&job.id);
        match again.filter(|_| left.is_some_and(|left| !left.is_leaving)) {
            Some(due) => self.waiting.push(Reverse((due, job))),
            None => self.forget(&job),
        }
    }

    fn forget(&mut self, job: &Job) {
        if let Some(domain) = self.domains.get_mut(&job.domain) {
            domain.jobs = domain.jobs.saturating_sub(1);
            if domain.jobs == 0 {
                self.domains.remove(&job.domain);
            }
        }
        if let Some(left) = self.messages.get_mut(&job.id) {
            left.jobs = left.jobs.saturating_sub(1);
            if left.jobs == 0 {
                self.octets = self.octets.saturating_sub(left.octets);
                self.messages.remove(&job.id);
            }
        }
    }

    fn give_turn(&mut self, name: &Arc<str>) {
        if let Some(domain) = self.domains.get_mut(name)
            && !domain.has_turn
            && !domain.line.is_empty()
            && domain.under_way < domain.share
        {
            domain.has_turn = true;
            self.turns.push_back(Arc::clone(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn add(schedule: &mut Schedule, domains: &[&str], due: u64) -> Id {
        let id = Id::new().unwrap();
        let due = Duration::from_secs(due);
        schedule.add(
            id.clone(),
            10,
            domains.iter().map(|&domain| (domain.to_owned(), due)),
        );
        id
    }

    fn started(schedule: &mut Schedule, now: u64) -> Vec<Job> {
        std::iter::from_fn(|| schedule.start(Duration::from_secs(now))).collect()
    }

    #[test]
    fn jobs_start_when_they_are_due() {
        let mut schedule = Schedule::new(8, 8);
        let late = add(&mut schedule, &["b.example"], 20);
        let soon = add(&mut schedule, &["a.example"], 10);
        assert!(schedule.start(Duration::from_secs(9)).is_none());
        assert_eq!(schedule.next_due(), Some(Duration::from_secs(10)));
        let job = schedule.start(Duration::from_secs(10)).unwrap();
        assert_eq!(*job.id, soon);
        assert!(schedule.start(Duration::from_secs(19)).is_none());
        schedule.end(job, None, true);
        assert!(!schedule.knows(&soon) && schedule.knows(&late));
        let job = started(&mut schedule, 20).pop().unwrap();
        schedule.end(job, Some(Duration::from_secs(50)), true);
        assert_eq!(schedule.next_due(), Some(Duration::from_secs(50)));
    }

    #[test]
    fn domains_take_turns() {
        let mut schedule = Schedule::new(4, 2);
        for _ in 0..100 {
            add(&mut schedule, &["big.example"], 0);
        }
        add(&mut schedule, &["small.example"], 0);
        let mut domains: Vec<_> = started(&mut schedule, 1)
            .into_iter()
            .map(|job| job.domain.to_string())
            .collect();
        domains.sort_unstable();
        assert_eq!(domains, ["big.example", "big.example", "small.example"]);
    }

    #[test]
    fn a_domain_that_is_not_reached_has_one_place() {
        let mut schedule = Schedule::new(16, 8);
        for _ in 0..100 {
            add(&mut schedule, &["dead.example"], 0);
        }
        let jobs = started(&mut schedule, 0);
        assert_eq!(jobs.len(), 8);
        for job in jobs {
            schedule.end(job, Some(Duration::from_secs(600)), false);
        }
        let mut jobs = started(&mut schedule, 0);
        assert_eq!(jobs.len(), 1);
        // When it answers, its share grows again: 2, 4, 8.
        for expected in [2, 4, 8, 8] {
            for job in jobs {
                schedule.end(job, None, true);
            }
            jobs = started(&mut schedule, 0);
            assert!(jobs.len() <= 8 && jobs.len() >= expected, "{}", jobs.len());
        }
    }

    #[test]
    fn a_message_is_known_until_its_last_domain_is_over() {
        let mut schedule = Schedule::new(4, 4);
        let id = add(&mut schedule, &["a.example", "b.example", "a.example"], 0);
        // The same again, as when a folder is read twice.
        schedule.add(id.clone(), 10, [("a.example".to_owned(), NOW)]);
        let jobs = started(&mut schedule, 0);
        assert_eq!(jobs.len(), 2);
        for job in jobs {
            assert!(schedule.knows(&id));
            schedule.end(job, None, true);
        }
        assert!(!schedule.knows(&id));
        assert!(schedule.domains.is_empty() && schedule.turns.is_empty());
        assert_eq!(
            (schedule.messages(), schedule.octets(), schedule.under_way()),
            (0, 0, 0)
        );
    }

    #[test]
    fn jobs_that_are_hurried() {
        let mut schedule = Schedule::new(8, 8);
        let [first, second] = [10, 20].map(|due| add(&mut schedule, &["a.example"], due));
        let now = Duration::from_secs(5);
        schedule.hurry(now, |id| *id == second);
        assert_eq!(*schedule.start(now).unwrap().id, second);
        assert!(schedule.start(now).is_none());
        schedule.hurry(now, |_| true);
        assert_eq!(*schedule.start(now).unwrap().id, first);
    }

    #[test]
    fn messages_that_are_withdrawn() {
        let mut schedule = Schedule::new(2, 2);
        // Of one message a job is under way, the second stands in line, the third waits; the last is another one's.
        let leaving = add(&mut schedule, &["a.example"], 0);
        let [mut job] = <[Job; 1]>::try_from(started(&mut schedule, 0)).unwrap();
        let waiting = add(&mut schedule, &["a.example", "b.example"], 9);
        let in_line = add(&mut schedule, &["c.example"], 0);
        let other = add(&mut schedule, &["c.example", "a.example"], 1);
        schedule.places = 1;
        assert!(started(&mut schedule, 2).is_empty());
        let ids = [&leaving, &waiting, &in_line].map(Clone::clone).into();
        schedule.withdraw(&ids);
        assert!(schedule.knows(&leaving) && !schedule.knows(&waiting) && !schedule.knows(&in_line));
        // It does not come again, whatever became of it.
        schedule.end(job, Some(NOW), true);
        assert!(!schedule.knows(&leaving));
        for _ in 0..2 {
            job = started(&mut schedule, 100).pop().unwrap();
            assert_eq!(*job.id, other);
            schedule.end(job, None, true);
        }
        assert!(started(&mut schedule, 100).is_empty());
        assert!(schedule.domains.is_empty() && schedule.turns.is_empty());
        assert_eq!((schedule.messages(), schedule.octets()), (0, 0));
    }

    #[test]
    fn every_job_is_started_once_in_any_order_of_ends() {
        let mut schedule = Schedule::new(7, 3);
        for number in 0..1_000_u64 {
            let domain = format!("d{}.example", number % 13);
            add(&mut schedule, &[&domain], number % 5);
        }
        let (mut ended, mut running, mut seed) = (0, Vec::new(), 1_u32);
        while ended < 1_000 {
            running.extend(started(&mut schedule, 10));
            assert!(running.len() <= 7 && !running.is_empty());
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let job = running.swap_remove((seed >> 16) as usize % running.len());
            schedule.end(job, None, seed & 1 << 20 == 0);
            ended += 1;
        }
        assert!(
            schedule.domains.is_empty()
                && schedule.messages.is_empty()
                && schedule.start(NOW).is_none()
        );
    }
}
