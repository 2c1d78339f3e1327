//! Walks over zones in memory, counted; and a second implementation, written from the text of the RFC.

use super::{Discovery, Existence, Findings, Location, NoRequest};
use crate::Domain;
use crate::alignment::{Alignment, Check, Mode};
use crate::policy::{Basis, Disposition};
use proptest::prelude::*;
use scop_core::{Answer, Failure, Lookup, Query, Rdata, Rtype, Security, Step, Txt, lookup};
use std::collections::{BTreeMap, BTreeSet};
use std::string::{String, ToString};
use std::vec::Vec;

/// TXT records by the domain they are about, and what else there is.
#[derive(Clone, Debug, Default)]
struct Zone {
    records: BTreeMap<String, Vec<String>>,
    missing: BTreeSet<String>,
    failing: BTreeSet<String>,
}

impl Zone {
    fn new(records: &[(&str, &str)]) -> Self {
        let mut zone = Self::default();
        for (domain, record) in records {
            let domain = std::format!("_dmarc.{domain}.");
            zone.records
                .entry(domain)
                .or_default()
                .push((*record).into());
        }
        zone
    }

    fn run<L: Lookup>(&self, machine: &mut L, asked: &mut Vec<String>) -> bool {
        fn rdata(text: &String) -> Rdata<'_> {
            Rdata::Txt(Txt::joined(text.as_bytes()))
        }
        let records: BTreeMap<&str, Vec<_>> = self
            .records
            .iter()
            .map(|(name, texts)| (&**name, texts.iter().map(rdata).collect()))
            .collect();
        lookup::drive(machine, |query: Query<'_>| {
            let name = query.name.to_string();
            query.name.to_name().expect("every query is a name");
            let answer = if self.failing.contains(&name) {
                Answer::Failed(Failure::Timeout)
            } else if let Some(records) = records.get(&*name).filter(|_| query.rtype == Rtype::TXT)
            {
                Answer::records(records)
            } else if self.missing.contains(&name) || name.starts_with("_dmarc") {
                Answer::NxDomain(Security::Indeterminate)
            } else {
                Answer::NoData(Security::Indeterminate)
            };
            asked.push(name);
            answer
        })
        .is_some()
    }

    fn discover<'a>(&self, domain: &'a str, seek: bool) -> (Findings<'a>, Vec<String>) {
        let mut discovery = Discovery::new(Domain::parse(domain.as_bytes()).unwrap());
        if seek {
            discovery.seek_organizational();
        }
        let mut asked = Vec::new();
        assert!(self.run(&mut discovery, &mut asked));
        (*discovery.findings(), asked)
    }

    fn align(&self, author: &str, identifier: &str, mode: Mode) -> (Alignment, Vec<String>) {
        let (findings, _) = self.discover(author, true);
        let identifier = Domain::parse(identifier.as_bytes()).unwrap();
        let mut check = Check::new(identifier, &findings, mode);
        let mut asked = Vec::new();
        assert!(self.run(&mut check, &mut asked));
        (*check.verdict().unwrap(), asked)
    }
}

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

/// RFC 9989 4.10 word by word, over texts.
mod naive {
    use super::Zone;
    use std::string::{String, ToString};
    use std::vec::Vec;

    /// Steps 2 and 6.
    fn records_at(zone: &Zone, name: &str) -> Option<String> {
        let mut set = zone
            .records
            .get(&std::format!("_dmarc.{name}."))
            .cloned()
            .unwrap_or_default();
        set.retain(|record| record.starts_with("v=DMARC1"));
        if set.len() == 1 { set.pop() } else { None }
    }

    fn has(record: &str, tag: &str) -> bool {
        record.split(';').any(|part| part == tag)
    }

    /// Steps 1 to 7: names with their records, from the longest.
    fn walk(zone: &Zone, start: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut target: Vec<&str> = start.split('.').collect();
        while !target.is_empty() {
            let name = target.join(".");
            if let Some(record) = records_at(zone, &name) {
                let stop = has(&record, "psd=n") || has(&record, "psd=y");
                found.push((name, record));
                if stop {
                    break;
                }
            }
            if target.len() < 8 {
                target.remove(0);
            } else {
                while target.len() > 7 {
                    target.remove(0);
                }
            }
        }
        found
    }

    /// 4.10.2.
    pub(super) fn organizational(zone: &Zone, start: &str) -> String {
        let found = walk(zone, start);
        for (name, record) in &found {
            if has(record, "psd=n") {
                return name.clone();
            }
            if name != start && has(record, "psd=y") {
                let above = name.split('.').count();
                let labels: Vec<_> = start.split('.').collect();
                return labels[labels.len() - above - 1..].join(".");
            }
        }
        found
            .last()
            .map_or(start.to_string(), |(name, _)| name.clone())
    }

    /// 4.10.1: the domain that publishes the policy.
    pub(super) fn policy_domain(zone: &Zone, author: &str) -> Option<String> {
        let found = walk(zone, author);
        let at = |domain: &str| found.iter().find(|(name, _)| name == domain);
        let suffix = found.iter().find(|(_, record)| has(record, "psd=y"));
        at(author)
            .or_else(|| at(&organizational(zone, author)))
            .or(suffix)
            .map(|(name, _)| name.clone())
    }
}

/// Names that share ends, of one to eleven labels.
fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(std::vec!["a", "b"]), 1..11)
        .prop_map(|labels| [labels, std::vec!["z"]].concat().join("."))
}

fn record() -> impl Strategy<Value = String> {
    let tag = prop::sample::select(std::vec![
        "",
        ";psd=y",
        ";psd=n",
        ";psd=u",
        ";p=reject;np=none"
    ]);
    let version = prop::sample::select(std::vec!["v=DMARC1", "v=DMARC1", "v=DMARC1", "v=spf1"]);
    (version, tag).prop_map(|(version, tag)| std::format!("{version}{tag}"))
}

/// Two names, and records at ends of them.
fn zones() -> impl Strategy<Value = (String, String, Zone)> {
    let place = (any::<bool>(), 1_usize..11, record());
    (
        name(),
        name(),
        0_usize..11,
        prop::collection::vec(place, 0..6),
    )
        .prop_map(|(author, identifier, shared, places)| {
            let suffix = |name: &str, labels: usize| {
                let all: Vec<_> = name.split('.').collect();
                all[all.len().saturating_sub(labels)..].join(".")
            };
            let identifier = std::format!("{identifier}.{}", suffix(&author, shared));
            let identifier = identifier.trim_end_matches('.').to_string();
            let places: Vec<_> = places
                .into_iter()
                .map(|(of_author, labels, record)| {
                    let name = if of_author { &author } else { &identifier };
                    (suffix(name, labels), record)
                })
                .collect();
            let records: Vec<_> = places.iter().map(|(at, text)| (&**at, &**text)).collect();
            let zone = Zone::new(&records);
            (author, identifier, zone)
        })
}

/// Both implementations on one zone.
fn agree(author: &str, identifier: &str, zone: &Zone) -> Result<(), TestCaseError> {
    let (findings, asked) = zone.discover(author, true);
    prop_assert!(asked.len() <= 9);
    prop_assert_eq!(
        organizational(&findings),
        naive::organizational(zone, author)
    );
    let found = findings.record().map(|found| text(found.domain));
    prop_assert_eq!(found, naive::policy_domain(zone, author));
    // Policy discovery alone comes to the same record.
    let (short, _) = zone.discover(author, false);
    prop_assert_eq!(short.record(), findings.record());

    for (one, other) in [(author, identifier), (identifier, author), (author, author)] {
        let same = naive::organizational(zone, one) == naive::organizational(zone, other);
        let (alignment, asked) = zone.align(one, other, Mode::Relaxed);
        prop_assert_eq!(alignment.is_aligned(), same, "{} {} {:?}", one, other, zone);
        prop_assert_eq!(alignment == Alignment::Strict, one == other);
        prop_assert!(asked.len() <= 7);
    }
    Ok(())
}

/// All zones with up to two records, for authors of one to ten labels and identifiers above, below and
/// beside them: around eight labels, where walks jump, chance is too rare.
#[test]
fn as_the_rfc_says_in_every_small_zone() {
    let chain = |labels: usize| (1..=labels).rev().map(|n| std::format!("l{n}"));
    let suffixes = |name: &str| {
        let labels: Vec<_> = name.split('.').map(String::from).collect();
        (0..labels.len()).map(move |from| labels[from..].join("."))
    };
    let mut zones = 0;
    for (author, shared, below) in shapes(&[1, 2, 3, 7, 8, 9, 10]) {
        let names: Vec<_> = chain(author).collect();
        let end = names[author - shared..].join(".");
        let identifier = std::format!("{}{end}", &"b.b."[..2 * below]);
        let author = names.join(".");
        let places: BTreeSet<_> = suffixes(&author).chain(suffixes(&identifier)).collect();
        let records: Vec<_> = places
            .iter()
            .flat_map(|place| ["", ";psd=y", ";psd=n"].map(|psd| (place, psd)))
            .collect();
        for (index, one) in records.iter().enumerate() {
            for other in &records[index..] {
                let texts = [one, other].map(|(_, psd)| std::format!("v=DMARC1{psd}"));
                let count = 1 + usize::from(one.0 != other.0);
                let set = [(&**one.0, &*texts[0]), (&**other.0, &*texts[1])];
                let zone = Zone::new(&set[..count]);
                agree(&author, &identifier, &zone).unwrap();
                zones += 1;
            }
        }
    }
    assert!(zones > 10_000, "{zones}");
}

/// Labels of the author, those that the identifier shares with it, and those that it has below.
fn shapes(authors: &[usize]) -> Vec<(usize, usize, usize)> {
    let shared = |&author: &usize| (1..=author).map(move |shared| (author, shared));
    let below = |(author, shared)| (0..=2).map(move |below| (author, shared, below));
    authors.iter().flat_map(shared).flat_map(below).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn as_the_rfc_says((author, identifier, zone) in zones()) {
        agree(&author, &identifier, &zone)?;
    }
}
