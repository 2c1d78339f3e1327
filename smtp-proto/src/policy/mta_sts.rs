//! MTA-STS: what a domain demands of those who send to it (RFC 8461).
//!
//! Contract: nothing panics on any input, and everything takes time linear in it.
//!
//! ```
//! use scop_smtp_proto::policy::mta_sts::{Mode, Policy};
//! let policy = Policy::parse(
//!     b"version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmax_age: 604800\n",
//! )?;
//! assert_eq!((policy.mode(), policy.max_age()), (Mode::Enforce, 604_800));
//! assert!(policy.matches(b"backup.example.net"));
//! assert!(!policy.matches(b"a.b.example.net"));
//! # Ok::<(), scop_smtp_proto::policy::mta_sts::PolicyError>(())
//! ```

mod cache;
mod file;
mod record;

pub use cache::{
    Cached, FETCH_TIMEOUT, FailedFetch, Fetch, Plan, PolicyUrl, REFRESH_AFTER, RETRY_AFTER, plan,
};
pub use file::{
    Field, MAX_AGE, Mode, Policy, PolicyError, PolicyErrorKind, PolicyLimits, matches_pattern,
};
pub use record::{Discovery, Found, Id, Record, RecordError, RecordErrorKind};

#[cfg(test)]
mod tests;
