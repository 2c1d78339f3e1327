//! What is counted in a day, and how it is kept: JSON, one file for each day.
//!
//! A report holds all sessions of its domain, or there is none. Bounds: [`DOMAINS`] in a day, [`POLICIES`] of one
//! domain, [`DETAILS`] of one policy, and [`OCTETS`] for all. What comes beyond them is logged:
//! - a domain is not counted, and gets no report of that day;
//! - a policy is counted without its text, which is shared by all that have none; so is one above [`TEXT`];
//! - a host that fails is counted without its name.

use std::collections::BTreeMap;
use std::net::IpAddr;

use scop_smtp_proto::policy::tls_rpt::ResultType;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::{DAY, Fate};

/// Domains of one day.
pub(super) const DOMAINS: usize = 10_000;

/// Policies of one domain in one day that are told apart.
pub(super) const POLICIES: usize = 8;

/// Ways in which sessions under one policy failed, told apart by host and address.
pub(super) const DETAILS: usize = 64;

/// Octets of the text of a policy.
pub(super) const TEXT: usize = 4096;

/// Octets that the counts of one day take.
pub(super) const OCTETS: usize = 32 << 20;

/// What a policy without a text takes, with all kinds of failure.
const POLICY: usize = size_of::<Policy>() + ResultType::ALL.len() * size_of::<Detail>();

/// What a domain takes beside its name, with that it has no policy and with those whose text is not kept.
const DOMAIN: usize = size_of::<(String, Counts)>() + 2 * POLICY;

/// A session with a server, or an attempt that did not come so far because of a policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session<'a> {
    /// Of the recipients.
    pub(crate) domain: &'a str,
    /// The text of the policy of MTA-STS that is in force, if there is one that asks for something.
    pub(crate) policy: Option<&'a [u8]>,
    /// What failed; none where TLS came about as the policy wants it.
    pub(crate) fault: Option<Fault<'a>>,
}

/// A failure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault<'a> {
    pub(crate) kind: ResultType,
    /// Of the server.
    pub(crate) host: Option<&'a str>,
    pub(crate) address: Option<IpAddr>,
}

/// One UTC day.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Day {
    /// Since 1970.
    number: u64,
    domains: BTreeMap<String, Counts>,
    /// Sessions that were not counted.
    omitted: u64,
    #[serde(skip)]
    taken: Taken,
}

/// One domain.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    policies: Vec<Policy>,
    /// URIs that have their report.
    sent: Vec<String>,
}

/// One policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    /// Of MTA-STS; none where there is none. Empty for all those whose text is not kept.
    pub(super) text: Option<String>,
    pub(super) successes: u64,
    pub(super) failed: u64,
    pub(super) details: Vec<Detail>,
}

/// Sessions that failed in the same way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Detail {
    #[serde(with = "word")]
    pub(super) kind: ResultType,
    pub(super) host: Option<String>,
    pub(super) address: Option<IpAddr>,
    pub(super) sessions: u64,
}

/// Octets that are in use, of [`OCTETS`].
#[derive(Clone, Copy, Debug, Default)]
struct Taken(usize);

impl Taken {
    /// Takes more, if they are left.
    fn take(&mut self, octets: usize) -> bool {
        let sum = self.0.saturating_add(octets);
        let is_left = sum <= OCTETS;
        if is_left {
            self.0 = sum;
        }
        is_left
    }
}

impl Day {
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            domains: BTreeMap::new(),
            omitted: 0,
            taken: Taken::default(),
        }
    }

    /// Reads what [`Day::emit`] wrote.
    pub(super) fn parse(octets: &[u8]) -> Option<Self> {
        let mut day: Self = serde_json::from_slice(octets).ok()?;
        let domains = day.domains.iter();
        let taken = domains.map(|(domain, counts)| DOMAIN + domain.len() + counts.octets());
        day.taken = Taken(taken.sum());
        Some(day)
    }

    pub(super) fn emit(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// `2026-11-24.json`.
    pub(super) fn file_name(&self) -> String {
        format!("{}.json", date(self.number))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.domains.keys()
    }

    pub(super) fn counts(&self, domain: &str) -> Option<&Counts> {
        self.domains.get(domain)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.domains.clear();
    }

    /// Sessions that were not counted, once.
    pub(super) fn take_omitted(&mut self) -> u64 {
        std::mem::take(&mut self.omitted)
    }

    /// Forgets a domain that is done; or notes which URIs have their report.
    pub(super) fn settle(&mut self, domain: &str, fate: Fate) {
        if fate.is_done {
            self.domains.remove(domain);
        } else if let Some(counts) = self.domains.get_mut(domain) {
            counts.sent = fate.sent;
        }
    }

    pub(super) fn count(&mut self, session: &Session<'_>) {
        let domain = session.domain.to_ascii_lowercase();
        let is_new = !self.domains.contains_key(&domain);
        if is_new && (self.domains.len() >= DOMAINS || !self.taken.take(DOMAIN + domain.len())) {
            if self.omitted == 0 {
                let day = date(self.number);
                let domains = self.domains.len();
                warn!(
                    day,
                    domain,
                    domains,
                    "no more domains are counted for reports of TLS today: those that come now get none"
                );
            }
            self.omitted = self.omitted.saturating_add(1);
            return;
        }
        let counts = self.domains.entry(domain).or_default();
        counts.count(session, &mut self.taken);
    }
}

impl Counts {
    pub(super) fn policies(&self) -> &[Policy] {
        &self.policies
    }

    pub(super) fn sent(&self) -> &[String] {
        &self.sent
    }

    fn count(&mut self, session: &Session<'_>, taken: &mut Taken) {
        let domain = session.domain;
        let text = session.policy.map(|text| self.kept(domain, text, taken));
        let index = self.find(text).unwrap_or_else(|| {
            self.policies.push(Policy::new(text));
            self.policies.len() - 1
        });
        let Some(policy) = self.policies.get_mut(index) else {
            return; // it was found, or pushed
        };
        match &session.fault {
            None => policy.successes = policy.successes.saturating_add(1),
            Some(fault) => policy.fail(domain, fault, taken),
        }
    }

    /// The text under which a policy is counted: its own, or none.
    fn kept<'t>(&self, domain: &str, text: &'t [u8], taken: &mut Taken) -> &'t str {
        let Some(text) = str::from_utf8(text).ok().filter(|text| text.len() <= TEXT) else {
            return "";
        };
        if self.find(Some(text)).is_some() {
            return text;
        }
        let texts = self
            .policies
            .iter()
            .filter_map(|policy| policy.text.as_ref());
        let is_full = texts.filter(|text| !text.is_empty()).count() >= POLICIES;
        if !is_full && taken.take(POLICY + text.len()) {
            return text;
        }
        if self.find(Some("")).is_none() {
            info!(
                domain,
                "further policies are counted for reports of TLS without their text"
            );
        }
        ""
    }

    fn find(&self, text: Option<&str>) -> Option<usize> {
        let mut policies = self.policies.iter();
        policies.position(|policy| policy.text.as_deref() == text)
    }

    /// Beyond those of [`DOMAIN`].
    fn octets(&self) -> usize {
        let octets = |policy: &Policy| {
            let text = match policy.text.as_deref() {
                None | Some("") => 0,
                Some(text) => POLICY + text.len(),
            };
            text + policy.details.iter().map(Detail::octets).sum::<usize>()
        };
        self.policies.iter().map(octets).sum()
    }
}

impl Policy {
    fn new(text: Option<&str>) -> Self {
        Self {
            text: text.map(str::to_owned),
            successes: 0,
            failed: 0,
            details: Vec::new(),
        }
    }

    fn fail(&mut self, domain: &str, fault: &Fault<'_>, taken: &mut Taken) {
        self.failed = self.failed.saturating_add(1);
        if let Some(detail) = self.find(fault.kind, fault.host, fault.address) {
            detail.sessions = detail.sessions.saturating_add(1);
            return;
        }
        let detail = Detail {
            kind: fault.kind,
            host: fault.host.map(str::to_owned),
            address: fault.address,
            sessions: 1,
        };
        let named = self
            .details
            .iter()
            .filter(|detail| detail.octets() > 0)
            .count();
        if detail.octets() == 0 || named < DETAILS && taken.take(detail.octets()) {
            self.details.push(detail);
        } else if let Some(detail) = self.find(fault.kind, None, None) {
            detail.sessions = detail.sessions.saturating_add(1);
        } else {
            info!(
                domain,
                kind = %fault.kind,
                "further hosts that fail are counted for reports of TLS without their names"
            );
            self.details.push(Detail {
                host: None,
                address: None,
                ..detail
            });
        }
    }

    fn find(
        &mut self,
        kind: ResultType,
        host: Option<&str>,
        address: Option<IpAddr>,
    ) -> Option<&mut Detail> {
        self.details.iter_mut().find(|detail| {
            detail.kind == kind && detail.host.as_deref() == host && detail.address == address
        })
    }
}

impl Detail {
    /// Beyond those of [`POLICY`].
    fn octets(&self) -> usize {
        match (&self.host, self.address) {
            (None, None) => 0,
            (host, _) => size_of::<Self>() + host.as_ref().map_or(0, String::len),
        }
    }
}

/// A kind of failure in the words of RFC 8460 4.3.
mod word {
    use scop_smtp_proto::policy::tls_rpt::ResultType;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(kind: &ResultType, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(kind.as_str())
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<ResultType, D::Error> {
        let word = String::deserialize(from)?;
        let mut known = ResultType::ALL.iter().copied();
        known
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| D::Error::custom("no kind of failure has this name"))
    }
}

/// `2026-11-24`; the number of a day that no calendar has.
pub(super) fn date(day: u64) -> String {
    let seconds = i64::try_from(day.saturating_mul(DAY)).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_second(seconds) {
        Ok(time) => time.to_string().chars().take_while(|&c| c != 'T').collect(),
        Err(_) => day.to_string(),
    }
}
