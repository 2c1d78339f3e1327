//! The DNS tree walk: which record applies to a domain, and which is its organizational domain
//! (RFC 9989 4.10).
//!
//! A walk asks for the record of a domain and of the names above it, one after the other, and stops
//! behind the last label or at a record that settles the matter (`psd=y` or `psd=n`). From a name of
//! eight or more labels it jumps to the last seven, so it asks [`MAX_QUERIES`] times at most, however
//! long a name an attacker makes up. A name with several DMARC records counts as one without.
//!
//! Policy discovery (4.10.1) needs no walk when the author domain has a record of its own; whether its
//! organizational domain lies higher is asked only when alignment depends on it (4.10.2). So
//! [`Discovery`] pauses there until [`Discovery::seek_organizational`].

use scop_core::{
    Answer, AnswerError, Failure, Lookup, Query, QueryId, QueryName, Rdata, Rtype, Security, Step,
};

use crate::Domain;
use crate::domain::MAX_TEXT;
use crate::policy::{Request, Scope};
use crate::record::{Policy, Psd};

/// Queries for records in one walk at most (RFC 9989 4.10).
pub const MAX_QUERIES: u8 = 8;

/// Labels of the longest name that is asked for beside the one where a walk starts.
const MAX_PARENT: u8 = MAX_QUERIES - 1;

/// The label under which records are published (RFC 9989 4.5).
const LABEL: &[u8] = b"_dmarc";

/// The names of a walk, from the longest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ascent<'a> {
    domain: Domain<'a>,
    /// Labels of the name where it stands; 0 at the end.
    labels: u8,
}

impl<'a> Ascent<'a> {
    pub(crate) fn new(domain: Domain<'a>) -> Self {
        Self {
            domain,
            labels: domain.label_count(),
        }
    }

    pub(crate) const fn labels(&self) -> u8 {
        self.labels
    }

    /// Goes to the next name (RFC 9989 4.10 steps 4 and 7).
    pub(crate) fn climb(&mut self) {
        self.labels = self.labels.saturating_sub(1).min(MAX_PARENT);
    }

    /// The query for the record of the name where it stands; `None` when that would be longer than a
    /// name can be, so that there is no such record.
    pub(crate) fn query(&self) -> Option<Query<'a>> {
        let name = self.domain.suffix(self.labels).as_bytes();
        (name.len() < MAX_TEXT - LABEL.len()).then_some(Query {
            name: QueryName::dotted([LABEL, name, b""]),
            rtype: Rtype::TXT,
        })
    }
}

/// The query a machine waits for: each has a number of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    next: u32,
    open: Option<QueryId>,
}

impl Pending {
    pub(crate) const fn starting_at(number: u32) -> Self {
        Self {
            next: number,
            open: None,
        }
    }

    pub(crate) const fn next_number(&self) -> u32 {
        self.next
    }

    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(crate) fn is(&self, id: QueryId) -> bool {
        self.open == Some(id)
    }

    pub(crate) fn ask(&mut self) -> Step {
        let id = QueryId::new(self.next);
        self.next = self.next.wrapping_add(1);
        self.open = Some(id);
        Step::Query(id)
    }

    pub(crate) fn close(&mut self, id: QueryId) -> Result<(), AnswerError> {
        if !self.is(id) {
            return Err(AnswerError);
        }
        self.open = None;
        Ok(())
    }
}

/// The one DMARC record in an answer; several count as none (RFC 9989 4.10 steps 2 and 6).
pub(crate) fn record_in(answer: Answer<'_>) -> Result<Option<(Policy, Security)>, Failure> {
    match answer.trusted() {
        Answer::Failed(failure) => Err(failure),
        Answer::NoData(_) | Answer::NxDomain(_) => Ok(None),
        Answer::Records(records, security) => {
            let mut policies = records.iter().filter_map(|rdata| match rdata {
                Rdata::Txt(txt) => Policy::from_txt(txt).ok(),
                _ => None,
            });
            let first = policies.next();
            let only = first.filter(|_| policies.next().is_none());
            Ok(only.map(|policy| (policy, security)))
        }
    }
}

/// Where the record that applies was found, from the most to the least preferred (RFC 9989 4.10.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// At the author domain.
    Author,
    /// At its organizational domain, above it.
    Organizational,
    /// At its public suffix.
    PublicSuffix,
}

/// A record and the domain that published it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The DMARC Policy Domain (RFC 9989 3.2.5).
    pub domain: Domain<'a>,
    /// What that is to the author domain.
    pub location: Location,
    /// What the record says.
    pub policy: Policy,
    /// How far DNSSEC vouches for it.
    pub security: Security,
}

/// Which other names have the organizational domain that a walk found, as their own walks would find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// None: there is no record, or it is that of a public suffix, or walks from below jump over it.
    Alone,
    /// Names below, unless a border lies between.
    Below,
    /// Names below whose walks jump over it, if the name where they land is a public suffix: then the
    /// organizational domain lies one label below that, which is here. The walk that found it stopped
    /// before, so that nothing is known of that name.
    BelowJump,
}

/// Whether the author domain exists: NXDOMAIN says that it does not (RFC 9989 3.2.13, A.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Existence {
    /// The policy does not depend on it, so nobody asked.
    Irrelevant,
    /// It exists.
    Exists,
    /// It does not.
    NonExistent,
    /// The question failed.
    Unknown(Failure),
}

/// Why there is no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoRequest {
    /// No record applies.
    NoRecord,
    /// The record says nothing valid and asks for no reports: it must not be applied
    /// (RFC 9989 4.10.1).
    Unusable,
    /// A query failed.
    Failed(Failure),
}

/// One record of a walk.
#[derive(Clone, Copy, Debug)]
struct Seen {
    labels: u8,
    policy: Policy,
    security: Security,
}

/// What a walk has found.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'a> {
    domain: Domain<'a>,
    labels: u8,
    /// At the name where it started.
    start: Option<Seen>,
    /// At the shortest name so far, and at the name one label longer.
    shortest: Option<Seen>,
    one_below: Option<Seen>,
    existence: Existence,
    failure: Option<Failure>,
    /// The walk came to its end.
    complete: bool,
}

impl<'a> Findings<'a> {
    fn new(domain: Domain<'a>) -> Self {
        Self {
            domain,
            labels: domain.label_count(),
            start: None,
            shortest: None,
            one_below: None,
            existence: Existence::Irrelevant,
            failure: None,
            complete: false,
        }
    }

    fn take(&mut self, seen: Seen) {
        if seen.labels == self.labels {
            self.start = Some(seen);
        }
        self.one_below = self
            .shortest
            .filter(|longer| longer.labels == seen.labels.saturating_add(1));
        self.shortest = Some(seen);
    }

    /// The author domain.
    pub const fn domain(&self) -> Domain<'a> {
        self.domain
    }

    /// The record that applies (RFC 9989 4.10.1).
    pub fn record(&self) -> Option<Found<'a>> {
        let found = |seen: Seen, location| Found {
            domain: self.domain.suffix(seen.labels),
            location,
            policy: seen.policy,
            security: seen.security,
        };
        if let Some(start) = self.start {
            return Some(found(start, Location::Author));
        }
        // Without the rest of the walk, a record in the middle may be one that counts for nothing.
        let shortest = self.shortest.filter(|_| self.complete)?;
        if shortest.policy.psd() != Psd::Yes {
            return Some(found(shortest, Location::Organizational));
        }
        Some(match self.one_below {
            Some(below) => found(below, Location::Organizational),
            None => found(shortest, Location::PublicSuffix),
        })
    }

    /// The organizational domain (RFC 9989 4.10.2); `None` before the walk has come to its end, and
    /// when it failed.
    pub fn organizational(&self) -> Option<Domain<'a>> {
        let (domain, _) = self.organization()?;
        Some(domain)
    }

    /// The organizational domain, and who shares it.
    pub(crate) fn organization(&self) -> Option<(Domain<'a>, Reach)> {
        if !self.complete {
            return None;
        }
        let (labels, reach) = match self.shortest {
            None => (self.labels, Reach::Alone),
            Some(Seen { labels, policy, .. }) => match (policy.psd(), labels) {
                (Psd::Yes, labels) if labels < self.labels => {
                    (labels.saturating_add(1), Reach::Below)
                }
                (Psd::Yes | Psd::No, MAX_QUERIES) => (labels, Reach::BelowJump),
                (Psd::No | Psd::Unknown, ..=MAX_PARENT) => (labels, Reach::Below),
                _ => (labels, Reach::Alone),
            },
        };
        Some((self.domain.suffix(labels), reach))
    }

    /// Whether the author domain exists.
    pub const fn existence(&self) -> Existence {
        self.existence
    }

    /// The query of the walk that failed, which ended it.
    pub const fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// The policy for the author domain.
    ///
    /// # Errors
    /// When there is none, and why.
    pub fn request(&self) -> Result<Request, NoRequest> {
        let Some(found) = self.record() else {
            return Err(self.failure.map_or(NoRequest::NoRecord, NoRequest::Failed));
        };
        let scope = match (found.location, self.existence) {
            (Location::Author, _) => Scope::Domain,
            (_, Existence::NonExistent) => Scope::NonExistent,
            (_, Existence::Unknown(failure)) => return Err(NoRequest::Failed(failure)),
            (_, Existence::Exists | Existence::Irrelevant) => Scope::Subdomain,
        };
        found.policy.request(scope).ok_or(NoRequest::Unusable)
    }

    /// Whether the policy depends on the existence of the author domain, which is not known yet.
    fn needs_existence(&self) -> bool {
        self.existence == Existence::Irrelevant
            && self.record().is_some_and(|found| {
                let request = |scope| found.policy.request(scope);
                found.location != Location::Author
                    && request(Scope::NonExistent) != request(Scope::Subdomain)
            })
    }
}

/// Finds the record that applies to an author domain and, on demand, its organizational domain.
///
/// It asks [`MAX_QUERIES`] times for records at most, and once whether the domain exists when only that
/// decides between `np` and another tag.
///
/// ```
/// use scop_core::{Answer, Rdata, Txt, lookup};
/// use scop_dmarc::{Discovery, Domain};
/// let zone = [Rdata::Txt(Txt::joined(b"v=DMARC1; p=reject"))];
/// let mut discovery = Discovery::new(Domain::parse(b"news.example.org")?);
/// let findings = lookup::drive(&mut discovery, |query| match query.name.to_string().as_str() {
///     "_dmarc.example.org." => Answer::records(&zone),
///     _ => Answer::NxDomain(Default::default()),
/// });
/// let found = findings.and_then(|findings| findings.record()).unwrap();
/// assert_eq!(found.domain.as_bytes(), b"example.org");
/// # Ok::<(), scop_dmarc::domain::DomainError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Discovery<'a> {
    findings: Findings<'a>,
    ascent: Ascent<'a>,
    pending: Pending,
    /// Go on above a record at the author domain.
    seek: bool,
    /// The query in flight is the one for the author domain itself.
    asks_existence: bool,
}

impl<'a> Discovery<'a> {
    /// Starts at the author domain.
    pub fn new(domain: Domain<'a>) -> Self {
        Self {
            findings: Findings::new(domain),
            ascent: Ascent::new(domain),
            pending: Pending::starting_at(0),
            seek: false,
            asks_existence: false,
        }
    }

    /// Has the walk go on to the organizational domain, also where the author domain has a record.
    pub const fn seek_organizational(&mut self) {
        self.seek = true;
    }

    /// What has been found so far.
    pub(crate) const fn findings(&self) -> &Findings<'a> {
        &self.findings
    }

    /// The walk is over: it came to its end or failed, or it need not go on.
    fn is_walked(&self) -> bool {
        self.findings.complete
            || self.findings.failure.is_some()
            || (self.findings.start.is_some() && !self.seek)
    }

    fn walked(&mut self, answer: Answer<'_>) {
        match record_in(answer) {
            Err(failure) => self.findings.failure = Some(failure),
            Ok(record) => {
                if let Some((policy, security)) = record {
                    let labels = self.ascent.labels();
                    self.findings.take(Seen {
                        labels,
                        policy,
                        security,
                    });
                    self.findings.complete = policy.psd() != Psd::Unknown;
                }
                self.ascent.climb();
            }
        }
    }
}

impl<'a> Lookup for Discovery<'a> {
    type Verdict = Findings<'a>;

    fn poll(&mut self) -> Step {
        if self.pending.is_open() {
            return Step::Wait;
        }
        while !self.is_walked() {
            if self.ascent.labels() == 0 {
                self.findings.complete = true;
            } else if self.ascent.query().is_some() {
                return self.pending.ask();
            } else {
                self.ascent.climb();
            }
        }
        if self.findings.needs_existence() {
            self.asks_existence = true;
            return self.pending.ask();
        }
        Step::Done
    }

    fn query(&self, id: QueryId) -> Option<Query<'_>> {
        if !self.pending.is(id) {
            return None;
        }
        if !self.asks_existence {
            return self.ascent.query();
        }
        // Any type will do: only the reply code counts.
        Some(Query {
            name: QueryName::dotted([self.findings.domain.as_bytes(), b"", b""]),
            rtype: Rtype::A,
        })
    }

    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
        self.pending.close(id)?;
        if self.asks_existence {
            self.findings.existence = match answer.trusted() {
                Answer::Records(..) | Answer::NoData(_) => Existence::Exists,
                Answer::NxDomain(_) => Existence::NonExistent,
                Answer::Failed(failure) => Existence::Unknown(failure),
            };
        } else {
            self.walked(answer);
        }
        Ok(())
    }

    fn verdict(&self) -> Option<&Findings<'a>> {
        (self.is_walked() && !self.findings.needs_existence()).then_some(&self.findings)
    }
}

#[cfg(test)]
mod tests;
