//! What the domains of recipients demand by MTA-STS (RFC 8461): found, fetched, kept on disk.
//!
//! A policy that was fetched holds until it expires, also over a restart, and whatever the DNS says meanwhile
//! ([`plan`]). That it could not be fetched is remembered for five minutes, in memory alone. One that is due is
//! fetched again in the background, while mail goes on under the one that is kept. Messages that wait for the first
//! fetch of a domain wait for the same one.
//!
//! Bounds: [`FETCH_TIMEOUT`] and 64 KiB for a fetch, [`REFRESHES`] of them in the background, and what [`store`]
//! keeps.

mod store;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use scop_core::{Lookup as _, UnixTime};
use scop_smtp_proto::policy::mta_sts::{
    Cached, Discovery, FETCH_TIMEOUT, FailedFetch, Fetch, Found, Id, Policy, PolicyLimits,
    PolicyUrl, plan,
};
use scop_smtp_proto::policy::tls_rpt::ResultType;
use tokio::task::spawn_blocking;
use tracing::{debug, info, warn};

use self::store::Store;
use crate::http::{Bounds, HttpError, Https, Place};
use crate::resolve::Resolver;
use crate::resolve::driver::Driver;
use crate::send::address::{is_public, of_host};
use crate::terminal::shown_within;

/// Policies that are fetched in the background at once; others are left for the next message.
const REFRESHES: usize = 16;

/// Domains whose failed fetches are remembered.
const FAILURES: usize = 4096;

/// Where a policy is on its host (RFC 8461 3.3).
const PATH: &str = "/.well-known/mta-sts.txt";

/// Finds the policies of domains. It is shared by clones.
#[derive(Clone, Debug)]
pub(crate) struct Sts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    resolver: Arc<Resolver>,
    https: Https,
    port: u16,
    private_addresses: bool,
    /// Domains that are being looked at: who comes next waits.
    busy: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    failed: Mutex<HashMap<String, FailedFetch>>,
    /// Domains whose policy is being fetched in the background.
    refreshing: Mutex<HashSet<String>>,
}

/// A policy that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) cached: Cached,
    /// As it was served; it was read without an error.
    pub(crate) text: Arc<[u8]>,
}

/// Why a policy could not be had, in the words of RFC 8460 4.3.2.2 and in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) kind: ResultType,
    pub(crate) words: String,
}

/// What holds for mail to a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) policy: Option<Kept>,
    /// A fetch for this message failed.
    pub(crate) problem: Option<Problem>,
    /// Why it is not known what holds: there may be a policy on disk, which cannot be read now. Mail waits then.
    pub(crate) unreadable: Option<String>,
}

impl Sts {
    /// Opens the folder of the policies, and makes it where it is missing.
    pub(crate) fn open(
        folder: &Path,
        resolver: Arc<Resolver>,
        https: Https,
        port: u16,
        private_addresses: bool,
    ) -> io::Result<Self> {
        Ok(Self(Arc::new(Inner {
            store: Store::open(folder)?,
            resolver,
            https,
            port,
            private_addresses,
            busy: Mutex::default(),
            failed: Mutex::default(),
            refreshing: Mutex::default(),
        })))
    }

    /// What holds for mail to `domain`; nothing for what is no host name.
    pub(crate) async fn policy(&self, domain: &str) -> Applied {
        let domain = domain.to_ascii_lowercase();
        if PolicyUrl::new(domain.as_bytes()).is_none() {
            return Applied::default();
        }
        let mut discovery = Discovery::new(domain.as_bytes());
        let mut driver = Driver::new(Arc::clone(&self.0.resolver));
        let found = match driver.drive(&mut discovery).await {
            Ok(()) => discovery.verdict().copied(),
            Err(_) => None,
        };
        let found = found.unwrap_or(Found::Failed(scop_core::Failure::ServerFailure));
        let turn = self.turn(&domain);
        let applied = {
            let _turn = turn.lock().await;
            self.apply(&domain, found).await
        };
        self.leave(&domain, turn);
        applied
    }

    async fn apply(&self, domain: &str, found: Found) -> Applied {
        let kept = match self.kept(domain).await {
            Ok(kept) => kept,
            Err(error) => {
                return Applied {
                    unreadable: Some(error.to_string()),
                    ..Applied::default()
                };
            }
        };
        let failed = lock(&self.0.failed).get(domain).copied();
        let cached = kept.as_ref().map(|kept| &kept.cached);
        let plan = plan(&found, cached, failed.as_ref(), now());
        debug!(domain, ?found, ?plan, "MTA-STS");
        // What comes is kept under the id of the record, or under the one that is kept where its lookup failed.
        let id = match (found, cached) {
            (Found::Policy(id), _) => Some(id),
            (_, Some(cached)) => Some(cached.id),
            _ => None,
        };
        let kept = kept.filter(|_| plan.keep);
        match (plan.fetch, id) {
            (Fetch::First, Some(id)) => match self.fetch(domain, id).await {
                Ok(fresh) => Applied {
                    policy: Some(fresh),
                    ..Applied::default()
                },
                Err(problem) => Applied {
                    policy: kept,
                    problem: Some(problem),
                    unreadable: None,
                },
            },
            (Fetch::Refresh, Some(id)) => {
                self.refresh(domain, id);
                Applied {
                    policy: kept,
                    ..Applied::default()
                }
            }
            _ => Applied {
                policy: kept,
                ..Applied::default()
            },
        }
    }

    /// Fetches a policy while mail goes on.
    fn refresh(&self, domain: &str, id: Id) {
        {
            let mut refreshing = lock(&self.0.refreshing);
            if refreshing.len() >= REFRESHES || !refreshing.insert(domain.to_owned()) {
                return;
            }
        }
        let (sts, domain) = (self.clone(), domain.to_owned());
        tokio::spawn(async move {
            // A failure is logged and remembered there; the policy that is kept still holds.
            let _ = sts.fetch(&domain, id).await;
            lock(&sts.0.refreshing).remove(&domain);
        });
    }

    /// Fetches the policy of a domain and keeps it, or remembers that it could not be had.
    async fn fetch(&self, domain: &str, id: Id) -> Result<Kept, Problem> {
        match self.download(domain, id).await {
            Ok(kept) => {
                let mode = kept.cached.mode.as_str();
                info!(domain, %id, mode, "a policy of MTA-STS was fetched");
                lock(&self.0.failed).remove(domain);
                self.keep(domain, kept.clone()).await;
                Ok(kept)
            }
            Err(problem) => {
                let (kind, words) = (problem.kind, &problem.words);
                warn!(domain, %id, %kind, "the policy of MTA-STS could not be had: {words}");
                let now = now();
                let mut failed = lock(&self.0.failed);
                if failed.len() >= FAILURES {
                    failed.retain(|_, failure| now.0.saturating_sub(failure.at.0) < 300);
                }
                if failed.len() < FAILURES {
                    failed.insert(domain.to_owned(), FailedFetch { id, at: now });
                }
                Err(problem)
            }
        }
    }

    async fn download(&self, domain: &str, id: Id) -> Result<Kept, Problem> {
        let fetch_error = |words| Problem {
            kind: ResultType::StsPolicyFetchError,
            words,
        };
        let mut host = Vec::new();
        // A vector takes everything.
        if let Some(url) = PolicyUrl::new(domain.as_bytes()) {
            let _ = url.emit_host(&mut host);
        }
        let host = String::from_utf8_lossy(&host);
        let mut addresses = of_host(&self.0.resolver, &host)
            .await
            .map_err(fetch_error)?;
        let is_allowed = |ip: &IpAddr| self.0.private_addresses || is_public(*ip);
        addresses.retain(is_allowed);
        if addresses.is_empty() {
            let words = format!("{host} has no address that a public server has");
            return Err(fetch_error(words));
        }
        let place = Place {
            host: &host,
            port: self.0.port,
            path: PATH,
            addresses: &addresses,
        };
        let bounds = Bounds {
            time: FETCH_TIMEOUT,
            octets: PolicyLimits::DEFAULT.octets,
        };
        let response = (self.0.https.get(&place, bounds).await).map_err(|error| Problem {
            kind: match error {
                HttpError::Certificate(_) => ResultType::StsWebPkiInvalid,
                HttpError::TooLong(_) => ResultType::StsPolicyInvalid,
                _ => ResultType::StsPolicyFetchError,
            },
            words: error.to_string(),
        })?;
        if !PolicyUrl::accepts(response.status, &response.content_type) {
            let content_type = shown_within(&response.content_type, 80);
            let words = format!(
                "the response has status {} and content type {content_type:?}; 200 and text/plain are needed (RFC 8461 3.3)",
                response.status
            );
            return Err(fetch_error(words));
        }
        match Policy::parse(&response.content) {
            Ok(policy) => Ok(Kept {
                cached: Cached::new(id, &policy, now()),
                text: response.content.into(),
            }),
            Err(error) => Err(Problem {
                kind: ResultType::StsPolicyInvalid,
                words: error.to_string(),
            }),
        }
    }

    /// The policy on disk; none where the file is none of a policy.
    ///
    /// # Errors
    /// When it cannot be read now: mail without it could go where the domain forbids.
    async fn kept(&self, domain: &str) -> io::Result<Option<Kept>> {
        let (sts, name) = (self.clone(), domain.to_owned());
        let read = spawn_blocking(move || sts.0.store.read(&name)).await;
        match read.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(kept) => Ok(kept),
            Err(error) => {
                warn!(
                    domain,
                    "the policy of MTA-STS that is kept cannot be used: {error}"
                );
                if error.kind() == io::ErrorKind::InvalidData {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }

    async fn keep(&self, domain: &str, kept: Kept) {
        let (sts, name) = (self.clone(), domain.to_owned());
        let written = spawn_blocking(move || sts.0.store.write(&name, &kept)).await;
        if let Err(error) = written.unwrap_or_else(|error| Err(io::Error::other(error))) {
            warn!(domain, "the policy of MTA-STS cannot be kept: {error}");
        }
    }

    /// Waits until nobody else looks at the domain.
    fn turn(&self, domain: &str) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(lock(&self.0.busy).entry(domain.to_owned()).or_default())
    }

    fn leave(&self, domain: &str, turn: Arc<tokio::sync::Mutex<()>>) {
        let mut busy = lock(&self.0.busy);
        drop(turn);
        if busy
            .get(domain)
            .is_some_and(|turn| Arc::strong_count(turn) == 1)
        {
            busy.remove(domain);
        }
    }
}

impl Kept {
    /// It was read before without an error.
    pub(crate) fn policy(&self) -> Option<Policy<'_>> {
        Policy::parse(&self.text).ok()
    }
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime(since.map_or(0, |time| time.as_secs()))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
