//! Which hosts mail for a domain goes to, in which order, and how TLS must protect it: RFC 5321 5.1
//! with null MX (RFC 7505), DANE (RFC 7672 2.2), MTA-STS (RFC 8461 4 and 5) and REQUIRETLS
//! (RFC 8689 4.2), as one lookup machine.
//!
//! Contract: the machine always ends, after at most [`Limits::queries`] queries, whatever the DNS
//! answers; nothing panics in any order of calls; the route does not depend on the order of the
//! answers, nor on the order of the MX records. Each query that was handed out stays open until it is
//! answered.
//!
//! # The order of hosts
//! By preference; hosts of equal preference in an order drawn from [`Request::entropy`], so that load
//! spreads (RFC 5321 5.1). A host named twice counts once, with its better preference. When one of the
//! hosts is the sender itself, by name or by address, it is left out with all that are no better
//! (RFC 5321 5.1): mail only moves towards the best.
//!
//! # TLS
//! TLSA records are asked for only where the MX answer and the addresses of the host are
//! [`Security::Secure`] (RFC 7672 2.2). Then a failed TLSA lookup makes the host unusable for now
//! (RFC 7672 2.1.2), because whoever suppresses the answer would win otherwise. An answer that is
//! [`Security::Indeterminate`] counts as insecure (RFC 7672 2.1.1). TLSA records are looked for at the
//! name that the MX record gives, or at the domain where there is none; where that name is an alias
//! (which RFC 2181 10.3 forbids for the first), those of its target are not found (RFC 7672 2.2.2).
//!
//! A policy of MTA-STS never makes up for DANE that fails (RFC 8461 2). Where DANE holds, it decides
//! alone: a host that the policy does not name is used, and told as [`Sts::Mismatch`].
//!
//! ```
//! use scop_core::{Answer, Name, Query, Rdata, Rtype, lookup};
//! use scop_smtp_proto::Domain;
//! use scop_smtp_proto::policy::route::{Limits, Request, Router, TlsRequirement};
//!
//! let mx = [Rdata::Mx { preference: 10, exchange: Name::parse(b"\x02mx\x07example\x03org\0")? }];
//! let address = [Rdata::A([192, 0, 2, 25].into())];
//! let request = Request::new(Domain::parse(b"example.org")?, 4);
//! let mut router: Router<'_> = Router::new(request, &Limits::DEFAULT);
//! let route = lookup::drive(&mut router, |query: Query<'_>| match query.rtype {
//!     Rtype::MX => Answer::records(&mx),
//!     Rtype::A => Answer::records(&address),
//!     _ => Answer::NoData(Default::default()),
//! });
//! let mut hosts = route.unwrap().hosts();
//! let host = hosts.next().unwrap();
//! assert_eq!((host.name(), host.preference()), (Some("mx.example.org"), 10));
//! assert_eq!(host.addresses().next(), Some([192, 0, 2, 25].into()));
//! assert_eq!(host.tls(), TlsRequirement::Opportunistic);
//! assert!(hosts.next().is_none());
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # TLSA from a table
//! [`Rdata`] has no variant for TLSA: a host that answers from a table of its own writes the data with
//! [`Tlsa`](scop_core::Tlsa), and hands it in as [`Rdata::Other`]. All three answers have to be secure.
//!
//! ```
//! use scop_core::{Emit, Name, Query, Rdata, Rtype, Security, SliceSink, Tlsa, lookup};
//! use scop_smtp_proto::Domain;
//! use scop_smtp_proto::policy::route::{Limits, Request, Router, TlsRequirement};
//!
//! let tlsa = Tlsa { usage: 3, selector: 1, matching: 1, data: &[0xab; 32] };
//! let mut octets = [0; 64];
//! let mut sink = SliceSink::new(&mut octets);
//! tlsa.emit(&mut sink)?;
//! let tlsa_rdata = [Rdata::Other { rtype: Rtype::TLSA, data: sink.into_written() }];
//! let mx = [Rdata::Mx { preference: 10, exchange: Name::parse(b"\x02mx\x07example\x03org\0")? }];
//! let address = [Rdata::A([192, 0, 2, 25].into())];
//!
//! let mut router: Router<'_> = Router::new(Request::new(Domain::parse(b"example.org")?, 4), &Limits::DEFAULT);
//! let route = lookup::drive(&mut router, |query: Query<'_>| {
//!     let records: &[Rdata<'_>] = match (query.name.to_string().as_str(), query.rtype) {
//!         ("example.org.", Rtype::MX) => &mx,
//!         ("mx.example.org.", Rtype::A) => &address,
//!         ("_25._tcp.mx.example.org.", Rtype::TLSA) => &tlsa_rdata,
//!         _ => return lookup::Answer::NoData(Security::Secure),
//!     };
//!     lookup::Answer::Records(records.into(), Security::Secure)
//! });
//! let route = route.unwrap();
//! let TlsRequirement::Dane(records) = route.hosts().next().unwrap().tls() else { panic!() };
//! assert!(records.iter().eq([tlsa]));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod host;
mod request;
mod slot;
mod tlsa;
mod verdict;

use core::net::IpAddr;

use scop_core::lookup::Failure;
use scop_core::{
    Answer, AnswerError, Lookup, Query, QueryId, QueryName, Rdata, Records, Rtype, Security, Step,
};

pub use host::{Host, Sts, TlsRequirement};
pub use request::{Families, Limits, Request, TlsWish};
pub use tlsa::TlsaRecords;
pub use verdict::{NoRoute, Omitted, Route, Unusable};

use crate::Domain;
use slot::{Ask, Slot};

pub(crate) use slot::is_host_name;

/// The label under which TLSA records for SMTP are (RFC 7672 2.2.3).
const TLSA_PREFIX: &[u8] = b"_25._tcp";
/// Octets of a name as text.
pub(crate) const MAX_TEXT: usize = 253;

/// Finds the route to a domain.
///
/// `HOSTS`, `ADDRESSES` and `TLSA` are the room: how many hosts are kept, how many addresses of each
/// family for one of them, and how many octets of its TLSA records.
#[derive(Clone, Debug)]
#[must_use]
pub struct Router<'a, const HOSTS: usize = 8, const ADDRESSES: usize = 8, const TLSA: usize = 320> {
    request: Request<'a>,
    limits: Limits,
    stage: Stage,
    route: Route<'a, HOSTS, ADDRESSES, TLSA>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not polled yet.
    Start,
    /// The MX query is out.
    Mx,
    /// The hosts are there; what they need is asked.
    Hosts,
    Done,
}

/// The number of the MX query. Host `i` has the numbers from `1 + 3 * i`.
const MX: QueryId = QueryId::new(0);

impl<'a, const HOSTS: usize, const ADDRESSES: usize, const TLSA: usize>
    Router<'a, HOSTS, ADDRESSES, TLSA>
{
    /// A machine that looks for the route of `request`.
    pub fn new(request: Request<'a>, limits: &Limits) -> Self {
        Self {
            request,
            limits: *limits,
            stage: Stage::Start,
            route: Route::new(request.domain),
        }
    }

    fn start(&mut self) -> Step {
        match self.request.domain {
            Domain::Name(name) if is_host_name(name.raw()) => {
                self.stage = Stage::Mx;
                return Step::Query(MX);
            }
            Domain::V4(ip) => self.literal(ip.into()),
            Domain::V6(ip) => self.literal(ip.into()),
            _ => self.end(NoRoute::BadDomain),
        }
        Step::Done
    }

    fn literal(&mut self, ip: IpAddr) {
        if self.room() == 0 {
            return self.end(NoRoute::Limit);
        }
        let mut slot = Slot::unnamed();
        slot.add_address(ip, &self.request);
        let _ = self.route.slots.push(slot); // there is room
        self.finish();
    }

    /// How many hosts may be kept.
    fn room(&self) -> usize {
        let queries = self.limits.queries.saturating_sub(1) / 3;
        HOSTS.min(self.limits.hosts.min(queries).into())
    }

    fn end(&mut self, reason: NoRoute) {
        self.route.slots.clear();
        self.route.failure = Some(reason);
        self.stage = Stage::Done;
    }

    fn on_mx(&mut self, answer: Answer<'_>) {
        self.stage = Stage::Hosts;
        match answer.trusted() {
            Answer::Failed(failure) => self.end(NoRoute::MxLookup(failure)),
            Answer::NxDomain(_) => self.end(NoRoute::NoSuchDomain),
            Answer::NoData(security) => {
                self.route.is_implicit = true;
                self.route.security = security;
                if let Domain::Name(name) = self.request.domain {
                    self.take_host(0, name.raw());
                }
            }
            Answer::Records(records, security) => {
                self.route.security = security;
                self.take_exchanges(records);
            }
        }
        if self.stage == Stage::Hosts && self.route.slots.is_empty() {
            self.finish();
        }
    }

    fn take_exchanges(&mut self, records: Records<'_>) {
        let exchanges = || {
            records.iter().filter_map(|rdata| match rdata {
                Rdata::Mx {
                    preference,
                    exchange,
                } => Some((preference, exchange)),
                _ => None,
            })
        };
        if exchanges().next().is_none() {
            // Not what was asked for, and no proof that there are none.
            return self.end(NoRoute::MxLookup(Failure::Malformed));
        }
        if exchanges().all(|(_, exchange)| exchange.is_root()) {
            return self.end(NoRoute::NullMx);
        }
        // First all names of this host, because they decide which others are of use.
        for (preference, exchange) in exchanges() {
            if slot::text(exchange).is_some_and(|name| self.request.is_own_name(&name)) {
                self.route.cut(preference);
            }
        }
        for (preference, exchange) in exchanges() {
            match slot::text(exchange) {
                Some(name) => self.take_host(preference, &name),
                None => self.route.omitted.note_bad_name(),
            }
        }
    }

    /// Keeps a host, and lets the worst one go when there are too many.
    fn take_host(&mut self, preference: u16, name: &[u8]) {
        if self.route.is_cut(preference) || self.request.is_own_name(name) {
            self.route.cut(preference);
            self.route.omitted.note_loop();
            return;
        }
        let room = self.room();
        let slots = &mut self.route.slots;
        if let Some(known) = slots.iter_mut().find(|known| known.has_name(name)) {
            // Of two spellings one, whichever comes first.
            if (preference, name) < (known.preference, known.name()) {
                *known = Slot::named(preference, name, self.request.entropy);
            }
            return;
        }
        let slot = Slot::named(preference, name, self.request.entropy);
        if slots.len() < room {
            let _ = slots.push(slot); // there is room
            return;
        }
        self.route.omitted.note_over_limit();
        let worst = slots.iter_mut().max_by(|one, other| one.order(other));
        if let Some(worst) = worst.filter(|worst| slot.order(worst).is_lt()) {
            *worst = slot;
        }
    }

    /// What a host may be asked.
    fn wants(&self, slot: &Slot<ADDRESSES, TLSA>, ask: Ask) -> bool {
        match ask {
            Ask::A => self.request.families != Families::V6,
            Ask::Aaaa => self.request.families != Families::V4,
            Ask::Tlsa => {
                self.request.tls != TlsWish::Optional
                    && self.route.security == Security::Secure
                    && slot.is_secure()
                    && [Ask::A, Ask::Aaaa]
                        .into_iter()
                        .all(|ask| slot.is_answered(ask) || !self.wants(slot, ask))
                    && slot.name().len() + TLSA_PREFIX.len() < MAX_TEXT
            }
        }
    }

    /// The next query to hand out, as its host and what is asked.
    fn next_ask(&self) -> Option<(usize, Ask)> {
        let open = |slot: &Slot<ADDRESSES, TLSA>, ask| !slot.is_asked(ask) && self.wants(slot, ask);
        self.route
            .slots
            .iter()
            .enumerate()
            .find_map(|(index, slot)| {
                let ask = Ask::ALL.into_iter().find(|&ask| open(slot, ask))?;
                Some((index, ask))
            })
    }

    /// The host and what is asked, if the id is that of an open query about a host.
    fn open(&self, id: QueryId) -> Option<(usize, Ask)> {
        let number = id.number().checked_sub(1)?;
        let (index, ask) = (usize::try_from(number / 3).ok()?, number % 3);
        let ask = Ask::ALL.into_iter().nth(usize::try_from(ask).ok()?)?;
        let slot = self.route.slots.get(index)?;
        (id == QueryId::new(id.number()) && slot.is_asked(ask) && !slot.is_answered(ask))
            .then_some((index, ask))
    }

    fn finish(&mut self) {
        self.stage = Stage::Done;
        self.route.decide(&self.request, self.limits);
    }
}

impl<'a, const HOSTS: usize, const ADDRESSES: usize, const TLSA: usize> Lookup
    for Router<'a, HOSTS, ADDRESSES, TLSA>
{
    type Verdict = Route<'a, HOSTS, ADDRESSES, TLSA>;

    fn poll(&mut self) -> Step {
        match self.stage {
            Stage::Start => return self.start(),
            Stage::Mx => return Step::Wait,
            Stage::Done => return Step::Done,
            Stage::Hosts => {}
        }
        let Some((index, ask)) = self.next_ask() else {
            return Step::Wait;
        };
        if let Some(slot) = self.route.slots.get_mut(index) {
            slot.note_asked(ask);
        }
        // At most 255 hosts are kept, because the limit is an octet.
        let first = u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(3);
        Step::Query(QueryId::new(first.saturating_add(1 + ask as u32)))
    }

    fn query(&self, id: QueryId) -> Option<Query<'_>> {
        if self.stage == Stage::Mx && id == MX {
            let Domain::Name(name) = self.request.domain else {
                return None;
            };
            return Some(Query {
                name: QueryName::dotted([name.raw(), b"", b""]),
                rtype: Rtype::MX,
            });
        }
        let (index, ask) = self.open(id)?;
        let name = self.route.slots.get(index)?.name();
        let (parts, rtype) = match ask {
            Ask::A => ([name, b"", b""], Rtype::A),
            Ask::Aaaa => ([name, b"", b""], Rtype::AAAA),
            Ask::Tlsa => ([TLSA_PREFIX, name, b""], Rtype::TLSA),
        };
        Some(Query {
            name: QueryName::dotted(parts),
            rtype,
        })
    }

    fn answer(&mut self, id: QueryId, answer: Answer<'_>) -> Result<(), AnswerError> {
        if self.stage == Stage::Mx && id == MX {
            self.on_mx(answer);
            return Ok(());
        }
        let (index, ask) = self.open(id).ok_or(AnswerError)?;
        let slot = self.route.slots.get_mut(index).ok_or(AnswerError)?;
        slot.answer(ask, answer.trusted(), self.limits, &self.request);
        let is_waiting = self.route.slots.iter().any(Slot::is_waiting);
        if !is_waiting && self.next_ask().is_none() {
            self.finish();
        }
        Ok(())
    }

    fn verdict(&self) -> Option<&Self::Verdict> {
        (self.stage == Stage::Done).then_some(&self.route)
    }
}

/// The first failure of two address lookups, whichever came first.
const fn either(a: Option<Failure>, aaaa: Option<Failure>) -> Option<Failure> {
    match a {
        Some(_) => a,
        None => aaaa,
    }
}

#[cfg(test)]
mod tests;
