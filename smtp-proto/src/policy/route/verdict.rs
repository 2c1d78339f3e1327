//! The route that was found, or why there is none.

use core::fmt;

use scop_core::Security;
use scop_core::lookup::Failure;

use super::host::{Host, Sts, TlsRequirement};
use super::request::{Limits, Request, TlsWish};
use super::slot::Slot;
use super::tlsa::{Tlsa, TlsaRecords};
use crate::policy::mta_sts::Mode;
use crate::{Domain, Status};

/// Why there is nowhere to send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoRoute {
    /// The domain is not a host name in A-labels, or an address literal of a kind that is not known.
    BadDomain,
    /// No host is usable; this is why for the best of those that may become usable, or for the best.
    Host(Unusable),
    /// The limits allow no host at all.
    Limit,
    /// The best of the hosts is this one (RFC 5321 5.1).
    Loop,
    /// The MX lookup failed (RFC 5321 5.1).
    MxLookup(Failure),
    /// The domain does not exist (RFC 5321 5.1).
    NoSuchDomain,
    /// The domain takes no mail (RFC 7505).
    NullMx,
}

impl NoRoute {
    /// The enhanced status code for a bounce or a delay (RFC 3463); its class says whether to try again.
    pub const fn status(self) -> Status {
        match self {
            Self::BadDomain | Self::NoSuchDomain => Status::new(5, 1, 2),
            Self::Host(reason) => reason.status(),
            Self::Limit => Status::new(4, 3, 5),
            Self::Loop => Status::new(5, 4, 6),
            Self::MxLookup(_) => Status::new(4, 4, 3),
            Self::NullMx => Status::new(5, 1, 10), // RFC 7505 6
        }
    }

    /// Whether it makes sense to try again later.
    pub const fn is_temporary(self) -> bool {
        self.status().class == 4
    }
}

impl fmt::Display for NoRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadDomain => f.write_str("the domain is not a host name"),
            Self::Host(reason) => write!(f, "no mail exchange is usable: {reason}"),
            Self::Limit => f.write_str("the limits allow no host"),
            Self::Loop => f.write_str("mail for the domain loops back to this host"),
            Self::MxLookup(failure) => write!(f, "the MX lookup failed: {failure}"),
            Self::NoSuchDomain => f.write_str("the domain does not exist"),
            Self::NullMx => f.write_str("the domain takes no mail (RFC 7505)"),
        }
    }
}

impl core::error::Error for NoRoute {}

/// Why a host is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unusable {
    /// An address lookup failed, and there is no address.
    AddressLookup(Failure),
    /// What the MX record names is no host name: an address as text, or something worse.
    BadName,
    /// It is this host by its address, or no better than this host (RFC 5321 5.1).
    Loop,
    /// It has no address that mail can be sent to.
    NoAddress,
    /// The message requires TLS, and neither DNSSEC nor MTA-STS vouches for the name (RFC 8689 4.2.1).
    NotAuthentic,
    /// It does not match the MTA-STS policy, which is enforced (RFC 8461 5).
    StsMismatch,
    /// The TLSA lookup failed (RFC 7672 2.1.2).
    TlsaLookup(Failure),
    /// Its TLSA records are more, or longer, than the limits or the room allow.
    TooManyTlsa,
}

impl Unusable {
    /// The enhanced status code (RFC 3463).
    ///
    /// A mismatch with MTA-STS is temporary: before a message fails for good, its sender must look for
    /// a newer policy (RFC 8461 5).
    pub const fn status(self) -> Status {
        match self {
            Self::AddressLookup(_) => Status::new(4, 4, 3),
            Self::BadName | Self::NoAddress => Status::new(5, 4, 4),
            Self::Loop => Status::new(5, 4, 6),
            Self::NotAuthentic => Status::new(5, 7, 10), // RFC 8689 4.2.1
            Self::StsMismatch | Self::TlsaLookup(_) | Self::TooManyTlsa => Status::new(4, 7, 5),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressLookup(failure) => write!(f, "an address lookup failed: {failure}"),
            Self::BadName => f.write_str("the MX record holds no host name"),
            Self::Loop => f.write_str("it is no better than this host"),
            Self::NoAddress => f.write_str("it has no address"),
            Self::NotAuthentic => {
                f.write_str("neither DNSSEC nor MTA-STS vouches for its name (RFC 8689 4.2.1)")
            }
            Self::StsMismatch => f.write_str("it does not match the MTA-STS policy"),
            Self::TlsaLookup(failure) => write!(f, "the TLSA lookup failed: {failure}"),
            Self::TooManyTlsa => f.write_str("its TLSA records are too many or too long"),
        }
    }
}

/// How many MX records were left out, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Omitted {
    /// What they name is no host name: an address as text, the root beside others, or something worse.
    pub bad_names: u16,
    /// They name this host, or are no better than one that does.
    pub loops: u16,
    /// They are the worst of too many. A host that is named twice may count twice.
    pub over_limit: u16,
}

impl Omitted {
    pub(super) fn note_bad_name(&mut self) {
        self.bad_names = self.bad_names.saturating_add(1);
    }

    pub(super) fn note_loop(&mut self) {
        self.loops = self.loops.saturating_add(1);
    }

    pub(super) fn note_over_limit(&mut self) {
        self.over_limit = self.over_limit.saturating_add(1);
    }
}

/// The route to a domain.
#[derive(Clone, Debug)]
pub struct Route<'a, const HOSTS: usize = 8, const ADDRESSES: usize = 8, const TLSA: usize = 320> {
    domain: Domain<'a>,
    pub(super) security: Security,
    pub(super) is_implicit: bool,
    pub(super) omitted: Omitted,
    /// The preference of this host: no host is used that is not better.
    own: Option<u16>,
    /// In any order.
    pub(super) slots: heapless::Vec<Slot<ADDRESSES, TLSA>, HOSTS>,
    pub(super) failure: Option<NoRoute>,
    rules: Rules,
}

/// What decides over a host beside its answers.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// The mode of the MTA-STS policy, if one counts.
    sts: Option<Mode>,
    tls: TlsWish,
    addresses: u8,
}

impl<'a, const HOSTS: usize, const ADDRESSES: usize, const TLSA: usize>
    Route<'a, HOSTS, ADDRESSES, TLSA>
{
    pub(super) const fn new(domain: Domain<'a>) -> Self {
        Self {
            domain,
            security: Security::Indeterminate,
            is_implicit: false,
            omitted: Omitted {
                bad_names: 0,
                loops: 0,
                over_limit: 0,
            },
            own: None,
            slots: heapless::Vec::new(),
            failure: None,
            rules: Rules {
                sts: None,
                tls: TlsWish::Policy,
                addresses: 0,
            },
        }
    }

    /// The domain that was asked for.
    pub const fn domain(&self) -> Domain<'a> {
        self.domain
    }

    /// Whether the domain has no MX records and is its own mail exchange (RFC 5321 5.1).
    pub const fn is_implicit(&self) -> bool {
        self.is_implicit
    }

    /// How far DNSSEC vouches for the MX answer.
    pub const fn security(&self) -> Security {
        self.security
    }

    /// The MX records that were left out.
    pub const fn omitted(&self) -> Omitted {
        self.omitted
    }

    /// The hosts to try, in their order; none exactly when there is a [`Route::failure`].
    pub fn hosts(&self) -> impl Iterator<Item = Host<'_>> + '_ {
        self.in_order().filter_map(|slot| self.fate(slot).ok())
    }

    /// The hosts that are not usable, in their order: name, preference and reason.
    pub fn unusable(&self) -> impl Iterator<Item = (&str, u16, Unusable)> + '_ {
        self.in_order().filter_map(|slot| {
            let reason = self.fate(slot).err()?;
            Some((slot.name_str(), slot.preference, reason))
        })
    }

    /// Why there is nowhere to send to.
    pub const fn failure(&self) -> Option<NoRoute> {
        self.failure
    }

    fn in_order(&self) -> impl Iterator<Item = &Slot<ADDRESSES, TLSA>> {
        let mut last: Option<&Slot<ADDRESSES, TLSA>> = None;
        core::iter::from_fn(move || {
            let is_left =
                |slot: &&Slot<ADDRESSES, TLSA>| last.is_none_or(|last| last.order(slot).is_lt());
            let left = self.slots.iter().filter(is_left);
            last = Some(left.min_by(|one, other| one.order(other))?);
            last
        })
    }

    /// This host has a preference: those that are no better are out.
    pub(super) fn cut(&mut self, preference: u16) {
        self.own = Some(self.own.map_or(preference, |own| own.min(preference)));
    }

    pub(super) fn is_cut(&self, preference: u16) -> bool {
        self.own.is_some_and(|own| preference >= own)
    }

    /// Decides, once all answers are there.
    pub(super) fn decide(&mut self, request: &Request<'a>, limits: Limits) {
        // A literal has no name that a policy could match.
        let sts = (request.sts)
            .filter(|policy| policy.mode() != Mode::None && request.domain.name().is_some());
        self.rules = Rules {
            sts: sts.map(|policy| policy.mode()),
            tls: request.tls,
            addresses: limits.addresses,
        };
        if let Some(policy) = sts {
            for slot in &mut self.slots {
                slot.matches_sts = policy.matches(slot.name());
            }
        }
        let own = (self.slots.iter())
            .filter(|slot| slot.is_own)
            .map(|slot| slot.preference)
            .min();
        if let Some(preference) = own {
            self.cut(preference);
        }
        if self.hosts().next().is_some() {
            return;
        }
        let mut reasons = self.unusable().map(|(_, _, reason)| reason);
        let temporary = |reason: &Unusable| reason.status().class == 4;
        let first = reasons.next();
        let reason = (first.filter(temporary))
            .or_else(|| reasons.find(temporary))
            .or(first);
        drop(reasons);
        self.failure = Some(match reason {
            Some(Unusable::Loop) => NoRoute::Loop,
            Some(reason) => NoRoute::Host(reason),
            None if self.omitted.loops > 0 => NoRoute::Loop,
            None if self.omitted.over_limit > 0 => NoRoute::Limit,
            None => NoRoute::Host(Unusable::BadName),
        });
    }

    fn fate<'r>(&'r self, slot: &'r Slot<ADDRESSES, TLSA>) -> Result<Host<'r>, Unusable> {
        if self.is_cut(slot.preference) {
            return Err(Unusable::Loop);
        }
        if slot.addresses().next().is_none() {
            return Err(slot
                .failure()
                .map_or(Unusable::NoAddress, Unusable::AddressLookup));
        }
        let (tls, sts) = self.tls(slot)?;
        Ok(Host {
            name: Some(slot.name_str()).filter(|name| !name.is_empty()),
            domain: self.domain.name().map(|name| name.as_str()),
            preference: slot.preference,
            tls,
            sts,
            addresses: slot.addresses(),
            max_addresses: self.rules.addresses,
        })
    }

    fn tls<'r>(
        &'r self,
        slot: &'r Slot<ADDRESSES, TLSA>,
    ) -> Result<(TlsRequirement<'r>, Sts), Unusable> {
        if self.rules.tls == TlsWish::Optional {
            return Ok((TlsRequirement::Opportunistic, Sts::None));
        }
        let matches = slot.matches_sts;
        let sts = match self.rules.sts {
            None => Sts::None,
            Some(_) if !matches => Sts::Mismatch,
            Some(Mode::Enforce) => Sts::Enforce,
            Some(_) => Sts::Testing,
        };
        let dane = match &slot.tlsa {
            Tlsa::Failed(failure) => return Err(Unusable::TlsaLookup(*failure)),
            Tlsa::TooMany => return Err(Unusable::TooManyTlsa),
            Tlsa::Usable(kept) => {
                return Ok((TlsRequirement::Dane(TlsaRecords::new(kept)), sts));
            }
            Tlsa::Unusable => TlsRequirement::Encrypted,
            Tlsa::Absent => TlsRequirement::Opportunistic,
        };
        let enforced = self.rules.sts == Some(Mode::Enforce);
        if enforced && !matches {
            return Err(Unusable::StsMismatch);
        }
        if self.rules.tls == TlsWish::Required {
            // The name of the domain itself needs nobody to vouch for it.
            let is_named = !slot.name().is_empty();
            let is_vouched = matches || self.is_implicit || self.security == Security::Secure;
            if !is_named || !is_vouched {
                return Err(Unusable::NotAuthentic);
            }
            return Ok((TlsRequirement::WebPki, sts));
        }
        Ok((
            if enforced {
                TlsRequirement::WebPki
            } else {
                dane
            },
            sts,
        ))
    }
}
