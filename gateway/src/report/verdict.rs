//! The answer in words: who sent the message, and why one may believe it or not.

use scop_dkim::verify::{DkimResult, Reason as DkimReason};
use scop_dmarc::DmarcResult;
use scop_dmarc::alignment::Alignment;
use scop_dmarc::authenticator::Reason;
use scop_dmarc::author::Author;
use scop_dmarc::policy::Disposition;
use scop_spf::SpfResult;

use super::{Because, Connection, Dkim, Dmarc, Message, Outcome, Speaks, Verdict};
use crate::command::check::Authentication;
use crate::message::Header;

/// What the parts of the report say together.
pub(super) struct Parts<'r> {
    pub(super) places: &'r Header,
    pub(super) message: &'r Message,
    pub(super) connection: &'r Connection,
    pub(super) dkim: &'r [Dkim],
    pub(super) dmarc: &'r Dmarc,
}

/// The sentence, its reasons, and the exit code.
pub(super) fn conclude(parts: &Parts<'_>, found: &Authentication<'_>) -> Verdict {
    let outcome = outcome(found);
    let mut because = Vec::new();
    dkim(parts, found, &mut because);
    spf(parts, found, &mut because);
    dmarc(parts, found, &mut because);
    Verdict {
        outcome,
        exit_code: outcome.exit_code(),
        headline: headline(parts, found, outcome),
        because,
    }
}

fn outcome(found: &Authentication<'_>) -> Outcome {
    // What speaks for another domain is no proof, whatever comes of it later.
    let counts = |alignment| alignment != Alignment::NotAligned;
    let is_uncertain = || {
        let dkim = (0..).zip(found.dkim()).any(|(index, signature)| {
            signature.result() == DkimResult::TempError && counts(found.dkim_alignment(index))
        });
        let spf = found.spf().map(scop_spf::Verdict::result);
        dkim || spf == Some(SpfResult::TempError) && counts(found.spf_alignment())
    };
    match found.reason() {
        _ if found.is_authentic() => Outcome::Pass,
        // There is no DMARC record, and what failed for now may have been a proof.
        Reason::NoRecord | Reason::UnusableRecord if is_uncertain() => Outcome::Temporary,
        _ if found.result() == DmarcResult::TempError => Outcome::Temporary,
        _ => Outcome::Fail,
    }
}

fn headline(parts: &Parts<'_>, found: &Authentication<'_>, outcome: Outcome) -> String {
    let domain = parts.dmarc.author_domain.as_deref().unwrap_or_default();
    match (outcome, found.author()) {
        (Outcome::Pass, _) => format!("This message is from {domain}."),
        (Outcome::Temporary, _) => format!(
            "Whether this message is from {domain} is not known now: a lookup failed. Try again later."
        ),
        (Outcome::Fail, Author::One(_)) => {
            format!("This message says it is from {domain}, and nothing proves it.")
        }
        (Outcome::Fail, Author::None) => "This message does not say who it is from.".to_owned(),
        (Outcome::Fail, Author::Many) if parts.message.from_fields > 1 => {
            let from = &parts.message.from;
            let mut lines: Vec<String> = from.iter().map(|from| from.line.to_string()).collect();
            if (lines.len() as u64) < parts.message.from_fields {
                lines.push("and so on".to_owned());
            }
            format!(
                "This message has {} From fields (lines {}), so it is from nobody for sure.",
                parts.message.from_fields,
                lines.join(", ")
            )
        }
        (Outcome::Fail, Author::Many) => {
            "This message names authors of several domains, so it is from nobody for sure."
                .to_owned()
        }
        (Outcome::Fail, Author::Ambiguous(error)) => {
            let place = parts.places.place(error.offset());
            format!(
                "Who this message is from can be read in several ways: {} (line {}, byte {}).",
                error.kind(),
                place.line,
                place.byte
            )
        }
    }
}

fn dkim(parts: &Parts<'_>, found: &Authentication<'_>, because: &mut Vec<Because>) {
    if parts.dkim.is_empty() {
        because.push(neither(
            "nobody signed it: there is no DKIM signature".to_owned(),
        ));
    }
    let author = parts.dmarc.author_domain.as_deref();
    for (result, row) in found.dkim().iter().zip(parts.dkim) {
        let Some((domain, selector)) = row.domain.as_ref().zip(row.selector.as_ref()) else {
            because.push(neither(format!(
                "a DKIM signature (line {}) cannot be read: {}",
                row.line, row.why
            )));
            continue;
        };
        let key = format!("DKIM, key {selector}");
        because.push(match result.result() {
            // `Limits::trust_test_keys` is off: DMARC does not count it, so nor does this.
            DkimResult::Pass if row.aligned && row.testing => neither(format!(
                "{domain} signed it ({key}), but that is a test key (t=y), which does not count (RFC 6376 3.6.1)"
            )),
            DkimResult::Pass if row.aligned => {
                let fields = row
                    .signed_fields
                    .iter()
                    .filter(|field| field.line.is_some());
                speaks_for(format!(
                    "{domain} signed it ({key}): {} header fields and the whole body are unchanged",
                    fields.count()
                ))
            }
            DkimResult::Pass => neither(match author {
                Some(author) => {
                    format!("{domain} signed it ({key}), but it says it is from {author}")
                }
                None => format!("{domain} signed it ({key})"),
            }),
            DkimResult::Fail => against(format!(
                "a signature of {domain} does not hold ({key}): {}",
                match result.reason() {
                    DkimReason::BodyHashMismatch => "the body was changed after it was signed",
                    DkimReason::SignatureMismatch =>
                        "a signed header field was changed or added, or the key is another one",
                    DkimReason::BodyTooShort => "the body was cut",
                    DkimReason::Expired => "it is too old",
                    _ => &row.why,
                }
            )),
            DkimResult::TempError => neither(format!(
                "a signature of {domain} could not be checked ({key}): {}",
                row.why
            )),
            DkimResult::Neutral | DkimResult::Policy | DkimResult::PermError => against(format!(
                "a signature of {domain} counts for nothing ({key}): {}",
                row.why
            )),
        });
    }
}

fn spf(parts: &Parts<'_>, found: &Authentication<'_>, because: &mut Vec<Because>) {
    let (Some(verdict), Some(ip)) = (found.spf(), &parts.connection.ip) else {
        return;
    };
    let domain = String::from_utf8_lossy(verdict.domain());
    let author = parts.dmarc.author_domain.as_deref();
    let aligned = found.spf_alignment().is_aligned();
    because.push(match verdict.result() {
        SpfResult::Pass if aligned => speaks_for(format!("{domain} lets {ip} send its mail (SPF)")),
        SpfResult::Pass => neither(match author {
            Some(author) if found.spf_alignment() != Alignment::Unknown => {
                format!("{domain} lets {ip} send its mail (SPF), but it says it is from {author}")
            }
            _ => format!("{domain} lets {ip} send its mail (SPF)"),
        }),
        SpfResult::Fail => against(format!("{domain} does not let {ip} send its mail (SPF)")),
        SpfResult::SoftFail => against(format!(
            "{domain} probably does not let {ip} send its mail (SPF softfail)"
        )),
        SpfResult::Neutral => neither(format!(
            "{domain} does not say whether {ip} may send its mail (SPF neutral)"
        )),
        SpfResult::None => neither(format!("SPF says nothing: {}", verdict.reason())),
        SpfResult::TempError => neither(format!(
            "SPF of {domain} could not be checked: {}",
            verdict.reason()
        )),
        SpfResult::PermError => neither(format!("SPF of {domain} is broken: {}", verdict.reason())),
    });
}

fn dmarc(parts: &Parts<'_>, found: &Authentication<'_>, because: &mut Vec<Because>) {
    let domain = parts.dmarc.policy_domain.as_deref().unwrap_or_default();
    let author = parts.dmarc.author_domain.as_deref().unwrap_or_default();
    because.push(match found.result() {
        DmarcResult::Pass => speaks_for(format!(
            "{domain} demands such a proof (DMARC), and it is there"
        )),
        DmarcResult::Fail => against(match found.disposition() {
            Disposition::Reject => format!("{domain} asks to reject such mail (DMARC)"),
            Disposition::Quarantine => {
                format!("{domain} asks to treat such mail as suspicious (DMARC)")
            }
            Disposition::None => format!("{domain} asks for nothing to be done about it (DMARC)"),
        }),
        DmarcResult::None => neither(format!(
            "{author} has no DMARC record, which would demand a proof"
        )),
        DmarcResult::TempError => {
            neither(format!("DMARC could not be checked: {}", found.reason()))
        }
        DmarcResult::PermError if found.reason() == Reason::NoAuthor => {
            against("without one author there is nothing to prove (DMARC)".to_owned())
        }
        DmarcResult::PermError => neither(format!("DMARC says nothing: {}", found.reason())),
    });
}

fn speaks_for(text: String) -> Because {
    Because {
        speaks: Speaks::For,
        text,
    }
}

fn against(text: String) -> Because {
    Because {
        speaks: Speaks::Against,
        text,
    }
}

fn neither(text: String) -> Because {
    Because {
        speaks: Speaks::Neither,
        text,
    }
}
