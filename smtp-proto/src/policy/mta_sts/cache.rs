//! When to fetch a policy, from where, and how long one that was fetched holds (RFC 8461 3.3, 5.1, 10.2).

use core::fmt;
use core::time::Duration;

use scop_core::{Emit, FmtSink, Full, Sink, UnixTime};

use super::file::{Mode, Policy};
use super::record::{Found, Id};

/// How long a fetch may take (RFC 8461 3.3).
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a sender waits before it tries again to fetch a policy that it could not (RFC 8461 3.3).
pub const RETRY_AFTER: Duration = Duration::from_secs(5 * 60);
/// The age at which a policy is fetched again (RFC 8461 3.3).
pub const REFRESH_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Where the policy of a domain is (RFC 8461 3.3); [`Emit`] writes the URL.
///
/// The certificate of the server must be valid for the host of the URL, redirects are not followed, and
/// caches of HTTP are not used. What the reply must be is [`PolicyUrl::accepts`].
///
/// ```
/// use scop_smtp_proto::policy::mta_sts::PolicyUrl;
/// let url = PolicyUrl::new(b"example.com").unwrap();
/// assert_eq!(url.to_string(), "https://mta-sts.example.com/.well-known/mta-sts.txt");
/// assert!(PolicyUrl::accepts(200, b"text/plain; charset=utf-8"));
/// assert!(!PolicyUrl::accepts(200, b"text/html") && !PolicyUrl::accepts(301, b"text/plain"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyUrl<'a> {
    domain: &'a [u8],
}

impl<'a> PolicyUrl<'a> {
    /// The URL for a domain in A-labels; `None` when it is no host name.
    pub fn new(domain: &'a [u8]) -> Option<Self> {
        crate::policy::route::is_host_name(domain).then_some(Self { domain })
    }

    /// Writes the host of the URL.
    ///
    /// # Errors
    /// `Full` when the sink cannot take it.
    pub fn emit_host<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(b"mta-sts.")?;
        sink.put(self.domain)
    }

    /// Whether a reply of this status and `Content-Type` may hold a policy (RFC 8461 3.3): 200, and
    /// `text/plain` with whatever parameters (RFC 8461 3.2).
    pub fn accepts(status: u16, content_type: &[u8]) -> bool {
        let wanted = b"text/plain";
        let behind = content_type
            .split_at_checked(wanted.len())
            .filter(|(media_type, _)| media_type.eq_ignore_ascii_case(wanted));
        status == 200
            && behind
                .is_some_and(|(_, rest)| matches!(rest.first(), None | Some(b';' | b' ' | b'\t')))
    }
}

impl Emit for PolicyUrl<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(b"https://")?;
        self.emit_host(sink)?;
        sink.put(b"/.well-known/mta-sts.txt")
    }
}

impl fmt::Display for PolicyUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.emit(&mut FmtSink(f)).map_err(|_| fmt::Error)
    }
}

/// What a host keeps beside the text of a policy that it fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cached {
    /// The id that the record had when the policy was fetched.
    pub id: Id,
    /// When that was.
    pub fetched: UnixTime,
    /// For how many seconds it holds.
    pub max_age: u32,
    /// Its mode.
    pub mode: Mode,
}

impl Cached {
    /// For a policy that was fetched now.
    pub const fn new(id: Id, policy: &Policy<'_>, now: UnixTime) -> Self {
        Self {
            id,
            fetched: now,
            max_age: policy.max_age(),
            mode: policy.mode(),
        }
    }

    /// Whether it has not expired (RFC 8461 3.2). One from the future is new.
    pub fn is_in_force(&self, now: UnixTime) -> bool {
        self.age(now) <= self.max_age.into()
    }

    const fn age(&self, now: UnixTime) -> u64 {
        now.0.saturating_sub(self.fetched.0)
    }
}

/// A fetch that brought no valid policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedFetch {
    /// The id that the record had.
    pub id: Id,
    /// When that was.
    pub at: UnixTime,
}

/// What to do before mail is sent to a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Whether to fetch the policy.
    pub fetch: Fetch,
    /// Whether the policy that is kept applies, unless a fetch brings a new one. One in mode `none`
    /// applies too, and asks for nothing.
    pub keep: bool,
}

/// Whether a policy is to be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fetch {
    /// No.
    No,
    /// Yes, while mail goes on under the policy that is kept: it is a day old or has half its life
    /// behind it. That way nobody gains who blocks the fetch only when a policy expires.
    Refresh,
    /// Yes, and first: there is none, or the domain has a newer one. When it brings none, mail goes on
    /// under the policy that is kept, or without (RFC 8461 3.3).
    First,
}

/// Decides from the record of a domain and what is kept of it (RFC 8461 3.3, 5.1).
///
/// A policy that has not expired holds whatever the DNS says: that the record is gone, or its lookup
/// fails, takes nothing away. Only a newer policy replaces it; one in mode `none` ends it
/// (RFC 8461 8.3).
///
/// ```
/// use scop_core::UnixTime;
/// use scop_smtp_proto::policy::mta_sts::{Fetch, Found, Id, Plan, plan};
/// let found = Found::Policy(Id::new(b"1").unwrap());
/// assert_eq!(plan(&found, None, None, UnixTime(0)), Plan { fetch: Fetch::First, keep: false });
/// ```
pub fn plan(
    found: &Found,
    cached: Option<&Cached>,
    failed: Option<&FailedFetch>,
    now: UnixTime,
) -> Plan {
    let cached = cached.filter(|cached| cached.is_in_force(now));
    let keep = cached.is_some();
    let Found::Policy(id) = found else {
        return Plan {
            fetch: Fetch::No,
            keep,
        };
    };
    let just_failed = failed.is_some_and(|failed| {
        failed.id == *id && now.0.saturating_sub(failed.at.0) < RETRY_AFTER.as_secs()
    });
    let fetch = match cached {
        _ if just_failed => Fetch::No,
        Some(cached) if cached.id == *id => {
            let life = u64::from(cached.max_age / 2).min(REFRESH_AFTER.as_secs());
            if cached.age(now) > life {
                Fetch::Refresh
            } else {
                Fetch::No
            }
        }
        _ => Fetch::First,
    };
    Plan { fetch, keep }
}
