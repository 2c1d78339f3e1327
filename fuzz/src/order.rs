//! Runs a lookup machine as a host may: answers in any order and between polls, ids that are not open
//! among them, other input in between.

use scop_core::{Answer, Lookup, Query, QueryId, Security, Step};

use crate::choice::Choice;

/// A host.
pub struct Host<'a, 'z, L> {
    /// Answers a query, the same one always with the same answer.
    pub resolve: &'a dyn Fn(Query<'_>) -> Answer<'z>,
    /// Hands in the next other input, such as a piece of the body; `false` when there is no more.
    pub feed: &'a mut dyn FnMut(&mut L) -> bool,
    /// Queries that the machine may hand out.
    pub most: usize,
}

impl<L: Lookup> Host<'_, '_, L> {
    /// Runs `machine` to its end, and gives the number of its queries.
    ///
    /// Without `choice` all other input comes first, and each query is answered at once.
    pub fn run(&mut self, machine: &mut L, choice: Option<&mut Choice>) -> usize {
        let (open, closed) = match choice {
            None => (Vec::new(), self.run_in_order(machine)),
            Some(choice) => self.run_in_any_order(machine, choice),
        };
        // A machine that is done stays done, and takes nothing that it did not ask for.
        assert_eq!(machine.poll(), Step::Done);
        assert!(machine.verdict().is_some());
        for &id in &closed {
            refused(machine, id);
        }
        open.len() + closed.len()
    }

    fn run_in_order(&mut self, machine: &mut L) -> Vec<QueryId> {
        while (self.feed)(machine) {}
        let mut closed = Vec::new();
        loop {
            match machine.poll() {
                Step::Query(id) => {
                    self.check(machine, id, &closed);
                    self.answer(machine, id);
                    closed.push(id);
                }
                Step::Wait => panic!("the machine waits for nothing"),
                Step::Done => return closed,
            }
        }
    }

    fn run_in_any_order(
        &mut self,
        machine: &mut L,
        choice: &mut Choice,
    ) -> (Vec<QueryId>, Vec<QueryId>) {
        let (mut open, mut closed) = (Vec::new(), Vec::new());
        let mut feeds = true;
        loop {
            let waits = match machine.poll() {
                Step::Query(id) => {
                    self.check(machine, id, &[&open[..], &closed].concat());
                    open.push(id);
                    false
                }
                Step::Wait => true,
                Step::Done => return (open, closed),
            };
            if !closed.is_empty() && choice.one_in(4) {
                refused(machine, choice.pick(&closed));
            }
            if choice.one_in(8) {
                let tag = choice.pick(&[0, 3, 14]);
                refused(machine, QueryId::new(u32::MAX - 1).tagged(tag));
            }
            let must_feed = waits && open.is_empty();
            assert!(feeds || !must_feed, "the machine waits for nothing");
            if feeds && (must_feed || choice.one_in(3)) {
                feeds = (self.feed)(machine);
            } else if !open.is_empty() && (waits || choice.one_in(2)) {
                let id = open.swap_remove(choice.below(open.len()));
                self.answer(machine, id);
                closed.push(id);
            }
        }
    }

    /// A query that was just handed out.
    fn check(&self, machine: &L, id: QueryId, earlier: &[QueryId]) {
        assert!(!earlier.contains(&id), "{id:?} comes twice");
        assert!(earlier.len() < self.most, "more than {} queries", self.most);
        let query = machine.query(id).expect("an open query has a question");
        assert!(query.name.to_name().is_ok(), "{:?} is no name", query.name);
    }

    fn answer(&self, machine: &mut L, id: QueryId) {
        let query = machine.query(id).expect("an open query has a question");
        let answer = (self.resolve)(query);
        assert_eq!(machine.answer(id, answer), Ok(()), "{id:?} is open");
    }
}

fn refused<L: Lookup>(machine: &mut L, id: QueryId) {
    assert!(machine.query(id).is_none(), "{id:?} is not open");
    let answer = machine.answer(id, Answer::NxDomain(Security::Secure));
    assert!(answer.is_err(), "{id:?} is not open");
}
