//! What a server says, as one line that harms nobody, and what it comes to.

use scop_smtp_proto::client::{End, Event};
use scop_smtp_proto::{Code, ReplyView};

use super::Target;
use crate::queue::{Failure, Outcome};
use crate::terminal::shown_within;

/// Characters of a reply that are kept.
const LONGEST: usize = 500;

/// A reply that was kept.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) code: Code,
    pub(super) status: String,
    /// On one line, code first.
    pub(super) line: String,
}

impl Said {
    pub(super) fn new(reply: &ReplyView<'_>) -> Self {
        let code = reply.code();
        let status = reply.status().map_or_else(
            || format!("{}.0.0", code.number() / 100),
            |status| status.to_string(),
        );
        let mut line = code.number().to_string().into_bytes();
        for text in reply.raw_lines() {
            line.push(b' ');
            line.extend_from_slice(text);
            if line.len() > 4 * LONGEST {
                break;
            }
        }
        let line = shown_within(line.trim_ascii_end(), LONGEST);
        Self { code, status, line }
    }

    /// The reply of an event that refuses the session.
    pub(super) fn of_refusal(event: &Event<'_>) -> Option<Self> {
        match event {
            Event::Greeting(reply)
            | Event::HelloRefused(reply)
            | Event::TlsRefused(reply)
            | Event::AuthRefused(reply)
            | Event::Closing(reply) => (!reply.code().is_positive()).then(|| Self::new(reply)),
            _ => None,
        }
    }

    /// A reply that refuses, as a failure: what was refused, in words of our own.
    pub(super) fn failure(&self, target: &Target, why: &str) -> Failure {
        Failure {
            status: self.status.clone(),
            host: Some(target.name()),
            reply: Some(self.line.clone()),
            why: format!("{} {why}", target.name()),
        }
    }

    /// A recipient who is one too many, whatever class the status has.
    pub(super) fn too_many(&self, target: &Target) -> Failure {
        let mut failure = self.failure(target, "has no room for the recipient now");
        if let Some(rest) = failure.status.strip_prefix('5') {
            failure.status = format!("4{rest}");
        }
        failure
    }

    /// A reply that refuses, as an outcome: 5yz for good, all else for now.
    pub(super) fn outcome(&self, target: &Target, why: &str) -> Outcome {
        let failure = self.failure(target, why);
        if self.code.is_permanent() {
            Outcome::Failed(failure)
        } else {
            Outcome::Deferred(failure)
        }
    }
}

/// Why a session ended, as a failure. `said` is the last reply that refused it.
pub(super) fn failure_of_end(end: Option<End>, said: Option<&Said>, target: &Target) -> Failure {
    let words = end.map_or_else(|| "the connection ended".to_owned(), |end| end.to_string());
    let status = match end {
        Some(End::Refused { code, .. }) if said.is_none() => {
            format!("{}.0.0", code.number() / 100)
        }
        Some(End::Refused { .. } | End::Closing) => {
            said.map_or_else(|| "4.3.2".to_owned(), |said| said.status.clone())
        }
        // Encryption needed (RFC 5248 registry), and cryptographic failure (RFC 3463 3.8).
        Some(End::NoStartTls | End::TlsRefused(_)) => "4.7.10".to_owned(),
        Some(End::TlsFailed | End::Injected | End::Auth(_)) => "4.7.5".to_owned(),
        Some(End::Unsolicited | End::Unexpected { .. } | End::BadReply(_)) => "4.5.0".to_owned(),
        Some(End::BareLineEnd(_)) => "5.6.0".to_owned(),
        _ => "4.4.2".to_owned(),
    };
    Failure {
        status,
        host: Some(target.name()),
        reply: said.map(|said| said.line.clone()),
        why: format!("{}: {words}", target.name()),
    }
}
