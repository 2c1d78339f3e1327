//! What a domain owner asks for, and what becomes of it (RFC 9989 4.7, 4.10.1, 5.3.6).
//!
//! Which tag counts depends on where the record was found and on whether the author domain exists:
//!
//! | record found at | author domain | policy |
//! |---|---|---|
//! | the author domain | | `p` |
//! | its organizational domain or public suffix | exists | `sp`, else `p` |
//! | its organizational domain or public suffix | does not exist | `np`, else `sp`, else `p` |
//!
//! `t=y` then takes the policy one step down. A record whose `p`, `sp` or `np` holds an unknown value
//! counts as `p=none` when it asks for aggregate reports, and not at all when it does not (4.10.1).

use core::fmt;

use crate::record::Policy;

/// What to do with a message that fails (`dmarc-request`, RFC 9989 4.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    /// Nothing: the domain owner states no preference.
    None,
    /// Treat it as suspicious.
    Quarantine,
    /// Refuse it.
    Reject,
}

impl Disposition {
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        [Self::None, Self::Quarantine, Self::Reject]
            .into_iter()
            .find(|disposition| disposition.as_str().as_bytes().eq_ignore_ascii_case(value))
    }

    /// The word in a record and in `policy.dmarc` (RFC 9989 9.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }

    /// One step less strict, as `t=y` asks (RFC 9989 4.7).
    #[must_use]
    pub const fn lowered(self) -> Self {
        match self {
            Self::Reject => Self::Quarantine,
            Self::Quarantine | Self::None => Self::None,
        }
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the author domain is to the domain that published the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The same.
    Domain,
    /// A sub-domain that exists.
    Subdomain,
    /// A sub-domain that does not exist: the DNS says NXDOMAIN for it (RFC 9989 3.2.13).
    NonExistent,
}

/// What the policy rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The `p` tag.
    P,
    /// The `sp` tag.
    Sp,
    /// The `np` tag.
    Np,
    /// There is no `p` tag, which stands for `p=none` (RFC 9989 4.7).
    Default,
    /// `p`, `sp` or `np` holds an unknown value; as reports are wanted, it stands for `p=none`
    /// (RFC 9989 4.10.1).
    Fallback,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P => "p",
            Self::Sp => "sp",
            Self::Np => "np",
            Self::Default => "no p tag stands for p=none",
            Self::Fallback => "an invalid p, sp or np tag with rua stands for p=none",
        })
    }
}

/// The policy for one author domain, and how it came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// What to do with a message that fails, after `t` has been applied.
    pub disposition: Disposition,
    /// What the tag says.
    pub published: Disposition,
    /// Which tag that is.
    pub basis: Basis,
}

impl Policy {
    /// The policy for an author domain that is `scope` to the domain of the record; `None` when the
    /// record must not be applied (RFC 9989 4.10.1).
    pub fn request(&self, scope: Scope) -> Option<Request> {
        let (published, basis) = self.published(scope)?;
        let disposition = if self.is_testing() {
            published.lowered()
        } else {
            published
        };
        Some(Request {
            disposition,
            published,
            basis,
        })
    }

    fn published(&self, scope: Scope) -> Option<(Disposition, Basis)> {
        let [p, sp, np] = match self.tags() {
            Ok(tags) => tags,
            Err(_) if self.wants_aggregate_reports() => {
                return Some((Disposition::None, Basis::Fallback));
            }
            Err(_) => return None,
        };
        let np = np.filter(|_| scope == Scope::NonExistent);
        let sp = sp.filter(|_| scope != Scope::Domain);
        Some(
            np.map(|np| (np, Basis::Np))
                .or(sp.map(|sp| (sp, Basis::Sp)))
                .or(p.map(|p| (p, Basis::P)))
                .unwrap_or((Disposition::None, Basis::Default)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Basis, Disposition, Scope};
    use crate::record::Record;

    const NONE: Disposition = Disposition::None;
    const QUARANTINE: Disposition = Disposition::Quarantine;
    const REJECT: Disposition = Disposition::Reject;

    /// Record, then for the domain, an existing and a non-existing sub-domain: disposition and basis.
    type Row = (&'static str, Option<[(Disposition, Basis); 3]>);

    #[test]
    fn p_sp_np_and_t() {
        use Basis::{Default, Fallback, Np, P, Sp};
        const TABLE: &[Row] = &[
            ("p=reject", Some([(REJECT, P); 3])),
            ("p=none", Some([(NONE, P); 3])),
            (
                "p=reject; sp=none",
                Some([(REJECT, P), (NONE, Sp), (NONE, Sp)]),
            ),
            (
                "p=none; sp=quarantine; np=reject",
                Some([(NONE, P), (QUARANTINE, Sp), (REJECT, Np)]),
            ),
            (
                "p=quarantine; np=reject",
                Some([(QUARANTINE, P), (QUARANTINE, P), (REJECT, Np)]),
            ),
            ("t=y; p=reject", Some([(QUARANTINE, P); 3])),
            (
                "p=none; sp=quarantine; np=reject; t=y",
                Some([(NONE, P), (NONE, Sp), (QUARANTINE, Np)]),
            ),
            ("p=quarantine; t=n", Some([(QUARANTINE, P); 3])),
            ("p=quarantine; t=x", Some([(QUARANTINE, P); 3])),
            ("", Some([(NONE, Default); 3])),
            (
                "sp=reject",
                Some([(NONE, Default), (REJECT, Sp), (REJECT, Sp)]),
            ),
            (
                "np=reject",
                Some([(NONE, Default), (NONE, Default), (REJECT, Np)]),
            ),
            ("p=rejct", None),
            ("p=", None),
            ("p=reject; sp=x", None),
            ("p=reject; np=x", None),
            (
                "p=rejct; rua=mailto:a@b.example",
                Some([(NONE, Fallback); 3]),
            ),
            (
                "p=reject; sp=x; np=reject; rua=mailto:a@b.example",
                Some([(NONE, Fallback); 3]),
            ),
            ("p=rejct; rua=nonsense", None),
            ("p=rejct; ruf=mailto:a@b.example", None),
        ];
        for (tags, expected) in TABLE {
            let text = std::format!("v=DMARC1; {tags}");
            let policy = Record::parse(text.as_bytes()).unwrap().policy();
            let scopes = [Scope::Domain, Scope::Subdomain, Scope::NonExistent];
            let requests = scopes.map(|scope| policy.request(scope));
            assert!(
                requests.iter().all(Option::is_some) == expected.is_some(),
                "{tags}"
            );
            if let Some(expected) = expected {
                let got = requests.map(|request| request.unwrap());
                assert_eq!(
                    got.map(|request| (request.disposition, request.basis)),
                    *expected,
                    "{tags}"
                );
            }
        }
    }

    #[test]
    fn testing_shows_what_was_published() {
        let policy = Record::parse(b"v=DMARC1;p=reject;t=y").unwrap().policy();
        let request = policy.request(Scope::Domain).unwrap();
        assert_eq!(
            (request.published, request.disposition),
            (REJECT, QUARANTINE)
        );
        assert!(REJECT > QUARANTINE && QUARANTINE > NONE);
    }
}
