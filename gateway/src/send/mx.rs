//! The way to the servers of a recipient's domain (RFC 5321 5.1), with TLS as the domain and the message demand
//! it.
//!
//! [`Router`] says which hosts there are, in which order, and what TLS must show; they are tried in turn, address
//! by address, until one takes the message. A recipient that one host puts off is brought to the next; what a
//! host refuses for good is refused. DNSSEC is not asked for yet, so that no host is ever under DANE (RFC 7672).
//!
//! Bounds for one attempt: eight hosts with eight addresses ([`route::Limits`]), of which [`SESSIONS`] are
//! connected to. Addresses that no public server has are not connected to, unless the configuration says so: an MX
//! record may be written by anybody, and could point at what only this host can reach.
//!
//! A message that asks for policies to be ignored (`TLS-Required: No`, RFC 8689 4.2.2) is not counted for reports
//! of TLS. Reports of TLS ask for that themselves, so that they never lead to reports of their own.

mod ask;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use scop_core::Lookup as _;
use scop_smtp_proto::Domain;
use scop_smtp_proto::client::TlsPolicy;
use scop_smtp_proto::policy::mta_sts::Mode;
use scop_smtp_proto::policy::route::{
    self, NoRoute, Request, Router, TlsRequirement, TlsWish, Unusable,
};
use scop_smtp_proto::policy::tls_rpt::ResultType;
use tracing::{debug, info, warn};

use crate::a_label::a_labels;
use crate::deliver::{Delivery, Pool, Target, TlsResult};
use crate::queue::{Failure, Outcome, Outgoing, Transport};
use crate::resolve::Resolver;
use crate::resolve::driver::Driver;
use crate::send::address::is_public;
use crate::send::sts::{Kept, Sts};
use crate::send::tls_report::{Fault, Reports, Session};
use crate::service::metrics;
use crate::terminal::shown_within;

/// Addresses that are connected to in one attempt. RFC 5321 5.1 wants two at least.
const SESSIONS: usize = 5;

/// Who hands a message to one target.
pub(crate) trait HandOver: Send + Sync + 'static {
    /// Tries the recipients of these indices.
    fn hand_over(
        &self,
        target: &Target,
        message: &Outgoing,
        recipients: &[usize],
    ) -> impl Future<Output = Delivery> + Send;

    /// Why this address is left alone now, because it could not be reached a moment ago.
    fn rests(&self, address: SocketAddr) -> Option<Failure>;
}

impl HandOver for Pool {
    fn hand_over(
        &self,
        target: &Target,
        message: &Outgoing,
        recipients: &[usize],
    ) -> impl Future<Output = Delivery> + Send {
        self.deliver(target, message, recipients)
    }

    fn rests(&self, address: SocketAddr) -> Option<Failure> {
        self.rests(address)
    }
}

/// How the way is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where servers listen.
    pub(crate) port: u16,
    /// Also servers at addresses that no public server has.
    pub(crate) private_addresses: bool,
    /// Names and addresses of servers that hand to this sender what they get: hosts that are no better than one
    /// of them are left out, because the mail would come back (RFC 5321 5.1).
    pub(crate) own_names: Vec<String>,
    pub(crate) own_addresses: Vec<IpAddr>,
}

/// What is there for TLS.
#[derive(Clone, Debug)]
pub(crate) struct Policies {
    /// None where policies are not looked for.
    pub(crate) sts: Option<Sts>,
    /// None where no reports are sent.
    pub(crate) reports: Option<Reports>,
    pub(crate) figures: metrics::Sender,
}

/// The transport.
#[derive(Debug)]
pub(crate) struct Mx<H> {
    settings: Settings,
    resolver: Arc<Resolver>,
    servers: H,
    policies: Policies,
}

/// One attempt: a message on its way to one domain.
struct Attempt<'m> {
    message: &'m Outgoing,
    id: &'m str,
    domain: &'m str,
    wish: TlsWish,
    /// The policy that is in force, whatever its mode.
    policy: Option<Kept>,
    /// Hosts that the policy does not name and so keeps from being tried.
    mismatches: Vec<String>,
}

/// One host of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    /// Its name; that of its address where it has none.
    name: String,
    need: Need,
    /// Of which the certificate must have one.
    names: Vec<String>,
    /// The policy of the domain does not name it, and it is used all the same (RFC 8461 5).
    is_mismatch: bool,
    addresses: Vec<IpAddr>,
}

/// What TLS must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Nothing: it is used where it can be had.
    Nothing,
    /// A good certificate, and without one the message goes all the same (RFC 8461 5).
    Testing,
    /// That it is there.
    Encrypted,
    /// A good certificate.
    Verified,
    /// What no TLSA record can show without DNSSEC.
    Dane,
}

/// What became of the recipients so far.
struct Results {
    /// In the order of the recipients: none where no server has said anything.
    outcomes: Vec<Option<Outcome>>,
    /// Why servers could not be used.
    failures: Vec<Failure>,
    /// A host or an address was not tried.
    is_cut: bool,
}

impl<H: HandOver> Transport for Mx<H> {
    async fn deliver(
        &self,
        message: &Outgoing,
        domain: &str,
        recipients: &[usize],
    ) -> Vec<Outcome> {
        // In the DNS, in policies and in reports there are A-labels only.
        let domain = match a_labels(domain) {
            Ok(domain) => domain,
            Err(rule) => {
                let failed = Outcome::Failed(failure("5.1.2", rule.to_string()));
                return vec![failed; recipients.len()];
            }
        };
        let mut attempt = Attempt {
            message,
            id: message.entry.id.as_str(),
            domain: &domain,
            wish: TlsWish::Policy,
            policy: None,
            mismatches: Vec::new(),
        };
        let outcomes = match self.find(&mut attempt).await {
            Ok(hosts) => self.try_hosts(&attempt, recipients, &hosts).await,
            Err(outcome) => vec![outcome; recipients.len()],
        };
        let is_put_off = |outcome: &Outcome| matches!(outcome, Outcome::Deferred(_));
        if outcomes.iter().any(is_put_off) {
            // These would have been next.
            for host in &attempt.mismatches {
                let (id, domain) = (attempt.id, shown_within(domain.as_bytes(), 255));
                let (host, tls) = (host.as_str(), ResultType::ValidationFailure);
                warn!(%id, domain, host, %tls, "not used: the policy of MTA-STS does not name it");
                self.count(&attempt, Some(tls), Some(host), None);
            }
        }
        outcomes
    }
}

impl<H: HandOver> Mx<H> {
    pub(crate) fn new(
        settings: Settings,
        resolver: Arc<Resolver>,
        servers: H,
        policies: Policies,
    ) -> Self {
        Self {
            settings,
            resolver,
            servers,
            policies,
        }
    }

    /// Counts and reports, where there are any.
    pub(crate) fn reports(&self) -> Option<Reports> {
        self.policies.reports.clone()
    }

    /// The hosts of the domain, and what the message and the domain ask of TLS.
    async fn find(&self, attempt: &mut Attempt<'_>) -> Result<Vec<Host>, Outcome> {
        let (id, domain) = (attempt.id, attempt.domain);
        attempt.wish = ask::wish(&attempt.message.entry).await.map_err(|error| {
            let why = format!("the message cannot be read: {error}");
            Outcome::Deferred(failure("4.3.0", why))
        })?;
        let Ok(parsed) = Domain::parse(domain.as_bytes()) else {
            return Err(no_route(NoRoute::BadDomain));
        };
        let mut entropy = [0; 8];
        getrandom::fill(&mut entropy).map_err(|error| {
            let why = format!("the system has no randomness: {error}");
            Outcome::Deferred(failure("4.3.0", why))
        })?;
        if let Some(sts) =
            (self.policies.sts.as_ref()).filter(|_| attempt.wish != TlsWish::Optional)
        {
            let applied = sts.policy(domain).await;
            if let Some(error) = applied.unreadable {
                let why = format!("the policy of TLS that is kept cannot be read: {error}");
                return Err(Outcome::Deferred(failure("4.3.0", why)));
            }
            attempt.policy = applied.policy;
            if let Some(problem) = applied.problem {
                let (tls, words) = (problem.kind, &problem.words);
                warn!(%id, domain, %tls, "the policy of MTA-STS cannot be had now: {words}");
                self.count(attempt, Some(problem.kind), None, None);
            }
        }
        let own_names: Vec<&[u8]> = (self.settings.own_names.iter())
            .map(String::as_bytes)
            .collect();
        let request = Request {
            own_names: &own_names,
            own_addresses: &self.settings.own_addresses,
            loopback: self.settings.private_addresses,
            sts: attempt.policy.as_ref().and_then(Kept::policy),
            tls: attempt.wish,
            ..Request::new(parsed, u64::from_ne_bytes(entropy))
        };
        // It holds eight hosts with all their addresses: too much for the stack of a task.
        let mut router: Box<Router<'_>> = Box::new(Router::new(request, &route::Limits::DEFAULT));
        let mut driver = Driver::new(Arc::clone(&self.resolver));
        if driver.drive(&mut *router).await.is_err() {
            let why = "the search for the servers of the domain stood still";
            return Err(Outcome::Deferred(failure("4.3.0", why.to_owned())));
        }
        let Some(route) = router.verdict() else {
            let why = "the search for the servers of the domain has no result";
            return Err(Outcome::Deferred(failure("4.3.0", why.to_owned())));
        };
        let mut mismatches = Vec::new();
        for (host, preference, reason) in route.unusable() {
            debug!(%id, domain, host, preference, "not usable: {reason}");
            if reason == Unusable::StsMismatch {
                mismatches.push(host.to_owned());
            }
        }
        let found = match route.failure() {
            Some(reason) => Err(no_route(reason)),
            None => Ok(route.hosts().map(|host| Host::new(&host)).collect()),
        };
        attempt.mismatches = mismatches;
        found
    }

    /// Tries hosts until each recipient has a final outcome.
    async fn try_hosts(
        &self,
        attempt: &Attempt<'_>,
        recipients: &[usize],
        hosts: &[Host],
    ) -> Vec<Outcome> {
        let mut results = Results {
            outcomes: vec![None; recipients.len()],
            failures: Vec::new(),
            is_cut: false,
        };
        let mut sessions = 0;
        for host in hosts {
            for &ip in &host.addresses {
                let left = results.left();
                if left.is_empty() {
                    return results.finish();
                }
                let address = SocketAddr::new(ip, self.settings.port);
                if let Err(failure) = self.may_try(host, address) {
                    results.failures.push(failure);
                    continue;
                }
                if sessions == SESSIONS {
                    results.is_cut = true;
                    return results.finish();
                }
                sessions += 1;
                let wanted: Vec<usize> = left
                    .iter()
                    .filter_map(|&place| recipients.get(place).copied())
                    .collect();
                let delivery = self.session(attempt, host, address, &wanted).await;
                match delivery.outcomes {
                    Ok(outcomes) => {
                        results.take(&left, outcomes);
                        break; // the next host, for those that this one put off
                    }
                    Err(failure) => results.failures.push(failure),
                }
            }
        }
        results.finish()
    }

    /// Whether an address is to be connected to.
    fn may_try(&self, host: &Host, address: SocketAddr) -> Result<(), Failure> {
        if host.need == Need::Dane {
            let why = "it is under DANE (RFC 7672), which this version does not do";
            return Err(at(host, "4.7.5", why.to_owned()));
        }
        if !self.settings.private_addresses && !is_public(address.ip()) {
            let why = format!("no public server has the address {}", address.ip());
            return Err(at(host, "5.4.4", why));
        }
        self.servers.rests(address).map_or(Ok(()), Err)
    }

    /// Speaks with one address: as the policy wants it first, and then as it allows it.
    async fn session(
        &self,
        attempt: &Attempt<'_>,
        host: &Host,
        address: SocketAddr,
        recipients: &[usize],
    ) -> Delivery {
        let target = Target {
            host: host.name.clone(),
            address,
            lmtp: false,
            implicit_tls: false,
            tls: match host.need {
                Need::Nothing => TlsPolicy::Opportunistic,
                _ => TlsPolicy::Require,
            },
            names: host.names.clone(),
        };
        let delivery = (self.servers)
            .hand_over(&target, attempt.message, recipients)
            .await;
        self.note(attempt, host, address, &delivery.tls);
        self.count_session(attempt, host, address, &delivery.tls);
        let may_do_without = host.need == Need::Testing && delivery.outcomes.is_err();
        if !may_do_without || !matches!(delivery.tls, TlsResult::Failed { .. }) {
            return delivery;
        }
        let target = Target {
            tls: TlsPolicy::Opportunistic,
            names: Vec::new(),
            ..target
        };
        let delivery = (self.servers)
            .hand_over(&target, attempt.message, recipients)
            .await;
        self.note(attempt, host, address, &delivery.tls);
        delivery
    }

    /// Counts a session for the report to the domain.
    fn count_session(
        &self,
        attempt: &Attempt<'_>,
        host: &Host,
        address: SocketAddr,
        tls: &TlsResult,
    ) {
        let fault = match tls {
            TlsResult::None => return,
            TlsResult::Plain => Some(ResultType::StartTlsNotSupported),
            TlsResult::Encrypted { .. } if host.is_mismatch => Some(ResultType::ValidationFailure),
            TlsResult::Encrypted { .. } => None,
            TlsResult::Failed { kind, .. } => Some(*kind),
        };
        self.count(attempt, fault, Some(&host.name), Some(address.ip()));
    }

    fn count(
        &self,
        attempt: &Attempt<'_>,
        fault: Option<ResultType>,
        host: Option<&str>,
        address: Option<IpAddr>,
    ) {
        let reports = self.policies.reports.as_ref();
        let Some(reports) = reports.filter(|_| attempt.wish != TlsWish::Optional) else {
            return;
        };
        let policy = attempt.policy.as_ref();
        reports.count(&Session {
            domain: attempt.domain,
            policy: (policy.filter(|policy| policy.cached.mode != Mode::None))
                .map(|policy| &*policy.text),
            fault: fault.map(|kind| Fault {
                kind,
                host,
                address,
            }),
        });
    }

    /// Tells what TLS came to, in the log and in the figures.
    fn note(&self, attempt: &Attempt<'_>, host: &Host, address: SocketAddr, tls: &TlsResult) {
        let (id, domain) = (attempt.id, shown_within(attempt.domain.as_bytes(), 255));
        let (name, need) = (host.name.as_str(), host.need.word());
        let word = match tls {
            TlsResult::None => None,
            TlsResult::Plain => Some("plain"),
            TlsResult::Encrypted {
                verified: false, ..
            } => Some("encrypted"),
            TlsResult::Encrypted { verified: true, .. } => Some("verified"),
            TlsResult::Failed { kind, .. } => Some(kind.as_str()),
        };
        if let Some(word) = word {
            self.policies.figures.tls.add([word]);
        }
        match tls {
            TlsResult::None => debug!(%id, domain, host = name, %address, "no session"),
            TlsResult::Plain => {
                info!(%id, domain, host = name, %address, need, tls = "none", "a session without TLS");
            }
            TlsResult::Encrypted { words, verified } if host.is_mismatch => {
                let tls = ResultType::ValidationFailure;
                warn!(%id, domain, host = name, %address, need, %tls, verified,
                    "a session with TLS ({words}), though the policy of MTA-STS, which is being tested, does not name the host");
            }
            TlsResult::Encrypted { words, verified } => {
                info!(%id, domain, host = name, %address, need, tls = words, verified, "a session with TLS");
            }
            TlsResult::Failed { kind, words } => {
                warn!(%id, domain, host = name, %address, need, tls = %kind, "TLS failed: {words}");
            }
        }
    }
}

impl Host {
    fn new(host: &route::Host<'_>) -> Self {
        let addresses: Vec<IpAddr> = host.addresses().collect();
        let name = match (host.name(), addresses.first()) {
            (Some(name), _) => name.to_owned(),
            (None, Some(ip)) => ip.to_string(),
            (None, None) => String::new(),
        };
        let need = match (host.tls(), host.sts()) {
            (TlsRequirement::Opportunistic, route::Sts::Testing) => Need::Testing,
            (TlsRequirement::Opportunistic, _) => Need::Nothing,
            (TlsRequirement::Encrypted, _) => Need::Encrypted,
            (TlsRequirement::WebPki, _) => Need::Verified,
            (TlsRequirement::Dane(_), _) => Need::Dane,
        };
        let names = match need {
            Need::Testing => vec![name.clone()],
            _ => host.certificate_names().map(str::to_owned).collect(),
        };
        Self {
            name,
            need,
            names,
            is_mismatch: host.sts() == route::Sts::Mismatch,
            addresses,
        }
    }
}

impl Need {
    /// For the log.
    const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Testing => "testing",
            Self::Encrypted => "encrypted",
            Self::Verified => "verified",
            Self::Dane => "dane",
        }
    }
}

impl Results {
    /// The places of recipients that may still be tried.
    fn left(&self) -> Vec<usize> {
        (0..)
            .zip(&self.outcomes)
            .filter(|(_, outcome)| matches!(outcome, None | Some(Outcome::Deferred(_))))
            .map(|(place, _)| place)
            .collect()
    }

    /// What a host said of the recipients at these places.
    fn take(&mut self, places: &[usize], outcomes: Vec<Outcome>) {
        for (&place, outcome) in places.iter().zip(outcomes) {
            if let Some(known) = self.outcomes.get_mut(place) {
                *known = Some(outcome);
            }
        }
    }

    /// Those of whom no server has said anything have failed only where every host said that it never will.
    fn finish(self) -> Vec<Outcome> {
        let is_permanent = !self.is_cut
            && !self.failures.is_empty()
            && (self.failures.iter()).all(|failure| failure.status.starts_with('5'));
        // Of those that tell as much, the last.
        let telling = (self.failures.into_iter())
            .max_by_key(|failure| (failure.reply.is_some(), failure.status.contains(".7.")))
            .unwrap_or_else(|| failure("4.4.1", "no server of the domain was tried".to_owned()));
        let nobody = if is_permanent {
            Outcome::Failed(telling)
        } else {
            Outcome::Deferred(temporary(telling))
        };
        (self.outcomes.into_iter())
            .map(|outcome| outcome.unwrap_or_else(|| nobody.clone()))
            .collect()
    }
}

/// A failure that may pass has a status of class 4.
fn temporary(mut failure: Failure) -> Failure {
    if let Some(rest) = failure.status.strip_prefix('5') {
        failure.status = format!("4{rest}");
    }
    failure
}

fn no_route(reason: NoRoute) -> Outcome {
    let failure = failure(&reason.status().to_string(), reason.to_string());
    if reason.is_temporary() {
        Outcome::Deferred(failure)
    } else {
        Outcome::Failed(failure)
    }
}

fn failure(status: &str, why: String) -> Failure {
    Failure {
        status: status.to_owned(),
        host: None,
        reply: None,
        why,
    }
}

fn at(host: &Host, status: &str, why: String) -> Failure {
    Failure {
        host: Some(host.name.clone()),
        ..failure(status, why)
    }
}
