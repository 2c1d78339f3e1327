//! A drill for lookup machines: answers in every order, twice, with stale ids, with failures.
//!
//! The machine is built anew for each run, and a run is a list of choices: which of the open queries
//! is answered next. `every_order` counts through all lists (as an odometer does), so a machine whose
//! verdict depends on the order of answers, or which forgets or repeats a query, is found.

use std::fmt::Debug;

use scop_core::{Answer, Failure, Lookup, Query, QueryId, Rdata, Step};

/// Steps after which a machine counts as looping.
const MAX_STEPS: usize = 10_000;

/// Records of a type that nobody asks for.
static ODD: [Rdata<'static>; 1] = [Rdata::Other {
    rtype: scop_core::Rtype(65_280),
    data: b"odd",
}];

/// What a drill needs to know of a machine.
#[derive(Debug)]
pub struct Drill<New, Zone, Sum, Feed> {
    /// Builds the machine.
    pub new: New,
    /// Answers a query.
    pub zone: Zone,
    /// The verdict as something that can be compared.
    pub sum: Sum,
    /// Called when the machine waits and no query is open: hands in what else it takes (a body).
    pub feed: Feed,
}

/// What came of a drill.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// How many runs there were.
    pub runs: usize,
    /// The most queries in one run.
    pub queries: usize,
}

impl<L, V, New, Zone, Sum, Feed> Drill<New, Zone, Sum, Feed>
where
    L: Lookup,
    V: PartialEq + Debug,
    New: Fn() -> L,
    Zone: Fn(Query<'_>) -> Answer<'static>,
    Sum: Fn(&L::Verdict) -> V,
    Feed: Fn(&mut L),
{
    /// Runs the machine in every order of answers (at most `most` of them), checks that each gives
    /// the same verdict, and then lets each query fail in turn, all of them, and all with records of
    /// a wrong type.
    ///
    /// `check` sees the verdict of the first run.
    ///
    /// # Panics
    /// When the machine breaks a rule of [`Lookup`].
    pub fn run(&self, most: usize, check: impl FnOnce(&V)) -> Report {
        let report = self.every_order(most, check);
        for failing in 0..report.queries {
            self.once(&mut Choices::default(), |nth, query| {
                if nth == failing {
                    Answer::Failed(Failure::Timeout)
                } else {
                    (self.zone)(query)
                }
            });
        }
        self.once(&mut Choices::default(), |_, _| {
            Answer::Failed(Failure::Timeout)
        });
        self.once(&mut Choices::default(), |_, _| Answer::records(&ODD));
        report
    }

    fn every_order(&self, most: usize, check: impl FnOnce(&V)) -> Report {
        let mut check = Some(check);
        let mut choices = Choices::default();
        let mut report = Report {
            runs: 0,
            queries: 0,
        };
        let mut first = None;
        loop {
            let (verdict, queries) = self.once(&mut choices, |_, query| (self.zone)(query));
            report.runs += 1;
            report.queries = report.queries.max(queries);
            match &first {
                None => {
                    check.take().into_iter().for_each(|check| check(&verdict));
                    first = Some(verdict);
                }
                Some(first) => {
                    assert_eq!(
                        *first, verdict,
                        "the order {choices:?} of answers changes the verdict"
                    );
                }
            }
            if report.runs == most || !choices.advance() {
                return report;
            }
        }
    }

    /// One run; gives the verdict and the count of queries.
    fn once(
        &self,
        choices: &mut Choices,
        answer: impl Fn(usize, Query<'_>) -> Answer<'static>,
    ) -> (V, usize) {
        let mut machine = (self.new)();
        let mut open: Vec<QueryId> = Vec::new();
        let mut closed: Vec<QueryId> = Vec::new();
        let mut fed = false;
        choices.rewind();
        Self::refuses(&mut machine, &open, &closed);
        for _ in 0..MAX_STEPS {
            match machine.poll() {
                Step::Query(id) => {
                    assert!(
                        !open.contains(&id) && !closed.contains(&id),
                        "{id:?} is handed out twice"
                    );
                    assert!(machine.query(id).is_some(), "{id:?} has no question");
                    open.push(id);
                    Self::refuses(&mut machine, &open, &closed);
                }
                Step::Wait if open.is_empty() => {
                    assert!(!fed, "the machine waits, but nothing is open");
                    (self.feed)(&mut machine);
                    fed = true;
                }
                Step::Wait => {
                    let id = open.remove(choices.next(open.len()));
                    let given = answer(closed.len(), machine.query(id).expect("the id is open"));
                    assert_eq!(machine.answer(id, given), Ok(()), "{id:?} is open");
                    closed.push(id);
                    Self::refuses(&mut machine, &open, &closed);
                }
                Step::Done => {
                    Self::refuses(&mut machine, &open, &closed);
                    assert_eq!(
                        machine.poll(),
                        Step::Done,
                        "a machine that is done stays done"
                    );
                    let verdict = machine
                        .verdict()
                        .expect("a machine that is done has a verdict");
                    return ((self.sum)(verdict), closed.len() + open.len());
                }
            }
        }
        panic!("the machine is not done after {MAX_STEPS} steps");
    }

    /// Ids that were answered, those not handed out yet, and those of other machines are refused and
    /// change nothing.
    fn refuses(machine: &mut L, open: &[QueryId], closed: &[QueryId]) {
        let early = (0..8).chain([u32::MAX]).map(QueryId::new);
        let foreign = early.clone().chain(open.iter().copied());
        let foreign = foreign.map(|id| id.tagged(13));
        for id in closed.iter().copied().chain(early).chain(foreign) {
            if open.contains(&id) {
                continue;
            }
            assert!(machine.query(id).is_none(), "{id:?} is closed");
            let refused = machine.answer(id, Answer::NxDomain(scop_core::Security::Secure));
            assert!(refused.is_err(), "{id:?} is closed");
        }
    }
}

/// A list of choices, each with the number of options it had, counted through like an odometer.
#[derive(Clone, Debug, Default)]
struct Choices {
    /// What was chosen, and out of how many.
    made: Vec<(usize, usize)>,
    at: usize,
}

impl Choices {
    fn rewind(&mut self) {
        self.at = 0;
    }

    /// The next choice among `options`; beyond the known ones it is the first.
    fn next(&mut self, options: usize) -> usize {
        if self.at == self.made.len() {
            self.made.push((0, options));
        }
        let (chosen, _) = self.made[self.at];
        self.at += 1;
        chosen.min(options - 1)
    }

    /// Moves to the next list; `false` when all were there.
    fn advance(&mut self) -> bool {
        self.made.truncate(self.at);
        while let Some((chosen, options)) = self.made.pop() {
            if chosen + 1 < options {
                self.made.push((chosen + 1, options));
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scop_core::{AnswerError, QueryName, Rtype, Security};

    /// Asks three things at once; the verdict is the answers in the order of the questions.
    #[derive(Default)]
    struct Three {
        asked: u32,
        answers: [Option<bool>; 3],
        /// Planted bugs.
        keeps_order_of_answers: bool,
        takes_twice: bool,
        verdict: Vec<bool>,
    }

    impl Three {
        fn was_asked(&self, id: QueryId) -> bool {
            (1..=self.asked).any(|number| id == QueryId::new(number))
        }
    }

    impl Lookup for Three {
        type Verdict = Vec<bool>;

        fn poll(&mut self) -> Step {
            if self.asked < 3 {
                self.asked += 1;
                return Step::Query(QueryId::new(self.asked));
            }
            if self.answers.iter().any(Option::is_none) {
                return Step::Wait;
            }
            if !self.keeps_order_of_answers {
                self.verdict = self.answers.iter().flatten().copied().collect();
            }
            Step::Done
        }

        fn query(&self, id: QueryId) -> Option<Query<'_>> {
            let open = self
                .answers
                .get(id.number().checked_sub(1)? as usize)?
                .is_none();
            let name: &[u8] = if id.number() == 2 { b"b" } else { b"a" };
            (open && self.was_asked(id)).then_some(Query {
                name: QueryName::dotted([name, b"", b""]),
                rtype: Rtype::A,
            })
        }

        fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
            if self.query(id).is_none() && !(self.takes_twice && self.was_asked(id)) {
                return Err(AnswerError);
            }
            let good = matches!(answer, Answer::NoData(_));
            self.answers[id.number() as usize - 1] = Some(good);
            self.verdict.push(good);
            Ok(())
        }

        fn verdict(&self) -> Option<&Vec<bool>> {
            Some(&self.verdict)
        }
    }

    fn drill(new: fn() -> Three) -> Report {
        let zone = |query: Query<'_>| {
            if query.name == QueryName::dotted([b"b", b"", b""]) {
                Answer::NoData(Security::Insecure)
            } else {
                Answer::NxDomain(Security::Insecure)
            }
        };
        Drill {
            new,
            zone,
            sum: Clone::clone,
            feed: |_: &mut Three| {},
        }
        .run(1_000, |_| {})
    }

    #[test]
    fn all_orders_are_tried() {
        let report = drill(Three::default);
        assert_eq!((report.runs, report.queries), (6, 3));
    }

    #[test]
    #[should_panic(expected = "changes the verdict")]
    fn an_order_that_matters_is_found() {
        drill(|| Three {
            keeps_order_of_answers: true,
            ..Three::default()
        });
    }

    #[test]
    #[should_panic(expected = "is closed")]
    fn an_answer_taken_twice_is_found() {
        drill(|| Three {
            takes_twice: true,
            ..Three::default()
        });
    }
}
