//! What is counted in a day, and how it is kept: JSON, one file for each day.
//!
//! Bounds: [`DOMAINS`] in a day, [`POLICIES`] of one domain, [`DETAILS`] of one policy. A session beyond the first
//! two is not counted, and the log says so once; beyond the third it is counted without its host. The text of a
//! policy above [`TEXT`] is not kept.

use std::collections::BTreeMap;
use std::net::IpAddr;

use scop_smtp_proto::policy::tls_rpt::ResultType;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{DAY, Fate};

/// Domains of one day.
const DOMAINS: usize = 10_000;

/// Policies of one domain in one day: that it has none is one of them.
const POLICIES: usize = 8;

/// Ways in which sessions under one policy failed, told apart by host and address.
const DETAILS: usize = 64;

/// Octets of the text of a policy.
const TEXT: usize = 4096;

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
    /// Of MTA-STS; none where there is none. Empty where it is too long to be kept.
    pub(super) text: Option<String>,
    pub(super) successes: u64,
    pub(super) failed: u64,
    pub(super) details: Vec<Detail>,
}

/// Sessions that failed in the same way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Detail {
    /// In the words of RFC 8460 4.3.
    kind: String,
    pub(super) host: Option<String>,
    pub(super) address: Option<IpAddr>,
    pub(super) sessions: u64,
}

impl Day {
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            domains: BTreeMap::new(),
            omitted: 0,
        }
    }

    /// Reads what [`Day::emit`] wrote.
    pub(super) fn parse(octets: &[u8]) -> Option<Self> {
        let day: Self = serde_json::from_slice(octets).ok()?;
        let mut policies = day.domains.values().flat_map(|counts| &counts.policies);
        let is_known =
            policies.all(|policy| policy.details.iter().all(|detail| detail.kind().is_some()));
        is_known.then_some(day)
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

    pub(super) fn domains(&self) -> impl Iterator<Item = (String, Counts)> {
        self.domains.clone().into_iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.domains.clear();
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
        let is_full = self.domains.len() >= DOMAINS && !self.domains.contains_key(&domain);
        let is_counted = !is_full && self.domains.entry(domain).or_default().count(session);
        if !is_counted {
            if self.omitted == 0 {
                let day = date(self.number);
                warn!(
                    day,
                    domain = session.domain,
                    "more domains or policies than are counted for reports of TLS"
                );
            }
            self.omitted = self.omitted.saturating_add(1);
        }
    }
}

impl Counts {
    pub(super) fn policies(&self) -> &[Policy] {
        &self.policies
    }

    pub(super) fn sent(&self) -> &[String] {
        &self.sent
    }

    fn count(&mut self, session: &Session<'_>) -> bool {
        let text = session.policy.map(|text| match str::from_utf8(text) {
            Ok(text) if text.len() <= TEXT => text.to_owned(),
            _ => String::new(),
        });
        let known = self.policies.iter().position(|policy| policy.text == text);
        let index = match known {
            Some(index) => index,
            None if self.policies.len() >= POLICIES => return false,
            None => {
                self.policies.push(Policy {
                    text,
                    successes: 0,
                    failed: 0,
                    details: Vec::new(),
                });
                self.policies.len() - 1
            }
        };
        let Some(policy) = self.policies.get_mut(index) else {
            return false;
        };
        match &session.fault {
            None => policy.successes = policy.successes.saturating_add(1),
            Some(fault) => policy.fail(fault),
        }
        true
    }
}

impl Policy {
    fn fail(&mut self, fault: &Fault<'_>) {
        self.failed = self.failed.saturating_add(1);
        let same = |detail: &Detail, host: Option<&str>, address| {
            detail.kind == fault.kind.as_str()
                && detail.host.as_deref() == host
                && detail.address == address
        };
        let known = self
            .details
            .iter()
            .position(|detail| same(detail, fault.host, fault.address));
        let (host, address) = match known {
            None if self.details.len() >= DETAILS => (None, None),
            _ => (fault.host, fault.address),
        };
        match self
            .details
            .iter_mut()
            .find(|detail| same(detail, host, address))
        {
            Some(detail) => detail.sessions = detail.sessions.saturating_add(1),
            None => self.details.push(Detail {
                kind: fault.kind.as_str().to_owned(),
                host: host.map(str::to_owned),
                address,
                sessions: 1,
            }),
        }
    }
}

impl Detail {
    pub(super) fn kind(&self) -> Option<ResultType> {
        let mut known = ResultType::ALL.iter().copied();
        known.find(|kind| kind.as_str() == self.kind)
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
