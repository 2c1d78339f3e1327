//! Tables of zones and the routes that follow, each under every order of answers.

mod tls;
mod zone;

use super::{Families, Limits, NoRoute, Request, Router, TlsWish, Unusable};
use crate::policy::mta_sts::Policy;
use proptest::prelude::*;
use scop_core::{Answer, Lookup, QueryId, Rdata, Security, Step};
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};
use tls::{policy, zone_with_tlsa};
use zone::{Zone, check, request, run};

/// RFC 5321 5.1.
#[test]
fn mail_exchanges() {
    // By preference, whatever the order of the records.
    for mx in [
        "10 a.example.org, 20 b.example.org",
        "20 b.example.org, 10 a.example.org",
    ] {
        check(
            request(),
            &[
                ("MX example.org", mx),
                ("A a.example.org", "192.0.2.1"),
                ("A b.example.org", "192.0.2.3, 192.0.2.2"),
            ],
            &[
                "10 a.example.org [192.0.2.1] opportunistic",
                "20 b.example.org [192.0.2.3 192.0.2.2] opportunistic",
            ],
        );
    }
    // Families in turn; one is enough, also when the other fails.
    check(
        request(),
        &[
            ("MX example.org", "10 a.example.org, 20 b.example.org"),
            ("A a.example.org", "192.0.2.1, 192.0.2.2, 192.0.2.3"),
            ("AAAA a.example.org", "2001:db8::1"),
            ("A b.example.org", "failed"),
            ("AAAA b.example.org", "2001:db8::2"),
        ],
        &[
            "10 a.example.org [2001:db8::1 192.0.2.1 192.0.2.2 192.0.2.3] opportunistic",
            "20 b.example.org [2001:db8::2] opportunistic",
        ],
    );
    // No address: not usable, the next is.
    check(
        request(),
        &[
            ("MX example.org", "10 a.example.org, 20 b.example.org"),
            ("A b.example.org", "192.0.2.2"),
        ],
        &[
            "20 b.example.org [192.0.2.2] opportunistic",
            "10 a.example.org NoAddress",
        ],
    );
    // Named twice: the better preference, in any case of letters; of equals always the same spelling.
    for mx in [
        "10 a.example.org, 5 A.Example.Org",
        "5 A.Example.Org, 10 a.example.org",
        "5 A.Example.Org, 5 a.example.org",
        "5 a.example.org, 5 A.Example.Org",
    ] {
        check(
            request(),
            &[("MX example.org", mx), ("A A.Example.Org", "192.0.2.1")],
            &["5 A.Example.Org [192.0.2.1] opportunistic"],
        );
    }
}

#[test]
fn no_mail_exchange() {
    // No data: the domain itself. Anything else is no reason for that.
    let address = ("A example.org", "192.0.2.1");
    check(
        request(),
        &[("MX example.org", "none"), address],
        &["0 example.org [192.0.2.1] opportunistic"],
    );
    check(
        request(),
        &[("MX example.org", "none")],
        &["0 example.org NoAddress", "5.4.4 Host(NoAddress)"],
    );
    check(
        request(),
        &[("MX example.org", "none"), ("A example.org", "failed")],
        &[
            "0 example.org AddressLookup(ServerFailure)",
            "4.4.3 Host(AddressLookup(ServerFailure))",
        ],
    );
    check(request(), &[address], &["5.1.2 NoSuchDomain"]);
    check(
        request(),
        &[("MX example.org", "failed"), address],
        &["4.4.3 MxLookup(ServerFailure)"],
    );
    check(
        request(),
        &[("MX example.org", "bogus none"), address],
        &["4.4.3 MxLookup(Bogus)"],
    );
    // Records of another type say nothing of mail exchanges.
    let odd = [Rdata::A([192, 0, 2, 1].into())];
    let mut router: Router<'_> = Router::new(request(), &Limits::DEFAULT);
    let route = scop_core::lookup::drive(&mut router, |_| Answer::records(&odd)).unwrap();
    let malformed = NoRoute::MxLookup(scop_core::Failure::Malformed);
    assert_eq!(route.failure(), Some(malformed));
    assert!(malformed.is_temporary());
    // MX without usable hosts is never an implicit MX.
    check(
        request(),
        &[("MX example.org", "10 a.example.org"), address],
        &["10 a.example.org NoAddress", "5.4.4 Host(NoAddress)"],
    );
    // One that may come back makes it temporary.
    check(
        request(),
        &[
            ("MX example.org", "10 a.example.org, 20 b.example.org"),
            ("AAAA b.example.org", "failed"),
        ],
        &[
            "10 a.example.org NoAddress",
            "20 b.example.org AddressLookup(ServerFailure)",
            "4.4.3 Host(AddressLookup(ServerFailure))",
        ],
    );
}

/// RFC 7505 3.
#[test]
fn null_mx() {
    let a = ("A a.example.org", "192.0.2.1");
    check(request(), &[("MX example.org", "0 .")], &["5.1.10 NullMx"]);
    check(
        request(),
        &[("MX example.org", "0 ., 10 a.example.org"), a],
        &["10 a.example.org [192.0.2.1] opportunistic"],
    );
}

#[test]
fn names_that_are_none() {
    for name in [
        "192.0.2.1",
        "192\\.0\\.2\\.1",
        "a\\000.example.org",
        "a b.example.org",
        "7",
    ] {
        let mx = format!("10 {name}");
        check(
            request(),
            &[("MX example.org", &mx)],
            &["5.4.4 Host(BadName)"],
        );
        let mx = format!("10 {name}, 20 a.example.org");
        check(
            request(),
            &[("MX example.org", &mx), ("A a.example.org", "192.0.2.1")],
            &["20 a.example.org [192.0.2.1] opportunistic"],
        );
    }
    for name in ["192.0.2.1", "b\u{fc}cher.example", "7", "[x:y]"] {
        let domain = zone::domain(name);
        check(
            Request {
                domain,
                ..request()
            },
            &[],
            &["5.1.2 BadDomain"],
        );
    }
}

/// RFC 5321 5.1: hosts that are no better than this one are out.
#[test]
fn loops() {
    let own = [&b"b.example.org."[..]];
    let request = Request {
        own_names: &own,
        ..request()
    };
    let hosts = [
        ("A a.example.org", "192.0.2.1"),
        ("A b.example.org", "192.0.2.2"),
        ("A c.example.org", "192.0.2.3"),
    ];
    let with = |mx| [[("MX example.org", mx)].as_slice(), &hosts].concat();
    let first = "5 a.example.org [192.0.2.1] opportunistic";
    for (mx, expected) in [
        (
            "5 a.example.org, 10 B.EXAMPLE.ORG, 10 c.example.org, 20 d.example.org",
            first,
        ),
        (
            "10 c.example.org, 20 d.example.org, 10 b.example.org, 5 a.example.org",
            first,
        ),
        ("5 b.example.org, 10 a.example.org", "5.4.6 Loop"),
        ("5 b.example.org, 5 a.example.org", "5.4.6 Loop"),
        ("5 localhost, 10 a.example.org", "5.4.6 Loop"),
    ] {
        check(request, &with(mx), &[expected]);
    }
    let domain = zone::domain("b.example.org");
    check(
        Request { domain, ..request },
        &[
            ("MX b.example.org", "none"),
            ("A b.example.org", "192.0.2.2"),
        ],
        &["5.4.6 Loop"],
    );
    // By address.
    let own = ["192.0.2.2".parse().unwrap()];
    let request = Request {
        own_addresses: &own,
        own_names: &[],
        ..request
    };
    check(
        request,
        &with("5 a.example.org, 10 b.example.org, 11 c.example.org"),
        &[first, "10 b.example.org Loop", "11 c.example.org Loop"],
    );
    check(
        request,
        &[
            ("MX example.org", "5 a.example.org"),
            ("AAAA a.example.org", "::ffff:192.0.2.2"),
        ],
        &["5 a.example.org Loop", "5.4.6 Loop"],
    );
    // Also where it is one too many to be kept.
    let many: Vec<String> = (100..120).map(|n| format!("192.0.2.{n}")).collect();
    let many = many.join(", ") + ", 192.0.2.2";
    check(
        request,
        &[
            ("MX example.org", "5 a.example.org"),
            ("A a.example.org", &many),
        ],
        &["5 a.example.org Loop", "5.4.6 Loop"],
    );
    let zone = [
        ("MX example.org", "5 a.example.org"),
        ("A a.example.org", "127.0.0.9"),
    ];
    check(request, &zone, &["5 a.example.org Loop", "5.4.6 Loop"]);
    check(
        Request {
            loopback: true,
            ..request
        },
        &zone,
        &["5 a.example.org [127.0.0.9] opportunistic"],
    );
}

#[test]
fn addresses_that_are_none() {
    check(
        request(),
        &[
            ("MX example.org", "5 a.example.org, 6 b.example.org"),
            ("A a.example.org", "0.0.0.0, 224.0.0.1, 255.255.255.255"),
            ("AAAA a.example.org", "::, ff02::1, ::ffff:0.0.0.0"),
            ("A b.example.org", "0.0.0.0, 192.0.2.1, 192.0.2.1"),
        ],
        &[
            "6 b.example.org [192.0.2.1] opportunistic",
            "5 a.example.org NoAddress",
        ],
    );
    // They take no room from those that are some.
    let many: Vec<String> = (0..20).map(|n| format!("224.0.0.{n}")).collect();
    check(
        request(),
        &[
            ("MX example.org", "5 a.example.org"),
            ("A a.example.org", &(many.join(", ") + ", 192.0.2.1")),
        ],
        &["5 a.example.org [192.0.2.1] opportunistic"],
    );
}

#[test]
fn address_literals() {
    let domain = zone::domain("[192.0.2.7]");
    check(
        Request {
            domain,
            ..request()
        },
        &[],
        &["0 - [192.0.2.7] opportunistic"],
    );
    let domain = zone::domain("[IPv6:2001:db8::7]");
    let literal = Request {
        domain,
        ..request()
    };
    check(literal, &[], &["0 - [2001:db8::7] opportunistic"]);
    check(
        Request {
            tls: TlsWish::Required,
            ..literal
        },
        &[],
        &["0  NotAuthentic", "5.7.10 Host(NotAuthentic)"],
    );
    let own = ["2001:db8::7".parse().unwrap()];
    check(
        Request {
            own_addresses: &own,
            ..literal
        },
        &[],
        &["0  Loop", "5.4.6 Loop"],
    );
    let domain = zone::domain("[0.0.0.0]");
    check(
        Request { domain, ..literal },
        &[],
        &["0  NoAddress", "5.4.4 Host(NoAddress)"],
    );
}

#[test]
fn families() {
    let zone = [
        ("MX example.org", "5 a.example.org"),
        ("A a.example.org", "192.0.2.1"),
        ("AAAA a.example.org", "2001:db8::1"),
    ];
    for (families, address) in [(Families::V4, "192.0.2.1"), (Families::V6, "2001:db8::1")] {
        let expected = format!("5 a.example.org [{address}] opportunistic");
        check(
            Request {
                families,
                ..request()
            },
            &zone,
            &[&expected],
        );
    }
}

#[test]
fn limits() {
    let mx: Vec<String> = (0..40)
        .rev()
        .map(|n| format!("{n} h{n}.example.org"))
        .collect();
    let mut zone = vec![("MX example.org".to_string(), mx.join(", "))];
    let many: Vec<String> = (1..=30).map(|n| format!("192.0.2.{n}")).collect();
    zone.extend((0..40).map(|n| (format!("A h{n}.example.org"), many.join(", "))));
    let hosts = |limits: &Limits| {
        let router: Router<'_> = Router::new(request(), limits);
        let (route, asked) = run(router, &zone, |len| len / 2);
        assert!(asked <= limits.queries.into());
        route
    };
    let all = hosts(&Limits::DEFAULT);
    assert_eq!(all.len(), 8); // the room
    assert!(
        all[7].starts_with("7 h7.example.org [192.0.2.1 192.0.2.2 "),
        "{all:?}"
    );
    assert!(all[7].ends_with("192.0.2.8] opportunistic"));
    let limits = Limits {
        hosts: 2,
        addresses: 1,
        ..Limits::DEFAULT
    };
    assert_eq!(
        hosts(&limits),
        [
            "0 h0.example.org [192.0.2.1] opportunistic",
            "1 h1.example.org [192.0.2.1] opportunistic",
        ]
    );
    assert_eq!(
        hosts(&Limits {
            queries: 10,
            ..Limits::DEFAULT
        })
        .len(),
        3
    );
    assert_eq!(
        hosts(&Limits {
            queries: 3,
            ..Limits::DEFAULT
        }),
        ["4.3.5 Limit"]
    );

    let mut router: Router<'_, 3, 2, 40> = Router::new(request(), &Limits::DEFAULT);
    let _ = scop_core::lookup::drive(&mut router, |_| Answer::NoData(Security::Insecure));
    let omitted = router.verdict().unwrap().omitted();
    assert_eq!(
        (omitted.bad_names, omitted.loops, omitted.over_limit),
        (0, 0, 0)
    );

    // Too many TLSA records fail closed: those left out could be the right ones.
    let two = "secure 3 1 1 32, 3 1 1 32";
    let router: Router<'_, 3, 2, 40> = Router::new(request(), &Limits::DEFAULT);
    let (route, _) = run(router, &zone_with_tlsa("a.example.org", two), |_| 0);
    assert_eq!(
        route,
        ["5 a.example.org TooManyTlsa", "4.7.5 Host(TooManyTlsa)"]
    );
    let limits = Limits {
        tlsa_records: 1,
        ..Limits::DEFAULT
    };
    let router: Router<'_> = Router::new(request(), &limits);
    let (route, _) = run(router, &zone_with_tlsa("a.example.org", two), |_| 0);
    assert_eq!(
        route,
        ["5 a.example.org TooManyTlsa", "4.7.5 Host(TooManyTlsa)"]
    );
}

/// Equal preferences: every order comes up, about equally often, and the records' order is nothing.
#[test]
fn entropy_orders_equals() {
    let names = ["a.example.org", "b.example.org", "c.example.org"];
    let mut counts = std::collections::BTreeMap::new();
    for entropy in 0..600 {
        let mut orders = Vec::new();
        for shift in 0..3 {
            let mx: Vec<String> = (0..3)
                .map(|n| format!("5 {}", names[(n + shift) % 3]))
                .collect();
            let mut zone = vec![("MX example.org".to_string(), mx.join(", "))];
            zone.extend(names.map(|name| (format!("A {name}"), "192.0.2.1".to_string())));
            let router: Router<'_> = Router::new(
                Request {
                    entropy,
                    ..request()
                },
                &Limits::DEFAULT,
            );
            orders.push(run(router, &zone, |_| 0).0);
        }
        assert!(orders.iter().all(|order| *order == orders[0]));
        *counts.entry(orders.swap_remove(0)).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 6);
    assert!(
        counts.values().all(|count| (70..130).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn wrong_calls_change_nothing() {
    let mut router: Router<'_> = Router::new(request(), &Limits::DEFAULT);
    let none = Answer::NoData(Security::Insecure);
    assert!(router.verdict().is_none() && router.query(QueryId::new(0)).is_none());
    assert!(router.answer(QueryId::new(0), none).is_err());
    assert_eq!(router.poll(), Step::Query(QueryId::new(0)));
    assert_eq!(router.poll(), Step::Wait);
    for number in [1, 2, 3, u32::MAX] {
        assert!(router.answer(QueryId::new(number), none).is_err());
    }
    assert!(router.answer(QueryId::new(0).tagged(1), none).is_err());
    router.answer(QueryId::new(0), none).unwrap();
    assert!(router.answer(QueryId::new(1), none).is_err()); // not handed out yet
    let _ = scop_core::lookup::drive(&mut router, |_| none);
    assert_eq!(
        router.verdict().unwrap().failure(),
        Some(NoRoute::Host(Unusable::NoAddress))
    );
    assert_eq!(router.poll(), Step::Done);
}

fn any_answer(rtype: &'static str) -> impl Strategy<Value = String> {
    let one = match rtype {
        "A" => {
            proptest::sample::select(vec!["192.0.2.1", "127.0.0.1", "0.0.0.0", "192.0.2.9"]).boxed()
        }
        "AAAA" => proptest::sample::select(vec!["2001:db8::1", "::1", "::ffff:192.0.2.9"]).boxed(),
        _ => {
            proptest::sample::select(vec!["3 1 1 32", "2 0 2 64", "0 1 1 32", "3 0 0 150"]).boxed()
        }
    };
    let records = proptest::collection::vec(one, 1..4).prop_map(|list| list.join(", "));
    let kind = proptest::sample::select(vec!["none", "nxdomain", "failed"]).prop_map(String::from);
    let security = proptest::sample::select(vec!["", "secure ", "secure ", "bogus "]);
    (security, prop_oneof![3 => records, 1 => kind])
        .prop_map(|(security, text)| security.to_string() + &text)
}

fn any_zone() -> impl Strategy<Value = Zone> {
    let hosts = ["a.example.org", "b.example.org", "c.example.net"];
    let names = vec![
        "a.example.org",
        "b.example.org",
        "c.example.net",
        ".",
        "localhost",
        "1.2.3.4",
    ];
    let one =
        (0_u16..3, proptest::sample::select(names)).prop_map(|(n, name)| format!("{n} {name}"));
    let mx = (proptest::bool::ANY, proptest::collection::vec(one, 1..5));
    let mx = mx.prop_map(|(secure, list)| {
        let prefix = if secure { "secure " } else { "" };
        vec![(
            "MX example.org".to_string(),
            format!("{prefix}{}", list.join(", ")),
        )]
    });
    let rest: Vec<_> = hosts
        .iter()
        .flat_map(|host| {
            [
                ("A", format!("A {host}")),
                ("AAAA", format!("AAAA {host}")),
                ("TLSA", format!("TLSA _25._tcp.{host}")),
            ]
        })
        .map(|(rtype, question)| {
            any_answer(rtype).prop_map(move |answer| (question.clone(), answer))
        })
        .collect();
    (mx, rest).prop_map(|(mx, rest)| [mx, rest].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Any order of answers, and of the MX records, gives the same route within the limits; what it says
    /// never falls below what the answers demand.
    #[test]
    fn order_does_not_matter(zone in any_zone(), picks: Vec<prop::sample::Index>, entropy: u64, mode in 0_usize..4, tls in 0_usize..3, hosts in 1_u8..5) {
        let text = policy(["enforce", "testing", "none", "enforce"][mode]);
        let sts = (mode < 3).then(|| Policy::parse(text.as_bytes()).unwrap());
        let tls = [TlsWish::Policy, TlsWish::Required, TlsWish::Optional][tls];
        let own = ["192.0.2.9".parse().unwrap()];
        let request = Request { entropy, sts, tls, own_addresses: &own, ..request() };
        let router: Router<'_> = Router::new(request, &Limits { hosts, ..Limits::DEFAULT });
        let (route, asked) = run(router.clone(), &zone, |_| 0);
        prop_assert!(asked <= 1 + 3 * usize::from(hosts));
        let mut picks = picks.iter().cycle();
        let (other, _) = run(router.clone(), &zone, |len| picks.next().map_or(len - 1, |pick| pick.index(len)));
        prop_assert_eq!(&route, &other);
        let mut turned = zone.clone();
        let (prefix, list) = match turned[0].1.strip_prefix("secure ") {
            Some(list) => ("secure ", list.to_string()),
            None => ("", turned[0].1.clone()),
        };
        let mut list: Vec<&str> = list.split(", ").collect();
        list.reverse();
        turned[0].1 = format!("{prefix}{}", list.join(", "));
        let (other, _) = run(router.clone(), &turned, |_| 0);
        prop_assert_eq!(&route, &other);
        for line in &route {
            prop_assert!(!line.contains("127.0.0.1") && !line.contains("0.0.0.0") && !line.contains("192.0.2.9"));
            if mode == 0 && tls != TlsWish::Optional && line.contains('[') {
                prop_assert!(line.contains("dane") || (line.contains("webpki") && line.contains(".example.org ")), "{}", line);
            }
            if tls == TlsWish::Required && line.contains('[') {
                prop_assert!(line.contains("dane") || line.contains("webpki"));
            }
        }
    }
}
