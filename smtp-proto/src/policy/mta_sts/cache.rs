//! When to fetch a policy, from where, and how long one that was fetched holds (RFC 8461 3.3, 5.1, 10.2).

use core::fmt;
use core::time::Duration;

use scop_core::{Emit, FmtSink, Full, Sink, UnixTime};

use super::file::{Mode, Policy};
use super::record::{Found, Id};
use crate::policy::route::{MAX_TEXT, is_host_name};

/// The label of the policy host, and its dot (RFC 8461 3.3).
const PREFIX: &[u8] = b"mta-sts.";

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
    /// The URL for a domain in A-labels; `None` when it is no host name, or too long for one below it.
    pub fn new(domain: &'a [u8]) -> Option<Self> {
        let fits = domain.len() <= MAX_TEXT - PREFIX.len();
        (fits && is_host_name(domain)).then_some(Self { domain })
    }

    /// Writes the host of the URL.
    ///
    /// # Errors
    /// `Full` when the sink cannot take it.
    pub fn emit_host<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<(), Full> {
        sink.put(PREFIX)?;
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

    /// Whether it has not expired (RFC 8461 3.2). One from the future is in force: a clock that went back
    /// ends no policy.
    pub fn is_in_force(&self, now: UnixTime) -> bool {
        self.age(now) <= self.max_age.into()
    }

    /// Whether it is time to fetch it again; also when its age cannot be told, because a clock jumped.
    fn is_stale(&self, now: UnixTime) -> bool {
        let life = u64::from(self.max_age / 2).min(REFRESH_AFTER.as_secs());
        self.age(now) > life || self.fetched > now
    }

    const fn age(&self, now: UnixTime) -> u64 {
        now.0.saturating_sub(self.fetched.0)
    }
}

/// A fetch that brought no valid policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedFetch {
    /// The id that the record had; that of the policy that is kept, where there was no record.
    pub id: Id,
    /// When that was.
    pub at: UnixTime,
}

impl FailedFetch {
    /// Whether it is too early to try again. A failure from the future says nothing: otherwise a clock
    /// that was ahead once would keep policies away until that time.
    fn is_recent(&self, now: UnixTime) -> bool {
        let age = now.0.checked_sub(self.at.0);
        age.is_some_and(|age| age < RETRY_AFTER.as_secs())
    }
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
    /// behind it. That way nobody gains who blocks the fetch only when a policy expires. What comes is
    /// kept under the id of the record; where the lookup failed, under the id that is kept.
    Refresh,
    /// Yes, and first: there is none, or the domain has a newer one. When it brings none, mail goes on
    /// under the policy that is kept, or without (RFC 8461 3.3).
    First,
}

/// Decides from the record of a domain and what is kept of it (RFC 8461 3.3, 5.1).
///
/// A policy that has not expired holds whatever the DNS says: that the record is gone, or its lookup
/// fails, takes nothing away. Only a newer policy replaces it; one in mode `none` ends it
/// (RFC 8461 8.3). A lookup that failed does not stop a refresh, or whoever suppresses the answers of the
/// DNS would have the policy expire (RFC 8461 3.3, 10.2); an answer without a valid record does, as
/// RFC 8461 3.1 has it.
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
    let current = match found {
        Found::Policy(id) => Some(*id),
        Found::Failed(_) => cached.map(|cached| cached.id),
        Found::NoRecord | Found::Several | Found::Invalid => None,
    };
    let just_failed =
        failed.is_some_and(|failed| Some(failed.id) == current && failed.is_recent(now));
    let fetch = match (current, cached) {
        (None, _) => Fetch::No,
        _ if just_failed => Fetch::No,
        (Some(id), Some(cached)) if cached.id == id => {
            if cached.is_stale(now) {
                Fetch::Refresh
            } else {
                Fetch::No
            }
        }
        _ => Fetch::First,
    };
    Plan { fetch, keep }
}
