//! What `scop check` found out, as one document: printed as text, or as JSON of a stable form.
//!
//! All strings are as the message or the DNS has them, with what is not UTF-8 replaced; making them
//! harmless is the work of whoever prints them. Fields are never renamed or removed within one version.

mod build;
pub(crate) mod json;
pub(crate) mod text;
mod verdict;

pub(crate) use build::{Facts, build};

use std::fmt;

use serde::Serialize;

use crate::message::LineEnds;

/// The version of the JSON document, raised when a field changes its meaning or goes away.
pub(crate) const VERSION: u32 = 1;

/// The document.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Always `scop-check`.
    pub(crate) format: &'static str,
    pub(crate) version: u32,
    /// RFC 3339.
    pub(crate) checked_at: String,
    pub(crate) verdict: Verdict,
    pub(crate) message: Message,
    pub(crate) connection: Connection,
    pub(crate) dkim: Vec<Dkim>,
    pub(crate) spf: Vec<Spf>,
    pub(crate) dmarc: Dmarc,
    /// The field with its line ends.
    pub(crate) authentication_results: String,
    pub(crate) lookups: Vec<Lookup>,
    /// What the user should know besides: what was missing, what was done to the input.
    pub(crate) notes: Vec<String>,
}

/// The answer to the question.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) exit_code: u8,
    /// One sentence: who it is from, or why that is not known.
    pub(crate) headline: String,
    pub(crate) because: Vec<Because>,
}

/// The exit code in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Pass,
    Fail,
    Temporary,
}

impl Outcome {
    /// What the README promises; 75 is `EX_TEMPFAIL` of sysexits.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Temporary => 75,
        }
    }
}

/// One reason, for or against.
#[derive(Debug, Serialize)]
pub(crate) struct Because {
    pub(crate) speaks: Speaks,
    pub(crate) text: String,
}

/// What a reason says of the author that the message names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Speaks {
    For,
    Against,
    Neither,
}

/// The message as it was read.
#[derive(Debug, Serialize)]
pub(crate) struct Message {
    pub(crate) source: String,
    /// Of the file.
    pub(crate) bytes: u64,
    pub(crate) line_ends: LineEnds,
    /// Of the form with CRLF, as the next one.
    pub(crate) header_bytes: u64,
    pub(crate) body_bytes: u64,
    pub(crate) fields: u64,
    pub(crate) from_fields: u64,
    /// The first of them.
    pub(crate) from: Vec<Field>,
    pub(crate) subject: Option<Field>,
    pub(crate) date: Option<Field>,
    /// The first fields that break a rule.
    pub(crate) defects: Vec<Defect>,
}

/// A header field, unfolded, and where it is in the file.
#[derive(Debug, Serialize)]
pub(crate) struct Field {
    pub(crate) value: String,
    /// From 1.
    pub(crate) line: u64,
    /// From 0.
    pub(crate) byte: u64,
}

/// A field that breaks a rule.
#[derive(Debug, Serialize)]
pub(crate) struct Defect {
    pub(crate) rule: String,
    pub(crate) line: u64,
    pub(crate) byte: u64,
}

/// What the user said of the connection.
#[derive(Debug, Serialize)]
pub(crate) struct Connection {
    pub(crate) ip: Option<String>,
    pub(crate) helo: Option<String>,
    pub(crate) mail_from: Option<String>,
}

/// One DKIM signature.
#[derive(Debug, Serialize)]
pub(crate) struct Dkim {
    /// RFC 8601 2.7.1.
    pub(crate) result: String,
    pub(crate) why: String,
    pub(crate) domain: Option<String>,
    pub(crate) selector: Option<String>,
    pub(crate) identity: Option<String>,
    pub(crate) algorithm: Option<String>,
    pub(crate) canonicalization: Option<String>,
    pub(crate) signed_fields: Vec<SignedField>,
    pub(crate) signed_at: Option<String>,
    pub(crate) expires_at: Option<String>,
    pub(crate) body: Option<SignedBody>,
    pub(crate) alignment: Alignment,
    pub(crate) aligned: bool,
    /// The key is marked as being tested.
    pub(crate) testing: bool,
    /// How far DNSSEC vouches for the key.
    pub(crate) key_security: &'static str,
    pub(crate) line: u64,
    pub(crate) byte: u64,
}

/// One name of `h=`, and the field that it covers.
#[derive(Debug, Serialize)]
pub(crate) struct SignedField {
    pub(crate) name: String,
    /// None when the message has no such field (any more): then none can be added.
    pub(crate) line: Option<u64>,
    pub(crate) byte: Option<u64>,
}

/// The body as a signature sees it.
#[derive(Debug, Serialize)]
pub(crate) struct SignedBody {
    /// Octets of the canonical form.
    pub(crate) octets: u64,
    /// `l=`: how many of them are signed, when not all.
    pub(crate) limit: Option<u64>,
    /// SHA-256 in base64, as computed here.
    pub(crate) hash: String,
    /// `bh=`, as the signer had it.
    pub(crate) signed_hash: String,
}

/// How a domain relates to that of the From field (RFC 9989 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Alignment {
    /// Another organisation.
    None,
    /// The organizational domains are equal.
    Relaxed,
    /// The domains are equal.
    Strict,
    /// The result does not depend on it.
    Unchecked,
    /// A lookup failed.
    Unknown,
}

impl fmt::Display for Alignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "not aligned",
            Self::Relaxed => "aligned: the same organisation",
            Self::Strict => "aligned: the same domain",
            Self::Unchecked => "not needed",
            Self::Unknown => "alignment unknown: a lookup failed",
        })
    }
}

/// SPF for one identity.
#[derive(Debug, Serialize)]
pub(crate) struct Spf {
    /// `mailfrom` or `helo`.
    pub(crate) identity: &'static str,
    /// What it was checked for.
    pub(crate) value: String,
    /// RFC 7208 2.6.
    pub(crate) result: String,
    pub(crate) why: String,
    pub(crate) domain: String,
    /// The text that the domain has for its failures; it is the publisher's word.
    pub(crate) explanation: Option<String>,
    pub(crate) alignment: Alignment,
    pub(crate) aligned: bool,
    /// Terms that asked the DNS, of 10; and those that found nothing, of 2 (RFC 7208 4.6.4).
    pub(crate) lookups: u8,
    pub(crate) void_lookups: u8,
}

/// DMARC.
#[derive(Debug, Serialize)]
pub(crate) struct Dmarc {
    /// RFC 9989 9.2.
    pub(crate) result: String,
    pub(crate) why: String,
    /// `one`, `none`, `many` or `ambiguous`.
    pub(crate) author: &'static str,
    pub(crate) author_domain: Option<String>,
    pub(crate) organizational_domain: Option<String>,
    /// Who published the record that applies.
    pub(crate) policy_domain: Option<String>,
    /// What the record asks for mail of this author that fails: `none`, `quarantine` or `reject`.
    pub(crate) policy: Option<String>,
    /// Which tag says so: `p`, `sp`, `np`; `default` without one, `fallback` for an invalid one.
    pub(crate) policy_basis: Option<&'static str>,
    /// What it asks for this message.
    pub(crate) disposition: String,
}

/// One question to the DNS.
#[derive(Debug, Serialize)]
pub(crate) struct Lookup {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) rtype: String,
    /// Which part asked first: `dkim`, `spf` or `dmarc`.
    pub(crate) asked_by: &'static str,
    /// `records`, `no_data`, `no_such_name` or `failed`.
    pub(crate) outcome: &'static str,
    /// Why it failed.
    pub(crate) failure: Option<String>,
    pub(crate) records: Vec<String>,
    pub(crate) aliases: Vec<String>,
    /// The server that was asked; none for zone files.
    pub(crate) server: Option<String>,
    pub(crate) milliseconds: Option<u64>,
    pub(crate) security: &'static str,
}
