//! Runs any lookup machine: its questions go out side by side, each is asked once in a run, and all must
//! be answered before a deadline.
//!
//! A service begins early: [`Driver::advance`] sends the questions that are known while a message still
//! arrives, and [`Driver::drive`] waits for the rest. Questions that nobody waits for any more are dropped with
//! the driver.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use scop_core::{Failure, Lookup, NameBuf, QueryId, Rtype, Step};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use super::{Begun, Outcome, Reply, Resolver};

/// How long the end of all lookups of a message may be waited for. A receiving server keeps its peer waiting
/// meanwhile.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The lookups of one run.
#[derive(Debug)]
pub(crate) struct Driver {
    resolver: Arc<Resolver>,
    /// In the order in which they were first asked.
    asked: Vec<Asked>,
    /// Where a question is in `asked`.
    known: HashMap<(NameBuf, Rtype), usize>,
    /// Questions on their way, by their place in `asked`; they end with it.
    flying: JoinSet<(usize, Arc<Reply>)>,
    /// One for each that may be on its way at once.
    turns: Arc<Semaphore>,
    /// How long [`Driver::drive`] may take.
    budget: Duration,
}

/// One question, and its reply.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Presentation form.
    pub(crate) name: String,
    pub(crate) rtype: Rtype,
    /// As the machine named it when it asked first; its tags tell which part of the machine that was.
    pub(crate) id: QueryId,
    /// None while it is under way.
    pub(crate) reply: Option<Arc<Reply>>,
    /// Who waits for it.
    waiting: Vec<QueryId>,
}

/// The machine waits for something that is not an answer: a fault of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stalled;

impl Driver {
    pub(crate) fn new(resolver: Arc<Resolver>) -> Self {
        Self {
            turns: resolver.turns(),
            resolver,
            asked: Vec::new(),
            known: HashMap::new(),
            flying: JoinSet::new(),
            budget: DEADLINE,
        }
    }

    /// The same, with so much time for [`Driver::drive`].
    pub(crate) fn within(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// Sends the questions that the machine has, and hands it the answers that are there. It does not wait.
    ///
    /// It is called on a runtime, as often as one likes.
    pub(crate) fn advance<L: Lookup + ?Sized>(&mut self, machine: &mut L) {
        loop {
            match machine.poll() {
                Step::Done => return,
                Step::Query(id) => self.ask(machine, id),
                Step::Wait => match self.flying.try_join_next() {
                    Some(Ok((index, reply))) => self.settle(machine, index, reply),
                    // A task without a reply: it panicked, and has said so.
                    Some(Err(_)) => {}
                    None => return,
                },
            }
        }
    }

    /// Answers the machine's questions until it is done. The budget counts from here: what was asked earlier
    /// had its time while the message arrived. What is open when it is used up has failed.
    ///
    /// # Errors
    /// When the machine is not done and has no open question.
    pub(crate) async fn drive<L: Lookup + ?Sized>(
        &mut self,
        machine: &mut L,
    ) -> Result<(), Stalled> {
        let deadline = Instant::now() + self.budget;
        loop {
            match machine.poll() {
                Step::Done => return Ok(()),
                Step::Query(id) => self.ask(machine, id),
                Step::Wait if self.flying.is_empty() => return Err(Stalled),
                Step::Wait => match timeout_at(deadline, self.flying.join_next()).await {
                    Ok(Some(Ok((index, reply)))) => self.settle(machine, index, reply),
                    // A task without a reply: it was aborted below.
                    Ok(_) => {}
                    Err(_) => {
                        self.flying.abort_all();
                        self.give_up(machine);
                    }
                },
            }
        }
    }

    /// What was asked, in order.
    pub(crate) fn asked(&self) -> &[Asked] {
        &self.asked
    }

    /// Takes one question: answers it when the reply is there, and sees to it that it will be otherwise.
    fn ask<L: Lookup + ?Sized>(&mut self, machine: &mut L, id: QueryId) {
        let Some(query) = machine.query(id) else {
            return;
        };
        let (rtype, next) = (query.rtype, self.asked.len());
        let key = query.name.to_name().map(|name| (name, rtype));
        let index = match key {
            Ok(key) => *self.known.entry(key).or_insert(next),
            Err(_) => next,
        };
        if index == next {
            let reply = match key {
                Ok((name, _)) => match self.resolver.begin(&name, rtype) {
                    Begun::Answered(reply) => Some(reply),
                    Begun::Ask(asking) => {
                        let turns = Arc::clone(&self.turns);
                        self.flying
                            .spawn(async move { (index, asking.run(turns).await) });
                        None
                    }
                },
                // What is not a domain name cannot exist (RFC 7208 4.3 and 4.8 say the same).
                Err(rule) => {
                    debug!("{} is not asked for: {rule}", query.name);
                    Some(Arc::new(Reply::unasked(Outcome::NxDomain)))
                }
            };
            self.asked.push(Asked {
                name: query.name.to_string(),
                rtype,
                id,
                reply,
                waiting: Vec::new(),
            });
        }
        let Some(asked) = self.asked.get_mut(index) else {
            return;
        };
        match &asked.reply {
            Some(reply) => hand_over(machine, id, asked.rtype, reply),
            None => asked.waiting.push(id),
        }
    }

    fn settle<L: Lookup + ?Sized>(&mut self, machine: &mut L, index: usize, reply: Arc<Reply>) {
        let Some(asked) = self.asked.get_mut(index) else {
            return;
        };
        debug!("{} {}: {}", asked.name, asked.rtype, reply.outcome);
        for id in asked.waiting.drain(..) {
            hand_over(machine, id, asked.rtype, &reply);
        }
        asked.reply = Some(reply);
    }

    fn give_up<L: Lookup + ?Sized>(&mut self, machine: &mut L) {
        let open: Vec<usize> = (0..)
            .zip(&self.asked)
            .filter(|(_, asked)| asked.reply.is_none())
            .map(|(index, _)| index)
            .collect();
        for index in open {
            let why = format!("no reply within {} seconds", self.budget.as_secs());
            let failure = Failure::Timeout;
            self.settle(
                machine,
                index,
                Arc::new(Reply::unasked(Outcome::Failed { failure, why })),
            );
        }
    }
}

fn hand_over<L: Lookup + ?Sized>(machine: &mut L, id: QueryId, rtype: Rtype, reply: &Reply) {
    if reply
        .answer(rtype, |answer| machine.answer(id, answer))
        .is_err()
    {
        warn!("an answer to {id:?} was not taken");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::client::Client;
    use crate::resolve::system::Servers;
    use crate::resolve::zone::Zones;
    use scop_core::{Answer, AnswerError, Query, QueryName};

    /// Asks for names at once, and keeps what it is told.
    #[derive(Default)]
    struct Machine {
        names: Vec<&'static str>,
        asked: usize,
        answers: Vec<(u32, String)>,
        stalls: bool,
    }

    impl Lookup for Machine {
        type Verdict = ();

        fn poll(&mut self) -> Step {
            if let Some(number) = self.names.get(self.asked).map(|_| self.asked) {
                self.asked += 1;
                return Step::Query(QueryId::new(u32::try_from(number).unwrap()));
            }
            if self.answers.len() < self.names.len() || self.stalls {
                Step::Wait
            } else {
                Step::Done
            }
        }

        fn query(&self, id: QueryId) -> Option<Query<'_>> {
            let name = self.names.get(usize::try_from(id.number()).ok()?)?;
            Some(Query {
                name: QueryName::dotted([name.as_bytes(), b"", b""]),
                rtype: Rtype::TXT,
            })
        }

        fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
            let words = format!("{answer:?}");
            self.answers.push((id.number(), words));
            Ok(())
        }

        fn verdict(&self) -> Option<&()> {
            None
        }
    }

    fn drive(driver: &mut Driver, machine: &mut Machine) -> Result<(), Stalled> {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(driver.drive(machine))
    }

    #[test]
    fn a_question_is_asked_once_and_time_ends_it() {
        let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let servers = Servers::one(silent.local_addr().unwrap());
        let resolver = Resolver::new(Zones::default(), Some(Client::new(servers)));
        let mut driver = Driver::new(Arc::new(resolver)).within(Duration::from_millis(200));
        let mut machine = Machine {
            names: vec!["a.example", "A.Example", "b.example", "a..example"],
            ..Machine::default()
        };
        let begun = std::time::Instant::now();
        assert_eq!(drive(&mut driver, &mut machine), Ok(()));
        assert!(begun.elapsed() < Duration::from_secs(5));
        machine.answers.sort();
        let words: Vec<&str> = machine
            .answers
            .iter()
            .map(|(_, words)| words.as_str())
            .collect();
        assert_eq!(
            words,
            [
                "Failed(Timeout)",
                "Failed(Timeout)",
                "Failed(Timeout)",
                "NxDomain(Indeterminate)"
            ]
        );
        // Two names on the wire: letter case does not matter, and what is no name is not asked for.
        let names: Vec<&str> = driver
            .asked()
            .iter()
            .map(|asked| asked.name.as_str())
            .collect();
        assert_eq!(names.len(), 3, "{names:?}");
        silent.set_nonblocking(true).unwrap();
        let mut datagram = [0; 512];
        let received = std::iter::from_fn(|| silent.recv(&mut datagram).ok()).count();
        assert_eq!(received, 2);
    }

    #[test]
    fn a_machine_that_waits_for_something_else_is_reported() {
        let mut driver = Driver::new(Arc::new(Resolver::new(Zones::default(), None)));
        let mut machine = Machine {
            stalls: true,
            names: vec!["a.example"],
            ..Machine::default()
        };
        assert_eq!(drive(&mut driver, &mut machine), Err(Stalled));
        assert_eq!(machine.answers, [(0, "Failed(Refused)".to_owned())]);
    }
}
