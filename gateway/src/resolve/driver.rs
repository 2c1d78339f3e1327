//! Runs any lookup machine: its questions go out side by side, each is asked once in a run, and all must
//! be answered before a deadline.

use std::collections::HashMap;
use std::time::Duration;

use scop_core::{Failure, Lookup, NameBuf, QueryId, Rtype, Step};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, warn};

use super::{Begun, Outcome, Reply, Resolver};

/// How long all lookups of a message may take together. A receiving server keeps its peer waiting meanwhile.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The lookups of one run.
#[derive(Debug)]
pub(crate) struct Driver {
    resolver: Resolver,
    /// In the order in which they were first asked.
    asked: Vec<Asked>,
    /// Where a question is in `asked`.
    known: HashMap<(NameBuf, Rtype), usize>,
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
    pub(crate) reply: Option<Reply>,
    /// Who waits for it.
    waiting: Vec<QueryId>,
}

/// The machine waits for something that is not an answer: a fault of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stalled;

impl Driver {
    pub(crate) fn new(resolver: Resolver) -> Self {
        Self {
            resolver,
            asked: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// Answers the machine's questions until it is done.
    ///
    /// # Errors
    /// When the machine is not done and has no open question.
    pub(crate) async fn drive<L: Lookup + ?Sized>(
        &mut self,
        machine: &mut L,
    ) -> Result<(), Stalled> {
        let deadline = Instant::now() + DEADLINE;
        let mut flying: JoinSet<(usize, Reply)> = JoinSet::new();
        loop {
            match machine.poll() {
                Step::Done => return Ok(()),
                Step::Query(id) => self.ask(machine, id, &mut flying),
                Step::Wait if flying.is_empty() => return Err(Stalled),
                Step::Wait => match timeout_at(deadline, flying.join_next()).await {
                    Ok(Some(Ok((index, reply)))) => self.settle(machine, index, reply),
                    // A task without a reply: it was aborted below.
                    Ok(_) => {}
                    Err(_) => {
                        flying.abort_all();
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
    fn ask<L: Lookup + ?Sized>(
        &mut self,
        machine: &mut L,
        id: QueryId,
        flying: &mut JoinSet<(usize, Reply)>,
    ) {
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
                    Begun::Ask(lookup) => {
                        flying.spawn(async move { (index, lookup.run().await) });
                        None
                    }
                },
                // What is not a domain name cannot exist (RFC 7208 4.3 and 4.8 say the same).
                Err(rule) => {
                    debug!("{} is not asked for: {rule}", query.name);
                    Some(Reply::unasked(Outcome::NxDomain))
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

    fn settle<L: Lookup + ?Sized>(&mut self, machine: &mut L, index: usize, reply: Reply) {
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
            let why = format!("no reply within {} seconds", DEADLINE.as_secs());
            let failure = Failure::Timeout;
            self.settle(
                machine,
                index,
                Reply::unasked(Outcome::Failed { failure, why }),
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
