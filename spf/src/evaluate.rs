//! The evaluation of a record (RFC 7208 4, 5, 6) as a lookup machine.
//!
//! Contract: the machine always ends, after at most [`Limits::max_queries`] queries, whatever the DNS
//! answers; nothing panics in any order of calls; the verdict does not depend on the order of answers.
//! Includes and redirects are a stack in the machine, not recursion. Each query that was handed out
//! stays open until it is answered, also when its answer no longer matters.
//!
//! # Memory
//! The records under evaluation are kept in one buffer of `TEXT` octets, as a stack: an `include` puts
//! its domain and record on top and takes them off when it returns, a `redirect` puts them in the place
//! of the record that it leaves. What a single term needs (an expanded name, the names of an `mx`) lies
//! above the top. What does not fit is a permanent error with [`Limit::Text`], but for two things that
//! RFC 7208 lets go: a name from the client's reverse zone is skipped like one whose lookup fails
//! (5.5), because whoever owns the address could cause the error otherwise, and an explanation is
//! absent (6.2).
//!
//! # Failures inside `mx`
//! All mail exchanges are asked side by side. A match decides, also when another lookup failed: RFC
//! 7208 5.4 says "if any address matches", and the order of a set of records means nothing. Without a
//! match, a failed lookup is a temporary error.
//!
//! ```
//! use scop_core::{Answer, Lookup, Query, Rdata, Txt, UnixTime, lookup};
//! use scop_spf::{Evaluator, Identity, Limits, Request, SpfResult};
//!
//! let request = Request {
//!     ip: [192, 0, 2, 25].into(),
//!     helo: b"mx.example.org",
//!     mail_from: b"news@example.org",
//!     identity: Identity::MailFrom,
//!     receiver: b"mx.example.net",
//!     now: UnixTime(1_800_000_000),
//! };
//! let record = [Rdata::Txt(Txt::joined(b"v=spf1 a:mx.example.org -all"))];
//! let address = [Rdata::A([192, 0, 2, 25].into())];
//! let mut machine: Evaluator<'_> = Evaluator::new(request, &Limits::DEFAULT);
//! let verdict = lookup::drive(&mut machine, |query: Query<'_>| {
//!     match query.name.to_string().as_str() {
//!         "example.org." => Answer::records(&record),
//!         _ => Answer::records(&address),
//!     }
//! });
//! let verdict = verdict.unwrap();
//! assert_eq!(verdict.result(), SpfResult::Pass);
//! assert_eq!(
//!     verdict.reason().to_string(),
//!     "a:mx.example.org (term 1 of the record of example.org) matched",
//! );
//! ```

mod explain;
mod fetch;
mod mechanism;
mod round;
mod validate;

use core::net::IpAddr;

use scop_core::lookup::Failure;
use scop_core::{Answer, AnswerError, Emit, Full, Lookup, Name, Query, QueryId, QueryName, Rtype};
use scop_core::{SliceSink, Step};

use self::round::Round;
use crate::domain::check_identity;
use crate::limits::{Limit, Limits};
use crate::macro_string::{DomainSpec, MacroContext};
use crate::mechanism::{DualCidr, Qualifier};
use crate::request::{Request, Sender};
use crate::result::SpfResult;
use crate::verdict::{PlaceSpan, ReasonKind, Span, Verdict};

/// Records on the stack at most: that of the domain, and ten that include one another.
const MAX_FRAMES: usize = 11;

/// Evaluates SPF for one identity of one message.
///
/// `TEXT` is the room for the records under evaluation, at most 65,535 octets. Real records have less
/// than 450 octets (RFC 7208 3.4), so the default holds nine that include one another and the names of
/// an `mx` beside them.
///
/// A host that has waited long enough (20 seconds or more, RFC 7208 4.6.4) answers what is open with
/// [`Failure::Timeout`].
#[derive(Debug)]
#[must_use]
pub struct Evaluator<'r, const TEXT: usize = 4096> {
    machine: Machine<'r, [u8; TEXT]>,
}

impl<'r, const TEXT: usize> Evaluator<'r, TEXT> {
    /// A machine that checks `request`.
    pub fn new(request: Request<'r>, limits: &Limits) -> Self {
        const {
            assert!(TEXT <= u16::MAX as usize, "TEXT is at most 65,535");
        }
        // Nothing is done to the value here, so that it is made where the caller wants it, not copied.
        Self {
            machine: Machine {
                request,
                sender: request.sender(),
                ip: request.ip.to_canonical(),
                limits: *limits,
                frames: heapless::Vec::new(),
                ask: Ask::Nothing,
                round: Round::default(),
                term: Pending::NONE,
                target: Span::EMPTY,
                question: Span::EMPTY,
                validated: None,
                names: 0,
                scratch: 0,
                term_is_void: false,
                is_done: false,
                verdict: Verdict::new(),
            },
        }
    }

    /// One copy of the code serves all sizes.
    fn machine_mut(&mut self) -> &mut Machine<'r> {
        &mut self.machine
    }

    fn machine(&self) -> &Machine<'r> {
        &self.machine
    }
}

impl<'r, const TEXT: usize> Lookup for Evaluator<'r, TEXT> {
    type Verdict = Verdict<'r>;

    fn poll(&mut self) -> Step {
        let machine = self.machine_mut();
        if !machine.is_done && matches!(machine.ask, Ask::Nothing) {
            machine.start();
        }
        if machine.is_done {
            return Step::Done;
        }
        match machine.round.hand_out() {
            Some(id) => {
                machine.verdict.queries = machine.round.first_free();
                Step::Query(id)
            }
            None => Step::Wait,
        }
    }

    fn query(&self, id: QueryId) -> Option<Query<'_>> {
        self.machine().query(id)
    }

    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
        self.machine_mut().answer(id, answer)
    }

    fn verdict(&self) -> Option<&Verdict<'r>> {
        let machine = self.machine();
        machine.is_done.then_some(&machine.verdict)
    }
}

/// The state of an evaluation; `B` is the text buffer.
#[derive(Debug)]
struct Machine<'r, B: ?Sized = [u8]> {
    request: Request<'r>,
    sender: Sender<'r>,
    /// The client, an IPv4-mapped address as IPv4.
    ip: IpAddr,
    limits: Limits,
    /// The records under evaluation, the innermost last.
    frames: heapless::Vec<Frame, MAX_FRAMES>,
    /// What the round asks.
    ask: Ask,
    round: Round,
    /// The term that the round belongs to.
    term: Pending,
    /// The target-name of the term (RFC 7208 4.8).
    target: Span,
    /// The name that a round of one query asks for.
    question: Span,
    /// What `%{p}` stands for in the term, once it was found out; empty for `unknown`.
    validated: Option<Span>,
    /// Where the names of a round of several queries start, in wire form one after the other.
    names: usize,
    /// Where the free part of the buffer starts.
    scratch: usize,
    /// Whether the term was counted as void.
    term_is_void: bool,
    is_done: bool,
    verdict: Verdict<'r, B>,
}

/// A record under evaluation.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Where its part of the buffer starts.
    base: u16,
    /// The `<domain>` of this `check_host()`.
    domain: Span,
    record: Span,
    /// Where in the record the next term starts.
    next: u16,
    /// The term under evaluation, and which it is.
    term: Span,
    position: u16,
    qualifier: Qualifier,
}

impl Frame {
    fn place(&self) -> PlaceSpan {
        PlaceSpan {
            domain: self.domain,
            term: self.term,
            position: self.position,
        }
    }
}

/// What the open round asks.
#[derive(Clone, Copy, Debug)]
enum Ask {
    /// The addresses of the target of `a`.
    A,
    /// Whether the target of `exists` has an A record.
    Exists,
    /// The text of the explanation.
    Explanation,
    /// The MX records of the target of `mx`.
    Mx,
    /// The addresses of its mail exchanges.
    MxNames,
    /// The names of the client, for `ptr`.
    Ptr,
    /// Their addresses.
    PtrNames,
    /// Nothing: the machine was not polled yet, or the domain is malformed.
    Nothing,
    /// An SPF record.
    Record(Why),
    /// The names of the client, for `%{p}`.
    Validate,
    /// Their addresses.
    ValidateNames,
}

/// Why a record is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Check,
    Include,
    Redirect,
}

/// A term that asks the DNS, while it is under evaluation.
#[derive(Clone, Copy, Debug)]
struct Pending {
    job: Job,
    /// Its domain-spec.
    spec: Option<Span>,
    cidr: DualCidr,
}

impl Pending {
    const NONE: Self = Self {
        job: Job::Exists,
        spec: None,
        cidr: DualCidr { ip4: 32, ip6: 128 },
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    A,
    Exists,
    /// `exp`, whose domain-spec leads to the text.
    Explanation,
    /// The text that was found, to be expanded.
    ExplanationText,
    Include,
    Mx,
    Ptr,
    Redirect,
}

impl Job {
    /// The result is there already; what goes wrong now only costs the explanation (RFC 7208 6.2).
    fn explains(self) -> bool {
        matches!(self, Self::Explanation | Self::ExplanationText)
    }
}

/// Whether the evaluation goes on with the next term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
enum Flow {
    Next,
    /// A round has been opened, or the verdict is there.
    Stop,
}

impl Machine<'_> {
    /// RFC 7208 4.3.
    fn start(&mut self) {
        let domain = self.sender.domain;
        self.verdict.domain = domain;
        if let Err(error) = check_identity(domain) {
            self.finish(
                SpfResult::None,
                ReasonKind::Malformed(error),
                PlaceSpan::NOWHERE,
            );
            return;
        }
        match self.put(0, &Bytes(domain)) {
            Ok(end) => {
                self.scratch = end;
                self.target = Span::new(0, end);
                self.question = self.target;
                let _ = self.open(Ask::Record(Why::Check), 1);
            }
            Err(Full) => self.finish(
                SpfResult::PermError,
                ReasonKind::Limit(Limit::Text),
                PlaceSpan::NOWHERE,
            ),
        }
    }

    fn query(&self, id: QueryId) -> Option<Query<'_>> {
        if self.is_done {
            return None;
        }
        let index = self.round.open(id)?;
        let question = QueryName::dotted([self.question.of(&self.verdict.text), b"", b""]);
        let address = match self.ip {
            IpAddr::V4(_) => Rtype::A,
            IpAddr::V6(_) => Rtype::AAAA,
        };
        let (name, rtype) = match self.ask {
            Ask::Record(_) | Ask::Explanation => (question, Rtype::TXT),
            Ask::A => (question, address),
            Ask::Exists => (question, Rtype::A),
            Ask::Mx => (question, Rtype::MX),
            Ask::Ptr | Ask::Validate => (question, Rtype::PTR),
            Ask::MxNames | Ask::PtrNames | Ask::ValidateNames => {
                (self.name(index)?.into(), address)
            }
            Ask::Nothing => return None,
        };
        Some(Query { name, rtype })
    }

    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
        if self.is_done {
            return Err(AnswerError);
        }
        let index = self.round.open(id).ok_or(AnswerError)?;
        self.round.close(index);
        let answer = answer.trusted();
        let flow = match self.ask {
            Ask::Record(why) => self.on_record(why, answer),
            Ask::A => self.on_a(answer),
            Ask::Exists => self.on_exists(answer),
            Ask::Mx => self.on_mx(answer),
            Ask::MxNames => self.on_mx_name(index, answer),
            Ask::Ptr => self.on_ptr(answer),
            Ask::PtrNames => self.on_ptr_name(answer),
            Ask::Validate => self.on_validate(answer),
            Ask::ValidateNames => self.on_validate_name(index, answer),
            Ask::Explanation => self.on_explanation(answer),
            Ask::Nothing => Flow::Stop,
        };
        if flow == Flow::Next {
            while self.step() == Flow::Next {}
        }
        Ok(())
    }

    /// Ends the evaluation.
    fn finish(&mut self, result: SpfResult, kind: ReasonKind, place: PlaceSpan) {
        self.verdict.result = result;
        self.verdict.kind = kind;
        self.verdict.place = place;
        self.verdict.inner = None;
        self.is_done = true;
    }

    /// Ends the evaluation with a permanent error in the current term.
    fn perm_error(&mut self, kind: ReasonKind) -> Flow {
        self.finish(SpfResult::PermError, kind, self.place());
        Flow::Stop
    }

    /// Ends the evaluation because a lookup of the current term failed.
    fn temp_error(&mut self, rtype: Rtype, failure: Failure) -> Flow {
        let kind = ReasonKind::LookupFailed(rtype, failure);
        self.finish(SpfResult::TempError, kind, self.place());
        Flow::Stop
    }

    /// The buffer is full: an error of the evaluation, or the end of an explanation.
    fn no_room(&mut self) -> Flow {
        if self.term.job.explains() {
            self.is_done = true;
            return Flow::Stop;
        }
        self.perm_error(ReasonKind::Limit(Limit::Text))
    }

    /// Opens a round of `len` queries.
    fn open(&mut self, ask: Ask, len: u8) -> Flow {
        self.ask = ask;
        self.round = self.round.next(len);
        Flow::Stop
    }

    /// The current term.
    fn place(&self) -> PlaceSpan {
        self.frames.last().map_or(PlaceSpan::NOWHERE, Frame::place)
    }

    /// The `<domain>` of the current `check_host()`.
    fn domain(&self) -> Span {
        self.frames.last().map_or(Span::EMPTY, |frame| frame.domain)
    }

    /// Name `index` of the round.
    fn name(&self, index: u8) -> Option<Name<'_>> {
        let text = &self.verdict.text;
        let (mut name, mut end) = Name::parse_in(text, self.names).ok()?;
        for _ in 0..index {
            (name, end) = Name::parse_in(text, end).ok()?;
        }
        Some(name)
    }

    /// Writes into the buffer from byte `at`; gives the byte behind.
    fn put(&mut self, at: usize, item: &impl Emit) -> Result<usize, Full> {
        let mut sink = SliceSink::new(self.verdict.text.get_mut(at..).ok_or(Full)?);
        item.emit(&mut sink)?;
        Ok(at + sink.written().len())
    }

    /// Takes what was written from the start of the free part off it.
    fn take_scratch(&mut self, end: usize) -> Span {
        let span = Span::new(self.scratch, end);
        self.scratch = end;
        span
    }

    /// Expands a domain-spec to a target-name, which is not yet checked (RFC 7208 4.8, 7.3).
    fn expand(&mut self, spec: Span) -> Result<Span, Full> {
        let literal = DomainSpec::reread(spec.of(&self.verdict.text)).as_literal();
        if let Some(name) = literal {
            let start = usize::from(spec.start);
            return Ok(Span::new(start, start + name.len()));
        }
        self.expand_with(|used, context, free| {
            DomainSpec::reread(spec.of(used)).expand_name(context, free)
        })
    }

    /// Expands something into the free part of the buffer.
    fn expand_with(
        &mut self,
        expand: impl FnOnce(&[u8], &MacroContext<'_>, &mut [u8]) -> Result<usize, Full>,
    ) -> Result<Span, Full> {
        let (domain, validated) = (self.domain(), self.validated.unwrap_or_default());
        let (used, free) = self
            .verdict
            .text
            .split_at_mut_checked(self.scratch)
            .ok_or(Full)?;
        let context = MacroContext {
            local_part: self.sender.local_part,
            sender_domain: self.sender.domain,
            domain: domain.of(used),
            ip: self.ip,
            helo: self.request.helo,
            validated_name: validated.of(used),
            receiver: self.request.receiver,
            now: self.request.now,
        };
        let len = expand(used, &context, free)?;
        Ok(self.take_scratch(self.scratch + len))
    }

    /// The name under which the client's names are (RFC 7208 5.5), as the next question.
    fn ask_reverse(&mut self, ask: Ask) -> Flow {
        let reverse = DomainSpec::reread(b"%{ir}.%{v}.arpa");
        match self.expand_with(|_, context, free| reverse.expand_name(context, free)) {
            Ok(question) => {
                self.question = question;
                self.open(ask, 1)
            }
            Err(Full) => self.no_room(),
        }
    }
}

/// Bytes as they are.
struct Bytes<'a>(&'a [u8]);

impl Emit for Bytes<'_> {
    fn emit<S: scop_core::Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(self.0)
    }
}
