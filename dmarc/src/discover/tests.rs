//! The examples of the RFC, and what each rule of a walk does.

mod reference;
mod zone;

use super::{Discovery, Existence, Findings, Location, NoRequest};
use crate::Domain;
use crate::alignment::{Alignment, Mode};
use crate::policy::{Basis, Disposition};
use scop_core::{Answer, Failure, Lookup, Security, Step};
use std::string::{String, ToString};
use std::vec::Vec;
use zone::Zone;

fn text(domain: Domain<'_>) -> String {
    domain.to_string()
}

fn organizational(findings: &Findings<'_>) -> String {
    text(findings.organizational().unwrap())
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter()
        .map(|name| std::format!("_dmarc.{name}."))
        .collect()
}

/// RFC 9989 4.10: the eight queries for a domain with 13 labels.
#[test]
fn the_example_of_the_walk() {
    let (_, asked) = Zone::default().discover("a.b.c.d.e.f.g.h.i.j.mail.example.com", true);
    let expected = names(&[
        "a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "g.h.i.j.mail.example.com",
        "h.i.j.mail.example.com",
        "i.j.mail.example.com",
        "j.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    ]);
    assert_eq!(asked, expected);
}

/// RFC 9989 5.1.8: a record at a name that the walk jumps over is never found.
#[test]
fn a_record_in_the_gap_is_not_found() {
    let zone = Zone::new(&[
        ("b.c.d.e.f.g.example.com", "v=DMARC1;p=reject;psd=n"),
        ("example.com", "v=DMARC1;p=none"),
    ]);
    let (findings, asked) = zone.discover("mail.a.b.c.d.e.f.g.example.com", true);
    let expected = names(&[
        "mail.a.b.c.d.e.f.g.example.com",
        "c.d.e.f.g.example.com",
        "d.e.f.g.example.com",
        "e.f.g.example.com",
        "f.g.example.com",
        "g.example.com",
        "example.com",
        "com",
    ]);
    assert_eq!(asked, expected);
    assert_eq!(organizational(&findings), "example.com");
}

#[test]
fn one_to_thirty_labels() {
    for labels in 1..=30_usize {
        let all: Vec<_> = (1..=labels).rev().map(|n| std::format!("l{n}")).collect();
        let suffix = |n: usize| std::format!("_dmarc.{}.", all[labels - n..].join("."));
        let domain = all.join(".");
        let (findings, asked) = Zone::default().discover(&domain, true);
        let parents = (1..=labels.saturating_sub(1).min(7)).rev();
        let expected: Vec<_> = [labels].into_iter().chain(parents).map(suffix).collect();
        assert_eq!(asked, expected);
        assert_eq!(asked.len(), labels.min(8));
        assert!(findings.record().is_none());
        assert_eq!(organizational(&findings), domain);
        assert_eq!(findings.request(), Err(NoRequest::NoRecord));
    }
}

/// RFC 9989 4.10.2, the three examples at its end.
#[test]
fn the_examples_of_organizational_domains() {
    for (records, expected) in [
        (
            &[
                ("mail.example.com", "v=DMARC1"),
                ("example.com", "v=DMARC1"),
            ][..],
            "example.com",
        ),
        (
            &[("mail.example.com", "v=DMARC1;psd=n")],
            "mail.example.com",
        ),
        (&[("com", "v=DMARC1;psd=y")], "example.com"),
    ] {
        let (findings, _) = Zone::new(records).discover("a.mail.example.com", true);
        assert_eq!(organizational(&findings), expected);
    }
}

/// RFC 9989 B.4.1 to B.4.3, with B.1 and the table of 4.4 as further pairs.
#[test]
fn appendix_b_alignment() {
    use Alignment::{NotAligned, Relaxed, Strict};
    let example = Zone::new(&[
        ("example.com", "v=DMARC1;p=reject"),
        ("signing.example.com", "v=DMARC1"),
    ]);
    let bank = Zone::new(&[
        ("bank.example", "v=DMARC1;psd=y"),
        ("giant.bank.example", "v=DMARC1;p=quarantine"),
    ]);
    let deep = "a.b.c.d.e.f.g.h.i.j.k.example.com";
    for (zone, author, identifier, expected) in [
        (&example, "example.com", "example.com", Strict),
        (&example, "example.com", "signing.example.com", Relaxed),
        (&example, deep, "example.com", Relaxed),
        (&example, deep, "signing.example.com", Relaxed),
        (
            &bank,
            "giant.bank.example",
            "mail.giant.bank.example",
            Relaxed,
        ),
        (
            &bank,
            "giant.bank.example",
            "mail.mega.bank.example",
            NotAligned,
        ),
        (&example, "example.com", "child.example.com", Relaxed),
        (&example, "child.example.com", "example.com", Relaxed),
        (&example, "child.example.com", "example.net", NotAligned),
        (&example, "news.example.com", "foo.example.com", Relaxed),
        (&example, "news.example.com", "news.example.com", Strict),
        (&example, "news.example.com", "foo.example.net", NotAligned),
        (&example, "example.com", "com", NotAligned),
        (&example, "example.com", "badexample.com", NotAligned),
    ] {
        assert_eq!(
            zone.align(author, identifier, Mode::Relaxed).0,
            expected,
            "{author} {identifier}"
        );
        let strict = if expected == Strict {
            Strict
        } else {
            NotAligned
        };
        assert_eq!(
            zone.align(author, identifier, Mode::Strict).0,
            strict,
            "{author} {identifier}"
        );
    }
    let (findings, asked) = example.discover("example.com", true);
    assert_eq!(asked, names(&["example.com", "com"]));
    assert_eq!(findings.record().unwrap().location, Location::Author);
    let (findings, asked) = example.discover(deep, true);
    assert_eq!(asked.len(), 8);
    assert_eq!(text(findings.record().unwrap().domain), "example.com");
    let (findings, asked) = bank.discover("giant.bank.example", true);
    assert_eq!(asked, names(&["giant.bank.example", "bank.example"]));
    assert_eq!(organizational(&findings), "giant.bank.example");
    assert_eq!(findings.record().unwrap().location, Location::Author);
    let (findings, asked) = bank.discover("mega.bank.example", true);
    assert_eq!(asked, names(&["mega.bank.example", "bank.example"]));
    assert_eq!(organizational(&findings), "mega.bank.example");
    assert_eq!(findings.record().unwrap().location, Location::PublicSuffix);
    // What lies at the organizational domain and above is not asked again.
    let (_, asked) = bank.align(
        "giant.bank.example",
        "a.mail.giant.bank.example",
        Mode::Relaxed,
    );
    assert_eq!(
        asked,
        names(&["a.mail.giant.bank.example", "mail.giant.bank.example"])
    );
    let (_, asked) = bank.align(
        "giant.bank.example",
        "mail.mega.bank.example",
        Mode::Relaxed,
    );
    assert!(asked.is_empty());
}

#[test]
fn the_record_of_the_author_ends_policy_discovery() {
    let zone = Zone::new(&[
        ("a.example.com", "v=DMARC1;p=reject"),
        ("com", "v=DMARC1;psd=y"),
    ]);
    let mut discovery = Discovery::new(Domain::parse(b"a.example.com").unwrap());
    let mut asked = Vec::new();
    assert!(zone.run(&mut discovery, &mut asked));
    assert_eq!(asked, names(&["a.example.com"]));
    assert!(discovery.verdict().unwrap().organizational().is_none());
    discovery.seek_organizational();
    assert!(discovery.verdict().is_none());
    assert!(zone.run(&mut discovery, &mut asked));
    assert_eq!(asked, names(&["a.example.com", "example.com", "com"]));
    assert_eq!(organizational(discovery.findings()), "example.com");
}

#[test]
fn psd_stops_the_walk() {
    for (records, domain, count, expected, location) in [
        // n: this is it, even where something lies above.
        (
            &[("b.c", "v=DMARC1;psd=n"), ("c", "v=DMARC1")][..],
            "a.b.c",
            2,
            "b.c",
            Location::Organizational,
        ),
        (
            &[("a.b.c", "v=DMARC1;psd=n"), ("c", "v=DMARC1")],
            "a.b.c",
            1,
            "a.b.c",
            Location::Author,
        ),
        // y: one below, except where the walk starts there.
        (
            &[("b.c", "v=DMARC1;psd=y"), ("c", "v=DMARC1")],
            "a.b.c",
            2,
            "a.b.c",
            Location::PublicSuffix,
        ),
        (
            &[("c", "v=DMARC1;psd=y"), ("b.c", "v=DMARC1")],
            "a.b.c",
            3,
            "b.c",
            Location::Organizational,
        ),
        (
            &[("b.c", "v=DMARC1;psd=y"), ("c", "v=DMARC1")],
            "b.c",
            1,
            "b.c",
            Location::Author,
        ),
        // u: goes on to the shortest.
        (
            &[("b.c", "v=DMARC1;psd=u"), ("c", "v=DMARC1")],
            "a.b.c",
            3,
            "c",
            Location::Organizational,
        ),
        // A record in the middle counts for nothing.
        (
            &[("b.c.d", "v=DMARC1"), ("d", "v=DMARC1;psd=y")],
            "a.b.c.d",
            4,
            "c.d",
            Location::PublicSuffix,
        ),
    ] {
        let (findings, asked) = Zone::new(records).discover(domain, true);
        assert_eq!(asked.len(), count, "{records:?} {asked:?}");
        assert_eq!(organizational(&findings), expected, "{records:?}");
        assert_eq!(findings.record().unwrap().location, location, "{records:?}");
    }
}

#[test]
fn a_public_suffix_aligns_with_itself_only() {
    let zone = Zone::new(&[("b.c", "v=DMARC1;psd=y")]);
    assert_eq!(zone.align("b.c", "b.c", Mode::Relaxed).0, Alignment::Strict);
    assert_eq!(
        zone.align("b.c", "a.b.c", Mode::Relaxed).0,
        Alignment::NotAligned
    );
    assert_eq!(
        zone.align("a.b.c", "b.c", Mode::Relaxed).0,
        Alignment::NotAligned
    );
    assert_eq!(
        zone.align("x.a.b.c", "y.a.b.c", Mode::Relaxed).0,
        Alignment::Relaxed
    );
}

#[test]
fn several_records_count_as_none() {
    let mut zone = Zone::new(&[
        ("a.b.c", "v=DMARC1;p=reject"),
        ("a.b.c", "v=DMARC1;p=reject"),
        ("b.c", "v=DMARC1;p=quarantine"),
        ("c", "v=DMARC1;psd=y"),
        ("c", "v=DMARC1;psd=y"),
    ]);
    let (findings, asked) = zone.discover("a.b.c", true);
    assert_eq!(asked.len(), 3);
    let found = findings.record().unwrap();
    assert_eq!(
        (text(found.domain), found.location),
        ("b.c".into(), Location::Organizational)
    );
    // What is no DMARC record does not count.
    zone.records.insert(
        "_dmarc.a.b.c.".into(),
        ["v=spf1 -all", "v=DMARC1;p=none", "v=DMARC2;p=reject"]
            .map(String::from)
            .to_vec(),
    );
    let (findings, _) = zone.discover("a.b.c", true);
    assert_eq!(findings.record().unwrap().location, Location::Author);
}

#[test]
fn np_needs_a_true_nxdomain() {
    let mut zone = Zone::new(&[("b.c", "v=DMARC1;p=none;sp=quarantine;np=reject")]);
    let (findings, asked) = zone.discover("a.b.c", false);
    assert_eq!(asked.last().unwrap(), "a.b.c.");
    assert_eq!(findings.existence(), Existence::Exists);
    assert_eq!(findings.request().unwrap().basis, Basis::Sp);
    zone.missing.insert("a.b.c.".into());
    let (findings, _) = zone.discover("a.b.c", false);
    assert_eq!(findings.existence(), Existence::NonExistent);
    let request = findings.request().unwrap();
    assert_eq!(
        (request.basis, request.disposition),
        (Basis::Np, Disposition::Reject)
    );
    zone.failing.insert("a.b.c.".into());
    let (findings, _) = zone.discover("a.b.c", false);
    assert_eq!(findings.existence(), Existence::Unknown(Failure::Timeout));
    assert_eq!(findings.request(), Err(NoRequest::Failed(Failure::Timeout)));
    assert_eq!(findings.failure(), None);

    // Nobody asks where the answer would change nothing.
    for record in [
        "v=DMARC1;p=none",
        "v=DMARC1;p=none;sp=reject",
        "v=DMARC1;p=reject;np=x",
    ] {
        let (findings, asked) = Zone::new(&[("b.c", record)]).discover("a.b.c", false);
        assert_eq!(
            (findings.existence(), asked.len()),
            (Existence::Irrelevant, 3),
            "{record}"
        );
    }
    let zone = Zone::new(&[("a.b.c", "v=DMARC1;p=none;np=reject")]);
    let (findings, asked) = zone.discover("a.b.c", true);
    assert_eq!(
        (findings.existence(), asked.len()),
        (Existence::Irrelevant, 3)
    );
}

#[test]
fn a_failure_ends_the_walk() {
    let mut zone = Zone::new(&[("a.b.c", "v=DMARC1;p=reject"), ("c", "v=DMARC1;p=none")]);
    zone.failing.insert("_dmarc.b.c.".into());
    let (findings, asked) = zone.discover("a.b.c", true);
    assert_eq!(asked.len(), 2);
    assert_eq!(findings.failure(), Some(Failure::Timeout));
    // The policy is known all the same, the organizational domain is not.
    assert_eq!(findings.record().unwrap().location, Location::Author);
    assert!(findings.organizational().is_none());
    assert_eq!(
        zone.align("a.b.c", "a.b.c", Mode::Relaxed).0,
        Alignment::Strict
    );
    assert_eq!(
        zone.align("a.b.c", "x.a.b.c", Mode::Relaxed).0,
        Alignment::Unknown
    );
    assert_eq!(
        zone.align("a.b.c", "x.y", Mode::Relaxed).0,
        Alignment::NotAligned
    );
    zone.records.remove("_dmarc.a.b.c.");
    let (findings, _) = zone.discover("a.b.c", true);
    assert!(findings.record().is_none());
    assert_eq!(findings.request(), Err(NoRequest::Failed(Failure::Timeout)));

    let mut zone = Zone::new(&[("b.c", "v=DMARC1;p=reject")]);
    zone.failing.insert("_dmarc.a.b.c.".into());
    assert_eq!(
        zone.align("b.c", "x.a.b.c", Mode::Relaxed).0,
        Alignment::Unknown
    );
}

/// A record in the middle may count for nothing, so it is no policy before the walk is complete.
#[test]
fn a_failure_above_a_record_leaves_no_policy() {
    let mut zone = Zone::new(&[("b.c.d", "v=DMARC1;p=reject")]);
    zone.failing.insert("_dmarc.c.d.".into());
    let (findings, asked) = zone.discover("a.b.c.d", false);
    assert_eq!(asked.len(), 3);
    assert!(findings.record().is_none());
    assert_eq!(findings.request(), Err(NoRequest::Failed(Failure::Timeout)));
}

/// A name for which `_dmarc.` leaves no room cannot have a record: it is passed over.
#[test]
fn names_too_long_to_ask_for() {
    let labels = [63, 63, 63, 56].map(|length| "x".repeat(length));
    let domain = labels.join(".");
    assert_eq!(domain.len(), 248);
    // Of 246 octets and less, the longest name is asked for too.
    for (cut, count) in [(0, 3), (1, 3), (2, 4), (9, 4)] {
        let (_, asked) = Zone::default().discover(&domain[cut..], true);
        assert_eq!(asked.len(), count, "{cut}");
    }
    // 127 labels, of which none can be asked for but the last seven.
    let domain = std::format!("a{}", ".a".repeat(126));
    let (findings, asked) = Zone::default().discover(&domain, true);
    assert_eq!(asked.len(), 7);
    assert_eq!(organizational(&findings), domain);
}

#[test]
fn calls_in_any_order() {
    let mut discovery = Discovery::new(Domain::parse(b"a.b").unwrap());
    assert!(discovery.verdict().is_none());
    let Step::Query(first) = discovery.poll() else {
        panic!("a query")
    };
    assert_eq!(discovery.poll(), Step::Wait);
    assert!(discovery.query(first).is_some());
    discovery.answer(first, Answer::records(&[])).unwrap();
    assert!(discovery.query(first).is_none());
    assert!(discovery.answer(first, Answer::records(&[])).is_err());
    let Step::Query(second) = discovery.poll() else {
        panic!("a query")
    };
    assert!(discovery.answer(first, Answer::records(&[])).is_err());
    assert!(
        discovery
            .answer(second.tagged(1), Answer::records(&[]))
            .is_err()
    );
    assert!(discovery.verdict().is_none());
    // Bogus data is a failure.
    discovery
        .answer(second, Answer::NxDomain(Security::Bogus))
        .unwrap();
    assert_eq!(discovery.poll(), Step::Done);
    assert_eq!(discovery.verdict().unwrap().failure(), Some(Failure::Bogus));
    assert_eq!(discovery.poll(), Step::Done);
    assert!(discovery.answer(second, Answer::records(&[])).is_err());
}
