//! The terms of a record in turn (RFC 7208 4.6.2, 4.7, 5, 6.1).

use core::net::IpAddr;

use scop_core::lookup::Failure;
use scop_core::{Answer, Full, Rdata, Rtype};

use super::{Ask, Flow, Job, Machine, Pending, Why};
use crate::address::{same_network4, same_network6};
use crate::domain::{DomainErrorKind, check_policy_target, check_target};
use crate::limits::Limit;
use crate::macro_string::DomainSpec;
use crate::mechanism::{DualCidr, Mechanism};
use crate::record::{Record, TermKind, Terms};
use crate::result::SpfResult;
use crate::verdict::{PlaceSpan, ReasonKind, Span, short};

/// What an address lookup says about the client.
#[derive(Clone, Copy)]
pub(super) enum Found {
    Failed(Failure),
    /// It is among the addresses.
    Match,
    /// There are addresses, but not its own.
    Other,
    /// There are no addresses.
    Void,
}

impl Machine<'_> {
    /// Evaluates the next term of the innermost record.
    pub(super) fn step(&mut self) -> Flow {
        let Some(frame) = self.frames.last_mut() else {
            return Flow::Stop;
        };
        let mut terms = Terms::resume(frame.record.of(&self.verdict.text), frame.next.into());
        let Some(term) = terms.next() else {
            return self.end_of_record();
        };
        let start = usize::from(frame.record.start) + term.offset;
        frame.next = short(terms.offset());
        frame.position = frame.position.saturating_add(1);
        let TermKind::Directive(directive) = term.kind else {
            return Flow::Next;
        };
        frame.term = Span::new(start, start + term.text.len());
        frame.qualifier = directive.qualifier;
        let whole = DualCidr::default();
        let (job, spec, cidr) = match directive.mechanism {
            Mechanism::All => return self.matched(),
            Mechanism::Ip4(..) | Mechanism::Ip6(..) => {
                return if passes_over(term.kind, self.ip) {
                    Flow::Next
                } else {
                    self.matched()
                };
            }
            Mechanism::Include(spec) => (Job::Include, Some(spec), whole),
            Mechanism::A(spec, cidr) => (Job::A, spec, cidr),
            Mechanism::Mx(spec, cidr) => (Job::Mx, spec, cidr),
            Mechanism::Ptr(spec) => (Job::Ptr, spec, whole),
            Mechanism::Exists(spec) => (Job::Exists, Some(spec), whole),
        };
        let spec = spec.map(|spec| spec_span(start, term.text, spec));
        self.begin(Pending { job, spec, cidr })
    }

    /// Nothing matched: RFC 7208 4.7 and 6.1.
    fn end_of_record(&mut self) -> Flow {
        let Some(frame) = self.frames.last_mut() else {
            return Flow::Stop;
        };
        let terms = Terms::resume(frame.record.of(&self.verdict.text), Record::TERMS_AT.into());
        for (position, term) in (1..=u16::MAX).zip(terms) {
            let TermKind::Redirect(spec) = term.kind else {
                continue;
            };
            let start = usize::from(frame.record.start) + term.offset;
            frame.term = Span::new(start, start + term.text.len());
            frame.position = position;
            return self.begin(Pending {
                job: Job::Redirect,
                spec: Some(spec_span(start, term.text, spec)),
                cidr: DualCidr::default(),
            });
        }
        self.verdict.kind = ReasonKind::NoMatch;
        self.verdict.inner = None;
        self.leave(SpfResult::Neutral)
    }

    /// The current mechanism matches, and is no `include`.
    fn matched(&mut self) -> Flow {
        let Some(frame) = self.frames.last() else {
            return Flow::Stop;
        };
        let result = frame.qualifier.result();
        self.verdict.kind = ReasonKind::Matched;
        self.verdict.inner = (self.frames.len() > 1).then_some(frame.place());
        // An explanation must not overwrite the records of the place.
        self.scratch = frame.record.end();
        self.leave(result)
    }

    /// Returns from the innermost record with a result, and from all that include it as long as it
    /// passes (RFC 7208 5.2).
    fn leave(&mut self, result: SpfResult) -> Flow {
        let mut result = result;
        while self.frames.len() > 1 {
            self.frames.pop();
            if result != SpfResult::Pass {
                return Flow::Next;
            }
            if let Some(frame) = self.frames.last() {
                result = frame.qualifier.result();
            }
        }
        self.verdict.result = result;
        self.verdict.place = match self.verdict.kind {
            ReasonKind::Matched => self.place(),
            _ => PlaceSpan::record(self.domain()),
        };
        if result == SpfResult::Fail {
            return self.explain();
        }
        self.is_done = true;
        Flow::Stop
    }

    /// Counts a term that asks the DNS, and resolves `%{p}` before it is used.
    fn begin(&mut self, term: Pending) -> Flow {
        self.term = term;
        self.term_is_void = false;
        self.validated = None;
        self.scratch = self.frames.last().map_or(0, |frame| frame.record.end());
        let resolves = self.has_to_resolve_p();
        for _ in 0..=u8::from(resolves) {
            if self.verdict.lookups >= self.limits.lookups {
                return self.perm_error(ReasonKind::Limit(Limit::Lookups));
            }
            self.verdict.lookups += 1;
        }
        if resolves {
            return self.ask_reverse(Ask::Validate);
        }
        self.launch()
    }

    /// Asks what the term asks. Its macros can be expanded now.
    pub(super) fn launch(&mut self) -> Flow {
        let job = self.term.job;
        if job == Job::ExplanationText {
            return self.expand_explanation();
        }
        let target = match self.term.spec.map(|spec| self.expand(spec)) {
            None => self.domain(),
            Some(Ok(target)) => target,
            Some(Err(Full)) => return self.no_room(),
        };
        let name = target.of(&self.verdict.text);
        let check = match job {
            Job::Include | Job::Redirect => check_policy_target(name),
            _ => check_target(name),
        };
        if let Err(error) = check {
            return match job {
                // A term with a local-part that is not ASCII does not match (RFC 8616 4).
                Job::Include if error.kind() == DomainErrorKind::NonAscii => Flow::Next,
                Job::Include | Job::Redirect => self.perm_error(ReasonKind::NoTarget),
                Job::Explanation | Job::ExplanationText => self.no_explanation(),
                // RFC 7208 4.8 leaves it open; a name that cannot exist has no addresses.
                Job::A | Job::Exists | Job::Mx | Job::Ptr => Flow::Next,
            };
        }
        self.target = target;
        self.question = target;
        match job {
            Job::A => self.open(Ask::A, 1),
            Job::Exists => self.open(Ask::Exists, 1),
            Job::Explanation | Job::ExplanationText => self.open(Ask::Explanation, 1),
            Job::Include => self.open(Ask::Record(Why::Include), 1),
            Job::Mx => self.open(Ask::Mx, 1),
            Job::Ptr => self.ask_reverse(Ask::Ptr),
            Job::Redirect => self.open(Ask::Record(Why::Redirect), 1),
        }
    }

    /// RFC 7208 5.3.
    pub(super) fn on_a(&mut self, answer: Answer<'_>) -> Flow {
        match self.compare(answer, self.term.cidr) {
            Found::Failed(failure) => self.temp_error(self.address_type(), failure),
            Found::Match => self.matched(),
            Found::Other => Flow::Next,
            Found::Void => self.void(),
        }
    }

    /// RFC 7208 5.7.
    pub(super) fn on_exists(&mut self, answer: Answer<'_>) -> Flow {
        match answer {
            Answer::Failed(failure) => self.temp_error(Rtype::A, failure),
            Answer::Records(records, _) if records.iter().any(|it| matches!(it, Rdata::A(_))) => {
                self.matched()
            }
            _ => self.void(),
        }
    }

    /// RFC 7208 5.4. A null MX (RFC 7505) has no addresses to ask for.
    pub(super) fn on_mx(&mut self, answer: Answer<'_>) -> Flow {
        let records = match answer {
            Answer::Failed(failure) => return self.temp_error(Rtype::MX, failure),
            Answer::NoData(_) | Answer::NxDomain(_) => return self.void(),
            Answer::Records(records, _) => records,
        };
        self.names = self.scratch;
        let (mut seen, mut kept) = (0, 0);
        let mut end = self.names;
        for rdata in records {
            let Rdata::Mx { exchange, .. } = rdata else {
                continue;
            };
            if seen == self.limits.mx() {
                return self.perm_error(ReasonKind::Limit(Limit::MxNames));
            }
            seen += 1;
            if exchange.is_root() {
                continue;
            }
            end = match self.put(end, &exchange) {
                Ok(end) => end,
                Err(Full) => return self.no_room(),
            };
            kept += 1;
        }
        match kept {
            0 if seen == 0 => self.void(),
            0 => Flow::Next,
            _ => self.open(Ask::MxNames, kept),
        }
    }

    pub(super) fn on_mx_name(&mut self, index: u8, answer: Answer<'_>) -> Flow {
        match self.compare(answer, self.term.cidr) {
            Found::Failed(failure) => self.round.note_failure(index, failure),
            Found::Match => self.round.matched = true,
            Found::Other => {}
            Found::Void => self.round.void = true,
        }
        if !self.round.is_complete() {
            return Flow::Stop;
        }
        if self.round.matched {
            return self.matched();
        }
        match self.round.failure() {
            Some(failure) => self.temp_error(self.address_type(), failure),
            None if self.round.void => self.void(),
            None => Flow::Next,
        }
    }

    /// RFC 7208 5.5. Only names within the target can match, so only those are validated.
    pub(super) fn on_ptr(&mut self, answer: Answer<'_>) -> Flow {
        let records = match answer {
            Answer::Failed(_) => return Flow::Next,
            Answer::NoData(_) | Answer::NxDomain(_) => return self.void(),
            Answer::Records(records, _) => records,
        };
        let target = self.target;
        match self.keep_names(records, Some(target)) {
            0 => Flow::Next,
            kept => self.open(Ask::PtrNames, kept),
        }
    }

    /// A name whose lookup fails is skipped (RFC 7208 5.5).
    pub(super) fn on_ptr_name(&mut self, answer: Answer<'_>) -> Flow {
        match self.compare(answer, DualCidr::default()) {
            Found::Failed(_) | Found::Other => {}
            Found::Match => self.round.matched = true,
            Found::Void => self.round.void = true,
        }
        if !self.round.is_complete() {
            return Flow::Stop;
        }
        if self.round.matched {
            return self.matched();
        }
        if self.round.void {
            return self.void();
        }
        Flow::Next
    }

    /// The term does not match, and asked for what does not exist (RFC 7208 4.6.4).
    fn void(&mut self) -> Flow {
        if self.count_void() {
            Flow::Next
        } else {
            Flow::Stop
        }
    }

    /// Counts the term once; whether the evaluation goes on.
    pub(super) fn count_void(&mut self) -> bool {
        if core::mem::replace(&mut self.term_is_void, true) {
            return true;
        }
        self.verdict.void_lookups = self.verdict.void_lookups.saturating_add(1);
        if self.verdict.void_lookups <= self.limits.void_lookups {
            return true;
        }
        let _ = self.perm_error(ReasonKind::Limit(Limit::VoidLookups));
        false
    }

    /// The client against the addresses of its family (RFC 7208 5).
    pub(super) fn compare(&self, answer: Answer<'_>, cidr: DualCidr) -> Found {
        let records = match answer {
            Answer::Failed(failure) => return Found::Failed(failure),
            Answer::NoData(_) | Answer::NxDomain(_) => return Found::Void,
            Answer::Records(records, _) => records,
        };
        let mut found = Found::Void;
        for rdata in records {
            let same = match (rdata, self.ip) {
                (Rdata::A(address), IpAddr::V4(ip)) => same_network4(address, ip, cidr.ip4),
                (Rdata::Aaaa(address), IpAddr::V6(ip)) => same_network6(address, ip, cidr.ip6),
                _ => continue,
            };
            if same {
                return Found::Match;
            }
            found = Found::Other;
        }
        found
    }

    fn address_type(&self) -> Rtype {
        match self.ip {
            IpAddr::V4(_) => Rtype::A,
            IpAddr::V6(_) => Rtype::AAAA,
        }
    }
}

/// Whether it is plain from the term alone that it does not match: a modifier, or a network in which
/// the client is not (RFC 7208 5.6).
pub(super) fn passes_over(term: TermKind<'_>, ip: IpAddr) -> bool {
    let TermKind::Directive(directive) = term else {
        return true;
    };
    match (directive.mechanism, ip) {
        (Mechanism::Ip4(network, prefix), IpAddr::V4(ip)) => !same_network4(ip, network, prefix),
        (Mechanism::Ip6(network, prefix), IpAddr::V6(ip)) => !same_network6(ip, network, prefix),
        (Mechanism::Ip4(..) | Mechanism::Ip6(..), _) => true,
        _ => false,
    }
}

/// Where in the buffer the domain-spec of a term is: it follows the first `:` or `=`.
pub(super) fn spec_span(start: usize, term: &[u8], spec: DomainSpec<'_>) -> Span {
    let mark = term.iter().position(|byte| matches!(byte, b':' | b'='));
    let start = start + mark.map_or(term.len(), |mark| mark + 1);
    Span::new(start, start + spec.as_bytes().len())
}
