//! The table: each extension with what it announces, takes and refuses.

use scop_core::UnixTime;
use scop_smtp_proto::Extension;
use scop_smtp_proto::auth::{Mechanism, MechanismSet};
use scop_smtp_proto::extension::{
    Auth, BinaryMime, Chunking, DeliverBy, Dsn, EightBitMime, EnhancedStatusCodes, Etrn, Expn,
    FutureRelease, Help, Limits, MtPriority, Pipelining, RequireTls, Rrvs, Size, SmtpUtf8,
    StartTls, Vrfy, XClient, XForward,
};
use scop_smtp_proto::parameter::{HoldFor, Timestamp};

pub(crate) struct Case<'a> {
    pub(crate) extension: &'a dyn Extension,
    /// What it needs beside it.
    pub(crate) with: &'a [&'a dyn Extension],
    /// Its line in the reply to EHLO: in the clear, under TLS.
    pub(crate) lines: [Option<&'a str>; 2],
    /// Whether parameters and verbs are tried under TLS.
    pub(crate) secure: bool,
    /// Parameters of MAIL, the reply of a server, and whether a client sends them.
    pub(crate) mail: &'a [(&'a str, &'a str, bool)],
    /// The same of RCPT.
    pub(crate) rcpt: &'a [(&'a str, &'a str, bool)],
    /// Commands, and the reply of a server.
    pub(crate) verbs: &'a [(&'a str, &'a str)],
}

impl Case<'_> {
    pub(crate) fn list(&self) -> Vec<&dyn Extension> {
        let mut list = self.with.to_vec();
        list.push(self.extension);
        list
    }

    /// The lines of a server that has it.
    pub(crate) fn announced(&self) -> Vec<&str> {
        let mut lines: Vec<&str> = self
            .with
            .iter()
            .map(|extension| extension.keyword())
            .collect();
        lines.extend(self.lines[usize::from(self.secure)]);
        lines
    }
}

/// Hands each extension to `check`.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(crate) fn cases(check: impl Fn(&Case<'_>)) {
    let mechanisms = [Mechanism::Plain, Mechanism::ScramSha256]
        .into_iter()
        .fold(MechanismSet::default(), MechanismSet::with);
    let auth = Auth {
        mechanisms,
        plaintext_allowed: false,
    };
    let future = FutureRelease {
        max_interval: HoldFor::new(3600).unwrap(),
        max_time: Timestamp::from_unix(UnixTime(1_900_000_000)).unwrap(),
    };
    let limits = Limits {
        transactions: Some(2),
        recipients: Some(2),
        domains: None,
    };
    let long_id = format!("ENVID={}", "a".repeat(101));
    let always = |line| [Some(line), Some(line)];
    let none = Case {
        extension: &Pipelining,
        with: &[],
        lines: always("PIPELINING"),
        secure: false,
        mail: &[],
        rcpt: &[],
        verbs: &[],
    };
    check(&none);
    check(&Case {
        extension: &EnhancedStatusCodes,
        lines: always("ENHANCEDSTATUSCODES"),
        ..none
    });
    check(&Case {
        extension: &Vrfy,
        lines: always("VRFY"),
        ..none
    });
    check(&Case {
        extension: &Expn,
        lines: always("EXPN"),
        ..none
    });
    check(&Case {
        extension: &Help,
        lines: always("HELP"),
        ..none
    });
    check(&Case {
        extension: &limits,
        lines: always("LIMITS MAILMAX=2 RCPTMAX=2"),
        ..none
    });
    check(&Case {
        extension: &Size(1000),
        lines: always("SIZE 1000"),
        mail: &[
            ("SIZE=0", "250", true),
            ("size=1000", "250", true),
            ("SIZE=1001", "552", false),
            ("SIZE=99999999999999999999", "552", false),
            ("SIZE=1k", "501", false),
            ("SIZE", "501", false),
        ],
        ..none
    });
    check(&Case {
        extension: &EightBitMime,
        lines: always("8BITMIME"),
        mail: &[("BODY=7BIT", "250", true), ("body=8bitmime", "250", true)],
        ..none
    });
    check(&Case {
        extension: &Chunking,
        lines: always("CHUNKING"),
        verbs: &[
            ("BDAT", "501"),
            ("BDAT x", "501"),
            ("BDAT 1 FIRST", "501"),
            ("BDAT 0 LAST", "503"),
        ],
        ..none
    });
    check(&Case {
        extension: &BinaryMime,
        with: &[&Chunking],
        lines: always("BINARYMIME"),
        mail: &[("BODY=BINARYMIME", "250", true)],
        ..none
    });
    check(&Case {
        extension: &SmtpUtf8,
        with: &[&EightBitMime],
        lines: always("SMTPUTF8"),
        mail: &[("SMTPUTF8", "250", true), ("SMTPUTF8=1", "501", false)],
        ..none
    });
    check(&Case {
        extension: &Dsn,
        lines: always("DSN"),
        mail: &[
            ("RET=FULL", "250", true),
            ("ENVID=a+2Bb", "250", true),
            ("RET=ALL", "501", false),
            ("RET", "501", false),
            ("ENVID=a+b", "501", false),
            (&long_id, "501", false),
        ],
        rcpt: &[
            ("NOTIFY=SUCCESS,DELAY", "250", true),
            ("ORCPT=rfc822;ann@example.net", "250", true),
            ("ORCPT=utf-8;ann\\x{E9}@example.net", "250", true),
            ("NOTIFY=NEVER,DELAY", "501", false),
            ("ORCPT=ann@example.net", "501", false),
            ("ORCPT=utf-8;ann+C3+A9@example.net", "501", false),
        ],
        ..none
    });
    check(&Case {
        extension: &StartTls,
        lines: [Some("STARTTLS"), None],
        verbs: &[("STARTTLS", "220"), ("STARTTLS now", "501")],
        ..none
    });
    check(&Case {
        extension: &auth,
        lines: [Some("AUTH SCRAM-SHA-256"), Some("AUTH SCRAM-SHA-256 PLAIN")],
        mail: &[
            ("AUTH=<>", "250", true),
            ("AUTH=joe+2Btag@example.org", "250", true),
            ("AUTH=joe", "501", false),
            ("AUTH=joe+@example.org", "501", false),
        ],
        ..none
    });
    check(&Case {
        extension: &auth,
        lines: [Some("AUTH SCRAM-SHA-256"), Some("AUTH SCRAM-SHA-256 PLAIN")],
        verbs: &[
            ("AUTH PLAIN AGpvZQBzZWNyZXQ=", "504"),
            ("AUTH", "501"),
            ("AUTH XUNKNOWN", "504"),
        ],
        ..none
    });
    check(&Case {
        extension: &auth,
        lines: [Some("AUTH SCRAM-SHA-256"), Some("AUTH SCRAM-SHA-256 PLAIN")],
        secure: true,
        verbs: &[
            ("AUTH PLAIN AGpvZQBzZWNyZXQ=", "235"),
            ("auth plain ?", "501"),
            ("AUTH LOGIN", "504"),
        ],
        ..none
    });
    check(&Case {
        extension: &RequireTls,
        lines: [None, Some("REQUIRETLS")],
        secure: true,
        mail: &[
            ("REQUIRETLS", "250", true),
            ("REQUIRETLS=yes", "501", false),
        ],
        ..none
    });
    check(&Case {
        extension: &DeliverBy { min: 60 },
        lines: always("DELIVERBY 60"),
        mail: &[
            ("BY=60;R", "250", true),
            ("BY=-5;NT", "250", true),
            ("BY=59;R", "554", false),
            ("BY=0;R", "501", false),
            ("BY=60", "501", false),
        ],
        ..none
    });
    check(&Case {
        extension: &DeliverBy { min: 0 },
        lines: always("DELIVERBY"),
        mail: &[("BY=1;R", "250", true)],
        ..none
    });
    check(&Case {
        extension: &future,
        lines: always("FUTURERELEASE 3600 2030-03-17T17:46:40Z"),
        mail: &[
            ("HOLDFOR=3600", "250", true),
            ("HOLDUNTIL=2030-03-17T18:46:40+01:00", "250", true),
            ("HOLDFOR=3601", "501", false),
            ("HOLDUNTIL=2030-03-17T17:46:41Z", "501", false),
            ("HOLDUNTIL=tomorrow", "501", false),
            ("HOLDFOR=60 HOLDUNTIL=2029-01-01T00:00:00Z", "501", false),
        ],
        ..none
    });
    check(&Case {
        extension: &MtPriority { profile: "MIXER" },
        lines: always("MT-PRIORITY MIXER"),
        mail: &[
            ("MT-PRIORITY=-9", "250", true),
            ("MT-PRIORITY=10", "501", false),
        ],
        ..none
    });
    check(&Case {
        extension: &Rrvs,
        lines: always("RRVS"),
        rcpt: &[
            ("RRVS=2014-04-03T23:01:00Z;R", "250", true),
            ("RRVS=2014", "501", false),
            ("RRVS", "501", false),
        ],
        ..none
    });
    check(&Case {
        extension: &Etrn,
        lines: always("ETRN"),
        verbs: &[
            ("ETRN @example.org", "250"),
            ("ETRN", "501"),
            ("ETRN a b", "501"),
            ("ETRN #", "501"),
            ("ETRN a_b", "501"),
            ("ETRN @@a.b", "501"),
        ],
        ..none
    });
    check(&Case {
        extension: &XClient {
            attributes: &["NAME", "ADDR"],
        },
        lines: always("XCLIENT NAME ADDR"),
        verbs: &[
            ("XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE]", "220"),
            ("XCLIENT", "501"),
            ("XCLIENT LOGIN=joe", "501"),
            ("XCLIENT ADDR", "501"),
            ("XCLIENT ADDR=", "501"),
            ("XCLIENT ADDR=192.0.2.1 addr=192.0.2.2", "501"),
            ("XCLIENT ADDR=+2", "501"),
        ],
        ..none
    });
    check(&Case {
        extension: &XForward {
            attributes: &["NAME", "ADDR"],
        },
        lines: always("XFORWARD NAME ADDR"),
        verbs: &[
            ("XFORWARD addr=192.0.2.1", "250"),
            ("XFORWARD PORT=1", "501"),
            ("XFORWARD ADDR=", "501"),
        ],
        ..none
    });
}
