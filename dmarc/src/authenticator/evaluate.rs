//! The part of the [`Authenticator`](super::Authenticator) that is DMARC (RFC 9989 5.3.2 to 5.3.6).
//!
//! It looks for the record of the author domain from the start. Alignment comes when SPF and DKIM are
//! done, mechanism by mechanism, one domain after the other, and ends for DKIM at the first signature
//! that both passes and aligns. A domain that could not be verified for now is looked at too: if it
//! would align, the message has neither passed nor failed.

use scop_core::{Answer, AnswerError, Lookup, Query, QueryId, Step};
use scop_dkim::verify::{DkimResult, SignatureResult};
use scop_spf::SpfResult;

use super::verdict::{Conclusion, DmarcResult, Mechanism, Reason};
use crate::Domain;
use crate::alignment::{Alignment, Check, Mode};
use crate::author::Author;
use crate::discover::{Discovery, Findings, NoRequest};
use crate::policy::Disposition;

/// Tags of the queries in here.
const DISCOVERY: u8 = 0;
const CHECK: u8 = 1;

/// What SPF and DKIM came to.
#[derive(Clone, Copy)]
pub(super) struct Evidence<'e, 'h> {
    /// The result for the identity of MAIL FROM, and its domain.
    pub(super) spf: Option<(SpfResult, &'h [u8])>,
    pub(super) dkim: &'e [SignatureResult<'h>],
    /// [`Limits::trust_test_keys`](super::Limits).
    pub(super) trust_test_keys: bool,
}

/// One domain that a mechanism speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Spf,
    Dkim(usize),
}

/// How a mechanism speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Passed,
    /// It passed with a key for tests, which counts for nothing; how it is aligned tells why not.
    Tested,
    /// A query failed, so it may or may not be authentic.
    Uncertain,
}

impl<'h> Evidence<'_, 'h> {
    fn of(&self, subject: Subject) -> Option<(Domain<'h>, Standing)> {
        let (domain, standing) = match subject {
            Subject::Spf => {
                let (result, domain) = self.spf?;
                let standing = match result {
                    SpfResult::Pass => Standing::Passed,
                    SpfResult::TempError => Standing::Uncertain,
                    _ => return None,
                };
                (domain, standing)
            }
            Subject::Dkim(index) => {
                let result = self.dkim.get(index)?;
                let standing = match result.result() {
                    DkimResult::Pass if result.is_testing() && !self.trust_test_keys => {
                        Standing::Tested
                    }
                    DkimResult::Pass => Standing::Passed,
                    DkimResult::TempError => Standing::Uncertain,
                    _ => return None,
                };
                (result.signature()?.domain(), standing)
            }
        };
        Some((Domain::parse(domain).ok()?, standing))
    }

    /// All that authenticates, or may.
    fn subjects(&self) -> impl Iterator<Item = (Subject, Domain<'h>, Standing)> + use<'_, 'h> {
        core::iter::once(Subject::Spf)
            .chain((0..self.dkim.len()).map(Subject::Dkim))
            .filter_map(|subject| {
                let (domain, standing) = self.of(subject)?;
                Some((subject, domain, standing))
            })
    }
}

/// The machine; `N` signatures at most.
#[derive(Clone, Debug)]
pub(super) struct Evaluation<'h, const N: usize> {
    author: Author<'h>,
    discovery: Option<Discovery<'h>>,
    check: Option<(Subject, Check<'h>)>,
    next_number: u32,
    spf: Alignment,
    dkim: [Alignment; N],
    conclusion: Option<Conclusion>,
}

impl<'h, const N: usize> Evaluation<'h, N> {
    pub(super) fn new(author: Author<'h>) -> Self {
        Self {
            author,
            discovery: author.domain().map(Discovery::new),
            check: None,
            next_number: 0,
            spf: Alignment::Unchecked,
            dkim: [Alignment::Unchecked; N],
            conclusion: None,
        }
    }

    pub(super) const fn author(&self) -> Author<'h> {
        self.author
    }

    pub(super) fn findings(&self) -> Option<&Findings<'h>> {
        self.discovery.as_ref().map(Discovery::findings)
    }

    pub(super) const fn conclusion(&self) -> Option<&Conclusion> {
        self.conclusion.as_ref()
    }

    pub(super) const fn spf(&self) -> Alignment {
        self.spf
    }

    pub(super) fn dkim(&self, index: usize) -> Alignment {
        self.dkim
            .get(index)
            .copied()
            .unwrap_or(Alignment::Unchecked)
    }

    /// What to do next; `evidence` once SPF and DKIM are done.
    pub(super) fn poll(&mut self, evidence: Option<Evidence<'_, 'h>>) -> Step {
        loop {
            if let Some(discovery) = &mut self.discovery {
                match discovery.poll() {
                    Step::Query(id) => return Step::Query(id.tagged(DISCOVERY)),
                    Step::Wait => return Step::Wait,
                    Step::Done => {}
                }
            }
            let Some(evidence) = evidence else {
                return Step::Wait;
            };
            if self.conclusion.is_some() {
                return Step::Done;
            }
            if let Some((subject, check)) = &mut self.check {
                match check.poll() {
                    Step::Query(id) => return Step::Query(id.tagged(CHECK)),
                    Step::Wait => return Step::Wait,
                    Step::Done => {}
                }
                let alignment = check.verdict().copied().unwrap_or(Alignment::Unknown);
                let subject = *subject;
                self.next_number = check.next_number();
                self.check = None;
                self.set(subject, alignment);
            }
            if !self.start_check(&evidence) {
                self.conclusion = Some(self.conclude(&evidence));
            }
        }
    }

    pub(super) fn query(&self, id: QueryId) -> Option<Query<'_>> {
        match id.untagged()? {
            (DISCOVERY, id) => self.discovery.as_ref()?.query(id),
            (CHECK, id) => self.check.as_ref()?.1.query(id),
            _ => None,
        }
    }

    pub(super) fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
        match (id.untagged(), &mut self.discovery, &mut self.check) {
            (Some((DISCOVERY, id)), Some(discovery), _) => discovery.answer(id, answer),
            (Some((CHECK, id)), _, Some((_, check))) => check.answer(id, answer),
            _ => Err(AnswerError),
        }
    }

    /// Sets out to align the next domain; `false` when there is none.
    fn start_check(&mut self, evidence: &Evidence<'_, 'h>) -> bool {
        let Some(author) = self.author.domain() else {
            return false;
        };
        let Some(findings) = self
            .discovery
            .as_ref()
            .map(|discovery| *discovery.findings())
        else {
            return false;
        };
        // What takes no query comes first: it may settle the matter.
        for (subject, domain, _) in evidence.subjects() {
            let mode = mode(&findings, subject);
            if self.get(subject) == Alignment::Unchecked
                && let Some(alignment) = Alignment::without_walk(domain, author, mode)
            {
                self.set(subject, alignment);
            }
        }
        let is_settled = evidence.subjects().any(|(subject, _, standing)| {
            subject != Subject::Spf
                && standing == Standing::Passed
                && self.get(subject).is_aligned()
        });
        let open = evidence.subjects().find(|(subject, ..)| {
            self.get(*subject) == Alignment::Unchecked && !(is_settled && *subject != Subject::Spf)
        });
        let Some((subject, domain, _)) = open else {
            return false;
        };
        let mode = mode(&findings, subject);
        if findings.organizational().is_none() && findings.failure().is_none() {
            if let Some(discovery) = &mut self.discovery {
                discovery.seek_organizational();
            }
            return true;
        }
        let known = evidence.subjects().find(|&(other, same, _)| {
            same == domain
                && self.get(other) != Alignment::Unchecked
                && self::mode(&findings, other) == mode
        });
        if let Some((other, ..)) = known {
            self.set(subject, self.get(other));
        } else {
            let check = Check::numbered(domain, &findings, mode, self.next_number);
            self.check = Some((subject, check));
        }
        true
    }

    fn get(&self, subject: Subject) -> Alignment {
        match subject {
            Subject::Spf => self.spf,
            Subject::Dkim(index) => self.dkim(index),
        }
    }

    fn set(&mut self, subject: Subject, alignment: Alignment) {
        let slot = match subject {
            Subject::Spf => Some(&mut self.spf),
            Subject::Dkim(index) => self.dkim.get_mut(index),
        };
        if let Some(slot) = slot {
            *slot = alignment;
        }
    }

    /// RFC 9989 5.3.5 and 5.3.6.
    fn conclude(&self, evidence: &Evidence<'_, 'h>) -> Conclusion {
        let Some(findings) = self.findings() else {
            return Conclusion::without_request(DmarcResult::PermError, Reason::NoAuthor);
        };
        let aligned = evidence.subjects().find_map(|(subject, _, standing)| {
            (standing == Standing::Passed && self.get(subject).is_aligned()).then_some(
                match subject {
                    Subject::Spf => Mechanism::Spf,
                    Subject::Dkim(index) => Mechanism::Dkim(index),
                },
            )
        });
        // What may have passed, had all queries been answered.
        let uncertain =
            evidence
                .subjects()
                .find_map(|(subject, _, standing)| match self.get(subject) {
                    _ if standing == Standing::Tested => None,
                    Alignment::Unknown => Some(
                        findings
                            .failure()
                            .map_or(Reason::AlignmentUnknown, Reason::LookupFailed),
                    ),
                    alignment => (standing == Standing::Uncertain && alignment.is_aligned())
                        .then_some(Reason::MechanismUnknown),
                });
        let is_tested = evidence.subjects().any(|(subject, _, standing)| {
            standing == Standing::Tested && self.get(subject).is_aligned()
        });
        let request = findings.request();
        let (result, reason) = match (request, aligned) {
            (Err(NoRequest::NoRecord), _) => (DmarcResult::None, Reason::NoRecord),
            (Err(NoRequest::Unusable), _) => (DmarcResult::PermError, Reason::UnusableRecord),
            // The record was found, only the existence of the author domain is unknown.
            (Err(NoRequest::Failed(_)), Some(mechanism)) if findings.record().is_some() => {
                (DmarcResult::Pass, Reason::Aligned(mechanism))
            }
            (Err(NoRequest::Failed(failure)), _) => {
                (DmarcResult::TempError, Reason::LookupFailed(failure))
            }
            (Ok(_), Some(mechanism)) => (DmarcResult::Pass, Reason::Aligned(mechanism)),
            (Ok(_), None) => match uncertain {
                Some(reason) => (DmarcResult::TempError, reason),
                None if is_tested => (DmarcResult::Fail, Reason::TestKey),
                None => (DmarcResult::Fail, Reason::NotAligned),
            },
        };
        Conclusion {
            result,
            reason,
            request: request.ok(),
            disposition: match (result, request) {
                (DmarcResult::Fail, Ok(request)) => request.disposition,
                _ => Disposition::None,
            },
            aligned,
        }
    }
}

/// How the domain of a mechanism must align; relaxed where no record says otherwise.
fn mode(findings: &Findings<'_>, subject: Subject) -> Mode {
    findings
        .record()
        .map_or(Mode::Relaxed, |found| match subject {
            Subject::Spf => found.policy.aspf(),
            Subject::Dkim(_) => found.policy.adkim(),
        })
}
