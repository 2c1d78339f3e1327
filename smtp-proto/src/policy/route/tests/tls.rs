//! What each security, TLSA answer, policy and wish of the message leads to.

use super::super::{Request, TlsWish};
use super::zone::{Zone, check, request};
use crate::policy::mta_sts::Policy;
use std::string::String;
use std::vec::Vec;
use std::{format, vec};

/// RFC 7672 2.1 and 2.2: what each security and each TLSA answer leads to.
#[test]
fn dane() {
    let mx = ("MX example.org", "secure 5 a.example.org");
    let a = ("A a.example.org", "secure 192.0.2.1");
    let tlsa = |answer| ("TLSA _25._tcp.a.example.org", answer);
    let host = |tls: &str| vec![format!("5 a.example.org [192.0.2.1] {tls}")];
    let unusable = |reason: &str| {
        vec![
            format!("5 a.example.org {reason}"),
            format!("4.7.5 Host({reason})"),
        ]
    };
    let good = "secure 3 1 1 32";
    for (zone, expected) in [
        (vec![mx, a, tlsa(good)], host("dane1")),
        (
            vec![mx, a, tlsa("secure 3 1 1 32, 2 0 2 64, 3 0 0 200")],
            host("dane3"),
        ),
        // Not usable beside usable.
        (
            vec![
                mx,
                a,
                tlsa("secure 0 1 1 32, 3 1 1 32, 1 1 1 32, 3 1 9 32, 3 2 1 32"),
            ],
            host("dane1"),
        ),
        (
            vec![mx, a, tlsa("secure 0 1 1 32, 1 0 1 32")],
            host("encrypted"),
        ),
        (
            vec![mx, a, tlsa("secure 3 1 1 31, 3 1 2 32, 3 1 0 0")],
            host("encrypted"),
        ),
        // None, proven or not signed.
        (vec![mx, a, tlsa("secure none")], host("opportunistic")),
        (vec![mx, a, tlsa("secure nxdomain")], host("opportunistic")),
        (vec![mx, a, tlsa("none")], host("opportunistic")),
        (vec![mx, a, tlsa("3 1 1 32")], host("opportunistic")),
        // A failure fails closed.
        (
            vec![mx, a, tlsa("failed")],
            unusable("TlsaLookup(ServerFailure)"),
        ),
        (
            vec![mx, a, tlsa("bogus 3 1 1 32")],
            unusable("TlsaLookup(Bogus)"),
        ),
        (
            vec![mx, a, tlsa("bogus none")],
            unusable("TlsaLookup(Bogus)"),
        ),
        // Not asked where the way there is not secure.
        (
            vec![("MX example.org", "5 a.example.org"), a, tlsa("failed")],
            host("opportunistic"),
        ),
        (
            vec![mx, ("A a.example.org", "192.0.2.1"), tlsa("failed")],
            host("opportunistic"),
        ),
        (
            vec![mx, a, ("AAAA a.example.org", "2001:db8::1"), tlsa("failed")],
            vec!["5 a.example.org [2001:db8::1 192.0.2.1] opportunistic".into()],
        ),
        // One family failed: the other decides.
        (
            vec![mx, a, ("AAAA a.example.org", "failed"), tlsa(good)],
            host("dane1"),
        ),
        (
            vec![
                mx,
                a,
                ("AAAA a.example.org", "bogus 2001:db8::1"),
                tlsa(good),
            ],
            host("dane1"),
        ),
        (
            vec![mx, tlsa("failed")],
            vec![
                "5 a.example.org NoAddress".into(),
                "5.4.4 Host(NoAddress)".into(),
            ],
        ),
    ] {
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check(request(), &zone, &expected);
    }
}

#[test]
fn dane_of_the_domain_itself_and_of_one_of_two() {
    let (good, a) = ("secure 3 1 1 32", ("A a.example.org", "secure 192.0.2.1"));
    let tlsa = |answer| ("TLSA _25._tcp.a.example.org", answer);
    // The domain itself (RFC 7672 2.2.2).
    check(
        request(),
        &[
            ("MX example.org", "secure none"),
            ("A example.org", "secure 192.0.2.1"),
            ("TLSA _25._tcp.example.org", good),
        ],
        &["0 example.org [192.0.2.1] dane1"],
    );
    // The other host still serves.
    check(
        request(),
        &[
            ("MX example.org", "secure 5 a.example.org, 6 b.example.org"),
            a,
            tlsa("failed"),
            ("A b.example.org", "192.0.2.2"),
        ],
        &[
            "6 b.example.org [192.0.2.2] opportunistic",
            "5 a.example.org TlsaLookup(ServerFailure)",
        ],
    );
}

pub(super) fn policy(mode: &str) -> String {
    format!("version: STSv1\nmode: {mode}\nmx: *.example.org\nmax_age: 86400\n")
}

/// RFC 8461 4.1, 5 and 2.
#[test]
fn mta_sts() {
    let enforce = policy("enforce");
    let testing = policy("testing");
    let none = policy("none");
    let with = |text| Request {
        sts: Some(Policy::parse(text).unwrap()),
        ..request()
    };
    let zone = [
        ("MX example.org", "5 a.example.org, 6 mail.example.net"),
        ("A a.example.org", "192.0.2.1"),
        ("A mail.example.net", "192.0.2.2"),
    ];
    check(
        with(enforce.as_bytes()),
        &zone,
        &[
            "5 a.example.org [192.0.2.1] webpki enforce",
            "6 mail.example.net StsMismatch",
        ],
    );
    check(
        with(testing.as_bytes()),
        &zone,
        &[
            "5 a.example.org [192.0.2.1] opportunistic testing",
            "6 mail.example.net [192.0.2.2] opportunistic mismatch",
        ],
    );
    let plain = [
        "5 a.example.org [192.0.2.1] opportunistic",
        "6 mail.example.net [192.0.2.2] opportunistic",
    ];
    check(with(none.as_bytes()), &zone, &plain);
    let optional = Request {
        tls: TlsWish::Optional,
        ..with(enforce.as_bytes())
    };
    check(optional, &zone, &plain);
    // The domain itself is no host below it; the failure is temporary.
    check(
        with(enforce.as_bytes()),
        &[("MX example.org", "none"), ("A example.org", "192.0.2.1")],
        &["0 example.org StsMismatch", "4.7.5 Host(StsMismatch)"],
    );
    // DANE outranks it, also where it fails; TLSA records that are of no use do not.
    for (tlsa, expected) in [
        (
            "secure 3 1 1 32",
            "5 mail.example.net [192.0.2.2] dane1 mismatch",
        ),
        ("secure none", "5 mail.example.net StsMismatch"),
        ("secure 0 1 1 32", "5 mail.example.net StsMismatch"),
        ("failed", "5 mail.example.net TlsaLookup(ServerFailure)"),
    ] {
        let zone = zone_with_tlsa("mail.example.net", tlsa);
        let zone: Vec<_> = zone.iter().map(|(q, a)| (q.as_str(), a.as_str())).collect();
        let failure = expected.rsplit_once(' ').unwrap().1;
        let failure = format!("4.7.5 Host({failure})");
        let expected: &[&str] = if expected.contains('[') {
            &[expected]
        } else {
            &[expected, &failure]
        };
        check(with(enforce.as_bytes()), &zone, expected);
    }
    for (tlsa, expected) in [
        (
            "secure 3 1 1 32",
            "5 a.example.org [192.0.2.2] dane1 enforce",
        ),
        ("secure none", "5 a.example.org [192.0.2.2] webpki enforce"),
        (
            "secure 0 1 1 32",
            "5 a.example.org [192.0.2.2] webpki enforce",
        ),
    ] {
        let zone = zone_with_tlsa("a.example.org", tlsa);
        let zone: Vec<_> = zone.iter().map(|(q, a)| (q.as_str(), a.as_str())).collect();
        check(with(enforce.as_bytes()), &zone, &[expected]);
    }
}

pub(super) fn zone_with_tlsa(host: &str, tlsa: &str) -> Zone {
    vec![
        ("MX example.org".into(), format!("secure 5 {host}")),
        (format!("A {host}"), "secure 192.0.2.2".into()),
        (format!("TLSA _25._tcp.{host}"), tlsa.into()),
    ]
}

/// RFC 8689 4.2.1 and 4.2.2.
#[test]
fn require_tls() {
    let testing = policy("testing");
    let sts = Some(Policy::parse(testing.as_bytes()).unwrap());
    let required = Request {
        tls: TlsWish::Required,
        ..request()
    };
    let insecure = [
        ("MX example.org", "5 a.example.org"),
        ("A a.example.org", "192.0.2.1"),
    ];
    check(
        required,
        &insecure,
        &["5 a.example.org NotAuthentic", "5.7.10 Host(NotAuthentic)"],
    );
    check(
        Request { sts, ..required },
        &insecure,
        &["5 a.example.org [192.0.2.1] webpki testing"],
    );
    // A policy that does not match vouches for nothing.
    check(
        Request { sts, ..required },
        &[
            ("MX example.org", "5 mail.example.net"),
            ("A mail.example.net", "192.0.2.1"),
        ],
        &[
            "5 mail.example.net NotAuthentic",
            "5.7.10 Host(NotAuthentic)",
        ],
    );
    check(
        required,
        &[
            ("MX example.org", "secure 5 a.example.org"),
            ("A a.example.org", "192.0.2.1"),
        ],
        &["5 a.example.org [192.0.2.1] webpki"],
    );
    check(
        required,
        &[("MX example.org", "none"), ("A example.org", "192.0.2.1")],
        &["0 example.org [192.0.2.1] webpki"],
    );
    for (tlsa, tls) in [("secure 3 1 1 32", "dane1"), ("secure 0 1 1 32", "webpki")] {
        let zone = zone_with_tlsa("a.example.org", tlsa);
        let zone: Vec<_> = zone.iter().map(|(q, a)| (q.as_str(), a.as_str())).collect();
        let expected = format!("5 a.example.org [192.0.2.2] {tls}");
        check(required, &zone, &[&expected]);
        let optional = Request {
            tls: TlsWish::Optional,
            ..required
        };
        check(
            optional,
            &zone,
            &["5 a.example.org [192.0.2.2] opportunistic"],
        );
    }
}
