//! What the verdict says for honest and for failing messages.

use scop_core::{Failure, lookup};
use scop_crypto::RUST_CRYPTO;
use scop_dkim::verify::{DkimResult, SignatureResult};
use scop_dmarc::alignment::Alignment;
use scop_dmarc::authenticator::{Limits, Mechanism, Reason};
use scop_dmarc::discover::{Existence, Location};
use scop_dmarc::policy::Disposition;
use scop_dmarc::{Authenticator, Author, DmarcResult};
use scop_mime_core::Message;
use scop_spf::SpfResult;

use crate::signing::{EVIL_KEY, GOOD_KEY, key_record, sign};
use crate::zone::{EVIL, GOOD, NOW, Session, Zone, judge};

const MESSAGE: &str = "From: news@example.org\r\nSubject: x\r\n\r\nHello\r\n";

const GOOD_SERVER: Session<'static> = Session {
    ip: GOOD,
    helo: b"mx.example.org",
    mail_from: b"bounce@example.org",
};

const EVIL_SERVER: Session<'static> = Session {
    ip: EVIL,
    ..GOOD_SERVER
};

fn zone(dmarc: &str) -> Zone {
    without_record().txt("_dmarc.example.org", dmarc)
}

fn without_record() -> Zone {
    Zone::default()
        .txt("example.org", "v=spf1 a:mx.example.org -all")
        .txt("mx.example.org", "v=spf1 a -all")
        .a("mx.example.org", GOOD)
        .txt("s._domainkey.example.org", &key_record(GOOD_KEY))
        .txt("s._domainkey.mail.example.org", &key_record(GOOD_KEY))
        .txt("s._domainkey.evil.example", &key_record(EVIL_KEY))
}

fn signed() -> String {
    sign(MESSAGE, "example.org", "s", GOOD_KEY, "")
}

#[test]
fn spf_and_dkim_each_suffice() {
    let zone = zone("v=DMARC1; p=reject");
    let forged = sign(MESSAGE, "example.org", "s", EVIL_KEY, "");
    let spf = Reason::Aligned(Mechanism::Spf);
    let dkim = Reason::Aligned(Mechanism::Dkim(0));
    for (message, from, reason) in [
        (MESSAGE, Some(GOOD_SERVER), spf),
        (&signed(), Some(EVIL_SERVER), dkim),
        (&signed(), None, dkim),
        (&signed(), Some(GOOD_SERVER), spf),
        (&forged, Some(GOOD_SERVER), spf),
        (&forged, Some(EVIL_SERVER), Reason::NotAligned),
        (MESSAGE, Some(EVIL_SERVER), Reason::NotAligned),
        (MESSAGE, None, Reason::NotAligned),
    ] {
        judge(&zone, message.as_bytes(), from, |verdict| {
            let passes = reason != Reason::NotAligned;
            let expected = if passes {
                DmarcResult::Pass
            } else {
                DmarcResult::Fail
            };
            assert_eq!(verdict.reason(), reason);
            assert_eq!(verdict.result(), expected);
            assert_eq!(verdict.is_authentic(), passes);
            assert_eq!(verdict.aligned().is_some(), passes);
            let disposition = if passes {
                Disposition::None
            } else {
                Disposition::Reject
            };
            assert_eq!(verdict.disposition(), disposition);
            assert_eq!(verdict.request().unwrap().disposition, Disposition::Reject);
            assert_eq!(verdict.record().unwrap().location, Location::Author);
            assert_eq!(verdict.mail_from().is_some(), from.is_some());
            assert_eq!(verdict.helo().is_some(), from.is_some());
        });
    }
}

#[test]
fn the_results_are_there_without_record_and_without_author() {
    let no_author = sign(
        "Subject: x\r\n\r\nHello\r\n",
        "example.org",
        "s",
        GOOD_KEY,
        "",
    );
    for (message, result, reason, author) in [
        (signed(), DmarcResult::None, Reason::NoRecord, true),
        (no_author, DmarcResult::PermError, Reason::NoAuthor, false),
    ] {
        judge(
            &without_record(),
            message.as_bytes(),
            Some(GOOD_SERVER),
            |verdict| {
                assert_eq!((verdict.result(), verdict.reason()), (result, reason));
                assert_eq!(verdict.author().domain().is_some(), author);
                assert_eq!(verdict.is_authentic(), author);
                assert_eq!(verdict.disposition(), Disposition::None);
                assert_eq!(verdict.request(), None);
                assert_eq!(verdict.spf().unwrap().result(), SpfResult::Pass);
                assert_eq!(verdict.helo().unwrap().result(), SpfResult::Pass);
                assert_eq!(verdict.dkim().len(), 1);
                if author {
                    assert_eq!(verdict.dkim()[0].result(), DkimResult::Pass);
                } else {
                    assert_eq!(verdict.author(), Author::None);
                }
            },
        );
    }
}

/// Without any record, relaxed alignment is equality (RFC 9989 4.10.2).
#[test]
fn an_aligned_pass_without_a_record() {
    for (domain, authentic) in [("example.org", true), ("mail.example.org", false)] {
        let message = sign(MESSAGE, domain, "s", GOOD_KEY, "");
        judge(&without_record(), message.as_bytes(), None, |verdict| {
            assert_eq!(verdict.result(), DmarcResult::None);
            assert_eq!(verdict.dkim()[0].result(), DkimResult::Pass);
            assert_eq!(verdict.is_authentic(), authentic, "{domain}");
            let aligned = authentic.then_some(Mechanism::Dkim(0));
            assert_eq!(verdict.aligned(), aligned);
        });
    }
    // A record that cannot be applied is like none (RFC 9989 4.10.1), but it is an error.
    judge(
        &zone("v=DMARC1; p=rejct"),
        signed().as_bytes(),
        None,
        |verdict| {
            assert_eq!(verdict.reason(), Reason::UnusableRecord);
            assert_eq!(verdict.result(), DmarcResult::PermError);
            assert!(verdict.is_authentic());
        },
    );
    judge(
        &zone("v=DMARC1; p=rejct"),
        MESSAGE.as_bytes(),
        None,
        |verdict| {
            assert_eq!(verdict.result(), DmarcResult::PermError);
            assert!(!verdict.is_authentic());
        },
    );
}

#[test]
fn strict_and_relaxed() {
    let message = sign(MESSAGE, "mail.example.org", "s", GOOD_KEY, "");
    for (record, result, alignment) in [
        ("v=DMARC1; p=none", DmarcResult::Pass, Alignment::Relaxed),
        (
            "v=DMARC1; p=none; aspf=s",
            DmarcResult::Pass,
            Alignment::Relaxed,
        ),
        (
            "v=DMARC1; p=none; adkim=s",
            DmarcResult::Fail,
            Alignment::NotAligned,
        ),
    ] {
        judge(&zone(record), message.as_bytes(), None, |verdict| {
            assert_eq!(verdict.result(), result, "{record}");
            assert_eq!(verdict.dkim_alignment(0), alignment, "{record}");
            assert_eq!(verdict.dkim()[0].result(), DkimResult::Pass);
        });
    }
    let from = Session {
        mail_from: b"x@mx.example.org",
        ..GOOD_SERVER
    };
    for (record, result) in [
        ("v=DMARC1; p=none; adkim=s", DmarcResult::Pass),
        ("v=DMARC1; p=none; aspf=s", DmarcResult::Fail),
    ] {
        judge(&zone(record), MESSAGE.as_bytes(), Some(from), |verdict| {
            assert_eq!(verdict.spf().unwrap().result(), SpfResult::Pass);
            assert_eq!(verdict.result(), result, "{record}");
        });
    }
}

#[test]
fn the_null_path_counts_as_helo() {
    let from = Session {
        mail_from: b"",
        ..GOOD_SERVER
    };
    judge(
        &zone("v=DMARC1; p=reject"),
        MESSAGE.as_bytes(),
        Some(from),
        |verdict| {
            assert!(verdict.mail_from().is_none());
            assert_eq!(verdict.spf().unwrap().domain(), b"mx.example.org");
            assert_eq!(verdict.spf_alignment(), Alignment::Relaxed);
            assert_eq!(verdict.result(), DmarcResult::Pass);
        },
    );
    // With a path, HELO counts for nothing in DMARC (RFC 9989 3.2.4).
    let from = Session {
        mail_from: b"x@nowhere.example",
        ..GOOD_SERVER
    };
    judge(
        &zone("v=DMARC1; p=reject"),
        MESSAGE.as_bytes(),
        Some(from),
        |verdict| {
            assert_eq!(verdict.helo().unwrap().result(), SpfResult::Pass);
            assert_eq!(verdict.spf().unwrap().result(), SpfResult::None);
            assert_eq!(verdict.result(), DmarcResult::Fail);
        },
    );
}

#[test]
fn sub_domains_and_np() {
    let message = MESSAGE.replace("example.org", "ghost.example.org");
    let record = "v=DMARC1; p=none; sp=quarantine; np=reject; t=y";
    judge(&zone(record), message.as_bytes(), None, |verdict| {
        assert_eq!(verdict.existence(), Some(Existence::NonExistent));
        assert_eq!(verdict.disposition(), Disposition::Quarantine);
        assert_eq!(verdict.request().unwrap().published, Disposition::Reject);
        assert_eq!(verdict.record().unwrap().location, Location::Organizational);
    });
    let exists = zone(record).a("ghost.example.org", GOOD);
    judge(&exists, message.as_bytes(), None, |verdict| {
        assert_eq!(verdict.existence(), Some(Existence::Exists));
        assert_eq!(verdict.disposition(), Disposition::None);
        assert_eq!(
            verdict.request().unwrap().published,
            Disposition::Quarantine
        );
    });
    // Without an answer there is no policy, but a pass stays a pass.
    let unknown = zone(record).failing("ghost.example.org");
    judge(&unknown, message.as_bytes(), None, |verdict| {
        assert_eq!(verdict.reason(), Reason::LookupFailed(Failure::Timeout));
        assert_eq!(verdict.result(), DmarcResult::TempError);
    });
    let signed = sign(&message, "example.org", "s", GOOD_KEY, "");
    judge(&unknown, signed.as_bytes(), None, |verdict| {
        assert_eq!(verdict.result(), DmarcResult::Pass);
        assert_eq!(verdict.request(), None);
    });
}

/// Of all results of SPF only a pass authenticates.
#[test]
fn nothing_but_pass_counts() {
    for (spf, expected, result) in [
        ("v=spf1 +all", SpfResult::Pass, DmarcResult::Pass),
        ("v=spf1 ?all", SpfResult::Neutral, DmarcResult::Fail),
        ("v=spf1", SpfResult::Neutral, DmarcResult::Fail),
        ("v=spf1 ~all", SpfResult::SoftFail, DmarcResult::Fail),
        ("v=spf1 -all", SpfResult::Fail, DmarcResult::Fail),
        ("v=spf2 +all", SpfResult::None, DmarcResult::Fail),
        ("v=spf1 +all +alll", SpfResult::PermError, DmarcResult::Fail),
    ] {
        let zone = Zone::default()
            .txt("example.org", spf)
            .txt("_dmarc.example.org", "v=DMARC1; p=reject");
        judge(&zone, MESSAGE.as_bytes(), Some(GOOD_SERVER), |verdict| {
            assert_eq!(verdict.spf().unwrap().result(), expected, "{spf}");
            assert_eq!(verdict.result(), result, "{spf}");
        });
    }
}

/// A failed lookup is a temporary error only when the result depends on it.
#[test]
fn failures() {
    let record = "v=DMARC1; p=reject";
    let relaxed = sign(MESSAGE, "mail.example.org", "s", GOOD_KEY, "");
    let foreign = sign(MESSAGE, "evil.example", "s", EVIL_KEY, "");
    let lookup = Reason::LookupFailed(Failure::Timeout);
    for (zone, message, from, result, reason) in [
        // The record.
        (
            zone(record).failing("_dmarc.example.org"),
            &signed(),
            None,
            DmarcResult::TempError,
            lookup,
        ),
        // What lies above: not needed for the same domain,
        (
            zone(record).failing("_dmarc.org"),
            &signed(),
            None,
            DmarcResult::Pass,
            Reason::Aligned(Mechanism::Dkim(0)),
        ),
        // needed for a sub-domain,
        (
            zone(record).failing("_dmarc.org"),
            &relaxed,
            None,
            DmarcResult::TempError,
            lookup,
        ),
        // and not for a domain that has nothing in common.
        (
            zone(record).failing("_dmarc.org"),
            &foreign,
            None,
            DmarcResult::Fail,
            Reason::NotAligned,
        ),
        // Between identifier and organizational domain.
        (
            zone(record).failing("_dmarc.mail.example.org"),
            &relaxed,
            None,
            DmarcResult::TempError,
            Reason::AlignmentUnknown,
        ),
        // A key, and SPF: of an aligned domain or not.
        (
            zone(record).failing("s._domainkey.example.org"),
            &signed(),
            None,
            DmarcResult::TempError,
            Reason::MechanismUnknown,
        ),
        (
            zone(record).failing("s._domainkey.mail.example.org"),
            &relaxed,
            None,
            DmarcResult::TempError,
            Reason::MechanismUnknown,
        ),
        (
            zone(record).failing("s._domainkey.evil.example"),
            &foreign,
            None,
            DmarcResult::Fail,
            Reason::NotAligned,
        ),
        (
            zone(record).failing("mx.example.org"),
            &MESSAGE.to_owned(),
            Some(GOOD_SERVER),
            DmarcResult::TempError,
            Reason::MechanismUnknown,
        ),
        // One pass is enough.
        (
            zone(record).failing("mx.example.org"),
            &signed(),
            Some(GOOD_SERVER),
            DmarcResult::Pass,
            Reason::Aligned(Mechanism::Dkim(0)),
        ),
    ] {
        judge(&zone, message.as_bytes(), from, |verdict| {
            assert_eq!(
                (verdict.result(), verdict.reason()),
                (result, reason),
                "{zone:?}"
            );
            assert_eq!(verdict.is_authentic(), result == DmarcResult::Pass);
        });
    }
}

#[test]
fn one_aligned_signature_among_many_is_enough() {
    let mut message = sign(MESSAGE, "mail.example.org", "s", GOOD_KEY, "");
    message = sign(&message, "evil.example", "s", EVIL_KEY, "");
    message = sign(&message, "mail.example.org", "s", EVIL_KEY, "");
    judge(
        &zone("v=DMARC1; p=reject"),
        message.as_bytes(),
        None,
        |verdict| {
            let results: Vec<_> = verdict.dkim().iter().map(SignatureResult::result).collect();
            assert_eq!(
                results,
                [DkimResult::Fail, DkimResult::Pass, DkimResult::Pass]
            );
            assert_eq!(verdict.reason(), Reason::Aligned(Mechanism::Dkim(2)));
            assert_eq!(verdict.dkim_alignment(0), Alignment::Unchecked);
            assert_eq!(verdict.dkim_alignment(1), Alignment::NotAligned);
            assert_eq!(verdict.dkim_alignment(2), Alignment::Relaxed);
        },
    );
}

/// What was found out about a domain holds for a second identifier with it, but only in the same mode.
#[test]
fn the_same_domain_in_both_mechanisms() {
    let message = sign(MESSAGE, "mx.example.org", "s", GOOD_KEY, "");
    let from = Session {
        mail_from: b"x@mx.example.org",
        ..GOOD_SERVER
    };
    let keys =
        |record: &str| zone(record).txt("s._domainkey.mx.example.org", &key_record(GOOD_KEY));
    for (tags, spf, dkim) in [
        ("", Alignment::Relaxed, Alignment::Relaxed),
        ("aspf=s", Alignment::NotAligned, Alignment::Relaxed),
        ("adkim=s", Alignment::Relaxed, Alignment::NotAligned),
    ] {
        let zone = keys(&format!("v=DMARC1; p=reject; {tags}"));
        judge(&zone, message.as_bytes(), Some(from), |verdict| {
            assert_eq!(verdict.spf_alignment(), spf, "{tags}");
            assert_eq!(verdict.dkim_alignment(0), dkim, "{tags}");
            assert_eq!(verdict.result(), DmarcResult::Pass);
        });
    }
    let message = sign(&message, "mail.example.org", "s", GOOD_KEY, "");
    judge(
        &keys("v=DMARC1; p=reject"),
        message.as_bytes(),
        None,
        |verdict| {
            assert_eq!(verdict.dkim_alignment(0), Alignment::Relaxed);
            assert_eq!(verdict.dkim()[1].result(), DkimResult::Pass);
            assert_eq!(verdict.dkim_alignment(1), Alignment::Unchecked);
        },
    );
}

/// A signature that leaves the end of the body open proves nothing (RFC 6376 8.2).
#[test]
fn a_partial_signature_does_not_pass() {
    let message = sign(MESSAGE, "example.org", "s", GOOD_KEY, "l=7; ") + "Added\r\n";
    judge(
        &zone("v=DMARC1; p=reject"),
        message.as_bytes(),
        None,
        |verdict| {
            assert_eq!(verdict.dkim()[0].result(), DkimResult::Policy);
            assert_eq!(verdict.result(), DmarcResult::Fail);
        },
    );
}

/// A message that is signed with a test key alone is as good as unsigned (RFC 6376 3.6.1), unless the
/// host says otherwise.
#[test]
fn a_test_key_gives_no_pass() {
    let test_key = key_record(GOOD_KEY) + "; t=s:y";
    let published = |zone: Zone| {
        zone.txt("t._domainkey.example.org", &test_key)
            .txt("t._domainkey.mail.example.org", &test_key)
    };
    let record = || published(zone("v=DMARC1; p=reject"));
    let same = sign(MESSAGE, "example.org", "t", GOOD_KEY, "");
    let below = sign(MESSAGE, "mail.example.org", "t", GOOD_KEY, "");
    let both = sign(&same, "mail.example.org", "s", GOOD_KEY, "");
    let unknown = record().failing("_dmarc.mail.example.org");
    let aligned = |index| Reason::Aligned(Mechanism::Dkim(index));
    for (zone, message, from, reason) in [
        (record(), &same, None, Reason::TestKey),
        (record(), &below, None, Reason::TestKey),
        (
            record(),
            &same,
            Some(GOOD_SERVER),
            Reason::Aligned(Mechanism::Spf),
        ),
        (record(), &both, None, aligned(0)),
        // Whether it would align, had it counted, makes no difference.
        (unknown, &below, None, Reason::NotAligned),
    ] {
        judge(&zone, message.as_bytes(), from, |verdict| {
            let last = verdict.dkim().last().unwrap();
            assert_eq!((last.result(), last.is_testing()), (DkimResult::Pass, true));
            assert_eq!(verdict.reason(), reason);
            let passes = matches!(reason, Reason::Aligned(_));
            assert_eq!(verdict.is_authentic(), passes);
            assert_eq!(verdict.aligned().is_some(), passes);
            let disposition = if passes {
                Disposition::None
            } else {
                Disposition::Reject
            };
            assert_eq!(verdict.disposition(), disposition);
        });
    }
    judge(
        &published(without_record()),
        same.as_bytes(),
        None,
        |verdict| {
            assert_eq!(verdict.result(), DmarcResult::None);
            assert!(!verdict.is_authentic());
        },
    );

    let mut limits = Limits::DEFAULT;
    limits.trust_test_keys = true;
    for message in [&same, &below] {
        let parts = Message::split(message.as_bytes());
        let mut machine: Authenticator<'_, '_> =
            Authenticator::new(parts.header, None, RUST_CRYPTO, NOW, &limits);
        machine.body(parts.body).unwrap();
        machine.finish_body().unwrap();
        let zone = record();
        let verdict = lookup::drive(&mut machine, |query| zone.answer(query)).unwrap();
        assert_eq!(verdict.reason(), aligned(0));
    }
}

/// RFC 9989 takes a public suffix that does not say `psd=y` for an organization (4.10.2 step 3), so
/// that one of its customers speaks for another, until that one says `psd=n`.
#[test]
fn a_suffix_without_psd() {
    let message = sign(
        "From: a@bank.tld\r\n\r\nHi\r\n",
        "evil.tld",
        "s",
        EVIL_KEY,
        "",
    );
    for (suffix, own, result) in [
        ("", "", DmarcResult::Fail),
        ("psd=y", "", DmarcResult::Fail),
        ("psd=u", "", DmarcResult::Pass),
        ("psd=u", "psd=n", DmarcResult::Fail),
    ] {
        let mut zone = Zone::default()
            .txt("_dmarc.bank.tld", &format!("v=DMARC1; p=reject; {own}"))
            .txt("s._domainkey.evil.tld", &key_record(EVIL_KEY));
        if !suffix.is_empty() {
            zone = zone.txt("_dmarc.tld", &format!("v=DMARC1; p=none; {suffix}"));
        }
        judge(&zone, message.as_bytes(), None, |verdict| {
            assert_eq!(verdict.result(), result, "{suffix} {own}");
        });
    }
}
