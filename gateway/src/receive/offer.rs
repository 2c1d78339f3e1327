//! The extensions that each kind of listener offers, and why.
//!
//! | extension | where | why |
//! |---|---|---|
//! | PIPELINING (RFC 2920) | everywhere | a message in two round trips; LMTP must have it (RFC 2033 5) |
//! | SIZE (RFC 1870) | everywhere | too large a message is refused before it is sent |
//! | 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531) | everywhere | content and addresses are kept as they come |
//! | ENHANCEDSTATUSCODES (RFC 2034) | everywhere | the sender's server knows why; LMTP must have it |
//! | CHUNKING (RFC 3030) | everywhere | content by count: there is no terminator to be mistaken |
//! | STARTTLS (RFC 3207) | where there is `[tls]` | also on LMTP, whose client may be on another host |
//! | AUTH (RFC 4954) | `submission`, `submissions` | under TLS only, SCRAM too: what is submitted is as private as the password |
//! | DSN (RFC 3461) | where messages go into a spool or on to a server | a queue honours it; into a Maildir there is none |
//! | REQUIRETLS (RFC 8689) | under TLS, where messages go into the spool of a sender or end in a Maildir | the sender obeys it; in a Maildir there is no further hop |
//!
//! BINARYMIME is offered nowhere: a Maildir and a spool hold lines, and the next server may not take it. VRFY, EXPN
//! and HELP tell strangers who is there, or nothing.

use scop_core::{Full, Sink};
use scop_smtp_proto::auth::{Mechanism, MechanismSet};
use scop_smtp_proto::extension::Protocol;
use scop_smtp_proto::extension::{
    self, Chunking, Dsn, Effect, EightBitMime, EnhancedStatusCodes, Extension, Pipelining, Refusal,
    RequireTls, Size, SmtpUtf8, StartTls,
};
use scop_smtp_proto::{Envelope, Parameter, Session};

use super::config::Kind;

/// What is known of the way that messages go from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Honours {
    pub(crate) dsn: bool,
    pub(crate) require_tls: bool,
}

impl Honours {
    /// The spool of a sender.
    pub(crate) const ALL: Self = Self {
        dsn: true,
        require_tls: true,
    };
}

/// The extensions of one listener.
#[derive(Debug)]
pub(crate) struct Offer {
    size: Size,
    start_tls: bool,
    auth: Option<SecureAuth>,
    honours: Honours,
}

impl Offer {
    pub(crate) fn new(kind: Kind, size: u64, has_tls: bool, honours: Honours) -> Self {
        Self {
            size: Size(size),
            start_tls: has_tls && kind != Kind::Submissions,
            auth: kind.is_submission().then_some(SecureAuth(extension::Auth {
                mechanisms: MechanismSet::PROOFS
                    .with(Mechanism::Plain)
                    .with(Mechanism::Login),
                plaintext_allowed: false,
            })),
            honours,
        }
    }

    /// In the order of the reply to EHLO.
    pub(crate) fn list(&self) -> Vec<&dyn Extension> {
        let mut list: Vec<&dyn Extension> = vec![
            &Pipelining,
            &self.size,
            &EightBitMime,
            &SmtpUtf8,
            &EnhancedStatusCodes,
            &Chunking,
        ];
        if self.start_tls {
            list.push(&StartTls);
        }
        if let Some(auth) = &self.auth {
            list.push(auth);
        }
        if self.honours.dsn {
            list.push(&Dsn);
        }
        if self.honours.require_tls {
            list.push(&RequireTls);
        }
        list
    }
}

impl Kind {
    /// As in the configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mx => "mx",
            Self::Submission => "submission",
            Self::Submissions => "submissions",
            Self::Lmtp => "lmtp",
        }
    }

    /// Whether users come there, who log in.
    pub(crate) const fn is_submission(self) -> bool {
        matches!(self, Self::Submission | Self::Submissions)
    }

    pub(crate) const fn protocol(self) -> Protocol {
        match self {
            Self::Lmtp => Protocol::Lmtp,
            _ => Protocol::Smtp,
        }
    }
}

/// AUTH that is there under TLS only, also for mechanisms that would not need it.
#[derive(Debug)]
struct SecureAuth(extension::Auth);

impl Extension for SecureAuth {
    fn keyword(&self) -> &str {
        self.0.keyword()
    }

    fn mail_keywords(&self) -> &[&str] {
        self.0.mail_keywords()
    }

    fn verbs(&self) -> &[&str] {
        self.0.verbs()
    }

    fn is_offered(&self, session: &Session) -> bool {
        session.secure && self.0.is_offered(session)
    }

    fn emit_arguments(&self, session: &Session, sink: &mut dyn Sink) -> Result<(), Full> {
        self.0.emit_arguments(session, sink)
    }

    fn mail_parameter(
        &self,
        parameter: Parameter<'_>,
        session: &Session,
        envelope: &mut Envelope,
    ) -> Result<(), Refusal> {
        self.0.mail_parameter(parameter, session, envelope)
    }

    fn command(&self, verb: &[u8], argument: &[u8], session: &Session) -> Result<Effect, Refusal> {
        self.0.command(verb, argument, session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keywords(kind: Kind, has_tls: bool, secure: bool, honours: Honours) -> String {
        let offer = Offer::new(kind, 1000, has_tls, honours);
        let mut session = Session::default();
        session.secure = secure;
        session.mechanisms = MechanismSet::ALL;
        let list = offer.list();
        let offered = list
            .iter()
            .filter(|extension| extension.is_offered(&session));
        offered
            .map(|extension| extension.keyword())
            .collect::<Vec<_>>()
            .join(" ")
    }

    const ALWAYS: &str = "PIPELINING SIZE 8BITMIME SMTPUTF8 ENHANCEDSTATUSCODES CHUNKING";
    const ALL: Honours = Honours {
        dsn: true,
        require_tls: true,
    };
    const NONE: Honours = Honours {
        dsn: false,
        require_tls: false,
    };

    #[test]
    fn what_is_offered_where() {
        use Kind::{Lmtp, Mx, Submission, Submissions};
        for (kind, has_tls, secure, honours, more) in [
            (Mx, false, false, NONE, ""),
            (Mx, true, false, NONE, " STARTTLS"),
            (Mx, true, true, NONE, ""),
            (Mx, true, false, ALL, " STARTTLS DSN"),
            (Mx, true, true, ALL, " DSN REQUIRETLS"),
            (Lmtp, false, false, NONE, ""),
            (Submission, true, false, ALL, " STARTTLS DSN"),
            (Submission, true, true, ALL, " AUTH DSN REQUIRETLS"),
            (Submissions, true, true, ALL, " AUTH DSN REQUIRETLS"),
        ] {
            let expected = format!("{ALWAYS}{more}");
            assert_eq!(
                keywords(kind, has_tls, secure, honours),
                expected,
                "{kind:?} {secure}"
            );
        }
    }
}
