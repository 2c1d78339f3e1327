//! What the [`Authenticator`](super::Authenticator) comes to.

use core::fmt;

use scop_core::{Failure, Lookup};
use scop_dkim::verify::{SignatureResult, Verifier};
use scop_spf::Evaluator;

use super::Connection;
use super::evaluate::{Evaluation, Evidence};
use crate::Domain;
use crate::alignment::Alignment;
use crate::author::Author;
use crate::discover::{Existence, Findings, Found};
use crate::policy::{Disposition, Request};

/// The result of DMARC (RFC 9989 9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DmarcResult {
    /// No record applies to the author domain.
    None,
    /// A domain that is aligned with the author domain is authenticated.
    Pass,
    /// None is.
    Fail,
    /// A query failed; a later try may come to a result.
    TempError,
    /// There is no single author domain, or its record cannot be applied.
    PermError,
}

impl DmarcResult {
    /// The word of RFC 9989 9.2.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl fmt::Display for DmarcResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What authenticated a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// SPF, for the identity of MAIL FROM.
    Spf,
    /// The DKIM signature of this index, in [`Verdict::dkim`].
    Dkim(usize),
}

/// Why DMARC came to its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// There is no single author domain; [`Verdict::author`] says why.
    NoAuthor,
    /// No record was found for the author domain (RFC 9989 4.10.1).
    NoRecord,
    /// The record says nothing valid and asks for no reports (RFC 9989 4.10.1).
    UnusableRecord,
    /// A query about the author domain failed: for its record, its organizational domain, or whether
    /// it exists.
    LookupFailed(Failure),
    /// A query for the organizational domain of something that passed failed.
    AlignmentUnknown,
    /// SPF or DKIM could not be evaluated, for a domain that is aligned.
    MechanismUnknown,
    /// This passed, and is aligned.
    Aligned(Mechanism),
    /// Nothing that passed is aligned.
    NotAligned,
    /// Nothing that passed is aligned but a signature whose key has `t=y`, and [`Limits`](super::Limits)
    /// do not trust such keys.
    TestKey,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAuthor => f.write_str("there is no single author domain (RFC 9989 5.3.1)"),
            Self::NoRecord => f.write_str("no DMARC record applies (RFC 9989 4.10.1)"),
            Self::UnusableRecord => {
                f.write_str("the record has an invalid policy and no rua (RFC 9989 4.10.1)")
            }
            Self::LookupFailed(failure) => write!(f, "a DMARC lookup failed: {failure}"),
            Self::AlignmentUnknown => {
                f.write_str("a DMARC lookup about the domain that passed failed")
            }
            Self::MechanismUnknown => f.write_str("a lookup of SPF or DKIM failed"),
            Self::Aligned(Mechanism::Spf) => f.write_str("SPF passed and is aligned"),
            Self::Aligned(Mechanism::Dkim(index)) => {
                write!(f, "DKIM signature {} passed and is aligned", index + 1)
            }
            Self::NotAligned => f.write_str("nothing that passed is aligned (RFC 9989 5.3.5)"),
            Self::TestKey => {
                f.write_str("only a signature with a test key is aligned (RFC 6376 3.6.1)")
            }
        }
    }
}

/// The result of DMARC with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conclusion {
    pub(super) result: DmarcResult,
    pub(super) disposition: Disposition,
    pub(super) reason: Reason,
    pub(super) request: Option<Request>,
    pub(super) aligned: Option<Mechanism>,
}

impl Conclusion {
    pub(super) const fn without_request(result: DmarcResult, reason: Reason) -> Self {
        Self {
            result,
            disposition: Disposition::None,
            reason,
            request: None,
            aligned: None,
        }
    }
}

/// What SPF, DKIM and DMARC say of one message.
///
/// The results of SPF and DKIM are there whatever becomes of DMARC: without a record, without an author.
#[derive(Debug)]
pub struct Verdict<'h, 'p, const N: usize = 10, const TEXT: usize = 4096> {
    pub(super) connection: Option<Connection<'h>>,
    pub(super) helo: Option<Evaluator<'h, TEXT>>,
    pub(super) mail_from: Option<Evaluator<'h, TEXT>>,
    pub(super) dkim: Verifier<'h, 'p, N>,
    pub(super) dmarc: Evaluation<'h, N>,
    pub(super) trust_test_keys: bool,
}

impl<'h, const N: usize, const TEXT: usize> Verdict<'h, '_, N, TEXT> {
    const PENDING: Conclusion =
        Conclusion::without_request(DmarcResult::TempError, Reason::MechanismUnknown);

    fn conclusion(&self) -> &Conclusion {
        // A verdict is handed out when there is a conclusion.
        self.dmarc.conclusion().unwrap_or(&Self::PENDING)
    }

    /// Whose message it claims to be.
    pub fn author(&self) -> Author<'h> {
        self.dmarc.author()
    }

    /// The result of DMARC.
    pub fn result(&self) -> DmarcResult {
        self.conclusion().result
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.conclusion().reason
    }

    /// What the domain owner wants done with the message; nothing unless the result is
    /// [`DmarcResult::Fail`]. A receiver may decide otherwise (RFC 9989 5.4).
    pub fn disposition(&self) -> Disposition {
        self.conclusion().disposition
    }

    /// What the domain owner wants done with messages of this author domain that fail; `None` when no
    /// record applies or a query failed.
    pub fn request(&self) -> Option<Request> {
        self.conclusion().request
    }

    /// What passed and is aligned with the author domain, whether or not a record applies.
    ///
    /// Without any record, each domain is its own organizational domain (RFC 9989 4.10.2), so only the
    /// author domain itself is aligned. This is no DMARC pass: that takes a record.
    pub fn aligned(&self) -> Option<Mechanism> {
        self.conclusion().aligned
    }

    /// Whether one may believe that the message comes from its author domain: DMARC passed, or no
    /// record can be applied and an aligned domain is authenticated.
    pub fn is_authentic(&self) -> bool {
        match self.reason() {
            Reason::NoRecord | Reason::UnusableRecord => self.aligned().is_some(),
            _ => self.result() == DmarcResult::Pass,
        }
    }

    /// What the tree walk found; `None` without a single author domain.
    pub fn findings(&self) -> Option<&Findings<'h>> {
        self.dmarc.findings()
    }

    /// The record that applies, and who published it.
    pub fn record(&self) -> Option<Found<'h>> {
        self.findings()?.record()
    }

    /// The organizational domain of the author domain, where alignment depended on it.
    pub fn organizational_domain(&self) -> Option<Domain<'h>> {
        self.findings()?.organizational()
    }

    /// Whether the author domain exists, where the policy depended on it.
    pub fn existence(&self) -> Option<Existence> {
        self.findings().map(Findings::existence)
    }

    /// The connection that was handed in.
    pub fn connection(&self) -> Option<&Connection<'h>> {
        self.connection.as_ref()
    }

    /// SPF for the name in HELO; `None` without a connection, and without a name.
    pub fn helo(&self) -> Option<&scop_spf::Verdict<'h>> {
        self.helo.as_ref()?.verdict()
    }

    /// SPF for the address in MAIL FROM; `None` without a connection, and for the null path, whose
    /// identity is that of HELO (RFC 7208 2.4).
    pub fn mail_from(&self) -> Option<&scop_spf::Verdict<'h>> {
        self.mail_from.as_ref()?.verdict()
    }

    /// SPF for the identity that counts in DMARC (RFC 9989 3.2.4): MAIL FROM, and HELO for the null
    /// path.
    pub fn spf(&self) -> Option<&scop_spf::Verdict<'h>> {
        self.mail_from.as_ref().or(self.helo.as_ref())?.verdict()
    }

    /// How the domain of [`Self::spf`] is aligned; looked at when it passed, or failed for now.
    pub fn spf_alignment(&self) -> Alignment {
        self.dmarc.spf()
    }

    /// The DKIM signatures, from the top of the header.
    pub fn dkim(&self) -> &[SignatureResult<'h>] {
        self.dkim.verdict().unwrap_or_default()
    }

    /// How many signatures were not looked at, because the message has more than the limits allow.
    pub const fn skipped_signatures(&self) -> usize {
        self.dkim.skipped()
    }

    /// How the domain of a signature is aligned; looked at when it passed, or failed for now, and until
    /// one is found that passed and aligns.
    pub fn dkim_alignment(&self, index: usize) -> Alignment {
        self.dmarc.dkim(index)
    }

    /// All parts are done.
    pub(super) fn is_complete(&self) -> bool {
        let is_done = |part: &Option<Evaluator<'h, TEXT>>| {
            part.as_ref().is_none_or(|part| part.verdict().is_some())
        };
        is_done(&self.helo) && is_done(&self.mail_from) && self.dmarc.conclusion().is_some()
    }
}

/// What SPF and DKIM came to, once both are done.
pub(super) fn evidence<'e, 'h, const N: usize, const TEXT: usize>(
    spf: Option<&Evaluator<'h, TEXT>>,
    dkim: &'e Verifier<'h, '_, N>,
    trust_test_keys: bool,
) -> Option<Evidence<'e, 'h>> {
    let dkim = dkim.verdict()?;
    let spf = match spf {
        None => None,
        Some(evaluator) => {
            let verdict = evaluator.verdict()?;
            Some((verdict.result(), verdict.domain()))
        }
    };
    Some(Evidence {
        spf,
        dkim,
        trust_test_keys,
    })
}
